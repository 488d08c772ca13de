"""Between Giants: measure, map and stress-test how a state balances between great powers.

The public names load when first used:

    load_dossier(where)      read and check a dossier (folder, zip, or built-in name)
    position_of(dossier)     leverage, alignment and balance of its focal state
    write_report(result, folder)   the whole as one self-contained page

The engines are `betweengiants.trade`, `betweengiants.network` and `betweengiants.alignment`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betweengiants.dossier.reading import Dossier, load_dossier
    from betweengiants.position.assemble import Position
    from betweengiants.position.assemble import position as position_of
    from betweengiants.report.page import write_report

_HOMES = {
    "Dossier": ("dossier.reading", "Dossier"),
    "Position": ("position.assemble", "Position"),
    "load_dossier": ("dossier.reading", "load_dossier"),
    "position_of": ("position.assemble", "position"),
    "write_report": ("report.page", "write_report"),
}

__all__ = ["Dossier", "Position", "load_dossier", "position_of", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'betweengiants' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"betweengiants.{module}"), attribute)
