"""A severance or a closure that ends: what each transport system of a dossier loses in so many days.

The steady channels ask what a year without a power costs. Here stores fill and empty, detours need notice, fields restart
slowly (tables `network_storage` and `network_ramps`), and what was closed opens again after some days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.dossier import Dossier
from betweengiants.network import Closure, Limits, Network, Timeline, close_edges, closure, simulate
from betweengiants.network.timeline import RECOVERY_DAYS, STEP_DAYS
from betweengiants.network.timeline_tables import DAYS_IN_YEAR
from betweengiants.position.own_goods import Own, difference, own_deliveries
from betweengiants.position.systems import (
    OWNERSHIP_THRESHOLD,
    System,
    build_network,
    systems_of,
)

RAMP_BOUNDS = ("value", "value_low", "value_high")
BACKLOG_SHARE = 0.1
"""Buyers take up to a tenth above their usual rate after the reopening until what they missed is made up: CPC moved 70.5 Mt
in 2025 and is rated at 81.5, so that its shippers can load about so much more."""
SCHEMA = {
    "channel": pl.String,
    "commodity": pl.String,
    "unit": pl.String,
    "before": pl.Float64,
    "lost": pl.Float64,
    "lost_pct": pl.Float64,
    "lost_usd_m": pl.Float64,
    "lost_exports_usd_m": pl.Float64,
    "lost_imports_usd_m": pl.Float64,
    "recovered": pl.Float64,
    "steady_lost": pl.Float64,
    "steady_lost_usd_m": pl.Float64,
}
TOTAL = "total"
TINY = 1e-6


@dataclass(frozen=True)
class TimedSeverance:
    """What the focal state loses in the window, by system.

    Attributes:
        table: channel, commodity (`total` in the unit of the system), unit, before (usual deliveries in the window), lost
            (net of what is made up within it), lost_pct, lost_usd_m (at the prices of the base year, gross), of it
            lost_exports_usd_m and lost_imports_usd_m (what is left are own goods moved at home), recovered,
            steady_lost and steady_lost_usd_m (a steady year without time, for the days of the closure).
        notes: what still flows by which way, what a reader should know.
    """

    table: pl.DataFrame
    notes: tuple[str, ...]


def timed_severance(
    dossier: Dossier,
    *,
    days: int,
    by: Sequence[str] = (),
    edges: Sequence[str] = (),
    systems: Sequence[str] | None = None,
    recovery_days: int = RECOVERY_DAYS,
    step_days: int = STEP_DAYS,
) -> TimedSeverance:
    """Close what the powers control, and single edges, for some days in every system of the dossier.

    Args:
        dossier: one with the tables of a network.
        days: for how long.
        by: powers of the dossier that sever together.
        edges: operating edges that close as well; each in the system that it belongs to.
        systems: only these systems (default: all that the dossier has).
        recovery_days: days after the reopening that count.
        step_days: length of a period.

    Raises:
        UnknownLabel: a power, a system or an edge that is none, with the nearest names.
        DataError: neither a power nor an edge, no network, an edge of another system, days that cannot be used.
        Infeasible, NotConverged: from the solver.
    """
    for power in by:
        if power not in dossier.powers:
            raise UnknownLabel(power, dossier.powers, what="power", file=f"dossier {dossier.header.name}")
    if not by and not edges:
        raise DataError(
            found="neither a power nor an edge", allowed=f"a power of {summary(dossier.powers)}, or an edge"
        )
    chosen = _chosen(dossier, systems)
    networks = {system.name: build_network(dossier, system=system.name) for system in chosen}
    known = {edge for network in networks.values() for edge in network.edge_index}
    for edge in edges:
        if edge not in known:
            if systems is not None and edge in dossier.tables["network_edges"]["edge_id"]:
                raise DataError(
                    file=f"dossier {dossier.header.name}",
                    found=f"edge '{edge}', which is in no operating network of {summary(systems)}",
                    allowed="an operating edge of the chosen systems",
                )
            raise UnknownLabel(edge, known, what="operating edge", file=f"dossier {dossier.header.name}")
    frames, notes = [], []
    for system in chosen:
        network = networks[system.name]
        mine = [edge for edge in edges if edge in network.edge_index]
        limits = _limits(network, by, mine)
        if limits is None:
            notes.append(f"{system.name}: nothing of it closes.")
            continue
        storage, ramps = clock_tables(dossier, network)
        result = simulate(
            by_node(network),
            limits,
            days=days,
            recovery_days=recovery_days,
            step_days=step_days,
            storage=storage,
            ramps=ramps,
            backlog_share=BACKLOG_SHARE,
        )
        own = own_deliveries(dossier, network, system)
        frames.append(_rows(system, network, own, result))
        notes += _notes(dossier, system, network, own, result)
    table = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
    return TimedSeverance(table, tuple(notes))


def clock_tables(
    dossier: Dossier, network: Network, ramp: str = "value"
) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """The stores and the ramps of one network; None where the dossier has no such table or no row for it.

    Args:
        dossier: the dossier.
        network: one of its networks.
        ramp: which column holds the ramp: value, value_low or value_high (the central value where blank).
    """
    storage = ramps = None
    if dossier.has("network_storage"):
        rows = dossier.tables["network_storage"]
        storage = rows.filter(
            pl.col("commodity").is_in(list(network.commodities))
            & pl.col("node_id").is_in(list(network.node_index))
        )
    if dossier.has("network_ramps"):
        rows = dossier.tables["network_ramps"]
        assets = [*network.edge_index, *network.supply["node_id"]]
        ramps = rows.filter(pl.col("asset_id").is_in(assets)).with_columns(value=pl.coalesce(ramp, "value"))
    return storage, ramps


def by_node(network: Network) -> Network:
    """The same network with every buyer a market of its own, so that a timeline tells each one's deliveries."""
    return replace(network, demand=network.demand.with_columns(market="node_id"))


