"""Fixed-point iterations on a block of scenarios: a shared Newton step and Anderson mixing for each scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from betweengiants.trade import connect
from betweengiants.trade.arrays import Cells, Economy, Flags, Floats, Imbalances, Ints, SparseShift
from betweengiants.trade.newton import TINY, Dense, evaluate, jacobian, log_ratio

DEPTH = 5
"""Earlier steps that Anderson mixing remembers."""
ITERATIONS = 60
"""Scenarios that are not solved by then are left to the dense solver."""
THETA_RATIO = 0.25
"""Scenarios whose theta lie in one band of this width (in logs) share a J0: it shapes the path, not the solution."""
STEP_TOLERANCE = 1e-13
"""Besides the residual, the next step in log w should be below this; the residual alone says little about x where
home shares are near one."""
POLISH = 3
"""At most so many steps are made for the sake of STEP_TOLERANCE alone."""
LONGEST_STEP = 1.0
GROWTH = 10.0
"""A residual that grows by this factor makes the mixing forget."""
RIDGE = 1e-13
CHUNK = 256
"""Scenarios in a block: large enough for fast products, small enough for the processor's cache."""
SHRINK = 0.85
"""The block is repacked when less than this share of it is still at work."""


@dataclass(frozen=True, eq=False)
class BatchResult:
    """Where S scenarios ended (symbols and shapes as in `arrays`).

    Attributes:
        x, phi, spent: (N, S) log w, Phi, E'.
        residual: (S,) largest |sales / (scale * income) - 1|.
        iterations: (S,) evaluations of the equations.
    """

    x: Floats
    phi: Floats
    spent: Floats
    residual: Floats
    iterations: Ints


