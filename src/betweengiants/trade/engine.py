"""Solving scenarios on a trade matrix of one sector: checks, the kernel, and the numbers that people ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.trade.arrays import Cells, Economy, Floats, Imbalances
from betweengiants.trade.capped import solve_rest
from betweengiants.trade.faults import fault, named, out_of_range, raise_first
from betweengiants.trade.matrix import TradeMatrix
from betweengiants.trade.options import TOLERANCE, require_options, require_scenarios, thetas
from betweengiants.trade.results import CapOutcome, TradeResult
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.solver import Equilibrium, solve_block

ITERATIONS = 300


def solve(
    matrix: TradeMatrix,
    scenarios: Scenario | Sequence[Scenario],
    theta: float | Sequence[float] | Floats = 4.0,
    *,
    imbalances: Imbalances = "additive",
    tolerance: float = TOLERANCE,
    max_iterations: int = ITERATIONS,
    on_failure: Literal["raise", "mark"] = "raise",
) -> TradeResult:
    """Equilibrium in changes for one or many scenarios (Dekle, Eaton & Kortum 2008), solved as a block.

    World output is held fixed, so nominal changes are in units of world output. A country that a scenario cuts off
    from all others is a defined case: its trade imbalance is dropped and its welfare is the closed form
    `pi_jj^(1/theta)` of balanced autarky; what it gained or paid through the imbalance is not counted. The others'
    imbalances are then shifted in proportion to output so that they still add up to zero (see `connect`). Scenarios
    with quantity caps, and some hard ones, are solved by the solver for several sectors (`capped`).

    Args:
        matrix: the baseline.
        scenarios: one or S scenarios.
        theta: trade elasticity (sigma - 1), one for all scenarios or one each.
        imbalances: `additive` holds each imbalance fixed in units of world output; `multiplicative` keeps spending in
            proportion to income; `balanced` removes all imbalances first and compares with that balanced world
            (one theta only, because that world depends on theta).
        tolerance: largest excess demand relative to income, at most 1e-10.
        max_iterations: limit for one scenario.
        on_failure: `raise` stops at the first scenario without a solution; `mark` gives it not-a-number and keeps
            the error in `TradeResult.problems`.

    Raises:
        UnknownLabel: a scenario names a country that the matrix does not hold.
        DataError: no scenario, a theta that is not positive and finite, an unknown rule, a tolerance out of range.
        NoEquilibrium: the imbalances cannot be met after the scenario; names the states.
        NotConverged: the iteration stopped before its tolerance.
    """
    many = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    require_scenarios(len(many))
    allowed = f"one, or one for each of {len(many)}"
    elasticity = thetas(theta, (len(many),), ((), (len(many),)), allowed)
    require_options(imbalances, "long", tolerance, elasticity)
    if imbalances == "balanced":
        matrix = balance(matrix, float(elasticity[0]), tolerance=tolerance, max_iterations=max_iterations)
    economy, cells = Economy.from_flows(matrix.flows), scenario_cells(matrix, many)
    found = solve_block(
        economy, cells, elasticity, imbalances, tolerance=tolerance, max_iterations=max_iterations
    )
    caps = solve_rest(
        matrix.labels,
        economy,
        many,
        elasticity,
        imbalances,
        found,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    with np.errstate(all="ignore"):  # scenarios without a solution
        price = found.phi ** (-1 / elasticity)
    problems = tuple(
        _problem(matrix, many[s], found, s, tolerance, imbalances)
        or out_of_range(many[s].name, price[:, s], found.wage[:, s])
        for s in range(len(many))
    )
    if on_failure == "raise":
        raise_first(problems)
    return _result(matrix, many, elasticity, economy, found, price, problems, caps)


def balance(
    matrix: TradeMatrix, theta: float, *, tolerance: float = TOLERANCE, max_iterations: int = ITERATIONS
) -> TradeMatrix:
    """The same world after every trade imbalance has been removed (spending = income for every country).

    Raises:
        NoEquilibrium: some countries only sell or only buy; names them.
        NotConverged: the iteration stopped before its tolerance.
    """
    economy = Economy.from_flows(matrix.flows)
    nothing = np.zeros(0, dtype=np.int64)
    found = solve_block(
        economy,
        Cells(nothing, nothing, nothing, np.zeros(0), 1),
        np.array([theta]),
        "balanced",
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    raise_first([_problem(matrix, Scenario("imbalances removed", ()), found, 0, tolerance, "balanced")])
    power = found.wage[:, 0] ** -theta
    shares = economy.share * power[:, None] / found.phi[:, 0]
    flows = shares * found.spending[:, 0] * matrix.flows.sum()
    return TradeMatrix(matrix.labels, flows, matrix.name, matrix.sector)


def scenario_cells(matrix: TradeMatrix, scenarios: Sequence[Scenario]) -> Cells:
    """The changed cells of scenarios by position.

    Raises:
        UnknownLabel: a country that the matrix does not hold.
        DataError: a sector that is not the one of the matrix.
    """
    position = {label: k for k, label in enumerate(matrix.labels)}
    number, exporter, importer, cost = [], [], [], []
    for s, scenario in enumerate(scenarios):
        for a, b, factor, _, sector in scenario.cells:
            if sector is not None and sector != matrix.sector:
                raise DataError(
                    file=matrix.name,
                    found=f"a change of sector '{sector}' where the flows have one sector",
                    allowed=f"no sector, or '{matrix.sector}'" if matrix.sector else "no sector",
                )
            number.append(s)
            exporter.append(position[a] if a in position else matrix.index(a))
            importer.append(position[b] if b in position else matrix.index(b))
            cost.append(factor)
    return Cells(
        np.array(number, dtype=np.int64),
        np.array(exporter, dtype=np.int64),
        np.array(importer, dtype=np.int64),
        np.array(cost, dtype=np.float64),
        len(scenarios),
    )


def _problem(
    matrix: TradeMatrix, scenario: Scenario, found: Equilibrium, s: int, tolerance: float, rule: Imbalances
) -> BetweenGiantsError | None:
    return fault(
        scenario.name,
        int(found.status[s]),
        named(matrix.labels, found.culprits[:, s]),
        rule,
        residual=float(found.residual[s]),
        iterations=int(found.iterations[s]),
        tolerance=tolerance,
    )


def _result(
    matrix: TradeMatrix,
    scenarios: tuple[Scenario, ...],
    theta: Floats,
    economy: Economy,
    found: Equilibrium,
    price: Floats,
    problems: tuple[BetweenGiantsError | None, ...],
    caps: tuple[tuple[CapOutcome, ...], ...],
) -> TradeResult:
    abroad, bought = found.sales - found.home, found.spending - found.home
    with np.errstate(all="ignore"):  # scenarios without a solution
        welfare = found.spending / economy.spending[:, None] / price
        welfare[found.isolated] = (found.wage / price)[found.isolated]
    before = economy.share * economy.spending
    np.fill_diagonal(before, 0.0)
    unsolved = np.array([problem is not None for problem in problems])

    def shown(values: Floats) -> Floats:
        return np.ascontiguousarray(np.where(unsolved, np.nan, values).T)

    return TradeResult(
        scenarios=scenarios,
        matrix=matrix,
        theta=theta,
        welfare_change=shown(welfare - 1),
        income_change=shown(found.wage - 1),
        price_change=shown(price - 1),
        exports_change=shown(_growth(abroad, before.sum(axis=1))),
        imports_change=shown(_growth(bought, before.sum(axis=0))),
        spending=shown(found.spending * matrix.flows.sum()),
        isolated=np.ascontiguousarray(found.isolated.T),
        residual=found.residual,
        iterations=found.iterations,
        problems=problems,
        caps=caps,
    )


def _growth(after: Floats, before: Floats) -> Floats:
    """(N, S) change over the (N,) baseline; nothing that stays nothing has not changed."""
    base = before[:, None]
    none = base <= 0
    growth: Floats = np.where(none, 0.0, after / np.where(none, 1.0, base) - 1)
    return growth
