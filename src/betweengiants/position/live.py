"""One question asked of the engines at once: any coalition, elasticity, capacities, kinds of control and closed edges.

The position answers fixed questions with ranges; this module answers a reader's own question at one set of settings and
says beside it how far the answer moves over the ranges that the dossier declares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, quoted, summary
from betweengiants.network import BASES
from betweengiants.position.assemble import Position
from betweengiants.position.live_oil import OilAnswer, OilBase, ask_oil, oil_bases
from betweengiants.position.results import Trail
from betweengiants.position.systems import BOUNDS, OWNERSHIP_THRESHOLD
from betweengiants.position.trade_channel import HORIZONS, RESIDUAL_TOLERANCE
from betweengiants.trade import TradeMatrix, TradeResult, coalition, solve
from betweengiants.trade import from_frame as trade_matrix

# Elasticities that a question may use: wide around everything that has been estimated, and every one of them solves.
THETA_LOW, THETA_HIGH = 0.1, 50.0
CAPACITIES = BOUNDS


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        by: powers that sever, each its trade with the focal state and every edge that it controls.
        theta: trade elasticity.
        capacity: which bound of the capacities holds: capacity, capacity_low or capacity_high.
        bases: kinds of control that count; none of them means that the powers close no edge.
        edges: edges that close whoever controls them.
    """

    by: tuple[str, ...]
    theta: float
    capacity: str = "capacity"
    bases: tuple[str, ...] = BASES
    edges: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TradeAnswer:
    """What the severance of trade does.

    Attributes:
        states: state, role (focal, severs, other), welfare_change_pct (real national spending), welfare_change_usd_m,
            income_change_pct, price_change_pct, exports_change_pct, imports_change_pct; the focal state first, then
            the powers. Nominal changes are in units of world output.
        elsewhere: state, horizon, bound, theta, welfare_change_pct: the focal state and the powers that sever at the
            dossier's own elasticities.
        residual: largest excess demand relative to income.
    """

    states: pl.DataFrame
    elsewhere: pl.DataFrame
    residual: float


@dataclass(frozen=True, eq=False)
class Answer:
    """Answer to one question.

    Attributes:
        question: in canonical order.
        trade: None if no power severs.
        oil: None if the dossier has no network.
        trails: where the numbers come from, with the settings of this question.
    """

    question: Question
    trade: TradeAnswer | None
    oil: OilAnswer | None
    trails: tuple[Trail, ...]


