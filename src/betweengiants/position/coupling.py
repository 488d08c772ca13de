"""From what a network still delivers to caps and cost factors on the cells of the trade model.

Symbols: g a group of deliveries (one commodity from one origin to one market), c a cell of the trade model (exporter,
importer, sector), q and k quantity delivered and its unit transport cost, 0 before and 1 after a closure, p price.

    V[g,c]     value of g in c over the whole value of c; where the groups of all systems together exceed a cell, they are
               scaled down to it, in proportion
    kept[g]    = min(1, q1 / q0)          rise[g] = max(0, k1 - k0) / p
    cap[c]     = 1 - sum_g V[g,c] (1 - kept[g])
    factor[c]  = 1 + sum_g V[g,c] kept[g] rise[g]

Goods that no network carries keep their cell. A cell that gains goods is not capped: the trade model decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.countries import countries, territory_of
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.network import FlowResult, Network
from betweengiants.network.counter import origins
from betweengiants.network.layout import build
from betweengiants.trade.scenario import Cell
from betweengiants.trade.sector_matrix import SectorMatrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECTORS = "network_sectors"
LEAST_HOME = 1e-6
"""Domestic sales cannot be severed: the smallest cap on them."""
SLACK = 1e-12
REST = "ROW"
"""The economy of the trade model that holds all states without one of their own."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Deliveries of one network by commodity, origin and market.

    Attributes:
        network: the network.
        table: commodity, origin, market (labels of the trade model, or null: any that is not named), quantity and value
            before, unit_cost before, price (value over quantity); G rows.
        share: (G, D) part of each row of demand that belongs to a group.
    """

    network: Network
    table: pl.DataFrame
    share: Floats

    def kept(self, demand: Floats, present: Floats | None = None) -> Floats:
        """(G,) share of the present quantity that (D,) deliveries still bring, at most 1.

        Args:
            demand: deliveries after a closure.
            present: (D,) deliveries before it (default: those of the table).
        """
        before = self.table["quantity"].to_numpy() if present is None else self.share @ present
        kept = self.share @ demand / np.where(before > 0, before, 1.0)
        kept = np.where(np.abs(kept - 1.0) < 1e-9, 1.0, kept)  # the solver's rounding closes nothing
        return np.where(before > 0, np.minimum(kept, 1.0), 1.0)

    def rise(self, after: FlowResult) -> Floats:
        """(G,) rise of the unit transport cost over the price; 0 where nothing arrives any more."""
        cost = self._unit_cost(after)
        before, price = self.table["unit_cost"].to_numpy(), self.table["price"].to_numpy()
        risen = (cost - before) / np.where(price > 0, price, np.inf)
        return np.where(np.isfinite(risen), np.maximum(risen, 0.0), 0.0)

    def _unit_cost(self, result: FlowResult) -> Floats:
        return _unit_cost(self.network, self.share, result)


def _unit_cost(network: Network, share: Floats, result: FlowResult) -> Floats:
    """(G,) mean transport cost of one unit delivered, not-a-number where nothing is."""
    rows = network.demand.select("commodity", "market", "node_id").join(
        result.delivered, on=["commodity", "market", "node_id"], how="left", maintain_order="left"
    )
    cost = rows["unit_cost"].fill_null(0.0).to_numpy()
    quantity = share @ result.arrays.demand
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(share @ (result.arrays.demand * cost) / np.where(quantity > 0, quantity, np.nan))


def groups(network: Network, before: FlowResult, labels: Sequence[str]) -> Groups:
    """Deliveries of a network by commodity, origin and market, as they flow without a severance.

    A row without a delivery (an extra buyer) belongs to the origins of its commodity as they are elsewhere.

    Args:
        network: the network.
        before: its flows.
        labels: countries of the trade model.
    """
    demand, arrays = network.demand, before.arrays
    mix = origins(network, build(network.arrays), before)
    homes = _labels_of(network, network.supply["node_id"].to_list(), labels)
    places = sorted(set(homes))
    part = np.zeros((len(places), demand.height))
    for k, place in enumerate(places):
        part[k] = mix[[home == place for home in homes]].sum(axis=0)
    commodity = network.arrays.demand_commodity
    made = np.zeros((len(places), network.arrays.commodity_count))
    for s, home in enumerate(homes):
        kind = network.arrays.supply_commodity[s]
        made[places.index(home), kind] += arrays.supply[s] or network.arrays.supply_quantity[s] * SLACK
    usual = made / np.where(made.sum(axis=0) > 0, made.sum(axis=0), 1.0)
    idle = arrays.demand <= 0
    part[:, idle] = usual[:, commodity[idle]]
    return _grouped(network, before, part, places, labels)


def _grouped(
    network: Network, before: FlowResult, part: Floats, places: list[str], labels: Sequence[str]
) -> Groups:
    markets = [_label(market, labels) for market in network.demand["market"]]
    kinds = network.demand["commodity"].to_list()
    keys = sorted(
        {
            (kind, place, market or "")
            for d, (kind, market) in enumerate(zip(kinds, markets, strict=True))
            for k, place in enumerate(places)
            if part[k, d] > 0
        }
    )
    share = np.zeros((len(keys), len(kinds)))
    for g, (kind, place, market) in enumerate(keys):
        own = [kinds[d] == kind and (markets[d] or "") == market for d in range(len(kinds))]
        share[g, own] = part[places.index(place), own]
    quantity = share @ before.arrays.demand
    value = share @ (before.arrays.demand * network.arrays.demand_price)
    names = dict(zip(("commodity", "origin", "market"), zip(*keys, strict=True), strict=True)) if keys else {}
    table = pl.DataFrame(
        {name: list(names.get(name, ())) for name in ("commodity", "origin", "market")},
        schema=dict.fromkeys(("commodity", "origin", "market"), pl.String),
    ).with_columns(
        pl.col("market").replace("", None),
        quantity=pl.Series(quantity),
        value=pl.Series(value),
        unit_cost=pl.Series(_unit_cost(network, share, before)).fill_nan(0.0),
        price=pl.Series(np.where(quantity > 0, value / np.where(quantity > 0, quantity, 1.0), 0.0)),
    )
    return Groups(network, table, share)


def _labels_of(network: Network, nodes: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The label of the trade model for the territory of each node."""
    home = dict(network.nodes.select("node_id", "territory").iter_rows())
    found = []
    for node in nodes:
        label = _label(home[node], labels)
        if label is None:
            raise DataError(
                file="network_supply",
                found=f"a supply at '{node}', which lies in none of the economies of the trade model",
                allowed="supplies in economies of the trade model",
            )
        found.append(label)
    return found


