"""What a severance costs the powers themselves, and powers acting together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError
from betweengiants.network import Programme, coalitions, counter_leverage, joint_severance, sever
from betweengiants.network.counter import origins
from betweengiants.network.layout import build

SAME = 1e-8
often = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def by_power(frame, power):
    return frame.filter(pl.col("power") == power).row(0, named=True)


@pytest.fixture
def two_ways(make):
    """A sells 100 to D through B (cost 4 each leg) or C (cost 6 each leg)."""
    return make(
        {"A": "AAA", "B": "BBB", "C": "CCC", "D": "DDD"},
        {
            "ab": {"from_node": "A", "to_node": "B", "cost": 4.0, "capacity": 60.0},
            "bd": {"from_node": "B", "to_node": "D", "cost": 4.0, "capacity": 60.0},
            "ac": {"from_node": "A", "to_node": "C", "cost": 6.0, "capacity": 50.0},
            "cd": {"from_node": "C", "to_node": "D", "cost": 6.0, "capacity": 50.0},
        },
        [("A", "oil", 100.0, 1.0)],
        [("D", "oil", 100.0, 20.0)],
    )


def test_fees_sales_and_purchases_by_hand(two_ways):
    network = two_ways.network()
    table = counter_leverage(network, sever(network, ["BBB"]))
    b, c = by_power(table, "BBB"), by_power(table, "CCC")
    # B earns half of each of its two border edges: 60 * 4 / 2 * 2; C the same on 40 and then 50.
    assert (b["severs"], b["fees_before"], b["fees_after"], b["fees_lost"]) == (True, 240.0, 0.0, 240.0)
    assert (c["severs"], c["fees_before"], c["fees_after"], c["fees_lost"]) == (False, 240.0, 300.0, -60.0)
    a, d = by_power(table, "AAA"), by_power(table, "DDD")
    assert (a["sales_before"], a["sales_after"], a["sales_lost"]) == (2000.0, 1000.0, 1000.0)
    assert (d["purchases_before"], d["purchases_lost"]) == (2000.0, 1000.0)


def test_owners_are_paid_before_states(two_ways):
    control = [("ab", "CHN", "ownership", 0.5), ("ab", "RUS", "ownership", 0.25)]
    network = two_ways.__class__(
        two_ways.nodes, two_ways.edges, two_ways.supply, two_ways.demand, control
    ).network()
    table = counter_leverage(network, sever(network, ["BBB"]))
    assert by_power(table, "CHN")["fees_before"] == pytest.approx(120.0)
    assert by_power(table, "RUS")["fees_before"] == pytest.approx(60.0)
    # of the quarter that is left (60) B and A take half each
    assert by_power(table, "BBB")["fees_before"] == pytest.approx(30.0 + 120.0)


def test_goods_that_meet_are_told_apart_by_proportion(make):
    network = make(
        {"A": "AAA", "B": "BBB", "J": "JJJ", "X": "XAA", "Y": "YYY"},
        {
            "aj": {"from_node": "A", "to_node": "J"},
            "bj": {"from_node": "B", "to_node": "J", "loss": 0.5},
            "jx": {"from_node": "J", "to_node": "X"},
            "jy": {"from_node": "J", "to_node": "Y"},
        },
        [("A", "oil", 30.0, 0.0), ("B", "oil", 20.0, 0.0)],
        [("X", "oil", 10.0, 5.0), ("Y", "oil", 30.0, 5.0)],
    ).network()
    mix = origins(network, build(network.arrays), Programme(network).solve())
    assert mix == pytest.approx(np.array([[0.75, 0.75], [0.25, 0.25]]))


@often
@given(seed=seeds)
def test_fees_add_up_to_the_transport_cost(at_random, seed):
    network = at_random(seed).network()
    severed = sever(network, network.powers[:1])
    table = counter_leverage(network, severed)
    for side, result in (("before", severed.before), ("after", severed.after)):
        assert table[f"fees_{side}"].sum() == pytest.approx(result.transport_cost, rel=SAME, abs=SAME)
        assert table[f"sales_{side}"].sum() == pytest.approx(result.gross_value, rel=SAME, abs=SAME)
        assert table[f"purchases_{side}"].sum() == pytest.approx(result.gross_value, rel=SAME, abs=SAME)


@often
@given(seed=seeds)
def test_every_delivery_has_an_origin(at_random, seed):
    network = at_random(seed).network()
    result = Programme(network).solve()
    mix = origins(network, build(network.arrays), result)
    assert (mix >= -SAME).all()
    served = result.arrays.demand > SAME
    assert mix[:, served].sum(axis=0) == pytest.approx(np.ones(int(served.sum())), abs=SAME)


@often
@given(seed=seeds)
def test_parts_of_the_powers_add_up(at_random, seed):
    network = at_random(seed).network()
    powers = network.powers[:3]
    assume(len(powers) > 1)
    table = joint_severance(network, powers)
    known = dict(coalitions(network, powers).select("removed", "value_lost").iter_rows())
    for measure in table["measure"].unique():
        part = table.filter(pl.col("measure") == measure)
        whole = part.filter(pl.col("coalition") == ";".join(powers))["lost"].item()
        assert part["shapley"].drop_nulls().sum() == pytest.approx(whole, abs=1e-6)
    for coalition, lost in table.filter(pl.col("measure") == "value").select("coalition", "lost").iter_rows():
        name = ";".join(sorted(coalition.split(";")))
        assert lost == pytest.approx(known[name], abs=1e-6)


def test_two_roads_are_worth_more_together(two_ways):
    """Each road is worth what it carries more cheaply; both together are worth everything."""
    table = joint_severance(two_ways.network(), ["BBB", "CCC"])
    value = table.filter(pl.col("measure") == "value").to_dicts()
    lost = {row["coalition"]: row["lost"] for row in value}
    # Before: 60 by B at 20 - 1 - 8, 40 by C at 20 - 1 - 12.
    assert lost == pytest.approx({"BBB": 940 - 350, "CCC": 940 - 660, "BBB;CCC": 940})
    assert value[2]["premium"] == pytest.approx(940 - 590 - 280)
    assert [row["shapley"] for row in value] == [pytest.approx(625.0), pytest.approx(315.0), None]
    oil = table.filter(pl.col("measure") == "delivered oil")
    assert oil["lost"].to_list() == pytest.approx([50.0, 40.0, 100.0])


def test_bad_lists_of_powers_are_refused(two_ways):
    network = two_ways.network()
    for powers in ([], ["BBB", "BBB"]):
        with pytest.raises(DataError, match="each once"):
            joint_severance(network, powers)
