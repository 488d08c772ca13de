"""Bars by buyer: exports and imports apart, minor buyers together, texts that fit."""

from __future__ import annotations

import polars as pl
import pytest

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.report.charts import HEADROOM, bar_room
from betweengiants.report.figure import NARROW, WIDE, Figure
from betweengiants.report.routebars import crosses_once, fitted, route_table
from betweengiants.report.transitmap import SystemView, views

POWERS = ("RUS", "CHN", "USA", "EU27")
BOLD = 6.0
"""Pixels a character of a bold label takes on average in the typeface of the charts, measured."""


def view(position: Position, system: str) -> SystemView:
    return views(position)[system]


@pytest.mark.parametrize("system", ["gas", "freight"])
def test_parts_of_the_bars_are_the_losses_of_the_position(position: Position, system: str) -> None:
    found = view(position, system)
    channel, bars = found.channel, route_table(found)
    assert not crosses_once(found)
    unit = channel.system.unit
    for power in POWERS:
        case = [
            c
            for c in bars["case"].unique()
            if c.removeprefix("Without ").removeprefix("the ") == short_name(power)
        ]
        left = dict(bars.filter(case=case[0]).group_by("part").agg(pl.col("value").sum()).iter_rows())
        for part in channel.own.parts:
            before = channel.own.quantity(channel.before.arrays.demand, part)
            lost = position.number(channel.system.channel, f"lost_{part}_{unit}", power).value
            assert left.get(part, 0.0) == pytest.approx(before - lost, abs=1e-6), (power, part)


def test_pieces_join_and_follow_one_order(position: Position) -> None:
    bars = route_table(view(position, "freight"))
    order = bars.filter(case="As it is")["route"].to_list()
    assert order[-1] == "Imports"
    assert order[-2] == "Other buyers"
    assert order[: order.index("Imports")][:2] == ["Russia", "China"]
    for (case,), part in bars.group_by("case", maintain_order=True):
        assert part["start"].to_list() == pytest.approx([0.0, *part["end"].to_list()[:-1]]), case
        assert part["end"].to_list()[-1] == pytest.approx(part["total"][0])


def test_buyers_have_names_and_minor_ones_stand_together(position: Position) -> None:
    for system in ("gas", "freight"):
        found = view(position, system)
        bars = route_table(found)
        texts = " ".join([*bars["share_text"], *bars["label"], *bars["route"]])
        for code in ("OTHER", "WLD", "KAZ", "EU27"):
            assert code not in texts
        exports = bars.filter(pl.col("part") == "exports")
        allowed = {short_name(power) for power in POWERS} | {"Other buyers"}
        large = exports.filter((pl.col("case") == "As it is") & ~pl.col("route").is_in(list(allowed)))
        assert (large["value"] >= 0.05 * found.channel.total_before).all()


@pytest.mark.parametrize("width", [NARROW, 480, 720, WIDE])
@pytest.mark.parametrize("system", ["oil", "gas", "freight"])
def test_no_text_beside_a_bar_runs_out_of_the_picture(position: Position, system: str, width: int) -> None:
    bars = fitted(route_table(view(position, system)), width)
    room, most = bar_room(width), float(bars["total"].max())  # type: ignore[arg-type]
    for total, text in bars.select("total", "total_text").unique().iter_rows():
        ends = room * total / (HEADROOM * most) + 7 + BOLD * len(text)
        assert ends <= room or text == f"{total:.1f}", (text, width)


def test_a_short_bar_is_spelled_out_where_there_is_room(position: Position) -> None:
    """What is left without Russia and China stands beside the bar, the rest in one sum where names do not fit."""
    bars = route_table(view(position, "freight"))
    last = bars.filter(pl.col("case_order") == bars["case_order"].max())
    total = float(last["total"][0])
    assert total < 0.2 * float(bars["total"].max())  # type: ignore[arg-type]

    def text(width: int) -> str:
        drawn = fitted(bars, width).filter(pl.col("case_order") == bars["case_order"].max())
        return str(drawn["total_text"][0])

    assert text(WIDE).startswith(f"{total:.1f}  (")
    assert len(text(WIDE)) >= len(text(600)) >= len(text(NARROW)) >= len(f"{total:.1f}")
    for width in range(400, WIDE, 40):
        if "all others" in text(width):
            numbers = [
                float(piece.split()[-1]) for piece in text(width).split("(")[1].rstrip(")").split(", ")
            ]
            assert sum(numbers) == pytest.approx(total, abs=0.06 * len(numbers))
            break
    else:
        pytest.fail("no width asks for a sum of the rest")


def test_titles_and_notes_tell_exports_from_imports(figures: dict[str, Figure]) -> None:
    freight = figures["freight-severance"]
    assert "of exports would still leave" in freight.title
    assert freight.title.endswith("of imports arrive")
    assert "grey: imports" in freight.note
    assert "Uzbekistan" in freight.note
    assert "never added" in freight.note
    assert {"exports", "imports"} == set(freight.table["part"])
    assert {"exports", "imports", "home"} == set(figures["gas-severance"].table["part"])
    assert "own goods used at home" in figures["gas-severance"].note


def test_a_picture_names_the_year_of_its_flows(position: Position) -> None:
    observed = position.dossier.tables["network_observed"]
    for name, found in views(position).items():
        own = observed.filter(pl.col("commodity").is_in(list(found.channel.network.commodities)))
        counts = own["year"].value_counts()
        assert counts.filter(year=found.year)["count"].item() == counts["count"].max(), name
    assert view(position, "freight").year == 2024
    assert view(position, "oil").year == 2025
