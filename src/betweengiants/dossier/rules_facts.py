"""Consistency of the facts: bounds, parts and wholes, arithmetic, bases and warnings, dates and age."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from betweengiants.dossier.checks import NOT_NUMBERS
from betweengiants.dossier.findings import (
    WORLD,
    Finding,
    Rule,
    after,
    as_of,
    last_year,
    numbered,
    numbers,
    shown,
    without_members,
)
from betweengiants.dossier.reading import Dossier

# Sums of rounded parts pass the whole by a little.
ROUNDING = 0.02
# Sources that differ by more than this factor hardly mean the same thing.
FAR = 2.0
STALE_YEARS = 5
PROMISES = ("announced", "ordered", "planned", "firm")
KEY = ["measure", "subject", "partner", "period"]
# A measure that splits another one by partner: crude_export_by_route, gas_exports_to.
PART = re.compile(r"(.+?)_(?:by_[a-z_]+|to|from)")
WARNING_OF = {"estimate": "estimated", "derived": "derived", "announced": "announced_only"}
PERIOD = re.compile(
    r"\d{4}(-H[12]|-Q[1-4]|-(0[1-9]|1[0-2])(-\d\d)?)?(/\d{4}(-H[12]|-Q[1-4]|-(0[1-9]|1[0-2])(-\d\d)?)?)?"
)
NUMBER = r"((?>\d[\d,]*(?:\.\d+)?))"
# The arithmetic that notes of derived facts state: `3.7 of 78.7`, `14,254 over 1.2`, `27.5 less 12.1`.
ARITHMETIC = re.compile(rf"{NUMBER} (of|over|less|plus|times) {NUMBER}(?: [a-z]+)?(?:[.;:,(].*)?")


def range_outside_bounds(dossier: Dossier) -> Iterator[Finding]:
    """The range of a fact stays within the plausible range of its measure."""
    bounds = dossier.tables["measures"].select("measure", "minimum", "maximum")
    rows = numbered(dossier, "facts").join(bounds, on="measure", how="left")
    outside = (pl.col("low") < pl.col("minimum")) | (pl.col("high") > pl.col("maximum"))
    for row in rows.filter(outside).to_dicts():
        yield Finding(
            "facts",
            row["_row"],
            f"the range {_span(row)} of {row['measure']} leaves the plausible range of the measure",
        )


def shares_above_one(dossier: Dossier) -> Iterator[Finding]:
    """Shares of partners of one kind (states, companies, ...) in one whole add up to no more than one."""
    rows = numbers(dossier).filter(pl.col("unit").is_in(["pct", "share"]) & pl.col("partner").is_not_null())
    rows = rows.filter(
        pl.col("measure").str.ends_with("_share") | pl.col("measure").str.contains("_share_by_")
    )
    kinds = dossier.tables["actors"].select(partner="actor", kind="kind").filter(pl.col("kind") != "group")
    rows = rows.join(kinds, on="partner", maintain_order="left")
    keys = ["measure", "subject", "period", "source_id", "unit", "kind"]
    for (measure, subject, period, source, unit, _), part in rows.group_by(keys, maintain_order=True):
        total, whole = _sum_of(part), 100.0 if unit == "pct" else 1.0
        if total > whole * (1 + ROUNDING):
            yield Finding(
                "facts",
                part["_row"][0],
                f"{measure} of {subject} in {period} by {source}: partners add up to {shown(total)} of {shown(whole)}",
            )


def parts_above_whole(dossier: Dossier) -> Iterator[Finding]:
    """Parts by partner (X_by_..., X_to, X_from) add up to no more than the whole X of the same year."""
    rows = numbers(dossier)
    wholes = _wholes(rows)
    keys = ["measure", "subject", "period", "unit"]
    for key, part in rows.filter(pl.col("partner").is_not_null()).group_by(keys, maintain_order=True):
        measure, subject, period, unit = (str(cell) for cell in key)
        found = [
            (name, partner)
            for name, partner in ((measure, WORLD), *((name, None) for name in _split_names(measure)))
            if (name, subject, period, unit, partner) in wholes
        ]
        if not found:
            continue
        name, partner = found[0]
        whole = wholes[name, subject, period, unit, partner]
        total = _sum_of(part.group_by("partner", maintain_order=True).agg(pl.col("number").min()))
        if total > whole * (1 + ROUNDING):
            yield Finding(
                "facts",
                part["_row"][0],
                f"{measure} of {subject} in {period}: partners add up to {shown(total)}, "
                f"the whole ({name}{' with the world' if partner else ''}) is {shown(whole)}",
            )


def derived_not_its_arithmetic(dossier: Dossier) -> Iterator[Finding]:
    """A derived fact equals the arithmetic that its note states (`3.7 of 78.7`)."""
    for row in numbers(dossier).filter(pl.col("basis") == "derived").to_dicts():
        found = ARITHMETIC.fullmatch(row["note"] or "")
        if found is None:
            continue
        left, word, right = found.groups()
        value = _computed(float(left.replace(",", "")), word, float(right.replace(",", "")))
        value *= 100 if row["unit"] == "pct" and word in ("of", "over") else 1
        if abs(value - row["number"]) > max(ROUNDING * abs(row["number"]), _last_digit(row["value"])):
            yield Finding(
                "facts",
                row["_row"],
                f"the note says {left} {word} {right} = {shown(value)}, the value is {row['value']}",
            )


def turnover_not_its_parts(dossier: Dossier) -> Iterator[Finding]:
    """Turnover equals exports and imports of goods from the same source."""
    rows = numbers(dossier)
    keys = ["subject", "partner", "period", "source_id", "unit"]
    sides = [
        rows.filter(pl.col("measure") == f"{side}_goods").select(*keys, pl.col("number").alias(side))
        for side in ("exports", "imports")
    ]
    whole = rows.filter(pl.col("measure") == "trade_turnover")
    for side in sides:
        whole = whole.join(side, on=keys, how="inner", nulls_equal=True, maintain_order="left")
    for row in whole.to_dicts():
        parts = row["exports"] + row["imports"]
        if abs(parts - row["number"]) > ROUNDING * abs(row["number"]):
            yield Finding(
                "facts",
                row["_row"],
                f"turnover is {shown(row['number'])}, exports and imports of the same source make {shown(parts)}",
            )


def mirror_gap_without_warning(dossier: Dossier) -> Iterator[Finding]:
    """Exports of goods that the partner books a factor of two apart as imports carry the warning mirror_gap."""
    rows = numbers(dossier)
    booked = rows.filter(pl.col("measure") == "imports_goods").select(
        "period", "unit", subject="partner", partner="subject", mirror="number"
    )
    sold = rows.filter((pl.col("measure") == "exports_goods") & ~_warned("mirror_gap"))
    keys = ["subject", "partner", "period", "unit"]
    for row in sold.join(booked, on=keys, maintain_order="left").to_dicts():
        low, high = sorted((row["number"], row["mirror"]))
        if high > FAR * low:
            yield Finding(
                "facts",
                row["_row"],
                f"{row['subject']} books {shown(row['number'])} of exports to {row['partner']} in {row['period']}, "
                f"{row['partner']} books {shown(row['mirror'])} of imports",
            )


def sources_far_apart(dossier: Dossier) -> Iterator[Finding]:
    """Sources on the same thing in the same period differ by less than a factor of two."""
    spans = (
        numbers(dossier)
        .group_by(KEY, maintain_order=True)
        .agg(pl.col("_row").first(), low=pl.col("number").min(), high=pl.col("number").max())
    )
    for row in spans.filter((pl.col("low") > 0) & (pl.col("high") > FAR * pl.col("low"))).to_dicts():
        name = " ".join(row[cell] for cell in KEY if row[cell] is not None)
        yield Finding(
            "facts", row["_row"], f"{name}: from {shown(row['low'])} to {shown(row['high'])} by source"
        )


def announced_below_delivered(dossier: Dossier) -> Iterator[Finding]:
    """What was delivered (X_delivered) is no more than what was announced, ordered or planned."""
    rows = numbers(dossier)
    keys = ["measure", "subject", "partner", "unit"]
    sums = {key: float(part["number"].sum()) for key, part in rows.group_by(keys)}
    for row in rows.filter(pl.col("measure").str.ends_with("_delivered")).to_dicts():
        stem = row["measure"].removesuffix("_delivered")
        place = (row["subject"], row["partner"], row["unit"])
        promised = [sums[key] for word in PROMISES if (key := (f"{stem}_{word}", *place)) in sums]
        if promised and row["number"] > sum(promised):
            yield Finding(
                "facts",
                row["_row"],
                f"{shown(row['number'])} delivered, only {shown(sum(promised))} announced or ordered",
            )


def basis_without_its_warning(dossier: Dossier) -> Iterator[Finding]:
    """An estimated, derived or announced fact carries the warning of that name."""
    for row in numbered(dossier, "facts").filter(pl.col("basis").is_in(list(WARNING_OF))).to_dicts():
        wanted = WARNING_OF[row["basis"]]
        if wanted not in (row["warnings"] or "").split(";"):
            yield Finding("facts", row["_row"], f"basis is {row['basis']}, the warning {wanted} is missing")


def unreadable_period(dossier: Dossier) -> Iterator[Finding]:
    """A period is a year, half, quarter, month, day or an interval of them."""
    for row in numbered(dossier, "facts").select("_row", "period").to_dicts():
        if not PERIOD.fullmatch(row["period"]):
            yield Finding("facts", row["_row"], f"the period {row['period']!r} is none")


def reported_from_the_future(dossier: Dossier) -> Iterator[Finding]:
    """What lies after the dossier's date is announced or projected, not reported."""
    today = as_of(dossier)
    for row in numbered(dossier, "facts").to_dicts():
        start = row["period"].split("/")[0].split("-H")[0].split("-Q")[0]
        if row["basis"] in ("reported", "mirror") and after(start, today):
            yield Finding(
                "facts", row["_row"], f"{row['basis']} for {row['period']}, after the dossier's date {today}"
            )


