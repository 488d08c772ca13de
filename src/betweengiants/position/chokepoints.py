"""Single closures: what the focal state's exports lose when one edge of the network fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from betweengiants.network import Network, Programme
from betweengiants.position.transit_channel import Own

ROUNDING = 1e-6


def single_closures(network: Network, own: Own) -> pl.DataFrame:
    """Close every edge in turn and send the goods round the best way that is left.

    Args:
        network: the network.
        own: whose loss counts (others share the roads).

    Returns:
        edge_id, lost (own deliveries, in the unit of the system), lost_usd_m (their value), the largest loss first.

    Raises:
        Infeasible, NotConverged: from the engine.
    """
    programme = Programme(network)
    before = programme.optimum(network.everything)
    base = own.quantity(before.demand), own.value(network, before.demand)
    used = set(programme.layout.flow_edge[before.flow > ROUNDING * max(1.0, base[0])].tolist())
    rows = []
    for place, edge in enumerate(network.edges["edge_id"]):
        lost = (0.0, 0.0)  # what carries nothing can be closed without loss
        if place in used:
            still_open = np.ones(network.edges.height, dtype=np.bool_)
            still_open[place] = False
            after = programme.optimum(replace(network.everything, edge_open=still_open), near=before)
            left = own.quantity(after.demand), own.value(network, after.demand)
            lost = (_clean(base[0] - left[0]), _clean(base[1] - left[1]))
        rows.append((edge, *lost))
    return pl.DataFrame(
        rows,
        schema={"edge_id": pl.String, "lost": pl.Float64, "lost_usd_m": pl.Float64},
        orient="row",
    ).sort("lost", "lost_usd_m", "edge_id", descending=[True, True, False])


def _clean(lost: float) -> float:
    return lost if abs(lost) > ROUNDING else 0.0
