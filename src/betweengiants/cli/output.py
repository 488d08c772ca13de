"""Printing tables: one place for `--format` and `--output` of every command."""

from __future__ import annotations

import io
import json
import math
import sys
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


def emit(frame: pl.DataFrame, format: Format, output: Path | None, *, notes: tuple[str, ...] = ()) -> None:
    """Print `frame`, or write it whole to `output`; notes go to standard error.

    Raises:
        OutputError: `output` cannot be written.
        DataError: parquet asked for without a file.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.core.files import write_bytes

    if output is not None:
        write_bytes(output, _render(frame, format))
    elif format is Format.parquet:
        raise DataError(found="--format parquet without --output", allowed="--output FILE")
    else:
        sys.stdout.write(_render(frame, format).decode("utf-8"))
        sys.stdout.flush()
    for note in notes:
        print(note, file=sys.stderr)


def _render(frame: pl.DataFrame, format: Format) -> bytes:
    if format is Format.csv:
        return frame.write_csv().encode("utf-8")
    if format is Format.json:
        rows = [{key: _plain(value) for key, value in row.items()} for row in frame.to_dicts()]
        return (json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")
    if format is Format.parquet:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    return _text(frame).encode("utf-8")


def _plain(value: Any) -> Any:
    """JSON knows no infinity: it is written as the word, never as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf" if value < 0 else None
    return value


def _text(frame: pl.DataFrame) -> str:
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
    width = None if sys.stdout.isatty() else 200
    Console(file=buffer, width=width, force_terminal=sys.stdout.isatty()).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        if not math.isfinite(value):
            return f"{value}"
        size = abs(value)
        return (
            f"{value:,.1f}"
            if size >= 100
            else f"{value:.3f}"
            if size >= 0.001 or size == 0
            else f"{value:.2e}"
        )
    return str(value)
