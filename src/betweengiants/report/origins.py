"""Where every number comes from: the trails at the end of the page, and the list of sources."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.report import balancechart, otherchoices

TITLES = {
    "coupled": "Trade and roads together",
    "trade": "Trade",
    "trade_detail": "Trade by sector, and yardsticks",
    "oil_transit": "Oil routes",
    "gas_transit": "Gas routes",
    "freight_transit": "Rail and sea freight",
    "votes": "Votes",
    "institutions": "Institutions",
    "alignment": "Composite alignment",
    "domains": "Domains without a price",
    "history": "Time",
    "autonomy_frontier": "Autonomy frontier",
    "balance": "Balance index",
    "alternatives": "The headline under other choices",
    "ideal_points": "Ideal points",
    "comparison": "Peers",
    "deals": "Deals: announced, signed, delivered",
    "plans": "Official targets",
}
RESTS = {balancechart.TRAIL: balancechart.BASIS, otherchoices.TRAIL: otherchoices.BASIS}
"""Trails whose sources are those of others."""


def trail_rows(position: Position) -> list[dict[str, Any]]:
    """Model, range, settings, tables with their sums, and sources of each channel."""
    return [
        {
            "id": trail.trail,
            "title": TITLES[trail.trail],
            "model": trail.model,
            "interval": trail.interval,
            "parameters": [
                (name, value if isinstance(value, str) else f"{value:g}")
                for name, value in sorted(trail.parameters.items())
            ],
            "tables": [(name, position.dossier.hashes[name]) for name in trail.tables],
            "sources": trail.sources,
            "rests": [(name, TITLES[name]) for name in RESTS.get(trail.trail, ()) if name in position.trails],
        }
        for trail in position.trails.values()
    ]


class Cited:
    """The sources that a page links to, noted while it is written, and listed at its end."""

    def __init__(self, dossier: Dossier) -> None:
        self._rows = {row["source_id"]: row for row in dossier.tables["sources"].to_dicts()}
        self._seen: set[str] = set()

    def cite(self, source: str) -> str:
        """The id itself; the source will be in the list."""
        self._seen.add(source)
        return source

    def listed(self) -> list[dict[str, Any]]:
        """Rows of the sources cited so far, with the host that each address leads to (empty for what is no web address)."""
        return [
            row | {"host": host(row["url"] or "")} for name, row in self._rows.items() if name in self._seen
        ]

    @property
    def others(self) -> int:
        """How many sources of the dossier no number of the page has led to so far."""
        return len(self._rows.keys() - self._seen)


def host(url: str) -> str:
    """`https://www.example.org/a` -> `example.org`; empty for anything but http and https, or with spaces."""
    if " " in url or not url.startswith(("http://", "https://")):
        return ""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
