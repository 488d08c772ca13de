"""Cases with a known answer: autarky with sectors and inputs, endowments, one outlet, derivatives."""

import math

import numpy as np
import pytest

from betweengiants.core.errors import DataError
from betweengiants.trade import Cell, Scenario, coalition, sector_autarky_loss, severance, solve_sectors
from betweengiants.trade.sector_engine import economy_of
from betweengiants.trade.sector_jacobian import jacobian
from betweengiants.trade.sector_kernel import Block, Caps, evaluate
from betweengiants.trade.sector_matrix import SectorMatrix

EXACT = 1e-9


def alone(matrix, label):
    return coalition(label, [other for other in matrix.labels if other != label])


@pytest.mark.parametrize("horizon", ["long", "short"])
@pytest.mark.parametrize("inputs", [False, True])
def test_autarky_is_the_closed_form(make_sectors, inputs, horizon):
    matrix = make_sectors(4, 4, 3, inputs=inputs, balanced=True)
    theta = np.array([1.5, 4.0, 6.0])
    result = solve_sectors(matrix, [alone(matrix, label) for label in matrix.labels], theta, horizon=horizon)
    own = np.arange(4)
    closed = sector_autarky_loss(matrix, theta, horizon)
    np.testing.assert_allclose(-result.welfare_change[own, own], closed, atol=EXACT, rtol=0)
    assert result.isolated.sum() == 4
    np.testing.assert_array_equal(result.exports_change[own, own], -1.0)


def test_long_run_autarky_by_hand(make_sectors):
    """Costinot & Rodriguez-Clare (2014): exponents alpha_s * L_sk / theta_k, the Leontief inverse as a series."""
    matrix, theta = make_sectors(8, 3, 2, balanced=True), np.array([2.0, 5.0])
    result = solve_sectors(matrix, alone(matrix, "C1"), theta)
    _, gamma = matrix.cost_shares
    inputs = [[gamma[1, k, s] for k in range(2)] for s in range(2)]
    inverse = term = [[1.0, 0.0], [0.0, 1.0]]
    for _ in range(400):
        term = [[sum(term[s][m] * inputs[m][k] for m in range(2)) for k in range(2)] for s in range(2)]
        inverse = [[inverse[s][k] + term[s][k] for k in range(2)] for s in range(2)]
    final = matrix.final_spending[1]
    welfare = 1.0
    for s in range(2):
        for k in range(2):
            home = matrix.flows[1, 1, k] / matrix.flows[:, 1, k].sum()
            welfare *= home ** (final[s] / final.sum() * inverse[s][k] / theta[k])
    assert result.welfare_change[0, 1] == pytest.approx(welfare - 1, abs=EXACT)


def test_one_sector_with_inputs_is_a_root_of_the_home_share():
    """pi^(1/(theta va)): inputs bought from oneself multiply the loss."""
    flows = np.array([[60.0, 10, 5], [8, 90, 7], [7, 5, 70]])
    flows = ((flows + flows.T) / 2)[:, :, None]
    va = np.array([[0.5], [0.4], [0.7]])
    matrix = SectorMatrix(("A", "B", "C"), ("all",), flows, va, 1 - va[:, :, None])
    result = solve_sectors(matrix, alone(matrix, "B"), 4.0)
    home = flows[1, 1, 0] / flows[:, 1, 0].sum()
    assert result.welfare_change[0, 1] == pytest.approx(home ** (1 / (4.0 * 0.4)) - 1, abs=EXACT)


def test_short_run_autarky_tends_to_the_endowment():
    """Without inputs a country alone eats what it makes; with theta to infinity the goods are the same everywhere,
    and welfare is prod_s (Y_s / E_s)^alpha_s: what it has of each good over what it had."""
    flows = np.zeros((2, 2, 2))
    flows[:, :, 0] = [[30, 20], [5, 60]]  # A sells the first good and buys the second
    flows[:, :, 1] = [[30, 5], [20, 60]]
    matrix = SectorMatrix(("A", "B"), ("oil", "bread"), flows)
    endowment = (50 / 35) ** (35 / 85) * (35 / 50) ** (50 / 85)
    for theta in (4.0, 40.0, 400.0):
        finite = endowment * (30 / 35) ** (35 / 85 / theta) * (30 / 50) ** (50 / 85 / theta)
        result = solve_sectors(matrix, severance([("A", "B")]), theta, horizon="short")
        assert result.welfare_change[0, 0] == pytest.approx(finite - 1, abs=EXACT)
    assert finite == pytest.approx(endowment, rel=2e-3)


def test_an_exporter_that_loses_its_one_outlet_loses_more_in_the_short_run():
    """Oil is sold to B only. In the short run its factor earns next to nothing; in the long run it moves."""
    flows = np.zeros((3, 3, 2))
    flows[:, :, 0] = [[2, 38, 0], [1, 100, 5], [1, 5, 100]]
    flows[:, :, 1] = [[50, 2, 2], [20, 200, 10], [20, 10, 200]]
    matrix = SectorMatrix(("A", "B", "C"), ("oil", "other"), flows)
    cut = severance([("A", "B")], one_way=True, sectors=["oil"])
    short, long = (
        solve_sectors(matrix, cut, 3.0, horizon=h, imbalances="balanced") for h in ("short", "long")
    )
    assert short.welfare_change[0, 0] < 2 * long.welfare_change[0, 0] < 0
    assert short.factor_price[0, 0, 0] < 0.5 * short.factor_price[0, 0, 1]
    np.testing.assert_allclose(long.factor_price[0, 0, 0], long.factor_price[0, 0, 1])


