"""Answers in words and as rows of text: the same numbers always give the same words."""

from __future__ import annotations

from typing import Any

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position.live import Answer, Live, Question, TradeAnswer
from betweengiants.position.live_oil import OilAnswer, OilLoss
from betweengiants.report import words
from betweengiants.report.routebars import short_route

CAPACITY = {"capacity": "central", "capacity_low": "low", "capacity_high": "high"}
BASIS = {
    "territory": "runs over its land or starts or ends there",
    "ownership": "its state or firms hold half or more",
    "market": "it buys the oil",
    "supply": "the oil is its own",
    "chosen": "closed by the question",
}
NAMED = 3  # more edges than this are counted, not named
MINUS = "\N{MINUS SIGN}"


def question_title(question: Question, live: Live) -> str:
    """`What if Russia and China sever, and the route “Aktau-Baku” closes?`."""
    parts = []
    if question.by:
        severs = "sever" if len(question.by) > 1 else "severs"
        parts.append(f"{_powers(question)} {severs}")
    if question.edges:
        closes = "close" if len(question.edges) > 1 else "closes"
        parts.append(f"{_edges(question, live)} {closes}")
    return f"What if {', and '.join(parts)}?"


def settings_line(question: Question, live: Live) -> str:
    """The settings of a question in one line."""
    parts = []
    if question.by:
        parts.append(f"Trade elasticity {theta_text(question.theta, live)}.")
    if live.oil:
        parts.append(f"Capacities of the oil routes: {CAPACITY[question.capacity]}.")
    if live.oil and question.by:
        parts.append(f"Control counted: {', '.join(question.bases) or 'none'}.")
    return " ".join(parts)


def theta_text(theta: float, live: Live) -> str:
    """`1.5 (the dossier's short run)`; without the brackets where it is no central elasticity of the dossier."""
    central = {live.position.dossier.parameter(f"theta_{name}")[0]: name for name in ("long", "short")}
    return f"{theta:g} (the dossier’s {central[theta]} run)" if theta in central else f"{theta:g}"


def sentence(answer: Answer, live: Live) -> str:
    """The answer in one sentence."""
    parts = [part for part in (_trade(answer, live), _oil(answer, live)) if part]
    return "; ".join(parts) + "."


def _trade(answer: Answer, live: Live) -> str:
    if answer.trade is None:
        return ""
    focal = answer.trade.states.row(0, named=True)
    change = focal["welfare_change_pct"]
    cut = "cut" if len(answer.question.by) > 1 else "cuts"
    return (
        f"If {_powers(answer.question)} {cut} all trade with {words.name(live.position.dossier.focal)}, it would "
        f"{'lose' if change <= 0 else 'gain'} {words.percent(abs(change))} of its real spending, "
        f"{words.billions(abs(focal['welfare_change_usd_m']))} a year, at a trade elasticity of "
        f"{theta_text(answer.question.theta, live)}"
    )


def _oil(answer: Answer, live: Live) -> str:
    if answer.oil is None:
        return ""
    loss, question = answer.oil.loss, answer.question
    bound = (
        ""
        if question.capacity == "capacity"
        else f" and all capacities at their {CAPACITY[question.capacity]} bound"
    )
    opening = "with" if answer.trade else "With"
    cause = f"{opening} {_cause(question, live)} closed{bound}, "
    if loss.lost_million_t == 0:
        return f"{cause}no crude would be lost"
    return (
        f"{cause}{loss.lost_million_t:.1f} of {loss.before_million_t:.1f} million tonnes of crude exports a year would "
        f"find no way out, worth {words.billions(loss.lost_usd_m)} or {words.percent(loss.lost_pct_gdp)} of GDP"
    )


def _cause(question: Question, live: Live) -> str:
    parts = []
    if question.by and question.bases:
        parts.append(f"the oil routes {'they control' if len(question.by) > 1 else 'it controls'}")
    elif question.by and not question.edges:
        parts.append("no oil route")
    if question.edges:
        parts.append(_edges(question, live))
    return words.joined(parts)


def _powers(question: Question) -> str:
    return words.joined([words.name(power) for power in question.by])


def _edges(question: Question, live: Live) -> str:
    if len(question.edges) > NAMED:
        return f"{len(question.edges)} chosen routes"
    names = dict(live.edges.select("edge_id", "name").iter_rows())
    routes = "route" if len(question.edges) == 1 else "routes"
    return f"the {routes} {words.joined([f'“{edge_name(names[edge])}”' for edge in question.edges])}"


def edge_name(name: str) -> str:
    """A short name of an edge for running text."""
    return short_route(name).split(":")[0]


def chart_title(answer: Answer) -> str:
    """The finding of the chart of routes."""
    assert answer.oil is not None
    loss = answer.oil.loss
    left = loss.before_million_t - loss.lost_million_t
    if loss.lost_million_t == 0:
        return f"All {loss.before_million_t:.1f} million tonnes of crude would still get out"
    return f"{left:.1f} of {loss.before_million_t:.1f} million tonnes of crude would still get out"


def signed(value: float, digits: int = 2) -> str:
    """A change in percent with its sign; a change that would round to nothing gets up to two more digits."""
    for more in range(3):
        text = f"{value:+.{digits + more}f}"
        if float(text) != 0:
            return f"{text}%".replace("-", MINUS)
    return f"{0:.{digits}f}%"


