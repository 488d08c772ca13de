"""Variance-based sensitivity: which input drives the spread of a result.

Saltelli sampling (Saltelli, Annoni, Azzini, Campolongo, Ratto & Tarantola 2010, doi 10.1016/j.cpc.2009.09.018): two samples
A and B of the inputs, and for every input i the sample AB_i, which is A with the column (or group of columns) of i taken
from B. Estimators of Jansen (1999, doi 10.1016/S0010-4655(98)00154-4), f being the results and V their variance:

    first order  S_i  = 1 - mean((f(B) - f(AB_i))^2) / (2 V)     what knowing input i alone would take off the variance
    total effect ST_i =     mean((f(A) - f(AB_i))^2) / (2 V)     what would be left if all inputs but i were known

Points are a Sobol sequence shifted at random (Cranley & Patterson 1976): the same seed gives the same points whatever the
version of the library that makes the sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from betweengiants.core.errors import DataError
from betweengiants.trade.arrays import Floats

EDGE = 1e-12
"""Points stay this far from 0 and 1, where some distributions have no finite value."""
MOST_COLUMNS = 10_000


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """First-order and total indices of k inputs for M results.

    Attributes:
        inputs: (k,) names.
        first, total: (k, M); an input that changes no result in any row has exactly 0 and 0. Not-a-number for a
            result that does not vary at all.
        first_se, total_se: (k, M) standard errors, as if the points were independent (they are better than that).
        variance: (M,) of the results.
        base: N, points in A; the model was run N (k + 2) times.
        seed: of the random shift.
    """

    inputs: tuple[str, ...]
    first: Floats
    total: Floats
    first_se: Floats
    total_se: Floats
    variance: Floats
    base: int
    seed: int


@dataclass(frozen=True, eq=False)
class Design:
    """Points of a Saltelli sample in the unit cube.

    Attributes:
        inputs: (k,) names of the inputs, each with one or more columns.
        a, b: (N, d) the two samples.
        swapped: (k, N, d) AB_i.
        seed: of the random shift.
    """

    inputs: tuple[str, ...]
    a: Floats
    b: Floats
    swapped: Floats
    seed: int


def saltelli(inputs: Sequence[str], columns: Sequence[int], base: int, seed: int) -> Design:
    """Points for k inputs.

    Args:
        inputs: names, each once.
        columns: how many columns each input has (more than one: a group that is swapped as a whole).
        base: N, a power of 2, at least 2 (a Sobol sequence is balanced only then).
        seed: of the random shift.

    Raises:
        DataError: no or repeated inputs, an input without columns, more than 10,000 columns, or a base that is not a
            power of 2.
    """
    from scipy.stats import qmc

    names, width = tuple(inputs), int(sum(columns))
    if not names or len(set(names)) != len(names) or len(columns) != len(names) or min(columns) < 1:
        raise DataError(
            found=f"inputs {', '.join(names) or 'without a name'}", allowed="each once, with columns"
        )
    if width > MOST_COLUMNS:
        raise DataError(found=f"{width} uncertain numbers", allowed=f"at most {MOST_COLUMNS}")
    if base < 2 or base & (base - 1):
        raise DataError(found=f"a sample of {base} points", allowed="a power of 2, such as 256, 512 or 1024")
    shift = np.random.default_rng(seed).random(2 * width)
    grid = qmc.Sobol(2 * width, scramble=False).random_base2(base.bit_length() - 1)
    points = np.clip((grid + shift) % 1.0, EDGE, 1 - EDGE)
    a, b = points[:, :width], points[:, width:]
    ends = np.cumsum(columns)
    swapped = np.repeat(a[None], len(names), axis=0)
    for k, (end, size) in enumerate(zip(ends, columns, strict=True)):
        swapped[k][:, end - size : end] = b[:, end - size : end]
    return Design(names, a, b, swapped, seed)


def jansen(design: Design, f_a: Floats, f_b: Floats, f_swapped: Floats) -> SobolIndices:
    """Indices from the results at the points of a design.

    Args:
        design: the points.
        f_a, f_b: (N, M) results at A and B.
        f_swapped: (k, N, M) results at AB_i.

    Raises:
        DataError: a result is not finite (indices over the rest would be of another question).
    """
    if not (np.isfinite(f_a).all() and np.isfinite(f_b).all() and np.isfinite(f_swapped).all()):
        count = int((~np.isfinite(np.concatenate([f_a[None], f_b[None], f_swapped]))).sum())
        raise DataError(
            found=f"{count} results that are not finite",
            allowed="a result at every point (narrow the distributions, or use the multiplicative rule)",
        )
    size = f_a.shape[0]
    pooled = np.concatenate([f_a, f_b])
    variance = pooled.var(axis=0)
    spread = ((f_a - pooled.mean(axis=0)) ** 2 + (f_b - pooled.mean(axis=0)) ** 2) / 2
    alone, left = (f_b - f_swapped) ** 2 / 2, (f_a - f_swapped) ** 2 / 2
    idle = (left == 0).all(axis=1)
    still = variance <= (np.finfo(np.float64).eps * np.abs(pooled).max(axis=0)) ** 2
    scale = np.where(still, np.nan, variance)
    first, total = 1 - alone.mean(axis=1) / scale, left.mean(axis=1) / scale

    def error(term: Floats, ratio: Floats) -> Floats:
        # Delta method for the ratio of two means: each point's part in the ratio.
        part = (term - ratio[:, None, :] * spread) / scale
        return np.asarray(part.std(axis=1) / np.sqrt(size))

    first_se, total_se = error(alone, 1 - first), error(left, total)
    for values in (first, first_se):
        values[idle & ~still] = 0.0
    return SobolIndices(design.inputs, first, total, first_se, total_se, variance, size, design.seed)


def sobol_indices(
    function: Callable[[Floats], Floats], inputs: Sequence[str], base: int, seed: int
) -> SobolIndices:
    """Indices of a function of k independent uniform numbers, one column each.

    Args:
        function: from (n, k) points in the unit cube to (n,) or (n, M) results.
        inputs: (k,) names.
        base, seed: see `saltelli`.
    """
    design = saltelli(inputs, [1] * len(inputs), base, seed)

    def results(points: Floats) -> Floats:
        values = np.asarray(function(points), dtype=np.float64)
        return values[:, None] if values.ndim == 1 else values

    swapped = np.stack([results(points) for points in design.swapped])
    return jansen(design, results(design.a), results(design.b), swapped)
