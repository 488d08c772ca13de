"""Further commands of `betweengiants trade`: sectors, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_options import FlowsArgument, YearOption, check_targets

EXAMPLES = {
    "sectors": "betweengiants trade sectors kazakhstan --format csv",
    "check": "betweengiants trade check flows.csv --gdp gdp.csv",
}


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants trade`."""
    for name, command in (("sectors", sectors), ("check", check)):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


def sectors(
    where: DossierArgument = "kazakhstan",
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals",
            help="Add the 5 and 95 % quantiles of every loss over draws of the elasticity and of the flows, and which input "
            "drives the width (about ten seconds).",
        ),
    ] = False,
    draws: Annotated[
        int | None, typer.Option("--draws", metavar="N", help="Draws of --intervals; 200 unless given.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Seed of --intervals; 1 unless given.")
    ] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """The focal state's loss by power on one sector, on sectors, and on sectors with inputs; short and long."""
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier
    from betweengiants.position.sector_channel import sector_comparison, sector_matrices
    from betweengiants.position.sector_intervals import DRAWS, SEED, sector_intervals

    check_targets(format, output)
    if not intervals and (draws is not None or seed is not None):
        raise DataError(found="--draws or --seed without --intervals", allowed="--intervals with them")
    dossier = load_dossier(where)
    notes = (note for matrix in sector_matrices(dossier).values() for note in matrix.notes())
    if intervals:
        table = sector_intervals(dossier, DRAWS if draws is None else draws, SEED if seed is None else seed)
    else:
        table = sector_comparison(dossier)
    emit(table, format, output, notes=tuple(dict.fromkeys(notes)))


def check(
    flows: FlowsArgument,
    gdp: Annotated[
        Path | None,
        typer.Option(
            "--gdp",
            metavar="FILE",
            help="CSV or Parquet with country and gdp in the unit of the flows (also iso3, gdp_usd_m).",
        ),
    ] = None,
    year: YearOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What looks wrong in a table of flows: missing reports, home shares, units, balances. Exit code 1 if anything does."""
    from betweengiants.cli.output import emit
    from betweengiants.trade.plausible import check_flows, findings_frame, read_gdp, read_unchecked

    table = read_unchecked(flows, year)
    found = check_flows(table, None if gdp is None else read_gdp(gdp))
    emit(findings_frame(found), format, output)
    if found:
        raise typer.Exit(1)
