"""Contingencies: every edge, node or power, or every pair of them, closed in turn.

What an optimal flow does not use can be closed without loss, because that flow stays possible. So N-1 solves once for
each element that is used, and a pair is solved only if each of its two is still used when the other is closed alone.
Of these, pairs in parts of the network that share nothing (no commodity at a node, no capacity) lose the sum of what
either loses, because the programme falls apart into one for each part. Both rules are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from betweengiants.core.errors import DataError
from betweengiants.network.control import OWNERSHIP_THRESHOLD, closure
from betweengiants.network.layout import Layout
from betweengiants.network.model import Floats, Ints, Network, NetworkArrays
from betweengiants.network.programme import Programme
from betweengiants.network.reading import BASES
from betweengiants.network.sweep import Closing, Outcome, Progress, outcome, outcomes

MOST_ROWS = 2_000_000


def edge_contingencies(
    network: Network,
    order: int = 1,
    *,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Value and deliveries lost when any one edge (order 1) or any two (order 2) close.

    Args:
        network: the network.
        order: how many close at once, 1 or 2.
        programme: the network's own programme, to save building it again.
        executor: solve there; the table does not depend on it (see `sweep.outcomes`, `ProgrammePool`).
        progress: told how many closures are solved, and of how many.

    Returns:
        removed (edge ids joined by `;`), value_before, value_after, value_lost, delivered_lost (sum over commodities),
        the largest loss first.

    Raises:
        DataError: an order other than 1 or 2, or more pairs than a table should hold.
        Infeasible, NotConverged: see `Programme.solve`.
    """
    _check_order(order, len(network.arrays.capacity), "edges")
    closings = [Closing.of_edges([edge]) for edge in range(len(network.arrays.capacity))]
    found = survey(network, closings, order, programme=programme, executor=executor, progress=progress)
    return _table(network.edges["edge_id"], found, order)


