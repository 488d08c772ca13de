"""The engine against the published algorithm, written out as a loop, and against closed forms."""

import math

import numpy as np
import pytest

from betweengiants.trade import Cell, Scenario, autarky_loss, balance, coalition, severance, solve

# Both sides stop at about 1e-13 of income; home shares near 0.9 make that about 1e-12 in wages.
SAME = 1e-9


def scenarios(labels):
    draw = np.random.default_rng(5)
    pairs = {tuple(draw.choice(len(labels), 2, replace=False)) for _ in range(200)}
    shocks = [Cell(labels[a], labels[b], float(np.exp(draw.exponential(0.4)))) for a, b in sorted(pairs)]
    shocks = [cell for cell in shocks if cell[:2] != ("BEL", "LUX")]
    return [
        Scenario("costs", tuple(shocks)),
        severance([("CHN", "USA")]),
        severance([("DEU", "RUS"), ("FRA", "RUS"), ("ITA", "RUS")]),
        severance([("RUS", "DEU")], one_way=True),
        coalition("IRL", ["USA", "GBR", "DEU"]),
        Scenario("mixed", (*shocks[::2], Cell("LUX", "LUX", 1.1), Cell("BEL", "LUX", math.inf))),
    ]


def cost_matrix(matrix, scenario):
    cost = np.ones(matrix.flows.shape)
    for cell in scenario.cells:
        cost[matrix.labels.index(cell.exporter), matrix.labels.index(cell.importer)] = cell.cost_factor
    return cost


@pytest.mark.parametrize("theta", [1.5, 4.0, 8.0])
@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_equals_published_algorithm(wiod, published, rule, theta):
    cases = scenarios(wiod.labels)
    result = solve(wiod, cases, theta, imbalances=rule)
    base = wiod.flows
    if rule == "balanced":
        base = published(base, np.ones_like(base), theta, rule).flows
    foreign = base - np.diag(base.diagonal())
    for s, case in enumerate(cases):
        expected = published(base, cost_matrix(wiod, case), theta, rule)
        away = expected.flows - np.diag(expected.flows.diagonal())
        np.testing.assert_allclose(result.welfare_change[s], expected.welfare - 1, atol=SAME, rtol=0)
        np.testing.assert_allclose(result.income_change[s], expected.wage - 1, atol=SAME, rtol=0)
        np.testing.assert_allclose(result.price_change[s], expected.price - 1, atol=SAME, rtol=0)
        exports, imports = away.sum(axis=1) / foreign.sum(axis=1), away.sum(axis=0) / foreign.sum(axis=0)
        np.testing.assert_allclose(result.exports_change[s], exports - 1, atol=SAME, rtol=0)
        np.testing.assert_allclose(result.imports_change[s], imports - 1, atol=SAME, rtol=0)
        np.testing.assert_allclose(result.flows_after(s), expected.flows, atol=SAME * base.max(), rtol=SAME)


def test_theta_may_differ_between_scenarios(wiod, published):
    thetas = np.array([0.8, 1.1, 2.5, 4.0, 6.0, 12.0])
    cases = scenarios(wiod.labels)
    result = solve(wiod, cases, thetas)
    for s, case in enumerate(cases):
        expected = published(wiod.flows, cost_matrix(wiod, case), thetas[s])
        np.testing.assert_allclose(result.welfare_change[s], expected.welfare - 1, atol=SAME, rtol=0)


def test_removing_imbalances_equals_published_algorithm(wiod, published):
    level = balance(wiod, 4.0)
    expected = published(wiod.flows, np.ones_like(wiod.flows), 4.0, "balanced")
    np.testing.assert_allclose(level.flows, expected.flows, rtol=SAME)
    np.testing.assert_allclose(level.flows.sum(axis=0), level.flows.sum(axis=1), rtol=1e-10)


@pytest.mark.parametrize("theta", [0.8, 4.0, 10.0])
def test_autarky_is_the_closed_form(make_world, theta):
    world = make_world(3, 6, balanced=True)
    cases = [coalition(label, [other for other in world.labels if other != label]) for label in world.labels]
    result = solve(world, cases, theta)
    own = np.arange(6)
    np.testing.assert_allclose(
        -result.welfare_change[own, own], autarky_loss(world, theta), atol=1e-12, rtol=0
    )
    assert result.isolated.sum() == 6
    np.testing.assert_array_equal(result.exports_change[own, own], -1.0)


def test_autarky_is_the_limit_of_high_costs(make_world):
    """The solver, not the closed form, at trade costs that leave a millionth of trade."""
    world = make_world(4, 5, balanced=True)
    others = [other for other in world.labels if other != "C2"]
    cells = [Cell(a, b, 1e3) for o in others for a, b in (("C2", o), (o, "C2"))]
    result = solve(world, Scenario("almost", tuple(cells)), 3.0)
    assert not result.isolated.any()
    assert -result.welfare_change[0, 2] == pytest.approx(autarky_loss(world, 3.0)[2], abs=1e-6)


@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_two_identical_countries(rule):
    """By symmetry wages stay, so that prices and welfare follow from the shares alone."""
    from betweengiants.trade import TradeMatrix

    world = TradeMatrix(("A", "B"), np.array([[70.0, 30.0], [30.0, 70.0]]))
    cells = (Cell("A", "B", 1.3), Cell("B", "A", 1.3))
    result = solve(world, Scenario("wall", cells), 4.0, imbalances=rule)
    price = (0.7 + 0.3 * 1.3**-4) ** (-1 / 4)
    np.testing.assert_allclose(result.income_change, 0, atol=1e-14)
    np.testing.assert_allclose(result.price_change, price - 1, atol=1e-14)
    np.testing.assert_allclose(result.welfare_change, 1 / price - 1, atol=1e-14)
