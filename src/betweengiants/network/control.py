"""What a power closes, and why.

territory   every edge that touches a node in the power's own territory, and supply and demand at such a node;
            assets of the control table likewise (a share says how much lies in the territory; any part will do).
ownership   assets that the power owns from a threshold on, or whose control is stated without a share
            (`controlled_by`, or an empty share). When several powers sever together, their shares add up.
supply      the power's own volumes: supply in its territory or given to it by the control table, by its share.
market      the power's own purchases: demand whose market it is or that the control table gives to it, by its share.

A closed node closes its edges and the supply and demand at it. Filling or emptying an edge closes nothing: `supply` and
`market` rows of the control table that name an edge take no effect, and are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.countries import territory_of
from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.network.model import Flags, Floats, Limits, Network
from betweengiants.network.reading import BASES

OWNERSHIP_THRESHOLD = 0.5
# Shares are typed in with a few digits: 0.2 + 0.3 must reach 0.5.
SHARE_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Closure:
    """What a severance closes.

    Attributes:
        powers: who severs.
        asked: the bases that were allowed to count.
        bases: those of them that closed something.
        limits: what stays open.
        closed: asset_id, asset (edge, supply or demand; for the latter two asset_id is the node), power, basis, why.
        notes: control that took no effect, and powers that close nothing.
    """

    powers: tuple[str, ...]
    asked: tuple[str, ...]
    bases: tuple[str, ...]
    limits: Limits
    closed: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether any edge, supply or demand is closed."""
        return self.closed.height > 0


@dataclass(slots=True)
class _Draft:
    """A closure while it is being put together."""

    edge_open: Flags
    supply_left: Floats
    demand_left: Floats
    rows: list[tuple[str, str, str, str, str]]
    notes: list[str]


def closure(
    network: Network,
    powers: Sequence[str],
    *,
    bases: Sequence[str] = BASES,
    ownership_threshold: float = OWNERSHIP_THRESHOLD,
) -> Closure:
    """What the powers close together.

    Args:
        network: the network.
        powers: one or more of `network.powers`.
        bases: which reasons count, from territory, ownership, market, supply.
        ownership_threshold: smallest share, above 0 and up to 1, that closes an asset.

    Raises:
        UnknownLabel: a power or basis that is not known, with the nearest names.
        DataError: no power, no basis, or a threshold outside (0, 1].
    """
    powers, asked = _checked_request(network, powers, bases, ownership_threshold)
    edges, supply, demand = len(network.arrays.capacity), network.supply.height, network.demand.height
    draft = _Draft(np.ones(edges, bool), np.ones(supply), np.ones(demand), [], [])
    if "territory" in asked:
        _close_territory(network, powers, draft)
    if "ownership" in asked:
        _close_owned(network, powers, ownership_threshold, draft)
    if "supply" in asked:
        _withhold(network, powers, draft, "supply")
    if "market" in asked:
        _withhold(network, powers, draft, "market")
    return _finished(network, powers, asked, draft)


