"""Comparisons (A is larger than B) and rankings (the largest, the k-th, among the k largest) over fact rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from betweengiants.dossier.claims import words
from betweengiants.dossier.claims.evidence import Evidence, Fact, year_of
from betweengiants.dossier.claims.kinds import parse_against
from betweengiants.dossier.claims.rules import (
    SLACK,
    Judgement,
    Tolerances,
    above,
    holds,
    judge_number,
    ratio_of,
)

NOTHING = "the dossier holds no fact to set beside it"


@dataclass(frozen=True, slots=True)
class Placed:
    """A judged fact, the competitor that the reference columns show, and all facts used."""

    fact: Fact
    judgement: Judgement
    reference: Fact | None
    used: tuple[Fact, ...]


def compare(claim: Mapping[str, Any], fact: Fact, evidence: Evidence, tolerances: Tolerances) -> Placed:
    """Set a fact against the facts that `against` names; `value` is the claimed ratio (default 1)."""
    other = parse_against(claim["against"]).values
    measure = other.get("measure", fact.measure)
    found = evidence.answers(
        measure,
        other.get("subject", fact.subject),
        other.get("partner", fact.partner),
        other.get("period", fact.period),
    )
    rivals = _same_basis(fact, [rival for rival in found if rival.row != fact.row])
    named = ", ".join(f"{column} {value}" for column, value in sorted(other.items()))
    if not rivals:
        return Placed(fact, Judgement("unverifiable", None, f"{NOTHING} ({named})"), None, (fact,))
    try:
        scaled = [(rival, evidence.express(1.0, rival.unit, fact.unit, rival.period)) for rival in rivals]
    except ValueError:
        unlike = f"{fact.unit} cannot be compared with {rivals[0].unit}"
        return Placed(fact, Judgement("unverifiable", None, unlike), None, (fact, *rivals))
    best = max(scaled, key=lambda pair: pair[0].number * pair[1])
    known = ratio_of(fact.number, best[0].number * best[1])
    low = ratio_of(fact.least, max(rival.most * scale for rival, scale in scaled))
    high = ratio_of(fact.most, min(rival.least * scale for rival, scale in scaled))
    low, high = min(low, high, known), max(low, high, known)
    relation, wanted = claim["relation"] or ">", _claimed_ratio(claim, evidence)
    judged = _judge_ratio(wanted, known, low, high, relation, tolerances)
    times = "" if claim["value"] is None else f"; claimed {relation} {words.figure(wanted)}"
    sums = (
        f"{words.shown(fact)} over {words.shown(best[0])} ({named}) = {words.figure(known)}"
        f"{_range(low, high)}{times}"
    )
    return Placed(
        fact, Judgement(judged.verdict, known, judged.rule, sums), best[0], (fact, *(r for r, _ in scaled))
    )


def rank(claim: Mapping[str, Any], fact: Fact, evidence: Evidence, tolerances: Tolerances) -> Placed:
    """The place of a fact among its competitors; `value` is the claimed place (default 1)."""
    axis = parse_against(claim["against"]).axis or ("partner" if claim["partner"] else "subject")
    wanted = int(float(claim["value"])) if claim["value"] is not None else 1
    relation = claim["relation"]
    rivals = _competitors(fact, axis, evidence)
    among = "periods up to its own" if axis == "period" else f"{axis}s of its kind"
    if not rivals:
        return Placed(fact, Judgement("unverifiable", None, f"{NOTHING} ({among})"), None, (fact,))
    sign = -1.0 if relation == "smallest" else 1.0
    order = sorted(rivals, key=lambda rival: (-sign * rival.number, getattr(rival, axis)))
    place = 1 + sum(above(sign * rival.number, sign * fact.number) for rival in rivals)
    low, high = _span(fact, sign)
    best = 1 + sum(above(_span(rival, sign)[0], high) for rival in rivals)
    worst = 1 + sum(above(_span(rival, sign)[1], low) for rival in rivals)
    verdict, why = _judge_place(relation, wanted, (best, place, worst), fact, order, tolerances)
    reference = order[min(place, wanted, len(order)) - 1]
    rule = f"place by {fact.measure} among {len(rivals) + 1} {among} that the dossier holds; {why}"
    sums = (
        f"{getattr(fact, axis)} {words.shown(fact)} is number {place} of {len(rivals) + 1}; others: "
        f"{words.listed(order, axis)}"
    )
    judged = Judgement(verdict, ratio_of(fact.number, reference.number), rule, sums)
    return Placed(fact, judged, reference, (fact, *order))


def _span(fact: Fact, sign: float) -> tuple[float, float]:
    """Worst and best value that the evidence allows, signed so that more is better."""
    ends = (sign * fact.least, sign * fact.most)
    return min(ends), max(ends)


def _judge_ratio(
    wanted: float, known: float, low: float, high: float, relation: str, tolerances: Tolerances
) -> Judgement:
    """An order holds for all pairs of facts (supported), for none (contradicted) or for some (imprecise)."""
    if relation in ("=", "about"):
        return judge_number(wanted, known, low, high, relation, tolerances)
    fits = (holds(relation, low, wanted), holds(relation, high, wanted))
    verdict = "supported" if all(fits) else "imprecise" if any(fits) else "contradicted"
    return Judgement(verdict, known, "the order holds for every pair of facts; for some it is imprecise")


def _judge_place(
    relation: str,
    wanted: int,
    places: tuple[int, int, int],
    fact: Fact,
    order: list[Fact],
    tolerances: Tolerances,
) -> tuple[str, str]:
    """Verdict and why, from the best, the central and the worst place that the evidence allows."""
    best, place, worst = places
    allowed = range(1, wanted + 1) if relation == "top" else range(wanted, wanted + 1)
    if best in allowed and worst in allowed:
        return "supported", "the place is as claimed"
    if any(found in allowed for found in range(best, worst + 1)):
        return "imprecise", "the bounds of the evidence allow the place and others"
    holder = order[min(wanted - 1 if place > wanted else wanted - 2, len(order) - 1)].number
    gap = abs(fact.number - holder) / abs(holder) if holder else math.inf
    near = f"{gap:.1%} from who holds the place claimed (at most {tolerances.about:.0%} is imprecise)"
    return ("imprecise" if gap <= tolerances.about + SLACK else "contradicted"), near


def _competitors(fact: Fact, axis: str, evidence: Evidence) -> list[Fact]:
    """One fact for each other value of the axis: of the same period and basis where there is one, else the nearest.

    What was only announced competes with announcements alone.
    """
    fixed = [column for column in ("subject", "partner") if column != axis]
    by_name: dict[str, list[Fact]] = {}
    for rival in evidence.facts(fact.measure):
        alike = all(getattr(rival, column) == getattr(fact, column) for column in fixed)
        told = fact.is_ahead or not rival.is_ahead
        name = getattr(rival, axis)
        if alike and told and name is not None and _competes(fact, rival, axis, evidence):
            by_name.setdefault(name, []).append(rival)
    return [_nearest(fact, found, axis) for found in by_name.values()]


def _competes(fact: Fact, rival: Fact, axis: str, evidence: Evidence) -> bool:
    if axis == "period":
        return (
            _form(rival.period) == _form(fact.period)
            and rival.period < fact.period
            and rival.basis == fact.basis
        )
    return evidence.rivals(getattr(fact, axis), getattr(rival, axis))


def _nearest(fact: Fact, found: list[Fact], axis: str) -> Fact:
    def order(rival: Fact) -> tuple[bool, int, bool, bool, float]:
        apart = 0 if axis == "period" else abs(year_of(rival.period) - year_of(fact.period))
        return (
            axis != "period" and rival.period != fact.period,
            apart,
            rival.is_part,
            rival.basis != fact.basis,
            -rival.number,
        )

    return min(found, key=order)


def _form(period: str) -> str:
    """A period without its digits: years are ranked with years, months with months."""
    return re.sub(r"\d", "", period)


def _same_basis(fact: Fact, rivals: list[Fact]) -> list[Fact]:
    """Competitors counted in the same way where there are any."""
    return [rival for rival in rivals if rival.basis == fact.basis] or rivals


def _claimed_ratio(claim: Mapping[str, Any], evidence: Evidence) -> float:
    if claim["value"] is None:
        return 1.0
    value, unit = float(claim["value"]), claim["unit"]
    return evidence.express(value, unit, "share", None) if unit else value


def _range(low: float, high: float) -> str:
    return f" ({words.figure(low)} to {words.figure(high)})" if above(high, low) else ""
