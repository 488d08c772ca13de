"""Ideal points of states from their votes: the dynamic ordinal model of Bailey, Strezhnev & Voeten (2017).

A vote on resolution v by state i in session t rests on Z = beta_v theta_it + e, e ~ N(0, 1): yes up to gamma1_v, abstain
between, no above gamma2_v; beta ~ N(0, spread); positions walk (see `ideal_walk`). Positions are reported with mean 0
and standard deviation 1 over all state-sessions. How it is fitted: `ideal_fit`; what the errors hold:
docs/methods/ideal-points.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.alignment.ideal_fit import Fit, fit
from betweengiants.alignment.ideal_panel import Panel, make_panel
from betweengiants.alignment.votes import Votes
from betweengiants.core.errors import DataError

Floats = NDArray[np.float64]
TOLERANCE, MOST_STEPS = 1e-4, 100
LARGEST_VARIANCE = 100.0
# With fewer votes on a resolution the questions are so poorly known that the errors come out too small.
FEW_STATES = 50


@dataclass(frozen=True, slots=True)
class IdealPoints:
    """Ideal points and how they came about.

    Attributes:
        frame: country,session,n,ideal_point,se; sorted. n counts the state's votes in the session.
        sign: which rule says what is positive.
        unanimous: resolutions that say nothing, as all who voted cast one and the same vote.
        lone: of them, resolutions on which a single state voted.
        repeats: resolutions that share their question with an earlier one.
        contested: unanimous resolutions were dropped (else they still count in n).
        drift: variance of the walk, on the reported scale.
        spread: variance of the slopes, on the reported scale.
        held: the estimate of the slopes' variance did not converge; it was held where it had come to.
        steps: Newton steps made.
        residual: furthest move of a position in the last one.
        tolerance: what that had to be below.
        typical: votes on the median resolution.
    """

    frame: pl.DataFrame
    sign: str
    unanimous: int
    lone: int
    repeats: int
    contested: bool
    drift: float
    spread: float
    held: bool
    steps: int
    residual: float
    tolerance: float
    typical: int

    def notes(self) -> tuple[str, ...]:
        """What a reader of the table should know, in sentences."""
        fate = "dropped" if self.contested else "counted in n, but they say nothing about positions"
        alone = f" ({self.lone} of them: one state voted)" if self.lone else ""
        notes = [
            f"{self.sign}",
            f"converged in {self.steps} steps (last move {self.residual:.1e}, tolerance {self.tolerance:.0e}); "
            f"variance of the walk {self.drift:.3g}, of the slopes {self.spread:.3g}",
        ]
        if self.held:
            notes.append(
                "the estimate of the slopes' variance did not converge (votes that part the states too cleanly, or hardly "
                f"at all): it was held at {self.spread:.3g}"
            )
        if self.unanimous:
            notes.append(f"{self.unanimous} unanimous resolutions{alone}: {fate}")
        if self.typical < FEW_STATES:
            notes.append(
                f"the median resolution has {self.typical} votes: with fewer than {FEW_STATES} the errors are too small"
            )
        if self.repeats:
            notes.append(f"{self.repeats} resolutions share their question with an earlier one")
        return tuple(notes)


def ideal_points(
    votes: Votes,
    *,
    links: Mapping[str, str] | None = None,
    contested: bool = False,
    sign: str = "USA",
    drift: float | None = None,
    spread: float | None = None,
    groups: Mapping[str, Collection[str]] | None = None,
    tolerance: float = TOLERANCE,
    most_steps: int = MOST_STEPS,
) -> IdealPoints:
    """Ideal point of every state in every session in which it voted.

    Args:
        votes: see `read_votes`.
        links: resolution -> resolution that put the same question; they share slope and cuts.
        contested: drop unanimous resolutions; else they count in n, which sets how far the walk may step.
        sign: the state that is positive on average. If the file does not hold it, the longer tail is positive.
        drift: variance of the walk on the reported scale (0.5 in the published series); None: estimate it.
        spread: variance of the slopes on that scale (published: 1); None: estimate it, and hold it where the
            estimate has come to if that does not converge.
        groups: names and members of groups of states whose mean is wanted as well, in every session in which a member
            voted; their errors hold what the errors of the members have in common. n is that of the busiest member.
        tolerance: furthest move of a position in the last step.
        most_steps: steps before giving up.

    Returns:
        See `IdealPoints`.

    Raises:
        DataError: no resolution with two different votes; states that no vote connects with the others; a variance that is
            not above 0 and up to 100.
        UnknownLabel: a link with a resolution, or a group with a state, that the file does not hold.
        NotConverged: after `most_steps`.
    """
    for name, value in (("drift", drift), ("spread", spread)):
        if value is not None and not 0 < value <= LARGEST_VARIANCE:
            raise DataError(
                found=f"{name} {value:g}", allowed=f"a variance above 0, up to {LARGEST_VARIANCE:g}"
            )
    panel = make_panel(votes, links, contested=contested)
    keys, weights = _group_means(panel, votes, groups or {})
    found = fit(panel, drift=drift, spread=spread, tolerance=tolerance, most=most_steps, groups=weights)
    turn, rule = _sign(panel, found, votes, sign)
    frame = pl.DataFrame(
        {
            "country": pl.Series(votes.countries, dtype=pl.String).gather(panel.state.astype(np.uint32)),
            "session": panel.session,
            "n": panel.n,
            "ideal_point": turn * found.mean,
            "se": np.sqrt(found.variance),
        }
    )
    means = pl.DataFrame(
        {
            "country": [name for name, _ in keys],
            "session": np.array([session for _, session in keys], dtype=panel.session.dtype),
            "n": np.where(weights > 0, panel.n[:, None], 0).max(axis=0, initial=0),
            "ideal_point": turn * (found.mean @ weights),
            "se": np.sqrt(np.maximum(found.group_variance, 0)),
        },
        schema=frame.schema,
    )
    frame = pl.concat([frame, means]).sort("country", "session")
    return IdealPoints(
        frame=frame,
        sign=rule,
        unanimous=panel.unanimous,
        lone=panel.lone,
        repeats=panel.repeats,
        contested=contested,
        drift=found.walk.drift,
        spread=found.spread,
        held=found.held,
        steps=found.steps,
        residual=found.residual,
        tolerance=tolerance,
        typical=int(np.median((votes.matrix > 0).sum(axis=1))),
    )


def _group_means(
    panel: Panel, votes: Votes, groups: Mapping[str, Collection[str]]
) -> tuple[list[tuple[str, int]], Floats]:
    """Group and session of each mean, and (N, K) weights of the positions in it."""
    keys, columns = [], []
    for name, members in groups.items():
        if name in votes.countries:
            raise DataError(
                file=votes.name, found=f"a state '{name}'", allowed="groups with names that no state has"
            )
        inside = np.isin(panel.state, [votes.position(label) for label in members])
        for session in np.unique(panel.session[inside]).tolist():
            own = inside & (panel.session == session)
            keys.append((name, session))
            columns.append(own / own.sum())
    return keys, np.column_stack(columns) if columns else np.empty((panel.n.size, 0))


def _sign(panel: Panel, found: Fit, votes: Votes, label: str) -> tuple[float, str]:
    if label in votes.countries:
        own = float(found.mean[panel.state == votes.position(label)].sum())
        if abs(own) > 1e-12:
            return float(np.sign(own)), f"sign: {label} is positive on average"
    tail = float((found.mean**3).sum())
    reason = f"{label} is not in the file" if label not in votes.countries else f"{label} is at zero"
    if abs(tail) > 1e-6 * panel.n.size:
        return float(np.sign(tail)), f"sign: {reason}, so the longer tail of all positions is positive"
    first = int(np.lexsort((panel.state, panel.session))[0])
    name = votes.countries[int(panel.state[first])]
    turn = float(np.sign(found.mean[first])) or 1.0
    return turn, f"sign: {reason} and both tails are alike, so {name} is positive in its first session"
