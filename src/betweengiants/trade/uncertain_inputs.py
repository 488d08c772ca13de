"""What is uncertain about a severance, how it is stated, and how large the noise of flows is.

Four kinds of inputs can be uncertain, independently of one another:

    elasticity   theta: one number for the world, or one for each sector
    flows        every international cell times exp(sd z), z standard normal and independent: what a mirror gap leaves open
    domestic     all domestic sales times one factor: gross output against value added
    baseline     which of several matrices is the right one, each equally likely
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import FIRST_RECORD, read_table, require_unique
from betweengiants.trade.arrays import Floats
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.sector_matrix import FinalDemand, SectorMatrix
from betweengiants.trade.spread import Kind, Spread

ELASTICITY, FLOWS, DOMESTIC, BASELINE = "elasticity", "flows", "domestic", "baseline"
Together = Literal["independent", "together"]
FlowNoise = Literal["cell", "pair"]
SectorDraws = Literal["common", "independent", "together"]
"""How the elasticities of sectors are drawn: one for all, each for itself, or each at the same quantile."""


@dataclass(frozen=True, eq=False)
class TradeInputs:
    """What is uncertain about a severance; the default of everything but the elasticity is certainty.

    Attributes:
        elasticity: theta, above 0: one distribution for all sectors (one draw holds for all), or one for each sector.
        flow_sd: standard deviation of the logarithm of every international cell (see `mirror_sd`); the median stays.
        domestic: factor on all domestic sales, above 0 (1: the convention of the matrix).
        alternatives: further matrices of the same countries (and sectors) that might be the right one.
        sector_draws: with one distribution for each sector: `independent` draws each for itself, `together` takes the same
            quantile of all (comonotone: what makes one sector hard to substitute makes all so).
        pair_sd: (exporter, importer) to a standard deviation of its own in place of `flow_sd`.
        flow_noise: with several sectors: `cell` draws the error of every sector of a pair for itself, so that much of it
            cancels in the pair's total; `pair` draws one for all sectors of a pair (where the deviation was measured on
            totals).
        final_demand: what becomes of a drawn matrix that needs more of a good as input than is absorbed: `refuse` counts the
            draw as unsolved, `trim` cuts its uses there in proportion (see `sector_frame`). Where the matrix itself was
            read with `trim`, say so here too: its final demand is 0 in places, and most draws would be refused.

    Raises:
        DataError: an elasticity or a factor that can be 0 or less, no elasticity, a standard deviation below 0, or an unknown
            word.
    """

    elasticity: Spread | Mapping[str, Spread]
    flow_sd: float = 0.0
    domestic: Spread = field(default_factory=lambda: Spread.constant(1.0))
    alternatives: tuple[TradeMatrix | SectorMatrix, ...] = ()
    sector_draws: Together = "independent"
    pair_sd: Mapping[tuple[str, str], float] = field(default_factory=dict)
    flow_noise: FlowNoise = "cell"
    final_demand: FinalDemand = "refuse"

    def __post_init__(self) -> None:
        if not isinstance(self.elasticity, Spread):
            # In one order, so that the same seed gives the same numbers whatever the order of the rows.
            object.__setattr__(self, "elasticity", dict(sorted(self.elasticity.items())))
            if not self.elasticity:
                raise DataError(found="no elasticity", allowed="one, or one for each sector")
        positive = [
            (ELASTICITY if s is None else f"{ELASTICITY} of {s}", spread) for s, spread in self._spreads()
        ]
        for name, spread in (*positive, ("factor on domestic sales", self.domestic)):
            if spread.low <= 0:
                raise DataError(found=f"a lowest {name} of {spread.low:g}", allowed="above 0")
        for sd in (self.flow_sd, *self.pair_sd.values()):
            if not 0 <= sd < np.inf:
                raise DataError(found=f"a standard deviation of flows of {sd:g}", allowed="0 or more, finite")
        words = (("sector_draws", Together), ("flow_noise", FlowNoise), ("final_demand", FinalDemand))
        for name, allowed in words:
            if getattr(self, name) not in get_args(allowed):
                raise DataError(found=f"{name} '{getattr(self, name)}'", allowed=", ".join(get_args(allowed)))

    @property
    def elasticities(self) -> SectorDraws:
        """How the elasticities of sectors are drawn."""
        return "common" if isinstance(self.elasticity, Spread) else self.sector_draws

    @property
    def varying(self) -> tuple[str, ...]:
        """Names of the inputs that are uncertain, in the order of the module's table; sectors by name.

        Independent sectors are `elasticity SECTOR` each; a common elasticity, and sectors that move together, are
        `elasticity`.
        """
        theta = dict.fromkeys(self.name_of(sector) for sector, spread in self._spreads() if spread.varies)
        flags = {
            FLOWS: max((self.flow_sd, *self.pair_sd.values())) > 0,
            DOMESTIC: self.domestic.varies,
            BASELINE: bool(self.alternatives),
        }
        return (*theta, *(name for name, uncertain in flags.items() if uncertain))

    def name_of(self, sector: str | None) -> str:
        """The name of the input that draws a sector's elasticity."""
        return f"{ELASTICITY} {sector}" if self.elasticities == "independent" else ELASTICITY

    def spreads(self, matrix: TradeMatrix | SectorMatrix) -> list[tuple[str, Spread]]:
        """Name of the input and distribution of each elasticity, sectors in the order of the matrix; one if it is common.

        Raises:
            DataError: distributions by sector for flows of one sector, or a sector without one.
            UnknownLabel: a sector that the matrix does not hold.
        """
        if isinstance(self.elasticity, Spread):
            return [(self.name_of(None), self.elasticity)]
        if isinstance(matrix, TradeMatrix):
            raise DataError(
                file=matrix.name,
                found="elasticities by sector for flows of one sector",
                allowed="one elasticity",
            )
        for sector in self.elasticity:
            matrix.sector_index(sector)
        absent = [sector for sector in matrix.sectors if sector not in self.elasticity]
        if absent:
            raise DataError(
                found=f"no elasticity for {summary(absent)}", allowed="one for every sector, or one for all"
            )
        return [(self.name_of(sector), self.elasticity[sector]) for sector in matrix.sectors]

    def cell_sd(self, matrix: TradeMatrix | SectorMatrix) -> Floats:
        """(N, N) standard deviation of every cell; 0 on the diagonal.

        Raises:
            UnknownLabel: a pair that the matrix does not hold.
            DataError: a pair of a country with itself.
        """
        sd = np.full((len(matrix.labels), len(matrix.labels)), self.flow_sd)
        for (exporter, importer), own in self.pair_sd.items():
            if exporter == importer:
                raise DataError(
                    found=f"a standard deviation of the domestic sales of {exporter}", allowed="two countries"
                )
            sd[matrix.index(exporter), matrix.index(importer)] = own
        np.fill_diagonal(sd, 0.0)
        return sd

    def _spreads(self) -> Iterable[tuple[str | None, Spread]]:
        return [(None, self.elasticity)] if isinstance(self.elasticity, Spread) else self.elasticity.items()


