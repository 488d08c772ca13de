"""Routes of a map as lines of pixels with a width, a colour and a sentence; checks of what comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.report.projection import Array, Frame
from betweengiants.report.style import IDLE, POWER_NAMES, colour_of

STATUSES = ("operating", "idle", "suspended", "planned")
EDGE_COLUMNS = ("edge_id", "name", "from_lat", "from_lon", "to_lat", "to_lon", "flow", "controller", "status")
NODE_COLUMNS = ("node_id", "name", "kind", "lat", "lon", "label")
CHOKEPOINT_COLUMNS = ("rank", "name", "lat", "lon")
THINNEST = 1.4  # pixels of the thinnest route


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One drawn route.

    Attributes:
        points: (n, 2) pixels.
        flow: million tonnes a year; an empty one is drawn like zero, and the sentence says that it is unknown.
        width: pixels.
        colour: of the controlling power; grey without flow.
        dashed: not operating.
        sentence: what a reader sees on hover.
    """

    edge_id: str
    points: Array
    flow: float
    controller: str
    width: float
    colour: str
    dashed: bool
    sentence: str


def need(frame: pl.DataFrame, columns: Sequence[str], table: str) -> None:
    """Refuse a frame that lacks a column or has a blank among its coordinates.

    Raises:
        DataError: the column, and the row of a blank (the header is row 1).
    """
    for column in columns:
        if column not in frame.columns:
            raise DataError(file=table, column=column, found="no such column", allowed=", ".join(columns))
        if column.endswith(("lat", "lon")):
            blanks = frame[column].is_null().arg_true()
            if len(blanks):
                raise DataError(
                    file=table, row=int(blanks[0]) + 2, column=column, found="no value", allowed="degrees"
                )


def routes(edges: pl.DataFrame, frame: Frame, widest: float, unit: str, focal: str | None) -> list[Route]:
    """Every edge as a route, those with the largest flow first.

    Args:
        edges: columns of EDGE_COLUMNS; optionally `via` (places to pass, `lon lat;lon lat`).
        frame: where the map lies.
        widest: pixels of the largest flow.
        unit: of the flows, for the sentences.
        focal: the focal state, which has a colour of its own.

    Raises:
        DataError: a missing column, a blank coordinate, a negative flow, a place in `via` that is none.
        UnknownLabel: a status that is not one of STATUSES.
    """
    need(edges, EDGE_COLUMNS, "edges")
    largest = max((float(flow or 0) for flow in edges["flow"]), default=0.0)
    twins: dict[tuple[float, ...], int] = {}
    drawn: list[Route] = []
    for number, row in enumerate(edges.iter_rows(named=True), start=2):
        status, controller, flow = row["status"], row["controller"] or "", float(row["flow"] or 0)
        if status not in STATUSES:
            raise UnknownLabel(
                str(status), STATUSES, what="status", file="edges", row=number, column="status"
            )
        if flow < 0:
            raise DataError(file="edges", row=number, column="flow", found=f"{flow:g}", allowed="0 or more")
        ends = (row["from_lon"], row["from_lat"], row["to_lon"], row["to_lat"])
        twin = twins[ends] = twins.get(ends, -1) + 1
        places = [ends[:2], *_via(row.get("via"), number), ends[2:]]
        operating = status == "operating"
        drawn.append(
            Route(
                edge_id=row["edge_id"],
                points=_line(frame.xy(*np.array(places, dtype=np.float64).T), twin),
                flow=flow,
                controller=controller,
                width=max(THINNEST, widest * flow / largest) if flow > 0 else THINNEST * 0.85,
                colour=IDLE if operating and flow == 0 else colour_of(controller, focal=focal),
                dashed=not operating,
                sentence=_sentence(row["name"], row["flow"], unit, controller, status),
            )
        )
    return sorted(drawn, key=lambda route: (-route.flow, route.edge_id))


def who(controller: str) -> str:
    """Name of a controlling power; the code where the house has no name."""
    return POWER_NAMES.get(controller, controller)


def _sentence(name: str, flow: float | None, unit: str, controller: str, status: str) -> str:
    """What a reader sees on hover; an empty flow is said to be unknown, not zero."""
    held = f"can be closed by {who(controller)}" if controller else "nobody's alone to close"
    moved = "flow not known" if flow is None else f"{flow:.1f} {unit}" if flow > 0 else "no flow"
    return f"{name}: {moved}; {held}; {status}"


def _via(text: str | None, row: int) -> list[tuple[float, float]]:
    """Places on the way, from `lon lat;lon lat`."""
    places: list[tuple[float, float]] = []
    for pair in (text or "").split(";"):
        if not pair.strip():
            continue
        try:
            lon, lat = map(float, pair.split())
        except ValueError:
            raise DataError(
                file="edges", row=row, column="via", found=f"'{pair}'", allowed="'lon lat;lon lat' in degrees"
            ) from None
        places.append((lon, lat))
    return places


def _line(points: Array, twin: int) -> Array:
    """A line through the places; a second edge between the same ends bows out, so that both can be seen.

    A line with places on the way is rounded at its corners (two rounds of corner cutting, Chaikin 1974).
    """
    if twin and len(points) == 2:
        start, end = points
        side = np.array([-(end - start)[1], (end - start)[0]]) * 0.12 * twin
        t = np.linspace(0, 1, 13)[:, None]
        bowed = (1 - t) ** 2 * start + 2 * t * (1 - t) * ((start + end) / 2 + side) + t**2 * end
        return np.asarray(np.round(bowed, 1), dtype=np.float64)
    if len(points) > 2:
        for _ in range(2):
            ahead, behind = points[1:], points[:-1]
            cut = np.stack([0.75 * behind + 0.25 * ahead, 0.25 * behind + 0.75 * ahead], axis=1).reshape(
                -1, 2
            )
            points = np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return np.asarray(np.round(points, 1), dtype=np.float64)


def along(route: Route, spacing: float = 3.0) -> Array:
    """(n, 3) points on a route about `spacing` pixels apart: x, y, half its width."""
    steps = np.hypot(*np.diff(route.points, axis=0).T)
    reach = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, reach[-1], max(2, int(reach[-1] / spacing) + 1))
    x, y = (np.interp(at, reach, route.points[:, axis]) for axis in (0, 1))
    return np.column_stack([x, y, np.full(len(at), route.width / 2)])
