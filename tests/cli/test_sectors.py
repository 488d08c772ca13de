"""`betweengiants trade sectors|check`: tables, notes, exit codes."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from betweengiants.cli import sectors
from betweengiants.core.errors import DataError

PLAIN = """country,A,B,C
A,80,8,8
B,9,80,8
C,8,9,80
"""


def call(*arguments: str) -> Result:
    app = typer.Typer()
    sectors.register(app)
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    head, *rows = (line.split(",") for line in PLAIN.splitlines())
    lines = [f"{row[0]},{b},{v}" for row in rows for b, v in zip(head[1:], row[1:], strict=True)]
    path = tmp_path / "flows.csv"
    path.write_text("exporter,importer,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_sectors() -> None:
    done = call("sectors", "--format", "json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert {row["power"] for row in rows} == {"RUS", "CHN", "USA", "EU27"}
    assert all(row["sectors_inputs_loss_pct"] > 0 and row["problem"] is None for row in rows)
    assert done.stderr.startswith("note: io_coefficients.csv: ")


def test_sectors_with_intervals() -> None:
    arguments = ("sectors", "--intervals", "--draws", "3", "--seed", "2", "--format", "json")
    done = call(*arguments)
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [row["draws"] for row in rows] == [3] * 8
    assert all(row["sectors_loss_pct_low"] < row["sectors_loss_pct_high"] for row in rows)
    assert all(row["driver"] for row in rows)


def test_draws_without_intervals_are_refused() -> None:
    for option in ("--draws", "--seed"):
        done = call("sectors", option, "3")
        assert isinstance(done.exception, DataError)
        assert "--draws or --seed without --intervals" in str(done.exception)


def test_check_of_a_plain_table(flows: Path, tmp_path: Path) -> None:
    gdp = tmp_path / "gdp.csv"
    gdp.write_text("country,gdp\nA,50\nB,50\nC,50\n", encoding="utf-8")
    done = call("check", str(flows), "--gdp", str(gdp), "--format", "csv")
    assert (done.exit_code, done.stdout) == (0, "check,countries,sector,value,low,high,finding\n")


def test_check_says_no_with_exit_code_1(flows: Path, tmp_path: Path) -> None:
    gdp = tmp_path / "gdp.csv"
    gdp.write_text("country,gdp\nA,50000\nB,50000\nC,50000\n", encoding="utf-8")
    done = call("check", str(flows), "--gdp", str(gdp), "--format", "json")
    assert done.exit_code == 1
    (row,) = json.loads(done.stdout)
    assert row["check"] == "units"
    assert row["finding"].endswith("thousands against millions?")


def test_examples_are_in_the_help() -> None:
    for name, example in sectors.EXAMPLES.items():
        assert example in " ".join(call(name, "--help").stdout.split())
