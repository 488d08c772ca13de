"""What a solved set of scenarios says, country by country and flow by flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import BetweenGiantsError
from betweengiants.trade.arrays import Floats
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_matrix import SectorMatrix

M = TypeVar("M", TradeMatrix, SectorMatrix)
CHANGES = ("welfare", "income", "price", "exports", "imports")
ADDING_UP = 1e-8
"""World exports and world imports, computed by different sums, may differ by this share of all flows."""


class CapOutcome(NamedTuple):
    """What a quantity cap did.

    Attributes:
        exporter, importer, sector: the flow.
        quantity_cap: share of the baseline quantity that can still be delivered.
        extra_factor: the extra iceberg factor that meets the cap; 1 where it does not bind.
        delivered: delivered quantity over its baseline, (value after / value before) / (cost of the exporter's unit times
            all cost factors).
    """

    exporter: str
    importer: str
    sector: str | None
    quantity_cap: float
    extra_factor: float
    delivered: float


@dataclass(frozen=True, eq=False)
class Solved(Generic[M]):
    """S solved scenarios on N countries; changes are fractions of the baseline (-0.02 is a loss of two percent).

    Attributes:
        scenarios: what was solved.
        matrix: the baseline that changes refer to (after the removal of imbalances, if they were removed).
        theta: trade elasticities, one or one for each sector in every scenario.
        welfare_change: (S, N) real national spending; of a country left without any trade: real income.
        income_change: (S, N) nominal factor income, world income held fixed.
        price_change: (S, N) consumer price index, in the same unit.
        exports_change: (S, N) value of sales abroad.
        imports_change: (S, N) value of purchases abroad.
        spending: (S, N) nominal final spending after the change, in the matrix's unit.
        isolated: (S, N) countries that trade with nobody after the change; their nominal values have a unit of
            their own (their factor income keeps its baseline value).
        residual: (S,) largest excess demand relative to income or output.
        iterations: (S,) iterations made.
        problems: (S,) the error of a scenario that has no solution (its numbers are not-a-number), else None.
        caps: (S,) what the quantity caps of each scenario did.

    Raises:
        ValueError: shapes do not fit, a solved number is not finite, or world exports and imports differ.
    """

    scenarios: tuple[Scenario, ...]
    matrix: M
    theta: Floats
    welfare_change: Floats
    income_change: Floats
    price_change: Floats
    exports_change: Floats
    imports_change: Floats
    spending: Floats
    isolated: NDArray[np.bool_]
    residual: Floats
    iterations: NDArray[np.int64]
    problems: tuple[BetweenGiantsError | None, ...]
    caps: tuple[tuple[CapOutcome, ...], ...]

    def __post_init__(self) -> None:
        shape = (len(self.scenarios), len(self.labels))
        solved = np.array([problem is None for problem in self.problems], dtype=np.bool_)
        for name, values in self._changes().items():
            if values.shape != shape:
                raise ValueError(f"{name}_change has shape {values.shape}, not {shape}")
            if not np.isfinite(values[solved]).all():
                raise ValueError(f"{name}_change of a solved scenario is not finite")
        flows = self.matrix.flows.reshape(shape[1], shape[1], -1).sum(axis=2)
        exports = (1 + self.exports_change) @ (flows.sum(axis=1) - flows.diagonal())
        imports = (1 + self.imports_change) @ (flows.sum(axis=0) - flows.diagonal())
        if not (np.abs(exports - imports)[solved] <= ADDING_UP * flows.sum()).all():
            raise ValueError("world exports and world imports differ")

    def _changes(self) -> dict[str, Floats]:
        return {name: getattr(self, f"{name}_change") for name in CHANGES}

    @property
    def labels(self) -> tuple[str, ...]:
        """The N countries."""
        return self.matrix.labels

    def frame(self, s: int = 0) -> pl.DataFrame:
        """Scenario s by country, changes in percent."""
        changes = {f"{name}_change_pct": 100 * values[s] for name, values in self._changes().items()}
        return pl.DataFrame({"country": self.labels} | changes)


@dataclass(frozen=True, eq=False)
class TradeResult(Solved[TradeMatrix]):
    """Solved scenarios on a matrix of one sector: see `Solved`; theta is (S,)."""

    def flows_after(self, s: int = 0) -> Floats:
        """(N, N) flows of scenario s in the matrix's unit, [exporter, importer], domestic sales on the diagonal.

        Under the multiplicative rule spending follows income country by country, so that sales exceed or miss
        income by one factor that is common to all countries.
        """
        wage, price, theta = 1 + self.income_change[s], 1 + self.price_change[s], self.theta[s]
        flows = self.matrix.flows
        factor = np.ones_like(flows)
        for cell in self.scenarios[s].cells:
            at = self.matrix.index(cell.exporter), self.matrix.index(cell.importer)
            factor[at] = cell.cost_factor**-theta
        for cap in self.caps[s]:
            factor[self.matrix.index(cap.exporter), self.matrix.index(cap.importer)] *= (
                cap.extra_factor**-theta
            )
        shares = flows / flows.sum(axis=0) * factor * (wage[:, None] / price) ** -theta
        alone = np.flatnonzero(self.isolated[s])
        shares[alone, :] = shares[:, alone] = 0.0
        shares[alone, alone] = 1.0
        after: Floats = shares * self.spending[s]
        return after

    def bilateral(self, s: int = 0) -> pl.DataFrame:
        """All N x N flows of scenario s: exporter, importer, value_before, value_after."""
        size = len(self.labels)
        return pl.DataFrame(
            {
                "exporter": np.repeat(np.array(self.labels, dtype=object), size).tolist(),
                "importer": list(self.labels) * size,
                "value_before": self.matrix.flows.ravel(),
                "value_after": self.flows_after(s).ravel(),
            }
        )
