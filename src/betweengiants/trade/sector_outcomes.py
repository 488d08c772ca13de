"""Numbers made from a solved block: sales at home, growth, and what the caps did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from betweengiants.trade.arrays import Flags, Floats
from betweengiants.trade.results import CapOutcome
from betweengiants.trade.sector_kernel import SectorEconomy
from betweengiants.trade.sector_solver import SectorCells, SectorEquilibrium


def growth(after: Floats, before: Floats) -> Floats:
    """(B, N) change over the (N,) baseline; nothing that stays nothing has not changed."""
    none = before <= 0
    change: Floats = np.where(none, 0.0, after / np.where(none, 1.0, before) - 1)
    return change


def home_sales(economy: SectorEconomy, cells: SectorCells, theta: Floats, found: SectorEquilibrium) -> Floats:
    """(B, N) sales to oneself over all sectors."""
    factor = np.ones_like(found.cost)
    own = np.flatnonzero(cells.exporter == cells.importer)
    at = cells.scenario[own], cells.sector[own], cells.exporter[own]
    factor[at] = cells.cost[own] * found.extra[own]
    share = np.einsum("sjj->sj", economy.share)
    power = (factor * found.cost / found.price) ** -theta[:, :, None]
    return np.asarray((np.where(share > 0, share * power, 0.0) * found.absorbed).sum(axis=1))


def cap_outcomes(
    labels: Sequence[str],
    sectors: Sequence[str | None],
    economy: SectorEconomy,
    cells: SectorCells,
    theta: Floats,
    found: SectorEquilibrium,
    solved: Flags,
) -> tuple[tuple[CapOutcome, ...], ...]:
    """(B,) what the caps of each solved scenario did."""
    rows: list[list[CapOutcome]] = [[] for _ in range(cells.count)]
    for k in (int(k) for k in np.flatnonzero(cells.cap < 1)):
        s, i, j = int(cells.sector[k]), int(cells.exporter[k]), int(cells.importer[k])
        b = int(cells.scenario[k])
        if solved[b] and economy.share[s, i, j] > 0:  # where nothing flows there is nothing to cap
            quantity = _delivered(economy, cells, theta, found, k)
            rows[b].append(
                CapOutcome(
                    labels[i], labels[j], sectors[s], float(cells.cap[k]), float(found.extra[k]), quantity
                )
            )
    return tuple(tuple(row) for row in rows)


def _delivered(
    economy: SectorEconomy, cells: SectorCells, theta: Floats, found: SectorEquilibrium, k: int
) -> float:
    """Value after over value before, over the price of the delivered unit; from the flows, not from the cap."""
    b, s, i, j = cells.scenario[k], cells.sector[k], cells.exporter[k], cells.importer[k]
    paid = found.cost[b, s, i] * cells.cost[k] * found.extra[k]
    share = (paid / found.price[b, s, j]) ** -theta[b, s]
    return float(share * found.absorbed[b, s, j] / economy.absorbed[s, j] / paid)
