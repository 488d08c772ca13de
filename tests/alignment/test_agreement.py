import itertools
import math
import tracemalloc

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from betweengiants.alignment.agreement import (
    Composition,
    agreement,
    bloc_votes,
    joint_counts,
    members_compared,
)
from betweengiants.alignment.votes import Votes
from betweengiants.core.errors import DataError, UnknownLabel

COLUMNS = ["country", "power", "year", "n", "agreement", "s_score", "kappa", "pi"]
ERRORS = ["agreement_se", "s_score_se", "kappa_se", "pi_se"]


def make(matrix: list[list[int]], years: list[int] | None = None, countries: str = "ABCDEFGH") -> Votes:
    cells = np.array(matrix, dtype=np.int8)
    when = years or [2000] * len(matrix)
    return Votes(
        tuple(f"r{i}" for i in range(len(matrix))),
        np.array([f"{year}-06-01" for year in when], dtype="datetime64[D]"),
        np.array(when),
        np.array(when) - 1945,
        tuple(countries[: cells.shape[1]]),
        cells,
    )


MATRICES = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 3), min_size=width, max_size=width), min_size=1, max_size=12
    )
)


def brute(a: NDArray[np.int8], b: NDArray[np.int8]) -> tuple[float, ...]:
    """n and the measures of two vote vectors, by the formulas of the design, one vote at a time."""
    both = [(int(x), int(y)) for x, y in zip(a, b, strict=True) if x and y]
    n = len(both)
    d = [abs(x - y) for x, y in both]
    mean = sum(d) / n
    scores = [{0: 1.0, 1: 0.5, 2: 0.0}[gap] for gap in d]
    average = sum(scores) / n
    se = math.sqrt(sum((s - average) ** 2 for s in scores) / (n - 1) / n) if n > 1 else math.nan
    ours = {k: sum(x == k for x, _ in both) / n for k in (1, 2, 3)}
    theirs = {k: sum(y == k for _, y in both) / n for k in (1, 2, 3)}
    middle = {k: (ours[k] + theirs[k]) / 2 for k in ours}
    cells = list(itertools.product((1, 2, 3), repeat=2))
    kappa = sum(ours[k] * theirs[m] * abs(k - m) for k, m in cells)
    pi = sum(middle[k] * middle[m] * abs(k - m) for k, m in cells)
    return (
        n,
        average,
        1 - 2 * mean / 2,
        1 - mean / kappa if kappa else math.nan,
        1 - mean / pi if pi else math.nan,
        se,
    )


def test_by_hand() -> None:
    """A and B: yes-yes, yes-abstain, yes-no, no-no, and one each that the other misses."""
    votes = make([[1, 1], [1, 2], [1, 3], [3, 3], [0, 1], [2, 0]])
    row = agreement(votes, ["B"], ["A"]).row(0, named=True)
    assert list(row) == COLUMNS + ERRORS
    assert (row["country"], row["power"], row["year"], row["n"]) == ("A", "B", 2000, 4)
    assert row["agreement"] == 2.5 / 4
    assert row["s_score"] == 1 - 3 / 4
    # shares 3/4, 0, 1/4 and 1/4, 1/4, 1/2: E = 3/4*(1/4*1 + 1/2*2) + 1/4*(1/4*2 + 1/4*1) = 9/8
    assert row["kappa"] == pytest.approx(1 - (3 / 4) / (9 / 8))
    # averaged 1/2, 1/8, 3/8: E = 2*(1/16 + 3/64 + 2*3/16) = 31/32
    assert row["pi"] == pytest.approx(1 - (3 / 4) / (31 / 32))
    assert row["agreement_se"] == pytest.approx(np.std([1, 0.5, 0, 1], ddof=1) / 2)


@given(MATRICES)
@settings(max_examples=60)
def test_all_pairs_equal_brute_force(matrix: list[list[int]]) -> None:
    votes = make(matrix)
    table = agreement(votes, votes.countries).select(*COLUMNS, "agreement_se")
    found = {(r[0], r[1]): r[3:] for r in table.rows()}
    for (i, a), (j, b) in itertools.permutations(enumerate(votes.countries), 2):
        ours, theirs = votes.matrix[:, i], votes.matrix[:, j]
        if not ((ours > 0) & (theirs > 0)).any():
            assert (a, b) not in found
            continue
        row = tuple(math.nan if value is None else value for value in found.pop((a, b)))
        assert row == pytest.approx(brute(ours, theirs), nan_ok=True, abs=1e-12)
    assert found == {}


