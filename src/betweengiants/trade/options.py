"""What a solve is told, whatever the number of sectors: elasticities, the rule for imbalances, the horizon, the tolerance.

The checks are the same everywhere, and so are their messages.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.core.errors import DataError
from betweengiants.trade.arrays import Floats, Imbalances

Horizon = Literal["short", "long"]
"""`long`: factors move between sectors; `short`: each sector keeps its own."""
TOLERANCE = 1e-11
LOOSEST = 1e-10


def thetas(
    theta: ArrayLike, shape: tuple[int, ...], accepted: tuple[tuple[int, ...], ...], wanted: str
) -> Floats:
    """Elasticities in one shape.

    Args:
        theta: what was given.
        shape: what they are broadcast to.
        accepted: the shapes that may be given.
        wanted: these in words, for the message.

    Raises:
        DataError: another shape, or an elasticity that is not positive and finite.
    """
    values = np.asarray(theta, dtype=np.float64)
    if values.shape not in accepted or values.size == 0:
        raise DataError(found=f"elasticities of shape {values.shape}", allowed=wanted)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise DataError(found=f"elasticity {values[bad].flat[0]:g}", allowed="finite numbers above 0")
    return np.array(np.broadcast_to(values, shape))


def one_theta(theta: ArrayLike) -> float:
    """The elasticity of a model of one sector.

    Raises:
        DataError: several of them, or one that is not positive and finite.
    """
    return float(thetas(theta, (), ((),), "one elasticity"))


def require_scenarios(count: int) -> None:
    """Raise DataError if there is nothing to solve."""
    if count == 0:
        raise DataError(found="no scenario", allowed="one scenario or more")


def require_known(imbalances: str, horizon: str = "long") -> None:
    """Raise DataError for a rule or a horizon that does not exist."""
    if imbalances not in get_args(Imbalances):
        raise DataError(found=f"imbalances '{imbalances}'", allowed=", ".join(get_args(Imbalances)))
    if horizon not in get_args(Horizon):
        raise DataError(found=f"horizon '{horizon}'", allowed=", ".join(get_args(Horizon)))


def require_options(imbalances: str, horizon: str, tolerance: float, theta: Floats) -> None:
    """Check what a solver is told; `theta` has one row (or number) for each scenario.

    Raises:
        DataError: an unknown rule or horizon, a tolerance out of range, or several elasticities for one balanced world.
    """
    require_known(imbalances, horizon)
    if not 0 < tolerance <= LOOSEST:
        raise DataError(found=f"tolerance {tolerance:g}", allowed=f"numbers above 0 and at most {LOOSEST:g}")
    if imbalances == "balanced" and (theta != theta[0]).any():
        raise DataError(
            found="several elasticities with imbalances removed first",
            allowed="one elasticity a call" if theta.ndim == 1 else "one set of elasticities a call",
        )
