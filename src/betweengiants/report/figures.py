"""The figures of the report: each a chart in two widths, the table behind it, and the trail of its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.core.intervals import Interval
from betweengiants.position import Position
from betweengiants.position.results import coalition_name, coalitions
from betweengiants.report import charts, words
from betweengiants.report.frontierchart import can_plan, frontier_figure
from betweengiants.report.routebars import route_bars
from betweengiants.report.transitmap import system_map, views
from betweengiants.report.waterfall import waterfall

WIDE, NARROW = 980, 340
TAIL_YEARS = 6


@dataclass(frozen=True)
class Figure:
    """One figure of the page.

    Attributes:
        figure_id: name of its files and anchor.
        title: the finding, a sentence from the numbers.
        subtitle: what is measured, in which unit, when.
        alt_text: what a reader who cannot see it needs to know.
        table: the numbers behind it.
        trails: ids of the trails of its numbers.
        draw: gives the chart at a width in pixels.
        note: a line below the figure, or empty.
        listing: a numbered list below the figure, such as that of the numbers in a map.
    """

    figure_id: str
    title: str
    subtitle: str
    alt_text: str
    table: pl.DataFrame
    trails: tuple[str, ...]
    draw: Callable[[int], alt.TopLevelMixin]
    note: str = ""
    listing: tuple[str, ...] = ()


def all_figures(position: Position) -> dict[str, Figure]:
    """Every figure that the position allows, by id."""
    figures = [_channels(position)]
    if position.coupled is not None and len(position.coupled.channels) > 1:
        figures = [waterfall(position, Figure), *figures]
    if position.has("votes"):
        figures = [_position(position), *figures, _votes(position)]
    for view in views(position).values():
        figures += [system_map(view, Figure), route_bars(view, Figure)]
    if can_plan(position):
        figures.append(frontier_figure(position, Figure))
    return {figure.figure_id: figure for figure in figures}


def _position(position: Position) -> Figure:
    year = str(position.trails["votes"].parameters["latest_full_year"])
    marks, tails = [], []
    for panel, x_title, power, x in _leverages(position):
        if not words.voted(position, power, year):
            continue
        y = position.number("votes", "vote_agreement", power, period=year)
        text = f"{words.name(power, start=True)}: {panel.lower()} {words.spanned(x, unit='%')}, agreement {y.value:.2f}"
        marks.append(
            (panel, x_title, power, short_name(power), x.value, x.low, x.high, y.value, y.low, y.high, text)
        )
        for before in range(int(year) - TAIL_YEARS + 1, int(year) + 1):
            if words.voted(position, power, str(before)):
                then = position.number("votes", "vote_agreement", power, period=str(before))
                tails.append((panel, power, x.value, then.value, before))
    columns = ["panel", "x_title", "power", "name", "x", "x_low", "x_high", "y", "y_low", "y_high", "label"]
    table = pl.DataFrame(marks, schema=columns, orient="row")
    history = pl.DataFrame(tails, schema=["panel", "power", "x", "y", "year"], orient="row")
    closest = table.sort("y")["power"][-1]
    # the heaviest of all powers, those without votes, which are not in the picture, among them
    channel, through = ("coupled", "") if position.coupled is not None else ("trade", " through trade")
    loss = {
        power: position.number(channel, "leverage_pct", power, horizon="short").value
        for power in position.dossier.powers
    }
    heaviest = max(loss, key=lambda power: loss[power])
    title = (
        f"{words.name(heaviest, start=True)} holds the most{through}; {words.name(position.dossier.focal)} "
        f"votes most like {words.name(closest)}"
    )
    return Figure(
        "position",
        title,
        f"Leverage against alignment. Across: loss if the power cuts its ties. Up: agreement in votes of the UN "
        f"General Assembly, {year}; the dotted tail shows the {TAIL_YEARS - 1} years before.",
        "Scatter of powers by leverage and vote agreement: " + "; ".join(table["label"]) + ".",
        table.drop("label", "x_title"),
        (*_leverage_trails(position), "votes"),
        lambda width: charts.position_chart(
            table, history, width=width, y_title="Agreement in UN votes, 0 to 1"
        ),
        f"Lines through a mark: across, {_range_words(position)}; up, 95% of sampling error over the votes of the year.",
    )


def _leverage_trails(position: Position) -> tuple[str, ...]:
    if position.coupled is not None:
        return ("coupled",)
    return ("trade", "oil_transit") if position.oil else ("trade",)


def _range_words(position: Position) -> str:
    if position.coupled is not None:
        return "5 to 95% of the draws of the uncertain inputs"
    return "the range over elasticities (trade) or capacities (oil routes)"


def _leverages(position: Position) -> list[tuple[str, str, str, Interval]]:
    powers = position.dossier.powers
    if position.coupled is not None:
        return [
            (
                f"Trade and roads, {horizon} run",
                "Loss, % of real national spending",
                p,
                position.number("coupled", "leverage_pct", p, horizon=horizon),
            )
            for horizon in ("short", "long")
            for p in powers
        ]
    rows = [
        (
            "Trade cut",
            "Loss, % of real national spending",
            p,
            position.number("trade", "leverage_pct", p, horizon="short"),
        )
        for p in powers
    ]
    if position.oil is not None:
        rows += [
            (
                "Oil routes closed",
                "Crude exports lost, % of GDP",
                p,
                position.number("oil_transit", "lost_pct_gdp", p),
            )
            for p in powers
        ]
    return rows


def _channels(position: Position) -> Figure:
    rows: list[tuple[str | float, ...]] = []
    for power in position.dossier.powers:
        lines = [
            ("Trade cut, short run", position.number("trade", "leverage_pct", power, horizon="short")),
            ("Trade cut, long run", position.number("trade", "leverage_pct", power, horizon="long")),
        ]
        if position.oil is not None:
            lines.append(("Oil routes closed", position.number("oil_transit", "lost_pct_gdp", power)))
        for line, number in lines:
            text = words.spanned(number, unit="%")
            label = f"{words.name(power, start=True)}, {line.lower()}: {text}"
            rows.append(
                (
                    power,
                    short_name(power),
                    line,
                    number.value,
                    number.low,
                    number.high,
                    text,
                    label,
                    len(rows),
                )
            )
    columns = ["power", "name", "line", "value", "low", "high", "text", "label", "order"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return Figure(
        "channels",
        _channels_title(position),
        f"What {words.name(position.dossier.focal)} would lose if one power severs, by channel. Trade: percent of real "
        "national spending. Oil routes: "
        "percent of GDP. Dot: central value; bar: range. The channels overlap and are not added.",
        "Ranges of loss by power and channel: " + "; ".join(table["label"]) + ".",
        table.drop("label", "text", "order"),
        ("trade", "oil_transit") if position.oil else ("trade",),
        lambda width: charts.ranges_chart(table, width=width, x_title="Loss, percent"),
        _order_note(position),
    )


def _order_note(position: Position) -> str:
    """Whether the order of the powers holds over the whole range of the elasticity, which moves all of them at once."""
    powers = position.dossier.powers
    loss = {p: position.number("trade", "leverage_pct", p, horizon="short") for p in powers}
    orders = {tuple(sorted(powers, key=lambda p: -getattr(loss[p], end))) for end in ("value", "low", "high")}
    ranked = words.joined([words.name(p) for p in sorted(powers, key=lambda p: -loss[p].value)])
    if len(orders) == 1:
        return f"The trade ranges move together with the elasticity: in the short run the order {ranked} holds throughout."
    return (
        "The trade ranges move together with the elasticity, and the order of the powers changes within them."
    )


def _channels_title(position: Position) -> str:
    powers = position.dossier.powers
    if position.oil is None:
        top = max(powers, key=lambda p: position.number("trade", "leverage_pct", p, horizon="short").value)
        return f"{words.name(top, start=True)} holds the most through trade"
    oil = {p: position.number("oil_transit", "lost_pct_gdp", p).value for p in powers}
    top = max(powers, key=lambda p: oil[p])
    trade = position.number("trade", "leverage_pct", top, horizon="short").value
    if oil[top] > trade:
        return f"{words.name(top, start=True)}’s hold on the oil routes weighs more than all its trade"
    return f"{words.name(top, start=True)} holds the most through oil routes, less than through trade"


def _votes(position: Position) -> Figure:
    rows = position.results.filter((pl.col("channel") == "votes") & (pl.col("measure") == "vote_agreement"))
    table = rows.select(
        power="coalition",
        name=pl.col("coalition").map_elements(short_name, return_dtype=pl.String),
        year=pl.col("period").cast(pl.Int64),
        value="value",
        low="low",
        high="high",
    ).sort("power", "year")
    label = pl.format("{} {}: agreement {}", "name", "year", pl.col("value").round(3))
    drawn = table.with_columns(label=label)
    first, final = min(table["year"].to_list()), max(table["year"].to_list())
    last = int(position.trails["votes"].parameters["latest_full_year"])
    return Figure(
        "votes",
        _votes_title(table, last, position.dossier.focal),
        "Agreement of votes in the UN General Assembly by calendar year: mean of 1 (same vote), 0.5 (one abstained), 0 "
        "(opposite). Band: 95% of sampling error. Contested and uncontested resolutions alike.",
        f"Lines of vote agreement with each power from {first} to {final}.",
        table,
        ("votes",),
        lambda width: charts.lines_chart(
            drawn, width=width, y_title="Agreement, 0 to 1", y_domain=(0.0, 1.0)
        ),
        f"The last year with a usual number of votes is {last}; a later one rests on part of a session.",
    )


def _votes_title(table: pl.DataFrame, last: int, focal: str) -> str:
    """Which power it moved towards or away from most over ten years."""
    now = table.filter(pl.col("year") == last)
    then = table.filter(pl.col("year") == last - 10).select("power", before="value")
    moved = now.join(then, on="power").with_columns(change=pl.col("value") - pl.col("before"))
    if moved.height == 0:
        return f"How {words.name(focal)} votes with each power"
    most = moved.sort(pl.col("change").abs())[-1].row(0, named=True)
    way = "closer to" if most["change"] > 0 else "away from"
    return f"In ten years {words.name(focal)}’s votes moved most {way} {words.name(most['power'])} ({most['change']:+.2f})"


def coalition_table(position: Position) -> pl.DataFrame:
    """Every coalition of the powers: losses by channel."""
    rows: list[dict[str, str | float]] = []
    for group in coalitions(position.dossier.powers):
        short, long = (position.number("trade", "leverage_pct", *group, horizon=h) for h in ("short", "long"))
        row: dict[str, str | float] = {"coalition": coalition_name(group)}
        if position.coupled is not None:
            for horizon in ("short", "long"):
                joint = position.number("coupled", "leverage_pct", *group, horizon=horizon)
                row |= {
                    f"coupled_{horizon}_pct": joint.value,
                    f"coupled_{horizon}_low_pct": joint.low,
                    f"coupled_{horizon}_high_pct": joint.high,
                }
        row |= {
            "trade_short_pct": short.value,
            "trade_short_low_pct": short.low,
            "trade_short_high_pct": short.high,
            "trade_long_pct": long.value,
            "trade_long_low_pct": long.low,
            "trade_long_high_pct": long.high,
        }
        if position.oil is not None:
            for name in ("lost_million_t", "lost_usd_m", "lost_pct_gdp"):
                number = position.number("oil_transit", name, *group)
                row |= {
                    f"oil_{name}": number.value,
                    f"oil_{name}_low": number.low,
                    f"oil_{name}_high": number.high,
                }
        rows.append(row)
    return pl.DataFrame(rows)
