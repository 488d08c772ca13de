import csv
import os
import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no failure because a machine is busy.
settings.register_profile("repository", deadline=None, derandomize=True)
settings.load_profile("repository")

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
