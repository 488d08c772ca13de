"""Variance-based sensitivity: which input drives the spread of a result.

Saltelli sampling (Saltelli, Annoni, Azzini, Campolongo, Ratto & Tarantola 2010, doi 10.1016/j.cpc.2009.09.018): two samples
A and B of the inputs, and for every input i the sample AB_i, which is A with the column of i taken from B. Estimators of
Jansen (1999, doi 10.1016/S0010-4655(98)00154-4), f being the results and V their variance:

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
IDLE = 1e-9
"""A change below this share of the standard deviation of a result is the rounding of its solver."""


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """First-order and total indices of k inputs for M results.

    Attributes:
        inputs: (k,) names.
        first, total: (k, M). An input that changes a result at no point has exactly 0 and 0, and so have all inputs of
            a result that does not vary.
        first_se, total_se: (k, M) standard errors, as if the points were independent (they are better than that).
        variance: (M,) of the results.
        base: N, points in A; the model was run at N (k + 2) points.
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
        inputs: (k,) names of the inputs, one column each.
        a, b: (N, k) the two samples.
        swapped: (k, N, k) AB_i.
        seed: of the random shift.
    """

    inputs: tuple[str, ...]
    a: Floats
    b: Floats
    swapped: Floats
    seed: int


def saltelli(inputs: Sequence[str], base: int, seed: int) -> Design:
    """Points for k inputs.

    Args:
        inputs: (k,) names, each once.
        base: N, a power of 2, at least 2 (a Sobol sequence is balanced only then).
        seed: of the random shift.

    Raises:
        DataError: no or repeated inputs, or a base that is not a power of 2.
    """
    from scipy.stats import qmc

    names, width = tuple(inputs), len(inputs)
    if not names or len(set(names)) != width:
        raise DataError(found=f"inputs {', '.join(names) or 'without a name'}", allowed="each name once")
    if base < 2 or base & (base - 1):
        raise DataError(found=f"a sample of {base} points", allowed="a power of 2, such as 256, 512 or 1024")
    shift = np.random.default_rng(seed).random(2 * width)
    grid = qmc.Sobol(2 * width, scramble=False).random_base2(base.bit_length() - 1)
    points = np.clip((grid + shift) % 1.0, EDGE, 1 - EDGE)
    a, b = points[:, :width], points[:, width:]
    swapped = np.repeat(a[None], width, axis=0)
    for k in range(width):
        swapped[k, :, k] = b[:, k]
    return Design(names, a, b, swapped, seed)


def jansen(design: Design, f_a: Floats, f_b: Floats, f_swapped: Floats) -> SobolIndices:
    """Indices from the results at the points of a design.

    Args:
        design: the points.
        f_a: (N, M) results at A.
        f_b: (N, M) results at B.
        f_swapped: (k, N, M) results at AB_i.

    Raises:
        DataError: a result is not finite (indices over the rest would answer another question).
    """
    everything = np.concatenate([f_a[None], f_b[None], f_swapped])
    if not np.isfinite(everything).all():
        raise DataError(
            found=f"{int((~np.isfinite(everything)).any(axis=2).sum())} points without a result",
            allowed="a result at every point (narrow the distributions, or use the multiplicative rule)",
        )
    pooled = everything[:2].reshape(-1, f_a.shape[1])
    middle, variance = pooled.mean(axis=0), pooled.var(axis=0)
    still = np.sqrt(variance) <= IDLE * np.abs(pooled).max(axis=0)
    scale = np.where(still, 1.0, variance)
    alone, left = (f_b - f_swapped) ** 2 / 2, (f_a - f_swapped) ** 2 / 2
    first, total = 1 - alone.mean(axis=1) / scale, left.mean(axis=1) / scale
    spread = ((f_a - middle) ** 2 + (f_b - middle) ** 2) / 2

    def error(term: Floats, ratio: Floats) -> Floats:
        # Delta method for the ratio of two means: every point's part in it.
        part = (term - ratio[:, None, :] * spread) / scale
        return np.asarray(part.std(axis=1) / np.sqrt(f_a.shape[0]))

    first_se, total_se = error(alone, 1 - first), error(left, total)
    idle = still | (np.sqrt(2 * left.max(axis=1)) <= IDLE * np.sqrt(scale))
    for values in (first, total, first_se, total_se):
        values[idle] = 0.0
    return SobolIndices(design.inputs, first, total, first_se, total_se, variance, f_a.shape[0], design.seed)


def sobol_indices(
    function: Callable[[Floats], Floats], inputs: Sequence[str], base: int, seed: int
) -> SobolIndices:
    """Indices of a function of k independent uniform numbers.

    Args:
        function: from (n, k) points in the unit cube to (n,) or (n, M) results; called once with all points.
        inputs: (k,) names.
        base: see `saltelli`.
        seed: see `saltelli`.

    Raises:
        DataError: see `saltelli` and `jansen`.
    """
    design = saltelli(inputs, base, seed)
    width = len(design.inputs)
    points = np.concatenate([design.a, design.b, design.swapped.reshape(-1, width)])
    results = np.asarray(function(points), dtype=np.float64)
    results = results.reshape(width + 2, base, -1)
    return jansen(design, results[0], results[1], results[2:])
