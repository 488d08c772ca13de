"""Consistency of the lists: what is listed is used, and what is used says where it was seen."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from betweengiants.dossier import schema
from betweengiants.dossier.coverage import used_sources
from betweengiants.dossier.findings import Finding, Rule, numbered
from betweengiants.dossier.reading import Dossier


def unused_source(dossier: Dossier) -> Iterator[Finding]:
    """Every source is named by a row."""
    named = set(used_sources(*(frame for table, frame in dossier.tables.items() if table != "sources")))
    for row in numbered(dossier, "sources").filter(~pl.col("source_id").is_in(sorted(named))).to_dicts():
        yield Finding("sources", row["_row"], f"no row names the source {row['source_id']}")


def unused_actor(dossier: Dossier) -> Iterator[Finding]:
    """Every actor is named by a row of another table or by the descriptor."""
    named = {dossier.focal, *dossier.powers} | _named(dossier, "actors.actor") | _countries(dossier)
    for row in numbered(dossier, "actors").filter(~pl.col("actor").is_in(sorted(named))).to_dicts():
        yield Finding("actors", row["_row"], f"no row names the actor {row['actor']}")


def unused_measure(dossier: Dossier) -> Iterator[Finding]:
    """Every measure has a fact or a claim."""
    named = _named(dossier, "measures.measure")
    for row in numbered(dossier, "measures").filter(~pl.col("measure").is_in(sorted(named))).to_dicts():
        yield Finding("measures", row["_row"], f"no fact and no claim of {row['measure']}")


def unused_node(dossier: Dossier) -> Iterator[Finding]:
    """Every node is an end of an edge, or has supply or demand."""
    named = _named(dossier, "network_nodes.node_id")
    nodes = numbered(dossier, "network_nodes")
    for row in nodes.to_dicts():
        if row["node_id"] not in named:
            yield Finding("network_nodes", row["_row"], f"nothing touches the node {row['node_id']}")


def unused_institution(dossier: Dossier) -> Iterator[Finding]:
    """Every institution has a member."""
    named = _named(dossier, "institutions.institution")
    for row in numbered(dossier, "institutions").to_dicts():
        if row["institution"] not in named:
            yield Finding("institutions", row["_row"], f"no member of {row['institution']}")


def source_without_address(dossier: Dossier) -> Iterator[Finding]:
    """Every source says where it was seen, with an address of the web."""
    for row in numbered(dossier, "sources").to_dicts():
        if not (row["url"] or "").startswith(("https://", "http://")):
            yield Finding("sources", row["_row"], f"{row['source_id']} has no address of the web")


def _named(dossier: Dossier, reference: str) -> set[str]:
    """Values of every column that points to `table.column`."""
    found: set[str] = set()
    for table, frame in dossier.tables.items():
        for field in schema.tables()[table]:
            if field.reference == reference:
                cells = frame[field.name].drop_nulls()
                found.update(cells.str.split(";").explode() if field.is_list else cells)
    return found


def _countries(dossier: Dossier) -> set[str]:
    """Codes in columns that name countries or powers without a reference."""
    columns = {
        "network_nodes": "country",
        "network_control": "power",
        "network_demand": "market",
        "vote_agreement": "country",
    }
    tables = ((dossier.tables[table], column) for table, column in columns.items() if dossier.has(table))
    return {code for frame, column in tables for code in frame[column].drop_nulls()}


USE_RULES: tuple[Rule, ...] = (
    unused_source,
    unused_actor,
    unused_measure,
    unused_node,
    unused_institution,
    source_without_address,
)
