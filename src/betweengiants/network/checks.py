"""Faults of a network as a whole: demand that nothing can reach, and cycles that would earn money by going round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, summary
from betweengiants.core.tables import FIRST_RECORD

if TYPE_CHECKING:
    from betweengiants.network.model import NetworkArrays

Arc = tuple[int, int, float, int]


class MoneyPump(DataError):
    """A cycle of edges on which goods would earn money by going round.

    Attributes:
        edges: its edges, in order.
    """

    def __init__(self, edges: Sequence[str], commodity: str, name: str, *, endless: bool) -> None:
        self.edges = tuple(edges)
        found = f"edges on which '{commodity}' earns money by going round in a cycle: {summary(edges)}"
        super().__init__(
            file=name,
            column="cost",
            found=found + (", without any limit" if endless else ""),
            allowed="costs that add up to zero or more around every cycle",
        )


def arcs(network: NetworkArrays, commodity: int) -> list[Arc]:
    """(from, to, cost, edge) of every direction in which a commodity can move."""
    found: list[Arc] = []
    for edge in np.flatnonzero(network.carries[:, commodity]).tolist():
        ends = int(network.edge_from[edge]), int(network.edge_to[edge])
        cost = float(network.cost[edge] * network.weight[edge, commodity])
        found.append((*ends, cost, edge))
        if network.bidirectional[edge]:
            found.append((*ends[::-1], cost, edge))
    return found


def reached(sources: Sequence[int], steps: Sequence[tuple[int, int]]) -> set[int]:
    """Nodes that can be reached from `sources` along `steps`, the sources among them."""
    onward: defaultdict[int, list[int]] = defaultdict(list)
    for start, end in steps:
        onward[start].append(end)
    seen, waiting = set(sources), list(sources)
    while waiting:
        for node in onward[waiting.pop()]:
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def refuse_disconnected(network: NetworkArrays, demand: pl.DataFrame, name: str) -> NDArray[np.bool_]:
    """Refuse the first row of `demand` that no supply reaches; tell which supplies reach no demand.

    Capacities do not count here: an edge of capacity zero is a connection that is closed today.

    Args:
        network: arrays whose demand rows stand in the order of `demand`.
        demand: node_id, market, commodity, quantity, price in the order of the user's rows.
        name: how messages call the table.

    Returns:
        (S,) flags of supplies that reach no demand.

    Raises:
        DataError: disconnected demand.
    """
    unreachable = np.zeros(len(network.demand_node), bool)
    stranded = np.zeros(len(network.supply_node), bool)
    for commodity in range(network.commodity_count):
        steps = [(start, end) for start, end, _, _ in arcs(network, commodity)]
        made = network.supply_commodity == commodity
        wanted = network.demand_commodity == commodity
        within = reached(network.supply_node[made].tolist(), steps)
        unreachable |= wanted & (network.demand_quantity > 0) & ~np.isin(network.demand_node, list(within))
        useful = reached(network.demand_node[wanted].tolist(), [(end, start) for start, end in steps])
        stranded |= made & ~np.isin(network.supply_node, list(useful))
    if unreachable.any():
        row = int(unreachable.argmax())
        node, commodity_name = demand["node_id"][row], demand["commodity"][row]
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            found=f"disconnected demand: no supply of '{commodity_name}' can reach node '{node}'",
            allowed="demand that some supply reaches over operating edges",
        )
    return stranded


def refuse_money_pumps(
    network: NetworkArrays, edge_ids: Sequence[str], commodities: Sequence[str], name: str
) -> None:
    """Refuse a cycle of edges without loss whose costs add up to less than zero.

    Goods going round such a cycle would earn money without being delivered: without limit where the capacities are
    unlimited, and as a pure artefact where they are not. Bellman & Ford's labels find one in O(N E).

    Raises:
        MoneyPump: with the edges of the cycle.
    """
    if not (network.cost < 0).any():
        return
    usable = (network.loss == 0) & (network.capacity > 0)
    for commodity, label in enumerate(commodities):
        cycle = _negative_cycle(network.node_count, [a for a in arcs(network, commodity) if usable[a[3]]])
        if cycle:
            endless = bool(np.isinf(network.capacity[cycle]).all())
            raise MoneyPump([edge_ids[edge] for edge in cycle], label, name, endless=endless)


def _negative_cycle(node_count: int, steps: Sequence[Arc]) -> list[int]:
    """Edges of one cycle of negative cost, in order; empty if there is none."""
    distance = [0.0] * node_count
    arrival: list[Arc | None] = [None] * node_count
    slack = 1e-12 * max((abs(step[2]) for step in steps), default=0.0)
    last = -1
    for _ in range(node_count):
        last = -1
        for step in steps:
            if distance[step[0]] + step[2] < distance[step[1]] - slack:
                distance[step[1]] = distance[step[0]] + step[2]
                arrival[step[1]] = step
                last = step[1]
        if last < 0:
            return []
    for _ in range(node_count):  # walk back until surely inside the cycle
        step_in = arrival[last]
        if step_in is None:  # rounding kept the labels moving: there is no cycle
            return []
        last = step_in[0]
    cycle: list[int] = []
    node = last
    while not cycle or node != last:
        step_in = arrival[node]
        assert step_in is not None
        cycle.append(step_in[3])
        node = step_in[0]
    return cycle[::-1]
