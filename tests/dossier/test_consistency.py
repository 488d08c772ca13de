"""Each consistency rule finds its own case, at its row, and nothing in a dossier without fault."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import load_dossier
from betweengiants.dossier.consistency import RULES, check_consistency, described

Rows = list[dict[str, str]]
USED = {"source_id": "s1"}


def measure(name: str, unit: str = "usd_m", **more: str) -> dict[str, str]:
    return {"measure": name, "title": name, "domain": "trade", "unit": unit, "definition": name} | more


def fact(name: str, value: str, **more: str) -> dict[str, str]:
    row = {
        "measure": name,
        "subject": "KAZ",
        "period": "2024",
        "value": value,
        "unit": "usd_m",
        "basis": "reported",
    }
    return row | USED | more


def actor(code: str, kind: str = "state") -> dict[str, str]:
    return {"actor": code, "name": code, "kind": kind, "role": "other"}


def trade(reporter: str, partner: str, flow: str, value: str, basis: str = "customs") -> dict[str, str]:
    row = {"year": "2024", "reporter": reporter, "partner": partner, "flow": flow, "basis": basis}
    return row | {"value_usd_m": value} | USED


def member(start: str, end: str = "", role: str = "member") -> dict[str, str]:
    return {"country": "KAZ", "institution": "club", "role": role, "start": start, "end": end} | USED


def node(name: str) -> dict[str, str]:
    return {"node_id": name, "name": name, "kind": "port", "country": "KAZ", "coord_quality": "exact"} | USED


def edge(**more: str) -> dict[str, str]:
    row = {
        "edge_id": "pipe",
        "name": "Pipe",
        "from_node": "a",
        "to_node": "b",
        "mode": "pipeline",
        "commodities": "crude",
    }
    row |= {
        "capacity": "10",
        "capacity_low": "8",
        "capacity_high": "12",
        "capacity_basis": "rated",
        "cost": "1",
    }
    row |= {"cost_basis": "published", "loss": "0", "bidirectional": "false", "status": "operating"}
    return row | USED | more


def agreement(date: str, **more: str) -> dict[str, str]:
    row = {"agreement_id": "a1", "date": date, "title": "Treaty", "parties": "KAZ;RUS", "domain": "diplomacy"}
    return row | {"kind": "treaty", "value_kind": "none", "status": "in force"} | USED | more


def deal_stage(stage: str, value: str, **more: str) -> dict[str, str]:
    row = {
        "deal_id": "d1",
        "stage": stage,
        "date": "2024",
        "item": "engines",
        "value": value,
        "unit": "count",
    }
    return row | {"basis": "reported"} | USED | more


CLUB = [{"institution": "club", "name": "Club", "domain": "diplomacy", "kind": "club"}]
NODES = {"network_nodes": [node("a"), node("b")], "network_edges": [edge()]}
DEAL = {
    "deals": [
        {
            "deal_id": "d1",
            "title": "Engines",
            "buyer": "KAZ",
            "supplier": "RUS",
            "power": "RUS",
            "domain": "trade",
            "kind": "purchase",
        }
        | USED
    ]
}

# rule; tables added to the small dossier that are faultless; the same with one fault; table and row of the finding
CASES: list[tuple[str, dict[str, Rows], dict[str, Rows], tuple[str, int]]] = [
    (
        "range_outside_bounds",
        {
            "measures": [measure("x", minimum="0", maximum="10")],
            "facts": [fact("x", "5", low="1", high="10")],
        },
        {
            "measures": [measure("x", minimum="0", maximum="10")],
            "facts": [fact("x", "5", low="1", high="11")],
        },
        ("facts", 4),
    ),
    (
        "shares_above_one",
        {
            "measures": [measure("x_share", "pct")],
            "facts": [
                fact("x_share", "60", unit="pct", partner="RUS"),
                fact("x_share", "41", unit="pct", partner="CHN"),
            ],
        },
        {
            "measures": [measure("x_share", "pct")],
            "facts": [
                fact("x_share", "60", unit="pct", partner="RUS"),
                fact("x_share", "43", unit="pct", partner="CHN"),
            ],
        },
        ("facts", 4),
    ),
    (
        "parts_above_whole",
        {
            "measures": [measure("oil_sold"), measure("oil_sold_to")],
            "facts": [
                fact("oil_sold", "100"),
                fact("oil_sold_to", "50", partner="RUS"),
                fact("oil_sold_to", "51", partner="CHN"),
            ],
        },
        {
            "measures": [measure("oil_sold"), measure("oil_sold_to")],
            "facts": [
                fact("oil_sold", "100"),
                fact("oil_sold_to", "50", partner="RUS"),
                fact("oil_sold_to", "53", partner="CHN"),
            ],
        },
        ("facts", 5),
    ),
    (
        "derived_not_its_arithmetic",
        {
            "measures": [measure("x", "share")],
            "facts": [
                fact("x", "0.047", unit="share", basis="derived", warnings="derived", note="3.7 of 78.7")
            ],
        },
        {
            "measures": [measure("x", "share")],
            "facts": [
                fact(
                    "x",
                    "0.057",
                    unit="share",
                    basis="derived",
                    warnings="derived",
                    note="3.7 of 78.7; by route",
                )
            ],
        },
        ("facts", 4),
    ),
    (
        "turnover_not_its_parts",
        {
            "measures": [measure(name) for name in ("exports_goods", "imports_goods", "trade_turnover")],
            "facts": [
                fact("exports_goods", "40", partner="RUS"),
                fact("imports_goods", "60", partner="RUS"),
                fact("trade_turnover", "101", partner="RUS"),
            ],
        },
        {
            "measures": [measure(name) for name in ("exports_goods", "imports_goods", "trade_turnover")],
            "facts": [
                fact("exports_goods", "40", partner="RUS"),
                fact("imports_goods", "60", partner="RUS"),
                fact("trade_turnover", "110", partner="RUS"),
            ],
        },
        ("facts", 6),
    ),
    (
        "sources_far_apart",
        {"facts": [fact("gdp", "199", source_id="s2")]},
        {"facts": [fact("gdp", "201", source_id="s2")]},
        ("facts", 2),
    ),
    (
        "mirror_gap_without_warning",
        {
            "measures": [measure("exports_goods"), measure("imports_goods")],
            "facts": [
                fact("exports_goods", "40", partner="RUS", warnings="mirror_gap"),
                fact("imports_goods", "90", subject="RUS", partner="KAZ"),
            ],
        },
        {
            "measures": [measure("exports_goods"), measure("imports_goods")],
            "facts": [
                fact("exports_goods", "40", partner="RUS"),
                fact("imports_goods", "90", subject="RUS", partner="KAZ"),
            ],
        },
        ("facts", 4),
    ),
    (
        "announced_below_delivered",
        {
            "measures": [measure("x_ordered", "count"), measure("x_delivered", "count")],
            "facts": [fact("x_ordered", "5", unit="count"), fact("x_delivered", "5", unit="count")],
        },
        {
            "measures": [measure("x_ordered", "count"), measure("x_delivered", "count")],
            "facts": [fact("x_ordered", "5", unit="count"), fact("x_delivered", "6", unit="count")],
        },
        ("facts", 5),
    ),
    (
        "basis_without_its_warning",
        {"facts": [fact("gdp", "1", period="2023", basis="estimate", warnings="estimated")]},
        {"facts": [fact("gdp", "1", period="2023", basis="estimate", warnings="derived")]},
        ("facts", 4),
    ),
    (
        "unreadable_period",
        {
            "facts": [
                fact("gdp", "1", period=p)
                for p in ("2023-H1", "2023-Q4", "2023-11", "2022/2023", "2023-01/2023-07")
            ]
        },
        {"facts": [fact("gdp", "1", period="2023-H3")]},
        ("facts", 4),
    ),
    (
        "reported_from_the_future",
        {"facts": [fact("gdp", "1", period="2025"), fact("gdp", "1", period="2027", basis="projection")]},
        {"facts": [fact("gdp", "1", period="2027")]},
        ("facts", 4),
    ),
    (
        "stale",
        {"measures": [measure("x")], "facts": [fact("x", "1", period="2018"), fact("x", "1", period="2019")]},
        {"measures": [measure("x")], "facts": [fact("x", "1", period="2017"), fact("x", "1", period="2018")]},
        ("measures", 4),
    ),
    (
        "mirror_gap",
        {"trade_bilateral": [trade("KAZ", "RUS", "export", "100"), trade("RUS", "KAZ", "import", "200")]},
        {"trade_bilateral": [trade("KAZ", "RUS", "export", "100"), trade("RUS", "KAZ", "import", "201")]},
        ("trade_bilateral", 2),
    ),
    (
        "partners_above_world",
        {
            "actors": [actor("WLD", "group")],
            "trade_bilateral": [
                trade("KAZ", "RUS", "import", "60"),
                trade("KAZ", "CHN", "import", "41"),
                trade("KAZ", "WLD", "import", "100"),
            ],
        },
        {
            "actors": [actor("WLD", "group")],
            "trade_bilateral": [
                trade("KAZ", "RUS", "import", "60"),
                trade("KAZ", "CHN", "import", "43"),
                trade("KAZ", "WLD", "import", "100"),
            ],
        },
        ("trade_bilateral", 2),
    ),
    (
        "matrix_apart_from_trade",
        {"trade_bilateral": [trade("KAZ", "RUS", "export", "90")]},
        {"trade_bilateral": [trade("KAZ", "RUS", "export", "120")]},
        ("trade_matrix", 3),
    ),
    (
        "flow_above_capacity",
        NODES
        | {
            "network_observed": [
                {"edge_id": "pipe", "commodity": "crude", "year": "2024", "volume": "12"} | USED
            ]
        },
        NODES
        | {
            "network_observed": [
                {"edge_id": "pipe", "commodity": "crude", "year": "2024", "volume": "13"} | USED
            ]
        },
        ("network_observed", 2),
    ),
    (
        "owned_more_than_once",
        NODES
        | {
            "network_control": [
                {"asset_id": "pipe", "power": p, "basis": "ownership", "share": "0.5"} | USED
                for p in ("RUS", "CHN")
            ]
        },
        NODES
        | {
            "network_control": [
                {"asset_id": "pipe", "power": p, "basis": "ownership", "share": "0.6"} | USED
                for p in ("RUS", "CHN")
            ]
        },
        ("network_control", 2),
    ),
    (
        "overlapping_memberships",
        {
            "institutions": CLUB,
            "memberships": [member("1992", "1999-05"), member("1999-06"), member("2005", role="observer")],
        },
        {"institutions": CLUB, "memberships": [member("1992", "1999-05"), member("1998")]},
        ("memberships", 3),
    ),
    (
        "end_before_start",
        {"institutions": CLUB, "memberships": [member("1999-05", "1999")]},
        {"institutions": CLUB, "memberships": [member("1999-05", "1998")]},
        ("memberships", 2),
    ),
    (
        "unreadable_date",
        {"agreements": [agreement("2024-02-29")]},
        {"agreements": [agreement("spring 2024")]},
        ("agreements", 2),
    ),
    (
        "agreement_after_the_dossier",
        {"agreements": [agreement("2025")]},
        {"agreements": [agreement("2025-04")]},
        ("agreements", 2),
    ),
    (
        "delivered_above_announced",
        DEAL | {"deal_stages": [deal_stage("signed", "10", high="12"), deal_stage("delivered", "12")]},
        DEAL | {"deal_stages": [deal_stage("signed", "10", high="12"), deal_stage("delivered", "13")]},
        ("deal_stages", 3),
    ),
    (
        "unused_source",
        {},
        {
            "sources": [
                {
                    "source_id": "s3",
                    "publisher": "P",
                    "title": "T",
                    "url": "http://x",
                    "licence": "CC0",
                    "ship": "open",
                }
            ]
        },
        ("sources", 4),
    ),
    ("unused_actor", {}, {"actors": [actor("UZB")]}, ("actors", 5)),
    ("unused_measure", {}, {"measures": [measure("x")]}, ("measures", 4)),
    (
        "unused_node",
        NODES,
        NODES | {"network_nodes": [node("a"), node("b"), node("c")]},
        ("network_nodes", 4),
    ),
    (
        "unused_institution",
        {"institutions": CLUB, "memberships": [member("1992")]},
        {"institutions": [*CLUB, CLUB[0] | {"institution": "other"}], "memberships": [member("1992")]},
        ("institutions", 3),
    ),
    (
        "source_without_address",
        {},
        {
            "sources": [
                {
                    "source_id": "s3",
                    "publisher": "P",
                    "title": "T",
                    "url": "ftp://x",
                    "licence": "CC0",
                    "ship": "open",
                }
            ],
            "facts": [fact("gdp", "1", period="2023", source_id="s3")],
        },
        ("sources", 4),
    ),
]


@pytest.fixture
def findings(
    make_dossier: Callable[..., Path], small_tables: Mapping[str, Rows], tmp_path: Path
) -> Callable[[dict[str, Rows]], list[dict[str, Any]]]:
    """Findings in the small dossier with rows added to its tables and other tables beside them."""

    def find(added: dict[str, Rows]) -> list[dict[str, Any]]:
        tables = {table: [*small_tables.get(table, []), *rows] for table, rows in added.items()}
        return check_consistency(load_dossier(make_dossier(tmp_path / "d", **tables))).to_dicts()

    return find


def test_a_dossier_without_fault(findings: Callable[[dict[str, Rows]], list[dict[str, Any]]]) -> None:
    assert findings({}) == []


@pytest.mark.parametrize(("rule", "right", "wrong", "place"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_finds_its_case_and_no_other_rule_does(
    findings: Callable[[dict[str, Rows]], list[dict[str, Any]]],
    rule: str,
    right: dict[str, Rows],
    wrong: dict[str, Rows],
    place: tuple[str, int],
) -> None:
    assert findings(right) == []
    (found,) = findings(wrong)
    assert (found["rule"], (found["table"], found["row"])) == (rule, place)
    assert len(found["sentence"]) > 10


def test_every_rule_has_a_case_and_a_sentence() -> None:
    assert [case[0] for case in CASES] == list(RULES)
    for name, sentence in described():
        assert sentence.endswith("."), name
        assert " " in sentence


def test_several_findings_are_all_listed(findings: Callable[[dict[str, Rows]], list[dict[str, Any]]]) -> None:
    found = findings({"actors": [actor("UZB"), actor("KGZ")], "measures": [measure("x"), measure("y")]})
    assert [(row["rule"], row["row"]) for row in found] == [
        ("unused_actor", 5),
        ("unused_actor", 6),
        ("unused_measure", 4),
        ("unused_measure", 5),
    ]


def test_members_of_a_bloc_are_not_counted_twice(
    findings: Callable[[dict[str, Rows]], list[dict[str, Any]]],
) -> None:
    """Germany is in the Union: 60 and 30 of 100 are 60 and not 90."""
    shares = [
        fact("x_share", value, unit="pct", partner=partner)
        for partner, value in (("EU27", "60"), ("DEU", "50"), ("RUS", "39"))
    ]
    states = [actor("EU27"), actor("DEU")]
    assert findings({"actors": states, "measures": [measure("x_share", "pct")], "facts": shares}) == []


def test_only_some_rules() -> None:
    dossier = load_dossier()
    one = check_consistency(dossier, ["unused_source"])
    assert set(one["rule"]) <= {"unused_source"}
    assert one.equals(
        check_consistency(dossier).filter(check_consistency(dossier)["rule"] == "unused_source")
    )
    with pytest.raises(
        UnknownLabel, match="unknown rule 'unused_sorce'; allowed: did you mean unused_source"
    ):
        check_consistency(dossier, ["unused_sorce"])


def test_the_date_of_a_dossier_may_be_stated(
    make_dossier: Callable[..., Path], small_tables: Mapping[str, Rows], tmp_path: Path
) -> None:
    folder = make_dossier(tmp_path / "d", agreements=[agreement("2026-01")])
    assert "agreement_after_the_dossier" in check_consistency(load_dossier(folder))["rule"]
    path = folder / "datapackage.json"
    path.write_text(
        path.read_text("utf-8").replace('"version"', '"created": "2026-02-01", "version"', 1), "utf-8"
    )
    assert "agreement_after_the_dossier" not in check_consistency(load_dossier(folder))["rule"]
