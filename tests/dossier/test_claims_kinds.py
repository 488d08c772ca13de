"""Hand cases and properties of comparisons, rankings and existence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.dossier.claims import check_claims

TRADE = "trade"


def turnover(partner: str, value: float, **more: Any) -> dict[str, Any]:
    return {"measure": TRADE, "partner": partner, "value": repr(value), "unit": "usd_bn"} | more


STATES = dict.fromkeys(("CHN", "RUS", "USA", "ITA", "UZB"), "state") | {"EU27": "bloc", "WLD": "group"}
TIES = [
    turnover("CHN", 30, source_id="kaz"),
    turnover("CHN", 44, source_id="chn", basis="mirror"),
    turnover("RUS", 28),
    turnover("ITA", 20),
    turnover("USA", 4),
    turnover("EU27", 49),
    turnover("WLD", 142),
]


# comparisons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "verdict", "ratio"),
    [
        ({"partner": "RUS", "relation": ">", "against": "partner=USA"}, "supported", 7),
        ({"partner": "RUS", "relation": "<", "against": "partner=USA"}, "contradicted", 7),
        ({"partner": "RUS", "against": "partner=USA"}, "supported", 7),  # no relation: larger
        ({"partner": "RUS", "relation": "=", "value": "7", "against": "partner=USA"}, "supported", 7),
        ({"partner": "RUS", "relation": "=", "value": "6", "against": "partner=USA"}, "imprecise", 7),
        ({"partner": "RUS", "relation": "=", "value": "3", "against": "partner=USA"}, "contradicted", 7),
        ({"partner": "RUS", "relation": ">=", "value": "7.1", "against": "partner=USA"}, "contradicted", 7),
        (
            {"partner": "ITA", "relation": "about", "value": "500", "unit": "pct", "against": "partner=USA"},
            "supported",
            5,
        ),
        # the world is less than four times one of the two values for China, not the other
        ({"partner": "WLD", "relation": "<", "value": "4", "against": "partner=CHN"}, "imprecise", 142 / 44),
        ({"partner": "RUS", "relation": ">", "against": "partner=UZB"}, "unverifiable", None),
    ],
)
def test_comparisons(dossier_of, claims_of, claim: dict[str, str], verdict: str, ratio: float | None) -> None:
    facts = [fact | {"basis": "reported"} for fact in TIES]
    row = check_claims(dossier_of(facts), claims_of({"measure": TRADE} | claim)).row(0, named=True)
    assert (row["kind"], row["verdict"]) == ("comparison", verdict)
    assert row["ratio"] == (None if ratio is None else pytest.approx(ratio))


def test_a_comparison_shows_both_sides_and_their_rows(dossier_of, claims_of) -> None:
    claim = {"measure": TRADE, "partner": "RUS", "relation": ">", "against": "partner=USA"}
    row = check_claims(dossier_of(TIES), claims_of(claim)).row(0, named=True)
    assert row["arithmetic"] == "28 billion USD (2024) over 4 billion USD (2024) (partner USA) = 7"
    assert (row["reference_value"], row["reference_unit"], row["reference_period"]) == ("4", "usd_bn", "2024")
    assert row["fact_rows"] == "facts:4;facts:6"


def test_a_comparison_is_made_within_one_statistic_where_that_is_possible(dossier_of, claims_of) -> None:
    """The mirror value of China is set against the mirror value of Russia, the reported against the reported."""
    facts = [*TIES[:3], turnover("RUS", 90, basis="mirror")]
    claim = {"measure": TRADE, "partner": "CHN", "relation": ">", "against": "partner=RUS"}
    rows = check_claims(dossier_of(facts), claims_of(claim))
    assert sorted(zip(rows["reference_basis"], rows["verdict"], strict=True)) == [
        ("mirror", "contradicted"),
        ("reported", "supported"),
    ]
    assert rows["combined_verdict"].to_list() == ["imprecise"] * 2


def test_comparison_with_another_measure_period_or_subject(dossier_of, claims_of) -> None:
    facts = [
        {"measure": "firm", "value": "5", "unit": "count"},
        {"measure": "ordered", "value": "15", "unit": "count"},
        {"measure": "gdp", "value": "291", "unit": "usd_bn"},
        {"measure": "gdp", "value": "260", "unit": "usd_bn", "period": "2023"},
        {"measure": "gdp", "value": "115000", "unit": "usd_m", "subject": "UZB"},
        {"measure": "mass", "value": "3", "unit": "t"},
    ]
    claims = claims_of(
        {"measure": "firm", "relation": "=", "value": "1", "against": "measure=ordered"},
        {"measure": "gdp", "relation": ">", "against": "period=2023"},
        {"measure": "gdp", "relation": ">", "value": "2", "against": "subject=UZB"},
        {"measure": "gdp", "relation": ">", "against": "measure=mass"},
    )
    rows = check_claims(dossier_of(facts), claims)
    assert rows["verdict"].to_list() == ["contradicted", "supported", "supported", "unverifiable"]
    assert rows["ratio"].to_list()[:3] == [
        pytest.approx(1 / 3),
        pytest.approx(291 / 260),
        pytest.approx(291 / 115),
    ]


NUMBERS = st.floats(0.1, 1e4)


@given(one=NUMBERS, other=NUMBERS, factor=st.floats(0.1, 10))
def test_comparisons_read_the_same_from_both_sides(dossier_of, claims_of, one, other, factor) -> None:
    evidence = dossier_of([turnover("CHN", one), turnover("RUS", other)])

    def verdict(partner: str, rival: str, relation: str, value: float) -> str:
        claim = {"measure": TRADE, "partner": partner, "against": f"partner={rival}", "relation": relation}
        return str(check_claims(evidence, claims_of(claim | {"value": repr(value)}))["verdict"][0])

    if abs(one / other / factor - 1) < 1e-6:
        return  # too near a tie for the rounding of 1 / factor
    assert verdict("CHN", "RUS", ">", factor) == verdict("RUS", "CHN", "<", 1 / factor)
    assert {verdict("CHN", "RUS", ">", factor), verdict("CHN", "RUS", "<=", factor)} == {
        "supported",
        "contradicted",
    }


# rankings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"partner": "RUS", "relation": "largest", "value": "2"}, "supported"),
        ({"partner": "RUS", "relation": "largest"}, "contradicted"),  # 28 against 44
        ({"partner": "RUS", "relation": "top", "value": "2"}, "supported"),
        ({"partner": "ITA", "relation": "top", "value": "2"}, "contradicted"),
        ({"partner": "ITA", "relation": "top", "value": "3"}, "supported"),
        ({"partner": "USA", "relation": "smallest"}, "supported"),
        ({"partner": "ITA", "relation": "smallest", "value": "2"}, "supported"),
        ({"partner": "EU27", "relation": "largest"}, "supported"),  # Italy is inside
        ({"partner": "WLD", "relation": "largest"}, "unverifiable"),  # no other group
    ],
)
def test_rankings(dossier_of, claims_of, claim: dict[str, str], verdict: str) -> None:
    evidence = dossier_of(TIES[1:], actors=STATES)
    row = check_claims(evidence, claims_of({"measure": TRADE} | claim)).row(0, named=True)
    assert (row["kind"], row["verdict"]) == ("ranking", verdict)


def test_every_fact_of_the_subject_is_ranked_and_all_competitors_are_named(dossier_of, claims_of) -> None:
    claim = {"measure": TRADE, "partner": "CHN", "relation": "largest"}
    rows = check_claims(dossier_of(TIES, actors=STATES), claims_of(claim))
    assert rows["verdict"].to_list() == ["supported"] * 2
    assert set(rows["fact_rows"]) == {"facts:2;facts:4;facts:5;facts:6", "facts:3;facts:4;facts:5;facts:6"}
    assert rows["reference_value"].to_list() == ["28"] * 2  # who comes next
    assert (
        "CHN 30 billion USD (2024) is number 1 of 4; others: RUS 28 (2024), ITA 20" in rows["arithmetic"][1]
    )


def test_a_near_miss_is_imprecise(dossier_of, claims_of) -> None:
    claim = {"measure": TRADE, "partner": "RUS", "relation": "largest"}
    near, far = (
        check_claims(dossier_of([turnover("RUS", 28), turnover("CHN", first)]), claims_of(claim))
        for first in (31, 31.2)
    )
    assert near["verdict"].to_list() == ["imprecise"]
    assert far["verdict"].to_list() == ["contradicted"]


def test_bounds_of_the_evidence_that_overlap_leave_the_place_open(dossier_of, claims_of) -> None:
    facts = [turnover("RUS", 28, low=20.0, high=36.0), turnover("CHN", 30)]
    for relation, verdict in (("largest", "imprecise"), ("top", "imprecise")):
        claim = {"measure": TRADE, "partner": "RUS", "relation": relation}
        assert check_claims(dossier_of(facts), claims_of(claim))["verdict"].to_list() == [verdict]
    among_two = {"measure": TRADE, "partner": "RUS", "relation": "top", "value": "2"}
    assert check_claims(dossier_of(facts), claims_of(among_two))["verdict"].to_list() == ["supported"]


def test_competitors_of_another_period_stand_with_the_nearest_one(dossier_of, claims_of) -> None:
    teu = {"measure": "teu", "unit": "teu"}
    facts = [
        {**teu, "subject": "khorgos", "value": "372000", "period": "2025"},
        {**teu, "subject": "duisburg", "value": "4100000", "period": "2018"},
        {**teu, "subject": "duisburg", "value": "1", "period": "2005"},
        {
            **teu,
            "subject": "xian",
            "value": "505000",
            "period": "2025-01/2025-10",
            "warnings": "partial_year",
        },
    ]
    claim = {"measure": "teu", "subject": "khorgos", "period": "2025", "relation": "largest"}
    row = check_claims(dossier_of(facts), claims_of(claim)).row(0, named=True)
    assert row["verdict"] == "contradicted"
    assert (row["reference_value"], row["reference_period"]) == ("4100000", "2018")
    assert (
        "number 3 of 3; others: duisburg 4,100,000 (2018), xian 505,000 (2025-01/2025-10)"
        in row["arithmetic"]
    )


def test_a_record_is_set_against_what_came_before(dossier_of, claims_of) -> None:
    facts = [
        turnover("CHN", value, period=period)
        for period, value in (("2022", 24), ("2023", 30), ("2024", 31), ("2025", 34), ("2024-01/2024-06", 99))
    ]
    for period, verdict in (("2024", "supported"), ("2023", "supported"), ("2022", "unverifiable")):
        claim = {
            "measure": TRADE,
            "partner": "CHN",
            "period": period,
            "relation": "largest",
            "against": "period",
        }
        assert check_claims(dossier_of(facts), claims_of(claim))["verdict"].to_list() == [verdict]


@given(
    values=st.lists(st.floats(1, 1e4), min_size=2, max_size=6, unique_by=lambda x: round(x, 3)),
    dice=st.randoms(),
)
def test_rankings_agree_with_sorting_whatever_the_order_and_the_names(
    dossier_of, claims_of, values, dice
) -> None:
    """Reference: the place by sorting; rows shuffled, actors relabelled."""
    names = [f"A{at}" for at in range(len(values))]
    dice.shuffle(names)
    facts = [turnover(name, value) for name, value in zip(names, values, strict=True)]
    order = sorted(zip(values, names, strict=True), reverse=True)
    dice.shuffle(facts)
    evidence = dossier_of(facts)
    for place, (_, name) in enumerate(order, 1):
        claims = claims_of(
            {"measure": TRADE, "partner": name, "relation": "largest", "value": str(place)},
            {"measure": TRADE, "partner": name, "relation": "top", "value": str(place)},
            {
                "measure": TRADE,
                "partner": name,
                "relation": "smallest",
                "value": str(len(values) - place + 1),
            },
        )
        assert check_claims(evidence, claims)["verdict"].to_list() == ["supported"] * 3


# existence -----------------------------------------------------------------------------------------------------

MEMBERSHIPS = [
    {
        "country": "KAZ",
        "institution": "csto",
        "role": "member",
        "start": "1994",
        "end": None,
        "source_id": "a",
    },
    {
        "country": "KAZ",
        "institution": "brics",
        "role": "partner",
        "start": "2025-01-01",
        "end": None,
        "source_id": "b",
    },
    {
        "country": "BLR",
        "institution": "sco",
        "role": "observer",
        "start": "2015",
        "end": "2024-07-04",
        "source_id": "c",
    },
    {"country": "KAZ", "institution": "eiti", "role": "member", "start": None, "end": None, "source_id": "d"},
]
AGREEMENTS = [
    {
        "date": "2018-01-16",
        "title": "Joint statement on enhanced strategic partnership",
        "parties": "KAZ;USA",
        "domain": "diplomacy",
        "kind": "declaration",
        "status": "in force",
        "source_id": "e;f",
    },
    {
        "date": "2025-11",
        "title": "Memorandum on critical minerals",
        "parties": "USA;KAZ",
        "domain": "minerals",
        "kind": "memorandum",
        "status": "signed",
        "source_id": "e",
    },
]


@pytest.mark.parametrize(
    ("claim", "verdict", "rows"),
    [
        ({"partner": "csto", "records": "memberships:role=member"}, "supported", "memberships:2"),
        (
            {"partner": "csto", "records": "memberships:role=member", "value": "no"},
            "contradicted",
            "memberships:2",
        ),
        (
            {"partner": "csto", "period": "1993", "records": "memberships:role=member"},
            "contradicted",
            "memberships:2",
        ),
        ({"partner": "csto", "period": "1994-05", "records": "memberships"}, "supported", "memberships:2"),
        ({"partner": "brics", "records": "memberships:role=member"}, "contradicted", "memberships:3"),
        (
            {"partner": "brics", "records": "memberships:role=member", "value": "no"},
            "supported",
            "memberships:3",
        ),
        ({"partner": "nato", "records": "memberships:role=member"}, "unverifiable", None),
        (
            {"partner": "nato", "records": "memberships:role=member", "value": "no"},
            "unverifiable",
            None,
        ),
        (
            {"subject": "BLR", "partner": "sco", "period": "2024-07", "records": "memberships"},
            "supported",
            "memberships:4",
        ),
        (
            {"subject": "BLR", "partner": "sco", "period": "2025", "records": "memberships"},
            "contradicted",
            "memberships:4",
        ),
        (
            {"partner": "eiti", "period": "1999", "records": "memberships:role=member"},
            "supported",
            "memberships:5",
        ),
        (
            {"partner": "USA", "period": "2025", "records": "agreements:domain=minerals"},
            "supported",
            "agreements:3",
        ),
        (
            {"partner": "USA", "period": "2025-11-06", "records": "agreements:kind=memorandum"},
            "supported",
            "agreements:3",
        ),
        (
            {"partner": "USA", "period": "2024", "records": "agreements:domain=minerals"},
            "unverifiable",
            None,
        ),
        (
            {"partner": "RUS", "period": "2025", "records": "agreements:domain=minerals"},
            "unverifiable",
            None,
        ),
        (
            {"partner": "USA", "period": None, "records": "agreements:title~ENHANCED strategic"},
            "supported",
            "agreements:2",
        ),
        (
            {
                "partner": "USA",
                "period": "1992/2024",
                "value": "no",
                "records": "agreements:title~strategic partnership",
            },
            "contradicted",
            "agreements:2",
        ),
        ({"partner": "USA", "records": "visits:host=KAZ"}, "unverifiable", None),  # no such table here
        ({"partner": "USA", "records": "agreements:colour=red"}, "unverifiable", None),
    ],
)
def test_records(dossier_of, claims_of, claim: dict[str, str], verdict: str, rows: str | None) -> None:
    facts = [{"measure": "m", "value": "1", "unit": "count"}]
    evidence = dossier_of(facts, memberships=MEMBERSHIPS, agreements=AGREEMENTS)
    period = {"period": claim.get("period", "2026" if claim["partner"] != "USA" else None)}
    row = check_claims(evidence, claims_of({"relation": "exists"} | claim | period)).row(0, named=True)
    assert (row["kind"], row["verdict"], row["fact_rows"]) == ("existence", verdict, rows)


def test_records_show_themselves_and_their_sources(dossier_of, claims_of) -> None:
    facts = [{"measure": "m", "value": "1", "unit": "count"}]
    evidence = dossier_of(facts, memberships=MEMBERSHIPS, agreements=AGREEMENTS)
    claims = claims_of(
        {"partner": "csto", "relation": "exists", "records": "memberships"},
        {"partner": "USA", "period": None, "relation": "exists", "records": "agreements"},
    )
    rows = check_claims(evidence, claims).to_dicts()
    assert rows[0]["arithmetic"] == "on record: KAZ is member of csto since 1994"
    assert rows[1]["arithmetic"] == (
        "on record: Joint statement on enhanced strategic partnership (2018-01-16, declaration, in force); "
        "Memorandum on critical minerals (2025-11, memorandum, signed)"
    )
    assert [row["source_id"] for row in rows] == ["a", "e;f"]
    assert (rows[1]["reference_value"], rows[1]["reference_unit"]) == ("2018-01-16", "date")


def test_facts_on_record(dossier_of, claims_of) -> None:
    facts = [
        {"measure": "delivered", "partner": "boeing", "value": "0", "unit": "count"},
        {"measure": "delivered", "partner": "wabtec", "value": "18", "unit": "count", "period": "2018"},
        {"measure": "first_flow", "partner": "CHN", "value": "2017-10-15", "unit": "date"},
    ]
    claims = claims_of(
        {"measure": "delivered", "relation": "exists", "partner": "wabtec", "period": "2018"},
        {"measure": "delivered", "relation": "exists", "partner": "boeing"},
        {"measure": "delivered", "relation": "exists", "partner": "boeing", "value": "no"},
        {"measure": "delivered", "relation": "exists", "subject": None, "partner": None, "period": None},
        {"measure": "first_flow", "relation": "exists", "partner": None},
        {"measure": "delivered", "relation": "exists", "partner": "airbus"},
    )
    assert check_claims(dossier_of(facts), claims)["verdict"].to_list() == [
        "supported",
        "contradicted",
        "supported",
        "supported",
        "supported",
        "unverifiable",
    ]
