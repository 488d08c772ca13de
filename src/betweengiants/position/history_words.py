"""What a history says, in sentences made from its numbers: what changed most in the last five years, and where it turned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from betweengiants.position.history import OVERLAP, RECORDED, TESTED, VOTES, History
from betweengiants.position.history_trade import LOSS, SHARE, main_basis

SPAN = 5
"""Years that a comparison looks back; the first year that is known in between stands in for one that is not."""
COMPARED = {
    LOSS: ("Leverage through lost purchases (closed form, {horizon} run)", "percent of real spending", ".2g"),
    SHARE: ("Share in trade", "percent", ".3g"),
    VOTES: ("Agreement in votes", "", ".2f"),
}
HORIZON = "short"
NAMES = {LOSS: "leverage through lost purchases", SHARE: "share in trade", VOTES: "agreement in votes"}


def sentences(found: History, names: Mapping[str, str]) -> list[str]:
    """What changed most in the last five years, by measure, and every turning point of the same measures.

    Args:
        found: the history.
        names: names of the actors by code.
    """
    told = [line for measure in COMPARED for line in _change(found, measure, names)]
    return [*told, *_joined_lately(found, names), *_turns(found, names)]


def main_series(found: History, measure: str) -> pl.DataFrame:
    """Full years of the powers' series of a measure: of the basis with the most years, and the short run."""
    rows = found.series.filter(
        (pl.col("measure") == measure) & pl.col("is_full") & pl.col("power").is_in(list(found.powers))
    )
    if measure in (LOSS, SHARE):
        rows = rows.filter(pl.col("basis") == main_basis(found.series.to_dicts()))
    return rows.filter(pl.col("horizon") == HORIZON) if measure == LOSS else rows


def changes(found: History, measure: str) -> pl.DataFrame:
    """Change of a measure over the last five years by power, largest first.

    Returns:
        power, first, last (years), before, after, change, beyond_error (whether it is more than the sampling error of both
        ends explains; empty where the range is not one of sampling).
    """
    rows = []
    series = main_series(found, measure)
    for (power,), part in series.group_by("power", maintain_order=True):
        years = part["year"].to_list()
        first = next((year for year in years if year >= years[-1] - SPAN), years[-1])
        if first == years[-1]:
            continue
        before, after = (part.row(years.index(year), named=True) for year in (first, years[-1]))
        rows.append(
            {
                "power": power,
                "first": first,
                "last": years[-1],
                "before": before["value"],
                "after": after["value"],
                "change": after["value"] - before["value"],
                "beyond_error": _beyond(before, after) if measure == VOTES else None,
            }
        )
    frame = pl.DataFrame(
        rows,
        schema={
            "power": pl.String,
            "first": pl.Int64,
            "last": pl.Int64,
            "before": pl.Float64,
            "after": pl.Float64,
            "change": pl.Float64,
            "beyond_error": pl.Boolean,
        },
    )
    return frame.sort(pl.col("change").abs(), descending=True, maintain_order=True)


def _beyond(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a difference of two independent samples leaves the 95 percent interval of zero (half-widths add in squares)."""
    widths = [max(end["high"] - end["value"], end["value"] - end["low"]) for end in (before, after)]
    return bool(abs(after["value"] - before["value"]) > math.hypot(*widths))


def _change(found: History, measure: str, names: Mapping[str, str]) -> list[str]:
    table = changes(found, measure)
    if not table.height:
        return []
    title, unit, form = COMPARED[measure]
    row = table.row(0, named=True)
    before, after = (f"{row[end]:{form}}" for end in ("before", "after"))
    error = {True: ", more than sampling error explains", False: ", no more than sampling error explains"}
    doubt = (
        _drifting(found, measure, row["power"]) if row["beyond_error"] is None else error[row["beyond_error"]]
    )
    return [
        f"{title.format(horizon=HORIZON)} changed most with {in_sentence(row['power'], names)}: from {before} in "
        f"{row['first']} to {after}{f' {unit}' if unit else ''} in {row['last']}{doubt}."
    ]


def _drifting(found: History, measure: str, power: str) -> str:
    """Whether the series of a change has a drift that is certain; a range of it is none of sampling."""
    basis = main_basis(found.series.to_dicts())
    rows = found.drift.filter(
        (pl.col("measure") == measure)
        & (pl.col("basis") == basis)
        & (pl.col("power") == power)
        & pl.col("horizon").is_in(["", HORIZON])
    ).to_dicts()
    if not rows:
        return " (too few years to tell whether it drifts)"
    years = f"over the {rows[0]['years']} years from {rows[0]['first']} to {rows[0]['last']}"
    return f" (a drift {years})" if rows[0]["is_drift"] else f" (no certain drift {years})"


def _joined_lately(found: History, names: Mapping[str, str]) -> list[str]:
    """Institutions that came or went in the last five years."""
    last = found.series.filter(pl.col("measure") == OVERLAP)["year"].max()
    if not isinstance(last, int):
        return []
    since = last - SPAN
    steps = found.turning_points.filter((pl.col("kind") == RECORDED) & (pl.col("year") > since)).to_dicts()
    if not steps:
        return [f"No shared membership with a date came or went after {since}."]
    told = [f"with {in_sentence(row['power'], names)} {row['what']} ({row['year']})" for row in steps]
    return [f"Shared memberships that came or went after {since}: {'; '.join(told)}."]


def _turns(found: History, names: Mapping[str, str]) -> list[str]:
    rows = found.turning_points.filter(
        (pl.col("kind") == TESTED)
        & pl.col("measure").is_in(list(NAMES))
        & pl.col("horizon").is_in(["", HORIZON])
        & pl.col("power").is_in(list(found.powers))
    )
    return [
        f"Turning point: {NAMES[row['measure']]} with {in_sentence(row['power'], names)} from {row['year']} on (slope "
        f"{row['slope_before']:+.2g} a year before, {row['slope_after']:+.2g} after, jump {row['jump']:+.2g}; "
        f"p = {row['p']:.2g})."
        for row in rows.to_dicts()
    ]


def in_sentence(code: str, names: Mapping[str, str]) -> str:
    """A name of an actor in running text: unions take an article."""
    name = names.get(code, code)
    return f"the {name}" if name.startswith(("United ", "European ")) else name
