"""The command `betweengiants votes ideal-points`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.drawing import JobsOption, SeedOption, workers
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
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="LIST",
            help="Add the means of these blocs (EU27) of today's members, with an error of their own.",
        ),
    ] = None,
    halves: Annotated[
        int | None,
        typer.Option(
            "--halves",
            metavar="N",
            min=1,
            help="Part the resolutions into random halves N times: column se_halves, an error that leans on no model.",
        ),
    ] = None,
    seed: SeedOption = 1,
    jobs: JobsOption = None,
    codes: CodesOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Dynamic ideal points of all states, by session, with standard errors."""
    from betweengiants.alignment.ideal import ideal_points

    wanted = None if country is None else labels("--country", country)
    table, remarks = votes_and_remarks(votes, codes)
    groups, absent = _groups(table, group)
    for label in wanted or []:
        if label not in groups:
            table.position(label)
    table, notes = _of_issue(table, issue, issues or find_links)
    pairs = _links(table, links, find_links)
    found = ideal_points(
        table, links=pairs, contested=contested, sign=sign, drift=drift, spread=spread, groups=groups
    )
    frame = found.frame
    if halves is not None:
        from betweengiants.alignment.ideal_halves import Options, split_half_errors

        options = Options(pairs, contested, sign, groups)
        with workers(jobs, halves) as executor:
            errors = split_half_errors(table, found, halves, options=options, seed=seed, executor=executor)
        frame = frame.join(errors.drop("splits"), on=["country", "session"], how="left")
        counted = int(errors["splits"].max() or 0)  # type: ignore[arg-type]
        notes.append(f"se_halves: from {counted} of {halves} splits into random halves, seed {seed}")
    if wanted is not None:
        import polars as pl

        frame = frame.filter(pl.col("country").is_in(wanted))
    emit(frame, format, output, notes=(*remarks, *notes, *absent, *found.notes()))


def _groups(table: Votes, names: str | None) -> tuple[dict[str, list[str]], list[str]]:
    """Members of each bloc that the file holds, and a note of those that it does not."""
    from betweengiants.core.countries import blocs
    from betweengiants.core.errors import DataError, UnknownLabel, summary

    found: dict[str, list[str]] = {}
    notes = []
    for name in labels("--group", names) if names is not None else ():
        if name not in blocs():
            raise UnknownLabel(name, blocs(), what="bloc")
        found[name] = [member for member in blocs()[name] if member in table.countries]
        absent = [member for member in blocs()[name] if member not in table.countries]
        if not found[name]:
            raise DataError(file=table.name, found=f"no member of {name}", allowed="a file with some")
        if absent:
            notes.append(f"{name} without {summary(absent)}, not in the file")
    return found, notes


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
