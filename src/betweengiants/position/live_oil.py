"""The oil part of a reader's own question: control on chosen bases, and single edges closed on top."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from betweengiants.network import FlowResult, Limits, Network, Programme, closure
from betweengiants.position.assemble import Position
from betweengiants.position.own_goods import ROUNDING
from betweengiants.position.settings import positive
from betweengiants.position.systems import BOUNDS, OWNERSHIP_THRESHOLD, build_network

CLOSED = ("asset_id", "asset", "power", "basis", "why")


@dataclass(frozen=True, eq=False)
class OilBase:
    """The network at one bound of its capacities, as it stands.

    Attributes:
        network: the network.
        before: its flows.
        own: commodities that the focal state supplies.
        routes: edge_id, name: edges that lead out of the focal state's territory.
        names: edge_id, name of every edge.
        gdp: million USD.
    """

    network: Network
    before: FlowResult
    own: tuple[str, ...]
    routes: pl.DataFrame
    names: pl.DataFrame
    gdp: float

    @property
    def flows(self) -> pl.DataFrame:
        """edge_id, flow: the focal state's goods on every edge, as it stands."""
        return _flows(self.before, self.own)


@dataclass(frozen=True, slots=True)
class OilLoss:
    """What closing takes away, at one bound of the capacities.

    Attributes:
        capacity: which bound.
        before_million_t, lost_million_t: the focal state's deliveries a year, and what of them is lost.
        lost_usd_m: value delivered before less value delivered after; lost_pct_gdp: the same in percent of GDP.
        interdictable: smallest share of the deliveries that must pass through something closed.
        unreroutable: share of the deliveries that is lost after the best detour.
    """

    capacity: str
    before_million_t: float
    lost_million_t: float
    lost_usd_m: float
    lost_pct_gdp: float
    interdictable: float
    unreroutable: float


@dataclass(frozen=True, eq=False)
class OilAnswer:
    """What closing does to the focal state's oil.

    Attributes:
        loss: the headline numbers at the question's capacities.
        elsewhere: the same at every bound of the capacities.
        markets: market, before, after, lost, lost_usd_m (million tonnes; million USD). Where buyers are worth the same to
            the seller, the split between them is one of several that are equally good; their sum is not.
        routes: edge_id, name, before, after, closed: what leaves the focal state's territory by each edge.
        detours: edge_id, name, before, after, rise: edges that carry more than before.
        closed: asset_id, asset, power, basis, why; closed edges that no power of the question controls have the
            basis `chosen`.
        notes: control that took no effect.
    """

    loss: OilLoss
    elsewhere: tuple[OilLoss, ...]
    markets: pl.DataFrame
    routes: pl.DataFrame
    detours: pl.DataFrame
    closed: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Case:
    """One network before and after."""

    base: OilBase
    after: FlowResult
    loss: OilLoss
    closed: pl.DataFrame
    notes: tuple[str, ...]


def oil_bases(position: Position) -> dict[str, OilBase]:
    """The network at every bound of its capacities with its flows; empty without a network.

    Raises:
        DataError, Infeasible: from the network engine.
    """
    if position.oil is None:
        return {}
    dossier = position.dossier
    names = dossier.tables["network_edges"].select("edge_id", "name")
    gdp = positive(dossier, f"gdp_usd_m_{dossier.header.base_year}")[0]
    bases = {}
    for bound in BOUNDS:
        network = build_network(dossier, capacity=bound)
        home = network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"].to_list()
        leaving = network.edges.filter(pl.col("from_node").is_in(home) & ~pl.col("to_node").is_in(home))
        routes = leaving.select("edge_id").join(names, on="edge_id").sort("edge_id")
        before = Programme(network).solve()
        bases[bound] = OilBase(network, before, position.oil.commodities, routes, names, gdp)
    return bases


def ask_oil(
    bases: dict[str, OilBase],
    by: tuple[str, ...],
    capacity: str,
    kinds: tuple[str, ...],
    edges: tuple[str, ...],
) -> OilAnswer:
    """Close what the powers control on these bases, and these edges, and send the oil round the best way left.

    Args:
        bases: from `oil_bases`.
        by: powers, none or more.
        capacity: the bound of the capacities that the tables are for.
        kinds: bases of control, none or more.
        edges: operating edges that close in any case.

    Raises:
        Infeasible, NotConverged: from the network engine.
    """
    cases = {bound: _close(bound, base, by, kinds, edges) for bound, base in bases.items()}
    case = cases[capacity]
    return OilAnswer(
        case.loss,
        tuple(other.loss for other in cases.values()),
        _markets(case),
        _routes(case),
        _detours(case),
        case.closed,
        case.notes,
    )


