"""One call for matrices of one sector and of several: the engine follows from the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from numpy.typing import ArrayLike

from betweengiants.trade.arrays import Imbalances
from betweengiants.trade.engine import solve
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.options import Horizon, one_theta
from betweengiants.trade.results import TradeResult
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_engine import solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import SectorResult


def solve_either(
    matrix: TradeMatrix | SectorMatrix,
    scenarios: Scenario | Sequence[Scenario],
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
    on_failure: Literal["raise", "mark"] = "raise",
) -> TradeResult | SectorResult:
    """Equilibrium in changes by `engine.solve` or `sector_engine.solve_sectors`, with their errors.

    Args:
        matrix: the baseline.
        scenarios: one or S scenarios.
        theta: one trade elasticity; with several sectors also (S,), one for each.
        imbalances: see `engine.solve`.
        horizon: see `sector_engine.solve_sectors`; with one sector the two are the same.
        on_failure: see `engine.solve`.
    """
    if isinstance(matrix, SectorMatrix):
        return solve_sectors(
            matrix, scenarios, theta, horizon=horizon, imbalances=imbalances, on_failure=on_failure
        )
    return solve(matrix, scenarios, one_theta(theta), imbalances=imbalances, on_failure=on_failure)
