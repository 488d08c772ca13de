"""Draws on several sectors: each equal to a solve of its own; choices between sectors; matrices that no longer fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.trade import (
    SectorMatrix,
    Spread,
    TradeInputs,
    TradeMatrix,
    draw_losses,
    loss_drivers,
    read_spreads,
    severance,
    severances,
    solve_sectors,
)

ELASTIC = Spread("lognormal", 2, 4, 8)
SURE = Spread.constant(4.0)
BY_SECTOR = {
    "s2": Spread("uniform", 3, 4, 5),
    "s0": Spread("lognormal", 2, 4, 8),
    "s1": Spread("triangular", 1, 2, 6),
}
CUTS = severances("C0", ["C1", "C2"])


def alone(world, cut, theta, **options):
    return -solve_sectors(world, cut, theta, **options).welfare_change[0, world.index("C0")]


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("imbalances", ["additive", "multiplicative", "balanced"])
def test_a_common_elasticity_equals_single_solves(make_sectors, horizon, imbalances):
    world = make_sectors(3, balanced=imbalances == "additive")
    options = {"horizon": horizon, "imbalances": imbalances}
    found = draw_losses(world, "C0", CUTS, TradeInputs(ELASTIC), 5, 7, **options)
    assert found.elasticity.shape == (5,)
    assert (found.horizon, found.imbalances, found.sector_draws) == (horizon, imbalances, "common")
    for d in range(5):
        for c, cut in enumerate(CUTS):
            assert found.losses[d, c] == pytest.approx(
                alone(world, cut, found.elasticity[d], **options), abs=1e-10
            )
    for c, cut in enumerate(CUTS):
        assert found.central[c] == pytest.approx(alone(world, cut, 4.0, **options), abs=1e-10)


@pytest.mark.parametrize("choice", ["independent", "together"])
def test_elasticities_by_sector_equal_single_solves(make_sectors, choice):
    world = make_sectors(3, balanced=True)
    inputs = TradeInputs(BY_SECTOR, sector_draws=choice)
    found = draw_losses(world, "C0", CUTS, inputs, 6, 2, horizon="short")
    assert found.elasticity.shape == (6, 3)
    for d in range(6):
        expected = alone(world, CUTS[0], found.elasticity[d], horizon="short")
        assert found.losses[d, 0] == pytest.approx(expected, abs=1e-10)
    assert found.central[2] == pytest.approx(
        alone(world, CUTS[2], [4.0, 2.0, 4.0], horizon="short"), abs=1e-10
    )
    assert found.sector_draws == choice
    assert set(found.frame()["sector_draws"]) == {choice}


def test_sectors_move_together_or_each_for_itself(make_sectors):
    world = make_sectors(3, balanced=True)
    apart = draw_losses(world, "C0", CUTS, TradeInputs(BY_SECTOR), 80, 1).elasticity
    joint = draw_losses(world, "C0", CUTS, TradeInputs(BY_SECTOR, sector_draws="together"), 80, 1).elasticity
    ranks = [np.argsort(np.argsort(theta, axis=0), axis=0) for theta in (apart, joint)]
    # Comonotone: the same rank in every sector. Independent: hardly any correlation of ranks.
    assert (ranks[1] == ranks[1][:, :1]).all()
    assert np.abs(np.corrcoef(ranks[0].T) - np.eye(3)).max() < 0.3
    # Marginals are those that were asked for, in the order of the matrix, not of the mapping.
    for theta in (apart, joint):
        assert theta[:, 2].min() >= 3
        assert theta[:, 2].max() <= 5
        assert np.median(theta[:, 0]) == pytest.approx(4, rel=0.15)


def test_seeds_decide_everything_and_the_order_of_sectors_nothing(make_sectors):
    world = make_sectors(3, balanced=True)
    turned = dict(sorted(BY_SECTOR.items(), reverse=True))
    one, same, other = (
        draw_losses(world, "C0", CUTS, TradeInputs(spreads, 0.1), 10, seed)
        for spreads, seed in ((BY_SECTOR, 4), (turned, 4), (BY_SECTOR, 5))
    )
    np.testing.assert_array_equal(one.losses, same.losses)
    assert not np.array_equal(one.losses, other.losses)


def test_small_batches_give_the_same(make_sectors, monkeypatch):
    from betweengiants.trade import draws

    world = make_sectors(3, balanced=True)
    whole = draw_losses(world, "C0", CUTS, TradeInputs(BY_SECTOR), 10, 7)
    monkeypatch.setattr(draws, "NUMBERS", 7 * 12)
    parts = draw_losses(world, "C0", CUTS, TradeInputs(BY_SECTOR), 10, 7)
    np.testing.assert_allclose(parts.losses, whole.losses, atol=1e-10)


def test_one_sector_gives_what_the_matrix_of_one_sector_gives(make_world):
    plain = make_world(4, 4, balanced=True)
    one = SectorMatrix(plain.labels, ("all",), plain.flows[:, :, None])
    inputs = TradeInputs(ELASTIC, 0.2, Spread("uniform", 0.8, 1, 1.5))
    a, b = (draw_losses(world, "C0", CUTS, inputs, 8, 3) for world in (plain, one))
    np.testing.assert_array_equal(a.elasticity, b.elasticity)
    np.testing.assert_allclose(a.losses, b.losses, atol=1e-9)


def halves(plain):
    """The same world with its one sector split into two identical halves."""
    flows = np.repeat(plain.flows[:, :, None] / 2, 2, axis=2)
    return SectorMatrix(plain.labels, ("a", "b"), flows)


def test_one_error_for_a_pair_is_one_for_its_total(make_world):
    """Split into identical halves, every pair's error common to both, a world is what it was."""
    plain = make_world(4, 4, balanced=True)
    inputs = TradeInputs(SURE, 0.4, flow_noise="pair")
    whole, split = (draw_losses(world, "C0", CUTS, inputs, 8, 3) for world in (plain, halves(plain)))
    np.testing.assert_allclose(whole.losses, split.losses, atol=1e-9)
    # Errors of the halves apart cancel in part: the interval is narrower.
    pair, cell = (
        draw_losses(halves(plain), "C0", CUTS, TradeInputs(SURE, 0.4, flow_noise=noise), 150, 3).losses.std(
            axis=0
        )
        for noise in ("pair", "cell")
    )
    assert (cell < 0.95 * pair).all()


