"""Small problems whose frontier can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from betweengiants.core.intervals import Interval
from betweengiants.network import Network
from betweengiants.strategy import Finance, Option, Problem

MakeProblem = Callable[..., Problem]
MakeOption = Callable[..., Option]

NODES = {"field": "KAZ", "foreign-field": "TKM", "risky-port": "RUS", "safe-port": "AZE", "market": "WLD"}


def point(value: float) -> Interval:
    return Interval(value, value, value)


def make_option(option_id: str, edges: str | Sequence[str], capex: float, **more: Any) -> Option:
    return Option(
        option_id=option_id,
        name=option_id.title(),
        edges=(edges,) if isinstance(edges, str) else tuple(edges),
        adds=more.get("adds", 1.0),
        capex=Interval(capex, more.get("low", capex), more.get("high", capex)),
        max_units=more.get("most", 5.0),
        lead_years=None,
        evidence="estimate",
        sources=("test",),
    )


def edge_rows() -> list[dict[str, Any]]:
    """Ten units leave by Russia for nothing; two may leave by Azerbaijan at 10 a unit; a third way is planned."""
    defaults = {
        "mode": "pipeline",
        "commodities": "oil",
        "loss": 0.0,
        "bidirectional": False,
        "status": "operating",
    }
    rows = [
        ("risky", "field", "risky-port", 10.0, 0.0, {}),
        ("risky-sea", "risky-port", "market", 10.0, 0.0, {}),
        ("safe", "field", "safe-port", 2.0, 10.0, {}),
        ("safe-sea", "safe-port", "market", 20.0, 0.0, {}),
        ("new", "field", "market", 99.0, 20.0, {"status": "planned"}),
    ]
    return [
        {
            **defaults,
            "edge_id": name,
            "from_node": start,
            "to_node": end,
            "capacity": capacity,
            "cost": cost,
            **more,
        }
        for name, start, end, capacity, cost, more in rows
    ]


def make_problem(
    *options: Option,
    edges: list[dict[str, Any]] | None = None,
    control: Sequence[tuple[str, str, str, float | None]] = (),
    supply: Sequence[tuple[str, str, float, float]] = (("field", "oil", 10.0, 0.0),),
    demand: Sequence[tuple[str, str, float, float]] = (("market", "oil", 10.0, 100.0),),
    coalitions: Sequence[Sequence[str]] = (("RUS",), ("AZE",)),
    rate: Interval | None = None,
    life: Interval | None = None,
) -> Problem:
    nodes = pl.DataFrame(
        {
            "node_id": list(NODES),
            "name": list(NODES),
            "kind": ["node"] * len(NODES),
            "country": list(NODES.values()),
            "lat": [0.0] * len(NODES),
            "lon": [0.0] * len(NODES),
        }
    )
    keys = ["node_id", "commodity", "quantity"]
    supplied = pl.DataFrame(list(supply), schema=[*keys, "cost"], orient="row")
    wanted = pl.DataFrame(list(demand), schema=[*keys, "price"], orient="row")
    rows = [*control, ("safe", "AZE", "territory", None)]
    held = pl.DataFrame(
        rows,
        schema={"asset_id": pl.String, "power": pl.String, "basis": pl.String, "share": pl.Float64},
        orient="row",
    )
    return Problem(
        edges=pl.DataFrame(edges or edge_rows(), schema_overrides={"capacity": pl.Float64}),
        build=lambda changed: Network.from_frames(nodes, changed, supplied, wanted, control=held),
        options=tuple(sorted(options, key=lambda option: option.option_id)),
        finance=Finance(rate or point(0.0), life or point(10.0)),
        own=("oil",),
        coalitions=tuple(tuple(group) for group in coalitions),
    )


@pytest.fixture
def option() -> MakeOption:
    return make_option


@pytest.fixture
def problem() -> MakeProblem:
    return make_problem


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return edge_rows()
