import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.dossier.claims import check_claims, read_claims
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


def test_claims_that_no_rule_covers() -> None:
    for unchecked in (
        claim("44", "usd_bn", "=", measure=None),
        claim(None, None, None),
    ):
        assert check_claims(dossier("44", "usd_bn"), unchecked)["verdict"].to_list() == ["not checked yet"]


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


# files of claims ----------------------------------------------------------------------------------------------

GOOD = "c1,stated,m,KAZ,,,44,usd_bn,="


def claims_file(folder: Path, *lines: str, head: str = ",".join(COLUMNS)) -> Path:
    path = folder / "claims.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_file_of_claims(tmp_path: Path) -> None:
    path = claims_file(
        tmp_path,
        GOOD,
        'c2,"signed, they say",m,KAZ,RUS,2025,2025-11-12,date,=',
        "c3,s,m,KAZ,,,A;B,parties,about",
    )
    frame = read_claims(path)
    assert frame.columns == COLUMNS
    assert frame["partner"].to_list() == [None, "RUS", None]
    assert check_claims(dossier("44", "usd_bn"), frame)["verdict"].to_list() == [
        "supported",
        "unverifiable",
        "unverifiable",
    ]


@pytest.mark.parametrize(
    ("line", "column", "found"),
    [
        ("c1,again,m,KAZ,,,44,usd_bn,=", None, "a second row for claim_id=c1"),
        (",s,m,KAZ,,,44,usd_bn,=", "claim_id", "an empty cell"),
        ("c2,,m,KAZ,,,44,usd_bn,=", "statement", "an empty cell"),
        ("c2,s,,KAZ,,,44,usd_bn,=", "measure", "an empty cell"),
        ("c2,s,m,,,,44,usd_bn,=", "subject", "an empty cell"),
        ("c2,s,m,KAZ,,,,usd_bn,=", "value", "an empty cell"),
        ("c2,s,m,KAZ,,,44,,=", "unit", "an empty cell"),
        ("c2,s,m,KAZ,,,44,usd_bn,", "relation", "an empty cell"),
        ("c2,s,m,KAZ,,,44,usd_bn,<", "relation", "'<'"),
        ("c2,s,m,KAZ,,,44,usd_bn,equals", "relation", "'equals'"),
        ("c2,s,m,KAZ,,,44,usd_billions,=", "unit", "unknown unit 'usd_billions'"),
        ("c2,s,m,KAZ,,,a lot,usd_bn,=", "value", "'a lot'"),
        ('c2,s,m,KAZ,,,"44,000",usd_m,=', "value", "'44,000'"),
        ("c2,s,m,KAZ,,,44_000,usd_m,=", "value", "'44_000'"),
        ("c2,s,m,KAZ,,,nan,usd_bn,=", "value", "'nan'"),
        ("c2,s,m,KAZ,,,inf,usd_bn,>=", "value", "'inf'"),
        ("c2,s,m,KAZ,,,=1+1,usd_bn,=", "value", "'=1+1'"),
        ("c2,s,m,KAZ,,,12.11.2025,date,=", "value", "'12.11.2025'"),
        ("c2,s,m,KAZ,,,2,date,=", "value", "'2'"),
        ("c2,s,m,KAZ,,,2025-11-1,date,=", "value", "'2025-11-1'"),
        ("c2,s,m,KAZ,,44,usd_bn,=", None, "fewer cells than the header has (8, not 9)"),
    ],
)
def test_claims_that_are_refused(tmp_path: Path, line: str, column: str | None, found: str) -> None:
    with pytest.raises(DataError) as caught:
        read_claims(claims_file(tmp_path, GOOD, line))
    error = caught.value
    assert (error.file, error.row, error.column, error.found) == ("claims.csv", 3, column, found)


def test_units_are_suggested(tmp_path: Path) -> None:
    with pytest.raises(UnknownLabel) as caught:
        read_claims(claims_file(tmp_path, "c1,stated,m,KAZ,,,44,usd_bm,="))
    assert "usd_bn" in caught.value.suggestions


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column(tmp_path: Path, column: str) -> None:
    names = [name for name in COLUMNS if name != column]
    with pytest.raises(DataError, match=f"no column '{column}'"):
        read_claims(claims_file(tmp_path, ",".join("x" * len(names)), head=",".join(names)))
