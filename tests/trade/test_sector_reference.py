"""The engine for several sectors against the model of Caliendo & Parro (2015) written out plainly.

The reference guesses factor prices, finds prices, shares and expenditure at each guess, and moves factor prices towards
excess demand, as in section 3 of their appendix. It shares no code and no unknown with the engine (which works on output).
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from betweengiants.trade import Cell, Scenario, TradeMatrix, coalition, severance, solve, solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix

SAME = 1e-8
STILL, STOP = 1e-14, 1e-12
"""Where the loops of the reference stop: relative moves of prices and of factor prices in a round."""
RULES = ("additive", "multiplicative", "balanced")


@dataclass
class Plain:
    wage: np.ndarray
    price: np.ndarray
    welfare: np.ndarray
    flows: np.ndarray


def prices(free, va, gamma, theta, wage, price):
    """Unit costs and price indices of every country and sector at given factor prices."""
    while True:
        cost, new = np.empty_like(va), np.empty_like(va)
        for s in range(va.shape[1]):
            cost[:, s] = wage[:, s] ** va[:, s] * np.prod(price ** gamma[:, :, s], axis=1)
        for s in range(va.shape[1]):
            new[:, s] = (free[:, :, s].T @ cost[:, s] ** -theta[s]) ** (-1 / theta[s])
        moved = np.abs(new / price - 1).max()
        price = new
        if moved < STILL:
            return cost, price


def expenditure(share, gamma, final, spent):
    """Absorption of every country and sector: final spending and what its users, wherever they sell, need."""
    count = final.shape[1]
    while True:
        output = np.stack([share[:, :, s] @ spent[:, s] for s in range(count)], axis=1)
        new = final.copy()
        for k in range(count):
            for s in range(count):
                new[:, k] += gamma[:, k, s] * output[:, s]
        moved = np.abs(new / spent - 1).max()
        spent = new
        if moved < STILL:
            return spent, output


def caliendo_parro(matrix, cost_factor, theta, *, short=False, rule="additive", damping=0.15):
    flows, (va, gamma) = matrix.flows, matrix.cost_shares
    absorbed, output = flows.sum(axis=0), flows.sum(axis=1)
    final = absorbed - np.array(
        [[gamma[j, k] @ output[j] for k in range(va.shape[1])] for j in range(len(va))]
    )
    alpha = final / final.sum(axis=1, keepdims=True)
    factors, spending = va * output, final.sum(axis=1)
    income = factors.sum(axis=1)
    world = income.sum()
    imbalance = spending - income if rule == "additive" else np.zeros_like(income)
    before = flows / absorbed
    free = before * cost_factor ** -np.asarray(theta)
    wage, price, bought = np.ones_like(va), np.ones_like(va), absorbed
    for _ in range(3_000):
        cost, price = prices(free, va, gamma, theta, wage, price)
        share = free * (cost[:, None, :] / price[None]) ** -np.asarray(theta)
        earned = (factors * wage).sum(axis=1)
        spent = earned + imbalance
        scale = 1.0
        if rule == "multiplicative":
            scale = earned.sum() / (earned * spending / income).sum()
            spent = earned * spending / income * scale
        bought, made = expenditure(share, gamma, alpha * spent[:, None], bought)
        demand = va * made / factors if short else ((va * made).sum(axis=1) / income)[:, None]
        step = (demand / wage) ** damping
        wage = wage * step
        wage = wage * world / (factors * wage).sum()
        if np.abs(step - 1).max() < STOP:
            break
    else:
        raise AssertionError("the reference did not converge")
    index = np.prod(price**alpha, axis=1)
    values = share * bought[None] / scale
    return Plain(wage, price, spent / scale / spending / index, values)


def scenarios(matrix):
    a, b, c = matrix.labels[:3]
    first, last = matrix.sectors[0], matrix.sectors[-1]
    return [
        severance([(a, b)]),
        severance([(a, b)], sectors=[first]),
        severance([(a, b)], one_way=True),
        coalition(a, [b, c]),
        Scenario(
            "mixed",
            (
                Cell(a, b, 1.4),
                Cell(b, a, 2.0, sector=last),
                Cell(c, a, math.inf, sector=first),
                Cell(a, a, 1.1, sector=first),
            ),
        ),
    ]


def factors_of(matrix, scenario):
    factor = np.ones(matrix.flows.shape)
    for cell in scenario.cells:
        at = matrix.labels.index(cell.exporter), matrix.labels.index(cell.importer)
        factor[at if cell.sector is None else (*at, matrix.sectors.index(cell.sector))] = cell.cost_factor
    return factor


@pytest.mark.parametrize("horizon", ["long", "short"])
@pytest.mark.parametrize("rule", RULES)
def test_equals_the_plain_model(make_sectors, rule, horizon):
    matrix, theta = make_sectors(3), np.array([1.2, 4.0, 7.0])
    cases = scenarios(matrix)
    result = solve_sectors(matrix, cases, theta, horizon=horizon, imbalances=rule)
    assert result.residual.max() <= 1e-11
    base = matrix
    if rule == "balanced":
        level = caliendo_parro(
            matrix, np.ones(matrix.flows.shape), theta, short=horizon == "short", rule=rule
        )
        base = SectorMatrix(matrix.labels, matrix.sectors, level.flows, *matrix.cost_shares)
        np.testing.assert_allclose(result.matrix.flows, level.flows, rtol=SAME)
    for s, case in enumerate(cases):
        plain = caliendo_parro(base, factors_of(matrix, case), theta, short=horizon == "short", rule=rule)
        np.testing.assert_allclose(result.welfare_change[s], plain.welfare - 1, atol=SAME, rtol=0)
        np.testing.assert_allclose(result.factor_price[s], plain.wage, rtol=SAME)
        np.testing.assert_allclose(result.sector_price[s], plain.price, rtol=SAME)
        np.testing.assert_allclose(result.flows_after(s), plain.flows, rtol=SAME, atol=SAME)
        away = plain.flows.sum(axis=2) - np.diag(plain.flows.sum(axis=2).diagonal())
        foreign = base.flows.sum(axis=2) - np.diag(base.flows.sum(axis=2).diagonal())
        exports, imports = away.sum(axis=1) / foreign.sum(axis=1), away.sum(axis=0) / foreign.sum(axis=0)
        np.testing.assert_allclose(result.exports_change[s], exports - 1, atol=SAME)
        np.testing.assert_allclose(result.imports_change[s], imports - 1, atol=SAME)


@pytest.mark.parametrize("horizon", ["long", "short"])
def test_equals_the_plain_model_on_the_sample(gross, horizon):
    """22 regions and five sectors with inputs; elasticities that differ by sector."""
    theta = np.array([2.5, 8.0, 3.0, 5.0, 2.0]) * (0.4 if horizon == "short" else 1.0)
    cut = coalition("KAZ", ["RUS", "CHN"])
    result = solve_sectors(gross, cut, theta, horizon=horizon)
    plain = caliendo_parro(gross, factors_of(gross, cut), theta, short=horizon == "short")
    np.testing.assert_allclose(result.welfare_change[0], plain.welfare - 1, atol=SAME, rtol=0)
    np.testing.assert_allclose(result.flows_after(0), plain.flows, rtol=1e-7, atol=SAME * plain.flows.max())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("horizon", ["long", "short"])
def test_one_sector_is_the_existing_solver(make_world, rule, horizon):
    world = make_world(12, 6)
    matrix = SectorMatrix(world.labels, ("all",), world.flows[:, :, None])
    others = list(world.labels[1:])
    cases = [
        severance([("C0", "C1")]),
        Scenario("costs", (Cell("C0", "C2", 1.7), Cell("C3", "C1", 2.0), Cell("C4", "C4", 1.2))),
        coalition("C0", ["C1", "C2"]),
        coalition("C0", others),
        severance([(a, b) for a in ("C0", "C1") for b in world.labels[2:]]),
    ]
    new = solve_sectors(matrix, cases, 3.0, horizon=horizon, imbalances=rule)
    old = solve(world, cases, 3.0, imbalances=rule)
    for name in ("welfare", "income", "price", "exports", "imports"):
        ours, theirs = getattr(new, f"{name}_change"), getattr(old, f"{name}_change")
        np.testing.assert_allclose(ours, theirs, atol=1e-10, rtol=0)
    np.testing.assert_array_equal(new.isolated, old.isolated)
    np.testing.assert_allclose(new.spending, old.spending, rtol=1e-10)
    for s in range(len(cases)):
        np.testing.assert_allclose(new.flows_after(s)[:, :, 0], old.flows_after(s), atol=1e-9)


def test_one_sector_sample_is_the_existing_solver(wiod):
    matrix = SectorMatrix(wiod.labels, ("all",), wiod.flows[:, :, None])
    cases = [severance([("CHN", "USA")]), coalition("IRL", ["USA", "GBR", "DEU"])]
    new, old = solve_sectors(matrix, cases, 4.0), solve(wiod, cases, 4.0)
    np.testing.assert_allclose(new.welfare_change, old.welfare_change, atol=1e-10, rtol=0)


def test_sectors_alike_are_one_sector(make_world):
    """Three sectors with the same flows and elasticity behave like their sum, in the long run."""
    world = make_world(5, 4)
    flows = world.flows[:, :, None] * np.array([0.2, 0.5, 0.3])
    matrix = SectorMatrix(world.labels, ("a", "b", "c"), flows)
    assert isinstance(matrix.aggregate(), TradeMatrix)
    new = solve_sectors(matrix, severance([("C0", "C1")]), 3.0)
    old = solve(world, severance([("C0", "C1")]), 3.0)
    np.testing.assert_allclose(new.welfare_change, old.welfare_change, atol=1e-11)