@given(MATRICES, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_order_of_resolutions_and_countries_changes_nothing(matrix: list[list[int]], random: object) -> None:
    cells = np.array(matrix, dtype=np.int8)
    rows, columns = list(range(cells.shape[0])), list(range(cells.shape[1]))
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(columns)  # type: ignore[attr-defined]
    votes = make(matrix)
    labels = [votes.countries[c] for c in columns]
    moved = make(cells[rows][:, columns].tolist(), countries="".join(labels))
    assert_frame_equal(agreement(moved, labels, labels), agreement(votes, votes.countries), check_exact=True)


@given(MATRICES)
@settings(max_examples=40)
def test_symmetry_and_independence_of_other_pairs(matrix: list[list[int]]) -> None:
    votes = make(matrix)
    whole = agreement(votes, votes.countries)
    there = whole.rename({"country": "power", "power": "country"}).select(COLUMNS + ERRORS)
    there = there.sort("country", "power", "year")
    assert_frame_equal(whole.select(COLUMNS), there.select(COLUMNS), check_exact=True)
    assert_frame_equal(whole.select(ERRORS), there.select(ERRORS), rel_tol=1e-12, abs_tol=1e-12)
    alone = agreement(votes, ["B"], ["A"])
    assert_frame_equal(
        alone, whole.filter((pl.col("country") == "A") & (pl.col("power") == "B")), check_exact=True
    )


@given(MATRICES)
@settings(max_examples=60)
def test_every_pair_once(matrix: list[list[int]]) -> None:
    votes = make(matrix)
    once, whole = agreement(votes, None), agreement(votes, votes.countries)
    assert_frame_equal(once, whole.filter(pl.col("country") < pl.col("power")), check_exact=True)
    some = votes.countries[:2]
    assert_frame_equal(agreement(votes, None, some), agreement(votes, some[1:], some[:1]), check_exact=True)


def weighted_measures(pairs: list[tuple[int, int]], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """agreement, S, kappa, pi of votes with weights, straight from the definitions."""
    x, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    w = w / w.sum()
    d = np.abs(x[:, None] - y[None, :])
    mean = (w * np.abs(x - y)).sum()
    kappa = w @ d @ w
    both, twice = np.concatenate([x, y]), np.concatenate([w, w]) / 2
    pi = twice @ np.abs(both[:, None] - both[None, :]) @ twice
    return np.array([1 - mean / 2, 1 - mean, 1 - mean / kappa, 1 - mean / pi])


def test_errors_are_those_of_leaving_each_resolution_out() -> None:
    random = np.random.default_rng(1)
    for size in (8, 30, 60):
        pairs = [(int(a), int(b)) for a, b in random.integers(1, 4, (size, 2))]
        row = agreement(make([list(pair) for pair in pairs]), ["B"], ["A"])
        again = np.array([weighted_measures(pairs, 1 - one) for one in np.eye(size)])
        gaps = again - again.mean(axis=0)
        expected = np.sqrt((gaps**2).sum(axis=0) * (size - 1) / size)
        assert row.select(ERRORS).row(0) == pytest.approx(tuple(expected), rel=1e-9)


def test_joint_counts_are_numbers_of_resolutions() -> None:
    votes = make([[1, 1], [1, 3], [1, 3], [0, 3], [2, 0]])
    counts = joint_counts(votes.matrix, votes.matrix)
    assert counts.shape == (3, 3, 2, 2)
    assert counts[:, :, 0, 1].tolist() == [[1, 0, 2], [0, 0, 0], [0, 0, 0]]


def test_periods() -> None:
    votes = make([[1, 1], [1, 3], [1, 1]], [2000, 2001, 2001])
    assert agreement(votes, ["B"], ["A"]).select("year", "n", "agreement").rows() == [
        (2000, 1, 1.0),
        (2001, 2, 0.5),
    ]
    found = agreement(votes, ["B"], ["A"], by="session")
    assert found.columns[2] == "session"
    assert found["session"].to_list() == [55, 56]
    with pytest.raises(UnknownLabel):
        agreement(votes, ["B"], by="month")  # type: ignore[arg-type]


def test_undefined_is_null() -> None:
    row = agreement(make([[1, 1]]), ["B"], ["A"]).row(0, named=True)
    assert (row["agreement"], row["s_score"]) == (1, 1)
    assert (row["kappa"], row["pi"], row["agreement_se"]) == (None, None, None)


def test_contested_looks_at_the_whole_chamber() -> None:
    votes = make([[1, 1, 3], [1, 1, 1], [1, 1, 0], [2, 0, 2]])
    assert agreement(votes, ["B"], ["A"])["n"].to_list() == [3]
    assert agreement(votes, ["B"], ["A"], contested=True)["n"].to_list() == [1]
    nothing = agreement(make([[1, 1]]), ["B"], contested=True)
    assert nothing.columns == COLUMNS + ERRORS
    assert nothing.height == 0


def test_a_bloc_votes_by_strict_majority_of_those_voting() -> None:
    votes = make([[1, 1, 3], [1, 3, 0], [2, 0, 0], [0, 0, 0], [1, 2, 3], [3, 3, 3]])
    assert bloc_votes(votes, ["A", "B", "C", "Z"]).tolist() == [1, 0, 2, 0, 0, 3]
    dated = {"A": ("1999-01-01", "2000-06-01"), "B": (None, None), "C": ("2000-06-01", "")}
    assert bloc_votes(votes, dated).tolist() == [0, 3, 0, 0, 0, 3]
    row = agreement(votes, ["X"], ["A"], {"X": ["B", "C"]}).row(0, named=True)
    assert (row["power"], row["n"], row["agreement"]) == ("X", 2, 0.5)


def test_lone_voters_cost_no_memory_and_change_nothing() -> None:
    cells = np.zeros((100_000, 40), dtype=np.int8)
    cells[np.arange(100_000), np.arange(100_000) % 40] = 1
    cells[:50, :] = np.random.default_rng(4).integers(1, 4, (50, 40))
    names = tuple(f"S{i:02}" for i in range(40))

    def votes_of(rows: NDArray[np.int8]) -> Votes:
        year = np.full(len(rows), 2000)
        days = np.full(len(rows), np.datetime64("2000-06-01"))
        return Votes(tuple(map(str, range(len(rows)))), days, year, year - 1945, names, rows)

    many, few = votes_of(cells), votes_of(cells[:50])
    tracemalloc.start()
    try:
        found = agreement(many, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # the counts of all 100,000 took 100 MB
    assert peak < 20e6
    assert_frame_equal(found, agreement(few, None), check_exact=True)
    blocs = {"X": ["S00", "S01"]}
    assert agreement(many, ["X"], blocs=blocs)["n"].sum() > agreement(few, ["X"], blocs=blocs)["n"].sum()


def test_long_periods_are_counted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.random.default_rng(6).integers(0, 4, (50, 4)).astype(np.int8)
    whole = joint_counts(cells, cells)
    monkeypatch.setattr("betweengiants.alignment.agreement.BLOCK", 7)
    assert (joint_counts(cells, cells) == whole).all()


def test_a_state_and_a_bloc_that_contains_it() -> None:
    blocs: dict[str, Composition] = {"EU": ["DEU", "FRA"], "UN": {"DEU": ("1973-09-18", "")}, "X": ["DEU"]}
    assert members_compared(["DEU", "KAZ", "FRA"], ["EU", "UN", "RUS"], blocs) == [
        ("DEU", "EU"),
        ("DEU", "UN"),
        ("FRA", "EU"),
    ]


def test_bad_requests() -> None:
    votes = make([[1, 1, 3]])
    with pytest.raises(UnknownLabel, match="unknown power 'X'"):
        agreement(votes, ["X"])
    with pytest.raises(UnknownLabel, match="unknown country 'X'"):
        agreement(votes, ["A"], ["X"])
    with pytest.raises(DataError, match="no power"):
        agreement(votes, [])
    with pytest.raises(DataError, match="also a country"):
        agreement(votes, ["A"], blocs={"A": ["B"]})
    with pytest.raises(
        DataError, match=r"no member of X among its countries \(members: Y\); allowed: a bloc of which"
    ):
        agreement(votes, ["X"], blocs={"X": ["Y"]})
    with pytest.raises(DataError, match="date 'soon'"):
        agreement(votes, ["X"], blocs={"X": {"A": ("soon", "")}})
    with pytest.raises(DataError, match="A in X from 2004-05-01 to 2003-01-01, an end before its start"):
        agreement(votes, ["X"], blocs={"X": {"A": ("2004-05-01", "2003-01-01")}})
