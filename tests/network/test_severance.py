"""What powers close, and what is lost: one hand-worked case for each rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.network import BASES, Limits, Programme, closure, coalitions, sever

often = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


@pytest.fixture
def two_ways(make):
    """A field in AAA, a market in CCC; a cheap pipe of 60 through BBB, a dear one of 50 that avoids it.

    Supply 80 at cost 1, price 20. Through BBB a unit costs 2 (1 + 1), the other way 5: 60 go through BBB, 20 round it.
    Without BBB, 50 go round: interdictable 60/80, unreroutable 30/80.
    """
    return make(
        {"field": "AAA", "middle": "BBB", "market": "CCC"},
        {
            "east": {"from_node": "field", "to_node": "middle", "capacity": 60.0, "cost": 1.0},
            "west": {"from_node": "middle", "to_node": "market", "cost": 1.0},
            "round": {"from_node": "field", "to_node": "market", "capacity": 50.0, "cost": 5.0},
        },
        [("field", "oil", 80.0, 1.0)],
        [("market", "oil", 100.0, 20.0)],
    )


def closed_edges(cut):
    return sorted(set(cut.closed.filter(pl.col("asset") == "edge")["asset_id"]))


def test_interdictable_and_unreroutable_by_hand(two_ways):
    result = sever(two_ways.network(), ["BBB"])
    assert result.value_before == 60 * (20 - 1 - 2) + 20 * (20 - 1 - 5)
    assert result.value_after == 50 * (20 - 1 - 5)
    assert result.value_lost == result.value_before - result.value_after
    assert result.table.row(0) == ("oil", "CCC", 80.0, 50.0, 30.0, 37.5)
    assert result.interdictable == {"oil": 0.75}
    assert result.unreroutable == {"oil": 0.375}
    assert result.detours.rows() == [("round", "oil", 20.0, 50.0, 30.0)]
    assert result.unit_costs.row(0) == ("oil", "CCC", 2.75, 5.0, 2.25)
    assert result.bases == ("territory",)


def test_columns_of_the_contract(two_ways):
    result = sever(two_ways.network(), ["BBB"])
    assert result.table.columns == ["commodity", "market", "before", "after", "lost", "lost_pct"]
    assert result.before.edges.columns == [
        "edge_id",
        "commodity",
        "flow",
        "capacity",
        "utilisation",
        "shadow_price",
    ]


def test_closed_edges_carry_nothing_and_have_no_price(two_ways):
    after = sever(two_ways.network(), ["BBB"]).after.edges
    shut = after.filter(pl.col("edge_id").is_in(["east", "west"]))
    assert shut["flow"].to_list() == [0.0, 0.0]
    assert shut["shadow_price"].to_list() == [None, None]
    assert after.filter(pl.col("edge_id") == "round")["shadow_price"].to_list() == [14.0]


def test_territory_closes_every_edge_that_touches_it(two_ways):
    cut = closure(two_ways.network(), ["BBB"])
    assert closed_edges(cut) == ["east", "west"]
    assert cut.closed.row(0, named=True) == {
        "asset_id": "east",
        "asset": "edge",
        "power": "BBB",
        "basis": "territory",
        "why": "'middle' lies in BBB",
    }


def test_territory_takes_supply_and_demand_there(two_ways):
    spec = replace(two_ways, demand=[("market", "oil", 100.0, 20.0), ("field", "oil", 5.0, 30.0)])
    network = spec.network()
    assert sever(network, ["AAA"]).value_after == 0.0
    home = sever(network, ["CCC"])
    assert home.value_after == 5 * 29
    assert home.table.rows() == [
        ("oil", "AAA", 5.0, 5.0, 0.0, 0.0),
        ("oil", "CCC", 75.0, 0.0, 75.0, 100.0),
    ]


@pytest.mark.parametrize(("power", "edges"), [("EU27", ["x", "y"]), ("DEU", ["x"]), ("FRA", ["y"])])
def test_a_bloc_is_the_territory_of_its_members(make, power, edges):
    spec = make(
        {"A": "KAZ", "D": "DEU", "F": "FRA", "S": "some label"},
        {
            "x": {"from_node": "A", "to_node": "D"},
            "y": {"from_node": "A", "to_node": "F"},
            "z": {"from_node": "A", "to_node": "S"},
        },
        [("A", "oil", 1.0, 0.0)],
        [("D", "oil", 1.0, 1.0)],
    )
    assert closed_edges(closure(spec.network(), [power])) == edges
    assert closed_edges(closure(spec.network(), ["some label"])) == ["z"]


def test_controlled_by_is_stated_ownership(two_ways):
    spec = two_ways.changed("round", controlled_by="DDD; EEE")
    network = spec.network()
    assert closed_edges(closure(network, ["DDD"])) == closed_edges(closure(network, ["EEE"])) == ["round"]
    assert closure(network, ["DDD"]).closed["why"].to_list() == ["named in controlled_by"]
    assert closed_edges(closure(network, ["DDD"], bases=["territory"])) == []


@pytest.mark.parametrize(
    ("share", "threshold", "closes"),
    [(0.5, 0.5, True), (0.49, 0.5, False), (0.49, 0.4, True), (None, 1.0, True), (1.0, 1.0, True)],
)
def test_ownership_closes_from_the_threshold_on(two_ways, share, threshold, closes):
    spec = replace(two_ways, control=[("round", "DDD", "ownership", share)])
    cut = closure(spec.network(), ["DDD"], ownership_threshold=threshold)
    assert closed_edges(cut) == (["round"] if closes else [])
    assert cut.limits.edge_open.all() != closes
    assert cut.bases == (("ownership",) if closes else ())
    assert any("below the threshold" in note for note in cut.notes) != closes


def test_shares_of_several_powers_add_up(two_ways):
    spec = replace(two_ways, control=[("round", "DDD", "ownership", 0.3), ("round", "EEE", "ownership", 0.2)])
    network = spec.network()
    assert closed_edges(closure(network, ["DDD"])) == []
    assert closed_edges(closure(network, ["DDD", "EEE"])) == ["round"]
    assert closure(network, ["DDD", "EEE"]).closed["why"].to_list() == ["share 0.3", "share 0.2"]


def test_territory_rows_of_the_control_table_need_no_share(two_ways):
    """A pipe may cross a state without a node in it."""
    spec = replace(two_ways, control=[("round", "DDD", "territory", 0.01)])
    assert closed_edges(closure(spec.network(), ["DDD"])) == ["round"]
    assert closed_edges(closure(spec.network(), ["DDD"], bases=["ownership"])) == []


@pytest.mark.parametrize("basis", ["territory", "ownership"])
def test_a_closed_node_closes_its_edges_supply_and_demand(two_ways, basis):
    spec = replace(two_ways, control=[("market", "DDD", basis, None)])
    cut = closure(spec.network(), ["DDD"])
    assert closed_edges(cut) == ["round", "west"]
    assert cut.limits.demand.tolist() == [0.0]
    assert sever(spec.network(), ["DDD"]).value_after == 0.0


def test_supply_takes_volumes_away_and_frees_the_pipe(make):
    """BBB fills half of a shared pipe; it withholds its own oil, the pipe stays open and the other supplier moves up."""
    spec = make(
        {"a": "AAA", "b": "AAA", "m": "CCC"},
        {
            "in": {"from_node": "b", "to_node": "a", "commodities": "theirs"},
            "pipe": {"from_node": "a", "to_node": "m", "commodities": "ours;theirs", "capacity": 50.0},
        },
        [("a", "ours", 100.0, 5.0), ("b", "theirs", 30.0, 1.0)],
        [("m", "ours", 100.0, 10.0), ("m", "theirs", 30.0, 10.0)],
        [("b", "BBB", "supply", None), ("pipe", "BBB", "supply", 0.6)],
    )
    result = sever(spec.network(), ["BBB"])
    assert closed_edges(result.closure) == []
    assert result.bases == ("supply",)
    assert result.table.rows() == [
        ("ours", "CCC", 20.0, 50.0, -30.0, -150.0),
        ("theirs", "CCC", 30.0, 0.0, 30.0, 100.0),
    ]
    assert result.interdictable == {"ours": 0.0, "theirs": 1.0}
    assert result.unreroutable == {"ours": -1.5, "theirs": 1.0}
    assert any("'pipe'" in note and "closes nothing" in note for note in result.notes)


def test_a_share_of_a_supply_is_taken_away(two_ways):
    """A quarter of the field's 80 units belongs to DDD, a fifth of the market's 100 to EEE."""
    spec = replace(two_ways, control=[("field", "DDD", "supply", 0.25), ("market", "EEE", "market", 0.2)])
    network = spec.network()
    assert closure(network, ["DDD"]).limits.supply.tolist() == [60.0]
    assert closure(network, ["EEE"]).limits.demand.tolist() == [80.0]
    result = sever(network, ["DDD"])
    assert result.table.row(0) == ("oil", "CCC", 80.0, 60.0, 20.0, 25.0)
    assert result.interdictable == {"oil": 0.25}
    assert any("by a share" in note for note in result.notes)


def test_market_takes_demand_away_wherever_it_is_met(make):
    """BBB buys at a port of CCC: it stops buying, the port stays open for DDD, which pays less."""
    spec = make(
        {"a": "AAA", "port": "CCC"},
        {"ship": {"from_node": "a", "to_node": "port", "capacity": 50.0}},
        [("a", "oil", 100.0, 0.0)],
        [("port", "oil", 40.0, 10.0, "BBB"), ("port", "oil", 30.0, 8.0, "DDD")],
    )
    result = sever(spec.network(), ["BBB"])
    assert result.bases == ("market",)
    assert closed_edges(result.closure) == []
    assert result.table.rows() == [
        ("oil", "BBB", 40.0, 0.0, 40.0, 100.0),
        ("oil", "DDD", 10.0, 30.0, -20.0, -200.0),
    ]
    assert (result.value_before, result.value_after) == (480.0, 240.0)
    assert result.interdictable == {"oil": 0.8}
    assert result.unreroutable == {"oil": 0.4}


def test_each_basis_can_be_switched(make):
    """One power that holds something on every basis."""
    spec = make(
        {"a": "AAA", "b": "BBB", "c": "CCC"},
        {
            "own": {"from_node": "a", "to_node": "c", "controlled_by": "BBB"},
            "via": {"from_node": "a", "to_node": "b"},
            "on": {"from_node": "b", "to_node": "c"},
        },
        [("a", "oil", 10.0, 0.0), ("b", "oil", 10.0, 0.0)],
        [("c", "oil", 10.0, 10.0, "BBB"), ("c", "oil", 10.0, 9.0, "CCC")],
    )
    network = spec.network()

    def shape(*bases):
        cut = closure(network, ["BBB"], bases=bases)
        assert cut.bases == bases
        return closed_edges(cut), cut.limits.supply.tolist(), cut.limits.demand.tolist()

    assert shape("territory") == (["on", "via"], [10.0, 0.0], [10.0, 10.0])
    assert shape("ownership") == (["own"], [10.0, 10.0], [10.0, 10.0])
    assert shape("market") == ([], [10.0, 10.0], [0.0, 10.0])
    assert shape("supply") == ([], [10.0, 0.0], [10.0, 10.0])
    assert shape(*BASES) == (["on", "own", "via"], [10.0, 0.0], [0.0, 10.0])


def test_interdictable_with_losses_counts_what_is_delivered(make):
    """Both pipes run full: 40 of the 100 that arrive come through BBB, where a fifth is lost on the way."""
    spec = make(
        {"a": "AAA", "b": "BBB", "c": "CCC"},
        {
            "ab": {"from_node": "a", "to_node": "b", "capacity": 50.0, "loss": 0.2},
            "bc": {"from_node": "b", "to_node": "c"},
            "ac": {"from_node": "a", "to_node": "c", "capacity": 60.0},
        },
        [("a", "oil", 200.0, 0.0)],
        [("c", "oil", 200.0, 10.0)],
    )
    result = sever(spec.network(), ["BBB"])
    assert result.interdictable["oil"] == pytest.approx(0.4, rel=1e-12)
    assert result.unreroutable["oil"] == pytest.approx(0.4, rel=1e-12)


def test_what_was_not_delivered_cannot_be_lost(two_ways):
    spec = replace(two_ways, demand=[("market", "oil", 100.0, 20.0), ("middle", "oil", 9.0, 0.5)])
    result = sever(spec.network(), ["BBB"])
    assert result.table.row(0) == ("oil", "BBB", 0.0, 0.0, 0.0, None)


def test_a_power_without_control_changes_nothing(two_ways):
    network = replace(two_ways, control=[("round", "DDD", "ownership", 0.1)]).network()
    result = sever(network, ["DDD"])
    assert result.value_after == result.value_before
    assert result.bases == ()
    assert result.interdictable == {"oil": 0.0}
    assert result.unreroutable == {"oil": 0.0}
    assert result.detours.height == result.closed.height == 0
    assert "DDD closes nothing on the basis of territory, ownership, market, supply" in result.notes


def test_at_equal_value_present_deliveries_are_kept(make):
    """Two buyers pay the same and a third, with its own field, goes away: nobody else's deliveries move."""
    spec = make(
        {"a": "AAA", "x": "XXX", "y": "YYY", "f": "AAA", "z": "ZZZ"},
        {
            "ax": {"from_node": "a", "to_node": "x"},
            "ay": {"from_node": "a", "to_node": "y"},
            "fz": {"from_node": "f", "to_node": "z"},
        },
        [("a", "oil", 10.0, 0.0), ("f", "oil", 5.0, 0.0)],
        [("x", "oil", 8.0, 10.0), ("y", "oil", 8.0, 10.0), ("z", "oil", 5.0, 10.0)],
    )
    lost = dict(sever(spec.network(), ["ZZZ"]).table.select("market", "lost").iter_rows())
    assert lost == {"XXX": 0.0, "YYY": 0.0, "ZZZ": 5.0}


