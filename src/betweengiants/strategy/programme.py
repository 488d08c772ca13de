"""The two-stage programme: build now, operate without what a coalition closes.

Symbols: o option, c coalition, e edge, k own commodity, r a row of supply or demand.

    minimise    sum_o a_o u_o                                                       yearly cost of what is built
    subject to  for every c: balances of the flow programme (network/layout.py) with flows f^c, and
                sum_k f^c_ek <= capacity_e + sum_o adds_oe u_o                      e open under c; f^c_ek = 0 if closed
                v_c = sum_r price_r d^c_r - sum_r cost_r s^c_r - sum_ek cost_e f^c_ek   value of own goods delivered
                v_c >= V (1 - t)                                                    t the largest loss, as a share of V
                0 <= t <= bound,  0 <= u_o <= max_o

V is the value of own goods that the network as it stands delivers when nobody severs; a coalition that leaves more than
that (because additions earn more than it takes) counts as taking nothing. Goods of others do not compete in
the programme; whether that changes anything is checked with the network engine, which does let them compete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.sparse import csc_array, hstack, vstack

from betweengiants.core.errors import DataError, Infeasible
from betweengiants.network import Closure, Programme, closure
from betweengiants.network.highs import Basis, LinearProgramme
from betweengiants.network.layout import Layout
from betweengiants.network.model import Floats
from betweengiants.network.results import FlowArrays, FlowResult
from betweengiants.position.results import coalition_name
from betweengiants.strategy.problem import Problem

Level = Literal["value", "low", "high"]
# A bound this close to the least attainable loss counts as attainable; a step down for one-sided slopes.
CLOSE, STEP = 3e-9, 1e-6
SNAP = 1e-9  # units within this share of nothing or of everything are put there
PRICED = 1e-9
MOST_WHOLE = 12  # options of one unit: 4096 subsets


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The cheapest plan at a bound.

    Attributes:
        units: (O,) units of each option.
        cost: yearly cost, million USD.
    """

    units: Floats
    cost: float


