"""Leverage and alignment joined into one position; the only room in which the engines meet."""

from betweengiants.position.assemble import Position, position
from betweengiants.position.results import autonomy, effective_vectors

__all__ = ["Position", "autonomy", "effective_vectors", "position"]
