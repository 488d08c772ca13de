"""CEPII BACI: reconciled bilateral trade by product, added up to country pairs.

Layout as published: `BACI_HS{nomenclature}_Y{year}_V{release}.csv` with columns t year, i exporter, j
importer (numbers), k product (six digits), v thousand current USD, q tonnes; only positive flows; a zip
holds one nomenclature, all years.

Numbers are ISO 3166-1 but for those in baci_codes.csv. Domestic sales are not in BACI. The data are added
up by DuckDB one year's file at a time, in decimals, so that the sums do not depend on the order of the rows.
"""

from __future__ import annotations

import contextlib
import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, summary
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.sources.archives import Limits, free_bytes, open_archive, unpack
from betweengiants.sources.base import Pulled, labels_by_number, own_codes

NEEDED = ("t", "i", "j", "k", "v")
USD_PER_UNIT = 1000
MEMBER = re.compile(r"(?:.*/)?BACI_[^/]*_Y\d{4}_V[^/]*\.csv", re.IGNORECASE)
# Pairs among the largest economies practically always trade: three of them without any trade is a hole in the data.
LARGEST, SUSPECT, FEWEST_ECONOMIES = 60, 3, 20
QUERY = """
    SELECT t, i, j,
           CAST(sum(value) AS DOUBLE) AS value,
           count(*) FILTER (value IS NULL OR value < 0 OR k IS NULL) AS bad
    FROM (SELECT trim(t) AS t, trim(i) AS i, trim(j) AS j, k,
                 TRY_CAST(trim(v) AS DECIMAL(24, 6)) * CAST({unit} AS DECIMAL(4, 0)) AS value
          FROM read_csv($path, header = true, all_varchar = true, auto_detect = false,
                        delim = ',', quote = '"', columns = {columns}))
    GROUP BY t, i, j
"""


