"""Claims against evidence: a stated rule, the facts it used, the arithmetic, and a verdict that is computed.

One row for each claim and fact that answers it, and over them one combined verdict by a stated rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from betweengiants.core.errors import DataError, nearest
from betweengiants.core.units import UNITS
from betweengiants.dossier.claims import bounds, existence, ranking, words
from betweengiants.dossier.claims.evidence import AHEAD, Evidence, Fact, places, sources
from betweengiants.dossier.claims.kinds import COLUMNS, FURTHER, VERDICTS, kind_of
from betweengiants.dossier.claims.rules import (
    USUAL,
    Judgement,
    Tolerances,
    above,
    judge_date,
    judge_number,
    judge_parties,
    ratio_of,
)

if TYPE_CHECKING:
    from betweengiants.dossier.reading import Dossier

Row = dict[str, Any]

OUTPUT = {
    **dict.fromkeys(COLUMNS, pl.String),
    "kind": pl.String,
    "against": pl.String,
    "records": pl.String,
    "verdict": pl.String,
    "reference_value": pl.String,
    "reference_unit": pl.String,
    "reference_period": pl.String,
    "ratio": pl.Float64,
    "rule": pl.String,
    "source_id": pl.String,
    "arithmetic": pl.String,
    "fact_rows": pl.String,
    "reference_basis": pl.String,
    "reason": pl.String,
    "combined_verdict": pl.String,
    "spread": pl.String,
    "passage": pl.String,
    "note": pl.String,
}


def check_claims(
    dossier: Dossier, claims: pl.DataFrame | None = None, *, tolerances: Tolerances = USUAL
) -> pl.DataFrame:
    """Check claims (default: the dossier's own) against the dossier's evidence.

    Returns:
        One row for each claim and fact that answers it (two sources that disagree give two rows), or one row without
        a reference where nothing does. Columns: those of design section 6 with kind, arithmetic, the rows used, the
        reason where a person has to judge, and the combined verdict of the claim with the spread behind it.

    Raises:
        DataError: no claims were given and the dossier has none.
    """
    if claims is None:
        if not dossier.has("claims"):
            raise DataError(
                found="a dossier without claims.csv", allowed="claims of your own (--claims FILE)"
            )
        claims = dossier.tables["claims"]
    evidence = Evidence(dossier)
    rows: list[Row] = []
    for claim in claims.iter_rows(named=True):
        whole = {**dict.fromkeys((*COLUMNS, *FURTHER, "passage", "note", "source_id")), **claim}
        judged = list(_judged(whole, evidence, tolerances))
        combined, spread = combine(judged)
        rows += [row | {"combined_verdict": combined, "spread": spread} for row in judged]
    return pl.DataFrame(rows, schema=OUTPUT)


def combine(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The verdict on a claim from those of its facts, and the spread in words.

    What was announced or planned counts only where nothing else was found. The kindest verdict holds, but a claim
    that one fact supports and another contradicts is imprecise: it leaves open on which evidence it stands.
    """
    judged = [row for row in rows if row["verdict"] != "unverifiable"] or list(rows)
    told = [row for row in judged if row["reference_basis"] not in AHEAD] or judged
    counts = Counter(row["verdict"] for row in told)
    kindest = min(counts, key=VERDICTS.index)
    harsh = counts["contradicted"] + counts["implausible"]
    verdict = "imprecise" if kindest == "supported" and harsh else kindest
    listed = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])
    aside = len(judged) - len(told)
    return verdict, listed + (f"; {aside} announced or planned, not counted" if aside else "")


def _judged(claim: Row, evidence: Evidence, tolerances: Tolerances) -> Iterator[Row]:
    unit = claim["unit"] or evidence.units.get(claim["measure"] or "")
    kind = kind_of(claim | {"unit": unit})
    if kind in ("quantity", "date", "parties"):  # the value of other kinds is a ratio, a place or a yes
        claim["unit"] = unit
    if claim["reason"] or kind is None or _says_nothing(claim, kind):
        reason = claim["reason"] or "no value named"
        rule = f"a person has to judge this ({reason})"
        yield _row(claim | {"reason": reason}, None, Judgement("unverifiable", None, rule), ())
    elif kind == "existence":
        yield _of_record(claim, existence.exists(claim, evidence))
    else:
        facts = evidence.answers(claim["measure"], claim["subject"], claim["partner"], claim["period"])
        if kind == "quantity":
            yield from _quantity(claim, facts, evidence, tolerances)
        elif not facts:
            yield _nothing(claim, evidence)
        for fact in () if kind == "quantity" else facts:
            yield _of_fact(claim, kind, fact, evidence, tolerances)


def _says_nothing(claim: Row, kind: str) -> bool:
    """A claim without a measure or, where a rule needs one, a value."""
    if kind == "existence":
        return not (claim["measure"] or claim["records"])
    return not claim["measure"] or (claim["value"] is None and kind in ("quantity", "date", "parties"))


def _of_fact(claim: Row, kind: str, fact: Fact, evidence: Evidence, tolerances: Tolerances) -> Row:
    """A claim other than a quantity beside one fact."""
    if kind in ("comparison", "ranking"):
        if UNITS[fact.unit] is None:
            return _row(claim, fact, _unlike(claim["unit"], fact.unit), (fact,))
        placed = (ranking.rank if kind == "ranking" else ranking.compare)(claim, fact, evidence, tolerances)
        return _row(claim, placed.reference, placed.judgement, placed.used, basis=fact.basis)
    if fact.unit != claim["unit"]:
        return _row(claim, fact, _unlike(claim["unit"], fact.unit), (fact,))
    judge = judge_date if kind == "date" else judge_parties
    return _row(claim, fact, judge(str(claim["value"]), fact.value, claim["relation"] or "="), (fact,))


