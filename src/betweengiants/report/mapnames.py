"""The ground of a map: land cut to the frame, names of countries and seas where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betweengiants.report.outlines import outlines
from betweengiants.report.placement import Crowd, label_at, text_width
from betweengiants.report.projection import Array, Frame, clip_ring, thin
from betweengiants.report.style import INK, LAND, LAND_FOCAL, MUTED, NOTE_SIZE

Shape = tuple[str, str, int, Array]  # code, name, number of the ring, pixels
REACH = 105.0  # degrees of longitude from the centre beyond which a ring cannot be in the frame
SEAS: tuple[tuple[str, float, float], ...] = (
    ("Caspian Sea", 50.9, 40.4),
    ("Black Sea", 34.0, 43.2),
    ("Mediterranean Sea", 19.0, 34.6),
    ("Baltic Sea", 19.5, 56.8),
    ("Persian Gulf", 51.5, 27.0),
    ("Arabian Sea", 64.0, 21.0),
    ("Bay of Bengal", 88.5, 16.0),
    ("Barents Sea", 42.0, 72.0),
    ("Kara Sea", 69.0, 73.5),
    ("Yellow Sea", 123.2, 35.5),
)


def visible(frame: Frame) -> list[Shape]:
    """Code, name, ring number and clipped pixels of every ring of at least a few pixels in the frame."""
    found: list[Shape] = []
    for ring in outlines():
        lon, lat = ring.points.T
        if np.abs(lon - frame.window.lon).min() > REACH or lat.max() < -35:
            continue
        pixels = clip_ring(frame.xy(lon, lat), frame)
        if len(pixels) < 3 or np.ptp(pixels, axis=0).max() < 1.5:
            continue
        found.append((ring.iso3, ring.name, ring.ring, np.round(thin(pixels, 0.8), 1)))
    return found


def land_features(land: Sequence[Shape], focal: str | None) -> list[dict[str, Any]]:
    """One GeoJSON feature a country, in pixels, with its colour; the focal state's last."""
    shapes: dict[str, list[list[list[list[float]]]]] = {}
    for code, _, ring, pixels in land:
        closed = [*pixels.tolist(), pixels[0].tolist()]
        parts = shapes.setdefault(code, [])
        if ring and parts:
            parts[-1].append(closed)
        else:
            parts.append([closed])
    return [
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": parts},
            "properties": {"colour": LAND_FOCAL if code == focal else LAND},
        }
        for code, parts in sorted(shapes.items(), key=lambda shape: (shape[0] == focal, shape[0]))
    ]


MOST_ROOM = 45.0
"""Pixels of room beyond which a spot is no better."""


def country_names(land: Sequence[Shape], crowd: Crowd, most: int, focal: str | None) -> list[dict[str, Any]]:
    """Names of the largest countries in view, each at the roomiest spot inside its largest part.

    A name without a free spot is left out.
    """
    largest: dict[str, tuple[float, str, Array]] = {}
    for code, name, ring, pixels in land:
        size = _area(pixels)
        if ring == 0 and size > largest.get(code, (0.0, "", pixels))[0]:
            largest[code] = (size, name, pixels)
    rows: list[dict[str, Any]] = []
    for code in sorted(largest, key=lambda code: (code != focal, -largest[code][0])):
        size, name, pixels = largest[code]
        wide, high = text_width(name, NOTE_SIZE, bold=code == focal), float(NOTE_SIZE)
        if size < 1.3 * wide * high or len(rows) >= most:
            continue
        place = _roomiest(pixels, crowd, wide, high)
        if place is not None:
            crowd.boxes.append(label_at(*place, "center", wide, high).box)
            bold = {"weight": "bold", "colour": INK} if code == focal else {}
            rows.append({**_name(name, place, slant="normal"), **bold})
    return rows


def sea_names(frame: Frame, crowd: Crowd) -> list[dict[str, Any]]:
    """Names of seas, in italics, near their places where labels and routes leave room; on two lines if need be."""
    rows: list[dict[str, Any]] = []
    for name, lon, lat in SEAS:
        x, y = frame.xy(np.array([lon]), np.array([lat]))[0].tolist()
        for lines in ([name], name.rsplit(" ", 1)):
            wide = max(text_width(line, NOTE_SIZE) for line in lines)
            free = _free_spot(crowd, x, y, wide, NOTE_SIZE * 1.2 * len(lines))
            if free is not None:
                first = free[1] - NOTE_SIZE * 0.6 * (len(lines) - 1)
                spots = [(free[0], first + NOTE_SIZE * 1.2 * number) for number in range(len(lines))]
                rows += [_name(line, spot, slant="italic") for line, spot in zip(lines, spots, strict=True)]
                break
    return rows


def _free_spot(crowd: Crowd, x: float, y: float, wide: float, high: float) -> tuple[float, float] | None:
    """A spot near a place where a block of text covers no label and no route; it is taken at once."""
    for down in (0, -10, 10, -20, 20, -30, 30):
        for right in (0, -8, 8, -16, 16):
            box = label_at(x + right, y + down, "center", wide, high).box
            if crowd.free(box) and not crowd.covered(box):
                crowd.boxes.append(box)
                return x + right, y + down
    return None


def _name(words: str, place: tuple[float, float], slant: str) -> dict[str, Any]:
    return {
        "x": round(place[0], 1),
        "y": round(place[1], 1),
        "align": "center",
        "words": words,
        "colour": MUTED,
        "size": NOTE_SIZE,
        "weight": "normal",
        "slant": slant,
    }


def _area(pixels: Array) -> float:
    x, y = pixels.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def _within(pixels: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Which of the points (m,) lie inside the ring (n, 2), by counting edges to the right."""
    ahead = np.roll(pixels, -1, axis=0)
    low, high = pixels[:, 1][None, :], ahead[:, 1][None, :]
    cross = (low > y[:, None]) != (high > y[:, None])
    rise = np.where(high == low, 1.0, high - low)
    at = pixels[:, 0] + (y[:, None] - low) * (ahead[:, 0] - pixels[:, 0]) / rise
    return np.asarray((cross & (at > x[:, None])).sum(axis=1) % 2 == 1)


def _roomiest(pixels: Array, crowd: Crowd, wide: float, high: float) -> tuple[float, float] | None:
    """The spot of a grid inside the ring where the text fits and routes and labels are farthest."""
    low, top = pixels.min(axis=0), pixels.max(axis=0)
    grid = np.meshgrid(np.linspace(low[0], top[0], 26)[1:-1], np.linspace(low[1], top[1], 22)[1:-1])
    x, y = (axis.ravel() for axis in grid)
    fits = np.ones(len(x), dtype=bool)
    for across in (-0.4, 0.0, 0.4):  # the ends of a name may cross a border a little
        for down in (-0.5, 0.5):
            fits &= _within(pixels, x + across * wide, y + down * high)
    x, y = x[fits], y[fits]
    is_clear = crowd.clear(x, y, wide, high)
    if not is_clear.any():
        return None
    x, y = x[is_clear], y[is_clear]
    middle = (low + top) / 2
    score = np.minimum(crowd.room(x, y), MOST_ROOM) - 0.08 * np.hypot(x - middle[0], y - middle[1])
    best = int(score.argmax())
    return float(x[best]), float(y[best])
