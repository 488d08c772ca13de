"""Errors of ideal points from random halves of the resolutions, which lean on no model.

The errors of the model take one dimension as given. Where states vote by more than one, two halves of a record put the same
state further apart than these errors allow. The resolutions of each session are parted at random into two halves, both are
fitted with the variances of the whole record, and

    se^2 = mean over splits of (a - b)^2 / 4,

because an estimate from half of the votes has twice the variance of that from all (half-sampling; McCarthy 1969,
doi:10.2307/1401892). What the choice of the agenda does to all votes of a session, and the walk's prior, stay in both halves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from betweengiants.alignment.ideal import IdealPoints, ideal_points
from betweengiants.alignment.votes import Votes
from betweengiants.core.errors import DataError, NotConverged

TOLERANCE = 1e-3
"""Of the fits to halves: far below any error."""
MOST = 1000
KEYS = ["country", "session"]


@dataclass(frozen=True, slots=True)
class Options:
    """How the whole record was fitted: `links`, `contested`, `sign` and `groups` of `ideal_points`."""

    links: Mapping[str, str] | None = None
    contested: bool = False
    sign: str = "USA"
    groups: Mapping[str, Collection[str]] | None = None


def split_half_errors(
    votes: Votes,
    found: IdealPoints,
    splits: int,
    *,
    options: Options | None = None,
    seed: int = 1,
    executor: Executor | None = None,
) -> pl.DataFrame:
    """Standard errors of ideal points from random halves.

    Args:
        votes: the record.
        found: ideal points of the whole record.
        splits: how often it is parted, 1 to 1,000; ten give an error within a fifth or so.
        options: how `found` was fitted.
        seed: the same seed gives the same splits.
        executor: any `concurrent.futures` executor; None: one after the other.

    Returns:
        country, session, se_halves (null where no split has the state in both halves), splits that counted; sorted.

    Raises:
        DataError: a number of splits out of range.
        NotConverged: in no split could both halves be fitted.
    """
    if not 1 <= splits <= MOST:
        raise DataError(found=f"{splits} splits", allowed=f"1 to {MOST}")
    work = partial(_split, votes, found.drift, found.spread, options or Options(), seed)
    pairs = [pair for pair in (executor.map if executor else map)(work, range(splits)) if pair is not None]
    if not pairs:
        raise NotConverged("ideal points of halves", residual=np.inf, iterations=splits, tolerance=TOLERANCE)
    squares = (
        pl.concat(pairs)
        .group_by(KEYS)
        .agg(se_halves=(pl.col("square").mean() / 4).sqrt(), splits=pl.len().cast(pl.Int64))
    )
    return (
        found.frame.select(KEYS)
        .join(squares, on=KEYS, how="left")
        .with_columns(pl.col("splits").fill_null(0))
        .sort(KEYS)
    )


def _split(
    votes: Votes, drift: float, spread: float, options: Options, seed: int, number: int
) -> pl.DataFrame | None:
    """Squared differences of one split; None where a half has no solution."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    first = np.zeros(len(votes.resolutions), dtype=np.bool_)
    for session in np.unique(votes.sessions):
        rows = rng.permutation(np.flatnonzero(votes.sessions == session))
        first[rows[: (len(rows) + int(rng.integers(2))) // 2]] = True
    try:
        one, other = (_fitted(votes.select(half), drift, spread, options) for half in (first, ~first))
    except (DataError, NotConverged):
        return None
    both = one.join(other, on=KEYS, suffix="_other")
    a, b = both["ideal_point"].to_numpy(), both["ideal_point_other"].to_numpy()
    turn = 1.0 if a @ b >= 0 else -1.0
    return both.select(KEYS).with_columns(square=pl.Series((a - turn * b) ** 2))


def _fitted(votes: Votes, drift: float, spread: float, options: Options) -> pl.DataFrame:
    known = set(votes.resolutions)
    links = {a: b for a, b in (options.links or {}).items() if a in known and b in known}
    groups = {
        name: [label for label in members if label in votes.countries]
        for name, members in (options.groups or {}).items()
    }
    return ideal_points(
        votes,
        links=links,
        contested=options.contested,
        sign=options.sign,
        drift=drift,
        spread=spread,
        groups={name: members for name, members in groups.items() if members},
        tolerance=TOLERANCE,
    ).frame
