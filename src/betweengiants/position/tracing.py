"""From a result to its rows: which rows of the dossier a number of the position rests on, and with what settings.

Only the rows that the number turns on are named, each with its role: for trade the cells that are cut and the rest of
the trade of the state concerned; for a transport system what the power closes, why, and where goods go instead; for votes
the one row of the year. The rest of a table enters as the world around them and is named by its sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

import numpy as np
import polars as pl

from betweengiants.core.countries import blocs
from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.dossier.trail import (
    Trace,
    UsedRow,
    dossier_name,
    hashes_of,
    is_evidence,
    merged,
    rows_where,
    software,
    trace_evidence,
)
from betweengiants.network import Closure, FlowResult, Network
from betweengiants.position.alignment_channel import alignment_channel
from betweengiants.position.assemble import Position
from betweengiants.position.assemble import position as solve
from betweengiants.position.closeness import closeness_channel
from betweengiants.position.naming import ALIGNMENT, TRANSIT
from betweengiants.position.results import Trail, to_frame
from betweengiants.position.systems import systems_of
from betweengiants.position.trade_channel import trade_channel
from betweengiants.position.trade_detail import trade_detail
from betweengiants.position.transit_channel import TransitChannel, transit_channel

MOVED = 1e-6
Row = Mapping[str, Any]


def trace(position: Position, identifier: str, *, where: str = "") -> Trace:
    """The trail of a result of the position, or of a row of its dossier.

    Args:
        position: the solved position.
        identifier: as `naming.result_ids` or `dossier.trail` name it.
        where: how the command of the trail calls the dossier (default: its name).

    Raises:
        UnknownLabel: nothing has this name; with the nearest.
    """
    if is_evidence(identifier):
        return trace_evidence(position.dossier, identifier, where=where)
    known = position.identifiers
    if identifier not in known:
        raise UnknownLabel(identifier, known, what="result")
    row = position.results.row(known.index(identifier), named=True)
    trail = position.trails[row["trail"]]
    rows = merged(_rows(position, row, trail))
    return Trace(
        identifier=identifier,
        kind="result",
        title=_title(position.dossier, row),
        value=row["value"],
        low=row["low"],
        high=row["high"],
        unit=row["unit"],
        model=trail.model,
        interval=trail.interval,
        command=_command(where or position.dossier.header.name, row),
        parameters=dict(trail.parameters),
        software=software(),
        dossier=dossier_name(position.dossier),
        hashes=hashes_of(position.dossier, rows, trail.tables),
        rows=rows,
    )


def position_for(dossier: Dossier, identifier: str) -> Position:
    """As much of the position as a result needs: its channel alone where the name says which, else everything.

    Raises:
        NotConverged, NoEquilibrium, Infeasible: from the engines.
    """
    first, _, rest = identifier.partition(".")
    transit: dict[str, TransitChannel] = {}
    if first == "trade":
        channels = [trade_channel(dossier), trade_detail(dossier)]
    elif first == "alignment":
        channels = [alignment_channel(dossier), closeness_channel(dossier)]
    elif first == "transit":
        wanted = [system for system in systems_of(dossier) if system.name == rest.partition(".")[0]]
        transit = {system.name: transit_channel(dossier, system) for system in wanted}
        channels = [found.channel for found in transit.values()]
    else:
        channels = []
    if not any(channel.results for channel in channels):
        return solve(dossier)
    return Position(
        dossier,
        to_frame(dossier.focal, (result for channel in channels for result in channel.results)),
        {trail.trail: trail for channel in channels for trail in channel.trails},
        tuple(gap for channel in channels for gap in channel.gaps),
        transit,
    )


def list_results(position: Position) -> pl.DataFrame:
    """Every result of the position: id, title, value, low, high, unit."""
    return position.results.select(
        pl.Series("id", position.identifiers, dtype=pl.String),
        pl.Series(
            "title", [_title(position.dossier, row) for row in position.results.to_dicts()], dtype=pl.String
        ),
        "value",
        "low",
        "high",
        "unit",
    )


def _title(dossier: Dossier, row: Row) -> str:
    names = dossier.actor_names
    who = " and ".join(names.get(code, code) for code in row["coalition"].split("+"))
    owner = names.get(row["member"], row["member"])
    horizon = f", {row['horizon']} run" if row["horizon"] else ""
    return f"{row['measure'].replace('_', ' ')} ({row['channel'].replace('_', ' ')}): {who}; {owner}{horizon}, {row['period']}"


def _command(where: str, row: Row) -> str:
    """What to type to see the number again."""
    name = quote(where)
    if row["channel"] in ("domains", "history"):
        return f"betweengiants {row['channel']} {name}"
    if row["channel"] in ALIGNMENT or row["measure"] in ("autonomy", "effective_vectors"):
        return f"betweengiants position {name} --format csv"
    if row["channel"] == "trade_detail":
        return f"betweengiants trade sectors {name}"
    by = " ".join(f"--by {quote(code)}" for code in row["coalition"].split("+"))
    horizon = f" --horizon {row['horizon']}" if row["horizon"] else ""
    return f"betweengiants sever {name} {by}{horizon}"


def _rows(position: Position, row: Row, trail: Trail) -> list[UsedRow]:
    dossier, channel = position.dossier, row["channel"]
    settings = rows_where(dossier, "parameters", _settings(dossier, row), "a setting of the model")
    if channel == "trade":
        return [*settings, *_trade_rows(dossier, row, "trade_matrix")]
    if channel == "trade_detail":
        if row["measure"].startswith(("closed_form", "first_order")):
            return [*settings, *_trade_rows(dossier, row, "trade_matrix")]
        return [*settings, *_sector_rows(dossier, row, inputs=row["measure"].startswith("sectors_inputs"))]
    if channel == "coupled":
        return [*settings, *_coupled_rows(position, row)]
    if channel.endswith(TRANSIT):
        system = position.transit[channel.removesuffix(TRANSIT)]
        return [*settings, *_transit_rows(dossier, system, row)]
    if channel == "votes":
        wanted = (pl.col("country") == dossier.focal) & (pl.col("power") == row["coalition"])
        wanted &= pl.col("year").cast(pl.String) == row["period"]
        return rows_where(dossier, "vote_agreement", wanted, "votes of the year")
    if channel == "institutions":
        both = pl.col("country").is_in([dossier.focal, row["coalition"]])
        return rows_where(dossier, "memberships", both, "a membership of one of the two")
    if channel == "alignment":
        return _closeness_rows(dossier, row)
    if channel == "domains":
        return _domain_rows(dossier, row)
    if channel == "history":
        return [*settings, *_history_rows(dossier, row)]
    return settings


def _closeness_rows(dossier: Dossier, row: Row) -> list[UsedRow]:
    """Votes of the year, memberships of the two, and their agreements and visits."""
    power, focal = row["coalition"], dossier.focal
    votes = (pl.col("country") == focal) & (pl.col("power") == power)
    votes &= pl.col("year").cast(pl.String) == row["period"]
    parties = pl.col("parties").str.split(";").list
    visit = ((pl.col("guest") == power) & (pl.col("host") == focal)) | (
        (pl.col("guest") == focal) & (pl.col("host") == power)
    )
    return [
        *rows_where(dossier, "vote_agreement", votes, "votes of the year"),
        *rows_where(
            dossier, "memberships", pl.col("country").is_in([focal, power]), "a membership of one of the two"
        ),
        *rows_where(
            dossier,
            "agreements",
            parties.contains(power) & parties.contains(focal),
            "an agreement of the two",
        ),
        *rows_where(dossier, "visits", visit, "a visit between the two"),
    ]


def _domain_rows(dossier: Dossier, row: Row) -> list[UsedRow]:
    """Facts of the measure: of the power, or of all partners where the number is over all of them."""
    measure = row["measure"].removesuffix("_concentration").removesuffix("_cover")
    wanted = (pl.col("measure") == measure) & (pl.col("subject") == row["member"])
    if row["coalition"]:
        wanted &= pl.col("partner").is_in([row["coalition"], *blocs().get(row["coalition"], ())])
    return rows_where(dossier, "facts", wanted, "a fact of the measure")


def _history_rows(dossier: Dossier, row: Row) -> list[UsedRow]:
    """Trade, votes or memberships with the power: of the year, or of all years behind a drift."""
    every = row["measure"].endswith("_drift")
    power = pl.lit(True) if row["coalition"] == "WLD" else pl.col("partner") == row["coalition"]
    year = pl.lit(True) if every else pl.col("year").cast(pl.String) == row["period"]
    if row["measure"].startswith("membership"):
        both = pl.col("country").is_in([dossier.focal, row["coalition"]])
        return rows_where(dossier, "memberships", both, "a membership of one of the two")
    if row["measure"].startswith("vote"):
        with_power = (pl.col("country") == dossier.focal) & (pl.col("power") == row["coalition"])
        return rows_where(dossier, "vote_agreement", with_power & year, "votes of a year")
    return rows_where(dossier, "trade_bilateral", power & year, "trade with the power")


def _settings(dossier: Dossier, row: Row) -> pl.Expr:
    names = [f"theta_{row['horizon']}"]
    if row["channel"].endswith(TRANSIT):
        names = [f"gdp_usd_m_{dossier.header.base_year}"] if row["measure"] == "lost_pct_gdp" else []
    return pl.col("parameter").is_in(names)


def _trade_rows(dossier: Dossier, row: Row, table: str, counted: pl.Expr | None = None) -> list[UsedRow]:
    """What is cut, then the home sales and the other trade of the state whose loss it is."""
    powers, owner = row["coalition"].split("+"), row["member"]
    year = pl.col("year").cast(pl.String) == row["period"]
    year = year if counted is None else year & counted
    out = (pl.col("exporter") == dossier.focal) & pl.col("importer").is_in(powers)
    back = (pl.col("importer") == dossier.focal) & pl.col("exporter").is_in(powers)
    home = (pl.col("exporter") == owner) & (pl.col("importer") == owner)
    rest = (pl.col("exporter") == owner) | (pl.col("importer") == owner)
    return [
        *rows_where(dossier, table, year & out, "export that is cut"),
        *rows_where(dossier, table, year & back, "import that is cut"),
        *rows_where(dossier, table, year & home, "home sales of the state whose loss it is"),
        *rows_where(dossier, table, year & rest, "other trade of the state whose loss it is"),
    ]


def _sector_rows(dossier: Dossier, row: Row, *, inputs: bool) -> list[UsedRow]:
    """The same by sector; domestic sales on the basis of the model, with the shares of inputs where it has them."""
    other = "domestic_value_added" if inputs else "domestic_gross"
    rows = _trade_rows(dossier, row, "trade_matrix_sectors", pl.col("basis") != other)
    states = [dossier.focal, *row["coalition"].split("+"), "*"] if inputs else []
    return [
        *rows,
        *rows_where(dossier, "io_coefficients", pl.col("economy").is_in(states), "share of an input"),
    ]


def _coupled_rows(position: Position, row: Row) -> list[UsedRow]:
    """Trade by sector and what closes on every road; a part of the whole has its own rows alone."""
    dossier = position.dossier
    parts = [f"{name}{TRANSIT}" for name in position.transit] + ["trade"]
    asked = [part for part in parts if row["measure"].startswith(f"part_{part}_")] or parts
    rows = _sector_rows(dossier, row, inputs=True) if "trade" in asked else []
    for name, transit in position.transit.items():
        if f"{name}{TRANSIT}" in asked:
            rows += (
                _closed_rows(dossier, transit, row["coalition"]) if row["coalition"] in transit.cases else []
            )
            carried = pl.col("commodity").is_in(list(transit.network.commodities))
            rows += rows_where(dossier, "network_sectors", carried, "the sector that a good belongs to")
    return rows


def _transit_rows(dossier: Dossier, transit: TransitChannel, row: Row) -> list[UsedRow]:
    if row["measure"].startswith("own_purchases"):
        return _purchase_rows(dossier, transit, row["coalition"].split("+"))
    cases = [row["coalition"]]
    if row["measure"] in ("autonomy", "effective_vectors"):
        cases = [*row["coalition"].split("+"), row["coalition"]]
    rows = [used for case in cases if case in transit.cases for used in _closed_rows(dossier, transit, case)]
    if row["measure"].endswith("_with_fields"):
        rows += _field_rows(dossier, transit, row["coalition"])
    return rows


def _closed_rows(dossier: Dossier, transit: TransitChannel, case: str) -> list[UsedRow]:
    """What a coalition closes, the rows that say why, and what changes its way."""
    severed = transit.cases[case]
    sold = transit.network.demand.with_columns(moved=pl.Series(_moved(transit.before, severed.after)))
    changed = sold.filter("moved").select("node_id", "commodity").unique().rows()
    return [
        *closing_rows(dossier, transit.network, severed.closure),
        *rows_where(dossier, "network_demand", _pairs(changed), "sales that change, at their price"),
        *rows_where(
            dossier,
            "network_edges",
            pl.col("edge_id").is_in(_detours(transit, case)),
            "carries more than before",
        ),
    ]


def closing_rows(dossier: Dossier, network: Network, cut: Closure) -> list[UsedRow]:
    """What a severance closes in a network of the dossier, and the rows that say why."""
    closed, powers = cut.closed, list(cut.powers)
    edges = closed.filter(pl.col("asset") == "edge")["asset_id"].unique().to_list()
    points = closed.filter(pl.col("asset") != "edge")["asset_id"].unique().to_list()
    ends = network.edges.filter(pl.col("edge_id").is_in(edges))
    touched = [*points, *ends["from_node"], *ends["to_node"]]
    theirs = network.nodes.filter(
        pl.col("node_id").is_in(touched)
        & (pl.col("country").is_in(powers) | pl.col("territory").is_in(powers))
    )["node_id"].to_list()
    asset = pl.col("asset_id").is_in([*edges, *touched]) & pl.col("power").is_in(powers)
    supply = network.supply.filter(pl.col("node_id").is_in(points)).select("node_id", "commodity").rows()
    return [
        *rows_where(dossier, "network_control", asset, "why it closes"),
        *rows_where(
            dossier, "network_nodes", pl.col("node_id").is_in(theirs), "lies in the power's territory"
        ),
        *rows_where(dossier, "network_edges", pl.col("edge_id").is_in(edges), "closes"),
        *rows_where(dossier, "network_supply", _pairs(supply), "supply that closes"),
    ]


def _moved(before: FlowResult, after: FlowResult) -> list[bool]:
    """(D,) whether a row of the network's demand gets another quantity."""
    old, new = before.arrays.demand, after.arrays.demand
    return list((np.abs(old - new) > MOVED * np.maximum(1.0, np.abs(old))).tolist())


