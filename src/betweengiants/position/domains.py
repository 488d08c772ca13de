"""Domains without a price: who holds which share of what, how concentrated that is, and how long a state could cover.

Nothing here is money, and nothing is added across domains. The dossier's table `domains` says which measure stands for a
domain and which stand beside it; the facts say the rest (see `shares` for which facts count and what bounds a share that
nobody states). A share that is not known is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import Dossier, schema
from betweengiants.dossier.claims.evidence import Evidence, Fact, sources, year_of
from betweengiants.dossier.trail import identifiers
from betweengiants.position.cover import COVER_SCHEMA, DAYS, cover_rows
from betweengiants.position.settings import require_positive
from betweengiants.position.shares import WHOLE, Share, Vintage, concentration, power_share, vintage

TABLE = "domains"
SHARE_UNITS = ("pct", "share")
HEADLINE, ALSO, COVER = "headline", "also", "cover"
HELD = ("known", "at_least", "at_most")
"""Statuses of a share that is stated for the power itself."""
_TEXT, _NUMBER, _WHOLE = pl.String, pl.Float64, pl.Int64
CELL_SCHEMA = {
    "domain": _TEXT,
    "measure": _TEXT,
    "subject": _TEXT,
    "role": _TEXT,
    "direction": _TEXT,
    "power": _TEXT,
    "status": _TEXT,
    "value": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "unit": _TEXT,
    "period": _TEXT,
    "year": _WHOLE,
    "age_years": _WHOLE,
    "warnings": _TEXT,
    "facts": _TEXT,
    "source_id": _TEXT,
    "definition": _TEXT,
    "is_own": pl.Boolean,
    "is_whole": pl.Boolean,
}
CONCENTRATION_SCHEMA = {
    "domain": _TEXT,
    "measure": _TEXT,
    "subject": _TEXT,
    "role": _TEXT,
    "hhi_low": _NUMBER,
    "hhi_high": _NUMBER,
    "partners": _WHOLE,
    "rest_pct": _NUMBER,
    "year": _WHOLE,
    "age_years": _WHOLE,
    "facts": _TEXT,
    "source_id": _TEXT,
}


@dataclass(frozen=True)
class Domains:
    """Exposure without a price.

    Attributes:
        powers: codes of the powers, in the order in which they are shown.
        cells: one row a measure and power: status (`known`, `at_least`, `at_most`, `none`, `not_known`), value, low and high
            in percent (empty where nothing bounds it), period and year of the facts, their age in years before the base
            year, warnings, facts (identifiers as `betweengiants trace` takes them), sources, definition; is_own (of the focal
            state itself), is_whole (of the whole domain).
        concentration: Herfindahl-Hirschman index, between 0 and 1, of each measure whose partners share all that is
            abroad: low with the unknown rest in ever more hands, high with it in one.
        cover: how long the state could do without, or need to replace, in days; a row without days says why not.
    """

    powers: tuple[str, ...]
    cells: pl.DataFrame
    concentration: pl.DataFrame
    cover: pl.DataFrame

    @property
    def headline(self) -> pl.DataFrame:
        """The cells of the measures that stand for their domains."""
        return self.cells.filter(pl.col("role") == HEADLINE)

    @cached_property
    def by_rule(self) -> dict[str, str]:
        """Which measure the rule would make the headline of each domain.

        Among measures of the focal state's own exposure (direction `leverage`), those of the whole domain if there is
        one: the one in which most powers have a share that is stated, then the latest, then the first by name.
        """
        own = self.cells.filter((pl.col("direction") == "leverage") & pl.col("is_own"))
        table = own.group_by("domain", "measure").agg(
            pl.col("is_whole").first(),
            held=pl.col("status").is_in(HELD).sum(),
            year=pl.col("year").filter(pl.col("status").is_in(HELD)).max().fill_null(0),
        )
        best = table.sort("is_whole", "held", "year", "measure", descending=[True, True, True, False]).unique(
            "domain", keep="first", maintain_order=True
        )
        return dict(best.sort("domain").select("domain", "measure").iter_rows())

    def matrix(self) -> pl.DataFrame:
        """The headline cells in words, a row a domain: domain, measure, a column a power, years, hhi, cover."""
        heads = self.headline
        hhi = self.concentration.filter(pl.col("role") == HEADLINE)
        spans = {row["domain"]: _span(row["hhi_low"], row["hhi_high"]) for row in hhi.to_dicts()}
        rows = []
        for (domain, measure), part in heads.group_by("domain", "measure", maintain_order=True):
            years = sorted({year for year in part.filter(pl.col("status").is_in(HELD))["year"] if year})
            rows.append(
                {"domain": domain, "measure": measure}
                | {row["power"]: in_words(row) for row in part.to_dicts()}
                | {
                    "years": "-".join(map(str, dict.fromkeys((years[0], years[-1])))) if years else "",
                    "hhi": spans.get(str(domain), "not known"),
                    "cover": self._cover_in_words(str(domain), str(measure)),
                }
            )
        return pl.DataFrame(
            rows, schema=dict.fromkeys(("domain", "measure", *self.powers, "years", "hhi", "cover"), _TEXT)
        )

    def _cover_in_words(self, domain: str, headline: str) -> str:
        """Years by power or stock; a measure other than the headline's is named before its powers."""
        rows = self.cover.filter((pl.col("domain") == domain) & pl.col("days").is_not_null()).to_dicts()
        parts = []
        for row in rows:
            measure = row["measure"].replace("_", " ")
            other = "" if row["measure"] == headline else f"{measure}, "
            who = f"{other}{row['power']}" if row["power"] else measure
            parts.append(f"{who}: {_BOUND[row['status']]}{row['days'] / DAYS:.1f} years")
        return "; ".join(parts) or "not known"


