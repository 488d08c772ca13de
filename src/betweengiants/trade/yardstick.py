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
from betweengiants.trade.exposure import require_one_world
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon
from betweengiants.trade.sweeps import JointLeverage, TradeLeverage

MEASURES = ("first_order", "closed_form")


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """Changes of real national spending as fractions, to be read beside `welfare_change`.

    Attributes:
        labels: N countries.
        scenarios: S scenarios.
        first_order: (S, N) linear response; can be below -1, where the straight line has long left the truth.
        closed_form: (S, N) purchases alone, above -1.
        problems: (S,) why a scenario has no closed form (`Rationed`), else None. Scenarios with caps have no numbers.
    """

    labels: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    first_order: Floats
    closed_form: Floats
    problems: tuple[BetweenGiantsError | None, ...]

    def frame(self, s: int = 0) -> pl.DataFrame:
        """Scenario s by country: country, first_order_change_pct, closed_form_change_pct; empty where there is none."""
        values = {f"{name}_change_pct": 100 * getattr(self, name)[s] for name in MEASURES}
        return pl.DataFrame({"country": self.labels} | values).fill_nan(None)

    def of(self, label: str, name: str = "") -> dict[str, Floats]:
        """Columns of one country over all scenarios, in percent; `name` stands before the names of the columns."""
        at = self.labels.index(label)
        return {f"{name}{measure}_change_pct": 100 * getattr(self, measure)[:, at] for measure in MEASURES}


def yardsticks(
    matrix: TradeMatrix | SectorMatrix,
    scenarios: Scenario | Sequence[Scenario],
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> Yardsticks:
    """Both yardsticks for one or many scenarios; one matrix is factorised for all of them.

    Args:
        matrix: the baseline, of one sector or of several.
        scenarios: one or S.
        theta: trade elasticity; with several sectors also (S,), one for each.
        imbalances: as in `engine.solve`; `balanced` removes them first.
        horizon: as in `sector_engine.solve_sectors`; with one sector the two are the same.

    Raises:
        UnknownLabel, DataError: see `engine.solve`.
        NoEquilibrium: the baseline falls into pieces that do not trade with one another.
    """
    many = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    if isinstance(matrix, SectorMatrix):
        found = sector_yardstick.measure(matrix, many, theta, imbalances=imbalances, horizon=horizon)
        first, closed, problems = found
        size = len(matrix.labels)
    else:
        number = float(np.asarray(theta, dtype=np.float64))
        require_one_world(matrix.labels, matrix.flows)
        if imbalances == "balanced":
            matrix = balance(matrix, number)
        economy, cells = Economy.from_flows(matrix.flows), scenario_cells(matrix, many)
        first, closed = one_sector(economy, cells, number, imbalances)
        problems, size = (None,) * len(many), len(matrix.labels)
    blank = np.repeat(_capped(many)[:, None], size, axis=1)
    first, closed = (np.where(blank, np.nan, values) for values in (first, closed))
    return Yardsticks(matrix.labels, many, first, closed, problems)


def one_sector(economy: Economy, cells: Cells, theta: float, rule: Imbalances) -> tuple[Floats, Floats]:
    """(S, N) first-order and (S, N) closed-form changes of real spending."""
    size, count = economy.output.size, cells.count
    share = economy.share
    lost = cells.cost**-theta - 1
    bought = share[cells.exporter, cells.importer] * lost
    # d log Phi of the buyers, and what the sellers lose at given prices, as shares of their sales.
    dear, gap = np.zeros((size, count)), np.zeros((size, count))
    np.add.at(dear, (cells.importer, cells.scenario), bought)
    np.add.at(gap, (cells.exporter, cells.scenario), bought * economy.spending[cells.importer])
    closed = np.expm1(np.log1p(np.maximum(dear, -1.0)) / theta)
    gap -= (share * economy.spending) @ dear
    steps, _ = baseline_steps(economy, np.array([theta]), rule)
    moved = steps[0] @ (gap / economy.output[:, None])
    follows = economy.output / economy.spending if rule == "additive" else np.ones(size)
    first = follows[:, None] * moved + dear / theta - share.T @ moved
    return np.ascontiguousarray(first.T), np.ascontiguousarray(closed.T)


def leverage_table(
    matrix: TradeMatrix | SectorMatrix,
    found: TradeLeverage,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> pl.DataFrame:
    """`TradeLeverage.frame` with the yardsticks of the focal state and of the power beside the equilibrium."""
    cuts = [coalition(f, [p]) for f, p in zip(found.focal, found.power, strict=True)]
    measured = yardsticks(matrix, cuts, theta, imbalances=imbalances, horizon=horizon)
    place = {label: k for k, label in enumerate(measured.labels)}
    row = np.arange(len(cuts))
    columns = {
        f"{name}{measure}_change_pct": 100 * getattr(measured, measure)[row, [place[label] for label in who]]
        for name, who in (("", found.focal), ("power_", found.power))
        for measure in MEASURES
    }
    return (
        found.frame()
        .with_columns(**{name: pl.Series(values) for name, values in columns.items()})
        .fill_nan(None)
    )


def joint_columns(
    matrix: TradeMatrix | SectorMatrix,
    found: JointLeverage,
    theta: ArrayLike = 4.0,
    *,
    imbalances: Imbalances = "additive",
    horizon: Horizon = "long",
) -> dict[str, pl.Series]:
    """The yardsticks of the focal state under every coalition, in the order of `found.coalitions`."""
    cuts = [coalition(found.focal, members) for members in found.coalitions]
    measured = yardsticks(matrix, cuts, theta, imbalances=imbalances, horizon=horizon)
    return {name: pl.Series(values).fill_nan(None) for name, values in measured.of(found.focal).items()}


def _capped(scenarios: Sequence[Scenario]) -> Flags:
    """(S,) whether a scenario has a cap below 1, which neither yardstick covers."""
    return np.array([any(cell.quantity_cap < 1 for cell in scenario.cells) for scenario in scenarios])
