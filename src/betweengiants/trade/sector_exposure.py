"""First-order exposure with several sectors and inputs: `exposure` where countries buy inputs from each other.

After Kleinman, Liu & Redding (NBER 27587, 2020): the derivative of the exact model of `sector_engine.solve_sectors` when one
country becomes one percent more productive in all its sectors (its goods cost one percent less everywhere).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.trade.arrays import Floats, Imbalances
from betweengiants.trade.effects import PairEffects
from betweengiants.trade.faults import require_one_world
from betweengiants.trade.options import Horizon, require_known
from betweengiants.trade.sector_engine import balance_sectors, economy_of, sector_thetas
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_yardstick import linearise, responses


@dataclass(frozen=True, eq=False)
class SectorExposure(PairEffects):
    """Exposures of N countries (rows) to productivity shocks of N countries (columns) in all their sectors.

    Attributes:
        theta: (S,) trade elasticities.
        horizon: what the derivative is taken under.
    """

    theta: Floats
    horizon: Horizon


def sector_exposures(
    matrix: SectorMatrix,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "multiplicative",
    horizon: Horizon = "long",
) -> SectorExposure:
    """Income and welfare exposures of every country to every other.

    Args:
        matrix: the baseline.
        theta: one trade elasticity, or (S,), one for each sector.
        imbalances: as in `sector_engine.solve_sectors`; `balanced` removes imbalances first.
        horizon: `long` (mobile factors) or `short` (specific factors).

    Raises:
        DataError: a theta that is not positive and finite, an unknown rule or horizon.
        NoEquilibrium: the world falls into pieces that do not trade with one another; names the smallest piece.
    """
    require_known(imbalances, horizon)
    require_one_world(matrix.labels, matrix.flows.sum(axis=2))
    elasticity = sector_thetas(theta, matrix.sectors)
    if imbalances == "balanced":
        matrix = balance_sectors(matrix, elasticity, horizon=horizon)
    economy = economy_of(matrix)
    linear = linearise(economy, elasticity, imbalances, short=horizon == "short")
    count, size = economy.output.shape
    # One percent less for everything that i sells: buyers' prices fall by their share, sales rise by theta.
    cheaper = -np.swapaxes(economy.share, 1, 2).reshape(count * size, size)
    more = np.einsum("si,ij->sij", elasticity[:, None] * economy.output, np.eye(size)).reshape(-1, size)
    income, welfare = responses(linear, cheaper, more)
    return SectorExposure(matrix.labels, imbalances, income, welfare, elasticity, horizon)
