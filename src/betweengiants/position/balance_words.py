"""Sentences of the balance index, made from its numbers."""

from __future__ import annotations

import math

from betweengiants.core.errors import summary
from betweengiants.core.intervals import Interval
from betweengiants.position.alignment_channel import Z95
from betweengiants.position.balance_index import DRAWS, RANGES, BalanceIndex

CLEAR = 0.5
"""Chance above which a power is said to come first."""
NAMED = 2
"""How many choices a sentence names as those that decide."""
LOOSE = 0.15
"""Half of the 95 percent interval of a share of variance from which no choice is named."""
TITLES = {
    "scope": "what counts as hold (ties alone, what cutting them costs the power, alignment)",
    "measures": "one or all indicators of a domain",
    "gaps": "what is done where a power's value is not known",
    "normalisation": "how indicators are made comparable",
    "weights": "how they are weighed",
    "aggregation": "how they are put together",
    DRAWS: "the uncertain inputs of the losses",
    RANGES: "the ranges of the other values",
}


def sentences(state: str, found: BalanceIndex) -> tuple[str, ...]:
    """Who holds most, how balanced the whole is, what decides both, and how much is known.

    Args:
        state: how the focal state is called.
        found: the index.
    """
    first, second = found.order[:2]
    numbers = found.state()
    count = len(found.powers)
    vectors = numbers["effective_vectors"]
    return (
        _first(state, found),
        f"The balance is that of {vectors.value:.1f} equal powers out of {count} ({vectors.low:.1f} to {vectors.high:.1f}), "
        f"autonomy {numbers['autonomy'].value:.2f} ({numbers['autonomy'].low:.2f} to {numbers['autonomy'].high:.2f}).",
        f"The balance {_drivers(found, 'effective_vectors')}.",
        f"The lead of {first} over {second}, {_points(numbers['margin'])}, {_drivers(found, 'margin')}.",
        _coverage(found),
    )


def _first(state: str, found: BalanceIndex) -> str:
    table = {row["power"]: row for row in found.powers_table().to_dicts()}
    shares = [
        f"{power} {_percent(table[power]['index'])} ({_percent(table[power]['low'])} to {_percent(table[power]['high'])})"
        for power in found.order
    ]
    likely = sorted(found.powers, key=lambda power: -table[power]["chance_rank_1"])
    chances = {power: _chance(table[power]["chance_rank_1"]) for power in likely}
    listed = f"Of what ties {state} to the powers each holds, in percent: {', '.join(shares)}"
    if table[likely[0]]["chance_rank_1"] > CLEAR:
        return f"{listed}; {likely[0]} comes first in {chances[likely[0]]} of 100 sets of choices."
    ways = ", ".join(f"{power} in {chance}" for power, chance in chances.items())
    return f"{listed}; no power clearly comes first: {ways} of 100 sets of choices."


def _drivers(found: BalanceIndex, result: str) -> str:
    rows = found.drivers().filter(result=result)
    rows = rows.filter(rows["total"] > 0).head(NAMED)
    if not rows.height:
        return "depends most on no choice: it is the same under all of them"
    half = Z95 * max(*rows["total_se"], *rows["first_se"])
    if half > LOOSE:
        return (
            f"depends on choices that {found.drawn.shape[0] // 2} points for each sample do not tell apart: shares of its "
            f"variance are known within {_percent(half)} points only (more with a larger --base)"
        )
    gap, error = rows["total"][0] - rows["total"][-1], math.hypot(*rows["total_se"])
    # Within the error of the estimates nobody can say which of the two comes first.
    joint = " and equally on " if gap < Z95 * error else ", then on "
    return "depends most on " + joint.join(
        f"{TITLES.get(row['choice'], row['choice'])} ({_percent(row['total'])} percent of its variance with all "
        f"interactions, {_percent(min(max(row['first'], 0.0), row['total']))} alone)"
        for row in rows.to_dicts()
    )


def _coverage(found: BalanceIndex) -> str:
    table = found.indicators_table()
    bounded = int((table["used"] == "within bounds").sum())
    never = table.filter(table["used"] == "never")["indicator"].to_list()
    domains = table["domain"].n_unique()
    text = f"{table.height} indicators in {domains} domains"
    if bounded:
        text += f"; of {bounded} some power's value is known within bounds alone"
    if never:
        text += f"; left out for all, because some power's value has no bound: {summary(never)}"
    return text + "."


def _points(margin: Interval) -> str:
    value, low, high = (f"{100 * end:+.0f}" for end in (margin.value, margin.low, margin.high))
    return f"{value} points ({low} to {high})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _chance(share: float) -> str:
    """Out of 100, where 100 and 0 are said only if they are exact."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "more than 99"
    return "less than 1" if rounded == 0 and share > 0 else f"{rounded}"
