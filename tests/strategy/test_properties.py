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
SEEDS = range(6)


def random_problem(
    seed: int, problem: Make, option: Make, *, quantity: float = 1.0, money: float = 1.0
) -> Problem:
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
                "capacity": quantity * draw.integers(1, 6),
                "cost": money * draw.integers(0, 40),
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
                "capacity": quantity * draw.integers(3, 9),
                "cost": money * draw.integers(0, 10),
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
            adds=quantity * draw.uniform(0.3, 2),
            most=float(draw.integers(1, 4)),
        )
        for number in range(5)
    ]
    # The shared maker names an edge `safe` in its control table.
    spare = {**edges[1], "edge_id": "safe", "capacity": quantity}
    made: Problem = problem(
        *options,
        edges=[*edges, spare],
        control=[("safe-1", "AZE", "territory", None)],
        supply=[("field", "oil", 15.0 * quantity, 5.0 * money)],
        demand=[("market", "oil", 12.0 * quantity, 100.0 * money)],
        coalitions=[("RUS",), ("AZE",)],
    )
    return made


@pytest.fixture(params=SEEDS)
def any_problem(request: pytest.FixtureRequest, problem: Make, option: Make) -> Problem:
    return random_problem(request.param, problem, option)


def test_non_increasing_and_convex(any_problem: Problem) -> None:
    points = frontier_of(any_problem, points=12).points
    bound, cost = points["bound_pct"].to_numpy(), points["cost_usd_m_per_year"].to_numpy()
    assert len(bound) == 12
    assert bound[-1] >= 0
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


@pytest.mark.parametrize("seed", SEEDS)
def test_units_of_quantity_and_money_do_not_matter(seed: int, problem: Make, option: Make) -> None:
    first = FrontierProgramme(random_problem(seed, problem, option))
    second = FrontierProgramme(random_problem(seed, problem, option, quantity=1e4, money=1e-3))
    assert second.base == pytest.approx(10 * first.base)
    assert (second.today, second.least) == pytest.approx((first.today, first.least), abs=1e-8)
    middle = (first.today + first.least) / 2
    assert second.cheapest(middle) == pytest.approx(first.cheapest(middle), abs=1e-6)


def test_same_input_same_bytes(any_problem: Problem) -> None:
    first, second = (frontier_of(any_problem, points=5).points for _ in range(2))
    assert first.write_csv() == second.write_csv()
    bound = float(first["bound_pct"][2])
    plans = [plan_of(any_problem, bound) for _ in range(2)]
    assert plans[0].actions.write_csv() == plans[1].actions.write_csv()


def test_the_order_of_options_does_not_matter(any_problem: Problem) -> None:
    turned = replace(any_problem, options=any_problem.options[::-1])
    first, second = frontier_of(any_problem, points=5).points, frontier_of(turned, points=5).points
    assert first["cost_usd_m_per_year"].to_list() == pytest.approx(
        second["cost_usd_m_per_year"].to_list(), abs=1e-6
    )
