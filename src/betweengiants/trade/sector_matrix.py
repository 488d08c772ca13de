"""Who buys what from whom: flows by sector, and what each sector's costs consist of.

Symbols (Caliendo & Parro 2015, doi 10.1093/restud/rdu035; design, section 4.1):

    X[i,j,s]      flow from exporter i to importer j in sector s, domestic sales on i = j
    Y[j,s]        output, sum over importers; E[j,s] absorption, sum over exporters
    va[j,s]       share of value added in the cost of sector s
    gamma[j,k,s]  share of input k in the cost of sector s; va + sum_k gamma = 1
    F[j,k]        final spending, E[j,k] - sum_s gamma[j,k,s] Y[j,s]
    alpha[j,k]    share of sector k in final spending
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.trade.matrix import (
    TradeMatrix,
    flow_rows,
    least_flow,
    read_rows,
    too_small,
    unseen,
    unseen_note,
)
from betweengiants.trade.sector_io import SHARES_TOLERANCE, Coefficients, read_coefficients

Floats = NDArray[np.float64]
FinalDemand = Literal["refuse", "trim"]
ROUNDING = 1e-9
"""Final spending below zero by no more than this share of absorption is rounding and counts as zero."""
ONE_SECTOR = "all"
"""Name of the sector of a table without a column for it."""


@dataclass(frozen=True, eq=False)
class SectorMatrix:
    """Flows between countries by sector, in one unit of money, with input-output links.

    Attributes:
        labels: N country labels.
        sectors: S sector labels.
        flows: (N, N, S) float64, [exporter, importer, sector], domestic sales on the diagonal; read-only. Flows too
            small to be seen beside what both countries trade in the sector (`matrix.UNSEEN`) are set to zero.
        va: (N, S) share of value added in cost, above 0 (default: 1).
        gamma: (N, S, S) [country, input, using sector] share of each input in cost (default: 0).
        name: how messages call it (a file name).
        remarks: what was decided when the table was read; part of `notes`.
        unseen: how many flows were set to zero.

    Raises:
        DataError: shapes that do not fit, a repeated label, a negative or non-finite flow, one too small beside the
            world's (`matrix.SMALLEST`), cost shares that do not add up to 1, a country without domestic sales, a sector
            without flows, or intermediate use above absorption (negative final spending): names the country and the
            sector.
    """

    labels: tuple[str, ...]
    sectors: tuple[str, ...]
    flows: Floats
    va: Floats | None = None
    gamma: Floats | None = None
    name: str = "flows"
    remarks: tuple[str, ...] = ()
    unseen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        size, count = len(self.labels), len(self.sectors)
        if not count or len(set(self.sectors)) != count:
            raise DataError(
                file=self.name, found="no sector, or a sector label twice", allowed="each label once"
            )
        shapes = {"flows": (size, size, count), "va": (size, count), "gamma": (size, count, count)}
        defaults = {"va": np.ones(shapes["va"]), "gamma": np.zeros(shapes["gamma"])}
        for part, shape in shapes.items():
            given = getattr(self, part)
            values = np.array(defaults[part] if given is None else given, dtype=np.float64)
            if values.shape != shape:
                raise DataError(file=self.name, found=f"{part} of shape {values.shape}", allowed=f"{shape}")
            object.__setattr__(self, part, values)
        _check_flows(self)
        hidden = unseen(self.flows)
        self.flows[hidden] = 0.0
        object.__setattr__(self, "unseen", int(hidden.sum()))
        _check_sizes(self)
        for part in shapes:
            getattr(self, part).flags.writeable = False
        _check_shares(self)
        _check_final(self)

    @property
    def output(self) -> Floats:
        """(N, S) sales of each sector to everybody."""
        return np.asarray(self.flows.sum(axis=1))

    @property
    def absorption(self) -> Floats:
        """(N, S) purchases of each sector's goods, for final use and as inputs."""
        return np.asarray(self.flows.sum(axis=0))

    @property
    def final_spending(self) -> Floats:
        """(N, S) absorption less intermediate use; rounding below zero is set to zero."""
        return np.maximum(_final(self), 0.0)

    @property
    def value_added(self) -> Floats:
        """(N,) factor income."""
        return np.asarray((self.cost_shares[0] * self.output).sum(axis=1))

    @property
    def cost_shares(self) -> tuple[Floats, Floats]:
        """(N, S) va and (N, S, S) gamma, typed as arrays (the fields may be left out when making a matrix)."""
        assert self.va is not None
        assert self.gamma is not None
        return self.va, self.gamma

    @property
    def home_shares(self) -> Floats:
        """(N, S) share of absorption that is bought at home (not-a-number where nothing is absorbed)."""
        home, absorbed = np.einsum("iis->is", self.flows), self.absorption
        return np.where(absorbed > 0, home / np.where(absorbed > 0, absorbed, 1.0), np.nan)

    def index(
        self, label: str, *, file: str | None = None, row: int | None = None, column: str | None = None
    ) -> int:
        """The position of a country.

        Raises:
            UnknownLabel: the matrix does not hold it; names the nearest ones.
        """
        return _position(label, self.labels, "country", file or self.name, row, column)

    def sector_index(
        self, label: str, *, file: str | None = None, row: int | None = None, column: str | None = None
    ) -> int:
        """The position of a sector.

        Raises:
            UnknownLabel: the matrix does not hold it; names the nearest ones.
        """
        return _position(label, self.sectors, "sector", file or self.name, row, column)

    def aggregate(self) -> TradeMatrix:
        """All sectors added up."""
        return TradeMatrix(self.labels, self.flows.sum(axis=2), self.name)

    def with_flows(self, flows: Floats, final_demand: FinalDemand = "refuse", name: str = "") -> SectorMatrix:
        """The same countries, sectors and cost shares with other flows.

        Args:
            flows: (N, N, S).
            final_demand: see `sector_frame`.
            name: how messages call it (default: as before).

        Raises:
            DataError: see `SectorMatrix`.
        """
        (va, gamma), title = self.cost_shares, name or self.name
        if final_demand == "trim":
            va, gamma, _ = _trimmed(SectorMatrix(self.labels, self.sectors, flows, name=title), va, gamma)
        return SectorMatrix(self.labels, self.sectors, flows, va, gamma, title, self.remarks)

    def notes(self) -> tuple[str, ...]:
        """What looks wrong without being impossible, and what was decided when the table was read."""
        return (*self.aggregate().oddities(), *unseen_note(self.name, self.unseen), *self.remarks)


