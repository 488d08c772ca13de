"""Reading tables from strangers: CSV or Parquet in, typed frame out, one clear sentence for what is wrong.

Rows are numbered as a spreadsheet shows them: the header is row 1, the first record row 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from betweengiants.core.csvtext import read_csv
from betweengiants.core.errors import DataError, quoted, summary

Kind = Literal["text", "number", "integer", "flag"]
FIRST_RECORD = 2
TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes"), ("false", "0", "no")


def read_table(
    path: Path | str,
    columns: Mapping[str, Kind],
    *,
    optional: Mapping[str, Kind] | None = None,
    blanks: Sequence[str] = (),
    name: str | None = None,
    may_be_empty: bool = False,
) -> pl.DataFrame:
    """Read a CSV or Parquet file with the named columns; other columns are dropped.

    Args:
        path: a .csv or .parquet file.
        columns: required columns and their kinds.
        optional: columns that may be absent.
        blanks: columns in which an empty cell is allowed (it becomes null).
        name: how messages call the file (default: its name).
        may_be_empty: whether a header without rows is a table.

    Returns:
        A frame with the required columns and those optional ones that the file has; text as String, number as
        Float64, integer as Int64, flag as Boolean.

    Raises:
        DataError: missing file, not UTF-8, empty, ragged, missing column, or a cell of the wrong kind. A row that is
            shorter than the header is refused too; blank lines are passed over only at the end of the file.
    """
    path = Path(path)
    label = name or path.name
    raw = _read_raw(path, label)
    return typed(raw, columns, optional=optional, blanks=blanks, name=label, may_be_empty=may_be_empty)


def typed(
    raw: pl.DataFrame,
    columns: Mapping[str, Kind],
    *,
    optional: Mapping[str, Kind] | None = None,
    blanks: Sequence[str] = (),
    name: str = "table",
    may_be_empty: bool = False,
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
    if raw.height == 0 and not may_be_empty:
        raise DataError(file=name, found="no rows below the header", allowed="at least one row")
    return raw.select(_convert(raw[c], kind, c in blanks, name) for c, kind in wanted.items())


def require_unique(frame: pl.DataFrame, key: Sequence[str], name: str) -> None:
    """Raise DataError at the second row that repeats a key."""
    again = frame.with_row_index("_row").filter(pl.struct(key).is_first_distinct().not_())
    if again.height:
        first = again.row(0, named=True)
        shown = ", ".join(f"{c}={'(empty)' if first[c] is None else first[c]}" for c in key)
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
            allowed = f"numbers of at least {minimum:.15g}"
        elif minimum == -math.inf:
            allowed = f"numbers of at most {maximum:.15g}"
        else:
            allowed = f"numbers from {minimum:.15g} to {maximum:.15g}"
        raise DataError(
            file=name, row=row + FIRST_RECORD, column=column, found=f"{values[row]:.15g}", allowed=allowed
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
            found=quoted(frame[column][row]),
            allowed=", ".join(allowed),
        )


def _read_raw(path: Path, label: str) -> pl.DataFrame:
    if path.is_dir():
        raise DataError(file=label, found="a folder", allowed="a .csv or .parquet file")
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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(file=label, found="a file that cannot be read", allowed="a readable file") from error
    return read_csv(data, label)


def _convert(column: pl.Series, kind: Kind, blank_allowed: bool, name: str) -> pl.Series:
    series = column
    if not _fits(series.dtype, kind):
        raise DataError(
            file=name, column=column.name, found=f"values of type {series.dtype}", allowed=_allowed(kind)
        )
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
    return _integers(series, name) if kind == "integer" else _numbers(series, name)


def _fits(dtype: pl.DataType, kind: Kind) -> bool:
    """Whether a column of this type (Parquet keeps types) can hold values of the kind; dates are no numbers."""
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return True
    if kind == "text":
        return dtype.is_numeric() or dtype in (pl.Boolean, pl.Date, pl.Datetime, pl.Time)
    if kind == "flag":
        return dtype == pl.Boolean or dtype.is_integer()
    return dtype.is_numeric()


def _flags(series: pl.Series, name: str) -> pl.Series:
    if series.dtype == pl.Boolean:
        return series
    words = series.cast(pl.String).str.to_lowercase()
    bad = ~words.is_in([*TRUE_WORDS, *FALSE_WORDS]) & words.is_not_null()
    _refuse_first(series, bad, "flag", name)
    return words.is_in(list(TRUE_WORDS)).set(words.is_null(), None).alias(series.name)


def _numbers(series: pl.Series, name: str) -> pl.Series:
    """Floats; `inf` is a number, `nan` is not, nor is a numeral too large to be held (1e400)."""
    numbers = series.cast(pl.Float64, strict=False)
    bad = numbers.is_null() & series.is_not_null() | numbers.is_nan().fill_null(False)
    if series.dtype == pl.String:
        bad = bad | (numbers.is_infinite() & ~series.str.to_lowercase().str.contains("inf")).fill_null(False)
    _refuse_first(series, bad, "number", name)
    return numbers


def _integers(series: pl.Series, name: str) -> pl.Series:
    """Whole numbers of 64 bits, digit for digit; `3.0` and `1e3` count as whole."""
    whole = series.cast(pl.Int64, strict=False) if not series.dtype.is_float() else None
    numbers = series.cast(pl.Float64, strict=False)
    limit = float(2**63)
    fits = ((numbers == numbers.round(0)) & (numbers >= -limit) & (numbers < limit)).fill_null(False)
    by_value = numbers.set(~fits, None).cast(pl.Int64)
    if whole is not None:
        by_value = whole.zip_with(whole.is_not_null(), by_value)
    _refuse_first(series, by_value.is_null() & series.is_not_null(), "integer", name)
    return by_value


def _refuse_first(series: pl.Series, bad: pl.Series, kind: Kind, name: str) -> None:
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column=series.name,
            found=quoted(series[row]),
            allowed=_allowed(kind),
        )


def _allowed(kind: Kind) -> str:
    return {
        "text": "text",
        "number": "a number (decimal point, no thousands separator)",
        "integer": "a whole number (of 64 bits)",
        "flag": "true or false",
    }[kind]
