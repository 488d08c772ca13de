"""Existence: a fact, a membership, an agreement or another record of a kind is on record for a date.

An absent row is no evidence of absence, so it makes a claim unverifiable. Two things contradict: a table of memberships
that holds the pair of country and institution with another role or another time, and facts whose value is zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier.claims import words
from betweengiants.dossier.claims.evidence import Evidence, Fact, places, sources
from betweengiants.dossier.claims.kinds import RECORD_TABLES, Records, RecordTable, parse_records
from betweengiants.dossier.claims.rules import Judgement

MOST = 4


@dataclass(frozen=True, slots=True)
class Recorded:
    """The judgement, and the rows it rests on as reference (value, unit, period), sources and places."""

    judgement: Judgement
    reference: tuple[str | None, str | None, str | None]
    source_id: str
    rows: str


def exists(claim: Mapping[str, Any], evidence: Evidence) -> Recorded:
    """Whether what the claim names is on record; `value` no claims that nothing of the kind exists."""
    wanted = claim["value"] != "no"
    if claim.get("records"):
        return _in_records(claim, parse_records(claim["records"]), evidence, wanted)
    facts = [fact for fact in evidence.facts(claim["measure"]) if _answers(fact, claim)]
    if not facts:
        return _nothing("the dossier holds no such fact")
    real = [fact for fact in facts if not _is_zero(fact, evidence)]
    verdict = "supported" if bool(real) == wanted else "contradicted"
    used = real or facts
    named = "; ".join(_named(fact) for fact in used[:MOST])
    more = f" and {len(used) - MOST} more" if len(used) > MOST else ""
    rule = "a fact of this measure is on record (a value of zero counts as none)"
    first = used[-1]
    return Recorded(
        Judgement(verdict, None, rule, f"on record: {named}{more}"),
        (first.value, first.unit, first.period),
        sources(used),
        places(used),
    )


def _answers(fact: Fact, claim: Mapping[str, Any]) -> bool:
    """Columns that the claim leaves empty are no condition."""
    return all(
        claim[column] in (None, getattr(fact, column)) for column in ("subject", "partner")
    ) and _same_time(fact.period, claim["period"])


def _is_zero(fact: Fact, evidence: Evidence) -> bool:
    try:
        return float(fact.value) == 0 and evidence.units.get(fact.measure) not in ("date", "parties")
    except ValueError:
        return False


def _named(fact: Fact) -> str:
    tie = ", ".join(name for name in (fact.subject, fact.partner) if name)
    try:
        value = words.stated(float(fact.value), fact.unit) if fact.unit != "date" else fact.value
    except ValueError:
        value = fact.value
    return f"{fact.measure} of {tie} {value} ({fact.period})"


def _in_records(claim: Mapping[str, Any], records: Records, evidence: Evidence, wanted: bool) -> Recorded:
    table = evidence.tables.get(records.table)
    if table is None:
        return _nothing(f"the dossier holds no {records.table}.csv")
    layout = RECORD_TABLES[records.table]
    unknown = [column for column, _, _ in records.conditions if column not in table.columns]
    if unknown:
        return _nothing(f"{records.table}.csv has no column {', '.join(unknown)}")
    numbered = enumerate(table.iter_rows(named=True), FIRST_RECORD)
    near = [(at, row) for at, row in numbered if _concerns(row, claim, layout)]
    hits = [(at, row) for at, row in near if _meets(row, records) and _in_time(row, claim["period"], layout)]
    if hits:
        rule = f"a row of {records.table}.csv says so"
        return _recorded("supported" if wanted else "contradicted", rule, hits, records.table)
    if near and layout.is_complete:
        rule = f"the rows of {records.table}.csv on this pair say otherwise"
        return _recorded("contradicted" if wanted else "supported", rule, near, records.table)
    return _nothing(f"no row of {records.table}.csv says so, and an absent row is no evidence of absence")


def _concerns(row: Mapping[str, Any], claim: Mapping[str, Any], layout: RecordTable) -> bool:
    """Whether a row names the subject and the partner of the claim."""
    asked = {name for name in (claim["subject"], claim["partner"]) if name}
    named = {name for column in layout.who for name in (row[column] or "").split(";")}
    return not layout.who or asked <= named


def _meets(row: Mapping[str, Any], records: Records) -> bool:
    for column, sign, text in records.conditions:
        cell = str(row[column] or "")
        if cell != text if sign == "=" else text.casefold() not in cell.casefold():
            return False
    return True


def _in_time(row: Mapping[str, Any], period: str | None, layout: RecordTable) -> bool:
    """An event is dated in the period; what lasts has begun by then and has not ended (an unknown start is no bar)."""
    if not period or layout.start is None:
        return True
    start, end = row[layout.start], row[layout.end] if layout.end else None
    if not layout.lasts:
        return start is not None and _same_time(start, period)
    begun = not start or _until(start, period.split("/")[-1])
    return begun and (not end or _until(period.split("/")[0], end))


def _same_time(known: str, asked: str | None) -> bool:
    """Two dates or periods agree as far as both are given; `a/b` asks from a to b."""
    if not asked:
        return True
    first, _, last = asked.partition("/")
    return _until(first, known) and _until(known, last or first)


def _until(early: str, late: str) -> bool:
    """Whether one date lies before or in another, as far as both are given."""
    shared = min(len(early), len(late))
    return early[:shared] <= late[:shared]


def _recorded(verdict: str, rule: str, rows: list[tuple[int, dict[str, Any]]], table: str) -> Recorded:
    layout = RECORD_TABLES[table]
    shown = "; ".join(_shown(row, layout) for _, row in rows[:MOST])
    more = f"; and {len(rows) - MOST} more" if len(rows) > MOST else ""
    when = rows[0][1][layout.start] if layout.start else None
    used = dict.fromkeys(source for _, row in rows for source in (row.get("source_id") or "").split(";"))
    return Recorded(
        Judgement(verdict, None, rule, f"on record: {shown}{more}"),
        (when, "date" if when else None, when),
        ";".join(filter(None, used)),
        ";".join(f"{table}:{at}" for at, _ in rows),
    )


def _shown(row: Mapping[str, Any], layout: RecordTable) -> str:
    text = layout.words.format_map(row)
    if not layout.lasts:
        return text
    since = f" since {row[layout.start]}" if layout.start and row[layout.start] else ", start not known"
    until = f" until {row[layout.end]}" if layout.end and row[layout.end] else ""
    return f"{text}{since}{until}"


def _nothing(rule: str) -> Recorded:
    return Recorded(Judgement("unverifiable", None, rule), (None, None, None), "", "")
