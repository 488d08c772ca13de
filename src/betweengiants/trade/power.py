"""Closed-form power: what a state would lose if suppliers that a power controls left, at given wages and prices.

After Clayton, Maggiori & Schreger (A framework for geoeconomics; A theory of economic coercion and fragmentation). An
outer CES of elasticity rho over bundles J with weights Omega[J], inner CES of elasticity sigma[J] > 1 over suppliers, and
the power controlling the share omega[J] of spending on bundle J:

    l[J]  = -ln(1 - omega[J]) / (sigma[J] - 1)
    Power = ln( sum_J Omega[J] exp((1 - rho) l[J]) ) / (1 - rho)        rho -> 1: sum_J Omega[J] l[J]

the log rise of the price of spending (equal to the log loss of real spending). Only lost purchases count: lost sales and
everybody's adjustment are in the equilibrium result, which can be larger or smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.trade.arrays import Floats, Imbalances
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon
from betweengiants.trade.sweeps import MOST_POWERS, leverage

ADDING_UP = 1e-9
"""Weights, and the shares of a coalition, may add up to 1 plus this."""
WHOLE = 1e-12
"""Weights that miss 1 by less than this miss it by rounding."""


class InelasticBundle(DataError):
    """An inner elasticity of one or less: losing a supplier then has no finite closed-form loss."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma
        super().__init__(
            found=f"an elasticity within a bundle of {sigma:g}",
            allowed="above 1 (put a lower elasticity in the outer nest, and ration within the bundle)",
        )


def closed_form_power(weights: ArrayLike, omega: ArrayLike, sigma: ArrayLike, rho: ArrayLike = 1.0) -> Floats:
    """Log loss of real spending, for any number of cases at once.

    Args:
        weights: (..., J) Omega, budget shares of the bundles; they add up to at most 1, and what is missing is
            spending that the power does not touch.
        omega: (..., J) share of spending on each bundle that the power controls, 0 to 1.
        sigma: (..., J) elasticity within each bundle, above 1.
        rho: (...) elasticity between bundles, 0 (no substitution) or more; 1 is Cobb-Douglas.

    Returns:
        (...) log losses, at least 0; infinite where a bundle with weight is lost whole and rho <= 1, or where
        nothing else is left to buy.

    Raises:
        InelasticBundle: a sigma of 1 or less.
        DataError: a share outside 0 to 1, weights that add up to more than 1, or a rho below 0.
    """
    weight, share, inner, outer = _nest(weights, omega, sigma, rho)
    gap = 1 - outer
    with np.errstate(divide="ignore"):
        lost = -np.log1p(-share) / (inner - 1)
    # A bundle without weight costs nothing however much of it is lost (zero times infinity has no value).
    lost = np.where(weight > 0, lost, 0.0)
    endless = np.isinf(lost).any(axis=-1) & (outer < 1)
    with np.errstate(invalid="ignore"):
        exponent = np.where((gap == 0)[..., None] | endless[..., None], 0.0, gap[..., None] * lost)
    nested = _log_mean_exp(weight, exponent) / np.where(gap == 0, 1.0, gap)
    with np.errstate(invalid="ignore"):
        mean = (weight * lost).sum(axis=-1)
    # Adding 0.0 turns a negative zero into zero.
    return np.asarray(np.where(gap == 0, mean, np.where(endless, np.inf, nested)) + 0.0)


