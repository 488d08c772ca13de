"""What a dossier knows and what it does not: coverage by year, sources that disagree, gaps, age of the evidence."""

from __future__ import annotations

from collections import Counter

import polars as pl

from betweengiants.dossier import schema
from betweengiants.dossier.coverage import used_sources
from betweengiants.dossier.findings import last_year, numbers
from betweengiants.dossier.reading import Dossier

# Differences that rounding makes are no conflict.
ROUNDING = 0.02
KEY = ["measure", "subject", "partner", "period"]
TEXTS = {"what": pl.String, "name": pl.String, "sentence": pl.String}


def conflicts(dossier: Dossier) -> pl.DataFrame:
    """Facts on the same thing from several sources that differ by more than two percent, the widest first.

    Returns:
        measure, subject, partner, period, unit, low, high, spread (high less low, over the larger size), facts, values
        and source_id (each by source, joined by ` | `).
    """
    groups = (
        numbers(dossier)
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("unit").first(),
            low=pl.col("number").min(),
            high=pl.col("number").max(),
            facts=pl.len().cast(pl.Int64),
            values=pl.col("value").str.join(" | "),
            source_id=pl.col("source_id").str.join(" | "),
        )
    )
    size = pl.max_horizontal(pl.col("low").abs(), pl.col("high").abs())
    spread = ((pl.col("high") - pl.col("low")) / size).alias("spread")
    apart = groups.filter(pl.col("facts") > 1).with_columns(spread).filter(pl.col("spread") > ROUNDING)
    columns = (*KEY, "unit", "low", "high", "spread", "facts", "values", "source_id")
    return apart.select(columns).sort("spread", *KEY, descending=[True, *[False] * len(KEY)])


def by_year(dossier: Dossier) -> pl.DataFrame:
    """Facts and distinct sources by domain and year; a period counts in its last year.

    Returns:
        domain, year, facts, measures, sources.
    """
    domains = dict(dossier.tables["measures"].select("measure", "domain").iter_rows())
    facts = dossier.tables["facts"].select(
        "measure",
        "source_id",
        domain=pl.col("measure").replace_strict(domains, return_dtype=pl.String),
        year=pl.col("period").map_elements(last_year, return_dtype=pl.Int64),
    )
    rows = [
        (domain, year, part.height, part["measure"].n_unique(), len(used_sources(part)))
        for (domain, year), part in facts.group_by("domain", "year")
    ]
    schema_ = {"domain": pl.String} | dict.fromkeys(("year", "facts", "measures", "sources"), pl.Int64)
    return pl.DataFrame(rows, schema=schema_, orient="row").sort("domain", "year")


def staleness(dossier: Dossier) -> pl.DataFrame:
    """How old the evidence of each domain is; what was announced or projected does not make it younger.

    Returns:
        domain, measures, facts, first, latest (years), years_behind (base year less latest; 0 if it is not behind),
        oldest_measure (the measure whose latest fact is oldest) and its latest year.
    """
    domains = dict(dossier.tables["measures"].select("measure", "domain").iter_rows())
    years: dict[str, dict[str, list[int]]] = {}
    found = dossier.tables["facts"].filter(~pl.col("basis").is_in(["announced", "projection"]))
    for measure, period in found.select("measure", "period").iter_rows():
        year = last_year(period)
        if year is not None:
            years.setdefault(domains[measure], {}).setdefault(measure, []).append(year)
    rows = []
    for domain, measures in sorted(years.items()):
        every = [year for found in measures.values() for year in found]
        oldest = min(measures, key=lambda name: (max(measures[name]), name))
        behind = max(0, dossier.header.base_year - max(every))
        rows.append(
            (domain, len(measures), len(every), min(every), max(every), behind, oldest, max(measures[oldest]))
        )
    counts = ("measures", "facts", "first", "latest", "years_behind")
    schema_ = {"domain": pl.String, **dict.fromkeys(counts, pl.Int64)}
    schema_ |= {"oldest_measure": pl.String, "its_latest": pl.Int64}
    return pl.DataFrame(rows, schema=schema_, orient="row")


def gaps(dossier: Dossier) -> pl.DataFrame:
    """What is missing: tables, domains and measures without facts, powers without a tie of a kind.

    Returns:
        what (table, domain, measure, power), name, sentence.
    """
    rows = [*_tables(dossier), *_domains(dossier), *_measures(dossier), *_powers(dossier)]
    return pl.DataFrame(rows, schema=TEXTS, orient="row")


def _tables(dossier: Dossier) -> list[tuple[str, str, str]]:
    missing = [table for table in schema.tables() if table not in dossier.tables]
    needed = [
        ("table", table, "required, and not there") for table in missing if table in schema.REQUIRED_TABLES
    ]
    empty = [
        ("table", table, "required, and without rows")
        for table in schema.REQUIRED_TABLES
        if dossier.has(table) and not dossier.tables[table].height
    ]
    return [*needed, *empty, *(("table", t, "not there") for t in missing if t not in schema.REQUIRED_TABLES)]


def _domains(dossier: Dossier) -> list[tuple[str, str, str]]:
    known = dict(dossier.tables["measures"].select("measure", "domain").iter_rows())
    held = {known[measure] for measure in dossier.tables["facts"]["measure"]}
    (field,) = (field for field in schema.tables()["measures"] if field.name == "domain")
    return [("domain", domain, "no fact of this domain") for domain in field.enum if domain not in held]


def _measures(dossier: Dossier) -> list[tuple[str, str, str]]:
    held = set(dossier.tables["facts"]["measure"])
    return [
        ("measure", measure, f"no fact ({title})")
        for measure, title in dossier.tables["measures"].select("measure", "title").iter_rows()
        if measure not in held
    ]


def _powers(dossier: Dossier) -> list[tuple[str, str, str]]:
    """Powers of which the dossier says little, next to the others."""
    facts = dossier.tables["facts"]
    about = Counter([*facts["subject"], *facts["partner"].drop_nulls()])
    rows = [("power", power, "no fact about it") for power in dossier.powers if not about[power]]
    for table, column, what in (
        ("vote_agreement", "power", "no votes"),
        ("memberships", "country", "no memberships"),
        ("network_control", "power", "controls nothing of the networks"),
    ):
        if dossier.has(table):
            named = set(dossier.tables[table][column])
            rows += [("power", power, what) for power in dossier.powers if power not in named]
    return rows
