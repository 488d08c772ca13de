"""First-order exposures are the derivative of the exact model; look-through exposure by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium, UnknownLabel
from betweengiants.trade import (
    Cell,
    Scenario,
    SectorMatrix,
    TradeMatrix,
    exposures,
    read_flows,
    sector_exposures,
    solve,
    solve_sectors,
)
from betweengiants.trade.lookthrough import extraction, leontief, look_through

RULES = ("multiplicative", "additive", "balanced")
STEP = 0.01


def dearer(labels, sellers, step):
    """All sales of some countries cost exp(step) times as much, domestic ones included."""
    return Scenario("dearer", tuple(Cell(a, b, math.exp(step)) for a in sellers for b in labels))


def derivative(world, theta, rule, shocked=None):
    """(N, k) log derivatives of income and welfare by central differences of the exact model, extrapolated twice.

    Costs can only rise: more productivity in one country is less of it in all others, less the same change everywhere,
    which moves welfare one for one and nothing else.
    """
    chosen = world.labels if shocked is None else shocked
    orders = []
    for step in (STEP, STEP / 2, STEP / 4):
        cases = []
        for label in chosen:
            others = [o for o in world.labels if o != label]
            cases += [dearer(world.labels, others, step), dearer(world.labels, [label], step)]
        # Economies that the removal of imbalances leaves are the same for all of them.
        result = solve(world, cases, theta, imbalances=rule)
        income, welfare = np.log1p(result.income_change), np.log1p(result.welfare_change)
        slope = [(v[0::2] + up - v[1::2]) / (2 * step) for v, up in ((income, 0), (welfare, step))]
        orders.append(np.array([s.T for s in slope]))
    first, second = ((4 * fine - rough) / 3 for rough, fine in pairwise(orders))
    return (16 * second - first) / 15


@st.composite
def economies(draw):
    size = draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    flows = generator.lognormal(0, draw(st.sampled_from([0.3, 1.2])), (size, size))
    flows[generator.random((size, size)) < draw(st.sampled_from([0.0, 0.2]))] = 0.0
    # A ring of trade keeps the world in one piece.
    ring = np.roll(np.eye(size), 1, axis=1)
    home = np.diag(generator.uniform(2, draw(st.sampled_from([5, 60])), size))
    return TradeMatrix(tuple(f"C{k}" for k in range(size)), flows + ring + ring.T + home)


@settings(max_examples=25)
@given(economies(), st.sampled_from([0.7, 2.0, 4.0, 8.0]), st.sampled_from(RULES))
def test_exposures_are_the_derivative_of_the_exact_model(world, theta, rule):
    found = exposures(world, theta, imbalances=rule)
    income, welfare = derivative(world, theta, rule)
    np.testing.assert_allclose(found.W, income, atol=1e-6)
    np.testing.assert_allclose(found.U, welfare, atol=1e-6)


@settings(max_examples=40)
@given(economies(), st.sampled_from([0.3, 4.0, 12.0]), st.sampled_from(RULES))
def test_what_must_hold_in_every_world(world, theta, rule):
    found = exposures(world, theta, imbalances=rule)
    assert found.checks.largest < 1e-10
    np.testing.assert_allclose(found.S.sum(axis=1), 1)
    np.testing.assert_allclose(found.T.sum(axis=1), 1)
    np.testing.assert_allclose(found.W.sum(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(found.U.sum(axis=1), 1, atol=1e-10)
    np.testing.assert_allclose(found.output @ found.W, 0, atol=1e-10)


@settings(max_examples=20)
@given(economies(), st.randoms(use_true_random=False), st.sampled_from([1e-6, 1e9]))
def test_names_order_and_units_do_not_matter(world, random, unit):
    order = list(range(len(world.labels)))
    random.shuffle(order)
    turned = TradeMatrix(tuple(world.labels[k] for k in order), unit * world.flows[np.ix_(order, order)])
    one, other = exposures(world), exposures(turned)
    np.testing.assert_allclose(other.U, one.U[np.ix_(order, order)], atol=1e-11)
    np.testing.assert_allclose(other.W, one.W[np.ix_(order, order)], atol=1e-11)


@pytest.mark.parametrize("rule", RULES)
def test_the_dossier_matrix_against_the_solver(kazakhstan, rule):
    world = read_flows(kazakhstan)
    found = exposures(world, 4.0, imbalances=rule)
    shocked = ["KAZ", "RUS", "CHN"]
    columns = [world.labels.index(label) for label in shocked]
    income, welfare = derivative(world, 4.0, rule, shocked)
    np.testing.assert_allclose(found.W[:, columns], income, atol=1e-6)
    np.testing.assert_allclose(found.U[:, columns], welfare, atol=1e-6)


def test_two_equal_countries_by_hand():
    """Home share h, s = 1 - h. T = S, and on the vector (1, -1) T S has the eigenvalue (1 - 2s)^2 =: e.

    W has rows that sum to 0, so it is w (1 -1; -1 1) / 2 with w = theta (1 - e) / (1 + theta - (1 - 2s) - theta e):
    the market-size term V takes ((1-2s) + theta e)/(1 + theta), and M = T S - I takes e - 1.
    """
    theta, s = 4.0, 0.25
    flows = np.array([[1 - s, s], [s, 1 - s]])
    found = exposures(TradeMatrix(("A", "B"), flows), theta)
    e = (1 - 2 * s) ** 2
    w = theta * (1 - e) / (1 + theta - (1 - 2 * s) - theta * e)
    # e = 1/4 and w = 3 / (4.5 - 1) = 6/7, so that W = 3/7 (1 -1; -1 1).
    assert w == pytest.approx(6 / 7)
    np.testing.assert_allclose(found.W, w / 2 * np.array([[1, -1], [-1, 1]]), atol=1e-14)
    # (I - S) halves the vector (1, -1): 2 s = 1/2. U = 3/14 (1 -1; -1 1) + S.
    np.testing.assert_allclose(found.U, 3 / 14 * np.array([[1, -1], [-1, 1]]) + flows, atol=1e-14)


def test_balanced_worlds_are_the_same_under_every_rule(make_world):
    world = make_world(5, 5, balanced=True)
    results = [exposures(world, 3.0, imbalances=rule) for rule in RULES]
    for other in results[1:]:
        np.testing.assert_allclose(other.U, results[0].U, atol=1e-9)
        np.testing.assert_allclose(other.W, results[0].W, atol=1e-9)


def test_frame_is_by_country_and_shock(make_world):
    found = exposures(make_world(1, 3))
    table = found.frame()
    assert table.columns == ["country", "shocked", "income_effect", "welfare_effect"]
    assert table.select("country", "shocked").rows()[:4] == [
        ("C0", "C0"),
        ("C0", "C1"),
        ("C0", "C2"),
        ("C1", "C0"),
    ]
    assert table.row(3)[3] == found.U[1, 0]
    assert found.frame(["C2"])["welfare_effect"].to_list() == found.U[2].tolist()
    with pytest.raises(UnknownLabel, match="C3"):
        found.frame(["C3"])


def test_a_world_in_pieces_is_named():
    flows = np.diag([5.0, 5, 5, 5])
    flows[0, 1] = flows[1, 0] = flows[2, 1] = 1.0
    with pytest.raises(NoEquilibrium, match=r"pieces that do not trade .* \(D\)"):
        exposures(TradeMatrix(("A", "B", "C", "D"), flows))


@pytest.mark.parametrize("theta", [0, -1, math.nan, math.inf])
def test_a_bad_elasticity_is_refused(make_world, theta):
    with pytest.raises(DataError, match="elasticity"):
        exposures(make_world(1, 3), theta)


def test_an_unknown_rule_is_refused(make_world):
    with pytest.raises(DataError, match="imbalances 'none'"):
        exposures(make_world(1, 3), imbalances="none")


# Look-through: B sells 0.3 of A's output value to A; C sells 0.5 to B; A and B add 0.7 and 0.5, C adds 1.
CHAIN = np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.5, 0]])


def test_a_chain_by_hand():
    """A buys nothing from C, but B's part of A contains C: 0.3 x 0.5 = 0.15."""
    found = look_through(CHAIN, ["A", "B", "C"], "C")
    np.testing.assert_allclose(found.face_value, [0, 0.5, 0])
    np.testing.assert_allclose(found.full, [0.15, 0.5, 0])
    np.testing.assert_allclose(found.value_added, [0.15, 0.5, 1])
    from_b = look_through(CHAIN, ["A", "B", "C"], "B")
    np.testing.assert_allclose(from_b.full, [0.3, 0, 0])
    np.testing.assert_allclose(from_b.value_added, [0.15, 0.5, 0])


