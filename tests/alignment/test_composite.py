import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from betweengiants.alignment.composite import composite
from betweengiants.alignment.parts import (
    Z95,
    contacts_part,
    ideal_point_part,
    overlap_part,
    votes_part,
)
from betweengiants.core.errors import DataError, UnknownLabel


def parts(*rows: tuple[object, ...]) -> pl.DataFrame:
    names = ["country", "power", "year", "part", "value", "low", "high"]
    return pl.DataFrame(rows, schema=names[: len(rows[0])], orient="row")


PARTS = parts(
    ("KAZ", "RUS", 2020, "votes", 0.6),
    ("KAZ", "CHN", 2020, "votes", 0.8),
    ("KAZ", "RUS", 2020, "visits", 0.9),
    ("KAZ", "CHN", 2020, "visits", 0.3),
    ("KAZ", "RUS", 2021, "votes", 0.5),
    ("KAZ", "CHN", 2021, "votes", 0.9),
    ("KAZ", "RUS", 2021, "visits", 0.5),
)


def test_by_hand() -> None:
    found = composite(PARTS, {"votes": 3, "visits": 1}).table
    rows = {(row["power"], row["year"]): row for row in found.rows(named=True)}
    assert rows["RUS", 2020]["alignment"] == pytest.approx((3 * 0.6 + 0.9) / 4)
    assert rows["CHN", 2020]["alignment"] == pytest.approx((3 * 0.8 + 0.3) / 4)
    assert (rows["RUS", 2020]["rank"], rows["CHN", 2020]["rank"]) == (1, 1)  # 0.675 both
    # in 2021 nobody knows China's visits: both are compared on votes, and visits are named
    assert rows["CHN", 2021]["alignment"] == 0.9
    assert rows["RUS", 2021]["alignment"] == 0.5
    assert rows["RUS", 2021]["parts"] == ["votes"]
    assert rows["RUS", 2021]["missing"] == rows["CHN", 2021]["missing"] == ["visits"]
    assert (rows["CHN", 2021]["rank"], rows["CHN", 2021]["first"]) == (1, 1.0)


def test_own_parts() -> None:
    found = composite(PARTS, basis="own").table.filter(pl.col("year") == 2021)
    assert found.select("power", "alignment", "missing").rows() == [
        ("CHN", 0.9, ["visits"]),
        ("RUS", 0.5, []),
    ]


def test_every_set_of_weights_equally_likely() -> None:
    """Russia leads by a - b where w * 0.6 - (1 - w) * 0.2 > 0: with w uniform, in three of four draws."""
    table = parts(
        ("KAZ", "RUS", 2020, "a", 0.8),
        ("KAZ", "CHN", 2020, "a", 0.2),
        ("KAZ", "RUS", 2020, "b", 0.3),
        ("KAZ", "CHN", 2020, "b", 0.5),
    )
    found = composite(table, draws=40_000)
    china, russia = found.table.rows(named=True)
    assert russia["first"] == pytest.approx(0.75, abs=0.01)
    assert china["first"] == pytest.approx(0.25, abs=0.01)
    # 0.3 + 0.5 w, w uniform: the middle 90 percent
    assert (russia["low"], russia["high"]) == pytest.approx((0.325, 0.775), abs=0.005)
    weights = found.weights.rows(named=True)
    assert [row["weight"] for row in weights] == [0.5, 0.5]
    assert weights[0]["weight_low"] == pytest.approx(0.05, abs=0.01)


def test_concentration_narrows() -> None:
    widths = []
    for concentration in (1, 10, 1000, 1e6):
        row = composite(PARTS, concentration=concentration).table.row(0, named=True)
        widths.append(row["high"] - row["low"])
    assert widths[0] > widths[1] > widths[2] > widths[3]
    assert widths[3] < 0.002


def test_ranges_of_parts_enter() -> None:
    table = parts(
        ("KAZ", "CHN", 2020, "a", 0.5, 0.5 - 0.1 * Z95, 0.5 + 0.1 * Z95),
        ("KAZ", "RUS", 2020, "a", 0.5, None, None),
    )
    china, russia = composite(table, draws=20_000).table.rows(named=True)
    assert (china["low"], china["high"]) == pytest.approx((0.5 - 0.1645, 0.5 + 0.1645), abs=0.01)
    assert (russia["low"], russia["high"]) == (0.5, 0.5)
    assert china["first"] == pytest.approx(0.5, abs=0.02)


CELLS = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=12, max_size=12)


