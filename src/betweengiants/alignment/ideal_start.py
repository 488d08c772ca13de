"""A starting point: session by session, outwards from the one with most votes.

Each session's positions start where the nearest session left its states, so the sign never has to be guessed twice. The
first one starts from the leading component of its votes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from betweengiants.alignment.ideal_cells import Questions, Sums, session_sums
from betweengiants.alignment.ideal_panel import Block, Panel

Floats = NDArray[np.float64]
ROUNDS, QUESTION_STEPS, STEP_VARIANCE = 2, 2, 0.25


def start(panel: Panel, priors: Floats) -> tuple[Floats, Floats, Floats]:
    """Positions (N,), slopes (Q,) and cuts (Q, 2)."""
    mean = np.zeros(panel.n.size)
    slope = np.zeros(panel.two_cuts.size)
    cuts = ndtri(panel.shares)
    size = [np.count_nonzero(block.side) + block.between[0].size for block in panel.blocks]
    seed = int(np.argmax(size))
    for order in (range(seed, len(size)), range(seed - 1, -1, -1)):
        latest = np.full(int(panel.state.max()) + 1, np.nan)
        if seed not in order:
            states = panel.blocks[seed].states
            latest[panel.state[states]] = mean[states]
        for place in order:
            block = panel.blocks[place]
            here = panel.state[block.states]
            known = ~np.isnan(latest[here])
            centre = np.where(known, latest[here], 0.0)
            if place == seed:
                centre = _leading(block)
            free = np.where(known, 1 / STEP_VARIANCE, 1.0)
            mean[block.states] = _session(panel, block, slope, cuts, priors, centre, free, place == seed)
            latest[here] = mean[block.states]
    return mean, slope, cuts


def _session(
    panel: Panel,
    block: Block,
    slope: Floats,
    cuts: Floats,
    priors: Floats,
    centre: Floats,
    precision: Floats,
    seed: bool,
) -> Floats:
    """Positions of one session, near `centre`; its questions' slopes and cuts are set in place."""
    asked = block.questions
    theta = centre.copy()
    if not asked.size:
        return theta
    nothing, known = np.zeros(theta.size), np.zeros((asked.size, 3, 3))

    def sums() -> Sums:
        here = Questions(slope[asked], cuts[asked], known)
        return session_sums(block, here, theta, nothing, 1, coupled=False)

    for _ in range(ROUNDS):
        for _ in range(QUESTION_STEPS):
            _move_questions(panel, asked, sums(), slope, cuts, priors)
        for _ in range(2):
            found = sums()
            pull = np.zeros(theta.size) if seed else centre - theta
            theta = theta + (found.theta + precision * pull) / (found.theta_theta + precision)
        if seed:
            theta = (theta - theta.mean()) / max(float(theta.std()), 1e-6)
    return theta


def _move_questions(
    panel: Panel, asked: NDArray[np.int64], sums: Sums, slope: Floats, cuts: Floats, priors: Floats
) -> None:
    first = ndtri(panel.shares[asked])
    # A linked question may lack a kind of vote in this session: its cuts stay near their pooled shares.
    square = sums.item_item + (priors[asked] + np.array([0, 1, 1]))[:, :, None] * np.eye(3)
    gradient = sums.item.copy()
    gradient[:, 0] -= priors[asked, 0] * slope[asked]
    gradient[:, 1:] -= cuts[asked] - first
    step = np.linalg.solve(square, gradient[:, :, None])[:, :, 0]
    # A slope or cut moves by at most 1 at a time; a gap between cuts keeps half of itself and a fifth of its first size.
    shrink = np.minimum(1, 1 / np.maximum(np.abs(step).max(axis=1), 1e-12))
    gap = cuts[asked, 1] - cuts[asked, 0]
    room = gap - np.maximum(0.5 * gap, 0.2 * np.diff(first)[:, 0])
    closing = np.where(panel.two_cuts[asked], step[:, 1] - step[:, 2], 0)
    tight = closing * shrink > room
    shrink[tight] = np.maximum(room[tight], 0) / closing[tight]
    slope[asked] += shrink * step[:, 0]
    cuts[asked, 0] += shrink * step[:, 1]
    cuts[asked, 1] += np.where(panel.two_cuts[asked], shrink * step[:, 2], shrink * step[:, 1])


def _leading(block: Block) -> Floats:
    """Scores of the states on the leading component of the session's votes, each question centred."""
    cast = np.abs(block.side)
    cast[block.between] = 1
    total = np.maximum(cast.sum(axis=1, keepdims=True), 1)
    centred = (block.side - block.side.sum(axis=1, keepdims=True) / total) * cast
    scores: Floats = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread > 0 else scores
