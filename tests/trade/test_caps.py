"""Quantity caps: met exactly where they bind, nothing where they do not, in one sector and in several."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium
from betweengiants.trade import Cell, Scenario, TradeMatrix, severance, solve, solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix

MET = 1e-9
RULES = ("additive", "multiplicative", "balanced")


def as_sectors(world):
    return SectorMatrix(world.labels, ("all",), world.flows[:, :, None])


def check(result, s=0):
    """Delivered quantities from the flows, the cap, and complementarity."""
    after = result.flows_after(s)
    flows = result.matrix.flows
    for cap in result.caps[s]:
        i, j = result.labels.index(cap.exporter), result.labels.index(cap.importer)
        at = (i, j) if flows.ndim == 2 else (i, j, result.matrix.sectors.index(cap.sector))
        cost = 1 + result.income_change[s, i] if flows.ndim == 2 else result.unit_cost[s, i, at[2]]
        own = [c for c in result.scenarios[s].cells if c[:2] == (cap.exporter, cap.importer)]
        (factor,) = [c.cost_factor for c in own if c.sector in (None, cap.sector)]
        quantity = after[at] / flows[at] / (cost * factor * cap.extra_factor)
        assert quantity == pytest.approx(cap.delivered, rel=1e-9)
        assert quantity <= cap.quantity_cap * (1 + MET)
        assert cap.extra_factor >= 1
        if cap.extra_factor > 1 + MET:
            assert quantity == pytest.approx(cap.quantity_cap, rel=MET)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_two_mirror_countries_by_hand(rule, share):
    """Wages stay at 1 by symmetry. With theta = 1, home share h and foreign share f, the price p of what is delivered
    solves q = p^(-2) P with 1/P = h + f/p, that is h p^2 + f p = 1/q."""
    world, q = TradeMatrix(("A", "B"), np.array([[70.0, 30], [30, 70]])), share
    caps = Scenario("caps", (Cell("A", "B", 1.0, q), Cell("B", "A", 1.0, q)))
    result = solve(world, caps, 1.0, imbalances=rule)
    price = (-0.3 + math.sqrt(0.09 + 4 * 0.7 / q)) / 1.4
    assert [cap.extra_factor for cap in result.caps[0]] == pytest.approx([price, price], rel=1e-12)
    np.testing.assert_allclose(result.price_change, 1 / (0.7 + 0.3 / price) - 1, rtol=1e-12)
    np.testing.assert_allclose(result.welfare_change, 0.7 + 0.3 / price - 1, atol=1e-13)
    check(result)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("horizon", ["long", "short"])
def test_caps_are_the_cost_factors_that_meet_them(make_sectors, horizon, rule):
    """The same equilibrium comes out when the extra factors are given as cost factors and nothing is capped."""
    matrix, theta = make_sectors(5), [1.5, 4.0, 3.0]
    cells = (
        Cell("C0", "C1", 1.2, 0.4),
        Cell("C1", "C0", 1.0, 0.7, "s0"),
        Cell("C2", "C1", 1.0, 0.2, "s2"),
        Cell("C3", "C0", math.inf),
        Cell("C1", "C1", 1.0, 0.9, "s1"),
    )
    capped = solve_sectors(matrix, Scenario("caps", cells), theta, horizon=horizon, imbalances=rule)
    check(capped)
    assert sum(cap.extra_factor > 1 for cap in capped.caps[0]) >= 4
    given_factor = {(c.exporter, c.importer, c.sector): c.extra_factor for c in capped.caps[0]}
    plain = [Cell("C3", "C0", math.inf)]
    for a, b, sector in given_factor:
        base = 1.2 if (a, b) == ("C0", "C1") else 1.0
        plain.append(Cell(a, b, base * given_factor[a, b, sector], sector=sector))
    free = solve_sectors(matrix, Scenario("factors", tuple(plain)), theta, horizon=horizon, imbalances=rule)
    np.testing.assert_allclose(capped.welfare_change, free.welfare_change, atol=1e-10)
    np.testing.assert_allclose(capped.flows_after(0), free.flows_after(0), rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_one_sector_caps_in_both_engines(make_world, rule):
    world = make_world(21, 5)
    cases = [
        Scenario("caps", (Cell("C0", "C1", 1.3, 0.3), Cell("C1", "C0", 1.0, 0.6), Cell("C2", "C0", 2.0))),
        severance([("C0", "C3")]),
        Scenario("alone", (*(Cell("C4", f"C{k}", math.inf) for k in range(4)), Cell("C0", "C1", 1, 0.5))),
        Scenario("free", (Cell("C0", "C1", 1.5, 0.999),)),
    ]
    cases[2] = Scenario("alone", (*cases[2].cells, *(Cell(f"C{k}", "C4", math.inf) for k in range(4))))
    one, many = (
        solve(world, cases, 2.5, imbalances=rule),
        solve_sectors(as_sectors(world), cases, 2.5, imbalances=rule),
    )
    for name in ("welfare", "income", "price", "exports", "imports"):
        np.testing.assert_allclose(
            getattr(one, f"{name}_change"), getattr(many, f"{name}_change"), atol=1e-10, rtol=0
        )
    for s in range(4):
        check(one, s)
        np.testing.assert_allclose(one.flows_after(s), many.flows_after(s)[:, :, 0], atol=1e-9)
    assert one.isolated[2, 4]
    assert one.caps[1] == ()
    # 1.5 times the cost already takes the flow below its cap.
    assert one.caps[3][0].extra_factor == 1
    plain = solve(world, Scenario("free", (Cell("C0", "C1", 1.5),)), 2.5, imbalances=rule)
    np.testing.assert_allclose(one.welfare_change[3], plain.welfare_change[0], atol=1e-11)


def test_a_tighter_cap_costs_more_and_ends_in_severance(make_sectors):
    matrix = make_sectors(9)
    caps = [1 - 1e-9, 0.9, 0.5, 0.1, 1e-3, 1e-6, 1e-9]
    cases = [Scenario(f"{q}", (Cell("C0", "C1", 1.0, q), Cell("C1", "C0", 1.0, q))) for q in caps]
    result = solve_sectors(matrix, [*cases, severance([("C0", "C1")])], 2.0)
    for s in range(len(cases)):
        check(result, s)
    factors = np.array([[cap.extra_factor for cap in result.caps[s]] for s in range(len(cases))])
    assert (np.diff(factors, axis=0) > 0).all()
    assert (np.diff(result.welfare_change[:-1, 0]) < 0).all()
    np.testing.assert_allclose(result.welfare_change[0], 0, atol=1e-8)
    np.testing.assert_allclose(result.welfare_change[-2], result.welfare_change[-1], atol=1e-5)


def test_a_cap_of_one_is_no_cap_and_of_zero_is_severance(make_sectors):
    matrix = make_sectors(9)
    cheap = (Cell("C2", "C1", 3.0),)  # what C2 sold, others sell: their flows grow beyond today's quantity
    free = solve_sectors(matrix, Scenario("x", cheap), 4.0)
    same = solve_sectors(matrix, Scenario("x", (*cheap, Cell("C0", "C1", 1.0, 1.0))), 4.0)
    np.testing.assert_array_equal(free.welfare_change, same.welfare_change)
    assert same.caps == ((),)
    held = solve_sectors(matrix, Scenario("x", (*cheap, Cell("C0", "C1", 1.0, 1 - 1e-12))), 4.0)
    assert all(cap.extra_factor > 1 for cap in held.caps[0])
    zero = solve_sectors(matrix, Scenario("x", (Cell("C0", "C1", 1.0, 0.0),)), 4.0)
    cut = solve_sectors(matrix, severance([("C0", "C1")], one_way=True), 4.0)
    np.testing.assert_array_equal(zero.welfare_change, cut.welfare_change)
    np.testing.assert_array_equal(zero.flows_after(0)[0, 1], 0.0)


def test_the_only_supplier_may_be_capped():
    """What cannot be replaced becomes dear; the loss is finite as long as something arrives."""
    flows = np.zeros((2, 2, 2))
    flows[:, :, 0] = [[30, 20], [0, 0]]  # only A makes oil
    flows[:, :, 1] = [[60, 10], [30, 100]]
    matrix = SectorMatrix(("A", "B"), ("oil", "bread"), flows)
    for horizon in ("short", "long"):
        result = solve_sectors(
            matrix, Scenario("valve", (Cell("A", "B", 1.0, 0.2, "oil"),)), 0.8, horizon=horizon
        )
        check(result)
        (cap,) = result.caps[0]
        assert cap.delivered == pytest.approx(0.2, rel=MET)
        assert result.welfare_change[0, 1] < -0.15
    with pytest.raises(NoEquilibrium, match="B: oil"):
        solve_sectors(matrix, Scenario("valve", (Cell("A", "B", 1.0, 0.0, "oil"),)), 0.8)


def test_a_cap_on_nothing_does_nothing(make_world):
    flows = make_world(8, 4).flows.copy()
    flows[1, 3] = 0.0
    world = TradeMatrix(("A", "B", "C", "D"), flows)
    result = solve(world, Scenario("idle", (Cell("B", "D", 1.0, 0.3),)), 4.0)
    np.testing.assert_allclose(result.welfare_change, 0, atol=1e-12)
    assert result.caps == ((),)


def test_caps_outside_their_range_are_refused():
    for cap in (-0.1, 1.1, math.nan):
        with pytest.raises(DataError, match="quantity cap"):
            Scenario("bad", (Cell("A", "B", 1.0, cap),))
    with pytest.raises(DataError, match="severance of A to A"):
        Scenario("bad", (Cell("A", "A", 1.0, 0.0),))


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_many_caps_at_once(make_sectors, data):
    """Any mix of caps, costs and severances, in batches."""
    matrix = make_sectors(data.draw(st.integers(0, 10_000)), 4, 2, inputs=data.draw(st.booleans()))
    pairs = [(a, b, s) for a in matrix.labels for b in matrix.labels for s in matrix.sectors if a != b]
    cases = []
    for k in range(data.draw(st.sampled_from([1, 6]))):
        chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True, min_size=1, max_size=9))
        cells = tuple(
            Cell(
                a,
                b,
                data.draw(st.sampled_from([1.0, 1.3])),
                data.draw(st.sampled_from([0.02, 0.5, 0.9, 1.0])),
                s,
            )
            for a, b, s in chosen
        )
        cases.append(Scenario(f"case {k}", cells))
    result = solve_sectors(
        matrix,
        cases,
        [data.draw(st.sampled_from([0.7, 2.0, 8.0])), 3.0],
        horizon=data.draw(st.sampled_from(["long", "short"])),
        imbalances=data.draw(st.sampled_from(RULES)),
        on_failure="mark",
    )
    for s, problem in enumerate(result.problems):
        assert problem is None or isinstance(problem, NoEquilibrium)
        if problem is None:
            check(result, s)
            assert result.residual[s] <= 1e-11
