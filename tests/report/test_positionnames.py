"""Names in the chart of leverage against alignment: near their marks, and over nothing else."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.report.charts import position_chart
from betweengiants.report.positionnames import CLEARANCE, Panel, axis_end, names, obstacles, placed
from betweengiants.report.svg import render

NAMES = {"RUS": "Russia", "CHN": "China", "USA": "United States", "EU27": "European Union"}
PANELS = (Panel(430, 300, 30.0), Panel(280, 300, 30.0))


def marks(*places: tuple[float, float, float, float]) -> pl.DataFrame:
    """Marks of the powers at x with its range, and y with an error of 0.09."""
    rows = [
        {
            "panel": "Short run",
            "x_title": "Loss",
            "power": power,
            "name": NAMES[power],
            "x": x,
            "x_low": low,
            "x_high": high,
            "y": y,
            "y_low": y - 0.09,
            "y_high": y + 0.09,
            "label": NAMES[power],
        }
        for power, (x, low, high, y) in zip(NAMES, places, strict=False)
    ]
    return pl.DataFrame(rows)


def tails(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        [
            frame.select("panel", "power", "x", y=pl.col("y") + 0.03 * back, year=pl.lit(2023 - back))
            for back in range(5)
        ]
    )


CROWDED = marks(
    (22.4, 14.9, 26.5, 0.64), (6.6, 5.6, 17.7, 0.83), (0.8, 0.4, 1.5, 0.34), (9.3, 6.7, 23.7, 0.63)
)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("shift", [0.0, 6.0, 11.0, 13.0])
def test_no_name_touches_a_mark_a_line_or_another_name(panel: Panel, shift: float) -> None:
    nearer = CROWDED.with_columns(
        pl.when(pl.col("power") == "RUS").then(pl.col(name) - shift).otherwise(pl.col(name)).alias(name)
        for name in ("x", "x_low")
    )
    years = tails(nearer)
    boxes = [label.box for _, label in placed(nearer, years, panel)]
    things = obstacles(nearer, years, panel)
    assert len(boxes) == len(NAMES)
    assert not [(b, o) for b in boxes for o in things if b.overlaps(o, CLEARANCE - 0.1)]
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b, CLEARANCE - 0.1)]
    for box in boxes:
        assert 0 <= box.left < box.right <= panel.width
        assert 0 <= box.top < box.bottom <= panel.height


def test_a_name_far_from_its_mark_is_joined_to_it() -> None:
    alone = names(CROWDED.head(1), tails(CROWDED.head(1)), PANELS[0])
    assert alone["is_far"].to_list() == [False]
    close = marks((4.2, 4.1, 13.8, 0.64), (2.5, 1.6, 7.2, 0.83), (0.3, 0.2, 0.6, 0.34), (3.5, 2.3, 9.9, 0.63))
    found = names(close, tails(close), Panel(430, 300, 16.0))
    assert set(found["power"]) == set(NAMES)
    assert found.filter("is_far")["power"].to_list() == ["EU27"]
    ends = found.select("from_x", "from_y", "power").sort("power")
    assert ends.rows() == close.select("x", "y", "power").sort("power").rows()


@pytest.mark.parametrize("width", [980, 340])
def test_every_name_is_written_once(width: int) -> None:
    drawn = render(position_chart(CROWDED, tails(CROWDED), width=width, y_title="Agreement"))
    for name in NAMES.values():
        assert drawn.count(f">{name}</text>") == 1


@given(st.floats(0.05, 5000))
def test_the_axis_ends_on_a_step_not_far_beyond(value: float) -> None:
    end = axis_end(value)
    assert value <= end * (1 + 1e-9)
    assert end <= 1.5 * value
