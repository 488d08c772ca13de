"""From an Altair chart to an SVG that lives inside a page, and to a PNG that stands alone.

Nothing is fetched: the renderer is told that no address is allowed.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

import altair as alt
import vl_convert

from betweengiants.core.errors import DataError
from betweengiants.core.files import write_bytes
from betweengiants.report.slim import slim
from betweengiants.report.style import AXIS, HATCH, INLINE_FONT, PAPER, ROLES

T = TypeVar("T")
LEAVES = {"path", "text", "rect", "circle", "line", "image"}
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_URL = re.compile(r"url\(#([^)]+)\)")
_NAMESPACE = re.compile(r"^\{[^}]*\}")
_FIGURE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SENTINELS = {role.sentinel: f"var({role.variable},{role.light})" for role in ROLES}
_LIGHT = {role.sentinel: role.light for role in ROLES}
_DROPPED = {"aria-label", "aria-roledescription", "aria-hidden", "role", "font-family"}


def render(chart: alt.TopLevelMixin) -> str:
    """The chart as SVG text in sentinel colours, to be drawn once and used by both functions below."""
    return start_render(chart)()


def start_render(chart: alt.TopLevelMixin, executor: Executor | None = None) -> Callable[[], str]:
    """Begin to render; call what is returned for the text.

    Args:
        chart: any chart.
        executor: any `concurrent.futures` executor; None: render at once.
    """
    return _started(executor, vl_convert.vegalite_to_svg, chart.to_dict(), allowed_base_urls=[])


def to_inline_svg(
    chart: alt.TopLevelMixin | str, *, figure_id: str, title: str, description: str = ""
) -> str:
    """The chart as one `<svg>` element for an HTML page.

    Page colours become CSS variables with the light value to fall back on; ids carry the figure's name; the
    width follows the page; the labels that Vega gives its marks become `<title>` children, which browsers
    show on hover. The figure's own title is an `aria-label`, not a `<title>`, which would pop up over every
    empty spot.

    Args:
        chart: any chart that `style.base_config` has dressed, or what `render` made of it.
        figure_id: unique in the page; a letter, then letters, digits, `-` or `_`.
        title: what a screen reader calls the figure.
        description: one or two sentences of what it shows.

    Raises:
        DataError: a figure id that cannot be an XML id.
    """
    if not _FIGURE_ID.fullmatch(figure_id):
        raise DataError(
            found=f"figure id '{figure_id}'", allowed="a letter, then letters, digits, '-' or '_'"
        )
    root = _tree(chart)
    _hatch(root)
    slim(root)
    # the renderer numbers ids on through its lifetime: count anew, so that the same chart gives the same text
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    names = {old: f"{figure_id}-{number}" for number, old in enumerate(ids, start=1)}
    for element in root.iter():
        _clean(element, names)
    for attribute in ("width", "height", "class", "version"):
        root.attrib.pop(attribute, None)
    root.set("id", figure_id)
    root.set("role", "img")
    root.set("aria-label", title)
    root.set("style", f"width:100%;height:auto;font-family:var(--chart-font,{INLINE_FONT})")
    if description:
        note = ET.Element("desc", {"id": f"{figure_id}-desc"})
        note.text = description
        root.insert(0, note)
        root.set("aria-describedby", f"{figure_id}-desc")
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def to_png(
    chart: alt.TopLevelMixin | str, path: Path | str, scale: float = 2.0, margin: float = 16.0
) -> Path:
    """Write the chart as a PNG in the light theme on white; see `start_png`.

    Raises:
        OutputError: a place that cannot be written to.
    """
    return write_bytes(path, start_png(chart, scale=scale, margin=margin)())


def start_png(
    chart: alt.TopLevelMixin | str,
    executor: Executor | None = None,
    *,
    scale: float = 2.0,
    margin: float = 16.0,
) -> Callable[[], bytes]:
    """Begin to draw the chart as a PNG in the light theme on white; call what is returned for the bytes.

    Args:
        chart: any chart that `style.base_config` has dressed, or what `render` made of it.
        executor: any `concurrent.futures` executor; None: draw at once.
        scale: pixels of the file to one of the chart.
        margin: white around the chart, in pixels of the chart.
    """
    root = _tree(chart)
    _hatch(root)
    left, top, width, height = (float(number) for number in root.get("viewBox", "0 0 0 0").split())
    place = {
        "x": left - margin,
        "y": top - margin,
        "width": width + 2 * margin,
        "height": height + 2 * margin,
    }
    box = {name: f"{value:g}" for name, value in place.items()}
    root.set("viewBox", " ".join(box.values()))
    root.set("width", box["width"])
    root.set("height", box["height"])
    root.insert(0, ET.Element("rect", {**box, "fill": PAPER}))
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, _LIGHT.get(value.lower(), value))
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return _started(executor, vl_convert.svg_to_png, ET.tostring(root, encoding="unicode"), scale=scale)


def _started(
    executor: Executor | None, work: Callable[..., T], *given: Any, **options: Any
) -> Callable[[], T]:
    """The renderer's own function and plain data alone go to the executor: a new process need not load this package."""
    if executor is None:
        done = work(*given, **options)
        return lambda: done
    return executor.submit(work, *given, **options).result


def _tree(chart: alt.TopLevelMixin | str) -> ET.Element:
    """The chart's SVG as elements without namespaces (HTML needs none)."""
    root = ET.fromstring(chart if isinstance(chart, str) else render(chart))
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
        element.attrib = {_NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    return root


def _hatch(root: ET.Element) -> None:
    """Areas in the colour `HATCH` get thin diagonal lines instead, in place: what is not known has no colour of its own."""
    found = [element for element in root.iter() if element.get("fill", "").lower() == HATCH]
    if not found:
        return
    size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    pattern = ET.Element("pattern", {"id": "hatch", **size})
    line = {
        "x1": "0",
        "y1": "0",
        "x2": "0",
        "y2": "6",
        "stroke": AXIS,
        "stroke-width": "1",
        "stroke-opacity": "0.55",
    }
    pattern.append(ET.Element("line", line))
    defs = ET.Element("defs")
    defs.append(pattern)
    root.insert(0, defs)
    for element in found:
        element.set("fill", "url(#hatch)")


def _clean(element: ET.Element, names: dict[str, str]) -> None:
    """Colours, ids (old to new), references, long numbers and labels of one element, in place."""
    label = element.get("aria-label", "")
    if label and element.tag in LEAVES and label != (element.text or ""):
        hover = ET.Element("title")
        hover.text = label
        element.insert(0, hover)
    for name in _DROPPED & element.attrib.keys():
        del element.attrib[name]
    for name, value in element.attrib.items():
        if name == "id":
            value = names[value]
        elif name in ("d", "transform", "points"):
            value = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
        elif name == "href" and value.startswith("#"):
            value = f"#{names.get(value[1:], value[1:])}"
        else:
            value = _URL.sub(
                lambda match: f"url(#{names.get(match[1], match[1])})", _SENTINELS.get(value.lower(), value)
            )
        element.set(name, value)
