"""What every reader gives back, and the code tables that they share."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from betweengiants.core.countries import countries


@dataclass(frozen=True, slots=True)
class Pulled:
    """Tables read out of one file of a source.

    Attributes:
        tables: table name -> frame, rows sorted by key.
        notes: sentences on what was left out, merged or looks wrong.
    """

    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A publisher's own number for a country.

    Attributes:
        label: what we write; ISO 3166-1 alpha-3 where the number stands for one state.
        name: the publisher's name.
        note: how it differs from ISO.
    """

    label: str
    name: str
    note: str


@cache
def own_codes(table: str) -> dict[int, Code]:
    """A source's own numbers, from the table `<table>_codes.csv` of this package."""
    text = files("betweengiants.sources").joinpath(f"{table}_codes.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return {int(row["code"]): Code(row["label"], row["name"], row["note"]) for row in rows}


@cache
def labels_by_number(table: str, scheme: str) -> dict[int, str]:
    """Number -> label: the core table by `iso_numeric` or `cow`, then the source's own numbers over it."""
    core = {int(number): c.iso3 for c in countries().values() if (number := str(getattr(c, scheme)))}
    return core | {number: code.label for number, code in own_codes(table).items()}
