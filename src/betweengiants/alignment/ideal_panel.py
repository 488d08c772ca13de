"""Votes laid out for the ideal-point model: state-sessions, the walk that links them, blocks of votes.

A state-session is a state in a session in which it cast a vote. A question is a resolution, or several that
are linked as the same one; it informs only where at least two different votes were cast on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from betweengiants.alignment.votes import ABSTAIN, NO, YES, Votes
from betweengiants.core.errors import DataError, UnknownLabel, summary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CODES = (YES, ABSTAIN, NO)


@dataclass(frozen=True, slots=True)
class Block:
    """The informative votes of one session: Q questions by C states that vote in it.

    Attributes:
        first: position of the session's first state-session; they are contiguous, in order of state.
        rows: (R,) question of each resolution, increasing.
        starts: (Q,) first row of each distinct question.
        questions: (Q,) the distinct questions.
        side: (R, C) float: 1 vote below the lower cut, -1 above the upper cut, 0 between the cuts or none.
        upper: (R, C) bool: the vote lies above the second cut of a question with two cuts.
        between: row and column of the votes between two cuts.
        beyond: (V,) places in `side`, flattened, of the votes beyond a cut.
        turn: (V,) `side` there.
    """

    first: int
    rows: Ints
    starts: Ints
    questions: Ints
    side: Floats
    upper: NDArray[np.bool_]
    between: tuple[NDArray[np.intp], NDArray[np.intp]]
    beyond: NDArray[np.intp]
    turn: Floats

    @property
    def states(self) -> slice:
        """Positions of the session's state-sessions."""
        return slice(self.first, self.first + self.side.shape[1])


@dataclass(frozen=True, slots=True)
class Panel:
    """All sessions; N state-sessions ordered by session, then state; Q questions.

    Attributes:
        state: (N,) column of the votes matrix.
        session: (N,) number of the session.
        n: (N,) votes cast.
        previous: (N,) position of the state's last observed session, -1 for none.
        blocks: one for each session, in order.
        two_cuts: (Q,) bool: all three votes were cast.
        shares: (Q, 2) share of votes below the first and the second cut.
        spans: (Q,) bool: the question was put in more than one session.
        last: (Q,) position of the last session in which it was put.
        unanimous: resolutions left without information, as all who voted cast one and the same vote.
        lone: of them, resolutions on which a single state voted.
        repeats: resolutions that inform and share their question with an earlier one.
    """

    state: Ints
    session: Ints
    n: Ints
    previous: Ints
    blocks: tuple[Block, ...]
    two_cuts: NDArray[np.bool_]
    shares: Floats
    spans: NDArray[np.bool_]
    last: Ints
    unanimous: int
    lone: int
    repeats: int


def make_panel(votes: Votes, links: Mapping[str, str] | None = None, *, contested: bool = False) -> Panel:
    """Lay out votes.

    Args:
        votes: see `read_votes`.
        links: resolution -> resolution that put the same question; chains are followed.
        contested: drop resolutions without information altogether; else they still count in `n`.

    Raises:
        DataError: no resolution on which two different votes were cast, or states that no vote connects with the rest.
        UnknownLabel: a link to or from a resolution that the file does not hold.
    """
    question = _questions(votes, links or {})
    tally = np.stack([(votes.matrix == code).sum(axis=1) for code in CODES], axis=1)
    pooled = np.zeros((int(question.max(initial=-1)) + 1, 3), dtype=np.int64)
    np.add.at(pooled, question, tally)
    informs = ((pooled > 0).sum(axis=1) >= 2)[question]
    if not informs.any():
        raise DataError(
            file=votes.name,
            found="no resolution on which two different votes were cast",
            allowed="at least one (a resolution on which all agree says nothing about positions)",
        )
    _require_connected(votes, question, informs)
    voted = tally.sum(axis=1) > 0
    kept = informs if contested else voted
    sessions, at = np.unique(votes.sessions[kept], return_inverse=True)
    counts = np.zeros((sessions.size, len(votes.countries)), dtype=np.int64)
    np.add.at(counts, at, votes.matrix[kept] > 0)
    when, state = np.nonzero(counts)
    two = np.asarray((pooled > 0).all(axis=1))
    blocks = tuple(
        _block(
            votes, np.flatnonzero(informs & (votes.sessions == number)), question, pooled, when, place, state
        )
        for place, number in enumerate(sessions)
    )
    return _compact(
        blocks,
        state=state.astype(np.int64),
        session=sessions[when],
        n=counts[when, state],
        previous=_previous(state, len(votes.countries)),
        two_cuts=two,
        pooled=pooled,
        unanimous=int((voted & ~informs).sum()),
        lone=int((voted & ~informs & (tally.sum(axis=1) == 1)).sum()),
        repeats=int(informs.sum()) - int(np.unique(question[informs]).size),
    )


