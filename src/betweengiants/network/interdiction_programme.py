"""The mixed-integer programme of the most damaging closure (Wood 1993; Israeli & Wood 2002).

The flow programme is  min c'z, balances A_b z = 0, limits A_u z <= u, 0 <= z <= s.  Closing edges x (0 or 1) charges every
unit of a flow j on edge e a fee M_j x_e that no unit can earn, so the value that is left is, by duality,

    V(x) = min  u'y_u + s'q   such that  A'y + q + M x >= -c,   y_u, q >= 0,  y_b free

and `min V(x), sum x <= K` is one minimisation over x and the duals. Deliveries are what the value-maximising flow brings,
not an optimum of their own: there the flow z is added, with  A_b z = 0, A_u z <= u, z_j <= U_j (1 - x_e)  and
`-c'z >= u'y_u + s'q`, which by weak duality holds for best flows alone; of several best flows it takes the one that
delivers least, a bound from below on what the flow programme (which then delivers most) reports.

**How large M must be.** A unit that enters edge e belongs to a walk from a supply to a demand. Taking the walk out leaves a
flow that is possible with e closed, and other goods only gain room. So M_j may be what the best such walk earns, capacities
aside: (1 - loss) H_to - cost - L_from, with H the most that a unit at a node can still earn and L the least that it takes
to bring one there. Both are linear programmes, exact with losses and costs of either sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array, eye_array, hstack, vstack

from betweengiants.core.errors import DataError, Infeasible
from betweengiants.network.highs import LinearProgramme, Status
from betweengiants.network.mixed_integer import MixedIntegerProgramme
from betweengiants.network.model import Flags, Floats
from betweengiants.network.programme import Programme

CHOSEN = 0.5


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the programme found.

    Attributes:
        edges: places of the edges to close, sorted; None if no set is left or none was found in time.
        bound: no set that is left does better: value or quantity that stays, or number of edges.
        status: optimal, infeasible (no set is left), or limit reached.
    """

    edges: tuple[int, ...] | None
    bound: float
    status: Status


