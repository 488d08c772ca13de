"""Closures that end, on the built-in dossier: closed forms, bounds, and names that are refused."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position.systems import systems_of
from betweengiants.position.timed import SCHEMA, TOTAL, timed_severance

Tables = Callable[..., Dossier]


@pytest.fixture(scope="module")
def timeless(with_tables: Tables) -> Dossier:
    """The built-in dossier without stores and ramps."""
    return with_tables(network_storage=None, network_ramps=None)


def oil(frame: pl.DataFrame) -> dict[str, float]:
    return frame.filter(channel="oil_transit", commodity=TOTAL).to_dicts()[0]


def test_every_system_has_its_commodities_and_a_total(dossier: Dossier) -> None:
    table = timed_severance(dossier, days=14, by=["RUS"], recovery_days=14).table
    assert dict(table.schema) == SCHEMA
    channels = [system.channel for system in systems_of(dossier)]
    assert table["channel"].unique(maintain_order=True).to_list() == channels
    assert table.filter(commodity=TOTAL)["channel"].to_list() == channels
    for row in table.filter(channel="oil_transit").to_dicts():
        assert row["unit"] == "million_t"
        assert row["lost_pct"] == pytest.approx(100 * row["lost"] / row["before"])


def test_without_a_clock_a_closure_loses_its_share_of_a_steady_year(timeless: Dossier) -> None:
    for days in (10, 73):
        row = oil(timed_severance(timeless, days=days, by=["RUS"], systems=["oil"], recovery_days=0).table)
        assert row["before"] == pytest.approx(78.3 * days / 365)
        assert row["lost"] == pytest.approx(row["steady_lost"])
        assert row["steady_lost_usd_m"] > 0
        # the same loss may be sold to other buyers, so money agrees as tightly as quantity
        assert row["lost_usd_m"] == pytest.approx(row["steady_lost_usd_m"])


def test_losses_are_those_of_the_steady_channel(timeless: Dossier, position) -> None:  # type: ignore[no-untyped-def]
    yearly = position.number("oil_transit", "lost_million_t", "RUS").value
    row = oil(timed_severance(timeless, days=365, by=["RUS"], systems=["oil"], recovery_days=0).table)
    assert row["lost"] == pytest.approx(yearly)


def test_stores_and_ramps_bound_what_is_lost(dossier: Dossier, timeless: Dossier) -> None:
    short = oil(timed_severance(dossier, days=3, edges=["cpc-sea"], systems=["oil"], recovery_days=0).table)
    without = oil(
        timed_severance(timeless, days=3, edges=["cpc-sea"], systems=["oil"], recovery_days=0).table
    )
    assert (
        short["lost"] >= without["lost"] - 1e-9
    )  # detours need notice, and the store lies before the mooring
    longer = oil(timed_severance(dossier, days=30, edges=["cpc-sea"], systems=["oil"], recovery_days=0).table)
    assert longer["lost"] > short["lost"]


def test_a_longer_closure_never_loses_less_value_over_one_window(dossier: Dossier) -> None:
    lost = [
        oil(
            timed_severance(
                dossier, days=days, by=["RUS"], systems=["oil"], recovery_days=84 - days, step_days=7
            ).table
        )["lost"]
        for days in (14, 42, 84)
    ]
    assert lost == sorted(lost)
    assert lost[0] < lost[-1]


def test_a_closed_edge_alone_touches_its_own_system(dossier: Dossier) -> None:
    result = timed_severance(dossier, days=14, edges=["cpc-sea"], recovery_days=0)
    assert result.table["channel"].unique().to_list() == ["oil_transit"]
    others = [system.name for system in systems_of(dossier) if system.name != "oil"]
    assert [note for note in result.notes if note.endswith("nothing of it closes.")] == [
        f"{name}: nothing of it closes." for name in others
    ]
    assert any(note.startswith("oil: own goods that still cross the border") for note in result.notes)


def test_an_edge_comes_on_top_of_a_power(dossier: Dossier) -> None:
    arguments = {"days": 28, "systems": ["oil"], "recovery_days": 0}
    alone = oil(timed_severance(dossier, by=["RUS"], **arguments).table)  # type: ignore[arg-type]
    more = oil(timed_severance(dossier, by=["RUS"], edges=["aktau-baku"], **arguments).table)  # type: ignore[arg-type]
    assert more["lost"] > alone["lost"]


def test_the_same_question_gives_the_same_answer(dossier: Dossier) -> None:
    first, second = (
        timed_severance(dossier, days=21, by=["RUS", "CHN"], systems=["oil"], recovery_days=7)
        for _ in range(2)
    )
    assert first.table.equals(second.table)
    assert first.notes == second.notes


def test_what_is_refused(dossier: Dossier, with_tables: Tables) -> None:
    with pytest.raises(UnknownLabel, match="unknown power 'RUSS'"):
        timed_severance(dossier, days=5, by=["RUSS"])
    with pytest.raises(UnknownLabel, match=r"unknown operating edge 'cpc-see'; .*cpc-sea"):
        timed_severance(dossier, days=5, edges=["cpc-see"])
    with pytest.raises(UnknownLabel, match="unknown system 'water'"):
        timed_severance(dossier, days=5, by=["RUS"], systems=["water"])
    with pytest.raises(DataError, match="neither a power nor an edge"):
        timed_severance(dossier, days=5)
    with pytest.raises(DataError, match="days -1"):
        timed_severance(dossier, days=-1, by=["RUS"], systems=["oil"])
    bare = with_tables(**{name: None for name in dossier.tables if name.startswith("network_")})
    with pytest.raises(DataError, match="no network tables"):
        timed_severance(bare, days=5, by=["RUS"])
