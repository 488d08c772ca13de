"""Claims as the page shows them: what was claimed, the evidence in words, the verdict."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from betweengiants.report.words import signed

CODE = re.compile(r"\b[A-Z]{3}\b|\bEU27\b")
WRITTEN = (
    (re.compile(r"\bbcm/a\b"), "bn m³ a year"),
    (re.compile(r"\bbcm\b"), "bn m³"),
    (re.compile(r"\bm3\b"), "m³"),
    (re.compile(r"\bnot named\b"), "in the evidence only:"),
    (re.compile(r"\bnot in the evidence\b"), "in the claim only:"),
    (re.compile(r"\bnamed (?=\S)"), "the claim names "),
    (re.compile(r"\bevidence (?=[A-Z])"), "the evidence names "),
)
"""What checks write in short, and what the page says instead."""
VERDICT_ORDER = ("implausible", "contradicted", "imprecise", "supported", "unverifiable")


def claim_rows(claims: pl.DataFrame | None, names: dict[str, str]) -> list[dict[str, Any]]:
    """Claims grouped: one row a claim with its combined verdict and the evidence used, the doubtful ones first."""
    if claims is None:
        return []
    rows = []
    for (claim_id,), part in claims.group_by("claim_id", maintain_order=True):
        first = part.row(0, named=True)
        rows.append(
            {
                "claim_id": claim_id,
                "statement": first["statement"],
                "claimed": _claimed(first, names),
                "verdict": first["combined_verdict"],
                "reason": first["reason"],
                "evidence": [
                    {
                        "text": evidence_words(row["arithmetic"], names)
                        or _quantity("", row["reference_value"], row["reference_unit"], names),
                        "verdict": row["verdict"],
                        "rule": row["rule"],
                        "sources": row["source_id"].split(";"),
                    }
                    for row in part.to_dicts()
                    if row["fact_rows"] is not None
                ],
                "note": first["note"],
                "sources": first["source_id"].split(";"),
            }
        )
    return sorted(rows, key=lambda row: (VERDICT_ORDER.index(row["verdict"]), str(row["claim_id"])))


def evidence_words(arithmetic: str | None, names: dict[str, str]) -> str:
    """The arithmetic of a check with names for codes, units as the page writes them, and real minus signs."""
    if not arithmetic:
        return ""
    text = CODE.sub(lambda match: names.get(match[0], match[0]), arithmetic)
    for pattern, plain in WRITTEN:
        text = pattern.sub(plain, text)
    return signed(text)


def _claimed(claim: dict[str, Any], names: dict[str, str]) -> str:
    """What a claim states, by its kind."""
    relation, value = claim["relation"], claim["value"]
    if claim["kind"] == "ranking":
        if relation == "top":
            return f"among the {value} largest"
        return f"the {relation}" if value in (None, "1") else f"number {value} from the {relation}"
    if claim["kind"] == "existence":
        return "on record" if value != "no" else "not on record"
    if claim["kind"] == "comparison":
        other = ", ".join(names.get(part, part) for part in _others(claim["against"]))
        sign = RELATION_WORDS[relation or ">"] + ("" if value is None else f"{value} times ")
        return f"{sign}{other}"
    return _quantity(relation, value, claim["unit"], names)


def _others(against: str) -> list[str]:
    return [piece.partition("=")[2].strip() for piece in against.split(";")]


RELATION_WORDS = {
    "=": "",
    "": "",
    ">=": "at least ",
    "<=": "at most ",
    "about": "about ",
    ">": "more than ",
    "<": "less than ",
}


def _quantity(relation: str | None, value: str | None, unit: str | None, names: dict[str, str]) -> str:
    if value is None:
        return ""
    sign = RELATION_WORDS[relation or ""]
    if unit == "parties":
        return sign + ", ".join(names.get(party, party) for party in value.split(";"))
    if unit == "date":
        return sign + value
    return f"{sign}{float(value):,.10g} {unit_words(unit)}".rstrip()


def unit_words(unit: str | None) -> str:
    """A unit as the page writes it."""
    plain = {
        "usd_m": "million USD",
        "usd_bn": "billion USD",
        "pct": "%",
        "share": "(share)",
        "count": "",
        "million_t": "million tonnes",
        "million_t_per_year": "million tonnes a year",
        "bbl_per_day": "barrels a day",
        "bcm": "bn m³",
        "bcm_per_year": "bn m³ a year",
        "trillion_m3": "trillion m³",
        "teu": "TEU",
    }
    return plain.get(unit or "", unit or "")
