"""Trade leverage in more detail: with sectors, with inputs between them, and two yardsticks that need no solver.

The trade channel's headline treats everything as one good. Here the same severances are solved on the sector matrix
(value-added basis), on sectors with input-output links (gross basis), and set beside the yardsticks of
`trade.yardstick` on the headline's own matrix. Each at the short and the long horizon, over the range of elasticities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import summary
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.results import Channel, Result, Trail
from betweengiants.position.sector_channel import HORIZONS, TABLES, sector_matrices
from betweengiants.position.settings import positive
from betweengiants.position.trade_channel import RESIDUAL_TOLERANCE
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_engine import solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon
from betweengiants.trade.yardstick import MEASURES, yardsticks

CHANNEL = "trade_detail"
MODELS = ("sectors", "sectors_inputs")
Floats = NDArray[np.float64]


def trade_detail(dossier: Dossier) -> Channel:
    """Losses by power, model and horizon; nothing without a sector matrix.

    Results have the measures `sectors_loss_pct`, `sectors_inputs_loss_pct` (percent of real national spending),
    `first_order_loss_pct` and `closed_form_loss_pct` (the same by yardstick). A power without an equilibrium is a gap.

    Raises:
        DataError: the tables do not fit together.
    """
    absent = [table for table in TABLES if not dossier.has(table)]
    if absent:
        return Channel(
            gaps=[f"No trade by sector: the dossier has no table {' and no table '.join(absent)}."]
        )
    matrices = sector_matrices(dossier)
    lacking = sorted({dossier.focal, *dossier.powers} - set(matrices["sectors"].labels))
    if lacking:
        return Channel(gaps=[f"No trade by sector: the sector matrix does not hold {summary(lacking)}."])
    cuts = [coalition(dossier.focal, (power,)) for power in dossier.powers]
    year = str(dossier.tables["trade_matrix"]["year"].max())
    channel = Channel(trails=[_trail(dossier, matrices, year)])
    for horizon in HORIZONS:
        thetas = positive(dossier, f"theta_{horizon}")
        losses = {
            f"{model}_loss_pct": _solved(matrices[model], dossier.focal, cuts, thetas, horizon)
            for model in MODELS
        }
        losses |= _yardsticks(matrices["one_sector"], dossier.focal, cuts, thetas, horizon)
        for measure, values in losses.items():
            for power, (centre, *bounds) in zip(dossier.powers, values, strict=True):
                if not np.isfinite(centre):
                    channel.gaps.append(f"{measure} of {power}, {horizon} run: no equilibrium.")
                    continue
                number = Interval.spanning(_loss(centre), [_loss(b) for b in bounds if np.isfinite(b)])
                place = (power, dossier.focal, horizon, year)
                channel.results.append(Result(CHANNEL, measure, *place, "pct", number, CHANNEL))
    return channel


def _loss(value: float) -> float:
    """A loss in percent; the solver's rounding is none."""
    return float(value) if abs(value) > 100 * RESIDUAL_TOLERANCE else 0.0


def _solved(
    matrix: SectorMatrix,
    focal: str,
    cuts: Sequence[Scenario],
    thetas: Sequence[float],
    horizon: Horizon,
) -> Floats:
    """(P, 3) percent lost to each power at the central, low and high elasticity; not-a-number without a solution."""
    many = [cut for cut in cuts for _ in thetas]
    rows = np.repeat(np.tile(np.asarray(thetas), len(cuts))[:, None], len(matrix.sectors), axis=1)
    found = solve_sectors(matrix, many, rows, horizon=horizon, on_failure="mark")
    return np.asarray(-100 * found.welfare_change[:, matrix.index(focal)].reshape(len(cuts), len(thetas)))


def _yardsticks(
    matrix: SectorMatrix,
    focal: str,
    cuts: Sequence[Scenario],
    thetas: Sequence[float],
    horizon: Horizon,
) -> dict[str, Floats]:
    """(P, 3) percent lost by each yardstick."""
    found = [yardsticks(matrix, cuts, theta, horizon=horizon) for theta in thetas]
    at = matrix.index(focal)
    return {
        f"{measure}_loss_pct": np.stack([-100 * getattr(one, measure)[:, at] for one in found], axis=1)
        for measure in MEASURES
    }


def _trail(dossier: Dossier, matrices: Mapping[str, SectorMatrix], year: str) -> Trail:
    tables = ("trade_matrix", *TABLES, "parameters")
    settings = dossier.tables["parameters"].filter(
        pl.col("parameter").is_in([f"theta_{horizon}" for horizon in HORIZONS])
    )
    parameters: dict[str, float | str] = {
        f"theta_{horizon}{suffix}": value
        for horizon in HORIZONS
        for suffix, value in zip(("", "_low", "_high"), dossier.parameter(f"theta_{horizon}"), strict=True)
    }
    spending: dict[str, float | str] = {
        f"spending_usd_m_{model}": round(float(matrix.final_spending[matrix.index(dossier.focal)].sum()), 3)
        for model, matrix in matrices.items()
    }
    return Trail(
        CHANNEL,
        "The severances of the trade channel on five sectors, and on five sectors that buy inputs from each other (Caliendo & "
        "Parro 2015): factors stay in their sectors in the short run and move in the long run. Beside them two yardsticks on "
        "the one-sector matrix: dearer purchases alone (closed form, after Clayton, Maggiori & Schreger) and the linear "
        "response (after Kleinman, Liu & Redding). The sector matrix is an estimate; its status column says of which kind "
        "each cell is. Percent are of what the focal state spends in the matrix of each model (spending_usd_m): with inputs "
        "between sectors intermediate purchases are taken off, and income is value added by sector, not GDP.",
        "Range over the trade elasticity from its low to its high value, one elasticity for all sectors.",
        parameters | {"matrix_year": year, "imbalances": "additive"} | spending,
        tables,
        tuple(used_sources(*(dossier.tables[name] for name in tables[:-1]), settings)),
    )
