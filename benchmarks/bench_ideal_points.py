"""Ideal points of the General Assembly's whole record: time, memory, coverage by simulation, stability of ranks.

    python benchmarks/bench_ideal_points.py [VOTES] [ROLL_CALLS]

The defaults are the files of the shared sample (folder in BETWEENGIANTS_SHARED). Peers: the published series comes from a
Markov chain that its authors advise to run overnight; emIRT (R) has a fast dynamic model, but for two kinds of vote only and
without abstentions. None of them runs here, so no times of theirs are given.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from betweengiants.alignment.ideal import ideal_points
from betweengiants.alignment.ideal_draw import draw_votes
from betweengiants.alignment.votes import Votes, read_votes

SHARED = Path(os.environ.get("BETWEENGIANTS_SHARED", Path(__file__).parents[2] / "shared"))
SAMPLE = SHARED / "samples" / "unga_votes"
DESIGNS = {
    "walk 0.5, slopes 1": {},
    "walk 0.1, slopes 1": {"walk": 0.1},
    "walk 0.15, slopes 2": {"walk": 0.15, "slopes": 2.0},
    "walk 0.15, slopes 0.5": {"walk": 0.15, "slopes": 0.5},
    "walk 0.2, 30 % absent": {"walk": 0.2, "absent": 0.3},
}


def command(name: str, *words: str | Path) -> None:
    """Time and peak memory of the whole command, reading and printing included."""
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", "betweengiants", "votes", "ideal-points", *map(str, words)]
        start = time.perf_counter()
        done = subprocess.run(
            [*line, "--format", "csv", "--output", str(Path(folder) / "out.csv")],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    said = next(note for note in done.stderr.splitlines() if note.startswith("converged"))
    print(f"{name}: {seconds:.1f} s, at most {peak:.2f} GB so far; {said}")


def stability(votes: Votes, seeds: int = 3) -> None:
    """Spearman's rho within sessions after dropping a random tenth of the resolutions."""
    whole = ideal_points(votes, contested=True).frame
    rho = []
    for seed in range(seeds):
        kept = np.random.default_rng(seed).random(len(votes.resolutions)) >= 0.1
        fewer = ideal_points(votes.select(kept), contested=True).frame
        both = whole.join(fewer, on=["country", "session"], suffix="_fewer")
        rho += [
            spearmanr(rows["ideal_point"], rows["ideal_point_fewer"]).statistic
            for _, rows in both.group_by("session")
            if rows.height > 2
        ]
    low = np.quantile(rho, [0, 0.05, 0.5])
    print(
        f"a tenth of the resolutions dropped, {seeds} times: rho within sessions median {low[2]:.4f}, "
        f"5 % below {low[1]:.4f}, least {low[0]:.4f}; {np.mean(np.array(rho) >= 0.99):.0%} at 0.99 or more"
    )


def coverage(seeds: int = 3) -> None:
    """200 states, 30 sessions, 80 resolutions each: correlation within sessions and cover of 95 % intervals."""
    for name, design in DESIGNS.items():
        for seed in range(1, seeds + 1):
            drawn = draw_votes(seed, states=200, sessions=30, resolutions=80, **design)
            found = ideal_points(drawn.votes)
            frame = found.frame
            state = np.array([drawn.votes.position(label) for label in frame["country"]])
            session = frame["session"].to_numpy() - 1
            truth = drawn.positions[session, state]
            truth = (truth - truth.mean()) / truth.std()
            estimate = frame["ideal_point"].to_numpy()
            truth *= np.sign(np.corrcoef(truth, estimate)[0, 1])
            within = [np.corrcoef(truth[session == t], estimate[session == t])[0, 1] for t in range(30)]
            covered = np.abs(truth - estimate) < 1.96 * frame["se"].to_numpy()
            print(
                f"{name}, seed {seed}: r {np.mean(within):.4f} (least {min(within):.4f}), cover {covered.mean():.3f}, "
                f"ends {covered[np.abs(truth) > 1.5].mean():.3f}, {found.steps} steps"
            )


def main(votes: Path, roll_calls: Path) -> None:
    """Print everything."""
    table = read_votes(votes)
    print(f"{len(table.resolutions)} resolutions, {int((table.matrix > 0).sum())} votes cast")
    command("whole record", votes)
    command("published variances", votes, "--drift", "0.5", "--spread", "1")
    command("repeated resolutions linked", votes, "--find-links", roll_calls)
    coverage()
    stability(table)


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(*(given if len(given) == 2 else (SAMPLE / "votes.parquet", SAMPLE / "roll_calls.csv")))
