"""What the renderer writes and nobody sees: taken out of an SVG, so that the page stays small enough to send.

Nothing that is painted changes: attributes that repeat a default of SVG, groups without a purpose, shapes without paint.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

KEPT_WHOLE = {"defs", "clipPath", "pattern", "linearGradient", "mask"}
IDLE = {"class", "pointer-events"}
DEFAULTS = {
    "opacity": "1",
    "fill-opacity": "1",
    "stroke-width": "1",
    "transform": "translate(0,0)",
    "font-weight": "normal",
    "font-style": "normal",
    "text-anchor": "start",
}
INHERITED = (
    *(
        "fill",
        "fill-opacity",
        "stroke",
        "stroke-width",
        "stroke-opacity",
        "stroke-linejoin",
        "stroke-linecap",
    ),
    *("stroke-dasharray", "font-size", "font-weight", "font-style", "text-anchor"),
)
LONG = 400
"""Characters from which a path is an outline of land or a route, for which a tenth of a pixel is fine enough."""
_STEP = re.compile(r"([MLZ])(?:(-?[\d.]+),(-?[\d.]+))?")


def slim(root: ET.Element) -> None:
    """Take out what does not show, in place."""
    for child in list(root):
        _slim(child, root)


def _slim(element: ET.Element, parent: ET.Element) -> None:
    if element.tag in KEPT_WHOLE:
        return
    for name in IDLE & element.attrib.keys():
        del element.attrib[name]
    for name, value in DEFAULTS.items():
        if element.get(name) == value:
            del element.attrib[name]
    outline = element.get("d", "")
    if len(outline) > LONG:
        element.set("d", shorter(outline))
    for child in list(element):
        _slim(child, element)
    if element.tag == "g":
        _share(element)
    if _is_idle(element):
        parent.remove(element)
    elif element.tag == "g" and not element.attrib:
        place = list(parent).index(element)
        parent.remove(element)
        for offset, child in enumerate(element):
            parent.insert(place + offset, child)


def _share(group: ET.Element) -> None:
    """Move what all members of a group say alike to the group, from which they inherit it."""
    members = list(group)
    if len(members) < 2:
        return
    for name in INHERITED:
        value = members[0].get(name)
        if value is not None and all(member.get(name) == value for member in members):
            group.set(name, value)
            for member in members:
                del member.attrib[name]


def shorter(outline: str) -> str:
    """The same outline to a tenth of a pixel, every point but the first of a piece told from the one before.

    Points are rounded before they are told from each other, so that errors do not add up; points that fall together are one.
    Outlines of other commands than M, L and Z stay as they are.
    """
    if re.sub(r"[MLZ\d.,\s-]", "", outline):
        return outline
    parts: list[str] = []
    at = (0, 0)
    drew = ""
    for command, x, y in _STEP.findall(outline):
        if command == "Z":
            parts.append("Z")
        else:
            point = (round(float(x) * 10), round(float(y) * 10))
            if command == "M":
                parts.append(f"M{_pair(point)}")
            elif point != at:
                pair = _pair((point[0] - at[0], point[1] - at[1]))
                parts.append(
                    pair if drew == "L" and pair.startswith("-") else f"{' ' if drew == 'L' else 'l'}{pair}"
                )
            else:
                continue
            at = point
        drew = command
    return "".join(parts)


def _pair(tenths: tuple[int, int]) -> str:
    x, y = (_tenth(value) for value in tenths)
    return f"{x}{y}" if y.startswith("-") else f"{x} {y}"


def _tenth(value: int) -> str:
    """`-3` -> `-.3`, `120` -> `12`."""
    text = f"{abs(value) / 10:.1f}".removesuffix(".0").removeprefix("0")
    return f"{'-' if value < 0 else ''}{text or '0'}"


def _is_idle(element: ET.Element) -> bool:
    """Whether an element shows nothing: a group without content, a hidden shape, a shape without paint."""
    if len(element) or "id" in element.attrib:
        return False
    if element.tag == "g":
        return True
    hidden = element.get("display") == "none"
    return element.tag == "path" and (
        hidden or not element.get("d") or not {"fill", "stroke"} & element.attrib.keys()
    )
