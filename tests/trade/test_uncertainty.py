"""Distributions, Sobol indices on functions with known answers, and draws through the solver."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium, UnknownLabel
from betweengiants.trade import TradeMatrix, read_flows, solve
from betweengiants.trade.spread import Spread
from betweengiants.trade.uncertain_inputs import TradeInputs, mirror_sd
from betweengiants.trade.uncertainty import (
    draw_losses,
    loss_drivers,
    severances,
)

KINDS = ("lognormal", "triangular", "uniform")
ELASTIC = Spread("lognormal", 2, 4, 8)


@given(st.sampled_from(KINDS), st.lists(st.floats(0.1, 10), min_size=3, max_size=3))
def test_quantiles_rise_and_stay_in_range(kind, values):
    low, centre, high = sorted(values)
    got = Spread(kind, low, centre, high).quantile(np.linspace(0.001, 0.999, 99))
    assert (np.diff(got) >= 0).all()
    if kind == "lognormal":
        assert (got > 0).all()
    else:
        assert got.min() >= low * (1 - 1e-12)
        assert got.max() <= high * (1 + 1e-12)


def test_quantiles_by_hand():
    log = Spread("lognormal", 1.0, 4.0, 8.0)
    np.testing.assert_allclose(log.quantile([0.05, 0.5, 0.95]), [1, 4, 8])
    # A triangle over 0, 1, 3: its area left of the mode is 1/3.
    triangle = Spread("triangular", 0.0, 1.0, 3.0)
    np.testing.assert_allclose(triangle.quantile([0, 1 / 3, 1 / 12, 1]), [0, 1, 0.5, 3])
    np.testing.assert_allclose(Spread("uniform", 1, 1, 3).quantile([0, 0.25]), [1, 1.5])
    np.testing.assert_array_equal(Spread.constant(2.0).quantile([0.1, 0.9]), [2, 2])
    assert not Spread.constant(2.0).varies


@pytest.mark.parametrize(("kind", "mean"), [("triangular", 8 / 3), ("uniform", 2.5)])
def test_means(kind, mean):
    u = (np.arange(200_000) + 0.5) / 200_000
    assert Spread(kind, 1.0, 3.0, 4.0).quantile(u).mean() == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("normal", 1, 2, 3), "distribution 'normal'"),
        (("uniform", 2, 1, 3), "rising order"),
        (("uniform", 1, 2, math.inf), "finite"),
        (("triangular", math.nan, 2, 3), "finite"),
        (("lognormal", 0, 2, 3), "above 0"),
    ],
)
def test_bad_distributions_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        Spread(*arguments)


def test_draws_of_elasticities_equal_single_solves(make_world):
    world = make_world(3, 5)
    cuts = severances("C0", ["C1", "C2"])
    assert [cut.name for cut in cuts] == ["C1", "C2", "C1;C2"]
    found = draw_losses(world, "C0", cuts, TradeInputs(ELASTIC), 20, 7)
    assert found.losses.shape == (20, 3)
    for d in range(0, 20, 6):
        for s, cut in enumerate(cuts):
            alone = solve(world, cut, float(found.elasticity[d]))
            assert found.losses[d, s] == pytest.approx(-alone.welfare_change[0, 0], abs=1e-10)
    central = solve(world, list(cuts), 4.0)
    np.testing.assert_allclose(found.central, -central.welfare_change[:, 0], atol=1e-10)
    assert found.solved == (20, 20, 20)


def test_small_batches_give_the_same(make_world, monkeypatch):
    from betweengiants.trade import draws

    world, cuts = make_world(3, 5), severances("C0", ["C1", "C2"])
    whole = draw_losses(world, "C0", cuts, TradeInputs(ELASTIC), 20, 7)
    monkeypatch.setattr(draws, "BATCH", 7)
    parts = draw_losses(world, "C0", cuts, TradeInputs(ELASTIC), 20, 7)
    np.testing.assert_allclose(parts.losses, whole.losses, atol=1e-11)


def test_seeds_decide_everything(make_world):
    world, cuts = make_world(3, 4), severances("C0", ["C1"])
    inputs = TradeInputs(ELASTIC, 0.3, Spread("uniform", 1, 1, 2))
    one, same, other = (draw_losses(world, "C0", cuts, inputs, 30, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.losses, same.losses)
    assert one.frame().equals(same.frame())
    assert not np.array_equal(one.losses, other.losses)
    assert (one.draws, one.seed) == (30, 1)


def test_quantiles_of_a_monotone_input_are_losses_at_its_quantiles(kazakhstan):
    """The loss falls with the elasticity, so that its interval is the losses at the elasticity's."""
    world = read_flows(kazakhstan)
    cuts = severances("KAZ", ["RUS", "CHN"])
    found = draw_losses(world, "KAZ", cuts, TradeInputs(ELASTIC), 2000, 1)
    ends = solve(world, [cuts[0]] * 3, [8.0, 4.0, 2.0])
    expected = -ends.welfare_change[:, world.labels.index("KAZ")]
    np.testing.assert_allclose(found.quantiles()[:, 0], expected, rtol=0.06)
    table = found.frame()
    assert table.columns == [
        "focal",
        "coalition",
        "central_loss_pct",
        "loss_pct_p5",
        "loss_pct_p50",
        "loss_pct_p95",
        "draws",
        "solved",
        "sector_draws",
    ]
    assert set(table["sector_draws"]) == {"common"}
    assert (table["loss_pct_p5"] < table["loss_pct_p50"]).all()
    assert (table["loss_pct_p50"] < table["loss_pct_p95"]).all()


