"""The coupled severance under uncertain inputs: Monte Carlo in blocks, the same numbers for any number of workers.

Each small block draws one set of trade flows and solves its draws together; elasticities, capacities, prices, planned links
and the usable share of detours differ from draw to draw. The sets of flows are a Latin hypercube over the blocks (McKay,
Beckman & Conover 1979): the noise of every partner and direction takes each of its equally likely strata once, so that a
hundred draws already cover it. Every block has a seed of its own (numpy `SeedSequence`), so a result depends on the seed
and the number of draws alone. Extra transport costs stay as in the central case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from betweengiants.core.errors import DataError, NoEquilibrium
from betweengiants.dossier import Dossier
from betweengiants.network.highs import Basis
from betweengiants.network.model import Limits
from betweengiants.position.coupled import TRADE, World, worlds
from betweengiants.position.coupling import Coupling
from betweengiants.position.results import coalition_name, coalitions
from betweengiants.position.sector_channel import HORIZONS
from betweengiants.position.systems import systems_of
from betweengiants.position.uncertain import (
    Uncertainty,
    capacity_bounds,
    correlated,
    price_bounds,
    triangular,
    uncertainty,
)
from betweengiants.trade.scenario import Scenario
from betweengiants.trade.sector_matrix import SectorMatrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, int], None]
BLOCK = 4
"""Draws that share one set of trade flows."""
HYPERCUBE = 2**32 - 1
"""Stands for a block in the seed of the strata."""
ATTEMPTS = 50
MOST = 100_000
INPUTS = ("theta_short", "theta_long", "flows", "capacities", "prices", "planned_links", "rerouting")


@dataclass(frozen=True, eq=False)
class CoupledDraws:
    """Losses by draw.

    Attributes:
        settings: coalition and switches of each column (see `settings_drawn`).
        horizons: short and long.
        members: focal state, then the powers.
        loss: (draws, settings, horizons, members) share of real spending lost; not-a-number where there is no equilibrium,
            but 1 for the focal state where that is because it could not pay.
        inputs: (draws, inputs) one number that stands for each uncertain input of a draw.
        names: of the inputs.
        seed: the seed.
    """

    settings: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    horizons: tuple[str, ...]
    members: tuple[str, ...]
    loss: Floats
    inputs: Floats
    names: tuple[str, ...]
    seed: int

    def filled(self, loss: Floats, inputs: Floats) -> CoupledDraws:
        """The same question with these numbers."""
        return replace(self, loss=loss, inputs=inputs)

    @property
    def unpaid(self) -> int:
        """Draws in which some setting leaves the focal state nothing to spend."""
        return int((self.loss[..., 0] == 1).any(axis=(1, 2)).sum())

    @property
    def failed(self) -> int:
        """Draws in which some setting was not solved for another reason."""
        return int(np.isnan(self.loss[..., 0]).any(axis=(1, 2)).sum())


def settings_drawn(
    powers: Sequence[str], channels: Sequence[str]
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Every coalition with all channels, and single powers with each channel alone."""
    alone = [(channel,) for channel in channels] if len(channels) > 1 else []
    whole = tuple(channels)
    return tuple(
        (group, on) for group in coalitions(powers) for on in (whole, *(alone if len(group) == 1 else ()))
    )