@given(CELLS, st.randoms(use_true_random=False), st.sampled_from(["common", "own"]))
@settings(max_examples=40)
def test_bounds_order_and_determinism(cells: list[float | None], random: object, basis: str) -> None:
    rows = [
        ("KAZ", power, year, part, cell)
        for (power, year, part), cell in zip(
            [(p, y, k) for p in ("CHN", "RUS") for y in (1, 2) for k in "abc"], cells, strict=True
        )
        if cell is not None
    ]
    if not rows:
        return
    found = composite(parts(*rows), draws=50, basis=basis)  # type: ignore[arg-type]
    random.shuffle(rows)  # type: ignore[attr-defined]
    again = composite(parts(*rows), draws=50, basis=basis)  # type: ignore[arg-type]
    assert_frame_equal(found.table, again.table, check_exact=True)
    for row in found.table.rows(named=True):
        assert sorted(row["parts"] + row["missing"]) == sorted({r[3] for r in rows})
        if row["alignment"] is None:
            assert row["parts"] == []
            continue
        mine = [r[4] for r in rows if r[1] == row["power"] and r[2] == row["year"] and r[3] in row["parts"]]
        assert min(mine) - 1e-12 <= row["low"] <= row["alignment"] <= row["high"] <= max(mine) + 1e-12
        assert row["alignment"] == pytest.approx(sum(mine) / len(mine))
    for _, group in found.table.filter(pl.col("alignment").is_not_null()).group_by("year"):
        assert group["first"].sum() == pytest.approx(1)


def test_nothing_in_common_is_said_and_not_filled() -> None:
    table = parts(("KAZ", "RUS", 2020, "a", 0.5), ("KAZ", "CHN", 2020, "b", 0.5))
    found = composite(table)
    assert found.table["alignment"].to_list() == [None, None]
    assert found.table["missing"].to_list() == [["a", "b"]] * 2
    with pytest.raises(DataError, match="no composite of KAZ in 2020"):
        found.sentence("KAZ", 2020)


def test_a_part_that_nobody_has_is_missing_everywhere() -> None:
    found = composite(PARTS, {"votes": 1, "visits": 1, "points": 2})
    assert all("points" in missing for missing in found.table["missing"])
    assert found.weights.filter(pl.col("part") == "points").select("weight", "rows").row(0) == (0.5, 0)


def test_own_parts_are_not_ranked_in_words() -> None:
    """A power measured by visits and one measured by votes stand on different measures."""
    table = parts(("KAZ", "RUS", 2021, "visits", 0.7), ("KAZ", "CHN", 2021, "votes", 0.9))
    assert composite(table, basis="own").sentence("KAZ", 2021) == (
        "In 2021 KAZ stood at 0.90 with CHN (votes) and 0.70 with RUS (visits) on a scale from 0 to 1; these rest on "
        "different parts, which are different measures, so the powers are not ranked."
    )
    same = parts(("KAZ", "RUS", 2021, "votes", 0.7), ("KAZ", "CHN", 2021, "votes", 0.9))
    said = composite(same, basis="own").sentence("KAZ", 2021)
    assert said.startswith("In 2021 KAZ stood closest to CHN")


def test_the_latest_sentence_says_why_later_years_are_passed_over() -> None:
    table = parts(
        ("KAZ", "RUS", 2020, "votes", 0.6),
        ("KAZ", "CHN", 2020, "votes", 0.8),
        ("KAZ", "RUS", 2021, "visits", 0.5),
        ("KAZ", "CHN", 2021, "votes", 0.9),
        ("KAZ", "RUS", 2022, "visits", 0.5),
        ("KAZ", "CHN", 2022, "votes", 0.9),
        ("UZB", "CHN", 2022, "votes", 0.9),
    )
    found = composite(table, draws=10)
    said = found.latest_sentence("KAZ")
    assert said.startswith("In 2020 KAZ stood closest to CHN")
    assert said.endswith(
        "no composite for 2021 to 2022, in which the powers have no part of positive weight in common."
    )
    assert found.latest_sentence("UZB") == found.sentence("UZB", 2022)
    nothing = composite(table.filter((pl.col("country") == "KAZ") & (pl.col("year") > 2020)), draws=10)
    assert nothing.latest_sentence("KAZ") == (
        "For KAZ there is no composite for 2021 to 2022, in which the powers have no part of positive weight in common."
    )


