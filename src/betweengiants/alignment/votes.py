"""Roll-call votes: from a table in long layout to one small matrix.

Layout (design, section 6): `resolution,session,date,country,vote`, one row for each resolution and country;
the vote is `yes`, `abstain` or `no`, written so; every other value (`absent` among them) is left out and
counted. A file in another coding (1, 2, 3 or Y, A, N) is read where the caller declares it; it is never
guessed, since A is abstain in one file and absent in the next, and 2 is abstain in one and no in another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.core.errors import DataError, UnknownLabel, quoted
from betweengiants.core.tables import FIRST_RECORD, read_table

YES, ABSTAIN, NO = 1, 2, 3
VOTE_CODES: dict[str, int] = {"yes": YES, "abstain": ABSTAIN, "no": NO}
BLANK = "(blank)"
# What a cell that says when a vote was taken must hold, in words.
WHEN = {"date": "a day as YYYY-MM-DD (ISO 8601)", "session": "the number of the session"}
# ISO 8601, the year from 1 on; a time of day may follow, and the offset from UTC.
DAY = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
# One byte a cell: a table with more resolutions x countries than this is a mistake, not an assembly.
MAX_CELLS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of one assembly; R resolutions in order of date, C countries in alphabetical order.

    Attributes:
        resolutions: R keys.
        dates: (R,) datetime64[D], day of the vote.
        years: (R,) int, calendar year of the vote.
        sessions: (R,) int.
        countries: C labels.
        matrix: (R, C) int8: 0 no vote cast, 1 yes, 2 abstain, 3 no.
        left_out: how many rows held another value, by value.
        name: how messages call the file.
    """

    resolutions: tuple[str, ...]
    dates: NDArray[np.datetime64]
    years: NDArray[np.int64]
    sessions: NDArray[np.int64]
    countries: tuple[str, ...]
    matrix: NDArray[np.int8]
    left_out: Mapping[str, int] = field(default_factory=dict)
    name: str = "votes"

    def position(self, country: str) -> int:
        """Column of a country.

        Raises:
            UnknownLabel: it is not in the file; names the nearest labels.
        """
        try:
            return self.countries.index(country)
        except ValueError:
            raise UnknownLabel(country, self.countries, what="country", file=self.name) from None

    def contested(self) -> NDArray[np.bool_]:
        """(R,) true where the chamber cast at least two different votes."""
        kinds = sum((self.matrix == code).any(axis=1).astype(np.int8) for code in VOTE_CODES.values())
        return np.asarray(kinds) >= 2

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Votes:
        """The same countries, fewer resolutions."""
        names = np.asarray(self.resolutions, dtype=object)[rows]
        return Votes(
            tuple(names.tolist()),
            self.dates[rows],
            self.years[rows],
            self.sessions[rows],
            self.countries,
            self.matrix[rows],
            self.left_out,
            self.name,
        )

    def note(self) -> str | None:
        """What was left out, in one sentence; None if nothing was."""
        if not self.left_out:
            return None
        listed = ", ".join(f"{count} {value}" for value, count in sorted(self.left_out.items())[:8])
        more = f" and {len(self.left_out) - 8} other values" if len(self.left_out) > 8 else ""
        return f"left out, as neither yes, abstain nor no: {listed}{more}"


def read_votes(path: Path | str, *, codes: Mapping[str, str] | None = None, name: str | None = None) -> Votes:
    """Read a CSV or Parquet file of votes.

    Args:
        path: file with `resolution,session,date,country,vote`; other columns are dropped.
        codes: value of the file -> yes, abstain or no, for files in another coding. The three words
            themselves are always read, so that a file may mix them with the codes.
        name: how messages call the file.

    Raises:
        DataError: file or column missing, no rows, an empty cell (but in `vote`), a session that is not a whole
            number, a date that is not YYYY-MM-DD from the year 1 on, a resolution with two dates or sessions, two
            rows for one resolution and country, labels of countries that differ only in capitals, no vote at all
            that is yes, abstain or no.
        UnknownLabel: a code that stands for something else.
    """
    label = name or Path(path).name
    columns = {"resolution": "text", "session": "integer", "date": "text", "country": "text", "vote": "text"}
    frame = read_table(path, columns, blanks=("vote", "session", "date"), name=label)  # type: ignore[arg-type]
    return votes_from_frame(frame, codes=codes, name=label)


