"""A closure day by day: what stores, notice, ramps and restarts make of the loss that a steady year would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.network.control import Closure
from betweengiants.network.layout import Layout
from betweengiants.network.model import Limits, Network
from betweengiants.network.programme import Programme
from betweengiants.network.results import FlowResult, summed
from betweengiants.network.timeline_bounds import Calendar, bounds, from_standstill
from betweengiants.network.timeline_layout import balance_rows
from betweengiants.network.timeline_programme import TimeProgramme, stock_worth
from betweengiants.network.timeline_results import Timeline, timeline
from betweengiants.network.timeline_tables import Ramps, Stores, checked_ramps, checked_storage

Foresight = Literal["none", "full"]
RECOVERY_DAYS, STEP_DAYS = 60, 7


def simulate(
    network: Network,
    closed: Closure | Limits,
    *,
    days: int,
    recovery_days: int = RECOVERY_DAYS,
    step_days: int = STEP_DAYS,
    storage: pl.DataFrame | None = None,
    ramps: pl.DataFrame | None = None,
    backlog_share: float = 0.0,
    foresight: Foresight = "none",
    programme: Programme | None = None,
    before: FlowResult | None = None,
) -> Timeline:
    """Close what a severance closes for some days, open it again, and plan the best flows of every period.

    Args:
        network: the network.
        closed: what closes on day 0 (from `closure` or `close_edges`).
        days: for how long; 0 closes nothing.
        recovery_days: how many days after the reopening belong to the window.
        step_days: length of a period; the last before the reopening and the last of all may be shorter.
        storage: columns of storage.csv (default: the network's own table).
        ramps: columns of ramps.csv (default: the network's own table).
        backlog_share: how much above their usual rate, as a share of it, buyers take after the reopening until what they
            missed is made up. Only buyers who get all they want today have a backlog: others take more in any case.
        foresight: `none`: while it lasts, the planner takes the closure for lasting to the end of the window, and the
            reopening comes as a surprise. `full`: the day is known. The value lost under `full` is never the larger.
        programme: the network's own programme, to save building it again.
        before: that programme's solution of the whole network, to save solving it again.

    Raises:
        DataError, UnknownLabel: days, a share or a table that cannot be used.
        Infeasible, NotConverged: from the solver.
    """
    if foresight not in get_args(Foresight):
        raise UnknownLabel(foresight, get_args(Foresight), what="foresight")
    if not 0 <= backlog_share < np.inf:
        raise DataError(found=f"a backlog share of {backlog_share:g}", allowed="a number of at least 0")
    calendar = Calendar.of(days, recovery_days, step_days)
    programme = programme or Programme(network)
    before = before or programme.solve(prices=False)
    limits = closed.limits if isinstance(closed, Closure) else closed
    if days == 0:
        limits = network.everything
    steady = programme.solve(limits, near=before.arrays, prices=False)
    numbers, layout = network.arrays, programme.layout

    stores, notes = _stores(network, layout, storage)
    pace = Ramps.of(network, network.ramps if ramps is None else checked_ramps(ramps, network, "ramps"))
    worth = stock_worth(numbers, layout, stores)
    used = summed(layout.flow_edge, layout.flow_weight * before.arrays.flow, len(numbers.capacity))
    plans = TimeProgramme(network, calendar, stores, pace, before.arrays, worth, backlog=backlog_share > 0)
    limited = partial(
        bounds, network, limits, calendar, pace, before.arrays, used, backlog_share=backlog_share
    )
    seen = limited(reopening=calendar.reopening)
    if foresight == "full" or calendar.closed in (0, len(calendar.start)):
        plan = plans.solve(seen)
    else:
        lasting = plans.solve(limited(reopening=np.inf))
        seen = from_standstill(seen, calendar, pace, numbers.supply_quantity, plans.production(lasting))
        plan = plans.solve(seen, held=lasting, count=calendar.closed)
    return timeline(
        network,
        layout,
        calendar,
        stores,
        seen,
        plans.arrays(plan),
        worth,
        before,
        steady,
        step_days=step_days,
        foresight=foresight,
        notes=(*notes, *_coarse(network, pace, step_days, foresight)),
    )


def close_edges(network: Network, edges: Sequence[str], limits: Limits | None = None) -> Limits:
    """Limits with these edges closed as well.

    Args:
        network: the network.
        edges: operating edges.
        limits: what is open otherwise (default: everything).

    Raises:
        UnknownLabel: an edge that the network does not operate, with the nearest names.
    """
    limits = limits or network.everything
    still_open = limits.edge_open.copy()
    for edge in edges:
        if edge not in network.edge_index:
            raise UnknownLabel(edge, network.edge_index, what="operating edge")
        still_open[network.edge_index[edge]] = False
    return replace(limits, edge_open=still_open)


def _stores(network: Network, layout: Layout, storage: pl.DataFrame | None) -> tuple[Stores, tuple[str, ...]]:
    """The stores where something passes, and a note on the others."""
    frame = network.storage if storage is None else checked_storage(storage, network, "storage")
    stores = Stores.of(network, frame)
    passed = pl.Series(
        balance_rows(network.arrays, layout, stores.node, stores.commodity) >= 0, dtype=pl.Boolean
    )
    idle = [f"{commodity} at {node}" for node, commodity, *_ in frame.filter(~passed).iter_rows()]
    notes = (f"stores that nothing can reach or leave: {summary(idle)}",) if idle else ()
    return Stores.of(network, frame.filter(passed)), notes


def _coarse(network: Network, pace: Ramps, step_days: int, foresight: Foresight) -> tuple[str, ...]:
    """A note on changes that the periods are too long to show."""
    quick = (pace.restart > 0) & (pace.restart < step_days)
    if foresight == "none" or not quick.any():
        return ()
    names = network.supply.filter(pl.Series(quick))["node_id"].unique().sort()
    return (
        f"supplies that restart within one period of {step_days} days count as back at once: {summary(names)}",
    )
