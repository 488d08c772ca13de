"""What must hold on any network: the same plan from a network laid out in time, conservation, and monotonicity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.network import Programme, close_edges, simulate

often = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
STEP, CLOSED, OPEN = 10, 30, 30
ASKED = {"days": CLOSED, "recovery_days": OPEN, "step_days": STEP}


def one_way(spec):
    """The same with edges of one direction: then net flows show all that moves."""
    return replace(spec, edges={name: {**row, "bidirectional": False} for name, row in spec.edges.items()})


def some_edges(spec, seed):
    return sorted(np.random.default_rng(seed).choice(list(spec.edges), 2, replace=False).tolist())


def some_stores(spec, seed, count=2):
    rng = np.random.default_rng(seed)
    places = [(node, commodity) for node in spec.nodes for commodity in ("grain", "oil")]
    chosen = rng.choice(len(places), count, replace=False)
    rows = []
    for place in chosen:
        capacity = float(rng.integers(1, 30)) / 10
        limits = [None if rng.random() < 0.5 else float(rng.integers(1, 9)) / 100 for _ in range(2)]
        rows.append(
            (*places[place], capacity, round(capacity * rng.random(), 2), *limits, float(rng.integers(0, 3)))
        )
    columns = ["node_id", "commodity", "capacity", "initial", "max_in", "max_out", "cost"]
    kinds = dict.fromkeys(columns[:2], pl.String) | dict.fromkeys(columns[2:], pl.Float64)
    return pl.DataFrame(rows, schema=kinds, orient="row")


def some_ramps(spec, seed, slower=1.0):
    rng = np.random.default_rng(seed)
    rows = []
    for edge, row in spec.edges.items():
        measures = ["notice_days", "restart_days"] + (["ramp_days"] if row["capacity"] is not None else [])
        rows += [(edge, m, slower * float(rng.integers(1, 40))) for m in measures if rng.random() < 0.5]
    for node in sorted({row[0] for row in spec.supply}):
        days = [(node, m, slower * float(rng.integers(1, 40))) for m in ("restart_days", "turndown_days")]
        rows += [row for row in days if rng.random() < 0.7]
        if rng.random() < 0.3:
            rows.append((node, "least_share", 0.2))
    kinds = {"asset_id": pl.String, "measure": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def laid_out_in_time(make, spec, shut, store, worth):
    """The same as a steady network: every node once for each period, stores as edges from one to the next."""
    share = STEP / 365
    node, commodity, capacity, initial, max_in, max_out, cost = store
    edges, supply, demand = {}, [], []
    nodes = {"end": None}
    periods = range((CLOSED + OPEN) // STEP)

    def put(name, start, end, limit, price=0.0, **more):
        edges[name] = {"from_node": start, "to_node": end, "capacity": limit, "cost": price, **more}

    for p in periods:
        nodes |= {f"{n}@{p}": None for n in [*spec.nodes, "store"]}
        for name, row in spec.edges.items():
            limit = None if row["capacity"] is None else row["capacity"] * share
            limit = 0.0 if name in shut and p < CLOSED // STEP else limit
            ends = {end: f"{row[end]}@{p}" for end in ("from_node", "to_node")}
            edges[f"{name}@{p}"] = {**row, **ends, "capacity": limit}
        supply += [(f"{n}@{p}", k, q * share, c) for n, k, q, c in spec.supply]
        demand += [(f"{n}@{p}", k, q * share, c) for n, k, q, c in spec.demand]
        only = {"commodities": commodity}
        rates = [None if rate is None else rate * STEP for rate in (max_in, max_out)]
        put(f"in@{p}", f"{node}@{p}", f"store@{p}", rates[0], cost, **only)
        put(f"out@{p}", f"store@{p}", f"{node}@{p}", rates[1], **only)
        onward = f"store@{p + 1}" if p + 1 in periods else "end"
        put(f"keep@{p}", f"store@{p}", onward, capacity, **only)
    supply.append(("store@0", commodity, initial, 0.0))
    demand.append(("end", commodity, capacity, worth))
    return make(nodes, edges, supply, demand)


@often
@given(seeds)
def test_full_foresight_is_the_programme_of_a_network_laid_out_in_time(
    make, at_random, value_by_linprog, seed
):
    spec = at_random(seed)
    network, shut = spec.network(), some_edges(spec, seed)
    storage = some_stores(spec, seed, 1)
    result = simulate(network, close_edges(network, shut), storage=storage, foresight="full", **ASKED)
    if result.stores.height == 0:  # nothing of it can come by
        storage = storage.with_columns(initial=0.0)
    worth = float(result.stock_worth["worth"].sum())
    other = laid_out_in_time(make, spec, shut, storage.row(0), worth)
    assert result.value == pytest.approx(
        value_by_linprog(other) - worth * storage["initial"][0], rel=1e-7, abs=1e-7
    )


@often
@given(seeds)
def test_what_a_store_holds_is_worth_what_one_more_unit_adds_to_a_year(at_random, value_by_linprog, seed):
    spec, little = at_random(seed), 1e-3
    network, storage = spec.network(), some_stores(spec, seed, 1)
    result = simulate(network, network.everything, storage=storage, **ASKED)
    if result.stores.height:
        more = replace(spec, supply=[*spec.supply, (*storage.row(0)[:2], little, 0.0)])
        gain = (value_by_linprog(more) - value_by_linprog(spec)) / little
        assert result.stock_worth["worth"][0] == pytest.approx(gain, abs=1e-3)


@often
@given(seeds)
def test_goods_are_conserved_and_limits_kept(at_random, seed):
    spec = one_way(at_random(seed))
    network = spec.network()
    storage, ramps = some_stores(spec, seed), some_ramps(spec, seed)
    for foresight in ("none", "full"):
        result = simulate(
            network,
            close_edges(network, some_edges(spec, seed)),
            storage=storage,
            ramps=ramps,
            backlog_share=0.3,
            foresight=foresight,
            **ASKED,
        )
        assert result.residual < 1e-9
        assert result.periods["delivered"].sum() == pytest.approx(result.markets["delivered"].sum(), abs=1e-9)
        gone = balance(network, result)
        assert np.abs(gone["left"].to_numpy()).max(initial=0.0) < 1e-9
        check_limits(result, storage)
        check_pace(spec, result, ramps)


def balance(network, result):
    """Sum over each period and commodity: made and taken out, less delivered, wasted, put in and lost on the way."""
    key = ["start_day", "commodity"]
    loss = network.edges.select("edge_id", "loss")
    on_the_way = (
        result.edges.join(loss, on="edge_id").group_by(key).agg(lost=(pl.col("flow") * pl.col("loss")).sum())
    )
    made = result.supplies.group_by(key).agg(made=(pl.col("produced") - pl.col("wasted")).sum())
    whole = result.periods.join(on_the_way, on=key, how="left").join(made, on=key, how="left").fill_null(0.0)
    left = pl.col("made") - pl.col("delivered") - pl.col("stored") - pl.col("lost_right")
    return whole.with_columns(left=left)


def check_limits(result, storage):
    for store in storage.iter_rows(named=True):
        rows = result.stores.filter(
            (pl.col("node_id") == store["node_id"]) & (pl.col("commodity") == store["commodity"])
        )
        if rows.height == 0:
            continue
        levels = np.concatenate([[store["initial"]], rows["level"].to_numpy()])
        moved = (rows["put_in"] - rows["taken_out"]).to_numpy()
        assert np.diff(levels) == pytest.approx(moved, abs=1e-9)
        assert levels.min() >= 0.0
        assert levels.max() <= store["capacity"]
        for column, limit in (("put_in", "max_in"), ("taken_out", "max_out")):
            assert store[limit] is None or rows[column].max() <= store[limit] * STEP + 1e-9
    used = result.edges.group_by("start_day", "edge_id").agg(
        pl.col("flow").abs().sum(), pl.col("limit").first()
    )
    assert (used["flow"] - used["limit"].fill_null(np.inf)).max() < 1e-9


def check_pace(spec, result, ramps):
    """Production changes from one period to the next by no more than its pace allows."""
    days = {(asset, measure): value for asset, measure, value in ramps.iter_rows()}
    for node, commodity, quantity, _ in spec.supply:
        rows = result.supplies.filter((pl.col("node_id") == node) & (pl.col("commodity") == commodity))
        change = np.diff(rows["produced"].to_numpy() * 365 / STEP)
        for measure, sign in (("turndown_days", -1.0), ("restart_days", 1.0)):
            if (node, measure) in days:
                assert (sign * change).max() <= quantity * STEP / days[node, measure] + 1e-6
        floor = min(days.get((node, "least_share"), 0.0) * quantity, rows["usual"].min() * 365 / STEP)
        assert rows["produced"].min() * 365 / STEP >= floor - 1e-6


@often
@given(seeds)
def test_without_stores_and_ramps_every_day_is_a_day_of_the_steady_severance(at_random, seed):
    spec = at_random(seed)
    network = spec.network()
    limits = close_edges(network, some_edges(spec, seed))
    programme = Programme(network)
    before = programme.solve()
    after = programme.solve(limits, near=before.arrays)
    for foresight in ("none", "full"):
        result = simulate(network, limits, foresight=foresight, programme=programme, before=before, **ASKED)
        assert result.value == pytest.approx((before.value * OPEN + after.value * CLOSED) / 365, abs=1e-8)
        delivered = result.periods.group_by("start_day").agg(pl.col("delivered").sum()).sort("start_day")
        kept = np.minimum(after.arrays.demand, before.arrays.demand).sum() * STEP / 365
        assert delivered["delivered"][: CLOSED // STEP].min() >= kept - 1e-8


@often
@given(seeds)
def test_zero_days_lose_nothing(at_random, seed):
    spec = at_random(seed)
    network = spec.network()
    storage = some_stores(spec, seed, 3)
    result = simulate(
        network,
        close_edges(network, some_edges(spec, seed)),
        days=0,
        recovery_days=40,
        step_days=STEP,
        storage=storage,
        ramps=some_ramps(spec, seed),
        backlog_share=0.5,
    )
    assert result.value == pytest.approx(result.value_usual, abs=1e-8)
    assert result.value_lost == pytest.approx(0.0, abs=1e-8)
    assert result.periods["lost"].abs().max() < 1e-8
    assert result.stores["put_in"].max() in (None, 0.0)


@often
@given(seeds, st.sampled_from(["none", "full"]))
def test_closing_longer_never_loses_less(at_random, seed, foresight):
    """Over the same window, with everything that time brings."""
    spec = at_random(seed)
    network = spec.network()
    limits = close_edges(network, some_edges(spec, seed))
    lost = [
        simulate(
            network,
            limits,
            days=days,
            recovery_days=60 - days,
            step_days=STEP,
            storage=some_stores(spec, seed),
            ramps=some_ramps(spec, seed),
            backlog_share=0.3,
            foresight=foresight,
        ).value_lost
        for days in (0, 10, 30, 40, 60)
    ]
    assert (np.diff(lost) >= -1e-7).all()


@often
@given(seeds)
def test_knowing_more_closing_less_and_moving_faster_never_lose_more(at_random, seed):
    spec = at_random(seed)
    network, (first, second) = spec.network(), some_edges(spec, seed)
    storage = some_stores(spec, seed)

    def lost(edges=(first, second), store=storage, slower=1.0, foresight="full", backlog=0.3):
        return simulate(
            network,
            close_edges(network, edges),
            storage=store,
            ramps=some_ramps(spec, seed, slower),
            backlog_share=backlog,
            foresight=foresight,
            **ASKED,
        ).value_lost

    base = lost()
    assert lost(foresight="none") >= base - 1e-7
    assert lost(edges=(first,)) <= base + 1e-7
    assert lost(slower=2.0) >= base - 1e-7
    assert lost(store=storage.with_columns(pl.col("capacity") * 2)) <= base + 1e-7
    assert lost(backlog=0.0) >= base - 1e-7


@often
@given(seeds, st.sampled_from([1e-3, 1e4]))
def test_other_units_of_quantity_and_money_change_nothing(make, at_random, seed, scale):
    spec = at_random(seed)
    money = 8.0
    edges = {
        name: {
            **row,
            "capacity": None if row["capacity"] is None else row["capacity"] * scale,
            "cost": row["cost"] * money,
        }
        for name, row in spec.edges.items()
    }
    volumes = ([(n, k, q * scale, c * money) for n, k, q, c in rows] for rows in (spec.supply, spec.demand))
    other = make(spec.nodes, edges, *volumes)
    stores = some_stores(spec, seed)
    sizes = ("capacity", "initial", "max_in", "max_out")
    scaled = stores.with_columns(*(pl.col(size) * scale for size in sizes), cost=pl.col("cost") * money)
    slow, results = some_ramps(spec, seed), []
    for one, storage in ((spec, stores), (other, scaled)):
        network = one.network()
        shut = close_edges(network, some_edges(spec, seed))
        results.append(simulate(network, shut, storage=storage, ramps=slow, **ASKED))
    assert results[1].value / scale / money == pytest.approx(results[0].value, rel=1e-8, abs=1e-8)


def test_the_same_question_has_the_same_answer(at_random):
    spec = at_random(7)
    network = spec.network()
    asked = {"storage": some_stores(spec, 7), "ramps": some_ramps(spec, 7), **ASKED}
    one, other = (simulate(network, close_edges(network, some_edges(spec, 7)), **asked) for _ in range(2))
    for name in ("periods", "markets", "edges", "stores", "supplies", "table", "totals"):
        assert getattr(one, name).equals(getattr(other, name))
