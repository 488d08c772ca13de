"""The sum in words: numbers with their units, conversions step by step."""

from __future__ import annotations

from collections.abc import Iterable

from betweengiants.core.errors import summary
from betweengiants.core.units import convert
from betweengiants.dossier.claims.evidence import Evidence, Fact, years

SHORT = {
    "usd_m": "million USD",
    "usd_bn": "billion USD",
    "usd": "USD",
    "usd_per_t": "USD/t",
    "usd_per_bbl": "USD/bbl",
    "pct": "%",
    "share": "",
    "count": "",
    "index": "",
    "persons_m": "million people",
    "million_t": "Mt",
    "million_t_per_year": "Mt/a",
    "bcm": "bcm",
    "bcm_per_year": "bcm/a",
    "trillion_m3": "trillion m3",
    "bbl_per_day": "bbl/d",
    "bbl_per_t": "bbl/t",
    "teu": "TEU",
    "tu": "tU",
    "bn_kwh": "bn kWh",
    "mw": "MW",
}


def figure(value: float) -> str:
    """A number as a sum shows it: four digits, or all digits before the point."""
    shown = f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    return "0" if shown == "-0" else shown


def stated(value: float, unit: str | None) -> str:
    """A number as it was stated, with its unit."""
    return f"{value:,.10g} {label(unit)}".rstrip()


def label(unit: str | None) -> str:
    """A unit as readers write it."""
    return SHORT.get(unit or "", (unit or "").replace("_", " "))


def shown(fact: Fact) -> str:
    """A fact's value with unit, bounds, period and basis."""
    bounds = ""
    if fact.open_above:
        bounds = ", or more"
    elif fact.open_below:
        bounds = ", or less"
    elif fact.low is not None and fact.high is not None and fact.low < fact.high:
        bounds = f", {figure(fact.low)} to {figure(fact.high)}"
    basis = f", {fact.basis}" if fact.basis and fact.basis != "reported" else ""
    return f"{stated(fact.number, fact.unit)} ({fact.period}{basis}{bounds})"


def converted(value: float, unit: str, to: str, period: str | None, evidence: Evidence) -> str:
    """The claim's number and, where the unit differs, the steps to the other unit.

    `400,000 bbl/d x 365 / 7.5 bbl/t = 19.47 Mt`: the density and the length of the period are named where they are used.
    """
    if unit == to:
        return stated(value, unit)
    result = evidence.express(value, unit, to, period)
    steps = [stated(value, unit)]
    span, density = years(period), evidence.density
    daily = ("_per_day" in unit) - ("_per_day" in to)
    if daily:
        steps.append("x 365" if daily > 0 else "/ 365")
    if density is not None:
        sign = _sign(*(convert(1.0, unit, to, barrels_per_tonne=k * density, years=span) for k in (1, 2)))
        steps += [f"{sign} {density:.4g} bbl/t"] if sign else []
    if span is not None and span != 1:
        sign = _sign(*(convert(1.0, unit, to, barrels_per_tonne=density, years=k * span) for k in (1, 2)))
        steps += [f"{sign} {span:.4g} a"] if sign else []
    return f"{' '.join(steps)} = {figure(result)} {label(to)}".rstrip()


def listed(facts: Iterable[Fact], axis: str, most: int = 5) -> str:
    """Competitors with value and period, by the column in which they differ."""
    names = [
        f"{getattr(fact, axis)} {figure(fact.number)}" + ("" if axis == "period" else f" ({fact.period})")
        for fact in facts
    ]
    return summary(names, most)


def _sign(once: float, twice: float) -> str:
    """Whether a result grows (x) or shrinks (/) with what was doubled, or does not depend on it."""
    return "x" if twice > once * 1.5 else "/" if twice < once / 1.5 else ""
