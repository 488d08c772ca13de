"""The network as it stood on the day before a closure: earlier capacities, the volume that passed, and what of it closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.network import FlowResult, Network, solve
from betweengiants.position.systems import build_network

CLOSED_PART = " (closed part)"
MATCHED = 0.005
MOST_ROUNDS = 30
FACTORS = (0.5, 2.0)
"""Supplies are not scaled beyond these: a model that sends so much less or more by an edge has it wrong, not small."""
LIMITS = ("capacity", "capacity_low", "capacity_high")


@dataclass(frozen=True)
class Before:
    """A network of one day.

    Attributes:
        dossier: the dossier with the tables of the network changed.
        closing: ids of what closes (the closed part of an edge that stays open in part).
        parts: ids of the first closed edge and, where it has one, of its closed part.
        factor: by which the supplies upstream were multiplied; 1 if they were not.
        flow: what passes the first closed edge a year, in the unit of the system.
        matched: whether that is what passed it in fact; None where that is not known.
    """

    dossier: Dossier
    closing: tuple[str, ...]
    parts: tuple[str, ...]
    factor: float
    flow: float
    matched: bool | None


def network_before(
    dossier: Dossier,
    *,
    system: str,
    year: int,
    edges: Sequence[str],
    share_left: float,
    per_unit: Mapping[str, float],
    passed: float | None,
) -> Before:
    """The network of a system in a year, with the closed edges cut in two, supplying what passed them.

    Capacities come from `network_capacity_history`: the last that was known by that year, bounds in proportion; edges without
    one keep that of the base year. Supplies whose goods pass the first closed edge are multiplied by one factor so that the
    flow there is what passed it; demand for the same commodities by the change in their total supply.

    Args:
        dossier: the dossier.
        system: name of a system.
        year: of the closure.
        edges: what closed.
        share_left: share of the capacity that stayed.
        per_unit: commodities that are measured, with the units of the system that one unit of each is.
        passed: what passed the first closed edge a year, in the unit of the system; None if not known.

    Raises:
        DataError: an edge of unlimited capacity that closes in part.
    """
    then = _with_tables(dossier, network_edges=_capacities(dossier, year))
    then, closing, parts = _split(then, edges, share_left)
    flow = _flow(build_network(then, system=system), parts, per_unit)[0]
    if passed is None:
        return Before(then, closing, parts, 1.0, flow, None)
    factor, scaled, found = 1.0, then, flow
    upstream = _upstream(build_network(then, system=system), parts, per_unit)
    for _ in range(MOST_ROUNDS):
        if found <= 0 or abs(found - passed) <= MATCHED * passed:
            break
        factor *= passed / found
        if not FACTORS[0] <= factor <= FACTORS[1]:
            break
        scaled = _scaled(then, upstream, per_unit, factor)
        found = _flow(build_network(scaled, system=system), parts, per_unit)[0]
    if abs(found - passed) <= MATCHED * passed:
        return Before(scaled, closing, parts, factor, found, True)
    return Before(then, closing, parts, 1.0, flow, False)


def _with_tables(dossier: Dossier, **tables: pl.DataFrame) -> Dossier:
    return replace(dossier, tables=dossier.tables | tables)


def _capacities(dossier: Dossier, year: int) -> pl.DataFrame:
    """The edges with the capacities known by that year."""
    edges = dossier.tables["network_edges"]
    if not dossier.has("network_capacity_history"):
        return edges
    known = (
        dossier.tables["network_capacity_history"]
        .filter(pl.col("year") <= year)
        .sort("edge_id", "year")
        .group_by("edge_id", maintain_order=True)
        .agg(then=pl.col("capacity").last())
    )
    joined = edges.join(known, on="edge_id", how="left", maintain_order="left")
    ratio = pl.col("then") / pl.col("capacity")
    changed = [
        pl.when(pl.col("then").is_not_null()).then(pl.col(name) * ratio).otherwise(pl.col(name)).alias(name)
        for name in LIMITS
    ]
    return joined.with_columns(*changed).drop("then")


def _split(
    dossier: Dossier, edges: Sequence[str], share_left: float
) -> tuple[Dossier, tuple[str, ...], tuple[str, ...]]:
    """Edges that close in part become two side by side; neither needs notice to carry what the other carried."""
    if share_left == 0:
        return dossier, tuple(edges), (edges[0],)
    table = dossier.tables["network_edges"]
    mine = pl.col("edge_id").is_in(list(edges))
    for edge in table.filter(mine & pl.col("capacity").is_null())["edge_id"]:
        raise DataError(
            file=dossier.header.paths["closures"],
            column="share_left",
            found=f"{share_left:g} of '{edge}', whose capacity is unlimited",
            allowed="an edge with a capacity, or share_left 0",
        )
    stays = table.filter(mine).with_columns(pl.col(name) * share_left for name in LIMITS)
    closes = table.filter(mine).with_columns(
        pl.col("edge_id") + CLOSED_PART, *(pl.col(name) * (1 - share_left) for name in LIMITS)
    )
    changed = {"network_edges": pl.concat([table.filter(~mine), stays, closes])}
    if dossier.has("network_ramps"):
        ramps = dossier.tables["network_ramps"]
        own = pl.col("asset_id").is_in(list(edges))
        reopening = ramps.filter(own & (pl.col("measure") == "restart_days"))
        changed["network_ramps"] = pl.concat(
            [ramps.filter(~own), reopening.with_columns(pl.col("asset_id") + CLOSED_PART)]
        )
    closing = tuple(edge + CLOSED_PART for edge in edges)
    return _with_tables(dossier, **changed), closing, (edges[0], closing[0])


def _flow(network: Network, parts: Sequence[str], per_unit: Mapping[str, float]) -> tuple[float, FlowResult]:
    result = solve(network)
    rows = result.edges.filter(
        pl.col("edge_id").is_in(list(parts)) & pl.col("commodity").is_in(list(per_unit))
    )
    factor = pl.col("commodity").replace_strict(dict(per_unit), return_dtype=pl.Float64)
    return float(rows.select((pl.col("flow").abs() * factor).sum()).item()), result


def _upstream(network: Network, parts: Sequence[str], per_unit: Mapping[str, float]) -> set[str]:
    """Nodes from which measured goods flow towards the first closed edge."""
    _, result = _flow(network, parts, per_unit)
    ends = dict(
        zip(network.edges["edge_id"], network.edges.select("from_node", "to_node").iter_rows(), strict=True)
    )
    used = result.edges.filter((pl.col("flow") != 0) & pl.col("commodity").is_in(list(per_unit)))
    arcs: dict[str, set[str]] = {}
    starts: set[str] = set()
    for edge, flow in used.select("edge_id", "flow").iter_rows():
        tail, head = ends[edge] if flow > 0 else ends[edge][::-1]
        arcs.setdefault(head, set()).add(tail)
        if edge in parts:
            starts.add(tail)
    found, open_ends = set(starts), list(starts)
    while open_ends:
        for tail in arcs.get(open_ends.pop(), set()) - found:
            found.add(tail)
            open_ends.append(tail)
    return found


def _scaled(dossier: Dossier, upstream: set[str], per_unit: Mapping[str, float], factor: float) -> Dossier:
    supply, demand = dossier.tables["network_supply"], dossier.tables["network_demand"]
    measured = pl.col("commodity").is_in(list(per_unit))
    grown = supply.with_columns(
        quantity=pl.when(measured & pl.col("node_id").is_in(sorted(upstream)))
        .then(pl.col("quantity") * factor)
        .otherwise("quantity")
    )
    growth = {
        str(name): float(after) / float(now) if now else 1.0
        for name, now, after in supply.with_columns(grown=grown["quantity"])
        .filter(measured)
        .group_by("commodity")
        .agg(pl.col("quantity").sum(), pl.col("grown").sum())
        .iter_rows()
    }
    wanted = demand.with_columns(
        quantity=pl.col("quantity")
        * pl.col("commodity").replace_strict(growth, default=1.0, return_dtype=pl.Float64)
    )
    return _with_tables(dossier, network_supply=grown, network_demand=wanted)
