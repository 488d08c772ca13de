"""Claims against evidence: a stated rule, the facts it used, the arithmetic, and a verdict that is computed.

Verdicts: supported, imprecise, contradicted, implausible, unverifiable (no fact answers the claim), and
`not checked yet` for claims of a kind that no rule covers so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from betweengiants.core.tables import FIRST_RECORD, Kind, read_table, require_member, require_unique
from betweengiants.core.units import UNITS, check_unit, convert
from betweengiants.dossier.checks import check_stated
from betweengiants.dossier.reading import Dossier

# Relative distance up to which a stated number counts as right, by relation, and as right in order only.
TOLERANCE = {"=": 0.02, "about": 0.10, ">=": 0.0, "<=": 0.0}
IMPRECISE = 0.25
# A number this many times above or below the evidence is not an error of rounding or of definition.
IMPLAUSIBLE = 10.0
# Converting a unit must not turn "equal" into "a little more": relative slack of every comparison.
SLACK = 1e-9

OUTPUT = {
    "claim_id": pl.String,
    "statement": pl.String,
    "measure": pl.String,
    "subject": pl.String,
    "partner": pl.String,
    "period": pl.String,
    "value": pl.String,
    "unit": pl.String,
    "relation": pl.String,
    "verdict": pl.String,
    "reference_value": pl.String,
    "reference_unit": pl.String,
    "reference_period": pl.String,
    "ratio": pl.Float64,
    "rule": pl.String,
    "source_id": pl.String,
    "passage": pl.String,
    "note": pl.String,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome of one rule: the verdict, claim over evidence where both are numbers, and the rule in words."""

    verdict: str
    ratio: float | None
    rule: str


def check_claims(dossier: Dossier, claims: pl.DataFrame | None = None) -> pl.DataFrame:
    """Check claims (default: the dossier's own) against the dossier's facts.

    Returns:
        One row for each claim and fact that answers it (two sources that disagree give two rows), or one row without
        a reference where nothing does. Columns: those of design section 6, with the passage and a remark.
    """
    claims = dossier.tables["claims"] if claims is None else claims
    density = dossier.parameter("barrels_per_tonne")[0] if _has_density(dossier) else None
    measures = dossier.tables["measures"]
    limits = {row["measure"]: (row["minimum"], row["maximum"]) for row in measures.to_dicts()}
    rows: list[dict[str, Any]] = []
    for claim in claims.to_dicts():
        if not claim["measure"] or claim["value"] is None:
            rows.append(
                _row(claim, None, Judgement("not checked yet", None, "no rule covers this kind of claim"))
            )
            continue
        facts = _answers(claim, dossier.tables["facts"])
        if not facts:
            nothing = Judgement("unverifiable", None, "the dossier holds no fact that answers")
            rows.append(_row(claim, None, nothing))
        bounds = limits.get(claim["measure"], (None, None))
        rows += [_row(claim, fact, _judge(claim, fact, density, bounds)) for fact in facts]
    return pl.DataFrame(rows, schema=OUTPUT)


def _has_density(dossier: Dossier) -> bool:
    return "barrels_per_tonne" in set(dossier.tables["parameters"]["parameter"])


def _answers(claim: dict[str, Any], facts: pl.DataFrame) -> list[dict[str, Any]]:
    """Facts with the claim's measure, subject and partner, in its period where it names one."""
    wanted = pl.col("measure") == claim["measure"]
    if claim["subject"]:
        wanted &= pl.col("subject") == claim["subject"]
    wanted &= pl.col("partner") == claim["partner"] if claim["partner"] else pl.col("partner").is_null()
    if claim["period"]:
        wanted &= pl.col("period") == claim["period"]
    return facts.filter(wanted).sort("period", "source_id").to_dicts()


def _judge(
    claim: dict[str, Any],
    fact: dict[str, Any],
    density: float | None,
    bounds: tuple[float | None, float | None],
) -> Judgement:
    unit, relation = claim["unit"] or fact["unit"], claim["relation"] or "="
    if UNITS[unit] is None and unit == fact["unit"]:
        judge = _judge_parties if unit == "parties" else _judge_dates
        return judge(str(claim["value"]), str(fact["value"]), relation)
    try:
        stated = convert(float(claim["value"]), unit, fact["unit"], barrels_per_tonne=density)
    except ValueError:
        return Judgement("unverifiable", None, f"{unit} cannot be compared with {fact['unit']}")
    low, high = bounds
    if relation in ("=", "about") and (
        (low is not None and _above(low, stated)) or (high is not None and _above(stated, high))
    ):
        ratio = stated / float(fact["value"]) if float(fact["value"]) else None
        shown = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
        return Judgement("implausible", ratio, f"outside what the measure can be ({shown} {fact['unit']})")
    return _judge_numbers(stated, fact, relation)


