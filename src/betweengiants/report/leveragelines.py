"""How leverage moved: the closed form of lost purchases by power and year, what it covers, and where it turned."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.history import LOSS, TESTED, VOTES, History
from betweengiants.position.history_trade import PAYMENTS, WORLD, main_basis
from betweengiants.position.history_words import HORIZON, changes
from betweengiants.report import historywords, words
from betweengiants.report.charts import KEY_ROOM, NARROW, Layered, spaced
from betweengiants.report.figure import Figure
from betweengiants.report.institutionbars import institution_names
from betweengiants.report.style import INK, MUTED, TEXT_SIZE, base_config, colour_of, panel_header

TRAIL = "history"
ALONE, ABROAD = "One power alone", "Everything from abroad"
HEIGHT = 240


def leverage_lines(position: Position, found: History) -> Figure:
    """The figure: leverage by closed form, each power alone beside all that comes from abroad."""
    drawn = leverage_years(found)
    table = found.series.filter((pl.col("measure") == LOSS) & (pl.col("horizon") == HORIZON)).drop(
        "measure", "unit"
    )
    theta, low, high = position.dossier.parameter(f"theta_{HORIZON}")
    return Figure(
        "leverage-years",
        title(found),
        f"Loss of {words.name(position.dossier.focal)} if it could buy nothing more from a power, percent of real national "
        "spending, short run, by closed form (lost purchases only, sales and roads left out), year by year.",
        "Lines of leverage by year: " + "; ".join(_ends(drawn)) + ".",
        table,
        (TRAIL,),
        lambda width: lines_chart(drawn, width=width),
        f"Band: trade elasticity {theta:g} ({low:g} to {high:g}) and sources of the gross domestic product; it moves all years "
        f"and powers together. {coverage_words(found)} {turns_words(found)}",
    )


def leverage_years(found: History) -> pl.DataFrame:
    """Full years of the short run, ready to be drawn: panel, line, power, name, year, value, low, high, label."""
    rows = found.series.filter(
        (pl.col("measure") == LOSS) & (pl.col("horizon") == HORIZON) & pl.col("is_full")
    )
    main = main_basis(found.series.to_dicts())
    rows = rows.filter(pl.col("basis").is_in([main, PAYMENTS]))
    abroad = pl.col("power") == WORLD
    named = {power: short_name(power) for power in found.powers} | {WORLD: "Goods"}
    name = (
        pl.when(abroad & (pl.col("basis") == PAYMENTS))
        .then(pl.lit("Goods, services"))
        .otherwise(pl.col("power").replace_strict(named))
    )
    order = {power: k for k, power in enumerate((*found.powers, WORLD))}
    return (
        rows.filter(pl.col("power").is_in([*found.powers, WORLD]))
        .select(
            panel=pl.when(abroad).then(pl.lit(ABROAD)).otherwise(pl.lit(ALONE)),
            line=pl.concat_str("power", "basis", separator=" "),
            power="power",
            name=name,
            year="year",
            value="value",
            low="low",
            high="high",
        )
        .with_columns(label=pl.format("{}, {}: {}%", "name", "year", pl.col("value").round(1)))
        .sort(pl.col("power").replace_strict(order), "line", "year", maintain_order=True)
    )


def title(found: History) -> str:
    """What changed most over the last five years, and whether any power's series drifts."""
    table = changes(found, LOSS)
    if not table.height:
        return "Leverage through lost purchases is known for one year only"
    row = table.row(0, named=True)
    way = "rose" if row["change"] > 0 else "fell"
    return (
        f"{words.name(row['power'], start=True)}’s hold through what it sells {way} from {row['before']:.1f}% in "
        f"{row['first']} to {row['after']:.1f}% in {row['last']}, the largest change of any power"
    )


def coverage_words(found: History) -> str:
    """How much of the imports names its partner, from when on."""
    main = main_basis(found.series.to_dicts())
    rows = found.series.filter((pl.col("measure") == LOSS) & (pl.col("basis") == main))
    if not rows.height:
        return ""
    shares, years = [100 * share for share in rows["coverage"].drop_nulls()], rows["year"].to_list()
    named = f"{words.span(min(shares), max(shares))}% of imports name their partner; " if shares else ""
    text = f"By power: {named}years before {min(years)} are not in the dossier."
    older = found.series.filter((pl.col("measure") == LOSS) & (pl.col("basis") == PAYMENTS))["year"].to_list()
    if older:
        text += (
            f" All from abroad: goods and services of the balance of payments, {min(older)} to {max(older)}."
        )
    return text


def turns_words(found: History) -> str:
    """Drift and turning points of leverage by power, or that none can be told."""
    mine = (
        (pl.col("measure") == LOSS)
        & (pl.col("horizon") == HORIZON)
        & pl.col("power").is_in(list(found.powers))
    )
    drifts = found.drift.filter(mine & (pl.col("basis") == main_basis(found.series.to_dicts())))
    turned = found.turning_points.filter(mine & (pl.col("kind") == TESTED))
    moving = [words.name(power) for power in drifts.filter("is_drift")["power"]]
    if not drifts.height:
        return "Too few years for a drift."
    said = f"A drift is certain for {words.joined(moving)}" if moving else "No power’s drift is certain"
    years = int(drifts["years"].max())  # type: ignore[arg-type]
    if turned.height:
        listed = [f"{words.name(row['power'])} {row['year']}" for row in turned.to_dicts()]
        return f"{said} over {years} years; turning points: {words.joined(listed)}."
    return f"{said} over {years} years, too few for turning points."


