"""`betweengiants trade exposure|power|joint`: tables, refusals, exit codes, help."""

import json
import subprocess
import sys

import polars as pl
import pytest
import typer

from betweengiants.cli import app as root
from betweengiants.cli import trade_more

FLOWS = """exporter,importer,value
KAZ,KAZ,80
KAZ,RUS,6
KAZ,CHN,9
KAZ,USA,1
RUS,KAZ,10
RUS,RUS,700
RUS,CHN,50
RUS,USA,5
CHN,KAZ,8
CHN,RUS,60
CHN,CHN,6000
CHN,USA,300
USA,KAZ,2
USA,RUS,4
USA,CHN,150
USA,USA,9000
"""
SURPLUS = "exporter,importer,value\n" + "".join(
    f"{a},{b},{value}\n"
    for a, row in zip("ABC", ([10, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]), strict=True)
    for b, value in zip("ABC", row, strict=True)
)
COMMANDS = ("exposure", "power", "joint")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "flows.csv").write_text(FLOWS, encoding="utf-8")
    (tmp_path / "surplus.csv").write_text(SURPLUS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """The commands as the program runs them, errors and exit codes included."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    trade_more.register(app)

    def call(*arguments):
        monkeypatch.setattr(root, "app", app)
        monkeypatch.setattr(sys, "argv", ["betweengiants trade", *arguments])
        with pytest.raises(SystemExit) as stopped:
            root.main()
        shown = capsys.readouterr()
        return stopped.value.code or 0, shown.out, shown.err

    return call


def table(run, *arguments):
    code, out, err = run(*arguments, "--format", "csv")
    assert (code, err) == (0, "")
    return pl.read_csv(out.encode())


def test_exposure(run, folder):
    from betweengiants.trade import exposures, read_flows

    world = read_flows(folder / "flows.csv")
    got = table(run, "exposure", "flows.csv")
    assert got.columns == ["country", "shocked", "income_effect", "welfare_effect"]
    assert got.equals(exposures(world, 4.0).frame())
    chosen = table(
        run, "exposure", "flows.csv", "--focal", "KAZ, RUS", "--elasticity", "2", "--imbalances", "additive"
    )
    assert chosen.equals(exposures(world, 2.0, imbalances="additive").frame(["KAZ", "RUS"]))


def test_power(run, folder):
    from betweengiants.trade import power_table, read_flows

    world = read_flows(folder / "flows.csv")
    arguments = ("power", "flows.csv", "--powers", "RUS,CHN", "--elasticity", "4")
    got = table(run, *arguments)
    assert got.columns == [
        "focal",
        "power",
        "share_of_spending",
        "share_of_imports",
        "closed_form_loss_pct",
        "equilibrium_loss_pct",
    ]
    assert got.equals(power_table(world, ["RUS", "CHN"], None, 4.0).frame())
    one = table(run, *arguments, "--focal", "KAZ", "--outer", "5")
    assert one.equals(power_table(world, ["RUS", "CHN"], ["KAZ"], 4.0, 5.0).frame())
    # Kazakhstan spends 10 of 100 in Russia.
    assert one["closed_form_loss_pct"][0] == pytest.approx(100 * (1 - 0.9**0.25))


def test_joint(run, folder):
    from betweengiants.trade import joint_leverage, read_flows
    from betweengiants.trade.shapley import joint_table

    got = table(run, "joint", "flows.csv", "--focal", "KAZ", "--powers", "RUS,CHN,USA", "--elasticity", "4")
    assert got.columns == ["coalition", "welfare_change_pct", "premium_pct", "shapley_pct", "shapley_share"]
    expected = joint_table(
        joint_leverage(read_flows(folder / "flows.csv"), "KAZ", ["RUS", "CHN", "USA"], 4.0)
    )
    assert got.equals(expected)
    # Alone with itself: the closed form of autarky, home share 0.8.
    assert got["welfare_change_pct"][6] == pytest.approx(100 * (0.8**0.25 - 1))
    assert got["shapley_share"].sum() == pytest.approx(1)


def test_what_has_no_solution_is_left_empty_and_named(run):
    code, out, err = run("power", "surplus.csv", "--powers", "B", "--elasticity", "1", "--format", "json")
    assert code == 0
    rows = json.loads(out)
    assert [row["equilibrium_loss_pct"] is None for row in rows] == [True, False]
    assert rows[0]["closed_form_loss_pct"] > 0
    assert err.startswith("note: left empty: scenario 'A:B' has no finite equilibrium")
    code, out, err = run(
        *("joint", "surplus.csv", "--focal", "A", "--powers", "B,C", "--elasticity", "1", "--format", "json")
    )
    assert code == 0
    assert [row["welfare_change_pct"] is None for row in json.loads(out)] == [True, False, False]
    assert err.count("note: left empty") == 1


POWER = ["power", "flows.csv", "--elasticity", "4", "--powers"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["exposure", "flows.csv", "--focal", "KZA"], "unknown country 'KZA'; allowed: did you mean KAZ"),
        (["exposure", "flows.csv", "--elasticity", "0"], "elasticity 0"),
        (["exposure", "none.csv"], "none.csv: found no such file"),
        (["exposure", "flows.csv", "--year", "2020"], "table without years"),
        ([*POWER, "RUS,,CHN"], "--powers 'RUS,,CHN'; allowed: labels separated by commas"),
        ([*POWER, "RUS", "--outer", "-1"], "an elasticity between bundles below 0"),
        ([*POWER, "RUS,RUS"], "each label once"),
        (
            ["joint", "flows.csv", "--focal", "KAZ", "--powers", "KAZ,RUS", "--elasticity", "4"],
            "the focal state KAZ among the powers",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(run, folder, arguments, message):
    before = sorted(folder.iterdir())
    code, out, err = run(*arguments, "--format", "csv", "--output", "out.csv")
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("betweengiants: ")
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["power", "flows.csv", "--powers", "RUS"],
        ["joint", "flows.csv", "--powers", "RUS", "--elasticity", "4"],
    ],
)
def test_wrong_usage_exits_with_two(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err


@pytest.mark.parametrize(
    ("output", "message"),
    [(".", "it is a folder"), ("none/o.csv", "no such folder"), (None, "--output FILE")],
)
def test_places_that_cannot_be_written_to(run, output, message):
    target = () if output is None else ("--output", output)
    code, _, err = run("exposure", "flows.csv", "--format", "parquet", *target)
    assert code == 2
    assert message in err


def test_parquet_is_written_whole(run, folder):
    code, out, _ = run("exposure", "flows.csv", "--format", "parquet", "--output", "e.parquet")
    assert (code, out) == (0, "")
    assert pl.read_parquet(folder / "e.parquet").height == 16


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_no_numbers(command):
    code = (
        "import sys, typer\n"
        "from betweengiants.cli.trade_more import register\n"
        "app = typer.Typer(rich_markup_mode=None)\n"
        "register(app)\n"
        "try:\n"
        f"    app(['{command}', '--help'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'scipy', 'polars'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"Example: betweengiants trade {command} flows.csv" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("[]")
