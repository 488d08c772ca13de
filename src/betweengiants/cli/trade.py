"""Commands of `betweengiants trade`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.scenario import Scenario

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Who buys from whom, and what a cut would cost: general equilibrium on your own table of flows.",
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --elasticity 4",
)

MOST_NOTES = 5


class Rule(StrEnum):
    """What becomes of trade imbalances."""

    additive = "additive"
    multiplicative = "multiplicative"
    balanced = "balanced"


FlowsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FLOWS",
        help="CSV or Parquet with exporter, importer, value (or one value_... column), optionally sector and year; "
        "domestic sales are rows with exporter = importer.",
        show_default=False,
    ),
]
ElasticityOption = Annotated[
    float,
    typer.Option(
        "--elasticity",
        metavar="THETA",
        help="Trade elasticity theta = sigma - 1, above 0.",
        show_default=False,
    ),
]
ImbalancesOption = Annotated[
    Rule,
    typer.Option(
        "--imbalances",
        help="additive: held fixed in units of world output; multiplicative: spending stays in proportion to income; "
        "balanced: removed first.",
    ),
]
YearOption = Annotated[
    int | None, typer.Option("--year", metavar="YEAR", help="The year to take, if FLOWS holds several.")
]
SectorsOption = Annotated[
    bool, typer.Option("--aggregate-sectors", help="Add up the sectors of FLOWS; the model has one sector.")
]
BilateralOption = Annotated[
    Path | None,
    typer.Option(
        "--bilateral",
        metavar="FILE",
        help="Also write all flows before and after there (CSV, or Parquet by the name's ending).",
    ),
]


@app.command(epilog="Example: betweengiants trade shock flows.csv --shocks shocks.csv --elasticity 4")
def shock(
    flows: FlowsArgument,
    shocks: Annotated[
        Path,
        typer.Option(
            "--shocks",
            metavar="SHOCKS",
            help="CSV or Parquet with exporter, importer, cost_factor (at least 1; inf severs), optionally "
            "quantity_cap (0 or 1).",
            show_default=False,
        ),
    ],
    elasticity: ElasticityOption,
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    bilateral: BilateralOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What changed trade costs do to every country, in percent."""
    from betweengiants.trade.scenario import read_shocks

    _check_targets(format, output, bilateral)
    matrix = _read(flows, year, aggregate_sectors)
    _solve_and_print(matrix, read_shocks(shocks, matrix), elasticity, imbalances, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --pair KAZ:CHN --elasticity 4"
)
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
    elasticity: ElasticityOption,
    one_way: Annotated[bool, typer.Option("--one-way", help="Cut only what A sells to B.")] = False,
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    bilateral: BilateralOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What cutting the trade of one or more pairs at once does to every country, in percent."""
    from betweengiants.trade.scenario import severance

    _check_targets(format, output, bilateral)
    pairs = [_pair(text) for text in pair]
    matrix = _read(flows, year, aggregate_sectors)
    _solve_and_print(matrix, severance(pairs, one_way), elasticity, imbalances, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade leverage flows.csv --powers RUS,CHN,USA --elasticity 4 --focal KAZ,UZB"
)
def leverage(
    flows: FlowsArgument,
    powers: Annotated[
        str,
        typer.Option(
            "--powers", metavar="P,Q,...", help="The powers, separated by commas.", show_default=False
        ),
    ],
    elasticity: ElasticityOption,
    focal: Annotated[
        str | None,
        typer.Option(
            "--focal", metavar="A,B,...", help="The focal states, separated by commas; default: all."
        ),
    ] = None,
    imbalances: ImbalancesOption = Rule.additive,
    year: YearOption = None,
    aggregate_sectors: SectorsOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What each power could do to each focal state by cutting all trade with it, and to itself, in percent."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.sweeps import leverage as sweep

    _check_targets(format, output, None)
    chosen = _labels("--powers", powers)
    states = None if focal is None else _labels("--focal", focal)
    matrix = _read(flows, year, aggregate_sectors)
    result = sweep(matrix, chosen, states, elasticity, imbalances=imbalances.value)
    failed = [f"note: left empty: {problem}" for problem in result.problems if problem is not None]
    if len(failed) > MOST_NOTES:
        failed = [*failed[:MOST_NOTES], f"note: left empty: {len(failed) - MOST_NOTES} pairs more."]
    emit(result.frame(), format, output, notes=(*matrix.notes(), *failed))


def _read(flows: Path, year: int | None, aggregate_sectors: bool) -> TradeMatrix:
    from betweengiants.trade.matrix import read_flows

    return read_flows(flows, year, aggregate_sectors=aggregate_sectors)


def _solve_and_print(
    matrix: TradeMatrix,
    scenario: Scenario,
    elasticity: float,
    imbalances: Rule,
    bilateral: Path | None,
    format: Format,
    output: Path | None,
) -> None:
    """Solve everything first, then write: a failure leaves no file behind."""
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import OutputError
    from betweengiants.core.files import write_bytes
    from betweengiants.trade.engine import solve

    result = solve(matrix, scenario, elasticity, imbalances=imbalances.value)
    table = result.frame()
    if bilateral is None:
        emit(table, format, output, notes=matrix.notes())
        return
    new = not bilateral.exists()
    write_bytes(bilateral, _bytes(result.bilateral(), bilateral))
    try:
        emit(table, format, output, notes=matrix.notes())
    except OutputError:
        if new:
            bilateral.unlink(missing_ok=True)
        raise


def _bytes(frame: pl.DataFrame, path: Path) -> bytes:
    import io

    if path.suffix.lower() == ".parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    return frame.write_csv().encode("utf-8")


def _check_targets(format: Format, output: Path | None, bilateral: Path | None) -> None:
    """Refuse places that cannot be written to before anything is computed."""
    import os

    from betweengiants.core.errors import DataError, OutputError

    if format is Format.parquet and output is None:
        raise DataError(found="--format parquet without --output", allowed="--output FILE")
    if output is not None and bilateral is not None and output.absolute() == bilateral.absolute():
        raise DataError(found=f"{output} for both --output and --bilateral", allowed="two different files")
    for path in (output, bilateral):
        if path is None:
            continue
        if path.is_dir():
            raise OutputError(str(path), "it is a folder")
        if not path.parent.is_dir():
            raise OutputError(str(path), "no such folder")
        if not os.access(path.parent, os.W_OK):
            raise OutputError(str(path), "permission denied")


def _pair(text: str) -> tuple[str, str]:
    from betweengiants.core.errors import DataError

    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2 or not all(parts):
        raise DataError(found=f"--pair '{text}'", allowed="two labels joined by a colon, such as KAZ:RUS")
    if parts[0] == parts[1]:
        raise DataError(found=f"--pair '{text}'", allowed="two different countries")
    return parts[0], parts[1]


def _labels(option: str, text: str) -> list[str]:
    from betweengiants.core.errors import DataError

    labels = [part.strip() for part in text.split(",")]
    if not all(labels):
        raise DataError(found=f"{option} '{text}'", allowed="labels separated by commas, such as RUS,CHN,USA")
    return labels
