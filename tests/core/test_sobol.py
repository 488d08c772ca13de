"""Sobol indices on functions whose indices are known, and designs that are refused."""

import numpy as np
import pytest

from betweengiants.core.errors import DataError
from betweengiants.core.sobol import jansen, saltelli, sobol_indices


def ishigami(points):
    """Ishigami & Homma (1990) with a = 7, b = 0.1; its indices are known in closed form."""
    x = np.pi * (2 * points - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ishigami(seed):
    a, b = 7.0, 0.1
    own = (0.5 * (1 + b * np.pi**4 / 5) ** 2, a**2 / 8, 0.0)
    both = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = sum(own) + both
    found = sobol_indices(ishigami, ["x1", "x2", "x3"], 4096, seed)
    np.testing.assert_allclose(found.first[:, 0], np.array(own) / variance, atol=0.02)
    total = np.array([own[0] + both, own[1], both]) / variance
    np.testing.assert_allclose(found.total[:, 0], total, atol=0.02)
    assert found.variance[0] == pytest.approx(variance, rel=0.02)
    # Standard errors of independent points are not smaller than the errors made here.
    assert (np.abs(found.total[:, 0] - total) <= 3 * found.total_se[:, 0]).all()
    assert (found.first_se > 0).all()


def test_additive_functions_have_first_order_equal_to_total():
    weight = np.array([3.0, 2.0, 1.0, 0.0])
    found = sobol_indices(lambda u: u @ weight, "abcd", 1024, 5)
    share = weight**2 / (weight**2).sum()
    np.testing.assert_allclose(found.first[:, 0], share, atol=0.01)
    np.testing.assert_allclose(found.total[:, 0], share, atol=0.01)
    # The last changes nothing: exactly zero, not nearly.
    assert (found.first[3, 0], found.total[3, 0], found.first_se[3, 0]) == (0, 0, 0)
    assert found.first.sum() == pytest.approx(1, abs=0.01)


def test_several_results_at_once_equal_one_by_one():
    both = sobol_indices(lambda u: np.column_stack([ishigami(u), u[:, 1]]), "abc", 256, 9)
    alone = sobol_indices(ishigami, "abc", 256, 9)
    np.testing.assert_allclose(both.first[:, 0], alone.first[:, 0], atol=1e-12)
    np.testing.assert_allclose(both.total[:, 1], [0, 1, 0], atol=0.01)


def test_a_result_that_does_not_vary_has_no_driver():
    found = sobol_indices(lambda u: np.full(u.shape[0], 3.0), "ab", 64, 1)
    assert not found.first.any()
    assert not found.total.any()


def test_the_design_swaps_one_column():
    design = saltelli(["x", "y"], 8, 4)
    assert design.swapped.shape == (2, 8, 2)
    np.testing.assert_array_equal(design.swapped[0], np.column_stack([design.b[:, 0], design.a[:, 1]]))
    np.testing.assert_array_equal(design.swapped[1], np.column_stack([design.a[:, 0], design.b[:, 1]]))
    np.testing.assert_array_equal(saltelli(["x", "y"], 8, 4).a, design.a)
    assert not np.array_equal(saltelli(["x", "y"], 8, 5).a, design.a)


@pytest.mark.parametrize(
    ("inputs", "base", "message"),
    [
        ([], 8, "without a name"),
        (["x", "x"], 8, "each name once"),
        (["x"], 100, "power of 2"),
        (["x"], 1, "power"),
    ],
)
def test_bad_designs_are_refused(inputs, base, message):
    with pytest.raises(DataError, match=message):
        saltelli(inputs, base, 1)


def test_points_without_a_result_are_refused():
    design = saltelli(["x"], 4, 1)
    good, bad = np.ones((4, 1)), np.array([[1.0], [np.nan], [1.0], [1.0]])
    with pytest.raises(DataError, match="1 points without a result"):
        jansen(design, good, bad, good[None])


def test_the_order_of_inputs_orders_the_indices():
    order = [2, 0, 1]
    found = sobol_indices(ishigami, ["x1", "x2", "x3"], 4096, 1)
    turned = sobol_indices(lambda u: ishigami(u[:, np.argsort(order)]), ["x3", "x1", "x2"], 4096, 1)
    assert turned.inputs == ("x3", "x1", "x2")
    # Other points, the same answer.
    np.testing.assert_allclose(turned.first[:, 0], found.first[order, 0], atol=0.02)
    np.testing.assert_allclose(turned.total[:, 0], found.total[order, 0], atol=0.02)


def test_two_identical_alternatives_have_no_effect():
    """What an input chooses between is the same: exactly zero, whatever else varies with it."""

    def function(points):
        same = np.where(points[:, 1] < 0.5, points[:, 0] ** 2, points[:, 0] ** 2)
        return same * (1 + points[:, 2])

    found = sobol_indices(function, ["x", "choice", "y"], 256, 3)
    assert (found.first[1, 0], found.total[1, 0]) == (0, 0)
    assert (found.total[[0, 2], 0] > 0.01).all()


def test_a_group_of_columns_has_one_index():
    """x1 and x3 of Ishigami taken together have the first-order and the total effect of the two and their interaction."""
    a, b = 7.0, 0.1
    pair = 0.5 * (1 + b * np.pi**4 / 5) ** 2 + b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = pair + a**2 / 8
    found = sobol_indices(lambda u: ishigami(u[:, [0, 2, 1]]), {"x1 and x3": 2, "x2": 1}, 4096, 2)
    np.testing.assert_allclose(found.first[:, 0], [pair / variance, a**2 / 8 / variance], atol=0.02)
    np.testing.assert_allclose(found.total[:, 0], found.first[:, 0], atol=0.02)


def test_a_group_is_swapped_together():
    design = saltelli({"one": 1, "two": 2}, 8, 4)
    assert design.columns == (slice(0, 1), slice(1, 3))
    np.testing.assert_array_equal(design.swapped[1], np.column_stack([design.a[:, 0], design.b[:, 1:]]))
    np.testing.assert_array_equal(design.points[:8], design.a)
    np.testing.assert_array_equal(design.points[16:24], design.swapped[0])
    with pytest.raises(DataError, match="0 columns"):
        saltelli({"one": 0}, 8, 4)
