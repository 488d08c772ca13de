"""Units of a network: what one unit of a commodity takes of a capacity that is stated in another unit.

Quantities, prices and losses of a commodity are in the commodity's own unit (`commodities.csv`). A capacity, and the cost
of using it, is in the unit of its edge or node (`capacity_unit`; blank: the unit of what it carries). Units of one
dimension convert by themselves; a box, a train or a barrel becomes tonnes only by a stated row of `conversions.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError
from betweengiants.core.tables import FIRST_RECORD, Kind, require_range, require_unique, typed
from betweengiants.core.units import check_unit, convert

COMMODITIES: dict[str, Kind] = {"commodity": "text", "unit": "text"}
CONVERSIONS: dict[str, Kind] = {
    "commodity": "text",
    "from_unit": "text",
    "to_unit": "text",
    "factor": "number",
}
Factors = Mapping[tuple[str, str, str], float]


def commodity_units(raw: pl.DataFrame | None, name: str) -> dict[str, str]:
    """Unit of each commodity that the table names.

    Raises:
        DataError: a commodity twice, an empty cell.
        UnknownLabel: a unit that is not known, with the nearest codes.
    """
    if raw is None:
        return {}
    frame = typed(raw, COMMODITIES, name=name)
    require_unique(frame, ("commodity",), name)
    for row, unit in enumerate(frame["unit"], FIRST_RECORD):
        check_unit(unit, file=name, row=row)
    return dict(frame.iter_rows())


def stated_factors(raw: pl.DataFrame | None, name: str) -> Factors:
    """Factor by (commodity, from_unit, to_unit), each row read both ways.

    Raises:
        DataError: a row twice, a factor that is not positive and finite.
        UnknownLabel: a unit that is not known, with the nearest codes.
    """
    if raw is None:
        return {}
    frame = typed(raw, CONVERSIONS, name=name)
    require_unique(frame, ("commodity", "from_unit", "to_unit"), name)
    require_range(frame, "factor", name, minimum=0)
    found: dict[tuple[str, str, str], float] = {}
    for row, (commodity, start, end, factor) in enumerate(
        frame.select(*CONVERSIONS).iter_rows(), FIRST_RECORD
    ):
        for unit in (start, end):
            check_unit(unit, file=name, row=row)
        if not 0 < factor < np.inf:
            raise DataError(
                file=name, row=row, column="factor", found=f"{factor:g}", allowed="a finite number above 0"
            )
        found[commodity, start, end] = factor
        found.setdefault((commodity, end, start), 1.0 / factor)
    return found


def weights(
    capacity_units: Sequence[str | None],
    carries: NDArray[np.bool_],
    commodities: Sequence[str],
    units: Mapping[str, str],
    factors: Factors,
    *,
    ids: Sequence[str],
    file: str,
) -> NDArray[np.float64]:
    """(A, K) units of capacity of asset a that one unit of commodity k takes; 1 where no unit is stated.

    Args:
        capacity_units: (A,) unit of each capacity, None where blank.
        carries: (A, K) what each asset carries.
        commodities: (K,) names.
        units: unit by commodity.
        factors: from `stated_factors`.
        ids: (A,) names of the assets, for messages.
        file: how messages call their table.

    Raises:
        DataError: units that measure different things and no row that converts them; names the asset.
    """
    found = np.ones(carries.shape)
    known: dict[tuple[str, str], float] = {}
    for asset, unit in enumerate(capacity_units):
        if unit is None:
            continue
        for place in np.flatnonzero(carries[asset]).tolist():
            commodity = commodities[place]
            own = units.get(commodity)
            if own is None or own == unit:
                continue
            if (commodity, unit) not in known:
                known[commodity, unit] = _factor(commodity, own, unit, factors, ids[asset], file)
            found[asset, place] = known[commodity, unit]
    return found


def _factor(commodity: str, own: str, unit: str, factors: Factors, asset: str, file: str) -> float:
    if (commodity, own, unit) in factors:
        return factors[commodity, own, unit]
    try:
        return convert(1.0, own, unit)
    except ValueError:
        raise DataError(
            file=file,
            column="capacity_unit",
            found=f"a capacity of '{asset}' in {unit} for '{commodity}', which is counted in {own}",
            allowed=f"a row {commodity},{own},{unit} in the table of conversions, or a unit of the same kind",
        ) from None
