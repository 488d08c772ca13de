"""Verdicts for readers: one line a claim for a screen, and ClaimReview of schema.org for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from betweengiants.dossier.claims import words

if TYPE_CHECKING:
    from betweengiants.dossier.reading import Dossier

MOST_LINES = 4
# Five is true, one is false; what cannot be verified has no number.
RATINGS = {"supported": 5, "imprecise": 3, "contradicted": 1, "implausible": 1}


def readers_table(checked: pl.DataFrame) -> pl.DataFrame:
    """One row a claim with id, combined verdict, the claim, the evidence in words and its sources."""
    rows = []
    for claim_id, part in _by_claim(checked):
        first = part[0]
        lines = [_evidence(first)] if len(part) == 1 else _briefly(part)
        rows.append(
            {
                "id": claim_id,
                "verdict": first["combined_verdict"],
                "claim": first["statement"],
                "evidence": _cut(lines),
                "source": _cut(_sources(part)),
            }
        )
    return pl.DataFrame(
        rows, schema=dict.fromkeys(("id", "verdict", "claim", "evidence", "source"), pl.String)
    )


def claim_review(
    dossier: Dossier,
    checked: pl.DataFrame,
    claims: pl.DataFrame,
    *,
    page: str = "index.html",
    author: str = "betweengiants",
) -> dict[str, Any]:
    """ClaimReview (schema.org) of every claim, as one JSON-LD graph.

    Args:
        dossier: whose sources are named.
        checked: what `check_claims` returned.
        claims: the claims; where they have a `source_id`, it says where the claim appeared.
        page: address of the page that shows the verdicts; a claim's own is `page#claim-ID`.
        author: who publishes the review.
    """
    known = {row["source_id"]: row for row in dossier.tables["sources"].iter_rows(named=True)}
    said = dict(zip(claims["claim_id"], claims["source_id"], strict=True)) if "source_id" in claims else {}
    graph = []
    for claim_id, part in _by_claim(checked):
        first = part[0]
        verdict = first["combined_verdict"]
        works = [_work(known[one]) for one in (said.get(claim_id) or "").split(";") if one in known]
        item: dict[str, Any] = {"@type": "Claim", "text": first["statement"]}
        if works:
            item |= {"appearance": works, "author": works[0]["publisher"]}
        rating = {"@type": "Rating", "alternateName": verdict, "ratingExplanation": _explained(part)}
        if verdict in RATINGS:
            rating |= {"ratingValue": RATINGS[verdict], "bestRating": 5, "worstRating": 1}
        used = [one for one in _sources(part) if one in known] if first["fact_rows"] else []
        graph.append(
            {
                "@type": "ClaimReview",
                "url": f"{page}#claim-{claim_id}",
                "claimReviewed": first["statement"],
                "author": {"@type": "Organization", "name": author},
                "itemReviewed": item,
                "reviewRating": rating,
                "isBasedOn": [_work(known[one]) for one in used],
            }
        )
    return {"@context": "https://schema.org", "@graph": graph}


def claim_review_text(dossier: Dossier, checked: pl.DataFrame, claims: pl.DataFrame, *, page: str) -> str:
    """`claim_review` as the text of a .jsonld file."""
    graph = claim_review(dossier, checked, claims, page=page)
    return json.dumps(graph, ensure_ascii=False, indent=1) + "\n"


def _by_claim(checked: pl.DataFrame) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for (claim_id,), part in checked.group_by("claim_id", maintain_order=True):
        yield str(claim_id), part.to_dicts()


def _evidence(row: dict[str, Any]) -> str:
    """The sum in words; the rule where another measure decided, or where there is no sum."""
    if not row["arithmetic"]:
        return str(row["rule"])
    return f"{row['arithmetic']} ({row['rule']})" if _by_another_measure(row) else str(row["arithmetic"])


def _briefly(part: list[dict[str, Any]]) -> list[str]:
    """One line a fact: verdict and value; then, once, what another measure says."""
    lines = _each_once(f"{row['verdict']}: {_value(row)}" for row in part)
    return lines + _each_once(
        f"{row['arithmetic'].split('; ')[-1]}: {row['rule']}" for row in part if _by_another_measure(row)
    )


def _value(row: dict[str, Any]) -> str:
    """The fact itself, or the sum where a fact alone says too little."""
    if row["kind"] != "quantity" or row["reference_value"] is None:
        return str(row["arithmetic"] or row["rule"]).split("; others: ")[0]
    basis = row["reference_basis"]
    aside = f", {basis}" if basis and basis != "reported" else ""
    value = words.stated(float(row["reference_value"]), row["reference_unit"])
    return f"{value} ({row['reference_period']}{aside})"


def _by_another_measure(row: dict[str, Any]) -> bool:
    """Whether a bound, a capacity or a section decided on a stated number."""
    return row["kind"] == "quantity" and ";" in (row["fact_rows"] or "")


def _explained(part: list[dict[str, Any]]) -> str:
    said = (
        f"{row['verdict']}: {row['arithmetic'] or ''} [{row['rule']}]".replace(":  [", ": [") for row in part
    )
    return "; ".join(_each_once(said))


def _sources(part: list[dict[str, Any]]) -> list[str]:
    return _each_once(source for row in part for source in (row["source_id"] or "").split(";") if source)


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _cut(lines: list[str]) -> str:
    more = len(lines) - MOST_LINES
    return "\n".join(lines if more < 2 else [*lines[:MOST_LINES], f"and {more} more"])


def _work(source: dict[str, Any]) -> dict[str, Any]:
    work: dict[str, Any] = {"@type": "CreativeWork", "name": source["title"]}
    if (source["url"] or "").startswith(("https://", "http://")):
        work["url"] = source["url"]
    if source["published"]:
        work["datePublished"] = source["published"]
    return work | {"publisher": {"@type": "Organization", "name": source["publisher"]}}
