"""Commands of `betweengiants votes`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Roll-call votes: who votes with whom.")

VotesArgument = Annotated[
    Path,
    typer.Argument(
        metavar="VOTES", help="CSV or Parquet with resolution,session,date,country,vote (yes, abstain, no)."
    ),
]


class By(StrEnum):
    """The period of a row."""

    year = "year"
    session = "session"


class Weights(StrEnum):
    """Distances behind S, kappa and pi."""

    absolute = "absolute"
    squared = "squared"
    nominal = "nominal"


@app.command(
    name="agreement",
    epilog="Example: betweengiants votes agreement votes.parquet --with RUS,CHN,USA --country KAZ",
)
def agreement_command(
    votes: VotesArgument,
    powers: Annotated[
        str,
        typer.Option(
            "--with",
            metavar="LIST",
            help="Powers, joined by commas: labels of the file, or a bloc (EU27: the vote that a strict "
            "majority of today's members voting cast).",
        ),
    ],
    country: Annotated[
        str | None,
        typer.Option("--country", metavar="LIST", help="Only these states, joined by commas."),
    ] = None,
    contested: Annotated[
        bool, typer.Option("--contested", help="Drop resolutions on which all who voted cast the same vote.")
    ] = False,
    by: Annotated[By, typer.Option("--by", help="Calendar year of the vote, or session.")] = By.year,
    weights: Annotated[
        Weights, typer.Option("--weights", help="Distance between votes for S, kappa and pi.")
    ] = Weights.absolute,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Agreement share, S, kappa and pi of states with powers, by year, each with its n."""
    from betweengiants.alignment.agreement import agreement
    from betweengiants.alignment.votes import read_votes

    wanted = _labels(powers, "--with")
    states = None if country is None else _labels(country, "--country")
    table = read_votes(votes)
    blocs, notes = _blocs(wanted, table.countries)
    frame = agreement(
        table, wanted, states, blocs, by=by.value, contested=contested, distance=weights.value
    ).drop("agreement_se")
    if frame.is_empty():
        notes.append("no resolution on which both sides of a pair voted")
    left_out = table.note()
    emit(frame, format, output, notes=(*([left_out] if left_out else []), *notes))


def _labels(text: str, option: str) -> list[str]:
    """Labels of a comma-separated option.

    Raises:
        DataError: none, or an empty one.
    """
    from betweengiants.core.errors import DataError

    labels = [label.strip() for label in text.split(",")]
    if not all(labels):
        raise DataError(found=f"{option} '{text}'", allowed="labels joined by commas, as in RUS,CHN")
    return labels


def _blocs(wanted: list[str], known: tuple[str, ...]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Today's members of the blocs asked for that are no labels of the file, and what to say about them."""
    from betweengiants.core.countries import blocs

    found = {name: members for name, members in blocs().items() if name in wanted and name not in known}
    notes = []
    for name, members in sorted(found.items()):
        missing = sorted(set(members) - set(known))
        gone = f"; not in the file: {', '.join(missing)}" if missing else ""
        notes.append(f"{name}: majority vote of today's {len(members)} members in every year{gone}")
    return found, notes
