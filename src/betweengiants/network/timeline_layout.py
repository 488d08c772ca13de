"""The steady programme's arrays repeated in every period, and tied together by what lasts from one to the next.

Columns of a period: those of `layout`, then stores (in, out, level), supplies with a pace (produced, wasted), late
deliveries and what buyers still wait for. Rows: those of `layout`, then levels, production, its change, what buyers wait for.
Flows and all rates are a year's; levels and what buyers wait for are in rate times the longest period.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from scipy.sparse import coo_array, csc_array

from betweengiants.network.layout import Layout
from betweengiants.network.model import Floats, Ints, NetworkArrays
from betweengiants.network.timeline_tables import Stores


@dataclass(frozen=True, slots=True, eq=False)
class TimeLayout:
    """P periods of the same shape.

    Attributes:
        period: the steady layout.
        put_in, taken_out, level: (M) columns within a period.
        produced, wasted: (Q) columns.
        late, waiting: (D) columns, or none.
        level_rows, made_rows, change_rows, waiting_rows: rows within a period.
        width, height: columns and rows of a period.
        matrix: (P height) x (P width).
    """

    period: Layout
    put_in: slice
    taken_out: slice
    level: slice
    produced: slice
    wasted: slice
    late: slice
    waiting: slice
    level_rows: slice
    made_rows: slice
    change_rows: slice
    waiting_rows: slice
    width: int
    height: int
    matrix: csc_array


def over_time(
    numbers: NetworkArrays, layout: Layout, stores: Stores, ramped: Ints, weight: Floats, *, backlog: bool
) -> TimeLayout:
    """Lay the programme of several periods out.

    Args:
        numbers: the network.
        layout: its steady layout.
        stores: M stores, each where something passes.
        ramped: (Q,) supplies with a pace.
        weight: (P,) length of each period over that of the longest.
        backlog: whether anything can be delivered late.
    """
    height, width = layout.matrix.shape
    by_store, by_supply = len(stores.node), len(ramped)
    by_buyer = layout.demand_count if backlog else 0
    columns = _slices(
        width,
        put_in=by_store,
        taken_out=by_store,
        level=by_store,
        produced=by_supply,
        wasted=by_supply,
        late=by_buyer,
        waiting=by_buyer,
    )
    rows = _slices(
        height, level_rows=by_store, made_rows=by_supply, change_rows=by_supply, waiting_rows=by_buyer
    )
    put_in, taken_out, level, produced, wasted, late, waiting = map(_places, columns.values())
    levels, made, change, awaited = map(_places, rows.values())
    at_store = balance_rows(numbers, layout, stores.node, stores.commodity)
    at_buyer = balance_rows(numbers, layout, numbers.demand_node, numbers.demand_commodity)[: len(late)]
    kept = _places(layout.kept_columns)[: len(late)]
    sold = _places(layout.supply_columns)[ramped]
    block, long = layout.matrix.tocoo(), weight[:, None]
    tiles = _Tiles(len(weight), rows["waiting_rows"].stop, columns["waiting"].stop)
    parts = [
        tiles.put(block.row.astype(np.int64), block.col.astype(np.int64), block.data),
        tiles.put(at_store, put_in, -1.0),
        tiles.put(at_store, taken_out, 1.0),
        tiles.put(levels, level, 1.0),
        tiles.put(levels, level, -1.0, back=1),
        tiles.put(levels, put_in, -long),
        tiles.put(levels, taken_out, long),
        tiles.put(made, produced, 1.0),
        tiles.put(made, sold, -1.0),
        tiles.put(made, wasted, -1.0),
        tiles.put(change, produced, 1.0),
        tiles.put(change, produced, -1.0, back=1),
        tiles.put(at_buyer, late, -1.0),
        tiles.put(awaited, waiting, 1.0),
        tiles.put(awaited, waiting, -1.0, back=1),
        tiles.put(awaited, late, long),
        tiles.put(awaited, kept, long),
    ]
    row, column, value = (np.concatenate([part[k] for part in parts]) for k in range(3))
    shape = (tiles.periods * tiles.height, tiles.periods * tiles.width)
    matrix = coo_array((value, (row, column)), shape=shape).tocsc()
    return TimeLayout(period=layout, **columns, **rows, width=tiles.width, height=tiles.height, matrix=matrix)


def balance_rows(numbers: NetworkArrays, layout: Layout, node: Ints, commodity: Ints) -> Ints:
    """Row of the balance of a commodity at a node, -1 where nothing of it passes: rows stand in the order of both."""
    count = numbers.commodity_count
    cells = np.unique(
        np.concatenate(
            [
                layout.from_node(numbers) * count + layout.flow_commodity,
                layout.to_node(numbers) * count + layout.flow_commodity,
                numbers.supply_node * count + numbers.supply_commodity,
                numbers.demand_node * count + numbers.demand_commodity,
            ]
        )
    )
    wanted = node * count + commodity
    row = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    return np.where(cells[row] == wanted, row, -1)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Entries of one period, repeated in every period."""

    periods: int
    height: int
    width: int

    def put(
        self, rows: Ints, columns: Ints, values: Floats | float, *, back: int = 0
    ) -> tuple[Ints, Ints, Floats]:
        """Rows, columns and values of all periods; `back`: the columns are those of so many periods before."""
        period = np.arange(back, self.periods)[:, None]
        return (
            (period * self.height + rows).ravel(),
            ((period - back) * self.width + columns).ravel(),
            np.broadcast_to(values, (len(period), len(rows))).ravel(),
        )


def _slices(first: int, **sizes: int) -> dict[str, slice]:
    """Places that follow each other behind the first ones, by name."""
    marks = pairwise(accumulate(sizes.values(), initial=first))
    return {name: slice(start, end) for name, (start, end) in zip(sizes, marks, strict=True)}


def _places(part: slice) -> Ints:
    return np.arange(part.start, part.stop)
