"""Newton steps in log output, each scenario with its own derivative, a line search, and a path for hard cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from betweengiants.trade.arrays import Flags, Floats, Ints
from betweengiants.trade.newton import (
    FADE_STEP,
    FADED,
    HALVINGS,
    PATIENCE,
    SHORTEST_FADE,
    SMALLEST_STEP,
)
from betweengiants.trade.sector_jacobian import jacobian
from betweengiants.trade.sector_kernel import Block, State, evaluate

LONGEST = 1.0
"""Longest step in a log factor price."""
LONGEST_OUTPUT = 8.0
"""Longest step in a log output: in the long run a sector may all but vanish."""
SETTLED = 1e-7
"""A Newton step of this size leaves an error of about its square."""


def iterate(
    block: Block, tolerance: float, max_iterations: int, start: Floats | None = None
) -> tuple[State, Ints]:
    """Newton steps for all scenarios of a block until each is solved or stuck."""
    count = block.free.shape[0]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        state = evaluate(block, np.zeros(block.alive.shape) if start is None else start)
        best = state.take(np.arange(count))
        iterations = np.zeros(count, dtype=np.int64)
        idle, polished = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        todo = np.arange(count)
        for _ in range(max_iterations):
            # The first pass also steps where the start already clears: without a shock it costs one step.
            todo = todo[(polished[todo] == 0) & (idle[todo] <= PATIENCE)]
            if not todo.size:
                break
            before = np.asarray(best.residual[todo] <= tolerance)
            part = block.take(todo)
            new, size = _step(part, state.take(todo))
            state.put(todo, new)
            iterations[todo] += 1
            better = np.flatnonzero(new.residual < best.residual[todo])
            idle[todo] = np.where(new.residual < 0.99 * best.residual[todo], 0, idle[todo] + 1)
            best.put(todo[better], new.take(better))
            solved = best.residual[todo] <= tolerance
            polished[todo] = before | (solved & (size <= SETTLED))
    return best, iterations


def _step(block: Block, state: State) -> tuple[State, Floats]:
    """One Newton step for every scenario, halved where it does not help; and (B,) its size."""
    matrix, n = jacobian(block, state), block.alive[0].size
    right = -state.gap.reshape(-1, n, 1)
    good = np.asarray(np.isfinite(matrix).all(axis=(1, 2)) & np.isfinite(right).all(axis=(1, 2)))
    matrix[~good] = np.eye(n)
    try:
        step = np.linalg.solve(matrix, right)[:, :, 0]
    except np.linalg.LinAlgError:
        step = np.stack([_least(m, b[:, 0]) for m, b in zip(matrix, right, strict=True)])
    step = np.where(good[:, None], step, -0.5 * right[:, :, 0]).reshape(state.r.shape)
    step = np.nan_to_num(step * block.alive, nan=0.0, posinf=0.0, neginf=0.0)
    step *= _shorter(block, state, step)[:, None, None]
    size = np.abs(step).max(axis=(1, 2))
    return _search(block, state, step), size


def _least(matrix: Floats, right: Floats) -> Floats:
    """A least-squares step where the matrix is singular."""
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])


def _shorter(block: Block, state: State, step: Floats) -> Floats:
    """(B,) factor that keeps the step within bounds."""
    longest = np.abs(step).max(axis=(1, 2)) / LONGEST_OUTPUT
    income = block.economy.va * state.made * step
    moved = step if block.short else income.sum(axis=1)[:, None, :] / state.earned[:, None, :]
    longest = np.maximum(longest, np.abs(moved).max(axis=(1, 2)) / LONGEST)
    return np.asarray(1 / np.maximum(longest, 1.0))


def _search(block: Block, state: State, step: Floats) -> State:
    """Halve the steps of the scenarios whose largest gap does not fall; where none helps, a small plain step."""
    before = np.abs(state.gap).max(axis=(1, 2))
    new = evaluate(block, state.r + step, state.price)
    bad = np.flatnonzero(_worse(new, before))
    factor = 1.0
    for _ in range(HALVINGS):
        # At the limit of the arithmetic a gap need not fall any more.
        bad = bad[before[bad] > 1e-9]
        if not bad.size:
            return new
        factor /= 2
        trial = evaluate(block.take(bad), state.r[bad] + factor * step[bad], state.price[bad])
        new.put(bad, trial)
        bad = bad[_worse(trial, before[bad])]
    if bad.size:
        plain = np.clip(state.gap[bad], -1, 1) / (1 + block.theta[bad]) * block.alive[bad]
        new.put(bad, evaluate(block.take(bad), state.r[bad] + plain))
    return new


def _worse(state: State, before: Floats) -> Flags:
    return np.asarray(~(np.abs(state.gap).max(axis=(1, 2)) < before))


def by_path(block: Block, tolerance: float, max_iterations: int) -> tuple[State, int, float]:
    """One hard scenario: the baseline fades; else the shock is raised in a balanced world, then the imbalances.

    Returns:
        The last solved state (or the closest), iterations, and the share of the imbalances that it holds.
    """
    faded, taken = _fade(block, tolerance, max_iterations)
    if faded.residual[0] <= tolerance:
        return faded, taken, 1.0
    found, more, reached = _raise_all(block, tolerance, max_iterations)
    return found, taken + more, reached


def _fade(block: Block, tolerance: float, max_iterations: int) -> tuple[State, int]:
    """What the scenario changes fades from the baseline, in equal steps of its logarithm (see `newton.fade_shock`)."""
    state, steps = iterate(_with_shock(block, 0.0), tolerance, max_iterations)
    passed, step = 0.0, FADE_STEP
    while state.residual[0] <= tolerance and passed < FADED:
        goal = passed + step
        nearer = _with_shock(block, -np.expm1(-goal)) if goal < FADED else block
        trial, taken = iterate(nearer, tolerance, max_iterations, state.r)
        steps = steps + taken
        if trial.residual[0] <= tolerance and (trial.spent > 0).all():
            state, passed, step = trial, goal, min(2 * step, FADE_STEP)
        elif step > SHORTEST_FADE:
            step /= 4
        else:
            trial.residual[:] = np.inf
            return trial, int(steps[0])
    return state, int(steps[0])


def _raise_all(block: Block, tolerance: float, max_iterations: int) -> tuple[State, int, float]:
    """The shock raised from nothing in a balanced world, then the imbalances to full size; returns as `by_path`."""
    level = _with_imbalances(block, 0.0)
    state, steps = iterate(level, tolerance, max_iterations)
    if not state.residual[0] <= tolerance:
        state, more, _ = _rise(lambda t: _with_shock(level, t), tolerance, max_iterations)
        steps = steps + more
        if not state.residual[0] <= tolerance:
            return state, int(steps[0]), 0.0
    if block.rule == "balanced":
        return state, int(steps[0]), 1.0
    final, more, reached = _rise(
        lambda t: _with_imbalances(block, t), tolerance, max_iterations, state, positive=True
    )
    return final, int((steps + more)[0]), reached


def _rise(
    problem: Callable[[float], Block],
    tolerance: float,
    max_iterations: int,
    state: State | None = None,
    *,
    positive: bool = False,
) -> tuple[State, Ints, float]:
    """Follow `problem(t)` from t = 0 to 1; steps shrink where they fail. `positive`: spending must stay above zero.

    Returns:
        The state at the largest t that was solved (if that is below 1, its residual is not that of t = 1 and is set to
        infinity unless `positive`), iterations, and that t.
    """
    steps, reached, rise = np.zeros(1, dtype=np.int64), 0.0, 0.25
    if state is None:
        state, steps = iterate(problem(0.0), tolerance, max_iterations)
    while reached < 1 and rise >= SMALLEST_STEP:
        goal = min(1.0, reached + rise)
        trial, taken = iterate(problem(goal), tolerance, max_iterations, state.r)
        steps = steps + taken
        if trial.residual[0] <= tolerance and not (positive and (trial.spent <= 0).any()):
            state, reached = trial, goal
        else:
            rise /= 2
    if reached < 1 and not positive:
        state.residual[:] = np.inf
    return state, steps, reached


def _with_imbalances(block: Block, share: float) -> Block:
    return replace(block, fixed=block.fixed * share, ratio=1 + share * (block.ratio - 1))


def _with_shock(block: Block, share: float) -> Block:
    """The share t of a shock: free cells move in a straight line from pi, caps and their costs in logs."""
    start = np.broadcast_to(block.economy.share, block.free.shape).copy()
    caps = block.caps
    start[caps.scenario, caps.sector, caps.exporter, caps.importer] = 0.0
    moved = replace(caps, cost=caps.cost * share, cap=caps.cap * share)
    return replace(block, free=start + share * (block.free - start), caps=moved)
