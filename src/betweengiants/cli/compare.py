"""The command `betweengiants compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    from betweengiants.position.compare_table import Comparison

EPILOG = (
    "Example: betweengiants compare KAZ UZB KGZ AZE. On your own tables: betweengiants compare KAZ SRB VNM --flows baci.csv "
    "--gdp gdp.csv --votes votes.parquet --format csv"
)


def compare(
    states: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STATE",
            help="Codes of states (KAZ), or dossiers (a folder, a zip or a built-in name). Default: kazakhstan.",
        ),
    ] = None,
    powers: Annotated[
        str | None,
        typer.Option(
            "--powers",
            metavar="P,Q,...",
            help="The powers, separated by commas: labels of the matrix, or EU27 where it holds the members.",
        ),
    ] = None,
    flows: Annotated[
        Path | None,
        typer.Option(
            "--flows",
            metavar="FILE",
            help="CSV or Parquet with exporter, importer, value, optionally sector and year (default: BACI of the local store "
            "with --gdp, else the matrix of --settings).",
        ),
    ] = None,
    gdp: Annotated[
        Path | None,
        typer.Option(
            "--gdp",
            metavar="FILE",
            help="CSV or Parquet with country and gdp (also iso3, gdp_usd_m): domestic sales of states that have none in the "
            "flows are GDP less exports.",
        ),
    ] = None,
    fill: Annotated[
        Path | None,
        typer.Option(
            "--fill", metavar="FILE", help="Flows of pairs that --flows does not hold, such as estimates."
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YEAR", help="Year of the flows, if there are several.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(
            "--votes",
            metavar="FILE",
            help="CSV or Parquet with resolution, session, date, country, vote (default: votes of the local store, else the "
            "table of --settings).",
        ),
    ] = None,
    ideal_points: Annotated[
        Path | None,
        typer.Option(
            "--ideal-points", metavar="FILE", help="Table with country, session, n, ideal_point, se."
        ),
    ] = None,
    settings: Annotated[
        str,
        typer.Option(
            "--settings",
            metavar="DOSSIER",
            help="Dossier with the elasticities for all, and with powers, matrix and votes where nothing else gives them.",
        ),
    ] = "kazakhstan",
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="The local store (else BETWEENGIANTS_STORE, else the user's folder).",
        ),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="One row for each number instead of one for each state.")
    ] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Set several states side by side: leverage of each power, balance, votes, and where they stand among all states.

    The table is a short one; csv, json and parquet hold every number with its range, its rank and its coverage.
    """
    from betweengiants.cli.trade_options import check_targets, labels
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier
    from betweengiants.position.compare import comparison
    from betweengiants.position.compare_votes import find_votes, read_ideal_points
    from betweengiants.position.compare_world import find_world

    check_targets(format, output)
    twice = [state for state in states or () if (states or []).count(state) > 1]
    if twice:
        raise DataError(found=f"the state {twice[0]} twice", allowed="each state once")
    base = load_dossier(settings)
    found = comparison(
        states or ["kazakhstan"],
        settings=base,
        powers=None if powers is None else labels("--powers", powers),
        world=find_world(base, flows=flows, gdp=gdp, fill=fill, year=year, store=store),
        votes=find_votes(votes, store),
        points=None
        if ideal_points is None
        else (read_ideal_points(ideal_points), f"file {ideal_points.name}"),
    )
    short = format is Format.table and not long
    frame = found.numbers if long else found.summary() if short else found.table()
    emit(frame, format, output, notes=tuple(_notes(found, short)))


def _notes(found: Comparison, short: bool) -> list[str]:
    """What holds for all states, how to read the short table, and what each state lacks."""
    notes = [f"note: {note}" for note in found.notes]
    if short:
        lists = "votes and all_channels" if "coupled_leverage_pct" in found.numbers["measure"] else "votes"
        order = ", ".join(found.powers)
        notes.insert(0, f"note: leverage short/long run, the rest short run; {lists} in the order {order}")
    gaps = found.coverage.filter(found.coverage["gaps"].is_not_null())
    return [*notes, *(f"{row['state']}: {row['gaps']}" for row in gaps.to_dicts())]
