"""The descriptor `datapackage.json`: a Frictionless Data Package made from the layout and the files."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from betweengiants.core.errors import DataError, quoted
from betweengiants.dossier import schema

DESCRIPTOR = "datapackage.json"
MAX_DESCRIPTOR_BYTES = 5_000_000
MAX_LABEL = 500
MAX_HEADER = 100_000
# Every coalition of the powers is solved: ten powers are 1,023.
MAX_POWERS = 10
YEARS = range(1900, 2201)
# Characters that no title needs: control characters, halves of a pair, and marks that turn the direction of writing.
BAD_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
LICENCES = [
    {
        "name": "CC-BY-4.0",
        "title": "Creative Commons Attribution 4.0; terms of each source in sources.csv",
        "path": "https://creativecommons.org/licenses/by/4.0/",
    }
]
TYPES = {"text": "string", "number": "number", "integer": "integer", "flag": "boolean"}


@dataclass(frozen=True, slots=True)
class Header:
    """What the descriptor says about the dossier as a whole.

    Attributes:
        name, title, version: of the dossier.
        focal: code of the focal state.
        powers: codes of the powers, in the order in which they are shown.
        base_year: year to which the network and percent-of-GDP results belong.
        paths: file of each table, relative to the descriptor.
        created: day on which the dossier was made (ISO 8601), as far as the descriptor says so; else empty.
    """

    name: str
    title: str
    version: str
    focal: str
    powers: tuple[str, ...]
    base_year: int
    paths: dict[str, str]
    created: str = ""


def read_header(folder: Path) -> Header:
    """Read and check the descriptor of a dossier.

    Raises:
        DataError: it is missing, is not JSON, lacks something, or names a table that is unknown or not there.
    """
    package = _load(folder / DESCRIPTOR)
    header = replace(_about(package), paths=_paths(_entry(package, "resources", list), folder))
    missing = [table for table in schema.REQUIRED_TABLES if table not in header.paths]
    if missing:
        raise DataError(
            file=DESCRIPTOR,
            found=f"no resource '{missing[0]}'",
            allowed=f"at least {', '.join(schema.REQUIRED_TABLES)}",
        )
    return header


def describe(folder: Path) -> dict[str, Any]:
    """The descriptor of the tables that lie in `folder`, with sizes and SHA-256 sums.

    Name, title, version, licences, focal state, powers, base year and the paths of tables that lie elsewhere in the
    folder are taken from the descriptor that is there, as is everything that it says beyond this.

    Raises:
        DataError: it is missing, is not JSON, or lacks name, title, version, focal state, powers or base year.
    """
    package = _load(folder / DESCRIPTOR)
    header = _about(package)
    paths = {table: f"{table}.csv" for table in schema.tables() if (folder / f"{table}.csv").is_file()}
    old = package.get("resources")
    elsewhere = [entry for entry in old if _is_elsewhere(entry, folder)] if isinstance(old, list) else []
    named = _paths(elsewhere, folder)
    paths |= {table: path for table, path in named.items() if table not in paths}
    made = {
        "$schema": "https://datapackage.org/profiles/1.0/datapackage.json",
        "profile": "data-package",
        "name": header.name,
        "title": header.title,
        "version": header.version,
        "licenses": package.get("licenses", LICENCES),
        "betweengiants": {
            "focal": header.focal,
            "powers": list(header.powers),
            "base_year": header.base_year,
        }
        | package["betweengiants"],
        "resources": [_resource(folder, table, paths[table]) for table in schema.tables() if table in paths],
    }
    return made | {key: value for key, value in package.items() if key not in made}


def _is_elsewhere(resource: Any, folder: Path) -> bool:
    """Whether a resource of the old descriptor is a file that is there under a name of its own."""
    path = resource.get("path") if isinstance(resource, dict) else None
    return isinstance(path, str) and _lies_in(folder, path)


def changed_files(folder: Path) -> list[str]:
    """Tables whose bytes differ from the sums in the descriptor."""
    package = _load(folder / DESCRIPTOR)
    return [
        str(resource["path"])
        for resource in package.get("resources", [])
        if resource.get("hash") and resource["hash"] != f"sha256:{sha256(folder / resource['path'])}"
    ]


def sha256(path: Path) -> str:
    """SHA-256 sum of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _about(package: dict[str, Any]) -> Header:
    """Everything but the tables."""
    about = _entry(package, "betweengiants", dict)
    powers = _entry(about, "powers", list)
    if not powers or not all(isinstance(power, str) for power in powers) or len(set(powers)) < len(powers):
        raise DataError(
            file=DESCRIPTOR, found="no list of different powers", allowed='"powers": ["RUS", "CHN", ...]'
        )
    if len(powers) > MAX_POWERS:
        raise DataError(file=DESCRIPTOR, found=f"{len(powers)} powers", allowed=f"at most {MAX_POWERS}")
    return Header(
        name=_label(package, "name"),
        title=_label(package, "title"),
        version=_label(package, "version"),
        focal=_label(about, "focal"),
        powers=tuple(_label(dict(enumerate(powers)), at, "powers") for at in range(len(powers))),
        base_year=_year(about),
        paths={},
        created=_label(package, "created") if "created" in package else "",
    )


