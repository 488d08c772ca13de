"""Shapley values by their axioms, by hand, by enumeration of all orders, and on joint leverage."""

from itertools import chain, combinations, permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium
from betweengiants.core.shapley import joint_premium, shapley
from betweengiants.trade import TradeMatrix, coalition, joint_leverage, read_flows, solve_sectors
from betweengiants.trade.shapley import joint_table, shapley_shares


def subsets(players):
    return [
        frozenset(c) for c in chain.from_iterable(combinations(players, k) for k in range(len(players) + 1))
    ]


@st.composite
def games(draw, least=1, most=6):
    players = "ABCDEFGH"[: draw(st.integers(least, most))]
    value = st.floats(-100, 100, allow_nan=False)
    return {s: draw(value) for s in subsets(players)}


def by_orders(game):
    """The definition: what each adds on arrival, averaged over all orders."""
    players = sorted(max(game, key=len))
    total = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        for k, player in enumerate(order):
            total[player] += game[frozenset(order[: k + 1])] - game[frozenset(order[:k])]
    return {player: value / len(orders) for player, value in total.items()}


@given(games(most=5))
def test_it_is_the_mean_over_all_orders(game):
    assert shapley(game) == pytest.approx(by_orders(game), abs=1e-9)


@given(games())
def test_efficiency(game):
    everybody = max(game, key=len)
    assert sum(shapley(game).values()) == pytest.approx(game[everybody] - game[frozenset()], abs=1e-9)


@given(games(least=2))
def test_symmetry(game):
    """A and B that add the same to everybody get the same."""
    swap = {"A": "B", "B": "A"}
    other = {frozenset(swap.get(p, p) for p in s): v for s, v in game.items()}
    even = {s: (game[s] + other[s]) / 2 for s in game}
    values = shapley(even)
    assert values["A"] == pytest.approx(values["B"], abs=1e-9)


@given(games(), st.floats(-10, 10))
def test_null_player_and_dummy(game, worth):
    """Who adds nothing gets nothing; who adds the same to everybody gets that."""
    larger = game | {s | {"Z"}: v + worth for s, v in game.items()}
    values = shapley(larger)
    assert values["Z"] == pytest.approx(worth, abs=1e-9)
    for player, value in shapley(game).items():
        assert values[player] == pytest.approx(value, abs=1e-9)


@given(games(least=3, most=3), games(least=3, most=3), st.floats(-5, 5))
def test_additivity(one, other, factor):
    both = {s: one[s] + factor * other[s] for s in one}
    a, b, c = shapley(one), shapley(other), shapley(both)
    assert c == pytest.approx({p: a[p] + factor * b[p] for p in a}, abs=1e-9)


def test_a_game_by_hand():
    """The glove game: P owns a left glove, Q and R a right one each; a pair is worth 1. Values 4/6, 1/6, 1/6."""
    game = {s: float("P" in s and len(s) > 1) for s in subsets("PQR") if s}
    assert shapley(game) == pytest.approx({"P": 2 / 3, "Q": 1 / 6, "R": 1 / 6})
    premium = joint_premium(game)
    assert premium[frozenset("PQ")] == 1
    assert premium[frozenset("QR")] == 0
    assert premium[frozenset("P")] == 0
    assert len(premium) == 7


def test_twelve_players():
    players = "ABCDEFGHIJKL"
    weight = {p: k + 1.0 for k, p in enumerate(players)}
    game = {s: sum(weight[p] for p in s) ** 2 for s in subsets(players)}
    values = shapley(game)
    # For the square of a sum each gets its weight times the whole sum.
    assert values == pytest.approx({p: w * 78 for p, w in weight.items()})


def test_the_empty_coalition_may_have_a_loss_of_its_own():
    game = {frozenset(): 1.0, frozenset("A"): 3.0, frozenset("B"): 2.0, frozenset("AB"): 5.0}
    assert shapley(game) == pytest.approx({"A": 2.5, "B": 1.5})
    assert joint_premium(game)[frozenset("AB")] == pytest.approx(5 - 3 - 2 + 1)


@pytest.mark.parametrize(
    ("game", "message"),
    [
        ({}, "0 players"),
        ({frozenset("A"): 1.0, frozenset("AB"): 2.0}, "no loss for the coalition B"),
        ({frozenset("A"): 1.0, frozenset("B"): np.nan, frozenset("AB"): 2.0}, "a loss of nan for B"),
        ({frozenset("A"): np.inf}, "a loss of inf for A"),
        ({frozenset(): np.nan, frozenset("A"): 1.0}, "a loss of nan for nobody"),
        ({frozenset("ABCDEFGHIJKLM"): 1.0}, "13 players"),
    ],
)
def test_bad_tables_are_refused(game, message):
    with pytest.raises(DataError, match=message):
        shapley(game)
    with pytest.raises(DataError, match=message):
        joint_premium(game)


