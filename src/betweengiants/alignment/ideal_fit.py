"""Fit of the ideal-point model by variational inference with Newton steps.

Positions and questions have independent normal posteriors, as near to the true one as normal ones can come. A step moves the
means of all positions and questions together, the questions eliminated exactly; variances come from the walk's smoother
and from the questions' own information; the variances of the priors are re-estimated on the way; steps are mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from betweengiants.alignment.ideal_cells import Questions, Sums, session_sums
from betweengiants.alignment.ideal_elimination import Factor
from betweengiants.alignment.ideal_panel import Block, Panel
from betweengiants.alignment.ideal_posterior import DIAGONAL, Mixer, Posterior, positive
from betweengiants.alignment.ideal_start import start
from betweengiants.alignment.ideal_walk import Walk, make_chains, make_walk, refit
from betweengiants.core.errors import NotConverged

Floats = NDArray[np.float64]
# Published variances (Bailey, Strezhnev & Voeten 2017): of the walk and of the slopes; of first positions: that of all.
DRIFT, SPREAD, ENTRY = 0.5, 1.0, 1.0
# Votes that one cut parts without a fault set no upper bound on a slope, so the slopes' variance gets one.
LARGEST_SPREAD = 4.0
# Cuts have a flat prior in the published model; this much keeps every matrix positive.
CUT_PRECISION = 1e-6
NODES, DEPTH = 3, 6
# Steps with means alone to come near; from then on with variances. A step that far may overshoot and is checked.
ROUGH_STEPS, NEAR, CHECKED = 3, 0.3, 0.1
# Below KEPT the factor of a step serves the next ones, but for so many: what remains to be found then are the variances.
KEPT, USES = 0.05, 8
# A step may lose that much of the lower bound of the evidence: the nodes give it to about this.
SLACK, SHORTEST = 1e-5, 1e-3


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model; N state-sessions, Q questions.

    Attributes:
        mean: (N,) posterior means of the positions, with mean 0 and standard deviation 1.
        variance: (N,) their posterior variances: what is not known of questions and of other states included, what the
            standardisation fixes taken out.
        group_variance: (K,) posterior variances of the means of groups, with what their members' errors share.
        conditional: (N,) variances as if questions and other states were known (far too small; for comparison).
        questions: the questions.
        walk: the walk with its variances.
        spread: variance of the slopes.
        steps: Newton steps made.
        residual: furthest move of a position in the last step.
        held: the estimate of the slopes' variance did not converge, and it was held at `spread`.
    """

    mean: Floats
    variance: Floats
    group_variance: Floats
    conditional: Floats
    questions: Questions
    walk: Walk
    spread: float
    steps: int
    residual: float
    held: bool = False


def fit(
    panel: Panel,
    *,
    drift: float | None = None,
    spread: float | None = None,
    tolerance: float,
    most: int,
    groups: Floats | None = None,
) -> Fit:
    """Fit the model.

    Args:
        panel: see `make_panel`.
        drift: variance of the walk on the reported scale; None: estimate it.
        spread: variance of the slopes on the reported scale; None: estimate it (at most `LARGEST_SPREAD`).
        tolerance: furthest move of a position in the last step, in units of the reported positions.
        most: Newton steps before giving up.
        groups: (N, K) weights of positions in each of K means (default: none).

    An estimate of the slopes' variance and the fit may chase each other: if it does not converge, the variance is held where
    the estimate had come to, once.

    Raises:
        NotConverged: after `most` steps, or where a matrix is singular.
    """
    groups = np.empty((panel.n.size, 0)) if groups is None else groups
    first = _Fitting(panel, drift, spread)
    try:
        return first.run(tolerance, most, groups)
    except NotConverged:
        if spread is not None:
            raise
    return replace(_Fitting(panel, drift, first.spread).run(tolerance, most, groups), held=True)


