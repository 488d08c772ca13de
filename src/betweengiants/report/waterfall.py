"""Where leverage comes from: channels switched on one by one, what they add up to, and the interaction, power by power."""

from __future__ import annotations

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.report import jointwords, words
from betweengiants.report.charts import NARROW, Layered
from betweengiants.report.figure import Figure
from betweengiants.report.style import (
    AXIS,
    CONTEXT_COLOUR,
    INK,
    TEXT_SIZE,
    base_config,
    colour_of,
    panel_header,
)

STEP = 21
ROOM = 104
TOGETHER = "Together"
INTERACTION = "Interaction"


def steps(position: Position) -> pl.DataFrame:
    """The bars of the waterfall.

    Returns:
        power, horizon, step, kind (part, rest, whole), start, end, value, low, high (percent of real spending), text, label.
    """
    rows = []
    for horizon, run in jointwords.HORIZONS.items():
        for power in position.dossier.powers:
            at = 0.0
            rest = jointwords.leverage(position, power, horizon=horizon, measure="interaction_pct")
            listed = [
                (
                    name,
                    "part",
                    jointwords.leverage(position, power, horizon=horizon, measure=f"part_{channel}_pct"),
                )
                for channel, name in jointwords.SHORT_PARTS.items()
                if channel in jointwords.channels(position)
            ]
            listed.append((INTERACTION, "rest", rest))
            listed.append((TOGETHER, "whole", jointwords.leverage(position, power, horizon=horizon)))
            for order, (step, kind, number) in enumerate(listed):
                start = 0.0 if kind == "whole" else at
                at = start + number.value
                text = f"{number.value:.1f}" if kind != "rest" else words.signed(f"{number.value:+.1f}")
                if kind == "whole" and number.low < number.high:
                    text = f"{number.value:.1f} ({number.low:.1f}–{number.high:.1f})"
                label = f"{words.name(power, start=True)}, {run}, {step.lower()}: {words.spanned(number, unit='%')}"
                rows.append(
                    (
                        power,
                        horizon,
                        step,
                        kind,
                        start,
                        at,
                        number.value,
                        number.low,
                        number.high,
                        text,
                        label,
                        order,
                    )
                )
    columns = [
        "power",
        "horizon",
        "step",
        "kind",
        "start",
        "end",
        "value",
        "low",
        "high",
        "text",
        "label",
        "order",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row")


def waterfall(position: Position) -> Figure:
    """The figure of the channels, adding up."""
    table = steps(position)
    whole = table.filter(pl.col("kind") == "whole")
    return Figure(
        "waterfall",
        jointwords.parts_title(position),
        f"What {words.name(position.dossier.focal)} would lose if one power cut all that it controls, percent of real "
        "national spending. Each channel alone, the interaction, and all together in one equilibrium.",
        "Waterfalls by power and horizon: " + "; ".join(whole["label"]) + ".",
        table.drop("text", "label", "order", "start", "end"),
        (jointwords.CHANNEL,),
        lambda width: waterfall_chart(table, width=width),
        "Thin line: 5 to 95% of the draws. Interaction below zero: two channels cut the same goods (a buyer that is also the "
        "road). Above zero: what one channel leaves open the other closes. Short run: factors stay in their sectors, roads of "
        "today. Long run: factors move, planned roads open. Goods that cannot leave count as production shut in, an upper "
        "bound.",
    )


def waterfall_chart(table: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """One panel a power, one row of panels a horizon (one below the other on a narrow page)."""
    narrow = width < NARROW
    powers = table["power"].unique(maintain_order=True).to_list()
    each = width - ROOM - 20 if narrow else (width - ROOM - 26 * len(powers)) // len(powers)
    low = min(0.0, float(table.select(pl.min_horizontal("start", "end").min()).item()))
    top = float(table.filter(pl.col("kind") == "whole")["high"].max() or 1)  # type: ignore[arg-type]
    top = max(top, float(table["end"].max() or 1))  # type: ignore[arg-type]
    scale = alt.Scale(domain=[low, top * (1.45 if narrow else 1.75)], nice=False)
    named = {power: short_name(power) for power in powers}
    panel = (
        pl.col("power").replace_strict(named) + ", " + pl.col("horizon").replace_strict(jointwords.HORIZONS)
    )
    drawn = table.with_columns(panel=panel)
    bars = _bars(drawn, powers, scale).properties(width=each, height=STEP * drawn["step"].n_unique())
    header = panel_header(padding=4)
    order = drawn["panel"].unique(maintain_order=True).to_list()
    faceted: alt.FacetChart = bars.facet(
        facet=alt.Facet("panel:N", sort=order, header=header),
        columns=1 if narrow else len(powers),
        spacing={"row": 18, "column": 20},
        data=alt.InlineData(values=drawn.to_dicts()),
    ).resolve_axis(x="independent")
    return base_config(faceted)


def _bars(table: pl.DataFrame, powers: list[str], scale: alt.Scale) -> Layered:
    """The marks of one panel; the data come with the facets."""
    axis = alt.Axis(
        title=None, ticks=False, domain=False, labelLimit=ROOM, minExtent=ROOM, labelPadding=6, labelColor=INK
    )
    y = alt.Y("step:N", sort=table["step"].unique(maintain_order=True).to_list(), axis=axis)
    x = alt.X("start:Q", scale=scale, axis=alt.Axis(title=None, tickCount=4, grid=True, format=",.0f"))
    fill = alt.Fill(
        "power:N", scale=alt.Scale(domain=powers, range=[colour_of(p) for p in powers]), legend=None
    )
    base = alt.Chart().encode(y=y)
    bar = base.mark_bar(height=STEP - 7).encode(x=x, x2="end:Q", description="label:N")
    part = bar.transform_filter(alt.datum.kind == "part").encode(fill=fill, fillOpacity=alt.value(0.55))
    rest = bar.transform_filter(alt.datum.kind == "rest").encode(
        fill=alt.value(CONTEXT_COLOUR), fillOpacity=alt.value(0.8)
    )
    whole = bar.transform_filter(alt.datum.kind == "whole").encode(fill=fill, fillOpacity=alt.value(1.0))
    spread = (
        base.transform_filter(alt.datum.kind == "whole")
        .mark_rule(color=INK, strokeWidth=1.5)
        .encode(x="low:Q", x2="high:Q")
    )
    text = (
        base.transform_calculate(at="datum.kind == 'whole' ? datum.high : max(datum.start, datum.end)")
        .mark_text(align="left", dx=5, fontSize=TEXT_SIZE - 1, color=INK)
        .encode(x="at:Q", text="text:N")
    )
    zero = (
        base.transform_filter(alt.datum.order == 0)
        .mark_rule(color=AXIS)
        .encode(x=alt.datum(0), y=alt.value(0), y2=alt.value("height"))
    )
    return alt.layer(part, rest, whole, spread, text, zero)
