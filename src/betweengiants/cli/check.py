"""Asking a dossier: `check` (verdict on every claim) and `facts` (what can be claimed about)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

# A terminal's usual width: the readers' table wraps at it where nobody says how wide the screen is.
READERS_WIDTH = 100


def check(
    where: DossierArgument = "kazakhstan",
    claims: Annotated[
        Path | None, typer.Option("--claims", metavar="FILE", help="Claims to check instead.")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="SHARE",
            help="How far a stated number may lie from the evidence and still be right (share of the evidence).",
        ),
    ] = 0.02,
    claim_review: Annotated[
        Path | None,
        typer.Option(
            "--claim-review", metavar="FILE", help="Write ClaimReview (JSON-LD of schema.org) as well."
        ),
    ] = None,
    page: Annotated[
        str,
        typer.Option("--page", metavar="URL", help="Page that shows the verdicts, as ClaimReview names it."),
    ] = "index.html",
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Set every claim beside the facts that answer it and print a verdict.

    The table is for readers: one row a claim. csv, json and parquet hold one row for each claim and fact, with the rule,
    the sum and the rows used. Exit code 1 if a fact contradicts a claim or a claim is implausible.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.dossier.claims import Tolerances, check_claims, read_claims, readers_table
    from betweengiants.dossier.reading import load_dossier

    if not 0 <= tolerance < 1:
        raise DataError(found=f"--tolerance {tolerance:g}", allowed="a share from 0 to below 1")
    stated = read_claims(claims) if claims else None
    dossier = load_dossier(where)
    checked = check_claims(dossier, stated, tolerances=Tolerances.widened(tolerance))
    if claim_review is not None:
        from betweengiants.core.files import write_text
        from betweengiants.dossier.claims import claim_review_text

        own = dossier.tables["claims"] if stated is None else stated
        write_text(claim_review, claim_review_text(dossier, checked, own, page=page))
    readers = format is Format.table
    emit(readers_table(checked) if readers else checked, format, output, width=READERS_WIDTH)
    if checked["verdict"].is_in(["contradicted", "implausible"]).any():
        raise typer.Exit(1)


def facts(
    where: DossierArgument = "kazakhstan",
    measure: Annotated[str | None, typer.Option(help="Only this measure.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this subject.")] = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """List the facts of a dossier: what can be claimed about."""
    import polars as pl

    from betweengiants.core.errors import UnknownLabel
    from betweengiants.dossier.reading import load_dossier

    frame = load_dossier(where).tables["facts"]
    for column, wanted in (("measure", measure), ("subject", subject)):
        if wanted is not None:
            if wanted not in set(frame[column]):
                raise UnknownLabel(wanted, frame[column], what=column, file="facts.csv")
            frame = frame.filter(pl.col(column) == wanted)
    emit(frame, format, output)
