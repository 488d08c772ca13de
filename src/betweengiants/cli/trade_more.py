"""Further commands of `betweengiants trade`: exposure, power, joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_model import ModelOptions, solves
from betweengiants.cli.trade_options import (
    FlowsArgument,
    FocalOption,
    ImbalancesOption,
    OneFocalOption,
    PowersOption,
    Rule,
    YardsticksOption,
    check_targets,
    labels,
    left_empty,
)

EXAMPLES = {
    "exposure": "betweengiants trade exposure flows.csv --elasticity 4 --focal KAZ. With sectors: betweengiants trade "
    "exposure sectors.csv --elasticity 4 --focal KAZ --io io.csv --horizon short",
    "power": "betweengiants trade power flows.csv --powers RUS,CHN --elasticity 4 --focal KAZ. With sectors: betweengiants "
    "trade power sectors.csv --powers RUS,CHN --focal KAZ --sector-elasticities theta.csv --io io.csv",
    "joint": "betweengiants trade joint flows.csv --focal KAZ --powers RUS,CHN,USA --elasticity 4. With sectors: "
    "betweengiants trade joint sectors.csv --focal KAZ --powers RUS,CHN --elasticity 4 --io io.csv --horizon short",
}


HELP_THETA = "Trade elasticity theta = sigma - 1, above 0."
ThetaOption = Annotated[float, typer.Option("--elasticity", metavar="THETA", help=HELP_THETA)]


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants trade`."""
    for name, command in (
        ("exposure", exposure),
        ("power", power),
        ("joint", joint),
    ):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


@dataclass(frozen=True)
class ExposureOptions(ModelOptions):
    """The same with the defaults of the published formula."""

    elasticity: ThetaOption = 4.0
    imbalances: ImbalancesOption = Rule.multiplicative


@solves
def exposure(
    flows: FlowsArgument,
    focal: FocalOption = None,
    *,
    options: ExposureOptions,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """First-order effect on each country's income and welfare of one percent more productivity in another, in percent."""
    from betweengiants.cli.output import emit
    from betweengiants.trade import exposures

    check_targets(format, output)
    states = None if focal is None else labels("--focal", focal)
    model = options.read(flows)
    for label in states or ():
        model.matrix.index(label)
    found = exposures(model.matrix, model.theta, **model.rules)
    emit(found.frame(states), format, output, notes=model.matrix.notes())


@solves
def power(
    flows: FlowsArgument,
    powers: PowersOption,
    *,
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
    options: ModelOptions,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What losing the supplies of each power would cost each focal state in closed form, beside the equilibrium loss."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.power import power_table

    check_targets(format, output)
    chosen = labels("--powers", powers)
    states = None if focal is None else labels("--focal", focal)
    model = options.read(flows)
    result = power_table(model.matrix, chosen, states, model.theta, outer, **model.rules)
    emit(result.frame(), format, output, notes=(*model.matrix.notes(), *left_empty(result.problems)))


@solves
def joint(
    flows: FlowsArgument,
    focal: OneFocalOption,
    powers: PowersOption,
    options: ModelOptions,
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
    model = options.read(flows)
    result = joint_leverage(model.matrix, focal, chosen, model.theta, **model.rules)
    if yardsticks:
        from betweengiants.trade.yardstick import coalition_table

        table = coalition_table(model.matrix, result, model.theta, **model.rules)
    else:
        table = joint_table(result)
    emit(table, format, output, notes=(*model.matrix.notes(), *left_empty(result.problems)))
