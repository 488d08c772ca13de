"""Scenarios: which trade costs change, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD, read_table, require_range, require_unique
from betweengiants.trade.matrix import TradeMatrix

FACTORS = "numbers of at least 1, or inf for severance"


class Cell(NamedTuple):
    """One flow whose cost changes: iceberg trade cost times `cost_factor` (1 to infinity; inf severs the flow)."""

    exporter: str
    importer: str
    cost_factor: float


@dataclass(frozen=True)
class Scenario:
    """A named set of changed flows.

    Attributes:
        name: how results and messages call it.
        cells: the changed flows, each pair at most once; an empty scenario changes nothing.

    Raises:
        DataError: a factor below 1 or not a number, a repeated pair, or severed domestic sales.
    """

    name: str
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        cells = tuple(Cell(*cell) for cell in self.cells)
        object.__setattr__(self, "cells", cells)
        seen: set[tuple[str, str]] = set()
        for exporter, importer, factor in cells:
            pair = f"{exporter} to {importer}"
            if not factor >= 1:
                raise DataError(found=f"cost factor {factor:g} for {pair}", allowed=FACTORS)
            if exporter == importer and math.isinf(factor):
                raise DataError(found=f"a severance of {pair}", allowed="pairs of two different countries")
            if (exporter, importer) in seen:
                raise DataError(found=f"a second cost factor for {pair}", allowed="each pair once")
            seen.add((exporter, importer))


def severance(pairs: Iterable[tuple[str, str]], one_way: bool = False, name: str | None = None) -> Scenario:
    """The cutting of all trade between the two countries of each pair.

    Args:
        pairs: (A, B) pairs; naming one twice, or both ways round, is the same as once.
        one_way: cut only exports from A to B.
        name: default: the pairs, `A:B;C:D` (`A>B` when one-way).
    """
    chosen = list(dict.fromkeys(pairs))
    cells = dict.fromkeys((a, b) for a, b in chosen)
    if not one_way:
        cells |= dict.fromkeys((b, a) for a, b in chosen)
    sign = ">" if one_way else ":"
    title = name if name is not None else ";".join(f"{a}{sign}{b}" for a, b in chosen)
    return Scenario(title, tuple(Cell(a, b, math.inf) for a, b in cells))


def coalition(focal: str, powers: Sequence[str], name: str | None = None) -> Scenario:
    """Several powers sever their trade with one focal state at once, both ways."""
    return severance([(focal, p) for p in powers], name=name or f"{focal}:{'+'.join(powers)}")


def read_shocks(path: Path | str, matrix: TradeMatrix, name: str | None = None) -> Scenario:
    """Read `exporter,importer[,sector],cost_factor[,quantity_cap]` as one scenario on `matrix`.

    A `quantity_cap` of 0 severs the flow and one of 1 (or an empty cell) leaves it free. A `sector` cell must be empty
    or name the matrix's own sector, because the model has one sector.

    Raises:
        DataError: a factor below 1, a repeated pair, severed domestic sales, a cap between 0 and 1, a strange sector.
        UnknownLabel: a country that the matrix does not hold.
    """
    path = Path(path)
    table = read_table(
        path,
        {"exporter": "text", "importer": "text", "cost_factor": "number"},
        optional={"sector": "text", "quantity_cap": "number"},
        blanks=("sector", "quantity_cap"),
    )
    file = path.name
    require_unique(table, ["exporter", "importer"], file)
    _check_rows(table, file)
    cells = []
    for row, record in enumerate(table.iter_rows(named=True), FIRST_RECORD):
        for column in ("exporter", "importer"):
            matrix.index(record[column], file=file, row=row, column=column)
        _check_sector(record.get("sector"), matrix, file, row)
        factor = math.inf if record.get("quantity_cap") == 0 else record["cost_factor"]
        if record["exporter"] == record["importer"] and math.isinf(factor):
            raise DataError(
                file=file,
                row=row,
                column="importer",
                found=f"a severance of {record['exporter']} from itself",
                allowed="pairs of two different countries",
            )
        cells.append(Cell(record["exporter"], record["importer"], factor))
    return Scenario(name or path.stem, tuple(cells))


def _check_rows(table: pl.DataFrame, file: str) -> None:
    below = table["cost_factor"] < 1
    if below.any():
        row = int(below.arg_max() or 0)
        raise DataError(
            file=file,
            row=row + FIRST_RECORD,
            column="cost_factor",
            found=f"{table['cost_factor'][row]:g}",
            allowed=FACTORS,
        )
    if "quantity_cap" not in table.columns:
        return
    require_range(table, "quantity_cap", file, minimum=0, maximum=1)
    partial = (table["quantity_cap"] > 0) & (table["quantity_cap"] < 1)
    if partial.any():
        row = int(partial.arg_max() or 0)
        raise DataError(
            file=file,
            row=row + FIRST_RECORD,
            column="quantity_cap",
            found=f"{table['quantity_cap'][row]:g}",
            allowed="0 (severed), 1 (free) or an empty cell; partial caps are not solved by this version",
        )


def _check_sector(sector: str | None, matrix: TradeMatrix, file: str, row: int) -> None:
    if sector is not None and sector != matrix.sector:
        raise DataError(
            file=file,
            row=row,
            column="sector",
            found=f"'{sector}'",
            allowed=f"an empty cell or '{matrix.sector}'" if matrix.sector else "an empty cell (one sector)",
        )
