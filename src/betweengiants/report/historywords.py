"""How the position moved, in plain sentences made from the numbers of a history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from betweengiants.position.history import BOTH_IN, OVERLAP, RECORDED, TESTED, VOTES, History
from betweengiants.position.history_trade import LOSS, SHARE
from betweengiants.position.history_words import HORIZON, SPAN, changes
from betweengiants.report import words

LISTED = re.compile(rf"(now|no longer) {BOTH_IN}([^;]+)")
"""Institutions that two states came to share, or ceased to, as the history writes them."""
TURNED = {LOSS: "what lost purchases would cost", SHARE: "share in trade", VOTES: "agreement in votes"}
LEVEL = 0.0005
"""Change a year below which a slope of agreement is called level: it rounds to 0.00 over ten years."""


def sentences(found: History, focal: str, institutions: Mapping[str, str]) -> list[str]:
    """What changed most in five years by measure, which institutions came or went, and where the votes turned.

    Args:
        found: the history.
        focal: the name of the focal state.
        institutions: names of institutions by code.
    """
    makers = ((LOSS, _loss), (SHARE, _share), (VOTES, _votes))
    tables = [(changes(found, measure), make) for measure, make in makers]
    told = [make(table.row(0, named=True), focal) for table, make in tables if table.height]
    return [
        words.signed(text)
        for text in (*told, *_institutions(found, focal, institutions), *_turns(found, focal))
    ]


def _loss(row: Mapping[str, Any], focal: str) -> str:
    who = words.name(row["power"])
    return (
        f"If {focal} could buy nothing more from {who}, it would lose {row['after']:.1f}% of its real spending in the short "
        f"run by the trade of {row['last']}; by that of {row['first']} it was {row['before']:.1f}%. No other power’s figure "
        "changed more."
    )


def _share(row: Mapping[str, Any], focal: str) -> str:
    way = "grew" if row["change"] > 0 else "shrank"
    return (
        f"{words.name(row['power'], start=True)}’s share in the foreign trade of {focal} {way} from {row['before']:.1f}% in "
        f"{row['first']} to {row['after']:.1f}% in {row['last']}, the largest change of any power."
    )


def _votes(row: Mapping[str, Any], focal: str) -> str:
    way = "more" if row["change"] > 0 else "less"
    chance = (
        "That is more than chance explains." if row["beyond_error"] else "Chance alone could explain that."
    )
    return (
        f"{words.name(focal, start=True)} votes {way} like {words.name(row['power'])} than it did: agreement in the General "
        f"Assembly was {row['before']:.2f} in {row['first']} and {row['after']:.2f} in {row['last']}, on a scale of 0 to 1. "
        f"{chance}"
    )


def _institutions(found: History, focal: str, institutions: Mapping[str, str]) -> list[str]:
    last = found.series.filter(pl.col("measure") == OVERLAP)["year"].max()
    if not isinstance(last, int):
        return []
    since = last - SPAN
    recorded = (pl.col("kind") == RECORDED) & (pl.col("year") > since)
    grouped: dict[tuple[str, str, int], list[str]] = {}
    for row in found.turning_points.filter(recorded).to_dicts():
        for way, codes in LISTED.findall(row["what"]):
            for code in codes.split(","):
                name = institutions.get(code.strip(), code.strip())
                grouped.setdefault((way, name, row["year"]), []).append(words.name(row["power"]))
    if not grouped:
        return [
            f"Since {since} {focal} has come to share no dated institution with any power, and has left none."
        ]
    verb = {"now": "shares", "no longer": "no longer shares"}
    return [
        f"Since {year} {focal} {verb[way]} {name} with {words.joined(powers)}."
        for (way, name, year), powers in sorted(grouped.items(), key=lambda item: (item[0][2], item[0]))
    ]


def _turns(found: History, focal: str) -> list[str]:
    tested = (
        (pl.col("kind") == TESTED)
        & pl.col("measure").is_in(list(TURNED))
        & pl.col("horizon").is_in(["", HORIZON])
        & pl.col("power").is_in(list(found.powers))
    )
    return [_turn(row, focal) for row in found.turning_points.filter(tested).to_dicts()]


def _turn(row: Mapping[str, Any], focal: str) -> str:
    """Before and after, and how seldom chance alone would show such a break."""
    what = f"{TURNED[row['measure']]} with {words.name(row['power'])}"
    before, after = _way(row["slope_before"], row["measure"]), _way(row["slope_after"], row["measure"])
    step = f", with a step {'up' if row['jump'] > 0 else 'down'} that year" if row["jump"] else ""
    pace = ", at another pace" if before == after else ""
    course = f"had {before} before and has {after} since{pace}"
    return (
        f"{row['year']} was a turning point: {focal}’s {what} {course}{step}. Chance alone would show such a break in "
        f"{_rarely(row['p'])}."
    )


def _way(slope: float, measure: str) -> str:
    level = LEVEL if measure == VOTES else LEVEL * 100
    return "been level" if abs(slope) < level else "risen" if slope > 0 else "fallen"


def _rarely(p: float) -> str:
    """`0.009` -> `9 of 1,000 series without one`; the smallest that a simulation can show is an upper bound."""
    cases = max(1, round(1000 * p))
    return f"{'less than 1' if 1000 * p < 0.95 else cases} of 1,000 series without one"
