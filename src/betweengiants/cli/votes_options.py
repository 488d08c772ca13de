"""What the commands of `betweengiants votes` share: the file, its coding, and what to say about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from betweengiants.alignment.votes import Votes

VotesArgument = Annotated[
    Path,
    typer.Argument(
        metavar="VOTES", help="CSV or Parquet with resolution,session,date,country,vote (yes, abstain, no)."
    ),
]
CodesOption = Annotated[
    str | None,
    typer.Option(
        "--codes",
        metavar="LIST",
        help="Coding of a file with other values, such as 1=yes,2=abstain,3=no; values not named are left out "
        "and counted.",
    ),
]


def votes_and_remarks(path: Path, codes: str | None) -> tuple[Votes, list[str]]:
    """The votes, and what a reader should know about the file.

    Raises:
        DataError: see `read_votes`; a coding that cannot be read.
    """
    from betweengiants.alignment.remarks import remarks
    from betweengiants.alignment.votes import read_votes

    votes = read_votes(path, codes=None if codes is None else _coding(codes))
    return votes, remarks(votes)


def _coding(text: str) -> dict[str, str]:
    from betweengiants.core.errors import DataError

    found: dict[str, str] = {}
    for part in text.split(","):
        value, equals, word = (piece.strip() for piece in part.partition("="))
        if not (value and equals and word) or value in found:
            raise DataError(found=f"--codes '{text}'", allowed="value=vote, as in 1=yes,2=abstain,3=no")
        found[value] = word
    return found
