"""General Assembly votes 1946 to 2024: numbers known beforehand."""

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.similarity import Distance
from betweengiants.alignment.votes import Votes

ROOT = Path(__file__).parents[2]


def test_kazakhstan_in_2022(sample: Votes) -> None:
    found = agreement(sample, ["RUS", "CHN", "USA"], ["KAZ"]).filter(pl.col("year") == 2022)
    rounded = found.select("power", "n", pl.col("agreement").round(3)).rows()
    assert rounded == [("CHN", 73, 0.863), ("RUS", 74, 0.75), ("USA", 74, 0.338)]


def test_every_pair_of_the_published_table(sample: Votes, shared: Path) -> None:
    """Contested resolutions by session, all 2,294 rows: same n, same share to its four digits."""
    published = pl.read_csv(shared / "facts" / "diplomacy" / "unga_agreement.csv")
    states = sorted({*published["country_a"], *published["country_b"]})
    found = agreement(sample, states, states, by="session", contested=True)
    both = published.join(
        found,
        left_on=["country_a", "country_b", "session"],
        right_on=["country", "power", "session"],
        how="left",
    )
    assert both["n"].null_count() == 0
    assert (both["n"] == both["n_votes"]).all()
    largest = (both["agreement"] - both["agree_share"]).abs().max()
    assert isinstance(largest, float)
    assert largest < 1e-4


def test_the_dossier_table_is_what_its_script_makes(shared: Path, sample: Votes) -> None:
    spec = importlib.util.spec_from_file_location("maker", ROOT / "tools" / "make_vote_agreement.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    made = maker.table(shared / "samples" / "unga_votes" / "votes.parquet").write_csv()
    committed = ROOT / "src/betweengiants/dossier/builtin/kazakhstan/vote_agreement.csv"
    assert made == committed.read_text(encoding="utf-8")


def test_absences_are_left_out_and_counted(sample: Votes) -> None:
    assert sample.left_out == {"absent": 95850}
    assert sample.matrix.shape == (6551, 194)


def test_a_high_share_can_stand_beside_a_chance_corrected_score_near_zero(sample: Votes) -> None:
    found = agreement(sample, ["CHN"], ["ARM"]).filter(pl.col("year") == 1992).row(0, named=True)
    assert found["agreement"] == pytest.approx(0.8125)
    assert abs(found["kappa"]) < 0.05


def test_published_kappa_and_pi_of_1946(sample: Votes) -> None:
    """The United States and Mexico in 1946, as the R package fpsim 0.2 prints them: kappa by squares, pi nominal."""

    def of(distance: Distance) -> dict[str, float]:
        found = agreement(sample, ["MEX"], ["USA"], distance=distance)
        return found.filter(pl.col("year") == 1946).row(0, named=True)

    assert of("squared")["n"] == 38
    assert of("squared")["kappa"] == pytest.approx(-0.01222707, abs=5e-9)
    assert of("nominal")["pi"] == pytest.approx(-0.02775801, abs=5e-9)
