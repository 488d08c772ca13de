"""Reading flows by sector, cost shares and elasticities: what is accepted, and what each refusal says."""

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.trade import (
    SectorMatrix,
    read_elasticities,
    read_sector_flows,
    sector_frame,
)

FLOWS = """exporter,importer,sector,value
A,A,oil,10
A,B,oil,5
B,B,oil,3
A,A,bread,40
A,B,bread,4
B,A,bread,9
B,B,bread,60
"""
IO_HEAD = "economy,sector,parameter,input_sector,value\n"
IO = (
    IO_HEAD
    + """*,oil,value_added_share,,0.8
*,oil,input_share,bread,0.2
*,bread,value_added_share,,0.5
*,bread,input_share,bread,0.4
*,bread,input_share,oil,0.1
"""
)


def write(folder, text, name="flows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, io=IO, flows=FLOWS, **options):
    return read_sector_flows(write(folder, flows), io=write(folder, io, "io.csv"), **options)


def test_flows_and_shares_are_read(tmp_path):
    matrix = read(tmp_path)
    assert matrix.labels == ("A", "B")
    assert matrix.sectors == ("bread", "oil")
    np.testing.assert_array_equal(matrix.flows[:, :, 0], [[40, 4], [9, 60]])
    np.testing.assert_array_equal(matrix.flows[:, :, 1], [[10, 5], [0, 3]])
    va, gamma = matrix.cost_shares
    np.testing.assert_allclose(va, [[0.5, 0.8], [0.5, 0.8]])
    np.testing.assert_allclose(gamma[0], [[0.4, 0.2], [0.1, 0.0]])
    # A absorbs 49 of bread; its bread (44) takes 0.4 and its oil (15) 0.2 of that as inputs.
    np.testing.assert_allclose(matrix.final_spending[0], [49 - 17.6 - 3, 10 - 4.4])
    np.testing.assert_allclose(matrix.value_added, [22 + 12, 34.5 + 2.4])
    assert matrix.notes() == ()
    assert not matrix.flows.flags.writeable


def test_without_io_there_are_no_inputs(tmp_path):
    matrix = read_sector_flows(write(tmp_path, FLOWS))
    np.testing.assert_array_equal(matrix.cost_shares[0], 1.0)
    np.testing.assert_array_equal(matrix.final_spending, matrix.absorption)
    np.testing.assert_array_equal(matrix.aggregate().flows, [[50, 9], [9, 63]])


def test_a_table_without_sectors_has_one(tmp_path):
    text = "exporter,importer,value\nA,A,10\nA,B,2\nB,A,3\nB,B,20\n"
    io = IO_HEAD + "A,*,value_added_share,,0.5\nA,*,input_share,all,0.5\nB,all,value_added_share,,0.25\n"
    matrix = read(tmp_path, io, text)
    assert matrix.sectors == ("all",)
    np.testing.assert_allclose(matrix.cost_shares[0][:, 0], [0.5, 0.25])


def test_own_rows_come_before_rows_for_all(tmp_path):
    own = IO + "B,bread,value_added_share,,0.7\nB,bread,intermediate_input_share,bread,1\n"
    va, gamma = read(tmp_path, own).cost_shares
    np.testing.assert_allclose(va, [[0.5, 0.8], [0.7, 0.8]])
    np.testing.assert_allclose(gamma[1], [[0.3, 0.2], [0.0, 0.0]])
    every = IO_HEAD + "DEFAULT,*,value_added_share,,0.5\n*,oil,value_added_share,,0.9\n"
    matrix = read(tmp_path, every)
    np.testing.assert_allclose(matrix.cost_shares[0], [[0.5, 0.9], [0.5, 0.9]])


def test_value_added_follows_from_input_shares_alone(tmp_path):
    io = IO_HEAD + "*,*,input_share,bread,0.3\n"
    np.testing.assert_allclose(read(tmp_path, io).cost_shares[0], 0.7)


def test_inputs_without_rows_follow_absorption_and_say_so(tmp_path):
    matrix = read(tmp_path, IO_HEAD + "*,*,value_added_share,,0.6\n")
    gamma = matrix.cost_shares[1]
    np.testing.assert_allclose(gamma[0, :, 0], 0.4 * np.array([49, 10]) / 59)
    (note,) = matrix.notes()
    assert "no input rows for A, B" in note


def test_the_share_of_the_whole_economy_scales_the_pattern(tmp_path):
    """A: pattern 0.5 and 0.8 on output 44 and 15 gives 34 of 59; asked for 30."""
    io = IO_HEAD + "*,bread,value_added_share,,0.5\n*,oil,value_added_share,,0.8\n"
    matrix = read(tmp_path, f"{io}A,all,value_added_share,,{30 / 59}\nA,oil,value_added_share,,0.9\n")
    np.testing.assert_allclose(matrix.cost_shares[0][0], [(30 - 13.5) / 44, 0.9])
    np.testing.assert_allclose(matrix.value_added[0], 30)
    with pytest.raises(DataError, match=r"io.csv, row 4, column 'value': .*for all sectors of A together"):
        read(tmp_path, f"{io}A,all,value_added_share,,0.99\n")


def test_rows_for_others_are_left_aside_and_named(tmp_path):
    more = IO + "ZZZ,bread,value_added_share,,0.5\nA,tea,value_added_share,,0.5\nA,bread,foreign_content,,7\n"
    notes = read(tmp_path, more).notes()
    assert "ZZZ, tea" in notes[0]
    assert "foreign_content" in notes[1]


HEAVY = IO_HEAD + "*,*,value_added_share,,0.4\n*,*,input_share,oil,0.6\n"


def test_negative_final_spending_is_refused_by_name_or_trimmed(tmp_path):
    with pytest.raises(
        DataError,
        match=r"final spending would be negative, for A \(oil\), B \(oil\) .*10 absorbed, 35.4 used",
    ):
        read(tmp_path, HEAVY)
    matrix = read(tmp_path, HEAVY, final_demand="trim")
    np.testing.assert_allclose(matrix.final_spending[:, 1], 0, atol=1e-12)
    va, gamma = matrix.cost_shares
    np.testing.assert_allclose(gamma[0, 1], 0.6 * 10 / 35.4)
    np.testing.assert_allclose(va + gamma.sum(axis=1), 1)
    assert any("inputs above absorption were cut" in n and "A (oil), B (oil)" in n for n in matrix.notes())
    with pytest.raises(DataError, match="allowed: refuse, trim"):
        read(tmp_path, HEAVY, final_demand="ignore")


@pytest.mark.parametrize(
    ("io", "message"),
    [
        (
            IO.replace("oil,value_added_share,,0.8", "oil,value_added_share,,0.7"),
            "value added 0.7 and inputs 0.2 for A, oil",
        ),
        (IO.replace(",,0.8", ",,1.8"), "row 2, column 'value': found 1.8; allowed: numbers from 0 to 1"),
        (IO.replace(",,0.8", ",,0"), "row 2, column 'value': found 0; allowed: a share above 0"),
        (IO.replace(",,0.8", ",,"), "row 2, column 'value': found an empty cell"),
        (IO.replace(",,0.8", ",,x"), "row 2, column 'value': found 'x'"),
        (
            IO.replace(",,0.8", ",oil,0.8"),
            "row 2, column 'input_sector': found 'oil'; allowed: an empty cell",
        ),
        (IO.replace("share,bread,0.2", "share,,0.2"), "row 3, column 'input_sector': found an empty cell"),
        (IO + "*,oil,input_share,bread,0.2\n", "row 7: found a second row for economy=*, sector=oil"),
        (IO + "*,oil,intermediate_input_share,oil,1\n", "row 7, column 'parameter': found input_share and"),
        (IO_HEAD + "*,oil,value_added_share,,0.8\n", "no value_added_share for A, bread"),
        (
            IO_HEAD + "*,*,input_share,oil,0.6\n*,*,input_share,bread,0.4\n",
            "input shares of A, bread that add up to 1",
        ),
        (IO_HEAD + "*,*,va,,0.8\n", "column 'parameter': found va; allowed: value_added_share, input_share"),
        (
            IO_HEAD + "*,*,value_added_share,,0.5\n*,*,intermediate_input_share,oil,0.4\n",
            "row 3, column 'value': found intermediate_input_share rows of *, * that add up to 0.4",
        ),
        ("economy,sector,value\nA,oil,1\n", "io.csv: found no column 'parameter'"),
    ],
)
def test_bad_cost_shares_are_refused_by_name(tmp_path, io, message):
    with pytest.raises(DataError) as caught:
        read(tmp_path, io)
    assert message in str(caught.value)
    assert str(caught.value).startswith("io.csv")


def test_an_unknown_input_sector_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(
        UnknownLabel, match=r"io.csv, row 6, column 'input_sector': .*'oli'; allowed: did you mean oil"
    ):
        read(tmp_path, IO.replace("input_share,oil", "input_share,oli"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FLOWS + "A,B,oil,3\n", "row 9: found a second row for exporter=A, importer=B, sector=oil"),
        (FLOWS.replace("A,B,oil,5", "A,B,oil,-5"), "row 3, column 'value': found -5"),
        (FLOWS.replace("A,B,oil,5", "A,B,,5"), "row 3, column 'sector': found an empty cell"),
        (FLOWS.replace("B,B,bread,60\n", "").replace("B,B,oil,3\n", ""), "no domestic sales for B"),
        (FLOWS + "A,A,tea,0\n", "no flow in tea"),
    ],
)
def test_bad_flows_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_sector_flows(write(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flows": np.ones((2, 2, 3))}, "flows of shape"),
        ({"flows": np.ones((2, 2, 2)) * np.array([1, -1])}, r"a flow of -1 from A to A \(t\)"),
        ({"sectors": ("s", "s")}, "a sector label twice"),
        ({"labels": ("A", "A")}, "a country label twice"),
        ({"va": np.full((2, 2), 0.9)}, "cost shares of A, s: value added 0.9, inputs 0"),
        ({"va": np.array([[1, 1], [0, 1]])}, "cost shares of B, s"),
        ({"gamma": np.full((2, 2, 2), 0.5), "va": np.full((2, 2), np.nan)}, "cost shares of A, s"),
        ({"gamma": np.zeros((2, 2))}, "gamma of shape"),
    ],
)
def test_matrices_check_themselves(change, message):
    arguments = {"labels": ("A", "B"), "sectors": ("s", "t"), "flows": np.ones((2, 2, 2))} | change
    with pytest.raises(DataError, match=message):
        SectorMatrix(**arguments)


