"""Agreements, deliveries and visits: counts that are never added across kinds, each with its coverage."""

import polars as pl
import pytest

from betweengiants.alignment.events import against_published, coverage
from betweengiants.alignment.treaties import (
    agreement_events,
    agreements_by_year,
    announced_values,
    deliveries,
    deliveries_by_power,
)
from betweengiants.alignment.visits import visit_events, visits_by_year
from betweengiants.core.errors import DataError, UnknownLabel

AGREEMENTS = pl.DataFrame(
    [
        ("a1", "1992-05-25", "KAZ;RUS", "security", "treaty", None, "none", "in force"),
        ("a2", "1992", "KAZ; RUS; BLR", "trade", "treaty", None, "none", "replaced"),
        ("a3", "2004-01-09", "KAZ;RUS", "technology", "treaty", 115.0, "rent_per_year", "in force"),
        ("a4", "2004-06", "RUS;KAZ", "energy", "contract", 200.0, "signed", "signed"),
        ("a5", "2004-07", "KAZ;RUS", "energy", "contract", 300.0, "signed", "signed"),
        ("a6", None, "KAZ;RUS", "energy", "contract", 50.0, "package", "announced"),
        ("a7", "2013-09", "KAZ;CHN", "finance", "contract", 30000.0, "package", "announced"),
        ("a8", "2013-09", "RUS;CHN", "finance", "contract", 9.0, "signed", "signed"),
    ],
    schema=["agreement_id", "date", "parties", "domain", "kind", "value_usd_m", "value_kind", "status"],
    orient="row",
)
VISITS = pl.DataFrame(
    [
        ("2012-06-07", "RUS", "KAZ", "head_of_state", "state", "held"),
        ("2012-12", "KAZ", "RUS", "head_of_state", "summit", "held"),
        ("2012", "KAZ", "RUS", "foreign_minister", "working", "held"),
        ("2013-09", "CHN", "KAZ", "head_of_state", "state", "held"),
        ("2026-05", "RUS", "KAZ", "head_of_state", "state", "announced"),
        (None, "RUS", "KAZ", "head_of_state", "state", "held"),
        ("2013-09", "CHN", "RUS", "head_of_state", "state", "held"),
    ],
    schema=["date", "visitor", "host", "level", "kind", "status"],
    orient="row",
)


def test_agreements_by_power_year_and_domain() -> None:
    found = agreements_by_year(agreement_events(AGREEMENTS, "KAZ", ["RUS", "CHN", "USA"]))
    assert found.rows() == [
        ("CHN", 2013, "finance", 1, 0, 0),
        ("RUS", 1992, "security", 1, 1, 0),
        ("RUS", 1992, "trade", 1, 1, 1),
        ("RUS", 2004, "energy", 2, 2, 0),
        ("RUS", 2004, "technology", 1, 1, 0),
        ("RUS", None, "energy", 1, 0, 0),
    ]


def test_values_are_added_within_a_kind_only() -> None:
    found = announced_values(agreement_events(AGREEMENTS, "KAZ", ["RUS", "CHN"]))
    assert found.rows() == [
        ("CHN", 2013, "package", 1, 30000.0, ["a7"]),
        ("RUS", 2004, "rent_per_year", 1, 115.0, ["a3"]),
        ("RUS", 2004, "signed", 2, 500.0, ["a4", "a5"]),
        ("RUS", None, "package", 1, 50.0, ["a6"]),
    ]


def test_coverage_counts_undated_rows_apart() -> None:
    assert coverage(agreement_events(AGREEMENTS, "KAZ", ["RUS", "CHN"])).rows() == [
        ("CHN", 1, 0, 2013, 2013, 1),
        ("RUS", 6, 1, 1992, 2004, 2),
    ]


def test_agreements_without_the_welcome_columns() -> None:
    bare = AGREEMENTS.drop("value_usd_m", "value_kind", "status")
    events = agreement_events(bare, "KAZ", ["RUS"])
    assert events["signed"].all()
    assert announced_values(events).height == 0


