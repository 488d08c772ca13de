import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.alignment.similarity import (
    MEASURES,
    Distance,
    distances,
    similarity,
    similarity_from_joint,
)
from betweengiants.core.errors import DataError, UnknownLabel

LEVELS = (1.0, 2.0, 3.0)
DISTANCES: tuple[Distance, ...] = ("absolute", "squared", "nominal")
VECTORS = st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), min_size=1, max_size=30)


def test_by_hand() -> None:
    """d = 0, 1, 2, 0; shares of x: 1/2, 1/4, 1/4; of y: 1/4, 1/4, 1/2."""
    found = similarity([1, 1, 2, 3], [1, 2, 3, 3], levels=LEVELS)
    assert float(found.n) == 4
    assert float(found.agreement) == pytest.approx(3 / 4)  # scores 1, .5, .5, 1
    assert float(found.s_score) == pytest.approx(1 / 2)  # mean d = 1/2
    # E = (2*(1*1 + 2*2) + 1*(1*1 + 1*2) + 1*(2*1 + 1*1)) / 16 = 1
    assert float(found.kappa) == 1 - (1 / 2) / 1
    # averaged shares 3/8, 2/8, 3/8: E = 2 * (3*2*1 + 3*3*2 + 2*3*1) / 64 = 15/16
    assert float(found.pi) == pytest.approx(1 - (1 / 2) / (15 / 16))


@pytest.mark.parametrize("distance", DISTANCES)
def test_identical_is_one(distance: Distance) -> None:
    found = similarity([1, 2, 3, 3, 1], [1, 2, 3, 3, 1], levels=LEVELS, distance=distance)
    assert [float(getattr(found, m)) for m in MEASURES] == [1, 1, 1, 1]


@pytest.mark.parametrize("distance", DISTANCES)
def test_opposite_is_minus_one_for_s(distance: Distance) -> None:
    found = similarity([1, 3, 1, 3], [3, 1, 3, 1], levels=LEVELS, distance=distance)
    assert float(found.agreement) == 0
    assert float(found.s_score) == -1
    assert float(found.kappa) == -1
    assert float(found.pi) == -1


@pytest.mark.parametrize("distance", DISTANCES)
def test_independent_is_zero_for_kappa(distance: Distance) -> None:
    p, q = np.array([0.5, 0.2, 0.3]), np.array([0.7, 0.1, 0.2])
    found = similarity_from_joint(np.outer(p, q), LEVELS, distance)
    assert float(found.kappa) == pytest.approx(0, abs=1e-12)
    same = similarity_from_joint(np.outer(p, p), LEVELS, distance)
    assert float(same.kappa) == pytest.approx(0, abs=1e-12)
    assert float(same.pi) == pytest.approx(0, abs=1e-12)


def test_independent_draws_are_near_zero() -> None:
    random = np.random.default_rng(7)
    x, y = (random.choice(LEVELS, 20_000, p=[0.8, 0.15, 0.05]) for _ in range(2))
    found = similarity(x, y, levels=LEVELS)
    assert float(found.agreement) > 0.75  # high, and it means nothing:
    assert abs(float(found.kappa)) < 0.02  # some three standard errors at this n
    assert abs(float(found.pi)) < 0.02


@pytest.mark.parametrize("distance", DISTANCES)
def test_chance_corrected_scores_are_undefined_without_variation(distance: Distance) -> None:
    found = similarity([1, 1, 1], [1, 1, 1], levels=LEVELS, distance=distance)
    assert float(found.agreement) == 1
    assert float(found.s_score) == 1
    assert math.isnan(float(found.kappa))
    assert math.isnan(float(found.pi))
    apart = similarity([1, 1], [3, 3], levels=LEVELS, distance=distance)
    assert float(apart.kappa) == 0
    assert float(apart.pi) == -1


def test_nothing_in_common_is_undefined() -> None:
    found = similarity([1, math.nan], [math.nan, 2], levels=LEVELS)
    assert float(found.n) == 0
    assert all(math.isnan(float(getattr(found, m))) for m in MEASURES)


def test_squared_kappa_and_pi_are_haege_2011() -> None:
    """Closed forms by sums of squares: 1 - SSD / (SS1 + SS2 - 2 S1 S2 / n), and with (S1 + S2)^2 / 2n."""
    random = np.random.default_rng(3)
    x, y = (random.integers(0, 4, 50).astype(float) for _ in range(2))
    found = similarity(x, y, levels=(0, 1, 2, 3), distance="squared")
    # about a common origin: the deviations from it drop out of the differences
    ssd, n = ((x - y) ** 2).sum(), x.size
    squares = (x**2).sum() + (y**2).sum()
    assert float(found.kappa) == pytest.approx(1 - ssd / (squares - 2 * x.sum() * y.sum() / n))
    assert float(found.pi) == pytest.approx(1 - ssd / (squares - (x.sum() + y.sum()) ** 2 / (2 * n)))


@given(VECTORS, st.sampled_from(DISTANCES))
def test_symmetry_bounds_and_order(pairs: list[tuple[float, float]], distance: Distance) -> None:
    x, y = (list(side) for side in zip(*pairs, strict=True))
    found = similarity(x, y, levels=LEVELS, distance=distance)
    for other in (
        similarity(y, x, levels=LEVELS, distance=distance),
        similarity(x[::-1], y[::-1], levels=LEVELS, distance=distance),
    ):
        for measure in MEASURES:
            one, two = float(getattr(found, measure)), float(getattr(other, measure))
            assert one == two or (math.isnan(one) and math.isnan(two))
    assert 0 <= float(found.agreement) <= 1
    assert -1 <= float(found.s_score) <= 1
    assert not float(found.kappa) > 1
    # These distances are of negative type, so p'Dp + q'Dq <= 2 p'Dq: averaged shares expect less distance.
    if not math.isnan(float(found.kappa)):
        assert float(found.pi) <= float(found.kappa) + 1e-12


@given(VECTORS, st.integers(1, 5))
def test_a_weight_is_a_number_of_copies(pairs: list[tuple[float, float]], times: int) -> None:
    x, y = (list(side) for side in zip(*pairs, strict=True))
    weighted = similarity(x, y, [times] + [1] * (len(x) - 1), levels=LEVELS)
    repeated = similarity(x[:1] * (times - 1) + x, y[:1] * (times - 1) + y, levels=LEVELS)
    for measure in MEASURES:
        one, two = float(getattr(weighted, measure)), float(getattr(repeated, measure))
        assert one == pytest.approx(two, nan_ok=True)


@pytest.mark.parametrize(
    ("x", "y", "weights", "levels"),
    [
        ([1, 2], [1], None, LEVELS),
        ([1, 4], [1, 2], None, LEVELS),
        ([1, 0], [1, 2], None, LEVELS),
        ([1, 2], [1, 2], [1, -1], LEVELS),
        ([1, 2], [1, 2], [1, math.inf], LEVELS),
        ([1, 2], [1, 2], None, (2, 1)),
        ([1, 1], [1, 1], None, (1,)),
    ],
)
def test_bad_vectors(
    x: list[float], y: list[float], weights: list[float] | None, levels: tuple[float]
) -> None:
    with pytest.raises(DataError):
        similarity(x, y, weights, levels=levels)


def test_an_unknown_distance() -> None:
    with pytest.raises(UnknownLabel, match="absolute"):
        distances(LEVELS, "absolut")  # type: ignore[arg-type]
