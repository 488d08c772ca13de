"""The network: nodes, edges, supply and demand, checked once and then never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError
from betweengiants.core.tables import Kind, read_table
from betweengiants.network import checks
from betweengiants.network.reading import (
    CONTROL,
    DEMAND,
    EDGES,
    NODES,
    SUPPLY,
    Tables,
    checked_tables,
)
from betweengiants.network.timeline_tables import (
    RAMPS,
    STORAGE,
    STORAGE_FURTHER,
    checked_ramps,
    checked_storage,
)
from betweengiants.network.units import COMMODITIES, CONVERSIONS, weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
COLUMNS: dict[str, Mapping[str, Kind]] = {
    "nodes": NODES,
    "edges": EDGES,
    "supply": SUPPLY,
    "demand": DEMAND,
    "control": CONTROL,
    "commodities": COMMODITIES,
    "conversions": CONVERSIONS,
    "storage": STORAGE,
    "ramps": RAMPS,
}
"""Tables of a folder and their required columns."""
OPTIONAL = ("control", "commodities", "conversions", "storage", "ramps")
FURTHER = {
    "nodes": ("capacity", "capacity_unit"),
    "edges": ("controlled_by", "status", "capacity_unit"),
    "demand": ("market",),
    "control": ("share",),
    "storage": tuple(STORAGE_FURTHER),
}
"""Columns that a file may have besides the required ones."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkArrays:
    """The network as numbers; nodes, edges and commodities by their place in the sorted lists.

    Attributes:
        node_count, commodity_count: N and K.
        edge_from, edge_to: (E,) node places.
        capacity: (E,) what may enter in a year, all commodities and both directions together; inf = unlimited.
        weight: (E, K) units of capacity that one unit of a commodity takes (1: the same unit).
        cost, loss: (E,) per unit of capacity that enters; share of what enters that does not arrive.
        node_capacity: (N,) what may pass a node in a year (arrivals and its own supply), inf = unlimited.
        node_weight: (N, K) units of node capacity that one unit of a commodity takes.
        bidirectional: (E,) may run from `edge_to` to `edge_from` as well.
        carries: (E, K) which commodities may use the edge.
        supply_node, supply_commodity: (S,); supply_quantity, supply_cost: (S,) upper bound and unit cost.
        demand_node, demand_commodity: (D,); demand_quantity, demand_price: (D,) upper bound and unit price.
    """

    node_count: int
    commodity_count: int
    edge_from: Ints
    edge_to: Ints
    capacity: Floats
    weight: Floats
    cost: Floats
    loss: Floats
    bidirectional: Flags
    carries: Flags
    node_capacity: Floats
    node_weight: Floats
    supply_node: Ints
    supply_commodity: Ints
    supply_quantity: Floats
    supply_cost: Floats
    demand_node: Ints
    demand_commodity: Ints
    demand_quantity: Floats
    demand_price: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What stays open: the one thing that differs between the programmes of one network.

    Attributes:
        edge_open: (E,) flags.
        supply: (S,) and demand: (D,) upper bounds, in the network's own units.
    """

    edge_open: Flags
    supply: Floats
    demand: Floats


@dataclass(frozen=True, eq=False)
class Network:
    """A checked network, every table sorted by its key, so that the order of the input's rows does not matter.

    Attributes:
        nodes: node_id, name, kind, country, lat, lon, capacity (null = unlimited), capacity_unit, territory.
        edges: the operating edges: edge_id, from_node, to_node, mode, commodities (list), capacity (null = unlimited),
            cost, loss, bidirectional, controlled_by (list), capacity_unit.
        not_operating: edge_id, status of the others; they take no part in the programme.
        supply: node_id, commodity, quantity, cost.
        demand: node_id, market, commodity, quantity, price.
        control: asset_id, asset, power, basis, share, stated_in (rows of `controlled_by` and of the control table).
        commodities: names, sorted.
        units: unit by commodity, as far as stated.
        node_index, edge_index, commodity_index: place of a name in `nodes`, `edges`, `commodities`.
        arrays: the same as numbers.
        notes: sentences on blanks and on what is left out.
        storage, ramps: stores and how fast things change (columns in `timeline_tables`); empty where not stated.
    """

    nodes: pl.DataFrame
    edges: pl.DataFrame
    not_operating: pl.DataFrame
    supply: pl.DataFrame
    demand: pl.DataFrame
    control: pl.DataFrame
    commodities: tuple[str, ...]
    units: Mapping[str, str]
    node_index: Mapping[str, int]
    edge_index: Mapping[str, int]
    commodity_index: Mapping[str, int]
    arrays: NetworkArrays
    notes: tuple[str, ...] = ()
    storage: pl.DataFrame = field(default_factory=pl.DataFrame)
    ramps: pl.DataFrame = field(default_factory=pl.DataFrame)

    @classmethod
    def from_frames(
        cls,
        nodes: pl.DataFrame,
        edges: pl.DataFrame,
        supply: pl.DataFrame,
        demand: pl.DataFrame,
        *,
        control: pl.DataFrame | None = None,
        commodities: pl.DataFrame | None = None,
        conversions: pl.DataFrame | None = None,
        storage: pl.DataFrame | None = None,
        ramps: pl.DataFrame | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Network:
        """Build a network from data frames; columns that are not known are ignored.

        Args:
            nodes: node_id, name, kind, country, lat, lon, optionally capacity (what may pass in a year) and
                capacity_unit.
            edges: edge_id, from_node, to_node, mode, commodities, capacity, cost, loss, bidirectional, controlled_by
                (may be absent when `control` is given), optionally status (only `operating` edges take part) and
                capacity_unit (of capacity and cost; blank: the unit of what it carries).
            supply: node_id, commodity, quantity, cost.
            demand: node_id, commodity, quantity, price, optionally market (default: the node's country, else the node).
            control: asset_id, power, basis, optionally share.
            commodities: commodity, unit; where absent, all is taken to be in one unit.
            conversions: commodity, from_unit, to_unit, factor (see `units`).
            storage: node_id, commodity, capacity, initial, optionally max_in, max_out, cost; used by `simulate` alone.
            ramps: asset_id, measure, value; used by `simulate` alone (for both see `timeline_tables`).
            names: how messages call the tables (keys nodes, edges, supply, demand, control, ...).

        Raises:
            DataError: a missing column; an empty, negative or non-numeric cell; a key twice; a loss outside [0, 1); an
                edge from a node to itself; a place outside the globe; no supply or no demand; a demand that no
                supply can reach; a cycle of edges without loss and of negative cost; a capacity in a unit that nothing
                converts.
            UnknownLabel: a unit, node, commodity or asset that the other tables do not hold, with the nearest names.
        """
        called = {table: (names or {}).get(table, table) for table in COLUMNS}
        tables = checked_tables(nodes, edges, supply, demand, control, commodities, conversions, called)
        network = _assemble(tables, called)
        return replace(
            network,
            storage=checked_storage(storage, network, called["storage"]),
            ramps=checked_ramps(ramps, network, called["ramps"]),
        )

    @property
    def powers(self) -> tuple[str, ...]:
        """Every name that can be asked to sever: countries of nodes, their blocs, and holders of control."""
        places = {*self.nodes["country"], *self.nodes["territory"], *self.control["power"]} - {None}
        markets = set(self.demand["market"]) - set(self.node_index)
        return tuple(sorted(places | markets))

    @property
    def everything(self) -> Limits:
        """Limits of the network as it stands."""
        numbers = self.arrays
        return Limits(np.ones(len(numbers.capacity), bool), numbers.supply_quantity, numbers.demand_quantity)


def read_network(folder: Path | str) -> Network:
    """Read nodes.csv, edges.csv, supply.csv, demand.csv and, where they are there, the tables of OPTIONAL.

    Raises:
        DataError: no such folder or file, and all that `Network.from_frames` refuses.
    """
    frames = read_frames(folder)
    nodes, edges, supply, demand = (frames.pop(table) for table in ("nodes", "edges", "supply", "demand"))
    assert nodes is not None
    assert edges is not None
    assert supply is not None
    assert demand is not None
    names = {table: f"{table}.csv" for table in COLUMNS}
    return Network.from_frames(nodes, edges, supply, demand, **frames, names=names)


def read_frames(folder: Path | str) -> dict[str, pl.DataFrame | None]:
    """The tables of a folder as text, not yet checked; None for those of OPTIONAL that are not there.

    Raises:
        DataError: no such folder or file, or a file that is no table.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            found=f"no folder '{folder}'",
            allowed="a folder with nodes.csv, edges.csv, supply.csv and demand.csv",
        )
    frames: dict[str, pl.DataFrame | None] = {}
    for table, known in COLUMNS.items():
        path = folder / f"{table}.csv"
        if table in OPTIONAL and not path.is_file():
            frames[table] = None
            continue
        # Read as text here; kinds, blanks and ranges are checked where frames from memory are checked too.
        text: dict[str, Kind] = dict.fromkeys((*known, *FURTHER.get(table, ())), "text")
        frames[table] = read_table(path, {}, optional=text, blanks=tuple(text), name=path.name)
    return frames