def stale(dossier: Dossier) -> Iterator[Finding]:
    """The latest fact of a measure that is followed over years is at most five years older than the base year."""
    limit = dossier.header.base_year - STALE_YEARS
    latest: dict[str, set[int]] = {}
    for measure, period in dossier.tables["facts"].select("measure", "period").iter_rows():
        year = last_year(period)
        if year is not None:
            latest.setdefault(measure, set()).add(year)
    for row in numbered(dossier, "measures").filter(~pl.col("unit").is_in(NOT_NUMBERS)).to_dicts():
        years = latest.get(row["measure"], set())
        if len(years) > 1 and max(years) < limit:
            yield Finding("measures", row["_row"], f"the latest fact of {row['measure']} is of {max(years)}")


def _wholes(rows: pl.DataFrame) -> dict[tuple[str, str, str, str, str | None], float]:
    """The largest value by measure, subject, period, unit and partner (none, or the world)."""
    keys = ["measure", "subject", "period", "unit", "partner"]
    whole = rows.filter(pl.col("partner").is_null() | (pl.col("partner") == WORLD))
    return {tuple(row[:5]): row[5] for row in whole.group_by(keys).agg(pl.col("number").max()).iter_rows()}


def _split_names(measure: str) -> list[str]:
    """Measures that a part may split: crude_export_by_route splits crude_exports."""
    found = PART.fullmatch(measure)
    return [found[1], f"{found[1]}s"] if found else []


