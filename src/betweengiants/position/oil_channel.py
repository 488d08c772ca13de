"""Leverage through transit: every coalition of the powers closes the parts of the oil network that it controls."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.network import FlowResult, Network, Programme, SeveranceResult, sever
from betweengiants.position.results import (
    Channel,
    Result,
    Trail,
    autonomy,
    coalition_name,
    coalitions,
    effective_vectors,
)

CHANNEL = "oil_transit"
TABLES = ("network_nodes", "network_edges", "network_supply", "network_demand", "network_control")
BOUNDS = ("capacity", "capacity_low", "capacity_high")
OWNERSHIP_THRESHOLD = 0.5
ROUNDING = 1e-9


@dataclass(frozen=True)
class OilChannel:
    """Results of the oil network.

    Attributes:
        channel: numbers and trails.
        network: the network at its central capacities.
        commodities: those that the focal state itself supplies.
        before: flows without a severance, at central capacities.
        cases: severance by coalition name, at central capacities; coalitions that touch nothing of the network are
            left out.
        routes: case, edge_id, name, flow: what leaves the focal state's territory by each edge, for every
            coalition; the case without a severance is the empty name.
        total_before: the focal state's deliveries without a severance, in million tonnes a year.
    """

    channel: Channel
    network: Network
    commodities: tuple[str, ...]
    before: FlowResult
    cases: dict[str, SeveranceResult]
    routes: pl.DataFrame
    total_before: float


@dataclass(frozen=True)
class _Loss:
    """What one severance takes from the focal state: million tonnes, million USD delivered, shares."""

    tonnes: float
    value: float
    interdictable: float
    unreroutable: float


def oil_channel(dossier: Dossier) -> OilChannel | None:
    """Solve the network whole and without each coalition; None if the dossier holds no network.

    Raises:
        DataError, Infeasible: from the network engine.
    """
    if not dossier.has(*TABLES):
        return None
    networks = {bound: build_network(dossier, capacity=bound) for bound in BOUNDS}
    network = networks["capacity"]
    own = _own_commodities(network, dossier.focal)
    groups = coalitions(dossier.powers)
    solved = {bound: _sever_all(candidate, groups) for bound, candidate in networks.items()}
    before, cases = solved["capacity"]
    _, with_fields = _sever_all(build_network(dossier, fields=True), [(power,) for power in dossier.powers])
    year, gdp = str(dossier.header.base_year), dossier.parameter(f"gdp_usd_m_{dossier.header.base_year}")[0]
    results: list[Result] = []
    for group in groups:
        case = coalition_name(group)
        losses = [_loss(solved[bound][1].get(case), own) for bound in BOUNDS]
        results += _leverage(case, losses, (dossier.focal, "", year), gdp)
        bought = _purchases(before, own, group)
        place = (case, dossier.focal, "", year)
        results.append(Result(CHANNEL, "own_purchases_usd_m", *place, "usd_m", _point(bought), CHANNEL))
    for power in dossier.powers:
        lost = _loss(with_fields.get(power), own)
        place = (power, dossier.focal, "", year)
        results.append(
            Result(CHANNEL, "lost_million_t_with_fields", *place, "million_t", _point(lost.tonnes), CHANNEL)
        )
    results += _balance(dossier, {bound: found for bound, (_, found) in solved.items()}, own, year)
    flows = {"": before} | {coalition_name(group): before for group in groups}
    flows |= {case: severed.after for case, severed in cases.items()}
    return OilChannel(
        Channel(results, [_trail(dossier, gdp)], _gaps(dossier)),
        network,
        own,
        before,
        cases,
        _routes(network, dossier, own, flows),
        _delivered(before.delivered, own, "quantity"),
    )


def build_network(dossier: Dossier, *, capacity: str = "capacity", fields: bool = False) -> Network:
    """The dossier's oil network.

    Args:
        dossier: one with the tables of a network.
        capacity: which column bounds the edges: capacity, capacity_low or capacity_high (central where blank).
        fields: whether owning an oil field counts as control. By default it does not: a field's owner decides on
            output, not on transit.
    """
    edges = dossier.tables["network_edges"].with_columns(capacity=pl.coalesce(capacity, "capacity"))
    nodes, control = dossier.tables["network_nodes"], dossier.tables["network_control"]
    if not fields:
        at_field = pl.col("asset_id").is_in(nodes.filter(pl.col("kind") == "field")["node_id"].to_list())
        control = control.filter(~(at_field & (pl.col("basis") == "ownership")))
    return Network.from_frames(
        nodes,
        edges,
        dossier.tables["network_supply"],
        dossier.tables["network_demand"],
        control=control,
        names={name.removeprefix("network_"): dossier.header.paths[name] for name in TABLES},
    )


def _sever_all(
    network: Network, groups: list[tuple[str, ...]]
) -> tuple[FlowResult, dict[str, SeveranceResult]]:
    """Flows as they are, and the severance by each coalition of which at least one power touches the network."""
    programme = Programme(network)
    before = programme.solve()
    known = set(network.powers)
    return before, {
        coalition_name(group): sever(
            network,
            [power for power in group if power in known],
            ownership_threshold=OWNERSHIP_THRESHOLD,
            programme=programme,
            before=before,
        )
        for group in groups
        if known.intersection(group)
    }


def _own_commodities(network: Network, focal: str) -> tuple[str, ...]:
    """Commodities that the focal state supplies from its own territory."""
    at_home = network.supply.join(
        network.nodes.filter(pl.col("territory") == focal), on="node_id", how="semi"
    )
    return tuple(sorted(set(at_home["commodity"])))


def _delivered(delivered: pl.DataFrame, own: tuple[str, ...], column: str) -> float:
    return float(delivered.filter(pl.col("commodity").is_in(own))[column].sum())


def _loss(severed: SeveranceResult | None, own: tuple[str, ...]) -> _Loss:
    """What a severance takes; nothing if the powers touch nothing of the network."""
    if severed is None:
        return _Loss(0.0, 0.0, 0.0, 0.0)
    before, after = severed.before.delivered, severed.after.delivered
    now, worth = _delivered(before, own, "quantity"), _delivered(before, own, "value")
    tonnes = _difference(now, _delivered(after, own, "quantity"))
    shares = severed.shares.filter(pl.col("commodity").is_in(own))
    passing = float((shares["interdictable"] * shares["before"]).sum())
    return _Loss(
        tonnes,
        _difference(worth, _delivered(after, own, "value")),
        passing / now if now else 0.0,
        tonnes / now if now else 0.0,
    )


def _difference(before: float, after: float) -> float:
    """Before less after, free of the solver's rounding."""
    lost = before - after
    return lost if abs(lost) > ROUNDING * max(abs(before), 1.0) else 0.0


