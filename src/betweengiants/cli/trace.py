"""Where numbers come from: `trace` (rows and sources behind a number) and `cite` (the sources as references)."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit, emit_text

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.dossier.trail import Trace

TRACE_EPILOG = "Example: betweengiants trace transit.oil.RUS.value_lost kazakhstan"
CITE_EPILOG = "Example: betweengiants cite kazakhstan --of trade.leverage.RUS.short --format bibtex"

FRONTIER = "frontier"


class Style(StrEnum):
    """Layouts of references."""

    bibtex = "bibtex"
    csl = "csl"


def trace(
    identifier: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="A result, or a row of the dossier (fact:..., claim:..., edge:...)."
        ),
    ] = None,
    where: DossierArgument = "kazakhstan",
    listed: Annotated[
        bool, typer.Option("--list", help="List ids instead; the first argument is then the dossier.")
    ] = False,
    kind: Annotated[
        str,
        typer.Option(
            help="With --list: result, frontier, fact, claim, edge, source, or any table of a dossier."
        ),
    ] = "result",
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Print where a number comes from: model, settings, rows, sources and the sums of their files."""
    from betweengiants.core.errors import DataError

    if listed:
        emit(_identifiers(identifier or where, kind), format, output)
        return
    if identifier is None:
        raise DataError(found="no id", allowed="an id, or --list")
    found, sources = _trace(identifier, where)
    if format is Format.json:
        emit_text(json.dumps(_document(found, sources), ensure_ascii=False, indent=1) + "\n", output)
    elif format is Format.table:
        emit_text(_page(found, sources), output)
    else:
        emit(_rows(found), format, output)


def cite(
    where: DossierArgument = "kazakhstan",
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="ID", help="Only the sources behind this number (see trace)."),
    ] = None,
    format: Annotated[Style, typer.Option("--format", help="How to print the references.")] = Style.bibtex,
    output: OutputOption = None,
) -> None:
    """Print the sources of a dossier, or those behind one number, as references."""
    from betweengiants.dossier import load_dossier
    from betweengiants.dossier.citation import sources_of, to_bibtex, to_csl

    rows = sources_of(load_dossier(where)) if of is None else _trace(of, where)[1]
    emit_text(to_bibtex(rows) if format is Style.bibtex else to_csl(rows), output)


def _trace(identifier: str, where: str) -> tuple[Trace, list[dict[str, Any]]]:
    """The trail and the rows of its sources; models are solved only for what they make."""
    from betweengiants.dossier import load_dossier
    from betweengiants.dossier.citation import sources_of
    from betweengiants.dossier.trail import is_evidence, trace_evidence

    dossier = load_dossier(where)
    if is_evidence(identifier):
        found = trace_evidence(dossier, identifier, where=where)
    elif identifier.partition(".")[0] == FRONTIER:
        from betweengiants.strategy.tracing import trace_frontier

        found = trace_frontier(dossier, identifier, where=where)
    else:
        from betweengiants.position.tracing import position_for
        from betweengiants.position.tracing import trace as trace_result

        found = trace_result(position_for(dossier, identifier), identifier, where=where)
    return found, sources_of(dossier, found.sources)


def _identifiers(where: str, kind: str) -> pl.DataFrame:
    from betweengiants.dossier import load_dossier
    from betweengiants.dossier.trail import list_evidence

    dossier = load_dossier(where)
    if kind == FRONTIER:
        from betweengiants.strategy import autonomy_frontier
        from betweengiants.strategy.tracing import list_frontier

        return list_frontier(autonomy_frontier(dossier))
    if kind != "result":
        return list_evidence(dossier, kind)
    from betweengiants.position import position
    from betweengiants.position.tracing import list_results

    return list_results(position(dossier))


def _document(found: Trace, sources: list[dict[str, Any]]) -> dict[str, Any]:
    from dataclasses import asdict

    document = asdict(found)
    document["id"] = document.pop("identifier")
    return {"id": document.pop("id"), **document, "sources": sources}


def _rows(found: Trace) -> pl.DataFrame:
    import polars as pl

    columns = ("role", "table", "row", "id", "cells", "source_id")
    return pl.DataFrame(
        [(r.role, r.table, r.row, r.key, _cells(r.cells), ";".join(r.sources)) for r in found.rows],
        schema=dict.fromkeys(columns, pl.String) | {"row": pl.Int64},
        orient="row",
    )


def _cells(cells: dict[str, Any]) -> str:
    return "; ".join(f"{name}={cell}" for name, cell in cells.items() if name != "note")


def _page(found: Trace, sources: list[dict[str, Any]]) -> str:
    """The trail as text: from the number down to the sources."""
    from betweengiants.cli.output import table_text

    span = "" if found.low is None or found.high is None else f" ({found.low:.6g} to {found.high:.6g})"
    shown = f"{found.value:.6g}" if isinstance(found.value, float) else str(found.value or "")
    head = {
        "id": found.identifier,
        "what": found.title,
        "value": f"{shown}{span} {found.unit}".strip(),
        "made by": found.model,
        "range": found.interval,
        "settings": ", ".join(f"{name} = {value}" for name, value in found.parameters.items()),
        "command": found.command,
        "software": found.software,
        "dossier": found.dossier,
        **{f"{table}.csv": f"sha256 {digest}" for table, digest in found.hashes.items()},
    }
    width = max(len(name) for name in head)
    lines = [f"{name:{width}}  {' '.join(text.split())}" for name, text in head.items() if text]
    counted = f"{len(found.rows)} rows of {len(found.hashes)} tables; {len(sources)} sources"
    listed = [
        f"{row['source_id']}  {row['publisher']}: {row['title']}, {row['published'] or 'no date'}. {row['url'] or ''}".rstrip()
        for row in sources
    ]
    text = "\n".join([*lines, "", counted, "", table_text(_rows(found)), *listed])
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text) + "\n"
