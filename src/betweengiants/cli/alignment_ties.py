"""Commands of `betweengiants alignment` on institutions, agreements, deliveries and visits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit
from betweengiants.cli.trade_options import labels

if TYPE_CHECKING:
    import polars as pl

CountryOption = Annotated[str, typer.Option("--country", metavar="STATE", help="The state studied.")]
WithOption = Annotated[str, typer.Option("--with", metavar="LIST", help="Powers, joined by commas.")]
PublishedOption = Annotated[
    Path | None,
    typer.Option(
        "--published",
        metavar="FILE",
        help="CSV or Parquet with country_a,country_b,value,as_of[,since,measure]: published totals, to judge how "
        "complete the table is.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the group."""
    app.command(
        name="institutions",
        epilog="Example: betweengiants alignment institutions memberships.csv --country KAZ --with RUS,CHN "
        "--from 1992 --to 2025 --depths depths.csv",
    )(institutions_command)
    app.command(
        name="agreements",
        epilog="Example: betweengiants alignment agreements agreements.csv --country KAZ --with RUS,CHN --values",
    )(agreements_command)
    app.command(
        name="deliveries", epilog="Example: betweengiants alignment deliveries projects.csv --by-power"
    )(deliveries_command)
    app.command(
        name="visits",
        epilog="Example: betweengiants alignment visits visits.csv --country KAZ --with RUS,CHN,USA",
    )(visits_command)


