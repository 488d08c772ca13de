"""Scenarios: which trade costs change, by how much, and which flows are capped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD, read_table, require_range, require_unique
from betweengiants.trade.matrix import TradeMatrix

if TYPE_CHECKING:
    from betweengiants.trade.sector_matrix import SectorMatrix

FACTORS = "numbers of at least 1, or inf for severance"


class Cell(NamedTuple):
    """One flow that changes.

    Attributes:
        exporter, importer: labels.
        cost_factor: iceberg trade cost times this factor, 1 to infinity; inf severs the flow.
        quantity_cap: share of today's quantity that can still be delivered; 0 severs, 1 is no cap.
        sector: the sector; None means every sector, each with the same factor and its own quantity capped.
    """

    exporter: str
    importer: str
    cost_factor: float = 1.0
    quantity_cap: float = 1.0
    sector: str | None = None

    @property
    def flow(self) -> str:
        """`A to B`, or `A to B (sector)`."""
        return f"{self.exporter} to {self.importer}" + (f" ({self.sector})" if self.sector else "")


@dataclass(frozen=True)
class Scenario:
    """A named set of changed flows.

    Attributes:
        name: how results and messages call it.
        cells: the changed flows, each at most once; an empty scenario changes nothing. A cap of 0 becomes a severance,
            and a severed flow has no cap.

    Raises:
        DataError: a factor below 1 or not a number, a cap outside 0 to 1, a repeated flow (one for all sectors beside
            one for a single sector is a repetition too), or severed domestic sales.
    """

    name: str
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        cells = tuple(_checked(Cell(*cell)) for cell in self.cells)
        object.__setattr__(self, "cells", cells)
        seen: dict[tuple[str, str], set[str | None]] = {}
        for cell in cells:
            sectors = seen.setdefault((cell.exporter, cell.importer), set())
            if cell.sector in sectors or (sectors and (cell.sector is None or None in sectors)):
                raise DataError(found=f"a second cost factor for {cell.flow}", allowed="each pair once")
            sectors.add(cell.sector)


def _checked(cell: Cell) -> Cell:
    if not cell.cost_factor >= 1:
        raise DataError(found=f"cost factor {cell.cost_factor:g} for {cell.flow}", allowed=FACTORS)
    if not 0 <= cell.quantity_cap <= 1:
        raise DataError(found=f"quantity cap {cell.quantity_cap:g} for {cell.flow}", allowed="0 to 1")
    if cell.quantity_cap > 0 and not math.isinf(cell.cost_factor):
        return cell
    if cell.exporter == cell.importer:
        raise DataError(found=f"a severance of {cell.flow}", allowed="pairs of two different countries")
    return cell._replace(cost_factor=math.inf, quantity_cap=1.0)


def severance(
    pairs: Iterable[tuple[str, str]],
    one_way: bool = False,
    name: str | None = None,
    *,
    sectors: Sequence[str] | None = None,
) -> Scenario:
    """The cutting of all trade between the two countries of each pair.

    Args:
        pairs: (A, B) pairs; naming one twice, or both ways round, is the same as once.
        one_way: cut only exports from A to B.
        name: default: the pairs, `A:B;C:D` (`A>B` when one-way).
        sectors: cut only these (default: all).
    """
    chosen = list(dict.fromkeys(pairs))
    cells = dict.fromkeys((a, b) for a, b in chosen)
    if not one_way:
        cells |= dict.fromkeys((b, a) for a, b in chosen)
    sign = ">" if one_way else ":"
    title = name if name is not None else ";".join(f"{a}{sign}{b}" for a, b in chosen)
    which: Sequence[str | None] = (None,) if sectors is None else list(dict.fromkeys(sectors))
    return Scenario(title, tuple(Cell(a, b, math.inf, 1.0, s) for a, b in cells for s in which))


def coalition(
    focal: str, powers: Sequence[str], name: str | None = None, *, sectors: Sequence[str] | None = None
) -> Scenario:
    """Several powers sever their trade with one focal state at once, both ways."""
    return severance(
        [(focal, p) for p in powers], name=name or f"{focal}:{'+'.join(powers)}", sectors=sectors
    )


def read_shocks(path: Path | str, matrix: TradeMatrix | SectorMatrix, name: str | None = None) -> Scenario:
    """Read `exporter,importer[,sector],cost_factor[,quantity_cap]` as one scenario on `matrix`.

    A `quantity_cap` of 0 severs the flow; one of 1 (or an empty cell) leaves it free. An empty `sector` means every
    sector; otherwise it must be a sector of the matrix.

    Raises:
        DataError: a factor below 1, a cap outside 0 to 1, a repeated flow, severed domestic sales, a sector on a matrix
            that names none.
        UnknownLabel: a country or sector that the matrix does not hold.
    """
    path = Path(path)
    table = read_table(
        path,
        {"exporter": "text", "importer": "text", "cost_factor": "number"},
        optional={"sector": "text", "quantity_cap": "number"},
        blanks=("sector", "quantity_cap"),
    )
    file = path.name
    require_unique(table, [c for c in ("exporter", "importer", "sector") if c in table.columns], file)
    _check_rows(table, file)
    cells: list[Cell] = []
    whole: dict[tuple[str, str], bool] = {}
    for row, record in enumerate(table.iter_rows(named=True), FIRST_RECORD):
        for column in ("exporter", "importer"):
            matrix.index(record[column], file=file, row=row, column=column)
        sector, cap = record.get("sector"), record.get("quantity_cap")
        _check_sector(sector, matrix, file, row)
        cell = Cell(
            record["exporter"],
            record["importer"],
            record["cost_factor"],
            1.0 if cap is None else cap,
            None if isinstance(matrix, TradeMatrix) else sector,
        )
        _check_row(cell, whole, file, row)
        cells.append(cell)
    return Scenario(name or path.stem, tuple(cells))


def _check_row(cell: Cell, whole: dict[tuple[str, str], bool], file: str, row: int) -> None:
    """Refuse severed domestic sales and overlaps; `whole` remembers which pairs have a row for all sectors."""
    if cell.exporter == cell.importer and (math.isinf(cell.cost_factor) or cell.quantity_cap == 0):
        raise DataError(
            file=file,
            row=row,
            column="importer",
            found=f"a severance of {cell.exporter} from itself",
            allowed="pairs of two different countries",
        )
    pair = cell.exporter, cell.importer
    if pair in whole and (whole[pair] or cell.sector is None):
        raise DataError(
            file=file,
            row=row,
            found=f"a second row for {pair[0]} to {pair[1]}, one of them for all sectors",
            allowed="one row for all sectors, or one for each sector",
        )
    whole[pair] = cell.sector is None


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
    if "quantity_cap" in table.columns:
        require_range(table, "quantity_cap", file, minimum=0, maximum=1)


def _check_sector(sector: str | None, matrix: TradeMatrix | SectorMatrix, file: str, row: int) -> None:
    if sector is None:
        return
    if not isinstance(matrix, TradeMatrix):
        matrix.sector_index(sector, file=file, row=row, column="sector")
    elif sector != matrix.sector:
        raise DataError(
            file=file,
            row=row,
            column="sector",
            found=f"'{sector}'",
            allowed=f"an empty cell or '{matrix.sector}'" if matrix.sector else "an empty cell (one sector)",
        )
