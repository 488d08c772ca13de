"""The numeric kernel: many scenarios of one economy solved as a block. Arrays in, arrays out.

The equations are those of Dekle, Eaton & Kortum (2008) in the form of Baier, Yotov & Zylkin (2019); symbols in
`arrays`. With `sales[i] = W[i] sum_j pi[i,j] B[i,j] E'[j] / Phi[j]`, an equilibrium is a zero of

    F[i](x) = log( sales[i] / (Y[i] w[i]) ),     x = log w,     sum_i Y[i] w[i] = sum_i Y[i].

The published algorithm is x <- x + F / (1 + theta). It is slow where home shares are high. Here the step is
`-J0^(-1) F` instead, J0 being the derivative of F at the baseline, which all scenarios share, with Anderson mixing for
each scenario (Anderson 1965; Walker & Ni 2011, doi 10.1137/10078356X). Both have the same zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from betweengiants.trade import connect
from betweengiants.trade.arrays import Cells, Economy, Flags, Floats, Imbalances, Ints, SparseShift
from betweengiants.trade.batch import BatchResult, solve_chunks
from betweengiants.trade.newton import Dense, DenseState, fade_shock, raise_imbalances, solve_dense

FRAGILE = 1e3
"""A cell that loses so many times what remains of a country's purchases or sales costs the batch three digits; the
scenario is then left to the dense solver."""

FEWEST = 2
"""Scenarios that make a block: the first costs more than a dense solve, the next ones next to nothing."""


class Status(IntEnum):
    """How a scenario ended."""

    SOLVED = 0
    NOT_CONVERGED = 1
    NO_SPENDING = 2
    """The imbalances cannot be met: they would leave the culprits too little, or less than nothing, to spend."""
    UNBALANCED = 3
    """The culprits only sell or only buy, which their imbalance does not allow."""


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """Solutions of S scenarios.

    Attributes:
        wage: (N, S) w.
        phi: (N, S) Phi.
        spending: (N, S) E' in units of world output.
        sales: (N, S) sales to all countries in units of world output.
        home: (N, S) sales to oneself in units of world output.
        isolated: (N, S) countries that the scenario leaves without any trade.
        residual: (S,) largest |sales / income - 1| (under the multiplicative rule up to the factor common to all).
        iterations: (S,) evaluations of the equations.
        status: (S,) Status.
        culprits: (N, S) the countries that a status other than SOLVED is about.
    """

    wage: Floats
    phi: Floats
    spending: Floats
    sales: Floats
    home: Floats
    isolated: Flags
    residual: Floats
    iterations: Ints
    status: Ints
    culprits: Flags


def solve_block(
    economy: Economy,
    cells: Cells,
    theta: Floats,
    rule: Imbalances,
    *,
    tolerance: float,
    max_iterations: int,
) -> Equilibrium:
    """Solve S scenarios of one economy.

    Args:
        economy: the baseline.
        cells: changed cells of the S scenarios.
        theta: (S,) trade elasticities.
        rule: `additive` (D fixed in units of world output), `multiplicative` (E' = E w) or `balanced` (D = 0, whatever
            the baseline says).
        tolerance: largest residual of a solved scenario.
        max_iterations: limit for a scenario in the dense solver.

    Returns:
        All scenarios, unsolved ones with their status: nothing is raised here.
    """
    size, count = economy.output.size, cells.count
    result = Equilibrium(
        wage=np.ones((size, count)),
        phi=np.ones((size, count)),
        spending=np.repeat(economy.spending[:, None], count, axis=1),
        sales=np.repeat(economy.output[:, None], count, axis=1),
        home=np.zeros((size, count)),
        isolated=np.zeros((size, count), dtype=np.bool_),
        residual=np.full(count, np.inf),
        iterations=np.zeros(count, dtype=np.int64),
        status=np.full(count, Status.NOT_CONVERGED, dtype=np.int64),
        culprits=np.zeros((size, count), dtype=np.bool_),
    )
    power = cells.power(theta)
    goods = SparseShift(economy.share, cells, economy.share[cells.exporter, cells.importer] * power)
    fixed, alone = _sort_out(economy, cells, power, goods, rule, result)
    batch = np.flatnonzero(~alone & (result.status != Status.UNBALANCED))
    if batch.size >= FEWEST:
        found = solve_chunks(
            economy,
            cells.take(batch),
            theta[batch],
            rule,
            fixed[:, batch],
            result.isolated[:, batch],
            tolerance,
        )
        _enter_batch(batch, found, goods, theta, tolerance, result)
    for s in np.flatnonzero(result.status == Status.NOT_CONVERGED):
        _solve_alone(economy, goods.dense(int(s)), int(s), theta[s], rule, tolerance, max_iterations, result)
    _finish(economy, goods.diagonal(), theta, result)
    return result


def _sort_out(
    economy: Economy, cells: Cells, power: Floats, goods: SparseShift, rule: Imbalances, result: Equilibrium
) -> tuple[Floats, Flags]:
    """Mark isolated countries; give (N, S) fixed imbalances and (S,) the scenarios that the batch must not take."""
    size, count = result.wage.shape
    own = economy.spending - economy.output if rule == "additive" else np.zeros(size)
    fixed = np.repeat(own[:, None], count, axis=1)
    cut = connect.severed_cells(economy, cells, power)
    alone = np.zeros(count, dtype=np.bool_)
    for s in np.flatnonzero(~connect.connected(economy, cut)):
        share = goods.dense(int(s))
        parts = connect.split(share)
        result.isolated[:, s] = parts.isolated
        fixed[:, s] = connect.imbalances(economy, parts, rule)
        bad = connect.unbalanced(share, fixed[:, s], rule, parts)
        if bad.any():
            result.status[s] = Status.UNBALANCED
            result.culprits[:, s] = bad
        alone[s] = len(parts.blocks) != 1 or not parts.strong
    return fixed, alone


def _enter_batch(
    batch: Ints, found: BatchResult, goods: SparseShift, theta: Floats, tolerance: float, result: Equilibrium
) -> None:
    """Enter what the batch has solved without loss of digits; the rest stays NOT_CONVERGED."""
    result.wage[:, batch], result.phi[:, batch] = np.exp(found.x), found.phi
    result.spending[:, batch], result.residual[batch] = found.spent, found.residual
    result.iterations[batch] = found.iterations
    # Scenarios that ran away may overflow here; they are not solved.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        power, demand = result.wage**-theta, result.spending / result.phi
        result.sales[:] = power * goods.times(demand)
        lost = np.maximum(goods.lost(power, 1 / result.phi), goods.lost(power / result.sales, demand))
        solved = (found.residual <= tolerance) & (lost[batch] < FRAGILE)
    result.status[batch[solved]] = Status.SOLVED


def _solve_alone(
    economy: Economy,
    share: Floats,
    s: int,
    theta: float,
    rule: Imbalances,
    tolerance: float,
    max_iterations: int,
    result: Equilibrium,
) -> None:
    """Solve scenario s piece by piece with the dense solver and enter it into `result`."""
    parts = connect.split(share)
    fixed = connect.imbalances(economy, parts, rule)
    residual, steps = 0.0, 0
    for block in parts.blocks:
        problem = Dense(
            share[np.ix_(block, block)],
            economy.output[block],
            economy.spending[block],
            fixed[block],
            theta,
            rule,
        )
        state, taken = solve_dense(problem, tolerance, max_iterations)
        if state.residual > tolerance or (state.spent <= 0).any():
            base = economy.share[np.ix_(block, block)]
            state, poorest, more = _harder(problem, base, tolerance, max_iterations)
            taken += more
            if poorest is not None:
                result.culprits[block[poorest], s], result.status[s] = True, Status.NO_SPENDING
            elif state.residual > tolerance and not parts.strong:
                result.status[s] = Status.UNBALANCED
                for members, _ in connect.one_way(share):
                    result.culprits[:, s] |= members
        residual, steps = max(residual, state.residual), max(steps, taken)
        result.wage[block, s], result.phi[block, s] = np.exp(state.x), state.phi
        result.spending[block, s], result.sales[block, s] = state.spent, state.sales
    result.residual[s] = residual
    result.iterations[s] += steps
    if residual <= tolerance and result.status[s] == Status.NOT_CONVERGED:
        result.status[s] = Status.SOLVED


def _harder(
    problem: Dense, base: Floats, tolerance: float, max_iterations: int
) -> tuple[DenseState, int | None, int]:
    """A scenario that Newton's method did not solve from the baseline.

    Returns:
        The last state; the country with the least to spend if the imbalances are what cannot be met; iterations.
    """
    faded, steps = fade_shock(problem, base, tolerance, max_iterations)
    if faded.residual <= tolerance or problem.rule == "balanced":
        return faded, None, steps
    state, reached, more = raise_imbalances(problem, tolerance, max_iterations)
    if not 0 <= reached < 1:
        return state, None, steps + more
    usual = problem.output + reached * (problem.spending - problem.output)
    return state, int(np.argmin(state.spent / usual)), steps + more


def _finish(economy: Economy, own: Floats, theta: Floats, result: Equilibrium) -> None:
    """Enter the closed form of isolated countries, sales at home, and spending that is no spending.

    `own` is (N, S), pi[i,i] B[i,i]. An isolated country has w = 1, Phi = own and spends what it earns.
    """
    alone = result.isolated
    earned = np.broadcast_to(economy.output[:, None], own.shape)[alone]
    result.wage[alone], result.phi[alone] = 1.0, own[alone]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result.home[:] = own * result.wage**-theta * result.spending / result.phi
    for values in (result.spending, result.sales, result.home):
        values[alone] = earned
    broke = (result.spending <= 0) & (result.status == Status.SOLVED)
    result.status[broke.any(axis=0)] = Status.NO_SPENDING
    result.culprits[:] |= broke
