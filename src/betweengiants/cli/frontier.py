"""The command `betweengiants frontier`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.strategy import Frontier, Plan

# For the registration: app.command(epilog=frontier.EPILOG)(frontier.frontier)
EPILOG = "Example: betweengiants frontier kazakhstan --bound 80"


def frontier(
    where: Annotated[
        str, typer.Argument(metavar="[DOSSIER]", help="A folder, a zip, or the name of a built-in dossier.")
    ] = "kazakhstan",
    bound: Annotated[
        float | None,
        typer.Option(
            "--bound",
            metavar="PCT",
            help="Print the cheapest plan under which no power takes more than this percentage.",
            show_default=False,
        ),
    ] = None,
    powers: Annotated[
        str | None,
        typer.Option(
            "--powers",
            metavar="RUS,CHN",
            help="Who may sever, each alone; RUS+CHN is the two together (default: every power of the dossier).",
            show_default=False,
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            "--points", metavar="N", help="Points of the frontier.  [default: 11]", show_default=False
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="With --bound: build pipelines and terminals whole or not at all, not in part."
        ),
    ] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """The cheapest cost of keeping every power's leverage over oil exports under a bound, as the bound moves.

    Prints bound_pct (percent of what own oil earns today), the least cost a year, its low and high and what it is if
    projects are built whole (cost_low, cost_high, cost_whole), capex, the price of one point less, and the power that
    still takes most. With --bound: what to build, how much, what it costs and whose leverage it lowers; csv and json add
    the id that `trace` takes. Exit code 3 if no plan attains the bound.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier
    from betweengiants.strategy import autonomy_frontier, plan_at
    from betweengiants.strategy.tracing import named_coalitions

    if bound is not None and points is not None:
        raise DataError(found="--points with --bound", allowed="one of the two")
    if bound is None and whole:
        raise DataError(found="--whole without --bound", allowed="--whole with --bound PCT")
    groups = None if powers is None else named_coalitions(powers, "--powers")
    dossier = load_dossier(where)
    if bound is None:
        curve = autonomy_frontier(dossier, coalitions=groups, points=11 if points is None else points)
        table = curve.points if format is Format.table else _named(curve.points, powers)
        emit(table, format, output, notes=curve.notes)
        _below(_curve_lines(curve), format, output)
    else:
        plan = plan_at(dossier, bound, coalitions=groups, whole=whole)
        table = plan.actions if format is Format.table else _named_actions(plan, powers)
        emit(table, format, output, notes=plan.notes)
        _below(_plan_lines(plan), format, output)


def _named(points: pl.DataFrame, powers: str | None) -> pl.DataFrame:
    """With the name under which `trace` follows the cost of each bound."""
    import polars as pl

    from betweengiants.strategy.tracing import number_name

    names = [number_name("cost", bound, powers=powers) for bound in points["bound_pct"]]
    return points.with_columns(id=pl.Series(names, dtype=pl.String))


def _named_actions(plan: Plan, powers: str | None) -> pl.DataFrame:
    """With the name under which `trace` follows the capacity of each option."""
    import polars as pl

    from betweengiants.strategy.tracing import number_name

    names = [
        number_name("added", plan.bound_pct, who=option, whole=plan.whole, powers=powers)
        for option in plan.actions["option_id"]
    ]
    return plan.actions.with_columns(id=pl.Series(names, dtype=pl.String))


def _curve_lines(curve: Frontier) -> list[str]:
    import math

    least = math.ceil(1e4 * curve.least_pct) / 1e4  # rounded up, so that it can be asked for
    return [
        f"today {curve.today_pct:.4f} %, least attainable {least:.4f} %"
        f" of {curve.base_usd_m:,.1f} m USD a year; what binds: {', '.join(curve.binds)}"
    ]


def _plan_lines(plan: Plan) -> list[str]:
    if plan.price is not None:
        price = f"; one point less costs {plan.price:.4g} m USD a year more"
    else:
        price = "" if plan.whole else "; no plan goes lower"
    lines = [
        f"cost {plan.cost.value:.4f} m USD a year ({plan.cost.low:.4f} to {plan.cost.high:.4f}),"
        f" capex {plan.capex.value:.1f} m USD ({plan.capex.low:.1f} to {plan.capex.high:.1f}){price}",
        f"without a severance the additions earn {plan.gain_usd_m:.4g} m USD a year, not set against the cost",
    ]
    for row in plan.leverage.iter_rows(named=True):
        lines.append(
            f"{row['coalition']} takes {row['loss_pct_before']:.4f} -> {row['loss_pct_after']:.4f} %"
            f" ({row['lost_usd_m_before']:,.1f} -> {row['lost_usd_m_after']:,.1f} m USD a year);"
            f" {row['delivered_before']:.4g} -> {row['delivered_after']:.4g} Mt still arrive"
        )
    return lines


def _below(lines: list[str], format: Format, output: Path | None) -> None:
    """Totals: under a table on the screen, else to standard error, so that csv and json hold the table alone."""
    on_screen = format is Format.table and output is None
    print(*([""] if on_screen else []), *lines, sep="\n", file=sys.stdout if on_screen else sys.stderr)
