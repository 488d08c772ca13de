"""Further commands of `betweengiants network`: check, joint."""

from __future__ import annotations

from typing import Annotated

import typer

from betweengiants.cli.network import BasisOption, FolderArgument, ThresholdOption
from betweengiants.cli.output import Format, FormatOption, OutputOption

EXAMPLES = {
    "check": "betweengiants network check my-network",
    "joint": "betweengiants network joint my-network --powers RUS,CHN",
}


def register(app: typer.Typer) -> None:
    """Add the commands to `betweengiants network`."""
    for name, command in (("check", check), ("joint", joint)):
        app.command(name, epilog=f"Example: {EXAMPLES[name]}")(command)


def check(folder: FolderArgument, format: FormatOption = Format.table, output: OutputOption = None) -> None:
    """Every fault of a network's tables, row by row. Exit code 1 if there is any.

    Prints file, row, column, check, found, allowed (row 0: the network as a whole).
    """
    from betweengiants.cli.output import emit
    from betweengiants.network.review import review

    found = review(folder)
    emit(found, format, output)
    if found.height:
        raise typer.Exit(1)


def joint(
    folder: FolderArgument,
    powers: Annotated[
        str,
        typer.Option(
            "--powers", metavar="P,Q,...", help="The powers, separated by commas.", show_default=False
        ),
    ],
    basis: BasisOption = None,
    ownership_threshold: ThresholdOption = 0.5,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What every coalition of powers could take away, what acting together adds, and each power's part in it.

    Prints measure, coalition, before, lost, lost_pct, premium, shapley, shapley_share.
    """
    from betweengiants.cli.output import emit
    from betweengiants.cli.trade_options import labels
    from betweengiants.network import BASES, joint_severance, read_network

    chosen = labels("--powers", powers)
    network = read_network(folder)
    table = joint_severance(
        network,
        chosen,
        bases=[one.value for one in basis] if basis else BASES,
        ownership_threshold=ownership_threshold,
    )
    emit(table, format, output, notes=network.notes)
