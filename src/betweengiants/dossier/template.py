"""A dossier to fill: every table with its header, a descriptor, and a README that says what goes where."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from betweengiants.core.countries import Country, check_country
from betweengiants.core.errors import DataError, OutputError
from betweengiants.core.files import make_folder, write_text
from betweengiants.dossier import descriptor, schema
from betweengiants.dossier.packing import pack

POWERS = ("RUS", "CHN", "USA", "EU27")
BASE_YEAR = 2025
README = "README.md"
# Rows of parameters.csv that models ask for, and which.
SETTINGS = (
    ("theta_short", "index", "trade elasticity of the short run (sigma - 1), with low and high: trade"),
    ("theta_long", "index", "trade elasticity of the long run: trade"),
    ("gdp_usd_m_{year}", "usd_m", "GDP of the focal state in the base year: transit"),
    ("barrels_per_tonne", "bbl_per_t", "density of its crude oil: claims about oil"),
    ("asset_life_years", "count", "years over which an investment is paid back: autonomy frontier"),
    ("discount_rate", "share", "interest on investments: autonomy frontier"),
)


def new_dossier(
    code: str, folder: Path | None = None, *, powers: Sequence[str] = POWERS, base_year: int = BASE_YEAR
) -> Path:
    """Write an empty dossier of a state.

    Args:
        code: ISO 3166-1 alpha-3 code of the focal state.
        folder: where to; by default a folder of the state's name here. It may be there, but not hold anything.
        powers: codes of the powers; the focal state itself is left out of the default ones.
        base_year: year to which the network and percent-of-GDP results will belong.

    Returns:
        The folder.

    Raises:
        UnknownCountry: a code that is none.
        DataError: no power, a power twice, or the focal state among them.
        OutputError: the folder holds something, or cannot be written to.
    """
    focal = check_country(code)
    chosen = [power for power in powers if tuple(powers) != POWERS or power != focal.iso3]
    states = [focal, *(check_country(power) for power in chosen)]
    if not chosen or len({state.iso3 for state in states}) < len(states):
        raise DataError(
            found=f"the powers {', '.join(chosen) or '(none)'} of {focal.iso3}",
            allowed="one or more other states, each once",
        )
    name = _slug(focal.short_name)
    out = Path(name) if folder is None else folder
    _require_empty(out)
    texts = {f"{table}.csv": _table(table, states) for table in schema.tables()}
    texts[README] = _readme(name, states, base_year)
    texts[descriptor.DESCRIPTOR] = json.dumps(_package(name, states, base_year), ensure_ascii=False) + "\n"
    make_folder(out)
    for file, text in texts.items():
        write_text(out / file, text)
    pack(out)
    return out


def _require_empty(folder: Path) -> None:
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(str(folder), "the folder is not empty")
    except OSError as error:
        raise OutputError(str(folder), (error.strerror or str(error)).lower()) from error


def _package(name: str, states: Sequence[Country], base_year: int) -> dict[str, object]:
    focal, *powers = states
    return {
        "name": name,
        "title": f"{focal.short_name} between {_joined([_in_sentence(power) for power in powers])}",
        "version": "0.1.0",
        "betweengiants": {
            "focal": focal.iso3,
            "powers": [power.iso3 for power in powers],
            "base_year": base_year,
        },
        "resources": [],
    }


def _table(table: str, states: Sequence[Country]) -> str:
    """The header of a table; the table of actors holds the focal state and the powers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in schema.tables()[table])
    if table == "actors":
        for at, state in enumerate(states):
            kind = "state" if state.iso_numeric else "bloc"
            writer.writerow([state.iso3, state.short_name, kind, "power" if at else "focal", ""])
    return text.getvalue()


def _readme(name: str, states: Sequence[Country], base_year: int) -> str:
    focal, *powers = states
    settings = [
        f"| `{parameter.format(year=base_year)}` | `{unit}` | {what} |" for parameter, unit, what in SETTINGS
    ]
    needed = ", ".join(f"`{table}`" for table in schema.REQUIRED_TABLES)
    lines = [
        f"# {focal.short_name} between {_joined([_in_sentence(power) for power in powers])}",
        "",
        f"The dossier `{name}`: evidence for betweengiants. Tables are CSV in UTF-8 with the header that is there; an empty "
        "cell means not known or not applicable, never zero. A table without rows counts as not there.",
        "",
        "## First steps",
        "",
        "1. `sources.csv`: a row for each page or data set that you read, with its terms of use.",
        "2. `actors.csv`: the focal state and the powers stand there; add partners, companies and assets as you need them.",
        "3. `measures.csv` and `facts.csv`: a measure is defined once, a fact is one value of it from one source.",
        f"4. `trade_matrix.csv`: trade among {focal.iso3}, {', '.join(power.iso3 for power in powers)} and the rest of the "
        "world in one year. Every state needs its domestic sales (a row with exporter = importer).",
        "5. `parameters.csv`: the settings below.",
        "6. In this folder: `betweengiants dossier pack .`, then `betweengiants dossier validate .`, then "
        "`betweengiants report .`",
        "",
        f"Rows are needed in {needed}. Each other table adds a part to the report; the report says what the missing ones "
        "would have added. `betweengiants dossier info . --gaps` lists them.",
        "",
        "## Settings in parameters.csv",
        "",
        "| parameter | unit | what it is, and who asks for it |",
        "| --- | --- | --- |",
        *settings,
    ]
    for table, fields in schema.tables().items():
        lines += ["", f"## {table}.csv", "", schema.purposes()[table], ""]
        lines += ["| column | meaning |", "| --- | --- |"]
        lines += [f"| {_column(field)} | {_meaning(field)} |" for field in fields]
    return "\n".join(lines) + "\n"


def _column(field: schema.Field) -> str:
    return f"**{field.name}** (key)" if field.key else field.name


def _meaning(field: schema.Field) -> str:
    """Description, then what the cell may hold."""
    parts = [field.description.replace("|", "/")]
    if field.enum:
        parts.append(f"One of {', '.join(field.enum)}")
    if field.reference:
        parts.append(f"From {field.reference}{', several joined by ;' if field.is_list else ''}")
    if not field.required:
        parts.append("The column may be absent" if field.optional else "May be empty")
    return ". ".join(parts) + "."


def _in_sentence(state: Country) -> str:
    """Names of unions take an article."""
    return (
        f"the {state.short_name}"
        if state.short_name.startswith(("United ", "European "))
        else state.short_name
    )


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
