"""The layout of a dossier: which tables, which columns, what each may hold.

The layout is data (`schema/fields.csv`): it drives reading, checking and the descriptor `datapackage.json`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from betweengiants.core.tables import Kind

# Without these tables there is nothing to say about a state; the others widen what can be said.
REQUIRED_TABLES = ("sources", "actors", "measures", "facts", "parameters", "trade_matrix")

WARNINGS = (
    "estimated",
    "derived",
    "partial_year",
    "mirror_gap",
    "conduit",
    "announced_only",
    "definitions_differ",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One column of one table.

    Attributes:
        name: column name.
        kind: text, number, integer or flag.
        required: an empty cell is refused.
        optional: the column itself may be absent; readers then see empty cells.
        key: part of the table's key.
        enum: closed list of values, or empty.
        minimum, maximum: bounds for numbers, or None.
        reference: `table.column` that a value must stand in, or empty; also `units` and `warnings`.
        is_list: the cell holds several values joined by semicolons.
        description: what the column holds.
    """

    name: str
    kind: Kind
    required: bool
    optional: bool
    key: bool
    enum: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    reference: str
    is_list: bool
    description: str


@cache
def tables() -> dict[str, tuple[Field, ...]]:
    """All tables of a dossier with their columns, in the order in which files hold them."""
    text = files("betweengiants.dossier").joinpath("schema/fields.csv").read_text(encoding="utf-8")
    layout: dict[str, list[Field]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        layout.setdefault(row["table"], []).append(_field(row))
    return {table: tuple(fields) for table, fields in layout.items()}


@cache
def purposes() -> dict[str, str]:
    """What each table is for, in a sentence."""
    text = files("betweengiants.dossier").joinpath("schema/tables.csv").read_text(encoding="utf-8")
    return {row["table"]: row["purpose"] for row in csv.DictReader(io.StringIO(text))}


def key_of(table: str) -> list[str]:
    """Names of the columns that identify a row."""
    return [field.name for field in tables()[table] if field.key]


def _field(row: dict[str, str]) -> Field:
    kinds: dict[str, Kind] = {"text": "text", "number": "number", "integer": "integer", "flag": "flag"}
    return Field(
        name=row["field"],
        kind=kinds[row["type"]],
        required=row["required"] == "yes",
        optional=row["required"] == "optional",
        key=row["key"] == "yes",
        enum=tuple(filter(None, row["enum"].split("|"))),
        minimum=float(row["minimum"]) if row["minimum"] else None,
        maximum=float(row["maximum"]) if row["maximum"] else None,
        reference=row["reference"].removesuffix("*"),
        is_list=row["reference"].endswith("*"),
        description=row["description"],
    )
