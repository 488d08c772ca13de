"""What a solved set of scenarios on several sectors says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.errors import NoEquilibrium
from betweengiants.trade.arrays import Floats
from betweengiants.trade.options import Horizon as Horizon
from betweengiants.trade.results import Solved
from betweengiants.trade.sector_matrix import SectorMatrix


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
class SectorResult(Solved[SectorMatrix]):
    """Solved scenarios on N countries and S sectors: see `Solved`, whose scenarios are called B here.

    Attributes:
        theta: (B, S).
        horizon: `long` (mobile factors) or `short` (factors specific to their sectors).
        factor_price: (B, N, S) relative to the baseline; 0 for a specific factor whose goods nobody buys any more.
        unit_cost: (B, N, S) cost of production relative to the baseline.
        sector_price: (B, N, S) price index of purchases relative to the baseline.
        output: (B, N, S) nominal, in the matrix's unit.
        absorption: (B, N, S) the same.

    Raises:
        ValueError: as `Solved`.
    """

    horizon: Horizon
    factor_price: Floats
    unit_cost: Floats
    sector_price: Floats
    output: Floats
    absorption: Floats

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