def _label(place: str | None, labels: Sequence[str]) -> str | None:
    """The economy of the trade model that a market or territory belongs to; None for buyers that are not named."""
    if place is None:
        return None
    for candidate in (place, territory_of(place)):
        if candidate in labels:
            return candidate
    return REST if place in countries() and REST in labels else None


@dataclass(frozen=True, eq=False)
class Coupling:
    """How the groups of every system lie on the cells of a trade model.

    Attributes:
        matrix: the trade model's baseline.
        groups: by system.
        cells: (C, 3) exporter, importer, sector positions.
        value: (G, C) value of each group in each cell, by system.
        weight: (G, C) V, by system.
        unmatched: value of deliveries that no cell takes, by system (no such trade in the model, or more than the cell).
    """

    matrix: SectorMatrix
    groups: dict[str, Groups]
    cells: Ints
    value: dict[str, Floats]
    weight: dict[str, Floats]
    unmatched: dict[str, float]

    def stopped(self, system: str, kept: Floats) -> float:
        """Value in the cells of the trade model that a closure of one system stops."""
        worth = self.matrix.flows[tuple(self.cells.T)]
        return float((1.0 - kept) @ self.weight[system] @ worth)

    def drawn(self, matrix: SectorMatrix, price: dict[str, Floats]) -> Coupling:
        """The same groups on another baseline of the trade model, at other prices.

        Args:
            matrix: flows between the same economies and sectors.
            price: (G,) factor on the value of each group, by system.
        """
        value = {system: v * price[system][:, None] for system, v in self.value.items()}
        return _coupling(matrix, self.groups, self.cells, value)

    def changed(self, kept: dict[str, Floats], rise: dict[str, Floats]) -> tuple[Floats, Floats]:
        """(C,) cap and cost factor when the closures of these systems act together."""
        cap, factor = np.ones(len(self.cells)), np.ones(len(self.cells))
        for system, share in kept.items():
            cap -= (1.0 - share) @ self.weight[system]
            factor += (share * rise[system]) @ self.weight[system]
        return np.where(cap < SLACK, 0.0, np.minimum(cap, 1.0)), factor

    def scenario_cells(self, cap: Floats, factor: Floats, severed: Sequence[tuple[str, str]]) -> list[Cell]:
        """Cells that change, without those of pairs that are severed anyway."""
        labels, sectors = self.matrix.labels, self.matrix.sectors
        gone = set(severed)
        found = []
        for c in np.flatnonzero((cap < 1) | (factor > 1)):
            i, j, s = self.cells[c].tolist()
            pair = labels[i], labels[j]
            if pair in gone:
                continue
            left = max(float(cap[c]), LEAST_HOME) if i == j else float(cap[c])
            found.append(Cell(*pair, float(factor[c]), left, sectors[s]))
        return found


