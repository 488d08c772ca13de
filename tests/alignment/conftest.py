import os
from pathlib import Path

import pytest

from betweengiants.alignment.votes import Votes, read_votes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of sample data beside the repository, or in BETWEENGIANTS_SHARED."""
    folder = Path(os.environ.get("BETWEENGIANTS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no folder of shared sample data (set BETWEENGIANTS_SHARED)")
    return folder


@pytest.fixture(scope="session")
def sample(shared: Path) -> Votes:
    return read_votes(shared / "samples" / "unga_votes" / "votes.parquet")
