"""A number with the range it lies in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A central value between two bounds, all in one unit.

    Raises:
        ValueError: the centre lies outside the bounds, or a number is not finite.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"not finite: {self.value}, {self.low}, {self.high}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is outside {self.low} to {self.high}")

    @classmethod
    def spanning(cls, value: float, others: Iterable[float]) -> Interval:
        """The smallest interval that holds the centre and all other values.

        Raises:
            ValueError: a number is not finite.
        """
        everything = [value, *others]
        if not all(map(math.isfinite, everything)):  # min and max pass over nan
            raise ValueError(f"not finite: {everything}")
        return cls(value, min(everything), max(everything))

    def scaled(self, factor: float) -> Interval:
        """The same interval in another unit."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Interval(self.value * factor, low, high)
