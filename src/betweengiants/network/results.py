"""What flows, what is delivered, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.network.highs import Status
from betweengiants.network.layout import Layout
from betweengiants.network.mixing import mixture
from betweengiants.network.model import Floats, Ints, Limits, Network, NetworkArrays

PARTS_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FlowArrays:
    """Flows as numbers, in the network's own units.

    Attributes:
        flow: (F,) what enters, in the order of the layout's flow columns.
        supply: (S,) what is produced; demand: (D,) what is delivered.
        gross_value, transport_cost, supply_cost: price times quantity delivered, and what it took.
        residual: largest miss of a balance or capacity, relative to the largest throughput of a node.
    """

    flow: Floats
    supply: Floats
    demand: Floats
    gross_value: float
    transport_cost: float
    supply_cost: float
    residual: float

    @property
    def value(self) -> float:
        """Gross value less the costs: what the programme maximises."""
        return self.gross_value - self.transport_cost - self.supply_cost


@dataclass(frozen=True, eq=False)
class FlowResult:
    """An optimal flow.

    Attributes:
        edges: edge_id, commodity, flow, capacity, utilisation, shadow_price, sorted; one row for each commodity that an
            operating edge may carry. `flow` is what enters, against the edge's own direction negative. Capacity (in
            its own unit), utilisation and shadow price belong to the edge and repeat on its rows. Null: capacity and
            utilisation where unlimited, utilisation of capacity zero, shadow price of a closed edge or where it was not
            asked for.
        delivered: commodity, market, node_id, quantity, value (price times quantity), unit_cost (transport cost of one
            unit delivered there; flows mix in proportion where they meet; null where nothing is delivered).
        by_commodity: commodity, quantity (delivered), gross_value, transport_cost, supply_cost, value.
        value: gross_value - transport_cost - supply_cost.
        gross_value: price times quantity delivered.
        transport_cost, supply_cost: money.
        residual: largest miss of a balance or capacity, relative to the largest throughput of a node.
        status: how the solver ended.
        arrays: the same as numbers.
    """

    edges: pl.DataFrame
    delivered: pl.DataFrame
    by_commodity: pl.DataFrame
    value: float
    gross_value: float
    transport_cost: float
    supply_cost: float
    residual: float
    status: Status
    arrays: FlowArrays

    def __post_init__(self) -> None:
        """The value must be its parts, and the deliveries must add up to the gross value."""
        parts = self.gross_value - self.transport_cost - self.supply_cost
        size = PARTS_TOLERANCE * (abs(self.gross_value) + abs(self.transport_cost) + abs(self.supply_cost))
        listed = float(self.delivered["value"].sum())
        if abs(parts - self.value) > size or abs(listed - self.gross_value) > size:
            raise ValueError(
                f"parts {parts} and {listed} do not add up to {self.value} and {self.gross_value}"
            )


def flow_result(
    network: Network,
    layout: Layout,
    limits: Limits,
    arrays: FlowArrays,
    prices: Floats | None,
) -> FlowResult:
    """Tables and totals of a solution."""
    numbers = network.arrays
    delivered = network.demand.select(
        "commodity",
        "market",
        "node_id",
        quantity=pl.Series(arrays.demand),
        value=pl.Series(numbers.demand_price * arrays.demand),
        unit_cost=pl.Series(unit_costs(network, layout, arrays), dtype=pl.Float64).fill_nan(None),
    )
    return FlowResult(
        edges=_edge_table(network, layout, limits, arrays, prices),
        delivered=delivered.sort("commodity", "market", "node_id"),
        by_commodity=_by_commodity(network, layout, arrays),
        value=arrays.value,
        gross_value=arrays.gross_value,
        transport_cost=arrays.transport_cost,
        supply_cost=arrays.supply_cost,
        residual=arrays.residual,
        status=Status.OPTIMAL,
        arrays=arrays,
    )


def _by_commodity(network: Network, layout: Layout, arrays: FlowArrays) -> pl.DataFrame:
    numbers, count = network.arrays, len(network.commodities)

    return pl.DataFrame(
        {
            "commodity": list(network.commodities),
            "quantity": summed(numbers.demand_commodity, arrays.demand, count),
            "gross_value": summed(numbers.demand_commodity, numbers.demand_price * arrays.demand, count),
            "transport_cost": summed(layout.flow_commodity, layout.flow_cost * arrays.flow, count),
            "supply_cost": summed(numbers.supply_commodity, numbers.supply_cost * arrays.supply, count),
        }
    ).with_columns(value=pl.col("gross_value") - pl.col("transport_cost") - pl.col("supply_cost"))


def summed(place: Ints, amounts: Floats, count: int) -> Floats:
    """(count,) sum of the amounts at each place."""
    return np.bincount(place, weights=amounts, minlength=count).astype(np.float64)


def edge_flows(network: Network, layout: Layout, flow: Floats) -> Floats:
    """(E, K) net flow, positive from `from_node` to `to_node`."""
    numbers = network.arrays
    net = np.zeros((len(numbers.capacity), numbers.commodity_count))
    signed = np.where(layout.flow_forward, flow, -flow)
    np.add.at(net, (layout.flow_edge, layout.flow_commodity), signed)
    return net + 0.0  # no negative zeros


def _edge_table(
    network: Network, layout: Layout, limits: Limits, arrays: FlowArrays, prices: Floats | None
) -> pl.DataFrame:
    numbers = network.arrays
    count = len(numbers.capacity)
    used = summed(layout.flow_edge, layout.flow_weight * arrays.flow, count)
    bounded = np.isfinite(numbers.capacity)
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(bounded & (numbers.capacity > 0), used / numbers.capacity, np.nan)
    price = np.full(count, np.nan) if prices is None else np.where(limits.edge_open, prices, np.nan)
    edge, commodity = np.nonzero(numbers.carries)
    nulls = {
        "capacity": np.where(bounded, numbers.capacity, np.nan),
        "utilisation": utilisation,
        "shadow_price": price,
    }
    names = np.array(network.commodities, dtype=object)
    return pl.DataFrame(
        {
            "edge_id": network.edges["edge_id"].gather(edge),
            "commodity": pl.Series(names[commodity].tolist(), dtype=pl.String),
            "flow": edge_flows(network, layout, arrays.flow)[edge, commodity],
            **{name: pl.Series(column[edge]).fill_nan(None) for name, column in nulls.items()},
        }
    ).sort("edge_id", "commodity")


def unit_costs(network: Network, layout: Layout, arrays: FlowArrays) -> Floats:
    """(D,) transport cost of one unit delivered at each demand, nan where nothing is.

    Flows that meet at a node mix in proportion. With T_n what arrives at n (supply and inflow after loss) and a_n the
    cost that one unit there has met:  T_n a_n = sum over inflows of f (a_from + cost of the edge).
    """
    numbers = network.arrays
    found = np.full(len(arrays.demand), np.nan)
    for commodity in range(numbers.commodity_count):
        wanted = np.flatnonzero((numbers.demand_commodity == commodity) & (arrays.demand > 0))
        if len(wanted):
            costs = _costs_at_nodes(numbers, layout, arrays, commodity)
            found[wanted] = costs[numbers.demand_node[wanted]]
    return found


def _costs_at_nodes(numbers: NetworkArrays, layout: Layout, arrays: FlowArrays, commodity: int) -> Floats:
    """(N,) cost that one unit of a commodity has met at each node, nan where none comes by."""
    goods = mixture(numbers, layout, arrays, commodity)
    costs = np.full(numbers.node_count, np.nan)
    solve = goods.solver(goods.flow)
    if solve is not None:
        met = summed(goods.into, goods.flow * layout.flow_cost[goods.moving], len(goods.through))
        costs[goods.place >= 0] = solve(met)
    return costs