def node_contingencies(
    network: Network,
    order: int = 1,
    *,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The same for nodes: a closed node closes its edges, its supply and its demand (see `edge_contingencies`)."""
    _check_order(order, network.nodes.height, "nodes")
    closings = [Closing.of_node(network, node) for node in range(network.nodes.height)]
    found = survey(network, closings, order, programme=programme, executor=executor, progress=progress)
    return _table(network.nodes["node_id"], found, order)


def power_contingencies(
    network: Network,
    order: int = 1,
    *,
    bases: Sequence[str] = BASES,
    ownership_threshold: float = OWNERSHIP_THRESHOLD,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The same for powers, each closing all that it controls; two together may reach a threshold that neither does.

    Args:
        network: the network.
        order: how many powers sever at once, 1 or 2.
        bases: which kinds of control count.
        ownership_threshold: smallest share that closes an asset.
        programme: as in `edge_contingencies`, like the two below.
        executor: where to solve.
        progress: told how far the sweep is.

    Raises:
        DataError, UnknownLabel: an order other than 1 or 2, and see `closure`.
        Infeasible, NotConverged: see `Programme.solve`.
    """
    _check_order(order, len(network.powers), "powers")
    groups = list(combinations(network.powers, order))
    closings = []
    for group in groups:
        cut = closure(network, group, bases=bases, ownership_threshold=ownership_threshold)
        closings.append(Closing.of_limits(network, cut.limits))
    # A pair of powers is one closing of its own: what two close together is more than what each closes.
    found = survey(network, closings, 1, programme=programme, executor=executor, progress=progress)
    return _table(pl.Series([";".join(group) for group in groups], dtype=pl.String), found, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Outcomes of closing each of n elements, and pairs of them.

    Attributes:
        count: n.
        before: nothing closed.
        single: by element, for those that are used.
        used_after: elements that are used when a used one is closed; empty for order 1.
        pair: by pair (smaller, larger), for those in which each is used when the other is closed; empty for order 1.
    """

    count: int
    before: Outcome
    single: dict[int, Outcome]
    used_after: dict[int, frozenset[int]]
    pair: dict[tuple[int, int], Outcome]


def survey(
    network: Network,
    closings: Sequence[Closing],
    order: int,
    *,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Close each element (order 1), and every pair of which it is not known beforehand what is lost (order 2).

    Args:
        network: the network.
        closings: what each element closes.
        order: 1 or 2.
        programme: as in `edge_contingencies`, like the two below.
        executor: where to solve.
        progress: told how far the sweep is, once for the elements and once for the pairs.
    """
    programme = programme or Programme(network)
    flows = programme.optimum(network.everything)
    before = outcome(programme, flows)
    touches = _incidence(network.arrays, closings)
    used = np.flatnonzero(touches @ before.used).tolist()
    solved = outcomes(programme, flows, [closings[one] for one in used], executor=executor, progress=progress)
    single = dict(zip(used, solved, strict=True))
    if order == 1:
        return Survey(len(closings), before, single, {}, {})
    used_after = {
        one: frozenset(np.flatnonzero(touches @ result.used).tolist()) for one, result in single.items()
    }
    parts = _parts(programme.layout, network.arrays, touches)
    together, asked = {}, []
    for one, other in _open_pairs(used_after):
        if parts[one].isdisjoint(parts[other]):
            together[one, other] = _sum_of_losses(before, single.get(one, before), single.get(other, before))
        else:
            asked.append((one, other))
    if len(asked) > MOST_ROWS:
        raise DataError(found=f"{len(asked)} pairs to solve", allowed=f"at most {MOST_ROWS}")
    solved = outcomes(
        programme,
        flows,
        [closings[one].with_(closings[other]) for one, other in asked],
        executor=executor,
        progress=progress,
    )
    together.update(zip(asked, solved, strict=True))
    return Survey(len(closings), before, single, used_after, together)


def mixed_units(network: Network) -> tuple[str, ...]:
    """Units of what is delivered, sorted, if there are several: a sum over commodities then has no unit."""
    units = {network.units.get(one, "no stated unit") for one in network.demand["commodity"].unique()}
    return tuple(sorted(units)) if len(units) > 1 else ()


def _check_order(order: int, count: int, what: str) -> None:
    if order not in (1, 2):
        raise DataError(found=f"order {order}", allowed="1 or 2")
    if order == 2 and count * (count - 1) // 2 > MOST_ROWS:
        raise DataError(found=f"{count} {what} for pairs", allowed=f"at most {MOST_ROWS} pairs")


def _incidence(numbers: NetworkArrays, closings: Sequence[Closing]) -> csr_array:
    """(n, E + S + D) what each element closes."""
    edges, supplies = len(numbers.capacity), len(numbers.supply_node)
    assets = [
        np.unique(np.concatenate([one.edges, edges + one.supply, edges + supplies + one.demand]))
        for one in closings
    ]
    starts = np.concatenate([[0], np.cumsum([len(some) for some in assets])])
    columns = np.concatenate([*assets, np.empty(0, dtype=np.int64)])
    shape = (len(closings), edges + supplies + len(numbers.demand_node))
    return csr_array((np.ones(len(columns)), columns, starts), shape=shape)


def _open_pairs(used_after: Mapping[int, frozenset[int]]) -> list[tuple[int, int]]:
    """Pairs (smaller, larger) in which each is used when the other is closed (an unused one changes nothing)."""
    return sorted(
        {
            (min(one, other), max(one, other))
            for one, still_used in used_after.items()
            for other in still_used
            if other != one and (other not in used_after or one in used_after[other])
        }
    )


def _parts(layout: Layout, numbers: NetworkArrays, touches: csr_array) -> list[frozenset[int]]:
    """To which parts of the programme each element belongs; parts share no row, so each has its own optimum."""
    sizes = abs(layout.matrix)
    _, of_row = connected_components(sizes @ sizes.T, directed=False)
    of_column = of_row[layout.matrix.indices[layout.matrix.indptr[:-1]]]  # by its first row; none is empty
    edges = len(numbers.capacity)
    asset = np.concatenate(
        [
            layout.flow_edge,
            edges + np.arange(layout.supply_count),
            edges + layout.supply_count + np.arange(layout.demand_count),
        ]
    )
    part = of_column[: len(asset)]  # the second columns of demands are like the first
    shape = (touches.shape[1], int(of_row.max(initial=0)) + 1)
    of_element = csr_array(touches @ csr_array((np.ones(len(asset)), (asset, part)), shape=shape))
    return [
        frozenset(of_element.indices[start:end].tolist())
        for start, end in zip(of_element.indptr[:-1], of_element.indptr[1:], strict=True)
    ]


def _sum_of_losses(before: Outcome, one: Outcome, other: Outcome) -> Outcome:
    return Outcome(
        before.value - (before.value - one.value) - (before.value - other.value),
        before.delivered - (before.delivered - one.delivered) - (before.delivered - other.delivered),
        np.where(one.used != before.used, one.used, other.used),
    )


def _table(names: pl.Series, found: Survey, order: int) -> pl.DataFrame:
    if order == 1:
        each = [found.single.get(one, found.before) for one in range(found.count)]
        return _ranked(names, found.before, _columns(each))
    value, delivered = _columns([found.single.get(one, found.before) for one in range(found.count)])
    first, second = np.triu_indices(found.count, 1)
    # A pair that is not open loses what one of the two loses: the one after which the other is not used.
    settles = np.zeros((found.count, found.count), bool)
    for one, still_used in found.used_after.items():
        settles[one] = True
        settles[one, list(still_used)] = False
    alone = np.where(settles[first, second], first, second)
    values, deliveries = value[alone], delivered[alone]
    place = _place_of_pairs(found.count, np.array(list(found.pair), dtype=np.int64).reshape(-1, 2))
    values[place], deliveries[place] = _columns(list(found.pair.values()))
    labels = pl.select(pl.concat_str(names.gather(first), names.gather(second), separator=";")).to_series()
    return _ranked(labels, found.before, (values, deliveries))


def _place_of_pairs(count: int, pairs: Ints) -> Ints:
    """Where pairs (smaller, larger) stand among all pairs in order."""
    one, other = pairs[:, 0], pairs[:, 1]
    return one * (2 * count - one - 1) // 2 + other - one - 1


def _columns(each: Sequence[Outcome]) -> tuple[Floats, Floats]:
    return np.array([one.value for one in each]), np.array([float(one.delivered.sum()) for one in each])


def _ranked(names: pl.Series, before: Outcome, after: tuple[Floats, Floats]) -> pl.DataFrame:
    values, deliveries = after
    return pl.DataFrame(
        {
            "removed": names.alias("removed"),
            "value_before": np.full(len(values), before.value),
            "value_after": values,
            "value_lost": np.maximum(0.0, before.value - values),
            "delivered_lost": float(before.delivered.sum()) - deliveries,
        }
    ).sort("value_lost", "removed", descending=[True, False])
