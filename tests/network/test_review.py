"""Every fault of a folder, row by row."""

from __future__ import annotations

import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.network.review import review

CLEAN = {
    "nodes": "node_id,name,kind,country,lat,lon\nA,A,port,RUS,0,0\nB,B,port,KAZ,1,1\n",
    "edges": "edge_id,from_node,to_node,mode,commodities,capacity,cost,loss,bidirectional,controlled_by\n"
    "ab,A,B,rail,oil,5,1,0,false,RUS\n",
    "supply": "node_id,commodity,quantity,cost\nA,oil,5,1\n",
    "demand": "node_id,commodity,quantity,price\nB,oil,5,9\n",
}


@pytest.fixture
def faults(tmp_path):
    """`faults(table=extra lines or (old, new))` -> list of (file, row, column, check)."""

    def run(**changes):
        for name, text in {**CLEAN, **{k: "" for k in changes if k not in CLEAN}}.items():
            change = changes.get(name, "")
            body = text.replace(*change) if isinstance(change, tuple) else text + change
            (tmp_path / f"{name}.csv").write_text(body)
        return review(tmp_path)

    return run


def places(frame):
    return frame.select("file", "row", "column", "check").rows()


def test_a_clean_folder_has_no_faults(faults):
    found = faults()
    assert found.height == 0
    assert found.columns == ["file", "row", "column", "check", "found", "allowed"]


def test_all_faults_of_all_tables_are_listed(faults):
    found = faults(
        nodes="C,C,port,KAZ,95,0\nA,A,port,KAZ,1,x\n",
        edges="ba,B,Z,rail,oil,-2,,1,maybe,RUSS;RUS\nbb,B,B,rail,oil,1,1,0,no,\n",
        supply="Q,oil,-1,inf\n",
        control="asset_id,power,basis,share\nab,RUS,whim,2\nzz,RUSS,supply,\n",
        commodities="commodity,unit\noil,tonns\n",
        conversions="commodity,from_unit,to_unit,factor\noil,t,kt,0\n",
    )
    assert set(places(found)) == {
        ("nodes.csv", 4, "lat", "range"),
        ("nodes.csv", 5, "node_id", "key"),
        ("nodes.csv", 5, "lon", "number"),
        ("edges.csv", 3, "to_node", "unknown node"),
        ("edges.csv", 3, "capacity", "range"),
        ("edges.csv", 3, "cost", "empty"),
        ("edges.csv", 3, "loss", "range"),
        ("edges.csv", 3, "bidirectional", "flag"),
        ("edges.csv", 3, "controlled_by", "unknown power"),
        ("edges.csv", 4, "to_node", "loop"),
        ("supply.csv", 3, "node_id", "unknown node"),
        ("supply.csv", 3, "quantity", "range"),
        ("supply.csv", 3, "cost", "range"),
        ("control.csv", 2, "basis", "basis"),
        ("control.csv", 2, "share", "range"),
        ("control.csv", 3, "asset_id", "unknown edge or node"),
        ("control.csv", 3, "power", "unknown power"),
        ("commodities.csv", 2, "unit", "unit"),
        ("conversions.csv", 2, "factor", "range"),
    }
    near = found.filter(pl.col("check") == "unknown power")["allowed"][0]
    assert near == "did you mean RUS?"


def test_missing_columns_are_faults(faults):
    found = faults(edges=("loss,", "losses,"))
    assert ("edges.csv", 1, "loss", "columns") in places(found)


def test_faults_of_the_whole_stand_one_behind_another(faults):
    """Two cycles that earn money, demand out of reach, an orphan, a dead end, a price that is too low."""
    more = "C,C,port,KAZ,1,1\nD,D,port,KAZ,1,1\nE,E,port,KAZ,1,1\nF,F,port,KAZ,1,1\n"
    found = faults(
        nodes=more,
        edges="ba,B,A,rail,oil,5,-3,0,false,\n"
        "bc,B,C,rail,oil,5,9,0.5,false,\n"
        "cb,C,B,rail,gas,5,-3,0,false,\nbc2,B,C,rail,gas,5,1,0,false,\n",
        supply="F,oil,5,1\nB,gas,1,0\n",
        demand="C,oil,1,9\nD,oil,1,9\nC,gas,1,9\n",
    )
    assert sorted(places(found)) == sorted(
        [
            ("edges.csv", 2, "cost", "cycle"),
            ("edges.csv", 3, "cost", "cycle"),
            ("edges.csv", 5, "cost", "cycle"),
            ("edges.csv", 6, "cost", "cycle"),
            ("demand.csv", 4, "", "network"),
            ("nodes.csv", 6, "node_id", "orphan"),
            ("supply.csv", 3, "node_id", "dead end"),
            ("demand.csv", 3, "price", "never served"),
        ]
    )


def test_units_that_nothing_converts(faults, monkeypatch):
    found = faults(
        nodes="C,C,port,KAZ,1,1\n",
        edges=(
            "controlled_by\nab,A,B,rail,oil,5,1,0,false,RUS",
            "controlled_by,capacity_unit\nab,A,B,rail,oil,5,1,0,false,RUS,teu",
        ),
        commodities="commodity,unit\noil,t\n",
    )
    assert places(found)[0] == ("edges.csv", 0, "capacity_unit", "network")


def test_no_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        review(tmp_path / "nothing")
