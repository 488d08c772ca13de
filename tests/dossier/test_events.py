"""Visits, sanctions, bases, exercises, technology links, deals and plans: the rules of their tables."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.checks_events import PROMISES, check_deals, check_plans
from betweengiants.dossier.delivery import deal_outcomes, plan_outcomes
from betweengiants.dossier.schema import REQUIRED_TABLES

Rows = list[dict[str, str]]
Edit = Callable[[str, Callable[[Rows], object]], Rows]
EVENTS = ("visits", "sanctions", "bases", "exercises", "technology_links", "deals", "deal_stages", "plans")
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


def refusal(folder: Path, *tables: str) -> DataError:
    path = folder / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    wanted = {*REQUIRED_TABLES, *tables}
    package["resources"] = [entry for entry in package["resources"] if entry["name"] in wanted]
    path.write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_dossier(folder)
    return caught.value


CELLS = [
    ("visits", "host", "KZA", "found unknown actor 'KZA'; allowed: did you mean KAZ"),
    ("visits", "date", "2025-6-1", "found '2025-6-1'; allowed: a date"),
    ("visits", "level", "king", "found 'king'; allowed: head_of_state"),
    ("visits", "status", "", "found an empty cell; allowed: text."),
    ("sanctions", "instrument", "war", "found 'war'; allowed: blocking, listing"),
    ("sanctions", "domain", "macro", "found 'macro'; allowed: trade, energy"),
    ("sanctions", "sender", "nobody", "found unknown actor 'nobody'; allowed: one of"),
    ("bases", "rent_usd_m", "-1", "found -1; allowed: numbers of at least 0."),
    ("bases", "end", "1901", "found '1901'; allowed: a date that is not before the start."),
    ("exercises", "parties", "KAZ;RSU", "found unknown actor 'RSU'; allowed: did you mean RUS"),
    ("exercises", "start", "summer", "found 'summer'; allowed: a date"),
    ("technology_links", "sector", "radio", "found 'radio'; allowed: telecom, satellite"),
    ("plans", "unit", "lorries", "found unknown unit 'lorries'; allowed: one of"),
    ("plans", "source_id", "nobody", "found unknown source 'nobody'; allowed: one of"),
]


@pytest.mark.parametrize(("table", "column", "cell", "words"), CELLS)
def test_one_broken_cell(
    dossier_copy: Path, edit_table: Edit, table: str, column: str, cell: str, words: str
) -> None:
    edit_table(table, lambda rows: rows[0].update({column: cell}))
    error = refusal(dossier_copy, table)
    assert str(error).startswith(f"{table}.csv, row 2, column '{column}': {words}")


def test_troops_between_their_bounds(dossier_copy: Path, edit_table: Edit) -> None:
    edit_table(
        "exercises", lambda rows: rows[0].update(personnel="10", personnel_low="11", personnel_high="12")
    )
    assert refusal(dossier_copy, "exercises").allowed == "a value between personnel_low and personnel_high"


def stages(*rows: tuple[str, str, str, float | None, str | None]) -> pl.DataFrame:
    names = ["deal_id", "stage", "date", "value", "unit"]
    kinds = [pl.String, pl.String, pl.String, pl.Float64, pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
    return frame.with_columns(item=pl.lit("aircraft"))


DEALS = pl.DataFrame({"deal_id": ["a"]})


@pytest.mark.parametrize(
    ("rows", "row", "column"),
    [
        ([("a", "announced", "2020", 3.0, None)], 2, "unit"),
        ([("a", "announced", "2020", None, "count")], 2, "unit"),
        ([("a", "announced", "2020", 3.0, "count"), ("a", "delivered", "2021", 3.0, "usd_m")], 3, "unit"),
        (
            [("a", "announced", "2020-05", 3.0, "count"), ("a", "delivered", "2020-04", 1.0, "count")],
            3,
            "date",
        ),
    ],
)
def test_stages_that_do_not_hold_together(
    rows: list[tuple[str, str, str, float | None, str | None]], row: int, column: str
) -> None:
    with pytest.raises(DataError) as caught:
        check_deals(DEALS, stages(*rows))
    assert (caught.value.file, caught.value.row, caught.value.column) == ("deal_stages.csv", row, column)


def test_stages_that_hold_together() -> None:
    # The less precise date may hold the more precise one; a delivery without a promise is no fault.
    check_deals(
        DEALS, stages(("a", "signed", "2020-05-03", 3, "count"), ("a", "delivered", "2020", 1, "count"))
    )
    check_deals(DEALS, stages(("a", "delivered", "2020", 1, "count")))


def test_a_deal_without_a_stage() -> None:
    with pytest.raises(DataError) as caught:
        check_deals(pl.DataFrame({"deal_id": ["a", "b"]}), stages(("a", "signed", "2020", 3, "count")))
    assert (caught.value.file, caught.value.row, caught.value.found) == ("deals.csv", 3, "'b'")


@pytest.mark.parametrize(
    ("value", "year", "kind", "column"),
    [
        (1.0, None, "outturn", "reached_year"),
        (1.0, 2020, None, "reached_kind"),
        (None, 2020, None, "reached_year"),
    ],
)
def test_half_an_outcome(value: float | None, year: int | None, kind: str | None, column: str) -> None:
    plans = pl.DataFrame(
        {"reached_value": [value], "reached_year": [year], "reached_kind": [kind]},
        schema={"reached_value": pl.Float64, "reached_year": pl.Int64, "reached_kind": pl.String},
    )
    with pytest.raises(DataError) as caught:
        check_plans(plans)
    assert (caught.value.file, caught.value.column) == ("plans.csv", column)


# announced against delivered ------------------------------------------------------------------------------------


def test_deals_are_compared_item_by_item(dossier: Dossier) -> None:
    table = deal_outcomes(dossier)
    assert set(table["deal_id"]) == set(dossier.tables["deals"]["deal_id"])
    assert not table.select("deal_id", "item").is_duplicated().any()
    by_hand = {(row["deal_id"], row["item"]): row for row in table.to_dicts()}
    old = by_hand["ktz_ge_2018", "locomotives"]
    assert (old["promised"], old["delivered"], old["delivered_share"]) == (300, 18, pytest.approx(0.06))
    deere = by_hand["john_deere_2025", "value"]
    assert (deere["promised_low"], deere["promised"], deere["promised_high"]) == (2500, 4000, 5000)
    # What is not known is empty, never zero; a zero is a report of none.
    assert deere["delivered"] is None
    assert by_hand["aa_737_2019", "aircraft"]["delivered"] == 0
    assert by_hand["starlink_schools", "schools"]["delivered_date"] == "2025"


def test_a_delivery_needs_a_row_of_its_own(dossier: Dossier) -> None:
    rows = dossier.tables["deal_stages"].filter(pl.col("stage").is_in(PROMISES))
    bare = Dossier(dossier.header, dossier.tables | {"deal_stages": rows}, dossier.hashes)
    table = deal_outcomes(bare)
    assert table["delivered"].null_count() == table.height > 0
    full = deal_outcomes(dossier).filter(pl.col("promised_date").is_not_null())
    assert table["promised"].equals(full["promised"])


@pytest.mark.parametrize(
    ("value", "reached", "kind", "year", "on", "outcome"),
    [
        (10, 10, "outturn", 2025, TODAY, "reached"),
        (10, 9.5, "outturn", 2025, TODAY, "nearly"),
        (10, 8, "outturn", 2025, TODAY, "missed"),
        (10, 8, "outturn", 2025, date(2025, 12, 31), "below"),
        (10, 8, "outturn", 2024, TODAY, "below"),
        (10, 12, "forecast", 2025, TODAY, "unknown"),
        (10, 12, "plan", 2025, TODAY, "unknown"),
        (10, None, None, None, TODAY, "unknown"),
        (-25, -30, "outturn", 2025, TODAY, "reached"),
        (-25, -10, "outturn", 2025, TODAY, "missed"),
    ],
)
def test_outcome_of_a_plan(
    dossier: Dossier,
    value: float,
    reached: float | None,
    kind: str | None,
    year: int | None,
    on: date,
    outcome: str,
) -> None:
    plan = dossier.tables["plans"].head(1)
    change = {
        "value": float(value),
        "target_year": 2025,
        "reached_value": None if reached is None else float(reached),
        "reached_year": year,
        "reached_kind": kind,
        "status": "open",
    }
    plan = plan.with_columns(
        pl.lit(cell, dtype=plan.schema[name]).alias(name) for name, cell in change.items()
    )
    one = Dossier(dossier.header, dossier.tables | {"plans": plan}, dossier.hashes)
    assert plan_outcomes(one, on)["outcome"].to_list() == [outcome]


def test_plans_of_the_dossier(dossier: Dossier) -> None:
    table = plan_outcomes(dossier, TODAY)
    outcome = dict(zip(table["plan_id"], table["outcome"], strict=True))
    assert outcome["khorgos_teu_2020"] == "missed"
    assert outcome["btc_1p5"] == "nearly"
    assert outcome["transit_35_2029"] == "reached"
    assert outcome["rail_4700_2030"] == "replaced"
    assert outcome["oil_100"] == "unknown"
    shares = table.filter(pl.col("outcome") == "reached")["reached_share"]
    assert (shares >= 1).all()


def test_a_dossier_without_deals(dossier: Dossier) -> None:
    tables = {name: frame for name, frame in dossier.tables.items() if name not in EVENTS}
    bare = Dossier(dossier.header, tables, dossier.hashes)
    with pytest.raises(DataError, match=r"deals\.csv: found no such table"):
        deal_outcomes(bare)
    with pytest.raises(DataError, match=r"plans\.csv: found no such table"):
        plan_outcomes(bare, TODAY)
