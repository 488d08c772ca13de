"""Commands of `betweengiants trade`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.results import TradeResult
    from betweengiants.trade.scenario import Scenario
    from betweengiants.trade.sector_matrix import FinalDemand, SectorMatrix
    from betweengiants.trade.sector_results import SectorResult

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Who buys from whom, and what a cut would cost: general equilibrium on your own table of flows.",
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --elasticity 4",
)

MOST_NOTES = 5


class Time(StrEnum):
    """How long the world has to adjust."""

    short = "short"
    long = "long"


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
    float | None,
    typer.Option(
        "--elasticity",
        metavar="THETA",
        help="Trade elasticity theta = sigma - 1, above 0; required, unless --sector-elasticities names every sector.",
        show_default=False,
    ),
]
SectorElasticitiesOption = Annotated[
    Path | None,
    typer.Option(
        "--sector-elasticities",
        metavar="FILE",
        help="CSV or Parquet with sector, theta; sectors without a row take --elasticity.",
    ),
]
IoOption = Annotated[
    Path | None,
    typer.Option(
        "--io",
        metavar="FILE",
        help="Cost shares: economy (or *), sector (or *), parameter (value_added_share, input_share or "
        "intermediate_input_share), input_sector, value. Without it nothing is used as an input.",
    ),
]
TrimOption = Annotated[
    bool,
    typer.Option(
        "--trim-inputs",
        help="Where --io needs more of a good than the country absorbs, cut all its uses there in proportion (refused "
        "otherwise).",
    ),
]
HorizonOption = Annotated[
    Time,
    typer.Option(
        "--horizon",
        help="long: factors move between sectors; short: each sector keeps its own. Give each its own elasticities.",
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
    bool,
    typer.Option("--aggregate-sectors", help="Add up the sectors of FLOWS and use the model of one sector."),
]
BilateralOption = Annotated[
    Path | None,
    typer.Option(
        "--bilateral",
        metavar="FILE",
        help="Also write all flows before and after there (CSV, or Parquet by the name's ending).",
    ),
]


@app.command(
    epilog="Example: betweengiants trade shock flows.csv --shocks shocks.csv --elasticity 4. With sectors: betweengiants "
    "trade shock sectors.csv --shocks shocks.csv --sector-elasticities theta.csv --io io.csv --horizon short"
)
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
    elasticity: ElasticityOption = None,
    sector_elasticities: SectorElasticitiesOption = None,
    io: IoOption = None,
    trim_inputs: TrimOption = False,
    horizon: HorizonOption = Time.long,
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
    matrix = _read(flows, year, aggregate_sectors, io, trim_inputs)
    theta = _theta(matrix, elasticity, sector_elasticities)
    result = _solve(matrix, read_shocks(shocks, matrix), theta, imbalances, horizon)
    _print(result, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade sever flows.csv --pair KAZ:RUS --pair KAZ:CHN --elasticity 4. With sectors: "
    "betweengiants trade sever sectors.csv --pair KAZ:RUS --sector energy --elasticity 4 --io io.csv --bilateral after.csv"
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
    elasticity: ElasticityOption = None,
    one_way: Annotated[bool, typer.Option("--one-way", help="Cut only what A sells to B.")] = False,
    sector: Annotated[
        list[str] | None,
        typer.Option("--sector", metavar="SECTOR", help="Cut only this sector; repeat it for more."),
    ] = None,
    sector_elasticities: SectorElasticitiesOption = None,
    io: IoOption = None,
    trim_inputs: TrimOption = False,
    horizon: HorizonOption = Time.long,
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
    matrix = _read(flows, year, aggregate_sectors, io, trim_inputs)
    theta = _theta(matrix, elasticity, sector_elasticities)
    result = _solve(matrix, severance(pairs, one_way, sectors=sector or None), theta, imbalances, horizon)
    _print(result, bilateral, format, output)


@app.command(
    epilog="Example: betweengiants trade leverage flows.csv --powers RUS,CHN,USA --elasticity 4 --focal KAZ,UZB. With "
    "sectors: betweengiants trade leverage sectors.csv --powers RUS,CHN --elasticity 4 --io io.csv --horizon short"
)
def leverage(
    flows: FlowsArgument,
    powers: Annotated[
        str,
        typer.Option(
            "--powers", metavar="P,Q,...", help="The powers, separated by commas.", show_default=False
        ),
    ],
    elasticity: ElasticityOption = None,
    focal: Annotated[
        str | None,
        typer.Option(
            "--focal", metavar="A,B,...", help="The focal states, separated by commas; default: all."
        ),
    ] = None,
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
    """What each power could do to each focal state by cutting all trade with it, and to itself, in percent."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.sweeps import leverage as sweep

    _check_targets(format, output, None)
    chosen = _labels("--powers", powers)
    states = None if focal is None else _labels("--focal", focal)
    matrix = _read(flows, year, aggregate_sectors, io, trim_inputs)
    theta = _theta(matrix, elasticity, sector_elasticities)
    result = sweep(matrix, chosen, states, theta, imbalances=imbalances.value, horizon=horizon.value)
    failed = [f"note: left empty: {problem}" for problem in result.problems if problem is not None]
    if len(failed) > MOST_NOTES:
        failed = [*failed[:MOST_NOTES], f"note: left empty: {len(failed) - MOST_NOTES} pairs more."]
    emit(result.frame(), format, output, notes=(*matrix.notes(), *failed))


