"""What must hold for every world: nothing happens without a shock, names and units do not matter, markets clear."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from betweengiants.trade import Cell, Scenario, TradeMatrix, severance, solve

RULES = ("additive", "multiplicative", "balanced")
CLEARING = 1e-10
MODEST = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def worlds(draw):
    size = draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    flows = generator.lognormal(0, draw(st.sampled_from([0.3, 1.5])), (size, size))
    flows *= generator.random((size, size)) < draw(st.sampled_from([0.7, 1.0]))
    flows += np.diag(generator.uniform(0.5, draw(st.sampled_from([3, 60])), size))
    return TradeMatrix(tuple(f"C{k}" for k in range(size)), flows)


@st.composite
def cases(draw, world):
    size = len(world.labels)
    off = [(a, b) for a in range(size) for b in range(size) if a != b]
    chosen = draw(st.lists(st.sampled_from(off), unique=True, max_size=len(off)))
    factor = st.sampled_from([1.0, 1.05, 1.5, 4.0, math.inf])
    return Scenario("drawn", tuple(Cell(world.labels[a], world.labels[b], draw(factor)) for a, b in chosen))


@st.composite
def problems(draw):
    world = draw(worlds())
    return (
        world,
        [draw(cases(world)) for _ in range(draw(st.integers(1, 4)))],
        draw(st.sampled_from([0.5, 1.5, 4.0, 9.0])),
        draw(st.sampled_from(RULES)),
    )


def attempt(world, scenarios, theta, rule):
    """Solve what has a solution; imbalances that cannot be met after a shock are a named outcome, not a bug."""
    from betweengiants.core.errors import NoEquilibrium

    try:
        result = solve(world, scenarios, theta, imbalances=rule, on_failure="mark")
    except NoEquilibrium:  # imbalances of a world in which some only sell cannot be removed
        assume(False)
    assume(all(problem is None for problem in result.problems))
    return result


@MODEST
@given(problems())
def test_markets_clear_and_budgets_hold(problem):
    """From the flows themselves, block by block of countries that trade with one another."""
    from scipy.sparse.csgraph import connected_components

    world, scenarios, theta, rule = problem
    result = attempt(world, scenarios, theta, rule)
    base = result.matrix.flows
    for s in range(len(scenarios)):
        after, income = result.flows_after(s), base.sum(axis=1) * (1 + result.income_change[s])
        np.testing.assert_allclose(after.sum(axis=0), result.spending[s], rtol=1e-12)
        _, block = connected_components((after > 0).astype(float), connection="weak")
        for k in set(block):
            sales, earned = after.sum(axis=1)[block == k], income[block == k]
            factor = sales.sum() / earned.sum()
            assert np.abs(sales / (factor * earned) - 1).max() <= CLEARING
            assert rule == "multiplicative" or factor == pytest.approx(1, abs=CLEARING)
            assert earned.sum() == pytest.approx(base.sum(axis=1)[block == k].sum(), rel=1e-12)


@MODEST
@given(problems())
def test_batch_equals_one_by_one(problem):
    world, scenarios, theta, rule = problem
    together = attempt(world, scenarios, theta, rule)
    for s, scenario in enumerate(scenarios):
        alone = solve(world, scenario, theta, imbalances=rule)
        for name in ("welfare", "income", "price", "exports", "imports"):
            np.testing.assert_allclose(
                getattr(together, f"{name}_change")[s],
                getattr(alone, f"{name}_change")[0],
                atol=1e-9,
                rtol=1e-9,
            )


@MODEST
@given(problems(), st.randoms(use_true_random=False), st.sampled_from([1e-6, 3.0, 1e9]))
def test_names_order_and_units_do_not_matter(problem, random, unit):
    world, scenarios, theta, rule = problem
    result = attempt(world, scenarios, theta, rule)
    order = list(range(len(world.labels)))
    random.shuffle(order)
    new_name = {label: f"state {k}" for k, label in enumerate(world.labels)}
    turned = TradeMatrix(
        tuple(new_name[world.labels[k]] for k in order), unit * world.flows[np.ix_(order, order)]
    )
    renamed = [
        Scenario(
            "renamed", tuple(c._replace(exporter=new_name[c[0]], importer=new_name[c[1]]) for c in case.cells)
        )
        for case in scenarios
    ]
    again = solve(turned, renamed, theta, imbalances=rule)
    for name in ("welfare", "income", "price"):
        np.testing.assert_allclose(
            getattr(again, f"{name}_change"),
            getattr(result, f"{name}_change")[:, order],
            atol=1e-9,
            rtol=1e-9,
        )
    np.testing.assert_allclose(again.spending, unit * result.spending[:, order], rtol=1e-9)


@MODEST
@given(worlds(), st.sampled_from([0.5, 4.0, 9.0]), st.sampled_from(["additive", "multiplicative"]))
def test_nothing_happens_without_a_shock(world, theta, rule):
    idle = Scenario("ones", tuple(Cell(a, b, 1.0) for a in world.labels for b in world.labels))
    result = solve(world, [Scenario("empty", ()), idle], theta, imbalances=rule)
    assume(not result.isolated.any())
    for name in ("welfare", "income", "price", "exports", "imports"):
        assert np.abs(getattr(result, f"{name}_change")).max() <= 1e-12


@pytest.mark.parametrize("rule", RULES)
def test_nothing_happens_without_a_shock_on_the_sample(wiod, rule):
    result = solve(wiod, Scenario("empty", ()), 4.0, imbalances=rule)
    for name in ("welfare", "income", "price", "exports", "imports"):
        assert np.abs(getattr(result, f"{name}_change")).max() <= 1e-12


@pytest.mark.parametrize("rule", RULES)
def test_severing_a_pair_without_trade_changes_nothing(make_world, rule):
    flows = make_world(8, 5).flows.copy()
    flows[1, 3] = flows[3, 1] = 0.0
    world = TradeMatrix(("A", "B", "C", "D", "E"), flows)
    result = solve(world, severance([("B", "D")]), 4.0, imbalances=rule)
    for name in ("welfare", "income", "price", "exports", "imports"):
        assert np.abs(getattr(result, f"{name}_change")).max() <= 1e-12


def test_large_batch_equals_one_by_one(wiod):
    """More scenarios than one chunk holds, with thetas in several bands."""
    pairs = [(a, b) for a in wiod.labels for b in ("USA", "CHN", "DEU", "RUS", "GBR", "JPN", "FRA") if a != b]
    cases = [severance([pair]) for pair in pairs]
    theta = np.geomspace(0.9, 9, len(cases))
    together = solve(wiod, cases, theta)
    assert together.residual.max() <= 1e-11
    for s in range(0, len(cases), 37):
        alone = solve(wiod, cases[s], theta[s])
        np.testing.assert_allclose(together.welfare_change[s], alone.welfare_change[0], atol=1e-10, rtol=0)
        np.testing.assert_allclose(together.exports_change[s], alone.exports_change[0], atol=1e-10, rtol=0)
