"""What is refused, one fault at a time, and what a blank means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.network import Network, Programme, read_network, sever, solve

DOSSIER = Path(__file__).parents[2] / "src/betweengiants/dossier/builtin/kazakhstan"


@pytest.fixture
def good(make):
    return make(
        {"A": "AAA", "B": "BBB", "C": None},
        {
            "ab": {
                "from_node": "A",
                "to_node": "B",
                "capacity": 5.0,
                "cost": 1.0,
                "commodities": "oil;grain",
            },
            "bc": {"from_node": "B", "to_node": "C", "capacity": 5.0, "cost": 1.0},
        },
        [("A", "oil", 10.0, 1.0), ("A", "grain", 10.0, 1.0)],
        [("C", "oil", 10.0, 5.0), ("B", "grain", 10.0, 5.0)],
        [("ab", "DDD", "ownership", 0.6)],
    )


def cell(row, column, value):
    """Put text into one cell; the other cells of the column become text too, as in a CSV file."""
    return lambda frame: frame.with_columns(
        pl.when(pl.int_range(pl.len()) == row)
        .then(pl.lit(value, pl.String))
        .otherwise(pl.col(column).cast(pl.String))
        .alias(column)
    )


def repeat(row):
    return lambda frame: pl.concat([frame, frame[row : row + 1]])


FAULTS = [
    ("nodes", lambda f: f.drop("country"), "nodes.csv: found no column 'country'"),
    ("edges", lambda f: f.drop("capacity"), "edges.csv: found no column 'capacity'"),
    ("edges", lambda f: f.drop("loss"), "edges.csv: found no column 'loss'"),
    ("supply", lambda f: f.drop("quantity"), "supply.csv: found no column 'quantity'"),
    ("demand", lambda f: f.drop("price"), "demand.csv: found no column 'price'"),
    ("control", lambda f: f.drop("basis"), "control.csv: found no column 'basis'"),
    ("supply", lambda f: f.clear(), "supply.csv: found no rows"),
    ("demand", lambda f: f.clear(), "demand.csv: found no rows"),
    (
        "supply",
        lambda f: f.with_columns(quantity=pl.lit(0.0)),
        "supply.csv, column 'quantity': found only zeros",
    ),
    (
        "demand",
        lambda f: f.with_columns(quantity=pl.lit(0.0)),
        "demand.csv, column 'quantity': found only zeros",
    ),
    ("nodes", repeat(1), "nodes.csv, row 5: found a second row for node_id=B"),
    ("edges", repeat(0), "edges.csv, row 4: found a second row for edge_id=ab"),
    ("supply", repeat(1), "supply.csv, row 4: found a second row for node_id=A, commodity=grain"),
    ("demand", repeat(0), "demand.csv, row 4: found a second row for node_id=C, market=C, commodity=oil"),
    ("control", repeat(0), "control.csv, row 3: found a second row for asset_id=ab"),
    ("nodes", cell(1, "lat", "91"), "nodes.csv, row 3, column 'lat': found 91"),
    ("nodes", cell(0, "lon", "-181"), "nodes.csv, row 2, column 'lon': found -181"),
    ("nodes", cell(0, "node_id", None), "nodes.csv, row 2, column 'node_id': found an empty cell"),
    (
        "edges",
        cell(1, "capacity", "-1"),
        "edges.csv, row 3, column 'capacity': found -1; allowed: numbers of at least 0",
    ),
    ("edges", cell(0, "capacity", "NaN"), "edges.csv, row 2, column 'capacity': found 'NaN'"),
    ("edges", cell(0, "capacity", "many"), "edges.csv, row 2, column 'capacity': found 'many'"),
    ("edges", cell(0, "cost", None), "edges.csv, row 2, column 'cost': found an empty cell"),
    ("edges", cell(0, "cost", "inf"), "edges.csv, row 2, column 'cost': found inf"),
    ("edges", cell(1, "loss", "1"), "edges.csv, row 3, column 'loss': found 1"),
    ("edges", cell(1, "loss", "-0.1"), "edges.csv, row 3, column 'loss': found -0.1"),
    ("edges", cell(1, "bidirectional", "both"), "edges.csv, row 3, column 'bidirectional': found 'both'"),
    (
        "edges",
        cell(1, "to_node", "B"),
        "edges.csv, row 3, column 'to_node': found edge 'bc' from 'B' to itself",
    ),
    ("supply", cell(0, "quantity", "-3"), "supply.csv, row 2, column 'quantity': found -3"),
    ("supply", cell(0, "quantity", "inf"), "supply.csv, row 2, column 'quantity': found inf"),
    ("supply", cell(1, "cost", "-3"), "supply.csv, row 3, column 'cost': found -3"),
    ("demand", cell(1, "price", "-3"), "demand.csv, row 3, column 'price': found -3"),
    ("demand", cell(1, "quantity", "nan"), "demand.csv, row 3, column 'quantity': found 'nan'"),
    ("control", cell(0, "share", "60"), "control.csv, row 2, column 'share': found 60"),
    ("control", cell(0, "basis", "friendship"), "control.csv, row 2, column 'basis': found 'friendship'"),
    ("edges", cell(0, "commodities", "grain"), "demand.csv, row 2: found disconnected demand"),
]


def folder(spec, path, change=None):
    """Write the tables of a network, one of them changed."""
    for table, frame in spec.frames().items():
        (change[1](frame) if change and change[0] == table else frame).write_csv(path / f"{table}.csv")
    return path


@pytest.mark.parametrize(("table", "change", "message"), FAULTS, ids=[m for *_, m in FAULTS])
def test_a_fault_is_named_by_file_row_and_column(good, tmp_path, table, change, message):
    with pytest.raises(DataError) as caught:
        read_network(folder(good, tmp_path, (table, change)))
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        (
            "edges",
            cell(1, "to_node", "CC"),
            "edges.csv, row 3, column 'to_node': found unknown node 'CC'; .* C",
        ),
        (
            "supply",
            cell(0, "node_id", "a"),
            "supply.csv, row 2, column 'node_id': found unknown node 'a'; .* A",
        ),
        (
            "demand",
            cell(0, "node_id", "X"),
            "demand.csv, row 2, column 'node_id': found unknown node 'X'; .*A, B, C",
        ),
        ("supply", cell(0, "commodity", "oils"), "supply.csv, row 2, column 'commodity': .*'oils'; .* oil"),
        ("demand", cell(0, "commodity", "Oil"), "demand.csv, row 2, column 'commodity': .*'Oil'; .* oil"),
        ("control", cell(0, "asset_id", "abc"), "control.csv, row 2, column 'asset_id': .*'abc'; .* ab"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(good, tmp_path, table, change, message):
    with pytest.raises(UnknownLabel, match=message):
        read_network(folder(good, tmp_path, (table, change)))


@pytest.mark.parametrize("table", ["nodes", "edges", "supply", "demand"])
def test_a_missing_file_is_named(good, tmp_path, table):
    folder(good, tmp_path)
    (tmp_path / f"{table}.csv").unlink()
    with pytest.raises(DataError, match=rf"{table}\.csv: found no such file"):
        read_network(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        read_network(tmp_path / "nowhere")


def test_control_without_table_needs_controlled_by(good):
    frames = good.frames()
    bare = frames["edges"].drop("controlled_by")
    assert Network.from_frames(**{**frames, "edges": bare}).powers == ("AAA", "BBB", "DDD")
    with pytest.raises(DataError, match="no column 'controlled_by'"):
        Network.from_frames(**{**frames, "edges": bare, "control": None})


def test_one_name_for_a_node_and_an_edge_is_refused_where_control_means_it(good):
    spec = replace(good, nodes={**good.nodes, "ab": None})
    with pytest.raises(DataError, match="both a node and an edge"):
        spec.network()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"bidirectional": True, "cost": -1.0, "capacity": None},
            "'oil' earns money .* in a cycle: x, x, without any limit",
        ),
        ({"bidirectional": True, "cost": -1.0}, "'oil' earns money by going round in a cycle: x, x; allowed"),
    ],
)
def test_a_cycle_of_negative_cost_is_refused(make, columns, message):
    edges = {"x": {"from_node": "A", "to_node": "B", "capacity": 5.0, **columns}}
    spec = make({"A": None, "B": None}, edges, [("A", "oil", 1.0, 0.0)], [("B", "oil", 1.0, 1.0)])
    with pytest.raises(DataError, match=message):
        spec.network()


def test_a_longer_cycle_of_negative_cost_is_named_edge_by_edge(make):
    ring = {"ab": ("A", "B", 2.0), "bc": ("B", "C", -4.0), "ca": ("C", "A", 1.0), "ad": ("A", "D", 0.0)}
    edges = {n: {"from_node": s, "to_node": e, "cost": c} for n, (s, e, c) in ring.items()}
    spec = make(dict.fromkeys("ABCD"), edges, [("A", "oil", 1.0, 0.0)], [("D", "oil", 1.0, 1.0)])
    with pytest.raises(DataError, match=r"cycle: (ab, bc, ca|bc, ca, ab|ca, ab, bc), without any limit"):
        spec.network()
    assert spec.changed("ca", cost=2.0).network().notes  # a cycle that costs nothing is no fault
    subsidised = spec.changed("ca", cost=2.0).network()
    assert solve(subsidised).value == 1.0


def test_blanks_are_counted_and_listed(make):
    spec = make(
        {"A": "AAA", "B": None},
        {
            "x": {"from_node": "A", "to_node": "B", "commodities": ""},
            "y": {"from_node": "A", "to_node": "B", "commodities": "oil;tea", "capacity": 3.0},
            "z": {"from_node": "A", "to_node": "B", "capacity": float("inf")},
        },
        [("A", "oil", 1.0, 0.0), ("B", "oil", 1.0, 9.0), ("A", "coal", 1.0, 0.0)],
        [("B", "oil", 1.0, 1.0)],
    )
    network = spec.network()
    assert network.notes == (
        "2 edges have no capacity and count as unlimited: x, z",
        "1 edges name no commodity and carry all of them: x",
        "commodities that edges name but nobody supplies: tea",
        "supply that reaches no demand: coal at A",
    )
    assert network.edges["commodities"].to_list()[0] == ["coal", "oil", "tea"]
    assert network.demand["market"].to_list() == ["B"]
    assert solve(network).value == 1.0


def test_market_is_given_or_the_country_or_the_node(make):
    rows = [("A", "oil", 1.0, 1.0, None), ("B", "oil", 1.0, 1.0, None), ("B", "oil", 1.0, 1.0, "elsewhere")]
    edges = {"x": {"from_node": "A", "to_node": "B"}}
    network = make({"A": "AAA", "B": None}, edges, [("A", "oil", 1.0, 0.0)], rows).network()
    assert network.demand["market"].to_list() == ["AAA", "B", "elsewhere"]
    assert "B" not in network.powers
    assert "elsewhere" in network.powers


def test_only_operating_edges_take_part_and_only_they_need_numbers(good):
    frames = good.frames()
    idle = frames["edges"][:1].with_columns(
        edge_id=pl.lit("plan"),
        cost=pl.lit(None, pl.Float64),
        loss=pl.lit(None, pl.Float64),
        status=pl.lit("planned"),
    )
    edges = pl.concat([frames["edges"].with_columns(status=pl.lit("operating")), idle])
    network = Network.from_frames(**{**frames, "edges": edges})
    assert network.edges["edge_id"].to_list() == ["ab", "bc"]
    assert network.not_operating.rows() == [("plan", "planned")]
    assert "1 edges do not operate and are left out: plan" in network.notes
    with pytest.raises(DataError, match=r"edges, row 4, column 'status': found 'Planned'"):
        Network.from_frames(
            **{**frames, "edges": edges.with_columns(pl.col("status").replace("planned", "Planned"))}
        )
    with pytest.raises(DataError, match=r"edges, row 4, column 'cost': found an empty cell"):
        Network.from_frames(**{**frames, "edges": edges.with_columns(status=pl.lit("operating"))})
    with pytest.raises(DataError, match="no operating edge"):
        Network.from_frames(**{**frames, "edges": edges.with_columns(status=pl.lit("idle"))})


def test_further_columns_are_ignored(good, tmp_path):
    for table, frame in good.frames().items():
        frame.with_columns(note=pl.lit("x"), capacity_low=pl.lit("?")).write_csv(tmp_path / f"{table}.csv")
    assert solve(read_network(tmp_path)).value == solve(good.network()).value


def test_a_folder_and_frames_are_one(good, tmp_path):
    assert solve(read_network(folder(good, tmp_path))).edges.equals(solve(good.network()).edges)


@pytest.mark.skipif(
    not (DOSSIER / "network_control.csv").is_file(), reason="the dossier has no network tables yet"
)
def test_the_embedded_network_loses_two_thirds_of_its_crude_without_russia():
    tables = ("nodes", "edges", "supply", "demand", "control", "commodities", "conversions")
    frames = {t: pl.read_csv(DOSSIER / f"network_{t}.csv", infer_schema=False) for t in tables}
    network = Network.from_frames(**frames, names={t: f"network_{t}.csv" for t in tables})
    programme = Programme(network)
    before = programme.solve()
    assert before.residual <= 1e-9
    result = sever(network, ["RUS"], programme=programme, before=before)
    assert result.value_after < result.value_before
    assert (result.unreroutable["crude-kaz"] or 0) > 2 / 3
    assert (result.interdictable["crude-kaz"] or 0) >= (result.unreroutable["crude-kaz"] or 0)
    both = sever(network, ["RUS", "CHN"], programme=programme, before=before)
    assert both.value_after <= result.value_after
