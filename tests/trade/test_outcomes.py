"""Outcomes on worlds with holes, against the equations of the design written out plainly; and outcomes by name.

`equations` is independent of the engines: its unknowns are log factor prices and log price indices (the engines work on
output), it works in logs of shares, and `scipy.optimize.root` finds the zero.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import root
from scipy.sparse.csgraph import connected_components

from betweengiants.core.errors import NoEquilibrium
from betweengiants.trade import (
    Cell,
    Rationed,
    Scenario,
    SectorMatrix,
    TradeMatrix,
    coalition,
    leverage,
    severance,
    solve,
    solve_sectors,
)

SAME = 1e-8
CHANGES = ("welfare", "income", "price", "exports", "imports")
HORIZONS = ("long", "short")
COSTS = (1.3, 4.0, math.inf, math.inf)


@dataclass
class Part:
    """What becomes of the members of one piece of the world."""

    spent: np.ndarray
    price: np.ndarray
    flows: np.ndarray


class Equations:
    """Design 4.1 for the members of one piece; shares are shares of all that they bought before."""

    def __init__(self, matrix, cost, theta, short, rule, imbalance, members):
        va, gamma = matrix.cost_shares
        inside = np.ix_(members, members)
        absorbed, flows = matrix.absorption[members], matrix.flows[inside]
        self.short, self.rule, self.theta = short, rule, np.asarray(theta, dtype=float)
        self.va, self.gamma, self.imbalance = va[members], gamma[members], imbalance[members]
        self.factors = self.va * matrix.output[members]
        final = matrix.final_spending[members]
        self.spending, self.alpha = final.sum(axis=1), final / final.sum(axis=1, keepdims=True)
        live = np.isfinite(cost[inside]) & (flows > 0)
        share = np.where(live, flows / np.where(absorbed > 0, absorbed, 1.0), 1.0)
        dear = np.log(np.where(live, cost[inside], 1.0))
        self.log_share = np.where(live, np.log(share) - self.theta * dear, -np.inf)
        self.used = live.any(axis=0)
        self.active = (self.factors > 0) & live.any(axis=1)
        self.size, self.count = self.va.shape
        self.wages = int(self.active.sum()) if short else self.size

    def state(self, z):
        """Zeros in equilibrium, and the outcome, at (log factor prices, log price indices)."""
        size, count = self.size, self.count
        wage, price = np.zeros((size, count)), np.zeros((size, count))
        if self.short:
            wage[self.active] = z[: self.wages]
        else:
            wage += z[: self.wages, None]
        price[self.used] = z[self.wages :]
        paid = np.where(self.active | (not self.short), self.factors * np.exp(wage), 0.0)
        level = self.factors.sum() / paid.sum()
        paid, wage = paid * level, wage + np.log(level)
        cost = self.va * wage + np.einsum("jks,jk->js", self.gamma, price)
        power = self.log_share - self.theta * cost[:, None, :]
        top = np.where(self.used, power.max(axis=0), 0.0)
        weight = np.exp(power - top)
        total = np.where(self.used, weight.sum(axis=0), 1.0)
        share = np.where(self.used, weight / total, 0.0)
        earned, scale = paid.sum(axis=1), 1.0
        spent = earned + self.imbalance
        if self.rule == "multiplicative":
            spent = earned * self.spending / self.factors.sum(axis=1)
            scale = earned.sum() / spent.sum()
        # Sales are linear in final spending: R = share (alpha I + gamma R).
        needs = np.einsum("ijs,jsk->isjk", share, self.gamma).reshape(size * count, -1)
        final = np.einsum("ijs,js->is", share, self.alpha * spent[:, None] * scale).ravel()
        made = np.linalg.solve(np.eye(size * count) - needs, final).reshape(size, count)
        bought = self.alpha * spent[:, None] * scale + np.einsum("jks,js->jk", self.gamma, made)
        income = self.va * made
        gap = income[self.active] / paid[self.active] if self.short else income.sum(axis=1) / earned
        gap -= 1
        gap[0] += z[: self.wages].mean()  # the level is free
        prices = (price + (top + np.log(total)) / self.theta)[self.used]
        index = np.exp((self.alpha * price).sum(axis=1))
        return np.concatenate([gap, prices]), Part(spent, index, share * bought / scale)

    def solve(self, tries=8):
        """The outcome, or None where no zero with positive spending was found."""
        draw, count = np.random.default_rng(0), self.wages + int(self.used.sum())
        for k in range(tries):
            start = draw.normal(0, 0.7 * (k > 0), count)
            with np.errstate(all="ignore"):
                found = root(lambda z: self.state(z)[0], start, options={"xtol": 1e-12, "maxfev": 6000})
                gap, part = self.state(found.x)
            # `success` leaves out runaways: a wage that falls for ever brings the gap to zero as well.
            if found.success and np.abs(gap).max() < 1e-11 and (part.spent > 0).all():
                return part
        return None


def pieces(matrix, cost):
    live = ((matrix.flows > 0) & np.isfinite(cost)).any(axis=2)
    _, piece = connected_components(live, directed=True, connection="weak")
    return [np.flatnonzero(piece == k) for k in sorted(set(piece))]


def expected(matrix, cost, theta, short, rule):
    """(welfare change, flows) of the plain model, piece by piece, or None."""
    income, spending = matrix.value_added, matrix.final_spending.sum(axis=1)
    welfare, flows = np.zeros(len(matrix.labels)), np.zeros(matrix.flows.shape)
    for members in pieces(matrix, cost):
        own = "balanced" if members.size == 1 else rule
        imbalance = np.zeros(income.size)
        if own == "additive":
            gap = (spending - income)[members]
            imbalance[members] = gap - income[members] * gap.sum() / income[members].sum()
        part = Equations(matrix, cost, theta, short, own, imbalance, members).solve()
        if part is None:
            return None
        before = income if members.size == 1 else spending
        welfare[members] = part.spent / before[members] / part.price - 1
        flows[np.ix_(members, members)] = part.flows
    return welfare, flows


def holed_world(draw):
    """Random flows with zeros, at home too, sizes apart, inputs in most worlds."""
    size, count = int(draw.integers(2, 6)), int(draw.integers(1, 4))
    flows = draw.lognormal(0, draw.choice([0.3, 1.2]), (size, size, count))
    flows *= draw.random(flows.shape) < draw.choice([0.4, 0.7, 1.0])
    own = np.arange(size)
    flows[own, own] = np.where(draw.random((size, count)) < 0.15, 0.0, draw.uniform(0.3, 30, (size, count)))
    flows[own, own, 0] += 3.0 * (flows[own, own].sum(axis=1) == 0)
    flows *= np.exp(draw.normal(0, draw.choice([0.0, 1.5]), size))[:, None, None]
    flows = flows[:, :, flows.sum(axis=(0, 1)) > 0]
    count = flows.shape[2]
    mix = draw.dirichlet(np.ones(count), (size, count)).transpose(0, 2, 1)
    gamma = draw.choice([0.0, 1.0], p=[0.3, 0.7]) * draw.uniform(0.1, 0.6, (size, 1, count)) * mix
    gamma *= (flows.sum(axis=0) > 0)[:, :, None]
    use = np.einsum("jks,js->jk", gamma, flows.sum(axis=1))
    gamma *= np.minimum(1.0, 0.8 * flows.sum(axis=0) / np.maximum(use, 1e-300))[:, :, None]
    labels, sectors = tuple(f"C{k}" for k in range(size)), tuple(f"s{k}" for k in range(count))
    return SectorMatrix(labels, sectors, flows, 1 - gamma.sum(axis=1), gamma)


def drawn_scenario(draw, matrix, name):
    """Costs and severances, for all sectors of a pair or for some; and their (N, N, S) factors."""
    factors, share = np.ones(matrix.flows.shape), draw.choice([0.15, 0.4, 0.7])
    for i, j in np.argwhere(draw.random(factors.shape[:2]) < share):
        if i != j:
            some = draw.random(len(matrix.sectors)) < draw.choice([0.6, 1.0])
            factors[i, j, some] = draw.choice(COSTS, int(some.sum()))
    if draw.random() < 0.25:  # two pieces
        side = draw.random(factors.shape[0]) < 0.5
        factors[side[:, None] != side] = math.inf
    cells = [
        Cell(matrix.labels[i], matrix.labels[j], float(factors[i, j, s]), 1.0, matrix.sectors[s])
        for i, j, s in np.argwhere(factors > 1)
    ]
    return Scenario(name, tuple(cells)), factors


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("rule", ["additive", "multiplicative"])
def test_worlds_with_holes_equal_the_plain_equations(rule, horizon):
    """What is solved equals the plain model to 1e-8; what lacks a supplier is named, exactly that and no more."""
    compared = rationed = apart = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        matrix = holed_world(draw)
        cases = [drawn_scenario(draw, matrix, f"case {k}") for k in range(3)]
        theta = draw.choice([0.3, 0.76, 1.5, 4.0, 8.0], len(matrix.sectors))
        result = solve_sectors(
            matrix, [case for case, _ in cases], theta, horizon=horizon, imbalances=rule, on_failure="mark"
        )
        for s, (_, factors) in enumerate(cases):
            problem = result.problems[s]
            live = (matrix.flows > 0) & np.isfinite(factors)
            lacking = np.argwhere((matrix.absorption > 0) & ~live.any(axis=0))
            if lacking.size:
                assert isinstance(problem, Rationed)
                assert set(problem.needs) == {(matrix.labels[j], matrix.sectors[k]) for j, k in lacking}
                rationed += 1
                continue
            assert not isinstance(problem, Rationed)
            if problem is not None:
                assert isinstance(problem, NoEquilibrium)
                assert problem.states
                continue
            plain = expected(matrix, factors, theta, horizon == "short", rule)
            if plain is None:  # the plain search from a few starts found nothing; the engine checks itself
                continue
            np.testing.assert_allclose(result.welfare_change[s], plain[0], atol=SAME, rtol=0)
            np.testing.assert_allclose(
                result.flows_after(s), plain[1], atol=SAME * matrix.flows.max(), rtol=0
            )
            compared += 1
            apart += len(pieces(matrix, factors)) > 1
    assert compared > 100
    assert rationed > 2
    assert apart > 5


EXTREMES = [0.1, 0.76, 50.0, 200.0]


@pytest.mark.parametrize("rule", ["additive", "multiplicative"])
@pytest.mark.parametrize("theta", EXTREMES)
def test_extreme_elasticities_and_sizes(make_world, theta, rule):
    """One economy is 1e-9 of the world; each of both engines against the plain equations."""
    flows = make_world(3, 5, balanced=True).flows.copy()
    flows[4, :4], flows[:4, 4] = 1e-9 * flows[4, :4], 1.05e-9 * flows[:4, 4]
    flows[4, 4] *= 1e-9
    world = TradeMatrix(("A", "B", "C", "D", "E"), flows)
    matrix = SectorMatrix(world.labels, ("all",), flows[:, :, None])
    for pairs in ([("E", "A")], [("A", "B")]):
        cut = severance(pairs)
        factors = np.ones(matrix.flows.shape)
        for cell in cut.cells:
            factors[world.index(cell.exporter), world.index(cell.importer)] = math.inf
        plain = expected(matrix, factors, theta, False, rule)
        assert plain is not None
        one = solve(world, cut, theta, imbalances=rule)
        batch = solve(world, [cut, Scenario("none", ()), cut], theta, imbalances=rule)
        many = solve_sectors(matrix, cut, theta, imbalances=rule)
        for result in (one, batch, many):
            np.testing.assert_allclose(result.welfare_change[0], plain[0], atol=1e-10, rtol=0)
        np.testing.assert_allclose(one.flows_after(0), plain[1][:, :, 0], rtol=1e-7, atol=0)


def oil_world():
    """A makes no oil and buys it from B and C; C buys some from B."""
    flows = np.zeros((3, 3, 2))
    flows[:, :, 0] = [[100, 5, 5], [8, 200, 10], [9, 10, 150]]
    flows[:, :, 1] = [[0, 0, 0], [10, 20, 4], [2, 0, 30]]
    return SectorMatrix(("A", "B", "C"), ("food", "oil"), flows)


NO_OIL = {
    "severed": severance([("A", "B"), ("A", "C")]),
    "oil alone, one way": severance([("B", "A"), ("C", "A")], one_way=True, sectors=["oil"]),
    "capped at nothing": Scenario("caps", (Cell("B", "A", 1, 0, "oil"), Cell("C", "A", 1, 0, "oil"))),
    "one of each": Scenario("mixed", (Cell("B", "A", 1, 0), Cell("C", "A", math.inf, 0.5, "oil"))),
}


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("way", NO_OIL)
def test_no_supplier_left_is_named_however_it_came_about(way, horizon):
    matrix, other = oil_world(), severance([("A", "B")])
    alone = solve_sectors(matrix, other, 2.0, horizon=horizon)
    both = solve_sectors(matrix, [other, NO_OIL[way], other], 2.0, horizon=horizon, on_failure="mark")
    assert isinstance(both.problems[1], Rationed)
    assert both.problems[1].needs == (("A", "oil"),)
    assert both.problems[1].exit_code == 3
    for name in CHANGES:
        values = getattr(both, f"{name}_change")
        assert np.isnan(values[1]).all()
        for s in (0, 2):  # the others are solved as if alone
            np.testing.assert_allclose(values[s], getattr(alone, f"{name}_change")[0], atol=1e-10)
    # A little oil left, from anywhere, is a finite loss; the less, the larger.
    losses = []
    for cap in (1e-2, 1e-4, 1e-8):
        left = Scenario("drop", (Cell("B", "A", 1, cap, "oil"), Cell("C", "A", math.inf, 1, "oil")))
        losses.append(-solve_sectors(matrix, left, 2.0, horizon=horizon).welfare_change[0, 0])
    assert losses == sorted(losses)
    assert losses[-1] < 1


@pytest.mark.parametrize("horizon", HORIZONS)
def test_rationing_in_a_sweep_leaves_its_rows_empty(horizon):
    flows = oil_world().flows.copy()
    flows[2, 0, 1] = 0  # A's only oil is B's
    matrix = SectorMatrix(("A", "B", "C"), ("food", "oil"), flows)
    swept = leverage(matrix, ["B", "C"], theta=2.0, horizon=horizon)
    table = dict(zip(zip(swept.focal, swept.power, strict=True), swept.problems, strict=True))
    assert isinstance(table["A", "B"], Rationed)
    assert [key for key, problem in table.items() if problem is not None] == [("A", "B")]
    empty = swept.frame().filter(swept.frame()["welfare_change_pct"].is_null())
    assert empty.select("focal", "power").rows() == [("A", "B")]
    assert empty["power_welfare_change_pct"].null_count() == 1


def test_quantities_of_specific_factors_stay(make_sectors):
    """Without inputs a sector delivers what it always did, and its price bears all of the change."""
    matrix = make_sectors(4, 4, 3, inputs=False)
    result = solve_sectors(matrix, coalition("C0", ["C1", "C2"]), [0.76, 4.0, 50.0], horizon="short")
    quantity = result.output[0] / matrix.output / result.unit_cost[0]
    np.testing.assert_allclose(quantity, 1.0, rtol=1e-10)


def surplus_world(surplus):
    """K sells all but a hundredth of its exports to P, and sells it more than it buys."""
    sold = 20 + surplus
    flows = [[100 - sold, sold - 0.01, 0.01], [20 - 0.01, 1000, 50], [0.01, 50, 300]]
    return TradeMatrix(("K", "P", "T"), np.array(flows))


def test_the_border_of_negative_spending_is_crossed_once_and_named():
    """With a larger surplus to earn from T alone K loses more, smoothly, until there is nothing left to spend."""
    sizes = np.linspace(0.25, 4.0, 16)
    changes, refused = [], []
    for size in sizes:
        result = solve(surplus_world(size), severance([("K", "P")]), 1.5, on_failure="mark")
        problem = result.problems[0]
        if problem is None:
            assert not refused
            assert result.spending[0, 0] > 0
            changes.append(result.welfare_change[0, 0])
        else:
            assert isinstance(problem, NoEquilibrium)
            assert problem.states == ("K",)
            refused.append(size)
    assert len(changes) >= 8
    assert len(refused) >= 4
    steps = np.diff(changes)
    assert (steps < 0).all()
    assert (np.abs(np.diff(steps)) < 0.5 * np.abs(steps[1:])).all()
    assert changes[-1] < -0.85


def test_every_state_of_the_world_against_four_powers(shared_samples):
    """194 economies from BACI: nothing empty, everything cleared, batch and single solves alike."""
    import polars as pl

    folder = shared_samples / "cepii_baci_2023_totals"
    pairs = pl.read_csv(folder / "baci_hs22_v202501_2023_country_pairs.csv")
    table = pl.read_csv(folder / "countries_gdp.csv")
    gdp = dict(zip(table["iso3"], table["gdp_usd_m"], strict=True))
    labels = sorted(set(pairs["exporter"]) | set(pairs["importer"]))
    place = {label: k for k, label in enumerate(labels)}
    flows = np.zeros((len(labels), len(labels)))
    for a, b, value in pairs.select("exporter", "importer", "value_usd_m").iter_rows():
        flows[place[a], place[b]] = value
    for label, k in place.items():
        flows[k, k] = max(gdp[label] - flows[k].sum(), 0.05 * gdp[label])
    world = TradeMatrix(tuple(labels), flows)
    cuts = [coalition(f, [p]) for f in labels for p in ("RUS", "CHN", "USA", "DEU") if f != p]
    assert len(cuts) == 772
    result = solve(world, cuts, 4.0, on_failure="mark")
    assert set(result.problems) == {None}
    assert result.residual.max() <= 1e-10
    for name in CHANGES:
        assert np.isfinite(getattr(result, f"{name}_change")).all()
    for s in range(0, len(cuts), 80):
        alone = solve(world, cuts[s], 4.0)
        for name in CHANGES:
            one, among = getattr(alone, f"{name}_change")[0], getattr(result, f"{name}_change")[s]
            np.testing.assert_allclose(one, among, atol=1e-9, rtol=0)