def read_sector_flows(
    path: Path | str,
    year: int | None = None,
    *,
    io: Path | str | None = None,
    final_demand: FinalDemand = "refuse",
) -> SectorMatrix:
    """Read `exporter,importer,sector,value[,year]`, and the cost shares in `io` if one is given.

    See `sector_frame` for the rules and `sector_io` for the layout of `io`.
    """
    path = Path(path)
    coefficients = None if io is None else read_coefficients(io)
    return sector_frame(
        read_rows(path), name=path.name, year=year, coefficients=coefficients, final_demand=final_demand
    )


def sector_frame(
    frame: pl.DataFrame,
    *,
    name: str = "flows",
    year: int | None = None,
    coefficients: Coefficients | None = None,
    final_demand: FinalDemand = "refuse",
) -> SectorMatrix:
    """Make a sector matrix from a long table.

    Args:
        frame: columns exporter, importer, value and optionally sector and year (see `matrix.from_frame`); without a
            sector column there is one sector, called `all`.
        name: how messages call the table.
        year: the year to take; may be left out when the table holds one year.
        coefficients: cost shares; without them nothing is used as an input.
        final_demand: what happens where inputs of a good exceed its absorption: `refuse`, or `trim`: all uses of that
            good in that country shrink in proportion until none is left for final use, and value added takes the
            difference. Flows and output stay as they are; a note names the places.

    Raises:
        DataError: as `matrix.from_frame`, and as `SectorMatrix`.
    """
    if final_demand not in get_args(FinalDemand):
        raise DataError(found=f"final_demand '{final_demand}'", allowed=", ".join(get_args(FinalDemand)))
    table = flow_rows(frame, name, year)
    if "sector" not in table.columns:
        table = table.with_columns(sector=pl.lit(ONE_SECTOR))
    labels = tuple(sorted(set(table["exporter"]) | set(table["importer"])))
    sectors = tuple(sorted(set(table["sector"])))
    at, kind = ({label: k for k, label in enumerate(names)} for names in (labels, sectors))
    flows = np.zeros((len(labels), len(labels), len(sectors)))
    where = (
        [at[label] for label in table["exporter"]],
        [at[label] for label in table["importer"]],
        [kind[label] for label in table["sector"]],
    )
    flows[where] = table["value"].to_numpy()
    plain = SectorMatrix(labels, sectors, flows, name=name)
    if coefficients is None:
        return plain
    va, gamma, notes = coefficients.shares(labels, sectors, plain.output, plain.absorption)
    if final_demand == "trim":
        va, gamma, more = _trimmed(plain, va, gamma)
        notes = (*notes, *more)
    return SectorMatrix(labels, sectors, flows, va, gamma, name, notes)


