"""Composite alignment of the dossier: bounded parts on which it stands, named gaps, the same numbers each time."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.position.closeness import (
    CHANNEL,
    PARTS,
    closeness,
    closeness_channel,
    latest_year,
    parts,
)
from betweengiants.position.results import to_frame


def test_every_part_lies_between_0_and_1_and_holds_its_range(dossier: Dossier) -> None:
    table = parts(dossier)
    assert set(table["part"]) <= set(PARTS)
    assert table["value"].is_between(0, 1).all()
    assert (table["low"].fill_null(0) <= table["value"]).all()
    assert (table["high"].fill_null(1) >= table["value"]).all()
    assert table.select("country", "power", "year", "part").is_duplicated().sum() == 0
    assert set(table["power"]) <= set(dossier.powers)


def test_the_composite_lies_within_its_parts(dossier: Dossier) -> None:
    found = closeness(dossier)
    assert found is not None
    rows = found.table.filter(pl.col("alignment").is_not_null())
    table = parts(dossier)
    for row in rows.to_dicts():
        used = table.filter(
            (pl.col("power") == row["power"])
            & (pl.col("year") == row["year"])
            & pl.col("part").is_in(row["parts"])
        )["value"]
        assert min(used) - 1e-12 <= row["alignment"] <= max(used) + 1e-12
    firsts = rows.group_by("year").agg(pl.col("first").sum())
    assert firsts["first"].to_list() == pytest.approx([1.0] * firsts.height, abs=1e-9)


def test_the_sentence_names_every_power_of_the_latest_year(dossier: Dossier) -> None:
    found = closeness(dossier)
    assert found is not None
    sentence = found.sentence(dossier.focal, latest_year(found))
    assert all(power in sentence for power in dossier.powers)


def test_the_same_dossier_gives_the_same_rows(dossier: Dossier) -> None:
    one, two = (to_frame(dossier.focal, closeness_channel(dossier).results) for _ in range(2))
    assert one.equals(two)
    assert set(one["channel"]) == {CHANNEL}


def test_parts_without_a_table_are_named(with_tables: Callable[..., Dossier]) -> None:
    bare = with_tables(visits=None, ideal_points=None)
    assert "visits" not in set(parts(bare)["part"])
    gaps = closeness_channel(bare).gaps
    assert len(gaps) == 1
    assert "visits" in gaps[0]
    assert "ideal points" in gaps[0]


def test_without_any_part_there_is_no_composite(with_tables: Callable[..., Dossier]) -> None:
    names = ("vote_agreement", "ideal_points", "memberships", "agreements", "visits")
    bare = with_tables(**dict.fromkeys(names))
    assert closeness(bare) is None
    assert closeness_channel(bare).results == []
    assert "No composite alignment" in closeness_channel(bare).gaps[0]
