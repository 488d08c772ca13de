"""Peers: chosen by a rule, compared on one matrix, with what their numbers rest on."""

from __future__ import annotations

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.compare_table import Comparison
from betweengiants.report.peers import compared, marks, peers, peers_figure, title, trail
from betweengiants.report.svg import render


@pytest.fixture(scope="module")
def found(bare_position: Position) -> Comparison:
    comparison = compared(bare_position.dossier)
    assert comparison is not None
    return comparison


def with_frames(dossier: Dossier, **frames: pl.DataFrame | None) -> Dossier:
    tables = {name: frame for name, frame in (dossier.tables | frames).items() if frame is not None}
    return Dossier(dossier.header, tables, dossier.hashes)


def test_peers_are_states_of_the_matrix_and_no_powers(bare_position: Position) -> None:
    chosen = peers(bare_position.dossier)
    assert chosen[0] == "KAZ"
    assert len(chosen) == len(set(chosen)) == 8
    assert not set(chosen) & {*bare_position.dossier.powers, "ROW"}
    assert set(chosen) <= set(bare_position.dossier.tables["trade_matrix"]["exporter"])


def test_most_shared_institutions_come_first_then_trade(bare_position: Position) -> None:
    dossier = bare_position.dossier
    rows = [("KAZ", "a"), ("KAZ", "b"), ("JPN", "a"), ("JPN", "b"), ("IND", "b"), ("IND", "c"), ("CHN", "a")]
    table = pl.DataFrame(rows, schema=["country", "institution"], orient="row")
    chosen = peers(with_frames(dossier, memberships=table))
    assert chosen[:3] == ["KAZ", "JPN", "IND"]
    matrix = dossier.tables["trade_matrix"]
    pair = matrix.filter((pl.col("exporter") == "KAZ") ^ (pl.col("importer") == "KAZ"))
    trade = [
        pair.filter((pl.col("exporter") == code) | (pl.col("importer") == code))["value_usd_m"].sum()
        for code in chosen[3:]
    ]
    assert trade == sorted(trade, reverse=True)
    assert peers(with_frames(dossier, memberships=None))[0] == "KAZ"


def test_the_marks_are_the_numbers(found: Comparison) -> None:
    drawn = marks(found, "KAZ")
    for row in drawn.to_dicts():
        measure = "leverage_pct" if row["loss"] else "effective_vectors"
        place = found.coverage.filter(pl.col("state") == row["state"])["row"][0]
        assert row["value"] == found.value(place, measure, row["power"], "short")
    for (_, _), part in drawn.group_by("state", "loss"):
        assert part["top"].sum() == 1
        assert part.filter("top")["value"][0] == part["value"].max()
        assert part.filter(~pl.col("top"))["text"].to_list() == [""] * (part.height - 1)


def test_the_title_counts_those_that_would_lose_more(found: Comparison) -> None:
    drawn = marks(found, "KAZ").filter("loss").group_by("state").agg(pl.col("value").max())
    own = drawn.filter(pl.col("state") == "KAZ")["value"][0]
    more = drawn.filter(pl.col("value") > own).height
    assert f"{more} of {drawn.height - 1} peers would lose more" in title(found, "KAZ")
    assert f"({own:.1f}%)" in title(found, "KAZ")
    largest = drawn.sort("value")["state"][-1]
    assert title(found, largest).startswith("Through trade none of 7 peers would lose more")


def test_the_figure_says_what_its_numbers_rest_on(bare_position: Position, found: Comparison) -> None:
    figure = peers_figure(bare_position, found)
    assert "Kyrgyzstan" in figure.note
    assert "RUS" not in figure.note
    assert "votes" not in figure.note
    for width in (980, 340):
        drawn = render(figure.draw(width))
        assert "China 34.7%" in drawn
        assert "e+1" not in drawn
    assert set(trail(bare_position.dossier, found).tables) <= bare_position.dossier.tables.keys()


def test_a_matrix_of_the_powers_alone_has_no_peers(bare_position: Position) -> None:
    dossier = bare_position.dossier
    kept = ["KAZ", "ROW", *dossier.powers]
    matrix = dossier.tables["trade_matrix"].filter(
        pl.col("exporter").is_in(kept) & pl.col("importer").is_in(kept)
    )
    assert compared(with_frames(dossier, trade_matrix=matrix)) is None
