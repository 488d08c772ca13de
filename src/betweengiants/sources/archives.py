"""Zip files from strangers: look at every member before one byte is unpacked.

Refused: absolute names, `..`, drive letters and backslashes, links and other things that are not plain files,
encrypted members, two members of one name (in capitals or not), a list of members too long to read, members or
archives larger than the limits by their own declaration, members that compress beyond belief, and members that turn
out longer than declared.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from betweengiants.core.errors import DataError, quoted

GIB = 1 << 30
CHUNK = 1 << 20
RATIO_FROM = 10 << 20
# What the zipfile module raises for damage, unknown methods and passwords (some of it by subclasses of RuntimeError).
BROKEN = (
    zipfile.BadZipFile,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
# Bytes of the list of members for each that is allowed: names are short.
DIRECTORY_BYTES = 400


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most.

    Attributes:
        members: number of members.
        member_bytes: unpacked size of one member.
        total_bytes: unpacked size of all together (BACI HS92 is about 8 GiB).
        ratio: unpacked over packed size, for members of more than 10 MiB (trade tables reach about 10).
    """

    members: int = 10_000
    member_bytes: int = 4 * GIB
    total_bytes: int = 64 * GIB
    ratio: float = 200.0


@contextmanager
def open_archive(
    path: Path, limits: Limits | None = None
) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """A checked zip file and its plain members, sorted by name.

    Raises:
        DataError: not a zip file, or one of the refusals above.
    """
    limits = limits or Limits()
    try:
        _check_directory(path, limits)
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise DataError(
            file=path.name, found="a file that is not a zip archive", allowed="a zip archive"
        ) from error
    with archive:
        yield archive, _checked(archive.infolist(), path.name, limits)


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, label: str) -> Path:
    """Write one checked member to the file `target`, never more bytes than it declares.

    Raises:
        DataError: damaged, or longer or shorter than declared.
    """
    written = 0
    try:
        with archive.open(member) as source, target.open("wb") as out:
            while chunk := source.read(CHUNK):
                written += len(chunk)
                if written > member.file_size:
                    break
                out.write(chunk)
    except BROKEN as error:
        raise _refusal(label, member, "which cannot be unpacked", "an undamaged member") from error
    if written != member.file_size:
        raise _refusal(label, member, "whose length is not the declared one", "an undamaged member")
    return target


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder."""
    return shutil.disk_usage(folder).free


def _check_directory(path: Path, limits: Limits) -> None:
    """Look at the length of the list of members before zipfile reads it into memory (about 1 kB a member)."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise zipfile.BadZipFile
    listed = struct.unpack_from("<L", tail, end + 12)[0]
    large = tail.rfind(b"PK\x06\x06")
    if large >= 0:  # zip64 keeps the true length in a record of its own
        listed = max(listed % 0xFFFFFFFF, struct.unpack_from("<Q", tail, large + 40)[0])
    if listed > limits.members * DIRECTORY_BYTES:
        raise DataError(
            file=path.name,
            found=f"a list of members of {listed:,} bytes",
            allowed=f"at most {limits.members:,} members",
        )


def _checked(members: list[zipfile.ZipInfo], label: str, limits: Limits) -> list[zipfile.ZipInfo]:
    if len(members) > limits.members:
        raise DataError(file=label, found=f"{len(members)} members", allowed=f"at most {limits.members}")
    plain: dict[str, zipfile.ZipInfo] = {}
    places: set[str] = set()
    total = 0
    for member in members:
        _check_name(member, label)
        if member.is_dir():
            continue
        _check_kind(member, label)
        _check_size(member, label, limits)
        place = PurePosixPath(member.filename).as_posix().casefold()
        if place in places:
            raise _refusal(label, member, "twice", "each name once")
        places.add(place)
        plain[member.filename] = member
        total += member.file_size
    if total > limits.total_bytes:
        raise DataError(
            file=label, found=f"{total} bytes when unpacked", allowed=f"at most {limits.total_bytes} bytes"
        )
    return [plain[name] for name in sorted(plain)]


def _check_name(member: zipfile.ZipInfo, label: str) -> None:
    # orig_filename: zipfile itself cuts names at a zero byte and turns the separator round on some systems.
    for name in (member.filename, member.orig_filename):
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in parts:
            raise _refusal(label, member, "which points outside the archive", "names inside the archive")


def _check_kind(member: zipfile.ZipInfo, label: str) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise _refusal(label, member, "which is a link or not a plain file", "plain files")
    if member.flag_bits & 0x1:
        raise _refusal(label, member, "which is encrypted", "members without a password")


def _check_size(member: zipfile.ZipInfo, label: str, limits: Limits) -> None:
    if member.file_size > limits.member_bytes:
        raise _refusal(
            label, member, f"of {member.file_size} bytes", f"at most {limits.member_bytes} bytes a member"
        )
    if member.file_size > RATIO_FROM and member.file_size > limits.ratio * max(member.compress_size, 1):
        raise _refusal(
            label,
            member,
            f"that unpacks to {member.file_size / max(member.compress_size, 1):.0f} times its size",
            f"at most {limits.ratio:g} times",
        )


def _refusal(label: str, member: zipfile.ZipInfo, found: str, allowed: str) -> DataError:
    return DataError(file=label, found=f"member {quoted(member.orig_filename)} {found}", allowed=allowed)
