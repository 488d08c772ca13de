"""How balanced the whole is: the composite index with the chances of every rank, and what decides it."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.balance_index import DRAWS, RANGES, BalanceIndex
from betweengiants.position.results import Trail
from betweengiants.report import balancewords, words
from betweengiants.report.balancewords import CHOICES, chance
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import AXIS, INK, MUTED, TEXT_SIZE, base_config, colour_of

TRAIL = "balance"
BASIS = ("coupled", "trade", "votes", "institutions", "domains")
"""Trails of the position that the indicators come from."""
STEP = 40


def trail(position: Position, found: BalanceIndex) -> Trail:
    """Where the index comes from: the choices; sources are those of the trails of the indicators (`BASIS`)."""
    under = [position.trails[name] for name in BASIS if name in position.trails]
    groups = found.choices.groups()
    return Trail(
        TRAIL,
        "Share of each power in what binds the state, over all indicators of leverage, alignment and domains without a price "
        "(composite index after OECD & JRC 2008). Every choice (what counts, gaps, normalisation, weights, aggregation) and "
        "every value within its range are drawn together, all alternatives of a choice equally likely; Sobol indices say which "
        "choice drives the result. Effective vectors: one over the sum of squared shares.",
        "5 to 95 percent of the sets of choices and values.",
        {
            "indicators": float(found.evidence.table.height),
            "choices": ", ".join(f"{name} ({len(alternatives)})" for name, alternatives in groups.items()),
            "sets": float(found.drawn.shape[0]),
            "seed": float(found.seed),
        },
        tuple(dict.fromkeys(table for t in under for table in t.tables)),
        (),
    )


def balance_figure(position: Position, found: BalanceIndex) -> Figure:
    """The figure: share of every power in what ties the state, with its interval and the chance to come first."""
    table = found.powers_table()
    drawn = marks(found)
    return Figure(
        "balance",
        title(position, found),
        f"Composite index: share of each power in what ties {words.name(position.dossier.focal)} to all of them, percent. Dot: "
        "the central choices; bar: 5 to 95% of all reasonable sets of choices. Rank: in 90% of the sets; first: in how many of "
        "100 sets the power comes first.",
        "Shares by power: " + "; ".join(drawn["label"]) + ".",
        table,
        (TRAIL,),
        lambda width: balance_chart(drawn, width=width),
        "An index is a choice of weights: it adds what has no common unit. Leverage in percent of spending, above, does not.",
    )


def marks(found: BalanceIndex) -> pl.DataFrame:
    """power, name, value, low, high (percent), text, brief, label; in the order of the index."""
    rows = []
    for row in found.powers_table().to_dicts():
        first = chance(row["chance_rank_1"])
        low, high = row["rank_low"], row["rank_high"]
        ranks = f"rank {low}" if low == high else f"rank {low} to {high}"
        share = f"{100 * row['index']:.0f}% ({100 * row['low']:.0f} to {100 * row['high']:.0f})"
        rows.append(
            {
                "power": row["power"],
                "name": short_name(row["power"]),
                "value": 100 * row["index"],
                "low": 100 * row["low"],
                "high": 100 * row["high"],
                "text": f"{share}, {ranks}, first in {first} of 100",
                "brief": f"{100 * row['index']:.0f}%, first in {first} of 100",
                "label": f"{short_name(row['power'])}: {share}, {ranks}, first in {first} of 100",
            }
        )
    return pl.DataFrame(rows)


def title(position: Position, found: BalanceIndex) -> str:
    """How balanced the state is, with the interval, and out of how many powers."""
    vectors = found.state()["effective_vectors"]
    return (
        f"{words.name(position.dossier.focal, start=True)} is balanced as if between {vectors.value:.1f} equal powers of "
        f"{len(found.powers)}; between {vectors.low:.1f} and {vectors.high:.1f} under other reasonable choices"
    )


def balance_sentences(position: Position, found: BalanceIndex) -> list[str]:
    """Who holds most, how balanced the whole is, and which choices drive both, with names for codes."""
    told = balancewords.sentences(words.name(position.dossier.focal), found)
    named = [words.with_names(sentence, position.dossier) for sentence in told]
    return [sentence[0].upper() + sentence[1:] for sentence in named]


def driver_rows(found: BalanceIndex) -> list[dict[str, Any]]:
    """What drives the effective vectors: choice, alternatives, part of the variance alone and with all interactions."""
    rows = found.drivers().filter(pl.col("result") == "effective_vectors")
    return [
        {
            "choice": CHOICES.get(row["choice"], row["choice"]),
            "alternatives": "–" if row["choice"] in (DRAWS, RANGES) else str(row["alternatives"]),
            "alone": f"{100 * max(row['first'], 0.0):.0f}%",
            "total": f"{100 * max(row['total'], 0.0):.0f}%",
        }
        for row in rows.to_dicts()
    ]


def balance_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """A dot and its interval for every power, the words beside it or, on a narrow page, above it."""
    narrow = width < NARROW
    left, right = (102, 8) if narrow else (124, 270)
    names = drawn["name"].to_list()
    top = float(drawn["high"].max() or 1)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, min(100.0, top * 1.08)], nice=False)
    axis = alt.Axis(title=None, grid=True, tickCount=5, labelExpr="datum.label + '%'")
    down = alt.Axis(title=None, ticks=False, domain=False, labelColor=INK, labelPadding=8, minExtent=left - 6)
    x, y = alt.X("value:Q", scale=scale, axis=axis), alt.Y("name:N", sort=names, axis=down)
    colours = alt.Scale(domain=drawn["power"].to_list(), range=[colour_of(p) for p in drawn["power"]])
    base = alt.Chart(alt.InlineData(values=drawn.to_dicts())).encode(y=y)
    colour = alt.Color("power:N", scale=colours, legend=None)
    even = alt.Chart(alt.InlineData(values=[{"x": 100 / drawn.height}])).encode(
        x=alt.X("x:Q", scale=scale, axis=axis)
    )
    line = even.mark_rule(color=AXIS, strokeDash=[3, 3])
    said = even.mark_text(align="left", dx=4, dy=-7, fontSize=TEXT_SIZE - 2, color=MUTED).encode(
        y=alt.value(0), text=alt.value("equal shares")
    )
    span = base.mark_rule(strokeWidth=5, opacity=0.5, strokeCap="round").encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=colour
    )
    dot = base.mark_circle(size=110, opacity=1).encode(x=x, color=colour, description="label:N")
    if narrow:
        text = base.mark_text(align="left", dx=2, dy=-13, fontSize=TEXT_SIZE - 2, color=MUTED).encode(
            x=alt.value(0), text="brief:N"
        )
    else:
        text = base.mark_text(align="left", dx=12, fontSize=TEXT_SIZE, color=INK).encode(
            x=alt.value("width"), text="text:N"
        )
    layered = alt.layer(line, said, span, dot, text)
    return base_config(layered.properties(width=width - left - right, height=STEP * drawn.height))
