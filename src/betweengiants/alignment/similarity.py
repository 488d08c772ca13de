"""Similarity of two ordinal vectors: agreement, S, kappa and pi, from their joint table.

Symbols: K categories with levels `v_k`; `o_kl` weight of the items on which the one side holds k and the
other l; `n = sum o`; `d_kl` the distance between two categories, its largest value `d_max`.

    agreement = 1 - mean|v_k - v_l| / (max v - min v)
    S         = 1 - 2 * mean(d) / d_max
    kappa     = 1 - mean(d) / E(d),  E from the two sides' own shares
    pi        = 1 - mean(d) / E(d),  E from the average of the two shares

S: Signorino & Ritter (1999), International Studies Quarterly 43. kappa: Cohen (1960, weighted 1968), pi:
Scott (1955), both for foreign-policy similarity: Haege (2011), Political Analysis 19. The expectations take
the two sides as independent. Where the expectation is zero (both sides hold one and the same category
throughout) kappa and pi say nothing: they are NaN here and null in tables, never 0 or 1.

Standard errors take the items as independent draws. For agreement and S they are the usual error of a mean. For
kappa and pi they are the jackknife's (Tukey 1958; Efron & Stein 1981, Annals of Statistics 9): the measure is taken
again without one item, which gives one value for each cell of the table, and with `M_kl` that value, `M.` their mean
weighted by the counts,

    variance = (n - 1) / n * sum_kl o_kl (M_kl - M.)^2

The delta method (Fleiss, Cohen & Everitt 1969) gives the same in large samples, and errors that are up to a third too
small for a year of votes in which both sides nearly always vote the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betweengiants.core.errors import DataError, UnknownLabel

Distance = Literal["absolute", "squared", "nominal"]
Floats = NDArray[np.float64]
MEASURES = ("agreement", "s_score", "kappa", "pi")
# Levels and weights above this are slips; their squares and sums would leave the range of numbers.
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Similarity:
    """Measures of many pairs at once; all arrays have the shape of the pairs.

    Attributes:
        n: weight of the items that both sides have (their number, if the weights are 1).
        agreement: 1 - mean absolute difference over the range, from 0 to 1, whatever the distance.
        s_score: S, from -1 to 1.
        kappa, pi: chance-corrected; 1 for identical, 0 as by chance; NaN where undefined.
    """

    n: Floats
    agreement: Floats
    s_score: Floats
    kappa: Floats
    pi: Floats


@dataclass(frozen=True, slots=True)
class Errors:
    """Standard errors of the four measures, in the shape of the pairs; NaN where n < 2 or undefined."""

    agreement: Floats
    s_score: Floats
    kappa: Floats
    pi: Floats


def distances(levels: ArrayLike, distance: Distance = "absolute") -> Floats:
    """(K, K) distances between categories.

    Args:
        levels: (K,) increasing values of the categories.
        distance: `absolute` |a - b|; `squared` (a - b)^2; `nominal` 0 if equal, else 1.

    Raises:
        DataError: unknown distance, fewer than two levels, or levels that do not increase.
    """
    values = np.asarray(levels, dtype=np.float64)
    held = bool((np.abs(values) <= LARGEST).all())
    if values.ndim != 1 or values.size < 2 or not held or not bool((np.diff(values) > 0).all()):
        raise DataError(
            found=f"levels {values.tolist()}",
            allowed=f"two or more increasing numbers, up to {LARGEST:g} in size",
        )
    gap = np.abs(values[:, None] - values[None, :])
    if distance == "absolute":
        return gap
    if distance == "squared":
        return gap**2
    if distance == "nominal":
        return (gap > 0).astype(np.float64)
    raise UnknownLabel(str(distance), get_args(Distance), what="distance")


def similarity_from_joint(joint: ArrayLike, levels: ArrayLike, distance: Distance = "absolute") -> Similarity:
    """All measures from joint tables.

    Args:
        joint: (K, K, ...) weights of items by the category of the one side and of the other.
        levels: (K,) increasing values of the categories.
        distance: see `distances`; agreement always uses absolute differences.

    Returns:
        Similarity of shape (...); NaN where a pair has no item in common.
    """
    o = np.asarray(joint, dtype=np.float64)
    d, gap = distances(levels, distance), distances(levels)
    rows, columns = o.sum(axis=1), o.sum(axis=0)
    both = rows + columns
    # Totals are added up first and divided once, so that counts give the exact fraction.
    n, total = o.sum(axis=(0, 1)), np.tensordot(d, o, axes=2)
    expected_kappa = (rows * np.tensordot(d, columns, axes=1)).sum(axis=0)
    expected_pi = (both * np.tensordot(d, both, axes=1)).sum(axis=0) / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        return Similarity(
            n=n,
            agreement=np.tensordot(gap.max() - gap, o, axes=2) / (n * gap.max()),
            s_score=np.tensordot(d.max() - 2 * d, o, axes=2) / (n * d.max()),
            kappa=np.where(expected_kappa > 0, (expected_kappa - n * total) / expected_kappa, np.nan),
            pi=np.where(expected_pi > 0, (expected_pi - n * total) / expected_pi, np.nan),
        )


def errors_from_joint(
    joint: ArrayLike,
    levels: ArrayLike,
    distance: Distance = "absolute",
    *,
    found: Similarity | None = None,
) -> Errors:
    """Standard errors of all measures; those of kappa and pi by the exact jackknife (see the module).

    Args:
        joint: (K, K, ...) numbers of items, each one independent draw: counts, not weights.
        levels: (K,) increasing values of the categories.
        distance: see `distances`.
        found: the measures of the same tables, if the caller has them already.

    Returns:
        Errors of shape (...). Zero where every item counts alike (all votes the same way): such a sample
        says nothing about its own error. NaN for kappa and pi also where they are undefined without some one
        item: all that they say then rests on it.
    """
    o = np.asarray(joint, dtype=np.float64)
    d, gap = distances(levels, distance), distances(levels)
    found = found or similarity_from_joint(o, levels, distance)
    n, rows, columns = found.n, o.sum(axis=1), o.sum(axis=0)
    cells = [(k, m) for k in range(len(d)) for m in range(len(d))]
    to_columns, to_rows = np.tensordot(d, columns, axes=1), np.tensordot(d, rows, axes=1)
    to_both = to_columns + to_rows
    total = np.tensordot(d, o, axes=2)
    by_kappa, by_pi = (rows * to_columns).sum(axis=0), ((rows + columns) * to_both).sum(axis=0)

    # Cell by cell throughout: numpy's own sums depend on how many pairs stand beside this one.
    def of_a_mean(score: Floats, mean: Floats) -> Floats:
        spread = sum(o[cell] * (score[cell] - mean) ** 2 for cell in cells)
        return np.where(n > 1, np.sqrt(spread / (n * (n - 1))), np.nan)

    def jackknife(without: Callable[[int, int], Floats]) -> Floats:
        """From the expected distance, times (n - 1)^2, without an item of a cell."""
        again = {}
        for k, m in cells:
            expected = without(k, m)
            value = 1 - (n - 1) * (total - d[k, m]) / expected
            # A cell without items is never left out; where one of an item is, nothing may remain to compare.
            again[k, m] = np.where(o[k, m] > 0, np.where(expected > 0, value, np.nan), 0.0)
        mean = sum(o[cell] * again[cell] for cell in cells) / n
        spread = sum(o[cell] * (again[cell] - mean) ** 2 for cell in cells)
        return np.where(n > 1, np.sqrt((n - 1) / n * spread), np.nan)

    with np.errstate(divide="ignore", invalid="ignore"):
        return Errors(
            agreement=of_a_mean(1 - gap / gap.max(), found.agreement),
            s_score=of_a_mean(1 - 2 * d / d.max(), found.s_score),
            kappa=jackknife(lambda k, m: by_kappa - to_columns[k] - to_rows[m] + d[k, m]),
            pi=jackknife(lambda k, m: (by_pi - 2 * (to_both[k] + to_both[m]) + 2 * d[k, m]) / 4),
        )


def similarity(
    x: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    levels: Sequence[float],
    distance: Distance = "absolute",
) -> Similarity:
    """Similarity of two ordinal vectors of one length; positions where either is NaN are passed over.

    Args:
        x: (n,) values, each one of `levels`.
        y: (n,) values of the other side.
        weights: (n,) weights of the positions, not negative (default: all 1).
        levels: the categories, increasing, all that are possible and not only those that occur.
        distance: see `distances`.

    Raises:
        DataError: lengths that differ, a value outside the levels, a weight that is negative or above `LARGEST`.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = np.ones(a.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.shape != w.shape:
        raise DataError(
            found=f"vectors of shapes {a.shape}, {b.shape}, {w.shape}", allowed="one common length"
        )
    if not bool(((w >= 0) & (w <= LARGEST)).all()):
        raise DataError(
            found="a weight that is negative, not finite or too large",
            allowed=f"weights from 0 to {LARGEST:g}",
        )
    values = np.asarray(levels, dtype=np.float64)
    distances(values, distance)
    kept = ~(np.isnan(a) | np.isnan(b))
    joint = np.zeros((values.size, values.size))
    np.add.at(joint, (_category(a[kept], values), _category(b[kept], values)), w[kept])
    return similarity_from_joint(joint, values, distance)


def _category(values: Floats, levels: Floats) -> NDArray[np.intp]:
    """Index of each value in `levels`."""
    place = np.clip(np.searchsorted(levels, values), 0, levels.size - 1)
    wrong = levels[place] != values
    if wrong.any():
        raise DataError(
            found=f"value {values[wrong][0]:g}", allowed=f"one of {', '.join(f'{v:g}' for v in levels)}"
        )
    return place
