"""Interdiction against trying every set, against maximum flows, and against cases worked by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from betweengiants.core.errors import DataError, Infeasible, UnknownLabel
from betweengiants.network import Expansion, Programme, Status, close_edges, interdict, smallest_sets

some = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
TABLE = [
    "rank",
    "removed",
    "size",
    "value_before",
    "value_after",
    "value_lost",
    "delivered_lost",
    "detour_cost",
    "bypass_cost",
    "worth_defending",
    "status",
    "gap",
]


class Everything:
    """What every set of up to so many edges leaves, each by one solve of the flow programme."""

    def __init__(self, network, by, most):
        programme = Programme(network)
        before = programme.optimum(network.everything)
        measure = (lambda flow: flow.value) if by == "value" else (lambda flow: float(flow.demand.sum()))
        ids = network.edges["edge_id"].to_list()
        self.left = {
            names: measure(programme.optimum(close_edges(network, names), near=before))
            if names
            else measure(before)
            for size in range(most + 1)
            for names in combinations(ids, size)
        }
        self.whole = self.left[()]
        self.equal = 1e-7 * abs(self.whole)

    def worst(self, budget, sets):
        """What the worst sets leave that do more than any of their parts."""
        return sorted(
            left
            for names, left in self.left.items()
            if 0 < len(names) <= budget
            and all(
                self.left[part] > left + self.equal
                for size in range(len(names))
                for part in combinations(names, size)
            )
        )[:sets]

    def smallest(self, share):
        """Size of the smallest set that leaves no more than a share."""
        enough = [len(names) for names, left in self.left.items() if left <= share * self.whole + self.equal]
        return min(enough, default=None)


@pytest.mark.parametrize("method", ["enumerate", "programme"])
@pytest.mark.parametrize("by", ["value", "delivered"])
@some
@given(seeds)
def test_the_worst_sets_are_those_that_trying_all_finds(at_random, value_by_linprog, by, method, seed):
    spec = at_random(seed)
    network = spec.network()
    tried = Everything(network, by, 3)
    for budget in (1, 2) if method == "enumerate" else (1, 2, 3):
        found = interdict(network, budget, sets=4, by=by, method=method)
        assert [tried.left[names] for names in found.edges] == pytest.approx(
            tried.worst(budget, 4), rel=1e-6, abs=1e-6
        )
        assert found.status is Status.OPTIMAL
        assert found.table["gap"].to_list() == [0.0] * found.table.height
        assert found.table["rank"].to_list() == list(range(1, found.table.height + 1))
        for removed, after in found.table.select("removed", "value_after").iter_rows():
            expected = value_by_linprog(spec.without(*removed.split(";")))
            assert after == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("method", ["auto", "programme"])
@pytest.mark.parametrize("by", ["value", "delivered"])
@some
@given(seeds, st.sampled_from([0.8, 0.5, 0.1, 0.0]))
def test_the_smallest_set(at_random, by, method, seed, share):
    network = at_random(seed).network()
    tried = Everything(network, by, 4)
    try:
        found = smallest_sets(network, share, by=by, sets=3, method=method)
    except Infeasible:
        # Nothing that edges do can be enough: what stays moves on no edge.
        closed = close_edges(network, network.edges["edge_id"].to_list())
        flow = Programme(network).optimum(closed)
        assert (flow.value if by == "value" else flow.demand.sum()) > share * tried.whole
        return
    expected = tried.smallest(share)
    sizes = {len(names) for names in found.edges}
    assert len(sizes) == 1
    assert sizes == {expected} if expected is not None else min(sizes) > 4
    if expected is not None:
        assert all(tried.left[names] <= share * tried.whole + tried.equal for names in found.edges)
    assert len(set(found.edges)) == len(found.edges)


def one_commodity(make, matrix):
    """Everything is worth 1 a unit delivered at the last node and costs nothing."""
    last = len(matrix) - 1
    return make(
        {f"n{i}": None for i in range(len(matrix))},
        {
            f"e{i}-{j}": {"from_node": f"n{i}", "to_node": f"n{j}", "capacity": float(matrix[i, j])}
            for i, j in zip(*np.nonzero(matrix), strict=True)
        },
        [("n0", "oil", 10_000.0, 0.0)],
        [(f"n{last}", "oil", 10_000.0, 1.0)],
    )


@st.composite
def capacities(draw):
    count = draw(st.integers(3, 6))
    cells = draw(
        st.lists(st.sampled_from([0, 0, 1, 2, 5, 9]), min_size=count * count, max_size=count * count)
    )
    matrix = np.array(cells, dtype=np.int32).reshape(count, count)
    np.fill_diagonal(matrix, 0)
    matrix[0, count - 1] = max(1, matrix[0, count - 1])  # connected, as the reader demands
    return matrix


@some
@given(capacities())
def test_the_smallest_set_that_stops_everything_is_a_minimum_cut_of_edges(make, matrix):
    """With every capacity 1 a maximum flow counts edges (Menger)."""
    network = one_commodity(make, matrix).network()
    edges = (matrix > 0).astype(np.int32)
    expected = maximum_flow(csr_array(edges), 0, len(matrix) - 1).flow_value
    for by in ("value", "delivered"):
        found = smallest_sets(network, 0.0, by=by)
        assert found.table["size"].to_list() == [expected]
        assert found.table["value_after"].to_list() == [0.0]


def wood(matrix, budget):
    """Least capacity of a cut after `budget` edges are gone (Wood 1993), by another solver interface.

    min sum u b,  a_i - a_j + b_ij + x_ij >= 0 on edges,  a_t - a_s >= 1,  sum x <= budget;  a, x whole.
    """
    count = len(matrix)
    tail, head = np.nonzero(matrix)
    edges = len(tail)
    rows = np.zeros((edges + 2, count + 2 * edges))
    for edge in range(edges):
        rows[edge, tail[edge]] += 1
        rows[edge, head[edge]] -= 1
        rows[edge, count + edge] = rows[edge, count + edges + edge] = 1
    rows[edges, [count - 1, 0]] = 1, -1
    rows[edges + 1, count + edges :] = 1
    cost = np.concatenate([np.zeros(count), matrix[tail, head].astype(float), np.zeros(edges)])
    found = milp(
        cost,
        constraints=LinearConstraint(
            rows,
            np.concatenate([np.zeros(edges), [1, -np.inf]]),
            np.concatenate([np.full(edges + 1, np.inf), [budget]]),
        ),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(cost)),
    )
    assert found.status == 0
    return found.fun


@some
@given(capacities(), st.integers(1, 4))
def test_one_commodity_without_prices_is_network_interdiction_as_wood_states_it(make, matrix, budget):
    network = one_commodity(make, matrix).network()
    for method in ("auto", "programme"):
        for by in ("value", "delivered"):
            found = interdict(network, budget, sets=1, by=by, method=method)
            assert found.table["value_after"][0] == pytest.approx(wood(matrix, budget), abs=1e-6)


def test_what_a_set_does_by_hand(roads):
    found = interdict(roads.network(), 1)
    assert found.table.columns == TABLE
    before = 60 * 17 + 5 * 17 + 15 * 14
    rows = {row["removed"]: row for row in found.table.to_dicts()}
    assert list(rows) == ["cheap", "round", "far", "last"]
    # Without the cheap pipe 50 go round (20 of them more than with it ... 35) and 5 by the third road.
    cheap = rows["cheap"]
    assert cheap["value_before"] == pytest.approx(before)
    assert cheap["value_after"] == pytest.approx(50 * 14 + 5 * 17)
    assert cheap["delivered_lost"] == pytest.approx(25.0)
    # The 55 that still arrive would all go for 2 a unit with nothing closed: 50 of them cost 3 more.
    assert cheap["detour_cost"] == pytest.approx(150.0)
    assert cheap["worth_defending"] == cheap["value_lost"] == pytest.approx(before - 785)
    assert rows["far"]["delivered_lost"] == 0.0
    assert rows["far"]["detour_cost"] == pytest.approx(15.0)
    assert cheap["bypass_cost"] is None
    assert any("added_cost" in note for note in found.notes)


@some
@given(seeds)
def test_a_loss_is_what_no_longer_arrives_and_what_the_rest_costs_more(at_random, seed):
    """Detours never cost more than the whole loss, and never less than nothing."""
    for row in interdict(at_random(seed).network(), 2, sets=20).table.to_dicts():
        assert -1e-9 <= row["detour_cost"] <= row["value_lost"] + 1e-6
        assert row["value_lost"] == pytest.approx(row["value_before"] - row["value_after"], abs=1e-9)


def test_subsidised_edges(make):
    """A negative cost makes passing an edge worth more than the price of what it brings."""
    spec = make(
        {"a": None, "b": None, "c": None},
        {
            "paid": {"from_node": "a", "to_node": "b", "capacity": 4.0, "cost": -30.0},
            "plain": {"from_node": "a", "to_node": "b", "capacity": 9.0, "cost": 1.0},
            "on": {"from_node": "b", "to_node": "c", "capacity": 9.0, "cost": 1.0},
            "back": {"from_node": "b", "to_node": "c", "capacity": 2.0, "cost": 4.0},
        },
        [("a", "oil", 20.0, 2.0)],
        [("c", "oil", 20.0, 10.0)],
    )
    network = spec.network()
    for by in ("value", "delivered"):
        for budget in (1, 2, 3):
            found = interdict(network, budget, sets=3, by=by, method="programme")
            tried = Everything(network, by, 3)
            assert [tried.left[names] for names in found.edges] == pytest.approx(tried.worst(budget, 3))


def test_a_loop_with_losses_and_a_subsidy_has_no_bound_on_what_passing_earns(make):
    spec = make(
        {"a": None, "b": None, "c": None},
        {
            "there": {"from_node": "a", "to_node": "b", "capacity": 4.0, "cost": -3.0, "loss": 0.1},
            "back": {"from_node": "b", "to_node": "a", "capacity": 4.0, "cost": 1.0},
            "on": {"from_node": "b", "to_node": "c", "capacity": 9.0},
        },
        [("a", "oil", 20.0, 2.0)],
        [("c", "oil", 20.0, 10.0)],
    )
    network = spec.network()
    assert interdict(network, 2).table.height > 0
    with pytest.raises(DataError, match="negative cost on a loop with losses"):
        interdict(network, 3)


@some
@given(seeds)
def test_one_commodity_of_two(at_random, seed):
    network = at_random(seed).network()
    programme = Programme(network)
    before = programme.optimum(network.everything)
    oil = np.array(network.demand["commodity"] == "oil")
    if before.demand[oil].sum() == 0:
        return
    for budget, method in ((1, "programme"), (2, "enumerate"), (3, "auto")):
        found = interdict(network, budget, by="delivered", commodity="oil", method=method, sets=2)
        lost = {}
        for names in combinations(network.edge_index, budget):
            flow = programme.optimum(close_edges(network, names), near=before)
            lost[names] = before.demand[oil].sum() - flow.demand[oil].sum()
        worst = max(lost.values())
        if worst > 1e-6:
            assert found.table["delivered_lost"][0] == pytest.approx(worst, rel=1e-6, abs=1e-6)
        shown = [lost[names] for names in found.edges if len(names) == budget]
        assert found.table.filter(pl.col("size") == budget)["delivered_lost"].to_list() == pytest.approx(
            shown
        )


@pytest.mark.parametrize("spare", [1, 2, 3, 4])
def test_routes_that_pay_nothing_still_deliver(make, spare):
    """Without the cheap road the goods go by roads whose cost eats the whole price: worth nothing, and delivered.

    The mixed-integer programme, for which such a flow is as good as none, takes closing the cheap road to be enough.
    """
    dear = {
        f"dear{k}": {"from_node": "a", "to_node": "b", "capacity": 10.0, "cost": 5.0} for k in range(spare)
    }
    spec = make(
        {"a": None, "b": None},
        {"cheap": {"from_node": "a", "to_node": "b", "capacity": 10.0, "cost": 1.0}, **dear},
        [("a", "oil", 10.0, 0.0)],
        [("b", "oil", 10.0, 5.0)],
    )
    network = spec.network()
    for most in range(1, spare + 1):
        assert interdict(network, most, by="delivered", method="programme").edges == ()
    found = interdict(network, spare + 1, by="delivered", method="programme")
    assert found.edges == (tuple(sorted(spec.edges)),)
    assert found.table["delivered_lost"].to_list() == [10.0]
    assert smallest_sets(network, 0.5, method="programme").edges == found.edges


def test_out_of_time_is_a_status_and_never_silent(roads):
    found = interdict(roads.network(), 3, seconds=1e-9)
    assert found.status is Status.LIMIT
    assert "limit reached" in found.notes[0]
    assert all(status == "limit reached" for status in found.table.filter(pl.col("gap") > 0)["status"])
    with pytest.raises(Infeasible, match="limit reached after 1e-09 seconds; it has at least"):
        smallest_sets(roads.network(), 0.0, method="programme", seconds=1e-9)


def test_sets_that_do_no_more_than_a_part_are_not_listed(roads):
    """`far` and `last` are one road: closing both is closing one. Four edges give no more than these sets."""
    found = interdict(roads.network(), 4, sets=50)
    assert {frozenset(names) for names in found.edges} == {
        frozenset(names)
        for names in (
            {"cheap"},
            {"round"},
            {"far"},
            {"last"},
            {"cheap", "round"},
            {"cheap", "far"},
            {"cheap", "last"},
            {"round", "far"},
            {"round", "last"},
            {"cheap", "round", "far"},
            {"cheap", "round", "last"},
        )
    }
    assert found.notes[0] == "only 11 sets of at most 4 edges do harm of their own"


def test_deliveries_in_several_units_need_a_commodity(make):
    spec = make(
        {"a": None, "b": None},
        {"ab": {"from_node": "a", "to_node": "b", "commodities": "gas;oil"}},
        [("a", "oil", 5.0, 1.0), ("a", "gas", 5.0, 1.0)],
        [("b", "oil", 5.0, 2.0), ("b", "gas", 5.0, 2.0)],
    )
    frames = spec.frames() | {
        "commodities": pl.DataFrame({"commodity": ["oil", "gas"], "unit": ["million_t", "bcm"]})
    }
    expansion = Expansion.from_frames(
        **(frames | {"edges": frames["edges"].with_columns(added_cost=pl.lit(1.0))})
    )
    with pytest.raises(
        DataError, match=r"several units \(bcm, million_t\); allowed: one commodity of gas, oil"
    ):
        interdict(expansion.network, 1, by="delivered")
    assert interdict(expansion.network, 1, by="delivered", commodity="gas").table["delivered_lost"][0] == 5.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"budget": 0}, DataError, "a budget of 0"),
        ({"sets": 0}, DataError, "a number of sets of 0"),
        ({"by": "tonnes"}, UnknownLabel, "unknown measure 'tonnes'"),
        ({"method": "guess"}, UnknownLabel, "unknown method 'guess'"),
        ({"commodity": "oil"}, DataError, "a commodity for the value of all"),
        ({"commodity": "gas", "by": "delivered"}, UnknownLabel, "'gas'"),
        ({"seconds": 0.0}, DataError, "a time limit of 0"),
        ({"budget": 3, "method": "enumerate"}, DataError, "sets of 3 edges to enumerate"),
    ],
)
def test_bad_questions(roads, options, error, message):
    with pytest.raises(error, match=message):
        interdict(roads.network(), **({"budget": 1} | options))


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_bad_shares(roads, share):
    with pytest.raises(DataError, match="a share of"):
        smallest_sets(roads.network(), share)