def read_baci(path: Path | str, *, memory: str = "2GB", limits: Limits | None = None) -> Pulled:
    """Read a BACI zip, or one year's CSV.

    Args:
        path: the file as published.
        memory: limit for DuckDB; what does not fit goes to a temporary folder.
        limits: see `archives.Limits`.

    Returns:
        Table `flows`: year, exporter, importer, value (current USD, f.o.b.), sorted; notes on numbers that
        are no ISO states, on pairs that fell together, and on pairs that cannot have been recorded.

    Raises:
        DataError: not such a file, a hostile archive, a cell that cannot be read, an unknown country
            number, one year in two files.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(file=path.name, found="no such file", allowed="a BACI zip or CSV file")
    parts: list[pl.DataFrame] = []
    years: dict[int, str] = {}
    for name, file in _files(path, limits):
        part = _labelled(_added_up(file, name, memory), file, name)
        for year in part["year"].unique().sort():
            if year in years:
                raise DataError(
                    file=name, found=f"year {year}, also in {years[year]}", allowed="each year once"
                )
            years[year] = name
        parts.append(part)
    return _finish(pl.concat(parts))


def unrecorded(frame: pl.DataFrame) -> dict[int, list[str]]:
    """Economies that show no trade with one another in either direction, by year, the largest trader first.

    BACI needs one reporter for each pair. Economies that have not reported in a nomenclature have no pairs
    among
    themselves: missing values that look like zeros. The group is found by adding, to a large economy with
    many such gaps, one economy after another that has no trade with any in the group (a greedy clique).

    Args:
        frame: year, exporter, importer, value.

    Returns:
        year -> labels; only years in which at least three of the 60 largest traders are in the group.
    """
    found = {}
    for (year,), part in sorted(frame.partition_by("year", as_dict=True).items()):
        traders = (
            pl.concat(
                [part.select(label="exporter", value="value"), part.select(label="importer", value="value")]
            )
            .group_by("label")
            .agg(pl.col("value").sum())
            .sort("value", "label", descending=[True, False])["label"]
            .to_list()
        )
        if len(traders) < FEWEST_ECONOMIES:
            continue
        place = {label: k for k, label in enumerate(traders)}
        apart = np.ones((len(traders), len(traders)), dtype=bool)
        rows = [place[label] for label in part["exporter"]]
        columns = [place[label] for label in part["importer"]]
        apart[rows, columns] = apart[columns, rows] = False
        np.fill_diagonal(apart, False)
        group = _group(apart)
        if sum(k < LARGEST for k in group) >= SUSPECT:
            found[int(year)] = [traders[k] for k in group]
    return found


def _group(apart: NDArray[np.bool_]) -> list[int]:
    """Greedy clique of the graph `apart`, from the vertex among the first LARGEST that has most gaps among them."""
    top = min(LARGEST, len(apart))
    start = int(apart[:top, :top].sum(axis=1).argmax())
    group, open_to = [start], apart[start].copy()
    while open_to.any():
        degrees = np.where(open_to, apart[:, open_to].sum(axis=1), -1)
        chosen = int(degrees.argmax())
        group.append(chosen)
        open_to &= apart[chosen]
    return sorted(group)


def _files(path: Path, limits: Limits | None) -> Iterator[tuple[str, Path]]:
    """Name and place of each CSV file; members of a zip are unpacked one at a time and removed afterwards."""
    if path.suffix.lower() != ".zip":
        with tempfile.TemporaryDirectory() as folder:
            # DuckDB would take such a name for a pattern of several files.
            odd = any(mark in str(path.resolve()) for mark in "*?[")
            plain = Path(shutil.copyfile(path, Path(folder) / "year.csv")) if odd else path.resolve()
            yield path.name, plain
        return
    with open_archive(path, limits) as (archive, members), tempfile.TemporaryDirectory() as folder:
        wanted = [member for member in members if MEMBER.fullmatch(member.filename)]
        if not wanted:
            names = summary(member.filename for member in members)
            raise DataError(
                file=path.name,
                found=f"no member BACI_HS.._Y...._V.......csv ({names})",
                allowed="a BACI archive",
            )
        for member in wanted:
            if member.file_size > free_bytes(Path(folder)):
                raise DataError(
                    file=path.name,
                    found=f"{member.file_size} bytes to unpack and less room in {tempfile.gettempdir()}",
                    allowed="room for one year's file",
                )
            file = unpack(archive, member, Path(folder) / "year.csv", path.name)
            yield f"{path.name}/{member.filename}", file
            file.unlink()


def _added_up(file: Path, name: str, memory: str) -> pl.DataFrame:
    """Sums by raw year and numbers: t, i, j (text), value (USD), bad (number of unreadable rows)."""
    import duckdb

    columns = _header(file, name)
    layout = "{" + ", ".join(f"'{column}': 'VARCHAR'" for column in columns) + "}"
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": folder,
            "preserve_insertion_order": "false",
            # Left to itself DuckDB would fetch extensions from the network.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        with duckdb.connect(config=settings) as connection:
            try:
                rows = connection.execute(
                    QUERY.format(columns=layout, unit=USD_PER_UNIT), {"path": str(file)}
                ).fetchall()
            except duckdb.Error as error:
                raise _first_fault(file, name) from error
    frame = pl.DataFrame(
        rows,
        schema={"t": pl.String, "i": pl.String, "j": pl.String, "value": pl.Float64, "bad": pl.Int64},
        orient="row",
    )
    if frame.is_empty():
        raise DataError(file=name, found="no rows below the header", allowed="at least one row")
    if frame["bad"].sum() or frame.select(pl.any_horizontal(pl.col("t", "i", "j").is_null()).any()).item():
        raise _first_fault(file, name)
    return frame


def _header(file: Path, name: str) -> list[str]:
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        columns = [cell.strip() for cell in text.readline(10_000).rstrip("\r\n").split(",")]
    columns = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in columns]
    if len(set(columns)) < len(columns) or not all(re.fullmatch(r"\w{1,40}", cell) for cell in columns):
        raise DataError(file=name, row=1, found="a header that is not BACI's", allowed="t,i,j,k,v,q")
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise DataError(
            file=name, row=1, found=f"no column '{missing[0]}' ({', '.join(columns)})", allowed="t,i,j,k,v,q"
        )
    return columns


def _labelled(sums: pl.DataFrame, file: Path, name: str) -> pl.DataFrame:
    """Numbers to labels: year, i, j (integers), exporter, importer, value in USD."""
    labels = labels_by_number("baci", "iso_numeric")
    for column, pattern in (("t", r"^\d{4}$"), ("i", r"^\d{1,3}$"), ("j", r"^\d{1,3}$")):
        wrong = sums.filter(~pl.col(column).str.contains(pattern))
        if wrong.height:
            raise _first_fault(file, name)
    frame = sums.with_columns(pl.col("t", "i", "j").cast(pl.Int64))
    for column in ("i", "j"):
        unknown = sorted(set(frame[column].unique()) - set(labels))
        if unknown:
            raise DataError(
                file=name,
                row=_row_of(file, column, unknown[0]),
                column=column,
                found=f"country number {unknown[0]}",
                allowed="ISO 3166-1 numbers and those of sources/baci_codes.csv",
            )
    return frame.select(
        year="t",
        i="i",
        j="j",
        exporter=pl.col("i").replace_strict(labels, return_dtype=pl.String),
        importer=pl.col("j").replace_strict(labels, return_dtype=pl.String),
        value="value",
    )


def _first_fault(file: Path, name: str) -> DataError:
    """Find the row that DuckDB could not use (slow path, only for messages)."""

    def number(text: str) -> bool:
        try:
            return 0 <= float(text) < 1e15
        except ValueError:
            return False

    tests: dict[str, tuple[Callable[[str], bool], str]] = {
        "t": (lambda text: re.fullmatch(r"\d{4}", text) is not None, "a year"),
        "i": (lambda text: re.fullmatch(r"\d{1,3}", text) is not None, "a country number"),
        "j": (lambda text: re.fullmatch(r"\d{1,3}", text) is not None, "a country number"),
        "k": (lambda text: text != "", "a product code"),
        "v": (number, "thousand USD, at least 0"),
    }
    with contextlib.suppress(csv.Error):
        for row, cells in _rows(file):
            for column, (accepts, allowed) in tests.items():
                text = (cells.get(column) or "").strip()
                if not accepts(text):
                    found = f"'{text[:40]}'"
                    return DataError(file=name, row=row, column=column, found=found, allowed=allowed)
            if None in cells or None in cells.values():
                found = "a row longer or shorter than the header"
                return DataError(file=name, row=row, found=found, allowed="t,i,j,k,v,q")
    return DataError(file=name, found="a layout that cannot be read", allowed="CSV with t,i,j,k,v,q")


def _row_of(file: Path, column: str, number: int) -> int | None:
    """The first row with a number in a column."""
    return next((row for row, cells in _rows(file) if int(cells[column]) == number), None)


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        yield from enumerate(csv.DictReader(text), FIRST_RECORD)


def _finish(frame: pl.DataFrame) -> Pulled:
    """Add up numbers of one label, leave trade with oneself out, and say what happened."""
    notes = []
    own = own_codes("baci")
    for number in sorted({*frame["i"], *frame["j"]} & own.keys()):
        notes.append(
            f"number {number} ({own[number].name}) is written {own[number].label}: {own[number].note}"
        )
    itself = frame.filter(pl.col("exporter") == pl.col("importer"))
    for (label,), part in sorted(itself.partition_by("exporter", as_dict=True).items()):
        notes.append(
            f"left out: {part['value'].sum():.0f} USD between two numbers that are both written {label}"
        )
    flows = (
        frame.filter(pl.col("exporter") != pl.col("importer"), pl.col("value") > 0)
        .sort("year", "exporter", "importer", "i", "j")
        .group_by("year", "exporter", "importer", maintain_order=True)
        .agg(pl.col("value").sum())
    )
    for year, labels in unrecorded(flows).items():
        notes.append(
            f"{year}: {len(labels)} economies ({summary(labels)}) show no trade with one another in either "
            "direction: these pairs are missing, not zero; an older nomenclature of the release may have them"
        )
    return Pulled({"flows": flows}, tuple(notes))
