"""Flows of next to nothing: counted as zero where nothing can tell them from zero, refused where digits would be lost."""

import numpy as np
import pytest

from betweengiants.core.errors import DataError, NoEquilibrium
from betweengiants.trade import SectorMatrix, TradeMatrix, exposures, leverage, severance, solve
from betweengiants.trade.matrix import UNSEEN
from betweengiants.trade.sector_engine import solve_sectors

LABELS = ("A", "B", "C", "D")
THETA = 4.0
INVISIBLE = [1e-320, 1e-310, 1e-200, 1e-30, 1e-17]


def world(value: float, state: str = "D", *, home: float | None = None) -> np.ndarray:
    """Four equal countries; what one of them trades with the others is `value`."""
    flows = np.full((4, 4), 50.0)
    np.fill_diagonal(flows, 1000.0)
    at = LABELS.index(state)
    flows[at, :] = flows[:, at] = value
    flows[at, at] = 1000.0 if home is None else home
    return flows


@pytest.mark.parametrize("value", INVISIBLE)
def test_what_nothing_can_see_counts_as_zero_and_is_noted(value):
    matrix, none = TradeMatrix(LABELS, world(value)), TradeMatrix(LABELS, world(0.0))
    np.testing.assert_array_equal(matrix.flows, none.flows)
    assert (matrix.unseen, none.unseen) == (6, 0)
    assert any("6 flows count as zero" in note for note in matrix.notes())
    assert not any("count" in note for note in none.notes())
    sweep, expected = (leverage(m, ["A", "B"], theta=THETA).frame() for m in (matrix, none))
    assert sweep.equals(expected)


@pytest.mark.parametrize("value", INVISIBLE)
def test_a_state_that_only_seems_linked_is_named(value):
    with pytest.raises(NoEquilibrium, match="falls into pieces") as caught:
        exposures(TradeMatrix(LABELS, world(value)), THETA)
    assert list(caught.value.states) == ["D"]


def test_a_small_state_keeps_its_flows_whatever_its_size():
    losses = [
        solve(TradeMatrix(LABELS, world(size, home=size)), severance([("D", "A")]), THETA).welfare_change[
            0, 3
        ]
        for size in (1e-9, 1e-40, 1e-120)
    ]
    assert losses[0] < -0.01
    np.testing.assert_allclose(losses, losses[0], rtol=1e-9)


def test_a_flow_that_one_side_can_see_stays():
    flows = world(50.0)
    flows[3, 3], flows[:3, 3], flows[3, :3] = 1.0, 1e-10, 1e-10
    assert TradeMatrix(LABELS, flows * 1e6).unseen == 0
    flows[0, 1] = UNSEEN * flows[0].sum() / 2
    assert TradeMatrix(LABELS, flows).unseen == 1


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        (world(1e-320, home=1e-320), "a flow of 9.99989e-321 from A to D where all add up to 3300"),
        (world(50.0, home=1e-200), "a flow of 1e-200 from D to D"),
        (np.full((4, 4), 1e-315), "allowed: 0, or at least 2.23e-308"),
    ],
)
def test_flows_whose_digits_would_be_lost_are_refused_by_name(flows, message):
    with pytest.raises(DataError) as caught:
        TradeMatrix(LABELS, flows)
    assert message in str(caught.value)
    with pytest.raises(DataError) as caught:
        SectorMatrix(LABELS, ("x",), flows[:, :, None])
    assert message.removesuffix(" where all add up to 3300") in str(caught.value).replace(" (x)", "")


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("value", INVISIBLE)
def test_the_same_holds_for_several_sectors(value, horizon):
    tiny, none = (
        SectorMatrix(LABELS, ("x", "y"), np.stack([world(v), world(50.0)], axis=2)) for v in (value, 0.0)
    )
    assert tiny.unseen == 6
    np.testing.assert_array_equal(tiny.flows, none.flows)
    assert any("6 flows count as zero" in note for note in tiny.notes())
    cut = severance([("A", "B")])
    changes = [solve_sectors(m, cut, THETA, horizon=horizon).welfare_change for m in (tiny, none)]
    np.testing.assert_array_equal(*changes)


def test_sectors_are_seen_beside_their_own_size():
    flows = np.stack([world(50.0), 1e-20 * world(50.0)], axis=2)
    assert SectorMatrix(LABELS, ("x", "y"), flows).unseen == 0
