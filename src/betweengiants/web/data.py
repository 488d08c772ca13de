"""Answers as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.position.live import Answer
from betweengiants.position.whatif import DOMAINS, severance
from betweengiants.web import sentences
from betweengiants.web.query import address, read_fields
from betweengiants.web.site import Site

HORIZONS = ("short", "long")


def severance_rows(site: Site, query: str) -> list[dict[str, Any]]:
    """Rows of the long table, as `betweengiants sever --format json` prints them.

    Raises:
        UnknownLabel, DataError: a field, power, domain or horizon that is not known; no power.
    """
    fields = read_fields(query, ("by",), ("domain", "horizon"))
    if "by" not in fields:
        raise DataError(found="no power (by)", allowed=", ".join(site.position.dossier.powers))
    domain, horizon = (fields[name][0] if name in fields else None for name in ("domain", "horizon"))
    if domain is not None and domain not in DOMAINS:
        raise UnknownLabel(domain, DOMAINS, what="domain")
    if horizon is not None and horizon not in HORIZONS:
        raise UnknownLabel(horizon, HORIZONS, what="horizon")
    return severance(site.position, fields["by"], channel=domain, horizon=horizon).to_dicts()


def whatif_document(site: Site, answer: Answer) -> dict[str, Any]:
    """One live answer with its settings and trails."""
    header, hashes = site.position.dossier.header, site.position.dossier.hashes
    trade, oil = answer.trade, answer.oil
    used = sorted({table for trail in answer.trails for table in trail.tables})
    return {
        "question": asdict(answer.question),
        "address": f"/whatif?{address(answer.question, site.live)}",
        "sentence": sentences.sentence(answer, site.live),
        "focal": header.focal,
        "dossier": {"name": header.name, "version": header.version},
        "software": {"name": "betweengiants", "version": version("betweengiants")},
        "trade": trade
        and {
            "states": trade.states.to_dicts(),
            "elsewhere": trade.elsewhere.to_dicts(),
            "residual": trade.residual,
        },
        "oil": oil
        and {
            "loss": asdict(oil.loss),
            "elsewhere": [asdict(loss) for loss in oil.elsewhere],
            "markets": oil.markets.to_dicts(),
            "routes": oil.routes.to_dicts(),
            "detours": oil.detours.to_dicts(),
            "closed": oil.closed.to_dicts(),
            "notes": list(oil.notes),
        },
        "trails": [asdict(trail) for trail in answer.trails],
        "tables_sha256": {table: hashes[table] for table in used},
    }
