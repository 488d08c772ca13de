"""Titles and tables of the figures: findings that follow from the numbers, nothing drawn that is not known."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.whatif import remaining_routes
from betweengiants.report.beside import Beside
from betweengiants.report.figure import Figure
from betweengiants.report.leveragelines import vote_turns
from betweengiants.report.routebars import route_table, short_route
from betweengiants.report.svg import render
from betweengiants.report.transitmap import SystemView, chokepoints, views

POWERS = ("RUS", "CHN", "USA", "EU27")


def oil(position: Position) -> SystemView:
    return views(position)["oil"]


def test_every_figure_says_what_it_shows(
    figures: dict[str, Figure], position: Position, beside: Beside
) -> None:
    for name, figure in figures.items():
        assert name == figure.figure_id
        assert figure.title.strip()
        assert not figure.title.endswith(".")
        assert figure.subtitle.endswith(".")
        assert len(figure.alt_text) > 30
        assert figure.table.height
        assert figure.trails
        assert figure.table.columns == [column for column in figure.table.columns if column.strip()]
    shown = {trail for figure in figures.values() for trail in figure.trails}
    assert shown <= position.trails.keys() | beside.trails.keys()
    assert {"domains", "balance", "alternatives", "leverage-years", "institutions"} <= figures.keys()
    assert {"alignment", "peers", "deals", "plans"} <= figures.keys()


def test_the_position_figure_holds_each_power_in_each_panel(
    figures: dict[str, Figure], position: Position
) -> None:
    table = figures["position"].table
    year = str(position.trails["votes"].parameters["latest_full_year"])
    assert year in figures["position"].subtitle
    assert table.height == 2 * len(POWERS)
    for row in table.to_dicts():
        horizon = "short" if "short run" in row["panel"] else "long"
        x = position.number("coupled", "leverage_pct", row["power"], horizon=horizon)
        y = position.number("votes", "vote_agreement", row["power"], period=year)
        assert (row["x"], row["x_low"], row["x_high"]) == (x.value, x.low, x.high)
        assert (row["y"], row["y_low"], row["y_high"]) == (y.value, y.low, y.high)


def test_the_heaviest_power_is_named_even_without_votes(
    position: Position,
    with_tables: Callable[..., Position],
    figures_of: Callable[[Position], dict[str, Figure]],
) -> None:
    loss = {p: position.number("trade", "leverage_pct", p, horizon="short").value for p in POWERS}
    heaviest = max(loss, key=lambda p: loss[p])
    votes = position.dossier.tables["vote_agreement"]
    other = with_tables(
        vote_agreement=votes.filter(pl.col("power") != heaviest), network_nodes=None, memberships=None
    )
    figure = figures_of(other)["position"]
    assert short_name(heaviest) in figure.title.split(";")[0]
    assert heaviest not in figure.table["power"]
    assert any("No votes with" in gap and heaviest in gap for gap in other.gaps)


def test_a_power_whose_votes_end_earlier_is_left_out_of_the_year(
    position: Position,
    with_tables: Callable[..., Position],
    figures_of: Callable[[Position], dict[str, Figure]],
) -> None:
    votes = position.dossier.tables["vote_agreement"].filter(
        (pl.col("power") != "USA") | (pl.col("year") < 2015)
    )
    other = with_tables(vote_agreement=votes, network_nodes=None, memberships=None)
    figures = figures_of(other)
    assert set(figures["position"].table["power"]) == {"RUS", "CHN", "EU27"}
    assert "USA" in figures["votes"].table["power"]


def test_the_votes_table_has_no_invented_year(figures: dict[str, Figure], position: Position) -> None:
    table = figures["votes"].table
    stated = position.dossier.tables["vote_agreement"].filter(
        (pl.col("country") == "KAZ") & pl.col("power").is_in(POWERS)
    )
    assert table.height == stated.height
    assert table.select("power", "year").is_duplicated().sum() == 0


def test_turning_points_are_marked_on_the_lines_of_votes(figures: dict[str, Figure], beside: Beside) -> None:
    turns = vote_turns(beside.history)
    assert turns.height
    for width in (980, 340):
        drawn = render(figures["votes"].draw(width))
        assert all(f">{text}</text>" in drawn for text in turns["text"])


def test_channels_are_set_side_by_side_and_not_added(figures: dict[str, Figure], position: Position) -> None:
    table = figures["channels"].table
    assert table.height == 3 * len(POWERS)
    assert "not added" in figures["channels"].subtitle
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    russia = position.number("oil_transit", "lost_pct_gdp", "RUS").value
    assert russia > position.number("trade", "leverage_pct", "RUS", horizon="short").value
    assert figures["channels"].title.startswith("Russia")


def test_bars_by_route_add_up(position: Position) -> None:
    assert position.oil is not None
    bars = route_table(oil(position))
    for (case,), part in bars.group_by("case", maintain_order=True):
        assert part["value"].sum() == pytest.approx(part["total"][0]), case
        pieces = part.sort("start")
        assert pieces["start"].to_list() == pytest.approx([0.0, *pieces["end"].to_list()[:-1]])
        assert pieces["end"].to_list()[-1] == pytest.approx(part["total"][0])
    totals = dict(bars.select("case", "total").rows())
    assert totals["As it is"] == pytest.approx(position.oil.total_before)
    for power in POWERS:
        lost = position.number("oil_transit", "lost_million_t", power).value
        name = [
            case for case in totals if case.removeprefix("Without ").removeprefix("the ") == short_name(power)
        ]
        assert len(name) == 1
        assert totals[name[0]] == pytest.approx(position.oil.total_before - lost, abs=1e-6)


def test_the_worst_pair_is_the_worst(position: Position) -> None:
    bars = route_table(oil(position))
    pairs = [(a, b) for i, a in enumerate(POWERS) for b in POWERS[i + 1 :]]
    most = max(position.number("oil_transit", "lost_million_t", *pair).value for pair in pairs)
    last = bars.filter(pl.col("case_order") == bars["case_order"].max())
    assert position.oil is not None
    assert last["total"][0] == pytest.approx(position.oil.total_before - most, abs=1e-6)
    assert last["case"][0].count(" and ") == 1


def test_a_power_that_touches_no_pipe_changes_no_bar(
    with_tables: Callable[..., Position], figures_of: Callable[[Position], dict[str, Figure]]
) -> None:
    other = with_tables(powers=("RUS", "JPN"), vote_agreement=None, memberships=None, options=None)
    totals = dict(route_table(oil(other)).select("case", "total").rows())
    assert totals["Without Japan"] == pytest.approx(totals["As it is"])
    roads = {f"{name}-{kind}" for name in ("gas", "freight") for kind in ("map", "severance")}
    found = set(figures_of(other))
    assert found >= {"waterfall", "channels", "oil-map", "severance", *roads}
    assert not found & {"position", "votes", "institutions", "frontier", "alternatives"}


def test_short_names_of_routes() -> None:
    assert short_route("Atasu-Alashankou (Kazakhstan-China pipeline)") == "Atasu-Alashankou"
    assert short_route("CPC, Atyrau to the Russian border") == "CPC"
    assert short_route("Tankers Aktau-Baku") == "Aktau-Baku"


def test_chokepoints_are_ranked_and_apart(position: Position) -> None:
    table = chokepoints(oil(position))
    assert 1 <= table.height <= 6
    assert table["rank"].to_list() == list(range(1, table.height + 1))
    losses = table["lost"].to_list()
    assert losses == sorted(losses, reverse=True)
    assert all(one > other * 1.004 for one, other in itertools.pairwise(losses))


def test_who_can_close_a_route(position: Position) -> None:
    assert oil(position).controller("cpc-rus") == "RUS"
    assert oil(position).controller("alashankou-dushanzi") == "CHN"
    assert oil(position).controller("btc") not in POWERS
    assert oil(position).controller("uzen-atyrau") == "KAZ"


def test_the_map_draws_every_route_that_carries_something(
    figures: dict[str, Figure], position: Position
) -> None:
    assert position.oil is not None
    table = figures["oil-map"].table
    assert table["edge_id"].is_duplicated().sum() == 0
    assert table["edge_id"].to_list() == sorted(table["edge_id"])
    flows = position.oil.before.edges.filter(pl.col("commodity").is_in(position.oil.commodities))
    used = dict(flows.group_by("edge_id").agg(pl.col("flow").sum()).iter_rows())
    for edge, flow in table.select("edge_id", "flow").rows():
        assert flow == pytest.approx(used.get(edge, 0.0))
    to_buyers = position.dossier.tables["network_nodes"].filter(
        (pl.col("kind") == "market") & (pl.col("coord_quality") == "drawing")
    )
    ends = position.oil.network.edges.filter(~pl.col("to_node").is_in(to_buyers["node_id"].to_list()))
    drawn = set(table["edge_id"])
    assert {edge for edge, flow in used.items() if flow > 1e-6} & set(ends["edge_id"]) <= drawn


def test_the_same_figures_twice(
    position: Position, figures_of: Callable[[Position], dict[str, Figure]]
) -> None:
    once, again = figures_of(position), figures_of(position)
    assert once.keys() == again.keys()
    for name, figure in once.items():
        assert figure.table.equals(again[name].table)
        assert (figure.title, figure.alt_text, figure.note, figure.listing) == (
            again[name].title,
            again[name].alt_text,
            again[name].note,
            again[name].listing,
        )


def test_when_nothing_gets_out_the_bar_is_empty_and_says_so(
    position: Position,
    with_tables: Callable[..., Position],
    figures_of: Callable[[Position], dict[str, Figure]],
) -> None:
    control = position.dossier.tables["network_control"]
    edges = position.dossier.tables["network_edges"].select("edge_id", "source_id")
    everything = edges.select(
        asset_id="edge_id",
        power=pl.lit("CHN"),
        basis=pl.lit("territory"),
        share=pl.lit(None, pl.Float64),
        source_id="source_id",
        note=pl.lit(None, pl.String),
    )
    rest = control.filter(pl.col("power") != "CHN")
    other = with_tables(network_control=pl.concat([rest, everything]), vote_agreement=None, options=None)
    bars = route_table(oil(other)).filter(pl.col("case") == "Without China")
    assert bars.select("value", "total", "total_text").rows() == [(0.0, 0.0, "0")]
    figure = figures_of(other)["severance"]
    assert "China, 0.0 of" in figure.title
    assert "Without China" in render(figure.draw(340))
    sentence = remaining_routes(other, ["CHN"])
    assert sentence is not None
    assert sentence.endswith("nothing would still leave.")
    assert other.number("oil_transit", "interdictable", "CHN").value == pytest.approx(1)


def test_titles_follow_the_numbers(
    position: Position,
    with_tables: Callable[..., Position],
    figures_of: Callable[[Position], dict[str, Figure]],
) -> None:
    """Oil at three tenths of its price weighs less than trade; votes of a few years show no move over ten."""
    cheap = position.dossier.tables["network_demand"].with_columns(
        pl.col("price", "price_low", "price_high") * 0.3
    )
    votes = position.dossier.tables["vote_agreement"].filter(pl.col("year") > 2018)
    figures = figures_of(
        with_tables(network_demand=cheap, vote_agreement=votes, memberships=None, options=None)
    )
    assert figures["channels"].title.endswith("less than through trade")
    assert "ten years" not in figures["votes"].title
    assert "Kazakhstan" in figures["votes"].title


def test_the_order_of_powers_is_said_to_change_only_where_it_does(
    position: Position,
    with_tables: Callable[..., Position],
    figures_of: Callable[[Position], dict[str, Figure]],
) -> None:
    """Russia and China trade places when a little of one's trade is taken away, but not at every elasticity."""
    loss = {p: position.number("trade", "leverage_pct", p, horizon="short") for p in POWERS}
    orders = {
        end: tuple(sorted(POWERS, key=lambda p: -getattr(loss[p], end))) for end in ("value", "low", "high")
    }
    note = figures_of(with_tables(network_nodes=None, vote_agreement=None))["channels"].note
    assert ("holds throughout" in note) == (len(set(orders.values())) == 1)
    for factor in (1.05, 1.06, 1.07, 1.08, 1.09, 1.1):
        pair = pl.col("exporter").is_in(["KAZ", "RUS"]) & pl.col("importer").is_in(["KAZ", "RUS"])
        pair &= pl.col("exporter") != pl.col("importer")
        flows = position.dossier.tables["trade_matrix"].with_columns(
            value_usd_m=pl.when(pair).then(pl.col("value_usd_m") * factor).otherwise("value_usd_m")
        )
        other = with_tables(trade_matrix=flows, network_nodes=None, vote_agreement=None, memberships=None)
        losses = {p: other.number("trade", "leverage_pct", p, horizon="short") for p in POWERS}
        found = {
            tuple(sorted(POWERS, key=lambda p: -getattr(losses[p], end))) for end in ("value", "low", "high")
        }
        said = figures_of(other)["channels"].note
        assert ("changes within them" in said) == (len(found) > 1)
        if len(found) > 1:
            break
    else:
        pytest.fail("no factor of these makes the order change within the range")


def test_the_bars_can_be_read_without_their_colours(position: Position, figures: dict[str, Figure]) -> None:
    """The pieces of the first bar are named from the left, the largest and the small ones."""
    bars = route_table(oil(position)).filter(pl.col("case") == "As it is").sort("start")
    listed = [text for text, value in bars.select("share_text", "value").iter_rows() if value >= 0.05]
    places = [figures["severance"].note.find(text) for text in listed]
    assert min(places) >= 0
    assert places == sorted(places)
