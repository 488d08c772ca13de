"""Who brings how much of a joint loss of trade: Shapley values (see `core.shapley`), and the premium of acting together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.shapley import joint_premium as joint_premium
from betweengiants.core.shapley import shapley
from betweengiants.trade.sweeps import JointLeverage


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
