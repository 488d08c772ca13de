"""Tables that give a network a clock: stores at nodes, and how fast edges and supplies can change.

`storage.csv`: `node_id,commodity,capacity,initial[,max_in,max_out,cost]`. Quantities in the commodity's unit, rates in that
unit a day (blank: unlimited), cost in money for a unit put in (blank: 0).
`ramps.csv`: `asset_id,measure,value`, one row for each thing that is known; what has no row changes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD, Kind, require_member, require_range, require_unique, typed
from betweengiants.network.reading import require_known

if TYPE_CHECKING:
    from betweengiants.network.model import Floats, Ints, Network

STORAGE: dict[str, Kind] = {"node_id": "text", "commodity": "text", "capacity": "number", "initial": "number"}
STORAGE_FURTHER: dict[str, Kind] = {"max_in": "number", "max_out": "number", "cost": "number"}
RAMPS: dict[str, Kind] = {"asset_id": "text", "measure": "text", "value": "number"}
EDGE_MEASURES = ("notice_days", "ramp_days", "restart_days", "fleet")
SUPPLY_MEASURES = ("restart_days", "turndown_days", "least_share")
MEASURES = tuple(dict.fromkeys(EDGE_MEASURES + SUPPLY_MEASURES))
DAYS_IN_YEAR = 365.0
MOST = 1e15  # beyond it a number is a slip, and adding to it loses whole units


@dataclass(frozen=True, slots=True, eq=False)
class Stores:
    """Stores as numbers, in the network's own units.

    Attributes:
        node, commodity: (M,) places.
        capacity, initial: (M,) quantities.
        max_in, max_out: (M,) quantity a year, inf = unlimited.
        cost: (M,) money for a unit put in.
    """

    node: Ints
    commodity: Ints
    capacity: Floats
    initial: Floats
    max_in: Floats
    max_out: Floats
    cost: Floats

    @classmethod
    def of(cls, network: Network, frame: pl.DataFrame) -> Stores:
        """The numbers of a table that `checked_storage` has passed."""
        most_in, most_out = (
            frame[column].fill_null(np.inf).to_numpy() * DAYS_IN_YEAR for column in ("max_in", "max_out")
        )
        return cls(
            np.array([network.node_index[node] for node in frame["node_id"]], dtype=np.int64),
            np.array([network.commodity_index[name] for name in frame["commodity"]], dtype=np.int64),
            frame["capacity"].to_numpy(),
            frame["initial"].to_numpy(),
            most_in,
            most_out,
            frame["cost"].to_numpy(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ramps:
    """How fast things change, as numbers; 0 days = at once.

    Attributes:
        notice, ramp, reopen: (E,) days before an edge may carry more than today, days from then to full capacity, days
            that a closed edge takes to come back.
        fleet: (E,) most that ships or wagons carry in a year, inf = no such limit.
        restart, turndown: (S,) days that a supply takes from nothing to full, and from full to nothing.
        least: (S,) share of its full quantity below which a supply does not go.
    """

    notice: Floats
    ramp: Floats
    reopen: Floats
    fleet: Floats
    restart: Floats
    turndown: Floats
    least: Floats

    @classmethod
    def of(cls, network: Network, frame: pl.DataFrame) -> Ramps:
        """The numbers of a table that `checked_ramps` has passed; a node's row counts for every supply there."""
        stated = {(asset, measure): value for asset, measure, value in frame.iter_rows()}

        def column(ids: pl.Series, measure: str, otherwise: float = 0.0) -> Floats:
            return np.array([stated.get((asset, measure), otherwise) for asset in ids], dtype=float)

        edges, nodes = network.edges["edge_id"], network.supply["node_id"]
        return cls(
            column(edges, "notice_days"),
            column(edges, "ramp_days"),
            column(edges, "restart_days"),
            column(edges, "fleet", np.inf),
            column(nodes, "restart_days"),
            column(nodes, "turndown_days"),
            column(nodes, "least_share"),
        )


