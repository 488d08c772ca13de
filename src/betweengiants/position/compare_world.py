"""The matrix on which states are compared: from the user's files, the local store, or a dossier.

A power is one label of the matrix, or a bloc of the core table whose members are labels. The members of such a bloc are
not added up: they sever together, so that a member can itself be compared, and comparing it changes no other state's numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from betweengiants.core.countries import blocs
from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.units import convert
from betweengiants.dossier import Dossier
from betweengiants.sources.baci import unrecorded
from betweengiants.sources.store import list_store
from betweengiants.trade.matrix import TradeMatrix, flow_rows, from_frame, header, read_rows
from betweengiants.trade.plausible import Flows, read_gdp, units

LEAST_HOME = 0.05
"""Domestic sales are GDP less exports, but at least this share of GDP: entrepots export more than their GDP."""
MONEY = re.compile(r"(?:^|_)(usd(?:_m|_bn)?)(?:_|$)")
Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class World:
    """A matrix of trade and what must be known to read it.

    Attributes:
        matrix: flows between labels, domestic sales on the diagonal.
        source: where it comes from, in words.
        year: of the flows; empty if the table names none.
        silent: states that show no trade with one another because none of them has reported (missing, not zero).
        floored: states whose domestic sales stand at LEAST_HOME of GDP.
        estimated: pairs whose flow is an estimate, wholly or in part.
        notes: sentences on what was left out or looks wrong.
    """

    matrix: TradeMatrix
    source: str
    year: str
    silent: frozenset[str] = frozenset()
    floored: frozenset[str] = frozenset()
    estimated: frozenset[Pair] = frozenset()
    notes: tuple[str, ...] = ()

    def members(self, power: str) -> tuple[str, ...]:
        """The labels that make up a power: itself, or today's members of a bloc as far as the matrix holds them.

        Raises:
            UnknownLabel: neither it nor a member is a label; names the nearest.
        """
        if power in self.place:
            return (power,)
        held = tuple(label for label in blocs().get(power, ()) if label in self.place)
        if not held:
            raise UnknownLabel(power, (*self.matrix.labels, *blocs()), what="power", file=self.matrix.name)
        return held

    def hidden(self, state: str, members: tuple[str, ...]) -> tuple[str, ...]:
        """The members whose trade with a state nobody has reported."""
        if state not in self.silent:
            return ()
        i, flows = self.place[state], self.matrix.flows
        return tuple(
            m for m in members if m in self.silent and flows[i, self.place[m]] == flows[self.place[m], i] == 0
        )

    def guessed(self, state: str, members: tuple[str, ...]) -> bool:
        """Whether a flow between a state and one of the members is an estimate."""
        return any((state, m) in self.estimated or (m, state) in self.estimated for m in members)

    @cached_property
    def place(self) -> dict[str, int]:
        """Position of each label."""
        return {label: k for k, label in enumerate(self.matrix.labels)}


def dossier_world(dossier: Dossier, year: int | None = None) -> World:
    """The matrix of a dossier.

    Raises:
        DataError: it does not hold the year, or several years and none is named.
    """
    table, name = dossier.tables["trade_matrix"], dossier.header.paths["trade_matrix"]
    matrix = from_frame(_columns(table), name=name, year=year)
    shown = str(year if year is not None else table["year"].max())
    rows = table.filter(pl.col("year").cast(pl.String) == shown, pl.col("basis").str.contains("gravity"))
    return World(
        matrix,
        f"matrix of dossier {dossier.header.name} ({len(matrix.labels)} regions)",
        shown,
        frozenset(_silent(_pairs(_columns(table), name, year))),
        estimated=frozenset(rows.select("exporter", "importer").iter_rows()),
    )


def file_world(
    flows: Path, gdp: Path | None = None, fill: Path | None = None, year: int | None = None
) -> World:
    """A matrix from the user's files.

    Args:
        flows: `exporter,importer,value[,sector][,year]`; sectors are added up. Units of money are read from the names of the
            columns (`value_usd_m`); a column without a unit is in that of the other file.
        gdp: `country,gdp` (see `plausible.read_gdp`): domestic sales of states that have no row with themselves are GDP less
            exports, at least LEAST_HOME of GDP. States without either are left out and named.
        fill: rows in the layout of `flows` for pairs that `flows` does not hold.
        year: the year to take; may be left out when the files hold one.

    Raises:
        DataError: a file that cannot be read, a year that is needed or absent, a pair in both files, states without domestic
            sales and no GDP, or two units of money in one table.
    """
    return _world(read_rows(flows), flows.name, f"file {flows.name}", gdp, fill, year)


def store_world(
    store: Path | str | None, gdp: Path, fill: Path | None = None, year: int | None = None
) -> World | None:
    """A matrix from BACI in the local store: of the latest year, the version that records most pairs. None without BACI.

    Raises:
        DataError: see `file_world`; no version holds the year.
    """
    found = []
    for row in _stored(store, "baci", "flows"):
        frame = pl.read_parquet(row["path"])
        chosen = year if year is not None else int(frame["year"].max())  # type: ignore[arg-type]
        part = frame.filter(pl.col("year") == chosen)
        found.append((bool(part.height), chosen, part.height, row["version"], part))
    if not found:
        return None
    held, chosen, _, version, part = max(found, key=lambda entry: entry[:4])
    if not held:
        raise DataError(found=f"no BACI flows of {chosen} in the store", allowed="a year that it holds")
    rows = part.rename({"value": "value_usd"})
    return _world(rows, f"BACI {version}", f"BACI {version} of the local store", gdp, fill, chosen)


def find_world(
    settings: Dossier,
    *,
    flows: Path | None = None,
    gdp: Path | None = None,
    fill: Path | None = None,
    year: int | None = None,
    store: Path | str | None = None,
) -> World:
    """The user's flows, else BACI of the local store (with a table of GDP), else the matrix of a dossier.

    Raises:
        DataError: see `file_world`; a table of GDP or of further pairs without flows to add it to.
    """
    if flows is not None:
        return file_world(flows, gdp, fill, year)
    if gdp is not None:
        world = store_world(store, gdp, fill, year)
        if world is not None:
            return world
    if gdp is not None or fill is not None:
        raise DataError(
            found=f"{'--gdp' if gdp is not None else '--fill'} without flows",
            allowed="--flows FILE, or --gdp FILE with BACI in the local store (betweengiants pull baci)",
        )
    world = dossier_world(settings, year)
    idle = _stored(store, "baci", "flows")
    if not idle:
        return world
    note = f"BACI {idle[-1]['version']} of the local store is not used: its domestic sales need --gdp FILE"
    return replace(world, notes=(*world.notes, note))


def _stored(store: Path | str | None, source: str, table: str) -> list[dict[str, str]]:
    listed = list_store(store)
    return listed.filter(pl.col("source") == source, pl.col("table") == table).to_dicts()


def _world(
    rows: pl.DataFrame, name: str, source: str, gdp: Path | None, fill: Path | None, year: int | None
) -> World:
    unit = _unit(_value(rows))
    recorded = _pairs(rows, name, year)
    shown = str(year if year is not None else rows["year"][0]) if "year" in rows.columns else ""
    silent = _silent(recorded)
    flows, estimated = recorded, frozenset[Pair]()
    if fill is not None:
        more = _filling(fill, unit, int(shown) if shown else None, recorded, name)
        flows, estimated = pl.concat([recorded, more]), frozenset(more.select("exporter", "importer").rows())
    have = _sizes(gdp, unit) if gdp is not None else {}
    whole, floored, left = _with_domestic_sales(flows, have, name, given=gdp is not None)
    matrix = from_frame(whole, name=name)
    if gdp is not None:
        _require_one_unit(matrix, have, name)
    notes = [_missing(silent)] if silent else list(matrix.notes())
    if left:
        notes.append(f"left out, for want of GDP and of domestic sales: {summary(left, 20)}")
    return World(
        matrix,
        f"{source} ({len(matrix.labels)} economies)",
        shown,
        frozenset(silent),
        floored,
        estimated,
        tuple(notes),
    )


def _columns(table: pl.DataFrame) -> pl.DataFrame:
    """A dossier's table of flows in the layout of the trade engine."""
    return table.select("exporter", "importer", "year", value="value_usd_m")


