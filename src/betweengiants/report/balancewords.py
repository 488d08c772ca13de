"""What the balance index says, in plain sentences made from its numbers."""

from __future__ import annotations

import math

from betweengiants.core.errors import summary
from betweengiants.position.alignment_channel import Z95
from betweengiants.position.balance_index import DRAWS, RANGES, BalanceIndex
from betweengiants.position.balance_words import CLEAR
from betweengiants.report import words

CHOICES = {
    "scope": "what counts as a hold: ties alone, also what cutting them costs the power, also alignment",
    "measures": "whether one or all indicators of a field count",
    "gaps": "what is done where a power’s value is not known",
    "normalisation": "how figures in different units are put on one scale",
    "weights": "how much each field counts",
    "aggregation": "whether a weak field can be made up for by a strong one",
    DRAWS: "the uncertain inputs of the losses",
    RANGES: "the ranges of the other values",
}
"""The choices of an index by name, as a reader may call them."""
NAMED = 2
"""How many choices a sentence names."""


def chance(share: float) -> str:
    """Out of 100, where 100 and 0 are said only if they are exact."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "more than 99"
    return "less than 1" if rounded == 0 and share > 0 else f"{rounded}"


def sentences(state: str, found: BalanceIndex) -> list[str]:
    """Who holds how much, how balanced the whole is, which choices of the index matter most, and what it rests on.

    Args:
        state: how the focal state is called.
        found: the index.
    """
    numbers = found.state()
    vectors, free, lead = numbers["effective_vectors"], numbers["autonomy"], numbers["margin"]
    second = words.name(found.order[1])
    return [
        *_shares(state, found),
        f"Taken together this is as balanced as {words.spanned(vectors)} equal powers would be, out of {len(found.powers)}. "
        f"All but the strongest power hold {_percent(free.value)}% of it ({_percent(free.low)} to {_percent(free.high)}).",
        f"How balanced it looks depends most on {_drivers(found, 'effective_vectors')}.",
        words.signed(
            f"{words.name(found.order[0], start=True)} leads {second} by {_percent(lead.value)} points "
            f"({_percent(lead.low)} to {_percent(lead.high)}). That lead depends most on {_drivers(found, 'margin')}."
        ),
        *_coverage(found),
    ]


def _shares(state: str, found: BalanceIndex) -> list[str]:
    table = {row["power"]: row for row in found.powers_table().to_dicts()}
    shares = {
        power: f"{_percent(row['index'])}% ({_percent(row['low'])} to {_percent(row['high'])})"
        for power, row in table.items()
    }
    first, *rest = found.order
    listed = [f"{words.name(first)} holds {shares[first]}", *(f"{words.name(p)} {shares[p]}" for p in rest)]
    likely = sorted(found.powers, key=lambda power: -table[power]["chance_rank_1"])
    top = table[likely[0]]["chance_rank_1"]
    if top > CLEAR:
        who = words.name(likely[0], start=True)
        place = f"{who} comes first in {chance(top)} of 100 ways to build the index."
    else:
        ways = [f"{words.name(power)} in {chance(table[power]['chance_rank_1'])}" for power in likely]
        place = f"No power clearly comes first: of 100 ways to build the index {words.joined(ways)}."
    return [f"Of everything that ties {state} to the powers, {words.joined(listed)}.", place]


def _drivers(found: BalanceIndex, result: str) -> str:
    """The one or two choices that move a result most, with the part of its variation that each takes part in."""
    rows = found.drivers().filter(result=result)
    rows = rows.filter(rows["total"] > 0).head(NAMED)
    if not rows.height:
        return "no choice: it is the same under all of them"
    gap, error = rows["total"][0] - rows["total"][-1], math.hypot(*rows["total_se"])
    # Within the error of the estimates nobody can say which of the two comes first.
    joint = ", and as much on " if gap < Z95 * error else ", then on "
    return joint.join(
        f"{CHOICES.get(row['choice'], row['choice'])} (it has a part in {_percent(row['total'])}% of the variation)"
        for row in rows.to_dicts()
    )


def _coverage(found: BalanceIndex) -> list[str]:
    table = found.indicators_table()
    bounded = int((table["used"] == "within bounds").sum())
    never = table.filter(table["used"] == "never")["indicator"].to_list()
    fields = table["domain"].n_unique()
    told = [f"The index rests on {table.height} indicators in {fields} fields."]
    if bounded:
        told[0] += f" For {bounded} of them some power’s value is known only within bounds."
    if never:
        told.append(f"Left out, because some power’s value is not known at all: {summary(never)}.")
    return told


def _percent(share: float) -> str:
    return words.signed(f"{100 * share:.0f}")
