"""The derivative of the equations of `sector_kernel` (same symbols), for Newton steps.

With n = S * N: prices respond to factor prices by `(I - Pi' gamma)^(-1) Pi' va`, where Pi holds the new shares; a cell that a
cap holds follows the buyer's price and spending instead of the seller's cost.
"""

from __future__ import annotations

import numpy as np

from betweengiants.trade.arrays import Floats
from betweengiants.trade.newton import LOW
from betweengiants.trade.sector_kernel import Block, State, delivered


def jacobian(block: Block, state: State) -> Floats:
    """(B, S*N, S*N) derivative of the gap with respect to r, with the level of r pinned down."""
    eco, theta = block.economy, block.theta
    batch, count, size = state.r.shape
    n = count * size
    free, held = _new_shares(block, state)
    lin = theta / (theta + 1)
    slope = block.ratio * state.scale[:, None] if block.rule == "multiplicative" else np.ones((batch, size))
    # q[s,k,j] R[k,j]: change of absorption of s in j with log output of k.
    q = np.einsum("sj,kj->skj", eco.alpha, eco.va)[None] * slope[:, None, None, :]
    q = (q + eco.gamma.transpose(1, 0, 2)) * state.made[:, None, :, :]
    direct = np.einsum("bsij,bskj->bsikj", free + held / (1 + theta)[..., None], q).reshape(batch, n, n)
    per_x, per_r = _price_response(block, state, free, held, q)
    own = _factor_directions(block, state)
    through = sales_response(block, state, free, held, per_x, eco.va[None])
    change = direct + (through if block.short else _spread(through, own))
    if per_r is not None:
        change += sales_response(block, state, free, held, per_r, None)
    if block.rule == "multiplicative":
        change += _scale_response(block, state, free, held, lin)
    alive = block.alive.reshape(batch, n)
    ratio = state.sales / np.where(block.alive, state.made, 1.0)
    base = np.where(ratio > LOW, state.sales, LOW * state.made).reshape(batch, n)
    weight = np.where(ratio > LOW, 1.0, ratio / LOW).reshape(batch, n)
    change = change / np.where(alive, base, 1.0)[:, :, None]
    pin = (eco.va * state.made).reshape(batch, n) / eco.income.sum()
    change -= pin[:, None, :]
    change[~alive] = 0.0
    diagonal = np.arange(n)
    change[:, diagonal, diagonal] -= np.where(alive, weight, 1.0)
    return np.asarray(change)


def _new_shares(block: Block, state: State) -> tuple[Floats, Floats]:
    """(B, S, N, N) new shares of cells that no cap holds, and of those that one holds."""
    power = np.exp(-block.theta * state.cost)
    free = power[..., None] * block.free / state.phi[:, :, None, :]
    held = np.zeros_like(free)
    caps = block.caps
    if caps.scenario.size:
        paid, _, binds = delivered(block, state)
        to = caps.scenario, caps.sector, caps.importer
        share = caps.share * np.exp(-block.theta[caps.scenario, caps.sector, 0] * paid) / state.phi[to]
        at = caps.scenario, caps.sector, caps.exporter, caps.importer
        free[at], held[at] = np.where(binds, 0.0, share), np.where(binds, share, 0.0)
    return free, held


def _factor_directions(block: Block, state: State) -> Floats:
    """(B, S, N) share of each sector in the factor income of its country."""
    return np.asarray(block.economy.va * state.made / state.earned[:, None, :])


def _spread(per_x: Floats, own: Floats) -> Floats:
    """(B, n, S*N) from (B, n, N): the long-run factor price moves with each sector's output by its income share."""
    batch, n, _ = per_x.shape
    return np.asarray((per_x[:, :, None, :] * own[:, None]).reshape(batch, n, -1))


