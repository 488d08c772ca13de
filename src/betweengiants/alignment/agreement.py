"""Agreement in votes between states and powers, by calendar year or session.

Over the n resolutions on which both sides voted, with yes, abstain and no at 1, 2 and 3 and d = |difference|:
agreement is the mean of 1, 0.5, 0 for d = 0, 1, 2 (the three-category score of Voeten's dyadic data);
S, kappa and pi as in `similarity` (Haege 2011). Only resolutions put to a vote count; most of what the
Assembly does is adopted without one. Standard errors (see `similarity`) take the resolutions of a period as
independent draws; many come back every year or stand for one quarrel, so they are lower bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.alignment.pairs import Pairs
from betweengiants.alignment.similarity import Distance
from betweengiants.alignment.votes import VOTE_CODES, Votes
from betweengiants.core.errors import DataError, UnknownLabel, summary

Period = Literal["year", "session"]
# Members of a bloc: a list (one for all dates), or member -> (start, end) in ISO days; "" or None = open.
Composition = Sequence[str] | Mapping[str, tuple[str | None, str | None]]
LEVELS = np.array([1.0, 2.0, 3.0])
# Resolutions counted at a time: more than any year has put to a vote, and a few tens of megabytes.
BLOCK = 8192


def agreement(
    votes: Votes,
    powers: Sequence[str] | None,
    countries: Sequence[str] | None = None,
    blocs: Mapping[str, Composition] | None = None,
    by: Period = "year",
    contested: bool = False,
    *,
    distance: Distance = "absolute",
) -> pl.DataFrame:
    """Agreement of every country with every power, or of all pairs.

    Args:
        votes: see `read_votes`.
        powers: labels of the file, or names in `blocs`; None for every pair of `countries`, each pair once.
        countries: labels of the file (default: all).
        blocs: name -> members. A bloc's vote is the one that a strict majority of its members voting cast,
            else none. A plain list is one composition for all years; give dates to follow accessions. A
            member's agreement with its own bloc is partly agreement with itself: see `members_compared`.
        by: calendar year of the vote, or session.
        contested: drop resolutions on which the whole chamber cast one and the same vote.
        distance: for S, kappa and pi; the published definition is `absolute`.

    Returns:
        country,power,year (or session),n,agreement,s_score,kappa,pi and their standard errors
        agreement_se,s_score_se,kappa_se,pi_se, sorted by the first three. A state with itself, and pairs
        without a common vote, have no row. kappa and pi are null where undefined (both always cast one and
        the same vote), errors also where n = 1.

    Raises:
        UnknownLabel: a power or country that the file does not hold.
        DataError: no power, a bloc named like a country of the file, a bloc without any member in the file, a
            member that leaves before it joins.
    """
    if by not in get_args(Period):
        raise UnknownLabel(str(by), get_args(Period), what="period")
    if powers is not None and not powers:
        raise DataError(found="no power", allowed="one or more labels")
    states = votes.countries if countries is None else countries
    pairs = Pairs.among(states) if powers is None else Pairs.between(states, powers)
    if contested:
        votes = votes.select(votes.contested())
    ours = votes.matrix[:, [votes.position(label) for label in pairs.left]]
    theirs = ours if powers is None else _votes_of(votes, pairs.right, blocs or {})
    periods = votes.years if by == "year" else votes.sessions
    # A resolution on which no pair can have both sides voting counts for none; some files hold millions of them.
    counted = (
        (ours > 0).sum(axis=1) >= 2 if powers is None else (ours > 0).any(axis=1) & (theirs > 0).any(axis=1)
    )
    periods, ours = periods[counted], ours[counted]
    theirs = ours if powers is None else theirs[counted]
    parts = {
        int(period): pairs.columns(
            joint_counts(ours[periods == period], theirs[periods == period]), LEVELS, distance, errors=True
        )
        for period in np.unique(periods)
    }
    return pairs.table(parts, by, errors=True)


def joint_counts(left: NDArray[np.int8], right: NDArray[np.int8]) -> NDArray[np.float64]:
    """How often two states cast which votes on the same resolution.

    Args:
        left: (R, A) votes 0 to 3, 0 for none.
        right: (R, B) votes.

    Returns:
        (3, 3, A, B) counts: left's vote, right's vote, left's state, right's state.
    """
    codes = np.array(list(VOTE_CODES.values()), dtype=np.int8)[:, None, None]
    counts = np.zeros((len(codes), len(codes), left.shape[1], right.shape[1]))
    for at in range(0, len(left), BLOCK):
        # float32 products are exact for counts below 2^24 and several times faster than integer ones.
        a = (left[None, at : at + BLOCK] == codes).astype(np.float32).transpose(0, 2, 1)
        b = (right[None, at : at + BLOCK] == codes).astype(np.float32)
        counts += np.matmul(a[:, None], b[None, :])
    return counts


def members_compared(
    countries: Sequence[str], powers: Sequence[str], blocs: Mapping[str, Composition]
) -> list[tuple[str, str]]:
    """Pairs of a state and a bloc that counts it among its members, sorted; part of the bloc's vote is its own."""
    return sorted(
        (state, power) for power in set(powers) & set(blocs) for state in set(countries) & set(blocs[power])
    )


