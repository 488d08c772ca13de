"""Commands of `betweengiants network` that close things by ones, twos and sets: contingency, interdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.network import BasisOption, FolderArgument, ThresholdOption
from betweengiants.cli.output import Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from betweengiants.network import Interdiction, Network

EXAMPLES = {
    "contingency": "betweengiants network contingency my-network --order 2 --edges",
    "interdict": "betweengiants network interdict my-network --budget 3 --sets 2. "
    "What halves deliveries: betweengiants network interdict my-network --halve --commodity oil",
}


class Counted(StrEnum):
    """What the closures are meant to lower."""

    value = "value"
    delivered = "delivered"


JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, metavar="N", help="Processes for large sweeps (default: one for each core)."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants network`."""
    for name, command in (("contingency", contingency), ("interdict", interdict)):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


def contingency(
    folder: FolderArgument,
    order: Annotated[int, typer.Option("--order", help="How many close at once: 1 or 2.")] = 1,
    edges: Annotated[bool, typer.Option("--edges", help="Close single edges (the default).")] = False,
    nodes: Annotated[
        bool, typer.Option("--nodes", help="Close nodes, with their edges, supply and demand.")
    ] = False,
    powers: Annotated[bool, typer.Option("--powers", help="Close what powers control.")] = False,
    basis: BasisOption = None,
    ownership_threshold: ThresholdOption = 0.5,
    jobs: JobsOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Every edge (or node, or power), or every pair, closed in turn, the largest loss first.

    Prints removed (joined by `;`), value_before, value_after, value_lost, delivered_lost (sum over commodities).
    """
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import DataError, summary
    from betweengiants.network import BASES, read_network
    from betweengiants.network import contingency as engine

    asked = [name for name, wanted in (("edges", edges), ("nodes", nodes), ("powers", powers)) if wanted]
    if len(asked) > 1:
        raise DataError(
            found=" with ".join(f"--{name}" for name in asked), allowed="one of --edges, --nodes, --powers"
        )
    if order not in (1, 2):
        raise DataError(found=f"--order {order}", allowed="1 or 2")
    if basis and not powers:
        raise DataError(found=f"--basis with --{(asked or ['edges'])[0]}", allowed="--basis with --powers")
    network = read_network(folder)
    with _workers(network, jobs) as executor, _progress("closures solved") as progress:
        if powers:
            table = engine.power_contingencies(
                network,
                order,
                bases=[one.value for one in basis] if basis else BASES,
                ownership_threshold=ownership_threshold,
                executor=executor,
                progress=progress,
            )
        else:
            close = engine.node_contingencies if nodes else engine.edge_contingencies
            table = close(network, order, executor=executor, progress=progress)
    units = engine.mixed_units(network)
    mixed = (f"delivered_lost adds up quantities in several units: {summary(units)}",) if units else ()
    emit(table, format, output, notes=(*network.notes, *mixed))


def interdict(
    folder: FolderArgument,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, metavar="K", help="Close at most K edges.")
    ] = None,
    halve: Annotated[
        bool, typer.Option("--halve", help="Instead: the smallest set that halves what is delivered.")
    ] = False,
    keep_below: Annotated[
        float | None,
        typer.Option(
            "--keep-below", metavar="SHARE", help="Instead: the smallest set that leaves at most this share."
        ),
    ] = None,
    sets: Annotated[
        int | None,
        typer.Option(
            "--sets", min=1, metavar="M", help="How many sets (default: 5; 1 for the smallest set)."
        ),
    ] = None,
    by: Annotated[
        Counted | None,
        typer.Option("--by", help="What counts (default: value; delivered for the smallest set)."),
    ] = None,
    commodity: Annotated[
        str | None,
        typer.Option("--commodity", metavar="C", help="Count deliveries of C alone (with --by delivered)."),
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", help="Most time for sets of more than two edges."),
    ] = 300.0,
    jobs: JobsOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """The sets of edges whose closure does most damage, and what it would cost to go round them.

    Prints rank, removed (joined by `;`), size, value_before, value_after, value_lost, delivered_lost, detour_cost (what
    the goods that still arrive cost more to bring), bypass_cost (least money a year for added capacity that restores
    every delivery; needs the column added_cost in edges.csv), worth_defending (value lost a year), status (optimal: no
    unlisted set does more), gap.
    """
    from betweengiants.cli.output import emit
    from betweengiants.core.errors import DataError
    from betweengiants.network import interdict as worst_sets
    from betweengiants.network import read_expansion, read_network, smallest_sets

    given = [
        name
        for name, wanted in (
            ("--budget", budget is not None),
            ("--halve", halve),
            ("--keep-below", keep_below is not None),
        )
        if wanted
    ]
    if len(given) != 1:
        raise DataError(
            found=" with ".join(given) or "no --budget", allowed="one of --budget, --halve, --keep-below"
        )
    network = read_network(folder)
    expansion = read_expansion(folder)
    with _workers(network, jobs) as executor, _progress("done") as progress:
        if budget is not None:
            result = worst_sets(
                network,
                budget,
                sets=sets or 5,
                by=(by or Counted.value).value,
                commodity=commodity,
                expansion=expansion,
                seconds=time_limit,
                executor=executor,
                progress=progress,
            )
        else:
            result = smallest_sets(
                network,
                0.5 if keep_below is None else keep_below,
                sets=sets or 1,
                by=(by or Counted.delivered).value,
                commodity=commodity,
                expansion=expansion,
                seconds=time_limit,
                executor=executor,
                progress=progress,
            )
    emit(result.table, format, output, notes=(*network.notes, *_additions(result), *result.notes))


def _additions(result: Interdiction) -> list[str]:
    """The cheapest bypass of each set in words."""
    lines = []
    for (rank,), rows in result.bypass.group_by("rank", maintain_order=True):
        parts = [f"{amount:,.6g} on {edge}" for edge, amount in rows.select("edge_id", "added").iter_rows()]
        lines.append(f"rank {rank}: the cheapest bypass adds {', '.join(parts)}")
    return lines


@contextmanager
def _workers(network: Network, jobs: int | None) -> Iterator[Executor | None]:
    """Processes for large sweeps; none where one is asked for or there is one core."""
    from betweengiants.network import ProgrammePool

    with ProgrammePool(network, jobs) as pool:
        yield pool if pool.jobs > 1 else None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """One line on standard error that counts up, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    width = 0

    def show(done: int, total: int) -> None:
        nonlocal width
        line = f"{done:,} of {total:,} {what}"
        width = max(width, len(line))
        print(f"\r{line:<{width}}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(f"\r{'':<{width}}\r", end="", file=sys.stderr, flush=True)
