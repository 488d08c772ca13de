"""Making the descriptor of a dossier anew after its tables were edited."""

from __future__ import annotations

import json
from pathlib import Path

from betweengiants.core.files import write_text
from betweengiants.dossier import descriptor


def pack(folder: Path) -> Path:
    """Rewrite `datapackage.json` from the tables in `folder`, keeping its name, title, version and settings.

    Raises:
        DataError: there is no descriptor, or it is broken.
        OutputError: it cannot be written.
    """
    package = descriptor.describe(folder)
    text = json.dumps(package, ensure_ascii=False, indent=1) + "\n"
    return write_text(folder / descriptor.DESCRIPTOR, text)
