"""Bounds across measures, capacities taken for flows, sections of a way: hand cases and properties."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.dossier.claims import Tolerances, check_claims

EXPORTS_OUTPUT = {"measure": "exports", "relation": "at_most", "other": "output"}
GAS = [
    {"measure": "exports", "value": "4.6", "unit": "bcm", "period": "2022"},
    {"measure": "exports", "value": "19.4", "unit": "bcm", "period": "2018"},
    {"measure": "output", "value": "59", "unit": "bcm", "period": "2024"},
    {"measure": "output", "value": "68.2", "unit": "bcm", "period": "2025"},
]


def number(measure: str, value: str, unit: str = "bcm", **more: str | None) -> dict[str, str | None]:
    return {"measure": measure, "value": value, "unit": unit, "relation": "=", "period": None} | more


def verdicts(evidence, claims) -> list[str]:
    return (
        check_claims(evidence, claims).unique("claim_id", maintain_order=True)["combined_verdict"].to_list()
    )


def test_exports_above_output_are_implausible(dossier_of, claims_of) -> None:
    evidence = dossier_of(GAS, bounds=[EXPORTS_OUTPUT])
    rows = check_claims(evidence, claims_of(number("exports", "88")))
    assert rows["verdict"].to_list() == ["implausible"] * 2
    assert rows["rule"].to_list() == ["exports cannot exceed output"] * 2
    assert rows["arithmetic"][0] == (
        "88 bcm against 19.4 bcm (2018): ratio 4.536; 88 bcm, above 68.2 bcm (2025)"
    )
    assert rows["fact_rows"].to_list() == ["facts:3;facts:5", "facts:2;facts:5"]
    without = check_claims(dossier_of(GAS), claims_of(number("exports", "88")))
    assert without["verdict"].to_list() == ["contradicted", "implausible"]


def test_a_bound_answers_where_the_measure_has_no_fact(dossier_of, claims_of) -> None:
    evidence = dossier_of(GAS, bounds=[EXPORTS_OUTPUT])
    rows = check_claims(
        evidence,
        claims_of(number("exports", "88", period="2026"), number("exports", "60", period="2026")),
    )
    assert rows["verdict"].to_list() == ["implausible", "unverifiable"]
    assert rows["reference_value"].to_list() == ["68.2", None]


@pytest.mark.parametrize(
    ("relation", "value", "verdict"),
    [
        ("=", "69.5", "contradicted"),  # within the rounding that bounds are given
        ("=", "69.7", "implausible"),
        ("about", "88", "implausible"),
        (">=", "88", "implausible"),
        ("<=", "88", "supported"),  # at most 88 says nothing that a ceiling forbids
    ],
)
def test_relations_under_a_bound(dossier_of, claims_of, relation: str, value: str, verdict: str) -> None:
    evidence = dossier_of(GAS[:1] + GAS[3:], bounds=[EXPORTS_OUTPUT])
    # exports of 30 keep the plain rule from calling the claim implausible by its size alone
    evidence.tables["facts"] = evidence.tables["facts"].with_columns(
        value=pl.col("value").replace("4.6", "30")
    )
    assert verdicts(evidence, claims_of(number("exports", value, relation=relation))) == [verdict]


def test_the_bound_of_the_same_period_comes_first(dossier_of, claims_of) -> None:
    evidence = dossier_of(GAS, bounds=[EXPORTS_OUTPUT])
    claims = claims_of(number("exports", "62", period="2024"), number("exports", "62", period="2025"))
    assert verdicts(evidence, claims) == ["implausible", "unverifiable"]


def test_further_measures_add_to_the_whole(dossier_of, claims_of) -> None:
    bound = EXPORTS_OUTPUT | {"plus": "imports;stock"}
    measures = {"imports": "bcm", "stock": "bcm"}
    imports = {"measure": "imports", "value": "22", "unit": "bcm", "period": "2025"}
    claims = claims_of(number("exports", "88"))
    bare = check_claims(dossier_of(GAS, bounds=[bound], measures=measures), claims)
    assert bare["rule"][0] == "exports cannot exceed output plus imports (no fact) plus stock (no fact)"
    more = check_claims(dossier_of([*GAS, imports], bounds=[bound], measures=measures), claims)
    assert more["verdict"].to_list() == [
        "contradicted",
        "implausible",
    ]  # by their size, no longer by the bound
    less = check_claims(
        dossier_of([*GAS, imports | {"value": "10"}], bounds=[bound], measures=measures), claims
    )
    assert less["arithmetic"][0].endswith("88 bcm, above 68.2 bcm (2025) plus 10 bcm")
    assert less["fact_rows"][0] == "facts:3;facts:5;facts:6"


def test_a_claim_that_a_fact_supports_is_not_implausible(dossier_of, claims_of) -> None:
    facts = [*GAS, {"measure": "exports", "value": "90", "unit": "bcm", "period": "2025"}]
    rows = check_claims(dossier_of(facts, bounds=[EXPORTS_OUTPUT]), claims_of(number("exports", "90")))
    assert sorted(rows["verdict"]) == ["implausible", "implausible", "supported"]
    assert set(rows["combined_verdict"]) == {"imprecise"}


def test_more_than_sets_no_ceiling_and_up_to_no_floor(dossier_of, claims_of) -> None:
    more_than = [{"measure": "output", "value": "68", "low": 68.0, "unit": "bcm"}]
    claims = claims_of(number("exports", "88"), number("output", "3"))
    assert verdicts(dossier_of(more_than, bounds=[EXPORTS_OUTPUT], measures={"exports": "bcm"}), claims)[
        0
    ] == ("unverifiable")
    up_to = [{"measure": "exports", "value": "20", "high": 20.0, "unit": "bcm"}]
    assert verdicts(dossier_of(up_to, bounds=[EXPORTS_OUTPUT], measures={"output": "bcm"}), claims)[1] == (
        "unverifiable"
    )


WHOLE = {"measure": "trade", "relation": "at_most", "other": "trade", "other_partner": "WLD"}


def test_a_part_cannot_exceed_its_whole(dossier_of, claims_of) -> None:
    facts = [
        {"measure": "trade", "partner": "CHN", "value": "30", "unit": "usd_bn"},
        {"measure": "trade", "partner": "RUS", "value": "28", "unit": "usd_bn"},
        {"measure": "trade", "partner": "WLD", "value": "142", "unit": "usd_bn"},
    ]
    evidence = dossier_of(facts, bounds=[WHOLE])
    claims = claims_of(
        number("trade", "150", "usd_bn", partner="CHN"),
        number("trade", "140", "usd_bn", partner="CHN"),
        number("trade", "29", "usd_bn", partner="WLD"),
        number("trade", "31", "usd_bn", partner="WLD"),
    )
    assert verdicts(evidence, claims) == ["implausible", "contradicted", "implausible", "contradicted"]
    assert "trade cannot be less than trade" in set(check_claims(evidence, claims)["rule"])


@pytest.mark.parametrize("unit", ["share", "pct"])
def test_shares_lie_between_zero_and_one(dossier_of, claims_of, unit: str) -> None:
    one = {"share": 1, "pct": 100}[unit]
    facts = [{"measure": "part", "value": repr(0.9 * one), "unit": unit}]
    evidence = dossier_of(facts, ranges={"part": (0, one)} if unit == "pct" else None)
    claims = claims_of(
        number("part", "1.01", "share"), number("part", "-0.01", "share"), number("part", "100", "pct")
    )
    assert verdicts(evidence, claims) == ["implausible", "implausible", "imprecise"]


AMOUNTS = st.floats(1, 1e4)


def known(measure: str, value: float) -> dict[str, str]:
    return {"measure": measure, "value": repr(value), "unit": "bcm"}


@given(stated=AMOUNTS, limit=AMOUNTS, tolerance=st.floats(0, 0.5))
def test_bounds_are_symmetric(dossier_of, claims_of, stated, limit, tolerance) -> None:
    """A part above its whole is implausible exactly when that whole, claimed, lies below that part."""
    units = {"exports": "bcm", "output": "bcm"}
    whole_known = dossier_of([known("output", limit)], bounds=[EXPORTS_OUTPUT], measures=units)
    part_known = dossier_of([known("exports", stated)], bounds=[EXPORTS_OUTPUT], measures=units)
    for period in (None, "2024"):
        above, below = (
            check_claims(evidence, claims, tolerances=Tolerances.widened(tolerance))["verdict"][0]
            for evidence, claims in (
                (whole_known, claims_of(number("exports", repr(stated), period=period))),
                (part_known, claims_of(number("output", repr(limit), period=period))),
            )
        )
        assert above == below
        if abs(stated / limit / (1 + tolerance) - 1) > 1e-6:
            assert (above == "implausible") == (stated > limit * (1 + tolerance))


@given(stated=AMOUNTS, fact=AMOUNTS, limit=AMOUNTS, size=st.floats(0, 0.4), more=st.floats(0, 0.4))
def test_a_wider_tolerance_never_judges_worse_under_a_bound(
    dossier_of, claims_of, stated, fact, limit, size, more
) -> None:
    rank = ["supported", "imprecise", "contradicted", "implausible"]
    evidence = dossier_of([known("exports", fact), known("output", limit)], bounds=[EXPORTS_OUTPUT])
    claims = claims_of(number("exports", repr(stated)))
    tight, wide = (
        rank.index(check_claims(evidence, claims, tolerances=Tolerances.widened(width))["verdict"][0])
        for width in (size, size + more)
    )
    assert wide <= tight


# capacities and sections ---------------------------------------------------------------------------------------

CAPACITY = {
    "measure": "by_route",
    "relation": "capacity",
    "other": "capacity",
    "other_subject": "partner",
    "other_partner": "none",
}
ROUTE: list[dict[str, Any]] = [
    {"measure": "by_route", "partner": "route", "value": "1.2", "unit": "million_t"},
    {"measure": "capacity", "subject": "route", "value": "20", "unit": "million_t_per_year"},
    {"measure": "capacity", "subject": "other", "value": "6", "unit": "million_t_per_year"},
]


def test_a_flow_that_has_the_value_of_the_capacity_is_imprecise(dossier_of, claims_of) -> None:
    evidence = dossier_of(ROUTE, bounds=[CAPACITY])
    claims = claims_of(
        number("by_route", "400000", "bbl_per_day", partner="route", relation="about"),
        number("by_route", "10", "million_t", partner="route"),
        number("by_route", "1.2", "million_t", partner="route"),
        number("by_route", "20", "million_t", partner="route", relation=">="),
    )
    rows = check_claims(evidence, claims)
    assert rows["verdict"].to_list() == ["imprecise", "contradicted", "supported", "contradicted"]
    assert rows["rule"][0] == "the number is what can flow (capacity of route), not what flows"
    assert rows["arithmetic"][0] == (
        "400,000 bbl/d x 365 / 7.5 bbl/t = 19.47 Mt against 1.2 Mt (2024): ratio 16.22; "
        "400,000 bbl/d x 365 / 7.5 bbl/t = 19.47 Mt/a, the capacity: 20 Mt/a (2024)"
    )
    assert rows["fact_rows"][0] == "facts:2;facts:3"
    assert check_claims(dossier_of(ROUTE), claims)["verdict"][0] == "implausible"


SERIES = [
    {
        "measure": "capacity",
        "subject": "way",
        "relation": "in_series",
        "other": "capacity",
        "other_subject": s,
    }
    for s in ("route", "other")
]


@pytest.mark.parametrize(
    ("value", "relation", "verdict"),
    [
        ("6", "=", "supported"),
        ("20", "=", "imprecise"),  # true of the wider section only
        ("20", "about", "imprecise"),
        ("12", "=", "contradicted"),
        ("20", ">=", "contradicted"),
        ("5", ">=", "supported"),
        ("400000", "about", "imprecise"),
    ],
)
def test_a_way_is_as_wide_as_its_narrowest_section(
    dossier_of, claims_of, value: str, relation: str, verdict: str
) -> None:
    unit = "bbl_per_day" if value == "400000" else "million_t_per_year"
    claim = number("capacity", value, unit, subject="way", relation=relation)
    row = check_claims(dossier_of(ROUTE, bounds=SERIES), claims_of(claim)).row(0, named=True)
    assert row["verdict"] == verdict
    assert "other" in row["arithmetic"]


def test_a_section_is_judged_by_itself(dossier_of, claims_of) -> None:
    claim = number("capacity", "20", "million_t_per_year", subject="route")
    assert verdicts(dossier_of(ROUTE, bounds=SERIES), claims_of(claim)) == ["supported"]


def test_a_way_with_a_fact_of_its_own_and_a_narrower_section(dossier_of, claims_of) -> None:
    whole = {"measure": "capacity", "subject": "way", "value": "20", "unit": "million_t_per_year"}
    claim = number("capacity", "20", "million_t_per_year", subject="way")
    row = check_claims(dossier_of([*ROUTE, whole], bounds=SERIES), claims_of(claim)).row(0, named=True)
    assert row["verdict"] == "imprecise"
    assert row["rule"] == "right for one section; other on the same way takes less (capacity)"


@given(dice=st.randoms(), stated=AMOUNTS)
def test_the_order_of_facts_and_bounds_is_irrelevant(dossier_of, claims_of, dice, stated) -> None:
    facts, bounds = [*GAS, *ROUTE], [EXPORTS_OUTPUT, CAPACITY, *SERIES]
    claims = claims_of(
        number("exports", repr(stated)),
        number("output", repr(stated)),
        number("by_route", repr(stated), "million_t", partner="route"),
        number("capacity", repr(stated), "million_t_per_year", subject="way"),
    )
    plain = verdicts(dossier_of(facts, bounds=bounds), claims)
    dice.shuffle(facts)
    dice.shuffle(bounds)
    assert verdicts(dossier_of(facts, bounds=bounds), claims) == plain


@given(stated=AMOUNTS)
def test_names_are_irrelevant(dossier_of, claims_of, stated) -> None:
    new = {"exports": "m1", "output": "m2", "KAZ": "UZB", "by_route": "m3", "capacity": "m4", "route": "r9"}

    def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: new.get(cell, cell) for key, cell in row.items()} for row in rows]

    claims = [
        number("exports", repr(stated), subject="KAZ"),
        number("by_route", repr(stated), "million_t", partner="route", subject="KAZ"),
    ]
    facts = [{"subject": "KAZ"} | fact for fact in (*GAS, *ROUTE)]
    bounds = [EXPORTS_OUTPUT, CAPACITY]
    assert verdicts(dossier_of(facts, bounds=bounds), claims_of(*claims)) == verdicts(
        dossier_of(renamed(facts), bounds=renamed(bounds)), claims_of(*renamed(claims))
    )
