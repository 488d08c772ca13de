"""The route map: land, routes by flow and controlling power, chokepoints, labels that do not collide.

Everything is laid out in pixels here (projection, clipping, places of labels) and handed to Vega-Lite as
finished shapes, so that the picture is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.report.mapkey import arrange, entries
from betweengiants.report.maplayers import (
    Row,
    circle_layers,
    dot_layer,
    ground,
    key_layers,
    route_layers,
    text_row,
    texts,
    texts_with_halo,
)
from betweengiants.report.mapnames import Shape, country_names, land_features, sea_names, visible
from betweengiants.report.placement import (
    Box,
    Crowd,
    Label,
    apart,
    cheapest,
    label_at,
    places,
    text_width,
    wrap,
)
from betweengiants.report.projection import CENTRE, EURASIA, Array, Frame, Window, fit
from betweengiants.report.routes import CHOKEPOINT_COLUMNS, NODE_COLUMNS, Route, along, need, routes
from betweengiants.report.style import INK, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE, base_config

WORST = (
    14.0  # cost from which a figure beside a route would mislead more than help: it is left to the hover text
)
NARROW = 560  # below this width: fewer labels, thinner routes, the closer window
UNIT = "Mt a year"
CIRCLE = 17.0  # pixels between the centres of two numbered circles that touch


def route_map(
    edges: pl.DataFrame,
    nodes: pl.DataFrame,
    *,
    title: str,
    subtitle: str,
    width: int,
    height: int,
    chokepoints: pl.DataFrame | None = None,
    focal: str | None = None,
    window: Window | None = None,
    unit: str = UNIT,
) -> alt.LayerChart:
    """Map of routes: width for the flow, colour for who can close it, dashes for what does not operate.

    Args:
        edges: edge_id, name, from_lat, from_lon, to_lat, to_lon, flow, controller (code, or empty for
            nobody's), status (operating, idle, suspended, planned); optionally `via` (places to pass,
            `lon lat;lon lat`).
        nodes: node_id, name, kind, lat, lon, label (whether to write the name); optionally `text` (shorter
            words for the label) and `dx`, `dy` (pixels from the dot to the label's near end; empty = find a
            place).
        title: the finding; empty for none.
        subtitle: what is measured, in which unit, when; empty for none.
        width: pixels.
        height: pixels of the drawing with its key, without the title.
        chokepoints: rank, name, lat, lon: drawn as numbered circles.
        focal: the focal state's code, whose land is a shade darker.
        window: what to show; default Eurasia, and its centre on maps narrower than NARROW.
        unit: of the flows.

    Returns:
        A configured chart: give it to `svg.to_inline_svg` or `svg.to_png`. Labels that find no free place are
        left out (dots and their hover text stay); labels with `dx` and `dy` are always drawn.

    Raises:
        DataError: a missing column, a blank coordinate, a negative flow, an unknown status, too low a map.
    """
    need(nodes, NODE_COLUMNS, "nodes")
    marks = chokepoints if chokepoints is not None else pl.DataFrame(schema=dict.fromkeys(CHOKEPOINT_COLUMNS))
    need(marks, CHOKEPOINT_COLUMNS, "chokepoints")
    narrow = width < NARROW
    widest = 9.0 if narrow else 15.0
    view = window or (CENTRE if narrow else EURASIA)
    drawn = routes(edges, fit(view, 0, 0, width, height), widest, unit, focal)
    key, top = arrange(entries(drawn, widest, unit, focal, marks.height > 0), width)
    if height - top < 100:
        raise DataError(
            found=f"a map {height} pixels high, {top:.0f} of them key", allowed="100 pixels of map or more"
        )
    frame = fit(view, 0, top, width, height)
    drawn = routes(edges, frame, widest, unit, focal)
    circles = _circles(marks, frame)
    dots = _dots(nodes, frame, drawn, circles)
    shapes = visible(frame)
    names, labels = _words(frame, drawn, circles, dots, shapes, focal, narrow)
    layers = [
        *ground(frame, land_features(shapes, focal)),
        texts(names, halo=False),
        *route_layers(drawn, frame),
        dot_layer([dot for dot in dots if dot["text"] or not narrow]),
        *texts_with_halo(labels),
        *circle_layers(circles),
        *key_layers(key),
    ]
    size = TITLE_SIZE - 2 if narrow else TITLE_SIZE
    chart = alt.LayerChart(layer=layers, width=width, height=height)
    if title or subtitle:
        lines = wrap(subtitle, width, TEXT_SIZE + 1)
        head = alt.TitleParams(text=wrap(title, width, size, bold=True) or "", subtitle=lines, fontSize=size)
        chart = chart.properties(title=head)
    return base_config(chart)


def _words(
    frame: Frame,
    drawn: Sequence[Route],
    circles: Sequence[Row],
    dots: Sequence[Row],
    shapes: Sequence[Shape],
    focal: str | None,
    narrow: bool,
) -> tuple[list[Row], list[Row]]:
    """Names of countries and seas; labels of nodes and routes. The focal state's name comes first, others last."""
    crowd = Crowd(Box(frame.left + 3, frame.top + 3, frame.right - 3, frame.bottom - 3))
    if drawn:
        crowd.lines = np.concatenate([along(route) for route in drawn])
    crowd.boxes += [label_at(row["x"], row["y"], "center", 16, 16).box for row in circles]
    crowd.boxes += [label_at(row["x"], row["y"], "center", 5, 5).box for row in dots]
    names = country_names([shape for shape in shapes if shape[0] == focal], crowd, 1, focal)
    labels = _node_labels(dots, crowd, 10 if narrow else 40)
    labels += _flow_tags(drawn, frame, crowd, 5 if narrow else 14)
    names += sea_names(frame, crowd)
    names += country_names([shape for shape in shapes if shape[0] != focal], crowd, 7 if narrow else 24, None)
    return names, labels


