"""What now: the cheapest way to lower the largest hold on oil exports, as a chart and a plan."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from betweengiants.position import Position
from betweengiants.report import words
from betweengiants.report.figure import Figure
from betweengiants.report.style import INK, PAPER, TEXT_SIZE, base_config, colour_of
from betweengiants.strategy import Frontier, Plan, autonomy_frontier, plan_at

FIGURE, TRAIL = "frontier", "autonomy_frontier"
TABLES = ("options", "network_edges", "parameters")
# Share of the way from today to the least attainable loss at which the plan is shown as a list.
HALF_WAY = 0.5


def can_plan(position: Position) -> bool:
    """Whether the dossier lists options for its network."""
    return position.oil is not None and position.dossier.has(*TABLES)


def frontier_figure(position: Position) -> Figure:
    """Cost a year (across) against the largest loss that any power could still cause (up)."""
    frontier = autonomy_frontier(position.dossier)
    worst = str(frontier.points["worst_power"][0]).split(";")[0]
    last = frontier.points.row(-1, named=True)
    title = (
        f"Bringing {words.name(worst)}’s hold on crude exports from {frontier.today_pct:.0f}% down to "
        f"{frontier.least_pct:.0f}% would cost about ${last['cost_usd_m_per_year']:,.0f} m a year"
    )
    return Figure(
        FIGURE,
        title,
        "The autonomy frontier: least yearly cost (investment spread over its life) of keeping every power’s loss under a "
        "bound. Loss: percent of the value of crude exports net of transport, if one power severs. Band: costs low to high.",
        f"Line falling from {frontier.today_pct:.1f}% at no cost to {frontier.least_pct:.1f}% at "
        f"{last['cost_usd_m_per_year']:.0f} million USD a year.",
        frontier.points,
        (TRAIL,),
        lambda width: _chart(frontier, worst, width),
        f"What keeps the loss from falling further: {_readable(frontier, position)}. Options without a published cost are left "
        "out, so more may be possible than is shown; costs are announced prices of different years, not deflated.",
    )


def plan_rows(position: Position, points: pl.DataFrame) -> dict[str, Any]:
    """The plan half-way along the frontier, as a list that a minister could read.

    Args:
        position: the results.
        points: the table of `frontier_figure`.
    """
    today, least = points["bound_pct"][0], points["bound_pct"][-1]
    bound = today - HALF_WAY * (today - least)
    plan = plan_at(position.dossier, bound)
    return {
        "bound": f"{plan.bound_pct:.0f}",
        "cost": words.spanned(plan.cost, digits=0),
        "capex": words.spanned(plan.capex, digits=0),
        "rows": _actions(plan),
    }


def _actions(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "name": row["name"],
            "added": f"{row['added_capacity']:.1f}",
            "capex": f"{row['capex_usd_m']:,.0f}",
            "cost": f"{row['cost_usd_m_per_year']:,.0f} ({row['cost_low']:,.0f} to {row['cost_high']:,.0f})",
            "evidence": row["evidence"],
            "sources": row["source_id"].split(";"),
        }
        for row in plan.actions.to_dicts()
    ]


def _readable(frontier: Frontier, position: Position) -> str:
    edges = dict(position.dossier.tables["network_edges"].select("edge_id", "name").iter_rows())
    names = [
        edges.get(label.removeprefix("edge "), "") for label in frontier.binds if label.startswith("edge ")
    ]
    return words.joined([name for name in names if name]) if any(names) else "the list of options"


def _chart(frontier: Frontier, worst: str, width: int) -> alt.TopLevelMixin:
    points = frontier.points.with_columns(
        label=pl.format(
            "{}% at {} million USD a year",
            pl.col("bound_pct").round(1),
            pl.col("cost_usd_m_per_year").round(0),
        )
    )
    colour = colour_of(worst)
    y = alt.Y(
        "bound_pct:Q",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(title="Largest loss any power could cause, %", tickCount=5),
    )
    x = alt.X(
        "cost_usd_m_per_year:Q",
        scale=alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(title="Cost, million USD a year", tickCount=5 if width < 560 else 8, format=",d"),
    )
    base = alt.Chart(alt.InlineData(values=points.to_dicts()))
    band = base.mark_rule(strokeWidth=6, opacity=0.25, color=colour).encode(
        x="cost_low:Q", x2="cost_high:Q", y=y
    )
    line = base.mark_line(strokeWidth=2.2, color=colour).encode(x=x, y=y)
    dots = base.mark_circle(size=60, opacity=1, color=colour, stroke=PAPER).encode(
        x=x, y=y, description="label:N"
    )
    ends = alt.Chart(alt.InlineData(values=[points.row(k, named=True) for k in (0, -1)]))
    text = ends.mark_text(
        align="left", dx=8, dy=-10, color=INK, fontSize=TEXT_SIZE, fontWeight="bold"
    ).encode(x=x, y=y, text=alt.Text("bound_pct:Q", format=".0f"))
    return base_config(alt.layer(band, line, dots, text).properties(width=width - 70, height=260))
