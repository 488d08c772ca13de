from collections.abc import Callable
from pathlib import Path

import pytest

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.votes import read_votes
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.sources.voeten import read_voeten

HEAD = "rcid,ccode,member,vote,Country,Countryname,session,date,unres,amend,para,short,descr\n"


def line(
    rcid: int, ccode: int, vote: int, date: str = "1990-11-01", para: int = 0, descr: str = '"a, b\n""c"""'
) -> str:
    return f"{rcid},{ccode},1,{vote},XXX,Name,45,{date},R/45/1,0,{para},,{descr}\n"


GOOD = HEAD + "".join(
    [
        line(411, 365, 1),
        line(411, 705, 9),
        line(411, 2, 3),
        line(412, 365, 2, "1992-11-01", 1),
        line(412, 705, 8, "1992-11-01", 1),
        line(412, 2, 1, "1992-11-01", 1),
        line(411, 705, 1, "2023-12-04"),
        line(411, 2, 3, "2023-12-04"),
        line(413, 265, 1, "1989-11-01"),
        line(413, 260, 3, "1989-11-01"),
        line(413, 678, 2, "1989-11-01"),
    ]
)


def write(folder: Path, text: str, name: str = "UNVotes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_to_our_layout(tmp_path: Path) -> None:
    pulled = read_voeten(write(tmp_path, GOOD))
    votes = pulled.tables["votes"]
    assert votes.columns == ["resolution", "session", "date", "country", "vote", "unres", "amend", "para"]
    assert votes.select("resolution", "date", "country", "vote").rows() == [
        ("413", "1989-11-01", "DDR", "yes"),
        ("413", "1989-11-01", "DEU", "no"),
        ("413", "1989-11-01", "YEM", "abstain"),
        ("411", "1990-11-01", "RUS", "yes"),
        ("411", "1990-11-01", "USA", "no"),
        ("412", "1992-11-01", "KAZ", "absent"),
        ("412", "1992-11-01", "RUS", "abstain"),
        ("412", "1992-11-01", "USA", "yes"),
        ("411@2023-12-04", "2023-12-04", "KAZ", "yes"),
        ("411@2023-12-04", "2023-12-04", "USA", "no"),
    ]
    assert pulled.notes[0] == "left out: 1 rows of states that were no members"
    assert pulled.notes[1].endswith("the later ones are written 411@2023-12-04")
    assert [note.split(" ")[1] for note in pulled.notes[2:5]] == ["260", "265", "678"]
    assert pulled.notes[5].startswith("1 of 4 roll calls are on paragraphs or amendments")


def test_the_engine_reads_what_comes_out(tmp_path: Path) -> None:
    read_voeten(write(tmp_path, GOOD)).tables["votes"].write_parquet(tmp_path / "votes.parquet")
    votes = read_votes(tmp_path / "votes.parquet")
    assert votes.left_out == {"absent": 1}
    assert agreement(votes, ["USA"], ["KAZ"]).select("year", "n", "agreement").rows() == [(2023, 1, 0.0)]


def test_tabs_capitals_an_index_column_and_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    text = "\tRcid\tCcode\tVote\tSession\tDate\tDescr\n1\t3\t2\t1\t1\t1946-01-01\tC\u00f4te\n"
    path = tmp_path / "UNVotes.tab"
    path.write_bytes(text.encode("latin-1"))
    votes = read_voeten(path).tables["votes"]
    assert votes.rows() == [("3", 1, "1946-01-01", "USA", "yes")]


def test_a_zip(make_zip: Callable[..., Path]) -> None:
    path = make_zip(("in/UNVotes.csv", GOOD.encode()), ("codebook.pdf", b"x"))
    assert read_voeten(path).tables["votes"].height == 10
    with pytest.raises(DataError, match="0 tables"):
        read_voeten(make_zip(("UNVotes.RData", b"x")))
    with pytest.raises(DataError, match="2 tables"):
        read_voeten(make_zip(("a.csv", b"x"), ("b.csv", b"x")))


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("", None, None, "not CSV"),
        (HEAD, None, None, "no rows"),
        ("a,b\n1,2\n", None, None, "no column 'rcid'"),
        (HEAD.replace("vote", "choice") + line(1, 2, 1), None, None, "no column 'vote'"),
        (HEAD + line(1, 2, 1) + line(1, 365, 4), 3, "vote", "found 4"),
        (HEAD + line(1, 2, 1, "1/11/1990"), 2, "date", "'1/11/1990'"),
        (HEAD + line(1, 2, 1).replace("1,2,1,1", "1,USA,1,1"), 2, "ccode", "'USA'"),
        (HEAD + line(1, 2, 1) + line(1, 2, 3), 3, None, "second vote of USA (2)"),
        (HEAD + line(1, 255, 1) + line(1, 260, 1), 3, None, "second vote of DEU (260)"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, row: int | None, column: str | None, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_voeten(write(tmp_path, text))
    assert (caught.value.row, caught.value.column) == (row, column)
    assert words in str(caught.value)


def test_an_unknown_state_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownLabel) as caught:
        read_voeten(write(tmp_path, HEAD + line(1, 2, 1) + line(1, 998, 1)))
    assert (caught.value.row, caught.value.column, caught.value.label) == (3, "ccode", "998")
    with pytest.raises(DataError, match="no such file"):
        read_voeten(tmp_path / "none.csv")