def _assemble(tables: Tables, called: Mapping[str, str]) -> Network:
    nodes = tables.nodes.sort("node_id")
    operating = tables.edges.filter(pl.col("status") == "operating")
    if operating.height == 0:
        raise DataError(
            file=called["edges"], found="no operating edge", allowed="at least one operating edge"
        )
    edges = operating.drop("status").sort("edge_id")
    demand = tables.demand
    node_index = {node: place for place, node in enumerate(nodes["node_id"])}
    commodity_index = {name: place for place, name in enumerate(tables.commodities)}
    weight = _weights(tables, nodes, edges, called)
    unsorted = _arrays(nodes, edges, tables.supply, demand, node_index, commodity_index, weight)
    stranded = checks.refuse_disconnected(unsorted, demand, called["demand"])
    supply, demand = tables.supply.sort("node_id", "commodity"), demand.sort("node_id", "market", "commodity")
    checks.refuse_money_pumps(unsorted, edges["edge_id"].to_list(), tables.commodities, called["edges"])
    lost = (
        tables.supply.filter(pl.Series(stranded, dtype=pl.Boolean))
        .select("node_id", "commodity")
        .sort(pl.all())
    )
    notes = [f"supply that reaches no demand: {c} at {n}" for n, c in lost.iter_rows()]
    return Network(
        nodes=nodes,
        edges=edges,
        not_operating=tables.edges.filter(pl.col("status") != "operating")
        .select("edge_id", "status")
        .sort("edge_id"),
        supply=supply,
        demand=demand,
        control=tables.control,
        commodities=tables.commodities,
        units=tables.units,
        node_index=node_index,
        edge_index={edge: place for place, edge in enumerate(edges["edge_id"])},
        commodity_index=commodity_index,
        arrays=_arrays(nodes, edges, supply, demand, node_index, commodity_index, weight),
        notes=(*tables.notes, *notes),
    )


