"""Where the names of the powers go in the chart of leverage against alignment: near their marks, over nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from betweengiants.report.placement import Box, Label, label_at, text_width
from betweengiants.report.style import TEXT_SIZE

SIZE = TEXT_SIZE + 1
"""Type size of the names, pixels."""
DOT = 7.0
"""Half the width of a mark, with its edge."""
STROKE = 1.0
"""Half the width of the lines through a mark."""
CLEARANCE = 5.0
"""Pixels that a name keeps from every mark, line and other name."""
LEAD = 12.0
"""A name farther than this from its mark is joined to it by a thin line."""
STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Panel:
    """Pixels and data of one panel: y runs from 0 (bottom) to 1, x from 0 to `end`.

    Attributes:
        width: pixels.
        height: pixels.
        end: data value at the right edge.
    """

    width: float
    height: float
    end: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels from the top left corner."""
        return x / self.end * self.width, (1 - y) * self.height

    def back(self, x: float, y: float) -> tuple[float, float]:
        """Data values at pixels from the top left corner."""
        return x / self.width * self.end, 1 - y / self.height


def axis_end(value: float, ticks: int = 6) -> float:
    """The first multiple of a round step that is not below a positive value, with about so many steps."""
    power = 10.0 ** math.floor(math.log10(value / ticks))
    step = next(power * step for step in STEPS if power * step * ticks >= value * 0.8)
    count = -(-value // step)
    return float(round(count * step, 10))


def placed(marks: pl.DataFrame, tails: pl.DataFrame, panel: Panel) -> list[tuple[dict[str, Any], Label]]:
    """Every mark of a panel with the place of its name, pixels.

    Args:
        marks: name, x, x_low, x_high, y, y_low, y_high.
        tails: power, x, y, year: joined by a line through the marks.
        panel: the panel.
    """
    rows = marks.to_dicts()
    taken = obstacles(marks, tails, panel)
    found: list[tuple[dict[str, Any], Label]] = []
    # The name with the fewest free places near its mark chooses first.
    near = [
        (len([c for c in _around(row, panel) if c[0] < LEAD and _free(c[1].box, taken, panel)]), k)
        for k, row in enumerate(rows)
    ]
    for _, k in sorted(near):
        free = [(cost, label) for cost, label in _around(rows[k], panel) if _free(label.box, taken, panel)]
        choices = free or [(_cover(label.box, taken), label) for _, label in _around(rows[k], panel)]
        label = min(choices, key=lambda choice: choice[0])[1]
        taken.append(label.box)
        found.append((rows[k], label))
    return found


def names(marks: pl.DataFrame, tails: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """The names in data units.

    Returns:
        power, name, at_x, at_y (middle of the name), from_x, from_y (its mark), to_x, to_y (the nearest edge of the name),
        is_far (whether a thin line has to join the two).
    """
    rows = []
    for row, label in placed(marks, tails, panel):
        box, (x, y) = label.box, panel.at(row["x"], row["y"])
        edge = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
        middle = panel.back((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        to = panel.back(*edge)
        is_far = ((edge[0] - x) ** 2 + (edge[1] - y) ** 2) ** 0.5 > DOT + LEAD
        rows.append((row["power"], row["name"], *middle, row["x"], row["y"], *to, is_far))
    columns = ["power", "name", "at_x", "at_y", "from_x", "from_y", "to_x", "to_y", "is_far"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def obstacles(marks: pl.DataFrame, tails: pl.DataFrame, panel: Panel) -> list[Box]:
    """What no name may touch: marks, the lines through them, and the tails of the years before."""
    found = []
    for row in marks.to_dicts():
        x, y = panel.at(row["x"], row["y"])
        (left, top), (right, bottom) = (
            panel.at(row["x_low"], row["y_high"]),
            panel.at(row["x_high"], row["y_low"]),
        )
        found += [
            Box(x - DOT, y - DOT, x + DOT, y + DOT),
            Box(left, y - STROKE, right, y + STROKE),
            Box(x - STROKE, top, x + STROKE, bottom),
        ]
    for _, part in tails.group_by("power", maintain_order=True):
        ends = [panel.at(x, y) for x, y in part.select("x", "y").iter_rows()]
        across, down = [x for x, _ in ends], [y for _, y in ends]
        found.append(Box(min(across) - STROKE, min(down), max(across) + STROKE, max(down)))
    return found


def _around(row: dict[str, Any], panel: Panel) -> Iterator[tuple[float, Label]]:
    """Places around a mark with their costs: near before far, upper right before the others."""
    x, y = panel.at(row["x"], row["y"])
    width, height = text_width(row["name"], SIZE, bold=True), SIZE * 1.05
    for away in range(0, 76, 4):
        dx, dy = DOT + 2, DOT + CLEARANCE + away + height / 2
        for rank, (across, down, align) in enumerate(
            (
                (dx, -dy + DOT, "left"),
                (dx, dy - DOT, "left"),
                (-dx, -dy + DOT, "right"),
                (-dx, dy - DOT, "right"),
                (0, -dy, "center"),
                (0, dy, "center"),
                (DOT + CLEARANCE + away, 0, "left"),
                (-DOT - CLEARANCE - away, 0, "right"),
            )
        ):
            yield away + 0.4 * rank, label_at(x + across, y + down, align, width, height)


def _free(box: Box, taken: list[Box], panel: Panel) -> bool:
    inside = (
        box.left >= 2 and box.top >= 2 and box.right <= panel.width - 2 and box.bottom <= panel.height - 2
    )
    return inside and not any(box.overlaps(other, CLEARANCE) for other in taken)


def _cover(box: Box, taken: list[Box]) -> float:
    """How many things a place covers, where none is free."""
    return float(sum(box.overlaps(other, 0.0) for other in taken))
