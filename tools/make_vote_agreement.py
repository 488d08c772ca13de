"""Make the dossier's table of agreement in General Assembly votes from a file of votes.

    python tools/make_vote_agreement.py VOTES src/betweengiants/dossier/builtin/kazakhstan/vote_agreement.csv

VOTES has the layout `resolution,session,date,country,vote`. The committed table was made from roll-call votes of the
United Nations General Assembly from 1946 to June 2024 (Voeten, Strezhnev & Bailey, Harvard Dataverse
doi:10.7910/DVN/LEJUQZ, by way of the public repositories that the dossier's sources name). Calendar years; all
recorded votes, contested or not; pairs with fewer than ten common votes in a year are left out; EU27 is the majority
vote of today's 27 members in every year; numbers are rounded to six digits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from betweengiants.alignment.agreement import agreement
from betweengiants.alignment.votes import read_votes
from betweengiants.core.countries import blocs
from betweengiants.core.files import write_text

FOCAL = "KAZ"
PEERS = ("UZB", "KGZ", "TJK", "TKM", "AZE", "ARM", "GEO", "MNG", "BLR")
POWERS = ("RUS", "CHN", "USA", "EU27")
FIRST_YEAR, LAST_YEAR = 1992, 2024
FEWEST = 10
DIGITS = 6
SOURCE = "unga_pigeon2024;unga_unvotes"
COLUMNS = (
    "year",
    "country",
    "power",
    "n",
    "agreement",
    "agreement_se",
    "s_score",
    "kappa",
    "pi",
    "source_id",
)


def table(votes: Path) -> pl.DataFrame:
    """The rows of the dossier's table, sorted by year, country and power."""
    found = agreement(
        read_votes(votes), POWERS, (FOCAL, *PEERS, "RUS", "CHN"), {"EU27": blocs()["EU27"]}, by="year"
    )
    return (
        found.filter(pl.col("year").is_between(FIRST_YEAR, LAST_YEAR) & (pl.col("n") >= FEWEST))
        .with_columns(pl.col(pl.Float64).round(DIGITS) + 0.0, source_id=pl.lit(SOURCE))
        .select(COLUMNS)
        .sort("year", "country", "power")
    )


def main() -> None:
    """Read the arguments and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("votes", type=Path, help="file of votes")
    parser.add_argument("out", type=Path, help="table to write")
    arguments = parser.parse_args()
    frame = table(arguments.votes)
    write_text(arguments.out, frame.write_csv())
    print(f"{frame.height} rows, {frame['year'].min()} to {frame['year'].max()}: {arguments.out}")


if __name__ == "__main__":
    main()
