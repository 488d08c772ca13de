"""Leverage through trade of several states on one matrix, and where all states of the matrix stand.

One sector, as in the trade channel of a position (Dekle, Eaton & Kortum 2008), so that a state's numbers on a dossier's own
matrix are those of its position. Every state is solved by itself: who else is compared changes none of its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betweengiants.core.errors import summary
from betweengiants.core.intervals import Interval
from betweengiants.position.compare_parts import Key, Number, Part, is_state, percentile
from betweengiants.position.compare_world import LEAST_HOME, World
from betweengiants.position.results import autonomy, effective_vectors
from betweengiants.position.trade_channel import HORIZONS, RESIDUAL_TOLERANCE
from betweengiants.trade import Scenario, coalition, solve, yardsticks

ALL = ""
"""Stands for all powers together, where the name of a power stands otherwise."""
FEW = 10.0
"""A home share below that of so many percent of the states is named: losses of such a state are overstated."""
Thetas = Mapping[str, tuple[float, float, float]]
Floats = NDArray[np.float64]


def trade_part(world: World, states: Sequence[str], powers: Sequence[str], thetas: Thetas) -> Part:
    """Leverage, counter-leverage, yardsticks and balance of every state that the matrix holds.

    Args:
        world: the matrix.
        states: labels; those that the matrix does not hold have a gap and no numbers.
        powers: labels or blocs.
        thetas: trade elasticity of each horizon: central, low, high.

    Returns:
        Measures leverage_pct, counter_leverage_pct, first_order_loss_pct, closed_form_loss_pct by power and horizon,
        joint_leverage_pct, effective_vectors and autonomy by horizon, and home_share (domestic sales over spending).

    Raises:
        UnknownLabel: a power that the matrix does not hold.
        DataError, NoEquilibrium: from the engine (single cuts without an equilibrium are gaps).
    """
    cuts = _Cuts(world, {power: world.members(power) for power in powers}, thetas)
    everyone = _everyone(cuts)
    numbers: dict[str, dict[Key, Number]] = {}
    gaps: dict[str, tuple[str, ...]] = {}
    for state in dict.fromkeys(states):
        if state in world.place:
            numbers[state], failed = _state(cuts, state)
            gaps[state] = (*_remarks(cuts, state, everyone), *failed)
        else:
            gaps[state] = (f"no trade: not in the {world.source}",)
    return Part(world.source, world.year, numbers, everyone, gaps)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """What is severed from whom, at which elasticities."""

    world: World
    members: Mapping[str, tuple[str, ...]]
    thetas: Thetas

    def of(self, state: str) -> dict[str, Scenario]:
        """Severances of a state by each power, and by all of them if each has one.

        A power has none over itself, over its members, and where nobody has reported its trade with the state.
        """
        found = {
            power: coalition(state, members, f"{state}:{power}")
            for power, members in self.members.items()
            if state not in members and len(self.world.hidden(state, members)) < len(members)
        }
        if len(found) == len(self.members):
            everyone = list(dict.fromkeys(m for members in self.members.values() for m in members))
            found[ALL] = coalition(state, everyone, f"{state}:{'+'.join(self.members)}")
        return found

    def losses(self, scenarios: Sequence[Scenario], thetas: Sequence[float]) -> Floats:
        """(T, C, N) share of real spending that each label loses; not-a-number without an equilibrium."""
        many = [scenario for _ in thetas for scenario in scenarios]
        solved = solve(self.world.matrix, many, theta=np.repeat(thetas, len(scenarios)), on_failure="mark")
        change = solved.welfare_change.reshape(len(thetas), len(scenarios), -1)
        return np.where(np.abs(change) <= RESIDUAL_TOLERANCE, 0.0, -change)

    def counter(self, power: str, loss: Floats) -> Floats:
        """(...) loss of a power from the (..., N) losses of all: of a bloc, of its members by what they spend."""
        at = [self.world.place[member] for member in self.members[power]]
        spent = self.world.matrix.flows.sum(axis=0)[at]
        return np.asarray(loss[..., at] @ (spent / spent.sum()))


def _everyone(cuts: _Cuts) -> dict[Key, dict[str, float]]:
    """Central numbers of all states of the matrix."""
    world = cuts.world
    states = [label for label in world.matrix.labels if is_state(label)]
    wanted = [(state, power, cut) for state in states for power, cut in cuts.of(state).items()]
    found: dict[Key, dict[str, float]] = {Key("home_share"): _home_shares(world, states)}
    if not wanted:
        return found
    at = np.array([world.place[state] for state, _, _ in wanted])
    loss = cuts.losses([cut for _, _, cut in wanted], [cuts.thetas[horizon][0] for horizon in HORIZONS])
    own = loss[:, np.arange(len(wanted)), at]
    for h, horizon in enumerate(HORIZONS):
        by_state: dict[str, dict[str, float]] = {}
        for (state, power, _), value in zip(wanted, own[h].tolist(), strict=True):
            by_state.setdefault(state, {})[power] = value
        for state, losses in by_state.items():
            for key, value in _measures(losses, horizon).items():
                found.setdefault(key, {})[state] = value
    return found


def _measures(losses: Mapping[str, float], horizon: str) -> dict[Key, float]:
    """Leverage of each power, of all together, and the balance, as far as they exist."""
    found = {
        Key("leverage_pct" if power != ALL else "joint_leverage_pct", power, horizon): 100 * loss
        for power, loss in losses.items()
        if math.isfinite(loss)
    }
    single = [loss for power, loss in losses.items() if power != ALL]
    if ALL in losses and all(map(math.isfinite, single)):
        found[Key("effective_vectors", horizon=horizon)] = effective_vectors(single)
        if losses[ALL] > 0:
            found[Key("autonomy", horizon=horizon)] = autonomy(single, losses[ALL])
    return found


def _state(cuts: _Cuts, state: str) -> tuple[dict[Key, Number], list[str]]:
    """The numbers of one state with their ranges over the elasticity, and which cuts have no equilibrium."""
    named = cuts.of(state)
    at = cuts.world.place[state]
    found = {Key("home_share"): Number(_home_shares(cuts.world, [state])[state])}
    failed: list[str] = []
    if not named:
        return found, failed
    for horizon in HORIZONS:
        loss = cuts.losses(list(named.values()), cuts.thetas[horizon])
        own = [_measures(dict(zip(named, row, strict=True)), horizon) for row in loss[:, :, at].tolist()]
        found |= {key: _spanned([values.get(key) for values in own]) for key in own[0]}
        for c, power in enumerate(named):
            if power != ALL:
                found |= _counter(cuts, power, horizon, loss[:, c])
            failed += _failures(cuts, power, horizon, loss[:, c, at])
        found |= _yardsticks(cuts, named, horizon, at)
    return found, failed


def _counter(cuts: _Cuts, power: str, horizon: str, loss: Floats) -> dict[Key, Number]:
    lost = (100 * cuts.counter(power, loss)).tolist()
    if not math.isfinite(lost[0]):
        return {}
    values = [value if math.isfinite(value) else None for value in lost]
    return {Key("counter_leverage_pct", power, horizon): _spanned(values)}


def _spanned(values: Sequence[float | None]) -> Number:
    """The central value (the first) and its range; no range where one of the values does not exist."""
    centre, *bounds = values
    assert centre is not None
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return Number(centre)
    span = Interval.spanning(centre, known)
    return Number(centre, span.low, span.high)


def _yardsticks(cuts: _Cuts, named: Mapping[str, Scenario], horizon: str, at: int) -> dict[Key, Number]:
    single = {power: cut for power, cut in named.items() if power != ALL}
    measured = yardsticks(cuts.world.matrix, list(single.values()), cuts.thetas[horizon][0])
    return {
        Key(f"{name}_loss_pct", power, horizon): Number(-100 * float(values[c, at]) + 0.0)
        for name, values in (("first_order", measured.first_order), ("closed_form", measured.closed_form))
        for c, power in enumerate(single)
    }


def _home_shares(world: World, states: Sequence[str]) -> dict[str, float]:
    shares = world.matrix.home_shares
    return {state: float(shares[world.place[state]]) for state in states}


def _failures(cuts: _Cuts, power: str, horizon: str, loss: Floats) -> list[str]:
    who = power or "all powers"
    bad = [f"{cuts.thetas[horizon][k]:g}" for k in range(len(loss)) if not math.isfinite(loss[k])]
    return [f"{who}, {horizon} run: no equilibrium at elasticity {', '.join(bad)}"] if bad else []


def _remarks(cuts: _Cuts, state: str, everyone: Mapping[Key, Mapping[str, float]]) -> list[str]:
    """What a reader must know about the numbers of one state."""
    world, found = cuts.world, []
    for power, members in cuts.members.items():
        hidden = world.hidden(state, members)
        if state in members:
            own = "it is the power" if members == (state,) else "it is a member of"
            found.append(f"{own} {power}: no leverage over itself, no autonomy and no vectors")
        elif len(hidden) == len(members):
            found.append(
                f"no leverage of {power}, no autonomy and no vectors: neither side has reported (missing, not zero)"
            )
        elif hidden:
            found.append(
                f"{power} understated: trade with {len(hidden)} of its {len(members)} members "
                f"({summary(hidden)}) is missing, not zero"
            )
        elif world.guessed(state, members):
            found.append(f"trade with {power} rests on estimates")
    if state in world.floored:
        found.append(f"exports above {1 - LEAST_HOME:.0%} of GDP: domestic sales set to {LEAST_HOME:.0%}")
    rank = percentile(everyone[Key("home_share")], state)
    if rank is not None and rank < FEW:
        share = everyone[Key("home_share")][state]
        found.append(
            f"only {share:.0%} of spending stays at home: transit goods or processing overstate losses"
        )
    return found
