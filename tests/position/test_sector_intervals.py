"""Intervals of the losses by sector, and the deviation of flows that they rest on."""

import math
import runpy
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position.sector_channel import MODELS, sector_comparison, sector_matrices
from betweengiants.position.sector_intervals import sector_intervals
from betweengiants.trade import Spread, TradeInputs, coalition, draw_losses, mirror_sd

DRAWS, BASE = 12, 4


@pytest.fixture(scope="module")
def table(dossier: Dossier) -> pl.DataFrame:
    return sector_intervals(dossier, DRAWS, 1, BASE)


def test_the_comparison_stands_unchanged_between_its_ends(table: pl.DataFrame, dossier: Dossier) -> None:
    plain = sector_comparison(dossier)
    assert table.select(plain.columns).equals(plain)
    for model in MODELS:
        low, centre, high = (table[f"{model}_loss_pct{end}"] for end in ("_low", "", "_high"))
        assert (low < centre).all()
        assert (centre < high).all()
    assert table["draws"].to_list() == table["solved"].to_list() == [DRAWS] * table.height


def test_an_interval_is_that_of_the_draws(table: pl.DataFrame, dossier: Dossier) -> None:
    matrix = sector_matrices(dossier)["sectors_inputs"]
    centre, low, high = dossier.parameter("theta_short")
    sd = dossier.parameter("flow_log_sd")[0]
    inputs = TradeInputs(Spread("lognormal", low, centre, high), sd, flow_noise="pair")
    cuts = [coalition(dossier.focal, (power,)) for power in dossier.powers]
    found = draw_losses(matrix, dossier.focal, cuts, inputs, DRAWS, 1, horizon="short").frame()
    row = table.filter((pl.col("power") == "CHN") & (pl.col("horizon") == "short"))
    for end, quantile in (("low", "loss_pct_p5"), ("high", "loss_pct_p95")):
        got = row[f"sectors_inputs_loss_pct_{end}"].item()
        assert got == pytest.approx(found[quantile][dossier.powers.index("CHN")], rel=1e-9)


def test_the_driver_is_one_of_the_uncertain_inputs(table: pl.DataFrame) -> None:
    assert set(table["driver"]) <= {"elasticity", "flows", "domestic sales and inputs"}
    assert (table["driver_total_effect"] > 0).all()
    assert (table["driver_se"] >= 0).all()


def test_the_seed_decides_everything(dossier: Dossier, table: pl.DataFrame) -> None:
    assert sector_intervals(dossier, DRAWS, 1, BASE).equals(table)


def test_a_severance_without_solution_has_no_interval_and_no_driver(
    with_tables: Callable[..., Dossier], dossier: Dossier
) -> None:
    cells = dossier.tables["trade_matrix_sectors"]
    # Kazakhstan makes no agri-food and buys it from Russia alone: cutting Russia off leaves it without
    food = (pl.col("importer") == "KAZ") & (pl.col("sector") == "agri_food")
    value = pl.when(food).then(20_000.0).otherwise("value_usd_m")
    # with the dossier's errors of flows some drawn matrices would need more food as input than there is: make them small
    parameters = dossier.tables["parameters"].with_columns(
        value=pl.when(pl.col("parameter") == "flow_log_sd").then(0.01).otherwise("value")
    )
    changed = with_tables(
        parameters=parameters,
        trade_matrix_sectors=cells.filter(~food | (pl.col("exporter") == "RUS")).with_columns(
            value_usd_m=value
        ),
    )
    found = sector_intervals(changed, 4, 1, 2)
    russia, others = (found.filter((pl.col("power") == "RUS") == chosen) for chosen in (True, False))
    assert russia["sectors_loss_pct_low"].null_count() == russia["driver"].null_count() == 2
    assert russia["one_sector_loss_pct_low"].null_count() == 0
    assert russia["solved"].to_list() == [0, 0]
    assert others["sectors_loss_pct_low"].null_count() == others["driver"].null_count() == 0


def test_a_dossier_without_the_deviation_is_refused(
    with_tables: Callable[..., Dossier], dossier: Dossier
) -> None:
    parameters = dossier.tables["parameters"].filter(pl.col("parameter") != "flow_log_sd")
    with pytest.raises(UnknownLabel, match="unknown parameter 'flow_log_sd'"):
        sector_intervals(with_tables(parameters=parameters), 4, 1, 2)


def test_draws_and_base_are_checked(dossier: Dossier) -> None:
    with pytest.raises(DataError, match="0 draws"):
        sector_intervals(dossier, 0)


def test_the_deviation_of_flows_is_that_of_the_mirror_pairs(dossier: Dossier, repository: Path) -> None:
    """Both reports of 2023 by region, written out: who reported, which pair is left out, the three numbers."""
    rows = dossier.tables["trade_bilateral"].filter(pl.col("year") == 2023)
    reports: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows.iter_rows(named=True):
        reports.setdefault((row["partner"], row["flow"]), {})[row["basis"]] = row["value_usd_m"]
    silent = {"RUS", "KOR", "IRN", "BLR", "GEO", "TJK", "TKM"}  # of the 76 that had not reported HS22 2023
    regions = set(dossier.tables["trade_matrix"]["exporter"]) - silent
    kept = {
        key: (both["KAZ_reported_BNS"], both["BACI"])
        for key, both in sorted(reports.items())
        if key[0] in regions and key != ("GBR", "export") and len(both) == 2
    }
    assert len(kept) == 25
    sure = {key: both for key, both in kept.items() if key[0] not in ("ARE", "CHE")}

    def deviation(pairs: dict[tuple[str, str], tuple[float, float]]) -> float:
        one, other = zip(*pairs.values(), strict=True)
        return mirror_sd(one, other, [math.sqrt(a * b) for a, b in pairs.values()])

    expected = (round(deviation(kept), 3), round(deviation(sure), 3), round(2 * deviation(kept), 3))
    assert dossier.parameter("flow_log_sd") == expected
    tool = runpy.run_path(str(repository / "tools" / "flow_sd.py"))
    assert [tuple(row) for row in tool["pairs"](dossier).select("partner", "flow").iter_rows()] == list(kept)
    assert tuple(round(sd, 3) for sd in tool["deviations"](tool["pairs"](dossier))) == expected


def test_what_is_no_mirror_pair_would_say_nothing(dossier: Dossier) -> None:
    """Where the partner had not reported, BACI repeats Kazakhstan: hardly any gap, and no doubt removed."""
    rows = dossier.tables["trade_bilateral"].filter(pl.col("year") == 2023)
    wide = rows.pivot(on="basis", index=["partner", "flow"], values="value_usd_m")
    silent = wide.filter(pl.col("partner").is_in(["RUS", "KOR", "IRN", "GEO", "TJK", "TKM"]))
    gaps = (silent["KAZ_reported_BNS"] / silent["BACI"]).log().abs()
    assert silent.height == 12
    assert gaps.max() == pytest.approx(0.0429, abs=1e-3)