def test_noise_leaves_domestic_sales_and_the_factor_leaves_trade(make_world):
    """One draw of each is the solve of the matrix that it says."""
    world, cuts = make_world(2, 4), severances("C0", ["C1"])
    scaled = TradeInputs(Spread.constant(4.0), 0.0, Spread("uniform", 1, 1, 3))
    found = draw_losses(world, "C0", cuts, scaled, 3, 11)
    for d in range(3):
        flows = world.flows.copy()
        np.fill_diagonal(flows, found.domestic[d] * flows.diagonal())
        alone = solve(TradeMatrix(world.labels, flows), cuts[0], 4.0)
        assert found.losses[d, 0] == pytest.approx(-alone.welfare_change[0, 0], abs=1e-11)
    # More sales at home, less at stake.
    assert (np.diff(found.losses[np.argsort(found.domestic), 0]) < 0).all()


def test_noise_is_unbiased_in_logs_and_vanishes_with_its_size(make_world):
    world, cuts = make_world(2, 4, balanced=True), severances("C0", ["C1"])
    small = draw_losses(world, "C0", cuts, TradeInputs(Spread.constant(4.0), 1e-9), 4, 1)
    np.testing.assert_allclose(small.losses[:, 0], small.central[0], rtol=1e-6)
    wide = draw_losses(world, "C0", cuts, TradeInputs(Spread.constant(4.0), 0.2), 300, 1)
    assert np.log(wide.losses[:, 0]).mean() == pytest.approx(math.log(wide.central[0]), abs=0.05)
    assert wide.losses.std() > 0


def test_a_pair_may_have_a_deviation_of_its_own(make_world):
    world, cuts = make_world(2, 4, balanced=True), severances("C0", ["C1"])
    sure = {(a, b): 0.0 for a in world.labels for b in world.labels if a != b}
    still = draw_losses(world, "C0", cuts, TradeInputs(Spread.constant(4.0), 0.3, pair_sd=sure), 5, 1)
    np.testing.assert_allclose(still.losses[:, 0], still.central[0], rtol=1e-9)
    doubt = sure | {("C1", "C0"): 0.5}
    moved = draw_losses(world, "C0", cuts, TradeInputs(Spread.constant(4.0), pair_sd=doubt), 5, 1)
    assert np.unique(moved.losses).size == 5
    # The same pair with the same errors, whatever the deviation of the others is said to be.
    same = draw_losses(world, "C0", cuts, TradeInputs(Spread.constant(4.0), 0.9, pair_sd=doubt), 5, 1)
    np.testing.assert_allclose(same.losses, moved.losses, rtol=1e-12)
    with pytest.raises(UnknownLabel):
        draw_losses(world, "C0", cuts, TradeInputs(ELASTIC, pair_sd={("C0", "X"): 0.1}), 2)
    with pytest.raises(DataError, match="domestic sales of C0"):
        draw_losses(world, "C0", cuts, TradeInputs(ELASTIC, pair_sd={("C0", "C0"): 0.1}), 2)
    with pytest.raises(DataError, match="standard deviation of flows of -1"):
        TradeInputs(ELASTIC, pair_sd={("C0", "C1"): -1.0})


