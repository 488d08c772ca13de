"""One number for alignment, on top of its parts and never instead of them.

    composite = sum_k w_k x_k / sum_k w_k        over the parts x_k that are there

Nobody knows the weights. They are drawn anew many times from a Dirichlet distribution around the stated ones
(with equal weights and concentration 1: every set of weights equally likely), together with each part inside
its own range; the interval and the share of draws in which a power comes first show what the choice decides
(OECD & JRC 2008, Handbook on Constructing Composite Indicators, step 7). One set of weights serves all powers
and years of a draw, so that comparisons between them are fair.

A part that is missing is named and left out, never filled. By default the powers of one state and year are
compared on the parts that all of them have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.alignment import composite_words
from betweengiants.alignment.parts import Z95
from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import Kind, require_range, require_unique, typed

Basis = Literal["common", "own"]
Floats = NDArray[np.float64]
# Powers that differ by less than rounding share a rank.
DIGITS = 12
# Beyond these limits numbers say nothing more: at the largest concentration weights stay within a thousandth.
CONCENTRATION = (0.01, 1e6)
MAX_DRAWS = 1_000_000
MAX_WEIGHT = 1e9
PARTS: dict[str, Kind] = {
    "country": "text",
    "power": "text",
    "year": "integer",
    "part": "text",
    "value": "number",
}
BOUNDS: dict[str, Kind] = {"low": "number", "high": "number"}
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "country": pl.String,
    "power": pl.String,
    "year": pl.Int64,
    "alignment": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "rank": pl.Int64,
    "first": pl.Float64,
    "parts": pl.List(pl.String),
    "missing": pl.List(pl.String),
}


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite with the weights that made it.

    Attributes:
        table: country, power, year, alignment, low, high, rank, first, parts, missing (see `composite`).
        weights: part, weight (stated, summing to 1), weight_low, weight_high (of the draws), rows, first_year,
            last_year (of the part in the table; null if it is not there).
        draws: how many.
        level: share of the draws between low and high.
        basis: `common` or `own`.
        remarks: what to know about the parts before trusting the numbers, one sentence each.
    """

    table: pl.DataFrame
    weights: pl.DataFrame
    draws: int
    level: float
    basis: Basis
    remarks: tuple[str, ...] = ()

    def sentence(self, country: str, year: int) -> str:
        """One sentence that a reader can repeat.

        A power is called the closest if it comes first in more than half of the draws. Powers that stand on
        different parts (`basis` own) are named with their parts and not ranked.

        Raises:
            DataError: no composite of that state and year.
        """
        rows = self.table.filter((pl.col("country") == country) & (pl.col("year") == year))
        if rows["alignment"].null_count() == rows.height:
            raise DataError(
                found=f"no composite of {country} in {year}", allowed="a state and year of the table"
            )
        return composite_words.sentence(rows)

    def latest_sentence(self, country: str) -> str:
        """The sentence of the latest year that has a composite, and why later years of the table have none.

        Raises:
            DataError: a state that the table does not hold.
        """
        rows = self.table.filter(pl.col("country") == country)
        if rows.is_empty():
            raise UnknownLabel(country, self.table["country"], what="country", column="country")
        year = rows.filter(pl.col("alignment").is_not_null())["year"].max()
        told = None if year is None else self.sentence(country, int(year))  # type: ignore[arg-type]
        return composite_words.with_later_years(rows, told)


