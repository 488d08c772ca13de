"""The tables beside the page: those of the figures, and everything in full."""

from __future__ import annotations

import polars as pl

from betweengiants.dossier.claims import check_claims
from betweengiants.dossier.coverage import coverage
from betweengiants.position import Position
from betweengiants.position.results import coalition_name, coalitions
from betweengiants.report.beside import Beside
from betweengiants.report.calibration import calibration
from betweengiants.report.figure import Figure


def report_tables(
    position: Position, figures: dict[str, Figure], beside: Beside | None = None
) -> dict[str, pl.DataFrame]:
    """The tables beside the page, by file name.

    Args:
        position: the results.
        figures: whose tables are among them.
        beside: what stands beside the results, if it is at hand.
    """
    found = beside if beside is not None else Beside(position)
    tables = {f"figure-{figure.figure_id}": figure.table for figure in figures.values()}
    tables["results"] = position.results
    tables["coalitions"] = coalition_table(position)
    tables["coverage"] = coverage(position.dossier)
    tables["calibration"] = calibration(position)
    tables["sources"] = position.dossier.tables["sources"]
    if position.dossier.has("claims"):
        tables["claims"] = check_claims(position.dossier)
    return tables | _beside(found, figures)


def _beside(found: Beside, figures: dict[str, Figure]) -> dict[str, pl.DataFrame]:
    tables: dict[str, pl.DataFrame] = {}
    if found.closeness is not None:
        listed = pl.col("parts", "missing").list.join(";")
        tables["alignment"] = found.closeness.composite.table.with_columns(listed)
        tables["alignment-parts"] = found.closeness.parts
    if found.domains is not None:
        tables["domains"] = found.domains.cells
        tables["domain-concentration"] = found.domains.concentration
        tables["domain-cover"] = found.domains.cover
    if found.balance is not None:
        tables["balance-choices"] = found.balance.choices_table()
        tables["balance-drivers"] = found.balance.drivers()
        tables["balance-indicators"] = found.balance.indicators_table()
    if {"leverage-years", "votes", "ideal-points", "institutions"} & figures.keys():
        tables["history"] = found.history.series
        tables["history-drift"] = found.history.drift
        tables["history-turns"] = found.history.turning_points
    if found.comparison is not None:
        tables["comparison"] = found.comparison.numbers
        tables["comparison-everyone"] = found.comparison.everyone
    return tables


def coalition_table(position: Position) -> pl.DataFrame:
    """Every coalition of the powers: losses by channel."""
    rows: list[dict[str, str | float]] = []
    for group in coalitions(position.dossier.powers):
        short, long = (position.number("trade", "leverage_pct", *group, horizon=h) for h in ("short", "long"))
        row: dict[str, str | float] = {"coalition": coalition_name(group)}
        if position.coupled is not None:
            for horizon in ("short", "long"):
                joint = position.number("coupled", "leverage_pct", *group, horizon=horizon)
                row |= {
                    f"coupled_{horizon}_pct": joint.value,
                    f"coupled_{horizon}_low_pct": joint.low,
                    f"coupled_{horizon}_high_pct": joint.high,
                }
        row |= {
            "trade_short_pct": short.value,
            "trade_short_low_pct": short.low,
            "trade_short_high_pct": short.high,
            "trade_long_pct": long.value,
            "trade_long_low_pct": long.low,
            "trade_long_high_pct": long.high,
        }
        if position.oil is not None:
            for name in ("lost_million_t", "lost_usd_m", "lost_pct_gdp"):
                number = position.number("oil_transit", name, *group)
                row |= {
                    f"oil_{name}": number.value,
                    f"oil_{name}_low": number.low,
                    f"oil_{name}_high": number.high,
                }
        rows.append(row)
    return pl.DataFrame(rows)
