"""Trade by sector and by yardstick: the solver asked directly, and dossiers without a sector matrix."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.sector_channel import sector_comparison
from betweengiants.position.trade_detail import trade_detail
from betweengiants.trade import from_frame, severance, yardsticks

POWERS = ("RUS", "CHN", "USA", "EU27")
MEASURES = ("sectors_loss_pct", "sectors_inputs_loss_pct", "closed_form_loss_pct", "first_order_loss_pct")


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("model", ["sectors", "sectors_inputs"])
def test_sector_losses_are_those_of_the_comparison(
    position: Position, dossier: Dossier, horizon: str, model: str
) -> None:
    table = sector_comparison(dossier).filter(pl.col("horizon") == horizon)
    for power, loss in table.select("power", f"{model}_loss_pct").iter_rows():
        number = position.number("trade_detail", f"{model}_loss_pct", power, horizon=horizon)
        assert number.value == pytest.approx(loss, rel=1e-9)
        assert number.low < number.value < number.high


def test_yardsticks_are_those_of_the_engine(position: Position, dossier: Dossier) -> None:
    matrix = from_frame(
        dossier.tables["trade_matrix"].select("exporter", "importer", "year", value="value_usd_m")
    )
    theta = dossier.parameter("theta_short")[0]
    found = yardsticks(matrix, severance([("KAZ", "RUS")]), theta)
    at = matrix.labels.index("KAZ")
    for name in ("closed_form", "first_order"):
        number = position.number("trade_detail", f"{name}_loss_pct", "RUS", horizon="short")
        assert number.value == pytest.approx(-100 * getattr(found, name)[0, at], rel=1e-9)


def test_every_power_and_horizon_has_every_measure(position: Position) -> None:
    rows = position.results.filter(pl.col("channel") == "trade_detail")
    assert set(rows["measure"]) == set(MEASURES)
    assert rows.height == len(MEASURES) * len(POWERS) * 2
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    trail = position.trails["trade_detail"]
    assert "trade_matrix_sectors" in trail.tables
    assert trail.sources


@pytest.mark.parametrize("table", ["trade_matrix_sectors", "io_coefficients"])
def test_without_a_sector_matrix_there_is_a_gap(with_tables: Callable[..., Dossier], table: str) -> None:
    channel = trade_detail(with_tables(**{table: None}))
    assert channel.results == []
    assert channel.gaps == [f"No trade by sector: the dossier has no table {table}."]


def test_trails_state_what_percent_are_of(position: Position) -> None:
    share = position.number("trade", "leverage_pct", "RUS", horizon="short").value
    money = position.number("trade", "leverage_usd_m", "RUS", horizon="short").value
    spent = position.trails["trade"].parameters["spending_usd_m"]
    assert spent == pytest.approx(100 * money / share)
    detail = position.trails["trade_detail"].parameters
    assert detail["spending_usd_m_one_sector"] == spent
    share = position.number("coupled", "leverage_pct", "RUS", horizon="short").value
    money = position.number("coupled", "leverage_usd_m", "RUS", horizon="short").value
    assert detail["spending_usd_m_sectors_inputs"] == pytest.approx(100 * money / share)
