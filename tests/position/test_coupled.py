"""Trade and roads in one equilibrium: what must add up, what must not change, and the same numbers for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position import draw_store
from betweengiants.position.coupled import MODEL, can_couple, world
from betweengiants.position.coupled_channel import (
    Coupled,
    carried,
    coupled,
    coupled_channel,
    spread,
)
from betweengiants.position.coupled_draws import BLOCK, CoupledDraws, column, coupled_draws, strata
from betweengiants.position.results import coalition_name, coalitions, to_frame
from betweengiants.position.sector_channel import sector_matrices
from betweengiants.trade import coalition, solve_sectors

HORIZONS = ("short", "long")


@pytest.fixture(scope="module")
def joint(dossier: Dossier) -> Coupled:
    return coupled(dossier)


@pytest.fixture(scope="module")
def table(dossier: Dossier, joint: Coupled) -> pl.DataFrame:
    return to_frame(dossier.focal, coupled_channel(dossier, joint).results)


@pytest.fixture(scope="module")
def few(dossier: Dossier) -> CoupledDraws:
    return coupled_draws(dossier, 30, seed=4)


def number(table: pl.DataFrame, measure: str, case: str, horizon: str, member: str | None = None) -> float:
    wanted = (pl.col("measure") == measure) & (pl.col("coalition") == case) & (pl.col("horizon") == horizon)
    if member is not None:
        wanted &= pl.col("member") == member
    return float(table.filter(wanted)["value"].item())


def test_parts_and_interaction_add_up_for_every_coalition(
    dossier: Dossier, joint: Coupled, table: pl.DataFrame
) -> None:
    for horizon in HORIZONS:
        for group in coalitions(dossier.powers):
            case = coalition_name(group)
            parts = [number(table, f"part_{channel}_pct", case, horizon) for channel in joint.channels]
            rest = number(table, "interaction_pct", case, horizon)
            whole = number(table, "leverage_pct", case, horizon, dossier.focal)
            assert sum(parts) + rest == pytest.approx(whole, abs=1e-9)


def test_shapley_shares_add_up_to_the_joint_loss(dossier: Dossier, table: pl.DataFrame) -> None:
    everyone = coalition_name(dossier.powers)
    for horizon in HORIZONS:
        shares = [number(table, "shapley_pct", everyone, horizon, power) for power in dossier.powers]
        whole = number(table, "leverage_pct", everyone, horizon, dossier.focal)
        assert sum(shares) == pytest.approx(whole, abs=1e-9)


def test_without_roads_it_is_the_trade_model_itself(dossier: Dossier, joint: Coupled) -> None:
    matrix = sector_matrices(dossier)[MODEL]
    for h, horizon in enumerate(HORIZONS):
        theta = dossier.parameter(f"theta_{horizon}")[0]
        for group in coalitions(dossier.powers):
            scenario = coalition(dossier.focal, group)
            own = solve_sectors(matrix, scenario, theta, horizon=horizon).welfare_change[0]  # type: ignore[arg-type]
            found = joint.loss[joint.row(group, ("trade",)), h, 0]
            assert found == pytest.approx(-own[matrix.index(dossier.focal)], abs=1e-12)


def test_a_dossier_without_roads_has_trade_alone(
    dossier: Dossier, joint: Coupled, with_tables: Callable[..., Dossier]
) -> None:
    roads = {name: None for name in dossier.tables if name.startswith("network_")}
    bare = with_tables(**roads)
    assert can_couple(bare)
    found = coupled(bare)
    assert found.channels == ("trade",)
    for group in coalitions(dossier.powers):
        both = found.loss[found.row(group, ("trade",))], joint.loss[joint.row(group, ("trade",))]
        assert both[0] == pytest.approx(both[1], abs=1e-12)


def test_without_trade_the_caps_take_the_value_that_the_network_loses(dossier: Dossier) -> None:
    """Group by group: where the trade model has such goods, the value stopped is the value lost by the network."""
    here = world(dossier, "short")
    for name, road in here.roads.items():
        value = here.coupling.value[name].sum(axis=1)
        placed = here.coupling.weight[name] @ here.matrix.flows[tuple(here.coupling.cells.T)]
        assert (placed <= value * (1 + 1e-12)).all()
        for case, (kept, rise) in here.effects[name].items():
            after = road.after(case)
            table = road.groups.table
            lost = table["value"].to_numpy() - road.groups.share @ (
                after.arrays.demand * road.network.arrays.demand_price
            )
            still = road.groups.share @ after.arrays.demand <= table["quantity"].to_numpy() * (1 + 1e-9)
            # Where a group is sold at one price, value falls with quantity.
            one_price = np.array(
                [len(set(road.network.arrays.demand_price[row > 0])) <= 1 for row in road.groups.share]
            )
            at = still & one_price
            assert (value * (1 - kept))[at] == pytest.approx(lost[at], rel=1e-9, abs=1e-6)
            assert ((kept >= 0) & (kept <= 1)).all()
            assert (rise >= 0).all()
            assert here.coupling.stopped(name, kept) == pytest.approx(float((1 - kept) @ placed), rel=1e-12)


def test_every_delivery_belongs_to_groups_in_full(dossier: Dossier) -> None:
    here = world(dossier, "short")
    for road in here.roads.values():
        assert road.groups.share.sum(axis=0) == pytest.approx(1.0, abs=1e-9)
        table = road.groups.table
        assert float(table["value"].sum()) == pytest.approx(road.before.gross_value, rel=1e-9)


def test_no_cell_is_filled_beyond_its_trade(dossier: Dossier) -> None:
    coupling = world(dossier, "short").coupling
    filled = np.sum([weight.sum(axis=0) for weight in coupling.weight.values()], axis=0)
    assert (filled <= 1 + 1e-12).all()
    shares = carried(coupling, dossier.focal)
    assert 0.5 < shares["exports"] < 1
    assert 0 < shares["imports"] < 1


def test_closing_nothing_changes_nothing(dossier: Dossier) -> None:
    here = world(dossier, "short")
    whole = {name: np.ones(road.groups.table.height) for name, road in here.roads.items()}
    none = {name: np.zeros(road.groups.table.height) for name, road in here.roads.items()}
    cap, factor = here.coupling.changed(whole, none)
    assert (cap == 1).all()
    assert (factor == 1).all()
    assert here.coupling.scenario_cells(cap, factor, []) == []


def test_renaming_the_powers_renames_the_result(
    dossier: Dossier, joint: Coupled, with_tables: Callable[..., Dossier]
) -> None:
    turned = coupled(with_tables(powers=tuple(reversed(dossier.powers))))
    for group in coalitions(dossier.powers):
        ours = joint.loss[joint.row(group, joint.channels), :, 0]
        assert turned.loss[turned.row(group, turned.channels), :, 0] == pytest.approx(ours, abs=1e-9)


def test_a_commodity_without_a_sector_is_named(dossier: Dossier, with_tables: Callable[..., Dossier]) -> None:
    rows = dossier.tables["network_sectors"]
    with pytest.raises(UnknownLabel, match="crude-kaz"):
        world(with_tables(network_sectors=rows.filter(pl.col("commodity") != "crude-kaz")), "short")


def test_shares_that_do_not_add_up_are_named(dossier: Dossier, with_tables: Callable[..., Dossier]) -> None:
    rows = dossier.tables["network_sectors"].with_columns(
        share=pl.when(pl.col("commodity") == "coal").then(0.5).otherwise(pl.col("share"))
    )
    with pytest.raises(DataError, match=r"coal that add up to 0\.5"):
        world(with_tables(network_sectors=rows), "short")


class Inline(Executor):
    """An executor that does at once what it is given, in another order than asked."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **kwargs: Any) -> Iterable[Any]:  # type: ignore[override]
        tasks = list(zip(*iterables, strict=True))
        done = {k: fn(*task) for k, task in reversed(list(enumerate(tasks)))}
        return [done[k] for k in range(len(tasks))]


