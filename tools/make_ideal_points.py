"""Make the dossier's table `ideal_points` from roll-call votes of the General Assembly.

Run: python tools/make_ideal_points.py VOTES [--out FILE]

VOTES has the layout of `betweengiants votes ideal-points`. All sessions are estimated together; the table keeps those since
1991 (session 46). A session stands for the year in which it begins (session + 1945, Voeten). EU27 is the mean of the
present members that voted; its error holds what their errors have in common. The error is the larger of the model's and
of that from random halves of the resolutions, which also knows of states that vote by more than one line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from betweengiants.alignment.ideal import ideal_points
from betweengiants.alignment.ideal_halves import Options, split_half_errors
from betweengiants.alignment.votes import read_votes
from betweengiants.core.countries import blocs
from betweengiants.core.csvout import csv_text

FIRST_SESSION = 46
SOURCES = "unga_pigeon2024;unga_unvotes"
DIGITS = 4
SPLITS = 10


def table(votes: Path) -> pl.DataFrame:
    """The rows of the table, sorted."""
    record = read_votes(votes)
    options = Options(groups={"EU27": blocs()["EU27"]})
    whole = ideal_points(record, groups=options.groups)
    halves = split_half_errors(record, whole, SPLITS, options=options)
    found = whole.frame.join(halves, on=["country", "session"]).with_columns(
        se=pl.max_horizontal("se", "se_halves")
    )
    return (
        found.filter(pl.col("session") >= FIRST_SESSION)
        .with_columns(
            pl.col("ideal_point", "se").round(DIGITS),
            year=pl.col("session") + 1945,
            source_id=pl.lit(SOURCES),
        )
        .select("year", "country", "session", "n", "ideal_point", "se", "source_id")
        .sort("year", "country")
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("votes", type=Path)
    asked.add_argument("--out", type=Path, default=Path("ideal_points.csv"))
    options = asked.parse_args()
    options.out.write_text(csv_text(table(options.votes)), encoding="utf-8")
