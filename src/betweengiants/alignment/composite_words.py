"""The composite in words: who stands closest, how sure that is, and what to know about the parts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import summary

# Share of the draws above which a power is called the closest.
CLEAR = 0.5
# A range as wide as this part of the scale from 0 to 1 leaves the value next to nothing to say.
WIDE = 0.5
MOST_NAMED = 5


def sentence(rows: pl.DataFrame) -> str:
    """One sentence on one state and year.

    Args:
        rows: those of `composite.Composite.table`, at least one with a composite.
    """
    there = rows.filter(pl.col("alignment").is_not_null()).sort("rank", "power").to_dicts()
    first, *others = there
    if len({tuple(row["parts"]) for row in there}) > 1:
        return _side_by_side(there)
    country, year = first["country"], first["year"]
    missing = sorted({name for row in rows.to_dicts() for name in row["missing"]})
    gaps = f"; missing: {', '.join(missing)}" if missing else ""
    ways = _ways(first["parts"])
    if first["first"] <= CLEAR:
        values = _listed([f"{row['power']} {row['alignment']:.2f}" for row in there])
        chances = _listed([f"{row['power']} in {_chance(row['first'])}" for row in there])
        return (
            f"In {year} no power stood clearly closest to {country}: {values} on a scale from 0 to 1, first "
            f"{chances} of 100 {ways}{gaps}."
        )
    order = ""
    if others:
        behind = _listed([f"{row['power']} ({row['alignment']:.2f})" for row in others])
        order = f", ahead of {behind}; it comes first in {_chance(first['first'])} of 100 {ways}"
    return (
        f"In {year} {country} stood closest to {first['power']} ({first['alignment']:.2f} on a scale from 0 to 1, "
        f"range {first['low']:.2f} to {first['high']:.2f}){order}{gaps}."
    )


def with_later_years(rows: pl.DataFrame, told: str | None) -> str:
    """The sentence of a state's latest composite, and why the later years of its table have none.

    Args:
        rows: all years of one state in `composite.Composite.table`.
        told: the sentence; None if no year has a composite.
    """
    last = rows.filter(pl.col("alignment").is_not_null())["year"].max()
    years = rows["year"].unique().sort()
    later = years if last is None else years.filter(years > last)
    if later.is_empty():
        return told or ""
    when = f"{later[0]}" if later.len() == 1 else f"{later[0]} to {later[-1]}"
    why = f"no composite for {when}, in which the powers have no part of positive weight in common."
    if told is None:
        return f"For {rows['country'][0]} there is {why}"
    return f"{told.removesuffix('.')}; {why}"


def remarks(parts: pl.DataFrame) -> tuple[str, ...]:
    """What to know about the parts before trusting a composite of them.

    Args:
        parts: `country,power,year,part,value,low,high`.
    """
    found = []
    wide = parts.filter(pl.col("high") - pl.col("low") > WIDE).to_dicts()
    if wide:
        named = (
            f"{row['part']} of {row['country']} with {row['power']} in {row['year']} ({row['low']:.2f} to {row['high']:.2f})"
            for row in wide
        )
        found.append(
            f"ranges wider than half the scale, whose values say little: {summary(named, MOST_NAMED)}"
        )
    bare = parts.filter(pl.col("low").is_null() & pl.col("high").is_null()).height
    if bare:
        found.append(f"{bare} of {parts.height} values without a range (low, high): taken as exact")
    return tuple(found)


def _side_by_side(there: Sequence[dict[str, object]]) -> str:
    """Powers that stand on different parts: named with these, and not ranked."""
    values = _listed(
        [f"{row['alignment']:.2f} with {row['power']} ({_listed(row['parts'])})" for row in there]  # type: ignore[arg-type]
    )
    return (
        f"In {there[0]['year']} {there[0]['country']} stood at {values} on a scale from 0 to 1; these rest on different "
        "parts, which are different measures, so the powers are not ranked."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _chance(share: float) -> str:
    """Out of 100, where 100 and 0 are said only if they are exact."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "more than 99"
    return "less than 1" if rounded == 0 and share > 0 else f"{rounded}"


def _ways(parts: list[str]) -> str:
    return f"ways to weigh {_listed(parts)}" if len(parts) > 1 else f"draws of {parts[0]} within its range"
