from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.dossier.descriptor import Header

HEADER = Header("test", "Test", "1", "KAZ", ("RUS",), 2025, {})
COLUMNS = ("claim_id", "statement", "measure", "subject", "partner", "period", "value", "unit", "relation")
FURTHER = ("kind", "against", "records", "reason", "source_id", "passage", "note")
FACTS = {
    "measure": pl.String,
    "subject": pl.String,
    "partner": pl.String,
    "period": pl.String,
    "value": pl.String,
    "unit": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "basis": pl.String,
    "warnings": pl.String,
    "source_id": pl.String,
}
BOUNDS = (
    "measure",
    "subject",
    "partner",
    "relation",
    "other",
    "other_subject",
    "other_partner",
    "plus",
    "note",
)
Make = Callable[..., Any]


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...]) -> pl.DataFrame:
    whole = [dict.fromkeys(names) | row for row in rows]
    return pl.DataFrame(whole, schema=dict.fromkeys(names, pl.String))


@pytest.fixture(scope="session")
def dossier_of() -> Make:
    """A dossier in memory: facts as mappings (basis reported, period 2024, subject KAZ where nothing is said)."""

    def make(
        facts: list[dict[str, Any]],
        *,
        ranges: dict[str, tuple[float | None, float | None]] | None = None,
        actors: dict[str, str] | None = None,
        bounds: list[dict[str, str]] | None = None,
        density: float | None = 7.5,
        measures: dict[str, str] | None = None,
        **tables: list[dict[str, str]],
    ) -> Dossier:
        usual = {"subject": "KAZ", "period": "2024", "basis": "reported", "source_id": "s1"}
        rows = [dict.fromkeys(FACTS) | usual | fact for fact in facts]
        units = {row["measure"]: row["unit"] for row in rows} | (measures or {})
        known = [(name, unit, *(ranges or {}).get(name, (None, None))) for name, unit in units.items()]
        held: dict[str, pl.DataFrame] = {
            "facts": pl.DataFrame(rows, schema=FACTS),
            "measures": pl.DataFrame(
                known,
                schema={
                    "measure": pl.String,
                    "unit": pl.String,
                    "minimum": pl.Float64,
                    "maximum": pl.Float64,
                },
                orient="row",
            ),
            "parameters": pl.DataFrame(
                {
                    "parameter": ["barrels_per_tonne"] if density else [],
                    "value": [density] if density else [],
                    "low": [None] if density else [],
                    "high": [None] if density else [],
                },
                schema={"parameter": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
            ),
            "bounds": _frame([dict(row) for row in bounds or []], BOUNDS),
        }
        if actors is not None:
            held["actors"] = pl.DataFrame({"actor": list(actors), "kind": list(actors.values())})
        for name, records in tables.items():
            held[name] = _frame(records, tuple(records[0]))
        return Dossier(HEADER, held, {})

    return make


@pytest.fixture(scope="session")
def claims_of() -> Make:
    """Claims as a frame: every claim a mapping (subject KAZ, period 2024 where nothing is said)."""

    def make(*claims: dict[str, str | None]) -> pl.DataFrame:
        rows = [
            {"claim_id": f"c{at}", "statement": "s", "subject": "KAZ", "period": "2024"} | claim
            for at, claim in enumerate(claims, 1)
        ]
        return _frame(rows, (*COLUMNS, *FURTHER))

    return make