def bloc_votes(votes: Votes, members: Composition, *, name: str = "bloc") -> NDArray[np.int8]:
    """(R,) vote cast by a strict majority of the members voting, else 0.

    Raises:
        DataError: no member is in the file, a date is not ISO 8601, an end before its start.
    """
    present = [label for label in members if label in votes.countries]
    if not present:
        raise DataError(
            file=votes.name,
            found=f"no member of {name} among its countries (members: {summary(sorted(members)) or 'none'})",
            allowed="a bloc of which at least one member has votes in the file",
        )
    cast = votes.matrix[:, [votes.position(label) for label in present]].copy()
    if isinstance(members, Mapping):
        terms = {label: _term(members[label], label, name) for label in members}
        for column, label in enumerate(present):
            start, end = terms[label]
            outside = np.zeros(len(votes.resolutions), dtype=bool)
            if start is not None:
                outside |= votes.dates < start
            if end is not None:
                outside |= votes.dates >= end
            cast[outside, column] = 0
    result = np.zeros(len(votes.resolutions), dtype=np.int8)
    voting = (cast > 0).sum(axis=1)
    for code in VOTE_CODES.values():
        result[2 * (cast == code).sum(axis=1) > voting] = code
    return result


def _votes_of(votes: Votes, labels: Sequence[str], blocs: Mapping[str, Composition]) -> NDArray[np.int8]:
    return np.column_stack([_vote_of(votes, label, blocs) for label in labels])


def _vote_of(votes: Votes, label: str, blocs: Mapping[str, Composition]) -> NDArray[np.int8]:
    if label not in blocs:
        if label not in votes.countries:
            raise UnknownLabel(label, (*votes.countries, *blocs), what="power", file=votes.name)
        return votes.matrix[:, votes.position(label)]
    if label in votes.countries:
        raise DataError(
            file=votes.name,
            found=f"bloc '{label}', which is also a country of the file",
            allowed="a name of its own",
        )
    return bloc_votes(votes, blocs[label], name=label)


def _term(
    dates: tuple[str | None, str | None], member: str, name: str
) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """First day in the bloc and first day out of it."""
    start, end = (_day(text, name) for text in dates)
    if start is not None and end is not None and end < start:
        raise DataError(
            found=f"{member} in {name} from {start} to {end}, an end before its start",
            allowed="an end on or after the start",
        )
    return start, end


def _day(text: str | None, name: str) -> np.datetime64 | None:
    if not text:
        return None
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise DataError(found=f"date '{text}' of a member of {name}", allowed="YYYY-MM-DD") from None
