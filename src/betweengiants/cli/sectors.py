"""Further commands of `betweengiants trade`: sectors, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption
from betweengiants.cli.trade_options import FlowsArgument, YearOption

EXAMPLES = {
    "sectors": "betweengiants trade sectors kazakhstan --format csv",
    "check": "betweengiants trade check flows.csv --gdp gdp.csv",
}


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants trade`."""
    for name, command in (("sectors", sectors), ("check", check)):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


def sectors(
    where: DossierArgument = "kazakhstan", format: FormatOption = Format.table, output: OutputOption = None
) -> None:
    """The focal state's loss by power on one sector, on sectors, and on sectors with inputs; short and long."""
    from betweengiants.cli.output import emit
    from betweengiants.dossier import load_dossier
    from betweengiants.position.sector_channel import sector_comparison, sector_matrices

    dossier = load_dossier(where)
    notes = (note for matrix in sector_matrices(dossier).values() for note in matrix.notes())
    emit(sector_comparison(dossier), format, output, notes=tuple(dict.fromkeys(notes)))


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
