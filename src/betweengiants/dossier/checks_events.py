"""What must hold in the tables of events: visits, sanctions, bases, exercises, deals and plans."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier.refusal import DATE, refuse

# Columns that hold a date, as precise as known.
DATED = {
    "visits": ("date",),
    "sanctions": ("date",),
    "bases": ("start", "end"),
    "exercises": ("start", "end"),
    "technology_links": ("start",),
    "deal_stages": ("date",),
    "plans": ("announced",),
}
PROMISES = ("announced", "letter_of_intent", "framework", "signed", "financed")

Tables = Mapping[str, pl.DataFrame]


def check_events(tables: Tables) -> None:
    """Run every rule of this module on those of its tables that are there.

    Raises:
        DataError: the first rule that is broken, with its place.
    """
    for table, columns in DATED.items():
        if table in tables:
            check_dates(tables[table], columns, f"{table}.csv")
    if "deals" in tables and "deal_stages" in tables:
        check_deals(tables["deals"], tables["deal_stages"])
    if "plans" in tables:
        check_plans(tables["plans"])


def check_dates(frame: pl.DataFrame, columns: tuple[str, ...], file: str) -> None:
    """Dates are ISO 8601, and nothing ends before it starts."""
    rows = frame.with_row_index("_row", offset=FIRST_RECORD)
    for column in columns:
        no_date = ~pl.col(column).str.contains(DATE)
        refuse(rows.filter(no_date), column, "a date (2025, 2025-11 or 2025-11-12)", file=file)
    if columns == ("start", "end"):
        refuse(rows.filter(_before("end", "start")), "end", "a date that is not before the start", file=file)


def check_deals(deals: pl.DataFrame, stages: pl.DataFrame) -> None:
    """A value has a unit, one unit an item of a deal; nothing is delivered before it was promised; no deal is bare."""
    rows = stages.with_row_index("_row", offset=FIRST_RECORD)
    lone = pl.col("value").is_null() != pl.col("unit").is_null()
    refuse(
        rows.filter(lone), "unit", "a unit beside a value, and no unit without one", file="deal_stages.csv"
    )
    first_unit = pl.col("unit").drop_nulls().first().over("deal_id", "item")
    refuse(
        rows.filter(pl.col("unit") != first_unit),
        "unit",
        "one unit for an item of a deal",
        file="deal_stages.csv",
    )
    promised = (
        rows.filter(pl.col("stage").is_in(PROMISES)).group_by("deal_id").agg(first=pl.col("date").min())
    )
    delivered = rows.filter(pl.col("stage") == "delivered").join(
        promised, on="deal_id", maintain_order="left"
    )
    refuse(
        delivered.filter(_before("date", "first")),
        "date",
        "a delivery that is not before the first promise",
        file="deal_stages.csv",
    )
    bare = deals.with_row_index("_row", offset=FIRST_RECORD).join(stages, on="deal_id", how="anti")
    refuse(bare.sort("_row"), "deal_id", "a deal with at least one row in deal_stages.csv", file="deals.csv")


def check_plans(plans: pl.DataFrame) -> None:
    """An outcome has a value, a year and a kind, or none of them."""
    rows = plans.with_row_index("_row", offset=FIRST_RECORD)
    for column in ("reached_year", "reached_kind"):
        lone = pl.col("reached_value").is_null() != pl.col(column).is_null()
        refuse(
            rows.filter(lone), column, "a value, a year and a kind of the outcome, or none", file="plans.csv"
        )


def _before(later: str, earlier: str) -> pl.Expr:
    """Whether one date lies before another, over the digits that both have."""
    digits = pl.min_horizontal(pl.col(later).str.len_chars(), pl.col(earlier).str.len_chars())
    return pl.col(later).str.slice(0, digits) < pl.col(earlier).str.slice(0, digits)
