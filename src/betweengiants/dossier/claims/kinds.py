"""What a claim can be: kinds, relations, reasons, and the two cells that hold more than a value.

`against` says what a comparison or a ranking is set against: columns of the claim, each with another value
(`partner=RUS`: compared with Russia) or bare (`partner`: ranked among all partners). `records` says what a row of a
table of the dossier must hold (`memberships:role=member`; `~` asks for a part of the text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["quantity", "date", "parties", "comparison", "ranking", "existence"]
KINDS: tuple[Kind, ...] = ("quantity", "date", "parties", "comparison", "ranking", "existence")

COLUMNS = (
    "claim_id",
    "statement",
    "measure",
    "subject",
    "partner",
    "period",
    "value",
    "unit",
    "relation",
)
FURTHER = ("kind", "against", "records", "reason")

RANKS = ("largest", "smallest", "top")
EXISTS = "exists"
STATED = ("=", ">=", "<=", "about")
ORDERS = (*STATED, ">", "<")
RELATIONS = (*ORDERS, *RANKS, EXISTS)
RELATIONS_OF: dict[Kind, tuple[str, ...]] = {
    "quantity": STATED,
    "date": STATED,
    "parties": STATED,
    "comparison": ORDERS,
    "ranking": RANKS,
    "existence": (EXISTS,),
}

# Why a person has to judge: no rule may pretend to.
REASONS = ("judgement", "quotation", "motive", "citation not read", "no value named")

# From the kindest to the harshest; unverifiable stands apart.
VERDICTS = ("supported", "imprecise", "contradicted", "implausible", "unverifiable")

AXES = ("subject", "partner", "period")


@dataclass(frozen=True, slots=True)
class RecordTable:
    """A table of records that an existence claim can ask.

    Attributes:
        who: columns that name the actors of a row (a cell may hold several).
        start, end: columns with its dates, or None.
        lasts: whether a row holds from start to end (else it is an event of its date).
        is_complete: whether a pair of actors that the table holds can be said not to have another role.
        words: how a row reads.
    """

    who: tuple[str, ...]
    start: str | None
    end: str | None
    lasts: bool
    is_complete: bool
    words: str


RECORD_TABLES = {
    "agreements": RecordTable(("parties",), "date", None, False, False, "{title} ({date}, {kind}, {status})"),
    "memberships": RecordTable(
        ("country", "institution"), "start", "end", True, True, "{country} is {role} of {institution}"
    ),
    "visits": RecordTable(
        ("guest", "host"), "date", None, False, False, "{level} of {guest} in {host} ({date}, {status})"
    ),
    "exercises": RecordTable(
        ("host", "parties"), "start", None, False, False, "{name} ({start}, {kind}, {status})"
    ),
    "bases": RecordTable(("host", "holder"), "start", "end", True, False, "{name}, {kind} ({status})"),
    "deals": RecordTable(("buyer", "supplier", "power"), None, None, False, False, "{title} ({kind})"),
    "technology_links": RecordTable(
        ("provider", "power"), "start", None, False, False, "{item} of {provider} ({status})"
    ),
    "sanctions": RecordTable(
        ("sender", "target_country"),
        "date",
        None,
        False,
        False,
        "{instrument} of {sender} ({date}, {status})",
    ),
    "incidents": RecordTable(("actor",), "date", None, False, False, "{asset} ({date}): {description}"),
    "institutions": RecordTable((), None, None, False, False, "{name}"),
}


@dataclass(frozen=True, slots=True)
class Against:
    """What a comparison or ranking is set against.

    Attributes:
        values: column and other value of a comparison (measure, subject, partner or period).
        axis: the column whose values are ranked, or None.
    """

    values: Mapping[str, str]
    axis: str | None


@dataclass(frozen=True, slots=True)
class Records:
    """What rows of a table must hold: (column, `=` or `~`, text)."""

    table: str
    conditions: tuple[tuple[str, str, str], ...]


def kind_of(claim: Mapping[str, str | None]) -> Kind | None:
    """The kind of a claim: as stated, or by its relation and unit; None where a person has to judge."""
    stated = claim.get("kind")
    if stated:
        return next((kind for kind in KINDS if kind == stated), None)
    if claim.get("reason"):
        return None
    relation, unit = claim.get("relation"), claim.get("unit")
    if relation in RANKS:
        return "ranking"
    if relation == EXISTS:
        return "existence"
    if claim.get("against"):
        return "comparison"
    return "date" if unit == "date" else "parties" if unit == "parties" else "quantity"


def parse_against(text: str | None) -> Against:
    """Read the cell `against`.

    Raises:
        ValueError: a column that cannot be varied, or more than one bare column.
    """
    values: dict[str, str] = {}
    bare: list[str] = []
    for part in filter(None, (piece.strip() for piece in (text or "").split(";"))):
        column, mark, value = (piece.strip() for piece in part.partition("="))
        if column not in (*AXES, "measure") or (mark and not value) or (not mark and column not in AXES):
            raise ValueError(part)
        if mark:
            values[column] = value
        else:
            bare.append(column)
    if len(bare) > 1 or (bare and values):
        raise ValueError(text)
    return Against(values, bare[0] if bare else None)


def parse_records(text: str) -> Records:
    """Read the cell `records`.

    Raises:
        ValueError: no such form, or a table that holds no records of this sort.
    """
    table, _, rest = (piece.strip() for piece in text.partition(":"))
    if table not in RECORD_TABLES:
        raise ValueError(table)
    conditions = []
    for part in filter(None, (piece.strip() for piece in rest.split(";"))):
        sign = "~" if "~" in part else "="
        column, mark, wanted = (piece.strip() for piece in part.partition(sign))
        if not (column and mark and wanted):
            raise ValueError(part)
        conditions.append((column, sign, wanted))
    return Records(table, tuple(conditions))
