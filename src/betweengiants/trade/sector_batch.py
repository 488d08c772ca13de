"""Many scenarios by one shared Newton step and Anderson mixing; what this does not finish goes on with its own Newton steps.

The step is the inverse of the derivative at one scenario in the middle of the block. Both have the same zeros.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from betweengiants.trade.arrays import Floats, Ints
from betweengiants.trade.batch import GROWTH, POLISH, SHRINK, Mixing
from betweengiants.trade.sector_jacobian import jacobian
from betweengiants.trade.sector_kernel import STILL, Block, Caps, State, evaluate
from betweengiants.trade.sector_newton import LONGEST, by_path, iterate

FEWEST = 4
"""With fewer scenarios the shared step costs more than it saves."""
ROUNDS = 40
MEMORY = 2.0e8
"""Bytes that one chunk of scenarios may take."""
MOST = 128
STEP_TOLERANCE = 1e-12
MIDDLE = 1e-6
LOOSE, SHARE = 1e-4, 1e-3
"""Prices need not settle further than this, and this share of the smallest residual, while scenarios are far from solved."""


def chunk_size(cells: int, countries: int) -> int:
    """How many scenarios of so many (sector, country) pairs are solved together."""
    return int(min(MOST, max(1, MEMORY // (8 * 8 * cells * countries))))


def solve_block(block: Block, tolerance: float, max_iterations: int) -> tuple[State, Ints, Floats]:
    """Solve the B scenarios of a block: together, then each by Newton steps, then by a path.

    Returns:
        The best states (not solved where the residual is above the tolerance), (B,) iterations, and (B,) the share of the
        imbalances that was reached: 1, or less where only smaller ones have a solution (0: not even balanced trade has
        been solved).
    """
    found = solve_together(block, tolerance)
    state, iterations = _one_by_one(block, tolerance, max_iterations) if found is None else found
    left = np.flatnonzero(~(state.residual <= tolerance))
    if found is not None and left.size:
        own, more = _one_by_one(block.take(left), tolerance, max_iterations)
        state.put(left, own)
        iterations[left] += more
    reached = np.ones(iterations.size)
    for s in np.flatnonzero(~((state.residual <= tolerance) & (state.spent > 0).all(axis=1))):
        at = np.array([s])
        hard, steps, reached[s] = by_path(block.take(at), tolerance, max_iterations)
        state.put(at, hard)
        iterations[s] += steps
    return state, iterations, reached


def _one_by_one(block: Block, tolerance: float, max_iterations: int) -> tuple[State, Ints]:
    """Newton steps for all scenarios, as many at a time as their matrices leave room for."""
    count, n = block.free.shape[0], block.alive[0].size
    chunk = int(min(MOST, max(1, MEMORY // (8 * 8 * n * n))))
    pieces = [
        iterate(block.take(np.arange(k, min(k + chunk, count))), tolerance, max_iterations)
        for k in range(0, count, chunk)
    ]
    parts = {f.name: np.concatenate([getattr(s, f.name) for s, _ in pieces]) for f in fields(State)}
    return State(**parts), np.concatenate([taken for _, taken in pieces])


def solve_together(block: Block, tolerance: float) -> tuple[State, Ints] | None:
    """Iterate on all scenarios of a block.

    Returns:
        The best states and (B,) rounds; a scenario that was not solved has a residual above the tolerance. None if there are
        too few scenarios, or if the middle of the block has no solution.
    """
    if block.free.shape[0] < FEWEST:
        return None
    middle, _ = iterate(_middle(block), MIDDLE, ROUNDS)
    matrix = jacobian(_middle(block), middle)[0]
    if not (middle.residual[0] <= MIDDLE and np.isfinite(matrix).all()):
        return None
    try:
        inverse = -np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _mix(block, inverse, middle, tolerance)


def _mix(block: Block, inverse: Floats, middle: State, tolerance: float) -> tuple[State, Ints]:
    shape, n = block.alive.shape, block.alive[0].size
    todo, rounds = np.arange(shape[0]), np.zeros(shape[0], dtype=np.int64)
    x = np.repeat(middle.r.reshape(n, 1), shape[0], axis=1)
    settled = LOOSE
    state = evaluate(block, x.T.reshape(shape), np.broadcast_to(middle.price, shape), settled)
    best = state.take(todo)
    mixing = Mixing(n, shape[0])
    f = moved = np.zeros_like(x)
    within, lowest = np.zeros(shape[0], dtype=np.int64), np.full(shape[0], np.inf)
    for round_ in range(1, ROUNDS + 1):
        if round_ > 1:
            state = evaluate(block, x.T.reshape(-1, *shape[1:]), state.price, settled)
        x = np.ascontiguousarray(state.r.reshape(-1, n).T)
        previous, f = f, inverse @ state.gap.reshape(-1, n).T
        rounds[todo] = round_
        if settled > STILL:
            # A residual at loose prices only says how near it is.
            state.residual = np.maximum(state.residual, 10 * settled)
        better = np.flatnonzero(state.residual < best.residual[todo])
        best.put(todo[better], state.take(better))
        within += state.residual <= tolerance
        still = np.abs(f).max(axis=0) <= STEP_TOLERANCE
        done = ((within > 0) & still) | (within > POLISH) | ~np.isfinite(state.residual)
        if done.all():
            break
        if round_ > 1:
            mixing.remember(x - moved, f - previous)
        mixing.forget(state.residual > GROWTH * lowest)
        lowest = np.minimum(lowest, state.residual)
        settled = max(STILL, min(settled, SHARE * float(state.residual[~done].min())))
        if (~done).mean() < SHRINK:
            keep = np.flatnonzero(~done)
            block, state, todo = block.take(keep), state.take(keep), todo[keep]
            mixing.take(keep)
            x, f, within, lowest = x[:, keep], f[:, keep], within[keep], lowest[keep]
        step = f - mixing.correction(f)
        moved = x
        x = x + step * (LONGEST / np.maximum(np.abs(step).max(axis=0), LONGEST))
    return best, rounds


def _middle(block: Block) -> Block:
    """One scenario in the middle: mean flows, mean log elasticities; its caps if all have them in the same cells."""
    count, caps = block.free.shape[0], block.caps
    free, theta = (
        block.free.mean(axis=0, keepdims=True),
        np.exp(np.log(block.theta).mean(axis=0, keepdims=True)),
    )
    alive = np.asarray(block.alive.any(axis=0, keepdims=True))
    nobody = np.zeros(0, dtype=np.int64)
    one = caps.take(np.arange(1), count)
    if caps.scenario.size and _alike(caps, one, count):
        order = np.lexsort((caps.importer, caps.exporter, caps.sector, caps.scenario)).reshape(count, -1)
        cost, cap = caps.cost[order].mean(axis=0), caps.cap[order].mean(axis=0)
        first = {f.name: getattr(caps, f.name)[order[0]] for f in fields(caps)}
        own = Caps(**(first | {"scenario": np.zeros(cost.size, dtype=np.int64), "cost": cost, "cap": cap}))
    else:
        power = caps.share * np.exp(-theta[0, caps.sector, 0] * caps.cost) / count
        np.add.at(free[0], (caps.sector, caps.exporter, caps.importer), power)
        own = caps.take(nobody, count)
    return replace(block, free=free, theta=theta, alive=alive, caps=own)


def _alike(caps: Caps, one: Caps, count: int) -> bool:
    """Whether every scenario has a cap in the same cells as the first."""
    if caps.scenario.size != one.scenario.size * count:
        return False
    cells = [np.lexsort((caps.importer, caps.exporter, caps.sector, caps.scenario)).reshape(count, -1)]
    return all(
        bool((getattr(caps, name)[cells[0]] == getattr(caps, name)[cells[0][0]]).all())
        for name in ("sector", "exporter", "importer")
    )