def institutions_command(
    memberships: Annotated[
        Path,
        typer.Argument(
            metavar="MEMBERSHIPS",
            help="CSV or Parquet with country,institution,role,start,end (dates as YYYY, YYYY-MM, YYYY-MM-DD or blank).",
        ),
    ],
    country: CountryOption,
    powers: WithOption,
    first: Annotated[int, typer.Option("--from", metavar="YEAR", help="First year.")] = 1992,
    last: Annotated[
        int | None,
        typer.Option("--to", metavar="YEAR", help="Last year (default: the latest that the table mentions)."),
    ] = None,
    depths: Annotated[
        Path | None,
        typer.Option(
            "--depths",
            metavar="FILE",
            help="CSV or Parquet with institution,depth (0 to 1)[,role]: how much each binds. Without it all weigh alike.",
        ),
    ] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Institutions that a state shares with each power, for every year, weighted by how much they bind.

    Memberships whose start no source shows stand in columns of their own.
    """
    import polars as pl

    from betweengiants.alignment.depth import membership_years
    from betweengiants.alignment.memberships import MEMBERSHIP, read_spells
    from betweengiants.core.errors import DataError
    from betweengiants.core.tables import read_table

    rows = read_table(memberships, MEMBERSHIP, blanks=("start", "end"))
    spells = read_spells(rows, memberships.name)
    mentioned = [day.year for spell in spells for day in (spell.start, spell.end) if day]
    end = last if last is not None else max(mentioned, default=first)
    if not 1 <= first <= end <= 9999:
        raise DataError(found=f"years {first} to {end}", allowed="a first year that is not after the last")
    weights = None
    if depths is not None:
        weights = read_table(
            depths, {"institution": "text", "depth": "number"}, optional={"role": "text"}, blanks=("role",)
        )
    frame = membership_years(
        rows, country, labels("--with", powers), range(first, end + 1), depths=weights, name=memberships.name
    )
    undated = sum(spell.start is None for spell in spells)
    note = (
        f"{undated} of {len(spells)} memberships have no start: counted only in the columns ..._undated; overlap_low and "
        "overlap_high leave each of them free to hold or not"
    )
    lists = [pl.col(column).list.join(";") for column in ("institutions", "undated")]
    emit(frame.with_columns(lists), format, output, notes=(note,) if undated else ())


def agreements_command(
    agreements: Annotated[
        Path,
        typer.Argument(
            metavar="AGREEMENTS",
            help="CSV or Parquet with agreement_id,date,parties (joined by ;),domain,kind and optionally "
            "value_usd_m,value_kind,status.",
        ),
    ],
    country: CountryOption,
    powers: WithOption,
    values: Annotated[
        bool,
        typer.Option(
            "--values", help="Values announced instead, by kind of value (never added across kinds)."
        ),
    ] = False,
    published: PublishedOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Agreements with each power by year and domain; what the table covers goes to standard error."""
    import polars as pl

    from betweengiants.alignment.treaties import (
        AGREEMENTS,
        WELCOME,
        agreement_events,
        agreements_by_year,
        announced_values,
    )
    from betweengiants.core.tables import read_table

    rows = read_table(agreements, AGREEMENTS, optional=WELCOME, blanks=("date", *WELCOME))
    events = agreement_events(rows, country, labels("--with", powers), name=agreements.name)
    notes = _coverage(events, "agreements")
    notes += _published(
        events.select("day", country_a=pl.lit(country), country_b="power"), published, directed=False
    )
    frame = agreements_by_year(events)
    if values:
        frame = announced_values(events).with_columns(pl.col("agreement_ids").list.join(";"))
    emit(frame, format, output, notes=tuple(notes))


def deliveries_command(
    projects: Annotated[
        Path,
        typer.Argument(
            metavar="PROJECTS",
            help="CSV or Parquet with project,power,announced,announced_value,unit,kind,observed,observed_value; or a "
            "dossier (a folder, a zip, the name of a built-in one), for its deals and their stages.",
        ),
    ],
    by_power: Annotated[
        bool, typer.Option("--by-power", help="Add projects of one power, unit and kind up.")
    ] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """What was announced beside what came, project by project, each in its own unit."""
    from betweengiants.alignment.treaties import DELIVERIES, deliveries, deliveries_by_power
    from betweengiants.core.tables import read_table
    from betweengiants.dossier.reading import builtin_names

    notes = []
    is_named = not projects.exists() and str(projects) in builtin_names()
    if is_named or projects.is_dir() or projects.suffix.lower() == ".zip":
        rows, left = _dossier_deals(str(projects))
        notes += (
            [f"{left} items of deals left out, as no stage promises them or none gives their unit"]
            if left
            else []
        )
    else:
        rows = read_table(projects, DELIVERIES, blanks=("observed", "announced_value", "observed_value"))
    table = deliveries(rows, name=projects.name)
    known = table.height - table["delivered"].null_count()
    notes.append(f"outcome known for {known} of {table.height} projects")
    emit(deliveries_by_power(table) if by_power else table, format, output, notes=tuple(notes))


def visits_command(
    visits: Annotated[
        Path,
        typer.Argument(
            metavar="VISITS",
            help="CSV or Parquet with date,visitor (or guest, as in a dossier),host,level,kind,status (held or not).",
        ),
    ],
    country: CountryOption,
    powers: WithOption,
    published: PublishedOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Visits received and paid by power, year and level; what the table covers goes to standard error."""
    from betweengiants.alignment.visits import read_visits, visit_events, visits_by_year

    rows = read_visits(visits)
    events = visit_events(rows, country, labels("--with", powers), name=visits.name)
    notes = _coverage(events, "visits")
    held = events.filter("held").select("day", country_a="visitor", country_b="host")
    notes += _published(held, published, directed=True)
    emit(visits_by_year(events), format, output, notes=tuple(notes))


def _dossier_deals(where: str) -> tuple[pl.DataFrame, int]:
    """The deals of a dossier as a table of projects, one row an item of a deal, and how many items are left out."""
    import polars as pl

    from betweengiants.dossier import load_dossier
    from betweengiants.dossier.delivery import deal_outcomes

    dossier = load_dossier(where)
    items = deal_outcomes(dossier).join(dossier.tables["deals"].select("deal_id", "kind"), on="deal_id")
    whole = items.filter(pl.col("promised_date").is_not_null() & pl.col("unit").is_not_null())
    rows = whole.select(
        "power",
        "unit",
        "kind",
        project=pl.format("{}: {}", "deal_id", "item"),
        announced="promised_date",
        announced_value="promised",
        observed="delivered_date",
        observed_value="delivered",
    )
    return rows, items.height - whole.height


def _coverage(events: pl.DataFrame, what: str) -> list[str]:
    from betweengiants.alignment.events import coverage

    return [
        f"{row['power']}: {row['rows']} {what}, {row['first_year']} to {row['last_year']} ({row['years']} years with any), "
        f"{row['undated']} undated; a sample, not a census"
        for row in coverage(events).to_dicts()
    ] or [f"no {what} with these powers"]


def _published(events: pl.DataFrame, path: Path | None, *, directed: bool) -> list[str]:
    from betweengiants.alignment.events import PUBLISHED, against_published
    from betweengiants.core.tables import read_table

    if path is None:
        return []
    welcome = ("since", "measure")
    totals = read_table(path, PUBLISHED, optional=dict.fromkeys(welcome, "text"), blanks=welcome)
    seen = against_published(events, totals, directed=directed, name=path.name)
    return [
        f"{row['country_a']} {row['country_b']} {row['measure'] or ''} as of {row['as_of']}: "
        f"{row['seen']} in the table, {row['published']:g} published"
        for row in seen.to_dicts()
    ]