def _above(left: float, right: float) -> bool:
    """Greater by more than rounding."""
    return left - right > SLACK * max(abs(left), abs(right))


def _judge_parties(stated: str, known: str, relation: str) -> Judgement:
    """Parties agree as sets, a part of them only roughly; >= and <= mean at least and at most these."""
    named, true = ({party.strip() for party in cell.split(";")} for cell in (stated, known))
    if relation in (">=", "<="):
        holds = named <= true if relation == ">=" else true <= named
        rule = f"the evidence has at {'least' if relation == '>=' else 'most'} the parties named"
        return Judgement("supported" if holds else "contradicted", None, rule)
    if named == true or (named < true and relation == "about"):
        return Judgement("supported", None, "the parties named are those of the evidence")
    verdict = "imprecise" if named < true else "contradicted"
    return Judgement(verdict, None, "the lists of parties are equal; a part of them is imprecise")


def _judge_dates(stated: str, known: str, relation: str) -> Judgement:
    """Dates agree as far as both are given; >= and <= mean on or after and on or before."""
    shared = min(len(stated), len(known))
    ours, theirs = stated[:shared], known[:shared]
    if relation in (">=", "<=") and ours != theirs:
        holds = theirs > ours if relation == ">=" else theirs < ours
        rule = f"the evidence is dated on or {'after' if relation == '>=' else 'before'} the claim's date"
        return Judgement("supported" if holds else "contradicted", None, rule)
    verdict = "contradicted" if ours != theirs else "supported" if len(known) >= len(stated) else "imprecise"
    return Judgement(verdict, None, "the dates agree as far as the evidence is dated")


def _judge_numbers(stated: float, fact: dict[str, Any], relation: str) -> Judgement:
    known = float(fact["value"])
    low = known if fact["low"] is None else fact["low"]
    high = known if fact["high"] is None else fact["high"]
    ratio = stated / known if known else math.inf if stated else 1.0
    if relation == ">=":
        return Judgement(
            "contradicted" if _above(stated, high) else "supported", ratio, "evidence is at least the claim"
        )
    if relation == "<=":
        return Judgement(
            "contradicted" if _above(low, stated) else "supported", ratio, "evidence is at most the claim"
        )
    gap = max(low - stated, stated - high, 0.0)
    distance = gap / abs(known) if known else math.inf * (gap > 0) if gap else 0.0
    rule = f"distance to the evidence over its value: {distance:.1%}; at most {TOLERANCE[relation]:.0%} is supported"
    if distance <= TOLERANCE[relation] + SLACK:
        return Judgement("supported", ratio, rule)
    if distance <= IMPRECISE + SLACK:
        return Judgement("imprecise", ratio, f"{rule}, at most {IMPRECISE:.0%} imprecise")
    if ratio >= IMPLAUSIBLE * (1 - SLACK) or ratio <= (1 + SLACK) / IMPLAUSIBLE:
        return Judgement(
            "implausible", ratio, f"the claim is {ratio:.3g} times the evidence (bound: {IMPLAUSIBLE:g})"
        )
    return Judgement("contradicted", ratio, rule)


def _row(claim: dict[str, Any], fact: dict[str, Any] | None, judged: Judgement) -> dict[str, Any]:
    row = {
        name: claim.get(name)
        for name in OUTPUT
        if name not in ("verdict", "ratio", "rule", "source_id") and not name.startswith("reference_")
    }
    row |= {"verdict": judged.verdict, "ratio": judged.ratio, "rule": judged.rule}
    row |= {
        "reference_value": fact and fact["value"],
        "reference_unit": fact and fact["unit"],
        "reference_period": fact and fact["period"],
        "source_id": fact["source_id"] if fact else claim.get("source_id"),
    }
    return row


def read_claims(path: Path) -> pl.DataFrame:
    """Read a claims file of design section 6.

    Raises:
        DataError: a column is missing, a claim stands twice, a unit or a relation is unknown, a value is no number
            or no date where its unit asks for one.
    """
    columns: dict[str, Kind] = dict.fromkeys(
        ("claim_id", "statement", "measure", "subject", "partner", "period", "value", "unit", "relation"),
        "text",
    )
    frame = read_table(path, columns, blanks=("partner", "period"))
    require_unique(frame, ["claim_id"], path.name)
    require_member(frame, "relation", list(TOLERANCE), path.name)
    for row, unit in enumerate(frame["unit"], FIRST_RECORD):
        check_unit(unit, file=path.name, row=row)
    check_stated(frame.with_row_index("_row", offset=FIRST_RECORD), path.name)
    return frame
