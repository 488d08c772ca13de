"""The frontier of a dossier, with the trail that leads back to its rows and sources."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.results import Trail
from betweengiants.position.systems import OWNERSHIP_THRESHOLD, TABLES
from betweengiants.strategy.frontier import Frontier, Plan, frontier_of, plan_of
from betweengiants.strategy.problem import dossier_problem

PARAMETERS = ("discount_rate", "asset_life_years")


def autonomy_frontier(
    dossier: Dossier,
    *,
    coalitions: Sequence[Sequence[str]] | None = None,
    points: int = 11,
    capacity: str = "capacity",
) -> Frontier:
    """The autonomy frontier of a dossier's oil network (arguments and errors: `dossier_problem`, `frontier_of`)."""
    return frontier_of(dossier_problem(dossier, coalitions=coalitions, capacity=capacity), points)


def plan_at(
    dossier: Dossier,
    bound_pct: float,
    *,
    coalitions: Sequence[Sequence[str]] | None = None,
    capacity: str = "capacity",
    whole: bool = False,
) -> Plan:
    """The cheapest plan at a bound (arguments and errors: `dossier_problem`, `plan_of`)."""
    return plan_of(dossier_problem(dossier, coalitions=coalitions, capacity=capacity), bound_pct, whole=whole)


def frontier_trail(dossier: Dossier) -> Trail:
    """Model, settings, tables and sources behind the frontier."""
    parameters = dossier.tables["parameters"].filter(pl.col("parameter").is_in(list(PARAMETERS)))
    return Trail(
        "autonomy_frontier",
        "Two-stage linear programme: added capacity is chosen before it is known which coalition severs, and after"
        " each severance the oil network takes the best detour. The least yearly cost at which no coalition takes more"
        " than the bound, in percent of what own oil earns today after transport; every plan is recomputed by the"
        " network engine.",
        "Low: all investments at their low cost, at the low discount rate over the long life; high: the opposite.",
        {
            **{name: dossier.parameter(name)[0] for name in PARAMETERS},
            "ownership_threshold": OWNERSHIP_THRESHOLD,
            "base_year": str(dossier.header.base_year),
        },
        (*TABLES, "options", "parameters"),
        tuple(used_sources(*(dossier.tables[name] for name in (*TABLES, "options")), parameters)),
    )
