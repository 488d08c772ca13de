"""Interdiction: the sets of edges whose closure does most damage, and what it would cost to go round or to defend them.

Who closes them is left open: a war, an accident, a power that buys its way in. Up to two edges by trying all; more by a
mixed-integer programme (see `interdiction_programme`), every set of which is solved once more with its edges closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, Infeasible, UnknownLabel, summary
from betweengiants.network.contingency import Survey, mixed_units, survey
from betweengiants.network.expansion import Expansion
from betweengiants.network.highs import Status
from betweengiants.network.interdiction_search import (
    ENUMERATED,
    Candidate,
    Found,
    Trials,
    enumerated,
    most_damaging,
    reaching,
    smallest,
)
from betweengiants.network.model import Flags, Floats, Limits, Network
from betweengiants.network.programme import Programme
from betweengiants.network.sweep import Closing, Outcome, Progress

MEASURES = ("value", "delivered")
METHODS = ("auto", "enumerate", "programme")
SETS = 5
SECONDS = 300.0


@dataclass(frozen=True, eq=False)
class Interdiction:
    """The worst sets of edges.

    Attributes:
        table: rank, removed (edge ids joined by `;`), size, value_before, value_after, value_lost, delivered_lost (of
            the commodity asked for, else of all), detour_cost (what bringing the goods that still arrive costs more than
            it would with nothing closed), bypass_cost (least money a year for added capacity with which all that was
            delivered is delivered again; null without costs or if nothing does it), worth_defending (value lost a year:
            the most that keeping the set open can be worth), status, gap (by how much an unseen set might be worse:
            share of what there was before, or of the size of the set; 0 where the rank is proved).
        bypass: rank, edge_id, added (capacity), yearly_cost: the cheapest additions.
        edges: the sets as edge ids.
        status: optimal, or limit reached (the time ran out before the ranks were proved).
        notes: what could not be found, and why.
    """

    table: pl.DataFrame
    bypass: pl.DataFrame
    edges: tuple[tuple[str, ...], ...]
    status: Status
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked: the network, what counts, and how to look for it.

    Attributes:
        counted: (D,) deliveries that count; None: the value counts.
        weight: (K,) 1 for commodities whose deliveries count or are to be shown.
    """

    programme: Programme
    counted: Flags | None
    weight: Floats
    method: str
    seconds: float
    executor: Executor | None
    progress: Progress | None

    def measure(self, result: Outcome) -> float:
        """Value, or quantity of the commodities that count."""
        return result.value if self.counted is None else float(result.delivered @ self.weight)

    def survey(self, order: int) -> Survey:
        """Single edges, or pairs, closed one by one."""
        network = self.programme.network
        closings = [Closing.of_edges([edge]) for edge in range(len(network.arrays.capacity))]
        return survey(
            network,
            closings,
            order,
            programme=self.programme,
            executor=self.executor,
            progress=self.progress,
        )


