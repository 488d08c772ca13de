"""Ways to add capacity, and what they cost a year."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.intervals import Interval
from betweengiants.core.tables import FIRST_RECORD, Kind, require_unique, typed

LIST_MARK = ";"
COLUMNS: dict[str, Kind] = {
    "option_id": "text",
    "name": "text",
    "edge_id": "text",
    "adds_capacity": "number",
    "capex_usd_m": "number",
    "max_units": "number",
    "evidence": "text",
    "source_id": "text",
}
BOUNDS: dict[str, Kind] = {"capex_low": "number", "capex_high": "number", "lead_years": "number"}


@dataclass(frozen=True, slots=True)
class Option:
    """One way to add capacity, in units that can be built any number of times, in part too.

    Attributes:
        option_id, name: of the option.
        edges: edges whose capacity grows.
        adds: capacity that one unit adds to each of them (million tonnes a year in a dossier).
        capex: investment for one unit, million USD.
        max_units: most units.
        lead_years: years until it works, or None where nobody said.
        evidence: how firm the option is.
        sources: ids of sources.
    """

    option_id: str
    name: str
    edges: tuple[str, ...]
    adds: float
    capex: Interval
    max_units: float
    lead_years: float | None
    evidence: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finance:
    """How an investment becomes a yearly cost.

    Attributes:
        rate: discount rate, share a year.
        life: years over which the investment is paid back in equal sums.

    Raises:
        DataError: a negative rate or a life that is not positive.
    """

    rate: Interval
    life: Interval

    def __post_init__(self) -> None:
        if self.rate.low < 0:
            raise DataError(found=f"a discount rate of {self.rate.low:g}", allowed="zero or more")
        if self.life.low <= 0:
            raise DataError(found=f"a life of {self.life.low:g} years", allowed="more than zero")

    def yearly(self, capex: Interval) -> Interval:
        """Cost a year: low = cheap, at the low rate over the long life; high = the opposite."""
        return Interval(
            capex.value * annuity(self.rate.value, self.life.value),
            capex.low * annuity(self.rate.low, self.life.high),
            capex.high * annuity(self.rate.high, self.life.low),
        )


def annuity(rate: float, years: float) -> float:
    """The equal yearly sum that repays 1 over `years` at `rate`: r / (1 - (1 + r)^-n), and 1 / n without interest."""
    if rate == 0:
        return 1.0 / years
    return -rate / math.expm1(-years * math.log1p(rate))


def read_options(
    frame: pl.DataFrame, edges: pl.DataFrame, own: tuple[str, ...], *, name: str = "options.csv"
) -> tuple[Option, ...]:
    """Options of a table, sorted by id, checked against the edges of a network.

    Args:
        frame: option_id, name, edge_id (list joined by `;`), adds_capacity, capex_usd_m, max_units, evidence,
            source_id; optionally capex_low, capex_high, lead_years.
        edges: edge_id, commodities (text joined by `;`, or list), capacity, status; every edge, operating or not.
        own: commodities of the focal state.
        name: how messages call the table.

    Raises:
        DataError: a missing column, an option twice, a number that makes no sense, bounds on the wrong side, an edge
            without a limit or that carries nothing of the focal state's.
        UnknownLabel: an edge that the network does not hold.
    """
    table = typed(frame, COLUMNS, optional=BOUNDS, blanks=tuple(BOUNDS), name=name)
    missing = [pl.lit(None, pl.Float64).alias(column) for column in BOUNDS if column not in table.columns]
    table = table.with_columns(missing)
    require_unique(table, ("option_id",), name)
    known = {row["edge_id"]: row for row in edges.iter_rows(named=True)}
    rows = enumerate(table.iter_rows(named=True), FIRST_RECORD)
    return tuple(
        sorted((_option(row, number, known, own, name) for number, row in rows), key=lambda o: o.option_id)
    )


def _option(
    row: dict[str, object], number: int, known: dict[str, dict[str, object]], own: tuple[str, ...], name: str
) -> Option:
    for column in ("adds_capacity", "max_units"):
        _refuse_unless(_number(row[column]) > 0, row, column, number, name, "a finite number above zero")
    for column in ("capex_usd_m", "capex_low", "capex_high", "lead_years"):
        good = row[column] is None or _number(row[column]) >= 0
        _refuse_unless(good, row, column, number, name, "a finite number, zero or more")
    capex = _number(row["capex_usd_m"])
    low = capex if row["capex_low"] is None else _number(row["capex_low"])
    high = capex if row["capex_high"] is None else _number(row["capex_high"])
    _refuse_unless(low <= capex, row, "capex_low", number, name, f"at most capex_usd_m ({capex:g})")
    _refuse_unless(capex <= high, row, "capex_high", number, name, f"at least capex_usd_m ({capex:g})")
    named = _listed(row["edge_id"])
    for edge in named:
        _check_edge(edge, known, own, number, name)
    return Option(
        option_id=str(row["option_id"]),
        name=str(row["name"]),
        edges=named,
        adds=_number(row["adds_capacity"]),
        capex=Interval(capex, low, high),
        max_units=_number(row["max_units"]),
        lead_years=None if row["lead_years"] is None else _number(row["lead_years"]),
        evidence=str(row["evidence"]),
        sources=_listed(row["source_id"]),
    )


def _check_edge(
    edge: str, known: dict[str, dict[str, object]], own: tuple[str, ...], number: int, name: str
) -> None:
    if edge not in known:
        raise UnknownLabel(edge, known, what="edge", file=name, row=number, column="edge_id")
    carried = _listed(known[edge]["commodities"])
    if carried and not set(carried) & set(own):
        raise DataError(
            file=name,
            row=number,
            column="edge_id",
            found=f"edge '{edge}', which carries only {', '.join(carried)}",
            allowed=f"edges that carry {', '.join(own)}",
        )
    if known[edge]["status"] == "operating" and known[edge]["capacity"] is None:
        raise DataError(
            file=name,
            row=number,
            column="edge_id",
            found=f"edge '{edge}', whose capacity has no limit",
            allowed="edges with a capacity",
        )


def _number(cell: object) -> float:
    """The number in a cell; not a number where it is not finite, so that every comparison fails."""
    value = float(cell) if isinstance(cell, int | float) else math.nan
    return value if math.isfinite(value) else math.nan


def _listed(cell: object) -> tuple[str, ...]:
    if cell is None:
        return ()
    parts = cell.split(LIST_MARK) if isinstance(cell, str) else [str(part) for part in cell]  # type: ignore[attr-defined]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _refuse_unless(
    good: bool, row: dict[str, object], column: str, number: int, name: str, allowed: str
) -> None:
    if not good:
        raise DataError(file=name, row=number, column=column, found=f"{row[column]}", allowed=allowed)