def _year(about: dict[str, Any]) -> int:
    year: int = _entry(about, "base_year", int)
    if year not in YEARS:
        raise DataError(
            file=DESCRIPTOR,
            found="a 'base_year' that no calendar has",
            allowed=f"a year from {YEARS[0]} to {YEARS[-1]}",
        )
    return year


def _load(path: Path) -> dict[str, Any]:
    if not _lies_in(path.parent, path.name):
        found = "a link" if path.is_symlink() else "no such file"
        raise DataError(file=path.name, found=found, allowed="a folder with a datapackage.json")
    if path.stat().st_size > MAX_DESCRIPTOR_BYTES:
        raise DataError(
            file=path.name, found="a very large file", allowed=f"at most {MAX_DESCRIPTOR_BYTES:,} bytes"
        )
    try:
        package = json.loads(path.read_bytes().decode("utf-8"))
        json.dumps(package, ensure_ascii=False).encode(
            "utf-8"
        )  # half a pair (\\ud800) cannot be written again
    except (ValueError, RecursionError) as error:
        raise DataError(
            file=path.name, found="text that is not JSON", allowed="a Data Package descriptor in UTF-8"
        ) from error
    if not isinstance(package, dict):
        raise DataError(
            file=path.name, found="JSON that is not an object", allowed="a Data Package descriptor"
        )
    return package


def _entry(mapping: Mapping[Any, Any], key: Any, kind: type) -> Any:
    value = mapping.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        found = f"no '{key}'" if value is None else f"'{key}' of the wrong kind"
        raise DataError(file=DESCRIPTOR, found=found, allowed=f"'{key}' as {_words(kind)}")
    return value


def _label(mapping: Mapping[Any, Any], key: Any, name: str = "") -> str:
    """A short text that can be printed anywhere."""
    text: str = _entry(mapping, key, str)
    bad = BAD_CHARACTERS.search(text)
    if bad or len(text) > MAX_LABEL:
        found = f"with the character U+{ord(bad[0]):04X}" if bad else f"of {len(text):,} characters"
        raise DataError(
            file=DESCRIPTOR,
            found=f"'{name or key}' {found}",
            allowed=f"text of at most {MAX_LABEL} characters that can be printed",
        )
    return text


def _words(kind: type) -> str:
    return {dict: "an object", list: "a list", str: "text", int: "a whole number"}[kind]


def _paths(resources: list[Any], folder: Path) -> dict[str, str]:
    paths: dict[str, str] = {}
    for resource in resources:
        if not isinstance(resource, dict):
            raise DataError(file=DESCRIPTOR, found="a resource that is not an object", allowed="objects")
        table, path = _entry(resource, "name", str), _entry(resource, "path", str)
        if table not in schema.tables():
            raise DataError(
                file=DESCRIPTOR, found=f"an unknown table {quoted(table)}", allowed=", ".join(schema.tables())
            )
        if table in paths:
            raise DataError(
                file=DESCRIPTOR, found=f"the resource {quoted(table)} twice", allowed="one for each table"
            )
        parts = PurePosixPath(path).parts
        if path.startswith(("/", "\\")) or ".." in parts or ":" in path or "\\" in path:
            raise DataError(
                file=DESCRIPTOR, found=f"the path {quoted(path)}", allowed="paths inside the dossier's folder"
            )
        if not _lies_in(folder, path):
            raise DataError(
                file=quoted(path).strip("'"),
                found="no such file in the dossier",
                allowed=f"the table '{table}'",
            )
        if not path.lower().endswith(".csv"):  # a small Parquet file may unpack to any size
            raise DataError(file=DESCRIPTOR, found=f"the path {quoted(path)}", allowed="tables as .csv")
        paths[table] = path
    return paths


def _lies_in(folder: Path, name: str) -> bool:
    """Whether `name` is a plain file of the folder, reached without leaving it through a link."""
    try:
        path = folder / name
        return path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
    except OSError:  # a name that is too long for a path
        return False


def _resource(folder: Path, table: str, name: str) -> dict[str, Any]:
    path = folder / name
    header = set(_header_line(path))
    fields = [field for field in schema.tables()[table] if not field.optional or field.name in header]
    description: dict[str, Any] = {
        "fields": [_field(field) for field in fields],
        "missingValues": [""],
        "primaryKey": schema.key_of(table),
    }
    foreign = [
        {
            "fields": field.name,
            "reference": {"resource": target, "fields": column},
        }
        for field in fields
        if field.reference and not field.is_list and "." in field.reference
        for target, column in [field.reference.split(".")]
        if field.required
    ]
    if foreign:
        description["foreignKeys"] = foreign
    return {
        "name": table,
        "path": name,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256(path)}",
        "schema": description,
    }


def _header_line(path: Path) -> list[str]:
    """Names of the columns that a file has."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return next(csv.reader([file.readline(MAX_HEADER)]), [])


def _field(field: schema.Field) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if field.required:
        constraints["required"] = True
    if field.enum:
        constraints["enum"] = list(field.enum)
    for name, bound in (("minimum", field.minimum), ("maximum", field.maximum)):
        if bound is not None:
            constraints[name] = int(bound) if field.kind == "integer" else bound
    described: dict[str, Any] = {
        "name": field.name,
        "type": TYPES[field.kind],
        "description": field.description,
    }
    if field.kind == "flag":
        described |= {"trueValues": ["true"], "falseValues": ["false"]}
    if constraints:
        described["constraints"] = constraints
    return described
