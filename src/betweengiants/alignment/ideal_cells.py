"""Expected log-likelihood of one session's votes, and its derivatives.

With Z = beta theta + e and e ~ N(0, 1), a vote falls below cut1 with probability Phi(cut1 - beta theta), above cut2 with
Phi(beta theta - cut2), between them with the rest. Positions and questions have independent normal distributions, so the
distance between a cut and beta theta has a mean and a variance in each cell; it is taken as normal and the expectation
by Gauss-Hermite nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from betweengiants.alignment.ideal_panel import Block

Floats = NDArray[np.float64]
# Beyond this the normal distribution function underflows; no vote that a fitted model explains lies there.
FURTHEST = 36.0
ROOT_2PI = float(np.sqrt(2 * np.pi))
NODES: dict[int, tuple[Floats, Floats]] = {
    count: (x, w / ROOT_2PI) for count in (1, 3, 5, 9) for x, w in [np.polynomial.hermite_e.hermegauss(count)]
}


@dataclass(frozen=True, slots=True)
class Questions:
    """What is known of Q questions; parameters in the order slope, cut1, cut2.

    Attributes:
        slope: (Q,) means of beta.
        cuts: (Q, 2) means of both cuts; of a question with one cut they are equal.
        covariance: (Q, 3, 3) of the parameters (rows and columns of a cut that does not exist are zero).
    """

    slope: Floats
    cuts: Floats
    covariance: Floats

    def take(self, which: NDArray[np.int64]) -> Questions:
        """Some of them, in the order given."""
        return Questions(self.slope[which], self.cuts[which], self.covariance[which])


@dataclass(frozen=True, slots=True)
class Sums:
    """Expected log-likelihood of a session and its derivatives; Q questions, C states.

    Attributes:
        value: expected log-likelihood.
        theta: (C,) gradient by the mean positions.
        theta_theta: (C,) minus the second derivative by the mean positions (states are independent), which is also the
            information that the votes hold on each position.
        item: (Q, 3) gradient by the questions' mean parameters (a question with one cut: cut2 has zeros).
        item_item: (Q, 3, 3) minus the second derivative: the information on each question.
        cross: (Q, 3, C) minus the mixed second derivative ((0, 3, C) where not asked for).
        residual: (Q, C) the part of `cross` by slope that has expectation zero (left out in Fisher scoring; likewise).
    """

    value: float
    theta: Floats
    theta_theta: Floats
    item: Floats
    item_item: Floats
    cross: Floats
    residual: Floats


def session_sums(
    block: Block, questions: Questions, mean: Floats, variance: Floats, nodes: int, *, coupled: bool = True
) -> Sums:
    """Sums of one session.

    Args:
        block: its votes.
        questions: the block's distinct questions.
        mean: (C,) means of the positions.
        variance: (C,) their variances.
        nodes: 1, 3, 5 or 9 (1: means alone, as if nothing were uncertain).
        coupled: work out the mixed second derivatives too, which a step with a kept factor does not need.
    """
    each = questions.take(np.searchsorted(block.questions, block.rows))
    beta, bound = each.slope, each.cuts
    side, upper, row = block.side, block.upper, block.between[0]
    centre = np.multiply.outer(-beta, mean)
    middle = bound[row] + centre[block.between][:, None]
    centre += np.where(upper, bound[:, 1:], bound[:, :1])
    # Votes beyond a cut are taken out into one row: a third of the cells hold no vote or one between two cuts.
    beyond, turn = block.beyond, block.turn
    off = centre.ravel()[beyond] * turn
    points, weights = NODES[nodes]
    if nodes == 1:
        each = Questions(beta, bound, np.zeros_like(each.covariance))
        variance, spread = np.zeros_like(variance), np.zeros(())
        middle = middle[None]
    else:
        sd, sd_middle = _spreads(block, each, mean, variance)
        spread = sd.ravel()[beyond]
        middle = middle + np.multiply.outer(points, sd_middle)[:, :, None]
    first, second = np.zeros(beyond.size), np.zeros(beyond.size)
    log_p, *parts = _between(middle)
    value = float((weights @ log_p).sum())
    mid = np.array([weights @ part for part in parts])
    for x, weight in zip(points, weights, strict=True):
        at = np.maximum(spread * x + off, -FURTHEST)
        below = ndtr(at)
        ratio = at * at
        ratio *= -0.5
        np.exp(ratio, out=ratio)
        ratio /= below
        ratio *= weight / ROOT_2PI
        value += weight * float(np.log(below, out=below).sum())
        first += ratio
        ratio *= at + ratio / weight
        second += ratio
    gradient, curve = np.zeros(side.shape), np.zeros(side.shape)
    np.put(gradient, beyond, -turn * first)
    np.put(curve, beyond, second)
    return _assemble(block, value, each, mean, variance, gradient, curve, mid, coupled=coupled)


def _spreads(block: Block, each: Questions, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Standard deviations of cut - beta theta: (R, C) of the cut that bounds a vote, and of the middle between two."""
    row, column = block.between
    v = each.covariance
    shared = np.multiply.outer(each.slope**2, variance) + np.multiply.outer(v[:, 0, 0], mean**2 + variance)
    two = v[:, 0, 1] + v[:, 0, 2]
    half = (v[:, 1, 1] + v[:, 2, 2] + 2 * v[:, 1, 2]) / 4
    middle = shared[block.between] - mean[column] * two[row] + half[row]
    one = np.multiply.outer(-2 * v[:, 0, 1], mean) + v[:, 1, 1][:, None]
    other = np.multiply.outer(-2 * v[:, 0, 2], mean) + v[:, 2, 2][:, None]
    shared += np.where(block.upper, other, one)
    return np.sqrt(np.maximum(shared, 0)), np.sqrt(np.maximum(middle, 0))


