"""Worlds that fall apart, imbalances that cannot be met, and results that check themselves."""

import dataclasses
import math

import numpy as np
import pytest

from betweengiants.core.errors import DataError, NoEquilibrium, NotConverged, UnknownLabel
from betweengiants.trade import (
    Cell,
    Scenario,
    SectorMatrix,
    TradeMatrix,
    autarky_loss,
    coalition,
    severance,
    solve,
    solve_sectors,
)
from betweengiants.trade.arrays import Economy
from betweengiants.trade.newton import Dense, evaluate, jacobian


def join(first, second):
    """Two worlds side by side, without trade between them."""
    size = len(first.labels) + len(second.labels)
    flows = np.zeros((size, size))
    flows[: len(first.labels), : len(first.labels)] = first.flows
    flows[len(first.labels) :, len(first.labels) :] = second.flows
    return TradeMatrix(first.labels + tuple(f"X{label}" for label in second.labels), flows)


@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_two_separate_worlds_do_not_touch_each_other(make_world, rule):
    one, two = make_world(1, 4), make_world(2, 3)
    both = join(one, two)
    shock = severance([("C0", "C1")])
    together, alone = solve(both, shock, 3.0, imbalances=rule), solve(one, shock, 3.0, imbalances=rule)
    np.testing.assert_allclose(together.welfare_change[0, :4], alone.welfare_change[0], atol=1e-11)
    np.testing.assert_allclose(together.exports_change[0, :4], alone.exports_change[0], atol=1e-11)
    np.testing.assert_allclose(together.welfare_change[0, 4:], 0, atol=1e-12)


def test_a_severance_that_splits_the_world(make_world, published):
    """Each part is a world of its own, its imbalances shifted in proportion to output."""
    world, theta = make_world(6, 5), 4.0
    parts = [0, 1], [2, 3, 4]
    cut = severance([(world.labels[a], world.labels[b]) for a in parts[0] for b in parts[1]])
    result = solve(world, [Scenario("empty", ()), cut], theta)
    output, spending = world.flows.sum(axis=1), world.flows.sum(axis=0)
    cost = np.full((5, 5), math.inf)
    for part in parts:
        cost[np.ix_(part, part)] = 1.0
    for part in parts:
        # The part alone: shares of the whole spending, so that what is lost shows in the price.
        own = spending[part] - output[part]
        imbalance = own - output[part] * own.sum() / output[part].sum()
        share = (world.flows / spending)[np.ix_(part, part)]
        wage, phi = np.ones(len(part)), np.ones(len(part))
        for _ in range(20_000):
            spent = output[part] * wage + imbalance
            wage = ((share @ (spent / phi)) / output[part]) ** (1 / (1 + theta))
            wage *= output[part].sum() / (output[part] * wage).sum()
            phi = share.T @ wage**-theta
        welfare = (output[part] * wage + imbalance) / spending[part] * phi ** (1 / theta)
        np.testing.assert_allclose(result.welfare_change[1, part], welfare - 1, atol=1e-9)
    assert not result.isolated.any()


def test_isolated_country_in_an_unbalanced_world(make_world):
    """The imbalance is dropped; the rest of the world goes on, and its own imbalances add up to zero."""
    world = make_world(9, 5)
    others = [label for label in world.labels if label != "C1"]
    result = solve(world, [severance([("C0", "C2")]), coalition("C1", others)], 4.0)
    assert -result.welfare_change[1, 1] == pytest.approx(autarky_loss(world, 4.0)[1], abs=1e-14)
    assert result.imports_change[1, 1] == -1
    after = result.flows_after(1)
    assert after[1].sum() == after[1, 1] == pytest.approx(world.flows[1].sum())
    rest = [0, 2, 3, 4]
    income = world.flows.sum(axis=1)[rest] * (1 + result.income_change[1, rest])
    np.testing.assert_allclose(after[rest].sum(axis=1), income, rtol=1e-10)
    own = (world.flows.sum(axis=0) - world.flows.sum(axis=1))[rest]
    shift = world.flows.sum(axis=1)[rest] * own.sum() / world.flows.sum(axis=1)[rest].sum()
    np.testing.assert_allclose(result.spending[1, rest] - income, own - shift, atol=1e-9)


