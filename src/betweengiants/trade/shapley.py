"""Who brings how much of a joint loss: Shapley values of any set function, and the premium of acting together.

Shapley (1953): the value of p is the mean, over all orders in which the members could join, of what p adds,

    phi[p] = sum over S without p of  |S|! (n - |S| - 1)! / n!  (L(S + p) - L(S))

Computed exactly from the losses of all coalitions. Values add up to the loss of all together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.trade.arrays import Floats, Ints
from betweengiants.trade.sweeps import MOST_POWERS, JointLeverage


@dataclass(frozen=True)
class ShapleyShares:
    """Parts of the powers in the joint loss of one focal state; losses are fractions of real spending.

    Attributes:
        focal: the focal state.
        powers: P powers.
        value: (P,) Shapley values; they add up to `total`.
        share: (P,) value / total; not-a-number where the total is zero.
        total: the loss when all sever together.
        losses: loss of every coalition.
        premium: of every coalition, its loss less the losses that its members bring about alone.
    """

    focal: str
    powers: tuple[str, ...]
    value: tuple[float, ...]
    share: tuple[float, ...]
    total: float
    losses: Mapping[frozenset[str], float]
    premium: Mapping[frozenset[str], float]

    def frame(self) -> pl.DataFrame:
        """focal, power, loss_alone_pct, shapley_pct, shapley_share; empty where a share does not exist."""
        return pl.DataFrame(
            {
                "focal": [self.focal] * len(self.powers),
                "power": self.powers,
                "loss_alone_pct": [100 * self.losses[frozenset((p,))] for p in self.powers],
                "shapley_pct": [100 * v for v in self.value],
                "shapley_share": self.share,
            }
        ).fill_nan(None)


def shapley(losses: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Exact Shapley values.

    Args:
        losses: loss of every non-empty coalition of 1 to 12 players; the empty one may be given (default: 0).

    Returns:
        Players in alphabetical order, and their values, which add up to L(all) - L(nobody).

    Raises:
        DataError: a coalition is missing, a loss is not finite, or there are no or more than 12 players.
    """
    players, table = _table(losses)
    count = len(players)
    masks = np.arange(2**count)
    size = _sizes(count)
    weight = np.array([factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)])
    values = {}
    for k, player in enumerate(players):
        without = masks[(masks >> k) & 1 == 0]
        values[player] = float(weight[size[without]] @ (table[without | 1 << k] - table[without]))
    return values


def joint_premium(losses: Mapping[frozenset[str], float]) -> dict[frozenset[str], float]:
    """Joint-leverage premium of every non-empty coalition: `L(S) - sum over p in S of L({p})`; zero for one power.

    With two powers it is L(A+B) - L(A) - L(B). Losses are counted from the empty coalition's (default: 0).

    Raises:
        DataError: as `shapley`.
    """
    players, table = _table(losses)
    table = table - table[0]
    masks = np.arange(2 ** len(players))
    alone = sum((((masks >> k) & 1) * table[1 << k] for k in range(len(players))), np.zeros(masks.size))
    premium = np.where(_sizes(len(players)) < 2, 0.0, table - alone)
    return {
        frozenset(p for k, p in enumerate(players) if mask >> k & 1): float(premium[mask])
        for mask in range(1, masks.size)
    }


def shapley_shares(joint: JointLeverage) -> ShapleyShares:
    """Shapley values and premiums of a solved joint severance.

    Raises:
        NoEquilibrium, NotConverged: a coalition has no solution, so that nothing can be shared out; its own error.
    """
    for problem in joint.problems:
        if problem is not None:
            raise problem
    changes = zip(joint.coalitions, joint.welfare_change, strict=True)
    losses = {frozenset(members): float(-change) for members, change in changes}
    values = shapley(losses)
    total = losses[frozenset(joint.powers)]
    value = tuple(values[p] for p in joint.powers)
    share = tuple(v / total if total else np.nan for v in value)
    return ShapleyShares(joint.focal, joint.powers, value, share, total, losses, joint_premium(losses))


def joint_table(joint: JointLeverage) -> pl.DataFrame:
    """Every coalition, and beside each single power its part in the loss of all together.

    Columns coalition (powers joined by `;`), welfare_change_pct, premium_pct (loss less the losses that the members bring
    about alone, in percentage points), shapley_pct and shapley_share (rows of single powers only). Where a coalition has
    no solution, what depends on it is empty.
    """
    loss = -joint.welfare_change
    alone = dict(zip(joint.powers, loss, strict=False))
    single = [len(members) == 1 for members in joint.coalitions]
    premium = [
        0.0 * value if one else value - sum(alone[p] for p in members)
        for members, value, one in zip(joint.coalitions, loss, single, strict=True)
    ]
    parts: dict[str, tuple[float, float]] = {}
    if all(problem is None for problem in joint.problems):
        shares = shapley_shares(joint)
        parts = dict(zip(joint.powers, zip(shares.value, shares.share, strict=True), strict=True))
    nothing = (np.nan, np.nan)
    shown = [
        parts.get(members[0], nothing) if one else nothing
        for members, one in zip(joint.coalitions, single, strict=True)
    ]
    return pl.DataFrame(
        {
            "coalition": [";".join(members) for members in joint.coalitions],
            "welfare_change_pct": 100 * joint.welfare_change,
            "premium_pct": [100 * float(p) for p in premium],
            "shapley_pct": [100 * value for value, _ in shown],
            "shapley_share": [share for _, share in shown],
        },
        schema_overrides=dict.fromkeys(("premium_pct", "shapley_pct", "shapley_share"), pl.Float64),
    ).fill_nan(None)


def _sizes(count: int) -> Ints:
    """(2^count,) number of members of each bit mask."""
    masks = np.arange(2**count)
    return np.asarray(sum(((masks >> k) & 1 for k in range(count)), np.zeros(masks.size, dtype=np.int64)))


def _table(losses: Mapping[frozenset[str], float]) -> tuple[tuple[str, ...], Floats]:
    """Players in order and the (2^n,) losses by bit mask."""
    players = tuple(sorted(frozenset().union(*losses)))
    if not 0 < len(players) <= MOST_POWERS:
        raise DataError(found=f"coalitions of {len(players)} players", allowed=f"1 to {MOST_POWERS} players")
    bit = {player: 1 << k for k, player in enumerate(players)}
    table = np.full(2 ** len(players), np.nan)
    table[0] = 0.0
    given = np.zeros(table.size, dtype=np.bool_)
    given[0] = True
    for members, loss in losses.items():
        mask = sum(bit[player] for player in members)
        table[mask], given[mask] = loss, True
    if not given.all():
        absent = int(np.flatnonzero(~given)[0])
        names = "+".join(p for p in players if absent & bit[p])
        raise DataError(found=f"no loss for the coalition {names}", allowed="a loss for every coalition")
    if not np.isfinite(table).all():
        endless = int(np.flatnonzero(~np.isfinite(table))[0])
        names = "+".join(p for p in players if endless & bit[p]) or "nobody"
        raise DataError(found=f"a loss of {table[endless]:g} for {names}", allowed="finite numbers")
    return players, table
