"""Back-test of leverage: historic embargoes, gas stops, tariffs and border closures, predicted beside observed.

Tables of the dossier: `episodes` (who cut what, when), `episode_cases` (each as a model can run it: what was known before, and
the share that was cut), `episode_observations` (what was seen, and which outcome of which case it is compared with),
`findings` (published regularities), `episode_flows` (matrices of earlier years). Nothing is fitted: elasticities are the
dossier's.

The score of an observation, stated before any case was run (but for the last NOTHING, see the page on this back-test):
    direction   predicted and observed change have the same sign; less than NOTHING in size counts as no change
    factor      the larger of the two over the smaller
    in_range    the observed value, or its range in the sources, meets the predicted range
    verdict     `range`, `within 2`, `within 3`, `direction` (the best that holds, given the direction), else `miss`

An outcome that only repeats the share cut (the legal scope, or one month) is scored apart: it tests that share, not the model.
A change that is observed over a period in which the cut held only in part is compared with the prediction times that part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.intervals import Interval
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import Dossier
from betweengiants.position.episode_cases import Run, run_case
from betweengiants.position.episode_findings import judge_findings
from betweengiants.position.episode_trade import World, worlds

TABLES = ("episodes", "episode_cases", "episode_observations", "episode_flows", "findings")
NOTHING, NO_LOSS = 0.5, 0.05
"""A change below half a percent (or point) is none, and a loss below a twentieth of a percent of GDP or spending."""
LOSSES = ("loss_pct", "loss_gdp_pct", "partner_loss_pct")
GROUPS = {"seen": "Seen", "estimate": "Estimated by others", "cut": "The cut itself"}
VERDICTS = ("range", "within 2", "within 3", "direction", "miss")
SCHEMA = {
    "obs_id": pl.String,
    "episode_id": pl.String,
    "case_id": pl.String,
    "start": pl.String,
    "sender": pl.String,
    "target": pl.String,
    "model": pl.String,
    "matrix": pl.String,
    "what": pl.String,
    "outcome": pl.String,
    "group": pl.String,
    "predicted": pl.Float64,
    "predicted_low": pl.Float64,
    "predicted_high": pl.Float64,
    "observed": pl.Float64,
    "observed_low": pl.Float64,
    "observed_high": pl.Float64,
    "direction": pl.String,
    "factor": pl.Float64,
    "in_range": pl.String,
    "verdict": pl.String,
    "why": pl.String,
    "source_id": pl.String,
}


@dataclass(frozen=True)
class LeverageTest:
    """What the models would have said of historic severances.

    Attributes:
        table: the columns of SCHEMA: scored observations by start, then episodes that could not be used (verdict `skipped`).
        cases: case_id, episode_id, model, matrix, outcome, predicted, predicted_low, predicted_high, long: everything that
            the cases say, observed or not.
        findings: published regularities with a verdict: see `episode_findings`.
        notes: the summary, a sentence each.
    """

    table: pl.DataFrame
    cases: pl.DataFrame
    findings: pl.DataFrame
    notes: tuple[str, ...]


def backtest_leverage(dossier: Dossier, more: Sequence[World] = ()) -> LeverageTest:
    """Run every case of a dossier and compare.

    Args:
        dossier: needs the tables TABLES.
        more: trade matrices of the user; where two hold the economies of a case, the later year before the start counts.

    Raises:
        DataError: a table is missing; a case without the numbers that its model needs; an outcome that its model does not give.
        UnknownLabel: a row that refers to no case.
    """
    lacking = [table for table in TABLES if not dossier.has(table)]
    if lacking:
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found=f"no table {lacking[0]}",
            allowed=f"a dossier with {', '.join(f'{table}.csv' for table in TABLES)}",
        )
    held = [*more, *worlds(dossier.tables["episode_flows"])]
    episodes = {row["episode_id"]: row for row in dossier.tables["episodes"].to_dicts()}
    years = {row["episode_id"]: _year(row) for row in _placed(dossier, "episodes")}
    runs = {
        row["case_id"]: run_case(dossier, row, years[row["episode_id"]], held)
        for row in _placed(dossier, "episode_cases")
    }
    compared = [row for row in _placed(dossier, "episode_observations") if row["predicts"] is not None]
    for row in compared:
        _require_comparable(row)
    scored = [
        _scored(row, runs[row["case_id"]], episodes[row["episode_id"]])
        for row in compared
        if not runs[row["case_id"]].why
    ]
    scored.sort(key=lambda row: (row["start"], row["obs_id"]))
    used = {row["episode_id"] for row in scored}
    skipped = [
        _skipped(row, [run for run in runs.values() if run.row["episode_id"] == name])
        for name, row in episodes.items()
        if name not in used
    ]
    table = pl.DataFrame([*scored, *skipped], schema=SCHEMA)
    findings = judge_findings(dossier, runs)
    cases = _cases(runs)
    return LeverageTest(table, cases, findings, tuple(_summary(table, cases, findings)))


def predicted(row: Mapping[str, Any], run: Run) -> Interval:
    """The outcome that a row names, times the part of the period in which the cut held.

    Raises:
        DataError: the model of the case gives no such outcome.
    """
    if row["predicts"] not in run.short:
        raise DataError(
            file="episode_observations.csv",
            row=row["_row"],
            column="predicts",
            found=f"'{row['predicts']}'",
            allowed=f"an outcome of the model '{run.row['model']}': {', '.join(run.short)}",
        )
    part = row["period_share"]
    return run.short[row["predicts"]].scaled(1.0 if part is None else part)


def score(found: Interval, seen: Interval, nothing: float = NOTHING) -> tuple[bool, float | None, bool, str]:
    """Direction, factor (None where the prediction is zero or the direction wrong), in range, verdict."""
    signs = [(abs(value) >= nothing) * (1 if value > 0 else -1) for value in (found.value, seen.value)]
    direction = signs[0] == signs[1]
    sizes = sorted((abs(found.value), abs(seen.value)))
    factor = sizes[1] / sizes[0] if direction and sizes[0] > 0 else None
    inside = found.low <= seen.high and seen.low <= found.high
    if not direction:
        return direction, None, inside, "miss"
    best = "range" if inside else "direction"
    if not inside and factor is not None and factor <= 3:
        best = "within 2" if factor <= 2 else "within 3"
    return direction, factor, inside, best


def _scored(row: Mapping[str, Any], run: Run, episode: Mapping[str, Any]) -> dict[str, Any]:
    found = predicted(row, run)
    bounds = [row[column] for column in ("compared_low", "compared_high") if row[column] is not None]
    seen = Interval.spanning(row["compared"], bounds)
    nothing = NO_LOSS if row["predicts"] in LOSSES else NOTHING
    direction, factor, inside, verdict = score(found, seen, nothing)
    return {
        **_known(episode),
        "obs_id": row["obs_id"],
        "case_id": row["case_id"],
        "model": run.row["model"],
        "matrix": run.world.name if run.world else None,
        "what": f"{row['who']}: {row['item'] or row['measure']}",
        "outcome": row["predicts"],
        "group": _group(row, run),
        "predicted": found.value,
        "predicted_low": found.low,
        "predicted_high": found.high,
        "observed": seen.value,
        "observed_low": seen.low,
        "observed_high": seen.high,
        "direction": _word(direction),
        "factor": factor,
        "in_range": _word(inside),
        "verdict": verdict,
        "why": row["why"],
        "source_id": row["source_id"],
    }


def _group(row: Mapping[str, Any], run: Run) -> str:
    """`cut` where the outcome is the severed share of the case, else `estimate` or `seen`."""
    severed = {
        "to_partner_pct": "exports_severed",
        "exports_to_partner_pct": "exports_severed",
        "from_partner_pct": "imports_severed",
        "imports_from_partner_pct": "imports_severed",
    }
    column = severed.get(row["predicts"])
    if column is not None and run.row[column]:
        return "cut"
    return "seen" if row["kind"] == "observed" else "estimate"


def _require_comparable(row: Mapping[str, Any]) -> None:
    for column in ("case_id", "compared"):
        if row[column] is None:
            raise DataError(
                file="episode_observations.csv",
                row=row["_row"],
                column=column,
                found="an empty cell",
                allowed="a value, since the row says what predicts it",
            )


def _skipped(episode: Mapping[str, Any], runs: Sequence[Run]) -> dict[str, Any]:
    reasons = dict.fromkeys(run.why for run in runs if run.why)
    return dict.fromkeys(SCHEMA) | {
        **_known(episode),
        "verdict": "skipped",
        "why": "; ".join(reasons) or episode["why"],
        "source_id": episode["source_id"],
    }


def _known(episode: Mapping[str, Any]) -> dict[str, Any]:
    return {name: episode[name] for name in ("episode_id", "start", "sender", "target")}


def _placed(dossier: Dossier, table: str) -> list[dict[str, Any]]:
    return dossier.tables[table].with_row_index("_row", offset=FIRST_RECORD).to_dicts()


def _year(row: Mapping[str, Any]) -> int:
    try:
        return date.fromisoformat(row["start"]).year
    except ValueError:
        raise DataError(
            file="episodes.csv",
            row=row["_row"],
            column="start",
            found=f"'{row['start']}'",
            allowed="a complete date (2014-08-07)",
        ) from None


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _cases(runs: Mapping[str, Run]) -> pl.DataFrame:
    rows = [
        (
            name,
            run.row["episode_id"],
            run.row["model"],
            run.world.name if run.world else None,
            outcome,
            found.value,
            found.low,
            found.high,
            run.long.get(outcome),
        )
        for name, run in runs.items()
        for outcome, found in run.short.items()
    ]
    names = ("case_id", "episode_id", "model", "matrix", "outcome")
    numbers = ("predicted", "predicted_low", "predicted_high", "long")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(numbers, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _summary(table: pl.DataFrame, cases: pl.DataFrame, findings: pl.DataFrame) -> list[str]:
    scored = table.filter(pl.col("verdict") != "skipped")
    skipped = table.filter(pl.col("verdict") == "skipped")
    lines = [
        f"{scored['episode_id'].n_unique()} episodes with {scored.height} comparable observations; "
        f"{skipped.height} episodes skipped.",
        *(_counted(name, scored.filter(group=group)) for group, name in GROUPS.items()),
    ]
    for outcome in scored["outcome"].unique().sort():
        part = scored.filter(outcome=outcome)
        counts = ", ".join(
            f"{n} {verdict}" for verdict in VERDICTS if (n := part.filter(verdict=verdict).height)
        )
        lines.append(f"{outcome}, {part.height}: {counts}.")
    lines += _asymmetry(cases)
    tally = ", ".join(
        f"{n} {verdict}" for verdict, n in findings["verdict"].value_counts().sort("verdict").rows()
    )
    lines.append(f"{findings.height} published regularities: {tally}.")
    reasons = skipped.group_by("why").len().sort(pl.col("len"), "why", descending=[True, False])
    return [*lines, *(f"skipped, {count}: {why}" for why, count in reasons.iter_rows())]


def _asymmetry(cases: pl.DataFrame) -> list[str]:
    """Who loses more, and when, over the cases on trade matrices."""
    solved = cases.filter(model="matrix")
    if solved.is_empty():
        return []
    wide = solved.pivot(on="outcome", index="case_id", values=["predicted", "long"])
    more = (wide["predicted_loss_pct"] > wide["predicted_partner_loss_pct"]).sum()
    less = (wide["long_loss_pct"] < wide["predicted_loss_pct"]).sum()
    return [
        f"Of {wide.height} cases on trade matrices the side that is cut off loses more of its real spending than the other in "
        f"{more}, and less in the long run than in the short in {less}."
    ]


def _counted(name: str, part: pl.DataFrame) -> str:
    near = {top: part.filter(pl.col("factor") <= top).height for top in (2, 3)}
    right, inside = (part.filter(pl.col(column) == "yes").height for column in ("direction", "in_range"))
    return (
        f"{name}: {part.height} compared; direction right in {right}, within a factor of 2 in {near[2]}, "
        f"of 3 in {near[3]}, in the predicted range {inside}."
    )