class _Fitting:
    """What changes from step to step beside the posterior: the variances of the priors."""

    def __init__(self, panel: Panel, drift: float | None, spread: float | None) -> None:
        self.panel, self.drift = panel, drift
        self.walk = make_walk(make_chains(panel), drift=drift or DRIFT, entry=ENTRY)
        self.spread, self.free_spread = spread or SPREAD, spread is None
        self.absent = ~panel.two_cuts

    def run(self, tolerance: float, most: int, groups: Floats) -> Fit:
        """Iterate; see `fit`."""
        try:
            return self._iterate(tolerance, most, groups)
        except np.linalg.LinAlgError:
            raise NotConverged(
                "ideal points", residual=np.inf, iterations=most, tolerance=tolerance
            ) from None

    def _iterate(self, tolerance: float, most: int, groups: Floats) -> Fit:
        nodes, pull, mixer = 1, 0.0, Mixer(DEPTH, self.panel.two_cuts)
        at = self._begin()
        sums, bound = self._sums(at, nodes)
        size, uses = np.inf, 0
        factor: Factor | None = None
        for step in range(1, most + 1):
            items, square = self._collected(sums)
            theta = np.concatenate([part.theta for part in sums])
            information = np.maximum(np.concatenate([part.theta_theta for part in sums]), 0)
            self._refit(at, theta, information, items, square, first=step == 1)
            square = positive(square, self._priors())
            at = replace(at, square=positive(at.square, self._priors()))
            if factor is None:
                factor = Factor(self.panel, self.walk, sums, self._priors(), max(pull, 0))
                uses = 0
            move, change, pull = self._newton(factor, at, theta, items)
            size, uses = float(np.abs(move).max()), uses + 1
            if size < tolerance and nodes == NODES and uses == 1:
                return self._result(factor, at, groups, step, size)
            if not (nodes == NODES and tolerance < size < KEPT and uses < USES):
                factor = None
            if nodes < NODES and (size < NEAR or step >= ROUGH_STEPS):
                nodes = NODES
                at = replace(at, information=information, square=square)
                sums, bound = self._sums(at, nodes)
                continue
            share = 1.0
            trial = at.moved(self.panel, move, change, information, square, share)
            if nodes == NODES:
                trial = mixer.next(at, trial, self._priors(), self.walk.diagonal)
            while True:
                trial = trial.standardised()
                sums, reached = self._sums(trial, nodes, coupled=factor is None)
                enough = reached > bound - max(1.0, SLACK * abs(bound))
                if nodes < NODES or size < CHECKED or enough or share < SHORTEST:
                    break
                mixer.forget()
                share /= 2
                trial = at.moved(self.panel, move, change, information, square, share)
            at, bound = trial, reached
        raise NotConverged("ideal points", residual=size, iterations=most, tolerance=tolerance)

    def _begin(self) -> Posterior:
        mean, slope, cuts = start(self.panel, self._priors())
        sharp = 1e6
        square = np.tile(sharp * np.eye(3), (slope.size, 1, 1))
        return Posterior(mean, np.full(mean.size, sharp), slope, cuts, square).standardised()

    def _priors(self) -> Floats:
        """(Q, 3) prior precision of slope and cuts; a second cut that does not exist is tied down."""
        priors = np.full((self.panel.two_cuts.size, 3), CUT_PRECISION)
        priors[:, 0] = 1 / self.spread
        priors[self.absent, 2] = 1
        return priors

    def _sums(self, at: Posterior, nodes: int, *, coupled: bool = True) -> tuple[list[Sums], float]:
        """Sums of all sessions, and the lower bound of the log evidence."""
        variance, pivot = self.walk.smooth(at.information)
        questions, sharpness = at.questions(self._priors(), self.absent)

        def one(block: Block) -> Sums:
            here = block.states
            own = questions.take(block.questions)
            return session_sums(block, own, at.mean[here], variance[here], nodes, coupled=coupled)

        sums = [one(block) for block in self.panel.blocks]
        squares = self.walk.squared_steps(at.mean, variance, pivot)
        slopes = float((at.slope**2 + questions.covariance[:, 0, 0]).sum())
        bound = sum(part.value for part in sums)
        bound += self.walk.expected_log(at.mean, variance, squares) - 0.5 * float(np.log(pivot).sum())
        bound -= 0.5 * (slopes / self.spread + at.slope.size * float(np.log(self.spread)) + sharpness)
        return sums, bound

    def _collected(self, sums: Sequence[Sums]) -> tuple[Floats, Floats]:
        """Gradient and information of each question, over all sessions in which it was put."""
        items = np.zeros((self.panel.two_cuts.size, 3))
        square = np.zeros((items.shape[0], 3, 3))
        for block, part in zip(self.panel.blocks, sums, strict=True):
            items[block.questions] += part.item
            square[block.questions] += part.item_item
        return items, square

    def _refit(
        self, at: Posterior, theta: Floats, information: Floats, items: Floats, square: Floats, *, first: bool
    ) -> None:
        """Variances of the priors at their likeliest, votes taken as normal observations."""
        weighted = information * at.mean + theta
        middles = (self.drift or DRIFT, ENTRY)
        self.walk = refit(self.walk, information, weighted, drift=self.drift, prior=middles)
        if self.free_spread and not first:
            self.spread = min(likeliest_spread(at.slope, items[:, 0], square, self.absent), LARGEST_SPREAD)

    def _newton(
        self, factor: Factor, at: Posterior, theta: Floats, items: Floats
    ) -> tuple[Floats, Floats, float]:
        """Step of the positions and of the questions that keeps mean and variance; the force that it takes."""
        held = np.column_stack([np.ones(at.mean.size), at.mean])
        right = np.zeros((items.shape[0], 3, 3))
        right[:, :, 0] = items
        right[:, 0, 0] -= at.slope / self.spread
        right[:, 1, 0] -= CUT_PRECISION * at.cuts[:, 0]
        right[~self.absent, 2, 0] -= CUT_PRECISION * at.cuts[~self.absent, 1]
        x, y = factor.solve(np.column_stack([theta + self.walk.gradient(at.mean), held]), right)
        force = np.linalg.solve(held.T @ x[:, 1:], held.T @ x[:, 0])
        return x[:, 0] - x[:, 1:] @ force, y[:, :, 0] - y[:, :, 1:] @ force, float(force[1])

    def _result(self, factor: Factor, at: Posterior, groups: Floats, step: int, size: float) -> Fit:
        held = np.column_stack([np.ones(at.mean.size), at.mean])
        right = np.column_stack([held, groups])
        solved, _ = factor.solve(right, np.zeros((at.slope.size, 3, right.shape[1])))
        x, means = solved[:, :2], solved[:, 2:]
        # The standardisation fixes two sums of the positions: what is known of them is taken out of every variance.
        known = np.linalg.inv(held.T @ x)
        fixed = np.einsum("ik,kl,il->i", x, known, x)
        reach = groups.T @ x
        return Fit(
            mean=at.mean,
            variance=factor.variances() - fixed,
            group_variance=(groups * means).sum(axis=0) - np.einsum("gk,kl,gl->g", reach, known, reach),
            conditional=self.walk.smooth(at.information)[0],
            questions=at.questions(self._priors(), self.absent)[0],
            walk=self.walk,
            spread=self.spread,
            steps=step,
            residual=size,
        )


