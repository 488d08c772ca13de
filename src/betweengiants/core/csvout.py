"""CSV that a spreadsheet may open: text from a stranger's table never becomes a formula.

Spreadsheets run a cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return. A text cell of that kind gets an
apostrophe in front, which spreadsheets take as "this is text" (OWASP, CSV injection). Numbers keep their sign, in columns
of numbers and as text, and a lone sign (the relation `=` of a claim) is no formula.
"""

from __future__ import annotations

import polars as pl

_STARTS = r"^[=+\-@\t\r]"
_HARMLESS = r"^(?:[=+\-@]|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf)$"


def csv_text(frame: pl.DataFrame) -> str:
    """A frame as CSV text with numbers unrounded and formulas defused; columns' names likewise."""
    safe = frame.with_columns(_defused(name) for name, kind in frame.schema.items() if kind == pl.String)
    safe.columns = [name if not _is_formula(name) else f"'{name}" for name in safe.columns]
    return safe.write_csv()


def _defused(name: str) -> pl.Expr:
    column = pl.col(name)
    formula = column.str.contains(_STARTS) & ~column.str.contains(_HARMLESS)
    return pl.when(formula).then(pl.concat_str(pl.lit("'"), column)).otherwise(column).alias(name)


def _is_formula(name: str) -> bool:
    return name.startswith(("=", "+", "-", "@", "\t", "\r"))
