"""`betweengiants domains` and `betweengiants history` on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from betweengiants.cli.app import app

runner = CliRunner()


def ask(*words: str) -> str:
    done = runner.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_domains_print_a_matrix_for_readers() -> None:
    done = runner.invoke(app, ["domains"])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:6] == ["domain", "measure", "RUS", "CHN", "USA", "EU27"]
    assert sum(line.split()[0] in ("security", "people", "water") for line in lines[1:]) == 3
    assert "the share of CHN, USA is not known" in done.stderr


def test_domains_print_unrounded_rows_with_facts_and_sources() -> None:
    rows = json.loads(ask("domains", "--format", "json"))
    assert len(rows) == 10 * 4
    for row in rows:
        assert (row["value"] is None) == (row["status"] == "not_known")
        assert row["role"] == "headline"
    more = json.loads(ask("domains", "--all", "--format", "json"))
    assert len(more) > len(rows)
    assert {"counter_leverage", "leverage"} == {row["direction"] for row in more}


@pytest.mark.parametrize(
    ("words", "column"),
    [
        (("domains", "--show", "concentration"), "hhi_low"),
        (("domains", "--show", "cover"), "days"),
        (("history", "--show", "drift"), "slope"),
        (("history", "--show", "turning-points"), "p"),
        (("history", "--show", "check"), "equilibrium_loss_pct"),
        (("history",), "is_full"),
    ],
)
def test_each_table_can_be_printed(words: tuple[str, ...], column: str) -> None:
    assert column in ask(*words, "--format", "csv").splitlines()[0].split(",")


def test_history_prints_years_by_power_for_readers_and_says_what_changed() -> None:
    done = runner.invoke(app, ["history"])
    assert done.exit_code == 0
    assert done.stdout.split()[:4] == ["measure", "basis", "horizon", "year"]
    assert "changed most with" in done.stderr


def test_what_is_not_there_is_refused() -> None:
    assert runner.invoke(app, ["domains", "--show", "prices"]).exit_code == 2
    assert runner.invoke(app, ["history", "no-such-dossier"]).exit_code != 0
