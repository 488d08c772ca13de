"""Severance: what still flows when one or several powers close all that they control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, summary
from betweengiants.network.control import OWNERSHIP_THRESHOLD, Closure, closure
from betweengiants.network.model import Floats, Network
from betweengiants.network.programme import ROUNDING, Programme
from betweengiants.network.reading import BASES
from betweengiants.network.results import FlowArrays, FlowResult, edge_flows

# A change below this share of the largest flow, or of what was delivered, is rounding.
RISE = 1e-9


@dataclass(frozen=True, eq=False)
class SeveranceResult:
    """Before and after.

    Attributes:
        powers, bases: who severs, and the bases on which something closes.
        before, after: the flows.
        table: commodity, market, before, after, lost, lost_pct (null where nothing was delivered before).
        shares: commodity, before, after, lost, interdictable, unreroutable (null where nothing was delivered before).
            interdictable: smallest share of what is delivered now that must pass through something closed, however the
            present flow is split into paths. unreroutable: lost / before, after the best detour; negative where more is
            delivered than before (others' volumes make room).
        detours: edge_id, commodity, before, after, rise: edges that carry more than before.
        unit_costs: commodity, market, before, after, rise: transport cost of one unit delivered (null where
            nothing is).
        closed: asset_id, asset, power, basis, why.
        notes: control that took no effect.
        closure: the same with arrays.
    """

    powers: tuple[str, ...]
    bases: tuple[str, ...]
    before: FlowResult
    after: FlowResult
    table: pl.DataFrame
    shares: pl.DataFrame
    detours: pl.DataFrame
    unit_costs: pl.DataFrame
    closed: pl.DataFrame
    notes: tuple[str, ...]
    closure: Closure

    @property
    def value_before(self) -> float:
        """Value of the whole network."""
        return self.before.value

    @property
    def value_after(self) -> float:
        """Value of what is left."""
        return self.after.value

    @property
    def value_lost(self) -> float:
        """Their difference, never below zero."""
        return max(0.0, self.before.value - self.after.value)

    @property
    def interdictable(self) -> dict[str, float | None]:
        """Interdictable share by commodity."""
        return dict(self.shares.select("commodity", "interdictable").iter_rows())

    @property
    def unreroutable(self) -> dict[str, float | None]:
        """Unreroutable share by commodity."""
        return dict(self.shares.select("commodity", "unreroutable").iter_rows())


def sever(
    network: Network,
    powers: Sequence[str],
    *,
    bases: Sequence[str] = BASES,
    ownership_threshold: float = OWNERSHIP_THRESHOLD,
    programme: Programme | None = None,
    before: FlowResult | None = None,
) -> SeveranceResult:
    """Close all that the powers control, together, and send the goods round the best way that is left.

    Args:
        network: the network.
        powers: one or more of `network.powers`.
        bases: which kinds of control count.
        ownership_threshold: smallest share that closes an asset.
        programme: the network's own programme, to save building it again.
        before: that programme's solution of the whole network, to save solving it again.

    Raises:
        UnknownLabel, DataError: see `closure`.
        Infeasible, NotConverged: see `Programme.solve`.
    """
    cut = closure(network, powers, bases=bases, ownership_threshold=ownership_threshold)
    programme = programme or Programme(network)
    before = before or programme.solve()
    after = programme.solve(cut.limits, near=before.arrays) if cut.changes_anything else before
    notes = cut.notes
    if any(_is_part(left, whole) for left, whole in _volumes(network, cut)):
        notes = (*notes, "some supply or demand is cut by a share, not in full")
    return SeveranceResult(
        powers=cut.powers,
        bases=cut.bases,
        before=before,
        after=after,
        table=_table(before, after),
        shares=_shares(network, programme, cut, before, after),
        detours=_detours(network, programme, before, after),
        unit_costs=_unit_costs(before, after),
        closed=cut.closed,
        notes=notes,
        closure=cut,
    )


def coalitions(
    network: Network,
    powers: Sequence[str],
    *,
    bases: Sequence[str] = BASES,
    ownership_threshold: float = OWNERSHIP_THRESHOLD,
    order: int | None = None,
    programme: Programme | None = None,
) -> pl.DataFrame:
    """Value lost to every coalition of the powers: the numbers that Shapley values share out.

    Args:
        network: the network.
        powers: the powers; n of them give 2^n - 1 coalitions (at most 12 powers, unless `order` is given).
        bases: which kinds of control count.
        ownership_threshold: smallest share that closes an asset; shares of a coalition add up.
        order: only coalitions of so many powers (default: all).
        programme: the network's own programme, to save building it again.

    Returns:
        removed (powers joined by `;`), value_before, value_after, value_lost, delivered_lost (sum over commodities),
        the largest loss first.

    Raises:
        UnknownLabel, DataError: see `closure`.
    """
    names = sorted(set(powers))
    if order is None and len(names) > 12:
        raise DataError(found=f"{len(names)} powers ({summary(names)})", allowed="at most 12")
    if order is not None and not 1 <= order <= len(names):
        raise DataError(found=f"coalitions of {order} powers", allowed=f"1 to {len(names)}")
    programme = programme or Programme(network)
    before = programme.optimum(network.everything)
    sizes = range(1, len(names) + 1) if order is None else (order,)
    rows = []
    for group in (g for size in sizes for g in combinations(names, size)):
        cut = closure(network, group, bases=bases, ownership_threshold=ownership_threshold)
        after = before
        if cut.changes_anything:
            after = programme.optimum(cut.limits, near=before)
        rows.append((";".join(group), before, after))
    return ranked(rows)


def ranked(rows: Sequence[tuple[str, FlowArrays, FlowArrays]]) -> pl.DataFrame:
    """Rows (removed, before, after) as one table, the largest loss of value first."""
    return pl.DataFrame(
        [
            (
                name,
                before.value,
                after.value,
                max(0.0, before.value - after.value),
                float(before.demand.sum() - after.demand.sum()),
            )
            for name, before, after in rows
        ],
        schema={
            "removed": pl.String,
            "value_before": pl.Float64,
            "value_after": pl.Float64,
            "value_lost": pl.Float64,
            "delivered_lost": pl.Float64,
        },
        orient="row",
    ).sort("value_lost", "removed", descending=[True, False])


def _volumes(network: Network, cut: Closure) -> tuple[tuple[Floats, Floats], ...]:
    numbers, limits = network.arrays, cut.limits
    return (limits.supply, numbers.supply_quantity), (limits.demand, numbers.demand_quantity)


def _is_part(left: Floats, whole: Floats) -> bool:
    return bool(((left > 0) & (left < whole)).any())


def _table(before: FlowResult, after: FlowResult) -> pl.DataFrame:
    key = ["commodity", "market"]
    quantities = [side.delivered.group_by(key).agg(pl.col("quantity").sum()) for side in (before, after)]
    joined = (
        quantities[0].rename({"quantity": "before"}).join(quantities[1].rename({"quantity": "after"}), on=key)
    )
    return (
        _with_losses(joined).with_columns(lost_pct=100.0 * pl.col("lost_share")).drop("lost_share").sort(key)
    )


def _with_losses(frame: pl.DataFrame) -> pl.DataFrame:
    difference = pl.col("before") - pl.col("after")
    lost = pl.when(difference.abs() > RISE * pl.col("before")).then(difference).otherwise(0.0)
    share = pl.when(pl.col("before") > 0).then(lost / pl.col("before"))
    return frame.with_columns(lost=lost, lost_share=share)


def _shares(
    network: Network, programme: Programme, cut: Closure, before: FlowResult, after: FlowResult
) -> pl.DataFrame:
    place, count = network.arrays.demand_commodity, len(network.commodities)
    now, then = (np.bincount(place, weights=side.arrays.demand, minlength=count) for side in (before, after))
    free = programme.avoiding(cut.limits, before.arrays) if cut.changes_anything else now
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(1.0 - free / now, 0.0, 1.0)
    share = np.where(now > 0, np.where(share < RISE, 0.0, share), np.nan)
    frame = pl.DataFrame({"commodity": list(network.commodities), "before": now, "after": then})
    frame = _with_losses(frame).with_columns(interdictable=pl.Series(share).fill_nan(None))
    return frame.select("commodity", "before", "after", "lost", "interdictable", unreroutable="lost_share")


def _detours(network: Network, programme: Programme, before: FlowResult, after: FlowResult) -> pl.DataFrame:
    now, then = (np.abs(edge_flows(network, programme.layout, side.arrays.flow)) for side in (before, after))
    edge, commodity = np.nonzero(then - now > max(ROUNDING, RISE * float(now.max(initial=0.0))))
    names = np.array(network.commodities, dtype=object)
    return pl.DataFrame(
        {
            "edge_id": network.edges["edge_id"].gather(edge),
            "commodity": pl.Series(names[commodity].tolist(), dtype=pl.String),
            "before": now[edge, commodity],
            "after": then[edge, commodity],
            "rise": (then - now)[edge, commodity],
        }
    ).sort("edge_id", "commodity")


def _unit_costs(before: FlowResult, after: FlowResult) -> pl.DataFrame:
    key = ["commodity", "market"]
    spent = pl.col("quantity") * pl.col("unit_cost")
    cost = pl.when(pl.col("quantity").sum() > 0).then(spent.sum() / pl.col("quantity").sum())
    sides = [side.delivered.group_by(key).agg(cost.alias("unit_cost")) for side in (before, after)]
    joined = sides[0].rename({"unit_cost": "before"}).join(sides[1].rename({"unit_cost": "after"}), on=key)
    return joined.with_columns(rise=pl.col("after") - pl.col("before")).sort(key)
