import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import UnknownLabel
from betweengiants.core.units import UNITS, check_unit, convert

NUMBERS = [code for code, entry in UNITS.items() if entry is not None]
WORDS = [code for code, entry in UNITS.items() if entry is None]


def convertible(unit: str, to: str) -> bool:
    try:
        convert(1.0, unit, to)
    except ValueError:
        return False
    return True


SAME = [(a, b) for a in NUMBERS for b in NUMBERS if convertible(a, b)]


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        (44, "usd_bn", "usd_m", 44_000),
        (7, "usd_m", "usd", 7e6),
        (0.5, "share", "pct", 50),
        (4_100_000, "teu", "teu", 4_100_000),
        (63, "trillion_m3", "bcm", 63_000),
        (2, "kt", "t", 2_000),
        (1.5, "million_t", "kt", 1_500),
        (3, "days", "hours", 72),
        (7_600, "km", "m", 7.6e6),
    ],
)
def test_conversions(value: float, unit: str, to: str, result: float) -> None:
    assert convert(value, unit, to) == pytest.approx(result, rel=1e-12)


def test_crude_oil_passes_between_mass_and_volume_with_a_density() -> None:
    assert convert(20, "million_t_per_year", "bbl_per_day", barrels_per_tonne=7.3) == pytest.approx(400_000)
    assert convert(400_000, "bbl_per_day", "million_t_per_year", barrels_per_tonne=7.3) == pytest.approx(20)
    assert convert(70, "usd_per_bbl", "usd_per_t", barrels_per_tonne=7.5) == pytest.approx(525)
    assert convert(525, "usd_per_t", "usd_per_bbl", barrels_per_tonne=7.5) == pytest.approx(70)
    # a density changes nothing where none is needed
    assert convert(1, "usd_bn", "usd_m", barrels_per_tonne=7.3) == pytest.approx(1_000)
    assert convert(7.5, "bbl_per_t", "bbl_per_t", barrels_per_tonne=7.3) == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("unit", "to", "density"),
    [
        ("million_t_per_year", "bbl_per_day", None),
        ("usd_bn", "million_t", 7.3),
        ("million_t", "million_t_per_year", 7.3),
        ("bcm", "bbl_per_day", 7.3),
        ("tu", "t", None),
        ("km3", "bcm", None),
        ("km3", "km", None),
        ("usd_per_1000m3", "usd_per_t", 7.3),
        ("kzt_per_usd", "usd", None),
        ("count", "share", None),
        ("index", "pct", None),
        ("bn_kwh", "mw", None),
        ("bbl_per_t", "share", 7.3),
        ("date", "usd", None),
        ("usd", "parties", None),
        ("date", "date", None),
    ],
)
def test_different_things(unit: str, to: str, density: float | None) -> None:
    with pytest.raises(ValueError, match=r"different things|cannot convert"):
        convert(1, unit, to, barrels_per_tonne=density)


@pytest.mark.parametrize("density", [0.0, -7.3, math.nan, math.inf])
def test_densities_that_are_none(density: float) -> None:
    with pytest.raises(ValueError, match="density"):
        convert(1, "million_t_per_year", "bbl_per_day", barrels_per_tonne=density)


def test_unknown_units() -> None:
    with pytest.raises(UnknownLabel) as caught:
        check_unit("usd_mn", file="facts.csv", row=9)
    assert caught.value.suggestions[0] == "usd_m"
    assert (caught.value.file, caught.value.row, caught.value.column) == ("facts.csv", 9, "unit")
    for unit, to in (("barrels", "usd"), ("usd", "barrels")):
        with pytest.raises(UnknownLabel, match="unknown unit 'barrels'"):
            convert(1, unit, to)
    assert check_unit("date") == "date"
    assert WORDS == ["date", "parties"]


def test_convertible_is_symmetric_and_transitive() -> None:
    pairs = set(SAME)
    assert all((b, a) in pairs for a, b in pairs)
    assert all((a, c) in pairs for a, b in pairs for other, c in pairs if other == b)


@given(value=st.floats(-1e12, 1e12), pair=st.sampled_from(SAME))
def test_there_and_back(value: float, pair: tuple[str, str]) -> None:
    unit, to = pair
    there = convert(value, unit, to)
    assert convert(there, to, unit) == pytest.approx(value, rel=1e-12, abs=1e-300)


@given(
    value=st.floats(1e-6, 1e9),
    density=st.floats(5, 10),
    pair=st.sampled_from([("million_t_per_year", "bbl_per_day"), ("usd_per_t", "usd_per_bbl")]),
)
def test_there_and_back_with_a_density(value: float, density: float, pair: tuple[str, str]) -> None:
    there = convert(value, pair[0], pair[1], barrels_per_tonne=density)
    assert convert(there, pair[1], pair[0], barrels_per_tonne=density) == pytest.approx(value, rel=1e-12)


def test_an_amount_is_a_rate_only_over_a_stated_period() -> None:
    assert convert(55, "bcm", "bcm_per_year", years=1) == pytest.approx(55)
    assert convert(55, "bcm", "bcm_per_year", years=0.5) == pytest.approx(110)
    assert convert(110, "bcm_per_year", "bcm", years=0.5) == pytest.approx(55)
    assert convert(400_000, "bbl_per_day", "million_t", barrels_per_tonne=7.3, years=1) == pytest.approx(20)
    assert convert(44, "usd_bn", "usd_m", years=0.5) == pytest.approx(44_000)  # no period in either
    for unit, to in (("days", "share"), ("usd_bn", "million_t"), ("date", "usd")):
        with pytest.raises(ValueError, match=r"different things|cannot convert"):
            convert(1, unit, to, years=1)
    for years in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="period"):
            convert(1, "bcm", "bcm_per_year", years=years)
