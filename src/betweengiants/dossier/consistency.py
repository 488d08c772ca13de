"""What a careful reader would ask about a dossier that is valid: rules that warn, each small, with a name and a sentence.

The layout, keys, references, ranges and licences are checked when a dossier is read (`checks`), and the first fault stops
it. What stands here does not stop anything: sources may disagree and evidence may be old. `dossier validate` lists all
findings; with `--strict` any finding is a failure.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier.findings import Rule
from betweengiants.dossier.reading import Dossier
from betweengiants.dossier.rules_facts import FACT_RULES
from betweengiants.dossier.rules_tables import TABLE_RULES
from betweengiants.dossier.rules_use import USE_RULES

RULES: dict[str, Rule] = {rule.__name__: rule for rule in (*FACT_RULES, *TABLE_RULES, *USE_RULES)}
"""Every rule by its name, in the order in which they are run."""

SCHEMA = {"table": pl.String, "row": pl.Int64, "rule": pl.String, "sentence": pl.String}


def check_consistency(dossier: Dossier, names: Sequence[str] | None = None) -> pl.DataFrame:
    """All findings of the rules.

    Args:
        dossier: one that could be read.
        names: only these rules; by default all.

    Returns:
        table, row (as a spreadsheet shows it), rule, sentence; in the order of rules, tables and rows.

    Raises:
        UnknownLabel: no such rule.
    """
    for name in names or ():
        if name not in RULES:
            raise UnknownLabel(name, RULES, what="rule")
    chosen = {name: rule for name, rule in RULES.items() if names is None or name in names}
    rows = [
        (found.table, found.row, name, found.sentence)
        for name, rule in chosen.items()
        for found in sorted(rule(dossier), key=lambda one: (one.table, one.row))
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def described() -> list[tuple[str, str]]:
    """Name of every rule and what it asks for, in a sentence."""
    return [(name, (rule.__doc__ or "").strip().splitlines()[0]) for name, rule in RULES.items()]