def read_spreads(
    path: Path | str, sectors: Sequence[str], kind: Kind = "lognormal", other: Spread | None = None
) -> dict[str, Spread]:
    """A distribution of the elasticity for each sector, from `sector,low,centre,high`.

    Args:
        path: a CSV or Parquet file.
        sectors: the sectors of the flows.
        kind: of all rows (see `Spread`).
        other: distribution of the sectors without a row (default: every sector needs one).

    Raises:
        DataError: values that make no distribution above 0, a repeated sector, a sector without a row.
        UnknownLabel: a sector that the flows do not hold.
    """
    path = Path(path)
    table = read_table(path, {"sector": "text", "low": "number", "centre": "number", "high": "number"})
    require_unique(table, ["sector"], path.name)
    found: dict[str, Spread | None] = dict.fromkeys(sectors, other)
    for row, (sector, low, centre, high) in enumerate(table.iter_rows(), FIRST_RECORD):
        if sector not in found:
            raise UnknownLabel(sector, sectors, what="sector", file=path.name, row=row, column="sector")
        try:
            found[sector] = Spread(kind, low, centre, high)
        except DataError as error:
            raise DataError(file=path.name, row=row, found=error.found, allowed=error.allowed) from None
        if low <= 0:
            raise DataError(
                file=path.name, row=row, column="low", found=f"{low:g}", allowed="numbers above 0"
            )
    spreads = {sector: spread for sector, spread in found.items() if spread is not None}
    absent = [sector for sector in sectors if sector not in spreads]
    if absent:
        raise DataError(
            file=path.name,
            column="sector",
            found=f"no row for {summary(absent)}",
            allowed="a row for every sector of the flows, or --low, --centre and --high for those without one",
        )
    return spreads


def mirror_sd(one: ArrayLike, other: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Standard deviation of the log error of one report, from pairs of reports of the same flows.

    Root mean square of ln(one / other), divided by the square root of 2: both reports are taken to err alike and
    independently. A systematic difference (freight, re-exports) counts as error too.

    Args:
        one: the reports of one side, pair by pair.
        other: those of the other side.
        weights: of the pairs, at least 0 (default: every pair alike). The geometric mean of the two reports, the best guess
            of the flow under that model, gives the error of the typical dollar; without weights it is that of the typical
            flow, most of which are small and badly reported.

    Raises:
        DataError: no pairs, different lengths, a value that is not positive and finite, or weights that are not.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or not a.size:
        raise DataError(found=f"reports of shapes {a.shape} and {b.shape}", allowed="pairs of reports")
    if not ((a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)).all():
        raise DataError(found="a report that is not positive and finite", allowed="numbers above 0")
    w = np.ones_like(a) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != a.shape or not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
        raise DataError(
            found=f"weights of shape {w.shape}, or one that is not finite and at least 0",
            allowed="one for each pair, not all 0",
        )
    return float(np.sqrt(np.average(np.log(a / b) ** 2, weights=w) / 2))
