import json
import os
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError, OutputError, UnknownLabel
from betweengiants.sources.catalogue import catalogue, find_source
from betweengiants.sources.store import READERS, list_sources, list_store, pull_file, store_folder


def test_a_file_goes_in_and_is_listed(baci_zip: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    os.utime(baci_zip, (1_700_000_000, 1_700_000_000))
    stored = pull_file("baci", baci_zip, store)
    path = store / "baci" / "HS17_V202501" / "flows.parquet"
    assert stored.version == "HS17_V202501"
    assert stored.tables.rows() == [("baci", "flows", 5, str(path))]
    assert pl.read_parquet(path).height == 5
    manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["raw"]["file"] == "BACI_HS17_V202501.zip"
    assert manifest["retrieved"] == "2023-11-14"
    assert manifest["licence"] == "Etalab Open Licence 2.0"
    assert manifest["tables"]["flows"]["columns"] == ["year", "exporter", "importer", "value"]
    assert len(manifest["notes"]) == 2
    listed = list_store(store)
    assert listed.select("source", "version", "table", "rows", "raw_file", "retrieved").rows() == [
        ("baci", "HS17_V202501", "flows", 5, "BACI_HS17_V202501.zip", "2023-11-14")
    ]
    assert listed["raw_sha256"][0] == manifest["raw"]["sha256"]


def test_the_same_file_gives_the_same_bytes(baci_zip: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        pull_file("baci", baci_zip, tmp_path / name, retrieved=date(2024, 1, 2))
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in "ab"]
    assert len(files[0]) == 2
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    pull_file("baci", baci_zip, tmp_path / "a", retrieved=date(2024, 1, 2))
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_other_bytes_of_one_version_need_a_word(baci_zip: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    pull_file("baci", baci_zip, store)
    baci_zip.write_bytes(baci_zip.read_bytes() + b"\0")
    with pytest.raises(DataError, match="other bytes"):
        pull_file("baci", baci_zip, store)
    pull_file("baci", baci_zip, store, version="second")
    pull_file("baci", baci_zip, store, replace=True)
    assert list_store(store)["version"].to_list() == ["HS17_V202501", "second"]


def test_a_version_without_a_name_is_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "UNVotes.csv"
    path.write_text("rcid,ccode,vote,session,date\n1,2,1,1,1946-01-01\n", encoding="utf-8")
    assert pull_file("voeten", path, tmp_path / "store").version.startswith("sha256-")
    with pytest.raises(DataError, match=r"version '\.\./up'"):
        pull_file("voeten", path, tmp_path / "store", version="../up")
    with pytest.raises(DataError, match=r"version '\.hidden'"):
        pull_file("voeten", path, tmp_path / "store", version=".hidden")


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "UNVotes.csv"
    path.write_text("rcid,ccode,vote,session,date\n1,2,7,1,1946-01-01\n", encoding="utf-8")
    with pytest.raises(DataError):
        pull_file("voeten", path, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_which_file_and_where(baci_zip: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(DataError) as caught:
        pull_file("baci", None, store)
    assert "https://www.cepii.fr" in str(caught.value)
    assert str(store / "raw" / "baci") in str(caught.value)
    with pytest.raises(DataError, match="no such file"):
        pull_file("baci", tmp_path / "none.zip", store)
    place = store / "raw" / "baci"
    place.mkdir(parents=True)
    (place / baci_zip.name).write_bytes(baci_zip.read_bytes())
    (place / "notes.txt").write_text("x", encoding="utf-8")
    assert pull_file("baci", None, store).tables.height == 1
    assert list_store(store).height == 1
    (place / "BACI_HS92_V202501.zip").write_bytes(baci_zip.read_bytes())
    with pytest.raises(DataError, match="2 files"):
        pull_file("baci", None, store)


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BETWEENGIANTS_STORE", str(tmp_path / "named"))
    assert store_folder(tmp_path / "given") == tmp_path / "given"
    assert store_folder() == tmp_path / "named"
    monkeypatch.delenv("BETWEENGIANTS_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert store_folder() == tmp_path / "xdg" / "betweengiants"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert store_folder().parts[-3:] == ("Library", "Application Support", "betweengiants")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert store_folder() == tmp_path / "local" / "betweengiants"


def test_an_empty_and_a_broken_store(tmp_path: Path) -> None:
    assert list_store(tmp_path / "none").height == 0
    place = tmp_path / "baci" / "v1"
    place.mkdir(parents=True)
    for text in ("{", "[]", "{}", '{"raw": 1, "tables": {}}', '{"raw": {}, "tables": {"a": {}}}'):
        (place / "manifest.json").write_text(text, encoding="utf-8")
        if text == '{"raw": 1, "tables": {}}':
            assert list_store(tmp_path).height == 0
            continue
        with pytest.raises(DataError, match="manifest that cannot be read"):
            list_store(tmp_path)


def test_a_store_that_cannot_be_written(baci_zip: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError):
        pull_file("baci", baci_zip, tmp_path / "store")


def test_the_catalogue() -> None:
    assert sorted(catalogue()) == sorted(READERS)
    assert list_sources()["source"].to_list() == sorted(catalogue())
    for source in catalogue().values():
        assert source.citation
        assert source.licence
        assert source.landing_page.startswith("https://")
    baci = find_source("baci")
    assert baci.version_of(Path("BACI_HS22_Y2023_V202501.csv")) == "HS22_Y2023_V202501"
    assert baci.version_of(Path("trade.csv")) is None
    assert baci.matches(Path("x/BACI_HS92_V202501.zip"))
    assert not baci.matches(Path("country_codes_V202501.csv"))
    with pytest.raises(UnknownLabel, match="baci"):
        find_source("bacy")
