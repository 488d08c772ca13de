"""The balance index: indices known by hand and by full enumeration, invariants, gaps, draws, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position import Position, effective_vectors
from betweengiants.position.balance_choices import (
    FLOOR,
    Alternative,
    Choices,
    Layout,
    by_domain,
    by_group,
    geometric,
    logistic,
    min_max,
    rank,
    share,
    worst_of,
)
from betweengiants.position.balance_evidence import Evidence, evidence
from betweengiants.position.balance_index import BalanceIndex, balance_index
from betweengiants.position.balance_inputs import balance_evidence, losses_and_closeness
from betweengiants.position.balance_words import sentences
from betweengiants.position.coupled_draws import coupled_draws

POWERS = ("A", "B", "C")
KEYS = ("indicator", "domain", "group", "role", "main")


def table(rows: list[tuple[Any, ...]], powers: tuple[str, ...] = POWERS) -> pl.DataFrame:
    """Rows (indicator, domain, group, role, main, values); a value is a number, (value, low, high), or None."""
    long = []
    for *keys, values in rows:
        for power, cell in zip(powers, values, strict=True):
            value, low, high = cell if isinstance(cell, tuple) else (cell, None, None)
            long.append(
                dict(zip(KEYS, keys, strict=True))
                | {"power": power, "value": value, "low": low, "high": high}
            )
    return pl.DataFrame(long, schema_overrides={"value": pl.Float64, "low": pl.Float64, "high": pl.Float64})


PLAIN = [
    ("loss", "loss", "money", "tie", True, (20.0, 8.0, 2.0)),
    ("debt", "finance", "money", "tie", True, (5.0, 30.0, 10.0)),
    ("arms", "security", "force", "tie", True, (90.0, 1.0, 6.0)),
    ("bases", "security", "force", "tie", False, (100.0, 0.0, 0.0)),
    ("cost", "cost", "cost", "counter", True, (1.0, 0.2, 0.1)),
    ("votes", "alignment", "alignment", "alignment", True, (0.6, 0.8, 0.4)),
]


@pytest.fixture(scope="module")
def plain() -> Evidence:
    return evidence(table(PLAIN), POWERS)


@pytest.fixture(scope="module")
def made(plain: Evidence) -> BalanceIndex:
    return balance_index(plain, base=512, seed=1)


def one(values: tuple[float, ...], choices: Choices | None = None) -> BalanceIndex:
    """The index of a single tie."""
    return balance_index(evidence(table([("x", "x", "x", "tie", True, values)]), POWERS), choices, base=64)


def test_one_power_holds_all_or_all_hold_the_same() -> None:
    alone = one((7.0, 0.0, 0.0))
    assert alone.central.tolist() == [1.0, 0.0, 0.0]
    assert alone.state()["effective_vectors"].value == 1
    assert alone.state()["autonomy"].value == 0
    even = one((7.0, 7.0, 7.0))
    assert even.central == pytest.approx(np.full(3, 1 / 3), abs=1e-15)
    assert even.state()["effective_vectors"].value == pytest.approx(3, abs=1e-12)
    assert even.rank_chances == pytest.approx(np.full((3, 3), 1 / 3), abs=1e-15)
    assert not even.sobol.total.any()


def test_central_values_by_hand(plain: Evidence, made: BalanceIndex) -> None:
    """Shares of each domain's main tie, averaged over the three domains."""
    own = np.array([[20, 8, 2], [5, 30, 10], [90, 1, 6]], dtype=float)
    expected = (own / own.sum(axis=1, keepdims=True)).mean(axis=0)
    assert made.central == pytest.approx(expected, abs=1e-14)
    state = made.state()
    assert state["effective_vectors"].value == pytest.approx(effective_vectors(expected.tolist()), abs=1e-12)
    assert state["autonomy"].value == pytest.approx(1 - expected.max(), abs=1e-14)
    first, second = sorted(expected, reverse=True)[:2]
    assert state["margin"].value == pytest.approx(first - second, abs=1e-14)
    assert made.order == ("A", "B", "C")


