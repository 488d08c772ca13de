"""The autonomy frontier: the cheapest cost of keeping every coalition's leverage under a bound, as the bound moves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from betweengiants.core.errors import DataError, Infeasible
from betweengiants.core.intervals import Interval
from betweengiants.network import Programme, SeveranceResult, sever
from betweengiants.network.model import Floats
from betweengiants.position.results import coalition_name
from betweengiants.strategy.problem import Problem
from betweengiants.strategy.programme import CLOSE, FrontierProgramme, own_value

AGREEMENT = 1e-6  # percentage points between this programme and the network engine
TIED = 1e-6  # coalitions whose losses differ by less, in percentage points, are equally bad
ROUNDING = 1e-12  # of the value of own goods
MOST_POINTS = 1000

POINTS = {
    "bound_pct": pl.Float64,
    "cost_usd_m_per_year": pl.Float64,
    "cost_low": pl.Float64,
    "cost_high": pl.Float64,
    "cost_whole": pl.Float64,
    "capex_usd_m": pl.Float64,
    "price_usd_m_per_point": pl.Float64,
    "worst_power": pl.String,
}
ACTIONS = {
    "option_id": pl.String,
    "name": pl.String,
    "added_capacity": pl.Float64,
    "share_of_max": pl.Float64,
    "capex_usd_m": pl.Float64,
    "cost_usd_m_per_year": pl.Float64,
    "cost_low": pl.Float64,
    "cost_high": pl.Float64,
    "lowers": pl.String,
    "lowers_by_points": pl.Float64,
    "lead_years": pl.Float64,
    "evidence": pl.String,
    "source_id": pl.String,
}
LEVERAGE = {
    "coalition": pl.String,
    "loss_pct_before": pl.Float64,
    "loss_pct_after": pl.Float64,
    "lost_usd_m_before": pl.Float64,
    "lost_usd_m_after": pl.Float64,
    "delivered_before": pl.Float64,
    "delivered_after": pl.Float64,
    "programme_loss_pct": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Frontier:
    """The frontier from doing nothing to the least attainable loss.

    Attributes:
        points: bound_pct (largest loss allowed to any coalition, percent of the value of own goods delivered today),
            the least yearly cost, cost_low and cost_high (the least cost with all costs at their low or high),
            cost_whole (the least cost if projects of one piece are built whole or not at all), capex of the plan,
            price of one point less (null at the end), worst_power (coalition that takes most under the plan; several
            joined by `;`).
        today_pct, least_pct: the two ends of the bound.
        binds: what keeps the loss from falling further: coalitions, then edges that are full.
        base_usd_m: value of own goods delivered today without a severance, a year.
        notes: where the network engine does not confirm a plan.
    """

    points: pl.DataFrame
    today_pct: float
    least_pct: float
    binds: tuple[str, ...]
    base_usd_m: float
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """The cheapest plan at one bound.

    Attributes:
        bound_pct: the bound.
        actions: option_id, name, added_capacity, share_of_max, capex_usd_m, yearly cost with low and high, lowers
            (coalition that would gain most if the option alone were left out), lowers_by_points (by how much),
            lead_years, evidence, source_id; only what is built.
        leverage: coalition, loss before and after by the network engine (percent of base_usd_m, money, quantity that
            still arrives), programme_loss_pct (loss after by this programme).
        cost: yearly cost of this plan, million USD; low and high of the same units.
        capex: investment, million USD.
        whole: whether projects of one piece were built whole or not at all.
        price: yearly cost of one point less; None where no plan goes lower, and for a plan of whole projects.
        gain_usd_m: what the additions earn a year when nobody severs; not set against the cost.
        base_usd_m: as in `Frontier`.
        disagreement: largest difference between programme and engine, percentage points.
        notes: projects built in part; a difference that matters.
    """

    bound_pct: float
    actions: pl.DataFrame
    leverage: pl.DataFrame
    cost: Interval
    capex: Interval
    whole: bool
    price: float | None
    gain_usd_m: float
    base_usd_m: float
    disagreement: float
    notes: tuple[str, ...]


def frontier_of(problem: Problem, points: int = 11) -> Frontier:
    """Sweep the bound in equal steps from today's largest loss to the least attainable.

    Args:
        problem: see `Problem`.
        points: how many bounds, 2 to 1000; one row where no option lowers the largest loss.

    Raises:
        DataError: another number of points, or no goods of the focal state's own.
        UnknownLabel: a coalition names a power that the network does not know.
    """
    if not 2 <= points <= MOST_POINTS:
        raise DataError(found=f"{points} points", allowed=f"2 to {MOST_POINTS}")
    programme = FrontierProgramme(problem)
    rows, notes = [], []
    for bound in _bounds(programme.today, programme.least, points):
        choice = programme.choose(bound)
        losses = programme.engine_losses(choice.units)
        notes += _doubts(programme, choice.units, losses, 100 * bound)
        cost = Interval.spanning(
            choice.cost, [programme.cheapest(bound, "low"), programme.cheapest(bound, "high")]
        )
        rows.append(
            (
                100 * bound,
                cost.value,
                cost.low,
                cost.high,
                programme.choose(bound, whole=True).cost,
                float(sum(o.capex.value * u for o, u in zip(problem.options, choice.units, strict=True))),
                programme.price(bound),
                ";".join(worst_of(losses)),
            )
        )
    return Frontier(
        pl.DataFrame(rows, schema=POINTS, orient="row"),
        100 * programme.today,
        100 * programme.least,
        programme.binds,
        programme.base,
        tuple(notes),
    )


def plan_of(problem: Problem, bound_pct: float, *, whole: bool = False) -> Plan:
    """The cheapest plan under which no coalition takes more than `bound_pct` percent.

    Args:
        problem: see `Problem`.
        bound_pct: the bound.
        whole: build projects of one piece (options with one unit) whole or not at all.

    Raises:
        DataError: a bound outside 0 to 100.
        Infeasible: no plan attains it; names the least attainable loss and what binds.
        UnknownLabel: a coalition names a power that the network does not know.
    """
    if not 0 <= bound_pct <= 100:
        raise DataError(found=f"a bound of {bound_pct:g} percent", allowed="0 to 100")
    programme = FrontierProgramme(problem)
    require_attainable(programme, bound_pct)
    bound = bound_pct / 100
    choice = programme.choose(bound, whole=whole)
    before = _severed(problem, np.zeros(len(problem.options)))
    after = _severed(problem, choice.units)
    losses = _losses(after, programme)
    leverage = _leverage(problem, programme, choice.units, before, after)
    normal = Programme(problem.expanded(choice.units.tolist())).solve(prices=False)
    gain = own_value(normal, problem.own) - programme.base
    built = [(o, float(u)) for o, u in zip(problem.options, choice.units, strict=True) if u > 0]
    return Plan(
        bound_pct=bound_pct,
        actions=_actions(problem, programme, choice.units, losses),
        leverage=leverage,
        cost=_total([problem.finance.yearly(o.capex).scaled(u) for o, u in built]),
        capex=_total([o.capex.scaled(u) for o, u in built]),
        whole=whole,
        price=None if whole else programme.price(bound),
        gain_usd_m=0.0 if abs(gain) < ROUNDING * programme.base else gain,
        base_usd_m=programme.base,
        disagreement=float(
            (leverage["loss_pct_after"] - leverage["programme_loss_pct"]).abs().max()  # type: ignore[arg-type]
        ),
        notes=(
            *(
                f"{o.option_id} is built to {u:.0%} of its size; a project of one piece is built whole or not at all"
                for o, u in built
                if o.max_units == 1 and u < 1
            ),
            *_doubts(programme, choice.units, losses, bound_pct),
        ),
    )


def worst_of(losses: dict[str, float]) -> list[str]:
    """Coalitions that take most."""
    worst = max(losses.values())
    return [name for name, loss in losses.items() if loss >= worst - TIED]


def require_attainable(programme: FrontierProgramme, bound_pct: float) -> None:
    """Refuse a bound in percent that no plan attains.

    Raises:
        Infeasible: names the least attainable loss and what binds.
    """
    if bound_pct / 100 >= programme.least - CLOSE:
        return
    # Rounded up, so that the figure can be asked for.
    least = math.ceil(1e6 * programme.least) / 1e4
    holders = [name for name in programme.binds if name in programme.names]
    raise Infeasible(
        f"a plan under which no coalition takes more than {bound_pct:g} % of what is earned today",
        status="infeasible",
        binds=[
            f"{' and '.join(holders) or 'the network'} can take {least:.4f} % whatever is built",
            *(name for name in programme.binds if name not in programme.names),
        ],
    )


def _bounds(today: float, least: float, points: int) -> list[float]:
    if today - least <= CLOSE:
        return [today]
    return [*(today + (least - today) * place / (points - 1) for place in range(points - 1)), least]


def _severed(problem: Problem, units: Floats) -> dict[str, SeveranceResult]:
    """What the network engine says about every coalition after building `units`."""
    network = problem.expanded(units.tolist())
    programme = Programme(network)
    before = programme.solve(prices=False)
    return {
        coalition_name(group): sever(
            network,
            group,
            ownership_threshold=problem.ownership_threshold,
            programme=programme,
            before=before,
        )
        for group in problem.coalitions
    }


def _losses(severed: dict[str, SeveranceResult], programme: FrontierProgramme) -> dict[str, float]:
    """Percent of today's value that each coalition takes."""
    own, base = programme.problem.own, programme.base
    return {name: 100 * (1 - own_value(result.after, own) / base) for name, result in severed.items()}


