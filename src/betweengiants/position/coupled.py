"""Coupled severance: a power's own trade and the roads it closes, in one equilibrium.

Each network says what share of every export and import still gets through and at what extra cost (`coupling`); these are
caps and cost factors on the cells of the trade model, beside the power's own trade, which is set to zero. One solve for
every setting of the switches:

    part[x]     = loss with channel x alone          interaction = loss with all channels - sum of the parts

Short: factors stay in their sectors, `theta_short`, capacities of today. Long: factors move, `theta_long`, every road at
its upper bound and the planned ones open. Capped goods stand for production that is shut in: an upper bound where a state
could store, sell at home or wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from betweengiants.dossier import Dossier
from betweengiants.network import Closure, FlowResult, Network, Programme, closure
from betweengiants.network.reading import BASES
from betweengiants.position.coupling import SECTORS, Coupling, Groups, couple, groups
from betweengiants.position.results import coalition_name, coalitions
from betweengiants.position.sector_channel import HORIZONS, TABLES, sector_matrices
from betweengiants.position.systems import OWNERSHIP_THRESHOLD, SYSTEMS, build_network, systems_of
from betweengiants.trade.arrays import Imbalances
from betweengiants.trade.scenario import Scenario, coalition
from betweengiants.trade.sector_engine import solve_sectors
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon, SectorResult

Floats = NDArray[np.float64]
TRADE = "trade"
MODEL = "sectors_inputs"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the headline decides and others could decide otherwise.

    Attributes:
        model: which matrix of `sector_channel.sector_matrices`.
        bases: which reasons for control count.
        ownership_threshold: share from which ownership closes a link.
        largest: most powers that act together; None: up to all of them.
    """

    model: str = MODEL
    bases: tuple[str, ...] = BASES
    ownership_threshold: float = OWNERSHIP_THRESHOLD
    largest: int | None = None


HEADLINE = Settings()


@dataclass(frozen=True, eq=False)
class Road:
    """One network at one horizon: its programme, its present flows, and what each coalition closes.

    Attributes:
        network: the network.
        programme: its programme.
        before: flows without a severance.
        closures: by coalition name; those that close nothing are left out.
        groups: deliveries without a severance, today.
    """

    network: Network
    programme: Programme
    before: FlowResult
    closures: Mapping[str, Closure]
    groups: Groups

    def after(self, case: str) -> FlowResult:
        """Flows when a coalition has closed what it controls."""
        cut = self.closures.get(case)
        if cut is None:
            return self.before
        return self.programme.solve(cut.limits, near=self.before.arrays, prices=False)


@dataclass(frozen=True, eq=False)
class World:
    """What a coupled severance needs at one horizon.

    Attributes:
        dossier: the evidence.
        horizon: short or long.
        coupling: how the networks lie on the trade model.
        roads: by system.
    """

    dossier: Dossier
    horizon: Horizon
    coupling: Coupling
    roads: Mapping[str, Road]

    @property
    def matrix(self) -> SectorMatrix:
        """The baseline of the trade model."""
        return self.coupling.matrix

    @property
    def theta(self) -> float:
        """The central elasticity of the horizon."""
        return self.dossier.parameter(f"theta_{self.horizon}")[0]

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels: trade, then the roads by their names in the long table."""
        return (TRADE, *(SYSTEMS[name].channel for name in self.roads))

    @cached_property
    def effects(self) -> dict[str, dict[str, tuple[Floats, Floats]]]:
        """System, coalition: (G,) kept and rise of its groups."""
        found: dict[str, dict[str, tuple[Floats, Floats]]] = {}
        for name, road in self.roads.items():
            found[name] = {}
            for case in road.closures:
                after = road.after(case)
                found[name][case] = road.groups.kept(after.arrays.demand), road.groups.rise(after)
        return found

    def scenario(
        self,
        powers: Sequence[str],
        channels: Sequence[str],
        effects: Mapping[str, Mapping[str, tuple[Floats, Floats]]] | None = None,
    ) -> Scenario:
        """The cells that change when these powers act through these channels.

        Args:
            powers: who severs.
            channels: which switches are on.
            effects: other effects of the closures than the central ones.
        """
        case = coalition_name(powers)
        known = self.effects if effects is None else effects
        kept: dict[str, Floats] = {}
        rise: dict[str, Floats] = {}
        for name in self.roads:
            if SYSTEMS[name].channel in channels and case in known[name]:
                kept[name], rise[name] = known[name][case]
        cap, factor = self.coupling.changed(kept, rise)
        own = coalition(self.dossier.focal, powers).cells if TRADE in channels else ()
        cells = self.coupling.scenario_cells(cap, factor, [(c.exporter, c.importer) for c in own])
        return Scenario(f"{case} by {'+'.join(channels)}", (*own, *cells))

    def settings(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Every coalition with all channels, and with each channel alone."""
        channels = self.channels
        switches = [channels, *((channel,) for channel in channels if len(channels) > 1)]
        return [(group, on) for group in coalitions(self.dossier.powers) for on in switches]

    def solve(
        self,
        scenarios: Sequence[Scenario],
        theta: float | Floats | None = None,
        imbalances: Imbalances = "additive",
    ) -> SectorResult:
        """Equilibria of scenarios; those without one are marked."""
        return solve_sectors(
            self.matrix,
            scenarios,
            self.theta if theta is None else theta,
            horizon=self.horizon,
            imbalances=imbalances,
            on_failure="mark",
        )


