"""Ideal points of votes drawn from the model: the truth comes back, and the intervals cover it."""

import numpy as np
import pytest

from betweengiants.alignment.ideal import IdealPoints, ideal_points
from betweengiants.alignment.ideal_draw import Drawn, draw_votes


def compared(drawn: Drawn, found: IdealPoints) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, standardised truth on the same side, standard error, session of each state-session."""
    frame = found.frame
    country = np.array([drawn.votes.position(label) for label in frame["country"]])
    session = frame["session"].to_numpy() - 1
    chosen, estimate = drawn.positions[session, country], frame["ideal_point"].to_numpy()
    truth = (chosen - chosen.mean()) / chosen.std()
    side = np.sign(np.corrcoef(truth, estimate)[0, 1])
    return estimate, side * truth, frame["se"].to_numpy(), session


def test_two_hundred_states_and_thirty_sessions() -> None:
    drawn = draw_votes(7, states=200, sessions=30, resolutions=80, walk=0.25)
    estimate, truth, se, session = compared(drawn, ideal_points(drawn.votes))
    within = [np.corrcoef(estimate[session == t], truth[session == t])[0, 1] for t in np.unique(session)]
    assert min(within) >= 0.98
    covered = np.abs(estimate - truth) < 1.96 * se
    assert 0.90 <= covered.mean() <= 0.98
    assert 0.88 <= covered[np.abs(truth) > 1.5].mean() <= 0.99  # those at the ends are no exception


@pytest.mark.parametrize(
    ("slopes", "walk", "absent"), [(0.5, 0.1, 0.0), (2.0, 0.1, 0.0), (1.0, 0.5, 0.0), (1.0, 0.2, 0.4)]
)
def test_other_slopes_walks_and_absences(slopes: float, walk: float, absent: float) -> None:
    drawn = draw_votes(11, states=80, sessions=10, resolutions=50, walk=walk, slopes=slopes, absent=absent)
    found = ideal_points(drawn.votes)
    estimate, truth, se, _ = compared(drawn, found)
    assert np.corrcoef(estimate, truth)[0, 1] >= 0.96
    assert 0.88 <= (np.abs(estimate - truth) < 1.96 * se).mean() <= 0.98
    assert found.frame["n"].sum() == int((drawn.votes.matrix > 0).sum())


def test_the_variance_of_the_walk_is_found() -> None:
    drawn = draw_votes(3, states=150, sessions=12, resolutions=60, walk=0.2)
    found = ideal_points(drawn.votes)
    # steps between sessions with as many votes: drift / 2, in units of the variance of all positions
    truth = 2 * 0.2**2 / drawn.positions.var()
    assert found.drift == pytest.approx(truth, rel=0.25)
