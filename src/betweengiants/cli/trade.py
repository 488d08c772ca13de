"""Commands of `betweengiants trade`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_model import Model, ModelOptions, solves
from betweengiants.cli.trade_options import (
    BilateralOption,
    FlowsArgument,
    FocalOption,
    PowersOption,
    YardsticksOption,
    check_targets,
    labels,
    left_empty,
    shortened,
)

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.trade.results import TradeResult
    from betweengiants.trade.scenario import Scenario
    from betweengiants.trade.sector_results import SectorResult

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Who buys from whom, and what a cut would cost: general equilibrium on your own table of flows.",
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --elasticity 4",
)


@app.command(
    epilog="Example: betweengiants trade shock flows.csv --shocks shocks.csv --elasticity 4. With sectors: betweengiants "
    "trade shock sectors.csv --shocks shocks.csv --sector-elasticities theta.csv --io io.csv --horizon short"
)
@solves
def shock(
    flows: FlowsArgument,
    shocks: Annotated[
        Path,
        typer.Option(
            "--shocks",
            metavar="SHOCKS",
            help="CSV or Parquet with exporter, importer, cost_factor (at least 1; inf severs), optionally sector (empty: "
            "all) and quantity_cap (share of today's quantity that can still be delivered; 0 severs, 1 is no cap).",
            show_default=False,
        ),
    ],
    options: ModelOptions,
    yardsticks: YardsticksOption = False,
    bilateral: BilateralOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What changed trade costs do to every country, in percent."""
    from betweengiants.trade.scenario import read_shocks

    check_targets(format, output, bilateral)
    model = options.read(flows)
    _solve_and_print(model, read_shocks(shocks, model.matrix), yardsticks, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --pair KAZ:CHN --elasticity 4. With sectors: "
    "betweengiants trade sever sectors.csv --pair KAZ:RUS --sector energy --elasticity 4 --io io.csv --bilateral after.csv"
)
@solves
def sever(
    flows: FlowsArgument,
    pair: Annotated[
        list[str],
        typer.Option(
            "--pair",
            metavar="A:B",
            help="Two countries whose trade is cut, both ways; repeat it for more.",
            show_default=False,
        ),
    ],
    *,
    one_way: Annotated[bool, typer.Option("--one-way", help="Cut only what A sells to B.")] = False,
    sector: Annotated[
        list[str] | None,
        typer.Option("--sector", metavar="SECTOR", help="Cut only this sector; repeat it for more."),
    ] = None,
    options: ModelOptions,
    yardsticks: YardsticksOption = False,
    bilateral: BilateralOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What cutting the trade of one or more pairs at once does to every country, in percent."""
    from betweengiants.trade.scenario import severance

    check_targets(format, output, bilateral)
    pairs = [_pair(text) for text in pair]
    cut = severance(pairs, one_way, sectors=sector or None)
    _solve_and_print(options.read(flows), cut, yardsticks, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade leverage flows.csv --powers RUS,CHN,USA --elasticity 4 --focal KAZ,UZB. With "
    "sectors: betweengiants trade leverage sectors.csv --powers RUS,CHN --elasticity 4 --io io.csv --horizon short"
)
@solves
def leverage(
    flows: FlowsArgument,
    powers: PowersOption,
    *,
    focal: FocalOption = None,
    options: ModelOptions,
    yardsticks: YardsticksOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What each power could do to each focal state by cutting all trade with it, and to itself, in percent."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.sweeps import leverage as sweep

    check_targets(format, output, None)
    chosen = labels("--powers", powers)
    states = None if focal is None else labels("--focal", focal)
    model = options.read(flows)
    result = sweep(model.matrix, chosen, states, model.theta, **model.rules)
    table = result.frame()
    if yardsticks:
        from betweengiants.trade.yardstick import leverage_table

        table = leverage_table(model.matrix, result, model.theta, **model.rules)
    emit(table, format, output, notes=(*model.matrix.notes(), *left_empty(result.problems)))


def _solve_and_print(
    model: Model,
    scenario: Scenario,
    yardsticks: bool,
    bilateral: Path | None,
    format: Format,
    output: Path | None,
) -> None:
    """Solve everything, then write. A failure leaves no file behind."""
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import OutputError
    from betweengiants.core.files import write_bytes
    from betweengiants.trade.either import solve_either

    result = solve_either(model.matrix, scenario, model.theta, **model.rules)
    table, notes = result.frame(), [*result.matrix.notes(), *_alone_notes(result), *_cap_notes(result)]
    if yardsticks:
        from betweengiants.trade.yardstick import yardsticks as measure

        found = measure(model.matrix, scenario, model.theta, **model.rules)
        table = found.beside(table, result.labels, [0] * len(result.labels))
        notes += found.notes()
    if bilateral is None:
        emit(table, format, output, notes=tuple(notes))
        return
    new = not bilateral.exists()
    write_bytes(bilateral, _bytes(result.bilateral(), bilateral))
    try:
        emit(table, format, output, notes=tuple(notes))
    except OutputError:
        if new:
            bilateral.unlink(missing_ok=True)
        raise


def _alone_notes(result: TradeResult | SectorResult) -> list[str]:
    """Whose numbers mean something else because nobody trades with them any more."""
    from betweengiants.core.errors import summary

    alone = [label for label, cut in zip(result.labels, result.isolated[0], strict=True) if cut]
    if not alone:
        return []
    return [
        f"note: left without any trade: {summary(alone)}; the change is that of real income, the imbalance is dropped."
    ]


def _cap_notes(result: TradeResult | SectorResult) -> list[str]:
    """What the caps that bind cost."""
    notes = []
    for cap in result.caps[0]:
        if cap.extra_factor > 1:
            flow = f"{cap.exporter} to {cap.importer}" + (f" ({cap.sector})" if cap.sector else "")
            notes.append(
                f"note: the cap of {cap.quantity_cap:g} on {flow} binds: extra cost factor {cap.extra_factor:.6g}."
            )
    return shortened(notes, "caps")


def _bytes(frame: pl.DataFrame, path: Path) -> bytes:
    import io

    if path.suffix.lower() == ".parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    return frame.write_csv().encode("utf-8")


def _pair(text: str) -> tuple[str, str]:
    from betweengiants.core.errors import DataError

    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2 or not all(parts):
        raise DataError(found=f"--pair '{text}'", allowed="two labels joined by a colon, such as KAZ:RUS")
    if parts[0] == parts[1]:
        raise DataError(found=f"--pair '{text}'", allowed="two different countries")
    return parts[0], parts[1]
