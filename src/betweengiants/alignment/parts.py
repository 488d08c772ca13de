"""Parts of alignment, each from 0 to 1 by its own definition, ready to be put together by `composite`.

| part | value | range |
| --- | --- | --- |
| votes | agreement | 95 percent of sampling error; a bound where all shared votes are alike |
| ideal points | 1 - distance / widest distance between any two states of that year | 95 percent of the two errors |
| institutions | overlap weighted by depth, middle of its range | each undated membership free to hold or not |
| contacts (visits, agreements) | share of the power in all contacts with the powers, last years | 95 percent (Wilson 1927) |

Parts are not of one kind: agreement is a level, the share of contacts is divided among the powers. So read
the composite for the order of powers and for change, and the parts for their size.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import Kind, require_unique, typed

Z95 = 1.959964
KEY = ("country", "power", "year", "part")
SCHEMA = pl.Schema(
    {
        "country": pl.String,
        "power": pl.String,
        "year": pl.Int64,
        "part": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
)


def votes_part(agreement: pl.DataFrame, part: str = "votes") -> pl.DataFrame:
    """Agreement in votes as a part.

    Args:
        agreement: `country,power,year,n,agreement` and, if known, `agreement_se`; see `agreement`.
        part: its name.

    Returns:
        country, power, year, part, value, low, high, n. One shared vote has no error, and votes that all agree
        alike one of 0, which says nothing about how sure the agreement is. Their range, and that of rows without
        an error, is Wilson's (1927) for a share of n: a score from 0 to 1 varies at most as much as a share with
        its mean does, so the range is a bound. At an agreement of 1 it is [n / (n + 3.84), 1], close to the rule of
        three (Hanley & Lippman-Hand 1983, JAMA 249). Where n is missing too, low and high are null.
    """
    error = pl.col("agreement_se") if "agreement_se" in agreement.columns else pl.lit(None, dtype=pl.Float64)
    found = _part(agreement.with_columns(value="agreement", _se=error), part, keep=("_se",))
    silent = (pl.col("_se").fill_null(0.0) == 0) & (pl.col("n") > 0)
    low, high = _wilson(pl.col("value"), pl.col("n"))
    return found.with_columns(
        low=pl.when(silent).then(low).otherwise("low"), high=pl.when(silent).then(high).otherwise("high")
    ).select(SCHEMA.names())


def ideal_point_part(
    points: pl.DataFrame,
    focal: str,
    powers: Sequence[str],
    part: str = "ideal_points",
    *,
    name: str = "points",
) -> pl.DataFrame:
    """Closeness of ideal points as a part: 1 - |difference| / range, the range being that of all states of a year.

    Args:
        points: `country,year,ideal_point,se`; n is optional. Where a table is by session, say first which year
            a session stands for (Voeten: session + 1945).
        focal: label of `country`.
        powers: labels of `country`.
        part: its name.
        name: how messages call the table.

    Returns:
        see `votes_part`; the error is that of the difference of two independent estimates over the range, whose
        own error is left out. Years without both states, or in which all states stand in one point, have no row.

    Raises:
        DataError: missing columns, two rows for one country and year.
        UnknownLabel: a state that the table does not hold.
    """
    kinds: dict[str, Kind] = {"country": "text", "year": "integer", "ideal_point": "number", "se": "number"}
    rows = typed(points, kinds, optional={"n": "integer"}, name=name)
    require_unique(rows, ["country", "year"], name)
    for label in (focal, *powers):
        if label not in rows["country"]:
            raise UnknownLabel(label, rows["country"], what="country", file=name, column="country")
    if "n" not in rows.columns:
        rows = rows.with_columns(n=pl.lit(None, dtype=pl.Int64))
    span = rows.group_by("year").agg(span=pl.col("ideal_point").max() - pl.col("ideal_point").min())
    ours = rows.filter(pl.col("country") == focal)
    theirs = rows.filter(pl.col("country").is_in(sorted(set(powers) - {focal})))
    both = ours.join(theirs.rename({"country": "power"}), on="year", suffix="_power").join(span, on="year")
    gap = (pl.col("ideal_point") - pl.col("ideal_point_power")).abs()
    both = both.filter(pl.col("span") > 0).with_columns(
        value=1 - gap / pl.col("span"),
        _se=(pl.col("se") ** 2 + pl.col("se_power") ** 2).sqrt() / pl.col("span"),
        n=pl.min_horizontal("n", "n_power"),
    )
    return _part(both, part)


def overlap_part(overlap: pl.DataFrame, part: str = "institutions") -> pl.DataFrame:
    """Overlap of institutions as a part; the range is all that undated memberships leave open.

    Args:
        overlap: `country,power,year,shared,overlap_low,overlap_high`; see `depth.membership_years`.
        part: its name.

    Returns:
        see `votes_part`; the value is the middle of the range, since the truth may lie anywhere in it. Years
        without any tie have no row.
    """
    rows = overlap.filter(pl.col("overlap_low").is_not_null())
    rows = rows.with_columns(
        value=(pl.col("overlap_low") + pl.col("overlap_high")) / 2,
        low="overlap_low",
        high="overlap_high",
        n="shared",
    )
    return rows.with_columns(part=pl.lit(part)).select(SCHEMA.names()).cast(SCHEMA).sort(KEY)


def contacts_part(
    counts: pl.DataFrame,
    country: str,
    powers: Sequence[str],
    years: Sequence[int],
    part: str,
    *,
    window: int = 5,
    fewest: int = 5,
) -> pl.DataFrame:
    """Shares of the powers in a state's contacts (visits, agreements) as a part.

    Args:
        counts: `power,year,count`, one or more rows for each power and year; no row means none seen.
        country: the state whose contacts these are.
        powers: who shares them.
        years: calendar years wanted.
        part: its name.
        window: how many years, the last being the one named, are taken together.
        fewest: with fewer contacts than this in the window the part is missing.

    Returns:
        see `votes_part`; n is the number of contacts with all powers in the window.

    Raises:
        DataError: a window or a least number below 1.
    """
    if window < 1 or fewest < 1:
        raise DataError(found=f"window {window}, fewest {fewest}", allowed="whole numbers of at least 1")
    result = []
    for year in sorted(set(years)):
        near = counts.filter(pl.col("year").is_between(year - window + 1, year))
        seen = {
            power: int(near.filter(pl.col("power") == power)["count"].sum()) for power in sorted(set(powers))
        }
        total = sum(seen.values())
        if total < fewest:
            continue
        result += [(country, power, year, part, count / total, total) for power, count in seen.items()]
    low, high = _wilson(pl.col("value"), pl.col("n"))
    schema = {name: kind for name, kind in SCHEMA.items() if name not in ("low", "high")}
    table = pl.DataFrame(result, schema=schema, orient="row").with_columns(low=low, high=high)
    return table.select(SCHEMA.names()).sort(KEY)


def _part(rows: pl.DataFrame, part: str, *, keep: Sequence[str] = ()) -> pl.DataFrame:
    """Rows with `value` and `_se` as a part, its range cut at 0 and 1; columns to `keep` stand behind."""
    return (
        rows.with_columns(
            part=pl.lit(part),
            low=(pl.col("value") - Z95 * pl.col("_se")).clip(0, 1),
            high=(pl.col("value") + Z95 * pl.col("_se")).clip(0, 1),
        )
        .select(*(pl.col(name).cast(kind) for name, kind in SCHEMA.items()), *keep)
        .sort(KEY)
    )


def _wilson(share: pl.Expr, total: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """95 percent interval of a share (Wilson 1927); at 0 and 1 it ends there, whatever rounding says."""
    square = Z95**2 / total
    centre = share + square / 2
    spread = Z95 * ((share * (1 - share) + square / 4) / total).sqrt()
    low, high = (centre - spread) / (1 + square), (centre + spread) / (1 + square)
    return pl.min_horizontal(low.clip(0, 1), share), pl.max_horizontal(high.clip(0, 1), share)
