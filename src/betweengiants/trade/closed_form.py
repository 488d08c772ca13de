"""Losses that need no solver: yardsticks beside the equilibrium result."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betweengiants.trade.matrix import TradeMatrix


def autarky_loss(matrix: TradeMatrix, theta: float) -> NDArray[np.float64]:
    """(N,) share of welfare that each country loses when cut off from all others: `1 - pi_jj^(1/theta)`.

    One sector, balanced trade (Arkolakis, Costinot & Rodriguez-Clare 2012, doi 10.1257/aer.102.1.94, eq. 1).
    """
    loss: NDArray[np.float64] = -np.expm1(np.log(matrix.home_shares) / _positive(theta, "theta"))
    return loss


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