def test_a_loop_by_hand():
    """A = B = 1/2 of each other: L = 1/(1 - 1/4) (1 1/2; 1/2 1), so that the loop adds a third to everything."""
    a = np.array([[0, 0.5], [0.5, 0]])
    np.testing.assert_allclose(leontief(a), 4 / 3 * np.array([[1, 0.5], [0.5, 1]]))
    found = look_through(a, ["A", "B"], "B")
    np.testing.assert_allclose(found.face_value, [0.5, 0])
    np.testing.assert_allclose(found.full, [2 / 3, 1 / 3])
    np.testing.assert_allclose(found.value_added, [1 / 3, 2 / 3])


def test_value_added_of_all_countries_adds_up_to_one():
    draw = np.random.default_rng(3)
    a = draw.random((6, 6)) / 8
    owners = ["A", "A", "B", "B", "C", "C"]
    parts = [look_through(a, owners, power).value_added for power in "ABC"]
    np.testing.assert_allclose(sum(parts), 1)
    for power in "ABC":
        found = look_through(a, owners, power)
        assert (found.full > found.face_value).all()


def test_extraction_by_hand():
    """Final demand: 100 for A's goods at home, 40 for C's goods in A. Without C's links with B, B's inputs vanish from C.

    Before: x = (100, 30, 15 + 40). After a cut of C with B: C makes 40. After a cut of C with all: 0.
    """
    final = np.array([[100.0, 0], [0, 0], [40, 0]])
    owners, buyers = ["A", "B", "C"], ["A", "B"]
    some = extraction(CHAIN, final, owners, buyers, "C", ["B"])
    np.testing.assert_allclose(some.output_before, [100, 30, 55])
    np.testing.assert_allclose(some.output_after, [100, 30, 40])
    np.testing.assert_allclose(some.value_added_before, [70, 15, 55])
    every = extraction(CHAIN, final, owners, buyers, "C")
    np.testing.assert_allclose(every.output_after, [100, 30, 0])
    table = every.frame()
    assert table.columns == ["country", "output_change_pct", "value_added_change_pct"]
    assert table.rows() == [("A", 0, 0), ("B", 0, 0), ("C", -100, -100)]


