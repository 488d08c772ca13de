"""Consistency of the shaped tables: trade, networks, memberships, agreements, deals, incidents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import polars as pl

from betweengiants.dossier.findings import (
    DATE,
    WORLD,
    Finding,
    Rule,
    after,
    as_of,
    numbered,
    shown,
    without_members,
)
from betweengiants.dossier.reading import Dossier

ROUNDING = 0.02
# Two customs offices that count one flow differ by freight, time and transit; by more than this only for a reason.
MIRROR_FACTOR = 2.0
# Below this (million USD) a mirror gap says little.
MIRROR_FROM = 100.0
# Columns that hold a date as far as it is known, by table.
DATES = {
    "agreements": ("date",),
    "incidents": ("date", "end_date"),
    "memberships": ("start", "end"),
    "sources": ("published",),
    "visits": ("date",),
    "sanctions": ("date",),
    "bases": ("start", "end"),
    "exercises": ("start", "end"),
    "deal_stages": ("date",),
}
SPANS = (
    ("incidents", "date", "end_date"),
    ("memberships", "start", "end"),
    ("bases", "start", "end"),
    ("exercises", "start", "end"),
)
PROMISES = ("announced", "letter_of_intent", "framework", "signed", "financed")


def mirror_gap(dossier: Dossier) -> Iterator[Finding]:
    """What one side books as exports and the other as imports differs by less than a factor of two."""
    trade = numbered(dossier, "trade_bilateral")
    if not trade.height:
        return
    exports, imports = (trade.filter(pl.col("flow") == flow) for flow in ("export", "import"))
    both = exports.join(
        imports.select("year", "value_usd_m", reporter="partner", partner="reporter", other_basis="basis"),
        on=["year", "reporter", "partner"],
        suffix="_mirror",
        maintain_order="left",
    )
    for row in both.to_dicts():
        low, high = sorted((row["value_usd_m"], row["value_usd_m_mirror"]))
        if high >= MIRROR_FROM and high > MIRROR_FACTOR * low:
            yield Finding(
                "trade_bilateral",
                row["_row"],
                f"{row['reporter']} books {shown(row['value_usd_m'])} of exports to {row['partner']} in {row['year']}, "
                f"{row['partner']} books {shown(row['value_usd_m_mirror'])} of imports",
            )


def partners_above_world(dossier: Dossier) -> Iterator[Finding]:
    """Trade with the partners adds up to no more than trade with the world on the same basis."""
    trade = numbered(dossier, "trade_bilateral")
    if not trade.height:
        return
    for (year, reporter, flow, basis), part in trade.group_by(
        "year", "reporter", "flow", "basis", maintain_order=True
    ):
        world = part.filter(pl.col("partner") == WORLD)["value_usd_m"]
        counted = part.filter(pl.col("partner").is_in(sorted(without_members(part["partner"].to_list()))))
        total = float(counted["value_usd_m"].sum())
        if world.len() and total > float(world[0]) * (1 + ROUNDING):
            yield Finding(
                "trade_bilateral",
                part["_row"][0],
                f"{flow} of {reporter} in {year} ({basis}): partners add up to {shown(total)}, the world is {shown(world[0])}",
            )


def flow_above_capacity(dossier: Dossier) -> Iterator[Finding]:
    """What was seen to pass an edge in a year is no more than the high bound of its capacity."""
    seen, edges = numbered(dossier, "network_observed"), numbered(dossier, "network_edges")
    if not seen.height or not edges.height:
        return
    limit = pl.coalesce("capacity_high", "capacity")
    simple = edges.filter(pl.col("capacity_unit").is_null()).select("edge_id", "commodities", limit=limit)
    rows = seen.join(simple, on="edge_id", maintain_order="left")
    for (edge, year), part in rows.group_by("edge_id", "year", maintain_order=True):
        total, most = float(part["volume"].sum()), part["limit"][0]
        one_unit = len(set(_units(dossier, part["commodity"].to_list()))) == 1
        if one_unit and most is not None and total > most * (1 + ROUNDING):
            yield Finding(
                "network_observed",
                part["_row"][0],
                f"{shown(total)} passed {edge} in {year}, its capacity is {shown(most)}",
            )


def owned_more_than_once(dossier: Dossier) -> Iterator[Finding]:
    """The shares in the ownership of an asset add up to no more than one."""
    control = numbered(dossier, "network_control")
    if not control.height:
        return
    for (asset,), part in control.filter(pl.col("basis") == "ownership").group_by(
        "asset_id", maintain_order=True
    ):
        total = float(part["share"].sum())
        if total > 1 + ROUNDING:
            yield Finding("network_control", part["_row"][0], f"shares in {asset} add up to {shown(total)}")


def overlapping_memberships(dossier: Dossier) -> Iterator[Finding]:
    """A state is a member of an institution once at a time in one role."""
    rows = numbered(dossier, "memberships")
    if not rows.height:
        return
    for _, part in rows.group_by("country", "institution", "role", maintain_order=True):
        spells = sorted(part.to_dicts(), key=lambda row: row["start"] or "")
        for first, second in pairwise(spells):
            if first["end"] is None or after(first["end"], second["start"] or "0000"):
                yield Finding(
                    "memberships",
                    second["_row"],
                    f"{second['country']} in {second['institution']} from {second['start'] or '...'} "
                    f"overlaps row {first['_row']}",
                )


def end_before_start(dossier: Dossier) -> Iterator[Finding]:
    """Nothing ends before it starts."""
    for table, start, end in SPANS:
        for row in numbered(dossier, table).to_dicts():
            if row[start] and row[end] and after(row[start], row[end]):
                yield Finding(table, row["_row"], f"it ends {row[end]}, before its start {row[start]}")


def unreadable_date(dossier: Dossier) -> Iterator[Finding]:
    """A date is a year, a month or a day (ISO 8601)."""
    for table, columns in DATES.items():
        for row in numbered(dossier, table).to_dicts():
            for column in columns:
                if row[column] and not DATE.fullmatch(row[column]):
                    yield Finding(table, row["_row"], f"{column} {row[column]!r} is no date")


def agreement_after_the_dossier(dossier: Dossier) -> Iterator[Finding]:
    """No agreement, visit or incident is dated after the dossier itself."""
    today = as_of(dossier)
    for table in ("agreements", "incidents", "visits"):
        for row in numbered(dossier, table).to_dicts():
            if after(row["date"], today) and row.get("status") not in ("announced", "planned"):
                yield Finding(table, row["_row"], f"dated {row['date']}, after the dossier's date {today}")


def delivered_above_announced(dossier: Dossier) -> Iterator[Finding]:
    """Of a deal no more is delivered than was announced or signed at most."""
    stages = numbered(dossier, "deal_stages")
    if not stages.height:
        return
    for (deal, item, unit), part in stages.filter(pl.col("value").is_not_null()).group_by(
        "deal_id", "item", "unit", maintain_order=True
    ):
        promised = part.filter(pl.col("stage").is_in(list(PROMISES)))
        delivered = part.filter(pl.col("stage") == "delivered").sort("value", descending=True)
        most = max((_most(row) for row in promised.to_dicts()), default=None)
        if most is not None and delivered.height and delivered["value"][0] > most * (1 + ROUNDING):
            yield Finding(
                "deal_stages",
                delivered["_row"][0],
                f"{deal}: {shown(delivered['value'][0])} {item} ({unit}) delivered, at most {shown(most)} announced",
            )


def matrix_apart_from_trade(dossier: Dossier) -> Iterator[Finding]:
    """A cell of the trade matrix lies within a factor of two of what the focal state's trade table says."""
    matrix, trade = numbered(dossier, "trade_matrix"), numbered(dossier, "trade_bilateral")
    if not trade.height or not matrix.height:
        return
    focal = dossier.focal
    exports = trade.filter((pl.col("reporter") == focal) & (pl.col("flow") == "export"))
    imports = trade.filter((pl.col("reporter") == focal) & (pl.col("flow") == "import"))
    sides = [
        exports.select("year", exporter="reporter", importer="partner", booked="value_usd_m", as_="basis"),
        imports.select("year", exporter="partner", importer="reporter", booked="value_usd_m", as_="basis"),
    ]
    both = matrix.join(pl.concat(sides), on=["year", "exporter", "importer"], maintain_order="left")
    for row in both.to_dicts():
        low, high = sorted((row["value_usd_m"], row["booked"]))
        if high >= MIRROR_FROM and high > MIRROR_FACTOR * low:
            yield Finding(
                "trade_matrix",
                row["_row"],
                f"{row['exporter']} to {row['importer']} in {row['year']} is {shown(row['value_usd_m'])} here and "
                f"{shown(row['booked'])} in trade_bilateral ({row['as_']})",
            )


def _units(dossier: Dossier, commodities: list[str]) -> list[str]:
    if not dossier.has("network_commodities"):
        return [""]
    units = dict(dossier.tables["network_commodities"].select("commodity", "unit").iter_rows())
    return [units.get(name, "") for name in commodities]


def _most(row: dict[str, Any]) -> float:
    return float(row["high"] if row["high"] is not None else row["value"])


TABLE_RULES: tuple[Rule, ...] = (
    mirror_gap,
    partners_above_world,
    matrix_apart_from_trade,
    flow_above_capacity,
    owned_more_than_once,
    overlapping_memberships,
    end_before_start,
    unreadable_date,
    agreement_after_the_dossier,
    delivered_above_announced,
)
