"""What one measure says about another: bounds, capacities and sections, as rows of bounds.csv.

- `at_most`: the first cannot exceed the second (plus further measures): exports and output, a part and its whole. The same
  inequality is read from both sides: exports above output, and output below exports.
- `capacity`: the second is what the first could be at most on the same tie. A claim about the first that gives the value
  of the second has taken what can flow for what flows.
- `in_series`: the second is a section of the same way. A claim about the first that is more than it is right for a
  section and not for the way.

Where the evidence has several values, the kindest to the claim is taken. A ceiling is that of the claim's period, or the
largest of any period where there is none; a floor is that of the claim's period. A source that says only `more than` sets
no ceiling, one that says only `up to` no floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from betweengiants.dossier.claims import words
from betweengiants.dossier.claims.evidence import Evidence, Fact
from betweengiants.dossier.claims.rules import SLACK, Judgement, Tolerances, judge_number


@dataclass(frozen=True, slots=True)
class Claimed:
    """A number that a claim states, with the tie it is about."""

    measure: str
    subject: str | None
    partner: str | None
    period: str | None
    value: float
    unit: str
    relation: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a bound says about a claim: in words, with the facts it rests on, and how far it is passed (1: just met)."""

    rule: str
    arithmetic: str
    facts: tuple[Fact, ...]
    excess: float = 1.0


def exceeds(part: float, whole: float, tolerances: Tolerances) -> bool:
    """Whether a part is larger than its whole by more than the rounding that bounds are given."""
    return part - whole > (tolerances.equal + SLACK) * abs(whole)


def broken(claimed: Claimed, evidence: Evidence, tolerances: Tolerances) -> Found | None:
    """The bound that the claim breaks, or None; of several the kindest, which says most: above even that."""
    upwards = claimed.relation in ("=", "about", ">=")
    downwards = claimed.relation in ("=", "about", "<=")
    found = []
    for row in _rows(evidence, "at_most"):
        if row["measure"] == claimed.measure and upwards:
            found.append(_above_whole(claimed, row, evidence, tolerances))
        if row["other"] == claimed.measure and downwards:
            found.append(_below_part(claimed, row, evidence, tolerances))
    return min(
        (one for one in found if one is not None), key=lambda one: (one.excess, one.rule), default=None
    )


def capacity_taken_for_flow(claimed: Claimed, evidence: Evidence, tolerances: Tolerances) -> Found | None:
    """A capacity of the same tie that the claim gives as what flows, or None."""
    if claimed.relation not in ("=", "about"):
        return None
    for fact, stated in _linked(claimed, evidence, "capacity"):
        judged = judge_number(stated, fact.number, fact.least, fact.most, claimed.relation, tolerances)
        if judged.verdict == "supported":
            sums = words.converted(claimed.value, claimed.unit, fact.unit, fact.period, evidence)
            return Found(
                f"the number is what can flow ({fact.measure} of {fact.subject}), not what flows",
                f"{sums}, the capacity: {words.shown(fact)}",
                (fact,),
            )
    return None


def narrower_section(claimed: Claimed, evidence: Evidence, tolerances: Tolerances) -> Found | None:
    """A section of the same way that takes less than the claim says, or None."""
    if claimed.relation not in ("=", "about", ">="):
        return None
    for fact, stated in _sections(claimed, evidence):
        if exceeds(stated, fact.most, tolerances):
            return Found(
                f"right for one section; {fact.subject} on the same way takes less ({fact.measure})",
                f"{words.stated(claimed.value, claimed.unit)} against {words.shown(fact)} of {fact.subject}",
                (fact,),
            )
    return None


def judge_way(
    claimed: Claimed, evidence: Evidence, tolerances: Tolerances
) -> tuple[Judgement, tuple[Fact, ...]] | None:
    """A way is as wide as its narrowest section; the value of a wider section is imprecise. None without sections.

    Returns:
        The judgement and the facts, the one to show first.
    """
    sections = _sections(claimed, evidence)
    if not sections:
        return None
    narrowest, stated = min(sections, key=lambda pair: pair[0].most)
    judged = judge_number(
        stated, narrowest.number, narrowest.least, narrowest.most, claimed.relation, tolerances
    )
    sums = words.converted(claimed.value, claimed.unit, narrowest.unit, narrowest.period, evidence)
    sums += f" against {words.shown(narrowest)} of {narrowest.subject}"
    rule = f"a way is as wide as its narrowest section ({narrowest.subject}); {judged.rule}"
    if judged.verdict != "supported" and claimed.relation in ("=", "about"):
        for fact, there in sections:
            own = judge_number(there, fact.number, fact.least, fact.most, claimed.relation, tolerances)
            if own.verdict == "supported":
                sums = f"{words.shown(fact)} of {fact.subject}; {sums}"
                rule = f"the number is that of one section ({fact.subject}); {narrowest.subject} on the same way takes less"
                return Judgement("imprecise", judged.ratio, rule, sums), (fact, narrowest)
    return Judgement(judged.verdict, judged.ratio, rule, sums), (narrowest,)


def _sections(claimed: Claimed, evidence: Evidence) -> list[tuple[Fact, float]]:
    """The latest fact on every section of a way with the claim's number in its unit."""
    latest: dict[str, tuple[Fact, float]] = {}
    for fact, stated in _linked(claimed, evidence, "in_series"):
        latest.setdefault(fact.subject, (fact, stated))
    return list(latest.values())


def _rows(evidence: Evidence, relation: str) -> Iterable[dict[str, Any]]:
    return (row for row in evidence.bounds if row["relation"] == relation)


