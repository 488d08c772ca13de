"""What the page's sections on domains, balance, time, peers and promises show beside their figures."""

from __future__ import annotations

from typing import Any

from betweengiants.report import deals
from betweengiants.report.balancechart import balance_sentences, driver_rows
from betweengiants.report.beside import Beside
from betweengiants.report.domainmatrix import domain_rows, unknown_sentence
from betweengiants.report.leveragelines import check_rows, moved_sentences


def beside_rows(found: Beside) -> dict[str, Any]:
    """Rows and sentences by the names that the templates use; empty where the dossier holds nothing."""
    position = found.position
    has_deals = deals.can_draw(position.dossier)
    return {
        "domains": domain_rows(position, found.domains) if found.domains is not None else [],
        "domains_unknown": unknown_sentence(found.domains) if found.domains is not None else "",
        "balance_told": balance_sentences(position, found.balance) if found.balance is not None else [],
        "drivers": driver_rows(found.balance) if found.balance is not None else [],
        "moved": moved_sentences(position, found.history),
        "check": check_rows(found.history),
        "counted": deals.counted_rows(position.dossier) if has_deals else [],
        "not_found": deals.not_found(position.dossier) if has_deals else 0,
    }
