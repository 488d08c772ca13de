"""Layers of a route map: finished pixels in, Altair charts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from betweengiants.report.mapkey import SWATCH, Spot, words_colour
from betweengiants.report.placement import Label, label_at
from betweengiants.report.projection import Frame
from betweengiants.report.routes import Route, along
from betweengiants.report.style import BORDER, INK, NOTE_SIZE, PAPER, SEA

Row = dict[str, Any]
ARROWS_FROM = 5.0  # pixels of width from which a route carries chevrons


def inline(rows: Sequence[Row]) -> alt.InlineData:
    """Rows as data that the chart carries itself."""
    return alt.InlineData(values=list(rows))


def ground(frame: Frame, countries: list[Row]) -> list[alt.Chart]:
    """Sea, then land: GeoJSON features in pixels that bring `colour`."""
    box = {"x": frame.left, "y": frame.top, "x2": frame.right, "y2": frame.bottom}
    sea = alt.Chart(inline([box])).mark_rect(color=SEA, aria=False).encode(_x(), _y(), x2="x2", y2="y2")
    land = (
        alt.Chart(inline(countries))
        .mark_geoshape(strokeWidth=0.7, stroke=BORDER, aria=False)
        .encode(fill=alt.Fill("properties.colour:N").scale(None).legend(None))
        .project(**_pixels(frame))
    )
    return [sea, land]


def _pixels(frame: Frame) -> Row:
    """Projection of shapes that are in pixels already: none, but cut to the frame."""
    return {
        "type": "identity",
        "scale": 1,
        "translate": [0, 0],
        "clipExtent": [[frame.left, frame.top], [frame.right, frame.bottom]],
    }


def _x() -> alt.X:
    return alt.X("x:Q").scale(None).axis(None)


def _y() -> alt.Y:
    return alt.Y("y:Q").scale(None).axis(None)


def route_layers(drawn: Sequence[Route], frame: Frame) -> list[alt.Chart]:
    """Casings, routes (small flows on top), chevrons, and wide unseen lines that carry the hover text."""
    order = sorted(drawn, key=lambda route: (route.flow > 0, -route.flow))
    features: list[Row] = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": route.points.tolist()},
            "properties": {
                "colour": route.colour,
                "width": round(route.width, 2),
                "sentence": route.sentence,
            },
            "dashed": route.dashed,
        }
        for route in order
    ]

    def lines(chosen: list[Row], extra: float, **mark: Any) -> alt.Chart:
        shown = [
            {**row, "properties": {**row["properties"], "width": row["properties"]["width"] + extra}}
            for row in chosen
        ]
        drawn: alt.Chart = (
            alt.Chart(inline(shown))
            .mark_geoshape(filled=False, strokeJoin="round", **mark)
            .encode(strokeWidth=alt.StrokeWidth("properties.width:Q").scale(None).legend(None))
            .project(**_pixels(frame))
        )
        return drawn

    colour = alt.Stroke("properties.colour:N").scale(None).legend(None)
    solid = [row for row in features if not row["dashed"]]
    dashed = [row for row in features if row["dashed"]]
    layers = [lines(features, 2.0, stroke=BORDER, strokeCap="round", aria=False)] if features else []
    if dashed:
        layers.append(lines(dashed, 0.3, strokeDash=[4, 3], aria=False).encode(stroke=colour))
    if solid:
        layers.append(lines(solid, 0, strokeCap="round", aria=False).encode(stroke=colour))
    arrows = [row for route in order for row in _arrows(route, frame)]
    if arrows:
        layers.append(
            alt.Chart(inline(arrows))
            .mark_point(
                shape="M-0.3,-0.6L0.3,0L-0.3,0.6",
                stroke=BORDER,
                strokeWidth=1.5,
                fillOpacity=0,
                opacity=1,
                aria=False,
            )
            .encode(
                _x(),
                _y(),
                angle=alt.Angle("angle:Q").scale(None),
                size=alt.Size("size:Q").scale(None).legend(None),
            )
        )
    if features:
        hit = lines(features, 7.0, stroke=BORDER, strokeOpacity=0)
        layers.append(hit.encode(description=alt.Description("properties.sentence:N")))
    return layers


def text_row(label: Label, words: str, colour: str, size: float, weight: str = "normal") -> Row:
    """One line of text for `texts`."""
    return {
        "x": label.x,
        "y": label.y,
        "align": label.align,
        "words": words,
        "colour": colour,
        "size": size,
        "weight": weight,
        "slant": "normal",
    }


def texts(rows: list[Row], *, halo: bool) -> alt.Chart:
    """Lines of text; with `halo`, the pale outline that goes under them."""
    mark: Row = (
        {"stroke": BORDER, "strokeWidth": 3, "strokeJoin": "round", "strokeOpacity": 0.85} if halo else {}
    )
    chart: alt.Chart = (
        alt.Chart(inline(rows))
        .mark_text(
            align=alt.expr("datum.align"),
            baseline="middle",
            fontWeight=alt.expr("datum.weight"),
            fontStyle=alt.expr("datum.slant"),
            fontSize=alt.expr("datum.size"),
            aria=False,
            **mark,
        )
        .encode(_x(), _y(), text="words:N", fill=alt.Fill("colour:N").scale(None).legend(None))
    )
    return chart


def texts_with_halo(rows: list[Row]) -> list[alt.Chart]:
    """Outlines first, then the letters."""
    return [texts(rows, halo=True), texts(rows, halo=False)] if rows else []


def dot_layer(dots: Sequence[Row]) -> alt.Chart:
    """Nodes as small rings that tell their name on hover."""
    rows = [{"x": dot["x"], "y": dot["y"], "sentence": dot["sentence"]} for dot in dots]
    chart: alt.Chart = (
        alt.Chart(inline(rows))
        .mark_circle(size=22, fill=PAPER, stroke=INK, strokeWidth=1.2, opacity=1)
        .encode(_x(), _y(), description="sentence:N")
    )
    return chart


def _arrows(route: Route, frame: Frame) -> list[Row]:
    """Chevrons on a broad route that point the way of its flow, some 90 pixels apart."""
    line = along(route, 3.0)
    if route.width < ARROWS_FROM or len(line) < 10:
        return []
    count = max(1, round(len(line) * 3.0 / 90))
    rows: list[Row] = []
    for index in ((np.arange(count) + 0.5) / count * (len(line) - 1)).astype(int).tolist():
        (x, y, _), (a, b, _) = line[index - 2], line[index + 2]
        if frame.holds(float(x), float(y), 4):
            angle = float(np.degrees(np.arctan2(b - y, a - x)))
            rows.append(
                {
                    "x": (x + a) / 2,
                    "y": (y + b) / 2,
                    "angle": round(angle, 1),
                    "size": round(route.width**2 * 0.5, 1),
                }
            )
    return rows


def circle_layers(circles: Sequence[Row]) -> list[alt.Chart]:
    """Leaders from moved circles to their places, the circles, the numbers."""
    if not circles:
        return []
    rows = [{**row, "x2": row["at"][0], "y2": row["at"][1]} for row in circles]
    data = alt.Chart(inline(rows))
    return [
        data.mark_rule(color=INK, strokeWidth=1, aria=False).encode(_x(), _y(), x2="x2", y2="y2"),
        data.mark_circle(size=200, fill=INK, stroke=BORDER, strokeWidth=1.5, opacity=1).encode(
            _x(), _y(), description="sentence:N"
        ),
        data.mark_text(
            fill=PAPER, fontWeight="bold", fontSize=NOTE_SIZE - 0.5, baseline="middle", aria=False
        ).encode(_x(), _y(), text="number:N"),
    ]


def key_layers(key: Sequence[Spot]) -> list[alt.Chart]:
    """Lines, circles and words of the key."""
    if not key:
        return []
    lines = [
        {
            "x": spot.x,
            "x2": spot.x + SWATCH,
            "y": spot.y,
            "colour": spot.entry.colour,
            "width": round(spot.entry.width, 2),
            "dash": spot.entry.dashed,
        }
        for spot in key
        if spot.entry.colour
    ]
    layers = []
    for dashed in (False, True):
        rows = [row for row in lines if row["dash"] == dashed]
        if rows:
            mark: Row = {"strokeDash": [4, 3]} if dashed else {}
            layers.append(
                alt.Chart(inline(rows))
                .mark_rule(aria=False, **mark)
                .encode(
                    _x(),
                    _y(),
                    x2="x2",
                    stroke=alt.Stroke("colour:N").scale(None).legend(None),
                    strokeWidth=alt.StrokeWidth("width:Q").scale(None).legend(None),
                )
            )
    marks = [{"x": spot.x + 8, "y": spot.y, "n": "n"} for spot in key if spot.entry.numbered]
    if marks:
        data = alt.Chart(inline(marks))
        layers.append(data.mark_circle(size=170, fill=INK, opacity=1, aria=False).encode(_x(), _y()))
        layers.append(
            data.mark_text(
                fill=PAPER, fontWeight="bold", fontSize=NOTE_SIZE - 1, baseline="middle", aria=False
            ).encode(_x(), _y(), text="n:N")
        )
    words = [
        text_row(
            label_at(spot.words_at, spot.y, "left", 0, NOTE_SIZE),
            spot.entry.words,
            words_colour(spot.entry),
            NOTE_SIZE,
        )
        for spot in key
    ]
    return [*layers, texts(words, halo=False)]
