"""What a comparison yields: numbers in one long table, one wide row a state, and a short table for a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from betweengiants.position.compare_parts import Key
from betweengiants.position.compare_roads import COUPLED, LOST
from betweengiants.position.compare_votes import DISTANCE
from betweengiants.position.systems import SYSTEMS
from betweengiants.position.trade_channel import HORIZONS

RANGE, PLACE, SAMPLE = ("low", "high"), ("rank", "percentile", "among"), ("n", "se")


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared.

    Attributes:
        unit: unit code.
        powers: whether there is one number for each power.
        horizons: whether there is one for each horizon.
        extras: columns beside the value in the wide table.
        part: the evidence it belongs to; a measure of points or roads has columns only where such evidence was given.
    """

    unit: str
    powers: bool
    horizons: bool
    extras: tuple[str, ...]
    part: str


MEASURES: Mapping[str, Measure] = {
    "leverage_pct": Measure("pct", True, True, (*RANGE, *PLACE), "trade"),
    "counter_leverage_pct": Measure("pct", True, True, RANGE, "trade"),
    "first_order_loss_pct": Measure("pct", True, True, (), "trade"),
    "closed_form_loss_pct": Measure("pct", True, True, (), "trade"),
    "joint_leverage_pct": Measure("pct", False, True, (*RANGE, *PLACE), "trade"),
    "effective_vectors": Measure("index", False, True, (*RANGE, *PLACE), "trade"),
    "autonomy": Measure("share", False, True, (*RANGE, *PLACE), "trade"),
    "home_share": Measure("share", False, False, PLACE, "trade"),
    "vote_agreement": Measure("share", True, False, (*SAMPLE, *PLACE), "votes"),
    "vote_kappa": Measure("index", True, False, (*SAMPLE, *PLACE), "votes"),
    DISTANCE: Measure("index", True, False, (*SAMPLE, *PLACE), "points"),
    **{
        f"{system.channel}_{LOST}": Measure("pct", True, False, RANGE, "roads") for system in SYSTEMS.values()
    },
    COUPLED: Measure("pct", True, True, (), "roads"),
}
"""Every measure, in the order of the columns; rank 1 is the largest value."""
NUMBERS: dict[str, Any] = {
    "row": pl.Int64,
    "state": pl.String,
    "measure": pl.String,
    "power": pl.String,
    "horizon": pl.String,
    "unit": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "se": pl.Float64,
    "rank": pl.Int64,
    "percentile": pl.Float64,
    "among": pl.Int64,
    "source": pl.String,
    "period": pl.String,
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """States side by side.

    Attributes:
        powers: whose leverage is compared.
        numbers: one row a number: row (the place of the state among those asked for, from 1), state, measure, power, horizon,
            unit, value, low, high, n, se, rank (1: the largest among those compared), percentile (percent of the other
            states of the evidence that have less), among (how many states these are, itself included), source, period.
        everyone: state, measure, power, horizon, value of all states of the common matrix and votes, for a drawing of where the
            states compared lie among them.
        coverage: one row a state: row, state, name, given, then source and year of each part (empty: no numbers), gaps.
        notes: what holds for the whole comparison.
    """

    powers: tuple[str, ...]
    numbers: pl.DataFrame
    everyone: pl.DataFrame
    coverage: pl.DataFrame
    notes: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """One row a state with every number: `<measure>[_<power>][_<horizon>][_low|_high|_n|_se|_rank|_percentile|_among]`."""
        cells = {
            (row["row"], Key(row["measure"], row["power"], row["horizon"])): row
            for row in self.numbers.to_dicts()
        }
        given = {MEASURES[measure].part for measure in self.numbers["measure"].unique()}
        columns: list[pl.Series] = []
        for measure, spec in MEASURES.items():
            if spec.part in ("points", "roads") and spec.part not in given:
                continue
            for key in self._keys(measure, spec):
                name = "_".join(part for part in key if part)
                for extra in ("", *spec.extras):
                    values = [cells.get((row, key), {}).get(extra or "value") for row in self.coverage["row"]]
                    title = f"{name}_{extra}" if extra else name
                    columns.append(pl.Series(title, values, dtype=NUMBERS[extra or "value"]))
        for horizon in HORIZONS:
            largest = [self.largest(row, horizon) for row in self.coverage["row"]]
            columns.append(pl.Series(f"largest_{horizon}", largest, dtype=pl.String))
        about = self.coverage.columns
        return pl.DataFrame([*self.coverage.select(about[1:4]), *columns, *self.coverage.select(about[4:])])

    def value(self, row: int, measure: str, power: str = "", horizon: str = "") -> float | None:
        """One number of one state; None if it has none."""
        return self._values.get((row, Key(measure, power, horizon)))

    def largest(self, row: int, horizon: str) -> str | None:
        """The power with most leverage over a state; None if none has any."""
        held = {power: self.value(row, "leverage_pct", power, horizon) or 0.0 for power in self.powers}
        first = max(held, key=lambda power: held[power])
        return first if held[first] > 0 else None

    @cached_property
    def _values(self) -> dict[tuple[int, Key], float]:
        return {
            (row["row"], Key(row["measure"], row["power"], row["horizon"])): row["value"]
            for row in self.numbers.to_dicts()
        }

    def _keys(self, measure: str, spec: Measure) -> list[Key]:
        powers = self.powers if spec.powers else ("",)
        return [Key(measure, p, h) for p in powers for h in (HORIZONS if spec.horizons else ("",))]

    def summary(self) -> pl.DataFrame:
        """The same short enough for a screen, numbers as text.

        Columns state; leverage of each power in percent, short / long run; largest (the power with most leverage in the short
        run); vectors and autonomy (short run); votes (agreement with the powers, in their order); where a dossier brings
        it, all_channels (leverage through trade and roads in the short run, in the order of the powers).
        """
        lines = []
        for row, state in self.coverage.select("row", "state").iter_rows():
            line: dict[str, str | None] = {"state": state, "largest": self.largest(row, "short")}
            for power in self.powers:
                line[power] = _joined([self.value(row, "leverage_pct", power, h) for h in HORIZONS], 1)
            line["vectors"] = _joined([self.value(row, "effective_vectors", "", "short")], 1)
            line["autonomy"] = _joined([self.value(row, "autonomy", "", "short")], 2)
            line["votes"] = _joined([self.value(row, "vote_agreement", p) for p in self.powers], 2)
            line["all_channels"] = _joined([self.value(row, COUPLED, p, "short") for p in self.powers], 1)
            lines.append(line)
        columns = ["state", *self.powers, "largest", "vectors", "autonomy", "votes", "all_channels"]
        frame = pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String))
        return frame if frame["all_channels"].count() else frame.drop("all_channels")


def _joined(values: Sequence[float | None], digits: int) -> str | None:
    """Numbers with strokes between them, a dash for each that is missing; None if all are."""
    if all(value is None for value in values):
        return None
    return "/".join("-" if value is None else f"{value:.{digits}f}" for value in values)
