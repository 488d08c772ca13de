"""Announced against delivered: item by item, nothing added, and what is not known is said."""

from __future__ import annotations

import itertools
from dataclasses import replace

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.dossier.delivery import plan_outcomes
from betweengiants.position import Position
from betweengiants.report import deals, plans
from betweengiants.report.svg import render

POWERS = ("RUS", "CHN", "USA", "EU27")
STAGES = ["deal_id", "stage", "date", "item", "value", "low", "high", "unit"]


def with_deals(position: Position, rows: list[tuple[object, ...]], kinds: dict[str, str]) -> Position:
    """The position with these stages; every deal is with the power that its id starts with."""
    stages = pl.DataFrame(rows, schema=STAGES, orient="row").with_columns(
        basis=pl.lit("announced"), source_id=pl.lit("x"), note=pl.lit("")
    )
    ids = stages["deal_id"].unique(maintain_order=True).to_list()
    listed = pl.DataFrame(
        [
            (
                deal,
                f"Deal {deal}",
                "KAZ",
                "X",
                deal.split("_")[0],
                "trade",
                kinds.get(deal, "purchase"),
                None,
                "x",
                "",
            )
            for deal in ids
        ],
        schema=[
            "deal_id",
            "title",
            "buyer",
            "supplier",
            "power",
            "domain",
            "kind",
            "agreement_id",
            "source_id",
            "note",
        ],
        orient="row",
    )
    dossier = position.dossier
    tables = dossier.tables | {"deals": listed, "deal_stages": stages}
    return replace(position, dossier=Dossier(dossier.header, tables, dossier.hashes))


def test_every_sum_is_a_stage_of_a_deal_with_a_power(bare_position: Position) -> None:
    found = deals.sums(bare_position.dossier)
    stages = bare_position.dossier.tables["deal_stages"]
    assert set(found["power"]) <= set(POWERS)
    assert set(found["step"]) <= {"announced", "signed", "delivered"}
    for row in found.to_dicts():
        same = stages.filter(
            (pl.col("deal_id") == row["deal_id"])
            & (pl.col("item") == row["item"])
            & (pl.col("date") == row["date"])
        )
        assert any(1000 * row["value"] == pytest.approx(value) for value in same["value"])


def test_units_are_made_one_and_nothing_is_added(bare_position: Position) -> None:
    other = with_deals(
        bare_position,
        [
            ("RUS_a", "announced", "2020", "value", 500.0, None, None, "usd_m"),
            ("RUS_b", "announced", "2021", "value", 2.0, 1.0, 3.0, "usd_bn"),
            ("RUS_b", "signed", "2022", "value", 1500.0, None, None, "usd_m"),
            ("RUS_b", "delivered", "2024", "value", 1200.0, None, None, "usd_m"),
            ("RUS_c", "announced", "2021", "aircraft", 7.0, None, None, "count"),
        ],
        {"RUS_b": "package"},
    )
    found = deals.sums(other.dossier)
    assert found["value"].to_list() == [0.5, 2.0, 1.5, 1.2]
    drawn = deals.marks(found, POWERS)
    assert drawn.filter(pl.col("power") == "RUS")["value"].to_list() == [2.0, 0.5, 1.5, 1.2]
    assert drawn.filter(pl.col("power") == "RUS")["package"].to_list() == [True, False, True, True]
    assert drawn.filter(pl.col("power") != "RUS")["value"].null_count() == 9
    assert deals.title(found) == "Of 2 deals that promise a sum of money for 1 the sum delivered is known"
    figure = deals.deals_figure(other)
    assert "2 deals, the largest: Deal RUS_b, 2.0" in render(figure.draw(980))
    assert "2.5" not in render(figure.draw(980)).split("</svg>")[0].split("Billion")[0]
    for width in (980, 340):
        assert render(figure.draw(width)).count(">delivered</text>") == 4


def test_the_title_when_nothing_promised_was_delivered(bare_position: Position) -> None:
    rows = [("CHN_a", "signed", "2020", "value", 5.0, None, None, "usd_bn")]
    found = deals.sums(with_deals(bare_position, rows, {}).dossier)
    assert deals.title(found) == "Of 1 deals that promise a sum of money none has a known sum delivered"
    rows.append(("USA_b", "delivered", "2022", "value", 1.0, None, None, "usd_bn"))
    found = deals.sums(with_deals(bare_position, rows, {}).dossier)
    assert deals.title(found).endswith("(it is for 1 that promised none)")


def test_without_a_sum_there_is_no_figure(bare_position: Position) -> None:
    rows = [("CHN_a", "signed", "2020", "plant", None, None, None, None)]
    assert not deals.can_draw(with_deals(bare_position, rows, {}).dossier)


def test_counted_items_are_in_their_own_units(bare_position: Position) -> None:
    rows = deals.counted_rows(bare_position.dossier)
    by_title = {row["title"]: row for row in rows}
    assert by_title["Shunting locomotives"]["promised"] == "300 locomotives"
    assert by_title["Shunting locomotives"]["delivered"] == "18 locomotives"
    assert by_title["Shunting locomotives"]["share"] == "6%"
    assert by_title["First communications satellite"]["delivered"] == "1 satellite"
    assert by_title["CNPC enters Kashagan"]["promised"] == "8.33%"
    assert deals.not_found(bare_position.dossier) > len(rows)


def test_every_plan_is_one_square(bare_position: Position) -> None:
    dossier = bare_position.dossier
    table = plan_outcomes(dossier, plans.judged_on(dossier))
    drawn = plans.squares(table)
    assert drawn.height == table.height == dossier.tables["plans"].height
    assert drawn.select("domain", "outcome", "place").is_duplicated().sum() == 0
    assert (
        drawn["outcome"]
        .value_counts()
        .sort("outcome")
        .equals(table["outcome"].value_counts().sort("outcome"))
    )
    figure = plans.plans_figure(bare_position)
    reached = int((table["outcome"] == "reached").sum())
    assert f"Of {table.height} official targets {reached} were reached" in figure.title
    for width in (980, 340):
        text = render(figure.draw(width))
        assert text.count('aria-label="') >= table.height
        assert ">reached</text>" in text


def test_blocks_of_squares_do_not_touch(bare_position: Position) -> None:
    dossier = bare_position.dossier
    drawn = plans.squares(plan_outcomes(dossier, plans.judged_on(dossier)))
    for width in (980, 340):
        spec = plans.squares_chart(drawn, width=width).to_dict()
        rows = (
            next(iter(spec["datasets"].values()))
            if "datasets" in spec
            else spec["layer"][0]["data"]["values"]
        )
        ends: dict[str, float] = {}
        starts: dict[str, float] = {}
        for row in rows:
            starts[row["outcome"]] = min(row["x"], starts.get(row["outcome"], row["x"]))
            ends[row["outcome"]] = max(row["x2"], ends.get(row["outcome"], row["x2"]))
        order = sorted(starts, key=lambda outcome: starts[outcome])
        for one, other in itertools.pairwise(order):
            assert ends[one] < starts[other]
        assert max(ends.values()) <= width
