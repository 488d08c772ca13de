"""The transport systems of a dossier (oil, gas, freight): which rows of its network tables belong to each.

`network_commodities` names the system of every commodity and its unit. A dossier without that table has one system,
called oil, with everything in million tonnes (the first dossiers held crude oil alone).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.network import Network

TABLES = ("network_nodes", "network_edges", "network_supply", "network_demand", "network_control")
UNIT_TABLES = ("network_commodities", "network_conversions")
BOUNDS = ("capacity", "capacity_low", "capacity_high")
OWNERSHIP_THRESHOLD = 0.5
NOT_YET = ("planned", "idle", "suspended")
"""Links that do not run today and may within the long horizon."""


@dataclass(frozen=True, slots=True)
class System:
    """One transport system.

    Attributes:
        name: as in the column `system` of `network_commodities`.
        channel: its channel in the long table of results.
        goods: what it carries, in words.
        unit: the unit in which quantities of all its commodities are added up.
    """

    name: str
    channel: str
    goods: str
    unit: str


SYSTEMS = {
    system.name: system
    for system in (
        System("oil", "oil_transit", "crude oil", "million_t"),
        System("gas", "gas_transit", "natural gas", "bcm"),
        System("freight", "freight_transit", "goods by rail and sea", "million_t"),
    )
}
"""Every system that a dossier may hold, in the order in which they are shown."""


def systems_of(dossier: Dossier) -> tuple[System, ...]:
    """The systems of which the dossier holds a network; none without one.

    Raises:
        UnknownLabel: a system that is none.
    """
    if not dossier.has(*TABLES):
        return ()
    if not dossier.has("network_commodities"):
        return (SYSTEMS["oil"],)
    named = set(dossier.tables["network_commodities"]["system"])
    for name in sorted(named - set(SYSTEMS)):
        raise UnknownLabel(
            name,
            SYSTEMS,
            what="system",
            file=dossier.header.paths["network_commodities"],
            column="system",
        )
    return tuple(system for system in SYSTEMS.values() if system.name in named)


def system_tables(dossier: Dossier, system: str) -> dict[str, pl.DataFrame]:
    """The rows of one system in the tables of the network, by the engine's names of tables.

    Nodes are those that an edge, a supply or a demand of the system touches.
    """
    tables = {name.removeprefix("network_"): dossier.tables[name] for name in TABLES}
    tables |= {
        name.removeprefix("network_"): dossier.tables[name] for name in UNIT_TABLES if dossier.has(name)
    }
    if "commodities" not in tables:
        return tables
    tables["commodities"] = tables["commodities"].filter(pl.col("system") == system)
    own = tables["commodities"]["commodity"].to_list()
    for name in ("supply", "demand", "conversions"):
        if name in tables:
            tables[name] = tables[name].filter(pl.col("commodity").is_in(own))
    if "conversions" in tables and not tables["conversions"].height:
        del tables["conversions"]
    carries = pl.col("commodities").str.split(";").list.eval(pl.element().is_in(own)).list.any()
    tables["edges"] = tables["edges"].filter(carries)
    ends = [tables["edges"]["from_node"], tables["edges"]["to_node"]]
    used = pl.concat([*ends, tables["supply"]["node_id"], tables["demand"]["node_id"]]).unique().to_list()
    tables["nodes"] = tables["nodes"].filter(pl.col("node_id").is_in(used))
    assets = [*used, *tables["edges"]["edge_id"]]
    tables["control"] = tables["control"].filter(pl.col("asset_id").is_in(assets))
    return tables


def build_network(
    dossier: Dossier,
    *,
    system: str = "oil",
    capacity: str = "capacity",
    fields: bool = False,
    planned: bool = False,
) -> Network:
    """The network of one system.

    Args:
        dossier: one with the tables of a network.
        system: its name.
        capacity: which column bounds the edges: capacity, capacity_low or capacity_high (central where blank).
        fields: whether owning a field counts as control. By default it does not: a field's owner decides on output,
            not on transit.
        planned: whether links that are planned, idle or suspended are open as well.

    Raises:
        DataError, UnknownLabel: from the network engine.
    """
    tables = system_tables(dossier, system)
    edges = tables.pop("edges").with_columns(capacity=pl.coalesce(capacity, "capacity"))
    if planned:
        edges = edges.with_columns(status=pl.col("status").replace(dict.fromkeys(NOT_YET, "operating")))
    control, nodes = tables.pop("control"), tables["nodes"]
    if not fields:
        at_field = pl.col("asset_id").is_in(nodes.filter(pl.col("kind") == "field")["node_id"].to_list())
        control = control.filter(~(at_field & (pl.col("basis") == "ownership")))
    names = {name: dossier.header.paths[f"network_{name}"] for name in (*tables, "edges", "control")}
    return Network.from_frames(**tables, edges=edges, control=control, names=names)