def deliveries(network: Network, own: Own, result: Timeline) -> pl.DataFrame:
    """Own deliveries over time: start_day, end_day, node_id, commodity, usual, delivered, per_unit, price, part.

    Args:
        network: the network.
        own: which of its deliveries count.
        result: a timeline of `by_node(network)`.
    """
    rows = network.demand.select(
        "commodity",
        "node_id",
        per_unit=pl.Series(own.per_unit),
        price=pl.Series(network.arrays.demand_price),
        part=pl.Series(own.labels(), dtype=pl.String),
    ).drop_nulls("part")
    return result.markets.join(
        rows,
        left_on=["commodity", "market"],
        right_on=["commodity", "node_id"],
        how="inner",
        maintain_order="left",
    ).rename({"market": "node_id"})


def _chosen(dossier: Dossier, systems: Sequence[str] | None) -> tuple[System, ...]:
    found = systems_of(dossier)
    if not found:
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found="no network tables",
            allowed="a dossier with a network",
        )
    names = [system.name for system in found]
    for name in systems or ():
        if name not in names:
            raise UnknownLabel(name, names, what="system", file=f"dossier {dossier.header.name}")
    return tuple(system for system in found if systems is None or system.name in systems)


def _limits(network: Network, by: Sequence[str], edges: Sequence[str]) -> Closure | Limits | None:
    """What closes in one network; None if nothing of it does."""
    known = [power for power in by if power in network.powers]
    cut = closure(network, known, ownership_threshold=OWNERSHIP_THRESHOLD) if known else None
    if cut is None or not cut.changes_anything:
        return close_edges(network, edges) if edges else None
    return close_edges(network, edges, cut.limits)


