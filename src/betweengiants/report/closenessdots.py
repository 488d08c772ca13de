"""Whom the state stands closest to: votes, institutions, agreements and visits side by side, and all together."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import polars as pl

from betweengiants.alignment.composite import Composite
from betweengiants.core.countries import short_name
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.closeness import PARTS, closeness, latest_year, parts
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import INK, MUTED, PAPER, TEXT_SIZE, base_config, colour_of, panel_header

TRAIL = "alignment"
TOGETHER = "Together"
TITLES = {
    "votes": "Votes",
    "ideal_points": "Ideal points",
    "institutions": "Institutions",
    "agreements": "Agreements",
    "visits": "Visits",
}
MEANINGS = {
    "votes": "agreement in votes",
    "ideal_points": "closeness of ideal points",
    "institutions": "institutions shared, weighted by how much they bind",
    "agreements": "share in the agreements of five years",
    "visits": "share in the visits of five years",
}
STEP = 23


@dataclass(frozen=True)
class Closeness:
    """The composite and the parts it stands on."""

    composite: Composite
    parts: pl.DataFrame

    @property
    def year(self) -> int:
        """The last year with most parts."""
        return latest_year(self.composite)


def found_closeness(dossier: Dossier) -> Closeness | None:
    """The composite of the dossier; None if it holds no part for any power."""
    composite = closeness(dossier)
    if composite is None or not composite.table["alignment"].count():
        return None
    return Closeness(composite, parts(dossier))


def closeness_figure(position: Position, found: Closeness) -> Figure:
    """The figure: a panel for all parts together and one for each, a line a power."""
    drawn = marks(found)
    used = {part for part, title in TITLES.items() if title in set(drawn["panel"])}
    told = found.composite.sentence(position.dossier.focal, found.year)
    return Figure(
        "alignment",
        title(found),
        f"How close {words.name(position.dossier.focal)} stands to each power by its own behaviour in {found.year}, 0 to 1: "
        f"{words.joined([MEANINGS[part] for part in PARTS if part in used])}. Line: 95% of the errors; for all together "
        f"{found.composite.level:.0%} of the draws of weights and errors.",
        "Dots by part and power: " + "; ".join(drawn["label"]) + ".",
        drawn.select("panel", "power", "value", "low", "high", "n"),
        (TRAIL,),
        lambda width: dots_chart(drawn, width=width),
        words.with_names(told, position.dossier).replace("ideal_points", "ideal points")
        + " Agreements and visits are samples of what was found, not a census.",
    )


def marks(found: Closeness) -> pl.DataFrame:
    """Panel, power, name, value, low, high, n (observations; empty for all together), text, label; closest power first."""
    whole = found.composite.table.filter((pl.col("year") == found.year) & pl.col("alignment").is_not_null())
    order = whole.sort("alignment", "power", descending=[True, False])["power"].to_list()
    used = whole["parts"][0].to_list()
    rows = [
        (TOGETHER, row["power"], row["alignment"], row["low"], row["high"], None) for row in whole.to_dicts()
    ]
    each = found.parts.filter((pl.col("year") == found.year) & pl.col("power").is_in(order))
    for part in PARTS:
        if part in used:
            mine = each.filter(pl.col("part") == part)
            rows += [
                (TITLES[part], r["power"], r["value"], r["low"], r["high"], r["n"]) for r in mine.to_dicts()
            ]
    frame = pl.DataFrame(
        rows,
        schema={
            "panel": pl.String,
            "power": pl.String,
            "value": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "n": pl.Int64,
        },
        orient="row",
    )
    place = {power: k for k, power in enumerate(order)}
    panels = {panel: k for k, panel in enumerate(dict.fromkeys(row[0] for row in rows))}
    return (
        frame.with_columns(
            low=pl.col("low").fill_null(pl.col("value")),
            high=pl.col("high").fill_null(pl.col("value")),
            name=pl.col("power").replace_strict({power: short_name(power) for power in order}),
            text=pl.col("value").map_elements(lambda value: f"{value:.2f}", return_dtype=pl.String),
        )
        .with_columns(label=pl.format("{}, {}: {}", "panel", "name", "text"))
        .sort(pl.col("panel").replace_strict(panels), pl.col("power").replace_strict(place))
    )


def title(found: Closeness) -> str:
    """Who comes first in how many of the draws; nobody, if none does in more than half."""
    rows = found.composite.table.filter((pl.col("year") == found.year) & pl.col("alignment").is_not_null())
    top = rows.sort("first", "power", descending=[True, False]).row(0, named=True)
    share = f"{100 * top['first']:.0f} of 100 sets of weights"
    if top["first"] > 0.5:
        return f"{words.name(top['power'], start=True)} stands closest, in {share}"
    return f"No power stands clearly closest: {words.name(top['power'])} does in {share}"


def dots_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """Panels beside each other on one scale, or one below the other."""
    narrow = width < NARROW
    panels = drawn["panel"].unique(maintain_order=True).to_list()
    left = 104
    each = width - left - 34 if narrow else (width - left - 34) // len(panels) - 25
    names = drawn["name"].unique(maintain_order=True).to_list()
    powers = drawn["power"].unique(maintain_order=True).to_list()
    down = alt.Axis(title=None, ticks=False, domain=False, labelColor=INK, labelPadding=8)
    y = alt.Y("name:N", sort=names, axis=down)
    across = alt.Axis(title=None, values=[0, 0.5, 1], grid=True, format="~g")
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("value:Q", scale=scale, axis=across)
    colours = alt.Scale(domain=powers, range=[colour_of(power) for power in powers])
    colour = alt.Color("power:N", scale=colours, legend=None)
    base = alt.Chart().encode(y=y)
    whole = f"datum.panel === '{TOGETHER}'"
    span = base.mark_rule(strokeWidth=2.5, opacity=0.6).encode(
        x=alt.X("low:Q", scale=scale, axis=across), x2="high:Q", color=colour
    )
    layers: list[alt.Chart] = [span]
    for test, size in ((whole, 130), (f"!({whole})", 70)):
        dot = base.transform_filter(test).mark_circle(size=size, opacity=1, stroke=PAPER, strokeWidth=1)
        layers.append(dot.encode(x=x, color=colour, description="label:N"))
    high = alt.X("high:Q", scale=scale, axis=across)
    layers.append(
        base.mark_text(align="left", dx=5, fontSize=TEXT_SIZE - 2, color=MUTED).encode(x=high, text="text:N")
    )
    header = panel_header()
    faceted: alt.FacetChart = (
        alt.layer(*layers)
        .properties(width=each, height=STEP * len(names))
        .facet(
            facet=alt.Facet("panel:N", sort=panels, header=header),
            columns=1 if narrow else len(panels),
            spacing={"row": 14, "column": 26},
            data=alt.InlineData(values=drawn.to_dicts()),
        )
    )
    return base_config(faceted)
