"""CSV text into a frame of text cells, so that a wrong cell can be named by its row instead of being guessed at.

Strict where spreadsheets differ: every row is as long as the header, quotes are closed, names stand once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import polars as pl

from betweengiants.core.errors import DataError, quoted

MAX_FIELD = 100_000
MAX_COLUMNS = 4_096
LAYOUT = "comma-separated rows as long as the header"
BOM = b"\xef\xbb\xbf"
# A record as RFC 4180 has it: cells in quotes (quotes inside doubled) or cells without any quote.
_RECORD = re.compile(r'(?:"(?:[^"]|"")*+"|[^",]*+)(?:,(?:"(?:[^"]|"")*+"|[^",]*+))*+', re.DOTALL)


def read_csv(data: bytes, label: str) -> pl.DataFrame:
    """All cells of a CSV file as text; names of columns without surrounding blanks.

    Args:
        data: the file's bytes: UTF-8 with or without a mark at the start, LF or CR LF.
        label: how messages call the file.

    Raises:
        DataError: binary data, not UTF-8, empty, a name twice, very many columns, a ragged row, a broken quote, a very
            long cell.
    """
    _require_text(data, label)
    data = data.rstrip() + b"\n"  # a last row without a line end is read less strictly
    header = _header(data, label)
    try:
        frame = pl.read_csv(data, infer_schema=False, raise_if_empty=False)
    except pl.exceptions.PolarsError as error:
        row, found = _fault(data)
        raise DataError(file=label, row=row, found=found, allowed=LAYOUT) from error
    if frame.width != len(header) or (frame.height and frame[:, -1].null_count() and _is_short(data)):
        row, found = _fault(data)
        raise DataError(file=label, row=row, found=found, allowed=LAYOUT)
    frame.columns = header
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


def _require_text(data: bytes, label: str) -> None:
    if b"\0" in data:
        raise DataError(file=label, found="binary data", allowed="UTF-8 text in CSV layout")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            file=label,
            row=_row_at(data[: error.start]),
            found=f"a byte that is not UTF-8 (0x{data[error.start]:02x})",
            allowed="UTF-8 text",
        ) from error
    if not data.removeprefix(BOM).strip():
        raise DataError(file=label, found="an empty file", allowed="a header and at least one row")
    if b"\n" not in data and b"\r" in data.rstrip():
        raise DataError(file=label, found="line ends of CR alone", allowed="line ends of LF or CR LF")


def _header(data: bytes, label: str) -> list[str]:
    try:
        names = [name.strip() for name in next(_records(data))]
    except csv.Error as error:
        row, found = _fault(data)
        raise DataError(file=label, row=row, found=found, allowed=LAYOUT) from error
    if not any(names):
        raise DataError(file=label, row=1, found="an empty line", allowed="the names of the columns")
    if max(map(len, names), default=0) > MAX_FIELD:
        raise DataError(file=label, row=1, found="a very long cell", allowed=f"at most {MAX_FIELD} bytes")
    if len(names) > MAX_COLUMNS:
        raise DataError(
            file=label, row=1, found=f"{len(names):,} columns", allowed=f"at most {MAX_COLUMNS:,}"
        )
    doubled = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if doubled is not None:
        raise DataError(file=label, row=1, found=f"column {quoted(doubled)} twice", allowed="each name once")
    return names


def _records(data: bytes) -> Iterator[list[str]]:
    return csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)


def _is_short(data: bytes) -> bool:
    """Whether a row has fewer cells than the header (the frame shows empty cells either way)."""
    try:
        records = _records(data)
        width = len(next(records))
        return any(len(record) != width for record in records)
    except csv.Error:
        return False


def _row_at(start: bytes) -> int:
    """Row in which a file goes on after the bytes `start`; a line end inside quotes begins no row."""
    try:
        records = csv.reader(io.StringIO(start.decode("utf-8-sig") + "x", newline=""))
        return sum(1 for _ in records)
    except csv.Error:
        return start.count(b"\n") + 1


def _fault(data: bytes) -> tuple[int | None, str]:
    """The first row that breaks the layout, and how (slow path, for messages only)."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(data.decode("utf-8-sig"), newline=""):
            taken.append(line)
            yield line

    row, width = 0, 0
    try:
        for row, record in enumerate(csv.reader(lines(), strict=True), 1):
            text = "".join(taken).rstrip("\r\n")
            taken.clear()
            width = width or len(record)
            if not _RECORD.fullmatch(text):
                return row, "a quote inside a cell that is not quoted"
            if len(record) != width:
                return row, _cells(len(record), width)
    except csv.Error as error:
        if "field larger" in str(error):
            return row + 1, "a very long cell or a quote that is never closed"
        return row + 1, "a quote that is never closed, or text behind a closing quote"
    return None, "a layout that is not CSV"


def _cells(count: int, width: int) -> str:
    if not count:
        return "an empty line"
    return f"{'more' if count > width else 'fewer'} cells than the header has ({count}, not {width})"
