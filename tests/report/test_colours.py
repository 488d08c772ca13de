"""Colours of the powers: fixed, apart from each other also for readers who do not tell red from green, never alone."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from betweengiants.report import charts
from betweengiants.report.style import (
    CONTEXT_COLOUR,
    FOCAL_COLOUR,
    OTHER_COLOUR,
    POWER_COLOURS,
    ROLES,
    colour_of,
)
from betweengiants.report.svg import render

# RGB to cone responses (Vienot, Brettel & Mollon 1999), and CIE XYZ (sRGB, D65).
CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
APART = 15.0  # in CIELAB; 2.3 is just noticeable side by side


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def deuteranope(rgb: np.ndarray) -> np.ndarray:
    """Without the middle cone, whose answer follows from the other two."""
    long, _, short = CONES @ rgb
    return np.clip(np.linalg.solve(CONES, [long, 0.494207 * long + 1.24827 * short, short]), 0, 1)


def protanope(rgb: np.ndarray) -> np.ndarray:
    """Without the long cone."""
    _, middle, short = CONES @ rgb
    return np.clip(np.linalg.solve(CONES, [2.02344 * middle - 2.52581 * short, middle, short]), 0, 1)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = XYZ @ rgb / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, seen=lambda rgb: rgb) -> float:
    return float(np.linalg.norm(lab(seen(linear(one))) - lab(seen(linear(other)))))


def test_powers_have_the_colours_that_they_have_everywhere() -> None:
    assert POWER_COLOURS == {
        "RUS": "#D55E00",
        "CHN": "#E69F00",
        "USA": "#0072B2",
        "EU27": "#56B4E9",
        "KAZ": "#009E73",
    }
    assert (OTHER_COLOUR, CONTEXT_COLOUR, FOCAL_COLOUR) == ("#CC79A7", "#999999", "#009E73")
    assert all(colour_of(code) == colour for code, colour in POWER_COLOURS.items())
    assert colour_of("TUR") == OTHER_COLOUR
    assert colour_of("") == colour_of(None) == CONTEXT_COLOUR
    assert colour_of("UZB", focal="UZB") == FOCAL_COLOUR
    assert colour_of("KAZ", focal="UZB") == OTHER_COLOUR


@pytest.mark.parametrize(
    "seen", [deuteranope, protanope, lambda rgb: rgb], ids=["deuteranope", "protanope", "all"]
)
def test_every_pair_of_powers_can_be_told_apart(seen) -> None:
    for one, other in combinations(POWER_COLOURS.values(), 2):
        assert difference(one, other, seen) > APART, (one, other)


def test_the_simulation_fails_a_plain_red_and_green() -> None:
    assert difference("#dd2222", "#00aa00") > 100
    assert difference("#dd2222", "#00aa00", deuteranope) < 10
    for neutral in ("#000000", "#808080", "#ffffff"):
        assert deuteranope(linear(neutral)) == pytest.approx(linear(neutral), abs=0.01)


def test_shades_differ_in_grey() -> None:
    """The two warm and the two cool colours, which meet most often, differ in lightness for a black and white print."""
    light = {code: lab(linear(colour))[0] for code, colour in POWER_COLOURS.items()}
    assert abs(light["RUS"] - light["CHN"]) > 10
    assert abs(light["USA"] - light["EU27"]) > 10


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    """Contrast of 4.5 to 1 for text and notes (WCAG 2.2, 1.4.3)."""
    role = {r.variable: getattr(r, theme) for r in ROLES}

    def luminance(colour: str) -> float:
        return float(XYZ[1] @ linear(colour))

    for variable in ("--ink", "--ink-muted"):
        pair = sorted((luminance(role[variable]), luminance(role["--paper"])))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, variable


def test_marks_carry_names_not_only_colours() -> None:
    """Every line of powers ends in its name, every bar of ranges has its own."""
    rows = pl.DataFrame(
        [
            (power, name, year, value, value - 0.05, value + 0.05, f"{name} {year}")
            for power, name, value in (("RUS", "Russia", 0.6), ("CHN", "China", 0.8))
            for year in (2020, 2021)
        ],
        schema=["power", "name", "year", "value", "low", "high", "label"],
        orient="row",
    )
    svg = render(charts.lines_chart(rows, width=600, y_title="Agreement", y_domain=(0.0, 1.0)))
    assert "Russia 0.6" in svg
    assert "China 0.8" in svg
    assert POWER_COLOURS["RUS"].lower() in svg.lower()
