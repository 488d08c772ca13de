"""What the commands of `betweengiants trade` share: options, reading, places to write to, notes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from betweengiants.core.errors import BetweenGiantsError
    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.sector_matrix import FinalDemand, SectorMatrix

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
YardsticksOption = Annotated[
    bool,
    typer.Option(
        "--yardsticks",
        help="Add first_order_change_pct, the linear response of the equilibrium to the lost shares, and "
        "closed_form_change_pct, what dearer purchases alone would do at given factor prices.",
    ),
]
BilateralOption = Annotated[
    Path | None,
    typer.Option(
        "--bilateral",
        metavar="FILE",
        help="Also write all flows before and after there (CSV, or Parquet by the name's ending).",
    ),
]
PowersOption = Annotated[
    str,
    typer.Option("--powers", metavar="P,Q,...", help="The powers, separated by commas.", show_default=False),
]
FocalOption = Annotated[
    str | None,
    typer.Option("--focal", metavar="A,B,...", help="The focal states, separated by commas; default: all."),
]
OneFocalOption = Annotated[
    str, typer.Option("--focal", metavar="A", help="The focal state.", show_default=False)
]


def read_world(
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


def elasticities(
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


def check_targets(format: Format, output: Path | None, bilateral: Path | None = None) -> None:
    """Refuse places that cannot be written to before anything is computed."""
    import os

    from betweengiants.core.errors import DataError, OutputError

    if format is Format.parquet and output is None:
        raise DataError(found="--format parquet without --output", allowed="--output FILE")
    if output is not None and bilateral is not None and output.resolve() == bilateral.resolve():
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


def labels(option: str, text: str) -> list[str]:
    """The labels of an option, separated by commas."""
    from betweengiants.core.errors import DataError

    labels = [part.strip() for part in text.split(",")]
    if not all(labels):
        raise DataError(found=f"{option} '{text}'", allowed="labels separated by commas, such as RUS,CHN,USA")
    return labels


def shortened(notes: list[str], what: str) -> list[str]:
    """The first notes and how many more there are."""
    if len(notes) <= MOST_NOTES:
        return notes
    return [*notes[:MOST_NOTES], f"note: {len(notes) - MOST_NOTES} {what} more."]


def left_empty(problems: Sequence[BetweenGiantsError | None]) -> list[str]:
    """Notes on the rows that have no solution."""
    return shortened([f"note: left empty: {problem}" for problem in problems if problem is not None], "rows")
