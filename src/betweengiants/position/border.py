"""Own goods on the edges over the border of the focal state, and what moves on every edge.

Of a commodity that comes from elsewhere only what ends at home is its own. Goods that pass through to others (Turkmen gas
to China) may share the pipe: they are told apart by proportion at every node where the flow divides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from betweengiants.dossier import Dossier
from betweengiants.network import FlowResult, Network
from betweengiants.position.own_goods import Floats, Own

SCHEMA = {
    "case": pl.String,
    "edge_id": pl.String,
    "name": pl.String,
    "leaving": pl.Float64,
    "entering": pl.Float64,
    "flow": pl.Float64,
}


def border_routes(
    network: Network, dossier: Dossier, own: Own, flows: Mapping[str, FlowResult]
) -> pl.DataFrame:
    """Own goods that cross the border of the focal state's territory by each edge.

    Args:
        network: the network.
        dossier: names the focal state and the edges.
        own: its own deliveries.
        flows: a solution by case.

    Returns:
        case, edge_id, name, leaving, entering, flow (both together), in the unit of the system, for every edge over the
        border that may carry own goods.
    """
    home = network.nodes.select(pl.col("territory") == dossier.focal).to_series().fill_null(False).to_numpy()
    numbers = network.arrays
    over = home[numbers.edge_from] != home[numbers.edge_to]
    factor = dict(zip(network.demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
    counted = sorted(set(network.demand.filter(pl.Series(own.rows))["commodity"]))
    carrying = numbers.carries[:, [network.commodity_index[name] for name in counted]].any(axis=1)
    shown = np.flatnonzero(over & carrying)
    ids = network.edges["edge_id"].gather(shown)
    parts = []
    for case, result in flows.items():
        leaving, entering = np.zeros(len(over)), np.zeros(len(over))
        for commodity in counted:
            flow = _net_flow(network, result, commodity)
            moved = np.abs(flow) * _own_share(network, own, result, commodity, flow) * factor[commodity]
            out = home[np.where(flow > 0, numbers.edge_from, numbers.edge_to)]
            leaving += np.where(out, moved, 0.0)
            entering += np.where(out, 0.0, moved)
        parts.append(
            pl.DataFrame(
                {"edge_id": ids, "leaving": leaving[shown], "entering": entering[shown]}
            ).with_columns(case=pl.lit(case), flow=pl.col("leaving") + pl.col("entering"))
        )
    names = dossier.tables["network_edges"].select("edge_id", "name")
    return pl.concat(parts).join(names, on="edge_id").select(list(SCHEMA)).sort("case", "edge_id")


def edge_totals(result: FlowResult, factors: Mapping[str, float]) -> pl.DataFrame:
    """edge_id, flow: what the commodities of `factors` add up to on every edge that may carry one of them."""
    table = pl.DataFrame(
        {"commodity": list(factors), "factor": list(factors.values())},
        schema={"commodity": pl.String, "factor": pl.Float64},
    )
    return (
        result.edges.join(table, on="commodity", how="inner")
        .group_by("edge_id")
        .agg(flow=(pl.col("flow") * pl.col("factor")).sum())
    )


def _net_flow(network: Network, result: FlowResult, commodity: str) -> Floats:
    """(E,) what enters each edge, against its own direction negative."""
    flow = np.zeros(network.edges.height)
    rows = result.edges.filter(pl.col("commodity") == commodity)
    flow[[network.edge_index[edge] for edge in rows["edge_id"]]] = rows["flow"].to_numpy()
    return flow


def _own_share(network: Network, own: Own, result: FlowResult, commodity: str, flow: Floats) -> Floats:
    """(E,) share of what each edge carries that ends in an own delivery.

    At a node n with deliveries d and outflows f, the share s of what passes it solves
    s_n (d + sum f) = own deliveries + sum f s_head.
    """
    numbers = network.arrays
    mine = numbers.demand_commodity == network.commodity_index[commodity]
    if own.rows[mine].all():
        return np.ones(len(flow))
    tail = np.where(flow > 0, numbers.edge_from, numbers.edge_to)
    head = np.where(flow > 0, numbers.edge_to, numbers.edge_from)
    delivered = np.where(mine, result.arrays.demand, 0.0)
    ends = np.bincount(numbers.demand_node, weights=delivered, minlength=numbers.node_count)
    owned = np.bincount(numbers.demand_node, weights=delivered * own.rows, minlength=numbers.node_count)
    passing = ends + np.bincount(tail, weights=np.abs(flow), minlength=numbers.node_count)
    matrix = np.diag(np.where(passing > 0, passing, 1.0))
    np.add.at(matrix, (tail, head), -np.abs(flow))
    # Least squares: a loop that nothing leaves has no share of its own, and gets none.
    share = np.linalg.lstsq(matrix, owned, rcond=None)[0]
    return np.asarray(np.clip(share, 0.0, 1.0)[head], dtype=np.float64)
