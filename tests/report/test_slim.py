"""What is taken out of a drawing is not seen: the picture stays the same, the text gets shorter."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import altair as alt
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.report import svg
from betweengiants.report.slim import shorter, slim
from betweengiants.report.style import HATCH, INK, PAPER, base_config

TENTHS = st.integers(-20_000, 20_000)
POINTS = st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=40)


def chart() -> alt.TopLevelMixin:
    rows = [
        {"a": a, "b": b, "c": a * b, "kind": "xy"[a % 2]} for a, b in itertools.product(range(4), range(1, 4))
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x="a:Q", y="c:Q", color="kind:N")
    return base_config(
        alt.layer(
            base.mark_line(opacity=0.4),
            base.mark_bar(fill=HATCH, stroke=INK, opacity=0.7),
            base.mark_circle(size=80, stroke=PAPER),
            base.mark_text(dy=-9, fontStyle="italic", fontWeight="bold").encode(text="c:Q"),
        ).facet(facet="kind:N", columns=2)
    )


def picture(root: ET.Element) -> bytes:
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("width", root.get("viewBox", "").split()[2])
    root.set("height", root.get("viewBox", "").split()[3])
    return vl_convert.svg_to_png(ET.tostring(root, encoding="unicode"))


def bare(text: str) -> ET.Element:
    root = ET.fromstring(re.sub(r'xmlns(:xlink)?="[^"]*"', "", text))
    root.set("viewBox", root.get("viewBox") or f"0 0 {root.get('width')} {root.get('height')}")
    return root


def test_the_picture_stays_the_same() -> None:
    text = svg.render(chart())
    full, less = bare(text), bare(text)
    slim(less)
    assert picture(full) == picture(less)
    assert len(ET.tostring(less)) < 0.75 * len(ET.tostring(full))


def test_the_picture_changes_where_something_is_lost() -> None:
    """The comparison above can fail: one mark less is seen."""
    text = svg.render(chart())
    full, less = bare(text), bare(text)
    mark = next(e for e in less.iter() if e.tag == "text" and e.get("font-weight") == "bold")
    next(parent for parent in less.iter() if mark in list(parent)).remove(mark)
    assert picture(full) != picture(less)


def test_what_is_not_known_is_hatched() -> None:
    inline = svg.to_inline_svg(chart(), figure_id="a", title="A")
    assert HATCH not in inline
    (pattern,) = re.findall(r'<pattern id="([^"]+)"', inline)
    assert inline.count(f'fill="url(#{pattern})"') >= 1
    other = svg.to_inline_svg(chart(), figure_id="b", title="B")
    assert f'id="{pattern}"' not in other
    plain = svg.to_inline_svg(
        base_config(alt.Chart(alt.InlineData(values=[{"a": 1}])).mark_point().encode(x="a:Q")),
        figure_id="c",
        title="C",
    )
    assert "pattern" not in plain


def outline(points: list[tuple[int, int]]) -> str:
    texts = [f"{x / 10:.3f},{y / 10:.3f}" for x, y in points]
    return "M" + "L".join(texts) + "Z"


def walked(text: str) -> list[tuple[int, int]]:
    """The points of an outline in tenths, read by the rules of SVG: M and then l with pairs of relative steps."""
    found: list[tuple[int, int]] = []
    for command, body in re.findall(r"([MlZ])([^MlZ]*)", text):
        numbers = [round(float(n) * 10) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", body)]
        for x, y in itertools.batched(numbers, 2) if hasattr(itertools, "batched") else pairs(numbers):
            found.append((x, y) if command == "M" else (found[-1][0] + x, found[-1][1] + y))
    return found


def pairs(numbers: list[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@given(POINTS)
def test_an_outline_keeps_its_points_to_a_tenth(points: list[tuple[int, int]]) -> None:
    kept = [point for point, _ in itertools.groupby(points)]
    assert walked(shorter(outline(points))) == kept


@given(st.lists(st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)), min_size=2, max_size=30))
def test_errors_of_rounding_do_not_add_up(points: list[tuple[float, float]]) -> None:
    text = "M" + "L".join(f"{x:.3f},{y:.3f}" for x, y in points)
    last = walked(shorter(text))[-1]
    assert last == pytest.approx((points[-1][0] * 10, points[-1][1] * 10), abs=0.51)


def test_curves_stay_as_they_are() -> None:
    curve = "M0.123,0C1,2,3,4,5.678,6Z"
    assert shorter(curve) == curve
