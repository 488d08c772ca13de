import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.intervals import Interval

FINITE = st.floats(-1e100, 1e100)


def test_an_interval_holds_its_value() -> None:
    assert Interval(1, 1, 1).scaled(2) == Interval(2, 2, 2)
    for numbers in [(1, 2, 3), (4, 2, 3), (1, 3, 0)]:
        with pytest.raises(ValueError, match="outside"):
            Interval(*numbers)
    for bad in (math.nan, math.inf, -math.inf):
        for numbers in ((bad, 0, 1), (0, bad, 1), (0, 0, bad)):
            with pytest.raises(ValueError, match="not finite"):
                Interval(*numbers)


def test_spanning() -> None:
    assert Interval.spanning(2, [1, 5, 3]) == Interval(2, 1, 5)
    assert Interval.spanning(2, iter([])) == Interval(2, 2, 2)
    for others in ([1, math.nan], [math.nan, 1], [math.inf]):
        with pytest.raises(ValueError, match="not finite"):
            Interval.spanning(2, others)


@given(value=FINITE, others=st.lists(FINITE), factor=st.floats(-1e6, 1e6))
def test_scaling_keeps_the_order(value: float, others: list[float], factor: float) -> None:
    interval = Interval.spanning(value, others)
    assert all(interval.low <= other <= interval.high for other in others)
    scaled = interval.scaled(factor)
    assert scaled.value == value * factor
    assert {scaled.low, scaled.high} == {interval.low * factor, interval.high * factor}