def test_the_sentence() -> None:
    found = composite(PARTS, {"votes": 1, "visits": 0}, draws=100)
    assert found.sentence("KAZ", 2021) == (
        "In 2021 KAZ stood closest to CHN (0.90 on a scale from 0 to 1, range 0.90 to 0.90), ahead of RUS (0.50); "
        "it comes first in 100 of 100 draws of votes within its range; missing: visits."
    )
    both = composite(PARTS, draws=400).sentence("KAZ", 2020)
    assert both.startswith("In 2020 KAZ stood closest to RUS (0.75 on a scale")
    assert both.endswith("of 100 ways to weigh visits and votes.")
    close = parts(
        ("KAZ", "RUS", 2020, "a", 0.6),
        ("KAZ", "CHN", 2020, "a", 0.2),
        ("KAZ", "RUS", 2020, "b", 0.2),
        ("KAZ", "CHN", 2020, "b", 0.6),
        ("KAZ", "USA", 2020, "a", 0.52),
        ("KAZ", "USA", 2020, "b", 0.52),
    )
    # with w on a uniform: Russia first where w > 3/4, China where w < 1/4, the United States in between
    assert (
        composite(close, draws=5000)
        .sentence("KAZ", 2020)
        .startswith("In 2020 KAZ stood closest to USA (0.52")
    )
    mild = close.with_columns(value=pl.when(pl.col("power") == "USA").then(0.41).otherwise("value"))
    said = composite(mild, draws=5000).sentence("KAZ", 2020)
    assert said.startswith(
        "In 2020 no power stood clearly closest to KAZ: USA 0.41, CHN 0.40 and RUS 0.40 on a scale from 0 to 1, first USA in "
    )
    assert said.endswith("of 100 ways to weigh a and b.")
    alone = composite(PARTS.filter(pl.col("power") == "RUS"), draws=10).sentence("KAZ", 2021)
    assert "ahead" not in alone


