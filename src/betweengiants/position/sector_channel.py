"""What severance costs the focal state on one sector, on sectors, and on sectors with input-output links, side by side.

Three pictures of the same world, each at the short and at the long horizon:

    one_sector      the trade channel's matrix: everything is one good, domestic sales on the value-added basis
    sectors         the sector matrix on the same basis; sums over sectors are those of the one-sector matrix
    sectors_inputs  the same international flows, domestic sales on the gross-output basis, with inputs by `io_coefficients`

Short: factors stay in their sectors, at `theta_short`; long: they move, at `theta_long`. One elasticity holds for all
sectors: a sector's own elasticity for crude oil says little, because a closed pipe is a quantity that is not delivered and
not a price that rises; that loss is the oil channel's. A gross-output matrix is never solved without its inputs: home
shares rise and the loss is understated.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.dossier import Dossier
from betweengiants.position.settings import positive
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_engine import solve_sectors
from betweengiants.trade.sector_io import coefficients
from betweengiants.trade.sector_matrix import SectorMatrix, sector_frame
from betweengiants.trade.sector_results import Horizon

TABLES = ("trade_matrix_sectors", "io_coefficients")
MODELS = ("one_sector", "sectors", "sectors_inputs")
HORIZONS: tuple[Horizon, ...] = ("short", "long")
BASES = {"one_sector": None, "sectors": "domestic_value_added", "sectors_inputs": "domestic_gross"}
INTERNATIONAL = "international"


def sector_matrices(dossier: Dossier) -> dict[str, SectorMatrix]:
    """The three matrices by model name.

    Raises:
        DataError: the dossier lacks a table that is needed, or the tables do not fit together (inputs above absorption).
    """
    lacking = [table for table in TABLES if not dossier.has(table)]
    if lacking:
        raise DataError(
            found=f"a dossier without {' and '.join(f'{table}.csv' for table in lacking)}",
            allowed=f"a dossier with {' and '.join(f'{table}.csv' for table in TABLES)}",
        )
    paths = dossier.header.paths
    cells = dossier.tables["trade_matrix_sectors"]
    shares = coefficients(
        dossier.tables["io_coefficients"].select("economy", "sector", "parameter", "input_sector", "value"),
        name=paths["io_coefficients"],
    )
    columns = ("exporter", "importer", "year")
    whole = dossier.tables["trade_matrix"].select(*columns, value="value_usd_m")
    matrices = {"one_sector": sector_frame(whole, name=paths["trade_matrix"])}
    for model in MODELS[1:]:
        chosen = cells.filter(pl.col("basis").is_in([INTERNATIONAL, BASES[model]]))
        matrices[model] = sector_frame(
            chosen.select(*columns, "sector", value="value_usd_m"),
            name=paths["trade_matrix_sectors"],
            coefficients=shares if model == "sectors_inputs" else None,
        )
    return matrices


def sector_comparison(dossier: Dossier) -> pl.DataFrame:
    """The focal state's loss of real spending when each power severs all trade with it, by model and horizon.

    Returns:
        Rows by power and horizon: power, horizon, theta; `one_sector_loss_pct`, `sectors_loss_pct` and
        `sectors_inputs_loss_pct` (percent of real national spending; empty where there is no solution); `residual`
        (largest excess demand over the three models, relative to output); `problem` (why a number is empty, else empty).

    Raises:
        DataError: the dossier lacks a table or parameter, or the tables do not fit together.
    """
    matrices = sector_matrices(dossier)
    scenarios = [coalition(dossier.focal, (power,)) for power in dossier.powers]
    rows = []
    for horizon in HORIZONS:
        theta = positive(dossier, f"theta_{horizon}")[0]
        found = [_losses(matrices[model], dossier.focal, scenarios, theta, horizon) for model in MODELS]
        for k, power in enumerate(dossier.powers):
            cells = [losses[k] for losses in found]
            problems = dict.fromkeys(str(problem) for _, _, problem in cells if problem is not None)
            rows.append(
                (
                    power,
                    horizon,
                    theta,
                    *(loss for loss, _, _ in cells),
                    max(residual for _, residual, _ in cells),
                    "; ".join(problems) or None,
                )
            )
    names = ["power", "horizon", "theta", *(f"{model}_loss_pct" for model in MODELS), "residual", "problem"]
    kinds = [pl.String, pl.String, *[pl.Float64] * (len(MODELS) + 2), pl.String]
    table = pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
    order = pl.col("power").replace_strict({power: k for k, power in enumerate(dossier.powers)})
    return table.sort(order, maintain_order=True)


def _losses(
    matrix: SectorMatrix, focal: str, scenarios: Sequence[Scenario], theta: float, horizon: Horizon
) -> list[tuple[float | None, float, BetweenGiantsError | None]]:
    """Loss in percent (none where there is no solution), residual and problem of each scenario."""
    solved = solve_sectors(matrix, scenarios, theta, horizon=horizon, on_failure="mark")
    change = solved.welfare_change[:, matrix.index(focal)]
    return [
        (None if problem is not None else -100 * float(change[k]), float(solved.residual[k]), problem)
        for k, problem in enumerate(solved.problems)
    ]
