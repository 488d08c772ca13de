import io
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from betweengiants.cli.app import main

HEAD = "resolution,session,date,country,vote\n"
ROWS = "".join(
    f"r{r},1,2000-0{r}-01,{country},{vote}\n"
    for r, cast in enumerate([("yes", "yes", "no"), ("yes", "no", "no"), ("abstain", "yes", "absent")], 1)
    for country, vote in zip(("KAZ", "RUS", "DEU"), cast, strict=True)
)
COLUMNS = ["country", "power", "year", "n", "agreement", "s_score", "kappa", "pi"]


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    path.write_text(HEAD + ROWS, encoding="utf-8")
    return path


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_agreement_as_csv(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "RUS", "--format", "csv") == 0
    out, err = capsys.readouterr()
    frame = pl.read_csv(io.StringIO(out))
    assert frame.columns == COLUMNS
    assert frame.select("country", "power", "year", "n", "agreement").rows() == [
        ("DEU", "RUS", 2000, 2, 0.5),
        ("KAZ", "RUS", 2000, 3, 0.5),
    ]
    assert err == "left out, as neither yes, abstain nor no: 1 absent\n"


def test_a_bloc_of_the_table_of_countries(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("votes", "agreement", votes, "--with", "RUS,EU27", "--country", "KAZ", "--format", "json")
    assert run(monkeypatch, *words) == 0
    out, err = capsys.readouterr()
    rows = {row["power"]: row for row in json.loads(out)}
    assert list(rows) == ["EU27", "RUS"]
    assert (rows["EU27"]["n"], rows["EU27"]["agreement"]) == (2, 0)
    assert "EU27: majority vote of today's 27 members in every year; not in the file: AUT" in err


def test_a_label_of_the_file_goes_before_a_bloc(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    votes.write_text(votes.read_text(encoding="utf-8").replace("DEU", "EU27"), encoding="utf-8")
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "EU27", "--country", "KAZ") == 0
    assert "majority" not in capsys.readouterr().err


def test_session_contested_weights_and_file(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.parquet"
    words = ("--contested", "--by", "session", "--weights", "squared", "--format", "parquet", "--output", out)
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "RUS", *words) == 0
    assert capsys.readouterr().out == ""
    frame = pl.read_parquet(out)
    assert frame.columns == ["session" if name == "year" else name for name in COLUMNS]
    assert frame["s_score"].to_list() == pytest.approx([1 - 2 * 4 / 8, 1 - 2 * (4 + 1) / 12])


def test_all_pairs_once_with_errors(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "votes", "agreement", votes, "--all-pairs", "--errors", "--format", "csv") == 0
    frame = pl.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame.columns == [*COLUMNS, "agreement_se", "s_score_se", "kappa_se", "pi_se"]
    assert frame.select("country", "power").rows() == [("DEU", "KAZ"), ("DEU", "RUS"), ("KAZ", "RUS")]
    # KAZ and RUS: scores 1, 0, 0.5
    assert frame.row(2, named=True)["agreement_se"] == pytest.approx(0.5 / 3**0.5)
    words = ("--all-pairs", "--country", "RUS,KAZ", "--format", "csv")
    assert run(monkeypatch, "votes", "agreement", votes, *words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_mixed_codings_are_counted_and_read_only_if_declared(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = votes.read_text(encoding="utf-8")
    votes.write_text(text + "s,1,2000-05-01,KAZ,Y\ns,1,2000-05-01,RUS,1\n", encoding="utf-8")
    words = ("votes", "agreement", votes, "--with", "RUS", "--country", "KAZ", "--format", "json")
    assert run(monkeypatch, *words) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["n"] == 3
    assert "left out, as neither yes, abstain nor no: 1 1, 1 Y, 1 absent" in err
    assert "of these 2 look like votes in another coding (1 '1', 1 'Y'): not guessed" in err
    assert "1 of 4 resolutions with fewer than two votes" in err
    assert run(monkeypatch, *words, "--codes", "Y=yes,1=yes") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["n"] == 4
    assert err == "left out, as neither yes, abstain nor no: 1 absent\n"


def test_a_file_in_another_coding(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = votes.read_text(encoding="utf-8")
    words = ("votes", "agreement", votes, "--with", "RUS", "--format", "csv")
    assert run(monkeypatch, *words) == 0
    expected = capsys.readouterr().out
    for word, code in (("absent", "8"), ("abstain", "2"), ("yes", "1"), (",no", ",3")):
        text = text.replace(word, code)
    votes.write_text(text, encoding="utf-8")
    assert run(monkeypatch, *words, "--codes", "1=yes, 2=abstain, 3=no") == 0
    assert capsys.readouterr().out == expected
    assert run(monkeypatch, *words) == 2
    assert "a declared coding" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("s,1,2000-05-01,KAZ,yes\n", "1 of 4 resolutions with fewer than two votes"),
        (
            "s,0,2001-05-01,KAZ,yes\ns,0,2001-05-01,RUS,yes\n",
            "sessions against the order of dates, taken by their number: 1 (from 2000-01-01) before 0 (from 2001-05-01)",
        ),
        ("r1,1,2000-01-01,KZA,yes\n", "no country codes, taken as they stand: KZA (1 votes)"),
    ],
)
def test_what_is_odd_about_a_file_is_said(
    rows: str,
    says: str,
    votes: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    votes.write_text(votes.read_text(encoding="utf-8") + rows, encoding="utf-8")
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "RUS") == 0
    assert says in capsys.readouterr().err


def test_no_common_vote_is_said(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    votes.write_text(HEAD + "a,1,2000-01-01,KAZ,yes\nb,1,2000-01-01,RUS,no\n", encoding="utf-8")
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "RUS", "--format", "csv") == 0
    out, err = capsys.readouterr()
    assert out == ",".join(COLUMNS) + "\n"
    assert "no resolution on which both sides of a pair voted" in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD.replace(",vote", ""), "no column 'vote'"),
        (HEAD, "no rows"),
        ("", "an empty file"),
        (HEAD + "r,1,2000-01-01,RUS,yes\n" * 2, "row 3: found a second row"),
        (HEAD + "r,1,2000-01-01,RUS,yes\nr,1,2001-01-01,KAZ,no\n", "row 3, column 'date'"),
        (HEAD + "r,1,1 May 2000,RUS,yes\n", "row 2, column 'date': found '1 May 2000'"),
        (HEAD + "r,one,2000-01-01,RUS,yes\n", "row 2, column 'session'"),
        (HEAD + "r,1,2000-01-01,RUS,Y\n", "column 'vote'"),
        (HEAD + "r,1,2000-01-01,RUS,yes\nr,1,2000-01-01,rus,no\n", "differ only in capitals"),
        (HEAD + "r,1,2000-01-01,RUS,yes,6\n", "row 2: found more cells"),
        (HEAD + "r,1,2000-01-01,RUZ,yes\n", "unknown power 'RUS'; allowed: did you mean RUZ"),
    ],
)
def test_bad_files_end_with_two(
    votes: Path,
    text: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    votes.write_text(text, encoding="utf-8")
    assert run(monkeypatch, "votes", "agreement", votes, "--with", "RUS") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("betweengiants: votes.csv")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["votes.csv"],
        ["votes.csv", "--with", "RUS,,KAZ"],
        ["votes.csv", "--with", ""],
        ["votes.csv", "--with", "QQQ"],
        ["votes.csv", "--with", "RUS", "--country", "QQQ"],
        ["votes.csv", "--with", "RUS", "--by", "month"],
        ["votes.csv", "--with", "RUS", "--all-pairs"],
        ["votes.csv", "--all-pairs", "--country", "QQQ,KAZ"],
        ["votes.csv", "--with", "RUS", "--codes", "1"],
        ["votes.csv", "--with", "RUS", "--codes", "1=yes,1=no"],
        ["votes.csv", "--with", "RUS", "--codes", "1=maybe"],
        ["none.csv", "--with", "RUS"],
        ["votes.csv", "--with", "RUS", "--format", "parquet"],
        ["votes.csv", "--with", "RUS", "--output", "no/such/folder.csv"],
    ],
)
def test_bad_usage_ends_with_two(
    votes: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(votes.parent)
    assert run(monkeypatch, "votes", "agreement", *words) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_has_an_example_and_loads_no_data_frames() -> None:
    code = (
        "import sys\n"
        "from betweengiants.cli.app import main\n"
        "sys.argv = ['betweengiants', 'votes', 'agreement', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'polars', 'numpy', 'scipy', 'altair', 'duckdb'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "Example: betweengiants votes agreement" in " ".join(done.stdout.split())


def test_members_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Poland outvotes nobody before it joins in 2004, and the United Kingdom counts until it leaves in 2020."""
    cast = {"KAZ": "yes", "FRA": "yes", "POL": "no", "HUN": "no", "GBR": "yes"}
    path = tmp_path / "votes.csv"
    path.write_text(
        HEAD
        + "".join(
            f"r{year},1,{year}-01-15,{country},{vote}\n"
            for year in (1957, 2003, 2010, 2021)
            for country, vote in cast.items()
        ),
        encoding="utf-8",
    )
    asked = ("votes", "agreement", path, "--with", "EU27", "--country", "KAZ", "--format", "csv")

    def by_year(*more: str) -> tuple[dict[int, float], str]:
        assert run(monkeypatch, *asked, *more) == 0
        out, err = capsys.readouterr()
        return dict(pl.read_csv(io.StringIO(out)).select("year", "agreement").iter_rows()), err

    # today's: FRA against POL and HUN in every year
    found, err = by_year()
    assert found == {1957: 0, 2003: 0, 2010: 0, 2021: 0}
    assert "today's 27 members in every year" in err
    # of the time: FRA and GBR in 2003, two against two (no majority, no row) in 2010, FRA outvoted in 2021
    found, err = by_year("--members-of-the-time")
    assert found == {2003: 1, 2021: 0}
    assert "whoever was a member on its day (28 states in all)" in err


@pytest.mark.parametrize("how", [("--with", "RUS"), ("--all-pairs",)])
def test_members_of_the_time_without_a_bloc(
    votes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: tuple[str, ...]
) -> None:
    assert run(monkeypatch, "votes", "agreement", votes, *how, "--members-of-the-time") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--members-of-the-time without a bloc" in err
