"""Searching for the sets of edges that do most damage.

Up to two edges: all sets, by the contingencies. More: the mixed-integer programme proposes a set, the flow programme with
it closed says what it does, the set is ruled out, and so on. A set is listed only if no part of it does the same alone.

Two ways to rule out. Where the proposal does what the programme said, every larger set that holds it does no more and goes
too. Where the flow programme leaves more than was said (of equally good flows it takes the one that delivers most), only
those go that leave its flow possible; the next proposals then show whether another set does more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from betweengiants.network.contingency import Survey
from betweengiants.network.highs import Status
from betweengiants.network.interdiction_programme import InterdictionProgramme
from betweengiants.network.model import Flags
from betweengiants.network.programme import Programme
from betweengiants.network.results import FlowArrays
from betweengiants.network.sweep import Closing, Outcome, Progress, outcome

ENUMERATED = 2  # edges in a set that are tried one by one
EQUAL = 1e-7  # losses that differ by less than this share of the whole count as equal

Edges = tuple[int, ...]
Measure = Callable[[Outcome], float]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A set of edges and what closing them does.

    Attributes:
        edges: places, sorted.
        left: value or quantity that is left.
        gap: by how much another set might beat it: share of the value or quantity before, or of the set's size.
    """

    edges: Edges
    left: float
    gap: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Sets, the worst first.

    Attributes:
        candidates: the sets.
        status: optimal (no other set does more), or limit reached.
        bound: what no other set beats: value or quantity left, or number of edges.
    """

    candidates: list[Candidate]
    status: Status
    bound: float


class Trials:
    """Closing sets of edges in the flow programme, each set once.

    Attributes:
        programme: the flow programme. flows: its solution with nothing closed; before: the same in short.
        measure: what counts.
        whole: the measure with nothing closed; equal: differences that do not count.
    """

    def __init__(self, programme: Programme, measure: Measure) -> None:
        self.programme, self.measure = programme, measure
        self.flows = programme.optimum(programme.network.everything)
        self.before = outcome(programme, self.flows)
        self.whole = measure(self.before)
        self.equal = EQUAL * abs(self.whole)
        self._known: dict[Edges, Outcome] = {(): self.before}

    def arrays(self, edges: Edges) -> FlowArrays:
        """Flows with the edges closed."""
        limits = Closing.of_edges(edges).limits(self.programme.network)
        return self.programme.optimum(limits, near=self.flows)

    def outcome(self, edges: Edges) -> Outcome:
        """What is left with the edges closed."""
        if edges not in self._known:
            self._known[edges] = outcome(self.programme, self.arrays(edges))
        return self._known[edges]

    def left(self, edges: Edges) -> float:
        """The measure with the edges closed."""
        return self.measure(self.outcome(edges))

    def used(self, edges: Edges) -> list[int]:
        """Edges that carry something then."""
        carrying = self.outcome(edges).used[: len(self.programme.network.arrays.capacity)]
        return np.flatnonzero(carrying).tolist()

    def needed(self, edges: Edges) -> Edges:
        """A part of the set that does as much, and of which no edge can be spared."""
        return self.trimmed(edges, self.left(edges))

    def trimmed(self, edges: Edges, target: float) -> Edges:
        """A part of the set that still leaves no more than `target`, and of which no edge can be spared."""
        for edge in edges:
            rest = tuple(one for one in edges if one != edge)
            if self.left(rest) <= target + self.equal:
                return self.trimmed(rest, target)
        return edges

    def redundant(self, edges: Edges, left: float, known: Iterable[Candidate]) -> bool:
        """Whether the set does nothing, or no more than a part of it that is known."""
        return left >= self.whole - self.equal or any(
            set(one.edges) < set(edges) and one.left <= left + self.equal for one in known
        )


def enumerated(found: Survey, measure: Measure, budget: int) -> list[Candidate]:
    """Every set of one or two edges that does something which no part of it does alone, the worst first."""
    whole = measure(found.before)
    equal = EQUAL * abs(whole)
    single = {edge: measure(result) for edge, result in found.single.items()}
    sets = [Candidate((edge,), left) for edge, left in single.items()]
    if budget > 1:
        sets += [
            Candidate(pair, left)
            for pair, left in ((pair, measure(result)) for pair, result in found.pair.items())
            if left < min(single.get(edge, whole) for edge in pair) - equal
        ]
    return worst_first(one for one in sets if one.left < whole - equal)


def worst_first(sets: Iterable[Candidate]) -> list[Candidate]:
    """Sorted by what is left, then size, then place."""
    return sorted(sets, key=lambda one: (one.left, len(one.edges), one.edges))


def most_damaging(
    trials: Trials,
    counted: Flags | None,
    budget: int,
    sets: int,
    seconds: float,
    progress: Progress | None = None,
) -> Found:
    """The sets of at most `budget` edges that leave least, by the mixed-integer programme.

    Args:
        trials: the flow programme and the measure.
        counted: (D,) deliveries of the measure; None for the value.
        budget: largest size of a set.
        sets: how many.
        seconds: time for all of them.
        progress: told how many sets are found.
    """
    programme = InterdictionProgramme(trials.programme, counted, budget=budget)
    clock = time.monotonic()
    sure: list[Candidate] = []
    status, bound = Status.OPTIMAL, -np.inf
    while True:
        proposal = programme.proposal(seconds - (time.monotonic() - clock))
        status, bound = proposal.status, max(bound, proposal.bound)
        if proposal.edges is None:
            break
        left = trials.left(proposal.edges)
        as_said = left <= bound + trials.equal
        edges = trials.needed(proposal.edges)
        known = [one for one in sure if one.edges != edges]
        if not trials.redundant(edges, trials.left(edges), known):
            sure = worst_first([*known, Candidate(edges, trials.left(edges))])[:sets]
        if progress is not None:
            progress(len(sure), sets)
        if status is Status.LIMIT or (as_said and left >= trials.whole - trials.equal):
            break
        if len(sure) == sets and sure[-1].left <= bound + trials.equal:
            break
        if as_said:
            programme.rule_out_supersets(edges)
        else:
            programme.rule_out_without(proposal.edges, trials.used(proposal.edges))
    if status is not Status.LIMIT:
        return Found(sure, Status.OPTIMAL, bound)
    behind = [max(0.0, one.left - bound) for one in sure]
    gaps = [short / trials.whole if short > trials.equal else 0.0 for short in behind]
    return Found(
        [Candidate(one.edges, one.left, gap) for one, gap in zip(sure, gaps, strict=True)], status, bound
    )


def smallest(
    trials: Trials,
    counted: Flags | None,
    target: float,
    fewest: int,
    sets: int,
    seconds: float,
    progress: Progress | None = None,
) -> Found:
    """The smallest sets that leave no more than `target`, by the mixed-integer programme.

    Args:
        trials: the flow programme and the measure.
        counted: (D,) deliveries of the measure; None for the value.
        target: most that may be left.
        fewest: no smaller set does it.
        sets: how many, all of one size.
        seconds: time for all of them.
        progress: told how many sets are found.
    """
    programme = InterdictionProgramme(
        trials.programme, counted, target=target + trials.equal / 2, fewest=fewest
    )
    clock = time.monotonic()
    sure: list[Candidate] = []
    status, bound = Status.OPTIMAL, float(fewest)
    while len(sure) < sets:
        proposal = programme.proposal(seconds - (time.monotonic() - clock))
        status, bound = proposal.status, max(bound, np.ceil(proposal.bound - EQUAL))
        if proposal.edges is None or (sure and bound > len(sure[0].edges)):
            break
        edges = proposal.edges
        if trials.left(edges) <= target + trials.equal:
            edges = trials.trimmed(edges, target)
            gap = max(0.0, 1.0 - bound / len(edges)) if status is Status.LIMIT else 0.0
            sure.append(Candidate(edges, trials.left(edges), gap))
            programme.rule_out_supersets(edges)
        else:
            programme.rule_out_without(edges, trials.used(edges))
        if progress is not None:
            progress(len(sure), sets)
        if status is Status.LIMIT:
            break
    ended = Status.LIMIT if status is Status.LIMIT else Status.OPTIMAL
    return Found(sorted(sure, key=lambda one: (len(one.edges), one.left, one.edges)), ended, bound)


def reaching(found: Survey, measure: Measure, target: float) -> list[Candidate]:
    """The sets of one edge, or else of two, that leave no more than `target`, the worst first."""
    equal = EQUAL * abs(measure(found.before))
    groups: Sequence[Iterable[tuple[Edges, Outcome]]] = (
        (((edge,), result) for edge, result in found.single.items()),
        found.pair.items(),
    )
    for group in groups:
        sets = [Candidate(edges, measure(result)) for edges, result in group]
        enough = [one for one in sets if one.left <= target + equal]
        if enough:
            return worst_first(enough)
    return []
