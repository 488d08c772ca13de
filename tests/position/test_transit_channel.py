"""Leverage through transit: order of coalitions, the network engine asked directly, variants of control."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.network import Network, sever
from betweengiants.position import Position, autonomy, effective_vectors
from betweengiants.position import position as solve
from betweengiants.position.results import coalition_name, coalitions
from betweengiants.position.systems import SYSTEMS, build_network, systems_of
from betweengiants.position.transit_channel import transit_channel, transit_channels

POWERS = ("RUS", "CHN", "USA", "EU27")
GROUPS = coalitions(POWERS)
OWN = "crude-kaz"


@pytest.fixture(scope="module")
def network(dossier: Dossier) -> Network:
    """The oil network at central capacities, put together here from the tables."""
    tables = dossier.tables
    crude = pl.col("commodity").str.starts_with("crude")
    edges = tables["network_edges"].filter(pl.col("commodities").str.contains("crude"))
    ends = [*edges["from_node"], *edges["to_node"]]
    nodes = tables["network_nodes"].filter(pl.col("node_id").is_in(ends))
    fields = nodes.filter(pl.col("kind") == "field")["node_id"].to_list()
    control = tables["network_control"].filter(pl.col("asset_id").is_in([*ends, *edges["edge_id"]]))
    return Network.from_frames(
        nodes,
        edges,
        tables["network_supply"].filter(crude),
        tables["network_demand"].filter(crude),
        control=control.filter(~(pl.col("asset_id").is_in(fields) & (pl.col("basis") == "ownership"))),
    )


def own(delivered: pl.DataFrame, column: str = "quantity") -> float:
    return float(delivered.filter(pl.col("commodity") == OWN)[column].sum())


def test_only_the_focal_states_own_oil_counts(position: Position) -> None:
    assert position.oil is not None
    assert position.oil.commodities == (OWN,)
    assert "crude-rus" in position.oil.network.commodities


def test_everything_that_is_supplied_is_delivered_before(position: Position) -> None:
    assert position.oil is not None
    supply = position.dossier.tables["network_supply"].filter(pl.col("commodity") == OWN)["quantity"].sum()
    assert position.oil.total_before == pytest.approx(supply, rel=1e-9)


def test_without_russia_less_than_a_third_gets_out(position: Position) -> None:
    assert position.oil is not None
    lost = position.number("oil_transit", "lost_million_t", "RUS")
    assert position.oil.total_before - lost.value < position.oil.total_before / 3
    assert lost.low > 2 / 3 * position.oil.total_before


@pytest.mark.parametrize("group", GROUPS, ids="+".join)
def test_it_is_what_the_network_says(position: Position, network: Network, group: tuple[str, ...]) -> None:
    cut = sever(network, group)
    for measure, column in (("lost_million_t", "quantity"), ("lost_usd_m", "value")):
        lost = own(cut.before.delivered, column) - own(cut.after.delivered, column)
        assert position.number("oil_transit", measure, *group).value == pytest.approx(
            lost, rel=1e-8, abs=1e-8
        )
    shares = position.number("oil_transit", "interdictable", *group).value
    assert shares == pytest.approx(cut.interdictable[OWN], rel=1e-8, abs=1e-9)
    unreroutable = cut.unreroutable[OWN]
    assert unreroutable is not None
    assert position.number("oil_transit", "unreroutable", *group).value == pytest.approx(
        unreroutable, abs=1e-9
    )


@pytest.mark.parametrize("bound", ["capacity_low", "capacity_high"])
def test_the_range_holds_what_the_bounds_of_the_capacities_give(position: Position, bound: str) -> None:
    edges = position.dossier.tables["network_edges"]
    bounded = build_network(position.dossier, capacity=bound)
    stated = edges.join(bounded.edges.select("edge_id", used="capacity"), on="edge_id")
    assert (stated["used"] == stated[bound].fill_null(stated["capacity"])).all()
    for group in (("RUS",), ("CHN", "EU27"), POWERS):
        cut = sever(bounded, group)
        lost = own(cut.before.delivered, "value") - own(cut.after.delivered, "value")
        number = position.number("oil_transit", "lost_usd_m", *group)
        assert number.low - 1e-6 <= lost <= number.high + 1e-6
        assert (
            min(abs(lost - end) for end in (number.low, number.value, number.high)) < 1e-6
            or number.low < lost
        )


def test_closing_more_never_delivers_more(position: Position) -> None:
    """More powers, more loss: in tonnes, in money, in what passes through their hands, at every bound."""
    for measure in ("lost_million_t", "lost_usd_m", "interdictable", "unreroutable", "own_purchases_usd_m"):
        numbers = {frozenset(group): position.number("oil_transit", measure, *group) for group in GROUPS}
        for small, large in combinations(sorted(numbers, key=len), 2):
            if small < large:
                for end in ("value", "low", "high"):
                    least, most = getattr(numbers[small], end), getattr(numbers[large], end)
                    assert least <= most + 1e-6, (measure, small, large, end)


def test_what_passes_their_hands_bounds_what_has_no_detour(position: Position) -> None:
    for group in GROUPS:
        passing = position.number("oil_transit", "interdictable", *group)
        stuck = position.number("oil_transit", "unreroutable", *group)
        assert 0 <= stuck.value <= passing.value + 1e-9 <= 1 + 2e-9
        assert stuck.low <= passing.low + 1e-9
        assert stuck.high <= passing.high + 1e-9


def test_shares_are_of_what_is_delivered_before(position: Position) -> None:
    assert position.oil is not None
    for group in GROUPS:
        lost = position.number("oil_transit", "lost_million_t", *group).value
        stuck = position.number("oil_transit", "unreroutable", *group).value
        assert stuck == pytest.approx(lost / position.oil.total_before, abs=1e-12)


def test_percent_of_gdp(position: Position) -> None:
    gdp = position.dossier.parameter("gdp_usd_m_2025")[0]
    for group in GROUPS:
        money = position.number("oil_transit", "lost_usd_m", *group)
        share = position.number("oil_transit", "lost_pct_gdp", *group)
        for end in ("value", "low", "high"):
            assert getattr(share, end) == pytest.approx(100 * getattr(money, end) / gdp)


def test_no_ton_is_worth_more_than_the_dearest_buyer_pays(position: Position) -> None:
    dearest = position.dossier.tables["network_demand"].filter(pl.col("commodity") == OWN)["price"].max()
    assert isinstance(dearest, float)
    assert position.oil is not None
    for group in GROUPS:
        money = position.number("oil_transit", "lost_usd_m", *group).value
        assert money <= dearest * position.oil.total_before
    everyone = position.number("oil_transit", "lost_usd_m", *POWERS).value
    assert everyone >= dearest * 0.8 * position.number("oil_transit", "lost_million_t", *POWERS).value


@pytest.mark.parametrize("power", ["CHN", "EU27", "USA", "RUS"])
def test_the_powers_own_purchases_are_counted(position: Position, network: Network, power: str) -> None:
    demand = position.dossier.tables["network_demand"]
    markets = demand.filter((pl.col("market") == power) & (pl.col("commodity") == OWN))
    delivered = sever(network, [power]).before.delivered
    bought = own(delivered.filter(pl.col("node_id").is_in(markets["node_id"].to_list())), "value")
    number = position.number("oil_transit", "own_purchases_usd_m", power)
    assert number.value == pytest.approx(bought, rel=1e-9, abs=1e-9)
    assert (number.value > 0) == (power != "RUS")
    if power == "EU27":
        assert number.value > 10_000


def test_joint_purchases_add_up(position: Position) -> None:
    single = sum(position.number("oil_transit", "own_purchases_usd_m", power).value for power in POWERS)
    assert position.number("oil_transit", "own_purchases_usd_m", *POWERS).value == pytest.approx(single)


def test_fields_in_a_powers_hands_add_to_its_loss(position: Position) -> None:
    for power in POWERS:
        lost = position.number("oil_transit", "lost_million_t", power).value
        with_fields = position.number("oil_transit", "lost_million_t_with_fields", power).value
        assert with_fields >= lost - 1e-9
    # Chevron and ExxonMobil hold three quarters of Tengiz
    tengiz = position.dossier.tables["network_supply"].filter(pl.col("node_id") == "tengiz")["quantity"].sum()
    assert position.number("oil_transit", "lost_million_t_with_fields", "USA").value == pytest.approx(tengiz)


def test_balance_follows_from_the_losses(position: Position) -> None:
    losses = [position.number("oil_transit", "lost_usd_m", power).value for power in POWERS]
    joint = position.number("oil_transit", "lost_usd_m", *POWERS).value
    vectors = position.number("oil_transit", "effective_vectors", *POWERS)
    assert vectors.value == pytest.approx(effective_vectors(losses))
    assert 1 <= vectors.low <= vectors.high <= 4
    free = position.number("oil_transit", "autonomy", *POWERS)
    assert free.value == pytest.approx(autonomy(losses, joint))
    assert 0 <= free.low <= free.high < 1


def test_routes_carry_what_is_delivered(position: Position) -> None:
    oil = position.oil
    assert oil is not None
    flows = dict(oil.routes.group_by("case").agg(pl.col("flow").sum()).iter_rows())
    assert flows[""] == pytest.approx(oil.total_before)
    assert set(flows) == {"", *map(coalition_name, GROUPS)}
    for group in GROUPS:
        lost = position.number("oil_transit", "lost_million_t", *group).value
        assert flows[coalition_name(group)] == pytest.approx(oil.total_before - lost, abs=1e-6)
    home = set(oil.network.nodes.filter(pl.col("territory") == "KAZ")["node_id"])
    ends = {
        edge: (start, end)
        for edge, start, end in oil.network.edges.select("edge_id", "from_node", "to_node").rows()
    }
    for edge in set(oil.routes["edge_id"]):
        start, end = ends[edge]
        assert start in home
        assert end not in home


def test_closed_routes_carry_nothing(position: Position) -> None:
    assert position.oil is not None
    for name, case in position.oil.cases.items():
        closed = case.closed.filter(pl.col("asset") == "edge")["asset_id"].to_list()
        assert case.after.edges.filter(pl.col("edge_id").is_in(closed))["flow"].abs().sum() == pytest.approx(
            0
        ), name


@pytest.mark.parametrize("bases", [["market"], ["territory"], ["ownership"], ["territory", "market"]])
def test_one_kind_of_control_takes_no_more_than_all(
    position: Position, network: Network, bases: list[str]
) -> None:
    for power in POWERS:
        cut = sever(network, [power], bases=bases)
        lost = own(cut.before.delivered, "value") - own(cut.after.delivered, "value")
        assert -1e-6 <= lost <= position.number("oil_transit", "lost_usd_m", power).value + 1e-6


def test_russia_closes_by_territory_and_buys_nothing(
    position: Position, network: Network, with_tables: Callable[..., Dossier]
) -> None:
    assert sever(network, ["RUS"], bases=["market"]).value_lost == pytest.approx(0, abs=1e-6)
    control = position.dossier.tables["network_control"]
    changed = with_tables(network_control=control.filter(pl.col("basis") == "territory"))
    only_land = transit_channel(changed, SYSTEMS["oil"])
    lost = {r.measure: r.number.value for r in only_land.channel.results if r.coalition == "RUS"}
    stated = position.number("oil_transit", "lost_usd_m", "RUS").value
    assert lost["lost_usd_m"] == pytest.approx(stated, rel=0.02)


def test_a_buyer_costs_at_most_the_discount(position: Position, network: Network) -> None:
    """What the United States buys can be sold elsewhere for less: the loss is the discount, not the price."""
    cut = sever(network, ["USA"], bases=["market"])
    lost = own(cut.before.delivered, "value") - own(cut.after.delivered, "value")
    bought = position.number("oil_transit", "own_purchases_usd_m", "USA").value
    assert 0 <= lost < 0.2 * bought
    assert own(cut.after.delivered) == pytest.approx(own(cut.before.delivered))


def test_a_power_that_touches_nothing_of_the_network_has_no_hold_on_it(
    dossier: Dossier, with_tables: Callable[..., Dossier]
) -> None:
    """No edge, no node, no market: its leverage is zero, and it changes nothing in a coalition."""
    assert "JPN" not in build_network(dossier).powers
    other = solve(with_tables(powers=("RUS", "JPN"), vote_agreement=None, memberships=None))
    for measure in ("lost_million_t", "lost_usd_m", "lost_pct_gdp", "interdictable", "own_purchases_usd_m"):
        assert other.number("oil_transit", measure, "JPN").high == 0
    for measure in ("lost_million_t", "lost_usd_m", "interdictable", "unreroutable"):
        alone, together = (other.number("oil_transit", measure, *g) for g in (("RUS",), ("RUS", "JPN")))
        assert together.value == pytest.approx(alone.value)
    assert other.number("oil_transit", "effective_vectors", "RUS", "JPN").value == pytest.approx(1)
    assert other.oil is not None
    flows = dict(other.oil.routes.group_by("case").agg(pl.col("flow").sum()).iter_rows())
    assert flows["JPN"] == pytest.approx(flows[""]) == pytest.approx(other.oil.total_before)
    assert flows["JPN+RUS"] == pytest.approx(flows["RUS"])


def test_no_power_may_touch_the_network_at_all(dossier: Dossier, with_tables: Callable[..., Dossier]) -> None:
    other = solve(with_tables(powers=("JPN",), vote_agreement=None, memberships=None))
    assert other.oil is not None
    assert other.oil.total_before > 70
    assert other.number("oil_transit", "lost_usd_m", "JPN").high == 0
    assert other.number("oil_transit", "effective_vectors", "JPN").value == 0
    assert not other.holds("oil_transit", "autonomy", "JPN")


def test_the_network_can_lack_a_capacity_bound(dossier: Dossier, with_tables: Callable[..., Dossier]) -> None:
    """Without bounds of its own an edge keeps its central capacity, so that the range closes."""
    edges = dossier.tables["network_edges"].with_columns(
        capacity_low=pl.lit(None, pl.Float64), capacity_high=pl.lit(None, pl.Float64)
    )
    sharp = transit_channel(with_tables(network_edges=edges), SYSTEMS["oil"])
    for result in sharp.channel.results:
        assert result.number.low == pytest.approx(result.number.high), result


@pytest.mark.parametrize(
    "table", ["network_nodes", "network_edges", "network_supply", "network_demand", "network_control"]
)
def test_without_one_of_its_tables_there_is_no_transit_channel(
    with_tables: Callable[..., Dossier], table: str
) -> None:
    changed = with_tables(**{table: None})
    assert systems_of(changed) == ()
    assert transit_channels(changed) == {}
