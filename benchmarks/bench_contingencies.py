"""Closing every pair of edges, beside the same programmes built and solved one by one with linopy and PyPSA; one large solve.

Run: python benchmarks/bench_contingencies.py [--quick] [--sample 40]
     (pip install linopy pypsa highspy into the same environment for the peers; one that is missing is skipped by name)

The network is made up: 70 nodes, 200 edges with losses, capacities shared by two commodities, a fifth of the edges both
ways. Peers get the network without the closed edges and build their model with whole-array operations, as their manuals
advise; HiGHS solves through the direct interface, output off. PyPSA builds its linopy model, which is solved as such:
what it computes after a solve takes longer still and is left out. All in one run. Printed as JSON:

    sweep_s            every pair of the 200 edges, everything included, by number of jobs
    pairs, solved      rows of that table, and how many closures had to be solved for it (the rest is proved; see the docs)
    larger             the same for a network of 150 nodes and 450 edges
    dossier            the same for the built-in dossier's network, all its systems together
    ours_ms            one pair of the sample of those that had to be solved: new bounds, warm re-solve, checks
    peer_ms            building the model, and building and solving it, median over the sample, by peer
    ratio_per_solve    peer_ms / ours_ms, both solving
    ratio_per_pair     peer_ms / (sweep_s with one job / pairs): what the whole table gains
    largest_gap        largest difference of values, relative
    interdict_s        the worst set of three edges of the 200, by value, proved
    large              5,000 nodes and 20,000 edges, one commodity and two: seconds to build and solve, and to solve again
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import platform
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations

import bench_network
import numpy as np

from betweengiants.network import (
    Network,
    Programme,
    ProgrammePool,
    close_edges,
    edge_contingencies,
    interdict,
)

SIZE, LARGER, LARGE = (70, 200), (150, 450), (5_000, 20_000)
JOBS = (1, 2)
SEED = 20260731


class Columns:
    """The programme of a network as long lists, for both peers: who enters where, what arrives, at which cost."""

    def __init__(self, network, closed):
        numbers, ids = network.arrays, network.edges["edge_id"].to_list()
        is_open = np.ones(len(ids), bool)
        is_open[[network.edge_index[edge] for edge in closed]] = False
        edge, commodity = np.nonzero(numbers.carries & is_open[:, None])
        back = numbers.bidirectional[edge]
        self.edge = np.concatenate([edge, edge[back]])
        self.commodity = np.concatenate([commodity, commodity[back]])
        count = numbers.commodity_count
        self.tail = (
            np.concatenate([numbers.edge_from[edge], numbers.edge_to[edge][back]]) * count + self.commodity
        )
        self.head = (
            np.concatenate([numbers.edge_to[edge], numbers.edge_from[edge][back]]) * count + self.commodity
        )
        self.kept, self.cost = 1.0 - numbers.loss[self.edge], numbers.cost[self.edge]
        self.supply_at = numbers.supply_node * count + numbers.supply_commodity
        self.demand_at = numbers.demand_node * count + numbers.demand_commodity
        self.capacity = numbers.capacity
        self.cells = numbers.node_count * count
        self.numbers = numbers


def linopy_model(network, closed):
    """One variable for all flows, supplies and deliveries; balances and capacities as grouped sums."""
    import linopy
    import pandas as pd
    import xarray as xr

    c = Columns(network, closed)
    n = c.numbers
    flows, supplies, demands = len(c.edge), len(c.supply_at), len(c.demand_at)
    model = linopy.Model()
    upper = np.concatenate([np.full(flows, np.inf), n.supply_quantity, n.demand_quantity])
    index = pd.RangeIndex(len(upper), name="column")
    x = model.add_variables(lower=0.0, upper=xr.DataArray(upper, coords=[index]), name="x")
    column = np.concatenate([np.arange(flows), np.arange(flows), flows + np.arange(supplies + demands)])
    entry = pd.RangeIndex(len(column), name="entry")
    share = np.concatenate([-np.ones(flows), c.kept, np.ones(supplies), -np.ones(demands)])
    place = np.concatenate([c.tail, c.head, c.supply_at, c.demand_at])
    moved = x.isel(column=xr.DataArray(column, coords=[entry])) * xr.DataArray(share, coords=[entry])
    model.add_constraints(
        moved.groupby(xr.DataArray(place, coords=[entry], name="cell")).sum() == 0, name="b"
    )
    used = (
        x.isel(column=slice(0, flows))
        .groupby(xr.DataArray(c.edge, coords=[index[:flows]], name="edge"))
        .sum()
    )
    limits = pd.Series(c.capacity[np.unique(c.edge)], index=pd.Index(np.unique(c.edge), name="edge"))
    model.add_constraints(used <= limits.to_xarray(), name="u")
    cost = np.concatenate([c.cost, n.supply_cost, -n.demand_price])
    model.add_objective((x * xr.DataArray(cost, coords=[index])).sum())
    return model


def pypsa_model(network, closed):
    """A bus for every commodity at every node, a link for every way; the shared capacities are one grouped constraint."""
    import pandas as pd
    import pypsa

    c = Columns(network, closed)
    n = c.numbers
    model = pypsa.Network()
    buses = pd.Index([f"b{k}" for k in range(c.cells)])
    links = pd.Index([f"l{k}" for k in range(len(c.edge))])
    model.add("Bus", buses)
    model.add(
        "Link",
        links,
        bus0=buses[c.tail],
        bus1=buses[c.head],
        efficiency=c.kept,
        marginal_cost=c.cost,
        p_nom=c.capacity[c.edge],
    )
    model.add(
        "Generator",
        [f"s{k}" for k in range(len(c.supply_at))],
        bus=buses[c.supply_at],
        p_nom=n.supply_quantity,
        marginal_cost=n.supply_cost,
    )
    # A buyer is a generator that takes: negative sign, paid its price.
    model.add(
        "Generator",
        [f"d{k}" for k in range(len(c.demand_at))],
        bus=buses[c.demand_at],
        sign=-1.0,
        p_nom=n.demand_quantity,
        marginal_cost=-n.demand_price,
    )
    model.optimize.create_model()
    flow = model.model.variables["Link-p"].isel(snapshot=0)
    edge_of = pd.Series(c.edge, index=links, name="edge")
    group = edge_of.loc[flow.indexes["name"]].rename_axis("name").to_xarray()
    limits = pd.Series(c.capacity[np.unique(c.edge)], index=pd.Index(np.unique(c.edge), name="edge"))
    model.model.add_constraints(flow.groupby(group).sum() <= limits.to_xarray(), name="shared")
    return model.model


def linopy_value(model):
    """Solve a model of linopy, or of PyPSA, which uses it."""
    model.solve(solver_name="highs", io_api="direct", output_flag=False)
    return -float(model.objective.value)


PEERS = {"linopy": linopy_model, "pypsa": pypsa_model}


@contextlib.contextmanager
def silence():
    """Nothing on standard output, not even from the solver's own library (its banner would spoil the JSON)."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def timed(work):
    clock = time.perf_counter()
    result = work()
    return time.perf_counter() - clock, result


