"""Drift and turning points of a yearly series, for few years and for years that are missing.

Drift is the median of the slopes between all pairs of years (Theil 1950; Sen 1968), with Sen's interval: slopes at the ranks
that Kendall's variance gives, ties counted, the variance widened by (1 + r)/(1 - r) where the residuals of neighbouring years
are correlated with r > 0 (after Bayley & Hammersley 1946). The standard error is half the interval over 1.96. Kendall's tau
tells how steadily it went.

A turning point is a year from which level, slope or both differ: the largest F over all years that leave four observations on
each side (sup-F, Andrews 1993; Bai & Perron 1998), beside a straight line. Critical values of the literature are for long
series, so the p-value is a Monte Carlo test (Dufour 2006): the same statistic of 1999 straight lines with Gaussian errors on
the same years. It does not depend on the line or the size of the errors, so that the level is exact for independent errors.
Errors may follow each other: the autocorrelation of the draws is the least of 0, 0.1, ..., 0.9 whose draws show a median at
least as large as the series does after its own break. Each side of a turning point is searched again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betweengiants.core.errors import DataError

Floats = NDArray[np.float64]
MIN_DRIFT = 5
"""Fewer years have no interval: no pair of ranks reaches 95 percent."""
MIN_SIDE = 4
"""Two observations more than the two coefficients of a side."""
MIN_YEARS = 3 * MIN_SIDE
DRAWS = 1999
LEVEL = 0.05
Z95 = 1.959963984540054
CORRELATIONS = tuple(k / 10 for k in range(10))
SEED = 20
EXACT = 1e-20
"""Part of the sum of squares below which a straight line fits up to rounding."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The slope of a series.

    Attributes:
        slope: change a year.
        se: standard error of the slope.
        low, high: 95 percent interval.
        tau: Kendall's tau, -1 to 1: pairs of years that rose less those that fell, over all pairs.
        years: how many years went in.
    """

    slope: float
    se: float
    low: float
    high: float
    tau: float
    years: int

    @property
    def is_drift(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """A year from which a series runs differently.

    Attributes:
        year: the first year of the new run.
        jump: what the new line is above the old one in that year.
        slope_before, slope_after: change a year on either side.
        f: the statistic; p: its p-value.
        correlation: autocorrelation of the draws that the p-value rests on.
    """

    year: int
    jump: float
    slope_before: float
    slope_after: float
    f: float
    p: float
    correlation: float


def drift(years: Sequence[int], values: ArrayLike) -> Drift | None:
    """Theil-Sen slope with Sen's interval; None for fewer than five years.

    Args:
        years: (T,) calendar years, rising; some may be missing.
        values: (T,) finite numbers.

    Raises:
        DataError: years that do not rise, numbers that are not finite, or different lengths.
    """
    t, y = _series(years, values)
    n = t.size
    if n < MIN_DRIFT:
        return None
    first, second = np.triu_indices(n, k=1)
    rises = y[second] - y[first]
    slopes = np.sort(rises / (t[second] - t[first]))
    slope = float(np.median(slopes))
    spread = Z95 * math.sqrt(_kendall_variance(y) * _widening(t, y, slope))
    below = math.floor((slopes.size - spread) / 2)
    low, high = float(slopes[max(below - 1, 0)]), float(slopes[min(slopes.size - below, slopes.size - 1)])
    tau = float(np.sign(rises).sum()) / slopes.size
    return Drift(slope, (high - low) / (2 * Z95), low, high, tau, n)


def turning_points(
    years: Sequence[int], values: ArrayLike, *, level: float = LEVEL
) -> tuple[TurningPoint, ...]:
    """All turning points with a p-value of at most `level`, in the order of years; none in fewer than twelve years.

    Args:
        years: (T,) calendar years, rising; some may be missing.
        values: (T,) finite numbers.
        level: of each test; sides are tested again, so that several tests are made.

    Raises:
        DataError: see `drift`.
    """
    t, y = _series(years, values)
    return tuple(sorted(_search(t, y, level), key=lambda point: point.year))


def largest_break(years: Sequence[int], values: ArrayLike) -> TurningPoint | None:
    """The year in which a break is most likely, however likely that is; None in fewer than twelve years.

    None too where a straight line fits up to rounding.

    Raises:
        DataError: see `drift`.
    """
    t, y = _series(years, values)
    return _largest(t, y)


def _search(t: Floats, y: Floats, level: float) -> list[TurningPoint]:
    found = _largest(t, y)
    if found is None or found.p > level:
        return []
    cut = int(np.searchsorted(t, found.year))
    return [found, *_search(t[:cut], y[:cut], level), *_search(t[cut:], y[cut:], level)]


def _largest(t: Floats, y: Floats) -> TurningPoint | None:
    if t.size < MIN_YEARS:
        return None
    years = tuple(int(year) for year in t)
    bases = _bases(years)
    centred = (y - y.mean())[:, None]
    line = centred - bases.line @ (bases.line.T @ centred)
    if float((line**2).sum()) <= EXACT * float((y**2).sum()):
        return None
    f, cut, seen = (float(x[0]) for x in bases.statistics(line))
    correlation = next((r for r in CORRELATIONS if _null(years, r)[1] >= seen), CORRELATIONS[-1])
    draws, _ = _null(years, correlation)
    p = (1 + int((draws >= f).sum())) / (1 + draws.size)
    k = int(cut)
    before, after = np.polyfit(t[:k] - t[k], y[:k], 1), np.polyfit(t[k:] - t[k], y[k:], 1)
    return TurningPoint(
        years[k], float(after[1] - before[1]), float(before[0]), float(after[0]), f, p, correlation
    )


@dataclass(frozen=True, eq=False)
class _Bases:
    """Orthonormal bases of a straight line and of two lines, for each year that a second line may begin in.

    Attributes:
        line: (T, 2).
        broken: (K, T, 4).
        cuts: (K,) index of the first year of the second line.
        next_door: (T - 1,) whether two observations are of neighbouring years.
    """

    line: Floats
    broken: Floats
    cuts: NDArray[np.intp]
    next_door: NDArray[np.bool_]

    def statistics(self, line: Floats) -> tuple[Floats, Floats, Floats]:
        """Sup-F, its cut, and the autocorrelation of what two lines leave, of (T, D) residuals of a straight line."""
        total = (line**2).sum(axis=0)
        kept = ((self.broken.transpose(0, 2, 1) @ line) ** 2).sum(axis=1)
        best = kept.argmax(axis=0)
        left = np.maximum(total - kept.max(axis=0), np.finfo(float).tiny)
        f = (kept.max(axis=0) / 2) / (left / (line.shape[0] - 4))
        columns = self.broken[best]
        fitted = np.einsum("dtk,dsk,sd->td", columns, columns, line, optimize=True)
        rest = line - fitted
        pairs = (rest[1:] * rest[:-1])[self.next_door].sum(axis=0)
        return f, self.cuts[best].astype(np.float64), pairs / left


@lru_cache(maxsize=128)
def _bases(years: tuple[int, ...]) -> _Bases:
    t = np.array(years, dtype=np.float64)
    cuts = np.arange(MIN_SIDE, t.size - MIN_SIDE + 1)
    x = t - t.mean()
    line = np.linalg.qr(np.column_stack([np.ones_like(x), x]))[0]
    broken = []
    for k in cuts:
        later = np.arange(t.size) >= k
        extra = np.column_stack([later, later * (t - t[k])]).astype(np.float64)
        broken.append(np.linalg.qr(np.column_stack([line, extra]))[0])
    return _Bases(line, np.array(broken), cuts, np.diff(t) == 1)


@lru_cache(maxsize=128)
def _null(years: tuple[int, ...], correlation: float) -> tuple[Floats, float]:
    """Sup-F of drawn straight lines, and the median autocorrelation that is seen after their largest break."""
    bases, t = _bases(years), np.array(years, dtype=np.float64)
    noise = np.random.default_rng(SEED).standard_normal((t.size, DRAWS))
    apart = np.abs(t[:, None] - t[None, :])
    root = np.linalg.cholesky(np.where(apart == 0, 1.0, correlation**apart))
    drawn = root @ noise
    f, _, seen = bases.statistics(drawn - bases.line @ (bases.line.T @ drawn))
    return f, float(np.median(seen))


def _kendall_variance(y: Floats) -> float:
    """Variance of Kendall's S without a trend, ties counted (Kendall 1975)."""
    n = y.size
    ties = np.unique(y, return_counts=True)[1]
    return float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def _widening(t: Floats, y: Floats, slope: float) -> float:
    """(1 + r)/(1 - r), r the autocorrelation of neighbouring years beside the slope; 1 if it is not above zero."""
    rest = y - y.mean() - slope * (t - t.mean())
    total, beside = float((rest**2).sum()), np.diff(t) == 1
    if total <= EXACT * float((y**2).sum()):
        return 1.0
    r = min(float((rest[1:] * rest[:-1])[beside].sum()) / total, CORRELATIONS[-1])
    return (1 + r) / (1 - r) if r > 0 else 1.0


def _series(years: Sequence[int], values: ArrayLike) -> tuple[Floats, Floats]:
    t, y = np.asarray(years, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape:
        raise DataError(found=f"{t.size} years and {y.size} values", allowed="one value for each year")
    if not (np.diff(t) > 0).all():
        raise DataError(found="years that do not rise", allowed="each year once, in order")
    if not np.isfinite(y).all():
        raise DataError(found="a value that is not a number", allowed="finite numbers")
    return t, y
