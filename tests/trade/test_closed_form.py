"""Losses that need no solver."""

import math

import numpy as np
import pytest

from betweengiants.trade import TradeMatrix, autarky_loss, import_loss


def test_autarky_loss_by_hand():
    matrix = TradeMatrix(("A", "B"), np.array([[8.0, 1], [2, 3]]))
    np.testing.assert_allclose(
        autarky_loss(matrix, 2.0), [1 - math.sqrt(0.8), 1 - math.sqrt(0.75)], rtol=1e-14
    )


def test_import_loss_by_hand():
    assert import_loss(0.5, 0.4, 3.0) == pytest.approx(0.2 * math.log(2))
    assert import_loss(0.0, 1.0, 2.0) == 0
    assert import_loss(1.0, 0.5, 2.0) == math.inf
    assert import_loss(1.0, 0.0, 2.0) == 0
    np.testing.assert_allclose(import_loss([0.1, 0.2], [1, 0.5], 2.0), [-math.log(0.9), -0.5 * math.log(0.8)])


def test_import_loss_of_everything_foreign_is_the_autarky_loss():
    matrix = TradeMatrix(("A", "B"), np.array([[8.0, 1], [2, 3]]))
    foreign = 1 - matrix.home_shares
    np.testing.assert_allclose(
        1 - np.exp(-import_loss(foreign, 1.0, 5.0)), autarky_loss(matrix, 4.0), rtol=1e-12
    )


@pytest.mark.parametrize(
    "arguments", [(1.1, 1, 2), (-0.1, 1, 2), (0.1, 2, 2), (0.1, 1, 1), (0.1, 1, math.inf)]
)
def test_values_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        import_loss(*arguments)