def _read(
    flows: Path, year: int | None, aggregate_sectors: bool, io: Path | None, trim_inputs: bool
) -> TradeMatrix | SectorMatrix:
    """A matrix of one sector where one is enough (it is solved faster), else of several."""
    from betweengiants.core.errors import DataError
    from betweengiants.trade.matrix import from_frame, read_rows
    from betweengiants.trade.sector_io import read_coefficients
    from betweengiants.trade.sector_matrix import sector_frame

    if aggregate_sectors and io is not None:
        raise DataError(found="--aggregate-sectors with --io", allowed="one of the two")
    if trim_inputs and io is None:
        raise DataError(found="--trim-inputs without --io", allowed="--io FILE")
    rows = read_rows(flows)
    several = "sector" in rows.columns and rows["sector"].n_unique() > 1 and not aggregate_sectors
    if io is None and not several:
        return from_frame(rows, name=flows.name, year=year, aggregate_sectors=aggregate_sectors)
    shares = None if io is None else read_coefficients(io)
    rule: FinalDemand = "trim" if trim_inputs else "refuse"
    return sector_frame(rows, name=flows.name, year=year, coefficients=shares, final_demand=rule)


def _theta(
    matrix: TradeMatrix | SectorMatrix, elasticity: float | None, file: Path | None
) -> NDArray[np.float64]:
    """One elasticity, or one for each sector."""
    import numpy as np

    from betweengiants.core.errors import DataError
    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.sector_io import read_elasticities

    if elasticity is None and file is None:
        raise typer.BadParameter("give --elasticity THETA or --sector-elasticities FILE")
    if file is None:
        return np.array(elasticity, dtype=np.float64)
    if isinstance(matrix, TradeMatrix):
        raise DataError(
            found="--sector-elasticities for flows of one sector",
            allowed="--elasticity THETA, or several sectors",
        )
    return read_elasticities(file, matrix.sectors, elasticity)


def _solve(
    matrix: TradeMatrix | SectorMatrix,
    scenario: Scenario,
    theta: NDArray[np.float64],
    imbalances: Rule,
    horizon: Time,
) -> TradeResult | SectorResult:
    from betweengiants.trade.engine import solve
    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.sector_engine import solve_sectors

    if isinstance(matrix, TradeMatrix):
        return solve(matrix, scenario, theta, imbalances=imbalances.value)
    return solve_sectors(matrix, scenario, theta, horizon=horizon.value, imbalances=imbalances.value)


def _print(
    result: TradeResult | SectorResult, bilateral: Path | None, format: Format, output: Path | None
) -> None:
    """Everything has been solved: write. A failure leaves no file behind."""
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import OutputError
    from betweengiants.core.files import write_bytes

    table, notes = result.frame(), (*result.matrix.notes(), *_cap_notes(result))
    if bilateral is None:
        emit(table, format, output, notes=notes)
        return
    new = not bilateral.exists()
    write_bytes(bilateral, _bytes(result.bilateral(), bilateral))
    try:
        emit(table, format, output, notes=notes)
    except OutputError:
        if new:
            bilateral.unlink(missing_ok=True)
        raise


def _cap_notes(result: TradeResult | SectorResult) -> list[str]:
    """What the caps that bind cost."""
    notes = []
    for cap in result.caps[0]:
        if cap.extra_factor > 1:
            flow = f"{cap.exporter} to {cap.importer}" + (f" ({cap.sector})" if cap.sector else "")
            notes.append(
                f"note: the cap of {cap.quantity_cap:g} on {flow} binds: extra cost factor {cap.extra_factor:.6g}."
            )
    return _short(notes, "caps")


def _short(notes: list[str], what: str) -> list[str]:
    if len(notes) <= MOST_NOTES:
        return notes
    return [*notes[:MOST_NOTES], f"note: {len(notes) - MOST_NOTES} {what} more."]


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
