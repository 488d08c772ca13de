"""How sure the losses of `sector_channel` are: intervals of each model, and what drives their width.

Uncertain are the elasticity (`theta_short` and `theta_long`, low and high as the 5 and 95 percent quantiles of a lognormal
around the central value; one draw for all sectors) and the flows (every pair times exp(`flow_log_sd` z), one z for all
sectors of a pair, because the deviation was measured on totals). Domestic sales are no third distribution: the value-added
and the gross-output basis belong to two models, with and without inputs. The driver is therefore asked of both together, as
two equally likely pictures of one world. A gross-output basis without inputs is no picture of it and is not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from betweengiants.dossier import Dossier
from betweengiants.position.sector_channel import HORIZONS, MODELS, sector_comparison, sector_matrices
from betweengiants.position.settings import positive
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon
from betweengiants.trade.spread import Spread
from betweengiants.trade.uncertain_inputs import BASELINE, TradeInputs
from betweengiants.trade.uncertainty import draw_losses, loss_drivers

DRAWS, SEED = 200, 1
BASE = 32
"""Points of each of the two samples that the driver is estimated from."""
ENDS = (0.05, 0.95)
DRIVERS = {BASELINE: "domestic sales and inputs"}
KEY = ["power", "horizon"]


def sector_intervals(
    dossier: Dossier, draws: int = DRAWS, seed: int = SEED, base: int = BASE
) -> pl.DataFrame:
    """`sector_comparison` with an interval for every loss.

    Args:
        dossier: the parameters `theta_short`, `theta_long` and `flow_log_sd` say what is uncertain.
        draws: for each model and horizon.
        seed: the same seed gives the same numbers.
        base: see `loss_drivers`.

    Returns:
        The rows and columns of `sector_comparison`, and after each `<model>_loss_pct` its 5 and 95 percent quantiles
        `<model>_loss_pct_low` and `_high`; `draws`, and `solved`, the fewest with a solution over the models (quantiles are
        over these; empty if there are none); `driver`, the input with the largest total effect on the variance of the two
        models with sectors taken together (elasticity, flows, or domestic sales and inputs), and `driver_total_effect` with
        its standard error `driver_se` (empty where a point has no solution).

    Raises:
        DataError: as `sector_comparison`, draws or a base out of range, or a parameter that the dossier lacks.
        NoEquilibrium, NotConverged: not one draw of one model has a solution for any power.
    """
    sectors = sector_matrices(dossier)
    worlds: dict[str, TradeMatrix | SectorMatrix] = {
        model: matrix.aggregate() if len(matrix.sectors) == 1 else matrix for model, matrix in sectors.items()
    }
    cuts = [coalition(dossier.focal, (power,), power) for power in dossier.powers]
    table = sector_comparison(dossier)
    for model, world in worlds.items():
        parts = (_interval(dossier, world, cuts, h, model, draws, seed) for h in HORIZONS)
        table = table.join(pl.concat(parts), on=KEY, how="left", maintain_order="left")
    drivers = (_drivers(dossier, worlds, cuts, horizon, base, seed) for horizon in HORIZONS)
    table = table.join(pl.concat(drivers), on=KEY, how="left", maintain_order="left")
    return table.with_columns(
        draws=pl.lit(draws, pl.Int64), solved=pl.min_horizontal(f"{model}_solved" for model in MODELS)
    ).select(_columns())


def _columns() -> Iterable[str]:
    ends = ("_loss_pct", "_loss_pct_low", "_loss_pct_high")
    yield from (*KEY, "theta", *(f"{model}{end}" for model in MODELS for end in ends))
    yield from ("draws", "solved", "driver", "driver_total_effect", "driver_se", "residual", "problem")


def _inputs(
    dossier: Dossier, horizon: Horizon, other: SectorMatrix | TradeMatrix | None = None
) -> TradeInputs:
    """What is uncertain at one horizon; `other` is a second matrix that might be the right one."""
    centre, low, high = positive(dossier, f"theta_{horizon}")
    return TradeInputs(
        Spread("lognormal", low, centre, high),
        dossier.parameter("flow_log_sd")[0],
        alternatives=() if other is None else (other,),
        flow_noise="pair",
    )


def _interval(
    dossier: Dossier,
    world: TradeMatrix | SectorMatrix,
    cuts: list[Scenario],
    horizon: Horizon,
    model: str,
    draws: int,
    seed: int,
) -> pl.DataFrame:
    """power, horizon, and the low end, high end and solved draws of one model."""
    found = draw_losses(world, dossier.focal, cuts, _inputs(dossier, horizon), draws, seed, horizon=horizon)
    low, high = 100 * found.quantiles(ENDS)
    return pl.DataFrame(
        {
            "power": found.names,
            "horizon": [horizon] * len(found.names),
            f"{model}_loss_pct_low": low,
            f"{model}_loss_pct_high": high,
            f"{model}_solved": found.solved,
        }
    ).fill_nan(None)


def _drivers(
    dossier: Dossier,
    worlds: dict[str, TradeMatrix | SectorMatrix],
    cuts: list[Scenario],
    horizon: Horizon,
    base: int,
    seed: int,
) -> pl.DataFrame:
    """power, horizon, driver, driver_total_effect, driver_se."""
    without, with_inputs = (worlds[model] for model in MODELS[1:])
    inputs = _inputs(dossier, horizon, with_inputs)
    found = loss_drivers(without, dossier.focal, cuts, inputs, base, seed, horizon=horizon, on_failure="mark")
    return (
        found.frame()
        .drop_nulls("total_effect")
        .sort("total_effect", descending=True)
        .unique("coalition", keep="first", maintain_order=True)
        .select(
            power="coalition",
            horizon=pl.lit(horizon),
            driver=pl.col("input").replace(DRIVERS),
            driver_total_effect="total_effect",
            driver_se="total_effect_se",
        )
    )
