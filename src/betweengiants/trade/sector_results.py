"""What a solved set of scenarios on several sectors says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import BetweenGiantsError, NoEquilibrium
from betweengiants.trade.results import ADDING_UP, CapOutcome
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_matrix import SectorMatrix

Floats = NDArray[np.float64]
Horizon = Literal["short", "long"]
CHANGES = ("welfare", "income", "price", "exports", "imports")


class Rationed(NoEquilibrium):
    """A scenario that leaves a country without any supplier of a sector that it needs, for final use or as an input.

    Under constant elasticities that loss is infinite, or the production that needs the input stops.

    Attributes:
        needs: (country, sector) pairs.
    """

    def __init__(self, scenario: str, needs: Sequence[tuple[str, str]]) -> None:
        self.needs = tuple(needs)
        named = [f"{country}: {sector}" for country, sector in needs]
        super().__init__(scenario, "no supplier is left of a sector that is needed", states=named)
        self.states = tuple(dict.fromkeys(country for country, _ in needs))


@dataclass(frozen=True, eq=False)
class SectorResult:
    """B solved scenarios on N countries and S sectors; changes are fractions of the baseline.

    Attributes:
        scenarios: what was solved.
        matrix: the baseline that changes refer to (after the removal of imbalances, if they were removed).
        theta: (B, S) trade elasticities.
        horizon: `long` (mobile factors) or `short` (factors specific to their sectors).
        welfare_change: (B, N) real national spending; of a country left without any trade: real income.
        income_change: (B, N) nominal factor income, world income held fixed.
        price_change: (B, N) consumer price index, in the same unit.
        exports_change, imports_change: (B, N) value of sales and purchases abroad.
        spending: (B, N) nominal final spending after the change, in the matrix's unit.
        isolated: (B, N) countries that trade with nobody after the change.
        factor_price: (B, N, S) relative to the baseline; 0 for a specific factor whose goods nobody buys any more.
        unit_cost, sector_price: (B, N, S) cost of production and price index of purchases, relative to the baseline.
        output, absorption: (B, N, S) nominal, in the matrix's unit.
        residual: (B,) largest excess demand of a country and sector relative to its output.
        iterations: (B,) Newton steps.
        problems: (B,) the error of a scenario that has no solution (its numbers are not-a-number), else None.
        caps: (B,) what the caps of each scenario did.

    Raises:
        ValueError: a solved number is not finite, or world exports and imports differ.
    """

    scenarios: tuple[Scenario, ...]
    matrix: SectorMatrix
    theta: Floats
    horizon: Horizon
    welfare_change: Floats
    income_change: Floats
    price_change: Floats
    exports_change: Floats
    imports_change: Floats
    spending: Floats
    isolated: NDArray[np.bool_]
    factor_price: Floats
    unit_cost: Floats
    sector_price: Floats
    output: Floats
    absorption: Floats
    residual: Floats
    iterations: NDArray[np.int64]
    problems: tuple[BetweenGiantsError | None, ...]
    caps: tuple[tuple[CapOutcome, ...], ...]

    def __post_init__(self) -> None:
        solved = np.array([problem is None for problem in self.problems], dtype=np.bool_)
        shape = (len(self.scenarios), len(self.matrix.labels))
        for name in CHANGES:
            values = getattr(self, f"{name}_change")
            if values.shape != shape:
                raise ValueError(f"{name}_change has shape {values.shape}, not {shape}")
            if not np.isfinite(values[solved]).all():
                raise ValueError(f"{name}_change of a solved scenario is not finite")
        flows = self.matrix.flows.sum(axis=2)
        exports = (1 + self.exports_change) @ (flows.sum(axis=1) - flows.diagonal())
        imports = (1 + self.imports_change) @ (flows.sum(axis=0) - flows.diagonal())
        if not (np.abs(exports - imports)[solved] <= ADDING_UP * flows.sum()).all():
            raise ValueError("world exports and world imports differ")

    @property
    def labels(self) -> tuple[str, ...]:
        """The N countries."""
        return self.matrix.labels

    def frame(self, s: int = 0) -> pl.DataFrame:
        """Scenario s by country, changes in percent."""
        changes = {f"{name}_change_pct": 100 * getattr(self, f"{name}_change")[s] for name in CHANGES}
        return pl.DataFrame({"country": self.labels} | changes)

    def by_sector(self, s: int = 0) -> pl.DataFrame:
        """Scenario s by country and sector: output before and after, and changes of prices in percent."""
        size, count = len(self.labels), len(self.matrix.sectors)
        return pl.DataFrame(
            {
                "country": [label for label in self.labels for _ in range(count)],
                "sector": list(self.matrix.sectors) * size,
                "output_before": self.matrix.output.ravel(),
                "output_after": self.output[s].ravel(),
                "factor_price_change_pct": 100 * (self.factor_price[s] - 1).ravel(),
                "unit_cost_change_pct": 100 * (self.unit_cost[s] - 1).ravel(),
                "sector_price_change_pct": 100 * (self.sector_price[s] - 1).ravel(),
            }
        )

    def flows_after(self, s: int = 0) -> Floats:
        """(N, N, S) flows of scenario s in the matrix's unit, [exporter, importer, sector].

        Under the multiplicative rule all flows carry one common factor, as in the model of one sector.
        """
        flows, theta = self.matrix.flows, self.theta[s]
        absorbed = self.matrix.absorption
        factor = np.ones_like(flows)
        for cell in self.scenarios[s].cells:
            sectors = slice(None) if cell.sector is None else self.matrix.sector_index(cell.sector)
            factor[self.matrix.index(cell.exporter), self.matrix.index(cell.importer), sectors] = (
                cell.cost_factor
            )
        for cap in self.caps[s]:
            at = self.matrix.index(cap.exporter), self.matrix.index(cap.importer)
            factor[(*at, self.matrix.sector_index(str(cap.sector)))] *= cap.extra_factor
        relative = factor * self.unit_cost[s][:, None, :] / self.sector_price[s]
        share = np.where(flows > 0, flows / np.where(absorbed > 0, absorbed, 1.0), 0.0)
        power = np.where(flows > 0, relative, 1.0) ** -theta
        after: Floats = share * power * self.absorption[s]
        return after

    def bilateral(self, s: int = 0) -> pl.DataFrame:
        """All N x N x S flows of scenario s: exporter, importer, sector, value_before, value_after."""
        size, count = len(self.labels), len(self.matrix.sectors)
        return pl.DataFrame(
            {
                "exporter": [label for label in self.labels for _ in range(size * count)],
                "importer": [label for label in self.labels for _ in range(count)] * size,
                "sector": list(self.matrix.sectors) * (size * size),
                "value_before": self.matrix.flows.ravel(),
                "value_after": self.flows_after(s).ravel(),
            }
        )
