"""The programme: hand-worked cases, a second implementation, and what must hold for every network."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from betweengiants.core.errors import Infeasible, NotConverged
from betweengiants.network import Limits, Programme, Status, solve
from betweengiants.network.highs import LinearProgramme

SAME = 1e-7  # two solvers' settings, one programme: their own tolerances are 1e-7
EXACT = 1e-12  # rounding of a few sums
seeds = st.integers(0, 10**6)
often = settings(max_examples=60, deadline=None, derandomize=True)


def one_edge(make, **columns):
    """A sells at cost 1, B buys at price 10, one edge between them."""
    return make(
        {"A": "AAA", "B": "BBB"},
        {"ab": {"from_node": "A", "to_node": "B", **columns}},
        [("A", "oil", 100.0, 1.0)],
        [("B", "oil", 80.0, 10.0)],
    )


def row(result, edge, commodity="oil"):
    return result.edges.filter((pl.col("edge_id") == edge) & (pl.col("commodity") == commodity)).row(
        0, named=True
    )


def test_one_edge_by_hand(make):
    result = solve(one_edge(make, capacity=50.0, cost=2.0).network())
    assert row(result, "ab") == {
        "edge_id": "ab",
        "commodity": "oil",
        "flow": 50.0,
        "capacity": 50.0,
        "utilisation": 1.0,
        "shadow_price": 7.0,
    }
    assert (result.gross_value, result.transport_cost, result.supply_cost) == (500.0, 100.0, 50.0)
    assert result.value == 350.0
    assert result.status is Status.OPTIMAL
    assert result.delivered.row(0, named=True) == {
        "commodity": "oil",
        "market": "BBB",
        "node_id": "B",
        "quantity": 50.0,
        "value": 500.0,
        "unit_cost": 2.0,
    }


def test_unlimited_capacity_has_no_utilisation_and_no_price(make):
    result = solve(one_edge(make, cost=2.0).network())
    assert row(result, "ab") | {"flow": 80.0} == {
        "edge_id": "ab",
        "commodity": "oil",
        "flow": 80.0,
        "capacity": None,
        "utilisation": None,
        "shadow_price": 0.0,
    }


def test_loss_is_a_share_of_what_enters_and_capacity_bounds_what_enters(make):
    result = solve(one_edge(make, capacity=50.0, cost=2.0, loss=0.1).network())
    assert row(result, "ab")["flow"] == 50.0
    assert result.delivered["quantity"][0] == pytest.approx(45.0, rel=EXACT)
    assert result.value == pytest.approx(450 - 100 - 50, rel=EXACT)
    assert row(result, "ab")["shadow_price"] == pytest.approx(9 - 2 - 1, rel=EXACT)
    assert result.delivered["unit_cost"][0] == pytest.approx(2 / 0.9, rel=EXACT)


def test_too_dear_to_move(make):
    result = solve(one_edge(make, capacity=50.0, cost=9.5).network())
    assert result.value == 0.0
    assert result.delivered["quantity"].to_list() == [0.0]
    assert result.delivered["unit_cost"].to_list() == [None]


def test_at_equal_value_more_is_delivered(make):
    """Cost 9 and 1 against a price of 10: moving earns nothing and costs nothing."""
    result = solve(one_edge(make, capacity=50.0, cost=9.0).network())
    assert result.value == 0.0
    assert row(result, "ab")["flow"] == 50.0


def test_bidirectional_edge_runs_backwards_with_a_negative_sign(make):
    spec = one_edge(make, from_node="B", to_node="A", capacity=50.0, cost=2.0, bidirectional=True)
    result = solve(spec.network())
    assert row(result, "ab")["flow"] == -50.0
    assert row(result, "ab")["utilisation"] == 1.0
    assert result.value == 350.0


def test_both_directions_and_commodities_share_one_capacity(make):
    """Oil to the right earns 9 a unit, grain to the left 4: oil takes what it wants, grain the rest."""
    spec = make(
        {"A": "AAA", "B": "BBB"},
        {
            "ab": {
                "from_node": "A",
                "to_node": "B",
                "commodities": "oil;grain",
                "capacity": 100.0,
                "bidirectional": True,
            }
        },
        [("A", "oil", 70.0, 1.0), ("B", "grain", 70.0, 2.0)],
        [("B", "oil", 70.0, 10.0), ("A", "grain", 70.0, 6.0)],
    )
    result = solve(spec.network())
    assert row(result, "ab", "oil")["flow"] == 70.0
    assert row(result, "ab", "grain")["flow"] == -30.0
    assert row(result, "ab", "oil")["utilisation"] == row(result, "ab", "grain")["utilisation"] == 1.0
    assert row(result, "ab", "oil")["shadow_price"] == 4.0
    assert result.value == 70 * 9 + 30 * 4
    parts = result.by_commodity
    assert parts["commodity"].to_list() == ["grain", "oil"]
    assert parts["value"].to_list() == [120.0, 630.0]


def test_an_added_unit_that_cannot_be_filled_is_worth_nothing(make):
    """Supply and pipe are both used up: the solver may put the gain on either, the pipe alone brings none."""
    assert row(solve(one_edge(make, capacity=100.0).network()), "ab")["shadow_price"] == 0.0
    wide = replace(one_edge(make, capacity=100.0), demand=[("B", "oil", 500.0, 10.0)])
    assert row(solve(wide.network()), "ab")["shadow_price"] == 0.0
    narrow = replace(one_edge(make, capacity=80.0), supply=[("A", "oil", 500.0, 1.0)])
    assert row(solve(narrow.network()), "ab")["shadow_price"] == 0.0


def test_first_unit_of_an_edge_without_capacity(make):
    result = solve(one_edge(make, capacity=0.0, cost=2.0).network())
    assert row(result, "ab")["shadow_price"] == 7.0
    assert row(result, "ab")["utilisation"] is None
    assert result.value == 0.0


def test_two_pipes_in_a_row_of_equal_capacity(make):
    """One more unit on either alone is worth nothing."""
    spec = make(
        {"A": None, "M": None, "B": None},
        {
            "am": {"from_node": "A", "to_node": "M", "capacity": 30.0},
            "mb": {"from_node": "M", "to_node": "B", "capacity": 30.0},
        },
        [("A", "oil", 100.0, 1.0)],
        [("B", "oil", 80.0, 10.0)],
    )
    assert solve(spec.network()).edges["shadow_price"].to_list() == [0.0, 0.0]
    assert solve(spec.changed("mb", capacity=31.0).network()).edges["shadow_price"].to_list() == [9.0, 0.0]


def test_supply_at_the_place_of_demand_needs_no_edge(make):
    spec = make(
        {"A": "AAA", "B": "BBB"},
        {"ab": {"from_node": "A", "to_node": "B", "commodities": "oil"}},
        [("A", "oil", 10.0, 1.0), ("A", "grain", 7.0, 1.0)],
        [("B", "oil", 10.0, 2.0), ("A", "grain", 5.0, 4.0)],
    )
    result = solve(spec.network())
    assert result.value == 10 + 15
    assert result.delivered.filter(pl.col("commodity") == "grain")["unit_cost"].to_list() == [0.0]


def test_costs_mix_in_proportion_where_flows_meet(make):
    """30 units at cost 2 and 10 at cost 6 meet: 3 a unit; 5 more behind the meeting place."""
    spec = make(
        {"A": None, "C": None, "M": None, "B": None},
        {
            "am": {"from_node": "A", "to_node": "M", "capacity": 30.0, "cost": 2.0},
            "cm": {"from_node": "C", "to_node": "M", "capacity": 10.0, "cost": 6.0},
            "mb": {"from_node": "M", "to_node": "B", "cost": 5.0},
        },
        [("A", "oil", 100.0, 0.0), ("C", "oil", 100.0, 0.0)],
        [("B", "oil", 80.0, 100.0), ("M", "oil", 8.0, 200.0)],
    )
    costs = dict(solve(spec.network()).delivered.select("node_id", "unit_cost").iter_rows())
    assert costs == pytest.approx({"M": 3.0, "B": 8.0}, rel=EXACT)


@often
@given(seeds)
def test_value_equals_an_independent_programme(make, at_random, value_by_linprog, seed):
    spec = at_random(seed)
    expected = value_by_linprog(spec)
    assert solve(spec.network()).value == pytest.approx(expected, rel=SAME, abs=SAME)


@often
@given(seeds)
def test_balances_and_capacities_hold(at_random, seed):
    network = at_random(seed).network()
    programme = Programme(network)
    result, layout, numbers = programme.solve(), programme.layout, network.arrays
    balance = np.zeros((numbers.node_count, numbers.commodity_count))
    starts, ends = layout.from_node(numbers), layout.to_node(numbers)
    for flow, edge, commodity, start, end in zip(
        result.arrays.flow, layout.flow_edge, layout.flow_commodity, starts, ends, strict=True
    ):
        balance[start, commodity] -= flow
        balance[end, commodity] += flow * (1 - numbers.loss[edge])
    np.add.at(balance, (numbers.supply_node, numbers.supply_commodity), result.arrays.supply)
    np.add.at(balance, (numbers.demand_node, numbers.demand_commodity), -result.arrays.demand)
    scale = max(1.0, float(result.arrays.supply.max()))
    assert np.abs(balance).max() <= 1e-9 * scale
    assert result.residual <= 1e-9
    used = np.bincount(layout.flow_edge, weights=result.arrays.flow, minlength=len(numbers.capacity))
    assert (used <= numbers.capacity + 1e-9 * scale).all()
    assert (result.arrays.supply <= numbers.supply_quantity).all()
    assert (result.arrays.demand <= numbers.demand_quantity).all()
    assert min(result.arrays.flow.min(initial=0), result.arrays.supply.min(), result.arrays.demand.min()) >= 0


@often
@given(seeds)
def test_shadow_prices_are_what_one_more_unit_is_worth(at_random, value_by_linprog, seed):
    """Quantities are whole numbers and nothing is lost, so the value is linear up to the next whole number."""
    spec = at_random(seed, loss=False)
    before = value_by_linprog(spec)
    prices = dict(solve(spec.network()).edges.select("edge_id", "shadow_price").iter_rows())
    for edge, columns in spec.edges.items():
        if columns["capacity"] is None:
            assert prices[edge] == 0.0
        else:
            more = value_by_linprog(spec.changed(edge, capacity=columns["capacity"] + 0.5))
            assert prices[edge] == pytest.approx((more - before) / 0.5, rel=1e-6, abs=1e-6)


@often
@given(seeds, st.sampled_from([1e-6, 0.37, 1e7]), st.sampled_from([1e-4, 3.0, 1e6]))
def test_units_of_quantity_and_money_do_not_matter(at_random, seed, quantity, money):
    spec = at_random(seed)
    scaled = replace(
        spec,
        edges={
            name: {
                **e,
                "capacity": None if e["capacity"] is None else e["capacity"] * quantity,
                "cost": e["cost"] * money,
            }
            for name, e in spec.edges.items()
        },
        supply=[(n, c, q * quantity, p * money) for n, c, q, p in spec.supply],
        demand=[(n, c, q * quantity, p * money) for n, c, q, p in spec.demand],
    )
    plain, other = solve(spec.network()), solve(scaled.network())
    assert other.value == pytest.approx(plain.value * quantity * money, rel=1e-9, abs=1e-9 * quantity * money)
    assert other.delivered["quantity"].sum() == pytest.approx(
        plain.delivered["quantity"].sum() * quantity, rel=1e-9
    )


@often
@given(seeds)
def test_the_order_of_rows_does_not_matter(at_random, seed):
    frames = at_random(seed).frames()
    rng = np.random.default_rng(seed)
    from betweengiants.network import Network

    mixed = {name: frame[rng.permutation(frame.height)] for name, frame in frames.items()}
    plain, other = solve(Network.from_frames(**frames)), solve(Network.from_frames(**mixed))
    assert_frame_equal(plain.edges, other.edges, check_exact=True)
    assert_frame_equal(plain.delivered, other.delivered, check_exact=True)


@often
@given(seeds)
def test_names_do_not_matter(at_random, seed):
    spec = at_random(seed)
    order = np.random.default_rng(seed).permutation(len(spec.nodes))
    new = {name: f"z{order[i]}" for i, name in enumerate(spec.nodes)}
    renamed = replace(
        spec,
        nodes={new[name]: country for name, country in spec.nodes.items()},
        edges={
            f"x{int(name[1:]) * 7 % 11}{name}": {
                **e,
                "from_node": new[e["from_node"]],
                "to_node": new[e["to_node"]],
            }
            for name, e in spec.edges.items()
        },
        supply=[(new[n], *rest) for n, *rest in spec.supply],
        demand=[(new[n], *rest) for n, *rest in spec.demand],
    )
    assert solve(renamed.network()).value == pytest.approx(solve(spec.network()).value, rel=1e-9, abs=1e-9)


@often
@given(seeds)
def test_what_was_asked_before_does_not_matter(at_random, seed):
    network = at_random(seed).network()
    whole = network.everything
    rng = np.random.default_rng(seed)
    first, second = (Limits(rng.random(len(whole.edge_open)) < 0.6, whole.supply, whole.demand) for _ in "ab")
    used = Programme(network)
    used.solve(first)
    used.avoiding(first, used.solve().arrays)
    again, fresh = used.solve(second), Programme(network).solve(second)
    assert_frame_equal(again.edges, fresh.edges, check_exact=True)
    assert_frame_equal(again.delivered, fresh.delivered, check_exact=True)
    assert used.optimum(second).value == again.value


def test_solution_that_misses_its_balances_is_refused(make, monkeypatch):
    programme = Programme(one_edge(make, capacity=50.0).network())
    monkeypatch.setattr(
        Programme, "_settle_ties", lambda self, best, lower, upper: best.x + np.array([1e-6, 0.0, 0.0, 0.0])
    )
    with pytest.raises(NotConverged, match="residual"):
        programme.solve()


def test_programme_without_a_solution_is_reported():
    from scipy.sparse import csc_array

    nothing = np.zeros(1)
    lp = LinearProgramme(
        "test", nothing, nothing, np.ones(1), np.full(1, 2.0), np.full(1, np.inf), csc_array(np.eye(1))
    )
    with pytest.raises(Infeasible, match=r"test has no solution \(infeasible\)"):
        lp.solve()


def test_the_solver_prints_nothing():
    """Its banner would stand before the first line of a CSV."""
    code = (
        "import numpy as np; from scipy.sparse import csc_array; from betweengiants.network.highs import LinearProgramme;"
        "z = np.zeros(1); LinearProgramme('t', z, z, z + 1, z, z + 1, csc_array(np.eye(1))).solve()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