def test_extraction_both_ways_and_one_way():
    """A and B feed each other 0.5 and each sells 10 at home and 10 to the other; alone, each makes 10."""
    a, f = np.array([[0, 0.5], [0.5, 0]]), np.full((2, 2), 10.0)
    both = extraction(a, f, ["A", "B"], ["A", "B"], "B")
    np.testing.assert_allclose(both.output_before, [40, 40])
    np.testing.assert_allclose(both.output_after, [10, 10])
    # One way: B sells nothing to A. A: 20 + 0.5 x_B, B: 10.
    one = extraction(a, f, ["A", "B"], ["A", "B"], "B", one_way=True)
    np.testing.assert_allclose(one.output_after, [25, 10])
    given_added = extraction(a, f, ["A", "B"], ["A", "B"], "B", value_added=[0.25, 0.5])
    np.testing.assert_allclose(given_added.value_added_after, [2.5, 5])


def test_a_country_that_makes_nothing_has_no_change():
    table = extraction(np.zeros((2, 2)), [[1.0], [0.0]], ["A", "B"], ["A"], "B").frame()
    assert table["output_change_pct"].to_list() == [0, None]


@pytest.mark.parametrize(
    ("a", "message"),
    [
        ([[0.1, 0.2]], "a square matrix"),
        ([[-0.1]], "below 0"),
        ([[math.nan]], "not finite"),
        ([[0.5, 0], [0.6, 0]], "inputs worth 1.1 of the output of producer 0"),
        ([[0, 1.0], [1.0, 0]], "must add some value"),
    ],
)
def test_bad_coefficients_are_refused(a, message):
    with pytest.raises(DataError, match=message):
        leontief(a)


