"""What looks wrong in a table of flows before anything is solved: each rule names the countries, the value and the bound.

A finding is no proof of an error: an entrepot really exports more than it makes. It says what to look at first, because
the model takes every zero for a true zero and every home share for a fact. The bounds are the constants below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, summary
from betweengiants.core.tables import read_table, require_range, require_unique
from betweengiants.trade.matrix import BLIND_GROUP, LOW_HOME_SHARE, flow_rows, header, read_rows, silent_group

Floats = NDArray[np.float64]
HIGH_HOME_SHARE = 0.98
"""A home share above this is implausible for a whole economy that trades at all: imports are missing, or in other units."""
LOW_SECTOR_HOME_SHARE = 0.01
"""A sector that sells less than this at home, and yet exports, probably has no estimate of its domestic sales."""
OUTPUT_TO_GDP = (0.5, 5.0)
"""Sales of all sectors over GDP: 1 on the value-added basis, 1.6 to 3.0 on the gross-output basis (WIOD 2014)."""
UNITS = 300.0
"""A ratio that is off by more than this looks like thousands beside millions."""
BALANCE = 5.0
"""Exports of a country over its imports, or the reverse."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that looks wrong.

    Attributes:
        check: domestic_sales, missing_zeros, home_share, units or balance.
        countries: whom it is about.
        sector: the sector, or None for all of them together.
        value: what was found (a share, a ratio or a number of countries).
        low, high: what would be plausible.
        text: one sentence.
    """

    check: str
    countries: tuple[str, ...]
    sector: str | None
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, eq=False)
class Flows:
    """A table of flows as it stands, not yet fit for a model.

    Attributes:
        labels: N countries, sorted.
        sectors: S sectors; one, called `all`, where the table has no such column.
        values: (N, N, S) [exporter, importer, sector], domestic sales on the diagonal.
    """

    labels: tuple[str, ...]
    sectors: tuple[str, ...]
    values: Floats


def read_unchecked(path: Path | str, year: int | None = None) -> Flows:
    """Read `exporter,importer,value[,sector][,year]`; countries without domestic sales are let pass.

    Raises:
        DataError: see `matrix.flow_rows`.
    """
    path = Path(path)
    table = flow_rows(read_rows(path), path.name, year)
    if "sector" not in table.columns:
        table = table.with_columns(sector=pl.lit("all"))
    labels = sorted(set(table["exporter"]) | set(table["importer"]))
    sectors = sorted(set(table["sector"]))
    at, kind = ({label: k for k, label in enumerate(names)} for names in (labels, sectors))
    values = np.zeros((len(labels), len(labels), len(sectors)))
    where = (
        [at[label] for label in table["exporter"]],
        [at[label] for label in table["importer"]],
        [kind[label] for label in table["sector"]],
    )
    values[where] = table["value"].to_numpy()
    return Flows(tuple(labels), tuple(sectors), values)


def read_gdp(path: Path | str) -> dict[str, float]:
    """Read `country,gdp`; the columns may also be called `iso3` and `gdp_...` (such as `gdp_usd_m`).

    Raises:
        DataError: a missing column, a repeated country, a value that is not above 0 and finite.
    """
    path = Path(path)
    names = header(path)
    country = "iso3" if "country" not in names and "iso3" in names else "country"
    gdp = next((name for name in names if name == "gdp" or name.startswith("gdp_")), "gdp")
    table = read_table(path, {country: "text", gdp: "number"})
    require_unique(table, [country], path.name)
    require_range(table, gdp, path.name, minimum=0)
    values = dict(zip(table[country], table[gdp], strict=True))
    bad = [label for label, value in values.items() if not 0 < value < np.inf]
    if bad:
        raise DataError(
            file=path.name,
            column=gdp,
            found=f"no usable GDP for {summary(bad)}",
            allowed="finite numbers above 0",
        )
    return values


def check_flows(flows: Flows, gdp: Mapping[str, float] | None = None) -> tuple[Finding, ...]:
    """All rules, in the order in which they matter.

    Args:
        flows: see `read_unchecked`.
        gdp: by country, in the unit of the flows; countries without one are not compared.
    """
    return (
        *domestic_sales(flows),
        *missing_zeros(flows),
        *units(flows, gdp),
        *home_shares(flows),
        *balances(flows),
    )


def findings_frame(findings: tuple[Finding, ...]) -> pl.DataFrame:
    """Columns check, countries (joined by `;`), sector, value, low, high, finding."""
    kinds = {
        "check": pl.String,
        "countries": pl.String,
        "sector": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "finding": pl.String,
    }
    rows = [(f.check, ";".join(f.countries), f.sector, f.value, f.low, f.high, f.text) for f in findings]
    return pl.DataFrame(rows, schema=kinds, orient="row")


def domestic_sales(flows: Flows) -> tuple[Finding, ...]:
    """Countries without any domestic sales: the model cannot be solved for them."""
    home = flows.values.sum(axis=2).diagonal()
    names = tuple(flows.labels[k] for k in np.flatnonzero(home <= 0))
    if not names:
        return ()
    text = f"no domestic sales for {summary(names)}: add rows with exporter = importer"
    return (Finding("domestic_sales", names, None, float(len(names)), 0.0, 0.0, text),)


def missing_zeros(flows: Flows) -> tuple[Finding, ...]:
    """A group of countries without any trade among themselves, though each trades with at least half of the others.

    So look data in which a country that does not report is seen only through its partners' reports, as 76 economies of
    BACI 2023; 39 of them trade with enough others to be named here (see `matrix.silent_group`).
    """
    group = silent_group(flows.values.sum(axis=2))
    if not group:
        return ()
    names = tuple(sorted(flows.labels[k] for k in group))
    text = f"{len(names)} countries show no trade with one another ({summary(names)}): missing reports rather than zeros"
    return (Finding("missing_zeros", names, None, float(len(names)), 0.0, BLIND_GROUP - 1.0, text),)


def home_shares(flows: Flows) -> tuple[Finding, ...]:
    """Home shares of spending that no whole economy has, and sectors that export and hardly sell at home."""
    total = flows.values.sum(axis=2)
    share = total.diagonal() / np.maximum(total.sum(axis=0), np.finfo(float).tiny)
    found = []
    for k in np.flatnonzero((total.diagonal() > 0) & ((share < LOW_HOME_SHARE) | (share > HIGH_HOME_SHARE))):
        why = (
            "transit goods, or sales on another basis" if share[k] < LOW_HOME_SHARE else "imports are missing"
        )
        text = f"{flows.labels[k]} buys {share[k]:.2%} at home: {why}?"
        found.append(
            Finding(
                "home_share", (flows.labels[k],), None, float(share[k]), LOW_HOME_SHARE, HIGH_HOME_SHARE, text
            )
        )
    if len(flows.sectors) == 1:
        return tuple(found)
    made = flows.values.sum(axis=1)
    home = np.einsum("iis->is", flows.values)
    sold = np.where(made > 0, home / np.where(made > 0, made, 1.0), 1.0)
    for k, s in np.argwhere(sold < LOW_SECTOR_HOME_SHARE):
        text = f"{flows.labels[k]} sells {sold[k, s]:.2%} of its {flows.sectors[s]} at home"
        found.append(
            Finding(
                "home_share",
                (flows.labels[k],),
                flows.sectors[s],
                float(sold[k, s]),
                LOW_SECTOR_HOME_SHARE,
                1.0,
                text,
            )
        )
    return tuple(found)


def units(flows: Flows, gdp: Mapping[str, float] | None = None) -> tuple[Finding, ...]:
    """Thousands beside millions: by GDP where it is known, and by domestic sales over trade."""
    found = _by_gdp(flows, gdp) if gdp else []
    total = flows.values.sum(axis=2)
    home = total.diagonal()
    abroad = (total.sum(axis=0) + total.sum(axis=1)) / 2 - home
    usable = (home > 0) & (abroad > 0)
    if not usable.any():
        return tuple(found)
    ratio = np.where(usable, home / np.where(usable, abroad, 1.0), 1.0)
    middle = float(np.median(ratio[usable]))
    if not 1 / UNITS <= middle <= UNITS:
        text = f"domestic sales are {middle:.3g} times trade in the median country: two units in one table?"
        found.append(Finding("units", (), None, middle, 1 / UNITS, UNITS, text))
    for k in np.flatnonzero(usable & ((ratio > UNITS * middle) | (ratio < middle / UNITS))):
        text = f"{flows.labels[k]}: domestic sales are {ratio[k]:.3g} times trade, {middle:.3g} in the median country"
        found.append(
            Finding("units", (flows.labels[k],), None, float(ratio[k]), middle / UNITS, middle * UNITS, text)
        )
    return tuple(found)


def balances(flows: Flows) -> tuple[Finding, ...]:
    """Countries that export many times what they import, or the reverse."""
    total = flows.values.sum(axis=2)
    sold = total.sum(axis=1) - total.diagonal()
    bought = total.sum(axis=0) - total.diagonal()
    found = []
    for k in np.flatnonzero((sold > 0) | (bought > 0)):
        ratio = float(sold[k] / bought[k]) if bought[k] > 0 else float("inf")
        if not 1 / BALANCE <= ratio <= BALANCE:
            text = f"{flows.labels[k]} exports {ratio:.3g} times what it imports"
            found.append(Finding("balance", (flows.labels[k],), None, ratio, 1 / BALANCE, BALANCE, text))
    return tuple(found)


def _by_gdp(flows: Flows, gdp: Mapping[str, float]) -> list[Finding]:
    """Sales over GDP: of the median country (the table's unit), then of countries far from the bounds."""
    known = [k for k, label in enumerate(flows.labels) if label in gdp]
    if not known:
        text = f"the GDP table and the flows have no country in common ({summary(gdp)})"
        return [Finding("units", (), None, 0.0, 1.0, float(len(flows.labels)), text)]
    sales = flows.values.sum(axis=(1, 2))
    ratio = {flows.labels[k]: float(sales[k] / gdp[flows.labels[k]]) for k in known}
    middle, (low, high) = float(np.median(list(ratio.values()))), OUTPUT_TO_GDP
    if not low <= middle <= high:
        hint = ": thousands against millions?" if not 1 / UNITS <= middle <= UNITS else ""
        text = f"sales are {middle:.3g} times GDP in the median country{hint}"
        return [Finding("units", (), None, middle, low, high, text)]
    return [
        Finding("units", (label,), None, value, low, high, f"{label}: sales are {value:.3g} times GDP")
        for label, value in ratio.items()
        if not low <= value <= high
    ]