def test_noise_vanishes_with_its_size(make_sectors):
    world = make_sectors(5, balanced=True)
    small = draw_losses(world, "C0", CUTS, TradeInputs(SURE, 1e-9), 3, 1)
    np.testing.assert_allclose(small.losses, np.broadcast_to(small.central, (3, 3)), rtol=1e-6)


def test_the_factor_on_domestic_sales_is_on_every_sector(make_sectors):
    world = make_sectors(5, balanced=True)
    found = draw_losses(world, "C0", CUTS, TradeInputs(SURE, domestic=Spread("uniform", 1, 1, 3)), 4, 1)
    at = np.arange(4)
    for d in range(4):
        flows = world.flows.copy()
        flows[at, at] *= found.domestic[d]
        changed = SectorMatrix(world.labels, world.sectors, flows, world.va, world.gamma)
        assert found.losses[d, 0] == pytest.approx(alone(changed, CUTS[0], 4.0), abs=1e-10)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(1e-3, 1e4))
def test_the_unit_of_money_does_not_matter(make_sectors, seed, unit):
    world = make_sectors(seed, balanced=True)
    scaled = SectorMatrix(world.labels, world.sectors, unit * world.flows, world.va, world.gamma)
    inputs = TradeInputs(BY_SECTOR, 0.05, Spread("uniform", 0.9, 1, 1.2))
    a, b = (draw_losses(w, "C0", CUTS, inputs, 3, 1, imbalances="multiplicative") for w in (world, scaled))
    np.testing.assert_allclose(a.losses, b.losses, atol=1e-9)


