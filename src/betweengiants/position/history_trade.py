"""Trade year by year: closed-form leverage, shares in turnover, and the equilibrium of the matrix year as a check beside.

Closed form (Clayton, Maggiori & Schreger): a power with the share `omega` of imports, imports with the weight `W` in all that
the state absorbs, home goods replacing imports as easily as other imports do (rho = 1 + theta), so that the log loss is
`-ln(1 - W omega)/theta`. Absorption is gross domestic product plus imports less exports of goods, as in the trade matrix.
Only lost purchases count; lost sales and everybody's adjustment are in the equilibrium. With everything from abroad (WLD)
it is the loss of autarky (Arkolakis, Costinot & Rodriguez-Clare 2012): no power can have more leverage of this kind.

Bases are never mixed in one series: each basis of `trade_bilateral` is one, goods and services of the balance of payments
another, and turnover that the partner's side reports (mirror) another. A year without a figure has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from betweengiants.core.countries import territory_of
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.dossier.claims.evidence import Evidence, Fact, year_of, years
from betweengiants.position.settings import positive
from betweengiants.position.trade_channel import HORIZONS
from betweengiants.trade import closed_form_power, power_table
from betweengiants.trade import from_frame as trade_matrix

WORLD = "WLD"
LOSS, SHARE = "closed_form_loss_pct", "trade_share"
PAYMENTS, MIRROR = "balance_of_payments", "mirror"
MILLION = "usd_m"


@dataclass(frozen=True, slots=True)
class Flows:
    """What a state bought and sold in one year on one basis, in million USD.

    Attributes:
        imports, exports: by partner, the world (WLD) among them.
        sources: source ids by partner.
    """

    imports: Mapping[str, float]
    exports: Mapping[str, float]
    sources: Mapping[str, frozenset[str]]

    @property
    def is_whole(self) -> bool:
        """Whether both totals are known and positive."""
        return min(self.imports.get(WORLD, 0.0), self.exports.get(WORLD, 0.0)) > 0

    def turnover(self, partner: str) -> float:
        """Imports and exports."""
        return self.imports.get(partner, 0.0) + self.exports.get(partner, 0.0)

    @property
    def coverage(self) -> float:
        """Share of imports that named partners have; members of a bloc that is named itself count once."""
        named = {code for code in self.imports if code != WORLD}
        apart = [c for c in sorted(named) if territory_of(c) == c or territory_of(c) not in named]
        return sum(self.imports[code] for code in apart) / self.imports[WORLD]


def trade_rows(dossier: Dossier, evidence: Evidence) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the closed form and of shares in turnover, and what is missing, in sentences."""
    bases = _bilateral(dossier)
    domestic = _gdp(dossier, evidence)
    rows: list[dict[str, Any]] = []
    lacking = f"no rows of {dossier.focal} in" if dossier.has("trade_bilateral") else "no table"
    gaps = [] if bases else [f"No trade by partner and year: the dossier has {lacking} trade_bilateral."]
    for basis, by_year in bases.items():
        for year, flow in by_year.items():
            if not flow.is_whole:
                gaps.append(f"No trade of {year} ({basis}): the totals with the world are not known.")
                continue
            absent = [power for power in dossier.powers if power not in flow.imports]
            gaps += [f"No trade with {power} in {year} ({basis})." for power in absent]
            rows += _shares(dossier, basis, year, flow)
            partners = (*dossier.powers, WORLD)
            rows += _losses(dossier, (basis, year), flow, domestic.get(year), partners)
    for year, flow in sorted(_payments(dossier, evidence).items()):
        rows += _losses(dossier, (PAYMENTS, year), flow, domestic.get(year), (WORLD,))
    have = {(row["basis"], row["year"]) for row in rows if row["measure"] == LOSS}
    want = [(basis, year) for basis, by_year in bases.items() for year in by_year]
    want += [(PAYMENTS, year) for year in sorted(_payments(dossier, evidence))]
    gaps += _without_loss([pair for pair in want if pair not in have])
    main = main_basis(rows)
    own = {year: flow for year, flow in bases.get(main, {}).items() if flow.is_whole}
    _spread(dossier, evidence, [row for row in rows if (row["measure"], row["basis"]) == (SHARE, main)], own)
    return [*rows, *_mirror(dossier, evidence, own)], gaps


