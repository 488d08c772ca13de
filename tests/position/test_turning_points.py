"""Drift and turning points: closed forms, an independent sup-F, known breaks, and the rate of false alarms in noise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from betweengiants.core.errors import DataError
from betweengiants.position.turning_points import (
    LEVEL,
    MIN_SIDE,
    drift,
    largest_break,
    turning_points,
)

YEARS = list(range(1994, 2024))
Floats = NDArray[np.float64]


def noise(seed: int, n: int = len(YEARS)) -> Floats:
    return np.random.default_rng(seed).standard_normal(n)


def step(at: int, size: float, slope: float = 0.0, after: float | None = None, sd: float = 1.0) -> Floats:
    """A line that jumps by `size` in the year `at` and then has another slope, with noise."""
    t = np.array(YEARS, dtype=float)
    later = t >= at
    change = (slope if after is None else after) - slope
    return np.asarray(slope * (t - at) + later * (size + change * (t - at)) + sd * noise(3))


class TestDrift:
    def test_a_straight_line_has_its_slope_and_no_error(self) -> None:
        found = drift([2000, 2001, 2003, 2007, 2008, 2010], [2.0, 2.5, 3.5, 5.5, 6.0, 7.0])
        assert found is not None
        assert (found.slope, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
        assert found.se == pytest.approx(0, abs=1e-12)
        assert (found.tau, found.years) == (1, 6)
        assert found.is_drift

    def test_a_constant_does_not_drift(self) -> None:
        found = drift(YEARS, np.full(len(YEARS), 3.0))
        assert found is not None
        assert (found.slope, found.se, found.tau, found.is_drift) == (0, 0, 0, False)

    def test_four_years_say_nothing(self) -> None:
        assert drift([2000, 2001, 2002, 2003], [1, 2, 3, 4]) is None

    @given(st.integers(0, 10_000), st.sets(st.integers(1990, 2025), min_size=5, max_size=12))
    def test_the_slope_is_the_median_of_all_pairs(self, seed: int, some: set[int]) -> None:
        years, values = sorted(some), noise(seed, len(some))
        found = drift(years, values)
        assert found is not None
        pairs = combinations(range(len(years)), 2)
        slopes = [(values[j] - values[i]) / (years[j] - years[i]) for i, j in pairs]
        assert found.slope == pytest.approx(np.median(slopes))
        assert min(slopes) <= found.low <= found.slope <= found.high <= max(slopes)

    @given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.01, 100))
    def test_another_unit_changes_only_the_unit_and_time_backwards_the_sign(
        self, seed: int, shift: float, scale: float
    ) -> None:
        values = noise(seed)
        one, other = drift(YEARS, values), drift(YEARS, shift + scale * values)
        back = drift(YEARS, values[::-1])
        assert one is not None
        assert other is not None
        assert back is not None
        assert [other.slope, other.low, other.high] == pytest.approx(
            [scale * one.slope, scale * one.low, scale * one.high], rel=1e-6, abs=1e-9 * scale
        )
        assert [back.slope, back.low, back.high] == pytest.approx([-one.slope, -one.high, -one.low])

    @given(st.integers(0, 10_000))
    def test_monotone_transformations_keep_order_and_direction(self, seed: int) -> None:
        values = noise(seed)
        rising = np.cumsum(np.abs(values) + 0.01)
        for transform in (np.exp, np.tanh, lambda x: x**3):
            one, other = drift(YEARS, values), drift(YEARS, transform(values))
            assert one is not None
            assert other is not None
            assert one.tau == other.tau
            up = drift(YEARS, transform(rising / rising[-1]))
            assert up is not None
            assert up.tau == 1
            assert up.low > 0

    def test_noise_drifts_no_more_often_than_stated(self) -> None:
        alarms = [found.is_drift for k in range(400) if (found := drift(YEARS, noise(k)))]
        assert np.mean(alarms) <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 400)

    def test_the_interval_holds_the_true_slope_as_often_as_stated(self) -> None:
        t = np.array(YEARS) - 2000
        found = [drift(YEARS, 0.3 * t + noise(k)) for k in range(400)]
        held = [one.low <= 0.3 <= one.high for one in found if one]
        assert np.mean(held) >= 1 - LEVEL - 2 * np.sqrt(LEVEL * (1 - LEVEL) / 400)

    def test_errors_that_follow_each_other_widen_the_interval(self) -> None:
        calm = noise(1)
        tied = np.convolve(calm, [1, 0.9, 0.8, 0.7], mode="same")
        apart, close = drift(YEARS, calm), drift(YEARS, tied / tied.std() * calm.std())
        assert apart is not None
        assert close is not None
        assert close.se > apart.se


def reference_f(years: list[int], values: Floats) -> tuple[float, int]:
    """Sup-F by least squares, year by year."""
    t = np.array(years, dtype=float)

    def left(columns: list[Floats]) -> float:
        x = np.column_stack(columns)
        return float(((values - x @ np.linalg.lstsq(x, values, rcond=None)[0]) ** 2).sum())

    one, n, found = left([np.ones_like(t), t - t[0]]), t.size, []
    for k in range(MIN_SIDE, n - MIN_SIDE + 1):
        later = (np.arange(n) >= k).astype(float)
        two = left([np.ones_like(t), t - t[0], later, later * (t - t[0])])
        found.append((((one - two) / 2) / (two / (n - 4)), years[k]))
    return max(found)


class TestTurningPoints:
    @given(st.integers(0, 10_000), st.sets(st.integers(1985, 2025), min_size=12, max_size=20))
    def test_the_statistic_is_that_of_least_squares(self, seed: int, some: set[int]) -> None:
        years, values = sorted(some), 5 + noise(seed, len(some))
        found = largest_break(years, values)
        f, year = reference_f(years, values)
        assert found is not None
        assert found.f == pytest.approx(f)
        assert found.year == year
        assert 0 < found.p <= 1

    @pytest.mark.parametrize(
        ("at", "size", "slope", "after"),
        [(2005, 6, 0, None), (2012, -8, 0.2, None), (2008, 0, 1.5, -1.5)],
        ids=["jump", "fall beside a trend", "trend that turns"],
    )
    def test_a_known_break_is_found(self, at: int, size: float, slope: float, after: float | None) -> None:
        found = turning_points(YEARS, step(at, size, slope, after))
        assert len(found) == 1
        assert abs(found[0].year - at) <= 1
        assert found[0].p <= 0.01
        if size:
            assert found[0].jump == pytest.approx(size, abs=2)
        assert found[0].slope_before == pytest.approx(slope, abs=0.3)
        assert found[0].slope_after == pytest.approx(slope if after is None else after, abs=0.3)

    def test_two_breaks_are_found_one_after_the_other(self) -> None:
        t = np.array(YEARS)
        found = turning_points(YEARS, 12.0 * (t >= 2003) - 12.0 * (t >= 2014) + 0.5 * noise(8))
        assert [point.year for point in found] == [2003, 2014]

    @given(st.integers(0, 200), st.floats(-50, 50), st.floats(0.01, 100))
    def test_another_unit_or_another_trend_moves_no_break(
        self, seed: int, shift: float, scale: float
    ) -> None:
        values = noise(seed)
        t = np.array(YEARS) - 2000
        one, other = largest_break(YEARS, values), largest_break(YEARS, scale * (values + 0.7 * t) + shift)
        assert one is not None
        assert other is not None
        assert (one.year, one.p) == (other.year, other.p)
        assert other.f == pytest.approx(one.f, rel=1e-6)

    def test_noise_turns_no_more_often_than_stated(self) -> None:
        found = [largest_break(YEARS, noise(k)) for k in range(300)]
        alarms = [point.p <= LEVEL for point in found if point]
        assert len(alarms) == 300
        assert np.mean(alarms) <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 300)

    def test_a_straight_line_a_constant_and_a_short_series_do_not_turn(self) -> None:
        assert turning_points(YEARS, np.array(YEARS) * 0.3) == ()
        assert turning_points(YEARS, np.zeros(len(YEARS))) == ()
        assert turning_points(YEARS[:11], step(1999, 50)[:11]) == ()

    def test_the_same_series_gives_the_same_answer(self) -> None:
        values = step(2005, 2)
        assert largest_break(YEARS, values) == largest_break(YEARS, values.copy())


@pytest.mark.parametrize(
    ("years", "values", "found"),
    [
        ([2000, 2000, 2001, 2002, 2003], [1, 2, 3, 4, 5], "do not rise"),
        ([2000, 2001, 2002, 2003, 2004], [1, 2, float("nan"), 4, 5], "not a number"),
        ([2000, 2001], [1, 2, 3], "2 years and 3 values"),
    ],
)
def test_bad_series_are_refused(years: list[int], values: list[float], found: str) -> None:
    for ask in (drift, turning_points, largest_break):
        with pytest.raises(DataError, match=found):
            ask(years, values)
