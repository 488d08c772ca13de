"""`betweengiants trade uncertainty`: tables equal to the library's, refusals, exit codes, notes, help."""

import subprocess
import sys

import polars as pl
import pytest
import typer

from betweengiants.cli import app as root
from betweengiants.cli import trade_more, trade_uncertainty

HOME = {"KAZ": 80, "RUS": 700, "CHN": 6000}
ABROAD = {
    ("KAZ", "RUS"): 8,
    ("KAZ", "CHN"): 9,
    ("RUS", "KAZ"): 10,
    ("RUS", "CHN"): 50,
    ("CHN", "KAZ"): 8,
    ("CHN", "RUS"): 48,
}
CELLS = {(c, c): v for c, v in HOME.items()} | ABROAD
SECTORS = {"energy": 0.4, "goods": 0.6}
INPUTS = "economy,sector,parameter,input_sector,value\n*,*,value_added_share,,0.5\n"
BY_SECTOR = "sector,low,centre,high\nenergy,4,8,16\ngoods,2,3,4\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rows = [f"{a},{b},{v}" for (a, b), v in CELLS.items()]
    split = [f"{a},{b},{s},{share * v}" for (a, b), v in CELLS.items() for s, share in SECTORS.items()]
    files = {
        "flows.csv": "\n".join(["exporter,importer,value", *rows]),
        "sectors.csv": "\n".join(["exporter,importer,sector,value", *split]),
        "io.csv": INPUTS,
        "spreads.csv": BY_SECTOR,
        "energy.csv": "sector,low,centre,high\nenergy,4,8,16\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """The command as the program runs it, errors and exit codes included."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    trade_more.register(app)
    trade_uncertainty.register(app)

    def call(*arguments):
        monkeypatch.setattr(root, "app", app)
        monkeypatch.setattr(sys, "argv", ["betweengiants trade", "uncertainty", *arguments])
        with pytest.raises(SystemExit) as stopped:
            root.main()
        shown = capsys.readouterr()
        return stopped.value.code or 0, shown.out, shown.err

    return call


def table(run, *arguments):
    code, out, err = run(*arguments, "--format", "csv")
    assert (code, err) == (0, "")
    return pl.read_csv(out.encode())


WHOM = ("--focal", "KAZ", "--powers", "RUS,CHN")
SPREAD = ("--low", "2", "--centre", "4", "--high", "8")
ONE = ("flows.csv", *WHOM)
MANY = ("sectors.csv", *WHOM)


def test_one_sector(run, folder):
    from betweengiants.trade import Spread, TradeInputs, draw_losses, read_flows, severances

    world, cuts = read_flows(folder / "flows.csv"), severances("KAZ", ["RUS", "CHN"])
    got = table(run, *ONE, *SPREAD, "--draws", "50", "--seed", "3")
    inputs = TradeInputs(Spread("lognormal", 2, 4, 8))
    assert got.equals(draw_losses(world, "KAZ", cuts, inputs, 50, 3).frame())
    assert got["coalition"].to_list() == ["RUS", "CHN", "RUS;CHN"]
    data = ("--flow-sd", "0.2", "--domestic-low", "0.5", "--domestic-high", "2")
    noisy = table(run, *ONE, *SPREAD, *data, "--distribution", "triangular", "--draws", "20")
    inputs = TradeInputs(Spread("triangular", 2, 4, 8), 0.2, Spread("uniform", 0.5, 1, 2))
    assert noisy.equals(draw_losses(world, "KAZ", cuts, inputs, 20, 1).frame())


def test_sectors_with_one_elasticity(run, folder):
    from betweengiants.trade import Spread, TradeInputs, draw_losses, read_sector_flows, severances

    cuts = severances("KAZ", ["RUS", "CHN"])
    got = table(run, *MANY, *SPREAD, "--draws", "10", "--horizon", "short")
    world = read_sector_flows(folder / "sectors.csv")
    inputs = TradeInputs(Spread("lognormal", 2, 4, 8))
    assert got.equals(draw_losses(world, "KAZ", cuts, inputs, 10, horizon="short").frame())
    assert set(got["sector_draws"]) == {"common"}
    # Added up they are one sector.
    whole = table(run, *MANY, *SPREAD, "--draws", "10", "--aggregate-sectors")
    plain = table(run, *ONE, *SPREAD, "--draws", "10")
    for column in ("central_loss_pct", "loss_pct_p5", "loss_pct_p95"):
        assert (whole[column] - plain[column]).abs().max() < 1e-8


@pytest.mark.parametrize(("option", "choice"), [("--together", "together"), ("--independent", "independent")])
def test_sectors_with_their_own_elasticities(run, folder, option, choice):
    from betweengiants.trade import (
        TradeInputs,
        draw_losses,
        read_sector_flows,
        read_spreads,
        severances,
    )

    arguments = ("--sector-elasticities", "spreads.csv", option, "--draws", "8", "--seed", "2")
    noise = ("--flow-sd", "0.1", "--flow-noise", "pair", "--io", "io.csv")
    code, out, err = run(*MANY, *arguments, *noise, "--format", "csv")
    assert code == 0
    assert err.count("\n") == err.count("note: io.csv") == 1
    world = read_sector_flows(folder / "sectors.csv", io=folder / "io.csv")
    inputs = TradeInputs(
        read_spreads(folder / "spreads.csv", world.sectors), 0.1, sector_draws=choice, flow_noise="pair"
    )
    expected = draw_losses(world, "KAZ", severances("KAZ", ["RUS", "CHN"]), inputs, 8, 2)
    assert pl.read_csv(out.encode()).equals(expected.frame())


def test_sectors_without_a_row_take_the_common_numbers(run):
    by_file = table(run, *MANY, "--sector-elasticities", "spreads.csv", "--draws", "5")
    mixed = ("--sector-elasticities", "energy.csv", "--low", "2", "--centre", "3", "--high", "4")
    assert table(run, *MANY, *mixed, "--draws", "5").equals(by_file)
    assert set(by_file["sector_draws"]) == {"independent"}


def test_drivers(run):
    got = table(run, *ONE, *SPREAD, "--flow-sd", "0.05", "--drivers", "32")
    assert got.columns == [
        "focal",
        "coalition",
        "input",
        "first_order",
        "total_effect",
        "first_order_se",
        "total_effect_se",
        "sector_draws",
    ]
    assert got["input"].to_list() == ["elasticity", "flows"] * 3
    even, odd = got["total_effect"].gather_every(2), got["total_effect"].gather_every(2, 1)
    assert (even > odd).all()
    sectors = table(run, *MANY, "--sector-elasticities", "spreads.csv", "--drivers", "8")
    assert sectors["input"].to_list() == ["elasticity energy", "elasticity goods"] * 3
    joint = table(run, *MANY, "--sector-elasticities", "spreads.csv", "--together", "--drivers", "8")
    assert joint["input"].to_list() == ["elasticity"] * 3


def test_no_draw_with_a_solution_ends_with_three(run, folder):
    flows = ([10, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100])
    rows = [f"{a},{b},{flows[i][j]}" for i, a in enumerate("ABC") for j, b in enumerate("ABC")]
    (folder / "surplus.csv").write_text("exporter,importer,value\n" + "\n".join(rows) + "\n")
    cut = ("surplus.csv", "--focal", "A", "--powers", "B")
    code, out, err = run(*cut, "--low", "1", "--centre", "1", "--high", "2", "--draws", "5")
    assert (code, out) == (3, "")
    assert "has no finite equilibrium" in err


def test_draws_without_a_solution_are_counted_with_their_reason(run, folder):
    (folder / "tight.csv").write_text(
        "exporter,importer,value\nA,A,10\nA,B,8\nA,C,5\nB,A,3\nB,B,100\nB,C,5\nC,A,0.5\nC,B,5\nC,C,100\n"
    )
    spread = ("--distribution", "uniform", "--low", "0.2", "--centre", "2", "--high", "6")
    whom = ("tight.csv", "--focal", "A", "--powers", "B")
    code, out, err = run(*whom, *spread, "--flow-sd", "1", "--draws", "60", "--format", "csv")
    assert code == 0
    solved = pl.read_csv(out.encode())["solved"][0]
    assert 0 < solved < 60
    left = 60 - solved
    reason = f"(no finite equilibrium: {left}); the quantiles are of the others."
    assert f"note: {left} of 60 draws have no solution for B {reason}" in err


def test_trimmed_matrices_stay_trimmed_in_the_draws(run, folder):
    """Inputs of energy reach all that is absorbed: every draw would need a little more somewhere."""
    (folder / "much.csv").write_text(
        "economy,sector,parameter,input_sector,value\n*,*,value_added_share,,0.3\n*,*,input_share,energy,0.7\n"
    )
    arguments = (*MANY, *SPREAD, "--io", "much.csv", "--flow-sd", "0.2", "--draws", "10", "--format", "csv")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "more inputs than absorption" in err
    code, out, err = run(*arguments, "--trim-inputs")
    assert code == 0
    assert pl.read_csv(out.encode())["solved"].to_list() == [10, 10, 10]
    assert "inputs above absorption were cut" in err


FILE = ("--sector-elasticities", "spreads.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*ONE, "--low", "5", "--centre", "4", "--high", "8"], "low, centre, high 5, 4, 8"),
        ([*ONE, *SPREAD, "--draws", "0"], "0 draws"),
        ([*ONE, *SPREAD, "--drivers", "100"], "a power of 2"),
        ([*ONE, *SPREAD, "--domestic-low", "2", "--domestic-high", "3"], "low, centre, high 2, 1, 3"),
        ([*ONE, *SPREAD, "--flow-sd", "-1"], "a standard deviation of flows of -1"),
        ([*ONE, *FILE], "--sector-elasticities for flows of one sector"),
        ([*MANY, *FILE, "--aggregate-sectors"], "--sector-elasticities for flows of one sector"),
        ([*MANY, "--sector-elasticities", "energy.csv"], "no row for goods"),
        ([*MANY, *SPREAD, "--together"], "--together without --sector-elasticities"),
        ([*MANY, *SPREAD, "--independent"], "--independent without --sector-elasticities"),
        ([*MANY, *SPREAD, "--trim-inputs"], "--trim-inputs without --io"),
        (["sectors.csv", "--focal", "KAZ", "--powers", "RSU", *SPREAD], "unknown country 'RSU'"),
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
        [*ONE],
        [*ONE, "--low", "2"],
        [*MANY, *FILE, "--low", "2"],
        [*ONE, *SPREAD, "--distribution", "normal"],
        [*ONE, *SPREAD, "--flow-noise", "all"],
        [*ONE, *SPREAD, "--seed", "-1"],
    ],
)
def test_wrong_usage_exits_with_two(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err


def test_help_has_an_example_and_loads_no_numbers():
    code = (
        "import sys, typer\n"
        "from betweengiants.cli.trade_uncertainty import register\n"
        "app = typer.Typer(rich_markup_mode=None)\n"
        "app.callback()(lambda: None)\n"
        "register(app)\n"
        "try:\n"
        "    app(['uncertainty', '--help'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'scipy', 'polars'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Example: betweengiants trade uncertainty flows.csv" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("[]")
