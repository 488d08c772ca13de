"""One severance out of a position: which rows belong to it, and names that are refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position import position as solve
from betweengiants.position.whatif import channels_of, remaining_routes, severance


def test_all_channels_of_one_power(position: Position) -> None:
    frame = severance(position, ["RUS"])
    assert set(frame["channel"]) == {"coupled", "trade", "oil_transit", "gas_transit", "freight_transit"}
    assert set(frame["coalition"]) == {"RUS"}
    assert set(frame["member"]) == {"KAZ", "RUS"}
    assert set(frame["horizon"]) == {"short", "long", ""}
    assert frame.columns == position.results.columns


def test_the_coalition_acts_together_in_any_order(position: Position) -> None:
    frame = severance(position, ["USA", "CHN"])
    assert set(frame["coalition"]) == {"CHN+USA"}
    assert frame.equals(severance(position, ["CHN", "USA", "CHN"]))
    joint = frame.filter((pl.col("measure") == "leverage_pct") & (pl.col("horizon") == "short"))
    for channel in ("trade", "coupled"):
        found = joint.filter(pl.col("channel") == channel)["value"].item()
        assert found == position.number(channel, "leverage_pct", "CHN", "USA", horizon="short").value


def test_filters(position: Position) -> None:
    assert set(severance(position, ["RUS"], channel="trade")["channel"]) == {"trade"}
    assert set(severance(position, ["RUS"], channel="oil_transit")["channel"]) == {"oil_transit"}
    short = severance(position, ["RUS"], horizon="short")
    assert set(short["horizon"]) == {"short", ""}
    assert set(severance(position, ["RUS"], channel="trade", horizon="long")["horizon"]) == {"long"}
    everything = severance(position, ["RUS"])
    parts = [
        severance(position, ["RUS"], channel=domain) for domain in ("transit", "energy", "trade", "coupled")
    ]
    assert pl.concat(parts).sort(everything.columns[:7]).equals(everything.sort(everything.columns[:7]))


def test_balance_of_the_whole_is_not_part_of_a_severance(position: Position) -> None:
    frame = severance(position, ["RUS", "CHN", "USA", "EU27"])
    assert frame.height > 0
    assert not set(frame["measure"]) & {"effective_vectors", "autonomy"}


@pytest.mark.parametrize(
    ("power", "nearest"), [("RUSS", "RUS"), ("rus", "RUS"), ("EU", "EU27"), ("CHNA", "CHN")]
)
def test_an_unknown_power_gets_a_suggestion(position: Position, power: str, nearest: str) -> None:
    with pytest.raises(UnknownLabel) as refused:
        severance(position, [power])
    assert nearest in refused.value.suggestions
    assert f"did you mean {nearest}" in str(refused.value)
    assert "kazakhstan" in str(refused.value)


def test_states_that_are_no_powers_are_refused(position: Position) -> None:
    for other in ("KAZ", "TUR", "", "RUS+CHN"):
        with pytest.raises(UnknownLabel):
            severance(position, [other])


def test_other_wrong_names_are_refused(position: Position) -> None:
    with pytest.raises(UnknownLabel, match="did you mean short"):
        severance(position, ["RUS"], horizon="shor")
    with pytest.raises(UnknownLabel, match="channel 'oil'"):
        severance(position, ["RUS"], channel="oil")
    with pytest.raises(DataError, match="no power"):
        severance(position, [])


def test_what_still_leaves_adds_up(position: Position) -> None:
    assert position.oil is not None
    for group in (["RUS"], ["EU27", "RUS", "CHN"], ["USA"]):
        sentence = remaining_routes(position, group)
        assert sentence is not None
        numbers = [float(number) for number in re.findall(r"\d+\.\d", sentence)]
        before, total, *parts = numbers
        lost = position.number("oil_transit", "lost_million_t", *group).value
        assert before == pytest.approx(position.oil.total_before, abs=0.05)
        assert total == pytest.approx(position.oil.total_before - lost, abs=0.05)
        assert sum(parts) == pytest.approx(total, abs=0.05 * (len(parts) + 1))
        assert parts == sorted(parts, reverse=True)
        assert sentence == remaining_routes(position, list(reversed(group)))


def test_without_a_network_nothing_is_said_of_routes(with_tables: Callable[..., Dossier]) -> None:
    bare = solve(with_tables(network_nodes=None, vote_agreement=None, memberships=None))
    assert remaining_routes(bare, ["RUS"]) is None
    assert set(severance(bare, ["RUS"])["channel"]) == {"coupled", "trade"}
    assert severance(bare, ["RUS"], channel="oil_transit").height == 0


def test_only_gaps_of_the_channels_shown(position: Position, with_tables: Callable[..., Dossier]) -> None:
    assert position.gaps_of(channels_of("trade")) == ()
    roads = position.gaps_of(channels_of("transit"))
    assert roads
    assert all("freight" in gap for gap in roads)
    everything = position.gaps_of(channels_of())
    assert set(roads) < set(everything) < set(position.gaps)
    bare = solve(with_tables(network_nodes=None, io_coefficients=None))
    assert bare.gaps_of(channels_of("energy")) == (
        "No leverage through transit: the dossier has no network tables.",
    )
    assert bare.gaps_of(["coupled"]) == (
        "Trade and roads are not joined: the dossier has no io_coefficients.",
    )
