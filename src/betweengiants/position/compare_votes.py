"""How the states compared vote: agreement with each power, and distance between ideal points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.votes import Votes, read_votes
from betweengiants.core.countries import blocs
from betweengiants.core.errors import DataError
from betweengiants.core.tables import read_table
from betweengiants.dossier import Dossier
from betweengiants.position.alignment_channel import latest_full_year
from betweengiants.position.compare_parts import Key, Number, Part, is_state
from betweengiants.sources.store import list_store

COLUMNS = {"vote_agreement": ("agreement", "agreement_se"), "vote_kappa": ("kappa", "kappa_se")}
DISTANCE = "ideal_point_distance"


def votes_part(votes: Votes, source: str, states: Sequence[str], powers: Sequence[str]) -> Part:
    """Agreement in the latest full year of a file of votes.

    Args:
        votes: see `read_votes`.
        source: where they come from, in words.
        states: labels; those without a vote have a gap.
        powers: labels of the file, or blocs of the core table (the majority vote of today's members in the file).

    Returns:
        Measures vote_agreement and vote_kappa by power, each with n and standard error.
    """
    years, counts = np.unique(votes.years, return_counts=True)
    year = latest_full_year(pl.DataFrame({"year": years, "n": counts}))
    part = votes.select(votes.years == year)
    here = {
        power: [m for m in blocs().get(power, ()) if m in votes.countries]
        for power in powers
        if power not in votes.countries
    }
    known = [power for power in powers if power in votes.countries or here[power]]
    named = {power: here[power] for power in known if power in here}
    frame = agreement(part, known, blocs=named) if known else _NOTHING
    return _part(frame, source, str(year), states, powers)


def table_part(dossier: Dossier, states: Sequence[str], powers: Sequence[str]) -> Part:
    """The same from the table `vote_agreement` of a dossier; no numbers if it has none."""
    source = f"dossier {dossier.header.name}"
    if not dossier.has("vote_agreement"):
        gaps = dict.fromkeys(states, (f"no votes: {source} has no table vote_agreement",))
        return Part(source, "", gaps=gaps)
    table = dossier.tables["vote_agreement"]
    year = latest_full_year(table)
    return _part(table.filter(pl.col("year") == year), source, str(year), states, powers)


def find_votes(votes: Path | None, store: Path | str | None) -> tuple[Votes, str] | None:
    """The user's votes, else the latest version of the local store, with where they come from; None if there are none.

    Raises:
        DataError: see `read_votes`.
    """
    if votes is not None:
        return read_votes(votes), f"file {votes.name}"
    listed = list_store(store).filter(pl.col("source") == "voeten", pl.col("table") == "votes")
    if listed.is_empty():
        return None
    row = listed.sort("retrieved", "version").to_dicts()[-1]
    return read_votes(row["path"]), f"votes {row['version']} of the local store"


def read_ideal_points(path: Path) -> pl.DataFrame:
    """Read what `votes ideal-points` prints: country, session, n, ideal_point, se.

    Raises:
        DataError: a missing column or a cell that cannot be read.
    """
    number = "number"
    return read_table(
        path,
        {"country": "text", "session": "integer", "n": "integer", "ideal_point": number, "se": number},  # type: ignore[dict-item]
    )


def points_part(points: pl.DataFrame, source: str, states: Sequence[str], powers: Sequence[str]) -> Part:
    """Distance between ideal points in the latest full session.

    The point of a bloc is the mean of its members' points. Standard errors take the points as independent.

    Args:
        points: country, session, n, ideal_point, se.
        source: where they come from, in words.
        states: labels.
        powers: labels, or blocs of the core table.

    Raises:
        DataError: a second row for a country and session.
    """
    if points.select(pl.struct("country", "session").is_duplicated().any()).item():
        raise DataError(
            file=source, found="a country with two points in one session", allowed="one row for each"
        )
    session = latest_full_year(points.select("n", year="session"))
    latest = points.filter(pl.col("session") == session)
    found = {row["country"]: (row["ideal_point"], row["se"], row["n"]) for row in latest.to_dicts()}
    rows = []
    for power in powers:
        members = [m for m in ((power,) if power in found else blocs().get(power, ())) if m in found]
        if not members:
            continue
        centre = math.fsum(found[m][0] for m in members) / len(members)
        error = math.sqrt(math.fsum(found[m][1] ** 2 for m in members)) / len(members)
        for state, (point, se, n) in found.items():
            if state not in members:
                rows.append((state, power, n, abs(point - centre), math.hypot(se, error)))
    columns = ["country", "power", "n", DISTANCE, "se"]
    frame = pl.DataFrame(rows, schema=columns, orient="row") if rows else pl.DataFrame(schema=columns)
    return _part(
        frame, source, f"session {session}", states, powers, {DISTANCE: (DISTANCE, "se")}, "ideal point"
    )


_NOTHING = pl.DataFrame(schema={"country": pl.String, "power": pl.String, "n": pl.Int64})


def _part(
    frame: pl.DataFrame,
    source: str,
    period: str,
    states: Sequence[str],
    powers: Sequence[str],
    columns: Mapping[str, tuple[str, str]] = COLUMNS,
    what: str = "votes",
) -> Part:
    numbers: dict[str, dict[Key, Number]] = {}
    everyone: dict[Key, dict[str, float]] = {}
    for row in frame.filter(pl.col("power").is_in(list(powers))).to_dicts():
        for measure, (column, error) in columns.items():
            if row[column] is None or row["country"] in blocs().get(row["power"], ()):
                continue
            key = Key(measure, row["power"])
            if row["country"] in states:
                numbers.setdefault(row["country"], {})[key] = Number(
                    row[column], n=row["n"], se=row.get(error)
                )
            if is_state(row["country"]):
                everyone.setdefault(key, {})[row["country"]] = row[column]
    first = next(iter(columns))
    gaps = {
        state: tuple(_lacking(numbers.get(state, {}), first, state, powers, f"{source}, {period}", what))
        for state in states
    }
    return Part(source, period, numbers, everyone, gaps)


def _lacking(
    found: Mapping[Key, Number], measure: str, state: str, powers: Iterable[str], where: str, what: str
) -> list[str]:
    others = [p for p in powers if p != state and state not in blocs().get(p, ())]
    missing = [power for power in others if Key(measure, power) not in found]
    if others and len(missing) == len(others):
        return [f"no {what} in {where}"]
    return [f"no {what} with {power} in {where}" for power in missing]