_BOUND = {"known": "", "at_least": "at least ", "at_most": "at most "}


def in_words(cell: Mapping[str, Any]) -> str:
    """A cell as a reader sees it: `88`, `30.6 to 31.7`, `at least 30.9`, `none`, `not known (at most 12)`."""
    if cell["status"] == "not_known":
        capped = cell["high"] is not None and cell["high"] < WHOLE
        return f"not known (at most {cell['high']:.3g})" if capped else "not known"
    if cell["status"] == "none":
        return "none"
    if cell["status"] == "known" and cell["low"] < cell["high"]:
        return f"{cell['low']:.3g} to {cell['high']:.3g}"
    return f"{_BOUND[cell['status']]}{cell['value']:.3g}"


def _span(low: float, high: float) -> str:
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def domains(dossier: Dossier) -> Domains:
    """Shares, concentration and cover of every row of the dossier's table `domains`.

    Raises:
        DataError: the dossier has no such table, or a row that cannot be read (two headlines, no share, a measure of
            another domain, units that do not divide), with its place.
    """
    if not dossier.has(TABLE):
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found=f"no rows in {TABLE}.csv",
            allowed="rows that say which measure stands for which domain",
        )
    rows = _checked(dossier)
    require_positive(dossier)
    evidence = Evidence(dossier)
    names = identifiers(dossier, "facts")
    cells: list[dict[str, Any]] = []
    concentrated: list[dict[str, Any]] = []
    for row in rows:
        if row["role"] == COVER:
            continue
        facts = [fact for fact in evidence.facts(row["measure"]) if fact.subject == row["who"]]
        latest = vintage(facts, evidence.kinds, is_parts=row["whole"] != "overlap")
        shares = {power: power_share(power, facts, latest) for power in dossier.powers}
        cells += [_cell(dossier, row, power, share, names) for power, share in shares.items()]
        concentrated += _concentration(dossier, row, latest, names)
    kept = [row for row in rows if row["role"] == COVER]
    return Domains(
        dossier.powers,
        pl.DataFrame(cells, schema=CELL_SCHEMA),
        pl.DataFrame(concentrated, schema=CONCENTRATION_SCHEMA),
        pl.DataFrame(cover_rows(dossier, evidence, kept, names), schema=COVER_SCHEMA),
    )


