"""Votes drawn from the ideal-point model with known positions: to see whether an estimate finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betweengiants.alignment.votes import ABSTAIN, NO, YES, Votes

FIRST_YEAR = 1946


@dataclass(frozen=True, slots=True)
class Drawn:
    """Votes, and the positions (sessions, states) that they were drawn at."""

    votes: Votes
    positions: NDArray[np.float64]


def draw_votes(
    seed: int,
    *,
    states: int,
    sessions: int,
    resolutions: int,
    walk: float = 0.5,
    slopes: float = 1.0,
    absent: float = 0.0,
) -> Drawn:
    """Draw votes: Z = beta theta + e below, between or above two cuts.

    Args:
        seed: of the random numbers.
        states: how many.
        sessions: how many.
        resolutions: in each session.
        walk: standard deviation of a step of a position between sessions; first positions have 1.
        slopes: standard deviation of beta.
        absent: share of votes not cast, at random.
    """
    random = np.random.default_rng(seed)
    steps = random.normal(size=(sessions, states))
    steps[1:] *= walk
    positions = steps.cumsum(axis=0)
    beta = slopes * random.normal(size=(sessions, resolutions, 1))
    low = random.normal(0.5, 1.0, size=(sessions, resolutions, 1))
    high = low + random.exponential(0.5, size=(sessions, resolutions, 1))
    z = beta * positions[:, None] + random.normal(size=(sessions, resolutions, states))
    cast = np.where(z <= low, YES, np.where(z <= high, ABSTAIN, NO)).astype(np.int8)
    cast[random.random(cast.shape) < absent] = 0
    numbers = np.repeat(np.arange(1, sessions + 1), resolutions)
    years = numbers + FIRST_YEAR - 1
    votes = Votes(
        tuple(f"r{i:06d}" for i in range(numbers.size)),
        np.array([f"{year}-11-01" for year in years], dtype="datetime64[D]"),
        years,
        numbers,
        tuple(f"S{i:03d}" for i in range(states)),
        cast.reshape(-1, states),
        name="drawn votes",
    )
    return Drawn(votes, positions)
