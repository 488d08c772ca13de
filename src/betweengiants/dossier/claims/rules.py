"""The rules that set one stated value beside one value of the evidence, and their tolerances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

# Converting a unit must not turn "equal" into "a little more": relative slack of every comparison.
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a stated number may lie from the evidence, as a share of the evidence.

    Attributes:
        equal: still right for `=`; also the rounding that a bound is given.
        about: still right for `about`; a missed rank within it is imprecise.
        imprecise: wrong, but near enough to be called imprecise.
        implausible: a number this many times above or below the evidence is no error of rounding or definition.
    """

    equal: float = 0.02
    about: float = 0.10
    imprecise: float = 0.25
    implausible: float = 10.0

    def of(self, relation: str) -> float:
        """Tolerance of a relation; an order has none."""
        return {"=": self.equal, "about": self.about}.get(relation, 0.0)

    @classmethod
    def widened(cls, equal: float) -> Tolerances:
        """The usual tolerances with `equal` given; the wider ones are never narrower than it."""
        usual = cls()
        return cls(equal, max(equal, usual.about), max(equal, usual.imprecise), usual.implausible)


USUAL = Tolerances()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome of one rule: the verdict, claim over evidence where both are numbers, rule and sum in words."""

    verdict: str
    ratio: float | None
    rule: str
    arithmetic: str = ""


def above(left: float, right: float) -> bool:
    """Greater by more than rounding."""
    return left - right > SLACK * max(abs(left), abs(right))


def ratio_of(stated: float, known: float) -> float:
    """Claim over evidence; evidence of zero gives 1 (both are zero) or infinity."""
    return stated / known if known else math.inf if stated else 1.0


def holds(relation: str, known: float, stated: float) -> bool:
    """Whether the evidence stands in an order (>=, <=, >, <) to the stated number."""
    if relation in (">", "<="):
        return above(known, stated) == (relation == ">")
    return above(stated, known) == (relation == "<")


def judge_number(
    stated: float, known: float, low: float, high: float, relation: str, tolerances: Tolerances
) -> Judgement:
    """A stated number beside a value of the evidence with its bounds, all in one unit."""
    ratio = ratio_of(stated, known)
    if relation in (">=", "<="):
        word, kindest = ("least", high) if relation == ">=" else ("most", low)
        verdict = "supported" if holds(relation, kindest, stated) else "contradicted"
        return Judgement(verdict, ratio, f"evidence is at {word} the claim")
    gap = max(low - stated, stated - high, 0.0)
    distance = gap / abs(known) if known else math.inf * (gap > 0) if gap else 0.0
    allowed = tolerances.of(relation)
    rule = f"distance to the evidence over its value: {distance:.1%}; at most {allowed:.0%} is supported"
    if distance <= allowed + SLACK:
        return Judgement("supported", ratio, rule)
    if distance <= tolerances.imprecise + SLACK:
        return Judgement("imprecise", ratio, f"{rule}, at most {tolerances.imprecise:.0%} imprecise")
    times = tolerances.implausible
    if ratio >= times * (1 - SLACK) or ratio <= (1 + SLACK) / times:
        return Judgement(
            "implausible", ratio, f"the claim is {ratio:.3g} times the evidence (bound: {times:g})"
        )
    return Judgement("contradicted", ratio, rule)


def judge_parties(stated: str, known: str, relation: str) -> Judgement:
    """Parties agree as sets, a part of them only roughly; >= and <= mean at least and at most these."""
    named, true = ({party.strip() for party in cell.split(";")} for cell in (stated, known))
    missing, excess = sorted(true - named), sorted(named - true)
    sums = f"named {', '.join(sorted(named))}; evidence {', '.join(sorted(true))}"
    sums += f"; not named {', '.join(missing)}" if missing else ""
    sums += f"; not in the evidence {', '.join(excess)}" if excess else ""
    if relation in (">=", "<="):
        fits = not excess if relation == ">=" else not missing
        rule = f"the evidence has at {'least' if relation == '>=' else 'most'} the parties named"
        return Judgement("supported" if fits else "contradicted", None, rule, sums)
    if named == true or (named < true and relation == "about"):
        return Judgement("supported", None, "the parties named are those of the evidence", sums)
    verdict = "imprecise" if named < true else "contradicted"
    return Judgement(verdict, None, "the lists of parties are equal; a part of them is imprecise", sums)


def judge_date(stated: str, known: str, relation: str) -> Judgement:
    """Dates agree as far as both are given; >= and <= mean on or after and on or before."""
    shared = min(len(stated), len(known))
    ours, theirs = stated[:shared], known[:shared]
    sums = _apart(stated, known)
    if relation in (">=", "<=") and ours != theirs:
        fits = theirs > ours if relation == ">=" else theirs < ours
        rule = f"the evidence is dated on or {'after' if relation == '>=' else 'before'} the claim's date"
        return Judgement("supported" if fits else "contradicted", None, rule, sums)
    verdict = "contradicted" if ours != theirs else "supported" if len(known) >= len(stated) else "imprecise"
    return Judgement(verdict, None, "the dates agree as far as the evidence is dated", sums)


def _apart(stated: str, known: str) -> str:
    """Both dates and, where both are days, how far apart they lie."""
    try:
        days = (date.fromisoformat(stated) - date.fromisoformat(known)).days
    except ValueError:
        return f"{stated} against {known}"
    if not days:
        return f"{stated} is the day of the evidence"
    plural = "" if abs(days) == 1 else "s"
    return f"{stated} is {abs(days)} day{plural} {'after' if days > 0 else 'before'} {known}"
