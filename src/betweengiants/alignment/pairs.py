"""Pairs of labels: which are wanted, their measures from joint tables, and one tidy table of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from betweengiants.alignment.similarity import (
    MEASURES,
    Distance,
    errors_from_joint,
    similarity_from_joint,
)

Columns = dict[str, NDArray[np.float64]]
ERRORS = tuple(f"{measure}_se" for measure in MEASURES)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which pairs of A labels with B labels are wanted; labels are sorted.

    Attributes:
        left: A labels (column `country`).
        right: B labels (column `power`).
        wanted: (A, B); never a label with itself.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    wanted: NDArray[np.bool_]

    @classmethod
    def between(cls, left: Iterable[str], right: Iterable[str]) -> Pairs:
        """Every label of the one side with every label of the other."""
        one, other = tuple(sorted(set(left))), tuple(sorted(set(right)))
        return cls(one, other, np.array(one, dtype=object)[:, None] != np.array(other, dtype=object)[None, :])

    @classmethod
    def among(cls, labels: Iterable[str]) -> Pairs:
        """Every pair of the labels once, the earlier one of the alphabet first (the measures are symmetric)."""
        names = tuple(sorted(set(labels)))
        return cls(names, names, np.triu(np.ones((len(names), len(names)), dtype=bool), k=1))

    def columns(
        self,
        joint: NDArray[np.floating],
        levels: ArrayLike,
        distance: Distance,
        *,
        counts: NDArray[np.floating] | None = None,
        errors: bool = False,
    ) -> Columns:
        """Measures of the wanted pairs that have an item in common.

        Args:
            joint: (K, K, A, B) weights of items by the categories of both sides.
            levels: (K,) values of the categories.
            distance: see `similarity.distances`.
            counts: (A, B) numbers of items in common, where `joint` holds weights.
            errors: with standard errors; `joint` then holds counts.

        Returns:
            Flat columns `_left` and `_right` (positions), `n`, the measures and their errors.
        """
        total = joint.sum(axis=(0, 1))
        a, b = np.nonzero((total > 0) & self.wanted)
        kept = joint[:, :, a, b]
        found = similarity_from_joint(kept, levels, distance)
        n = found.n if counts is None else counts[a, b]
        columns: Columns = {"_left": a.astype(float), "_right": b.astype(float), "n": n.astype(float)}
        columns |= {name: getattr(found, name) for name in MEASURES}
        if errors:
            wrong = errors_from_joint(kept, levels, distance, found=found)
            columns |= {f"{name}_se": getattr(wrong, name) for name in MEASURES}
        return columns

    def table(
        self, parts: Mapping[int, Columns], time: str | None = None, *, errors: bool = False
    ) -> pl.DataFrame:
        """All parts as one table, sorted by its first columns.

        Args:
            parts: period -> what `columns` gave.
            time: name of the column of the period; None for a table without one, of one part.
            errors: whether the parts hold standard errors.

        Returns:
            country, power, (period,) n, the measures, their errors; NaN becomes null.
        """
        names = ("_left", "_right", "n", *MEASURES, *(ERRORS if errors else ()))
        columns = {name: _joined([part[name] for part in parts.values()]) for name in names}
        period = _joined([np.full(len(part["n"]), key) for key, part in parts.items()])
        order = np.argsort(columns["_left"] * max(len(self.right), 1) + columns["_right"], kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        whole: dict[str, pl.Series | NDArray[np.int64]] = {
            "country": _labels(self.left, columns["_left"]),
            "power": _labels(self.right, columns["_right"]),
        }
        if time is not None:
            whole[time] = period[order].astype(np.int64)
        whole["n"] = columns["n"].astype(np.int64)
        return pl.DataFrame(whole | {name: columns[name] for name in names[3:]}, nan_to_null=True)


def _joined(parts: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    return np.concatenate([np.empty(0), *parts])


def _labels(labels: Sequence[str], at: NDArray[np.float64]) -> pl.Series:
    return pl.Series(labels, dtype=pl.String).gather(at.astype(np.uint32))