def test_workers_and_their_order_do_not_change_a_byte(dossier: Dossier, few: CoupledDraws) -> None:
    other = coupled_draws(dossier, 30, seed=4, executor=Inline())
    assert other.loss.tobytes() == few.loss.tobytes()
    assert other.inputs.tobytes() == few.inputs.tobytes()


def test_draws_lie_about_the_central_case_and_differ(
    dossier: Dossier, joint: Coupled, few: CoupledDraws
) -> None:
    channel = coupled_channel(dossier, joint, few)
    table = to_frame(dossier.focal, channel.results)
    row = table.filter(
        (pl.col("measure") == "leverage_pct")
        & (pl.col("coalition") == dossier.powers[0])
        & (pl.col("member") == dossier.focal)
    )
    assert row.height == 2
    assert (row["low"] < row["value"]).all()
    assert (row["value"] < row["high"]).all()
    assert not (few.loss[0] == few.loss[1]).all()


def test_without_uncertainty_every_draw_is_the_central_case(
    joint: Coupled, with_tables: Callable[..., Dossier]
) -> None:
    certain = with_tables(uncertainty=None)
    found = coupled_draws(certain, 2)
    for k, (group, on) in enumerate(found.settings):
        assert found.loss[:, k] == pytest.approx(
            np.repeat(joint.loss[joint.row(group, on)][None], 2, axis=0), abs=1e-9
        )


