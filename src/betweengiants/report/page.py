"""The report: one self-contained page with the JSON, the tables and the pictures beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from altair.utils.schemapi import debug_mode
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from betweengiants.core.csvout import csv_text
from betweengiants.core.files import make_folder, write_bytes, write_text
from betweengiants.position import Position
from betweengiants.report import sections, words
from betweengiants.report.answer import answer
from betweengiants.report.beside import Beside
from betweengiants.report.besiderows import beside_rows
from betweengiants.report.calibration import calibration_rows, calibration_words
from betweengiants.report.claimrows import claim_rows
from betweengiants.report.contents import contents
from betweengiants.report.figure import NARROW, WIDE, Figure
from betweengiants.report.figures import all_figures
from betweengiants.report.frontierchart import plan_rows
from betweengiants.report.origins import Cited, trail_rows
from betweengiants.report.style import POWER_COLOURS, theme_css
from betweengiants.report.svg import start_png, start_render, to_inline_svg
from betweengiants.report.tables import report_tables

PAGE = "index.html"
WIDTHS = {"wide": WIDE, "narrow": NARROW}
Progress = Callable[[str], None]
Drawn = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Written:
    """What a report left in its folder.

    Attributes:
        page: the page.
        files: all files, the page first.
    """

    page: Path
    files: tuple[Path, ...]


def write_report(
    position: Position,
    folder: Path | str,
    progress: Progress = lambda step: None,
    *,
    beside: Beside | None = None,
    executor: Executor | None = None,
) -> Written:
    """Write the page, position.json, tables/*.csv and figures/*.png.

    Everything is computed and rendered before the first file is written; each file is written whole.

    Args:
        position: the results.
        folder: created if it is not there.
        progress: called with the name of each step.
        beside: what stands beside the results, if it is at hand.
        executor: any `concurrent.futures` executor, which renders the pictures meanwhile; None: one after the other.

    Raises:
        OutputError: the folder cannot be written to (found before any work is done).
    """
    out = make_folder(folder)
    progress("what stands beside")
    found = beside if beside is not None else Beside(position)
    figures = all_figures(position, found)
    drawing = start_drawing(figures, progress, executor)
    tables = report_tables(position, figures, found)
    drawn = {key: text() for key, text in drawing.items()}
    progress("pictures")
    pictures = {name: start_png(drawn[name, "wide"], executor) for name in figures}
    page = render_page(position, figures, tables, drawn, found)
    for sub in ("tables", "figures"):
        make_folder(out / sub)
    written = [write_text(out / PAGE, page), write_text(out / "position.json", position.to_json())]
    for name, frame in tables.items():
        written.append(write_text(out / "tables" / f"{name}.csv", csv_text(frame)))
    for name, picture in pictures.items():
        written.append(write_bytes(out / "figures" / f"{name}.png", picture()))
    return Written(written[0], tuple(written))


def render_page(
    position: Position,
    figures: dict[str, Figure],
    tables: dict[str, pl.DataFrame],
    drawn: Drawn,
    beside: Beside,
) -> str:
    """The page as HTML text."""
    position = replace(position, trails=position.trails | beside.trails)
    header = position.dossier.header
    context: dict[str, Any] = {
        "title": f"{words.name(header.focal, start=True)} between {words.joined([words.name(p) for p in header.powers])}",
        "focal": words.name(header.focal, start=True),
        "header": header,
        "version": version("betweengiants"),
        "answer": [
            Markup(sections.linked(sentence.text, position, sentence.trail)) for sentence in answer(position)
        ],
        "figures": {name: _figure(figure, position, drawn) for name, figure in figures.items()},
        "joint": sections.joint_rows(position),
        "numbers": sections.number_cards(position),
        "detail": sections.detail_rows(position),
        "systems": sections.system_sections(position),
        "thetas": {h: f"{position.dossier.parameter(f'theta_{h}')[0]:g}" for h in ("short", "long")},
        "plan": plan_rows(position, figures["frontier"].table) if "frontier" in figures else None,
        "balance": sections.balance_rows(position),
        "coalitions": sections.coalition_rows(position),
        "overlaps": words.overlap_rows(position),
        "claims": claim_rows(tables.get("claims"), position.dossier.actor_names),
        "alignment": sections.alignment_rows(position),
        "gaps": [words.with_names(gap, position.dossier) for gap in (*position.gaps, *beside.gaps)],
        "calibration": calibration_rows(tables["calibration"]),
        "calibration_words": calibration_words(tables["calibration"], position),
        "estimates": sections.estimated_capacities(position),
        "conflicts": sections.conflicts(position),
        "coverage": tables["coverage"].to_dicts(),
        "trails": trail_rows(position),
        "cited": Cited(position.dossier),
        "hashes": sorted(position.dossier.hashes.items()),
        "css": Markup(f"{theme_css()}{_power_css()}{_text('page.css')}"),
    }
    context |= beside_rows(beside)
    context["contents"] = contents(context)
    page: str = _template().render(context)
    return page


def start_drawing(
    figures: dict[str, Figure], progress: Progress = lambda step: None, executor: Executor | None = None
) -> dict[tuple[str, str], Callable[[], str]]:
    """Begin with every figure in both widths; what gives the SVG text, by figure and width."""
    drawing = {}
    with debug_mode(False):  # checking each part of a chart against the schema would take half of the time
        for figure in figures.values():
            progress(f"figure {figure.figure_id}")
            for size, width in WIDTHS.items():
                drawing[figure.figure_id, size] = start_render(figure.draw(width), executor)
    return drawing


def _figure(figure: Figure, position: Position, drawn: Drawn) -> dict[str, Any]:
    svg = {
        size: Markup(
            to_inline_svg(
                drawn[figure.figure_id, size],
                figure_id=f"{figure.figure_id}-{size}",
                title=figure.title,
                description=figure.alt_text,
            )
        )
        for size in WIDTHS
    }
    return {
        "id": figure.figure_id,
        "title": figure.title,
        "subtitle": figure.subtitle,
        "alt": figure.alt_text,
        "note": figure.note,
        "listing": figure.listing,
        "trails": [position.trails[trail] for trail in figure.trails],
        "columns": figure.table.columns,
        "rows": [[sections.cell(value) for value in row] for row in figure.table.iter_rows()],
        **svg,
    }


def _power_css() -> str:
    return "".join(f".p-{code}{{--power:{colour}}}" for code, colour in POWER_COLOURS.items()) + "\n"


@cache
def _template() -> Any:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _text(name: str) -> str:
    return files("betweengiants.report").joinpath("templates", name).read_text(encoding="utf-8")
