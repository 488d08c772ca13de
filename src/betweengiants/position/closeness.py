"""Composite alignment: votes, ideal points, institutions and contacts put together, with every weight resampled.

Each part keeps its own definition (`alignment.parts`); the composite stands on top of them and never instead. A year counts
as far as all powers have the same parts in it. Powers compared are those of the dossier.
"""

from __future__ import annotations

from functools import reduce

import polars as pl

from betweengiants.alignment.composite import Composite, composite
from betweengiants.alignment.depth import membership_years
from betweengiants.alignment.parts import contacts_part, ideal_point_part, overlap_part, votes_part
from betweengiants.alignment.treaties import agreement_events
from betweengiants.alignment.visits import visit_events
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.results import Channel, Result, Trail

CHANNEL = "alignment"
FIRST_YEAR = 1992
PARTS = ("votes", "ideal_points", "institutions", "agreements", "visits")
SEED = 1
TABLES = ("vote_agreement", "ideal_points", "memberships", "institutions", "agreements", "visits")


def parts(dossier: Dossier) -> pl.DataFrame:
    """country, power, year, part, value, low, high, n of every part that the dossier's tables allow (see `alignment.parts`)."""
    focal, powers = dossier.focal, dossier.powers
    years = range(FIRST_YEAR, dossier.header.base_year + 1)
    found = []
    if dossier.has("vote_agreement"):
        votes = dossier.tables["vote_agreement"].filter(
            (pl.col("country") == focal) & pl.col("power").is_in(list(powers))
        )
        if votes.height:
            found.append(votes_part(votes))
    if dossier.has("ideal_points"):
        points = dossier.tables["ideal_points"]
        known = [power for power in powers if power in set(points["country"])]
        if focal in set(points["country"]) and known:
            found.append(ideal_point_part(points, focal, known))
    if dossier.has("memberships"):
        table = dossier.tables["memberships"]
        known = [power for power in powers if power in set(table["country"])]
        if focal in set(table["country"]) and known:
            found.append(overlap_part(membership_years(table, focal, known, years, depths=_depths(dossier))))
    if dossier.has("agreements"):
        events = agreement_events(dossier.tables["agreements"], focal, powers)
        found.append(contacts_part(_counts(events), focal, powers, years, "agreements"))
    if dossier.has("visits"):
        visits = dossier.tables["visits"].rename({"guest": "visitor"})
        if focal in {*visits["visitor"], *visits["host"]}:
            events = visit_events(visits, focal, powers)
            found.append(contacts_part(_counts(events), focal, powers, years, "visits"))
    return reduce(pl.DataFrame.vstack, found) if found else pl.DataFrame()


def _depths(dossier: Dossier) -> pl.DataFrame | None:
    if not dossier.has("institutions"):
        return None
    rows = dossier.tables["institutions"].select("institution", "depth").drop_nulls()
    return rows if rows.height else None


def _counts(events: pl.DataFrame) -> pl.DataFrame:
    dated = events.filter(pl.col("year").is_not_null())
    return dated.group_by("power", "year").agg(count=pl.len().cast(pl.Int64)).sort("power", "year")


def closeness(dossier: Dossier) -> Composite | None:
    """The composite over all parts with equal weights, resampled; None if the dossier holds no part."""
    found = parts(dossier)
    if not found.height:
        return None
    there = set(found["part"])
    return composite(found, {part: 1.0 for part in PARTS if part in there}, seed=SEED)


def latest_year(found: Composite) -> int:
    """The last year with the largest number of parts among the last five years of the table."""
    counts = (
        found.table.filter(pl.col("alignment").is_not_null())
        .group_by("year")
        .agg(parts=pl.col("parts").list.len().max())
        .sort("year")
        .tail(5)
    )
    best = counts.filter(pl.col("parts") == pl.col("parts").max())
    return int(best["year"][-1])


def closeness_channel(dossier: Dossier) -> Channel:
    """Composite alignment by power and year, and in how many draws of the weights a power comes first."""
    found = closeness(dossier)
    if found is None:
        return Channel(
            gaps=[
                f"No composite alignment: the dossier holds no votes, memberships or contacts of {dossier.focal}."
            ]
        )
    results = []
    for row in found.table.filter(pl.col("alignment").is_not_null()).to_dicts():
        place = (row["power"], dossier.focal, "", str(row["year"]))
        number = Interval.spanning(row["alignment"], [row["low"], row["high"]])
        first = Interval(row["first"], row["first"], row["first"])
        results += [
            Result(CHANNEL, "alignment", *place, "share", number, CHANNEL),
            Result(CHANNEL, "alignment_first", *place, "share", first, CHANNEL),
        ]
    used = [dossier.tables[name] for name in TABLES if dossier.has(name)]
    weights = dict(found.weights.select("part", "weight").iter_rows())
    trail = Trail(
        CHANNEL,
        "Mean of the parts that all powers have in a year, each from 0 to 1: agreement in votes, closeness of ideal points, "
        "institutions shared by depth, shares in agreements and in visits of five years.",
        f"{found.level:.0%} of {found.draws} draws of the weights (Dirichlet about equal ones) and of the errors of the parts.",
        {f"weight_{part}": float(weight) for part, weight in weights.items()},
        tuple(name for name in TABLES if dossier.has(name)),
        tuple(used_sources(*(table for table in used if "source_id" in table.columns))),
    )
    absent = [part.replace("_", " ") for part in PARTS if part not in weights]
    gaps = (
        [
            f"Composite alignment lacks {', '.join(absent)}: the dossier has too few rows of {dossier.focal} there."
        ]
        if absent
        else []
    )
    return Channel(results, [trail], gaps)
