from dataclasses import replace

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import load_dossier
from betweengiants.position import Position, position
from betweengiants.position.live import CAPACITIES, THETA_HIGH, THETA_LOW, Live, Question
from betweengiants.position.results import coalitions

POWERS = ("RUS", "CHN", "USA", "EU27")
GROUPS = coalitions(POWERS)


@pytest.fixture(scope="module")
def result() -> Position:
    return position(load_dossier())


@pytest.fixture(scope="module")
def live(result: Position) -> Live:
    return Live.of(result)


@pytest.mark.parametrize("group", GROUPS, ids="+".join)
def test_at_the_dossiers_settings_it_is_the_position(
    result: Position, live: Live, group: tuple[str, ...]
) -> None:
    answer = live.ask(Question(group, live.default_theta))
    assert answer.trade is not None
    assert answer.oil is not None
    focal = answer.trade.states.row(0, named=True)
    stated = result.number("trade", "leverage_pct", *group, horizon="short")
    assert -focal["welfare_change_pct"] == pytest.approx(stated.value, rel=1e-9)
    money = result.number("trade", "leverage_usd_m", *group, horizon="short")
    assert -focal["welfare_change_usd_m"] == pytest.approx(money.value, rel=1e-9)
    for row in answer.trade.states.to_dicts():
        if row["role"] == "severs":
            own = result.number("trade", "counter_leverage_pct", *group, member=row["state"], horizon="short")
            assert -row["welfare_change_pct"] == pytest.approx(own.value, rel=1e-9)
    for measure in ("lost_million_t", "lost_usd_m", "lost_pct_gdp", "interdictable", "unreroutable"):
        number = result.number("oil_transit", measure, *group)
        others = [getattr(loss, measure) for loss in answer.oil.elsewhere]
        assert getattr(answer.oil.loss, measure) == pytest.approx(number.value, rel=1e-9, abs=1e-9)
        assert min(others) == pytest.approx(number.low, rel=1e-9, abs=1e-9)
        assert max(others) == pytest.approx(number.high, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("group", GROUPS, ids="+".join)
def test_routes_are_those_of_the_position(result: Position, live: Live, group: tuple[str, ...]) -> None:
    oil = live.ask(Question(group, 1.5)).oil
    assert oil is not None
    assert result.oil is not None
    case = "+".join(sorted(group))
    delivered = result.oil.cases[case].table.filter(pl.col("commodity").is_in(result.oil.commodities))
    for side in ("before", "after"):
        # between buyers of equal value the split is not unique, their sum is
        assert oil.markets[side].sum() == pytest.approx(delivered[side].sum(), abs=1e-8)
        flows = dict(
            result.oil.routes.filter(pl.col("case") == (case if side == "after" else ""))
            .select("edge_id", "flow")
            .iter_rows()
        )
        assert dict(oil.routes.select("edge_id", side).iter_rows()) == pytest.approx(flows, abs=1e-8)


def test_parts_add_up(live: Live) -> None:
    for question in (
        Question(("RUS",), 1.5),
        Question((), 1.5, edges=("cpc-sea",)),
        Question(("CHN",), 3.0, "capacity_high", ("ownership",), ("btc",)),
    ):
        oil = live.ask(question).oil
        assert oil is not None
        loss = oil.loss
        assert oil.markets["lost"].sum() == pytest.approx(loss.lost_million_t)
        assert oil.markets["lost_usd_m"].sum() == pytest.approx(loss.lost_usd_m)
        assert oil.markets["before"].sum() == pytest.approx(loss.before_million_t)
        assert 0 <= loss.unreroutable <= loss.interdictable + 1e-9 <= 1 + 2e-9
        assert (oil.detours["rise"] > 0).all()


def test_edges_close_without_any_power(live: Live) -> None:
    answer = live.ask(Question((), 1.5, edges=("cpc-sea",)))
    assert answer.trade is None
    assert answer.oil is not None
    assert answer.oil.closed.select("asset_id", "basis").rows() == [("cpc-sea", "chosen")]
    assert answer.oil.loss.lost_million_t > 0
    assert [trail.trail for trail in answer.trails] == ["oil_transit"]


def test_an_edge_on_top_of_a_power_never_lowers_the_loss(live: Live) -> None:
    alone = live.ask(Question(("RUS",), 1.5)).oil
    more = live.ask(Question(("RUS",), 1.5, edges=("btc",))).oil
    assert alone is not None
    assert more is not None
    assert more.loss.lost_usd_m >= alone.loss.lost_usd_m - 1e-6


def test_without_a_basis_the_powers_close_nothing(live: Live) -> None:
    answer = live.ask(Question(("RUS",), 1.5, bases=()))
    assert answer.oil is not None
    assert answer.oil.loss.lost_million_t == 0
    assert answer.oil.loss.interdictable == 0
    assert answer.oil.closed.height == 0
    assert answer.oil.detours.height == 0


def test_capacities_of_the_question_are_used(live: Live) -> None:
    losses = {bound: live.ask(Question(("RUS",), 1.5, bound)).oil for bound in CAPACITIES}
    for bound, oil in losses.items():
        assert oil is not None
        assert oil.loss.capacity == bound
        assert oil.loss in oil.elsewhere
        assert oil.elsewhere == losses["capacity"].elsewhere  # type: ignore[union-attr]


def test_canonical_order(live: Live) -> None:
    asked = Question(
        ("CHN", "RUS", "CHN"), 1.5, bases=("supply", "territory"), edges=("cpc-sea", "btc", "btc")
    )
    checked = live.check(asked)
    assert checked.by == ("RUS", "CHN")
    assert checked.bases == ("territory", "supply")
    assert checked.edges == ("btc", "cpc-sea")
    assert live.check(checked) == checked


def test_smaller_elasticity_larger_loss(live: Live) -> None:
    losses = []
    for theta in (THETA_LOW, 0.5, 1.5, 4.0, THETA_HIGH):
        trade = live.ask(Question(POWERS, theta)).trade
        assert trade is not None
        losses.append(trade.states["welfare_change_pct"][0])
        assert trade.residual <= 1e-10
    assert losses == sorted(losses)


def test_all_powers_lose_nothing_more_than_everything(live: Live) -> None:
    answer = live.ask(Question(POWERS, 1.5, edges=tuple(live.edges["edge_id"])))
    assert answer.oil is not None
    assert answer.oil.loss.lost_million_t == pytest.approx(answer.oil.loss.before_million_t)
    assert answer.oil.loss.unreroutable == pytest.approx(1)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(("RUZ",), 1.5), "unknown power 'RUZ'"),
        (Question(("RUS",), 1.5, bases=("territori",)), "did you mean territory?"),
        (Question(("RUS",), 1.5, "capacity_lo"), "did you mean"),
        (Question((), 1.5, edges=("cpc-see",)), "cpc-sea"),
        (Question((), 1.5, edges=("kuryk-baku",)), "which is planned"),
        (Question((), 1.5), "found no power that severs"),
        (Question(("RUS",), 0.0), "a number from 0.1 to 50"),
        (Question(("RUS",), float("nan")), "a number from 0.1 to 50"),
        (Question(("RUS",), float("inf")), "a number from 0.1 to 50"),
    ],
)
def test_bad_questions(live: Live, question: Question, words: str) -> None:
    with pytest.raises(DataError) as error:
        live.ask(question)
    assert words in str(error.value)


def test_a_dossier_without_a_network() -> None:
    dossier = load_dossier()
    tables = {name: frame for name, frame in dossier.tables.items() if not name.startswith("network_")}
    live = Live.of(position(replace(dossier, tables=tables)))
    answer = live.ask(Question(("RUS",), 1.5))
    assert answer.oil is None
    assert answer.trade is not None
    assert live.edges.height == 0
    with pytest.raises(DataError, match="there is no network"):
        live.ask(Question(("RUS",), 1.5, edges=("cpc-sea",)))
    with pytest.raises(UnknownLabel, match="'FRA'"):
        live.ask(Question(("FRA",), 1.5))
