"""The command `betweengiants pull`: files that the user downloaded, into the local store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

EPILOG = "Example: betweengiants pull baci --file BACI_HS17_V202501.zip"


def pull(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="A source; without it, the sources are listed.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="The file as downloaded from the publisher.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Where tables are kept (else BETWEENGIANTS_STORE, else the user's data folder).",
        ),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option("--version-name", metavar="NAME", help="Name of the version (else from the file)."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put another file in the place of one of the same version.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List what the store holds.")] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Read open data that you have downloaded into the local store. Nothing is fetched from the network.

    Prints source, table, rows and path of every table written. Example:
    betweengiants pull baci --file BACI_HS17_V202501.zip
    """
    from betweengiants.core.errors import DataError
    from betweengiants.sources.store import list_sources, list_store, pull_file

    if listing:
        frame = list_store(store)
        emit(frame if source is None else frame.filter(frame["source"] == source), format, output)
    elif source is None:
        if file is not None:
            raise DataError(found="--file without a source", allowed="a source, as in pull baci --file PATH")
        emit(list_sources(), format, output)
    else:
        stored = pull_file(source, file, store, version=version, replace=replace)
        emit(stored.tables, format, output, notes=stored.notes)
