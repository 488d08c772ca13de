"""Historic closures through the simulator: what the model would have said the day before, beside what was seen.

Every usable row of `closures` is run with the same parameters, those of the dossier and of `timed`; nothing is fitted to a
row but the volume that passed before. The range holds the runs with all capacities and all ramps at their low and high bounds,
and the one in which the end of the closure is known.

Verdicts (stated once, before any row was run):
    hit         the error is at most 25 %, or the observed loss lies in the range; where no loss was observed: less is
                predicted lost than 5 % of what passes the closed edge in the days of the closure
    direction   a loss was observed and one of more than that is predicted, but not within 25 % or the range
    miss        a loss is predicted where none was observed, or none where one was
    skipped     the row cannot be used; `why` says so
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.core.units import convert
from betweengiants.dossier import Dossier
from betweengiants.network import Network, Timeline, close_edges, simulate
from betweengiants.network.timeline_tables import DAYS_IN_YEAR
from betweengiants.position.closed_network import Before, network_before
from betweengiants.position.own_goods import Own, own_deliveries
from betweengiants.position.systems import SYSTEMS, System, build_network, systems_of
from betweengiants.position.timed import BACKLOG_SHARE, by_node, clock_tables, deliveries

CLOSE = 0.25
NOTHING = 0.05
FINE_DAYS = {"oil": 60, "gas": 60, "freight": 14}
"""Windows up to so long are simulated day by day, longer ones week by week: tanks fill in days, queues of wagons in weeks."""
RUNS: dict[str, tuple[str, str, bool, Literal["none", "full"]]] = {
    "central": ("capacity", "value", True, "none"),
    "capacities low": ("capacity_low", "value", True, "none"),
    "capacities high": ("capacity_high", "value", True, "none"),
    "ramps low": ("capacity", "value_low", True, "none"),
    "ramps high": ("capacity", "value_high", True, "none"),
    "end known": ("capacity", "value", True, "full"),
    "no stores": ("capacity", "value", False, "none"),
}
"""Capacity column, ramp column, whether there are stores, foresight."""
IN_RANGE = tuple(RUNS)[:6]
"""The range: bounds of capacities and ramps, and the end of the closure known or a surprise (see `network.simulate`)."""
SCHEMA = {
    "closure_id": pl.String,
    "start": pl.String,
    "days": pl.Int64,
    "asset": pl.String,
    "system": pl.String,
    "predicted_lost": pl.Float64,
    "predicted_low": pl.Float64,
    "predicted_high": pl.Float64,
    "observed_lost": pl.Float64,
    "unit": pl.String,
    "predicted_rerouted": pl.Float64,
    "observed_rerouted": pl.Float64,
    "error_pct": pl.Float64,
    "verdict": pl.String,
    "why": pl.String,
    "source_id": pl.String,
}


@dataclass(frozen=True)
class BackTest:
    """Every closure with its verdict.

    Attributes:
        table: the columns of SCHEMA, used rows first, each part by start; losses net of what is made up in the window.
        errors: run, mean_abs_error_pct (over the used rows with an observed loss), false_losses (rows without an observed
            loss where one is predicted): what the same rows give with one group of parameters moved.
        notes: the summary, a sentence each.
    """

    table: pl.DataFrame
    errors: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """One usable closure, in the unit of its system."""

    row: Mapping[str, Any]
    place: int
    system: System
    edges: tuple[str, ...]
    window: int

    def number(self, column: str, unit_column: str) -> float | None:
        value, unit = self.row[column], self.row[unit_column]
        if value is None:
            return None
        try:
            return convert(float(value), unit, self.system.unit)
        except ValueError as error:
            raise DataError(
                file="closures.csv",
                row=self.place,
                column=unit_column,
                found=f"'{unit}'",
                allowed=f"a unit that becomes {self.system.unit}",
            ) from error


@dataclass(frozen=True)
class _Prediction:
    """What the window loses and what goes round.

    Attributes:
        lost: deliveries, net of what is made up; for a row that observes output, output: what lies in a store at the end is
            not lost, what was taken from one is.
        rerouted: what does not pass the first closed edge and is delivered all the same, by another way or from a store.
        threatened: what that edge usually carries in the days of the closure.
    """

    lost: float
    rerouted: float
    threatened: float


def backtest(dossier: Dossier) -> BackTest:
    """Run every usable closure of a dossier.

    Raises:
        DataError: the dossier has no closures or no network; a unit that cannot be converted.
        UnknownLabel: an edge or commodity of a used row that the network does not hold.
        Infeasible, NotConverged: from the solver.
    """
    if not dossier.has("closures"):
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found="no table closures",
            allowed="a dossier with closures.csv",
        )
    present = {system.name for system in systems_of(dossier)}
    used: list[tuple[Any, ...]] = []
    skipped: list[tuple[Any, ...]] = []
    losses: dict[str, list[tuple[float, float, float]]] = {run: [] for run in RUNS}
    rows = dossier.tables["closures"].with_row_index("_row", offset=FIRST_RECORD).sort("start", "closure_id")
    for row in rows.to_dicts():
        if row["used"] == "no":
            skipped.append(_skipped(row, row["why"] or ""))
            continue
        if row["system"] not in present:
            skipped.append(_skipped(row, f"the dossier holds no {row['system']} network"))
            continue
        case = _case(dossier, row)
        before, found = _predict(dossier, case)
        observed = case.number("observed_lost", "observed_lost_unit")
        assert observed is not None
        for run, prediction in found.items():
            losses[run].append((prediction.lost, observed, prediction.threatened))
        used.append(_row(case, before, found, observed))
    table = pl.DataFrame(used + skipped, schema=SCHEMA, orient="row")
    errors = _errors(losses)
    return BackTest(table, errors, tuple(_summary(table, errors)))


def _case(dossier: Dossier, row: Mapping[str, Any]) -> _Case:
    edges = tuple(row["edge_ids"].split(";"))
    network = build_network(dossier, system=row["system"])
    at: dict[str, Any] = {"file": "closures.csv", "row": row["_row"]}
    for edge in edges:
        if edge not in network.edge_index:
            raise UnknownLabel(edge, network.edge_index, what="operating edge", column="edge_ids", **at)
    if row["commodity"] is not None and row["commodity"] not in network.commodities:
        raise UnknownLabel(row["commodity"], network.commodities, what="commodity", column="commodity", **at)
    window = row["days"] if row["window_days"] is None else row["window_days"]
    if window < row["days"]:
        raise DataError(
            column="window_days", found=f"{window}", allowed=f"at least the {row['days']} days", **at
        )
    return _Case(row, row["_row"], SYSTEMS[row["system"]], edges, window)


def _predict(dossier: Dossier, case: _Case) -> tuple[Before, dict[str, _Prediction]]:
    own = _measured(dossier, build_network(dossier, system=case.system.name), case)
    network = build_network(dossier, system=case.system.name)
    counted = network.demand.filter(pl.Series(own.rows))["commodity"]
    per_unit = dict(zip(counted.to_list(), own.per_unit[own.rows].tolist(), strict=True))
    if case.row["commodity"] is None:
        per_unit = {name: factor for name, factor in per_unit.items() if name in own.commodities}
    before = network_before(
        dossier,
        system=case.system.name,
        year=int(case.row["start"][:4]),
        edges=case.edges,
        share_left=case.row["share_left"],
        per_unit=per_unit,
        passed=case.number("before_volume", "before_unit"),
    )
    return before, {run: _run(before, case, per_unit, *setting) for run, setting in RUNS.items()}


def _measured(dossier: Dossier, network: Network, case: _Case) -> Own:
    """Deliveries of the row's commodity, or all own ones where it names none."""
    own = own_deliveries(dossier, network, case.system)
    if case.row["commodity"] is None:
        return own
    return replace(own, rows=(network.demand["commodity"] == case.row["commodity"]).to_numpy())


