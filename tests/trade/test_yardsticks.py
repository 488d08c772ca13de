"""First order and closed form: against finite differences of the solver, by hand, and what must hold."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import NoEquilibrium, UnknownLabel
from betweengiants.trade import (
    Rationed,
    SectorMatrix,
    TradeMatrix,
    joint_leverage,
    leverage,
    severance,
    solve,
    solve_sectors,
)
from betweengiants.trade.scenario import Cell, Scenario
from betweengiants.trade.yardstick import joint_columns, leverage_table, yardsticks

STEP = 1e-4
RULES = ("additive", "multiplicative", "balanced")
few = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def weakened(scenario, theta, eps):
    """The scenario with B = 1 - eps where it severs: a cost factor of (1 - eps)^(-1/theta)."""
    factor = (1 - eps) ** (-1 / theta)
    return Scenario(
        scenario.name, tuple(Cell(c.exporter, c.importer, factor, 1.0, c.sector) for c in scenario.cells)
    )


def richardson(values):
    """Derivative at 0 of f with f(0) = 0 from f(h), f(h/2), f(h/4)."""
    h = STEP
    d = [values[0] / h, values[1] / (h / 2), values[2] / (h / 4)]
    once = [2 * d[1] - d[0], 2 * d[2] - d[1]]
    return (4 * once[1] - once[0]) / 3


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("theta", [1.5, 4.0])
def test_first_order_is_the_derivative_of_the_solver(make_world, rule, theta):
    matrix = make_world(3)
    cut = severance([("C0", "C1"), ("C0", "C2")])
    found = yardsticks(matrix, cut, theta, imbalances=rule)
    changes = [
        np.log1p(solve(matrix, weakened(cut, theta, eps), theta, imbalances=rule).welfare_change[0])
        for eps in (STEP, STEP / 2, STEP / 4)
    ]
    assert found.first_order[0] == pytest.approx(richardson(changes), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("inputs", [True, False])
def test_first_order_with_sectors_is_the_derivative_of_the_solver(make_sectors, rule, horizon, inputs):
    matrix = make_sectors(5, inputs=inputs)
    cut, theta = severance([("C0", "C1")]), 3.0
    found = yardsticks(matrix, cut, theta, imbalances=rule, horizon=horizon)
    changes = [
        np.log1p(
            solve_sectors(
                matrix, weakened(cut, theta, eps), theta, imbalances=rule, horizon=horizon
            ).welfare_change[0]
        )
        for eps in (STEP, STEP / 2, STEP / 4)
    ]
    assert found.first_order[0] == pytest.approx(richardson(changes), rel=1e-6, abs=1e-8)


def test_the_closed_form_of_a_severance_is_the_published_one(make_world):
    matrix = make_world(1)
    found = yardsticks(matrix, severance([("C0", "C1")]), 4.0)
    share = matrix.flows / matrix.flows.sum(axis=0)
    assert found.closed_form[0, 0] == pytest.approx(math.exp(math.log1p(-share[1, 0]) / 4) - 1, rel=1e-12)
    assert found.closed_form[0, 1] == pytest.approx(math.exp(math.log1p(-share[0, 1]) / 4) - 1, rel=1e-12)
    assert found.closed_form[0, 2:] == pytest.approx(0.0, abs=1e-15)


def test_closed_form_of_sectors_by_hand():
    """Two sectors, one of them an input of the other at home: prices pass on."""
    flows = np.zeros((2, 2, 2))
    flows[0, 0], flows[1, 1] = (60.0, 90.0), (80.0, 90.0)
    flows[1, 0, 0] = flows[0, 1, 0] = 20.0
    va = np.array([[1.0, 0.7], [1.0, 0.7]])
    gamma = np.zeros((2, 2, 2))
    gamma[:, 0, 1] = 0.3
    matrix = SectorMatrix(("A", "B"), ("energy", "goods"), flows, va, gamma)
    found = yardsticks(matrix, severance([("B", "A")], True), [2.0, 4.0])
    dear = -math.log(60 / 80) / 2  # A buys a quarter of its energy from B; energy costs nothing but factors
    final = matrix.final_spending[0] / matrix.final_spending[0].sum()
    expected = math.expm1(-(final[0] * dear + final[1] * 0.3 * dear))
    assert found.closed_form[0] == pytest.approx([expected, 0.0], abs=1e-12)


@few
@given(seed=seeds, theta=st.floats(1.0, 8.0))
def test_one_sector_is_the_special_case_of_sectors(make_world, seed, theta):
    one = make_world(seed)
    many = SectorMatrix(one.labels, ("all",), one.flows[:, :, None])
    cut = severance([("C0", "C3")])
    a, b = yardsticks(one, cut, theta), yardsticks(many, cut, theta)
    assert a.first_order == pytest.approx(b.first_order, abs=1e-10)
    assert a.closed_form == pytest.approx(b.closed_form, abs=1e-12)


@few
@given(seed=seeds, rule=st.sampled_from(RULES), horizon=st.sampled_from(["short", "long"]))
def test_names_order_and_units_do_not_matter(make_sectors, seed, rule, horizon):
    matrix = make_sectors(seed)
    cut = severance([("C0", "C1")])
    base = yardsticks(matrix, cut, 3.0, imbalances=rule, horizon=horizon)
    order = [2, 0, 3, 1]
    va, gamma = matrix.cost_shares
    moved = SectorMatrix(
        tuple(matrix.labels[k] for k in order),
        matrix.sectors,
        1e3 * matrix.flows[np.ix_(order, order)],
        va[order],
        gamma[order],
    )
    other = yardsticks(moved, cut, 3.0, imbalances=rule, horizon=horizon)
    for name in ("first_order", "closed_form"):
        assert getattr(other, name)[0] == pytest.approx(getattr(base, name)[0][order], abs=1e-9)


@few
@given(seed=seeds)
def test_small_shocks_agree_and_nothing_does_nothing(make_world, seed):
    """All three measures meet for small shocks of purchases alone; no shock, no change."""
    matrix = make_world(seed)
    nothing = yardsticks(matrix, Scenario("nothing", ()), 4.0)
    assert np.abs(nothing.first_order).max() == np.abs(nothing.closed_form).max() == 0.0
    dear = Scenario("dear", (Cell("C1", "C0", 1.001, 1.0, None),))
    exact = solve(matrix, dear, 4.0).welfare_change[0]
    assert yardsticks(matrix, dear, 4.0).first_order[0] == pytest.approx(exact, rel=0.02, abs=1e-8)


def test_many_scenarios_are_measured_like_single_ones(make_sectors):
    matrix = make_sectors(8)
    cuts = [severance([("C0", other)]) for other in ("C1", "C2", "C3")]
    together = yardsticks(matrix, cuts, 2.5, horizon="short")
    for s, cut in enumerate(cuts):
        alone = yardsticks(matrix, cut, 2.5, horizon="short")
        assert together.first_order[s] == pytest.approx(alone.first_order[0], abs=1e-12)
        assert together.closed_form[s] == pytest.approx(alone.closed_form[0], abs=1e-12)


def test_caps_have_no_yardstick(make_world):
    capped = Scenario("capped", (Cell("C0", "C1", 1.0, 0.5, None),))
    found = yardsticks(make_world(2), [capped, severance([("C0", "C1")])], 4.0)
    assert np.isnan(found.first_order[0]).all()
    assert np.isnan(found.closed_form[0]).all()
    assert np.isfinite(found.first_order[1]).all()
    assert found.frame(0)["closed_form_change_pct"].null_count() == 5


def test_rationing_is_named(make_sectors):
    world = make_sectors(4)
    flows = world.flows.copy()
    flows[0, 0, 0] = flows[2, 0, 0] = flows[3, 0, 0] = 0.0
    matrix = SectorMatrix(world.labels, world.sectors, flows)
    found = yardsticks(matrix, severance([("C0", "C1")]), 3.0)
    assert isinstance(found.problems[0], Rationed)
    assert found.problems[0].needs == (("C0", "s0"),)
    assert np.isnan(found.closed_form[0]).all()


def test_a_world_in_pieces_has_no_first_order():
    flows = np.kron(np.eye(2), np.array([[5.0, 1.0], [1.0, 5.0]]))
    matrix = TradeMatrix(("A", "B", "C", "D"), flows)
    with pytest.raises(NoEquilibrium, match="pieces"):
        yardsticks(matrix, severance([("A", "B")]), 4.0)


def test_unknown_countries_are_refused(make_world):
    with pytest.raises(UnknownLabel, match="C9"):
        yardsticks(make_world(1), severance([("C0", "C9")]), 4.0)


def test_leverage_table_puts_both_beside_the_equilibrium(make_world):
    matrix = make_world(6)
    table = leverage_table(matrix, leverage(matrix, ["C1"], ["C0"], 4.0), 4.0)
    assert table.columns == [
        "focal",
        "power",
        "welfare_change_pct",
        "power_welfare_change_pct",
        "first_order_change_pct",
        "closed_form_change_pct",
        "power_first_order_change_pct",
        "power_closed_form_change_pct",
    ]
    found = yardsticks(matrix, severance([("C0", "C1")]), 4.0)
    row = table.row(0, named=True)
    assert row["closed_form_change_pct"] == pytest.approx(100 * found.closed_form[0, 0])
    assert row["power_first_order_change_pct"] == pytest.approx(100 * found.first_order[0, 1])


def test_coalitions_have_yardsticks_too(make_world):
    matrix = make_world(6)
    joint = joint_leverage(matrix, "C0", ["C1", "C2"], 4.0)
    columns = joint_columns(matrix, joint, 4.0)
    both = yardsticks(matrix, severance([("C0", "C1"), ("C0", "C2")]), 4.0)
    assert list(columns) == ["first_order_change_pct", "closed_form_change_pct"]
    assert columns["first_order_change_pct"][2] == pytest.approx(100 * both.first_order[0, 0])
    assert isinstance(columns["closed_form_change_pct"], pl.Series)


def test_the_dossiers_matrix(kazakhstan):
    """On the 22 regions the yardsticks have the sign and the order of the equilibrium."""
    from betweengiants.trade import read_flows

    matrix = read_flows(kazakhstan)
    table = leverage_table(matrix, leverage(matrix, ["RUS", "CHN", "EU27", "USA"], ["KAZ"], 4.0), 4.0)
    for name in ("welfare", "first_order", "closed_form"):
        values = table[f"{name}_change_pct"]
        assert (values < 0).all()
        assert values.arg_max() == 3  # the United States take least