def test_normalisations_by_hand() -> None:
    x = np.array([[[4.0, 1.0, 3.0], [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]])
    assert share(x)[0].tolist() == [[0.5, 0.125, 0.375], [1 / 3] * 3, [1 / 3] * 3]
    assert min_max(x)[0].tolist() == [[1.0, 0.0, pytest.approx(2 / 3)], [0.5] * 3, [0.5] * 3]
    assert rank(x)[0].tolist() == [[1.0, 0.0, 0.5], [0.5] * 3, [0.5] * 3]
    score = (x[0, 0] - x[0, 0].mean()) / x[0, 0].std()
    assert logistic(x)[0, 0] == pytest.approx(1 / (1 + np.exp(-score)))
    assert logistic(x)[0, 1].tolist() == [0.5] * 3


def test_weights_and_means_by_hand() -> None:
    layout = Layout(np.array([1, 1, 2, 3]), np.array([1, 1, 1, 2]))
    drawn = np.ones((2, 4))
    assert by_domain(layout, drawn)[1] == pytest.approx([1 / 6, 1 / 6, 1 / 3, 1 / 3])
    assert by_group(layout, drawn)[1] == pytest.approx([1 / 8, 1 / 8, 1 / 4, 1 / 2])
    u = np.array([[[0.2], [0.4], [0.9], [0.1]]])
    weight = by_domain(layout, drawn[:1])
    assert worst_of(u, weight, layout)[0, 0] == pytest.approx(0.9)
    lifted = FLOOR + (1 - FLOOR) * u[0, :, 0]
    mean = np.prod(lifted ** weight[0])
    assert geometric(u, weight, layout)[0, 0] == pytest.approx((mean - FLOOR) / (1 - FLOOR))


def test_what_cutting_costs_the_power_counts_against_its_hold(plain: Evidence) -> None:
    values = plain.central()[0, plain.indicators.index("cost")]
    assert values == pytest.approx([0.1, 0.9 + 0.0, 1.0])
    loss = plain.central()[0, plain.indicators.index("loss")]
    assert loss.tolist() == [20.0, 8.0, 2.0]


TWICE = {
    "normalisation": (Alternative("share", share, ""), Alternative("again", share, "")),
    "weights": (Alternative("by_domain", by_domain, ""), Alternative("again", by_domain, "")),
    "measures": (Alternative("all", False, ""), Alternative("again", False, "")),
    "gaps": (Alternative("bounded", True, ""), Alternative("again", True, "")),
    "scope": (Alternative("ties", frozenset({"tie"}), ""), Alternative("again", frozenset({"tie"}), "")),
    "aggregation": (Alternative("geometric", geometric, ""), Alternative("again", geometric, "")),
}


@pytest.mark.parametrize("choice", TWICE)
def test_two_identical_alternatives_have_exactly_no_effect(plain: Evidence, choice: str) -> None:
    found = balance_index(plain, replace(Choices(), **{choice: TWICE[choice]}), base=256)
    at = found.sobol.inputs.index(choice)
    assert not found.sobol.first[at].any()
    assert not found.sobol.total[at].any()
    assert (found.sobol.total.sum(axis=0) > 0.5).all()


def test_what_does_not_vary_has_exactly_no_effect(made: BalanceIndex) -> None:
    """No value has a range, no loss has draws, and every gap is closed."""
    for name in ("ranges", "loss_draws", "gaps"):
        at = made.sobol.inputs.index(name)
        assert not made.sobol.first[at].any()
        assert not made.sobol.total[at].any()


def reference(pick: dict[str, str]) -> list[float]:
    """The index of PLAIN, indicator by indicator."""
    roles = {"ties": ["tie"], "ties_less_cost": ["tie", "counter"], "ties_alignment": ["tie", "alignment"]}
    wanted = roles.get(pick["scope"], ["tie", "counter", "alignment"])
    rows = [row for row in PLAIN if row[3] in wanted and (row[4] or pick["measures"] == "all")]
    domains = sorted({row[1] for row in rows})
    groups = {row[2]: {other[1] for other in rows if other[2] == row[2]} for row in rows}
    hold = []
    for p in range(3):
        parts: dict[str, float] = {}
        logs: dict[str, float] = {}
        weights: dict[str, float] = {}
        for _, domain, group, role, _, values in rows:
            x = [max(values) + min(values) - v if role == "counter" else v for v in values]
            mean = sum(x) / 3
            deviation = (sum((v - mean) ** 2 for v in x) / 3) ** 0.5
            u = {
                "share": x[p] / sum(x),
                "min_max": (x[p] - min(x)) / (max(x) - min(x)),
                "rank": sum((x[p] > v) + 0.5 * (x[p] == v) for k, v in enumerate(x) if k != p) / 2,
                "logistic": 1 / (1 + np.exp(-(x[p] - mean) / deviation)),
            }[pick["normalisation"]]
            inside = sum(row[1] == domain for row in rows)
            weight = 1 / len(domains) / inside
            if pick["weights"] == "by_group":
                weight = 1 / len(groups) / len(groups[group]) / inside
            parts[domain] = parts.get(domain, 0) + weight * u
            logs[domain] = logs.get(domain, 0) + weight * np.log(FLOOR + (1 - FLOOR) * u)
            weights[domain] = weights.get(domain, 0) + weight
        hold.append(
            {
                "arithmetic": sum(parts.values()),
                "geometric": (np.exp(sum(logs.values())) - FLOOR) / (1 - FLOOR),
                "worst_of": max(parts[name] / weights[name] for name in parts),
            }[pick["aggregation"]]
        )
    return [value / sum(hold) for value in hold]


def test_every_combination_and_its_sobol_indices_by_full_enumeration(plain: Evidence) -> None:
    """With choices alone the indices are sums over all combinations, equally likely."""
    choices = Choices()
    choices = replace(choices, weights=choices.weights[:2])
    groups = choices.groups()
    names = [name for name in groups if name != "gaps"]
    sizes = [len(groups[name]) for name in names]
    vectors = np.empty(sizes)
    margin = np.empty(sizes)
    for at in product(*(range(size) for size in sizes)):
        index = reference({name: groups[name][k].name for name, k in zip(names, at, strict=True)})
        vectors[at] = 1 / sum(v * v for v in index)
        margin[at] = index[0] - index[1]
    found = balance_index(plain, choices, base=4096, seed=2)
    assert found.drawn.shape == (8192, 3)
    for m, values in ((0, vectors), (2, margin)):
        assert found.sobol.variance[m] == pytest.approx(values.var(), rel=0.03)
        for axis, name in enumerate(names):
            others = tuple(k for k in range(len(names)) if k != axis)
            first = values.mean(axis=others).var() / values.var()
            total = values.var(axis=axis).mean() / values.var()
            at_input = found.sobol.inputs.index(name)
            assert found.sobol.first[at_input, m] == pytest.approx(first, abs=0.03)
            assert found.sobol.total[at_input, m] == pytest.approx(total, abs=0.03)
    for (choice, alternative), index in found.one_at_a_time.items():
        central = {name: groups[name][0].name for name in names}
        assert index == pytest.approx(reference(central | {choice: alternative}), abs=1e-12)


def test_the_same_seed_gives_the_same_bytes(plain: Evidence, made: BalanceIndex) -> None:
    again = balance_index(plain, base=512, seed=1)
    assert again.drawn.tobytes() == made.drawn.tobytes()
    assert again.drivers().equals(made.drivers())
    assert balance_index(plain, base=512, seed=2).drawn.tobytes() != made.drawn.tobytes()


def test_the_order_of_powers_and_rows_changes_no_number(made: BalanceIndex) -> None:
    turned = balance_index(evidence(table(PLAIN).reverse(), ("C", "A", "B")), base=512)
    assert turned.central == pytest.approx(made.central[[2, 0, 1]], abs=1e-14)
    for key, index in made.one_at_a_time.items():
        assert turned.one_at_a_time[key] == pytest.approx(index[[2, 0, 1]], abs=1e-12)
    assert turned.order == made.order


def test_units_do_not_matter(made: BalanceIndex) -> None:
    scaled = [(*keys, tuple(1000 * v for v in values)) for *keys, values in PLAIN]
    assert balance_index(evidence(table(scaled), POWERS), base=512).central == pytest.approx(
        made.central, abs=1e-12
    )


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(0, 5),
)
def test_invariants(values: list[list[int]], seed: int) -> None:
    rows = [(f"i{k}", f"d{k % 2}", "g", "tie", True, tuple(map(float, v))) for k, v in enumerate(values)]
    found = balance_index(evidence(table(rows), POWERS), base=32, seed=seed)
    assert found.drawn.sum(axis=1) == pytest.approx(np.ones(64), abs=1e-12)
    assert (found.drawn >= -1e-15).all()
    assert found.rank_chances.sum(axis=0) == pytest.approx(np.ones(3), abs=1e-12)
    assert found.rank_chances.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-12)
    vectors, free = found.state()["effective_vectors"], found.state()["autonomy"]
    assert 1 - 1e-12 <= vectors.low <= vectors.high <= 3 + 1e-12
    assert -1e-12 <= free.low <= free.high <= 2 / 3 + 1e-12
    powers = found.powers_table()
    assert (powers["rank_low"] <= powers["rank"]).all()
    assert (powers["rank"] <= powers["rank_high"]).all()


