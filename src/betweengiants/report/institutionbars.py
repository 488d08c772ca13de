"""Institutions as a dated bar chart: who belongs to which, since when; members without a date stand apart."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.history import FIRST_YEAR
from betweengiants.position.history_words import SPAN
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import GRID, INK, MUTED, TEXT_SIZE, base_config, colour_of

TRAIL = "institutions"
FULL = ("member", "host")
LANE, BETWEEN = 12, 5
"""Pixels of the bar of one state, and between institutions."""
UNDATED_ROOM = 2.4
"""Years of the axis that the strip of undated members takes, to the right of today."""
SHORT, SHORTER = 30, 12
"""Longest name of an institution that is written out at each width."""


def can_draw(dossier: Dossier) -> bool:
    """Whether the dossier lists memberships of the focal state."""
    return dossier.has("memberships") and dossier.focal in set(dossier.tables["memberships"]["country"])


def institution_bars(position: Position) -> Figure:
    """The figure: institutions of the focal state, the deepest first, one bar a state."""
    drawn = bars(position.dossier)
    dossier, focal = position.dossier, words.name(position.dossier.focal)
    undated = int(drawn["start"].is_null().sum())
    elsewhere = _elsewhere(dossier)
    apart = f" Not drawn: {words.joined(elsewhere)}, of which {focal} is no member." if elsewhere else ""
    return Figure(
        "institutions",
        title(drawn, dossier),
        f"Institutions of {focal} on the dossier’s list, those that bind most first (mutual defence, then common rules, then "
        "forums), and the powers that belong to them. Full bar: member; outline: observer or partner. A bar at the left edge "
        f"began before {FIRST_YEAR - 1}. Dots at the right: belongs today, but no source dates the start.",
        "Dated bars of memberships: " + "; ".join(drawn["label"]) + ".",
        table(dossier),
        (TRAIL,),
        lambda width: bars_chart(drawn, dossier.header.base_year, width=width),
        f"The list is a selection, not a census: {drawn['institution'].n_unique()} institutions, {drawn.height} memberships of "
        f"{focal} and the powers, of which {undated} without a start.{apart}",
    )


def bars(dossier: Dossier) -> pl.DataFrame:
    """One row a membership of the focal state's institutions.

    Returns:
        institution, name, short, depth, country, role, is_full, start, end (years as numbers; empty: no date, or still in
        force), lane (rising from the top), first (whether it is the first of its institution), label.
    """
    codes = [dossier.focal, *dossier.powers]
    rows = _merged(dossier).filter(pl.col("country").is_in(codes))
    mine = set(rows.filter(pl.col("country") == dossier.focal)["institution"])
    order = {code: k for k, code in enumerate(codes)}
    rows = rows.filter(pl.col("institution").is_in(mine)).sort(
        -pl.col("depth"), "name", pl.col("country").replace_strict(order), maintain_order=True
    )
    first = rows["institution"] != rows["institution"].shift(1).fill_null("")
    label = [_label(row) for row in rows.to_dicts()]
    return rows.with_columns(
        first=first, lane=pl.int_range(rows.height), label=pl.Series(label, dtype=pl.String)
    )


def _merged(dossier: Dossier) -> pl.DataFrame:
    """Memberships with the names and depths of their institutions; several roles of one state are one, the fullest."""
    table = dossier.tables["memberships"].with_columns(
        start=pl.col("start").map_elements(decimal_year, return_dtype=pl.Float64),
        end=pl.col("end").map_elements(decimal_year, return_dtype=pl.Float64),
        is_full=pl.col("role").is_in(FULL),
    )
    one = (
        table.sort("is_full", descending=True, maintain_order=True)
        .group_by("country", "institution", maintain_order=True)
        .agg(pl.col("role").first(), pl.col("is_full").first(), pl.col("start").min(), pl.col("end").first())
    )
    known: dict[str, dict[str, Any]] = {}
    if dossier.has("institutions"):
        known = {row["institution"]: row for row in dossier.tables["institutions"].to_dicts()}
    ids = one["institution"].to_list()
    names = [known.get(i, {}).get("name") or i.upper() for i in ids]
    return one.with_columns(
        name=pl.Series(names, dtype=pl.String),
        short=pl.Series([short_title(i, n, SHORT) for i, n in zip(ids, names, strict=True)], dtype=pl.String),
        shorter=pl.Series(
            [short_title(i, n, SHORTER) for i, n in zip(ids, names, strict=True)], dtype=pl.String
        ),
        depth=pl.Series([known.get(i, {}).get("depth") or 0.0 for i in ids], dtype=pl.Float64),
    )


def institution_names(dossier: Dossier) -> dict[str, str]:
    """Short names of the institutions by id."""
    if not dossier.has("institutions"):
        return {}
    rows = dossier.tables["institutions"].select("institution", "name").iter_rows()
    return {
        institution: short_title(institution, name or institution.upper(), SHORT)
        for institution, name in rows
    }


def short_title(institution: str, name: str, longest: int) -> str:
    """The name without what is in brackets, if it is short enough; else the id in capitals."""
    plain = name.split(" (")[0]
    return plain if len(plain) <= longest else institution.upper().replace("_", " ")


def decimal_year(date: str) -> float:
    """`2015` -> 2015.0, `2015-07` -> 2015.5, `2015-07-02` -> about 2015.5: the start of what the date names."""
    year, *rest = (int(part) for part in date.split("-"))
    month, day = (*rest, 1, 1)[:2]
    return year + (month - 1) / 12 + (day - 1) / 366


def _label(row: dict[str, Any]) -> str:
    since = f"since {int(row['start'])}" if row["start"] is not None else "start not known"
    until = f" until {int(row['end'])}" if row["end"] is not None else ""
    return f"{row['name']}, {short_name(row['country'])}: {row['role']} {since}{until}"


def table(dossier: Dossier) -> pl.DataFrame:
    """Every membership of the focal state and the powers on the list, as the dossier has it."""
    rows = dossier.tables["memberships"].filter(pl.col("country").is_in([dossier.focal, *dossier.powers]))
    return rows.select("institution", "country", "role", "start", "end", "source_id").sort(
        "institution", "country", "role"
    )


def _elsewhere(dossier: Dossier) -> list[str]:
    rows = _merged(dossier)
    mine = set(rows.filter(pl.col("country") == dossier.focal)["institution"])
    others = rows.filter(pl.col("country").is_in(list(dossier.powers)) & ~pl.col("institution").is_in(mine))
    return others["short"].unique(maintain_order=True).sort().to_list()


def title(drawn: pl.DataFrame, dossier: Dossier) -> str:
    """What changed in the focal state's memberships over the last five years."""
    since = dossier.header.base_year - SPAN
    own = drawn.filter(pl.col("country") == dossier.focal)
    came = own.filter(pl.col("start") >= since + 1).sort("start")
    went = own.filter(pl.col("end") >= since + 1).sort("end")
    focal = words.name(dossier.focal, start=True)
    if not came.height and not went.height:
        return f"{focal} joined and left no institution of the list after {since}"
    told = []
    if came.height:
        listed = [f"{row['short']} in {int(row['start'])} ({row['role']})" for row in came.to_dicts()]
        told.append(f"joined {words.joined(listed)}")
    if went.height:
        listed = [f"{row['short']} in {int(row['end'])}" for row in went.to_dicts()]
        told.append(f"left {words.joined(listed)}")
    tail = "" if went.height else " and left nothing"
    return f"After {since} {focal} {' and '.join(told)}{tail}"


