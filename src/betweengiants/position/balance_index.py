"""A composite on top of leverage and the domains: whose hold is how strong, how balanced the whole is, what decides it.

    index[p] = share of power p in what binds the state, over all indicators (`balance_choices`), adding up to 1
    effective vectors = 1 / sum(index^2)    (Laakso & Taagepera 1979)     autonomy = 1 - max(index)

An index has no joint severance: the hold of all powers together is the sum, so that its autonomy is one minus the largest
share. Every choice (what counts, one or all indicators of a domain, gaps, normalisation, weights, aggregation) and every value
within its range are drawn together, all alternatives of a choice equally likely (OECD & JRC 2008; Saisana, Saltelli &
Tarantola 2005, doi 10.1111/j.1467-985X.2005.00350.x). Sobol indices say which choice drives the result (`core.sobol`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError
from betweengiants.core.intervals import Interval
from betweengiants.core.sobol import SobolIndices, jansen, saltelli
from betweengiants.position.balance_choices import Choices, Layout
from betweengiants.position.balance_evidence import Evidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BASE = 2048
MOST = 16_384
ENDS = (0.05, 0.95)
DIGITS = 12
"""Powers that differ by less than rounding share a rank."""
RESULTS = ("effective_vectors", "autonomy", "margin")
DRAWS, RANGES = "loss_draws", "ranges"


@dataclass(frozen=True, eq=False)
class BalanceIndex:
    """A composite with what made it.

    Attributes:
        evidence: the indicators.
        choices: the alternatives.
        central: (P,) index under the central choices at the central values.
        drawn: (2 N, P) index under every drawn set of choices and values.
        sobol: indices of every choice group for the results (effective vectors, autonomy, margin of the first two powers).
        one_at_a_time: (choice, alternative) -> (P,) index with this alternative, all else central.
        seed: of the draws.
    """

    evidence: Evidence
    choices: Choices
    central: Floats
    drawn: Floats
    sobol: SobolIndices
    one_at_a_time: Mapping[tuple[str, str], Floats]
    seed: int

    @property
    def powers(self) -> tuple[str, ...]:
        """The powers, P."""
        return self.evidence.powers

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Powers by falling central index."""
        return tuple(self.powers[p] for p in np.argsort(-self.central.round(DIGITS), kind="stable"))

    @cached_property
    def rank_chances(self) -> Floats:
        """(P, P) chance of every power (rows) to hold every rank (columns); powers that tie share their ranks."""
        return _rank_chances(self.drawn)

    def powers_table(self) -> pl.DataFrame:
        """power, index with low and high (5 to 95 percent), rank with its interval, chance of every rank, coverage.

        `known`, `bounded`, `missing`: indicators with a value, with a bound alone, with neither.
        """
        rank = 1 + (self.central.round(DIGITS)[None] > self.central.round(DIGITS)[:, None]).sum(axis=1)
        reached = self.rank_chances.cumsum(axis=1)
        rows = []
        for p, power in enumerate(self.powers):
            index = _spread(self.central[p], self.drawn[:, p])
            low, high = (int(np.argmax(reached[p] >= end - 1e-12)) + 1 for end in ENDS)
            known, bounded = self.evidence.known[:, p], self.evidence.bounded[:, p]
            rows.append(
                {"power": power, "index": index.value, "low": index.low, "high": index.high}
                | {
                    "rank": int(rank[p]),
                    "rank_low": min(low, int(rank[p])),
                    "rank_high": max(high, int(rank[p])),
                }
                | {f"chance_rank_{r + 1}": float(self.rank_chances[p, r]) for r in range(len(self.powers))}
                | {"known": int(known.sum()), "bounded": int(bounded.sum())}
                | {"missing": int((~known & ~bounded).sum())}
            )
        return pl.DataFrame(rows).sort("rank", "power")

    def state(self) -> dict[str, Interval]:
        """Effective vectors, autonomy, and the margin between the first two powers, each with 5 to 95 percent."""
        drawn = self._results(self.drawn)
        central = self._results(self.central[None])[0]
        return {name: _spread(central[k], drawn[:, k]) for k, name in enumerate(RESULTS)}

    def state_table(self) -> pl.DataFrame:
        """measure, value, low, high."""
        rows = [(name, number.value, number.low, number.high) for name, number in self.state().items()]
        schema = {"measure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def drivers(self) -> pl.DataFrame:
        """result, choice, alternatives, first, first_se, total, total_se; the largest total effect of a result first.

        `loss_draws` are the draws of the coupled severance, `ranges` the ranges of all other values; they have no number of
        alternatives. The margin is that of the first two powers of the central order.
        """
        counts = {name: len(alternatives) for name, alternatives in self.choices.groups().items()}
        kinds = ("first", "first_se", "total", "total_se")
        rows = [
            (result, choice, counts.get(choice), *(float(getattr(self.sobol, kind)[k, m]) for kind in kinds))
            for m, result in enumerate(RESULTS)
            for k, choice in enumerate(self.sobol.inputs)
        ]
        schema: dict[str, type[pl.DataType]] = {
            "result": pl.String,
            "choice": pl.String,
            "alternatives": pl.Int64,
        }
        schema |= dict.fromkeys(kinds, pl.Float64)
        table = pl.DataFrame(rows, schema=schema, orient="row")
        place = pl.col("result").replace_strict({name: m for m, name in enumerate(RESULTS)})
        return table.sort(place, -pl.col("total"), "choice")

    def choices_table(self) -> pl.DataFrame:
        """choice, alternative, central, reason, `<power>_index`, effective_vectors, autonomy, order: one change at a time."""
        rows = []
        for row in self.choices.table().to_dicts():
            index = self.one_at_a_time[row["choice"], row["alternative"]]
            vectors, free, _ = self._results(index[None])[0].tolist()
            order = [self.powers[p] for p in np.argsort(-index.round(DIGITS), kind="stable")]
            rows.append(
                row
                | {f"{power}_index": float(index[p]) for p, power in enumerate(self.powers)}
                | {"effective_vectors": vectors, "autonomy": free, "order": " > ".join(order)}
            )
        return pl.DataFrame(rows)

    def indicators_table(self) -> pl.DataFrame:
        """indicator, domain, group, role, main, the value of every power (empty where not known), used, why not."""
        known = self.evidence.known
        all_known, all_there = known.all(axis=1), (known | self.evidence.bounded).all(axis=1)
        columns = {
            power: pl.Series(np.where(known[:, p], self.evidence.value[:, p], np.nan)).fill_nan(None)
            for p, power in enumerate(self.powers)
        }
        used = np.where(all_known, "always", np.where(all_there, "within bounds", "never"))
        lacking = [
            ", ".join(power for p, power in enumerate(self.powers) if not row[p]) or None
            for row in known.tolist()
        ]
        return self.evidence.table.with_columns(
            **columns, used=pl.Series(used.tolist()), not_known=pl.Series(lacking, dtype=pl.String)
        )

    def _results(self, index: Floats) -> Floats:
        """(n, 3) results of (n, P) indices."""
        first, second = (self.powers.index(power) for power in self.order[:2])
        return results(index, first, second)


def results(index: Floats, first: int, second: int) -> Floats:
    """(n, 3) effective vectors, autonomy and the margin of one power over another, from (n, P) indices."""
    return np.column_stack(
        [1.0 / (index**2).sum(axis=1), 1.0 - index.max(axis=1), index[:, first] - index[:, second]]
    )


def balance_index(
    found: Evidence, choices: Choices | None = None, *, base: int = BASE, seed: int = 1
) -> BalanceIndex:
    """Draw every choice and every value, and ask which of them drives the result.

    Args:
        found: the indicators.
        choices: the alternatives (default: all of `balance_choices`).
        base: N, a power of 2; the index is taken at N (k + 2) points for k choice groups.
        seed: the same seed gives the same numbers.

    Raises:
        DataError: some combination of choices leaves no indicator, or a base that is no power of 2 or out of range.
    """
    if base > MOST:
        raise DataError(found=f"a sample of {base} points", allowed=f"a power of 2 up to {MOST}")
    made = choices or Choices()
    model = _Model(found, made)
    central = model.one({})
    design = saltelli(model.columns, base, seed)
    index = model.at(design.points)
    order = np.argsort(-central.round(DIGITS), kind="stable")
    values = results(index, int(order[0]), int(order[1])).reshape(len(design.inputs) + 2, base, -1)
    return BalanceIndex(
        found,
        made,
        central,
        index[: 2 * base],
        jansen(design, values[0], values[1], values[2:]),
        {
            (choice, alternative.name): model.one({choice: k})
            for choice, alternatives in made.groups().items()
            for k, alternative in enumerate(alternatives)
        },
        seed,
    )


class _Model:
    """From points of the unit cube to indices."""

    def __init__(self, found: Evidence, choices: Choices) -> None:
        self.found, self.choices = found, choices
        self.groups = choices.groups()
        count, powers = found.value.shape
        self.columns = dict.fromkeys(self.groups, 1)
        self.columns["weights"] += count
        self.columns |= {DRAWS: 1, RANGES: count * (powers + 1)}

    def one(self, picked: Mapping[str, int]) -> Floats:
        """(P,) index at central values, under these alternatives and the central ones of all other choices."""
        picks = np.array([[picked.get(name, 0) for name in self.groups]])
        even = np.ones((1, len(self.found.indicators)))
        return np.asarray(self._index(picks, self.found.central(), even)[0])

    def at(self, points: Floats) -> Floats:
        """(n, P) indices at (n, c) points."""
        part: dict[str, Floats] = {}
        start = 0
        for name, width in self.columns.items():
            part[name] = points[:, start : start + width]
            start += width
        picks = np.column_stack(
            [
                np.minimum((part[name][:, 0] * len(alternatives)).astype(np.int64), len(alternatives) - 1)
                for name, alternatives in self.groups.items()
            ]
        )
        count, powers = self.found.value.shape
        ranges = part[RANGES].reshape(-1, count, powers + 1)
        return self._index(
            picks, self.found.drawn(ranges, part[DRAWS][:, 0]), -np.log(part["weights"][:, 1:])
        )

    def _index(self, picks: Ints, values: Floats, exponential: Floats) -> Floats:
        """(n, P) indices: (n, choices) alternatives, (n, K, P) values, (n, K) draws of weights."""
        index = np.empty((picks.shape[0], values.shape[2]))
        sets, which = np.unique(picks, axis=0, return_inverse=True)
        which = which.reshape(-1)
        for number, chosen in enumerate(sets.tolist()):
            rows = np.flatnonzero(which == number)
            pick = dict(zip(self.groups, chosen, strict=True))
            used = self._used(pick)
            layout = Layout(self.found.layout.domain[used], self.found.layout.group[used])
            u = self.choices.normalisation[pick["normalisation"]].use(values[np.ix_(rows, used)])
            weight = self.choices.weights[pick["weights"]].use(layout, exponential[np.ix_(rows, used)])
            hold = self.choices.aggregation[pick["aggregation"]].use(u, weight, layout)
            index[rows] = hold / hold.sum(axis=1, keepdims=True)
        return index

    def _used(self, pick: Mapping[str, int]) -> Ints:
        scope = self.choices.scope[pick["scope"]]
        measures, gaps = self.choices.measures[pick["measures"]], self.choices.gaps[pick["gaps"]]
        used = np.flatnonzero(self.found.usable(scope.use, measures.use, gaps.use))
        if not used.size:
            raise DataError(
                found=f"no indicator that is known of every power under {scope.name}, {measures.name}, {gaps.name}",
                allowed="at least one tie known of every power",
            )
        return np.asarray(used)


def _rank_chances(drawn: Floats) -> Floats:
    """(P, P): power, rank."""
    values = drawn.round(DIGITS)
    above = (values[:, None, :] > values[:, :, None]).sum(axis=2)
    level = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    count = drawn.shape[1]
    chances = np.empty((count, count))
    for rank in range(count):
        chances[:, rank] = (((above <= rank) & (rank < above + level)) / level).mean(axis=0)
    return chances


def _spread(value: float, drawn: Floats) -> Interval:
    return Interval.spanning(float(value), np.quantile(drawn, ENDS).tolist())