def _run(
    before: Before,
    case: _Case,
    per_unit: Mapping[str, float],
    capacity: str,
    ramp: str,
    stores: bool,
    foresight: Literal["none", "full"],
) -> _Prediction:
    network = build_network(before.dossier, system=case.system.name, capacity=capacity)
    storage, ramps = clock_tables(before.dossier, network, ramp)
    days = case.row["days"]
    result = simulate(
        by_node(network),
        close_edges(network, before.closing),
        days=days,
        recovery_days=case.window - days,
        step_days=1 if case.window <= FINE_DAYS[case.system.name] else 7,
        storage=storage if stores else None,
        ramps=ramps,
        backlog_share=BACKLOG_SHARE,
        foresight=foresight,
    )
    own = _measured(before.dossier, network, case)
    moved = deliveries(network, own, result)
    missed = (pl.col("usual") - pl.col("delivered")) * pl.col("per_unit")
    lost = float(moved.select(missed.sum()).item())
    usual, carried = _passing(result, before, per_unit)
    rerouted = usual * case.window / DAYS_IN_YEAR - carried - lost
    if case.row["observed_of"] == "output":
        lost -= _weighted(result.totals, "stored", per_unit)
    return _Prediction(_tidy(lost), max(_tidy(rerouted), 0.0), usual * days / DAYS_IN_YEAR)


