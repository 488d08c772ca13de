"""One linear programme inside HiGHS, kept warm between solves (Huangfu & Hall 2018, doi:10.1007/s12532-017-0130-5).

The only module that knows the solver. A minimisation: min c'x, row_lower <= A x <= row_upper, lower <= x <= upper.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from betweengiants.core.errors import Infeasible

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Basis = highspy.HighsBasis

# The tightest that HiGHS takes; quantities and prices are scaled to about one before they get here.
FEASIBILITY = 1e-10
LARGE = 4_000  # columns; measured: below it the simplex method alone is as fast


class Status(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT = "limit reached"
    FAILED = "failed"


_STATUS = {
    highspy.HighsModelStatus.kOptimal: Status.OPTIMAL,
    highspy.HighsModelStatus.kModelEmpty: Status.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Status.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Status.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: Status.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Status.LIMIT,
    highspy.HighsModelStatus.kIterationLimit: Status.LIMIT,
}


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """An optimal vertex.

    Attributes:
        x: (C,) columns; reduced_cost: (C,) change of the objective for one more unit of a column.
        activity: (R,) rows, A x; dual: (R,) change of the objective for one more unit of a row's bound.
        objective: c'x.
    """

    x: Floats
    reduced_cost: Floats
    activity: Floats
    dual: Floats
    objective: float


class _Silent(highspy.Highs):
    """HiGHS prints a banner while it is being made, before an option can be set: switch it off on the way."""

    def enableCallbacks(self) -> None:  # noqa: N802  (the solver's own name)
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


class LinearProgramme:
    """A programme whose bounds and costs may change between solves.

    Each solve starts from the basis that was set last, so results depend on the calls made on this object and on
    nothing else; `Programme` always starts from one and the same basis.
    """

    def __init__(
        self,
        what: str,
        cost: Floats,
        lower: Floats,
        upper: Floats,
        row_lower: Floats,
        row_upper: Floats,
        matrix: csc_array,
    ) -> None:
        self.what, self.matrix = what, matrix
        self._rows_by_row = matrix.tocsr()
        # The stubs of highspy leave out half of the methods.
        self._highs: Any = _Silent()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("solver", "simplex"),
            ("parallel", "off"),
            ("random_seed", 0),
            ("primal_feasibility_tolerance", FEASIBILITY),
            ("dual_feasibility_tolerance", FEASIBILITY),
        ):
            self._highs.setOptionValue(option, value)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(cost), len(row_lower)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
        lp.row_lower_, lp.row_upper_ = row_lower, row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = matrix.indptr
        lp.a_matrix_.index_ = matrix.indices
        lp.a_matrix_.value_ = matrix.data
        self._highs.passModel(lp)
        self._columns = np.arange(len(cost), dtype=np.int32)

    def set_columns(self, lower: Floats, upper: Floats) -> None:
        """New bounds of all columns."""
        self._highs.changeColsBounds(len(self._columns), self._columns, lower, upper)

    def set_costs(self, cost: Floats) -> None:
        """New costs of all columns."""
        self._highs.changeColsCost(len(self._columns), self._columns, cost)

    def set_rows(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """New bounds of some rows."""
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)

    def basis(self) -> Basis:
        """A copy of the present basis."""
        copy: Basis = self._highs.getBasis()
        return copy

    def set_basis(self, basis: Basis) -> None:
        """Start the next solve from this basis, whatever was solved before.

        Without clearing it, the solver keeps weights and perturbations of earlier solves and may end at another of
        several equally good vertices.
        """
        self._highs.clearSolver()
        self._highs.setBasis(basis)

    def solve(self) -> Solution:
        """Solve from the present basis.

        Raises:
            Infeasible: the solver found no optimum; the message carries its status.
        """
        self._highs.run()
        model_status = self._highs.getModelStatus()
        status = _STATUS.get(model_status, Status.FAILED)
        if status is not Status.OPTIMAL:
            raise Infeasible(self.what, status=status.value)
        found = self._highs.getSolution()
        return Solution(
            np.asarray(found.col_value, dtype=float),
            np.asarray(found.col_dual, dtype=float),
            np.asarray(found.row_value, dtype=float),
            np.asarray(found.row_dual, dtype=float),
            float(self._highs.getInfo().objective_function_value),
        )

    def prepare(self, least: int = LARGE) -> None:
        """For a first solve of a large programme: interior point with crossover to a vertex, where `solve` goes on.

        On networks of some thousand edges this takes a tenth of the time of the simplex method from nothing.

        Args:
            least: columns from which a programme counts as large.
        """
        if len(self._columns) >= least:
            self._highs.setOptionValue("solver", "ipm")
            self._highs.run()
            self._highs.setOptionValue("solver", "simplex")

    def basic_columns(self) -> tuple[Ints, Ints]:
        """Places within the basis that hold columns, and those columns."""
        _, variables = self._highs.getBasicVariables()
        variables = np.asarray(variables, dtype=np.int64)
        places = np.flatnonzero(variables >= 0)
        return places, variables[places]

    def move(self, row: int, places: Ints, columns: Ints) -> tuple[Floats, Floats]:
        """Rates at which columns and rows change when one more unit is allowed on a binding row, the basis kept.

        Args:
            row: a row outside the basis.
            places: from `basic_columns`.
            columns: from `basic_columns`.

        Returns:
            (C,) rates of the columns, (R,) rates of the rows.
        """
        unit = np.zeros(self.matrix.shape[0])
        unit[row] = 1.0
        _, solved = self._highs.getBasisSolve(unit)
        rates = np.zeros(self.matrix.shape[1])
        rates[columns] = np.asarray(solved)[places]
        return rates, np.asarray(self._rows_by_row @ rates, dtype=float)
