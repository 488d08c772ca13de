import json
import random
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import load_dossier
from betweengiants.dossier import reading as reading_room
from betweengiants.dossier.descriptor import DESCRIPTOR, changed_files
from betweengiants.dossier.packing import pack
from betweengiants.dossier.reading import open_folder

Package = dict[str, Any]


def edit(folder: Path, change: Callable[[Package], object]) -> Package:
    path = folder / DESCRIPTOR
    package: Package = json.loads(path.read_text(encoding="utf-8"))
    change(package)
    path.write_text(json.dumps(package), encoding="utf-8")
    return package


def refusal(where: Path | str) -> DataError:
    with pytest.raises(DataError) as caught:
        load_dossier(where)
    assert "\n" not in str(caught.value)
    return caught.value


def resource(package: Package, table: str) -> Package:
    return next(entry for entry in package["resources"] if entry["name"] == table)


# descriptor ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"{", "text that is not JSON"),
        (b"", "text that is not JSON"),
        (b"\xff{}", "text that is not JSON"),
        (b"[" * 100_000, "text that is not JSON"),
        (b"[]", "JSON that is not an object"),
        (b"3", "JSON that is not an object"),
        (b"{}", "no 'betweengiants'"),
        (b'{"betweengiants": []}', "'betweengiants' of the wrong kind"),
        (b'{"betweengiants": {"powers": "RUS"}}', "'powers' of the wrong kind"),
        (b'{"betweengiants": {"powers": []}}', "no list of different powers"),
        (b'{"betweengiants": {"powers": ["RUS", 7]}}', "no list of different powers"),
        (b'{"betweengiants": {"powers": ["RUS", "RUS"]}}', "no list of different powers"),
        (b'{"betweengiants": {"powers": ["RUS"]}}', "no 'name'"),
        (b" " * 5_000_001, "a very large file"),
    ],
    ids=range(14),
)
def test_broken_descriptors(dossier_copy: Path, data: bytes, found: str) -> None:
    (dossier_copy / DESCRIPTOR).write_bytes(data)
    error = refusal(dossier_copy)
    assert (error.file, error.found) == (DESCRIPTOR, found)
    with pytest.raises(DataError):
        pack(dossier_copy)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda p: p.pop("title"), "no 'title'"),
        (lambda p: p["betweengiants"].update(base_year="2025"), "'base_year' of the wrong kind"),
        (lambda p: p["betweengiants"].update(base_year=True), "'base_year' of the wrong kind"),
        (lambda p: p.pop("resources"), "no 'resources'"),
        (lambda p: p.update(resources={}), "'resources' of the wrong kind"),
        (lambda p: p["resources"].append("facts"), "a resource that is not an object"),
        (lambda p: p["resources"].append({"name": "facts"}), "no 'path'"),
        (
            lambda p: p["resources"].append({"name": "armies", "path": "facts.csv"}),
            "an unknown table 'armies'",
        ),
        (
            lambda p: p["resources"].append({"name": "facts", "path": "claims.csv"}),
            "the resource 'facts' twice",
        ),
        (lambda p: p["resources"].remove(resource(p, "facts")), "no resource 'facts'"),
        (lambda p: p["resources"].remove(resource(p, "trade_matrix")), "no resource 'trade_matrix'"),
    ],
    ids=range(11),
)
def test_incomplete_descriptors(dossier_copy: Path, change: Callable[[Package], object], found: str) -> None:
    edit(dossier_copy, change)
    error = refusal(dossier_copy)
    assert (error.file, error.found) == (DESCRIPTOR, found)


@pytest.mark.parametrize(
    "path",
    [
        "../facts.csv",
        "tables/../../facts.csv",
        "/etc/passwd",
        "\\\\server\\facts.csv",
        "..\\facts.csv",
        "C:facts.csv",
        "https://example.org/facts.csv",
    ],
)
def test_paths_that_leave_the_folder(dossier_copy: Path, path: str) -> None:
    shutil.copy(dossier_copy / "facts.csv", dossier_copy.parent / "facts.csv")
    edit(dossier_copy, lambda p: resource(p, "facts").update(path=path))
    error = refusal(dossier_copy)
    assert error.file == DESCRIPTOR
    assert error.allowed == "paths inside the dossier's folder"


@pytest.mark.parametrize("path", ["gone.csv", ".", "", "x" * 5_000, "facts\0.csv", "facts.csv/x"])
def test_paths_that_lead_nowhere(dossier_copy: Path, path: str) -> None:
    edit(dossier_copy, lambda p: resource(p, "facts").update(path=path))
    error = refusal(dossier_copy)
    assert error.found == "no such file in the dossier"
    assert len(str(error)) < 300


def test_a_missing_table(dossier_copy: Path) -> None:
    (dossier_copy / "facts.csv").unlink()
    assert str(refusal(dossier_copy)).startswith("facts.csv: found no such file in the dossier")


