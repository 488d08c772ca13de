"""What a reader should know about a file of votes before trusting numbers made of it: counts, never guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from betweengiants.alignment.agreement import Composition, members_compared
from betweengiants.alignment.votes import Votes
from betweengiants.core.countries import countries
from betweengiants.core.errors import summary

# Values that somebody else's file uses for a cast vote, in small letters. "a" may be absent as well: see `votes`.
WORDS = "yes y yea aye for no n nay against abstain a abst abstained abstention"
OTHER_CODINGS = frozenset(f"{WORDS} -1 0 1 2 3 1.0 2.0 3.0".split())
MOST_NAMED = 5


def remarks(votes: Votes) -> list[str]:
    """One sentence for each thing worth knowing; empty if there is nothing.

    Rows left out, other codings, resolutions of no use to a pair, sessions against the order of dates, labels
    that are no country codes.
    """
    found = (
        votes.note(),
        _other_codings(votes),
        _alone(votes),
        _sessions_out_of_order(votes),
        _unknown_codes(votes),
    )
    return [sentence for sentence in found if sentence is not None]


def own_bloc_remark(
    states: Sequence[str], powers: Sequence[str], blocs: Mapping[str, Composition]
) -> str | None:
    """One sentence on states that are compared with a bloc of which they are members; None if there are none."""
    pairs = [f"{state} with {bloc}" for state, bloc in members_compared(states, powers, blocs)]
    if not pairs:
        return None
    return f"a member beside its own bloc, whose vote is in part its own: {summary(pairs, MOST_NAMED)}"


def _other_codings(votes: Votes) -> str | None:
    alike = {value: n for value, n in sorted(votes.left_out.items()) if value.casefold() in OTHER_CODINGS}
    if not alike:
        return None
    listed = summary((f"{count} '{value}'" for value, count in alike.items()), MOST_NAMED)
    return (
        f"of these {sum(alike.values())} look like votes in another coding ({listed}): not guessed; "
        "write yes, abstain, no, or declare the coding"
    )


def _alone(votes: Votes) -> str | None:
    alone = int(((votes.matrix > 0).sum(axis=1) < 2).sum())
    if alone == 0:
        return None
    return f"{alone} of {len(votes.resolutions)} resolutions with fewer than two votes, which no pair shares"


def _sessions_out_of_order(votes: Votes) -> str | None:
    """Sessions may overlap; one that begins before an earlier-numbered one is more likely a slip."""
    numbers, first = np.unique(votes.sessions, return_index=True)  # resolutions stand in order of date
    begins = votes.dates[first]
    late = [
        f"{numbers[i]} (from {begins[i]}) before {numbers[i - 1]} (from {begins[i - 1]})"
        for i in range(1, numbers.size)
        if begins[i] < begins[i - 1]
    ]
    if not late:
        return None
    return f"sessions against the order of dates, taken by their number: {summary(late, MOST_NAMED)}"


def _unknown_codes(votes: Votes) -> str | None:
    """Labels are free; but where most are country codes, one that is not may be a misspelt one."""
    unknown = [label for label in votes.countries if label not in countries()]
    if not unknown or 2 * len(unknown) > len(votes.countries):
        return None
    cast = (votes.matrix > 0).sum(axis=0)
    listed = summary((f"{label} ({cast[votes.position(label)]} votes)" for label in unknown), MOST_NAMED)
    return f"no country codes, taken as they stand: {listed}"
