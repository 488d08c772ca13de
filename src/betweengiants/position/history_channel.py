"""The history as results of the position: closed-form leverage, shares in trade and memberships by year, and drift."""

from __future__ import annotations

from typing import Any

import polars as pl

from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.history import LOSS, OVERLAP, SHARE, History, history
from betweengiants.position.history_trade import MIRROR, PAYMENTS, main_basis
from betweengiants.position.results import Channel, Result, Trail
from betweengiants.position.trade_channel import HORIZONS
from betweengiants.position.turning_points import DRAWS, LEVEL, MIN_DRIFT, MIN_YEARS

CHANNEL = "history"


def history_channel(dossier: Dossier, found: History | None = None) -> Channel:
    """Results by year and power, and the drift of each series.

    Measures: `closed_form_loss_pct` and `trade_share` of the basis with the most years, `closed_form_loss_payments_pct` (goods
    and services of the balance of payments), `trade_share_mirror`, `membership_overlap`; `..._drift` is the change a
    year, its period the last year. The coalition WLD stands for everything from abroad. Votes by year are in the
    channel of votes; here they have their drift.

    Args:
        dossier: the evidence.
        found: its history, if it is at hand.

    Raises:
        DataError, UnknownLabel, NoEquilibrium, NotConverged: see `history`.
    """
    known = history(dossier) if found is None else found
    names = _names(known)
    results = []
    for row in known.series.filter(pl.col("measure").is_in([LOSS, SHARE, OVERLAP])).to_dicts():
        measure = names.get((row["measure"], row["basis"]))
        if measure is not None:
            results.append(_result(dossier.focal, row, measure, str(row["year"]), row["value"]))
    for row in known.drift.to_dicts():
        measure = names.get((row["measure"], row["basis"]))
        if measure is not None:
            results.append(_result(dossier.focal, row, f"{measure}_drift", str(row["last"]), row["slope"]))
    return Channel(results, [_trail(dossier, known)], list(known.gaps))


def _names(found: History) -> dict[tuple[str, str], str]:
    """Measure and basis -> name of the result; other bases stay in the history alone."""
    main = main_basis(found.series.to_dicts())
    pairs = found.series.select("measure", "basis").unique(maintain_order=True).rows()
    special = {
        (LOSS, PAYMENTS): "closed_form_loss_payments_pct",
        (SHARE, MIRROR): "trade_share_mirror",
    }
    return {
        (measure, basis): special.get((measure, basis), measure)
        for measure, basis in pairs
        if measure not in (LOSS, SHARE) or basis in (main, PAYMENTS, MIRROR)
    }


def _result(focal: str, row: dict[str, Any], measure: str, period: str, value: float) -> Result:
    number = Interval(value, row["low"], row["high"])
    return Result(CHANNEL, measure, row["power"], focal, row["horizon"], period, row["unit"], number, CHANNEL)


def _trail(dossier: Dossier, found: History) -> Trail:
    parameters: dict[str, float | str] = {
        f"theta_{horizon}{suffix}": value
        for horizon in HORIZONS
        for suffix, value in zip(("", "_low", "_high"), dossier.parameter(f"theta_{horizon}"), strict=True)
    }
    settings = dossier.tables["parameters"].filter(pl.col("parameter").str.starts_with("theta_"))
    tables = ("trade_bilateral", "facts", "vote_agreement", "memberships", "institutions", "parameters")
    return Trail(
        CHANNEL,
        "Closed form of lost purchases year by year (Clayton, Maggiori & Schreger), on absorption = gross domestic product "
        "plus imports less exports of goods; shares in turnover; overlap of memberships weighted by depth. Drift is the "
        "Theil-Sen slope a year. No year is filled from its neighbours.",
        "Leverage: range over the trade elasticity and the sources of the gross domestic product; shares: other sources of the "
        "same side; memberships: without and with those that have no date; drift: 95 percent interval after Sen.",
        parameters
        | {
            "rho": "1 + theta",
            "drift_years_at_least": MIN_DRIFT,
            "turning_point_years_at_least": MIN_YEARS,
            "turning_point_level": LEVEL,
            "turning_point_draws": DRAWS,
        },
        tuple(table for table in tables if dossier.has(table)),
        tuple(used_sources(found.series, settings)),
    )
