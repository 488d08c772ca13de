"""The position year by year: leverage by closed form, shares in trade, votes and memberships, with drift and turning points.

Every year has its own basis and coverage, and a year without evidence has no row: nothing is drawn between years. A year with
less than half of the usual roll calls is shown and left out of drift, turning points and comparisons. Memberships are a list,
not a sample: they have no drift, and their turning points are the years in which the list changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from betweengiants.alignment.depth import membership_years
from betweengiants.dossier import Dossier
from betweengiants.dossier.claims.evidence import Evidence
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.alignment_channel import FULL_YEAR, Z95
from betweengiants.position.history_trade import LOSS, SHARE, equilibrium, trade_rows
from betweengiants.position.settings import require_positive
from betweengiants.position.turning_points import drift, turning_points

VOTES, KAPPA, OVERLAP = "vote_agreement", "vote_kappa", "membership_overlap"
ROLL_CALLS, DATED = "roll_calls", "dated_memberships"
FIRST_YEAR = 1992
KEY = ["measure", "basis", "power", "horizon"]
TESTED, RECORDED = "tested", "recorded"
BOTH_IN = "both in "
"""What stands before the institutions of a recorded change, up to the next semicolon."""
_TEXT, _NUMBER, _COUNT = pl.String, pl.Float64, pl.Int64
_KEYS = dict.fromkeys(KEY, _TEXT)
SERIES_SCHEMA = _KEYS | {
    "year": _COUNT,
    "unit": _TEXT,
    "value": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "n": _COUNT,
    "coverage": _NUMBER,
    "is_full": pl.Boolean,
    "note": _TEXT,
    "source_id": _TEXT,
}
DRIFT_SCHEMA = _KEYS | {
    "unit": _TEXT,
    "first": _COUNT,
    "last": _COUNT,
    "years": _COUNT,
    "slope": _NUMBER,
    "se": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "tau": _NUMBER,
    "is_drift": pl.Boolean,
}
TURN_SCHEMA = _KEYS | {
    "kind": _TEXT,
    "year": _COUNT,
    "jump": _NUMBER,
    "slope_before": _NUMBER,
    "slope_after": _NUMBER,
    "f": _NUMBER,
    "p": _NUMBER,
    "correlation": _NUMBER,
    "what": _TEXT,
}


@dataclass(frozen=True)
class History:
    """How the position moved.

    Attributes:
        focal: code of the focal state.
        powers: codes of the powers.
        series: one row a measure, basis, power, horizon and year: value with its range, n (roll calls, or institutions
            shared), coverage (share of imports of named partners), is_full, note, sources.
        drift: one row a series of five full years or more: slope a year with standard error and interval (see
            `turning_points`).
        turning_points: `tested` ones of series of twelve full years or more, and the `recorded` changes of memberships, with
            what changed ("now both in eaeu, wto; no longer both in csto").
        check: closed form of the year of the trade matrix beside that of the matrix and beside the equilibrium.
        gaps: what is missing, in sentences.
    """

    focal: str
    powers: tuple[str, ...]
    series: pl.DataFrame
    drift: pl.DataFrame
    turning_points: pl.DataFrame
    check: pl.DataFrame
    gaps: tuple[str, ...]


def history(dossier: Dossier) -> History:
    """Every series that the dossier allows.

    Raises:
        DataError, UnknownLabel: the tables do not fit together.
        NoEquilibrium, NotConverged: the trade matrix has no solution for any power.
    """
    require_positive(dossier)
    evidence = Evidence(dossier)
    rows, gaps = trade_rows(dossier, evidence)
    voted, silent = _votes(dossier)
    joined, steps, unlisted = _memberships(dossier)
    series = pl.DataFrame([*rows, *voted, *joined], schema=SERIES_SCHEMA).sort(*KEY, "year")
    slopes, turns = _moved(series)
    check = equilibrium(dossier).join(
        series.filter(pl.col("measure") == LOSS).select(
            "basis", "power", "horizon", "year", closed_form_loss_pct="value"
        ),
        on=["year", "power", "horizon"],
        how="left",
        maintain_order="left",
    )
    return History(
        dossier.focal,
        dossier.powers,
        series,
        pl.DataFrame(slopes, schema=DRIFT_SCHEMA),
        pl.DataFrame([*turns, *steps], schema=TURN_SCHEMA).sort(
            "kind", *KEY, "year", descending=[True, *[False] * 5]
        ),
        check,
        (*gaps, *silent, *unlisted),
    )


def _votes(dossier: Dossier) -> tuple[list[dict[str, Any]], list[str]]:
    """Agreement with its sampling error, and kappa, by power and year."""
    if not dossier.has("vote_agreement"):
        return [], ["No votes by year: the dossier has no table vote_agreement."]
    votes = dossier.tables["vote_agreement"].filter(
        (pl.col("country") == dossier.focal) & pl.col("power").is_in(list(dossier.powers))
    )
    usual = votes["n"].median()
    least = FULL_YEAR * usual if isinstance(usual, float) else 0.0
    rows = []
    for row in votes.to_dicts():
        error = Z95 * (row["agreement_se"] or 0.0)
        value = row["agreement"]
        rows.append(
            _vote(row, VOTES, "share", value, max(0.0, value - error), min(1.0, value + error), least)
        )
        if row["kappa"] is not None:
            rows.append(_vote(row, KAPPA, "index", row["kappa"], row["kappa"], row["kappa"], least))
    absent = [power for power in dossier.powers if power not in set(votes["power"])]
    return rows, [f"No votes with {power}." for power in absent]


def _vote(
    row: dict[str, Any], measure: str, unit: str, value: float, low: float, high: float, least: float
) -> dict[str, Any]:
    is_full = row["n"] >= least
    return {
        "measure": measure,
        "basis": ROLL_CALLS,
        "power": row["power"],
        "horizon": "",
        "year": row["year"],
        "unit": unit,
        "value": value,
        "low": low,
        "high": high,
        "n": row["n"],
        "coverage": None,
        "is_full": is_full,
        "note": "" if is_full else "less than half of the usual roll calls",
        "source_id": row["source_id"],
    }


def _memberships(dossier: Dossier) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Overlap of memberships by power and year, weighted by depth, and the years in which the shared ones changed."""
    if not dossier.has("memberships"):
        return [], [], ["No memberships by year: the dossier has no table memberships."]
    table = dossier.tables["memberships"]
    listed = set(table["country"])
    powers = [power for power in dossier.powers if power in listed]
    gaps = [f"No memberships of {power} by year." for power in dossier.powers if power not in powers]
    if dossier.focal not in listed or not powers:
        return [], [], [*gaps, f"No memberships of {dossier.focal} by year."][:1]
    depths = _depths(dossier)
    span = range(FIRST_YEAR, max(dossier.header.base_year, FIRST_YEAR) + 1)
    found = membership_years(
        table, dossier.focal, powers, span, depths=depths, name=dossier.header.paths["memberships"]
    )
    sources = {
        power: ";".join(used_sources(table.filter(pl.col("country").is_in([dossier.focal, power]))))
        for power in powers
    }
    rows: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for (power,), part in found.group_by("power", maintain_order=True):
        rows += [_overlap(row, sources[str(power)]) for row in part.to_dicts() if row["overlap"] is not None]
        steps += _steps(part.to_dicts())
    return rows, steps, gaps