def test_bad_agreements() -> None:
    with pytest.raises(UnknownLabel, match="unknown party 'KZA'"):
        agreement_events(AGREEMENTS, "KZA", ["RUS"])
    with pytest.raises(DataError, match="second row"):
        agreement_events(pl.concat([AGREEMENTS, AGREEMENTS]), "KAZ", ["RUS"])
    with pytest.raises(DataError, match="row 2, column 'date': found 'May 1992'"):
        agreement_events(AGREEMENTS.with_columns(date=pl.lit("May 1992")), "KAZ", ["RUS"])


def test_visits_by_year_and_level() -> None:
    found = visits_by_year(visit_events(VISITS, "KAZ", ["RUS", "CHN"]))
    assert found.rows() == [
        ("CHN", 2013, "head_of_state", 1, 0, 0, 0),
        ("RUS", 2012, "foreign_minister", 0, 1, 0, 0),
        ("RUS", 2012, "head_of_state", 1, 1, 1, 0),
        ("RUS", 2026, "head_of_state", 0, 0, 0, 1),
        ("RUS", None, "head_of_state", 1, 0, 0, 0),
    ]
    with pytest.raises(UnknownLabel, match="UZB"):
        visit_events(VISITS, "UZB", ["RUS"])


def test_published_totals_beside_the_table() -> None:
    events = visit_events(VISITS, "KAZ", ["RUS", "CHN"]).filter("held")
    events = events.select("day", country_a="visitor", country_b="host")
    published = pl.DataFrame(
        [
            ("RUS", "KAZ", 33, "2025", None),
            ("KAZ", "RUS", 2, "2012-12", None),
            ("KAZ", "RUS", 2, "2012-11", None),
            ("KAZ", "RUS", 2, "2012-12", "2012-02"),
            ("CHN", "KAZ", 0, "2025", None),
        ],
        schema=["country_a", "country_b", "value", "as_of", "since"],
        orient="row",
    )
    found = against_published(events, published, directed=True)
    # a month counts whole; an event without a day is in no period
    assert found["seen"].to_list() == [1, 2, 1, 1, 1]
    assert found["share"].to_list() == [1 / 33, 1, 0.5, 0.5, None]
    either = against_published(events, published, directed=False)
    assert either["seen"].to_list() == [3, 3, 2, 2, 1]
    with pytest.raises(DataError, match="row 2, column 'as_of'"):
        against_published(events, published.with_columns(as_of=pl.lit("now")), directed=True)


PROJECTS = pl.DataFrame(
    [
        ("p1", "USA", "2018-01", 300.0, "locomotives", "contract", "2024-01", 18.0),
        ("p2", "USA", "2012", 3.0, "aircraft", "order", "2025-11", 0.0),
        ("p3", "USA", "2019-11", 30.0, "aircraft", "letter", "2025-11", 0.0),
        ("p4", "USA", "2018-01", 7500.0, "usd_m", "total", None, None),
        ("p5", "USA", "2020", 100.0, "locomotives", "contract", "2024", 100.0),
    ],
    schema=[
        "project", "power", "announced", "announced_value", "unit", "kind", "observed", "observed_value",
    ],
    orient="row",
)  # fmt: skip


def test_delivered_beside_announced() -> None:
    table = deliveries(PROJECTS)
    assert table["delivered"].to_list() == [0.06, 0, 0, None, 1]
    assert table["years"][0] == pytest.approx(6, abs=0.01)
    found = deliveries_by_power(table).drop("power")
    # an order and a letter of intent are of two kinds, and an unknown outcome is not none
    assert found.rows() == [
        ("aircraft", "letter", 1, 1, 30.0, 0.0, 0.0),
        ("aircraft", "order", 1, 1, 3.0, 0.0, 0.0),
        ("locomotives", "contract", 2, 2, 400.0, 118.0, 118 / 400),
        ("usd_m", "total", 1, 0, None, None, None),
    ]
    with pytest.raises(DataError, match="at least 0"):
        deliveries(PROJECTS.with_columns(observed_value=-1.0))
