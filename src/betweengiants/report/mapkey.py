"""The key above a map: what widths, colours, dashes and numbers mean, in rows that fit the map's width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from betweengiants.report.placement import text_width
from betweengiants.report.routes import THINNEST, Route, who
from betweengiants.report.style import IDLE, INK, MUTED, NOTE_SIZE, OTHER_COLOUR, POWER_COLOURS, colour_of

SWATCH, GAP, ROW = 22.0, 14.0, 19.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the key: a stretch of line (or none, for a heading; or a numbered circle) and its words."""

    words: str
    colour: str = ""
    width: float = 0.0
    dashed: bool = False
    numbered: bool = False

    def length(self) -> float:
        """Pixels from the item's left end to the end of its words."""
        symbol = SWATCH + 5 if self.colour else (21 if self.numbered else 0)
        return symbol + text_width(self.words, NOTE_SIZE)


@dataclass(frozen=True, slots=True)
class Spot:
    """An item of the key and where it stands: left end and vertical middle, pixels."""

    entry: Entry
    x: float
    y: float

    @property
    def words_at(self) -> float:
        """Left end of the words."""
        return self.x + (SWATCH + 5 if self.entry.colour else (21 if self.entry.numbered else 0))


def round_steps(largest: float) -> list[float]:
    """Three round flows for the key: the largest of 1, 2, 5 times a power of ten that fits, and two below."""
    power = 10.0 ** math.floor(math.log10(largest))
    top = max(m * power for m in (1, 2, 5) if m * power <= largest)
    return [top, top * 0.4 if math.isclose(top / power, 5) else top * 0.5, top * 0.1]


def entries(
    routes: Sequence[Route], widest: float, unit: str, focal: str | None, marked: bool
) -> list[list[Entry]]:
    """Groups of items: widths, then colours, then dashes, grey and numbers, each only if the map has it."""
    largest = max((route.flow for route in routes), default=0.0)
    widths: list[Entry] = []
    if largest > 0:
        thin = float(f"{THINNEST * largest / widest:.1g}")
        widths = [Entry(f"Width: {unit}")]
        widths += [
            Entry(f"{step:g}", MUTED, widest * step / largest) for step in round_steps(largest) if step > thin
        ]
        widths.append(Entry(f"{thin:g} or less", MUTED, THINNEST))
    coloured = [route for route in routes if route.colour != IDLE]
    order = [code for code in POWER_COLOURS if code != focal] + [focal or ""]
    controllers = sorted(
        {route.controller for route in coloured if route.controller},
        key=lambda code: (order.index(code) if code in order else len(order), code),
    )
    named = [code for code in controllers if colour_of(code, focal=focal) != OTHER_COLOUR]
    others = [code for code in controllers if code not in named]
    colours = [Entry("Colour: who can close it")] if controllers else []
    colours += [Entry(who(code), colour_of(code, focal=focal), 5) for code in named]
    if others:
        colours.append(Entry(f"other states ({', '.join(others)})", OTHER_COLOUR, 5))
    rest: list[Entry] = []
    if any(route.dashed for route in routes):
        rest.append(Entry("idle, suspended or planned", MUTED, THINNEST, dashed=True))
    if len(coloured) < len(routes):
        rest.append(Entry("open, no flow known", IDLE, THINNEST))
    if marked:
        rest.append(Entry("chokepoint, see the list", numbered=True))
    return [group for group in (widths, colours, rest) if group]


def arrange(groups: Sequence[Sequence[Entry]], width: float) -> tuple[list[Spot], float]:
    """Items in rows from the left, a new row for a group that does not fit; and the height used."""
    spots: list[Spot] = []
    x, y = 0.0, ROW / 2
    for group in groups:
        whole = sum(entry.length() + GAP for entry in group)
        if x and x + whole - GAP > width:
            x, y = 0.0, y + ROW
        for entry in group:
            if x and x + entry.length() > width:
                x, y = 0.0, y + ROW
            spots.append(Spot(entry, round(x, 1), y))
            x += entry.length() + GAP
        x += GAP
    return spots, (y + ROW / 2 + 6) if spots else 0.0


def words_colour(entry: Entry) -> str:
    """Headings of the key are quieter than its items."""
    return INK if entry.colour or entry.numbered else MUTED
