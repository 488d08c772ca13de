"""A finding of a consistency rule, and what the rules share: numbered rows, numbers in facts, dates as far as known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from betweengiants.core.countries import territory_of
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier.reading import Dossier

YEAR = re.compile(r"(\d{4})")
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
WORLD = "WLD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that a rule objects to.

    Attributes:
        table: name of the table.
        row: the row as a spreadsheet shows it.
        sentence: what is odd about it.
    """

    table: str
    row: int
    sentence: str


Rule = Callable[[Dossier], Iterator[Finding]]


def numbered(dossier: Dossier, table: str) -> pl.DataFrame:
    """A table with the column `_row`; without rows if the dossier lacks it."""
    frame = dossier.tables.get(table, pl.DataFrame())
    return frame.with_row_index("_row", offset=FIRST_RECORD)


def numbers(dossier: Dossier) -> pl.DataFrame:
    """Facts whose value is a number, with the columns `_row` and `number`."""
    facts = numbered(dossier, "facts").with_columns(number=pl.col("value").cast(pl.Float64, strict=False))
    return facts.filter(pl.col("number").is_not_null())


def last_year(period: str | None) -> int | None:
    """The last year of a period, date or interval."""
    years = YEAR.findall(period or "")
    return max(map(int, years)) if years else None


def without_members(codes: list[str]) -> set[str]:
    """Codes that do not overlap: members of a bloc that is there itself are left out, the world as well."""
    return {
        code
        for code in codes
        if code != WORLD and (territory_of(code) == code or territory_of(code) not in codes)
    }


def shown(number: float) -> str:
    """A number in a sentence."""
    return f"{number:,.6g}"


def as_of(dossier: Dossier) -> str:
    """The day up to which the dossier looks: `created` of the descriptor, or else the latest publication of a source."""
    if dossier.header.created:
        return dossier.header.created
    dates = [date for date in dossier.tables["sources"]["published"] if date and DATE.fullmatch(date)]
    return max(dates, default="")


def after(date: str, other: str) -> bool:
    """Whether a date is later than another, as far as both are known; what is no date is not later."""
    if not DATE.fullmatch(date) or not DATE.fullmatch(other):
        return False
    shared = min(len(date), len(other))
    return date[:shared] > other[:shared]
