"""From points in the unit cube to losses of a focal state, on one sector or on several.

Each uncertain input is a function of one uniform number, so that plain draws (intervals) and Saltelli samples (`sobol`)
share everything. Equal points are solved once, points that differ in elasticities only in one batch; every drawn matrix
needs a solve of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betweengiants.core.errors import BetweenGiantsError, DataError, NoEquilibrium, NotConverged
from betweengiants.trade.arrays import Floats, Imbalances
from betweengiants.trade.engine import solve
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_engine import solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon, Rationed
from betweengiants.trade.uncertain_inputs import BASELINE, DOMESTIC, FLOWS, TradeInputs

World = TradeMatrix | SectorMatrix
Codes = NDArray[np.int8]
SEED_BITS = 2**53
BATCH = 4096
"""Scenarios given to a solver at once: enough for its blocks, few enough for memory."""
NUMBERS = 2**22
"""Numbers that one array of a batch of several sectors may hold."""
NO_NOISE = -1.0
DRAWN = "a drawn matrix"
REASONS = (
    "solved",
    "more inputs than absorption in the drawn matrix",
    "no finite equilibrium",
    "no supplier left of a sector that is needed",
    "no convergence",
)
"""What became of a draw, by code."""


@dataclass(frozen=True, eq=False)
class Losses:
    """Losses of the focal state at n points under C severances, as fractions of real spending.

    Attributes:
        values: (n, C); not-a-number where there is no solution.
        codes: (n, C) positions in `REASONS`.
    """

    values: Floats
    codes: Codes

    def reasons(self) -> tuple[dict[str, int], ...]:
        """(C,) why points have no solution: reason to number of points."""
        count = [np.bincount(column, minlength=len(REASONS)) for column in self.codes.T]
        return tuple({REASONS[k]: int(n) for k, n in enumerate(numbers) if k and n} for numbers in count)


class LossModel:
    """The losses of one focal state as a function of the uncertain inputs.

    A sample row is (theta..., noise, domestic factor, matrix): one theta, or one for each sector; noise is `NO_NOISE`, or the
    uniform number whose bits seed the noise of the flows; matrix is a position in `baselines`.

    Attributes:
        problem: the first error met, None while everything has been solved.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: no scenario, elasticities that do not fit the sectors, or alternatives of other countries or sectors.
    """

    def __init__(
        self,
        matrix: World,
        focal: str,
        scenarios: tuple[Scenario, ...],
        inputs: TradeInputs,
        seed: int,
        horizon: Horizon,
        imbalances: Imbalances,
    ) -> None:
        if not scenarios:
            raise DataError(found="no scenario", allowed="one scenario or more")
        self.at, self.scenarios, self.inputs = matrix.index(focal), scenarios, inputs
        self.seed, self.horizon, self.imbalances = seed, horizon, imbalances
        self.spreads, self.sd = inputs.spreads(matrix), inputs.cell_sd(matrix)
        self.baselines, self.choices = _baselines(matrix, inputs.alternatives)
        self.problem: BetweenGiantsError | None = None

    def decode(self, points: Floats) -> Floats:
        """(n, T + 3) sample rows from (n, k) uniform numbers, one column for each varying input."""
        column = dict(zip(self.inputs.varying, points.T, strict=True))
        middle = np.full(points.shape[0], 0.5)
        choice = (column.get(BASELINE, np.zeros_like(middle)) * len(self.choices)).astype(np.int64)
        return np.column_stack(
            [
                *(spread.quantile(column.get(name, middle)) for name, spread in self.spreads),
                column.get(FLOWS, np.full_like(middle, NO_NOISE)),
                self.inputs.domestic.quantile(column.get(DOMESTIC, middle)),
                np.array(self.choices)[choice],
            ]
        )

    def central(self) -> Floats:
        """(1, T + 3) the row of central values: the first matrix, as it is."""
        theta = [spread.centre for _, spread in self.spreads]
        return np.array([[*theta, NO_NOISE, self.inputs.domestic.centre, 0.0]])

    def losses(self, sample: Floats) -> Losses:
        """Losses of the focal state at n sample rows."""
        rows, back = np.unique(sample, axis=0, return_inverse=True)
        worlds, which = np.unique(rows[:, -3:], axis=0, return_inverse=True)
        values = np.full((rows.shape[0], len(self.scenarios)), np.nan)
        codes = np.zeros(values.shape, dtype=np.int8)
        order = np.argsort(which.ravel(), kind="stable")
        members = np.split(order, np.searchsorted(which.ravel()[order], np.arange(1, len(worlds))))
        for world, mine in zip(worlds, members, strict=True):
            try:
                matrix = self._matrix(world)
            except DataError as error:
                codes[mine] = self._code(error)
                continue
            values[mine], codes[mine] = self._solve(matrix, rows[mine, :-3])
        return Losses(values[back.ravel()], codes[back.ravel()])

    def _matrix(self, world: Floats) -> World:
        """The matrix of a row's last three numbers.

        Raises:
            DataError: it would need more inputs than it absorbs.
        """
        noise, domestic, choice = world
        base = self.baselines[int(choice)]
        factor = np.ones_like(base.flows)
        if noise >= 0:
            factor = self._noise(noise, factor)
        home = np.arange(len(base.labels))
        factor[home, home] = domestic
        if isinstance(base, SectorMatrix):
            return base.with_flows(base.flows * factor, self.inputs.final_demand, DRAWN)
        return TradeMatrix(base.labels, base.flows * factor, DRAWN, base.sector)

    def _noise(self, noise: float, ones: Floats) -> Floats:
        """Factors on all flows, shaped like `ones`: (N, N), or (N, N, S) with several sectors."""
        draw = np.random.default_rng([self.seed, int(noise * SEED_BITS)])
        if ones.ndim == 2:
            return np.exp(self.sd * draw.standard_normal(ones.shape))
        z = draw.standard_normal(ones.shape if self.inputs.flow_noise == "cell" else (*self.sd.shape, 1))
        return np.broadcast_to(np.exp(self.sd[:, :, None] * z), ones.shape).copy()

    def _solve(self, matrix: World, theta: Floats) -> tuple[Floats, Codes]:
        """(n, C) losses and codes on one matrix with (n, T) elasticities; removed imbalances allow one row a call."""
        count, most = len(self.scenarios), self._most(matrix)
        if theta.shape[0] > most:
            parts = [self._solve(matrix, theta[k : k + most]) for k in range(0, theta.shape[0], most)]
            return np.concatenate([v for v, _ in parts]), np.concatenate([c for _, c in parts])
        shape, many = (theta.shape[0], count), list(self.scenarios) * theta.shape[0]
        rows = np.repeat(theta, count, axis=0)
        try:
            change, problems = self._run(matrix, many, rows)
        except (NoEquilibrium, NotConverged) as error:  # the imbalances cannot even be removed
            return np.full(shape, np.nan), np.full(shape, self._code(error), dtype=np.int8)
        codes = np.array([0 if p is None else self._code(p) for p in problems], dtype=np.int8)
        return -change.reshape(shape), codes.reshape(shape)

    def _run(
        self, matrix: World, scenarios: list[Scenario], theta: Floats
    ) -> tuple[Floats, Iterable[BetweenGiantsError | None]]:
        """(B,) change of the focal state's real spending in B scenarios with (B, T) elasticities, and their problems."""
        if isinstance(matrix, SectorMatrix):
            found = solve_sectors(
                matrix,
                scenarios,
                np.broadcast_to(theta, (theta.shape[0], len(matrix.sectors))),
                horizon=self.horizon,
                imbalances=self.imbalances,
                on_failure="mark",
            )
            return found.welfare_change[:, self.at], found.problems
        one = solve(matrix, scenarios, theta[:, 0], imbalances=self.imbalances, on_failure="mark")
        return one.welfare_change[:, self.at], one.problems

    def _most(self, matrix: World) -> int:
        """Rows of elasticities in one batch."""
        if self.imbalances == "balanced":
            return 1
        numbers = BATCH
        if isinstance(matrix, SectorMatrix):
            numbers = min(BATCH, NUMBERS // (len(matrix.labels) * len(matrix.sectors)))
        return max(1, numbers // len(self.scenarios))

    def _code(self, problem: BetweenGiantsError) -> int:
        """The position of a problem's kind in `REASONS`; the first problem of all is kept."""
        self.problem = self.problem or problem
        if isinstance(problem, DataError):
            return 1
        if isinstance(problem, Rationed):
            return 3
        return 2 if isinstance(problem, NoEquilibrium) else 4


def _baselines(matrix: World, others: Sequence[World]) -> tuple[list[World], list[int]]:
    """Different matrices, the baseline first, and the position of each alternative among them (twins share one).

    Raises:
        DataError: an alternative of other countries or sectors.
    """
    found, choices = [matrix], [0]
    for other in others:
        if other.labels != matrix.labels:
            raise DataError(
                file=other.name,
                found="other countries, or another order",
                allowed=f"those of {matrix.name}",
            )
        if _sectors(other) != _sectors(matrix):
            raise DataError(
                file=other.name,
                found=_named(other),
                allowed=f"that of {matrix.name}: {_named(matrix)}",
            )
        same = [k for k, known in enumerate(found) if _equal(known, other)]
        if not same:
            found.append(other)
        choices.append(same[0] if same else len(found) - 1)
    return found, choices


def _sectors(matrix: World) -> tuple[str, ...]:
    return matrix.sectors if isinstance(matrix, SectorMatrix) else ()


def _named(matrix: World) -> str:
    return f"a matrix of {', '.join(_sectors(matrix)) or 'one sector without a name'}"


def _equal(one: World, other: World) -> bool:
    """Whether two matrices of the same labels hold the same numbers."""
    if isinstance(one, SectorMatrix) and isinstance(other, SectorMatrix):
        pairs = zip(one.cost_shares, other.cost_shares, strict=True)
        if not all(np.array_equal(a, b) for a, b in pairs):
            return False
    return np.array_equal(one.flows, other.flows)
