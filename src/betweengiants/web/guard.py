"""What stands before every page: which hosts, methods and lengths are let in, and the headers that every answer bears."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_PATH = 512
LONGEST_QUERY = 4096
WILDCARDS = ("0.0.0.0", "::", "")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CLOSED = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
Refuse = Callable[[Scope, int, str], Response]

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def policy(html: str) -> str:
    """Content security policy of a page: no script, nothing from elsewhere, only the style sheets that it holds.

    Style attributes are allowed, because the charts use them.
    """
    sums = sorted({hashlib.sha256(text.encode("utf-8")).digest() for text in _STYLE.findall(html)})
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in sums) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def secure(headers: MutableHeaders) -> None:
    """Add the headers that an answer does not have yet."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", CLOSED)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which Host headers are answered.

    A page from elsewhere whose name is made to point to this machine (DNS rebinding) sends its own name, and is
    refused. Addresses cannot be rebound, so that all of them will do where the server listens on every address.

    Attributes:
        bound: the host that the server listens on.
    """

    bound: str

    def allows(self, header: str) -> bool:
        """Whether a Host header is one of ours: a loopback name, or the bound host."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        host = (match[1] or match[2]).lower().removesuffix(".")
        if is_loopback(host) or host == self.bound.lower():
            return True
        return self.bound in WILDCARDS and _address(host) is not None


class Guard:
    """ASGI middleware: refuses what should not get in, and dresses every answer."""

    def __init__(self, app: ASGIApp, hosts: Hosts, refuse: Refuse) -> None:
        self.app, self.hosts, self.refuse = app, hosts, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        head = scope["method"] == "HEAD"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(MutableHeaders(scope=message))
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        fault = self._fault(scope)
        answer = self.refuse(scope, *fault) if fault else self.app
        if fault and fault[0] == 405:
            assert isinstance(answer, Response)
            answer.headers["Allow"] = "GET, HEAD"
        await answer(scope, receive, dressed)

    def _fault(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence of a refusal."""
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not self.hosts.allows(hosts[0]):
            return (
                400,
                "The request names a host that is not this server's. Use the address that the server printed.",
            )
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "Only GET and HEAD are answered: nothing can be changed here."
        if len(scope["path"]) > LONGEST_PATH or len(scope.get("query_string", b"")) > LONGEST_QUERY:
            return (
                414,
                f"The address is too long; allowed: a path of {LONGEST_PATH} and a query of {LONGEST_QUERY} bytes.",
            )
        return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