def _checked(dossier: Dossier) -> list[dict[str, Any]]:
    """The rows of the table, each with `who`: whose share it is; domains and roles in the order of the layout."""
    known = {row["measure"]: row for row in dossier.tables["measures"].to_dicts()}
    rows, heads = [], set[str]()
    for at, row in enumerate(dossier.tables[TABLE].to_dicts(), FIRST_RECORD):
        for column, found, allowed in _faults(row, known, heads):
            raise DataError(file=f"{TABLE}.csv", row=at, column=column, found=found, allowed=allowed)
        if row["role"] == HEADLINE:
            heads.add(row["domain"])
        rows.append(row | {"who": row["subject"] or dossier.focal, "row": at})
    order = {field.name: field.enum for field in schema.tables()[TABLE]}
    return sorted(rows, key=lambda row: [order[name].index(row[name]) for name in ("domain", "role")])


def _faults(
    row: dict[str, Any], known: dict[str, dict[str, Any]], heads: set[str]
) -> Iterator[tuple[str, str, str]]:
    """Column, what was found and what is allowed, for what a row breaks."""
    name, role = row["measure"], row["role"]
    if role == HEADLINE and row["domain"] in heads:
        yield "role", f"a second headline of {row['domain']}", "one for each domain"
    if role == HEADLINE and row["subject"]:
        yield (
            "subject",
            f"the headline of {row['domain']} for {row['subject']}",
            "the focal state's own share",
        )
    if role != COVER:
        for column in ("measure", "direction", "whole", "scope"):
            if row[column] is None:
                yield column, "an empty cell", "a value in every row that is not of role cover"
        if name and known[name]["unit"] not in SHARE_UNITS:
            yield "measure", f"{name} in {known[name]['unit']}", "a share (pct or share)"
        if row["over"]:
            yield "over", f"'{row['over']}'", "an empty cell in every row that is not of role cover"
    elif bool(name) != bool(row["over"]):
        yield "over", f"'{row['over'] or ''}' for '{name or ''}'", "measure and over, or none of the two"
    elif name and row["over"] != "window" and row["over"] not in known:
        yield "over", f"'{row['over']}'", "a measure, or window"
    if name and known[name]["domain"] != row["domain"]:
        yield "measure", f"{name}, of the domain {known[name]['domain']}", f"a measure of {row['domain']}"


def _cell(
    dossier: Dossier, row: dict[str, Any], power: str, share: Share, names: list[str]
) -> dict[str, Any]:
    given = share.status != "not_known"
    return {
        "domain": row["domain"],
        "measure": row["measure"],
        "subject": row["who"],
        "role": row["role"],
        "direction": row["direction"],
        "power": power,
        "status": share.status,
        "value": share.value,
        "low": share.low,
        "high": share.high,
        "unit": "pct",
        "period": ";".join(sorted({fact.period for fact in share.facts})) if given else None,
        "warnings": ";".join(sorted({w for fact in share.facts for w in fact.warnings if w}))
        if given
        else "",
        "definition": row["definition"],
        "is_own": row["who"] == dossier.focal,
        "is_whole": row["scope"] == "whole",
    } | origin(dossier, share.facts, names)


def _concentration(
    dossier: Dossier, row: dict[str, Any], latest: Vintage, names: list[str]
) -> Iterator[dict[str, Any]]:
    found = concentration(latest) if row["whole"] == "abroad" else None
    if found is not None:
        yield {
            "domain": row["domain"],
            "measure": row["measure"],
            "subject": row["who"],
            "role": row["role"],
            "hhi_low": found.low,
            "hhi_high": found.high,
            "partners": found.partners,
            "rest_pct": found.rest,
        } | origin(dossier, found.facts, names)


def origin(dossier: Dossier, facts: tuple[Fact, ...], names: list[str]) -> dict[str, Any]:
    """Year, age, identifiers and sources of the facts that a number rests on; empty of none."""
    if not facts:
        return {"year": None, "age_years": None, "facts": "", "source_id": ""}
    year = max(year_of(fact.period) for fact in facts)
    return {
        "year": year,
        "age_years": max(dossier.header.base_year - year, 0),
        "facts": ";".join(dict.fromkeys(names[fact.row - FIRST_RECORD] for fact in facts)),
        "source_id": sources(facts),
    }