def test_unknown_names_are_refused_with_the_nearest(two_ways):
    network = two_ways.network()
    with pytest.raises(UnknownLabel, match=r"unknown power 'BBC'.*BBB") as caught:
        sever(network, ["BBC"])
    assert caught.value.exit_code == 2
    with pytest.raises(UnknownLabel, match=r"unknown basis 'teritory'.*territory"):
        sever(network, ["BBB"], bases=["teritory"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"powers": []}, "no power"),
        ({"bases": []}, "no basis"),
        ({"ownership_threshold": 0.0}, "threshold of 0"),
        ({"ownership_threshold": 1.5}, "threshold of 1.5"),
        ({"ownership_threshold": float("nan")}, "threshold of nan"),
    ],
)
def test_requests_without_sense_are_refused(two_ways, arguments, message):
    with pytest.raises(DataError, match=message):
        sever(two_ways.network(), **{"powers": ["BBB"], **arguments})


def test_a_programme_can_be_used_again(two_ways):
    network = two_ways.network()
    programme = Programme(network)
    before = programme.solve()
    again = sever(network, ["BBB"], programme=programme, before=before)
    assert_frame_equal(again.shares, sever(network, ["BBB"]).shares, check_exact=True)


def test_coalitions_by_hand(two_ways):
    spec = two_ways.changed("round", controlled_by="DDD")
    table = coalitions(spec.network(), ["BBB", "DDD"])
    before = 60 * 17.0 + 20 * 14
    assert table.rows() == [
        ("BBB;DDD", before, 0.0, before, 80.0),
        ("BBB", before, 700.0, before - 700, 30.0),
        ("DDD", before, 60 * 17.0, 280.0, 20.0),
    ]
    assert coalitions(spec.network(), ["BBB", "DDD"], order=2)["removed"].to_list() == ["BBB;DDD"]
    with pytest.raises(DataError, match="coalitions of 3 powers"):
        coalitions(spec.network(), ["BBB", "DDD"], order=3)


