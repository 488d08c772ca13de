"""The map of a transport system: who can close which road, how much flows, and where a single closure hurts most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.border import edge_totals
from betweengiants.position.chokepoints import single_closures
from betweengiants.position.systems import system_tables
from betweengiants.position.transit_channel import TransitChannel
from betweengiants.report import words
from betweengiants.report.figure import Figure
from betweengiants.report.map import route_map
from betweengiants.report.outlines import BORDERS_NOTE
from betweengiants.report.projection import CENTRE, EURASIA, Window

CHOKEPOINTS = 6
LABELLED = ("field", "port", "terminal", "refinery", "junction", "dry_port", "border_crossing", "station")
# Closures in a row on one route cost the same: within this share they count as one chokepoint.
SAME = 0.005
LEAST = 0.05  # a smaller loss, in the unit of the system, is no chokepoint
WINDOWS: dict[str, Window] = {"oil": CENTRE, "gas": CENTRE, "freight": EURASIA}


@dataclass(frozen=True)
class SystemView:
    """One transport system of a position, as the pictures need it.

    Attributes:
        position: the results.
        channel: the system's part of them.
    """

    position: Position
    channel: TransitChannel

    @cached_property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The system's rows of the network tables, by the engine's names."""
        return system_tables(self.position.dossier, self.channel.system.name)

    @property
    def year(self) -> int:
        """The year that most observed flows of the system are of; the dossier's base year where none is."""
        dossier = self.position.dossier
        if dossier.has("network_observed"):
            own = pl.col("commodity").is_in(list(self.channel.network.commodities))
            years = dossier.tables["network_observed"].filter(own)["year"]
            if len(years):
                return int(years.mode().max())  # type: ignore[arg-type]
        return dossier.header.base_year

    @cached_property
    def closers(self) -> dict[str, list[str]]:
        """For each edge the powers that close it alone, in the order of the dossier."""
        found: dict[str, list[str]] = {}
        for power in self.position.dossier.powers:
            case = self.channel.cases.get(power)
            if case is not None:
                closed = case.closed.filter(pl.col("asset") == "edge")["asset_id"]
                for edge in closed.unique(maintain_order=True):
                    found.setdefault(edge, []).append(power)
        return found

    @cached_property
    def factors(self) -> dict[str, float]:
        """Units of the system in one unit of each commodity that the map shows: own oil, else all that moves."""
        own, demand = self.channel.own, self.channel.network.demand
        pairs = dict(zip(demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
        only = self.channel.commodities if self.channel.system.name == "oil" else pairs
        return {commodity: factor for commodity, factor in pairs.items() if commodity in only}

    def controller(self, edge_id: str) -> str:
        """The power that closes an edge; else the other state on whose land it lies; else the focal state."""
        if edge_id in self.closers:
            return self.closers[edge_id][0]
        control = self.tables["control"].filter(
            (pl.col("asset_id") == edge_id) & (pl.col("basis") == "territory")
        )
        if control.height:
            return str(control["power"][0])
        focal = self.position.dossier.focal
        ends = self.tables["edges"].filter(pl.col("edge_id") == edge_id).row(0, named=True)
        nodes = self.tables["nodes"]
        countries = set(
            nodes.filter(pl.col("node_id").is_in([ends["from_node"], ends["to_node"]]))["country"]
        )
        if focal in countries:
            return focal
        return ""


def views(position: Position) -> dict[str, SystemView]:
    """Every transport system of a position, by name."""
    return {name: SystemView(position, channel) for name, channel in position.transit.items()}


def system_map(view: SystemView) -> Figure:
    """The map of one system as a figure."""
    position, system = view.position, view.channel.system
    edges, nodes, choke = _edges(view), _nodes(view), chokepoints(view)
    unit = words.unit_of(system.unit)
    listed = [f"{row['name']}: {_lost(row, unit)} a year lost" for row in choke.to_dicts()]
    crossing = _through_top(view)
    window = WINDOWS[system.name]
    return Figure(
        f"{system.name}-map",
        crossing,
        f"{words.carried(system.name, position.dossier.focal)}, "
        f"{words.long_unit(system.unit)} a year, {view.year}, as the flow model routes it. Width: "
        "flow. Colour: the state that can close the route.",
        f"Map of {words.goods(system.name)} routes. {crossing}. Chokepoints: {'; '.join(listed) or 'none'}.",
        edges.drop("from_lat", "from_lon", "to_lat", "to_lon", "via"),
        (system.channel,),
        lambda width: route_map(
            edges,
            nodes,
            title="",
            subtitle="",
            width=width,
            height=560 if width > 600 else 380,
            chokepoints=choke if choke.height else None,
            focal=position.dossier.focal,
            window=window if width > 600 else CENTRE,
            unit=f"{unit} a year",
        ),
        "Numbers: what the focal state loses if that link alone is closed, after the best detour. Legs to buyers without "
        f"a place of their own are not drawn. {BORDERS_NOTE}",
        tuple(listed),
    )


def chokepoints(view: SystemView) -> pl.DataFrame:
    """Edges whose single closure costs the focal state most, one for each group in a row.

    Returns:
        rank, edge_id, name, lat, lon, lost (in the unit of the system), of it lost_exports and lost_imports.
    """
    nodes = view.tables["nodes"].select("node_id", "lat", "lon", "kind")
    abroad = pl.DataFrame(
        {"edge_id": list(view.closers), "abroad": [len(powers) for powers in view.closers.values()]},
        schema={"edge_id": pl.String, "abroad": pl.Int64},
    )
    placed = (
        single_closures(view.channel.network, view.channel.own)
        .join(view.tables["edges"].select("edge_id", "name", "from_node", "to_node"), on="edge_id")
        .join(nodes.rename({"node_id": "from_node"}), on="from_node")
        .join(nodes.rename({"node_id": "to_node"}), on="to_node", suffix="_to")
        .join(abroad, on="edge_id", how="left")
        .filter(pl.col("lost") > LEAST)
        .with_columns(pl.col("abroad").fill_null(0))
        .sort(["lost", "abroad", "edge_id"], descending=[True, True, False])
    )
    kept: list[dict[str, object]] = []
    for row in placed.to_dicts():
        size = row["lost"]
        drawn = None not in (row["lat"], row["lat_to"], row["lon"], row["lon_to"])
        if drawn and all(abs(float(str(other["lost"])) - size) > SAME * size for other in kept):
            kept.append(
                {
                    "rank": len(kept) + 1,
                    "edge_id": row["edge_id"],
                    "name": row["name"],
                    "lat": (row["lat"] + row["lat_to"]) / 2,
                    "lon": (row["lon"] + row["lon_to"]) / 2,
                    "lost": size,
                    "lost_exports": row["lost_exports"],
                    "lost_imports": row["lost_imports"],
                }
            )
        if len(kept) == CHOKEPOINTS:
            break
    kinds = {"rank": pl.Int64, "edge_id": pl.String, "name": pl.String}
    return pl.DataFrame(
        kept, schema=kinds | dict.fromkeys(("lat", "lon", "lost", "lost_exports", "lost_imports"), pl.Float64)
    )


def _lost(row: dict[str, Any], unit: str) -> str:
    """`6.8 Mt (exports 4.1, imports 2.7)`; the sum alone where only exports or goods used at home are lost."""
    used_at_home = row["lost"] - row["lost_exports"] - row["lost_imports"]
    if row["lost_imports"] <= LEAST or abs(used_at_home) > LEAST:
        return f"{row['lost']:.1f} {unit}"
    if row["lost_exports"] <= LEAST:
        return f"{row['lost']:.1f} {unit} of imports"
    return f"{row['lost']:.1f} {unit} (exports {row['lost_exports']:.1f}, imports {row['lost_imports']:.1f})"


def shown_flows(view: SystemView) -> pl.DataFrame:
    """edge_id, flow: what the map shows as things are, in the unit of the system."""
    return edge_totals(view.channel.before, view.factors).with_columns(pl.col("flow").abs())


def _edges(view: SystemView) -> pl.DataFrame:
    ends = view.tables["nodes"].select("node_id", "lat", "lon")
    return (
        view.tables["edges"]
        .filter(pl.col("status") != "cancelled")
        .join(shown_flows(view), on="edge_id", how="left")
        .join(ends.rename({"node_id": "from_node", "lat": "from_lat", "lon": "from_lon"}), on="from_node")
        .join(ends.rename({"node_id": "to_node", "lat": "to_lat", "lon": "to_lon"}), on="to_node")
        .with_columns(
            flow=pl.col("flow").fill_null(0.0),
            controller=pl.col("edge_id").map_elements(view.controller, return_dtype=pl.String),
        )
        .filter(pl.all_horizontal(pl.col("from_lat", "from_lon", "to_lat", "to_lon").is_not_null()))
        .filter(~pl.any_horizontal(pl.col("from_node", "to_node").is_in(_undrawn(view))))
        .join(waypoints(view.position.dossier), on="edge_id", how="left")
        .select(
            "edge_id",
            "name",
            "from_lat",
            "from_lon",
            "to_lat",
            "to_lon",
            "via",
            "flow",
            "controller",
            "status",
        )
        .sort("edge_id")
    )


def waypoints(dossier: Dossier) -> pl.DataFrame:
    """edge_id, via (`lon lat;lon lat`): the places that the line of an edge passes, by the table network_waypoints."""
    if not dossier.has("network_waypoints"):
        return pl.DataFrame(schema={"edge_id": pl.String, "via": pl.String})
    rows = dossier.tables["network_waypoints"].sort("edge_id", "order")
    place = pl.format("{} {}", "lon", "lat")
    return rows.group_by("edge_id", maintain_order=True).agg(via=place.str.join(";"))


def _undrawn(view: SystemView) -> list[str]:
    """Buyers without a place of their own: the lines to them would only cross the map."""
    nodes = view.tables["nodes"]
    return nodes.filter((pl.col("kind") == "market") & (pl.col("coord_quality") == "drawing"))[
        "node_id"
    ].to_list()


def _nodes(view: SystemView) -> pl.DataFrame:
    """Nodes with a short name for the map: what stands before a comma, a bracket or the kind of place."""
    nodes = view.tables["nodes"].filter(
        pl.col("lat").is_not_null() & pl.col("lon").is_not_null() & ~pl.col("node_id").is_in(_undrawn(view))
    )
    text = (
        pl.col("name")
        .str.replace(r"[,(/].*$", "")
        .str.replace(r" (field|fields|pump|metering|oil|gas|port|sea port|refinery|station|near).*$", "")
        .str.replace(" marine", "")
        .str.strip_chars()
    )
    labelled = pl.col("kind").is_in(LABELLED) & (pl.col("coord_quality") != "drawing")
    return nodes.select("node_id", "name", "kind", "lat", "lon", label=labelled, text=text).with_columns(
        label=pl.col("label") & pl.col("text").is_first_distinct() & (pl.col("text").str.len_chars() <= 22)
    )


def _through_top(view: SystemView) -> str:
    """`Russia can close the way that 98% of Kazakhstan's crude exports take`."""
    position, system = view.position, view.channel.system
    powers = position.dossier.powers
    top = max(powers, key=lambda p: position.number(system.channel, "interdictable", p).value)
    share = position.number(system.channel, "interdictable", top).value
    verb = "takes" if system.name == "freight" else "take"
    return (
        f"{words.name(top, start=True)} can close the way that {100 * share:.0f}% of "
        f"{words.name(position.dossier.focal)}’s {words.goods(system.name)} {verb}"
    )