def _log_mean_exp(weight: Floats, exponent: Floats) -> Floats:
    """(...) ln( sum W exp(e) + rest ), rest being 1 less the weights; without loss of digits near 0 and far from it."""
    rest = 1 - weight.sum(axis=-1)
    rest = np.where(rest > WHOLE, rest, 0.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inside = (weight * np.expm1(np.minimum(exponent, 1.0))).sum(axis=-1)
        small = (np.abs(exponent).max(axis=-1) < 1) & (inside > -0.5)
        top = np.where(weight > 0, exponent, -np.inf).max(axis=-1, initial=-np.inf)
        top = np.where(rest > 0, np.maximum(top, 0.0), top)
        shift = np.where(np.isfinite(top), top, 0.0)
        total = (weight * np.exp(exponent - shift[..., None])).sum(axis=-1)
        total = total + np.where(rest > 0, rest * np.exp(-shift), 0.0)
        return np.asarray(np.where(small, np.log1p(np.where(small, inside, 0.0)), shift + np.log(total)))


def diversification_value(
    weights: ArrayLike, omega: ArrayLike, sigma: ArrayLike, rho: ArrayLike = 1.0
) -> Floats:
    """Fall of the log loss for each bundle when a little less of it is controlled: d Power / d omega[J].

        Omega[J] / (sigma[J] - 1)  *  (1 - omega[J])^(-k)  *  exp(-(1 - rho) Power),     k = (sigma[J] - rho)/(sigma[J] - 1)

    At rho = 1 this is `Omega[J] / ((sigma[J] - 1) (1 - omega[J]))`: it explodes near full control, so that the first
    alternative supplier is worth most. Arguments and errors are those of `closed_form_power`.

    Returns:
        (..., J), at least 0; infinite where omega is 1 and rho < sigma.
    """
    weight, share, inner, outer = _nest(weights, omega, sigma, rho)
    gap = 1 - outer
    total = closed_form_power(weight, share, inner, outer)
    k = (inner - outer[..., None]) / (inner - 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponent = np.where(k == 0, 0.0, -k * np.log1p(-share))
        exponent = exponent - np.where(gap == 0, 0.0, gap * total)[..., None]
        # Both terms are infinite where the bundle that is lost whole is all that counts: the slope is, too.
        exponent = np.where(np.isnan(exponent), np.inf, exponent)
        value = weight / (inner - 1) * np.exp(exponent)
    return np.asarray(np.where(weight > 0, value, 0.0))


def coalition_losses(
    powers: Sequence[str], weights: ArrayLike, omega: ArrayLike, sigma: ArrayLike, rho: float = 1.0
) -> dict[frozenset[str], float]:
    """Log loss under every non-empty coalition of powers; what they control adds up within each bundle.

    Args:
        powers: P names, at most 12.
        weights: (J,) Omega.
        omega: (P, J) shares controlled by each power; each column adds up to at most 1.
        sigma: (J,) or one number.
        rho: elasticity between bundles.

    Raises:
        DataError: too many or repeated powers, or shares of a bundle that add up to more than 1.
        InelasticBundle: a sigma of 1 or less.
    """
    names, share = tuple(powers), np.asarray(omega, dtype=np.float64)
    if len(set(names)) != len(names) or not 0 < len(names) <= MOST_POWERS:
        raise DataError(found=f"{len(names)} powers", allowed=f"1 to {MOST_POWERS} different names")
    if share.ndim != 2 or share.shape[0] != len(names):
        raise DataError(found=f"shares of shape {share.shape}", allowed=f"({len(names)}, bundles)")
    if (share.sum(axis=0) > 1 + ADDING_UP).any():
        raise DataError(
            found=f"powers that control {share.sum(axis=0).max():g} of one bundle", allowed="at most 1"
        )
    sets = [c for size in range(1, len(names) + 1) for c in combinations(range(len(names)), size)]
    together = np.minimum(np.array([share[list(c)].sum(axis=0) for c in sets]), 1.0)
    losses = closed_form_power(np.asarray(weights, dtype=np.float64), together, sigma, rho)
    return {frozenset(names[k] for k in c): float(loss) for c, loss in zip(sets, losses, strict=True)}


@dataclass(frozen=True, eq=False)
class PowerTable:
    """Closed-form power of each power over each focal state, beside the equilibrium result.

    Attributes:
        focal, power: (P,) the pairs.
        theta: (S,) elasticities of trade, one a sector.
        rho: elasticity between imports and home goods.
        share_of_spending: (P,) what the focal state buys from the power, share of all it spends.
        share_of_imports: (P,) the same, share of its imports; not-a-number where it imports nothing.
        log_loss: (P,) closed form.
        equilibrium_loss: (P,) fraction of real spending lost under severance both ways (not-a-number: no solution).
        problems: (P,) why a pair has no equilibrium loss, else None.
    """

    focal: tuple[str, ...]
    power: tuple[str, ...]
    theta: Floats
    rho: float
    share_of_spending: Floats
    share_of_imports: Floats
    log_loss: Floats
    equilibrium_loss: Floats
    problems: tuple[BetweenGiantsError | None, ...]

    def frame(self) -> pl.DataFrame:
        """focal, power, share_of_spending, share_of_imports, closed_form_loss_pct, equilibrium_loss_pct.

        Both losses are percent of real spending: the closed form is shown as `100 (1 - exp(-log loss))`.
        """
        return pl.DataFrame(
            {
                "focal": self.focal,
                "power": self.power,
                "share_of_spending": self.share_of_spending,
                "share_of_imports": self.share_of_imports,
                "closed_form_loss_pct": -100 * np.expm1(-self.log_loss),
                "equilibrium_loss_pct": 100 * self.equilibrium_loss,
            }
        ).fill_nan(None)


def power_table(
    matrix: TradeMatrix | SectorMatrix,
    powers: Sequence[str],
    focal: Sequence[str] | None = None,
    theta: ArrayLike = 4.0,
    rho: float = 1.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> PowerTable:
    """Closed form and equilibrium for every focal state and power of a matrix.

    One bundle a sector (with one sector: one bundle, all imports). Its weight is the share of the sector's imports in what
    the focal state absorbs, omega the power's share of those imports, sigma = 1 + theta. The rest is home goods, which no
    power touches. `rho = 1` holds the budget shares; with one sector `rho = 1 + theta` is the nest of the equilibrium model,
    in which home goods replace imports as easily as other imports do: the loss is then `-ln(1 - share of spending)/theta`,
    what the model gives at fixed wages. Inputs that make home goods dearer are not in the closed form.

    Args:
        matrix: the baseline, of one sector or of several.
        powers: labels of the powers.
        focal: labels of the focal states (default: all countries).
        theta: trade elasticity; with several sectors also (S,), one for each.
        rho: elasticity between bundles and home goods.
        imbalances: of the equilibrium.
        horizon: of the equilibrium.

    Raises:
        UnknownLabel, DataError, NoEquilibrium, NotConverged: see `sweeps.leverage` and `closed_form_power`.
    """
    solved = leverage(matrix, powers, focal, theta, imbalances=imbalances, horizon=horizon)
    flows = matrix.flows if isinstance(matrix, SectorMatrix) else matrix.flows[:, :, None]
    elasticity = np.broadcast_to(np.asarray(theta, dtype=np.float64), flows.shape[2:])
    seller = [matrix.index(p) for p in solved.power]
    buyer = [matrix.index(f) for f in solved.focal]
    absorbed = flows.sum(axis=0)[buyer]
    imports = absorbed - np.einsum("jjs->js", flows)[buyer]
    bought = flows[seller, buyer]
    none = imports <= 0
    share = np.clip(np.where(none, 0.0, bought / np.where(none, 1.0, imports)), 0.0, 1.0)
    spending, total = absorbed.sum(axis=1), imports.sum(axis=1)
    loss = closed_form_power(imports / spending[:, None], share, 1 + elasticity, rho)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_imports = np.where(total > 0, bought.sum(axis=1) / total, np.nan)
    return PowerTable(
        solved.focal,
        solved.power,
        elasticity,
        float(rho),
        bought.sum(axis=1) / spending,
        of_imports,
        loss,
        -solved.welfare_change,
        solved.problems,
    )


def _nest(
    weights: ArrayLike, omega: ArrayLike, sigma: ArrayLike, rho: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Checked arrays of one shape: (..., J) three times and (...) for rho."""
    weight, share, inner = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (weights, omega, sigma))
    outer = np.asarray(rho, dtype=np.float64)
    bad = ~(inner > 1) | np.isinf(inner)
    if bad.any():
        raise InelasticBundle(float(inner[bad].flat[0]))
    if not ((share >= 0) & (share <= 1)).all():
        raise DataError(found="a controlled share outside 0 to 1", allowed="shares from 0 to 1")
    if not (weight >= 0).all() or (weight.sum(axis=-1) > 1 + ADDING_UP).any():
        raise DataError(
            found="weights of bundles below 0 or above 1 together",
            allowed="shares that add up to at most 1",
        )
    if not ((outer >= 0) & np.isfinite(outer)).all():
        raise DataError(found="an elasticity between bundles below 0", allowed="finite numbers of at least 0")
    weight, share, inner = np.broadcast_arrays(weight, share, inner)
    cases = np.broadcast_shapes(weight.shape[:-1], outer.shape)
    full = (*cases, weight.shape[-1])
    weight, share, inner = (np.broadcast_to(v, full) for v in (weight, share, inner))
    return weight, share, inner, np.broadcast_to(outer, cases)
