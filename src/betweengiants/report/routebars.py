"""What leaves by each route, as things are and under each severance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from betweengiants.position.results import coalition_name
from betweengiants.report import charts, words
from betweengiants.report.transitmap import SystemView

if TYPE_CHECKING:
    from betweengiants.report.figures import Figure


TINY = 1e-6
ONCE = 0.02
"""Crossings may miss the own deliveries by this share (losses on the way) and still count as one crossing each."""
NOTES = {
    True: "Colour: the state that can close the route (its name is in the tooltip and in the table). A power that only buys "
    "does not close a route: its purchases go to other buyers at a discount as far as the dossier declares them.",
    False: "Colour: the buyer. Goods that leave and come back, or that are delivered at home, make routes over the border a "
    "poor measure here.",
}
# Bars shorter than this share of the longest have their routes written beside them, not inside.
SMALL = 0.2


def route_bars(view: SystemView, make: type[Figure]) -> Figure:
    """Stacked bars by route as things are, without every single power, and without the worst pair."""
    position, system = view.position, view.channel.system
    bars = route_table(view)
    totals = dict(bars.select("case", "total").unique(maintain_order=True).iter_rows())
    unit = words.unit_of(system.unit)
    text = "; ".join(f"{case}: {total:.1f} {unit}" for case, total in totals.items())
    unit_title = words.long_unit(system.unit)
    grouped = "the route on which they cross the border" if crosses_once(view) else "buyer"
    return make(
        "severance" if system.name == "oil" else f"{system.name}-severance",
        _title(view),
        f"{words.goods(system.name, start=True)} of {words.name(position.dossier.focal)} by {grouped}, {unit_title} a year, "
        f"{position.dossier.header.base_year}. Best detours taken within the capacities of the routes that stay open.",
        f"Bars of {words.goods(system.name)} by route. {text}.",
        bars.select("case", "route", "edge_id", "controller", "value", "total"),
        (system.channel,),
        lambda width: charts.routes_chart(
            bars, width=width, x_title=f"{unit_title[0].upper()}{unit_title[1:]} a year"
        ),
        NOTES[crosses_once(view)],
    )


def crosses_once(view: SystemView) -> bool:
    """Whether what crosses the border adds up to the own deliveries: then routes tell the story, else buyers do."""
    crossing = float(view.channel.routes.filter(pl.col("case") == "")["flow"].abs().sum())
    return abs(crossing - view.channel.total_before) <= ONCE * view.channel.total_before


def _by_route(view: SystemView, case: str) -> list[tuple[str, str, str, float]]:
    """Name, edge, controller and flow of every way over the border."""
    part = view.channel.routes.filter(pl.col("case") == case)
    return [
        (short_route(row["name"]), row["edge_id"], view.controller(row["edge_id"]), abs(row["flow"]))
        for row in part.to_dicts()
    ]


def _by_buyer(view: SystemView, case: str) -> list[tuple[str, str, str, float]]:
    """Name, nothing, code and own deliveries of every buyer."""
    channel = view.channel
    result = channel.before if not case or case not in channel.cases else channel.cases[case].after
    own = pl.DataFrame(
        {
            "market": channel.network.demand["market"],
            "quantity": result.arrays.demand * channel.own.per_unit,
            "own": channel.own.rows,
        }
    ).filter(pl.col("own"))
    sums = own.group_by("market").agg(pl.col("quantity").sum()).sort("market")
    return [(words.name(market, start=True), "", market, amount) for market, amount in sums.iter_rows()]


def route_table(view: SystemView) -> pl.DataFrame:
    """case, case_order, route, edge_id, controller, value, start, end, total, texts (see `charts.routes_chart`)."""
    unit, by_route = words.long_unit(view.channel.system.unit), crosses_once(view)
    rows: list[dict[str, str | float]] = []
    most = 0.0
    for order, (case, label) in enumerate(_cases(view)):
        flows = _by_route(view, case) if by_route else _by_buyer(view, case)
        total, start = sum(flow for *_, flow in flows), 0.0
        most = max(most, total)
        listed = ", ".join(f"{route} {flow:.1f}" for route, *_, flow in flows if flow > TINY)
        shown = f"{total:.1f}" if total > SMALL * most else f"{total:.1f}  ({listed})"
        for route, edge, controller, flow in sorted(flows, key=lambda f: (f[2], f[0])):
            if flow > TINY:
                rows.append(
                    {
                        "case": label,
                        "case_order": order,
                        "route": route,
                        "edge_id": edge,
                        "controller": controller,
                        "value": flow,
                        "start": start,
                        "end": start + flow,
                        "share_text": f"{route} {flow:.1f}",
                        "label": f"{label}: {route} {flow:.1f} {unit}"
                        + (f" (can be closed by {words.name(controller)})" if by_route else ""),
                        "total": total,
                        "total_text": shown,
                    }
                )
                start += flow
        if total <= TINY:
            rows.append(
                dict.fromkeys(("route", "edge_id", "controller", "share_text"), "")
                | dict.fromkeys(("value", "start", "end", "total"), 0.0)
                | {"case": label, "case_order": order, "label": f"{label}: nothing", "total_text": "0"}
            )
    return pl.DataFrame(rows)


def short_route(name: str) -> str:
    """`Atasu-Alashankou (Kazakhstan-China pipeline)` becomes `Atasu-Alashankou`."""
    return name.split(",")[0].split(" (")[0].removeprefix("Tankers ")


def _cases(view: SystemView) -> list[tuple[str, str]]:
    """The case without a severance, each power alone, and the pair that hurts most."""
    position, system = view.position, view.channel.system
    powers = position.dossier.powers
    cases = [("", "As it is")]
    cases += [(power, f"Without {words.name(power)}") for power in powers]
    pairs = [(a, b) for i, a in enumerate(powers) for b in powers[i + 1 :]]
    if pairs:
        lost = f"lost_{system.unit}"
        worst = max(pairs, key=lambda pair: position.number(system.channel, lost, *pair).value)
        names = words.joined([words.name(power) for power in worst])
        cases.append((coalition_name(worst), f"Without {names}"))
    return cases


def _title(view: SystemView) -> str:
    position, system = view.position, view.channel.system
    lost = f"lost_{system.unit}"
    top = max(position.dossier.powers, key=lambda p: position.number(system.channel, lost, p).value)
    left = view.channel.total_before - position.number(system.channel, lost, top).value
    unit = words.long_unit(system.unit)
    if system.name == "oil":
        return f"Without {words.name(top)}, {left:.1f} of {view.channel.total_before:.1f} {unit} of crude would still get out"
    return (
        f"Without {words.name(top)}, {left:.1f} of {view.channel.total_before:.1f} {unit} of {words.goods(system.name)} "
        "would still arrive"
    )
