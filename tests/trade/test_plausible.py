"""Data checks before solving: each rule finds its fault, names it, and is silent on a table without it."""

from pathlib import Path

import numpy as np
import pytest

from betweengiants.core.errors import DataError
from betweengiants.trade.plausible import (
    Flows,
    balances,
    check_flows,
    domestic_sales,
    findings_frame,
    home_shares,
    missing_zeros,
    read_gdp,
    read_unchecked,
    units,
)

SIZE = 12
LABELS = tuple(f"C{k:02d}" for k in range(SIZE))


def world(sectors: int = 1) -> Flows:
    """Twelve countries that spend three quarters at home and trade with everybody in balance."""
    values = np.ones((SIZE, SIZE, sectors)) / sectors
    for s in range(sectors):
        np.fill_diagonal(values[:, :, s], 3 * (SIZE - 1) / sectors)
    return Flows(LABELS, tuple(f"S{s}" for s in range(sectors)), values)


def changed(flows: Flows, factor: np.ndarray) -> Flows:
    return Flows(flows.labels, flows.sectors, flows.values * factor.reshape(SIZE, SIZE, -1))


@pytest.mark.parametrize("sectors", [1, 3])
def test_a_plain_world_has_no_findings(sectors: int) -> None:
    flows = world(sectors)
    sales = flows.values.sum(axis=(1, 2))
    assert check_flows(flows, dict(zip(LABELS, sales / 1.8, strict=True))) == ()
    assert findings_frame(()).height == 0


def test_countries_without_domestic_sales() -> None:
    factor = np.ones((SIZE, SIZE))
    factor[3, 3] = factor[5, 5] = 0
    (found,) = domestic_sales(changed(world(), factor))
    assert (found.countries, found.value) == (("C03", "C05"), 2)
    assert found.text == "no domestic sales for C03, C05: add rows with exporter = importer"


@pytest.mark.parametrize("size", [4, 5, 6])
def test_a_group_without_trade_among_themselves(size: int) -> None:
    factor = np.ones((SIZE, SIZE))
    factor[:size, :size] = np.eye(size)
    found = missing_zeros(changed(world(), factor))
    assert [f.countries for f in found] == ([LABELS[:size]] if size >= 5 else [])


def test_countries_that_hardly_trade_are_no_group() -> None:
    factor = np.eye(SIZE)
    factor[:4, :] = factor[:, :4] = 1  # eight countries trade with four others only
    assert missing_zeros(changed(world(), factor)) == ()


def test_home_shares_of_whole_economies() -> None:
    factor = np.ones((SIZE, SIZE))
    factor[2, 2], factor[4, 4] = 1 / 100, 100
    found = home_shares(changed(world(), factor))
    assert [(f.countries, f.low, f.high) for f in found] == [(("C02",), 0.05, 0.98), (("C04",), 0.05, 0.98)]
    assert found[0].value == pytest.approx(0.33 / 11.33)
    assert "C02 buys 2.91% at home" in found[0].text


def test_a_sector_that_is_only_exported() -> None:
    factor = np.ones((SIZE, SIZE, 2))
    factor[7, 7, 1] = 0
    (found,) = home_shares(changed(world(2), factor))
    assert (found.countries, found.sector, found.value) == (("C07",), "S1", 0)


@pytest.mark.parametrize("factor", [1000, 1 / 1000])
def test_thousands_against_millions_by_gdp(factor: float) -> None:
    flows = world()
    sales = flows.values.sum(axis=(1, 2))
    gdp = dict(zip(LABELS, sales * factor, strict=True))
    (found,) = units(flows, gdp)
    assert found.countries == ()
    assert "thousands against millions?" in found.text
    gdp = dict(zip(LABELS, sales, strict=True)) | {"C08": sales[8] * factor}
    (found,) = units(flows, gdp)
    assert found.countries == ("C08",)
    assert found.value == pytest.approx(1 / factor)


def test_a_gdp_table_of_other_countries() -> None:
    (found,) = units(world(), {"KAZ": 1.0})
    assert "no country in common (KAZ)" in found.text


def test_domestic_sales_in_another_unit_than_trade() -> None:
    eye = np.eye(SIZE, dtype=bool)
    (found,) = units(changed(world(), np.where(eye, 1000.0, 1.0)))
    assert found.countries == ()
    assert found.value == pytest.approx(3000)
    one = np.ones((SIZE, SIZE))
    one[6, 6] = 1000
    (found,) = units(changed(world(), one))
    assert found.countries == ("C06",)


def test_balances() -> None:
    factor = np.ones((SIZE, SIZE))
    factor[1, :], factor[:, 9] = 10, 0
    factor[9, 9] = 1
    found = {f.countries: f.value for f in balances(changed(world(), factor))}
    assert found[("C01",)] > 5
    assert found[("C09",)] == float("inf")


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("exporter,importer,sector,value\nA,B,x,1\nB,A,y,2\n", encoding="utf-8")
    flows = read_unchecked(path)
    assert (flows.labels, flows.sectors) == (("A", "B"), ("x", "y"))
    assert flows.values[0, 1].tolist() == [1, 0]
    gdp = tmp_path / "gdp.csv"
    gdp.write_text("iso3,name,gdp_usd_m\nA,a,5\nB,b,6\n", encoding="utf-8")
    assert read_gdp(gdp) == {"A": 5, "B": 6}
    gdp.write_text("country,gdp\nA,5\nB,0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^gdp\.csv, column 'gdp': found no usable GDP for B"):
        read_gdp(gdp)
    gdp.write_text("country,product\nA,5\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'gdp'"):
        read_gdp(gdp)


def test_the_missing_reports_of_baci_are_found(shared_samples: Path) -> None:
    folder = shared_samples / "cepii_baci_2023_totals"
    flows = read_unchecked(folder / "baci_hs22_v202501_2023_country_pairs.csv")
    found = {f.check: f for f in check_flows(flows)}
    assert found["domestic_sales"].value == len(flows.labels)
    lines = (folder / "countries_gdp.csv").read_text(encoding="utf-8").splitlines()[1:]
    known = {line.split(",")[0] for line in lines if line.endswith(",1")}
    assert set(found["missing_zeros"].countries) <= known
    assert found["missing_zeros"].value >= 30


@pytest.mark.parametrize(
    "name", ["world_matrix.csv", "world_matrix_sectors.csv", "world_matrix_sectors_gross.csv"]
)
def test_the_world_matrices(shared_samples: Path, name: str) -> None:
    found = check_flows(read_unchecked(shared_samples.parent / "facts" / "trade" / name))
    blind = {"missing_zeros"} if name == "world_matrix.csv" else set()
    assert {f.check for f in found} == {"balance"} | blind
    assert {f.countries for f in found if f.check == "balance"} == {("KGZ",)}  # Chinese goods in transit
