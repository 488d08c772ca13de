"""The arithmetic of balance: effective vectors, autonomy, coalitions, and the one long table."""

import math
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.intervals import Interval
from betweengiants.position import autonomy, effective_vectors
from betweengiants.position.results import KEY, SCHEMA, Result, coalition_name, coalitions, to_frame

LOSSES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8)
MIXED = st.lists(st.floats(-1e6, 1e6).map(lambda x: 0.0 if abs(x) < 1e-6 else x), min_size=1, max_size=8)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_equal_powers_count_in_full(count: int) -> None:
    assert effective_vectors([0.3] * count) == pytest.approx(count)


def test_one_power_with_all_the_leverage_counts_as_one() -> None:
    assert effective_vectors([0.0, 5.0, 0.0]) == 1.0


def test_two_thirds_and_one_third() -> None:
    assert effective_vectors([2.0, 1.0]) == pytest.approx(1 / (4 / 9 + 1 / 9))


def test_a_gain_is_no_leverage() -> None:
    assert effective_vectors([1.0, 1.0, -4.0]) == pytest.approx(2.0)
    assert effective_vectors([-1.0, -2.0]) == 0.0


def test_no_leverage_at_all_is_zero() -> None:
    assert effective_vectors([]) == 0.0
    assert effective_vectors([0.0, 0.0]) == 0.0


@given(MIXED)
def test_effective_vectors_lie_between_one_and_the_number_of_powers(losses: list[float]) -> None:
    found = effective_vectors(losses)
    held = sum(loss > 0 for loss in losses)
    assert found == 0.0 if held == 0 else 1 - 1e-12 <= found <= held + 1e-9


@given(LOSSES, st.floats(1e-3, 1e3), st.randoms())
def test_order_and_unit_do_not_matter(losses: list[float], factor: float, random: object) -> None:
    mixed = losses.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert effective_vectors([factor * loss for loss in mixed]) == pytest.approx(effective_vectors(losses))
    joint = math.fsum(losses)
    assert autonomy([factor * loss for loss in mixed], factor * joint) == pytest.approx(
        autonomy(losses, joint), abs=1e-9
    )


@given(LOSSES)
def test_splitting_a_power_in_two_adds_a_vector(losses: list[float]) -> None:
    halves = [loss / 2 for loss in losses for _ in range(2)]
    assert effective_vectors(halves) == pytest.approx(2 * effective_vectors(losses))


@given(LOSSES)
def test_autonomy_falls_with_the_largest_single_power(losses: list[float]) -> None:
    joint = math.fsum(losses)
    free = autonomy(losses, joint)
    assert -1e-12 <= free < 1
    assert autonomy([max(losses)], joint) == pytest.approx(free)
    assert autonomy([*losses, joint], joint) == pytest.approx(0.0, abs=1e-12)


def test_autonomy_by_hand() -> None:
    assert autonomy([1.0, 3.0], 4.0) == pytest.approx(0.25)
    assert autonomy([2.0], 2.0) == 0.0
    assert autonomy([-1.0], 2.0) == 1.0


@pytest.mark.parametrize("joint", [0.0, -1.0])
def test_autonomy_needs_something_to_lose(joint: float) -> None:
    with pytest.raises(ValueError, match="not positive"):
        autonomy([1.0], joint)


def test_coalitions_are_all_the_subsets_small_ones_first() -> None:
    powers = ("RUS", "CHN", "USA", "EU27")
    groups = coalitions(powers)
    assert len(groups) == len({frozenset(group) for group in groups}) == 2**4 - 1
    assert groups[:4] == [("RUS",), ("CHN",), ("USA",), ("EU27",)]
    assert groups[-1] == powers
    assert [len(group) for group in groups] == sorted(len(group) for group in groups)
    assert coalitions(()) == []


def test_a_coalition_has_one_name() -> None:
    assert {coalition_name(order) for order in permutations(("RUS", "CHN", "EU27"))} == {"CHN+EU27+RUS"}
    assert coalition_name(["USA"]) == "USA"


def test_the_long_table_is_sorted_by_its_key() -> None:
    number = Interval(2.0, 1.0, 3.0)
    made = [
        Result("trade", "leverage_pct", power, "KAZ", horizon, period, "pct", number, "trade")
        for power in ("USA", "CHN")
        for horizon in ("short", "long")
        for period in ("2024", "2023")
    ]
    frame = to_frame("KAZ", made)
    assert frame.schema == pl.Schema(SCHEMA)
    keys = frame.select(KEY).rows()
    assert keys == sorted(keys)
    assert len(set(keys)) == len(made)
    assert frame.equals(to_frame("KAZ", reversed(made)))
    assert frame.row(0, named=True)["focal"] == "KAZ"
    assert frame.select("value", "low", "high").unique().rows() == [(2.0, 1.0, 3.0)]


def test_a_table_without_results_has_the_columns() -> None:
    assert to_frame("KAZ", []).schema == pl.Schema(SCHEMA)
