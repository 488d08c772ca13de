"""The indicators of the balance index that a position holds: losses, counter-losses, closeness, and domains without a price."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.position import domains as without_price
from betweengiants.position.alignment_channel import INSTITUTIONS, VOTES, alignment_channel
from betweengiants.position.assemble import Position
from betweengiants.position.balance_choices import ALIGNMENT, COUNTER, TIE
from betweengiants.position.balance_evidence import Evidence, evidence
from betweengiants.position.coupled import lacking
from betweengiants.position.coupled_channel import coupled, coupled_channel
from betweengiants.position.coupled_draws import CoupledDraws, column
from betweengiants.position.results import not_joined, to_frame
from betweengiants.position.sector_channel import HORIZONS
from betweengiants.position.settings import require_positive
from betweengiants.position.trade_channel import trade_channel

Floats = NDArray[np.float64]
COUPLED, TRADE = "coupled", "trade"
MEASURES = {"leverage": TIE, "counter_leverage": COUNTER}
GROUPS = {
    "security": "force",
    "finance": "money",
    "minerals": "supplies",
    "food": "supplies",
    "fuel": "supplies",
    "electricity": "supplies",
    "water": "supplies",
    "technology": "society",
    "information": "society",
    "people": "society",
}
"""Domains of one kind; a domain that is not named here is a group of its own."""
SCHEMA: dict[str, type[pl.DataType]] = {
    "indicator": pl.String,
    "domain": pl.String,
    "group": pl.String,
    "role": pl.String,
    "main": pl.Boolean,
    "power": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
Row = tuple[str, str, str, str, bool, str, float | None, float | None, float | None]


def losses_and_closeness(dossier: Dossier, draws: CoupledDraws | None = None) -> Position:
    """The part of a position that the index rests on, in a quarter of the time of the whole.

    Raises:
        NotConverged, NoEquilibrium, Infeasible: from the engines.
    """
    require_positive(dossier)
    missing = lacking(dossier)
    central = None if missing else coupled(dossier)
    losses = trade_channel(dossier) if central is None else coupled_channel(dossier, central, draws)
    parts = [losses, alignment_channel(dossier)]
    return Position(
        dossier,
        to_frame(dossier.focal, (result for part in parts for result in part.results)),
        {trail.trail: trail for part in parts for trail in part.trails},
        (*(gap for part in parts for gap in part.gaps), *([not_joined(missing)] if missing else [])),
        {},
        central,
        None if central is None else draws,
    )


def balance_evidence(position: Position) -> Evidence:
    """The indicators of a position by power.

    Losses come from the coupled severance with its draws, or from trade alone where that is all there is; a gain is no
    hold and counts as 0. A power that some indicator does not know of stays without a value there (see `balance_choices`).

    Raises:
        DataError: fewer than two powers, or a table of domains that cannot be read.
    """
    frame = pl.DataFrame(
        [*_losses(position), *_alignment(position), *_domains(position)], schema=SCHEMA, orient="row"
    )
    return evidence(frame, position.dossier.powers, _samples(position))


def _losses(position: Position) -> list[Row]:
    channel = COUPLED if position.has(COUPLED) else TRADE
    rows: list[Row] = []
    for measure, role in MEASURES.items():
        for horizon in HORIZONS:
            for power in position.dossier.powers:
                member = power if role == COUNTER else position.dossier.focal
                number = position.number(channel, f"{measure}_pct", power, member=member, horizon=horizon)
                rows.append(_row(_loss_name(measure, horizon), measure, role, power, number))
    return rows


def _loss_name(measure: str, horizon: str) -> str:
    return f"{measure}_{horizon}_pct"


def _alignment(position: Position) -> list[Row]:
    rows: list[Row] = []
    for channel, measure in ((VOTES, "vote_agreement"), (INSTITUTIONS, "membership_overlap")):
        if channel not in position.trails:
            continue
        latest = position.trails[channel].parameters.get("latest_full_year")
        for power in position.dossier.powers:
            if position.holds(channel, measure, power):
                number = position.number(
                    channel, measure, power, period=None if latest is None else str(latest)
                )
                rows.append(_row(measure, ALIGNMENT, ALIGNMENT, power, number))
    return rows


def _row(indicator: str, domain: str, role: str, power: str, number: Interval) -> Row:
    value, low, high = (max(end, 0.0) for end in (number.value, number.low, number.high))
    return indicator, domain, domain, role, True, power, value, low, high


def _domains(position: Position) -> list[Row]:
    """Exposure shares of the focal state itself; what it holds over others is no exposure."""
    if not position.dossier.has(without_price.TABLE):
        return []
    cells = without_price.domains(position.dossier).cells.filter(
        (pl.col("direction") == "leverage") & pl.col("is_own")
    )
    return [
        (
            cell["measure"],
            cell["domain"],
            GROUPS.get(cell["domain"], cell["domain"]),
            TIE,
            cell["role"] == without_price.HEADLINE,
            cell["power"],
            cell["value"],
            cell["low"],
            cell["high"],
        )
        for cell in cells.to_dicts()
    ]


def _samples(position: Position) -> dict[str, Floats]:
    """(D, P) draws of losses and counter-losses; a draw without an equilibrium stands for the largest loss that was solved."""
    draws, central = position.draws, position.coupled
    if draws is None or central is None:
        return {}
    powers = position.dossier.powers
    found = {}
    for measure, role in MEASURES.items():
        for h, horizon in enumerate(draws.horizons):
            columns = []
            for power in powers:
                member = draws.members.index(power) if role == COUNTER else 0
                loss = 100 * draws.loss[:, column(draws, (power,), central.channels), h, member]
                solved = np.isfinite(loss)
                if not solved.any():
                    return {}
                columns.append(np.maximum(np.where(solved, loss, loss[solved].max()), 0.0))
            found[_loss_name(measure, horizon)] = np.column_stack(columns)
    return found
