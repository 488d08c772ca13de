"""storage.csv and ramps.csv: what is read, what a blank means, what is refused and where."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.network import Network, close_edges, read_network, simulate
from betweengiants.network.review import review

STORAGE = """node_id,commodity,capacity,initial,max_in,max_out,cost,source_id,note
C,oil,4,1.5,0.2,,,yearbook,tank farm
A,oil,2,0,,0.1,0.5,,
"""
RAMPS = """asset_id,measure,value,value_low,value_high,source_id,note
bc,notice_days,10,5,20,pipeline,
A,turndown_days,4,,,,
"""


@pytest.fixture
def spec(make):
    return make(
        {"A": "AAA", "B": "BBB", "C": "CCC"},
        {
            "ab": {
                "from_node": "A",
                "to_node": "B",
                "capacity": 5.0,
                "cost": 1.0,
                "commodities": "oil;grain",
            },
            "bc": {"from_node": "B", "to_node": "C", "capacity": None, "cost": 1.0},
            "old": {"from_node": "A", "to_node": "C", "capacity": 5.0, "cost": 1.0},
        },
        [("A", "oil", 5.0, 1.0), ("A", "grain", 5.0, 1.0)],
        [("C", "oil", 5.0, 5.0), ("B", "grain", 5.0, 5.0)],
    )


@pytest.fixture
def frames(spec):
    made = spec.frames()
    status = pl.when(pl.col("edge_id") == "old").then(pl.lit("planned")).otherwise(pl.lit("operating"))
    return made | {"edges": made["edges"].with_columns(status=status)}


@pytest.fixture
def folder(frames, tmp_path):
    for name, frame in frames.items():
        frame.write_csv(tmp_path / f"{name}.csv")
    (tmp_path / "storage.csv").write_text(STORAGE, encoding="utf-8")
    (tmp_path / "ramps.csv").write_text(RAMPS, encoding="utf-8")
    return tmp_path


def test_a_folder_may_hold_both(folder):
    network = read_network(folder)
    assert network.storage.rows() == [
        ("A", "oil", 2.0, 0.0, None, 0.1, 0.5),
        ("C", "oil", 4.0, 1.5, 0.2, None, 0.0),
    ]
    assert network.ramps.rows() == [("A", "turndown_days", 4.0), ("bc", "notice_days", 10.0)]


def test_a_folder_may_hold_neither(folder):
    for name in ("storage", "ramps"):
        (folder / f"{name}.csv").unlink()
    network = read_network(folder)
    assert network.storage.height == network.ramps.height == 0
    assert simulate(network, network.everything, days=7).value_lost == 0.0


def test_limits_and_cost_of_a_store_may_be_absent(frames):
    plain = pl.DataFrame({"node_id": ["C"], "commodity": ["oil"], "capacity": [2], "initial": [1]})
    network = Network.from_frames(**frames, storage=plain)
    assert network.storage.rows() == [("C", "oil", 2.0, 1.0, None, None, 0.0)]


def test_rows_of_edges_that_do_not_operate_take_no_effect(frames):
    slow = pl.DataFrame({"asset_id": ["old"], "measure": ["notice_days"], "value": [9.0]})
    network = Network.from_frames(**frames, ramps=slow)
    assert simulate(network, network.everything, days=7).value_lost == 0.0


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("storage", "initial,", "start,", "storage.csv: found no column 'initial'"),
        ("storage", "C,oil,4", "D,oil,4", "storage.csv, row 2, column 'node_id': found unknown node 'D'"),
        (
            "storage",
            "A,oil",
            "A,oli",
            "storage.csv, row 3, column 'commodity': found unknown commodity 'oli'",
        ),
        ("storage", "A,oil", "C,oil", "storage.csv, row 3: found a second row for node_id=C, commodity=oil"),
        ("storage", "oil,4,", "oil,-4,", "storage.csv, row 2, column 'capacity': found -4"),
        ("storage", "oil,4,", "oil,inf,", "storage.csv, row 2, column 'capacity': found inf"),
        ("storage", "oil,4,", "oil,,", "storage.csv, row 2, column 'capacity': found an empty cell"),
        ("storage", "2,0,", "2,none,", "storage.csv, row 3, column 'initial': found 'none'"),
        (
            "storage",
            "2,0,",
            "2,2.5,",
            "storage.csv, row 3, column 'initial': found 2.5 in a store of 2.0; allowed: at most the capacity",
        ),
        ("storage", ",0.1,", ",-0.1,", "storage.csv, row 3, column 'max_out': found -0.1"),
        ("storage", ",0.5,", ",-0.5,", "storage.csv, row 3, column 'cost': found -0.5"),
        ("ramps", "measure,", "what,", "ramps.csv: found no column 'measure'"),
        ("ramps", "notice_days", "notise_days", "ramps.csv, row 2, column 'measure': found 'notise_days'"),
        ("ramps", "bc,", "cb,", "ramps.csv, row 2, column 'asset_id': found unknown edge or node 'cb'"),
        ("ramps", "10,5", "-10,5", "ramps.csv, row 2, column 'value': found -10"),
        ("ramps", "10,5", ",5", "ramps.csv, row 2, column 'value': found an empty cell"),
        ("ramps", "10,5", "inf,5", "ramps.csv, row 2, column 'value': found inf"),
        ("ramps", "A,turn", "ab,turn", "row 3, column 'asset_id': found unknown node with a supply 'ab'"),
        ("ramps", "A,turn", "B,turn", "row 3, column 'asset_id': found unknown node with a supply 'B'"),
        ("ramps", "bc,notice", "A,notice", "row 2, column 'asset_id': found unknown edge 'A'"),
        ("ramps", "bc,notice_days", "C,restart_days", "row 2, column 'asset_id': found unknown edge or node"),
        (
            "ramps",
            "A,turndown_days,4",
            "bc,notice_days,4",
            "ramps.csv, row 3: found a second row for asset_id=bc, measure=notice_days",
        ),
        (
            "ramps",
            "turndown_days,4",
            "least_share,1.5",
            "ramps.csv, row 3, column 'value': found 1.5; allowed: a share from 0 to 1",
        ),
        (
            "ramps",
            "notice_days,10",
            "ramp_days,10",
            "found a ramp of 'bc', whose capacity is unlimited; allowed: a ramp of an edge that has a capacity",
        ),
    ],
)
def test_refused_by_file_row_and_column(folder, table, old, new, message):
    file = folder / f"{table}.csv"
    text = file.read_text(encoding="utf-8")
    assert text.count(old)
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_network(folder)
    assert message in str(caught.value)


def test_a_fleet_bounds_a_ramp_where_no_capacity_does(frames):
    rows = {"asset_id": ["bc", "bc"], "measure": ["ramp_days", "fleet"], "value": [10.0, 8.0]}
    network = Network.from_frames(**frames, ramps=pl.DataFrame(rows))
    limits = simulate(network, network.everything, days=10, recovery_days=10, step_days=10).edges
    # Nothing today (grain pays better for the room on `ab`), then in a line to 8.
    shown = limits.filter(pl.col("edge_id") == "bc")["limit"] * 365 / 10
    assert shown.to_list() == pytest.approx([4.0, 8.0])


def test_a_name_that_is_an_edge_and_a_node_is_refused(spec):
    twice = replace(spec, edges={**spec.edges, "A": {"from_node": "A", "to_node": "B", "capacity": 1.0}})
    slow = pl.DataFrame({"asset_id": ["A"], "measure": ["restart_days"], "value": [3.0]})
    with pytest.raises(DataError, match="found 'A', both a node and an edge"):
        Network.from_frames(**twice.frames(), ramps=slow)


def test_frames_given_to_a_simulation_are_checked_like_files(spec):
    network = spec.network()
    slow = pl.DataFrame({"asset_id": ["ab", "xy"], "measure": ["notice_days"] * 2, "value": [3.0, 3.0]})
    with pytest.raises(UnknownLabel, match="ramps, row 3, column 'asset_id'"):
        simulate(network, close_edges(network, ["ab"]), days=7, ramps=slow)


def test_check_lists_faults_of_both_tables(folder):
    assert review(folder).height == 0
    (folder / "storage.csv").write_text(STORAGE.replace("A,oil,2,0", "Q,oil,-2,0"), encoding="utf-8")
    (folder / "ramps.csv").write_text(
        RAMPS.replace("bc,notice_days,10", "bd,notice,-1") + "A,turndown_days,4,,,,\n", encoding="utf-8"
    )
    found = review(folder).select("file", "row", "column", "check").rows()
    assert sorted(found) == [
        ("ramps.csv", 2, "asset_id", "unknown edge or node"),
        ("ramps.csv", 2, "measure", "measure"),
        ("ramps.csv", 2, "value", "range"),
        ("ramps.csv", 4, "asset_id", "key"),
        ("storage.csv", 3, "capacity", "range"),
        ("storage.csv", 3, "node_id", "unknown node"),
    ]
