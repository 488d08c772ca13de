import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from betweengiants.core.errors import DataError
from betweengiants.sources.archives import RATIO_FROM, Limits, open_archive, unpack

Make = Callable[..., Path]


def names(path: Path, limits: Limits | None = None) -> list[str]:
    with open_archive(path, limits) as (_, members):
        return [member.filename for member in members]


def test_plain_members_in_order_without_folders(make_zip: Make) -> None:
    path = make_zip(("b.csv", b"2"), ("sub/", b""), ("sub/a.csv", b"1"))
    assert names(path) == ["b.csv", "sub/a.csv"]


@pytest.mark.parametrize(
    "name", ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "C:evil.csv", "..\\evil.csv", "a/.."]
)
def test_names_that_point_outside(make_zip: Make, name: str) -> None:
    with pytest.raises(DataError, match="points outside"):
        names(make_zip((name, b"x")))


def test_a_link(make_zip: Make) -> None:
    link = zipfile.ZipInfo("BACI_HS17_Y2022_V202501.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link"):
        names(make_zip((link, b"/etc/passwd")))


def test_a_name_twice(make_zip: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = make_zip(("a.csv", b"1"), ("a.csv", b"2"))
    with pytest.raises(DataError, match="twice"):
        names(path)


def test_an_encrypted_member(make_zip: Make) -> None:
    path = make_zip(("a.csv", b"1"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        names(path)


def test_sizes(make_zip: Make) -> None:
    path = make_zip(("a.csv", b"x" * 100), ("b.csv", b"x" * 100))
    with pytest.raises(DataError, match=r"member 'a\.csv' of 100 bytes"):
        names(path, Limits(member_bytes=99))
    with pytest.raises(DataError, match="200 bytes when unpacked"):
        names(path, Limits(total_bytes=199))
    with pytest.raises(DataError, match="2 members"):
        names(path, Limits(members=1))
    assert len(names(path, Limits(member_bytes=100, total_bytes=200, members=2))) == 2


def test_a_bomb(make_zip: Make) -> None:
    with pytest.raises(DataError, match="times its size"):
        names(make_zip(("a.csv", b"0" * (RATIO_FROM + 1))))


def test_a_member_that_lies_about_its_length(make_zip: Make, tmp_path: Path) -> None:
    path = make_zip(("a.csv", b"x" * 1000))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    with open_archive(path) as (archive, members), pytest.raises(DataError, match=r"a\.csv"):
        unpack(archive, members[0], tmp_path / "out", path.name)
    assert (tmp_path / "out").stat().st_size <= 10


def test_a_damaged_member(make_zip: Make, tmp_path: Path) -> None:
    path = make_zip(("a.csv", bytes(range(256)) * 8))
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with (
        open_archive(path) as (archive, members),
        pytest.raises(DataError, match=r"cannot be unpacked|length"),
    ):
        unpack(archive, members[0], tmp_path / "out", path.name)


def test_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a zip archive"):
        names(path)
