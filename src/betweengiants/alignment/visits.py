"""Visits between a state and each power, by year and by level of the visitor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from betweengiants.alignment.events import with_day
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import Kind, read_table, typed

VISITS: dict[str, Kind] = {
    "date": "text",
    "visitor": "text",
    "host": "text",
    "level": "text",
    "kind": "text",
    "status": "text",
}
# The visitor's column may have the name that it has in a dossier.
VISITOR, GUEST = "visitor", "guest"
HELD, SUMMIT = "held", "summit"


def read_visits(path: Path | str, *, name: str | None = None) -> pl.DataFrame:
    """Read a CSV or Parquet file of visits: `date,visitor,host,level,kind,status`; `guest` stands for `visitor` too.

    Raises:
        DataError: see `core.tables.read_table`; neither of the two columns, or both.
    """
    label = name or Path(path).name
    others = {column: kind for column, kind in VISITS.items() if column != VISITOR}
    either: dict[str, Kind] = {VISITOR: "text", GUEST: "text"}
    return _named(read_table(path, others, optional=either, blanks=("date",), name=label), label)


def visit_events(
    visits: pl.DataFrame, focal: str, powers: Sequence[str], *, name: str = "visits"
) -> pl.DataFrame:
    """Visits of a power to the focal state and of the focal state to a power.

    Args:
        visits: `date,visitor,host,level,kind,status`; `guest`, as in a dossier, stands for `visitor` too. The date
            may be a year, a month or blank. A visit counts as held if its status says so, and as announced
            otherwise.
        focal: visitor or host.
        powers: visitors or hosts.
        name: how messages call the table.

    Returns:
        power, day, year, visitor, host, level, kind, held. Sorted by power, day and visitor.

    Raises:
        DataError: missing columns, unreadable dates.
        UnknownLabel: a focal state that neither visits nor is visited.
    """
    rows = with_day(typed(_named(visits, name), VISITS, blanks=("date",), name=name), "date", name)
    ours = rows.filter((pl.col("visitor") == focal) | (pl.col("host") == focal))
    if ours.is_empty():
        known = [*rows["visitor"], *rows["host"]]
        raise UnknownLabel(focal, known, what="country", file=name)
    power = pl.when(pl.col("visitor") == focal).then(pl.col("host")).otherwise(pl.col("visitor"))
    wanted = sorted(set(powers) - {focal})
    return (
        ours.with_columns(power=power, held=pl.col("status") == HELD)
        .filter(pl.col("power").is_in(wanted))
        .select("power", "day", "year", "visitor", "host", "level", "kind", "held")
        .sort("power", "day", "visitor", "level", nulls_last=True)
    )


def visits_by_year(events: pl.DataFrame) -> pl.DataFrame:
    """Visits by power, year and level.

    Args:
        events: see `visit_events`.

    Returns:
        power, year (null for undated ones), level, received (held in the focal state), paid (held with the
        power), summits (of both, those on the occasion of a meeting of many), announced (not held, or not
        known to be). Sorted. Levels are never added up: a president is not a minister.
    """
    held = pl.col("held")
    received = pl.col("visitor") == pl.col("power")
    return (
        events.group_by("power", "year", "level")
        .agg(
            received=(held & received).sum().cast(pl.Int64),
            paid=(held & ~received).sum().cast(pl.Int64),
            summits=(held & (pl.col("kind") == SUMMIT)).sum().cast(pl.Int64),
            announced=(~held).sum().cast(pl.Int64),
        )
        .sort("power", "year", "level", nulls_last=True)
    )


def _named(visits: pl.DataFrame, name: str) -> pl.DataFrame:
    """The table with a column `visitor`, whichever of its two names the file gives it."""
    held = [column for column in (VISITOR, GUEST) if column in visits.columns]
    if len(held) != 1:
        found = f"no column '{VISITOR}'" if not held else f"both '{VISITOR}' and '{GUEST}'"
        raise DataError(
            file=name, found=found, allowed=f"one column '{VISITOR}' (or '{GUEST}', as in a dossier)"
        )
    return visits.rename({GUEST: VISITOR}, strict=False)
