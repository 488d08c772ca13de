import datetime
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError
from betweengiants.core.tables import (
    Kind,
    read_table,
    require_member,
    require_range,
    require_unique,
    typed,
)

COLUMNS: dict[str, Kind] = {"name": "text", "value": "number"}
HEAD = b"name,value\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def read(path: Path, data: bytes, columns: dict[str, Kind] | None = None, **more: object) -> pl.DataFrame:
    path.write_bytes(data)
    return read_table(path, columns or COLUMNS, **more)  # type: ignore[arg-type]


def refusal(path: Path, data: bytes, columns: dict[str, Kind] | None = None, **more: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(path, data, columns, **more)
    assert str(caught.value).startswith("table.")
    assert "\n" not in str(caught.value)
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^gone\.csv: found no such file; allowed: an existing"):
        read_table(tmp_path / "gone.csv", COLUMNS)
    with pytest.raises(DataError, match="found a folder"):
        read_table(tmp_path, COLUMNS)
    with pytest.raises(DataError, match=r"^flows: found no such file"):
        read_table(tmp_path / "gone.csv", COLUMNS, name="flows")


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n", b"  \r\n\t\n", b"\xef\xbb\xbf\r\n"])
def test_empty_files(table: Path, data: bytes) -> None:
    assert refusal(table, data).found == "an empty file"


@pytest.mark.parametrize("data", [b"name,value", b"name,value\n", b"name,value\r\n\r\n"])
def test_a_header_alone(table: Path, data: bytes) -> None:
    assert refusal(table, data).found == "no rows below the header"


@pytest.mark.parametrize(
    ("data", "row", "found"),
    [
        # not text
        (HEAD + b"x,1\n\xff,2\n", 3, "a byte that is not UTF-8 (0xff)"),
        (HEAD + b'"x\ny\nz",1\r\nk,\xe9\n', 3, "a byte that is not UTF-8 (0xe9)"),
        (b"n\xc3,value\nx,1\n", 1, "a byte that is not UTF-8 (0xc3)"),
        (HEAD + b"x,\x001\n", None, "binary data"),
        ("name,value\nx,1\n".encode("utf-16"), None, "binary data"),
        (b"name,value\rx,1\ry,2\r", None, "line ends of CR alone"),
        # ragged
        (HEAD + b"x,1\ny,2,3\n", 3, "more cells than the header has (3, not 2)"),
        (HEAD + b"x,1,2", 2, "more cells than the header has (3, not 2)"),
        (HEAD + b"x,1,", 2, "more cells than the header has (3, not 2)"),
        (HEAD + b'"x\n\nz",1\ny,2,3\n', 3, "more cells than the header has (3, not 2)"),
        (HEAD + b"x,1\ny\nz,3\n", 3, "fewer cells than the header has (1, not 2)"),
        (HEAD + b"x,1,000\n", 2, "more cells than the header has (3, not 2)"),
        (HEAD + b"x,1\n\ny,2\n", 3, "an empty line"),
        (HEAD + b"x,1\r\n\r\ny,2\r\n", 3, "an empty line"),
        (b"\n" + HEAD + b"x,1\n", 1, "an empty line"),
        # quotes
        (HEAD + b'x,1\n"y,2\nz,3\n', 3, "a quote that is never closed, or text behind a closing quote"),
        (HEAD + b'x,"1\n', 2, "a quote that is never closed, or text behind a closing quote"),
        (b'"name,value\nx,1\n', 1, "a quote that is never closed, or text behind a closing quote"),
        (HEAD + b'"x"y,1\n', 2, "a quote that is never closed, or text behind a closing quote"),
        (HEAD + b'x,1\nx"y,1\n', 3, "a quote inside a cell that is not quoted"),
        (HEAD + b'x"y,1', 2, "a quote inside a cell that is not quoted"),
        # header
        (b"name,value,name\nx,1,y\n", 1, "column 'name' twice"),
        (b"name,value, name\nx,1,y\n", 1, "column 'name' twice"),
        (b"name,value,,\nx,1,y,z\n", 1, "column '' twice"),
        (b"name,values\nx,1\n", None, "no column 'value' (columns: name, values)"),
        (b"name;value\nx;1\n", None, "no column 'name' (columns: name;value)"),
    ],
)
def test_layouts_that_are_refused(table: Path, data: bytes, row: int | None, found: str) -> None:
    error = refusal(table, data)
    assert (error.row, error.found) == (row, found)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("abc", "number"),
        ('"1,000"', "number"),
        ("1 000", "number"),
        ("1_000", "number"),
        ("1.000.000", "number"),
        ("0x10", "number"),
        ("5%", "number"),
        ("=1+1", "number"),
        ("nan", "number"),
        ("NaN", "number"),
        ("1e400", "number"),
        ("-1e400", "number"),
        ("1.5", "integer"),
        ("inf", "integer"),
        ("nan", "integer"),
        ("1e30", "integer"),
        ("9223372036854775808", "integer"),
        ("maybe", "flag"),
        ("2", "flag"),
        ("1.0", "flag"),
        ("", "text"),
        ("   ", "text"),
        ('""', "text"),
        ("", "number"),
        ("", "integer"),
        ("", "flag"),
    ],
)
def test_cells_of_the_wrong_kind(table: Path, cell: str, kind: Kind) -> None:
    good = {"text": "x", "number": "1", "integer": "1", "flag": "yes"}[kind]
    data = f'a,cell\n"first\nrecord",{good}\nx,{cell}\nx,{good}\n'.encode()
    error = refusal(table, data, {"a": "text", "cell": kind})
    assert (error.file, error.row, error.column) == ("table.csv", 3, "cell")
    shown = cell.strip('" ')
    assert error.found == (f"'{shown}'" if shown else "an empty cell")
    words = {"text": "text", "number": "a number", "integer": "a whole number", "flag": "true or false"}
    assert error.allowed.startswith(words[kind])


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        (" x ", "text", "x"),
        ("=cmd()|' /C calc'!A0", "text", "=cmd()|' /C calc'!A0"),
        ("@SUM(A1)", "text", "@SUM(A1)"),
        ("007", "text", "007"),
        ("null", "text", "null"),
        ("1e3", "number", 1000.0),
        ("-.5", "number", -0.5),
        (" 7 ", "number", 7.0),
        ("inf", "number", math.inf),
        ("-Infinity", "number", -math.inf),
        ("1e-400", "number", 0.0),
        ("3.0", "integer", 3),
        ("1e3", "integer", 1000),
        ("-4", "integer", -4),
        ("9007199254740993", "integer", 9007199254740993),  # not a float
        ("9223372036854775807", "integer", 2**63 - 1),
        ("TRUE", "flag", True),
        ("yes", "flag", True),
        ("1", "flag", True),
        ("No", "flag", False),
        ("false", "flag", False),
        ("0", "flag", False),
    ],
)
def test_cells_of_the_right_kind(table: Path, cell: str, kind: Kind, value: object) -> None:
    frame = read(table, f"a,cell\nx,{cell}\n".encode(), {"cell": kind})
    assert frame.rows() == [(value,)]
    assert type(frame["cell"][0]) is type(value)