@dataclass(frozen=True, eq=False)
class Live:
    """The engines of one position, ready for questions; nothing in it changes, so that threads may share it.

    Attributes:
        position: the results at the dossier's own settings.
        matrix: flows between states with domestic sales.
        oil: the oil network with its flows as they stand, by bound of the capacities; empty without a network.
    """

    position: Position
    matrix: TradeMatrix
    oil: dict[str, OilBase]

    @classmethod
    def of(cls, position: Position) -> Live:
        """Make the engines ready.

        Raises:
            DataError, Infeasible: from the engines.
        """
        table = position.dossier.tables["trade_matrix"]
        matrix = trade_matrix(
            table.select("exporter", "importer", "year", value="value_usd_m"),
            name=position.dossier.header.paths["trade_matrix"],
        )
        return cls(position, matrix, oil_bases(position))

    @property
    def default_theta(self) -> float:
        """The dossier's central elasticity of the short horizon."""
        return self.position.dossier.parameter("theta_short")[0]

    @cached_property
    def edges(self) -> pl.DataFrame:
        """Edges that can be closed: edge_id, name, mode, flow (the focal state's own goods), the largest flow first."""
        if not self.oil:
            empty = {"edge_id": pl.String, "name": pl.String, "mode": pl.String, "flow": pl.Float64}
            return pl.DataFrame(schema=empty)
        base = self.oil["capacity"]
        names = self.position.dossier.tables["network_edges"].select("edge_id", "name", "mode")
        return (
            base.network.edges.select("edge_id")
            .join(names, on="edge_id")
            .join(base.flows, on="edge_id", how="left")
            .with_columns(pl.col("flow").fill_null(0.0))
            .sort("flow", "name", "edge_id", descending=[True, False, False])
        )

    def check(self, question: Question) -> Question:
        """The same question in canonical order: powers as in the dossier, edges by name, nothing twice.

        Raises:
            UnknownLabel: a power, basis, bound or edge that is not there, with the nearest ones.
            DataError: nothing severs and nothing closes, or an elasticity out of range.
        """
        powers = self.position.dossier.powers
        where = f"dossier {self.position.dossier.header.name}"
        known = set(self.edges["edge_id"])
        for power in question.by:
            if power not in powers:
                raise UnknownLabel(power, powers, what="power", file=where)
        for basis in question.bases:
            if basis not in BASES:
                raise UnknownLabel(basis, BASES, what="basis of control")
        if question.capacity not in CAPACITIES:
            raise UnknownLabel(question.capacity, CAPACITIES, what="bound of capacities")
        for edge in question.edges:
            if edge not in known:
                raise self._unknown_edge(edge, known, where)
        if not question.by and not question.edges:
            edges = " or an edge of the network" if known else ""
            raise DataError(found="no power that severs", allowed=f"one or more of {summary(powers)}{edges}")
        if not (math.isfinite(question.theta) and THETA_LOW <= question.theta <= THETA_HIGH):
            raise DataError(
                found=f"trade elasticity (theta) {question.theta:g}",
                allowed=f"a number from {THETA_LOW:g} to {THETA_HIGH:g}",
            )
        return replace(
            question,
            by=tuple(power for power in powers if power in question.by),
            bases=tuple(basis for basis in BASES if basis in question.bases),
            edges=tuple(sorted(set(question.edges))),
        )

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            UnknownLabel, DataError: see `check`.
            NotConverged, NoEquilibrium, Infeasible: from the engines.
        """
        asked = self.check(question)
        trade = self._trade(asked) if asked.by else None
        oil = ask_oil(self.oil, asked.by, asked.capacity, asked.bases, asked.edges) if self.oil else None
        return Answer(asked, trade, oil, tuple(self._trails(asked)))

    def _unknown_edge(self, edge: str, known: set[str], where: str) -> DataError:
        if not known:
            return DataError(
                file=where, found=f"the edge {quoted(edge)}", allowed="none: there is no network"
            )
        idle = dict(self.oil["capacity"].network.not_operating.iter_rows())
        if edge in idle:
            allowed = "edges that operate"
            return DataError(
                file=where, found=f"the edge {quoted(edge)}, which is {idle[edge]}", allowed=allowed
            )
        return UnknownLabel(edge, known, what="edge", file=where)

    def _trade(self, question: Question) -> TradeAnswer:
        """Solve at the question's elasticity and at those of the dossier, as one block."""
        dossier = self.position.dossier
        stated = [
            (horizon, bound, theta)
            for horizon in HORIZONS
            for bound, theta in zip(
                ("central", "low", "high"), dossier.parameter(f"theta_{horizon}"), strict=True
            )
        ]
        thetas = [question.theta, *(theta for *_, theta in stated)]
        cut = coalition(dossier.focal, question.by)
        solved = solve(self.matrix, [cut] * len(thetas), theta=thetas)
        members = (dossier.focal, *question.by)
        elsewhere = pl.DataFrame(
            [
                (member, *setting, 100 * float(solved.welfare_change[s, self.matrix.index(member)]))
                for member in members
                for s, setting in enumerate(stated, 1)
            ],
            schema=["state", "horizon", "bound", "theta", "welfare_change_pct"],
            orient="row",
        )
        return TradeAnswer(self._states(question, solved), elsewhere, float(solved.residual[0]))

    def _states(self, question: Question, solved: TradeResult) -> pl.DataFrame:
        """Changes by state in the first scenario that was solved."""
        dossier = self.position.dossier
        roles = (
            {dossier.focal: "focal"}
            | dict.fromkeys(dossier.powers, "other")
            | dict.fromkeys(question.by, "severs")
        )
        spending = self.matrix.flows.sum(axis=0)
        rows = {row["country"]: row for row in solved.frame(0).to_dicts()}
        table = []
        for state, role in roles.items():
            change = rows[state]["welfare_change_pct"]
            money = change / 100 * float(spending[self.matrix.index(state)])
            head = {"state": state, "role": role, "welfare_change_pct": change, "welfare_change_usd_m": money}
            others = (f"{name}_change_pct" for name in ("income", "price", "exports", "imports"))
            table.append(head | {name: rows[state][name] for name in others})
        return pl.DataFrame(table)

    def _trails(self, question: Question) -> list[Trail]:
        """The position's trails with the settings of this question."""
        trails = []
        if question.by:
            trail = self.position.trails["trade"]
            kept = {name: trail.parameters[name] for name in ("matrix_year", "imbalances")}
            settings: dict[str, float | str] = {
                "theta": question.theta,
                "residual_tolerance": RESIDUAL_TOLERANCE,
            }
            note = "The range beside it: the same question at the dossier's low and high elasticities."
            trails.append(replace(trail, parameters=kept | settings, interval=note))
        if self.oil:
            trail = self.position.trails["oil_transit"]
            closed: dict[str, float | str] = {
                "capacities": question.capacity,
                "bases": ", ".join(question.bases) or "none",
                "closed_edges": ", ".join(question.edges) or "none",
                "ownership_threshold": OWNERSHIP_THRESHOLD,
            }
            note = "The range beside it: the same question with all capacities at their low and at their high bound."
            trails.append(replace(trail, parameters=trail.parameters | closed, interval=note))
        return trails