def test_balanced_worlds_take_every_elasticity(make_world):
    world, cuts = make_world(4, 4), severances("C0", ["C1"])
    found = draw_losses(world, "C0", cuts, TradeInputs(ELASTIC), 4, 1, imbalances="balanced")
    for d in range(4):
        alone = solve(world, cuts[0], float(found.elasticity[d]), imbalances="balanced")
        assert found.losses[d, 0] == pytest.approx(-alone.welfare_change[0, 0], abs=1e-10)


def test_drivers_of_the_width(make_world):
    world, cuts = make_world(6, 5), severances("C0", ["C1", "C2"])
    inputs = TradeInputs(ELASTIC, 0.05, Spread("uniform", 1, 1, 1.05))
    assert inputs.varying == ("elasticity", "flows", "domestic")
    found = loss_drivers(world, "C0", cuts, inputs, 64, 3)
    # A wide elasticity beside hardly any doubt about the data.
    assert set(found.main().values()) == {"elasticity"}
    np.testing.assert_allclose(found.indices.total[0], 1, atol=0.1)
    assert (found.indices.total[1:] < 0.1).all()
    table = found.frame()
    assert table.columns == [
        "focal",
        "coalition",
        "input",
        "first_order",
        "total_effect",
        "first_order_se",
        "total_effect_se",
        "sector_draws",
    ]
    assert table.height == 9
    assert table["input"].to_list()[:4] == ["elasticity", "flows", "domestic", "elasticity"]
    assert table["total_effect"][1] == found.indices.total[1, 0]
    assert (found.indices.base, found.indices.seed) == (64, 3)


def test_two_identical_alternatives_have_no_effect(make_world):
    world, cuts = make_world(6, 4), severances("C0", ["C1"])
    twin = TradeMatrix(world.labels, world.flows, "twin")
    inputs = TradeInputs(ELASTIC, alternatives=(twin,))
    assert inputs.varying == ("elasticity", "baseline")
    found = loss_drivers(world, "C0", cuts, inputs, 512, 1).indices
    assert (found.first[1, 0], found.total[1, 0]) == (0, 0)
    assert found.total[0, 0] == pytest.approx(1, abs=0.1)
    assert found.first[0, 0] == pytest.approx(1, abs=0.1)
    # Nothing else uncertain: nothing varies, nothing drives.
    only = loss_drivers(world, "C0", cuts, TradeInputs(Spread.constant(4.0), alternatives=(twin,)), 16, 1)
    assert not only.indices.total.any()


def test_different_alternatives_do_have_one(make_world):
    world, cuts = make_world(6, 4), severances("C0", ["C1"])
    other = TradeMatrix(world.labels, world.flows + 3 * np.eye(4)[::-1], "other")
    inputs = TradeInputs(Spread.constant(4.0), alternatives=(other,))
    drawn = draw_losses(world, "C0", cuts, inputs, 40, 1)
    assert np.unique(drawn.losses).size == 2
    assert loss_drivers(world, "C0", cuts, inputs, 32, 1).indices.total[0, 0] == pytest.approx(1, abs=0.1)
    strange = TradeMatrix(("C0", "C1", "C2", "X"), world.flows, "strange")
    with pytest.raises(DataError, match="strange: found other countries"):
        draw_losses(world, "C0", cuts, TradeInputs(ELASTIC, alternatives=(strange,)), 4, 1)