def sweep(network, jobs):
    """Seconds for the table of all pairs, from the network on, and how many closures were solved for it."""
    solved = {}

    def work():
        with ProgrammePool(network, jobs, small=0) as pool:
            return edge_contingencies(
                network,
                2,
                executor=pool if jobs > 1 else None,
                progress=lambda done, total: solved.update({total: done}),
            )

    seconds, table = timed(work)
    return seconds, table, sum(solved.values())


def all_pairs(network):
    """The sweep by number of jobs, which must not change the table."""
    sweeps = {jobs: sweep(network, jobs) for jobs in JOBS}
    _, table, solved = sweeps[1]
    assert all(other.equals(table) for _, other, _ in sweeps.values())
    return {
        "edges": network.edges.height,
        "pairs": table.height,
        "solved": solved,
        "sweep_s": {str(jobs): round(seconds, 2) for jobs, (seconds, _, _) in sweeps.items()},
    }


def sampled(network, count):
    """Pairs of which each edge carries something when the other is closed: those that had to be solved."""
    programme = Programme(network)
    used = {(): carrying(programme, ())}
    for edge in used[()]:
        used[edge,] = carrying(programme, (edge,))
    pairs = [
        pair
        for pair in combinations(sorted(used[()]), 2)
        if pair[1] in used[pair[:1]] and pair[0] in used[pair[1:]]
    ]
    rng = np.random.default_rng(SEED)
    return [pairs[k] for k in rng.choice(len(pairs), min(count, len(pairs)), replace=False)]


