"""Trails of results: the rows that are named are those that the number turns on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier.trail import Trace
from betweengiants.network import Programme
from betweengiants.position import Position
from betweengiants.position.tracing import list_results, position_for, trace
from betweengiants.trade import from_frame as trade_matrix
from betweengiants.trade import solve
from betweengiants.trade.scenario import Scenario


def keys(found: Trace, table: str, role: str) -> list[str]:
    return [row.key.partition(":")[2] for row in found.rows if (row.table, row.role) == (table, role)]


def test_every_result_has_a_name_of_its_own(position: Position) -> None:
    names = position.identifiers
    assert len(set(names)) == len(names) == position.results.height
    assert list_results(position)["id"].to_list() == names
    written = json.loads(position.to_json())["results"]
    assert [row["id"] for row in written] == names


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("trade.leverage.RUS.short", ("trade", "leverage_pct", "RUS", "KAZ", "short")),
        ("trade.leverage_usd_m.CHN+RUS.long", ("trade", "leverage_usd_m", "CHN+RUS", "KAZ", "long")),
        ("trade.counter_leverage.RUS.short", ("trade", "counter_leverage_pct", "RUS", "RUS", "short")),
        (
            "trade.counter_leverage.CHN+RUS.RUS.short",
            ("trade", "counter_leverage_pct", "CHN+RUS", "RUS", "short"),
        ),
        ("transit.oil.RUS.value_lost", ("oil_transit", "lost_usd_m", "RUS", "KAZ", "")),
        ("transit.oil.RUS.quantity_lost", ("oil_transit", "lost_million_t", "RUS", "KAZ", "")),
        ("transit.gas.CHN.quantity_lost", ("gas_transit", "lost_bcm", "CHN", "KAZ", "")),
        ("transit.oil.RUS.fees_lost.RUS", ("oil_transit", "fees_lost_usd_m", "RUS", "RUS", "")),
    ],
)
def test_names_stand_for_rows_of_the_long_table(
    position: Position, name: str, key: tuple[str, str, str, str, str]
) -> None:
    channel, measure, coalition, member, horizon = key
    number = position.number(channel, measure, *coalition.split("+"), member=member, horizon=horizon)
    found = trace(position, name)
    assert (found.value, found.low, found.high) == (number.value, number.low, number.high)


def test_votes_are_named_for_the_latest_full_year(position: Position) -> None:
    year = str(position.trails["votes"].parameters["latest_full_year"])
    found = trace(position, "alignment.RUS.votes")
    assert found.value == position.number("votes", "vote_agreement", "RUS", period=year).value
    (row,) = found.rows
    assert (row.table, row.key) == ("vote_agreement", f"vote_agreement:{year}/KAZ/RUS")
    assert row.cells["agreement"] == found.value
    earlier = trace(position, "alignment.RUS.votes.2015")
    assert earlier.rows[0].key == "vote_agreement:2015/KAZ/RUS"


def test_rows_and_sources_of_every_result_are_there(position: Position) -> None:
    known = set(position.dossier.tables["sources"]["source_id"])
    first_of = position.results.with_row_index().unique(["channel", "measure"], keep="first")["index"]
    chosen = sorted({*first_of, *range(0, position.results.height, 11)})
    for name in (position.identifiers[at] for at in chosen):
        found = trace(position, name)
        assert found.rows or found.value == 0.0, name
        assert set(found.sources) <= known
        assert {row.table for row in found.rows} <= set(found.hashes)
        for table, digest in found.hashes.items():
            assert digest == position.dossier.hashes[table]
        assert len({(row.table, row.row) for row in found.rows}) == len(found.rows)
        for row in found.rows:
            assert row.sources or row.table in ("network_commodities",), (name, row)


@pytest.mark.parametrize("coalition", ["RUS", "CHN", "CHN+RUS"])
@pytest.mark.parametrize("system", ["oil", "freight"])
def test_closing_what_a_trail_names_loses_what_it_says(
    position: Position, system: str, coalition: str
) -> None:
    """The edges, supplies and sales that a trail names are all that matters: nothing that closes is left unnamed."""
    found = trace(position, f"transit.{system}.{coalition}.value_lost")
    transit = position.transit[system]
    network = transit.network
    powers = coalition.split("+")
    edges = network.edges["edge_id"].is_in(keys(found, "network_edges", "closes")).to_numpy()
    supply = pl.Series(
        [f"{n}/{c}" for n, c in network.supply.select("node_id", "commodity").iter_rows()]
    ).is_in(keys(found, "network_supply", "supply that closes"))
    closed = network.everything
    closed = replace(
        closed,
        edge_open=closed.edge_open & ~edges,
        supply=np.where(supply.to_numpy(), 0.0, closed.supply),
        demand=np.where(network.demand["market"].is_in(powers).to_numpy(), 0.0, closed.demand),
    )
    programme = Programme(network)
    before = programme.optimum(network.everything)
    after = programme.optimum(closed)
    lost = transit.own.value(network, before.demand) - transit.own.value(network, after.demand)
    assert lost == pytest.approx(found.value, rel=1e-6)
    assert lost > 0


def test_a_detour_is_open_and_a_closed_edge_is_controlled(position: Position) -> None:
    found = trace(position, "transit.oil.RUS.value_lost")
    closes = set(keys(found, "network_edges", "closes"))
    more = set(keys(found, "network_edges", "carries more than before"))
    assert closes
    assert more
    assert not closes & more
    control = {key.split("/")[0] for key in keys(found, "network_control", "why it closes")}
    abroad = set(keys(found, "network_nodes", "lies in the power's territory"))
    ends = position.transit["oil"].network.edges.select("edge_id", "from_node", "to_node").rows()
    for edge, start, end in ends:
        if edge in closes:
            assert edge in control or {start, end} & (abroad | control), edge
    assert all(key.split("/")[1] == "RUS" for key in keys(found, "network_control", "why it closes"))


def test_cutting_the_cells_that_a_trail_names_loses_what_it_says(position: Position) -> None:
    found = trace(position, "trade.leverage.RUS.short")
    cells = keys(found, "trade_matrix", "export that is cut") + keys(
        found, "trade_matrix", "import that is cut"
    )
    pairs = {tuple(key.split("/")[1:]) for key in cells}
    assert pairs == {("KAZ", "RUS"), ("RUS", "KAZ")}
    matrix = trade_matrix(
        position.dossier.tables["trade_matrix"].select("exporter", "importer", "year", value="value_usd_m")
    )
    cut = Scenario("cut", tuple((i, j, np.inf) for i, j in sorted(pairs)))
    theta = np.array([float(found.parameters["theta_short"])])
    change = solve(matrix, [cut], theta=theta).welfare_change[0, matrix.index("KAZ")]
    assert -100 * change == pytest.approx(found.value, rel=1e-9)
    (home,) = keys(found, "trade_matrix", "home sales of the state whose loss it is")
    assert home.split("/")[1:] == ["KAZ", "KAZ"]
    rest = keys(found, "trade_matrix", "other trade of the state whose loss it is")
    assert all("KAZ" in key.split("/") and "RUS" not in key.split("/") for key in rest)


def test_the_command_of_a_trail_prints_the_number(position: Position) -> None:
    from betweengiants.position.whatif import severance

    found = trace(position, "transit.gas.CHN+RUS.value_lost")
    assert found.command == "betweengiants sever kazakhstan --by CHN --by RUS"
    assert found.value in severance(position, ["CHN", "RUS"])["value"].to_list()
    assert trace(position, "alignment.CHN.memberships", where="a b.zip").command.endswith(
        "'a b.zip' --format csv"
    )


@pytest.mark.parametrize(
    "name", ["trade.leverage.RUS.short", "transit.gas.CHN.value_lost", "alignment.CHN.votes.2015"]
)
def test_one_channel_is_enough_for_its_own_results(position: Position, name: str) -> None:
    part = position_for(position.dossier, name)
    assert 0 < part.results.height < position.results.height
    assert trace(part, name) == trace(position, name)


def test_rows_of_a_dossier_can_be_asked_for_too(position: Position) -> None:
    assert trace(position, "claim:energy-01").kind == "claim"


def test_no_such_result(position: Position) -> None:
    with pytest.raises(UnknownLabel, match=r"did you mean trade\.leverage\.RUS\.short"):
        trace(position, "trade.leverage.RUS.shrt")
