"""`backtest`: historic closures and severances, predicted beside observed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    from betweengiants.position.episode_trade import World

EPILOG = (
    "Example: betweengiants backtest kazakhstan --format csv --output backtest.csv; "
    "betweengiants backtest --of leverage"
)


class Subject(StrEnum):
    """What is tested."""

    closures = "closures"
    leverage = "leverage"
    findings = "findings"


SHOWN = {
    Subject.leverage: (
        "obs_id",
        "outcome",
        "group",
        "predicted",
        "predicted_low",
        "predicted_high",
        "observed",
        "factor",
        "verdict",
    ),
    Subject.findings: (
        "finding_id",
        "finding",
        "number",
        "unit",
        "predicted",
        "predicted_low",
        "predicted_high",
        "verdict",
    ),
}
UNSEEN = ["skipped", "input", "not testable"]
SubjectOption = Annotated[
    Subject,
    typer.Option(
        "--of",
        help="closures: pipes and ports in the network; leverage: embargoes, gas stops, tariffs and border closures in the "
        "trade model; findings: published regularities of such severances.",
    ),
]
FlowsOption = Annotated[
    Path | None,
    typer.Option(
        "--flows",
        metavar="FILE",
        help="With --of leverage or findings: your own trade matrices, exporter,importer,value,year with domestic sales. Each "
        "severance takes the latest year before it that holds its economies.",
    ),
]


def backtest(
    where: DossierArgument = "kazakhstan",
    of: SubjectOption = Subject.closures,
    flows: FlowsOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Run historic closures or severances through the models with what was known before; print predicted beside observed."""
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier

    if of is Subject.closures:
        from betweengiants.position.backtest import backtest as run

        if flows is not None:
            raise DataError(
                found="--flows with --of closures", allowed="--flows with --of leverage or findings"
            )
        result = run(load_dossier(where))
        emit(result.table, format, output, notes=result.notes)
        return
    from betweengiants.position.episodes import backtest_leverage

    tested = backtest_leverage(load_dossier(where), _worlds(flows))
    table, notes = (tested.findings, ()) if of is Subject.findings else (tested.table, tested.notes)
    if format is Format.table:  # the other columns do not fit a screen; the notes count what is skipped
        table = table.filter(~table["verdict"].is_in(UNSEEN)).select(*SHOWN[of])
    emit(table, format, output, notes=notes)


def _worlds(path: Path | None) -> list[World]:
    from betweengiants.position.episode_trade import read_worlds

    return [] if path is None else read_worlds(path)
