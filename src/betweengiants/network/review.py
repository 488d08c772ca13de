"""Every fault of a folder of network tables, row by row; reading for a solve stops at the first one.

Rules of single rows come first. Where they find nothing, the network is put together and looked at as a whole: cycles
that earn money, demand that nothing reaches, places that nothing touches, demand that no supply can serve at its price.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from betweengiants.core.countries import blocs, countries
from betweengiants.core.errors import DataError, nearest, summary
from betweengiants.core.tables import FALSE_WORDS, FIRST_RECORD, TRUE_WORDS, Kind
from betweengiants.core.units import UNITS
from betweengiants.network.checks import MoneyPump, arcs
from betweengiants.network.model import COLUMNS, Network, read_frames
from betweengiants.network.reading import BASES, EXTRAS, FILLED_IF_OPERATING, LIST_MARK, NODE_LIMITS, STATUSES
from betweengiants.network.timeline_tables import MEASURES, STORAGE_FURTHER

KEYS = {
    "nodes": ("node_id",),
    "edges": ("edge_id",),
    "supply": ("node_id", "commodity"),
    "demand": ("node_id", "market", "commodity"),
    "control": ("asset_id", "power", "basis"),
    "commodities": ("commodity",),
    "conversions": ("commodity", "from_unit", "to_unit"),
    "storage": ("node_id", "commodity"),
    "ramps": ("asset_id", "measure"),
}
MAY_BE_BLANK = {
    "nodes": {"name", "kind", "country", "lat", "lon", *NODE_LIMITS},
    "edges": {"mode", "commodities", "capacity", *EXTRAS, "status"},
    "demand": {"market"},
    "control": {"share"},
    "storage": set(STORAGE_FURTHER),
}
RANGES = {
    "lat": (-90.0, 90.0),
    "lon": (-180.0, 180.0),
    "capacity": (0.0, math.inf),
    "loss": (0.0, math.nextafter(1.0, 0.0)),
    "quantity": (0.0, math.inf),
    "price": (0.0, math.inf),
    "share": (0.0, 1.0),
    "factor": (math.ulp(0.0), math.inf),
    **dict.fromkeys(("initial", "max_in", "max_out", "value"), (0.0, math.inf)),
}
EXTRA_KINDS: dict[str, dict[str, Kind]] = {
    "nodes": NODE_LIMITS,
    "edges": {**EXTRAS, "status": "text"},
    "demand": {"market": "text"},
    "control": {"share": "number"},
    "storage": STORAGE_FURTHER,
}
UNIT_COLUMNS = ("capacity_unit", "unit", "from_unit", "to_unit")
Row = Mapping[str, str | None]
Frames = Mapping[str, pl.DataFrame | None]


class Fault(NamedTuple):
    """One fault.

    Attributes:
        file: the table's file. row: spreadsheet row (the header is row 1), 0 for the whole file. column: or empty.
        check: the rule. found, allowed: what stands there, and what would be accepted.
    """

    file: str
    row: int
    column: str
    check: str
    found: str
    allowed: str


def review(folder: Path | str) -> pl.DataFrame:
    """All faults of a folder.

    Returns:
        file, row, column, check, found, allowed; no rows for a clean folder.

    Raises:
        DataError: no such folder or file, or a file that is no table.
    """
    frames = read_frames(folder)
    faults = [fault for table in COLUMNS for fault in _table_faults(table, frames)]
    if not faults:
        faults = list(_whole(frames))
    schema = dict.fromkeys(Fault._fields, pl.String()) | {"row": pl.Int64()}
    return pl.DataFrame(faults, schema=schema, orient="row")


def _table_faults(table: str, frames: Frames) -> Iterator[Fault]:
    frame, file = frames[table], f"{table}.csv"
    if frame is None:
        return
    kinds = {**COLUMNS[table], **EXTRA_KINDS.get(table, {})}
    for column in COLUMNS[table]:
        if column not in frame.columns:
            yield Fault(file, 1, column, "columns", "no such column", f"columns {', '.join(COLUMNS[table])}")
    keys = [column for column in KEYS[table] if column in frame.columns]
    seen: Counter[tuple[str | None, ...]] = Counter()
    known = _known(frames)
    for at, row in enumerate(frame.iter_rows(named=True), FIRST_RECORD):
        key = tuple(row[column] for column in keys)
        seen[key] += 1
        if seen[key] > 1:
            shown = ", ".join(f"{c}={v or '(empty)'}" for c, v in zip(keys, key, strict=True))
            yield Fault(
                file, at, keys[0], "key", f"a second row for {shown}", f"one row for each {', '.join(keys)}"
            )
        operates = table == "edges" and (row.get("status") or "operating") == "operating"
        for column, value in row.items():
            yield from _cell(table, at, column, value, kinds[column], operates)
        for rule in ROW_RULES.get(table, ()):
            yield from rule(at, row, known)


def _cell(table: str, at: int, column: str, value: str | None, kind: Kind, operates: bool) -> Iterator[Fault]:
    file = f"{table}.csv"
    if value is None or not value.strip():
        needed = column not in MAY_BE_BLANK.get(table, set())
        if needed and (operates or column not in FILLED_IF_OPERATING):
            yield Fault(file, at, column, "empty", "an empty cell", f"a {kind}")
        return
    if kind == "number":
        try:
            number = float(value)
        except ValueError:
            yield Fault(file, at, column, "number", f"'{value}'", "a number")
            return
        low, high = RANGES.get(column, (-math.inf, math.inf))
        endless = math.isinf(number) and column != "capacity"
        if math.isnan(number) or endless or not low <= number <= high:
            bounds = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
            bounds = "from 0 to below 1" if column == "loss" else "above 0" if column == "factor" else bounds
            yield Fault(file, at, column, "range", value, f"finite numbers {bounds}")
    elif kind == "flag" and value.strip().lower() not in (*TRUE_WORDS, *FALSE_WORDS):
        yield Fault(file, at, column, "flag", f"'{value}'", "true or false")
    elif column in UNIT_COLUMNS and value not in UNITS:
        yield Fault(file, at, column, "unit", f"unknown unit '{value}'", _did_you_mean(value, UNITS))
    elif column == "status" and value not in STATUSES:
        yield Fault(file, at, column, "status", f"'{value}'", ", ".join(STATUSES))
    elif column == "basis" and value not in BASES:
        yield Fault(file, at, column, "basis", f"'{value}'", ", ".join(BASES))
    elif column == "measure" and value not in MEASURES:
        yield Fault(file, at, column, "measure", f"'{value}'", ", ".join(MEASURES))


class _Known(NamedTuple):
    """Names that rows may refer to."""

    nodes: frozenset[str]
    edges: frozenset[str]
    powers: frozenset[str]


def _known(frames: Frames) -> _Known:
    nodes, edges = _column(frames, "nodes", "node_id"), _column(frames, "edges", "edge_id")
    places = _column(frames, "nodes", "country") | _column(frames, "demand", "market")
    return _Known(nodes, edges, places | frozenset(countries()) | frozenset(blocs()))


def _column(frames: Frames, table: str, column: str) -> frozenset[str]:
    frame = frames[table]
    return (
        frozenset() if frame is None or column not in frame.columns else frozenset(frame[column].drop_nulls())
    )


def _edge_ends(at: int, row: Row, known: _Known) -> Iterator[Fault]:
    for column in ("from_node", "to_node"):
        yield from _reference("edges.csv", at, column, row.get(column), known.nodes, "node")
    if row.get("from_node") and row.get("from_node") == row.get("to_node"):
        yield Fault("edges.csv", at, "to_node", "loop", "an edge to itself", "two different nodes")


def _edge_powers(at: int, row: Row, known: _Known) -> Iterator[Fault]:
    for power in (part.strip() for part in (row.get("controlled_by") or "").split(LIST_MARK)):
        if power:
            yield from _reference("edges.csv", at, "controlled_by", power, known.powers, "power")


def _ramp_row(at: int, row: Row, known: _Known) -> Iterator[Fault]:
    assets = known.nodes | known.edges
    yield from _reference("ramps.csv", at, "asset_id", row.get("asset_id"), assets, "edge or node")


def _control_row(at: int, row: Row, known: _Known) -> Iterator[Fault]:
    yield from _reference(
        "control.csv", at, "asset_id", row.get("asset_id"), known.nodes | known.edges, "edge or node"
    )
    yield from _reference("control.csv", at, "power", row.get("power"), known.powers, "power")


def _volume_node(file: str) -> Callable[[int, Row, _Known], Iterator[Fault]]:
    return lambda at, row, known: _reference(file, at, "node_id", row.get("node_id"), known.nodes, "node")


ROW_RULES: dict[str, tuple[Callable[[int, Row, _Known], Iterator[Fault]], ...]] = {
    "edges": (_edge_ends, _edge_powers),
    "supply": (_volume_node("supply.csv"),),
    "demand": (_volume_node("demand.csv"),),
    "control": (_control_row,),
    "storage": (_volume_node("storage.csv"),),
    "ramps": (_ramp_row,),
}


def _reference(
    file: str, at: int, column: str, value: str | None, known: frozenset[str], what: str
) -> Iterator[Fault]:
    if value and value not in known:
        yield Fault(file, at, column, f"unknown {what}", f"'{value}'", _did_you_mean(value, known))


def _did_you_mean(value: str, known: Mapping[str, object] | frozenset[str]) -> str:
    names = sorted(known)
    near = nearest(value, names)
    return f"did you mean {' or '.join(near)}?" if near else f"one of {summary(names)}"


def _whole(frames: Frames) -> Iterator[Fault]:
    """What only the network as a whole shows; each fault is set aside to find the next one behind it."""
    tables = {name: frame for name, frame in frames.items() if frame is not None}
    names = {table: f"{table}.csv" for table in COLUMNS}
    rows = {edge: at for at, edge in enumerate(tables["edges"]["edge_id"], FIRST_RECORD)}
    for _ in range(tables["edges"].height + tables["demand"].height):
        try:
            network = Network.from_frames(**tables, names=names)
            break
        except MoneyPump as error:
            for edge in error.edges:
                yield Fault(names["edges"], rows[edge], "cost", "cycle", error.found, error.allowed)
            tables["edges"] = _free_of_charge(tables["edges"], error.edges)
        except DataError as error:
            yield Fault(
                error.file or "", error.row or 0, error.column or "", "network", error.found, error.allowed
            )
            if error.row is None or error.file != names["demand"]:
                return
            tables["demand"] = _nothing_wanted(tables["demand"], error.row - FIRST_RECORD)
    else:
        return
    yield from _orphans(frames, network)
    yield from _stranded(network, tables)
    yield from _never_served(network, tables)


def _free_of_charge(edges: pl.DataFrame, cycle: Sequence[str]) -> pl.DataFrame:
    """The edges with the negative costs of a cycle at zero."""
    pays = pl.col("edge_id").is_in(list(cycle)) & pl.col("cost").str.starts_with("-")
    return edges.with_columns(cost=pl.when(pays).then(pl.lit("0")).otherwise(pl.col("cost")))


def _nothing_wanted(demand: pl.DataFrame, place: int) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == place
    return demand.with_columns(quantity=pl.when(here).then(pl.lit("0")).otherwise(pl.col("quantity")))


def _orphans(frames: Frames, network: Network) -> Iterator[Fault]:
    nodes, edges = frames["nodes"], frames["edges"]
    assert nodes is not None
    assert edges is not None
    touched = {*edges["from_node"], *edges["to_node"], *network.supply["node_id"], *network.demand["node_id"]}
    for at, node in enumerate(nodes["node_id"], FIRST_RECORD):
        if node not in touched:
            yield Fault(
                "nodes.csv", at, "node_id", "orphan", f"'{node}'", "a node with an edge, supply or demand"
            )


def _stranded(network: Network, tables: Mapping[str, pl.DataFrame]) -> Iterator[Fault]:
    """Supply from which no demand can be reached."""
    for at, (node, commodity) in enumerate(
        tables["supply"].select("node_id", "commodity").iter_rows(), FIRST_RECORD
    ):
        start, kind = network.node_index[node], network.commodity_index[commodity]
        wanted = network.arrays.demand_node[network.arrays.demand_commodity == kind]
        if not np.isfinite(_cheapest(network, kind, {start: 0.0})[wanted]).any():
            yield Fault(
                "supply.csv",
                at,
                "node_id",
                "dead end",
                f"'{commodity}' at '{node}'",
                "supply that reaches a demand",
            )


def _never_served(network: Network, tables: Mapping[str, pl.DataFrame]) -> Iterator[Fault]:
    """Demand whose price is below the least cost at which a unit could arrive, whatever the capacities."""
    numbers = network.arrays
    least = np.full((network.arrays.commodity_count, numbers.node_count), np.inf)
    for commodity in range(numbers.commodity_count):
        made = np.flatnonzero((numbers.supply_commodity == commodity) & (numbers.supply_quantity > 0))
        start: dict[int, float] = {}
        for supply in made.tolist():
            node, cost = int(numbers.supply_node[supply]), float(numbers.supply_cost[supply])
            start[node] = min(cost, start.get(node, np.inf))
        least[commodity] = _cheapest(network, commodity, start)
    for at, (node, commodity, quantity, price) in enumerate(
        tables["demand"].select("node_id", "commodity", "quantity", "price").iter_rows(), FIRST_RECORD
    ):
        cost = float(least[network.commodity_index[commodity], network.node_index[node]])
        if float(quantity) > 0 and float(price) < cost:
            yield Fault(
                "demand.csv",
                at,
                "price",
                "never served",
                f"{float(price):g} for '{commodity}' at '{node}'",
                f"at least {cost:g}, the least that a unit costs there"
                if np.isfinite(cost)
                else "supply that reaches it",
            )


def _cheapest(
    network: Network, commodity: int, start: Mapping[int, float]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(N,) least cost of one unit that arrives, lost units paid for (Dijkstra; negative costs count as zero)."""
    onward: dict[int, list[tuple[int, float, float]]] = {}
    for begin, end, cost, edge in arcs(network.arrays, commodity):
        onward.setdefault(begin, []).append((end, max(cost, 0.0), 1.0 - float(network.arrays.loss[edge])))
    least = np.full(network.arrays.node_count, np.inf)
    waiting = [(cost, node) for node, cost in start.items()]
    heapq.heapify(waiting)
    while waiting:
        cost, node = heapq.heappop(waiting)
        if cost >= least[node]:
            continue
        least[node] = cost
        for end, fee, kept in onward.get(node, ()):
            heapq.heappush(waiting, ((cost + fee) / kept, end))
    return least
