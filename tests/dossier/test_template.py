"""A new dossier is empty, valid, explained, and says what is missing."""

import csv
import warnings
from pathlib import Path

import pytest

from betweengiants.core.countries import countries
from betweengiants.core.errors import DataError, OutputError, UnknownCountry
from betweengiants.dossier import load_dossier, schema
from betweengiants.dossier.consistency import check_consistency
from betweengiants.dossier.descriptor import changed_files, read_header
from betweengiants.dossier.inventory import by_year, conflicts, gaps, staleness
from betweengiants.dossier.reading import empty_tables
from betweengiants.dossier.template import README, SETTINGS, new_dossier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_dossier("UZB", tmp_path / "uzb")


def test_every_table_is_there_with_its_header(folder: Path) -> None:
    for table, fields in schema.tables().items():
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == [field.name for field in fields]
        assert len(rows) == (5 if table == "actors" else 0)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{table}.csv" for table in schema.tables()),
        "datapackage.json",
        README,
    }


def test_it_is_valid_and_without_findings(folder: Path) -> None:
    dossier = load_dossier(folder, complete=False)
    assert changed_files(folder) == []
    assert check_consistency(dossier).height == 0
    assert (dossier.focal, dossier.powers) == ("UZB", ("RUS", "CHN", "USA", "EU27"))
    assert dossier.actor_names["EU27"] == countries()["EU27"].short_name
    header = read_header(folder)
    assert header.title == "Uzbekistan between Russia, China, the United States and the European Union"
    assert header.name == "uzbekistan"


def test_frictionless_finds_nothing(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frictionless = pytest.importorskip("frictionless")
        report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["name", "message"])


def test_it_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_dossier(folder)
    assert str(caught.value) == (
        "dossier uzbekistan: found no rows yet in sources.csv, measures.csv, facts.csv, parameters.csv, trade_matrix.csv; "
        "allowed: at least one row in each (its README says what goes where)."
    )
    dossier = load_dossier(folder, complete=False)
    assert empty_tables(dossier) == ["sources", "measures", "facts", "parameters", "trade_matrix"]
    missing = gaps(dossier)
    required = missing.filter(missing["sentence"] == "required, and without rows")["name"].to_list()
    assert required == empty_tables(dossier)
    assert set(missing.filter(missing["what"] == "table")["name"]) == set(schema.tables()) - {"actors"}
    for view in (by_year, conflicts, staleness):
        assert view(dossier).height == 0


def test_the_readme_explains_every_table_and_column(folder: Path) -> None:
    text = (folder / README).read_text(encoding="utf-8")
    for table, fields in schema.tables().items():
        section = text.partition(f"\n## {table}.csv\n")[2].partition("\n## ")[0]
        assert schema.purposes()[table] in section
        for field in fields:
            assert f"| {field.name} |" in section or f"| **{field.name}** (key) |" in section
    for name, _, _ in SETTINGS:
        assert name.format(year=2025) in text


def test_every_table_has_a_purpose_and_no_other_has() -> None:
    assert set(schema.purposes()) == set(schema.tables())


def test_filled_step_by_step(folder: Path, tmp_path: Path) -> None:
    """Rows of one table at a time, each state of it valid: the README's order works."""
    from betweengiants.dossier.packing import pack

    def add(table: str, *rows: str) -> None:
        with (folder / f"{table}.csv").open("a", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in rows)
        pack(folder)
        load_dossier(folder, complete=False)

    add("sources", "s1,Office,Yearbook,https://example.org,2025,CC0,open,")
    add("measures", "gdp,GDP,macro,usd_m,Nominal GDP,0,")
    add("facts", "gdp,UZB,,2024,100,usd_m,,,reported,,s1,")
    add("parameters", "theta_short,2,,,index,s1,", "theta_long,5,,,index,s1,")
    states = ("UZB", "RUS", "CHN", "USA", "EU27")
    add("trade_matrix", *(f"2024,{i},{j},{1000 if i == j else 50},x,s1" for i in states for j in states))
    assert load_dossier(folder).has(*schema.REQUIRED_TABLES)
    add("deals", "d1,Engines,UZB,RUS,RUS,trade,purchase,,s1,")


@pytest.mark.parametrize("code", ["UZ", "uzb", "Uzbekistan", "", "../x"])
def test_codes_that_are_none(tmp_path: Path, code: str) -> None:
    with pytest.raises(UnknownCountry):
        new_dossier(code, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("powers", [[], ["KAZ"], ["RUS", "RUS"], ["RUS", "KAZ"]])
def test_powers_that_are_none(tmp_path: Path, powers: list[str]) -> None:
    with pytest.raises(DataError):
        new_dossier("KAZ", tmp_path / "x", powers=powers)
    assert list(tmp_path.iterdir()) == []


def test_a_power_may_be_the_focal_state(tmp_path: Path) -> None:
    header = read_header(new_dossier("USA", tmp_path / "usa"))
    assert (header.focal, header.powers) == ("USA", ("RUS", "CHN", "EU27"))


@pytest.mark.parametrize("code", sorted(set(countries()) - {"WLD"})[::25])
def test_any_state(tmp_path: Path, code: str) -> None:
    dossier = load_dossier(new_dossier(code, tmp_path / "x"), complete=False)
    assert dossier.focal == code
    assert dossier.header.name


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputError, match="the folder is not empty"):
        new_dossier("KGZ", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        new_dossier("KGZ", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert new_dossier("KGZ", tmp_path / "empty") == tmp_path / "empty"


def test_the_same_twice(tmp_path: Path) -> None:
    one, two = (new_dossier("MNG", tmp_path / name, base_year=2024) for name in ("one", "two"))
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in two.iterdir()}
    assert read_header(one).base_year == 2024
