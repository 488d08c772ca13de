"""How goods mix on the way: flows that meet at a node leave it in proportion.

With T_n what arrives at n (own supply and inflow after loss), f the flows that enter edges and l their losses, a
property a that adds up on the way (a cost, a share of origin) solves

    T_n a_n - sum over inflows of f (1 - l)^p a_from = own part at n,      p = 1 for shares, 0 for costs met

(a unit that is lost has met its cost as well, and the units that arrive bear it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from betweengiants.network.checks import reached
from betweengiants.network.layout import Layout
from betweengiants.network.model import Floats, Ints, NetworkArrays


class Solution(Protocol):
    """What is asked of a solution: flows and supply (see `results.FlowArrays`)."""

    @property
    def flow(self) -> Floats:
        """(F,) what enters."""

    @property
    def supply(self) -> Floats:
        """(S,) what is produced."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """One commodity on its way.

    Attributes:
        place: (N,) position among the P nodes that goods pass, -1 elsewhere.
        made: supplies (positions in the network) that produce.
        moving: flow columns that carry goods onward from those nodes.
        out_of, into: positions of their ends. flow, arriving: what enters, and what of it arrives.
        through: (P,) T.
    """

    place: Ints
    made: Ints
    moving: Ints
    out_of: Ints
    into: Ints
    flow: Floats
    arriving: Floats
    through: Floats

    def solver(self, carried: Floats) -> Callable[[Floats], Floats] | None:
        """Solve for a with `carried` as the weight of each inflow; None if nothing determines it.

        Goods that are lost on a loop that nothing feeds never arrive and have no properties.
        """
        diagonal = np.arange(len(self.through))
        matrix = coo_array(
            (
                np.concatenate([self.through, -carried]),
                (np.concatenate([diagonal, self.into]), np.concatenate([diagonal, self.out_of])),
            ),
            shape=(len(self.through),) * 2,
        ).tocsc()
        try:
            factors = splu(matrix)
        except RuntimeError:
            return None
        return lambda right: np.asarray(factors.solve(right), dtype=np.float64)


def mixture(numbers: NetworkArrays, layout: Layout, solution: Solution, commodity: int) -> Mixture:
    """The goods of one commodity between the nodes that a supply feeds."""
    moving = np.flatnonzero((layout.flow_commodity == commodity) & (solution.flow > 0))
    start, end = layout.from_node(numbers)[moving], layout.to_node(numbers)[moving]
    made = np.flatnonzero((numbers.supply_commodity == commodity) & (solution.supply > 0))
    steps = list(zip(start.tolist(), end.tolist(), strict=True))
    # A loop that no supply feeds has no properties of its own, and would make the system singular.
    nodes = np.array(sorted(reached(numbers.supply_node[made].tolist(), steps)), dtype=np.int64)
    place = np.full(numbers.node_count, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    fed: NDArray[np.bool_] = place[start] >= 0
    moving, into, out_of = moving[fed], place[end[fed]], place[start[fed]]
    flow = solution.flow[moving]
    arriving = flow * (1.0 - numbers.loss[layout.flow_edge[moving]])
    through = np.bincount(into, weights=arriving, minlength=len(nodes)).astype(np.float64)
    np.add.at(through, place[numbers.supply_node[made]], solution.supply[made])
    return Mixture(place, made, moving, out_of, into, flow, arriving, through)