@pytest.mark.parametrize(
    ("table", "weights", "words"),
    [
        (PARTS.with_columns(value=1.5), None, "row 2, column 'value'"),
        (pl.concat([PARTS, PARTS]), None, "second row"),
        (PARTS.drop("part"), None, "no column 'part'"),
        (PARTS, {"votes": 1}, "part 'visits' without a weight"),
        (PARTS, {"votes": 1, "visits": -1}, "numbers from 0 to"),
        (PARTS, {"votes": 0, "visits": 0}, "all zero"),
        (PARTS.with_columns(low=pl.col("value") + 0.05), None, "outside"),
    ],
)
def test_bad_parts(table: pl.DataFrame, weights: dict[str, float] | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        composite(table, weights)


@pytest.mark.parametrize(
    "options",
    [
        {"draws": 0},
        {"draws": 10_000_000},
        {"level": 1.0},
        {"level": math.nan},
        *({"concentration": c} for c in (0.0, -1.0, 1e-9, 1e7, 1e308, math.inf, math.nan)),
    ],
)
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(
        DataError, match="draws from 1 to 1000000, a level between 0 and 1, a concentration from"
    ):
        composite(PARTS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [math.inf, math.nan, 1e308])
def test_absurd_weights(weight: float) -> None:
    with pytest.raises(DataError, match="numbers from 0 to"):
        composite(PARTS, {"votes": weight, "visits": weight})


def test_an_unknown_basis() -> None:
    with pytest.raises(UnknownLabel, match="basis"):
        composite(PARTS, basis="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("concentration", [0.01, 1e6])
def test_the_ends_of_the_options_give_numbers(concentration: float) -> None:
    found = composite(PARTS, {"votes": 1e-300, "visits": 1e9}, concentration=concentration, draws=200)
    assert found.weights.select(
        pl.all_horizontal(pl.col("weight_low", "weight_high").is_finite().all())
    ).item()


def test_votes_part() -> None:
    table = pl.DataFrame(
        {
            "country": ["KAZ", "KAZ"],
            "power": ["RUS", "CHN"],
            "year": [2020, 2020],
            "n": [90, 90],
            "agreement": [0.6, 0.99],
            "agreement_se": [0.05, 0.05],
        }
    )
    found = votes_part(table)
    assert found["power"].to_list() == ["CHN", "RUS"]
    assert found["low"].to_list() == pytest.approx([0.99 - Z95 * 0.05, 0.6 - Z95 * 0.05])
    assert found["high"].to_list() == pytest.approx([1, 0.6 + Z95 * 0.05])
    # without an error Wilson's interval bounds it: a score from 0 to 1 varies no more than a share does
    plain = votes_part(table.drop("agreement_se"))
    assert (plain["low"] < found["low"] + 0.06).all()
    assert plain["high"].is_between(plain["value"], 1).all()


@pytest.mark.parametrize(
    ("n", "agreed", "error"), [(1, 1.0, None), (30, 1.0, 0.0), (30, 0.0, 0.0), (4, 0.5, 0.0)]
)
def test_votes_that_are_all_alike_are_not_exact(n: int, agreed: float, error: float | None) -> None:
    table = pl.DataFrame(
        [("KAZ", "RUS", 2020, n, agreed, error)],
        schema={
            "country": pl.String,
            "power": pl.String,
            "year": pl.Int64,
            "n": pl.Int64,
            "agreement": pl.Float64,
            "agreement_se": pl.Float64,
        },
        orient="row",
    )
    row = votes_part(table).row(0, named=True)
    # the two roots of (p - agreed)^2 = z^2 p (1 - p) / n
    roots = np.roots([1 + Z95**2 / n, -(2 * agreed + Z95**2 / n), agreed**2])
    assert sorted(roots) == pytest.approx([row["low"], row["high"]], abs=1e-9)
    assert row["low"] <= row["value"] <= row["high"]
    if n == 30 and agreed == 1:
        assert 1 - row["low"] == pytest.approx(3.84 / 33.84, abs=1e-3)


def test_a_part_of_one_vote_is_said_and_widens_the_composite() -> None:
    votes = pl.DataFrame(
        {
            "country": ["KAZ", "KAZ"],
            "power": ["RUS", "CHN"],
            "year": [2020, 2020],
            "n": [1, 50],
            "agreement": [1.0, 0.6],
            "agreement_se": [None, 0.03],
        }
    )
    found = composite(votes_part(votes), draws=500)
    russia = found.table.filter(pl.col("power") == "RUS").row(0, named=True)
    assert russia["low"] < 0.8
    assert found.remarks == (
        "ranges wider than half the scale, whose values say little: votes of KAZ with RUS in 2020 (0.21 to 1.00)",
    )
    bare = composite(votes_part(votes).with_columns(low=None, high=None), draws=10)
    assert bare.remarks[-1] == "2 of 2 values without a range (low, high): taken as exact"


def test_ideal_point_part() -> None:
    points = pl.DataFrame(
        [
            ("KAZ", 2020, -0.5, 0.1),
            ("RUS", 2020, -1.0, 0.1),
            ("USA", 2020, 3.0, 0.3),
            ("KAZ", 2021, 0.0, 0.1),
            ("RUS", 2021, 0.0, 0.1),
        ],
        schema=["country", "year", "ideal_point", "se"],
        orient="row",
    )
    found = ideal_point_part(points, "KAZ", ["RUS", "USA"])
    assert found.select("power", "year", "value").rows() == [
        ("RUS", 2020, 1 - 0.5 / 4),
        ("USA", 2020, 1 - 3.5 / 4),
    ]
    error = math.hypot(0.1, 0.3) / 4
    assert found["high"][1] == pytest.approx(1 - 3.5 / 4 + Z95 * error)
    with pytest.raises(UnknownLabel, match="CHN"):
        ideal_point_part(points, "KAZ", ["CHN"])


def test_overlap_part_spans_all_that_undated_memberships_leave_open() -> None:
    table = pl.DataFrame(
        {
            "country": ["KAZ"] * 3,
            "power": ["CHN", "RUS", "USA"],
            "year": [2020] * 3,
            "shared": [3, 6, 0],
            "overlap": [0.3, 0.6, None],
            "overlap_undated": [0.5, 0.4, None],
            "overlap_low": [0.2, 0.4, None],
            "overlap_high": [0.6, 0.7, None],
        }
    )
    found = overlap_part(table)
    assert found.select("power", "low", "high", "n").rows() == [("CHN", 0.2, 0.6, 3), ("RUS", 0.4, 0.7, 6)]
    assert found["value"].to_list() == pytest.approx([0.4, 0.55])


def test_contacts_part_is_a_share_of_a_window() -> None:
    counts = pl.DataFrame(
        {
            "power": ["RUS", "RUS", "CHN", "CHN", "RUS"],
            "year": [2016, 2020, 2019, 2020, None],
            "count": [2, 1, 1, 4, 9],
        }
    )
    found = contacts_part(counts, "KAZ", ["RUS", "CHN", "USA"], [2015, 2016, 2020, 2021], "visits")
    assert found.select("power", "year", "value", "n").rows() == [
        ("CHN", 2020, 5 / 8, 8),
        ("CHN", 2021, 5 / 6, 6),
        ("RUS", 2020, 3 / 8, 8),
        ("RUS", 2021, 1 / 6, 6),
        ("USA", 2020, 0, 8),
        ("USA", 2021, 0, 6),
    ]
    # Wilson's interval for 5 of 8, from the formula's two roots
    z, p, n = Z95, 5 / 8, 8
    roots = np.roots([1 + z**2 / n, -(2 * p + z**2 / n), p**2])
    assert sorted(roots) == pytest.approx([found["low"][0], found["high"][0]])
    assert found["low"][4] == 0
    assert contacts_part(counts, "KAZ", ["RUS"], [2016], "visits", fewest=2)["value"].to_list() == [1.0]
    with pytest.raises(DataError, match="window"):
        contacts_part(counts, "KAZ", ["RUS"], [2016], "visits", window=0)
