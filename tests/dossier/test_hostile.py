"""Dossiers from strangers: refused in one sentence, or read with bounded memory; nothing else ever comes out."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.csvout import csv_text
from betweengiants.core.errors import DataError, nearest
from betweengiants.dossier import load_dossier
from betweengiants.dossier.descriptor import DESCRIPTOR
from betweengiants.dossier.packing import pack

FUZZ_SECONDS = 20
FACTS = b"measure,subject,partner,period,value,unit,low,high,basis,warnings,source_id,note\n"
FACT = b"gdp,KAZ,,2024,100,usd_m,,,reported,,s1,\n"
Make = Callable[..., Path]


def refusal(where: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        load_dossier(where)
    text = str(caught.value)
    assert text.isprintable(), text
    assert len(text) < 400
    return caught.value


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / DESCRIPTOR
    package = json.loads(path.read_text("utf-8"))
    change(package)
    path.write_text(json.dumps(package), "utf-8")
    return folder


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(folder.iterdir()):
            bundle.write(path, path.name)
    return archive


@pytest.fixture
def folder(make_dossier: Make, tmp_path: Path) -> Path:
    return make_dossier(tmp_path / "d")


# descriptor ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("title", "half a pair \ud800", "text that is not JSON"),
        ("title", "x" * 501, "'title' of 501 characters"),
        ("name", "\x1b[2J", "'name' with the character U+001B"),
        ("name", "two\nlines", "'name' with the character U+000A"),
        ("version", "right to left \u202e", "'version' with the character U+202E"),
        ("extra", {"deep": "\ud800"}, "text that is not JSON"),
    ],
)
def test_text_that_cannot_be_printed(folder: Path, key: str, value: object, found: str) -> None:
    edit(folder, lambda package: package.update({key: value}))
    assert refusal(folder).found == found
    with pytest.raises(DataError):
        pack(folder)


@pytest.mark.parametrize("year", [0, -5, 10**30, 2201])
def test_years_that_no_calendar_has(folder: Path, year: int) -> None:
    edit(folder, lambda package: package["betweengiants"].update(base_year=year))
    assert refusal(folder).found == "a 'base_year' that no calendar has"


def test_more_powers_than_coalitions_can_be_counted_for(folder: Path) -> None:
    edit(folder, lambda package: package["betweengiants"].update(powers=[f"P{k}" for k in range(11)]))
    assert refusal(folder).found == "11 powers"


@pytest.mark.parametrize("depth", [1_500, 100_000])
def test_deep_json(folder: Path, depth: int) -> None:
    text = (folder / DESCRIPTOR).read_text("utf-8").strip()
    (folder / DESCRIPTOR).write_text(f'{text[:-1]}, "x": {"[" * depth}{"]" * depth}}}', "utf-8")
    assert refusal(folder).found == "text that is not JSON"
    with pytest.raises(DataError):
        pack(folder)


def test_numbers_with_more_digits_than_python_reads(folder: Path) -> None:
    text = (folder / DESCRIPTOR).read_text("utf-8").replace("2024", "9" * 5_000)
    (folder / DESCRIPTOR).write_text(text, "utf-8")
    assert refusal(folder).found == "text that is not JSON"


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['touch pwned']\n", "name: &a [*a]\n", "--- !!map {}\n"]
)
def test_yaml_is_not_read(folder: Path, text: str) -> None:
    (folder / DESCRIPTOR).write_text(text, "utf-8")
    assert refusal(folder).found == "text that is not JSON"


# links, devices, other kinds of files -------------------------------------------------------------------------


def test_a_descriptor_that_is_a_link(folder: Path) -> None:
    (folder / DESCRIPTOR).rename(folder.parent / "other.json")
    (folder / DESCRIPTOR).symlink_to(folder.parent / "other.json")
    assert refusal(folder).found == "a link"


@pytest.mark.parametrize("name", ["facts.csv", DESCRIPTOR])
def test_pipes_are_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refusal(folder).found.startswith("no such file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin", "/dev/random"])
def test_devices_are_not_read(folder: Path, device: str) -> None:
    assert refusal(Path(device)).found.startswith("no dossier")
    (folder / "facts.csv").unlink()
    (folder / "facts.csv").symlink_to(device)
    assert refusal(folder).found == "no such file in the dossier"


def test_only_csv_is_a_table(folder: Path) -> None:
    """A Parquet file of some kilobytes may unpack to gigabytes."""
    pl.DataFrame({"measure": ["gdp"] * 2_000_000}).write_parquet(folder / "facts.parquet")

    def change(package: dict[str, Any]) -> None:
        next(entry for entry in package["resources"] if entry["name"] == "facts")["path"] = "facts.parquet"

    edit(folder, change)
    assert refusal(folder).allowed == "tables as .csv"


# tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (FACTS + FACT.replace(b"100", b"1" + b"0" * 90_000), "'1000"),
        (FACTS + FACT.replace(b"KAZ", b"K" * 90_000), "unknown actor 'KKKK"),
        (FACTS + FACT[:-1] + b"x" * 100_001 + b"\n", "a cell of 100001 bytes"),
        (b"x" * 1_000_000 + b"," + FACTS + FACT, "a very long cell"),
        (FACTS[:-1] + b",x" * 200_000 + b"\n" + FACT, "200,012 columns"),
        (FACTS + FACT + b"\0" * 10, "binary data"),
        ((FACTS + FACT).decode().encode("utf-16"), "binary data"),
        (
            FACTS + FACT[:-1] + "Қазақстан".encode("cp1251", "replace") + "Ж\n".encode("cp1251"),
            "a byte that is not UTF-8",
        ),
        (FACTS + FACT[:-1] + b"\xc0\xaf\n", "a byte that is not UTF-8"),
        (FACTS + FACT[:-1] + b"\xed\xa0\x80\n", "a byte that is not UTF-8"),
        (FACTS + FACT[:-1] + b"\x1b[2J\n", "a control character in"),
        (FACTS + FACT[:-1] + "\uffff\n".encode(), "a control character in"),
        ((FACTS + FACT).replace(b"\n", b"\r"), "line ends of CR alone"),
        (FACTS + b'"' + FACT * 10_000, "a "),
        (FACTS + FACT + FACT, "a second row for measure=gdp"),
    ],
    ids=range(15),
)
def test_hostile_tables(folder: Path, data: bytes, found: str) -> None:
    (folder / "facts.csv").write_bytes(data)
    assert refusal(folder).found.startswith(found)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['id']",
        "=cmd|' /C calc'!A0",
        "{{7*7}} ${7*7} <%= 7*7 %>",
        "+ADw-script+AD4-",
        "__import__('os').system('id')",
    ],
)
def test_text_stays_text(folder: Path, text: str) -> None:
    (folder / "facts.csv").write_bytes(FACTS + FACT[:-1] + text.replace(",", ";").encode() + b"\n")
    assert load_dossier(folder).tables["facts"]["note"][0] == text.replace(",", ";")


def test_suggestions_among_a_million_names() -> None:
    names = [f"A{k:06d}" for k in range(400_000)] + ["A" * 90_000, "ZZTOP", "KAZAKHSTAN"]
    assert nearest("KAZAKSTAN", names) == ["KAZAKHSTAN"]
    assert nearest("K" * 90_000, names) == []


# formulas in what is written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "=HYPERLINK(0)", "-cmd", "--1", "=", "-1e3x"],
)
def test_formulas_are_defused(text: str) -> None:
    (cell,) = pl.read_csv(csv_text(pl.DataFrame({"a": [text]})).encode(), infer_schema=False)["a"]
    assert cell == (text if text == "=" else f"'{text}")


@given(
    st.text(max_size=12)
    | st.sampled_from(["=", "+", "-", "@"]).flatmap(lambda c: st.text(max_size=4).map(lambda t: c + t))
)
def test_no_cell_starts_a_formula_and_no_other_is_changed(text: str) -> None:
    written = csv_text(pl.DataFrame({"a": [text, "x"], "n": [-1.5, -2.0]}))
    cell = list(csv.reader(io.StringIO(written, newline="")))[1][0]
    if cell != text:
        assert cell == f"'{text}"
        assert text[0] in "=+-@\t\r"
    elif text[:1] in tuple("=+-@\t\r"):
        assert len(text) == 1 or float(text) is not None
    assert "\n" in written
    assert written.endswith(",-2.0\n")


@pytest.mark.parametrize("text", ["-5", "-5.25", "+7", "-1e-5", "-.5", "2024-02", "a=b", "'quoted", ""])
def test_numbers_and_text_stay(text: str) -> None:
    frame = pl.read_csv(csv_text(pl.DataFrame({"a": [text], "b": [1]})).encode(), infer_schema=False)
    assert (frame["a"][0] or "") == text


def test_names_of_columns_are_defused() -> None:
    assert csv_text(pl.DataFrame({"=1+1": [1]})) == "'=1+1\n1\n"


# archives -----------------------------------------------------------------------------------------------------


def test_members_that_differ_by_case_or_dots(folder: Path, tmp_path: Path) -> None:
    for name in ("FACTS.csv", "./facts.csv", "facts.csv"):
        archive = zipped(folder, tmp_path / "twice.zip")
        with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as bundle:
            warnings.simplefilter("ignore")
            bundle.writestr(name, "x")
        assert refusal(archive).found == f"member '{name}' twice"


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFLNK])
def test_members_that_are_no_plain_files(folder: Path, tmp_path: Path, kind: int) -> None:
    archive = zipped(folder, tmp_path / "device.zip")
    member = zipfile.ZipInfo("device.csv")
    member.create_system, member.external_attr = 3, (kind | 0o666) << 16
    with zipfile.ZipFile(archive, "a") as bundle:
        bundle.writestr(member, "")
    assert refusal(archive).found == "member 'device.csv' which is a link or not a plain file"


def test_an_encrypted_member(folder: Path, tmp_path: Path) -> None:
    archive = zipped(folder, tmp_path / "locked.zip")
    data = bytearray(archive.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert refusal(archive).found.endswith("which is encrypted")


def test_a_list_of_members_that_is_too_long(tmp_path: Path) -> None:
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for number in range(9_000):
            bundle.writestr(f"{number:05d}", "")
    assert refusal(archive).found.startswith("a list of members of 4")


def test_a_bomb_is_refused_by_what_it_declares(folder: Path, tmp_path: Path) -> None:
    archive = zipped(folder, tmp_path / "bomb.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("zeros.csv", b"0" * 20_000_000)
    assert archive.stat().st_size < 100_000
    assert "times its size" in refusal(archive).found


def test_what_is_no_table_is_not_unpacked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(folder, tmp_path / "more.zip")
    with zipfile.ZipFile(archive, "a") as bundle:
        bundle.writestr("run.sh", "echo")
        bundle.writestr("notes/readme.md", "text")
    written: list[str] = []
    from betweengiants.dossier import reading

    unpack = reading.unpack
    monkeypatch.setattr(
        reading, "unpack", lambda b, m, t, n: written.append(m.filename) or unpack(b, m, t, n)
    )
    load_dossier(archive)
    assert sorted(written) == sorted(path.name for path in folder.iterdir())


# memory -------------------------------------------------------------------------------------------------------

PEAK = """
import sys
from betweengiants.core.errors import DataError
from betweengiants.dossier import load_dossier
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
try:
    told = sum(frame.height for frame in load_dossier(sys.argv[1]).tables.values())
