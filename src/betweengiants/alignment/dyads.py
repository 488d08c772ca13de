"""Tables of pairs and years: which stand in one direction only, and which lie outside a system of states."""

from __future__ import annotations

import polars as pl

from betweengiants.core.errors import summary

SIDES = ("country", "partner")
MOST_NAMED = 8


def one_way(dyads: pl.DataFrame, sides: tuple[str, str] = SIDES) -> pl.DataFrame:
    """The rows of pairs and years that stand in one direction only.

    A table in which each pair stands once was probably not meant to be directed; read so, the other direction is
    an empty portfolio.

    Args:
        dyads: the two sides and `year`; other columns are kept.
        sides: names of the columns of the two sides.
    """
    one, other = sides
    turned = dyads.select(pl.col(other).alias(one), pl.col(one).alias(other), "year")
    different = dyads.filter(pl.col(one) != pl.col(other))
    return different.join(turned, on=[one, other, "year"], how="anti", maintain_order="left")


def left_out(
    dyads: pl.DataFrame, system: pl.DataFrame, sides: tuple[str, str] = SIDES, *, name: str = "the system"
) -> str | None:
    """In one sentence, the rows with a side that a system of states lacks in their year; None if there are none.

    Args:
        dyads: the two sides and `year`.
        system: `country,year`.
        sides: names of the columns of the two sides.
        name: how the sentence calls the system.
    """
    rows = dyads.with_row_index("_row")
    long = pl.concat([rows.select("_row", "year", country=pl.col(side)) for side in sides]).unique()
    lacking = long.join(system.select("country", "year").unique(), on=["country", "year"], how="anti")
    if lacking.is_empty():
        return None
    years = set(system["year"])
    gone = sorted(set(lacking["year"]) - years)
    known = lacking.filter(pl.col("year").is_in(sorted(years)))
    by_state = known.group_by("country").agg(pl.len(), first=pl.col("year").min(), last=pl.col("year").max())
    named = [
        f"{row['country']} in {row['len']} row{'s' if row['len'] > 1 else ''} ({_span(row['first'], row['last'])})"
        for row in by_state.sort("len", "country", descending=[True, False]).to_dicts()
    ]
    lacks = [*([f"the years {summary(map(str, gone), MOST_NAMED)}"] if gone else []), *named]
    count = lacking["_row"].n_unique()
    return f"{count} of {dyads.height} dyads left out, as {name} lacks {summary(lacks, MOST_NAMED)}"


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"