class InterdictionProgramme:
    """Sets of edges to close, the worst first; sets once found are ruled out by a row each.

    Args:
        flow: the flow programme.
        counted: (D,) which deliveries count; None counts the value.
        budget: close at most so many edges, so that as little as possible is left; or, if it is None,
        target: leave no more than this (value or quantity), and close as few edges as possible,
        fewest: but at least so many.

    Raises:
        DataError: edges of negative cost beside losses, for which no fee M exists.
    """

    def __init__(
        self,
        flow: Programme,
        counted: Flags | None,
        *,
        budget: int | None = None,
        target: float = 0.0,
        fewest: int = 0,
    ) -> None:
        layout = flow.layout
        parts = _duality(flow, passing_gains(flow) / layout.money_unit, ties=counted is not None)
        self._unit = layout.quantity_unit * layout.money_unit
        if counted is not None:
            parts = _with_flows(flow, parts, counted)
            self._unit = layout.quantity_unit
        self._first, self._edges = parts.first_edge, len(flow.network.arrays.capacity)
        self._counts_edges = budget is None
        whole = np.zeros(len(parts.measure), bool)
        whole[self._first : self._first + self._edges] = True
        size = whole.astype(float)
        if budget is None:
            objective, limited, most = size, parts.measure, target / self._unit
        else:
            objective, limited, most = parts.measure, size, float(budget)
        self._mip = MixedIntegerProgramme(
            "the interdiction programme",
            objective,
            parts.lower,
            parts.upper,
            np.concatenate([parts.row_lower, [-np.inf, float(fewest)]]),
            np.concatenate([parts.row_upper, [most, np.inf]]),
            csc_array(vstack([parts.table, csr_array(limited[None, :]), csr_array(size[None, :])])),
            whole=whole,
        )

    def proposal(self, seconds: float) -> Proposal:
        """The worst set that is not ruled out, found within so many seconds or not proved to be it."""
        answer = self._mip.answer(seconds)
        bound = answer.bound if self._counts_edges else answer.bound * self._unit
        if answer.x is None:
            return Proposal(None, bound, answer.status)
        closed = answer.x[self._first : self._first + self._edges] > CHOSEN
        return Proposal(tuple(np.flatnonzero(closed).tolist()), bound, answer.status)

    def rule_out_supersets(self, edges: Sequence[int]) -> None:
        """No more sets that hold all these edges."""
        self._mip.add_row([self._first + edge for edge in edges], [1.0] * len(edges), -np.inf, len(edges) - 1)

    def rule_out_without(self, edges: Sequence[int], used: Sequence[int]) -> None:
        """No more sets that hold all these edges and none of those that the flow which they leave uses.

        Such a set leaves that flow possible, and so as good as it was.
        """
        columns = [self._first + edge for edge in (*edges, *used)]
        self._mip.add_row(columns, [-1.0] * len(edges) + [1.0] * len(used), 1.0 - len(edges), np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A programme in the making: columns are the duals, x from `first_edge` on, and flows where they are asked for."""

    table: csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    measure: Floats
    first_edge: int


def _flow_matrix(flow: Programme) -> tuple[csr_array, Floats, Floats]:
    """Matrix, costs and volumes (bounds of supplies and demands) with one column for each demand."""
    layout, numbers = flow.layout, flow.network.arrays
    columns = layout.flow_count + layout.supply_count + layout.demand_count
    volumes = np.concatenate([numbers.supply_quantity, numbers.demand_quantity]) / layout.quantity_unit
    return csr_array(layout.matrix)[:, :columns], layout.cost[:columns], volumes


def _duality(flow: Programme, fee: Floats, *, ties: bool) -> _Parts:
    """Dual rows of the flow programme with fees on closed edges.

    Args:
        flow: the flow programme.
        fee: (F,) M.
        ties: edges that only lead to other flows of the same value may be closed too.
    """
    layout, numbers = flow.layout, flow.network.arrays
    matrix, cost, volumes = _flow_matrix(flow)
    (rows, columns), flows = matrix.shape, layout.flow_count
    duals, edges = rows + len(volumes), len(numbers.capacity)
    useful = np.zeros(edges, bool)
    useful[layout.flow_edge if ties else layout.flow_edge[fee > 0]] = True
    table = hstack(
        [
            matrix.T,
            vstack([csr_array((flows, len(volumes))), eye_array(len(volumes))]),
            csr_array((fee, (np.arange(flows), layout.flow_edge)), shape=(columns, edges)),
        ]
    )
    free = layout.balance_count
    return _Parts(
        table=csr_array(table),
        row_lower=-cost,
        row_upper=np.full(columns, np.inf),
        lower=np.concatenate([np.full(free, -np.inf), np.zeros(duals - free + edges)]),
        upper=np.concatenate([np.full(duals, np.inf), (useful & (numbers.capacity > 0)).astype(float)]),
        measure=np.concatenate([layout.row_upper(numbers), volumes, np.zeros(edges)]),
        first_edge=duals,
    )


def _with_flows(flow: Programme, parts: _Parts, counted: Flags) -> _Parts:
    """The flows themselves, held to the best value by `parts`; the measure becomes what they deliver."""
    layout, numbers = flow.layout, flow.network.arrays
    matrix, cost, volumes = _flow_matrix(flow)
    (rows, columns), flows = matrix.shape, layout.flow_count
    limits, most = layout.row_upper(numbers), _most_flow(flow)
    before = len(parts.measure)
    fee_place = parts.first_edge + layout.flow_edge
    closing = csr_array((most, (np.arange(flows), fee_place)), shape=(flows, before))
    carried = hstack([eye_array(flows), csr_array((flows, columns - flows))])
    table = vstack(
        [
            hstack([parts.table, csr_array((parts.table.shape[0], columns))]),
            hstack([csr_array((rows, before)), matrix]),
            hstack([closing, carried]),
            csr_array(np.concatenate([parts.measure, cost])[None, :]),  # the best value
        ]
    )
    floor = np.where(np.arange(rows) < layout.balance_count, 0.0, -np.inf)
    deliveries = np.concatenate([np.zeros(columns - layout.demand_count), counted.astype(float)])
    return _Parts(
        table=csr_array(table),
        row_lower=np.concatenate([parts.row_lower, floor, np.full(flows + 1, -np.inf)]),
        row_upper=np.concatenate([parts.row_upper, limits, most, [0.0]]),
        lower=np.concatenate([parts.lower, np.zeros(columns)]),
        upper=np.concatenate([parts.upper, most, volumes]),
        measure=np.concatenate([np.zeros(before), deliveries]),
        first_edge=parts.first_edge,
    )


def _most_flow(flow: Programme) -> Floats:
    """(F,) U: some best flow carries no more, in any closure.

    Loops on which nothing is earned can be taken out; then no edge carries more than all that is supplied. Where a
    negative cost makes goods go round loops with losses, at most what is supplied is lost there.
    """
    layout, numbers = flow.layout, flow.network.arrays
    supplied = np.bincount(
        numbers.supply_commodity, weights=numbers.supply_quantity, minlength=numbers.commodity_count
    )
    rounds = 1.0
    if (numbers.cost < 0).any() and (numbers.loss > 0).any():
        rounds += 1.0 / float(numbers.loss[numbers.loss > 0].min())
    room = numbers.capacity[layout.flow_edge] / layout.flow_weight
    most: Floats = np.minimum(rounds * supplied[layout.flow_commodity], room) / layout.quantity_unit
    return most


def passing_gains(flow: Programme) -> Floats:
    """(F,) M: most that one unit can earn which enters an edge, capacities aside (money per unit, at least 0).

    Raises:
        DataError: edges of negative cost beside losses on which a unit that goes round for ever costs less and less.
    """
    layout, numbers = flow.layout, flow.network.arrays
    usable = np.flatnonzero(numbers.capacity[layout.flow_edge] > 0)
    count, steps = numbers.commodity_count, len(usable)
    commodity, cells = layout.flow_commodity[usable], numbers.node_count * count
    tail = layout.from_node(numbers)[usable] * count + commodity
    head = layout.to_node(numbers)[usable] * count + commodity
    kept = 1.0 - numbers.loss[layout.flow_edge[usable]]
    ends = np.tile(np.arange(steps), 2), np.concatenate([tail, head])
    onward = csc_array((np.concatenate([-np.ones(steps), kept]), ends), shape=(steps, cells))
    cost = layout.flow_cost[usable] / layout.money_unit
    rows = np.full(steps, -np.inf), cost, onward

    worth = np.zeros(cells)
    wanted = numbers.demand_node * count + numbers.demand_commodity
    np.maximum.at(worth, wanted, numbers.demand_price / layout.money_unit)
    unbounded = np.full(cells, np.inf)
    earned = LinearProgramme("what goods can earn", np.ones(cells), worth, unbounded, *rows).solve().x
    cheapest = np.full(cells, float(earned.max(initial=0.0)))  # dearer goods earn nothing anywhere
    made = numbers.supply_node * count + numbers.supply_commodity
    np.minimum.at(cheapest, made, numbers.supply_cost / layout.money_unit)
    try:
        spent = LinearProgramme("what goods cost", -np.ones(cells), -unbounded, cheapest, *rows).solve().x
    except Infeasible as error:
        raise DataError(
            found="edges of negative cost on a loop with losses",
            allowed="costs of at least zero on such loops, for sets of more than two edges",
        ) from error
    gains = np.zeros(layout.flow_count)
    gains[usable] = np.maximum(0.0, kept * earned[head] - cost - spent[tail]) * layout.money_unit
    return gains
