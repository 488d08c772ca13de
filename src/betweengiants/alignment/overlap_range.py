"""How far apart the overlap of two states' institutions may be, where it is not known which ties held.

    overlap = sum_i min(a_i, b_i) / sum_i max(a_i, b_i)

Each institution i offers a few values of a_i and of b_i, chosen on their own. The least and the greatest overlap are
then linear-fractional programmes, solved exactly by Dinkelbach's iteration (1967, Management Science 13): with a
trial value x, every institution takes the choice that is best for `min - x max`; the overlap of these choices is the
next x, until it no longer moves.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

# The iteration ends after a handful of steps (it converges faster than linearly, over finitely many choices).
TOLERANCE = 1e-14
Choices = list[list[tuple[float, float]]]


def overlap_range(
    ours: Mapping[str, Collection[float]], theirs: Mapping[str, Collection[float]]
) -> tuple[float, float] | None:
    """Least and greatest overlap of two states.

    Args:
        ours: institution -> depths that the tie may have had, at least one, none negative; 0 is no tie. An
            institution that is not named has none.
        theirs: the same of the other state.

    Returns:
        (low, high); None if no choice leaves either side a tie. Choices under which neither has any tie, and the
        overlap says nothing, are passed over.
    """
    none = (0.0,)
    choices = [
        [
            (min(a, b), max(a, b))
            for a, b in itertools.product(sorted(ours.get(name, none)), sorted(theirs.get(name, none)))
        ]
        for name in sorted(ours.keys() | theirs.keys())
    ]
    start = [max(pairs, key=lambda pair: pair[1]) for pairs in choices]
    if _ratio(start) is None:
        return None
    return _best(choices, start, -1), _best(choices, start, 1)


def _best(choices: Choices, start: Sequence[tuple[float, float]], sign: int) -> float:
    """The greatest overlap (sign 1) or the least (sign -1), by Dinkelbach's iteration from a choice with a tie."""
    value = _ratio(start) or 0.0
    while True:
        taken = [max(pairs, key=lambda pair: sign * (pair[0] - value * pair[1])) for pairs in choices]
        better = _ratio(taken)
        if better is None or sign * (better - value) <= TOLERANCE:
            return value
        value = better


def _ratio(taken: Sequence[tuple[float, float]]) -> float | None:
    common, either = sum(pair[0] for pair in taken), sum(pair[1] for pair in taken)
    return common / either if either else None