def moved_sentences(position: Position, found: History) -> list[str]:
    """What changed most and where it turned, for the page."""
    return historywords.sentences(
        found, words.name(position.dossier.focal), institution_names(position.dossier)
    )


def vote_turns(found: History) -> pl.DataFrame:
    """Turning points of agreement in votes: power, year, text."""
    rows = found.turning_points.filter(
        (pl.col("measure") == VOTES) & (pl.col("kind") == TESTED) & pl.col("power").is_in(list(found.powers))
    )
    return rows.select("power", "year", text=pl.format("turns {}", "year"))


def check_rows(found: History) -> list[dict[str, Any]]:
    """Closed form beside the equilibrium, in the year of the matrix and the short run, one row a power."""
    rows = found.check.filter((pl.col("horizon") == HORIZON) & pl.col("power").is_in(list(found.powers)))
    return [
        {
            "power": row["power"],
            "name": short_name(row["power"]),
            "year": str(row["year"]),
            "closed": words.percent(row["matrix_closed_form_loss_pct"]),
            "equilibrium": words.percent(row["equilibrium_loss_pct"]),
        }
        for row in rows.unique("power", keep="first", maintain_order=True).to_dicts()
    ]


def _ends(drawn: pl.DataFrame) -> list[str]:
    ends = drawn.group_by("line", maintain_order=True).agg(
        pl.col("label").first().alias("a"), pl.col("label").last().alias("b")
    )
    return [f"{row['a']} to {row['b']}" for row in ends.to_dicts()]


def lines_chart(drawn: pl.DataFrame, *, width: int) -> alt.TopLevelMixin:
    """Two panels, beside each other or one below the other, each with its own axes and names at the ends of the lines."""
    narrow = width < NARROW
    panels = drawn["panel"].unique(maintain_order=True).to_list()
    room = 116 if narrow else 122
    each = width - room - 58 if narrow else (width - 320) // len(panels)
    ends = []
    for panel in panels:
        part = drawn.filter(pl.col("panel") == panel)
        top = float(part["high"].max() or 1)  # type: ignore[arg-type]
        last = part.sort("year").group_by("line", maintain_order=True).last().sort("value")
        ends.append(last.with_columns(at=pl.Series(spaced(last["value"].to_list(), (0.0, top), HEIGHT))))
    labels = pl.concat(ends).with_columns(
        text=pl.format("{} {}", "name", pl.col("value").round(1)),
        early=pl.col("year") < pl.col("year").max().over("panel"),
    )
    rows = [
        *({**row, "kind": "year"} for row in drawn.to_dicts()),
        *({**row, "kind": "end"} for row in labels.to_dicts()),
    ]
    faceted = (
        _marks(drawn, narrow)
        .properties(width=each, height=HEIGHT)
        .facet(
            facet=alt.Facet(
                "panel:N",
                sort=panels,
                header=panel_header(),
            ),
            columns=1 if narrow else len(panels),
            spacing={"row": 22, "column": 40},
            data=alt.InlineData(values=rows),
        )
    )
    apart: alt.FacetChart = faceted.resolve_scale(x="independent", y="independent").resolve_axis(
        x="independent", y="independent"
    )
    return base_config(apart)


def _marks(drawn: pl.DataFrame, narrow: bool) -> Layered:
    powers = drawn["power"].unique(maintain_order=True).to_list()
    colours = [MUTED if power == WORLD else colour_of(power) for power in powers]
    colour = alt.Color("power:N", scale=alt.Scale(domain=powers, range=colours), legend=None)
    axis = alt.Axis(title=None, format="d", tickCount=4 if narrow else 6, tickMinStep=1, grid=False)
    x = alt.X("year:Q", scale=alt.Scale(zero=False, nice=False), axis=axis)
    y_axis = alt.Axis(title=None, tickCount=5, grid=True, format=".0f", labelExpr="datum.label + '%'")
    y = alt.Y("value:Q", scale=alt.Scale(domainMin=0), axis=y_axis)
    base = alt.Chart().encode(detail="line:N", color=colour)
    year = base.transform_filter("datum.kind === 'year'")
    band = (
        year.mark_area(opacity=0.14)
        .encode(x=x, y=alt.Y("low:Q", axis=y_axis), y2="high:Q", fill=colour)
        .encode(color=alt.value("transparent"))
    )
    line = year.mark_line(strokeWidth=2.2).encode(x=x, y=y)
    dots = year.mark_circle(size=24, opacity=1).encode(x=x, y=y, description="label:N")
    bold: dict[str, Any] = {"fontSize": TEXT_SIZE - (1 if narrow else 0), "fontWeight": "bold"}
    end = base.transform_filter("datum.kind === 'end' && !datum.early").encode(
        x=x, y=alt.Y("at:Q", axis=y_axis)
    )
    early = base.transform_filter("datum.kind === 'end' && datum.early").encode(x=x, y=y, text="text:N")
    ink = alt.value(INK)
    texts = [
        end.mark_circle(size=60, opacity=1, xOffset=KEY_ROOM, aria=False),
        end.mark_text(align="left", dx=2 * KEY_ROOM, **bold).encode(text="text:N", color=ink),
        early.mark_text(align="right", dx=8, dy=24, **bold).encode(color=ink),
    ]
    return alt.layer(band, line, dots, *texts)
