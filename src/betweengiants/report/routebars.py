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
    return make(
        "severance" if system.name == "oil" else f"{system.name}-severance",
        _title(view),
        f"{words.goods(system.name, start=True)} of {words.name(position.dossier.focal)} by the route on which they cross "
        f"the border, {unit_title} a year, {position.dossier.header.base_year}. Best detours taken within the capacities of "
        "the routes that stay open.",
        f"Bars of {words.goods(system.name)} by route. {text}.",
        bars.select("case", "route", "edge_id", "controller", "value", "total"),
        (system.channel,),
        lambda width: charts.routes_chart(
            bars, width=width, x_title=f"{unit_title[0].upper()}{unit_title[1:]} a year"
        ),
        "Colour: the state that can close the route (its name is in the tooltip and in the table). A power that only buys "
        "does not close a route: its purchases go to other buyers at a discount as far as the dossier declares them.",
    )


def route_table(view: SystemView) -> pl.DataFrame:
    """case, case_order, route, edge_id, controller, value, start, end, total, texts (see `charts.routes_chart`)."""
    unit = words.long_unit(view.channel.system.unit)
    rows: list[dict[str, str | float]] = []
    most = 0.0
    for order, (case, label) in enumerate(_cases(view)):
        part = view.channel.routes.filter(pl.col("case") == case)
        flows = [
            (short_route(row["name"]), row["edge_id"], view.controller(row["edge_id"]), abs(row["flow"]))
            for row in part.to_dicts()
        ]
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
                        "label": f"{label}: {route} {flow:.1f} {unit} (can be closed by {words.name(controller)})",
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