@often
@given(seeds)
def test_closing_one_more_edge_never_raises_the_value(at_random, seed):
    network = at_random(seed).network()
    programme, whole = Programme(network), network.everything
    is_open = whole.edge_open.copy()
    value = programme.optimum(whole).value
    for edge in np.random.default_rng(seed).permutation(len(is_open)):
        is_open[edge] = False
        less = programme.optimum(Limits(is_open.copy(), whole.supply, whole.demand)).value
        assert less <= value + 1e-9 * max(1.0, abs(value))
        value = less


@often
@given(seeds)
def test_severance_equals_the_network_without_those_edges(at_random, value_by_linprog, seed):
    spec = at_random(seed)
    network = spec.network()
    for power in sorted(set(spec.nodes.values())):
        inside = {node for node, country in spec.nodes.items() if country == power}
        shut = [n for n, e in spec.edges.items() if {e["from_node"], e["to_node"]} & inside]
        left = replace(
            spec.without(*shut),
            supply=[row if row[0] not in inside else (*row[:2], 0.0, row[3]) for row in spec.supply],
            demand=[row if row[0] not in inside else (*row[:2], 0.0, row[3]) for row in spec.demand],
        )
        result = sever(network, [power])
        assert result.value_after == pytest.approx(value_by_linprog(left), rel=1e-7, abs=1e-7)
        assert result.value_before == pytest.approx(value_by_linprog(spec), rel=1e-7, abs=1e-7)


@often
@given(seeds)
def test_shares_keep_their_bounds(at_random, seed):
    """Without others' goods on the edges, what avoids the closed edges today still flows: no value is lost below that."""
    network = at_random(seed, commodities=("oil",)).network()
    powers = list(dict.fromkeys(network.nodes["country"]))
    one, all_of_them = sever(network, powers[:1]), sever(network, powers)
    assert 0.0 <= (one.interdictable["oil"] or 0.0) <= 1.0
    assert (one.interdictable["oil"] or 0.0) <= (all_of_them.interdictable["oil"] or 0.0) + 1e-9
    assert all_of_them.value_after == 0.0
    assert one.value_after <= one.value_before + 1e-9 * max(1.0, one.value_before)
    parts = one.table.group_by("commodity").agg(pl.col("lost").sum())
    assert parts["lost"][0] == pytest.approx(one.shares["lost"][0], abs=1e-7)
