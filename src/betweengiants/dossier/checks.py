"""What must hold in every dossier, each rule a small function that names the file, the row and the column."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import (
    FIRST_RECORD,
    require_member,
    require_range,
    require_unique,
)
from betweengiants.core.units import UNITS
from betweengiants.dossier import checks_events, claims, schema
from betweengiants.dossier.refusal import DATE, refuse

Tables = Mapping[str, pl.DataFrame]
NOT_NUMBERS = tuple(code for code, entry in UNITS.items() if entry is None)
# A central value and its bounds, in every table that has them.
BOUNDED = (
    ("value", "low", "high"),
    ("capacity", "capacity_low", "capacity_high"),
    ("cost", "cost_low", "cost_high"),
    ("price", "price_low", "price_high"),
    ("value", "value_low", "value_high"),
    ("personnel", "personnel_low", "personnel_high"),
)


def check_fields(table: str, frame: pl.DataFrame) -> None:
    """Keys are unique; closed lists and bounds hold; numbers are finite and lie between their own bounds."""
    name = f"{table}.csv"
    require_unique(frame, schema.key_of(table), name)
    for field in schema.tables()[table]:
        if field.kind == "number":
            _require_finite(frame, field.name, name)
        if field.enum:
            require_member(frame, field.name, field.enum, name)
        if field.minimum is not None:
            require_range(frame, field.name, name, minimum=field.minimum)
        if field.maximum is not None:
            require_range(frame, field.name, name, maximum=field.maximum)
    for value, low, high in BOUNDED:
        if {value, low, high} <= set(frame.columns) and frame[value].dtype == pl.Float64:
            rows = frame.with_row_index("_row", offset=FIRST_RECORD)
            outside = (pl.col(low) > pl.col(value)) | (pl.col(high) < pl.col(value))
            crossed = pl.col(low) > pl.col(high)
            refuse(rows.filter(outside), value, f"a value between {low} and {high}", file=name)
            refuse(rows.filter(crossed), low, f"a number that is not above {high}", file=name)


def check_references(tables: Tables) -> None:
    """Every value that points to another table, to the units or to the warnings is found there."""
    for table, frame in tables.items():
        for field in schema.tables()[table]:
            if field.reference:
                _check_reference(table, frame, field, tables)


def check_facts(tables: Tables) -> None:
    """A fact has its measure's unit, a value of the right kind, and lies in the measure's plausible range."""
    facts = tables["facts"].with_row_index("_row", offset=FIRST_RECORD)
    joined = facts.join(
        tables["measures"].select("measure", unit_of_measure="unit", minimum="minimum", maximum="maximum"),
        on="measure",
        how="left",
        maintain_order="left",
    )
    refuse(joined.filter(pl.col("unit") != pl.col("unit_of_measure")), "unit", "the measure's own unit")
    numeric = joined.filter(~pl.col("unit").is_in(NOT_NUMBERS)).with_columns(
        number=pl.col("value").cast(pl.Float64, strict=False)
    )
    refuse(numeric.filter(pl.col("number").is_null() | ~pl.col("number").is_finite()), "value", "a number")
    outside = (pl.col("number") < pl.col("minimum")) | (pl.col("number") > pl.col("maximum"))
    refuse(numeric.filter(outside), "value", "a value in the plausible range that measures.csv gives")
    disordered = (pl.col("low") > pl.col("number")) | (pl.col("high") < pl.col("number"))
    refuse(numeric.filter(disordered), "value", "a value between low and high")
    dates = joined.filter((pl.col("unit") == "date") & ~pl.col("value").str.contains(DATE))
    refuse(dates, "value", "a date (2025, 2025-11 or 2025-11-12)")


def check_claims(tables: Tables) -> None:
    """A claim states what its kind asks for; an empty unit means that of its measure."""
    units = dict(tables["measures"].select("measure", "unit").iter_rows())
    claims.refuse_faults(list(claims.faults(tables["claims"].to_dicts(), "claims.csv", units)))


def check_licences(tables: Tables) -> None:
    """No row rests only on sources that may not be passed on."""
    restricted = set(tables["sources"].filter(pl.col("ship") == "restricted")["source_id"])
    for table, frame in tables.items():
        if table == "sources" or "source_id" not in frame.columns:
            continue
        for row, cell in enumerate(frame["source_id"], FIRST_RECORD):
            if cell and restricted.issuperset(cell.split(";")):
                raise DataError(
                    file=f"{table}.csv",
                    row=row,
                    column="source_id",
                    found=f"only sources that may not be passed on ({cell})",
                    allowed="at least one source with ship = open or facts",
                )


def check_network(tables: Tables) -> None:
    """An operating edge has a capacity or says that none is known; control names an edge or a node."""
    edges = tables["network_edges"].with_row_index("_row", offset=FIRST_RECORD)
    silent = pl.col("capacity").is_null() & (pl.col("capacity_basis").fill_null("") != "none")
    unknown = edges.filter((pl.col("status") == "operating") & silent)
    refuse(
        unknown,
        "capacity",
        "a capacity (a declared estimate with bounds where no source has one), or capacity_basis = none",
        file="network_edges.csv",
    )
    assets = {*edges["edge_id"], *tables["network_nodes"]["node_id"]}
    for table in ("network_control", "network_ramps"):
        for row, asset in enumerate(tables[table]["asset_id"] if table in tables else (), FIRST_RECORD):
            if asset not in assets:
                raise UnknownLabel(
                    asset, assets, what="edge or node", file=f"{table}.csv", row=row, column="asset_id"
                )


def check_closures(tables: Tables) -> None:
    """A closure starts on a day, and one that the back-test runs states what was observed and how long it lasted."""
    rows = tables["closures"].with_row_index("_row", offset=FIRST_RECORD)
    day = pl.col("start").str.to_date("%Y-%m-%d", strict=False)
    refuse(rows.filter(day.is_null()), "start", "a day (2025-11-12)", file="closures.csv")
    used = rows.filter(pl.col("used") == "yes")
    for column in ("days", "observed_lost", "observed_lost_unit"):
        refuse(used.filter(pl.col(column).is_null()), column, "a value, or used = no", file="closures.csv")
    for value, unit in (("before_volume", "before_unit"), ("observed_rerouted", "observed_unit")):
        bare = rows.filter(pl.col(value).is_not_null() & pl.col(unit).is_null())
        refuse(bare, unit, f"the unit of {value}", file="closures.csv")
    silent = rows.filter((pl.col("used") == "no") & pl.col("why").is_null())
    refuse(silent, "why", "why the row is not used", file="closures.csv")


def check_all(tables: Tables) -> None:
    """Run every rule.

    Raises:
        DataError: the first rule that is broken, with its place.
    """
    for table, frame in tables.items():
        check_fields(table, frame)
    check_references(tables)
    check_facts(tables)
    check_licences(tables)
    if "claims" in tables:
        check_claims(tables)
    if "bounds" in tables:
        claims.refuse_faults(list(claims.faults_of_bounds(tables)))
    if "network_edges" in tables:
        check_network(tables)
    if "closures" in tables:
        check_closures(tables)
    checks_events.check_events(tables)


def _require_finite(frame: pl.DataFrame, column: str, name: str) -> None:
    bad = frame[column].is_infinite().fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        found = "-inf" if frame[column][row] == -math.inf else "inf"
        raise DataError(
            file=name, row=row + FIRST_RECORD, column=column, found=found, allowed="a finite number"
        )


def _check_reference(table: str, frame: pl.DataFrame, field: schema.Field, tables: Tables) -> None:
    known = _targets(field.reference, tables)
    if known is None:
        if frame[field.name].null_count() == frame.height:
            return
        raise DataError(
            file=f"{table}.csv",
            column=field.name,
            found=f"values of a table that the dossier lacks ({field.reference})",
            allowed=f"a dossier with {field.reference.split('.')[0]}.csv, or without {table}.csv",
        )
    for row, cell in enumerate(frame[field.name], FIRST_RECORD):
        if cell is None:
            continue
        for label in cell.split(";") if field.is_list else (cell,):
            if label not in known:
                raise UnknownLabel(
                    label,
                    known,
                    what=field.reference.split(".")[-1].removesuffix("s").removesuffix("_id"),
                    file=f"{table}.csv",
                    row=row,
                    column=field.name,
                )


def _targets(reference: str, tables: Tables) -> set[str] | None:
    if reference == "units":
        return set(UNITS)
    if reference == "warnings":
        return set(schema.WARNINGS)
    target, column = reference.split(".")
    return set(tables[target][column]) if target in tables else None
