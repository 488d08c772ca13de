"""The command `compare`: a table that fits a screen, every number in csv and json, what is missing said, bad input refused."""

import io
import json
import sys
from pathlib import Path

import polars as pl
import pytest

from betweengiants.cli.app import main

FLOWS = "exporter,importer,value_usd_m\nL,N,20\nN,L,20\nN,M,60\nM,N,60\n"
GDP = "country,gdp_usd_m\nL,100\nN,580\nM,960\n"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BETWEENGIANTS_STORE", str(tmp_path / "store"))


@pytest.fixture
def own(tmp_path: Path) -> tuple[object, ...]:
    """Options that name the user's own world of three."""
    (tmp_path / "flows.csv").write_text(FLOWS, encoding="utf-8")
    (tmp_path / "gdp.csv").write_text(GDP, encoding="utf-8")
    return "--flows", tmp_path / "flows.csv", "--gdp", tmp_path / "gdp.csv", "--powers", "N,M"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", "compare", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_a_short_table_and_what_each_state_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "KAZ", "UZB", "SRB") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    columns = ["state", "RUS", "CHN", "USA", "EU27", "largest", "vectors", "autonomy", "votes"]
    assert lines[0].split() == columns
    assert [line.split()[0] for line in lines[1:]] == ["KAZ", "UZB", "SRB"]
    assert lines[3].split()[1:] == ["-"] * 8
    assert max(map(len, lines)) <= 100
    assert "SRB: no trade: not in the matrix of dossier kazakhstan (22 regions); no votes" in err
    assert "votes in the order RUS, CHN, USA, EU27" in err
    assert "short run at elasticity 1.5 (0.76 to 2.25)" in err


def test_every_number_as_csv_and_json(
    own: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "L", *own, "--format", "csv") == 0
    frame = pl.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame["leverage_pct_N_short"][0] == pytest.approx(100 * (1 - 0.8 ** (1 / 1.5)), rel=1e-9)
    assert frame["leverage_pct_N_short_high"][0] == pytest.approx(100 * (1 - 0.8 ** (1 / 0.76)), rel=1e-9)
    assert frame["leverage_pct_N_short_low"][0] == pytest.approx(100 * (1 - 0.8 ** (1 / 2.25)), rel=1e-9)
    assert frame["leverage_pct_N_long"][0] == pytest.approx(100 * (1 - 0.8**0.25), rel=1e-9)
    assert frame["trade_source"][0] == "file flows.csv (3 economies)"
    assert run(monkeypatch, "L", *own) == 0
    assert "trade: file flows.csv (3 economies); votes: " in capsys.readouterr().err
    assert run(monkeypatch, "L", *own, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["leverage_pct_N_short"] == frame["leverage_pct_N_short"][0]
    assert (row["largest_short"], row["leverage_pct_M_long"]) == ("N", 0)


def test_one_row_for_each_number(
    own: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "long.parquet"
    assert run(monkeypatch, "L", "M", *own, "--long", "--format", "parquet", "--output", target) == 0
    frame = pl.read_parquet(target)
    assert frame.columns[:6] == ["row", "state", "measure", "power", "horizon", "unit"]
    assert frame.n_unique(["row", "measure", "power", "horizon"]) == frame.height


def test_ideal_points_add_a_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = tmp_path / "points.csv"
    points.write_text(
        "country,session,n,ideal_point,se\nKAZ,78,80,-0.5,0.3\nRUS,78,80,-0.9,0.4\n", encoding="utf-8"
    )
    assert run(monkeypatch, "KAZ", "--ideal-points", points, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["ideal_point_distance_RUS"] == pytest.approx(0.4)
    assert row["points_source"] == "file points.csv"
    assert "no ideal point with CHN" in row["gaps"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("KAZ", "KZA"), "unknown state 'KZA'; allowed: did you mean KAZ"),
        (("Serbia",), "did you mean SRB (Serbia)?"),
        (("KAZ", "UZB", "KAZ"), "the state KAZ twice"),
        (("nowhere/dossier",), "no dossier 'nowhere/dossier'"),
        (("KAZ", "--powers", "RUS,CHI"), "unknown power 'CHI'"),
        (("KAZ", "--powers", "RUS,,CHN"), "--powers 'RUS,,CHN'"),
        (("KAZ", "--flows", "none.csv"), "none.csv: found no such file"),
        (("KAZ", "--gdp", "gdp.csv"), "--gdp without flows"),
        (("KAZ", "--year", "1999"), "no rows for the year 1999"),
        (("KAZ", "--format", "parquet"), "--format parquet without --output"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
