"""Maximum flow against minimum cut, and contingencies against closing each edge by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from betweengiants.core.errors import DataError, NotConverged
from betweengiants.network import (
    Limits,
    Programme,
    ProgrammePool,
    closure,
    coalitions,
    edge_contingencies,
    node_contingencies,
    power_contingencies,
    solve,
)

COLUMNS = ["removed", "value_before", "value_after", "value_lost", "delivered_lost"]

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


def without_node(spec, *nodes):
    """The network without some nodes, so that nothing of the code under test decides what goes with them."""
    return replace(
        spec,
        edges={
            name: row
            for name, row in spec.edges.items()
            if not {row["from_node"], row["to_node"]} & set(nodes)
        },
        supply=[row for row in spec.supply if row[0] not in nodes],
        demand=[row for row in spec.demand if row[0] not in nodes],
    )


def value_of(value_by_linprog, spec):
    return value_by_linprog(spec) if spec.edges and spec.supply and spec.demand else None


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.sampled_from([1, 2]))
def test_a_closed_node_takes_its_edges_supply_and_demand(at_random, value_by_linprog, seed, order):
    spec = at_random(seed)
    table = node_contingencies(spec.network(), order)
    assert table.columns == COLUMNS
    assert sorted(table["removed"]) == [";".join(some) for some in combinations(sorted(spec.nodes), order)]
    for removed, _, after, *_ in table.iter_rows():
        expected = value_of(value_by_linprog, without_node(spec, *removed.split(";")))
        if expected is not None:
            assert after == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_goods_used_where_they_are_made_need_no_edge_but_a_node(make):
    spec = make(
        {"a": None, "b": None},
        {"ab": {"from_node": "a", "to_node": "b", "capacity": 3.0}},
        [("a", "oil", 10.0, 1.0)],
        [("a", "oil", 4.0, 5.0), ("b", "oil", 4.0, 6.0)],
    )
    network = spec.network()
    left = {removed: after for removed, _, after, *_ in edge_contingencies(network).iter_rows()}
    assert left == {"ab": pytest.approx(16.0)}
    left = {removed: after for removed, _, after, *_ in node_contingencies(network).iter_rows()}
    assert left == {"a": 0.0, "b": pytest.approx(16.0)}


@often
@given(seeds)
def test_powers_two_by_two_are_their_coalitions(at_random, seed):
    network = at_random(seed).network()
    programme = Programme(network)
    for order in (1, 2):
        if order <= len(network.powers):
            table = power_contingencies(network, order, programme=programme)
            assert table.columns == COLUMNS
            expected = coalitions(network, network.powers, order=order, programme=programme)
            joined = table.join(expected, on="removed", validate="1:1", suffix="_x")
            assert joined.height == expected.height
            for column in COLUMNS[1:]:
                assert joined[column].to_numpy() == pytest.approx(joined[f"{column}_x"].to_numpy(), abs=1e-9)


def test_two_powers_reach_a_threshold_that_neither_does(make):
    spec = make(
        {"a": None, "b": None},
        {"ab": {"from_node": "a", "to_node": "b", "capacity": 3.0}},
        [("a", "oil", 10.0, 1.0)],
        [("b", "oil", 4.0, 6.0)],
        [("ab", "XXX", "ownership", 0.3), ("ab", "YYY", "ownership", 0.2)],
    )
    network = spec.network()
    assert closure(network, ["XXX"]).limits.edge_open.all()
    assert power_contingencies(network)["value_lost"].max() == 0.0
    worst = power_contingencies(network, 2).row(0, named=True)
    assert (worst["removed"], worst["value_lost"], worst["delivered_lost"]) == ("XXX;YYY", 15.0, 3.0)
    assert power_contingencies(network, 2, ownership_threshold=0.6)["value_lost"].max() == 0.0


def side_by_side(one, other):
    """Two networks in one, with names of their own."""
    specs = {"l": one, "r": other}
    return type(one)(
        {f"{side}{node}": country for side, spec in specs.items() for node, country in spec.nodes.items()},
        {
            f"{side}{name}": {**row, "from_node": side + row["from_node"], "to_node": side + row["to_node"]}
            for side, spec in specs.items()
            for name, row in spec.edges.items()
        },
        [(side + row[0], *row[1:]) for side, spec in specs.items() for row in spec.supply],
        [(side + row[0], *row[1:]) for side, spec in specs.items() for row in spec.demand],
    )


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_pairs_in_parts_that_share_nothing(at_random, value_by_linprog, seed):
    """They are not solved but added up: the sum must be what closing both gives."""
    spec = side_by_side(at_random(seed), at_random(seed + 1))
    found = dict(edge_contingencies(spec.network(), 2).select("removed", "value_after").iter_rows())
    ids = sorted(spec.edges)
    for first, second in [pair for pair in combinations(ids, 2) if pair[0][0] != pair[1][0]][::3]:
        expected = value_by_linprog(spec.without(first, second))
        assert found[f"{first};{second}"] == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_parts_that_share_nothing_are_not_solved_together(make):
    """Two chains of two edges: four single closures; of six pairs two lie in one chain, where the first closure settles
    the second, and four in two chains, whose losses add up. No pair is solved."""
    chain = make(
        {"a": None, "b": None, "c": None},
        {
            "ab": {"from_node": "a", "to_node": "b", "capacity": 3.0},
            "bc": {"from_node": "b", "to_node": "c", "capacity": 4.0},
        },
        [("a", "oil", 10.0, 1.0)],
        [("c", "oil", 9.0, 6.0)],
    )
    seen = []
    table = edge_contingencies(
        side_by_side(chain, chain).network(), 2, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert table["value_lost"].to_list() == pytest.approx([30.0] * 4 + [15.0] * 2)
    assert table["removed"].to_list()[4:] == ["lab;lbc", "rab;rbc"]


@pytest.mark.parametrize("survey", [edge_contingencies, node_contingencies])
def test_the_table_does_not_depend_on_who_solves(at_random, survey):
    network = at_random(11).network()
    alone = survey(network, 2)
    with ThreadPoolExecutor(3) as threads:
        assert survey(network, 2, executor=threads).equals(alone)


def test_processes_build_the_programme_once_and_give_the_same(at_random):
    network, other = at_random(11).network(), at_random(12).network()
    expected = {order: edge_contingencies(network, order) for order in (1, 2)}
    powers = power_contingencies(network, 2)
    seen = []
    with ProgrammePool(network, 2, small=0) as pool:
        for order, table in expected.items():
            assert edge_contingencies(network, order, executor=pool).equals(table)
        found = power_contingencies(
            network, 2, executor=pool, progress=lambda done, total: seen.append((done, total))
        )
        assert found.equals(powers)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert seen[-1][0] == seen[-1][1]
        # A pool of another network still solves the one that it is given.
        assert edge_contingencies(other, 1, executor=pool).equals(edge_contingencies(other, 1))


def test_small_sweeps_start_no_process(at_random, monkeypatch):
    network = at_random(11).network()

    def refuse(self, *_, **__):
        raise AssertionError("a process for a small sweep")

    monkeypatch.setattr(ProgrammePool, "submit", refuse)
    with ProgrammePool(network, 2) as pool:
        assert edge_contingencies(network, 2, executor=pool).equals(edge_contingencies(network, 2))


def test_a_failure_on_a_worker_is_the_same_error(at_random, monkeypatch):
    network = at_random(11).network()

    def fail(self, *_, **__):
        raise NotConverged("the test", residual=1.0, iterations=1, tolerance=0.1)

    programme = Programme(network)
    programme.optimum(network.everything)
    with ThreadPoolExecutor(2) as threads:
        monkeypatch.setattr("betweengiants.network.sweep._solved", fail)
        with pytest.raises(NotConverged, match="the test"):
            edge_contingencies(network, 1, programme=programme, executor=threads)


def test_too_many_pairs_are_refused(make):
    count = 2_002
    spec = make(
        {"a": None, "b": None},
        {f"e{i:04d}": {"from_node": "a", "to_node": "b", "capacity": 1.0} for i in range(count)},
        [("a", "oil", 10.0, 1.0)],
        [("b", "oil", 10.0, 6.0)],
    )
    with pytest.raises(DataError, match="2002 edges for pairs"):
        edge_contingencies(spec.network(), 2)


@pytest.mark.parametrize("survey", [edge_contingencies, node_contingencies, power_contingencies])
@pytest.mark.parametrize("order", [0, 3])
def test_other_orders_are_refused(at_random, survey, order):
    with pytest.raises(DataError, match=f"order {order}"):
        survey(at_random(1).network(), order)