@dataclass(frozen=True, eq=False)
class Block:
    """What stays the same during the iterations of one block of S scenarios.

    Attributes:
        economy, goods, rule: the baseline, its shares with the scenarios' changes, the rule for imbalances.
        theta: (S,).
        fixed: (N, S) imbalances held fixed.
        isolated: (N, S) countries without trade: their w is 1.
        steps: negative inverses of J0, one for each band of theta.
        band: (S,) position in `steps`.
    """

    economy: Economy
    goods: SparseShift
    rule: Imbalances
    theta: Floats
    fixed: Floats
    isolated: Flags
    steps: list[Floats]
    band: Ints

    def normalise(self, x: Floats) -> Floats:
        """Set w of isolated countries to 1 and keep world output at its baseline."""
        output = self.economy.output
        x = np.where(self.isolated, 0.0, x)
        excess = output @ np.exp(x) - output.sum()
        partners = output @ ~self.isolated
        return np.where(self.isolated, 0.0, x - np.log1p(excess / partners))

    def evaluate(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """(gap F, Phi, E', residual) at normalised x."""
        economy, w = self.economy, np.exp(x)
        income = economy.output[:, None] * w
        power = np.exp(-self.theta * x)
        phi = np.maximum(self.goods.transposed_times(power), TINY)
        if self.rule == "multiplicative":
            spent = economy.spending[:, None] * w
            spent = np.where(self.isolated, income, spent)
            scale = np.where(self.isolated, 0.0, spent).sum(axis=0) / np.where(
                self.isolated, 0.0, income
            ).sum(axis=0)
        else:
            spent, scale = income + self.fixed, 1.0
        ratio = power * self.goods.times(spent / phi) / (scale * income)
        ratio[self.isolated] = 1.0
        return log_ratio(ratio), phi, spent, np.abs(ratio - 1).max(axis=0)

    def newton(self, gap: Floats) -> Floats:
        """(N, S) the step that would solve the baseline's linearised equations."""
        if len(self.steps) == 1:
            return np.asarray(self.steps[0] @ gap)
        step = np.empty_like(gap)
        for k, inverse in enumerate(self.steps):
            mine = self.band == k
            step[:, mine] = inverse @ gap[:, mine]
        return step

    def take(self, cells: Cells, columns: Ints) -> tuple[Block, Cells]:
        """The block of some of the scenarios, in rising order."""
        fewer = cells.take(columns)
        kept = np.isin(cells.scenario, columns)
        block = Block(
            self.economy,
            self.goods.like(fewer, self.goods.value[kept]),
            self.rule,
            self.theta[columns],
            self.fixed[:, columns],
            self.isolated[:, columns],
            self.steps,
            self.band[columns],
        )
        return block, fewer


class Mixing:
    """Anderson mixing of depth DEPTH, separately for each column.

    The next x is `x + f - (dX + dF) g`, where g minimises `|f - dF g|` over the remembered differences of x and f.
    """

    def __init__(self, size: int, count: int) -> None:
        """Start without memory."""
        self.steps = np.zeros((DEPTH, size, count))
        self.moves = np.zeros((DEPTH, size, count))
        self.gram = np.zeros((count, DEPTH, DEPTH))
        self.slot = 0

    def take(self, columns: Ints) -> None:
        """Keep some of the columns."""
        self.steps = np.ascontiguousarray(self.steps[:, :, columns])
        self.moves = np.ascontiguousarray(self.moves[:, :, columns])
        self.gram = self.gram[columns]

    def forget(self, columns: Flags) -> None:
        """Drop the memory of some columns."""
        self.steps[:, :, columns] = 0.0
        self.moves[:, :, columns] = 0.0
        self.gram[columns] = 0.0

    def remember(self, moved: Floats, changed: Floats) -> None:
        """Enter one more difference of x and of f in place of the oldest."""
        k = self.slot
        self.slot = (k + 1) % DEPTH
        self.steps[k], self.moves[k] = changed, moved + changed
        products = np.einsum("mns,ns->sm", self.steps, changed)
        self.gram[:, k, :] = products
        self.gram[:, :, k] = products

    def correction(self, f: Floats) -> Floats:
        """(N, S) what to take from `x + f`."""
        norm = np.sqrt(np.einsum("smm->sm", self.gram))
        norm[norm == 0] = 1.0
        scaled = self.gram / norm[:, :, None] / norm[:, None, :]
        scaled += (RIDGE + (np.einsum("smm->sm", scaled) == 0))[:, :, None] * np.eye(DEPTH)
        right = np.einsum("mns,ns->sm", self.steps, f) / norm
        weights = np.linalg.solve(scaled, right[:, :, None])[:, :, 0] / norm
        return np.asarray(np.einsum("mns,sm->ns", self.moves, weights))


def baseline_steps(economy: Economy, theta: Floats, rule: Imbalances) -> tuple[list[Floats], Ints]:
    """Negative inverses of J0 for bands of theta, and the (S,) band of each scenario.

    Countries that do not trade with the largest block of the baseline get no step: the batch never moves them.
    """
    code = np.floor(np.log(theta) / THETA_RATIO).astype(np.int64)
    bands, position = np.unique(code, return_inverse=True)
    parts = connect.split(economy.share)
    block = max(parts.blocks, key=lambda members: members.size)
    inside = np.ix_(block, block)
    fixed = connect.imbalances(economy, parts, rule)
    steps: list[Floats] = []
    for k in range(bands.size):
        middle = float(np.exp(np.log(theta[position == k]).mean()))
        problem = Dense(
            economy.share[inside], economy.output[block], economy.spending[block], fixed[block], middle, rule
        )
        step = np.zeros_like(economy.share)
        step[inside] = -np.linalg.inv(jacobian(problem, evaluate(problem, np.zeros(block.size))))
        steps.append(step)
    return steps, position.astype(np.int64)


def solve_chunks(
    economy: Economy,
    cells: Cells,
    theta: Floats,
    rule: Imbalances,
    fixed: Floats,
    isolated: Flags,
    tolerance: float,
) -> BatchResult:
    """Iterate on S scenarios, CHUNK at a time; a scenario that is not solved keeps its best residual.

    The arguments are those of `Block`.
    """
    size, count = isolated.shape
    out = BatchResult(
        np.zeros((size, count)),
        np.ones((size, count)),
        np.ones((size, count)),
        np.full(count, np.inf),
        np.zeros(count, dtype=np.int64),
    )
    if not count:
        return out
    goods = SparseShift(
        economy.share, cells, economy.share[cells.exporter, cells.importer] * cells.power(theta)
    )
    steps, band = baseline_steps(economy, theta, rule)
    whole = Block(economy, goods, rule, theta, fixed, isolated, steps, band)
    # A scenario that runs away may overflow; it leaves the block unsolved and goes to the dense solver.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for first in range(0, count, CHUNK):
            columns = np.arange(first, min(first + CHUNK, count))
            _iterate(whole, cells, columns, tolerance, out)
    return out


def _iterate(whole: Block, cells: Cells, columns: Ints, tolerance: float, out: BatchResult) -> None:
    """Run one chunk; `columns` holds the scenarios still at work, which leave the block when they are done."""
    block, cells = whole.take(cells, columns)
    x = np.zeros((whole.economy.output.size, columns.size))
    f = moved = np.zeros_like(x)
    mixing = Mixing(*x.shape)
    best, within = np.full(columns.size, np.inf), np.zeros(columns.size, dtype=np.int64)
    done = np.zeros(columns.size, dtype=np.bool_)
    for iteration in range(1, ITERATIONS + 1):
        x = block.normalise(x)
        gap, phi, spent, residual = block.evaluate(x)
        previous, f = f, block.newton(gap)
        within += residual <= tolerance
        better = ~done & (residual < out.residual[columns])
        target = columns[better]
        out.x[:, target], out.phi[:, target] = x[:, better], phi[:, better]
        out.spent[:, target], out.residual[target] = spent[:, better], residual[better]
        out.iterations[columns[~done]] = iteration
        still = np.abs(f).max(axis=0) <= STEP_TOLERANCE
        done |= ((within > 0) & still) | (within > POLISH) | ~np.isfinite(residual)
        if done.all():
            return
        if iteration > 1:
            mixing.remember(x - moved, f - previous)
        mixing.forget(residual > GROWTH * best)
        best = np.minimum(best, residual)
        if (~done).mean() < SHRINK:
            keep = np.flatnonzero(~done)
            block, cells = block.take(cells, keep)
            mixing.take(keep)
            x, f, columns = x[:, keep], f[:, keep], columns[keep]
            best, within, done = best[keep], within[keep], done[keep]
        step = f - mixing.correction(f)
        longest = np.abs(step).max(axis=0)
        moved = x
        x = x + step * (LONGEST_STEP / np.maximum(longest, LONGEST_STEP))
