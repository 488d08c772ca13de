"""`betweengiants domains` and `betweengiants history`: what has no price, and how the position moved."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

if TYPE_CHECKING:
    import polars as pl

    from betweengiants.position.domains import Domains
    from betweengiants.position.history import History

DOMAINS_EPILOG = "Example: betweengiants domains kazakhstan --show cover"
HISTORY_EPILOG = "Example: betweengiants history kazakhstan --show drift --format csv"

DossierArgument = Annotated[
    str, typer.Argument(metavar="DOSSIER", help="A folder, a zip, or the name of a built-in dossier.")
]


class Shown(StrEnum):
    """Which table of the domains."""

    shares = "shares"
    concentration = "concentration"
    cover = "cover"


class Told(StrEnum):
    """Which table of the history."""

    series = "series"
    drift = "drift"
    turning_points = "turning-points"
    check = "check"


def domains(
    where: DossierArgument = "kazakhstan",
    show: Annotated[
        Shown,
        typer.Option(
            "--show",
            help="shares by power; concentration of the partners; cover: how long the state could do without, or would "
            "need to replace.",
        ),
    ] = Shown.shares,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the measures beside the one that stands for each domain.")
    ] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Who holds which share of what has no price, domain by domain.

    Arms, debt, cards, minerals, food, fuel, electricity, water, platforms, people: shares of each power in percent, never in
    money and never added across domains. The table is for readers; csv, json and parquet hold one row for each measure and
    power with its range, year, age, facts and sources. Not known is not zero.
    """
    from betweengiants.dossier.reading import load_dossier
    from betweengiants.position.domain_channel import gaps
    from betweengiants.position.domains import domains as find

    found = find(load_dossier(where))
    frame = _domain_table(found, show, everything, for_readers=format is Format.table)
    chosen = dict(found.headline.select("domain", "measure").iter_rows())
    other = [
        f"note: {domain}: most powers are known for {measure}, the table has {chosen[domain]}"
        for domain, measure in found.by_rule.items()
        if domain in chosen and chosen[domain] != measure
    ]
    emit(frame, format, output, notes=(*gaps(found), *other))


def history(
    where: DossierArgument = "kazakhstan",
    show: Annotated[
        Told,
        typer.Option(
            "--show",
            help="series by year; drift: slopes with their error; turning-points; check: closed form beside the equilibrium.",
        ),
    ] = Told.series,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """How leverage and alignment moved, year by year.

    Leverage by closed form (lost purchases alone), shares in trade, agreement in votes, shared memberships: every year that
    the evidence allows, each with its basis, none filled from its neighbours. What changed most, and what is missing, goes
    to standard error.
    """
    from betweengiants.dossier.reading import load_dossier
    from betweengiants.position.history import history as find
    from betweengiants.position.history_words import sentences

    dossier = load_dossier(where)
    found = find(dossier)
    frame = _history_table(found, show, for_readers=format is Format.table)
    emit(frame, format, output, notes=(*sentences(found, dossier.actor_names), *found.gaps))


def _domain_table(found: Domains, show: Shown, everything: bool, *, for_readers: bool) -> pl.DataFrame:
    import polars as pl

    if show is Shown.cover:
        return found.cover.drop("facts", "source_id") if for_readers else found.cover
    if show is Shown.shares and for_readers and not everything:
        return found.matrix()
    frame = found.concentration if show is Shown.concentration else found.cells.drop("is_own", "is_whole")
    frame = frame if everything else frame.filter(pl.col("role") == "headline")
    long = [
        name for name in ("definition", "facts", "source_id", "warnings", "unit") if name in frame.columns
    ]
    return frame.drop(long) if for_readers else frame


def _history_table(found: History, show: Told, *, for_readers: bool) -> pl.DataFrame:
    if show is Told.drift:
        return found.drift
    if show is Told.turning_points:
        return found.turning_points
    if show is Told.check:
        return found.check
    if not for_readers:
        return found.series
    columns = [power for power in (*found.powers, "WLD") if power in set(found.series["power"])]
    wide = found.series.pivot(
        on="power",
        index=["measure", "basis", "horizon", "year"],
        values="value",
        sort_columns=False,
    )
    return wide.select("measure", "basis", "horizon", "year", *columns).sort(
        "measure", "basis", "horizon", "year"
    )
