"""The answer at the head of the page and of the terminal: sentences with the trail of their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from betweengiants.position import Position
from betweengiants.report import jointwords, words


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the trail that all its numbers lead to; None: each number by the words around it."""

    text: str
    trail: str | None = None


def answer(position: Position) -> list[Sentence]:
    """What each power could take away, how sure that is, and where the state stands."""
    if position.coupled is None:
        return [Sentence(text) for text in words.answer(position)]
    told = [jointwords.headline(position)]
    if jointwords.is_seen(position):
        told += [jointwords.answer(position), jointwords.certainty(position)]
    first = [Sentence(text, jointwords.CHANNEL) for text in told if text]
    return [*first, Sentence(words.alignment_sentence(position, jointwords.spread(position)))]
