"""The data that `compare` reads: domestic sales, units, filled pairs, the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.position.compare_votes import find_votes
from betweengiants.position.compare_world import World, file_world, find_world
from betweengiants.sources.store import pull_file

FLOWS = "exporter,importer,value_usd_m\n"


# L trades with N alone: 80 sold at home, 20 bought from N and 20 sold to it. N and M trade with each other.
LANDLOCKED = "L,L,80\nL,N,20\nN,L,20\nN,N,500\nN,M,60\nM,N,60\nM,M,900\n"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BETWEENGIANTS_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def world_of(folder: Path, rows: str, **options: Path) -> World:
    return file_world(write(folder, "flows.csv", FLOWS + rows), **options)


GDP = "iso3,gdp_usd_m\nA,100\nB,100\nC,100\n"


TRADE = "A,B,20\nB,A,25\nB,C,99\nC,A,30\nC,B,2\n"


def test_domestic_sales_are_gdp_less_exports_with_a_floor(tmp_path: Path) -> None:
    world = world_of(tmp_path, TRADE + "D,A,3\nA,D,7\n", gdp=write(tmp_path, "gdp.csv", GDP))
    assert world.matrix.labels == ("A", "B", "C")
    assert world.matrix.flows.diagonal() == pytest.approx(
        [100 - 27, 5, 68]
    )  # what A sells to D is not sold at home
    assert world.floored == {"B"}
    assert any("left out, for want of GDP and of domestic sales: D" in note for note in world.notes)


def test_own_domestic_sales_are_kept(tmp_path: Path) -> None:
    world = world_of(tmp_path, TRADE + "A,A,1000\n", gdp=write(tmp_path, "gdp.csv", GDP))
    assert world.matrix.flows.diagonal() == pytest.approx([1000, 5, 68])


def test_units_of_money_are_read_from_the_columns(tmp_path: Path) -> None:
    gdp = write(tmp_path, "gdp.csv", GDP.replace("usd_m", "usd_bn").replace(",100", ",0.1"))
    assert world_of(tmp_path, TRADE, gdp=gdp).matrix.flows.diagonal() == pytest.approx([80, 5, 68])
    blind = write(tmp_path, "blind.csv", GDP.replace("gdp_usd_m", "gdp").replace(",100", ",100000000"))
    with pytest.raises(DataError, match=r"two units in one table.*flows and GDP in one unit of money"):
        world_of(tmp_path, TRADE, gdp=blind)


def test_filling_pairs(tmp_path: Path) -> None:
    gdp = write(tmp_path, "gdp.csv", GDP)
    more = write(tmp_path, "more.csv", "exporter,importer,value_usd_bn\nA,C,0.004\n")
    world = world_of(tmp_path, TRADE, gdp=gdp, fill=more)
    assert world.matrix.flows[0] == pytest.approx([76, 20, 4])
    assert world.estimated == {("A", "C")}
    twice = write(tmp_path, "twice.csv", "exporter,importer,value_usd_m\nA,B,1\n")
    with pytest.raises(DataError, match=r"twice\.csv: found A to B, which flows\.csv holds too"):
        world_of(tmp_path, TRADE, gdp=gdp, fill=twice)


def test_filling_pairs_of_another_year_is_refused(tmp_path: Path) -> None:
    flows = write(tmp_path, "f.csv", "year,exporter,importer,value_usd_m\n2023,A,B,20\n2023,B,A,25\n")
    more = write(tmp_path, "more.csv", "year,exporter,importer,value_usd_m\n2019,A,C,1\n")
    with pytest.raises(DataError, match=r"more\.csv.*no rows for the year 2023"):
        file_world(flows, write(tmp_path, "gdp.csv", GDP), more)


def test_flows_without_domestic_sales_need_gdp(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no domestic sales for A, B, C; allowed: .*--gdp FILE"):
        world_of(tmp_path, TRADE)


def test_the_store_is_used_once_there_is_gdp(tmp_path: Path, store: Path, dossier: Dossier) -> None:
    raw = write(
        tmp_path,
        "BACI_HS17_Y2022_V202501.csv",
        "t,i,j,k,v,q\n2022,398,643,010121,9000,1\n2022,643,398,010121,12000,1\n2022,398,156,010121,1000,1\n"
        "2022,156,643,010121,7000,1\n2022,643,156,010121,2000,1\n2022,156,398,010121,3000,1\n",
    )
    pull_file("baci", raw, version="HS17_V202501")
    unused = find_world(dossier)
    assert unused.source.startswith("matrix of dossier kazakhstan")
    assert any("BACI HS17_V202501 of the local store is not used" in note for note in unused.notes)
    gdp = write(tmp_path, "gdp.csv", "country,gdp_usd_m\nKAZ,50\nRUS,200\nCHN,900\n")
    world = find_world(dossier, gdp=gdp)
    assert (world.source, world.year) == ("BACI HS17_V202501 of the local store (3 economies)", "2022")
    k = world.place["KAZ"]
    assert world.matrix.flows[k, world.place["RUS"]] == pytest.approx(9e6)
    assert world.matrix.flows[k, k] == pytest.approx(40e6)
    with pytest.raises(DataError, match="no BACI flows of 2019"):
        find_world(dossier, gdp=gdp, year=2019)


def test_votes_of_the_store(tmp_path: Path, store: Path) -> None:
    assert find_votes(None, None) is None
    raw = write(
        tmp_path,
        "UNVotes.csv",
        "rcid,ccode,member,vote,session,date,unres\n1,705,1,1,78,2023-11-01,R/1\n1,365,1,3,78,2023-11-01,R/1\n",
    )
    pull_file("voeten", raw, version="v1")
    found = find_votes(None, None)
    assert found is not None
    assert (found[0].countries, found[1]) == (("KAZ", "RUS"), "votes v1 of the local store")


@pytest.mark.parametrize("option", ["gdp", "fill"])
def test_tables_without_flows_are_refused(tmp_path: Path, dossier: Dossier, option: str) -> None:
    with pytest.raises(DataError, match=f"--{option} without flows"):
        find_world(dossier, **{option: write(tmp_path, "x.csv", GDP)})  # type: ignore[arg-type]