def _close(
    bound: str, base: OilBase, by: tuple[str, ...], kinds: tuple[str, ...], edges: tuple[str, ...]
) -> _Case:
    network = base.network
    limits, closed, notes = _limits(network, by, kinds, edges)
    if closed.height == 0:
        return _Case(base, base.before, _loss(bound, base, base.before, 0.0), closed, notes)
    programme = Programme(network)
    after = programme.solve(limits, near=base.before.arrays, prices=False)
    free = dict(
        zip(network.commodities, programme.avoiding(limits, base.before.arrays).tolist(), strict=True)
    )
    passing = 0.0
    for commodity in base.own:
        now = _sum(base.before, (commodity,), "quantity")
        passing += _difference(now, min(free[commodity], now))
    return _Case(base, after, _loss(bound, base, after, passing), closed, notes)


def _limits(
    network: Network, by: tuple[str, ...], kinds: tuple[str, ...], edges: tuple[str, ...]
) -> tuple[Limits, pl.DataFrame, tuple[str, ...]]:
    """What stays open, what closes and why, and what took no effect."""
    limits, notes = network.everything, tuple[str, ...]()
    closed = pl.DataFrame(schema=dict.fromkeys(CLOSED, pl.String))
    known = [power for power in by if power in network.powers]
    if known and kinds:
        cut = closure(network, known, bases=kinds, ownership_threshold=OWNERSHIP_THRESHOLD)
        limits, closed, notes = cut.limits, cut.closed.select(CLOSED), cut.notes
    if edges:
        still_open = limits.edge_open.copy()
        still_open[[network.edge_index[edge] for edge in edges]] = False
        limits = replace(limits, edge_open=still_open)
        chosen = [(edge, "edge", "", "chosen", "closed by the question") for edge in edges]
        closed = pl.concat([closed, pl.DataFrame(chosen, schema=closed.schema, orient="row")])
    return limits, closed.sort("asset", "asset_id", "power", "basis"), notes


def _loss(bound: str, base: OilBase, after: FlowResult, passing: float) -> OilLoss:
    now, then = (_sum(side, base.own, "quantity") for side in (base.before, after))
    worth, left = (_sum(side, base.own, "value") for side in (base.before, after))
    lost, value = _difference(now, then), _difference(worth, left)
    return OilLoss(
        bound,
        now,
        lost,
        value,
        100 * value / base.gdp,
        passing / now if now else 0.0,
        lost / now if now else 0.0,
    )


def _sum(flows: FlowResult, own: tuple[str, ...], column: str) -> float:
    return float(flows.delivered.filter(pl.col("commodity").is_in(own))[column].sum())


def _difference(before: float, after: float) -> float:
    """Before less after, free of the solver's rounding."""
    lost = before - after
    return lost if abs(lost) > ROUNDING * max(abs(before), 1.0) else 0.0


def _flows(result: FlowResult, own: tuple[str, ...]) -> pl.DataFrame:
    return (
        result.edges.filter(pl.col("commodity").is_in(own)).group_by("edge_id").agg(flow=pl.col("flow").sum())
    )


def _change(before: str, after: str) -> pl.Expr:
    """Before less after as an expression, free of rounding."""
    difference = pl.col(before) - pl.col(after)
    small = difference.abs() <= ROUNDING * pl.max_horizontal(pl.col(before).abs(), pl.lit(1.0))
    return pl.when(small).then(0.0).otherwise(difference)


def _markets(case: _Case) -> pl.DataFrame:
    sides = []
    for name, result in (("before", case.base.before), ("after", case.after)):
        own = result.delivered.filter(pl.col("commodity").is_in(case.base.own))
        sums = {name: pl.col("quantity").sum(), f"value_{name}": pl.col("value").sum()}
        sides.append(own.group_by("market").agg(**sums))
    joined = sides[0].join(sides[1], on="market")
    joined = joined.with_columns(
        lost=_change("before", "after"), lost_usd_m=_change("value_before", "value_after")
    )
    return joined.select("market", "before", "after", "lost", "lost_usd_m").sort("market")


def _routes(case: _Case) -> pl.DataFrame:
    shut = set(case.closed.filter(pl.col("asset") == "edge")["asset_id"])
    table = case.base.routes
    for name, result in (("before", case.base.before), ("after", case.after)):
        flows = _flows(result, case.base.own).rename({"flow": name})
        table = table.join(flows, on="edge_id", how="inner")
    return table.with_columns(closed=pl.col("edge_id").is_in(list(shut))).sort("edge_id")


def _detours(case: _Case) -> pl.DataFrame:
    before, after = (_flows(side, case.base.own) for side in (case.base.before, case.after))
    joined = before.rename({"flow": "before"}).join(after.rename({"flow": "after"}), on="edge_id")
    most = float(np.abs(before["flow"].to_numpy()).max(initial=0.0))
    rise = pl.col("after").abs() - pl.col("before").abs()
    risen = joined.with_columns(rise=rise).filter(pl.col("rise") > ROUNDING * max(most, 1.0))
    named = risen.join(case.base.names, on="edge_id")
    return named.select("edge_id", "name", "before", "after", "rise").sort("edge_id")
