"""Closed-form power: limits of the nested CES, the value of diversification, coalitions, and the table of a matrix."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.shapley import joint_premium, shapley
from betweengiants.trade import SectorMatrix, TradeMatrix, import_loss, leverage, read_flows
from betweengiants.trade.power import (
    InelasticBundle,
    closed_form_power,
    coalition_losses,
    diversification_value,
    power_table,
)

WEIGHT, OMEGA, SIGMA = np.array([0.5, 0.3]), np.array([0.4, 0.9]), np.array([3.0, 2.0])


def plain(weight, omega, sigma, rho):
    """The formula as it is printed, what is missing from the weights being untouched."""
    lost = -np.log(1 - omega) / (sigma - 1)
    rest = 1 - weight.sum()
    if rho == 1:
        return (weight * lost).sum()
    return np.log((weight * np.exp((1 - rho) * lost)).sum() + rest) / (1 - rho)


@st.composite
def nests(draw):
    count = draw(st.integers(1, 5))
    draws = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weight = (
        draws.dirichlet(np.ones(count + 1))[:count]
        if draw(st.booleans())
        else draws.dirichlet(np.ones(count))
    )
    return weight, draws.uniform(0, 0.99, count), 1 + draws.lognormal(0, 1, count)


@given(nests(), st.sampled_from([0.0, 0.3, 0.999, 1.0, 1.001, 2.0, 6.0]))
def test_the_formula_as_printed(nest, rho):
    # Between 0.999 and 1.001 the printed form itself loses three digits.
    assert closed_form_power(*nest, rho) == pytest.approx(plain(*nest, rho), rel=1e-9, abs=1e-12)


@given(nests())
def test_limits_of_the_outer_elasticity(nest):
    weight, omega, sigma = nest
    cobb_douglas = closed_form_power(*nest, 1.0)
    assert cobb_douglas == pytest.approx((weight * -np.log(1 - omega) / (sigma - 1)).sum(), rel=1e-12)
    for rho in (1 - 1e-9, 1 + 1e-9, 1 - 1e-15):
        assert closed_form_power(*nest, rho) == pytest.approx(cobb_douglas, rel=1e-6)
    leontief = np.log((weight * (1 - omega) ** (-1 / (sigma - 1))).sum() + 1 - weight.sum())
    assert closed_form_power(*nest, 0.0) == pytest.approx(leontief, rel=1e-9)


@given(nests(), st.floats(0, 8), st.floats(0, 8))
def test_less_substitution_never_hurts_less(nest, one, other):
    low, high = sorted((one, other))
    assert closed_form_power(*nest, low) >= closed_form_power(*nest, high) - 1e-12


@settings(max_examples=60)
@given(nests(), st.sampled_from([0.0, 0.5, 1.0, 1.7, 5.0]))
def test_value_of_diversification_is_the_slope(nest, rho):
    weight, omega, sigma = nest
    omega = np.clip(omega, 0.02, 0.95)
    value = diversification_value(weight, omega, sigma, rho)
    for k in range(omega.size):
        step = 1e-4 * (1 - omega[k]) * np.eye(omega.size)[k]
        up, down = (closed_form_power(weight, omega + s * step, sigma, rho) for s in (1, -1))
        assert value[k] == pytest.approx((up - down) / (2 * step[k]), rel=1e-5, abs=1e-9)
    if rho == 1:
        np.testing.assert_allclose(value, weight / ((sigma - 1) * (1 - omega)), rtol=1e-12)


def test_by_hand():
    """Half of a bundle of weight 0.2 and sigma 2 is lost: 0.2 ln 2. At rho = 0: ln(0.8 + 0.2 x 2) = ln 1.2."""
    assert closed_form_power([0.2], [0.5], 2.0) == pytest.approx(0.2 * math.log(2), rel=1e-15)
    assert closed_form_power([0.2], [0.5], 2.0, 0.0) == pytest.approx(math.log(1.2), rel=1e-15)
    assert closed_form_power([0.2], [0.5], 2.0) == pytest.approx(float(import_loss(0.5, 0.2, 2.0)))


def test_inner_and_outer_elasticity_alike_are_one_nest():
    """With rho = sigma the bundles do not matter: -ln(1 - share of all spending)/(sigma - 1)."""
    got = closed_form_power(WEIGHT, OMEGA, 3.0, 3.0)
    assert got == pytest.approx(-math.log(1 - (WEIGHT * OMEGA).sum()) / 2, rel=1e-14)


def test_cases_are_computed_at_once():
    omega = np.random.default_rng(1).random((4, 3, 2))
    rho = np.array([0.0, 1.0, 4.0])
    got = closed_form_power(WEIGHT, omega, SIGMA, rho)
    assert got.shape == (4, 3)
    for i in range(4):
        for k in range(3):
            assert got[i, k] == pytest.approx(float(closed_form_power(WEIGHT, omega[i, k], SIGMA, rho[k])))
    assert diversification_value(WEIGHT, omega, SIGMA, rho).shape == (4, 3, 2)
    assert closed_form_power(WEIGHT, OMEGA, SIGMA, rho).shape == (3,)


def test_full_control_is_infinite_only_without_substitutes():
    whole = np.array([1.0, 0.2])
    assert closed_form_power(WEIGHT, whole, SIGMA, 1.0) == np.inf
    assert closed_form_power(WEIGHT, whole, SIGMA, 0.5) == np.inf
    # rho = 3: the bundle of weight 0.5 leaves, 0.2 is home goods, 0.3 x (0.8)^2 of the other.
    assert closed_form_power(WEIGHT, whole, SIGMA, 3.0) == pytest.approx(-math.log(0.2 + 0.3 * 0.8**2) / 2)
    assert closed_form_power([1.0], [1.0], 2.0, 3.0) == np.inf
    assert closed_form_power([0.0, 0.5], whole, SIGMA, 1.0) == pytest.approx(0.5 * -math.log(0.8))
    assert np.isinf(diversification_value(WEIGHT, whole, SIGMA, 1.0)[0])
    assert np.isinf(diversification_value(WEIGHT, whole, SIGMA, 0.5)[0])
    # At rho = sigma the slope at full control is that of one nest: weight/(sigma-1)/(1 - share).
    slope = diversification_value(WEIGHT, whole, 3.0, 3.0)[0]
    assert slope == pytest.approx(0.5 / 2 / (1 - (WEIGHT * whole).sum()), rel=1e-12)
    assert diversification_value(WEIGHT, whole, 2.0, 3.0)[0] == 0


def test_extreme_losses_keep_their_digits():
    """A bundle a thousand times dearer in logs neither overflows nor vanishes."""
    lost = -math.log(1e-3) / 1e-3
    expected = lost + math.log(0.1) / 1
    assert closed_form_power([0.1, 0.9], [0.999, 0.0], 1.001, 0.0) == pytest.approx(expected, rel=1e-9)
    assert closed_form_power([1.0], [0.999], 1.001, 9.0) == pytest.approx(lost, rel=1e-9)
    assert closed_form_power([1e-9], [1e-9], 5.0, 0.5) == pytest.approx(2.5e-19, rel=1e-6)
    assert closed_form_power([0.3, 0.7], [0.0, 0.0], 3.0, 2.0) == 0


def test_coalitions_add_up_what_they_control():
    omega = np.array([[0.3, 0.0], [0.4, 0.5], [0.1, 0.2]])
    losses = coalition_losses(["P", "Q", "R"], WEIGHT, omega, SIGMA)
    assert len(losses) == 7
    for members, loss in losses.items():
        rows = ["PQR".index(p) for p in sorted(members)]
        assert loss == pytest.approx(float(closed_form_power(WEIGHT, omega[rows].sum(axis=0), SIGMA)))
    # Together more than the parts: powers are super-additive in closed form at rho = 1.
    assert all(value >= 0 for value in joint_premium(losses).values())
    assert sum(shapley(losses).values()) == pytest.approx(losses[frozenset("PQR")])


@pytest.mark.parametrize("sigma", [1.0, 0.5, -2.0, math.nan, math.inf])
def test_an_inelastic_bundle_has_an_error_of_its_own(sigma):
    with pytest.raises(InelasticBundle, match="outer nest"):
        closed_form_power([0.5], [0.5], sigma)
    with pytest.raises(InelasticBundle):
        coalition_losses(["P"], [0.5], [[0.5]], sigma)
    assert issubclass(InelasticBundle, DataError)


@pytest.mark.parametrize(
    ("weights", "omega", "rho", "message"),
    [
        ([0.5], [1.1], 1, "controlled share outside 0 to 1"),
        ([0.5], [math.nan], 1, "controlled share"),
        ([0.6, 0.6], [0.1, 0.1], 1, "weights of bundles"),
        ([-0.1], [0.1], 1, "weights of bundles"),
        ([0.5], [0.1], -1, "between bundles below 0"),
        ([0.5], [0.1], math.nan, "between bundles"),
    ],
)
def test_bad_shares_are_refused(weights, omega, rho, message):
    with pytest.raises(DataError, match=message):
        closed_form_power(weights, omega, 2.0, rho)


def test_bad_coalitions_are_refused():
    with pytest.raises(DataError, match="of one bundle"):
        coalition_losses(["P", "Q"], [0.5], [[0.6], [0.6]], 2.0)
    with pytest.raises(DataError, match="shares of shape"):
        coalition_losses(["P", "Q"], [0.5], [[0.6]], 2.0)
    with pytest.raises(DataError, match="2 powers"):
        coalition_losses(["P", "P"], [0.5], [[0.6], [0.1]], 2.0)


def test_table_of_a_matrix_by_hand():
    """A spends 80 at home, 12 in B and 8 in C: imports are a fifth, B has 0.6 of them."""
    flows = np.array([[80.0, 10, 10], [12, 300, 20], [8, 20, 500]])
    table = power_table(TradeMatrix(("A", "B", "C"), flows), ["B"], ["A"], 4.0).frame()
    assert table.columns == [
        "focal",
        "power",
        "share_of_spending",
        "share_of_imports",
        "closed_form_loss_pct",
        "equilibrium_loss_pct",
    ]
    row = table.row(0, named=True)
    assert (row["focal"], row["power"]) == ("A", "B")
    assert row["share_of_spending"] == pytest.approx(0.12)
    assert row["share_of_imports"] == pytest.approx(0.6)
    assert row["closed_form_loss_pct"] == pytest.approx(100 * (1 - 0.4 ** (0.2 / 4)))
    one_nest = power_table(TradeMatrix(("A", "B", "C"), flows), ["B"], ["A"], 4.0, 5.0)
    assert one_nest.log_loss[0] == pytest.approx(-math.log(0.88) / 4)


def test_table_stands_beside_the_equilibrium(kazakhstan):
    world = read_flows(kazakhstan)
    found = power_table(world, ["RUS", "CHN"], None, 4.0)
    solved = leverage(world, ["RUS", "CHN"], None, 4.0)
    assert (found.focal, found.power) == (solved.focal, solved.power)
    np.testing.assert_array_equal(found.equilibrium_loss, -solved.welfare_change)
    # A yardstick of the right order where purchases matter: Kazakhstan, within a third.
    row = found.focal.index("KAZ")
    ratio = -np.expm1(-found.log_loss[row : row + 2]) / found.equilibrium_loss[row : row + 2]
    assert (np.abs(np.log(ratio)) < math.log(4 / 3)).all()


def test_a_country_without_imports_loses_nothing_and_shares_are_empty():
    flows = np.array([[10.0, 5.0, 0], [0, 50.0, 5], [0, 5, 50]])
    found = power_table(TradeMatrix(("A", "B", "C"), flows), ["B"], ["A"], 4.0, imbalances="multiplicative")
    assert found.log_loss[0] == 0
    assert found.frame()["share_of_imports"].to_list() == [None]


def test_bad_labels_and_elasticities(make_world):
    world = make_world(1, 3)
    with pytest.raises(UnknownLabel):
        power_table(world, ["C9"])
    with pytest.raises(DataError, match="elasticity -1"):
        power_table(world, ["C1"], theta=-1.0)
    with pytest.raises(DataError, match="between bundles"):
        power_table(world, ["C1"], rho=-1.0)


def test_sectors_are_bundles(make_sectors):
    """The closed form of a table with sectors is that of its bundles; the equilibrium beside it that of the solver."""
    matrix, theta = make_sectors(3), [2.0, 3.0, 6.0]
    table = power_table(matrix, ["C1"], ["C0"], theta, 1.0, horizon="short")
    absorbed = matrix.flows[:, 0].sum(axis=0)
    imports = absorbed - matrix.flows[0, 0]
    share = matrix.flows[1, 0] / imports
    by_hand = -np.sum(imports / absorbed.sum() * np.log1p(-share) / np.array(theta))
    assert table.log_loss == pytest.approx([by_hand], rel=1e-12)
    solved = leverage(matrix, ["C1"], ["C0"], theta, horizon="short")
    assert table.equilibrium_loss == pytest.approx(-solved.welfare_change)
    assert table.share_of_imports == pytest.approx([matrix.flows[1, 0].sum() / imports.sum()])


def test_one_sector_is_one_bundle(make_world):
    one = make_world(2)
    many = SectorMatrix(one.labels, ("all",), one.flows[:, :, None])
    a, b = (power_table(matrix, ["C1", "C2"], ["C0"], 4.0, 2.0) for matrix in (one, many))
    assert b.log_loss == pytest.approx(a.log_loss, rel=1e-12)
    assert b.equilibrium_loss == pytest.approx(a.equilibrium_loss, abs=1e-9)


def test_alike_sectors_are_one_bundle_where_imports_and_home_goods_are_one_nest(make_world):
    """Halves of a sector with one theta: at rho = 1 + theta bundles do not matter."""
    one = make_world(4)
    halves = SectorMatrix(one.labels, ("a", "b"), one.flows[:, :, None] * np.array([0.3, 0.7]))
    for rho in (1.0, 5.0):
        a, b = (power_table(matrix, ["C1"], None, 4.0, rho) for matrix in (one, halves))
        assert b.log_loss == pytest.approx(a.log_loss, rel=1e-12)
        assert b.equilibrium_loss == pytest.approx(a.equilibrium_loss, abs=1e-9)
    whole = one.flows[1, 0] / one.flows[:, 0].sum()
    assert b.log_loss[0] == pytest.approx(-math.log1p(-whole) / 4, rel=1e-12)


def test_a_sector_that_only_the_power_sells_costs_without_end_only_without_home_goods(make_sectors):
    """All imports of s0 come from C1: at rho = 1 that is infinite, at rho > 1 home goods stand in."""
    world = make_sectors(6)
    flows = world.flows.copy()
    flows[2:, 0, 0] = 0.0
    matrix = SectorMatrix(world.labels, world.sectors, flows)
    table = power_table(matrix, ["C1"], ["C0"], 3.0, 1.0)
    assert table.log_loss[0] == np.inf
    assert table.frame()["closed_form_loss_pct"].to_list() == [100.0]
    assert 0 < table.equilibrium_loss[0] < 1
    assert np.isfinite(power_table(matrix, ["C1"], ["C0"], 3.0, 2.0).log_loss[0])


def test_bad_elasticities_of_sectors(make_sectors):
    with pytest.raises(DataError, match="elasticities of shape"):
        power_table(make_sectors(1), ["C1"], None, [2.0, 3.0])
    with pytest.raises(DataError, match="horizon 'medium'"):
        power_table(make_sectors(1), ["C1"], horizon="medium")
