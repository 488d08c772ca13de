"""Where a number comes from, as a value: the rows of the dossier behind it, their sources, and how it was made.

Identifiers of evidence are `KIND:KEY`, the key being the cells of the table's key joined by `/`, for example
`fact:crude_exports/KAZ//2024/kmg_ar2024`, `claim:energy-01`, `edge:cpc-rus`, `source:article`. Every table may be named by
its own name as well (`parameters:theta_short`). Results of models have identifiers too (see `position.tracing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from shlex import quote
from typing import Any

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import schema
from betweengiants.dossier.claims import check_claims
from betweengiants.dossier.reading import Dossier

KINDS = {
    "fact": "facts",
    "claim": "claims",
    "edge": "network_edges",
    "node": "network_nodes",
    "source": "sources",
    "agreement": "agreements",
    "incident": "incidents",
}
ROW = "_row"
# Columns that are shown apart from the cells of a row.
APART = ("source_id", ROW)


@dataclass(frozen=True, slots=True)
class UsedRow:
    """One row of a dossier that a number rests on.

    Attributes:
        table: name of the table.
        row: the row as a spreadsheet shows it (the header is row 1).
        key: identifier of the row, `KIND:KEY`.
        role: what the row does for the number.
        cells: its cells that are not empty, without key and sources.
        sources: ids of its sources.
    """

    table: str
    row: int
    key: str
    role: str
    cells: dict[str, Any]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole way from a number to its sources.

    Attributes:
        identifier: what was asked for.
        kind: result, or the kind of evidence (fact, claim, edge, ...).
        title: what it is, in words.
        value, low, high: the number with its range, or the text of a fact or claim.
        unit: unit code.
        model: how it was made, in a sentence.
        interval: what the range means.
        command: the command that prints it.
        parameters: settings of the model.
        software: name and version of this package.
        dossier: name and version of the dossier.
        hashes: SHA-256 of the file of each table that entered.
        rows: the rows that it rests on.
    """

    identifier: str
    kind: str
    title: str
    value: float | str | None
    low: float | None
    high: float | None
    unit: str
    model: str
    interval: str
    command: str
    parameters: dict[str, float | str]
    software: str
    dossier: str
    hashes: dict[str, str]
    rows: tuple[UsedRow, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of all sources of the rows, sorted."""
        return tuple(sorted({source for row in self.rows for source in row.sources}))


def software() -> str:
    """Name and version of this package."""
    return f"betweengiants {version('betweengiants')}"


def dossier_name(dossier: Dossier) -> str:
    """Name and version of a dossier."""
    return f"{dossier.header.name} {dossier.header.version}"


def hashes_of(dossier: Dossier, rows: Iterable[UsedRow], more: Iterable[str] = ()) -> dict[str, str]:
    """Sums of the tables that the rows stand in, and of `more` tables."""
    tables = {row.table for row in rows} | {table for table in more if table in dossier.hashes}
    return {table: dossier.hashes[table] for table in sorted(tables)}


def rows_where(dossier: Dossier, table: str, wanted: pl.Expr, role: str) -> list[UsedRow]:
    """Rows of a table that meet a condition, in the order of the file; none if the dossier lacks the table."""
    if not dossier.has(table):
        return []
    frame = dossier.tables[table].with_row_index(ROW, offset=FIRST_RECORD).filter(wanted)
    return [_used(table, row, role) for row in frame.to_dicts()]


def merged(rows: Iterable[UsedRow]) -> tuple[UsedRow, ...]:
    """Each row once; the role that was named first stays."""
    first: dict[tuple[str, int], UsedRow] = {}
    for row in rows:
        first.setdefault((row.table, row.row), row)
    return tuple(first.values())


def identifiers(dossier: Dossier, table: str) -> list[str]:
    """Identifiers of all rows of a table, in its order."""
    keys = schema.key_of(table)
    return [_identifier(table, row) for row in dossier.tables[table].select(keys).to_dicts()]


def list_evidence(dossier: Dossier, kind: str) -> pl.DataFrame:
    """Every row of one kind of evidence: id, title, value, unit (empty where the table has none).

    Raises:
        UnknownLabel: no such kind, or the dossier lacks its table.
    """
    table = _existing(dossier, kind)
    rows = dossier.tables[table].to_dicts()
    return pl.DataFrame(
        [
            (name, _title(dossier, table, row), _text(row.get("value")), _text(row.get("unit")))
            for name, row in zip(identifiers(dossier, table), rows, strict=True)
        ],
        schema=dict.fromkeys(("id", "title", "value", "unit"), pl.String),
        orient="row",
    )


def is_evidence(identifier: str) -> bool:
    """Whether an identifier names a row of the dossier rather than a result of a model."""
    kind, colon, _ = identifier.partition(":")
    return bool(colon) and bool(kind)


def trace_evidence(dossier: Dossier, identifier: str, *, where: str = "") -> Trace:
    """The trail of a row of the dossier: itself, what it refers to, and what stands beside it.

    Args:
        dossier: the dossier.
        identifier: `KIND:KEY`.
        where: how the command of the trail calls the dossier (default: its name).

    Raises:
        UnknownLabel: no such row, with the nearest identifiers.
    """
    kind, _, key = identifier.partition(":")
    table = _existing(dossier, kind)
    wanted = f"{_kind_of(table)}:{key}"
    known = identifiers(dossier, table)
    if wanted not in known:
        raise UnknownLabel(identifier, known, what=_kind_of(table), file=dossier.header.paths[table])
    place = known.index(wanted) + FIRST_RECORD
    (own,) = rows_where(dossier, table, pl.col(ROW) == place, "itself")
    cells = dossier.tables[table].row(place - FIRST_RECORD, named=True)
    rows = merged([own, *_beside(dossier, table, cells)])
    return Trace(
        identifier=wanted,
        kind=_kind_of(table),
        title=_title(dossier, table, cells),
        value=cells.get("value"),
        low=cells.get("low"),
        high=cells.get("high"),
        unit=cells.get("unit") or "",
        model=_verdict(_checked(dossier, cells["claim_id"])) if table == "claims" else _how(table, cells),
        interval="As the source or the note of the row states it." if cells.get("low") is not None else "",
        command=f"betweengiants trace {quote(wanted)} {quote(where or dossier.header.name)}",
        parameters={},
        software=software(),
        dossier=dossier_name(dossier),
        hashes=hashes_of(dossier, rows),
        rows=rows,
    )


def _existing(dossier: Dossier, kind: str) -> str:
    table = _table_of(kind)
    if table is None or not dossier.has(table):
        known = [name for name, target in KINDS.items() if dossier.has(target)]
        raise UnknownLabel(kind, ["result", *known, *dossier.tables], what="kind of evidence")
    return table


def _text(cell: Any) -> str | None:
    return None if cell is None else str(cell)


def _used(table: str, row: dict[str, Any], role: str) -> UsedRow:
    own = set(schema.key_of(table))
    cells = {name: cell for name, cell in row.items() if cell is not None and name not in (*APART, *own)}
    source = row.get("source_id")
    named = tuple(source.split(";")) if source else ()
    return UsedRow(table, row[ROW], _identifier(table, row), role, cells, named)


def _identifier(table: str, row: Mapping[str, Any]) -> str:
    cells = ("" if row[name] is None else str(row[name]) for name in schema.key_of(table))
    return f"{_kind_of(table)}:{'/'.join(cells)}"


def _table_of(kind: str) -> str | None:
    table = KINDS.get(kind, kind)
    return table if table in schema.tables() else None


def _kind_of(table: str) -> str:
    return next((kind for kind, target in KINDS.items() if target == table), table)


def _title(dossier: Dossier, table: str, cells: Mapping[str, Any]) -> str:
    if table == "facts":
        titles = dict(dossier.tables["measures"].select("measure", "title").iter_rows())
        names = [dossier.actor_names.get(code, code) for code in (cells["subject"], cells["partner"]) if code]
        return f"{titles[cells['measure']]}: {', '.join(names)}, {cells['period']}"
    told = next(
        (cells[name] for name in ("statement", "title", "name", "description") if cells.get(name)), None
    )
    return str(told) if told is not None else _identifier(table, cells)


def _how(table: str, cells: Mapping[str, Any]) -> str:
    basis = cells.get("basis")
    note = cells.get("note")
    said = f"basis: {basis}" if table == "facts" and basis else f"a row of {table}.csv"
    return f"{said}; {note}" if note else said


def _beside(dossier: Dossier, table: str, cells: Mapping[str, Any]) -> list[UsedRow]:
    """Rows without which this one cannot be judged."""
    if table == "facts":
        return _beside_fact(dossier, cells)
    if table == "claims":
        return _beside_claim(dossier, cells)
    if table == "network_edges":
        return _beside_edge(dossier, cells)
    if table == "sources":
        return _uses_of(dossier, cells["source_id"])
    return []


def _beside_fact(dossier: Dossier, cells: Mapping[str, Any]) -> list[UsedRow]:
    same = _equals(cells, ("measure", "subject", "partner", "period"))
    return [
        *rows_where(
            dossier, "measures", pl.col("measure") == cells["measure"], "what is measured, and its bounds"
        ),
        *rows_where(dossier, "facts", same, "the same from another source"),
    ]


def _beside_edge(dossier: Dossier, cells: Mapping[str, Any]) -> list[UsedRow]:
    edge, ends = cells["edge_id"], [cells["from_node"], cells["to_node"]]
    assets = pl.col("asset_id").is_in([edge, *ends])
    here = pl.col("edge_id") == edge
    return [
        *rows_where(dossier, "network_nodes", pl.col("node_id").is_in(ends), "an end of the edge"),
        *rows_where(dossier, "network_control", assets, "who controls it, and why"),
        *rows_where(dossier, "network_observed", here, "what was seen to pass"),
        *rows_where(dossier, "network_capacity_history", here, "an earlier capacity"),
        *rows_where(dossier, "network_ramps", assets, "how fast it can change"),
        *rows_where(dossier, "incidents", here, "an incident"),
    ]


def _beside_claim(dossier: Dossier, cells: Mapping[str, Any]) -> list[UsedRow]:
    """The rows that the checker used for the claim, and the measure whose bounds it used."""
    rows = rows_where(
        dossier, "measures", pl.col("measure") == (cells["measure"] or ""), "what is measured, and its bounds"
    )
    for place in dict.fromkeys(_places(_checked(dossier, cells["claim_id"]))):
        table, row = place
        rows += rows_where(dossier, table, pl.col(ROW) == row, "the verdict rests on it")
    return rows


def _checked(dossier: Dossier, claim_id: str) -> pl.DataFrame:
    return check_claims(dossier, dossier.tables["claims"].filter(pl.col("claim_id") == claim_id))


def _places(checked: pl.DataFrame) -> list[tuple[str, int]]:
    """Table and row of everything that the verdicts name (`facts:12;agreements:3`)."""
    named = [place for cell in checked["fact_rows"].drop_nulls() for place in cell.split(";") if place]
    return [(table, int(row)) for table, _, row in (place.rpartition(":") for place in named)]


def _verdict(checked: pl.DataFrame) -> str:
    """The verdict with the rule and the sum of every row that answers."""
    told = [
        "; ".join(filter(None, (row["verdict"], row["rule"], row["arithmetic"])))
        for row in checked.to_dicts()
    ]
    return f"{checked['combined_verdict'][0]}. " + " | ".join(told)


def _uses_of(dossier: Dossier, source: str) -> list[UsedRow]:
    named = pl.col("source_id").str.split(";").list.contains(source)
    return [
        row
        for table, frame in dossier.tables.items()
        if table != "sources" and "source_id" in frame.columns
        for row in rows_where(dossier, table, named, "rests on the source")
    ]


def _equals(cells: Mapping[str, Any], names: tuple[str, ...]) -> pl.Expr:
    wanted = pl.lit(True)
    for name in names:
        wanted &= pl.col(name).is_null() if cells[name] is None else pl.col(name) == cells[name]
    return wanted