def test_draws_without_a_solution_are_counted_and_left_out():
    """A's surplus with B can be kept only in part of the draws; its quantiles say how many."""
    world = TradeMatrix(("A", "B", "C"), np.array([[10.0, 8, 5], [3, 100, 5], [0.5, 5, 100]]))
    cuts = severances("A", ["B"])
    inputs = TradeInputs(Spread("uniform", 0.2, 2, 6), 1.0)
    found = draw_losses(world, "A", cuts, inputs, 60, 1)
    (solved,) = found.solved
    assert 0 < solved < 60
    assert np.isfinite(found.quantiles()).all()
    assert found.frame()["solved"].to_list() == [solved]
    assert found.unsolved == ({"no finite equilibrium": 60 - solved},)
    with pytest.raises(DataError, match=r"of 128 points without a result \(no finite equilibrium\)"):
        loss_drivers(world, "A", cuts, inputs, 32, 1)
    hopeless = TradeMatrix(("A", "B", "C"), np.array([[10.0, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]]))
    with pytest.raises(NoEquilibrium):
        draw_losses(hopeless, "A", severances("A", ["B"]), TradeInputs(Spread.constant(1.0)), 3, 1)


def test_mirror_gap():
    """ln 2 and -ln 2 have root mean square ln 2; each report has it divided by the square root of 2."""
    assert mirror_sd([2, 1], [1, 2]) == pytest.approx(math.log(2) / math.sqrt(2))
    assert mirror_sd([3.0], [3.0]) == 0
    draw = np.random.default_rng(1)
    truth = draw.lognormal(0, 2, 20_000)
    one, other = (truth * np.exp(0.3 * draw.standard_normal(truth.size)) for _ in range(2))
    assert mirror_sd(one, other) == pytest.approx(0.3, rel=0.02)
    # Weights count pairs: twice the weight is the same as twice the pair; equal weights are none.
    assert mirror_sd([2, 5], [1, 4], [2, 1]) == pytest.approx(mirror_sd([2, 2, 5], [1, 1, 4]))
    assert mirror_sd([2, 5], [1, 4], [3, 3]) == pytest.approx(mirror_sd([2, 5], [1, 4]))
    assert mirror_sd([2, 5], [1, 5], [0, 1]) == 0
    for weights in ([1], [1, -1], [0, 0], [1, math.nan]):
        with pytest.raises(DataError, match="weights"):
            mirror_sd([2, 5], [1, 4], weights)
    for a, b in (([], []), ([1], [1, 2]), ([1, 0], [1, 1]), ([1, math.inf], [1, 1])):
        with pytest.raises(DataError):
            mirror_sd(a, b)


def test_bad_inputs_are_refused(make_world):
    world, cuts = make_world(1, 3), severances("C0", ["C1"])
    with pytest.raises(DataError, match="lowest elasticity of 0"):
        TradeInputs(Spread("uniform", 0, 1, 2))
    with pytest.raises(DataError, match="factor on domestic sales"):
        TradeInputs(ELASTIC, domestic=Spread("uniform", -1, 1, 2))
    with pytest.raises(DataError, match="standard deviation of flows"):
        TradeInputs(ELASTIC, -0.1)
    with pytest.raises(DataError, match="0 draws"):
        draw_losses(world, "C0", cuts, TradeInputs(ELASTIC), 0)
    with pytest.raises(DataError, match="no scenario"):
        draw_losses(world, "C0", [], TradeInputs(ELASTIC))
    with pytest.raises(UnknownLabel):
        draw_losses(world, "X", cuts, TradeInputs(ELASTIC))
    with pytest.raises(DataError, match="no uncertain input"):
        loss_drivers(world, "C0", cuts, TradeInputs(Spread.constant(4.0)))
    with pytest.raises(DataError, match="power of 2"):
        loss_drivers(world, "C0", cuts, TradeInputs(ELASTIC), 100)
    for powers, message in (
        ([], "without a label"),
        (["C1", "C1"], "each label once"),
        (["C0"], "among the powers"),
    ):
        with pytest.raises(DataError, match=message):
            severances("C0", powers)
