"""The long table in which every result stands, with one key, and the trail that leads from it to rows and sources."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from betweengiants.core.intervals import Interval

KEY = ("channel", "measure", "coalition", "member", "horizon", "period")
SCHEMA = {
    "focal": pl.String,
    "channel": pl.String,
    "measure": pl.String,
    "coalition": pl.String,
    "member": pl.String,
    "horizon": pl.String,
    "period": pl.String,
    "unit": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trail": pl.String,
}


@dataclass(frozen=True, slots=True)
class Result:
    """One number of the position.

    Attributes:
        channel: trade, oil_transit, votes, institutions.
        measure: what is measured (see docs/reference/position.md).
        coalition: the powers that act, joined by `+` in alphabetical order.
        member: whose number it is: the focal state or a power.
        horizon: short, long, or empty where there is none.
        period: year of the data.
        unit: unit code.
        number: value with its range.
        trail: id of the trail.
    """

    channel: str
    measure: str
    coalition: str
    member: str
    horizon: str
    period: str
    unit: str
    number: Interval
    trail: str


@dataclass(frozen=True, slots=True)
class Trail:
    """Where a result comes from.

    Attributes:
        trail: id.
        model: the model in one sentence.
        interval: what the range means.
        parameters: name and value of each setting.
        tables: tables of the dossier that went in.
        sources: ids of the sources of the rows that went in.
    """

    trail: str
    model: str
    interval: str
    parameters: dict[str, float | str]
    tables: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """What one part of the position yields: numbers, trails, and what had to be left out."""

    results: list[Result] = field(default_factory=list)
    trails: list[Trail] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def coalition_name(powers: Iterable[str]) -> str:
    """The name of a coalition: its members in alphabetical order, joined by `+`."""
    return "+".join(sorted(powers))


def not_joined(missing: str) -> str:
    """The gap where trade and roads are no one equilibrium.

    Args:
        missing: what keeps them apart (see `coupled.lacking`).
    """
    return f"Trade and roads are not joined: {missing}."


def coalitions(powers: Sequence[str]) -> list[tuple[str, ...]]:
    """All non-empty subsets, single powers first."""
    return [group for size in range(1, len(powers) + 1) for group in combinations(powers, size)]


def effective_vectors(losses: Sequence[float]) -> float:
    """1 / HHI of the shares in leverage (Laakso & Taagepera 1979); gains count as no leverage.

    Returns:
        Between 1 and the number of powers; 0 if no power has any leverage.
    """
    held = [max(loss, 0.0) for loss in losses]
    total = math.fsum(held)
    if total == 0:
        return 0.0
    return 1.0 / math.fsum((loss / total) ** 2 for loss in held)


def autonomy(losses: Sequence[float], joint: float) -> float:
    """1 - (largest single-power loss) / (loss when all sever together).

    Raises:
        ValueError: the joint loss is not positive, so that the ratio means nothing.
    """
    if joint <= 0:
        raise ValueError("the joint loss is not positive")
    return 1.0 - max(*losses, 0.0) / joint


def to_frame(focal: str, results: Iterable[Result]) -> pl.DataFrame:
    """All results as one table sorted by its key."""
    rows = [
        (
            focal,
            r.channel,
            r.measure,
            r.coalition,
            r.member,
            r.horizon,
            r.period,
            r.unit,
            r.number.value,
            r.number.low,
            r.number.high,
            r.trail,
        )
        for r in results
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(KEY)
