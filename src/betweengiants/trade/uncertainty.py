"""How sure a loss is: elasticities drawn, the matrix perturbed within the conflict of its sources, intervals, drivers.

Four inputs can be uncertain, independently of one another:

    elasticity   theta, one number for the world
    flows        every international cell times exp(sd z), z standard normal and independent: what a mirror gap leaves open
    domestic     all domestic sales times one factor: gross output against value added
    baseline     which of several matrices is the right one, each equally likely

Each is a function of one uniform number, so that plain draws (intervals) and Saltelli samples (`sobol`) share everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.trade.arrays import Floats, Imbalances
from betweengiants.trade.engine import solve
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sobol import EDGE, SobolIndices, sobol_indices
from betweengiants.trade.spread import Spread

PROBABILITIES = (0.05, 0.5, 0.95)
SEED_BITS = 2**53
MOST_DRAWS = 1_000_000
BATCH = 4096
"""Scenarios given to the solver at once: enough for its blocks, few enough for memory."""


@dataclass(frozen=True, eq=False)
class TradeInputs:
    """What is uncertain about a severance; the default of everything but the elasticity is certainty.

    Attributes:
        elasticity: theta, above 0.
        flow_sd: standard deviation of the logarithm of every international cell (see `mirror_sd`); the median stays.
        domestic: factor on all domestic sales, above 0 (1: the convention of the matrix).
        alternatives: further matrices of the same countries that might be the right one.

    Raises:
        DataError: an elasticity or a factor that can be 0 or less, or a standard deviation below 0.
    """

    elasticity: Spread
    flow_sd: float = 0.0
    domestic: Spread = field(default_factory=lambda: Spread.constant(1.0))
    alternatives: tuple[TradeMatrix, ...] = ()

    def __post_init__(self) -> None:
        for name, spread in (("elasticity", self.elasticity), ("factor on domestic sales", self.domestic)):
            if spread.low <= 0:
                raise DataError(found=f"a lowest {name} of {spread.low:g}", allowed="above 0")
        if not 0 <= self.flow_sd < np.inf:
            raise DataError(
                found=f"a standard deviation of flows of {self.flow_sd:g}", allowed="0 or more, finite"
            )

    @property
    def varying(self) -> tuple[str, ...]:
        """Names of the inputs that are uncertain, in the order of the module's table."""
        flags = {
            "elasticity": self.elasticity.varies,
            "flows": self.flow_sd > 0,
            "domestic": self.domestic.varies,
            "baseline": bool(self.alternatives),
        }
        return tuple(name for name, uncertain in flags.items() if uncertain)


@dataclass(frozen=True, eq=False)
class LossDraws:
    """Losses of one focal state under S severances in D draws; losses are fractions of real spending.

    Attributes:
        focal: the focal state.
        names: (S,) names of the severances.
        central: (S,) loss at the central values (not-a-number: no solution).
        losses: (D, S); not-a-number where a draw has no solution.
        elasticity, domestic: (D,) what was drawn.
        draws, seed: how many, and from which seed.
        imbalances: the rule of the solver.
    """

    focal: str
    names: tuple[str, ...]
    central: Floats
    losses: Floats
    elasticity: Floats
    domestic: Floats
    draws: int
    seed: int
    imbalances: Imbalances

    @property
    def solved(self) -> tuple[int, ...]:
        """(S,) draws that have a solution; quantiles are over these."""
        return tuple(int(n) for n in np.isfinite(self.losses).sum(axis=0))

    def quantiles(self, probabilities: Sequence[float] = PROBABILITIES) -> Floats:
        """(Q, S) quantiles over the solved draws; not-a-number where there are none."""
        out = np.full((len(probabilities), len(self.names)), np.nan)
        for s, count in enumerate(self.solved):
            if count:
                column = self.losses[:, s]
                out[:, s] = np.quantile(column[np.isfinite(column)], probabilities)
        return out

    def frame(self) -> pl.DataFrame:
        """focal, coalition, central_loss_pct, loss_pct_p5, loss_pct_p50, loss_pct_p95, draws, solved."""
        low, middle, high = 100 * self.quantiles()
        return pl.DataFrame(
            {
                "focal": [self.focal] * len(self.names),
                "coalition": self.names,
                "central_loss_pct": 100 * self.central,
                "loss_pct_p5": low,
                "loss_pct_p50": middle,
                "loss_pct_p95": high,
                "draws": [self.draws] * len(self.names),
                "solved": self.solved,
            }
        ).fill_nan(None)


