"""Tables of a network: which columns, which values, and one sentence for what is wrong with them.

Blank cells: `capacity` (unlimited), `capacity_unit` (the commodity's own), `commodities` (all of them), `controlled_by`,
`mode`, `name`, `kind`, `country`, `lat`, `lon`, `market`, `share` may be empty; everything else must be filled in for an
edge that operates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from betweengiants.core.countries import territory_of
from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import FIRST_RECORD, Kind, require_member, require_range, require_unique, typed
from betweengiants.core.units import check_unit
from betweengiants.network.units import Factors, commodity_units, stated_factors

BASES = ("territory", "ownership", "market", "supply")
STATUSES = ("operating", "idle", "suspended", "planned", "cancelled")
TABLES = ("nodes", "edges", "supply", "demand", "control", "commodities", "conversions")
LIST_MARK = ";"

NODES: dict[str, Kind] = {
    "node_id": "text",
    "name": "text",
    "kind": "text",
    "country": "text",
    "lat": "number",
    "lon": "number",
}
EDGES: dict[str, Kind] = {
    "edge_id": "text",
    "from_node": "text",
    "to_node": "text",
    "mode": "text",
    "commodities": "text",
    "capacity": "number",
    "cost": "number",
    "loss": "number",
    "bidirectional": "flag",
}
SUPPLY: dict[str, Kind] = {"node_id": "text", "commodity": "text", "quantity": "number", "cost": "number"}
DEMAND: dict[str, Kind] = {"node_id": "text", "commodity": "text", "quantity": "number", "price": "number"}
CONTROL: dict[str, Kind] = {"asset_id": "text", "power": "text", "basis": "text"}
NODE_LIMITS: dict[str, Kind] = {"capacity": "number", "capacity_unit": "text"}
EXTRAS: dict[str, Kind] = {"controlled_by": "text", "capacity_unit": "text"}
"""Columns of edges that may be absent or blank."""
FILLED_IF_OPERATING = ("cost", "loss", "bidirectional")


@dataclass(frozen=True, slots=True)
class Tables:
    """Checked tables, still in the row order of the input (so that a row number means what the user sees).

    Attributes:
        nodes: node_id, name, kind, country, lat, lon, capacity (what may pass, null = unlimited), capacity_unit,
            territory (the bloc of the country, or the country).
        edges: columns of the input, `commodities` and `controlled_by` as lists, `status` filled, `capacity` null =
            unlimited, `capacity_unit` null = the unit of what the edge carries.
        supply: node_id, commodity, quantity, cost.
        demand: node_id, market, commodity, quantity, price.
        control: asset_id, asset (edge or node), power, basis, share (null = control stated), stated_in.
        commodities: every commodity of edges, supply and demand, sorted.
        units: unit by commodity, as far as stated.
        factors: stated conversions (see `units`).
        notes: what a reader should know about blanks.
    """

    nodes: pl.DataFrame
    edges: pl.DataFrame
    supply: pl.DataFrame
    demand: pl.DataFrame
    control: pl.DataFrame
    commodities: tuple[str, ...]
    units: Mapping[str, str]
    factors: Factors
    notes: tuple[str, ...]


def checked_tables(
    nodes: pl.DataFrame,
    edges: pl.DataFrame,
    supply: pl.DataFrame,
    demand: pl.DataFrame,
    control: pl.DataFrame | None,
    commodities: pl.DataFrame | None,
    conversions: pl.DataFrame | None,
    names: Mapping[str, str],
) -> Tables:
    """Check every table by itself and against the others (see `Network.from_frames` for the refusals)."""
    node_table = _nodes(nodes, names["nodes"])
    edge_table = _edges(edges, names["edges"], controlled=control is None)
    known_nodes = node_table["node_id"].to_list()
    for column in ("from_node", "to_node"):
        require_known(edge_table, column, known_nodes, "node", names["edges"])
    _refuse_loops(edge_table, names["edges"])
    supply_table = _volumes(supply, SUPPLY, {}, known_nodes, names["supply"])
    demand_table = _with_market(
        _volumes(demand, DEMAND, {"market": "text"}, known_nodes, names["demand"]), node_table
    )
    require_unique(supply_table, ("node_id", "commodity"), names["supply"])
    require_unique(demand_table, ("node_id", "market", "commodity"), names["demand"])
    edge_table, listed, notes = _commodities(edge_table, supply_table, demand_table, names)
    stated = _stated_control(edge_table)
    if control is not None:
        stated = pl.concat([stated, _control(control, node_table, edge_table, names["control"])])
    return Tables(
        node_table,
        edge_table,
        supply_table,
        demand_table,
        stated.sort("asset_id", "power", "basis", "stated_in"),
        listed,
        commodity_units(commodities, names["commodities"]),
        stated_factors(conversions, names["conversions"]),
        (*_capacity_notes(edge_table), *notes),
    )


def require_known(
    frame: pl.DataFrame,
    column: str,
    known: Sequence[str],
    what: str,
    name: str,
    *,
    when: pl.Series | None = None,
) -> None:
    """Raise UnknownLabel at the first text of `column` that is not in `known` (only rows where `when` holds)."""
    bad = ~frame[column].is_in(list(known))
    if when is not None:
        bad = bad & when
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise UnknownLabel(
            str(frame[column][row]), known, what=what, file=name, row=row + FIRST_RECORD, column=column
        )


def _nodes(raw: pl.DataFrame, name: str) -> pl.DataFrame:
    frame = typed(
        raw,
        NODES,
        optional=NODE_LIMITS,
        blanks=("name", "kind", "country", "lat", "lon", *NODE_LIMITS),
        name=name,
    )
    frame = _with_columns(frame, NODE_LIMITS)
    require_unique(frame, ("node_id",), name)
    require_range(frame, "lat", name, minimum=-90, maximum=90)
    require_range(frame, "lon", name, minimum=-180, maximum=180)
    territory = frame["country"].map_elements(territory_of, return_dtype=pl.String, skip_nulls=True)
    require_range(frame, "capacity", name, minimum=0)
    _check_units(frame, name)
    return frame.with_columns(territory.alias("territory"), _finite_or_null("capacity"))


def _edges(raw: pl.DataFrame, name: str, *, controlled: bool) -> pl.DataFrame:
    has_status = "status" in raw.columns
    blanks = [
        "mode",
        "commodities",
        "capacity",
        *EXTRAS,
        *(FILLED_IF_OPERATING if has_status else ()),
    ]
    required = EDGES | ({"controlled_by": "text"} if controlled else {})
    frame = typed(raw, required, optional={**EXTRAS, "status": "text"}, blanks=blanks, name=name)
    require_unique(frame, ("edge_id",), name)
    if has_status:
        require_member(frame, "status", STATUSES, name)
    else:
        frame = frame.with_columns(pl.lit("operating").alias("status"))
    frame = _with_columns(frame, EXTRAS)
    _check_units(frame, name)
    for column in FILLED_IF_OPERATING:
        _refuse(
            frame,
            column,
            frame[column].is_null() & (frame["status"] == "operating"),
            name,
            found="an empty cell",
            allowed="a value for every operating edge",
        )
    require_range(frame, "capacity", name, minimum=0)
    require_range(frame, "loss", name, minimum=0)
    _refuse(frame, "loss", frame["loss"] >= 1, name, allowed="a share of what enters, from 0 to below 1")
    _refuse(frame, "cost", frame["cost"].is_infinite(), name, allowed="a finite number")
    return frame.with_columns(
        _finite_or_null("capacity"),
        _as_list("commodities"),
        _as_list("controlled_by"),
    )


def _with_columns(frame: pl.DataFrame, columns: Mapping[str, Kind]) -> pl.DataFrame:
    """The frame with those of the columns that it lacks, empty."""
    kinds = {"text": pl.String(), "number": pl.Float64()}
    return frame.with_columns(
        pl.lit(None, kinds[kind]).alias(column)
        for column, kind in columns.items()
        if column not in frame.columns
    )


def _finite_or_null(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_infinite()).then(None).otherwise(pl.col(column)).alias(column)


def _check_units(frame: pl.DataFrame, name: str) -> None:
    for row, unit in enumerate(frame["capacity_unit"], FIRST_RECORD):
        if unit is not None:
            check_unit(unit, file=name, row=row)


def _as_list(column: str) -> pl.Expr:
    """`a; b;a` becomes [a, b]; an empty cell becomes an empty list."""
    parts = pl.col(column).fill_null("").str.split(LIST_MARK)
    stripped = parts.list.eval(pl.element().str.strip_chars())
    return stripped.list.eval(pl.element().filter(pl.element() != "")).list.unique(maintain_order=True)


def _refuse(
    frame: pl.DataFrame, column: str, bad: pl.Series, name: str, *, allowed: str, found: str | None = None
) -> None:
    bad = bad.fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        shown = found or f"{frame[column][row]}"
        raise DataError(file=name, row=row + FIRST_RECORD, column=column, found=shown, allowed=allowed)


def _refuse_loops(edges: pl.DataFrame, name: str) -> None:
    bad = edges["from_node"] == edges["to_node"]
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column="to_node",
            found=f"edge '{edges['edge_id'][row]}' from '{edges['from_node'][row]}' to itself",
            allowed="two different nodes",
        )


def _volumes(
    raw: pl.DataFrame,
    columns: Mapping[str, Kind],
    optional: Mapping[str, Kind],
    nodes: Sequence[str],
    name: str,
) -> pl.DataFrame:
    frame = typed(raw, columns, optional=optional, blanks=tuple(optional), name=name)
    require_known(frame, "node_id", nodes, "node", name)
    for column in (c for c, kind in columns.items() if kind == "number"):
        require_range(frame, column, name, minimum=0)
        _refuse(frame, column, frame[column].is_infinite(), name, allowed="a finite number")
    if not (frame["quantity"] > 0).any():
        raise DataError(
            file=name, column="quantity", found="only zeros", allowed="at least one quantity above zero"
        )
    return frame


def _with_market(demand: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Market as given; where it is not, the country of the node; where that is blank, the node."""
    given = (
        demand["market"] if "market" in demand.columns else pl.Series([None] * demand.height, dtype=pl.String)
    )
    country = demand.select("node_id").join(nodes, on="node_id", how="left", maintain_order="left")["country"]
    market = pl.select(pl.coalesce(given, country, demand["node_id"]).alias("market"))["market"]
    return demand.with_columns(market).select("node_id", "market", "commodity", "quantity", "price")


