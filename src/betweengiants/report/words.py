"""Sentences that follow from the numbers: the same results always give the same words."""

from __future__ import annotations

import re

from betweengiants.core.countries import short_name
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.position import Position

# Less than this, in million tonnes a year, rounds to nothing in the sentence.
LITTLE_OIL = 0.5
CODE = re.compile(r"\b[A-Za-z][A-Za-z0-9_]+\b")
HYPHEN_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\d)")
"""A hyphen that stands for a minus: before a digit, and after nothing that it could join to it (a date, a code, a range)."""
NOTHING_BELOW = re.compile(r"(?<![\w.)\]-])-(?=0(?:\.0+)?(?![\d.]))")
"""The sign of a number that rounds to nothing."""
BRIEF = {"USA": "US", "EU27": "EU"}
THE = {"USA": "the United States", "EU27": "the European Union"}


def name(code: str, *, start: bool = False) -> str:
    """A state's name in running text."""
    words = THE.get(code, short_name(code))
    return words[0].upper() + words[1:] if start else words


def brief(code: str) -> str:
    """A name for a narrow place: `US`, `EU`, else the short one."""
    return BRIEF.get(code, short_name(code))


def joined(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def signed(text: str) -> str:
    """The text with a minus (U+2212) before negative numbers, and no sign before those that round to nothing."""
    return HYPHEN_MINUS.sub("−", NOTHING_BELOW.sub("", text))


def percent(value: float) -> str:
    """One decimal; a loss that rounds to nothing has no sign."""
    return signed(f"{value:.1f}%")


def span(low: float, high: float, digits: int = 1) -> str:
    """`3.4 to 9.2`; one number where both read the same."""
    ends = signed(f"{low:.{digits}f}"), signed(f"{high:.{digits}f}")
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def billions(usd_m: float) -> str:
    """Money in billions of dollars, one decimal."""
    text = signed(f"{usd_m / 1000:,.1f}")
    return f"−${text[1:]} bn" if text.startswith("−") else f"${text} bn"


GOODS = {"oil": "crude exports", "gas": "gas deliveries", "freight": "freight"}
"""What the pictures of a transport system call the focal state's own deliveries."""
UNITS = {"million_t": ("Mt", "million tonnes"), "bcm": ("bcm", "billion cubic metres")}


def goods(system: str, *, start: bool = False) -> str:
    """The focal state's own deliveries of a system, in running text."""
    text = GOODS[system]
    return text[0].upper() + text[1:] if start else text


def carried(system: str, focal: str) -> str:
    """What the map of a system shows."""
    if system == "oil":
        return f"Crude oil from {name(focal)}"
    if system == "gas":
        return f"Natural gas from, to and through {name(focal)}"
    return f"Goods from, to and through {name(focal)} by rail and sea"


def unit_of(code: str) -> str:
    """A unit in short."""
    return UNITS[code][0]


def long_unit(code: str) -> str:
    """A unit in words."""
    return UNITS[code][1]


def spanned(number: Interval, digits: int = 1, unit: str = "") -> str:
    """`4.9% (3.4 to 9.2)`; without the range where there is none."""
    middle = signed(f"{number.value:.{digits}f}") + unit
    if number.low == number.high:
        return middle
    return signed(f"{middle} ({number.low:.{digits}f} to {number.high:.{digits}f})")


def answer(position: Position) -> list[str]:
    """The answer in two sentences: what each power could take away, and where the state stands."""
    return [_leverage_sentence(position), alignment_sentence(position, _spread(position))]


def _leverage_sentence(position: Position) -> str:
    powers = position.dossier.powers
    loss = {p: position.number("trade", "leverage_pct", p, horizon="short") for p in powers}
    ranked = sorted(powers, key=lambda p: -loss[p].value)
    first, rest = ranked[0], ranked[1:]
    listed = [f"{name(p)} {spanned(loss[p], unit='%')}" for p in rest]
    others = f", before {joined(listed)}" if rest else ""
    focal = name(position.dossier.focal)
    sentence = (
        f"By cutting trade alone, {name(first)} could take {spanned(loss[first], unit='%')} of {focal}’s real spending "
        f"in the short run{others}"
    )
    if position.oil is None:
        return sentence + "."
    top = max(powers, key=lambda p: position.number("oil_transit", "lost_usd_m", p).value)
    lost = position.number("oil_transit", "lost_million_t", top)
    if lost.value < LITTLE_OIL:
        return f"{sentence}; no power alone could stop crude exports by closing the oil routes it controls."
    value = position.number("oil_transit", "lost_usd_m", top)
    share = position.number("oil_transit", "lost_pct_gdp", top)
    return (
        f"{sentence}; by closing the oil routes it controls, {name(top)} could stop {lost.value:.0f} of "
        f"{position.oil.total_before:.0f} million tonnes of crude exports a year, worth {billions(value.value)} or "
        f"{spanned(share, unit='%')} of GDP."
    )


def alignment_sentence(position: Position, spread: str) -> str:
    """Whom the state votes most and least like, and how its dependence is spread (a clause made elsewhere)."""
    powers = position.dossier.powers
    if not position.has("votes"):
        return f"The dossier holds no votes with {joined([name(p) for p in powers])}; {spread}."
    year = str(position.trails["votes"].parameters["latest_full_year"])
    score = {
        p: position.number("votes", "vote_agreement", p, period=year)
        for p in powers
        if voted(position, p, year)
    }
    near, far = max(score, key=lambda p: score[p].value), min(score, key=lambda p: score[p].value)
    most = "with" if near == far else "most like"
    least = "" if near == far else f", and least like {name(far)}: {spanned(score[far], digits=2)}"
    return (
        f"In the United Nations General Assembly of {year} {name(position.dossier.focal)} voted {most} {name(near)}: agreement "
        f"{spanned(score[near], digits=2)} on a scale of 0 to 1{least}; {spread}."
    )


def _spread(position: Position) -> str:
    """`its exposure through trade is spread as if over 3.1 equal powers of 4, through oil routes over 1.2`."""
    powers = position.dossier.powers
    trade = position.number("trade", "effective_vectors", *powers, horizon="short")
    if trade.value == 0:
        return "no power has any leverage through trade"
    if len(powers) == 1:
        return "no other power is looked at"
    words = f"its exposure through trade is spread as if over {trade.value:.1f} equal powers of {len(powers)}"
    if position.oil is None:
        return words
    oil = position.number("oil_transit", "effective_vectors", *powers)
    return f"{words}, through oil routes over {oil.value:.1f}"


def voted(position: Position, power: str, year: str | None = None) -> bool:
    """Whether the dossier has votes with this power (in this year)."""
    rows = position.results
    found = (rows["channel"] == "votes") & (rows["coalition"] == power)
    return bool((found if year is None else found & (rows["period"] == year)).any())


def overlap_rows(position: Position) -> list[dict[str, str]]:
    """How the channels relate: what each counts, where two count the same thing, and why nothing is added."""
    rows = [
        {
            "channel": "Trade",
            "counts": "All trade of the focal state with the power, both ways, every good; prices and wages adjust.",
            "overlaps": "Oil that the power itself buys is counted here and among the oil routes.",
            "unit": "percent of real national spending",
        }
    ]
    if position.oil is not None:
        rows.append(
            {
                "channel": "Oil routes",
                "counts": "Crude that no longer reaches any buyer once the power’s pipelines, ports and purchases "
                "close; valued at delivered prices of the base year, nothing adjusts.",
                "overlaps": "Mostly oil sold to others, which the trade channel leaves untouched.",
                "unit": "percent of GDP",
            }
        )
    rows.append(
        {
            "channel": "Votes and institutions",
            "counts": "The state’s own behaviour towards the power.",
            "overlaps": "None with the channels above: it is the other axis.",
            "unit": "0 to 1; number of institutions",
        }
    )
    return rows


def with_names(text: str, dossier: Dossier, *, bare: bool = False) -> str:
    """A sentence in which codes of states and measures are replaced by their names.

    Args:
        text: the sentence.
        dossier: knows the names.
        bare: names without an article, as in a list.
    """
    named = {code: short_name(code) if bare else name(code) for code in (*dossier.powers, dossier.focal)}
    named |= dict(dossier.tables["measures"].select("measure", "title").iter_rows())
    return CODE.sub(lambda match: named.get(match[0], match[0]), text)
