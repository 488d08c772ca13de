"""Who buys from whom: a square matrix of flows with domestic sales on its diagonal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import FIRST_RECORD, Kind, read_table, require_range, require_unique, typed

LOW_HOME_SHARE = 0.05
"""A home share below this is implausible for a whole economy: an entrepot, or sales on another basis."""
BLIND_GROUP = 5
"""So many busy countries without any trade among themselves look like missing reports, not like zeros."""

UNSEEN = 1e-12
"""A flow below this share of all that its exporter sells, and of all that its importer buys, counts as zero: markets are
cleared to about 1e-11, so that nothing could tell it from none, least of all relative incomes that hang on it alone."""
SMALLEST = 1e-150
"""Least share of all flows that a flow may have: products of two shares must stay within the range of numbers."""


@dataclass(frozen=True, eq=False)
class TradeMatrix:
    """Flows between countries in one unit of money.

    Attributes:
        labels: N country labels, sorted when read from a table; any text.
        flows: (N, N) float64, [exporter, importer], domestic sales on the diagonal; read-only. Flows too small to be seen
            beside both countries' sales and purchases (`UNSEEN`) are set to zero.
        name: how messages call it (a file name).
        sector: the one sector that the table names, if it names one.
        unseen: how many flows were set to zero.

    Raises:
        DataError: not square, a repeated label, fewer than two countries, a negative or non-finite flow, one too small
            beside the world's (`SMALLEST`), or a country without domestic sales.
    """

    labels: tuple[str, ...]
    flows: NDArray[np.float64]
    name: str = "flows"
    sector: str | None = None
    unseen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        flows = np.array(self.flows, dtype=np.float64)
        size = len(self.labels)
        if flows.shape != (size, size):
            raise DataError(
                file=self.name,
                found=f"flows of shape {flows.shape}",
                allowed=f"({size}, {size}) by the labels",
            )
        if len(set(self.labels)) != size:
            raise DataError(file=self.name, found="a country label twice", allowed="each label once")
        if size < 2:
            raise DataError(file=self.name, found="one country", allowed="two countries or more")
        bad = ~np.isfinite(flows) | (flows < 0)
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise DataError(
                file=self.name,
                found=f"a flow of {flows[i, j]:g} from {self.labels[i]} to {self.labels[j]}",
                allowed="finite numbers of at least 0",
            )
        with np.errstate(over="ignore"):
            total = flows.sum()
        if not np.isfinite(total):
            raise DataError(
                file=self.name, found="flows whose sum is too large for a number", allowed="smaller numbers"
            )
        homeless = [label for label, sales in zip(self.labels, flows.diagonal(), strict=True) if sales <= 0]
        if homeless:
            raise DataError(
                file=self.name,
                found=f"no domestic sales for {summary(homeless)}",
                allowed="a row with exporter = importer and a positive value for every country",
            )
        hidden = unseen(flows)
        flows[hidden] = 0.0
        small = too_small(flows)
        if small.any():
            i, j = np.argwhere(small)[0]
            raise DataError(
                file=self.name,
                found=f"a flow of {flows[i, j]:g} from {self.labels[i]} to {self.labels[j]} where all add up to {total:g}",
                allowed=f"0, or at least {least_flow(total):.3g}",
            )
        flows.flags.writeable = False
        object.__setattr__(self, "flows", flows)
        object.__setattr__(self, "unseen", int(hidden.sum()))

    @property
    def home_shares(self) -> NDArray[np.float64]:
        """(N,) share of spending that stays at home."""
        shares: NDArray[np.float64] = self.flows.diagonal() / self.flows.sum(axis=0)
        return shares

    def index(
        self, label: str, *, file: str | None = None, row: int | None = None, column: str | None = None
    ) -> int:
        """The position of a label.

        Raises:
            UnknownLabel: the matrix does not hold it; names the nearest ones.
        """
        try:
            return self.labels.index(label)
        except ValueError:
            raise UnknownLabel(
                label, self.labels, what="country", file=file or self.name, row=row, column=column
            ) from None

    def notes(self) -> tuple[str, ...]:
        """What looks wrong without being impossible: low home shares, groups of zeros, flows that count as zero."""
        return (*self.oddities(), *unseen_note(self.name, self.unseen))

    def oddities(self) -> tuple[str, ...]:
        """Low home shares and groups of zeros alone."""
        return (*_low_home(self), *_blind_group(self))


def read_flows(path: Path | str, year: int | None = None, *, aggregate_sectors: bool = False) -> TradeMatrix:
    """Read a CSV or Parquet file with the columns `exporter,importer,value[,sector][,year]`.

    See `from_frame` for the rules; the file may hold further columns, which are not read.
    """
    path = Path(path)
    return from_frame(read_rows(path), name=path.name, year=year, aggregate_sectors=aggregate_sectors)


def read_rows(path: Path) -> pl.DataFrame:
    """The columns of a file of flows, not yet checked (see `flow_rows`)."""
    value = _value_column(header(path), path.name)
    columns: dict[str, Kind] = {"exporter": "text", "importer": "text", value: "number"}
    return read_table(path, columns, optional={"sector": "text", "year": "integer"})


def from_frame(
    frame: pl.DataFrame, *, name: str = "flows", year: int | None = None, aggregate_sectors: bool = False
) -> TradeMatrix:
    """Make a matrix from a long table.

    Args:
        frame: columns exporter, importer, value, and optionally sector and year. Instead of `value` there may be one
            column whose name starts with `value_` (such as `value_usd_m`). A pair without a row is a zero flow.
        name: how messages call the table.
        year: the year to take; may be left out when the table holds one year.
        aggregate_sectors: add up the rows of several sectors, which are refused otherwise.

    Raises:
        DataError: a missing column, a blank, negative or non-finite value, a repeated key, a year that is needed or
            absent, several sectors, a country without domestic sales.
    """
    table = flow_rows(frame, name, year)
    sector = _one_sector(table, aggregate_sectors, name)
    labels = sorted(set(table["exporter"]) | set(table["importer"]))
    position = {label: k for k, label in enumerate(labels)}
    flows = np.zeros((len(labels), len(labels)))
    rows = [position[label] for label in table["exporter"]]
    cols = [position[label] for label in table["importer"]]
    np.add.at(flows, (rows, cols), table["value"].to_numpy())
    return TradeMatrix(tuple(labels), flows, name, sector)


def flow_rows(frame: pl.DataFrame, name: str, year: int | None) -> pl.DataFrame:
    """The checked rows of one year with the columns exporter, importer, value and, if there is one, sector.

    Raises:
        DataError: see `from_frame`.
    """
    value = _value_column(frame.columns, name)
    columns: dict[str, Kind] = {"exporter": "text", "importer": "text", value: "number"}
    table = typed(frame, columns, optional={"sector": "text", "year": "integer"}, name=name)
    require_unique(table, [c for c in ("year", "exporter", "importer", "sector") if c in table.columns], name)
    require_range(table, value, name, minimum=0)
    endless = table[value].is_infinite()
    if endless.any():
        row = int(endless.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column=value,
            found="inf",
            allowed="finite numbers of at least 0",
        )
    return _one_year(table, year, name).rename({value: "value"})


def header(path: Path) -> list[str]:
    """Column names, or nothing where `read_table` will say what is wrong with the file."""
    try:
        if path.suffix.lower() == ".parquet":
            return list(pl.read_parquet_schema(path))
        return [c.strip() for c in pl.read_csv(path, n_rows=0, infer_schema=False).columns]
    except (pl.exceptions.PolarsError, OSError):
        return []


def _value_column(columns: list[str], name: str) -> str:
    if "value" in columns:
        return "value"
    others = [c for c in columns if c.startswith("value_")]
    if len(others) > 1:
        raise DataError(
            file=name,
            found=f"several value columns ({summary(others)})",
            allowed="one column 'value', or one whose name starts with 'value_'",
        )
    return others[0] if others else "value"


def _one_year(table: pl.DataFrame, year: int | None, name: str) -> pl.DataFrame:
    if "year" not in table.columns:
        if year is not None:
            raise DataError(file=name, found=f"--year {year} for a table without years", allowed="no year")
        return table
    years = sorted(table["year"].unique().to_list())
    listed = summary([str(y) for y in years], most=30)
    if year is None:
        if len(years) > 1:
            raise DataError(
                file=name,
                column="year",
                found=f"several years ({listed})",
                allowed="one year, chosen with --year",
            )
        return table
    if year not in years:
        raise DataError(
            file=name, column="year", found=f"no rows for the year {year}", allowed=f"years {listed}"
        )
    return table.filter(pl.col("year") == year)


def _one_sector(table: pl.DataFrame, aggregate: bool, name: str) -> str | None:
    if "sector" not in table.columns:
        return None
    sectors = sorted(table["sector"].unique().to_list())
    if len(sectors) == 1:
        return str(sectors[0])
    if not aggregate:
        raise DataError(
            file=name,
            column="sector",
            found=f"several sectors ({summary(sectors)})",
            allowed="one sector here: add the sectors up (--aggregate-sectors) or read a matrix of several sectors",
        )
    return None


def unseen(flows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which flows between countries are too small to be seen beside what both trade, home sales included (`UNSEEN`).

    Args:
        flows: (N, N), or (N, N, S): then beside what both trade in the same sector.
    """
    sold, bought = (flows.sum(axis=axis, keepdims=True) for axis in (1, 0))
    hidden: NDArray[np.bool_] = (flows > 0) & (flows < UNSEEN * sold) & (flows < UNSEEN * bought)
    own = np.arange(flows.shape[0])
    hidden[own, own] = False
    return hidden