def composite(
    parts: pl.DataFrame,
    weights: Mapping[str, float] | None = None,
    *,
    concentration: float = 1.0,
    draws: int = 2000,
    level: float = 0.9,
    basis: Basis = "common",
    seed: int = 0,
    name: str = "parts",
) -> Composite:
    """Composite alignment by state, power and year.

    Args:
        parts: `country,power,year,part,value` and optionally `low,high`, all values from 0 to 1; the range is
            read as 95 percent of a normal on either side of the value (blank: no error). See `parts`.
        weights: part -> weight, not negative (default: equal). A part with a weight that the table does not
            hold is missing everywhere and named so.
        concentration: how near the drawn weights stay to the stated ones; the Dirichlet parameters are
            concentration * number of parts * weight. From 0.01 to 1e6, where weights hardly move.
        draws: how many.
        level: share of the draws between low and high.
        basis: `common` compares the powers of one state and year on the parts that all of them have; `own`
            takes every power's own parts, which are then not of one measure.
        seed: of the random numbers; the same seed gives the same table, whatever the order of rows.
        name: how messages call the table.

    Returns:
        Composite; its table has a row for each state, power and year of the parts, sorted: alignment with the
        stated weights, low and high over the draws, rank among the powers (1 closest), first (share of the draws
        in which it is the closest), parts used, missing. alignment is null where no part is left.

    Raises:
        DataError: missing columns, two rows for one part, a value outside 0 to 1 or outside its range, a
            negative weight, weights that are all zero, a part without a weight.
        UnknownLabel: an unknown basis.
    """
    if basis not in get_args(Basis):
        raise UnknownLabel(str(basis), get_args(Basis), what="basis")
    least, most = CONCENTRATION
    if not (1 <= draws <= MAX_DRAWS and 0 < level < 1 and least <= concentration <= most):
        raise DataError(
            found=f"draws {draws}, level {level:g}, concentration {concentration:g}",
            allowed=f"draws from 1 to {MAX_DRAWS}, a level between 0 and 1, a concentration from {least:g} to "
            f"{most:.0f} (where weights hardly move)",
        )
    rows = _checked(parts, name)
    stated = _weights(rows, weights, name)
    powers, names = rows["power"].unique().sort().to_list(), list(stated)
    random = np.random.default_rng(seed)
    drawn = _drawn_weights(np.array(list(stated.values())), concentration, draws, random)
    noise = random.standard_normal((draws, len(powers), len(names)))
    result = []
    for (country, year), group in rows.group_by(["country", "year"], maintain_order=True):
        cube = _cube(group, powers, names)
        found = _group(cube, np.array(list(stated.values())), drawn, noise, level, basis)
        for p in np.nonzero(cube.there.any(axis=1))[0]:
            used = [part for part, kept in zip(names, found.used[p], strict=True) if kept]
            result.append(
                {"country": country, "power": powers[p], "year": year}
                | {key: _or_none(getattr(found, key)[p]) for key in ("alignment", "low", "high", "first")}
                | {"rank": int(found.rank[p]) if used else None}
                | {"parts": used, "missing": [part for part in names if part not in used]}
            )
    table = pl.DataFrame(result, schema=SCHEMA).sort("country", "power", "year")
    told = composite_words.remarks(rows)
    return Composite(table, _weight_table(rows, stated, drawn, level), draws, level, basis, told)


@dataclass(frozen=True, slots=True)
class _Cube:
    """Values of one state and year, (P powers, K parts); 0 where not there."""

    value: Floats
    below: Floats
    above: Floats
    there: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Found:
    """Results of one state and year, (P,) each; `used` is (P, K)."""

    alignment: Floats
    low: Floats
    high: Floats
    rank: NDArray[np.int64]
    first: Floats
    used: NDArray[np.bool_]


def _checked(parts: pl.DataFrame, name: str) -> pl.DataFrame:
    rows = typed(parts, PARTS, optional=BOUNDS, blanks=tuple(BOUNDS), name=name)
    require_unique(rows, ["country", "power", "year", "part"], name)
    for column in BOUNDS:
        if column not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    for column in ("value", *BOUNDS):
        require_range(rows, column, name, minimum=0, maximum=1)
    outside = (rows["low"] > rows["value"]).fill_null(False) | (rows["high"] < rows["value"]).fill_null(False)
    if outside.any():
        row = int(outside.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + 2,
            column="value",
            found=f"{rows['value'][row]:g} outside {rows['low'][row]} to {rows['high'][row]}",
            allowed="a value inside its range",
        )
    return rows.sort("country", "year", "power", "part")


