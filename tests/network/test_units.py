"""Capacities in other units than the goods, and limits of nodes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.network import Network, Programme, read_network, solve

EXACT = 1e-9


def frames(edge=None, node=None, *, units=None, conversions=None):
    """Grain (tonnes) and boxes (teu) from A over B to C; the edges a-b and b-c carry both."""
    tables = {
        "nodes": pl.DataFrame(
            {
                "node_id": ["A", "B", "C"],
                "name": ["A", "B", "C"],
                "kind": ["port"] * 3,
                "country": ["AAA", "BBB", "CCC"],
                "lat": [0.0, 0.0, 0.0],
                "lon": [0.0, 1.0, 2.0],
                "capacity": [None, (node or {}).get("capacity"), None],
                "capacity_unit": [None, (node or {}).get("capacity_unit"), None],
            },
            schema_overrides={"capacity": pl.Float64, "capacity_unit": pl.String},
        ),
        "edges": pl.DataFrame(
            {
                "edge_id": ["ab", "bc"],
                "from_node": ["A", "B"],
                "to_node": ["B", "C"],
                "mode": ["rail"] * 2,
                "commodities": ["grain;boxes"] * 2,
                "capacity": [(edge or {}).get("capacity"), None],
                "cost": [(edge or {}).get("cost", 0.0), 0.0],
                "loss": [0.0, 0.0],
                "bidirectional": [False, False],
                "controlled_by": [None, None],
                "capacity_unit": [(edge or {}).get("capacity_unit"), None],
            },
            schema_overrides={"capacity": pl.Float64, "capacity_unit": pl.String, "controlled_by": pl.String},
        ),
        "supply": pl.DataFrame(
            {
                "node_id": ["A", "A"],
                "commodity": ["grain", "boxes"],
                "quantity": [100.0, 50.0],
                "cost": [0.0, 0.0],
            }
        ),
        "demand": pl.DataFrame(
            {
                "node_id": ["C", "C"],
                "commodity": ["grain", "boxes"],
                "quantity": [100.0, 50.0],
                "price": [200.0, 1000.0],
            }
        ),
    }
    if units:
        tables["commodities"] = pl.DataFrame({"commodity": list(units), "unit": list(units.values())})
    if conversions:
        columns = ["commodity", "from_unit", "to_unit", "factor"]
        tables["conversions"] = pl.DataFrame(conversions, schema=columns, orient="row")
    return tables


def delivered(result):
    return dict(result.by_commodity.select("commodity", "quantity").iter_rows())


TONNES = {"grain": "t", "boxes": "teu"}
TWELVE = [("boxes", "teu", "t", 12.0)]


def test_a_box_takes_the_room_that_its_weight_takes():
    """300 t of room: a tonne of grain is worth 200, a tonne in boxes 1000 / 12."""
    tables = frames({"capacity": 300.0, "capacity_unit": "t"}, units=TONNES, conversions=TWELVE)
    result = solve(Network.from_frames(**tables))
    assert delivered(result) == pytest.approx({"grain": 100.0, "boxes": 200 / 12}, abs=EXACT)
    row = result.edges.filter(pl.col("edge_id") == "ab").row(0, named=True)
    assert row["utilisation"] == pytest.approx(1.0)
    assert row["shadow_price"] == pytest.approx(1000 / 12)


def test_the_cost_is_per_unit_of_capacity():
    tables = frames({"capacity": 1e6, "capacity_unit": "t", "cost": 10.0}, units=TONNES, conversions=TWELVE)
    result = solve(Network.from_frames(**tables))
    assert result.transport_cost == pytest.approx(10.0 * 100 + 10.0 * 12 * 50)
    costs = dict(result.delivered.select("commodity", "unit_cost").iter_rows())
    assert costs == pytest.approx({"grain": 10.0, "boxes": 120.0})


def test_units_of_one_kind_convert_by_themselves():
    tables = frames({"capacity": 0.05, "capacity_unit": "kt"}, units={"grain": "t", "boxes": "t"})
    assert sum(delivered(solve(Network.from_frames(**tables))).values()) == pytest.approx(50.0)


def test_a_conversion_is_read_both_ways():
    other = [("boxes", "t", "teu", 1 / 12)]
    tables = frames({"capacity": 300.0, "capacity_unit": "t"}, units=TONNES, conversions=other)
    assert delivered(solve(Network.from_frames(**tables)))["boxes"] == pytest.approx(200 / 12)


def test_a_node_limits_what_passes():
    tables = frames(node={"capacity": 30.0, "capacity_unit": "teu"}, units={"grain": "teu", "boxes": "teu"})
    result = solve(Network.from_frames(**tables))
    assert delivered(result) == pytest.approx({"grain": 0.0, "boxes": 30.0}, abs=EXACT)


def test_a_node_limits_its_own_supply():
    tables = frames()
    tables["nodes"] = tables["nodes"].with_columns(capacity=pl.Series([20.0, None, None]))
    assert delivered(solve(Network.from_frames(**tables)))["boxes"] == pytest.approx(20.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(limit=st.floats(1.0, 150.0), loss=st.floats(0.0, 0.5))
def test_a_node_limit_is_a_split_node(limit, loss):
    """The same as two nodes with an edge of that capacity between them."""
    tables = frames()
    tables["edges"] = tables["edges"].with_columns(loss=pl.Series([loss, 0.0]))
    limited = dict(tables, nodes=tables["nodes"].with_columns(capacity=pl.Series([None, limit, None])))
    split = dict(
        tables,
        nodes=pl.concat(
            [
                tables["nodes"],
                tables["nodes"].filter(pl.col("node_id") == "B").with_columns(node_id=pl.lit("B2")),
            ]
        ),
        edges=pl.concat(
            [
                tables["edges"].with_columns(from_node=pl.Series(["A", "B2"]), to_node=pl.Series(["B", "C"])),
                tables["edges"]
                .filter(pl.col("edge_id") == "bc")
                .with_columns(edge_id=pl.lit("yard"), to_node=pl.lit("B2"), capacity=pl.lit(limit)),
            ]
        ),
    )
    one, two = (solve(Network.from_frames(**case)) for case in (limited, split))
    assert one.value == pytest.approx(two.value, rel=1e-9)


def test_a_relabelled_unit_changes_nothing():
    """The same capacity in tonnes and in kilotonnes, conversions stated accordingly."""
    in_t = frames({"capacity": 300.0, "capacity_unit": "t", "cost": 3.0}, units=TONNES, conversions=TWELVE)
    in_kt = frames(
        {"capacity": 0.3, "capacity_unit": "kt", "cost": 3000.0},
        units=TONNES,
        conversions=[("boxes", "teu", "kt", 0.012)],
    )
    one, other = (Programme(Network.from_frames(**tables)).solve() for tables in (in_t, in_kt))
    assert np.isclose(one.value, other.value, rtol=1e-12)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            frames({"capacity": 300.0, "capacity_unit": "t"}, units=TONNES),
            ("edges", "'ab' in t", "'boxes'", "boxes,teu,t"),
        ),
        (frames(node={"capacity": 3.0, "capacity_unit": "bcm"}, units=TONNES), ("nodes", "'B' in bcm")),
        (frames(units=TONNES, conversions=[("boxes", "teu", "t", 0.0)]), ("factor", "above 0")),
        (frames(units=TONNES, conversions=[*TWELVE, *TWELVE]), ("second row",)),
        (frames(node={"capacity": -1.0}), ("nodes", "capacity", "-1")),
    ],
)
def test_bad_units_are_named(tables, words):
    with pytest.raises(DataError) as caught:
        Network.from_frames(**tables)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "tables",
    [
        frames({"capacity": 1.0, "capacity_unit": "tonns"}),
        frames(units={"grain": "tonns"}),
        frames(units=TONNES, conversions=[("boxes", "teu", "tonns", 1.0)]),
    ],
)
def test_unknown_units_are_named_with_the_nearest(tables):
    with pytest.raises(UnknownLabel, match="tonns"):
        Network.from_frames(**tables)


def test_a_folder_with_units(tmp_path):
    tables = frames({"capacity": 300.0, "capacity_unit": "t"}, units=TONNES, conversions=TWELVE)
    for name, table in tables.items():
        table.write_csv(tmp_path / f"{name}.csv")
    network = read_network(tmp_path)
    assert network.units == TONNES
    assert delivered(solve(network))["boxes"] == pytest.approx(200 / 12)