@pytest.mark.parametrize("kind", ["text", "number", "integer", "flag"])
def test_blanks_where_they_are_allowed(table: Path, kind: Kind) -> None:
    good = {"text": "x", "number": "1", "integer": "1", "flag": "yes"}[kind]
    frame = read(table, f"a,b\nx,\ny,{good}\nz,  \n".encode(), {"b": kind}, blanks=["b"])
    assert frame["b"].is_null().to_list() == [True, False, True]


@pytest.mark.parametrize(
    "data",
    [
        b"name,value\nx,1\ny,2\n",
        b"name,value\nx,1\ny,2",
        b"name,value\r\nx,1\r\ny,2\r\n",
        b"\xef\xbb\xbfname,value\nx,1\ny,2\n",
        b'\xef\xbb\xbf"name","value"\r\n"x","1"\r\n"y","2"\r\n',
        b"name , value\nx,1\ny,2\n\n\r\n  \n",
        b'value,other,name\n1,"a ""quoted"", word",x\n2,"two\nlines",y\n',
    ],
)
def test_layouts_that_are_the_same_table(table: Path, data: bytes) -> None:
    assert read(table, data).rows() == [("x", 1.0), ("y", 2.0)]


def test_rows_are_counted_as_records(table: Path) -> None:
    error = refusal(table, HEAD + b'"one\ntwo\nthree",1\nx,q\n')
    assert (error.row, error.column, error.found) == (3, "value", "'q'")