def _depths(dossier: Dossier) -> pl.DataFrame | None:
    """Depth of every institution, if the dossier states them all; else all weigh alike."""
    if not dossier.has("institutions"):
        return None
    table = dossier.tables["institutions"].select("institution", "depth")
    return None if table["depth"].null_count() else table


def _overlap(row: dict[str, Any], sources: str) -> dict[str, Any]:
    return {
        "measure": OVERLAP,
        "basis": DATED,
        "power": row["power"],
        "horizon": "",
        "year": row["year"],
        "unit": "share",
        "value": row["overlap"],
        "low": row["overlap_low"],
        "high": row["overlap_high"],
        "n": row["shared"],
        "coverage": None,
        "is_full": True,
        "note": f"{row['shared_undated']} more without a date" if row["shared_undated"] else "",
        "source_id": sources,
    }


def _steps(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Years in which institutions that both share came or went."""
    for before, after in pairwise(rows):
        old, new = set(before["institutions"]), set(after["institutions"])
        if old == new:
            continue
        yield dict.fromkeys(TURN_SCHEMA) | {
            "measure": OVERLAP,
            "basis": DATED,
            "power": after["power"],
            "horizon": "",
            "kind": RECORDED,
            "year": after["year"],
            "jump": (after["overlap"] or 0.0) - (before["overlap"] or 0.0),
            "what": joined_and_left(new - old, old - new),
        }


def joined_and_left(new: Iterable[str], gone: Iterable[str]) -> str:
    """Institutions that both are in from a year on, or no longer, in words: a sign in front would look like a formula."""
    parts = ((f"now {BOTH_IN}", sorted(new)), (f"no longer {BOTH_IN}", sorted(gone)))
    return "; ".join(said + ", ".join(names) for said, names in parts if names)


def _moved(series: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Drift and tested turning points of every series that is a measurement."""
    slopes, turns = [], []
    full = series.filter(pl.col("is_full") & (pl.col("measure") != OVERLAP))
    for key, part in full.group_by(*KEY, maintain_order=True):
        named = dict(zip(KEY, key, strict=True))
        years, values = part["year"].to_list(), part["value"].to_numpy()
        slope = drift(years, values)
        if slope is not None:
            slopes.append(
                named
                | {"unit": part["unit"][0], "first": years[0], "last": years[-1], "years": slope.years}
                | {name: getattr(slope, name) for name in ("slope", "se", "low", "high", "tau", "is_drift")}
            )
        turns += [
            named
            | {"kind": TESTED, "what": "level and slope"}
            | {name: getattr(point, name) for name in TURN_SCHEMA if hasattr(point, name)}
            for point in turning_points(years, values)
        ]
    return slopes, turns


__all__ = ["LOSS", "OVERLAP", "SHARE", "VOTES", "History", "history"]