def _require_connected(votes: Votes, question: Ints, informs: NDArray[np.bool_]) -> None:
    """Positions of two groups without a common question have no common scale."""
    row, state = np.nonzero(votes.matrix[informs] > 0)
    states = len(votes.countries)
    size = states + int(question.max()) + 1
    edges = coo_array((np.ones(row.size), (state, states + question[informs][row])), shape=(size, size))
    _, group = connected_components(edges, directed=False)
    voting = np.unique(state)
    groups, members = np.unique(group[voting], return_inverse=True)
    if groups.size > 1:
        smallest = int(np.argmin(np.bincount(members)))
        names = [votes.countries[i] for i in voting[members == smallest]]
        raise DataError(
            file=votes.name,
            found=f"states that share no contested resolution with the others: {summary(names)}",
            allowed="votes that connect all states (leave these out, or link repeated resolutions)",
        )


def _questions(votes: Votes, links: Mapping[str, str]) -> Ints:
    """(R,) number of the question of each resolution; linked ones share it."""
    place = {key: i for i, key in enumerate(votes.resolutions)}
    root = list(range(len(place)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for one, other in links.items():
        for label in (one, other):
            if label not in place:
                raise UnknownLabel(label, votes.resolutions, what="resolution", file="links")
        a, b = find(place[one]), find(place[other])
        root[max(a, b)] = min(a, b)
    roots = np.array([find(i) for i in range(len(root))], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _previous(state: NDArray[np.intp], states: int) -> Ints:
    latest = np.full(states, -1, dtype=np.int64)
    previous = np.empty(state.size, dtype=np.int64)
    for node, who in enumerate(state):
        previous[node] = latest[who]
        latest[who] = node
    return previous


def _block(
    votes: Votes,
    rows: NDArray[np.intp],
    question: Ints,
    pooled: Ints,
    when: NDArray[np.intp],
    place: int,
    state: NDArray[np.intp],
) -> Block:
    first, past = np.searchsorted(when, [place, place + 1])
    rows = rows[np.argsort(question[rows], kind="stable")]
    cast = votes.matrix[np.ix_(rows, state[first:past])]
    asked = question[rows]
    present = pooled[asked] > 0
    two = np.asarray(present.all(axis=1))[:, None]
    # With two kinds of vote there is one cut: the lower kind lies below it and the higher kind above.
    low = np.where(present[:, 0], YES, ABSTAIN)[:, None]
    high = np.where(present[:, 2], NO, ABSTAIN)[:, None]
    side = (cast == low).astype(float) - (cast == high)
    row, column = np.nonzero((cast == ABSTAIN) & two)
    beyond = np.flatnonzero(side)
    distinct, starts = np.unique(asked, return_index=True)
    return Block(
        first=int(first),
        rows=asked,
        starts=starts.astype(np.int64),
        questions=distinct,
        side=side,
        upper=(cast == high) & two,
        between=(row, column),
        beyond=beyond,
        turn=side.ravel()[beyond],
    )


def _compact(
    blocks: tuple[Block, ...], *, two_cuts: NDArray[np.bool_], pooled: Ints, **rest: object
) -> Panel:
    """Renumber the questions so that only those that inform remain."""
    used = np.unique(np.concatenate([block.questions for block in blocks]))
    number = np.full(pooled.shape[0], -1, dtype=np.int64)
    number[used] = np.arange(used.size)
    first = np.full(used.size, len(blocks), dtype=np.int64)
    last = np.full(used.size, -1, dtype=np.int64)
    renumbered = []
    for place, block in enumerate(blocks):
        mine = number[block.questions]
        first[mine] = np.minimum(first[mine], place)
        last[mine] = place
        renumbered.append(replace(block, rows=number[block.rows], questions=mine))
    counts = pooled[used]
    lower = np.where(counts[:, 0] > 0, counts[:, 0], counts[:, 1])
    upper = np.where(two_cuts[used], counts[:, :2].sum(axis=1), lower)
    shares = np.column_stack([lower, upper]) / counts.sum(axis=1, keepdims=True)
    return Panel(
        blocks=tuple(renumbered),
        two_cuts=two_cuts[used],
        shares=shares,
        spans=first < last,
        last=last,
        **rest,  # type: ignore[arg-type]
    )