def likeliest_spread(slope: Floats, gradient: Floats, square: Floats, absent: NDArray[np.bool_]) -> float:
    """Variance of the slopes with the highest density, the votes taken as a normal observation of each slope.

    Args:
        slope: (Q,) where the slopes are.
        gradient: (Q,) of the log-likelihood by each.
        square: (Q, 3, 3) information on slope and cuts; the cuts are integrated out.
        absent: (Q,) no second cut.
    """
    cuts = square[:, 1:, 1:].copy()
    cuts[absent, 1, 1] = 1
    edge = square[:, 0, 1:]
    information = square[:, *DIAGONAL][:, 0] - np.einsum(
        "qi,qi->q", edge, np.linalg.solve(cuts, edge[:, :, None])[:, :, 0]
    )
    noise = 1 / np.maximum(information, 1e-12)
    seen = (slope + gradient * noise) ** 2
    x = float(np.log(SPREAD))
    for _ in range(100):
        spread = float(np.exp(x))
        total = spread + noise
        rise = 0.5 * spread * float((seen / total**2 - 1 / total).sum()) - (x - float(np.log(SPREAD)))
        bend = 0.5 * spread**2 * float((1 / total**2).sum()) + 1
        move = float(np.clip(rise / bend, -1, 1))
        x += move
        if abs(move) < 1e-9:
            break
    return float(np.exp(x))
