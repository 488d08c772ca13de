"""Leverage through transit: every coalition of the powers closes the parts of a transport system that it controls.

What concerns the focal state are its **own deliveries**: those of commodities that it supplies, wherever they go, and
those that arrive in its territory, wherever they come from. Others' goods share the roads and earn it fees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.network import (
    FlowResult,
    Network,
    Programme,
    SeveranceResult,
    counter_leverage,
    sever,
)
from betweengiants.network.units import stated_factors, weights
from betweengiants.position.results import (
    Channel,
    Result,
    Trail,
    autonomy,
    coalition_name,
    coalitions,
    effective_vectors,
)
from betweengiants.position.systems import (
    BOUNDS,
    OWNERSHIP_THRESHOLD,
    System,
    build_network,
    system_tables,
    systems_of,
)

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Own:
    """The focal state's own deliveries of a network.

    Attributes:
        rows: (D,) whether a row of the network's demand counts.
        commodities: those that the focal state itself supplies.
        per_unit: (D,) units of the system that one unit of the row's commodity is.
    """

    rows: NDArray[np.bool_]
    commodities: tuple[str, ...]
    per_unit: NDArray[np.float64]

    def quantity(self, demand: NDArray[np.float64]) -> float:
        """Own deliveries in the unit of the system, from (D,) deliveries."""
        return float((demand * self.per_unit)[self.rows].sum())

    def value(self, network: Network, demand: NDArray[np.float64]) -> float:
        """Own deliveries at their prices."""
        return float((demand * network.arrays.demand_price)[self.rows].sum())


@dataclass(frozen=True)
class TransitChannel:
    """Results of one transport system.

    Attributes:
        system: which one.
        channel: numbers and trails.
        network: the network at its central capacities.
        own: the focal state's own deliveries.
        before: flows without a severance, at central capacities.
        cases: severance by coalition name, at central capacities; coalitions that touch nothing of the network are
            left out.
        routes: case, edge_id, name, flow: own goods that cross the border of the focal state's territory by each edge
            (in the unit of the system), for every coalition; the case without a severance is the empty name.
        total_before: own deliveries without a severance, in the unit of the system a year.
    """

    system: System
    channel: Channel
    network: Network
    own: Own
    before: FlowResult
    cases: dict[str, SeveranceResult]
    routes: pl.DataFrame
    total_before: float

    @property
    def commodities(self) -> tuple[str, ...]:
        """Commodities that the focal state supplies."""
        return self.own.commodities


@dataclass(frozen=True)
class Loss:
    """What one closure takes from the focal state.

    Attributes:
        quantity: in the unit of the system. value: million USD delivered.
        interdictable, unreroutable: shares of own deliveries (see `network.severance`).
    """

    quantity: float
    value: float
    interdictable: float
    unreroutable: float


NOTHING = Loss(0.0, 0.0, 0.0, 0.0)


def transit_channels(dossier: Dossier) -> dict[str, TransitChannel]:
    """The channel of every system of the dossier, by its name."""
    return {system.name: transit_channel(dossier, system) for system in systems_of(dossier)}


def transit_channel(dossier: Dossier, system: System) -> TransitChannel:
    """Solve a system whole and without each coalition.

    Raises:
        DataError, Infeasible: from the network engine.
    """
    networks = {bound: build_network(dossier, system=system.name, capacity=bound) for bound in BOUNDS}
    network = networks["capacity"]
    own = own_deliveries(dossier, network, system)
    groups = coalitions(dossier.powers)
    solved = {bound: _Solved(candidate, own, groups) for bound, candidate in networks.items()}
    central = solved["capacity"]
    year, gdp = str(dossier.header.base_year), dossier.parameter(f"gdp_usd_m_{dossier.header.base_year}")[0]
    results: list[Result] = []
    for group in groups:
        case = coalition_name(group)
        place = (case, dossier.focal, "", year)
        results += _leverage(system, place, [solved[bound].loss(case) for bound in BOUNDS], gdp)
        bought = _purchases(network, central.before, own, group)
        results.append(
            Result(system.channel, "own_purchases_usd_m", *place, "usd_m", _point(bought), system.channel)
        )
        if case in central.cases:
            results += _counter(system, dossier.focal, group, network, central.cases[case], year)
    results += _with_fields(dossier, system, own, year)
    results += _balance(dossier, system, solved, year)
    flows = {"": central.before} | {coalition_name(group): central.before for group in groups}
    flows |= {case: severed.after for case, severed in central.cases.items()}
    return TransitChannel(
        system,
        Channel(results, [_trail(dossier, system, gdp)], _gaps(dossier, system)),
        network,
        own,
        central.before,
        central.cases,
        _routes(network, dossier, own, flows),
        own.quantity(central.before.arrays.demand),
    )


def own_deliveries(dossier: Dossier, network: Network, system: System) -> Own:
    """Which deliveries are the focal state's own, and what they are in the unit of the system."""
    home = network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"].to_list()
    supplied = tuple(sorted(set(network.supply.filter(pl.col("node_id").is_in(home))["commodity"])))
    demand = network.demand
    rows = (demand["commodity"].is_in(list(supplied)) | demand["node_id"].is_in(home)).to_numpy()
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
    return Own(rows, supplied, factor[network.arrays.demand_commodity])


