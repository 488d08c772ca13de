"""Settings that must be above 0: refused in one sentence with file, row and column."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position import position
from betweengiants.position.balance_inputs import losses_and_closeness
from betweengiants.position.compare import comparison
from betweengiants.position.domains import domains
from betweengiants.position.history import history
from betweengiants.position.settings import positive
from betweengiants.position.transit_channel import transit_channels

GDP = "gdp_usd_m_2025"
With = Callable[..., Dossier]


def changed(dossier: Dossier, name: str, **cells: float) -> pl.DataFrame:
    """The parameters with other cells in one row."""
    here = pl.col("parameter") == name
    new = [
        pl.when(here).then(pl.lit(value)).otherwise(column).alias(column) for column, value in cells.items()
    ]
    return dossier.tables["parameters"].with_columns(new)


@pytest.mark.parametrize("value", [0.0, -5.0])
@pytest.mark.parametrize("solve", [position, transit_channels, lambda dossier: comparison([dossier])])
def test_a_gdp_that_nothing_can_be_divided_by(
    dossier: Dossier, with_tables: With, solve: Callable[[Dossier], object], value: float
) -> None:
    broken = with_tables(parameters=changed(dossier, GDP, value=value))
    with pytest.raises(DataError) as refused:
        solve(broken)
    row = dossier.tables["parameters"]["parameter"].to_list().index(GDP) + 2
    assert str(refused.value) == (
        f"parameters.csv, row {row}, column 'value': found {GDP} of {value:g}; allowed: a number above 0."
    )


@pytest.mark.parametrize(
    "name", ["theta_short", "theta_long", "barrels_per_tonne", "oil_price_usd_per_bbl_2025"]
)
@pytest.mark.parametrize("solve", [position, history, domains, losses_and_closeness])
def test_what_other_models_divide_by(
    dossier: Dossier, with_tables: With, solve: Callable[[Dossier], object], name: str
) -> None:
    broken = with_tables(parameters=changed(dossier, name, low=0.0))
    with pytest.raises(DataError, match=rf"column 'low': found {name} of 0; allowed: a number above 0"):
        solve(broken)


def test_a_missing_setting_is_named(dossier: Dossier, with_tables: With) -> None:
    without = with_tables(parameters=dossier.tables["parameters"].filter(pl.col("parameter") != GDP))
    with pytest.raises(UnknownLabel, match=GDP):
        transit_channels(without)
    assert positive(dossier, GDP)[0] > 0
