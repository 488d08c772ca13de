"""Agreements with each power by year and domain, and what was announced beside what came.

Values are as announced and of different kinds (a contract, a package of many, a rent per year, a ceiling):
they are added up only within one kind, never across kinds, and a package may hold contracts that stand on
their own as well. Announced and delivered are compared only in the same unit, project by project.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.alignment.events import with_day
from betweengiants.core.errors import UnknownLabel
from betweengiants.core.tables import Kind, require_range, require_unique, typed

AGREEMENTS: dict[str, Kind] = {
    "agreement_id": "text",
    "date": "text",
    "parties": "text",
    "domain": "text",
    "kind": "text",
}
WELCOME: dict[str, Kind] = {"value_usd_m": "number", "value_kind": "text", "status": "text"}
DELIVERIES: dict[str, Kind] = {
    "project": "text",
    "power": "text",
    "announced": "text",
    "announced_value": "number",
    "unit": "text",
    "kind": "text",
    "observed": "text",
    "observed_value": "number",
}
# Statuses of an agreement that nobody has signed yet.
NOT_SIGNED = ("announced", "selected", "initialled")
NO_VALUE = "none"


def agreement_events(
    agreements: pl.DataFrame, focal: str, powers: Sequence[str], *, name: str = "agreements"
) -> pl.DataFrame:
    """One row for each agreement and power that is a party to it together with the focal state.

    Args:
        agreements: `agreement_id,date,parties,domain,kind` and optionally `value_usd_m,value_kind,status`;
            parties are joined by `;`, the date may be a year, a month or blank.
        focal: a party.
        powers: parties.
        name: how messages call the table.

    Returns:
        power, agreement_id, day, year, domain, kind, multilateral (more than two parties), signed (unless the
        status says that it is not), value_usd_m, value_kind. Sorted by power, day and id.

    Raises:
        DataError: missing columns, unreadable dates, an id that comes twice.
        UnknownLabel: a focal state that is party to nothing.
    """
    rows = typed(agreements, AGREEMENTS, optional=WELCOME, blanks=("date", *WELCOME), name=name)
    require_unique(rows, ["agreement_id"], name)
    for column, kind in WELCOME.items():
        if column not in rows.columns:
            dtype = pl.Float64 if kind == "number" else pl.String
            rows = rows.with_columns(pl.lit(None, dtype=dtype).alias(column))
    rows = with_day(rows, "date", name).with_columns(
        parties=pl.col("parties").str.split(";").list.eval(pl.element().str.strip_chars())
    )
    if not rows["parties"].list.contains(focal).any():
        raise UnknownLabel(focal, rows["parties"].explode(), what="party", file=name, column="parties")
    ours = rows.filter(pl.col("parties").list.contains(focal)).with_columns(
        multilateral=pl.col("parties").list.n_unique() > 2,
        signed=~pl.col("status").is_in(NOT_SIGNED).fill_null(False),
    )
    wanted = sorted(set(powers) - {focal})
    return (
        ours.explode("parties")
        .rename({"parties": "power"})
        .filter(pl.col("power").is_in(wanted))
        .unique(["agreement_id", "power"], maintain_order=True)
        .select(
            "power",
            "agreement_id",
            "day",
            "year",
            "domain",
            "kind",
            "multilateral",
            "signed",
            "value_usd_m",
            "value_kind",
        )
        .sort("power", "day", "agreement_id", nulls_last=True)
    )


def agreements_by_year(events: pl.DataFrame) -> pl.DataFrame:
    """Agreements by power, year and domain.

    Args:
        events: see `agreement_events`.

    Returns:
        power, year (null for undated ones), domain, agreements, signed, multilateral. Sorted. A power and year
        without a row has none in the table, which need not mean that there was none.
    """
    return (
        events.group_by("power", "year", "domain")
        .agg(
            agreements=pl.len().cast(pl.Int64),
            signed=pl.col("signed").sum().cast(pl.Int64),
            multilateral=pl.col("multilateral").sum().cast(pl.Int64),
        )
        .sort("power", "year", "domain", nulls_last=True)
    )


def announced_values(events: pl.DataFrame) -> pl.DataFrame:
    """Values announced, by power, year and kind of value; never added across kinds.

    Args:
        events: see `agreement_events`.

    Returns:
        power, year, value_kind (null where the table does not say), agreements, value_usd_m, agreement_ids.
        Sorted. Agreements without a value are left out.
    """
    valued = events.filter(
        pl.col("value_usd_m").is_not_null() & (pl.col("value_kind").fill_null("") != NO_VALUE)
    )
    return (
        valued.group_by("power", "year", "value_kind")
        .agg(
            agreements=pl.len().cast(pl.Int64),
            value_usd_m=pl.col("value_usd_m").sum(),
            agreement_ids=pl.col("agreement_id").sort(),
        )
        .sort("power", "year", "value_kind", nulls_last=True)
    )


def deliveries(projects: pl.DataFrame, *, name: str = "deliveries") -> pl.DataFrame:
    """What was announced and what came, project by project.

    Args:
        projects: `project,power,announced,announced_value,unit,kind,observed,observed_value`; announced and
            observed are dates; an outcome that nobody reported is blank, one that did not come is 0.
        name: how messages call the table.

    Returns:
        power, project, unit, kind, announced_year, announced_value, observed_year, observed_value, delivered
        (observed / announced; null where either is unknown), years (between the two dates, of 365.25 days).
        Sorted by power and project.

    Raises:
        DataError: missing columns, unreadable dates, negative values, a project that comes twice.
    """
    values = ("announced_value", "observed_value")
    rows = typed(projects, DELIVERIES, blanks=("observed", *values), name=name)
    require_unique(rows, ["project", "power"], name)
    for column in values:
        require_range(rows, column, name, minimum=0)
    first = with_day(rows, "announced", name)
    last = with_day(rows, "observed", name)
    return (
        rows.with_columns(
            announced_year=first["year"],
            observed_year=last["year"],
            years=(last["day"] - first["day"]).dt.total_days() / 365.25,
            delivered=pl.when(pl.col("announced_value") > 0).then(
                pl.col("observed_value") / pl.col("announced_value")
            ),
        )
        .select(
            "power",
            "project",
            "unit",
            "kind",
            "announced_year",
            "announced_value",
            "observed_year",
            "observed_value",
            "delivered",
            "years",
        )
        .sort("power", "project")
    )


def deliveries_by_power(table: pl.DataFrame) -> pl.DataFrame:
    """Announced against delivered by power, unit and kind, over the projects whose outcome is known.

    Args:
        table: see `deliveries`.

    Returns:
        power, unit, kind, projects, known (of them with an outcome), announced_value and observed_value (of
        the known ones), delivered (their quotient); the last three are null if none is known. Sorted.
    """
    known = pl.col("delivered").is_not_null()
    return (
        table.group_by("power", "unit", "kind")
        .agg(
            projects=pl.len().cast(pl.Int64),
            known=known.sum().cast(pl.Int64),
            announced_value=pl.when(known.any()).then(pl.col("announced_value").filter(known).sum()),
            observed_value=pl.when(known.any()).then(pl.col("observed_value").filter(known).sum()),
        )
        .with_columns(delivered=pl.col("observed_value") / pl.col("announced_value"))
        .sort("power", "unit", "kind")
    )