def unseen_note(name: str, count: int) -> tuple[str, ...]:
    """The note on flows that count as zero, if there are any."""
    if not count:
        return ()
    said = "1 flow counts" if count == 1 else f"{count} flows count"
    return (
        f"note: {name}: {said} as zero, being less than {UNSEEN:g} of what the exporter sells and of what the importer buys.",
    )


def too_small(flows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which positive flows are so small beside the sum of all that shares would lose their digits."""
    found: NDArray[np.bool_] = (flows > 0) & (flows < least_flow(float(flows.sum())))
    return found


def least_flow(total: float) -> float:
    """The least flow that is allowed where all flows add up to `total`."""
    return max(SMALLEST * total, float(np.finfo(np.float64).tiny))


def _low_home(matrix: TradeMatrix) -> tuple[str, ...]:
    low = [label for label, h in zip(matrix.labels, matrix.home_shares, strict=True) if h < LOW_HOME_SHARE]
    if not low:
        return ()
    return (
        f"note: {matrix.name}: home share of spending below {LOW_HOME_SHARE:.0%} for {summary(low)}; "
        "transit goods or domestic sales on another basis make such a country look more open than it is.",
    )


def _blind_group(matrix: TradeMatrix) -> tuple[str, ...]:
    group = silent_group(matrix.flows)
    if not group:
        return ()
    named = summary(sorted(matrix.labels[k] for k in group))
    return (
        f"note: {matrix.name}: {len(group)} countries show no trade with one another ({named}); "
        "such zeros are often missing reports.",
    )


def silent_group(flows: NDArray[np.float64]) -> list[int]:
    """Positions of BLIND_GROUP or more busy countries without any trade among themselves; empty if there are none.

    Busy is who trades with at least half of the others. Greedy: the group is a large one, not always the largest.

    Args:
        flows: (N, N), domestic sales on the diagonal.
    """
    none = (flows == 0) & (flows.T == 0)
    np.fill_diagonal(none, False)
    candidates = np.flatnonzero(none.sum(axis=1) <= (flows.shape[0] - 1) / 2)
    group: list[int] = []
    while candidates.size:
        among = none[np.ix_(candidates, candidates)].sum(axis=1)
        pick = candidates[int(among.argmax())]
        group.append(int(pick))
        candidates = candidates[none[pick, candidates]]
    return group if len(group) >= BLIND_GROUP else []
