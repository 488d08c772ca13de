"""First order and closed form: against finite differences of the solver, by hand, and what must hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium, UnknownLabel
from betweengiants.trade import (
    Rationed,
    SectorMatrix,
    TradeMatrix,
    joint_leverage,
    leverage,
    sector_yardstick,
    severance,
    solve,
    solve_sectors,
)
from betweengiants.trade.scenario import Cell, Scenario
from betweengiants.trade.shapley import joint_table
from betweengiants.trade.yardstick import coalition_table, leverage_table, yardsticks

STEP = 1e-4
YARDSTICKS = ["first_order_change_pct", "closed_form_change_pct"]
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


@pytest.mark.parametrize("rule", ["additive", "multiplicative"])
@pytest.mark.parametrize("horizon", ["short", "long"])
def test_first_order_where_a_country_makes_or_needs_nothing_of_a_sector(make_sectors, rule, horizon):
    """C1 makes no s2; C2 neither makes nor buys s0. Sectors differ in theta, and only some are cut."""
    world = make_sectors(9)
    flows, (_, gamma) = world.flows.copy(), (0.5 * shares for shares in world.cost_shares)
    flows[1, :, 2] = flows[2, :, 0] = flows[:, 2, 0] = 0.0
    gamma[2, 0, :] = 0.0
    matrix = SectorMatrix(world.labels, world.sectors, flows, 1 - gamma.sum(axis=1), gamma)
    theta = dict(zip(world.sectors, (2.0, 3.0, 5.0), strict=True))
    cut = severance([("C0", "C1")], sectors=["s0", "s2"])

    def weaker(eps):
        cells = (c._replace(cost_factor=(1 - eps) ** (-1 / theta[c.sector])) for c in cut.cells)
        return Scenario("weaker", tuple(cells))

    steps = [weaker(eps) for eps in (STEP, STEP / 2, STEP / 4)]
    options = {"imbalances": rule, "horizon": horizon}
    changes = solve_sectors(matrix, steps, list(theta.values()), **options).welfare_change
    found = yardsticks(matrix, cut, list(theta.values()), **options)
    assert found.first_order[0] == pytest.approx(richardson(np.log1p(changes)), rel=1e-6, abs=1e-8)


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


def alike(size, home, sectors=None):
    """Countries that are all alike: what hits all pairs alike moves no factor price."""
    flows = np.full((size, size), 1.0) + (home - 1) * np.eye(size)
    labels = tuple(f"C{k}" for k in range(size))
    if sectors is None:
        return TradeMatrix(labels, flows)
    va = np.full((size, 2), 0.6)
    gamma = np.broadcast_to(np.array([[0.1, 0.25], [0.3, 0.15]]), (size, 2, 2))
    return SectorMatrix(labels, ("s0", "s1"), flows[:, :, None] * np.array([0.4, 0.6]), va, gamma)


def everywhere(labels, factor):
    pairs = [(a, b) for a in labels for b in labels if a != b]
    return Scenario("everywhere", tuple(Cell(a, b, factor) for a, b in pairs))


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("factor", [1.0, 1.01, 2.0, 1e6])
def test_where_no_factor_price_moves_the_closed_form_is_the_equilibrium(horizon, factor):
    one, many = alike(4, 6.0), alike(4, 6.0, sectors=2)
    shock = everywhere(one.labels, factor)
    exact = solve(one, shock, 4.0).welfare_change
    assert yardsticks(one, shock, 4.0).closed_form == pytest.approx(exact, abs=1e-11)
    exact = solve_sectors(many, shock, 3.0, horizon=horizon).welfare_change
    assert yardsticks(many, shock, 3.0, horizon=horizon).closed_form == pytest.approx(exact, abs=1e-11)


@few
@given(seed=seeds, rule=st.sampled_from(RULES), horizon=st.sampled_from(["short", "long"]))
def test_the_error_of_first_order_is_of_second_order(make_sectors, seed, rule, horizon):
    """Half the shock, a quarter of the error."""
    matrix, theta, cut = make_sectors(seed), 3.0, severance([("C0", "C1"), ("C0", "C2")])
    shocks = [weakened(cut, theta, eps) for eps in (2e-3, 1e-3)]
    found = yardsticks(matrix, shocks, theta, imbalances=rule, horizon=horizon).first_order
    exact = solve_sectors(matrix, shocks, theta, imbalances=rule, horizon=horizon).welfare_change
    large, small = np.abs(found - np.log1p(exact))
    assert (small <= large / 3.5 + 1e-10).all()
    assert large.max() < 1e-4


def test_many_scenarios_are_measured_like_single_ones(make_sectors):
    matrix = make_sectors(8)
    cuts = [severance([("C0", other)]) for other in ("C1", "C2", "C3")]
    together = yardsticks(matrix, cuts, 2.5, horizon="short")
    for s, cut in enumerate(cuts):
        alone = yardsticks(matrix, cut, 2.5, horizon="short")
        assert together.first_order[s] == pytest.approx(alone.first_order[0], abs=1e-12)
        assert together.closed_form[s] == pytest.approx(alone.closed_form[0], abs=1e-12)


def test_blocks_of_scenarios_do_not_matter(make_sectors, monkeypatch):
    matrix = make_sectors(8)
    cuts = [severance([("C0", "C1")]), Scenario("nothing", ()), severance([("C2", "C3")], one_way=True)]
    whole = yardsticks(matrix, cuts, 2.5)
    monkeypatch.setattr(sector_yardstick, "CHUNK", 1)
    one_by_one = yardsticks(matrix, cuts, 2.5).closed_form
    np.testing.assert_allclose(one_by_one, whole.closed_form, atol=1e-14)
    assert np.abs(whole.first_order[1]).max() == 0
    assert np.abs(whole.closed_form[1]).max() < 1e-15


@pytest.mark.parametrize("sectors", [False, True])
def test_caps_have_no_yardstick(make_world, make_sectors, sectors):
    capped = Scenario("capped", (Cell("C0", "C1", 1.0, 0.5, None),))
    matrix = make_sectors(2) if sectors else make_world(2)
    found = yardsticks(matrix, [capped, severance([("C0", "C1")])], 4.0)
    assert np.isnan(found.first_order[0]).all()
    assert np.isnan(found.closed_form[0]).all()
    assert np.isfinite(found.first_order[1]).all()
    assert found.frame(0)["closed_form_change_pct"].null_count() == len(matrix.labels)
    assert found.notes() == (
        "note: no yardsticks for scenario 'capped': they do not cover caps on quantities.",
    )


def test_a_cap_of_zero_is_a_severance_and_one_of_1_is_none(make_world):
    ends = Scenario("ends", (Cell("C0", "C1", 1.0, 0.0), Cell("C1", "C0", 1.0, 1.0)))
    matrix = make_world(2)
    found = yardsticks(matrix, [ends, severance([("C0", "C1")], one_way=True)], 4.0)
    assert found.notes() == ()
    np.testing.assert_array_equal(found.first_order[0], found.first_order[1])
    np.testing.assert_array_equal(found.closed_form[0], found.closed_form[1])


def test_rationing_is_named(make_sectors):
    world = make_sectors(4)
    flows = world.flows.copy()
    flows[0, 0, 0] = flows[2, 0, 0] = flows[3, 0, 0] = 0.0
    matrix = SectorMatrix(world.labels, world.sectors, flows)
    found = yardsticks(matrix, severance([("C0", "C1")]), 3.0)
    assert isinstance(found.problems[0], Rationed)
    assert found.problems[0].needs == (("C0", "s0"),)
    assert np.isnan(found.closed_form[0]).all()
    assert np.isfinite(found.first_order[0]).all()
    (note,) = found.notes()
    assert note.startswith("note: no closed form: scenario 'C0:C1'")
    assert "C0: s0" in note


def test_next_to_nothing_left_keeps_its_digits():
    """A buys 1e-13 of its goods at home: 1 less what is lost would have no digits left."""
    home, theta = 1e-13, 4.0
    matrix = TradeMatrix(("A", "B"), np.array([[home, 0.5], [1.0, 9.0]]))
    found = yardsticks(matrix, severance([("A", "B")]), theta)
    assert 1 + found.closed_form[0, 0] == pytest.approx((home / (1 + home)) ** (1 / theta), rel=1e-9)


@pytest.mark.parametrize("sectors", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"theta": 0.0}, "elasticity 0; allowed: finite numbers above 0"),
        ({"theta": math.nan}, "elasticity nan"),
        ({"theta": [1.0, 2.0]}, "elasticities of shape"),
        ({"imbalances": "none"}, "imbalances 'none'"),
        ({"horizon": "medium"}, "horizon 'medium'"),
        ({"scenarios": []}, "no scenario"),
    ],
)
def test_bad_arguments_are_refused(make_world, make_sectors, sectors, arguments, message):
    matrix = make_sectors(2) if sectors else make_world(2)
    given = {"scenarios": severance([("C0", "C1")]), "theta": 4.0} | arguments
    with pytest.raises(DataError, match=message):
        yardsticks(matrix, **given)


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


def test_leverage_with_sectors_has_yardsticks_of_both_sides(make_sectors):
    matrix, theta = make_sectors(7), [2.0, 3.0, 4.0]
    found = leverage(matrix, ["C1", "C2"], ["C0", "C3"], theta, horizon="short")
    table = leverage_table(matrix, found, theta, horizon="short")
    for row in table.iter_rows(named=True):
        at = [matrix.labels.index(row[name]) for name in ("focal", "power")]
        own = yardsticks(matrix, severance([(row["focal"], row["power"])]), theta, horizon="short")
        for name, place in (("", at[0]), ("power_", at[1])):
            assert row[f"{name}first_order_change_pct"] == pytest.approx(100 * own.first_order[0, place])
            assert row[f"{name}closed_form_change_pct"] == pytest.approx(100 * own.closed_form[0, place])


def test_coalitions_have_yardsticks_too(make_world):
    matrix = make_world(6)
    joint = joint_leverage(matrix, "C0", ["C1", "C2"], 4.0)
    table = coalition_table(matrix, joint, 4.0)
    assert table.drop(YARDSTICKS).equals(joint_table(joint))
    both = yardsticks(matrix, severance([("C0", "C1"), ("C0", "C2")]), 4.0)
    for name, values in zip(YARDSTICKS, (both.first_order, both.closed_form), strict=True):
        assert table[name][2] == pytest.approx(100 * values[0, 0])


def test_the_dossiers_matrix(kazakhstan):
    """On the 22 regions the yardsticks have the sign and the order of the equilibrium."""
    from betweengiants.trade import read_flows

    matrix = read_flows(kazakhstan)
    table = leverage_table(matrix, leverage(matrix, ["RUS", "CHN", "EU27", "USA"], ["KAZ"], 4.0), 4.0)
    for name in ("welfare", "first_order", "closed_form"):
        values = table[f"{name}_change_pct"]
        assert (values < 0).all()
        assert values.arg_max() == 3  # the United States take least
