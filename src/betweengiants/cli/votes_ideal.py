"""The command `betweengiants votes ideal-points`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit
from betweengiants.cli.trade_options import labels
from betweengiants.cli.votes_options import CodesOption, VotesArgument, votes_and_remarks

if TYPE_CHECKING:
    from betweengiants.alignment.votes import Votes

EPILOG = "Example: betweengiants votes ideal-points votes.parquet --contested --format csv --output ideal_points.csv"


def ideal_points_command(
    votes: VotesArgument,
    country: Annotated[
        str | None,
        typer.Option(
            "--country", metavar="LIST", help="Print only these states; all are used in the estimate."
        ),
    ] = None,
    contested: Annotated[
        bool, typer.Option("--contested", help="Drop resolutions on which all who voted cast the same vote.")
    ] = False,
    links: Annotated[
        Path | None,
        typer.Option("--links", metavar="FILE", help="Repeated resolutions: resolution,same_as."),
    ] = None,
    find_links: Annotated[
        Path | None,
        typer.Option(
            "--find-links",
            metavar="ROLL_CALLS",
            help="Find repeated resolutions by title: resolution,session,title (or short, descr).",
        ),
    ] = None,
    issue: Annotated[
        str | None,
        typer.Option(
            "--issue",
            metavar="COLUMN",
            help="Only resolutions with 1 in this column of the file of --issues.",
        ),
    ] = None,
    issues: Annotated[
        Path | None,
        typer.Option(
            "--issues", metavar="ROLL_CALLS", help="File with resolution and the column of --issue."
        ),
    ] = None,
    sign: Annotated[str, typer.Option("--sign", metavar="LABEL", help="The state that is positive.")] = "USA",
    drift: Annotated[
        float | None,
        typer.Option(
            "--drift",
            help="Variance of the walk between sessions, on the scale of the result (published: 0.5; default: estimated).",
        ),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread",
            help="Variance of the slopes of resolutions, on that scale (published: 1; default: estimated).",
        ),
    ] = None,
    codes: CodesOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Dynamic ideal points of all states, by session, with standard errors."""
    from betweengiants.alignment.ideal import ideal_points

    wanted = None if country is None else labels("--country", country)
    table, remarks = votes_and_remarks(votes, codes)
    for label in wanted or []:
        table.position(label)
    table, notes = _of_issue(table, issue, issues or find_links)
    found = ideal_points(
        table,
        links=_links(table, links, find_links),
        contested=contested,
        sign=sign,
        drift=drift,
        spread=spread,
    )
    frame = found.frame
    if wanted is not None:
        import polars as pl

        frame = frame.filter(pl.col("country").is_in(wanted))
    emit(frame, format, output, notes=(*remarks, *notes, *found.notes()))


def _of_issue(table: Votes, issue: str | None, file: Path | None) -> tuple[Votes, list[str]]:
    """Only the resolutions of an issue, and a note of how many."""
    from betweengiants.core.errors import DataError

    if issue is None:
        return table, []
    if file is None:
        raise DataError(found="--issue without a file", allowed="--issues ROLL_CALLS (or --find-links)")
    import numpy as np

    from betweengiants.alignment.repeated import flagged

    flags = flagged(file, issue)
    kept = np.array([key in flags for key in table.resolutions], dtype=bool)
    if not kept.any():
        raise DataError(
            file=file.name,
            column=issue,
            found=f"no resolution of {table.name} with the flag",
            allowed="the same keys in both files",
        )
    return table.select(kept), [f"issue {issue}: {int(kept.sum())} of {kept.size} resolutions"]


def _links(table: Votes, links: Path | None, roll_calls: Path | None) -> dict[str, str]:
    """Repeated resolutions found by title, then those of a file; the file's word counts."""
    from betweengiants.alignment.repeated import find_links, read_links

    found = find_links(roll_calls, resolutions=table.resolutions) if roll_calls else {}
    return found | (read_links(links) if links else {})