def votes_from_frame(
    frame: pl.DataFrame, *, codes: Mapping[str, str] | None = None, name: str = "votes"
) -> Votes:
    """Make Votes of a frame with the five columns of the layout, all text but `session` (integer).

    Raises:
        DataError: see `read_votes`.
    """
    meaning = _meaning(codes or {})
    for column, allowed in WHEN.items():
        _refuse_empty(frame[column], allowed, name)
    rows = frame.with_columns(_dates(frame["date"], name), pl.col("vote").fill_null(BLANK))
    resolutions = _resolutions(rows, name)
    keys, countries = resolutions["resolution"].to_list(), rows["country"].unique().sort().to_list()
    if len(keys) * len(countries) > MAX_CELLS:
        raise DataError(
            file=name,
            found=f"{len(keys)} resolutions by {len(countries)} countries",
            allowed=f"at most {MAX_CELLS} cells",
        )
    _refuse_twins(countries, name)
    at = _positions(rows["resolution"], keys), _positions(rows["country"], countries)
    matrix = np.full((len(keys), len(countries)), -1, dtype=np.int8)
    matrix[at] = 0
    if int((matrix == 0).sum()) < rows.height:
        _refuse_second_row(rows, name)
    cast = rows["vote"].replace_strict(meaning, default=0, return_dtype=pl.Int8)
    others = rows.filter(cast == 0)["vote"].value_counts().sort("vote")
    left_out = dict(zip(others["vote"].to_list(), others["count"].to_list(), strict=True))
    if sum(left_out.values()) == rows.height:
        raise DataError(
            file=name,
            column="vote",
            found=f"no vote that is yes, abstain or no (only {', '.join(list(left_out)[:5])})",
            allowed="yes, abstain, no in small letters, or a declared coding such as Y=yes,A=abstain,N=no",
        )
    matrix.fill(0)
    matrix[at] = cast.to_numpy()
    return Votes(
        tuple(keys),
        resolutions["date"].to_numpy().astype("datetime64[D]"),
        resolutions["date"].dt.year().cast(pl.Int64).to_numpy(),
        resolutions["session"].to_numpy(),
        tuple(countries),
        matrix,
        left_out,
        name,
    )


def _meaning(codes: Mapping[str, str]) -> dict[str, int]:
    """What each value of a file stands for: the three words, and the codes that the caller declares."""
    for value, word in codes.items():
        if word not in VOTE_CODES:
            raise UnknownLabel(word, VOTE_CODES, what=f"vote of code '{value}':")
        if value in VOTE_CODES and value != word:
            raise DataError(found=f"code '{value}' for {word}", allowed=f"{value} to stand for itself")
    return VOTE_CODES | {value: VOTE_CODES[word] for value, word in codes.items()}


def _refuse_twins(countries: Sequence[str], name: str) -> None:
    """KAZ and kaz are one state written in two ways; as two columns each would hold half of its votes."""
    seen: dict[str, str] = {}
    for label in countries:
        twin = seen.setdefault(label.casefold(), label)
        if twin != label:
            raise DataError(
                file=name,
                column="country",
                found=f"'{twin}' and '{label}', which differ only in capitals",
                allowed="one label for each country",
            )


def _refuse_empty(column: pl.Series, allowed: str, name: str) -> None:
    if column.null_count():
        row = int(column.is_null().arg_max() or 0) + FIRST_RECORD
        raise DataError(file=name, row=row, column=column.name, found="an empty cell", allowed=allowed)


def _refuse_second_row(rows: pl.DataFrame, name: str) -> None:
    """Raise at the first row whose resolution and country stand above, and say whether the two contradict each other."""
    key = ["resolution", "country"]
    again = rows.with_row_index("_row").with_columns(
        _first=pl.col("vote").first().over(key), _place=pl.col("_row").first().over(key)
    )
    row = again.filter(pl.col("_row") != pl.col("_place")).row(0, named=True)
    same = row["vote"] == row["_first"]
    how = (
        f"the same vote again ({quoted(row['vote'])})"
        if same
        else f"another vote ({quoted(row['vote'])}, which is {quoted(row['_first'])} there)"
    )
    raise DataError(
        file=name,
        row=row["_row"] + FIRST_RECORD,
        found=f"a second row for resolution={row['resolution']}, country={row['country']} beside row "
        f"{row['_place'] + FIRST_RECORD}, with {how}",
        allowed="one row for each resolution, country",
    )


def _dates(column: pl.Series, name: str) -> pl.Series:
    """Days from ISO 8601 text; a time of day after the date is passed over."""
    unique = column.unique(maintain_order=True)
    shaped = unique.str.contains(DAY) & ~unique.str.starts_with("0000")
    days = unique.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    bad = unique.filter(days.is_null() | ~shaped)
    if bad.len():
        row = int((column == bad[0]).arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column="date",
            found=f"'{bad[0]}'",
            allowed=WHEN["date"],
        )
    return column.replace_strict(unique, days, return_dtype=pl.Date).alias("date")


def _resolutions(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row for each resolution (resolution, date, session), by date, session and key."""
    found = rows.group_by("resolution").agg(
        pl.col("date").min(), pl.col("session").min(), last=pl.col("date").max(), top=pl.col("session").max()
    )
    for column, other in (("date", "last"), ("session", "top")):
        split = found.filter(pl.col(column) != pl.col(other))
        if split.height:
            _refuse_split(rows, split, column, name)
    return found.select("resolution", "date", "session").sort("date", "session", "resolution")


def _refuse_split(rows: pl.DataFrame, split: pl.DataFrame, column: str, name: str) -> None:
    """Raise at the first row whose date (session) differs from the first one given for its resolution."""
    differs = pl.col(column) != pl.col(column).first().over("resolution")
    first = (
        rows.with_row_index("_row")
        .filter(pl.col("resolution").is_in(split["resolution"].implode()))
        .with_columns(_first=pl.col(column).first().over("resolution"))
        .filter(differs)
        .row(0, named=True)
    )
    raise DataError(
        file=name,
        row=first["_row"] + FIRST_RECORD,
        column=column,
        found=f"{first[column]} for resolution {first['resolution']}, which has {first['_first']} above",
        allowed=f"one {column} for each resolution",
    )


def _positions(column: pl.Series, labels: Sequence[str]) -> NDArray[np.int64]:
    """Where each cell stands in `labels` (each label once, no cell outside them)."""
    return column.cast(pl.Enum(labels)).to_physical().cast(pl.Int64).to_numpy()