@dataclass(frozen=True, eq=False)
class LossDrivers:
    """Which input drives the width of the interval of each severance.

    Attributes:
        focal: the focal state.
        names: (S,) names of the severances.
        indices: of the varying inputs, with their counts and seed.
    """

    focal: str
    names: tuple[str, ...]
    indices: SobolIndices

    def frame(self) -> pl.DataFrame:
        """focal, coalition, input, first_order, total_effect, first_order_se, total_effect_se."""
        found, count = self.indices, len(self.indices.inputs)
        return pl.DataFrame(
            {
                "focal": [self.focal] * (len(self.names) * count),
                "coalition": [name for name in self.names for _ in range(count)],
                "input": list(found.inputs) * len(self.names),
                "first_order": found.first.T.ravel(),
                "total_effect": found.total.T.ravel(),
                "first_order_se": found.first_se.T.ravel(),
                "total_effect_se": found.total_se.T.ravel(),
            }
        )

    def main(self) -> dict[str, str]:
        """The input with the largest total effect, for every severance."""
        best = self.indices.total.argmax(axis=0)
        return {name: self.indices.inputs[k] for name, k in zip(self.names, best, strict=True)}


def severances(focal: str, powers: Sequence[str]) -> tuple[Scenario, ...]:
    """Severance by each power alone and, if there are several, by all together; names are powers joined by `;`.

    Raises:
        DataError: no or repeated powers, or the focal state among them.
    """
    if not powers or len(set(powers)) != len(powers):
        raise DataError(found=f"powers {', '.join(powers) or 'without a label'}", allowed="each label once")
    if focal in powers:
        raise DataError(found=f"the focal state {focal} among the powers", allowed="other countries")
    sets = [(p,) for p in powers] + ([tuple(powers)] if len(powers) > 1 else [])
    return tuple(coalition(focal, members, ";".join(members)) for members in sets)


def draw_losses(
    matrix: TradeMatrix,
    focal: str,
    scenarios: Sequence[Scenario],
    inputs: TradeInputs,
    draws: int = 1000,
    seed: int = 1,
    *,
    imbalances: Imbalances = "additive",
) -> LossDraws:
    """Losses in independent draws of all uncertain inputs.

    Elasticities alone are solved in one batch; every perturbed matrix needs a solve of its own.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: no draws or more than a million, no scenario, or alternatives of other countries.
        NoEquilibrium, NotConverged: not one draw of any scenario has a solution.
    """
    if not 0 < draws <= MOST_DRAWS:
        raise DataError(found=f"{draws} draws", allowed=f"1 to {MOST_DRAWS:,}")
    model = _Model(matrix, focal, tuple(scenarios), inputs, seed, imbalances)
    points = np.random.default_rng(seed).random((draws, len(inputs.varying)))
    sample = model.decode(np.clip(points, EDGE, 1 - EDGE))
    losses = model.losses(sample)
    if model.problem is not None and not np.isfinite(losses).any():
        raise model.problem
    central = model.losses(np.array([[inputs.elasticity.centre, -1.0, inputs.domestic.centre, 0.0]]))[0]
    names = tuple(scenario.name for scenario in scenarios)
    return LossDraws(focal, names, central, losses, sample[:, 0], sample[:, 2], draws, seed, imbalances)


def loss_drivers(
    matrix: TradeMatrix,
    focal: str,
    scenarios: Sequence[Scenario],
    inputs: TradeInputs,
    base: int = 256,
    seed: int = 1,
    *,
    imbalances: Imbalances = "additive",
) -> LossDrivers:
    """Sobol indices of the uncertain inputs for the loss under every scenario.

    The model is run at N (k + 2) points for k uncertain inputs, N being `base`, a power of 2. Other arguments are those
    of `draw_losses`.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: nothing is uncertain, a base that is not a power of 2, or a point without a solution.
    """
    if not inputs.varying:
        raise DataError(found="no uncertain input", allowed="at least one that varies")
    model = _Model(matrix, focal, tuple(scenarios), inputs, seed, imbalances)
    found = sobol_indices(lambda points: model.losses(model.decode(points)), inputs.varying, base, seed)
    return LossDrivers(focal, tuple(scenario.name for scenario in scenarios), found)


