"""Variance-based sensitivity: which input drives the spread of a result.

Saltelli sampling (Saltelli, Annoni, Azzini, Campolongo, Ratto & Tarantola 2010, doi 10.1016/j.cpc.2009.09.018): two samples
A and B of the inputs, and for every input i the sample AB_i, which is A with the column of i taken from B. Estimators of
Jansen (1999, doi 10.1016/S0010-4655(98)00154-4), f being the results and V their variance:

    first order  S_i  = 1 - mean((f(B) - f(AB_i))^2) / (2 V)     what knowing input i alone would take off the variance
    total effect ST_i =     mean((f(A) - f(AB_i))^2) / (2 V)     what would be left if all inputs but i were known

An input may have several columns (a group: one choice that needs more than one number); they are taken from B together, and the
index is that of the group (Saltelli et al. 2008, Global Sensitivity Analysis: The Primer, section 4.5).

Points are a Sobol sequence shifted at random (Cranley & Patterson 1976): the same seed gives the same points whatever the
version of the library that makes the sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from betweengiants.core.errors import DataError

Floats = NDArray[np.float64]
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
        inputs: (k,) names of the inputs.
        a, b: (N, c) the two samples; c is k where every input has one column.
        swapped: (k, N, c) AB_i.
        columns: (k,) columns of each input, side by side in this order.
        seed: of the random shift.
    """

    inputs: tuple[str, ...]
    a: Floats
    b: Floats
    swapped: Floats
    columns: tuple[slice, ...]
    seed: int

    @property
    def points(self) -> Floats:
        """(N (k + 2), c) all points: A, B, then every AB_i."""
        return np.concatenate([self.a, self.b, self.swapped.reshape(-1, self.a.shape[1])])


def saltelli(inputs: Sequence[str] | Mapping[str, int], base: int, seed: int) -> Design:
    """Points for k inputs.

    Args:
        inputs: (k,) names, each once; or name -> number of columns of that input, at least 1.
        base: N, a power of 2, at least 2 (a Sobol sequence is balanced only then).
        seed: of the random shift.

    Raises:
        DataError: no or repeated inputs, an input without a column, or a base that is not a power of 2.
    """
    from scipy.stats import qmc

    names = tuple(inputs)
    sizes = list(inputs.values()) if isinstance(inputs, Mapping) else [1] * len(names)
    if not names or len(set(names)) != len(names):
        raise DataError(found=f"inputs {', '.join(names) or 'without a name'}", allowed="each name once")
    if min(sizes) < 1:
        raise DataError(found=f"{min(sizes)} columns of an input", allowed="at least 1")
    if base < 2 or base & (base - 1):
        raise DataError(found=f"a sample of {base} points", allowed="a power of 2, such as 256, 512 or 1024")
    width = sum(sizes)
    shift = np.random.default_rng(seed).random(2 * width)
    grid = qmc.Sobol(2 * width, scramble=False).random_base2(base.bit_length() - 1)
    points = np.clip((grid + shift) % 1.0, EDGE, 1 - EDGE)
    a, b = points[:, :width], points[:, width:]
    ends = list(accumulate(sizes))
    columns = tuple(slice(end - size, end) for size, end in zip(sizes, ends, strict=True))
    swapped = np.repeat(a[None], len(names), axis=0)
    for k, own in enumerate(columns):
        swapped[k, :, own] = b[:, own]
    return Design(names, a, b, swapped, columns, seed)


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
            allowed="a result at every point",
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
    function: Callable[[Floats], Floats], inputs: Sequence[str] | Mapping[str, int], base: int, seed: int
) -> SobolIndices:
    """Indices of a function of k independent uniform numbers.

    Args:
        function: from (n, c) points in the unit cube to (n,) or (n, M) results; called once with all points.
        inputs: see `saltelli`.
        base: see `saltelli`.
        seed: see `saltelli`.

    Raises:
        DataError: see `saltelli` and `jansen`.
    """
    design = saltelli(inputs, base, seed)
    results = np.asarray(function(design.points), dtype=np.float64)
    results = results.reshape(len(design.inputs) + 2, base, -1)
    return jansen(design, results[0], results[1], results[2:])
