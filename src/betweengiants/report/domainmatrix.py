"""Domains without a price as a matrix of domain by power: shares in their own units, bounds, years, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.domains import HELD, Domains
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import HATCH, INK, MUTED, PAPER, TEXT_SIZE, base_config, colour_of

TRAIL = "domains"
WHOLE = 100.0
DARK_UNTIL = 48.0
"""Percent up to which cividis is so dark that white reads better on it than black."""
ON_DARK, ON_LIGHT = "#ffffff", "#111111"
BOUNDS = {"known": "", "at_least": "≥ ", "at_most": "≤ "}
STEP = 44
EDGE, GAP = 0.02, 0.06
"""Parts of a cell's width: left free beside a cell, and between its edge and the scale of its range."""


def domain_matrix(position: Position, found: Domains) -> Figure:
    """The figure: a row a domain, a column a power."""
    drawn = cells(position, found)
    table = found.headline.select(
        *("domain", "measure", "power", "status", "value", "low", "high", "unit"),
        *("period", "year", "age_years", "warnings", "source_id"),
    )
    focal = words.name(position.dossier.focal)
    return Figure(
        "domains",
        title(found),
        f"Each power’s share, percent, in one measure of {focal} for every domain (named below it), in the latest year with "
        "figures. Dark: little; light: much. Hatched: no share is known, at most a bound. Line in a cell: the range, from 0 at "
        "the left edge to 100 at the right.",
        "Matrix of domains and powers: " + "; ".join(drawn["label"]) + ".",
        table,
        (TRAIL,),
        lambda width: matrix_chart(drawn, width=width),
        f"{firsts_in_words(found)} Nothing here is money, and nothing is added across domains. Small years in a cell: older "
        "than the year of its row.",
    )


def cells(position: Position, found: Domains) -> pl.DataFrame:
    """The headline cells ready to be drawn.

    Returns:
        domain, what, power, column, fill (percent; empty where no value is known), text, below (the bound of a share that is
        not known), old (the year, where it differs from that of the row), alone (whether the number is all there is to show),
        low, high (empty where there is no range), ink, years, age, label.
    """
    titles = dict(position.dossier.tables["measures"].select("measure", "title").iter_rows())
    rows = []
    for (domain, measure), part in found.headline.group_by("domain", "measure", maintain_order=True):
        held = part.filter(pl.col("status").is_in([*HELD, "none"]))
        latest = held["year"].max()
        age = held["age_years"].min()
        for column, cell in enumerate(part.to_dicts()):
            rows.append(
                _cell(cell, latest)
                | {
                    "domain": str(domain).capitalize(),
                    "what": titles[str(measure)].removeprefix("Share in "),
                    "power": cell["power"],
                    "column": column,
                    "years": "" if latest is None else str(latest),
                    "age": _age(age if isinstance(age, int) else 0),
                }
            )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(
        label=pl.format(
            "{} ({}), {}: {}",
            "domain",
            "what",
            pl.col("power").replace_strict({p: short_name(p) for p in found.powers}),
            "said",
        )
    )


def _cell(cell: Mapping[str, Any], latest: Any) -> dict[str, Any]:
    status, value, low, high = cell["status"], cell["value"], cell["low"], cell["high"]
    capped = high is not None and high < WHOLE
    below, fill, text = "", None, "not known"
    if status == "not_known":
        below = f"≤ {high:.1f}" if capped else ""
    elif status == "none":
        text, fill = "none", 0.0
    else:
        spans = status == "known" and low < high
        text = f"{low:.1f}–{high:.1f}" if spans else f"{BOUNDS[status]}{value:.1f}"
        fill = None if status == "at_most" else value
    ranged = status != "none" and high is not None and (low or 0.0) < high and (capped or bool(low))
    old = "" if status == "not_known" or cell["year"] == latest else str(cell["year"])
    said = text if not below else f"{text} ({below})"
    return {
        "fill": fill,
        "text": text,
        "below": below,
        "old": old,
        "low": (low or 0.0) if ranged else None,
        "high": high if ranged else None,
        "alone": not below and not old and not ranged,
        "ink": INK if fill is None else ON_DARK if fill < DARK_UNTIL else ON_LIGHT,
        "said": f"{said}, {old}" if old else said,
    }


def _age(years: int) -> str:
    return "" if years < 1 else "1 year old" if years == 1 else f"{years} years old"