def test_gaps_stay_gaps_or_stay_within_what_is_left() -> None:
    rows = [
        ("loss", "loss", "loss", "tie", True, (20.0, 8.0, 2.0)),
        ("arms", "arms", "arms", "tie", True, (88.0, (None, None, 12.0), (None, None, 12.0))),
        ("grid", "grid", "grid", "tie", True, (100.0, None, None)),
    ]
    found = evidence(table(rows), POWERS)
    ties = frozenset({"tie"})
    assert found.usable(ties, True, within_bounds=True).tolist() == [True, True, False]
    assert found.usable(ties, True, within_bounds=False).tolist() == [True, False, False]
    u = np.random.default_rng(1).random((500, 3, 4))
    arms = found.drawn(u, u[:, 0, 0])[:, 1]
    assert (arms[:, 0] == 88).all()
    assert (arms[:, 1:] > 0).all()
    assert (arms[:, 1:].sum(axis=1) <= 12).all()
    # Two unknown and the others share out the bound: each has a third of it on average.
    assert arms[:, 1:].mean(axis=0) == pytest.approx([4, 4], abs=0.4)
    assert found.central()[0, 1].tolist() == [88.0, 4.0, 4.0]
    index = balance_index(found, base=256)
    assert index.one_at_a_time["gaps", "left_out"] == pytest.approx(np.array([20, 8, 2]) / 30)
    assert index.sobol.total[index.sobol.inputs.index("gaps"), 0] > 0.05
    shown = {row["indicator"]: (row["used"], row["not_known"]) for row in index.indicators_table().to_dicts()}
    assert shown == {"loss": ("always", None), "arms": ("within bounds", "B, C"), "grid": ("never", "B, C")}
    cover = {
        row["power"]: (row["known"], row["bounded"], row["missing"])
        for row in index.powers_table().to_dicts()
    }
    assert cover == {"A": (3, 0, 0), "B": (1, 1, 1), "C": (1, 1, 1)}
    assert "left out for all, because some power's value has no bound: grid" in sentences("S", index)[-1]


