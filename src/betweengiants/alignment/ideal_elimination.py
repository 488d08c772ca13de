"""Solving with, and inverting, the joint information of positions and questions, one session at a time.

The parameters of a question put in one session only are eliminated on the spot, which couples all states of the
session. What is left is block tridiagonal over sessions, but for gaps in a state's record and questions put again
later: those stay in the front, the dense matrix of all that later sessions still touch. A front is reduced by a
Cholesky factor of what no later session touches; going back, the same factors give solutions and the diagonal of the
inverse (selected inversion; Erisman & Tinney 1975).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from betweengiants.alignment.ideal_cells import Sums
from betweengiants.alignment.ideal_panel import Block, Panel
from betweengiants.alignment.ideal_posterior import positive
from betweengiants.alignment.ideal_walk import Walk

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Local:
    """Questions of one session only.

    Attributes:
        places: (L,) which of the block's questions they are.
        factor: (L, 3, 3) lower Cholesky factors of their information.
        scaled: (3 L, C) inverse factors times the coupling with the session's states.
        taken: (C, C) information that their elimination takes from the states.
    """

    places: Ints
    factor: Floats
    scaled: Floats
    taken: Floats


@dataclass(frozen=True, slots=True)
class Front:
    """One step: variables `out` are eliminated, variables `stay` go on; numbers are global.

    Attributes:
        out: variables eliminated.
        stay: variables that go on.
        factor: lower Cholesky factor of the information on `out`.
        coupling: inverse factor times the information between `out` and `stay`.
    """

    out: Ints
    stay: Ints
    factor: Floats
    coupling: Floats


class Factor:
    """Factor of the joint information: positions, then three parameters of each question that spans sessions."""

    def __init__(
        self,
        panel: Panel,
        walk: Walk,
        sums: Sequence[Sums],
        priors: Floats,
        pull: float,
    ) -> None:
        """Factorise (without the part of expectation zero, as in Fisher scoring, so it is always positive).

        Args:
            panel: the votes.
            walk: prior of the positions.
            sums: of each session.
            priors: (Q, 3) prior precision of each question's parameters.
            pull: information added to every position (the multiplier that holds the scale).
        """
        self.panel = panel
        self.number = np.cumsum(panel.spans) - 1
        self.size = panel.n.size + 3 * int(panel.spans.sum())
        self.locals = [
            _local(panel, block, part, priors) for block, part in zip(panel.blocks, sums, strict=True)
        ]
        self.fronts: list[Front] = []
        ends = np.ones(panel.n.size, dtype=bool)
        ends[walk.chains.before] = False
        carried, matrix = np.empty(0, dtype=np.int64), np.empty((0, 0))
        for place, (block, part) in enumerate(zip(panel.blocks, sums, strict=True)):
            nodes = np.arange(block.states.start, block.states.stop)
            asked = np.flatnonzero(panel.spans[block.questions])
            triples = self._triples(block.questions[asked])
            fresh = np.setdiff1d(triples.ravel(), carried)
            variables = np.concatenate([carried, nodes, fresh])
            at = np.full(self.size, -1, dtype=np.int64)
            at[variables] = np.arange(variables.size)
            whole = np.zeros((variables.size, variables.size))
            whole[: carried.size, : carried.size] = matrix
            here = slice(carried.size, carried.size + nodes.size)
            whole[here, here] = -self.locals[place].taken
            own = at[nodes]
            whole[own, own] += part.theta_theta + walk.step[nodes] + pull
            later = nodes[walk.chains.previous[nodes] >= 0]
            before, step = at[walk.chains.previous[later]], walk.step[later]
            whole[before, before] += step
            whole[before, at[later]] -= step
            whole[at[later], before] -= step
            for question, three in zip(asked, at[triples], strict=True):
                whole[np.ix_(three, three)] += part.item_item[question]
                whole[three, here] += part.cross[question]
                whole[here, three] += part.cross[question].T
            whole[at[fresh], at[fresh]] += priors[panel.spans].ravel()[fresh - panel.n.size]
            closing = block.questions[asked][panel.last[block.questions[asked]] == place]
            out = np.concatenate(
                [walk.chains.previous[later], nodes[ends[nodes]], self._triples(closing).ravel()]
            )
            leaves = np.zeros(variables.size, dtype=bool)
            leaves[at[out]] = True
            out, carried = variables[leaves], variables[~leaves]
            factor = cholesky(whole[leaves][:, leaves], lower=True, check_finite=False)
            coupling = _solved(factor, whole[leaves][:, ~leaves])
            matrix = whole[~leaves][:, ~leaves] - coupling.T @ coupling
            self.fronts.append(Front(out, carried, factor, coupling))

    def solve(self, theta: Floats, items: Floats) -> tuple[Floats, Floats]:
        """Solution for right-hand sides: (N, K) of the positions, (Q, 3, K) of the questions' parameters."""
        panel, n, width = self.panel, theta.shape[0], theta.shape[1]
        rest = np.concatenate([theta, items[panel.spans].reshape(-1, width)])
        owns = []
        for block, local in zip(panel.blocks, self.locals, strict=True):
            own = _forward(local.factor, items[block.questions[local.places]]).reshape(-1, width)
            rest[block.states] -= local.scaled.T @ own
            owns.append(own)
        for front in self.fronts:
            rest[front.out] = _solved(front.factor, rest[front.out])
            rest[front.stay] -= front.coupling.T @ rest[front.out]
        for front in reversed(self.fronts):
            rest[front.out] = _solved(
                front.factor, rest[front.out] - front.coupling @ rest[front.stay], trans="T"
            )
        solved = np.empty_like(items)
        solved[panel.spans] = rest[n:].reshape(-1, 3, width)
        for block, local, own in zip(panel.blocks, self.locals, owns, strict=True):
            left = (own - local.scaled @ rest[block.states]).reshape(-1, 3, width)
            solved[block.questions[local.places]] = _backward(local.factor, left)
        return rest[:n], solved

    def variances(self) -> Floats:
        """(N,) diagonal of the inverse at the positions."""
        found = np.empty(self.size)
        place = np.full(self.size, -1, dtype=np.int64)
        inverse = np.empty((0, 0))
        for front in reversed(self.fronts):
            at = place[front.stay]
            known = inverse[np.ix_(at, at)]
            back = _solved(front.factor, np.eye(front.out.size))
            reach = back.T @ front.coupling
            mixed = -reach @ known
            own = back.T @ back - mixed @ reach.T
            found[front.out] = np.diag(own)
            place[front.out] = np.arange(front.out.size)
            place[front.stay] = np.arange(front.out.size, front.out.size + front.stay.size)
            inverse = np.block([[own, mixed], [mixed.T, known]])
        return found[: self.panel.n.size]

    def _triples(self, questions: Ints) -> Ints:
        """(Q, 3) global numbers of the parameters of questions that span sessions."""
        start = self.panel.n.size + 3 * self.number[questions]
        triples: Ints = start[:, None] + np.arange(3)
        return triples


