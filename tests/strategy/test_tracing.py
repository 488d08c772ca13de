"""From a number of the frontier to its rows: the number is that of the frontier or the plan, the rows are those it turns on."""

from __future__ import annotations

import pytest

from betweengiants.core.errors import DataError, Infeasible, UnknownLabel
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.trail import Trace
from betweengiants.strategy import Frontier, Plan, autonomy_frontier, plan_at
from betweengiants.strategy.tracing import list_frontier, number_name, trace_frontier


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier("kazakhstan")


@pytest.fixture(scope="module")
def curve(dossier: Dossier) -> Frontier:
    return autonomy_frontier(dossier, points=3)


@pytest.fixture(scope="module")
def plan(dossier: Dossier) -> Plan:
    return plan_at(dossier, 80)


def keys(found: Trace, role: str) -> set[str]:
    return {row.key for row in found.rows if row.role == role}


def test_every_listed_number_is_traced_to_itself(dossier: Dossier, curve: Frontier) -> None:
    listed = list_frontier(curve)
    assert listed["id"].is_unique().all()
    assert listed.height == 2 + 4 * curve.points.height
    for row in listed.to_dicts():
        found = trace_frontier(dossier, row["id"])
        assert found.identifier == row["id"]
        assert found.unit == row["unit"]
        for name in ("value", "low", "high"):
            wanted, got = row[name], getattr(found, name)
            assert got == pytest.approx(wanted, rel=1e-7, abs=1e-7) if wanted is not None else got is None
        assert found.sources


def test_the_numbers_of_a_plan(dossier: Dossier, plan: Plan) -> None:
    for row in plan.actions.to_dicts():
        found = trace_frontier(dossier, number_name("added", 80, who=row["option_id"]))
        assert found.value == pytest.approx(row["added_capacity"])
        assert keys(found, "is built") == {f"options:{row['option_id']}"}
    for row in plan.leverage.to_dicts():
        found = trace_frontier(dossier, number_name("leverage", 80, who=row["coalition"]))
        assert found.value == pytest.approx(row["loss_pct_after"], abs=1e-9)
    assert trace_frontier(dossier, "frontier.capex.80").value == pytest.approx(plan.capex.value)
    assert trace_frontier(dossier, "frontier.price.80").value == pytest.approx(plan.price)


def test_rows_are_what_is_built_what_grows_and_what_binds(dossier: Dossier, plan: Plan) -> None:
    found = trace_frontier(dossier, "frontier.cost.80", where="my folder")
    assert found.value == pytest.approx(plan.cost.value)
    assert found.command == "betweengiants frontier 'my folder' --bound 80.0"
    built = set(plan.actions["option_id"])
    every = set(dossier.tables["options"]["option_id"])
    assert keys(found, "is built") == {f"options:{option}" for option in built}
    assert keys(found, "could be built, and is not") == {f"options:{option}" for option in every - built}
    edges = dict(dossier.tables["options"].select("option_id", "edge_id").iter_rows())
    grown = {f"edge:{edge}" for option in built for edge in edges[option].split(";")}
    assert keys(found, "its capacity grows") == grown
    assert keys(found, "a setting of the model") == {
        "parameters:asset_life_years",
        "parameters:discount_rate",
    }
    assert "edge:cpc-rus" in keys(found, "closes")  # Russia binds, and closes the pipe that lies in Russia
    assert {row.table for row in found.rows} <= set(found.hashes)


def test_another_power_closes_other_rows(dossier: Dossier) -> None:
    russia, china = (trace_frontier(dossier, f"frontier.leverage.{power}.80") for power in ("RUS", "CHN"))
    assert keys(russia, "closes") != keys(china, "closes")
    assert all("/CHN/" in key for key in keys(china, "why it closes"))


def test_the_least_names_what_is_full(dossier: Dossier, curve: Frontier) -> None:
    full = {name.replace("edge ", "edge:") for name in curve.binds if name.startswith("edge ")}
    rows = {row.key for row in trace_frontier(dossier, "frontier.least").rows}
    assert full
    assert full <= rows


def test_other_coalitions_and_whole_projects(dossier: Dossier) -> None:
    name = number_name("cost", 85.0, whole=True, powers="RUS, CHN+RUS")
    assert name == "frontier.cost_whole.85.0@RUS,CHN+RUS"
    found = trace_frontier(dossier, name)
    wanted = plan_at(dossier, 85, coalitions=[["RUS"], ["CHN", "RUS"]], whole=True)
    assert found.value == pytest.approx(wanted.cost.value)
    assert found.command == "betweengiants frontier kazakhstan --bound 85.0 --whole --powers RUS,CHN+RUS"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("frontier", UnknownLabel, "unknown result"),
        ("frontier.cots.80", UnknownLabel, "did you mean frontier.cost.80"),
        ("frontier.cost", UnknownLabel, "unknown result"),
        ("frontier.price_whole.80", UnknownLabel, "unknown result"),
        ("frontier.leverage.RSU.80", UnknownLabel, "unknown coalition 'RSU'"),
        ("frontier.added.kuryk.80", UnknownLabel, "unknown option 'kuryk'"),
        ("frontier.cost.eighty", DataError, "bound 'eighty'"),
        ("frontier.cost.nan", DataError, "bound 'nan'"),
        ("frontier.cost.120", DataError, "bound '120'"),
        ("frontier.cost.80@RUS,,CHN", DataError, "powers 'RUS,,CHN'"),
        ("frontier.cost.20", Infeasible, "no coalition takes more than 20 %"),
    ],
)
def test_what_cannot_be_traced_is_refused(
    dossier: Dossier, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        trace_frontier(dossier, name)
    assert message in str(caught.value)