def _rows(system: System, network: Network, own: Own, result: Timeline) -> pl.DataFrame:
    """A row for each own commodity in its own unit, and one for all of them in the unit of the system."""
    frame = deliveries(network, own, result).with_columns(missed=pl.col("usual") - pl.col("delivered"))
    yearly = network.demand.select(
        "commodity",
        missed=pl.Series(result.before.arrays.demand - result.steady.arrays.demand)
        * result.days
        / DAYS_IN_YEAR,
        per_unit=pl.Series(own.per_unit),
        price=pl.Series(network.arrays.demand_price),
        own=pl.Series(own.rows),
    ).filter("own")
    commodities = frame["commodity"].unique().sort().to_list()
    rows = [
        _row(
            system,
            commodity,
            network.units.get(commodity, system.unit),
            result.days,
            frame.filter(commodity=commodity).with_columns(per_unit=pl.lit(1.0)),
            yearly.filter(commodity=commodity).with_columns(per_unit=pl.lit(1.0)),
        )
        for commodity in commodities
    ]
    rows.append(_row(system, TOTAL, system.unit, result.days, frame, yearly))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(
    system: System, commodity: str, unit: str, days: int, frame: pl.DataFrame, yearly: pl.DataFrame
) -> tuple[str | float | None, ...]:
    before = float((frame["usual"] * frame["per_unit"]).sum())
    lost = difference(before, before - float((frame["missed"] * frame["per_unit"]).sum()))
    worth = float((frame["usual"] * frame["price"]).sum())
    above = (
        frame.filter(pl.col("start_day") >= days)
        .group_by("start_day", maintain_order=True)
        .agg(above=-(pl.col("missed") * pl.col("per_unit")).sum())["above"]
    )
    return (
        system.channel,
        commodity,
        unit,
        before,
        lost,
        100 * lost / before if before else None,
        _worth_missed(frame),
        *(_worth_missed(frame.filter(part=part)) for part in ("exports", "imports")),
        difference(before + float(above.filter(above > 0).sum()), before),
        difference(before, before - float((yearly["missed"] * yearly["per_unit"]).sum())),
        difference(worth, worth - float((yearly["missed"] * yearly["price"]).sum())),
    )


def _worth_missed(frame: pl.DataFrame) -> float:
    worth = float((frame["usual"] * frame["price"]).sum())
    return difference(worth, worth - float((frame["missed"] * frame["price"]).sum()))


def _notes(dossier: Dossier, system: System, network: Network, own: Own, result: Timeline) -> list[str]:
    """Which own goods still cross the border on the last days of the closure, and what the simulation remarks."""
    counted = own.commodities
    factor = dict(zip(network.demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
    home = network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"].to_list()
    names = dossier.tables["network_edges"].select("edge_id", "name")
    last = result.edges.filter((pl.col("end_day") == result.days) & pl.col("commodity").is_in(counted))
    crossing = network.edges.filter(pl.col("from_node").is_in(home) != pl.col("to_node").is_in(home))
    flows = (
        last.join(crossing.select("edge_id").join(names, on="edge_id"), on="edge_id")
        .with_columns(
            rate=pl.col("flow").abs()
            * pl.col("commodity").replace_strict(factor, return_dtype=pl.Float64)
            / (pl.col("end_day") - pl.col("start_day"))
            * DAYS_IN_YEAR
        )
        .group_by("edge_id", "name")
        .agg(rate=pl.col("rate").sum())
        .filter(pl.col("rate") > TINY)
        .sort("rate", "edge_id", descending=[True, False])
    )
    listed = "; ".join(f"{row['name']} {row['rate']:.1f}" for row in flows.to_dicts())
    unit = f"{system.unit} a year"
    notes = [
        f"{system.name}: own goods that still cross the border on the last days of the closure, {unit}: {listed or 'nothing'}."
    ]
    for row in result.stores.filter(pl.col("end_day") == result.days).to_dicts():
        notes.append(
            f"{system.name}: the store at {row['node_id']} then holds {row['level']:.2f} of {row['commodity']}."
        )
    wasted = result.totals.filter(pl.col("commodity").is_in(counted) & (pl.col("wasted") > TINY))
    notes += [
        f"{system.name}: {row['wasted']:.2f} of {row['commodity']} is produced that nothing can take or store."
        for row in wasted.to_dicts()
    ]
    return notes + [f"{system.name}: {note}" for note in result.notes]
