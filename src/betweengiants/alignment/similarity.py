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

Standard errors are those of the delta method for items drawn independently (Fleiss, Cohen & Everitt 1969,
Psychological Bulletin 72, for kappa). A measure's influence function at a cell of the table is

    agreement, S: the cell's own score less the mean
    kappa, pi:    ((1 - M) * (e_k + f_l - E) - d_kl) / E,  M the measure, E the expected distance,
                  e = D q and f = D p for kappa, e = f = D (p + q) / 2 for pi

and the variance is `sum o * influence^2 / (n (n - 1))`, so that for agreement it is the usual error of a mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betweengiants.core.errors import DataError, UnknownLabel

Distance = Literal["absolute", "squared", "nominal"]
Floats = NDArray[np.float64]
MEASURES = ("agreement", "s_score", "kappa", "pi")


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
    """Standard errors of the four measures, in the shape of the pairs; NaN where n < 2 or the measure is undefined."""

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
    if values.ndim != 1 or values.size < 2 or not bool((np.diff(values) > 0).all()):
        raise DataError(found=f"levels {values.tolist()}", allowed="two or more increasing numbers")
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
    """Standard errors of all measures, by the delta method (see the module).

    Args:
        joint: (K, K, ...) numbers of items, each one independent draw: counts, not weights.
        levels: (K,) increasing values of the categories.
        distance: see `distances`.
        found: the measures of the same tables, if the caller has them already.

    Returns:
        Errors of shape (...). Zero where every item counts alike (all votes the same way): such a sample
        says nothing about its own error.
    """
    o = np.asarray(joint, dtype=np.float64)
    d, gap = distances(levels, distance), distances(levels)
    found = found or similarity_from_joint(o, levels, distance)
    n, rows, columns = found.n, o.sum(axis=1), o.sum(axis=0)
    flat = (len(d), len(d), *(1,) * (o.ndim - 2))
    towards_columns, towards_rows = np.tensordot(d, columns, axes=1), np.tensordot(d, rows, axes=1)
    towards_both = towards_columns + towards_rows

    def error(influence: Floats) -> Floats:
        # Cell by cell: numpy's own sum depends on how many pairs stand beside this one.
        total = sum(o[k, m] * influence[k, m] ** 2 for k, m in itertools.product(range(len(d)), repeat=2))
        return np.where(n > 1, np.sqrt(total / (n * (n - 1))), np.nan)

    def corrected(measure: Floats, first: Floats, second: Floats, expected: Floats) -> Floats:
        """Of kappa or pi; the distances from each category to the other side's shares, and their mean."""
        slope = first[:, None] + second[None, :] - expected
        return np.where(expected > 0, error(((1 - measure) * slope - d.reshape(flat)) / expected), np.nan)

    # Totals of counts are exact; what is divided afterwards stands cell by cell.
    expected_kappa = (rows * towards_columns).sum(axis=0)
    expected_pi = ((rows + columns) * towards_both).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = 1 - (gap / gap.max()).reshape(flat)
        return Errors(
            agreement=error(score - found.agreement),
            s_score=error(1 - 2 * (d / d.max()).reshape(flat) - found.s_score),
            kappa=corrected(found.kappa, towards_columns / n, towards_rows / n, expected_kappa / n**2),
            pi=corrected(found.pi, towards_both / (2 * n), towards_both / (2 * n), expected_pi / (4 * n**2)),
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
        DataError: lengths that differ, a value outside the levels, a negative weight.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = np.ones(a.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.shape != w.shape:
        raise DataError(
            found=f"vectors of shapes {a.shape}, {b.shape}, {w.shape}", allowed="one common length"
        )
    if not bool((w >= 0).all()) or not bool(np.isfinite(w).all()):
        raise DataError(found="a weight that is negative or not finite", allowed="weights of at least 0")
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