def main_basis(rows: Iterable[Mapping[str, Any]]) -> str:
    """The basis whose shares of trade span the most years, the first by name of several; empty without any."""
    years_of: dict[str, set[int]] = {}
    for row in rows:
        if row["measure"] == SHARE and row["basis"] != MIRROR:
            years_of.setdefault(row["basis"], set()).add(row["year"])
    return min(years_of, key=lambda basis: (-len(years_of[basis]), basis), default="")


def _without_loss(pairs: list[tuple[str, int]]) -> list[str]:
    """A sentence for each basis with the years that have trade and no closed form."""
    return [
        f"No closed form of {', '.join(str(year) for b, year in pairs if b == basis)} ({basis}): the gross domestic "
        "product is not known, or is not above exports."
        for basis in dict.fromkeys(basis for basis, _ in pairs)
    ]


def equilibrium(dossier: Dossier) -> pl.DataFrame:
    """Closed form and equilibrium of the trade matrix: year, power, horizon, matrix_closed_form_loss_pct, equilibrium_loss_pct.

    Raises:
        NoEquilibrium, NotConverged: not one power has a solution; single failures are empty cells.
    """
    table = dossier.tables["trade_matrix"]
    matrix = trade_matrix(
        table.select("exporter", "importer", "year", value="value_usd_m"),
        name=dossier.header.paths["trade_matrix"],
    )
    year = table["year"].max()
    frames = []
    for horizon in HORIZONS:
        theta = positive(dossier, f"theta_{horizon}")[0]
        found = power_table(matrix, dossier.powers, [dossier.focal], theta, rho=1 + theta).frame()
        frames.append(
            found.select(
                pl.lit(year, dtype=pl.Int64).alias("year"),
                "power",
                pl.lit(horizon).alias("horizon"),
                pl.col("closed_form_loss_pct").alias("matrix_closed_form_loss_pct"),
                "equilibrium_loss_pct",
            )
        )
    return pl.concat(frames)


def _bilateral(dossier: Dossier) -> dict[str, dict[int, Flows]]:
    """Flows by basis and year."""
    if not dossier.has("trade_bilateral"):
        return {}
    table = dossier.tables["trade_bilateral"].filter(pl.col("reporter") == dossier.focal)
    found: dict[str, dict[int, Flows]] = {}
    for (basis, year), part in table.sort("basis", "year").group_by("basis", "year", maintain_order=True):
        sides: dict[str, dict[str, float]] = {"import": {}, "export": {}}
        named: dict[str, frozenset[str]] = {}
        for row in part.to_dicts():
            sides[row["flow"]][row["partner"]] = row["value_usd_m"]
            named[row["partner"]] = named.get(row["partner"], frozenset()) | set(row["source_id"].split(";"))
        found.setdefault(str(basis), {})[int(str(year))] = Flows(sides["import"], sides["export"], named)
    return found


def _gdp(dossier: Dossier, evidence: Evidence) -> dict[int, tuple[list[float], bool, set[str]]]:
    """Gross domestic product by year in million USD: all sources of outcomes, or else of projections; whether projected."""
    found: dict[int, list[Fact]] = {}
    for fact in evidence.facts("gdp"):
        if _of_a_year(fact, dossier.focal):
            found.setdefault(year_of(fact.period), []).append(fact)
    result = {}
    for year, facts in found.items():
        used = [fact for fact in facts if not fact.is_ahead] or facts
        values = [evidence.express(fact.number, fact.unit, MILLION, None) for fact in used]
        result[year] = (values, used[0].is_ahead, {s for fact in used for s in fact.source_id.split(";")})
    return result


def _payments(dossier: Dossier, evidence: Evidence) -> dict[int, Flows]:
    """Imports and exports of goods and services with the world, by year."""
    sides: dict[str, dict[int, Fact]] = {"imports": {}, "exports": {}}
    for side, found in sides.items():
        for fact in evidence.facts(f"{side}_goods_services"):
            if fact.partner == WORLD and _of_a_year(fact, dossier.focal):
                found[year_of(fact.period)] = fact
    flows = {}
    for year in sides["imports"].keys() & sides["exports"].keys():
        bought, sold = sides["imports"][year], sides["exports"][year]
        named = frozenset({*bought.source_id.split(";"), *sold.source_id.split(";")})
        flows[year] = Flows(
            {WORLD: evidence.express(bought.number, bought.unit, MILLION, None)},
            {WORLD: evidence.express(sold.number, sold.unit, MILLION, None)},
            {WORLD: named},
        )
    return flows