def _price_response(
    block: Block, state: State, free: Floats, held: Floats, q: Floats
) -> tuple[Floats, Floats | None]:
    """Derivatives of p: by the factor prices x, (B, n, n) or in the long run (B, n, N), and by r through held caps."""
    eco, theta = block.economy, block.theta
    batch, count, size = state.r.shape
    n = count * size
    by_cost = np.einsum("bsij,si->bsji", free, eco.va)
    if block.short:
        blocks = np.zeros((batch, count, size, count, size))
        sectors = np.arange(count)
        blocks[:, sectors, :, sectors, :] = by_cost.transpose(1, 0, 2, 3)
        right = blocks.reshape(batch, n, n)
    else:
        right = by_cost.reshape(batch, n, size)
    bound = held.sum(axis=2)
    capped = bool(bound.any())
    if capped:
        base = np.where(state.absorbed > 0, state.absorbed, 1.0)
        factor = bound / (theta + 1) / base
        extra = np.zeros((batch, count, size, count, size))
        countries = np.arange(size)
        # Advanced axes come first: (N, B, S, S).
        extra[:, :, countries, :, countries] = (factor[:, :, None, :] * q).transpose(3, 0, 1, 2)
        right = np.concatenate([right, extra.reshape(batch, n, n)], axis=2)
    if eco.gamma.any():
        matrix = -np.einsum("bsij,ski->bsjki", free, eco.gamma).reshape(batch, n, n)
        diagonal = np.arange(n)
        matrix[:, diagonal, diagonal] += (1 - theta / (theta + 1) * bound).reshape(batch, n)
        solved = np.linalg.solve(matrix, right)
    else:
        solved = right / (1 - theta / (theta + 1) * bound).reshape(batch, n, 1)
    columns = n if block.short else size
    return solved[:, :, :columns], solved[:, :, columns:] if capped else None


def sales_response(
    block: Block, state: State, free: Floats, held: Floats, price: Floats, va: Floats | None
) -> Floats:
    """(B, n, L) derivative of sales when prices move by `price` (B, n, L) and, with `va`, factor prices directly."""
    eco, theta = block.economy, block.theta[..., None]
    batch, count, size = state.r.shape
    moved = price.reshape(batch, count, size, -1)
    cost = np.einsum("skj,bkjl->bsjl", eco.gamma, moved) if eco.gamma.any() else np.zeros_like(moved)
    if va is not None:
        place = np.arange(size)
        if block.short:
            for s in range(count):
                cost[:, s, place, s * size + place] += va[:, s]
        else:
            cost[:, :, place, place] += va
    value, bound = free * state.absorbed[:, :, None, :], held * state.absorbed[:, :, None, :]
    pull = np.matmul(theta * (value + bound / (1 + theta)), moved)
    return np.asarray((pull - theta * value.sum(axis=3)[..., None] * cost).reshape(batch, count * size, -1))


def _scale_response(block: Block, state: State, free: Floats, held: Floats, lin: Floats) -> Floats:
    """(B, n, n) what the common factor of the multiplicative rule adds.

    Final spending moves by I * dlog scale in every country; caps see spending before that factor.
    """
    eco = block.economy
    batch, count, size = state.r.shape
    income = (eco.va * state.made).reshape(batch, -1)
    wanted = (block.ratio * eco.va * state.made).reshape(batch, -1)
    row = income / income.sum(axis=1)[:, None] - wanted / wanted.sum(axis=1)[:, None]
    base = np.where(state.absorbed > 0, state.absorbed, 1.0)
    lift = eco.alpha * state.spent[:, None, :] / base
    bound = held.sum(axis=2)
    price = (bound / (block.theta + 1) * (lift - 1)).reshape(batch, -1, 1)
    if bound.any():
        if eco.gamma.any():
            n = count * size
            matrix = -np.einsum("bsij,ski->bsjki", free, eco.gamma).reshape(batch, n, n)
            matrix[:, np.arange(n), np.arange(n)] += (1 - lin * bound).reshape(batch, n)
            price = np.linalg.solve(matrix, price)
        else:
            price = price / (1 - lin * bound).reshape(batch, -1, 1)
    value = state.absorbed[:, :, None, :]
    at_given_prices = (
        free * value * lift[:, :, None, :] + held * value * (lift - lin * (lift - 1))[:, :, None, :]
    )
    column = at_given_prices.sum(axis=3).reshape(batch, -1, 1)
    column = column + sales_response(block, state, free, held, price, None)
    return np.asarray(column * row[:, None, :])
