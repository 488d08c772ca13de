"""Country codes: ISO 3166-1 alpha-3 plus the aggregates EU27 and WLD, from the package's own table."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from betweengiants.core.errors import UnknownCountry, nearest


@dataclass(frozen=True, slots=True)
class Country:
    """One row of the country table.

    Attributes:
        iso3: ISO 3166-1 alpha-3 code, or EU27 or WLD.
        iso_numeric: three-digit ISO code, empty for aggregates.
        cow: Correlates of War number, empty where there is none.
        name, short_name: English names; the short one fits a chart.
        aliases: other names that a user may type.
    """

    iso3: str
    iso_numeric: str
    cow: str
    name: str
    short_name: str
    aliases: tuple[str, ...]


@cache
def countries() -> dict[str, Country]:
    """All countries and aggregates by code."""
    return {
        row["iso3"]: Country(
            row["iso3"],
            row["iso_numeric"],
            row["cow"],
            row["name"],
            row["short_name"],
            tuple(alias for alias in row["aliases"].split(";") if alias),
        )
        for row in _rows("countries.csv")
    }


@cache
def blocs() -> dict[str, tuple[str, ...]]:
    """Members of each bloc as of today."""
    members: dict[str, list[str]] = {}
    for row in _rows("blocs.csv"):
        if not row["end"]:
            members.setdefault(row["bloc"], []).append(row["member"])
    return {bloc: tuple(sorted(states)) for bloc, states in members.items()}


@cache
def bloc_terms() -> dict[str, dict[str, tuple[str, str]]]:
    """First day in each bloc, and first day out of it ("" for today's members), of all who are or were members."""
    terms: dict[str, dict[str, tuple[str, str]]] = {}
    for row in _rows("blocs.csv"):
        terms.setdefault(row["bloc"], {})[row["member"]] = (row["start"], row["end"])
    return terms


def territory_of(code: str) -> str:
    """The bloc that a state belongs to (DEU -> EU27), or the state itself."""
    return _bloc_by_member().get(code, code)


def check_country(
    code: str, *, file: str | None = None, row: int | None = None, column: str | None = None
) -> Country:
    """Look a code up.

    Raises:
        UnknownCountry: with the nearest codes, found by code and by name.
    """
    table = countries()
    if code in table:
        return table[code]
    raise UnknownCountry(code, list(table), suggestions=_suggest(code), file=file, row=row, column=column)


def short_name(code: str) -> str:
    """A name that fits a chart; the code itself if the table does not hold it."""
    entry = countries().get(code)
    return entry.short_name if entry else code


def _rows(name: str) -> list[dict[str, str]]:
    text = files("betweengiants.core").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@cache
def _bloc_by_member() -> dict[str, str]:
    return {state: bloc for bloc, states in blocs().items() for state in states}


def _suggest(text: str) -> list[str]:
    by_name: dict[str, str] = {}
    for country in countries().values():
        for name in (country.name, country.short_name, *country.aliases):
            by_name.setdefault(name.casefold(), country.iso3)
    exact = by_name.get(text.casefold()) or (text.upper() if text.upper() in countries() else None)
    if exact:
        found = [exact]
    elif len(text) > 3 or not text.isascii():
        found = list(dict.fromkeys(by_name[name] for name in nearest(text, sorted(by_name))))
    else:
        found = nearest(text, sorted(countries()))
    return [f"{code} ({countries()[code].short_name})" for code in found]
