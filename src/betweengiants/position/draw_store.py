"""Draws kept on disk, so that the same question is not solved twice.

A file is named by the hash of all that its numbers depend on: the tables that enter, the number of draws, the seed and the
code of the engines. What cannot be read is solved anew; what cannot be written is not kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from betweengiants.core.errors import OutputError
from betweengiants.core.files import make_folder, write_bytes
from betweengiants.dossier import Dossier
from betweengiants.position.coupled_draws import CoupledDraws, frame_of

ROOMS = ("core", "dossier", "trade", "network", "position")
"""Packages whose code the draws depend on."""
PREFIXES = ("trade_matrix", "io_", "network_", "parameters", "uncertainty")


def default_folder() -> Path:
    """`BETWEENGIANTS_CACHE`, else the user's folder for caches."""
    if named := os.environ.get("BETWEENGIANTS_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "betweengiants"


def key(dossier: Dossier, draws: int, seed: int) -> str:
    """SHA-256 of what the draws depend on."""
    tables = {name: digest for name, digest in sorted(dossier.hashes.items()) if name.startswith(PREFIXES)}
    asked = {
        "code": _code(),
        "focal": dossier.focal,
        "powers": dossier.powers,
        "tables": tables,
        "draws": draws,
        "seed": seed,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    """SHA-256 of the modules that make the numbers, so that draws of an older method are never taken for new ones."""
    digest = hashlib.sha256()
    for room in ROOMS:
        modules = [
            part for part in files("betweengiants").joinpath(room).iterdir() if part.name.endswith(".py")
        ]
        for module in sorted(modules, key=lambda part: part.name):
            digest.update(f"{room}/{module.name}\0".encode() + module.read_bytes() + b"\0")
    return digest.hexdigest()


def load(folder: Path, dossier: Dossier, draws: int, seed: int) -> CoupledDraws | None:
    """Draws that were kept, or None."""
    path = folder / f"draws-{key(dossier, draws, seed)[:32]}.npz"
    empty = frame_of(dossier, seed)
    try:
        with np.load(path, allow_pickle=False) as kept:
            loss, inputs = kept["loss"], kept["inputs"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if loss.shape != (draws, *empty.loss.shape[1:]) or inputs.shape != (draws, len(empty.names)):
        return None
    return empty.filled(loss, inputs)


def save(folder: Path, dossier: Dossier, found: CoupledDraws) -> None:
    """Keep draws; a folder that cannot be written to keeps none."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, loss=found.loss, inputs=found.inputs)
    name = f"draws-{key(dossier, found.loss.shape[0], found.seed)[:32]}.npz"
    try:
        write_bytes(make_folder(folder) / name, buffer.getvalue())
    except OutputError:
        return
