"""A severance between economies in the trade model: the matrix of the year before, volumes capped, four elasticities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.countries import blocs
from betweengiants.core.tables import read_table
from betweengiants.trade import Cell, Scenario, TradeMatrix, TradeResult, from_frame, solve


@dataclass(frozen=True)
class World:
    """A trade matrix of one year.

    Attributes:
        name: where it comes from, for readers.
        year: of the flows.
        matrix: flows with domestic sales.
    """

    name: str
    year: int
    matrix: TradeMatrix

    def members(self, codes: Sequence[str]) -> tuple[str, ...] | None:
        """The labels of states and blocs; a bloc without a label of its own is its members; None where one is missing."""
        found: list[str] = []
        for code in codes:
            labels = (code,) if code in self.matrix.labels else blocs().get(code, ())
            if not labels or not set(labels) <= set(self.matrix.labels):
                return None
            found += labels
        return tuple(dict.fromkeys(found))


def worlds(flows: pl.DataFrame) -> list[World]:
    """The matrices of the table `episode_flows`.

    Raises:
        DataError: a matrix that is none (see `trade.from_frame`).
    """
    return [
        World(f"{name} {year}", int(year), from_frame(part, name=f"episode_flows.csv ({name} {year})"))
        for (name, year), rows in flows.group_by("flows", "year", maintain_order=True)
        for part in (rows.select("exporter", "importer", value="value_usd_m"),)
    ]


def read_worlds(path: Path) -> list[World]:
    """A matrix for every year of a file of flows: `exporter,importer,value,year`, domestic sales included.

    Raises:
        DataError: no column year, or a year whose rows are no matrix (see `trade.from_frame`).
    """
    rows = read_table(path, {"exporter": "text", "importer": "text", "value": "number", "year": "integer"})
    return [
        World(f"{path.name} {year}", int(year), from_frame(rows, name=path.name, year=int(year)))
        for year in rows["year"].unique().sort()
    ]


def world_before(held: Sequence[World], year: int, codes: Sequence[str]) -> World | None:
    """The latest matrix of a year before `year` that holds all of `codes`; the earlier in `held` of two of one year."""
    fit = [world for world in held if world.year < year and world.members(codes) is not None]
    return max(fit, key=lambda world: world.year, default=None)


@dataclass(frozen=True)
class Cut:
    """What is cut between two sides.

    Attributes:
        who, partner: labels of the matrix.
        exports, imports: severed share of the volume that `who` sells to, or buys from, `partner`; 0 leaves it free.
        cost_factor: on what `who` buys from `partner`.
    """

    who: tuple[str, ...]
    partner: tuple[str, ...]
    exports: float = 0.0
    imports: float = 0.0
    cost_factor: float = 1.0

    def scenario(self, name: str) -> Scenario:
        """The cells that change."""
        cells = []
        for own in self.who:
            for other in self.partner:
                if self.exports > 0:
                    cells.append(Cell(own, other, quantity_cap=1 - self.exports))
                if self.imports > 0 or self.cost_factor > 1:
                    cells.append(Cell(other, own, self.cost_factor, 1 - self.imports))
        return Scenario(name, tuple(cells))


def outcomes(
    world: World, cut: Cut, thetas: Sequence[float], gdp_ratio: float | None = None
) -> list[dict[str, float]]:
    """What the trade model says about a cut, at each elasticity.

    Args:
        world: the matrix of the year before.
        cut: labels must be of that matrix.
        thetas: trade elasticities.
        gdp_ratio: gross output over GDP of `who`, to turn a share of spending into one of GDP; None gives no such number.

    Returns:
        By elasticity, percent of before: `exports_volume_pct`, `imports_volume_pct`, `exports_to_partner_pct`,
        `imports_from_partner_pct` (volumes), `partner_exports_volume_pct`; `loss_pct` and `partner_loss_pct`, the fall of
        real spending (positive; the partners' weighted with their spending), `loss_gdp_pct` in percent of GDP; `pass_through`,
        the share of the partner's extra cost that the buyer's price shows (1: exporters cut no price); `diverted_share` of
        the volume of exports lost with the partner that is sold elsewhere abroad.

    Raises:
        NoEquilibrium, NotConverged: from the solver.
    """
    matrix = world.matrix
    scenario = cut.scenario(world.name)
    found = solve(matrix, [scenario] * len(thetas), list(thetas))
    own, other = ([matrix.index(label) for label in side] for side in (cut.who, cut.partner))
    rest = [k for k in range(len(matrix.labels)) if k not in own]
    away = [k for k in rest if k not in other]
    spent = matrix.flows.sum(axis=0)
    rows = []
    for s in range(len(thetas)):
        after, before = delivered(found, s), matrix.flows
        loss = -100 * found.welfare_change[s]
        row = {
            "exports_volume_pct": _change(before, after, own, rest),
            "imports_volume_pct": _change(before, after, rest, own),
            "exports_to_partner_pct": _change(before, after, own, other),
            "imports_from_partner_pct": _change(before, after, other, own),
            "partner_exports_volume_pct": _total(before, after, other),
            "loss_pct": float(np.average(loss[own], weights=spent[own])),
            "partner_loss_pct": float(np.average(loss[other], weights=spent[other])),
        }
        if gdp_ratio is not None:
            row["loss_gdp_pct"] = row["loss_pct"] * gdp_ratio
        if cut.cost_factor > 1:
            cheaper = float(np.average(np.log1p(found.income_change[s][other]), weights=spent[other]))
            at_home = float(np.average(np.log1p(found.income_change[s][own]), weights=spent[own]))
            row["pass_through"] = 1 + (cheaper - at_home) / float(np.log(cut.cost_factor))
        if cut.exports > 0:
            gone = (before - after)[np.ix_(own, other)].sum()
            row["diverted_share"] = float((after - before)[np.ix_(own, away)].sum() / gone)
        rows.append(row)
    return rows


def delivered(found: TradeResult, s: int) -> NDArray[np.float64]:
    """(N, N) what arrives in scenario s, at the prices of before: value over the exporter's price and all extra cost."""
    matrix = found.matrix
    cost = np.repeat(1 + found.income_change[s][:, None], len(matrix.labels), axis=1)
    for cell in found.scenarios[s].cells:
        at = matrix.index(cell.exporter), matrix.index(cell.importer)
        cost[at] *= cell.cost_factor
    for cap in found.caps[s]:
        cost[matrix.index(cap.exporter), matrix.index(cap.importer)] *= cap.extra_factor
    volumes: NDArray[np.float64] = found.flows_after(s) / cost
    return volumes


def _change(
    before: NDArray[np.float64], after: NDArray[np.float64], sellers: list[int], buyers: list[int]
) -> float:
    """Percent change of the flows from some countries to others."""
    at = np.ix_(sellers, buyers)
    return 100 * float(after[at].sum() / before[at].sum() - 1)


def _total(before: NDArray[np.float64], after: NDArray[np.float64], sellers: list[int]) -> float:
    """Percent change of all sales abroad of `sellers`, one by one and then added."""
    abroad = ~np.eye(len(before), dtype=np.bool_)[sellers]
    return 100 * float(after[sellers][abroad].sum() / before[sellers][abroad].sum() - 1)