def test_values_are_drawn_within_their_ranges() -> None:
    """An estimate inside its range is triangular, a bound at its end uniform; mean and share say which."""
    rows = [("x", "x", "x", "tie", True, ((2.0, 0.0, 10.0), (30.0, 30.0, 65.0), 5.0))]
    drawn = evidence(table(rows), POWERS).drawn(
        np.random.default_rng(2).random((20_000, 1, 4)), np.zeros(20_000)
    )
    x = drawn[:, 0]
    assert x.min(axis=0) == pytest.approx([0, 30, 5], abs=0.2)
    assert x.max(axis=0) == pytest.approx([10, 65, 5], abs=0.2)
    assert x.mean(axis=0) == pytest.approx([(0 + 2 + 10) / 3, 47.5, 5], abs=0.2)


def test_losses_are_drawn_together() -> None:
    rows = [
        ("short", "loss", "loss", "tie", True, (20.0, 8.0, 2.0)),
        ("long", "loss", "loss", "tie", True, (4.0, 3.0, 1.0)),
        ("debt", "debt", "debt", "tie", True, (1.0, 2.0, 3.0)),
    ]
    rng = np.random.default_rng(3)
    samples = {"short": rng.random((7, 3)), "long": rng.random((7, 3))}
    found = evidence(table(rows), POWERS, samples)
    u = rng.random((200, 3, 4))
    drawn = found.drawn(u, u[:, 0, 0])
    both = {tuple(row) for row in np.column_stack([samples["short"], samples["long"]]).tolist()}
    assert {tuple(row) for row in np.column_stack([drawn[:, 0], drawn[:, 1]]).tolist()} == both
    assert (drawn[:, 2] == [1, 2, 3]).all()
    assert found.central()[0, 0].tolist() == [20, 8, 2]
    index = balance_index(found, base=256)
    assert index.sobol.total[index.sobol.inputs.index("loss_draws"), 0] > 0.01