def test_frames_and_years(tmp_path):
    frame = pl.read_csv(FLOWS.encode()).with_columns(year=2020)
    both = pl.concat([frame, frame.with_columns(year=2021, value=pl.col("value") * 2)])
    np.testing.assert_array_equal(sector_frame(both, year=2021).flows, 2 * sector_frame(frame).flows)
    with pytest.raises(DataError, match=r"several years \(2020, 2021\)"):
        sector_frame(both)


def test_elasticities_are_read(tmp_path):
    path = write(tmp_path, "sector,theta,source\noil,8,x\nbread,2.5,y\n", "theta.csv")
    np.testing.assert_array_equal(read_elasticities(path, ("bread", "oil")), [2.5, 8])
    with pytest.raises(DataError, match=r"no row for tea; allowed: .*--elasticity"):
        read_elasticities(path, ("bread", "oil", "tea"))
    np.testing.assert_array_equal(read_elasticities(path, ("bread", "oil", "tea"), 4.0), [2.5, 8, 4])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sector,theta\noil,0\n", "row 2, column 'theta': found 0; allowed: finite numbers above 0"),
        ("sector,theta\noil,inf\n", "row 2, column 'theta': found inf"),
        ("sector,theta\noil,-4\n", "row 2, column 'theta': found -4"),
        ("sector,theta\noil,4\noil,5\n", "row 3: found a second row for sector=oil"),
        (
            "sector,theta\noli,4\n",
            "row 2, column 'sector': found unknown sector 'oli'; allowed: did you mean oil",
        ),
        ("sector,sigma\noil,4\n", "no column 'theta'"),
    ],
)
def test_bad_elasticities_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_elasticities(write(tmp_path, text, "theta.csv"), ("oil",))
    assert message in str(caught.value)


def test_the_sample_is_read_as_documented(gross):
    """Observed shares of Kazakhstan as they stand; others scaled to their own total."""
    va, _ = gross.cost_shares
    kaz = dict(zip(gross.sectors, va[gross.index("KAZ")], strict=True))
    assert kaz["energy"] == pytest.approx(0.5825)
    assert kaz["services"] == pytest.approx(0.629)
    usa = gross.index("USA")
    assert gross.value_added[usa] / gross.output[usa].sum() == pytest.approx(0.5685)
    ukr = dict(zip(gross.sectors, va[gross.index("UKR")], strict=True))
    assert ukr["manufactures"] == pytest.approx(0.32)
    assert (gross.final_spending > 0).all()
