"""The page: structure, links, tables, alternatives for readers who do not see, nothing from elsewhere, no script."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import polars as pl
import pytest

from betweengiants.position import Position
from betweengiants.report import Written
from betweengiants.report.figure import Figure
from betweengiants.report.style import POWER_COLOURS
from betweengiants.report.words import HYPHEN_MINUS, with_names

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LOADING = (
    "link",
    "script",
    "img",
    "iframe",
    "frame",
    "object",
    "embed",
    "video",
    "audio",
    "source",
    "base",
    "form",
)
SOMEWHERE = re.compile(r"@import|url\(\s*(?!['\"]?#)|https?:|//", re.IGNORECASE)
VERDICTS = {"supported", "imprecise", "contradicted", "implausible", "unverifiable"}


def test_one_document_in_one_language(page, page_text: str) -> None:
    assert page_text.startswith("<!DOCTYPE html>")
    html = page.all("html")
    assert len(html) == 1
    assert html[0].attributes["lang"] == "en"
    assert len(page.all("title", within="head")) == 1
    assert page.all("title", within="head")[0].text == page.all("h1")[0].text
    assert len(page.all("main")) == 1
    assert {meta.attributes.get("charset") for meta in page.all("meta")} > {"utf-8"}
    assert any(meta.attributes.get("name") == "viewport" for meta in page.all("meta"))


def test_headings_go_down_one_step_at_a_time(page) -> None:
    assert_headings(page)


def assert_headings(page) -> None:
    levels = [int(heading.tag[1]) for heading in page.all(*HEADINGS)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    for before, after in itertools.pairwise(levels):
        assert after <= before + 1, levels
    assert all(heading.text.strip() for heading in page.all(*HEADINGS))


def test_every_figure_can_be_read_without_seeing_it(page, figures: dict[str, Figure]) -> None:
    shown = page.all("figure")
    assert {figure.attributes["id"] for figure in shown} == {f"figure-{name}" for name in figures}
    for figure in shown:
        name = figure.attributes["id"]
        captions = figure.all("figcaption")
        assert len(captions) == 1, name
        assert len(captions[0].all(*HEADINGS)) == 1, name
        drawings = figure.all("svg")
        assert len(drawings) == 2, name
        for svg in drawings:
            assert svg.attributes["role"] == "img"
            assert svg.attributes["aria-label"] == captions[0].all(*HEADINGS)[0].text
            described = svg.attributes["aria-describedby"]
            notes = [e for e in svg.walk() if e.attributes.get("id") == described]
            assert len(notes[0].text) > 20
            assert "viewbox" in svg.attributes
            assert not {"width", "height"} & svg.attributes.keys()


def test_every_figure_has_its_numbers_and_files_beside_it(page) -> None:
    for figure in page.all("figure"):
        name = figure.attributes["id"].removeprefix("figure-")
        tables = figure.all("table")
        assert len(tables) == 1, name
        assert tables[0].inside("details")
        assert len(tables[0].all("tr")) > 2
        links = {a.attributes["href"] for a in figure.all("a")}
        assert {f"tables/figure-{name}.csv", f"figures/{name}.png"} <= links
        assert any(href.startswith("#trail-") for href in links)


def test_tables_have_heads_that_say_what_they_head(page) -> None:
    for table in page.all("table"):
        assert len(table.all("thead")) == 1
        heads = table.all("th", within="thead")
        assert heads
        assert all(head.attributes.get("scope") == "col" and head.text.strip() for head in heads)
        assert not table.all("td", within="thead")
        for row in table.all("tr", within="tbody"):
            cells = row.all("td", "th")
            assert len(cells) == len(heads), row.text
            assert all(cell.attributes.get("scope") == "row" for cell in row.all("th"))


def test_ids_are_unique(page) -> None:
    ids = Counter(e.attributes["id"] for e in page.walk() if "id" in e.attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    assert not [name for name in ids if not name or re.search(r"\s", name)]


def test_links_inside_the_page_lead_somewhere(page) -> None:
    assert_links(page)


def assert_links(page) -> None:
    ids = {e.attributes["id"] for e in page.walk() if "id" in e.attributes}
    inner = [e.attributes["href"] for e in page.walk() if e.attributes.get("href", "").startswith("#")]
    assert len(inner) > 20
    assert [href for href in inner if href[1:] not in ids] == []
    for element in page.walk():
        for value in element.attributes.values():
            assert all(name in ids for name in re.findall(r"url\(#([^)]+)\)", value))
        for name in ("aria-describedby", "aria-labelledby", "for", "headers"):
            assert all(target in ids for target in element.attributes.get(name, "").split())


def test_relative_links_are_files_that_were_written(page, written: Written) -> None:
    folder = written.page.parent
    files = {path.relative_to(folder).as_posix() for path in written.files}
    relative = [
        a.attributes["href"]
        for a in page.all("a")
        if not re.match(r"#|https?:", a.attributes.get("href", "#"))
    ]
    assert len(relative) >= 14
    assert [href for href in relative if href not in files] == []
    tables = {name for name in files if name.startswith("tables/")}
    assert tables - {"tables/coverage.csv"} <= set(relative)


def test_nothing_is_loaded_from_elsewhere(page) -> None:
    assert_alone(page)


def assert_alone(page) -> None:
    assert page.all(*LOADING) == []
    for element in page.walk():
        attributes = element.attributes
        assert not {"src", "srcset", "data", "action", "background", "poster", "ping"} & attributes.keys(), (
            element.tag
        )
        for name in ("href", "xlink:href"):
            value = attributes.get(name, "#")
            if element.tag == "a":
                assert urlsplit(value).scheme in ("", "http", "https")
            else:
                assert value.startswith("#"), (element.tag, value)
        assert not SOMEWHERE.search(attributes.get("style", ""))
        if element.tag == "style":
            assert not SOMEWHERE.search(element.text)
    for link in page.all("a"):
        if urlsplit(link.attributes.get("href", "")).scheme:
            assert link.inside("li"), "only the list of sources leads outside"
            assert "noreferrer" in link.attributes["rel"]


def test_nothing_runs(page) -> None:
    assert_still(page)


def assert_still(page) -> None:
    assert page.all("script", "iframe", "object", "embed", "foreignobject", "animate", "set") == []
    for element in page.walk():
        assert not [name for name in element.attributes if name.startswith("on")], element.tag
        assert not any(
            "javascript:" in value.lower() for name, value in element.attributes.items() if name == "href"
        )


def test_the_page_forbids_what_it_does_not_need(page) -> None:
    policy = [
        meta.attributes["content"]
        for meta in page.all("meta", within="head")
        if meta.attributes.get("http-equiv", "").lower() == "content-security-policy"
    ]
    assert len(policy) == 1
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy[0].split(";") if rule.strip()}
    assert rules["default-src"] == ["'none'"]
    assert "script-src" not in rules
    assert rules["base-uri"] == ["'none'"]
    assert not any("http" in value or value == "*" for values in rules.values() for value in values)


def test_dark_and_print_have_rules_and_tables_scroll(page) -> None:
    css = "".join(style.text for style in page.all("style"))
    assert re.search(r"@media[^{]*prefers-color-scheme:\s*dark", css)
    assert re.search(r"@media\s+print", css)
    assert re.search(r"@media[^{]*max-width", css)
    for code, colour in POWER_COLOURS.items():
        assert f"{code}{{--power:{colour}" in css
    used = set(re.findall(r"var\((--[a-z-]+)", css)) | {
        name
        for e in page.walk()
        for value in e.attributes.values()
        for name in re.findall(r"var\((--[a-z-]+)", value)
    }
    declared = set(re.findall(r"(--[a-z-]+)\s*:", css))
    assert used <= declared


def test_sources_on_the_page_resolve(page, position: Position) -> None:
    listed = {
        e.attributes["id"].removeprefix("source-")
        for e in page.all("li")
        if e.attributes.get("id", "").startswith("source-")
    }
    used = {a.text for a in page.all("a") if a.has_class("src")}
    assert len(used) > 50
    assert used == listed
    known = set(position.dossier.tables["sources"]["source_id"])
    assert listed <= known
    assert f"{len(listed)} sources" in page.text
    assert f"{len(known - listed)} more" in page.text
    for trail in position.trails.values():
        assert set(trail.sources) <= used


def test_every_number_of_the_answer_leads_to_its_trail(page, position: Position) -> None:
    answers = [p for p in page.all("p") if p.has_class("answer")]
    assert len(answers) == 3
    assert [p.has_class("lead") for p in answers] == [True, False, False]
    year = str(position.trails["votes"].parameters["latest_full_year"])
    linked: dict[str, set[str]] = {}
    for paragraph in answers:
        for child in paragraph.children:
            if isinstance(child, str):
                # the year of the votes, the ends of the scale and the count of powers are no results
                assert set(re.findall(r"\d[\d.,]*\d|\d", child)) <= {year, "0", "1", "4"}, child
            else:
                assert child.tag == "a"
                linked.setdefault(child.attributes["href"], set()).add(child.text)
    assert set(linked) == {"#trail-coupled", "#trail-votes"}
    joint, votes = " ".join(linked["#trail-coupled"]), " ".join(linked["#trail-votes"])
    for power in position.dossier.powers:
        loss = position.number("coupled", "leverage_pct", power, horizon="short").value
        assert f"{loss:.1f}" in joint
    powers = position.dossier.powers
    assert f"{position.number('coupled', 'effective_vectors', *powers, horizon='short').value:.1f}" in joint
    assert f"{position.number('votes', 'vote_agreement', 'CHN', period=year).value:.2f}" in votes


def test_trails_show_model_settings_tables_and_sums(page, position: Position) -> None:
    for name, trail in position.trails.items():
        articles = [e for e in page.walk() if e.attributes.get("id") == f"trail-{name}"]
        assert len(articles) == 1
        text = articles[0].text
        assert trail.model in text
        assert trail.interval in text
        for table in trail.tables:
            assert table in text
            assert position.dossier.hashes[table][:16] in text
        for setting in trail.parameters:
            assert setting in text


def test_verdicts_are_words(page, position: Position) -> None:
    marks = [e for e in page.walk() if e.has_class("verdict")]
    assert len(marks) > position.dossier.tables["claims"].height
    assert {mark.text.strip() for mark in marks} <= VERDICTS
    rows = [e for e in page.all("tr") if e.attributes.get("id", "").startswith("claim-")]
    assert {row.attributes["id"] for row in rows} == {
        f"claim-{claim}" for claim in position.dossier.tables["claims"]["claim_id"]
    }
    for row in rows:
        assert [mark for mark in row.walk() if mark.has_class("verdict")]


def test_the_answer_comes_before_everything_else(page) -> None:
    order = [e for e in page.walk() if e.tag in ("nav", "figure", "table") or e.has_class("answer")]
    assert [e.has_class("answer") for e in order[:4]] == [True, True, True, False]
    assert order[3].tag == "nav"


def test_negative_numbers_have_a_minus(page) -> None:
    """U+2212 and no hyphen, in text and in what is read aloud."""
    texts = [page.all("body")[0].text]
    texts += [
        e.attributes[name] for e in page.walk() for name in ("aria-label", "title") if name in e.attributes
    ]
    hyphens = [text[m.start() - 30 : m.end() + 10] for text in texts for m in HYPHEN_MINUS.finditer(text)]
    assert hyphens == []
    assert sum(text.count("−") for text in texts) > 5


def test_long_lists_are_folded(page, position: Position) -> None:
    rows = [e for e in page.all("tr") if e.attributes.get("id", "").startswith("claim-")]
    sources = [e for e in page.all("li") if e.attributes.get("id", "").startswith("source-")]
    assert all(e.inside("details") for e in (*rows, *sources))
    folds = [
        e for e in page.all("details") if e.all("summary") and any(r.inside("details") for r in e.all("li"))
    ]
    assert all(len(fold.all("li")) <= 50 for fold in folds if fold.all("ol"))
    settings = [e for e in page.walk() if e.has_class("setting")]
    assert settings
    assert all(e.inside("details") for e in settings)


def test_powers_are_named_beside_their_colour(page) -> None:
    chips = [e for e in page.walk() if e.has_class("chip")]
    assert len(chips) >= 8
    for chip in chips:
        assert chip.parent is not None
        assert chip.parent.text.strip()


def test_gaps_are_on_the_page(page, position: Position) -> None:
    assert_gaps(page, position)


def assert_gaps(page, position: Position) -> None:
    """Every gap, with names for codes."""
    text = page.text
    assert position.gaps
    assert [gap for gap in position.gaps if with_names(gap, position.dossier) not in text] == []


def test_no_number_is_missing_or_endless(page) -> None:
    assert_no_hole(page)


def assert_no_hole(page) -> None:
    shown = page.all("body")[0].text
    assert not re.search(r"\b(nan|NaN|inf|Infinity|undefined)\b", shown)
    assert not [
        cell for cell in page.all("td", "li", "p") if cell.text.strip() in ("None", "null", "()", ".")
    ]
    assert not re.search(r"None[%,;.)]|\(None", shown)
    assert "{{" not in shown
    assert "{%" not in shown
    assert "-0.0%" not in shown


@pytest.mark.parametrize("missing", ["network", "votes", "everything"])
def test_a_dossier_with_less_gives_a_page_with_less(
    with_tables: Callable[..., Position], page_of: Callable[..., str], parse, missing: str
) -> None:
    bare = {
        "network": {"network_nodes": None, "network_edges": None},
        "votes": {"vote_agreement": None},
        "everything": {
            "network_nodes": None,
            "network_edges": None,
            "vote_agreement": None,
            "memberships": None,
            "claims": None,
        },
    }[missing]
    position = with_tables(**bare, options=None)
    page = parse(page_of(position, undrawn=("oil-map",) if position.oil is not None else ()))
    figures = {figure.attributes["id"] for figure in page.all("figure")}
    assert ("figure-oil-map" in figures) == (missing == "votes")
    assert ("figure-votes" in figures) == (missing == "network")
    assert "figure-channels" in figures
    assert_links(page)
    assert_alone(page)
    assert_still(page)
    assert_gaps(page, position)
    assert_no_hole(page)
    assert_headings(page)


def test_a_state_that_trades_with_no_power_has_a_page(
    position: Position, with_tables: Callable[..., Position], page_of: Callable[..., str], parse
) -> None:
    powers = list(position.dossier.powers)
    cut = (pl.col("exporter") == "KAZ") & pl.col("importer").is_in(powers)
    cut |= pl.col("exporter").is_in(powers) & (pl.col("importer") == "KAZ")
    flows = position.dossier.tables["trade_matrix"].with_columns(
        value_usd_m=pl.when(cut).then(0.0).otherwise("value_usd_m")
    )
    page = parse(page_of(with_tables(trade_matrix=flows, network_nodes=None, memberships=None), ("votes",)))
    assert_no_hole(page)
    assert "not defined" in page.text  # autonomy: nothing to lose to anybody
    assert not re.search(r"-0\.0+(?!\d)", page.text)
