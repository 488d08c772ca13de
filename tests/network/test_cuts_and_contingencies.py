"""Maximum flow against minimum cut, and contingencies against closing each edge by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from betweengiants.core.errors import DataError
from betweengiants.network import Limits, Programme, edge_contingencies, solve

often = settings(max_examples=50, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
UNLIMITED = 10_000


@st.composite
def capacities(draw):
    """A dense random directed graph with whole capacities; source 0, sink last."""
    count = draw(st.integers(3, 7))
    cells = draw(st.lists(st.integers(0, 12), min_size=count * count, max_size=count * count))
    matrix = np.array(cells, dtype=np.int32).reshape(count, count)
    np.fill_diagonal(matrix, 0)
    matrix[0, count - 1] = max(1, matrix[0, count - 1])  # connected, as the reader demands
    return matrix


def as_spec(make, matrix):
    """Everything is worth 1 a unit delivered at the sink and costs nothing on the way."""
    last = len(matrix) - 1
    return make(
        {f"n{i}": None for i in range(len(matrix))},
        {
            f"e{i}-{j}": {"from_node": f"n{i}", "to_node": f"n{j}", "capacity": float(matrix[i, j])}
            for i, j in zip(*np.nonzero(matrix), strict=True)
        },
        [("n0", "oil", float(UNLIMITED), 0.0)],
        [(f"n{last}", "oil", float(UNLIMITED), 1.0)],
    )


@often
@given(capacities())
def test_largest_delivery_is_the_maximum_flow_and_the_minimum_cut(make, matrix):
    network = as_spec(make, matrix).network()
    last = len(matrix) - 1
    flow = maximum_flow(csr_array(matrix), 0, last)
    programme = Programme(network)
    result = programme.solve()
    assert result.value == pytest.approx(flow.flow_value, rel=1e-9)

    left = csr_array((matrix - flow.flow.toarray() > 0).astype(np.int32))
    side = np.zeros(len(matrix), bool)
    side[breadth_first_order(left, 0, return_predecessors=False)] = True
    cut = [(i, j) for i, j in zip(*np.nonzero(matrix), strict=True) if side[i] and not side[j]]
    assert sum(int(matrix[i, j]) for i, j in cut) == flow.flow_value

    whole = network.everything
    is_open = whole.edge_open.copy()
    is_open[[network.edge_index[f"e{i}-{j}"] for i, j in cut]] = False
    assert programme.optimum(Limits(is_open, whole.supply, whole.demand)).value == 0.0


@often
@given(capacities())
def test_unit_prices_mark_a_minimum_cut(make, matrix):
    """Where one more unit on an edge is worth something it is worth 1, and such an edge lies in every minimum cut."""
    network = as_spec(make, matrix).network()
    result = solve(network)
    flow = maximum_flow(csr_array(matrix), 0, len(matrix) - 1).flow_value
    for edge, price in result.edges.select("edge_id", "shadow_price").iter_rows():
        start, end = map(int, edge[1:].split("-"))
        wider = matrix.copy()
        wider[start, end] += 1
        gain = maximum_flow(csr_array(wider), 0, len(matrix) - 1).flow_value - flow
        assert price == pytest.approx(gain, abs=1e-9)


@often
@given(seeds)
def test_single_contingencies(at_random, value_by_linprog, seed):
    spec = at_random(seed)
    table = edge_contingencies(spec.network())
    assert sorted(table["removed"]) == sorted(spec.edges)
    assert (table["value_lost"].diff().drop_nulls() <= 0).all()
    for removed, before, after, lost, _ in table.iter_rows():
        assert before == pytest.approx(value_by_linprog(spec), rel=1e-7, abs=1e-7)
        assert after == pytest.approx(value_by_linprog(spec.without(removed)), rel=1e-7, abs=1e-7)
        assert lost == max(0.0, before - after)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_double_contingencies(at_random, value_by_linprog, seed):
    spec = at_random(seed)
    table = edge_contingencies(spec.network(), 2)
    found = dict(table.select("removed", "value_after").iter_rows())
    assert len(found) == len(list(combinations(spec.edges, 2)))
    for first, second in combinations(sorted(spec.edges), 2):
        expected = value_by_linprog(spec.without(first, second))
        assert found[f"{first};{second}"] == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_other_orders_are_refused(at_random):
    with pytest.raises(DataError, match="order 3"):
        edge_contingencies(at_random(1).network(), 3)
