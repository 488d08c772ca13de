"""Leverage through transit: every coalition of the powers closes the parts of a transport system that it controls.

What concerns the focal state are its **own deliveries**: those of commodities that it supplies, wherever they go, and
those that arrive in its territory, wherever they come from. Others' goods share the roads and earn it fees. The value lost
is the value, at the dossier's prices and gross of all costs, of own deliveries that no longer get through: of exports, of
imports and of goods moved at home, each apart. A power that sells or buys itself takes its own trade away as well; the trade
channel counts the same trade, so the two are never added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

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
from betweengiants.network.counter import origins
from betweengiants.position.border import border_routes
from betweengiants.position.own_goods import (
    NOTHING,
    Loss,
    Own,
    own_deliveries,
    own_loss,
    passing_quantity,
)
from betweengiants.position.results import (
    Channel,
    Result,
    Trail,
    autonomy,
    coalition_name,
    coalitions,
    effective_vectors,
)
from betweengiants.position.settings import positive
from betweengiants.position.systems import (
    BOUNDS,
    OWNERSHIP_THRESHOLD,
    System,
    build_network,
    system_tables,
    systems_of,
)


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
        routes: own goods that cross the border of the focal state's territory by each edge (see `border_routes`), for
            every coalition; the case without a severance is the empty name.
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
    year, gdp = str(dossier.header.base_year), positive(dossier, f"gdp_usd_m_{dossier.header.base_year}")[0]
    results: list[Result] = []
    for group in groups:
        case = coalition_name(group)
        place = (case, dossier.focal, "", year)
        results += _leverage(system, place, [solved[bound].loss(case) for bound in BOUNDS], gdp, own.parts)
        trade = {
            "own_purchases_usd_m": _purchases(network, central.before, own, group),
            "own_supplies_usd_m": _supplies(central.programme, central.before, own, group),
        }
        results += [
            Result(system.channel, name, *place, "usd_m", _point(value), system.channel)
            for name, value in trade.items()
        ]
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
        border_routes(network, dossier, own, flows),
        own.quantity(central.before.arrays.demand),
    )


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


def _leverage(
    system: System,
    place: tuple[str, str, str, str],
    losses: list[Loss],
    gdp: float,
    parts: Sequence[str],
) -> list[Result]:
    """The loss in the system's unit and in money, as a whole and by part."""

    def spanned(values: list[float]) -> Interval:
        return Interval.spanning(values[0], values)

    value = spanned([loss.value for loss in losses])
    numbers = {
        (f"lost_{system.unit}", system.unit): spanned([loss.quantity for loss in losses]),
        ("lost_usd_m", "usd_m"): value,
        ("lost_pct_gdp", "pct"): value.scaled(100 / gdp),
        ("interdictable", "share"): spanned([loss.interdictable for loss in losses]),
        ("unreroutable", "share"): spanned([loss.unreroutable for loss in losses]),
    }
    for part in parts:
        quantity = spanned([loss.quantities[part] for loss in losses])
        numbers[f"lost_{part}_{system.unit}", system.unit] = quantity
        numbers[f"lost_{part}_usd_m", "usd_m"] = spanned([loss.values[part] for loss in losses])
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


def _supplies(programme: Programme, before: FlowResult, own: Own, group: tuple[str, ...]) -> float:
    """Value of the imports that the powers themselves sell: counted by the trade channel as well."""
    network = programme.network
    wanted = own.part("imports")
    if not wanted.any():
        return 0.0
    home = network.supply.join(network.nodes.select("node_id", "territory"), on="node_id", how="left")
    theirs = home["territory"].is_in(list(group)).fill_null(False).to_numpy()
    share = origins(network, programme.layout, before)[theirs].sum(axis=0)
    value = before.arrays.demand * network.arrays.demand_price
    return float((share * value)[wanted].sum())


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
        "what is left takes the best detour. The loss is the value, at the dossier's prices and gross of all costs, of the "
        "focal state's own deliveries that no longer get through: exports and imports apart. A power's own trade is part of "
        "it and is counted by the trade channel as well: the two are never added.",
        "Range over all capacities at their low and at their high bound; prices are those of the base year.",
        {
            "gdp_usd_m": gdp,
            "ownership_threshold": OWNERSHIP_THRESHOLD,
            "base_year": str(dossier.header.base_year),
        },
        (*(f"network_{name}" for name in tables), "parameters"),
        tuple(used_sources(*tables.values(), setting)),
    )
