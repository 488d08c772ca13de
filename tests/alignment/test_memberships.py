from datetime import date
from pathlib import Path

import polars as pl
import pytest

from betweengiants.alignment.memberships import shared_memberships
from betweengiants.core.errors import DataError, UnknownLabel

ROWS = pl.DataFrame(
    [
        ("KAZ", "eaeu", "member", "2015-01-01", None),
        ("RUS", "eaeu", "member", "2015-01-01", None),
        ("KAZ", "sco", "member", "2001-06", None),
        ("RUS", "sco", "member", "2001-06-15", None),
        ("CHN", "sco", "member", "2001", ""),
        ("KAZ", "wto", "observer", "1996", "2015-11-30"),
        ("KAZ", "wto", "member", "2015-11-30", None),
        ("RUS", "wto", "member", "2012", None),
        ("CHN", "wto", "member", "2001-12-11", None),
        ("KAZ", "adb", "member", None, None),
        ("CHN", "adb", "member", None, None),
        ("KAZ", "old", "member", None, "2010"),
        ("RUS", "old", "member", "1992", "2010-07-01"),
        ("IRN", "sco", "observer", "2005", "2023"),
    ],
    schema=["country", "institution", "role", "start", "end"],
    orient="row",
)


def test_present() -> None:
    found = shared_memberships(ROWS, "KAZ", ["RUS", "CHN"], 2024)
    assert found.columns == [
        "country", "power", "year", "shared", "shared_undated",
        "focal_total", "power_total", "jaccard", "institutions",
    ]  # fmt: skip
    china, russia = found.rows(named=True)
    assert (china["power"], china["shared"], china["shared_undated"]) == ("CHN", 3, 1)
    assert china["institutions"] == ["adb", "sco", "wto"]
    assert (china["focal_total"], china["power_total"], china["jaccard"]) == (4, 3, 3 / 4)
    assert (russia["power"], russia["shared"], russia["shared_undated"]) == ("RUS", 3, 0)
    assert russia["institutions"] == ["eaeu", "sco", "wto"]


def test_undated_rows_stand_for_the_present_unless_asked() -> None:
    def count(year: int, rule: str) -> tuple[int, int, int]:
        row = shared_memberships(ROWS, "KAZ", ["CHN"], year, undated=rule)  # type: ignore[arg-type]
        return row.select("shared", "shared_undated", "focal_total").row(0)

    assert count(2024, "exclude") == (2, 0, 3)
    assert count(2022, "auto") == (1 + 1, 0, 3)  # 2023 is the latest year in the table
    assert count(2023, "auto") == (3, 1, 4)
    assert count(2022, "include") == (3, 1, 4)


def test_days() -> None:
    def names(on: object) -> list[str]:
        found = shared_memberships(ROWS, ["KAZ"], ["RUS"], on)  # type: ignore[arg-type]
        return list(found["institutions"][0])

    assert names("2015-11-29") == ["eaeu", "sco"]
    assert names("2015-11-30") == ["eaeu", "sco", "wto"]
    assert names(date(2014, 12, 31)) == ["sco"]
    assert names("2001-06-14") == []
    old = shared_memberships(ROWS, "KAZ", ["RUS"], "2009-12-31", undated="include")
    assert old["institutions"].to_list() == [["old", "sco"]]
    assert shared_memberships(ROWS, "KAZ", ["RUS"], "2010-01-01", undated="include")["shared"][0] == 1


def test_roles_weights_and_emptiness() -> None:
    seen = shared_memberships(ROWS, "KAZ", ["IRN"], 2010, roles=("member", "observer"))
    assert seen["institutions"].to_list() == [["sco"]]
    heavy = shared_memberships(ROWS, "KAZ", ["RUS"], 2024, weights={"eaeu": 4.0})
    assert heavy["jaccard"][0] == (4 + 2) / (4 + 2 + 1)
    nothing = shared_memberships(ROWS, "KAZ", ["IRN"], 1990).row(0, named=True)
    assert (nothing["shared"], nothing["jaccard"]) == (0, None)
    assert shared_memberships(ROWS, "KAZ", ["KAZ"], 2024).height == 0


def test_bad_requests_and_tables() -> None:
    with pytest.raises(UnknownLabel, match="KAZ"):
        shared_memberships(ROWS, "KZA", ["RUS"], 2024)
    with pytest.raises(UnknownLabel, match="role"):
        shared_memberships(ROWS, "KAZ", ["RUS"], 2024, roles=("full",))
    with pytest.raises(UnknownLabel, match="rule"):
        shared_memberships(ROWS, "KAZ", ["RUS"], 2024, undated="maybe")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="day 'today'"):
        shared_memberships(ROWS, "KAZ", ["RUS"], "today")
    with pytest.raises(DataError, match="negative weight"):
        shared_memberships(ROWS, "KAZ", ["RUS"], 2024, weights={"sco": -1})
    with pytest.raises(DataError, match="no column 'role'"):
        shared_memberships(ROWS.drop("role"), "KAZ", ["RUS"], 2024)


@pytest.mark.parametrize(
    ("start", "end", "column"),
    [("1992-13", None, "start"), ("soon", None, "start"), (None, "92", "end"), ("2000", "1999", "end")],
)
def test_bad_dates(start: str | None, end: str | None, column: str) -> None:
    bad = pl.DataFrame(
        [("RUS", "sco", "member", start, end)],
        schema=dict.fromkeys(ROWS.columns, pl.String),
        orient="row",
    )
    with pytest.raises(DataError) as caught:
        shared_memberships(pl.concat([ROWS, bad]), "KAZ", ["RUS"], 2024)
    assert (caught.value.row, caught.value.column) == (ROWS.height + 2, column)


def test_the_collected_table(shared: Path) -> None:
    table = pl.read_csv(shared / "facts" / "diplomacy" / "memberships.csv", infer_schema=False)
    found = shared_memberships(table, "KAZ", ["RUS", "CHN", "USA"], 2025)
    by_power = dict(zip(found["power"], found["institutions"], strict=True))
    assert {"csto", "eaeu", "sco"} <= set(by_power["RUS"])
    assert "csto" not in by_power["CHN"]
    assert "sco" not in by_power["USA"]
