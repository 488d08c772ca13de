"""Reading flows: what is accepted, and what each refusal says."""

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.trade import TradeMatrix, from_frame, read_flows

GOOD = "exporter,importer,value\nA,A,10\nA,B,2\nB,A,3\nB,B,20\n"


def write(folder, text, name="flows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_parquet_give_the_same_matrix(tmp_path):
    path = write(tmp_path, GOOD)
    pl.read_csv(path).write_parquet(tmp_path / "flows.parquet")
    one, two = read_flows(path), read_flows(tmp_path / "flows.parquet")
    assert one.labels == two.labels == ("A", "B")
    np.testing.assert_array_equal(one.flows, [[10, 2], [3, 20]])
    np.testing.assert_array_equal(one.flows, two.flows)
    assert not one.flows.flags.writeable


def test_rows_may_come_in_any_order_and_zero_pairs_may_be_absent(tmp_path):
    text = "importer,note,exporter,value_usd_m\nROW,x,ROW,5\nA,y,A,10\nA,z,ROW,1e-3\n"
    matrix = read_flows(write(tmp_path, text))
    assert matrix.labels == ("A", "ROW")
    np.testing.assert_array_equal(matrix.flows, [[10, 0], [1e-3, 5]])


def test_year_is_chosen(tmp_path):
    text = "exporter,importer,year,value\n" + "".join(
        f"{a},{b},{year},{year - 2000 + (a == b)}\n" for year in (2001, 2002.0) for a in "AB" for b in "AB"
    )
    path = write(tmp_path, text)
    np.testing.assert_array_equal(read_flows(path, 2002).flows, [[3, 2], [2, 3]])
    with pytest.raises(
        DataError, match=r"several years \(2001, 2002\); allowed: one year, chosen with --year"
    ):
        read_flows(path)
    with pytest.raises(DataError, match="no rows for the year 1999; allowed: years 2001, 2002"):
        read_flows(path, 1999)


def test_sectors_are_added_up_only_on_request(tmp_path):
    text = "exporter,importer,sector,value\n" + "".join(
        f"{a},{b},{s},{4 + (a == b)}\n" for s in ("energy", "food") for a in "AB" for b in "AB"
    )
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=r"several sectors \(energy, food\).*--aggregate-sectors"):
        read_flows(path)
    np.testing.assert_array_equal(read_flows(path, aggregate_sectors=True).flows, [[10, 8], [8, 10]])
    one = read_flows(write(tmp_path, text.replace("food", "energy").split("A,A,energy,5\n", 2)[0] + GOODS))
    assert one.sector == "energy"


GOODS = "A,A,energy,5\nB,B,energy,5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exporter,importer\nA,A\n", "flows.csv: found no column 'value'"),
        ("exporter,value\nA,1\n", "no column 'importer'"),
        ("", "flows.csv: found an empty file"),
        ("exporter,importer,value\n", "no rows below the header"),
        (GOOD.replace("B,A,3", "B,A,-3"), "row 4, column 'value': found -3; allowed: numbers of at least 0"),
        (GOOD.replace("B,A,3", "B,A,inf"), "row 4, column 'value': found inf; allowed: finite"),
        (GOOD.replace("B,A,3", "B,A,nan"), "row 4, column 'value': found 'nan'"),
        (GOOD.replace("B,A,3", "B,A,x"), "row 4, column 'value': found 'x'; allowed: a number"),
        (GOOD.replace("B,A,3", "B,A,"), "row 4, column 'value': found an empty cell"),
        (GOOD.replace("B,A,3", ",A,3"), "row 4, column 'exporter': found an empty cell"),
        (GOOD + "A,B,9\n", "row 6: found a second row for exporter=A, importer=B"),
        (GOOD.replace("B,B,20\n", ""), "no domestic sales for B; allowed: a row with exporter = importer"),
        (GOOD.replace("B,B,20", "B,B,0"), "no domestic sales for B"),
        (GOOD + "A,NEW,1\n", "no domestic sales for NEW"),
        ("exporter,importer,value\nA,A,1\n", "found one country; allowed: two countries or more"),
        (GOOD.replace("value", "value_a,value_b").replace("\n", ",1\n"), "several value columns"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_flows(write(tmp_path, text))
    assert message in str(caught.value)
    assert str(caught.value).startswith("flows.csv")


def test_missing_file_and_false_parquet_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: found no such file"):
        read_flows(tmp_path / "none.csv")
    with pytest.raises(DataError, match="not Parquet"):
        read_flows(write(tmp_path, GOOD, "flows.parquet"))


def test_a_year_is_refused_for_a_table_without_years(tmp_path):
    with pytest.raises(DataError, match="without years"):
        read_flows(write(tmp_path, GOOD), 2020)


def test_frames_are_read_like_files():
    frame = pl.DataFrame(
        {"exporter": ["A", "A", "B", "B"], "importer": ["A", "B"] * 2, "value": [10, 2, 3, 20]}
    )
    assert from_frame(frame, name="mine").name == "mine"
    with pytest.raises(DataError, match=r"mine, row 3"):
        from_frame(frame.with_columns(value=pl.Series([1, -1, 1, 1])), name="mine")


@pytest.mark.parametrize(
    ("labels", "flows", "message"),
    [
        (("A", "B"), np.ones((2, 3)), "shape"),
        (("A", "A"), np.ones((2, 2)), "label twice"),
        (("A", "B"), np.array([[1, -1.0], [1, 1]]), "a flow of -1 from A to B"),
        (("A", "B"), np.array([[1, np.nan], [1, 1]]), "a flow of nan from A to B"),
    ],
)
def test_matrices_check_themselves(labels, flows, message):
    with pytest.raises(DataError, match=message):
        TradeMatrix(labels, flows)


def test_low_home_share_is_noted():
    plain = TradeMatrix(("A", "B"), np.array([[10.0, 2], [3, 20]]))
    assert plain.notes() == ()
    hub = TradeMatrix(("A", "B"), np.array([[0.1, 2], [3, 20]]))
    (note,) = hub.notes()
    assert "below 5% for A;" in note


def test_a_group_of_countries_blind_to_each_other_is_noted():
    """Eight countries; five trade with the other three only."""
    flows = np.full((8, 8), 1.0) + 10 * np.eye(8)
    for a in range(5):
        for b in range(5):
            if a != b:
                flows[a, b] = 0
    labels = tuple("ABCDEFGH")
    assert not any("no trade" in note for note in TradeMatrix(labels, flows + (flows == 0)).notes())
    # With four more partners the five trade with at least half of the others: zeros among them stand out.
    big = np.full((12, 12), 1.0) + 10 * np.eye(12)
    big[:8, :8] = flows
    (note,) = TradeMatrix(tuple("ABCDEFGHIJKL"), big).notes()
    assert "5 countries show no trade with one another (A, B, C, D, E)" in note
