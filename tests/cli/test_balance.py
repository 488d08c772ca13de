"""The command `balance`, by itself (the root command only registers it)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from betweengiants.cli.balance import EPILOG, balance
from betweengiants.core.errors import BetweenGiantsError

app = typer.Typer(pretty_exceptions_enable=False)
app.command(epilog=EPILOG)(balance)
QUICK = ("--draws", "0", "--base", "64", "--format", "json")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_the_same_seed_prints_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.json" for k in range(2)]
    for file in files:
        result = run(*QUICK, "--output", str(file))
        assert result.exit_code == 0, result.output
        assert "RUS" in result.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    rows = json.loads(files[0].read_text(encoding="utf-8"))
    assert sum(row["index"] for row in rows) == pytest.approx(1, abs=1e-12)
    for rank in range(1, 5):
        assert sum(row[f"chance_rank_{rank}"] for row in rows) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("show", "columns"),
    [
        ("state", {"measure", "value", "low", "high"}),
        ("drivers", {"result", "choice", "first", "total"}),
        ("choices", {"choice", "alternative", "central", "reason", "RUS_index", "effective_vectors"}),
        ("indicators", {"indicator", "domain", "role", "used", "not_known", "RUS"}),
    ],
)
def test_other_tables(show: str, columns: set[str]) -> None:
    result = run("--show", show, *QUICK)
    assert result.exit_code == 0, result.output
    assert columns <= set(json.loads(result.stdout)[0])


def test_alternatives() -> None:
    result = run("--show", "alternatives", "--format", "json")
    assert result.exit_code == 0, result.output
    first, *others = json.loads(result.stdout)
    assert first["choice"] == "headline"
    assert len(others) >= 10
    assert "other choices, one at a time" in result.stderr


def test_bad_requests_are_one_sentence() -> None:
    for words, message in (
        (("--show", "alternatives", "--base", "64"), "--base with --show alternatives"),
        (("--base", "100", "--draws", "0"), "a power of 2"),
        (("nowhere",), "no dossier 'nowhere'"),
    ):
        error = run(*words).exception
        assert isinstance(error, BetweenGiantsError), words
        assert error.exit_code == 2
        assert message in str(error)