def test_bad_arguments_of_look_through_and_extraction():
    owners = ["A", "B", "C"]
    with pytest.raises(UnknownLabel):
        look_through(CHAIN, owners, "D")
    with pytest.raises(DataError, match="2 labels of producers"):
        look_through(CHAIN, ["A", "B"], "A")
    with pytest.raises(TypeError):
        look_through(CHAIN, "ABC", "A")
    with pytest.raises(DataError, match="value-added coefficients"):
        look_through(CHAIN, owners, "A", [1, 1, 2])
    final = np.ones((3, 2))
    with pytest.raises(DataError, match="final demand of shape"):
        extraction(CHAIN, final[:2], owners, ["A", "B"], "C")
    with pytest.raises(DataError, match="final demand below 0"):
        extraction(CHAIN, -final, owners, ["A", "B"], "C")
    with pytest.raises(DataError, match="among the others"):
        extraction(CHAIN, final, owners, ["A", "B"], "C", ["C"])
    with pytest.raises(UnknownLabel):
        extraction(CHAIN, final, owners, ["A", "B"], "C", ["D"])


@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
@pytest.mark.parametrize("horizon", ["short", "long"])
def test_exposures_with_sectors_are_the_derivative_of_the_solver(make_sectors, rule, horizon):
    """One percent less productivity in C1 is a cost factor on all that it sells, at home too."""
    matrix, theta, step = make_sectors(11), [2.0, 3.0, 5.0], 1e-4
    found = sector_exposures(matrix, theta, imbalances=rule, horizon=horizon)

    def changes(size):
        cells = tuple(Cell("C1", other, 1 + size, 1.0, None) for other in matrix.labels)
        solved = solve_sectors(matrix, Scenario("", cells), theta, imbalances=rule, horizon=horizon)
        return np.stack([np.log1p(solved.income_change[0]), np.log1p(solved.welfare_change[0])])

    def per_log(size):
        return -changes(size) / np.log1p(size)

    derivative = 2 * per_log(step / 2) - per_log(step)
    assert found.W[:, 1] == pytest.approx(derivative[0], rel=1e-6, abs=1e-8)
    assert found.U[:, 1] == pytest.approx(derivative[1], rel=1e-6, abs=1e-8)


def test_one_sector_exposures_are_the_special_case(make_world):
    one = make_world(4)
    many = SectorMatrix(one.labels, ("all",), one.flows[:, :, None])
    for rule in ("additive", "multiplicative", "balanced"):
        a, b = exposures(one, 4.0, imbalances=rule), exposures(many, 4.0, imbalances=rule)
        np.testing.assert_allclose(b.U, a.U, atol=1e-10)
        np.testing.assert_allclose(b.W, a.W, atol=1e-10)
    assert b.frame(["C2"]).columns == a.frame(["C2"]).columns


def test_exposures_take_both_kinds_of_matrices(make_world, make_sectors):
    matrix, theta = make_sectors(3), [2.0, 3.0, 5.0]
    for horizon in ("short", "long"):
        np.testing.assert_array_equal(
            exposures(matrix, theta, horizon=horizon).U, sector_exposures(matrix, theta, horizon=horizon).U
        )
    # With one sector the horizons are the same.
    one = make_world(3)
    np.testing.assert_array_equal(exposures(one, horizon="short").U, exposures(one, horizon="long").U)
    for world in (one, matrix):
        with pytest.raises(DataError, match="horizon 'medium'"):
            exposures(world, horizon="medium")
    with pytest.raises(DataError, match="elasticities of shape"):
        exposures(one, [2.0, 3.0])


def test_without_inputs_everybody_is_one_percent_better_off(make_sectors):
    """One percent more everywhere is one percent more for all; with inputs it is more, for they are made better too."""
    for horizon in ("short", "long"):
        plain = exposures(make_sectors(6, inputs=False), 3.0, horizon=horizon)
        np.testing.assert_allclose(plain.U.sum(axis=1), 1, atol=1e-10)
        np.testing.assert_allclose(plain.W.sum(axis=1), 0, atol=1e-10)
        linked = exposures(make_sectors(6), 3.0, horizon=horizon)
        assert (linked.U.sum(axis=1) > 1.1).all()