def test_columns_are_chosen_and_ordered(table: Path) -> None:
    frame = read(table, b"z,value,name,y\n1,2,x,3\n", COLUMNS, optional={"y": "integer", "w": "text"})
    assert frame.columns == ["name", "value", "y"]
    assert frame.rows() == [("x", 2.0, 3)]


def test_a_name_with_a_suffix_of_the_readers_own(table: Path) -> None:
    assert read(table, b"name,value,name_duplicated_0\nx,1,2\n").rows() == [("x", 1.0)]


def test_huge_cells(table: Path) -> None:
    error = refusal(table, HEAD + b"x" * 100_001 + b",1\n")
    assert (error.column, error.found) == ("name", "a cell of 100001 bytes")
    assert refusal(table, b"name,value,z\nx,1," + b"y" * 200_000 + b"\n").column == "z"
    assert read(table, HEAD + b"x" * 100_000 + b",1\n")["name"].str.len_bytes().to_list() == [100_000]


def test_hostile_cells_in_messages(table: Path) -> None:
    error = refusal(table, HEAD + b"x,\x1b[31m" + b"9z" * 5_000 + b"\n")
    assert "\x1b" not in str(error)
    assert r"\x1b[31m9z" in error.found
    assert len(str(error)) < 300


def test_control_characters_do_not_crash(table: Path) -> None:
    frame = read(table, "name,value\nbell\x07 \x1b[0m \x0b\x0c\u2028\u202e,1\nk,2\n".encode())
    assert frame["value"].to_list() == [1, 2]


def parquet_refusal(tmp_path: Path, column: pl.Series, kind: Kind) -> DataError:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"cell": column}).write_parquet(path)
    with pytest.raises(DataError) as caught:
        read_table(path, {"cell": kind})
    return caught.value


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame = pl.DataFrame(
        {
            "name": pl.Series(["x", "y"], dtype=pl.Categorical),
            "enum": pl.Series(["p", "q"], dtype=pl.Enum(["p", "q"])),
            "code": [643, 398],
            "value": [1, 2],
            "whole": [2**62 + 1, 3],
            "flag": [True, False],
            "day": [datetime.date(2025, 11, 12)] * 2,
        }
    )
    frame.write_parquet(path)
    kinds: dict[str, Kind] = {
        "name": "text",
        "enum": "text",
        "code": "text",
        "value": "number",
        "whole": "integer",
        "flag": "flag",
        "day": "text",
    }
    got = read_table(path, kinds)
    assert got.rows() == [
        ("x", "p", "643", 1.0, 2**62 + 1, True, "2025-11-12"),
        ("y", "q", "398", 2.0, 3, False, "2025-11-12"),
    ]
    assert got.dtypes == [pl.String, pl.String, pl.String, pl.Float64, pl.Int64, pl.Boolean, pl.String]


@pytest.mark.parametrize(
    "data", [b"name,value\nx,1\n", b"PAR1" + b"x" * 100 + b"PAR1", b"PK\x03\x04", b"\0" * 64]
)
def test_a_parquet_file_that_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"^table\.parquet: found a file that is not Parquet"):
        read_table(path, COLUMNS)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pl.Series([["x"]]), "text"),
        (pl.Series([{"x": 1}]), "text"),
        (pl.Series([b"\xff"]), "text"),
        (pl.Series([datetime.timedelta(1)]), "text"),
        (pl.Series([[1]]), "number"),
        (pl.Series([b"5"]), "number"),
        (pl.Series([datetime.date(2025, 1, 1)]), "number"),  # would count days
        (pl.Series([True]), "number"),
        (pl.Series([datetime.date(2025, 1, 1)]), "integer"),
        (pl.Series([[True]]), "flag"),
        (pl.Series([1.0]), "flag"),
    ],
)
def test_parquet_types_that_do_not_fit(tmp_path: Path, column: pl.Series, kind: Kind) -> None:
    error = parquet_refusal(tmp_path, column, kind)
    assert error.column == "cell"
    assert error.found.startswith("values of type ")


