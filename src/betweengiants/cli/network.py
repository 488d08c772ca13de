"""Commands of `betweengiants network`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.network_time import (
    BacklogOption,
    DaysOption,
    EdgeOption,
    ForesightOption,
    PeriodsOption,
    RecoveryOption,
    StepOption,
    Window,
    sever_for_days,
    time_totals,
)
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    from betweengiants.network import Closure, FlowResult, SeveranceResult

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What can flow where: best flows, severance by powers, contingencies.",
    epilog="Example: betweengiants network sever my-network --power RUS",
)


class Basis(StrEnum):
    """Why a power can close something."""

    territory = "territory"
    ownership = "ownership"
    market = "market"
    supply = "supply"


FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        help="Holds nodes.csv, edges.csv, supply.csv, demand.csv and, if there are any, control.csv, storage.csv, ramps.csv.",
        show_default=False,
    ),
]
BasisOption = Annotated[
    list[Basis] | None,
    typer.Option("--basis", help="Count only this kind of control; may be repeated (default: all four)."),
]
ThresholdOption = Annotated[
    float,
    typer.Option(
        "--ownership-threshold", metavar="SHARE", help="Smallest owned share that closes an asset, up to 1."
    ),
]


@app.command(epilog="Example: betweengiants network flow my-network --format csv")
def flow(
    folder: FolderArgument,
    observed: Annotated[
        Path | None,
        typer.Option(
            "--observed",
            metavar="FILE",
            help="CSV or Parquet with edge_id, commodity, volume: adds the columns observed and error_pct.",
        ),
    ] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """The flows of the highest value: flow, utilisation and shadow price of every edge.

    Prints edge_id, commodity, flow (against the edge's own direction negative), capacity, utilisation, shadow_price
    (what one more unit of capacity a year would be worth).
    """
    from betweengiants.network import Programme, read_network
    from betweengiants.network.observed import compare_observed, read_observed

    network = read_network(folder)
    seen = None if observed is None else read_observed(observed)
    result = Programme(network).solve()
    table = result.edges
    if observed is not None and seen is not None:
        compared = compare_observed(network, result, seen, name=observed.name)
        key = ["edge_id", "commodity"]
        table = table.join(compared.select(*key, "observed", "error_pct"), on=key, how="left")
    emit(table, format, output, notes=network.notes)
    _below(_flow_totals(result), format, output)


@app.command(
    epilog="Example: betweengiants network sever my-network --power RUS --power CHN --basis territory. "
    "For a closure that ends: betweengiants network sever my-network --power RUS --days 30 --periods"
)
def sever(
    folder: FolderArgument,
    power: Annotated[
        list[str] | None,
        typer.Option("--power", help="Who severs; repeat it for joint severance.", show_default=False),
    ] = None,
    basis: BasisOption = None,
    ownership_threshold: ThresholdOption = 0.5,
    days: DaysOption = None,
    edge: EdgeOption = None,
    recovery: RecoveryOption = None,
    step: StepOption = None,
    backlog: BacklogOption = None,
    foresight: ForesightOption = None,
    periods: PeriodsOption = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What is still delivered when one or several powers close all that they control.

    Prints commodity, market, before, after, lost, lost_pct, and the total value before and after (below the table; to
    standard error for csv, json, parquet and with --output). Quantities are a year's; with --days those of the closure
    and the days after it, with what storage.csv and ramps.csv say about stores and delays.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.network import BASES, closure, read_network
    from betweengiants.network import sever as sever_network

    window = Window(days, edge or (), recovery, step, backlog, foresight, periods)
    window.refuse_without_days()
    if not power and not edge:
        raise DataError(found="no --power", allowed="at least one --power (or --edge with --days)")
    network = read_network(folder)
    bases = [one.value for one in basis] if basis else BASES
    if days is not None:
        cut = closure(network, power, bases=bases, ownership_threshold=ownership_threshold) if power else None
        timeline = sever_for_days(network, cut, window)
        closing = (*_closed(cut), *cut.notes) if cut else ()
        table = timeline.periods if periods else timeline.table
        emit(table, format, output, notes=(*network.notes, *closing, *timeline.notes))
        _below(time_totals(timeline), format, output)
        return
    result = sever_network(network, power or (), bases=bases, ownership_threshold=ownership_threshold)
    emit(result.table, format, output, notes=(*network.notes, *_closed(result), *result.notes))
    _below(_severance_totals(result), format, output)


def _below(lines: list[str], format: Format, output: Path | None) -> None:
    """Totals: under a table on the screen, else to standard error, so that csv and json hold the table alone."""
    import sys

    on_screen = format is Format.table and output is None
    print(*([""] if on_screen else []), *lines, sep="\n", file=sys.stdout if on_screen else sys.stderr)


def _flow_totals(result: FlowResult) -> list[str]:
    return [
        f"total value: {result.value!r}",
        f"delivered {result.gross_value:,.6g}, transport {result.transport_cost:,.6g},"
        f" supply {result.supply_cost:,.6g}",
    ]


def _severance_totals(result: SeveranceResult) -> list[str]:
    lines = [
        f"total value before: {result.value_before!r}",
        f"total value after: {result.value_after!r}",
    ]
    for commodity, share, lost in result.shares.select(
        "commodity", "interdictable", "unreroutable"
    ).iter_rows():
        if share is not None:
            lines.append(
                f"{commodity}: {share:.1%} interdictable (passes through what closes),"
                f" {lost:.1%} unreroutable (lost after the best detour)"
            )
    return lines


def _closed(result: SeveranceResult | Closure) -> list[str]:
    from betweengiants.core.errors import summary

    closed = result.closed
    lines = []
    for power, basis in closed.select("power", "basis").unique().sort("power", "basis").iter_rows():
        rows = closed.filter((closed["power"] == power) & (closed["basis"] == basis))
        for asset, plural in (("edge", "edges"), ("supply", "supply at"), ("demand", "demand at")):
            ids = rows.filter(rows["asset"] == asset)["asset_id"].unique().sort()
            if len(ids):
                lines.append(f"{power} closes by {basis}: {plural} {summary(ids)}")
    return lines
