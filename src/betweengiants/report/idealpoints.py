"""Where the focal state and the powers stand on the main line of disagreement in the General Assembly, session by session."""

from __future__ import annotations

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position import Position
from betweengiants.position.results import Trail
from betweengiants.position.turning_points import Z95
from betweengiants.report import charts, words
from betweengiants.report.figure import Figure

TABLE = TRAIL = "ideal_points"
FIRST_SESSION = 1945
"""Session n of the General Assembly opens in the year 1945 + n."""


def can_draw(dossier: Dossier) -> bool:
    """Whether the dossier holds ideal points of the focal state and of one power or more."""
    if not dossier.has(TABLE):
        return False
    held = set(dossier.tables[TABLE]["country"])
    return dossier.focal in held and any(power in held for power in dossier.powers)


def gap(dossier: Dossier) -> str | None:
    """What is missing: the table, or powers in it."""
    if not can_draw(dossier):
        return (
            f"No ideal points: the dossier has no table {TABLE} with {words.name(dossier.focal)} and a power."
        )
    held = set(dossier.tables[TABLE]["country"])
    missing = [words.name(power) for power in dossier.powers if power not in held]
    return f"No ideal points of {words.joined(missing)}." if missing else None


def trail(dossier: Dossier) -> Trail:
    """Where ideal points come from."""
    return Trail(
        TRAIL,
        "One dimension on which states that vote alike stand close, from roll calls of the United Nations General Assembly "
        "(ordinal item-response model, sessions linked: Bailey, Strezhnev & Voeten 2017).",
        "95 percent of the estimation error.",
        {"sessions": float(dossier.tables[TABLE]["session"].n_unique())},
        (TABLE,),
        tuple(used_sources(dossier.tables[TABLE])),
    )


def ideal_points(position: Position) -> Figure:
    """The figure: ideal points with bands, since the focal state's first session."""
    drawn = points(position.dossier)
    first, last = int(drawn["year"].min()), int(drawn["year"].max())  # type: ignore[arg-type]
    low, high = float(drawn["low"].min()), float(drawn["high"].max())  # type: ignore[arg-type]
    focal = words.name(position.dossier.focal)
    return Figure(
        "ideal-points",
        title(drawn, position.dossier),
        f"Ideal points from votes in the UN General Assembly, {first} to {last}, by session (the year in which it opens): "
        "who votes alike stands close, the side of the United States is up. Over all states and sessions the mean is 0 and the "
        "standard deviation 1. Band: 95% of estimation error.",
        f"Lines of ideal points of {focal} and the powers from {first} to {last}: "
        + "; ".join(drawn.group_by("power", maintain_order=True).last()["label"])
        + ".",
        drawn.select(
            country="power",
            session="session",
            year="year",
            n="n",
            ideal_point="value",
            low="low",
            high="high",
        ),
        (TRAIL,),
        lambda width: charts.lines_chart(
            drawn,
            width=width,
            y_title="Ideal point",
            y_domain=(low - 0.1, high + 0.1),
            focal=position.dossier.focal,
        ),
    )


def points(dossier: Dossier) -> pl.DataFrame:
    """From the focal state’s first session on: power (the focal state first), name, session, year, n, value, range, label."""
    codes = [
        code for code in (dossier.focal, *dossier.powers) if code in set(dossier.tables[TABLE]["country"])
    ]
    rows = dossier.tables[TABLE].filter(pl.col("country").is_in(codes)).drop_nulls("ideal_point")
    start = rows.filter(pl.col("country") == dossier.focal)["session"].min()
    error = Z95 * pl.col("se").fill_null(0.0)
    return (
        rows.filter(pl.col("session") >= start)
        .select(
            power="country",
            name=pl.col("country").replace_strict({code: short_name(code) for code in codes}),
            session="session",
            year=pl.col("session") + FIRST_SESSION,
            n="n",
            value="ideal_point",
            low=pl.col("ideal_point") - error,
            high=pl.col("ideal_point") + error,
        )
        .with_columns(label=pl.format("{} {}: {}", "name", "year", pl.col("value").round(2)))
        .with_columns(pl.col("label").map_elements(words.signed, return_dtype=pl.String))
        .sort(pl.col("power").replace_strict({code: k for k, code in enumerate(codes)}), "session")
    )


def title(drawn: pl.DataFrame, dossier: Dossier) -> str:
    """Which power the focal state stood closest to in how many sessions, and in the last one."""
    own = drawn.filter(pl.col("power") == dossier.focal).select("session", own="value")
    others = drawn.filter(pl.col("power") != dossier.focal).join(own, on="session", maintain_order="left")
    apart = others.with_columns(apart=(pl.col("value") - pl.col("own")).abs())
    nearest = (
        apart.sort("apart", maintain_order=True)
        .unique("session", keep="first", maintain_order=True)
        .sort("session")
    )
    count = nearest["power"].value_counts().sort("count", "power", descending=[True, False])
    told = [
        f"to {words.name(power)} in {some}{f' of {nearest.height} sessions' if k == 0 else ''}"
        for k, (power, some) in enumerate(count.iter_rows())
    ]
    last = nearest.row(-1, named=True)
    return (
        f"{words.name(dossier.focal, start=True)} stood closest {words.joined(told)}; in {last['year']} to "
        f"{words.name(last['power'])}"
    )
