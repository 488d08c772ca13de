"""Speed of the whole position: without draws, with draws, and one coupled equilibrium beside general-purpose solvers.

    python benchmarks/bench_position.py [--draws 1000]

Two parts. First whole runs of the program, start included, in a fresh cache: `position --draws 0`, `position --draws N`
with all cores, and the same once more with the draws kept. Then, in one process and one run, the equilibria of every
coalition and channel in both horizons: our batch, our Newton steps one by one, and `scipy.optimize.root` (MINPACK's hybrid
method, derivatives by differences) on the same residuals from the same start. No package that we know couples a trade
model with a transport network, so the peers are solvers, not models.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import root

from betweengiants.dossier import load_dossier
from betweengiants.position.coupled import World, worlds
from betweengiants.trade import sector_solver
from betweengiants.trade.sector_batch import solve_block
from betweengiants.trade.sector_kernel import Block, evaluate
from betweengiants.trade.sector_newton import iterate

TOLERANCE, ITERATIONS = 1e-10, 200
MOST_FOR_PEER = 12
"""Equilibria that the general solver is given: it takes seconds for each."""


def run(*words: str, cache: str) -> float:
    """Seconds of one run of the program."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "betweengiants", "position", *words, "--format", "json"],
        check=True,
        capture_output=True,
        env=os.environ | {"BETWEENGIANTS_CACHE": cache},
    )
    return time.perf_counter() - start


def programs(draws: int) -> None:
    """Whole runs."""
    with tempfile.TemporaryDirectory() as cache:
        print(f"position --draws 0: {run('--draws', '0', cache=cache):.1f} s")
        first = run("--draws", str(draws), cache=cache)
        print(f"position --draws {draws}: {first:.1f} s on {os.cpu_count()} cores, nothing kept")
        print(f"the same with draws kept: {run('--draws', str(draws), cache=cache):.1f} s")


def blocks_of(world: World) -> list[Block]:
    """What the solver gets for every coalition and switch of one horizon."""
    found: list[Block] = []

    def recorded(block: Block, tolerance: float, most: int):
        found.append(block)
        return solve_block(block, tolerance, most)

    scenarios = [world.scenario(group, on) for group, on in world.settings()]
    sector_solver.solve_block = recorded
    try:
        world.solve(scenarios)
    finally:
        sector_solver.solve_block = solve_block
    return found


def general(block: Block) -> tuple[float, float]:
    """Seconds and largest residual of scipy's root finder for one scenario."""
    shape = block.alive.shape

    def gap(x: np.ndarray) -> np.ndarray:
        return evaluate(block, x.reshape(shape)).gap.ravel()

    start = time.perf_counter()
    with np.errstate(all="ignore"):
        found = root(gap, np.zeros(block.alive.size), method="hybr", options={"xtol": TOLERANCE})
    return time.perf_counter() - start, float(evaluate(block, found.x.reshape(shape)).residual.max())


def equilibria() -> None:
    """One batch, Newton steps one by one, and the general solver."""
    for horizon, world in worlds(load_dossier()).items():
        blocks = [block for block in blocks_of(world) if block.alive.all()]
        count = sum(block.free.shape[0] for block in blocks)
        start = time.perf_counter()
        for block in blocks:
            solve_block(block, TOLERANCE, ITERATIONS)
        batch = (time.perf_counter() - start) / count
        singles = [block.take(np.array([k])) for block in blocks for k in range(block.free.shape[0])]
        start = time.perf_counter()
        for single in singles:
            iterate(single, TOLERANCE, ITERATIONS)
        newton = (time.perf_counter() - start) / count
        picked = singles[:: max(1, count // MOST_FOR_PEER)][:MOST_FOR_PEER]
        taken, left = zip(*map(general, picked), strict=True)
        solved = sum(residual <= 1e-6 for residual in left)
        print(
            f"{horizon}: {count} coupled equilibria, in a batch {1e3 * batch:.1f} ms each; Newton steps one by one "
            f"{newton / batch:.1f} times slower; scipy.optimize.root {np.mean(taken) / batch:.0f} times slower "
            f"({solved} of {len(picked)} solved to 1e-6)"
        )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--draws", type=int, default=1000)
    equilibria()
    programs(asked.parse_args().draws)
