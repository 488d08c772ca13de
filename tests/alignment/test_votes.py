from pathlib import Path

import numpy as np
import polars as pl
import pytest

from betweengiants.alignment.votes import read_votes, votes_from_frame
from betweengiants.core.errors import DataError, UnknownLabel

HEAD = "resolution,session,date,country,vote\n"
GOOD = (
    HEAD
    + "r2,2,2001-01-02,BBB,no\n"
    + "r2,2,2001-01-02,AAA,yes\n"
    + "r1,1,2000-12-31,AAA,abstain\n"
    + "r1,1,2000-12-31,BBB,absent\n"
    + "r1,1,2000-12-31,CCC,\n"
)


def write(folder: Path, text: str, name: str = "votes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_small_file(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, GOOD))
    assert votes.resolutions == ("r1", "r2")
    assert votes.countries == ("AAA", "BBB", "CCC")
    assert votes.matrix.tolist() == [[2, 0, 0], [1, 3, 0]]
    assert votes.matrix.dtype == np.int8
    assert votes.years.tolist() == [2000, 2001]
    assert votes.sessions.tolist() == [1, 2]
    assert votes.dates.astype(str).tolist() == ["2000-12-31", "2001-01-02"]
    assert votes.left_out == {"absent": 1, "(blank)": 1}
    assert votes.note() == "left out, as neither yes, abstain nor no: 1 (blank), 1 absent"
    assert votes.contested().tolist() == [False, True]


def test_parquet_and_other_columns_and_types(tmp_path: Path) -> None:
    frame = pl.read_csv(write(tmp_path, GOOD)).with_columns(
        pl.col("date").str.to_date(), pl.col("country", "vote").cast(pl.Categorical), extra=pl.lit(1)
    )
    frame.write_parquet(tmp_path / "votes.parquet")
    one, other = read_votes(tmp_path / "votes.csv"), read_votes(tmp_path / "votes.parquet")
    assert one.matrix.tolist() == other.matrix.tolist()
    assert one.dates.tolist() == other.dates.tolist()
    frame.with_columns(pl.col("date").cast(pl.Datetime)).write_parquet(tmp_path / "votes.parquet")
    assert read_votes(tmp_path / "votes.parquet").dates.tolist() == one.dates.tolist()


@pytest.mark.parametrize("time", ["T10:30", " 10:30:00", "T10:30:00.5Z", "T10:30:00+05:00"])
def test_a_time_of_day_is_passed_over(tmp_path: Path, time: str) -> None:
    found = read_votes(write(tmp_path, f"{HEAD}r,1,2002-11-05{time},AAA,yes\n"))
    assert found.dates.astype(str).tolist() == ["2002-11-05"]


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    lines = GOOD.splitlines(keepends=True)
    turned = read_votes(write(tmp_path, lines[0] + "".join(reversed(lines[1:]))))
    straight = read_votes(write(tmp_path, GOOD))
    assert turned.resolutions == straight.resolutions
    assert turned.matrix.tolist() == straight.matrix.tolist()


def test_nothing_left_out_needs_no_note(tmp_path: Path) -> None:
    assert read_votes(write(tmp_path, HEAD + "r,1,2000-01-01,AAA,yes\n")).note() is None


def test_many_other_values_are_summed_up(tmp_path: Path) -> None:
    rows = "".join(f"r{i},1,2000-01-01,AAA,v{i}\n" for i in range(12))
    note = read_votes(write(tmp_path, HEAD + rows + "s,1,2000-01-01,AAA,yes\n")).note()
    assert note is not None
    assert note.endswith("and 4 other values")


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("resolution,session,date,country\nr,1,2000-01-01,AAA\n", None, None, "no column 'vote'"),
        (HEAD, None, None, "no rows"),
        ("", None, None, "empty file"),
        (
            HEAD + "r,1,2000-01-01,AAA,yes\nr,1,2000-01-01,AAA,no\n",
            3,
            None,
            "another vote ('no', which is 'yes' there)",
        ),
        (
            HEAD + "r,1,2000-01-01,AAA,no\nr,1,2000-01-01,AAA,no\n",
            3,
            None,
            "beside row 2, with the same vote again",
        ),
        (HEAD + "r,1,,AAA,yes\n", 2, "date", "allowed: a day as YYYY-MM-DD"),
        (HEAD + "r,,2000-01-01,AAA,yes\n", 2, "session", "allowed: the number of the session"),
        (HEAD + "r,1,0000-01-01,AAA,yes\n", 2, "date", "'0000-01-01'"),
        (HEAD + "r,1,2002-11-05Tgarbage,AAA,yes\n", 2, "date", "'2002-11-05Tgarbage'"),
        (HEAD + "r,1,2000-01-01,AAA,yes\nr,1,2000-01-01,AAA,absent\n", 3, None, "second row"),
        (HEAD + "r,1,2000-01-01,AAA,yes\nr,1,2000-01-02,BBB,no\n", 3, "date", "2000-01-02 for resolution r"),
        (HEAD + "r,1,2000-01-01,AAA,yes\nr,2,2000-01-01,BBB,no\n", 3, "session", "2 for resolution r"),
        (HEAD + "q,1,2000-01-01,AAA,yes\nr,1,31/12/2000,AAA,yes\n", 3, "date", "'31/12/2000'"),
        (HEAD + "r,1,2000-02-30,AAA,yes\n", 2, "date", "'2000-02-30'"),
        (HEAD + "r,1,2000,AAA,yes\n", 2, "date", "'2000'"),
        (HEAD + "r,1,2000-01-011,AAA,yes\n", 2, "date", "'2000-01-011'"),
        (HEAD + "r,ES-11,2000-01-01,AAA,yes\n", 2, "session", "'ES-11'"),
        (HEAD + "r,1,,AAA,yes\n", 2, "date", "empty cell"),
        (HEAD + "r,1,2000-01-01,,yes\n", 2, "country", "empty cell"),
        (HEAD + "r,1,2000-01-01,AAA,Yes\n", None, "vote", "no vote that is yes, abstain or no (only Yes)"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, text: str, row: int | None, column: str | None, words: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_votes(write(tmp_path, text))
    assert caught.value.file == "votes.csv"
    assert caught.value.row == row
    assert caught.value.column == column
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_votes(tmp_path / "none.csv")


def test_too_many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("betweengiants.alignment.votes.MAX_CELLS", 3)
    frame = pl.DataFrame(
        {
            "resolution": ["a", "b"],
            "session": [1, 1],
            "date": ["2000-01-01"] * 2,
            "country": ["A", "B"],
            "vote": ["yes", "no"],
        }
    )
    with pytest.raises(DataError, match="2 resolutions by 2 countries"):
        votes_from_frame(frame)


def test_an_unknown_country_brings_the_nearest(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, GOOD.replace("AAA", "KAZ").replace("BBB", "KGZ")))
    with pytest.raises(UnknownLabel) as caught:
        votes.position("KZA")
    assert "KAZ" in caught.value.suggestions
    assert caught.value.file == "votes.csv"
