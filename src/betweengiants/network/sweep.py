"""Many closures of one network, solved one by one or on the workers of an executor.

Every closure is solved from one and the same basis (see `programme`), so the outcomes do not depend on how the closures
are shared out among workers, or on how many workers there are.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

import numpy as np

from betweengiants.network.model import Flags, Floats, Ints, Limits, Network
from betweengiants.network.programme import Programme
from betweengiants.network.results import FlowArrays, summed

Progress = Callable[[int, int], None]
"""Called with how many closures are done, and of how many."""

SMALL = 1_500_000  # closures times columns; measured: below it starting processes takes longer than solving
CHUNKS = 64  # tasks of a sweep: some for every worker, so that none waits long for the last
FRESH_CHUNKS = 16  # the same where every task builds the programme anew
MOST_WORKERS = 61  # what every system can wait for
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """What closes.

    Attributes:
        edges: places of closed edges.
        supply, demand: places of rows whose bound falls; supply_left, demand_left: to which quantity.
    """

    edges: Ints
    supply: Ints
    demand: Ints
    supply_left: Floats
    demand_left: Floats

    @classmethod
    def of_edges(cls, edges: Sequence[int]) -> Closing:
        """Edges alone."""
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(np.array(edges, dtype=np.int64), none, none, nothing, nothing)

    @classmethod
    def of_node(cls, network: Network, node: int) -> Closing:
        """A node with its edges, its supply and its demand."""
        numbers = network.arrays
        edges = np.flatnonzero((numbers.edge_from == node) | (numbers.edge_to == node))
        supply, demand = (np.flatnonzero(at == node) for at in (numbers.supply_node, numbers.demand_node))
        return cls(edges, supply, demand, np.zeros(len(supply)), np.zeros(len(demand)))

    @classmethod
    def of_limits(cls, network: Network, limits: Limits) -> Closing:
        """What differs between `limits` and the whole network."""
        whole = network.everything
        supply, demand = (
            np.flatnonzero(left < all_of_it)
            for left, all_of_it in ((limits.supply, whole.supply), (limits.demand, whole.demand))
        )
        edges = np.flatnonzero(~limits.edge_open)
        return cls(edges, supply, demand, limits.supply[supply], limits.demand[demand])

    def with_(self, other: Closing) -> Closing:
        """Both together."""
        return Closing(
            *(
                np.concatenate([getattr(self, part), getattr(other, part)])
                for part in ("edges", "supply", "demand", "supply_left", "demand_left")
            )
        )

    def limits(self, network: Network) -> Limits:
        """What stays open."""
        whole = network.everything
        is_open, supply, demand = whole.edge_open.copy(), whole.supply.copy(), whole.demand.copy()
        is_open[self.edges] = False
        np.minimum.at(supply, self.supply, self.supply_left)
        np.minimum.at(demand, self.demand, self.demand_left)
        return Limits(is_open, supply, demand)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What is left after a closure.

    Attributes:
        value: value of the best flow.
        delivered: (K,) what it delivers of each commodity.
        used: (E + S + D,) which edges carry, which supplies produce, which demands receive.
    """

    value: float
    delivered: Floats
    used: Flags


def outcome(programme: Programme, arrays: FlowArrays) -> Outcome:
    """The outcome that flows stand for."""
    numbers = programme.network.arrays
    carrying = np.zeros(len(numbers.capacity), bool)
    carrying[programme.layout.flow_edge[arrays.flow > 0]] = True
    return Outcome(
        arrays.value,
        summed(numbers.demand_commodity, arrays.demand, numbers.commodity_count),
        np.concatenate([carrying, arrays.supply > 0, arrays.demand > 0]),
    )


class ProgrammePool(Executor):
    """Processes that each build the programme of one network, once; they start when the first large sweep comes.

    Args:
        network: the network.
        jobs: how many processes (default: as many as this process may use cores).
        small: sweeps up to this many closures times columns stay in the calling process.
    """

    def __init__(self, network: Network, jobs: int | None = None, *, small: int = SMALL) -> None:
        self.network, self.small = network, small
        self.jobs = min(jobs or available_cores(), MOST_WORKERS)
        self._processes: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in one of the processes."""
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self.jobs,
                # A forked child would inherit the locks of the data frame library's threads.
                mp_context=get_context("spawn"),
                initializer=_prepare,
                initargs=(self.network,),
            )
        return self._processes.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        if self._processes is not None:
            self._processes.shutdown(wait, cancel_futures=cancel_futures)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def outcomes(
    programme: Programme,
    before: FlowArrays,
    closings: Sequence[Closing],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """The outcome of each closure, in their order.

    Args:
        programme: the programme of the network.
        before: its solution with nothing closed; among equals, a result that keeps most of these deliveries is taken.
        closings: what closes.
        executor: solve there. A `ProgrammePool` of this network builds the programme once a process, and leaves small
            sweeps to this one; any other executor is sent the network with each of at most 16 tasks.
        progress: told how far the sweep is.

    Raises:
        Infeasible, NotConverged: see `Programme.solve`.
    """
    network = programme.network
    pooled = isinstance(executor, ProgrammePool) and executor.network is network
    if (
        isinstance(executor, ProgrammePool)
        and len(closings) * programme.layout.matrix.shape[1] <= executor.small
    ):
        executor = None
    chunks = _chunks(len(closings), CHUNKS if pooled or executor is None else FRESH_CHUNKS)
    found: dict[int, list[Outcome]] = {}
    done = 0

    def note(start: int, part: list[Outcome]) -> None:
        nonlocal done
        found[start] = part
        done += len(part)
        if progress is not None:
            progress(done, len(closings))

    if executor is None:
        for start, end in chunks:
            note(start, _solved(programme, before, closings[start:end]))
    else:
        tasks: dict[Future[list[Outcome]], int] = {
            (
                executor.submit(_in_worker, closings[start:end])
                if pooled
                else executor.submit(_anew, network, closings[start:end])
            ): start
            for start, end in chunks
        }
        try:
            for task in as_completed(tasks):
                note(tasks[task], task.result())
        finally:
            for task in tasks:
                task.cancel()
    return [one for start in sorted(found) for one in found[start]]


def _chunks(count: int, most: int) -> list[tuple[int, int]]:
    size = max(1, -(-count // most))
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def _solved(programme: Programme, before: FlowArrays, closings: Sequence[Closing]) -> list[Outcome]:
    network = programme.network
    return [
        outcome(programme, programme.optimum(closing.limits(network), near=before)) for closing in closings
    ]


def _anew(network: Network, closings: Sequence[Closing]) -> list[Outcome]:
    programme = Programme(network)
    return _solved(programme, programme.optimum(network.everything), closings)


# What a process of a `ProgrammePool` was started for; set there, once, and never in the calling process.
_prepared: list[tuple[Programme, FlowArrays]] = []


def _prepare(network: Network) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the calling process answers it for all
    programme = Programme(network)
    _prepared.append((programme, programme.optimum(network.everything)))


def _in_worker(closings: Sequence[Closing]) -> list[Outcome]:
    return _solved(*_prepared[0], closings)
