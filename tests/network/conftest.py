"""Networks from short lists, and the same programme built a second time, by other means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from betweengiants.network import Network

EDGE_DEFAULTS: dict[str, Any] = {
    "mode": "pipeline",
    "commodities": "oil",
    "capacity": None,
    "cost": 0.0,
    "loss": 0.0,
    "bidirectional": False,
    "controlled_by": "",
}


@dataclass(frozen=True)
class Spec:
    """A network in words.

    Attributes:
        nodes: name -> country. edges: id -> columns, with `from_node` and `to_node`.
        supply: (node, commodity, quantity, cost). demand: (node, commodity, quantity, price[, market]).
        control: (asset, power, basis, share).
    """

    nodes: Mapping[str, str | None]
    edges: Mapping[str, Mapping[str, Any]]
    supply: Sequence[tuple[Any, ...]]
    demand: Sequence[tuple[Any, ...]]
    control: Sequence[tuple[Any, ...]] = ()

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables of a folder."""
        blank = [None] * len(self.nodes)
        nodes = pl.DataFrame(
            {
                "node_id": list(self.nodes),
                "name": list(self.nodes),
                "kind": ["node"] * len(self.nodes),
                "country": pl.Series(list(self.nodes.values()), dtype=pl.String),
                "lat": pl.Series(blank, dtype=pl.Float64),
                "lon": pl.Series(blank, dtype=pl.Float64),
            }
        )
        edges = pl.DataFrame([{"edge_id": name, **EDGE_DEFAULTS, **row} for name, row in self.edges.items()])
        edges = edges.with_columns(pl.col("capacity").cast(pl.Float64))
        markets = ["market"] if self.demand and len(self.demand[0]) == 5 else []
        frames = {
            "nodes": nodes,
            "edges": edges,
            "supply": pl.DataFrame(
                self.supply, schema=["node_id", "commodity", "quantity", "cost"], orient="row"
            ),
            "demand": pl.DataFrame(
                self.demand, schema=["node_id", "commodity", "quantity", "price", *markets], orient="row"
            ),
        }
        if self.control:
            columns = {"asset_id": pl.String, "power": pl.String, "basis": pl.String, "share": pl.Float64}
            frames["control"] = pl.DataFrame(self.control, schema=columns, orient="row")
        return frames

    def network(self) -> Network:
        """The network under test."""
        return Network.from_frames(**self.frames())

    def without(self, *edges: str) -> Spec:
        """The same without some edges."""
        return replace(self, edges={name: row for name, row in self.edges.items() if name not in edges})

    def changed(self, edge: str, **columns: Any) -> Spec:
        """The same with other numbers on one edge."""
        return replace(self, edges={**self.edges, edge: {**self.edges[edge], **columns}})


def reference_value(spec: Spec) -> float:
    """Optimal value by a dense programme, written from the words of the design, for scipy's `linprog`."""
    columns: list[tuple[float, float]] = []  # (cost to minimise, upper bound)
    balance: dict[tuple[str, str], dict[int, float]] = {}
    used: dict[str, dict[int, float]] = {}

    def put(node: str, commodity: str, amount: float) -> None:
        row = balance.setdefault((node, commodity), {})
        row[len(columns)] = row.get(len(columns), 0.0) + amount

    for name, row in spec.edges.items():
        edge = {**EDGE_DEFAULTS, **row}
        ways = [(edge["from_node"], edge["to_node"])]
        if edge["bidirectional"]:
            ways.append(ways[0][::-1])
        for commodity in edge["commodities"].split(";"):
            for start, end in ways:
                put(start, commodity, -1.0)
                put(end, commodity, 1.0 - edge["loss"])
                used.setdefault(name, {})[len(columns)] = 1.0
                columns.append((edge["cost"], np.inf))
    for node, commodity, quantity, cost in spec.supply:
        put(node, commodity, 1.0)
        columns.append((cost, quantity))
    for node, commodity, quantity, price, *_ in spec.demand:
        put(node, commodity, -1.0)
        columns.append((-price, quantity))

    def dense(rows: Sequence[Mapping[int, float]]) -> np.ndarray:
        matrix = np.zeros((len(rows), len(columns)))
        for at, row in enumerate(rows):
            for column, amount in row.items():
                matrix[at, column] = amount
        return matrix

    limited = [name for name, row in spec.edges.items() if row.get("capacity") is not None]
    found = linprog(
        [cost for cost, _ in columns],
        A_ub=dense([used[name] for name in limited]) if limited else None,
        b_ub=[spec.edges[name]["capacity"] for name in limited] if limited else None,
        A_eq=dense(list(balance.values())),
        b_eq=np.zeros(len(balance)),
        bounds=[(0.0, upper) for _, upper in columns],
    )
    assert found.status == 0, found.message
    return -float(found.fun)


def random_spec(seed: int, *, loss: bool = True, commodities: Sequence[str] = ("grain", "oil")) -> Spec:
    """A small random network with whole-number quantities: a ring (so that all is connected) and chords."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 8))
    names = [f"n{i}" for i in range(count)]
    countries = rng.choice(["AAA", "BBB", "CCC", "DDD"], count)
    edges: dict[str, dict[str, Any]] = {}
    pairs = [(i, (i + 1) % count) for i in range(count)]
    pairs += [tuple(rng.choice(count, 2, replace=False)) for _ in range(int(rng.integers(0, 9)))]
    for number, (start, end) in enumerate(pairs):
        some = rng.choice(list(commodities), int(rng.integers(1, len(commodities) + 1)), replace=False)
        edges[f"e{number:02d}"] = {
            "from_node": names[start],
            "to_node": names[end],
            "commodities": ";".join(commodities if number < count else sorted(some)),
            "capacity": None if rng.random() < 0.1 else float(rng.integers(0, 15)),
            "cost": float(rng.integers(0, 12)),
            "loss": float(rng.choice([0.0, 0.0, 0.05, 0.2])) if loss else 0.0,
            "bidirectional": bool(rng.random() < 0.3),
        }

    def sites(low: int, high: int) -> list[tuple[Any, ...]]:
        rows = []
        for commodity in commodities:
            for place in rng.choice(count, int(rng.integers(1, min(4, count))), replace=False):
                rows.append(
                    (names[place], commodity, float(rng.integers(1, 20)), float(rng.integers(low, high)))
                )
        return rows

    return Spec(dict(zip(names, countries.tolist(), strict=True)), edges, sites(0, 20), sites(20, 60))


@pytest.fixture(scope="session")
def make() -> type[Spec]:
    """`Spec`, for hand-made networks."""
    return Spec


@pytest.fixture(scope="session")
def value_by_linprog() -> Callable[[Spec], float]:
    """The second opinion."""
    return reference_value


@pytest.fixture(scope="session")
def at_random() -> Callable[..., Spec]:
    """Random networks by seed."""
    return random_spec


@pytest.fixture
def roads(make: type[Spec]) -> Spec:
    """A cheap pipe of 60, a dear one of 50 round it, a third of 5; 80 units at 1, sold for 20."""
    return make(
        {"field": None, "market": None, "third": None},
        {
            "cheap": {"from_node": "field", "to_node": "market", "capacity": 60.0, "cost": 2.0},
            "round": {"from_node": "field", "to_node": "market", "capacity": 50.0, "cost": 5.0},
            "far": {"from_node": "field", "to_node": "third", "capacity": 5.0, "cost": 1.0},
            "last": {"from_node": "third", "to_node": "market", "capacity": 5.0, "cost": 1.0},
        },
        [("field", "oil", 80.0, 1.0)],
        [("market", "oil", 100.0, 20.0)],
    )