def _commodities(
    edges: pl.DataFrame, supply: pl.DataFrame, demand: pl.DataFrame, names: Mapping[str, str]
) -> tuple[pl.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Fill blank commodity lists; refuse names that lead nowhere; note edges' names without a volume."""
    named = set(edges["commodities"].explode(empty_as_null=True).drop_nulls())
    supplied, wanted = set(supply["commodity"]), set(demand["commodity"])
    operating = edges.filter(pl.col("status") == "operating")
    blank = operating.filter(pl.col("commodities").list.len() == 0)
    everything = tuple(sorted(named | supplied | wanted))
    carried = set(everything) if blank.height else set(operating["commodities"].explode(empty_as_null=True))
    # Used where it is made, a commodity needs no edge.
    used_at_home = set(supply.join(demand, on=("node_id", "commodity"))["commodity"])
    known = sorted((carried | used_at_home) - {None})
    require_known(supply, "commodity", known, "commodity (no operating edge carries it)", names["supply"])
    require_known(demand, "commodity", sorted(supplied), "commodity (no supply of it)", names["demand"])
    notes = []
    if blank.height:
        ids = sorted(blank["edge_id"])
        notes.append(f"{len(ids)} edges name no commodity and carry all of them: {summary(ids)}")
    idle = sorted(named - supplied)
    if idle:
        notes.append(f"commodities that edges name but nobody supplies: {summary(idle)}")
    filled = (
        pl.when(pl.col("commodities").list.len() == 0).then(pl.lit(list(everything))).otherwise("commodities")
    )
    return edges.with_columns(filled.alias("commodities")), everything, tuple(notes)


def _capacity_notes(edges: pl.DataFrame) -> tuple[str, ...]:
    operating = edges["status"] == "operating"
    notes = []
    unlimited = sorted(edges.filter(operating & edges["capacity"].is_null())["edge_id"])
    if unlimited:
        notes.append(f"{len(unlimited)} edges have no capacity and count as unlimited: {summary(unlimited)}")
    idle = sorted(edges.filter(~operating)["edge_id"])
    if idle:
        notes.append(f"{len(idle)} edges do not operate and are left out: {summary(idle)}")
    return tuple(notes)


def _stated_control(edges: pl.DataFrame) -> pl.DataFrame:
    """`controlled_by` states control without giving a reason or a share: it counts as ownership in full."""
    return (
        edges.select("edge_id", power="controlled_by")
        .explode("power", empty_as_null=True)
        .drop_nulls("power")
        .select(
            asset_id="edge_id",
            asset=pl.lit("edge"),
            power="power",
            basis=pl.lit("ownership"),
            share=pl.lit(None, pl.Float64),
            stated_in=pl.lit("controlled_by"),
        )
    )


def _control(raw: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame, name: str) -> pl.DataFrame:
    frame = typed(raw, CONTROL, optional={"share": "number"}, blanks=("share",), name=name)
    if "share" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.Float64).alias("share"))
    require_member(frame, "basis", BASES, name)
    require_range(frame, "share", name, minimum=0, maximum=1)
    require_unique(frame, ("asset_id", "power", "basis"), name)
    node_ids, edge_ids = set(nodes["node_id"]), set(edges["edge_id"])
    require_known(frame, "asset_id", sorted(node_ids | edge_ids), "edge or node", name)
    both = node_ids & edge_ids
    _refuse(
        frame,
        "asset_id",
        frame["asset_id"].is_in(sorted(both)),
        name,
        found="a name that is both a node and an edge",
        allowed="names that mean one thing",
    )
    is_edge = pl.col("asset_id").is_in(sorted(edge_ids))
    return frame.select(
        "asset_id",
        pl.when(is_edge).then(pl.lit("edge")).otherwise(pl.lit("node")).alias("asset"),
        "power",
        "basis",
        "share",
        pl.lit("control table").alias("stated_in"),
    )
