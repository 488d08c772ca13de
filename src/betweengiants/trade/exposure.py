"""First-order exposure of every country to every other: who gains and who loses when one of them becomes more productive.

After Kleinman, Liu & Redding (International friends and enemies, NBER 27587, 2020; American Economic Journal:
Macroeconomics 16(4), 2024, doi 10.1257/mac.20220223). One matrix inverse answers for all pairs at once. It is the
derivative of the exact model of `engine.solve` at the baseline: right for small shocks, misleading for large ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.trade.arrays import Economy, Floats, Imbalances
from betweengiants.trade.effects import PairEffects
from betweengiants.trade.engine import balance
from betweengiants.trade.faults import require_one_world
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.options import Horizon, one_theta, require_known
from betweengiants.trade.sector_exposure import SectorExposure, sector_exposures
from betweengiants.trade.sector_matrix import SectorMatrix


@dataclass(frozen=True)
class ExposureChecks:
    """How far the matrices are from what must hold exactly (largest absolute deviations).

    Attributes:
        income_rows: rows of W sum to 0 (productivity that rises everywhere moves no relative income).
        welfare_rows: rows of U sum to 1 (one percent more everywhere makes everybody one percent better off).
        world_income: q'W = 0 (world output is the unit of value).
        equations: the linear equations themselves, relative to their largest term.
    """

    income_rows: float
    welfare_rows: float
    world_income: float
    equations: float

    @property
    def largest(self) -> float:
        """The largest of them."""
        return max(self.income_rows, self.welfare_rows, self.world_income, self.equations)


@dataclass(frozen=True, eq=False)
class Exposure(PairEffects):
    """Exposures of N countries (rows n) to productivity shocks of N countries (columns i), with what they are made of.

    Attributes:
        theta: trade elasticity.
        S: (N, N) share of n's spending that goes to i; rows sum to 1.
        T: (N, N) share of i's sales that goes to n, as T[i, n]; rows sum to 1.
        output: (N,) q, shares of world output.
        checks: what must hold.
    """

    theta: float
    S: Floats
    T: Floats
    output: Floats
    checks: ExposureChecks


@overload
def exposures(
    matrix: TradeMatrix,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "multiplicative",
    horizon: Horizon = "long",
) -> Exposure: ...


@overload
def exposures(
    matrix: SectorMatrix,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "multiplicative",
    horizon: Horizon = "long",
) -> SectorExposure: ...


def exposures(
    matrix: TradeMatrix | SectorMatrix,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "multiplicative",
    horizon: Horizon = "long",
) -> Exposure | SectorExposure:
    """Income and welfare exposures of every country to every other.

    With several sectors see `sector_exposure.sector_exposures`. With one, let `S[n,i]` be the share of n's spending on i,
    `T[i,n]` the share of i's sales to n, `q` output shares, `Q = 1 q'`, `M = T S - I` and
    `V = (T R + theta T S)/(1 + theta) - Q`:

        W = -(theta/(1+theta)) (I - V)^(-1) M, minus q'W from every row        U = (R - S) W + S

    where R is the diagonal matrix of d log E / d log w: I under the multiplicative and the balanced rule (the published
    formula), `Y/E` under the additive one, in which only the earned part of spending moves with income. With trade
    imbalances q is not the left eigenvector of I - V under the multiplicative rule; W needs the subtraction, U does not.

    Args:
        matrix: the baseline, of one sector or of several.
        theta: trade elasticity (sigma - 1); with several sectors also (S,), one for each.
        imbalances: as in `engine.solve`; `balanced` removes imbalances first.
        horizon: as in `sector_engine.solve_sectors`; with one sector the two are the same.

    Raises:
        DataError: a theta that is not positive and finite, an unknown rule or horizon.
        NoEquilibrium: the world falls into pieces that do not trade with one another (relative incomes between them
            are not determined); names the smallest piece.
        NotConverged: imbalances could not be removed (`balanced` only).
    """
    if isinstance(matrix, SectorMatrix):
        return sector_exposures(matrix, theta, imbalances=imbalances, horizon=horizon)
    number = one_theta(theta)
    require_known(imbalances, horizon)
    require_one_world(matrix.labels, matrix.flows)
    return _one_sector(balance(matrix, number) if imbalances == "balanced" else matrix, number, imbalances)


def _one_sector(matrix: TradeMatrix, theta: float, imbalances: Imbalances) -> Exposure:
    economy = Economy.from_flows(matrix.flows)
    output, spending = economy.output, economy.spending
    s = np.ascontiguousarray(economy.share.T)
    t = economy.share * spending / output[:, None]
    follows = output / spending if imbalances == "additive" else np.ones_like(output)
    ts = t @ s
    eye = np.eye(output.size)
    left = eye - (t * follows + theta * ts) / (1 + theta) + output
    right = -(theta / (1 + theta)) * (ts - eye)
    w: Floats = np.asarray(np.linalg.solve(left, right), dtype=np.float64)
    residual = np.abs(left @ w - right).max() / max(1.0, np.abs(right).max())
    w = w - output @ w
    u = follows[:, None] * w - s @ w + s
    checks = ExposureChecks(
        income_rows=float(np.abs(w.sum(axis=1)).max()),
        welfare_rows=float(np.abs(u.sum(axis=1) - 1).max()),
        world_income=float(np.abs(output @ w).max()),
        equations=float(residual),
    )
    return Exposure(
        labels=matrix.labels,
        imbalances=imbalances,
        W=w,
        U=u,
        theta=theta,
        S=s,
        T=t,
        output=output,
        checks=checks,
    )
