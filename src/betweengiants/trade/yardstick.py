"""Two yardsticks beside an equilibrium: what it would be to first order, and what dearer purchases alone would cost.

closed form   the price index at given factor prices, after Clayton, Maggiori & Schreger (A framework for geoeconomics),
              for any cost shock: in one sector `ln P[j] = -ln( sum_i pi[i,j] B[i,j] ) / theta`, which for severance is
              their `-ln(1 - omega)/theta`; with sectors and inputs the same price system as in the equilibrium. Lost
              sales, and everybody's adjustment, are not in it.
first order   the linear response of the equilibrium to the lost shares, after Kleinman, Liu & Redding (NBER 27587, 2020):
              the derivative of log welfare in the direction dB = B - 1 at the baseline, one step of Newton's method from
              there, `dx = -J0^(-1) (dF/dB) dB`. Right for small shocks; for a severance it tells how far from linear the
              answer is.

Caps on quantities have no place in either: scenarios with caps have no numbers here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from betweengiants.core.errors import BetweenGiantsError
from betweengiants.trade import sector_yardstick
from betweengiants.trade.arrays import Cells, Economy, Flags, Floats, Imbalances
from betweengiants.trade.batch import baseline_steps
from betweengiants.trade.engine import balance, scenario_cells
from betweengiants.trade.faults import require_one_world
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.options import Horizon, one_theta, require_known, require_scenarios
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.shapley import joint_table
from betweengiants.trade.sweeps import JointLeverage, TradeLeverage

MEASURES = ("first_order", "closed_form")


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """Changes of real national spending as fractions, to be read beside `welfare_change`.

    Attributes:
        labels: N countries.
        scenarios: S scenarios.
        first_order: (S, N) linear response; can be below -1, where the straight line has long left the truth.
        closed_form: (S, N) purchases alone, at least -1.
        problems: (S,) why a scenario has no closed form (`Rationed`, as in the equilibrium), else None.

    Both are not-a-number where a scenario caps quantities; `notes` names such scenarios.
    """

    labels: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    first_order: Floats
    closed_form: Floats
    problems: tuple[BetweenGiantsError | None, ...]

    def frame(self, s: int = 0) -> pl.DataFrame:
        """Scenario s by country: country, first_order_change_pct, closed_form_change_pct; empty where there is none."""
        return self.beside(pl.DataFrame({"country": self.labels}), self.labels, [s] * len(self.labels))

    def notes(self) -> tuple[str, ...]:
        """Which scenarios lack which number, and why."""
        covered = ~_capped(self.scenarios)
        named = zip(self.scenarios, covered, self.problems, strict=True)
        return tuple(
            f"note: no closed form: {problem}"
            if covers
            else f"note: no yardsticks for scenario '{scenario.name}': they do not cover caps on quantities."
            for scenario, covers, problem in named
            if problem is not None or not covers
        )

    def beside(
        self, table: pl.DataFrame, countries: Sequence[str], scenarios: Sequence[int], prefix: str = ""
    ) -> pl.DataFrame:
        """A table with the columns first_order_change_pct and closed_form_change_pct added.

        Args:
            table: R rows.
            countries: (R,) whose numbers each row takes.
            scenarios: (R,) positions of the scenarios that they are taken from.
            prefix: stands before the names of the columns.
        """
        place = {label: k for k, label in enumerate(self.labels)}
        at = np.array(scenarios, dtype=np.int64), [place[label] for label in countries]
        columns = {
            f"{prefix}{measure}_change_pct": pl.Series(100 * getattr(self, measure)[at]).fill_nan(None)
            for measure in MEASURES
        }
        return table.with_columns(**columns)


def yardsticks(
    matrix: TradeMatrix | SectorMatrix,
    scenarios: Scenario | Sequence[Scenario],
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> Yardsticks:
    """Both yardsticks for one or many scenarios; one matrix is factorised for all of them.

    Caps on quantities (below 1) are covered by neither: such scenarios get not-a-number.

    Args:
        matrix: the baseline, of one sector or of several.
        scenarios: one or S.
        theta: trade elasticity; with several sectors also (S,), one for each.
        imbalances: as in `engine.solve`; `balanced` removes them first.
        horizon: as in `sector_engine.solve_sectors`; with one sector the two are the same.

    Raises:
        UnknownLabel: a scenario names a country or sector that the matrix does not hold.
        DataError: no scenario, a theta that is not positive and finite, an unknown rule or horizon.
        NoEquilibrium: the baseline falls into pieces that do not trade with one another.
        NotConverged: imbalances could not be removed (`balanced` only).
    """
    many = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    require_scenarios(len(many))
    require_known(imbalances, horizon)
    problems: tuple[BetweenGiantsError | None, ...] = (None,) * len(many)
    if isinstance(matrix, SectorMatrix):
        first, closed, problems = sector_yardstick.measure(
            matrix, many, theta, imbalances=imbalances, horizon=horizon
        )
    else:
        first, closed = _one_sector(matrix, many, one_theta(theta), imbalances)
    blank = _capped(many)
    first[blank] = closed[blank] = np.nan
    return Yardsticks(matrix.labels, many, first, closed, problems)


def _one_sector(
    matrix: TradeMatrix, scenarios: Sequence[Scenario], theta: float, rule: Imbalances
) -> tuple[Floats, Floats]:
    """(S, N) first-order and (S, N) closed-form changes of real spending."""
    require_one_world(matrix.labels, matrix.flows)
    if rule == "balanced":
        matrix = balance(matrix, theta)
    economy, cells = Economy.from_flows(matrix.flows), scenario_cells(matrix, scenarios)
    size, count = economy.output.size, cells.count
    share, kept = economy.share, cells.cost**-theta
    bought = share[cells.exporter, cells.importer] * (kept - 1)
    # d log Phi of the buyers, and what the sellers lose at given prices, as shares of their sales.
    dear, gap = np.zeros((size, count)), np.zeros((size, count))
    np.add.at(dear, (cells.importer, cells.scenario), bought)
    np.add.at(gap, (cells.exporter, cells.scenario), bought * economy.spending[cells.importer])
    gap -= (share * economy.spending) @ dear
    steps, _ = baseline_steps(economy, np.array([theta]), rule)
    moved = steps[0] @ (gap / economy.output[:, None])
    follows = economy.output / economy.spending if rule == "additive" else np.ones(size)
    first = follows[:, None] * moved + dear / theta - share.T @ moved
    closed = np.expm1(_log_left(share, cells, kept, dear) / theta) + 0.0  # no negative zeros
    return np.ascontiguousarray(first.T), np.ascontiguousarray(closed.T)


def _log_left(share: Floats, cells: Cells, kept: Floats, dear: Floats) -> Floats:
    """(N, S) ln sum_i pi[i,j] B[i,j]: from what is lost, or where most is lost from what is left, lest digits cancel."""
    most = dear < -0.5
    found = np.log1p(np.where(most, 0.0, dear))
    column = np.full(dear.shape, -1, dtype=np.int64)
    column[most] = np.arange(np.count_nonzero(most))
    left = share[:, np.nonzero(most)[0]]
    at = column[cells.importer, cells.scenario]
    left[cells.exporter[at >= 0], at[at >= 0]] *= kept[at >= 0]
    with np.errstate(divide="ignore"):
        found[most] = np.log(left.sum(axis=0))
    return found


def leverage_table(
    matrix: TradeMatrix | SectorMatrix,
    found: TradeLeverage,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> pl.DataFrame:
    """`TradeLeverage.frame` with the yardsticks of the focal state and of the power (power_...) beside the equilibrium."""
    cuts = [coalition(f, [p]) for f, p in zip(found.focal, found.power, strict=True)]
    measured = yardsticks(matrix, cuts, theta, imbalances=imbalances, horizon=horizon)
    rows = range(len(cuts))
    return measured.beside(measured.beside(found.frame(), found.focal, rows), found.power, rows, "power_")


def coalition_table(
    matrix: TradeMatrix | SectorMatrix,
    found: JointLeverage,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> pl.DataFrame:
    """`shapley.joint_table` with the yardsticks of the focal state under every coalition."""
    cuts = [coalition(found.focal, members) for members in found.coalitions]
    measured = yardsticks(matrix, cuts, theta, imbalances=imbalances, horizon=horizon)
    return measured.beside(joint_table(found), [found.focal] * len(cuts), range(len(cuts)))


def _capped(scenarios: Sequence[Scenario]) -> Flags:
    """(S,) whether a scenario has a cap below 1, which neither yardstick covers."""
    return np.array([any(cell.quantity_cap < 1 for cell in scenario.cells) for scenario in scenarios])
