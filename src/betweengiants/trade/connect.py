"""Which scenarios leave the world in one piece, and what becomes of imbalances when they do not.

Factor prices in two parts of the world that do not trade with each other have no common unit. The rule, for every
part (weakly connected component of the flows that remain): its own output keeps its baseline value, and its members'
imbalances are shifted in proportion to their baseline output so that they add up to zero. A country that is a part
by itself is therefore in balance: its deficit or surplus, which nobody is left to finance, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from betweengiants.trade.arrays import Cells, Economy, Flags, Floats, Imbalances, Ints, SparseShift


@dataclass(frozen=True, eq=False)
class Parts:
    """The pieces that one scenario leaves.

    Attributes:
        blocks: positions of the members of every piece with two or more countries.
        isolated: (N,) countries that trade with nobody else.
        strong: every block is strongly connected (each member buys from each other one, directly or through others).
    """

    blocks: tuple[Ints, ...]
    isolated: Flags
    strong: bool


def severed_cells(economy: Economy, cells: Cells, power: Floats) -> Cells:
    """The cells that a scenario brings from a positive flow to zero."""
    cut = (power == 0) & (economy.share[cells.exporter, cells.importer] > 0)
    return Cells(cells.scenario[cut], cells.exporter[cut], cells.importer[cut], cells.cost[cut], cells.count)


def connected(economy: Economy, cut: Cells) -> Flags:
    """(S,) whether every country still buys from and sells to every other, directly or through others.

    Breadth-first search from the best connected country, forwards and backwards, over all scenarios at once.
    """
    links = (economy.share > 0).astype(np.float64)
    graph = SparseShift(links, cut, np.zeros(cut.scenario.size))
    root = int(np.argmax((links + links.T).sum(axis=0)))
    everywhere = np.ones(cut.count, dtype=np.bool_)
    for step in (graph.times, graph.transposed_times):
        reached = np.zeros((links.shape[0], cut.count))
        reached[root] = 1.0
        size = -1.0
        while reached.sum() > size:
            size = float(reached.sum())
            reached = np.maximum(reached, step(reached) > 0.5)
        everywhere &= reached.all(axis=0)
    return everywhere


def split(share: Floats) -> Parts:
    """The pieces of one scenario's (N, N) shares, severed cells at zero."""
    present = share > 0
    if (present.all(axis=0) & present.all(axis=1)).any():
        # One country trades both ways with all: one piece, strongly connected; the usual case, and quickly seen.
        size = share.shape[0]
        return Parts((np.arange(size),), np.zeros(size, dtype=np.bool_), True)
    graph = present.astype(np.float64)
    pieces, weak = connected_components(graph, directed=True, connection="weak")
    _, strong = connected_components(graph, directed=True, connection="strong")
    members = [np.flatnonzero(weak == k) for k in range(pieces)]
    isolated = np.zeros(share.shape[0], dtype=np.bool_)
    isolated[[m[0] for m in members if m.size == 1]] = True
    blocks = tuple(m for m in members if m.size > 1)
    return Parts(blocks, isolated, all(len(set(strong[m])) == 1 for m in blocks))


def imbalances(economy: Economy, parts: Parts, rule: Imbalances) -> Floats:
    """(N,) fixed imbalances D in a world of these pieces: zero-sum in each of them (zero unless additive)."""
    fixed = np.zeros(economy.output.size)
    if rule != "additive":
        return fixed
    for block in parts.blocks:
        own, weight = economy.spending[block] - economy.output[block], economy.output[block]
        fixed[block] = own - weight * (own.sum() / weight.sum())
    return fixed


def unbalanced(share: Floats, fixed: Floats, rule: Imbalances, parts: Parts) -> Flags:
    """(N,) members of groups that can neither be in balance nor hold the imbalance they are given.

    A group that sells to others without buying from them earns more than it spends: its imbalances must add up to
    less than zero; one that only buys, to more than zero. The multiplicative rule is left to the solver.
    """
    bad = np.zeros(share.shape[0], dtype=np.bool_)
    if parts.strong or rule == "multiplicative":
        return bad
    for members, sells in one_way(share):
        total = fixed[members].sum()
        if total >= 0 if sells else total <= 0:
            bad |= members
    return bad


def one_way(share: Floats) -> list[tuple[Flags, bool]]:
    """Groups of countries that only sell to the others or only buy from them: (N,) members, and whether they sell."""
    count, group = connected_components((share > 0).astype(np.float64), directed=True, connection="strong")
    flow = np.zeros((count, count))
    np.add.at(flow, (group[:, None], group[None, :]), share)
    np.fill_diagonal(flow, 0.0)
    sells, buys = flow.sum(axis=1) > 0, flow.sum(axis=0) > 0
    return [(group == k, bool(sells[k])) for k in np.flatnonzero(sells != buys).tolist()]
