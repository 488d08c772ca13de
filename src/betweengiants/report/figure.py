"""A figure of the report: what it is called, what it shows, the table behind it, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from betweengiants.report.words import signed

WIDE, NARROW = 980, 340
"""Widths in pixels in which every figure is drawn."""


@dataclass(frozen=True)
class Figure:
    """One figure of the page; its words show negative numbers with a minus, whatever they were made from.

    Attributes:
        figure_id: name of its files and anchor.
        title: the finding, a sentence from the numbers.
        subtitle: what is measured, in which unit, when.
        alt_text: what a reader who cannot see it needs to know.
        table: the numbers behind it.
        trails: ids of the trails of its numbers.
        draw: gives the chart at a width in pixels.
        note: a line below the figure, or empty.
        listing: a numbered list below the figure, such as that of the numbers in a map.
    """

    figure_id: str
    title: str
    subtitle: str
    alt_text: str
    table: pl.DataFrame
    trails: tuple[str, ...]
    draw: Callable[[int], alt.TopLevelMixin]
    note: str = ""
    listing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("title", "subtitle", "alt_text", "note"):
            object.__setattr__(self, name, signed(getattr(self, name)))
        object.__setattr__(self, "listing", tuple(signed(item) for item in self.listing))
