"""A linear programme some of whose columns are whole numbers, by branch and cut in HiGHS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from betweengiants.core.errors import Infeasible
from betweengiants.network.highs import Floats, LinearProgramme, Status

WHOLE = 1e-9  # how far from a whole number a column may end: what a large coefficient times it lets through is noise
GAP = 1e-9

_Ended = highspy.HighsModelStatus
_STATUS = {
    _Ended.kOptimal: Status.OPTIMAL,
    _Ended.kInfeasible: Status.INFEASIBLE,
    _Ended.kUnboundedOrInfeasible: Status.INFEASIBLE,  # presolve stops there; every objective here is bounded
    _Ended.kTimeLimit: Status.LIMIT,
}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """How a solve ended.

    Attributes:
        x: (C,) the best columns found; None if there are none.
        bound: no columns have a smaller objective than this.
        status: optimal (`x` reaches the bound), infeasible, or limit reached.
    """

    x: Floats | None
    bound: float
    status: Status


class MixedIntegerProgramme(LinearProgramme):
    """A minimisation with whole columns, to which rows may be added between solves."""

    def __init__(
        self,
        what: str,
        cost: Floats,
        lower: Floats,
        upper: Floats,
        row_lower: Floats,
        row_upper: Floats,
        matrix: csc_array,
        *,
        whole: NDArray[np.bool_],
    ) -> None:
        super().__init__(what, cost, lower, upper, row_lower, row_upper, matrix)
        columns = np.flatnonzero(whole).astype(np.int32)
        kinds = np.full(len(columns), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        self._highs.changeColsIntegrality(len(columns), columns, kinds)
        for option, value in (
            ("solver", "choose"),  # any other word makes the solver forget that columns are whole
            ("mip_feasibility_tolerance", WHOLE),
            ("mip_rel_gap", GAP),
            ("mip_abs_gap", GAP),
        ):
            self._highs.setOptionValue(option, value)

    def add_row(self, columns: Sequence[int], values: Sequence[float], lower: float, upper: float) -> None:
        """One more row: lower <= sum of values times columns <= upper."""
        self._highs.addRow(
            lower, upper, len(columns), np.array(columns, dtype=np.int32), np.array(values, dtype=float)
        )

    def answer(self, seconds: float) -> Answer:
        """Solve, for so many seconds at most.

        Raises:
            Infeasible: the solver failed; the message carries its status.
        """
        self._highs.setOptionValue("time_limit", max(seconds, 0.0))
        self._highs.run()
        ended = self._highs.getModelStatus()
        status = _STATUS.get(ended)
        if status is None:
            raise Infeasible(self.what, status=self._highs.modelStatusToString(ended))
        if status is Status.INFEASIBLE:
            return Answer(None, np.inf, status)
        info = self._highs.getInfo()
        found = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        x = np.asarray(self._highs.getSolution().col_value, dtype=float) if found else None
        return Answer(x, float(info.mip_dual_bound), status)
