"""Single closures: what the focal state's own trade loses when one edge of the network fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from betweengiants.network import Network, Programme
from betweengiants.position.own_goods import PARTS, Floats, Own

ROUNDING = 1e-6
COLUMNS = tuple(
    f"lost{part}{unit}" for unit in ("", "_usd_m") for part in ("", *(f"_{name}" for name in PARTS))
)


def single_closures(network: Network, own: Own) -> pl.DataFrame:
    """Close every edge in turn and send the goods round the best way that is left.

    Args:
        network: the network.
        own: whose loss counts (others share the roads).

    Returns:
        edge_id, lost (own deliveries, in the unit of the system), lost_exports, lost_imports, lost_home (its parts), then the
        same as values: lost_usd_m, lost_exports_usd_m, lost_imports_usd_m, lost_home_usd_m; the largest loss first.

    Raises:
        Infeasible, NotConverged: from the engine.
    """
    programme = Programme(network)
    before = programme.optimum(network.everything)
    base = _own_amounts(network, own, before.demand)
    used = set(programme.layout.flow_edge[before.flow > ROUNDING * max(1.0, base[0])].tolist())
    rows = []
    for place, edge in enumerate(network.edges["edge_id"]):
        lost = [0.0] * len(base)  # what carries nothing can be closed without loss
        if place in used:
            still_open = np.ones(network.edges.height, dtype=np.bool_)
            still_open[place] = False
            after = programme.optimum(replace(network.everything, edge_open=still_open), near=before)
            left = _own_amounts(network, own, after.demand)
            lost = [_clean(was - now) for was, now in zip(base, left, strict=True)]
        rows.append((edge, *lost))
    return pl.DataFrame(
        rows,
        schema={"edge_id": pl.String} | dict.fromkeys(COLUMNS, pl.Float64),
        orient="row",
    ).sort("lost", "lost_usd_m", "edge_id", descending=[True, True, False])


def _own_amounts(network: Network, own: Own, demand: Floats) -> list[float]:
    """Quantities and values in the order of COLUMNS."""
    parts = (None, *PARTS)
    return [own.quantity(demand, part) for part in parts] + [
        own.value(network, demand, part) for part in parts
    ]


def _clean(lost: float) -> float:
    return lost if abs(lost) > ROUNDING else 0.0
