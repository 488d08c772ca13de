"""Single closures: the programme asked directly, nothing lost where nothing flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from betweengiants.network import Network, Programme, solve
from betweengiants.position import Position
from betweengiants.position.chokepoints import single_closures
from betweengiants.position.own_goods import Own
from betweengiants.position.systems import system_tables

OWN = ("crude-kaz",)


def own_of(network: Network) -> Own:
    rows = network.demand["commodity"].is_in(list(OWN)).to_numpy()
    return Own(rows, OWN, np.ones(len(rows)), np.zeros(len(rows), dtype=np.bool_), rows)


@pytest.fixture(scope="module")
def network(position: Position) -> Network:
    assert position.oil is not None
    return position.oil.network


@pytest.fixture(scope="module")
def losses(network: Network) -> pl.DataFrame:
    return single_closures(network, own_of(network))


def without(network: Network, edge: str):
    still_open = np.ones(network.edges.height, dtype=np.bool_)
    still_open[network.edge_index[edge]] = False
    return replace(network.everything, edge_open=still_open)


def test_every_operating_edge_is_closed_once(network: Network, losses: pl.DataFrame) -> None:
    parts = ("", "_exports", "_imports", "_home")
    assert losses.columns == ["edge_id", *(f"lost{p}{unit}" for unit in ("", "_usd_m") for p in parts)]
    assert sorted(losses["edge_id"]) == network.edges["edge_id"].to_list()
    assert losses.select("lost", "lost_usd_m").null_count().row(0) == (0, 0)


def test_largest_loss_first(losses: pl.DataFrame) -> None:
    tonnes = losses["lost"].to_list()
    assert tonnes == sorted(tonnes, reverse=True)
    assert tonnes[0] > 50
    assert losses["lost_exports"].to_list() == pytest.approx(tonnes)
    assert losses["lost_imports"].abs().max() == 0
    keys = [(-t, -v, e) for e, t, v in losses.select("edge_id", "lost", "lost_usd_m").rows()]
    assert keys == sorted(keys)


def test_an_edge_that_carries_nothing_can_be_closed(network: Network, losses: pl.DataFrame) -> None:
    edges = solve(network).edges
    used = set(edges.filter(pl.col("flow").abs() > 1e-6)["edge_id"])
    idle = losses.filter(~pl.col("edge_id").is_in(list(used)))
    assert idle.height > 0
    assert idle.select(pl.col("lost", "lost_usd_m").abs().max()).row(0) == (0, 0)


def test_it_is_what_the_programme_says(network: Network, losses: pl.DataFrame) -> None:
    """Ten edges from the top and ten others, each asked of a programme that was never solved before."""
    rows = [*losses.head(10).rows(), *losses.tail(losses.height - 10).sample(10, seed=1).rows()]

    def delivered(result) -> tuple[float, float]:
        own = result.delivered.filter(pl.col("commodity").is_in(OWN))
        return own["quantity"].sum(), own["value"].sum()

    tonnes, value = delivered(solve(network))
    for edge, lost, worth in (row[:2] + row[5:6] for row in rows):
        left, left_value = delivered(Programme(network).solve(without(network, edge)))
        assert lost == pytest.approx(tonnes - left, abs=1e-5), edge
        assert worth == pytest.approx(value - left_value, rel=1e-6, abs=1e-2), edge


def test_a_closure_never_helps_and_never_takes_more_than_there_is(
    position: Position, losses: pl.DataFrame
) -> None:
    assert position.oil is not None
    assert losses["lost"].min() >= 0
    assert losses["lost_usd_m"].min() >= 0
    assert losses["lost"].max() <= position.oil.total_before + 1e-6


def test_no_single_link_outweighs_the_powers_that_can_close_it(
    position: Position, losses: pl.DataFrame
) -> None:
    """Whoever closes an edge closes at least that edge."""
    assert position.oil is not None
    by_edge = {row["edge_id"]: row["lost"] for row in losses.to_dicts()}
    for name, case in position.oil.cases.items():
        lost = position.number("oil_transit", "lost_million_t", *name.split("+")).value
        for edge in case.closed.filter(pl.col("asset") == "edge")["asset_id"]:
            assert by_edge[edge] <= lost + 1e-6, (name, edge)


def test_the_moorings_of_the_caspian_pipeline_are_the_chokepoint(losses: pl.DataFrame) -> None:
    top = losses.filter(pl.col("lost") > 0.9 * losses["lost"][0])["edge_id"]
    assert "cpc-sea" in top.to_list()


def test_the_order_of_the_edges_does_not_matter(position: Position, losses: pl.DataFrame) -> None:
    tables = system_tables(position.dossier, "oil")
    turned = Network.from_frames(
        tables["nodes"].reverse(),
        tables["edges"].reverse(),
        tables["supply"].reverse(),
        tables["demand"].reverse(),
        control=tables["control"],
    )
    again = single_closures(turned, own_of(turned)).sort("edge_id")
    before = losses.sort("edge_id")
    assert again["edge_id"].equals(before["edge_id"])
    assert again["lost"].to_list() == pytest.approx(before["lost"].to_list(), abs=1e-6)
