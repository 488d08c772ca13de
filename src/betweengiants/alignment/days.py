"""Dates as sources give them: a day, a month, or only a year."""

from __future__ import annotations

import re
from datetime import date

from betweengiants.core.errors import DataError


def first_day(text: str | None, name: str, row: int, column: str) -> date | None:
    """The first day of what `text` names; None for a blank.

    Raises:
        DataError: not YYYY, YYYY-MM or YYYY-MM-DD.
    """
    if text is None:
        return None
    parts = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    try:
        if parts is None:
            raise ValueError
        return date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    except ValueError:
        raise DataError(
            file=name, row=row, column=column, found=f"'{text}'", allowed="YYYY, YYYY-MM, YYYY-MM-DD or blank"
        ) from None


def named_day(on: int | str | date) -> date:
    """The day asked for; a year stands for its last day.

    Raises:
        DataError: no such day.
    """
    if isinstance(on, date):
        return on
    try:
        return date(on, 12, 31) if isinstance(on, int) else date.fromisoformat(on)
    except ValueError:
        raise DataError(found=f"day '{on}'", allowed="a year, or a day as YYYY-MM-DD") from None
