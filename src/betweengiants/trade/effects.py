"""What every table of first-order effects between countries has, whatever the number of sectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.trade.arrays import Floats, Imbalances


@dataclass(frozen=True, eq=False)
class PairEffects:
    """Effects on N countries (rows n) of productivity shocks in N countries (columns i), as elasticities.

    0.02 means: one percent more productivity in i raises the income or welfare of n by 0.02 percent.

    Attributes:
        labels: N countries.
        imbalances: the rule that the derivative is taken under.
        W: (N, N) effect on nominal factor income, in units of world income.
        U: (N, N) effect on welfare (real national spending).
    """

    labels: tuple[str, ...]
    imbalances: Imbalances
    W: Floats
    U: Floats

    def frame(self, focal: Sequence[str] | None = None) -> pl.DataFrame:
        """One row for each pair: country, shocked, income_effect, welfare_effect.

        Args:
            focal: the countries that feel the shock (default: all).

        Raises:
            UnknownLabel: a country that is not among the labels.
        """
        chosen = list(self.labels) if focal is None else list(focal)
        place = {label: k for k, label in enumerate(self.labels)}
        for label in chosen:
            if label not in place:
                raise UnknownLabel(label, self.labels, what="country")
        rows, size = [place[label] for label in chosen], len(self.labels)
        return pl.DataFrame(
            {
                "country": [label for label in chosen for _ in range(size)],
                "shocked": list(self.labels) * len(chosen),
                "income_effect": self.W[rows].ravel(),
                "welfare_effect": self.U[rows].ravel(),
            }
        )
