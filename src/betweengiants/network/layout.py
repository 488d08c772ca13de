"""The linear programme of a network as sparse arrays.

Symbols: e edge, k commodity, n node, r a row of supply or demand.

    maximise    sum_r price_r d_r - sum_r cost_r s_r - sum_(e,k) cost_e (f+_ek + f-_ek)
    subject to  sum_(e into n) (1 - loss_e) f_ek + s_nk = sum_(e out of n) f_ek + d_nk    for every n, k
                sum_k weight_ek (f+_ek + f-_ek) <= capacity_e                              for every e
                sum_k weight_nk (s_nk + sum_(e into n) (1 - loss_e) f_ek) <= capacity_n    for every n with a limit
                0 <= s_r <= supply_r,  0 <= d_r <= demand_r,  f >= 0

f+ runs from `from_node` to `to_node`, f- the other way, and both are what enters the edge. Each demand has two columns,
d = kept + new, so that a solve can be asked to keep, among results of equal value, as much as possible of what is
delivered today. Quantities and money are divided by powers of two near the largest quantity and price: the solver
then sees numbers about one, whatever units the user chose, and no digit changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array

from betweengiants.network.model import Flags, Floats, Ints, NetworkArrays


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Columns are flows (F), supplies (S), demand kept (D), demand new (D); rows are balances (B), capacities, node limits.

    Attributes:
        flow_edge, flow_commodity: (F,); flow_forward: (F,) flags, the direction from `from_node` to `to_node`.
        flow_weight: (F,) units of capacity that one unit of flow takes; flow_cost: (F,) money for it.
        supply_count, demand_count: S and D.
        balance_count: B.
        capacity_row: (E,) row of an edge's capacity, -1 if it is unlimited or carries nothing.
        node_row: (N,) row of a node's limit, -1 if there is none.
        matrix: rows x columns.
        cost: (F + S + 2 D,) in units of money per unit of quantity, to be minimised.
        quantity_unit, money_unit: what one unit inside the programme stands for (powers of two); money_unit is per
            unit of quantity.
    """

    flow_edge: Ints
    flow_commodity: Ints
    flow_forward: Flags
    flow_weight: Floats
    flow_cost: Floats
    supply_count: int
    demand_count: int
    balance_count: int
    capacity_row: Ints
    node_row: Ints
    matrix: csc_array
    cost: Floats
    quantity_unit: float
    money_unit: float

    @property
    def flow_count(self) -> int:
        """F."""
        return len(self.flow_edge)

    @property
    def supply_columns(self) -> slice:
        """Columns of supply."""
        return slice(self.flow_count, self.flow_count + self.supply_count)

    @property
    def kept_columns(self) -> slice:
        """Columns of demand that may count as kept."""
        start = self.flow_count + self.supply_count
        return slice(start, start + self.demand_count)

    @property
    def new_columns(self) -> slice:
        """Columns of demand beyond that."""
        start = self.flow_count + self.supply_count + self.demand_count
        return slice(start, start + self.demand_count)

    def row_upper(self, network: NetworkArrays) -> Floats:
        """(R,) upper bounds of the rows inside the programme: zero for balances, else what the limits allow."""
        upper = np.zeros(self.matrix.shape[0])
        for row, limit in ((self.capacity_row, network.capacity), (self.node_row, network.node_capacity)):
            bounded = row >= 0
            upper[row[bounded]] = limit[bounded] / self.quantity_unit
        return upper

    def from_node(self, network: NetworkArrays) -> Ints:
        """(F,) where each flow enters its edge."""
        ends = network.edge_from[self.flow_edge], network.edge_to[self.flow_edge]
        return np.where(self.flow_forward, *ends)

    def to_node(self, network: NetworkArrays) -> Ints:
        """(F,) where each flow leaves its edge."""
        ends = network.edge_to[self.flow_edge], network.edge_from[self.flow_edge]
        return np.where(self.flow_forward, *ends)


