"""Cost shares and elasticities by sector from tables.

Cost shares: `economy,sector,parameter,input_sector,value`. Parameters:

    value_added_share         share of value added in the cost of the sector
    input_share               share of the input in the cost of the sector
    intermediate_input_share  share of the input in all inputs of the sector (these add up to 1)

`economy` is a label or `*` (also `DEFAULT`): every economy without a row of its own. `sector` is a label or `*`: every
sector without a row of its own. A `value_added_share` of the sector `all` is that of the whole economy together: the
shares of sectors that have no row of their own economy are scaled so that value added reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import FIRST_RECORD, Kind, read_table, require_range, require_unique, typed

Floats = NDArray[np.float64]
SHARES_TOLERANCE = 1e-3
"""Shares from tables are rounded; sums this close to 1 are made exact by scaling the inputs."""
VALUE_ADDED, INPUT, MIX = "value_added_share", "input_share", "intermediate_input_share"
EVERY, TOGETHER = "*", "all"
DEFAULTS = (EVERY, "DEFAULT")
COLUMNS: dict[str, Kind] = {
    "economy": "text",
    "sector": "text",
    "parameter": "text",
    "input_sector": "text",
    "value": "number",
}


@dataclass(frozen=True)
class Coefficients:
    """A table of cost shares, checked row by row, not yet matched with a table of flows.

    Attributes:
        name: how messages call it.
        value_added: (economy, sector) to (share, row).
        inputs: (economy, sector) to the parameter in use and its (share, row) by input sector.
        unused: parameters that are not cost shares.
    """

    name: str
    value_added: dict[tuple[str, str], tuple[float, int]]
    inputs: dict[tuple[str, str], tuple[str, dict[str, tuple[float, int]]]]
    unused: tuple[str, ...] = ()

    def shares(
        self, labels: Sequence[str], sectors: Sequence[str], output: Floats, absorption: Floats
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        """(N, S) va and (N, S, S) gamma [country, input, using sector] for a table of flows, and notes.

        Where no row gives the inputs of a sector, they follow the mix of the country's own absorption (noted).

        Raises:
            DataError: no value-added share for a country and sector with output, or shares that do not add up to 1.
            UnknownLabel: an input sector that the flows do not hold.
        """
        va, gamma = np.ones(output.shape), np.zeros((*output.shape, len(sectors)))
        mixed: list[str] = []
        for j, label in enumerate(labels):
            given = [self._inputs(label, sector, sectors) for sector in sectors]
            for s, share in enumerate(self._value_added(label, sectors, output[j], given)):
                if output[j, s] <= 0:
                    continue
                va[j, s] = share
                found = given[s]
                if found is None:
                    if share < 1:
                        gamma[j, :, s] = (1 - share) * absorption[j] / absorption[j].sum()
                        mixed.append(label)
                    continue
                parameter, values = found
                gamma[j, :, s] = values if parameter == INPUT else (1 - share) * values / values.sum()
                self._require_sum(label, sectors[s], share, gamma[j, :, s])
        return va, gamma, (*self._strangers(labels, sectors), *self._mixed(mixed))

    def _candidates(self, label: str, sector: str) -> list[tuple[str, str]]:
        return [(e, s) for e in (label, EVERY) for s in (sector, EVERY)]

    def _inputs(self, label: str, sector: str, sectors: Sequence[str]) -> tuple[str, Floats] | None:
        """The parameter and the (S,) shares of the first row group that applies."""
        for key in self._candidates(label, sector):
            if key in self.inputs:
                parameter, shares = self.inputs[key]
                values = np.zeros(len(sectors))
                for name, (share, row) in shares.items():
                    if name not in sectors:
                        raise UnknownLabel(
                            name, sectors, what="sector", file=self.name, row=row, column="input_sector"
                        )
                    values[sectors.index(name)] = share
                return parameter, values
        return None

    def _value_added(
        self,
        label: str,
        sectors: Sequence[str],
        output: Floats,
        given: Sequence[tuple[str, Floats] | None],
    ) -> Floats:
        """(S,) value-added shares of one economy."""
        shares, own = np.ones(len(sectors)), np.zeros(len(sectors), dtype=np.bool_)
        together = self.value_added.get((label, TOGETHER))
        for s, sector in enumerate(sectors):
            keys = [k for k in self._candidates(label, sector) if k in self.value_added]
            found = given[s]
            if keys:
                shares[s] = self.value_added[keys[0]][0]
                own[s] = keys[0][0] == label
            elif found is not None and found[0] == INPUT:
                shares[s], own[s] = 1 - found[1].sum(), True
            elif together is None and output[s] > 0:
                raise DataError(
                    file=self.name,
                    found=f"no {VALUE_ADDED} for {label}, {sector}",
                    allowed=f"a row for it, or for economy {EVERY} or sector {EVERY}",
                )
            if not shares[s] > 0:
                raise DataError(
                    file=self.name,
                    found=f"input shares of {label}, {sector} that add up to {1 - shares[s]:g}",
                    allowed="less than 1",
                )
        if together is None or own.all():
            return shares
        return self._scaled(label, shares, own, output, together)

    def _scaled(
        self, label: str, shares: Floats, own: NDArray[np.bool_], output: Floats, together: tuple[float, int]
    ) -> Floats:
        """Shares of the sectors without a row of their own, scaled to the value added of the whole economy."""
        rest = float((shares * output)[~own].sum())
        if rest <= 0:
            return shares
        factor = (together[0] * output.sum() - (shares * output)[own].sum()) / rest
        scaled = np.where(own, shares, shares * factor)
        if not ((scaled > 0) & (scaled <= 1)).all():
            raise DataError(
                file=self.name,
                row=together[1],
                column="value",
                found=f"a value-added share of {together[0]:g} for all sectors of {label} together, which would need "
                f"{scaled.min():.3g} to {scaled.max():.3g} by sector",
                allowed="a share that leaves each sector between 0 and 1",
            )
        return scaled

    def _require_sum(self, label: str, sector: str, share: float, inputs: Floats) -> None:
        if abs(share + inputs.sum() - 1) > SHARES_TOLERANCE:
            raise DataError(
                file=self.name,
                found=f"value added {share:g} and inputs {inputs.sum():g} for {label}, {sector}",
                allowed=f"shares that add up to 1 (within {SHARES_TOLERANCE:g})",
            )

    def _strangers(self, labels: Sequence[str], sectors: Sequence[str]) -> list[str]:
        keys = [*self.value_added, *self.inputs]
        odd = _order(e for e, _ in keys if e not in labels and e != EVERY)
        odd += _order(s for _, s in keys if s not in sectors and s not in (EVERY, TOGETHER))
        named = (("economies or sectors that the flows do not hold", odd), ("parameters", self.unused))
        return [
            f"note: {self.name}: rows are left aside for {what}: {summary(n, 20)}." for what, n in named if n
        ]

    def _mixed(self, labels: Iterable[str]) -> list[str]:
        named = _order(labels)
        if not named:
            return []
        return [
            f"note: {self.name}: no input rows for {summary(named)}: inputs follow the mix of the economy's own absorption."
        ]


def read_coefficients(path: Path | str) -> Coefficients:
    """Read a table of cost shares (layout in the head of this module).

    Raises:
        DataError: a missing column, a share outside 0 to 1, a value-added share of 0, an input row without input
            sector or the reverse, a repeated row, both kinds of input rows for one sector.
    """
    path = Path(path)
    raw = read_table(path, COLUMNS, blanks=("input_sector", "value"))
    return coefficients(raw, name=path.name)


def coefficients(frame: pl.DataFrame, *, name: str = "io") -> Coefficients:
    """Check a table of cost shares that is already in memory (see `read_coefficients`)."""
    table = typed(frame, COLUMNS, blanks=("input_sector", "value"), name=name)
    numbered = table.with_row_index("row", offset=FIRST_RECORD)
    known = pl.col("parameter").is_in([VALUE_ADDED, INPUT, MIX])
    unused = tuple(numbered.filter(~known)["parameter"].unique(maintain_order=True))
    if len(unused) and not numbered.filter(known).height:
        raise DataError(
            file=name, column="parameter", found=summary(unused), allowed=f"{VALUE_ADDED}, {INPUT}, {MIX}"
        )
    require_unique(table, ["economy", "sector", "parameter", "input_sector"], name)
    require_range(table.with_columns(value=pl.when(known).then("value")), "value", name, minimum=0, maximum=1)
    value_added: dict[tuple[str, str], tuple[float, int]] = {}
    inputs: dict[tuple[str, str], tuple[str, dict[str, tuple[float, int]]]] = {}
    for record in numbered.filter(known).iter_rows(named=True):
        _check_row(record, name)
        key = EVERY if record["economy"] in DEFAULTS else record["economy"], record["sector"]
        if record["parameter"] == VALUE_ADDED:
            value_added[key] = (record["value"], record["row"])
            continue
        key = key[0], EVERY if key[1] == TOGETHER else key[1]
        parameter, shares = inputs.setdefault(key, (record["parameter"], {}))
        if parameter != record["parameter"]:
            raise DataError(
                file=name,
                row=record["row"],
                column="parameter",
                found=f"{INPUT} and {MIX} for {key[0]}, {key[1]}",
                allowed="one of the two",
            )
        shares[record["input_sector"]] = (record["value"], record["row"])
    for (economy, sector), (parameter, shares) in inputs.items():
        total = sum(share for share, _ in shares.values())
        if parameter == MIX and abs(total - 1) > SHARES_TOLERANCE:
            raise DataError(
                file=name,
                row=next(iter(shares.values()))[1],
                column="value",
                found=f"{MIX} rows of {economy}, {sector} that add up to {total:g}",
                allowed=f"1 (within {SHARES_TOLERANCE:g})",
            )
    return Coefficients(name, value_added, inputs, unused)


def read_elasticities(path: Path | str, sectors: Sequence[str], other: float | None = None) -> Floats:
    """(S,) theta from `sector,theta`, in the order of `sectors`.

    Args:
        path: a CSV or Parquet file.
        sectors: the sectors of the flows.
        other: theta of sectors without a row (default: every sector needs one).

    Raises:
        DataError: a theta that is not above 0 and finite, a repeated sector, a sector without a row.
        UnknownLabel: a sector that the flows do not hold.
    """
    path = Path(path)
    table = read_table(path, {"sector": "text", "theta": "number"})
    require_unique(table, ["sector"], path.name)
    values = dict.fromkeys(sectors, other)
    for row, (sector, theta) in enumerate(table.iter_rows(), FIRST_RECORD):
        if sector not in values:
            raise UnknownLabel(sector, sectors, what="sector", file=path.name, row=row, column="sector")
        if not 0 < theta < np.inf:
            raise DataError(
                file=path.name, row=row, column="theta", found=f"{theta:g}", allowed="finite numbers above 0"
            )
        values[sector] = theta
    absent = [sector for sector, theta in values.items() if theta is None]
    if absent:
        raise DataError(
            file=path.name,
            column="sector",
            found=f"no row for {summary(absent)}",
            allowed="a row for every sector of the flows, or --elasticity for those without one",
        )
    return np.array([values[sector] for sector in sectors], dtype=np.float64)


def _check_row(record: dict[str, object], name: str) -> None:
    added, row = record["parameter"] == VALUE_ADDED, int(str(record["row"]))
    if record["value"] is None or (added and record["value"] == 0):
        found = "an empty cell" if record["value"] is None else "0"
        raise DataError(
            file=name, row=row, column="value", found=found, allowed="a share above 0 and at most 1"
        )
    if added != (record["input_sector"] is None):
        raise DataError(
            file=name,
            row=row,
            column="input_sector",
            found="an empty cell" if record["input_sector"] is None else f"'{record['input_sector']}'",
            allowed="an empty cell" if added else "the sector that the input comes from",
        )


def _order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