def _warned(warning: str) -> pl.Expr:
    return pl.col("warnings").fill_null("").str.split(";").list.contains(warning)


def _sum_of(part: pl.DataFrame) -> float:
    counted = without_members(part["partner"].to_list())
    return float(part.filter(pl.col("partner").is_in(sorted(counted)))["number"].sum())


def _computed(left: float, word: str, right: float) -> float:
    if word in ("of", "over"):
        return left / right if right else float("inf")
    return {"less": left - right, "plus": left + right, "times": left * right}[word]


def _last_digit(value: str) -> float:
    """One unit of the last digit that the value is written with."""
    decimals = len(value.partition(".")[2]) if "e" not in value.casefold() else 0
    return float(10.0**-decimals)


def _span(row: dict[str, float | None]) -> str:
    return " to ".join(shown(row[name]) if row[name] is not None else "..." for name in ("low", "high"))  # type: ignore[arg-type]


FACT_RULES: tuple[Rule, ...] = (
    range_outside_bounds,
    shares_above_one,
    parts_above_whole,
    derived_not_its_arithmetic,
    turnover_not_its_parts,
    sources_far_apart,
    mirror_gap_without_warning,
    announced_below_delivered,
    basis_without_its_warning,
    unreadable_period,
    reported_from_the_future,
    stale,
)
