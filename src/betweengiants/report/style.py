"""How every figure looks: colours of the powers, colour roles of the page, type, Altair configuration.

Charts are drawn once and shown on light and dark pages. So whatever must follow the page (text, axes, grid,
land, sea) is drawn in a sentinel colour from this module, and `report.svg` replaces the sentinel by a CSS
variable (inline SVG) or by the value of the light theme (PNG). Colours of powers are the same on every page
and are never replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt

Chart = TypeVar("Chart", bound=alt.TopLevelMixin)

FOCAL_COLOUR = "#009E73"
OTHER_COLOUR = "#CC79A7"  # another state or power
CONTEXT_COLOUR = "#999999"  # nobody's, background
POWER_COLOURS: dict[str, str] = {  # Okabe & Ito (2008)
    "RUS": "#D55E00",
    "CHN": "#E69F00",
    "USA": "#0072B2",
    "EU27": "#56B4E9",
    "KAZ": FOCAL_COLOUR,
}
POWER_NAMES: dict[str, str] = {
    "RUS": "Russia",
    "CHN": "China",
    "USA": "United States",
    "EU27": "European Union",
    "KAZ": "Kazakhstan",
}


@dataclass(frozen=True, slots=True)
class Role:
    """One colour that follows the page.

    Attributes:
        sentinel: what charts are drawn with; occurs nowhere else.
        variable: CSS custom property that replaces it.
        light, dark: values in the two themes.
    """

    sentinel: str
    variable: str
    light: str
    dark: str


ROLES: tuple[Role, ...] = (
    Role("#1b1a19", "--ink", "#1a1a1a", "#ececec"),  # text
    Role("#5d5c5b", "--ink-muted", "#595959", "#a9a9a9"),  # notes, axis labels, names of countries
    Role("#dcdbda", "--grid", "#dedede", "#3a3a3a"),  # grid lines
    Role("#8b8a89", "--axis", "#8a8a8a", "#7c7c7c"),  # axis and zero lines, ticks
    Role("#fefdfc", "--paper", "#ffffff", "#141414"),  # the page itself: halos, casings, gaps between bars
    Role("#eae9e8", "--land", "#e9e8e5", "#2b2c2e"),  # land
    Role("#d9dad8", "--land-focal", "#d6d8d2", "#3b3e3c"),  # land of the focal state
    Role("#f5f7f8", "--sea", "#f6f9fa", "#191b1d"),  # sea and lakes
    Role("#fcfbfa", "--border", "#ffffff", "#141618"),  # lines between countries
    Role("#b3b2b1", "--idle", "#b0aeab", "#5f5f5f"),  # routes without flow, context marks
)
INK, MUTED, GRID, AXIS, PAPER, LAND, LAND_FOCAL, SEA, BORDER, IDLE = (role.sentinel for role in ROLES)
HATCH = "#c1c2c3"
"""What is not known is filled with this, which `report.svg` replaces by thin diagonal lines."""

# Charts are measured and drawn in a typeface that the renderer brings along, so that the layout is the same
# on every machine. Inline SVG asks for typefaces of the same widths first: a wider one would make labels
# run into each other.
CHART_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
PAGE_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"  # of the text
INLINE_FONT = "'Helvetica Neue', Arial, 'Liberation Sans', 'Segoe UI', Roboto, sans-serif"  # of its charts
TEXT_SIZE, NOTE_SIZE, TITLE_SIZE = 12, 11, 17


def colour_of(code: str | None, *, focal: str | None = None) -> str:
    """Fixed colour of a power; the focal state's own; one for any other state; grey where nobody is named."""
    if not code:
        return CONTEXT_COLOUR
    if code == focal:
        return FOCAL_COLOUR
    colour = POWER_COLOURS.get(code, OTHER_COLOUR)
    return OTHER_COLOUR if focal and colour == FOCAL_COLOUR else colour


def theme_css(dark_selector: str = ":root.dark") -> str:
    """Style sheet that gives the variables their values.

    Light is the default, dark follows the reader's system or the given selector, print is always light.
    """
    light = "".join(f"{role.variable}:{role.light};" for role in ROLES) + f"--chart-font:{INLINE_FONT};"
    dark = "".join(f"{role.variable}:{role.dark};" for role in ROLES)
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not(.light){{{dark}}}}}\n"
        f"@media screen{{{dark_selector}{{{dark}}}}}\n"
    )


def base_config(chart: Chart) -> Chart:
    """The same chart in the house style: transparent ground, quiet axes, page colours as sentinels.

    Use it once, on the outermost chart.
    """
    configured: Chart = chart.configure(**_CONFIG)
    return configured


def panel_header(padding: float = 6) -> alt.Header:
    """Titles of small panels side by side: quiet, bold, at the left."""
    return alt.Header(
        title=None,
        labelAnchor="start",
        labelFontWeight="bold",
        labelColor=MUTED,
        labelFontSize=12,
        labelPadding=padding,
    )


_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": CHART_FONT,
    "padding": {"left": 2, "right": 2, "top": 2, "bottom": 6},
    "view": alt.ViewConfig(stroke=None),
    "title": alt.TitleConfig(
        anchor="start",
        frame="group",
        color=INK,
        fontSize=TITLE_SIZE,
        fontWeight="bold",
        lineHeight=TITLE_SIZE * 1.25,
        subtitleColor=MUTED,
        subtitleFontSize=TEXT_SIZE + 1,
        subtitleLineHeight=(TEXT_SIZE + 1) * 1.3,
        subtitlePadding=5,
        offset=12,
    ),
    "axis": alt.AxisConfig(
        labelColor=MUTED,
        labelFontSize=TEXT_SIZE,
        titleColor=MUTED,
        titleFontSize=TEXT_SIZE,
        titleFontWeight="normal",
        domainColor=AXIS,
        tickColor=AXIS,
        gridColor=GRID,
        gridWidth=1,
        tickSize=4,
        labelPadding=5,
    ),
    "legend": alt.LegendConfig(
        labelColor=INK,
        labelFontSize=TEXT_SIZE,
        titleColor=MUTED,
        titleFontSize=TEXT_SIZE,
        titleFontWeight="normal",
        symbolStrokeColor=INK,
    ),
    "header": alt.HeaderConfig(
        labelColor=INK,
        labelFontSize=TEXT_SIZE,
        titleColor=MUTED,
        titleFontSize=TEXT_SIZE,
        titleFontWeight="normal",
    ),
    # What stands beside a mark has no hover text of its own: it would be names of columns and raw numbers.
    "text": alt.MarkConfig(color=INK, fontSize=TEXT_SIZE, aria=False),
    "rule": alt.MarkConfig(color=AXIS, aria=False),
    "line": alt.MarkConfig(aria=False),
    "area": alt.MarkConfig(aria=False),
}