def _local(panel: Panel, block: Block, part: Sums, priors: Floats) -> Local:
    places = np.flatnonzero(~panel.spans[block.questions])
    own = priors[block.questions[places]]
    square = positive(part.item_item[places], own) + own[:, :, None] * np.eye(3)
    factor = np.asarray(np.linalg.cholesky(square), dtype=np.float64)
    scaled = _forward(factor, part.cross[places]).reshape(-1, part.cross.shape[2])
    return Local(places, factor, scaled, scaled.T @ scaled)


def _forward(factor: Floats, right: Floats) -> Floats:
    """Inverse of (L, 3, 3) lower triangles times (L, 3, K)."""
    f = factor[..., None]
    x = np.empty_like(right)
    x[:, 0] = right[:, 0] / f[:, 0, 0]
    x[:, 1] = (right[:, 1] - f[:, 1, 0] * x[:, 0]) / f[:, 1, 1]
    x[:, 2] = (right[:, 2] - f[:, 2, 0] * x[:, 0] - f[:, 2, 1] * x[:, 1]) / f[:, 2, 2]
    return x


def _backward(factor: Floats, right: Floats) -> Floats:
    """Inverse of the transposes of (L, 3, 3) lower triangles times (L, 3, K)."""
    f = factor[..., None]
    x = np.empty_like(right)
    x[:, 2] = right[:, 2] / f[:, 2, 2]
    x[:, 1] = (right[:, 1] - f[:, 2, 1] * x[:, 2]) / f[:, 1, 1]
    x[:, 0] = (right[:, 0] - f[:, 1, 0] * x[:, 1] - f[:, 2, 0] * x[:, 2]) / f[:, 0, 0]
    return x


def _solved(factor: Floats, right: Floats, *, trans: Literal["N", "T"] = "N") -> Floats:
    solved: Floats = solve_triangular(factor, right, lower=True, trans=trans, check_finite=False)
    return solved
