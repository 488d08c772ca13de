"""Everything that the server holds in memory: made once at start, never changed afterwards."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from betweengiants.dossier import Dossier
from betweengiants.position import Position, position
from betweengiants.position.live import Live
from betweengiants.report import write_report
from betweengiants.report.page import PAGE

Progress = Callable[[str], None]
MEDIA = {".csv": "text/csv; charset=utf-8", ".png": "image/png", ".json": "application/json"}
# Where links to the live pages go into the report's page; the first of them must be there.
LIVE_LINK = '<p class="note"><a href="/whatif">Ask your own what-if</a> · <a href="/sources">Sources, row by row</a></p>\n'
WHATIF_LINK = '<p><a href="/whatif">Choose powers, elasticity and closures yourself</a></p>\n'
_SOURCE = re.compile(r'(<li id="source-([^"]+)">)(<code>[^<]*</code>)')


@dataclass(frozen=True, eq=False)
class Site:
    """What is served.

    Attributes:
        position: the results.
        live: the engines.
        page: the report with links to the live pages.
        files: the report's other files by path, such as `tables/results.csv`.
        named: rows that name a source: source id, then table, then row places from 0.
    """

    position: Position
    live: Live
    page: str
    files: dict[str, bytes]
    named: dict[str, dict[str, list[int]]]


def build_site(dossier: Dossier, progress: Progress = lambda step: None) -> Site:
    """Compute the position and render the report once.

    Raises:
        BetweenGiantsError: from the engines.
    """
    progress("solving")
    result = position(dossier)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        written = write_report(result, folder, progress)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in written.files}
    page = with_links(files.pop(PAGE).decode("utf-8"))
    return Site(result, Live.of(result), page, files, named_rows(dossier))


def with_links(page: str) -> str:
    """The report's page with links to the live pages.

    Raises:
        ValueError: the page has no header to put them in.
    """
    head, end, rest = page.partition("</header>")
    if not end:
        raise ValueError("the report's page has no </header>")
    rest = rest.replace('<section id="whatif">\n', f'<section id="whatif">\n{WHATIF_LINK}', 1)
    rest = _SOURCE.sub(r'\1<a href="/sources/\2">\3</a>', rest)
    return f"{head}  {LIVE_LINK}{end}{rest}"


def named_rows(dossier: Dossier) -> dict[str, dict[str, list[int]]]:
    """For each source the rows of every table that name it."""
    named: dict[str, dict[str, list[int]]] = {source: {} for source in dossier.tables["sources"]["source_id"]}
    for table, frame in sorted(dossier.tables.items()):
        if table == "sources" or "source_id" not in frame.columns:
            continue
        for place, cell in enumerate(frame["source_id"]):
            for source in (cell or "").split(";"):
                if source in named:
                    named[source].setdefault(table, []).append(place)
    return named


def to_json(value: object) -> bytes:
    """JSON text that is the same for the same value; numbers unrounded."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")
