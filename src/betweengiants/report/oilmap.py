"""The map of oil routes: who can close which, how much flows, and where a single closure hurts most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from betweengiants.position import Position
from betweengiants.position.chokepoints import single_closures
from betweengiants.report import words
from betweengiants.report.map import route_map
from betweengiants.report.outlines import BORDERS_NOTE
from betweengiants.report.projection import CENTRE

if TYPE_CHECKING:
    from betweengiants.report.figures import Figure

CHOKEPOINTS = 6
LABELLED = ("field", "port", "terminal", "refinery", "junction")
# Closures in a row on one route cost the same: within this share they count as one chokepoint.
SAME = 0.005


def oil_map(position: Position, make: type[Figure]) -> Figure:
    """The map as a figure."""
    assert position.oil is not None
    edges, nodes, choke = _edges(position), _nodes(position), chokepoints(position)
    listed = [f"{row['name']}: {row['lost_million_t']:.1f} Mt a year lost" for row in choke.to_dicts()]
    crossing = _through_top(position)
    return make(
        "oil-map",
        crossing,
        f"Crude oil from {words.name(position.dossier.focal)}, million tonnes a year, {position.dossier.header.base_year}, as "
        "the flow model routes it. Width: flow. Colour: the state that can close the route.",
        f"Map of oil routes. {crossing}. Chokepoints: {'; '.join(listed)}.",
        edges.drop("from_lat", "from_lon", "to_lat", "to_lon"),
        ("oil_transit",),
        lambda width: route_map(
            edges,
            nodes,
            title="",
            subtitle="",
            width=width,
            height=560 if width > 600 else 380,
            chokepoints=choke,
            focal=position.dossier.focal,
            window=CENTRE,
        ),
        f"Numbers: exports lost if that link alone is closed, after the best detour. Sea legs to buyers are not drawn. "
        f"{BORDERS_NOTE}",
        tuple(listed),
    )


def chokepoints(position: Position) -> pl.DataFrame:
    """Edges whose single closure costs the focal state's exports most, one for each group in a row.

    Returns:
        rank, edge_id, name, lat, lon, lost_million_t.
    """
    assert position.oil is not None
    tables = position.dossier.tables
    nodes = tables["network_nodes"].select("node_id", "lat", "lon", "kind")
    losses = single_closures(position.oil.network, position.oil.commodities)
    placed = (
        losses.join(tables["network_edges"].select("edge_id", "name", "from_node", "to_node"), on="edge_id")
        .join(nodes.rename({"node_id": "from_node"}), on="from_node")
        .join(nodes.rename({"node_id": "to_node"}), on="to_node", suffix="_to")
        .filter(pl.col("lost_million_t") > 0.05)
        .with_columns(abroad=_closers(position, pl.col("edge_id")).list.len())
        .sort(["lost_million_t", "abroad", "edge_id"], descending=[True, True, False])
    )
    kept: list[dict[str, object]] = []
    for row in placed.to_dicts():
        size = row["lost_million_t"]
        if all(abs(float(str(other["lost_million_t"])) - size) > SAME * size for other in kept):
            kept.append(
                {
                    "rank": len(kept) + 1,
                    "edge_id": row["edge_id"],
                    "name": row["name"],
                    "lat": (row["lat"] + row["lat_to"]) / 2,
                    "lon": (row["lon"] + row["lon_to"]) / 2,
                    "lost_million_t": size,
                }
            )
        if len(kept) == CHOKEPOINTS:
            break
    return pl.DataFrame(kept)


def _closers(position: Position, edge: pl.Expr) -> pl.Expr:
    """For each edge the powers that close it alone, in the order of the dossier."""
    assert position.oil is not None
    by_edge: dict[str, list[str]] = {}
    for power in position.dossier.powers:
        case = position.oil.cases.get(power)
        if case is not None:
            for closed in case.closed.filter(pl.col("asset") == "edge")["asset_id"].unique(
                maintain_order=True
            ):
                by_edge.setdefault(closed, []).append(power)
    return edge.map_elements(lambda e: by_edge.get(e, []), return_dtype=pl.List(pl.String))


def controller_of(position: Position, edge_id: str) -> str:
    """The power that closes an edge; else the other state on whose land it lies; else the focal state."""
    assert position.oil is not None
    for power in position.dossier.powers:
        case = position.oil.cases.get(power)
        if case is not None and edge_id in set(case.closed.filter(pl.col("asset") == "edge")["asset_id"]):
            return power
    control = position.dossier.tables["network_control"].filter(
        (pl.col("asset_id") == edge_id) & (pl.col("basis") == "territory")
    )
    if control.height:
        return str(control["power"][0])
    ends = position.dossier.tables["network_edges"].filter(pl.col("edge_id") == edge_id).row(0, named=True)
    nodes = position.dossier.tables["network_nodes"]
    countries = set(nodes.filter(pl.col("node_id").is_in([ends["from_node"], ends["to_node"]]))["country"])
    return position.dossier.focal if position.dossier.focal in countries else ""


def _edges(position: Position) -> pl.DataFrame:
    assert position.oil is not None
    tables, oil = position.dossier.tables, position.oil
    flow = (
        oil.before.edges.filter(pl.col("commodity").is_in(oil.commodities))
        .group_by("edge_id")
        .agg(flow=pl.col("flow").sum())
    )
    ends = tables["network_nodes"].select("node_id", "lat", "lon")
    return (
        tables["network_edges"]
        .filter(pl.col("status") != "cancelled")
        .join(flow, on="edge_id", how="left")
        .join(ends.rename({"node_id": "from_node", "lat": "from_lat", "lon": "from_lon"}), on="from_node")
        .join(ends.rename({"node_id": "to_node", "lat": "to_lat", "lon": "to_lon"}), on="to_node")
        .with_columns(
            flow=pl.col("flow").fill_null(0.0),
            controller=pl.col("edge_id").map_elements(
                lambda edge: controller_of(position, edge), return_dtype=pl.String
            ),
        )
        .filter(pl.all_horizontal(pl.col("from_lat", "from_lon", "to_lat", "to_lon").is_not_null()))
        .filter(~pl.col("to_node").is_in(_drawn_markets(position)))
        .select("edge_id", "name", "from_lat", "from_lon", "to_lat", "to_lon", "flow", "controller", "status")
        .sort("edge_id")
    )


def _drawn_markets(position: Position) -> list[str]:
    """Buyers without a place of their own: the lines to them would only cross the map."""
    nodes = position.dossier.tables["network_nodes"]
    return nodes.filter((pl.col("kind") == "market") & (pl.col("coord_quality") == "drawing"))[
        "node_id"
    ].to_list()


def _nodes(position: Position) -> pl.DataFrame:
    """Nodes with a short name for the map: what stands before a comma, a bracket or the kind of place."""
    nodes = position.dossier.tables["network_nodes"].filter(
        pl.col("lat").is_not_null() & ~pl.col("node_id").is_in(_drawn_markets(position))
    )
    text = (
        pl.col("name")
        .str.replace(r"[,(/].*$", "")
        .str.replace(r" (field|fields|pump|metering|oil|port|refinery|station|near).*$", "")
        .str.replace(" marine", "")
        .str.strip_chars()
    )
    labelled = pl.col("kind").is_in(LABELLED) & (pl.col("coord_quality") != "drawing")
    return nodes.select("node_id", "name", "kind", "lat", "lon", label=labelled, text=text).with_columns(
        label=pl.col("label") & pl.col("text").is_first_distinct() & (pl.col("text").str.len_chars() <= 22)
    )


def _through_top(position: Position) -> str:
    """`Russia can close the way of 97 percent of ... crude exports`."""
    powers = position.dossier.powers
    top = max(powers, key=lambda p: position.number("oil_transit", "interdictable", p).value)
    share = position.number("oil_transit", "interdictable", top).value
    return (
        f"{words.name(top, start=True)} can close the way that {100 * share:.0f}% of "
        f"{words.name(position.dossier.focal)}’s crude exports take"
    )