def _linked(claimed: Claimed, evidence: Evidence, relation: str) -> list[tuple[Fact, float]]:
    """Facts on the other side of a relation with the claim's number in their unit, the latest first."""
    found = []
    for row in _rows(evidence, relation):
        if row["measure"] != claimed.measure or not _fits(row, claimed.subject, claimed.partner):
            continue
        subject, partner = _other_side(row, claimed.subject, claimed.partner)
        facts = evidence.answers(row["other"], subject, partner, None)
        for fact in _in_period(facts, claimed.period):
            stated = _express(claimed.value, claimed.unit, fact, evidence)
            if stated is not None and not fact.is_ahead:
                found.append((fact, stated))
    return sorted(found, key=lambda pair: pair[0].period, reverse=True)


def _above_whole(
    claimed: Claimed, row: Mapping[str, Any], evidence: Evidence, tolerances: Tolerances
) -> Found | None:
    """The claim is about a part (or exports) and is larger than its whole (or output)."""
    if not _fits(row, claimed.subject, claimed.partner):
        return None
    subject, partner = _other_side(row, claimed.subject, claimed.partner)
    if (row["other"], subject, partner) == (claimed.measure, claimed.subject, claimed.partner):
        return None
    whole = _in_period(evidence.answers(row["other"], subject, partner, None), claimed.period)
    if not whole or any(fact.open_above for fact in whole):
        return None
    largest = max(whole, key=lambda fact: fact.most)
    stated = _express(claimed.value, claimed.unit, largest, evidence)
    if stated is None:
        return None
    added, named, used = _added(row, subject, partner, largest, evidence)
    if not exceeds(stated, largest.most + added, tolerances):
        return None
    sums = words.converted(claimed.value, claimed.unit, largest.unit, largest.period, evidence)
    return Found(
        f"{claimed.measure} cannot exceed {row['other']}{named}",
        f"{sums}, above {words.shown(largest)}{_sum(added, largest.unit)}",
        (largest, *used),
        _times(stated, largest.most + added),
    )


def _below_part(
    claimed: Claimed, row: Mapping[str, Any], evidence: Evidence, tolerances: Tolerances
) -> Found | None:
    """The claim is about a whole (or output) and is smaller than a known part (or exports)."""
    by_tie: dict[tuple[str, str | None], list[Fact]] = {}
    for fact in evidence.facts(row["measure"]):
        mine = (row["measure"], fact.subject, fact.partner) == (
            claimed.measure,
            claimed.subject,
            claimed.partner,
        )
        fits = _fits(row, fact.subject, fact.partner) and not fact.is_part and not fact.is_ahead
        if fits and not mine and _other_side(row, fact.subject, fact.partner) == _tie(claimed):
            by_tie.setdefault((fact.subject, fact.partner), []).append(fact)
    for parts in by_tie.values():
        part = _floor([fact for fact in parts if claimed.period in (None, fact.period)])
        stated = None if part is None else _express(claimed.value, claimed.unit, part, evidence)
        if part is None or stated is None:
            continue
        added, named, used = _added(row, claimed.subject, claimed.partner, part, evidence)
        if exceeds(part.least, stated + added, tolerances):
            sums = words.converted(claimed.value, claimed.unit, part.unit, part.period, evidence)
            return Found(
                f"{claimed.measure}{named} cannot be less than {row['measure']}",
                f"{sums}{_sum(added, part.unit)}, below {words.shown(part)}",
                (part, *used),
                _times(part.least, stated + added),
            )
    return None


def _times(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf


def _tie(claimed: Claimed) -> tuple[str | None, str | None]:
    return claimed.subject, claimed.partner


def _floor(parts: list[Fact]) -> Fact | None:
    """The smallest value that the sources give for one tie; none if a source says only `up to`."""
    if not parts or any(fact.open_below for fact in parts):
        return None
    return min(parts, key=lambda fact: fact.least)


def _added(
    row: Mapping[str, Any], subject: str | None, partner: str | None, beside: Fact, evidence: Evidence
) -> tuple[float, str, tuple[Fact, ...]]:
    """What further measures add to the whole in its unit; a measure without a fact adds nothing and is named."""
    total, used, named = 0.0, [], []
    for measure in filter(None, (row["plus"] or "").split(";")):
        facts = _in_period(evidence.answers(measure, subject, partner, None), beside.period)
        best = max(facts, key=lambda fact: fact.most, default=None)
        amount = None if best is None else _express(best.most, best.unit, beside, evidence)
        named.append(measure if amount is not None else f"{measure} (no fact)")
        if best is not None and amount is not None:
            total += math.inf if best.open_above else amount
            used.append(best)
    return total, "".join(f" plus {name}" for name in named), tuple(used)


def _sum(added: float, unit: str) -> str:
    return f" plus {words.figure(added)} {words.label(unit)}".rstrip() if added else ""


def _fits(row: Mapping[str, Any], subject: str | None, partner: str | None) -> bool:
    """Whether a row speaks of this tie; an empty cell speaks of all."""
    return row["subject"] in (None, subject) and row["partner"] in (None, partner)


def _other_side(
    row: Mapping[str, Any], subject: str | None, partner: str | None
) -> tuple[str | None, str | None]:
    """Subject and partner of the other measure: the same, none, taken from the other column, or an actor."""
    words_for: dict[str, str | None] = {"subject": subject, "partner": partner, "none": None}

    def side(cell: str | None, same: str | None) -> str | None:
        return same if cell in (None, "same") else words_for.get(str(cell), cell)

    return side(row["other_subject"], subject), side(row["other_partner"], partner)


def _in_period(facts: list[Fact], period: str | None) -> list[Fact]:
    """Facts of the claim's period where there are any, else those of all periods."""
    return [fact for fact in facts if fact.period == period] or facts


def _express(value: float, unit: str, fact: Fact, evidence: Evidence) -> float | None:
    try:
        return evidence.express(value, unit, fact.unit, fact.period)
    except ValueError:
        return None
