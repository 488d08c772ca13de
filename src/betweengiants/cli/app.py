"""The root command and how errors leave the program."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from betweengiants.cli import (
    alignment,
    backtest,
    balance,
    check,
    compare,
    domains,
    dossier,
    frontier,
    network,
    network_check,
    network_cuts,
    pull,
    report,
    sectors,
    serve,
    trace,
    trade,
    trade_more,
    trade_uncertainty,
    votes,
)

app = typer.Typer(
    rich_markup_mode=None,
    name="betweengiants",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Measure, map and stress-test how a state balances between great powers.",
    epilog="Example: betweengiants report kazakhstan --out report",
)
app.command(epilog="Example: betweengiants report kazakhstan --out report")(report.report)
app.command(epilog="Example: betweengiants position kazakhstan --format csv")(report.position)
app.command(epilog="Example: betweengiants sever --by RUS --by CHN --horizon short")(report.sever)
app.command(epilog="Example: betweengiants check kazakhstan --format csv --output verdicts.csv")(check.check)
app.command(epilog="Example: betweengiants facts --measure crude_exports")(check.facts)
app.command(epilog=trace.TRACE_EPILOG)(trace.trace)
app.command(epilog=trace.CITE_EPILOG)(trace.cite)
app.command(epilog=compare.EPILOG)(compare.compare)
app.command(epilog=backtest.EPILOG)(backtest.backtest)
app.command(epilog=balance.EPILOG)(balance.balance)
app.command(epilog=frontier.EPILOG)(frontier.frontier)
app.command(epilog=domains.DOMAINS_EPILOG)(domains.domains)
app.command(epilog=domains.HISTORY_EPILOG)(domains.history)
app.command(name="pull", epilog=pull.EPILOG)(pull.pull)
app.command(epilog=serve.EPILOG)(serve.serve)
app.add_typer(dossier.app, name="dossier")
trade_more.register(trade.app)
trade_uncertainty.register(trade.app)
sectors.register(trade.app)
network_cuts.register(network.app)
network_check.register(network.app)
app.add_typer(trade.app, name="trade")
app.add_typer(network.app, name="network")
app.add_typer(votes.app, name="votes")
app.add_typer(alignment.app, name="alignment")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("betweengiants"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Measure, map and stress-test how a state balances between great powers."""


def main() -> None:
    """Run the command line; every error of ours becomes one sentence and its exit code."""
    # Many small matrices: threads inside the linear algebra would only wait for each other. Read when numpy loads, by
    # worker processes too; what the user has set stays.
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from betweengiants.core.errors import BetweenGiantsError

    try:
        app()
    except BetweenGiantsError as error:
        print(f"betweengiants: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()
            raise SystemExit(0) from None
        name = f": {str(error.filename)[:120]}" if error.filename else ""
        print(f"betweengiants: {error.strerror or error}{name}", file=sys.stderr)
        raise SystemExit(2) from None
