"""`network sever --days`: tables, totals, options, and that nothing changes without it."""

from __future__ import annotations

import json
from functools import partial

import pytest

from betweengiants.cli.network_time import Foresight

SEVER = ["commodity", "market", "before", "after", "lost", "lost_pct"]
PERIODS = [
    "start_day",
    "end_day",
    "commodity",
    "usual",
    "delivered",
    "lost",
    "stored",
    "wasted",
    "transport_cost",
]
TABLES = {
    "edges": """edge_id,from_node,to_node,mode,commodities,capacity,cost,loss,bidirectional,controlled_by
east,field,middle,pipeline,oil,73,1,0,false,
west,middle,market,pipeline,oil,73,1,0,false,
round,field,market,rail,oil,36.5,5,0,false,DDD
""",
    "supply": "node_id,commodity,quantity,cost\nfield,oil,73,1\n",
    "demand": "node_id,commodity,quantity,price\nmarket,oil,73,20\n",
}


@pytest.fixture
def folder(write_network):
    """0.2 a day through BBB, all that the field makes; half of it can go round by rail."""
    return write_network(**TABLES)


@pytest.fixture
def run(run, folder):
    return partial(run, "network", "sever", folder)


def test_quantities_are_those_of_the_window(run, rows):
    code, out, err = run("--power", "BBB", "--days", "30", "--recovery", "10", "--format", "csv")
    (row,) = rows(out)
    assert code == 0
    assert list(row) == SEVER
    assert (row["commodity"], row["market"]) == ("oil", "CCC")
    expected = {"before": 8.0, "after": 5.0, "lost": 3.0, "lost_pct": 37.5}
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)
    assert "BBB closes by territory: edges east, west" in err
    assert "value lost in 40 days: 60" in err
    assert "a steady year gives 60 for the 30 days of the closure" in err
    assert "oil: lost 3 while closed, 0 after, 0 made up, steady year 3" in err


def test_the_window_has_sixty_days_after_the_reopening(run, rows):
    _, out, _ = run("--power", "BBB", "--days", "30", "--format", "csv")
    assert float(rows(out)[0]["before"]) == pytest.approx(18.0)


def test_totals_stand_below_the_table_on_the_screen(run):
    code, out, err = run("--power", "BBB", "--days", "30")
    assert code == 0
    assert out.splitlines()[0].split() == SEVER
    for line in ("total value before: ", "total value after: ", "value lost in 90 days: "):
        assert line in out
        assert line not in err


def test_stores_and_ramps_of_the_folder_count(run, folder, rows):
    (folder / "ramps.csv").write_text("asset_id,measure,value\nround,notice_days,20\n", encoding="utf-8")
    _, out, _ = run("--power", "BBB", "--days", "30", "--step", "10", "--format", "csv")
    assert float(rows(out)[0]["lost"]) == pytest.approx(0.2 * 20 + 0.1 * 10)
    (folder / "storage.csv").write_text(
        "node_id,commodity,capacity,initial\nmarket,oil,9,3\n", encoding="utf-8"
    )
    _, out, err = run("--power", "BBB", "--days", "30", "--step", "10", "--format", "csv")
    assert float(rows(out)[0]["lost"]) == pytest.approx(2.0)
    assert "stored -3" in err


def test_a_short_closure_is_not_a_small_long_one(run, folder, rows):
    (folder / "storage.csv").write_text(
        "node_id,commodity,capacity,initial\nmarket,oil,9,3\n", encoding="utf-8"
    )
    lost = [
        float(rows(run("--power", "BBB", "--days", days, "--format", "csv")[1])[0]["lost"])
        for days in ("20", "200")
    ]
    assert lost == pytest.approx([0.0, 0.1 * 200 - 3], abs=1e-9)


def test_periods(run):
    options = ("--power", "BBB", "--days", "10", "--recovery", "4", "--step", "7", "--periods")
    code, out, _ = run(*options, "--format", "json")
    table = json.loads(out)
    assert code == 0
    assert list(table[0]) == PERIODS
    assert [(row["start_day"], row["end_day"]) for row in table] == [(0, 7), (7, 10), (10, 14)]
    assert [row["lost"] for row in table] == pytest.approx([0.7, 0.3, 0.0])


def test_edges_close_alone_or_with_a_power(run, rows):
    for options, lost in (
        (("--edge", "east"), 3.0),
        (("--edge", "east", "--edge", "round"), 6.0),
        (("--power", "BBB", "--edge", "round"), 6.0),
    ):
        code, out, _ = run(*options, "--days", "30", "--format", "csv")
        assert code == 0
        assert float(rows(out)[0]["lost"]) == pytest.approx(lost)


def test_a_backlog_is_made_up(run, folder):
    more = TABLES["supply"].replace("73", "109.5")
    (folder / "supply.csv").write_text(more, encoding="utf-8")
    options = ("--power", "BBB", "--days", "30", "--format", "csv")
    _, _, err = run(*options, "--backlog", "0.25")
    assert "oil: lost 3 while closed, 0 after, 3 made up" in err


def test_foresight(run, folder, rows):
    text = "asset_id,measure,value\nfield,restart_days,30\n"
    (folder / "ramps.csv").write_text(text, encoding="utf-8")
    shut = ("--edge", "east", "--edge", "round", "--days", "40", "--step", "5", "--format", "csv")
    lost = [float(rows(run(*shut, *more)[1])[0]["lost"]) for more in ((), ("--foresight", "full"))]
    assert lost[0] == pytest.approx(0.2 * 40 + 0.2 * 30 / 2)
    assert lost[1] < lost[0]
    assert tuple(one.value for one in Foresight) == ("none", "full")


def test_without_days_it_is_the_steady_year(run):
    code, out, err = run("--power", "BBB", "--format", "csv")
    assert code == 0
    assert out == ",".join(SEVER) + "\noil,CCC,73.0,36.5,36.5,50.0\n"
    assert "oil: 100.0% interdictable" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "found no --power; allowed: at least one --power (or --edge with --days)."),
        (("--days", "3"), "found no --power; allowed: at least one --power (or --edge with --days)."),
        (("--power", "BBB", "--edge", "east"), "found --edge without --days"),
        (("--power", "BBB", "--recovery", "9"), "found --recovery without --days"),
        (("--power", "BBB", "--step", "9"), "found --step without --days"),
        (("--power", "BBB", "--backlog", "0"), "found --backlog without --days"),
        (("--power", "BBB", "--foresight", "full"), "found --foresight without --days"),
        (("--power", "BBB", "--periods"), "found --periods without --days"),
        (("--power", "BBB", "--days", "-3"), "found days -3; allowed: whole days, at least 0"),
        (("--power", "BBB", "--days", "3", "--backlog", "-1"), "found a backlog share of -1"),
        (("--power", "BBC", "--days", "3"), "found unknown power 'BBC'; allowed: did you mean BBB"),
        (("--edge", "eats", "--days", "3"), "found unknown operating edge 'eats'"),
    ],
)
def test_bad_requests_are_one_sentence(run, arguments, message):
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(f"betweengiants: {message}")
    assert err.count("\n") == 1


def test_help_has_an_example(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "--power RUS --days 30 --periods" in " ".join(out.split())
