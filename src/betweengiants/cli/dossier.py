"""Commands of `betweengiants dossier`, and `check` and `facts`, which ask a dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Look at a dossier: all the evidence on one state."
)

DossierArgument = Annotated[
    str, typer.Argument(metavar="DOSSIER", help="A folder, a zip, or the name of a built-in dossier.")
]


@app.command(epilog="Example: betweengiants dossier validate kazakhstan")
def validate(where: DossierArgument = "kazakhstan") -> None:
    """Check every table: types, keys, ranges, units, references, licences, and the sums of the descriptor."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier.descriptor import changed_files
    from betweengiants.dossier.reading import load_dossier, open_folder

    dossier = load_dossier(where)
    with open_folder(where) as folder:
        changed = changed_files(folder)
    if changed:
        raise DataError(
            file="datapackage.json",
            found=f"other sums than those of {', '.join(changed)}",
            allowed="sums of the files as they are (run: betweengiants dossier pack FOLDER)",
        )
    rows = sum(frame.height for frame in dossier.tables.values())
    print(
        f"{dossier.header.name} {dossier.header.version}: {len(dossier.tables)} tables, {rows} rows, no fault found"
    )


@app.command(epilog="Example: betweengiants dossier info kazakhstan --format csv")
def info(
    where: DossierArgument = "kazakhstan", format: FormatOption = Format.table, output: OutputOption = None
) -> None:
    """List the tables with their rows, distinct sources and periods."""
    from betweengiants.dossier.coverage import coverage
    from betweengiants.dossier.reading import load_dossier

    emit(coverage(load_dossier(where)), format, output)


@app.command(epilog="Example: betweengiants dossier pack my-state")
def pack(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A dossier's folder.")]) -> None:
    """Rewrite the descriptor of a folder from the tables that lie in it."""
    from betweengiants.dossier.packing import pack as make

    print(make(folder))


def check(
    where: DossierArgument = "kazakhstan",
    claims: Annotated[
        Path | None, typer.Option("--claims", metavar="FILE", help="Claims to check instead.")
    ] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Set every claim beside the facts that answer it and print a verdict.

    Exit code 1 if a claim is contradicted or implausible.
    """
    from betweengiants.dossier.claims import check_claims, read_claims
    from betweengiants.dossier.reading import load_dossier

    dossier = load_dossier(where)
    checked = check_claims(dossier, read_claims(claims) if claims else None)
    emit(checked, format, output)
    if checked["verdict"].is_in(["contradicted", "implausible"]).any():
        raise typer.Exit(1)


def facts(
    where: DossierArgument = "kazakhstan",
    measure: Annotated[str | None, typer.Option(help="Only this measure.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this subject.")] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """List the facts of a dossier: what can be claimed about."""
    import polars as pl

    from betweengiants.core.errors import UnknownLabel
    from betweengiants.dossier.reading import load_dossier

    frame = load_dossier(where).tables["facts"]
    for column, wanted in (("measure", measure), ("subject", subject)):
        if wanted is not None:
            if wanted not in set(frame[column]):
                raise UnknownLabel(wanted, frame[column], what=column, file="facts.csv")
            frame = frame.filter(pl.col(column) == wanted)
    emit(frame, format, output)
