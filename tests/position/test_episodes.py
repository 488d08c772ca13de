"""Historic severances: closed forms against the engine, scores by hand, rows made up, and the built-in tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.position.episode_findings import verdict_on
from betweengiants.position.episode_goods import duty, purchase, sale
from betweengiants.position.episode_trade import (
    Cut,
    World,
    delivered,
    outcomes,
    read_worlds,
    world_before,
)
from betweengiants.position.episodes import SCHEMA, TABLES, LeverageTest, backtest_leverage, score
from betweengiants.trade import (
    Cell,
    Scenario,
    SectorMatrix,
    TradeMatrix,
    sector_frame,
    severance,
    solve,
    solve_sectors,
)

Tables = Callable[..., Dossier]
SHARES = st.floats(0.01, 0.95)
THETAS = st.floats(0.3, 8)
SMALL = 1e-7


@pytest.fixture(scope="module")
def result(dossier: Dossier) -> LeverageTest:
    return backtest_leverage(dossier)


def small_country(sold: float, bought: float) -> SectorMatrix:
    """A tiny T between two large economies: it makes wine for export only, and buys gas of three origins.

    Args:
        sold: share of S in the wine that T sells.
        bought: share of S in the gas that T uses; 0.2 is from home, the rest from R.
    """
    gas = 3 * SMALL
    cells = {
        "wine": {("T", "T"): 1e-6 * SMALL, ("T", "S"): sold * SMALL, ("T", "R"): (1 - sold) * SMALL},
        "gas": {("S", "T"): bought * gas, ("R", "T"): (0.8 - bought) * gas, ("T", "T"): 0.2 * gas},
        "rest": {("T", "T"): 1e5 * SMALL, ("S", "T"): 500 * SMALL, ("T", "S"): 500 * SMALL + bought * gas},
    }
    for sector in cells:
        cells[sector] |= {("S", "S"): 40.0, ("R", "R"): 60.0, ("S", "R"): 5.0, ("R", "S"): 5.0}
    rows = [
        {"exporter": a, "importer": b, "sector": sector, "value": value}
        for sector, flows in cells.items()
        for (a, b), value in flows.items()
    ]
    return sector_frame(pl.DataFrame(rows))


@pytest.mark.parametrize("theta", [0.76, 1.5, 4.0])
@pytest.mark.parametrize("exposed", [0.9, 0.3, 0.05])
def test_a_sale_is_the_engine_for_a_small_seller(theta: float, exposed: float) -> None:
    """A whole cut; of a part the engine melts what exceeds the cap, and the closed form sells it elsewhere."""
    matrix = small_country(exposed, 0.5)
    cut = severance([("T", "S")], one_way=True, sectors=["wine"])
    found = solve_sectors(matrix, cut, theta, horizon="short")
    price = found.unit_cost[0, matrix.index("T"), matrix.sector_index("wine")]
    assert sale(exposed, 1, theta)["price_pct"] == pytest.approx(100 * (price - 1), rel=1e-3)


@pytest.mark.parametrize("theta", [0.76, 1.5, 4.0])
@pytest.mark.parametrize(("exposed", "severed"), [(0.7, 1.0), (0.3, 0.8), (0.6, 0.4)])
def test_a_purchase_is_the_engine_for_a_small_buyer(theta: float, exposed: float, severed: float) -> None:
    matrix = small_country(0.5, exposed)
    cut = Scenario("gas", (Cell("S", "T", quantity_cap=1 - severed, sector="gas"),))
    found = solve_sectors(matrix, cut, theta, horizon="short")
    at, gas = matrix.index("T"), matrix.sector_index("gas")
    price = found.sector_price[0, at, gas]
    assert purchase(exposed, severed, theta, home=0.2)["price_pct"] == pytest.approx(
        100 * (price - 1), rel=5e-3
    )


@given(SHARES, SHARES, THETAS)
def test_a_seller_sells_all_and_gets_less(exposed: float, severed: float, theta: float) -> None:
    found = sale(exposed, severed, theta)
    sold = exposed * (1 - severed) + (1 - exposed) * (1 + found["elsewhere_volume_pct"] / 100)
    assert sold == pytest.approx(1)
    assert found["value_pct"] == found["price_pct"] < 0
    assert 0 < found["diverted_value_share"] < 1
    assert sale(exposed, severed, 2 * theta)["price_pct"] > found["price_pct"]


@given(THETAS)
def test_what_a_small_loss_diverts(theta: float) -> None:
    assert sale(1e-7, 1, theta)["diverted_value_share"] == pytest.approx(theta / (theta + 1), rel=1e-5)


@given(SHARES, SHARES, st.floats(0, 1), THETAS)
def test_a_buyer_is_on_its_demand_curves(exposed: float, severed: float, part: float, theta: float) -> None:
    home = part * (1 - exposed)
    found = purchase(exposed, severed, theta, home)
    price = 1 + found["price_pct"] / 100
    sigma = theta + 1
    # Armington demand of each origin at its own price, spending 1: volume / share = p^-sigma P^(sigma - 1)
    volumes = {"sender": 1 - severed, "home": 1.0, "free": 1 + found["others_pct"] / 100}
    prices = {name: (volume / price**theta) ** (-1 / sigma) for name, volume in volumes.items()}
    shares = {"sender": exposed, "home": home, "free": 1 - exposed - home}
    if shares["free"] > 1e-6:
        assert prices["free"] == pytest.approx(1, abs=1e-8)
    spent = sum(shares[name] * volumes[name] * prices[name] for name in shares)
    assert spent == pytest.approx(1, abs=1e-7)
    assert found["use_pct"] <= 0 < price - 1
    assert found["imports_pct"] <= found["use_pct"] + 1e-9


def test_a_buyer_without_others_pays_by_scarcity() -> None:
    assert purchase(1, 0.5, 1.5)["price_pct"] == pytest.approx(100)
    with pytest.raises(DataError, match="the only supplier"):
        purchase(1, 1, 1.5)


def test_a_duty_by_hand() -> None:
    assert duty(2, 1)["from_partner_pct"] == pytest.approx(-75)
    with pytest.raises(DataError, match="cost factor 1"):
        duty(1, 1)


@pytest.mark.parametrize("bad", [(1, 0.5), (-0.1, 0.5), (0.5, 0), (0.5, 1.1), (math.nan, 0.5)])
def test_shares_out_of_range(bad: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="share"):
        sale(*bad, 1.5)


def three(year: int = 2010, scale: float = 1.0) -> World:
    flows = np.array([[10.0, 2, 1], [3, 40, 5], [1, 4, 60 * scale]])
    return World(f"w {year}", year, TradeMatrix(("A", "B", "C"), flows))


def test_a_whole_cut_is_the_severance_of_the_engine() -> None:
    world = three()
    (found,) = outcomes(world, Cut(("A",), ("B",), 1, 1), [2.0], gdp_ratio=1.5)
    engine = solve(world.matrix, severance([("A", "B")]), 2.0)
    assert found["loss_pct"] == pytest.approx(-100 * engine.welfare_change[0, 0])
    assert found["partner_loss_pct"] == pytest.approx(-100 * engine.welfare_change[0, 1])
    assert found["loss_gdp_pct"] == pytest.approx(1.5 * found["loss_pct"])
    assert found["exports_to_partner_pct"] == -100


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_cap_is_met_in_volume(exports: float, imports: float) -> None:
    """Alone it binds; of two one may be slack, since the other cut lowers that flow too."""
    one, two = (outcomes(three(), Cut(("A",), ("B",), exports, share), [1.5])[0] for share in (0.0, imports))
    assert one["exports_to_partner_pct"] == pytest.approx(-100 * exports, abs=1e-6)
    assert two["exports_to_partner_pct"] <= -100 * exports + 1e-6
    assert two["imports_from_partner_pct"] <= -100 * imports + 1e-6
    assert two["loss_pct"] + 1e-9 > one["loss_pct"] > 0


def test_what_is_made_is_delivered() -> None:
    """Without melting, volumes made add up to the volume of before (one factor, fixed)."""
    world = three()
    found = solve(world.matrix, severance([("A", "B")]), 1.5)
    made = world.matrix.flows.sum(axis=1)
    assert delivered(found, 0).sum(axis=1) == pytest.approx(made)


def test_the_matrix_is_of_a_year_before() -> None:
    held = [three(2014), three(2010), three(2014, 2.0)]
    assert world_before(held, 2014, ["A", "B"]) is held[1]
    assert world_before(held, 2015, ["A", "B"]) is held[0]
    assert world_before(held, 2010, ["A", "B"]) is None
    assert world_before(held, 2020, ["A", "Z"]) is None


def test_a_bloc_stands_for_its_members() -> None:
    flows = np.ones((3, 3))
    members = World("w", 2000, TradeMatrix(("DEU", "RUS", "USA"), flows))
    assert members.members(["RUS", "USA"]) == ("RUS", "USA")
    assert members.members(["EU27"]) is None  # 26 are missing
    whole = World("w", 2000, TradeMatrix(("EU27", "RUS", "USA"), flows))
    assert whole.members(["EU27", "RUS"]) == ("EU27", "RUS")


@pytest.mark.parametrize(
    ("found", "seen", "verdict"),
    [
        ((-10, -15, -5), (-14, -14, -14), "range"),
        ((-10, -12, -8), (-20, -20, -20), "within 2"),
        ((-10, -12, -8), (-21, -21, -21), "within 3"),
        ((-10, -12, -8), (-31, -31, -31), "direction"),
        ((-10, -12, -8), (-31, -31, -12), "range"),
        ((-10, -12, -8), (5, 5, 5), "miss"),
        ((0, 0, 0), (-5, -5, -5), "miss"),
        ((0.2, 0.1, 0.3), (-0.1, -0.1, -0.1), "within 2"),
        ((0, 0, 0), (0.3, 0.3, 0.3), "direction"),
    ],
)
def test_scores_by_hand(found: tuple[float, ...], seen: tuple[float, ...], verdict: str) -> None:
    assert score(Interval(*found), Interval(*seen))[3] == verdict


@pytest.mark.parametrize(
    ("cells", "found", "verdict"),
    [
        ({"number": 10.0}, (8, 8, 11), "respected"),
        ({"number": 10.0}, (8, 8, 8), "respected within 25 %"),
        ({"number": 10.0}, (6, 6, 6), "within 2"),
        ({"number": 10.0}, (1, 1, 1), "direction only"),
        ({"number": 10.0, "unit": "share"}, (1, 1, 1), "not respected"),
        ({"number": -10.0}, (1, 1, 1), "not respected"),
        ({"number": 10.0, "low": 2.0, "high": 20.0}, (1, 1, 3), "respected"),
        ({"number": 10.0, "accept_high": 0.0}, (1, 1, 1), "direction only"),
        ({"accept_low": 2.0}, (3, 2.5, 4), "respected"),
        ({"accept_low": 2.0}, (1, 1, 1.5), "not respected"),
    ],
)
def test_verdicts_on_findings(cells: dict[str, object], found: tuple[float, ...], verdict: str) -> None:
    row = dict.fromkeys(("number", "low", "high", "accept_low", "accept_high", "unit")) | cells
    assert verdict_on(row, Interval(*found)) == verdict


def test_every_episode_is_scored_or_has_a_reason(result: LeverageTest, dossier: Dossier) -> None:
    table = result.table
    assert dict(table.schema) == SCHEMA
    assert set(table["episode_id"]) == set(dossier.tables["episodes"]["episode_id"])
    skipped = table.filter(verdict="skipped")
    assert skipped["why"].null_count() == 0
    assert not set(skipped["episode_id"]) & set(table.filter(pl.col("verdict") != "skipped")["episode_id"])
    silent = dossier.tables["episode_observations"].filter(
        pl.col("predicts").is_null(), pl.col("why").is_null()
    )
    assert silent.is_empty()
    untested = result.findings.filter(pl.col("verdict").is_in(["input", "not testable", "not respected"]))
    assert untested["why"].null_count() == 0
    run = result.findings.drop_nulls("predicted")
    assert not any("no case" in why for why in run["why"].drop_nulls())


def test_hits_and_misses_are_both_shown(result: LeverageTest) -> None:
    verdicts = set(result.table["verdict"])
    assert {"range", "direction", "miss", "skipped"} <= verdicts
    assert set(result.findings["verdict"]) >= {"respected", "direction only", "not respected", "not testable"}


def test_no_matrix_knows_its_severance(result: LeverageTest) -> None:
    used = result.table.drop_nulls("matrix").with_columns(
        known=pl.col("matrix").str.slice(-4).cast(pl.Int32),
        cut=pl.col("start").str.slice(0, 4).cast(pl.Int32),
    )
    assert used.height > 5
    assert (used["known"] < used["cut"]).all()


def test_regularities_of_leverage(result: LeverageTest) -> None:
    """The side that is cut off loses more than the other, and less once time has passed (findings F16, F17, F35)."""
    wide = result.cases.filter(model="matrix").pivot(
        on="outcome", index="case_id", values=["predicted", "long"]
    )
    assert wide.height >= 8
    assert (wide["predicted_loss_pct"] > wide["predicted_partner_loss_pct"]).all()
    assert (wide["long_loss_pct"] < wide["predicted_loss_pct"]).all()


@pytest.fixture
def changed(dossier: Dossier, with_tables: Tables) -> Callable[..., Dossier]:
    """The built-in dossier with cells of one row of one table changed."""

    def make(table: str, key: str, value: str, **cells: object) -> Dossier:
        frame = dossier.tables[table]
        chosen = pl.col(key) == value
        assert frame.filter(chosen).height == 1
        new = frame.with_columns(
            pl.when(chosen).then(pl.lit(cell, frame.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, cell in cells.items()
        )
        return with_tables(**{table: new})

    return make


def test_a_longer_cut_weighs_more(changed: Callable[..., Dossier], result: LeverageTest) -> None:
    name = "rus_mda_wine_2006-02"
    whole = backtest_leverage(changed("episode_observations", "obs_id", name, period_share=None))
    before, after = (found.table.filter(obs_id=name)["predicted"].item() for found in (result, whole))
    assert before == pytest.approx(0.767 * after)


def test_own_flows_run_more(
    dossier: Dossier, result: LeverageTest, tmp_path: Path, changed: Callable[..., Dossier]
) -> None:
    path = tmp_path / "own.csv"
    labels = ("ROW", "RUS", "UKR")
    rows = [
        f"{a},{b},{100 if a == b else 10},{year}"
        for year in (2012, 2013, 2014)
        for a in labels
        for b in labels
    ]
    path.write_text("\n".join(["exporter,importer,value,year", *rows]) + "\n", encoding="utf-8")
    more = backtest_leverage(dossier, read_worlds(path))
    row = more.table.filter(case_id="ukr_trade_2014").row(0, named=True)
    assert row["matrix"] == "own.csv 2013"
    assert row["predicted"] < 0
    lost = result.table.filter(episode_id="rus_ukr_trade_2014").row(0, named=True)
    assert (lost["verdict"], lost["why"]) == (
        "skipped",
        "no trade matrix of a year before 2014 holds UKR, RUS",
    )


@pytest.mark.parametrize(
    ("table", "key", "value", "cells", "message"),
    [
        ("episodes", "episode_id", "qat_2017", {"start": "2017-06"}, r"episodes\.csv, row .*'2017-06'"),
        ("episode_cases", "case_id", "mda_wine", {"exports_severed": None}, r"'exports_severed': .*'sale'"),
        ("episode_cases", "case_id", "mda_wine", {"exposed_share": 1.0}, "exposed share 1"),
        ("episode_cases", "case_id", "eu_gas", {"exposed_share": None}, "'exposed_share'"),
        ("episode_cases", "case_id", "ind_duty", {"cost_factor": None}, "'cost_factor'"),
        (
            "episode_observations",
            "obs_id",
            "ind_pak_2019-01",
            {"predicts": "price_pct"},
            "'predicts': found 'price_pct'; allowed: an outcome of the model 'duty': from_partner_pct",
        ),
        ("episode_observations", "obs_id", "ind_pak_2019-01", {"compared": None}, "'compared'"),
        ("findings", "finding_id", "F02", {"case_id": None}, r"findings\.csv, row 3, column 'case_id'"),
        ("findings", "finding_id", "F02", {"predicts": "price"}, "'price'"),
    ],
)
def test_what_is_refused(
    changed: Callable[..., Dossier],
    table: str,
    key: str,
    value: str,
    cells: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        backtest_leverage(changed(table, key, value, **cells))


def test_a_case_that_does_not_exist(changed: Callable[..., Dossier]) -> None:
    with pytest.raises(UnknownLabel, match="'banana'"):
        backtest_leverage(changed("findings", "finding_id", "F02", case_id="banana"))


@pytest.mark.parametrize("table", TABLES)
def test_a_dossier_without_the_tables(with_tables: Tables, table: str) -> None:
    with pytest.raises(DataError, match=f"no table {table}"):
        backtest_leverage(with_tables(**{table: None}))


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def test_the_page_shows_the_numbers_of_the_code(result: LeverageTest, repository: Path) -> None:
    lines = (repository / "docs" / "backtest-leverage.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    scored = result.table.filter(pl.col("verdict") != "skipped")
    expected = {
        row["obs_id"]: (
            f"{shown(row['predicted'])} ({shown(row['predicted_low'])} to {shown(row['predicted_high'])})",
            shown(row["observed"]),
            shown(row["factor"]),
            row["verdict"],
        )
        for row in scored.to_dicts()
    }
    assert sum(len(row) == 7 for row in cells) == len(expected) + 2  # the head and the rule below it
    assert {row[0].strip("`"): tuple(row[3:]) for row in cells if row[0].strip("`") in expected} == expected
    findings = {
        row["finding_id"]: row["verdict"]
        for row in result.findings.to_dicts()
        if row["verdict"] not in ("input", "not testable")
    }
    assert {row[0].split("`")[1]: row[3] for row in cells if row[0].startswith("`F")} == findings
    groups = {
        name: tuple(
            str(part.filter(test).height)
            for test in (
                pl.lit(True),
                pl.col("direction") == "yes",
                pl.col("factor") <= 2,
                pl.col("factor") <= 3,
                pl.col("in_range") == "yes",
            )
        )
        for name in ("seen", "estimate", "cut")
        for part in (scored.filter(group=name),)
    }
    assert {row[0]: tuple(row[1:]) for row in cells if row[0] in groups} == groups
    assert f"{result.table.filter(verdict='skipped').height}\nepisodes are skipped" in "\n".join(lines)
