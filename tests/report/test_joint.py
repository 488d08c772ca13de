"""Sentences and figure of the coupled severance: they follow from the numbers and change when these do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.coupled_draws import CoupledDraws, column, frame_of
from betweengiants.position.results import coalition_name
from betweengiants.report import jointwords
from betweengiants.report.answer import answer
from betweengiants.report.waterfall import steps, waterfall_chart

POWERS = ("RUS", "CHN", "USA", "EU27")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def order_of_names(text: str) -> list[str]:
    places = {code: text.find(short_name(code)) for code in POWERS}
    return sorted((code for code in POWERS if places[code] >= 0), key=lambda code: places[code])


def changed(position: Position, values: dict[tuple[str, str], float]) -> Position:
    """The position with other central losses of single powers (measure, power), in the short run."""
    rows = position.results
    for (measure, power), value in values.items():
        here = (
            (pl.col("channel") == "coupled")
            & (pl.col("measure") == measure)
            & (pl.col("coalition") == power)
            & (pl.col("member") == position.dossier.focal)
            & (pl.col("horizon") == "short")
        )
        rows = rows.with_columns(
            pl.when(here).then(value).otherwise(pl.col(name)).alias(name) for name in ("value", "low", "high")
        )
    return replace(position, results=rows)


def with_draws(position: Position, losses: dict[str, list[float]]) -> Position:
    """The position with draws in which single powers take these shares of spending (short run, all channels)."""
    assert position.coupled is not None
    empty = frame_of(position.dossier, 1)
    count = len(next(iter(losses.values())))
    loss = np.zeros((count, *empty.loss.shape[1:]))
    draws: CoupledDraws = empty.filled(loss, np.zeros((count, len(empty.names))))
    for power, values in losses.items():
        loss[:, column(draws, (power,), position.coupled.channels), 0, 0] = values
    return replace(position, draws=draws)


def test_the_first_sentence_ranks_the_powers_and_gives_their_losses(position: Position) -> None:
    lead, *others = jointwords.order(position, "short")
    first, second = jointwords.headline(position), jointwords.answer(position)
    assert order_of_names(first) == [lead]
    assert "short run" in first
    assert order_of_names(second.split("Next come")[1].split(". ")[0]) == others
    for power, text in ((lead, first), *((p, second) for p in others)):
        loss = jointwords.leverage(position, power)
        spread = "" if loss.low == loss.high else f" ({loss.low:.1f} to {loss.high:.1f})"
        assert f"{loss.value:.1f}%{spread}" in text
    assert first.endswith(".")
    assert second.endswith(".")


def test_a_loss_that_rounds_to_nothing_leads_to_no_ranking(position: Position) -> None:
    none = changed(position, {("leverage_pct", power): 0.01 for power in POWERS})
    told = [sentence.text for sentence in answer(none)]
    assert told[0].startswith("No power could take anything from Kazakhstan")
    assert len(told) == 2
    assert "Next come" not in told[1]


def test_every_number_of_the_answer_is_a_result(position: Position) -> None:
    allowed = {"0", "1", str(len(POWERS))}
    for measure, digits in (("leverage_pct", 1), ("part_trade_pct", 1)):
        for power in POWERS:
            number = jointwords.leverage(position, power, measure=measure)
            allowed |= {f"{x:.{digits}f}" for x in (number.value, number.low, number.high)}
    vectors = position.number("coupled", "effective_vectors", *POWERS, horizon="short")
    allowed |= {f"{x:.1f}" for x in (vectors.value, vectors.low, vectors.high)}
    year = str(position.trails["votes"].parameters["latest_full_year"])
    allowed.add(year)
    for power in POWERS:
        agreed = position.number("votes", "vote_agreement", power, period=year)
        allowed |= {f"{x:.2f}" for x in (agreed.value, agreed.low, agreed.high)}
    stated = [n for sentence in answer(position) for n in NUMBER.findall(sentence.text)]
    assert len(stated) >= 8
    assert [n for n in stated if n not in allowed] == []


def test_the_order_with_and_without_roads_is_said_as_it_is(position: Position) -> None:
    part = {power: ("part_trade_pct", power) for power in POWERS}
    whole = {power: ("leverage_pct", power) for power in POWERS}
    same = changed(
        position,
        {part[p]: 4.0 - k for k, p in enumerate(POWERS)} | {whole[p]: 8.0 - k for k, p in enumerate(POWERS)},
    )
    assert "leaves the order of the powers as it is" in jointwords.changes(same, "short")
    other = changed(same, {part["CHN"]: 5.0})
    assert (
        jointwords.changes(other, "short")
        == "through trade alone China would come first with 5.0%, before Russia with 4.0%"
    )
    below = changed(same, {part["USA"]: 3.5})
    assert jointwords.changes(below, "short") == (
        "through trade alone the order would be Russia, the United States, China and the European Union"
    )


def test_how_sure_the_first_place_is(position: Position) -> None:
    first = changed(position, {("leverage_pct", "RUS"): 50.0})
    assert jointwords.certainty(first) == ""
    sure = with_draws(first, {"RUS": [0.3, 0.4, 0.5, 0.6], "CHN": [0.1, 0.1, 0.1, 0.1]})
    assert "Russia comes first in all 4 runs" in jointwords.certainty(sure)
    unsure = with_draws(first, {"RUS": [0.3, 0.4, 0.5, 0.6], "CHN": [0.1, 0.1, 0.55, 0.1]})
    assert "Russia comes first in 3 of 4 runs" in jointwords.certainty(unsure)
    beyond = with_draws(first, {"RUS": [0.3, 0.4, np.nan, 0.6], "CHN": [0.1, 0.1, 0.9, 0.1]})
    assert "Russia comes first in all 4 runs" in jointwords.certainty(beyond)


def test_the_waterfall_steps_meet_and_end_at_the_whole(position: Position) -> None:
    table = steps(position)
    for (power, horizon), bars in table.group_by("power", "horizon", maintain_order=True):
        kinds = bars["kind"].to_list()
        assert kinds == ["part"] * (len(kinds) - 2) + ["rest", "whole"]
        assert bars["start"][0] == 0
        assert bars["start"][1:-1].to_list() == pytest.approx(bars["end"][:-2].to_list(), abs=1e-12)
        assert bars["end"][-2] == pytest.approx(bars["end"][-1], abs=1e-9)
        whole = position.number("coupled", "leverage_pct", coalition_name([str(power)]), horizon=str(horizon))
        assert bars["value"][-1] == whole.value


@pytest.mark.parametrize("width", [980, 340])
def test_the_waterfall_has_one_panel_a_power_and_horizon(position: Position, width: int) -> None:
    spec = waterfall_chart(steps(position), width=width).to_dict()
    assert spec["columns"] == (1 if width == 340 else len(POWERS))
    assert len(spec["facet"]["sort"]) == 2 * len(POWERS)


def test_without_roads_there_is_no_waterfall_and_trade_alone_is_said(
    with_tables: Callable[..., Position],
) -> None:
    bare = with_tables(network_nodes=None)
    text = jointwords.answer(bare)
    assert "holds no roads" in text
    assert "routes that it controls" not in text
    assert order_of_names(text.split("Next come")[1]) == jointwords.order(bare, "short")[1:]
    assert "trade and roads" not in jointwords.spread(bare)


def test_one_power_alone(with_tables: Callable[..., Position]) -> None:
    alone = with_tables(powers=("RUS",))
    assert jointwords.answer(alone).endswith("No other power is looked at.")
    assert "any other power" not in jointwords.headline(alone)
    assert "()" not in jointwords.answer(alone)
