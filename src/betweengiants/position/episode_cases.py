"""The cases of the table `episode_cases`: one severance as a model can run it, at the elasticities of the dossier."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.position import episode_goods
from betweengiants.position.episode_trade import Cut, World, outcomes, world_before
from betweengiants.position.settings import positive

FILE = "episode_cases.csv"


@dataclass(frozen=True)
class Run:
    """A case that was run, or the reason why not.

    Attributes:
        row: the case.
        short: by outcome, with the range over the short elasticity and the bounds of the exposed share.
        long: by outcome at the central long elasticity; empty for the models that know no long horizon.
        world: the matrix, None for the models that need none.
        why: why it was not run, empty if it was.
    """

    row: Mapping[str, Any]
    short: Mapping[str, Interval]
    long: Mapping[str, float]
    world: World | None
    why: str = ""


def run_case(dossier: Dossier, row: Mapping[str, Any], year: int, held: Sequence[World]) -> Run:
    """Run one row of `episode_cases`.

    Args:
        dossier: parameters `theta_short` and `theta_long`.
        row: the case, with its place in the table as `_row`.
        year: in which the severance started.
        held: trade matrices.

    Raises:
        DataError: a number that the model of the row needs is missing or out of range; names the row.
    """
    short = positive(dossier, "theta_short")
    long = positive(dossier, "theta_long")[0]
    if row["model"] == "matrix":
        return _matrix(row, year, held, short, long)
    try:
        found = [_good(row, exposed, theta) for exposed, theta in itertools.product(_exposures(row), short)]
    except DataError as error:
        raise DataError(
            file=FILE, row=row["_row"], column=error.column, found=error.found, allowed=error.allowed
        ) from error
    return Run(row, _spans(found), {}, None)


def _matrix(
    row: Mapping[str, Any],
    year: int,
    held: Sequence[World],
    short: tuple[float, float, float],
    long: float,
) -> Run:
    sides = tuple(row[side].split(";") for side in ("who", "partner"))
    world = world_before(held, year, [*sides[0], *sides[1]])
    if world is None:
        names = ", ".join(dict.fromkeys(code for side in sides for code in side))
        return Run(row, {}, {}, None, f"no trade matrix of a year before {year} holds {names}")
    who, partner = (world.members(side) or () for side in sides)
    cut = Cut(
        who, partner, row["exports_severed"] or 0.0, row["imports_severed"] or 0.0, row["cost_factor"] or 1.0
    )
    try:
        found = outcomes(world, cut, [*short, long], row["gdp_ratio"])
    except BetweenGiantsError as error:
        return Run(row, {}, {}, world, str(error))
    return Run(row, _spans(found[:3]), found[3], world)


def _good(row: Mapping[str, Any], exposed: float | None, theta: float) -> dict[str, float]:
    if row["model"] == "duty":
        return episode_goods.duty(_needed(row, "cost_factor"), theta)
    if exposed is None:
        exposed = _needed(row, "exposed_share")
    if row["model"] == "sale":
        return episode_goods.sale(exposed, _needed(row, "exports_severed"), theta)
    return episode_goods.purchase(exposed, _needed(row, "imports_severed"), theta, row["home_share"] or 0.0)


def _exposures(row: Mapping[str, Any]) -> list[float | None]:
    """The central share, then its bounds where the sources give any."""
    bounds = (row["exposed_low"], row["exposed_high"])
    return [row["exposed_share"], *(bound for bound in bounds if bound is not None)]


def _needed(row: Mapping[str, Any], column: str) -> float:
    value: float | None = row[column]
    if value is None:
        allowed = f"a number, for the model '{row['model']}'"
        raise DataError(column=column, found="an empty cell", allowed=allowed)
    return value


def _spans(found: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """The first is the central one."""
    return {
        name: Interval.spanning(value, [other[name] for other in found[1:]])
        for name, value in found[0].items()
    }
