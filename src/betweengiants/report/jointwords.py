"""Sentences about the coupled severance: who holds how much through trade and roads together, and why the order changes."""

from __future__ import annotations

from betweengiants.core.intervals import Interval
from betweengiants.position import Position
from betweengiants.report import words

CHANNEL = "coupled"
PARTS = {
    "trade": "its own trade",
    "oil_transit": "oil routes",
    "gas_transit": "gas routes",
    "freight_transit": "freight routes",
}
SHORT_PARTS = {
    "trade": "Own trade",
    "oil_transit": "Oil routes",
    "gas_transit": "Gas routes",
    "freight_transit": "Freight routes",
}
HORIZONS = {"short": "short run", "long": "long run"}
VISIBLE = 0.05  # percent: below it a part rounds to nothing


def leverage(
    position: Position, *powers: str, horizon: str = "short", measure: str = "leverage_pct"
) -> Interval:
    """Loss of the focal state in percent of real spending."""
    return position.number(CHANNEL, measure, *powers, horizon=horizon)


def channels(position: Position) -> tuple[str, ...]:
    """Trade and the roads that the position holds."""
    assert position.coupled is not None
    return position.coupled.channels


def order(position: Position, horizon: str, channel: str | None = None) -> list[str]:
    """Powers from the largest loss to the smallest, through everything or through one channel alone."""
    measure = "leverage_pct" if channel is None or len(channels(position)) == 1 else f"part_{channel}_pct"
    powers = position.dossier.powers
    return sorted(powers, key=lambda p: -leverage(position, p, horizon=horizon, measure=measure).value)


def answer(position: Position) -> str:
    """Who could take most through everything it controls, with its range, the others, and what it consists of."""
    ranked = order(position, "short")
    first, rest = ranked[0], ranked[1:]
    loss = leverage(position, first)
    others = [f"{words.name(p)} {words.percent(leverage(position, p).value)}" for p in rest]
    beside = f" ({words.joined(others)})" if others else ""
    return (
        f"By cutting its trade and closing the roads that it controls, {words.name(first)} could take "
        f"{words.spanned(loss, unit='%')} of {words.name(position.dossier.focal)}’s real spending in the short run{beside}; "
        f"{changes(position, 'short')}."
    )


def changes(position: Position, horizon: str) -> str:
    """Whether the order of the powers changes once roads count, in words that follow from the numbers."""
    powers = position.dossier.powers
    if len(channels(position)) == 1:
        return "the dossier holds no roads to count beside trade"
    if len(powers) == 1:
        return "no other power is looked at"
    by_trade, by_all = order(position, horizon, "trade"), order(position, horizon)
    if by_trade == by_all:
        return "counting roads beside trade leaves the order of the powers as it is"
    if by_trade[0] == by_all[0]:
        listed = words.joined([words.name(p) for p in by_trade])
        return f"through trade alone the order would be {listed}"
    trade = leverage(position, by_trade[0], horizon=horizon, measure="part_trade_pct")
    own = leverage(position, by_all[0], horizon=horizon, measure="part_trade_pct")
    return (
        f"through trade alone {words.name(by_trade[0])} would come first with {words.percent(trade.value)}, before "
        f"{words.name(by_all[0])} with {words.percent(own.value)}"
    )


def held(position: Position) -> float | None:
    """Share of the draws in which the power that is first in the short run is first; None without draws."""
    draws = position.draws
    if draws is None:
        return None
    import numpy as np

    from betweengiants.position.coupled_draws import column

    whole = channels(position)
    losses = np.column_stack(
        [draws.loss[:, column(draws, (power,), whole), 0, 0] for power in position.dossier.powers]
    )
    losses = np.nan_to_num(losses, nan=np.inf)
    first = position.dossier.powers.index(order(position, "short")[0])
    return float((losses.argmax(axis=1) == first).mean())


def certainty(position: Position) -> str:
    """In how many draws the order at the top holds, at both horizons where it differs."""
    share = held(position)
    first = words.name(order(position, "short")[0], start=True)
    if share is None or position.draws is None:
        return ""
    count = position.draws.loss.shape[0]
    long = order(position, "long")[0]
    tail = "" if long == order(position, "short")[0] else f" In the long run {words.name(long)} comes first."
    often = f"all {count}" if share == 1 else f"{share:.0%} of {count}"
    return f"{first} comes first in {often} draws of the uncertain inputs.{tail}"


def spread(position: Position) -> str:
    """`leverage through trade and roads is spread as if over 2.4 equal powers of 4`."""
    powers = position.dossier.powers
    vectors = position.number(CHANNEL, "effective_vectors", *powers, horizon="short")
    if vectors.value == 0:
        return "no power has any leverage"
    if len(powers) == 1:
        return "no other power is looked at"
    what = "trade and roads" if len(channels(position)) > 1 else "trade"
    return f"leverage through {what} is spread as if over {vectors.value:.1f} equal powers of {len(powers)}"


def parts_title(position: Position) -> str:
    """What the largest loss mostly consists of."""
    first = order(position, "short")[0]
    parts = {
        channel: leverage(position, first, measure=f"part_{channel}_pct").value
        for channel in channels(position)
    }
    top = max(parts, key=lambda channel: parts[channel])
    return (
        f"{words.name(first, start=True)}’s hold is mostly {PARTS[top]}: alone {words.percent(parts[top])} of real "
        f"spending, of {words.percent(leverage(position, first).value)} together"
    )
