"""Printing tables: one place for `--format` and `--output` of every command."""

from __future__ import annotations

import io
import json
import math
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How a table is printed; numbers in csv, json and parquet are unrounded."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the table.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write there instead of to the screen.")
]


def emit(
    frame: pl.DataFrame, format: Format, output: Path | None, *, notes: tuple[str, ...] = (), width: int = 200
) -> None:
    """Print `frame`, or write it whole to `output`; notes go to standard error.

    A table is as wide as the screen, or `width` where there is none.

    Raises:
        OutputError: `output` cannot be written.
        DataError: parquet asked for without a file.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.core.files import write_bytes

    if output is not None:
        write_bytes(output, _render(frame, format, width))
    elif format is Format.parquet:
        raise DataError(found="--format parquet without --output", allowed="--output FILE")
    else:
        _show(_render(frame, format, width, on_screen=sys.stdout.isatty()))
    for note in notes:
        print(note, file=sys.stderr)


def emit_text(text: str, output: Path | None) -> None:
    """Print a text, or write it whole to `output`.

    Raises:
        OutputError: `output` cannot be written.
    """
    from betweengiants.core.files import write_text

    if output is not None:
        write_text(output, text)
    else:
        _show(text.encode("utf-8"))


def table_text(frame: pl.DataFrame) -> str:
    """A frame as `--format table` shows it in a file: columns in line, numbers rounded."""
    return _text(frame, on_screen=False)


def _show(data: bytes) -> None:
    """Pipes and files get the bytes as they are, whatever the locale; a screen gets what it can show."""
    stream = sys.stdout
    stream.flush()
    if hasattr(stream, "buffer") and not stream.isatty():
        stream.buffer.write(data)
    else:
        encoding = stream.encoding or "utf-8"
        stream.write(data.decode("utf-8").encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _render(frame: pl.DataFrame, format: Format, width: int, *, on_screen: bool = False) -> bytes:
    from betweengiants.core.csvout import csv_text

    if format is Format.csv:
        return csv_text(frame).encode("utf-8")
    if format is Format.json:
        rows = [{key: _plain(value) for key, value in row.items()} for row in frame.to_dicts()]
        return (json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")
    if format is Format.parquet:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    return _text(frame, on_screen, width).encode("utf-8")


def _plain(value: Any) -> Any:
    """JSON knows no infinity: it is written as the word, never as null; dates are written as ISO 8601."""
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf" if value < 0 else None
    return value.isoformat() if isinstance(value, date) else value


def _text(frame: pl.DataFrame, on_screen: bool, width: int = 200) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = [dtype.is_numeric() for dtype in frame.dtypes]
    for name, is_number in zip(frame.columns, numeric, strict=True):
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(Text(_cell(value)) for value in row))
    buffer = io.StringIO()
    Console(file=buffer, width=None if on_screen else width, force_terminal=on_screen).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n")).rstrip("\n") + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        if not math.isfinite(value):
            return f"{value}"
        size = abs(value)
        return (
            f"{value:.3e}"
            if size >= 1e15
            else f"{value:,.1f}"
            if size >= 100
            else f"{value:.3f}"
            if size >= 0.001 or size == 0
            else f"{value:.2e}"
        )
    # control characters from a stranger's table must not reach the screen as commands
    return "".join(c if c.isprintable() or c == "\n" else " " for c in str(value))
