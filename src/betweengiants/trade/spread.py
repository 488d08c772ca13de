"""Distributions of uncertain inputs, stated by a low, a central and a high value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.core.errors import DataError
from betweengiants.trade.arrays import Floats

Kind = Literal["lognormal", "triangular", "uniform"]
Z95 = 1.6448536269514722
"""95 percent quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Spread:
    """One uncertain number.

    Attributes:
        kind: what low and high mean.
            `lognormal`: 5 and 95 percent quantiles; centre is the median. The logarithm is normal on each side of the
            centre, with the spread that this side needs, so that all three are met.
            `triangular`: least and largest value; centre is the mode.
            `uniform`: least and largest value; centre is only where the central result is computed.
        low, centre, high: in this order; equal values make a constant.

    Raises:
        DataError: values out of order or not finite, an unknown kind, or a lognormal value that is not above 0.
    """

    kind: Kind
    low: float
    centre: float
    high: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise DataError(found=f"distribution '{self.kind}'", allowed=", ".join(get_args(Kind)))
        values = (self.low, self.centre, self.high)
        shown = ", ".join(f"{v:g}" for v in values)
        if not (np.isfinite(values).all() and self.low <= self.centre <= self.high):
            raise DataError(found=f"low, centre, high {shown}", allowed="finite numbers in rising order")
        if self.kind == "lognormal" and self.low <= 0:
            raise DataError(found=f"low, centre, high {shown}", allowed="numbers above 0 for a lognormal")

    @classmethod
    def constant(cls, value: float) -> Spread:
        """A number that is known."""
        return cls("uniform", value, value, value)

    @property
    def varies(self) -> bool:
        """Whether it is more than one number."""
        return self.low < self.high

    def quantile(self, probability: ArrayLike) -> Floats:
        """The value that is not exceeded with this probability (0 to 1, ends excluded for a lognormal)."""
        u = np.asarray(probability, dtype=np.float64)
        if not self.varies:
            return np.full(u.shape, self.centre)
        if self.kind == "uniform":
            return np.asarray(self.low + u * (self.high - self.low))
        if self.kind == "triangular":
            return self._triangular(u)
        from scipy.special import ndtri

        z = ndtri(u) / Z95
        up, down = np.log(self.high / self.centre), np.log(self.centre / self.low)
        return np.asarray(self.centre * np.exp(np.where(z > 0, up, down) * z))

    def _triangular(self, u: Floats) -> Floats:
        low, centre, high = self.low, self.centre, self.high
        width = high - low
        rising = low + np.sqrt(u * width * (centre - low))
        falling = high - np.sqrt((1 - u) * width * (high - centre))
        return np.asarray(np.where(u <= (centre - low) / width, rising, falling))