class _Solved:
    """A network whole and without each coalition of which at least one power touches it."""

    def __init__(self, network: Network, own: Own, groups: Sequence[tuple[str, ...]]) -> None:
        self.network, self.own = network, own
        self.programme = Programme(network)
        self.before = self.programme.solve()
        known = set(network.powers)
        self.cases = {
            coalition_name(group): sever(
                network,
                [power for power in group if power in known],
                ownership_threshold=OWNERSHIP_THRESHOLD,
                programme=self.programme,
                before=self.before,
            )
            for group in groups
            if known.intersection(group)
        }

    def loss(self, case: str) -> Loss:
        """What a coalition takes; nothing if it touches nothing of the network."""
        severed = self.cases.get(case)
        if severed is None or not severed.closure.changes_anything:
            return NOTHING
        passing = passing_quantity(self.programme, self.own, self.before, severed)
        return own_loss(self.network, self.own, self.before, severed.after, passing)


def passing_quantity(programme: Programme, own: Own, before: FlowResult, severed: SeveranceResult) -> float:
    """Smallest quantity of own deliveries that must pass through something closed, in the unit of the system."""
    free = programme.avoiding_rows(severed.closure.limits, before.arrays, own.rows)
    return difference(own.quantity(before.arrays.demand), own.quantity(free))


def own_loss(network: Network, own: Own, before: FlowResult, after: FlowResult, passing: float) -> Loss:
    """What the focal state loses between two flows, `passing` being the quantity that the closed assets carry."""
    now = own.quantity(before.arrays.demand)
    lost = difference(now, own.quantity(after.arrays.demand))
    worth = difference(own.value(network, before.arrays.demand), own.value(network, after.arrays.demand))
    return Loss(lost, worth, max(passing, 0.0) / now if now else 0.0, lost / now if now else 0.0)


def difference(before: float, after: float) -> float:
    """Before less after, free of the solver's rounding."""
    lost = before - after
    return lost if abs(lost) > ROUNDING * max(abs(before), 1.0) else 0.0


def _leverage(
    system: System, place: tuple[str, str, str, str], losses: list[Loss], gdp: float
) -> list[Result]:
    central = losses[0]

    def spanned(name: str) -> Interval:
        return Interval.spanning(getattr(central, name), [getattr(loss, name) for loss in losses])

    value = spanned("value")
    numbers = {
        (f"lost_{system.unit}", system.unit): spanned("quantity"),
        ("lost_usd_m", "usd_m"): value,
        ("lost_pct_gdp", "pct"): value.scaled(100 / gdp),
        ("interdictable", "share"): spanned("interdictable"),
        ("unreroutable", "share"): spanned("unreroutable"),
    }
    return [
        Result(system.channel, measure, *place, unit, number, system.channel)
        for (measure, unit), number in numbers.items()
    ]


def _counter(
    system: System,
    focal: str,
    group: tuple[str, ...],
    network: Network,
    severed: SeveranceResult,
    year: str,
) -> list[Result]:
    """What the severing powers, and the focal state as a carrier, lose in fees and sales (central capacities)."""
    table = counter_leverage(network, severed)
    case = coalition_name(group)
    results = []
    for member in (focal, *group):
        row = table.filter(pl.col("power") == member)
        if row.height:
            for measure in ("fees", "sales"):
                number = _point(float(row[f"{measure}_lost"].item()))
                place = (case, member, "", year)
                name = f"{measure}_lost_usd_m"
                results.append(Result(system.channel, name, *place, "usd_m", number, system.channel))
    return results


def _purchases(network: Network, before: FlowResult, own: Own, group: tuple[str, ...]) -> float:
    """Value of own deliveries that the powers themselves buy: the part that the trade channel counts as well."""
    theirs = network.demand["market"].is_in(list(group)).to_numpy()
    return float((before.arrays.demand * network.arrays.demand_price)[own.rows & theirs].sum())


