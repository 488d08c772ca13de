"""One severance out of a position: what a coalition could take away, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.position.assemble import Position
from betweengiants.position.results import coalition_name
from betweengiants.position.trade_channel import HORIZONS

CHANNELS = ("coupled", "trade", "oil_transit", "gas_transit", "freight_transit")
DOMAINS = {
    "trade": ("trade",),
    "energy": ("oil_transit", "gas_transit"),
    "transit": ("freight_transit",),
}
"""Channels of each domain whose ties can be cut."""
TINY = 1e-6


def channels_of(channel: str | None = None) -> tuple[str, ...]:
    """The channels that a severance shows: all, those of a domain, or a single one.

    Raises:
        UnknownLabel: neither a channel nor a domain.
    """
    if channel is None:
        return CHANNELS
    if channel not in CHANNELS and channel not in DOMAINS:
        raise UnknownLabel(channel, [*DOMAINS, *CHANNELS], what="channel")
    return DOMAINS.get(channel, (channel,))


def severance(
    position: Position, by: Sequence[str], *, channel: str | None = None, horizon: str | None = None
) -> pl.DataFrame:
    """The rows of the long table that belong to this coalition acting together.

    Args:
        position: the results.
        by: powers of the dossier.
        channel: only this channel, or the channels of this domain.
        horizon: only `short` or `long`; channels without a horizon are kept.

    Raises:
        UnknownLabel: a power that the dossier does not name, a channel or a horizon that is none, with the nearest ones.
        DataError: no power.
    """
    powers = position.dossier.powers
    for power in by:
        if power not in powers:
            raise UnknownLabel(power, powers, what="power", file=f"dossier {position.dossier.header.name}")
    if not by:
        raise DataError(found="no power that severs", allowed=f"one or more of {summary(powers)}")
    chosen = channels_of(channel)
    if horizon is not None and horizon not in HORIZONS:
        raise UnknownLabel(horizon, HORIZONS, what="horizon")
    wanted = pl.col("coalition") == coalition_name(set(by))
    wanted &= pl.col("channel").is_in(list(chosen))
    wanted &= ~pl.col("measure").is_in(["effective_vectors", "autonomy", "shapley_pct", "shapley_usd_m"])
    if horizon is not None:
        wanted &= pl.col("horizon").is_in([horizon, ""])
    return position.results.filter(wanted)


def remaining_routes(position: Position, by: Sequence[str]) -> str | None:
    """What still leaves the focal state by which route when these powers close the oil routes, as one sentence.

    Returns:
        None if the dossier holds no network.
    """
    if position.oil is None:
        return None
    case = position.oil.routes.filter((pl.col("case") == coalition_name(set(by))) & (pl.col("flow") > TINY))
    listed = [f"{row['name']} {row['flow']:.1f}" for row in case.sort("flow", descending=True).to_dicts()]
    total = float(case["flow"].sum())
    if not listed:
        return f"Of {position.oil.total_before:.1f} million tonnes of crude a year nothing would still leave."
    return (
        f"Of {position.oil.total_before:.1f} million tonnes of crude a year {total:.1f} would still leave: "
        f"{'; '.join(listed)}."
    )
