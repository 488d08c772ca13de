"""The units that tables may use, and conversion between those of one dimension.

Codes are those of the data (`million_t`, `usd_bn`, `bbl_per_day`); the arithmetic is pint's. Crude oil passes
between mass and volume only with a stated density (`barrels_per_tonne`), an amount becomes a rate only with the length
of its period (`years`).
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

from betweengiants.core.errors import UnknownLabel

# code -> (factor, pint expression in base units); None marks values that are not numbers
UNITS: dict[str, tuple[float, str] | None] = {
    "usd": (1, "usd"),
    "usd_m": (1e6, "usd"),
    "usd_bn": (1e9, "usd"),
    "usd_per_t": (1, "usd/tonne"),
    "usd_per_bbl": (1, "usd/barrel"),
    "usd_per_1000m3": (1e-3, "usd/cubic_metre_gas"),
    "kzt_per_usd": (1, "kzt/usd"),
    "pct": (0.01, "dimensionless"),
    "share": (1, "dimensionless"),
    "count": (1, "item"),
    "persons_m": (1e6, "person"),
    "t": (1, "tonne"),
    "kt": (1e3, "tonne"),
    "million_t": (1e6, "tonne"),
    "million_t_per_year": (1e6, "tonne/year"),
    "tu": (1, "tonne_uranium"),
    "bcm": (1e9, "cubic_metre_gas"),
    "trillion_m3": (1e12, "cubic_metre_gas"),
    "bcm_per_year": (1e9, "cubic_metre_gas/year"),
    "bbl_per_day": (1, "barrel/day"),
    "bbl_per_t": (1, "barrel/tonne"),
    "km3": (1e9, "cubic_metre_water"),
    "km": (1e3, "metre"),
    "m": (1, "metre"),
    "days": (24, "hour"),
    "hours": (1, "hour"),
    "teu": (1, "teu"),
    "thousand_teu": (1e3, "teu"),
    "bn_kwh": (1e9, "kilowatthour"),
    "mw": (1e3, "kilowatt"),
    "index": (1, "index_point"),
    "date": None,
    "parties": None,
}

_DEFINITIONS = (
    "usd = [money]",
    "kzt = [money_kzt]",
    "item = [item]",
    "person = [person]",
    "tonne = [mass]",
    "tonne_uranium = [mass_of_uranium]",
    "cubic_metre_gas = [volume_of_gas]",
    "cubic_metre_water = [volume_of_water]",
    "barrel = [volume_of_oil]",
    "metre = [length]",
    "hour = [time]",
    "day = 24 * hour",
    "year = 365 * day",
    "teu = [container]",
    "kilowatt = [power]",
    "kilowatthour = kilowatt * hour",
    "index_point = [index]",
)


def check_unit(code: str, *, file: str | None = None, row: int | None = None) -> str:
    """Return `code` if it is a known unit.

    Raises:
        UnknownLabel: with the nearest codes.
    """
    if code not in UNITS:
        raise UnknownLabel(code, UNITS, what="unit", file=file, row=row, column="unit")
    return code


def convert(
    value: float,
    unit: str,
    to: str,
    *,
    barrels_per_tonne: float | None = None,
    years: float | None = None,
) -> float:
    """Convert `value` from one unit code to another.

    Args:
        value: the number.
        unit: its unit code.
        to: the wanted unit code.
        barrels_per_tonne: density of the crude oil, needed between mass and volume of oil.
        years: length of the period that an amount was moved in, needed between an amount and a rate.

    Raises:
        UnknownLabel: a unit is not known.
        ValueError: the units measure different things, or the density or the period is missing or not positive.
    """
    if barrels_per_tonne is not None and not 0 < barrels_per_tonne < math.inf:
        raise ValueError(f"a density of {barrels_per_tonne} barrels per tonne")
    if years is not None and not 0 < years < math.inf:
        raise ValueError(f"a period of {years} years")
    return value * _factor(check_unit(unit), check_unit(to), barrels_per_tonne, years)


@lru_cache(maxsize=4096)
def _factor(unit: str, to: str, barrels_per_tonne: float | None, years: float | None) -> float:
    """What a number is multiplied by; pint's algebra costs a hundred times more than the product."""
    quantity, target = _quantity(unit), _quantity(to)
    if quantity is None or target is None:
        raise ValueError(f"cannot convert {unit} to {to}")
    ratio = quantity / target
    bridges: list[Any] = [1]
    is_density = "bbl_per_t" in (unit, to)  # a density is not divided by the density
    if barrels_per_tonne is not None and not is_density:
        density = _registry().Quantity(barrels_per_tonne, "barrel/tonne")
        bridges += [density, 1 / density]
    if years is not None and not quantity.dimensionless and not target.dimensionless:
        period = _registry().Quantity(years, "year")
        bridges += [bridge * time for time in (period, 1 / period) for bridge in bridges]
    ratio = next((r for r in (ratio * bridge for bridge in bridges) if r.dimensionless), ratio)
    if not ratio.dimensionless:
        raise ValueError(f"{unit} and {to} measure different things")
    return float(ratio.to_base_units().magnitude)


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(None)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


def _quantity(code: str) -> Any:
    entry = UNITS[code]
    if entry is None:
        return None
    factor, expression = entry
    unit = "" if expression == "dimensionless" else expression
    return _registry().Quantity(factor, unit)
