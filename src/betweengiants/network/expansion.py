"""What capacity could be added, at what cost, and the cheapest addition that makes good a closure.

`edges.csv` may have a column `added_cost`: money a year for one more unit of an edge's capacity. Operating edges grow from
what they are; edges with status `planned` are built from zero, up to their stated capacity (blank: any). Edges with an
empty cell, and capacities of nodes, stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csc_array, hstack

from betweengiants.core.errors import DataError, Infeasible
from betweengiants.core.tables import FIRST_RECORD, read_table, require_range, typed
from betweengiants.network.highs import LinearProgramme
from betweengiants.network.layout import build
from betweengiants.network.model import Floats, Network, read_frames
from betweengiants.network.programme import ROUNDING
from betweengiants.network.reading import FILLED_IF_OPERATING
from betweengiants.network.results import FlowArrays

COLUMN = "added_cost"


@dataclass(frozen=True, slots=True)
class Bypass:
    """The cheapest added capacity that restores every delivery.

    Attributes:
        cost: money a year; None if nothing restores them.
        added: edge and capacity added, in the unit of the edge's capacity.
        share: what can be restored at best of the worth of the deliveries at their prices (1 where `cost` is given).
    """

    cost: float | None
    added: tuple[tuple[str, float], ...]
    share: float


@dataclass(frozen=True, eq=False)
class Expansion:
    """A network with room to grow.

    Attributes:
        network: the network and, at capacity zero, the planned edges that have a cost.
        added_cost: (E,) money a year for one more unit of capacity, nan where none can be added.
        most: (E,) most that can be added.
    """

    network: Network
    added_cost: Floats
    most: Floats

    @classmethod
    def from_frames(
        cls,
        nodes: pl.DataFrame,
        edges: pl.DataFrame,
        supply: pl.DataFrame,
        demand: pl.DataFrame,
        *,
        control: pl.DataFrame | None = None,
        commodities: pl.DataFrame | None = None,
        conversions: pl.DataFrame | None = None,
        name: str = "edges",
    ) -> Expansion:
        """From the frames of `Network.from_frames`, `edges` with the column added_cost.

        Args:
            nodes: as there, like all others.
            edges: with added_cost, blank where no capacity can be added.
            supply: as there.
            demand: as there.
            control: as there.
            commodities: as there.
            conversions: as there.
            name: how messages call the table of edges.

        Raises:
            DataError: no added_cost at all, a negative or infinite one, a planned edge with a cost but without what an
                operating edge needs; and all that `Network.from_frames` refuses.
        """
        stated = typed(
            edges,
            {"edge_id": "text", COLUMN: "number"},
            optional={"status": "text", "capacity": "number"},
            blanks=(COLUMN, "capacity", "status"),
            name=name,
        )
        _check_costs(stated, name)
        planned = stated[COLUMN].is_not_null() & (
            (stated["status"] == "planned").fill_null(False)
            if "status" in stated.columns
            else pl.Series([False] * stated.height)
        )
        _check_filled(edges, planned, name)
        built = edges.with_columns(
            pl.when(planned)
            .then(pl.lit(value).cast(edges[column].dtype))
            .otherwise(pl.col(column))
            .alias(column)
            for column, value in (("status", "operating"), ("capacity", "0"))
            if column in edges.columns
        )
        network = Network.from_frames(
            nodes,
            built,
            supply,
            demand,
            control=control,
            commodities=commodities,
            conversions=conversions,
            names={"edges": name},
        )
        room = pl.when(planned).then(pl.col("capacity").fill_null(np.inf)).otherwise(np.inf)
        of_edge = network.edges.select("edge_id").join(
            stated.select("edge_id", COLUMN, most=room), on="edge_id", how="left", maintain_order="left"
        )
        return cls(network, of_edge[COLUMN].fill_null(np.nan).to_numpy(), of_edge["most"].to_numpy())

    def yearly_cost(self, edge: str, amount: float) -> float:
        """Money a year for so much more capacity of an edge."""
        return float(self.added_cost[self.network.edge_index[edge]]) * amount

    def bypass(self, closed: Sequence[str], before: FlowArrays) -> Bypass:
        """The cheapest added capacity with which every delivery is at least what it was.

        Args:
            closed: edge ids; nothing is added to them.
            before: a solution of the network without the planned edges.

        Raises:
            Infeasible: the solver failed.
        """
        numbers, layout = self.network.arrays, build(self.network.arrays)
        is_open = np.ones(len(numbers.capacity), bool)
        is_open[[self.network.edge_index[edge] for edge in closed]] = False
        grows = np.flatnonzero(np.isfinite(self.added_cost) & (layout.capacity_row >= 0))
        rows, columns = layout.matrix.shape
        room = csc_array(
            (-np.ones(len(grows)), (layout.capacity_row[grows], np.arange(len(grows)))),
            shape=(rows, len(grows)),
        )
        upper = np.zeros(columns + len(grows))
        upper[: layout.flow_count] = np.where(is_open[layout.flow_edge], np.inf, 0.0)
        upper[layout.supply_columns] = numbers.supply_quantity / layout.quantity_unit
        upper[layout.kept_columns] = numbers.demand_quantity / layout.quantity_unit
        upper[columns:] = self.most[grows] / layout.quantity_unit
        wanted = np.zeros(len(upper))
        wanted[layout.kept_columns] = before.demand / layout.quantity_unit
        row_lower = np.where(np.arange(rows) < layout.balance_count, 0.0, -np.inf)
        scale = float(self.added_cost[grows].max(initial=0.0)) or 1.0
        cost = np.concatenate([np.zeros(columns), self.added_cost[grows] / scale])
        programme = LinearProgramme(
            "the bypass programme",
            cost,
            wanted,
            upper,
            row_lower,
            layout.row_upper(numbers),
            csc_array(hstack([layout.matrix, room])),
        )
        try:
            x = programme.solve().x
        except Infeasible:
            worth = np.zeros(len(upper))
            worth[layout.kept_columns] = -numbers.demand_price / layout.money_unit
            upper[layout.kept_columns] = wanted[layout.kept_columns]
            programme.set_costs(worth)
            programme.set_columns(np.zeros(len(upper)), upper)
            return Bypass(None, (), programme.solve().objective / float(worth @ wanted))
        amounts = np.where(x[columns:] > ROUNDING, x[columns:] * layout.quantity_unit, 0.0)
        ids = self.network.edges["edge_id"].gather(grows).to_list()
        added = tuple(
            (edge, amount) for edge, amount in zip(ids, amounts.tolist(), strict=True) if amount > 0
        )
        return Bypass(float(self.added_cost[grows] @ amounts), added, 1.0)


def read_expansion(folder: Path | str) -> Expansion | None:
    """The expansion of a folder of network tables; None if its edges.csv has no column added_cost.

    Raises:
        DataError: as `Expansion.from_frames` and `read_network`.
    """
    frames = read_frames(folder)
    path = Path(folder) / "edges.csv"
    costs = read_table(path, {}, optional={COLUMN: "text"}, blanks=(COLUMN,), name=path.name)
    if COLUMN not in costs.columns:
        return None
    nodes, edges, supply, demand = (frames[table] for table in ("nodes", "edges", "supply", "demand"))
    assert nodes is not None
    assert edges is not None
    assert supply is not None
    assert demand is not None
    further = {table: frames[table] for table in ("control", "commodities", "conversions")}
    return Expansion.from_frames(
        nodes, edges.with_columns(costs[COLUMN]), supply, demand, **further, name=path.name
    )


def _check_costs(stated: pl.DataFrame, name: str) -> None:
    require_range(stated, COLUMN, name, minimum=0)
    endless = stated[COLUMN].is_infinite().fill_null(False)
    if endless.any():
        row = int(endless.arg_max() or 0) + FIRST_RECORD
        raise DataError(file=name, row=row, column=COLUMN, found="inf", allowed="a finite number")
    if stated[COLUMN].is_null().all():
        raise DataError(
            file=name, column=COLUMN, found="only empty cells", allowed="a cost for one edge or more"
        )


def _check_filled(edges: pl.DataFrame, planned: pl.Series, name: str) -> None:
    for column in FILLED_IF_OPERATING:
        if column in edges.columns:
            blank = planned & (edges[column].cast(pl.String).fill_null("").str.strip_chars() == "")
            if blank.any():
                raise DataError(
                    file=name,
                    row=int(blank.arg_max() or 0) + FIRST_RECORD,
                    column=column,
                    found="an empty cell",
                    allowed=f"a value for a planned edge with {COLUMN}",
                )
