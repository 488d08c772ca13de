"""Resolutions that put the same question again in a later session, found by title; and files of such links.

Many resolutions return every year. Linked, they share their parameters and tie the scale of one session to the next. The
votes themselves are not looked at: choosing pairs on which states voted alike would hide that they moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import FALSE_WORDS, FIRST_RECORD, TRUE_WORDS, read_table, require_unique

TITLES = ("title", "short", "descr")
# A title that is missing for longer may have come back as another question.
LONGEST_GAP = 3
CONNECTORS = r"\s*:\s*(draft\s+)?(resolution|decision)\s*/.*$"


def read_links(path: Path | str, *, name: str | None = None) -> dict[str, str]:
    """Read `resolution,same_as`: the resolution puts the question of another one.

    Raises:
        DataError: columns missing, a resolution named twice or linked to itself.
    """
    label = name or Path(path).name
    rows = read_table(path, {"resolution": "text", "same_as": "text"}, name=label)
    require_unique(rows, ["resolution"], label)
    own = rows["resolution"] == rows["same_as"]
    if own.any():
        raise DataError(
            file=label,
            row=int(own.arg_max() or 0) + FIRST_RECORD,
            column="same_as",
            found=f"the resolution itself ({rows['same_as'][int(own.arg_max() or 0)]})",
            allowed="another resolution",
        )
    return dict(zip(rows["resolution"].to_list(), rows["same_as"].to_list(), strict=True))


def find_links(
    path: Path | str, *, resolutions: Sequence[str] | None = None, name: str | None = None
) -> dict[str, str]:
    """Resolutions whose title was put in an earlier session, at most `LONGEST_GAP` sessions before.

    Titles are compared without case, punctuation and endings such as ": resolution / adopted by the General Assembly". A
    title that stands for more than one vote of a session (parts, amendments) links nothing to or from that session.

    Args:
        path: CSV or Parquet with `resolution,session` and a title (`title`, `short` or `descr`).
        resolutions: only these (default: all of the file).
        name: how messages call the file.

    Returns:
        resolution -> the one before with the same title.

    Raises:
        DataError: columns missing, two rows for one resolution.
    """
    rows = read_roll_calls(path, name=name)
    if resolutions is not None:
        rows = rows.filter(pl.col("resolution").is_in(list(resolutions)))
    title = (
        pl.col("title").str.to_lowercase().str.replace(CONNECTORS, "").str.replace_all(r"[^\p{L}\p{N}]+", " ")
    )
    found = (
        rows.with_columns(title.str.strip_chars())
        .filter(pl.col("title").str.len_chars() > 0)
        .sort("title", "session", "resolution")
        .with_columns(votes=pl.len().over("title", "session"))
        .with_columns(
            before=pl.col("resolution").shift().over("title"),
            gap=(pl.col("session") - pl.col("session").shift()).over("title"),
            votes_before=pl.col("votes").shift().over("title"),
        )
        .filter((pl.col("votes") == 1) & (pl.col("votes_before") == 1) & (pl.col("gap") <= LONGEST_GAP))
        .sort("session", "resolution")
    )
    return dict(zip(found["resolution"].to_list(), found["before"].to_list(), strict=True))


def read_roll_calls(path: Path | str, *, name: str | None = None) -> pl.DataFrame:
    """`resolution,session,title` (titles may be null) of a file of roll calls.

    Raises:
        DataError: columns missing, two rows for one resolution.
    """
    label = name or Path(path).name
    columns = {"resolution": "text", "session": "integer"}
    known = read_table(path, columns, optional=dict.fromkeys(TITLES, "text"), blanks=TITLES, name=label)  # type: ignore[arg-type]
    title = next((column for column in TITLES if column in known.columns), None)
    if title is None:
        raise DataError(file=label, found="no column with titles", allowed=f"one of {', '.join(TITLES)}")
    require_unique(known, ["resolution"], label)
    return known.select("resolution", "session", title=pl.col(title))


def flagged(path: Path | str, flag: str, *, name: str | None = None) -> set[str]:
    """Resolutions with a flag: 1, true or yes in a column of a file of roll calls (blank: no).

    Raises:
        UnknownLabel: the file has no such column.
        DataError: another value in it, two rows for one resolution, no resolution with the flag.
    """
    label = name or Path(path).name
    rows = read_table(path, {"resolution": "text"}, optional={flag: "text"}, blanks=(flag,), name=label)
    if flag not in rows.columns or flag == "resolution":
        raise UnknownLabel(flag, _columns(path), what="column", file=label)
    require_unique(rows, ["resolution"], label)
    words = rows[flag].str.to_lowercase().str.replace(r"\.0$", "").fill_null("0")
    wrong = ~words.is_in([*TRUE_WORDS, *FALSE_WORDS])
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        raise DataError(
            file=label,
            row=at + FIRST_RECORD,
            column=flag,
            found=f"'{rows[flag][at]}'",
            allowed="1, 0 or blank",
        )
    found = rows.filter(words.is_in(list(TRUE_WORDS)))["resolution"].to_list()
    if not found:
        raise DataError(file=label, column=flag, found="no resolution with the flag", allowed="at least one")
    return set(found)


def _columns(path: Path | str) -> list[str]:
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        return list(pl.read_parquet_schema(path))
    return pl.read_csv(path, n_rows=0).columns
