"""Commands of `betweengiants votes`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli import votes_ideal
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit
from betweengiants.cli.trade_options import labels
from betweengiants.cli.votes_options import CodesOption, VotesArgument, votes_and_remarks

if TYPE_CHECKING:
    from betweengiants.alignment.agreement import Composition

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Roll-call votes: who votes with whom.")

app.command(name="ideal-points", epilog=votes_ideal.EPILOG)(votes_ideal.ideal_points_command)


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
        str | None,
        typer.Option(
            "--with",
            metavar="LIST",
            help="Powers, joined by commas: labels of the file, or a bloc (EU27: the vote that a strict "
            "majority of its members voting cast; today's members in all years, unless --members-of-the-time).",
            show_default=False,
        ),
    ] = None,
    all_pairs: Annotated[
        bool,
        typer.Option(
            "--all-pairs", help="Every pair of states once, instead of --with (of --country, if given)."
        ),
    ] = False,
    of_the_time: Annotated[
        bool,
        typer.Option(
            "--members-of-the-time",
            help="A bloc of --with is whoever was a member on the day of the vote, those who left included.",
        ),
    ] = False,
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
    errors: Annotated[
        bool, typer.Option("--errors", help="Add the standard errors of the four measures.")
    ] = False,
    codes: CodesOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Agreement share, S, kappa and pi of states with powers, or of all pairs, by year, each with its n."""
    from betweengiants.alignment.agreement import agreement
    from betweengiants.alignment.pairs import ERRORS
    from betweengiants.alignment.remarks import own_bloc_remark
    from betweengiants.core.errors import DataError

    if (powers is None) != all_pairs:
        raise DataError(
            found="both --with and --all-pairs" if all_pairs else "neither --with nor --all-pairs",
            allowed="one of the two",
        )
    wanted = None if powers is None else labels("--with", powers)
    states = None if country is None else labels("--country", country)
    table, notes = votes_and_remarks(votes, codes)
    blocs, more = _blocs(wanted or [], table.countries, of_the_time)
    own = own_bloc_remark(states or table.countries, wanted or [], blocs)
    more += [own] if own else []
    if of_the_time and not blocs:
        raise DataError(
            found="--members-of-the-time without a bloc",
            allowed="--with EU27 and a file that holds its members, not a label EU27",
        )
    frame = agreement(table, wanted, states, blocs, by=by.value, contested=contested, distance=weights.value)
    if frame.is_empty():
        more.append("no resolution on which both sides of a pair voted")
    emit(frame if errors else frame.drop(ERRORS), format, output, notes=(*notes, *more))


def _blocs(
    wanted: list[str], known: tuple[str, ...], of_the_time: bool
) -> tuple[dict[str, Composition], list[str]]:
    """Members of the blocs asked for that are no labels of the file, and what to say about them."""
    from betweengiants.core.countries import bloc_terms, blocs

    found: dict[str, Composition] = {}
    notes = []
    for name in sorted(set(wanted) & set(blocs()) - set(known)):
        found[name] = bloc_terms()[name] if of_the_time else blocs()[name]
        missing = sorted(set(found[name]) - set(known))
        gone = f"; not in the file: {', '.join(missing)}" if missing else ""
        who = "whoever was a member on its day" if of_the_time else "today's"
        counted = (
            f"({len(found[name])} states in all)"
            if of_the_time
            else f"{len(found[name])} members in every year"
        )
        notes.append(f"{name}: majority vote of {who} {counted}{gone}")
    return found, notes
