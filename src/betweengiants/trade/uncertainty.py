"""How sure a loss is: inputs drawn from what is known of them, intervals, and which input drives the width.

What can be uncertain, and how it is stated: `uncertain_inputs`. How a draw becomes a loss: `draws`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.sobol import EDGE, SobolIndices, sobol_indices
from betweengiants.trade.arrays import Floats, Imbalances
from betweengiants.trade.draws import Losses, LossModel
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon
from betweengiants.trade.uncertain_inputs import SectorDraws, TradeInputs

PROBABILITIES = (0.05, 0.5, 0.95)
MOST_DRAWS = 1_000_000


@dataclass(frozen=True, eq=False)
class LossDraws:
    """Losses of one focal state under C severances in D draws; losses are fractions of real spending.

    Attributes:
        focal: the focal state.
        names: (C,) names of the severances.
        central: (C,) loss at the central values (not-a-number: no solution).
        losses: (D, C); not-a-number where a draw has no solution.
        elasticity: (D,) what was drawn; (D, S) with one distribution for each sector, in the order of the matrix.
        domestic: (D,) what was drawn.
        unsolved: (C,) why draws have no solution: reason (`draws.REASONS`) to number of draws.
        draws, seed: how many, and from which seed.
        horizon: of the solver; with one sector the two are the same.
        imbalances: the rule of the solver.
        sector_draws: how the elasticities of the sectors were drawn.
    """

    focal: str
    names: tuple[str, ...]
    central: Floats
    losses: Floats
    elasticity: Floats
    domestic: Floats
    unsolved: tuple[Mapping[str, int], ...]
    draws: int
    seed: int
    horizon: Horizon
    imbalances: Imbalances
    sector_draws: SectorDraws

    @property
    def solved(self) -> tuple[int, ...]:
        """(C,) draws that have a solution; quantiles are over these."""
        return tuple(int(n) for n in np.isfinite(self.losses).sum(axis=0))

    def quantiles(self, probabilities: Sequence[float] = PROBABILITIES) -> Floats:
        """(Q, C) quantiles over the solved draws; not-a-number where there are none."""
        out = np.full((len(probabilities), len(self.names)), np.nan)
        for s, count in enumerate(self.solved):
            if count:
                column = self.losses[:, s]
                out[:, s] = np.quantile(column[np.isfinite(column)], probabilities)
        return out

    def frame(self) -> pl.DataFrame:
        """focal, coalition, central_loss_pct, loss_pct_p5, loss_pct_p50, loss_pct_p95, draws, solved, sector_draws."""
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
                "sector_draws": [self.sector_draws] * len(self.names),
            }
        ).fill_nan(None)


@dataclass(frozen=True, eq=False)
class LossDrivers:
    """Which input drives the width of the interval of each severance.

    Attributes:
        focal: the focal state.
        names: (C,) names of the severances.
        indices: of the varying inputs, with their counts and seed; independent sectors are `elasticity SECTOR` each;
            not-a-number for a severance with points without a solution.
        sector_draws: how the elasticities of the sectors were drawn.
    """

    focal: str
    names: tuple[str, ...]
    indices: SobolIndices
    sector_draws: SectorDraws

    def frame(self) -> pl.DataFrame:
        """focal, coalition, input, first_order, total_effect, first_order_se, total_effect_se, sector_draws."""
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
                "sector_draws": [self.sector_draws] * (len(self.names) * count),
            }
        ).fill_nan(None)

    def main(self) -> dict[str, str | None]:
        """The input with the largest total effect, for every severance; none where the effects are not known."""
        best = self.indices.total.argmax(axis=0)
        known = (bool(np.isfinite(column).all()) for column in self.indices.total.T)
        return {
            name: self.indices.inputs[k] if solved else None
            for name, k, solved in zip(self.names, best, known, strict=True)
        }


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
    matrix: TradeMatrix | SectorMatrix,
    focal: str,
    scenarios: Sequence[Scenario],
    inputs: TradeInputs,
    draws: int = 1000,
    seed: int = 1,
    *,
    horizon: Horizon = "long",
    imbalances: Imbalances = "additive",
) -> LossDraws:
    """Losses in independent draws of all uncertain inputs.

    Elasticities alone are solved in one batch; every perturbed matrix needs a solve of its own. A draw without a solution,
    or whose matrix would need more inputs than it absorbs, is left out of the quantiles and counted with its reason.

    Args:
        matrix: the baseline, of one sector or of several.
        focal: the focal state.
        scenarios: the severances.
        inputs: what is uncertain.
        draws: how many.
        seed: the same seed gives the same numbers.
        horizon: see `sector_engine.solve_sectors`; with one sector the two are the same.
        imbalances: see `engine.solve`.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: no draws or more than a million, no scenario, elasticities that do not fit the sectors, alternatives of
            other countries or sectors; or every drawn matrix needs more inputs than it absorbs.
        NoEquilibrium, NotConverged: not one draw of any scenario has a solution.
    """
    if not 0 < draws <= MOST_DRAWS:
        raise DataError(found=f"{draws} draws", allowed=f"1 to {MOST_DRAWS:,}")
    model = LossModel(matrix, focal, tuple(scenarios), inputs, seed, horizon, imbalances)
    points = np.random.default_rng(seed).random((draws, len(inputs.varying)))
    sample = model.decode(np.clip(points, EDGE, 1 - EDGE))
    found = model.losses(sample)
    if model.problem is not None and not np.isfinite(found.values).any():
        raise model.problem
    theta = sample[:, :-3]
    return LossDraws(
        focal=focal,
        names=tuple(scenario.name for scenario in scenarios),
        central=model.losses(model.central()).values[0],
        losses=found.values,
        elasticity=theta[:, 0] if inputs.elasticities == "common" else theta,
        domestic=sample[:, -2],
        unsolved=found.reasons(),
        draws=draws,
        seed=seed,
        horizon=horizon,
        imbalances=imbalances,
        sector_draws=inputs.elasticities,
    )


def loss_drivers(
    matrix: TradeMatrix | SectorMatrix,
    focal: str,
    scenarios: Sequence[Scenario],
    inputs: TradeInputs,
    base: int = 256,
    seed: int = 1,
    *,
    horizon: Horizon = "long",
    imbalances: Imbalances = "additive",
    on_failure: Literal["raise", "mark"] = "raise",
) -> LossDrivers:
    """Sobol indices of the uncertain inputs for the loss under every scenario.

    Args:
        matrix: see `draw_losses`, as the arguments that are not named here.
        focal: the focal state.
        scenarios: the severances.
        inputs: what is uncertain, k inputs.
        base: N, a power of 2; the model is run at N (k + 2) points.
        seed: the same seed gives the same numbers.
        horizon: see `draw_losses`.
        imbalances: see `draw_losses`.
        on_failure: `raise` refuses points without a solution, for indices over the others would answer another question;
            `mark` leaves the indices of such a severance not-a-number.

    Raises:
        UnknownLabel: a label that the matrix does not hold.
        DataError: nothing is uncertain, a base that is not a power of 2, or a point without a solution.
    """
    if not inputs.varying:
        raise DataError(found="no uncertain input", allowed="at least one that varies")
    model = LossModel(matrix, focal, tuple(scenarios), inputs, seed, horizon, imbalances)

    def function(points: Floats) -> Floats:
        found = model.losses(model.decode(points))
        if on_failure == "raise":
            _require_solved(found)
        unsolved[:] = (found.codes > 0).any(axis=0)
        return np.where(unsolved, 0.0, found.values)

    unsolved = np.zeros(len(scenarios), dtype=np.bool_)
    indices = sobol_indices(function, inputs.varying, base, seed)
    for values in (indices.first, indices.total, indices.first_se, indices.total_se):
        values[:, unsolved] = np.nan
    names = tuple(scenario.name for scenario in scenarios)
    return LossDrivers(focal, names, indices, inputs.elasticities)


def _require_solved(found: Losses) -> None:
    failed = (found.codes > 0).any(axis=1)
    if np.any(failed):
        named = "; ".join(dict.fromkeys(reason for counts in found.reasons() for reason in counts))
        raise DataError(
            found=f"{np.count_nonzero(failed)} of {len(found.codes)} points without a result ({named})",
            allowed="a result at every point (narrow the distributions, trim inputs that exceed absorption, or use the "
            "multiplicative rule)",
        )