@pytest.fixture
def thin():
    """C0 sells 14 abroad, buys 11.8 and takes 0.85 of its output as input: too much once home sales fall below 2/3.

    Final use is `h + 11.8 - 0.85 (h + 14) = 0.15 h - 0.1` at home sales h, which are 1.
    """
    flows = np.array([[1.0, 7.0, 7.0], [6.0, 100.0, 5.0], [5.8, 5.0, 100.0]])[:, :, None]
    gamma = np.zeros((3, 1, 1))
    gamma[0] = 0.85
    return SectorMatrix(("C0", "C1", "C2"), ("goods",), flows, 1 - gamma[:, 0], gamma)


ONE_CUT = severances("C0", ["C1"])
THINNER = Spread("uniform", 0.4, 1.0, 1.0)
REFUSED = "more inputs than absorption in the drawn matrix"


def test_draws_that_need_more_inputs_than_there_are_count_as_unsolved(thin):
    inputs = TradeInputs(SURE, domestic=THINNER)
    found = draw_losses(thin, "C0", ONE_CUT, inputs, 40, 1, imbalances="multiplicative")
    fits = found.domestic > 2 / 3
    np.testing.assert_array_equal(np.isfinite(found.losses[:, 0]), fits)
    assert found.unsolved == ({REFUSED: int((~fits).sum())},)
    assert found.solved == (int(fits.sum()),)
    assert np.isfinite(found.quantiles()).all()
    with pytest.raises(DataError, match=rf"of 48 points without a result \({REFUSED}\)"):
        loss_drivers(thin, "C0", ONE_CUT, inputs, 16, 1, imbalances="multiplicative")


def test_all_draws_refused_is_an_error_with_its_reason(thin):
    inputs = TradeInputs(SURE, domestic=Spread("uniform", 0.4, 0.5, 0.6))
    with pytest.raises(DataError, match="a drawn matrix: found more inputs than absorption"):
        draw_losses(thin, "C0", ONE_CUT, inputs, 5, 1, imbalances="multiplicative")


def test_a_trimmed_draw_is_the_trimmed_matrix():
    """Fewer sales at home leave fewer inputs; what exports need of them is cut to what is there."""
    flows = np.zeros((2, 2, 2))
    flows[:, :, 0] = [[9.0, 1.0], [1.0, 90.0]]  # inputs: 10 absorbed by C0
    flows[:, :, 1] = [[9.0, 40.0], [40.0, 90.0]]  # goods: C0 makes 49, of which 0.15 are inputs
    gamma = np.zeros((2, 2, 2))
    gamma[0, 0, 1] = 0.15
    world = SectorMatrix(("C0", "C1"), ("inputs", "goods"), flows, 1 - gamma.sum(axis=1), gamma)
    cut = severance([("C0", "C1")], sectors=["goods"])
    inputs = TradeInputs(SURE, domestic=Spread("uniform", 0.3, 1, 1), final_demand="trim")
    found = draw_losses(world, "C0", [cut], inputs, 8, 1)
    assert found.solved == (8,)
    trimmed = 0
    for d in range(8):
        changed = flows.copy()
        changed[[0, 1], [0, 1]] *= found.domestic[d]
        used, absorbed = 0.15 * changed[0, :, 1].sum(), changed[:, 0, 0].sum()
        shares = gamma * min(1.0, absorbed / used)
        trimmed += used > absorbed
        by_hand = SectorMatrix(world.labels, world.sectors, changed, 1 - shares.sum(axis=1), shares)
        assert found.losses[d, 0] == pytest.approx(alone(by_hand, cut, 4.0), abs=1e-10)
    assert 0 < trimmed < 8


def test_a_sector_left_without_supplier_is_named_and_the_other_severance_stands(make_sectors):
    flows = make_sectors(1, inputs=False, balanced=True).flows.copy()
    flows[:, 0, 1] = 0
    flows[1, 0, 1] = 3.0  # C0 buys s1 from C1 alone
    world = SectorMatrix(tuple(f"C{k}" for k in range(4)), ("s0", "s1", "s2"), flows)
    found = draw_losses(world, "C0", CUTS, TradeInputs(ELASTIC), 4, 1, imbalances="multiplicative")
    assert found.solved == (0, 4, 0)
    reason = {"no supplier left of a sector that is needed": 4}
    assert found.unsolved == (reason, {}, reason)
    assert found.frame()["loss_pct_p5"].is_null().to_list() == [True, False, True]
    drivers = loss_drivers(
        world, "C0", CUTS, TradeInputs(ELASTIC), 8, 1, imbalances="multiplicative", on_failure="mark"
    )
    assert drivers.main() == {"C1": None, "C2": "elasticity", "C1;C2": None}
    assert drivers.frame()["total_effect"].is_null().to_list() == [True, False, True]


