"""The facts that answer a claim, with the place of every one, and numbers in each other's units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from betweengiants.core.countries import blocs
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.core.units import convert

if TYPE_CHECKING:
    from betweengiants.dossier.reading import Dossier

AHEAD = ("announced", "projection")
_YEAR = re.compile(r"\d{4}")
_PART = {"H": 0.5, "Q": 0.25}


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of facts.csv; `row` counts as a spreadsheet does."""

    measure: str
    subject: str
    partner: str | None
    period: str
    value: str
    unit: str
    low: float | None
    high: float | None
    basis: str | None
    warnings: tuple[str, ...]
    source_id: str
    row: int

    @property
    def number(self) -> float:
        """The value as a number."""
        return float(self.value)

    @property
    def least(self) -> float:
        """Lower bound, or the value."""
        return self.number if self.low is None else self.low

    @property
    def most(self) -> float:
        """Upper bound, or the value."""
        return self.number if self.high is None else self.high

    @property
    def open_above(self) -> bool:
        """Whether the source says only `more than`."""
        return self.low is not None and self.high is None

    @property
    def open_below(self) -> bool:
        """Whether the source says only `up to`."""
        return self.high is not None and self.low is None

    @property
    def is_part(self) -> bool:
        """Whether it covers a part of the period that such facts usually cover."""
        return "partial_year" in self.warnings

    @property
    def is_ahead(self) -> bool:
        """Whether it states what was planned or announced, not what was."""
        return self.basis in AHEAD

    @property
    def place(self) -> str:
        """Table and row, as verdicts name it."""
        return f"facts:{self.row}"


class Evidence:
    """The facts of a dossier by measure, and what is needed to convert between them."""

    def __init__(self, dossier: Dossier) -> None:
        self._facts = dossier.tables["facts"].with_row_index("row", offset=FIRST_RECORD)
        self._by_measure: dict[str, list[Fact]] = {}
        self.tables = dossier.tables
        parameters = set(dossier.tables["parameters"]["parameter"])
        held = "barrels_per_tonne" in parameters
        self.density = dossier.parameter("barrels_per_tonne")[0] if held else None

    @cached_property
    def limits(self) -> dict[str, tuple[float | None, float | None]]:
        """Lowest and highest plausible value by measure; a share lies between 0 and 1 whatever the dossier says."""
        return {
            row["measure"]: (
                0.0 if row["minimum"] is None and row["unit"] == "share" else row["minimum"],
                1.0 if row["maximum"] is None and row["unit"] == "share" else row["maximum"],
            )
            for row in self.tables["measures"].to_dicts()
        }

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit by measure."""
        measures = self.tables["measures"]
        return dict(zip(measures["measure"], measures["unit"], strict=True))

    @cached_property
    def bounds(self) -> list[dict[str, Any]]:
        """Rows of bounds.csv; none without that table."""
        table = self.tables.get("bounds")
        return [] if table is None else table.to_dicts()

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of every actor; empty without a table of actors."""
        actors = self.tables.get("actors")
        return {} if actors is None else dict(zip(actors["actor"], actors["kind"], strict=True))

    def facts(self, measure: str) -> list[Fact]:
        """All facts of a measure, in the order of periods and sources."""
        if measure not in self._by_measure:
            rows = self._facts.filter(pl.col("measure") == measure).sort("period", "source_id", "row")
            self._by_measure[measure] = [_fact(row) for row in rows.iter_rows(named=True)]
        return self._by_measure[measure]

    def answers(
        self, measure: str, subject: str | None, partner: str | None, period: str | None
    ) -> list[Fact]:
        """Facts with this measure and partner; subject and period bind where they are given.

        Without a period, facts that cover a part of their year do not answer.
        """
        return [
            fact
            for fact in self.facts(measure)
            if fact.partner == partner
            and subject in (None, fact.subject)
            and (fact.period == period if period else not fact.is_part)
        ]

    def express(self, value: float, unit: str, to: str, period: str | None) -> float:
        """A number in another unit; an amount is a rate over the length of its period.

        Raises:
            ValueError: the units measure different things.
        """
        return convert(value, unit, to, barrels_per_tonne=self.density, years=years(period))

    def rivals(self, one: str, other: str) -> bool:
        """Whether an actor can be ranked against another: of its kind, and a bloc against states outside it too."""
        kinds = self.kinds
        if kinds.get(one) == "bloc" and kinds.get(other) == "state":
            return other not in blocs().get(one, ())
        return one != other and kinds.get(one) == kinds.get(other)


def years(period: str | None) -> float | None:
    """Length of a period in years (2024, 2024-H1, 2024-Q3, 2024-05, 2024-01/2024-10); None if it has none."""
    if period is None:
        return 1.0
    if re.fullmatch(r"\d{4}", period):
        return 1.0
    if re.fullmatch(r"\d{4}-[HQ]\d", period):
        return _PART[period[5]]
    if re.fullmatch(r"\d{4}-\d{2}", period):
        return 1 / 12
    ends = re.fullmatch(r"(\d{4})-(\d{2})/(\d{4})-(\d{2})", period)
    if ends is None:
        return None
    first, last = (int(ends[i]) * 12 + int(ends[i + 1]) for i in (1, 3))
    return (last - first + 1) / 12 if last >= first else None


def year_of(period: str) -> int:
    """The last calendar year that a period names; 0 if it names none."""
    named = _YEAR.findall(period.split("/")[-1])
    return int(named[0]) if named else 0


def places(facts: Iterable[Fact]) -> str:
    """Their rows, each once."""
    return ";".join(dict.fromkeys(fact.place for fact in facts))


def sources(facts: Iterable[Fact]) -> str:
    """Their sources, each once."""
    return ";".join(dict.fromkeys(_each(facts)))


def _each(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        yield from fact.source_id.split(";")


def _fact(row: dict[str, Any]) -> Fact:
    return Fact(
        measure=row["measure"],
        subject=row["subject"],
        partner=row["partner"],
        period=row["period"],
        value=str(row["value"]),
        unit=row["unit"],
        low=row["low"],
        high=row["high"],
        basis=row.get("basis"),
        warnings=tuple((row.get("warnings") or "").split(";")),
        source_id=row["source_id"],
        row=row["row"],
    )
