import atexit
import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from hypothesis import settings

from betweengiants.dossier import schema
from betweengiants.dossier.packing import pack

# The same examples in every run, and no failure because a machine is busy.
settings.register_profile("repository", deadline=None, derandomize=True)
settings.load_profile("repository")

# Draws are kept for one run of the tests; workers and commands inherit the folder of the first process.
if "BETWEENGIANTS_CACHE" not in os.environ:
    os.environ["BETWEENGIANTS_CACHE"] = tempfile.mkdtemp(prefix="betweengiants-")
    atexit.register(shutil.rmtree, os.environ["BETWEENGIANTS_CACHE"], ignore_errors=True)

ROOT = Path(__file__).parents[1]
Change = Callable[[list[dict[str, str]]], object]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_samples() -> Path:
    """The folder of sample data beside the repository, or in BETWEENGIANTS_SHARED."""
    folder = Path(os.environ.get("BETWEENGIANTS_SHARED", ROOT.parent / "shared")) / "samples"
    if not folder.is_dir():
        pytest.skip("no folder of shared sample data (set BETWEENGIANTS_SHARED)")
    return folder


@pytest.fixture
def dossier_copy(tmp_path: Path) -> Path:
    """A copy of the built-in dossier that a test may break."""
    copy = tmp_path / "dossier"
    with as_file(files("betweengiants.dossier").joinpath("builtin", "kazakhstan")) as folder:
        shutil.copytree(folder, copy)
    return copy


@pytest.fixture
def edit_table(dossier_copy: Path) -> Callable[[str, Change], list[dict[str, str]]]:
    """Change the rows of a table of `dossier_copy` in place; returns the rows (row 0 is spreadsheet row 2)."""

    def edit(table: str, change: Change) -> list[dict[str, str]]:
        path = dossier_copy / f"{table}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = list(reader.fieldnames or []), list(reader)
        change(rows)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return rows

    return edit


Rows = Sequence[Mapping[str, str]]
STATES = ("KAZ", "RUS", "CHN")
SMALL: dict[str, Rows] = {
    "sources": [
        {
            "source_id": "s1",
            "publisher": "Office",
            "title": "Yearbook",
            "url": "https://example.org/a",
            "published": "2025-03-01",
            "licence": "CC0",
            "ship": "open",
        },
        {
            "source_id": "s2",
            "publisher": "Paper",
            "title": "Report",
            "url": "https://example.org/b",
            "published": "2024",
            "licence": "all rights reserved",
            "ship": "facts",
        },
    ],
    "measures": [
        {
            "measure": "gdp",
            "title": "GDP",
            "domain": "macro",
            "unit": "usd_m",
            "definition": "Nominal GDP",
            "minimum": "0",
        },
        {
            "measure": "signed",
            "title": "Date",
            "domain": "diplomacy",
            "unit": "date",
            "definition": "Date of signature",
        },
    ],
    "facts": [
        {
            "measure": "gdp",
            "subject": "KAZ",
            "period": "2024",
            "value": "100",
            "unit": "usd_m",
            "basis": "reported",
            "source_id": "s1",
        },
        {
            "measure": "signed",
            "subject": "KAZ",
            "partner": "RUS",
            "period": "2024",
            "value": "2024-02",
            "unit": "date",
            "basis": "reported",
            "source_id": "s1;s2",
        },
    ],
    "actors": [
        {"actor": state, "name": state.title(), "kind": "state", "role": "power" if at else "focal"}
        for at, state in enumerate(STATES)
    ],
    "parameters": [
        {"parameter": name, "value": value, "low": value, "high": value, "unit": "index", "source_id": "s1"}
        for name, value in (("theta_short", "2"), ("theta_long", "5"))
    ],
    "trade_matrix": [
        {
            "year": "2024",
            "exporter": exporter,
            "importer": importer,
            "value_usd_m": "1000" if exporter == importer else "50",
            "basis": "reported",
            "source_id": "s1",
        }
        for exporter in STATES
        for importer in STATES
    ],
}


@pytest.fixture(scope="session")
def make_dossier() -> Callable[..., Path]:
    """Write a dossier of three states to a folder; tables given by name replace those of the small one."""

    def make(folder: Path, **tables: Rows) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in (SMALL | tables).items():
            with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                names = [field.name for field in schema.tables()[table]]
                writer = csv.DictWriter(file, names, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        about = {"focal": STATES[0], "powers": list(STATES[1:]), "base_year": 2024}
        package = {"name": "small", "title": "Small", "version": "1", "betweengiants": about, "resources": []}
        (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
        pack(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def small_tables() -> Mapping[str, Rows]:
    """The rows of the small dossier by table."""
    return SMALL
