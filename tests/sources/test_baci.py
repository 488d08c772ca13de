import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.countries import countries
from betweengiants.core.errors import DataError
from betweengiants.sources.baci import read_baci, unrecorded
from betweengiants.sources.base import labels_by_number, own_codes

HEAD = "t,i,j,k,v,q\n"


def write(folder: Path, text: str, name: str = "BACI_HS17_Y2022_V202501.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_an_archive(baci_zip: Path) -> None:
    pulled = read_baci(baci_zip)
    assert list(pulled.tables) == ["flows"]
    assert pulled.tables["flows"].rows() == [
        (2022, "KAZ", "RUS", 10501.0),
        (2022, "RUS", "KAZ", 2000.0),
        (2023, "AFG", "KAZ", 1.0),
        (2023, "KAZ", "USA", 1500.0),
        (2023, "TWN", "KAZ", 4250.0),
    ]
    assert pulled.tables["flows"].columns == ["year", "exporter", "importer", "value"]
    assert [note.split(" is written")[0] for note in pulled.notes] == [
        "number 490 (Other Asia, not elsewhere specified)",
        "number 842 (USA, Puerto Rico and US Virgin Islands included)",
    ]


def test_one_csv_in_a_folder_with_odd_marks(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]*"
    folder.mkdir()
    path = write(folder, HEAD + "2022,398,643,270900,1,1\n")
    assert read_baci(path).tables["flows"].rows() == [(2022, "KAZ", "RUS", 1000.0)]


def test_order_of_rows_does_not_matter_to_the_last_digit(tmp_path: Path) -> None:
    draw = random.Random(5)
    rows = [f"2022,398,643,{k:06d},{draw.random() * 10 ** draw.randint(-3, 6):.3f},\n" for k in range(3000)]
    one = read_baci(write(tmp_path, HEAD + "".join(rows))).tables["flows"]
    draw.shuffle(rows)
    other = read_baci(write(tmp_path, HEAD + "".join(rows))).tables["flows"]
    assert one.rows() == other.rows()
    exact = sum(round(float(row.split(",")[4]) * 1000) for row in rows)
    assert one["value"][0] == exact


def test_own_numbers() -> None:
    labels = labels_by_number("baci", "iso_numeric")
    assert (labels[842], labels[251], labels[757], labels[579], labels[699]) == (
        "USA", "FRA", "CHE", "NOR", "IND",
    )  # fmt: skip
    assert (labels[710], labels[711], labels[490], labels[398]) == ("ZAF", "ZA1", "TWN", "KAZ")
    assert not own_codes("baci").keys() & {int(c.iso_numeric) for c in countries().values() if c.iso_numeric}


def test_two_numbers_of_one_state_fall_together_and_are_no_domestic_sale(tmp_path: Path) -> None:
    text = HEAD + "2022,736,398,010121,1,\n2022,729,398,010121,2,\n2022,736,729,010121,5,\n"
    pulled = read_baci(write(tmp_path, text))
    assert pulled.tables["flows"].rows() == [(2022, "SDN", "KAZ", 3000.0)]
    assert "left out: 5000 USD between two numbers that are both written SDN" in pulled.notes


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        (HEAD, None, None, "no rows"),
        ("", 1, None, "header"),
        ("t;i;j;k;v;q\n2022;4;8;010121;1;1\n", 1, None, "header"),
        ("t,i,j,k,q\n2022,4,8,010121,1\n", 1, None, "no column 'v'"),
        ("t,i,j,k,v,v\n2022,4,8,010121,1,1\n", 1, None, "header"),
        (HEAD + "2022,4,8,010121,1,1\n2022,4,8,010122,many,1\n", 3, "v", "'many'"),
        (HEAD + "2022,4,8,010121,-1,1\n", 2, "v", "'-1'"),
        (HEAD + "2022,4,8,010121,inf,1\n", 2, "v", "'inf'"),
        (HEAD + "2022,4,8,010121,,1\n", 2, "v", "''"),
        (HEAD + "22,4,8,010121,1,1\n", 2, "t", "'22'"),
        (HEAD + "2022,KAZ,8,010121,1,1\n", 2, "i", "'KAZ'"),
        (HEAD + "2022,4,,010121,1,1\n", 2, "j", "''"),
        (HEAD + "2022,4,8,010121,1\n", 2, None, "longer or shorter"),
        (HEAD + "2022,4,8,010121,1,1,1\n", 2, None, "longer or shorter"),
        (HEAD + "2022,4,8,010121,1,1\n2022,4,999,010121,1,1\n", 3, "j", "country number 999"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, row: int | None, column: str | None, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_baci(write(tmp_path, text))
    assert (caught.value.row, caught.value.column) == (row, column)
    assert words in str(caught.value)
    assert str(caught.value).startswith("BACI_HS17_Y2022_V202501.csv")


def test_bad_archives(make_zip: Callable[..., Path], tmp_path: Path) -> None:
    row = (HEAD + "2022,4,8,010121,1,1\n").encode()
    with pytest.raises(DataError, match="no member BACI"):
        read_baci(make_zip(("Readme.txt", b"x")))
    twice = make_zip(("BACI_HS17_Y2022_V202501.csv", row), ("BACI_HS92_Y2022_V202501.csv", row))
    with pytest.raises(DataError, match="year 2022, also in"):
        read_baci(twice)
    with pytest.raises(DataError, match="points outside"):
        read_baci(make_zip(("../BACI_HS17_Y2022_V202501.csv", row)))
    with pytest.raises(DataError, match="no such file"):
        read_baci(tmp_path / "none.zip")


def test_no_room_to_unpack(baci_zip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("betweengiants.sources.baci.free_bytes", lambda folder: 10)
    with pytest.raises(DataError, match="less room"):
        read_baci(baci_zip)


def test_a_member_with_a_fault_is_named(make_zip: Callable[..., Path]) -> None:
    path = make_zip(("in/BACI_HS17_Y2022_V202501.csv", (HEAD + "2022,4,8,010121,x,1\n").encode()))
    with pytest.raises(DataError, match=r"made\.zip/in/BACI_HS17_Y2022_V202501\.csv, row 2, column 'v'"):
        read_baci(path)


def everyone(labels: list[str], missing: set[str]) -> pl.DataFrame:
    rows = [
        (2022, one, other, float(100 - k))
        for k, one in enumerate(labels)
        for other in labels
        if one != other and not {one, other} <= missing
    ]
    return pl.DataFrame(rows, schema=["year", "exporter", "importer", "value"], orient="row")


def test_pairs_that_cannot_be_recorded() -> None:
    labels = sorted(code for code in countries() if len(code) == 3)[:40]
    gone = set(labels[5:12])
    assert unrecorded(everyone(labels, set())) == {}
    found = unrecorded(everyone(labels, gone))
    assert {year: set(group) for year, group in found.items()} == {2022: gone}
    assert unrecorded(everyone(labels, set(labels[:2]))) == {}
    assert unrecorded(everyone(labels[:10], set(labels[:5]))) == {}


def test_the_76_economies_of_hs22_2023(shared: Path) -> None:
    """Exactly the economies that reported no trade of 2023 in HS22, by the sample's own list."""
    folder = shared / "samples" / "cepii_baci_2023_totals"
    totals = pl.read_parquet(folder / "baci_hs22_v202501_2023_country_pairs.parquet")
    listed = pl.read_csv(folder / "countries_gdp.csv").filter(pl.col("hs22_nonreporter_2023") == 1)["iso3"]
    found = unrecorded(totals.rename({"value_usd_m": "value"}))
    assert sorted(found[2023]) == sorted(listed)
    assert len(found[2023]) == 76
    assert {"RUS", "KOR", "VNM"} <= set(found[2023][:8])


def test_the_warning_reaches_the_reader(tmp_path: Path) -> None:
    numbers = {c.iso3: c.iso_numeric for c in countries().values() if c.iso_numeric}
    labels = sorted(numbers)[:30]
    table = everyone(labels, set(labels[:4]))
    rows = "".join(
        f"{t},{numbers[i]},{j_},010121,{v},\n" for t, i, j, v in table.rows() for j_ in [numbers[j]]
    )
    notes = read_baci(write(tmp_path, HEAD + rows)).notes
    assert notes[-1].startswith("2022: 4 economies (ABW, AFG, AGO, AIA) show no trade with one another")


def test_deflated_and_stored_archives_agree(baci_zip: Path, tmp_path: Path) -> None:
    stored = tmp_path / "stored.zip"
    with zipfile.ZipFile(baci_zip) as source, zipfile.ZipFile(stored, "w") as target:
        for member in source.infolist():
            target.writestr(member.filename, source.read(member))
    assert read_baci(stored).tables["flows"].rows() == read_baci(baci_zip).tables["flows"].rows()
