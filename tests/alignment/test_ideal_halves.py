"""Errors from random halves: what they find on votes along one line, and on votes along two."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest

from betweengiants.alignment.ideal import IdealPoints, ideal_points
from betweengiants.alignment.ideal_draw import draw_votes
from betweengiants.alignment.ideal_halves import Options, split_half_errors
from betweengiants.alignment.votes import Votes
from betweengiants.core.errors import DataError

STATES, SESSIONS, QUESTIONS = 60, 1, 60


@pytest.fixture(scope="module")
def line() -> tuple[Votes, IdealPoints]:
    votes = draw_votes(3, states=STATES, sessions=SESSIONS, resolutions=QUESTIONS).votes
    return votes, ideal_points(votes)


def two_dimensions() -> Votes:
    """Half of the questions run along another line, on which S000 stands far out: its place depends on the agenda."""
    random = np.random.default_rng(5)
    place = random.normal(size=(2, STATES)) * [[1.0], [0.5]]
    place[:, 0] = 0.0, 4.0
    rows = SESSIONS * QUESTIONS
    angle = np.where(random.random(rows) < 0.5, 0.4 * np.pi, 0.0)
    z = 1.5 * (np.outer(np.cos(angle), place[0]) + np.outer(np.sin(angle), place[1]))
    z += random.normal(size=(rows, STATES))
    matrix = np.where(z < -0.3, 1, np.where(z < 0.3, 2, 3)).astype(np.int8)
    plain = draw_votes(1, states=STATES, sessions=SESSIONS, resolutions=QUESTIONS).votes
    return Votes(plain.resolutions, plain.dates, plain.years, plain.sessions, plain.countries, matrix)


def test_the_same_splits_for_any_executor(line: tuple[Votes, IdealPoints]) -> None:
    votes, found = line
    one = split_half_errors(votes, found, 2, seed=7)
    with ThreadPoolExecutor(2) as executor:
        assert split_half_errors(votes, found, 2, seed=7, executor=executor).equals(one)
    assert not split_half_errors(votes, found, 2, seed=8).equals(one)
    assert one.columns == ["country", "session", "se_halves", "splits"]
    assert one.select("country", "session").equals(found.frame.select("country", "session"))
    assert (one["splits"] == 2).all()


def test_along_one_line_they_agree_with_the_model(line: tuple[Votes, IdealPoints]) -> None:
    votes, found = line
    errors = found.frame.join(split_half_errors(votes, found, 6), on=["country", "session"])
    ratio = np.sqrt((errors["se_halves"] ** 2).mean() / (errors["se"] ** 2).mean())  # type: ignore[operator]
    assert 0.7 < ratio < 1.3


def test_along_two_lines_they_find_more_than_the_model() -> None:
    votes = two_dimensions()
    found = ideal_points(votes)
    errors = found.frame.join(split_half_errors(votes, found, 8), on=["country", "session"])
    torn = errors.filter(pl.col("country") == "S000")
    assert (torn["se_halves"] / torn["se"]).mean() > 1.3  # type: ignore[operator]


def test_groups_and_links_are_those_of_the_whole_record(line: tuple[Votes, IdealPoints]) -> None:
    votes, _ = line
    options = Options(links={votes.resolutions[3]: votes.resolutions[1]}, groups={"pair": ["S001", "S002"]})
    found = ideal_points(votes, links=options.links, groups=options.groups)
    errors = split_half_errors(votes, found, 1, options=options)
    assert errors.filter(pl.col("country") == "pair")["se_halves"].is_not_null().all()


@pytest.mark.parametrize("splits", [0, 1001])
def test_a_number_of_splits_out_of_range(line: tuple[Votes, IdealPoints], splits: int) -> None:
    with pytest.raises(DataError, match="1 to 1000"):
        split_half_errors(*line, splits)
