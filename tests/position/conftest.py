"""The built-in dossier's position, solved once, and changed copies of the dossier."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl
import pytest

from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.packing import pack
from betweengiants.position import Position
from betweengiants.position import position as solve

Rows = list[dict[str, str]]
Changes = Mapping[str, Callable[[Rows], Rows] | None]


@pytest.fixture(scope="session")
def dossier() -> Dossier:
    return load_dossier()


@pytest.fixture(scope="session")
def position(dossier: Dossier) -> Position:
    return solve(dossier)


@pytest.fixture(scope="session")
def repacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Changes], Dossier]:
    """The built-in dossier with some tables dropped (None) or their rows changed, packed and read again."""

    def make(changes: Changes) -> Dossier:
        folder = tmp_path_factory.mktemp("dossier") / "copy"
        with as_file(files("betweengiants.dossier").joinpath("builtin", "kazakhstan")) as original:
            shutil.copytree(original, folder)
        for table, change in changes.items():
            if change is None:
                (folder / f"{table}.csv").unlink()
            else:
                rewrite(folder / f"{table}.csv", change)
        pack(folder)
        return load_dossier(folder)

    return make


def rewrite(path: Path, change: Callable[[Rows], Rows]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names, rows = list(reader.fieldnames or []), list(reader)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(rows))


@pytest.fixture(scope="session")
def renamed(dossier: Dossier) -> Callable[[Mapping[str, str]], Dossier]:
    """The same dossier in memory with other codes for some actors, in every column of every table."""

    def make(names: Mapping[str, str]) -> Dossier:
        tables = {
            name: frame.with_columns(pl.col(pl.String).replace(names))
            for name, frame in dossier.tables.items()
        }
        parties = pl.col("parties").str.split(";").list.eval(pl.element().replace(names)).list.join(";")
        tables["agreements"] = tables["agreements"].with_columns(parties)
        powers = tuple(names.get(power, power) for power in dossier.powers)
        header = replace(dossier.header, powers=powers, focal=names.get(dossier.focal, dossier.focal))
        return Dossier(header, tables, dossier.hashes)

    return make


@pytest.fixture(scope="session")
def with_tables(dossier: Dossier) -> Callable[..., Dossier]:
    """The same dossier in memory with other frames, other powers, or without some tables (None)."""

    def make(*, powers: tuple[str, ...] | None = None, **frames: pl.DataFrame | None) -> Dossier:
        merged = dossier.tables | frames
        tables = {name: frame for name, frame in merged.items() if frame is not None}
        return Dossier(replace(dossier.header, powers=powers or dossier.powers), tables, dossier.hashes)

    return make
