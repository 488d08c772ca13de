"""Powers acting together on a network: every coalition, the premium of acting together, each power's part in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, summary
from betweengiants.core.shapley import MOST_PLAYERS, joint_premium, shapley
from betweengiants.network.control import OWNERSHIP_THRESHOLD, closure
from betweengiants.network.model import Network
from betweengiants.network.programme import Programme
from betweengiants.network.reading import BASES
from betweengiants.network.results import summed


def joint_severance(
    network: Network,
    powers: Sequence[str],
    *,
    bases: Sequence[str] = BASES,
    ownership_threshold: float = OWNERSHIP_THRESHOLD,
    programme: Programme | None = None,
) -> pl.DataFrame:
    """What every coalition of the powers takes away, and the Shapley value of each power in what all take away.

    Args:
        network: the network.
        powers: 1 to 12 of `network.powers`.
        bases: which kinds of control count.
        ownership_threshold: smallest share that closes an asset; shares of a coalition add up.
        programme: the network's own programme, to save building it again.

    Returns:
        Rows by measure and coalition (small ones first): measure (`value`, and `delivered <commodity>` for every
        commodity that is delivered), coalition (powers joined by `;`), before, lost, lost_pct (null where there was
        nothing before), premium (loss less the losses that its members bring about alone), shapley and shapley_share
        (single powers only; the share is null where nothing is lost).

    Raises:
        UnknownLabel, DataError: see `closure`; no, repeated or more than 12 powers.
    """
    names = tuple(powers)
    if not names or len(set(names)) != len(names) or len(names) > MOST_PLAYERS:
        raise DataError(
            found=f"powers {summary(names) if names else 'without a label'}",
            allowed=f"1 to {MOST_PLAYERS} powers, each once",
        )
    programme = programme or Programme(network)
    before = programme.optimum(network.everything)
    groups = [group for size in range(1, len(names) + 1) for group in combinations(names, size)]
    after = []
    for group in groups:
        cut = closure(network, group, bases=bases, ownership_threshold=ownership_threshold)
        after.append(programme.optimum(cut.limits, near=before) if cut.changes_anything else before)
    place, count = network.arrays.demand_commodity, len(network.commodities)
    delivered = summed(place, before.demand, count)
    tables = [_table("value", before.value, [before.value - found.value for found in after], groups)]
    for commodity in np.flatnonzero(delivered > 0).tolist():
        lost = [
            float(delivered[commodity] - summed(place, found.demand, count)[commodity]) for found in after
        ]
        label = f"delivered {network.commodities[commodity]}"
        tables.append(_table(label, float(delivered[commodity]), lost, groups))
    return pl.concat(tables)


def _table(
    measure: str, before: float, lost: Sequence[float], groups: Sequence[tuple[str, ...]]
) -> pl.DataFrame:
    game = {frozenset(group): loss for group, loss in zip(groups, lost, strict=True)}
    parts, premium, whole = shapley(game), joint_premium(game), lost[-1]
    single = [group[0] if len(group) == 1 else None for group in groups]
    return pl.DataFrame(
        {
            "measure": [measure] * len(groups),
            "coalition": [";".join(group) for group in groups],
            "before": [before] * len(groups),
            "lost": list(lost),
            "lost_pct": [100 * loss / before if before else None for loss in lost],
            "premium": [premium[frozenset(group)] for group in groups],
            "shapley": [None if one is None else parts[one] for one in single],
            "shapley_share": [None if one is None or not whole else parts[one] / whole for one in single],
        },
        schema_overrides=dict.fromkeys(("lost_pct", "shapley", "shapley_share"), pl.Float64),
    )
