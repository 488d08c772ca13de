"""What still gets through, by route or by buyer, as things are and under each severance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position.results import coalition_name
from betweengiants.report import charts, words
from betweengiants.report.figure import Figure
from betweengiants.report.transitmap import SystemView

TINY = 1e-6
ONCE = 0.02
"""Crossings may miss the own deliveries by this share (losses on the way) and still count as one crossing each."""
ROUTES_NOTE = (
    "Colour: the state that can close the route (its name is in the tooltip and in the table). A power that only buys "
    "does not close a route: its purchases go to other buyers at a discount as far as the dossier declares them."
)
# Bars shorter than this share of the longest have their parts written beside them, not inside.
SMALL = 0.2
# Buyers, other than the powers, of less than this share of all own deliveries stand together.
MINOR = 0.05
OTHERS = "Other buyers"
HOME, IMPORTS = "At home", "Imports"
SHOWN = 0.05  # less than this would be written as 0.0
SEEN = 0.05
"""A piece below it reads 0.0 and is left out of the words."""
CHARACTER = 6.4
"""Pixels that a character of a bold label takes, on the safe side."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a bar.

    Attributes:
        part: exports, imports or home (see `position.own_goods`).
        route: the way over the border, or the buyer.
        edge_id: the edge, if it is a way.
        controller: whose colour it has: who can close the way, or who buys; empty for imports.
        value: in the unit of the system.
    """

    part: str
    route: str
    edge_id: str
    controller: str
    value: float


def route_bars(view: SystemView) -> Figure:
    """Stacked bars by route as things are, without every single power, and without the worst pair."""
    position, system = view.position, view.channel.system
    bars = route_table(view)
    totals = dict(bars.select("case", "total").unique(maintain_order=True).iter_rows())
    unit = words.unit_of(system.unit)
    text = "; ".join(f"{case}: {total:.1f} {unit}" for case, total in totals.items())
    unit_title = words.long_unit(system.unit)
    grouped = "the route on which they cross the border" if crosses_once(view) else "buyer, and imports"
    return Figure(
        "severance" if system.name == "oil" else f"{system.name}-severance",
        _title(view),
        f"{words.goods(system.name, start=True)} of {words.name(position.dossier.focal)} by {grouped}, {unit_title} a year, "
        f"{view.year}. Best detours taken within the capacities of the routes that stay open.",
        f"Bars of {words.goods(system.name)} by route. {text}.",
        bars.select("case", "part", "route", "edge_id", "controller", "value", "total"),
        (system.channel,),
        lambda width: charts.routes_chart(
            fitted(bars, width), width=width, x_title=f"{unit_title[0].upper()}{unit_title[1:]} a year"
        ),
        f"{in_order(bars)} {ROUTES_NOTE if crosses_once(view) else _buyers_note(view, bars)}".strip(),
    )


def in_order(bars: pl.DataFrame) -> str:
    """The pieces of the first bar from the left, so that it can be read without its colours."""
    first = bars.filter((pl.col("case_order") == 0) & (pl.col("value") >= SEEN))
    if not first.height:
        return ""
    return f"{first['case'][0]}, from the left: {words.joined(first['share_text'].to_list())}."


def crosses_once(view: SystemView) -> bool:
    """Whether all own goods go out, and cross the border once: then routes tell the story, else buyers do."""
    own = view.channel.own
    if own.part("imports").any() or own.part("home").any():
        return False
    crossing = float(view.channel.routes.filter(pl.col("case") == "")["flow"].sum())
    return abs(crossing - view.channel.total_before) <= ONCE * view.channel.total_before


def _buyers_note(view: SystemView, bars: pl.DataFrame) -> str:
    exports = bars.filter(pl.col("part") == "exports")
    known = {short_name(power) for power in view.position.dossier.powers}
    others = [name for name in exports["route"].unique(maintain_order=True) if name not in known]
    listed = words.joined([name.replace(OTHERS, OTHERS.lower()) for name in others]) if others else ""
    pink = f"; pink: {listed}" if listed else ""
    home = "; green: own goods used at home" if "home" in view.channel.own.parts else ""
    return (
        f"Colour: the buyer of what is sold abroad{pink}{home}; grey: imports. A power that buys or sells takes its own trade "
        "away with the road; the trade figures count that trade as well, so the two are never added."
    )


def _by_route(view: SystemView, case: str) -> list[Piece]:
    """Every way over the border."""
    rows = view.channel.routes.filter(pl.col("case") == case).to_dicts()
    return [
        Piece(
            "exports",
            short_route(row["name"]),
            row["edge_id"],
            view.controller(row["edge_id"]),
            row["flow"],
        )
        for row in rows
    ]


def _by_buyer(view: SystemView, case: str) -> list[Piece]:
    """Exports by buyer, the minor ones together, then goods used at home, then imports."""
    powers = list(view.position.dossier.powers)
    now, then = _markets(view, ""), _markets(view, case)
    named = {
        market
        for (part, market), amount in now.items()
        if part == "exports" and short_name(market) != market and amount >= MINOR * view.channel.total_before
    }
    amounts: dict[str, float] = {}
    for (part, market), amount in then.items():
        if part == "exports":
            buyer = market if market in named or market in powers else ""
            amounts[buyer] = amounts.get(buyer, 0.0) + amount
    # Powers first, in the dossier's order, then the others by name, then the minor ones.
    order = [*powers, *sorted(named - set(powers)), ""]
    pieces = [
        Piece(
            "exports",
            short_name(buyer) if buyer else OTHERS,
            "",
            buyer or "OTHER",
            amounts[buyer],
        )
        for buyer in order
        if buyer in amounts
    ]
    for part, label, colour in (("home", HOME, view.position.dossier.focal), ("imports", IMPORTS, "")):
        amount = sum(value for (kind, _), value in then.items() if kind == part)
        pieces.append(Piece(part, label, "", colour, amount))
    return pieces


def _markets(view: SystemView, case: str) -> dict[tuple[str, str], float]:
    """Own deliveries by part and market, in the unit of the system."""
    channel = view.channel
    result = channel.before if not case or case not in channel.cases else channel.cases[case].after
    own = pl.DataFrame(
        {
            "part": pl.Series(channel.own.labels(), dtype=pl.String),
            "market": channel.network.demand["market"],
            "quantity": result.arrays.demand * channel.own.per_unit,
        }
    ).drop_nulls("part")
    sums = own.group_by("part", "market").agg(pl.col("quantity").sum()).sort("part", "market")
    return {(part, market): amount for part, market, amount in sums.iter_rows()}


def route_table(view: SystemView) -> pl.DataFrame:
    """case, case_order, part, route, edge_id, controller, value, start, end, total, texts (see `charts.routes_chart`)."""
    unit, by_route = words.long_unit(view.channel.system.unit), crosses_once(view)
    rows: list[dict[str, str | float]] = []
    for order, (case, label) in enumerate(_cases(view)):
        pieces = _by_route(view, case) if by_route else _by_buyer(view, case)
        if by_route:
            pieces.sort(key=lambda piece: (piece.controller, piece.route))
        total, start = sum(piece.value for piece in pieces), 0.0
        for piece in pieces:
            if piece.value > TINY:
                closed = f" (can be closed by {words.name(piece.controller)})" if by_route else ""
                rows.append(
                    {
                        "case": label,
                        "case_order": order,
                        "part": piece.part,
                        "route": piece.route,
                        "edge_id": piece.edge_id,
                        "controller": piece.controller,
                        "value": piece.value,
                        "start": start,
                        "end": start + piece.value,
                        "share_text": f"{piece.route} {piece.value:.1f}",
                        "label": f"{label}: {piece.route} {piece.value:.1f} {unit}{closed}",
                        "total": total,
                        "total_text": f"{total:.1f}",
                    }
                )
                start += piece.value
        if total <= TINY:
            rows.append(
                dict.fromkeys(("part", "route", "edge_id", "controller", "share_text"), "")
                | dict.fromkeys(("value", "start", "end", "total"), 0.0)
                | {"case": label, "case_order": order, "label": f"{label}: nothing", "total_text": "0"}
            )
    return pl.DataFrame(rows)


def fitted(bars: pl.DataFrame, width: int) -> pl.DataFrame:
    """The bars with the parts of short ones written beside the total, as many as there is room for.

    Args:
        bars: see `route_table`.
        width: pixels of the chart.
    """
    most = float(bars["total"].max() or 0)  # type: ignore[arg-type]
    room = charts.bar_room(width)
    texts = {}
    for (case,), part in bars.group_by("case", maintain_order=True):
        total = float(part["total"][0])
        texts[case] = str(part["total_text"][0])
        if TINY < total <= SMALL * most:
            free = room * (1 - total / (charts.HEADROOM * most)) - CHARACTER
            worth = part.filter(pl.col("value") >= SHOWN).sort("value", descending=True)
            entries = worth.select("route", "value").rows()
            for count in range(len(entries), 0, -1):
                text = f"{texts[case]}  ({_listed(entries, count)})"
                if CHARACTER * len(text) <= free:
                    texts[case] = text
                    break
    drawn = bars.with_columns(total_text=pl.col("case").replace_strict(texts, return_dtype=pl.String))
    return drawn.with_columns(_short_case()) if width < charts.NARROW else drawn


def _short_case() -> pl.Expr:
    """`Without the European Union` becomes `Without EU`, two powers `No Russia, China`: what a narrow picture has room for."""
    shorter = (
        pl.col("case").str.replace_all("the United States", "US").str.replace_all("the European Union", "EU")
    )
    pair = shorter.str.contains(" and ")
    return (
        pl.when(pair).then(shorter.str.replace("Without", "No").str.replace(" and ", ", ")).otherwise(shorter)
    )


def _listed(entries: Sequence[tuple[str, float]], count: int) -> str:
    """The first ones by name and the rest together."""
    shown = [f"{route.replace(OTHERS, OTHERS.lower())} {value:.1f}" for route, value in entries[:count]]
    rest = sum(value for _, value in entries[count:])
    return ", ".join([*shown, f"all others {rest:.1f}"] if rest > TINY else shown)


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
    position, channel, system = view.position, view.channel, view.channel.system
    lost = f"lost_{system.unit}"
    top = max(position.dossier.powers, key=lambda p: position.number(system.channel, lost, p).value)
    unit = words.long_unit(system.unit)
    before = {part: channel.own.quantity(channel.before.arrays.demand, part) for part in channel.own.parts}
    left = {
        part: whole - position.number(system.channel, f"lost_{part}_{system.unit}", top).value
        for part, whole in before.items()
    }
    if system.name == "oil":
        out = f"{left['exports']:.1f} of {before['exports']:.1f} {unit}"
        return f"Without {words.name(top)}, {out} of crude would still get out"
    if "home" in before:
        return (
            f"Without {words.name(top)}, {sum(left.values()):.1f} of {sum(before.values()):.1f} {unit} of "
            f"{words.goods(system.name)} would still arrive"
        )
    short = words.unit_of(system.unit)
    return (
        f"Without {words.name(top)}, {left['exports']:.1f} of {before['exports']:.1f} {short} of exports would still leave, "
        f"{left['imports']:.1f} of {before['imports']:.1f} {short} of imports arrive"
    )