def _weights(
    tables: Tables, nodes: pl.DataFrame, edges: pl.DataFrame, called: Mapping[str, str]
) -> tuple[Floats, Floats]:
    """(E, K) and (N, K) units of capacity that one unit of a commodity takes."""
    carries = _carries(edges, tables.commodities)
    passing = np.zeros((nodes.height, len(tables.commodities)), bool)
    place = {node: k for k, node in enumerate(nodes["node_id"])}
    for end in ("from_node", "to_node"):
        np.logical_or.at(passing, _places(edges[end], place), carries)
    sides = (("edges", "edge_id", edges, carries), ("nodes", "node_id", nodes, passing))
    by_edge, by_node = (
        weights(
            frame["capacity_unit"].to_list(),
            flags,
            tables.commodities,
            tables.units,
            tables.factors,
            ids=frame[key].to_list(),
            file=called[table],
        )
        for table, key, frame, flags in sides
    )
    return by_edge, by_node


def _carries(edges: pl.DataFrame, commodities: Sequence[str]) -> Flags:
    place = {name: k for k, name in enumerate(commodities)}
    carries = np.zeros((edges.height, len(place)), bool)
    for edge, names in enumerate(edges["commodities"].to_list()):
        carries[edge, [place[name] for name in names]] = True
    return carries


def _arrays(
    nodes: pl.DataFrame,
    edges: pl.DataFrame,
    supply: pl.DataFrame,
    demand: pl.DataFrame,
    node_index: Mapping[str, int],
    commodity_index: Mapping[str, int],
    weight: tuple[Floats, Floats],
) -> NetworkArrays:
    return NetworkArrays(
        node_count=len(node_index),
        commodity_count=len(commodity_index),
        edge_from=_places(edges["from_node"], node_index),
        edge_to=_places(edges["to_node"], node_index),
        capacity=edges["capacity"].fill_null(np.inf).to_numpy(),
        weight=weight[0],
        cost=edges["cost"].to_numpy(),
        loss=edges["loss"].to_numpy(),
        bidirectional=edges["bidirectional"].to_numpy(),
        carries=_carries(edges, tuple(commodity_index)),
        node_capacity=nodes["capacity"].fill_null(np.inf).to_numpy(),
        node_weight=weight[1],
        supply_node=_places(supply["node_id"], node_index),
        supply_commodity=_places(supply["commodity"], commodity_index),
        supply_quantity=supply["quantity"].to_numpy(),
        supply_cost=supply["cost"].to_numpy(),
        demand_node=_places(demand["node_id"], node_index),
        demand_commodity=_places(demand["commodity"], commodity_index),
        demand_quantity=demand["quantity"].to_numpy(),
        demand_price=demand["price"].to_numpy(),
    )


def _places(names: pl.Series, index: Mapping[str, int]) -> Ints:
    return np.array([index[name] for name in names], dtype=np.int64)