def _circles(marks: pl.DataFrame, frame: Frame) -> list[Row]:
    """Numbered circles, moved apart where they would overlap; `at` is the true place."""
    if not marks.height:
        return []
    true = frame.xy(marks["lon"].to_numpy(), marks["lat"].to_numpy())
    moved = apart(true, CIRCLE)
    return [
        {
            "x": float(x),
            "y": float(y),
            "at": (float(a), float(b)),
            "number": str(rank),
            "sentence": f"Chokepoint {rank}: {name}",
        }
        for (x, y), (a, b), rank, name in zip(moved, true, marks["rank"], marks["name"], strict=True)
        if frame.holds(a, b)
    ]


def _dots(nodes: pl.DataFrame, frame: Frame, drawn: Sequence[Route], circles: Sequence[Row]) -> list[Row]:
    """Nodes inside the frame that are labelled or touched by a route, the busiest first."""
    at = frame.xy(nodes["lon"].to_numpy(), nodes["lat"].to_numpy()) if nodes.height else np.zeros((0, 2))
    flow: dict[tuple[float, float], float] = {}
    for route in drawn:
        for end in (route.points[0], route.points[-1]):
            place = (float(end[0]), float(end[1]))
            flow[place] = flow.get(place, 0.0) + route.flow
    dots: list[Row] = []
    for (x, y), row in zip(at.tolist(), nodes.iter_rows(named=True), strict=True):
        if not frame.holds(x, y, 4) or not (row["label"] or (x, y) in flow):
            continue
        dots.append(
            {
                "x": x,
                "y": y,
                "flow": flow.get((x, y), 0.0),
                "text": (row.get("text") or row["name"]) if row["label"] else "",
                "dx": row.get("dx"),
                "dy": row.get("dy"),
                "sentence": f"{row['name']} ({str(row['kind']).replace('_', ' ')})",
                "node_id": row["node_id"],
                "circled": any(np.hypot(one["x"] - x, one["y"] - y) < CIRCLE * 0.75 for one in circles),
            }
        )
    return sorted(dots, key=lambda dot: (-dot["flow"], dot["node_id"]))