def test_everyone_isolated(make_world):
    world = make_world(2, 4)
    cut = severance([(a, b) for a in world.labels for b in world.labels if a < b])
    result = solve(world, cut, 2.0)
    assert result.isolated.all()
    np.testing.assert_allclose(-result.welfare_change[0], autarky_loss(world, 2.0), atol=1e-14)


def test_a_country_isolated_from_the_start_loses_nothing():
    world = TradeMatrix(("A", "B", "C"), np.array([[9.0, 1, 0], [2, 8, 0], [0, 0, 5]]))
    result = solve(world, severance([("A", "C")]), 4.0)
    np.testing.assert_allclose(result.welfare_change, 0, atol=1e-12)
    np.testing.assert_allclose(result.exports_change, 0, atol=1e-12)


def surplus_world():
    """A sells far more to B than it buys from anyone."""
    return TradeMatrix(("A", "B", "C"), np.array([[10.0, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]]))


def test_spending_that_would_be_negative_names_the_state():
    with pytest.raises(NoEquilibrium, match="A:B") as caught:
        solve(surplus_world(), severance([("A", "B")]), 1.0)
    assert caught.value.states == ("A",)
    assert caught.value.exit_code == 3
    solved = solve(surplus_world(), severance([("A", "B")]), 1.0, imbalances="balanced")
    assert solved.welfare_change[0, 0] < 0


def test_marked_failures_leave_the_others_alone():
    world = surplus_world()
    both = solve(world, [severance([("A", "B")]), severance([("B", "C")])], 1.0, on_failure="mark")
    alone = solve(world, severance([("B", "C")]), 1.0)
    assert isinstance(both.problems[0], NoEquilibrium)
    assert both.problems[1] is None
    assert np.isnan(both.welfare_change[0]).all()
    np.testing.assert_allclose(both.welfare_change[1], alone.welfare_change[0], atol=1e-12)


@pytest.mark.parametrize("rule", ["additive", "balanced"])
def test_selling_without_buying_is_refused(rule):
    """A country with a deficit cannot lose all imports and keep its exports."""
    world = TradeMatrix(("A", "B", "C"), np.array([[20.0, 3, 3], [4, 30, 3], [4, 3, 30]]))
    cut = severance([("B", "A"), ("C", "A")], one_way=True)
    with pytest.raises(NoEquilibrium) as caught:
        solve(world, cut, 4.0, imbalances=rule)
    assert "A" in caught.value.states


def test_selling_without_buying_with_a_surplus_is_solved(published):
    """A's fixed surplus equals its exports, whatever they are worth."""
    flows = np.array([[20.0, 5, 5], [1, 30, 3], [1, 3, 30]])
    world = TradeMatrix(("A", "B", "C"), flows)
    result = solve(world, severance([("B", "A"), ("C", "A")], one_way=True), 2.0)
    after = result.flows_after(0)
    assert after[0, 1] + after[0, 2] == pytest.approx(8.0, rel=1e-9)
    cost = np.ones((3, 3))
    cost[1:, 0] = math.inf
    expected = published(flows, cost, 2.0)
    np.testing.assert_allclose(result.welfare_change[0], expected.welfare - 1, atol=1e-9)


@pytest.mark.parametrize("theta", [1.0, 4.0, 9.0])
def test_one_way_trade_that_pays_for_the_imbalance(theta):
    """B only sells and A only buys, as their imbalances ask for: what is sold is the imbalance, however dear."""
    world = TradeMatrix(("A", "B"), np.array([[27.72, 1.3], [7.68, 16.74]]))
    result = solve(world, Scenario("one way", (Cell("A", "B", math.inf), Cell("B", "A", 3.0))), theta)
    after = result.flows_after(0)
    assert after[1, 0] == pytest.approx(7.68 - 1.3, rel=1e-9)
    # A's prices follow from the shares that this value implies.
    share = after[1, 0] / after[:, 0].sum()
    wage = 1 + result.income_change[0]
    home = 27.72 / (27.72 + 7.68)
    price = wage[0] * (home / (1 - share)) ** (-1 / theta)
    assert result.price_change[0, 0] == pytest.approx(price - 1, abs=1e-9)


