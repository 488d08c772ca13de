import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.dossier import Dossier
from betweengiants.dossier.claims import Tolerances, check_claims, combine
from betweengiants.dossier.descriptor import Header

HEADER = Header("test", "Test", "1", "KAZ", ("RUS",), 2025, {})
RANK = {"supported": 0, "imprecise": 1, "contradicted": 2, "implausible": 3}
COLUMNS = [
    "claim_id",
    "statement",
    "measure",
    "subject",
    "partner",
    "period",
    "value",
    "unit",
    "relation",
]
ADDED = [
    "verdict",
    "reference_value",
    "reference_unit",
    "reference_period",
    "ratio",
    "rule",
    "source_id",
]


def dossier(
    value: str,
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    density: float | None = 7.3,
    more: list[tuple[str | None, str, str, str]] | None = None,
) -> Dossier:
    """A dossier with one measure and one fact (KAZ, no partner, 2025); more: partner, period, value, source."""
    facts = [(None, "2025", value, "source-a"), *(more or [])]
    tables = {
        "measures": pl.DataFrame(
            {"measure": ["m"], "unit": [unit], "minimum": [minimum], "maximum": [maximum]},
            schema_overrides={"minimum": pl.Float64, "maximum": pl.Float64},
        ),
        "facts": pl.DataFrame(
            [
                ("m", "KAZ", partner, period, v, unit, low, high, source)
                for partner, period, v, source in facts
            ],
            schema={
                "measure": pl.String,
                "subject": pl.String,
                "partner": pl.String,
                "period": pl.String,
                "value": pl.String,
                "unit": pl.String,
                "low": pl.Float64,
                "high": pl.Float64,
                "source_id": pl.String,
            },
            orient="row",
        ),
        "parameters": pl.DataFrame(
            {
                "parameter": ["barrels_per_tonne"] if density else [],
                "value": [density] if density else [],
                "low": [None] if density else [],
                "high": [None] if density else [],
            },
            schema={"parameter": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
        ),
    }
    return Dossier(HEADER, tables, {})


def claim(value: str | None, unit: str | None, relation: str | None, **more: str | None) -> pl.DataFrame:
    row = {
        "claim_id": "c",
        "statement": "s",
        "measure": "m",
        "subject": "KAZ",
        "partner": None,
        "period": None,
        "value": value,
        "unit": unit,
        "relation": relation,
    } | more
    return pl.DataFrame([row], schema=dict.fromkeys(COLUMNS, pl.String))


def verdict(evidence: Dossier, value: str, unit: str, relation: str) -> str:
    rows = check_claims(evidence, claim(value, unit, relation))
    assert rows.height == 1
    return str(rows["verdict"][0])


@pytest.mark.parametrize(
    ("stated", "unit", "relation", "expected"),
    [
        # evidence: 44 usd_bn
        ("44", "usd_bn", "=", "supported"),
        ("44.88", "usd_bn", "=", "supported"),  # two percent above
        ("43.12", "usd_bn", "=", "supported"),
        ("44.89", "usd_bn", "=", "imprecise"),
        ("55", "usd_bn", "=", "imprecise"),  # a quarter above
        ("33", "usd_bn", "=", "imprecise"),
        ("55.1", "usd_bn", "=", "contradicted"),
        ("32.9", "usd_bn", "=", "contradicted"),
        ("439", "usd_bn", "=", "contradicted"),
        ("440", "usd_bn", "=", "implausible"),
        ("4.4", "usd_bn", "=", "implausible"),
        ("-44", "usd_bn", "=", "implausible"),
        ("44000", "usd_m", "=", "supported"),
        ("44", "usd_m", "=", "implausible"),  # wrong by a factor of thousand
        ("48.4", "usd_bn", "about", "supported"),
        ("48.5", "usd_bn", "about", "imprecise"),
        ("60", "usd_bn", "about", "contradicted"),
        ("44", "usd_bn", ">=", "supported"),
        ("44.01", "usd_bn", ">=", "contradicted"),
        ("0", "usd_bn", ">=", "supported"),
        ("44", "usd_bn", "<=", "supported"),
        ("43.99", "usd_bn", "<=", "contradicted"),
        ("1e6", "usd_bn", "<=", "supported"),
        ("44", "million_t", "=", "unverifiable"),
        ("2025", "date", "=", "unverifiable"),
        ("KAZ;RUS", "parties", "=", "unverifiable"),
    ],
)
def test_numbers(stated: str, unit: str, relation: str, expected: str) -> None:
    assert verdict(dossier("44", "usd_bn"), stated, unit, relation) == expected


@pytest.mark.parametrize(
    ("stated", "relation", "expected"),
    [
        ("38", "=", "supported"),
        ("52", "=", "supported"),
        ("53", "=", "imprecise"),
        ("52", ">=", "supported"),
        ("52.1", ">=", "contradicted"),
        ("38", "<=", "supported"),
        ("37.9", "<=", "contradicted"),
    ],
)
def test_evidence_with_bounds(stated: str, relation: str, expected: str) -> None:
    assert verdict(dossier("44", "usd_bn", low=38, high=52), stated, "usd_bn", relation) == expected


def test_evidence_of_zero() -> None:
    nothing = dossier("0", "pct")
    assert verdict(nothing, "0", "pct", "=") == "supported"
    assert verdict(nothing, "1", "pct", "=") == "implausible"
    assert verdict(nothing, "0", "pct", ">=") == "supported"
    row = check_claims(nothing, claim("1", "pct", "=")).row(0, named=True)
    assert row["ratio"] == math.inf


def test_bounds_of_the_measure() -> None:
    share = dossier("95", "pct", minimum=0, maximum=100)
    assert verdict(share, "100", "pct", "about") == "supported"
    assert verdict(share, "1", "share", "about") == "supported"
    row = check_claims(share, claim("101", "pct", "about")).row(0, named=True)
    assert row["verdict"] == "implausible"
    assert row["rule"] == "outside what the measure can be (0 to 100 pct)"
    assert row["ratio"] == pytest.approx(101 / 95)
    assert verdict(share, "-1", "pct", "=") == "implausible"
    assert verdict(share, "101", "pct", "<=") == "supported"  # a bound may lie outside


def test_oil_in_barrels_and_tonnes() -> None:
    capacity = dossier("20", "million_t_per_year", density=7.3)
    assert verdict(capacity, "400000", "bbl_per_day", "=") == "supported"
    assert verdict(capacity, "400000", "bbl_per_day", ">=") == "supported"
    assert verdict(capacity, "900000", "bbl_per_day", "=") == "contradicted"
    unknown = dossier("20", "million_t_per_year", density=None)
    assert verdict(unknown, "400000", "bbl_per_day", "=") == "unverifiable"


@pytest.mark.parametrize(
    ("stated", "known", "relation", "expected"),
    [
        ("2025-11-12", "2025-11-12", "=", "supported"),
        ("2025-11", "2025-11-12", "=", "supported"),
        ("2025", "2025-11-12", "=", "supported"),
        ("2025-11-12", "2025-11", "=", "imprecise"),
        ("2025-11-12", "2025-11-13", "=", "contradicted"),
        ("2024", "2025-11-12", "=", "contradicted"),
        ("2020", "2025-11-12", ">=", "supported"),
        ("2026", "2025-11-12", ">=", "contradicted"),
        ("2025-11-12", "2025-11-12", ">=", "supported"),
        ("2025-12", "2025-11-12", "<=", "supported"),
        ("2025-10", "2025-11-12", "<=", "contradicted"),
        ("2025", "2025-11-12", "<=", "supported"),
    ],
)
def test_dates(stated: str, known: str, relation: str, expected: str) -> None:
    assert verdict(dossier(known, "date"), stated, "date", relation) == expected


@pytest.mark.parametrize(
    ("stated", "relation", "expected"),
    [
        ("KAZ;RUS;CHN", "=", "supported"),
        ("CHN; RUS ;KAZ", "=", "supported"),
        ("KAZ;RUS", "=", "imprecise"),
        ("KAZ;RUS", "about", "supported"),
        ("KAZ;USA", "=", "contradicted"),
        ("KAZ;RUS;CHN;USA", "=", "contradicted"),
        ("KAZ;RUS", ">=", "supported"),
        ("KAZ;USA", ">=", "contradicted"),
        ("KAZ;RUS;CHN;USA", "<=", "supported"),
        ("KAZ;RUS", "<=", "contradicted"),
    ],
)
def test_parties(stated: str, relation: str, expected: str) -> None:
    assert verdict(dossier("KAZ;RUS;CHN", "parties"), stated, "parties", relation) == expected


def test_which_facts_answer() -> None:
    evidence = dossier(
        "44",
        "usd_bn",
        more=[(None, "2024", "40", "source-b"), ("RUS", "2025", "28", "source-c"), (None, "2025", "46", "b")],
    )
    all_years = check_claims(evidence, claim("44", "usd_bn", "="))
    assert all_years.select("reference_period", "source_id", "verdict").rows() == [
        ("2024", "source-b", "imprecise"),
        ("2025", "b", "imprecise"),
        ("2025", "source-a", "supported"),
    ]
    one = check_claims(evidence, claim("28", "usd_bn", "=", partner="RUS", period="2025"))
    assert one.select("verdict", "reference_value").rows() == [("supported", "28")]
    for missing in ({"period": "2023"}, {"partner": "CHN"}, {"subject": "UZB"}, {"measure": "other"}):
        row = check_claims(evidence, claim("44", "usd_bn", "=", **missing)).row(0, named=True)
        assert (row["verdict"], row["reference_value"]) == ("unverifiable", None)
    anybody = check_claims(evidence, claim("44", "usd_bn", "=", subject=None, period="2025"))
    assert anybody.height == 2


def test_claims_that_say_nothing_a_rule_could_use() -> None:
    for silent in (claim("44", "usd_bn", "=", measure=None), claim(None, None, None)):
        row = check_claims(dossier("44", "usd_bn"), silent).row(0, named=True)
        assert (row["verdict"], row["reason"]) == ("unverifiable", "no value named")


def test_a_claim_without_unit_and_relation_takes_those_of_the_fact() -> None:
    rows = check_claims(dossier("44", "usd_bn"), claim("44", None, None))
    assert rows["verdict"].to_list() == ["supported"]


def test_columns_of_the_answer() -> None:
    rows = check_claims(dossier("44", "usd_bn"), claim("50", "usd_bn", "="))
    assert [name for name in rows.columns if name in COLUMNS] == COLUMNS
    assert [name for name in rows.columns if name in ADDED] == ADDED
    row = rows.row(0, named=True)
    assert (row["measure"], row["subject"], row["value"]) == ("m", "KAZ", "50")
    assert (row["reference_value"], row["reference_unit"], row["reference_period"]) == (
        "44",
        "usd_bn",
        "2025",
    )
    assert row["ratio"] == pytest.approx(50 / 44)
    assert "13.6%" in row["rule"]


NUMBER = st.floats(0.01, 1e6)


@given(
    known=NUMBER,
    below=st.floats(0, 1),
    above=st.floats(0, 5),
    start=st.floats(1, 20),
    step=st.floats(1, 20),
    sign=st.sampled_from([1, -1]),
    relation=st.sampled_from(["=", "about", ">="]),
    ceiling=st.none() | st.floats(1, 30),
)
def test_a_number_further_off_is_never_judged_better(
    known: float,
    below: float,
    above: float,
    start: float,
    step: float,
    sign: int,
    relation: str,
    ceiling: float | None,
) -> None:
    """Upwards from the evidence for a positive value, downwards (more negative) for a negative one."""
    low, high = sorted((sign * known * (1 - below), sign * known * (1 + above)))
    bound = None if ceiling is None else sign * known * max(ceiling, 1 + above)
    evidence = dossier(
        repr(sign * known),
        "usd_m",
        low=low,
        high=high,
        minimum=bound if sign < 0 else None,
        maximum=bound if sign > 0 else None,
    )
    if relation == ">=" and sign < 0:
        relation = "<="
    near, far = sign * known * start, sign * known * start * step
    ranks = [RANK[verdict(evidence, repr(stated), "usd_m", relation)] for stated in (near, far)]
    assert ranks[0] <= ranks[1]


@given(
    known=NUMBER, near=st.floats(0, 1), far=st.floats(0, 1), relation=st.sampled_from(["=", "about", "<="])
)
def test_a_number_further_down_is_never_judged_better(
    known: float, near: float, far: float, relation: str
) -> None:
    evidence = dossier(repr(known), "usd_m")
    stated = [known * near, known * near * far]
    ranks = [RANK[verdict(evidence, repr(value), "usd_m", relation)] for value in stated]
    assert ranks[0] <= ranks[1]


@given(
    stated=st.integers(0, 10**6),
    known=st.integers(1, 10**6),
    relation=st.sampled_from(["=", "about", ">=", "<="]),
    unit=st.sampled_from(["usd_bn", "usd_m", "usd"]),
)
def test_the_unit_makes_no_difference(stated: int, known: int, relation: str, unit: str) -> None:
    """Thousandths of a billion are millions, on both sides."""
    scale = {"usd_bn": 1e-3, "usd_m": 1.0, "usd": 1e6}
    plain = check_claims(dossier(str(known), "usd_m"), claim(str(stated), "usd_m", relation))
    claimed = check_claims(dossier(str(known), "usd_m"), claim(repr(stated * scale[unit]), unit, relation))
    proven = check_claims(
        dossier(repr(known * scale[unit]), unit), claim(str(stated), "usd_m", relation)
    )  # fmt: skip
    assert claimed["verdict"].to_list() == plain["verdict"].to_list()
    assert proven["verdict"].to_list() == plain["verdict"].to_list()
    assert claimed["ratio"][0] == pytest.approx(plain["ratio"][0])


@given(known=NUMBER, relation=st.sampled_from(["=", "about", ">=", "<="]))
def test_evidence_equal_to_the_claim_supports_it(known: float, relation: str) -> None:
    assert verdict(dossier(repr(known), "usd_m"), repr(known), "usd_m", relation) == "supported"
    assert verdict(dossier(repr(known), "usd_m"), repr(known / 1000), "usd_bn", relation) == "supported"
    assert verdict(dossier(repr(known), "pct"), repr(known / 100), "share", relation) == "supported"


@pytest.mark.parametrize(
    ("stated", "unit", "sums"),
    [
        ("44", "usd_bn", "44 billion USD against 44 billion USD (2025): ratio 1"),
        ("22000", "usd_m", "22,000 million USD = 22 billion USD against 44 billion USD (2025): ratio 0.5"),
    ],
)
def test_the_sum_is_shown(stated: str, unit: str, sums: str) -> None:
    row = check_claims(dossier("44", "usd_bn"), claim(stated, unit, "=")).row(0, named=True)
    assert row["arithmetic"] == sums
    assert row["fact_rows"] == "facts:2"


def test_the_sum_names_the_density_and_the_length_of_the_period() -> None:
    capacity = dossier("10.9", "million_t_per_year", density=7.5)
    row = check_claims(capacity, claim("400000", "bbl_per_day", "=")).row(0, named=True)
    assert row["arithmetic"] == (
        "400,000 bbl/d x 365 / 7.5 bbl/t = 19.47 Mt/a against 10.9 Mt/a (2025): ratio 1.786"
    )
    assert row["ratio"] == pytest.approx(400_000 * 365 / 7.5 / 1e6 / 10.9)
    back = dossier("400000", "bbl_per_day", density=7.5)
    row = check_claims(back, claim("19.5", "million_t", "=")).row(0, named=True)
    assert row["arithmetic"].startswith("19.5 Mt / 365 x 7.5 bbl/t = 400,685 bbl/d against 400,000 bbl/d")


@pytest.mark.parametrize(
    ("period", "length"),
    [("2025", 1.0), ("2025-H1", 0.5), ("2025-Q3", 0.25), ("2025-05", 1 / 12), ("2025-01/2025-10", 10 / 12)],
)
def test_an_amount_is_a_rate_over_its_period(period: str, length: float) -> None:
    evidence = dossier("1", "bcm", more=[(None, period, repr(55 * length), "b")])
    row = check_claims(evidence, claim("55", "bcm_per_year", "=", period=period)).filter(
        pl.col("source_id") == "b"
    )
    assert row["verdict"].to_list() == ["supported"]
    assert row["ratio"][0] == pytest.approx(1)


@pytest.mark.parametrize("period", ["2025-12-31", "2025-12/2025-01", "all time"])
def test_a_period_without_length_turns_no_amount_into_a_rate(period: str) -> None:
    evidence = dossier("1", "bcm", more=[(None, period, "55", "b")])
    rows = check_claims(evidence, claim("55", "bcm_per_year", "=", period=period))
    assert set(rows["verdict"]) == {"unverifiable"}


CONVERTIBLE = [
    ("bbl_per_day", "million_t_per_year"),
    ("bbl_per_day", "million_t"),
    ("bcm_per_year", "bcm"),
    ("usd_bn", "usd_m"),
    ("pct", "share"),
    ("trillion_m3", "bcm"),
    ("km", "m"),
    ("usd_per_bbl", "usd_per_t"),
]


@given(
    value=st.floats(1e-3, 1e6),
    units=st.sampled_from(CONVERTIBLE),
    density=st.floats(6.5, 8.5),
    relation=st.sampled_from(["=", "about", ">=", "<="]),
)
def test_units_convert_there_and_back(
    value: float, units: tuple[str, str], density: float, relation: str
) -> None:
    """The ratio of a claim to a fact is the inverse of the ratio with both units and values exchanged."""
    there = check_claims(dossier("3", units[1], density=density), claim(repr(value), units[0], relation))
    back = check_claims(dossier(repr(value), units[0], density=density), claim("3", units[1], relation))
    assert there["ratio"][0] * back["ratio"][0] == pytest.approx(1)


@given(
    known=NUMBER,
    stated=NUMBER,
    narrow=st.floats(0, 0.9),
    more=st.floats(0, 0.9),
    relation=st.sampled_from(["=", "about", ">=", "<="]),
)
def test_a_wider_tolerance_never_judges_worse(
    known: float, stated: float, narrow: float, more: float, relation: str
) -> None:
    evidence, stating = dossier(repr(known), "usd_m"), claim(repr(stated), "usd_m", relation)
    tight, wide = (
        RANK[check_claims(evidence, stating, tolerances=Tolerances.widened(size))["verdict"][0]]
        for size in (narrow, min(narrow + more, 0.99))
    )
    assert wide <= tight


def rows_of(*verdicts: str) -> list[dict[str, str | None]]:
    """Rows as `combine` reads them; an exclamation mark stands for an announcement."""
    return [
        {
            "verdict": word.removesuffix("!"),
            "reference_basis": "announced" if word.endswith("!") else "reported",
        }
        for word in verdicts
    ]


@pytest.mark.parametrize(
    ("verdicts", "combined"),
    [
        (("supported",), "supported"),
        (("supported", "imprecise"), "supported"),
        (("supported", "contradicted"), "imprecise"),
        (("supported", "implausible", "supported"), "imprecise"),
        (("imprecise", "contradicted"), "imprecise"),
        (("contradicted", "implausible"), "contradicted"),
        (("implausible", "implausible"), "implausible"),
        (("unverifiable", "supported"), "supported"),
        (("unverifiable",), "unverifiable"),
        (("supported!", "contradicted"), "contradicted"),
        (("supported!",), "supported"),
        (("supported!", "unverifiable"), "supported"),
    ],
)
def test_one_verdict_over_several_facts(verdicts: tuple[str, ...], combined: str) -> None:
    for order in (verdicts, verdicts[::-1]):
        assert combine(rows_of(*order))[0] == combined


def test_the_spread_behind_a_verdict_is_shown() -> None:
    assert combine(rows_of("contradicted", "supported", "contradicted"))[1] == "1 supported, 2 contradicted"
    assert (
        combine(rows_of("supported!", "imprecise"))[1] == "1 imprecise; 1 announced or planned, not counted"
    )


@given(st.lists(st.sampled_from([*RANK]), min_size=1, max_size=6), st.randoms())
def test_the_combined_verdict_lies_between_the_kindest_and_the_harshest(verdicts: list[str], dice) -> None:
    combined = RANK[combine(rows_of(*verdicts))[0]]
    ranks = [RANK[verdict] for verdict in verdicts]
    assert min(ranks) <= combined <= max(ranks)
    dice.shuffle(verdicts)
    assert RANK[combine(rows_of(*verdicts))[0]] == combined