def _pairs(pairs: list[tuple[str, str]]) -> pl.Expr:
    wanted = pl.lit(False)
    for node, commodity in pairs:
        wanted |= (pl.col("node_id") == node) & (pl.col("commodity") == commodity)
    return wanted


def _detours(transit: TransitChannel, case: str) -> list[str]:
    flows = [
        result.edges.group_by("edge_id").agg(pl.col("flow").sum())
        for result in (transit.before, transit.cases[case].after)
    ]
    rise = flows[0].join(flows[1], on="edge_id", suffix="_after")
    more = pl.col("flow_after") - pl.col("flow") > MOVED * pl.max_horizontal(pl.lit(1.0), pl.col("flow"))
    return list(rise.filter(more)["edge_id"])


def _field_rows(dossier: Dossier, transit: TransitChannel, power: str) -> list[UsedRow]:
    fields = transit.network.nodes.filter(pl.col("kind") == "field")["node_id"].to_list()
    wanted = pl.col("asset_id").is_in(fields) & (pl.col("power") == power) & (pl.col("basis") == "ownership")
    return rows_where(dossier, "network_control", wanted, "owns a field")


def _purchase_rows(dossier: Dossier, transit: TransitChannel, powers: list[str]) -> list[UsedRow]:
    theirs = transit.network.demand.filter(pl.Series(transit.own.rows) & pl.col("market").is_in(powers))
    wanted = _pairs(theirs.select("node_id", "commodity").rows())
    return rows_where(dossier, "network_demand", wanted, "what the power buys, at its price")