def checked_storage(raw: pl.DataFrame | None, network: Network, name: str) -> pl.DataFrame:
    """node_id, commodity, capacity, initial, max_in, max_out (null = unlimited), cost, sorted; further columns are dropped.

    Args:
        raw: the table; None or without rows: no stores.
        network: the network that it belongs to.
        name: how messages call the table.

    Raises:
        DataError: a missing column, a cell that is empty, negative or no number, a store twice, more in it than it holds.
        UnknownLabel: a node or commodity that the network does not hold, with the nearest names.
    """
    columns = STORAGE | STORAGE_FURTHER
    kinds = {column: pl.String() if kind == "text" else pl.Float64() for column, kind in columns.items()}
    if raw is None or raw.height == 0:
        return pl.DataFrame(schema=kinds)
    frame = typed(raw, STORAGE, optional=STORAGE_FURTHER, blanks=tuple(STORAGE_FURTHER), name=name)
    absent = (column for column in STORAGE_FURTHER if column not in frame.columns)
    frame = frame.with_columns(pl.lit(None, pl.Float64).alias(column) for column in absent)
    require_known(frame, "node_id", list(network.node_index), "node", name)
    require_known(frame, "commodity", network.commodities, "commodity", name)
    require_unique(frame, ("node_id", "commodity"), name)
    for column in ("capacity", "initial", *STORAGE_FURTHER):
        require_range(frame, column, name, minimum=0, maximum=MOST)
    _refuse(
        frame,
        "initial",
        frame["initial"] > frame["capacity"],
        name,
        pl.format("{} in a store of {}", "initial", "capacity"),
        "at most the capacity",
    )
    return frame.with_columns(pl.col("cost").fill_null(0.0)).select(*columns).sort("node_id", "commodity")


def checked_ramps(raw: pl.DataFrame | None, network: Network, name: str) -> pl.DataFrame:
    """asset_id, measure, value, sorted; further columns are dropped.

    Args:
        raw: the table; None or without rows: all changes at once.
        network: the network that it belongs to; rows of edges that do not operate take no effect.
        name: how messages call the table.

    Raises:
        DataError: a missing column; a cell that is empty, negative or no number; a measure that is none; a row twice; a
            share above 1; a ramp up to a capacity that nothing bounds; a name that is both a node and an edge.
        UnknownLabel: an asset that the network does not hold, an edge's measure of a node or a supply's of an edge.
    """
    if raw is None or raw.height == 0:
        return pl.DataFrame(schema={"asset_id": pl.String, "measure": pl.String, "value": pl.Float64})
    frame = typed(raw, RAMPS, name=name).select(*RAMPS)
    nodes, suppliers = list(network.node_index), network.supply["node_id"].to_list()
    ids = [*network.edge_index, *network.not_operating["edge_id"]]
    require_member(frame, "measure", MEASURES, name)
    require_known(frame, "asset_id", [*ids, *nodes], "edge or node", name)
    both = set(ids) & set(nodes)
    _refuse(
        frame,
        "asset_id",
        frame["asset_id"].is_in(sorted(both)),
        name,
        pl.format("'{}', both a node and an edge", "asset_id"),
        "names that mean one thing",
    )
    for only, known, what in (
        (set(EDGE_MEASURES) - set(SUPPLY_MEASURES), ids, "edge"),
        (set(SUPPLY_MEASURES) - set(EDGE_MEASURES), suppliers, "node with a supply"),
        (set(MEASURES), [*ids, *suppliers], "edge or node with a supply"),
    ):
        require_known(frame, "asset_id", known, what, name, when=frame["measure"].is_in(sorted(only)))
    require_unique(frame, ("asset_id", "measure"), name)
    require_range(frame, "value", name, minimum=0, maximum=MOST)
    _refuse(
        frame,
        "value",
        (frame["measure"] == "least_share") & (frame["value"] > 1),
        name,
        pl.format("{}", "value"),
        "a share from 0 to 1",
    )
    capped = frame.filter(pl.col("measure") == "fleet")["asset_id"]
    unlimited = network.edges.filter(
        pl.col("capacity").is_null() & ~pl.col("edge_id").is_in(capped.to_list())
    )["edge_id"]
    _refuse(
        frame,
        "asset_id",
        (frame["measure"] == "ramp_days")
        & frame["asset_id"].is_in(unlimited.to_list())
        & (frame["value"] > 0),
        name,
        pl.format("a ramp of '{}', whose capacity is unlimited", "asset_id"),
        "a ramp of an edge that has a capacity or a fleet",
    )
    return frame.sort("asset_id", "measure")


def _refuse(
    frame: pl.DataFrame, column: str, bad: pl.Series, name: str, found: pl.Expr, allowed: str
) -> None:
    """Raise DataError at the first bad row, with what `found` says of it."""
    if bad.any():
        row = int(bad.arg_max() or 0)
        shown = str(frame.select(found.alias("found"))["found"][row])
        raise DataError(file=name, row=row + FIRST_RECORD, column=column, found=shown, allowed=allowed)