def _with_fields(dossier: Dossier, system: System, own: Own, year: str) -> list[Result]:
    """The loss to each power if the ownership of fields counted as control as well."""
    groups = [(power,) for power in dossier.powers]
    solved = _Solved(build_network(dossier, system=system.name, fields=True), own, groups)
    return [
        Result(
            system.channel,
            f"lost_{system.unit}_with_fields",
            power,
            dossier.focal,
            "",
            year,
            system.unit,
            _point(solved.loss(power).quantity),
            system.channel,
        )
        for power in dossier.powers
    ]


def _balance(dossier: Dossier, system: System, solved: dict[str, _Solved], year: str) -> list[Result]:
    """Effective vectors and autonomy of the roads, taken at each bound of the capacities and then spanned."""
    everyone = coalition_name(dossier.powers)
    vectors, free = [], []
    for bound in BOUNDS:
        values = [solved[bound].loss(power).value for power in dossier.powers]
        vectors.append(effective_vectors(values))
        joint = solved[bound].loss(everyone).value
        if joint > 0:
            free.append(autonomy(values, joint))
    place = (everyone, dossier.focal, "", year)
    numbers = {("effective_vectors", "index"): vectors}
    if len(free) == len(BOUNDS):
        numbers["autonomy", "share"] = free
    return [
        Result(system.channel, name, *place, unit, Interval.spanning(values[0], values), system.channel)
        for (name, unit), values in numbers.items()
    ]


def _routes(network: Network, dossier: Dossier, own: Own, flows: dict[str, FlowResult]) -> pl.DataFrame:
    """Own goods on the edges that cross the border of the focal state's territory, by case."""
    home = network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"].to_list()
    names = dossier.tables["network_edges"].select("edge_id", "name")
    crossing = (
        network.edges.filter(pl.col("from_node").is_in(home) != pl.col("to_node").is_in(home))
        .join(names, on="edge_id")
        .select("edge_id", "name")
    )
    factor = dict(zip(network.demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
    counted = sorted(set(network.demand.filter(pl.Series(own.rows))["commodity"]))
    parts = []
    for case, result in flows.items():
        flow = edge_totals(result, {name: factor[name] for name in counted})
        parts.append(crossing.join(flow, on="edge_id", how="inner").with_columns(case=pl.lit(case)))
    return pl.concat(parts).select("case", "edge_id", "name", "flow").sort("case", "edge_id")


def edge_totals(result: FlowResult, factors: Mapping[str, float]) -> pl.DataFrame:
    """edge_id, flow: what the commodities of `factors` add up to on every edge that may carry one of them."""
    table = pl.DataFrame(
        {"commodity": list(factors), "factor": list(factors.values())},
        schema={"commodity": pl.String, "factor": pl.Float64},
    )
    return (
        result.edges.join(table, on="commodity", how="inner")
        .group_by("edge_id")
        .agg(flow=(pl.col("flow") * pl.col("factor")).sum())
    )


def _point(value: float) -> Interval:
    return Interval(value, value, value)


def _gaps(dossier: Dossier, system: System) -> list[str]:
    running = system_tables(dossier, system.name)["edges"].filter(pl.col("status") == "operating")
    guessed = running.filter(pl.col("capacity_basis") == "estimate").height
    without = running.filter(pl.col("capacity").is_null()).height
    open_ended = [
        f"{without} links of the {system.name} network have no known capacity and count as without limit: what would be left "
        "after a closure may be less than shown."
    ]
    return [
        *(open_ended if without else []),
        f"{guessed} of {running.height} capacities of the {system.name} network are declared estimates with bounds, "
        "not ratings.",
    ]


def _trail(dossier: Dossier, system: System, gdp: float) -> Trail:
    setting = dossier.tables["parameters"].filter(
        pl.col("parameter") == f"gdp_usd_m_{dossier.header.base_year}"
    )
    tables = system_tables(dossier, system.name)
    return Trail(
        system.channel,
        f"Flow programme of the {system.name} network (value delivered less transport costs, linear programme): everything "
        "that the power controls closes, by territory, by ownership of half or more, by its own supply and purchases; "
        "what is left takes the best detour. The loss is the value delivered before less the value delivered after, of "
        "the focal state's own goods and of goods delivered in its territory.",
        "Range over all capacities at their low and at their high bound; prices are those of the base year.",
        {
            "gdp_usd_m": gdp,
            "ownership_threshold": OWNERSHIP_THRESHOLD,
            "base_year": str(dossier.header.base_year),
        },
        (*(f"network_{name}" for name in tables), "parameters"),
        tuple(used_sources(*tables.values(), setting)),
    )
