"""The cheapest capacity that makes good a closure: by hand, and against what a rebuilt network delivers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError
from betweengiants.network import Expansion, Programme, interdict

some = settings(max_examples=12, deadline=None, derandomize=True)


seeds = st.integers(0, 10**6)


def with_costs(spec, **costs):
    """Frames with the column added_cost."""
    frames = spec.frames()
    edges = frames["edges"]
    column = pl.Series("added_cost", [costs.get(name) for name in edges["edge_id"]], dtype=pl.Float64)
    return frames | {"edges": edges.with_columns(column)}


def test_the_cheapest_bypass_by_hand(roads):
    """Without the cheap pipe 80 must go by the round (50) and the third road (5): 25 more."""
    network = roads.network()
    for costs, expected, added in (
        ({"round": 3.0}, 75.0, {"round": 25.0}),
        ({"round": 3.0, "far": 1.0, "last": 1.0}, 50.0, {"far": 25.0, "last": 25.0}),
        ({"round": 3.0, "far": 1.0}, 75.0, {"round": 25.0}),
        ({"round": 3.0, "cheap": 0.1}, 75.0, {"round": 25.0}),  # what is closed cannot grow
    ):
        found = interdict(network, 1, sets=1, expansion=Expansion.from_frames(**with_costs(roads, **costs)))
        assert found.table["bypass_cost"].to_list() == pytest.approx([expected])
        assert dict(found.bypass.select("edge_id", "added").iter_rows()) == pytest.approx(added)
        assert found.bypass["yearly_cost"].sum() == pytest.approx(expected)
        assert found.notes == ()


def test_a_bypass_that_is_not_needed_costs_nothing(roads):
    found = interdict(roads.network(), 1, expansion=Expansion.from_frames(**with_costs(roads, round=3.0)))
    costs = dict(found.table.select("removed", "bypass_cost").iter_rows())
    assert costs["far"] == costs["last"] == 0.0


def test_what_cannot_be_restored_is_null_and_says_how_much_can(roads):
    expansion = Expansion.from_frames(**with_costs(roads, last=3.0))
    found = interdict(roads.network(), 1, sets=1, expansion=expansion)
    assert found.table["bypass_cost"].to_list() == [None]
    assert found.bypass.height == 0
    assert found.notes == (
        "rank 1: no added capacity restores what was delivered; at best 68.8% of its worth",
    )  # 55 of 80


def test_planned_edges_are_built_from_zero_up_to_what_is_planned(roads):
    def expansion(planned):
        spec = type(roads)(
            roads.nodes,
            {name: {**row, "status": "operating"} for name, row in roads.edges.items()}
            | {
                "new": {
                    "from_node": "field",
                    "to_node": "market",
                    "status": "planned",
                    "capacity": planned,
                }
            },
            roads.supply,
            roads.demand,
        )
        return Expansion.from_frames(**with_costs(spec, new=2.0, round=3.0))

    # The network itself knows nothing of it: neither its flows nor its closures.
    network = roads.network()
    for planned, cost, added in (
        (None, 50.0, {"new": 25.0}),
        (10.0, 65.0, {"new": 10.0, "round": 15.0}),
        (0.0, 75.0, {"round": 25.0}),
    ):
        found = interdict(network, 1, sets=1, expansion=expansion(planned))
        assert found.table["bypass_cost"].to_list() == pytest.approx([cost])
        assert dict(found.bypass.select("edge_id", "added").iter_rows()) == pytest.approx(added)


@some
@given(seeds)
def test_a_bypass_restores_every_delivery(at_random, seed):
    """With the added capacity built the closed network delivers, forced to it by high prices, what it did before."""
    spec = at_random(seed)
    network = spec.network()
    rng = np.random.default_rng(seed)
    costs = {name: float(rng.integers(1, 9)) for name in spec.edges if rng.random() < 0.6}
    if not costs:
        return
    found = interdict(network, 2, sets=3, expansion=Expansion.from_frames(**with_costs(spec, **costs)))
    before = Programme(network).optimum(network.everything)
    rows = network.demand.with_columns(pl.Series("quantity", before.demand))
    for rank, removed, cost in found.table.select("rank", "removed", "bypass_cost").iter_rows():
        added = found.bypass.filter(found.bypass["rank"] == rank)
        assert set(added["edge_id"]) <= set(costs) - set(removed.split(";"))
        if cost is None:
            continue
        assert cost == pytest.approx(
            sum(costs[e] * a for e, a in added.select("edge_id", "added").iter_rows())
        )
        wider = spec.without(*removed.split(";"))
        for edge, amount in added.select("edge_id", "added").iter_rows():
            wider = wider.changed(edge, capacity=wider.edges[edge]["capacity"] + amount)
        forced = type(spec)(
            wider.nodes,
            wider.edges,
            wider.supply,
            [
                (node, commodity, quantity, 1e4)
                for node, commodity, quantity in rows.select("node_id", "commodity", "quantity").iter_rows()
                if quantity > 0
            ],
        )
        if forced.demand:
            flow = Programme(forced.network()).optimum(forced.network().everything)
            assert flow.demand.sum() == pytest.approx(before.demand.sum(), rel=1e-6)


def test_a_node_limit_binds_the_bypass_and_the_sets(make):
    spec = make(
        {"field": None, "port": None, "market": None},
        {
            "pipe": {"from_node": "field", "to_node": "port", "capacity": 50.0},
            "rail": {"from_node": "field", "to_node": "port", "capacity": 20.0},
            "ship": {"from_node": "port", "to_node": "market"},
            "direct": {"from_node": "field", "to_node": "market", "capacity": 30.0},
        },
        [("field", "oil", 80.0, 1.0)],
        [("market", "oil", 80.0, 10.0)],
    )
    frames = with_costs(spec, rail=1.0)
    frames["nodes"] = frames["nodes"].with_columns(
        capacity=pl.when(pl.col("node_id") == "port").then(pl.lit(40.0))
    )
    expansion = Expansion.from_frames(**frames)
    network = expansion.network
    rows = interdict(network, 1, expansion=expansion, method="programme").table.to_dicts()
    rows = {row["removed"]: row for row in rows}
    # 70 arrive: 40 through the port, 30 directly. Without the pipe 20 more must come by rail, the port holding 40.
    assert rows["pipe"]["value_lost"] == pytest.approx(20 * 9)
    assert rows["pipe"]["bypass_cost"] == pytest.approx(20.0)
    assert rows["direct"]["value_lost"] == pytest.approx(30 * 9)
    assert rows["direct"]["bypass_cost"] is None  # the port is full
    assert "rail" not in rows


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ({"added_cost": ["1", "x", None, None]}, "row 3, column 'added_cost': found 'x'"),
        ({"added_cost": ["1", "-1", None, None]}, "row 3, column 'added_cost': found -1"),
        ({"added_cost": ["1", "inf", None, None]}, "row 3, column 'added_cost': found inf"),
        ({"added_cost": [None, None, "", None]}, "column 'added_cost': found only empty cells"),
        (
            {
                "added_cost": ["1", "1", None, None],
                "status": ["operating", "planned", "operating", "operating"],
                "cost": [1.0, None, 1.0, 1.0],
            },
            "row 3, column 'cost': found an empty cell; allowed: a value for a planned edge with added_cost",
        ),
    ],
)
def test_bad_costs_of_capacity(roads, edges, message):
    frames = roads.frames()
    columns = [pl.Series(name, values) for name, values in edges.items()]
    with pytest.raises(DataError, match=message):
        Expansion.from_frames(**(frames | {"edges": frames["edges"].with_columns(columns)}))