def mirror_sd(one: ArrayLike, other: ArrayLike) -> float:
    """Standard deviation of the log error of one report, from pairs of reports of the same flows.

    Root mean square of ln(one / other), divided by the square root of 2: both reports are taken to err alike and
    independently. A systematic difference (freight, re-exports) counts as error too.

    Raises:
        DataError: no pairs, different lengths, or a value that is not positive and finite.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or not a.size:
        raise DataError(found=f"reports of shapes {a.shape} and {b.shape}", allowed="pairs of reports")
    if not ((a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)).all():
        raise DataError(found="a report that is not positive and finite", allowed="numbers above 0")
    return float(np.sqrt(np.mean(np.log(a / b) ** 2) / 2))


class _Model:
    """From points in the unit cube to losses.

    A sample row is (theta, noise, domestic factor, matrix): noise is -1 for none, else the uniform number whose bits
    seed the noise of the flows; matrix is a position in `baselines`.
    """

    def __init__(
        self,
        matrix: TradeMatrix,
        focal: str,
        scenarios: tuple[Scenario, ...],
        inputs: TradeInputs,
        seed: int,
        imbalances: Imbalances,
    ) -> None:
        if not scenarios:
            raise DataError(found="no scenario", allowed="one scenario or more")
        self.at, self.scenarios, self.inputs = matrix.index(focal), scenarios, inputs
        self.seed, self.imbalances, self.labels = seed, imbalances, matrix.labels
        self.baselines = [matrix.flows]
        self.choices = [0]
        for other in inputs.alternatives:
            if other.labels != matrix.labels:
                raise DataError(
                    file=other.name,
                    found="other countries, or another order",
                    allowed=f"those of {matrix.name}",
                )
            same = [k for k, known in enumerate(self.baselines) if np.array_equal(known, other.flows)]
            if not same:
                self.baselines.append(other.flows)
            self.choices.append(same[0] if same else len(self.baselines) - 1)
        self.problem: BetweenGiantsError | None = None

    def decode(self, points: Floats) -> Floats:
        """(n, 4) sample rows from (n, k) uniform numbers, one column for each varying input."""
        column = dict(zip(self.inputs.varying, points.T, strict=True))
        middle = np.full(points.shape[0], 0.5)
        choice = (column.get("baseline", np.zeros_like(middle)) * len(self.choices)).astype(np.int64)
        return np.column_stack(
            [
                self.inputs.elasticity.quantile(column.get("elasticity", middle)),
                column.get("flows", np.full_like(middle, -1.0)),
                self.inputs.domestic.quantile(column.get("domestic", middle)),
                np.array(self.choices)[choice],
            ]
        )

    def losses(self, sample: Floats) -> Floats:
        """(n, S) losses of the focal state; equal rows are solved once, equal matrices in one batch."""
        rows, back = np.unique(sample, axis=0, return_inverse=True)
        worlds, which = np.unique(rows[:, 1:], axis=0, return_inverse=True)
        out = np.empty((rows.shape[0], len(self.scenarios)))
        for k, world in enumerate(worlds):
            mine = np.flatnonzero(which.ravel() == k)
            out[mine] = self._solve(self._matrix(world), rows[mine, 0])
        return np.asarray(out[back.ravel()])

    def _matrix(self, world: Floats) -> TradeMatrix:
        noise, domestic, choice = world
        flows = self.baselines[int(choice)]
        factor = np.ones_like(flows)
        if noise >= 0:
            draw = np.random.default_rng([self.seed, int(noise * SEED_BITS)])
            factor = np.exp(self.inputs.flow_sd * draw.standard_normal(flows.shape))
        np.fill_diagonal(factor, domestic)
        return TradeMatrix(self.labels, flows * factor, "a drawn matrix")

    def _solve(self, matrix: TradeMatrix, theta: Floats) -> Floats:
        """(n, S) losses on one matrix with n elasticities; removed imbalances allow one elasticity a call."""
        count = len(self.scenarios)
        most = 1 if self.imbalances == "balanced" else max(1, BATCH // count)
        if theta.size > most:
            parts = [theta[k : k + most] for k in range(0, theta.size, most)]
            return np.concatenate([self._solve(matrix, part) for part in parts])
        found = solve(
            matrix,
            list(self.scenarios) * theta.size,
            np.repeat(theta, count),
            imbalances=self.imbalances,
            on_failure="mark",
        )
        if self.problem is None:
            self.problem = next((problem for problem in found.problems if problem is not None), None)
        return np.asarray(-found.welfare_change[:, self.at].reshape(theta.size, count))
