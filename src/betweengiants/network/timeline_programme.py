"""The programme of a network over several periods: one block of the steady programme for each, tied by what lasts.

Beside the symbols of `layout`: p period of length h_p with middle m_p, u store, L its level, y what a supply produces and
w what of it is wasted, b late deliveries, B what buyers still wait for. Flows, in, out, y, w, d, b are rates.

    maximise    sum_p h_p (value of the flows - cost_u in_pu - cost_r w_pr + price_r b_pr) + sum_u worth_u L_u(last p)
    subject to  balances, capacities and limits of `layout` in every period, with out - in at the store's node
                L_pu = L_(p-1)u + h_p (in_pu - out_pu),   0 <= L <= capacity_u
                y_pr = s_pr + w_pr,   least_pr <= y_pr <= most_pr
                -quantity_r / turndown_r <= (y_pr - y_(p-1)r) / (m_p - m_(p-1)) <= quantity_r / restart_r
                B_pr = B_(p-1)r + h_p (usual_r - d_pr - b_pr) >= 0

Among plans of equal value the one is taken that delivers most of what is usual, the sooner the better, and that moves
least through stores and wastes least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, hstack

from betweengiants.core.errors import NotConverged
from betweengiants.network.highs import LinearProgramme, Solution
from betweengiants.network.layout import Layout, build
from betweengiants.network.model import Floats, Network, NetworkArrays
from betweengiants.network.programme import PRICED, RESIDUAL, ROUNDING, STEP
from betweengiants.network.results import FlowArrays
from betweengiants.network.timeline_bounds import Bounds, Calendar
from betweengiants.network.timeline_layout import balance_rows, over_time
from betweengiants.network.timeline_tables import DAYS_IN_YEAR, Ramps, Stores

# Between plans of equal value: a unit stored or wasted counts as so much of a unit delivered, and a unit delivered in
# the first period counts so much more than one in the last.
IDLE, PROMPT = 0.01, 0.5
LARGE = 50_000  # columns; periods hang on each other by few rows, which suits the simplex method longer
NAME = "the network programme over time"


@dataclass(frozen=True, slots=True, eq=False)
class TimeArrays:
    """A plan as numbers, in the network's own units a year; levels are quantities.

    Attributes:
        flow: (P, F); supply: (P, S) what is sold; wasted: (P, S); demand: (P, D) late deliveries among them.
        put_in, taken_out, level: (P, M), the level at the end of the period.
        residual: largest miss of a row, relative to the largest throughput of a node.
    """

    flow: Floats
    supply: Floats
    wasted: Floats
    demand: Floats
    put_in: Floats
    taken_out: Floats
    level: Floats
    residual: float


class TimeProgramme:
    """The programme of one network over one calendar; limits may change between solves, each starts where the last ended.

    Attributes:
        layout: columns and rows of one period; every edge with a ramp has a row of its own.
        ramped: (Q,) supplies whose production is a column.
    """

    def __init__(
        self,
        network: Network,
        calendar: Calendar,
        stores: Stores,
        ramps: Ramps,
        usual: FlowArrays,
        worth: Floats,
        *,
        backlog: bool,
    ) -> None:
        """Lay the programme out.

        Args:
            network: the network.
            calendar: P periods.
            stores: M stores, each where something passes.
            ramps: how fast supplies change (how fast edges do stands in the limits of a solve).
            usual: flows of today.
            worth: (M,) value of a unit that is left in a store at the end.
            backlog: whether anything can be delivered late.
        """
        numbers = network.arrays
        slow = (ramps.notice > 0) | (ramps.ramp > 0) | (ramps.reopen > 0) | np.isfinite(ramps.fleet)
        # Any finite capacity gives the edge a row; its bound is set for every period.
        self.layout = build(replace(numbers, capacity=np.where(slow, 0.0, numbers.capacity)))
        self.ramped = np.flatnonzero((ramps.restart > 0) | (ramps.turndown > 0) | (ramps.least > 0))
        self._numbers, self._stores, self._usual, self._backlog = numbers, stores, usual, backlog
        unit_days = float(calendar.length.max())
        self._weight = calendar.length / unit_days
        self._level_unit = self.layout.quantity_unit * unit_days / DAYS_IN_YEAR
        self._at = over_time(numbers, self.layout, stores, self.ramped, self._weight, backlog=backlog)
        self._row_lower, self._row_upper = self._rows(calendar, ramps)
        self._cost = self._costs(worth)
        self._lp: LinearProgramme | None = None

    def solve(self, seen: Bounds, *, held: Floats | None = None, count: int = 0) -> Floats:
        """(P, C) the best plan within these limits, in the programme's own units (see `arrays`).

        Args:
            seen: limits of every period.
            held: a plan of an earlier solve; its first `count` periods stay as they are.
            count: how many.

        Raises:
            Infeasible: the solver ended without an optimum.
        """
        lower, upper = self._columns(seen)
        if held is not None:
            lower[:count] = upper[:count] = held[:count]
        self._limit_edges(seen)
        columns, rows = (lower.ravel(), upper.ravel()), (self._row_lower.ravel(), self._row_upper.ravel())
        if self._lp is None:
            self._lp = LinearProgramme(NAME, self._cost.ravel(), *columns, *rows, self._at.matrix)
        else:
            self._lp.set_columns(*columns)
            self._lp.set_rows(np.arange(len(rows[0])), *rows)
        self._lp.prepare(LARGE)
        return self._settled(self._lp, self._lp.solve(), *columns).reshape(lower.shape)

    def production(self, plan: Floats) -> Floats:
        """(P, S) what is produced under a plan, sold or wasted, in the network's own units a year."""
        made = plan[:, self.layout.supply_columns].copy()
        made[:, self.ramped] = plan[:, self._at.produced]
        return made * self.layout.quantity_unit

    def arrays(self, plan: Floats) -> TimeArrays:
        """A plan in the network's own units.

        Raises:
            NotConverged: it does not meet its rows to 1e-9 of the largest throughput.
        """
        layout, at = self.layout, self._at
        residual = self._residual(plan)
        x = np.where(plan < ROUNDING, 0.0, plan)
        rates = x * layout.quantity_unit
        demand = rates[:, layout.kept_columns] + rates[:, layout.new_columns]
        if self._backlog:
            demand = demand + rates[:, at.late]
        wasted = np.zeros((len(x), layout.supply_count))
        wasted[:, self.ramped] = rates[:, at.wasted]
        return TimeArrays(
            rates[:, : layout.flow_count],
            rates[:, layout.supply_columns],
            wasted,
            demand,
            rates[:, at.put_in],
            rates[:, at.taken_out],
            np.minimum(x[:, at.level] * self._level_unit, self._stores.capacity),
            residual,
        )

    def _buyers(self, of_demands: Floats) -> Floats:
        """What belongs to the columns of late deliveries: one for each demand, or none at all."""
        return of_demands if self._backlog else of_demands[..., :0]

    def _rows(self, calendar: Calendar, ramps: Ramps) -> tuple[Floats, Floats]:
        """(P, R) bounds of the rows; those of edges are set for every solve."""
        layout, numbers, at, unit = self.layout, self._numbers, self._at, self.layout.quantity_unit
        lower = np.zeros((len(self._weight), at.height))
        upper = np.zeros_like(lower)
        lower[:, layout.balance_count : layout.matrix.shape[0]] = -np.inf
        limited = layout.node_row >= 0
        upper[:, layout.node_row[limited]] = numbers.node_capacity[limited] / unit
        for side in (lower, upper):
            side[0, at.level_rows] = self._stores.initial / self._level_unit
            side[:, at.waiting_rows] = self._weight[:, None] * self._buyers(self._usual.demand / unit)
        apart = np.diff(calendar.middle)[:, None]
        full = numbers.supply_quantity[self.ramped] / unit
        for side, days, sign in ((lower, ramps.turndown, -1.0), (upper, ramps.restart, 1.0)):
            pace = days[self.ramped]
            with np.errstate(divide="ignore", invalid="ignore"):
                side[1:, at.change_rows] = sign * np.where(pace > 0, full * apart / pace, np.inf)
            side[0, at.change_rows] = sign * np.inf  # the limits of the first period know where it starts
        return lower, upper

    def _limit_edges(self, seen: Bounds) -> None:
        bounded = np.flatnonzero(self.layout.capacity_row >= 0)
        self._row_upper[:, self.layout.capacity_row[bounded]] = (
            seen.edge[:, bounded] / self.layout.quantity_unit
        )

    def _columns(self, seen: Bounds) -> tuple[Floats, Floats]:
        """(P, C) bounds of the columns."""
        layout, at, unit = self.layout, self._at, self.layout.quantity_unit
        lower = np.zeros((len(self._weight), at.width))
        upper = np.full_like(lower, np.inf)
        upper[:, : layout.flow_count] = np.where(seen.edge_open[:, layout.flow_edge], np.inf, 0.0)
        upper[:, layout.supply_columns] = seen.most / unit
        kept = np.minimum(seen.demand, self._usual.demand)
        upper[:, layout.kept_columns] = kept / unit
        upper[:, layout.new_columns] = (seen.demand - kept) / unit
        upper[:, at.put_in] = self._stores.max_in / unit
        upper[:, at.taken_out] = self._stores.max_out / unit
        upper[:, at.level] = self._stores.capacity / self._level_unit
        lower[:, at.produced] = seen.least[:, self.ramped] / unit
        upper[:, at.produced] = seen.most[:, self.ramped] / unit
        upper[:, at.late] = self._buyers(seen.late) / unit
        return lower, upper

    def _costs(self, worth: Floats) -> Floats:
        """(P, C) money for a unit at the rate of a period."""
        numbers, at, money = self._numbers, self._at, self.layout.money_unit
        once = np.zeros(at.width)
        once[: len(self.layout.cost)] = self.layout.cost
        once[at.put_in] = self._stores.cost / money
        once[at.wasted] = numbers.supply_cost[self.ramped] / money
        once[at.late] = -self._buyers(numbers.demand_price) / money
        cost = self._weight[:, None] * once
        cost[-1, at.level] = -worth / money
        return cost

    def _wishes(self) -> Floats:
        """(P, C) what decides between plans of equal value, to be minimised."""
        at, layout = self._at, self.layout
        soon = 1.0 + PROMPT * np.linspace(1.0, 0.0, len(self._weight))
        wish = np.zeros((len(self._weight), at.width))
        wish[:, layout.kept_columns] = wish[:, at.late] = -(self._weight * soon)[:, None]
        for idle in (at.put_in, at.taken_out, at.wasted):
            wish[:, idle] = IDLE * self._weight[:, None]
        return wish

    def _settled(self, lp: LinearProgramme, best: Solution, lower: Floats, upper: Floats) -> Floats:
        """Move over the set of optimal plans to the one that the wishes prefer (as `Programme` does for one period)."""
        row_lower, row_upper = self._row_lower.ravel(), self._row_upper.ravel()
        fixed = np.abs(best.reduced_cost) > PRICED
        tight = np.flatnonzero((np.abs(best.dual) > PRICED) & (row_lower < row_upper))
        at_upper = best.activity[tight] - row_lower[tight] > row_upper[tight] - best.activity[tight]
        held = np.where(at_upper, row_upper[tight], row_lower[tight])
        lp.set_columns(np.where(fixed, best.x, lower), np.where(fixed, best.x, upper))
        lp.set_rows(tight, held, held)
        lp.set_costs(self._wishes().ravel())
        try:
            x = lp.solve().x
        finally:
            lp.set_rows(tight, row_lower[tight], row_upper[tight])
            lp.set_costs(self._cost.ravel())
            lp.set_columns(lower, upper)
        worse = float(self._cost.ravel() @ x) - best.objective
        return best.x if worse > ROUNDING * max(1.0, abs(best.objective)) else x

    def _residual(self, plan: Floats) -> float:
        """The largest miss of a row, relative to the largest throughput of a node in a period."""
        activity = (self._at.matrix @ plan.ravel()).reshape(self._row_lower.shape)
        sizes = (abs(self._at.matrix) @ np.abs(plan.ravel())).reshape(self._row_lower.shape)
        through = float(sizes[:, : self.layout.balance_count].max(initial=0.0)) / 2
        missed = max(
            float((self._row_lower - activity).max(initial=0.0)),
            float((activity - self._row_upper).max(initial=0.0)),
        )
        residual = missed / through if through > 0 else 0.0
        if residual > RESIDUAL:
            raise NotConverged(NAME, residual=residual, iterations=1, tolerance=RESIDUAL)
        return residual


