"""Alignment in the position: the numbers of the tables, their ranges, and what is missing by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.alignment.memberships import shared_memberships
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.alignment_channel import alignment_channel, latest_full_year

POWERS = ("RUS", "CHN", "USA", "EU27")


def test_agreement_is_that_of_the_table(position: Position) -> None:
    rows = position.dossier.tables["vote_agreement"].filter(
        (pl.col("country") == "KAZ") & pl.col("power").is_in(POWERS)
    )
    assert rows.height > 100
    for row in rows.to_dicts():
        place = {"period": str(row["year"])}
        agreement = position.number("votes", "vote_agreement", row["power"], **place)
        assert agreement.value == row["agreement"]
        half = 1.959964 * (row["agreement_se"] or 0)
        assert agreement.low == pytest.approx(max(0, row["agreement"] - half))
        assert agreement.high == pytest.approx(min(1, row["agreement"] + half))
        assert position.number("votes", "vote_count", row["power"], **place).value == row["n"]
        assert position.number("votes", "vote_s_score", row["power"], **place).value == row["s_score"]
        for name in ("kappa", "pi"):
            if row[name] is not None:
                assert position.number("votes", f"vote_{name}", row["power"], **place).value == row[name]
    stated = position.results.filter((pl.col("channel") == "votes") & (pl.col("measure") == "vote_agreement"))
    assert stated.height == rows.height


@pytest.mark.parametrize("power", POWERS)
def test_institutions_are_counted_by_the_engine(position: Position, power: str) -> None:
    year = position.dossier.header.base_year
    table = position.dossier.tables["memberships"]
    row = shared_memberships(table, "KAZ", [power], on=year, undated="include").row(0, named=True)
    assert position.number("institutions", "shared_memberships", power).value == row["shared"]
    assert position.number("institutions", "membership_overlap", power).value == row["jaccard"]
    assert row["shared_undated"] <= row["shared"]


def test_who_shares_most_is_no_surprise(position: Position) -> None:
    shared = {p: position.number("institutions", "shared_memberships", p).value for p in POWERS}
    assert max(shared, key=lambda p: shared[p]) == "RUS"
    assert min(shared, key=lambda p: shared[p]) == "EU27"
    year = str(position.trails["votes"].parameters["latest_full_year"])
    agreement = {p: position.number("votes", "vote_agreement", p, period=year).value for p in POWERS}
    assert agreement["CHN"] > agreement["RUS"] > agreement["USA"]


def test_a_part_of_a_year_is_not_the_latest() -> None:
    votes = pl.DataFrame({"year": [2020, 2021, 2022, 2023], "n": [80, 90, 100, 12]})
    assert latest_full_year(votes) == 2022
    assert latest_full_year(votes.filter(pl.col("year") < 2022)) == 2021
    assert latest_full_year(votes.filter(pl.col("year") == 2023)) == 2023


def test_missing_powers_are_named(with_tables: Callable[..., Dossier], dossier: Dossier) -> None:
    votes = dossier.tables["vote_agreement"].filter(pl.col("power") != "EU27")
    members = dossier.tables["memberships"].filter(pl.col("country") != "USA")
    channel = alignment_channel(with_tables(vote_agreement=votes, memberships=members))
    assert channel.gaps == ["No votes with EU27.", "No memberships of USA in the dossier."]
    assert {r.coalition for r in channel.results if r.channel == "votes"} == {"RUS", "CHN", "USA"}
    assert {r.coalition for r in channel.results if r.channel == "institutions"} == {"RUS", "CHN", "EU27"}


def test_votes_of_others_only_are_no_votes(with_tables: Callable[..., Dossier], dossier: Dossier) -> None:
    """A table without a row on the focal state: gaps, no numbers, and no trail without numbers."""
    votes = dossier.tables["vote_agreement"].filter(pl.col("country") != "KAZ")
    channel = alignment_channel(with_tables(vote_agreement=votes))
    assert [r for r in channel.results if r.channel == "votes"] == []
    assert [trail.trail for trail in channel.trails] == ["institutions"]
    assert len([gap for gap in channel.gaps if gap.startswith("No votes with")]) == len(POWERS)


def test_a_table_without_standard_errors_or_kappa_gives_points(
    with_tables: Callable[..., Dossier], dossier: Dossier
) -> None:
    empty = pl.lit(None, pl.Float64)
    votes = dossier.tables["vote_agreement"].with_columns(agreement_se=empty, kappa=empty, pi=empty)
    channel = alignment_channel(with_tables(vote_agreement=votes))
    measures = {r.measure for r in channel.results if r.channel == "votes"}
    assert measures == {"vote_agreement", "vote_count", "vote_s_score"}
    for result in channel.results:
        assert result.number.low == result.number.value == result.number.high
        assert math.isfinite(result.number.value)
