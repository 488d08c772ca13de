"""The pieces of the ideal-point engine against dense and numerical references."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from betweengiants.alignment.ideal_cells import Questions, session_sums
from betweengiants.alignment.ideal_draw import draw_votes
from betweengiants.alignment.ideal_elimination import Factor
from betweengiants.alignment.ideal_panel import Panel, make_panel
from betweengiants.alignment.ideal_walk import make_chains, make_walk, refit
from betweengiants.alignment.votes import Votes

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def votes() -> Votes:
    """Nine states, five sessions; gaps, absences, a question put three times, one-sided questions."""
    drawn = draw_votes(4, states=9, sessions=5, resolutions=6, absent=0.2).votes
    matrix = drawn.matrix.copy()
    matrix[6:18, 2] = 0  # a gap of two sessions
    matrix[:12, 3] = 0  # a late entry
    matrix[18:, 4] = 0  # an early leave
    matrix[5] = np.where(matrix[5] == 3, 1, matrix[5])
    matrix[5, :2] = 2, 1
    return Votes(
        drawn.resolutions, drawn.dates, drawn.years, drawn.sessions, drawn.countries, matrix, name="nine"
    )


@pytest.fixture(scope="module")
def panel(votes: Votes) -> Panel:
    r = votes.resolutions
    return make_panel(votes, {r[8]: r[1], r[26]: r[8], r[21]: r[14], r[20]: r[19]})


def gradient_of(f: Callable[[Floats], float], x: Floats, h: float = 1e-5) -> Floats:
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size)])


def test_the_panel(votes: Votes, panel: Panel) -> None:
    assert panel.repeats == 4
    assert panel.spans.sum() == 2  # r19 and r20 are one question within a session
    assert panel.n.sum() == int((votes.matrix > 0).sum())
    back = panel.previous[(panel.state == 2) & (panel.session == 4)]
    assert (panel.state[back], panel.session[back]) == (2, 1)
    assert not (panel.state[panel.session <= 2] == 3).any()


def test_values_and_derivatives_of_a_session(panel: Panel) -> None:
    random = np.random.default_rng(0)
    block = panel.blocks[3]
    q, c = block.questions.size, block.side.shape[1]
    two = panel.two_cuts[block.questions]
    assert two.any()
    assert not two.all()
    assert block.starts.size < block.rows.size
    cuts = np.sort(random.normal(size=(q, 2)), axis=1)
    cuts[~two, 1] = cuts[~two, 0]
    slope, mean = 1.5 * random.normal(size=q), random.normal(size=c)
    known = np.zeros((q, 3, 3))

    def likelihood(x: Floats) -> float:
        theta, beta, cut = x[:c], x[c : c + q], x[c + q :].reshape(q, 2)
        row = np.searchsorted(block.questions, block.rows)
        eta = np.multiply.outer(beta[row], theta)
        low, high = cut[row, :1], np.where(two[row, None], cut[row, 1:], cut[row, :1])
        between = np.zeros(block.side.shape, dtype=bool)
        between[block.between] = True
        p = np.where(block.side > 0, ndtr(low - eta), np.where(block.side < 0, ndtr(eta - high), 1.0))
        p = np.where(between, ndtr(high - eta) - ndtr(low - eta), p)
        return float(np.log(p).sum())

    x = np.concatenate([mean, slope, cuts.ravel()])
    sums = session_sums(block, Questions(slope, cuts, known), mean, np.zeros(c), 1)
    first = gradient_of(likelihood, x)
    second = -np.array(
        [gradient_of(lambda y, i=i: gradient_of(likelihood, y)[i], x, 1e-4) for i in range(x.size)]
    )
    assert sums.value == pytest.approx(likelihood(x), rel=1e-12)
    assert sums.theta == pytest.approx(first[:c], abs=1e-7)
    assert sums.theta_theta == pytest.approx(np.diag(second)[:c], abs=1e-4)
    for k in range(q):
        at = [c + k, c + q + 2 * k, c + q + 2 * k + 1]
        kept = 3 if two[k] else 2
        assert sums.item[k, :kept] == pytest.approx(first[at[:kept]], abs=1e-7)
        assert sums.item_item[k, :kept, :kept] == pytest.approx(
            second[np.ix_(at, at)][:kept, :kept], abs=1e-4
        )
        cross = sums.cross[k].copy()
        cross[0] += sums.residual[k]
        assert cross[:kept] == pytest.approx(second[at[:kept], :c], abs=1e-4)


def test_expectations_over_uncertain_positions_and_questions(panel: Panel) -> None:
    random = np.random.default_rng(1)
    block = panel.blocks[0]
    q, c = block.questions.size, block.side.shape[1]
    two = panel.two_cuts[block.questions]
    cuts = np.sort(random.normal(size=(q, 2)), axis=1)
    cuts[~two, 1] = cuts[~two, 0]
    slope, mean, variance = random.normal(size=q), random.normal(size=c), random.uniform(0.01, 0.1, c)
    spread = 0.15 * random.normal(size=(q, 3, 3))
    covariance = spread @ spread.transpose(0, 2, 1)
    covariance[:, 2] = covariance[
        :, 1
    ]  # both cuts move together: the case that the expectation treats exactly
    covariance[:, :, 2] = covariance[:, :, 1]
    sums = session_sums(block, Questions(slope, cuts, covariance), mean, variance, 9)
    total, draws = 0.0, 4000
    for _ in range(draws):
        theta = mean + np.sqrt(variance) * random.normal(size=c)
        shift = np.einsum(
            "qij,qj->qi",
            np.linalg.cholesky(covariance[:, :2, :2] + 1e-12 * np.eye(2)),
            random.normal(size=(q, 2)),
        )
        moved = Questions(slope + shift[:, 0], cuts + shift[:, 1:], np.zeros_like(covariance))
        total += session_sums(block, moved, theta, np.zeros(c), 1).value
    assert sums.value == pytest.approx(total / draws, rel=0.01)


def test_the_smoother_against_the_dense_inverse(panel: Panel) -> None:
    random = np.random.default_rng(2)
    chains = make_chains(panel)
    walk = make_walk(chains, drift=0.3, entry=1.5, centre=0.4)
    n = panel.n.size
    precision = -np.array([walk.gradient(e) - walk.gradient(np.zeros(n)) for e in np.eye(n)])
    expected = np.zeros((n, n))
    for node in range(n):
        before = panel.previous[node]
        if before < 0:
            expected[node, node] += 1 / 1.5
            continue
        step = 1 / (0.3 * panel.n[node] / (panel.n[node] + panel.n[before]))
        pair = np.ix_([node, before], [node, before])
        expected[pair] += step * np.array([[1, -1], [-1, 1]])
    assert precision == pytest.approx(expected, abs=1e-12)
    information, observed = random.uniform(1, 9, n), random.normal(size=n)
    dense = np.linalg.inv(expected + np.diag(information))
    variance, pivot = walk.smooth(information)
    first = panel.previous < 0
    mean = dense @ (information * observed + first * 0.4 / 1.5)
    assert variance == pytest.approx(np.diag(dense), rel=1e-12)
    assert walk.means(information * observed, pivot) == pytest.approx(mean, abs=1e-12)
    assert float(np.log(pivot).sum()) == pytest.approx(-np.linalg.slogdet(dense)[1], rel=1e-12)
    squares = walk.squared_steps(mean, variance, pivot)
    for place, node in enumerate(chains.later):
        before = panel.previous[node]
        spread = dense[node, node] + dense[before, before] - 2 * dense[node, before]
        assert squares[place] == pytest.approx((mean[node] - mean[before]) ** 2 + spread, rel=1e-10)


def test_variances_of_the_walk_are_the_likeliest(panel: Panel) -> None:
    random = np.random.default_rng(3)
    n = panel.n.size
    chains = make_chains(panel)
    information, observed = random.uniform(20, 40, n), random.normal(size=n)

    def density(drift: float, entry: float, centre: float) -> float:
        walk = make_walk(chains, drift=drift, entry=entry, centre=centre)
        prior = -np.array([walk.gradient(e) - walk.gradient(np.zeros(n)) for e in np.eye(n)])
        cover = np.linalg.inv(prior) + np.diag(1 / information)
        off = observed - centre
        value = -0.5 * (off @ np.linalg.solve(cover, off) + np.linalg.slogdet(cover)[1])
        return float(value - 0.5 * np.log(drift / 0.5) ** 2 - 0.5 * np.log(entry) ** 2)

    walk = make_walk(chains, drift=0.5, entry=1.0)
    for _ in range(200):
        walk = refit(walk, information, information * observed, drift=None, prior=(0.5, 1.0))
    best = density(walk.drift, walk.entry, walk.centre)
    for drift, entry, centre in (
        (1.02, 1, 0),
        (0.98, 1, 0),
        (1, 1.03, 0),
        (1, 0.97, 0),
        (1, 1, 0.02),
        (1, 1, -0.02),
    ):
        assert density(walk.drift * drift, walk.entry * entry, walk.centre + centre) < best


def test_elimination_against_the_dense_matrix(panel: Panel) -> None:
    random = np.random.default_rng(5)
    n, q = panel.n.size, panel.two_cuts.size
    walk = make_walk(make_chains(panel), drift=0.4, entry=1.0)
    slope, mean = random.normal(size=q), random.normal(size=n)
    low = random.normal(size=q)
    cuts = np.column_stack([low, np.where(panel.two_cuts, low + 0.7, low)])
    questions = Questions(slope, cuts, np.zeros((q, 3, 3)))
    sums = [
        session_sums(b, questions.take(b.questions), mean[b.states], np.full(b.side.shape[1], 0.05), 3)
        for b in panel.blocks
    ]
    priors = np.full((q, 3), 1e-6)
    priors[:, 0] = 1
    priors[~panel.two_cuts, 2] = 1
    whole = np.zeros((n + 3 * q, n + 3 * q))
    whole[:n, :n] = -np.array([walk.gradient(e) - walk.gradient(np.zeros(n)) for e in np.eye(n)])
    whole[:n, :n] += 0.3 * np.eye(n)
    whole[range(n, n + 3 * q), range(n, n + 3 * q)] += priors.ravel()
    for block, part in zip(panel.blocks, sums, strict=True):
        nodes = np.arange(n)[block.states]
        whole[nodes, nodes] += part.theta_theta
        for place, question in enumerate(block.questions):
            three = n + 3 * question + np.arange(3)
            whole[np.ix_(three, three)] += part.item_item[place]
            whole[np.ix_(three, nodes)] += part.cross[place]
            whole[np.ix_(nodes, three)] += part.cross[place].T
    factor = Factor(panel, walk, sums, priors, 0.3)
    right = random.normal(size=(n + 3 * q, 2))
    theta, items = factor.solve(right[:n].copy(), right[n:].reshape(q, 3, 2).copy())
    dense = np.linalg.solve(whole, right)
    assert theta == pytest.approx(dense[:n], abs=1e-9)
    assert items.reshape(3 * q, 2) == pytest.approx(dense[n:], abs=1e-9)
    assert factor.variances() == pytest.approx(np.diag(np.linalg.inv(whole))[:n], rel=1e-9)
