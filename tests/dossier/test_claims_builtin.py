"""The claims of the embedded dossier: verdicts pinned, and what has to hold for each of them."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.claims import (
    REASONS,
    VERDICTS,
    check_claims,
    claim_review,
    claim_review_text,
    readers_table,
)
from betweengiants.dossier.claims.bounds import Claimed, broken
from betweengiants.dossier.claims.evidence import Evidence
from betweengiants.dossier.claims.kinds import RECORD_TABLES
from betweengiants.dossier.claims.rules import USUAL
from betweengiants.dossier.schema import tables

PINNED = Path(__file__).with_name("claims_verdicts.csv")
# Two sources of the dossier that are at odds; its own note says why.
AT_ODDS = {("electricity_imports", "RUS", "2023"), ("electricity_imports", "WLD", "2023")}


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


@pytest.fixture(scope="module")
def checked(dossier: Dossier) -> pl.DataFrame:
    return check_claims(dossier)


@pytest.fixture(scope="module")
def by_id(checked: pl.DataFrame) -> dict[str, list[dict]]:
    return {str(name): part.to_dicts() for (name,), part in checked.group_by("claim_id", maintain_order=True)}


def test_verdicts_are_as_pinned(by_id) -> None:
    """A change here is a change of the evidence or of a rule: look at it, then pin it anew."""
    with PINNED.open(encoding="utf-8", newline="") as file:
        pinned = {row["claim_id"]: row["verdict"] for row in csv.DictReader(file)}
    assert {name: rows[0]["combined_verdict"] for name, rows in by_id.items()} == pinned


def test_most_claims_are_computed(dossier: Dossier, by_id) -> None:
    assert set(by_id) == set(dossier.tables["claims"]["claim_id"])
    computed = [rows for rows in by_id.values() if rows[0]["reason"] is None]
    assert len(computed) >= 60
    assert len([rows for rows in computed if rows[0]["combined_verdict"] != "unverifiable"]) >= 60
    assert {rows[0]["kind"] for rows in computed} == {
        "quantity",
        "date",
        "parties",
        "comparison",
        "ranking",
        "existence",
    }


def test_every_verdict_shows_its_ground(checked: pl.DataFrame) -> None:
    assert set(checked["verdict"]) | set(checked["combined_verdict"]) <= set(VERDICTS)
    for row in checked.iter_rows(named=True):
        assert row["rule"]
        if row["reason"] is not None:
            assert row["reason"] in REASONS
            assert row["verdict"] == "unverifiable"
        elif row["verdict"] != "unverifiable":
            assert row["arithmetic"]
            assert row["fact_rows"]


def test_the_rows_named_hold_the_sources_named(dossier: Dossier, checked: pl.DataFrame) -> None:
    for row in checked.filter(pl.col("fact_rows").is_not_null()).iter_rows(named=True):
        used = set()
        for place in row["fact_rows"].split(";"):
            table, at = place.split(":")
            source = dossier.tables[table].row(int(at) - 2, named=True).get("source_id")
            used |= set((source or "").split(";"))
        assert used - {""} == set(row["source_id"].split(";"))


@pytest.mark.parametrize(
    ("claim", "combined", "verdicts"),
    [
        ("energy-01", "implausible", {"implausible"}),  # 63 trillion cubic metres
        ("energy-02", "implausible", {"implausible"}),
        ("energy-03", "implausible", {"implausible"}),  # 88 bcm of exports
        ("energy-07", "imprecise", {"imprecise"}),  # 400,000 barrels a day: the capacity of one section
        ("energy-13", "imprecise", {"imprecise"}),  # and not what flows
        ("trade-01", "imprecise", {"supported", "contradicted"}),  # 44 billion
        ("transit-01", "supported", {"supported", "imprecise"}),  # the border
        ("transit-02", "contradicted", {"contradicted"}),  # the largest dry port
        ("finance-03", "contradicted", {"contradicted"}),  # the date of the locomotives
    ],
)
def test_what_the_article_is_known_for(by_id, claim: str, combined: str, verdicts: set[str]) -> None:
    assert by_id[claim][0]["combined_verdict"] == combined
    assert {row["verdict"] for row in by_id[claim]} == verdicts


def test_the_trade_claim_shows_both_statistics(by_id) -> None:
    found = {(row["reference_basis"], row["verdict"]) for row in by_id["trade-01"]}
    assert found == {("mirror", "supported"), ("reported", "contradicted")}


def test_exports_of_gas_break_the_bound_of_output(by_id) -> None:
    for row in by_id["energy-03"]:
        assert row["rule"].startswith("gas_exports cannot exceed gas_production_gross")
        assert "88 bcm, above 68.2 bcm (2025)" in row["arithmetic"]


def test_the_flow_is_converted_with_the_density_said(by_id) -> None:
    assert all(
        "400,000 bbl/d x 365 / 7.5 bbl/t = 19.47 Mt" in row["arithmetic"] for row in by_id["energy-13"]
    )


def test_the_locomotives_are_dated_to_september(by_id) -> None:
    assert [row["reference_value"] for row in by_id["finance-03"]] == ["2025-09-22"]
    assert by_id["finance-14"][0]["reference_value"] == "2025-09-22"


def test_every_fact_stated_as_a_claim_is_supported(dossier: Dossier) -> None:
    """Closure: the checker agrees with the evidence it reads, bounds included."""
    facts = dossier.tables["facts"].with_row_index("at")
    claims = facts.select(
        claim_id=pl.col("at").cast(pl.String),
        statement=pl.lit("as the fact says"),
        measure="measure",
        subject="subject",
        partner="partner",
        period="period",
        value="value",
        unit="unit",
        relation=pl.lit("="),
    )
    checked = check_claims(dossier, claims)
    supported = set(checked.filter(pl.col("verdict") == "supported")["claim_id"])
    assert set(claims["claim_id"]) - supported == set()


def test_the_evidence_keeps_its_own_bounds(dossier: Dossier) -> None:
    evidence = Evidence(dossier)
    at_odds = set()
    for measure, unit in evidence.units.items():
        for fact in evidence.facts(measure) if unit not in ("date", "parties") else ():
            claimed = Claimed(measure, fact.subject, fact.partner, fact.period, fact.number, fact.unit, "=")
            if not fact.is_part and not fact.is_ahead and broken(claimed, evidence, USUAL):
                at_odds.add((measure, fact.partner, fact.period))
    assert at_odds == AT_ODDS


def test_record_tables_have_the_columns_that_claims_ask(dossier: Dossier) -> None:
    for name, layout in RECORD_TABLES.items():
        columns = {field.name for field in tables()[name]}
        assert {*layout.who, *filter(None, (layout.start, layout.end))} <= columns
        if dossier.has(name):
            row = dossier.tables[name].row(0, named=True)
            assert layout.words.format_map(row)


def test_a_dossier_without_claims(dossier: Dossier) -> None:
    bare = Dossier(dossier.header, {k: v for k, v in dossier.tables.items() if k != "claims"}, {})
    with pytest.raises(DataError, match=r"without claims\.csv"):
        check_claims(bare)


# for readers and machines --------------------------------------------------------------------------------------


def test_the_readers_table_has_one_row_a_claim(checked: pl.DataFrame, by_id) -> None:
    table = readers_table(checked)
    assert table.columns == ["id", "verdict", "claim", "evidence", "source"]
    assert table["id"].to_list() == list(by_id)
    assert table.null_count().sum_horizontal().sum() == 0
    rows = {row["id"]: row for row in table.iter_rows(named=True)}
    assert rows["trade-01"]["verdict"] == "imprecise"
    shown = rows["trade-01"]["evidence"].splitlines()
    assert "supported: 43,820 million USD (2024, mirror)" in shown
    assert "contradicted: 30,157.6 million USD (2024)" in shown
    assert "gas_exports cannot exceed" in rows["energy-03"]["evidence"].splitlines()[-1]


def test_claim_review_has_what_schema_org_documents(dossier: Dossier, checked: pl.DataFrame, by_id) -> None:
    """ClaimReview: claimReviewed, reviewRating with alternateName, url, author and itemReviewed (a Claim)."""
    text = claim_review_text(dossier, checked, dossier.tables["claims"], page="https://example.org/kaz.html")
    graph = json.loads(text)
    assert graph["@context"] == "https://schema.org"
    assert [entry["claimReviewed"] for entry in graph["@graph"]] == [
        rows[0]["statement"] for rows in by_id.values()
    ]
    for claim_id, entry in zip(by_id, graph["@graph"], strict=True):
        assert entry["@type"] == "ClaimReview"
        assert entry["url"] == f"https://example.org/kaz.html#claim-{claim_id}"
        assert entry["author"] == {"@type": "Organization", "name": "betweengiants"}
        rating = entry["reviewRating"]
        assert rating["@type"] == "Rating"
        assert rating["alternateName"] == by_id[claim_id][0]["combined_verdict"]
        if rating["alternateName"] == "unverifiable":
            assert "ratingValue" not in rating
        else:
            assert rating["worstRating"] == 1 <= rating["ratingValue"] <= rating["bestRating"] == 5
            assert entry["isBasedOn"]
        item = entry["itemReviewed"]
        assert item["@type"] == "Claim"
        assert item["appearance"][0]["url"] == "https://doi.org/10.5281/zenodo.18616236"
        assert all(work["@type"] == "CreativeWork" and work["name"] for work in entry["isBasedOn"])
    assert text == claim_review_text(
        dossier, checked, dossier.tables["claims"], page="https://example.org/kaz.html"
    )


def test_claim_review_of_claims_without_a_source(dossier: Dossier, claims_of) -> None:
    claims = claims_of({"measure": "border_length", "partner": "RUS", "period": "2026", "value": "7600"})
    own = claims.drop("source_id")
    checked = check_claims(dossier, own.with_columns(unit=pl.lit("km"), relation=pl.lit("about")))
    (entry,) = claim_review(dossier, checked, own)["@graph"]
    assert entry["itemReviewed"] == {"@type": "Claim", "text": "s"}
    assert entry["reviewRating"]["alternateName"] == "supported"
    assert entry["url"] == "index.html#claim-c1"
