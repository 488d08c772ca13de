"""Commands that join the engines: `report`, `position`, `sever`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.drawing import CacheOption, DrawsOption, JobsOption, SeedOption, drawn, renderer
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    from collections.abc import Callable

    from betweengiants.position import Position


DRAWS = 100
"""Default number of draws: enough for ends of intervals that are shown with two digits."""
MOST_DAYS = 3_650
"""Ten years: a closure that outlasts them is the steady case, without --days."""


class Domain(StrEnum):
    """Which channel of a severance is shown."""

    trade = "trade"
    energy = "energy"
    transit = "transit"


class Horizon(StrEnum):
    """Short: factors of today; long: everything has settled."""

    short = "short"
    long = "long"


def report(
    where: DossierArgument = "kazakhstan",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the page and its files.")
    ] = Path("report"),
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 1,
    jobs: JobsOption = None,
    cache: CacheOption = None,
) -> None:
    """Write the whole position of a state as one self-contained page, with JSON, tables and pictures beside it."""
    from betweengiants.core.files import make_folder
    from betweengiants.dossier import load_dossier
    from betweengiants.position import position
    from betweengiants.report import write_report

    dossier = load_dossier(where)
    make_folder(out)
    with _steps() as step:
        step("drawing")
        uncertain = drawn(dossier, draws, seed, jobs, cache)
        step("solving")
        result = position(dossier, uncertain)
        with renderer(jobs) as executor:
            written = write_report(result, out, step, executor=executor)
    _summary(result)
    print(f"{written.page}  ({len(written.files)} files)")


def position(
    where: DossierArgument = "kazakhstan",
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 1,
    jobs: JobsOption = None,
    cache: CacheOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Print leverage, counter-leverage, alignment and balance, each with its range, as one long table."""
    from betweengiants.dossier import load_dossier
    from betweengiants.position import position as solve

    dossier = load_dossier(where)
    result = solve(dossier, drawn(dossier, draws, seed, jobs, cache))
    emit(result.results, format, output, notes=result.gaps)


def sever(
    context: typer.Context,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="POWER", help="A power that severs; repeat for a coalition."),
    ] = None,
    where: DossierArgument = "kazakhstan",
    domain: Annotated[
        Domain | None,
        typer.Option(help="Only this channel (with --days: energy or transit, the roads that have a clock)."),
    ] = None,
    horizon: Annotated[
        Horizon | None, typer.Option(help="Only this horizon; the roads by themselves have none.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            metavar="N",
            help="The closure of the roads ends after so many days, 1 to 3650 (default: never).",
        ),
    ] = None,
    edge: Annotated[
        list[str] | None,
        typer.Option("--edge", metavar="EDGE", help="Close this edge too, with --days; may be repeated."),
    ] = None,
    recovery: Annotated[
        int | None,
        typer.Option(
            "--recovery", metavar="N", help="Days after the reopening that count, with --days (60)."
        ),
    ] = None,
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 1,
    jobs: JobsOption = None,
    cache: CacheOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Print what one power, or several together, could take away; with --days, what a closure that ends costs."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier
    from betweengiants.position import position as solve
    from betweengiants.position.whatif import channels_of, remaining_routes, severance

    if days is not None:
        _refuse_draws(context)
        _sever_for_days(where, by or [], edge or [], days, recovery, domain, horizon, format, output)
        return
    if horizon is not None and domain in (Domain.energy, Domain.transit):
        raise DataError(
            found=f"--horizon {horizon.value} with --domain {domain.value}",
            allowed="--horizon without --domain or with --domain trade: the roads have one horizon",
        )
    for option, given in (("--edge", edge), ("--recovery", recovery)):
        if given is not None and given != []:
            raise DataError(found=f"{option} without --days", allowed=f"{option} with --days")
    if not by:
        raise typer.BadParameter("none given; or --edge EDGE with --days N", param_hint="--by POWER")
    dossier = load_dossier(where)
    # Draws stand behind the channel that joins trade and roads; a single domain does not show it.
    result = solve(dossier, drawn(dossier, draws, seed, jobs, cache) if domain is None else None)
    frame = severance(
        result, by, channel=domain.value if domain else None, horizon=horizon.value if horizon else None
    )
    routes = remaining_routes(result, by) if domain in (None, Domain.energy) else None
    gaps = result.gaps_of(channels_of(domain.value if domain else None))
    emit(frame, format, output, notes=(*([routes] if routes else []), *gaps))


