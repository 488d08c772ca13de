"""`betweengiants trade`: output, refusals, exit codes, and that nothing is half written."""

import json
import math
import subprocess
import sys
from functools import partial

import polars as pl
import pytest

FLOWS = """exporter,importer,value
KAZ,KAZ,80
KAZ,RUS,6
KAZ,CHN,9
RUS,KAZ,10
RUS,RUS,700
RUS,CHN,50
CHN,KAZ,8
CHN,RUS,60
CHN,CHN,6000
"""
SHOCKS = "exporter,importer,cost_factor\nKAZ,CHN,1.3\nRUS,KAZ,inf\n"
COUNTRY_COLUMNS = [
    "country",
    "welfare_change_pct",
    "income_change_pct",
    "price_change_pct",
    "exports_change_pct",
    "imports_change_pct",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "flows.csv").write_text(FLOWS, encoding="utf-8")
    (tmp_path / "shocks.csv").write_text(SHOCKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(run, folder):
    return partial(run, "trade")


def test_sever_prints_every_country_unrounded(run, folder):
    code, out, err = run("sever", "flows.csv", "--pair", "KAZ:RUS", "--elasticity", "4", "--format", "csv")
    assert (code, err) == (0, "")
    table = pl.read_csv(out.encode())
    assert table.columns == COUNTRY_COLUMNS
    assert table["country"].to_list() == ["CHN", "KAZ", "RUS"]
    from betweengiants.trade import read_flows, severance, solve

    expected = solve(read_flows(folder / "flows.csv"), severance([("KAZ", "RUS")]), 4.0).frame()
    assert table.equals(expected)


def test_sever_one_way_cuts_only_exports_of_the_first(run, folder):
    code, _, _ = run(
        *("sever", "flows.csv", "--pair", "KAZ:RUS", "--one-way", "--elasticity", "4"),
        *("--bilateral", "flows_after.csv", "--output", "table.json", "--format", "json"),
    )
    assert code == 0
    flows = pl.read_csv(folder / "flows_after.csv")
    assert flows.columns == ["exporter", "importer", "value_before", "value_after"]
    assert flows.height == 9
    after = {(a, b): value for a, b, _, value in flows.iter_rows()}
    assert after["KAZ", "RUS"] == 0
    assert after["RUS", "KAZ"] > 0
    rows = json.loads((folder / "table.json").read_text())
    assert list(rows[0]) == COUNTRY_COLUMNS


def test_several_pairs_are_severed_together(run):
    def welfare(*pairs):
        code, out, _ = run(
            "sever",
            "flows.csv",
            *(w for p in pairs for w in ("--pair", p)),
            "--elasticity",
            "4",
            "--format",
            "json",
        )
        assert code == 0
        return {row["country"]: row["welfare_change_pct"] for row in json.loads(out)}

    both = welfare("KAZ:RUS", "KAZ:CHN")
    assert both["KAZ"] < welfare("KAZ:RUS")["KAZ"] < 0
    # Cut off from everybody: the closed form, home share 80 / 98.
    assert both["KAZ"] == pytest.approx(100 * ((80 / 98) ** 0.25 - 1), abs=1e-9)


@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_shock_reads_its_file_and_the_rule(run, folder, rule):
    code, out, _ = run(
        *("shock", "flows.csv", "--shocks", "shocks.csv", "--elasticity", "2.5"),
        *("--imbalances", rule, "--format", "csv", "--bilateral", "after.parquet"),
    )
    assert code == 0
    from betweengiants.trade import Cell, Scenario, read_flows, solve

    scenario = Scenario("x", (Cell("KAZ", "CHN", 1.3), Cell("RUS", "KAZ", math.inf)))
    result = solve(read_flows(folder / "flows.csv"), scenario, 2.5, imbalances=rule)
    assert pl.read_csv(out.encode()).equals(result.frame())
    assert pl.read_parquet(folder / "after.parquet").equals(result.bilateral())


def test_leverage_prints_every_pair(run):
    code, out, err = run(
        "leverage", "flows.csv", "--powers", "RUS,CHN", "--elasticity", "4", "--format", "csv"
    )
    assert (code, err) == (0, "")
    table = pl.read_csv(out.encode())
    assert table.columns == ["focal", "power", "welfare_change_pct", "power_welfare_change_pct"]
    assert table.select("focal", "power").rows() == [
        ("CHN", "RUS"),
        ("KAZ", "RUS"),
        ("KAZ", "CHN"),
        ("RUS", "CHN"),
    ]
    code, out, _ = run(
        *(
            "leverage",
            "flows.csv",
            "--powers",
            "RUS, CHN",
            "--focal",
            "KAZ",
            "--elasticity",
            "4",
            "--format",
            "csv",
        )
    )
    assert pl.read_csv(out.encode()).equals(table.filter(pl.col("focal") == "KAZ"))


def test_leverage_leaves_unsolved_pairs_empty_and_says_so(run, folder):
    text = "exporter,importer,value\n"
    for a, row in zip("ABC", ([10, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]), strict=True):
        text += "".join(f"{a},{b},{value}\n" for b, value in zip("ABC", row, strict=True))
    (folder / "surplus.csv").write_text(text)
    code, out, err = run("leverage", "surplus.csv", "--powers", "B", "--elasticity", "1", "--format", "json")
    assert code == 0
    assert [row["welfare_change_pct"] is None for row in json.loads(out)] == [True, False]
    assert err.startswith("note: left empty: scenario 'A:B' has no finite equilibrium")
    assert "(A)" in err
    code, out, err = run(
        *(
            "sever",
            "surplus.csv",
            "--pair",
            "A:B",
            "--elasticity",
            "1",
            "--output",
            "o.csv",
            "--bilateral",
            "b.csv",
        )
    )
    assert (code, out) == (3, "")
    assert "(A)" in err
    assert not (folder / "o.csv").exists()
    assert not (folder / "b.csv").exists()


def test_year_and_sectors(run, folder):
    rows = FLOWS.splitlines()[1:]
    years = "".join(f"{row},{year}\n" for year in (2020, 2021) for row in rows)
    (folder / "years.csv").write_text("exporter,importer,value,year\n" + years)
    sever = ("--pair", "KAZ:RUS", "--elasticity", "4", "--format", "csv")
    expected = run("sever", "flows.csv", *sever)
    assert run("sever", "years.csv", *sever, "--year", "2021") == expected
    code, _, err = run("sever", "years.csv", *sever)
    assert code == 2
    assert "several years (2020, 2021)" in err
    sectors = "".join(f"{row},{sector}\n" for sector in ("food", "oil") for row in rows)
    (folder / "sectors.csv").write_text("exporter,importer,value,sector\n" + sectors)
    code, out, _ = run("sever", "sectors.csv", *sever, "--aggregate-sectors")
    doubled, single = pl.read_csv(out.encode()), pl.read_csv(expected[1].encode())
    assert code == 0
    for column in COUNTRY_COLUMNS[1:]:
        assert (doubled[column] - single[column]).abs().max() < 1e-9
    # Two sectors alike with one elasticity are one sector.
    code, out, _ = run("sever", "sectors.csv", *sever)
    alike = pl.read_csv(out.encode())
    assert code == 0
    for column in COUNTRY_COLUMNS[1:]:
        assert (alike[column] - single[column]).abs().max() < 1e-9


SECTORS = """exporter,importer,sector,value
KAZ,KAZ,oil,8
KAZ,RUS,oil,1
KAZ,CHN,oil,9
RUS,KAZ,oil,2
RUS,RUS,oil,80
RUS,CHN,oil,40
CHN,CHN,oil,90
KAZ,KAZ,rest,80
KAZ,RUS,rest,6
KAZ,CHN,rest,2
RUS,KAZ,rest,9
RUS,RUS,rest,700
RUS,CHN,rest,10
CHN,KAZ,rest,8
CHN,RUS,rest,60
CHN,CHN,rest,6000
"""
THETAS = "sector,theta\noil,6\nrest,2.5\n"
INPUTS = """economy,sector,parameter,input_sector,value
*,*,value_added_share,,0.6
*,*,input_share,oil,0.01
*,*,input_share,rest,0.39
"""
SECTOR_SHOCKS = """exporter,importer,sector,cost_factor,quantity_cap
KAZ,CHN,oil,1,0.1
RUS,KAZ,,inf,
CHN,KAZ,rest,1.2,1
"""


@pytest.fixture
def sectors(folder):
    for name, text in (
        ("sectors.csv", SECTORS),
        ("theta.csv", THETAS),
        ("io.csv", INPUTS),
        ("sector_shocks.csv", SECTOR_SHOCKS),
    ):
        (folder / name).write_text(text)
    return folder


WITH_SECTORS = ("--sector-elasticities", "theta.csv", "--io", "io.csv")


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("rule", ["additive", "multiplicative", "balanced"])
def test_shocks_by_sector(run, sectors, rule, horizon):
    code, out, err = run(
        *("shock", "sectors.csv", "--shocks", "sector_shocks.csv", *WITH_SECTORS, "--horizon", horizon),
        *("--imbalances", rule, "--format", "csv", "--bilateral", "after.csv"),
    )
    assert code == 0
    from betweengiants.trade import Cell, Scenario, read_sector_flows, solve_sectors

    cells = (
        Cell("KAZ", "CHN", 1.0, 0.1, "oil"),
        Cell("RUS", "KAZ", math.inf),
        Cell("CHN", "KAZ", 1.2, sector="rest"),
    )
    matrix = read_sector_flows(sectors / "sectors.csv", io=sectors / "io.csv")
    result = solve_sectors(matrix, Scenario("x", cells), [6, 2.5], horizon=horizon, imbalances=rule)
    assert pl.read_csv(out.encode()).equals(result.frame())
    flows = pl.read_csv(sectors / "after.csv")
    assert flows.equals(result.bilateral())
    assert flows.columns == ["exporter", "importer", "sector", "value_before", "value_after"]
    assert "note: the cap of 0.1 on KAZ to CHN (oil) binds: extra cost factor " in err


def test_severing_one_sector(run, sectors):
    sever = ("sever", "sectors.csv", "--pair", "KAZ:RUS", "--elasticity", "4", "--format", "json")
    code, _, _ = run(*sever, "--sector", "oil", "--bilateral", "after.csv")
    assert code == 0
    flows = pl.read_csv(sectors / "after.csv").filter(pl.col("value_after") == 0, pl.col("value_before") > 0)
    assert flows.select("exporter", "importer", "sector").rows() == [
        ("KAZ", "RUS", "oil"),
        ("RUS", "KAZ", "oil"),
    ]
    code, _, err = run(*sever, "--sector", "gas")
    assert code == 2
    assert "unknown sector 'gas'; allowed: one of oil, rest" in err


def test_elasticities_may_come_from_either_option(run, sectors):
    sever = ("sever", "sectors.csv", "--pair", "KAZ:RUS", "--format", "csv")
    (sectors / "same.csv").write_text("sector,theta\noil,4\n")
    one = run(*sever, "--elasticity", "4")
    assert one[0] == 0
    assert run(*sever, "--elasticity", "4", "--sector-elasticities", "same.csv") == one
    code, _, err = run(*sever, "--sector-elasticities", "same.csv")
    assert code == 2
    assert "no row for rest" in err


def test_leverage_by_sector(run, sectors):
    lever = ("leverage", "sectors.csv", "--powers", "RUS,CHN", "--focal", "KAZ", *WITH_SECTORS)
    code, out, _ = run(*lever, "--horizon", "short", "--format", "csv")
    assert code == 0
    from betweengiants.trade import leverage, read_sector_flows

    matrix = read_sector_flows(sectors / "sectors.csv", io=sectors / "io.csv")
    expected = leverage(matrix, ["RUS", "CHN"], ["KAZ"], [6, 2.5], horizon="short")
    assert pl.read_csv(out.encode()).equals(expected.frame())


def test_rationing_is_exit_code_three(run, sectors):
    """China makes no oil here: without the two suppliers it has none."""
    (sectors / "none.csv").write_text(SECTORS.replace("CHN,CHN,oil,90\n", ""))
    code, out, err = run(
        *("sever", "none.csv", "--pair", "KAZ:CHN", "--pair", "RUS:CHN", "--elasticity", "4"),
        *("--output", "o.csv", "--bilateral", "b.csv"),
    )
    assert (code, out) == (3, "")
    assert "no supplier is left of a sector that is needed (CHN: oil)" in err
    assert not (sectors / "o.csv").exists()
    assert not (sectors / "b.csv").exists()


def test_caps_in_the_model_of_one_sector(run, folder):
    (folder / "caps.csv").write_text(
        "exporter,importer,cost_factor,quantity_cap\nKAZ,CHN,1.1,0.4\nCHN,KAZ,1,0.5\n"
    )
    code, out, err = run("shock", "flows.csv", "--shocks", "caps.csv", "--elasticity", "3", "--format", "csv")
    assert code == 0
    from betweengiants.trade import Cell, Scenario, read_flows, solve

    scenario = Scenario("x", (Cell("KAZ", "CHN", 1.1, 0.4), Cell("CHN", "KAZ", 1.0, 0.5)))
    result = solve(read_flows(folder / "flows.csv"), scenario, 3.0)
    assert pl.read_csv(out.encode()).equals(result.frame())
    assert err.count("binds: extra cost factor") == 2


def test_inputs_above_absorption_are_refused_or_trimmed(run, sectors):
    (sectors / "heavy.csv").write_text(INPUTS.replace("0.01", "0.35").replace("0.39", "0.05"))
    sever = ("sever", "sectors.csv", "--pair", "KAZ:RUS", "--elasticity", "4", "--io", "heavy.csv")
    code, _, err = run(*sever)
    assert code == 2
    assert "final spending would be negative, for CHN (oil), KAZ (oil), RUS (oil)" in err
    code, _, err = run(*sever, "--trim-inputs", "--format", "csv")
    assert code == 0
    assert "inputs above absorption were cut" in err


def test_notes_on_the_data_go_to_standard_error(run, folder):
    (folder / "hub.csv").write_text(FLOWS.replace("KAZ,KAZ,80", "KAZ,KAZ,0.1"))
    code, out, err = run("sever", "hub.csv", "--pair", "RUS:CHN", "--elasticity", "4", "--format", "csv")
    assert code == 0
    assert "home share" not in out
    assert err.startswith("note: hub.csv: home share of spending below 5% for KAZ")


SEVER = ["sever", "flows.csv", "--elasticity", "4"]
SHOCK = ["shock", "flows.csv", "--elasticity", "4", "--shocks"]
LEVER = ["leverage", "flows.csv", "--elasticity", "4", "--powers"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*SEVER, "--pair", "KAZ:RSU"], "flows.csv: found unknown country 'RSU'; allowed: did you mean RUS"),
        ([*SEVER, "--pair", "KAZRUS"], "--pair 'KAZRUS'; allowed: two labels joined by a colon"),
        ([*SEVER, "--pair", "KAZ:RUS:CHN"], "two labels joined by a colon"),
        ([*SEVER, "--pair", "KAZ:"], "two labels joined by a colon"),
        ([*SEVER, "--pair", "KAZ:KAZ"], "two different countries"),
        ([*SEVER, "--pair", "KAZ:RUS", "--year", "2020"], "table without years"),
        (
            [*SEVER, "--pair", "KAZ:RUS", "--sector", "oil"],
            "'oil' where the flows have one sector; allowed: no sector",
        ),
        ([*SEVER, "--pair", "KAZ:RUS", "--trim-inputs"], "--trim-inputs without --io"),
        (
            [*SEVER, "--pair", "KAZ:RUS", "--aggregate-sectors", "--io", "io.csv"],
            "--aggregate-sectors with --io",
        ),
        ([*SEVER, "--pair", "KAZ:RUS", "--io", "io.csv"], "io.csv: found no such file"),
        ([*SEVER, "--pair", "KAZ:RUS", "--sector-elasticities", "t.csv"], "for flows of one sector"),
        (
            [*SEVER, "--pair", "KAZ:RUS", "--bilateral", "none/b.csv"],
            "cannot write none/b.csv: no such folder",
        ),
        ([*SEVER, "--pair", "KAZ:RUS", "--bilateral", "out.csv"], "for both --output and --bilateral"),
        (["sever", "flows.csv", "--pair", "KAZ:RUS", "--elasticity", "0"], "elasticity 0; allowed: finite"),
        (["sever", "flows.csv", "--pair", "KAZ:RUS", "--elasticity", "nan"], "elasticity nan"),
        (["sever", "none.csv", "--pair", "KAZ:RUS", "--elasticity", "4"], "none.csv: found no such file"),
        (
            [*SHOCK, "low.csv"],
            "low.csv, row 3, column 'cost_factor': found 0.5; allowed: numbers of at least 1",
        ),
        ([*SHOCK, "who.csv"], "who.csv, row 2, column 'exporter': found unknown country 'KZA'"),
        ([*SHOCK, "none.csv"], "none.csv: found no such file"),
        ([*LEVER, "RUS,CHM"], "unknown country 'CHM'; allowed: did you mean CHN"),
        ([*LEVER, "RUS,,CHN"], "--powers 'RUS,,CHN'; allowed: labels separated by commas"),
        ([*LEVER, "RUS,RUS"], "each label once"),
        ([*LEVER, "RUS", "--focal", "KZ"], "unknown country 'KZ'; allowed: did you mean KAZ"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(run, folder, arguments, message):
    (folder / "low.csv").write_text(SHOCKS.replace("inf", "0.5"))
    (folder / "who.csv").write_text(SHOCKS.replace("KAZ,CHN", "KZA,CHN"))
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
        ["sever", "flows.csv", "--pair", "KAZ:RUS"],
        ["sever", "flows.csv", "--elasticity", "4"],
        ["shock", "flows.csv", "--elasticity", "4"],
        ["leverage", "flows.csv", "--elasticity", "4"],
        [*SEVER, "--pair", "KAZ:RUS", "--imbalances", "none"],
        [*SEVER, "--pair", "KAZ:RUS", "--horizon", "medium"],
        [*SEVER, "--pair", "KAZ:RUS", "--elasticity", "four"],
    ],
)
def test_wrong_usage_exits_with_two(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err


def test_parquet_needs_a_file(run, folder):
    code, _, err = run(*SEVER, "--pair", "KAZ:RUS", "--format", "parquet", "--bilateral", "b.csv")
    assert code == 2
    assert "--output FILE" in err
    assert not (folder / "b.csv").exists()


def test_a_failing_output_takes_the_bilateral_file_back(run, folder, monkeypatch):
    from betweengiants.cli import output
    from betweengiants.core.errors import OutputError

    def refuse(*_arguments, **_options):
        raise OutputError("out.csv", "disk full")

    monkeypatch.setattr(output, "emit", refuse)
    code, _, err = run(*SEVER, "--pair", "KAZ:RUS", "--bilateral", "b.csv", "--output", "out.csv")
    assert code == 2
    assert "disk full" in err
    assert not (folder / "b.csv").exists()


@pytest.mark.parametrize("command", ["shock", "sever", "leverage"])
def test_help_has_an_example_and_loads_no_numbers(command):
    code = (
        "import sys\n"
        f"sys.argv = ['betweengiants', 'trade', '{command}', '--help']\n"
        "from betweengiants.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'scipy', 'polars'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Example: betweengiants trade" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


YARDSTICKS = ["first_order_change_pct", "closed_form_change_pct"]


def test_yardsticks_stand_beside_a_severance(run):
    words = ("--pair", "KAZ:RUS", "--elasticity", "4", "--yardsticks", "--format", "csv")
    code, out, _ = run("sever", "flows.csv", *words)
    assert code == 0
    table = pl.read_csv(out.encode())
    assert table.columns == [*COUNTRY_COLUMNS, *YARDSTICKS]
    focal = table.filter(pl.col("country") == "KAZ")
    assert all(focal[name].item() < 0 for name in ("welfare_change_pct", *YARDSTICKS))


def test_yardsticks_of_leverage_and_coalitions(run):
    words = ("--powers", "RUS,CHN", "--focal", "KAZ", "--elasticity", "4", "--yardsticks", "--format", "csv")
    code, out, _ = run("leverage", "flows.csv", *words)
    assert code == 0
    assert pl.read_csv(out.encode()).columns[-4:] == [*YARDSTICKS, *(f"power_{name}" for name in YARDSTICKS)]
    code, out, _ = run("joint", "flows.csv", *words)
    assert code == 0
    table = pl.read_csv(out.encode())
    assert table["coalition"].to_list() == ["RUS", "CHN", "RUS;CHN"]
    assert (table["closed_form_change_pct"] < 0).all()


def test_yardsticks_of_capped_flows_are_empty_and_said_to_be(run, folder):
    (folder / "caps.csv").write_text("exporter,importer,cost_factor,quantity_cap\nRUS,KAZ,1,0.5\n")
    words = ("--shocks", "caps.csv", "--elasticity", "4", "--yardsticks", "--format", "csv")
    code, out, err = run("shock", "flows.csv", *words)
    assert code == 0
    table = pl.read_csv(out.encode())
    assert table[YARDSTICKS[0]].null_count() == table[YARDSTICKS[1]].null_count() == 3
    assert table["welfare_change_pct"].null_count() == 0
    assert "note: no yardsticks for scenario 'caps': they do not cover caps on quantities.\n" in err


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_yardsticks_with_sectors(run, folder, sectors, horizon):
    from betweengiants.trade import read_sector_flows, severance, yardsticks

    matrix = read_sector_flows(folder / "sectors.csv")
    expected = yardsticks(matrix, severance([("KAZ", "RUS")]), 4.0, horizon=horizon).frame()
    words = ("--elasticity", "4", "--horizon", horizon, "--format", "csv")
    code, out, err = run("sever", "sectors.csv", "--pair", "KAZ:RUS", *words, "--yardsticks")
    assert (code, err) == (0, "")
    assert pl.read_csv(out.encode()).select("country", *YARDSTICKS).equals(expected)
    code, out, _ = run("leverage", "sectors.csv", "--powers", "RUS", "--focal", "KAZ", *words, "--yardsticks")
    assert code == 0
    row = pl.read_csv(out.encode()).row(0, named=True)
    focal = expected.filter(pl.col("country") == "KAZ").row(0, named=True)
    power = expected.filter(pl.col("country") == "RUS").row(0, named=True)
    for name in YARDSTICKS:
        assert row[name] == pytest.approx(focal[name], rel=1e-12)
        assert row[f"power_{name}"] == pytest.approx(power[name], rel=1e-12)


def test_without_the_flag_the_columns_stay(run):
    words = ("--powers", "RUS,CHN", "--focal", "KAZ", "--elasticity", "4", "--format", "csv")
    columns = {
        command: run(command, "flows.csv", *words)[1].splitlines()[0] for command in ("leverage", "joint")
    }
    assert columns["leverage"] == "focal,power,welfare_change_pct,power_welfare_change_pct"
    assert columns["joint"] == "coalition,welfare_change_pct,premium_pct,shapley_pct,shapley_share"


def test_joint_power_and_exposure_with_sectors(run, sectors):
    words = ("--elasticity", "4", "--horizon", "short", "--format", "csv")
    code, out, err = run("joint", "sectors.csv", "--focal", "KAZ", "--powers", "RUS,CHN", *words)
    assert code == 0, err
    assert pl.read_csv(out.encode())["shapley_share"].drop_nulls().sum() == pytest.approx(1.0)
    code, out, err = run("power", "sectors.csv", "--focal", "KAZ", "--powers", "RUS", *words)
    assert code == 0, err
    assert pl.read_csv(out.encode())["closed_form_loss_pct"].item() > 0
    code, out, err = run("exposure", "sectors.csv", "--focal", "KAZ", *words)
    assert code == 0, err
    assert pl.read_csv(out.encode()).height == 3
