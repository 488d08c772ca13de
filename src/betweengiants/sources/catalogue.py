"""What can be read: one row for each source in catalogue.csv."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from betweengiants.core.errors import UnknownLabel


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the catalogue.

    Attributes:
        source: short name.
        title: what it is.
        publisher: who publishes it.
        version_pattern: regular expression with one group that finds the version in a file name; may be
        empty.
        files: patterns of the names that the publisher gives the files.
        licence: name of the licence.
        redistribution: whether the tables may be passed on.
        citation: how to cite it.
        landing_page: where a person gets it; the program never fetches it.
        instruction: which of the files to take.
    """

    source: str
    title: str
    publisher: str
    version_pattern: str
    files: tuple[str, ...]
    licence: str
    redistribution: bool
    citation: str
    landing_page: str
    instruction: str

    def version_of(self, path: Path) -> str | None:
        """The version that a file's name states, if it does."""
        found = re.search(self.version_pattern, path.name) if self.version_pattern else None
        return found[1] if found else None

    def matches(self, path: Path) -> bool:
        """Whether a file is named as the publisher names it."""
        return any(path.match(pattern) for pattern in self.files)


@cache
def catalogue() -> dict[str, Source]:
    """All sources by name."""
    text = files("betweengiants.sources").joinpath("catalogue.csv").read_text(encoding="utf-8")
    return {row["source"]: _source(row) for row in csv.DictReader(io.StringIO(text))}


def find_source(name: str) -> Source:
    """Look a source up.

    Raises:
        UnknownLabel: with the names that exist.
    """
    if name not in catalogue():
        raise UnknownLabel(name, catalogue(), what="source")
    return catalogue()[name]


def _source(row: dict[str, str]) -> Source:
    return Source(
        source=row["source"],
        title=row["title"],
        publisher=row["publisher"],
        version_pattern=row["version_pattern"],
        files=tuple(row["files"].split(";")),
        licence=row["licence"],
        redistribution=row["redistribution"] == "yes",
        citation=row["citation"],
        landing_page=row["landing_page"],
        instruction=row["instruction"],
    )
