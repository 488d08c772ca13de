"""Own goods: exports, imports and home told apart, on a network small enough to do by hand, and in the built-in dossier."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.network import Network, solve
from betweengiants.position import Position
from betweengiants.position.border import border_routes
from betweengiants.position.own_goods import PARTS, Own, own_loss
from betweengiants.position.results import coalition_name, coalitions

POWERS = ("RUS", "CHN", "USA", "EU27")
SYSTEMS = ("oil", "gas", "freight")
GOODS = ("iron", "tea")

NODES = (("mine", "AAA"), ("town", "AAA"), ("east", "BBB"), ("far", "CCC"), ("garden", "CCC"))
EDGES = (
    ("mine-town", "mine", "town", 1.0, "iron;tea"),
    ("town-east", "town", "east", 1.0, "iron;tea"),
    ("garden-town", "garden", "town", 1.0, "iron;tea"),
    ("garden-mine", "garden", "mine", 9.0, "iron;tea"),
    ("east-far", "east", "far", 1.0, "iron;tea"),
)
"""AAA mines iron and drinks tea of CCC. Tea for BBB passes the town; BBB sells iron on to CCC."""


def small(third: str = "far") -> Network:
    """Iron: 10 made, 3 used at home, 5 to BBB, 2 to a place in CCC. Tea: 8 made, 2 drunk at home, 6 in transit to BBB."""
    nodes = pl.DataFrame(NODES, schema=["node_id", "country"], orient="row").with_columns(
        name="node_id", kind=pl.lit("place"), lat=pl.lit(0.0), lon=pl.lit(0.0)
    )
    edges = pl.DataFrame(
        EDGES, schema=["edge_id", "from_node", "to_node", "cost", "commodities"], orient="row"
    ).with_columns(
        mode=pl.lit("rail"),
        capacity=pl.lit(None, pl.Float64),
        loss=pl.lit(0.0),
        bidirectional=pl.lit(True),
        controlled_by=pl.lit(""),
    )
    supply = pl.DataFrame(
        {
            "node_id": ["mine", "garden"],
            "commodity": ["iron", "tea"],
            "quantity": [10.0, 8.0],
            "cost": [0.0] * 2,
        }
    )
    demand = pl.DataFrame(
        [
            ("town", "iron", 3.0, 100.0),
            ("east", "iron", 5.0, 100.0),
            (third, "iron", 2.0, 100.0),
            ("town", "tea", 2.0, 1000.0),
            ("east", "tea", 6.0, 1000.0),
        ],
        schema=["node_id", "commodity", "quantity", "price"],
        orient="row",
    )
    return Network.from_frames(nodes, edges, supply, demand)


def own_of(network: Network, *, unit: float = 1.0) -> Own:
    supplied = (network.demand["commodity"] == "iron").to_numpy()
    at_home = network.demand["node_id"].is_in(["mine", "town"]).to_numpy()
    return Own(supplied | at_home, ("iron",), np.full(len(supplied), unit), at_home, supplied)


def named(dossier: Dossier) -> Dossier:
    """A dossier whose focal state is AAA and whose edges are those of the small network."""
    names = pl.DataFrame({"edge_id": [edge[0] for edge in EDGES], "name": [edge[0] for edge in EDGES]})
    return replace(dossier, header=replace(dossier.header, focal="AAA"), tables={"network_edges": names})


def test_every_delivery_is_in_one_part_or_in_none() -> None:
    network = small()
    own = own_of(network)
    rows = network.demand.with_columns(part=pl.Series(own.labels(), dtype=pl.String))
    found = {(c, n): part for c, n, part in rows.select("commodity", "node_id", "part").iter_rows()}
    assert found == {
        ("iron", "town"): "home",
        ("iron", "east"): "exports",
        ("iron", "far"): "exports",
        ("tea", "town"): "imports",
        ("tea", "east"): None,
    }
    assert own.parts == PARTS
    assert (sum(own.part(part).astype(int) for part in PARTS) == own.rows.astype(int)).all()


def test_parts_add_up_in_quantity_and_value() -> None:
    network = small()
    own, demand = own_of(network, unit=2.0), solve(network).arrays.demand
    by_part = {part: own.quantity(demand, part) for part in PARTS}
    assert by_part == pytest.approx({"exports": 14.0, "imports": 4.0, "home": 6.0})
    assert own.quantity(demand) == pytest.approx(sum(by_part.values()))
    worth = {part: own.value(network, demand, part) for part in PARTS}
    assert worth == pytest.approx({"exports": 700.0, "imports": 2000.0, "home": 300.0})
    assert own.value(network, demand) == pytest.approx(3000.0)


def test_a_system_without_own_goods_at_home_has_two_parts() -> None:
    network = small()
    own = own_of(network)
    abroad = replace(own, rows=own.rows & ~(own.at_home & own.supplied))
    assert abroad.parts == ("exports", "imports")
    assert abroad.quantity(solve(network).arrays.demand) == pytest.approx(9.0)


def test_only_what_ends_at_home_is_an_import_at_the_border(dossier: Dossier) -> None:
    """Two of eight units of tea stay: the other six pass the same two edges and are not the state's own."""
    network = small()
    table = border_routes(network, named(dossier), own_of(network), {"": solve(network)})
    found = {
        edge: (out, into) for edge, out, into in table.select("edge_id", "leaving", "entering").iter_rows()
    }
    assert found == {
        "town-east": pytest.approx((7.0, 0.0)),
        "garden-town": pytest.approx((0.0, 2.0)),
        "garden-mine": pytest.approx((0.0, 0.0)),
    }
    assert (table["flow"] == table["leaving"] + table["entering"]).all()