def test_shares_of_joint_leverage(kazakhstan):
    joint = joint_leverage(read_flows(kazakhstan), "KAZ", ["RUS", "CHN", "USA"], 4.0)
    found = shapley_shares(joint)
    loss = dict(zip(joint.coalitions, -joint.welfare_change, strict=True))
    assert found.powers == ("RUS", "CHN", "USA")
    assert found.total == loss["RUS", "CHN", "USA"]
    assert sum(found.value) == pytest.approx(found.total)
    assert sum(found.share) == pytest.approx(1)
    assert found.premium[frozenset(("RUS", "CHN"))] == pytest.approx(
        loss["RUS", "CHN"] - loss[("RUS",)] - loss[("CHN",)]
    )
    expected = by_orders({frozenset(): 0.0} | {frozenset(k): v for k, v in loss.items()})
    assert dict(zip(found.powers, found.value, strict=True)) == pytest.approx(expected)
    table = found.frame()
    assert table.columns == ["focal", "power", "loss_alone_pct", "shapley_pct", "shapley_share"]
    assert table["loss_alone_pct"].to_list() == pytest.approx([100 * loss[(p,)] for p in found.powers])
    # Who hurts more alone hurts more together.
    assert found.value[2] < found.value[0] < found.value[1]


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_coalitions_with_sectors_are_single_severances(make_sectors, horizon):
    matrix, theta, powers = make_sectors(4), [2.0, 3.0, 5.0], ("C1", "C2", "C3")
    joint = joint_leverage(matrix, "C0", powers, theta, horizon=horizon)
    assert len(joint.coalitions) == 7
    for members, change in zip(joint.coalitions, joint.welfare_change, strict=True):
        alone = solve_sectors(matrix, coalition("C0", members), theta, horizon=horizon)
        assert change == pytest.approx(alone.welfare_change[0, 0], abs=1e-9)
    found = shapley_shares(joint)
    assert sum(found.value) == pytest.approx(found.total)
    loss = {frozenset(c): -v for c, v in zip(joint.coalitions, joint.welfare_change, strict=True)}
    assert dict(zip(powers, found.value, strict=True)) == pytest.approx(by_orders({frozenset(): 0.0} | loss))


def test_joint_table_has_every_coalition_and_shares_of_single_powers(kazakhstan):
    joint = joint_leverage(read_flows(kazakhstan), "KAZ", ["RUS", "CHN", "USA"], 4.0)
    found, table = shapley_shares(joint), joint_table(joint)
    assert table.columns == ["coalition", "welfare_change_pct", "premium_pct", "shapley_pct", "shapley_share"]
    assert table["coalition"].to_list()[:4] == ["RUS", "CHN", "USA", "RUS;CHN"]
    assert table["premium_pct"].to_list()[:3] == [0, 0, 0]
    assert table["premium_pct"][6] == pytest.approx(100 * found.premium[frozenset(joint.powers)])
    assert table["shapley_share"].to_list()[:3] == pytest.approx(list(found.share))
    assert table["shapley_share"].to_list()[3:] == [None] * 4
    assert table["shapley_pct"].sum() == pytest.approx(-table["welfare_change_pct"][6])


def test_a_coalition_without_a_solution_leaves_empty_cells():
    """A's surplus with B cannot be kept when B cuts; nothing that depends on it is shown."""
    world = TradeMatrix(("A", "B", "C"), np.array([[10.0, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]]))
    joint = joint_leverage(world, "A", ["B", "C"], 1.0)
    assert [problem is None for problem in joint.problems] == [False, True, True]
    table = joint_table(joint)
    assert table["welfare_change_pct"].is_null().to_list() == [True, False, False]
    assert table["premium_pct"].is_null().to_list() == [True, False, True]
    assert table["shapley_share"].is_null().all()
    assert table.dtypes[1:] == [pl.Float64] * 4
    with pytest.raises(NoEquilibrium):
        shapley_shares(joint)


def test_no_loss_at_all_has_no_shares():
    flows = np.diag([10.0, 10, 10])
    flows[1, 2] = flows[2, 1] = 1.0
    found = shapley_shares(joint_leverage(TradeMatrix(("A", "B", "C"), flows), "A", ["B", "C"]))
    assert found.total == 0
    assert found.frame()["shapley_share"].to_list() == [None, None]
