"""Look-through exposure: how much of what a state makes rests on a power, directly and through all suppliers.

Leontief (1936): with input coefficients A and final demand F, gross output is `x = (I - A)^(-1) F 1`. Face-value exposure
counts inputs bought from the power; full exposure also counts what the suppliers, and theirs, bought from it (Baldwin,
Freeman & Theodorakopoulos 2023, Hidden exposure, Brookings Papers on Economic Activity 54(2)). Hypothetical extraction
sets the power's links to zero and compares output. Coefficients do not change: no substitution, so that the results are
upper bounds.

K producers are pairs of a country and a sector (or countries); D columns of final demand are countries that buy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.trade.arrays import Flags, Floats

UNIT = 1e-9
"""Input coefficients of one producer may add up to 1 plus this."""


@dataclass(frozen=True, eq=False)
class LookThrough:
    """Exposure of K producers to one power, as shares of the value of their gross output.

    Attributes:
        producers: (K,) country of each producer.
        power: the power.
        face_value: (K,) inputs bought from the power directly.
        full: (K,) output of the power needed in all rounds of supply; can exceed 1, for gross output counts values
            again in every round.
        value_added: (K,) value added of the power in one unit of the producer's output; at most 1.
    """

    producers: tuple[str, ...]
    power: str
    face_value: Floats
    full: Floats
    value_added: Floats


@dataclass(frozen=True, eq=False)
class Extraction:
    """What is left of each producer after links have been taken out.

    Attributes:
        producers: (K,) country of each producer.
        output_before, output_after: (K,) gross output, in the unit of final demand.
        value_added_before, value_added_after: (K,) the same of value added (coefficients as at the baseline).
    """

    producers: tuple[str, ...]
    output_before: Floats
    output_after: Floats
    value_added_before: Floats
    value_added_after: Floats

    def frame(self) -> pl.DataFrame:
        """By country: country, output_change_pct, value_added_change_pct; empty where a country makes nothing."""
        labels = sorted(set(self.producers))
        index = np.array([labels.index(p) for p in self.producers])

        def change(before: Floats, after: Floats) -> Floats:
            was, now = (np.bincount(index, values, len(labels)) for values in (before, after))
            nothing = was == 0
            return np.where(nothing, np.nan, 100 * (now / np.where(nothing, 1, was) - 1))

        return pl.DataFrame(
            {
                "country": labels,
                "output_change_pct": change(self.output_before, self.output_after),
                "value_added_change_pct": change(self.value_added_before, self.value_added_after),
            }
        ).fill_nan(None)


def leontief(inputs: ArrayLike) -> Floats:
    """(K, K) L = (I - A)^(-1) of input coefficients A[supplier, user].

    Raises:
        DataError: A is not square, has a negative or non-finite cell, a producer with inputs above the value of its
            output, or producers who need each other for more than they make (no finite output exists).
    """
    a = _coefficients(inputs)
    # With column sums up to 1 the largest eigenvalue is at most 1; at 1 a group of producers adds no value.
    radius = float(np.abs(np.linalg.eigvals(a)).max())
    if radius >= 1 - UNIT:
        raise DataError(
            found=f"input coefficients with the largest eigenvalue {radius:g}",
            allowed="below 1: every group of producers must add some value",
        )
    return np.asarray(np.linalg.inv(np.eye(a.shape[0]) - a), dtype=np.float64)


def look_through(
    inputs: ArrayLike, producers: Sequence[str], power: str, value_added: ArrayLike | None = None
) -> LookThrough:
    """Face-value and full exposure of every producer to one power.

    Args:
        inputs: (K, K) input coefficients A[supplier, user], value of inputs for one unit of the user's output.
        producers: (K,) country of each producer.
        power: a country among them. A producer of the power itself is shown too (its own inputs count).
        value_added: (K,) value-added coefficients (default: one minus the column sums of A).

    Raises:
        DataError: see `leontief`; or producers or value added of another length, or a value added outside 0 to 1.
        UnknownLabel: no producer is of this country.
    """
    a = _coefficients(inputs)
    owner = _owners(producers, a.shape[0], "producers")
    mine = _members(owner, power)
    added = _value_added(a, value_added)
    inverse = leontief(a)
    return LookThrough(
        owner,
        power,
        a[mine].sum(axis=0),
        (inverse - np.eye(a.shape[0]))[mine].sum(axis=0),
        added[mine] @ inverse[mine],
    )


def extraction(
    inputs: ArrayLike,
    final: ArrayLike,
    producers: Sequence[str],
    buyers: Sequence[str],
    power: str,
    others: Sequence[str] | None = None,
    *,
    value_added: ArrayLike | None = None,
    one_way: bool = False,
) -> Extraction:
    """Take out all links between a power and others, inputs and final goods alike, and compute output again.

    Args:
        inputs: (K, K) input coefficients A[supplier, user].
        final: (K, D) final demand F[supplier, buyer], in money.
        producers: (K,) country of each producer.
        buyers: (D,) country of each column of final demand.
        power: the power.
        others: the countries whose links with the power are taken out (default: all but the power). What the power
            supplies to itself stays.
        value_added: (K,) value-added coefficients (default: one minus the column sums of A).
        one_way: take out only what the power sells.

    Raises:
        DataError: see `leontief`; or arrays and labels that do not fit, a negative final demand, or the power among
            the others.
        UnknownLabel: no producer is of this country.
    """
    a = _coefficients(inputs)
    f = np.asarray(final, dtype=np.float64)
    owner = _owners(producers, a.shape[0], "producers")
    if f.ndim != 2 or f.shape[0] != a.shape[0]:
        raise DataError(found=f"final demand of shape {f.shape}", allowed=f"({a.shape[0]}, buyers)")
    if not (np.isfinite(f).all() and (f >= 0).all()):
        raise DataError(found="a final demand below 0 or not finite", allowed="finite numbers of at least 0")
    buyer = _owners(buyers, f.shape[1], "buyers")
    mine = _members(owner, power)
    far = sorted(set(owner) - {power}) if others is None else list(others)
    if power in far:
        raise DataError(found=f"the power {power} among the others", allowed="other countries")
    theirs = np.zeros(a.shape[0], dtype=np.bool_)
    for label in far:
        theirs |= _members(owner, label)
    mine_buy, theirs_buy = np.array([b == power for b in buyer]), np.array([b in far for b in buyer])
    if others is None:
        theirs_buy = ~mine_buy
    added = _value_added(a, value_added)
    cut_a, cut_f = a.copy(), f.copy()
    cut_a[np.ix_(mine, theirs)] = cut_f[np.ix_(mine, theirs_buy)] = 0.0
    if not one_way:
        cut_a[np.ix_(theirs, mine)] = cut_f[np.ix_(theirs, mine_buy)] = 0.0
    before = leontief(a) @ f.sum(axis=1)
    after = leontief(cut_a) @ cut_f.sum(axis=1)
    return Extraction(owner, before, after, added * before, added * after)


def _coefficients(inputs: ArrayLike) -> Floats:
    a = np.asarray(inputs, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not a.size:
        raise DataError(found=f"input coefficients of shape {a.shape}", allowed="a square matrix")
    if not (np.isfinite(a).all() and (a >= 0).all()):
        raise DataError(
            found="an input coefficient below 0 or not finite", allowed="finite numbers of at least 0"
        )
    total = a.sum(axis=0)
    if total.max() > 1 + UNIT:
        worst = int(total.argmax())
        raise DataError(
            found=f"inputs worth {total[worst]:g} of the output of producer {worst}", allowed="at most 1"
        )
    return a


def _value_added(a: Floats, given: ArrayLike | None) -> Floats:
    if given is None:
        return np.asarray(np.maximum(1 - a.sum(axis=0), 0.0))
    added = np.asarray(given, dtype=np.float64)
    if added.shape != (a.shape[0],) or not ((added >= 0) & (added <= 1)).all():
        raise DataError(
            found=f"value-added coefficients of shape {added.shape} or outside 0 to 1",
            allowed=f"{a.shape[0]} numbers from 0 to 1",
        )
    return added


def _owners(labels: Sequence[str], size: int, what: str) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise TypeError(f"{what}: a list of labels is needed, not one text")
    if len(labels) != size:
        raise DataError(found=f"{len(labels)} labels of {what}", allowed=f"{size}, one for each")
    return tuple(labels)


def _members(owner: tuple[str, ...], label: str) -> Flags:
    mine = np.array([o == label for o in owner], dtype=np.bool_)
    if not mine.any():
        raise UnknownLabel(label, owner, what="country")
    return mine