def test_goods_in_both_directions_do_not_cancel(dossier: Dossier) -> None:
    """Iron sold where the tea comes from: two out and two in on one edge are four, not nothing."""
    turned = small("garden")
    table = border_routes(turned, named(dossier), own_of(turned), {"": solve(turned)})
    row = table.filter(edge_id="garden-town").to_dicts()[0]
    assert (row["leaving"], row["entering"], row["flow"]) == pytest.approx((2.0, 2.0, 4.0))


def test_a_loss_by_part_is_what_no_longer_arrives() -> None:
    network = small()
    own = own_of(network)
    before = solve(network)
    open_edges = np.array([edge != "town-east" for edge in network.edges["edge_id"]])
    after = solve(network, replace(network.everything, edge_open=open_edges))
    loss = own_loss(network, own, before, after, passing=7.0)
    assert loss.quantities == pytest.approx({"exports": 7.0, "imports": 0.0, "home": 0.0})
    assert loss.values == pytest.approx({"exports": 700.0, "imports": 0.0, "home": 0.0})
    assert (loss.quantity, loss.value) == pytest.approx((7.0, 700.0))
    assert loss.unreroutable == pytest.approx(7.0 / 12.0) == pytest.approx(loss.interdictable)


@pytest.mark.parametrize("system", SYSTEMS)
def test_losses_by_part_add_up_in_the_position(position: Position, system: str) -> None:
    channel = position.transit[system]
    unit = channel.system.unit
    for group in coalitions(POWERS):
        for suffix in (unit, "usd_m"):
            parts = [
                position.number(channel.system.channel, f"lost_{part}_{suffix}", *group).value
                for part in channel.own.parts
            ]
            whole = position.number(channel.system.channel, f"lost_{suffix}", *group).value
            assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-9), (group, suffix)


