"""How the headline changes under other reasonable choices, one at a time, each a solve of its own.

The headline is the short-run loss of real national spending when each power severs alone, through trade and all roads in one
equilibrium (`coupled`), and who comes first. Every other row changes one choice and keeps the rest. Coalitions and the long
run are left to the position itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

import numpy as np
import polars as pl

from betweengiants.core.errors import BetweenGiantsError, DataError
from betweengiants.dossier import Dossier
from betweengiants.position.alternative_choices import ALONE, CHANNELS, HORIZON, Trial, choices
from betweengiants.position.coupled import can_couple, lacking, world
from betweengiants.position.settings import require_positive
from betweengiants.trade.faults import raise_first

SAME = 1e-9
"""Losses, in percent, that differ by less are the solver's rounding."""
SHOWN = 0.05
"""A change below this, in points, is none in a table with one decimal."""


@dataclass(frozen=True)
class Alternatives:
    """The headline beside other choices.

    Attributes:
        focal: the focal state.
        powers: in the order of the dossier.
        table: group, choice, what, `<power>_loss_pct` for every power, order, change, problem. The first row is the
            headline. Losses are in percent of real national spending, empty where a choice leaves no solution, which
            `problem` then names.
    """

    focal: str
    powers: tuple[str, ...]
    table: pl.DataFrame

    def losses(self) -> list[tuple[str, str, dict[str, float]]]:
        """Group, name and losses of every row that has all of them, the headline first."""
        solved = self.table.drop_nulls([column(power) for power in self.powers])
        return [
            (row["group"], row["choice"], {power: row[column(power)] for power in self.powers})
            for row in solved.to_dicts()
        ]

    def sentences(self) -> tuple[str, ...]:
        """Who comes first under how many choices, how many keep the whole order, and how far the first loss moves."""
        (_, _, headline), *others = self.losses()
        order = ranking(headline)
        leader = order[0][0]
        listed = ", ".join(f"{power} {headline[power]:.1f}" for group in order for power in group)
        found = [
            f"{self.focal} would lose, in percent of real national spending in the short run, to each power alone: {listed}."
        ]
        if not others:
            return tuple(found)
        first: dict[str, list[str]] = {}
        for _, name, losses in others:
            first.setdefault(" and ".join(ranking(losses)[0]), []).append(name)
        whole = sum(ranking(losses) == order for _, _, losses in others)
        rest = "; ".join(
            f"{name} in {len(choices)} ({', '.join(choices)})"
            for name, choices in first.items()
            if name != leader
        )
        found.append(
            f"Under {len(others)} other choices, one at a time, {leader} comes first in {len(first.get(leader, []))}"
            f"{'; ' + rest if rest else ''}; the whole order stays in {whole}."
        )
        whole_channels = [(losses[leader], name) for group, name, losses in others if group != CHANNELS]
        if whole_channels:
            (low, lowest), (high, highest) = min(whole_channels), max(whole_channels)
            found.append(
                f"With all channels the loss to {leader} lies between {low:.1f} ({lowest}) and {high:.1f} percent ({highest})."
            )
        return tuple(found)


def column(power: str) -> str:
    """The column that holds the loss to a power."""
    return f"{power}_loss_pct"


def alternatives(dossier: Dossier) -> Alternatives:
    """Solve the headline and every other choice that the dossier allows.

    Raises:
        DataError: the dossier cannot be coupled.
        NoEquilibrium, Rationed, NotConverged: the headline itself has no solution.
        UnknownLabel, Infeasible: see `coupled.world`.
    """
    if not can_couple(dossier):
        raise DataError(
            file=f"dossier {dossier.header.name}",
            found=lacking(dossier).removeprefix("the dossier has "),
            allowed="trade_matrix_sectors.csv, io_coefficients.csv and, with a network, network_sectors.csv",
        )
    require_positive(dossier)
    base = world(dossier, HORIZON, ALONE)
    central = Trial(base, base.channels, base.theta)
    headline, problems = _solve(central)
    raise_first(problems)
    rows: list[dict[str, str | float | None]] = [
        _row(dossier, ("headline", "headline", "all channels, central inputs"), headline, None)
    ]
    for choice in choices(central):
        key = (choice.group, choice.name, choice.what)
        try:
            found, problems = _solve(choice.trial())
        except BetweenGiantsError as error:
            found, problems = {}, [error]
        rows.append(_row(dossier, key, found, headline, problems))
    names = ("group", "choice", "what")
    schema = dict.fromkeys(names, pl.String) | {column(power): pl.Float64 for power in dossier.powers}
    schema |= dict.fromkeys(("order", "change", "problem"), pl.String)
    return Alternatives(dossier.focal, dossier.powers, pl.DataFrame(rows, schema=schema))


def ranking(losses: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Powers by falling loss; those that differ by rounding alone stand together."""
    ordered = sorted(losses, key=lambda power: -losses[power])
    # A loss starts a new place if it lies below the one before by more than rounding.
    places = np.cumsum([0, *(losses[a] - losses[b] > SAME for a, b in pairwise(ordered))])
    return [
        tuple(power for power, _ in part)
        for _, part in groupby(zip(ordered, places.tolist(), strict=True), key=lambda pair: pair[1])
    ]


def change(losses: Mapping[str, float], headline: Mapping[str, float]) -> str:
    """What differs from the headline: who passed whom, and the loss that moved most."""
    moved = {power: losses[power] - headline[power] for power in headline}
    most = max(moved, key=lambda power: abs(moved[power]))
    before = [power for group in ranking(headline) for power in group]
    passed = [
        f"{b} before {a}"
        for a, b in combinations(before, 2)
        if headline[a] - headline[b] > SAME and losses[b] - losses[a] > SAME
    ]
    order = ", ".join(passed) or "same order"
    if abs(moved[most]) < SHOWN:
        return "as the headline" if not passed else order
    return f"{order}; {most} {moved[most]:+.1f}"


def _row(
    dossier: Dossier,
    key: tuple[str, str, str],
    losses: Mapping[str, float],
    headline: Mapping[str, float] | None,
    problems: Sequence[BetweenGiantsError | None] = (),
) -> dict[str, str | float | None]:
    whole = len(losses) == len(dossier.powers)
    return {
        **dict(zip(("group", "choice", "what"), key, strict=True)),
        **{column(power): losses.get(power) for power in dossier.powers},
        "order": " > ".join(" = ".join(group) for group in ranking(losses)) if whole else None,
        "change": change(losses, headline) if whole and headline is not None else None,
        "problem": "; ".join(dict.fromkeys(str(problem) for problem in problems if problem)) or None,
    }


def _solve(trial: Trial) -> tuple[dict[str, float], Sequence[BetweenGiantsError | None]]:
    """Percent lost to each power alone, without those whose severance leaves no equilibrium; and the problems."""
    powers = trial.world.dossier.powers
    cases = [trial.world.scenario((power,), trial.channels, trial.effects) for power in powers]
    solved = trial.world.solve(cases, trial.theta, trial.imbalances)
    lost = -100 * solved.welfare_change[:, trial.world.matrix.index(trial.world.dossier.focal)]
    found = {
        power: float(loss) if abs(loss) > SAME else 0.0
        for power, loss in zip(powers, lost, strict=True)
        if np.isfinite(loss)
    }
    return found, solved.problems
