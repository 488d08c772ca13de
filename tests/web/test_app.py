"""Every address, with and without malice."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from betweengiants.position.whatif import severance
from betweengiants.web import site as site_module
from betweengiants.web.app import app_of, create_app
from betweengiants.web.guard import CLOSED, HEADERS

PAGES = ["/", "/whatif", "/whatif?by=RUS", "/whatif?edge=cpc-sea", "/sources", "/sources/gem_routes"]
DATA = [
    "/position.json",
    "/api/position.json",
    "/api/sever.json?by=RUS",
    "/api/whatif.json?by=RUS",
    "/healthz",
]
FILES = ["/tables/results.csv", "/tables/sources.csv", "/figures/channels.png"]
WRONG = [
    "/nothing",
    "/whatif?by=X",
    "/tables/x.csv",
    "/sources/x",
    "/api/x",
    "/api/sever.json",
    "/api/whatif.json?by=X",
]
# What makes a browser fetch something: never with an address of another host.
ASSET = re.compile(
    r"""(?:\bsrc|srcset|\bdata|poster|xlink:href)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""",
    re.I,
)
LINKED = re.compile(r"<(?:link|script|iframe|object|embed|image|use)\b[^>]*>", re.I)


@pytest.mark.parametrize("path", [*PAGES, *DATA, *FILES])
def test_everything_is_there(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content


@pytest.mark.parametrize("path", [*PAGES, *DATA, *FILES, *WRONG])
def test_headers_are_on_every_answer(client: TestClient, path: str) -> None:
    answers = [
        client.get(path),
        client.head(path),
        client.post(path),
        client.get(path, headers={"Host": "evil.example"}),
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert "script" not in policy
        if answer.headers["Content-Type"].startswith("text/html"):
            assert "style-src 'sha256-" in policy
            assert "form-action 'self'" in policy
        else:
            assert policy == CLOSED


@pytest.mark.parametrize("path", [*PAGES, *DATA, *FILES])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == str(len(got.content))
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/whatif", "/api/position.json", "/nothing"])
def test_only_reading(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", [*PAGES, "/whatif?by=X", "/nothing"])
def test_pages_load_nothing_from_elsewhere_and_run_nothing(client: TestClient, path: str) -> None:
    text = client.get(path).text
    assert not ASSET.search(text)
    assert "<script" not in text.lower()
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text.lower())
    for tag in LINKED.findall(text):
        assert tag == '<link rel="icon" href="data:,">'


def test_links_of_the_report_work(client: TestClient) -> None:
    page = client.get("/").text
    links = set(re.findall(r'href="((?:tables|figures)/[^"]+|position\.json|/[^"#]*)"', page))
    assert "/whatif" in links
    assert "/sources" in links
    assert any(link.startswith("figures/") for link in links)
    sources = {link for link in links if link.startswith("/sources/")}
    assert len(sources) > 100
    for link in (links - sources) | set(sorted(sources)[:5]):
        assert client.get(link).status_code == 200, link


def test_links_of_the_live_pages_work(client: TestClient) -> None:
    for page in ("/whatif", "/whatif?by=RUS&edge=btc", "/sources/gem_routes"):
        for link in set(re.findall(r'href="(/[^"#]*)"', client.get(page).text)):
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link
    text = client.get("/whatif?by=RUS").text
    for anchor in set(re.findall(r'href="#([^"]+)"', text)):
        assert f'id="{anchor}"' in text


def test_every_input_has_a_label(client: TestClient) -> None:
    text = client.get("/whatif").text
    form = text[text.index("<form") : text.index("</form>")]
    outside = re.sub(r"<label[^>]*>.*?</label>", "", form, flags=re.S)
    bare = [
        tag for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", outside) if 'type="hidden"' not in tag
    ]
    assert len(bare) == 1
    assert 'id="theta"' in bare[0]
    assert '<label for="theta">' in form
    assert form.count("<legend") == form.count("<fieldset")


def test_form_keeps_the_question(client: TestClient) -> None:
    text = client.get("/whatif?by=CHN&theta=2.5&capacity=capacity_low&basis=market&edge=btc").text
    checked = set(re.findall(r'name="(\w+)" value="([\w-]+)" checked', text))
    assert checked == {("by", "CHN"), ("capacity", "capacity_low"), ("basis", "market"), ("edge", "btc")}
    assert 'value="2.5"' in text


@pytest.mark.parametrize("group", [("RUS",), ("CHN", "RUS"), ("RUS", "CHN", "USA", "EU27")])
def test_what_if_at_the_default_settings_is_the_position(
    app: Starlette, client: TestClient, group: tuple[str, ...]
) -> None:
    result = app.state.site.position
    answer = client.get("/api/whatif.json", params=[("by", power) for power in group]).json()
    loss = result.number("trade", "leverage_pct", *group, horizon="short")
    short = [
        row["welfare_change_pct"]
        for row in answer["trade"]["elsewhere"]
        if (row["state"], row["horizon"]) == ("KAZ", "short")
    ]
    assert -answer["trade"]["states"][0]["welfare_change_pct"] == pytest.approx(loss.value, rel=1e-9)
    assert (-max(short), -min(short)) == pytest.approx((loss.low, loss.high), rel=1e-9)
    for measure in ("lost_million_t", "lost_usd_m", "lost_pct_gdp", "interdictable", "unreroutable"):
        number = result.number("oil_transit", measure, *group)
        assert answer["oil"]["loss"][measure] == pytest.approx(number.value, rel=1e-9)
    words = f"{loss.value:.1f}% of its real spending"
    assert words in answer["sentence"]
    page = client.get(answer["address"]).text
    assert words in page


def test_what_if_shows_its_trail(app: Starlette, client: TestClient) -> None:
    text = client.get("/whatif?by=RUS&theta=3&edge=btc").text
    hashes = app.state.site.position.dossier.hashes
    for table in ("trade_matrix", "network_edges", "network_control"):
        assert hashes[table] in text
    assert "theta = 3" in text
    assert "closed_edges = btc" in text
    assert 'href="/sources/BACI_V202501_2023"' in text
    assert text.count("<svg") == 2
    assert text.index("<svg") < text.index("By route") < text.index("By buyer")


def test_the_same_question_has_the_same_bytes(app: Starlette, client: TestClient) -> None:
    again = TestClient(app_of(app.state.site), base_url="http://localhost")
    for path in ("/whatif?by=RUS&by=CHN", "/api/whatif.json?by=RUS&theta=2"):
        assert client.get(path).content == again.get(path).content
    assert client.get("/whatif?by=CHN&by=RUS").content == client.get("/whatif?by=RUS&by=CHN").content


def test_sever_is_the_commands_table(app: Starlette, client: TestClient) -> None:
    rows = client.get("/api/sever.json?by=RUS&by=CHN&horizon=short&domain=trade").json()
    expected = severance(app.state.site.position, ["RUS", "CHN"], channel="trade", horizon="short").to_dicts()
    assert rows == json.loads(json.dumps(expected))
    assert {row["channel"] for row in client.get("/api/sever.json?by=USA").json()} == {
        "coupled",
        "trade",
        "oil_transit",
        "gas_transit",
        "freight_transit",
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "no power (by)"),
        ("by=FRA", "unknown power 'FRA'"),
        ("by=RUS&domain=oil", "unknown domain 'oil'"),
        ("by=RUS&horizon=medium", "unknown horizon 'medium'"),
        ("by=RUS&days=3", "unknown field"),
    ],
)
def test_sever_refuses(client: TestClient, query: str, words: str) -> None:
    answer = client.get(f"/api/sever.json?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_position_is_the_reports(app: Starlette, client: TestClient) -> None:
    text = client.get("/api/position.json").text
    assert text == app.state.site.position.to_json()
    assert text == client.get("/position.json").text


def test_tables_are_csv(client: TestClient) -> None:
    answer = client.get("/tables/results.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["focal"] for row in rows} == {"KAZ"}


def test_a_source_shows_every_row_that_names_it(app: Starlette, client: TestClient) -> None:
    dossier, source = app.state.site.position.dossier, "gem_routes"
    text = client.get(f"/sources/{source}").text
    for table, frame in dossier.tables.items():
        if table == "sources" or "source_id" not in frame.columns:
            continue
        rows = [n for n, cell in enumerate(frame["source_id"], 2) if source in (cell or "").split(";")]
        if rows:
            part = text[text.index(f"<summary>{table}: {len(rows)} row") :].split("</details>")[0]
            assert [int(n) for n in re.findall(r'<th scope="row" class="row">(\d+)</th>', part)] == rows


def test_row_numbers_are_those_of_the_file(app: Starlette, client: TestClient, dossier_copy: Any) -> None:
    text = client.get("/sources/gem_routes").text
    part = text[text.index("<summary>network_control:") :]
    number, asset = re.search(r'class="row">(\d+)</th><td><div>([\w-]+)</div>', part).groups()  # type: ignore[union-attr]
    lines = list(csv.reader(io.StringIO((dossier_copy / "network_control.csv").read_text(encoding="utf-8"))))
    assert lines[int(number) - 1][0] == asset


@pytest.mark.parametrize(
    "path",
    [
        "/whatif?by=%3Cscript%3Ealert(1)%3C/script%3E",
        "/whatif?theta=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/whatif?edge=%3Csvg/onload=alert(1)%3E",
        "/whatif?%3Cb%3Ex=1",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/sources/%3Cscript%3Ealert(1)",
        "/tables/%3Cscript%3E.csv",
    ],
)
def test_what_is_echoed_is_escaped(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    body = answer.text.split("</header>")[1]
    assert not re.search(r"<(script|img|svg|b>)", body)
    assert "&lt;" in body


@pytest.mark.parametrize(
    "path",
    [
        "/tables/../position.json",
        "/tables/..%2f..%2fpyproject.toml",
        "/tables/%2e%2e/%2e%2e/etc/passwd",
        "/tables/..%5c..%5cwin.ini",
        "/tables//etc/passwd",
        "/tables/results.csv%00",
        "/figures/%2fetc%2fpasswd",
        "/figures/{name}",
        "/tables/",
        "/sources/..%2f..%2f",
        "/index.html/..",
        "/static/x",
        "/favicon.ico",
    ],
)
def test_no_way_out_of_memory(status_of: Callable[[str], int], path: str) -> None:
    assert status_of(path) == 404


@pytest.mark.parametrize(
    "path", ["/whatif?by=" + "A" * 5000, "/" + "a" * 600, "/whatif?" + "&" * 4100 + "by=RUS"]
)
def test_over_long_addresses(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 414


def test_many_fields(client: TestClient) -> None:
    answer = client.get("/whatif?" + "&".join(["by=RUS"] * 200))
    assert answer.status_code == 400
    assert "found 200 fields" in answer.text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/whatif?theta=2", "found no power that severs"),
        ("/whatif?by=RUS&theta=0", "a number from 0.1 to 50"),
        ("/whatif?by=RUS&theta=abc", "with a decimal point"),
        ("/whatif?by=RUZ", "unknown power &#39;RUZ&#39;"),
        ("/whatif?edge=cpc", "unknown edge &#39;cpc&#39;"),
        ("/whatif?edge=kuryk-baku", "which is planned"),
        ("/whatif?by=%ff", "no UTF-8 text"),
    ],
)
def test_a_bad_question_gets_one_sentence(client: TestClient, path: str, words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert words in answer.text
    assert "Traceback" not in answer.text


def test_the_sentence_is_that_of_the_command_line(app: Starlette, client: TestClient) -> None:
    with pytest.raises(Exception, match="unknown power 'FRA'") as error:
        severance(app.state.site.position, ["FRA"])
    assert client.get("/api/whatif.json?by=FRA").json() == {"error": str(error.value)}


def test_unknown_addresses(client: TestClient) -> None:
    page = client.get("/nothing")
    assert page.status_code == 404
    assert "No page has the address &#39;/nothing&#39;" in page.text
    assert "error" in client.get("/api/nothing").json()
    assert "Did you mean tables/results.csv" in client.get("/tables/result.csv").text
    assert "did you mean gem_routes" in client.get("/sources/gem_route").text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "192.168.0.1"]
)
def test_strange_hosts_are_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/position.json", headers={"Host": host})
    assert answer.status_code == 400
    assert "names a host" in answer.json()["error"]


def test_two_host_headers_are_refused(client: TestClient) -> None:
    answer = client.get("/", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")])
    assert answer.status_code == 400


def test_an_unexpected_error_tells_the_reader_nothing(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*anything: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("betweengiants.web.pages.sources_page", broken)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as quiet:
        answer = quiet.get("/sources")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert all(answer.headers[name] == value for name, value in HEADERS.items())
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]


def test_no_solution_is_not_the_readers_fault(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    from betweengiants.core.errors import NoEquilibrium
    from betweengiants.position.live import Live

    def unsolved(*anything: object) -> None:
        raise NoEquilibrium("x", "nothing clears")

    monkeypatch.setattr(Live, "ask", unsolved)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.get("/whatif?by=RUS&theta=7.123")
    assert answer.status_code == 422
    assert "no finite equilibrium" in answer.text


def test_a_hostile_dossier_is_escaped(app: Starlette) -> None:
    site = app.state.site
    dossier = site.position.dossier
    sources = dossier.tables["sources"].clone()
    first = sources["source_id"][0]
    bad = "<script>alert(1)</script>"
    row = {"title": bad, "publisher": bad, "url": "javascript:alert(1)", "note": bad}
    hit = sources["source_id"] == first
    import polars as pl

    sources = sources.with_columns(
        **{name: pl.when(hit).then(pl.lit(value)).otherwise(pl.col(name)) for name, value in row.items()}
    )
    hostile = replace(dossier, tables=dossier.tables | {"sources": sources})
    changed = replace(site, position=replace(site.position, dossier=hostile))
    with TestClient(app_of(changed), base_url="http://127.0.0.1") as client:
        for path in (f"/sources/{first}", "/sources"):
            text = client.get(path).text
            assert "<script" not in text
            assert 'href="javascript' not in text


def test_a_dossier_without_a_network(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    dossier = app.state.site.position.dossier
    tables = {name: frame for name, frame in dossier.tables.items() if not name.startswith("network_")}

    def write_page(position: Any, folder: Any, progress: Any) -> Any:
        page = folder / "index.html"
        page.write_text("<html><header></header></html>", encoding="utf-8")
        return type("Written", (), {"files": (page,)})

    monkeypatch.setattr(site_module, "write_report", write_page)
    with TestClient(create_app(replace(dossier, tables=tables)), base_url="http://127.0.0.1") as client:
        form = client.get("/whatif").text
        assert 'name="edge"' not in form
        assert 'name="capacity"' not in form
        answer = client.get("/api/whatif.json?by=RUS").json()
        assert answer["oil"] is None
        assert "crude" not in answer["sentence"]
        assert client.get("/whatif?by=RUS").status_code == 200
        assert client.get("/whatif?edge=btc").status_code == 400


def test_a_page_without_a_header_is_found_out() -> None:
    with pytest.raises(ValueError, match="no </header>"):
        site_module.with_links("<html></html>")