@pytest.mark.parametrize("group", [("RUS",), ("CHN",), ("CHN", "RUS")], ids="+".join)
def test_freight_exports_and_imports_are_what_the_network_delivers(
    position: Position, group: tuple[str, ...]
) -> None:
    """Asked of the deliveries directly: goods of Kazakhstan delivered abroad, other goods delivered in it; no transit."""
    channel = position.transit["freight"]
    tables = position.dossier.tables
    home = set(tables["network_nodes"].filter(pl.col("country") == "KAZ")["node_id"])
    made = set(tables["network_supply"].filter(pl.col("node_id").is_in(list(home)))["commodity"])
    case = channel.cases[coalition_name(group)]
    for part, counts in (
        ("exports", pl.col("commodity").is_in(list(made)) & ~pl.col("node_id").is_in(list(home))),
        ("imports", ~pl.col("commodity").is_in(list(made)) & pl.col("node_id").is_in(list(home))),
    ):
        before, after = (side.delivered.filter(counts)["value"].sum() for side in (case.before, case.after))
        number = position.number("freight_transit", f"lost_{part}_usd_m", *group)
        assert number.value == pytest.approx(before - after, rel=1e-9, abs=1e-6)
        assert before > 1000
    assert "containers" not in made
    assert "transit-rus" not in made


def test_transit_is_no_loss_of_the_focal_state(position: Position) -> None:
    """China's boxes vanish with China; the state loses fees by that, no goods."""
    channel = position.transit["freight"]
    rows = channel.network.demand.with_columns(own=pl.Series(channel.own.rows))
    assert not rows.filter(pl.col("commodity").is_in(["containers", "transit-rus"]))["own"].any()
    gone = channel.cases["CHN"].after.delivered.filter(commodity="containers")["quantity"].sum()
    assert gone == pytest.approx(0, abs=1e-6)
    assert position.number("freight_transit", "fees_lost_usd_m", "CHN", member="KAZ").value > 0


def test_what_a_power_sells_is_at_most_what_its_closure_takes_of_imports(position: Position) -> None:
    """All sellers of imports are powers, and each can close its own sales."""
    number = position.number
    for power in ("RUS", "CHN"):
        sold = number("freight_transit", "own_supplies_usd_m", power).value
        assert sold == pytest.approx(number("freight_transit", "lost_imports_usd_m", power).value, rel=1e-6)
        assert sold > 5000
    assert number("freight_transit", "own_supplies_usd_m", "USA").value == 0
    assert number("oil_transit", "own_supplies_usd_m", "RUS").value == 0


def test_gas_in_transit_is_not_an_own_route(position: Position) -> None:
    """Turkmen gas fills the pipe at Khorgos; only Kazakh gas and what ends in Kazakhstan counts at the border."""
    gas = position.transit["gas"]
    base = gas.routes.filter(pl.col("case") == "")
    delivered = {part: gas.own.quantity(gas.before.arrays.demand, part) for part in PARTS}
    entering, leaving = float(base["entering"].sum()), float(base["leaving"].sum())
    assert delivered["imports"] - 1e-6 <= entering
    assert delivered["exports"] - 1e-6 <= leaving
    # Each kind of gas for Kazakhstan enters once more than it leaves.
    assert entering - leaving == pytest.approx(delivered["imports"] - delivered["exports"], abs=0.05)
    flows = {
        edge: (out, into) for edge, out, into in base.select("edge_id", "leaving", "entering").iter_rows()
    }
    to_china = sum(flows[edge][0] for edge in ("cagp-ab-east", "cagp-c-east"))
    from_turkmenistan = sum(flows[edge][1] for edge in ("cagp-ab-uzb", "cagp-c-uzb"))
    seen = gas.before.delivered.filter(commodity="gas-tkm", market="KAZ")["quantity"].sum()
    assert to_china == pytest.approx(5.0)
    assert from_turkmenistan == pytest.approx(seen) == pytest.approx(0.2)


def test_labels_follow_the_rows() -> None:
    own = own_of(small())
    nothing = replace(own, rows=np.zeros(len(own.rows), dtype=np.bool_))
    assert nothing.labels() == [None] * len(own.rows)
    assert all(a is None or a in PARTS for a, _ in pairwise(own.labels()))