def couple(dossier: Dossier, matrix: SectorMatrix, found: dict[str, Groups]) -> Coupling:
    """Lay the groups of every system on the cells of a trade model, by the dossier's table `network_sectors`.

    Raises:
        DataError: a commodity without a sector, or shares of a commodity that do not add up to 1.
        UnknownLabel: a sector that the trade model does not hold.
    """
    sectors = sector_shares(dossier, matrix) if found else {}
    cells = np.argwhere(matrix.flows > 0)
    position = {tuple(cell): c for c, cell in enumerate(cells.tolist())}
    value: dict[str, Floats] = {}
    for system, own in found.items():
        value[system] = np.zeros((own.table.height, len(cells)))
        named = own.table.filter(pl.col("market").is_not_null()).select("commodity", "market")
        for g, row in enumerate(own.table.to_dicts()):
            taken = set(named.filter(pl.col("commodity") == row["commodity"])["market"])
            for cell, share in _spread(matrix, sectors, row, taken).items():
                value[system][g, position[cell]] += share * row["value"]
    total = np.sum([v.sum(axis=0) for v in value.values()], axis=0) if value else np.zeros(len(cells))
    used = np.flatnonzero(total > 0)
    kept = {system: np.ascontiguousarray(v[:, used]) for system, v in value.items()}
    return _coupling(matrix, found, cells[used].reshape(-1, 3), kept)


def _coupling(
    matrix: SectorMatrix, found: dict[str, Groups], cells: Ints, value: dict[str, Floats]
) -> Coupling:
    worth = matrix.flows[tuple(cells.T)]
    total = np.sum([v.sum(axis=0) for v in value.values()], axis=0) if value else np.zeros(len(cells))
    shrink = np.minimum(1.0, worth / np.where(total > 0, total, 1.0))
    weight = {system: v * shrink / worth for system, v in value.items()}
    unmatched = {
        system: float(found[system].table["value"].sum() - (weight[system] @ worth).sum()) for system in found
    }
    return Coupling(matrix, found, cells, value, weight, unmatched)


def _spread(
    matrix: SectorMatrix, sectors: dict[str, dict[int, float | None]], row: dict[str, str], taken: set[str]
) -> dict[tuple[int, int, int], float]:
    """Shares of a group's value by cell: over sectors as stated, else by value; over markets not named by value."""
    i = matrix.index(row["origin"])
    if row["market"] is not None:
        buyers = [matrix.index(row["market"])]
    else:
        buyers = [j for j, label in enumerate(matrix.labels) if j != i and label not in taken]
    shares: dict[tuple[int, int, int], float] = {}
    stated = sectors[row["commodity"]]
    spare = 1.0 - sum(share for share in stated.values() if share is not None)
    open_ended = [s for s, share in stated.items() if share is None]
    parts = [([s], share) for s, share in stated.items() if share is not None]
    for chosen, share in [*parts, (open_ended, spare)] if open_ended else parts:
        flows = {(i, j, s): float(matrix.flows[i, j, s]) for j in buyers for s in chosen}
        total = sum(flows.values())
        for cell, flow in flows.items():
            if flow > 0:
                shares[cell] = shares.get(cell, 0.0) + share * flow / total
    return shares


def sector_shares(dossier: Dossier, matrix: SectorMatrix) -> dict[str, dict[int, float | None]]:
    """Sectors of each commodity of the networks with their shares; None: what is left, in proportion to the trade.

    Raises:
        DataError, UnknownLabel: see `couple`.
    """
    file = dossier.header.paths[SECTORS]
    found: dict[str, dict[int, float | None]] = {}
    for row in dossier.tables[SECTORS].to_dicts():
        place = matrix.sector_index(row["sector"], file=file, column="sector")
        found.setdefault(row["commodity"], {})[place] = row["share"]
    for commodity, shares in found.items():
        stated = sum(share for share in shares.values() if share is not None)
        whole = stated <= 1.0 if None in shares.values() else abs(stated - 1.0) <= 1e-6
        if not whole:
            raise DataError(
                file=file,
                column="share",
                found=f"shares of {commodity} that add up to {stated:g}",
                allowed="1 (less where one share is empty and takes the rest)",
            )
    for commodity in dossier.tables["network_demand"]["commodity"].unique().sort():
        if commodity not in found:
            raise UnknownLabel(commodity, found, what="commodity", file=file, column="commodity")
    return found
