"""A dossier is a stranger's text: it is shown as text, never run, never a link to anything but the web."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from betweengiants.position import Position

SCRIPT = "<script>alert('title')</script>"
HANDLER = '"><img src=x onerror="alert(1)">'
QUOTES = """A "quoted" claim's <b>bold</b> & 'single' text"""
URLS = {
    "javascript": "javascript:alert(1)",
    "capitals": "JavaScript:alert(2)",
    "data": "data:text/html,<script>alert(3)</script>",
    "quote": 'https://example.org/"onmouseover="alert(4)',
    "space": "https://example.org/ onclick=alert(5)",
    "file": "file:///etc/passwd",
    "plain": "https://example.org/page?a=1&b=2",
}


@pytest.fixture(scope="module")
def hostile(repacked: Callable[..., Position]) -> Position:
    def sources(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        new = [
            rows[0]
            | {"source_id": f"zz_{name}", "title": f"{SCRIPT} {name}", "publisher": HANDLER, "url": url}
            for name, url in URLS.items()
        ]
        return [*rows, *new]

    def claims(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        rows[0]["statement"] = QUOTES
        rows[1]["statement"] = SCRIPT
        rows[2]["note"] = HANDLER
        return rows

    def edges(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            if row["edge_id"] in ("cpc-rus", "atyrau-samara"):
                row["name"] = HANDLER
                row["source_id"] += "".join(f";zz_{name}" for name in URLS)
            row["note"] = f"{row['note']} {SCRIPT}"
        return rows

    def actors(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            row["name"] = f"{row['name']} <i>{SCRIPT}"
        return rows

    return repacked(
        {"sources": sources, "claims": claims, "network_edges": edges, "actors": actors, "options": None}
    )


@pytest.fixture(scope="module")
def page(hostile: Position, page_of: Callable[..., str], parse):
    return parse(page_of(hostile, ("position", "votes")))


def test_nothing_of_it_becomes_an_element(page) -> None:
    assert page.all("script", "img", "iframe", "i", "b") == []
    for element in page.walk():
        assert not [name for name in element.attributes if name.startswith("on")], element.attributes


def test_it_is_shown_as_it_is(page) -> None:
    text = page.text
    for wanted in (SCRIPT, HANDLER, QUOTES):
        assert wanted in text


def test_only_the_web_is_linked(page) -> None:
    links = {a.attributes["href"] for a in page.all("a")}
    assert URLS["plain"] in links
    for link in links:
        assert link.startswith(("#", "https://", "http://", "tables/", "figures/", "position.json")), link
    for name in ("javascript", "capitals", "data", "space", "file"):
        assert URLS[name] not in links
        assert URLS[name] in page.text


def test_a_quote_in_an_address_stays_in_the_address(page) -> None:
    found = [
        a
        for a in page.all("a")
        if a.attributes["href"].startswith("https://example.org/") and "onm" in a.text
    ]
    assert [set(a.attributes) for a in found] in ([], [{"href", "rel"}])


def test_names_of_routes_stay_text_in_the_drawings(page) -> None:
    for svg in page.all("svg"):
        tags = {element.tag for element in svg.walk()}
        assert tags <= {
            "svg",
            "g",
            "path",
            "text",
            "tspan",
            "title",
            "desc",
            "rect",
            "circle",
            "line",
            "defs",
            "clippath",
            "pattern",
        }


def test_strange_codes_of_powers_and_focal_state(
    position: Position, with_tables: Callable[..., Position], page_of: Callable[..., str], parse
) -> None:
    """Codes are free text in a dossier's tables: they come out as text in sentences, classes and anchors."""
    names: Mapping[str, str] = {"USA": 'U<i>"&', "RUS": "R'<b>"}
    tables = {
        name: frame.with_columns(pl.col(pl.String).replace(names))
        for name, frame in position.dossier.tables.items()
        if name in ("trade_matrix", "vote_agreement", "memberships", "actors")
    }
    other = with_tables(
        powers=(names["RUS"], "CHN", names["USA"], "EU27"),
        network_nodes=None,
        options=None,
        claims=None,
        **tables,
    )
    page = parse(page_of(other, ("position", "votes")))
    assert page.all("i", "b", "script") == []
    answer = [p.text for p in page.all("p") if p.has_class("answer")]
    assert names["RUS"] in answer[0]
    assert names["USA"] in answer[0]
