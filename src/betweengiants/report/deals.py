"""Announced against delivered: the deals with each power, item by item, and nothing added up."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.core.units import convert
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.dossier.delivery import deal_outcomes
from betweengiants.position import Position
from betweengiants.position.results import Trail
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.claimrows import unit_words
from betweengiants.report.figure import Figure
from betweengiants.report.style import HATCH, INK, MUTED, PAPER, TEXT_SIZE, base_config, colour_of

TABLES = ("deals", "deal_stages")
TRAIL = "deals"
STEPS = {
    "announced": ("announced", "letter_of_intent", "framework", "planned"),
    "signed": ("signed", "financed", "started"),
    "delivered": ("delivered",),
}
"""Which stages of a deal are shown together; `ended` promises and delivers nothing."""
MONEY = ("usd", "usd_m", "usd_bn")
PACKAGE = "package"
STEP = 24
TICKS = (0.1, 0.3, 1, 3, 10, 30)


def can_draw(dossier: Dossier) -> bool:
    """Whether the dossier has a deal with a power that names a sum of money."""
    return dossier.has(*TABLES) and sums(dossier).height > 0


def trail(dossier: Dossier) -> Trail:
    """Where the stages of deals come from."""
    stages = dossier.tables["deal_stages"]
    return Trail(
        TRAIL,
        "Stages of deals as sources report them: announced (letters of intent, frameworks and plans too), signed (financed or "
        "begun too), delivered. An item of a deal is compared with itself only: money with money of the same deal, aircraft "
        "with aircraft. Nothing is added: packages hold single deals, and kinds of deals (purchase, loan, investment) differ.",
        "Low and high of the source where it gives them (“3 to 5 billion”).",
        {"deals": float(dossier.tables["deals"].height), "stages": float(stages.height)},
        TABLES,
        tuple(used_sources(dossier.tables["deals"], stages)),
    )


def sums(dossier: Dossier) -> pl.DataFrame:
    """Every sum of money in a deal with a power.

    Returns:
        power, step (announced, signed, delivered), deal_id, title, kind, item, date, value, low, high (USD billion), sources.
    """
    step = {stage: name for name, stages in STEPS.items() for stage in stages}
    deals = dossier.tables["deals"].select("deal_id", "title", "power", "kind")
    rows = (
        dossier.tables["deal_stages"]
        .filter(
            pl.col("unit").is_in(MONEY) & pl.col("value").is_not_null() & pl.col("stage").is_in(list(step))
        )
        .join(deals, on="deal_id", maintain_order="left")
        .filter(pl.col("power").is_in(list(dossier.powers)))
    )
    billions = [
        [
            None if row[name] is None else convert(row[name], row["unit"], "usd_bn")
            for name in ("value", "low", "high")
        ]
        for row in rows.to_dicts()
    ]
    return rows.with_columns(
        step=pl.col("stage").replace_strict(step, return_dtype=pl.String),
        **{
            name: pl.Series([row[k] for row in billions], dtype=pl.Float64)
            for k, name in enumerate(("value", "low", "high"))
        },
    ).select("power", "step", "deal_id", "title", "kind", "item", "date", "value", "low", "high", "source_id")


def deals_figure(position: Position) -> Figure:
    """The figure: sums announced, signed and delivered, one mark a deal, by power."""
    dossier = position.dossier
    table = sums(dossier)
    drawn = marks(table, dossier.powers)
    return Figure(
        "deals",
        title(table),
        f"Deals of {words.name(dossier.focal)} with each power that name a sum, billion USD, one mark a deal, at the stage "
        "that sources report. Squares: packages that hold several deals. Line: low to high of the source. Logarithmic.",
        "Marks of deals by power and stage: " + "; ".join(drawn.filter(pl.col("label") != "")["label"]) + ".",
        table,
        (TRAIL,),
        lambda width: deals_chart(drawn, width=width),
        f"{coverage_words(dossier, table)} Sums are of different years, kinds and certainty, and are not added.",
    )


def marks(table: pl.DataFrame, powers: tuple[str, ...]) -> pl.DataFrame:
    """One row a sum, and one for each power and step without any: power, line, value, range, package, text, label."""
    rows: list[dict[str, Any]] = []
    for power in powers:
        for step in STEPS:
            part = table.filter((pl.col("power") == power) & (pl.col("step") == step)).sort(
                "value", descending=True
            )
            place = {"power": power, "name": short_name(power), "step": step, "line": f"{power} {step}"}
            text, brief = _line_words(part)
            if not part.height:
                rows.append(place | dict.fromkeys(("value", "low", "high")) | _bare(text, brief))
            for k, row in enumerate(part.to_dicts()):
                rows.append(
                    place
                    | {
                        "value": row["value"],
                        "low": row["value"] if row["low"] is None else row["low"],
                        "high": row["value"] if row["high"] is None else row["high"],
                        "package": row["kind"] == PACKAGE,
                        "text": text if k == 0 else "",
                        "brief": brief if k == 0 else "",
                        "label": f"{short_name(power)}, {step} {row['date']}: {row['title']}, ${row['value']:.1f} bn",
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _bare(text: str, brief: str) -> dict[str, Any]:
    return {"package": False, "text": text, "brief": brief, "label": ""}


def _line_words(part: pl.DataFrame) -> tuple[str, str]:
    """What stands beside a line: how many deals, and the largest; in full and in brief."""
    if not part.height:
        return "no sum known", "none known"
    top, count = part.row(0, named=True), part["deal_id"].n_unique()
    if count == 1:
        return f"{top['title']}, {top['value']:.1f}", f"1 deal, {top['value']:.1f}"
    return f"{count} deals, the largest: {top['title']}, {top['value']:.1f}", f"{count} deals"


def title(table: pl.DataFrame) -> str:
    """For how many of the deals with a sum a delivered sum is known."""
    promised, met = (
        set(table.filter((pl.col("step") == "delivered") == is_met)["deal_id"]) for is_met in (False, True)
    )
    both = len(promised & met)
    known = "none has a known sum delivered" if not both else f"for {both} the sum delivered is known"
    more = f" (it is for {len(met - promised)} that promised none)" if met - promised else ""
    return f"Of {len(promised)} deals that promise a sum of money {known}{more}"


def coverage_words(dossier: Dossier, table: pl.DataFrame) -> str:
    """How many of the deals on the list name a sum, and how many are with others."""
    deals = dossier.tables["deals"]
    own = deals.filter(pl.col("power").is_in(list(dossier.powers)))
    others = deals.height - own.height
    text = f"The list is a selection: {own.height} deals with the powers, {table['deal_id'].n_unique()} of them with a sum"
    return f"{text}; {others} more are with other states." if others else f"{text}."


def counted_rows(dossier: Dossier) -> list[dict[str, Any]]:
    """Items of deals whose delivery was looked into and found: promised and delivered in their own units."""
    found = deal_outcomes(dossier).filter(pl.col("delivered").is_not_null())
    return [
        {
            "title": row["title"],
            "item": _item(row["item"], row["unit"]),
            "power": short_name(row["power"]),
            "promised": _amount(row["promised"], row["unit"], row["item"]),
            "promised_date": row["promised_date"] or "–",
            "delivered": _amount(row["delivered"], row["unit"], row["item"]),
            "delivered_date": row["delivered_date"],
            "share": "–" if row["delivered_share"] is None else f"{100 * row['delivered_share']:.0f}%",
            "sources": row["source_id"].split(";"),
        }
        for row in found.sort("delivered_share", nulls_last=True).to_dicts()
    ]


def _item(item: str, unit: str | None) -> str:
    """What is counted, where the amount does not say it."""
    if unit == "count":
        return ""
    return "cost" if item == "value" else item


def _amount(value: float | None, unit: str | None, item: str) -> str:
    if value is None:
        return "no figure"
    if unit == "count":
        return f"{value:,.0f} {item.removesuffix('s') if value == 1 else item}"
    return f"{value:,.6g} {unit_words(unit)}".strip().replace(" %", "%")


def not_found(dossier: Dossier) -> int:
    """Items promised in numbers whose delivery no source reports."""
    found = deal_outcomes(dossier)
    return found.filter(pl.col("promised").is_not_null() & pl.col("delivered").is_null()).height


def deals_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """One layered chart: three lines a power, marks on a logarithmic axis, words beside each line."""
    narrow = width < NARROW
    left, right = (118, 74) if narrow else (170, 340)
    room = width - left - right
    ends = drawn.select(
        low=pl.min_horizontal("low", "value").min(), high=pl.max_horizontal("high", "value").max()
    ).row(0)
    scale = alt.Scale(type="log", domain=[0.8 * ends[0], 1.25 * ends[1]], nice=False)
    lines = drawn["line"].unique(maintain_order=True).to_list()
    powers = drawn["power"].unique(maintain_order=True).to_list()
    ticks = [tick for tick in TICKS if 0.8 * ends[0] <= tick <= 1.25 * ends[1]]
    axis = alt.Axis(title=None if narrow else "Billion USD", values=ticks, format="~g", grid=True)
    x = alt.X("value:Q", scale=scale, axis=axis)
    y = alt.Y("line:N", sort=lines, axis=None)
    colour = alt.Color(
        "power:N", scale=alt.Scale(domain=powers, range=[colour_of(p) for p in powers]), legend=None
    )
    base = alt.Chart(alt.InlineData(values=drawn.to_dicts())).encode(y=y)
    known = base.transform_filter("isValid(datum.value)")
    span = (
        known.transform_filter("datum.low < datum.high")
        .mark_rule(strokeWidth=2, opacity=0.7)
        .encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=colour)
    )
    dots = known.encode(x=x, color=colour, description="label:N")
    deal = dots.transform_filter("!datum.package").mark_circle(
        size=80, opacity=0.8, stroke=PAPER, strokeWidth=1
    )
    package = dots.transform_filter("datum.package").mark_point(
        shape="square", size=80, opacity=1, strokeWidth=2
    )
    bare = (
        base.transform_filter("!isValid(datum.value)")
        .mark_rect(fill=HATCH, height=STEP - 10, aria=False)
        .encode(x=alt.value(0), x2=alt.value(room))
    )
    size = TEXT_SIZE - (1 if narrow else 0)
    beside = base.mark_text(align="left", dx=10, fontSize=size - 1, color=MUTED, limit=right - 12).encode(
        x=alt.value(room), text="brief:N" if narrow else "text:N"
    )
    step = (
        base.transform_filter("datum.text !== ''")
        .mark_text(align="right", dx=-8, fontSize=size, color=MUTED)
        .encode(x=alt.value(0), text="step:N")
    )
    name = (
        base.transform_filter("datum.text !== '' && datum.step === 'announced'")
        .mark_text(
            align="left",
            dx=-left + 4,
            dy=-1 if not narrow else -13,
            fontSize=size,
            fontWeight="bold",
            color=INK,
        )
        .encode(x=alt.value(0), text="name:N")
    )
    layered = alt.layer(bare, span, deal, package, beside, step, name)
    return base_config(layered.properties(width=room, height=(STEP + (3 if narrow else 0)) * len(lines)))
