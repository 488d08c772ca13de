"""What now: which additions buy the most autonomy for the least money."""

from betweengiants.strategy.dossier_frontier import autonomy_frontier, frontier_trail, plan_at
from betweengiants.strategy.frontier import Frontier, Plan, frontier_of, plan_of
from betweengiants.strategy.options import Finance, Option, annuity, read_options
from betweengiants.strategy.problem import Problem, dossier_problem

__all__ = [
    "Finance",
    "Frontier",
    "Option",
    "Plan",
    "Problem",
    "annuity",
    "autonomy_frontier",
    "dossier_problem",
    "frontier_of",
    "frontier_trail",
    "plan_at",
    "plan_of",
    "read_options",
]
