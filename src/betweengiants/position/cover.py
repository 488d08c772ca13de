"""How long a state could cover from a stock, or would need to replace what a power supplied; in days.

stock over flow   what is in store, divided by what is used in a year: the latest stock, and the flow of its year or of the
                  latest year before (of the years that the dossier has).
window            a share that was counted over W years, times W: what the power supplied in the window, replaced at the
                  pace of everybody's deliveries in that window. The longest window counts; nothing is taken as retired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import Dossier
from betweengiants.dossier.claims.evidence import Evidence, Fact, sources, year_of, years
from betweengiants.position.shares import WORLD, current, share_of

WINDOW = "window"
DAYS = 365.0
COVER_SCHEMA = {
    "domain": pl.String,
    "measure": pl.String,
    "over": pl.String,
    "power": pl.String,
    "days": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "status": pl.String,
    "period": pl.String,
    "year": pl.Int64,
    "age_years": pl.Int64,
    "facts": pl.String,
    "source_id": pl.String,
    "why": pl.String,
}


def cover_rows(
    dossier: Dossier, evidence: Evidence, rows: Iterable[dict[str, Any]], names: list[str]
) -> list[dict[str, Any]]:
    """Rows of the cover table, for the rows of role cover; see `COVER_SCHEMA`.

    Raises:
        DataError: a stock and a flow whose units do not divide, or a flow that is not positive.
    """
    found = []
    for row in rows:
        facts = [fact for fact in evidence.facts(row["measure"] or "") if fact.subject == row["who"]]
        if row["over"] == WINDOW:
            made = list(_windows(dossier, facts))
        elif row["over"]:
            made = list(_stock(dossier, evidence, facts, row))
        else:
            made = []
        missing = {"power": "", "status": "not_known", "days": None, "low": None, "high": None, "used": ()}
        for one in made or [missing]:
            found.append(_row(dossier, row, one, names))
    return found


def _windows(dossier: Dossier, facts: list[Fact]) -> Iterator[dict[str, Any]]:
    """Days to replace each power's share of its longest window."""
    for power in dossier.powers:
        own = [fact for fact in facts if fact.partner == power and (years(fact.period) or 0) > 1]
        if not own:
            continue
        longest = max(years(fact.period) or 0 for fact in own)
        used = current(fact for fact in own if years(fact.period) == longest)
        share, days = share_of(used), longest * DAYS / 100
        yield {
            "power": power,
            "status": share.status,
            "days": (share.value or 0.0) * days,
            "low": (share.low or 0.0) * days,
            "high": (share.high or 0.0) * days,
            "used": share.facts,
        }


def _stock(
    dossier: Dossier, evidence: Evidence, facts: list[Fact], row: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Days that the whole stock covers of the whole flow."""
    held = [fact for fact in facts if fact.partner in (None, WORLD) and not fact.is_ahead]
    if not held:
        return
    latest = max(held, key=lambda fact: (year_of(fact.period), fact.period)).period
    stocks = [fact for fact in held if fact.period == latest]
    flows = _flows(evidence, row, year_of(latest))
    if not flows:
        return
    ratios = []
    for stock in stocks:
        for flow in flows:
            try:
                yearly = evidence.express(1.0, flow.unit, stock.unit, None) * flow.number
            except ValueError as error:
                raise DataError(
                    file="domains.csv",
                    row=row["row"],
                    column="over",
                    found=str(error),
                    allowed="one dimension",
                ) from error
            if yearly <= 0:
                raise DataError(
                    file="facts.csv",
                    row=flow.row,
                    column="value",
                    found=f"{flow.value}, by which a stock is divided",
                    allowed="a number above 0",
                )
            ratios += [DAYS * part / yearly for part in (stock.number, stock.least, stock.most)]
    yield {
        "power": "",
        "status": "known",
        "days": ratios[0],
        "low": min(ratios),
        "high": max(ratios),
        "used": (*stocks, *flows),
    }


def _flows(evidence: Evidence, row: dict[str, Any], until: int) -> list[Fact]:
    """Flows of one whole year: the latest one that is not after the stock's."""
    whole = [
        fact
        for fact in evidence.facts(row["over"])
        if fact.subject == row["who"]
        and fact.partner in (None, WORLD)
        and years(fact.period) == 1
        and not fact.is_part
        and year_of(fact.period) <= until
    ]
    return current(whole)


def _row(dossier: Dossier, row: dict[str, Any], one: dict[str, Any], names: list[str]) -> dict[str, Any]:
    used = one.pop("used")
    year = max((year_of(fact.period) for fact in used), default=None)
    return {
        "domain": row["domain"],
        "measure": row["measure"] or "",
        "over": row["over"] or "",
        "period": ";".join(dict.fromkeys(fact.period for fact in used)),
        "year": year,
        "age_years": None if year is None else max(dossier.header.base_year - year, 0),
        "facts": ";".join(names[fact.row - FIRST_RECORD] for fact in used),
        "source_id": sources(used),
        "why": row["why"],
    } | one