def _pairs(rows: pl.DataFrame, name: str, year: int | None) -> pl.DataFrame:
    """Checked flows of one year, sectors added up: exporter, importer, value."""
    table = flow_rows(rows, name, year)
    return table.group_by("exporter", "importer", maintain_order=True).agg(pl.col("value").sum())


def _silent(recorded: pl.DataFrame) -> list[str]:
    abroad = recorded.filter(pl.col("exporter") != pl.col("importer"), pl.col("value") > 0)
    return unrecorded(abroad.with_columns(year=pl.lit(0))).get(0, [])


def _missing(silent: list[str]) -> str:
    return f"{len(silent)} economies show no trade with one another ({summary(silent)}): missing, not zero"


def _filling(
    fill: Path, unit: str | None, year: int | None, recorded: pl.DataFrame, name: str
) -> pl.DataFrame:
    rows = read_rows(fill)
    more = _pairs(rows, fill.name, year if "year" in rows.columns else None)
    both = more.join(recorded, on=["exporter", "importer"], how="inner", maintain_order="left")
    if both.height:
        raise DataError(
            file=fill.name,
            found=f"{both['exporter'][0]} to {both['importer'][0]}, which {name} holds too",
            allowed="pairs that the flows do not hold",
        )
    return more.with_columns(pl.col("value") * _factor(_unit(_value(rows)), unit))


