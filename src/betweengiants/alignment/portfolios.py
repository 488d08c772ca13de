"""Portfolios: what each state has with every other (alliances, ratings, missions), compared by S, kappa and pi.

A portfolio is one row for each partner: `country,partner,value[,weight][,year]`. The value is one of a few
ordered levels; the weight belongs to the partner (its capability, say). S weighs partners as in Signorino &
Ritter (1999); kappa and pi take their shares from the weighted table. A partner without a row is passed over,
since absent is not zero: `completed` writes the zeros. No standard errors here: partners are all there are,
not a sample.

Alliances as levels, for ATOP's obligations (Chiba, Johnson & Leeds 2015, Journal of Politics 77):
3 defence or offence, 2 neutrality or consultation, 1 nonaggression only, 0 none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.alignment.dyads import one_way
from betweengiants.alignment.pairs import Columns, Pairs
from betweengiants.alignment.similarity import LARGEST, Distance, distances
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FIRST_RECORD, Kind, read_table, require_range, require_unique, typed

COLUMNS: dict[str, Kind] = {"country": "text", "partner": "text", "value": "number"}
OPTIONAL: dict[str, Kind] = {"weight": "number", "year": "integer"}
ALLIANCE_LEVELS = (0.0, 1.0, 2.0, 3.0)
OBLIGATIONS = ("defense", "offense", "neutral", "nonagg", "consul")


def read_portfolios(path: Path | str, *, name: str | None = None) -> pl.DataFrame:
    """Read a CSV or Parquet file of portfolios: `country,partner,value`, optionally `weight,year`.

    Raises:
        DataError: see `core.tables.read_table`.
    """
    return read_table(path, COLUMNS, optional=OPTIONAL, name=name)


def portfolio_similarity(
    portfolios: pl.DataFrame,
    focal: Sequence[str] | None,
    powers: Sequence[str] | None,
    *,
    levels: Sequence[float] = ALLIANCE_LEVELS,
    distance: Distance = "absolute",
    name: str = "portfolios",
) -> pl.DataFrame:
    """Similarity of the portfolios (alliances, ratings, ...) of states and powers.

    Args:
        portfolios: `country,partner,value` and optionally `weight` and `year`; value is one of `levels`. A
            partner that one side has no row for is passed over for that pair: absent is not zero, so write
            the zeros (`completed`). Whether a state is its own partner is the table's decision (alliance
            portfolios usually say yes). The weight belongs to the partner: all rows of a partner (and year) have
            the same, so that the measures are symmetric.
        focal: labels of `country`; None for all.
        powers: labels of `country`; None for every pair of `focal`, each pair once.
        levels: all possible values, increasing (alliances: see the module).
        distance: see `similarity.distances`.
        name: how messages call the table.

    Returns:
        country,power,(year,)n,agreement,s_score,kappa,pi, sorted; n counts the partners in common. A pair of a
        state with itself, or without a partner of positive weight in common, is left out.

    Raises:
        DataError: missing columns, two rows for one country and partner (and year), a value outside the
            levels, a weight that is negative or not finite, two weights for one partner (and year).
        UnknownLabel: a state without rows.
    """
    rows = _checked(portfolios, levels, name)
    known = rows["country"].unique().to_list()
    states = known if focal is None else focal
    for label in (*states, *(powers or ())):
        if label not in known:
            raise UnknownLabel(label, known, what="country", file=name, column="country")
    pairs = Pairs.among(states) if powers is None else Pairs.between(states, powers)
    if "year" not in rows.columns:
        return pairs.table({0: _compared(rows, pairs, levels, distance)})
    parts = {
        int(year): _compared(rows.filter(pl.col("year") == year), pairs, levels, distance)
        for year in rows["year"].unique().sort().to_list()
    }
    return pairs.table(parts, "year")


def completed(
    portfolios: pl.DataFrame,
    members: pl.DataFrame | Sequence[str] | None = None,
    *,
    nothing: float = 0.0,
    own: float | None = None,
    name: str = "portfolios",
) -> pl.DataFrame:
    """The same portfolios with a row for every pair of members of the system.

    Args:
        portfolios: `country,partner,value` and optionally `year`.
        members: who belongs to the system: labels (in every year of the table), or a frame `country[,year]`;
            None for all labels of the table, each in the years in which a row names it as state or partner.
        nothing: value of a pair without a row.
        own: value of a state with itself where the table has no such row; None to leave those out.
        name: how messages call the table.

    Returns:
        country,partner,(year,)value, sorted; rows of states outside the system are dropped.

    Raises:
        DataError: missing columns, two rows for one pair, no member.
    """
    rows = typed(portfolios, COLUMNS, optional={"year": "integer"}, name=name)
    key = ["country", "partner", *(["year"] if "year" in rows.columns else [])]
    require_unique(rows, key, name)
    system = _system(rows, members)
    grid = system.join(
        system.rename({"country": "partner"}), how="inner" if "year" in key else "cross", on=key[2:] or None
    )
    if own is None:
        same = rows.filter(pl.col("country") == pl.col("partner")).select(key)
        grid = pl.concat(
            [
                grid.filter(pl.col("country") != pl.col("partner")).select(key),
                same.join(system, on=["country", *key[2:]], how="semi"),
            ]
        )
    blank = pl.when(pl.col("country") == pl.col("partner")).then(own).otherwise(nothing)
    whole = grid.join(rows, on=key, how="left").with_columns(value=pl.coalesce("value", blank))
    return whole.select(*key, "value").sort(key)


def weighted(portfolios: pl.DataFrame, weights: pl.DataFrame, *, name: str = "weights") -> pl.DataFrame:
    """The same portfolios with the partners' weights (capabilities).

    Args:
        portfolios: `country,partner,value` and optionally `year`; a `weight` of its own is replaced.
        weights: `partner,weight` and, where the portfolios have years, `year` if weights differ by year.
        name: how messages call the table of weights.

    Raises:
        DataError: missing columns, two weights for one partner (and year), a negative weight, a partner
            (and year) of the portfolios without a weight.
    """
    table = typed(weights, {"partner": "text", "weight": "number"}, optional={"year": "integer"}, name=name)
    key = [c for c in ("partner", "year") if c in table.columns and c in portfolios.columns]
    if "year" in table.columns and "year" not in portfolios.columns:
        raise DataError(file=name, found="a column 'year'", allowed="none, as the portfolios have no years")
    require_unique(table, key, name)
    require_range(table, "weight", name, minimum=0, maximum=LARGEST)
    rows = portfolios.drop("weight", strict=False).join(table, on=key, how="left")
    missing = rows.filter(pl.col("weight").is_null()).select(key).unique().sort(key)
    if missing.height:
        first = ", ".join(f"{column} {value}" for column, value in missing.row(0, named=True).items())
        raise DataError(
            file=name,
            found=f"no weight for {first} (and {missing.height - 1} more)",
            allowed="a weight for every partner of the portfolios",
        )
    return rows


def alliance_levels(
    dyads: pl.DataFrame,
    members: pl.DataFrame | Sequence[str] | None = None,
    *,
    sides: tuple[str, str] = ("iso3_1", "iso3_2"),
    prefix: str = "atop_",
    undirected: bool = False,
    name: str = "dyads",
) -> pl.DataFrame:
    """Alliance portfolios from directed dyad-years of obligations, every zero written for the system.

    Args:
        dyads: the two sides, `year`, and 0 or 1 in `defense`, `offense`, `neutral`, `nonagg`, `consul`, each
            with the prefix; dyads without a pact may be absent.
        members: see `completed`. Of a table that names only states with pacts, say who else there was.
        sides: names of the columns of the two sides; the first has the obligation, the second its benefit.
        undirected: a pair and year that stands in one direction only holds in both (see `dyads.one_way`).
        prefix: what stands before the obligations' names.
        name: how messages call the table.

    Returns:
        country,partner,year,value (levels in the module); each state's own value is 3, as in Signorino &
        Ritter (1999): a state defends itself.

    Raises:
        DataError: missing columns, an obligation other than 0 and 1, two rows for one dyad and year.
    """
    kinds: dict[str, Kind] = dict.fromkeys(sides, "text")
    kinds["year"] = "integer"
    kinds.update(dict.fromkeys((prefix + obligation for obligation in OBLIGATIONS), "integer"))
    rows = typed(dyads, kinds, name=name)
    for obligation in OBLIGATIONS:
        require_range(rows, prefix + obligation, name, minimum=0, maximum=1)
    require_unique(rows, [*sides, "year"], name)
    has = {obligation: pl.col(prefix + obligation) == 1 for obligation in OBLIGATIONS}
    value = (
        pl.when(has["defense"] | has["offense"])
        .then(3.0)
        .when(has["neutral"] | has["consul"])
        .then(2.0)
        .when(has["nonagg"])
        .then(1.0)
        .otherwise(0.0)
    )
    table = rows.select(country=pl.col(sides[0]), partner=pl.col(sides[1]), year="year", value=value)
    if undirected:
        table = pl.concat(
            [table, one_way(table).select(country="partner", partner="country", year="year", value="value")]
        )
    return completed(table, members, own=ALLIANCE_LEVELS[-1], name=name)


def _system(rows: pl.DataFrame, members: pl.DataFrame | Sequence[str] | None) -> pl.DataFrame:
    """country(,year) of every member of the system."""
    years = rows.select("year").unique() if "year" in rows.columns else None
    if isinstance(members, pl.DataFrame):
        kinds: dict[str, Kind] = {"country": "text"}
        table = typed(members, kinds, optional={"year": "integer"}, name="members").unique()
        if years is None:
            return table.select("country").unique()
        # A system known for some years only says nothing about the others.
        return table.join(years, on="year") if "year" in table.columns else table.join(years, how="cross")
    if members is None:
        # A label has no portfolio before it appears: in other years it may not have existed.
        key = ["country", *(["year"] if years is not None else [])]
        return pl.concat(
            [rows.select(key), rows.drop("country").rename({"partner": "country"}).select(key)]
        ).unique()
    if not len(members):
        raise DataError(found="no member of the system", allowed="one or more labels")
    table = pl.DataFrame({"country": pl.Series(members, dtype=pl.String).unique()})
    return table if years is None else table.join(years, how="cross")


def _checked(portfolios: pl.DataFrame, levels: Sequence[float], name: str) -> pl.DataFrame:
    values = np.asarray(levels, dtype=np.float64)
    distances(values)
    rows = typed(portfolios, COLUMNS, optional=OPTIONAL, name=name)
    require_unique(rows, ["country", "partner", *(["year"] if "year" in rows.columns else [])], name)
    wrong = ~rows["value"].is_in(values.tolist())
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column="value",
            found=f"value {rows['value'][row]:g}",
            allowed=f"one of the levels {', '.join(f'{v:g}' for v in values)}",
        )
    if "weight" not in rows.columns:
        return rows.with_columns(weight=pl.lit(1.0))
    require_range(rows, "weight", name, minimum=0, maximum=LARGEST)
    _refuse_two_weights(rows, name)
    return rows


def _refuse_two_weights(rows: pl.DataFrame, name: str) -> None:
    """Raise at the first row whose partner (and year) has another weight above; comparisons would be one-sided."""
    key = ["partner", *(["year"] if "year" in rows.columns else [])]
    first = pl.col("weight").first().over(key)
    other = (
        rows.with_row_index("_row").with_columns(_first=first).filter(pl.col("weight") != pl.col("_first"))
    )
    if other.height:
        row = other.row(0, named=True)
        raise DataError(
            file=name,
            row=row["_row"] + FIRST_RECORD,
            column="weight",
            found=f"{row['weight']:g} for partner {row['partner']}, which has {row['_first']:g} above",
            allowed=f"one weight for each {' and '.join(key)}",
        )


def _compared(rows: pl.DataFrame, pairs: Pairs, levels: Sequence[float], distance: Distance) -> Columns:
    """Measures of one year's portfolios."""
    partners = rows["partner"].unique().sort().to_list()
    category, weight = _matrices(rows, pairs.left, partners, levels)
    other, _ = _matrices(rows, pairs.right, partners, levels)
    size = range(len(levels))
    joint = np.array([[((category == k) * weight) @ (other == m).T for m in size] for k in size])
    counts = (category >= 0).astype(np.float64) @ (other >= 0).T.astype(np.float64)
    return pairs.columns(joint, levels, distance, counts=counts)


def _matrices(
    rows: pl.DataFrame, states: Sequence[str], partners: Sequence[str], levels: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(A, N) category of each partner in each state's portfolio, -1 without a row, and its weight."""
    mine = rows.filter(pl.col("country").is_in(list(states)))
    at = (
        mine["country"].cast(pl.Enum(states)).to_physical().to_numpy(),
        mine["partner"].cast(pl.Enum(partners)).to_physical().to_numpy(),
    )
    category = np.full((len(states), len(partners)), -1, dtype=np.int64)
    category[at] = np.searchsorted(np.asarray(levels, dtype=np.float64), mine["value"].to_numpy())
    weight = np.zeros(category.shape)
    weight[at] = mine["weight"].to_numpy()
    return category, weight
