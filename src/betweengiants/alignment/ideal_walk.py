"""The walk of each state's position over its observed sessions, its Kalman smoother, and its variances.

theta_first ~ N(centre, entry), theta_t ~ N(theta_previous, drift * n_t / (n_t + n_previous)) (Bailey, Strezhnev & Voeten 2017);
a gap is bridged from the last observed session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from betweengiants.alignment.ideal_panel import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Drift is sought between these; a walk with a smaller one stands still.
SMALLEST, LARGEST = 1e-6, 1e2


@dataclass(frozen=True, slots=True)
class Chains:
    """Which state-session follows which.

    Attributes:
        previous: (N,) the place before, -1 for none.
        levels: places by their position in the chain of their state: all first ones, all second ones, ...
        later: all but the first ones.
        before: the place before each of `later`.
        ratio: n_t / (n_t + n_previous) of each of `later`.
    """

    previous: Ints
    levels: tuple[Ints, ...]
    later: Ints
    before: Ints
    ratio: Floats


@dataclass(frozen=True, slots=True)
class Walk:
    """Normal prior of N positions.

    Attributes:
        chains: which follows which.
        drift: variance of a step between two sessions, before the share of their votes.
        entry: variance of first positions.
        centre: their mean.
        step: (N,) precision of the step that leads to a place (of the entry, for a first one).
        diagonal: (N,) diagonal of the prior precision; off it stands -step between a place and the one before.
    """

    chains: Chains
    drift: float
    entry: float
    centre: float
    step: Floats
    diagonal: Floats

    def gradient(self, x: Floats) -> Floats:
        """(N,) gradient of the log prior."""
        chains, first = self.chains, self.chains.levels[0]
        moved = self.step[chains.later] * (x[chains.later] - x[chains.before])
        result = np.zeros(x.size)
        result[first] = -self.step[first] * (x[first] - self.centre)
        result[chains.later] -= moved
        result[chains.before] += moved  # each place comes before at most one other
        return result

    def smooth(self, information: Floats) -> tuple[Floats, Floats]:
        """Posterior variances, given the information (N,) that the votes hold on each position.

        Returns:
            (N,) variances; pivots of the forward pass (see `covariance_of_steps`).
        """
        previous, step = self.chains.previous, self.step
        pivot = self.diagonal + information
        for level in self.chains.levels[1:]:
            pivot[level] -= step[level] ** 2 / pivot[previous[level]]
        variance = 1 / pivot
        for level in reversed(self.chains.levels[1:]):
            before = previous[level]
            variance[before] += (step[level] / pivot[before]) ** 2 * variance[level]
        return variance, pivot

    def means(self, weighted: Floats, pivot: Floats) -> Floats:
        """Posterior means, given information times observation (N,) and the pivots of `smooth`."""
        previous, step, first = self.chains.previous, self.step, self.chains.levels[0]
        mean = weighted.copy()
        mean[first] += step[first] * self.centre
        for level in self.chains.levels[1:]:
            before = previous[level]
            mean[level] += step[level] / pivot[before] * mean[before]
        mean /= pivot
        for level in reversed(self.chains.levels[1:]):
            before = previous[level]
            mean[before] += step[level] / pivot[before] * mean[level]
        return mean

    def expected_log(self, mean: Floats, variance: Floats, squares: Floats) -> float:
        """Expected log density, less constants, of positions with these moments (squares: of `squared_steps`)."""
        first, later = self.chains.levels[0], self.chains.later
        entries = (mean[first] - self.centre) ** 2 + variance[first]
        quadratic = self.step[first] @ entries + self.step[later] @ squares
        return float(0.5 * (np.log(self.step).sum() - quadratic))

    def squared_steps(self, mean: Floats, variance: Floats, pivot: Floats) -> Floats:
        """Expected squares of the steps to each of `chains.later`."""
        later, before = self.chains.later, self.chains.before
        shared = self.step[later] / pivot[before] * variance[later]
        squares: Floats = (mean[later] - mean[before]) ** 2 + variance[later] + variance[before] - 2 * shared
        return squares


def make_chains(panel: Panel) -> Chains:
    """The chains of a panel."""
    later = np.flatnonzero(panel.previous >= 0)
    before = panel.previous[later]
    depth = np.zeros(panel.n.size, dtype=np.int64)
    for node in later:  # in order of session, so the place before is known
        depth[node] = depth[panel.previous[node]] + 1
    order = np.argsort(depth, kind="stable")
    levels = np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)
    ratio = panel.n[later] / (panel.n[later] + panel.n[before])
    return Chains(panel.previous, tuple(levels), later, before, ratio)


def make_walk(chains: Chains, *, drift: float, entry: float, centre: float = 0.0) -> Walk:
    """The walk along chains."""
    step = np.full(chains.previous.size, 1 / entry)
    step[chains.later] = 1 / (drift * chains.ratio)
    diagonal = step.copy()
    diagonal[chains.before] += step[chains.later]
    return Walk(chains, drift, entry, centre, step, diagonal)


def refit(
    walk: Walk, information: Floats, weighted: Floats, *, drift: float | None, prior: tuple[float, float]
) -> Walk:
    """The walk with its variances at their likeliest, given the votes as normal observations of the positions.

    Args:
        walk: where to start.
        information: (N,) information of the votes on each position.
        weighted: (N,) information times the position at which the votes alone would put it.
        drift: hold it at this value (None: estimate).
        prior: middles of the log-normal priors (sd 1) of drift and entry, which decide only where states are few.
    """
    first = walk.chains.levels[0]

    def moments(at: Walk) -> tuple[Floats, Floats, Floats]:
        variance, pivot = at.smooth(information)
        return at.means(weighted, pivot), variance, pivot

    if drift is None and walk.chains.later.size:
        low, high = np.log(SMALLEST), np.log(LARGEST)
        x = float(np.log(walk.drift))
        points: list[tuple[float, float]] = []
        for _ in range(8):
            at = make_walk(walk.chains, drift=float(np.exp(x)), entry=walk.entry, centre=walk.centre)
            mean, variance, pivot = moments(at)
            squares = at.squared_steps(mean, variance, pivot) / walk.chains.ratio
            points.append((x, likeliest(float(squares.sum()), squares.size, prior[0]) - x))
            if abs(points[-1][1]) < 1e-7:
                break
            x = min(max(_secant(points), low), high)
        walk = make_walk(walk.chains, drift=float(np.exp(x)), entry=walk.entry, centre=walk.centre)
    # The mean of first positions is linear in the centre: two points give the centre that reproduces itself.
    variance, pivot = walk.smooth(information)
    low_mean = walk.means(weighted, pivot)
    unit = replace(walk, centre=walk.centre + 1).means(weighted, pivot) - low_mean
    shift = (low_mean[first].mean() - walk.centre) / max(1 - float(unit[first].mean()), 1e-6)
    mean, centre = low_mean + shift * unit, walk.centre + float(shift)
    spread = float(((mean[first] - centre) ** 2 + variance[first]).sum())
    entry = float(np.exp(likeliest(spread, first.size, prior[1])))
    return make_walk(walk.chains, drift=walk.drift, entry=entry, centre=centre)


def _secant(points: list[tuple[float, float]]) -> float:
    """Next point of a search for a zero: the expectation-maximisation step first, then secants (at most 3 away)."""
    x, value = points[-1]
    if len(points) == 1:
        return x + value
    x0, value0 = points[-2]
    slope = (value - value0) / (x - x0) if x != x0 else 0.0
    if slope >= -1e-3:
        return x + 2 * value
    return x + float(np.clip(-value / slope, -3, 3))


def likeliest(total: float, count: int, prior: float) -> float:
    """Log of the variance with the highest density, given a sum of squares and a log-normal prior with sd 1.

    The root of total / (2 v) - count / 2 - log(v / prior), by Newton's method in log v.
    """
    x = float(np.log(max(total, 1e-300) / count))
    middle = float(np.log(prior))
    for _ in range(50):
        half = 0.5 * total * float(np.exp(-x))
        move = (half - 0.5 * count - (x - middle)) / (half + 1)
        x += float(np.clip(move, -2, 2))
        if abs(move) < 1e-12:
            break
    return x
