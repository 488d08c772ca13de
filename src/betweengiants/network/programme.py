"""Solving the programme of a network, as it stands and with parts of it closed.

The programme is built once; a closure changes bounds only, and every solve starts from the basis of the whole network,
so that a result depends on the network and on what is closed, never on what was asked before.
"""

from __future__ import annotations

import numpy as np

from betweengiants.core.errors import NotConverged
from betweengiants.network.highs import Basis, LinearProgramme, Solution
from betweengiants.network.layout import build
from betweengiants.network.model import Flags, Floats, Ints, Limits, Network
from betweengiants.network.results import FlowArrays, FlowResult, flow_result, summed

# Simplex vertices meet their rows to about 1e-12; below this a number inside the programme is rounding.
ROUNDING = 1e-11
RESIDUAL = 1e-9  # promised to users: balances and capacities, relative to the largest throughput
PRICED = 1e-9  # a dual below this is zero
LEAN = 1e-6  # of the largest price (one unit of money inside the programme)
STEP = 1e-7  # for one-sided derivatives: well above the solver's feasibility (1e-10), well below any real capacity


class Programme:
    """The linear programme of one network; keep it to ask for many closures, one object for each thread.

    Attributes:
        network: the network it was built from.
        layout: its columns and rows.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.layout = build(network.arrays)
        layout = self.layout
        lower, upper = self._columns(network.everything, None)
        row_lower = np.zeros(layout.matrix.shape[0])
        row_lower[layout.balance_count :] = -np.inf
        row_upper = layout.row_upper(network.arrays)
        self._row_upper, self._sizes = row_upper, abs(layout.matrix)
        self._lp = LinearProgramme(
            "the network programme", layout.cost, lower, upper, row_lower, row_upper, layout.matrix
        )
        self._lp.prepare()
        self._lp.solve()
        self._basis = self._lp.basis()

    def solve(
        self, limits: Limits | None = None, *, near: FlowArrays | None = None, prices: bool = True
    ) -> FlowResult:
        """Flows of the highest value.

        Among results of equal value the one is taken that delivers most, or, if `near` is given, that keeps most of
        what is delivered there.

        Args:
            limits: what is open (default: everything).
            near: flows of another solve of this programme.
            prices: also find the shadow prices (else they are null).

        Raises:
            Infeasible: the solver ended without an optimum.
            NotConverged: the solution does not meet its balances or capacities to 1e-9.
        """
        limits = limits or self.network.everything
        best, lower, upper = self._best(limits, near)
        priced = self._capacity_prices(best, lower, upper) if prices else None
        arrays = self._arrays(self._settle_ties(best, lower, upper), upper)
        return flow_result(self.network, self.layout, limits, arrays, priced)

    def optimum(self, limits: Limits, *, near: FlowArrays | None = None) -> FlowArrays:
        """The same flows as `solve`, as numbers only: for sweeps over many closures."""
        best, lower, upper = self._best(limits, near)
        return self._arrays(self._settle_ties(best, lower, upper), upper)

    def leaning(
        self, limits: Limits, *, near: FlowArrays | None = None, start: Basis | None = None
    ) -> tuple[FlowArrays, Basis]:
        """As `optimum`, in one solve: a millionth of the largest price is what keeping a delivery is worth.

        For draws, where results of nearly equal value may count as equal.

        Args:
            limits: what is open.
            near: flows whose deliveries are kept where that costs no more.
            start: basis to start from (default: that of the whole network).

        Returns:
            The flows, and the basis at which they were found.
        """
        lower, upper = self._columns(limits, near)
        cost = self.layout.cost.copy()
        cost[self.layout.kept_columns] -= LEAN
        self._lp.set_costs(cost)
        self._lp.set_columns(lower, upper)
        self._lp.set_basis(self._basis if start is None else start)
        found = self._lp.solve()
        return self._arrays(found.x, upper), self._lp.basis()

    def set_capacity(self, capacity: Floats) -> None:
        """Put other capacities in the place of the network's own, for all that is solved from now on.

        Args:
            capacity: (E,) in the units of the edges' own capacities, not negative. An edge without a limit keeps none.
        """
        rows = self.layout.capacity_row[self.layout.capacity_row >= 0]
        self._row_upper[rows] = capacity[self.layout.capacity_row >= 0] / self.layout.quantity_unit
        self._lp.set_rows(rows, np.full(len(rows), -np.inf), self._row_upper[rows])

    def _best(self, limits: Limits, near: FlowArrays | None) -> tuple[Solution, Floats, Floats]:
        lower, upper = self._columns(limits, near)
        self._lp.set_costs(self.layout.cost)
        self._lp.set_columns(lower, upper)
        self._lp.set_basis(self._basis)
        return self._lp.solve(), lower, upper

    def avoiding(self, limits: Limits, present: FlowArrays) -> Floats:
        """Most that the present flow delivers without touching what `limits` closes.

        Args:
            limits: what stays open.
            present: flows of another solve of this programme; no flow may exceed them anywhere, in any direction.

        Returns:
            (K,) quantity delivered of each commodity.
        """
        numbers = self.network.arrays
        delivered = self.avoiding_rows(limits, present, np.ones(len(numbers.demand_node), bool))
        return summed(numbers.demand_commodity, delivered, numbers.commodity_count)

    def avoiding_rows(self, limits: Limits, present: FlowArrays, rows: Flags) -> Floats:
        """The same for some rows of demand: (D,) deliveries that make their sum as large as it can be.

        Args:
            limits: as in `avoiding`.
            present: as in `avoiding`.
            rows: (D,) which deliveries count.
        """
        layout, unit = self.layout, self.layout.quantity_unit
        upper = np.zeros(layout.matrix.shape[1])
        flows = np.where(limits.edge_open[layout.flow_edge], present.flow, 0.0)
        upper[: layout.flow_count] = flows / unit
        upper[layout.supply_columns] = np.minimum(present.supply, limits.supply) / unit
        upper[layout.kept_columns] = np.minimum(present.demand, limits.demand) / unit
        cost = np.zeros(len(upper))
        cost[layout.kept_columns] = np.where(rows, -1.0, 0.0)
        self._lp.set_costs(cost)
        self._lp.set_columns(np.zeros(len(upper)), upper)
        self._lp.set_basis(self._basis)
        return _clean(self._lp.solve().x, upper)[layout.kept_columns] * unit

    def _columns(self, limits: Limits, near: FlowArrays | None) -> tuple[Floats, Floats]:
        layout = self.layout
        upper = np.zeros(layout.matrix.shape[1])
        upper[: layout.flow_count] = np.where(limits.edge_open[layout.flow_edge], np.inf, 0.0)
        upper[layout.supply_columns] = limits.supply
        kept = limits.demand if near is None else np.minimum(limits.demand, near.demand)
        upper[layout.kept_columns] = kept
        upper[layout.new_columns] = limits.demand - kept
        return np.zeros(len(upper)), upper / layout.quantity_unit

    def _settle_ties(self, best: Solution, lower: Floats, upper: Floats) -> Floats:
        """Move over the set of optimal solutions to the one that keeps most.

        By complementary slackness that set is: columns with a reduced cost stay at their bound, rows with a price stay
        tight (Bertsimas & Tsitsiklis 1997, section 4.3).
        """
        layout = self.layout
        kept = best.x[layout.kept_columns]
        if (kept >= upper[layout.kept_columns] - ROUNDING).all():
            return best.x
        fixed = np.abs(best.reduced_cost) > PRICED
        tight = layout.balance_count + np.flatnonzero(np.abs(best.dual[layout.balance_count :]) > PRICED)
        wish = np.zeros(len(upper))
        wish[layout.kept_columns] = -1.0
        self._lp.set_columns(np.where(fixed, best.x, lower), np.where(fixed, best.x, upper))
        self._lp.set_rows(tight, self._row_upper[tight], self._row_upper[tight])
        self._lp.set_costs(wish)
        try:
            x = self._lp.solve().x
        finally:
            self._lp.set_rows(tight, np.full(len(tight), -np.inf), self._row_upper[tight])
            self._lp.set_costs(layout.cost)
            self._lp.set_columns(lower, upper)
        worse = float(layout.cost @ x) - best.objective
        return best.x if worse > ROUNDING * max(1.0, abs(best.objective)) else x

    def _capacity_prices(self, best: Solution, lower: Floats, upper: Floats) -> Floats:
        """(E,) value of one more unit of each capacity, from above: the smallest of the duals that would do.

        Where several sets of duals are optimal (a supply and a pipe that are used up together), the dual that the
        solver happens to hold may promise a gain that an added unit would not bring. A dual is kept where the basis
        survives a small step; elsewhere the programme is solved once more with a slightly larger capacity.
        """
        layout = self.layout
        prices = np.zeros(len(layout.capacity_row))
        priced = [
            edge
            for edge in np.flatnonzero(layout.capacity_row >= 0).tolist()
            if -best.dual[layout.capacity_row[edge]] > PRICED
        ]
        if not priced:
            return prices
        basis = self._lp.basis()
        places, columns = self._lp.basic_columns()
        doubtful = []
        for edge in priced:
            row = int(layout.capacity_row[edge])
            prices[edge] = -best.dual[row]
            if not self._survives(row, best, lower, upper, places, columns):
                doubtful.append(edge)
        for edge in doubtful:
            prices[edge] = self._price_after_step(int(layout.capacity_row[edge]), basis)
        self._lp.set_basis(basis)
        return prices * layout.money_unit

    def _survives(
        self, row: int, best: Solution, lower: Floats, upper: Floats, places: Ints, columns: Ints
    ) -> bool:
        """Whether the basis stays feasible when a binding capacity grows a little."""
        rates, row_rates = self._lp.move(row, places, columns)
        up, down = rates > ROUNDING, rates < -ROUNDING
        if (best.x[up] + STEP * rates[up] > upper[up]).any() or (
            best.x[down] + STEP * rates[down] < lower[down]
        ).any():
            return False
        # The slack of a balance may sit in the basis at zero: it must stay there.
        if (np.abs(row_rates[: self.layout.balance_count]) > ROUNDING).any():
            return False
        capacity = slice(self.layout.balance_count, None)
        growth = row_rates[capacity].copy()
        growth[row - self.layout.balance_count] -= 1.0
        used = best.activity[capacity] + STEP * growth
        return bool((used[growth > ROUNDING] <= self._row_upper[capacity][growth > ROUNDING]).all())

    def _price_after_step(self, row: int, basis: Basis) -> float:
        at = np.array([row])
        self._lp.set_rows(at, np.full(1, -np.inf), self._row_upper[at] + STEP)
        self._lp.set_basis(basis)
        try:
            return max(0.0, -float(self._lp.solve().dual[row]))
        finally:
            self._lp.set_rows(at, np.full(1, -np.inf), self._row_upper[at])

    def _arrays(self, x: Floats, upper: Floats) -> FlowArrays:
        layout, numbers = self.layout, self.network.arrays
        x = _clean(x, upper)
        residual = self._checked(x)
        x = x * layout.quantity_unit
        flow, supply = x[: layout.flow_count], x[layout.supply_columns]
        demand = x[layout.kept_columns] + x[layout.new_columns]
        return FlowArrays(
            flow,
            supply,
            demand,
            gross_value=float(numbers.demand_price @ demand),
            transport_cost=float(layout.flow_cost @ flow),
            supply_cost=float(numbers.supply_cost @ supply),
            residual=residual,
        )

    def _checked(self, x: Floats) -> float:
        """The largest miss of a balance or capacity, relative to the largest throughput of a node."""
        layout = self.layout
        activity = layout.matrix @ x
        through = float(np.max((self._sizes @ x)[: layout.balance_count], initial=0.0)) / 2
        missed = float(np.abs(activity[: layout.balance_count]).max(initial=0.0))
        over = float((activity - self._row_upper)[layout.balance_count :].max(initial=0.0))
        residual = max(missed, over) / through if through > 0 else 0.0
        if residual > RESIDUAL:
            raise NotConverged(
                "the network programme (balances)", residual=residual, iterations=1, tolerance=RESIDUAL
            )
        return residual


def _clean(x: Floats, upper: Floats) -> Floats:
    """Put numbers within rounding of a bound onto it."""
    x = np.where(np.abs(x) < ROUNDING, 0.0, x)
    finite = np.isfinite(upper)
    near = finite & (np.abs(x - np.where(finite, upper, 0.0)) < ROUNDING)
    return np.where(near, upper, x)


def solve(network: Network, limits: Limits | None = None) -> FlowResult:
    """Flows of the highest value in a network (one solve; use `Programme` for several)."""
    return Programme(network).solve(limits)
