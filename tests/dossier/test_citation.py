"""References are read back by readers that know nothing of the writer."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.citation import sources_of, to_bibtex, to_csl

# The parts of the schema of CSL-JSON 1.0.2 (csl-data.json) that an entry of ours may use; nothing else is allowed.
CSL = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "type"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": ["string", "number"]},
            "type": {"enum": ["webpage", "document", "dataset", "report"]},
            "title": {"type": "string"},
            "author": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"literal": {"type": "string"}},
                },
            },
            "publisher": {"type": "string"},
            "URL": {"type": "string"},
            "note": {"type": "string"},
            "issued": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "date-parts": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 2,
                        "items": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 3,
                            "items": {"type": "integer"},
                        },
                    }
                },
            },
        },
    },
}
COMMANDS = {
    r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    **{f"\\{c}": c for c in "{}$&#%_"},
}


def plain(text: str) -> str:
    """TeX back to characters; a bare special character is an error."""
    out, at = "", 0
    while at < len(text):
        found = next((command for command in COMMANDS if text.startswith(command, at)), None)
        if found is None:
            assert text[at] not in "\\{}$&#%_^~", text
            out, at = out + text[at], at + 1
        else:
            out, at = out + COMMANDS[found], at + len(found)
    return out


def read_bibtex(text: str) -> dict[str, dict[str, str]]:
    """Entries by key, fields by name with the braces of the value taken off: brackets are counted, nothing is guessed."""
    entries: dict[str, dict[str, str]] = {}
    at = 0
    while (at := text.find("@", at)) >= 0:
        start = re.compile(r"@([a-z]+)\{([A-Za-z0-9_.:-]+),\n").match(text, at)
        assert start, text[at : at + 80]
        at = start.end()
        fields: dict[str, str] = {}
        while not text.startswith("}", at):
            field = re.compile(r"\s*([a-z]+) = \{").match(text, at)
            assert field, text[at : at + 80]
            at = end = field.end()
            depth = 1
            while depth:
                if text[end] == "\\":
                    end += 1
                else:
                    depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            fields[field[1]] = text[at : end - 1]
            at = end + (text[end] == ",")
            at += text[at] == "\n"
        assert start[2].casefold() not in {key.casefold() for key in entries}
        entries[start[2]] = fields
    return entries


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


def test_every_source_of_the_built_in_dossier_can_be_cited(dossier: Dossier) -> None:
    rows = sources_of(dossier)
    assert len(rows) == dossier.tables["sources"].height
    csl = json.loads(to_csl(rows))
    jsonschema.validate(csl, CSL)
    assert [entry["id"] for entry in csl] == sorted(dossier.tables["sources"]["source_id"])
    entries = read_bibtex(to_bibtex(rows))
    assert len(entries) == len(rows)
    for row, entry, cited in zip(rows, entries.values(), csl, strict=True):
        assert plain(entry["title"][1:-1]) == " ".join(row["title"].split())
        assert plain(entry["author"][1:-1]) == " ".join(row["publisher"].split())
        if row["published"]:
            assert [int(entry[k]) for k in ("year", "month", "day") if k in entry] == cited["issued"][
                "date-parts"
            ][0]
        assert row["licence"] in cited["note"]


def test_addresses_are_addresses(dossier: Dossier) -> None:
    """Some sources name a file behind the address; it goes to the note."""
    rows = [row for row in sources_of(dossier) if row["url"] and " " in row["url"]]
    assert rows
    for row, entry in zip(rows, json.loads(to_csl(rows)), strict=True):
        address, rest = row["url"].split(maxsplit=1)
        assert entry["URL"] == address
        assert rest in entry["note"]


def test_only_the_sources_asked_for(dossier: Dossier) -> None:
    wanted = ["kmg_ar2024", "article"]
    assert [row["source_id"] for row in sources_of(dossier, wanted)] == ["article", "kmg_ar2024"]
    with pytest.raises(UnknownLabel, match="did you mean kmg_ar20"):
        sources_of(dossier, ["kmg_ar202"])


SOURCE = {
    "source_id": "s",
    "publisher": "P",
    "title": "T",
    "url": None,
    "published": None,
    "licence": "CC0",
    "ship": "open",
    "note": None,
}


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "title": st.text(min_size=1),
                "publisher": st.text(alphabet=r"\{}$&#%_^~ ab@,=\"'" + "\u00e9\u0416\u4e2d", min_size=1),
                "source_id": st.text(alphabet="aA{ ,@\\%\u0416_", min_size=1),
                "published": st.sampled_from([None, "2024", "2024-05", "2024-05-06", "spring", "2024/2025"]),
                "note": st.none() | st.text(),
                "url": st.none() | st.text(alphabet=r"ht:/.{}\% \"#&ab" + "\u0416"),
            }
        ),
        max_size=4,
    )
)
def test_any_text_survives(changes: Sequence[Mapping[str, Any]]) -> None:
    rows = [SOURCE | dict(change) for change in changes]
    csl = json.loads(to_csl(rows))
    jsonschema.validate(csl, CSL)
    assert [entry["title"] for entry in csl] == [row["title"] for row in rows]
    entries = read_bibtex(to_bibtex(rows))
    assert len(entries) == len(rows)
    for row, entry in zip(rows, entries.values(), strict=True):
        shown = "".join(c if c.isprintable() else " " for c in row["title"])
        assert plain(entry.get("title", "{}")[1:-1]) == " ".join(shown.split())
        assert ("year" in entry) == bool(re.fullmatch(r"\d{4}(-\d\d){0,2}", row["published"] or ""))
        assert not set(entry.get("url", "")) & set('{}\\" ')


def test_a_small_dossier(make_dossier: Callable[..., Path], tmp_path: Path) -> None:
    entries = read_bibtex(to_bibtex(sources_of(load_dossier(make_dossier(tmp_path / "d")))))
    assert entries["s1"] == {
        "author": "{Office}",
        "title": "{Yearbook}",
        "year": "2025",
        "month": "3",
        "day": "1",
        "url": "https://example.org/a",
        "note": "Terms of use: CC0",
    }
    assert "month" not in entries["s2"]
