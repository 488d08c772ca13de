"""`dossier new | validate | info` as a user types them."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from betweengiants.cli.app import main
from betweengiants.dossier.consistency import RULES

Capture = pytest.CaptureFixture[str]
Rows = list[dict[str, str]]
UNUSED = {"actor": "UZB", "name": "Uzbekistan", "kind": "state", "role": "other"}


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def faultless(make_dossier: Callable[..., Path], tmp_path: Path) -> Path:
    return make_dossier(tmp_path / "faultless")


@pytest.fixture
def odd(make_dossier: Callable[..., Path], small_tables: Mapping[str, Rows], tmp_path: Path) -> Path:
    return make_dossier(tmp_path / "odd", actors=[*small_tables["actors"], UNUSED])


def test_new_and_then_everything_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "uzb"
    assert run(monkeypatch, "dossier", "new", "UZB", "--out", folder, "--powers", "RUS, CHN") == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert run(monkeypatch, "dossier", "validate", folder, "--strict") == 0
    out = capsys.readouterr().out
    assert out == (
        "uzbekistan 0.1.0: 6 tables, 3 rows, no fault found; 0 findings; "
        "still to be filled: sources, measures, facts, parameters, trade_matrix\n"
    )
    assert run(monkeypatch, "dossier", "info", folder, "--gaps", "--format", "csv") == 0
    assert 'table,trade_matrix,"required, and without rows"' in capsys.readouterr().out
    assert run(monkeypatch, "dossier", "new", "UZB", "--out", folder) == 2
    assert "the folder is not empty" in capsys.readouterr().err
    report = tmp_path / "report"
    for words in (
        ("report", folder, "--out", report),
        ("position", folder),
        ("check", folder),
        ("facts", folder),
    ):
        assert run(monkeypatch, *words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(
            "betweengiants: dossier uzbekistan: found no rows yet in sources.csv, measures.csv"
        )
        assert err.count("\n") == 1
    assert not report.exists()


def test_new_takes_a_folder_of_the_name_of_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "dossier", "new", "KGZ") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kyrgyzstan"]
    assert run(monkeypatch, "dossier", "new", "UZX") == 2
    assert "UZB (Uzbekistan)" in capsys.readouterr().err


def test_findings_warn_and_strict_refuses(
    monkeypatch: pytest.MonkeyPatch, faultless: Path, odd: Path, capsys: Capture
) -> None:
    assert run(monkeypatch, "dossier", "validate", faultless, "--strict") == 0
    assert capsys.readouterr().out.endswith("rows, no fault found; 0 findings\n")
    for words, code in (((), 0), (("--strict",), 1)):
        assert run(monkeypatch, "dossier", "validate", odd, *words) == code
        out, err = capsys.readouterr()
        assert out.splitlines()[0].endswith("no fault found; 1 findings (unused_actor 1)")
        assert "no row names the actor UZB" in out
        assert err == ""


def test_findings_as_a_table(
    monkeypatch: pytest.MonkeyPatch, odd: Path, faultless: Path, capsys: Capture
) -> None:
    assert run(monkeypatch, "dossier", "validate", odd, "--format", "csv") == 0
    out, err = capsys.readouterr()
    (row,) = csv.DictReader(io.StringIO(out))
    assert row == {
        "table": "actors",
        "row": "5",
        "rule": "unused_actor",
        "sentence": "no row names the actor UZB",
    }
    assert "1 findings (unused_actor 1)" in err
    assert run(monkeypatch, "dossier", "validate", faultless, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(monkeypatch, "dossier", "validate", odd, "--rule", "unused_source", "--strict") == 0
    assert run(monkeypatch, "dossier", "validate", odd, "--rule", "unused_sauce") == 2
    assert "did you mean unused_source" in capsys.readouterr().err


def test_the_rules_can_be_read(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, "dossier", "validate", "--rules", "--format", "json") == 0
    assert [row["rule"] for row in json.loads(capsys.readouterr().out)] == list(RULES)


def test_views_of_info(
    monkeypatch: pytest.MonkeyPatch,
    make_dossier: Callable[..., Path],
    small_tables: Mapping[str, Rows],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    gdp = dict(small_tables["facts"][0])
    facts = [
        *small_tables["facts"],
        gdp | {"value": "130", "source_id": "s2"},
        gdp | {"period": "2030", "value": "500", "basis": "projection", "warnings": ""},
    ]
    folder = make_dossier(tmp_path / "d", facts=facts)

    def view(option: str) -> Rows:
        assert run(monkeypatch, "dossier", "info", folder, option, "--format", "csv") == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    (conflict,) = view("--conflicts")
    assert (conflict["low"], conflict["high"], conflict["facts"]) == ("100.0", "130.0", "2")
    assert float(conflict["spread"]) == pytest.approx(30 / 130)
    assert (conflict["values"], conflict["source_id"]) == ("100 | 130", "s1 | s2")
    assert [(row["domain"], row["year"], row["facts"], row["sources"]) for row in view("--years")] == [
        ("diplomacy", "2024", "1", "2"),
        ("macro", "2024", "2", "2"),
        ("macro", "2030", "1", "1"),
    ]
    age = {row["domain"]: row for row in view("--age")}
    assert (age["macro"]["latest"], age["macro"]["years_behind"]) == ("2024", "0")
    missing = view("--gaps")
    assert {"what": "table", "name": "claims", "sentence": "not there"} in missing
    assert {"what": "power", "name": "CHN", "sentence": "no fact about it"} in missing
    assert {"what": "domain", "name": "energy", "sentence": "no fact of this domain"} in missing
    assert run(monkeypatch, "dossier", "info", folder, "--gaps", "--age") == 2
    assert "2 views at once" in capsys.readouterr().err


def test_formulas_of_a_stranger_are_defused(
    monkeypatch: pytest.MonkeyPatch,
    make_dossier: Callable[..., Path],
    small_tables: Mapping[str, Rows],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    first, *others = small_tables["facts"]
    folder = make_dossier(
        tmp_path / "d", facts=[first | {"note": "=cmd|' /C calc'!A0", "value": "5"}, *others]
    )
    assert run(monkeypatch, "facts", folder, "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["note"] for row in rows] == ["'=cmd|' /C calc'!A0", ""]
    assert run(monkeypatch, "facts", folder, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[0]["note"] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "command", [("dossier", "new"), ("dossier", "validate"), ("dossier", "info"), ("trace",), ("cite",)]
)
def test_help_has_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *command, "--help") == 0
    assert "Example: betweengiants " in capsys.readouterr().out
