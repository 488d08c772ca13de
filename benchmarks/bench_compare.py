"""Speed of `compare` for six states on the world of 194 economies and all votes of the General Assembly.

    python benchmarks/bench_compare.py            # prints one line for each case
    python -m pytest benchmarks/bench_compare.py  # fails where a case takes longer than its limit

Needs the sample data (folder `shared` beside the repository, or BETWEENGIANTS_SHARED). Each case is a whole run of the program,
start included. Limits are several times what an ordinary machine with two cores needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("BETWEENGIANTS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
TRADE, VOTES = SHARED / "samples" / "cepii_baci_2023_totals", SHARED / "samples" / "unga_votes"
SIX = ("KAZ", "UZB", "KGZ", "AZE", "SRB", "VNM")
OWN = (
    "--flows",
    TRADE / "baci_hs22_v202501_2023_country_pairs.parquet",
    "--gdp",
    TRADE / "countries_gdp.csv",
    "--votes",
    VOTES / "votes.parquet",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One run: its arguments, and the longest it may take, in seconds."""

    name: str
    words: tuple[object, ...]
    limit: float


CASES = (
    Case("six states, 22 regions of the dossier", SIX, 15.0),
    Case("six states, 194 economies, all votes", (*SIX, *OWN), 30.0),
    Case(
        "the same with unrecorded pairs filled",
        (*SIX, *OWN, "--fill", TRADE / "unrecorded_pairs_gravity_imputation.csv"),
        30.0,
    ),
    Case("the same, Kazakhstan with its roads", ("kazakhstan", *SIX[1:], *OWN), 60.0),
)


def seconds(case: Case) -> float:
    """The shorter of two runs."""
    times = []
    with tempfile.TemporaryDirectory() as store:
        for _ in range(2):
            start = time.perf_counter()
            words = [sys.executable, "-m", "betweengiants", "compare", *map(str, case.words)]
            done = subprocess.run(
                words,
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"BETWEENGIANTS_STORE": store},
            )
            times.append(time.perf_counter() - start)
            assert done.returncode == 0, done.stderr
    return min(times)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    if not (TRADE.is_dir() and VOTES.is_dir()):
        pytest.skip("no folder of shared sample data (set BETWEENGIANTS_SHARED)")
    assert seconds(case) < case.limit


def main() -> None:
    for case in CASES:
        print(f"{case.name:42} {seconds(case):7.2f} s (limit {case.limit:g} s)")


if __name__ == "__main__":
    main()
