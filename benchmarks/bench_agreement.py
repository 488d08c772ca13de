"""Agreement, S, kappa and pi with standard errors for every pair of states and every year, beside peers.

Run: python benchmarks/bench_agreement.py [VOTES] [--sample 400]
     (pip install scikit-learn statsmodels into the same environment for the peers; one that is missing is skipped
     by name)

VOTES has the layout `resolution,session,date,country,vote`; without it votes of the size of the General Assembly's
whole record are drawn at random (see bench_alignment.py). The peers take one pair and year at a time, as their
functions do; they get the two vectors of votes of that year ready-made, so that dropping absences and the measures
are timed, on a sample of pairs and years, and the whole table is their median times its rows. The usual programs of
the field are in R (fpsim: one pair at a time; peacesciencer: a table made beforehand, to three digits) and are not
run here. Printed as JSON:

    command_s      the whole command in a process of its own: start, reading, all pairs once, errors, writing Parquet
    peak_mb        largest resident size of that process
    read_s         reading the file; pairs_s: all pairs once, with errors; rows: how many
    peers          by peer: ms for one pair and year (median), seconds for the whole table, times slower than pairs_s,
                   largest gap in what it computes
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
from bench_alignment import make_votes

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.votes import Votes, read_votes

LEVELS = np.array([1, 2, 3])
LINEAR = np.abs(LEVELS[:, None] - LEVELS[None, :])
# What a peer gives of one pair and year, in columns of our table.
Peer = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def one_at_a_time(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Agreement, S, kappa and pi from one joint table in numpy, the way a function of two vectors does it."""
    table = np.zeros((3, 3))
    np.add.at(table, (x - 1, y - 1), 1)
    share = table / x.size
    p, q = share.sum(axis=1), share.sum(axis=0)
    m, mean = (p + q) / 2, (share * LINEAR).sum()
    return {
        "agreement": 1 - mean / 2,
        "s_score": 1 - mean,
        "kappa": 1 - mean / (p @ LINEAR @ q),
        "pi": 1 - mean / (m @ LINEAR @ m),
    }


def scikit_learn(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """kappa alone."""
    score = import_module("sklearn.metrics").cohen_kappa_score
    return {"kappa": score(x, y, labels=LEVELS, weights="linear")}


def statsmodels(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """kappa and its standard error (Fleiss, Cohen & Everitt 1969; its n is our n - 1)."""
    kappa = import_module("statsmodels.stats.inter_rater").cohens_kappa
    table = np.zeros((3, 3))
    np.add.at(table, (x - 1, y - 1), 1)
    found = kappa(table, wt="linear")
    return {"kappa": found.kappa, "kappa_se": found.std_kappa * np.sqrt(x.size / (x.size - 1))}


PEERS: dict[str, tuple[str | None, Peer]] = {
    "numpy, one pair at a time": (None, one_at_a_time),
    "scikit-learn cohen_kappa_score": ("sklearn", scikit_learn),
    "statsmodels cohens_kappa": ("statsmodels", statsmodels),
}


def command(path: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of the command in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["votes", "agreement", str(path), "--all-pairs", "--errors"]
        words += ["--format", "parquet", "--output", str(Path(folder) / "pairs.parquet")]
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "betweengiants", *words], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def compared(name: str, votes: Votes, table, size: int) -> dict[str, object]:
    """One peer on a random sample of rows in which the two chance-corrected scores are defined."""
    module, peer = PEERS[name]
    try:
        found = version({"sklearn": "scikit-learn"}.get(module, module)) if module else None
    except ImportError:
        return {"skipped": f"{module} is not installed"}
    rows = table.drop_nulls().filter(table.drop_nulls()["n"] > 10).sample(size, seed=1).to_dicts()
    times, gaps = [], []
    for row in rows:
        of_year = votes.matrix[votes.years == row["year"]]
        x, y = (of_year[:, votes.position(row[side])] for side in ("country", "power"))
        x, y = x.astype(int), y.astype(int)
        start = time.perf_counter()
        both = (x > 0) & (y > 0)
        with warnings.catch_warnings():  # statsmodels divides by a variance of zero where both always agree
            warnings.simplefilter("ignore")
            theirs = peer(x[both], y[both])
        times.append(time.perf_counter() - start)
        gaps.append(max(abs(theirs[measure] - row[measure]) for measure in theirs))
    each = statistics.median(times)
    return {
        "version": found,
        "measures": sorted(theirs),
        "each_ms": 1e3 * each,
        "whole_table_s": each * table.height,
        "largest_gap": max(gaps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("votes", type=Path, nargs="?", help="file of votes (default: made up)")
    parser.add_argument("--sample", type=int, default=400, help="rows on which the peers are timed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.votes or make_votes(Path(folder))
        start = time.perf_counter()
        votes = read_votes(path)
        read = time.perf_counter() - start
        start = time.perf_counter()
        table = agreement(votes, None)
        pairs = time.perf_counter() - start
        runs = [command(path) for _ in range(2)]
        result = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}",
            "shape": f"{votes.matrix.shape[0]} resolutions, {votes.matrix.shape[1]} states",
            "rows": table.height,
            "command_s": min(seconds for seconds, _ in runs),
            "peak_mb": runs[0][1],
            "read_s": read,
            "pairs_s": pairs,
            "peers": {name: compared(name, votes, table, arguments.sample) for name in PEERS},
        }
        for found in result["peers"].values():
            if "whole_table_s" in found:
                found["times_slower"] = found["whole_table_s"] / pairs
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
