"""Reading a dossier: a folder, a zip or a built-in name in, checked tables out."""

from __future__ import annotations

import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path, PurePosixPath

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, quoted
from betweengiants.core.tables import Kind, read_table
from betweengiants.dossier import checks, descriptor, schema

MAX_UNPACKED_BYTES = 500_000_000
MAX_MEMBERS = 1_000
EMPTY: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "flag": pl.Boolean(),
}
# What the zipfile module raises for damage, unknown methods and passwords.
BROKEN_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Dossier:
    """All the evidence on one focal state.

    Attributes:
        header: name, version, focal state, powers, base year.
        tables: frames by table name (see `schema`).
        hashes: SHA-256 of each table's file, by table name.
    """

    header: descriptor.Header
    tables: dict[str, pl.DataFrame]
    hashes: dict[str, str]

    @property
    def focal(self) -> str:
        """Code of the focal state."""
        return self.header.focal

    @property
    def powers(self) -> tuple[str, ...]:
        """Codes of the powers, in the order in which they are shown."""
        return self.header.powers

    def has(self, *names: str) -> bool:
        """Whether the dossier holds all these tables."""
        return all(name in self.tables for name in names)

    def parameter(self, name: str) -> tuple[float, float, float]:
        """Central value, low and high of a parameter; bounds that are not given equal the value.

        Raises:
            UnknownLabel: no such parameter.
        """
        rows = self.tables["parameters"].filter(pl.col("parameter") == name)
        if rows.height == 0:
            known = self.tables["parameters"]["parameter"]
            raise UnknownLabel(name, known, what="parameter", file="parameters.csv")
        row = rows.row(0, named=True)
        value = float(row["value"])
        low = value if row["low"] is None else float(row["low"])
        high = value if row["high"] is None else float(row["high"])
        return value, low, high

    @cached_property
    def actor_names(self) -> dict[str, str]:
        """Names of the actors by id."""
        actors = self.tables["actors"]
        return dict(zip(actors["actor"], actors["name"], strict=True))


def builtin_names() -> list[str]:
    """Names of the dossiers that come with the package."""
    root = files("betweengiants.dossier").joinpath("builtin")
    return sorted(entry.name for entry in root.iterdir() if entry.joinpath(descriptor.DESCRIPTOR).is_file())


def load_dossier(where: str | Path = "kazakhstan") -> Dossier:
    """Read and check a dossier.

    Args:
        where: a folder, a .zip, or the name of a built-in dossier.

    Raises:
        DataError: what is wrong and where; nothing is repaired silently.
    """
    with open_folder(where) as folder:
        return _read(folder)


@contextmanager
def open_folder(where: str | Path) -> Iterator[Path]:
    """The dossier as a folder: itself, the built-in one, or a zip unpacked for the while.

    Raises:
        DataError: no such dossier, or a hostile archive.
    """
    path = Path(where)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError:  # a name that is too long for a path
        is_folder = is_file = False
    if is_folder:
        yield path
    elif is_file:
        with tempfile.TemporaryDirectory() as scratch:
            yield _unpack(path, Path(scratch))
    elif str(where) in builtin_names():
        root = files("betweengiants.dossier").joinpath("builtin", str(where))
        with as_file(root) as folder:
            yield folder
    else:
        raise DataError(
            found=f"no dossier {quoted(where)}",
            allowed=f"a folder, a zip, or a built-in name ({', '.join(builtin_names())})",
        )


def _read(folder: Path) -> Dossier:
    header = descriptor.read_header(folder)
    tables: dict[str, pl.DataFrame] = {}
    for table, path in header.paths.items():
        tables[table] = _read_table(folder, table, path)
    checks.check_all(tables)
    _check_header(header, tables)
    hashes = {table: descriptor.sha256(folder / path) for table, path in header.paths.items()}
    return Dossier(header, tables, hashes)


def _read_table(folder: Path, table: str, path: str) -> pl.DataFrame:
    """One table with every column of its layout; optional columns that the file lacks are empty."""
    fields = schema.tables()[table]
    frame = read_table(
        folder / path,
        {field.name: field.kind for field in fields if not field.optional},
        optional={field.name: field.kind for field in fields if field.optional},
        blanks=[field.name for field in fields if not field.required],
        name=path,
    )
    absent = (field for field in fields if field.name not in frame.columns)
    empty = (pl.lit(None, EMPTY[field.kind]).alias(field.name) for field in absent)
    return frame.with_columns(*empty).select(field.name for field in fields)


def _check_header(header: descriptor.Header, tables: dict[str, pl.DataFrame]) -> None:
    actors = set(tables["actors"]["actor"])
    labels = set(tables["trade_matrix"]["exporter"])
    for code in (header.focal, *header.powers):
        if code not in actors:
            raise UnknownLabel(code, actors, what="actor", file=descriptor.DESCRIPTOR)
        if code not in labels:
            raise UnknownLabel(code, labels, what="country of trade_matrix.csv", file=descriptor.DESCRIPTOR)
    if header.focal in header.powers:
        raise DataError(
            file=descriptor.DESCRIPTOR, found="the focal state among the powers", allowed="other states"
        )


def _unpack(archive: Path, scratch: Path) -> Path:
    """Unpack a zip after checking every member; returns the folder that holds the descriptor."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = bundle.infolist()
            _check_members(archive.name, members)
            for member in members:
                if not member.is_dir():
                    _unpack_one(bundle, member, scratch)
    except (*BROKEN_ZIP, OSError) as error:
        raise DataError(
            file=archive.name, found="a file that is no readable zip", allowed="a folder or a zip"
        ) from error
    found = sorted(scratch.rglob(descriptor.DESCRIPTOR), key=lambda p: (len(p.parts), str(p)))
    return found[0].parent if found else scratch


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise DataError(file=name, found=f"{len(members)} members", allowed=f"at most {MAX_MEMBERS}")
    total = sum(member.file_size for member in members)
    if total > MAX_UNPACKED_BYTES:
        raise DataError(
            file=name, found=f"{total:,} bytes once unpacked", allowed=f"at most {MAX_UNPACKED_BYTES:,}"
        )
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        twice = next(label for at, label in enumerate(names) if label in names[:at])
        raise DataError(file=name, found=f"the member {quoted(twice)} twice", allowed="each member once")
    for member in members:
        path = PurePosixPath(member.filename)
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in member.filename
            or ":" in member.filename
            or is_link
        ):
            raise DataError(
                file=name,
                found=f"the member {quoted(member.filename)}",
                allowed="plain files inside the archive's own folder",
            )


def _unpack_one(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, scratch: Path) -> None:
    """Never write more than the archive declared for a member."""
    target = scratch / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with bundle.open(member) as source, target.open("wb") as sink:
        left = member.file_size
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise DataError(
                    file=member.filename, found="more bytes than declared", allowed="an honest archive"
                )
            sink.write(chunk)
