"""Reading options: what is taken, and one sentence for what is not."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.strategy import read_options

EDGES = pl.DataFrame(
    {
        "edge_id": ["pipe", "line", "open", "gas-pipe"],
        "commodities": ["oil", "oil;gas", "oil", "gas"],
        "capacity": [5.0, None, None, 3.0],
        "status": ["operating", "planned", "operating", "operating"],
    }
)
GOOD: dict[str, Any] = {
    "option_id": "o1",
    "name": "Option",
    "edge_id": "pipe; line",
    "adds_capacity": 2.0,
    "capex_usd_m": 10.0,
    "capex_low": None,
    "capex_high": 30.0,
    "lead_years": None,
    "max_units": 1.5,
    "evidence": "estimate",
    "source_id": "a;b",
}


def table(**changes: Any) -> pl.DataFrame:
    """A first row that is right and a second one with changes."""
    return pl.DataFrame(
        [GOOD, {**GOOD, "option_id": "o0", **changes}],
        schema_overrides={"capex_low": pl.Float64, "lead_years": pl.Float64},
    )


def test_read() -> None:
    options = read_options(table(lead_years=3.0), EDGES, ("oil",))
    assert [option.option_id for option in options] == ["o0", "o1"]
    assert options[1].edges == ("pipe", "line")
    assert (options[1].capex.low, options[1].capex.value, options[1].capex.high) == (10, 10, 30)
    assert (options[0].lead_years, options[1].lead_years) == (3, None)
    assert options[0].sources == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"adds_capacity": 0.0}, "adds_capacity", "above zero"),
        ({"adds_capacity": float("inf")}, "adds_capacity", "finite"),
        ({"max_units": -1.0}, "max_units", "above zero"),
        ({"capex_usd_m": -1.0}, "capex_usd_m", "zero or more"),
        ({"capex_low": 11.0}, "capex_low", "at most capex_usd_m"),
        ({"capex_high": 9.0}, "capex_high", "at least capex_usd_m"),
        ({"edge_id": "pip"}, "edge_id", "did you mean pipe"),
        ({"edge_id": "gas-pipe"}, "edge_id", "edges that carry oil"),
        ({"edge_id": "open"}, "edge_id", "edges with a capacity"),
        ({"edge_id": None}, "edge_id", "empty cell"),
    ],
)
def test_refused(changes: dict[str, Any], column: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        read_options(table(**changes), EDGES, ("oil",), name="my-options.csv")
    assert (raised.value.file, raised.value.row, raised.value.column) == ("my-options.csv", 3, column)


def test_refused_twice_and_missing() -> None:
    with pytest.raises(DataError, match="second row for option_id=o1"):
        read_options(table(option_id="o1"), EDGES, ("oil",))
    with pytest.raises(DataError, match="no column 'adds_capacity'"):
        read_options(table().drop("adds_capacity"), EDGES, ("oil",))
    with pytest.raises(UnknownLabel):
        read_options(table(edge_id="nowhere"), EDGES, ("oil",))
