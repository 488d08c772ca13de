"""One position, one written report, changed copies of the dossier, and a reader of pages."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib.resources import as_file, files

import polars as pl
import pytest

from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.packing import pack
from betweengiants.position import Position
from betweengiants.position import position as solve
from betweengiants.position.results import SCHEMA
from betweengiants.report import Written, write_report
from betweengiants.report.beside import Beside
from betweengiants.report.figure import NARROW, Figure
from betweengiants.report.figures import all_figures
from betweengiants.report.page import render_page
from betweengiants.report.svg import render
from betweengiants.report.tables import report_tables

Rows = list[dict[str, str]]
Changes = Mapping[str, Callable[[Rows], Rows] | None]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass(eq=False)
class Element:
    """One element of a page with its children, which are elements or text."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str, within: str = "") -> list[Element]:
        return [e for e in self.walk() if e.tag in tags and (not within or e.inside(within))]

    def inside(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.inside(tag))

    def has_class(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Reader(HTMLParser):
    """Builds the tree and refuses what a strict reader would: elements left open, closed twice, doubled attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}> at {self.getpos()}"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)

    def finished(self) -> Element:
        self.close()
        assert self._open is self.root, f"<{self._open.tag}> is left open"
        return self.root


def read_page(text: str) -> Element:
    reader = Reader()
    reader.feed(text)
    return reader.finished()


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Element]:
    return read_page


@pytest.fixture(scope="session")
def position() -> Position:
    return solve(load_dossier())


@pytest.fixture(scope="session")
def bare_position() -> Position:
    """The dossier without any result, for what rests on the dossier alone."""
    return Position(load_dossier(), pl.DataFrame(schema=SCHEMA), {}, (), {})


@pytest.fixture(scope="session")
def beside(position: Position) -> Beside:
    return Beside(position)


@pytest.fixture(scope="session")
def figures(position: Position, beside: Beside) -> dict[str, Figure]:
    return all_figures(position, beside)


def quick(position: Position) -> Beside:
    """What stands beside a position, without other choices, which solve it twenty times again, and with a small index."""
    return Beside(position, base=64, solves_again=False)


@pytest.fixture(scope="session")
def figures_of() -> Callable[[Position], dict[str, Figure]]:
    """The figures of a changed position, see `quick`."""
    return lambda position: all_figures(position, quick(position))


@pytest.fixture(scope="session")
def written(position: Position, beside: Beside, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_report(position, tmp_path_factory.mktemp("report") / "out", beside=beside)


@pytest.fixture(scope="session")
def page_text(written: Written) -> str:
    return written.page.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(page_text: str) -> Element:
    return read_page(page_text)


@pytest.fixture(scope="session")
def page_of() -> Callable[..., str]:
    """A page whose figures are drawn in the narrow width only, to save time.

    Figures named in `without` are left out; of those in `undrawn` only the drawing is, with another in its place.
    """

    def make(position: Position, without: tuple[str, ...] = (), undrawn: tuple[str, ...] = ()) -> str:
        beside = quick(position)
        figures = {name: f for name, f in all_figures(position, beside).items() if name not in without}
        small = {name: render(figure.draw(NARROW)) for name, figure in figures.items() if name not in undrawn}
        small |= dict.fromkeys(undrawn, small["channels"])
        drawn = {(name, size): svg for name, svg in small.items() for size in ("wide", "narrow")}
        return render_page(position, figures, report_tables(position, figures, beside), drawn, beside)

    return make


@pytest.fixture(scope="session")
def with_tables(position: Position) -> Callable[..., Position]:
    """The position of the same dossier with other frames, other powers, or without some tables (None)."""
    dossier = position.dossier

    def make(*, powers: tuple[str, ...] | None = None, **frames: pl.DataFrame | None) -> Position:
        merged = dossier.tables | frames
        tables = {name: frame for name, frame in merged.items() if frame is not None}
        header = replace(dossier.header, powers=powers or dossier.powers)
        return solve(Dossier(header, tables, dossier.hashes))

    return make


@pytest.fixture(scope="session")
def repacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Changes], Position]:
    """The position of a copy on disk with tables dropped (None) or changed, packed and read again."""

    def make(changes: Changes) -> Position:
        folder = tmp_path_factory.mktemp("dossier") / "copy"
        with as_file(files("betweengiants.dossier").joinpath("builtin", "kazakhstan")) as original:
            shutil.copytree(original, folder)
        for table, change in changes.items():
            path = folder / f"{table}.csv"
            if change is None:
                path.unlink()
                continue
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                names, rows = list(reader.fieldnames or []), list(reader)
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, names, lineterminator="\n")
                writer.writeheader()
                writer.writerows(change(rows))
        pack(folder)
        return solve(load_dossier(folder))

    return make