def test_links_are_not_followed(dossier_copy: Path) -> None:
    outside = dossier_copy.parent / "outside"
    outside.mkdir()
    (dossier_copy / "facts.csv").rename(outside / "facts.csv")
    (dossier_copy / "facts.csv").symlink_to(outside / "facts.csv")
    assert refusal(dossier_copy).found == "no such file in the dossier"
    (dossier_copy / "facts.csv").unlink()
    (dossier_copy / "tables").symlink_to(outside)
    edit(dossier_copy, lambda p: resource(p, "facts").update(path="tables/facts.csv"))
    assert refusal(dossier_copy).found == "no such file in the dossier"


def test_the_focal_state_is_no_power(dossier_copy: Path) -> None:
    edit(dossier_copy, lambda p: p["betweengiants"].update(powers=["RUS", "KAZ"]))
    error = refusal(dossier_copy)
    assert (error.file, error.found) == (DESCRIPTOR, "the focal state among the powers")


@pytest.mark.parametrize(
    ("change", "found", "suggestion"),
    [
        ({"focal": "KZA"}, "unknown actor 'KZA'", "KAZ"),
        ({"powers": ["RUS", "CNH"]}, "unknown actor 'CNH'", "CHN"),
        ({"focal": "TKMX"}, "unknown actor 'TKMX'", "TKM"),
    ],
)
def test_states_that_the_tables_lack(
    dossier_copy: Path, change: Package, found: str, suggestion: str
) -> None:
    edit(dossier_copy, lambda p: p["betweengiants"].update(change))
    error = refusal(dossier_copy)
    assert isinstance(error, UnknownLabel)
    assert (error.file, error.found, error.suggestions[0]) == (DESCRIPTOR, found, suggestion)


def test_a_focal_state_outside_the_matrix(dossier_copy: Path) -> None:
    states = set(load_dossier(dossier_copy).tables["trade_matrix"]["exporter"])
    actors = load_dossier(dossier_copy).tables["actors"]
    other = next(a for a in actors.filter(actors["kind"] == "state")["actor"] if a not in states)
    edit(dossier_copy, lambda p: p["betweengiants"].update(focal=other))
    assert refusal(dossier_copy).found == f"unknown country of trade_matrix.csv '{other}'"


def test_packing_keeps_what_it_does_not_make(dossier_copy: Path) -> None:
    (dossier_copy / "tables").mkdir()
    (dossier_copy / "claims.csv").rename(dossier_copy / "tables" / "claims.csv")
    for table in ("closures", "incidents"):  # closures refer to incidents
        (dossier_copy / f"{table}.csv").unlink()

    def change(package: Package) -> None:
        resource(package, "claims")["path"] = "tables/claims.csv"
        package["licenses"] = [{"name": "CC0-1.0"}]
        package["contributors"] = [{"title": "Somebody"}]
        package["betweengiants"]["remark"] = "kept"
        package["version"] = "9"

    edit(dossier_copy, change)
    pack(dossier_copy)
    package = edit(dossier_copy, lambda p: None)
    assert package["licenses"] == [{"name": "CC0-1.0"}]
    assert package["contributors"] == [{"title": "Somebody"}]
    assert package["betweengiants"]["remark"] == "kept"
    dossier = load_dossier(dossier_copy)
    assert dossier.header.version == "9"
    assert dossier.header.paths["claims"] == "tables/claims.csv"
    assert not dossier.has("incidents")
    assert changed_files(dossier_copy) == []
    with (dossier_copy / "tables" / "claims.csv").open("ab") as file:
        file.write(b"\n")
    assert changed_files(dossier_copy) == ["tables/claims.csv"]


def test_packing_twice_changes_nothing(dossier_copy: Path) -> None:
    first = pack(dossier_copy).read_bytes()
    assert pack(dossier_copy).read_bytes() == first


