"""Solving scenarios on a matrix of several sectors: checks, the kernel, and the numbers that people ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from betweengiants.core.errors import BetweenGiantsError
from betweengiants.trade.arrays import Flags, Floats, Imbalances
from betweengiants.trade.faults import fault, named, out_of_range, raise_first
from betweengiants.trade.options import TOLERANCE, Horizon, require_options, require_scenarios, thetas
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_kernel import SectorEconomy
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_outcomes import cap_outcomes, growth, home_sales
from betweengiants.trade.sector_results import Rationed, SectorResult
from betweengiants.trade.sector_solver import (
    RATIONED,
    SectorCells,
    SectorEquilibrium,
    lacking_needs,
    solve_scenarios,
)

ITERATIONS = 100


def solve_sectors(
    matrix: SectorMatrix,
    scenarios: Scenario | Sequence[Scenario],
    theta: ArrayLike = 4.0,
    *,
    horizon: Horizon = "long",
    imbalances: Imbalances = "additive",
    tolerance: float = TOLERANCE,
    max_iterations: int = ITERATIONS,
    on_failure: Literal["raise", "mark"] = "raise",
) -> SectorResult:
    """Equilibrium in changes with sectors and inputs (Caliendo & Parro 2015, doi 10.1093/restud/rdu035).

    World income is held fixed, so nominal changes are in units of world income. Countries that are cut off, worlds that
    fall apart and imbalances are treated as in `engine.solve`, with income and final spending in the place of output
    and spending.

    Args:
        matrix: the baseline.
        scenarios: one or B scenarios.
        theta: trade elasticities (sigma - 1): one number; (S,), one a sector in the order of `matrix.sectors`; or
            (B, S), one row a scenario. One scenario with B rows is solved B times (draws of elasticities).
        horizon: `long`: factors move between sectors, one wage a country; `short`: every sector's factor is its own and
            stays (specific factors). Give each horizon its own theta.
        imbalances: see `engine.solve`; `balanced` removes them first at the same horizon (one theta for all scenarios).
        tolerance: largest excess demand of a country and sector relative to its output, at most 1e-10.
        max_iterations: limit for one attempt at one scenario.
        on_failure: `raise` stops at the first scenario without a solution; `mark` gives it not-a-number and keeps the
            error in `SectorResult.problems`.

    Raises:
        UnknownLabel: a scenario names a country or sector that the matrix does not hold.
        DataError: no scenario, a theta that is not positive and finite, an unknown rule, a tolerance out of range.
        Rationed: a country is left without any supplier of a sector that it needs; names both.
        NoEquilibrium: the imbalances cannot be met after the scenario; names the states.
        NotConverged: the iteration stopped before its tolerance.
    """
    many = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    require_scenarios(len(many))
    elasticity = _elasticities(theta, len(many), matrix.sectors)
    if len(many) == 1:
        many = many * elasticity.shape[0]
    require_options(imbalances, horizon, tolerance, elasticity)
    if imbalances == "balanced":
        matrix = balance_sectors(
            matrix, elasticity[0], horizon=horizon, tolerance=tolerance, max_iterations=max_iterations
        )
    economy, cells = economy_of(matrix), sector_cells(matrix, many)
    found = solve_scenarios(
        economy,
        cells,
        elasticity,
        imbalances,
        short=horizon == "short",
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    problems = tuple(
        _problem(matrix, many[s], found, s, tolerance, imbalances)
        or out_of_range(many[s].name, found.price[s], found.cost[s])
        for s in range(len(many))
    )
    if on_failure == "raise":
        raise_first(problems)
    return _result(matrix, many, elasticity, horizon, economy, cells, found, problems)


def balance_sectors(
    matrix: SectorMatrix,
    theta: ArrayLike,
    *,
    horizon: Horizon = "long",
    tolerance: float = TOLERANCE,
    max_iterations: int = ITERATIONS,
) -> SectorMatrix:
    """The same world after every trade imbalance has been removed (final spending = income for every country).

    Raises:
        NoEquilibrium: some countries only sell or only buy; names them.
        NotConverged: the iteration stopped before its tolerance.
    """
    elasticity = _elasticities(theta, 1, matrix.sectors)
    idle = Scenario("imbalances removed", ())
    require_options("balanced", horizon, tolerance, elasticity)
    economy, cells = economy_of(matrix), sector_cells(matrix, (idle,))
    found = solve_scenarios(
        economy,
        cells,
        elasticity,
        "balanced",
        short=horizon == "short",
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    raise_first([_problem(matrix, idle, found, 0, tolerance, "balanced")])
    relative = found.cost[0][:, :, None] / found.price[0][:, None, :]
    flows = economy.share * relative ** -elasticity[0][:, None, None] * found.absorbed[0][:, None, :]
    flows *= matrix.value_added.sum()
    va, gamma = matrix.cost_shares
    return SectorMatrix(
        matrix.labels, matrix.sectors, flows.transpose(1, 2, 0), va, gamma, matrix.name, matrix.remarks
    )


def economy_of(matrix: SectorMatrix) -> SectorEconomy:
    """The kernel's arrays in units of world income."""
    va, gamma = matrix.cost_shares
    unit = matrix.value_added.sum()
    absorbed, final = matrix.absorption, matrix.final_spending
    share = matrix.flows / np.where(absorbed > 0, absorbed, 1.0)
    spending = final.sum(axis=1)
    return SectorEconomy(
        share=np.ascontiguousarray(share.transpose(2, 0, 1)),
        output=np.ascontiguousarray(matrix.output.T) / unit,
        absorbed=np.ascontiguousarray(absorbed.T) / unit,
        alpha=np.ascontiguousarray((final / spending[:, None]).T),
        va=np.ascontiguousarray(va.T),
        gamma=np.ascontiguousarray(gamma.transpose(2, 1, 0)),
        income=matrix.value_added / unit,
        spending=spending / unit,
    )


