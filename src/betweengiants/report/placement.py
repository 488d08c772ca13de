"""Where labels go: the width of a text, line breaks, and the least crowded place beside a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Widths of letters in Liberation Sans (metrics of Arial), in thousandths of the type size.
_NARROW, _SLIM, _WIDE = "ijl.,:;'|! ", 'ftrI()[]-/"1', "mwMW%@—"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that one line of text takes, to within a few percent."""
    total = 0.0
    for letter in text:
        if letter in _NARROW:
            total += 0.26
        elif letter in _SLIM:
            total += 0.36
        elif letter in _WIDE:
            total += 0.86
        else:
            total += 0.69 if letter.isupper() else 0.55
    return total * size * (1.07 if bold else 1.0)


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines that fit a width in pixels; a longer word keeps its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def distance(self, points: NDArray[np.float64]) -> float:
        """Pixels to the nearest of the points (n, 2 or more): 0 inside, infinity without points."""
        if not len(points):
            return float("inf")
        x, y = points[:, 0], points[:, 1]
        across = np.maximum(np.maximum(self.left - x, x - self.right), 0)
        down = np.maximum(np.maximum(self.top - y, y - self.bottom), 0)
        return float(np.hypot(across, down).min())

    def overlaps(self, other: Box, gap: float = 1.0) -> bool:
        """Whether two boxes come nearer than `gap` pixels."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )


@dataclass(frozen=True, slots=True)
class Label:
    """A placed line of text: its anchor (left end, middle or right end; vertical middle) and its box."""

    x: float
    y: float
    align: str
    box: Box


@dataclass(slots=True)
class Crowd:
    """What already lies on a map.

    Attributes:
        bounds: labels stay inside.
        boxes: what no label may cover.
        lines: (n, 3) points along routes: x, y and half the width of the route, pixels; better not covered.
    """

    bounds: Box
    boxes: list[Box] = field(default_factory=list)
    lines: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))

    def free(self, box: Box) -> bool:
        """Whether the box lies inside the bounds and covers no other box."""
        within = (
            box.left >= self.bounds.left
            and box.right <= self.bounds.right
            and box.top >= self.bounds.top
            and box.bottom <= self.bounds.bottom
        )
        return within and not any(box.overlaps(other) for other in self.boxes)

    def covered(self, box: Box) -> int:
        """How many points of routes the box covers."""
        x, y, half = self.lines.T
        return int(
            (
                (x + half > box.left)
                & (x - half < box.right)
                & (y + half > box.top)
                & (y - half < box.bottom)
            ).sum()
        )

    def room(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels from each of the points (m,) to the nearest route, box or bound."""
        bounds = self.bounds
        reach = np.minimum.reduce([x - bounds.left, bounds.right - x, y - bounds.top, bounds.bottom - y])
        if len(self.lines):
            along = np.hypot(self.lines[:, 0] - x[:, None], self.lines[:, 1] - y[:, None]) - self.lines[:, 2]
            reach = np.minimum(reach, along.min(axis=1))
        if self.boxes:
            left, top, right, bottom = self._edges()
            across = np.maximum(np.maximum(left - x[:, None], 0), x[:, None] - right)
            down = np.maximum(np.maximum(top - y[:, None], 0), y[:, None] - bottom)
            reach = np.minimum(reach, np.hypot(across, down).min(axis=1))
        return np.asarray(reach)

    def clear(
        self, x: NDArray[np.float64], y: NDArray[np.float64], width: float, height: float
    ) -> NDArray[np.bool_]:
        """Whether a box around each of the points (m,) is free (see `free`) and covers no route."""
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        bounds = self.bounds
        is_clear = (
            (left >= bounds.left) & (right <= bounds.right) & (top >= bounds.top) & (bottom <= bounds.bottom)
        )
        if self.boxes:
            others = self._edges()
            is_clear &= ~_meet(left, top, right, bottom, *others, gap=1.0).any(axis=1)
        if len(self.lines):
            at, down, half = self.lines.T
            is_clear &= ~_meet(left, top, right, bottom, at - half, down - half, at + half, down + half).any(
                axis=1
            )
        return np.asarray(is_clear)

    def _edges(self) -> tuple[NDArray[np.float64], ...]:
        """Left, top, right and bottom of the boxes."""
        return tuple(np.array([[box.left, box.top, box.right, box.bottom] for box in self.boxes]).T)


def _meet(
    left: NDArray[np.float64],
    top: NDArray[np.float64],
    right: NDArray[np.float64],
    bottom: NDArray[np.float64],
    *others: NDArray[np.float64],
    gap: float = 0.0,
) -> NDArray[np.bool_]:
    """(m, n) which of m boxes come nearer than `gap` to which of n others, given by the same four edges."""
    other_left, other_top, other_right, other_bottom = others
    return np.asarray(
        (left[:, None] < other_right + gap)
        & (other_left < right[:, None] + gap)
        & (top[:, None] < other_bottom + gap)
        & (other_top < bottom[:, None] + gap)
    )


def label_at(x: float, y: float, align: str, width: float, height: float) -> Label:
    """A label anchored at a point, with the box it fills."""
    left = {"left": x, "center": x - width / 2, "right": x - width}[align]
    return Label(round(x, 1), round(y, 1), align, Box(left, y - height / 2, left + width, y + height / 2))


def places(
    crowd: Crowd, x: float, y: float, gap: float, width: float, height: float
) -> list[tuple[float, Label]]:
    """Free places of a label around a point, each with its cost.

    Right is cheaper than left, then the diagonals, above and below; covering routes costs the most.
    """
    d = gap * 0.75
    around: Sequence[tuple[float, float, str]] = (
        (gap, 0, "left"),
        (-gap, 0, "right"),
        (d, -d - height * 0.35, "left"),
        (d, d + height * 0.35, "left"),
        (-d, -d - height * 0.35, "right"),
        (-d, d + height * 0.35, "right"),
        (0, -gap - height / 2, "center"),
        (0, gap + height / 2, "center"),
    )
    free: list[tuple[float, Label]] = []
    for rank, (dx, dy, align) in enumerate(around):
        label = label_at(x + dx, y + dy, align, width, height)
        if crowd.free(label.box):
            free.append((crowd.covered(label.box) + 0.3 * rank, label))
    return free


def cheapest(choices: Sequence[tuple[float, Label]]) -> Label | None:
    """The label of least cost, the first of equals; None without a choice."""
    return min(choices, key=lambda choice: choice[0])[1] if choices else None


def apart(points: NDArray[np.float64], distance: float, rounds: int = 60) -> NDArray[np.float64]:
    """Points (n, 2) pushed apart until every two are `distance` pixels from each other, or rounds run out.

    Points on one spot part sideways, in their order.
    """
    moved = points.astype(np.float64).copy()
    for _ in range(rounds):
        still = True
        for i in range(len(moved)):
            for j in range(i + 1, len(moved)):
                gap = moved[j] - moved[i]
                reach = float(np.hypot(*gap))
                if reach >= distance - 1e-6:
                    continue
                still = False
                way = gap / reach if reach > 1e-9 else np.array([1.0, 0.0])
                push = way * (distance - reach) / 2
                moved[i] -= push
                moved[j] += push
        if still:
            break
    return np.round(moved, 1)
