"""Dated events between two states, such as visits and agreements: how many, and how complete the table is.

Such tables are samples out of the press, not censuses. Every count therefore comes with what the table holds
(undated rows, first and last year) and, where somebody published a total, with the share of it that was seen.
"""

from __future__ import annotations

import polars as pl

from betweengiants.alignment.days import first_day
from betweengiants.core.tables import FIRST_RECORD, Kind, typed

PUBLISHED: dict[str, Kind] = {"country_a": "text", "country_b": "text", "value": "number", "as_of": "text"}


def with_day(rows: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """The rows with `day` (the first of what the date names; null for a blank) and `year`.

    Raises:
        DataError: a date that is not YYYY, YYYY-MM, YYYY-MM-DD or blank.
    """
    days = [first_day(text, name, at, column) for at, text in enumerate(rows[column], FIRST_RECORD)]
    return rows.with_columns(day=pl.Series(days, dtype=pl.Date)).with_columns(
        year=pl.col("day").dt.year().cast(pl.Int64)
    )


def coverage(events: pl.DataFrame) -> pl.DataFrame:
    """What a table of events holds for each power.

    Args:
        events: `power,year`, one row for each event (year null for undated ones).

    Returns:
        power, rows, undated, first_year, last_year, years (that have at least one event). Sorted.
    """
    return (
        events.group_by("power")
        .agg(
            rows=pl.len().cast(pl.Int64),
            undated=pl.col("year").null_count().cast(pl.Int64),
            first_year=pl.col("year").min(),
            last_year=pl.col("year").max(),
            years=pl.col("year").drop_nulls().n_unique().cast(pl.Int64),
        )
        .sort("power")
    )


def against_published(
    events: pl.DataFrame, published: pl.DataFrame, *, directed: bool, name: str = "published"
) -> pl.DataFrame:
    """Published totals beside what the table holds for the same pair and time.

    Args:
        events: `country_a,country_b,day`.
        published: `country_a,country_b,value,as_of` and optionally `since,measure`; dates as YYYY, YYYY-MM or
            YYYY-MM-DD, where a year or month of `as_of` counts whole.
        directed: whether from a to b differs from b to a (visits do, agreements do not).
        name: how messages call the published totals.

    Returns:
        country_a, country_b, measure, since, as_of, published, seen, share (seen / published), in the order of
        the published table. A share above 1 says that the two do not count the same thing.

    Raises:
        DataError: missing columns, unreadable dates.
    """
    rows = typed(
        published,
        PUBLISHED,
        optional={"since": "text", "measure": "text"},
        blanks=("since", "measure"),
        name=name,
    )
    for column in ("since", "measure"):
        if column not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    seen = []
    for at, row in enumerate(rows.iter_rows(named=True), FIRST_RECORD):
        since = first_day(row["since"], name, at, "since")
        first_day(row["as_of"], name, at, "as_of")
        # A month or year counts whole, so the bound is compared with as much of each day as it names.
        between = pl.col("day").cast(pl.String).str.slice(0, len(row["as_of"])) <= row["as_of"]
        pair = (pl.col("country_a") == row["country_a"]) & (pl.col("country_b") == row["country_b"])
        if not directed:
            pair |= (pl.col("country_a") == row["country_b"]) & (pl.col("country_b") == row["country_a"])
        if since is not None:
            between &= pl.col("day") >= since
        seen.append(events.filter(pair & between).height)
    return rows.select(
        "country_a",
        "country_b",
        "measure",
        "since",
        "as_of",
        published="value",
        seen=pl.Series(seen, dtype=pl.Int64),
    ).with_columns(share=pl.when(pl.col("published") > 0).then(pl.col("seen") / pl.col("published")))
