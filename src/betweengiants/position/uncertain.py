"""What is uncertain about a position, from the dossier's table `uncertainty`: one row an input, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.position.systems import BOUNDS, system_tables
from betweengiants.trade.spread import Spread

Floats = NDArray[np.float64]
TABLE = "uncertainty"
PARAMETERS = ("theta_short", "theta_long")
CERTAIN = Spread.constant(1.0)


@dataclass(frozen=True)
class Uncertainty:
    """Distributions of the inputs of a position; what has no row in the table is certain.

    Attributes:
        theta: elasticity by horizon.
        flow_sd: standard deviation of the logarithm of the focal state's trade with each partner; 0: certain.
        capacities: whether capacities are drawn between their bounds, and the part of the variance they share.
        prices: whether prices are drawn between their bounds.
        planned: chance that a link that does not run yet runs in the long horizon, or None (all run).
        rerouting: share of the detours that can be used in the short horizon.
    """

    theta: dict[str, Spread]
    flow_sd: float
    capacities: float | None
    prices: bool
    planned: float | None
    rerouting: Spread


def uncertainty(dossier: Dossier) -> Uncertainty:
    """Read the table.

    Raises:
        DataError: a distribution that cannot be (see `Spread`), or a number outside its range.
        UnknownLabel: a parameter that the dossier lacks.
    """
    rows = {row["input"]: row for row in dossier.tables[TABLE].to_dicts()} if dossier.has(TABLE) else {}
    theta = {name.removeprefix("theta_"): _parameter(dossier, name, rows) for name in PARAMETERS}
    shared = rows.get("capacity_correlation", {}).get("centre")
    return Uncertainty(
        theta,
        dossier.parameter("flow_log_sd")[0] if "flows" in rows else 0.0,
        _share(0.0 if shared is None else shared, "capacity_correlation") if "capacities" in rows else None,
        "prices" in rows,
        _share(rows["planned_links"]["centre"], "planned_links") if "planned_links" in rows else None,
        _spread(rows["rerouting"]) if "rerouting" in rows else CERTAIN,
    )


def _parameter(dossier: Dossier, name: str, rows: dict[str, dict[str, object]]) -> Spread:
    value, low, high = dossier.parameter(name)
    if name not in rows:
        return Spread.constant(value)
    return _spread(rows[name] | {"low": low, "centre": value, "high": high})


def _spread(row: dict[str, object]) -> Spread:
    low, centre, high = (row[name] for name in ("low", "centre", "high"))
    if not all(isinstance(number, float) for number in (low, centre, high)):
        raise DataError(
            file=f"{TABLE}.csv", found=f"an empty bound of {row['input']}", allowed="low, centre and high"
        )
    return Spread(row["kind"], low, centre, high)  # type: ignore[arg-type]


def _share(value: object, name: str) -> float:
    if not isinstance(value, float) or not 0 <= value <= 1:
        raise DataError(file=f"{TABLE}.csv", column="centre", found=f"{value} for {name}", allowed="0 to 1")
    return value


def capacity_bounds(dossier: Dossier, system: str, edges: list[str]) -> Floats:
    """(3, E) least, usual and largest capacity of some edges; infinite where no capacity is known.

    Args:
        dossier: the evidence.
        system: name of the transport system.
        edges: ids in the order wanted.
    """
    rows = system_tables(dossier, system)["edges"]
    wanted = pl.DataFrame({"edge_id": edges}).join(rows, on="edge_id", how="left", maintain_order="left")
    _, low, high = BOUNDS
    return np.array(
        [
            wanted.select(pl.coalesce(low, "capacity").fill_null(np.inf)).to_series().to_numpy(),
            wanted["capacity"].fill_null(np.inf).to_numpy(),
            wanted.select(pl.coalesce(high, "capacity").fill_null(np.inf)).to_series().to_numpy(),
        ]
    )


def price_bounds(dossier: Dossier, commodities: list[str]) -> tuple[Floats, NDArray[np.int64]]:
    """(3, K) least, usual and largest price of each commodity over its usual price, and which of them each entry is.

    Args:
        dossier: the evidence; prices are weighted by the quantities of `network_demand`.
        commodities: names, repeated as wanted.
    """
    names = sorted(set(commodities))
    rows = dossier.tables["network_demand"].with_columns(
        pl.coalesce("price_low", "price").alias("price_low"),
        pl.coalesce("price_high", "price").alias("price_high"),
    )
    found = np.ones((3, len(names)))
    for k, commodity in enumerate(names):
        own = rows.filter(pl.col("commodity") == commodity)
        worth = float((own["quantity"] * own["price"]).sum())
        if worth > 0:
            for end, column in ((0, "price_low"), (2, "price_high")):
                found[end, k] = float((own["quantity"] * own[column]).sum()) / worth
    found[0], found[2] = np.minimum(found[0], 1.0), np.maximum(found[2], 1.0)
    return found, np.array([names.index(commodity) for commodity in commodities], dtype=np.int64)


def triangular(bounds: Floats, u: Floats) -> Floats:
    """Values of triangular distributions: (3, n) least, mode and largest at (n,) probabilities; constants where they agree."""
    known = np.isfinite(bounds).all(axis=0) & (bounds[2] > bounds[0])
    low, mode, high = np.where(known, bounds, np.array([[0.0], [0.5], [1.0]]))
    width = high - low
    rising = low + np.sqrt(u * width * (mode - low))
    falling = high - np.sqrt((1.0 - u) * width * (high - mode))
    return np.asarray(np.where(known, np.where(u <= (mode - low) / width, rising, falling), bounds[1]))


def correlated(rng: np.random.Generator, count: int, shared: float) -> Floats:
    """(count,) uniform numbers whose normal scores share this part of their variance (a Gaussian copula)."""
    own, common = rng.standard_normal(count), rng.standard_normal()
    return np.asarray(ndtr(np.sqrt(shared) * common + np.sqrt(1.0 - shared) * own), dtype=np.float64)
