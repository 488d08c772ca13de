import io
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from betweengiants.alignment.ideal_draw import draw_votes
from betweengiants.cli.app import main

WORDS = np.array(["absent", "yes", "abstain", "no"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """votes.csv (twelve states, one of them USA), calls.csv with titles and a flag, links.csv."""
    folder = tmp_path_factory.mktemp("ideal")
    votes = draw_votes(5, states=12, sessions=3, resolutions=12, absent=0.05).votes
    rows, states = votes.matrix.shape
    labels = ["USA", *votes.countries[1:]]
    pl.DataFrame(
        {
            "resolution": np.repeat(votes.resolutions, states),
            "session": np.repeat(votes.sessions, states),
            "date": np.repeat(votes.dates.astype(str), states),
            "country": np.tile(labels, rows),
            "vote": WORDS[votes.matrix.ravel()],
        }
    ).write_csv(folder / "votes.csv")
    titles = [f"Question {i % 12}" if i % 12 < 5 else f"Other {i}" for i in range(rows)]
    pl.DataFrame(
        {
            "resolution": votes.resolutions,
            "session": votes.sessions,
            "title": titles,
            "nu": [int(i % 3 != 0) for i in range(rows)],
        }
    ).write_csv(folder / "calls.csv")
    (folder / "links.csv").write_text("resolution,same_as\nr000012,r000000\n", encoding="utf-8")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    command = ["betweengiants", "votes", "ideal-points", *(str(word) for word in words)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_the_table_and_the_notes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder / "votes.csv", "--format", "csv") == 0
    out, err = capsys.readouterr()
    frame = pl.read_csv(io.StringIO(out))
    assert frame.columns == ["country", "session", "n", "ideal_point", "se"]
    assert frame.filter(pl.col("country") == "USA")["ideal_point"].mean() > 0
    assert frame.height == 36
    assert "left out, as neither yes, abstain nor no:" in err
    assert "sign: USA is positive on average" in err
    assert "converged in " in err
    assert run(monkeypatch, folder / "votes.csv", "--format", "csv") == 0
    assert capsys.readouterr().out == out


def test_options(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    votes, calls = folder / "votes.csv", folder / "calls.csv"
    words = ("--find-links", calls, "--links", folder / "links.csv", "--issue", "nu", "--contested")
    more = ("--country", "USA,S003", "--sign", "S003", "--drift", 0.5, "--spread", 1, "--format", "csv")
    assert run(monkeypatch, votes, *words[:4], *more) == 0
    out, err = capsys.readouterr()
    frame = pl.read_csv(io.StringIO(out))
    assert set(frame["country"]) == {"USA", "S003"}
    assert frame.filter(pl.col("country") == "S003")["ideal_point"].mean() > 0
    assert "10 resolutions share their question" in err
    assert "variance of the walk 0.5, of the slopes 1" in err
    assert run(monkeypatch, votes, "--find-links", calls, *words[4:], *more) == 0
    out, err = capsys.readouterr()
    assert "issue nu: 24 of 36 resolutions" in err


def test_halves_and_groups(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "votes.csv").read_text(encoding="utf-8").replace("S003", "DEU").replace("S004", "FRA")
    (folder / "europe.csv").write_text(text, encoding="utf-8")
    words = ("--group", "EU27", "--halves", 2, "--jobs", 1, "--country", "EU27,DEU", "--format", "csv")
    assert run(monkeypatch, folder / "europe.csv", *words) == 0
    out, err = capsys.readouterr()
    frame = pl.read_csv(io.StringIO(out))
    assert frame.columns == ["country", "session", "n", "ideal_point", "se", "se_halves"]
    assert set(frame["country"]) == {"EU27", "DEU"}
    assert "se_halves: from 2 of 2 splits into random halves, seed 1" in err
    assert "EU27 without AUT" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--country", "USB"), 2, "did you mean USA"),
        (("--issue", "nu"), 2, "--issue without a file"),
        (("--issue", "nuu", "--issues", "calls.csv"), 2, "unknown column 'nuu'"),
        (("--links", "none.csv"), 2, "none.csv"),
        (("--drift", "0"), 2, "drift 0"),
        (("--group", "EU28"), 2, "did you mean EU27"),
        (("--group", "EU27"), 2, "no member of EU27"),
    ],
)
def test_what_is_refused(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    assert run(monkeypatch, "votes.csv", *words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_no_convergence_has_its_own_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("betweengiants.alignment.ideal.fit", _never)
    assert run(monkeypatch, folder / "votes.csv") == 3
    assert "ideal points did not converge: residual 0.5 after 7 iterations" in capsys.readouterr().err


def _never(*_: object, **__: object) -> None:
    from betweengiants.core.errors import NotConverged

    raise NotConverged("ideal points", residual=0.5, iterations=7, tolerance=1e-4)
