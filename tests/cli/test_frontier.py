"""The command `frontier`, by itself (the root command only registers it)."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner, Result

from betweengiants.cli.frontier import EPILOG, frontier
from betweengiants.core.errors import BetweenGiantsError

app = typer.Typer(pretty_exceptions_enable=False)
app.command(epilog=EPILOG)(frontier)


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refusal(*words: object) -> BetweenGiantsError:
    error = invoke(*words).exception
    assert isinstance(error, BetweenGiantsError)
    return error


def test_frontier_as_csv() -> None:
    result = invoke("--points", 3, "--format", "csv")
    assert result.exit_code == 0
    frame = pl.read_csv(io.StringIO(result.stdout))
    assert {
        "bound_pct",
        "cost_usd_m_per_year",
        "capex_usd_m",
        "price_usd_m_per_point",
        "worst_power",
    } <= set(frame.columns)
    assert frame.height == 3
    assert frame["cost_usd_m_per_year"].is_sorted()
    assert "least attainable" in result.stderr


def test_plan_as_json() -> None:
    result = invoke("kazakhstan", "--bound", 85, "--powers", "RUS,CHN", "--format", "json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert {"option_id", "name", "added_capacity", "capex_usd_m", "cost_usd_m_per_year"} <= set(rows[0])
    assert all(row["added_capacity"] > 0 for row in rows)
    assert "RUS takes 94." in result.stderr
    assert "EU27" not in result.stderr


def test_table_with_totals_below_and_whole_projects() -> None:
    parts, whole = invoke("--bound", 80), invoke("--bound", 80, "--whole")
    assert parts.exit_code == whole.exit_code == 0
    assert "kcts_pipe is built to" in parts.stderr
    assert "kcts_pipe is built to" not in whole.stderr
    assert "one point less costs" in parts.stdout
    assert "capex" in whole.stdout


def test_joint_severance_is_a_coalition() -> None:
    result = invoke("--points", 2, "--powers", "RUS+CHN, RUS", "--format", "csv")
    assert pl.read_csv(io.StringIO(result.stdout))["worst_power"].to_list() == ["CHN+RUS"] * 2


def test_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "frontier.parquet"
    assert invoke("--points", 2, "--format", "parquet", "--output", target).exit_code == 0
    assert pl.read_parquet(target).height == 2


def test_same_bytes_twice() -> None:
    words = ("--bound", 77, "--format", "csv")
    assert invoke(*words).stdout == invoke(*words).stdout


def test_unattainable_bound_exits_3_and_names_the_least() -> None:
    error = refusal("--bound", 20)
    assert error.exit_code == 3
    least = re.search(r"RUS can take (\d+\.\d+) % whatever is built", str(error))
    assert least is not None
    assert 20 < float(least[1]) < 77
    assert "20 %" in str(error)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--bound", 101), "0 to 100"),
        (("--bound", "nan"), "0 to 100"),
        (("--points", 1), "2 to 1000"),
        (("--points", 3, "--bound", 80), "--points with --bound"),
        (("--whole",), "--whole without --bound"),
        (("--powers", "RUS,,CHN"), "codes joined by commas"),
        (("--powers", ""), "codes joined by commas"),
        (("--powers", "RSU"), "did you mean RUS"),
        (("nowhere",), "no dossier 'nowhere'"),
        (("--format", "parquet"), "--output FILE"),
    ],
)
def test_refused(words: tuple[object, ...], part: str) -> None:
    error = refusal(*words)
    assert error.exit_code == 2
    assert part in str(error)


def test_help_is_light_and_has_an_example() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert "betweengiants frontier kazakhstan --bound 80" in result.stdout
    code = "import sys, betweengiants.cli.frontier; sys.exit('polars' in sys.modules or 'highspy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_printed_ids_are_traced(run: Callable[..., tuple[int, str, str]]) -> None:
    """From the commands' own tables: the id of a row leads to the number of the row."""
    for asked, column in ((("--points", 2), "cost_usd_m_per_year"), (("--bound", 80), "added_capacity")):
        code, out, _ = run("frontier", *asked, "--format", "json")
        row = json.loads(out)[-1]
        assert code == 0
        code, out, _ = run("trace", row["id"], "--format", "json")
        assert code == 0
        assert json.loads(out)["value"] == pytest.approx(row[column])
        assert json.loads(out)["sources"]
    code, out, _ = run("trace", "--list", "--kind", "frontier", "--format", "csv")
    assert code == 0
    assert {"frontier.today", "frontier.least"} < {line.partition(",")[0] for line in out.splitlines()}
    code, out, _ = run("cite", "--of", "frontier.today", "--format", "csl")
    assert code == 0
    assert json.loads(out)
