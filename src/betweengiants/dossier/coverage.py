"""What a dossier holds: rows, sources and periods by table and by domain."""

from __future__ import annotations

import polars as pl

from betweengiants.dossier.reading import Dossier


def coverage(dossier: Dossier) -> pl.DataFrame:
    """One row a table (facts: one a domain) with table, domain, rows, sources, first and last period."""
    rows = [
        _line(table, "", frame)
        for table, frame in dossier.tables.items()
        if table not in ("facts", "sources")
    ]
    facts = dossier.tables["facts"].join(
        dossier.tables["measures"].select("measure", "domain"), on="measure", how="left"
    )
    rows += [
        _line("facts", str(domain), part)
        for (domain,), part in sorted(facts.group_by("domain"), key=lambda item: str(item[0][0]))
    ]
    sources = dossier.tables["sources"]
    rows.append(("sources", "", sources.height, sources.height, "", ""))
    return pl.DataFrame(
        rows,
        schema={
            "table": pl.String,
            "domain": pl.String,
            "rows": pl.Int64,
            "sources": pl.Int64,
            "first": pl.String,
            "last": pl.String,
        },
        orient="row",
    )


def used_sources(*frames: pl.DataFrame) -> list[str]:
    """All source ids that the rows of these frames name, sorted."""
    cells = (cell for frame in frames if "source_id" in frame.columns for cell in frame["source_id"] if cell)
    return sorted({source for cell in cells for source in cell.split(";")})


def _line(table: str, domain: str, frame: pl.DataFrame) -> tuple[str, str, int, int, str, str]:
    time = next(
        (name for name in ("period", "year", "date", "start", "target_year") if name in frame.columns), None
    )
    years = sorted(str(value)[:4] for value in frame[time].drop_nulls()) if time else []
    first, last = (years[0], years[-1]) if years else ("", "")
    return table, domain, frame.height, len(used_sources(frame)), first, last