def _weights(rows: pl.DataFrame, weights: Mapping[str, float] | None, name: str) -> dict[str, float]:
    """Part -> weight, summing to 1, by name."""
    held = rows["part"].unique().sort().to_list()
    if weights is None:
        return dict.fromkeys(held, 1 / len(held))
    for part in held:
        if part not in weights:
            raise DataError(
                file=name,
                column="part",
                found=f"part '{part}' without a weight",
                allowed="a weight for every part",
            )
    if not all(0 <= weight <= MAX_WEIGHT for weight in weights.values()):
        raise DataError(
            found=f"weights {summary(map(str, weights.values()))}",
            allowed=f"numbers from 0 to {MAX_WEIGHT:.0f}",
        )
    total = math.fsum(weights.values())
    if total == 0:
        raise DataError(found="weights that are all zero", allowed="one or more above zero")
    return {part: weights[part] / total for part in sorted(weights)}


def _drawn_weights(stated: Floats, concentration: float, draws: int, random: np.random.Generator) -> Floats:
    """(draws, K) weights; a stated weight of zero stays zero."""
    drawn = np.tile(stated, (draws, 1))
    free = stated > 0
    if free.sum() > 1:
        drawn[:, free] = random.dirichlet(concentration * free.sum() * stated[free], size=draws)
    return drawn


def _cube(group: pl.DataFrame, powers: list[str], names: list[str]) -> _Cube:
    value, below, above = (np.zeros((len(powers), len(names))) for _ in range(3))
    there = np.zeros(value.shape, dtype=bool)
    for row in group.iter_rows(named=True):
        at = powers.index(row["power"]), names.index(row["part"])
        value[at], there[at] = row["value"], True
        below[at] = row["value"] - (row["low"] if row["low"] is not None else row["value"])
        above[at] = (row["high"] if row["high"] is not None else row["value"]) - row["value"]
    return _Cube(value, below, above, there)


def _group(cube: _Cube, stated: Floats, drawn: Floats, noise: Floats, level: float, basis: Basis) -> _Found:
    present = cube.there.any(axis=1)
    used = cube.there & (stated > 0)
    if basis == "common":
        used = used & used[present].all(axis=0)
    values = np.clip(cube.value + noise / Z95 * np.where(noise < 0, cube.below, cube.above), 0, 1)
    alignment = _mean(cube.value, stated, used)
    sampled = _mean(values, drawn[:, None, :], used)  # (draws, P)
    low, high = np.quantile(sampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    filled = np.where(np.isnan(sampled), -1.0, sampled).round(DIGITS)
    best = filled == filled.max(axis=1, keepdims=True)
    first = np.where(np.isnan(alignment), np.nan, (best / best.sum(axis=1, keepdims=True)).mean(axis=0))
    # The stated weights' value lies inside the draws' range unless a part's range is lopsided.
    low, high = np.minimum(low, alignment), np.maximum(high, alignment)
    level_with = alignment.round(DIGITS)
    rank = 1 + (level_with[None, :] > level_with[:, None]).sum(axis=1)
    return _Found(alignment, low, high, rank.astype(np.int64), first, used)


def _mean(values: Floats, weights: Floats, used: NDArray[np.bool_]) -> Floats:
    """Weighted mean over the last axis, over the parts used; NaN where there is none."""
    kept = np.where(used, weights, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = (kept * values).sum(axis=-1) / kept.sum(axis=-1)
    return mean


def _weight_table(
    rows: pl.DataFrame, stated: Mapping[str, float], drawn: Floats, level: float
) -> pl.DataFrame:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = pl.DataFrame(
        {"part": list(stated), "weight": list(stated.values()), "weight_low": low, "weight_high": high}
    )
    held = rows.group_by("part").agg(
        rows=pl.len().cast(pl.Int64), first_year=pl.col("year").min(), last_year=pl.col("year").max()
    )
    return table.join(held, on="part", how="left").with_columns(pl.col("rows").fill_null(0)).sort("part")


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
