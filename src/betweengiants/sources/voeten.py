"""Voeten's roll-call votes of the United Nations General Assembly, to our layout of votes.

Layout as published (UNVotes.csv, or .tab from Dataverse): one row for each roll call and state with rcid,
ccode (Correlates of War number), member, vote (1 yes, 2 abstain, 3 no, 8 absent, 9 not a member), session,
date, unres, amend, para and others. Predecessor states that their successor continues are written with the
successor's code.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from betweengiants.core.errors import DataError, UnknownLabel, summary
from betweengiants.core.tables import FIRST_RECORD, Kind, require_unique, typed
from betweengiants.sources.archives import Limits, open_archive, unpack
from betweengiants.sources.base import Pulled, labels_by_number, own_codes

WORDS = {1: "yes", 2: "abstain", 3: "no", 8: "absent"}
NOT_A_MEMBER = 9
NEEDED: dict[str, Kind] = {
    "rcid": "integer",
    "ccode": "integer",
    "vote": "integer",
    "session": "integer",
    "date": "text",
}
WELCOME: dict[str, Kind] = {"unres": "text", "amend": "number", "para": "number"}


def read_voeten(path: Path | str, *, limits: Limits | None = None) -> Pulled:
    """Read Voeten's votes.

    Args:
        path: UNVotes.csv, UNVotes.tab, or a zip with one of them.
        limits: see `archives.Limits`.

    Returns:
        Table `votes`: resolution, session, date, country, vote, and unres, amend, para where the file has
        them; sorted by date, roll call and country. A state that was no member has no row. A roll-call
        number that is used on two dates (some releases have four such) becomes two resolutions, `411` and
        `411@2023-12-04`.

    Raises:
        DataError: not such a file, a cell that cannot be read, a vote other than 1, 2, 3, 8, 9, an unknown
            state, two rows for one roll call and state.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            file=path.name, found="no such file", allowed="UNVotes.csv, UNVotes.tab or a zip of it"
        )
    if path.suffix.lower() != ".zip":
        return _read(path, path.name)
    with open_archive(path, limits) as (archive, members), tempfile.TemporaryDirectory() as folder:
        wanted = [m for m in members if Path(m.filename).suffix.lower() in (".csv", ".tab")]
        if len(wanted) != 1:
            raise DataError(
                file=path.name,
                found=f"{len(wanted)} tables ({summary(m.filename for m in members)})",
                allowed="one .csv or .tab file in the archive",
            )
        name = Path(wanted[0].filename).name
        file = unpack(archive, wanted[0], Path(folder) / f"votes{Path(name).suffix}", path.name)
        return _read(file, f"{path.name}/{name}")


def _read(file: Path, name: str) -> Pulled:
    rows = typed(_raw(file, name), NEEDED, optional=WELCOME, blanks=tuple(WELCOME), name=name)
    rows = rows.with_columns(_days(rows["date"], name))
    _require_votes(rows, name)
    present = rows.with_row_index("_row").filter(pl.col("vote") != NOT_A_MEMBER)
    labels = labels_by_number("voeten", "cow")
    unknown = present.filter(~pl.col("ccode").is_in(list(labels)))
    if unknown.height:
        raise UnknownLabel(
            str(unknown["ccode"][0]),
            [str(number) for number in labels],
            what="Correlates of War number",
            file=name,
            row=unknown["_row"][0] + FIRST_RECORD,
            column="ccode",
        )
    named = present.with_columns(
        resolution=_resolution(),
        country=pl.col("ccode").replace_strict(labels, return_dtype=pl.String),
        word=pl.col("vote").replace_strict(WORDS, return_dtype=pl.String),
    )
    _require_one_vote(named, name)
    extra = [column for column in WELCOME if column in rows.columns]
    votes = named.sort("date", "rcid", "country").select(
        "resolution",
        "session",
        pl.col("date").cast(pl.String),
        "country",
        pl.col("word").alias("vote"),
        *extra,
    )
    return Pulled({"votes": votes}, tuple(_notes(rows, named)))


def _raw(file: Path, name: str) -> pl.DataFrame:
    """The columns we know, as text, whatever the case of their names."""
    separator = "\t" if file.suffix.lower() == ".tab" else ","
    try:
        # Descriptions hold bytes that are not UTF-8 in some releases; none of the columns read here does.
        scan = pl.scan_csv(file, separator=separator, infer_schema=False, encoding="utf8-lossy")
        there = {column.strip().lower(): column for column in scan.collect_schema().names()}
        wanted = [pl.col(there[c]).alias(c) for c in (*NEEDED, *WELCOME) if c in there]
        return scan.select(wanted).collect() if wanted else pl.DataFrame({c: [] for c in there})
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            file=name, found="a layout that is not CSV", allowed="UNVotes.csv or UNVotes.tab as published"
        ) from error


def _days(column: pl.Series, name: str) -> pl.Series:
    days = column.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count():
        row = int(days.is_null().arg_max() or 0)
        raise DataError(
            file=name, row=row + FIRST_RECORD, column="date", found=f"'{column[row]}'", allowed="YYYY-MM-DD"
        )
    return days


def _require_votes(rows: pl.DataFrame, name: str) -> None:
    bad = ~rows["vote"].is_in([*WORDS, NOT_A_MEMBER])
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            file=name,
            row=row + FIRST_RECORD,
            column="vote",
            found=f"{rows['vote'][row]}",
            allowed="1 yes, 2 abstain, 3 no, 8 absent, 9 not a member",
        )


def _resolution() -> pl.Expr:
    """The roll-call number; where it is used on several dates, the later ones add their date."""
    number, day = pl.col("rcid").cast(pl.String), pl.col("date")
    first = day == day.min().over("rcid")
    return pl.when(first).then(number).otherwise(number + "@" + day.cast(pl.String))


def _require_one_vote(named: pl.DataFrame, name: str) -> None:
    key = ["resolution", "country"]
    again = named.filter(pl.struct(key).is_first_distinct().not_())
    if again.height:
        row = again.row(0, named=True)
        raise DataError(
            file=name,
            row=row["_row"] + FIRST_RECORD,
            found=f"a second vote of {row['country']} ({row['ccode']}) on roll call {row['resolution']}",
            allowed="one row for each rcid and ccode",
        )
    require_unique(named.select(key), key, name)


def _notes(rows: pl.DataFrame, named: pl.DataFrame) -> list[str]:
    notes = []
    outside = rows.height - named.height
    if outside:
        notes.append(f"left out: {outside} rows of states that were no members")
    twice = named.filter(pl.col("resolution").str.contains("@"))["resolution"].unique().sort().to_list()
    if twice:
        notes.append(f"roll-call numbers used on two dates; the later ones are written {summary(twice)}")
    own = own_codes("voeten")
    for number in sorted(set(named["ccode"].unique()) & own.keys()):
        notes.append(
            f"number {number} ({own[number].name}) is written {own[number].label}: {own[number].note}"
        )
    parts = [column for column in ("para", "amend") if column in named.columns]
    if parts:
        partial = named.filter(pl.any_horizontal(pl.col(parts) == 1))["resolution"].n_unique()
        if partial:
            notes.append(
                f"{partial} of {named['resolution'].n_unique()} roll calls are on paragraphs or amendments "
                "(columns para, amend); the publisher's ideal points leave those after 1989 out"
            )
    return notes
