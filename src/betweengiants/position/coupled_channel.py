"""Leverage through everything a power controls, in one unit: the coupled severance as rows of the long table.

Losses are in percent of real national spending and, through nominal spending of the matrix year, in million USD. The parts
and the interaction add up to the joint loss. Intervals are 5 to 95 percent of the draws (`coupled_draws`), widened to the
central case where that lies outside. A draw in which the trade balance cannot be paid counts as a loss of all spending in
every measure; one that was not solved for another reason counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betweengiants.core.intervals import Interval
from betweengiants.core.shapley import joint_premium, shapley
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position.coupled import MODEL, World, worlds
from betweengiants.position.coupled_draws import CoupledDraws
from betweengiants.position.coupling import SECTORS, Coupling
from betweengiants.position.results import (
    Channel,
    Result,
    Trail,
    autonomy,
    coalition_name,
    coalitions,
    effective_vectors,
)
from betweengiants.position.sector_channel import HORIZONS, TABLES
from betweengiants.position.systems import systems_of
from betweengiants.position.uncertain import TABLE
from betweengiants.trade.faults import raise_first

CHANNEL = "coupled"
ENDS = (0.05, 0.95)
ROUNDING = 1e-10
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coupled:
    """Central losses of every coalition and setting.

    Attributes:
        worlds: by horizon.
        channels: trade and the roads.
        members: focal state, then the powers.
        loss: (settings, horizons, members) share of real spending lost.
        settings: coalition and channels of each row.
        residual: largest excess demand over all solves, relative to output.
    """

    worlds: Mapping[str, World]
    channels: tuple[str, ...]
    members: tuple[str, ...]
    settings: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    loss: Floats
    residual: float

    def row(self, group: Sequence[str], on: Sequence[str]) -> int:
        """Position of a setting."""
        wanted = coalition_name(group), tuple(on)
        return next(k for k, (g, o) in enumerate(self.settings) if (coalition_name(g), o) == wanted)


def coupled(dossier: Dossier) -> Coupled:
    """Solve every coalition with all channels and with each alone, at both horizons.

    Raises:
        NoEquilibrium, Rationed, NotConverged: a setting without a solution; names it.
        DataError, UnknownLabel, Infeasible: see `coupled.world`.
    """
    found = worlds(dossier)
    members = (dossier.focal, *dossier.powers)
    settings = tuple(found["short"].settings())
    loss = np.empty((len(settings), len(HORIZONS), len(members)))
    residual = 0.0
    for h, horizon in enumerate(HORIZONS):
        world = found[horizon]
        solved = world.solve([world.scenario(group, on) for group, on in settings])
        raise_first(solved.problems)
        change = solved.welfare_change[:, [world.matrix.index(label) for label in members]]
        loss[:, h] = np.where(np.abs(change) > ROUNDING, -change, 0.0)
        residual = max(residual, float(solved.residual.max()))
    return Coupled(found, found["short"].channels, members, settings, loss, residual)


def coupled_channel(dossier: Dossier, central: Coupled, draws: CoupledDraws | None = None) -> Channel:
    """The rows of the long table.

    Args:
        dossier: the evidence.
        central: see `coupled`.
        draws: the same under uncertain inputs; without them every interval is a point.
    """
    table = _Table(dossier, central, draws)
    results: list[Result] = []
    for h, horizon in enumerate(HORIZONS):
        for group in coalitions(dossier.powers):
            results += table.coalition(h, horizon, group)
        results += table.balance(h, horizon)
    return Channel(results, [_trail(dossier, central, draws)], _gaps(dossier, central, draws))


class _Table:
    def __init__(self, dossier: Dossier, central: Coupled, draws: CoupledDraws | None) -> None:
        self.dossier, self.central, self.draws = dossier, central, draws
        matrix = central.worlds["short"].matrix
        spending = matrix.final_spending.sum(axis=1)
        self.budget = {label: float(spending[matrix.index(label)]) for label in central.members}
        self.year = str(dossier.tables["trade_matrix_sectors"]["year"].max())
        self.drawn = {
            (coalition_name(group), on): k for k, (group, on) in enumerate(draws.settings if draws else ())
        }

    def losses(self, h: int, group: Sequence[str], on: tuple[str, ...], member: int) -> tuple[float, Floats]:
        """The central loss and the drawn ones (none where the setting is not drawn); not-a-number where not solved."""
        value = float(self.central.loss[self.central.row(group, on), h, member])
        k = self.drawn.get((coalition_name(group), on))
        if self.draws is None or k is None:
            return value, np.zeros(0)
        return value, self.draws.loss[:, k, h, member]

    def coalition(self, h: int, horizon: str, group: tuple[str, ...]) -> list[Result]:
        """Loss, counter-losses, parts and interaction of one coalition."""
        whole, everything = self.central.channels, coalition_name(group)
        results = []
        for m, member in enumerate(self.central.members):
            if m and member not in group:
                continue
            measure = "counter_leverage" if m else "leverage"
            share = spread(*self.losses(h, group, whole, m))
            results += self._both(measure, everything, member, horizon, share)
        if len(whole) > 1:
            total, drawn_total = self.losses(h, group, whole, 0)
            parts = [self.losses(h, group, (channel,), 0) for channel in whole]
            rest = total - sum(value for value, _ in parts)
            drawn_rest = np.zeros(0)
            if all(drawn.size for _, drawn in parts):
                drawn_rest = drawn_total - np.sum([drawn for _, drawn in parts], axis=0)
            for channel, part in zip(whole, parts, strict=True):
                results += self._both(
                    f"part_{channel}", everything, self.dossier.focal, horizon, spread(*part)
                )
            results += self._both(
                "interaction", everything, self.dossier.focal, horizon, spread(rest, drawn_rest)
            )
        return results

    def balance(self, h: int, horizon: str) -> list[Result]:
        """Autonomy, effective vectors, Shapley shares and joint premiums over the coalitions."""
        powers, whole = self.dossier.powers, self.central.channels
        everyone = coalition_name(powers)
        place = (everyone, self.dossier.focal, horizon, self.year)
        results = [
            Result(CHANNEL, "effective_vectors", *place, "index", self._over(h, _vectors), CHANNEL),
        ]
        if self.losses(h, powers, whole, 0)[0] > 0:
            results.append(Result(CHANNEL, "autonomy", *place, "share", self._over(h, _autonomy), CHANNEL))
        for power in powers:

            def share(losses: dict[frozenset[str], float], power: str = power) -> float:
                return shapley(losses)[power]

            results += self._both("shapley", everyone, power, horizon, self._over(h, share))
        for group in coalitions(powers):
            if len(group) > 1:

                def premium(
                    losses: dict[frozenset[str], float], group: frozenset[str] = frozenset(group)
                ) -> float:
                    return joint_premium(losses)[group]

                name = coalition_name(group)
                results += self._both(
                    "joint_premium", name, self.dossier.focal, horizon, self._over(h, premium)
                )
        return results

    def _over(self, h: int, function: Callable[[dict[frozenset[str], float]], float]) -> Interval:
        """A function of the losses of all coalitions: at the centre, and over the draws that solved them all."""
        groups, whole = coalitions(self.dossier.powers), self.central.channels
        pairs = [self.losses(h, group, whole, 0) for group in groups]
        keys = [frozenset(group) for group in groups]
        value = function(dict(zip(keys, (v for v, _ in pairs), strict=True)))
        if not all(drawn.size for _, drawn in pairs):
            return Interval(value, value, value)
        table = np.column_stack([drawn for _, drawn in pairs])
        table = table[np.isfinite(table).all(axis=1)]
        return spread(
            value, np.array([function(dict(zip(keys, row, strict=True))) for row in table.tolist()])
        )

    def _both(self, measure: str, case: str, member: str, horizon: str, share: Interval) -> list[Result]:
        """A share of real spending in percent and in money (the member's own; a Shapley share is the focal state's loss)."""
        payer = self.dossier.focal if measure == "shapley" else member
        place = (case, member, horizon, self.year)
        return [
            Result(CHANNEL, f"{measure}_pct", *place, "pct", share.scaled(100), CHANNEL),
            Result(CHANNEL, f"{measure}_usd_m", *place, "usd_m", share.scaled(self.budget[payer]), CHANNEL),
        ]


def spread(value: float, drawn: Floats) -> Interval:
    """The central value with the 5 to 95 percent quantiles of the draws, widened to hold it.

    Args:
        value: central.
        drawn: (n,) draws; those that are not finite count nowhere.
    """
    finite = drawn[np.isfinite(drawn)]
    return Interval.spanning(value, np.quantile(finite, ENDS).tolist() if finite.size else ())


def _vectors(losses: dict[frozenset[str], float]) -> float:
    return effective_vectors([loss for group, loss in losses.items() if len(group) == 1])


def _autonomy(losses: dict[frozenset[str], float]) -> float:
    largest = max(losses, key=len)
    single = [loss for group, loss in losses.items() if len(group) == 1]
    return autonomy(single, losses[largest]) if losses[largest] > 0 else 0.0


def _trail(dossier: Dossier, central: Coupled, draws: CoupledDraws | None) -> Trail:
    parameters: dict[str, float | str] = {
        **{f"theta_{horizon}": central.worlds[horizon].theta for horizon in HORIZONS},
        "model": MODEL,
        "residual": central.residual,
    }
    if draws is not None:
        parameters |= {"draws": float(draws.loss.shape[0]), "seed": float(draws.seed)}
    names = [*TABLES, "trade_matrix", "parameters"]
    roads = [name for name in dossier.tables if name.startswith("network_")] if systems_of(dossier) else []
    tables = tuple(name for name in (*names, *roads, SECTORS, TABLE) if dossier.has(name))
    return Trail(
        CHANNEL,
        "One severance, one equilibrium: the power's own trade is set to zero, and what the networks no longer deliver "
        "without its roads caps the cells of the trade model with sectors and inputs (Caliendo & Parro 2015); goods that "
        "cannot leave are production shut in.",
        "none: no draws were made, so low and high repeat the value."
        if draws is None
        else "5 to 95 percent of the draws of elasticities, trade flows, capacities, prices (they shift weights between "
        "goods), planned links and usable detours (table uncertainty), widened to the central case where that lies "
        "outside. Parts and interaction of several powers together are not drawn: low and high repeat the value.",
        parameters,
        tuple(dict.fromkeys(tables)),
        tuple(used_sources(*(dossier.tables[name] for name in dict.fromkeys(tables)))),
    )


def _gaps(dossier: Dossier, central: Coupled, draws: CoupledDraws | None) -> list[str]:
    coupling = central.worlds["short"].coupling
    gaps = []
    if coupling.groups:
        for way, share in carried(coupling, dossier.focal).items():
            gaps.append(
                f"The networks carry {share:.0%} of the {way} of goods by value; the rest keeps its way whatever road is "
                "closed: there leverage by transit is a lower bound."
            )
    if draws is None:
        return gaps
    count = draws.loss.shape[0]
    if draws.unpaid:
        gaps.append(
            f"In {draws.unpaid} of {count} draws some coalition leaves a trade balance that the focal state could not pay: "
            "such a draw counts as a loss of all spending."
        )
    if draws.failed:
        gaps.append(f"In {draws.failed} of {count} draws some coalition was not solved: they count nowhere.")
    outside = _outside(central, draws)
    if outside:
        gaps.append(
            f"The central case of {outside} lies outside the middle 90 percent of its draws and the interval was widened "
            "to it: the central case takes every detour in the short run and every planned link and upper capacity in "
            "the long run, which draws can only fall short of."
        )
    return gaps


def _outside(central: Coupled, draws: CoupledDraws) -> str:
    """Single powers, by horizon, whose central loss is beyond the quantiles that are shown."""
    found = []
    for h, horizon in enumerate(HORIZONS):
        for k, (group, on) in enumerate(draws.settings):
            if len(group) == 1 and on == central.channels:
                drawn = draws.loss[:, k, h, 0]
                low, high = (
                    np.quantile(drawn[np.isfinite(drawn)], ENDS) if np.isfinite(drawn).any() else (0, 1)
                )
                if not low <= central.loss[central.row(group, on), h, 0] <= high:
                    found.append(f"{group[0]} ({horizon} run)")
    return ", ".join(found)


def carried(coupling: Coupling, focal: str) -> dict[str, float]:
    """Share of the focal state's exports and imports of goods, by value, that the networks carry."""
    matrix, place = coupling.matrix, coupling.matrix.index(focal)
    worth = matrix.flows[tuple(coupling.cells.T)]
    moved = np.sum([weight.sum(axis=0) for weight in coupling.weight.values()], axis=0) * worth
    home = float(matrix.flows[place, place].sum())
    shares = {}
    for way, axis, flows in (("exports", 0, matrix.flows[place]), ("imports", 1, matrix.flows[:, place])):
        own = (coupling.cells[:, axis] == place) & (coupling.cells[:, 1 - axis] != place)
        shares[way] = float(moved[own].sum()) / (float(flows.sum()) - home)
    return shares