def _losses(
    dossier: Dossier,
    place: tuple[str, int],
    flow: Flows,
    domestic: tuple[list[float], bool, set[str]] | None,
    partners: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """Closed form of each partner and horizon, over the range of the elasticity and of the sources of GDP.

    Nothing without a gross domestic product, or where more is exported than made, so that no home goods are left.
    """
    values, projected, named = domestic or ([], False, set())
    bought, sold = flow.imports[WORLD], flow.exports[WORLD]
    if min(values, default=0.0) <= sold:
        return
    for horizon, partner in product(HORIZONS, (p for p in partners if p in flow.imports)):
        cases = list(product(positive(dossier, f"theta_{horizon}"), values))
        theta = np.array([case[0] for case in cases])
        absorbed = np.array([case[1] for case in cases]) + bought - sold
        weight = (bought / absorbed)[:, None]
        omega = np.full_like(weight, min(flow.imports[partner] / bought, 1.0))
        loss = closed_form_power(weight, omega, 1 + theta[:, None], 1 + theta)
        pct = (-100 * np.expm1(-loss)).tolist()
        number = Interval.spanning(pct[0], pct[1:])
        yield _row(
            LOSS,
            place,
            partner,
            "pct",
            number,
            horizon=horizon,
            coverage=flow.coverage if len(flow.imports) > 1 else None,
            note="gross domestic product is a projection" if projected else "",
            sources=named | flow.sources[partner] | flow.sources[WORLD],
        )


def _shares(dossier: Dossier, basis: str, year: int, flow: Flows) -> Iterator[dict[str, Any]]:
    """Share of each power in the turnover of goods."""
    for power in dossier.powers:
        if power in flow.imports and power in flow.exports:
            share = 100 * flow.turnover(power) / flow.turnover(WORLD)
            yield _row(
                SHARE,
                (basis, year),
                power,
                "pct",
                Interval(share, share, share),
                coverage=flow.coverage,
                sources=flow.sources[power] | flow.sources[WORLD],
            )


def _mirror(dossier: Dossier, evidence: Evidence, flows: Mapping[int, Flows]) -> Iterator[dict[str, Any]]:
    """Share in turnover by the partner's own statistics, which also replace its part of the total."""
    for fact in evidence.facts("trade_turnover"):
        year, power = year_of(fact.period), fact.partner
        if fact.basis != "mirror" or not _of_a_year(fact, dossier.focal) or power not in dossier.powers:
            continue
        flow = flows.get(year)
        if flow is None or power is None or power not in flow.imports:
            continue
        others = flow.turnover(WORLD) - flow.turnover(power)
        mirrored = evidence.express(fact.number, fact.unit, MILLION, None)
        share = 100 * mirrored / (others + mirrored)
        named = {*fact.source_id.split(";")} | flow.sources[WORLD]
        yield _row(SHARE, (MIRROR, year), power, "pct", Interval(share, share, share), sources=named)


def _spread(
    dossier: Dossier, evidence: Evidence, rows: list[dict[str, Any]], flows: Mapping[int, Flows]
) -> None:
    """Widen shares to what other sources of the state's own side say of the same turnover."""
    for fact in evidence.facts("trade_turnover"):
        if fact.basis != "reported" or not _of_a_year(fact, dossier.focal):
            continue
        for row in rows:
            if (row["power"], row["year"]) != (fact.partner, year_of(fact.period)):
                continue
            ends = [evidence.express(end, fact.unit, MILLION, None) for end in (fact.least, fact.most)]
            shares = [100 * end / flows[row["year"]].turnover(WORLD) for end in ends]
            row["low"], row["high"] = min(row["low"], *shares), max(row["high"], *shares)
            row["source_id"] = _joined({*row["source_id"].split(";"), *fact.source_id.split(";")})


def _of_a_year(fact: Fact, subject: str) -> bool:
    return fact.subject == subject and years(fact.period) == 1 and not fact.is_part


def _row(
    measure: str,
    place: tuple[str, int],
    power: str,
    unit: str,
    number: Interval,
    *,
    horizon: str = "",
    coverage: float | None = None,
    note: str = "",
    sources: set[str] | frozenset[str],
) -> dict[str, Any]:
    return {
        "measure": measure,
        "basis": place[0],
        "power": power,
        "horizon": horizon,
        "year": place[1],
        "unit": unit,
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "n": None,
        "coverage": coverage,
        "is_full": True,
        "note": note,
        "source_id": _joined(sources),
    }


def _joined(sources: set[str] | frozenset[str]) -> str:
    return ";".join(sorted(sources))