def _sizes(gdp: Path, unit: str | None) -> dict[str, float]:
    column = next((c for c in header(gdp) if c == "gdp" or c.startswith("gdp_")), "gdp")
    factor = _factor(_unit(column), unit)
    return {label: value * factor for label, value in read_gdp(gdp).items()}


def _with_domestic_sales(
    flows: pl.DataFrame, gdp: Mapping[str, float], name: str, *, given: bool
) -> tuple[pl.DataFrame, frozenset[str], list[str]]:
    """Flows with a positive sale of every state to itself; states that stand at the floor; states left out."""
    labels = sorted(set(flows["exporter"]) | set(flows["importer"]))
    own = flows.filter(pl.col("exporter") == pl.col("importer"), pl.col("value") > 0)
    abroad = flows.filter(pl.col("exporter") != pl.col("importer"))
    sold = dict(abroad.group_by("exporter").agg(pl.col("value").sum()).iter_rows())
    lacking = [label for label in labels if label not in set(own["exporter"])]
    if lacking and not given:
        raise DataError(
            file=name,
            found=f"no domestic sales for {summary(lacking)}",
            allowed="rows with exporter = importer, or --gdp FILE to make them from",
        )
    made, floored, left = [], [], []
    for label in lacking:
        if label not in gdp:
            left.append(label)
            continue
        rest, least = gdp[label] - sold.get(label, 0.0), LEAST_HOME * gdp[label]
        made.append((label, label, max(rest, least)))
        if rest < least:
            floored.append(label)
    kept = [~pl.col(side).is_in(left) for side in ("exporter", "importer")]
    added = pl.DataFrame(made, schema=flows.schema, orient="row")
    return pl.concat([abroad.filter(*kept), own, added]), frozenset(floored), left


def _require_one_unit(matrix: TradeMatrix, gdp: Mapping[str, float], name: str) -> None:
    """Refuse GDP in thousands beside flows in millions: every number would be wrong and none would look it."""
    table = Flows(matrix.labels, ("all",), matrix.flows[:, :, None])
    faults = [finding for finding in units(table, gdp) if not finding.countries]
    if faults:
        raise DataError(file=name, found=faults[0].text, allowed="flows and GDP in one unit of money")


def _value(rows: pl.DataFrame) -> str:
    return next(c for c in rows.columns if c == "value" or c.startswith("value_"))


def _unit(column: str) -> str | None:
    found = MONEY.search(column)
    return found[1] if found else None


def _factor(unit: str | None, to: str | None) -> float:
    return convert(1.0, unit, to) if unit is not None and to is not None else 1.0