def can_couple(dossier: Dossier) -> bool:
    """Whether the dossier holds what a coupled severance needs; a network is not part of it."""
    return not lacking(dossier)


def lacking(dossier: Dossier) -> str:
    """What keeps trade and roads of the dossier from being joined, in words; empty if nothing does."""
    absent = [name for name in TABLES if not dossier.has(name)]
    if systems_of(dossier) and not dossier.has(SECTORS):
        absent.append(SECTORS)
    if absent:
        return f"the dossier has no {' and no '.join(absent)}"
    known = set(dossier.tables["trade_matrix_sectors"]["exporter"])
    strange = [label for label in (dossier.focal, *dossier.powers) if label not in known]
    if strange:
        return f"the sector matrix does not hold {' and '.join(strange)}"
    return ""


def world(dossier: Dossier, horizon: Horizon, settings: Settings = HEADLINE) -> World:
    """Build the networks and the trade model of one horizon.

    Args:
        dossier: the evidence.
        horizon: short or long.
        settings: other settings than those of the headline.

    Raises:
        DataError, UnknownLabel: the tables do not fit together.
        Infeasible, NotConverged: from the network engine.
    """
    matrix = sector_matrices(dossier)[settings.model]
    today = {system.name: build_network(dossier, system=system.name) for system in systems_of(dossier)}
    roads = {
        name: _road(dossier, name, network, horizon, matrix, settings) for name, network in today.items()
    }
    found = {name: road.groups for name, road in roads.items()}
    return World(dossier, horizon, couple(dossier, matrix, found), roads)


def _road(
    dossier: Dossier, name: str, today: Network, horizon: Horizon, matrix: SectorMatrix, settings: Settings
) -> Road:
    programme = Programme(today)
    before = programme.solve(prices=False)
    found = groups(today, before, matrix.labels)
    network = today
    if horizon == "long":
        network = build_network(dossier, system=name, capacity="capacity_high", planned=True)
        programme = Programme(network)
        # Demand stays that of today: more room for others is no loss made good.
        before = programme.solve(prices=False)
    return Road(network, programme, before, closures(dossier, network, settings), found)


def closures(dossier: Dossier, network: Network, settings: Settings = HEADLINE) -> dict[str, Closure]:
    """What each coalition closes on a network, by its name; those that close nothing are left out."""
    found = {}
    for group in coalitions(dossier.powers):
        acting = [power for power in group if power in network.powers]
        if acting and (settings.largest is None or len(group) <= settings.largest):
            cut = closure(
                network, acting, bases=settings.bases, ownership_threshold=settings.ownership_threshold
            )
            if cut.changes_anything:
                found[coalition_name(group)] = cut
    return found


def worlds(dossier: Dossier) -> dict[str, World]:
    """Both horizons."""
    return {horizon: world(dossier, horizon) for horizon in HORIZONS}
