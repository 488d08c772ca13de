"""Published regularities of severances, and whether the models respect them.

A finding names what it is tested with (column `test`):

    outcome           an outcome of a case (`case_id`, `predicts`)
    small_diversion   the value that a seller of a good diverts where it loses a small market
    coalition_share   the target's loss by the case's coalition, percent of that by everybody
    coalition_joined  percent by which that loss grows when `joins` takes part
    export_loss_ratio the target's share of exports lost over that of the senders, everything between them cut
    cases_with_loss   how many of the cases cost the target COST percent of real spending or more
    complete_cut      the target's loss from a complete cut over that from half a cut
    construction      the models leave it out, so they contradict it
    input             an elasticity that the models take as given
    none              nothing in the models says anything about it

Verdicts:
    respected       the predicted range meets the accepted one: `accept_low` to `accept_high` where given, else `low` to `high`
    respected within 25 %  it does not, but the prediction is within CLOSE of the number
    within 2        a factor of two
    direction only  the same sign, where the finding is a change whose sign could be wrong
    not respected, input, not testable
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.intervals import Interval
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import Dossier
from betweengiants.position.episode_cases import Run
from betweengiants.position.episode_goods import sale
from betweengiants.position.episode_trade import Cut, World, outcomes

CLOSE = 0.25
NEAR = f"respected within {CLOSE:.0%}".replace("%", " %")
COST = 1.0
"""Percent of real national spending from which a loss counts as significant."""
FILE = "findings.csv"
UNTESTED = {"input": "input", "none": "not testable", "construction": "not respected"}
SMALL = 1e-9
SIGNED = ("share", "ratio", "elasticity")
"""Units of findings whose sign no model could miss."""
SCHEMA = {
    "finding_id": pl.String,
    "topic": pl.String,
    "finding": pl.String,
    "number": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
    "predicted": pl.Float64,
    "predicted_low": pl.Float64,
    "predicted_high": pl.Float64,
    "verdict": pl.String,
    "why": pl.String,
    "source_id": pl.String,
}


def judge_findings(dossier: Dossier, runs: Mapping[str, Run]) -> pl.DataFrame:
    """Every row of the table `findings` with its verdict.

    Raises:
        UnknownLabel: a test that does not exist, an outcome that a case does not give.
        DataError: a test without a case.
    """
    rows = dossier.tables["findings"].with_row_index("_row", offset=FIRST_RECORD).to_dicts()
    thetas = dossier.parameter("theta_short")
    judged = []
    for row in rows:
        found, verdict, why = _judged(row, runs, thetas)
        bounds = (found.value, found.low, found.high) if found else (None, None, None)
        names = ("predicted", "predicted_low", "predicted_high")
        judged.append(row | dict(zip(names, bounds, strict=True)) | {"verdict": verdict, "why": why})
    return pl.DataFrame([{name: row[name] for name in SCHEMA} for row in judged], schema=SCHEMA)


def verdict_on(row: Mapping[str, Any], found: Interval) -> str:
    """Whether a prediction respects a finding."""
    low, high = row["accept_low"], row["accept_high"]
    if low is None and high is None:
        low, high = row["low"], row["high"]
    if low is None and high is None:
        low, high = row["number"], row["number"]
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    if found.low <= high and low <= found.high:
        return "respected"
    number = row["number"]
    if number is None:
        return "not respected"
    if abs(found.value - number) <= CLOSE * abs(number):
        return NEAR
    if found.value * number <= 0:
        return "not respected"
    sizes = sorted((abs(found.value), abs(number)))
    if sizes[1] <= 2 * sizes[0]:
        return "within 2"
    return "not respected" if row["unit"] in SIGNED else "direction only"


def _judged(
    row: Mapping[str, Any], runs: Mapping[str, Run], thetas: tuple[float, float, float]
) -> tuple[Interval | None, str, str | None]:
    if row["test"] in UNTESTED:
        return None, UNTESTED[row["test"]], row["why"]
    if row["test"] == "small_diversion":
        found = _span([sale(SMALL, 1.0, theta)["diverted_value_share"] for theta in thetas])
        return found, verdict_on(row, found), row["why"]
    if row["case_id"] is None:
        raise DataError(
            file=FILE, row=row["_row"], column="case_id", found="an empty cell", allowed="a case for the test"
        )
    used = [_run(row, runs, name) for name in row["case_id"].split(";")]
    stopped = [run.why for run in used if run.why]
    if stopped:
        return None, "not testable", "; ".join(dict.fromkeys(stopped))
    if row["test"] == "outcome":
        found = _outcome(row, used[0])
    elif row["test"] == "cases_with_loss":
        losses = [run.short["loss_pct"] for run in used]
        found = Interval(
            *(float(sum(getattr(loss, end) >= COST for loss in losses)) for end in ("value", "low", "high"))
        )
    elif row["test"] in SOLVED:
        found = _span([SOLVED[row["test"]](row, used[0], theta) for theta in thetas])
    else:
        known = ("outcome", "small_diversion", "cases_with_loss", *SOLVED, *UNTESTED)
        raise UnknownLabel(row["test"], known, what="test", file=FILE, row=row["_row"], column="test")
    return found, verdict_on(row, found), row["why"]


def _run(row: Mapping[str, Any], runs: Mapping[str, Run], name: str) -> Run:
    if name not in runs:
        raise UnknownLabel(name, runs, what="case", file=FILE, row=row["_row"], column="case_id")
    return runs[name]


def _outcome(row: Mapping[str, Any], run: Run) -> Interval:
    if row["predicts"] not in run.short:
        raise UnknownLabel(
            row["predicts"] or "",
            run.short,
            what=f"outcome of the model '{run.row['model']}'",
            file=FILE,
            row=row["_row"],
            column="predicts",
        )
    part = row["period_share"]
    return run.short[row["predicts"]].scaled(1.0 if part is None else part)


def _sides(run: Run) -> tuple[World, tuple[str, ...], tuple[str, ...]]:
    assert run.world is not None
    who, partner = (run.world.members(run.row[side].split(";")) or () for side in ("who", "partner"))
    return run.world, who, partner


def _severed(
    world: World, who: tuple[str, ...], partner: tuple[str, ...], theta: float, share: float = 1.0
) -> dict[str, float]:
    return outcomes(world, Cut(who, partner, share, share), [theta])[0]


def _coalition_share(row: Mapping[str, Any], run: Run, theta: float) -> float:
    world, who, partner = _sides(run)
    everybody = tuple(label for label in world.matrix.labels if label not in who)
    own = _severed(world, who, partner, theta)["loss_pct"]
    return 100 * own / _severed(world, who, everybody, theta)["loss_pct"]


def _coalition_joined(row: Mapping[str, Any], run: Run, theta: float) -> float:
    world, who, partner = _sides(run)
    joiner = world.members([row["joins"]]) or ()
    own = _severed(world, who, partner, theta)["loss_pct"]
    return 100 * (_severed(world, who, (*partner, *joiner), theta)["loss_pct"] / own - 1)


def _export_loss_ratio(row: Mapping[str, Any], run: Run, theta: float) -> float:
    found = _severed(*_sides(run), theta)
    return found["exports_volume_pct"] / found["partner_exports_volume_pct"]


def _complete_cut(row: Mapping[str, Any], run: Run, theta: float) -> float:
    world, who, partner = _sides(run)
    whole, half = (_severed(world, who, partner, theta, share)["loss_pct"] for share in (1.0, 0.5))
    return whole / half


SOLVED: dict[str, Callable[[Mapping[str, Any], Run, float], float]] = {
    "coalition_share": _coalition_share,
    "coalition_joined": _coalition_joined,
    "export_loss_ratio": _export_loss_ratio,
    "complete_cut": _complete_cut,
}


def _span(values: list[float]) -> Interval:
    return Interval.spanning(values[0], values[1:])
