"""Posterior means and deviations against a plain Gibbs sampler of the published model.

The sampler draws the latent Z of each vote, slopes, cuts (Metropolis steps with Z integrated out) and each state's path in
turn, and standardises every draw, as the published code does. It shares no code with the engine.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from betweengiants.alignment.ideal import ideal_points
from betweengiants.alignment.ideal_draw import draw_votes

Floats = NDArray[np.float64]
STATES, SESSIONS, EACH, DRIFT = 30, 3, 24, 0.5
BURN, KEPT = 1000, 4000


def sampled(matrix: NDArray[np.int8], start: Floats) -> tuple[Floats, Floats]:
    """Posterior mean and standard deviation of positions (sessions, states); nobody is ever absent."""
    random = np.random.default_rng(1)
    session = np.repeat(np.arange(SESSIONS), EACH)
    theta = start.copy()
    low, middle = matrix == 1, matrix == 2
    two = middle.any(axis=1) & (matrix == 3).any(axis=1)
    share = np.column_stack([low.mean(axis=1), np.where(two, (matrix < 3).mean(axis=1), low.mean(axis=1))])
    cuts = ndtri(np.clip(share, 0.01, 0.99))
    beta = np.zeros(matrix.shape[0])
    step = DRIFT / 2  # all cast the same number of votes in every session
    links = (
        np.diag(np.full(SESSIONS, 2 / step)) - np.eye(SESSIONS, k=1) / step - np.eye(SESSIONS, k=-1) / step
    )
    links[0, 0], links[-1, -1] = 1 + 1 / step, 1 / step
    total, square = np.zeros_like(theta), np.zeros_like(theta)

    def bounds(c: Floats, eta: Floats) -> tuple[Floats, Floats]:
        lower = np.where(low, -np.inf, np.where(middle & two[:, None], c[:, :1], c[:, 1:]))
        upper = np.where(low, c[:, :1], np.where(middle & two[:, None], c[:, 1:], np.inf))
        return ndtr(lower - eta), ndtr(upper - eta)

    for sweep in range(BURN + KEPT):
        eta = beta[:, None] * theta[session]
        a, b = bounds(cuts, eta)
        for _ in range(2):
            moved = cuts + 0.35 * random.normal(size=cuts.shape)
            moved[~two, 1] = moved[~two, 0]
            new_a, new_b = bounds(moved, eta)
            ratio = (np.log(np.maximum(new_b - new_a, 1e-300)) - np.log(np.maximum(b - a, 1e-300))).sum(
                axis=1
            )
            taken = (np.log(random.random(ratio.size)) < ratio) & (moved[:, 0] <= moved[:, 1])
            cuts[taken] = moved[taken]
            a[taken], b[taken] = new_a[taken], new_b[taken]
        z = eta + ndtri(np.clip(a + random.random(a.shape) * (b - a), 1e-12, 1 - 1e-12))
        precision = (theta**2).sum(axis=1)[session] + 1
        beta = (z * theta[session]).sum(axis=1) / precision + random.normal(size=beta.size) / np.sqrt(
            precision
        )
        for t in range(SESSIONS):
            rows = session == t
            others = links[t] @ theta - links[t, t] * theta[t]
            sharp = (beta[rows] ** 2).sum() + links[t, t]
            theta[t] = (beta[rows] @ z[rows] - others) / sharp + random.normal(size=STATES) / np.sqrt(sharp)
        centre, scale = theta.mean(), theta.std()
        theta = (theta - centre) / scale
        cuts -= (beta * centre)[:, None]
        beta *= scale
        if sweep >= BURN:
            total += theta
            square += theta**2
    mean = total / KEPT
    return mean, np.sqrt(square / KEPT - mean**2)


def test_means_and_deviations_agree_with_the_sampler() -> None:
    drawn = draw_votes(6, states=STATES, sessions=SESSIONS, resolutions=EACH + 6, walk=0.4, slopes=1.2)
    kinds = np.array([np.unique(row).size for row in drawn.votes.matrix])
    rows = [np.flatnonzero((kinds > 1) & (drawn.votes.sessions == t + 1))[:EACH] for t in range(SESSIONS)]
    votes = drawn.votes.select(np.concatenate(rows))
    assert len(votes.resolutions) == SESSIONS * EACH
    found = ideal_points(votes, drift=DRIFT, spread=1.0)
    frame = found.frame.sort("session", "country")
    ours = frame["ideal_point"].to_numpy().reshape(SESSIONS, STATES)
    errors = frame["se"].to_numpy().reshape(SESSIONS, STATES)
    mean, deviation = sampled(votes.matrix, np.sign(ours) * 0.5)
    assert np.corrcoef(mean.ravel(), ours.ravel())[0, 1] > 0.995
    # within half a posterior standard deviation (the sampler's own error is about a twentieth of one)
    assert np.sqrt(((mean - ours) ** 2).mean()) < 0.5 * np.median(deviation)
    assert 0.9 < np.median(errors / deviation) < 1.2
    assert (errors / deviation).min() > 0.7
    assert (errors / deviation).max() < 1.5
