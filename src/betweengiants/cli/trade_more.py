"""Further commands of `betweengiants trade`: exposure, power, joint, uncertainty."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_options import (
    ElasticityOption,
    FlowsArgument,
    FocalOption,
    HorizonOption,
    ImbalancesOption,
    IoOption,
    OneFocalOption,
    PowersOption,
    Rule,
    SectorElasticitiesOption,
    SectorsOption,
    Time,
    TrimOption,
    YardsticksOption,
    YearOption,
    check_targets,
    elasticities,
    labels,
    left_empty,
    read_world,
)

if TYPE_CHECKING:
    from betweengiants.trade.matrix import TradeMatrix

EXAMPLES = {
    "exposure": "betweengiants trade exposure flows.csv --elasticity 4 --focal KAZ",
    "power": "betweengiants trade power flows.csv --powers RUS,CHN --elasticity 4 --focal KAZ",
    "joint": "betweengiants trade joint flows.csv --focal KAZ --powers RUS,CHN,USA --elasticity 4",
    "uncertainty": "betweengiants trade uncertainty flows.csv --focal KAZ --powers RUS,CHN --low 2 --centre 4 --high 8",
}


class Distribution(StrEnum):
    """How an elasticity is spread."""

    lognormal = "lognormal"
    triangular = "triangular"
    uniform = "uniform"


HELP_THETA = "Trade elasticity theta = sigma - 1, above 0."
ThetaOption = Annotated[float, typer.Option("--elasticity", metavar="THETA", help=HELP_THETA)]


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants trade`."""
    for name, command in (
        ("exposure", exposure),
        ("power", power),
        ("joint", joint),
        ("uncertainty", uncertainty),
    ):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


def exposure(
    flows: FlowsArgument,
    elasticity: ThetaOption = 4.0,
    focal: FocalOption = None,
    sector_elasticities: SectorElasticitiesOption = None,
    io: IoOption = None,
    trim_inputs: TrimOption = False,
    horizon: HorizonOption = Time.long,
    imbalances: ImbalancesOption = Rule.multiplicative,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """First-order effect on each country's income and welfare of one percent more productivity in another, in percent."""
    from betweengiants.cli.output import emit
    from betweengiants.trade import SectorMatrix, exposures, sector_exposures

    check_targets(format, output)
    states = None if focal is None else labels("--focal", focal)
    matrix = read_world(flows, year, aggregate_sectors, io, trim_inputs)
    theta = elasticities(matrix, elasticity, sector_elasticities)
    for label in states or ():
        matrix.index(label)
    if isinstance(matrix, SectorMatrix):
        table = sector_exposures(matrix, theta, imbalances=imbalances.value, horizon=horizon.value).frame(
            states
        )
    else:
        table = exposures(matrix, float(theta), imbalances=imbalances.value).frame(states)
    emit(table, format, output, notes=matrix.notes())


def power(
    flows: FlowsArgument,
    powers: PowersOption,
    elasticity: ElasticityOption = None,
    outer: Annotated[
        float,
        typer.Option(
            "--outer",
            metavar="RHO",
            help="Elasticity between imports and home goods: 1 holds the budget share of imports; 1 + THETA is the nest "
            "of the equilibrium model.",
        ),
    ] = 1.0,
    focal: FocalOption = None,
    sector_elasticities: SectorElasticitiesOption = None,
    io: IoOption = None,
    trim_inputs: TrimOption = False,
    horizon: HorizonOption = Time.long,
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What losing the supplies of each power would cost each focal state in closed form, beside the equilibrium loss."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.power import power_table

    check_targets(format, output)
    chosen = labels("--powers", powers)
    states = None if focal is None else labels("--focal", focal)
    matrix = read_world(flows, year, aggregate_sectors, io, trim_inputs)
    theta = elasticities(matrix, elasticity, sector_elasticities)
    result = power_table(
        matrix, chosen, states, theta, outer, imbalances=imbalances.value, horizon=horizon.value
    )
    emit(result.frame(), format, output, notes=(*matrix.notes(), *left_empty(result.problems)))


def joint(
    flows: FlowsArgument,
    focal: OneFocalOption,
    powers: PowersOption,
    elasticity: ElasticityOption = None,
    sector_elasticities: SectorElasticitiesOption = None,
    io: IoOption = None,
    trim_inputs: TrimOption = False,
    horizon: HorizonOption = Time.long,
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    yardsticks: YardsticksOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What every coalition of powers could do to one focal state, what acting together adds, and each power's part in it."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.shapley import joint_table
    from betweengiants.trade.sweeps import joint_leverage

    check_targets(format, output)
    chosen = labels("--powers", powers)
    matrix = read_world(flows, year, aggregate_sectors, io, trim_inputs)
    theta = elasticities(matrix, elasticity, sector_elasticities)
    result = joint_leverage(matrix, focal, chosen, theta, imbalances=imbalances.value, horizon=horizon.value)
    table = joint_table(result)
    if yardsticks:
        from betweengiants.trade.yardstick import joint_columns

        table = table.with_columns(
            **joint_columns(matrix, result, theta, imbalances=imbalances.value, horizon=horizon.value)
        )
    emit(table, format, output, notes=(*matrix.notes(), *left_empty(result.problems)))


def uncertainty(
    flows: FlowsArgument,
    focal: OneFocalOption,
    powers: PowersOption,
    low: Annotated[float, typer.Option("--low", metavar="THETA", help="Low elasticity.", show_default=False)],
    centre: Annotated[
        float, typer.Option("--centre", metavar="THETA", help="Central elasticity.", show_default=False)
    ],
    high: Annotated[
        float, typer.Option("--high", metavar="THETA", help="High elasticity.", show_default=False)
    ],
    distribution: Annotated[
        Distribution,
        typer.Option(
            "--distribution",
            help="lognormal: low and high are the 5 and 95 % quantiles, centre the median; triangular: ends and mode; "
            "uniform: ends.",
        ),
    ] = Distribution.lognormal,
    flow_sd: Annotated[
        float,
        typer.Option(
            "--flow-sd",
            metavar="SD",
            help="Standard deviation of the logarithm of every international flow, from the gap of mirror statistics.",
        ),
    ] = 0.0,
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
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Interval of the loss by each power and by all together, over draws of the elasticity and of the data."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.spread import Spread
    from betweengiants.trade.uncertainty import TradeInputs, draw_losses, loss_drivers, severances

    check_targets(format, output)
    chosen = labels("--powers", powers)
    inputs = TradeInputs(
        Spread(distribution.value, low, centre, high),
        flow_sd,
        Spread("uniform", domestic_low, 1.0, domestic_high),
    )
    matrix = _read(flows, year, aggregate_sectors)
    cuts = severances(focal, chosen)
    if drivers is not None:
        found = loss_drivers(matrix, focal, cuts, inputs, drivers, seed, imbalances=imbalances.value)
        emit(found.frame(), format, output, notes=matrix.notes())
        return
    result = draw_losses(matrix, focal, cuts, inputs, draws, seed, imbalances=imbalances.value)
    missing = [
        f"note: {draws - solved} of {draws} draws have no solution for {name}; the quantiles are of the others."
        for name, solved in zip(result.names, result.solved, strict=True)
        if solved < draws
    ]
    emit(result.frame(), format, output, notes=(*matrix.notes(), *missing))


def _read(flows: Path, year: int | None, aggregate_sectors: bool) -> TradeMatrix:
    from betweengiants.trade.matrix import read_flows

    return read_flows(flows, year, aggregate_sectors=aggregate_sectors)
