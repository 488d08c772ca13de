"""Where a fit stands: normal distributions of positions and questions, held as means and the votes' information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betweengiants.alignment.ideal_cells import Questions
from betweengiants.alignment.ideal_panel import Panel

Floats = NDArray[np.float64]
DIAGONAL = ([0, 1, 2], [0, 1, 2])
BELOW = ([1, 2, 2], [0, 0, 1])
# In one step: no position moves further, no slope further, and the gap between two cuts keeps this share.
FURTHEST_POSITION, FURTHEST_SLOPE, GAP_KEPT = 0.5, 1.0, 0.3
LEAST_INFORMATION = 1e-9


@dataclass(frozen=True, slots=True)
class Posterior:
    """N positions and Q questions.

    Attributes:
        mean: (N,) means of the positions.
        information: (N,) information of the votes on each position; with the walk's it gives the variances.
        slope: (Q,) means of beta.
        cuts: (Q, 2) means of the cuts; both equal where there is one.
        square: (Q, 3, 3) information of the votes on slope and cuts; with the prior's it gives the covariances.
    """

    mean: Floats
    information: Floats
    slope: Floats
    cuts: Floats
    square: Floats

    def standardised(self) -> Posterior:
        """Positions with mean 0 and standard deviation 1; what it says about votes stays as it is."""
        centre, scale = float(self.mean.mean()), float(self.mean.std())
        # old slope = new slope / scale, old cut = new cut + new slope * centre / scale
        back = np.array([[1 / scale, 0, 0], [centre / scale, 1, 0], [centre / scale, 0, 1]])
        return Posterior(
            (self.mean - centre) / scale,
            self.information * scale**2,
            self.slope * scale,
            self.cuts - (self.slope * centre)[:, None],
            back.T @ self.square @ back,
        )

    def questions(self, priors: Floats, absent: NDArray[np.bool_]) -> tuple[Questions, float]:
        """Questions with their covariances, and the log determinants of their information, summed.

        Args:
            priors: (Q, 3) prior precisions.
            absent: (Q,) no second cut.
        """
        square = self.square + priors[:, :, None] * np.eye(3)
        covariance = np.asarray(np.linalg.inv(square), dtype=np.float64)
        covariance[absent, 2] = 0
        covariance[absent, :, 2] = 0
        return Questions(self.slope, self.cuts, covariance), float(np.linalg.slogdet(square)[1].sum())

    def moved(
        self, panel: Panel, move: Floats, change: Floats, information: Floats, square: Floats, share: float
    ) -> Posterior:
        """A share of a step: `move` of the positions, `change` (Q, 3) of the questions, new information.

        The questions' information goes half the way: means and variances that answer each other would take turns.
        """
        two = panel.two_cuts
        closing = np.where(two, change[:, 1] - change[:, 2], 0)
        room = (1 - GAP_KEPT) * (self.cuts[:, 1] - self.cuts[:, 0])
        each = np.minimum(share, FURTHEST_SLOPE / np.maximum(np.abs(change[:, 0]), 1e-300))
        each = np.where(closing * each > room, room / np.maximum(closing, 1e-300), each)
        second = np.where(two, change[:, 2], change[:, 1])
        return Posterior(
            self.mean + share * np.clip(move, -FURTHEST_POSITION, FURTHEST_POSITION),
            self.information + share * (information - self.information),
            self.slope + each * change[:, 0],
            self.cuts + each[:, None] * np.column_stack([change[:, 1], second]),
            self.square + 0.5 * share * (square - self.square),
        )


def positive(square: Floats, priors: Floats) -> Floats:
    """(Q, 3, 3) information that is positive with the priors (Q, 3); where votes bend the wrong way they count as nothing."""
    try:
        np.linalg.cholesky(square + priors[:, :, None] * np.eye(3))
    except np.linalg.LinAlgError:
        value, vector = np.linalg.eigh(square)
        return np.asarray((vector * np.maximum(value, 0)[:, None, :]) @ vector.transpose(0, 2, 1))
    return square


class Mixer:
    """Anderson acceleration of a fixed-point iteration over posteriors (Walker & Ni 2011).

    The next posterior is the combination of the last few whose steps nearly cancel. Information is mixed as logarithms of
    its Cholesky factor, so it stays positive.
    """

    def __init__(self, depth: int, two: NDArray[np.bool_]) -> None:
        """Remember `depth` differences; `two` (Q,): questions with two cuts."""
        self.depth, self.two = depth, two
        # Slope and cuts by slope, middle and gap, which yes and no changed about only turn in sign.
        self.basis = np.tile(np.eye(3), (two.size, 1, 1))
        self.basis[two, 1:, 1:] = [[1, -0.5], [1, 0.5]]
        self.forget()

    def forget(self) -> None:
        """Start afresh."""
        self.points: list[Floats] = []
        self.steps: list[Floats] = []

    def next(self, at: Posterior, plain: Posterior, priors: Floats, walk: Floats) -> Posterior:
        """The posterior to go on with.

        Args:
            at: where the step started.
            plain: where it leads.
            priors: (Q, 3) prior precisions of the questions.
            walk: (N,) diagonal of the prior precision of the positions.
        """
        basis, two = self.basis, self.two
        here = _packed(at, priors, basis)
        step = _packed(plain, priors, basis) - here
        self.points = [*self.points[-self.depth :], here]
        self.steps = [*self.steps[-self.depth :], step]
        if len(self.points) < 2:
            return plain
        weights = _weights(at, priors, walk, basis)
        turns = np.diff(np.array(self.steps), axis=0)
        ways = np.diff(np.array(self.points), axis=0) + turns
        mix = np.linalg.lstsq((turns * weights).T, step * weights, rcond=1e-8)[0]
        mixed = here + step - mix @ ways
        if not np.isfinite(mixed).all() or float(np.abs(mixed - here).max()) > 10:
            self.forget()
            return plain
        found = _unpacked(mixed, at.mean.size, priors, basis)
        cuts = np.where(two[:, None], found.cuts, found.cuts.mean(axis=1, keepdims=True))
        narrow = two & (np.diff(cuts)[:, 0] < GAP_KEPT * np.diff(at.cuts)[:, 0])
        cuts[narrow] = plain.cuts[narrow]
        return Posterior(found.mean, found.information, found.slope, cuts, found.square)


def _packed(at: Posterior, priors: Floats, basis: Floats) -> Floats:
    square = at.square + priors[:, :, None] * np.eye(3)
    factor = np.linalg.cholesky(basis.transpose(0, 2, 1) @ square @ basis)
    diagonal = factor[:, *DIAGONAL]
    below = factor[:, *BELOW] / diagonal[:, BELOW[0]]
    information = np.log(np.maximum(at.information, LEAST_INFORMATION))
    middle, gap = at.cuts.mean(axis=1), np.diff(at.cuts)
    parts = (at.mean, information, at.slope, middle, gap, np.log(diagonal), below)
    return np.concatenate([part.ravel() for part in parts])


def _unpacked(packed: Floats, n: int, priors: Floats, basis: Floats) -> Posterior:
    q = priors.shape[0]
    sizes = np.cumsum([n, n, q, q, q, 3 * q])
    mean, information, slope, middle, gap, diagonal, below = np.split(packed, sizes)
    size = np.exp(diagonal).reshape(q, 3)
    factor = np.zeros((q, 3, 3))
    factor[:, *DIAGONAL] = size
    factor[:, *BELOW] = below.reshape(q, 3) * size[:, BELOW[0]]
    back = np.linalg.inv(basis)
    square = back.transpose(0, 2, 1) @ factor @ factor.transpose(0, 2, 1) @ back
    square -= priors[:, :, None] * np.eye(3)
    cuts = np.column_stack([middle - gap / 2, middle + gap / 2])
    return Posterior(mean, np.exp(information), slope, cuts, square)


def _weights(at: Posterior, priors: Floats, walk: Floats, basis: Floats) -> Floats:
    """One over the standard deviation of each mean; 1 for the logarithms."""
    square = basis.transpose(0, 2, 1) @ (at.square + priors[:, :, None] * np.eye(3)) @ basis
    sharp = np.sqrt(np.maximum(square[:, *DIAGONAL], LEAST_INFORMATION))
    n, q = at.mean.size, at.slope.size
    parts = (np.sqrt(at.information + walk), np.ones(n), *sharp.T, np.ones(6 * q))
    return np.concatenate(parts)
