"""Leverage through trade: sizes that make sense, and the same numbers from the engine asked directly."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.position import Position, autonomy, effective_vectors
from betweengiants.position import position as solve_position
from betweengiants.position.results import coalitions
from betweengiants.trade import Scenario, from_frame, severance, solve
from betweengiants.trade.scenario import Cell

WITHOUT_THE_REST = {
    "network_nodes": None,
    "vote_agreement": None,
    "memberships": None,
}  # nothing else to solve
POWERS = ("RUS", "CHN", "USA", "EU27")
BIG = ("RUS", "CHN", "EU27")
GROUPS = coalitions(POWERS)


def matrix_of(dossier: Dossier):
    frame = dossier.tables["trade_matrix"]
    return from_frame(frame.select("exporter", "importer", pl.col("value_usd_m").alias("value")))


@pytest.mark.parametrize("power", BIG)
def test_the_three_large_partners_take_three_to_eight_percent(position: Position, power: str) -> None:
    short = position.number("trade", "leverage_pct", power, horizon="short")
    long = position.number("trade", "leverage_pct", power, horizon="long")
    assert position.dossier.parameter("theta_short")[0] == 1.5
    assert position.dossier.parameter("theta_long")[0] == 4
    assert 3 < short.value < 8
    assert 0.25 < long.value / short.value < 0.5


def test_the_united_states_takes_little(position: Position) -> None:
    assert 0 < position.number("trade", "leverage_pct", "USA", horizon="short").value < 1.5


@pytest.mark.parametrize("group", GROUPS, ids="+".join)
@pytest.mark.parametrize("horizon", ["short", "long"])
def test_it_is_what_the_engine_says(position: Position, group: tuple[str, ...], horizon: str) -> None:
    matrix = matrix_of(position.dossier)
    thetas = position.dossier.parameter(f"theta_{horizon}")
    cut = severance([("KAZ", power) for power in group])
    solved = solve(matrix, [cut] * 3, theta=thetas)
    for member in ("KAZ", *group):
        side = "leverage" if member == "KAZ" else "counter_leverage"
        loss = -100 * solved.welfare_change[:, matrix.index(member)]
        stated = position.number("trade", f"{side}_pct", *group, member=member, horizon=horizon)
        assert stated.value == pytest.approx(loss[0], rel=1e-8)
        assert (stated.low, stated.high) == pytest.approx((loss.min(), loss.max()), rel=1e-8)


def test_severance_is_the_limit_of_ever_higher_costs(position: Position) -> None:
    """An endless cost and a huge one are computed on different ways and must meet."""
    matrix = matrix_of(position.dossier)
    dear = Scenario("dear", (Cell("KAZ", "RUS", 1e9), Cell("RUS", "KAZ", 1e9)))
    loss = -100 * solve(matrix, dear, theta=4.0).welfare_change[0, matrix.index("KAZ")]
    assert position.number("trade", "leverage_pct", "RUS", horizon="long").value == pytest.approx(
        loss, rel=1e-6
    )


def test_money_is_the_share_of_spending(position: Position) -> None:
    flows = position.dossier.tables["trade_matrix"]
    for member in ("KAZ", *POWERS):
        spending = flows.filter(pl.col("importer") == member)["value_usd_m"].sum()
        group = POWERS if member == "KAZ" else (member,)
        side = "leverage" if member == "KAZ" else "counter_leverage"
        share, money = (
            position.number("trade", f"{side}_{unit}", *group, member=member, horizon="short")
            for unit in ("pct", "usd_m")
        )
        for end in ("value", "low", "high"):
            assert getattr(money, end) == pytest.approx(getattr(share, end) / 100 * spending)


def test_a_quicker_world_loses_more(position: Position) -> None:
    """The short run has the lower elasticity: every loss is larger, and so are both ends of its range."""
    for group in GROUPS:
        short, long = (position.number("trade", "leverage_pct", *group, horizon=h) for h in ("short", "long"))
        assert short.value > long.value > 0
        assert short.low > long.low
        assert short.high > long.high


@pytest.mark.parametrize("power", POWERS)
def test_the_power_itself_loses_far_less(position: Position, power: str) -> None:
    for horizon in ("short", "long"):
        held = position.number("trade", "leverage_pct", power, horizon=horizon)
        own = position.number("trade", "counter_leverage_pct", power, member=power, horizon=horizon)
        assert own.high > 0
        assert own.value < held.value / 5


def test_more_powers_never_take_less(position: Position) -> None:
    for horizon in ("short", "long"):
        loss = {frozenset(g): position.number("trade", "leverage_pct", *g, horizon=horizon) for g in GROUPS}
        for small, large in combinations(sorted(loss, key=len), 2):
            if small < large:
                assert loss[small].value < loss[large].value
                assert loss[small].low < loss[large].low
                assert loss[small].high < loss[large].high


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_balance_follows_from_the_losses(position: Position, horizon: str) -> None:
    single = [position.number("trade", "leverage_pct", p, horizon=horizon) for p in POWERS]
    joint = position.number("trade", "leverage_pct", *POWERS, horizon=horizon)
    vectors = position.number("trade", "effective_vectors", *POWERS, horizon=horizon)
    free = position.number("trade", "autonomy", *POWERS, horizon=horizon)
    assert vectors.value == pytest.approx(effective_vectors([loss.value for loss in single]))
    assert free.value == pytest.approx(autonomy([loss.value for loss in single], joint.value))
    # the range is that of the elasticity, which moves all the losses at once
    ends = [effective_vectors([getattr(loss, end) for loss in single]) for end in ("value", "low", "high")]
    assert (vectors.low, vectors.high) == pytest.approx((min(ends), max(ends)))
    assert 1 <= vectors.low <= vectors.high <= 4
    assert 0 < free.low <= free.high < 1


def test_reordered_powers_give_the_same_numbers(
    position: Position, with_tables: Callable[..., Dossier]
) -> None:
    other = solve_position(with_tables(powers=("EU27", "USA", "RUS", "CHN")))
    assert_same_numbers(position, other, {})


def test_renamed_powers_give_the_same_numbers(
    position: Position, renamed: Callable[[Mapping[str, str]], Dossier]
) -> None:
    names = {"RUS": "AAA", "CHN": "ZZZ"}  # so that their order in the alphabet changes, too
    assert_same_numbers(position, solve_position(renamed(names)), names)


def assert_same_numbers(one: Position, other: Position, names: Mapping[str, str]) -> None:
    def keyed(position: Position, names: Mapping[str, str]) -> dict[tuple[object, ...], list[float]]:
        rows = position.results.to_dicts()
        return {
            (
                row["channel"],
                row["measure"],
                frozenset(names.get(p, p) for p in row["coalition"].split("+")),
                names.get(row["member"], row["member"]),
                row["horizon"],
                row["period"],
            ): [row["value"], row["low"], row["high"]]
            for row in rows
        }

    before, after = keyed(one, names), keyed(other, {})
    assert before.keys() == after.keys()
    for key, numbers in before.items():
        if key[0] == "alignment":  # drawn in the order of the names: the ends and chances move a little
            assert after[key] == pytest.approx(numbers, abs=0.05), key
        else:
            assert after[key] == pytest.approx(numbers, rel=1e-7, abs=1e-9), key


def test_the_scale_of_the_trade_table_does_not_matter_for_percentages(
    position: Position, with_tables: Callable[..., Dossier]
) -> None:
    flows = position.dossier.tables["trade_matrix"].with_columns(pl.col("value_usd_m") * 1000)
    scaled = solve_position(with_tables(trade_matrix=flows, **WITHOUT_THE_REST))
    for group in (("RUS",), POWERS):
        one, other = (p.number("trade", "leverage_pct", *group, horizon="short") for p in (position, scaled))
        assert other.value == pytest.approx(one.value, rel=1e-9)
        money, more = (
            p.number("trade", "leverage_usd_m", *group, horizon="short") for p in (position, scaled)
        )
        assert more.value == pytest.approx(1000 * money.value, rel=1e-9)


def test_a_power_without_trade_has_no_leverage(
    position: Position, with_tables: Callable[..., Dossier]
) -> None:
    cut = (pl.col("exporter") == "KAZ") & (pl.col("importer") == "USA")
    cut |= (pl.col("exporter") == "USA") & (pl.col("importer") == "KAZ")
    flows = position.dossier.tables["trade_matrix"].with_columns(
        value_usd_m=pl.when(cut).then(0.0).otherwise("value_usd_m")
    )
    other = solve_position(with_tables(trade_matrix=flows, **WITHOUT_THE_REST))
    loss = other.number("trade", "leverage_pct", "USA", horizon="short")
    assert (loss.value, loss.low, loss.high) == pytest.approx((0, 0, 0), abs=1e-9)
    assert other.number("trade", "effective_vectors", *POWERS, horizon="short").value <= 3 + 1e-9


def test_a_state_that_trades_with_no_power_still_has_a_position(
    dossier: Dossier, with_tables: Callable[..., Dossier]
) -> None:
    """Nothing to lose: no vectors, and no autonomy, which would be 0 / 0."""
    powers = list(POWERS)
    cut = (pl.col("exporter") == "KAZ") & pl.col("importer").is_in(powers)
    cut |= pl.col("exporter").is_in(powers) & (pl.col("importer") == "KAZ")
    flows = dossier.tables["trade_matrix"].with_columns(
        value_usd_m=pl.when(cut).then(0.0).otherwise("value_usd_m")
    )
    other = solve_position(with_tables(trade_matrix=flows, **WITHOUT_THE_REST))
    assert other.number("trade", "leverage_pct", *POWERS, horizon="long").value == pytest.approx(0, abs=1e-9)
    assert other.number("trade", "effective_vectors", *POWERS, horizon="short").value == 0
    assert not other.holds("trade", "autonomy", *POWERS, horizon="short")


def test_wider_elasticities_widen_the_range_and_keep_the_centre(
    position: Position, with_tables: Callable[..., Dossier]
) -> None:
    wide = position.dossier.tables["parameters"].with_columns(
        low=pl.when(pl.col("parameter") == "theta_short").then(0.7).otherwise("low"),
        high=pl.when(pl.col("parameter") == "theta_short").then(3.0).otherwise("high"),
    )
    other = solve_position(with_tables(parameters=wide, **WITHOUT_THE_REST))
    one, more = (p.number("trade", "leverage_pct", "CHN", horizon="short") for p in (position, other))
    assert more.value == pytest.approx(one.value, rel=1e-12)
    assert more.low < one.low
    assert one.high < more.high
    same, still = (p.number("trade", "leverage_pct", "CHN", horizon="long") for p in (position, other))
    assert (still.low, still.high) == pytest.approx((same.low, same.high), rel=1e-12)


def test_the_year_is_that_of_the_matrix(position: Position) -> None:
    trade = position.results.filter(pl.col("channel") == "trade")
    assert set(trade["period"]) == {"2023"}
    assert position.trails["trade"].parameters["matrix_year"] == "2023"
    assert position.trails["trade"].parameters["theta_short"] == 1.5


def test_one_power_is_enough(dossier: Dossier) -> None:
    alone = solve_position(replace(dossier, header=replace(dossier.header, powers=("RUS",))))
    assert alone.number("trade", "effective_vectors", "RUS", horizon="short").value == pytest.approx(1)
    assert alone.number("trade", "autonomy", "RUS", horizon="short").value == pytest.approx(0, abs=1e-12)
    assert np.isclose(alone.number("trade", "leverage_pct", "RUS", horizon="short").value, 4.24, atol=0.5)
