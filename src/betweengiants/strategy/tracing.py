"""From a number of the frontier to its rows: names of numbers, and the trail behind each.

A name is `frontier.today`, `frontier.least`, or `frontier.MEASURE[.WHO].BOUND` with a bound in percent: `frontier.cost.80`,
`frontier.leverage.RUS.80`, `frontier.added.kuryk_tankers.80`. `_whole` after the measure builds projects of one piece whole or
not at all; `@RUS,CHN+RUS` at the end names other coalitions than each power of the dossier alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.dossier.trail import Trace, UsedRow, dossier_name, hashes_of, merged, rows_where, software
from betweengiants.network.model import Floats
from betweengiants.position.tracing import closing_rows
from betweengiants.strategy.dossier_frontier import PARAMETERS, frontier_trail
from betweengiants.strategy.frontier import Frontier, require_attainable, worst_of
from betweengiants.strategy.problem import Problem, dossier_problem
from betweengiants.strategy.programme import FrontierProgramme

PREFIX = "frontier"
ENDS = {
    "today": "largest loss when nothing is built",
    "least": "smallest largest loss that any plan attains",
}
MEASURES = {
    "cost": ("least yearly cost", "usd_m_per_year"),
    "capex": ("investment of the cheapest plan", "usd_m"),
    "price": ("yearly cost of one point less", "usd_m_per_year"),
}
OF_SOMEBODY = {
    "leverage": ("loss under the cheapest plan", "pct"),
    "added": ("capacity that the cheapest plan adds", "million_t_per_year"),
}
WHOLE = "_whole"
Number = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class _Asked:
    """One name, taken apart."""

    measure: str
    who: str
    bound_pct: float | None
    whole: bool
    powers: str


def is_frontier(identifier: str) -> bool:
    """Whether a name is that of a number of the frontier."""
    return identifier.partition(".")[0] == PREFIX


def named_coalitions(text: str, what: str = "powers") -> list[list[str]]:
    """`RUS,CHN+RUS` becomes [[RUS], [CHN, RUS]].

    Raises:
        DataError: an empty name; `what` is how the message calls the text.
    """
    groups = [[power.strip() for power in group.split("+")] for group in text.split(",")]
    if not all(power for group in groups for power in group):
        raise DataError(
            found=f"{what} '{text}'", allowed="codes joined by commas, such as RUS,CHN or RUS+CHN"
        )
    return list({tuple(sorted(set(group))): sorted(set(group)) for group in groups}.values())


def number_name(
    measure: str, bound_pct: float, *, who: str = "", whole: bool = False, powers: str | None = None
) -> str:
    """The name of a number at a bound."""
    parts = (PREFIX, f"{measure}{WHOLE if whole else ''}", *([who] if who else []), f"{bound_pct!r}")
    return ".".join(parts) + (f"@{powers.replace(' ', '')}" if powers else "")


def list_frontier(curve: Frontier) -> pl.DataFrame:
    """The numbers of a frontier over the powers of the dossier, as `trace` knows them: id, title, value, low, high, unit."""
    rows: list[tuple[object, ...]] = [
        (f"{PREFIX}.today", ENDS["today"], curve.today_pct, None, None, "pct"),
        (f"{PREFIX}.least", ENDS["least"], curve.least_pct, None, None, "pct"),
    ]
    for row in curve.points.to_dicts():
        told = {
            "cost": (row["cost_usd_m_per_year"], row["cost_low"], row["cost_high"]),
            f"cost{WHOLE}": (row["cost_whole"], None, None),
            "capex": (row["capex_usd_m"], None, None),
            "price": (row["price_usd_m_per_point"], None, None),
        }
        for measure, numbers in told.items():
            said, unit = MEASURES[measure.removesuffix(WHOLE)]
            title = f"{said}{', projects whole' if measure.endswith(WHOLE) else ''}, bound {row['bound_pct']:.4f} %"
            rows.append((number_name(measure, row["bound_pct"]), title, *numbers, unit))
    numbers_of = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = {"id": pl.String, "title": pl.String, **numbers_of, "unit": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def trace_frontier(dossier: Dossier, identifier: str, *, where: str = "") -> Trace:
    """The trail of a number of the frontier; the programme is solved for it.

    Args:
        dossier: see `dossier_problem`.
        identifier: see the module.
        where: how the command of the trail calls the dossier (default: its name).

    Raises:
        UnknownLabel: no such measure, coalition or option, with the nearest names.
        DataError: a bound that is no percentage; a table is missing.
        Infeasible: no plan attains the bound.
    """
    asked = _taken_apart(identifier)
    groups = named_coalitions(asked.powers) if asked.powers else None
    problem = dossier_problem(dossier, coalitions=groups)
    programme = FrontierProgramme(problem)
    _require_known(asked, identifier, programme)
    trail = frontier_trail(dossier)
    if asked.bound_pct is None:
        units = None
        number: Number = (
            100 * (programme.today if asked.measure == "today" else programme.least),
            None,
            None,
        )
        title, unit, at = ENDS[asked.measure], "pct", ""
        if asked.measure == "today":
            holders = worst_of(programme.engine_losses(programme.nothing))
        else:
            holders = [name for name in programme.binds if name in programme.names]
    else:
        require_attainable(programme, asked.bound_pct)
        units = programme.choose(asked.bound_pct / 100, whole=asked.whole).units
        losses = programme.engine_losses(units)
        number = _number(asked, problem, programme, units, losses)
        title, unit = (MEASURES | OF_SOMEBODY)[asked.measure]
        holders = [asked.who] if asked.measure == "leverage" else worst_of(losses)
        at = f", bound {asked.bound_pct:g} %{', projects whole' if asked.whole else ''}"
    value, low, high = number
    rows = merged(_rows(dossier, problem, programme, asked, units, holders))
    who = f": {asked.who}" if asked.who else ""
    return Trace(
        identifier=identifier,
        kind="result",
        title=f"{title} (autonomy frontier){who}{at}; {', '.join(programme.names)} may sever",
        value=value,
        low=low,
        high=high,
        unit=unit,
        model=trail.model,
        interval="" if low is None else trail.interval,
        command=_command(asked, where or dossier.header.name),
        parameters=dict(trail.parameters),
        software=software(),
        dossier=dossier_name(dossier),
        hashes=hashes_of(dossier, rows, trail.tables),
        rows=rows,
    )


def _taken_apart(identifier: str) -> _Asked:
    name, _, powers = identifier.partition("@")
    _, _, rest = name.partition(".")
    first, _, rest = rest.partition(".")
    if first in ENDS and not rest:
        return _Asked(first, "", None, False, powers)
    measure, whole, who, text = first.removesuffix(WHOLE), first.endswith(WHOLE), "", rest
    if measure in OF_SOMEBODY:
        who, _, text = rest.partition(".")
    if measure not in MEASURES | OF_SOMEBODY or not text or (whole and measure == "price"):
        known = [f"{PREFIX}.{end}" for end in ENDS] + [f"{PREFIX}.{name}.80" for name in MEASURES]
        raise UnknownLabel(
            identifier, [*known, f"{PREFIX}.leverage.RUS.80", f"{PREFIX}.added.OPTION.80"], what="result"
        )
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not 0 <= bound <= 100:
        raise DataError(found=f"bound '{text}' in {identifier}", allowed="a percentage from 0 to 100")
    return _Asked(measure, who, bound, whole, powers)


def _require_known(asked: _Asked, identifier: str, programme: FrontierProgramme) -> None:
    known = {
        "leverage": ("coalition", programme.names),
        "added": ("option", [option.option_id for option in programme.problem.options]),
    }
    if asked.measure in known:
        what, names = known[asked.measure]
        if asked.who not in names:
            raise UnknownLabel(asked.who, names, what=what, file=identifier)


def _number(
    asked: _Asked, problem: Problem, programme: FrontierProgramme, units: Floats, losses: dict[str, float]
) -> Number:
    """Value with low and high, where it has them; no value for the price at the least attainable bound."""
    assert asked.bound_pct is not None
    bound = asked.bound_pct / 100
    if asked.measure == "cost" and not asked.whole:
        cost = programme.cost_of(units)
        ends = (cost, programme.cheapest(bound, "low"), programme.cheapest(bound, "high"))
        return cost, min(ends), max(ends)
    built = dict(zip(problem.options, units.tolist(), strict=True))
    value: dict[str, Callable[[], float | None]] = {
        "cost": lambda: programme.cost_of(units),
        "price": lambda: programme.price(bound),
        "capex": lambda: math.fsum(o.capex.value * n for o, n in built.items()),
        "leverage": lambda: losses[asked.who],
        "added": lambda: math.fsum(o.adds * n for o, n in built.items() if o.option_id == asked.who),
    }
    return value[asked.measure](), None, None


def _rows(
    dossier: Dossier,
    problem: Problem,
    programme: FrontierProgramme,
    asked: _Asked,
    units: Floats | None,
    holders: Sequence[str],
) -> list[UsedRow]:
    """Settings, what is built and what is not, what the coalitions that bind close, and what own goods earn."""
    counts = [0.0] * len(problem.options) if units is None else units.tolist()
    built = [o for o, n in zip(problem.options, counts, strict=True) if n > 0]
    mine = [o for o in problem.options if asked.measure != "added" or o.option_id == asked.who]
    grown = sorted({edge for o in built if o in mine for edge in o.edges})
    rows = []
    if asked.measure in ("cost", "price"):
        rows += rows_where(
            dossier, "parameters", pl.col("parameter").is_in(list(PARAMETERS)), "a setting of the model"
        )
    if asked.measure != "today":
        used = pl.col("option_id").is_in([o.option_id for o in mine])
        made = pl.col("option_id").is_in([o.option_id for o in built])
        rows += rows_where(dossier, "options", used & made, "is built")
        rest = "could be built" if units is None else "could be built, and is not"
        rows += rows_where(dossier, "options", used & ~made, rest)
        rows += rows_where(dossier, "network_edges", pl.col("edge_id").is_in(grown), "its capacity grows")
    full = [name.removeprefix("edge ") for name in programme.binds if name.startswith("edge ")]
    if asked.measure == "least":
        rows += rows_where(dossier, "network_edges", pl.col("edge_id").is_in(full), "is full")
    network = problem.expanded([0.0] * len(problem.options))
    for cut, name in zip(programme.closures, programme.names, strict=True):
        if name in holders:
            rows += closing_rows(dossier, network, cut)
    own = pl.col("commodity").is_in(list(problem.own))
    rows += rows_where(dossier, "network_supply", own, "own goods, at their cost")
    rows += rows_where(dossier, "network_demand", own, "who buys them, at which price")
    return rows


def _command(asked: _Asked, where: str) -> str:
    """What to type to see the number again."""
    powers = f" --powers {quote(asked.powers)}" if asked.powers else ""
    if asked.bound_pct is None:
        return f"betweengiants frontier {quote(where)}{powers}"
    whole = " --whole" if asked.whole else ""
    return f"betweengiants frontier {quote(where)} --bound {asked.bound_pct!r}{whole}{powers}"
