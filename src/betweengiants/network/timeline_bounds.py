"""What each period of a closure allows: the mean, over the period, of every limit that moves with time.

A limit that rises in a line enters a period with its mean there, so that quantities are exact whatever the length of the
periods. With r(t) = 0 before a beginning b, then rising over T days to 1:

    mean of r over [t0, t1] = (R(t1) - R(t0)) / (t1 - t0),   R(t) = x^2 / (2 T) for 0 <= x = t - b <= T, then x - T / 2
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from betweengiants.core.errors import DataError
from betweengiants.network.model import Flags, Floats, Limits, Network
from betweengiants.network.results import FlowArrays
from betweengiants.network.timeline_tables import Ramps

MOST_PERIODS = 3_660
FULL = 1e-9  # buyers who lack less than this share of what they want have all of it


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Periods in days from the closure on; one ends exactly where what closed opens again.

    Attributes:
        start, end: (P,) whole days.
        reopening: the day.
    """

    start: Floats
    end: Floats
    reopening: float

    @classmethod
    def of(cls, days: int, recovery_days: int, step_days: int) -> Calendar:
        """Periods of `step_days`, the last of the closure and the last of all shorter where need be.

        Raises:
            DataError: days below zero, no day at all, a step below one, more periods than a programme should have.
        """
        for name, value, least in (
            ("days", days, 0),
            ("recovery_days", recovery_days, 0),
            ("step_days", step_days, 1),
        ):
            if value < least:
                raise DataError(found=f"{name} {value}", allowed=f"whole days, at least {least}")
        if days + recovery_days == 0:
            raise DataError(found="no day, neither closed nor after", allowed="days or recovery_days above 0")
        marks = [
            *range(0, days, step_days),
            *range(days, days + recovery_days, step_days),
            days + recovery_days,
        ]
        if len(marks) > MOST_PERIODS:
            raise DataError(
                found=f"{len(marks) - 1} periods", allowed=f"at most {MOST_PERIODS}: longer steps"
            )
        edges = np.array(marks, dtype=float)
        return cls(edges[:-1], edges[1:], float(days))

    @property
    def length(self) -> Floats:
        """(P,) days."""
        return self.end - self.start

    @property
    def middle(self) -> Floats:
        """(P,) day."""
        return (self.start + self.end) / 2

    @property
    def closed(self) -> int:
        """How many periods lie before the reopening."""
        return int((self.end <= self.reopening).sum())

    def risen(self, begin: float | Floats, days: Floats) -> Floats:
        """(P, X) mean over each period of what rises from 0 at `begin` to 1 `days` later; 0 days: a step."""

        def integral(at: Floats) -> Floats:
            since: Floats = np.maximum(at[:, None] - begin, 0.0)
            within: Floats = np.minimum(since, days)
            ramped: Floats = within**2 / (2 * np.where(days > 0, days, 1.0))
            return since - within + ramped

        grown: Floats = (integral(self.end) - integral(self.start)) / self.length[:, None]
        return np.clip(grown, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Limits of every period, in the network's own units a year.

    Attributes:
        edge_open: (P, E) flags.
        edge: (P, E) what may enter, inf = unlimited.
        least, most: (P, S) what is produced, sold or wasted.
        demand: (P, D) what is taken at the usual pace; late: (P, D) what is taken on top to make up for what was missed.
    """

    edge_open: Flags
    edge: Floats
    least: Floats
    most: Floats
    demand: Floats
    late: Floats


def bounds(
    network: Network,
    limits: Limits,
    calendar: Calendar,
    ramps: Ramps,
    usual: FlowArrays,
    used: Floats,
    *,
    reopening: float,
    backlog_share: float,
) -> Bounds:
    """Limits of every period for a plan that takes `reopening` for the day on which all opens again.

    Args:
        network: the network.
        limits: what stays open while it is closed.
        calendar: the periods.
        ramps: how fast things change.
        usual: flows of today.
        used: (E,) what enters each edge today, in units of its capacity.
        reopening: a day that ends a period, or inf.
        backlog_share: what buyers take late, as a share of their usual rate.
    """
    numbers = network.arrays
    after = (calendar.start >= reopening)[:, None]
    edge = _detours(calendar, ramps, numbers.capacity, used)
    shut = ~limits.edge_open
    edge[:, shut] = np.minimum(edge, _restarts(calendar, ramps, numbers.capacity, used, reopening))[:, shut]

    full = numbers.supply_quantity
    withheld = limits.supply < full
    floor = np.minimum(ramps.least * full, usual.supply)
    turning = _days(usual.supply - floor, full, ramps.turndown)
    least = usual.supply - (usual.supply - floor) * calendar.risen(0.0, turning)
    most = rising(calendar, usual.supply, full, ramps.restart, 0.0)
    back = rising(calendar, limits.supply, full, ramps.restart, reopening)
    most = np.where(withheld, np.minimum(most, np.where(after, back, limits.supply)), most)

    demand = np.where(after, numbers.demand_quantity, limits.demand)
    served = usual.demand >= numbers.demand_quantity * (1 - FULL)
    late = np.where(after & served, backlog_share * usual.demand, 0.0)
    return Bounds(
        limits.edge_open | after,
        edge,
        np.minimum(least, np.where(withheld, limits.supply, most)),
        most,
        demand,
        late,
    )


def rising(calendar: Calendar, now: Floats, full: Floats, days: Floats, begin: float) -> Floats:
    """(P, S) mean of what rises from `now` at `begin` at the pace of nothing to `full` in `days`."""
    return now + (full - now) * calendar.risen(begin, _days(full - now, full, days))


def from_standstill(seen: Bounds, calendar: Calendar, ramps: Ramps, full: Floats, planned: Floats) -> Bounds:
    """The same when the reopening comes as a surprise: production rises from where it stands on that day.

    What was planned to rise anyway stays possible.

    Args:
        seen: limits that hold with the reopening.
        calendar: the periods.
        ramps: how fast things change.
        full: (S,) quantity of each supply.
        planned: (P, S) production planned without it.
    """
    last = planned[calendar.closed - 1]
    reach = np.maximum(rising(calendar, last, full, ramps.restart, calendar.reopening), planned)
    most = np.where(ramps.restart > 0, np.minimum(seen.most, reach), seen.most)
    return replace(seen, most=most, least=np.minimum(seen.least, most))


def _detours(calendar: Calendar, ramps: Ramps, capacity: Floats, used: Floats) -> Floats:
    """(P, E) what an edge carries today at once, and above it after notice, in a line, up to its capacity or fleet."""
    top = np.maximum(np.minimum(capacity, ramps.fleet), used)
    share = calendar.risen(ramps.notice, ramps.ramp)
    bounded = np.where(np.isfinite(top), top, used)
    return np.where(np.isinf(top) & (share > 0), np.inf, used + (bounded - used) * share)


def _restarts(calendar: Calendar, ramps: Ramps, capacity: Floats, used: Floats, reopening: float) -> Floats:
    """(P, E) a closed edge: nothing, then in a line to its capacity; to today's use, then free, where it has none."""
    share = calendar.risen(reopening, ramps.reopen)
    bounded = np.isfinite(capacity)
    free = ~bounded & (calendar.end[:, None] > reopening + ramps.reopen)
    return np.where(free, np.inf, np.where(bounded, capacity, used) * share)


def _days(part: Floats, full: Floats, days: Floats) -> Floats:
    """Days that a part of the full quantity takes at the pace of the whole."""
    return np.where(full > 0, part / np.where(full > 0, full, 1.0) * days, 0.0)
