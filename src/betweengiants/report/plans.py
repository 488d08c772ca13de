"""Official targets and what became of them: one square a plan, by domain and outcome."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.dossier.delivery import NEARLY, plan_outcomes
from betweengiants.position import Position
from betweengiants.position.results import Trail
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import HATCH, INK, MUTED, PAPER, TEXT_SIZE, base_config

TABLE = TRAIL = "plans"
OUTCOMES = {
    "reached": "reached",
    "nearly": "nearly",
    "missed": "missed",
    "below": "below so far",
    "unknown": "not known",
    "replaced": "replaced",
}
SHORT = {"below": "below", "unknown": "no result"}
"""Headings on a narrow page, where they differ."""


def can_draw(dossier: Dossier) -> bool:
    """Whether the dossier lists plans."""
    return dossier.has(TABLE)


def judged_on(dossier: Dossier) -> date:
    """The day on which plans are judged: the end of the dossier's base year."""
    return date(dossier.header.base_year, 12, 31)


def trail(dossier: Dossier) -> Trail:
    """Where plans and their outcomes come from."""
    return Trail(
        TRAIL,
        "Official targets beside the last result or rating that a source gives; forecasts are no results. Reached: at the "
        "target or beyond it. Missed: below it in the target year or later, and that year has passed. Below so far: the year "
        "is still to come, or the result is of an earlier year.",
        f"No range. Nearly: within {NEARLY:.0%} of the target.",
        {"judged_on": judged_on(dossier).isoformat(), "nearly": NEARLY},
        (TABLE,),
        tuple(used_sources(dossier.tables[TABLE])),
    )


def plans_figure(position: Position) -> Figure:
    """The figure: a square for every target, in a block for each outcome."""
    table = plan_outcomes(position.dossier, judged_on(position.dossier))
    drawn = squares(table)
    return Figure(
        "plans",
        title(table),
        f"Official targets of {words.name(position.dossier.focal)} by domain and outcome at the end of "
        f"{position.dossier.header.base_year}, one square a target.",
        f"Squares of {table.height} targets by domain and outcome: " + "; ".join(_counts(table)) + ".",
        table.drop("plan_id", "announced", "reached_share"),
        (TRAIL,),
        lambda width: squares_chart(drawn, width=width),
        "“Below so far”: the latest result is below the target, and the target year has not passed or has no result yet. “Not "
        "known”: no result was found; a forecast is none.",
    )


def title(table: pl.DataFrame) -> str:
    """How many targets there are, and how many came to what."""
    count = {outcome: int((table["outcome"] == outcome).sum()) for outcome in OUTCOMES}
    return (
        f"Of {table.height} official targets {count['reached']} were reached, {count['missed']} missed and {count['below']} "
        f"are below so far; for {count['unknown']} no result is known"
    )


def _counts(table: pl.DataFrame) -> list[str]:
    parts = []
    for (domain,), part in table.group_by("domain", maintain_order=True):
        told = [f"{n} {OUTCOMES[o]}" for o in OUTCOMES if (n := int((part["outcome"] == o).sum()))]
        parts.append(f"{domain}: {words.joined(told)}")
    return parts


def squares(table: pl.DataFrame) -> pl.DataFrame:
    """One row a plan: domain, outcome, place within its block, label; the domains with most plans first."""
    counted = (
        table.group_by("domain", maintain_order=True).len().sort("len", "domain", descending=[True, False])
    )
    order = {domain: k for k, domain in enumerate(counted["domain"])}
    return (
        table.with_columns(
            place=pl.int_range(pl.len()).over("domain", "outcome"),
            label=pl.Series([_said(row) for row in table.to_dicts()], dtype=pl.String),
        )
        .sort(pl.col("domain").replace_strict(order), maintain_order=True)
        .select("domain", "outcome", "place", "label")
    )


def _said(row: dict[str, Any]) -> str:
    value = words.signed(f"{row['value']:,.6g}")
    goal = f"{row['item']}: {value} by {row['target_year'] or 'no date'}"
    if row["reached_value"] is None:
        return f"{goal} ({OUTCOMES[row['outcome']]})"
    reached = words.signed(f"{row['reached_value']:,.6g}")
    result = f"{reached} as {row['reached_kind']} of {row['reached_year'] or 'no date'}"
    return f"{goal}, {result} ({OUTCOMES[row['outcome']]})"


def squares_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """One layered chart; blocks of squares are laid out here, each as wide as its heading or its squares."""
    narrow = width < NARROW
    left = 68 if narrow else 96
    side, between, high = (7, 4, 2) if narrow else (16, 22, 1)
    drawn = drawn.with_columns(column=pl.col("place") // high, row=pl.col("place") % high)
    headings = {o: SHORT.get(o, text) if narrow else text for o, text in OUTCOMES.items()}
    size = TEXT_SIZE - (2 if narrow else 0)
    start: dict[str, float] = {}
    at = 0.0
    for outcome, heading in headings.items():
        columns = drawn.filter(pl.col("outcome") == outcome)["column"].to_list()
        if columns:
            start[outcome] = at
            at += max((max(columns) + 1) * (side + 1), math.ceil(0.52 * size * len(heading))) + between
    step = high * (side + 1) + (8 if narrow else 10)
    domains = drawn["domain"].unique(maintain_order=True).to_list()
    line = {domain: k for k, domain in enumerate(domains)}
    rows = drawn.with_columns(
        x=pl.col("outcome").replace_strict(start) + pl.col("column") * (side + 1),
        y=pl.col("domain").replace_strict(line) * step + pl.col("row") * (side + 1),
    ).with_columns(x2=pl.col("x") + side, y2=pl.col("y") + side)
    height = len(domains) * step
    x_scale = alt.Scale(domain=[0, at], range=[0, at], nice=False)
    y_scale = alt.Scale(domain=[0, height], range=[0, height], nice=False)
    x, y = alt.X("x:Q", scale=x_scale, axis=None), alt.Y("y:Q", scale=y_scale, axis=None)
    fills = {
        "reached": INK,
        "nearly": MUTED,
        "missed": PAPER,
        "below": PAPER,
        "unknown": HATCH,
        "replaced": PAPER,
    }
    base = alt.Chart(alt.InlineData(values=rows.to_dicts()))
    square = base.mark_rect(strokeWidth=1, stroke=MUTED).encode(
        x=x,
        x2="x2:Q",
        y=y,
        y2="y2:Q",
        fill=alt.Fill(
            "outcome:N", scale=alt.Scale(domain=list(fills), range=list(fills.values())), legend=None
        ),
        description="label:N",
    )
    cross = (
        base.transform_filter("datum.outcome === 'missed'")
        .mark_rule(color=MUTED)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    )
    heads = alt.Chart(
        alt.InlineData(values=[{"x": place, "text": headings[o]} for o, place in start.items()])
    )
    head = heads.mark_text(align="left", dy=-10, fontSize=size, color=MUTED).encode(
        x=x, y=alt.value(0), text="text:N"
    )
    sides = alt.Chart(
        alt.InlineData(
            values=[
                {"y": k * step + high * (side + 1) / 2, "text": domain.capitalize()}
                for domain, k in line.items()
            ]
        )
    )
    name = sides.mark_text(
        align="right", dx=-10, fontSize=TEXT_SIZE - (1 if narrow else 0), color=INK
    ).encode(x=alt.value(0), y=y, text="text:N")
    layered = alt.layer(square, cross, head, name)
    return base_config(layered.properties(width=max(width - left - 10, at), height=height))
