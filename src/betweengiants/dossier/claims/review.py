"""Faults of claims, row by row: what a claims file or the claims of a dossier may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from betweengiants.core.errors import DataError, SeveralFaults, UnknownLabel, quoted
from betweengiants.core.tables import FIRST_RECORD, Kind, read_table
from betweengiants.core.units import UNITS, convert
from betweengiants.dossier.claims.kinds import (
    AXES,
    COLUMNS,
    FURTHER,
    KINDS,
    REASONS,
    RECORD_TABLES,
    RELATIONS,
    RELATIONS_OF,
    kind_of,
    parse_against,
    parse_records,
)
from betweengiants.dossier.refusal import DATE

Row = Mapping[str, str | None]
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
A_DATE, A_NUMBER = "a date (2025, 2025-11 or 2025-11-12)", "a number"
PLACE = "a place (a whole number of at least 1), or an empty cell for the first"
AGAINST = f"{', '.join(AXES)} or measure with another value (partner=RUS), or one bare name to rank by"
RECORDS = f"{', '.join(RECORD_TABLES)} with conditions (memberships:role=member; ~ for a part of the text)"


def read_claims(path: Path) -> pl.DataFrame:
    """Read a claims file of design section 6; `kind`, `against`, `records` and `reason` may be absent.

    Raises:
        DataError: a column is missing, or the file is no table.
        SeveralFaults: more than one row is at fault; every fault is named.
    """
    text: dict[str, Kind] = dict.fromkeys(COLUMNS, "text")
    further: dict[str, Kind] = dict.fromkeys(FURTHER, "text")
    frame = read_table(path, text, optional=further, blanks=(*COLUMNS, *FURTHER))
    refuse_faults(list(faults(frame.to_dicts(), path.name)))
    return frame


def refuse_faults(found: Sequence[DataError]) -> None:
    """Raise what was found: one fault as it is, several as one error that names them all."""
    if len(found) > 1:
        raise SeveralFaults(found)
    if found:
        raise found[0]


def faults(rows: Sequence[Row], file: str, units: Mapping[str, str] | None = None) -> Iterator[DataError]:
    """Every fault, in the order of the rows.

    Args:
        rows: claims, one mapping each.
        file: how messages call the table.
        units: unit by measure where an empty unit means the measure's own, an empty relation `=`, and a claim without
            a measure or value one that a person has to judge (the claims of a dossier).
    """
    seen: set[str] = set()
    for at, row in enumerate(rows, FIRST_RECORD):
        name = row.get("claim_id")
        if name is not None and name in seen:
            yield DataError(
                file=file,
                row=at,
                found=f"a second row for claim_id={name}",
                allowed="one row for each claim_id",
            )
        seen.add(name or "")
        yield from _of_row(row, at, file, units)


def faults_of_bounds(tables: Mapping[str, pl.DataFrame]) -> Iterator[DataError]:
    """Rows of bounds.csv whose other side is neither an actor nor one of the words for it, or in another unit."""
    actors = set(tables["actors"]["actor"])
    units = dict(tables["measures"].select("measure", "unit").iter_rows())
    for at, row in enumerate(tables["bounds"].iter_rows(named=True), FIRST_RECORD):
        for column, words in (
            ("other_subject", ("same", "partner")),
            ("other_partner", ("same", "none", "subject")),
        ):
            if row[column] not in (None, *words, *actors):
                yield UnknownLabel(
                    row[column], {*words, *actors}, what="actor", file="bounds.csv", row=at, column=column
                )
        if not comparable(units[row["measure"]], units[row["other"]]):
            yield DataError(
                file="bounds.csv",
                row=at,
                column="other",
                found=f"{quoted(row['other'])} in {units[row['other']]}",
                allowed=f"a measure that can be compared with {units[row['measure']]}",
            )


def comparable(unit: str, other: str) -> bool:
    """Whether numbers in two units can be compared (crude by its density, an amount as the rate of a year)."""
    try:
        convert(1.0, unit, other, barrels_per_tonne=1.0, years=1.0)
    except ValueError:
        return False
    return True


def _of_row(row: Row, at: int, file: str, units: Mapping[str, str] | None) -> Iterator[DataError]:
    def fault(column: str, allowed: str) -> DataError:
        cell = row.get(column)
        found = "an empty cell" if cell is None else quoted(cell)
        return DataError(file=file, row=at, column=column, found=found, allowed=allowed)

    for column in ("claim_id", "statement"):
        if row[column] is None:
            yield fault(column, "text")
    broken = False
    for column, known in (("relation", RELATIONS), ("kind", KINDS), ("reason", REASONS)):
        if row.get(column) not in (None, *known):
            broken = True
            yield fault(column, ", ".join(known))
    if row["unit"] not in (None, *UNITS):
        broken = True
        yield UnknownLabel(str(row["unit"]), UNITS, what="unit", file=file, row=at, column="unit")
    unit = row["unit"] or (units or {}).get(row["measure"] or "")
    kind = kind_of({**row, "unit": unit})
    if broken or kind is None:
        return
    for column in _needed(row, kind, units is not None):
        if row.get(column) is None:
            yield fault(column, "text")
    if row["relation"] not in (None, *RELATIONS_OF[kind]):
        yield fault("relation", f"{', '.join(RELATIONS_OF[kind])} for a claim of kind {kind}")
    yield from (fault(column, allowed) for column, allowed in _cells(row, kind, unit))


def _needed(row: Row, kind: str, may_default: bool) -> list[str]:
    """Columns that a claim of this kind must fill."""
    if kind == "existence":
        return ["relation", *([] if row.get("records") else ["measure"])]
    if kind == "ranking":
        return ["measure", "subject", "relation"]
    if kind == "comparison":
        return ["measure", "subject", "relation", "against"]
    return [] if may_default else ["measure", "subject", "value", "unit", "relation"]


def _cells(row: Row, kind: str, unit: str | None) -> Iterator[tuple[str, str]]:
    """Columns whose cell does not fit the kind, with what is allowed."""
    value = row["value"]
    if kind == "existence" and value not in (None, "yes", "no"):
        yield "value", "yes, no or an empty cell"
    elif kind == "ranking" and value is not None and not re.fullmatch(r"[1-9][0-9]*", value):
        yield "value", PLACE
    elif kind in ("quantity", "comparison") and value is not None and not _is_number(value):
        yield "value", A_NUMBER
    if kind == "date" and value is not None and not re.fullmatch(DATE, value):
        yield "value", A_DATE
    if kind == "comparison" and row["unit"] not in (None, "share", "pct"):
        yield "unit", "share, pct or an empty cell (the value is a ratio)"
    for column, parse, allowed in (("against", parse_against, AGAINST), ("records", parse_records, RECORDS)):
        cell = row.get(column)
        try:
            parsed = parse(cell) if cell else None
        except ValueError:
            yield column, allowed
            continue
        if column == "against" and cell and kind in ("comparison", "ranking"):
            bare = getattr(parsed, "axis", None) is not None
            if bare != (kind == "ranking"):
                yield column, AGAINST


def _is_number(text: str) -> bool:
    return bool(NUMBER.fullmatch(text)) and math.isfinite(float(text))
