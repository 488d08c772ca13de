"""Losses that need no solver: yardsticks beside the equilibrium result."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betweengiants.core.errors import DataError, summary
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon


def autarky_loss(matrix: TradeMatrix, theta: float) -> NDArray[np.float64]:
    """(N,) share of welfare that each country loses when cut off from all others: `1 - pi_jj^(1/theta)`.

    One sector, balanced trade (Arkolakis, Costinot & Rodriguez-Clare 2012, doi 10.1257/aer.102.1.94, eq. 1).
    """
    loss: NDArray[np.float64] = -np.expm1(np.log(matrix.home_shares) / _positive(theta, "theta"))
    return loss


def sector_autarky_loss(
    matrix: SectorMatrix, theta: ArrayLike, horizon: Horizon = "long"
) -> NDArray[np.float64]:
    """(N,) share of real income that each country loses when cut off from all others, with sectors and inputs.

    Long run (Costinot & Rodriguez-Clare 2014, doi 10.1016/B978-0-444-54314-1.00004-5), with L the Leontief
    inverse of the input shares: `1 - prod_s prod_k pi_jj[k]^(alpha[s] L[s,k] / theta[k])`. Short run: autarky output
    `R = L' alpha I` sets the price of each specific factor, `w[s] = R[s] / Y[s]`, and costs follow from
    `ln c = L (va ln w - gamma ln(pi_jj) / theta)`. Both are relative to balanced trade.

    Raises:
        DataError: a country that buys a sector and does not produce it: that loss is infinite; names both.
    """
    va, gamma = matrix.cost_shares
    elasticity = np.broadcast_to(np.asarray(theta, dtype=np.float64), (len(matrix.sectors),))
    bad = (matrix.absorption > 0) & ~(matrix.home_shares > 0)
    if bad.any():
        named = [f"{matrix.labels[j]} ({matrix.sectors[k]})" for j, k in np.argwhere(bad)]
        raise DataError(
            file=matrix.name,
            found=f"no domestic sales for {summary(named)}",
            allowed="some, to live on alone",
        )
    used = matrix.absorption > 0
    dear = -np.log(np.where(used, matrix.home_shares, 1.0)) / elasticity
    alpha = matrix.final_spending / matrix.final_spending.sum(axis=1, keepdims=True)
    change = np.zeros(len(matrix.labels))
    for j, weights in enumerate(alpha):
        inputs = gamma[j].T
        inverse = np.linalg.inv(np.eye(weights.size) - inputs)
        factor = np.zeros(weights.size)
        if horizon == "short":
            made = inverse.T @ weights * matrix.value_added[j]
            active = (made > 0) & (matrix.output[j] > 0)
            factor[active] = np.log(made[active] / matrix.output[j][active])
        cost = inverse @ (va[j] * factor + inputs @ dear[j])
        change[j] = -weights @ (cost + dear[j])
    return np.asarray(-np.expm1(change))


def import_loss(omega: ArrayLike, beta: ArrayLike, sigma: float) -> NDArray[np.float64]:
    """Log loss from losing suppliers with the share `omega` of spending in a bundle: `-(beta/(sigma-1)) ln(1-omega)`.

    After Clayton, Maggiori & Schreger ("A framework for geoeconomics"). Only lost purchases count, at given wages.

    Args:
        omega: share of the bundle's spending that goes to the lost suppliers, 0 to 1 (1 gives infinity).
        beta: weight of the bundle in all spending, 0 to 1.
        sigma: elasticity of substitution within the bundle, above 1.
    """
    share, weight = np.asarray(omega, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError("omega must be from 0 to 1")
    if not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError("beta must be from 0 to 1")
    with np.errstate(divide="ignore"):
        lost = -np.log1p(-share)
    scale = weight / _positive(sigma - 1, "sigma - 1")
    # A bundle without weight costs nothing, however much of it is lost (zero times infinity has no value).
    loss: NDArray[np.float64] = np.where(scale > 0, scale, 0.0) * np.where(scale > 0, lost, 0.0)
    return loss


def _positive(value: float, name: str) -> float:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be above 0 and finite, not {value}")
    return value