def stock_worth(numbers: NetworkArrays, layout: Layout, stores: Stores) -> Floats:
    """(M,) what one more unit in each store is worth in a steady year, in money.

    The duals of the balances where every store offers a little for nothing: the smallest that are consistent with each
    other, so that a plan without a closure gains nothing by filling or emptying stores.
    """
    columns = layout.matrix.shape[1]
    offers = np.arange(len(stores.node))
    row = balance_rows(numbers, layout, stores.node, stores.commodity)
    shape = (layout.matrix.shape[0], len(offers))
    matrix = hstack([layout.matrix, csc_array((np.ones(len(offers)), (row, offers)), shape=shape)]).tocsc()
    upper = np.full(columns + len(offers), np.inf)
    upper[layout.supply_columns] = numbers.supply_quantity / layout.quantity_unit
    upper[layout.kept_columns] = numbers.demand_quantity / layout.quantity_unit
    upper[layout.new_columns] = 0.0
    upper[columns:] = STEP
    row_lower = np.zeros(shape[0])
    row_lower[layout.balance_count :] = -np.inf
    cost = np.concatenate([layout.cost, np.zeros(len(offers))])
    lp = LinearProgramme(
        NAME, cost, np.zeros(len(upper)), upper, row_lower, layout.row_upper(numbers), matrix
    )
    lp.prepare()
    return np.maximum(lp.solve().dual[row], 0.0) * layout.money_unit