def test_iterations_that_run_out_are_reported(wiod, monkeypatch):
    from betweengiants.trade import batch

    monkeypatch.setattr(batch, "ITERATIONS", 1)
    with pytest.raises(NotConverged, match="CHN:USA") as caught:
        solve(wiod, severance([("CHN", "USA")]), 4.0, max_iterations=1)
    assert caught.value.residual > 1e-11


def test_dense_solver_agrees_with_the_batch(wiod, monkeypatch):
    from betweengiants.trade import batch

    cases = [severance([("CHN", "USA")]), coalition("IRL", ["USA", "GBR", "DEU"])]
    for rule in ("additive", "multiplicative", "balanced"):
        quick = solve(wiod, cases, 1.5, imbalances=rule)
        with monkeypatch.context() as patch:
            patch.setattr(batch, "ITERATIONS", 1)
            slow = solve(wiod, cases, 1.5, imbalances=rule)
        np.testing.assert_allclose(quick.welfare_change, slow.welfare_change, atol=1e-10)


@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_jacobian_equals_finite_differences(make_world, rule):
    economy = Economy.from_flows(make_world(11, 6).flows)
    fixed = (economy.spending - economy.output) * (rule == "additive")
    problem = Dense(economy.share, economy.output, economy.spending, fixed, 2.3, rule)
    state = evaluate(problem, np.random.default_rng(0).normal(0, 0.3, 6))
    exact, step = jacobian(problem, state), 1e-6
    earned = economy.output * np.exp(state.x)
    for k in range(6):
        # Moves that keep world output: the direction k less its part along a common rise of all x.
        move = np.eye(6)[k] - earned[k] / earned.sum()
        numeric = (
            evaluate(problem, state.x + step * move).gap - evaluate(problem, state.x - step * move).gap
        ) / (2 * step)
        np.testing.assert_allclose(exact @ move, numeric, atol=1e-7)


def test_little_that_remains_of_much_keeps_its_digits():
    """Nearly all that C3 buys comes from C2 and becomes dear: a difference of large numbers loses digits."""
    flows = np.array(
        [
            [26.38, 0.904, 0.617, 0, 0, 0],
            [1.483, 0.768, 0, 1.033, 0, 0.17],
            [2.443, 1.408, 2.809, 127.95, 1.115, 0.0173],
            [2.064, 0, 0.575, 7.512, 0, 6.366],
            [20.84, 0.0145, 3.19, 1.128, 3.395, 0.735],
            [0, 0, 0.246, 1.554, 0.202, 4.248],
        ]
    )
    world = TradeMatrix(tuple(f"C{k}" for k in range(6)), flows)
    result = solve(world, Scenario("dear", (Cell("C2", "C3", 4.0),)), 9.0, imbalances="multiplicative")
    np.testing.assert_allclose(result.flows_after(0).sum(axis=0), result.spending[0], rtol=1e-12)


def test_results_check_themselves(make_world):
    result = solve(make_world(1), severance([("C0", "C1")]), 4.0)
    with pytest.raises(ValueError, match="world exports and world imports"):
        dataclasses.replace(result, exports_change=result.exports_change + 0.01)
    with pytest.raises(ValueError, match="not finite"):
        dataclasses.replace(result, welfare_change=result.welfare_change * np.nan)
    with pytest.raises(ValueError, match="shape"):
        dataclasses.replace(result, income_change=result.income_change[:, :2])


