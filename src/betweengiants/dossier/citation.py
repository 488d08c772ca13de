"""Sources as citations: BibTeX for a paper, CSL-JSON for a reference manager.

CSL-JSON after the schema of citationstyles.org (`csl-data.json`): every entry has `id` and `type`. BibTeX entries are `@misc`
with the publisher as author, since the sources are pages and data sets of organisations; text is UTF-8 (biber, or BibTeX
with the `inputenc` option utf8).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier.reading import Dossier

DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
# What TeX reads as a command, as plain characters.
TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
# Characters of an address that stay as they are; braces, blanks and backslashes are percent-encoded.
ADDRESS = "".join(chr(code) for code in range(33, 127) if chr(code) not in '{}\\"<>^`|')


def sources_of(dossier: Dossier, wanted: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Rows of sources.csv in the order of their ids.

    Args:
        dossier: the dossier.
        wanted: only these ids; by default all.

    Raises:
        UnknownLabel: an id that the dossier lacks.
    """
    rows = {str(row["source_id"]): row for row in dossier.tables["sources"].to_dicts()}
    chosen = sorted(rows if wanted is None else set(wanted))
    for name in chosen:
        if name not in rows:
            raise UnknownLabel(name, rows, what="source", file=dossier.header.paths["sources"])
    return [rows[name] for name in chosen]


def to_csl(sources: Sequence[dict[str, Any]]) -> str:
    """The sources as CSL-JSON text: one entry a source, with `id` and `type`."""
    return json.dumps([_csl(source) for source in sources], ensure_ascii=False, indent=1) + "\n"


def to_bibtex(sources: Sequence[dict[str, Any]]) -> str:
    """The sources as BibTeX text: one `@misc` a source; keys hold only letters, digits and `_ . : -`."""
    keys = _keys(str(source["source_id"]) for source in sources)
    return "\n".join(_bibtex(key, source) for key, source in zip(keys, sources, strict=True))


def _csl(source: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": source["source_id"],
        "type": "webpage" if _url(source) else "document",
        "title": source["title"],
        "author": [{"literal": source["publisher"]}],
        "publisher": source["publisher"],
    }
    url = _url(source)
    if url:
        entry["URL"] = url
    parts = _date(source["published"])
    if parts:
        entry["issued"] = {"date-parts": [parts]}
    note = _note(source)
    if note:
        entry["note"] = note
    return entry


def _bibtex(key: str, source: dict[str, Any]) -> str:
    parts = _date(source["published"])
    fields = {
        "author": f"{{{_tex(source['publisher'])}}}",
        "title": f"{{{_tex(source['title'])}}}",
        "year": str(parts[0]) if parts else "",
        "month": str(parts[1]) if len(parts) > 1 else "",
        "day": str(parts[2]) if len(parts) > 2 else "",
        "url": quote(_url(source), safe=ADDRESS),
        "note": _tex(_note(source)),
    }
    lines = [f"  {name} = {{{text}}}" for name, text in fields.items() if text]
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _keys(names: Iterable[str]) -> Iterator[str]:
    """Keys that BibTeX accepts; names that become alike get a number."""
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.:-]", "-", name)
        key, count = plain, 1
        while key.casefold() in taken:  # BibTeX does not tell capitals apart
            count += 1
            key = f"{plain}-{count}"
        taken.add(key.casefold())
        yield key


def _date(published: str | None) -> list[int]:
    """Year, month and day as far as they are known; nothing where the cell is no date."""
    found = DATE.fullmatch(published or "")
    return [int(part) for part in found.groups() if part] if found else []


def _url(source: dict[str, Any]) -> str:
    """The address alone; what stands behind it (a file, a commit) goes into the note."""
    return next(iter((source["url"] or "").split()), "")


def _note(source: dict[str, Any]) -> str:
    place = " ".join((source["url"] or "").split()[1:])
    return "; ".join(filter(None, (place, f"Terms of use: {source['licence']}", source["note"])))


def _tex(text: str) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(TEX.get(c, c) for c in plain)
