"""Core against tables of the world as they come: both layouts of one file, and names of states as others write them."""

from pathlib import Path

from betweengiants.core.countries import countries
from betweengiants.core.tables import Kind, read_table, require_range, require_unique


def test_csv_and_parquet_are_the_same_table(shared_samples: Path) -> None:
    folder = shared_samples / "cepii_baci_2023_totals"
    stem = "baci_hs22_v202501_2023_country_pairs"
    kinds: dict[str, Kind] = {
        "year": "integer",
        "exporter": "text",
        "importer": "text",
        "value_usd_m": "number",
    }
    text, binary = (read_table(folder / f"{stem}{ending}", kinds) for ending in (".csv", ".parquet"))
    assert text.equals(binary)
    require_unique(text, ["year", "exporter", "importer"], stem)
    require_range(text, "value_usd_m", stem, minimum=0)


def test_names_of_states_are_known(shared_samples: Path) -> None:
    kinds: dict[str, Kind] = {"iso3": "text", "name": "text"}
    table = read_table(shared_samples / "cepii_baci_2023_totals" / "countries_gdp.csv", kinds)
    known = countries()
    assert set(table["iso3"]) <= set(known)
    by_name = {
        name.casefold(): code
        for code, country in known.items()
        for name in (country.name, country.short_name, *country.aliases)
    }
    wrong = {
        name: (code, by_name[name.casefold()])
        for code, name in table.iter_rows()
        if by_name.get(name.casefold(), code) != code
    }
    assert wrong == {}
