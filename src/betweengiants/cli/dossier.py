"""Commands of `betweengiants dossier`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.dossier import Dossier

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Look at a dossier: all the evidence on one state."
)

DossierArgument = Annotated[
    str, typer.Argument(metavar="DOSSIER", help="A folder, a zip, or the name of a built-in dossier.")
]


@app.command(epilog="Example: betweengiants dossier new UZB --out uzbekistan")
def new(
    code: Annotated[str, typer.Argument(metavar="CODE", help="ISO 3166-1 alpha-3 code of the focal state.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where to; by default a folder of the state's name."),
    ] = None,
    powers: Annotated[
        str, typer.Option(help="Codes of the powers, joined by commas; the state itself is left out.")
    ] = "RUS,CHN,USA,EU27",
    year: Annotated[int, typer.Option(help="Base year: of the networks and of GDP.")] = 2025,
) -> None:
    """Write an empty dossier to fill: every table with its header, a descriptor, and a README."""
    from betweengiants.dossier.template import new_dossier

    print(new_dossier(code, out, powers=[power.strip() for power in powers.split(",")], base_year=year))


@app.command(epilog="Example: betweengiants dossier validate kazakhstan --format csv --output findings.csv")
def validate(
    where: DossierArgument = "kazakhstan",
    strict: Annotated[
        bool, typer.Option("--strict", help="Any finding of a consistency rule is a failure (exit code 1).")
    ] = False,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="NAME", help="Only this consistency rule; may be repeated."),
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the consistency rules and stop.")] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Check a dossier: what must hold (the first fault stops it), then every finding of the consistency rules.

    What must hold: types, keys, ranges, units, references, licences, and the sums of the descriptor. The rules ask what a
    careful reader would ask: parts above the whole, flows above capacity, old facts, unused sources, and more.
    """
    import polars as pl

    from betweengiants.dossier.consistency import check_consistency, described

    if rules:
        emit(pl.DataFrame(described(), schema=["rule", "sentence"], orient="row"), format, output)
        return
    dossier = _valid(where)
    findings = check_consistency(dossier, rule)
    line = _verdict(dossier, findings)
    on_screen = format is Format.table and output is None
    print(line, file=sys.stdout if on_screen else sys.stderr)
    if findings.height or not on_screen:
        emit(findings, format, output)
    if strict and findings.height:
        raise typer.Exit(1)


@app.command(epilog="Example: betweengiants dossier info kazakhstan --conflicts --format csv")
def info(
    where: DossierArgument = "kazakhstan",
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Facts on which sources differ by more than 2 percent.")
    ] = False,
    gaps: Annotated[bool, typer.Option("--gaps", help="What is missing.")] = False,
    years: Annotated[bool, typer.Option("--years", help="Facts by domain and year.")] = False,
    age: Annotated[bool, typer.Option("--age", help="How old the facts of each domain are.")] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """List the tables with their rows, distinct sources and periods; or what an option asks for."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import inventory
    from betweengiants.dossier.coverage import coverage
    from betweengiants.dossier.reading import load_dossier

    views = {
        "--conflicts": (conflicts, inventory.conflicts),
        "--gaps": (gaps, inventory.gaps),
        "--years": (years, inventory.by_year),
        "--age": (age, inventory.staleness),
    }
    asked = [view for wanted, view in views.values() if wanted]
    if len(asked) > 1:
        raise DataError(found=f"{len(asked)} views at once", allowed=f"one of {', '.join(views)}")
    emit((asked or [coverage])[0](load_dossier(where, complete=False)), format, output)


def _valid(where: str) -> Dossier:
    """The dossier, if everything holds that must, the sums of the descriptor included."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier.descriptor import changed_files
    from betweengiants.dossier.reading import load_dossier, open_folder

    with open_folder(where) as folder:
        dossier = load_dossier(folder, complete=False)
        changed = changed_files(folder)
    if changed:
        raise DataError(
            file="datapackage.json",
            found=f"other sums than those of {', '.join(changed)}",
            allowed="sums of the files as they are (run: betweengiants dossier pack FOLDER)",
        )
    return dossier


def _verdict(dossier: Dossier, findings: pl.DataFrame) -> str:
    """One line: what was read, and how many findings each rule made."""
    from betweengiants.dossier.reading import empty_tables

    rows = sum(frame.height for frame in dossier.tables.values())
    counts = findings.group_by("rule", maintain_order=True).len().rows()
    told = ", ".join(f"{name} {count}" for name, count in counts)
    bare = empty_tables(dossier)
    return (
        f"{dossier.header.name} {dossier.header.version}: {len(dossier.tables)} tables, {rows} rows, no fault found; "
        f"{findings.height} findings{f' ({told})' if told else ''}"
        f"{'; still to be filled: ' + ', '.join(bare) if bare else ''}"
    )


@app.command(epilog="Example: betweengiants dossier pack my-state")
def pack(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A dossier's folder.")]) -> None:
    """Rewrite the descriptor of a folder from the tables that lie in it."""
    from betweengiants.dossier.packing import pack as make

    print(make(folder))