def _node_labels(dots: Sequence[Row], crowd: Crowd, most: int) -> list[Row]:
    """Labels of nodes: places given by hand, then free places by falling flow, up to `most`."""
    rows: list[Row] = []
    by_hand = [dot for dot in dots if dot["text"] and dot["dx"] is not None and dot["dy"] is not None]
    for dot in by_hand:
        align = "left" if dot["dx"] > 0 else "right" if dot["dx"] < 0 else "center"
        wide = text_width(dot["text"], TEXT_SIZE)
        label = label_at(dot["x"] + dot["dx"], dot["y"] + dot["dy"], align, wide, TEXT_SIZE)
        crowd.boxes.append(label.box)
        rows.append(text_row(label, dot["text"], INK, TEXT_SIZE))
    for dot in dots:
        if dot["text"] and dot not in by_hand and len(rows) < most:
            gap = CIRCLE * 0.75 if dot["circled"] else 6
            free = places(crowd, dot["x"], dot["y"], gap, text_width(dot["text"], TEXT_SIZE), TEXT_SIZE)
            here = (dot["x"], dot["y"])
            others = np.array([(one["x"], one["y"]) for one in dots if (one["x"], one["y"]) != here])
            # a name nearer to another dot than to its own would mislead
            place = cheapest(
                [(cost, label) for cost, label in free if label.box.distance(others) > gap * 0.7]
            )
            if place is not None:
                crowd.boxes.append(place.box)
                rows.append(text_row(place, dot["text"], INK, TEXT_SIZE))
    return rows


def _flow_tags(drawn: Sequence[Route], frame: Frame, crowd: Crowd, most: int) -> list[Row]:
    """Flow and controlling power beside the larger routes; once for a chain with the same figures."""
    rows: list[Row] = []
    done: list[tuple[str, Array]] = []
    for route in sorted(drawn, key=lambda one: (-one.flow, -len(along(one)), one.edge_id)):
        words = f"{route.flow:.1f} {route.controller}".strip()
        line = along(route)
        chain = any(
            words == said and np.hypot(*(line[:, None, :2] - other[None, :, :2]).T).min() < 4
            for said, other in done
        )
        if route.flow <= 0 or len(rows) >= most or chain or len(line) < 8:
            continue
        label = _tag_place(route, words, frame, crowd)
        if label is not None:
            crowd.boxes.append(label.box)
            rows.append(text_row(label, words, INK, NOTE_SIZE, weight="bold"))
            done.append((words, line))
    return rows


def _tag_place(route: Route, words: str, frame: Frame, crowd: Crowd) -> Label | None:
    """The place beside a route that covers least of all routes and lies nearer to it than to others."""
    line = along(route)
    others = crowd.lines[~np.isin(crowd.lines[:, :2], line[:, :2]).all(axis=1)]
    broad = others[others[:, 2] > 2]
    wide = text_width(words, NOTE_SIZE, bold=True)
    choices: list[tuple[float, Label]] = []
    for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8):
        x, y, half = line[int(share * (len(line) - 1))].tolist()
        if not frame.holds(x, y, 10):
            continue
        for gap in (4, 8):
            for cost, label in places(crowd, x, y, half + gap, wide, NOTE_SIZE):
                nearer = max(0.0, label.box.distance(line) + 10 - label.box.distance(others))
                if label.box.distance(line) < half + 1 or label.box.distance(broad) < 4:
                    continue  # across its own line or on a broad road that is not its own
                choices.append((cost + gap / 4 + 8 * abs(share - 0.5) + 0.5 * nearer, label))
    return cheapest([(cost, label) for cost, label in choices if cost < WORST])
