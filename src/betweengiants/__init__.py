"""Between Giants: measure, map and stress-test how a state balances between great powers.

The public names load when first used:

    load_dossier(where)      read and check a dossier (folder, zip, or built-in name)
    position(dossier)        leverage, alignment and balance of its focal state
    write_report(result, folder)   the whole as one self-contained page

The engines are `betweengiants.trade`, `betweengiants.network` and `betweengiants.alignment`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betweengiants.dossier.reading import Dossier, load_dossier
    from betweengiants.position.assemble import Position, position
    from betweengiants.report.page import write_report

_HOMES = {
    "Dossier": "dossier.reading",
    "Position": "position.assemble",
    "load_dossier": "dossier.reading",
    "position": "position.assemble",
    "write_report": "report.page",
}

__all__ = ["Dossier", "Position", "load_dossier", "position", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'betweengiants' has no attribute '{name}'")
    return getattr(import_module(f"betweengiants.{_HOMES[name]}"), name)
