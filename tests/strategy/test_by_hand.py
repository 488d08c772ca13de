"""Frontiers worked out by hand on two ways out and a planned third."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from betweengiants.core.errors import DataError, Infeasible, UnknownLabel
from betweengiants.core.intervals import Interval
from betweengiants.network import sever
from betweengiants.strategy import annuity, frontier_of, plan_of

Make = Callable[..., Any]


def test_annuity_closed_forms() -> None:
    assert annuity(0.0, 20) == 1 / 20
    assert annuity(0.05, 1) == pytest.approx(1.05, rel=1e-14)
    years, rate = 25, 0.074
    assert sum(annuity(rate, years) / (1 + rate) ** t for t in range(1, years + 1)) == pytest.approx(
        1, rel=1e-13
    )
    assert annuity(1e-9, 25) == pytest.approx(1 / 25, rel=1e-6)


def test_frontier_of_two_edges(problem: Make, option: Make) -> None:
    """V = 1000; without Russia 2 x 90 = 180 are left, each unit of the safe way adds 90 and costs 50 / 10 a year."""
    curve = frontier_of(problem(option("widen", "safe", 50.0)), points=11)
    assert curve.base_usd_m == pytest.approx(1000)
    assert curve.today_pct == pytest.approx(82)
    assert curve.least_pct == pytest.approx(100 - (2 + 5) * 9)
    points = curve.points
    units = [((100 - b) / 100 * 1000 - 180) / 90 for b in points["bound_pct"]]
    assert points["cost_usd_m_per_year"].to_list() == pytest.approx([5 * u for u in units], abs=1e-6)
    assert points["capex_usd_m"].to_list() == pytest.approx([50 * u for u in units], abs=1e-5)
    assert points["price_usd_m_per_point"].to_list()[:-1] == pytest.approx([5 * 10 / 90] * 10)
    assert points["price_usd_m_per_point"][-1] is None
    assert points["worst_power"].to_list() == ["RUS"] * 11
    assert curve.binds[0] == "RUS"
    assert "edge safe" in curve.binds
    assert curve.notes == ()


def test_the_cheaper_option_is_built_first_and_the_price_rises(problem: Make, option: Make) -> None:
    cheap, dear = option("cheap", "safe", 10.0, most=1.0), option("dear", "new", 100.0, most=4.0)
    case = problem(cheap, dear)
    curve = frontier_of(case, points=2)
    assert curve.least_pct == pytest.approx(100 - (3 * 9 + 4 * 8))
    plan = plan_of(case, 82 - 4.5)  # half of the cheap one
    assert plan.actions["option_id"].to_list() == ["cheap"]
    assert plan.actions["added_capacity"].to_list() == pytest.approx([0.5])
    assert plan.price == pytest.approx(1.0 / 9)
    plan = plan_of(case, 82 - 9 - 8)  # all of the cheap one, one unit of the dear one
    assert plan.actions["option_id"].to_list() == ["cheap", "dear"]
    assert plan.actions["share_of_max"].to_list() == pytest.approx([1.0, 0.25])
    assert plan.actions["lowers"].to_list() == ["RUS", "RUS"]
    assert plan.actions["lowers_by_points"].to_list() == pytest.approx([9, 8])
    assert plan.cost.value == pytest.approx(1 + 10)
    assert plan.price == pytest.approx(10 / 8)


def test_interest_and_ranges(problem: Make, option: Make) -> None:
    rate, life = Interval(0.08, 0.05, 0.12), Interval(25.0, 20.0, 30.0)
    case = problem(option("widen", "safe", 50.0, low=40.0, high=90.0), rate=rate, life=life)
    plan = plan_of(case, 82 - 18)
    assert plan.cost.value == pytest.approx(2 * 50 * annuity(0.08, 25))
    assert plan.cost.low == pytest.approx(2 * 40 * annuity(0.05, 30))
    assert plan.cost.high == pytest.approx(2 * 90 * annuity(0.12, 20))
    assert (plan.capex.low, plan.capex.value, plan.capex.high) == pytest.approx((80, 100, 180))


def test_whole_projects(problem: Make, option: Make) -> None:
    """A new way of 4 units in one piece at 100, or single units of the safe way at 50."""
    case = problem(option("line", "new", 100.0, adds=4.0, most=1.0), option("widen", "safe", 50.0))
    bound = (
        82 - 9
    )  # 1 unit of the safe way (5 a year), or 9/32 of the line (2.8 a year), or the whole line (10)
    assert plan_of(case, bound).cost.value == pytest.approx(10 * 9 / 32)
    whole = plan_of(case, bound, whole=True)
    assert whole.actions["option_id"].to_list() == ["widen"]
    assert whole.cost.value == pytest.approx(5)
    assert whole.price is None
    assert plan_of(case, 82 - 27, whole=True).actions["option_id"].to_list() == ["line"]
    parted = plan_of(case, bound).notes
    assert len(parted) == 1
    assert "line is built to 28%" in parted[0]
    points = frontier_of(case, points=9).points
    assert (points["cost_whole"] >= points["cost_usd_m_per_year"] - 1e-6).all()
    # At the end the safe way carries 7 of the 10 units and the line 3 of its 4.
    assert points["cost_usd_m_per_year"][-1] == pytest.approx(25 + 10 * 3 / 4)
    assert points["cost_whole"][-1] == pytest.approx(25 + 10)


def test_control_of_a_new_edge_follows_the_tables(problem: Make, option: Make) -> None:
    line = option("line", "new", 10.0)
    assert frontier_of(problem(line), points=2).least_pct == pytest.approx(82 - 5 * 8)
    owned = problem(line, control=[("new", "RUS", "ownership", 0.6)])
    curve = frontier_of(owned)
    assert curve.points.height == 1
    assert curve.least_pct == pytest.approx(82)
    with pytest.raises(Infeasible):
        plan_of(owned, 80)
    small = problem(line, control=[("new", "RUS", "ownership", 0.4)])
    assert frontier_of(small, points=2).least_pct == pytest.approx(82 - 5 * 8)


def test_a_coalition_is_worse_than_its_members(problem: Make, option: Make) -> None:
    widen, line = option("widen", "safe", 50.0), option("line", "new", 50.0)
    case = problem(widen, line, coalitions=[("RUS",), ("AZE", "RUS")])
    plan = plan_of(case, 84)
    assert plan.leverage["coalition"].to_list() == ["RUS", "AZE+RUS"]
    assert plan.leverage["loss_pct_before"].to_list() == pytest.approx([82, 100])
    # Only the line helps against both: 2 units leave 16 %.
    assert plan.actions["option_id"].to_list() == ["line"]
    assert plan.actions["lowers"].to_list() == ["RUS"]  # 16 points for each; the first in order is named
    assert plan.leverage["loss_pct_after"].to_list() == pytest.approx([66, 84])


def test_programme_and_engine_agree(problem: Make, option: Make) -> None:
    case = problem(option("widen", "safe", 50.0), option("line", "new", 70.0))
    plan = plan_of(case, 40)
    assert plan.disagreement <= 1e-6
    units = dict(plan.actions.select("option_id", pl.col("added_capacity")).iter_rows())
    network = case.expanded([units.get(o.option_id, 0.0) for o in case.options])
    after = sever(network, ["RUS"]).after
    assert 100 * (1 - after.value / plan.base_usd_m) == pytest.approx(40, abs=1e-6)
    row = plan.leverage.filter(pl.col("coalition") == "RUS").row(0, named=True)
    assert row["loss_pct_after"] == pytest.approx(40, abs=1e-6)
    assert row["lost_usd_m_after"] == pytest.approx(400, abs=1e-4)
    assert row["delivered_after"] == pytest.approx(float(after.arrays.demand.sum()))


def test_competing_goods_of_others_are_noted(problem: Make, option: Make, rows: list[dict[str, Any]]) -> None:
    """Dearer foreign goods take the safe way first, which the programme does not know: the engine tells."""
    rows[3]["commodities"] = rows[4]["commodities"] = rows[2]["commodities"] = "oil;gas"
    rows[2]["from_node"] = "foreign-field"
    rows.append(
        {**rows[2], "edge_id": "link", "from_node": "field", "to_node": "foreign-field", "commodities": "oil"}
    )
    case = problem(
        option("widen", "safe", 50.0),
        edges=rows,
        supply=[("field", "oil", 10.0, 0.0), ("foreign-field", "gas", 1.0, 0.0)],
        demand=[("market", "oil", 10.0, 100.0), ("market", "gas", 1.0, 500.0)],
        coalitions=[("RUS",)],
    )
    plan = plan_of(case, 90)
    assert plan.disagreement == pytest.approx(8, abs=1e-6)
    assert len(plan.notes) == 1
    assert "goods of others compete" in plan.notes[0]


def test_unattainable_bound_names_the_least(problem: Make, option: Make) -> None:
    case = problem(option("widen", "safe", 50.0))
    with pytest.raises(
        Infeasible, match=r"no coalition takes more than 30 %.*RUS can take 37\.0000 %"
    ) as raised:
        plan_of(case, 30)
    assert raised.value.exit_code == 3
    assert "edge safe" in raised.value.binds
    assert plan_of(case, 37).cost.value == pytest.approx(25)


def test_nothing_to_do(problem: Make, option: Make) -> None:
    plan = plan_of(problem(option("widen", "safe", 50.0)), 90)
    assert plan.actions.height == 0
    assert (plan.cost.value, plan.price, plan.gain_usd_m) == (0, 0, 0)


def test_gain_in_normal_times_is_shown_and_not_set_against_the_cost(problem: Make, option: Make) -> None:
    case = problem(
        option("line", "new", 50.0),
        supply=[("field", "oil", 20.0, 0.0)],
        demand=[("market", "oil", 20.0, 100.0)],
    )
    plan = plan_of(case, 80)
    built = plan.actions["added_capacity"][0]
    assert plan.gain_usd_m == pytest.approx(built * 80)
    assert plan.cost.value == pytest.approx(built * 5)


@pytest.mark.parametrize("bound", [-1.0, 100.5, float("nan"), float("inf")])
def test_refused_bounds(problem: Make, option: Make, bound: float) -> None:
    with pytest.raises(DataError, match="0 to 100"):
        plan_of(problem(option("widen", "safe", 50.0)), bound)


@pytest.mark.parametrize("points", [-3, 0, 1, 1001])
def test_refused_points(problem: Make, option: Make, points: int) -> None:
    with pytest.raises(DataError, match="2 to 1000"):
        frontier_of(problem(option("widen", "safe", 50.0)), points)


def test_refused_problems(problem: Make, option: Make) -> None:
    with pytest.raises(DataError, match="no option"):
        problem()
    with pytest.raises(DataError, match="no coalition"):
        problem(option("widen", "safe", 50.0), coalitions=[])
    with pytest.raises(UnknownLabel, match="RUS"):
        frontier_of(problem(option("widen", "safe", 50.0), coalitions=[("RUZ",)]))
    with pytest.raises(DataError, match="delivers something of its own"):
        frontier_of(problem(option("widen", "safe", 50.0), demand=[("market", "oil", 1e-9, 0.0)]))
    with pytest.raises(DataError, match="discount rate"):
        problem(option("widen", "safe", 50.0), rate=Interval(0.0, -0.1, 0.1))
    many = [option(f"o{place}", "safe", 1.0, most=1.0) for place in range(13)]
    with pytest.raises(DataError, match="at most 12"):
        plan_of(problem(*many), 80, whole=True)
