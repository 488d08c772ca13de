"""Who can hurt whom by how much: every focal state against every power, and powers acting together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.trade.arrays import Imbalances
from betweengiants.trade.either import solve_either
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.options import Horizon
from betweengiants.trade.scenario import coalition
from betweengiants.trade.sector_matrix import SectorMatrix

MOST_POWERS = 12
"""Joint leverage solves every coalition: 2^12 - 1 = 4,095 of them at most."""


@dataclass(frozen=True, eq=False)
class TradeLeverage:
    """Severance of each focal state by each power, both ways; changes are fractions.

    Attributes:
        focal, power: (P,) the pairs.
        welfare_change: (P,) real national spending of the focal state (negative: a loss); leverage is its size.
        power_welfare_change: (P,) the same of the power: counter-leverage.
        problems: (P,) the error of a pair without a solution (its numbers are not-a-number), else None.
    """

    focal: tuple[str, ...]
    power: tuple[str, ...]
    welfare_change: NDArray[np.float64]
    power_welfare_change: NDArray[np.float64]
    problems: tuple[BetweenGiantsError | None, ...]

    def frame(self) -> pl.DataFrame:
        """focal, power, welfare_change_pct, power_welfare_change_pct; empty where there is no solution."""
        return pl.DataFrame(
            {
                "focal": self.focal,
                "power": self.power,
                "welfare_change_pct": 100 * self.welfare_change,
                "power_welfare_change_pct": 100 * self.power_welfare_change,
            }
        ).fill_nan(None)


@dataclass(frozen=True, eq=False)
class JointLeverage:
    """Severance of one focal state by every coalition of powers; changes are fractions.

    Attributes:
        focal: the focal state.
        powers: P powers.
        coalitions: C = 2^P - 1 sets of powers, small ones first, in the order of `powers`.
        welfare_change: (C,) of the focal state.
        power_welfare_change: (C, P) of every power, whether or not it takes part.
        problems: (C,) the error of a coalition without a solution, else None.
    """

    focal: str
    powers: tuple[str, ...]
    coalitions: tuple[tuple[str, ...], ...]
    welfare_change: NDArray[np.float64]
    power_welfare_change: NDArray[np.float64]
    problems: tuple[BetweenGiantsError | None, ...]

    def frame(self) -> pl.DataFrame:
        """One row for each coalition and power.

        Columns focal, coalition (powers joined by `;`), welfare_change_pct, power, takes_part,
        power_welfare_change_pct.
        """
        pairs = [(c, p) for c in range(len(self.coalitions)) for p in range(len(self.powers))]
        return pl.DataFrame(
            {
                "focal": [self.focal] * len(pairs),
                "coalition": [";".join(self.coalitions[c]) for c, _ in pairs],
                "welfare_change_pct": [100 * float(self.welfare_change[c]) for c, _ in pairs],
                "power": [self.powers[p] for _, p in pairs],
                "takes_part": [self.powers[p] in self.coalitions[c] for c, p in pairs],
                "power_welfare_change_pct": [100 * float(self.power_welfare_change[c, p]) for c, p in pairs],
            }
        ).fill_nan(None)


def leverage(
    matrix: TradeMatrix | SectorMatrix,
    powers: Sequence[str],
    focal: Sequence[str] | None = None,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> TradeLeverage:
    """Sever every focal state from every power, one pair at a time, in one batched solve.

    Args:
        matrix: the baseline, of one sector or of several.
        powers: labels of the powers.
        focal: labels of the focal states (default: all countries); a power is not severed from itself.
        theta: trade elasticity; with several sectors also (S,), one for each.
        imbalances: see `engine.solve`.
        horizon: see `sector_engine.solve_sectors`; with one sector the two are the same.

    Returns:
        All pairs, focal states in the order given, powers within them.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: an empty or repeated list of labels, or no pair of two different countries.
        NoEquilibrium, NotConverged: not one pair has a solution (single failures are kept in `problems`).
    """
    states = matrix.labels if focal is None else _labels(matrix, focal, "focal states")
    others = _labels(matrix, powers, "powers")
    pairs = [(f, p) for f in states for p in others if f != p]
    if not pairs:
        raise DataError(found="no pair of a focal state and another power", allowed="two different countries")
    scenarios = [coalition(f, [p]) for f, p in pairs]
    result = solve_either(matrix, scenarios, theta, imbalances=imbalances, horizon=horizon, on_failure="mark")
    _raise_if_all(result.problems)
    position = {label: k for k, label in enumerate(matrix.labels)}
    row = np.arange(len(pairs))
    return TradeLeverage(
        tuple(f for f, _ in pairs),
        tuple(p for _, p in pairs),
        result.welfare_change[row, [position[f] for f, _ in pairs]],
        result.welfare_change[row, [position[p] for _, p in pairs]],
        result.problems,
    )


def joint_leverage(
    matrix: TradeMatrix | SectorMatrix,
    focal: str,
    powers: Sequence[str],
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> JointLeverage:
    """Sever one focal state from every non-empty set of powers at once, in one batched solve.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: a repeated power, more than 12 powers, or the focal state among the powers.
        NoEquilibrium, NotConverged: not one coalition has a solution.
    """
    others = _labels(matrix, powers, "powers")
    at = matrix.index(focal)
    if focal in others:
        raise DataError(found=f"the focal state {focal} among the powers", allowed="other countries")
    if len(others) > MOST_POWERS:
        raise DataError(
            found=f"{len(others)} powers", allowed=f"at most {MOST_POWERS}, for every coalition is solved"
        )
    sets = tuple(c for size in range(1, len(others) + 1) for c in combinations(others, size))
    scenarios = [coalition(focal, c) for c in sets]
    result = solve_either(matrix, scenarios, theta, imbalances=imbalances, horizon=horizon, on_failure="mark")
    _raise_if_all(result.problems)
    return JointLeverage(
        focal,
        others,
        sets,
        result.welfare_change[:, at],
        result.welfare_change[:, [matrix.index(p) for p in others]],
        result.problems,
    )


def _labels(matrix: TradeMatrix | SectorMatrix, labels: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise TypeError(f"{what}: a list of labels is needed, not one text")
    for label in labels:
        matrix.index(label)
    if not labels or len(set(labels)) != len(labels):
        raise DataError(found=f"{what} {', '.join(labels) or 'without a label'}", allowed="each label once")
    return tuple(labels)


def _raise_if_all(problems: Sequence[BetweenGiantsError | None]) -> None:
    failed = [problem for problem in problems if problem is not None]
    if len(failed) == len(problems):
        raise failed[0]
