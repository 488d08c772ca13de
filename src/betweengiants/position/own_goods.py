"""The focal state's own goods in a transport system, and what a closure takes of them.

exports   goods that it supplies itself, delivered abroad
imports   goods that it does not supply, delivered in its territory
home      goods that it supplies itself, delivered in its territory

Others' goods share the roads and earn it fees; they are none of its own. A commodity that it both supplies and buys counts
as supplied: keep the two apart by name (`gas-kaz`, `gas-rus`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.dossier import Dossier
from betweengiants.network import FlowResult, Network, Programme, SeveranceResult
from betweengiants.network.units import stated_factors, weights
from betweengiants.position.systems import System, system_tables

PARTS = ("exports", "imports", "home")
ROUNDING = 1e-9
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Own:
    """The focal state's own deliveries of a network.

    Attributes:
        rows: (D,) whether a row of the network's demand counts.
        commodities: those that the focal state itself supplies.
        per_unit: (D,) units of the system that one unit of the row's commodity is.
        at_home: (D,) whether the row is delivered in its territory.
        supplied: (D,) whether the row's commodity is one of `commodities`.
    """

    rows: Flags
    commodities: tuple[str, ...]
    per_unit: Floats
    at_home: Flags
    supplied: Flags

    def part(self, name: str) -> Flags:
        """(D,) the counted rows of one of PARTS."""
        which = {
            "exports": ~self.at_home,
            "imports": self.at_home & ~self.supplied,
            "home": self.at_home & self.supplied,
        }
        return self.rows & which[name]

    def labels(self) -> list[str | None]:
        """(D,) the part that each row belongs to; None where it does not count."""
        found: list[str | None] = [None] * len(self.rows)
        for name in PARTS:
            for place in np.flatnonzero(self.part(name)):
                found[place] = name
        return found

    @property
    def parts(self) -> tuple[str, ...]:
        """Exports and imports, and home where the system delivers the state's own goods at home."""
        return PARTS if self.part("home").any() else PARTS[:2]

    def quantity(self, demand: Floats, part: str | None = None) -> float:
        """Own deliveries, or a part of them, in the unit of the system, from (D,) deliveries."""
        return float((demand * self.per_unit)[self._counted(part)].sum())

    def value(self, network: Network, demand: Floats, part: str | None = None) -> float:
        """Own deliveries, or a part of them, at their prices."""
        return float((demand * network.arrays.demand_price)[self._counted(part)].sum())

    def _counted(self, part: str | None) -> Flags:
        return self.rows if part is None else self.part(part)


@dataclass(frozen=True)
class Loss:
    """What one closure takes from the focal state.

    Attributes:
        quantities: by part, in the unit of the system. values: by part, million USD of deliveries at their prices, gross
            (below zero where more of a part arrives, others having made room).
        interdictable, unreroutable: shares of own deliveries (see `network.severance`).
    """

    quantities: Mapping[str, float]
    values: Mapping[str, float]
    interdictable: float
    unreroutable: float

    @property
    def quantity(self) -> float:
        """All parts together."""
        return sum(self.quantities.values())

    @property
    def value(self) -> float:
        """All parts together."""
        return sum(self.values.values())


NOTHING = Loss(dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0.0), 0.0, 0.0)


def own_deliveries(dossier: Dossier, network: Network, system: System) -> Own:
    """Which deliveries are the focal state's own, and what they are in the unit of the system."""
    home = network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"].to_list()
    commodities = tuple(sorted(set(network.supply.filter(pl.col("node_id").is_in(home))["commodity"])))
    supplied = network.demand["commodity"].is_in(list(commodities)).to_numpy()
    at_home = network.demand["node_id"].is_in(home).to_numpy()
    stated = stated_factors(system_tables(dossier, system.name).get("conversions"), "network_conversions")
    count = len(network.commodities)
    factor = weights(
        [system.unit],
        np.ones((1, count), dtype=np.bool_),
        network.commodities,
        network.units,
        stated,
        ids=[f"the total of {system.goods}"],
        file="network_commodities",
    )[0]
    per_unit = factor[network.arrays.demand_commodity]
    return Own(supplied | at_home, commodities, per_unit, at_home, supplied)


def passing_quantity(programme: Programme, own: Own, before: FlowResult, severed: SeveranceResult) -> float:
    """Smallest quantity of own deliveries that must pass through something closed, in the unit of the system."""
    free = programme.avoiding_rows(severed.closure.limits, before.arrays, own.rows)
    return difference(own.quantity(before.arrays.demand), own.quantity(free))


def own_loss(network: Network, own: Own, before: FlowResult, after: FlowResult, passing: float) -> Loss:
    """What the focal state loses between two flows, `passing` being the quantity that the closed assets carry."""
    was, now = before.arrays.demand, after.arrays.demand
    whole = own.quantity(was)
    quantities = {part: difference(own.quantity(was, part), own.quantity(now, part)) for part in PARTS}
    values = {
        part: difference(own.value(network, was, part), own.value(network, now, part)) for part in PARTS
    }
    stuck = sum(quantities.values()) / whole if whole else 0.0
    return Loss(quantities, values, max(passing, 0.0) / whole if whole else 0.0, stuck)


def difference(before: float, after: float) -> float:
    """Before less after, free of the solver's rounding."""
    lost = before - after
    return lost if abs(lost) > ROUNDING * max(abs(before), 1.0) else 0.0
