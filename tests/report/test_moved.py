"""How it moved: no year is invented, undated members stand apart, turning points are marked where they were found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.countries import short_name
from betweengiants.dossier import Dossier
from betweengiants.position import Position
from betweengiants.position.history import LOSS, VOTES, History, history
from betweengiants.position.history_trade import SHARE
from betweengiants.position.history_words import changes
from betweengiants.report import idealpoints
from betweengiants.report.closenessdots import closeness_figure, found_closeness
from betweengiants.report.institutionbars import bars, decimal_year, institution_bars, short_title
from betweengiants.report.institutionbars import title as changed
from betweengiants.report.leveragelines import (
    check_rows,
    leverage_lines,
    leverage_years,
    moved_sentences,
    title,
    vote_turns,
)
from betweengiants.report.svg import render


@pytest.fixture(scope="module")
def found(bare_position: Position) -> History:
    return history(bare_position.dossier)


def with_frames(position: Position, **frames: pl.DataFrame | None) -> Position:
    dossier = position.dossier
    tables = {name: frame for name, frame in (dossier.tables | frames).items() if frame is not None}
    return replace(position, dossier=Dossier(dossier.header, tables, dossier.hashes))


def test_the_lines_are_the_series(found: History) -> None:
    drawn = leverage_years(found)
    for row in drawn.to_dicts():
        power, basis = row["line"].split(" ", 1)
        same = found.series.filter(
            (pl.col("measure") == LOSS)
            & (pl.col("horizon") == "short")
            & (pl.col("power") == power)
            & (pl.col("basis") == basis)
            & (pl.col("year") == row["year"])
        )
        assert same.height == 1
        assert (row["value"], row["low"], row["high"]) == same.select("value", "low", "high").row(0)
    assert drawn.select("line", "year").is_duplicated().sum() == 0


def test_a_line_is_not_drawn_over_two_bases(found: History) -> None:
    abroad = leverage_years(found).filter(pl.col("power") == "WLD")
    assert abroad["line"].n_unique() == 2
    years = [set(part["year"]) for _, part in abroad.group_by("line")]
    assert not years[0] & years[1]


def test_the_title_names_the_largest_change(found: History) -> None:
    drawn = leverage_years(found).filter(pl.col("power") != "WLD")
    change = {
        power: part.sort("year")["value"][-1]
        - part.filter(pl.col("year") >= part["year"].max() - 5).sort("year")["value"][0]
        for (power,), part in drawn.group_by("power")
    }
    most = max(change, key=lambda power: abs(change[power]))
    assert title(found).startswith(
        {"CHN": "China", "RUS": "Russia", "USA": "The United", "EU27": "The European"}[str(most)]
    )
    assert ("rose" in title(found)) == (change[most] > 0)


def test_leverage_of_one_year_says_so(found: History) -> None:
    last = found.series.filter((pl.col("measure") != LOSS) | (pl.col("year") == 2025))
    assert title(replace(found, series=last)) == "Leverage through lost purchases is known for one year only"


def test_turning_points_are_marked_in_the_votes(found: History) -> None:
    turns = vote_turns(found)
    tested = found.turning_points.filter(
        (pl.col("measure") == "vote_agreement") & (pl.col("kind") == "tested")
    )
    assert turns.height == tested.height > 0
    assert set(turns["year"]) == set(tested["year"])


def test_the_closed_form_stands_beside_the_equilibrium(found: History) -> None:
    rows = check_rows(found)
    assert [row["power"] for row in rows] == list(found.powers)
    stated = found.check.filter((pl.col("horizon") == "short") & (pl.col("power") == "EU27"))
    assert rows[3]["equilibrium"] == f"{stated['equilibrium_loss_pct'][0]:.1f}%"


def test_sentences_use_names(bare_position: Position, found: History) -> None:
    told = moved_sentences(bare_position, found)
    assert told
    assert "Since 2025 Kazakhstan shares BRICS with China and Russia." in told
    assert not any(code in sentence for code in ("RUS", "CHN", "EU27", "brics") for sentence in told)


def test_sentences_say_the_numbers_in_plain_words(bare_position: Position, found: History) -> None:
    told = moved_sentences(bare_position, found)
    for measure, form in ((LOSS, "{:.1f}%"), (SHARE, "{:.1f}%"), (VOTES, "{:.2f}")):
        row = changes(found, measure).row(0, named=True)
        wanted = [form.format(row["before"]), form.format(row["after"]), str(row["first"]), str(row["last"])]
        assert [s for s in told if short_name(row["power"]) in s and all(w in s for w in wanted)]
    turns = found.turning_points.filter(
        (pl.col("measure") == VOTES) & (pl.col("kind") == "tested") & pl.col("power").is_in(found.powers)
    )
    for row in turns.to_dicts():
        (said,) = [
            s
            for s in told
            if s.startswith(f"{row['year']} was a turning point") and short_name(row["power"]) in s
        ]
        assert ("risen before" in said) == (row["slope_before"] > 0)
        assert ("fallen since" in said) == (row["slope_after"] < 0)
        assert ("step down" in said) == (row["jump"] < 0)
    assert not [word for word in ("slope", "p =", "closed form", "e-0", "nan") if word in " ".join(told)]


def test_what_did_not_come_or_go_is_said(bare_position: Position, found: History) -> None:
    calm = replace(found, turning_points=found.turning_points.clear())
    told = moved_sentences(bare_position, calm)
    assert any("come to share no dated institution" in sentence for sentence in told)
    assert not any("turning point" in sentence for sentence in told)


@pytest.mark.parametrize("width", [980, 340])
def test_leverage_is_drawn_with_its_names(bare_position: Position, found: History, width: int) -> None:
    drawn = render(leverage_lines(bare_position, found).draw(width))
    for name in ("Russia 4.", "China 4.", "United States 0.", "European Union 2."):
        assert name in drawn
    assert "e+1" not in drawn


@given(st.dates())
def test_a_date_is_in_its_year(day) -> None:
    assert int(decimal_year(day.isoformat())) == day.year
    assert (
        decimal_year(f"{day.year:04d}") <= decimal_year(day.isoformat()[:7]) <= decimal_year(day.isoformat())
    )


def test_one_bar_a_state_and_institution(bare_position: Position) -> None:
    drawn = bars(bare_position.dossier)
    assert drawn.select("institution", "country").is_duplicated().sum() == 0
    members = bare_position.dossier.tables["memberships"]
    mine = set(members.filter(pl.col("country") == "KAZ")["institution"])
    assert set(drawn["institution"]) == mine
    stated = members.filter(
        pl.col("institution").is_in(mine) & pl.col("country").is_in(["KAZ", *bare_position.dossier.powers])
    )
    assert drawn.height == stated.select("institution", "country").n_unique()
    assert drawn["start"].null_count() == sum(
        part["start"].null_count() == part.height for _, part in stated.group_by("institution", "country")
    )


def test_deeper_institutions_come_first(bare_position: Position) -> None:
    depth = bars(bare_position.dossier)["depth"].to_list()
    assert depth == sorted(depth, reverse=True)
    assert bars(bare_position.dossier)["institution"][0] == "csto"


def test_undated_members_are_dots_and_not_bars(bare_position: Position) -> None:
    rows = pl.DataFrame(
        [
            ("KAZ", "sco", "member", "2001-06-15", None),
            ("RUS", "sco", "member", None, None),
            ("CHN", "sco", "observer", None, None),
        ],
        schema=["country", "institution", "role", "start", "end"],
        orient="row",
    ).with_columns(source_id=pl.lit("x"), note=pl.lit(""))
    figure = institution_bars(with_frames(bare_position, memberships=rows))
    drawn = render(figure.draw(980))
    assert drawn.count('aria-label="Shanghai') == 3
    assert "of which 2 without a start" in figure.note
    for label in (
        "Russia: member start not known",
        "China: observer start not known",
        "Kazakhstan: member since 2001",
    ):
        assert label in drawn


def test_what_changed_is_in_the_title(bare_position: Position) -> None:
    rows = pl.DataFrame(
        [
            ("KAZ", "sco", "member", "2001-06-15", None),
            ("KAZ", "brics", "partner", "2025-01-01", None),
            ("KAZ", "cis", "member", "1991-12-21", "2024-05"),
            ("RUS", "brics", "member", "2024", None),
        ],
        schema=["country", "institution", "role", "start", "end"],
        orient="row",
    ).with_columns(source_id=pl.lit("x"), note=pl.lit(""))
    dossier = with_frames(bare_position, memberships=rows).dossier
    assert (
        changed(bars(dossier), dossier)
        == "After 2020 Kazakhstan joined BRICS in 2025 (partner) and left CIS in 2024"
    )
    old = rows.filter(pl.col("institution") == "sco")
    dossier = with_frames(bare_position, memberships=old).dossier
    assert (
        changed(bars(dossier), dossier) == "Kazakhstan joined and left no institution of the list after 2020"
    )


def test_short_titles() -> None:
    assert short_title("c5plus1", "C5+1 (Central Asia and the United States)", 12) == "C5+1"
    assert short_title("nato_pfp", "NATO Partnership for Peace", 12) == "NATO PFP"
    assert short_title("nato_pfp", "NATO Partnership for Peace", 30) == "NATO Partnership for Peace"


@pytest.fixture(scope="module")
def pointed(bare_position: Position) -> Position:
    """The position with ideal points of three states; the Union has none."""
    rows = [
        (code, session, 60, at + slope * (session - 46), 0.1)
        for code, at, slope in (
            ("KAZ", -0.5, 0.0),
            ("RUS", -0.4, -0.03),
            ("CHN", -1.5, 0.02),
            ("USA", 2.0, 0.0),
        )
        for session in range(46 if code == "KAZ" else 40, 79)
    ]
    table = pl.DataFrame(rows, schema=["country", "session", "n", "ideal_point", "se"], orient="row")
    return with_frames(bare_position, ideal_points=table)


def test_ideal_points_start_with_the_focal_state(pointed: Position) -> None:
    drawn = idealpoints.points(pointed.dossier)
    assert drawn["session"].min() == 46
    assert drawn["power"].unique(maintain_order=True).to_list() == ["KAZ", "RUS", "CHN", "USA"]
    half = (drawn["high"] - drawn["low"]).to_numpy() / 2
    assert half == pytest.approx(np.full(drawn.height, 0.1 * 1.959964), abs=1e-6)
    assert (drawn["year"] - drawn["session"]).unique().to_list() == [1945]


def test_the_title_of_ideal_points_says_who_is_close(pointed: Position) -> None:
    figure = idealpoints.ideal_points(pointed)
    rows = idealpoints.points(pointed.dossier)
    own = dict(rows.filter(pl.col("power") == "KAZ").select("session", "value").iter_rows())
    near = []
    for (session,), part in rows.filter(pl.col("power") != "KAZ").group_by("session", maintain_order=True):
        gaps = {row["power"]: abs(row["value"] - own[session]) for row in part.to_dicts()}
        near.append(min(gaps, key=lambda power: gaps[power]))
    russia, china = near.count("RUS"), near.count("CHN")
    assert russia > china > 0
    assert figure.title == (
        f"Kazakhstan stood closest to Russia in {russia} of 33 sessions and to China in {china}; in 2023 to China"
    )
    for width in (980, 340):
        drawn = render(figure.draw(width))
        assert "Kazakhstan −0.5" in drawn
        assert "#009e73" in drawn.lower()


def test_ideal_points_that_are_missing_are_named(bare_position: Position, pointed: Position) -> None:
    without = with_frames(bare_position, ideal_points=None).dossier
    assert not idealpoints.can_draw(without)
    assert "no table ideal_points" in (idealpoints.gap(without) or "")
    assert idealpoints.can_draw(pointed.dossier)
    assert idealpoints.gap(pointed.dossier) == "No ideal points of the European Union."
    table = pointed.dossier.tables["ideal_points"].filter(pl.col("country") != "KAZ")
    assert not idealpoints.can_draw(with_frames(bare_position, ideal_points=table).dossier)


def test_closeness_shows_the_composite_and_its_parts(bare_position: Position) -> None:
    found = found_closeness(bare_position.dossier)
    assert found is not None
    figure = closeness_figure(bare_position, found)
    table = figure.table
    assert table["panel"].unique(maintain_order=True).to_list()[0] == "Together"
    composite = found.composite.table.filter(pl.col("year") == found.year)
    for row in table.filter(pl.col("panel") == "Together").to_dicts():
        same = composite.filter(pl.col("power") == row["power"])
        assert (row["value"], row["low"], row["high"]) == same.select("alignment", "low", "high").row(0)
    votes = found.parts.filter((pl.col("part") == "votes") & (pl.col("year") == found.year))
    assert sorted(table.filter(pl.col("panel") == "Votes")["value"]) == pytest.approx(sorted(votes["value"]))
    top = composite["first"].max()
    assert ("No power" in figure.title) == (top <= 0.5)  # type: ignore[operator]
    assert str(found.year) in figure.subtitle


def test_without_any_part_there_is_no_closeness(bare_position: Position) -> None:
    names = ("vote_agreement", "ideal_points", "memberships", "agreements", "visits")
    assert found_closeness(with_frames(bare_position, **dict.fromkeys(names)).dossier) is None