def coupled_draws(
    dossier: Dossier,
    draws: int,
    *,
    seed: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> CoupledDraws:
    """Draw the whole position.

    Args:
        dossier: one that can be coupled (`coupled.can_couple`).
        draws: how many, 1 to 100,000.
        seed: the same seed and number of draws give the same bytes.
        executor: any `concurrent.futures` executor; its workers get the dossier once a block.
        progress: called with blocks done and in all.

    Raises:
        DataError: a number of draws out of range, or see `uncertainty`.
    """
    if not 1 <= draws <= MOST:
        raise DataError(found=f"{draws} draws", allowed=f"1 to {MOST}")
    sizes = [min(BLOCK, draws - first) for first in range(0, draws, BLOCK)]
    tasks = [(len(sizes), number, size) for number, size in enumerate(sizes)]
    found = []
    if executor is None:
        at = Drawing(dossier)
        results = (at.block(seed, *task) for task in tasks)
    else:
        results = executor.map(partial(_block, dossier, seed), tasks)  # type: ignore[assignment]
    for done, result in enumerate(results, 1):
        found.append(result)
        if progress is not None:
            progress(done, len(tasks))
    losses, inputs = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return frame_of(dossier, seed).filled(losses, inputs)


def strata(seed: int, blocks: int, inputs: int) -> Ints:
    """(blocks, inputs) strata of a Latin hypercube: every input takes each of `blocks` equally likely ones once."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, HYPERCUBE]))
    return rng.permuted(np.tile(np.arange(blocks)[:, None], (1, inputs)), axis=0)


def frame_of(dossier: Dossier, seed: int) -> CoupledDraws:
    """What would be drawn from a dossier, without any draw yet."""
    settings = settings_drawn(dossier.powers, _channels(dossier))
    members = (dossier.focal, *dossier.powers)
    return CoupledDraws(
        settings,
        tuple(HORIZONS),
        members,
        np.empty((0, len(settings), len(HORIZONS), len(members))),
        np.empty((0, len(INPUTS))),
        INPUTS,
        seed,
    )


_kept: dict[tuple[tuple[str, str], ...], Drawing] = {}


def _block(dossier: Dossier, seed: int, task: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """One block in a worker process, which keeps the networks of the last dossier it saw."""
    key = tuple(sorted(dossier.hashes.items()))
    if key not in _kept:
        _kept.clear()
        _kept[key] = Drawing(dossier)
    return _kept[key].block(seed, *task)


def _channels(dossier: Dossier) -> tuple[str, ...]:
    return (TRADE, *(system.channel for system in systems_of(dossier)))


class Drawing:
    """Networks and trade models of both horizons, ready to be drawn from."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.inputs: Uncertainty = uncertainty(dossier)
        self.worlds = worlds(dossier)
        self.settings = settings_drawn(dossier.powers, _channels(dossier))
        self.bounds = {
            (horizon, name): capacity_bounds(dossier, name, road.network.edges["edge_id"].to_list())
            for horizon, world in self.worlds.items()
            for name, road in world.roads.items()
        }
        long = self.worlds["long"].roads
        self.price_bounds = {
            name: price_bounds(dossier, road.groups.table["commodity"].to_list())
            for name, road in self.worlds["short"].roads.items()
        }
        self.planned = {
            name: ~np.isin(
                long[name].network.edges["edge_id"].to_numpy(), road.network.edges["edge_id"].to_numpy()
            )
            for name, road in self.worlds["short"].roads.items()
        }
        for world in self.worlds.values():
            assert world.effects is not None  # found now: a draw changes the capacities of the programmes
        self._hypercube: dict[tuple[int, int], Ints] = {}
        self.starts: dict[tuple[str, str, str], Basis] = {}
        for horizon, world in self.worlds.items():
            for name, road in world.roads.items():
                at = {"": road.network.everything} | {case: cut.limits for case, cut in road.closures.items()}
                for case, limits in at.items():
                    near = road.before.arrays if case else None
                    self.starts[name, horizon, case] = road.programme.leaning(limits, near=near)[1]
        self.direct = {name: self._direct(name) for name in self.worlds["short"].roads}

    def _direct(self, name: str) -> dict[str, Floats]:
        """(G,) share of what is kept that is no detour: it passes nothing closed today, by coalition (short horizon)."""
        road = self.worlds["short"].roads[name]
        found = {}
        for case, cut in road.closures.items():
            rows = np.ones(road.network.demand.height, dtype=np.bool_)
            free = road.programme.avoiding_rows(cut.limits, road.before.arrays, rows)
            kept = self.worlds["short"].effects[name][case][0]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = road.groups.kept(free) / kept
            found[case] = np.where(kept > 0, np.minimum(share, 1.0), 1.0)
        return found

    def block(self, seed: int, blocks: int, number: int, size: int) -> tuple[Floats, Floats]:
        """(size, settings, horizons, members) losses and (size, inputs) inputs of one of so many blocks."""
        rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
        matrix, noise = self._flows(rng, self._strata(seed, blocks)[number], blocks)
        draws = [self._draw(rng) for _ in range(size)]
        members = [matrix.index(label) for label in (self.dossier.focal, *self.dossier.powers)]
        losses = np.empty((size, len(self.settings), len(HORIZONS), len(members)))
        for h, horizon in enumerate(HORIZONS):
            world = self.worlds[horizon]
            model = replace(world, coupling=replace(world.coupling, matrix=matrix))
            scenarios = [self._scenarios(world, matrix, draw) for draw in draws]
            # Settings one after the other: neighbours in a batch are then alike.
            table = np.tile([draw.theta[horizon] for draw in draws], len(self.settings))
            table = np.repeat(table[:, None], len(matrix.sectors), axis=1)
            flat = [own[k] for k in range(len(self.settings)) for own in scenarios]
            found = model.solve(flat, table)
            change = found.welfare_change[:, members]
            # A trade balance that cannot be paid takes all that there is to spend.
            focal = self.dossier.focal
            unpaid = [isinstance(why, NoEquilibrium) and focal in why.states for why in found.problems]
            change[unpaid, 0] = -1.0
            losses[:, :, h] = -change.reshape(len(self.settings), size, len(members)).transpose(1, 0, 2)
        return losses, np.array([[*draw.shown[:2], noise, *draw.shown[2:]] for draw in draws])

    def _strata(self, seed: int, blocks: int) -> Ints:
        """(blocks, 2, N) stratum of the noise of every direction and partner in each block."""
        key = seed, blocks
        if key not in self._hypercube:
            size = len(self.worlds["short"].matrix.labels)
            self._hypercube = {key: strata(seed, blocks, 2 * size).reshape(blocks, 2, size)}
        return self._hypercube[key]

    def _flows(self, rng: np.random.Generator, places: Ints, blocks: int) -> tuple[SectorMatrix, float]:
        """The focal state's trade with noise, one factor for all sectors of a pair and direction; and its sum."""
        base = self.worlds["short"].matrix
        if self.inputs.flow_sd == 0:
            return base, 0.0
        focal = base.index(self.dossier.focal)
        for _ in range(ATTEMPTS):
            z = ndtri((places + rng.random(places.shape)) / blocks)
            z[:, focal] = 0.0
            flows = base.flows.copy()
            flows[focal] *= np.exp(self.inputs.flow_sd * z[0])[:, None]
            flows[:, focal] *= np.exp(self.inputs.flow_sd * z[1])[:, None]
            try:
                return replace(base, flows=flows), float(z.sum())
            except DataError:  # more inputs than absorption: no such world
                places = rng.integers(blocks, size=places.shape)
        raise DataError(
            found=f"no set of flows within {ATTEMPTS} draws that covers its inputs", allowed="less flow noise"
        )

    def _draw(self, rng: np.random.Generator) -> Draw:
        """One draw of everything but the flows."""
        inputs = self.inputs
        u = rng.random(3)
        theta: dict[str, float] = {h: float(inputs.theta[h].quantile(u[k])) for k, h in enumerate(HORIZONS)}
        demand: dict[tuple[str, str, str], tuple[Floats, Floats]] = {}
        level, price, open_links = [], {}, []
        for name in self.worlds["short"].roads:
            shared = inputs.capacities
            for horizon in HORIZONS:
                road = self.worlds[horizon].roads[name]
                low, usual, high = self.bounds[horizon, name]
                if shared is not None:
                    score = correlated(rng, len(usual), shared)
                    if horizon == "short":
                        level.append(float(np.mean(score)))
                    bounds = np.array([low, usual, high] if horizon == "short" else [usual, high, high])
                    road.programme.set_capacity(triangular(bounds, score))
                is_open = np.ones(len(usual), dtype=np.bool_)
                if horizon == "long" and inputs.planned is not None:
                    runs = rng.random(len(usual)) < inputs.planned
                    is_open = runs | ~self.planned[name]
                    open_links.append(float(is_open.mean()))
                demand |= self._delivered(name, horizon, is_open)
            price[name] = self._prices(rng, name)
        rerouting = float(inputs.rerouting.quantile(u[2]))
        shown = [
            theta["short"],
            theta["long"],
            float(np.mean(level)) if level else 0.0,
            float(np.mean([p.mean() for p in price.values()])) if price else 1.0,
            float(np.mean(open_links)) if open_links else 1.0,
            rerouting,
        ]
        return Draw(theta, demand, price, rerouting, shown)

    def _delivered(
        self, name: str, horizon: str, is_open: NDArray[np.bool_]
    ) -> dict[tuple[str, str, str], tuple[Floats, Floats]]:
        """Deliveries before and after each closure at the capacities that have been set, by system, horizon, coalition."""
        road = self.worlds[horizon].roads[name]
        whole = road.network.everything
        limits = Limits(whole.edge_open & is_open, whole.supply, whole.demand)
        before, _ = road.programme.leaning(limits, start=self.starts[name, horizon, ""])
        found = {}
        for case, cut in road.closures.items():
            limits = replace(cut.limits, edge_open=cut.limits.edge_open & is_open)
            start = self.starts[name, horizon, case]
            after, _ = road.programme.leaning(limits, near=before, start=start)
            found[name, horizon, case] = before.demand, after.demand
        return found

    def _prices(self, rng: np.random.Generator, name: str) -> Floats:
        """(G,) factor on the value of each group: one draw for each commodity."""
        bounds, place = self.price_bounds[name]
        if not self.inputs.prices:
            return np.ones(len(place))
        return triangular(bounds, np.asarray(rng.random(bounds.shape[1])))[place]

    def _scenarios(self, world: World, matrix: SectorMatrix, draw: Draw) -> list[Scenario]:
        coupling: Coupling = world.coupling.drawn(matrix, draw.price)
        model = replace(world, coupling=coupling)
        effects: dict[str, dict[str, tuple[Floats, Floats]]] = {}
        for name, road in world.roads.items():
            effects[name] = {}
            for case in road.closures:
                before, after = draw.demand[name, world.horizon, case]
                kept = road.groups.kept(after, before if world.horizon == "short" else None)
                if world.horizon == "short":
                    direct = self.direct[name][case]
                    kept = kept * (direct + draw.rerouting * (1.0 - direct))
                effects[name][case] = kept, world.effects[name][case][1]
        return [model.scenario(group, on, effects) for group, on in self.settings]


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw of the inputs.

    Attributes:
        theta: by horizon.
        demand: system, horizon, coalition: deliveries before and after.
        price: (G,) factors by system.
        rerouting: usable share of the detours.
        shown: what stands for the inputs, without the flows.
    """

    theta: dict[str, float]
    demand: dict[tuple[str, str, str], tuple[Floats, Floats]]
    price: dict[str, Floats]
    rerouting: float
    shown: list[float]


def column(draws: CoupledDraws, powers: Sequence[str], channels: Sequence[str]) -> int:
    """Which column of the losses a coalition and its switches are."""
    wanted = coalition_name(powers), tuple(channels)
    for k, (group, on) in enumerate(draws.settings):
        if (coalition_name(group), on) == wanted:
            return k
    raise KeyError(wanted)
