"""Announced against delivered: what became of deals and of plans, item by item.

Nothing is added up: an item of a deal is compared with itself only, and money with money of the same deal.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.dossier.checks_events import PROMISES
from betweengiants.dossier.reading import Dossier

# A target that was met but for this share counts as nearly reached.
NEARLY = 0.1


def deal_outcomes(dossier: Dossier) -> pl.DataFrame:
    """What each deal promised and what is known to have been delivered, one row an item of a deal.

    Returns:
        Columns deal_id, title, power, domain, item, unit, promised_date, promised (the largest promise; empty where
        no figure was given), promised_low, promised_high, delivered_date, delivered (the latest report; empty where
        none was found, which is not zero), delivered_share (of `promised`), source_id (of all stages).

    Raises:
        DataError: the dossier has no deals.
    """
    _need(dossier, "deals", "deal_stages")
    stages = dossier.tables["deal_stages"].sort("deal_id", "item", "date", "stage", maintain_order=True)
    keys = ["deal_id", "item"]
    promise = stages.filter(pl.col("stage").is_in(PROMISES))
    promised = promise.group_by(keys, maintain_order=True).agg(
        promised_date=pl.col("date").first(),
        promised=pl.col("value").max(),
        promised_low=pl.min_horizontal("value", "low").min(),
        promised_high=pl.max_horizontal("value", "high").max(),
    )
    done = stages.filter((pl.col("stage") == "delivered") & pl.col("value").is_not_null())
    delivered = done.group_by(keys, maintain_order=True).agg(
        delivered_date=pl.col("date").last(), delivered=pl.col("value").last()
    )
    items = stages.group_by(keys, maintain_order=True).agg(
        unit=pl.col("unit").drop_nulls().first(),
        source_id=pl.col("source_id").str.split(";").explode().unique(maintain_order=True).str.join(";"),
    )
    names = dossier.tables["deals"].select("deal_id", "title", "power", "domain")
    return (
        items.join(promised, on=keys, how="left", maintain_order="left")
        .join(delivered, on=keys, how="left", maintain_order="left")
        .join(names, on="deal_id", how="left", maintain_order="left")
        .with_columns(
            delivered_share=pl.when(pl.col("promised") > 0).then(pl.col("delivered") / pl.col("promised"))
        )
        .select(
            *(
                "deal_id",
                "title",
                "power",
                "domain",
                "item",
                "unit",
                "promised_date",
                "promised",
                "promised_low",
            ),
            *("promised_high", "delivered_date", "delivered", "delivered_share", "source_id"),
        )
    )


def plan_outcomes(dossier: Dossier, on: date) -> pl.DataFrame:
    """Whether official targets were met, judged on a day, one row a plan.

    The outcome is `reached` (a result or rating at the target or beyond it), `nearly` (within `NEARLY` of it),
    `missed` (below it in the target year or after, and that year has passed), `below` (below it otherwise),
    `replaced` (another plan took its place) or `unknown` (no result found; forecasts and plans are no results).

    Raises:
        DataError: the dossier has no plans.
    """
    _need(dossier, "plans")
    table = dossier.tables["plans"]
    # The share holds for cuts too: outcome and target are then both below zero.
    share = pl.col("reached_value") / pl.col("value")
    known = pl.col("reached_kind").is_in(["outturn", "capacity"])
    passed = (pl.col("target_year") < on.year) & (pl.col("reached_year") >= pl.col("target_year"))
    outcome = (
        pl.when(pl.col("status") == "superseded")
        .then(pl.lit("replaced"))
        .when(~known.fill_null(False))
        .then(pl.lit("unknown"))
        .when(share >= 1)
        .then(pl.lit("reached"))
        .when(share >= 1 - NEARLY)
        .then(pl.lit("nearly"))
        .when(passed.fill_null(False))
        .then(pl.lit("missed"))
        .otherwise(pl.lit("below"))
    )
    return table.with_columns(
        reached_share=pl.when(known & (pl.col("value") != 0)).then(share), outcome=outcome
    ).select(
        *("plan_id", "item", "domain", "value", "unit", "target_year", "announced", "announced_by"),
        *("reached_value", "reached_year", "reached_kind", "reached_share", "outcome", "source_id"),
    )


def _need(dossier: Dossier, *tables: str) -> None:
    missing = [table for table in tables if not dossier.has(table)]
    if missing:
        raise DataError(
            file=f"{missing[0]}.csv",
            found="no such table in the dossier",
            allowed=f"a dossier with {missing[0]}.csv",
        )