def test_frames_have_the_contract_columns(make_world):
    world = make_world(1)
    result = solve(world, [severance([("C0", "C1")]), severance([("C0", "C2")])], 4.0)
    table = result.frame(1)
    assert table.columns == [
        "country",
        "welfare_change_pct",
        "income_change_pct",
        "price_change_pct",
        "exports_change_pct",
        "imports_change_pct",
    ]
    assert table["country"].to_list() == list(world.labels)
    np.testing.assert_array_equal(table["welfare_change_pct"], 100 * result.welfare_change[1])
    flows = result.bilateral(1)
    assert flows.columns == ["exporter", "importer", "value_before", "value_after"]
    row = flows.row(1 * 5 + 3)
    assert row[:3] == ("C1", "C3", world.flows[1, 3])
    cut = flows.filter((flows["exporter"] == "C0") & (flows["importer"] == "C2"))
    assert cut["value_after"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": 0.0}, "elasticity 0; allowed: finite numbers above 0"),
        ({"theta": math.inf}, "elasticity inf"),
        ({"theta": math.nan}, "elasticity nan"),
        ({"theta": [1.0, 2.0]}, "elasticities of shape"),
        ({"imbalances": "none"}, "allowed: additive, multiplicative, balanced"),
        ({"tolerance": 1e-9}, "at most 1e-10"),
        ({"scenarios": []}, "no scenario"),
    ],
)
def test_options_out_of_range_are_refused(make_world, change, message):
    arguments = {"scenarios": [severance([("C0", "C1")])], "theta": 4.0} | change
    with pytest.raises(DataError, match=message):
        solve(make_world(1), **arguments)


def test_balanced_takes_one_theta(make_world):
    cases = [severance([("C0", "C1")]), severance([("C0", "C2")])]
    with pytest.raises(DataError, match="one elasticity"):
        solve(make_world(1), cases, [4.0, 5.0], imbalances="balanced")


def test_unknown_country_is_refused_with_the_nearest(make_world):
    with pytest.raises(UnknownLabel, match="unknown country 'C00'; allowed: did you mean C0"):
        solve(make_world(1), Scenario("wrong", (Cell("C1", "C00", 2.0),)), 4.0)


SURPLUS = np.array([[77, 22.999, 0.001], [19.999, 1000, 50], [0.001, 50, 300]])
"""K is left with one thin link and must pay a surplus over it: its wage falls to a seventh (checked with 60 digits)."""


def test_a_wage_that_must_fall_far_is_found():
    world = TradeMatrix(("K", "P", "T"), SURPLUS)
    result = solve(world, severance([("K", "P")]), 4.0)
    assert 1 + result.income_change[0] == pytest.approx([0.1447, 1.0611, 1.0577], abs=5e-5)
    assert result.welfare_change[0, 0] == pytest.approx(-0.2286, abs=5e-5)
    assert result.residual[0] <= 1e-11
    many = SectorMatrix(world.labels, ("all",), SURPLUS[:, :, None])
    sectors = solve_sectors(many, severance([("K", "P")]), 4.0)
    np.testing.assert_allclose(sectors.welfare_change, result.welfare_change, atol=1e-9)


def test_a_surplus_beyond_the_border_names_its_state():
    flows = SURPLUS.copy()
    flows[1, 0] = 11.5  # K buys less from P: its surplus, 11.5 % of output, is more than it can pay
    with pytest.raises(NoEquilibrium, match=r"\(K\)") as caught:
        solve(TradeMatrix(("K", "P", "T"), flows), severance([("K", "P")]), 4.0)
    assert caught.value.states == ("K",)


def test_dearer_one_way_trade_that_still_pays_the_imbalance():
    """A only sells to B; at four times the cost its wage falls until B's deficit is met again."""
    world = TradeMatrix(("A", "B"), np.array([[4.5, 0.28], [0.0, 32.6]]))
    result = solve(world, Scenario("dearer", (Cell("A", "B", 4.0),)), 4.0)
    assert 1 + result.income_change[0, 0] == pytest.approx(0.2833, abs=5e-5)


def test_prices_beyond_the_range_of_numbers_are_named(make_world):
    with pytest.raises(NoEquilibrium, match="range of numbers"):
        solve(make_world(1), severance([("C0", "C1")]), 1e-9)


def test_flows_too_large_to_add_up_are_refused():
    with pytest.raises(DataError, match="too large"):
        TradeMatrix(("A", "B"), np.full((2, 2), 1e308))


def test_a_tiny_country_that_is_cut_off_loses_all_its_trade():
    flows = np.array([[1e-17, 2e-18, 0.0], [2e-18, 700.0, 30.0], [0.0, 30.0, 700.0]])
    result = solve(TradeMatrix(("A", "B", "C"), flows), severance([("A", "B")]), 4.0)
    assert result.exports_change[0, 0] == result.imports_change[0, 0] == -1.0
