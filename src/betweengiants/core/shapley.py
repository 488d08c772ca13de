"""Who brings how much of a joint loss: Shapley values of any set function, and the premium of acting together.

Shapley (1953): the value of p is the mean, over all orders in which the members could join, of what p adds,

    phi[p] = sum over S without p of  |S|! (n - |S| - 1)! / n!  (L(S + p) - L(S))

Computed exactly from the losses of all coalitions. Values add up to the loss of all together.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial

import numpy as np
from numpy.typing import NDArray

from betweengiants.core.errors import DataError

MOST_PLAYERS = 12
"""2^12 - 1 = 4,095 coalitions at most."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


def _sizes(count: int) -> Ints:
    """(2^count,) number of members of each bit mask."""
    masks = np.arange(2**count)
    return np.asarray(sum(((masks >> k) & 1 for k in range(count)), np.zeros(masks.size, dtype=np.int64)))


def _table(losses: Mapping[frozenset[str], float]) -> tuple[tuple[str, ...], Floats]:
    """Players in order and the (2^n,) losses by bit mask."""
    players = tuple(sorted(frozenset().union(*losses)))
    if not 0 < len(players) <= MOST_PLAYERS:
        raise DataError(found=f"coalitions of {len(players)} players", allowed=f"1 to {MOST_PLAYERS} players")
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