@pytest.mark.parametrize(
    ("frame", "powers", "message"),
    [
        (table(PLAIN), ("A",), "two or more"),
        (table(PLAIN), ("A", "A", "B"), "each once"),
        (table(PLAIN), ("A", "B"), "C"),
        (table(PLAIN).drop("value"), POWERS, "no column 'value'"),
        (pl.concat([table(PLAIN), table(PLAIN)[:1]]), POWERS, "second row"),
        (table([("x", "x", "x", "tie", True, (-1.0, 0.0, 1.0))]), POWERS, "at least 0"),
        (table([("x", "x", "x", "tie", True, (float("inf"), 0.0, 1.0))]), POWERS, "finite"),
        (table([("x", "x", "x", "tie", True, ((5.0, 6.0, 7.0), 0.0, 1.0))]), POWERS, "inside its range"),
        (table([("x", "x", "x", "hope", True, (1.0, 0.0, 1.0))]), POWERS, "hope"),
        (
            table([("x", "d", "x", "tie", True, (1.0, 2.0, 3.0))]).with_columns(
                domain=pl.when(pl.col("power") == "B").then(pl.lit("e")).otherwise("domain")
            ),
            POWERS,
            "the same in all rows",
        ),
    ],
)
def test_bad_tables_are_refused(frame: pl.DataFrame, powers: tuple[str, ...], message: str) -> None:
    with pytest.raises((DataError, UnknownLabel), match=message):
        evidence(frame, powers)


def test_other_bad_input_is_refused(plain: Evidence) -> None:
    with pytest.raises(UnknownLabel, match="lost"):
        evidence(table(PLAIN), POWERS, {"lost": np.ones((2, 3))})
    for bad in (np.ones((2, 2)), np.full((2, 3), np.nan), -np.ones((2, 3))):
        with pytest.raises(DataError, match="draws of loss"):
            evidence(table(PLAIN), POWERS, {"loss": bad})
    with pytest.raises(DataError, match="power of 2"):
        balance_index(plain, base=100)
    with pytest.raises(DataError, match="up to 16384"):
        balance_index(plain, base=32_768)
    only_gaps = evidence(table([("x", "x", "x", "tie", True, (1.0, None, 2.0))]), POWERS)
    with pytest.raises(DataError, match="known of every power"):
        balance_index(only_gaps, base=64)


