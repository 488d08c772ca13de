"""Counter-leverage on a network: what a severance costs and brings to the powers and to everybody by the road.

fees        what the users of an edge pay (cost times flow). It goes to the owners by the shares that the control table
            states; the rest to the states in which the edge lies, half each where it joins two. Edges between places
            without a state (the sea) pay nobody.
sales       a state's own supply at the prices that its buyers pay. Goods of one commodity that mix on the way are told
            apart by proportion (`origins`).
purchases   what a market buys, at the price there: goods that it goes without and money that it keeps. Listed beside
            the losses, never added to them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from betweengiants.network.layout import Layout, build
from betweengiants.network.mixing import mixture
from betweengiants.network.model import Floats, Network
from betweengiants.network.results import FlowResult, summed
from betweengiants.network.severance import SeveranceResult

NOBODY = "WLD"
"""The label of places that belong to no state."""
MEASURES = ("fees", "sales", "purchases")
ROUNDING = 1e-9


def counter_leverage(network: Network, severed: SeveranceResult) -> pl.DataFrame:
    """What the parties of a network earn and buy before and after a severance, in the network's money a year.

    Returns:
        Rows by party (states and blocs of the nodes, holders of ownership, markets): power, severs (whether it takes
        part), and for each of fees, sales and purchases `_before`, `_after`, `_lost` (negative: a gain). The fees of
        all parties and of nobody (`WLD`) add up to the transport cost.
    """
    layout = build(network.arrays)
    sides = {"before": severed.before, "after": severed.after}
    found = {
        (measure, side): amounts
        for side, result in sides.items()
        for measure, amounts in (
            ("fees", fees(network, layout, result)),
            ("sales", sales(network, layout, result)),
            ("purchases", purchases(result)),
        )
    }
    parties = sorted(set().union(*found.values()))
    columns: dict[str, list[float]] = {}
    for measure in MEASURES:
        before, after = ([found[measure, side].get(party, 0.0) for party in parties] for side in sides)
        columns[f"{measure}_before"], columns[f"{measure}_after"] = before, after
        columns[f"{measure}_lost"] = [_difference(a, b) for a, b in zip(before, after, strict=True)]
    named = {"power": parties, "severs": [party in severed.powers for party in parties]}
    return pl.DataFrame({**named, **columns}, schema_overrides={"power": pl.String, "severs": pl.Boolean})


def fees(network: Network, layout: Layout, result: FlowResult) -> dict[str, float]:
    """What each party earns from carrying goods; under `WLD` what no state earns."""
    paid = summed(layout.flow_edge, layout.flow_cost * result.arrays.flow, network.edges.height)
    owners = _owners(network)
    earned: dict[str, float] = {}

    def credit(party: str, amount: float) -> None:
        earned[party] = earned.get(party, 0.0) + amount

    home = dict(network.nodes.select("node_id", "territory").iter_rows())
    ends = network.edges.select("edge_id", "from_node", "to_node").iter_rows()
    for (edge, start, end), amount in zip(ends, paid.tolist(), strict=True):
        if amount == 0.0:
            continue
        held = owners.get(edge, {})
        stated = sum(held.values())
        for party, share in held.items():
            credit(party, amount * share / max(stated, 1.0))
        rest = amount * max(0.0, 1.0 - stated)
        states = {home[start], home[end]} - {None, NOBODY}
        for state in states:
            credit(state, rest / len(states))
        if not states:
            credit(NOBODY, rest)
    return earned


def sales(network: Network, layout: Layout, result: FlowResult) -> dict[str, float]:
    """Value of each state's own supply at the prices of the markets that it reaches."""
    mix = origins(network, layout, result)
    value = network.arrays.demand_price * result.arrays.demand
    # Supplies come as (S,) parts of each delivery: add up the value that they bring.
    brought = mix @ value
    made: dict[str, float] = {}
    home = dict(network.nodes.select("node_id", "territory").iter_rows())
    for node, amount in zip(network.supply["node_id"], brought.tolist(), strict=True):
        state = home[node] or NOBODY
        made[state] = made.get(state, 0.0) + amount
    return made


def purchases(result: FlowResult) -> dict[str, float]:
    """Value of what each market buys."""
    return dict(result.delivered.group_by("market").agg(pl.col("value").sum()).iter_rows())


def origins(network: Network, layout: Layout, result: FlowResult) -> Floats:
    """(S, D) share of each delivery that comes from each supply (see `mixing`); zero where nothing is delivered."""
    numbers, arrays = network.arrays, result.arrays
    found = np.zeros((len(numbers.supply_node), len(numbers.demand_node)))
    for commodity in range(numbers.commodity_count):
        wanted = np.flatnonzero((numbers.demand_commodity == commodity) & (arrays.demand > 0))
        goods = mixture(numbers, layout, arrays, commodity)
        solve = goods.solver(goods.arriving) if len(wanted) else None
        if solve is None:
            continue
        own = np.zeros((len(goods.through), len(goods.made)))
        own[goods.place[numbers.supply_node[goods.made]], np.arange(len(goods.made))] = arrays.supply[
            goods.made
        ]
        found[np.ix_(goods.made, wanted)] = solve(own)[goods.place[numbers.demand_node[wanted]]].T
    return found


def _owners(network: Network) -> dict[str, dict[str, float]]:
    """Stated shares of each edge by holder."""
    rows = network.control.filter(
        (pl.col("asset") == "edge") & (pl.col("basis") == "ownership") & pl.col("share").is_not_null()
    )
    held: dict[str, dict[str, float]] = {}
    for edge, power, share in rows.select("asset_id", "power", "share").iter_rows():
        held.setdefault(edge, {})[power] = share
    return held


def _difference(before: float, after: float) -> float:
    lost = before - after
    return lost if abs(lost) > ROUNDING * max(abs(before), abs(after), 1.0) else 0.0
