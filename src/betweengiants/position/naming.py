"""Names of results: one short identifier for every row of the long table, the same in every run.

    trade.leverage.RUS.short            percent of real national spending lost when Russia severs trade
    transit.oil.RUS.value_lost          million USD of own oil deliveries lost when Russia closes what it controls
    alignment.RUS.votes                 agreement of votes with Russia in the latest full year
    alignment.RUS.votes.2015            the same in another year

Coalitions are joined by `+` in alphabetical order. A number that is not the focal state's own carries the name of
its owner at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from betweengiants.position.results import Trail

TRANSIT = "_transit"
ALIGNMENT = ("votes", "institutions", "alignment")
SHORT = {
    "leverage_pct": "leverage",
    "counter_leverage_pct": "counter_leverage",
    "lost_usd_m": "value_lost",
    "lost_pct_gdp": "gdp_lost",
    "fees_lost_usd_m": "fees_lost",
    "sales_lost_usd_m": "sales_lost",
    "own_purchases_usd_m": "own_purchases",
    "sectors_loss_pct": "sectors_loss",
    "sectors_inputs_loss_pct": "sectors_inputs_loss",
    "first_order_loss_pct": "first_order_loss",
    "closed_form_loss_pct": "closed_form_loss",
    "vote_agreement": "votes",
    "shared_memberships": "memberships",
    "alignment": "composite",
    "alignment_first": "composite_first",
}


def result_ids(results: pl.DataFrame, trails: Mapping[str, Trail]) -> list[str]:
    """Identifiers of the rows of a long table of results, in its order.

    The period is left out where it is the current one: the latest of its channel, for votes the latest full year.
    """
    current = {
        channel: str(part["period"].max())
        for (channel,), part in results.group_by("channel", maintain_order=True)
    }
    if "votes" in trails:
        current["votes"] = str(trails["votes"].parameters["latest_full_year"])
    return [_name(row, current[row["channel"]]) for row in results.to_dicts()]


def _name(row: Mapping[str, Any], current: str) -> str:
    channel, coalition = row["channel"], row["coalition"]
    measure = SHORT.get(row["measure"], row["measure"])
    if channel.endswith(TRANSIT):
        system = channel.removesuffix(TRANSIT)
        if measure.startswith(f"lost_{row['unit']}"):
            measure = measure.replace(f"lost_{row['unit']}", "quantity_lost")
        parts = ["transit", system, coalition, measure]
    elif channel in ALIGNMENT:
        parts = ["alignment", coalition, measure]
    else:
        parts = ["trade" if channel == "trade_detail" else channel, measure, coalition]
    owner = row["member"]
    its_own = owner == row["focal"] or (measure.startswith("counter_") and owner == coalition)
    parts += [] if its_own else [owner]
    parts += [row["horizon"]] if row["horizon"] else []
    parts += [] if row["period"] == current else [row["period"]]
    return ".".join(part for part in parts if part)