def firsts(found: Domains) -> dict[str, str]:
    """The power with the largest share of each domain, where its lower bound is at least every other's upper bound."""
    first: dict[str, str] = {}
    for (domain,), part in found.headline.group_by("domain", maintain_order=True):
        rows = part.to_dicts()
        for row in rows:
            others = [WHOLE if r["high"] is None else r["high"] for r in rows if r["power"] != row["power"]]
            least = row["low"] if row["status"] in HELD else None
            if least and all(least >= most for most in others):
                first[str(domain)] = row["power"]
    return first


def title(found: Domains) -> str:
    """Who certainly holds the largest share in most domains."""
    first = firsts(found)
    count = found.headline["domain"].n_unique()
    if not first:
        return f"In none of {count} domains without a price is it certain who holds the largest share"
    held = {power: [d for d, p in first.items() if p == power] for power in found.powers}
    top = max(found.powers, key=lambda power: len(held[power]))
    return (
        f"{words.name(top, start=True)} holds the largest share in {len(held[top])} of {count} domains without a price: "
        f"{words.joined(held[top])}"
    )


def firsts_in_words(found: Domains) -> str:
    """The other powers' firsts, and the domains where bounds overlap."""
    first = firsts(found)
    domains = found.headline["domain"].unique(maintain_order=True).to_list()
    held = {power: [d for d in domains if first.get(d) == power] for power in found.powers}
    top = max(found.powers, key=lambda power: len(held[power]))
    told = [
        f"{words.name(power)} in {len(held[power])} ({words.joined(held[power])})"
        for power in found.powers
        if power != top and held[power]
    ]
    open_ = [domain for domain in domains if domain not in first]
    text = f"Others come first: {words.joined(told)}. " if told else ""
    if open_:
        text += f"In {len(open_)} ({words.joined(open_)}) the bounds overlap, so that nobody can be named."
    return text.strip()


def matrix_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """One layered chart: cells, their numbers and ranges, names of the powers above, of the domains beside."""
    narrow = width < NARROW
    left, right = (82, 4) if narrow else (164, 84)
    powers = drawn["power"].unique(maintain_order=True).to_list()
    room = width - left - right
    domains = drawn["domain"].unique(maintain_order=True).to_list()
    size = TEXT_SIZE - 1 if narrow else TEXT_SIZE + 2
    y = alt.Y("domain:N", sort=domains, axis=None, scale=alt.Scale(paddingInner=0.08, paddingOuter=0.04))
    scale = alt.Scale(domain=[0, len(powers)], nice=False)
    inner = 1 - 2 * EDGE - 2 * GAP
    frame = drawn.with_columns(
        x=pl.col("column") + EDGE,
        x2=pl.col("column") + 1 - EDGE,
        middle=pl.col("column") + 0.5,
        from_=pl.col("column") + EDGE + GAP + inner * pl.col("low") / WHOLE,
        to=pl.col("column") + EDGE + GAP + inner * pl.col("high") / WHOLE,
    )
    base = alt.Chart(alt.InlineData(values=frame.drop("said").to_dicts())).encode(y=y)
    x = alt.X("x:Q", scale=scale, axis=None)
    known = base.transform_filter("isValid(datum.fill)")
    cell = known.mark_rect(cornerRadius=2).encode(
        x=x,
        x2="x2:Q",
        fill=alt.Fill("fill:Q", scale=alt.Scale(scheme="cividis", domain=[0, WHOLE]), legend=None),
        description="label:N",
    )
    bare = (
        base.transform_filter("!isValid(datum.fill)")
        .mark_rect(cornerRadius=2, fill=HATCH)
        .encode(x=x, x2="x2:Q", description="label:N")
    )
    halo: dict[str, Any] = {"stroke": PAPER, "strokeWidth": 4}
    ink = alt.Color("ink:N", scale=None)
    middle = alt.X("middle:Q", scale=scale, axis=None)
    number = "isValid(datum.fill) || datum.below === ''"
    texts = [
        base.transform_filter("!isValid(datum.fill)")
        .mark_text(fontSize=size, dy=-5, **halo)
        .encode(x=middle, text="text:N"),
        *(
            base.transform_filter(f"datum.text !== 'not known' && datum.alone === {alone}")
            .mark_text(fontSize=size, fontWeight="bold", dy=0 if alone == "true" else -5)
            .encode(x=middle, text="text:N", color=ink)
            for alone in ("true", "false")
        ),
        base.transform_filter("datum.text === 'not known'")
        .mark_text(fontSize=size - 1, dy=-6, color=MUTED)
        .encode(x=middle, text="text:N"),
        base.transform_filter(f"!({number})")
        .mark_text(fontSize=size - 2, dy=7, color=MUTED, **halo)
        .encode(x=middle, text="below:N"),
        base.transform_filter(f"!({number})")
        .mark_text(fontSize=size - 2, dy=7, color=MUTED)
        .encode(x=middle, text="below:N"),
        base.transform_filter("datum.old !== ''")
        .mark_text(fontSize=size - 3, dy=8)
        .encode(x=middle, text="old:N", color=ink),
    ]
    span = (
        base.transform_filter("isValid(datum.high)")
        .mark_rule(strokeWidth=2.5, yOffset=16)
        .encode(x=alt.X("from_:Q", scale=scale, axis=None), x2="to:Q", color=ink)
    )
    layered: alt.LayerChart = (
        alt.layer(cell, bare, span, *texts, *_heads(powers, scale, narrow), *_sides(drawn, y, narrow))
        .properties(width=room, height=STEP * len(domains))
        .resolve_scale(color="independent")
    )
    return base_config(layered)


