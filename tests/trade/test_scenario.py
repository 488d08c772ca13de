"""Scenarios and shock files."""

import math

import numpy as np
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.trade import Cell, Scenario, TradeMatrix, coalition, read_shocks, severance

MATRIX = TradeMatrix(("CHN", "KAZ", "ROW"), np.ones((3, 3)), sector="goods")


def shocks(folder, text):
    path = folder / "shocks.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_severance_cuts_both_ways_once():
    cut = severance([("KAZ", "RUS"), ("RUS", "KAZ"), ("KAZ", "CHN")])
    assert {cell[:2] for cell in cut.cells} == {
        ("KAZ", "RUS"),
        ("RUS", "KAZ"),
        ("KAZ", "CHN"),
        ("CHN", "KAZ"),
    }
    assert len(cut.cells) == 4
    assert all(cell.cost_factor == math.inf for cell in cut.cells)
    assert cut.name == "KAZ:RUS;RUS:KAZ;KAZ:CHN"


def test_one_way_cuts_exports_of_the_first():
    assert severance([("KAZ", "RUS")], one_way=True) == Scenario("KAZ>RUS", (Cell("KAZ", "RUS", math.inf),))


def test_coalition_severs_the_focal_state_from_all():
    cut = coalition("KAZ", ["RUS", "CHN"])
    assert cut.name == "KAZ:RUS+CHN"
    assert {cell[:2] for cell in cut.cells} == {
        ("KAZ", "RUS"),
        ("RUS", "KAZ"),
        ("KAZ", "CHN"),
        ("CHN", "KAZ"),
    }


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([("A", "B", 0.9)], "cost factor 0.9 for A to B; allowed: numbers of at least 1, or inf"),
        ([("A", "B", math.nan)], "cost factor nan"),
        ([("A", "B", -math.inf)], "cost factor -inf"),
        ([("A", "A", math.inf)], "a severance of A to A"),
        ([("A", "B", 2.0), ("A", "B", 3.0)], "second cost factor for A to B"),
    ],
)
def test_impossible_cells_are_refused(cells, message):
    with pytest.raises(DataError, match=message):
        Scenario("bad", tuple(Cell(*cell) for cell in cells))


def test_shocks_are_read(tmp_path):
    text = "exporter,importer,sector,cost_factor,quantity_cap\n"
    text += "KAZ,CHN,goods,inf,\nCHN,KAZ,,1.5,1\nROW,KAZ,,2,0\nKAZ,KAZ,,1.1,\n"
    scenario = read_shocks(shocks(tmp_path, text), MATRIX)
    assert scenario.name == "shocks"
    assert scenario.cells == (
        Cell("KAZ", "CHN", math.inf),
        Cell("CHN", "KAZ", 1.5),
        Cell("ROW", "KAZ", math.inf),
        Cell("KAZ", "KAZ", 1.1),
    )


HEAD = "exporter,importer,cost_factor\n"
CAPS = "exporter,importer,cost_factor,quantity_cap\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + "KAZ,CHN,2\nCHN,KAZ,0.5\n",
            "row 3, column 'cost_factor': found 0.5; allowed: numbers of at least 1",
        ),
        (HEAD + "KAZ,CHN,two\n", "row 2, column 'cost_factor': found 'two'"),
        (HEAD + "KAZ,CHN,nan\n", "row 2, column 'cost_factor': found 'nan'"),
        (HEAD + "KAZ,CHN,\n", "row 2, column 'cost_factor': found an empty cell"),
        (HEAD + "KAZ,CHN,2\nKAZ,CHN,3\n", "row 3: found a second row for exporter=KAZ, importer=CHN"),
        (HEAD + "KAZ,KAZ,inf\n", "row 2, column 'importer': found a severance of KAZ from itself"),
        (CAPS + "KAZ,KAZ,1,0\n", "row 2, column 'importer': found a severance of KAZ from itself"),
        (CAPS + "KAZ,CHN,1,-0.1\n", "row 2, column 'quantity_cap': found -0.1; allowed: numbers from 0 to 1"),
        (CAPS + "KAZ,CHN,1,nan\n", "row 2, column 'quantity_cap': found 'nan'"),
        (CAPS + "KAZ,CHN,1,1.4\n", "row 2, column 'quantity_cap': found 1.4; allowed: numbers from 0 to 1"),
        ("exporter,importer,sector,cost_factor\nKAZ,CHN,food,2\n", "row 2, column 'sector': found 'food'"),
        ("exporter,importer\nKAZ,CHN\n", "no column 'cost_factor'"),
    ],
)
def test_bad_shocks_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_shocks(shocks(tmp_path, text), MATRIX)
    assert message in str(caught.value)
    assert str(caught.value).startswith("shocks.csv")


def test_unknown_countries_are_refused_with_row_and_nearest(tmp_path):
    with pytest.raises(
        UnknownLabel, match=r"shocks.csv, row 3, column 'importer': .*'KZA'.*did you mean KAZ"
    ):
        read_shocks(shocks(tmp_path, HEAD + "KAZ,CHN,2\nCHN,KZA,2\n"), MATRIX)


def test_a_sector_is_refused_where_the_flows_name_none(tmp_path):
    plain = TradeMatrix(("CHN", "KAZ"), np.ones((2, 2)))
    text = "exporter,importer,sector,cost_factor\nKAZ,CHN,goods,2\n"
    with pytest.raises(DataError, match="'goods'; allowed: an empty cell"):
        read_shocks(shocks(tmp_path, text), plain)