class FrontierProgramme:
    """The linear programme of a problem; columns are units (O), the largest loss t, then the flows of each coalition.

    Attributes:
        problem: what it was built from.
        names: names of the coalitions, in the problem's order.
        before: flows of the network as it stands, without a severance.
        base: value V of own goods in them.
        nothing: (O,) units when nothing is built.
        today: largest loss then, as a share of V.
        least: smallest largest loss that any plan attains; binds: the coalitions that it rests on and edges that are
            full then.

    Raises:
        DataError: nothing of the focal state's own is delivered.
        UnknownLabel: a coalition names a power that the network does not know.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.names = tuple(coalition_name(group) for group in problem.coalitions)
        self._network = problem.expanded([0.0] * len(problem.options))
        engine = Programme(self._network)
        self._layout = engine.layout
        self.before = engine.solve(prices=False)
        self.base = own_value(self.before, problem.own)
        if self.base <= 0:
            raise DataError(
                found=f"goods of the focal state worth {self.base:g} without any severance",
                allowed="a network that delivers something of its own",
            )
        self.closures = tuple(
            closure(self._network, group, ownership_threshold=problem.ownership_threshold)
            for group in problem.coalitions
        )
        self._upper = self._column_bounds()
        self._lp = self._programme()
        self._most = np.array([option.max_units for option in problem.options])
        self._yearly = {
            level: np.array([getattr(problem.finance.yearly(o.capex), level) for o in problem.options])
            for level in ("value", "low", "high")
        }
        self._basis: Basis | None = None
        self.nothing = np.zeros(len(self._most))
        self.today = self._least_loss(self.nothing, self.nothing)[0]
        self._basis = self._lp.basis()
        self.least, self.binds = self._least_loss(self.nothing, self._most)

    def cheapest(self, bound: float, level: Level = "value") -> float:
        """Lowest yearly cost at which no coalition takes more than `bound` (a share of V).

        Raises:
            Infeasible: no plan attains the bound.
        """
        self._start(self._costs(level), self._bounded(bound))
        return max(0.0, self._lp.solve().objective)

    def price(self, bound: float) -> float | None:
        """Yearly cost of lowering the bound by one percentage point more; None where it cannot be lowered."""
        if bound - STEP < self.least:
            return None
        self._start(self._costs("value"), self._bounded(bound - STEP))
        return max(0.0, -float(self._lp.solve().reduced_cost[self._loss])) / 100

    def choose(self, bound: float, *, whole: bool = False) -> Choice:
        """The cheapest plan at a bound; among equally cheap ones one that builds the least.

        Args:
            bound: largest loss allowed, as a share of V.
            whole: build an option that has one unit whole or not at all. Every subset of such options is tried, the
                cheaper first; a subset that alone costs more than the best plan so far is passed over.

        Raises:
            Infeasible: no plan attains the bound.
            DataError: more than 12 options with one unit, and `whole`.
        """
        if not whole:
            return self._smallest(bound, self.nothing, self._most)
        best: tuple[float, Floats, Floats] | None = None
        for fixed, lower, upper in self._subsets():
            if best is not None and fixed >= best[0]:
                break
            self._start(self._costs("value"), self._bounded(bound), lower, upper)
            try:
                cost = self._lp.solve().objective
            except Infeasible:
                continue
            if best is None or cost < best[0]:
                best = cost, lower, upper
        if best is None:
            raise Infeasible("the autonomy frontier", status="infeasible")
        return self._smallest(bound, *best[1:])

    def _subsets(self) -> list[tuple[float, Floats, Floats]]:
        """Cost, lowest and highest units of every way to build the options of one unit, the cheapest first."""
        single = np.flatnonzero(self._most == 1).tolist()
        if len(single) > MOST_WHOLE:
            raise DataError(
                found=f"{len(single)} options that are built whole", allowed=f"at most {MOST_WHOLE}"
            )
        found = []
        for size in range(len(single) + 1):
            for built in combinations(single, size):
                lower, upper = np.zeros(len(self._most)), self._most.copy()
                upper[single] = 0.0
                lower[list(built)] = upper[list(built)] = 1.0
                found.append((float(self._yearly["value"] @ lower), lower, upper))
        return sorted(found, key=lambda subset: subset[0])

    def _smallest(self, bound: float, lower: Floats, upper: Floats) -> Choice:
        """Of the cheapest plans one that builds the smallest shares of what could be built.

        By complementary slackness the cheapest plans are those that leave columns with a reduced cost at their bound
        and rows with a price tight (Bertsimas & Tsitsiklis 1997, section 4.3).
        """
        self._start(self._costs("value"), self._bounded(bound), lower, upper)
        found = self._lp.solve()
        tight = np.flatnonzero((self._row_lower < self._row_upper) & (np.abs(found.dual) > PRICED))
        at = np.where(np.isfinite(self._row_upper), self._row_upper, self._row_lower)[tight]
        fixed = np.abs(found.reduced_cost) > PRICED
        wish, least, most = np.zeros(len(self._upper)), np.zeros(len(self._upper)), self._bounded(bound)
        wish[: self._loss] = 1.0 / self._most
        least[: self._loss], most[: self._loss] = lower, upper
        self._lp.set_costs(wish)
        self._lp.set_columns(np.where(fixed, found.x, least), np.where(fixed, found.x, most))
        self._lp.set_rows(tight, at, at)
        try:
            units = self._lp.solve().x[: self._loss]
        except Infeasible:  # rounding closed the set of optima: the first one is as cheap
            units = found.x[: self._loss]
        finally:
            self._lp.set_rows(tight, self._row_lower[tight], self._row_upper[tight])
        nothing, everything = units < SNAP * self._most, units > (1 - SNAP) * self._most
        units = np.where(nothing, 0.0, np.where(everything, self._most, units))
        return Choice(units, self.cost_of(units))

    def cost_of(self, units: Floats) -> float:
        """Yearly cost of building `units`, million USD."""
        return float(self._yearly["value"] @ units)

    def loss(self, units: Floats, case: int) -> float:
        """Loss to one coalition after building `units`, as a share of V, by this programme (not the engine)."""
        others = np.array(
            [row for place, row in enumerate(self._value_rows) if place != case], dtype=np.int64
        )
        self._lp.set_rows(others, np.full(len(others), -np.inf), np.full(len(others), np.inf))
        try:
            return self._least_loss(units, units, -np.inf)[0]
        finally:
            self._lp.set_rows(others, np.ones(len(others)), np.full(len(others), np.inf))

    def engine_losses(self, units: Floats) -> dict[str, float]:
        """Percent of V that each coalition takes after building `units`, by the network engine.

        The flows are those of `network.sever` on `problem.expanded(units)`; only the tables are left out.
        """
        numbers = self._network.arrays
        capacity = numbers.capacity.copy()
        for option, count in zip(self.problem.options, units.tolist(), strict=True):
            for edge in option.edges:
                capacity[self._network.edge_index[edge]] += option.adds * count
        network = replace(self._network, arrays=replace(numbers, capacity=capacity))
        engine = Programme(network)
        before = engine.optimum(network.everything)
        return {
            name: 100 * (1 - self._worth(engine.optimum(cut.limits, near=before)) / self.base)
            for name, cut in zip(self.names, self.closures, strict=True)
        }

    def _worth(self, flows: FlowArrays) -> float:
        """Value of own goods in these flows."""
        numbers, layout, own = self._network.arrays, self._layout, self._own_commodities()
        earned = (numbers.demand_price * flows.demand)[own[numbers.demand_commodity]].sum()
        moved = (layout.flow_cost * flows.flow)[own[layout.flow_commodity]].sum()
        made = (numbers.supply_cost * flows.supply)[own[numbers.supply_commodity]].sum()
        return float(earned - moved - made)

    def _least_loss(self, lower: Floats, upper: Floats, floor: float = 0.0) -> tuple[float, tuple[str, ...]]:
        """Smallest largest loss, not below a floor, with units between two bounds, and what binds then."""
        loss = np.zeros(len(self._upper))
        loss[self._loss] = 1.0
        self._start(loss, self._upper, lower, upper, floor)
        found = self._lp.solve()
        held = [place for place, row in enumerate(self._value_rows) if abs(found.dual[row]) > PRICED]
        full: set[str] = set()
        for place in held:
            start = place * (self._layout.matrix.shape[0] + 1)
            for edge in np.flatnonzero(self._layout.capacity_row >= 0).tolist():
                if abs(found.dual[start + self._layout.capacity_row[edge]]) > PRICED:
                    full.add(f"edge {self._network.edges['edge_id'][edge]}")
        return found.objective, (*(self.names[place] for place in held), *sorted(full))

    def _start(
        self,
        cost: Floats,
        upper: Floats,
        least: Floats | None = None,
        most: Floats | None = None,
        floor: float = 0.0,
    ) -> None:
        """Set the programme up; every solve starts from one basis, so that no result depends on an earlier one."""
        upper, lower = upper.copy(), np.zeros(len(upper))
        lower[self._loss] = floor
        if least is not None:
            lower[: self._loss] = least
        if most is not None:
            upper[: self._loss] = most
        self._lp.set_costs(cost)
        self._lp.set_columns(lower, upper)
        if self._basis is not None:
            self._lp.set_basis(self._basis)

    @property
    def _loss(self) -> int:
        """Place of the column t."""
        return len(self.problem.options)

    def _costs(self, level: Level) -> Floats:
        cost = np.zeros(len(self._upper))
        cost[: self._loss] = self._yearly[level]
        return cost

    def _bounded(self, bound: float) -> Floats:
        upper = self._upper.copy()
        upper[self._loss] = max(bound, self.least + CLOSE)
        return upper

    def _column_bounds(self) -> Floats:
        most = [option.max_units for option in self.problem.options]
        cases = [self._case_bounds(cut) for cut in self.closures]
        return np.concatenate([most, [np.inf], *cases])

    def _case_bounds(self, cut: Closure) -> Floats:
        """Flows of own goods on open edges; supply and demand that are left."""
        numbers, layout, limits = self._network.arrays, self._layout, cut.limits
        own = self._own_commodities()
        upper = np.zeros(layout.matrix.shape[1])
        usable = limits.edge_open[layout.flow_edge] & own[layout.flow_commodity]
        upper[: layout.flow_count] = np.where(usable, np.inf, 0.0)
        upper[layout.supply_columns] = np.where(own[numbers.supply_commodity], limits.supply, 0.0)
        upper[layout.kept_columns] = np.where(own[numbers.demand_commodity], limits.demand, 0.0)
        upper[layout.flow_count :] /= layout.quantity_unit
        return upper

    def _own_commodities(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.isin(np.array(self._network.commodities), np.array(self.problem.own))

    def _programme(self) -> LinearProgramme:
        layout, cases, options = self._layout, len(self.closures), self._loss
        rows, columns = layout.matrix.shape
        worth = csc_array(-layout.cost[None, :] * (layout.quantity_unit * layout.money_unit / self.base))
        block = vstack([layout.matrix, worth])
        added = self._additions(layout)
        blocks = []
        for case in range(cases):
            parts = [added]
            if case:
                parts.append(csc_array((rows + 1, case * columns)))
            parts.append(block)
            if case < cases - 1:
                parts.append(csc_array((rows + 1, (cases - 1 - case) * columns)))
            blocks.append(hstack(parts))
        row_lower, row_upper = self._row_bounds(layout)
        self._row_lower = np.concatenate([row_lower] * cases)
        self._row_upper = np.concatenate([row_upper] * cases)
        return LinearProgramme(
            "the autonomy frontier",
            np.zeros(options + 1 + cases * columns),
            np.zeros(options + 1 + cases * columns),
            self._upper,
            self._row_lower,
            self._row_upper,
            csc_array(vstack(blocks)),
        )

    def _additions(self, layout: Layout) -> csc_array:
        """Columns of the units and of t in the rows of one coalition."""
        rows = layout.matrix.shape[0]
        added = np.zeros((rows + 1, self._loss + 1))
        for place, option in enumerate(self.problem.options):
            for edge in option.edges:
                row = layout.capacity_row[self._network.edge_index[edge]]
                if row >= 0:
                    added[row, place] -= option.adds / layout.quantity_unit
        added[rows, self._loss] = 1.0
        return csc_array(added)

    def _row_bounds(self, layout: Layout) -> tuple[Floats, Floats]:
        rows, balances = layout.matrix.shape[0], layout.balance_count
        lower, upper = np.zeros(rows + 1), np.zeros(rows + 1)
        lower[balances:rows] = -np.inf
        upper[:rows] = layout.row_upper(self._network.arrays)
        lower[rows], upper[rows] = 1.0, np.inf
        return lower, upper

    @property
    def _value_rows(self) -> Sequence[int]:
        rows = self._layout.matrix.shape[0]
        return [case * (rows + 1) + rows for case in range(len(self.closures))]


def own_value(result: FlowResult, own: Sequence[str]) -> float:
    """What the focal state's own goods earn: price of what is delivered less transport and supply cost."""
    rows = result.by_commodity.filter(result.by_commodity["commodity"].is_in(list(own)))
    return float(rows["value"].sum())
