"""Settings of a dossier (`parameters`) that a model divides by or takes as an elasticity: they must be above 0."""

from __future__ import annotations

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD
from betweengiants.dossier import Dossier

COLUMNS = ("value", "low", "high")
DIVISORS = (
    "theta_short",
    "theta_long",
    "barrels_per_tonne",
    "gdp_usd_m_{year}",
    "oil_price_usd_per_bbl_{year}",
)
"""Settings that some model divides by or raises to; the year is the base year."""


def positive(dossier: Dossier, name: str) -> tuple[float, float, float]:
    """Central value, low and high of a parameter that must be above 0; bounds that are not given equal the value.

    Raises:
        UnknownLabel: no such parameter.
        DataError: a value or bound that is not above 0; names its place.
    """
    found = dossier.parameter(name)
    for column, value in zip(COLUMNS, found, strict=True):
        if not value > 0:
            row = dossier.tables["parameters"]["parameter"].to_list().index(name)
            raise DataError(
                file=dossier.header.paths["parameters"],
                row=row + FIRST_RECORD,
                column=column,
                found=f"{name} of {value:g}",
                allowed="a number above 0",
            )
    return found


def require_positive(dossier: Dossier) -> None:
    """Check every setting of DIVISORS that the dossier holds; which of them a model needs is the model's to say.

    Raises:
        DataError: see `positive`.
    """
    held = set(dossier.tables["parameters"]["parameter"])
    for name in (divisor.format(year=dossier.header.base_year) for divisor in DIVISORS):
        if name in held:
            positive(dossier, name)
