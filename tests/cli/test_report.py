"""`report`, `position`, `sever`, `check`, `facts`, `dossier`: formats, exit codes, refusals in one sentence, plain help."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import typer

from betweengiants.cli.app import app
from betweengiants.dossier import load_dossier, schema
from betweengiants.position.results import KEY, SCHEMA

Run = Callable[..., tuple[int, str, str]]
VERDICTS = {"supported", "imprecise", "contradicted", "implausible", "unverifiable"}
HEAVY = ("numpy", "scipy", "polars", "altair", "highspy", "vl_convert", "jinja2", "duckdb", "pint")


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run


def one_sentence(err: str) -> str:
    """The message, after checking that it is one line of ours and no traceback."""
    assert "Traceback" not in err
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("betweengiants: ")
    assert lines[0].endswith((".", "?"))
    return lines[0]


def test_position_as_csv(run: Run) -> None:
    code, out, err = run("position", "--draws", 10, "--jobs", 1, "--format", "csv")
    assert code == 0
    frame = pl.read_csv(io.StringIO(out), schema=SCHEMA, null_values=[])
    assert frame.height > 500
    assert out.splitlines()[0] == ",".join(SCHEMA)
    keys = frame.select(pl.col(KEY).fill_null(""))
    assert keys.is_duplicated().sum() == 0
    assert keys.equals(keys.sort(KEY))
    assert "estimates" in err  # gaps go where they disturb no pipe


def test_sever_as_json_is_the_position_of_the_coalition(run: Run) -> None:
    code, out, err = run("sever", "--by", "CHN", "--by", "RUS", "--draws", 0, "--format", "json")
    assert code == 0
    rows = json.loads(out, parse_constant=pytest.fail)
    assert {row["coalition"] for row in rows} == {"CHN+RUS"}
    roads = {"oil_transit", "gas_transit", "freight_transit"}
    assert {row["channel"] for row in rows} == {"coupled", "trade", *roads}
    assert {row["horizon"] for row in rows} == {"short", "long", ""}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    assert "still leave" in err


def test_sever_can_be_narrowed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cut.parquet"
    asked = ("sever", "kazakhstan", "--by", "RUS", "--domain", "trade", "--horizon", "short")
    code, out, err = run(*asked, "--format", "parquet", "--output", file)
    assert (code, out) == (0, "")
    assert "still leave" not in err
    frame = pl.read_parquet(file)
    assert frame.schema == pl.Schema(SCHEMA)
    assert set(frame["channel"]) == {"trade"}
    assert set(frame["horizon"]) == {"short"}
    assert set(frame["measure"]) == {
        "leverage_pct",
        "leverage_usd_m",
        "counter_leverage_pct",
        "counter_leverage_usd_m",
    }


def test_an_unknown_power_is_refused_with_a_suggestion(run: Run) -> None:
    code, out, err = run("sever", "--by", "RUSS")
    assert (code, out) == (2, "")
    assert "unknown power 'RUSS'" in one_sentence(err)
    assert "did you mean RUS" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sever",),
        ("sever", "--by", "RUS", "--domain", "security"),
        ("sever", "--by", "RUS", "--horizon", "medium"),
        ("position", "--format", "xlsx"),
        ("position", "kazakhstan", "uzbekistan"),
        ("report", "--no-such-option"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "Usage" in err


@pytest.mark.parametrize(
    "command",
    [("report",), ("position",), ("check",), ("facts",), ("dossier", "info"), ("dossier", "validate")],
    ids=" ".join,
)
def test_an_unknown_dossier_is_refused(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, "kasachstan")
    assert (code, out) == (2, "")
    message = one_sentence(err)
    assert "no dossier 'kasachstan'" in message
    assert "kazakhstan" in message
    assert list(tmp_path.iterdir()) == []


def test_sever_refuses_an_unknown_dossier_before_it_solves(run: Run) -> None:
    code, _, err = run("sever", "no-such-place", "--by", "RUS")
    assert code == 2
    assert "no-such-place" in one_sentence(err)


def test_check_gives_every_claim_a_verdict_and_says_no_where_it_must(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.csv"
    code, out, err = run("check", "kazakhstan", "--format", "csv", "--output", file)
    assert (code, out, err) == (1, "", "")
    frame = pl.read_csv(file, infer_schema=False)
    dossier = load_dossier()
    assert set(frame["claim_id"]) == set(dossier.tables["claims"]["claim_id"])
    assert set(frame["verdict"]) <= VERDICTS
    assert frame["verdict"].is_in(["contradicted", "implausible"]).any()
    wanted = {
        "verdict",
        "reference_value",
        "reference_unit",
        "reference_period",
        "ratio",
        "rule",
        "source_id",
    }
    assert wanted <= set(frame.columns)


def test_check_of_a_claim_that_holds_says_yes(run: Run, tmp_path: Path) -> None:
    fact = load_dossier().tables["facts"].filter(pl.col("unit") == "million_t").row(0, named=True)
    claims = tmp_path / "claims.csv"
    cells = {
        "claim_id": "mine",
        "statement": "as the fact says",
        "measure": fact["measure"],
        "subject": fact["subject"],
        "partner": fact["partner"] or "",
        "period": fact["period"],
        "value": fact["value"],
        "unit": fact["unit"],
        "relation": "=",
    }
    claims.write_text(f"{','.join(cells)}\n{','.join(map(str, cells.values()))}\n", encoding="utf-8")
    code, out, _ = run("check", "--claims", claims, "--format", "json")
    verdicts = {row["verdict"] for row in json.loads(out)}
    assert "supported" in verdicts
    assert code == (1 if verdicts & {"contradicted", "implausible"} else 0)


def test_facts_can_be_narrowed(run: Run) -> None:
    code, out, err = run("facts", "--measure", "crude_exports", "--subject", "KAZ", "--format", "csv")
    assert (code, err) == (0, "")
    frame = pl.read_csv(io.StringIO(out), infer_schema=False)
    assert frame.columns == [field.name for field in schema.tables()["facts"]]
    assert set(frame["measure"]) == {"crude_exports"}
    assert set(frame["subject"]) == {"KAZ"}
    code, out, err = run("facts", "--measure", "crude_export")
    assert (code, out) == (2, "")
    assert "did you mean crude_exports" in one_sentence(err)


def test_dossier_info_counts_the_tables(run: Run) -> None:
    code, out, err = run("dossier", "info", "--format", "json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    dossier = load_dossier()
    assert {row["table"] for row in rows} == set(dossier.tables)
    assert sum(row["rows"] for row in rows) == sum(frame.height for frame in dossier.tables.values())


def test_dossier_info_as_a_table_for_people(run: Run) -> None:
    code, out, _ = run("dossier", "info")
    assert code == 0
    assert "trade_matrix" in out
    assert "\x1b" not in out


def test_dossier_validate(run: Run, dossier_copy: Path) -> None:
    code, out, err = run("dossier", "validate", dossier_copy)
    assert (code, err) == (0, "")
    assert out.startswith("kazakhstan ")
    path = dossier_copy / "memberships.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",member,", ",observer,", 1), encoding="utf-8")
    code, out, err = run("dossier", "validate", dossier_copy)
    assert (code, out) == (2, "")
    assert "memberships.csv" in one_sentence(err)
    assert "dossier pack" in err
    code, out, err = run("dossier", "pack", dossier_copy)
    assert (code, err) == (0, "")
    assert str(dossier_copy) in out
    assert run("dossier", "validate", dossier_copy)[0] == 0


BREAKS: dict[str, tuple[str, Callable[[Path], object], tuple[str, ...]]] = {
    "no descriptor": ("datapackage.json", Path.unlink, ("datapackage.json",)),
    "broken json": (
        "datapackage.json",
        lambda p: p.write_text("{", encoding="utf-8"),
        ("datapackage.json", "JSON"),
    ),
    "missing table": ("facts.csv", Path.unlink, ("facts.csv",)),
    "empty table": ("trade_matrix.csv", lambda p: p.write_bytes(b""), ("trade_matrix.csv",)),
    "not text": ("facts.csv", lambda p: p.write_bytes(b"\xff\xfe\x00\x01"), ("facts.csv",)),
    "a word for a number": (
        "trade_matrix.csv",
        lambda p: p.write_text(
            p.read_text(encoding="utf-8").replace("149033.022", "many", 1), encoding="utf-8"
        ),
        ("trade_matrix.csv", "row 2", "value_usd_m", "many"),
    ),
    "an unknown source": (
        "parameters.csv",
        lambda p: p.write_text(
            p.read_text(encoding="utf-8").replace("eia_brent", "eia_brnt", 1), encoding="utf-8"
        ),
        ("parameters.csv", "source_id", "eia_brnt", "did you mean"),
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("command", [("report", "--out", "page"), ("position",)], ids=lambda c: c[0])
def test_a_broken_dossier_is_refused_in_one_sentence(
    run: Run, dossier_copy: Path, tmp_path: Path, fault: str, command: tuple[str, ...]
) -> None:
    name, spoil, wanted = BREAKS[fault]
    spoil(dossier_copy / name)
    code, out, err = run(command[0], dossier_copy, *command[1:])
    assert (code, out) == (2, "")
    message = one_sentence(err)
    assert all(word in message for word in wanted), message
    assert not (tmp_path / "page").exists()


def test_a_dossier_without_a_parameter_that_the_model_needs(run: Run, edit_table, dossier_copy: Path) -> None:
    edit_table(
        "parameters",
        lambda rows: rows.pop(next(i for i, r in enumerate(rows) if r["parameter"] == "theta_short")),
    )
    code, out, err = run("position", dossier_copy)
    assert (code, out) == (2, "")
    assert "theta_short" in one_sentence(err)


def test_a_report_that_cannot_be_written_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    for place in ("taken", "taken/below/it"):
        code, out, err = run("report", "--out", place)
        assert (code, out) == (2, "")
        assert one_sentence(err).startswith(f"betweengiants: cannot write {place}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


def test_a_table_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        "dossier", "info", "--format", "csv", "--output", tmp_path / "no" / "such" / "file.csv"
    )
    assert (code, out) == (2, "")
    assert "cannot write" in one_sentence(err)
    code, out, err = run("dossier", "info", "--format", "parquet")
    assert (code, out) == (2, "")
    assert "--output" in one_sentence(err)


def commands() -> list[list[str]]:
    """Every command of the program, as words."""
    found = [[]]

    def walk(words: list[str], node: object) -> None:
        for name, child in sorted(getattr(node, "commands", {}).items()):
            found.append([*words, name])
            walk([*words, name], child)

    walk([], typer.main.get_command(app))
    return found


def test_help_of_every_command_has_an_example_and_loads_nothing_heavy() -> None:
    """One process asks for every help page; none of them may have loaded a library of numbers or pictures."""
    code = f"""
import contextlib, io, json, sys
from betweengiants.cli.app import main
shown = []
for words in {commands()!r}:
    out = io.StringIO()
    sys.argv = ["betweengiants", *words, "--help"]
    with contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as stopped:
            assert not stopped.code, words
    shown.append((words, out.getvalue()))
heavy = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([shown, heavy]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown, heavy = json.loads(done.stdout)
    assert heavy == []
    assert {"report", "position", "sever", "check", "facts"} <= {words[0] for words, _ in shown if words}
    for words, text in shown:
        assert "Usage: betweengiants" in text, words
        leaf = not any(other[: len(words)] == words and other != words for other, _ in shown)
        if leaf or not words:
            assert "Example: betweengiants" in " ".join(text.split()), words


def test_version(run: Run) -> None:
    code, out, err = run("--version")
    assert (code, err) == (0, "")
    assert out.strip() == "0.1.0"


def test_no_command_at_all_shows_the_help(run: Run) -> None:
    code, out, err = run()
    assert code == 2
    assert "Example: betweengiants report" in " ".join((out + err).split())
