"""The equations of several sectors with inputs for a block of scenarios: arrays in, arrays out.

Symbols (Caliendo & Parro 2015, doi 10.1093/restud/rdu035; axes: scenario b, sector s or k, exporter i, importer j):

    r[s,j]    log of output R relative to its baseline Y
    x[s,j]    log factor price: r in the short run (the factor's quantity is fixed); in the long run the log of
              factor income of the country, one for all its sectors
    c[s,j]    log unit cost, va x + sum_k gamma[s,k] p[k]
    d[s,i,j]  log price of what is delivered, c[i] + log tau + u; u >= 0 is the log of the extra factor of a cap
    p[s,j]    log price index, -log( sum_i pi exp(-theta d) ) / theta
    E[k,j]    absorption, alpha[k] I + sum_s gamma[s,k] R[s]; I final spending
    F[s,i]    log( sum_j pi' E / R ), zero in equilibrium

Income is linear in R in both horizons, so that R is the only unknown; prices follow from it by a contraction. A cap
holds the delivered quantity relative to the baseline, exp(log(X'/X) - d), at q or below. Where it binds,
`(theta+1) d = theta p + log(E/E0) - log q`, which does not depend on the exporter's cost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from betweengiants.trade.arrays import Flags, Floats, Imbalances, Ints
from betweengiants.trade.newton import log_ratio

TINY = 1e-300
SWEEPS = 4000
STILL = 1e-15
"""Prices have settled when a sweep moves their logs by no more than this (times 1 + the largest)."""
SLOW = 0.9
LARGEST_CHAINS = 2500
"""Pairs of sector and country up to which the whole derivative of the price sweep is inverted."""


@dataclass(frozen=True, eq=False)
class SectorEconomy:
    """A baseline in units of world income.

    Attributes:
        share: (S, N, N) pi, columns sum to 1 (0 where nothing is absorbed).
        output, absorbed: (S, N) Y and E.
        alpha: (S, N) shares in final spending.
        va: (S, N).
        gamma: (S, S, N) [using sector, input, country].
        income, spending: (N,) value added and final spending.
    """

    share: Floats
    output: Floats
    absorbed: Floats
    alpha: Floats
    va: Floats
    gamma: Floats
    income: Floats
    spending: Floats

    @cached_property
    def chains(self) -> Floats | None:
        """(S N, S N) what all rounds of inputs add up to: inverse of I - J, J the derivative of the sweep at the baseline.

        None where no sector buys inputs, or where it would be too large.
        """
        sectors, size = self.output.shape
        if not self.gamma.any() or sectors * size > LARGEST_CHAINS:
            return None
        slope = np.einsum("sij,ski->sjki", self.share, self.gamma).reshape(sectors * size, -1)
        return np.asarray(np.linalg.inv(np.eye(sectors * size) - slope))

    @cached_property
    def at_home(self) -> Floats:
        """(S, S, N) inverse of I - home share * gamma by country: what domestic inputs add up to."""
        home = np.einsum("sjj->js", self.share)
        matrix = np.eye(home.shape[1]) - home[:, :, None] * self.gamma.transpose(2, 0, 1)
        return np.ascontiguousarray(np.linalg.inv(matrix).transpose(1, 2, 0))

    def part(self, members: Ints) -> SectorEconomy:
        """Some of the countries; shares stay shares of all that they absorb."""
        taken = {f.name: getattr(self, f.name)[..., members] for f in fields(self)}
        return SectorEconomy(**(taken | {"share": self.share[:, members][:, :, members]}))


@dataclass(frozen=True, eq=False)
class Caps:
    """Capped cells of a block: (K,) positions, baseline share, log cost factor, log cap."""

    scenario: Ints
    sector: Ints
    exporter: Ints
    importer: Ints
    share: Floats
    cost: Floats
    cap: Floats

    def take(self, scenarios: Ints, count: int) -> Caps:
        """The cells of some of `count` scenarios, renumbered 0, 1, ... in that order."""
        new = np.full(count, -1, dtype=np.int64)
        new[scenarios] = np.arange(scenarios.size)
        kept = np.flatnonzero(new[self.scenario] >= 0)
        some = {f.name: getattr(self, f.name)[kept] for f in fields(self)}
        return Caps(**(some | {"scenario": new[self.scenario[kept]]}))


@dataclass(frozen=True, eq=False)
class Block:
    """B scenarios of one connected economy.

    Attributes:
        economy: the baseline.
        free: (B, S, N, N) pi * tau^(-theta), capped cells at zero.
        caps: the capped cells.
        theta: (B, S, 1).
        short: factors are specific to their sectors.
        rule: how imbalances behave.
        fixed: (N,) imbalances of the additive rule.
        ratio: (N,) final spending over income of the multiplicative rule.
        alive: (B, S, N) sectors that have output and somebody left to sell to.
    """

    economy: SectorEconomy
    free: Floats
    caps: Caps
    theta: Floats
    short: bool
    rule: Imbalances
    fixed: Floats
    ratio: Floats
    alive: Flags

    def take(self, scenarios: Ints) -> Block:
        """Some of the scenarios, in rising order."""
        return replace(
            self,
            free=self.free[scenarios],
            caps=self.caps.take(scenarios, self.free.shape[0]),
            theta=self.theta[scenarios],
            alive=self.alive[scenarios],
        )


@dataclass(eq=False)
class State:
    """What the equations say at r; the first axis of every array is the scenario.

    Attributes:
        r, x, cost, price: (B, S, N) logs as in the head of this module.
        phi: (B, S, N) exp(-theta price).
        made, sales, absorbed: (B, S, N) R, sum_j pi' E, and E.
        earned, spent: (B, N) factor income and final spending I.
        scale: (B,) what final spending is multiplied with so that it adds up to income (1 unless multiplicative).
        gap: (B, S, N) F.
        residual: (B,) largest |sales / R - 1|.
    """

    r: Floats
    x: Floats
    cost: Floats
    price: Floats
    phi: Floats
    made: Floats
    sales: Floats
    absorbed: Floats
    earned: Floats
    spent: Floats
    scale: Floats
    gap: Floats
    residual: Floats

    def take(self, scenarios: Ints) -> State:
        """Some of the scenarios."""
        return State(**{f.name: getattr(self, f.name)[scenarios] for f in fields(self)})

    def put(self, scenarios: Ints, other: State) -> None:
        """Enter the scenarios of `other` at the given places."""
        for f in fields(self):
            getattr(self, f.name)[scenarios] = getattr(other, f.name)


def evaluate(block: Block, r: Floats, price: Floats | None = None, still: float = STILL) -> State:
    """The state at r, which is normalised first so that world income keeps its baseline.

    Args:
        block: the scenarios.
        r: (B, S, N).
        price: (B, S, N) where the prices start.
        still: prices have settled when a sweep moves their logs by no more than this.
    """
    eco = block.economy
    made = np.where(block.alive, eco.output * np.exp(r), 0.0)
    total = (eco.va * made).sum(axis=(1, 2))
    shift = eco.income.sum() / total
    r, made = r + np.log(shift)[:, None, None], made * shift[:, None, None]
    earned = (eco.va * made).sum(axis=1)
    x = r if block.short else np.broadcast_to(np.log(earned / eco.income)[:, None, :], r.shape)
    scale = np.ones(r.shape[0])
    if block.rule == "multiplicative":
        spent = block.ratio * earned
        scale = earned.sum(axis=1) / spent.sum(axis=1)
        spent = spent * scale[:, None]
    else:
        spent = earned + block.fixed
    absorbed = eco.alpha * spent[:, None, :] + np.einsum("skj,bsj->bkj", eco.gamma, made)
    start = np.zeros(r.shape) if price is None else price
    cost, price, phi = _prices(block, x, _log_growth(block, absorbed, scale), start, still)
    sales = _sales(block, cost, price, phi, absorbed, scale)
    ratio = np.where(block.alive, sales / np.where(block.alive, made, 1.0), 1.0)
    residual = np.abs(ratio - 1).max(axis=(1, 2))
    gap = log_ratio(ratio)
    return State(r, np.array(x), cost, price, phi, made, sales, absorbed, earned, spent, scale, gap, residual)


def delivered(block: Block, state: State) -> tuple[Floats, Floats, Flags]:
    """(K,) log price of what is delivered, (K,) log extra factor u, and (K,) whether the cap binds."""
    growth = _log_growth(block, state.absorbed, state.scale)
    return _delivered(block, state.cost, state.price, growth)


def prices_at(block: Block, free: Floats) -> Floats:
    """(B, S, N) log price indices under (B, S, N, N) shares `free` when every factor keeps its price."""
    still = np.zeros(free.shape[:-1])
    flat = replace(
        block, free=free, theta=np.broadcast_to(block.theta, (free.shape[0], *block.theta.shape[1:]))
    )
    return _prices(flat, still, still, still)[1]


def _log_growth(block: Block, absorbed: Floats, scale: Floats) -> Floats:
    """(B, S, N) log of absorption over its baseline, in the units in which flows are reported."""
    base = np.where(block.economy.absorbed > 0, block.economy.absorbed, 1.0)
    return np.asarray(np.log(np.maximum(absorbed / scale[:, None, None] / base, TINY)))


def _delivered(block: Block, cost: Floats, price: Floats, growth: Floats) -> tuple[Floats, Floats, Flags]:
    caps = block.caps
    theta = block.theta[caps.scenario, caps.sector, 0]
    to = caps.scenario, caps.sector, caps.importer
    plain = cost[caps.scenario, caps.sector, caps.exporter] + caps.cost
    held = (theta * price[to] + growth[to] - caps.cap) / (theta + 1)
    return np.maximum(plain, held), np.maximum(held - plain, 0.0), held > plain


def _prices(
    block: Block, x: Floats, growth: Floats, price: Floats, settled: float = STILL
) -> tuple[Floats, Floats, Floats]:
    """(cost, price, phi): the fixed point p = T(va x + gamma p) by sweeps from `price`.

    T is a contraction. While it helps, a sweep first multiplies the change by what the rounds of inputs add up to at the
    baseline: a Newton step with a fixed derivative.
    """
    eco, caps, theta = block.economy, block.caps, block.theta
    linked = bool(eco.gamma.any())
    need = eco.absorbed > 0
    helped = linked
    to, own = (caps.scenario, caps.sector, caps.importer), theta[caps.scenario, caps.sector, 0]
    last = np.inf
    for _ in range(SWEEPS):
        cost = eco.va * x
        if linked:
            cost = cost + np.einsum("skj,bkj->bsj", eco.gamma, price)
        phi = np.matmul(np.exp(-theta * cost)[:, :, None, :], block.free)[:, :, 0, :]
        slope = 0.0
        if caps.scenario.size:
            paid, _, binds = _delivered(block, cost, price, growth)
            power = caps.share * np.exp(-own * paid)
            held = np.zeros(phi.shape)
            np.add.at(phi, to, power)
            np.add.at(held, to, np.where(binds, power * own / (1 + own), 0.0))
            slope = held / np.maximum(phi, TINY)
        phi = np.where(need, np.maximum(phi, TINY), 1.0)
        step = np.where(need, -np.log(phi) / theta, 0.0) - price
        change = float(np.abs(step).max())
        if not change > settled * (1 + float(np.abs(price).max())):
            break
        helped = helped and change <= SLOW * last
        last = change
        # Where caps bind, a price hangs on itself with this slope: sum it up as well.
        step = step / (1 - slope)
        price = price + (_all_rounds(eco, step) if helped else step)
        if not (linked or caps.scenario.size):
            break
    return cost, price, phi


def _all_rounds(economy: SectorEconomy, step: Floats) -> Floats:
    """(B, S, N) what a first change of prices adds up to over all rounds of inputs, about the baseline."""
    if economy.chains is None:
        return np.asarray(np.einsum("skj,bkj->bsj", economy.at_home, step))
    return np.asarray((step.reshape(step.shape[0], -1) @ economy.chains.T).reshape(step.shape))


def _sales(block: Block, cost: Floats, price: Floats, phi: Floats, absorbed: Floats, scale: Floats) -> Floats:
    caps, theta = block.caps, block.theta
    sales = np.exp(-theta * cost) * np.matmul(block.free, (absorbed / phi)[..., None])[..., 0]
    if caps.scenario.size:
        paid, _, _ = _delivered(block, cost, price, _log_growth(block, absorbed, scale))
        to = caps.scenario, caps.sector, caps.importer
        value = caps.share * np.exp(-theta[caps.scenario, caps.sector, 0] * paid) * (absorbed / phi)[to]
        np.add.at(sales, (caps.scenario, caps.sector, caps.exporter), value)
    return np.asarray(sales)
