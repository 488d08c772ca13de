"""`network sever --days`: a closure that ends, and what stores, notice, ramps and restarts make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from betweengiants.network import Closure, Network, Timeline


class Foresight(StrEnum):
    """What the planner knows of the end of the closure."""

    none = "none"
    full = "full"


DaysOption = Annotated[
    int | None,
    typer.Option("--days", metavar="N", help="The closure ends after so many days (default: a steady year)."),
]
EdgeOption = Annotated[
    list[str] | None, typer.Option("--edge", metavar="ID", help="Close this edge too; may be repeated.")
]
RecoveryOption = Annotated[
    int | None,
    typer.Option("--recovery", metavar="N", help="Days after the reopening that count, with --days (60)."),
]
StepOption = Annotated[
    int | None, typer.Option("--step", metavar="N", help="Days in a period, with --days (7).")
]
BacklogOption = Annotated[
    float | None,
    typer.Option(
        "--backlog",
        metavar="SHARE",
        help="How much above their usual rate buyers take after the reopening to make up, with --days (0).",
    ),
]
ForesightOption = Annotated[
    Foresight | None,
    typer.Option("--foresight", help="Whether the day of the reopening is known, with --days (none)."),
]
PeriodsOption = Annotated[
    bool, typer.Option("--periods", help="With --days: print a row for each period and commodity.")
]


@dataclass(frozen=True)
class Window:
    """What was asked about time; None where nothing was."""

    days: int | None
    edges: Sequence[str]
    recovery: int | None
    step: int | None
    backlog: float | None
    foresight: Foresight | None
    periods: bool

    def refuse_without_days(self) -> None:
        """Raise DataError if an option was given that means nothing for a steady year."""
        from betweengiants.core.errors import DataError

        given = {
            "--edge": bool(self.edges),
            "--recovery": self.recovery is not None,
            "--step": self.step is not None,
            "--backlog": self.backlog is not None,
            "--foresight": self.foresight is not None,
            "--periods": self.periods,
        }
        if self.days is None:
            for option in (name for name, asked in given.items() if asked):
                raise DataError(found=f"{option} without --days", allowed=f"{option} with --days")


def sever_for_days(network: Network, cut: Closure | None, window: Window) -> Timeline:
    """Close what a severance closes, and the edges of the window, for its days.

    Raises:
        DataError, UnknownLabel, Infeasible, NotConverged: from the engine.
    """
    from betweengiants.network import close_edges, simulate
    from betweengiants.network.timeline import RECOVERY_DAYS, STEP_DAYS

    assert window.days is not None
    foresight = window.foresight or Foresight.none
    return simulate(
        network,
        close_edges(network, window.edges, cut.limits if cut else None),
        days=window.days,
        recovery_days=RECOVERY_DAYS if window.recovery is None else window.recovery,
        step_days=STEP_DAYS if window.step is None else window.step,
        backlog_share=window.backlog or 0.0,
        foresight="full" if foresight is Foresight.full else "none",
    )


def time_totals(result: Timeline) -> list[str]:
    """Totals over the window, with what a model without time would have said."""
    window = result.days + result.recovery_days
    lines = [
        f"total value before: {result.value_usual!r}",
        f"total value after: {result.value!r}",
        f"value lost in {window} days: {result.value_lost:,.6g}; a steady year gives"
        f" {result.steady_value_lost:,.6g} for the {result.days} days of the closure",
    ]
    for row in result.totals.filter(result.totals["usual"] > 0).iter_rows(named=True):
        parts = [
            f"{row['commodity']}: lost {row['lost_while_closed']:,.6g} while closed",
            f"{row['lost_after']:,.6g} after",
            f"{row['recovered']:,.6g} made up",
            f"steady year {row['steady_lost']:,.6g}",
        ]
        parts += [f"{name} {row[name]:,.6g}" for name in ("wasted", "stored") if row[name]]
        lines.append(", ".join(parts))
    return lines
