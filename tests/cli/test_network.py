"""The commands of `betweengiants network`: tables, formats, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

import polars as pl
import pytest

from betweengiants.cli.network import Basis

FLOW = ["edge_id", "commodity", "flow", "capacity", "utilisation", "shadow_price"]
SEVER = ["commodity", "market", "before", "after", "lost", "lost_pct"]
CONTINGENCY = ["removed", "value_before", "value_after", "value_lost", "delivered_lost"]

BEFORE, AFTER = 60 * 17.0 + 20 * 14, 50 * 14.0


@pytest.fixture
def folder(write_network):
    return write_network()  # see tests/network/test_severance.py


@pytest.fixture
def run(run):
    return partial(run, "network")


def test_flow(run, folder, rows):
    code, out, err = run("flow", folder, "--format", "csv")
    table = {row["edge_id"]: row for row in rows(out)}
    assert code == 0
    assert list(table["east"]) == FLOW
    assert [table[edge]["flow"] for edge in ("east", "west", "round")] == ["60.0", "60.0", "20.0"]
    assert table["west"]["capacity"] == table["west"]["utilisation"] == ""
    assert float(table["east"]["shadow_price"]) == 3.0
    assert "1 edges have no capacity and count as unlimited: west" in err
    assert f"total value: {BEFORE}" in err


def test_sever_prints_a_pure_table_and_totals_aside(run, folder):
    code, out, err = run("sever", folder, "--power", "BBB", "--format", "csv")
    assert code == 0
    assert out == ",".join(SEVER) + "\noil,CCC,80.0,50.0,30.0,37.5\n"
    assert f"total value before: {BEFORE}" in err
    assert f"total value after: {AFTER}" in err
    assert "oil: 75.0% interdictable" in err
    assert "37.5% unreroutable" in err
    assert "BBB closes by territory: edges east, west" in err


def test_sever_on_the_screen_shows_the_totals_below(run, folder):
    code, out, err = run("sever", folder, "--power", "BBB")
    assert code == 0
    assert out.splitlines()[0].split() == SEVER
    assert f"total value before: {BEFORE}" in out
    assert f"total value after: {AFTER}" in out
    assert "total value" not in err


def test_json_is_a_list_of_rows(run, folder):
    code, out, _ = run("sever", folder, "--power", "BBB", "--format", "json")
    assert code == 0
    assert json.loads(out) == [
        {"commodity": "oil", "market": "CCC", "before": 80.0, "after": 50.0, "lost": 30.0, "lost_pct": 37.5}
    ]


def test_parquet_goes_to_a_file(run, folder, tmp_path):
    file = tmp_path / "flow.parquet"
    assert run("flow", folder, "--format", "parquet", "--output", file)[0] == 0
    assert pl.read_parquet(file).columns == FLOW


def test_joint_severance(run, folder, rows):
    code, out, _ = run("sever", folder, "--power", "BBB", "--power", "DDD", "--format", "csv")
    assert code == 0
    assert rows(out)[0]["after"] == "0.0"


def test_basis_and_threshold(run, folder, rows):
    _, out, err = run("sever", folder, "--power", "BBB", "--basis", "ownership", "--format", "csv")
    assert rows(out)[0]["lost"] == "0.0"
    assert "BBB closes nothing on the basis of ownership" in err
    (folder / "control.csv").write_text(
        "asset_id,power,basis,share\nround,EEE,ownership,0.4\n", encoding="utf-8"
    )
    lost = []
    for threshold in ("0.5", "0.4"):
        options = ("--power", "EEE", "--ownership-threshold", threshold, "--format", "csv")
        lost.append(rows(run("sever", folder, *options)[1])[0]["lost"])
    assert lost == ["0.0", "20.0"]


@pytest.mark.parametrize(
    ("options", "removed"),
    [
        ((), ["east", "west", "round"]),
        (("--order", "2"), ["east;round", "round;west", "east;west"]),
        (("--powers",), ["AAA", "CCC", "BBB", "DDD"]),
        (("--powers", "--order", "2", "--basis", "ownership"), None),
    ],
)
def test_contingency(run, folder, options, removed, rows):
    code, out, _ = run("contingency", folder, *options, "--format", "csv")
    table = rows(out)
    assert code == 0
    assert list(table[0]) == CONTINGENCY
    if removed:
        assert [row["removed"] for row in table] == removed
    assert all(float(row["value_before"]) == BEFORE for row in table)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sever", "FOLDER", "--power", "BBX"), "unknown power 'BBX'"),
        (("sever", "FOLDER"), "--power"),
        (("sever", "FOLDER", "--power", "BBB", "--basis", "luck"), "luck"),
        (("sever", "FOLDER", "--power", "BBB", "--ownership-threshold", "0"), "threshold of 0"),
        (("flow", "nowhere"), "no folder 'nowhere'"),
        (("contingency", "FOLDER", "--order", "3"), "--order 3"),
        (("contingency", "FOLDER", "--basis", "market"), "--basis with --edges"),
        (("flow", "FOLDER", "--format", "parquet"), "--output"),
    ],
)
def test_bad_usage(run, folder, arguments, message):
    code, out, err = run(*(folder if word == "FOLDER" else word for word in arguments))
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("edges", "60,1,0", "-60,1,0", "edges.csv, row 2, column 'capacity': found -60"),
        ("edges", "60,1,0", "60,1,1", "edges.csv, row 2, column 'loss': found 1"),
        (
            "edges",
            "field,middle",
            "feild,middle",
            "edges.csv, row 2, column 'from_node': found unknown node 'feild'",
        ),
        ("edges", "cost,", "price,", "edges.csv: found no column 'cost'"),
        ("supply", "80", "NaN", "supply.csv, row 2, column 'quantity': found 'NaN'"),
        ("demand", "oil", "gas", "demand.csv, row 2, column 'commodity': found unknown commodity"),
        ("demand", "market", "nowhere", "demand.csv, row 2, column 'node_id': found unknown node"),
        ("nodes", "45,60", "95,60", "nodes.csv, row 2, column 'lat': found 95"),
    ],
)
@pytest.mark.parametrize("command", [("flow",), ("sever", "--power", "BBB"), ("contingency",)])
def test_bad_input_is_one_sentence_and_writes_nothing(
    run, folder, tmp_path, command, table, old, new, message
):
    file = folder / f"{table}.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    target = tmp_path / "result.csv"
    code, out, err = run(command[0], folder, *command[1:], "--format", "csv", "--output", target)
    assert code == 2
    assert out == ""
    assert err.startswith(f"betweengiants: {message}")
    assert err.count("\n") == 1
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["network"]


def test_help_has_an_example_and_stays_light(run):
    for command in ("flow", "sever", "contingency"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert f"Example: betweengiants network {command}" in " ".join(out.split())
    code = (
        "import sys; from betweengiants.cli.app import app\n"
        "try: app(['network', 'sever', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'polars', 'highspy', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_fresh_process_prints_json_alone(folder):
    command = [sys.executable, "-m", "betweengiants", "network", "flow", str(folder), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [list(row) for row in json.loads(done.stdout)] == [FLOW] * 3


def test_bases_are_those_of_the_engine():
    from betweengiants.network import BASES

    assert tuple(basis.value for basis in Basis) == BASES


def test_flows_beside_observed_ones(run, folder, tmp_path, rows):
    seen = tmp_path / "seen.csv"
    seen.write_text("edge_id,commodity,volume\neast,oil,50\n")
    code, out, _ = run("flow", folder, "--observed", seen, "--format", "csv")
    assert code == 0
    table = {row["edge_id"]: row for row in rows(out)}
    assert list(table["east"]) == [*FLOW, "observed", "error_pct"]
    assert (float(table["east"]["observed"]), float(table["east"]["error_pct"])) == (50.0, 20.0)
    assert table["round"]["observed"] == ""


def test_observed_flows_of_unknown_edges_are_refused(run, folder, tmp_path):
    seen = tmp_path / "seen.csv"
    seen.write_text("edge_id,commodity,volume\neast,oil,50\neats,oil,1\n")
    code, out, err = run("flow", folder, "--observed", seen)
    assert (code, out) == (2, "")
    assert "seen.csv, row 3, column 'edge_id'" in err
    assert "east" in err


def test_check_of_a_clean_folder(run, folder):
    edges = folder / "edges.csv"
    edges.write_text(edges.read_text(encoding="utf-8").replace("DDD", "RUS"), encoding="utf-8")
    code, out, _ = run("check", folder, "--format", "csv")
    assert (code, out) == (0, "file,row,column,check,found,allowed\n")


def test_check_lists_faults(run, folder):
    with (folder / "supply.csv").open("a", encoding="utf-8") as supply:
        supply.write("field,gas,-1,1\n")
    edges = folder / "edges.csv"
    edges.write_text(edges.read_text(encoding="utf-8").replace("DDD", "RUS"), encoding="utf-8")
    code, out, _ = run("check", folder, "--format", "json")
    assert code == 1
    assert [(row["file"], row["row"], row["check"]) for row in json.loads(out)] == [
        ("supply.csv", 3, "range")
    ]


def test_the_part_of_each_power(run, folder):
    code, out, _ = run("joint", folder, "--powers", "BBB,DDD", "--format", "json")
    assert code == 0
    value = [row for row in json.loads(out) if row["measure"] == "value"]
    assert [row["coalition"] for row in value] == ["BBB", "DDD", "BBB;DDD"]
    assert [row["lost"] for row in value] == pytest.approx([BEFORE - AFTER, BEFORE - 60 * 17.0, BEFORE])
    assert value[0]["shapley"] + value[1]["shapley"] == pytest.approx(BEFORE)
