"""How well the flow model meets what was seen: modelled beside observed, route by route, as a table of the page."""

from __future__ import annotations

from typing import Any

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.network.observed import compare_observed
from betweengiants.position import Position
from betweengiants.position.systems import system_tables
from betweengiants.report import words

LARGE = 1.0
"""Units a year above which a route should be met."""
CLOSE = 10.0
"""Percent within which it counts as met."""


def calibration(position: Position) -> pl.DataFrame:
    """Modelled and observed flows of every system.

    Returns:
        system, edge_id, name, commodity, year, observed, modelled, error, error_pct, unit, source_id; the largest flows of a
        system first. Empty if the dossier holds no observed flow.
    """
    parts = []
    dossier = position.dossier
    if dossier.has("network_observed"):
        for name, channel in position.transit.items():
            edges = system_tables(dossier, name)["edges"].select("edge_id", "name")
            seen = dossier.tables["network_observed"].join(edges, on="edge_id")
            latest = seen.sort("year").unique(["edge_id", "commodity"], keep="last", maintain_order=True)
            compared = compare_observed(
                channel.network, channel.before, latest.select("edge_id", "commodity", "volume")
            )
            units = dict(channel.network.units)
            parts.append(
                compared.join(
                    latest.select("edge_id", "commodity", "name", "year", "source_id"),
                    on=["edge_id", "commodity"],
                )
                .with_columns(
                    system=pl.lit(name),
                    unit=pl.col("commodity").replace_strict(units, default=channel.system.unit),
                )
                .sort("observed", descending=True)
            )
    columns = [
        "system",
        "edge_id",
        "name",
        "commodity",
        "year",
        "observed",
        "modelled",
        "error",
        "error_pct",
        "unit",
    ]
    if not parts:
        numbers = dict.fromkeys(("observed", "modelled", "error", "error_pct"), pl.Float64)
        return pl.DataFrame(
            schema=dict.fromkeys([*columns, "source_id"], pl.String) | numbers | {"year": pl.Int64}
        )
    return pl.concat(parts).select(*columns, "source_id")


def calibration_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows for the page, as text."""
    return [
        {
            "name": row["name"],
            "what": f"{row['commodity']}, {row['year']}",
            "observed": f"{row['observed']:.1f}",
            "modelled": f"{row['modelled']:.1f}",
            "error": "–" if row["error_pct"] is None else words.signed(f"{row['error_pct']:+.0f}%"),
            "missed": row["observed"] > LARGE and (row["error_pct"] is None or abs(row["error_pct"]) > CLOSE),
            "sources": row["source_id"].split(";"),
        }
        for row in table.to_dicts()
    ]


def calibration_words(table: pl.DataFrame, position: Position) -> str:
    """`Of 21 routes above 1 million t a year 18 are met within 10%; missed: ...`."""
    large = table.filter(pl.col("observed") > LARGE)
    if not large.height:
        return f"No flow of more than one unit a year was observed for {short_name(position.dossier.focal)}."
    met = large.filter(pl.col("error_pct").abs() <= CLOSE)
    missed = large.filter(pl.col("error_pct").abs() > CLOSE)["name"].unique(maintain_order=True).to_list()
    tail = f"; missed: {words.joined(missed)}" if missed else ""
    return (
        f"Of {large.height} observed flows above 1 (million tonnes or billion cubic metres a year) the model meets "
        f"{met.height} within 10%{tail}. Where stated supplies, contracts or a single open way decide, the fit is no test."
    )
