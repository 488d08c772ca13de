"""Domains without a price as results of the position: shares by power, concentration, cover, and what is not known."""

from __future__ import annotations

from typing import Any

import polars as pl

from betweengiants.core.errors import summary
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.domains import HELD, TABLE, Domains, domains
from betweengiants.position.results import Channel, Result, Trail

CHANNEL = "domains"


def domain_channel(dossier: Dossier, found: Domains | None = None) -> Channel:
    """Results of every share that is stated, of concentration and cover; a gap for every headline that is not known.

    Measures are those of the facts (percent), `..._concentration` (Herfindahl-Hirschman index: its value is the lower
    bound, its range the bounds) and `..._cover` (days). A share of somebody else than the focal state (a company, a
    basin) has that actor as its member.

    Args:
        dossier: the evidence.
        found: its domains, if they are at hand.

    Raises:
        DataError: see `domains`.
    """
    if not dossier.has(TABLE):
        return Channel(gaps=["No domains without a price: the dossier has no table domains."])
    known = domains(dossier) if found is None else found
    shares = known.cells.filter(pl.col("status").is_in([*HELD, "none"]))
    return Channel(
        [
            *(_share(row) for row in shares.to_dicts()),
            *(_concentration(row) for row in known.concentration.to_dicts()),
            *(_cover(dossier.focal, row) for row in known.cover.drop_nulls("days").to_dicts()),
        ],
        [_trail(known)],
        gaps(known),
    )


def gaps(found: Domains) -> list[str]:
    """One sentence for every headline with powers whose share is not known, and for every domain without cover."""
    sentences = []
    lacking = found.headline.filter(pl.col("status") == "not_known")
    for (domain, measure), part in lacking.group_by("domain", "measure", maintain_order=True):
        powers = ", ".join(part["power"])
        sentences.append(f"{str(domain).capitalize()} ({measure}): the share of {powers} is not known.")
    covered = found.cover.drop_nulls("days")["domain"].unique().to_list()
    bare = [
        domain for domain in found.headline["domain"].unique(maintain_order=True) if domain not in covered
    ]
    if bare:
        sentences.append(f"Time to cover or replace is not known for {summary(bare, most=len(bare))}.")
    return sentences


def _share(row: dict[str, Any]) -> Result:
    number = Interval(row["value"], row["low"], row["high"])
    return Result(
        CHANNEL,
        row["measure"],
        row["power"],
        row["subject"],
        "",
        str(row["year"]),
        row["unit"],
        number,
        CHANNEL,
    )


def _concentration(row: dict[str, Any]) -> Result:
    number = Interval(row["hhi_low"], row["hhi_low"], row["hhi_high"])
    measure = f"{row['measure']}_concentration"
    return Result(CHANNEL, measure, "", row["subject"], "", str(row["year"]), "index", number, CHANNEL)


def _cover(focal: str, row: dict[str, Any]) -> Result:
    number = Interval(row["days"], row["low"], row["high"])
    measure = f"{row['measure']}_cover"
    return Result(CHANNEL, measure, row["power"], focal, "", str(row["year"]), "days", number, CHANNEL)


def _trail(found: Domains) -> Trail:
    return Trail(
        CHANNEL,
        "Shares as sources print them, by power: the latest year of outcomes, whole years before parts of years. For a bloc "
        "without a figure the sum of its members is a lower bound. Concentration is the Herfindahl-Hirschman index of the "
        "partners abroad. Cover is a stock over the flow of a year, or a share times the years it was counted over. Nothing "
        "is money, and nothing is added across domains.",
        "Range of the sources, or their bounds: a share of which only a lower bound is known ends where the shares of the "
        "others begin; concentration spans the unknown rest in ever more hands and in one.",
        {
            str(domain): str(measure)
            for domain, measure in found.headline.select("domain", "measure")
            .unique(maintain_order=True)
            .rows()
        },
        (TABLE, "facts", "measures"),
        tuple(used_sources(found.cells, found.concentration, found.cover)),
    )