def test_a_sector_without_any_buyer_left_earns_nothing():
    """All oil goes to B and none is used at home: severance strands the factor, by hand."""
    flows = np.zeros((2, 2, 2))
    flows[:, :, 0] = [[0, 30], [0, 70]]
    flows[:, :, 1] = [[60, 10], [40, 100]]
    matrix = SectorMatrix(("A", "B"), ("oil", "other"), flows)
    result = solve_sectors(
        matrix,
        severance([("A", "B")], one_way=True, sectors=["oil"]),
        4.0,
        horizon="short",
        imbalances="balanced",
    )
    assert result.factor_price[0, 0, 0] == 0
    assert result.output[0, 0, 0] == 0
    # A's income is what the other sector earns, all of it spent on that sector: trade in it balances.
    after = result.flows_after(0)
    np.testing.assert_allclose(after[0, 1, 1], after[1, 0, 1], rtol=1e-9)
    np.testing.assert_allclose(result.output[0, 0, 1], after[:, 0, 1].sum(), rtol=1e-9)


def test_equal_factor_prices_make_the_horizons_equal():
    """Two mirror countries and a shock alike in all sectors: no factor wants to move."""
    flows = np.repeat(np.array([[70.0, 30], [30, 70]])[:, :, None], 2, axis=2)
    matrix = SectorMatrix(("A", "B"), ("s", "t"), flows)
    wall = Scenario("wall", (Cell("A", "B", 1.3), Cell("B", "A", 1.3)))
    price = (0.7 + 0.3 * 1.3**-4) ** (-1 / 4)
    for horizon in ("short", "long"):
        result = solve_sectors(matrix, wall, 4.0, horizon=horizon)
        np.testing.assert_allclose(result.welfare_change, 1 / price - 1, atol=1e-13)
        np.testing.assert_allclose(result.factor_price, 1, atol=1e-13)


@pytest.mark.parametrize("horizon", ["long", "short"])
@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
@pytest.mark.parametrize("inputs", [True, False])
def test_jacobian_equals_finite_differences(make_sectors, inputs, rule, horizon):
    """With caps, of which some bind."""
    economy = economy_of(make_sectors(6, 4, 3, inputs=inputs))
    draw, shape = np.random.default_rng(2), (1, 3, 4)
    cap = np.log([0.3, 0.5, 0.9, 1e3])
    s, i, j = np.array([0, 0, 2, 1]), np.array([0, 3, 1, 2]), np.array([1, 1, 0, 3])
    caps = Caps(
        np.zeros(4, dtype=np.int64), s, i, j, economy.share[s, i, j], np.log([1.0, 1.4, 1.1, 1.0]), cap
    )
    free = economy.share[None] * draw.uniform(0.2, 1, (1, 3, 4, 4))
    free[0, s, i, j] = 0.0
    fixed = (economy.spending - economy.income) * (rule == "additive")
    block = Block(
        economy,
        free,
        caps,
        np.array([[[1.3], [4.0], [2.2]]]),
        horizon == "short",
        rule,
        fixed,
        economy.spending / economy.income,
        np.ones(shape, dtype=bool),
    )
    state = evaluate(block, draw.normal(0, 0.2, shape))
    from betweengiants.trade.sector_kernel import delivered

    assert set(delivered(block, state)[2]) == {True, False}
    exact, step = jacobian(block, state)[0], 1e-6
    earned = (economy.va * state.made[0]).ravel() / economy.income.sum()
    for k in range(12):
        # Moves that keep world income: the direction k less its part along a common rise.
        move = (np.eye(12)[k] - earned[k]).reshape(shape)
        up, down = evaluate(block, state.r + step * move), evaluate(block, state.r - step * move)
        numeric = ((up.gap - down.gap) / (2 * step)).ravel()
        # The pinned level takes nothing from such a move.
        np.testing.assert_allclose(exact @ move.ravel(), numeric, atol=1e-6)


def test_autarky_without_home_production_is_refused(make_sectors):
    flows = make_sectors(1, 3, 2, inputs=False).flows.copy()
    flows[2, 2, 1] = 0.0
    matrix = SectorMatrix(("A", "B", "C"), ("oil", "bread"), flows)
    with pytest.raises(DataError, match=r"no domestic sales for C \(bread\)"):
        sector_autarky_loss(matrix, 4.0)


def test_almost_autarky_by_the_solver(make_sectors):
    """The solver on a connected world, at costs that leave a millionth of trade."""
    matrix = make_sectors(2, 3, 2, balanced=True)
    cells = [Cell(a, b, 1e4) for o in ("C1", "C2") for a, b in (("C0", o), (o, "C0"))]
    for horizon in ("long", "short"):
        result = solve_sectors(matrix, Scenario("almost", tuple(cells)), 2.0, horizon=horizon)
        assert not result.isolated.any()
        closed = sector_autarky_loss(matrix, 2.0, horizon)[0]
        assert -result.welfare_change[0, 0] == pytest.approx(closed, abs=1e-6)
        assert math.isfinite(result.price_change[0, 1])
