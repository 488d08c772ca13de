"""What one body of evidence (trade, votes, ideal points, roads) says about the states that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from betweengiants.core.countries import blocs, countries

REST_OF_WORLD = "ROW"


class Key(NamedTuple):
    """What is measured: the measure, the power it is about (empty: none or all), the horizon (empty: none)."""

    measure: str
    power: str = ""
    horizon: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of one state.

    Attributes:
        value: the number, in the unit of its measure (see `compare.MEASURES`).
        low, high: its range, if it has one.
        n: how many observations it rests on, where it is a mean.
        se: standard error, where there is one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    se: float | None = None


@dataclass(frozen=True)
class Part:
    """Numbers of the states compared, and where all other states stand.

    Attributes:
        source: what the numbers come from, in words.
        period: year of the data.
        numbers: by state; a state that the evidence does not hold is not in it.
        everyone: the values of all states that the evidence holds, by what is measured.
        gaps: what is missing or estimated for a state, one sentence each, by state.
    """

    source: str
    period: str
    numbers: Mapping[str, Mapping[Key, Number]] = field(default_factory=dict)
    everyone: Mapping[Key, Mapping[str, float]] = field(default_factory=dict)
    gaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def is_state(label: str) -> bool:
    """Whether a label stands for one state, not for a bloc, the world or its rest; unknown labels do."""
    known = countries().get(label)
    return label != REST_OF_WORLD and label not in blocs() and (known is None or bool(known.iso_numeric))


def percentile(values: Mapping[str, float], state: str) -> float | None:
    """Percent of the other states that have less; those that have the same count half. None for a state without a value."""
    if state not in values or len(values) < 2:
        return None
    own = values[state]
    others = [value for label, value in values.items() if label != state]
    less = sum(value < own for value in others) + 0.5 * sum(value == own for value in others)
    return 100 * less / len(others)