except DataError as error:
    told = str(error)
print((peak() - before) // 1024, told)
"""


def peak_of(where: Path) -> tuple[int, str]:
    """Megabytes of memory that reading takes at most beyond the imports, and what came out."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("no /proc to read the peak of memory from")
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(where)], capture_output=True, text=True, check=True, timeout=120
    )
    megabytes, told = done.stdout.strip().split(" ", 1)
    return int(megabytes), told


def test_a_million_rows_are_read_with_bounded_memory(folder: Path) -> None:
    rows = b"".join(b"gdp,KAZ,,%d,100,usd_m,,,reported,,s1,\n" % period for period in range(1_000_000))
    (folder / "facts.csv").write_bytes(FACTS + rows)
    megabytes, told = peak_of(folder)
    assert told == "1000018"
    assert megabytes < 900  # 20 times the file


def test_a_table_that_is_too_large_is_refused_unread(folder: Path) -> None:
    with (folder / "facts.csv").open("wb") as file:
        file.truncate(3 << 30)  # no byte of it is on the disk
    megabytes, told = peak_of(folder)
    assert told.startswith("facts.csv: found 3,221,225,472 bytes; allowed: at most 67,108,864")
    assert megabytes < 60


def test_many_tables_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from betweengiants.dossier import reading

    monkeypatch.setattr(reading, "MAX_DOSSIER_BYTES", 100)
    assert refusal(folder).found.startswith("tables of ")