def _elasticities(theta: ArrayLike, count: int, sectors: Sequence[str]) -> Floats:
    """(B, S) theta."""
    values = np.asarray(theta, dtype=np.float64)
    rows = values.shape[0] if values.ndim == 2 and count == 1 else count
    shape = rows, len(sectors)
    allowed = f"one, one for each of {len(sectors)} sectors, or ({count}, {len(sectors)})"
    return thetas(values, shape, ((), (len(sectors),), shape), allowed)


def sector_cells(matrix: SectorMatrix, scenarios: Sequence[Scenario]) -> SectorCells:
    """All changed cells; one for all sectors becomes one for each. Scenarios that are the same object share the work."""
    parts: dict[int, list[tuple[int, int, int, float, float]]] = {}
    rows: list[tuple[int, int, int, float, float]] = []
    number: list[int] = []
    for s, scenario in enumerate(scenarios):
        if id(scenario) not in parts:
            parts[id(scenario)] = [
                (k, matrix.index(c.exporter), matrix.index(c.importer), c.cost_factor, c.quantity_cap)
                for c in scenario.cells
                for k in (range(len(matrix.sectors)) if c.sector is None else [matrix.sector_index(c.sector)])
            ]
        rows.extend(parts[id(scenario)])
        number.extend([s] * len(parts[id(scenario)]))
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    place = table[:, :3].astype(np.int64)
    return SectorCells(
        np.array(number, dtype=np.int64),
        place[:, 0],
        place[:, 1],
        place[:, 2],
        table[:, 3],
        table[:, 4],
        len(scenarios),
    )


def sector_thetas(theta: ArrayLike, sectors: Sequence[str]) -> Floats:
    """(S,) theta from one number or one for each sector.

    Raises:
        DataError: another shape, or an elasticity that is not positive and finite.
    """
    return np.asarray(_elasticities(theta, 1, sectors)[0])


def rationed(
    matrix: SectorMatrix, scenario: Scenario, economy: SectorEconomy, cells: SectorCells, s: int
) -> Rationed | None:
    """The error of scenario s if it leaves a country without any supplier of a sector that it needs."""
    lacking = lacking_needs(economy, cells, s)
    return _rationed(matrix, scenario, lacking) if lacking.any() else None


def _rationed(matrix: SectorMatrix, scenario: Scenario, lacking: Flags) -> Rationed:
    needs = [(matrix.labels[j], matrix.sectors[k]) for j, k in np.argwhere(lacking.T)]
    return Rationed(scenario.name, needs)


def _problem(
    matrix: SectorMatrix,
    scenario: Scenario,
    found: SectorEquilibrium,
    s: int,
    tolerance: float,
    rule: Imbalances,
) -> BetweenGiantsError | None:
    if found.status[s] == RATIONED:
        return _rationed(matrix, scenario, found.lacking[s])
    return fault(
        scenario.name,
        int(found.status[s]),
        named(matrix.labels, found.culprits[s]),
        rule,
        residual=float(found.residual[s]),
        iterations=int(found.iterations[s]),
        tolerance=tolerance,
    )


def _result(
    matrix: SectorMatrix,
    scenarios: tuple[Scenario, ...],
    theta: Floats,
    horizon: Horizon,
    economy: SectorEconomy,
    cells: SectorCells,
    found: SectorEquilibrium,
    problems: tuple[BetweenGiantsError | None, ...],
) -> SectorResult:
    unit = matrix.value_added.sum()
    unsolved = np.array([problem is not None for problem in problems])
    with np.errstate(all="ignore"):
        price = np.exp(np.einsum("sj,bsj->bj", economy.alpha, np.log(found.price)))
        welfare = found.spent / economy.spending / price
        income = found.earned / economy.income
        welfare = np.where(found.isolated, income / price, welfare)
        home = home_sales(economy, cells, theta, found)
        abroad = np.where(found.isolated, 0.0, found.made.sum(axis=1) - home)
        bought = np.where(found.isolated, 0.0, found.absorbed.sum(axis=1) - home)
    before = np.einsum("sij,sj->ij", economy.share, economy.absorbed)
    np.fill_diagonal(before, 0.0)

    def shown(values: Floats) -> Floats:
        return np.where(unsolved.reshape(-1, *[1] * (values.ndim - 1)), np.nan, values)

    def by_sector(values: Floats) -> Floats:
        return np.ascontiguousarray(shown(values).transpose(0, 2, 1))

    return SectorResult(
        scenarios=scenarios,
        matrix=matrix,
        theta=theta,
        horizon=horizon,
        welfare_change=shown(welfare - 1),
        income_change=shown(income - 1),
        price_change=shown(price - 1),
        exports_change=shown(growth(abroad, before.sum(axis=1))),
        imports_change=shown(growth(bought, before.sum(axis=0))),
        spending=shown(found.spent * unit),
        isolated=found.isolated,
        factor_price=by_sector(found.factor_price),
        unit_cost=by_sector(found.cost),
        sector_price=by_sector(found.price),
        output=by_sector(found.made * unit),
        absorption=by_sector(found.absorbed * unit),
        residual=found.residual,
        iterations=found.iterations,
        problems=problems,
        caps=cap_outcomes(matrix.labels, matrix.sectors, economy, cells, theta, found, ~unsolved),
    )
