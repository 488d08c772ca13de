"""One scenario on dense arrays: Newton steps in log factor prices with a line search.

Slower for each scenario than the batch of `solver.py`, and sturdier: it takes what the batch cannot finish.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from betweengiants.trade.arrays import Floats, Imbalances

LOW = 0.1
"""Below this ratio of sales to income, `log_ratio` goes on as a straight line."""
TINY = 1e-300
LONGEST_STEP = 1.0
HALVINGS = 12
PATIENCE = 8
"""Iterations without a better state after which the solver gives up."""
POLISH = 3
FADE_STEP = 2.0
"""Longest step in the logarithm of what is left of the baseline."""
SHORTEST_FADE = 1e-3
FADED = 40.0
"""exp(-40) is less than rounding leaves of any share."""
SMALLEST_STEP = 1 / 64
"""Where raising the imbalances by this share of their size fails, they are at their limit."""


def log_ratio(ratio: Floats) -> Floats:
    """The logarithm, continued below LOW by its tangent: sales can be negative where spending would have to be."""
    if ratio.min(initial=1.0) > LOW:
        return np.asarray(np.log(ratio))
    return np.where(ratio > LOW, np.log(np.maximum(ratio, LOW)), np.log(LOW) + ratio / LOW - 1)


@dataclass(frozen=True, eq=False)
class Dense:
    """One connected economy under one scenario.

    Attributes:
        share: (n, n) pi * B.
        output, spending, fixed: (n,) Y, E and the imbalance D that the additive rule holds fixed.
        theta: trade elasticity.
        rule: how imbalances behave.
    """

    share: Floats
    output: Floats
    spending: Floats
    fixed: Floats
    theta: float
    rule: Imbalances


@dataclass(frozen=True, eq=False)
class DenseState:
    """What the equations say at one vector of log factor prices x (see `arrays`)."""

    x: Floats
    phi: Floats
    spent: Floats
    sales: Floats
    scale: float
    gap: Floats
    residual: float


def evaluate(problem: Dense, x: Floats) -> DenseState:
    """Sales, spending and the log excess demand of every country at x, which is normalised first."""
    output = problem.output
    w = np.exp(x)
    level = output.sum() / (output @ w)
    x, w = x + np.log(level), w * level
    power = np.exp(-problem.theta * x)
    phi = power @ problem.share
    spent = problem.spending * w if problem.rule == "multiplicative" else output * w + problem.fixed
    sales = power * (problem.share @ (spent / phi))
    scale = float(spent.sum() / output.sum())
    ratio = sales / (scale * output * w)
    gap = log_ratio(ratio)
    return DenseState(x, phi, spent, sales, scale, gap, float(np.abs(ratio - 1).max()))


def jacobian(problem: Dense, state: DenseState) -> Floats:
    """(n, n) derivative of the log excess demand with respect to x."""
    theta, w = problem.theta, np.exp(state.x)
    earned = problem.output * w
    income = problem.spending * w if problem.rule == "multiplicative" else earned
    new_share = problem.share * np.exp(-theta * state.x)[:, None] / state.phi
    base = np.maximum(state.sales, LOW * state.scale * earned)
    # d log_ratio = weight * d ratio / ratio; the weight is 1 where log_ratio is the logarithm.
    weight = state.sales / base
    change = ((theta * state.spent) * new_share) @ new_share.T + new_share * income
    change /= base[:, None]
    change.reshape(-1)[:: len(weight) + 1] -= (1 + theta) * weight  # the diagonal
    pull = earned / earned.sum()
    # The common factor of the multiplicative rule moves with x; the last term pins the level, which is free.
    if problem.rule == "multiplicative":
        change -= weight[:, None] * (income / (state.scale * earned.sum()) - pull)
    return np.asarray(change - pull)


def solve_dense(
    problem: Dense, tolerance: float, max_iterations: int, start: Floats | None = None
) -> tuple[DenseState, int]:
    """Solve one scenario.

    Returns:
        The best state and the number of iterations; its residual (largest excess demand over income) is above
        `tolerance` if no solution was found.
    """
    # Iterates far from a solution may overflow; such a step is then refused because its residual is not finite.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        state = best = evaluate(problem, np.zeros_like(problem.output) if start is None else start)
        polished = idle = 0
        for iteration in range(1, max_iterations + 1):
            if state.residual <= tolerance:
                polished += 1
            if polished > POLISH or idle > PATIENCE:
                return best, iteration
            state = _step(problem, state, polish=polished > 0)
            idle = 0 if state.residual < 0.99 * best.residual else idle + 1
            if polished and state.residual >= best.residual:
                return best, iteration
            if state.residual < best.residual:
                best = state
    return best, max_iterations


def raise_imbalances(problem: Dense, tolerance: float, max_iterations: int) -> tuple[DenseState, float, int]:
    """Solve one scenario by raising imbalances (fixed or in proportion) from nothing to their full size.

    Returns:
        The last solved state, the share of the imbalances that it holds (1 when the scenario is solved; below 0 when
        not even balanced trade was), and the number of iterations.
    """
    state, steps = solve_dense(_with_imbalances(problem, 0.0), tolerance, max_iterations)
    if state.residual > tolerance:
        return state, -1.0, steps
    reached, rise = 0.0, 0.25
    while reached < 1 and rise >= SMALLEST_STEP:
        share = min(1.0, reached + rise)
        trial, taken = solve_dense(_with_imbalances(problem, share), tolerance, max_iterations, state.x)
        steps += taken
        if trial.residual <= tolerance and (trial.spent > 0).all():
            state, reached = trial, share
        else:
            rise /= 2
    return state, reached, steps


def fade_shock(problem: Dense, base: Floats, tolerance: float, max_iterations: int) -> tuple[DenseState, int]:
    """Solve one scenario by letting what it changes fade from the baseline: shares `share + r (base - share)`, r to 0.

    Takes what `raise_imbalances` cannot: where a wage falls so far that the solutions at smaller imbalances lie on
    another branch. r falls in equal steps of its logarithm, shorter where they fail.

    Args:
        problem: the scenario.
        base: (n, n) shares without it.
        tolerance: largest residual of a solved state.
        max_iterations: for each step.

    Returns:
        The state at r = 0 if it was reached (its residual is then within `tolerance`), else the last try; iterations.
    """
    state, steps = solve_dense(replace(problem, share=base), tolerance, max_iterations)
    passed, step = 0.0, FADE_STEP
    while state.residual <= tolerance and passed < FADED:
        goal = passed + step
        left = np.exp(-goal) if goal < FADED else 0.0
        nearer = replace(problem, share=problem.share + left * (base - problem.share))
        trial, taken = solve_dense(nearer, tolerance, max_iterations, state.x)
        steps += taken
        if trial.residual <= tolerance and (trial.spent > 0).all():
            state, passed, step = trial, goal, min(2 * step, FADE_STEP)
        elif step > SHORTEST_FADE:
            step /= 4
        else:
            return replace(trial, residual=np.inf), steps
    return state, steps


def _with_imbalances(problem: Dense, share: float) -> Dense:
    spending = problem.output + share * (problem.spending - problem.output)
    return replace(problem, fixed=problem.fixed * share, spending=spending)


def _step(problem: Dense, state: DenseState, polish: bool) -> DenseState:
    """A Newton step, halved until it helps; where none helps, a step of the published fixed point.

    A solved state (`polish`) gets the whole step whether or not it helps: what is left there is rounding.
    """
    plain = np.clip(state.gap, -1, 1) / (1 + problem.theta)
    try:
        step = np.linalg.solve(jacobian(problem, state), -state.gap)
    except np.linalg.LinAlgError:
        step = plain
    size = float(np.abs(step).max())
    if not np.isfinite(size):
        step, size = plain, 0.0
    step = step * min(1.0, LONGEST_STEP / max(size, LONGEST_STEP))
    before = np.abs(state.gap).max()
    for _ in range(HALVINGS):
        trial = evaluate(problem, state.x + step)
        if polish or np.abs(trial.gap).max() < before:
            return trial
        step = step / 2
    return evaluate(problem, state.x + plain)