def test_draws_that_were_kept_are_read_back(dossier: Dossier, few: CoupledDraws, tmp_path: Path) -> None:
    assert draw_store.load(tmp_path, dossier, 30, 4) is None
    draw_store.save(tmp_path, dossier, few)
    kept = draw_store.load(tmp_path, dossier, 30, 4)
    assert kept is not None
    assert kept.loss.tobytes() == few.loss.tobytes()
    assert kept.settings == few.settings
    assert draw_store.load(tmp_path, dossier, 30, 5) is None
    changed = replace(dossier, hashes=dossier.hashes | {"network_edges": "0" * 64})
    assert draw_store.load(tmp_path, changed, 30, 4) is None
    (next(tmp_path.iterdir())).write_bytes(b"not a file of draws")
    assert draw_store.load(tmp_path, dossier, 30, 4) is None


@pytest.mark.parametrize("draws", [0, -1, 1_000_000])
def test_a_number_of_draws_out_of_range_is_refused(dossier: Dossier, draws: int) -> None:
    with pytest.raises(DataError, match="draws"):
        coupled_draws(dossier, draws)


def test_intervals_of_draws() -> None:
    drawn = np.array([*np.linspace(0.0, 0.9, 10), np.nan])
    assert spread(0.5, drawn).high == pytest.approx(np.quantile(drawn[:-1], 0.95))
    assert spread(0.5, np.full(3, np.nan)) == spread(0.5, np.zeros(0))
    assert spread(2.0, np.array([0.0, 1.0])).high == 2.0


def test_a_balance_that_cannot_be_paid_takes_everything(
    dossier: Dossier, joint: Coupled, few: CoupledDraws
) -> None:
    """No upper end of a coalition lies above that of all powers, and what was not solved for another reason counts nowhere."""
    everyone = column(few, dossier.powers, joint.channels)
    loss = few.loss.copy()
    loss[:4, everyone, 0, 0], loss[4:6, everyone, 0, 0] = 1.0, np.nan
    drawn = few.filled(loss, few.inputs)
    assert (drawn.unpaid, drawn.failed) == (4, 2)
    channel = coupled_channel(dossier, joint, drawn)
    assert "In 4 of 30 draws some coalition leaves a trade balance" in " ".join(channel.gaps)
    assert "In 2 of 30 draws some coalition was not solved" in " ".join(channel.gaps)
    highs = {
        row.coalition: row.number.high
        for row in channel.results
        if row.measure == "leverage_pct" and row.horizon == "short" and row.member == dossier.focal
    }
    assert highs[coalition_name(dossier.powers)] == max(highs.values()) == pytest.approx(100)


def test_flows_are_a_latin_hypercube(few: CoupledDraws) -> None:
    """Every partner's noise takes each stratum once, columns are drawn apart, and each block of draws has flows of its own."""
    found = strata(3, 50, 40)
    assert (np.sort(found, axis=0) == np.arange(50)[:, None]).all()
    assert np.abs(np.corrcoef(found.T) - np.eye(40)).max() < 0.6
    assert not (found == strata(4, 50, 40)).all()
    noise = few.inputs[:, few.names.index("flows")]
    assert len(np.unique(noise)) == -(-30 // BLOCK)