def _balance(
    dossier: Dossier, solved: dict[str, dict[str, SeveranceResult]], own: tuple[str, ...], year: str
) -> list[Result]:
    """Effective vectors and autonomy of the oil routes, taken at each bound of the capacities and then spanned."""
    everyone = coalition_name(dossier.powers)
    vectors, free = [], []
    for bound in BOUNDS:
        values = [_loss(solved[bound].get(power), own).value for power in dossier.powers]
        vectors.append(effective_vectors(values))
        joint = _loss(solved[bound].get(everyone), own).value
        if joint > 0:
            free.append(autonomy(values, joint))
    place = (everyone, dossier.focal, "", year)
    results = [
        Result(CHANNEL, "effective_vectors", *place, "index", Interval.spanning(vectors[0], vectors), CHANNEL)
    ]
    if len(free) == len(BOUNDS):
        results.append(
            Result(CHANNEL, "autonomy", *place, "share", Interval.spanning(free[0], free), CHANNEL)
        )
    return results


def _leverage(case: str, losses: list[_Loss], place: tuple[str, str, str], gdp: float) -> list[Result]:
    value = Interval.spanning(losses[0].value, [loss.value for loss in losses])
    numbers = {
        ("lost_million_t", "million_t"): Interval.spanning(
            losses[0].tonnes, [loss.tonnes for loss in losses]
        ),
        ("lost_usd_m", "usd_m"): value,
        ("lost_pct_gdp", "pct"): value.scaled(100 / gdp),
        ("interdictable", "share"): Interval.spanning(
            losses[0].interdictable, [x.interdictable for x in losses]
        ),
        ("unreroutable", "share"): Interval.spanning(
            losses[0].unreroutable, [x.unreroutable for x in losses]
        ),
    }
    return [
        Result(CHANNEL, measure, case, *place, unit, number, CHANNEL)
        for (measure, unit), number in numbers.items()
    ]


def _purchases(before: FlowResult, own: tuple[str, ...], group: tuple[str, ...]) -> float:
    """Value that the powers themselves bought before: the part that the trade channel counts as well."""
    bought = before.delivered.filter(pl.col("market").is_in(list(group)))
    return _delivered(bought, own, "value")


def _routes(
    network: Network, dossier: Dossier, own: tuple[str, ...], flows: dict[str, FlowResult]
) -> pl.DataFrame:
    """Flows on the edges that lead out of the focal state's territory, by case."""
    home = set(network.nodes.filter(pl.col("territory") == dossier.focal)["node_id"])
    names = dossier.tables["network_edges"].select("edge_id", "name")
    leaving = (
        network.edges.filter(pl.col("from_node").is_in(list(home)) & ~pl.col("to_node").is_in(list(home)))
        .join(names, on="edge_id")
        .select("edge_id", "name")
    )
    parts = []
    for case, result in flows.items():
        flow = (
            result.edges.filter(pl.col("commodity").is_in(own))
            .group_by("edge_id")
            .agg(flow=pl.col("flow").sum())
        )
        parts.append(leaving.join(flow, on="edge_id", how="inner").with_columns(case=pl.lit(case)))
    return pl.concat(parts).select("case", "edge_id", "name", "flow").sort("case", "edge_id")


def _point(value: float) -> Interval:
    return Interval(value, value, value)


def _gaps(dossier: Dossier) -> list[str]:
    edges = dossier.tables["network_edges"]
    guessed = edges.filter(
        (pl.col("status") == "operating") & (pl.col("capacity_basis") == "estimate")
    ).height
    running = edges.filter(pl.col("status") == "operating").height
    return [
        f"{guessed} of {running} capacities of the oil network are declared estimates with bounds, not ratings."
    ]


def _trail(dossier: Dossier, gdp: float) -> Trail:
    setting = dossier.tables["parameters"].filter(
        pl.col("parameter") == f"gdp_usd_m_{dossier.header.base_year}"
    )
    return Trail(
        CHANNEL,
        "Flow programme of the oil network (value delivered less transport costs, linear programme): everything that "
        "the power controls closes, by territory, by ownership of half or more, by its own supply and purchases; what "
        "is left takes the best detour. The loss is the value delivered before less the value delivered after.",
        "Range over all capacities at their low and at their high bound; prices are those of the base year.",
        {
            "gdp_usd_m": gdp,
            "ownership_threshold": OWNERSHIP_THRESHOLD,
            "base_year": str(dossier.header.base_year),
        },
        (*TABLES, "parameters"),
        tuple(used_sources(*(dossier.tables[name] for name in TABLES), setting)),
    )