def _quantity(claim: Row, facts: list[Fact], evidence: Evidence, tolerances: Tolerances) -> Iterator[Row]:
    """A stated number: beside every fact, under the bounds of its measure and those of other measures."""
    unit = claim["unit"] or (facts[0].unit if facts else "")
    if UNITS.get(unit) is None:
        yield from (_row(claim, fact, _unlike(unit, fact.unit), (fact,)) for fact in facts)
        if not facts:
            yield _nothing(claim, evidence)
        return
    claimed = bounds.Claimed(
        claim["measure"],
        claim["subject"],
        claim["partner"],
        claim["period"],
        float(claim["value"]),
        unit,
        claim["relation"] or "=",
    )
    broken = bounds.broken(claimed, evidence, tolerances)
    outside = _outside(claimed, evidence)
    way = None if facts else bounds.judge_way(claimed, evidence, tolerances)
    if not facts and outside is not None:
        yield _row(claim, None, outside, ())
    elif not facts and broken is not None:
        fact = broken.facts[0]
        yield _row(claim, fact, Judgement("implausible", None, broken.rule, broken.arithmetic), broken.facts)
    elif way is not None:
        judged, sections = way
        yield _row(claim, sections[0], judged, sections)
    elif not facts:
        yield _nothing(claim, evidence)
    section = bounds.narrower_section(claimed, evidence, tolerances)
    taken = bounds.capacity_taken_for_flow(claimed, evidence, tolerances)
    for fact in facts:
        judged = _judge_quantity(claimed, fact, evidence, tolerances)
        used: tuple[Fact, ...] = (fact,)
        if judged.verdict != "unverifiable" and outside is not None:
            judged = Judgement(outside.verdict, judged.ratio, outside.rule, judged.arithmetic)
        elif judged.verdict == "supported":
            judged, used = _tempered(judged, used, section, "imprecise")
        elif broken is not None:
            judged, used = _tempered(judged, used, broken, "implausible")
        elif judged.verdict not in ("unverifiable", "imprecise"):
            judged, used = _tempered(judged, used, taken, "imprecise")
        yield _row(claim, fact, judged, used)


def _tempered(
    judged: Judgement, used: tuple[Fact, ...], found: bounds.Found | None, verdict: str
) -> tuple[Judgement, tuple[Fact, ...]]:
    """A judgement after what another measure says about the claim."""
    if found is None:
        return judged, used
    sums = "; ".join(filter(None, (judged.arithmetic, found.arithmetic)))
    return Judgement(verdict, judged.ratio, found.rule, sums), (*used, *found.facts)


def _judge_quantity(
    claimed: bounds.Claimed, fact: Fact, evidence: Evidence, tolerances: Tolerances
) -> Judgement:
    try:
        stated = evidence.express(claimed.value, claimed.unit, fact.unit, fact.period)
    except ValueError:
        return _unlike(claimed.unit, fact.unit)
    judged = judge_number(stated, fact.number, fact.least, fact.most, claimed.relation, tolerances)
    sums = words.converted(claimed.value, claimed.unit, fact.unit, fact.period, evidence)
    sums = f"{sums} against {words.shown(fact)}"
    if fact.number:
        sums += f": ratio {words.figure(ratio_of(stated, fact.number))}"
    return Judgement(judged.verdict, judged.ratio, judged.rule, sums)


def _outside(claimed: bounds.Claimed, evidence: Evidence) -> Judgement | None:
    """A number that its measure cannot have; an order may name a bound outside."""
    unit = evidence.units.get(claimed.measure)
    low, high = evidence.limits.get(claimed.measure, (None, None))
    try:
        stated = evidence.express(claimed.value, claimed.unit, unit or "", claimed.period)
    except (ValueError, DataError):
        return None
    under = low is not None and above(low, stated) and claimed.relation != ">="
    over = high is not None and above(stated, high) and claimed.relation != "<="
    if not (under or over):
        return None
    shown = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
    return Judgement("implausible", None, f"outside what the measure can be ({shown} {unit})")


def _unlike(unit: str | None, other: str) -> Judgement:
    return Judgement("unverifiable", None, f"{unit} cannot be compared with {other}")


def _nothing(claim: Row, evidence: Evidence) -> Row:
    measure, known = claim["measure"], list(evidence.units)
    rule = "the dossier holds no fact that answers"
    if measure not in known:
        close = nearest(measure, known, 1)
        rule = f"the dossier has no measure {measure}" + (f" (near: {close[0]})" if close else "")
    return _row(claim, None, Judgement("unverifiable", None, rule), ())


def _row(
    claim: Row, reference: Fact | None, judged: Judgement, used: Sequence[Fact], basis: str | None = None
) -> Row:
    return _filled(claim, judged) | {
        "reference_value": reference and reference.value,
        "reference_unit": reference and reference.unit,
        "reference_period": reference and reference.period,
        "reference_basis": basis or (reference and reference.basis),
        "source_id": sources(used) or claim["source_id"],
        "fact_rows": places(used) or None,
    }


def _of_record(claim: Row, found: existence.Recorded) -> Row:
    value, unit, period = found.reference
    return _filled(claim, found.judgement) | {
        "reference_value": value,
        "reference_unit": unit,
        "reference_period": period,
        "reference_basis": None,
        "source_id": found.source_id or claim["source_id"],
        "fact_rows": found.rows or None,
    }


def _filled(claim: Row, judged: Judgement) -> Row:
    return {name: claim.get(name) for name in (*COLUMNS, *FURTHER, "passage", "note")} | {
        "kind": kind_of(claim),
        "verdict": judged.verdict,
        "ratio": judged.ratio,
        "rule": judged.rule,
        "arithmetic": judged.arithmetic or None,
    }
