"""Leverage through trade: every coalition of the powers severs its trade with the focal state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.results import (
    Channel,
    Result,
    Trail,
    autonomy,
    coalition_name,
    coalitions,
    effective_vectors,
)
from betweengiants.position.settings import positive
from betweengiants.trade import TradeMatrix, coalition, solve
from betweengiants.trade import from_frame as trade_matrix

CHANNEL = "trade"
HORIZONS = ("short", "long")
RESIDUAL_TOLERANCE = 1e-10


@dataclass(frozen=True)
class TradeLosses:
    """Losses of real spending by coalition and horizon.

    Attributes:
        groups: G coalitions.
        members: labels of the focal state and the powers, M in all, focal first.
        loss: (G, H, 3, M) loss as a fraction; third axis: central, low and high elasticity.
    """

    groups: list[tuple[str, ...]]
    members: tuple[str, ...]
    loss: NDArray[np.float64]


def trade_channel(dossier: Dossier) -> Channel:
    """Leverage and counter-leverage through trade, with the range over the elasticity.

    Raises:
        NotConverged, NoEquilibrium: from the solver.
    """
    matrix = trade_matrix(
        dossier.tables["trade_matrix"].select("exporter", "importer", "year", value="value_usd_m"),
        name=dossier.header.paths["trade_matrix"],
    )
    elasticities = np.array([positive(dossier, f"theta_{horizon}") for horizon in HORIZONS])
    losses = solve_losses(matrix, dossier.focal, dossier.powers, elasticities)
    year = str(dossier.tables["trade_matrix"]["year"].max())
    return Channel(
        [*_leverage(dossier, matrix, losses, year), *_balance(dossier, losses, year)],
        [_trail(dossier, matrix, elasticities, year)],
    )


def solve_losses(
    matrix: TradeMatrix, focal: str, powers: tuple[str, ...], elasticities: NDArray[np.float64]
) -> TradeLosses:
    """Solve all coalitions at all elasticities in one batch.

    Args:
        matrix: flows with domestic sales.
        focal: the focal state's label.
        powers: labels of the powers.
        elasticities: (H, 3) trade elasticities by horizon: central, low, high.
    """
    groups = coalitions(powers)
    thetas = elasticities.ravel()
    scenarios = [coalition(focal, group) for group in groups for _ in thetas]
    solved = solve(matrix, scenarios, theta=np.tile(thetas, len(groups)))
    members = (focal, *powers)
    columns = [matrix.index(label) for label in members]
    change = solved.welfare_change[:, columns]
    loss = np.where(np.abs(change) > RESIDUAL_TOLERANCE, -change, 0.0)  # the solver's rounding is no loss
    return TradeLosses(groups, members, loss.reshape(len(groups), len(HORIZONS), 3, len(members)))


def _leverage(dossier: Dossier, matrix: TradeMatrix, losses: TradeLosses, year: str) -> list[Result]:
    spending = matrix.flows.sum(axis=0)
    results = []
    for g, group in enumerate(losses.groups):
        for h, horizon in enumerate(HORIZONS):
            for m, member in enumerate(losses.members):
                if member != dossier.focal and member not in group:
                    continue
                share = Interval.spanning(losses.loss[g, h, 0, m], losses.loss[g, h, 1:, m])
                measure = "leverage" if member == dossier.focal else "counter_leverage"
                place = (coalition_name(group), member, horizon, year)
                budget = float(spending[matrix.index(member)])
                results += [
                    Result(CHANNEL, f"{measure}_pct", *place, "pct", share.scaled(100), CHANNEL),
                    Result(CHANNEL, f"{measure}_usd_m", *place, "usd_m", share.scaled(budget), CHANNEL),
                ]
    return results


def _balance(dossier: Dossier, losses: TradeLosses, year: str) -> list[Result]:
    """Autonomy and effective vectors, taken at each elasticity and then spanned; no autonomy where nothing is lost."""
    results = []
    single = [g for g, group in enumerate(losses.groups) if len(group) == 1]
    everyone = coalition_name(dossier.powers)
    for h, horizon in enumerate(HORIZONS):
        focal = losses.loss[:, h, :, 0]
        vectors = [effective_vectors(focal[single, k].tolist()) for k in range(3)]
        place = (everyone, dossier.focal, horizon, year)
        results.append(Result(CHANNEL, "effective_vectors", *place, "index", _span(vectors), CHANNEL))
        if (focal[-1] > 0).all():
            free = [autonomy(focal[single, k].tolist(), float(focal[-1, k])) for k in range(3)]
            results.append(Result(CHANNEL, "autonomy", *place, "share", _span(free), CHANNEL))
    return results


def _span(values: list[float]) -> Interval:
    return Interval.spanning(values[0], values[1:])


def _trail(dossier: Dossier, matrix: TradeMatrix, elasticities: NDArray[np.float64], year: str) -> Trail:
    names = ("", "_low", "_high")
    settings = dossier.tables["parameters"].filter(
        pl.col("parameter").is_in([f"theta_{horizon}" for horizon in HORIZONS])
    )
    parameters: dict[str, float | str] = {
        f"theta_{horizon}{name}": float(elasticities[h, k])
        for h, horizon in enumerate(HORIZONS)
        for k, name in enumerate(names)
    }
    return Trail(
        CHANNEL,
        "One-sector trade model in exact changes (Dekle, Eaton & Kortum 2008): the power's trade with the focal "
        "state is set to zero both ways, all wages and prices adjust, trade imbalances stay fixed in units of "
        "world income. The loss is the fall of real national spending; in money, of what the focal state spends in this "
        "matrix (spending_usd_m: home sales on the value-added basis and imports). Sectors with inputs have another base.",
        "Range over the trade elasticity from its low to its high value; errors of the trade figures are not in it.",
        parameters
        | {
            "matrix_year": year,
            "imbalances": "additive",
            "residual_tolerance": RESIDUAL_TOLERANCE,
            "spending_usd_m": round(float(matrix.flows.sum(axis=0)[matrix.index(dossier.focal)]), 3),
        },
        ("trade_matrix", "parameters"),
        tuple(used_sources(dossier.tables["trade_matrix"], settings)),
    )