def _checked_request(
    network: Network, powers: Sequence[str], bases: Sequence[str], threshold: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    powers, bases = tuple(dict.fromkeys(powers)), tuple(dict.fromkeys(bases))
    if not powers:
        raise DataError(found="no power", allowed=f"at least one of {summary(network.powers)}")
    if not bases:
        raise DataError(found="no basis", allowed=f"at least one of {', '.join(BASES)}")
    for power in powers:
        if power not in network.powers:
            raise UnknownLabel(power, network.powers, what="power")
    for basis in bases:
        if basis not in BASES:
            raise UnknownLabel(basis, BASES, what="basis")
    if not 0 < threshold <= 1:
        raise DataError(
            found=f"an ownership threshold of {threshold:g}", allowed="a share above 0 and up to 1"
        )
    return powers, tuple(basis for basis in BASES if basis in bases)


def _finished(network: Network, powers: tuple[str, ...], asked: tuple[str, ...], draft: _Draft) -> Closure:
    closed = (
        pl.DataFrame(
            draft.rows,
            schema=dict.fromkeys(("asset_id", "asset", "power", "basis", "why"), pl.String),
            orient="row",
        )
        .group_by("asset_id", "asset", "power", "basis")
        .agg(pl.col("why").unique().sort().str.join("; "))
        .sort("asset", "asset_id", "power", "basis")
    )
    for power in powers:
        if power not in closed["power"]:
            draft.notes.append(f"{power} closes nothing on the basis of {', '.join(asked)}")
    numbers = network.arrays
    limits = Limits(
        draft.edge_open,
        np.where(draft.supply_left < SHARE_ROUNDING, 0.0, numbers.supply_quantity * draft.supply_left),
        np.where(draft.demand_left < SHARE_ROUNDING, 0.0, numbers.demand_quantity * draft.demand_left),
    )
    used = tuple(basis for basis in asked if basis in closed["basis"])
    return Closure(powers, asked, used, limits, closed, tuple(draft.notes))


def _close_territory(network: Network, powers: tuple[str, ...], draft: _Draft) -> None:
    for power in powers:
        mine = network.nodes.filter((pl.col("country") == power) | (pl.col("territory") == power))
        for node, country in mine.select("node_id", "country").iter_rows():
            _close_node(network, node, power, "territory", f"'{node}' lies in {country}", draft)
        for asset, kind, _ in _stated(network, power, "territory"):
            _close_asset(network, asset, kind, power, "territory", "the control table says so", draft)


def _close_owned(network: Network, powers: tuple[str, ...], threshold: float, draft: _Draft) -> None:
    small: dict[str, list[str]] = {}
    held: dict[tuple[str, str], list[tuple[str, float | None, str]]] = {}
    for power in powers:
        rows = network.control.filter((pl.col("power") == power) & (pl.col("basis") == "ownership"))
        for asset, kind, share, where in rows.select("asset_id", "asset", "share", "stated_in").iter_rows():
            held.setdefault((asset, kind), []).append((power, share, where))
    for (asset, kind), holders in sorted(held.items()):
        stated = any(share is None for _, share, _ in holders)
        total = sum(share for _, share, _ in holders if share is not None)
        if stated or total >= threshold - SHARE_ROUNDING:
            for power, share, where in holders:
                why = f"named in {where}" if share is None else f"share {share:g}"
                _close_asset(network, asset, kind, power, "ownership", why, draft)
        else:
            small.setdefault(" and ".join(power for power, _, _ in holders), []).append(f"{asset} {total:g}")
    for names, assets in small.items():
        draft.notes.append(
            f"{names}: shares below the threshold {threshold:g} close nothing: {summary(assets)}"
        )


def _close_asset(
    network: Network, asset: str, kind: str, power: str, basis: str, why: str, draft: _Draft
) -> None:
    if kind == "node":
        _close_node(network, asset, power, basis, f"'{asset}': {why}", draft)
    elif asset in network.edge_index:
        draft.edge_open[network.edge_index[asset]] = False
        draft.rows.append((asset, "edge", power, basis, why))


def _close_node(network: Network, node: str, power: str, basis: str, why: str, draft: _Draft) -> None:
    numbers, place = network.arrays, network.node_index[node]
    touching = np.flatnonzero((numbers.edge_from == place) | (numbers.edge_to == place))
    draft.edge_open[touching] = False
    draft.rows += [(network.edges["edge_id"][int(edge)], "edge", power, basis, why) for edge in touching]
    for kind, at, left in (
        ("supply", numbers.supply_node, draft.supply_left),
        ("demand", numbers.demand_node, draft.demand_left),
    ):
        here = at == place
        left[here] = 0.0
        if here.any():
            draft.rows.append((node, kind, power, basis, why))


def _withhold(network: Network, powers: tuple[str, ...], draft: _Draft, basis: str) -> None:
    """Take the powers' own volumes (`supply`) or purchases (`market`) away; shares of several powers add up."""
    frame, left, kind = (
        (network.supply, draft.supply_left, "supply")
        if basis == "supply"
        else (network.demand, draft.demand_left, "demand")
    )
    nodes = frame["node_id"].to_numpy()
    taken = np.zeros(frame.height)
    for power in powers:
        own = _own_rows(network, frame, power, basis)
        taken[own] += 1.0
        draft.rows += [(str(node), kind, power, basis, f"{kind} of {power}") for node in nodes[own]]
        for asset, asset_kind, share in _stated(network, power, basis):
            here = (nodes == asset) & ~own
            if asset_kind == "node" and here.any():
                taken[here] += 1.0 if share is None else share
                part = "all" if share is None else f"share {share:g}"
                draft.rows.append((asset, kind, power, basis, f"{part} of the {kind} there is {power}'s"))
            elif not (nodes == asset).any():
                draft.notes.append(
                    f"{power} has a {basis} row for '{asset}', which holds no {kind}: it closes nothing"
                )
    left *= 1.0 - np.minimum(taken, 1.0)


def _own_rows(network: Network, frame: pl.DataFrame, power: str, basis: str) -> Flags:
    """Supply in the power's territory; demand whose market the power is."""
    if basis == "supply":
        home = network.nodes.filter((pl.col("country") == power) | (pl.col("territory") == power))["node_id"]
        return np.array(frame["node_id"].is_in(home.to_list()), dtype=bool)
    return np.array([power in (market, territory_of(market)) for market in frame["market"]], dtype=bool)


def _stated(network: Network, power: str, basis: str) -> list[tuple[str, str, float | None]]:
    """Rows (asset, edge or node, share) of the control table for one power and basis."""
    rows = network.control.filter((pl.col("power") == power) & (pl.col("basis") == basis))
    return list(rows.select("asset_id", "asset", "share").iter_rows())