def test_sentences_follow_from_the_numbers(made: BalanceIndex) -> None:
    text = sentences("S", made)
    assert f"A {100 * made.central[0]:.0f}" in text[0]
    chance = made.rank_chances[0, 0]
    assert f"A comes first in {round(100 * chance)} of 100 sets of choices" in text[0]
    top = made.drivers().filter(pl.col("result") == "effective_vectors")[0].to_dicts()[0]
    assert f"({100 * top['total']:.0f} percent of its variance" in text[2]
    rows = made.drivers().filter(pl.col("result") == "effective_vectors")[:2]
    apart = rows["total"][0] - rows["total"][1] > 1.96 * float(np.hypot(*rows["total_se"]))
    assert ("and equally on" not in text[2]) is apart
    open_race = one((2.0, 2.0, 2.0))
    assert "no power clearly comes first" in sentences("S", open_race)[0]
    assert "depends most on no choice" in sentences("S", open_race)[2]


def test_no_choice_is_named_where_its_share_is_hardly_known(plain: Evidence) -> None:
    few, many = balance_index(plain, base=16), balance_index(plain, base=2048)
    for text in sentences("S", few)[2:4]:
        assert "16 points for each sample do not tell apart" in text
        assert "equally" not in text
    assert "depends most on" in sentences("S", many)[2]


@pytest.fixture(scope="module")
def drawn(dossier: Dossier, position: Position) -> Position:
    return replace(position, draws=coupled_draws(dossier, 4, seed=2))


def test_the_indicators_of_the_dossier_are_those_of_its_position(drawn: Position) -> None:
    found = balance_evidence(drawn)
    powers = drawn.dossier.powers
    for measure, horizon in product(("leverage", "counter_leverage"), ("short", "long")):
        k = found.indicators.index(f"{measure}_{horizon}_pct")
        for p, power in enumerate(powers):
            member = power if measure == "counter_leverage" else None
            number = drawn.number("coupled", f"{measure}_pct", power, member=member, horizon=horizon)
            assert found.value[k, p] == max(number.value, 0.0)
    assert found.samples is not None
    assert drawn.draws is not None
    assert drawn.coupled is not None
    k = found.indicators.index("leverage_long_pct")
    columns = [
        next(
            c
            for c, (group, on) in enumerate(drawn.draws.settings)
            if group == (power,) and on == drawn.coupled.channels
        )
        for power in powers
    ]
    assert found.samples[:, k] == pytest.approx(
        np.maximum(100 * drawn.draws.loss[:, columns, 1, 0], 0), nan_ok=True
    )
    votes = found.indicators.index("vote_agreement")
    assert (
        found.value[votes, 0]
        == drawn.number(
            "votes",
            "vote_agreement",
            powers[0],
            period=str(drawn.trails["votes"].parameters["latest_full_year"]),
        ).value
    )
    assert set(found.table["role"]) == {"tie", "counter", "alignment"}


def test_the_index_of_the_dossier(drawn: Position) -> None:
    found = balance_index(balance_evidence(drawn), base=128)
    assert found.central.sum() == pytest.approx(1, abs=1e-12)
    assert found.drivers().height == 3 * 8
    assert found.choices_table().filter(pl.col("central")).height == 6
    assert found.choices_table()["reason"].str.len_chars().min() > 20
    assert found.sobol.total[found.sobol.inputs.index("loss_draws"), 0] > 0
    text = " ".join(sentences("KAZ", found))
    for power in drawn.dossier.powers:
        assert power in text


def test_the_part_of_a_position_gives_the_same_indicators(drawn: Position) -> None:
    whole, part = balance_evidence(drawn), balance_evidence(losses_and_closeness(drawn.dossier, drawn.draws))
    assert whole.table.equals(part.table)
    for name in ("value", "samples", "known", "bounded"):
        assert getattr(whole, name) == pytest.approx(getattr(part, name), abs=1e-9, nan_ok=True)


def test_without_a_sector_matrix_the_losses_are_those_of_trade(
    position: Position, with_tables: Callable[..., Dossier]
) -> None:
    found = balance_evidence(losses_and_closeness(with_tables(trade_matrix_sectors=None)))
    k = found.indicators.index("leverage_short_pct")
    expected = [
        position.number("trade", "leverage_pct", power, horizon="short").value
        for power in position.dossier.powers
    ]
    assert found.value[k].tolist() == expected
    assert (found.high[k] > found.value[k]).all()
    assert found.samples is None
