"""What a closure over time looks like as tables: by period, market, edge, store and supply, and in sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.network.highs import Status
from betweengiants.network.layout import Layout
from betweengiants.network.model import Floats, Ints, Network
from betweengiants.network.results import FlowResult
from betweengiants.network.severance import RISE
from betweengiants.network.timeline_bounds import Bounds, Calendar
from betweengiants.network.timeline_programme import TimeArrays
from betweengiants.network.timeline_tables import DAYS_IN_YEAR, Stores


@dataclass(frozen=True, eq=False)
class Timeline:
    """A closure of some days and the days after it. Quantities are those of the period or of the window, not a year's.

    Attributes:
        days, recovery_days, step_days: as asked; the window is both together.
        foresight: what the planner knew.
        periods: start_day, end_day, commodity, usual (what is delivered today in so many days), delivered, lost, stored
            (put in less taken out), wasted, transport_cost.
        markets: start_day, end_day, commodity, market, usual, delivered, lost.
        edges: start_day, end_day, edge_id, commodity, flow (what enters; against the edge's own direction negative), limit
            (what may enter, in the capacity's unit, all commodities together; null = unlimited).
        stores: start_day, end_day, node_id, commodity, put_in, taken_out, level (at the end of the period).
        stock_worth: node_id, commodity, worth: what one more unit in a store is worth in a steady year.
        supplies: start_day, end_day, node_id, commodity, usual, produced, wasted.
        table: commodity, market, before, after, lost, lost_pct over the window (null where nothing is delivered today).
        totals: commodity, usual, delivered, lost, lost_while_closed, lost_after, recovered (delivered above the usual
            rate after the reopening), steady_lost (what a steady year without time would have lost in the days of the
            closure), wasted, stored; lost = lost_while_closed + lost_after - recovered.
        gross_value, transport_cost, supply_cost, storage_cost: money over the window; the cost of what is wasted is in
            supply_cost.
        stock_value: change of what lies in the stores, at what a unit there is worth in a steady year.
        value_usual: value of today's flows over the window.
        steady_value_lost: value that a steady year without time would have lost in the days of the closure.
        before, steady: today's flows, and those of a year without what closes.
        residual: largest miss of a balance, level or limit, relative to the largest throughput of a node.
        status: how the solver ended.
        notes: what a reader should know.
    """

    days: int
    recovery_days: int
    step_days: int
    foresight: str
    periods: pl.DataFrame
    markets: pl.DataFrame
    edges: pl.DataFrame
    stores: pl.DataFrame
    stock_worth: pl.DataFrame
    supplies: pl.DataFrame
    table: pl.DataFrame
    totals: pl.DataFrame
    gross_value: float
    transport_cost: float
    supply_cost: float
    storage_cost: float
    stock_value: float
    value_usual: float
    steady_value_lost: float
    before: FlowResult
    steady: FlowResult
    residual: float
    status: Status
    notes: tuple[str, ...]

    @property
    def value(self) -> float:
        """What the plan is worth over the window, the change of stocks included."""
        costs = self.transport_cost + self.supply_cost + self.storage_cost
        return self.gross_value - costs + self.stock_value

    @property
    def value_lost(self) -> float:
        """Today's value over the window less what is left of it, never below zero."""
        lost = self.value_usual - self.value
        return lost if lost > RISE * abs(self.value_usual) else 0.0


def timeline(
    network: Network,
    layout: Layout,
    calendar: Calendar,
    stores: Stores,
    seen: Bounds,
    plan: TimeArrays,
    worth: Floats,
    before: FlowResult,
    steady: FlowResult,
    *,
    step_days: int,
    foresight: str,
    notes: tuple[str, ...],
) -> Timeline:
    """Tables and totals of a plan."""
    numbers, years = network.arrays, calendar.length[:, None] / DAYS_IN_YEAR
    days = calendar.reopening
    markets = _markets(network, calendar, plan, before)
    totals = _totals(network, calendar, stores, plan, before, steady)
    return Timeline(
        days=int(days),
        recovery_days=int(calendar.end[-1] - days),
        step_days=step_days,
        foresight=foresight,
        periods=_periods(network, layout, calendar, stores, plan, before),
        markets=markets,
        edges=_edges(network, layout, calendar, seen, plan),
        stores=_stores(network, calendar, stores, plan),
        stock_worth=pl.DataFrame(_store_names(network, stores)).with_columns(worth=pl.Series(worth)),
        supplies=_supplies(network, calendar, plan, before),
        table=_window(markets),
        totals=totals,
        gross_value=float((years * plan.demand @ numbers.demand_price).sum()),
        transport_cost=float((years * plan.flow @ layout.flow_cost).sum()),
        supply_cost=float((years * (plan.supply + plan.wasted) @ numbers.supply_cost).sum()),
        storage_cost=float((years * plan.put_in @ stores.cost).sum()),
        stock_value=float(worth @ (plan.level[-1] - stores.initial)),
        value_usual=before.value * float(calendar.end[-1]) / DAYS_IN_YEAR,
        steady_value_lost=max(0.0, before.value - steady.value) * days / DAYS_IN_YEAR,
        before=before,
        steady=steady,
        residual=plan.residual,
        status=Status.OPTIMAL,
        notes=notes,
    )


def _periods(
    network: Network,
    layout: Layout,
    calendar: Calendar,
    stores: Stores,
    plan: TimeArrays,
    before: FlowResult,
) -> pl.DataFrame:
    numbers, count = network.arrays, len(network.commodities)
    usual = _by(numbers.demand_commodity, _usual(calendar, before), count)
    delivered = _by(numbers.demand_commodity, plan.demand, count)
    rates = {
        "usual": usual,
        "delivered": delivered,
        "lost": _lost(usual, delivered),
        "stored": _by(stores.commodity, plan.put_in - plan.taken_out, count),
        "wasted": _by(numbers.supply_commodity, plan.wasted, count),
        "transport_cost": _by(layout.flow_commodity, layout.flow_cost * plan.flow, count),
    }
    return _long(calendar, {"commodity": pl.Series(network.commodities)}, rates)


def _markets(network: Network, calendar: Calendar, plan: TimeArrays, before: FlowResult) -> pl.DataFrame:
    key = ["commodity", "market"]
    names = network.demand.select(key).unique().sort(key)
    places = {row: k for k, row in enumerate(names.iter_rows())}
    place = np.array([places[row] for row in network.demand.select(key).iter_rows()], dtype=np.int64)
    usual = _by(place, _usual(calendar, before), len(places))
    delivered = _by(place, plan.demand, len(places))
    rates = {"usual": usual, "delivered": delivered, "lost": _lost(usual, delivered)}
    return _long(calendar, {name: names[name] for name in key}, rates)


def _edges(
    network: Network, layout: Layout, calendar: Calendar, seen: Bounds, plan: TimeArrays
) -> pl.DataFrame:
    carries = network.arrays.carries
    edge, commodity = np.nonzero(carries)
    cell = np.full(carries.shape, -1, dtype=np.int64)
    cell[edge, commodity] = np.arange(len(edge))
    place = cell[layout.flow_edge, layout.flow_commodity]
    flow = _by(place, np.where(layout.flow_forward, plan.flow, -plan.flow), len(edge)) + 0.0
    keys = {
        "edge_id": network.edges["edge_id"].gather(edge),
        "commodity": pl.Series(network.commodities).gather(commodity),
    }
    limit = np.where(seen.edge_open, seen.edge, 0.0)[:, edge]
    frame = _long(calendar, keys, {"flow": flow, "limit": limit})
    return frame.with_columns(pl.when(pl.col("limit").is_finite()).then("limit"))


def _stores(network: Network, calendar: Calendar, stores: Stores, plan: TimeArrays) -> pl.DataFrame:
    rates = {"put_in": plan.put_in, "taken_out": plan.taken_out}
    frame = _long(calendar, _store_names(network, stores), rates)
    return frame.with_columns(level=pl.Series(plan.level.ravel(), dtype=pl.Float64))


def _store_names(network: Network, stores: Stores) -> dict[str, pl.Series]:
    names = pl.Series(network.commodities, dtype=pl.String)
    return {
        "node_id": network.nodes["node_id"].gather(stores.node),
        "commodity": names.gather(stores.commodity),
    }


def _supplies(network: Network, calendar: Calendar, plan: TimeArrays, before: FlowResult) -> pl.DataFrame:
    keys = {name: network.supply[name] for name in ("node_id", "commodity")}
    usual = np.broadcast_to(before.arrays.supply, plan.supply.shape)
    rates = {"usual": usual, "produced": plan.supply + plan.wasted, "wasted": plan.wasted}
    return _long(calendar, keys, rates)


def _window(markets: pl.DataFrame) -> pl.DataFrame:
    key = ["commodity", "market"]
    sums = markets.group_by(key).agg(before=pl.col("usual").sum(), after=pl.col("delivered").sum()).sort(key)
    lost = _lost(sums["before"].to_numpy(), sums["after"].to_numpy())
    share = pl.when(pl.col("before") > 0).then(100.0 * pl.col("lost") / pl.col("before"))
    return sums.with_columns(lost=pl.Series(lost)).with_columns(lost_pct=share)


def _totals(
    network: Network,
    calendar: Calendar,
    stores: Stores,
    plan: TimeArrays,
    before: FlowResult,
    steady: FlowResult,
) -> pl.DataFrame:
    numbers, count, years = network.arrays, len(network.commodities), calendar.length[:, None] / DAYS_IN_YEAR
    usual = years * _by(numbers.demand_commodity, _usual(calendar, before), count)
    delivered = years * _by(numbers.demand_commodity, plan.demand, count)
    lost = _lost(usual, delivered)
    closed, after = lost[: calendar.closed], lost[calendar.closed :]
    yearly = [_by(numbers.demand_commodity, side.arrays.demand[None], count)[0] for side in (before, steady)]
    return pl.DataFrame(
        {
            "commodity": list(network.commodities),
            "usual": usual.sum(axis=0),
            "delivered": delivered.sum(axis=0),
            "lost": lost.sum(axis=0),
            "lost_while_closed": closed.sum(axis=0),
            "lost_after": np.maximum(after, 0.0).sum(axis=0),
            "recovered": np.maximum(-after, 0.0).sum(axis=0),
            "steady_lost": _lost(*yearly) * calendar.reopening / DAYS_IN_YEAR,
            "wasted": (years * _by(numbers.supply_commodity, plan.wasted, count)).sum(axis=0),
            "stored": (years * _by(stores.commodity, plan.put_in - plan.taken_out, count)).sum(axis=0),
        }
    )


def _usual(calendar: Calendar, before: FlowResult) -> Floats:
    """(P, D) what is delivered today, a year."""
    return np.broadcast_to(before.arrays.demand, (len(calendar.start), len(before.arrays.demand)))


def _lost(usual: Floats, delivered: Floats) -> Floats:
    """Usual less delivered, free of the solver's rounding."""
    lost = usual - delivered
    return np.where(np.abs(lost) > RISE * usual, lost, 0.0)


def _by(place: Ints, rates: Floats, count: int) -> Floats:
    """(P, count) sums of (P, X) rates at each place."""
    found = np.zeros((count, len(rates)))
    np.add.at(found, place, rates.T)
    return found.T


def _long(calendar: Calendar, keys: Mapping[str, pl.Series], rates: Mapping[str, Floats]) -> pl.DataFrame:
    """One row for each period and key; yearly rates become quantities of the period."""
    years = calendar.length[:, None] / DAYS_IN_YEAR
    each = len(next(iter(keys.values())))
    days = {"start_day": calendar.start, "end_day": calendar.end}
    return pl.DataFrame(
        {name: pl.Series(np.repeat(day, each).astype(np.int64)) for name, day in days.items()}
        | {name: pl.concat([values] * len(years)) for name, values in keys.items()}
        | {name: pl.Series((years * rate).ravel(), dtype=pl.Float64) for name, rate in rates.items()}
    )
