"""Leverage of powers over focal states, one by one and together."""

import numpy as np
import pytest

from betweengiants.core.errors import DataError, NoEquilibrium, UnknownLabel
from betweengiants.trade import TradeMatrix, coalition, joint_leverage, leverage, read_flows, severance, solve

POWERS = ("RUS", "CHN", "USA")


def test_leverage_equals_single_severances(wiod):
    result = leverage(wiod, POWERS, ["IRL", "POL", "CHN"], 4.0)
    expected_pairs = [(f, p) for f in ("IRL", "POL", "CHN") for p in POWERS if f != p]
    assert list(zip(result.focal, result.power, strict=True)) == expected_pairs
    for k, (focal, power) in enumerate(expected_pairs):
        alone = solve(wiod, severance([(focal, power)]), 4.0)
        f, p = wiod.labels.index(focal), wiod.labels.index(power)
        assert result.welfare_change[k] == pytest.approx(alone.welfare_change[0, f], abs=1e-9)
        assert result.power_welfare_change[k] == pytest.approx(alone.welfare_change[0, p], abs=1e-9)


def test_all_countries_are_focal_by_default(wiod):
    table = leverage(wiod, POWERS).frame()
    assert table.columns == ["focal", "power", "welfare_change_pct", "power_welfare_change_pct"]
    assert table.height == 44 * 3 - 3
    assert set(table["focal"]) == set(wiod.labels)
    assert table.null_count().sum_horizontal().item() == 0
    assert (table["welfare_change_pct"] < 0).mean() > 0.95


def test_joint_leverage_holds_every_coalition(wiod):
    joint = joint_leverage(wiod, "POL", POWERS, 4.0)
    assert len(joint.coalitions) == 7
    assert joint.coalitions[0] == ("RUS",)
    assert joint.coalitions[-1] == POWERS
    single = leverage(wiod, POWERS, ["POL"], 4.0)
    np.testing.assert_allclose(joint.welfare_change[:3], single.welfare_change, atol=1e-10)
    np.testing.assert_allclose(
        joint.power_welfare_change[range(3), range(3)], single.power_welfare_change, atol=1e-10
    )
    together = solve(wiod, coalition("POL", POWERS), 4.0)
    assert joint.welfare_change[-1] == pytest.approx(
        together.welfare_change[0, wiod.labels.index("POL")], abs=1e-10
    )
    # More than the parts: what remains to turn to is less each time.
    assert joint.welfare_change[-1] < joint.welfare_change[:3].sum()


def test_joint_frame_has_a_row_for_each_power(wiod):
    table = joint_leverage(wiod, "POL", ["RUS", "CHN"]).frame()
    assert table.select("coalition", "power", "takes_part").rows() == [
        ("RUS", "RUS", True),
        ("RUS", "CHN", False),
        ("CHN", "RUS", False),
        ("CHN", "CHN", True),
        ("RUS;CHN", "RUS", True),
        ("RUS;CHN", "CHN", True),
    ]


# Bounds from the evidence on the matrix itself: a loss of 3 to 8 percent with each large partner at a short-run
# elasticity, little with the United States, and about a third of that at the long-run one.
def test_kazakhstan_between_the_powers(kazakhstan):
    matrix = read_flows(kazakhstan)
    powers = ["RUS", "CHN", "EU27", "USA"]
    low, high = (leverage(matrix, powers, ["KAZ"], theta) for theta in (1.5, 4.0))
    losses = dict(zip(powers, -100 * low.welfare_change, strict=True))
    assert all(3 <= losses[power] <= 8 for power in ("RUS", "CHN", "EU27"))
    assert losses["USA"] < 1.5
    np.testing.assert_allclose(high.welfare_change / low.welfare_change, 0.38, atol=0.06)
    # The powers lose less than the state between them.
    assert (low.power_welfare_change > low.welfare_change).all()


def test_pairs_without_a_solution_are_left_empty():
    world = TradeMatrix(("A", "B", "C"), np.array([[10.0, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]]))
    result = leverage(world, ["B"], theta=1.0)
    table = result.frame()
    assert table["focal"].to_list() == ["A", "C"]
    assert table["welfare_change_pct"].to_list()[0] is None
    assert table["welfare_change_pct"].to_list()[1] < 0
    assert isinstance(result.problems[0], NoEquilibrium)
    with pytest.raises(NoEquilibrium):
        leverage(world, ["B"], ["A"], 1.0)


@pytest.mark.parametrize(
    ("powers", "focal", "error", "message"),
    [
        (["RUSS"], None, UnknownLabel, "did you mean RUS"),
        (["RUS"], ["PLO"], UnknownLabel, "did you mean POL"),
        (["RUS", "RUS"], None, DataError, "each label once"),
        ([], None, DataError, "without a label"),
        (["RUS"], ["RUS"], DataError, "two different countries"),
    ],
)
def test_bad_labels_are_refused(wiod, powers, focal, error, message):
    with pytest.raises(error, match=message):
        leverage(wiod, powers, focal)


def test_bad_coalitions_are_refused(wiod):
    with pytest.raises(DataError, match="the focal state RUS among the powers"):
        joint_leverage(wiod, "RUS", POWERS)
    with pytest.raises(DataError, match="13 powers; allowed: at most 12"):
        joint_leverage(wiod, "AUS", wiod.labels[1:14])
