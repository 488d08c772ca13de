"""A closure over time: one hand-worked case for each rule.

Quantities below are rates a year times days (`unit_days`); a period's quantity is that over 365.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.network import Network, Status, close_edges, closure, sever, simulate

PERIODS = [
    "start_day",
    "end_day",
    "commodity",
    "usual",
    "delivered",
    "lost",
    "stored",
    "wasted",
    "transport_cost",
]
TABLE = ["commodity", "market", "before", "after", "lost", "lost_pct"]


@pytest.fixture
def spec(make):
    """A field in AAA, a market in CCC; a cheap pipe of 60 through BBB, a dear one of 50 that avoids it.

    Supply 80 at cost 1, all of it wanted, price 20. Through BBB a unit costs 2, the other way 5: 60 go through BBB and 20
    round it. Without BBB 50 go round.
    """
    return make(
        {"field": "AAA", "middle": "BBB", "market": "CCC"},
        {
            "east": {"from_node": "field", "to_node": "middle", "capacity": 60.0, "cost": 1.0},
            "west": {"from_node": "middle", "to_node": "market", "cost": 1.0},
            "round": {"from_node": "field", "to_node": "market", "capacity": 50.0, "cost": 5.0},
        },
        [("field", "oil", 80.0, 1.0)],
        [("market", "oil", 80.0, 20.0)],
    )


@pytest.fixture
def network(spec):
    return spec.network()


@pytest.fixture
def without_bbb(network):
    return closure(network, ["BBB"])


@pytest.fixture
def without_any(network):
    return close_edges(network, ["east", "round"])


def ramps(*rows):
    return pl.DataFrame(rows, schema=["asset_id", "measure", "value"], orient="row")


def store(node, capacity, initial, max_in=None, max_out=None, cost=0.0):
    columns = {
        "node_id": node,
        "commodity": "oil",
        "capacity": capacity,
        "initial": initial,
        "max_in": max_in,
        "max_out": max_out,
        "cost": cost,
    }
    return pl.DataFrame([columns], schema_overrides={"max_in": pl.Float64, "max_out": pl.Float64})


def unit_days(frame, column):
    return pytest.approx(frame[column].to_numpy() * 365)


def test_without_time_parameters_it_is_the_steady_loss_for_so_many_days(network, without_bbb):
    steady = sever(network, ["BBB"])
    result = simulate(network, without_bbb, days=20, recovery_days=10, step_days=7)
    assert result.value_lost == pytest.approx(steady.value_lost * 20 / 365)
    assert result.steady_value_lost == pytest.approx(steady.value_lost * 20 / 365)
    assert result.value_usual == pytest.approx(steady.value_before * 30 / 365)
    assert result.periods.select("start_day", "end_day").rows() == [
        (0, 7),
        (7, 14),
        (14, 20),
        (20, 27),
        (27, 30),
    ]
    assert unit_days(result.periods, "lost") == [30 * 7, 30 * 7, 30 * 6, 0, 0]
    totals = result.totals.row(0, named=True)
    assert totals["lost"] == totals["lost_while_closed"] == pytest.approx(30 * 20 / 365)
    assert totals["lost"] == pytest.approx(totals["steady_lost"])
    assert totals["lost_after"] == totals["recovered"] == totals["wasted"] == totals["stored"] == 0.0
    assert result.table.row(0) == pytest.approx(
        ("oil", "CCC", 80 * 30 / 365, (50 * 20 + 80 * 10) / 365, 30 * 20 / 365, 25.0)
    )
    assert result.status is Status.OPTIMAL


def test_columns_of_the_contract(network, without_bbb):
    result = simulate(network, without_bbb, days=14, recovery_days=7, storage=store("market", 1.0, 1.0))
    assert result.periods.columns == PERIODS
    assert result.table.columns == TABLE
    for frame, middle in (
        (result.markets, ["commodity", "market", "usual", "delivered", "lost"]),
        (result.edges, ["edge_id", "commodity", "flow", "limit"]),
        (result.stores, ["node_id", "commodity", "put_in", "taken_out", "level"]),
        (result.supplies, ["node_id", "commodity", "usual", "produced", "wasted"]),
    ):
        assert frame.columns == ["start_day", "end_day", *middle]
        assert frame.null_count().drop("limit", strict=False).sum_horizontal().item() == 0


def test_money_adds_up(network, without_bbb):
    put = store("market", 5.0, 0.5, max_out=0.1, cost=0.3)
    slow = ramps(("field", "turndown_days", 10.0), ("round", "notice_days", 5.0))
    result = simulate(network, without_bbb, days=21, storage=put, ramps=slow)
    years = (result.periods["end_day"] - result.periods["start_day"]).to_numpy() / 365
    assert result.gross_value == pytest.approx(20 * result.periods["delivered"].sum())
    assert result.transport_cost == pytest.approx(result.periods["transport_cost"].sum())
    assert result.supply_cost == pytest.approx(result.supplies["produced"].sum())
    assert result.storage_cost == pytest.approx(0.3 * result.stores["put_in"].sum())
    assert result.stock_value == pytest.approx(
        result.stock_worth["worth"][0] * (result.stores["level"][-1] - 0.5)
    )
    parts = result.gross_value - result.transport_cost - result.supply_cost - result.storage_cost
    assert result.value == pytest.approx(parts + result.stock_value)
    assert result.value_lost == pytest.approx(result.value_usual - result.value)
    assert result.value_usual == pytest.approx(result.before.value * years.sum())


def test_notice_and_ramp_of_a_detour(network, without_bbb):
    """20 for ten days, then in a line to 50 on day 30: 20 and 20 + 30 (t - 10) / 20."""
    slow = ramps(("round", "notice_days", 10.0), ("round", "ramp_days", 20.0))
    result = simulate(network, without_bbb, days=40, recovery_days=10, step_days=10, ramps=slow)
    assert unit_days(result.periods, "delivered") == [200, 275, 425, 500, 800]
    limits = result.edges.filter(pl.col("edge_id") == "round")
    assert unit_days(limits, "limit") == [200, 275, 425, 500, 500]
    assert result.totals["steady_lost"][0] == pytest.approx(30 * 40 / 365)


@pytest.mark.parametrize("step", [1, 3, 7, 10, 40])
def test_ramps_of_edges_are_exact_whatever_the_step(network, without_bbb, step):
    slow = ramps(("round", "notice_days", 10.0), ("round", "ramp_days", 20.0))
    result = simulate(network, without_bbb, days=40, recovery_days=40, step_days=step, ramps=slow)
    assert result.totals["lost"][0] * 365 == pytest.approx(40 * 80 - 200 - 275 - 425 - 500)


def test_ships_are_fewer_than_a_berth_could_load(network, without_bbb):
    slow = ramps(("round", "fleet", 35.0), ("round", "ramp_days", 10.0))
    result = simulate(network, without_bbb, days=20, recovery_days=10, step_days=10, ramps=slow)
    assert unit_days(result.periods, "delivered") == [275, 350, 800]


def test_a_fleet_smaller_than_what_sails_today_takes_nothing_away(network, without_bbb):
    result = simulate(network, without_bbb, days=10, step_days=10, ramps=ramps(("round", "fleet", 5.0)))
    assert result.periods["delivered"][0] * 365 == pytest.approx(200)


def test_a_closed_edge_comes_back_in_a_line(network, without_bbb):
    """60 t / 10 through BBB after the reopening: 15 and 45 in the mean of the first two periods, 50 round it."""
    slow = ramps(("east", "restart_days", 10.0))
    result = simulate(network, without_bbb, days=10, recovery_days=15, step_days=5, ramps=slow)
    assert unit_days(result.periods, "delivered") == [250, 250, 5 * 65, 400, 400]
    assert result.totals["lost_after"][0] == pytest.approx(5 * 15 / 365)


def test_a_closed_edge_without_a_capacity_comes_back_to_what_it_carried(network, without_bbb):
    """60 t / 10, then no limit at all."""
    slow = ramps(("west", "restart_days", 10.0))
    result = simulate(network, without_bbb, days=10, recovery_days=15, step_days=5, ramps=slow)
    west = result.edges.filter(pl.col("edge_id") == "west")
    assert west["limit"].to_list()[-1] is None
    assert west["limit"][:4].to_numpy() * 365 == pytest.approx([0, 0, 5 * 15, 5 * 45])
    assert unit_days(result.periods, "delivered") == [250, 250, 5 * 65, 400, 400]


@pytest.mark.parametrize("turndown", [2, 5, 10, 20])
def test_what_cannot_stop_at_once_is_wasted(network, without_any, turndown):
    """Production falls from 80 in a line: a triangle of 80 T / 2, whatever the step."""
    slow = ramps(("field", "turndown_days", float(turndown)))
    result = simulate(network, without_any, days=25, recovery_days=10, step_days=5, ramps=slow)
    assert result.totals["wasted"][0] == pytest.approx(80 * turndown / 2 / 365)
    assert result.totals["lost"][0] == pytest.approx(80 * 25 / 365)
    # What is wasted has cost 1 to make.
    assert result.value_lost == pytest.approx(result.steady_value_lost + 80 * turndown / 2 / 365)


def test_what_finds_another_way_is_not_wasted(network, without_bbb):
    """Floors of 60 and 20 in the first two periods, 50 go round: 10 wasted in the first, none in the second."""
    slow = ramps(("field", "turndown_days", 10.0))
    result = simulate(network, without_bbb, days=20, recovery_days=5, step_days=5, ramps=slow)
    assert unit_days(result.periods, "wasted") == [50, 0, 0, 0, 0]
    assert unit_days(result.supplies, "produced") == [300, 250, 250, 250, 400]


def test_a_tank_at_the_field_takes_what_would_be_wasted(network, without_any):
    slow = ramps(("field", "turndown_days", 10.0))
    asked = {"days": 20, "recovery_days": 20, "step_days": 5, "ramps": slow}
    roomy = simulate(network, without_any, storage=store("field", 5.0, 0.0), **asked)
    assert roomy.totals["wasted"][0] == 0.0
    assert roomy.stores["level"].max() == pytest.approx(400 / 365)
    # A unit there is worth what it saves to make: nothing is lost on it.
    assert roomy.stock_worth["worth"].to_list() == [1.0]
    assert roomy.value_lost == pytest.approx(roomy.steady_value_lost)
    narrow = simulate(network, without_any, storage=store("field", 0.5, 0.0), **asked)
    assert narrow.totals["wasted"][0] == pytest.approx(400 / 365 - 0.5)
    slowly = simulate(network, without_any, storage=store("field", 5.0, 0.0, max_in=0.02), **asked)
    assert slowly.totals["wasted"][0] == pytest.approx(400 / 365 - 10 * 0.02)


def test_a_technical_minimum_runs_on(network, without_any):
    slow = ramps(("field", "least_share", 0.25))
    result = simulate(network, without_any, days=20, recovery_days=10, step_days=10, ramps=slow)
    assert unit_days(result.periods, "wasted") == [200, 200, 0]
    with_turndown = ramps(("field", "least_share", 0.25), ("field", "turndown_days", 20.0))
    result = simulate(network, without_any, days=20, recovery_days=10, step_days=10, ramps=with_turndown)
    # From 80 in a line at the pace of 4 a day to 20 on day 15.
    assert unit_days(result.periods, "wasted") == [600, 5 * 30 + 5 * 20, 0]


def test_a_supply_that_stopped_comes_back_in_a_line(network, without_any):
    """80 t / 20 after the reopening: 10, 30, 50, 70 in the mean of four periods."""
    slow = ramps(("field", "restart_days", 20.0))
    result = simulate(network, without_any, days=10, recovery_days=30, step_days=5, ramps=slow)
    assert unit_days(result.periods, "delivered") == [0, 0, 50, 150, 250, 350, 400, 400]
    assert result.totals["lost_after"][0] == pytest.approx(80 * 20 / 2 / 365)


@pytest.mark.parametrize("restart", [3.0, 5.0, 20.0])
@pytest.mark.parametrize("step", [1, 5, 10])
def test_the_restart_of_a_stopped_supply_is_exact_whatever_the_step(network, without_any, restart, step):
    slow = ramps(("field", "restart_days", restart))
    result = simulate(network, without_any, days=10, recovery_days=30, step_days=step, ramps=slow)
    assert result.totals["lost_after"][0] == pytest.approx(80 * restart / 2 / 365)


def test_a_supply_that_went_on_needs_no_restart(network, without_bbb):
    """It ran at 50 and has 30 to go at 4 a day: 50 + 4 t to day 7.5."""
    slow = ramps(("field", "restart_days", 20.0))
    result = simulate(network, without_bbb, days=10, recovery_days=10, step_days=5, ramps=slow)
    assert unit_days(result.supplies, "produced") == [250, 250, 5 * 60, 2.5 * 75 + 2.5 * 80]


def test_who_knows_the_day_starts_early(network, without_any):
    """A unit wasted costs 1, a unit that is there on the day earns 13 or more: production is ready, and wasted before."""
    slow = ramps(("field", "restart_days", 20.0))
    asked = {"days": 40, "recovery_days": 30, "step_days": 5, "ramps": slow}
    surprised = simulate(network, without_any, **asked)
    knowing = simulate(network, without_any, foresight="full", **asked)
    assert knowing.value_lost < surprised.value_lost
    assert surprised.totals["wasted"][0] == 0.0
    assert knowing.totals["wasted"][0] > 0.0
    last_closed = knowing.supplies.filter(pl.col("end_day") == 40)["wasted"][0]
    # 80 in the first open period, whose middle is 5 days later, at 4 more a day.
    assert last_closed * 365 == pytest.approx(5 * 60)


def test_buyers_make_up_for_what_they_missed(make, spec, network):
    """800 missed in ten days; 20 above the usual 80 afterwards, for the forty days that it takes."""
    more = make(spec.nodes, spec.edges, [("field", "oil", 120.0, 1.0)], spec.demand).network()
    shut = close_edges(more, ["east", "round"])
    result = simulate(more, shut, days=10, recovery_days=60, step_days=10, backlog_share=0.25)
    assert unit_days(result.periods, "delivered") == [0, 1000, 1000, 1000, 1000, 800, 800]
    totals = result.totals.row(0, named=True)
    assert totals["lost_while_closed"] == pytest.approx(800 / 365)
    assert totals["recovered"] == pytest.approx(800 / 365)
    assert totals["lost"] == pytest.approx(0.0, abs=1e-12)
    # All came late, 20 of it a dearer way than through BBB.
    assert result.value_lost == pytest.approx((800 * 17 - 200 * 3 - 800 * 14) / 365)
    short = simulate(more, shut, days=10, recovery_days=20, step_days=10, backlog_share=0.25)
    assert short.totals["recovered"][0] == pytest.approx(400 / 365)
    none = simulate(more, shut, days=10, recovery_days=60, step_days=10)
    assert none.totals["recovered"][0] == 0.0
    # The field cannot give more than it does today: nothing can be made up.
    full = simulate(
        network, close_edges(network, ["east", "round"]), days=10, step_days=10, backlog_share=0.25
    )
    assert full.totals["recovered"][0] == 0.0


def test_what_was_not_missed_is_not_sold_twice(make, spec):
    more = make(spec.nodes, spec.edges, [("field", "oil", 120.0, 1.0)], spec.demand).network()
    result = simulate(more, more.everything, days=10, recovery_days=20, step_days=5, backlog_share=0.5)
    assert unit_days(result.periods, "delivered") == [400.0] * 6


def test_a_store_at_the_market_bridges_a_short_closure(network, without_any):
    """5 units are 22.8 days of 80 a year: 20 days lose nothing, 200 lose the rest."""
    put = store("market", 5.0, 5.0)
    short = simulate(network, without_any, days=20, storage=put)
    assert short.totals["lost"][0] == 0.0
    assert short.totals["stored"][0] == pytest.approx(-80 * 20 / 365)
    long = simulate(network, without_any, days=200, recovery_days=30, storage=put)
    assert long.totals["lost"][0] == pytest.approx(80 * 200 / 365 - 5.0)
    assert long.totals["steady_lost"][0] == pytest.approx(80 * 200 / 365)


def test_what_was_taken_from_a_store_is_charged_at_what_it_takes_to_fill_it_again(network, without_any):
    """One more unit at the market saves 1 to make and 5 to bring by the dearer way."""
    short = simulate(network, without_any, days=20, storage=store("market", 5.0, 5.0))
    assert short.stock_worth["worth"].to_list() == [pytest.approx(6.0)]
    assert short.stock_value == pytest.approx(-6.0 * 80 * 20 / 365)
    # All is delivered: lost are the 60 units a year that came at 3 and must now come at 6.
    assert short.value_lost == pytest.approx((6.0 - 3.0) * 60 * 20 / 365)


def test_a_store_gives_no_faster_than_it_can(network, without_any):
    put = store("market", 5.0, 5.0, max_out=0.1)
    result = simulate(network, without_any, days=20, recovery_days=10, step_days=10, storage=put)
    assert unit_days(result.periods, "delivered") == [365, 365, 800]
    assert result.stores["taken_out"].to_list() == pytest.approx([1.0, 1.0, 0.0])
    assert result.stores["level"].to_list() == pytest.approx([4.0, 3.0, 3.0])


def test_a_supply_withheld_comes_back_at_its_pace(make):
    """BBB withholds its own 40; after the reopening it takes 10 days from nothing to 40: a mean of 10 and 30."""
    network = make(
        {"home": "AAA", "theirs": "BBB", "market": "CCC"},
        {
            "a": {"from_node": "home", "to_node": "market", "capacity": 100.0},
            "b": {"from_node": "theirs", "to_node": "market", "capacity": 100.0},
        },
        [("home", "oil", 40.0, 1.0), ("theirs", "oil", 40.0, 1.0)],
        [("market", "oil", 100.0, 20.0)],
    ).network()
    cut = closure(network, ["BBB"], bases=["supply"])
    slow = ramps(("theirs", "restart_days", 10.0), ("theirs", "turndown_days", 10.0))
    for foresight in ("none", "full"):
        result = simulate(
            network, cut, days=10, recovery_days=15, step_days=5, ramps=slow, foresight=foresight
        )
        assert unit_days(result.periods, "delivered") == [200, 200, 250, 350, 400]
        # Who withholds does not waste.
        assert result.totals["wasted"][0] == 0.0


def test_a_market_that_closes_takes_nothing_until_it_opens(make, spec):
    network = make(spec.nodes, spec.edges, spec.supply, [("market", "oil", 80.0, 20.0, "EEE")]).network()
    cut = closure(network, ["EEE"], bases=["market"])
    result = simulate(network, cut, days=10, recovery_days=10, step_days=5)
    assert unit_days(result.markets, "delivered") == [0, 0, 400, 400]


def test_zero_days_close_nothing(network, without_any):
    slow = ramps(
        ("field", "turndown_days", 9.0), ("field", "restart_days", 9.0), ("east", "restart_days", 9.0)
    )
    result = simulate(network, without_any, days=0, storage=store("market", 5.0, 2.0), ramps=slow)
    assert result.value_lost == result.steady_value_lost == 0.0
    assert result.totals["lost"][0] == 0.0
    assert result.stores["level"].to_list() == [2.0] * len(result.stores)


def test_tables_of_the_network_count_unless_others_are_given(spec, without_bbb):
    slow = ramps(("round", "notice_days", 30.0))
    own = Network.from_frames(**spec.frames(), storage=store("market", 5.0, 5.0), ramps=slow)
    asked = {"days": 10, "recovery_days": 5, "step_days": 5}
    assert simulate(own, without_bbb, **asked).totals["lost"][0] == 0.0
    empty = store("market", 5.0, 5.0).clear()
    assert simulate(own, without_bbb, storage=empty, **asked).totals["lost"][0] * 365 == pytest.approx(600)
    free = simulate(own, without_bbb, storage=empty, ramps=slow.clear(), **asked)
    assert free.totals["lost"][0] * 365 == pytest.approx(300)


def test_the_order_of_rows_does_not_matter(network, without_any):
    put = pl.concat([store("market", 2.0, 1.0), store("field", 1.0, 0.2), store("middle", 1.0, 0.5)])
    slow = ramps(
        ("field", "turndown_days", 9.0), ("round", "notice_days", 9.0), ("east", "restart_days", 9.0)
    )
    one, other = (
        simulate(network, without_any, days=21, storage=put[order], ramps=slow[order])
        for order in ([0, 1, 2], [2, 0, 1])
    )
    for name in ("periods", "edges", "stores", "supplies", "totals"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


def test_limits_and_closure_say_the_same(network, without_bbb):
    by_edges = close_edges(network, ["east", "west"])
    one, other = (simulate(network, cut, days=14).table for cut in (without_bbb, by_edges))
    assert_frame_equal(one, other)


def test_edges_close_on_top_of_what_a_power_closes(network, without_bbb):
    both = close_edges(network, ["round"], without_bbb.limits)
    assert not both.edge_open.any()
    assert without_bbb.limits.edge_open.tolist() == [False, True, False]
    with pytest.raises(UnknownLabel, match="unknown operating edge 'rund'; allowed: did you mean round"):
        close_edges(network, ["rund"])


def test_notes(make, spec, network, without_any):
    lonely = make({**spec.nodes, "island": "AAA"}, spec.edges, spec.supply, spec.demand).network()
    result = simulate(lonely, close_edges(lonely, ["east"]), days=7, storage=store("island", 1.0, 1.0))
    assert result.notes == ("stores that nothing can reach or leave: oil at island",)
    assert result.stores.height == 0
    quick = ramps(("field", "restart_days", 3.0))
    assert simulate(network, without_any, days=7, ramps=quick).notes == ()
    knowing = simulate(network, without_any, days=7, ramps=quick, foresight="full")
    assert knowing.notes == (
        "supplies that restart within one period of 7 days count as back at once: field",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"days": -1}, "found days -1; allowed: whole days, at least 0"),
        ({"days": 3, "recovery_days": -2}, "found recovery_days -2"),
        ({"days": 3, "step_days": 0}, "found step_days 0; allowed: whole days, at least 1"),
        ({"days": 0, "recovery_days": 0}, "found no day"),
        ({"days": 100_000, "step_days": 1}, "found 100060 periods; allowed: at most 3660"),
        ({"days": 3, "backlog_share": -0.1}, "found a backlog share of -0.1"),
        ({"days": 3, "backlog_share": np.nan}, "found a backlog share of nan"),
        ({"days": 3, "foresight": "some"}, "unknown foresight 'some'"),
    ],
)
def test_requests_that_mean_nothing(network, without_any, options, message):
    with pytest.raises(DataError, match=message):
        simulate(network, without_any, **options)
