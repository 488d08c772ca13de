"""The page on the article's systems names only tables, rows, measures, commands and pages that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from betweengiants.cli.app import app
from betweengiants.dossier import Dossier, delivery, load_dossier
from betweengiants.dossier.schema import key_of

DOCS = Path(__file__).parents[2] / "docs"
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)\)")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


def table_rows(page: str) -> list[list[str]]:
    """Cells of the rows of the page's tables, heads left out."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    return [
        row for row in rows if not set(row[0]) <= {"-", " "} and row[0] not in ("system", "domain", "table")
    ]


def commands(command: Any, name: str) -> set[str]:
    children = getattr(command, "commands", {})
    found = {f"{name} {child}" for child in children}
    return found.union(*(commands(sub, f"{name} {child}") for child, sub in children.items()))


def fault(token: str, dossier: Dossier) -> str:
    """Why a token of the data column leads nowhere; empty if it leads to rows."""
    table, _, row = token.partition(":")
    if row:
        frame = dossier.tables.get(table)
        if frame is None:
            return f"no table {table}"
        key = frame[key_of(table)[0]]
        return "" if row in key else f"no row {row} in {table}"
    if token in dossier.tables:
        return "" if dossier.tables[token].height else f"an empty table {token}"
    facts = dossier.tables["facts"].filter(pl.col("measure") == token)
    return "" if facts.height else f"no table and no facts {token}"


def test_every_table_row_and_measure_exists(dossier: Dossier) -> None:
    rows = table_rows("systems.md")
    assert len(rows) >= 20
    assert all(len(row) == 4 for row in rows)
    for system, data, _, _ in rows:
        tokens = CODE.findall(data)
        assert tokens, system
        assert [fault(token, dossier) for token in tokens if fault(token, dossier)] == []


def test_every_command_and_page_exists() -> None:
    known = commands(typer.main.get_command(app), "betweengiants")
    for system, _, used, _ in table_rows("systems.md"):
        tokens, links = CODE.findall(used), LINK.findall(used)
        assert tokens or links, system
        for token in tokens:
            assert token in known or hasattr(delivery, token), token
        for link in links:
            assert (DOCS / link).is_file(), link


def test_a_name_that_leads_nowhere_is_found(dossier: Dossier) -> None:
    for token in ("no_such_table", "deals:no_such_deal", "no_such_table:row"):
        assert fault(token, dossier)


def test_shares_of_the_evidence_page_have_the_powers_it_names(dossier: Dossier) -> None:
    measures = dossier.tables["measures"]
    domain_of = dict(zip(measures["measure"], measures["domain"], strict=True))
    unit_of = dict(zip(measures["measure"], measures["unit"], strict=True))
    facts = dossier.tables["facts"]
    rows = [row for row in table_rows("evidence.md") if len(row) == 5]
    assert len({row[0] for row in rows}) == 10
    for domain, definition, powers, _, _ in rows:
        for measure in CODE.findall(definition):
            if not measure.endswith("_share"):
                continue
            assert (domain_of[measure], unit_of[measure]) == (domain, "pct"), measure
        named = set(re.findall(r"\b(?:RUS|CHN|USA|EU27|NLD|GBR|FRA|BMU|CHE|DEU|UZB|KGZ|WLD)\b", powers))
        held = set(facts.filter(pl.col("measure").is_in(CODE.findall(definition)))["partner"])
        assert named <= held, definition
