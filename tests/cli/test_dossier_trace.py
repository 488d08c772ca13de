"""`trace` and `cite` as a user types them."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from betweengiants.cli.app import main

Capture = pytest.CaptureFixture[str]


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(make_dossier: Callable[..., Path], tmp_path: Path) -> Path:
    return make_dossier(tmp_path / "d")


def test_a_result(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "trace", "trade.leverage.RUS.short", folder, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["id"] == "trade.leverage.RUS.short"
    assert found["command"] == f"betweengiants sever {folder} --by RUS --horizon short"
    assert (found["unit"], found["parameters"]["theta_short"]) == ("pct", 2.0)
    assert set(found["hashes"]) == {"trade_matrix", "parameters"}
    assert [source["source_id"] for source in found["sources"]] == ["s1"]
    cut = [row["key"] for row in found["rows"] if row["role"].endswith("that is cut")]
    assert cut == ["trade_matrix:2024/KAZ/RUS", "trade_matrix:2024/RUS/KAZ"]
    assert run(monkeypatch, *found["command"].split()[1:], "--format", "json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert found["value"] in [row["value"] for row in printed if row["measure"] == "leverage_pct"]


def test_as_text_and_as_a_table(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert run(monkeypatch, "trace", "fact:signed/KAZ/RUS/2024/s1;s2", folder) == 0
    out = capsys.readouterr().out
    for wanted in ("2024-02 date", "sha256 ", "2 rows of 2 tables; 2 sources", "https://example.org/b"):
        assert wanted in out
    path = tmp_path / "rows.csv"
    assert run(monkeypatch, "trace", "source:s2", folder, "--format", "csv", "--output", path) == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert [(row["table"], row["row"]) for row in rows] == [("sources", "3"), ("facts", "3")]


def test_the_list(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "trace", "--list", folder, "--format", "csv") == 0
    names = [row["id"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert "trade.leverage.RUS.short" in names
    assert len(names) == len(set(names))
    assert run(monkeypatch, "trace", "--list", folder, "--kind", "fact", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["id"] for row in rows] == ["fact:gdp/KAZ//2024/s1", "fact:signed/KAZ/RUS/2024/s1;s2"]
    assert run(monkeypatch, "trace", "--list", folder, "--kind", "edge") == 2
    assert "unknown kind of evidence 'edge'" in capsys.readouterr().err
    assert run(monkeypatch, "trace") == 2


def test_no_such_number(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "trace", "trade.leverage.RUS.shrt", folder) == 2
    assert "did you mean trade.leverage.RUS.short" in capsys.readouterr().err
    assert run(monkeypatch, "cite", folder, "--of", "fact:gdp/KAZ//2023/s1") == 2
    assert "did you mean fact:gdp/KAZ//2024/s1" in capsys.readouterr().err


def test_references(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "cite", folder) == 0
    assert capsys.readouterr().out.count("@misc{") == 2
    assert run(monkeypatch, "cite", folder, "--of", "fact:gdp/KAZ//2024/s1", "--format", "csl") == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["id"], entry["type"]) == ("s1", "webpage")
    assert entry["issued"] == {"date-parts": [[2025, 3, 1]]}
    assert run(monkeypatch, "cite", folder, "--format", "ris") == 2
