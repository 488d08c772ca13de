"""Rules of the ideal-point engine: what changes nothing, what is refused, and votes at the edge of the model."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from betweengiants.alignment.ideal import ideal_points
from betweengiants.alignment.ideal_draw import draw_votes
from betweengiants.alignment.votes import Votes, votes_from_frame
from betweengiants.core.errors import DataError, NotConverged, UnknownLabel


def as_votes(matrix: Sequence[Sequence[int]] | NDArray[np.int8], sessions: Sequence[int]) -> Votes:
    """Rows are resolutions r0, r1, ...; columns states A, B, ..."""
    cast = np.array(matrix, dtype=np.int8)
    words = np.array(["absent", "yes", "abstain", "no"])
    rows, states = cast.shape
    return votes_from_frame(
        pl.DataFrame(
            {
                "resolution": np.repeat([f"r{i}" for i in range(rows)], states),
                "session": np.repeat(np.asarray(sessions, dtype=np.int64), states),
                "date": np.repeat([f"{1945 + s}-11-01" for s in sessions], states),
                "country": np.tile(
                    [chr(65 + i) if i < 26 else f"Z{chr(39 + i)}" for i in range(states)], rows
                ),
                "vote": words[cast.ravel()],
            }
        )
    )


def relabelled(votes: Votes, states: NDArray[np.intp], rows: NDArray[np.intp], names: Sequence[str]) -> Votes:
    """Columns and rows in another order, columns under other names."""
    return Votes(
        tuple(f"x{i}" for i in range(rows.size)),
        votes.dates[rows],
        votes.years[rows],
        votes.sessions[rows],
        tuple(names),
        votes.matrix[rows][:, states],
    )


@pytest.fixture(scope="module")
def drawn() -> Votes:
    return draw_votes(2, states=25, sessions=6, resolutions=20, absent=0.1).votes


def test_the_table(drawn: Votes) -> None:
    found = ideal_points(drawn, sign="S003")
    frame = found.frame
    assert frame.columns == ["country", "session", "n", "ideal_point", "se"]
    assert frame.dtypes == [pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Float64]
    assert frame.equals(frame.sort("country", "session"))
    assert frame["ideal_point"].mean() == pytest.approx(0, abs=1e-9)
    assert frame["ideal_point"].std(ddof=0) == pytest.approx(1, abs=1e-9)
    assert frame["se"].is_between(0.01, 1).all()
    assert frame.filter(pl.col("country") == "S003")["ideal_point"].mean() > 0
    assert found.sign == "sign: S003 is positive on average"
    assert found.residual < found.tolerance


def test_the_same_twice(drawn: Votes) -> None:
    assert ideal_points(drawn).frame.write_csv() == ideal_points(drawn).frame.write_csv()


def test_order_and_names_do_not_matter(drawn: Votes) -> None:
    random = np.random.default_rng(0)
    states = random.permutation(25)
    rows = np.lexsort((random.random(len(drawn.resolutions)), drawn.sessions))
    names = [f"T{i:02d}" for i in range(25)]
    straight = ideal_points(drawn, sign="S000").frame
    turned = ideal_points(relabelled(drawn, states, rows, names), sign=names[int(np.argmin(states))]).frame
    back = {name: drawn.countries[states[i]] for i, name in enumerate(names)}
    turned = turned.with_columns(pl.col("country").replace(back)).sort("country", "session")
    assert turned.drop("ideal_point", "se").equals(straight.drop("ideal_point", "se"))
    for column in ("ideal_point", "se"):
        assert turned[column].to_numpy() == pytest.approx(straight[column].to_numpy(), abs=1e-8)


@pytest.mark.parametrize("sign", ["S005", "USA"])
def test_yes_and_no_changed_about_flip_nothing(drawn: Votes, sign: str) -> None:
    matrix = np.where(drawn.matrix > 0, 4 - drawn.matrix, 0).astype(np.int8)
    flipped = Votes(drawn.resolutions, drawn.dates, drawn.years, drawn.sessions, drawn.countries, matrix)
    one, other = ideal_points(drawn, sign=sign).frame, ideal_points(flipped, sign=sign).frame
    for column in ("ideal_point", "se"):
        assert other[column].to_numpy() == pytest.approx(one[column].to_numpy(), abs=1e-8)


def test_which_rule_says_what_is_positive(drawn: Votes) -> None:
    found = ideal_points(drawn)
    assert found.sign == "sign: USA is not in the file, so the longer tail of all positions is positive"
    assert (found.frame["ideal_point"] ** 3).sum() > 0
    alike = ideal_points(as_votes([[1, 3], [3, 1]], [1, 1]))
    assert "both tails are alike, so A is positive" in alike.sign
    assert alike.frame["ideal_point"][0] > 0


def test_a_state_that_always_votes_alike_stays_finite() -> None:
    """All questions run the same way, and one state says no to each."""
    random = np.random.default_rng(8)
    z = random.normal(size=(1, 40)) + random.normal(size=(120, 40))
    low = random.normal(size=(120, 1))
    matrix = np.where(z < low, 1, np.where(z < low + 0.5, 2, 3)).astype(np.int8)
    matrix[:, 7] = 3
    found = ideal_points(as_votes(matrix, list(np.repeat([1, 2, 3], 40))), sign="H").frame
    its = found.filter(pl.col("country") == "H")
    assert its["ideal_point"].min() > found.filter(pl.col("country") != "H")["ideal_point"].max()
    assert its["ideal_point"].max() < 6
    assert its["se"].min() > 1.5 * found.filter(pl.col("country") != "H")["se"].median()


def test_fewer_votes_mean_a_larger_error(drawn: Votes) -> None:
    matrix = drawn.matrix.copy()
    matrix[drawn.sessions == 3, 4] = 0
    matrix[np.flatnonzero(drawn.sessions == 3)[0], 4] = 1
    fewer = Votes(drawn.resolutions, drawn.dates, drawn.years, drawn.sessions, drawn.countries, matrix)
    which = (pl.col("country") == "S004") & (pl.col("session") == 3)
    single, usual = (ideal_points(votes).frame.filter(which) for votes in (fewer, drawn))
    assert single["n"].item() == 1
    assert single["se"].item() > 1.1 * usual["se"].item()


def test_a_gap_of_many_sessions(drawn: Votes) -> None:
    matrix = drawn.matrix.copy()
    matrix[(drawn.sessions > 1) & (drawn.sessions < 6), 9] = 0
    found = ideal_points(
        Votes(drawn.resolutions, drawn.dates, drawn.years, drawn.sessions, drawn.countries, matrix)
    ).frame
    assert found.filter(pl.col("country") == "S009")["session"].to_list() == [1, 6]


def test_unanimous_resolutions_count_but_say_nothing(drawn: Votes) -> None:
    contested = drawn.contested()
    matrix = drawn.matrix.copy()
    matrix[~contested] = 0
    extra = np.full((6, 25), 1, dtype=np.int8)
    extra[5] = 0
    extra[5, 3] = 2  # one state alone
    rows = np.append(np.arange(len(drawn.resolutions)), np.arange(6) * 20)
    more = Votes(
        tuple(f"r{i}" for i in range(rows.size)),
        drawn.dates[rows],
        drawn.years[rows],
        drawn.sessions[rows],
        drawn.countries,
        np.vstack([matrix, extra]),
    )
    dropped, counted = ideal_points(more, contested=True), ideal_points(more)
    plain = ideal_points(drawn.select(contested), contested=True)
    assert dropped.frame.equals(plain.frame)
    assert (dropped.unanimous, dropped.lone) == (6, 1)
    assert counted.frame["n"].sum() - dropped.frame["n"].sum() == 5 * 25 + 1
    assert any("6 unanimous resolutions (1 of them: one state voted): dropped" in n for n in dropped.notes())
    assert any("counted in n" in note for note in counted.notes())


def test_links_share_parameters(drawn: Votes) -> None:
    r = drawn.resolutions
    forward = ideal_points(drawn, links={r[30]: r[5], r[50]: r[30]})
    backward = ideal_points(drawn, links={r[5]: r[50], r[30]: r[50]})
    assert forward.repeats == 2
    assert forward.frame.equals(backward.frame)
    assert not forward.frame.equals(ideal_points(drawn).frame)
    assert any("2 resolutions share their question" in note for note in forward.notes())


def test_linked_copies_tie_two_sessions_together() -> None:
    """Nobody votes in both sessions; the second is a copy of the first, question by question."""
    once = draw_votes(9, states=12, sessions=1, resolutions=40).votes.matrix
    apart = np.zeros((80, 24), dtype=np.int8)
    apart[:40, :12] = once
    apart[40:, 12:] = once
    votes = as_votes(apart, [1] * 40 + [2] * 40)
    with pytest.raises(DataError, match="share no contested resolution with the others"):
        ideal_points(votes)
    rows = {f"r{40 + i}": f"r{i}" for i in range(40)}
    found = ideal_points(votes, links=rows, sign="A").frame
    first = found.filter(pl.col("session") == 1)["ideal_point"].to_numpy()
    second = found.filter(pl.col("session") == 2)["ideal_point"].to_numpy()
    assert second == pytest.approx(first, abs=2e-3)


def test_the_smallest_chambers() -> None:
    two = ideal_points(as_votes([[1, 3], [1, 2], [1, 1]], [1, 1, 1]))
    assert two.frame["ideal_point"].to_numpy() == pytest.approx([1, -1], abs=1e-9) or (
        two.frame["ideal_point"].to_numpy() == pytest.approx([-1, 1], abs=1e-9)
    )
    assert two.frame["n"].to_list() == [3, 3]
    assert any("with fewer than 50 the errors are too small" in note for note in two.notes())
    one_session = ideal_points(draw_votes(1, states=30, sessions=1, resolutions=30).votes)
    assert one_session.frame.height == 30


def test_what_is_refused(drawn: Votes) -> None:
    with pytest.raises(DataError, match="no resolution on which two different votes were cast"):
        ideal_points(as_votes([[1, 1], [3, 3], [2, 0]], [1, 1, 2]))
    with pytest.raises(UnknownLabel, match="unknown resolution 'r9999'"):
        ideal_points(drawn, links={"r9999": drawn.resolutions[0]})
    with pytest.raises(DataError, match="drift 0"):
        ideal_points(drawn, drift=0.0)
    with pytest.raises(DataError, match="spread -1"):
        ideal_points(drawn, spread=-1.0)
    with pytest.raises(NotConverged, match="ideal points did not converge"):
        ideal_points(drawn, most_steps=2)


def test_published_variances_can_be_held(drawn: Votes) -> None:
    found = ideal_points(drawn, drift=0.5, spread=1.0)
    assert (found.drift, found.spread) == (0.5, 1.0)
    free = ideal_points(drawn)
    joined = found.frame.join(free.frame, on=["country", "session"], suffix="_free")
    assert joined.select(pl.corr("ideal_point", "ideal_point_free")).item() > 0.97


def test_means_of_groups(drawn: Votes) -> None:
    """A group of one is that state; what the standardisation fixes has no error; states stay as they are."""
    groups = {"one": ["S004"], "two": ["S004", "S011"]}
    found = ideal_points(drawn, groups=groups).frame
    plain = ideal_points(drawn).frame
    states = found.filter(~pl.col("country").is_in(list(groups)))
    assert states.drop("se").equals(plain.drop("se"))
    assert states["se"].to_numpy() == pytest.approx(plain["se"].to_numpy(), rel=1e-9)
    own = plain.filter(pl.col("country") == "S004")
    one = found.filter(pl.col("country") == "one")
    assert one.drop("country", "se").equals(own.drop("country", "se"))
    assert one["se"].to_numpy() == pytest.approx(own["se"].to_numpy(), rel=1e-9)
    pair = plain.filter(pl.col("country").is_in(groups["two"])).group_by("session", maintain_order=True)
    pair = pair.agg(
        pl.col("ideal_point").mean(), least=pl.col("se").diff().abs().max() / 2, most=pl.col("se").mean()
    )
    two = found.filter(pl.col("country") == "two").join(pair, on="session", suffix="_of_members")
    assert two["ideal_point"].to_numpy() == pytest.approx(two["ideal_point_of_members"].to_numpy(), abs=1e-12)
    # Between errors that cancel and errors that are one and the same.
    assert ((two["se"] >= two["least"]) & (two["se"] <= two["most"] + 1e-12)).all()
    together = ideal_points(
        as_votes([[1, 3, 1], [3, 1, 1], [1, 1, 3]], [1, 1, 1]), groups={"all": ["A", "B", "C"]}
    )
    fixed = together.frame.filter(pl.col("country") == "all")
    assert fixed["ideal_point"].item() == pytest.approx(0, abs=1e-12)
    assert fixed["se"].item() == pytest.approx(0, abs=1e-6)


def test_groups_that_cannot_be(drawn: Votes) -> None:
    with pytest.raises(UnknownLabel, match="S99"):
        ideal_points(drawn, groups={"pair": ["S001", "S99"]})
    with pytest.raises(DataError, match="a state 'S001'"):
        ideal_points(drawn, groups={"S001": ["S002"]})