def interdict(
    network: Network,
    budget: int,
    *,
    sets: int = SETS,
    by: str = "value",
    commodity: str | None = None,
    expansion: Expansion | None = None,
    method: str = "auto",
    seconds: float = SECONDS,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Interdiction:
    """The sets of at most `budget` edges whose closure leaves least.

    A set that does no more than a part of it is not listed.

    Args:
        network: the network.
        budget: largest size of a set.
        sets: how many sets.
        by: `value`, or `delivered` (what the value-maximising flow still brings).
        commodity: count deliveries of this one alone.
        expansion: what capacity could be added (see `read_expansion`).
        method: `enumerate` (up to two edges), `programme`, or `auto` (whichever the budget allows).
        seconds: time for the mixed-integer programme.
        programme: the network's own programme, to save building it again.
        executor: where to enumerate (see `sweep.outcomes`).
        progress: told how far it is: closures solved, or sets found.

    Raises:
        DataError: a budget or a number of sets below 1, an unknown measure or method, enumeration beyond two edges, a
            commodity with `by="value"`, deliveries in several units with no commodity named.
        UnknownLabel: a commodity that is not delivered.
        Infeasible, NotConverged: see `Programme.solve`.
    """
    _check_sizes(budget, sets)
    asked = _question(network, by, commodity, method, seconds, programme, executor, progress)
    if method == "enumerate" and budget > ENUMERATED:
        raise DataError(
            found=f"sets of {budget} edges to enumerate", allowed=f"at most {ENUMERATED}, or a programme"
        )
    trials = Trials(asked.programme, asked.measure)
    if budget <= ENUMERATED and method != "programme":
        listed = enumerated(asked.survey(budget), asked.measure, budget)[:sets]
        found = Found(listed, Status.OPTIMAL, trials.whole)
    else:
        found = most_damaging(trials, asked.counted, budget, sets, asked.seconds, asked.progress)
    notes = []
    if found.status is Status.LIMIT:
        share = max(0.0, found.bound / trials.whole) if trials.whole > 0 else 1.0
        notes.append(
            f"limit reached: after {seconds:g} seconds it is only known that no other set of at most {budget} edges"
            f" leaves less than {share:.1%} of what there is ({by})"
        )
    elif len(found.candidates) < sets:
        notes.append(f"only {len(found.candidates)} sets of at most {budget} edges do harm of their own")
    return _report(asked, trials, found, expansion, notes)


def smallest_sets(
    network: Network,
    keep_below: float = 0.5,
    *,
    sets: int = 1,
    by: str = "delivered",
    commodity: str | None = None,
    expansion: Expansion | None = None,
    method: str = "auto",
    seconds: float = SECONDS,
    programme: Programme | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Interdiction:
    """The smallest sets of edges whose closure leaves no more than a share of what there is.

    Args:
        network: the network.
        keep_below: that share, from 0 to below 1.
        sets: how many sets, all of the smallest size.
        by: as in `interdict`, like all below; here `delivered` unless said otherwise.
        commodity: count deliveries of this one alone.
        expansion: what capacity could be added.
        method: `auto` tries sets of one and two edges first, `programme` does not.
        seconds: time for the mixed-integer programme.
        programme: the network's own programme.
        executor: where to enumerate.
        progress: told how far it is.

    Raises:
        DataError: a share outside [0, 1), and as `interdict`.
        UnknownLabel: a commodity that is not delivered.
        Infeasible: what is left with every edge closed is more than the share already, or no set was found in time.
    """
    _check_sizes(1, sets)
    if not 0 <= keep_below < 1:
        raise DataError(found=f"a share of {keep_below:g}", allowed="a share from 0 to below 1")
    if method == "enumerate":
        raise DataError(found="method enumerate", allowed="auto or programme for the smallest set")
    asked = _question(network, by, commodity, method, seconds, programme, executor, progress)
    trials = Trials(asked.programme, asked.measure)
    target = keep_below * trials.whole
    everything = tuple(range(len(network.arrays.capacity)))
    if trials.left(everything) > target + trials.equal:
        raise Infeasible(
            f"leaving no more than {keep_below:g} of what there is ({by})",
            status="supply and demand at one node need no edge",
        )
    listed: list[Candidate] = []
    tried = 0
    if method == "auto":
        for tried in range(1, ENUMERATED + 1):
            listed = listed or reaching(asked.survey(tried), asked.measure, target)[:sets]
    found = Found(listed, Status.OPTIMAL, 0.0)
    if not listed:
        found = smallest(
            trials, asked.counted, target, tried + 1 if tried else 0, sets, asked.seconds, asked.progress
        )
    if not found.candidates:
        raise Infeasible(
            f"the smallest set that leaves no more than {keep_below:g} of what there is ({by})",
            status=f"{found.status.value} after {seconds:g} seconds; it has at least {found.bound:g} edges",
        )
    notes = []
    if found.status is Status.LIMIT:
        notes.append(
            f"limit reached: after {seconds:g} seconds it is only known that the smallest set has at least"
            f" {found.bound:g} edges"
        )
    return _report(asked, trials, found, expansion, notes)


def _check_sizes(budget: int, sets: int) -> None:
    for count, what in ((budget, "a budget"), (sets, "a number of sets")):
        if count < 1:
            raise DataError(found=f"{what} of {count}", allowed="a whole number of at least 1")


def _question(
    network: Network,
    by: str,
    commodity: str | None,
    method: str,
    seconds: float,
    programme: Programme | None,
    executor: Executor | None,
    progress: Progress | None,
) -> _Question:
    for word, known, what in ((by, MEASURES, "measure"), (method, METHODS, "method")):
        if word not in known:
            raise UnknownLabel(word, known, what=what)
    if not seconds > 0:
        raise DataError(found=f"a time limit of {seconds:g} seconds", allowed="a number above 0")
    counted = _counted(network, by, commodity)
    numbers = network.arrays
    shown = numbers.demand_commodity if counted is None else numbers.demand_commodity[counted]
    return _Question(
        programme=programme or Programme(network),
        counted=counted,
        weight=np.isin(np.arange(numbers.commodity_count), shown).astype(float),
        method=method,
        seconds=seconds,
        executor=executor,
        progress=progress,
    )


def _counted(network: Network, by: str, commodity: str | None) -> Flags | None:
    wanted = sorted(set(network.demand["commodity"]))
    if by == "value":
        if commodity is not None:
            raise DataError(found="a commodity for the value of all", allowed="a commodity with `delivered`")
        return None
    if commodity is None:
        units = mixed_units(network)
        if units:
            raise DataError(
                found=f"deliveries in several units ({summary(units)})",
                allowed=f"one commodity of {summary(wanted)}",
            )
        return np.ones(network.demand.height, bool)
    if commodity not in wanted:
        raise UnknownLabel(commodity, wanted, what="commodity that is delivered")
    return np.array(network.demand["commodity"] == commodity, dtype=bool)


def _report(
    asked: _Question, trials: Trials, found: Found, expansion: Expansion | None, notes: Sequence[str]
) -> Interdiction:
    network = asked.programme.network
    ids = network.edges["edge_id"].to_list()
    named = tuple(tuple(ids[edge] for edge in one.edges) for one in found.candidates)
    before = trials.flows
    table, additions, said = [], [], list(notes)
    if expansion is None and named:
        said.append("no costs of added capacity are stated (added_cost): bypass_cost is empty")
    for rank, (one, names) in enumerate(zip(found.candidates, named, strict=True), 1):
        after = trials.arrays(one.edges)
        whole = network.everything
        # The same markets with nothing closed: what they would earn more is what the detours cost.
        unhindered = asked.programme.optimum(Limits(whole.edge_open, whole.supply, after.demand), near=after)
        lost = max(0.0, before.value - after.value)
        bypass_cost = None
        if expansion is not None:
            bypass = expansion.bypass(names, before)
            bypass_cost = bypass.cost
            if bypass.cost is None:
                said.append(
                    f"rank {rank}: no added capacity restores what was delivered; at best {bypass.share:.1%} of its worth"
                )
            additions += [
                (rank, edge, amount, expansion.yearly_cost(edge, amount)) for edge, amount in bypass.added
            ]
        table.append(
            {
                "rank": rank,
                "removed": ";".join(names),
                "size": len(names),
                "value_before": before.value,
                "value_after": after.value,
                "value_lost": lost,
                "delivered_lost": float(
                    (before.demand - after.demand) @ asked.weight[network.arrays.demand_commodity]
                ),
                "detour_cost": max(0.0, unhindered.value - after.value),
                "bypass_cost": bypass_cost,
                "worth_defending": lost,
                "status": (Status.LIMIT if one.gap > 0 else Status.OPTIMAL).value,
                "gap": one.gap,
            }
        )
    added = {"rank": pl.Int64, "edge_id": pl.String, "added": pl.Float64, "yearly_cost": pl.Float64}
    return Interdiction(
        pl.DataFrame(table, schema=_COLUMNS),
        pl.DataFrame(additions, schema=added, orient="row"),
        named,
        found.status,
        tuple(said),
    )


_COLUMNS: dict[str, type[pl.DataType]] = {
    "rank": pl.Int64,
    "removed": pl.String,
    "size": pl.Int64,
    **dict.fromkeys(
        (
            "value_before",
            "value_after",
            "value_lost",
            "delivered_lost",
            "detour_cost",
            "bypass_cost",
            "worth_defending",
        ),
        pl.Float64,
    ),
    "status": pl.String,
    "gap": pl.Float64,
}
