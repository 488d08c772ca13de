"""The local store: tables read from files that the user downloaded, as Parquet, with a manifest beside them.

    STORE/<source>/<version>/<table>.parquet
    STORE/<source>/<version>/manifest.json     source, licence, citation, checksum of the raw file, rows
    STORE/raw/<source>/                        where `pull` looks for a downloaded file that no option names

Files are written whole and the manifest last, so a version without a manifest is not there. The same file
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.files import make_folder, write_bytes, write_text
from betweengiants.sources.baci import read_baci
from betweengiants.sources.base import Pulled
from betweengiants.sources.catalogue import Source, catalogue, find_source
from betweengiants.sources.voeten import read_voeten

MANIFEST = "manifest.json"
LAYOUT = 1
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
READERS: Mapping[str, Callable[[Path], Pulled]] = {"baci": read_baci, "voeten": read_voeten}
LISTED: dict[str, Any] = {
    "source": pl.String,
    "version": pl.String,
    "table": pl.String,
    "rows": pl.Int64,
    "raw_file": pl.String,
    "raw_sha256": pl.String,
    "retrieved": pl.String,
    "path": pl.String,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What one pull put into the store.

    Attributes:
        tables: source, table, rows, path; sorted by table.
        notes: sentences of the reader.
        version: folder name under the source.
    """

    tables: pl.DataFrame
    notes: tuple[str, ...]
    version: str


def store_folder(given: Path | str | None = None) -> Path:
    """The store: the folder given, or BETWEENGIANTS_STORE, or the platform's folder for a user's data."""
    if given is not None:
        return Path(given)
    if named := os.environ.get("BETWEENGIANTS_STORE"):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "betweengiants"


def pull_file(
    source: str,
    file: Path | str | None = None,
    store: Path | str | None = None,
    *,
    version: str | None = None,
    retrieved: date | None = None,
    replace: bool = False,
) -> Stored:
    """Read a downloaded file into the store.

    Args:
        source: a name of the catalogue.
        file: the file (default: the one file under STORE/raw/<source> that is named as the publisher names
        it).
        store: see `store_folder`.
        version: name of the version (default: from the file's name, else from its checksum).
        retrieved: the day on which the file was downloaded (default: the day of its last change, UTC).
        replace: put another file in the place of one of the same version.

    Raises:
        UnknownLabel: no such source.
        DataError: no file, a file that the reader refuses, or another file of this version is in the store.
        OutputError: the store cannot be written to.
    """
    entry, folder = find_source(source), store_folder(store)
    raw = Path(file) if file is not None else _downloaded(entry, folder)
    if not raw.is_file():
        raise DataError(file=str(raw), found="no such file", allowed=_wanted(entry, folder))
    checksum = _sha256(raw)
    name = version or entry.version_of(raw) or f"sha256-{checksum[:12]}"
    if VERSION.fullmatch(name) is None:
        raise DataError(
            found=f"version '{name}'", allowed="letters, digits, '.', '_' and '-', the first no mark"
        )
    place = folder / entry.source / name
    if not replace and (place / MANIFEST).is_file():
        _require_same(place / MANIFEST, checksum, name)
    pulled = READERS[entry.source](raw)
    day = retrieved or datetime.fromtimestamp(raw.stat().st_mtime, UTC).date()
    make_folder(place)
    written = {table: _write(place, table, frame) for table, frame in sorted(pulled.tables.items())}
    manifest = _manifest(entry, name, raw, checksum, day) | {"tables": written, "notes": list(pulled.notes)}
    write_text(place / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    rows = [
        (entry.source, table, about["rows"], str(place / about["file"])) for table, about in written.items()
    ]
    schema = {column: LISTED[column] for column in ("source", "table", "rows", "path")}
    return Stored(pl.DataFrame(rows, schema=schema, orient="row"), pulled.notes, name)


def list_store(store: Path | str | None = None) -> pl.DataFrame:
    """What the store holds: source,version,table,rows,raw_file,raw_sha256,retrieved,path, sorted.

    Raises:
        DataError: a manifest that cannot be read.
    """
    folder = store_folder(store)
    rows = []
    for path in sorted(folder.glob(f"*/*/{MANIFEST}")):
        manifest = _load(path)
        try:
            raw = manifest["raw"]
            for table, about in sorted(manifest["tables"].items()):
                rows.append(
                    (
                        manifest["source"],
                        manifest["version"],
                        table,
                        int(about["rows"]),
                        raw["file"],
                        raw["sha256"],
                        manifest["retrieved"],
                        str(path.parent / about["file"]),
                    )
                )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise _broken(path) from error
    return pl.DataFrame(rows, schema=LISTED, orient="row").sort("source", "version", "table")


def list_sources() -> pl.DataFrame:
    """What can be pulled: source,title,publisher,licence,files,landing_page, sorted."""
    rows = [
        (s.source, s.title, s.publisher, s.licence, ";".join(s.files), s.landing_page)
        for s in sorted(catalogue().values(), key=lambda s: s.source)
    ]
    columns = ["source", "title", "publisher", "licence", "files", "landing_page"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def _downloaded(source: Source, store: Path) -> Path:
    """The one file in the store's raw folder that is named as the publisher names it."""
    place = store / "raw" / source.source
    found = sorted(path for path in place.glob("*") if path.is_file() and source.matches(path))
    if len(found) == 1:
        return found[0]
    names = f"{len(found)} files ({', '.join(path.name for path in found[:4])})" if found else "no file"
    raise DataError(found=f"{names} of {source.source} in {place}", allowed=_wanted(source, store))


def _wanted(source: Source, store: Path) -> str:
    return (
        f"{source.instruction} ({' or '.join(source.files)}) from {source.landing_page}, named with --file "
        f"or put into {store / 'raw' / source.source}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_same(manifest: Path, checksum: str, version: str) -> None:
    try:
        before = _load(manifest)["raw"]
        same = before["sha256"] == checksum
        name = before["file"]
    except (KeyError, TypeError) as error:
        raise _broken(manifest) from error
    if not same:
        raise DataError(
            found=f"version {version} in the store already, read from other bytes ({name})",
            allowed="another version name, or --replace",
        )


def _write(place: Path, table: str, frame: pl.DataFrame) -> dict[str, Any]:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    data = buffer.getvalue()
    write_bytes(place / f"{table}.parquet", data)
    return {
        "file": f"{table}.parquet",
        "rows": frame.height,
        "columns": frame.columns,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _manifest(source: Source, version: str, raw: Path, checksum: str, day: date) -> dict[str, Any]:
    return {
        "layout": LAYOUT,
        "source": source.source,
        "version": version,
        "title": source.title,
        "publisher": source.publisher,
        "licence": source.licence,
        "redistribution": source.redistribution,
        "citation": source.citation,
        "landing_page": source.landing_page,
        "raw": {"file": raw.name, "bytes": raw.stat().st_size, "sha256": checksum},
        "retrieved": day.isoformat(),
        "reader": f"betweengiants {package_version('betweengiants')}",
    }


def _load(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(path) from error
    if not isinstance(manifest, dict):
        raise _broken(path)
    return manifest


def _broken(path: Path) -> DataError:
    return DataError(
        file=str(path), found="a manifest that cannot be read", allowed="one that `pull` has written"
    )
