"""One sector, five sectors, five sectors with inputs: the same severances side by side."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.sector_channel import (
    MODELS,
    TABLES,
    sector_comparison,
    sector_matrices,
)
from betweengiants.trade.sector_matrix import SectorMatrix

SECTORS = ("agri_food", "energy", "manufactures", "minerals_metals", "services")
LOSSES = [f"{model}_loss_pct" for model in MODELS]


@pytest.fixture(scope="module")
def matrices(dossier: Dossier) -> dict[str, SectorMatrix]:
    return sector_matrices(dossier)


@pytest.fixture(scope="module")
def table(dossier: Dossier) -> pl.DataFrame:
    return sector_comparison(dossier)


def test_the_matrices_are_of_one_world(matrices: dict[str, SectorMatrix]) -> None:
    one, sectors, gross = (matrices[model] for model in MODELS)
    assert one.labels == sectors.labels == gross.labels
    assert sectors.sectors == gross.sectors == SECTORS
    assert (
        np.abs(sectors.flows.sum(axis=2) - one.flows[:, :, 0]).max() < 0.01
    )  # the tables are rounded to 0.001
    abroad = ~np.eye(len(one.labels), dtype=bool)
    assert (sectors.flows[abroad] == gross.flows[abroad]).all()
    assert (
        np.einsum("iis->is", gross.flows).sum(axis=1) > np.einsum("iis->is", sectors.flows).sum(axis=1)
    ).all()


def test_services_are_not_traded(matrices: dict[str, SectorMatrix]) -> None:
    services = matrices["sectors"].flows[:, :, SECTORS.index("services")]
    assert (services == np.diag(services.diagonal())).all()


def test_value_added_of_the_gross_matrix_is_near_gdp(
    dossier: Dossier, matrices: dict[str, SectorMatrix]
) -> None:
    gross = matrices["sectors_inputs"]
    made = gross.value_added[gross.index(dossier.focal)]
    assert made == pytest.approx(dossier.parameter("gdp_usd_m_2023")[0], rel=0.1)


def test_one_sector_is_the_trade_channel(table: pl.DataFrame, position: Position) -> None:
    for row in table.iter_rows(named=True):
        channel = position.number("trade", "leverage_pct", row["power"], horizon=row["horizon"])
        assert row["one_sector_loss_pct"] == pytest.approx(channel.value, rel=1e-8)


def test_every_case_is_solved(table: pl.DataFrame, dossier: Dossier) -> None:
    assert table["power"].to_list() == [power for power in dossier.powers for _ in range(2)]
    assert table["horizon"].to_list() == ["short", "long"] * len(dossier.powers)
    assert (table["residual"] <= 1e-10).all()
    assert table["problem"].null_count() == table.height
    assert table.select(LOSSES).null_count().sum_horizontal().item() == 0


def test_orders_of_magnitude(table: pl.DataFrame) -> None:
    for row in table.iter_rows(named=True):
        one, sectors, inputs = (row[name] for name in LOSSES)
        assert 0.1 < one < 15
        # a sector that the power dominates weighs more than the mean of all; no sector turns a loss around
        assert one < sectors < 3 * one
        assert 0.5 * sectors < inputs < 2 * sectors
    short, long = (table.filter(pl.col("horizon") == h).select(LOSSES).to_numpy() for h in ("short", "long"))
    assert (short > 1.5 * long).all()


def test_a_dossier_without_sectors_is_refused(with_tables: Callable[..., Dossier], dossier: Dossier) -> None:
    for table in TABLES:
        with pytest.raises(DataError, match=rf"^found a dossier without {table}\.csv"):
            sector_comparison(with_tables(**{table: None}))


def test_a_severance_without_solution_is_an_empty_cell_with_its_reason(
    with_tables: Callable[..., Dossier], dossier: Dossier
) -> None:
    cells = dossier.tables["trade_matrix_sectors"]
    # Kazakhstan makes no agri-food and buys it from Russia alone: cutting Russia off leaves it without
    food = (pl.col("importer") == "KAZ") & (pl.col("sector") == "agri_food")
    russian = pl.col("exporter") == "RUS"
    value = pl.when(food).then(20_000.0).otherwise("value_usd_m")
    changed = with_tables(trade_matrix_sectors=cells.filter(~food | russian).with_columns(value_usd_m=value))
    table = sector_comparison(changed).filter(pl.col("power") == "RUS")
    assert table["sectors_loss_pct"].null_count() == 2
    assert table["one_sector_loss_pct"].null_count() == 0
    assert all("KAZ: agri_food" in problem for problem in table["problem"])