def _heads(powers: list[str], scale: alt.Scale, narrow: bool) -> list[alt.Chart]:
    """Names of the powers above their columns, each with a line in its colour."""
    rows = [
        {
            "x": column + EDGE,
            "x2": column + 1 - EDGE,
            "middle": column + 0.5,
            "name": words.brief(power) if narrow else short_name(power),
            "colour": colour_of(power),
        }
        for column, power in enumerate(powers)
    ]
    base = alt.Chart(alt.InlineData(values=rows))
    line = base.mark_rule(strokeWidth=4).encode(
        x=alt.X("x:Q", scale=scale, axis=None),
        x2="x2:Q",
        y=alt.value(-4),
        color=alt.Color("colour:N", scale=None),
    )
    name = base.mark_text(fontSize=TEXT_SIZE + 1, fontWeight="bold", color=INK).encode(
        x=alt.X("middle:Q", scale=scale, axis=None), y=alt.value(-16), text="name:N"
    )
    return [line, name]


def _sides(drawn: pl.DataFrame, y: alt.Y, narrow: bool) -> list[alt.Chart]:
    """Domain and measure at the left; year and age at the right, or below the domain where there is no room."""
    rows = drawn.unique("domain", keep="first", maintain_order=True).to_dicts()
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    left = base.mark_text(
        align="right", dx=-8, dy=-7, fontSize=TEXT_SIZE, fontWeight="bold", color=INK
    ).encode(x=alt.value(0), text="domain:N")
    small: dict[str, Any] = {"align": "right", "dx": -8, "dy": 8, "fontSize": TEXT_SIZE - 1, "color": MUTED}
    if narrow:
        return [left, base.mark_text(**small).encode(x=alt.value(0), text="years:N")]
    beside: dict[str, Any] = {"align": "left", "dx": 8, "fontSize": TEXT_SIZE, "color": MUTED}
    return [
        left,
        base.mark_text(**small).encode(x=alt.value(0), text="what:N"),
        base.mark_text(dy=-7, **beside).encode(x=alt.value("width"), text="years:N"),
        base.mark_text(dy=8, **{**beside, "fontSize": TEXT_SIZE - 1}).encode(
            x=alt.value("width"), text="age:N"
        ),
    ]


def domain_rows(position: Position, found: Domains) -> list[dict[str, Any]]:
    """One row a domain for the page: what is counted, how concentrated it is, how long it could be done without."""
    rows = []
    for row in found.matrix().to_dicts():
        part = found.headline.filter(pl.col("domain") == row["domain"])
        rows.append(
            {
                "domain": row["domain"].capitalize(),
                "definition": part["definition"][0],
                "hhi": row["hhi"],
                "cover": words.with_names(row["cover"], position.dossier, bare=True),
                "years": row["years"].replace("-", "–"),
                "sources": sorted({s for cell in part["source_id"] for s in cell.split(";") if s}),
            }
        )
    return rows


def unknown_sentence(found: Domains) -> str:
    """How much of the matrix is not known, and what the domains are not part of."""
    unknown = int((found.headline["status"] == "not_known").sum())
    bound = int(found.headline["status"].is_in(["at_least", "at_most"]).sum())
    return (
        f"Domains without a price are no part of leverage: they stay shares in their own units. Of "
        f"{found.headline.height} shares by domain and power {unknown} are not known and of {bound} only a bound is; "
        "none of them counts as zero."
    )
