"""The balance index and the headline under other choices: what is shown follows from the numbers."""

from __future__ import annotations

import polars as pl
import pytest

from betweengiants.position import Position
from betweengiants.position.alternatives import Alternatives
from betweengiants.position.balance_evidence import evidence
from betweengiants.position.balance_index import BalanceIndex, balance_index
from betweengiants.report.balancechart import (
    balance_figure,
    balance_sentences,
    chance,
    driver_rows,
    marks,
    trail,
)
from betweengiants.report.otherchoices import choices_figure, range_words, readable
from betweengiants.report.otherchoices import marks as dots
from betweengiants.report.otherchoices import title as stays
from betweengiants.report.svg import render

POWERS = ("RUS", "CHN", "USA", "EU27")


@pytest.fixture(scope="module")
def index() -> BalanceIndex:
    values = {"a": (60, 20, 10, 10), "b": (40, 30, 20, 10), "c": (10, 20, 60, 10), "d": (70, 10, 10, 10)}
    rows = [
        {
            "indicator": name,
            "power": power,
            "value": float(value),
            "domain": name,
            "group": name,
            "role": "tie",
        }
        for name, line in values.items()
        for power, value in zip(POWERS, line, strict=True)
    ]
    return balance_index(evidence(pl.DataFrame(rows), POWERS), base=64)


def test_the_marks_are_the_table_of_the_index(index: BalanceIndex) -> None:
    drawn, table = marks(index), index.powers_table()
    assert drawn["power"].to_list() == table["power"].to_list()
    assert drawn["value"].to_list() == pytest.approx((100 * table["index"]).to_list())
    assert drawn["value"].sum() == pytest.approx(100)
    assert (drawn["low"] <= drawn["value"]).all()
    assert (drawn["value"] <= drawn["high"]).all()
    for row, text in zip(table.to_dicts(), drawn["text"], strict=True):
        assert f"first in {chance(row['chance_rank_1'])} of 100" in text
        assert f"rank {row['rank_low']}" in text


def test_chances_are_rounded_with_care() -> None:
    assert [chance(x) for x in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0",
        "less than 1",
        "50",
        "more than 99",
        "100",
    ]


def test_the_figure_and_its_sentences(bare_position: Position, index: BalanceIndex) -> None:
    figure = balance_figure(bare_position, index)
    vectors = index.state()["effective_vectors"]
    assert f"{vectors.value:.1f} equal powers of 4" in figure.title
    told = balance_sentences(bare_position, index)
    assert not any(code in sentence for code in POWERS for sentence in told)
    assert any("depends most on" in sentence for sentence in told)
    table = {row["power"]: row for row in index.powers_table().to_dicts()}
    russia = table["RUS"]
    assert (
        f"Russia holds {100 * russia['index']:.0f}% ({100 * russia['low']:.0f} to {100 * russia['high']:.0f})"
        in told[0]
    )
    for number in (vectors.value, vectors.low, vectors.high):
        assert f"{number:.1f}" in told[2]
    assert not [jargon for jargon in ("variance", "normalis", "aggregat") if jargon in " ".join(told)]
    top = index.drivers().filter(result="effective_vectors").row(0, named=True)
    assert f"a part in {100 * top['total']:.0f}% of the variation" in " ".join(told)
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in told)
    for width, words in ((980, "rank 1"), (340, "of 100")):
        assert words in render(figure.draw(width))
    assert trail(bare_position, index).parameters["indicators"] == 4.0


def test_drivers_come_largest_first(index: BalanceIndex) -> None:
    totals = [float(row["total"].rstrip("%")) for row in driver_rows(index)]
    assert totals == sorted(totals, reverse=True)
    assert len(totals) == index.drivers().filter(result="effective_vectors").height


@pytest.fixture(scope="module")
def other_choices() -> Alternatives:
    rows = [
        ("headline", "headline", "all", 20.0, 10.0, 1.0, 5.0, None),
        ("channels", "trade only", "trade", 4.0, 6.0, 1.0, 5.0, None),
        ("oil price", "oil price high", "dear", 90.0, 10.0, 1.0, 5.0, None),
        ("elasticity", "theta low", "low", 18.0, 12.0, 2.0, 13.0, None),
        ("sectors", "one sector", "one", None, 10.0, 1.0, 5.0, "no equilibrium"),
    ]
    table = pl.DataFrame(
        [(*row[:7], None, None, row[7]) for row in rows],
        schema={
            **dict.fromkeys(("group", "choice", "what"), pl.String),
            **{f"{power}_loss_pct": pl.Float64 for power in POWERS},
            **dict.fromkeys(("order", "change", "problem"), pl.String),
        },
        orient="row",
    )
    return Alternatives("KAZ", POWERS, table)


def test_how_the_headline_stands_under_other_choices(other_choices: Alternatives) -> None:
    assert (
        stays(other_choices)
        == "Russia stays first under 2 of 3 other ways to compute it; the whole order stays under 1"
    )
    told = range_words(other_choices)
    assert told.startswith("First instead: China with trade only.")
    assert "between 18.0% (elasticity low) and 90.0% (oil price high), against 20.0% as we compute it" in told


def test_a_choice_without_a_solution_has_no_dot(bare_position: Position, other_choices: Alternatives) -> None:
    drawn = dots(other_choices)
    bare = drawn.filter((pl.col("choice") == "all goods as one") & (pl.col("power") == "RUS"))
    assert bare["value"].to_list() == [None]
    assert bare["label"][0].endswith("no solution")
    assert drawn.filter("beyond")["value"].to_list() == [90.0]
    assert drawn["at"].max() == 60.0
    figure = choices_figure(bare_position, other_choices)
    for width in (980, 340):
        text = render(figure.draw(width))
        assert ">90</text>" in text
        assert ">elasticity low</text>" in text
    assert ">no solution</text>" in render(figure.draw(980))
    assert "Russia &gt; China" in render(figure.draw(980))


def test_choices_have_plain_names() -> None:
    assert readable("theta low") == "elasticity low"
    assert readable("oil_transit only") == "oil routes only"
    assert readable("no market") == "buying closes nothing"
    assert readable("ownership from 0.25") == "owning 25% closes a road"
