"""Typed errors for scenarios, and worlds, without a solution; the same for one sector and for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from betweengiants.core.errors import BetweenGiantsError, NoEquilibrium, NotConverged
from betweengiants.trade.arrays import Flags, Floats, Imbalances
from betweengiants.trade.solver import Status

REASONS = {
    Status.NO_SPENDING: "with {rule} imbalances some states would be left without anything to spend",
    Status.UNBALANCED: "some states would only sell or only buy, which their trade imbalance does not allow",
}


def fault(
    scenario: str,
    status: int,
    states: Sequence[str],
    rule: Imbalances,
    *,
    residual: float,
    iterations: int,
    tolerance: float,
) -> BetweenGiantsError | None:
    """The error that a status stands for; None where the scenario is solved.

    Args:
        scenario: its name.
        status: `solver.Status`.
        states: whom it is about.
        rule: of the imbalances.
        residual: where the iteration stopped.
        iterations: when it stopped.
        tolerance: where it should have stopped.
    """
    if status == Status.SOLVED:
        return None
    if status in REASONS:
        return NoEquilibrium(scenario, REASONS[Status(status)].format(rule=rule), states=states)
    return NotConverged(
        f"scenario '{scenario}'", residual=residual, iterations=iterations, tolerance=tolerance
    )


def out_of_range(scenario: str, price: Floats, *others: Floats) -> NoEquilibrium | None:
    """The error of prices that no number can hold (elasticities near zero, or costs that leave next to nothing to buy)."""
    if (price > 0).all() and all(np.isfinite(values).all() for values in (price, *others)):
        return None
    return NoEquilibrium(scenario, "prices would leave the range of numbers")


def raise_first(problems: Iterable[BetweenGiantsError | None]) -> None:
    """Raise the first problem, if there is one."""
    for problem in problems:
        if problem is not None:
            raise problem


def named(labels: Sequence[str], flags: Flags) -> list[str]:
    """The labels of the (N,) marked countries."""
    return [labels[k] for k in np.flatnonzero(flags).tolist()]


def require_one_world(labels: Sequence[str], flows: Floats) -> None:
    """Every country must be linked with every other, directly or through others, in some direction.

    Raises:
        NoEquilibrium: names the smallest piece.
    """
    links = (flows > 0).astype(np.float64)
    count, piece = connected_components(links, directed=True, connection="weak")
    if count == 1:
        return
    smallest = int(np.argmin(np.bincount(piece)))
    raise NoEquilibrium(
        "first order",
        "the world falls into pieces that do not trade with one another, so that relative incomes are not determined",
        states=named(labels, piece == smallest),
    )