def test_parquet_cells_that_do_not_fit(tmp_path: Path) -> None:
    assert parquet_refusal(tmp_path, pl.Series([1.0, math.nan]), "number").row == 3
    assert parquet_refusal(tmp_path, pl.Series([1.0, 1.5]), "integer").row == 3
    assert parquet_refusal(tmp_path, pl.Series([1, 2**64 - 1], dtype=pl.UInt64), "integer").row == 3
    assert parquet_refusal(tmp_path, pl.Series(["x", None]), "text").found == "an empty cell"
    assert parquet_refusal(tmp_path, pl.Series([], dtype=pl.String), "text").found.startswith("no rows")


def test_frames_in_memory() -> None:
    frame = pl.DataFrame({"name": ["x", "y"], "value": ["1", "two"]})
    with pytest.raises(DataError, match=r"^votes, row 3, column 'value': found 'two'; allowed: a number"):
        typed(frame, COLUMNS, name="votes")
    assert typed(frame.head(1), COLUMNS)["value"].to_list() == [1.0]


def test_require_unique() -> None:
    frame = pl.DataFrame({"k": ["x", "y", "x", "y"], "l": [None, 1, None, 2]})
    with pytest.raises(DataError) as caught:
        require_unique(frame, ["k", "l"], "t.csv")
    expected = "t.csv, row 4: found a second row for k=x, l=(empty); allowed: one row for each k, l."
    assert str(caught.value) == expected
    require_unique(frame.head(2), ["k"], "t.csv")


def test_require_range() -> None:
    frame = pl.DataFrame({"v": [1.0, None, 100.00000001, math.inf], "n": [1.0, 2.0, math.nan, 0.0]})
    cases: list[tuple[str, dict[str, float], str]] = [
        ("v", {"maximum": 100}, "row 4, column 'v': found 100.00000001; allowed: numbers of at most 100."),
        ("v", {"minimum": 2}, "row 2, column 'v': found 1; allowed: numbers of at least 2."),
        (
            "v",
            {"minimum": 1, "maximum": 1e3},
            "row 5, column 'v': found inf; allowed: numbers from 1 to 1000.",
        ),
        ("n", {"minimum": 0}, "row 4, column 'n': found nan; allowed: numbers of at least 0."),
    ]
    for column, bounds, message in cases:
        with pytest.raises(DataError) as caught:
            require_range(frame, column, "t.csv", **bounds)
        assert str(caught.value) == f"t.csv, {message}"
    require_range(frame, "v", "t.csv", minimum=1)


def test_require_member() -> None:
    frame = pl.DataFrame({"k": ["x", None, "Z"]})
    with pytest.raises(DataError) as caught:
        require_member(frame, "k", ["x", "z"], "t.csv")
    assert str(caught.value) == "t.csv, row 4, column 'k': found 'Z'; allowed: x, z."
    require_member(frame.head(2), "k", ["x"], "t.csv")


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12
).map(str.strip)  # fmt: skip
ROWS = st.lists(
    st.tuples(
        WORDS.filter(bool),
        st.floats(allow_nan=False),
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150)
@given(rows=ROWS, bom=st.booleans())
def test_a_written_table_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list, bom: bool
) -> None:
    schema = {"text": pl.String, "number": pl.Float64, "integer": pl.Int64, "flag": pl.Boolean}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    frame.write_csv(path, include_bom=bom)
    kinds: dict[str, Kind] = {
        "text": "text",
        "number": "number",
        "integer": "integer",
        "flag": "flag",
    }
    stripped = frame.with_columns(pl.col("text").str.strip_chars())
    if (stripped["text"] == "").any():
        with pytest.raises(DataError, match="an empty cell"):
            read_table(path, kinds)
    else:
        assert read_table(path, kinds).equals(stripped)


@settings(max_examples=200)
@given(data=st.binary(max_size=60).map(lambda tail: HEAD + b"x,1\n" + tail))
def test_any_bytes_are_a_table_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "table.csv"
    path.write_bytes(data)
    try:
        frame = read_table(path, COLUMNS, blanks=["name", "value"])
    except DataError:
        return
    assert frame["name"][0] == "x"
