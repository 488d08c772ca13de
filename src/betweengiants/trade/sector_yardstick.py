"""The yardsticks of `yardstick` for several sectors with inputs (symbols of `sector_kernel`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.core.errors import BetweenGiantsError
from betweengiants.trade.arrays import Floats, Imbalances, Ints
from betweengiants.trade.faults import require_one_world
from betweengiants.trade.options import Horizon
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_engine import (
    balance_sectors,
    economy_of,
    rationed,
    sector_cells,
    sector_thetas,
)
from betweengiants.trade.sector_jacobian import jacobian, sales_response
from betweengiants.trade.sector_kernel import Block, Caps, SectorEconomy, State, evaluate, prices_at
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_solver import SectorCells

CHUNK = 4_000_000
"""Numbers in the shares of the scenarios that are priced at once (32 MB)."""


@dataclass(frozen=True, eq=False)
class Linear:
    """The equations at the baseline and their derivative.

    Attributes:
        block, state: the baseline as one scenario.
        jacobian: (n, n), n = S * N.
        prices: (n, n) I - Pi' gamma, by which input prices feed on each other.
    """

    block: Block
    state: State
    jacobian: Floats
    prices: Floats

    def price(self, right: Floats) -> Floats:
        """(n, L) log prices from (n, L) their direct causes."""
        return np.asarray(np.linalg.solve(self.prices, right))


def linearise(economy: SectorEconomy, theta: Floats, rule: Imbalances, *, short: bool) -> Linear:
    """The baseline and its derivative; `theta` is (S,)."""
    count, size = economy.output.shape
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    fixed = economy.spending - economy.income if rule == "additive" else np.zeros(size)
    block = Block(
        economy,
        economy.share[None],
        Caps(nothing, nothing, nothing, nothing, none, none, none),
        theta[None, :, None],
        short,
        rule,
        fixed,
        economy.spending / economy.income,
        (economy.output > 0)[None],
    )
    state = evaluate(block, np.zeros((1, count, size)))
    feeds = -np.einsum("sij,ski->sjki", economy.share, economy.gamma).reshape(count * size, count * size)
    return Linear(block, state, jacobian(block, state)[0], feeds + np.eye(count * size))


def responses(linear: Linear, dear: Floats, sales: Floats) -> tuple[Floats, Floats]:
    """(N, L) derivatives of log factor income and of log real spending when prices and sales are hit directly.

    Args:
        linear: the baseline.
        dear: (n, L) direct rise of the log price of each sector and buyer.
        sales: (n, L) direct change of each sector's and seller's sales, in units of world income.
    """
    eco, state, block = linear.block.economy, linear.state, linear.block
    count, size = eco.output.shape
    n = count * size
    price = linear.price(dear)
    none = np.zeros_like(block.free)
    through = sales_response(block, state, block.free, none, price[None], None)[0]
    made = np.where(eco.output > 0, eco.output, 1.0).reshape(n, 1)
    gap = np.where(eco.output.reshape(n, 1) > 0, (sales + through) / made, 0.0)
    output = np.linalg.solve(linear.jacobian, -gap)
    earned = np.einsum("sjl->jl", (eco.va * eco.output)[:, :, None] * output.reshape(count, size, -1))
    income = earned / eco.income[:, None]
    factor = output if block.short else np.broadcast_to(income, (count, size, income.shape[1])).reshape(n, -1)
    pushed = np.einsum("sij,sil->sjl", eco.share, eco.va[:, :, None] * factor.reshape(count, size, -1))
    total = linear.price(dear + pushed.reshape(n, -1)).reshape(count, size, -1)
    spent = earned / eco.spending[:, None] if block.rule == "additive" else income
    return np.asarray(income), np.asarray(spent - np.einsum("sj,sjl->jl", eco.alpha, total))


def measure(
    matrix: SectorMatrix,
    scenarios: Sequence[Scenario],
    theta: ArrayLike,
    *,
    imbalances: Imbalances,
    horizon: Horizon,
) -> tuple[Floats, Floats, tuple[BetweenGiantsError | None, ...]]:
    """(S, N) first order, (S, N) closed form, and (S,) problems; arguments as in `yardstick.yardsticks`."""
    require_one_world(matrix.labels, matrix.flows.sum(axis=2))
    elasticity = sector_thetas(theta, matrix.sectors)
    if imbalances == "balanced":
        matrix = balance_sectors(matrix, elasticity, horizon=horizon)
    economy, cells = economy_of(matrix), sector_cells(matrix, scenarios)
    linear = linearise(economy, elasticity, imbalances, short=horizon == "short")
    first = _first_order(linear, cells, elasticity)
    problems = tuple(rationed(matrix, scenario, economy, cells, s) for s, scenario in enumerate(scenarios))
    closed = np.full(first.shape, np.nan)
    supplied = np.flatnonzero([problem is None for problem in problems])
    chunk = max(1, CHUNK // economy.share.size)
    for start in range(0, supplied.size, chunk):
        some = supplied[start : start + chunk]
        closed[some] = _closed_form(linear.block, cells, elasticity, some)
    return first, closed, problems


def _first_order(linear: Linear, cells: SectorCells, theta: Floats) -> Floats:
    """(S, N) response to the lost shares of every scenario."""
    eco = linear.block.economy
    count, size = eco.output.shape
    shape = (count, size, cells.count)
    lost = eco.share[cells.sector, cells.exporter, cells.importer] * (cells.cost ** -theta[cells.sector] - 1)
    dear, sales = np.zeros(shape), np.zeros(shape)
    np.add.at(dear, (cells.sector, cells.importer, cells.scenario), -lost / theta[cells.sector])
    value = lost * eco.absorbed[cells.sector, cells.importer]
    np.add.at(sales, (cells.sector, cells.exporter, cells.scenario), value)
    _, welfare = responses(linear, dear.reshape(-1, cells.count), sales.reshape(-1, cells.count))
    return np.ascontiguousarray(welfare.T)


def _closed_form(block: Block, cells: SectorCells, theta: Floats, some: Ints) -> Floats:
    """(len(some), N) change of real spending when prices alone move."""
    eco = block.economy
    free = np.repeat(eco.share[None], some.size, axis=0)
    row = np.full(cells.count, -1, dtype=np.int64)
    row[some] = np.arange(some.size)
    mine = row[cells.scenario] >= 0
    at = row[cells.scenario[mine]], cells.sector[mine], cells.exporter[mine], cells.importer[mine]
    free[at] *= cells.cost[mine] ** -theta[cells.sector[mine]]
    price = prices_at(block, free)
    return np.asarray(np.expm1(-np.einsum("sj,bsj->bj", eco.alpha, price)) + 0.0)  # no negative zeros