def _trimmed(matrix: SectorMatrix, va: Floats, gamma: Floats) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Cost shares whose intermediate use is nowhere above absorption."""
    used = np.einsum("jks,js->jk", gamma, matrix.output)
    over = used > matrix.absorption
    factor = np.where(over, matrix.absorption / np.where(over, used, 1.0), 1.0)
    smaller = gamma * factor[:, :, None]
    named = _places(matrix, np.argwhere(over))
    note = f"note: {matrix.name}: inputs above absorption were cut, and value added raised, for {summary(named)}."
    return va + (gamma - smaller).sum(axis=1), smaller, (note,) if named else ()


def _check_flows(matrix: SectorMatrix) -> None:
    flows = matrix.flows
    bad = ~np.isfinite(flows) | (flows < 0)
    if bad.any():
        i, j, s = np.argwhere(bad)[0]
        raise DataError(
            file=matrix.name,
            found=f"a flow of {flows[i, j, s]:g} from {matrix.labels[i]} to {matrix.labels[j]} ({matrix.sectors[s]})",
            allowed="finite numbers of at least 0",
        )
    empty = [s for k, s in enumerate(matrix.sectors) if not flows[:, :, k].any()]
    if empty:
        raise DataError(
            file=matrix.name, found=f"no flow in {summary(empty)}", allowed="a flow in every sector"
        )
    matrix.aggregate()  # checks labels and domestic sales


def _check_sizes(matrix: SectorMatrix) -> None:
    small, total = too_small(matrix.flows), float(matrix.flows.sum())
    if small.any():
        i, j, s = np.argwhere(small)[0]
        raise DataError(
            file=matrix.name,
            found=f"a flow of {matrix.flows[i, j, s]:g} from {matrix.labels[i]} to {matrix.labels[j]} "
            f"({matrix.sectors[s]}) where all add up to {total:g}",
            allowed=f"0, or at least {least_flow(total):.3g}",
        )


def _check_shares(matrix: SectorMatrix) -> None:
    va, gamma = matrix.cost_shares
    bad = ~np.isfinite(va) | (va <= 0) | ~np.isfinite(gamma).all(axis=1) | (gamma < 0).any(axis=1)
    total = va + gamma.sum(axis=1)
    off = bad | ~(np.abs(total - 1) <= SHARES_TOLERANCE)
    if off.any():
        j, s = np.argwhere(off)[0]
        raise DataError(
            file=matrix.name,
            found=f"cost shares of {matrix.labels[j]}, {matrix.sectors[s]}: value added {va[j, s]:g}, "
            f"inputs {gamma[j, :, s].sum():g}",
            allowed="a value-added share above 0 and input shares of at least 0 that add up to 1",
        )
    exact = gamma.copy()
    inputs = gamma.sum(axis=1)
    exact *= np.where(inputs > 0, (1 - va) / np.where(inputs > 0, inputs, 1.0), 1.0)[:, None, :]
    object.__setattr__(matrix, "gamma", exact)
    object.__setattr__(matrix, "va", np.where(inputs > 0, va, 1.0))
    exact.flags.writeable = False


def _check_final(matrix: SectorMatrix) -> None:
    final = _final(matrix)
    bad = final < -ROUNDING * matrix.absorption
    if bad.any():
        named = _places(matrix, np.argwhere(bad))
        j, k = np.argwhere(bad)[0]
        raise DataError(
            file=matrix.name,
            found=f"more inputs than absorption, so that final spending would be negative, for {summary(named)} "
            f"(the first: {matrix.absorption[j, k]:.6g} absorbed, {matrix.absorption[j, k] - final[j, k]:.6g} used)",
            allowed="input shares that leave final spending of at least 0, or uses cut to fit (--trim-inputs)",
        )
    poor = [label for label, f in zip(matrix.labels, final.sum(axis=1), strict=True) if f <= 0]
    if poor:
        raise DataError(
            file=matrix.name, found=f"no final spending in {summary(poor)}", allowed="some everywhere"
        )


def _final(matrix: SectorMatrix) -> Floats:
    return np.asarray(matrix.absorption - np.einsum("jks,js->jk", matrix.cost_shares[1], matrix.output))


def _places(matrix: SectorMatrix, where: NDArray[np.int64]) -> list[str]:
    return [f"{matrix.labels[j]} ({matrix.sectors[k]})" for j, k in where]


def _position(
    label: str, known: tuple[str, ...], what: str, file: str, row: int | None, column: str | None
) -> int:
    try:
        return known.index(label)
    except ValueError:
        raise UnknownLabel(label, known, what=what, file=file, row=row, column=column) from None
