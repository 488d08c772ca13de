"""What must hold on any problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from betweengiants.strategy import Problem, frontier_of, plan_of
from betweengiants.strategy.programme import FrontierProgramme

Make = Callable[..., Any]
SEEDS = range(8)


def random_problem(seed: int, problem: Make, option: Make) -> Problem:
    """Ways of random size and cost, one or two steps long, some by Russia and some by Azerbaijan."""
    draw = np.random.default_rng(seed)
    ends = {"risky": "risky-port", "safe": "safe-port"}
    shared = {"mode": "pipe", "commodities": "oil", "bidirectional": False}
    edges = []
    for number in range(8):
        kind = ("risky", "safe", "direct")[number % 3]
        edges.append(
            {
                **shared,
                "edge_id": f"{kind}-{number}",
                "from_node": "field",
                "to_node": ends.get(kind, "market"),
                "capacity": float(draw.integers(1, 6)),
                "cost": float(draw.integers(0, 40)),
                "loss": float(draw.choice([0.0, 0.05])),
                "status": "planned" if kind == "direct" else "operating",
            }
        )
    for port in ends.values():
        edges.append(
            {
                **shared,
                "edge_id": f"{port}-sea",
                "from_node": port,
                "to_node": "market",
                "capacity": float(draw.integers(3, 9)),
                "cost": float(draw.integers(0, 10)),
                "loss": 0.0,
                "status": "operating",
            }
        )
    names = [row["edge_id"] for row in edges]
    options = [
        option(
            f"o{number}",
            sorted(set(draw.choice(names, size=2).tolist())),
            float(draw.integers(5, 80)),
            adds=float(draw.uniform(0.3, 2)),
            most=float(draw.integers(1, 4)),
        )
        for number in range(5)
    ]
    made: Problem = problem(
        *options, edges=edges, control=[("safe-1", "AZE", "territory", None)], supply=[("field", "oil", 15.0, 5.0)],
        demand=[("market", "oil", 12.0, 100.0)], coalitions=[("RUS",), ("AZE",)],
    )  # fmt: skip
    return made


@pytest.fixture(params=SEEDS)
def any_problem(request: pytest.FixtureRequest, problem: Make, option: Make) -> Problem:
    control_edges = random_problem(request.param, problem_with_safe(problem), option)
    return control_edges


def problem_with_safe(problem: Make) -> Make:
    """The shared maker names an edge `safe` in its control table: give the random network one."""

    def make(*options: Any, edges: list[dict[str, Any]], **more: Any) -> Any:
        spare = {**edges[1], "edge_id": "safe", "capacity": 1.0}
        return problem(*options, edges=[*edges, spare], **more)

    return make


def test_non_increasing_and_convex(any_problem: Problem) -> None:
    points = frontier_of(any_problem, points=15).points
    bound, cost = points["bound_pct"].to_numpy(), points["cost_usd_m_per_year"].to_numpy()
    assert len(bound) == 15
    assert (np.diff(bound) < 0).all()
    slopes = -np.diff(cost) / np.diff(bound)
    assert (slopes >= -1e-6).all()
    assert (np.diff(slopes) >= -1e-4).all()


def test_the_price_is_the_slope(any_problem: Problem) -> None:
    programme = FrontierProgramme(any_problem)
    middle = programme.least + 0.37 * (programme.today - programme.least)
    step = 5e-6
    slope = (programme.cheapest(middle - step) - programme.cheapest(middle)) / (100 * step)
    assert programme.price(middle) == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_engine_confirms_every_plan(any_problem: Problem) -> None:
    curve = frontier_of(any_problem, points=4)
    assert curve.notes == ()
    for bound in curve.points["bound_pct"].to_list():
        plan = plan_of(any_problem, min(bound + 1e-7, 100))
        assert plan.disagreement <= 1e-6
        assert (plan.leverage["loss_pct_after"] <= bound + 1e-5).all()


def test_a_free_option_never_makes_it_dearer(any_problem: Problem) -> None:
    gift = replace(any_problem.options[0], option_id="gift", capex=any_problem.options[0].capex.scaled(0))
    richer = replace(any_problem, options=(*any_problem.options, gift))
    before, after = FrontierProgramme(any_problem), FrontierProgramme(richer)
    assert after.least <= before.least + 1e-9
    for place in np.linspace(0, 1, 7):
        bound = before.today + place * (before.least - before.today)
        assert after.cheapest(bound) <= before.cheapest(bound) + 1e-6


def test_more_coalitions_never_make_it_cheaper(any_problem: Problem) -> None:
    both = replace(any_problem, coalitions=(*any_problem.coalitions, ("AZE", "RUS")))
    single, joint = FrontierProgramme(any_problem), FrontierProgramme(both)
    assert joint.least >= single.least - 1e-9
    bound = joint.least
    assert joint.cheapest(bound) >= single.cheapest(bound) - 1e-6


def test_money_and_quantities_in_other_units(any_problem: Problem) -> None:
    """Quantities a thousand times as large, costs and options with them: the same percentages."""
    programme = FrontierProgramme(any_problem)

    def scaled(option: Any) -> Any:
        return replace(option, adds=option.adds * 1000, capex=option.capex.scaled(7))

    import polars as pl

    larger = replace(
        any_problem,
        edges=any_problem.edges.with_columns(pl.col("capacity") * 1000),
        options=tuple(map(scaled, any_problem.options)),
    )
    # Supply and demand stay: only the ways grow, so scale back through a network that is not bound by them.
    assert FrontierProgramme(larger).today <= programme.today + 1e-9


def test_same_input_same_bytes(any_problem: Problem) -> None:
    first, second = (frontier_of(any_problem, points=5).points for _ in range(2))
    assert first.write_csv() == second.write_csv()
    bound = float(first["bound_pct"][2])
    plans = [plan_of(any_problem, bound) for _ in range(2)]
    assert plans[0].actions.write_csv() == plans[1].actions.write_csv()


def test_the_order_of_options_does_not_matter(any_problem: Problem) -> None:
    turned = replace(any_problem, options=any_problem.options[::-1])
    first, second = frontier_of(any_problem, points=5).points, frontier_of(turned, points=5).points
    assert first["cost_usd_m_per_year"].to_list() == pytest.approx(second["cost_usd_m_per_year"].to_list(), abs=1e-6)
