from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, SeveralFaults, UnknownLabel
from betweengiants.dossier.claims import check_claims, faults, read_claims

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

GOOD = "c1,stated,m,KAZ,,,44,usd_bn,="


def claims_file(folder: Path, *lines: str, head: str = ",".join(COLUMNS)) -> Path:
    path = folder / "claims.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_file_of_claims(dossier_of, tmp_path: Path) -> None:
    path = claims_file(
        tmp_path,
        GOOD,
        'c2,"signed, they say",m,KAZ,RUS,2025,2025-11-12,date,=',
        "c3,s,m,KAZ,,,A;B,parties,about",
    )
    frame = read_claims(path)
    assert frame.columns == COLUMNS
    assert frame["partner"].to_list() == [None, "RUS", None]
    evidence = dossier_of([{"measure": "m", "value": "44", "unit": "usd_bn", "period": "2025"}])
    assert check_claims(evidence, frame)["verdict"].to_list() == [
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


@pytest.mark.parametrize(
    ("cells", "column", "found"),
    [
        ("m,KAZ,,,,,largest,,,,", None, None),
        ("m,KAZ,,,3,,top,,period,,", None, None),
        ("m,KAZ,CHN,,,,>,,partner=RUS,,", None, None),
        ("m,KAZ,CHN,,0.5,share,>=,,measure=other;period=2024,,", None, None),
        (",KAZ,csto,,,,exists,,,memberships:role=member,", None, None),
        ("m,KAZ,csto,,no,,exists,existence,,,", None, None),
        (",,,,,,,,,,quotation", None, None),
        ("m,KAZ,,,44,usd_bn,=,quantity,,,", None, None),
        ("m,KAZ,,,44,usd_bn,=,amount,,,", "kind", "'amount'"),
        ("m,KAZ,,,44,usd_bn,=,ranking,,,", "relation", "'='"),
        ("m,KAZ,,,44,usd_bn,largest,quantity,,,", "relation", "'largest'"),
        ("m,KAZ,,,KAZ;RUS,parties,>,,,,", "relation", "'>'"),
        ("m,KAZ,,,0,,largest,,,,", "value", "'0'"),
        ("m,KAZ,,,1.5,,top,,,,", "value", "'1.5'"),
        ("m,KAZ,,,,,largest,,colour,,", "against", "'colour'"),
        ("m,KAZ,,,,,largest,,partner=RUS,,", "against", "'partner=RUS'"),
        ("m,KAZ,,,,,>,,partner,,", "against", "'partner'"),
        ("m,KAZ,,,,,>,,partner=RUS;period,,", "against", "'partner=RUS;period'"),
        ("m,KAZ,,,twice,,>,,partner=RUS,,", "value", "'twice'"),
        ("m,KAZ,,,2,usd_bn,>,,partner=RUS,,", "unit", "'usd_bn'"),
        ("m,KAZ,,,2,,>,comparison,,,", "against", "an empty cell"),
        (",KAZ,,,,,exists,,,,", "measure", "an empty cell"),
        ("m,KAZ,,,maybe,,exists,,,,", "value", "'maybe'"),
        (",KAZ,,,,,exists,,,gossip:x=1,", "records", "'gossip:x=1'"),
        (",KAZ,,,,,exists,,,memberships:role,", "records", "'memberships:role'"),
        (",,,,,,,,,,boredom", "reason", "'boredom'"),
    ],
)
def test_further_columns(tmp_path: Path, cells: str, column: str | None, found: str | None) -> None:
    head = ",".join([*COLUMNS, "kind", "against", "records", "reason"])
    path = claims_file(tmp_path, f"c1,s,{cells}", head=head)
    if found is None:
        assert read_claims(path).height == 1
        return
    with pytest.raises(DataError) as caught:
        read_claims(path)
    assert not isinstance(caught.value, SeveralFaults)
    assert (caught.value.row, caught.value.column, caught.value.found) == (2, column, found)


def test_every_row_at_fault_is_named(tmp_path: Path) -> None:
    path = claims_file(
        tmp_path,
        GOOD,
        "c2,s,m,KAZ,,,a lot,usd_bn,=",
        "c3,s,m,KAZ,,,44,usd_bn,=",
        "c3,,m,KAZ,,,44,usd_bm,==",
        "c4,s,m,,,,soon,date,=",
    )
    with pytest.raises(SeveralFaults) as caught:
        read_claims(path)
    places = [(fault.row, fault.column) for fault in caught.value.faults]
    assert places == [
        (3, "value"),
        (5, None),
        (5, "statement"),
        (5, "relation"),
        (5, "unit"),
        (6, "subject"),
        (6, "value"),
    ]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(places)
    assert lines[0] == "claims.csv, row 3, column 'value': found 'a lot'; allowed: a number."
    assert (caught.value.file, caught.value.row, caught.value.column) == ("claims.csv", 3, "value")


WORDS = (
    "m KAZ 44 -1e9 nan =1+1 2025-11-12 KAZ;RUS usd_bn date parties = > largest top exists period quotation"
)
CELLS = st.sampled_from([None, "", *WORDS.split(), "partner=RUS", "memberships:role=member", "x" * 300])


@given(
    rows=st.lists(
        st.fixed_dictionaries(dict.fromkeys([*COLUMNS, "kind", "against", "records", "reason"], CELLS)).map(
            lambda row: {name: cell or None for name, cell in row.items()}
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_stands_in_the_cells_is_refused_or_judged(dossier_of, rows) -> None:
    found = list(faults(rows, "claims.csv"))
    assert all(fault.row in range(2, 2 + len(rows)) for fault in found)
    refused = {fault.row - 2 for fault in found}
    sound = [row for at, row in enumerate(rows) if at not in refused]
    if sound:
        facts = [{"measure": "m", "partner": None, "value": "44", "unit": "usd_bn"}]
        checked = check_claims(
            dossier_of(facts), pl.DataFrame(sound, schema=dict.fromkeys(rows[0], pl.String))
        )
        assert set(checked["claim_id"]) == {row["claim_id"] for row in sound}
        assert checked["verdict"].null_count() == 0
