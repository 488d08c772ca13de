"""Shared memberships of institutions: how many, which, and as a share of all.

A membership holds from its start (inclusive) to its end (exclusive). A date of which only the year or the
month is known stands for its first day. A blank start means that the start was not seen in a source, not
that it was always so: such rows count only where the caller, or the rule below, says so, and are counted
apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import polars as pl

from betweengiants.alignment.days import first_day, named_day
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FIRST_RECORD, Kind, typed

Undated = Literal["auto", "include", "exclude"]
Held = dict[str, dict[str, bool]]
MEMBERSHIP: dict[str, Kind] = dict.fromkeys(("country", "institution", "role", "start", "end"), "text")
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


@dataclass(frozen=True, slots=True)
class Spell:
    """One row of a table of memberships: a role in an institution from a day on, until the day before another.

    Attributes:
        start, end: None where the table has a blank.
    """

    country: str
    institution: str
    role: str
    start: date | None
    end: date | None

    def holds(self, day: date, *, undated: bool) -> bool:
        """Whether it holds on a day; a blank start counts only if `undated`."""
        if self.end is not None and day >= self.end:
            return False
        return undated if self.start is None else day >= self.start


def read_spells(memberships: pl.DataFrame, name: str = "memberships") -> list[Spell]:
    """The rows of a table of memberships.

    Raises:
        DataError: missing columns, unreadable or reversed dates.
    """
    rows = typed(memberships, MEMBERSHIP, blanks=("start", "end"), name=name)
    spells = []
    for at, row in enumerate(rows.iter_rows(named=True), FIRST_RECORD):
        start = first_day(row["start"], name, at, "start")
        end = first_day(row["end"], name, at, "end")
        if start and end and end < start:
            raise DataError(
                file=name,
                row=at,
                column="end",
                found=f"{row['end']}, before the start {row['start']}",
                allowed="an end on or after the start",
            )
        spells.append(Spell(row["country"], row["institution"], row["role"], start, end))
    return spells


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
    spells = read_spells(memberships, name)
    day = named_day(on)
    states = [focal] if isinstance(focal, str) else list(focal)
    require_known([spell.country for spell in spells], "country", (*states, *powers), name)
    require_known([spell.role for spell in spells], "role", roles, name)
    counted = undated == "include" or (undated == "auto" and day.year >= _latest_year(spells))
    held = _held([spell for spell in spells if spell.role in roles], day, counted)
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


def _held(spells: Sequence[Spell], day: date, undated: bool) -> Held:
    """Whether a membership rests on a blank start, by country and institution; a dated spell goes first."""
    held: Held = {}
    for spell in spells:
        if spell.holds(day, undated=undated):
            mine = held.setdefault(spell.country, {})
            mine[spell.institution] = mine.get(spell.institution, True) and spell.start is None
    return held


def _latest_year(spells: Sequence[Spell]) -> int:
    """The latest year that the table mentions; an undated row is known to hold about then, not earlier."""
    return max((day.year for spell in spells for day in (spell.start, spell.end) if day), default=0)


def require_known(known: Sequence[str], column: str, labels: Sequence[str], name: str) -> None:
    """Raise UnknownLabel at the first label that the column does not hold."""
    held = set(known)
    for label in labels:
        if label not in held:
            raise UnknownLabel(label, held, what=column, file=name, column=column)
