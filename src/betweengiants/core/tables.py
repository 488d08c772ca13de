"""Reading tables from strangers: CSV or Parquet in, typed frame out, one clear sentence for what is wrong.

Rows are numbered as a spreadsheet shows them: the header is row 1, the first record row 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from betweengiants.core.errors import DataError, summary

Kind = Literal["text", "number", "integer", "flag"]
FIRST_RECORD = 2
MAX_FIELD = 100_000
TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes"), ("false", "0", "no")


def read_table(
    path: Path | str,
    columns: Mapping[str, Kind],
    *,
    optional: Mapping[str, Kind] | None = None,
    blanks: Sequence[str] = (),
    name: str | None = None,
) -> pl.DataFrame:
    """Read a CSV or Parquet file with the named columns; other columns are dropped.

    Args:
        path: a .csv or .parquet file.
        columns: required columns and their kinds.
        optional: columns that may be absent.
        blanks: columns in which an empty cell is allowed (it becomes null).
        name: how messages call the file (default: its name).

    Returns:
        A frame with the required columns and those optional ones that the file has; text as String, number as
        Float64, integer as Int64, flag as Boolean.

    Raises:
        DataError: missing file, not UTF-8, empty, ragged, missing column, or a cell of the wrong kind.
    """
    path = Path(path)
    label = name or path.name
    raw = _read_raw(path, label)
    return typed(raw, columns, optional=optional, blanks=blanks, name=label)


def typed(
    raw: pl.DataFrame,
    columns: Mapping[str, Kind],
    *,
    optional: Mapping[str, Kind] | None = None,
    blanks: Sequence[str] = (),
    name: str = "table",
) -> pl.DataFrame:
    """Check and convert the columns of a frame that is already in memory (see `read_table`)."""
    wanted = dict(columns)
    for column in columns:
        if column not in raw.columns:
            raise DataError(
                file=name,
                found=f"no column '{column}' (columns: {summary(raw.columns)})",
                allowed=f"columns {', '.join(columns)}",
            )
    wanted |= {c: kind for c, kind in (optional or {}).items() if c in raw.columns}
    if raw.height == 0:
        raise DataError(file=name, found="no rows below the header", allowed="at least one row")
    return raw.select(_convert(raw[c], kind, c in blanks, name) for c, kind in wanted.items())


def require_unique(frame: pl.DataFrame, key: Sequence[str], name: str) -> None:
    """Raise DataError at the second row that repeats a key."""
    again = frame.with_row_index("_row").filter(pl.struct(key).is_first_distinct().not_())
    if again.height:
        first = again.row(0, named=True)
        shown = ", ".join(f"{c}={first[c]}" for c in key)
        raise DataError(
            file=name,
            row=first["_row"] + FIRST_RECORD,
            found=f"a second row for {shown}",
            allowed=f"one row for each {', '.join(key)}",
        )


def require_range(
    frame: pl.DataFrame, column: str, name: str, *, minimum: float = -math.inf, maximum: float = math.inf
) -> None:
    """Raise DataError at the first value outside [minimum, maximum]; null is passed over."""
    values = frame[column]
    bad = (values < minimum) | (values > maximum)
    if bad.any():
        row = int(bad.arg_max() or 0)
        if maximum == math.inf:
            allowed = f"numbers of at least {minimum:g}"
        elif minimum == -math.inf:
            allowed = f"numbers of at most {maximum:g}"
        else:
            allowed = f"numbers from {minimum:g} to {maximum:g}"
        raise DataError(
            file=name, row=row + FIRST_RECORD, column=column, found=f"{values[row]:g}", allowed=allowed
        )


def require_member(frame: pl.DataFrame, column: str, allowed: Sequence[str], name: str) -> None:
    """Raise DataError at the first text that is not in the closed list `allowed`; null is passed over."""
    bad = ~frame[column].is_in(list(allowed)) & frame[column].is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column=column,
            found=f"'{frame[column][row]}'",
            allowed=", ".join(allowed),
        )


def _read_raw(path: Path, label: str) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(file=label, found="no such file", allowed="an existing .csv or .parquet file")
    if path.stat().st_size == 0:
        raise DataError(file=label, found="an empty file", allowed="a header and at least one row")
    if path.suffix.lower() == ".parquet":
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(
                file=label, found="a file that is not Parquet", allowed="Parquet or CSV"
            ) from error
    return _read_csv(path, label)


def _read_csv(path: Path, label: str) -> pl.DataFrame:
    """All cells as text, so that a wrong cell can be named by its row instead of being guessed at."""
    data = path.read_bytes()
    if b"\0" in data:
        raise DataError(file=label, found="binary data", allowed="UTF-8 text in CSV layout")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            file=label,
            row=row,
            found=f"a byte that is not UTF-8 (0x{data[error.start]:02x})",
            allowed="UTF-8 text",
        ) from error
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise DataError(file=label, found="an empty file", allowed="a header and at least one row")
    try:
        frame = pl.read_csv(data, infer_schema=False)
    except pl.exceptions.DuplicateError as error:
        raise DataError(file=label, row=1, found="a column name twice", allowed="each name once") from error
    except pl.exceptions.PolarsError as error:
        ragged = _ragged_row(data)
        found = "more cells than the header has" if ragged else "a layout that is not CSV"
        raise DataError(
            file=label, row=ragged, found=found, allowed="comma-separated rows as long as the header"
        ) from error
    frame = frame.rename({c: c.strip().removeprefix("﻿") for c in frame.columns})
    doubled = [c for c in frame.columns if "_duplicated_" in c]
    if doubled:
        raise DataError(
            file=label,
            row=1,
            found=f"column '{doubled[0].split('_duplicated_')[0]}' twice",
            allowed="each name once",
        )
    for column in frame.columns:
        longest = frame[column].str.len_bytes().max()
        if isinstance(longest, int) and longest > MAX_FIELD:
            raise DataError(
                file=label,
                column=column,
                found=f"a cell of {longest} bytes",
                allowed=f"at most {MAX_FIELD} bytes",
            )
    return frame


def _ragged_row(data: bytes) -> int | None:
    """The first record with more cells than the header, by the csv module (slow path, errors only)."""
    import csv
    import io

    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        width = len(next(rows))
        return next((number for number, row in enumerate(rows, FIRST_RECORD) if len(row) > width), None)
    except (csv.Error, StopIteration):
        return None


def _convert(column: pl.Series, kind: Kind, blank_allowed: bool, name: str) -> pl.Series:
    series = column
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        series = series.str.strip_chars()
        series = series.set(series == "", None)
    if not blank_allowed and series.null_count():
        row = int(series.is_null().arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column=column.name,
            found="an empty cell",
            allowed=_allowed(kind),
        )
    if kind == "text":
        return series.cast(pl.String)
    if kind == "flag":
        return _flags(series, name)
    return _numbers(series, kind, name)


def _flags(series: pl.Series, name: str) -> pl.Series:
    if series.dtype == pl.Boolean:
        return series
    words = series.cast(pl.String).str.to_lowercase()
    bad = ~words.is_in([*TRUE_WORDS, *FALSE_WORDS]) & words.is_not_null()
    _refuse_first(series, bad, "flag", name)
    return words.is_in(list(TRUE_WORDS)).set(words.is_null(), None).alias(series.name)


def _numbers(series: pl.Series, kind: Kind, name: str) -> pl.Series:
    numbers = series.cast(pl.Float64, strict=False)
    bad = numbers.is_null() & series.is_not_null() | numbers.is_nan().fill_null(False)
    if kind == "integer":
        bad = bad | (numbers != numbers.round(0)).fill_null(False) | numbers.is_infinite().fill_null(False)
    _refuse_first(series, bad, kind, name)
    return numbers.cast(pl.Int64) if kind == "integer" else numbers


def _refuse_first(series: pl.Series, bad: pl.Series, kind: Kind, name: str) -> None:
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column=series.name,
            found=f"'{series[row]}'",
            allowed=_allowed(kind),
        )


def _allowed(kind: Kind) -> str:
    return {
        "text": "text",
        "number": "a number (decimal point, no thousands separator)",
        "integer": "a whole number",
        "flag": "true or false",
    }[kind]
