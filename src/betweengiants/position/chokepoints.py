"""Single closures: what the focal state's exports lose when one edge of the network fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from betweengiants.network import Network, Programme

ROUNDING = 1e-6


def single_closures(network: Network, commodities: tuple[str, ...]) -> pl.DataFrame:
    """Close every edge in turn and send the goods round the best way that is left.

    Args:
        network: the network.
        commodities: those whose loss counts (others share the pipes but are not the focal state's own).

    Returns:
        edge_id, lost_million_t, lost_usd_m (delivered quantity and its value), the largest loss first.

    Raises:
        Infeasible, NotConverged: from the engine.
    """
    programme = Programme(network)
    before = programme.solve(prices=False)
    base = _own(before.delivered, commodities)
    flows = before.edges.filter(pl.col("flow").abs() > ROUNDING)
    used = set(flows["edge_id"])
    rows = []
    for place, edge in enumerate(network.edges["edge_id"]):
        lost = (0.0, 0.0)  # what carries nothing can be closed without loss
        if edge in used:
            still_open = np.ones(network.edges.height, dtype=np.bool_)
            still_open[place] = False
            limits = replace(network.everything, edge_open=still_open)
            after = programme.solve(limits, near=before.arrays, prices=False)
            left = _own(after.delivered, commodities)
            lost = (_clean(base[0] - left[0]), _clean(base[1] - left[1]))
        rows.append((edge, *lost))
    return pl.DataFrame(
        rows,
        schema={"edge_id": pl.String, "lost_million_t": pl.Float64, "lost_usd_m": pl.Float64},
        orient="row",
    ).sort("lost_million_t", "lost_usd_m", "edge_id", descending=[True, True, False])


def _own(delivered: pl.DataFrame, commodities: tuple[str, ...]) -> tuple[float, float]:
    own = delivered.filter(pl.col("commodity").is_in(commodities))
    return float(own["quantity"].sum()), float(own["value"].sum())


def _clean(lost: float) -> float:
    return lost if abs(lost) > ROUNDING else 0.0
