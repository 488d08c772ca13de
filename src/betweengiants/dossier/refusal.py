"""Refusing the first row that breaks a rule, in one sentence that names its place."""

from __future__ import annotations

import polars as pl

from betweengiants.core.errors import DataError, quoted

# A year, a month or a day (ISO 8601).
DATE = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def refuse(rows: pl.DataFrame, column: str, allowed: str, file: str = "facts.csv") -> None:
    """Raise for the first of `rows` (which hold `_row` as a spreadsheet numbers it); pass if there is none.

    Raises:
        DataError: file, row, column, what was found, what is allowed.
    """
    if rows.height:
        first = rows.row(0, named=True)
        shown = "an empty cell" if first[column] is None else quoted(first[column])
        raise DataError(file=file, row=first["_row"], column=column, found=shown, allowed=allowed)
