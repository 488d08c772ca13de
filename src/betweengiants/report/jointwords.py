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


def headline(position: Position) -> str:
    """The answer in one line: who could take most, and how much with its range."""
    first = order(position, "short")[0]
    loss = leverage(position, first)
    focal = words.name(position.dossier.focal)
    alone = len(position.dossier.powers) == 1
    if not is_seen(position):
        return f"No power could take anything from {focal} that shows in its real spending."
    most = "" if alone else " more than any other power"
    return (
        f"{words.name(first, start=True)} could cost {focal}{most}: {words.spanned(loss, unit='%')} of real spending "
        "in the short run."
    )


def is_seen(position: Position) -> bool:
    """Whether the largest loss does not round to nothing."""
    return leverage(position, order(position, "short")[0]).value >= VISIBLE


def answer(position: Position) -> str:
    """By what means, what the other powers could take, with their ranges, and whether roads change the order."""
    first, *rest = order(position, "short")
    means = " and closed the routes that it controls" if len(channels(position)) > 1 else ""
    others = [f"{words.name(p)} {words.spanned(leverage(position, p), unit='%')}" for p in rest]
    beside = (
        f" Next come {words.joined(others)}."
        if len(others) > 1
        else "".join(f" Next comes {o}." for o in others)
    )
    said = changes(position, "short")
    return f"That is the loss if {words.name(first)} cut its own trade{means}.{beside} {said[0].upper()}{said[1:]}."


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
    """In how many runs with other inputs the order at the top holds, what the ranges are, and who is first in the long run."""
    share = held(position)
    first = words.name(order(position, "short")[0], start=True)
    if share is None or position.draws is None:
        return ""
    count = position.draws.loss.shape[0]
    long = order(position, "long")[0]
    tail = "" if long == order(position, "short")[0] else f" In the long run {words.name(long)} comes first."
    often = f"all {count} runs" if share == 1 else f"{round(share * count)} of {count} runs"
    return f"{first} comes first in {often} with the uncertain inputs drawn anew; the brackets hold 90% of the runs.{tail}"


def spread(position: Position) -> str:
    """`its exposure through trade and roads is spread as if over 2.4 equal powers of 4`."""
    powers = position.dossier.powers
    vectors = position.number(CHANNEL, "effective_vectors", *powers, horizon="short")
    if vectors.value == 0:
        return "no power has any leverage"
    if len(powers) == 1:
        return "no other power is looked at"
    what = "trade and roads" if len(channels(position)) > 1 else "trade"
    return f"its exposure through {what} is spread as if over {words.spanned(vectors)} equal powers of {len(powers)}"


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
