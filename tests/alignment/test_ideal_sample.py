"""Face validity on votes of the General Assembly (a cut of sessions; the whole record is in the benchmark)."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from betweengiants.alignment.ideal import IdealPoints, ideal_points
from betweengiants.alignment.votes import Votes


@pytest.fixture(scope="module")
def cut(sample: Votes) -> Votes:
    """Every second resolution of sessions 38 to 52 (1983 to 1998)."""
    return sample.select(
        (sample.sessions >= 38) & (sample.sessions <= 52) & (np.arange(len(sample.resolutions)) % 2 == 0)
    )


@pytest.fixture(scope="module")
def found(cut: Votes) -> IdealPoints:
    return ideal_points(cut, contested=True)


def of(found: IdealPoints, country: str) -> dict[int, float]:
    rows = found.frame.filter(pl.col("country") == country)
    return dict(zip(rows["session"], rows["ideal_point"], strict=True))


def test_the_united_states_and_israel_are_at_the_positive_end(found: IdealPoints) -> None:
    for session in range(38, 53):
        ranked = found.frame.filter(pl.col("session") == session).sort("ideal_point", descending=True)
        assert {"USA", "ISR"} & set(ranked["country"].head(2))
        assert {"USA", "ISR"} <= set(ranked["country"].head(5))


def test_russia_crosses(found: IdealPoints) -> None:
    russia = of(found, "RUS")
    ranks = {
        session: found.frame.filter(pl.col("session") == session)
        .with_columns(share=pl.col("ideal_point").rank() / pl.len())
        .filter(pl.col("country") == "RUS")["share"]
        .item()
        for session in (38, 47, 48)
    }
    assert ranks[38] < 0.1
    assert min(ranks[47], ranks[48]) > 0.7
    assert russia[52] < max(russia[47], russia[48])  # and starts back


def test_kazakhstan_begins_between_russia_and_china(found: IdealPoints) -> None:
    assert of(found, "CHN")[48] < of(found, "KAZ")[48] < of(found, "RUS")[48]


def test_ranks_hold_when_a_tenth_of_the_resolutions_is_dropped(cut: Votes, found: IdealPoints) -> None:
    kept = np.random.default_rng(0).random(len(cut.resolutions)) >= 0.1
    fewer = ideal_points(cut.select(kept), contested=True)
    both = found.frame.join(fewer.frame, on=["country", "session"], suffix="_fewer")
    for session in range(38, 53):
        rows = both.filter(pl.col("session") == session)
        assert spearmanr(rows["ideal_point"], rows["ideal_point_fewer"]).statistic >= 0.98
