"""From longitude and latitude to pixels: Albers' equal-area conic, fitted to a window that must be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """What a map shows.

    Attributes:
        lon, lat: centre of the projection, degrees.
        parallels: the two true latitudes, degrees; not opposite to each other.
        shown: (longitude, latitude) of places that must lie within the frame.
    """

    lon: float
    lat: float
    parallels: tuple[float, float]
    shown: tuple[tuple[float, float], ...]


# From the Baltic and the Mediterranean to China's Pacific coast, from the Gulf to the Arctic Ocean.
EURASIA = Window(
    65.0,
    47.0,
    (30.0, 60.0),
    ((11.5, 37.0), (11.5, 57.0), (122.5, 37.0), (121.0, 28.0), (50.0, 25.0), (65.0, 69.0)),
)
# From the Black Sea to the border of China, for columns of a phone's width.
CENTRE = Window(
    57.0,
    46.0,
    (35.0, 57.0),
    ((27.0, 41.0), (30.0, 60.0), (86.0, 44.0), (50.0, 36.0), (84.0, 50.0), (60.0, 60.0)),
)


def albers(lon: Array, lat: Array, window: Window) -> tuple[Array, Array]:
    """Coordinates on the unit sphere, x eastwards and y northwards (Snyder 1987, equations 14-1 to 14-6)."""
    first, second, centre = np.radians([*window.parallels, window.lat])
    n = (np.sin(first) + np.sin(second)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho = np.sqrt(np.maximum(c - 2 * n * np.sin(np.radians(lat)), 0)) / n
    rho_0 = np.sqrt(c - 2 * n * np.sin(centre)) / n
    theta = n * np.radians(lon - window.lon)
    return rho * np.sin(theta), rho_0 - rho * np.cos(theta)


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of pixels that shows a window.

    Attributes:
        window: what it shows.
        left, top, right, bottom: the rectangle, y downwards.
        scale: pixels to one radius of the earth.
        origin: where the projection's centre falls.
    """

    window: Window
    left: float
    top: float
    right: float
    bottom: float
    scale: float
    origin: tuple[float, float]

    def xy(self, lon: Array, lat: Array) -> Array:
        """Pixels (n, 2), rounded to tenths."""
        x, y = albers(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), self.window)
        pixels = np.column_stack([self.origin[0] + self.scale * x, self.origin[1] - self.scale * y])
        return np.asarray(np.round(pixels, 1), dtype=np.float64)

    def holds(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a pixel lies in the rectangle, `margin` away from its edges."""
        return (
            self.left + margin <= x <= self.right - margin and self.top + margin <= y <= self.bottom - margin
        )


def fit(window: Window, left: float, top: float, right: float, bottom: float) -> Frame:
    """The largest scale at which the window's places all fall into the rectangle, centred."""
    lon, lat = np.array(window.shown).T
    x, y = albers(lon, lat, window)
    scale = min((right - left) / np.ptp(x), (bottom - top) / np.ptp(y))
    middle = ((x.min() + x.max()) / 2, (y.min() + y.max()) / 2)
    origin = ((left + right) / 2 - scale * middle[0], (top + bottom) / 2 + scale * middle[1])
    return Frame(window, left, top, right, bottom, float(scale), (float(origin[0]), float(origin[1])))


def clip_ring(ring: Array, frame: Frame, margin: float = 3.0) -> Array:
    """A closed ring (n, 2) cut to the rectangle plus a margin (Sutherland & Hodgman 1974); may be empty."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    if high[0] < frame.left or low[0] > frame.right or high[1] < frame.top or low[1] > frame.bottom:
        return ring[:0]
    if frame.holds(*low) and frame.holds(*high):
        return ring
    for axis, bound, sign in (
        (0, frame.left - margin, 1),
        (0, frame.right + margin, -1),
        (1, frame.top - margin, 1),
        (1, frame.bottom + margin, -1),
    ):
        if not len(ring):
            return ring
        depth = sign * (ring[:, axis] - bound)
        ahead, depth_ahead = np.roll(ring, -1, axis=0), np.roll(depth, -1)
        kept: list[Array] = []
        for here, there, d, e in zip(ring, ahead, depth, depth_ahead, strict=True):
            if d >= 0:
                kept.append(here)
            if (d >= 0) != (e >= 0):
                kept.append(here + (there - here) * d / (d - e))
        ring = np.array(kept).reshape(-1, 2)
    return ring


def thin(points: Array, step: float) -> Array:
    """Points of a line without those nearer than `step` pixels to the last one kept; the ends stay."""
    kept = [0]
    for index in range(1, len(points) - 1):
        if np.hypot(*(points[index] - points[kept[-1]])) >= step:
            kept.append(index)
    return points[[*kept, len(points) - 1]]
