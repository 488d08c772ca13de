"""Make the dossier's table `episode_flows`: who sold to whom in the years before historic severances.

    python tools/episode_flows.py SAMPLES > src/betweengiants/dossier/builtin/kazakhstan/episode_flows.csv

SAMPLES holds `wiod_gegravity_2000_2014/wiod_44x44_2000_2014.csv` (World Input-Output Database, release of 2016,
CC BY 4.0, summed over sectors by T. Zylkin and V. Kudlay) and
`cepii_baci_2023_totals/` (CEPII BACI, Etalab 2.0; GDP of the World Bank, CC BY 4.0).

Only the economies of the episodes stand alone; everything else is added up as ROW, sales among its members included.
WIOD: all goods and services, gross flows with domestic sales as recorded. BACI: goods; domestic sales are GDP less exports, at
least 0, summed over the members of a group, plus the trade among them (the convention of the dossier's `trade_matrix`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl

from betweengiants.core.countries import blocs

NAMED = ("AUS", "CAN", "CHE", "CHN", "GBR", "IND", "JPN", "KOR", "NOR", "RUS", "TUR", "USA")
SMALL = {"wiod_ltu": ("LTU", "CHN")}
LAND = ("AFG", "CHN", "KHM", "PAK", "RUS", "THA", "USA")
WIOD, BACI = "WIOD_2016;WIOD_GEGRAVITY", "BACI_V202501_2023;WDI_GDP_LD"
UNION = "EU27"


def grouped(frame: pl.DataFrame, group: Callable[[str], str]) -> pl.DataFrame:
    """exporter, importer, value_usd_m after states have been replaced by their group."""
    labels = {code: group(code) for code in set(frame["exporter"]) | set(frame["importer"])}
    return (
        frame.with_columns(pl.col("exporter", "importer").replace_strict(labels))
        .group_by("exporter", "importer")
        .agg(pl.col("value_usd_m").sum())
    )


def to_group(named: tuple[str, ...], union: bool = True) -> Callable[[str], str]:
    """A named state stays, a member of the union becomes it (if asked), the rest ROW."""
    members = set(blocs()[UNION]) if union else set()
    return lambda code: code if code in named else UNION if code in members else "ROW"


def wiod(samples: Path) -> pl.DataFrame:
    """The tables from the World Input-Output Database."""
    rows = pl.read_csv(samples / "wiod_gegravity_2000_2014" / "wiod_44x44_2000_2014.csv").rename(
        {"trade": "value_usd_m"}
    )
    parts = []
    for year in (2010, 2014):
        own = rows.filter(pl.col("year") == year).select("exporter", "importer", "value_usd_m")
        sets = {"wiod": to_group(NAMED)} | {name: to_group(who, union=False) for name, who in SMALL.items()}
        parts += [
            _table(grouped(own, group), name, year, WIOD)
            for name, group in sets.items()
            if name == "wiod" or year == 2014
        ]
    return pl.concat(parts)


def baci(samples: Path) -> pl.DataFrame:
    """The table of 2023 from BACI and GDP."""
    folder = samples / "cepii_baci_2023_totals"
    gdp = pl.read_csv(folder / "countries_gdp.csv").select("iso3", "gdp_usd_m")
    pairs = pl.read_csv(folder / "baci_hs22_v202501_2023_country_pairs.csv").select(
        "exporter", "importer", "value_usd_m"
    )
    home = (
        gdp.join(
            pairs.group_by("exporter").agg(sold=pl.col("value_usd_m").sum()),
            left_on="iso3",
            right_on="exporter",
            how="left",
        )
        .with_columns(value_usd_m=(pl.col("gdp_usd_m") - pl.col("sold").fill_null(0)).clip(0))
        .select(exporter="iso3", importer="iso3", value_usd_m="value_usd_m")
    )
    return _table(grouped(pl.concat([pairs, home]), to_group(LAND)), "baci", 2023, BACI)


def _table(frame: pl.DataFrame, name: str, year: int, source: str) -> pl.DataFrame:
    return frame.sort("exporter", "importer").select(
        flows=pl.lit(name),
        year=pl.lit(year),
        exporter="exporter",
        importer="importer",
        value_usd_m=pl.col("value_usd_m").round(3),
        source_id=pl.lit(source),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("samples", type=Path)
    where = parser.parse_args().samples
    table = pl.concat([wiod(where), baci(where)]).sort("flows", "year", "exporter", "importer")
    sys.stdout.write(table.write_csv())