def test_drivers_name_the_sectors(make_sectors):
    flows = make_sectors(7, inputs=False, balanced=True).flows.copy()
    flows[:, :, 2] = np.diag(np.diag(flows[:, :, 2]))  # s2 is not traded: its elasticity does nothing
    world = SectorMatrix(tuple(f"C{k}" for k in range(4)), ("s0", "s1", "s2"), flows)
    spreads = {"s0": ELASTIC, "s1": SURE, "s2": ELASTIC}
    inputs = TradeInputs(spreads, 0.05)
    assert inputs.varying == ("elasticity s0", "elasticity s2", "flows")
    found = loss_drivers(world, "C0", CUTS, inputs, 32, 1, horizon="short")
    assert found.indices.inputs == inputs.varying
    assert found.sector_draws == "independent"
    assert set(found.frame()["sector_draws"]) == {"independent"}
    assert found.indices.total[0].min() > 0.5
    # Nothing but the rounding of the solver.
    np.testing.assert_allclose(found.indices.total[1], 0, atol=1e-6)
    joint = TradeInputs(spreads, 0.05, sector_draws="together")
    assert joint.varying == ("elasticity", "flows")
    assert set(loss_drivers(world, "C0", CUTS, joint, 16, 1).main().values()) == {"elasticity"}


def test_alternatives_of_sectors(make_sectors):
    world = make_sectors(6, balanced=True)
    twin = SectorMatrix(world.labels, world.sectors, world.flows, world.va, world.gamma, "twin")
    same = loss_drivers(world, "C0", CUTS, TradeInputs(ELASTIC, alternatives=(twin,)), 16, 1).indices
    assert not same.total[1].any()
    bare = SectorMatrix(world.labels, world.sectors, world.flows, name="without inputs")
    drawn = draw_losses(world, "C0", CUTS, TradeInputs(SURE, alternatives=(bare,)), 40, 1)
    expected = sorted([alone(world, CUTS[0], 4.0), alone(bare, CUTS[0], 4.0)])
    np.testing.assert_allclose(np.unique(drawn.losses[:, 0].round(9)), expected, atol=1e-8)
    drivers = loss_drivers(world, "C0", CUTS, TradeInputs(SURE, alternatives=(bare,)), 16, 1)
    assert set(drivers.main().values()) == {"baseline"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda w: w.aggregate(),
            "found a matrix of one sector without a name; allowed: that of flows: a matrix of s0, s1, s2",
        ),
        (
            lambda w: SectorMatrix(w.labels, ("s0", "s1", "x"), w.flows, name="odd"),
            "odd: found a matrix of s0, s1, x",
        ),
        (
            lambda w: SectorMatrix(w.labels[::-1], w.sectors, w.flows, name="odd"),
            "odd: found other countries",
        ),
    ],
)
def test_alternatives_of_another_world_are_refused(make_sectors, other, message):
    world = make_sectors(6)
    with pytest.raises(DataError, match=message):
        draw_losses(world, "C0", CUTS, TradeInputs(ELASTIC, alternatives=(other(world),)), 4, 1)