def bars_chart(drawn: pl.DataFrame, today: int, *, width: int) -> alt.TopLevelMixin:
    """One layered chart on lanes that are laid out here: bars, dots of undated members, names at the left."""
    narrow = width < NARROW
    left = 154 if narrow else 292
    first, last = FIRST_YEAR - 1.0, today + 1.0
    strip = last + UNDATED_ROOM * (2.2 if narrow else 1)
    gaps = drawn["first"].cast(pl.Int64).cum_sum()
    rows = drawn.with_columns(
        top=pl.col("lane") * LANE + (gaps - 1) * BETWEEN + 2,
        from_=pl.max_horizontal(pl.col("start"), pl.lit(first)),
        to=pl.col("end").fill_null(last),
        earlier=pl.col("start") < first,
        state=pl.col("country").replace_strict({c: short_name(c) for c in drawn["country"].unique()}),
        colour=pl.col("country").replace_strict({c: colour_of(c) for c in drawn["country"].unique()}),
        title=pl.when("first").then(pl.col("shorter" if narrow else "short")).otherwise(pl.lit("")),
    ).with_columns(middle=pl.col("top") + LANE / 2 - 1, bottom=pl.col("top") + LANE - 3)
    height = float(rows["bottom"].max()) + 4  # type: ignore[arg-type]
    y_scale = alt.Scale(domain=[0, height], nice=False, reverse=True)
    y = alt.Y("top:Q", scale=y_scale, axis=None)
    years = [year for year in range(1990, int(last) + 1, 10 if narrow else 5) if year > first]
    axis = alt.Axis(title=None, format="d", values=years, grid=True, orient="top", domain=False, ticks=False)
    x_scale = alt.Scale(domain=[first, strip], nice=False)
    x = alt.X("from_:Q", scale=x_scale, axis=axis)
    middle = alt.Y("middle:Q", scale=y_scale, axis=None)
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(alt.InlineData(values=rows.to_dicts()))
    dated = base.transform_filter("isValid(datum.start)").encode(
        x=x, x2="to:Q", y=y, y2="bottom:Q", description="label:N"
    )
    full = dated.transform_filter("datum.is_full").mark_rect().encode(fill=alt.Fill("colour:N", scale=None))
    partly = (
        dated.transform_filter("!datum.is_full")
        .mark_rect(strokeWidth=1.5, fillOpacity=0.15)
        .encode(stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("colour:N", scale=None))
    )
    undated = base.transform_filter("!isValid(datum.start)").encode(
        x=alt.datum((last + strip) / 2), y=middle, description="label:N"
    )
    known = undated.transform_filter("datum.is_full").mark_circle(size=62, opacity=1).encode(color=colour)
    part = (
        undated.transform_filter("!datum.is_full").mark_point(size=48, strokeWidth=1.5).encode(color=colour)
    )
    size = TEXT_SIZE - 2
    state = base.mark_text(align="right", dx=-7, fontSize=size, color=MUTED).encode(
        x=alt.value(0), y=middle, text="state:N"
    )
    name = (
        base.transform_filter("datum.first")
        .mark_text(align="left", dx=-left + 4, fontSize=size + 1, fontWeight="bold", color=INK)
        .encode(x=alt.value(0), y=middle, text="title:N")
    )
    lines = alt.Chart(
        alt.InlineData(values=[{"at": top - BETWEEN / 2} for top in rows.filter("first")["top"][1:]])
    )
    line = lines.mark_rule(color=GRID, x=-left).encode(
        y=alt.Y("at:Q", scale=y_scale, axis=None), x2=alt.value("width")
    )
    apart = (
        alt.Chart(alt.InlineData(values=[{"at": last}]))
        .mark_rule(color=GRID, strokeDash=[2, 2])
        .encode(x=alt.X("at:Q", scale=x_scale, axis=axis))
    )
    head = apart.mark_text(align="center", dy=-10, fontSize=size, color=MUTED).encode(
        x=alt.datum((last + strip) / 2),
        y=alt.value(0),
        text=alt.value("undated" if not narrow else "no date"),
    )
    layered = alt.layer(line, apart, full, partly, known, part, state, name, head)
    return base_config(layered.properties(width=width - left - 8, height=height))
