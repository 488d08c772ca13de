"""The arrays that the kernel works on: a baseline economy and the changed cells of a block of scenarios.

Symbols (after Dekle, Eaton & Kortum 2008):

    pi[i,j]  share of importer j's spending that goes to exporter i         (N, N)
    Y[i]     output of i, E[j] spending of j, D = E - Y its imbalance       (N,)
    B[i,j]   tau[i,j]^(-theta), 0 for severance                             changed cells only
    w[i]     factor price relative to the baseline, x = log w               (N, S)
    W[i]     w[i]^(-theta)                                                  (N, S)
    Phi[j]   sum_i pi[i,j] B[i,j] W[i], the price index to the power -theta (N, S)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Imbalances = Literal["additive", "multiplicative", "balanced"]


@dataclass(frozen=True, eq=False)
class Economy:
    """A baseline in units of world output.

    Attributes:
        share: (N, N) pi, columns sum to 1.
        output: (N,) Y, sums to 1.
        spending: (N,) E, sums to 1.
    """

    share: Floats
    output: Floats
    spending: Floats

    @classmethod
    def from_flows(cls, flows: Floats) -> Economy:
        """Make shares and totals from (N, N) flows; every column must hold something."""
        scaled = flows / flows.sum()
        spending = scaled.sum(axis=0)
        return cls(scaled / spending, scaled.sum(axis=1), spending)


@dataclass(frozen=True, eq=False)
class Cells:
    """Changed cells of S scenarios in coordinate form; a cell occurs at most once in a scenario.

    Attributes:
        scenario, exporter, importer: (K,) positions.
        cost: (K,) factor on the trade cost, inf for severance.
        count: S.
    """

    scenario: Ints
    exporter: Ints
    importer: Ints
    cost: Floats
    count: int

    def power(self, theta: Floats) -> Floats:
        """(K,) B = cost^(-theta) of each cell, with one theta a scenario."""
        factors: Floats = self.cost ** -theta[self.scenario]
        return factors

    def take(self, scenarios: Ints) -> Cells:
        """The cells of some scenarios, renumbered 0, 1, ... in that order."""
        new = np.full(self.count, -1, dtype=np.int64)
        new[scenarios] = np.arange(scenarios.size)
        keep = new[self.scenario] >= 0
        return Cells(
            new[self.scenario[keep]],
            self.exporter[keep],
            self.importer[keep],
            self.cost[keep],
            scenarios.size,
        )


class SparseShift:
    """Products with one matrix a scenario that differs from a common base in few cells.

    A product is one dense product and a sparse correction. The correction subtracts what a cell loses, so that digits
    are lost where little remains (see `lost`); `dense` and `diagonal` are exact.
    """

    def __init__(self, base: Floats, cells: Cells, value: Floats) -> None:
        """Take the (N, N) base and the (K,) values that the cells have instead."""
        self.base, self.turned = base, np.ascontiguousarray(base.T)
        self._set(cells, value)

    def _set(self, cells: Cells, value: Floats) -> None:
        self.row, self.column, self.scenario = cells.exporter, cells.importer, cells.scenario
        self.value, self.count = value, cells.count
        self.change = value - self.base[self.row, self.column]

    def like(self, cells: Cells, value: Floats) -> SparseShift:
        """The same base with the cells of other scenarios."""
        other = SparseShift.__new__(SparseShift)
        other.base, other.turned = self.base, self.turned
        other._set(cells, value)
        return other

    def times(self, block: Floats) -> Floats:
        """(N, S): column s is (matrix of s) @ block[:, s]."""
        out: Floats = self.base @ block
        np.add.at(out, (self.row, self.scenario), self.change * block[self.column, self.scenario])
        return out

    def transposed_times(self, block: Floats) -> Floats:
        """(N, S): column s is (matrix of s).T @ block[:, s]."""
        out: Floats = self.turned @ block
        np.add.at(out, (self.column, self.scenario), self.change * block[self.row, self.scenario])
        return out

    def lost(self, exporter: Floats, importer: Floats) -> Floats:
        """(S,) largest |change * exporter * importer| over the cells of each scenario, both factors (N, S)."""
        size = np.abs(self.change * exporter[self.row, self.scenario] * importer[self.column, self.scenario])
        out = np.zeros(self.count)
        np.maximum.at(out, self.scenario, size)
        return out

    def diagonal(self) -> Floats:
        """(N, S) diagonals."""
        out = np.repeat(self.base.diagonal()[:, None], self.count, axis=1)
        own = self.row == self.column
        out[self.row[own], self.scenario[own]] = self.value[own]
        return out

    def dense(self, scenario: int) -> Floats:
        """(N, N) the matrix of one scenario."""
        out = self.base.copy()
        mine = self.scenario == scenario
        out[self.row[mine], self.column[mine]] = self.value[mine]
        return out