def _passing(result: Timeline, before: Before, per_unit: Mapping[str, float]) -> tuple[float, float]:
    """What passes the first closed edge in a usual year, and what does in the window."""
    here = pl.col("edge_id").is_in(list(before.parts))
    return (
        _weighted(result.before.edges.filter(here), "flow", per_unit),
        _weighted(result.edges.filter(here), "flow", per_unit),
    )


def _weighted(frame: pl.DataFrame, column: str, per_unit: Mapping[str, float]) -> float:
    rows = frame.filter(pl.col("commodity").is_in(list(per_unit)))
    factor = pl.col("commodity").replace_strict(dict(per_unit), return_dtype=pl.Float64)
    return float(rows.select((pl.col(column) * factor).sum()).item())


def _tidy(value: float) -> float:
    """Free of the solver's rounding."""
    return value if abs(value) > 1e-6 else 0.0


def _verdict(prediction: _Prediction, low: float, high: float, observed: float) -> str:
    foreseen = prediction.lost > NOTHING * prediction.threatened
    if observed == 0:
        return "miss" if foreseen else "hit"
    if abs(prediction.lost - observed) <= CLOSE * observed or low <= observed <= high:
        return "hit"
    return "direction" if foreseen else "miss"


def _row(case: _Case, before: Before, found: dict[str, _Prediction], observed: float) -> tuple[Any, ...]:
    central = found["central"]
    lost = [found[run].lost for run in IN_RANGE]
    row = case.row
    if before.matched is False:
        matched = f"the model sends {before.flow:.3g} a year by the closed edge and cannot be matched"
    elif before.matched is None:
        matched = f"volume before not known: {before.flow:.3g} a year as in the base year"
    else:
        matched = f"flow before {before.flow:.3g} a year, supplies times {before.factor:.3f}"
    return (
        row["closure_id"],
        row["start"],
        row["days"],
        ";".join(case.edges),
        row["system"],
        central.lost,
        min(lost),
        max(lost),
        observed,
        case.system.unit,
        central.rerouted,
        case.number("observed_rerouted", "observed_unit"),
        100 * (central.lost - observed) / observed if observed else None,
        _verdict(central, min(lost), max(lost), observed),
        "; ".join(filter(None, (matched, row["why"]))),
        row["source_id"],
    )


def _skipped(row: Mapping[str, Any], why: str) -> tuple[Any, ...]:
    known = (row["closure_id"], row["start"], row["days"], row["edge_ids"], row["system"])
    return (*known, *(None,) * 8, "skipped", why, row["source_id"])


def _errors(losses: dict[str, list[tuple[float, float, float]]]) -> pl.DataFrame:
    rows = []
    for run, cases in losses.items():
        off = [abs(lost - seen) / seen for lost, seen, _ in cases if seen > 0]
        false = sum(lost > NOTHING * threatened for lost, seen, threatened in cases if seen == 0)
        rows.append((run, 100 * sum(off) / len(off) if off else None, false))
    return pl.DataFrame(
        rows,
        schema={"run": pl.String, "mean_abs_error_pct": pl.Float64, "false_losses": pl.Int64},
        orient="row",
    )


def _summary(table: pl.DataFrame, errors: pl.DataFrame) -> list[str]:
    counts = {name: int((table["verdict"] == name).sum()) for name in ("hit", "direction", "miss", "skipped")}
    used = table.filter(pl.col("verdict") != "skipped")
    lines = [
        f"{used.height} closures run: {counts['hit']} hits, {counts['direction']} right in direction only, "
        f"{counts['miss']} misses; {counts['skipped']} rows skipped.",
    ]
    for run, error, false in errors.iter_rows():
        shown = "none with an observed loss" if error is None else f"mean absolute error {error:.0f} %"
        lines.append(f"{run}: {shown}, {false} losses predicted where none was seen.")
    seen = used.filter(pl.col("observed_lost") > 0)
    over = int((seen["error_pct"] > 0).sum())
    if seen.height:
        lines.append(
            f"Of {seen.height} observed losses {over} are overstated and {seen.height - over} are not."
        )
    lines += [
        f"{row['verdict']}: {row['closure_id']}, {row['predicted_lost']:.3g} predicted, {row['observed_lost']:.3g} "
        f"{row['unit']} seen."
        for row in used.filter(pl.col("verdict") != "hit").to_dicts()
    ]
    return lines
