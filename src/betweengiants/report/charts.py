"""The charts of the report, drawn from tidy tables; see `map` for the map.

Every function takes the width in pixels and draws a narrow version below `NARROW`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from betweengiants.report.positionnames import SIZE, Panel, axis_end, names
from betweengiants.report.style import AXIS, INK, PAPER, TEXT_SIZE, base_config, colour_of

NARROW = 560
HEADROOM = 1.22
"""Length of the axis of bars over that of the longest bar: what stands beside it needs room."""
KEY_ROOM = 9
"""Pixels from the end of a line to the dot in its colour, and on to the name, which is in the colour of text."""
POSITION_HEIGHT = 300
"""Pixels of a panel of leverage against alignment."""
Layered = alt.LayerChart | alt.FacetChart


def _values(frame: pl.DataFrame) -> alt.InlineData:
    return alt.InlineData(values=frame.to_dicts())


def _axis(title: str | None, **more: Any) -> alt.Axis:
    return alt.Axis(title=title, **more)


def position_chart(
    marks: pl.DataFrame, tails: pl.DataFrame, *, width: int, y_title: str
) -> alt.TopLevelMixin:
    """Leverage (x) against alignment (y), one panel a channel, one mark a power with its intervals.

    Args:
        marks: panel, x_title, power, name, x, x_low, x_high, y, y_low, y_high, label.
        tails: panel, power, x, y, year: where alignment stood in the years before (joined by a thin line).
        width: pixels of the whole figure.
        y_title: what the vertical axis measures.
    """
    panels = marks["panel"].unique(maintain_order=True).to_list()
    narrow = width < NARROW
    each = width - 60 if narrow else (width - 70 * len(panels)) // len(panels)
    charts = [
        _position_panel(
            marks.filter(pl.col("panel") == panel),
            tails.filter(pl.col("panel") == panel),
            each,
            y_title,
            first,
        )
        for first, panel in zip([True] + [narrow] * (len(panels) - 1), panels, strict=True)
    ]
    joined = alt.vconcat(*charts, spacing=28) if narrow else alt.hconcat(*charts, spacing=34)
    return base_config(joined)


def _position_panel(
    marks: pl.DataFrame, tails: pl.DataFrame, width: int, y_title: str, first: bool
) -> Layered:
    powers = marks["power"].to_list()
    colours = alt.Scale(domain=powers, range=[colour_of(p) for p in powers])
    top = float(max(marks["x_high"].max(), 1))  # type: ignore[type-var, arg-type]
    panel = Panel(width, POSITION_HEIGHT, axis_end(top * 1.05))
    x_scale = alt.Scale(domain=[0, panel.end], nice=False)
    x_axis = _axis(marks["x_title"][0], grid=True, tickCount=6, format="~g")
    y_axis = _axis(y_title if first else None, tickCount=5, grid=True)
    x = alt.X("x:Q", scale=x_scale, axis=x_axis)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, 1]), axis=y_axis)
    base = alt.Chart(_values(marks)).encode(color=alt.Color("power:N", scale=colours, legend=None))
    spread = base.mark_rule(strokeWidth=2, opacity=0.65).encode(x=alt.X("x_low:Q"), x2="x_high:Q", y=y)
    error = base.mark_rule(strokeWidth=2, opacity=0.65).encode(x=x, y=alt.Y("y_low:Q"), y2="y_high:Q")
    tail = (
        alt.Chart(_values(tails))
        .mark_line(strokeWidth=1.2, opacity=0.55, strokeDash=[2, 2])
        .encode(x="x:Q", y="y:Q", color=alt.Color("power:N", scale=colours, legend=None), order="year:O")
    )
    dots = base.mark_circle(size=130, opacity=1, stroke=PAPER, strokeWidth=1).encode(
        x=x, y=y, description="label:N"
    )
    named = alt.Chart(_values(names(marks, tails, panel)))
    lead = (
        named.transform_filter("datum.is_far")
        .mark_rule(strokeWidth=0.8, color=INK, opacity=0.6)
        .encode(x=alt.X("from_x:Q"), y=alt.Y("from_y:Q"), x2="to_x:Q", y2="to_y:Q")
    )
    text = named.mark_text(
        align="center", baseline="middle", fontSize=SIZE, fontWeight="bold", color=INK
    ).encode(x=alt.X("at_x:Q"), y=alt.Y("at_y:Q"), text="name:N")
    layered = alt.layer(spread, error, tail, lead, dots, text)
    return layered.properties(
        width=width,
        height=POSITION_HEIGHT,
        title=alt.TitleParams(marks["panel"][0], fontSize=13, fontWeight="bold", offset=8),
    )


def ranges_chart(rows: pl.DataFrame, *, width: int, x_title: str) -> alt.TopLevelMixin:
    """One line for each power and channel: the central value as a dot on its range, the number written beside it.

    Args:
        rows: power, name, line, value, low, high, text, label, order.
        width: pixels.
        x_title: unit of the values.
    """
    narrow = width < NARROW
    label_room = 118 if narrow else 190
    top = float(rows["high"].max() or 1)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, top * (1.32 if narrow else 1.16)], nice=False)
    lines = rows.sort("order")["line"].unique(maintain_order=True).to_list()
    powers = rows.sort("order")["power"].unique(maintain_order=True).to_list()
    charts = []
    for power in powers:
        part = rows.filter(pl.col("power") == power)
        base = alt.Chart(_values(part)).encode(
            y=alt.Y(
                "line:N",
                sort=lines,
                axis=_axis(
                    None,
                    ticks=False,
                    domain=False,
                    labelLimit=label_room,
                    labelPadding=10,
                    minExtent=label_room,
                ),
            )
        )
        last = power == powers[-1]
        x_axis = _axis(
            x_title if last else None, labels=last, ticks=last, domain=last, grid=True, tickCount=6
        )
        colour = colour_of(power)
        zero = alt.Chart(alt.InlineData(values=[{"x": 0}])).mark_rule(color=AXIS).encode(x="x:Q")
        rule = base.mark_rule(strokeWidth=5, opacity=0.5, color=colour, strokeCap="round").encode(
            x=alt.X("low:Q", scale=scale, axis=x_axis), x2="high:Q"
        )
        dot = base.mark_circle(size=90, opacity=1, color=colour).encode(x="value:Q", description="label:N")
        text = base.mark_text(align="left", dx=8, fontSize=TEXT_SIZE, color=INK).encode(
            x="high:Q", text="text:N"
        )
        charts.append(
            alt.layer(zero, rule, dot, text).properties(
                width=width - label_room - 14,
                height=24 * part.height,
                title=alt.TitleParams(part["name"][0], fontSize=13, offset=4, color=INK),
            )
        )
    return base_config(alt.vconcat(*charts, spacing=12))


def routes_chart(bars: pl.DataFrame, *, width: int, x_title: str) -> alt.TopLevelMixin:
    """Stacked bars: what leaves by each route as things are and under each severance.

    Args:
        bars: case, case_order, route, route_order, controller, value, share_text (written inside), label; and total,
            total_text on each row of a case.
        width: pixels.
        x_title: unit.
    """
    room = _case_room(width)
    cases = bars.sort("case_order")["case"].unique(maintain_order=True).to_list()
    controllers = bars["controller"].unique(maintain_order=True).to_list()
    top = float(bars["total"].max() or 1)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, top * HEADROOM], nice=False)
    colours = alt.Scale(domain=controllers, range=[colour_of(c or None) for c in controllers])
    y = alt.Y(
        "case:N",
        sort=cases,
        axis=_axis(None, ticks=False, domain=False, labelLimit=room, minExtent=room, labelPadding=8),
    )
    base = alt.Chart(_values(bars))
    inner = bar_room(width)
    bar = base.mark_bar(stroke=PAPER, strokeWidth=1.5, height=22).encode(
        y=y,
        x=alt.X("start:Q", scale=scale, axis=_axis(x_title, tickCount=6, grid=True)),
        x2="end:Q",
        color=alt.Color("controller:N", scale=colours, legend=None),
        description="label:N",
    )
    pixels = inner / (top * HEADROOM)
    fits = f"(datum.end - datum.start) * {pixels:.6g} > length(datum.share_text) * 5.8 + 6"
    inside = (
        base.transform_filter(fits)
        .transform_calculate(middle="(datum.start + datum.end) / 2")
        .mark_text(color="#111111", fontSize=11, align="center")
        .encode(y=y, x="middle:Q", text="share_text:N")
    )
    totals = bars.unique("case", keep="first", maintain_order=True)
    text = (
        alt.Chart(_values(totals))
        .mark_text(align="left", dx=7, color=INK, fontSize=TEXT_SIZE, fontWeight="bold")
        .encode(y=y, x="total:Q", text="total_text:N")
    )
    return base_config(alt.layer(bar, inside, text).properties(width=inner, height=36 * len(cases)))


def _case_room(width: int) -> int:
    return 96 if width < NARROW else 170


def bar_room(width: int) -> int:
    """Pixels of the axis of `routes_chart`."""
    return width - _case_room(width) - 14


def lines_chart(
    rows: pl.DataFrame,
    *,
    width: int,
    y_title: str,
    y_domain: tuple[float, float],
    turns: pl.DataFrame | None = None,
    focal: str | None = None,
) -> alt.TopLevelMixin:
    """One line a power over the years with a band for its sampling error and its name at the right end.

    Args:
        rows: power, name, year, value, low, high, label.
        width: pixels.
        y_title: what is measured.
        y_domain: ends of the vertical axis.
        turns: power, year, text: years to mark on the lines.
        focal: the focal state, where it has a line too.
    """
    narrow = width < NARROW
    room = 108 if narrow else 128
    powers = rows["power"].unique(maintain_order=True).to_list()
    colours = alt.Scale(domain=powers, range=[colour_of(p, focal=focal) for p in powers])
    colour = alt.Color("power:N", scale=colours, legend=None)
    first, last = int(rows["year"].min()), int(rows["year"].max())  # type: ignore[arg-type]
    x = alt.X(
        "year:Q",
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=_axis(None, format="d", tickCount=4 if narrow else 8, grid=False),
    )
    scale = alt.Scale(domain=list(y_domain), nice=False)
    y = alt.Y("value:Q", scale=scale, axis=_axis(y_title, tickCount=5, grid=True))
    base = alt.Chart(_values(rows)).encode(color=colour)
    band = base.mark_area(opacity=0.18).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2.2).encode(x=x, y=y)
    dots = base.mark_circle(size=22, opacity=1).encode(x=x, y=y, description="label:N")
    ends = _spaced_ends(rows, y_domain, 280)
    end = alt.Chart(_values(ends)).encode(x="year:Q", y=alt.Y("at:Q", scale=scale))
    key = end.mark_circle(size=60, opacity=1, xOffset=KEY_ROOM, aria=False).encode(color=colour)
    name = end.mark_text(align="left", dx=2 * KEY_ROOM, fontSize=TEXT_SIZE, fontWeight="bold", color=INK)
    marks = [band, line, dots, key, name.encode(text="text:N")]
    if turns is not None and turns.height:
        marks += _turns(rows, turns, x, y, colour)
    return base_config(alt.layer(*marks).properties(width=width - room - 50, height=280))


def _turns(rows: pl.DataFrame, turns: pl.DataFrame, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    """A diamond on the line in each of these years, with its text above."""
    base = alt.Chart(_values(turns.join(rows, on=["power", "year"]))).encode(x=x, y=y)
    diamond = base.mark_point(
        shape="diamond", size=120, fill=PAPER, fillOpacity=1, opacity=1, strokeWidth=2, aria=False
    )
    text: dict[str, Any] = {"dy": -15, "fontSize": TEXT_SIZE - 1, "fontWeight": "bold"}
    halo = base.mark_text(stroke=PAPER, strokeWidth=4, **text).encode(text="text:N")
    return [diamond.encode(color=colour), halo, base.mark_text(color=INK, **text).encode(text="text:N")]


def spaced(values: Sequence[float], domain: tuple[float, float], height: int) -> list[float]:
    """Places for labels of rising values, pushed apart so that none covers another."""
    step = (domain[1] - domain[0]) * (TEXT_SIZE + 4) / height
    at: list[float] = []
    for value in values:
        at.append(max(value, at[-1] + step) if at else value)
    return at


def _spaced_ends(rows: pl.DataFrame, domain: tuple[float, float], height: int) -> pl.DataFrame:
    """Labels of the last points."""
    ends = rows.sort("year").group_by("power", maintain_order=True).last().sort("value")
    return ends.with_columns(
        at=pl.Series(spaced(ends["value"].to_list(), domain, height)),
        text=pl.col("name")
        + " "
        + pl.col("value").round(2).cast(pl.String).str.replace("-", "−", literal=True),
    )
