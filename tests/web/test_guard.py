"""Hosts, headers and policy."""

import pytest
from starlette.datastructures import MutableHeaders

from betweengiants.web.guard import HEADERS, Hosts, is_loopback, policy, secure


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.9", "::1", "0:0:0:0:0:0:0:1"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "192.168.1.2", "example.org", "127.1", "2130706433", "localhost.evil"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "header", ["127.0.0.1", "127.0.0.1:8050", "localhost:1", "Localhost.", "[::1]:8050", "[::1]"]
)
def test_own_hosts(header: str) -> None:
    assert Hosts("127.0.0.1").allows(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "evil.example:8050",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1:8050@evil.example",
        "evil.example#localhost",
        "localhost, evil.example",
        "192.168.1.2:8050",
        "[::2]",
        "::1",
        "localhost:",
        "localhost:123456",
        "localhost/",
        " localhost",
        "2130706433",
    ],
)
def test_strange_hosts(header: str) -> None:
    assert not Hosts("127.0.0.1").allows(header)


def test_the_bound_host_and_addresses_of_a_wildcard() -> None:
    assert Hosts("desk.example").allows("desk.example:8050")
    assert not Hosts("desk.example").allows("192.168.1.2")
    assert Hosts("0.0.0.0").allows("192.168.1.2:8050")
    assert Hosts("::").allows("[fe80::1]:8050")
    assert not Hosts("0.0.0.0").allows("evil.example")


def test_policy_allows_no_script_and_only_its_own_styles() -> None:
    text = policy("<style>a{}</style><style>b{}</style><style>a{}</style>")
    assert text.startswith("default-src 'none'; style-src 'sha256-")
    assert text.count("'sha256-") == 2
    assert "script" not in text
    assert "style-src 'none'" in policy("<p>no styles")


def test_secure_keeps_what_is_there() -> None:
    headers = MutableHeaders({"Content-Security-Policy": "default-src 'self'"})
    secure(headers)
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert all(headers[name] == value for name, value in HEADERS.items())
