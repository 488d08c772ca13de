import re
from collections import Counter

import pytest

from betweengiants.core.countries import bloc_terms, blocs, check_country, countries, short_name, territory_of
from betweengiants.core.errors import UnknownCountry

AGGREGATES = {"EU27", "WLD"}


def first_suggestion(text: str) -> str:
    with pytest.raises(UnknownCountry) as caught:
        check_country(text)
    return caught.value.suggestions[0].split(" ")[0] if caught.value.suggestions else ""


def test_codes() -> None:
    table = countries()
    assert len(table) == 249 + len(AGGREGATES)  # ISO 3166-1 has 249 entries
    assert all(code == country.iso3 for code, country in table.items())
    states = [country for code, country in table.items() if code not in AGGREGATES]
    assert all(re.fullmatch("[A-Z]{3}", country.iso3) for country in states)
    numbers = [country.iso_numeric for country in states]
    assert all(re.fullmatch("[0-9]{3}", number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert all(table[code].iso_numeric == "" for code in AGGREGATES)
    cow = [country.cow for country in table.values() if country.cow]
    assert len(set(cow)) == len(cow)
    assert all(re.fullmatch("[0-9]{1,3}", number) for number in cow)


def test_some_rows_by_hand() -> None:
    known = {
        "KAZ": ("398", "705"),
        "RUS": ("643", "365"),
        "CHN": ("156", "710"),
        "USA": ("840", "2"),
        "DEU": ("276", "255"),
        "GBR": ("826", "200"),
        "SRB": ("688", "345"),
    }
    for code, numbers in known.items():
        country = check_country(code)
        assert (country.iso_numeric, country.cow) == numbers


def test_no_name_means_two_countries() -> None:
    named: dict[str, set[str]] = {}
    for code, country in countries().items():
        assert country.name
        assert country.short_name
        for name in (country.name, country.short_name, *country.aliases):
            assert name == name.strip()
            named.setdefault(name.casefold(), set()).add(code)
    assert {name: codes for name, codes in named.items() if len(codes) > 1} == {}
    for country in countries().values():
        assert max(Counter(country.aliases).values(), default=1) == 1
    # nobody's name reads like the code of somebody else
    assert all(codes == {name.upper()} for name, codes in named.items() if name.upper() in countries())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Niger", "NER"),
        ("Nigeria", "NGA"),
        ("Guinea", "GIN"),
        ("Guinea-Bissau", "GNB"),
        ("Equatorial Guinea", "GNQ"),
        ("Papua New Guinea", "PNG"),
        ("Congo", "COG"),
        ("Congo, Dem. Rep.", "COD"),
        ("Democratic Republic of the Congo", "COD"),
        ("Korea, Rep.", "KOR"),
        ("Korea, Dem. People's Rep.", "PRK"),
        ("South Korea", "KOR"),
        ("north korea", "PRK"),
        ("Dominica", "DMA"),
        ("Dominican Republic", "DOM"),
        ("Sudan", "SDN"),
        ("South Sudan", "SSD"),
        ("Austria", "AUT"),
        ("Australia", "AUS"),
        ("Mali", "MLI"),
        ("Malawi", "MWI"),
        ("Samoa", "WSM"),
        ("American Samoa", "ASM"),
        ("Virgin Islands (U.S.)", "VIR"),
        ("Kazakstan", "KAZ"),
        ("Russian Federation", "RUS"),
        ("Côte d'Ivoire", "CIV"),
        ("TÜRKIYE", "TUR"),
        ("China, Hong Kong SAR", "HKG"),
        ("EU", "EU27"),
        ("UK", "GBR"),
        ("KZA", "KAZ"),
        ("kaz", "KAZ"),
        ("RSU", "RUS"),
        ("Kazakhstn", "KAZ"),
    ],
)
def test_names_are_not_codes_but_lead_to_them(name: str, code: str) -> None:
    assert first_suggestion(name) == code


@pytest.mark.parametrize("name", ["", "Q", "Atlantis of the West", "Қазақстан", "x" * 10_000, "KAZ "])
def test_other_texts_are_refused(name: str) -> None:
    with pytest.raises(UnknownCountry) as caught:
        check_country(name, file="flows.csv", row=4, column="importer")
    assert (caught.value.file, caught.value.row, caught.value.column) == ("flows.csv", 4, "importer")
    assert len(str(caught.value)) < 300


def test_blocs() -> None:
    members = blocs()["EU27"]
    assert len(members) == len(set(members)) == 27
    assert members == tuple(sorted(members))
    assert set(members) <= set(countries())
    assert not {"GBR", "CHE", "NOR", "EU27"} & set(members)
    assert {"DEU", "FRA", "HRV", "IRL", "GRC"} <= set(members)


def test_terms_of_a_bloc_hold_those_who_left() -> None:
    terms = bloc_terms()["EU27"]
    assert terms["GBR"] == ("1973-01-01", "2020-02-01")
    assert {member for member, (_, end) in terms.items() if not end} == set(blocs()["EU27"])

    def members(day: str) -> int:
        return sum(start <= day and (not end or day < end) for start, end in terms.values())

    # the European Communities and the Union before and after every change of their size
    sizes = {1957: 0, 1958: 6, 1973: 9, 1981: 10, 1986: 12, 1995: 15, 2005: 25, 2007: 27, 2014: 28, 2021: 27}
    assert {year: members(f"{year}-06-30") for year in sizes} == sizes
    assert (members("2020-01-31"), members("2020-02-01")) == (28, 27)


def test_territory() -> None:
    assert territory_of("DEU") == "EU27"
    assert territory_of("GBR") == "GBR"
    assert territory_of("EU27") == "EU27"
    assert territory_of("market-x") == "market-x"


def test_short_names_fit_a_chart() -> None:
    assert short_name("RUS") == "Russia"
    assert short_name("ROW") == "ROW"
    assert "(" not in short_name("BOL")