def _doubts(
    programme: FrontierProgramme, units: Floats, losses: dict[str, float], bound_pct: float
) -> list[str]:
    """Coalitions whose loss the engine puts above both the bound and what the programme says."""
    found = []
    for case, name in enumerate(programme.names):
        expected = 100 * programme.loss(units, case)
        if losses[name] > max(bound_pct, expected) + AGREEMENT:
            found.append(
                f"{name} takes {losses[name]:.4f} %, not {expected:.4f} %, at the bound of {bound_pct:.4f} %:"
                " goods of others compete for the same edges"
            )
    return found


def _leverage(
    problem: Problem,
    programme: FrontierProgramme,
    units: Floats,
    before: dict[str, SeveranceResult],
    after: dict[str, SeveranceResult],
) -> pl.DataFrame:
    was, now = _losses(before, programme), _losses(after, programme)
    return pl.DataFrame(
        [
            (
                name,
                was[name],
                now[name],
                was[name] / 100 * programme.base,
                now[name] / 100 * programme.base,
                _delivered(before[name], problem.own),
                _delivered(after[name], problem.own),
                100 * programme.loss(units, case),
            )
            for case, name in enumerate(programme.names)
        ],
        schema=LEVERAGE,
        orient="row",
    )


def _delivered(severed: SeveranceResult, own: tuple[str, ...]) -> float:
    rows = severed.after.by_commodity.filter(pl.col("commodity").is_in(list(own)))
    return float(rows["quantity"].sum())


def _actions(
    problem: Problem, programme: FrontierProgramme, units: Floats, losses: dict[str, float]
) -> pl.DataFrame:
    rows = []
    for place, (option, count) in enumerate(zip(problem.options, units.tolist(), strict=True)):
        if count == 0:
            continue
        without = units.copy()
        without[place] = 0.0
        rises = {name: loss - losses[name] for name, loss in programme.engine_losses(without).items()}
        gainer = max(rises, key=lambda name: (rises[name], -programme.names.index(name)))
        cost = problem.finance.yearly(option.capex).scaled(count)
        rows.append(
            (
                option.option_id,
                option.name,
                option.adds * count,
                count / option.max_units,
                option.capex.value * count,
                cost.value,
                cost.low,
                cost.high,
                gainer,
                rises[gainer],
                option.lead_years,
                option.evidence,
                ";".join(option.sources),
            )
        )
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def _total(parts: list[Interval]) -> Interval:
    return Interval(
        math.fsum(p.value for p in parts), math.fsum(p.low for p in parts), math.fsum(p.high for p in parts)
    )
