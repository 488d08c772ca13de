"""Shared memberships of institutions: how many, which, and as a share of all.

A membership holds from its start (inclusive) to its end (exclusive). A date of which only the year or the
month is known stands for its first day. A blank start means that the start was not seen in a source, not
that it was always so: such rows count only where the caller, or the rule below, says so, and are counted
apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, get_args

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FIRST_RECORD, typed

Undated = Literal["auto", "include", "exclude"]
Held = dict[str, dict[str, bool]]
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "country": pl.String,
    "power": pl.String,
    "year": pl.Int64,
    "shared": pl.Int64,
}
OTHERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "shared_undated": pl.Int64,
    "focal_total": pl.Int64,
    "power_total": pl.Int64,
    "jaccard": pl.Float64,
    "institutions": pl.List(pl.String),
}


def shared_memberships(
    memberships: pl.DataFrame,
    focal: str | Sequence[str],
    powers: Sequence[str],
    on: int | str | date,
    *,
    roles: Sequence[str] = ("member",),
    undated: Undated = "auto",
    weights: Mapping[str, float] | None = None,
    name: str = "memberships",
) -> pl.DataFrame:
    """Institutions of which a state and a power are both members on a day.

    Args:
        memberships: `country,institution,role,start,end`; start and end are YYYY, YYYY-MM, YYYY-MM-DD or
        blank.
        focal: one label of `country`, or several.
        powers: labels of `country`.
        on: a day; a year stands for its last day.
        roles: which roles count; the default leaves observers, partners, candidates and hosts out.
        undated: whether rows with a blank start (and not yet ended) count. `auto` counts them from the latest
            year that the table itself mentions on, so that they stand for the present and not for the past.
        weights: institution -> weight in `jaccard` (default: all 1; an institution not named weighs 1).
        name: how messages call the table.

    Returns:
        country, power, year, shared (institutions in common), shared_undated (how many of them rest on a
        blank start on either side), focal_total, power_total (institutions of each), jaccard (weight in
        common over weight of either's; null if neither has any), institutions (names in common). Sorted.

    Raises:
        DataError: missing columns, unreadable or reversed dates, a negative weight.
        UnknownLabel: a state without any row, or a role that the table does not hold.
    """
    if undated not in get_args(Undated):
        raise UnknownLabel(str(undated), get_args(Undated), what="rule for undated rows")
    if weights and min(weights.values()) < 0:
        raise DataError(found="a negative weight", allowed="weights of at least 0")
    text = dict.fromkeys(("country", "institution", "role", "start", "end"), "text")
    rows = typed(memberships, text, blanks=("start", "end"), name=name)  # type: ignore[arg-type]
    day = _day(on)
    states = [focal] if isinstance(focal, str) else list(focal)
    _require_known(rows, "country", (*states, *powers), name)
    _require_known(rows, "role", roles, name)
    counted = undated == "include" or (undated == "auto" and day.year >= _latest_year(rows))
    held = _held(rows.with_row_index("_row").filter(pl.col("role").is_in(list(roles))), day, counted, name)
    result = []
    for country in sorted(set(states)):
        for power in sorted(set(powers) - {country}):
            pair = _compare(held.get(country, {}), held.get(power, {}), weights or {})
            result.append({"country": country, "power": power, "year": day.year} | pair)
    return pl.DataFrame(result, schema=COLUMNS | OTHERS)


def _compare(
    ours: dict[str, bool], theirs: dict[str, bool], weights: Mapping[str, float]
) -> dict[str, object]:
    common, either = sorted(ours.keys() & theirs.keys()), ours.keys() | theirs.keys()
    total = sum(weights.get(name, 1.0) for name in sorted(either))
    return {
        "shared": len(common),
        "shared_undated": sum(ours[name] or theirs[name] for name in common),
        "focal_total": len(ours),
        "power_total": len(theirs),
        "jaccard": sum(weights.get(name, 1.0) for name in common) / total if total else None,
        "institutions": common,
    }


def _held(rows: pl.DataFrame, day: date, undated: bool, name: str) -> Held:
    """Whether a membership rests on a blank start, by country and institution; a dated spell goes first."""
    held: Held = {}
    for row in rows.iter_rows(named=True):
        at = row["_row"] + FIRST_RECORD
        start = _first_day(row["start"], name, at, "start")
        end = _first_day(row["end"], name, at, "end")
        if start and end and end < start:
            raise DataError(
                file=name,
                row=at,
                column="end",
                found=f"{row['end']}, before the start {row['start']}",
                allowed="an end on or after the start",
            )
        if (end is not None and day >= end) or (start is not None and day < start):
            continue
        if start is None and not undated:
            continue
        mine = held.setdefault(row["country"], {})
        mine[row["institution"]] = mine.get(row["institution"], True) and start is None
    return held


def _first_day(text: str | None, name: str, row: int, column: str) -> date | None:
    if text is None:
        return None
    parts = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    try:
        if parts is None:
            raise ValueError
        return date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    except ValueError:
        raise DataError(
            file=name, row=row, column=column, found=f"'{text}'", allowed="YYYY, YYYY-MM, YYYY-MM-DD or blank"
        ) from None


def _day(on: int | str | date) -> date:
    if isinstance(on, date):
        return on
    try:
        return date(on, 12, 31) if isinstance(on, int) else date.fromisoformat(on)
    except ValueError:
        raise DataError(found=f"day '{on}'", allowed="a year, or a day as YYYY-MM-DD") from None


def _latest_year(rows: pl.DataFrame) -> int:
    """The latest year that the table mentions; an undated row is known to hold about then, not earlier."""
    years = pl.concat([rows["start"], rows["end"]]).str.slice(0, 4).cast(pl.Int64, strict=False).max()
    return years if isinstance(years, int) else 0


def _require_known(rows: pl.DataFrame, column: str, labels: Sequence[str], name: str) -> None:
    known = rows[column].unique().to_list()
    for label in labels:
        if label not in known:
            raise UnknownLabel(label, known, what=column, file=name, column=column)
