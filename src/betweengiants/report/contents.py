"""The contents of the page: the sections that it has, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOVED = ("leverage-years", "votes", "ideal-points", "institutions")
PROMISES = ("deals", "plans")


def contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Id and name of every section that the templates will show with this context."""
    figures = context["figures"]
    listed = [
        ("answer", "The answer", True),
        ("where", "The position", True),
        ("channels", "Channels", True),
        ("map", "Oil routes", "oil-map" in figures),
        *((system["name"], system["title"], True) for system in context["systems"]),
        ("whatif", "What if", True),
        ("now", "What now", context["plan"]),
        ("domains", "Beyond money", "domains" in figures),
        ("balance", "Balance", True),
        ("moved", "How it moved", any(name in figures for name in MOVED)),
        ("peers", "Peers", "peers" in figures),
        ("promises", "Promised and delivered", any(name in figures for name in PROMISES)),
        ("claims", "Claims", context["claims"]),
        ("unknown", "What nobody knows", True),
        ("method", "Method", True),
        ("sources", "Sources", True),
    ]
    return [(section, name) for section, name, is_there in listed if is_there]
