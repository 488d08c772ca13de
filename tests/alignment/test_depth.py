from pathlib import Path

import polars as pl
import pytest

from betweengiants.alignment.depth import KINDS, ROLES, depths_by_kind, membership_years
from betweengiants.alignment.memberships import shared_memberships
from betweengiants.core.errors import DataError, UnknownLabel

ROWS = pl.DataFrame(
    [
        ("KAZ", "pact", "member", "1994", None),
        ("RUS", "pact", "member", "1992", None),
        ("UZB", "pact", "member", "1994", "1999"),
        ("KAZ", "forum", "member", "2000", None),
        ("RUS", "forum", "member", "2000", None),
        ("USA", "forum", "observer", "2000", None),
        ("KAZ", "bank", "member", None, None),
        ("RUS", "bank", "member", "1992", None),
        ("USA", "bank", "member", None, None),
        ("USA", "other_pact", "member", "1949", None),
        ("KAZ", "union", "observer", "2010", "2015"),
        ("KAZ", "union", "member", "2015", None),
        ("RUS", "union", "member", "2010", None),
        ("KAZ", "agency", "host", "2015", None),
        ("RUS", "agency", "member", "1957", None),
    ],
    schema=["country", "institution", "role", "start", "end"],
    orient="row",
)
DEPTHS = pl.DataFrame(
    {
        "institution": ["pact", "other_pact", "union", "bank", "forum", "agency"],
        "depth": [1.0, 1.0, 0.75, 0.25, 0.1, 0.5],
    }
)


def years(first: int, last: int, power: str = "RUS", **options: object) -> pl.DataFrame:
    return membership_years(ROWS, "KAZ", [power], range(first, last + 1), depths=DEPTHS, **options)  # type: ignore[arg-type]


def test_a_pact_weighs_more_than_a_forum() -> None:
    found = years(1993, 2016)
    by_year = {row["year"]: row for row in found.rows(named=True)}
    assert list(by_year) == list(range(1993, 2017))
    assert by_year[1993]["shared"] == 0
    assert (by_year[1994]["shared"], by_year[1994]["depth"]) == (1, 1.0)
    assert by_year[1994]["institutions"] == ["pact"]
    # 1994: Russia is also in the bank and the agency: 1 / (1 + .25 + .5)
    assert by_year[1994]["overlap"] == pytest.approx(1 / 1.75)
    assert by_year[2000]["depth"] == pytest.approx(1.1)
    # an observer shares a quarter of the union's depth with a member
    assert by_year[2010]["depth"] == pytest.approx(1.1 + 0.75 * 0.25)
    assert (by_year[2010]["shared"], by_year[2010]["members"]) == (3, 2)
    assert by_year[2015]["depth"] == pytest.approx(1.85)
    assert by_year[2015]["members"] == 3


def test_undated_memberships_stand_apart_in_every_year() -> None:
    found = years(1994, 2016)
    assert found["shared_undated"].to_list() == [1] * 23
    assert found["undated"].to_list() == [["bank"]] * 23
    gap = found["depth_undated"] - found["depth"]
    assert gap.to_list() == pytest.approx([0.25] * 23)
    # no year in which the series jumps because somebody wrote the table then
    assert found["overlap_undated"][0] == pytest.approx(1.25 / 1.75)


def test_an_institution_cannot_be_older_than_itself() -> None:
    found = years(1999, 2002, power="USA", founded={"bank": 2001})
    assert found["shared_undated"].to_list() == [0, 0, 1, 1]
    assert years(1999, 2002, power="USA", founded={"bank": "2001-12-31"})["shared_undated"].to_list() == [
        0,
        0,
        1,
        1,
    ]


def test_alike_weights_give_the_plain_jaccard_of_members() -> None:
    plain = membership_years(
        ROWS, "KAZ", ["RUS", "USA"], [2016], roles={r: float(r == "member") for r in ROLES}
    )
    known = shared_memberships(ROWS, "KAZ", ["RUS", "USA"], 2016, undated="exclude")
    assert plain["overlap"].to_list() == known["jaccard"].to_list()
    assert plain["shared"].to_list() == known["shared"].to_list()
    everything = shared_memberships(ROWS, "KAZ", ["RUS", "USA"], 2016, undated="include")
    assert plain["overlap_undated"].to_list() == everything["jaccard"].to_list()


def test_a_row_of_a_role_goes_before_the_rule() -> None:
    exact = pl.concat(
        [
            DEPTHS.with_columns(role=pl.lit(None, dtype=pl.String)),
            pl.DataFrame({"institution": ["union"], "depth": [0.6], "role": ["observer"]}),
        ]
    )
    found = membership_years(ROWS, "KAZ", ["RUS"], [2010], depths=exact)
    assert found["depth"].to_list() == pytest.approx([1.1 + 0.6])


def test_neither_has_any_tie() -> None:
    row = years(1940, 1940).row(0, named=True)
    assert (row["shared"], row["depth"], row["overlap"]) == (0, 0, None)


def test_depths_by_kind() -> None:
    institutions = pl.DataFrame({"institution": ["csto", "cica"], "kind": ["defence_pact", "forum"]})
    found = depths_by_kind(institutions)
    assert found.select("institution", "depth").rows() == [("csto", 1.0), ("cica", 0.1)]
    assert found["reason"].to_list() == [KINDS["defence_pact"].reason, KINDS["forum"].reason]
    assert depths_by_kind(institutions, {"defence_pact": 0.9, "forum": 0.3})["depth"].to_list() == [0.9, 0.3]
    with pytest.raises(UnknownLabel, match="row 2, column 'kind'"):
        depths_by_kind(pl.DataFrame({"institution": ["x"], "kind": ["defense_pact"]}))


def test_the_order_of_judgements() -> None:
    """Mutual defence binds most, a universal organisation says least; a member is bound most, a host not at all."""
    assert max(KINDS, key=lambda kind: KINDS[kind].weight) == "defence_pact"
    assert max(ROLES, key=lambda role: ROLES[role].weight) == "member"
    assert ROLES["host"].weight == ROLES["withdrew"].weight == 0
    assert all(0 <= judged.weight <= 1 and judged.reason for judged in (*KINDS.values(), *ROLES.values()))


def test_bad_requests() -> None:
    with pytest.raises(DataError, match="no depth for 'union'"):
        membership_years(ROWS, "KAZ", ["RUS"], [2000], depths=DEPTHS.filter(pl.col("institution") != "union"))
    with pytest.raises(DataError, match="0 to 1"):
        membership_years(ROWS, "KAZ", ["RUS"], [2000], depths=DEPTHS.with_columns(pl.col("depth") * 2))
    with pytest.raises(UnknownLabel, match="role"):
        membership_years(ROWS, "KAZ", ["RUS"], [2000], roles={"member": 1.0})
    with pytest.raises(UnknownLabel, match="KAZ"):
        membership_years(ROWS, "KZA", ["RUS"], [2000])


def test_the_collected_table_by_year(shared: Path) -> None:
    table = pl.read_csv(shared / "facts" / "diplomacy" / "memberships.csv", infer_schema=False)
    found = membership_years(table, "KAZ", ["RUS", "CHN", "USA"], range(1992, 2026))
    assert found.height == 3 * 34
    last = {row["power"]: row for row in found.filter(pl.col("year") == 2025).rows(named=True)}
    assert "csto" in last["RUS"]["undated"]  # Russia's start is blank in the table
    assert last["RUS"]["overlap_undated"] > last["CHN"]["overlap_undated"] > 0