def test_elasticities_that_do_not_fit_are_refused(make_sectors, make_world):
    world = make_sectors(6)
    with pytest.raises(DataError, match="no elasticity for s1"):
        draw_losses(world, "C0", CUTS, TradeInputs({"s0": SURE, "s2": SURE}), 4)
    with pytest.raises(UnknownLabel, match="unknown sector 's3'"):
        draw_losses(world, "C0", CUTS, TradeInputs(BY_SECTOR | {"s3": SURE}), 4)
    with pytest.raises(DataError, match="by sector for flows of one sector"):
        draw_losses(make_world(1, 3), "C0", CUTS, TradeInputs(BY_SECTOR), 4)
    with pytest.raises(DataError, match="no elasticity"):
        TradeInputs({})
    with pytest.raises(DataError, match="lowest elasticity of s0 of 0"):
        TradeInputs({"s0": Spread("uniform", 0, 1, 2)})
    for field, value in (("sector_draws", "apart"), ("flow_noise", "all"), ("final_demand", "keep")):
        with pytest.raises(DataError, match=f"{field} '{value}'"):
            TradeInputs(SURE, **{field: value})
    with pytest.raises(DataError, match="horizon 'soon'"):
        draw_losses(world, "C0", CUTS, TradeInputs(ELASTIC), 4, horizon="soon")


@pytest.fixture
def spreads_file(tmp_path):
    def write(text):
        path = tmp_path / "spreads.csv"
        path.write_text("sector,low,centre,high\n" + text, encoding="utf-8")
        return path

    return write


def test_distributions_from_a_file(spreads_file):
    path = spreads_file("energy,8,12,20\nfood,2,3,4\n")
    assert read_spreads(path, ("energy", "food")) == {
        "energy": Spread("lognormal", 8, 12, 20),
        "food": Spread("lognormal", 2, 3, 4),
    }
    other = Spread("uniform", 1, 1, 2)
    assert read_spreads(path, ("energy", "food", "metals"), "triangular", other)["metals"] == other
    assert read_spreads(path, ("energy", "food"), "triangular")["food"].kind == "triangular"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy,8,12,20\n", r"spreads\.csv, column 'sector': found no row for food"),
        ("energy,8,12,20\nfod,1,2,3\n", r"spreads\.csv, row 3, column 'sector': found unknown sector 'fod'"),
        ("energy,8,12,20\nenergy,1,2,3\n", "second row for sector=energy"),
        ("energy,8,12,20\nfood,3,2,4\n", r"spreads\.csv, row 3: found low, centre, high 3, 2, 4"),
        ("energy,8,12,20\nfood,0,2,4\n", r"spreads\.csv, row 3: found low, centre, high 0, 2, 4"),
        ("energy,8,12,x\nfood,1,2,4\n", "row 2, column 'high'"),
    ],
)
def test_bad_files_of_distributions(spreads_file, text, message):
    with pytest.raises(DataError, match=message):
        read_spreads(spreads_file(text), ("energy", "food"))


def test_a_distribution_that_reaches_zero_is_refused_with_its_row(spreads_file):
    with pytest.raises(DataError, match=r"row 2, column 'low': found 0; allowed: numbers above 0"):
        read_spreads(spreads_file("energy,0,12,20\n"), ("energy",), "uniform")


def test_the_estimate_with_inputs_is_solved_in_every_draw(gross):
    """22 regions, five sectors, inputs: elasticities by sector and noise of the size of the mirror gap."""
    spreads = dict.fromkeys(gross.sectors, ELASTIC) | {"energy": Spread("lognormal", 5, 10, 20)}
    cuts = severances("KAZ", ["RUS"])
    found = draw_losses(gross, "KAZ", cuts, TradeInputs(spreads), 50, 1)
    assert found.solved == (50,)
    for d in (0, 49):
        single = solve_sectors(gross, cuts[0], found.elasticity[d])
        loss = -single.welfare_change[0, gross.index("KAZ")]
        assert found.losses[d, 0] == pytest.approx(loss, abs=1e-10)
    noisy = draw_losses(gross, "KAZ", cuts, TradeInputs(spreads, 0.26), 5, 1, horizon="short")
    assert noisy.solved == (5,)
    assert np.unique(noisy.losses).size == 5


def test_a_matrix_with_other_flows_keeps_its_shares(make_sectors):
    world = make_sectors(2)
    double = world.with_flows(2 * world.flows)
    np.testing.assert_array_equal(double.gamma, world.gamma)
    np.testing.assert_allclose(double.value_added, 2 * world.value_added)
    assert (double.name, world.with_flows(world.flows, name="other").name) == ("flows", "other")
    assert isinstance(double.aggregate(), TradeMatrix)
