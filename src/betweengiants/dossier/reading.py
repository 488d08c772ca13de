"""Reading a dossier: a folder, a zip or a built-in name in, checked tables out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path, PurePosixPath

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, quoted
from betweengiants.core.tables import FIRST_RECORD, Kind, read_table
from betweengiants.dossier import checks, descriptor, schema
from betweengiants.sources.archives import Limits, open_archive, unpack

MAX_TABLE_BYTES = 64 << 20
MAX_DOSSIER_BYTES = 256 << 20
LIMITS = Limits(members=1_000, member_bytes=MAX_TABLE_BYTES, total_bytes=MAX_DOSSIER_BYTES)
EMPTY: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "flag": pl.Boolean(),
}
# A character that XML 1.0 cannot hold (a drawing of the report would fail on it) or that a screen takes as a command.
CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFE}\x{FFFF}]"


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


def load_dossier(where: str | Path = "kazakhstan", *, complete: bool = True) -> Dossier:
    """Read and check a dossier. A table without rows counts as not there, unless it is a required one.

    Args:
        where: a folder, a .zip, or the name of a built-in dossier.
        complete: whether the required tables must have rows; a dossier that is being filled may lack them.

    Raises:
        DataError: what is wrong and where; nothing is repaired silently.
    """
    with open_folder(where) as folder:
        dossier = _read(folder)
    bare = empty_tables(dossier)
    if complete and bare:
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found=f"no rows yet in {', '.join(f'{table}.csv' for table in bare)}",
            allowed="at least one row in each (its README says what goes where)",
        )
    return dossier


def empty_tables(dossier: Dossier) -> list[str]:
    """Required tables without rows: those of a dossier that is still to be filled."""
    return [table for table in schema.REQUIRED_TABLES if not dossier.tables[table].height]


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
    _check_sizes(folder, header)
    read = {table: _read_table(folder, table, path) for table, path in header.paths.items()}
    tables = {
        table: frame for table, frame in read.items() if frame.height or table in schema.REQUIRED_TABLES
    }
    checks.check_all(tables)
    _check_header(header, tables)
    hashes = {table: descriptor.sha256(folder / header.paths[table]) for table in tables}
    return Dossier(header, tables, hashes)


def _check_sizes(folder: Path, header: descriptor.Header) -> None:
    """Tables that fit into memory: a dossier is evidence on one state, not a data base."""
    sizes = {path: (folder / path).stat().st_size for path in header.paths.values()}
    for path, size in sizes.items():
        if size > MAX_TABLE_BYTES:
            raise DataError(file=path, found=f"{size:,} bytes", allowed=f"at most {MAX_TABLE_BYTES:,}")
    total = sum(sizes.values())
    if total > MAX_DOSSIER_BYTES:
        raise DataError(
            file=descriptor.DESCRIPTOR,
            found=f"tables of {total:,} bytes together",
            allowed=f"at most {MAX_DOSSIER_BYTES:,}",
        )


def _read_table(folder: Path, table: str, path: str) -> pl.DataFrame:
    """One table with every column of its layout; optional columns that the file lacks are empty."""
    fields = schema.tables()[table]
    frame = read_table(
        folder / path,
        {field.name: field.kind for field in fields if not field.optional},
        optional={field.name: field.kind for field in fields if field.optional},
        blanks=[field.name for field in fields if not field.required],
        name=path,
        may_be_empty=True,
    )
    _require_printable(frame, path)
    absent = (field for field in fields if field.name not in frame.columns)
    empty = (pl.lit(None, EMPTY[field.kind]).alias(field.name) for field in absent)
    return frame.with_columns(*empty).select(field.name for field in fields)


def _require_printable(frame: pl.DataFrame, name: str) -> None:
    for column in frame.columns:
        if frame[column].dtype == pl.String:
            bad = frame[column].str.contains(CONTROL).fill_null(False)
            if bad.any():
                row = int(bad.arg_max() or 0)
                raise DataError(
                    file=name,
                    row=row + FIRST_RECORD,
                    column=column,
                    found=f"a control character in {quoted(frame[column][row])}",
                    allowed="text, tabs and line ends",
                )


def _check_header(header: descriptor.Header, tables: dict[str, pl.DataFrame]) -> None:
    actors = set(tables["actors"]["actor"])
    labels = set(tables["trade_matrix"]["exporter"])
    for code in (header.focal, *header.powers):
        if code not in actors:
            raise UnknownLabel(code, actors, what="actor", file=descriptor.DESCRIPTOR)
        if labels and code not in labels:
            raise UnknownLabel(code, labels, what="country of trade_matrix.csv", file=descriptor.DESCRIPTOR)
    if header.focal in header.powers:
        raise DataError(
            file=descriptor.DESCRIPTOR, found="the focal state among the powers", allowed="other states"
        )


def _unpack(archive: Path, scratch: Path) -> Path:
    """Unpack the outermost descriptor of a zip and the tables beside or below it; returns their folder."""
    try:
        with open_archive(archive, LIMITS) as (bundle, members):
            found = [m for m in members if PurePosixPath(m.filename).name == descriptor.DESCRIPTOR]
            if not found:
                return scratch
            outermost = min(found, key=lambda m: (len(PurePosixPath(m.filename).parts), m.filename))
            root = PurePosixPath(outermost.filename).parent
            for member in members:
                name = PurePosixPath(member.filename)
                if name.is_relative_to(root) and (member is outermost or name.suffix.lower() == ".csv"):
                    target = scratch / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    unpack(bundle, member, target, archive.name)
            return scratch / root
    except OSError as error:
        raise DataError(
            file=archive.name, found="a member that cannot be unpacked", allowed="plain files and folders"
        ) from error
