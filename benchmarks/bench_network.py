"""How long a re-solve takes against building the programme anew, and how long one large network takes.

    python benchmarks/bench_network.py [--quick]

The rival builds the same programme with numpy for every contingency and hands it to `scipy.optimize.linprog` (HiGHS
inside as well), by the simplex and by the interior-point method: what one would write without a warm start. All run in
one process, one after the other, so their ratio does not depend on the machine.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from betweengiants.network import Limits, Network, Programme

SMALL = (60, 180)
LARGE = (2_000, 8_000)
METHODS = ("highs-ds", "highs-ipm")
COMMODITIES = ("grain", "oil")
SEED = 20260731


def random_network(nodes: int, edges: int, seed: int = SEED) -> Network:
    """A connected network: a ring with chords, a tenth of the nodes supplying and a tenth buying each commodity."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"n{i:05d}" for i in range(nodes)])
    start = np.concatenate([np.arange(nodes), rng.integers(0, nodes, edges - nodes)])
    end = np.concatenate([(np.arange(nodes) + 1) % nodes, rng.integers(0, nodes, edges - nodes)])
    end = np.where(start == end, (end + 1) % nodes, end)
    sites = max(2, nodes // 10)

    def volumes(price: str, low: float, high: float) -> pl.DataFrame:
        parts = []
        for commodity in COMMODITIES:
            at = np.sort(rng.choice(nodes, sites, replace=False))
            amounts = {"quantity": rng.uniform(5, 50, sites), price: rng.uniform(low, high, sites)}
            parts.append(pl.DataFrame({"node_id": ids[at], "commodity": [commodity] * sites, **amounts}))
        return pl.concat(parts)

    blank = [None] * nodes
    return Network.from_frames(
        pl.DataFrame(
            {"node_id": ids, "name": ids, "kind": "node", "country": blank, "lat": blank, "lon": blank}
        ),
        pl.DataFrame(
            {
                "edge_id": [f"e{i:05d}" for i in range(edges)],
                "from_node": ids[start],
                "to_node": ids[end],
                "mode": "pipe",
                "commodities": ";".join(COMMODITIES),
                "capacity": rng.uniform(1, 40, edges).round(1),
                "cost": rng.uniform(1, 10, edges),
                "loss": np.where(rng.random(edges) < 0.2, 0.01, 0.0),
                "bidirectional": rng.random(edges) < 0.2,
                "controlled_by": "",
            }
        ),
        volumes("cost", 10, 40),
        volumes("price", 60, 120),
    )


def rebuilt(network: Network, open_edges: NDArray[np.bool_], method: str) -> float:
    """The value by a programme that is built from nothing, closed edges left out."""
    a = network.arrays
    count = a.commodity_count
    edge, commodity = np.nonzero(a.carries & open_edges[:, None])
    back = a.bidirectional[edge]
    tail = np.concatenate([a.edge_from[edge], a.edge_to[edge][back]])
    head = np.concatenate([a.edge_to[edge], a.edge_from[edge][back]])
    edge, commodity = np.concatenate([edge, edge[back]]), np.concatenate([commodity, commodity[back]])
    flows, supplies, demands = len(edge), len(a.supply_node), len(a.demand_node)
    cells = [
        tail * count + commodity,
        head * count + commodity,
        a.supply_node * count + a.supply_commodity,
        a.demand_node * count + a.demand_commodity,
    ]
    signs = [-np.ones(flows), 1 - a.loss[edge], np.ones(supplies), -np.ones(demands)]
    columns = [np.arange(flows), np.arange(flows), flows + np.arange(supplies + demands)]
    total = flows + supplies + demands
    balance = coo_array(
        (np.concatenate(signs), (np.concatenate(cells), np.concatenate(columns))),
        shape=(a.node_count * count, total),
    )
    shared = coo_array((np.ones(flows), (edge, np.arange(flows))), shape=(len(a.capacity), total))
    found = linprog(
        np.concatenate([a.cost[edge], a.supply_cost, -a.demand_price]),
        A_ub=shared.tocsr(),
        b_ub=a.capacity,
        A_eq=balance.tocsr(),
        b_eq=np.zeros(a.node_count * count),
        bounds=np.column_stack(
            [np.zeros(total), np.concatenate([np.full(flows, np.inf), a.supply_quantity, a.demand_quantity])]
        ),
        method=method,
    )
    return -float(found.fun)


def contingencies(size: tuple[int, int], most: int) -> None:
    """Close used edges one at a time; warm re-solve beside rebuild."""
    network = random_network(*size)
    programme = Programme(network)
    before = programme.optimum(network.everything)
    used = np.unique(programme.layout.flow_edge[before.flow > 0])[:most]
    whole = network.everything
    warm, gap = 0.0, 0.0
    cold = dict.fromkeys(METHODS, 0.0)
    for edge in used:
        is_open = whole.edge_open.copy()
        is_open[edge] = False
        clock = time.perf_counter()
        ours = programme.optimum(Limits(is_open, whole.supply, whole.demand), near=before).value
        warm += time.perf_counter() - clock
        for method in METHODS:
            clock = time.perf_counter()
            theirs = rebuilt(network, is_open, method)
            cold[method] += time.perf_counter() - clock
            gap = max(gap, abs(ours - theirs) / abs(theirs))
    rivals = "; ".join(
        f"rebuilt, {method} {1e3 * cold[method] / len(used):.1f} ms, ratio {cold[method] / warm:.1f}"
        for method in METHODS
    )
    print(
        f"{size[0]} nodes, {size[1]} edges, {len(used)} contingencies: warm {1e3 * warm / len(used):.2f} ms; "
        f"{rivals}; largest relative gap {gap:.1e}"
    )


def large(size: tuple[int, int]) -> None:
    """Read, build and solve one large network, with and without shadow prices."""
    clock = time.perf_counter()
    network = random_network(*size)
    read = time.perf_counter() - clock
    clock = time.perf_counter()
    programme = Programme(network)
    built = time.perf_counter() - clock
    clock = time.perf_counter()
    result = programme.solve(prices=False)
    plain = time.perf_counter() - clock
    clock = time.perf_counter()
    priced = programme.solve().edges
    prices = time.perf_counter() - clock
    binding = priced.filter(pl.col("shadow_price") > 0)["edge_id"].n_unique()
    print(
        f"{size[0]} nodes, {size[1]} edges, {len(COMMODITIES)} commodities, "
        f"{programme.layout.matrix.shape[1]} columns: "
        f"checks {read:.2f} s, build and first solve {built:.2f} s, solve again {plain:.2f} s, "
        f"with {binding} shadow prices {prices:.2f} s, residual {result.residual:.1e}"
    )


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only, a few seconds")
    quick = parser.parse_args().quick
    contingencies(SMALL, most=100)
    if not quick:
        contingencies((300, 1_200), most=60)
        contingencies(LARGE, most=3)
        large(LARGE)


if __name__ == "__main__":
    main()
