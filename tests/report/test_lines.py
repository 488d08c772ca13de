"""The lines of the maps against the published routes of Global Energy Monitor (sample data, not shipped)."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from betweengiants.dossier import Dossier, load_dossier
from betweengiants.report.transitmap import waypoints

KM = 6371.0
FARTHEST = 120.0
"""Kilometres that a drawn line may leave the published one by: a few pixels of the map."""


def flat(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Kilometres in a plane about 47 degrees north, where the routes lie."""
    return KM * np.radians(np.column_stack([np.asarray(lon) * np.cos(np.radians(47.0)), lat]))


def distance(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Kilometres from each point to a line of straight pieces."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-12)
    along = np.clip(((points[:, None] - start) * step).sum(axis=2) / length, 0.0, 1.0)
    return np.linalg.norm(points[:, None] - start - along[..., None] * step, axis=2).min(axis=1)


def drawn(dossier: Dossier) -> dict[str, np.ndarray]:
    """The places that each line passes, in kilometres."""
    nodes = dossier.tables["network_nodes"].filter(pl.col("lat").is_not_null())
    place = {row["node_id"]: (row["lon"], row["lat"]) for row in nodes.to_dicts()}
    via = dict(waypoints(dossier).iter_rows())
    lines = {}
    for row in dossier.tables["network_edges"].to_dicts():
        if row["from_node"] in place and row["to_node"] in place:
            between = [
                tuple(map(float, pair.split())) for pair in via.get(row["edge_id"], "").split(";") if pair
            ]
            points = np.array([place[row["from_node"]], *between, place[row["to_node"]]])
            lines[row["edge_id"]] = flat(points[:, 0], points[:, 1])
    return lines


def sampled(line: np.ndarray) -> np.ndarray:
    return np.concatenate([np.linspace(a, b, 25) for a, b in itertools.pairwise(line)])


def test_drawn_lines_follow_the_published_routes(shared_samples: Path) -> None:
    found = json.loads((shared_samples / "energy" / "routes.geojson").read_text(encoding="utf-8"))
    published = {
        feature["properties"]["edge_id"]: np.array(feature["geometry"]["coordinates"], dtype=float)
        for feature in found["features"]
        if feature["properties"]["geometry_basis"] == "GEM route"
        and feature["properties"]["status"].startswith("operating")
    }
    lines = drawn(load_dossier())
    shared = sorted(lines.keys() & published.keys())
    assert len(shared) >= 30
    far = {}
    for edge in shared:
        route = flat(published[edge][:, 0], published[edge][:, 1])
        gap = float(distance(sampled(lines[edge]), route).max())
        if gap > FARTHEST:
            far[edge] = round(gap)
    assert far == {}


def test_a_line_that_goes_astray_would_be_seen() -> None:
    line, route = flat([50.0, 60.0], [45.0, 45.0]), flat([50.0, 55.0, 60.0], [45.0, 48.0, 45.0])
    assert distance(sampled(line), route).max() > FARTHEST


@pytest.mark.parametrize("edge", ["btc", "unecha-ust-luga"])
def test_waypoints_are_given_from_start_to_end(edge: str) -> None:
    dossier = load_dossier()
    line = drawn(dossier)[edge]
    straight = np.linalg.norm(line[-1] - line[0])
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    assert straight < length < 2 * straight
