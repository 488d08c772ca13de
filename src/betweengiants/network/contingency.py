"""Contingencies: every edge, or every pair of edges, closed in turn.

An edge that carries nothing in an optimal flow can be closed without loss, because that flow stays possible. So N-1
solves once for each used edge, and N-2, for each used edge a, once for each edge that is used when a is closed; every
other pair follows.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.network.model import Limits, Network
from betweengiants.network.programme import Programme
from betweengiants.network.results import FlowArrays
from betweengiants.network.severance import ranked

MOST_ROWS = 2_000_000


def edge_contingencies(
    network: Network, order: int = 1, *, programme: Programme | None = None
) -> pl.DataFrame:
    """Value and deliveries lost when any one edge (order 1) or any two (order 2) close.

    Returns:
        removed (edge ids joined by `;`), value_before, value_after, value_lost, delivered_lost, the largest loss first.

    Raises:
        DataError: an order other than 1 or 2, or more pairs than a table should hold.
    """
    count = len(network.arrays.capacity)
    if order not in (1, 2):
        raise DataError(found=f"order {order}", allowed="1 or 2")
    if order == 2 and count * (count - 1) // 2 > MOST_ROWS:
        raise DataError(found=f"{count} edges for pairs", allowed=f"at most {MOST_ROWS} pairs")
    programme = programme or Programme(network)
    before = programme.optimum(network.everything)
    ids = network.edges["edge_id"].to_list()
    used = _used(programme, before)
    single = {edge: _without(programme, (edge,), before) for edge in used}
    if order == 1:
        return ranked([(name, before, single.get(edge, before)) for edge, name in enumerate(ids)])
    after_first = {edge: set(_used(programme, result)) for edge, result in single.items()}
    rows = []
    for pair in combinations(range(count), 2):
        first = next((edge for edge in pair if edge in single), None)
        if first is None:
            after = before
        else:
            other = pair[1] if first == pair[0] else pair[0]
            after = single[first] if other not in after_first[first] else _without(programme, pair, before)
        rows.append((";".join(ids[edge] for edge in pair), before, after))
    return ranked(rows)


def _used(programme: Programme, result: FlowArrays) -> list[int]:
    return [int(edge) for edge in np.unique(programme.layout.flow_edge[result.flow > 0])]


def _without(programme: Programme, edges: tuple[int, ...], before: FlowArrays) -> FlowArrays:
    whole = programme.network.everything
    is_open = whole.edge_open.copy()
    is_open[list(edges)] = False
    return programme.optimum(Limits(is_open, whole.supply, whole.demand), near=before)
