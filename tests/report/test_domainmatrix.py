"""Domains without a price: what is known is coloured, what is bounded says so, and nothing unknown gets a number."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from betweengiants.position import Position
from betweengiants.position.domains import CELL_SCHEMA, Domains
from betweengiants.position.domains import domains as found_domains
from betweengiants.report.domainmatrix import (
    cells,
    domain_matrix,
    domain_rows,
    firsts,
    firsts_in_words,
    title,
    unknown_sentence,
)
from betweengiants.report.svg import render, to_inline_svg

POWERS = ("RUS", "CHN")
Row = tuple[str, str, float | None, float | None, float | None, int | None]


@pytest.fixture(scope="module")
def found(bare_position: Position) -> Domains:
    return found_domains(bare_position.dossier)


def made(found: Domains, rows: list[Row]) -> Domains:
    """Domains of these cells: measure, status, value, low, high, year; two powers a measure, in order."""
    listed = [
        {
            **dict.fromkeys(CELL_SCHEMA),
            "domain": ("security", "food")[k // 2],
            "measure": measure,
            "role": "headline",
            "power": POWERS[k % 2],
            "status": status,
            "value": value,
            "low": low,
            "high": high,
            "year": year,
            "source_id": "a",
            "age_years": None if year is None else 2025 - year,
            "warnings": "",
            "definition": "x",
        }
        for k, (measure, status, value, low, high, year) in enumerate(rows)
    ]
    return replace(found, powers=POWERS, cells=pl.DataFrame(listed, schema=CELL_SCHEMA))


def test_every_cell_says_what_is_known(bare_position: Position, found: Domains) -> None:
    drawn = cells(bare_position, found)
    heads = found.headline
    assert drawn.height == heads.height
    for cell, row in zip(drawn.to_dicts(), heads.to_dicts(), strict=True):
        if row["status"] == "not_known":
            assert cell["fill"] is None
            assert cell["text"] == "not known"
            assert (row["high"] is not None and row["high"] < 100) == cell["below"].startswith("≤ ")
        elif row["status"] == "at_most":
            assert cell["fill"] is None
            assert cell["text"] == f"≤ {row['value']:.1f}"
        else:
            assert cell["fill"] == row["value"]
            assert cell["text"].endswith(f"{row['value']:.1f}")
            assert cell["text"].startswith("≥ ") == (row["status"] == "at_least")


def test_cells_of_every_status(bare_position: Position, found: Domains) -> None:
    rows: list[Row] = [
        ("arms_import_share", "known", 30.0, 20.0, 40.0, 2024),
        ("arms_import_share", "at_least", 10.0, 10.0, 60.0, 2020),
        ("food_import_share", "none", 0.0, 0.0, 0.5, 2023),
        ("food_import_share", "not_known", None, None, 100.0, None),
    ]
    drawn = cells(bare_position, made(found, rows)).to_dicts()
    assert [cell["text"] for cell in drawn] == ["20.0–40.0", "≥ 10.0", "none", "not known"]
    assert [cell["fill"] for cell in drawn] == [30.0, 10.0, 0.0, None]
    assert [(cell["low"], cell["high"]) for cell in drawn] == [
        (20.0, 40.0),
        (10.0, 60.0),
        (None, None),
        (None, None),
    ]
    assert [cell["old"] for cell in drawn] == ["", "2020", "", ""]
    assert drawn[3]["below"] == ""
    assert [cell["years"] for cell in drawn] == ["2024", "2024", "2023", "2023"]


def test_unknown_cells_are_hatched_and_known_ones_are_not(bare_position: Position, found: Domains) -> None:
    figure = domain_matrix(bare_position, found)
    bare = found.headline.filter(pl.col("status").is_in(["not_known", "at_most"])).height
    for width in (980, 340):
        inline = to_inline_svg(render(figure.draw(width)), figure_id="d", title=figure.title)
        group = inline.split('fill="url(#')
        assert len(group) >= 2
        assert inline.count("not known") >= bare - found.headline.filter(status="at_most").height
        assert "88.0" in inline


def test_who_is_first_is_said_only_where_bounds_do_not_overlap(found: Domains) -> None:
    sure = made(
        found,
        [
            ("arms_import_share", "known", 50.0, 50.0, 50.0, 2024),
            ("arms_import_share", "not_known", None, None, 50.0, None),
            ("food_import_share", "known", 50.0, 50.0, 50.0, 2024),
            ("food_import_share", "not_known", None, None, 51.0, None),
        ],
    )
    assert firsts(sure) == {"security": "RUS"}
    assert title(sure) == "Russia holds the largest share in 1 of 2 domains without a price: security"
    assert "In 1 (food) the bounds overlap" in firsts_in_words(sure)
    nobody = made(
        found,
        [
            ("arms_import_share", "at_most", 50.0, 0.0, 50.0, 2024),
            ("arms_import_share", "not_known", None, None, None, None),
        ],
    )
    assert firsts(nobody) == {}
    assert title(nobody).startswith("In none of 1 domains")


def test_the_gap_sentence_counts(found: Domains) -> None:
    heads = found.headline
    told = unknown_sentence(found)
    assert f"Of {heads.height} shares" in told
    assert f"{heads.filter(status='not_known').height} are not known" in told
    assert "no part of leverage" in told


def test_rows_of_the_page(bare_position: Position, found: Domains) -> None:
    rows = domain_rows(bare_position, found)
    assert [row["domain"].lower() for row in rows] == found.headline["domain"].unique(
        maintain_order=True
    ).to_list()
    assert all(row["sources"] for row in rows)
    known = {row["source_id"] for row in bare_position.dossier.tables["sources"].to_dicts()}
    assert {source for row in rows for source in row["sources"]} <= known
    assert not any("RUS" in row["cover"] for row in rows)
