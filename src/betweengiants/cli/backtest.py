"""`backtest`: historic closures, predicted beside observed."""

from __future__ import annotations

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

EPILOG = "Example: betweengiants backtest kazakhstan --format csv --output backtest.csv"


def backtest(
    where: DossierArgument = "kazakhstan", format: FormatOption = Format.table, output: OutputOption = None
) -> None:
    """Run historic closures through the simulator with what was known the day before; print predicted beside observed."""
    from betweengiants.dossier import load_dossier
    from betweengiants.position.backtest import backtest as run

    result = run(load_dossier(where))
    emit(result.table, format, output, notes=result.notes)