def build(network: NetworkArrays) -> Layout:
    """Lay the programme of a network out; flows only for commodities that are both supplied and wanted."""
    count = network.commodity_count
    traded = np.isin(np.arange(count), network.supply_commodity)
    traded &= np.isin(np.arange(count), network.demand_commodity)
    edge, commodity = np.nonzero(network.carries & traded)
    back = network.bidirectional[edge]
    flow_edge = np.concatenate([edge, edge[back]])
    flow_commodity = np.concatenate([commodity, commodity[back]])
    forward = np.concatenate([np.ones(len(edge), bool), np.zeros(int(back.sum()), bool)])
    start = np.where(forward, network.edge_from[flow_edge], network.edge_to[flow_edge])
    end = np.where(forward, network.edge_to[flow_edge], network.edge_from[flow_edge])

    flows, supplies, demands = len(flow_edge), len(network.supply_node), len(network.demand_node)
    cells = np.concatenate(
        [
            start * count + flow_commodity,
            end * count + flow_commodity,
            network.supply_node * count + network.supply_commodity,
            *[network.demand_node * count + network.demand_commodity] * 2,
        ]
    )
    columns = np.concatenate(
        [np.arange(flows), np.arange(flows), np.arange(flows, flows + supplies + 2 * demands)]
    )
    values = np.concatenate(
        [-np.ones(flows), 1.0 - network.loss[flow_edge], np.ones(supplies), -np.ones(2 * demands)]
    )
    balances, rows = np.unique(cells, return_inverse=True)
    used = np.unique(flow_edge[np.isfinite(network.capacity[flow_edge])])
    capacity_row = np.full(len(network.capacity), -1, dtype=np.int64)
    capacity_row[used] = len(balances) + np.arange(len(used))
    bound = np.flatnonzero(capacity_row[flow_edge] >= 0)
    weight = network.weight[flow_edge, flow_commodity]
    limited = np.flatnonzero(np.isfinite(network.node_capacity))
    node_row = np.full(network.node_count, -1, dtype=np.int64)
    node_row[limited] = len(balances) + len(used) + np.arange(len(limited))
    entering = np.flatnonzero(node_row[end] >= 0)
    made = np.flatnonzero(node_row[network.supply_node] >= 0)
    passed = np.concatenate(
        [
            (1.0 - network.loss[flow_edge[entering]])
            * network.node_weight[end[entering], flow_commodity[entering]],
            network.node_weight[network.supply_node[made], network.supply_commodity[made]],
        ]
    )
    matrix = coo_array(
        (
            np.concatenate([values, weight[bound], passed]),
            (
                np.concatenate(
                    [
                        rows,
                        capacity_row[flow_edge[bound]],
                        node_row[end[entering]],
                        node_row[network.supply_node[made]],
                    ]
                ),
                np.concatenate([columns, bound, entering, flows + made]),
            ),
        ),
        shape=(len(balances) + len(used) + len(limited), flows + supplies + 2 * demands),
    ).tocsc()
    flow_cost = network.cost[flow_edge] * weight
    money = _power_of_two(network.demand_price)
    cost = np.concatenate([flow_cost, network.supply_cost, -network.demand_price, -network.demand_price])
    return Layout(
        flow_edge=flow_edge,
        flow_commodity=flow_commodity,
        flow_forward=forward,
        flow_weight=weight,
        flow_cost=flow_cost,
        supply_count=supplies,
        demand_count=demands,
        balance_count=len(balances),
        capacity_row=capacity_row,
        node_row=node_row,
        matrix=matrix,
        cost=cost / money,
        quantity_unit=_power_of_two(np.concatenate([network.supply_quantity, network.demand_quantity])),
        money_unit=money,
    )


def _power_of_two(numbers: Floats) -> float:
    """The power of two nearest to the largest number; 1 if there is none above zero."""
    largest = float(numbers.max(initial=0.0))
    return 2.0 ** round(math.log2(largest)) if largest > 0 else 1.0