def channel_rows(answer: Answer) -> list[dict[str, str]]:
    """what, value, elsewhere (over the dossier's ranges) and trail of every headline number."""
    rows = [*(_trade_rows(answer)), *(_oil_rows(answer.oil) if answer.oil else [])]
    keys = ("trail", "what", "value", "elsewhere")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _trade_rows(answer: Answer) -> list[tuple[str, str, str, str]]:
    if answer.trade is None:
        return []
    lines = []
    for row in answer.trade.states.to_dicts():
        if row["role"] != "other":
            digits = 1 if row["role"] == "focal" else 2
            money = words.billions(abs(row["welfare_change_usd_m"]))
            value = f"{signed(row['welfare_change_pct'], digits)} ({money} a year)"
            span = _spans(answer.trade, row["state"], digits)
            lines.append(
                ("trade", f"Trade: change of real spending, {short_name(row['state'])}", value, span)
            )
    return lines


def _spans(trade: TradeAnswer, state: str, digits: int) -> str:
    """Range over the dossier's elasticities in each horizon."""
    spans = []
    for horizon in ("short", "long"):
        rows = trade.elsewhere.filter((pl.col("state") == state) & (pl.col("horizon") == horizon))
        ends, thetas = sorted(rows["welfare_change_pct"]), sorted(rows["theta"])
        change = f"{signed(ends[0], digits)} to {signed(ends[-1], digits)}"
        spans.append(f"{change} in the {horizon} run (elasticity {thetas[0]:g} to {thetas[-1]:g})")
    return "; ".join(spans)


def _oil_rows(oil: OilAnswer) -> list[tuple[str, str, str, str]]:
    loss, others = oil.loss, oil.elsewhere

    def span(name: str, form: str, unit: str, scale: float = 1.0) -> str:
        ends = [scale * getattr(other, name) for other in others]
        low, high = f"{min(ends):{form}}", f"{max(ends):{form}}"
        return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"

    return [
        (
            "oil_transit",
            "Oil: crude exports lost",
            _tonnes(loss),
            span("lost_million_t", ".1f", " Mt a year"),
        ),
        (
            "oil_transit",
            "Oil: value lost",
            f"{words.billions(loss.lost_usd_m)} a year, {words.percent(loss.lost_pct_gdp)} of GDP",
            span("lost_pct_gdp", ".1f", "% of GDP"),
        ),
        (
            "oil_transit",
            "Oil: passes through what closes (interdictable)",
            words.percent(100 * loss.interdictable),
            span("interdictable", ".1f", "%", 100),
        ),
        (
            "oil_transit",
            "Oil: lost after the best detour (unreroutable)",
            words.percent(100 * loss.unreroutable),
            span("unreroutable", ".1f", "%", 100),
        ),
    ]


def _tonnes(loss: OilLoss) -> str:
    return f"{loss.lost_million_t:.1f} of {loss.before_million_t:.1f} Mt a year"


def state_rows(answer: Answer) -> list[dict[str, Any]]:
    """Changes by state, as text; the focal state first."""
    if answer.trade is None:
        return []
    columns = (
        "welfare_change_pct",
        "income_change_pct",
        "price_change_pct",
        "exports_change_pct",
        "imports_change_pct",
    )
    return [
        {
            "state": row["state"],
            "name": short_name(row["state"]),
            "role": {"severs": "severs", "focal": "", "other": "looks on"}[row["role"]],
            "cells": [signed(row[column]) for column in columns],
        }
        for row in answer.trade.states.to_dicts()
    ]


def market_rows(oil: OilAnswer) -> list[dict[str, Any]]:
    """Crude by buyer before and after, as text."""
    return [
        {
            "name": "Other buyers" if row["market"] == "OTHER" else short_name(row["market"]),
            "cells": [*_three(row["before"], row["after"], row["lost"]), words.billions(row["lost_usd_m"])],
        }
        for row in oil.markets.to_dicts()
    ]


def route_rows(oil: OilAnswer) -> list[dict[str, Any]]:
    """Crude by the edge on which it leaves the country, before and after, as text."""
    return [
        {
            "name": row["name"] + (", closed" if row["closed"] else ""),
            "cells": _three(row["before"], row["after"], row["before"] - row["after"]),
        }
        for row in oil.routes.sort("before", "edge_id", descending=[True, False]).to_dicts()
    ]


def detour_rows(oil: OilAnswer) -> list[dict[str, Any]]:
    """Edges that carry more than before, as text, the largest rise first."""
    rows = sorted(oil.detours.to_dicts(), key=lambda row: (-row["rise"], row["edge_id"]))
    return [
        {"name": row["name"], "cells": _three(abs(row["before"]), abs(row["after"]), row["rise"])}
        for row in rows
    ]


def _three(*numbers: float) -> list[str]:
    return [f"{number:.1f}".replace("-0.0", "0.0").replace("-", MINUS) for number in numbers]


def closed_rows(oil: OilAnswer, live: Live) -> list[dict[str, str]]:
    """What closes, who closes it and why."""
    tables = live.position.dossier.tables
    names = dict(tables["network_edges"].select("edge_id", "name").iter_rows())
    names |= dict(tables["network_nodes"].select("node_id", "name").iter_rows())
    return [
        {
            "name": f"{names[row['asset_id']]} ({row['asset']})",
            "who": short_name(row["power"]) if row["power"] else "the question",
            "basis": row["basis"],
            "why": row["why"],
        }
        for row in oil.closed.to_dicts()
    ]
