"""Indicators by power with their ranges, ready to be drawn from.

What is drawn: indicators with draws of their own (losses) take one of these draws, the same for all of them, so that what
moves together stays together. Others are independent: triangular between low and high with the value as the mode; uniform
where the value is one of the two ends, for then it is a bound and no estimate. Where a value is not known but bounded, the
powers concerned and all others share out the bound at random (a flat Dirichlet distribution): together they never have more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FIRST_RECORD, Kind, require_member, require_range, require_unique, typed
from betweengiants.position.balance_choices import COUNTER, ROLES, TIE, Layout
from betweengiants.position.uncertain import triangular

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
COLUMNS: dict[str, Kind] = {"indicator": "text", "power": "text", "value": "number"}
OPTIONAL: dict[str, Kind] = {
    "low": "number",
    "high": "number",
    "domain": "text",
    "group": "text",
    "role": "text",
    "main": "flag",
}
OF_INDICATOR = ("domain", "group", "role", "main")


@dataclass(frozen=True, eq=False)
class Evidence:
    """K indicators of P powers.

    Attributes:
        powers: (P,) codes.
        table: indicator, domain, group, role, main; K rows in the order in which indicators appear first.
        value, low, high: (K, P); 0 where nothing is known.
        known: (K, P) whether there is a value.
        bounded: (K, P) whether there is no value but a bound.
        layout: domains and groups as numbers.
        samples: (D, K, P) draws, not-a-number for indicators without; or None.
    """

    powers: tuple[str, ...]
    table: pl.DataFrame
    value: Floats
    low: Floats
    high: Floats
    known: Flags
    bounded: Flags
    layout: Layout
    samples: Floats | None = None

    @property
    def indicators(self) -> tuple[str, ...]:
        """(K,) names."""
        return tuple(self.table["indicator"])

    def usable(self, roles: frozenset[str], main_only: bool, within_bounds: bool) -> Flags:
        """(K,) indicators that count: of these roles, and known of every power (or at least bounded)."""
        there = self.known | self.bounded if within_bounds else self.known
        asked = self.table["role"].is_in(sorted(roles)).to_numpy()
        if main_only:
            asked = asked & self.table["main"].to_numpy()
        return np.asarray(there.all(axis=1) & asked)

    def central(self) -> Floats:
        """(1, K, P) values; the mean of what is only bounded."""
        mean = 1.0 / (self.bounded.sum(axis=1, keepdims=True) + 1.0)
        filled = np.where(self.bounded, self.low + (self.high - self.low) * mean, self.value)
        return self._reflected(filled[None])

    def drawn(self, u: Floats, pick: Floats) -> Floats:
        """(n, K, P) values.

        Args:
            u: (n, K, P + 1) uniform numbers; the last of an indicator is for all others, who share its bound.
            pick: (n,) uniform numbers: which draw.
        """
        n, width = u.shape[0], self.high - self.low
        ends = np.array([self.low, self.value, self.high]).reshape(3, -1)
        peaked = triangular(ends, u[:, :, :-1].reshape(n, -1)).reshape(n, *self.value.shape)
        inside = (self.low < self.value) & (self.value < self.high)
        values = np.where(inside, peaked, self.low + width * u[:, :, :-1])
        parts = -np.log(u)
        among = np.where(self.bounded, parts[:, :, :-1], 0.0)
        part = among / (among.sum(axis=2, keepdims=True) + parts[:, :, -1:])
        values = np.where(self.bounded, self.low + width * part, values)
        if self.samples is not None:
            rows = np.minimum((pick * len(self.samples)).astype(np.int64), len(self.samples) - 1)
            taken = self.samples[rows]
            values = np.where(np.isnan(taken), values, taken)
        return self._reflected(values)

    def _reflected(self, values: Floats) -> Floats:
        """What counts against the hold of a power is reflected about the middle of the powers: most becomes least."""
        against = (self.table["role"] == COUNTER).to_numpy()[None, :, None]
        ends = values.max(axis=2, keepdims=True) + values.min(axis=2, keepdims=True)
        return np.asarray(np.where(against, ends - values, values))


def evidence(
    frame: pl.DataFrame,
    powers: Sequence[str],
    samples: Mapping[str, Floats] | None = None,
    *,
    name: str = "indicators",
) -> Evidence:
    """Check a table of indicators and lay it out.

    Args:
        frame: `indicator,power,value` with values of at least 0, more of which exposes more, and optionally `low,high` (of
            the value; without a value, of what it can be at most, then low is 0 unless given), `domain` (default: the
            indicator), `group` of domains (default: the domain), `role` (`tie`, `counter`: counts against the power's hold,
            `alignment`; default tie), `main` (whether it stands for its domain; default yes).
        powers: the powers, 2 or more, in the order wanted.
        samples: indicator -> (D, P) draws for these powers, as many draws for each.
        name: how messages call the table.

    Raises:
        DataError: fewer than 2 powers, missing columns, a second row, a value below 0 or outside its range, an indicator
            of two domains, groups or roles, draws that do not fit or are not finite.
        UnknownLabel: a power that is not asked for; draws of an indicator that the table lacks.
    """
    if len(set(powers)) != len(powers) or len(powers) < 2:
        raise DataError(found=f"the powers {', '.join(powers) or '(none)'}", allowed="two or more, each once")
    rows = _checked(frame, powers, name)
    table = rows.select("indicator", *OF_INDICATOR).unique("indicator", keep="first", maintain_order=True)
    again = rows.join(table, on=["indicator", *OF_INDICATOR], how="anti")
    if again.height:
        mixed = again["indicator"][0]
        raise DataError(
            file=name,
            found=f"two of {', '.join(OF_INDICATOR)} for {mixed}",
            allowed="the same in all rows of an indicator",
        )
    shape = (table.height, len(powers))
    value, low, high = (np.zeros(shape) for _ in range(3))
    known, bounded = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    place = {indicator: k for k, indicator in enumerate(table["indicator"])}
    for row in rows.to_dicts():
        at = place[row["indicator"]], list(powers).index(row["power"])
        if row["value"] is not None:
            known[at], value[at] = True, row["value"]
            low[at] = row["value"] if row["low"] is None else row["low"]
            high[at] = row["value"] if row["high"] is None else row["high"]
        elif row["high"] is not None:
            bounded[at], low[at], high[at] = True, row["low"] or 0.0, row["high"]
    codes = {part: table[part].rank("dense").cast(pl.Int64).to_numpy() for part in OF_INDICATOR[:2]}
    layout = Layout(codes["domain"], codes["group"])
    return Evidence(
        tuple(powers),
        table,
        value,
        low,
        high,
        known,
        bounded,
        layout,
        _stacked(samples or {}, place, len(powers)),
    )


def _checked(frame: pl.DataFrame, powers: Sequence[str], name: str) -> pl.DataFrame:
    rows = typed(frame, COLUMNS, optional=OPTIONAL, blanks=("value", *OPTIONAL), name=name)
    rows = rows.with_columns(
        pl.lit(
            None, dtype=pl.Float64 if kind == "number" else pl.Boolean if kind == "flag" else pl.String
        ).alias(column)
        for column, kind in OPTIONAL.items()
        if column not in rows.columns
    )
    rows = rows.with_columns(pl.col("domain").fill_null(pl.col("indicator"))).with_columns(
        pl.col("group").fill_null(pl.col("domain")),
        pl.col("role").fill_null(TIE),
        pl.col("main").fill_null(True),
    )
    require_unique(rows, ["indicator", "power"], name)
    require_member(rows, "role", ROLES, name)
    for power in rows["power"]:
        if power not in powers:
            raise UnknownLabel(power, powers, what="power", file=name, column="power")
    for column in ("value", "low", "high"):
        require_range(rows, column, name, minimum=0)
        endless = rows[column].is_infinite().fill_null(False)
        if endless.any():
            row = int(endless.arg_max() or 0) + FIRST_RECORD
            raise DataError(file=name, row=row, column=column, found="inf", allowed="finite numbers")
    value = rows["value"].fill_null(rows["low"])
    outside = ((rows["low"] > value) | (rows["high"] < value)).fill_null(False)
    if outside.any():
        row = int(outside.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column="value",
            found=f"{value[row]:g} outside {rows['low'][row]} to {rows['high'][row]}",
            allowed="a value inside its range",
        )
    return rows


def _stacked(samples: Mapping[str, Floats], place: Mapping[str, int], powers: int) -> Floats | None:
    """(D, K, P), not-a-number for indicators without draws."""
    if not samples:
        return None
    for indicator in samples:
        if indicator not in place:
            raise UnknownLabel(indicator, place, what="indicator")
    count = len(next(iter(samples.values())))
    stacked = np.full((count, len(place), powers), np.nan)
    for indicator, drawn in samples.items():
        if drawn.shape != (count, powers) or not count or not np.isfinite(drawn).all() or (drawn < 0).any():
            raise DataError(
                found=f"draws of {indicator} of shape {drawn.shape}, or some below 0 or not finite",
                allowed=f"{count} draws of {powers} powers, finite and at least 0",
            )
        stacked[:, place[indicator]] = drawn
    return stacked