def _between(u: Floats) -> tuple[Floats, ...]:
    """Log P, d/dcut1, d/dcut2 and minus the second derivatives (11, 12, 22) of P = Phi(u2) - Phi(u1)."""
    flip = (
        u[..., 0] + u[..., 1] > 0
    )  # both tails alike: take the one in which the difference keeps its digits
    low = np.clip(np.where(flip, -u[..., 1], u[..., 0]), -FURTHEST, FURTHEST)
    high = np.clip(np.where(flip, -u[..., 0], u[..., 1]), -FURTHEST + 1e-6, FURTHEST)
    p = np.maximum(ndtr(high) - ndtr(low), 1e-300)
    scale = 1 / (ROOT_2PI * p)
    r_low, r_high = np.exp(-0.5 * low * low) * scale, np.exp(-0.5 * high * high) * scale
    r1, r2 = np.where(flip, r_high, r_low), np.where(flip, r_low, r_high)
    return np.log(p), -r1, r2, r1 * (r1 - u[..., 0]), -r1 * r2, r2 * (r2 + u[..., 1])


def _assemble(
    block: Block,
    value: float,
    each: Questions,
    mean: Floats,
    variance: Floats,
    gradient: Floats,
    curve: Floats,
    mid: Floats,
    *,
    coupled: bool,
) -> Sums:
    """Sums from the expected first (by beta theta) and minus second derivatives of each vote.

    Variances of the cells depend on the means too: of cut - beta theta it is (beta^2 + v_bb) V + v_bb m^2 - 2 m v_bc + v_cc,
    and the expectation falls by half the curvature for each unit of it.
    """
    beta, v = each.slope, each.covariance
    row, column = block.between
    one, two, c11, c12, c22 = mid
    second = curve * block.upper
    first = curve - second
    item = np.empty((beta.size, 3))
    above = np.einsum("rc,rc->r", gradient, block.upper)
    item[:, 1] = np.bincount(row, one, beta.size) - (gradient.sum(axis=1) - above)
    item[:, 2] = np.bincount(row, two, beta.size) - above
    leaning = v[:, 0, 1] @ first + v[:, 0, 2] @ second
    both = c11 + 2 * c12 + c22
    leaning += np.bincount(column, both * (v[:, 0, 1] + v[:, 0, 2])[row] / 2, mean.size)
    gradient[block.between] -= one + two
    first[block.between] += c11 + c12
    second[block.between] += c12 + c22
    curve = first + second
    item[:, 0] = gradient @ mean - beta * (curve @ variance)
    square = np.empty((beta.size, 3, 3))
    square[:, 0, 0] = curve @ (mean**2 + variance)
    square[:, 0, 1] = square[:, 1, 0] = -(first @ mean)
    square[:, 0, 2] = square[:, 2, 0] = -(second @ mean)
    # by the cuts alone: `first` holds c11 + c12 of the votes between them, and so on
    mixed = np.bincount(row, c12, beta.size)
    square[:, 1, 1] = first.sum(axis=1) - mixed
    square[:, 2, 2] = second.sum(axis=1) - mixed
    square[:, 1, 2] = square[:, 2, 1] = mixed
    theta = beta @ gradient - mean * (v[:, 0, 0] @ curve) + leaning
    theta_theta = (beta**2 + v[:, 0, 0]) @ curve
    cross, residual = np.empty((0, 3, mean.size)), np.empty((0, mean.size))
    if coupled:
        cross = np.empty((beta.size, 3, mean.size))
        for k, part in enumerate((curve * mean, -first, -second)):
            np.multiply(part, beta[:, None], out=cross[:, k])
        residual = -gradient
    if block.starts.size < beta.size:
        item, square = (np.add.reduceat(part, block.starts, axis=0) for part in (item, square))
        if coupled:
            cross, residual = (np.add.reduceat(part, block.starts, axis=0) for part in (cross, residual))
    return Sums(value, theta, theta_theta, item, square, cross, residual)
