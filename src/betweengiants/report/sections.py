"""The rows of the page's tables, made from the position."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.results import coalitions
from betweengiants.position.transit_channel import TransitChannel
from betweengiants.report import words
from betweengiants.report.claimrows import unit_words

# Which trail the numbers of a sentence belong to: the first words found decide, in reading order, then in this one.
TRAIL_WORDS = (
    ("trade and roads", "coupled"),
    ("oil routes", "oil_transit"),
    ("crude", "oil_transit"),
    ("voted", "votes"),
    ("trade", "trade"),
)
NUMBER = re.compile(r"\$?\d[\d,]*(?:\.\d+)?(?:%| bn| million tonnes)?(?: \(\d[\d.]* to \d[\d.]*\))?")
PART_HEADS = {"exports": "exports", "imports": "imports", "home": "at home"}
ROUTES = {"oil": "Oil routes", "gas": "Gas routes", "freight": "Rail and sea freight"}


def linked(sentence: str, position: Position, trail: str | None = None) -> str:
    """The sentence as HTML in which every number leads to its trail: the one given, or by the words around it."""
    if trail is not None:
        return _link_numbers(sentence, position, trail)
    parts = re.split(r"(?<=[;,]) (?=by closing|its exposure|through oil)", sentence)
    return " ".join(_link_part(part, position) for part in parts)


def _link_part(part: str, position: Position) -> str:
    places = [(part.find(word), k, trail) for k, (word, trail) in enumerate(TRAIL_WORDS) if word in part]
    return _link_numbers(part, position, min(places)[2] if places else "trade")


def _link_numbers(part: str, position: Position, trail: str) -> str:
    if trail not in position.trails:
        return escape(part)
    hover = escape(position.trails[trail].model)

    def link(match: re.Match[str]) -> str:
        return f'<a class="n" href="#trail-{trail}" title="{hover}">{escape(match[0])}</a>'

    # Years, the ends of the scale and the count of powers are no results.
    pieces = re.split(r"(of \d{4} |scale of 0 to 1|powers of \d+|of \d+ runs|all \d+ runs|hold 90%)", part)
    return "".join(escape(p) if k % 2 else NUMBER.sub(link, _escaped(p)) for k, p in enumerate(pieces))


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("&#x27;", "'")


def number_cards(position: Position) -> list[dict[str, Any]]:
    """One row a power: every headline number of the trade and of the oil channel, with range and trail."""
    return [
        {
            "power": power,
            "name": short_name(power),
            "trade": _trade(position, power),
            "oil": _oil(position, power),
        }
        for power in position.dossier.powers
    ]


def joint_rows(position: Position) -> list[dict[str, Any]]:
    """One row a power: what it could take through everything it controls, at both horizons, and what it would lose itself."""
    if position.coupled is None:
        return []
    everyone = position.dossier.powers
    rows = []
    for power in everyone:
        cells = []
        for horizon in ("short", "long"):
            loss = position.number("coupled", "leverage_pct", power, horizon=horizon)
            money = position.number("coupled", "leverage_usd_m", power, horizon=horizon)
            cells += [words.spanned(loss, unit="%"), words.billions(money.value)]
        share = position.number("coupled", "shapley_pct", *everyone, member=power, horizon="short")
        own = position.number("coupled", "counter_leverage_pct", power, member=power, horizon="short")
        cells += [words.spanned(share, unit="%"), words.spanned(own, digits=2, unit="%")]
        rows.append(
            {"power": power, "name": short_name(power), "cells": [_cell(text, "coupled") for text in cells]}
        )
    return rows


def _trade(position: Position, power: str) -> list[dict[str, str]]:
    cells = []
    for horizon in ("short", "long"):
        loss = position.number("trade", "leverage_pct", power, horizon=horizon)
        money = position.number("trade", "leverage_usd_m", power, horizon=horizon)
        cells += [_cell(words.spanned(loss, unit="%"), "trade"), _cell(words.billions(money.value), "trade")]
    own = position.number("trade", "counter_leverage_pct", power, member=power, horizon="short")
    return [*cells, _cell(words.spanned(own, digits=2, unit="%"), "trade")]


def detail_rows(position: Position) -> list[dict[str, Any]]:
    """One row a power and horizon: the trade loss as one good, by sector, with inputs, and by yardstick."""
    if not position.has("trade_detail"):
        return []
    measures = ("sectors_loss_pct", "sectors_inputs_loss_pct", "closed_form_loss_pct", "first_order_loss_pct")
    rows = []
    for power in position.dossier.powers:
        for horizon in ("short", "long"):
            whole = position.number("trade", "leverage_pct", power, horizon=horizon)
            cells = [_cell(words.spanned(whole, unit="%"), "trade")]
            for measure in measures:
                known = position.holds("trade_detail", measure, power, horizon=horizon)
                number = position.number("trade_detail", measure, power, horizon=horizon) if known else None
                text = "no equilibrium" if number is None else words.spanned(number, unit="%")
                cells.append(_cell(text, "trade_detail"))
            rows.append(
                {"power": power, "name": short_name(power), "horizon": f"{horizon} run", "cells": cells}
            )
    return rows


def system_sections(position: Position) -> list[dict[str, Any]]:
    """What the page shows of each transport system besides oil: heading, unit, rows by power, ids of its figures."""
    found = []
    for name, channel in position.transit.items():
        if name == "oil":
            continue
        system = channel.system
        rows = [
            {
                "power": power,
                "name": short_name(power),
                "cells": _closed(position, channel, power),
            }
            for power in position.dossier.powers
        ]
        found.append(
            {
                "name": name,
                "title": ROUTES[name],
                "goods": words.goods(name),
                "unit": words.unit_of(system.unit),
                "before": f"{channel.total_before:.1f} {words.long_unit(system.unit)}",
                "rows": rows,
                "parts": [PART_HEADS[part] for part in channel.own.parts],
                "map": f"{name}-map",
                "bars": f"{name}-severance",
            }
        )
    return found


def _closed(position: Position, transit: TransitChannel, power: str) -> list[dict[str, str]]:
    """What a power could take by closing the roads of a system, and what it would lose itself."""
    channel, unit = transit.system.channel, transit.system.unit
    lost = position.number(channel, f"lost_{unit}", power)
    value = position.number(channel, "lost_usd_m", power)
    parts = [position.number(channel, f"lost_{part}_usd_m", power) for part in transit.own.parts]
    share = position.number(channel, "lost_pct_gdp", power)
    passing = position.number(channel, "interdictable", power)
    stuck = position.number(channel, "unreroutable", power)
    texts = [
        words.spanned(lost),
        _bn(value.value),
        *(_bn(part.value) for part in parts),
        words.spanned(share, unit="%"),
        f"{100 * passing.value:.0f}%",
        f"{100 * stuck.value:.0f}%",
    ]
    for measure in ("fees_lost_usd_m", "sales_lost_usd_m"):
        known = position.holds(channel, measure, power, member=power)
        own = position.number(channel, measure, power, member=power).value if known else 0.0
        texts.append(_bn(own))
    return [_cell(text, channel) for text in texts]


def _bn(usd_m: float) -> str:
    """Billions without a unit, which stands in the head of the column."""
    return words.signed(f"{usd_m / 1000:,.1f}")


def _oil(position: Position, power: str) -> list[dict[str, str]]:
    if position.oil is None:
        return []
    lost = position.number("oil_transit", "lost_million_t", power)
    value = position.number("oil_transit", "lost_usd_m", power)
    share = position.number("oil_transit", "lost_pct_gdp", power)
    passing = position.number("oil_transit", "interdictable", power)
    stuck = position.number("oil_transit", "unreroutable", power)
    bought = position.number("oil_transit", "own_purchases_usd_m", power)
    fields = position.number("oil_transit", "lost_million_t_with_fields", power)
    texts = (
        words.spanned(lost),
        words.billions(value.value),
        words.spanned(share, unit="%"),
        f"{100 * passing.value:.0f}%",
        f"{100 * stuck.value:.0f}%",
        words.billions(bought.value),
        f"{fields.value:.1f}",
    )
    return [_cell(text, "oil_transit") for text in texts]


def _cell(text: str, trail: str) -> dict[str, str]:
    return {"text": text, "trail": trail}


def balance_rows(position: Position) -> list[dict[str, Any]]:
    """Effective vectors and autonomy by channel and horizon."""
    powers = position.dossier.powers
    places = [("Trade, short run", "trade", "short"), ("Trade, long run", "trade", "long")]
    if position.coupled is not None:
        joint = [(f"Trade and roads, {horizon} run", "coupled", horizon) for horizon in ("short", "long")]
        places = [*joint, *places]
    roads = [found.system for found in position.transit.values()]
    places += [(ROUTES[system.name], system.channel, "") for system in roads]
    rows = []
    for name, channel, horizon in places:
        vectors = position.number(channel, "effective_vectors", *powers, horizon=horizon)
        cells = [_cell(words.spanned(vectors), channel)]
        if position.holds(channel, "autonomy", *powers, horizon=horizon):
            free = position.number(channel, "autonomy", *powers, horizon=horizon)
            cells.append(_cell(words.spanned(free, digits=2), channel))
        else:
            cells.append(_cell("not defined", channel))
        rows.append({"name": name, "cells": cells})
    return rows


def coalition_rows(position: Position) -> list[dict[str, Any]]:
    """Every coalition with its losses, as text; more columns of single channels where nothing joins them."""
    rows = []
    horizons = ("short", "long") if position.coupled is None else ("short",)
    for group in coalitions(position.dossier.powers):
        cells = _joint_cells(position, group)
        for horizon in horizons:
            loss = position.number("trade", "leverage_pct", *group, horizon=horizon)
            cells.append(_cell(words.spanned(loss, unit="%"), "trade"))
        if position.oil is not None:
            lost = position.number("oil_transit", "lost_million_t", *group)
            cells.append(_cell(words.spanned(lost), "oil_transit"))
            if position.coupled is None:
                share = position.number("oil_transit", "lost_pct_gdp", *group)
                cells.append(_cell(words.spanned(share, unit="%"), "oil_transit"))
        rows.append({"name": " + ".join(words.brief(power) for power in group), "cells": cells})
    return rows


def _joint_cells(position: Position, group: tuple[str, ...]) -> list[dict[str, str]]:
    """Loss to a coalition through trade and roads at both horizons, and what acting together adds."""
    if position.coupled is None:
        return []
    cells = []
    for horizon in ("short", "long"):
        loss = position.number("coupled", "leverage_pct", *group, horizon=horizon)
        cells.append(_cell(words.spanned(loss, unit="%"), "coupled"))
    if len(group) == 1:
        return [*cells, _cell("–", "coupled")]
    premium = position.number("coupled", "joint_premium_pct", *group, horizon="short")
    return [*cells, _cell(words.signed(f"{premium.value:+.1f}"), "coupled")]


def alignment_rows(position: Position) -> list[dict[str, Any]]:
    """One row a power: agreement, kappa, n, shared memberships."""
    if not position.has("votes") and not position.has("institutions"):
        return []
    year = str(position.trails["votes"].parameters["latest_full_year"]) if "votes" in position.trails else ""
    return [
        {
            "power": power,
            "name": short_name(power),
            "cells": [
                _cell(_text(position, "votes", "vote_agreement", power, year, 2), "votes"),
                _cell(_text(position, "votes", "vote_kappa", power, year, 2), "votes"),
                _cell(_text(position, "votes", "vote_count", power, year, 0), "votes"),
                _cell(_text(position, "institutions", "shared_memberships", power, None, 0), "institutions"),
                _cell(_text(position, "institutions", "membership_overlap", power, None, 2), "institutions"),
            ],
        }
        for power in position.dossier.powers
    ]


def _text(position: Position, channel: str, measure: str, power: str, period: str | None, digits: int) -> str:
    wanted = (pl.col("channel") == channel) & (pl.col("measure") == measure) & (pl.col("coalition") == power)
    rows = position.results.filter(wanted if period is None else wanted & (pl.col("period") == period))
    if rows.height == 0:
        return "not known"
    return words.spanned(position.number(channel, measure, power, period=period), digits=digits)


def estimated_capacities(position: Position) -> list[dict[str, Any]]:
    """Operating edges of the network whose capacity is a declared estimate."""
    if not position.dossier.has("network_edges"):
        return []
    edges = position.dossier.tables["network_edges"]
    rows = edges.filter((pl.col("status") == "operating") & (pl.col("capacity_basis") == "estimate"))
    return rows.select(
        "edge_id", "name", "capacity", "capacity_low", "capacity_high", "note", "source_id"
    ).to_dicts()


def conflicts(position: Position) -> list[dict[str, Any]]:
    """Facts on the same thing from different sources that differ by more than two percent."""
    facts = position.dossier.tables["facts"].with_columns(
        number=pl.col("value").cast(pl.Float64, strict=False)
    )
    key = ["measure", "subject", "partner", "period"]
    titles = dict(position.dossier.tables["measures"].select("measure", "title").iter_rows())
    found = []
    for group, part in facts.filter(pl.col("number").is_not_null()).group_by(key, maintain_order=True):
        low, high = min(part["number"].to_list()), max(part["number"].to_list())
        if part.height > 1 and high - low > 0.02 * max(abs(low), abs(high)):
            measure, subject, partner, period = (str(name) if name is not None else "" for name in group)
            found.append(
                {
                    "what": titles[measure],
                    "who": " to ".join(
                        position.dossier.actor_names.get(a, a) for a in (subject, partner) if a
                    ),
                    "period": period,
                    "values": [
                        {
                            "text": words.signed(f"{row['number']:,.6g} {unit_words(row['unit'])}"),
                            "sources": row["source_id"].split(";"),
                        }
                        for row in part.to_dicts()
                    ],
                }
            )
    return sorted(found, key=lambda row: (row["what"], row["who"], row["period"]))


def cell(value: Any) -> str:
    """A table cell as text: numbers with at most three decimals, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        text = f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:,.0f}"
        return words.signed(text)
    return words.signed(str(value))
