"""`backtest` and `sever --days`: contract columns, formats, exit codes, and that nothing changes without --days."""

from __future__ import annotations

import csv
import io
import json

import pytest

COLUMNS = [
    "closure_id",
    "start",
    "days",
    "asset",
    "system",
    "predicted_lost",
    "predicted_low",
    "predicted_high",
    "observed_lost",
    "unit",
    "predicted_rerouted",
    "observed_rerouted",
    "error_pct",
    "verdict",
    "why",
    "source_id",
]
TIMED = [
    "channel",
    "commodity",
    "unit",
    "before",
    "lost",
    "lost_pct",
    "lost_usd_m",
    "lost_exports_usd_m",
    "lost_imports_usd_m",
    "recovered",
    "steady_lost",
    "steady_lost_usd_m",
]


def test_backtest_prints_the_contract_columns_and_a_summary(run, tmp_path):
    code, out, err = run("backtest", "kazakhstan", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert list(rows[0]) == COLUMNS
    assert "closures run:" in err.splitlines()[0]
    assert "mean absolute error" in err
    again, text, _ = run("backtest", "--format", "json", "--output", str(tmp_path / "b.json"))
    assert (again, text) == (0, "")
    listed = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert [row["closure_id"] for row in listed] == [row["closure_id"] for row in rows]
    assert [row["verdict"] for row in listed] == [row["verdict"] for row in rows]


def test_backtest_of_leverage(run):
    code, out, err = run("backtest", "--of", "leverage", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {"obs_id", "predicted", "observed", "factor", "verdict", "why", "source_id"} <= set(rows[0])
    assert "episodes with" in err.splitlines()[0]
    assert "skipped" in {row["verdict"] for row in rows}
    again, shown, _ = run("backtest", "--of", "leverage")
    assert again == 0
    assert shown.count("\n") == 1 + sum(row["verdict"] != "skipped" for row in rows)


def test_backtest_of_findings(run):
    code, out, _ = run("backtest", "--of", "findings", "--format", "json")
    assert code == 0
    assert {"respected", "respected within 25 %", "not respected", "not testable"} <= {
        row["verdict"] for row in json.loads(out)
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--flows", "flows.csv"), "--flows with --of closures"),
        (("--of", "leverage", "--flows", "none.csv"), "none.csv"),
        (("--of", "leverage", "--flows", "flows.csv"), "year"),
    ],
)
def test_backtest_refuses_flows(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.csv").write_text("exporter,importer,value\nA,A,1\n", encoding="utf-8")
    code, out, err = run("backtest", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_backtest_refuses_what_is_no_dossier(run):
    code, out, err = run("backtest", "atlantis")
    assert (code, out) == (2, "")
    assert "no dossier 'atlantis'" in err


def test_sever_for_days(run):
    code, out, err = run("sever", "--by", "RUS", "--days", "20", "--recovery", "10", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert list(rows[0]) == TIMED
    assert rows[0]["channel"] == "oil_transit"
    assert "still cross the border" in err


def test_sever_closes_single_edges(run):
    code, out, _ = run("sever", "--edge", "cpc-sea", "--edge", "btc", "--days", "5", "--format", "json")
    assert code == 0
    assert {row["channel"] for row in json.loads(out)} == {"oil_transit"}


@pytest.mark.parametrize(
    ("domain", "channels"),
    [("energy", {"oil_transit", "gas_transit"}), ("transit", {"freight_transit"})],
)
def test_days_obey_the_domain(run, domain, channels):
    closure = ("sever", "--by", "RUS", "--days", "5", "--recovery", "0", "--format", "json")
    every = json.loads(run(*closure)[1])
    code, out, _ = run(*closure, "--domain", domain)
    assert code == 0
    assert json.loads(out) == [row for row in every if row["channel"] in channels]
    assert {row["channel"] for row in json.loads(out)} == channels


def test_days_without_a_network_of_the_domain(run, dossier_copy, edit_table):
    edit_table("network_commodities", lambda rows: [row.update(system="gas") for row in rows])
    code, out, err = run("sever", str(dossier_copy), "--by", "RUS", "--days", "5", "--domain", "transit")
    assert (code, out) == (2, "")
    assert "no network of --domain transit" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--by POWER"),
        (("--edge", "cpc-sea"), "--edge without --days"),
        (("--by", "RUS", "--recovery", "5"), "--recovery without --days"),
        (("--days", "5"), "neither a power nor an edge"),
        (("--by", "RUS", "--days", "-2"), "days -2"),
        (("--by", "RUS", "--days", "0"), "--days 0; allowed: whole days from 1 to 3650"),
        (("--by", "RUS", "--days", "9999999"), "from 1 to 3650"),
        (("--by", "RUS", "--days", "5", "--recovery", "4000"), "--recovery 4000"),
        (("--by", "RUS", "--days", "5", "--draws", "5"), "--draws with --days"),
        (("--by", "RUS", "--days", "5", "--seed", "5"), "--seed with --days"),
        (("--by", "RUS", "--days", "5", "--horizon", "short"), "--horizon short with --days"),
        (("--by", "RUS", "--horizon", "long", "--domain", "energy"), "--horizon long with --domain energy"),
        (
            ("--by", "RUS", "--horizon", "short", "--domain", "transit"),
            "--horizon short with --domain transit",
        ),
        (("--by", "RUS", "--days", "5", "--domain", "trade"), "--domain trade with --days"),
        (
            ("--edge", "cpc-sea", "--days", "5", "--domain", "transit"),
            "edge 'cpc-sea', which is in no operating",
        ),
        (("--by", "RUS", "--days", "5", "--horizon", "long"), "--horizon long with --days"),
        (("--edge", "cpc-see", "--days", "5"), "unknown operating edge 'cpc-see'"),
        (("--by", "RUSS", "--days", "5"), "unknown power 'RUSS'"),
    ],
)
def test_sever_refuses(run, arguments, message):
    code, out, err = run("sever", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
