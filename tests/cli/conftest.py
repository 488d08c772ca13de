"""What tests of commands share: the program in this process, its tables read back, a small network."""

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from betweengiants.cli.app import main

Run = Callable[..., tuple[int, str, str]]
NETWORK = {
    "nodes": """node_id,name,kind,country,lat,lon
field,Field,field,AAA,45,60
middle,Middle,junction,BBB,46,50
market,Market,market,CCC,47,40
""",
    "edges": """edge_id,from_node,to_node,mode,commodities,capacity,cost,loss,bidirectional,controlled_by
east,field,middle,pipeline,oil,60,1,0,false,
west,middle,market,pipeline,oil,,1,0,false,
round,field,market,rail,oil,50,5,0,false,DDD
""",
    "supply": "node_id,commodity,quantity,cost\nfield,oil,80,1\n",
    "demand": "node_id,commodity,quantity,price\nmarket,oil,100,20\n",
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the program as a shell would: exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["betweengiants", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return int(stop.value.code or 0), shown.out, shown.err

    return call


@pytest.fixture(scope="session")
def rows() -> Callable[[str], list[dict[str, str]]]:
    """Rows of a table in CSV, as text."""
    return lambda text: list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def write_network(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder with a cheap pipe of 60 through BBB and a dear one of 50 that avoids it; tables by name replace these."""

    def write(**tables: str) -> Path:
        folder = tmp_path / "network"
        folder.mkdir()
        for name, text in (NETWORK | tables).items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return folder

    return write
