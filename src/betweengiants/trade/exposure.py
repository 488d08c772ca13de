"""First-order exposure of every country to every other: who gains and who loses when one of them becomes more productive.

After Kleinman, Liu & Redding (International friends and enemies, NBER 27587, 2020; American Economic Journal:
Macroeconomics 16(4), 2024, doi 10.1257/mac.20220223). One matrix inverse answers for all pairs at once. It is the
derivative of the exact model of `engine.solve` at the baseline: right for small shocks, misleading for large ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl
from scipy.sparse.csgraph import connected_components

from betweengiants.core.errors import DataError, NoEquilibrium, UnknownLabel
from betweengiants.trade.arrays import Economy, Floats, Imbalances
from betweengiants.trade.matrix import TradeMatrix


@dataclass(frozen=True)
class ExposureChecks:
    """How far the matrices are from what must hold exactly (largest absolute deviations).

    Attributes:
        income_rows: rows of W sum to 0 (productivity that rises everywhere moves no relative income).
        welfare_rows: rows of U sum to 1 (one percent more everywhere makes everybody one percent better off).
        world_income: q'W = 0 (world output is the unit of value).
        equations: the linear equations themselves, relative to their largest term.
    """

    income_rows: float
    welfare_rows: float
    world_income: float
    equations: float

    @property
    def largest(self) -> float:
        """The largest of them."""
        return max(self.income_rows, self.welfare_rows, self.world_income, self.equations)


@dataclass(frozen=True, eq=False)
class Exposure:
    """Exposures of N countries (rows n) to productivity shocks of N countries (columns i), as elasticities.

    0.02 means: one percent more productivity in i raises the income or welfare of n by 0.02 percent.

    Attributes:
        labels: N countries.
        theta: trade elasticity.
        imbalances: the rule that the derivative is taken under.
        S: (N, N) share of n's spending that goes to i; rows sum to 1.
        T: (N, N) share of i's sales that goes to n, as T[i, n]; rows sum to 1.
        W: (N, N) effect on nominal income, in units of world output.
        U: (N, N) effect on welfare (real national spending).
        output: (N,) q, shares of world output.
        checks: what must hold.
    """

    labels: tuple[str, ...]
    theta: float
    imbalances: Imbalances
    S: Floats
    T: Floats
    W: Floats
    U: Floats
    output: Floats
    checks: ExposureChecks

    def frame(self, focal: Sequence[str] | None = None) -> pl.DataFrame:
        """One row for each pair: country, shocked, income_effect, welfare_effect.

        Args:
            focal: the countries that feel the shock (default: all).

        Raises:
            UnknownLabel: a country that the matrix does not hold.
        """
        return pair_frame(self.labels, focal, self.W, self.U)


def pair_frame(
    labels: Sequence[str], focal: Sequence[str] | None, income: Floats, welfare: Floats
) -> pl.DataFrame:
    """Rows of (N, N) effects for some countries as a long table: country, shocked, income_effect, welfare_effect.

    Raises:
        UnknownLabel: a country that is not among the labels.
    """
    chosen = list(labels) if focal is None else list(focal)
    place = {label: k for k, label in enumerate(labels)}
    for label in chosen:
        if label not in place:
            raise UnknownLabel(label, labels, what="country")
    rows, size = [place[label] for label in chosen], len(labels)
    return pl.DataFrame(
        {
            "country": [label for label in chosen for _ in range(size)],
            "shocked": list(labels) * len(chosen),
            "income_effect": income[rows].ravel(),
            "welfare_effect": welfare[rows].ravel(),
        }
    )


def exposures(
    matrix: TradeMatrix, theta: float = 4.0, *, imbalances: Imbalances = "multiplicative"
) -> Exposure:
    """Income and welfare exposures of every country to every other.

    With `S[n,i]` the share of n's spending on i, `T[i,n]` the share of i's sales to n, `q` output shares, `Q = 1 q'`,
    `M = T S - I` and `V = (T R + theta T S)/(1 + theta) - Q`:

        W = -(theta/(1+theta)) (I - V)^(-1) M, minus q'W from every row        U = (R - S) W + S

    where R is the diagonal matrix of d log E / d log w: I under the multiplicative and the balanced rule (the published
    formula), `Y/E` under the additive one, in which only the earned part of spending moves with income. With trade
    imbalances q is not the left eigenvector of I - V under the multiplicative rule; W needs the subtraction, U does not.

    Args:
        matrix: the baseline.
        theta: trade elasticity (sigma - 1).
        imbalances: as in `engine.solve`; `balanced` removes imbalances first.

    Raises:
        DataError: a theta that is not positive and finite, or an unknown rule.
        NoEquilibrium: the world falls into pieces that do not trade with one another (relative incomes between them
            are not determined); names the smallest piece.
        NotConverged: imbalances could not be removed (`balanced` only).
    """
    if not 0 < theta < np.inf:
        raise DataError(found=f"elasticity {theta:g}", allowed="finite numbers above 0")
    if imbalances not in get_args(Imbalances):
        raise DataError(found=f"imbalances '{imbalances}'", allowed=", ".join(get_args(Imbalances)))
    require_one_world(matrix.labels, matrix.flows)
    if imbalances == "balanced":
        from betweengiants.trade.engine import balance

        matrix = balance(matrix, theta)
    economy = Economy.from_flows(matrix.flows)
    output, spending = economy.output, economy.spending
    s = np.ascontiguousarray(economy.share.T)
    t = economy.share * spending / output[:, None]
    follows = output / spending if imbalances == "additive" else np.ones_like(output)
    ts = t @ s
    eye = np.eye(output.size)
    left = eye - (t * follows + theta * ts) / (1 + theta) + output
    right = -(theta / (1 + theta)) * (ts - eye)
    w: Floats = np.asarray(np.linalg.solve(left, right), dtype=np.float64)
    residual = np.abs(left @ w - right).max() / max(1.0, np.abs(right).max())
    w = w - output @ w
    u = follows[:, None] * w - s @ w + s
    checks = ExposureChecks(
        income_rows=float(np.abs(w.sum(axis=1)).max()),
        welfare_rows=float(np.abs(u.sum(axis=1) - 1).max()),
        world_income=float(np.abs(output @ w).max()),
        equations=float(residual),
    )
    return Exposure(matrix.labels, float(theta), imbalances, s, t, w, u, output, checks)


def require_one_world(labels: Sequence[str], flows: Floats) -> None:
    """Every country must be linked with every other, directly or through others, in some direction.

    Raises:
        NoEquilibrium: names the smallest piece.
    """
    links = (flows > 0).astype(np.float64)
    count, piece = connected_components(links, directed=True, connection="weak")
    if count == 1:
        return
    smallest = int(np.argmin(np.bincount(piece)))
    raise NoEquilibrium(
        "exposure",
        "the world falls into pieces that do not trade with one another, so that relative incomes are not determined",
        states=[labels[k] for k in np.flatnonzero(piece == smallest).tolist()],
    )
