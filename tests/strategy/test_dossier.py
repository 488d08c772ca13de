"""The frontier of the embedded case."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from betweengiants.core.errors import DataError, Infeasible, UnknownLabel
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.network import closure, sever
from betweengiants.position.systems import build_network
from betweengiants.strategy import autonomy_frontier, dossier_problem, frontier_trail, plan_at


@pytest.fixture(scope="module")
def kazakhstan() -> Dossier:
    return load_dossier("kazakhstan")


def with_table(dossier: Dossier, name: str, frame: pl.DataFrame) -> Dossier:
    return replace(dossier, tables={**dossier.tables, name: frame})


def test_planned_edges_change_nothing_today(kazakhstan: Dossier) -> None:
    """Today's loss is that of the network as `position` knows it, without the edges that options name."""
    problem = dossier_problem(kazakhstan)
    assert problem.own == ("crude-kaz",)
    severed = sever(build_network(kazakhstan), ["RUS"])
    value = {
        side: float(result.by_commodity.filter(pl.col("commodity") == "crude-kaz")["value"].sum())
        for side, result in (("before", severed.before), ("after", severed.after))
    }
    curve = autonomy_frontier(kazakhstan, points=2)
    assert curve.base_usd_m == pytest.approx(value["before"], rel=1e-9)
    assert curve.today_pct == pytest.approx(100 * (1 - value["after"] / value["before"]), abs=1e-8)


def test_shape_of_the_frontier(kazakhstan: Dossier) -> None:
    curve = autonomy_frontier(kazakhstan)
    points = curve.points
    assert points.height == 11
    assert points["worst_power"].to_list() == ["RUS"] * 11
    cost, price = points["cost_usd_m_per_year"], points["price_usd_m_per_point"]
    assert cost[0] == 0
    assert (cost.diff().drop_nulls() > 0).all()
    assert (price.drop_nulls().diff().drop_nulls() >= -1e-6).all()
    assert (points["cost_low"] <= cost).all()
    assert (points["cost_high"] >= cost).all()
    assert (points["cost_whole"] >= cost - 1e-6).all()
    assert 0 < curve.least_pct < curve.today_pct < 100
    assert curve.notes == ()


def test_plan_against_russia_uses_nothing_that_russia_closes(kazakhstan: Dossier) -> None:
    """Even a free way to enlarge the Russian route is not taken."""
    row = kazakhstan.tables["options"].row(0, named=True)
    gift = {**row, "option_id": "gift", "edge_id": "cpc-rus", "capex_usd_m": 0.0, "capex_low": 0.0}
    offered = with_table(
        kazakhstan,
        "options",
        pl.concat(
            [kazakhstan.tables["options"], pl.DataFrame([gift], schema=kazakhstan.tables["options"].schema)]
        ),
    )
    plan = plan_at(offered, 75, coalitions=[["RUS"]])
    built = dict(plan.actions.select("option_id", "added_capacity").iter_rows())
    assert built
    assert "gift" not in built
    problem = dossier_problem(kazakhstan)
    network = problem.expanded([0.0] * len(problem.options))
    cut = closure(network, ["RUS"])
    for option in problem.options:
        if option.option_id in built:
            assert all(cut.limits.edge_open[network.edge_index[edge]] for edge in option.edges)
    assert plan.disagreement <= 1e-6
    assert plan.leverage["loss_pct_after"].to_list() == pytest.approx([75], abs=1e-5)


def test_the_plan_is_what_the_engine_says(kazakhstan: Dossier) -> None:
    plan = plan_at(kazakhstan, 80)
    problem = dossier_problem(kazakhstan)
    units = dict(plan.actions.select("option_id", "added_capacity").iter_rows())
    network = problem.expanded([units.get(o.option_id, 0.0) / o.adds for o in problem.options])
    for row in plan.leverage.iter_rows(named=True):
        after = sever(network, [row["coalition"]]).after
        value = float(after.by_commodity.filter(pl.col("commodity") == "crude-kaz")["value"].sum())
        assert 100 * (1 - value / plan.base_usd_m) == pytest.approx(row["loss_pct_after"], abs=1e-6)
        assert row["programme_loss_pct"] == pytest.approx(row["loss_pct_after"], abs=1e-6)
    assert (plan.leverage["loss_pct_after"] <= 80 + 1e-6).all()
    assert plan.cost.value == pytest.approx(plan.actions["cost_usd_m_per_year"].sum())
    assert plan.capex.value == pytest.approx(plan.actions["capex_usd_m"].sum())


def test_terminal_pipe_and_ships_at_kuryk_go_together(kazakhstan: Dossier) -> None:
    actions = plan_at(kazakhstan, 70).actions
    three = actions.filter(pl.col("option_id").is_in(["kcts_pipe", "kuryk_terminal", "kuryk_tankers"]))
    assert three.height == 3
    assert three["added_capacity"].to_list() == pytest.approx([three["added_capacity"][0]] * 3)


def test_too_low_a_bound(kazakhstan: Dossier) -> None:
    with pytest.raises(Infeasible, match=r"RUS can take \d\d\.\d{4} % whatever is built") as raised:
        plan_at(kazakhstan, 10)
    least = float(raised.value.binds[0].split()[3])
    assert plan_at(kazakhstan, least).cost.value > 0


def test_a_joint_coalition_is_never_cheaper(kazakhstan: Dossier) -> None:
    alone = autonomy_frontier(kazakhstan, coalitions=[["RUS"], ["CHN"]], points=2)
    joint = autonomy_frontier(kazakhstan, coalitions=[["RUS", "CHN"]], points=2)
    assert joint.today_pct > alone.today_pct
    assert joint.least_pct > alone.least_pct


def test_narrower_capacities_leave_less(kazakhstan: Dossier) -> None:
    today = {
        column: autonomy_frontier(kazakhstan, points=2, capacity=column).today_pct
        for column in ("capacity_low", "capacity", "capacity_high")
    }
    assert today["capacity_low"] > today["capacity"] > today["capacity_high"]


def test_trail(kazakhstan: Dossier) -> None:
    trail = frontier_trail(kazakhstan)
    assert "options" in trail.tables
    assert {"diplomat_kuryk_2024", "sage_sdr_transport"} <= set(trail.sources)
    assert trail.parameters["discount_rate"] == kazakhstan.parameter("discount_rate")[0]


def test_every_option_has_a_cost_with_bounds_and_sources(kazakhstan: Dossier) -> None:
    options = kazakhstan.tables["options"]
    known = set(kazakhstan.tables["sources"]["source_id"])
    for row in options.iter_rows(named=True):
        assert row["capex_low"] <= row["capex_usd_m"] <= row["capex_high"]
        assert set(row["source_id"].split(";")) <= known


def test_refusals(kazakhstan: Dossier) -> None:
    bare = replace(kazakhstan, tables={k: v for k, v in kazakhstan.tables.items() if k != "options"})
    with pytest.raises(DataError, match="no table 'options'"):
        autonomy_frontier(bare)
    with pytest.raises(DataError, match="capacity_low"):
        autonomy_frontier(kazakhstan, capacity="capacity_mid")
    with pytest.raises(UnknownLabel, match="did you mean RUS"):
        autonomy_frontier(kazakhstan, coalitions=[["RUZ"]])
    parameters = kazakhstan.tables["parameters"].filter(pl.col("parameter") != "discount_rate")
    with pytest.raises(UnknownLabel, match="discount_rate"):
        autonomy_frontier(with_table(kazakhstan, "parameters", parameters))
