"""The chart of an answer: what leaves by each route, as it is and afterwards."""

from __future__ import annotations

from typing import Any

import polars as pl
from markupsafe import Markup

from betweengiants.position import Position
from betweengiants.position.live import Answer
from betweengiants.report import charts, words
from betweengiants.report.routebars import short_route
from betweengiants.report.svg import render, to_inline_svg
from betweengiants.report.transitmap import SystemView
from betweengiants.web import sentences

WIDTHS = {"wide": 700, "narrow": 340}
CASES = (("before", "As it is"), ("after", "Afterwards"))
TINY = 1e-6
# Bars shorter than this share of the longest have their routes written beside them, not inside.
SMALL = 0.2


def routes_figure(answer: Answer, position: Position) -> dict[str, Any]:
    """Title, text for readers who cannot see it, and the chart in two widths."""
    assert answer.oil is not None
    bars = route_bars(answer, position)
    title = sentences.chart_title(answer)
    totals = "; ".join(f"{row['case']}: {row['total']:.1f} million tonnes" for row in _first(bars))
    drawn = {
        size: Markup(
            to_inline_svg(
                render(charts.routes_chart(bars, width=width, x_title="Million tonnes a year")),
                figure_id=f"routes-{size}",
                title=title,
                description=f"Bars of crude exports by route. {totals}.",
            )
        )
        for size, width in WIDTHS.items()
    }
    codes = bars["controller"].filter(bars["value"] > 0).unique(maintain_order=True)
    controllers = [(code, words.name(code, start=True) if code else "nobody named") for code in codes]
    return {"title": title, "controllers": controllers, **drawn}


def route_bars(answer: Answer, position: Position) -> pl.DataFrame:
    """The table that `charts.routes_chart` draws."""
    assert answer.oil is not None
    rows: list[dict[str, Any]] = []
    assert position.oil is not None
    view = SystemView(position, position.oil)
    most = answer.oil.loss.before_million_t
    for order, (side, case) in enumerate(CASES):
        flows = [
            (view.controller(row["edge_id"]), short_route(row["name"]), row["edge_id"], row[side])
            for row in answer.oil.routes.to_dicts()
            if row[side] > TINY
        ]
        total, start = sum(flow for *_, flow in flows), 0.0
        listed = ", ".join(f"{route} {flow:.1f}" for _, route, _, flow in flows)
        shown = f"{total:.1f}" if total > SMALL * most else f"{total:.1f}  ({listed})" if flows else "0"
        common = {"case": case, "case_order": order, "total": total, "total_text": shown}
        for controller, route, edge, flow in sorted(flows):
            text = f"{route} {flow:.1f}"
            closes = f" (can be closed by {words.name(controller)})" if controller else ""
            rows.append(
                common
                | {"route": route, "edge_id": edge, "controller": controller, "value": flow}
                | {"start": start, "end": start + flow, "share_text": text}
                | {"label": f"{case}: {route} {flow:.1f} million tonnes{closes}"}
            )
            start += flow
        if not flows:
            empty = dict.fromkeys(("route", "edge_id", "controller", "share_text"), "")
            rows.append(
                common | empty | dict.fromkeys(("value", "start", "end"), 0.0) | {"label": f"{case}: nothing"}
            )
    return pl.DataFrame(rows)


def _first(bars: pl.DataFrame) -> list[dict[str, Any]]:
    return bars.unique("case", keep="first", maintain_order=True).to_dicts()
