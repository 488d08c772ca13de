"""The answer: two sentences whose numbers are the results, and which change when the results do."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl
import pytest

from betweengiants.core.countries import short_name
from betweengiants.core.intervals import Interval
from betweengiants.position import Position
from betweengiants.report import words

POWERS = ("RUS", "CHN", "USA", "EU27")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def numbers(text: str) -> list[str]:
    return NUMBER.findall(text)


def order_of_names(text: str, codes: tuple[str, ...] = POWERS) -> list[str]:
    """Codes by the first place of their names in a text."""
    places = {code: text.find(short_name(code)) for code in codes}
    return sorted((code for code in codes if places[code] >= 0), key=lambda code: places[code])


def ranked(position: Position) -> list[str]:
    loss = {
        p: position.number("trade", "leverage_pct", p, horizon="short").value for p in position.dossier.powers
    }
    return sorted(loss, key=lambda p: -loss[p])


def expected_numbers(position: Position) -> set[str]:
    """Every number that may stand in the answer, as text at the precision of the page."""
    allowed: set[str] = {"0", "1", str(len(position.dossier.powers))}
    for power in position.dossier.powers:
        trade = position.number("trade", "leverage_pct", power, horizon="short")
        allowed |= {f"{x:.1f}" for x in (trade.value, trade.low, trade.high)}
        if position.oil is not None:
            lost = position.number("oil_transit", "lost_million_t", power)
            share = position.number("oil_transit", "lost_pct_gdp", power)
            money = position.number("oil_transit", "lost_usd_m", power)
            for end in ("value", "low", "high"):
                allowed |= {f"{getattr(lost, end):.{digits}f}" for digits in (0, 1)}
                allowed |= {f"{getattr(share, end):.1f}", f"{getattr(money, end) / 1000:,.1f}"}
        if words.voted(position, power):
            year = str(position.trails["votes"].parameters["latest_full_year"])
            agreement = position.number("votes", "vote_agreement", power, period=year)
            allowed |= {f"{x:.2f}" for x in (agreement.value, agreement.low, agreement.high)} | {year}
    channels = [("trade", "short"), ("trade", "long"), *([("oil_transit", "")] if position.oil else [])]
    for channel, horizon in channels:
        for measure, digits in (("effective_vectors", 1), ("autonomy", 2)):
            number = position.number(channel, measure, *position.dossier.powers, horizon=horizon)
            allowed |= {f"{x:.{digits}f}" for x in (number.value, number.low, number.high)}
    if position.oil is not None:
        allowed |= {f"{position.oil.total_before:.{digits}f}" for digits in (0, 1)}
    return allowed


def test_the_answer_is_two_sentences(position: Position) -> None:
    sentences = words.answer(position)
    assert len(sentences) == 2
    assert len(re.findall(r"[.!?](?:\s|$)", " ".join(sentences))) == 2
    for sentence in sentences:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "  " not in sentence
        assert "nan" not in sentence
        assert "None" not in sentence


def test_every_number_of_the_answer_is_a_result(position: Position) -> None:
    allowed = expected_numbers(position)
    stated = [number for sentence in words.answer(position) for number in numbers(sentence)]
    assert len(stated) >= 10
    assert [number for number in stated if number not in allowed] == []


def test_the_answer_holds_what_a_reader_needs(position: Position) -> None:
    first, second = words.answer(position)
    for power in POWERS:
        loss = position.number("trade", "leverage_pct", power, horizon="short")
        assert f"{loss.value:.1f}%" in first
        assert short_name(power) in first
    top = position.number("trade", "leverage_pct", ranked(position)[0], horizon="short")
    assert f"({top.low:.1f} to {top.high:.1f})" in first
    assert "short run" in first
    oil = position.number("oil_transit", "lost_pct_gdp", "RUS")
    assert f"{oil.value:.1f}% ({oil.low:.1f} to {oil.high:.1f})" in first
    assert f"${position.number('oil_transit', 'lost_usd_m', 'RUS').value / 1000:,.1f} bn" in first
    vectors = position.number("trade", "effective_vectors", *POWERS, horizon="short")
    assert f"{vectors.value:.1f}" in second


def test_the_first_sentence_ranks_the_powers_by_leverage(position: Position) -> None:
    trade_part = words.answer(position)[0].split(";")[0]
    assert order_of_names(trade_part) == ranked(position)


def test_the_second_sentence_names_the_nearest_and_the_farthest(position: Position) -> None:
    year = str(position.trails["votes"].parameters["latest_full_year"])
    score = {p: position.number("votes", "vote_agreement", p, period=year).value for p in POWERS}
    named = order_of_names(words.answer(position)[1])
    assert named == [max(score, key=lambda p: score[p]), min(score, key=lambda p: score[p])]


def test_more_trade_with_russia_changes_the_order(
    position: Position, repacked: Callable[..., Position]
) -> None:
    def more(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            if {row["exporter"], row["importer"]} == {"KAZ", "RUS"}:
                row["value_usd_m"] = repr(float(row["value_usd_m"]) * 3)
        return rows

    other = repacked({"trade_matrix": more, "vote_agreement": None})
    assert ranked(position)[0] != "RUS"
    assert ranked(other)[0] == "RUS"
    first, second = words.answer(other)
    assert order_of_names(first.split(";")[0]) == ranked(other)
    assert first != words.answer(position)[0]
    stated = list(numbers(first) + numbers(second))
    assert set(stated) <= expected_numbers(other)
    assert "no votes" in second


def test_dearer_oil_changes_the_money_and_not_the_tonnes(
    position: Position, with_tables: Callable[..., Position]
) -> None:
    dear = position.dossier.tables["network_demand"].with_columns(
        pl.col("price", "price_low", "price_high") * 2
    )
    other = with_tables(network_demand=dear, memberships=None)
    one, two = (p.number("oil_transit", "lost_usd_m", "RUS").value for p in (position, other))
    assert two == pytest.approx(2 * one, rel=0.02)
    assert f"${two / 1000:,.1f} bn" in words.answer(other)[0]
    assert f"${one / 1000:,.1f} bn" not in words.answer(other)[0]
    tonnes = re.search(r"(\d+) of (\d+) million tonnes", words.answer(position)[0])
    assert tonnes is not None
    assert tonnes[0] in words.answer(other)[0]


def test_without_a_network_nothing_is_said_of_oil(with_tables: Callable[..., Position]) -> None:
    sentences = words.answer(with_tables(network_nodes=None))
    assert len(sentences) == 2
    assert not any("oil" in sentence or "crude" in sentence for sentence in sentences)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_powers(with_tables: Callable[..., Position], count: int) -> None:
    other = with_tables(powers=POWERS[:count], network_nodes=None)
    sentences = words.answer(other)
    assert len(sentences) == 2
    assert set(numbers(" ".join(sentences))) <= expected_numbers(other)
    assert "()" not in sentences[0]
    if count == 1:  # nobody is both the nearest and the farthest
        assert sentences[1].count(short_name("RUS")) == 1


def test_numbers_as_text() -> None:
    assert words.spanned(Interval(4.94, 3.36, 9.21), unit="%") == "4.9% (3.4 to 9.2)"
    assert words.spanned(Interval(4.94, 4.94, 4.94), unit="%") == "4.9%"
    assert words.spanned(Interval(0.8333, 0.75, 0.9), digits=2) == "0.83 (0.75 to 0.90)"
    assert words.billions(38_491.2) == "$38.5 bn"
    assert words.billions(1_234_567) == "$1,234.6 bn"
    assert words.percent(12.34) == "12.3%"
    assert words.percent(-0.04) == "0.0%"
    assert words.percent(-2.0) == "−2.0%"
    assert words.billions(-1_260) == "−$1.3 bn"
    assert words.span(-1.0, 0.5) == "−1.0 to 0.5"
    assert words.spanned(Interval(-0.5, -0.9, 1.3), unit="%") == "−0.5% (−0.9 to 1.3)"


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("RUS -17.3", "RUS −17.3"),
        ("(-0.15)", "(−0.15)"),
        ("-0.0% and -0 and -0.04", "0.0% and 0 and −0.04"),
        ("2024-06-30, COVID-19, ES-11/1, 2020-2024", "2024-06-30, COVID-19, ES-11/1, 2020-2024"),
        ("1e-10", "1e-10"),
    ],
)
def test_a_minus_is_no_hyphen(plain: str, shown: str) -> None:
    assert words.signed(plain) == shown


def test_lists_and_names() -> None:
    assert words.joined(["a"]) == "a"
    assert words.joined(["a", "b"]) == "a and b"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.name("USA") == "the United States"
    assert words.name("USA", start=True) == "The United States"
    assert words.name("RUS") == "Russia"


def test_the_overlap_of_channels_is_said(position: Position, with_tables: Callable[..., Position]) -> None:
    rows = words.overlap_rows(position)
    assert [row["channel"] for row in rows] == ["Trade", "Oil routes", "Votes and institutions"]
    assert all(row["counts"] and row["overlaps"] and row["unit"] for row in rows)
    bare = with_tables(network_nodes=None)
    assert "Oil routes" not in [row["channel"] for row in words.overlap_rows(bare)]
