"""One severance out of a position: what a coalition could take away, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.position.assemble import Position
from betweengiants.position.results import coalition_name

CHANNELS = ("trade", "oil_transit")


def severance(
    position: Position, by: Sequence[str], *, channel: str | None = None, horizon: str | None = None
) -> pl.DataFrame:
    """The rows of the long table that belong to this coalition acting together.

    Args:
        position: the results.
        by: powers of the dossier.
        channel: only `trade` or `oil_transit`.
        horizon: only `short` or `long`; channels without a horizon are kept.

    Raises:
        UnknownLabel: a power that the dossier does not name, with the nearest ones.
    """
    powers = position.dossier.powers
    for power in by:
        if power not in powers:
            raise UnknownLabel(power, powers, what="power", file=f"dossier {position.dossier.header.name}")
    wanted = pl.col("coalition") == coalition_name(set(by))
    wanted &= pl.col("channel").is_in(list(CHANNELS) if channel is None else [channel])
    wanted &= ~pl.col("measure").is_in(["effective_vectors", "autonomy"])
    if horizon is not None:
        wanted &= pl.col("horizon").is_in([horizon, ""])
    return position.results.filter(wanted)