def test_packing_needs_a_descriptor(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^datapackage\.json: found no such file"):
        pack(tmp_path)
    assert list(tmp_path.iterdir()) == []


# names, folders and archives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["kazakstan", "gone/folder", "x" * 5_000, "a\0b", "../builtin/kazakhstan"])
def test_no_such_dossier(where: str) -> None:
    error = refusal(where)
    assert error.found.startswith("no dossier '")
    assert "built-in name (kazakhstan)" in error.allowed
    assert len(str(error)) < 300


def test_a_folder_that_is_no_dossier(tmp_path: Path) -> None:
    assert str(refusal(tmp_path)).startswith("datapackage.json: found no such file")


def zipped(folder: Path, archive: Path, prefix: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as bundle:
        for path in sorted(folder.iterdir()):
            bundle.write(path, prefix + path.name)
    return archive


@pytest.mark.parametrize("prefix", ["", "my-state/", "a/b/c/"])
def test_a_zip_is_the_folder(dossier_copy: Path, prefix: str) -> None:
    archive = zipped(dossier_copy, dossier_copy.parent / "kaz.zip", prefix)
    packed, plain = load_dossier(archive), load_dossier(str(dossier_copy))
    assert packed.header == plain.header
    assert packed.hashes == plain.hashes
    assert all(packed.tables[name].equals(frame) for name, frame in plain.tables.items())


def test_the_unpacked_copy_is_gone_afterwards(dossier_copy: Path) -> None:
    archive = zipped(dossier_copy, dossier_copy.parent / "kaz.zip")
    with open_folder(archive) as folder:
        assert (folder / DESCRIPTOR).is_file()
    assert not folder.exists()


def test_the_outermost_descriptor_counts(dossier_copy: Path) -> None:
    archive = zipped(dossier_copy, dossier_copy.parent / "kaz.zip", "z/")
    with zipfile.ZipFile(archive, "a") as bundle:
        bundle.writestr("a/old/datapackage.json", "{}")
    assert load_dossier(archive).focal == "KAZ"


def test_a_zip_without_a_dossier(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("readme.txt", "nothing")
    assert str(refusal(archive)).startswith("datapackage.json: found no such file")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.csv",
        "a/../../evil.csv",
        "/tmp/evil.csv",
        "..\\evil.csv",
        "C:\\evil.csv",
        "C:evil.csv",
        "\x1b[2J/../evil",
    ],
)
def test_members_that_leave_the_archive(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(DESCRIPTOR, "{}")
        bundle.writestr(zipfile.ZipInfo(name), "evil")
    error = refusal(archive)
    assert error.file == "evil.zip"
    assert error.allowed == "names inside the archive"
    assert str(error).isprintable()
    assert [path.name for path in tmp_path.iterdir()] == ["evil.zip"]


def test_a_link_in_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    link = zipfile.ZipInfo("facts.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    assert refusal(archive).found == "member 'facts.csv' which is a link or not a plain file"


def test_too_many_members(tmp_path: Path) -> None:
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for number in range(1_001):
            bundle.writestr(f"{number}.csv", "")
    assert str(refusal(archive)) == "many.zip: found 1001 members; allowed: at most 1000."


def test_a_member_twice(tmp_path: Path) -> None:
    archive = tmp_path / "twice.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("facts.csv", "a")
        with pytest.warns(UserWarning, match="Duplicate name"):
            bundle.writestr("facts.csv", "b")
    assert refusal(archive).found == "member 'facts.csv' twice"


def test_a_member_that_is_a_file_and_a_folder(tmp_path: Path) -> None:
    archive = tmp_path / "both.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(DESCRIPTOR, "{}")
        bundle.writestr("facts.csv", "a")
        bundle.writestr("facts.csv/more.csv", "b")
    assert refusal(archive).found == "a member that cannot be unpacked"


def test_a_size_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a.csv", b"0" * 5_000_000)
    monkeypatch.setattr(reading_room, "LIMITS", replace(reading_room.LIMITS, total_bytes=4_999_999))
    error = refusal(archive)
    assert error.found == "5000000 bytes when unpacked"
    assert error.allowed == "at most 4999999 bytes"


@pytest.mark.parametrize("declared", [10, 4_000_000])
def test_a_size_that_is_a_lie(tmp_path: Path, declared: int) -> None:
    archive = tmp_path / "liar.zip"
    true = 3_000_000
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(DESCRIPTOR, b" " * true)
    data = archive.read_bytes()
    changed = data.replace(true.to_bytes(4, "little"), declared.to_bytes(4, "little"))
    assert changed != data
    archive.write_bytes(changed)
    assert refusal(archive).file in {"liar.zip", DESCRIPTOR}


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"PK\x05\x06" + b"\0" * 17, b"claim_id,statement\n", b"\0" * 99]
)
def test_files_that_are_no_zip(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "not.zip"
    path.write_bytes(data)
    assert str(refusal(path)).startswith("not.zip: found a file that is not a zip archive; allowed:")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damaged_archives_are_refused_or_read_right(tmp_path: Path, method: int) -> None:
    archive = tmp_path / "kaz.zip"
    with zipfile.ZipFile(archive, "w", method) as bundle:
        bundle.writestr(DESCRIPTOR, json.dumps({"name": "x", "numbers": list(range(500))}))
        bundle.writestr("facts.csv", "measure,value\n" * 100)
    whole = archive.read_bytes()
    for data in damaged(whole, random.Random(7), 60):
        archive.write_bytes(data)
        assert refusal(archive).exit_code == 2


def damaged(whole: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """Copies with one byte changed, or cut short."""
    for _ in range(count):
        at = chance.randrange(len(whole))
        if chance.random() < 0.2:
            yield whole[:at]
        else:
            yield whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
