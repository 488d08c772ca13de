"""Scenarios of the one-sector model that the solver for several sectors takes over: caps, and a second try.

The second try is for worlds in which some countries only sell or only buy: the solver for one sector can fail there
although the imbalances fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from betweengiants.trade.arrays import Economy, Floats, Imbalances
from betweengiants.trade.results import CapOutcome
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_kernel import SectorEconomy
from betweengiants.trade.sector_outcomes import cap_outcomes, home_sales
from betweengiants.trade.sector_solver import SectorCells, solve_scenarios
from betweengiants.trade.solver import Equilibrium, Status


def one_sector(economy: Economy) -> SectorEconomy:
    """The same baseline as an economy of one sector."""
    size = economy.output.size
    return SectorEconomy(
        share=economy.share[None],
        output=economy.output[None],
        absorbed=economy.spending[None],
        alpha=np.ones((1, size)),
        va=np.ones((1, size)),
        gamma=np.zeros((1, 1, size)),
        income=economy.output,
        spending=economy.spending,
    )


def solve_rest(
    labels: Sequence[str],
    economy: Economy,
    scenarios: Sequence[Scenario],
    theta: Floats,
    rule: Imbalances,
    result: Equilibrium,
    *,
    tolerance: float,
    max_iterations: int,
) -> tuple[tuple[CapOutcome, ...], ...]:
    """Solve what is left, enter it into `result`, and say what the caps of each scenario did."""
    held = np.array([any(cell.quantity_cap < 1 for cell in scenario.cells) for scenario in scenarios])
    some = np.flatnonzero(held | (result.status == Status.UNBALANCED))
    outcomes: list[tuple[CapOutcome, ...]] = [()] * len(scenarios)
    if not some.size:
        return tuple(outcomes)
    cells = _cells(labels, [scenarios[int(s)] for s in some])
    base, own = one_sector(economy), theta[some][:, None]
    found = solve_scenarios(
        base, cells, own, rule, short=False, tolerance=tolerance, max_iterations=max_iterations
    )
    solved = found.status == Status.SOLVED
    rows = cap_outcomes(labels, (None,), base, cells, own, found, solved)
    with np.errstate(all="ignore"):
        home, phi = home_sales(base, cells, own, found), found.price[:, 0] ** -own
    # A second try without an answer leaves the first one as it is.
    answered = solved | held[some] | (found.status == Status.NO_SPENDING)
    for k in np.flatnonzero(answered):
        s = int(some[k])
        outcomes[s] = rows[k]
        result.phi[:, s], result.wage[:, s] = phi[k], found.earned[k] / economy.output
        result.spending[:, s], result.sales[:, s] = found.spent[k], found.made[k, 0]
        result.home[:, s], result.isolated[:, s] = home[k], found.isolated[k]
        result.residual[s], result.iterations[s] = found.residual[k], found.iterations[k]
        result.status[s], result.culprits[:, s] = found.status[k], found.culprits[k]
        alone = found.isolated[k]
        for values in (result.spending, result.sales, result.home):
            values[alone, s] = economy.output[alone]
    return tuple(outcomes)


def _cells(labels: Sequence[str], scenarios: Sequence[Scenario]) -> SectorCells:
    """The changed cells, whose labels have been checked."""
    position = {label: k for k, label in enumerate(labels)}
    rows = [(s, cell) for s, scenario in enumerate(scenarios) for cell in scenario.cells]
    return SectorCells(
        np.array([s for s, _ in rows], dtype=np.int64),
        np.zeros(len(rows), dtype=np.int64),
        np.array([position[cell.exporter] for _, cell in rows], dtype=np.int64),
        np.array([position[cell.importer] for _, cell in rows], dtype=np.int64),
        np.array([cell.cost_factor for _, cell in rows]),
        np.array([cell.quantity_cap for _, cell in rows]),
        len(scenarios),
    )