def carrying(programme, closed):
    network = programme.network
    flow = programme.optimum(close_edges(network, closed)).flow
    return {network.edges["edge_id"][int(edge)] for edge in np.unique(programme.layout.flow_edge[flow > 0])}


def beside_peers(network, pairs, pair_s):
    """Times and values of a sample of pairs, ours and theirs."""
    programme = Programme(network)
    before = programme.optimum(network.everything)
    runs = [
        timed(lambda pair=pair: programme.optimum(close_edges(network, pair), near=before).value)
        for pair in pairs
    ]
    ours_ms = 1e3 * float(np.median([seconds for seconds, _ in runs]))
    report = {"sample": len(pairs), "ours_ms": round(ours_ms, 3), "peers": {}}
    for peer, build in PEERS.items():
        try:
            found = version(peer)
        except PackageNotFoundError:
            report["peers"][peer] = f"skipped: {peer} is not installed (pip install {peer})"
            continue
        built_ms, total_ms, gaps = [], [], []
        for number, (pair, (_, ours)) in enumerate(zip(pairs[:1] + pairs, runs[:1] + runs, strict=True)):
            with silence():
                building, model = timed(lambda pair=pair, build=build: build(network, pair))
                solving, theirs = timed(lambda model=model: linopy_value(model))
            gaps.append(abs(theirs - ours) / abs(ours))
            if number:  # the first one imports
                built_ms.append(1e3 * building)
                total_ms.append(1e3 * (building + solving))
        peer_ms = float(np.median(total_ms))
        report["peers"][peer] = {
            "version": found,
            "peer_build_ms": round(float(np.median(built_ms)), 1),
            "peer_ms": round(peer_ms, 1),
            "ratio_per_solve": round(peer_ms / ours_ms, 1),
            "ratio_per_pair": round(peer_ms / (1e3 * pair_s), 1),
            "largest_gap": float(max(gaps)),
        }
    return report


def dossier_network():
    """All transport systems of the built-in dossier as one network."""
    from betweengiants.dossier import load_dossier

    tables = load_dossier("kazakhstan").tables
    frames = {name.removeprefix("network_"): frame for name, frame in tables.items()}
    named = ("nodes", "edges", "supply", "demand", "control", "commodities", "conversions")
    return Network.from_frames(**{name: frames[name] for name in named})


def large(size, commodities):
    """One large network: checks, building with the first solve, solving again."""
    bench_network.COMMODITIES = commodities
    checks, network = timed(lambda: bench_network.random_network(*size))
    build, programme = timed(lambda: Programme(network))
    again, flow = timed(lambda: programme.optimum(network.everything))
    return {
        "columns": programme.layout.matrix.shape[1],
        "checks_s": round(checks, 2),
        "build_and_solve_s": round(build, 2),
        "again_s": round(again, 3),
        "residual": flow.residual,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=40, help="pairs for the peers")
    parser.add_argument("--quick", action="store_true", help="no large network, few pairs")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    network = bench_network.random_network(*SIZE)
    swept = all_pairs(network)
    pair_s = swept["sweep_s"]["1"] / swept["pairs"]
    report = {
        "python": platform.python_version(),
        "highspy": version("highspy"),
        "cores": os.cpu_count(),
        **swept,
        "dossier": all_pairs(dossier_network()),
        **beside_peers(network, sampled(network, 5 if options.quick else options.sample), pair_s),
    }
    seconds, found = timed(lambda: interdict(network, 3, sets=1))
    report["interdict_s"] = {"seconds": round(seconds, 1), "status": found.status.value}
    if not options.quick:
        report["larger"] = all_pairs(bench_network.random_network(*LARGER))
        report["large"] = {str(k): large(LARGE, ("grain", "oil")[:k]) for k in (1, 2)}
    if hasattr(os, "getloadavg"):
        report["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    sys.exit(main())
