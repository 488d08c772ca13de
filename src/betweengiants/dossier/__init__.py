"""One state's evidence: layout, reading, checking, claims."""

from betweengiants.dossier.reading import Dossier, builtin_names, load_dossier

__all__ = ["Dossier", "builtin_names", "load_dossier"]