def _refuse_draws(context: typer.Context) -> None:
    """A closure that ends is solved at central values: options of draws would do nothing."""
    from betweengiants.core.errors import DataError

    for option in ("draws", "seed", "jobs", "cache"):
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            raise DataError(
                found=f"--{option} with --days",
                allowed=f"--{option} without --days: a closure that ends is not drawn",
            )


def _sever_for_days(
    where: str,
    by: list[str],
    edges: list[str],
    days: int,
    recovery: int | None,
    domain: Domain | None,
    horizon: Horizon | None,
    format: Format,
    output: Path | None,
) -> None:
    """Trade has no clock: its equilibria are states, so that only the roads are simulated."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier
    from betweengiants.network.timeline import RECOVERY_DAYS
    from betweengiants.position.systems import systems_of
    from betweengiants.position.timed import timed_severance
    from betweengiants.position.whatif import DOMAINS

    if domain is Domain.trade or horizon is not None:
        option = "--domain trade" if horizon is None else f"--horizon {horizon.value}"
        raise DataError(found=f"{option} with --days", allowed="the roads in the days of the closure")
    for option, value, least in (("--days", days, 1), ("--recovery", recovery, 0)):
        if value is not None and not least <= value <= MOST_DAYS:
            raise DataError(
                found=f"{option} {value}",
                allowed=f"whole days from {least} to {MOST_DAYS}; without --days the closure never ends",
            )
    dossier = load_dossier(where)
    systems = None
    if domain is not None:
        systems = [s.name for s in systems_of(dossier) if s.channel in DOMAINS[domain.value]]
        if not systems:
            raise DataError(
                file=f"dossier {dossier.header.name}",
                found=f"no network of --domain {domain.value}",
                allowed="a domain whose roads it holds",
            )
    result = timed_severance(
        dossier,
        days=days,
        by=by,
        edges=edges,
        systems=systems,
        recovery_days=RECOVERY_DAYS if recovery is None else recovery,
    )
    emit(result.table, format, output, notes=result.notes)


def _summary(result: Position) -> None:
    """A few lines for the terminal: the answer, and a line a power."""
    from rich.console import Console
    from rich.table import Table

    from betweengiants.report import sections
    from betweengiants.report.answer import answer

    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    for sentence in answer(result):
        console.print(sentence.text)
    table = Table(box=None, pad_edge=False, header_style="bold")
    joint = {row["name"]: [row["cells"][k]["text"] for k in (0, 2)] for row in sections.joint_rows(result)}
    headings = ["Power", *(["All, short run", "All, long run"] if joint else [])]
    headings += ["Trade, short run"] if joint else ["Trade, short run", "Trade, long run"]
    if result.oil is not None:
        headings += ["Crude lost, Mt a year", "% of GDP"]
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in sections.number_cards(result):
        trade = [row["trade"][k]["text"] for k in ((0,) if joint else (0, 2))]
        oil = [row["oil"][k]["text"] for k in (0, 2)] if row["oil"] else []
        table.add_row(row["name"], *joint.get(row["name"], []), *trade, *oil)
    console.print()
    console.print(table)
    console.print()


class _steps:  # noqa: N801
    """A spinner with the name of the step, on a terminal only."""

    def __enter__(self) -> Callable[[str], None]:
        if not sys.stderr.isatty():
            self._status = None
            return lambda step: None
        from rich.console import Console

        self._status = Console(stderr=True).status("reading")
        self._status.start()
        return self._status.update

    def __exit__(self, *error: object) -> None:
        if self._status is not None:
            self._status.stop()
