"""`betweengiants trade uncertainty`: intervals of losses, and what drives their width."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_model import WorldOptions, solves
from betweengiants.cli.trade_options import (
    FlowsArgument,
    OneFocalOption,
    PowersOption,
    check_targets,
    labels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.sector_matrix import SectorMatrix
    from betweengiants.trade.spread import Spread
    from betweengiants.trade.uncertainty import LossDraws

EXAMPLE = "betweengiants trade uncertainty flows.csv --focal KAZ --powers RUS,CHN --low 2 --centre 4 --high 8"


class Distribution(StrEnum):
    """How an elasticity is spread."""

    lognormal = "lognormal"
    triangular = "triangular"
    uniform = "uniform"


class Noise(StrEnum):
    """What shares one error of the flows."""

    cell = "cell"
    pair = "pair"


def register(app: typer.Typer) -> None:
    """Add the command to `betweengiants trade`."""
    app.command("uncertainty", epilog=f"Example: {EXAMPLE}")(uncertainty)


@solves
def uncertainty(
    flows: FlowsArgument,
    focal: OneFocalOption,
    powers: PowersOption,
    *,
    low: Annotated[
        float | None,
        typer.Option(
            "--low",
            metavar="THETA",
            help="Low elasticity, one draw for all sectors; required with --centre and --high, unless "
            "--sector-elasticities names every sector.",
        ),
    ] = None,
    centre: Annotated[
        float | None, typer.Option("--centre", metavar="THETA", help="Central elasticity.")
    ] = None,
    high: Annotated[float | None, typer.Option("--high", metavar="THETA", help="High elasticity.")] = None,
    distribution: Annotated[
        Distribution,
        typer.Option(
            "--distribution",
            help="lognormal: low and high are the 5 and 95 % quantiles, centre the median; triangular: ends and mode; "
            "uniform: ends.",
        ),
    ] = Distribution.lognormal,
    sector_elasticities: Annotated[
        Path | None,
        typer.Option(
            "--sector-elasticities",
            metavar="FILE",
            help="CSV or Parquet with sector, low, centre, high: a draw for each sector; sectors without a row take --low, "
            "--centre, --high.",
        ),
    ] = None,
    together: Annotated[
        bool | None,
        typer.Option(
            "--together/--independent",
            help="With --sector-elasticities: all sectors at the same quantile, or each drawn for itself (default).",
        ),
    ] = None,
    options: WorldOptions,
    flow_sd: Annotated[
        float,
        typer.Option(
            "--flow-sd",
            metavar="SD",
            help="Standard deviation of the logarithm of every international flow, from the gap of mirror statistics.",
        ),
    ] = 0.0,
    flow_noise: Annotated[
        Noise,
        typer.Option(
            "--flow-noise",
            help="With several sectors: an error for every sector of a pair, or one for all sectors of a pair (for a "
            "deviation that was measured on totals).",
        ),
    ] = Noise.cell,
    domestic_low: Annotated[
        float,
        typer.Option(
            "--domestic-low",
            metavar="F",
            help="Least factor on domestic sales, at most 1 (with --domestic-high).",
        ),
    ] = 1.0,
    domestic_high: Annotated[
        float,
        typer.Option(
            "--domestic-high",
            metavar="F",
            help="Largest factor on domestic sales, at least 1; uniform between them.",
        ),
    ] = 1.0,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="Draws.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the draws.")] = 1,
    drivers: Annotated[
        int | None,
        typer.Option(
            "--drivers",
            metavar="N",
            help="Print which input drives the width instead: Sobol indices from N points (a power of 2, such as 256).",
        ),
    ] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Interval of the loss by each power and by all together, over draws of the elasticities and of the data."""
    from betweengiants.cli.output import emit
    from betweengiants.trade import Spread, TradeInputs, draw_losses, loss_drivers, severances

    check_targets(format, output)
    chosen = labels("--powers", powers)
    common = _common(low, centre, high, distribution)
    domestic = Spread("uniform", domestic_low, 1.0, domestic_high)
    matrix = options.read_world(flows)
    inputs = TradeInputs(
        _elasticities(matrix, common, sector_elasticities, distribution, together),
        flow_sd,
        domestic,
        sector_draws="together" if together else "independent",
        flow_noise=flow_noise.value,
        final_demand="trim" if options.trim_inputs else "refuse",
    )
    cuts = severances(focal, chosen)
    if drivers is not None:
        found = loss_drivers(matrix, focal, cuts, inputs, drivers, seed, **options.rules)
        emit(found.frame(), format, output, notes=matrix.notes())
        return
    result = draw_losses(matrix, focal, cuts, inputs, draws, seed, **options.rules)
    emit(result.frame(), format, output, notes=(*matrix.notes(), *_unsolved(result)))


def _common(
    low: float | None, centre: float | None, high: float | None, distribution: Distribution
) -> Spread | None:
    """The distribution of --low, --centre and --high, if they are given."""
    from betweengiants.trade import Spread

    if low is None and centre is None and high is None:
        return None
    if low is None or centre is None or high is None:
        raise typer.BadParameter("give all three of --low, --centre and --high, or none")
    return Spread(distribution.value, low, centre, high)


def _elasticities(
    matrix: TradeMatrix | SectorMatrix,
    common: Spread | None,
    file: Path | None,
    distribution: Distribution,
    together: bool | None,
) -> Spread | dict[str, Spread]:
    """One distribution for all sectors, or one for each."""
    from betweengiants.core.errors import DataError
    from betweengiants.trade import SectorMatrix, read_spreads

    if file is None:
        if common is None:
            raise typer.BadParameter("give --low, --centre and --high, or --sector-elasticities FILE")
        if together is not None:
            raise DataError(
                found=f"--{'together' if together else 'independent'} without --sector-elasticities",
                allowed="--sector-elasticities FILE (one draw holds for all sectors otherwise)",
            )
        return common
    if not isinstance(matrix, SectorMatrix):
        raise DataError(
            found="--sector-elasticities for flows of one sector",
            allowed="--low, --centre and --high, or several sectors",
        )
    return read_spreads(file, matrix.sectors, distribution.value, common)


def _unsolved(result: LossDraws) -> Sequence[str]:
    """Notes on the draws that have no solution."""
    return [
        f"note: {result.draws - solved} of {result.draws} draws have no solution for {name} "
        f"({'; '.join(f'{reason}: {count}' for reason, count in reasons.items())}); the quantiles are of the others."
        for name, solved, reasons in zip(result.names, result.solved, result.unsolved, strict=True)
        if solved < result.draws
    ]
