"""How fast the trade engine is with sectors and inputs, and how much memory the sweep of the whole world takes.

Run: python benchmarks/bench_sectors.py [--repeat 5]     (the sweep's memory needs the shared BACI sample)

Printed as JSON:

    severance_s     one severance on the dossier's matrix (22 regions, 5 sectors, inputs), by horizon, best of the repeats
    draws_s         1,000 draws of five elasticities for that severance, in one batch, by horizon
    sectors_s       one severance on a made-up world of 22 regions with more and more sectors, long run
    sweep_memory_mb all focal states of BACI against four powers: largest allocation while solving (tracemalloc), and
                    the largest resident size of a fresh process that does nothing else, in million bytes
    floor_memory_mb the same for a process that reads the matrix and solves nothing
"""

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc

import numpy as np
from bench_trade import POWERS, THETA, TOLERANCE, baci, best

from betweengiants.dossier import load_dossier
from betweengiants.position.sector_channel import sector_matrices
from betweengiants.trade import SectorMatrix, severance, solve, solve_sectors

REGIONS, DRAWS, SEED = 22, 1000, 20260731
SIZES = (1, 5, 20, 50)


def made_up(sectors):
    """Regions of unequal size and sectors with inputs from each other; nine tenths of sales stay at home."""
    rng = np.random.default_rng(SEED)
    size = rng.lognormal(0, 1, (REGIONS, sectors))
    flows = 0.01 * size[:, None, :] * size[None, :, :] * rng.lognormal(0, 0.5, (REGIONS, REGIONS, sectors))
    for i in range(REGIONS):
        flows[i, i] = 9 * (flows[i].sum(axis=0) + flows[:, i].sum(axis=0)) / 2
    mix = (flows.sum(axis=0) / flows.sum(axis=(0, 2))[:, None])[:, :, None]
    gamma = 0.4 * np.repeat(mix, sectors, axis=2)
    labels, names = (
        tuple(f"{kind}{k:02d}" for k in range(n)) for kind, n in (("r", REGIONS), ("s", sectors))
    )
    return SectorMatrix(labels, names, flows, np.full((REGIONS, sectors), 0.6), gamma)


def sweep_memory(solves):
    """The largest resident size of this process after the sweep (or without it), and of the solver's own arrays."""
    matrix = baci()
    cases = [severance([(f, p)]) for f in matrix.labels for p in POWERS if f != p]
    if solves == "traced":
        tracemalloc.start()
        solve(matrix, cases, THETA, tolerance=TOLERANCE)
        return tracemalloc.get_traced_memory()[1] / 1e6
    if solves == "solved":
        solve(matrix, cases, THETA, tolerance=TOLERANCE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def alone(solves):
    done = subprocess.run(
        [sys.executable, __file__, "--memory", solves], capture_output=True, text=True, check=True
    )
    return round(float(done.stdout))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--memory", choices=("traced", "solved", "idle"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(sweep_memory(given.memory))
        return
    matrix = sector_matrices(load_dossier())["sectors_inputs"]
    case = severance([("KAZ", "RUS")])
    theta = {"long": 4.0, "short": 1.5}
    rng = np.random.default_rng(SEED)
    report = {"severance_s": {}, "draws_s": {}, "draws_unsolved": {}, "sectors_s": {}}
    for horizon, centre in theta.items():
        seconds, _ = best(given.repeat, lambda h=horizon, t=centre: solve_sectors(matrix, case, t, horizon=h))
        report["severance_s"][horizon] = round(seconds, 4)
        draws = centre * rng.lognormal(0, 0.3, (DRAWS, len(matrix.sectors)))
        seconds, found = best(
            1, lambda h=horizon, t=draws: solve_sectors(matrix, case, t, horizon=h, on_failure="mark")
        )
        report["draws_s"][horizon] = round(seconds, 2)
        report["draws_unsolved"][horizon] = sum(problem is not None for problem in found.problems)
    for count in SIZES:
        world = made_up(count)
        pair = severance([world.labels[:2]])
        seconds, _ = best(given.repeat, lambda w=world, c=pair: solve_sectors(w, c, 4.0))
        report["sectors_s"][count] = round(seconds, 4)
    report["sweep_memory_mb"] = {"allocated": alone("traced"), "resident": alone("solved")}
    report["floor_memory_mb"] = {"resident": alone("idle")}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
