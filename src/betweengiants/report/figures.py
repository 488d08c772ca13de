"""The figures of the report: each a chart in two widths, the table behind it, and the trail of its numbers."""

from __future__ import annotations

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.core.intervals import Interval
from betweengiants.position import Position
from betweengiants.report import charts, deals, idealpoints, institutionbars, plans, words
from betweengiants.report.balancechart import balance_figure
from betweengiants.report.beside import Beside
from betweengiants.report.closenessdots import closeness_figure
from betweengiants.report.domainmatrix import domain_matrix
from betweengiants.report.figure import Figure
from betweengiants.report.frontierchart import can_plan, frontier_figure
from betweengiants.report.leveragelines import leverage_lines, leverage_years, vote_turns
from betweengiants.report.otherchoices import choices_figure
from betweengiants.report.peers import peers_figure
from betweengiants.report.routebars import route_bars
from betweengiants.report.transitmap import system_map, views
from betweengiants.report.waterfall import waterfall

TAIL_YEARS = 6


def all_figures(position: Position, beside: Beside | None = None) -> dict[str, Figure]:
    """Every figure that the position and what stands beside it allow, by id.

    Args:
        position: the results.
        beside: what stands beside them, if it is at hand.
    """
    found = beside if beside is not None else Beside(position)
    figures = [_channels(position)]
    if position.coupled is not None and len(position.coupled.channels) > 1:
        figures = [waterfall(position), *figures]
    if position.has("votes"):
        figures = [_position(position), *figures, _votes(position, vote_turns(found.history))]
    for view in views(position).values():
        figures += [system_map(view), route_bars(view)]
    if can_plan(position):
        figures.append(frontier_figure(position))
    figures += _beside(found)
    return {figure.figure_id: figure for figure in figures}


def _beside(found: Beside) -> list[Figure]:
    """The figures of what stands beside the position."""
    position, dossier = found.position, found.position.dossier
    figures = []
    if found.closeness is not None:
        figures.append(closeness_figure(position, found.closeness))
    if found.domains is not None:
        figures.append(domain_matrix(position, found.domains))
    if found.balance is not None:
        figures.append(balance_figure(position, found.balance))
    if found.alternatives is not None:
        figures.append(choices_figure(position, found.alternatives))
    if leverage_years(found.history).height:
        figures.append(leverage_lines(position, found.history))
    if institutionbars.can_draw(dossier):
        figures.append(institutionbars.institution_bars(position))
    if idealpoints.can_draw(dossier):
        figures.append(idealpoints.ideal_points(position))
    if found.comparison is not None:
        figures.append(peers_figure(position, found.comparison))
    if deals.can_draw(dossier):
        figures.append(deals.deals_figure(position))
    if plans.can_draw(dossier):
        figures.append(plans.plans_figure(position))
    return figures


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


def _votes(position: Position, turns: pl.DataFrame) -> Figure:
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
            drawn, width=width, y_title="Agreement, 0 to 1", y_domain=(0.0, 1.0), turns=turns
        ),
        f"The last year with a usual number of votes is {last}; a later one rests on part of a session. Diamond: from that "
        "year on level and slope differ by more than chance explains.",
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
