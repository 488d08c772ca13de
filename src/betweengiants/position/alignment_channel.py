"""Alignment: how the focal state votes and which institutions it shares with each power."""

from __future__ import annotations

import polars as pl

from betweengiants.alignment.memberships import shared_memberships
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.results import Channel, Result, Trail

VOTES, INSTITUTIONS = "votes", "institutions"
# A year counts as the latest only if it has at least this share of the votes of a usual year: sessions run from
# September, so that the last year of a file is often a part of one.
FULL_YEAR = 0.5
Z95 = 1.959964


def alignment_channel(dossier: Dossier) -> Channel:
    """Vote agreement by year with each power, and shared memberships in the base year."""
    parts = [_votes(dossier), _institutions(dossier)]
    return Channel(
        [r for part in parts for r in part.results],
        [t for part in parts for t in part.trails],
        [g for part in parts for g in part.gaps],
    )


def latest_full_year(votes: pl.DataFrame) -> int:
    """The last year with at least half of a usual year's votes (the median over years and powers)."""
    usual = votes["n"].median()
    assert isinstance(usual, float)
    counts = votes.group_by("year").agg(pl.col("n").max()).filter(pl.col("n") >= FULL_YEAR * usual)
    latest = counts["year"].max()
    assert isinstance(latest, int)
    return latest


def _votes(dossier: Dossier) -> Channel:
    if not dossier.has("vote_agreement"):
        return Channel(gaps=["No votes: the dossier has no table vote_agreement."])
    votes = dossier.tables["vote_agreement"].filter(
        (pl.col("country") == dossier.focal) & pl.col("power").is_in(list(dossier.powers))
    )
    gaps = [f"No votes with {power}." for power in dossier.powers if power not in set(votes["power"])]
    results = [result for row in votes.to_dicts() for result in _vote_results(dossier.focal, row)]
    if votes.height == 0:
        return Channel(gaps=gaps)
    trail = Trail(
        VOTES,
        "Agreement of roll-call votes in the United Nations General Assembly: the mean over resolutions on which both "
        "voted of 1 (same vote), 0.5 (one of them abstained) and 0 (opposite votes). Kappa takes off what two voters "
        "with these habits would agree on by chance. A bloc votes as the majority of its members does.",
        "95 percent of sampling error over the resolutions of a year, as if they were drawn at random.",
        {"latest_full_year": latest_full_year(votes)},
        ("vote_agreement",),
        tuple(used_sources(votes)),
    )
    return Channel(results, [trail], gaps)


def _vote_results(focal: str, row: dict[str, float | int | str | None]) -> list[Result]:
    agreement, error = float(row["agreement"] or 0), float(row["agreement_se"] or 0)
    low, high = max(0.0, agreement - Z95 * error), min(1.0, agreement + Z95 * error)
    place = (str(row["power"]), focal, "", str(row["year"]))
    results = [
        Result(VOTES, "vote_agreement", *place, "share", Interval(agreement, low, high), VOTES),
        Result(VOTES, "vote_count", *place, "count", _point(row["n"]), VOTES),
        Result(VOTES, "vote_s_score", *place, "index", _point(row["s_score"]), VOTES),
    ]
    results += [
        Result(VOTES, f"vote_{name}", *place, "index", _point(row[name]), VOTES)
        for name in ("kappa", "pi")
        if row[name] is not None
    ]
    return results


def _point(value: float | int | str | None) -> Interval:
    number = float(value) if value is not None else float("nan")
    return Interval(number, number, number)


def _institutions(dossier: Dossier) -> Channel:
    if not dossier.has("memberships"):
        return Channel(gaps=["No memberships: the dossier has no table memberships."])
    year = dossier.header.base_year
    table = dossier.tables["memberships"]
    powers = [power for power in dossier.powers if power in set(table["country"])]
    gaps = [f"No memberships of {power} in the dossier." for power in dossier.powers if power not in powers]
    shared = shared_memberships(table, dossier.focal, powers, on=year, undated="include")
    results = []
    for row in shared.to_dicts():
        place = (row["power"], dossier.focal, "", str(year))
        results += [
            Result(INSTITUTIONS, "shared_memberships", *place, "count", _point(row["shared"]), INSTITUTIONS),
            Result(
                INSTITUTIONS, "shared_undated", *place, "count", _point(row["shared_undated"]), INSTITUTIONS
            ),
        ]
        if row["jaccard"] is not None:
            overlap = _point(row["jaccard"])
            results.append(Result(INSTITUTIONS, "membership_overlap", *place, "share", overlap, INSTITUTIONS))
    trail = Trail(
        INSTITUTIONS,
        "Institutions of the dossier's list in which both are full members: how many, and as a share of those in which "
        "at least one of the two is. The list is a selection, not a census; memberships whose start no source "
        "shows count as of today.",
        "No range: counts of a list.",
        {"year": str(year)},
        ("memberships", "institutions"),
        tuple(used_sources(table.filter(pl.col("country").is_in([dossier.focal, *powers])))),
    )
    return Channel(results, [trail], gaps)
