"""Speed of the alignment engine on votes of the size of the General Assembly's whole record.

    python benchmarks/bench_alignment.py            # prints one line for each case
    python -m pytest benchmarks/bench_alignment.py  # fails where a case takes longer than its limit

The votes are drawn at random with a fixed seed; limits are several times what an ordinary machine with two cores needs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.votes import Votes, read_votes

SESSIONS, PER_SESSION, STATES = 79, 83, 200


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is timed: what runs, and the longest it may take, in seconds."""

    name: str
    run: Callable[[Votes, Path], object]
    limit: float


CASES = (
    Case("read 1.3 million votes (Parquet)", lambda _, path: read_votes(path), 8.0),
    Case("4 powers with 200 states, 79 years", lambda votes, _: agreement(votes, votes.countries[:4]), 1.0),
    Case("all pairs of 200 states, 79 years", lambda votes, _: agreement(votes, votes.countries), 6.0),
)


def make_votes(folder: Path) -> Path:
    """A file of random votes: 79 sessions of 83 resolutions, 200 states, a tenth of the cells absent."""
    random = np.random.default_rng(20241123)
    resolutions = SESSIONS * PER_SESSION
    words = np.array(["absent", "yes", "abstain", "no"])
    cast = random.choice(4, (resolutions, STATES), p=[0.1, 0.7, 0.12, 0.08])
    number = np.repeat(np.arange(resolutions), STATES)
    session = number // PER_SESSION + 1
    frame = pl.DataFrame(
        {
            "resolution": number.astype(str),
            "session": session,
            "date": np.char.add((session + 1945).astype(str), "-11-01"),
            "country": np.tile([f"S{i:03d}" for i in range(STATES)], resolutions),
            "vote": words[cast.ravel()],
        }
    )
    frame.write_parquet(folder / "votes.parquet")
    return folder / "votes.parquet"


def seconds(case: Case, votes: Votes, path: Path) -> float:
    """The shorter of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        case.run(votes, path)
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Votes, Path]:
    path = make_votes(tmp_path_factory.mktemp("votes"))
    return read_votes(path), path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, made: tuple[Votes, Path]) -> None:
    assert seconds(case, *made) < case.limit


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = make_votes(Path(folder))
        votes = read_votes(path)
        for case in CASES:
            print(f"{case.name:40} {seconds(case, votes, path):7.3f} s (limit {case.limit} s)")


if __name__ == "__main__":
    main()
