"""The command `betweengiants balance`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from betweengiants.cli.dossier import DossierArgument
from betweengiants.cli.drawing import CacheOption, DrawsOption, JobsOption, SeedOption, drawn
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit

# For the registration: app.command(epilog=balance.EPILOG)(balance.balance)
EPILOG = "Example: betweengiants balance kazakhstan --show drivers"
DRAWS = 100
"""As in `betweengiants position`: the two share the draws that are kept."""


class Show(StrEnum):
    """Which table is printed."""

    powers = "powers"
    state = "state"
    drivers = "drivers"
    choices = "choices"
    indicators = "indicators"
    alternatives = "alternatives"


def balance(
    where: DossierArgument = "kazakhstan",
    show: Annotated[
        Show,
        typer.Option(
            "--show",
            help="powers: every power's share in what ties the state, ranks with their chances; state: effective vectors, "
            "autonomy, margin; drivers: Sobol indices of every choice; choices: every alternative with its reason and what "
            "it alone changes; indicators: values and gaps; alternatives: the headline loss under other choices.",
        ),
    ] = Show.powers,
    base: Annotated[
        int | None,
        typer.Option(
            "--base",
            metavar="N",
            help="Points of each of the two samples, a power of 2.  [default: 2048]",
            show_default=False,
        ),
    ] = None,
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 1,
    jobs: JobsOption = None,
    cache: CacheOption = None,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """How balanced a state is between the powers, under every reasonable way to build an index, and which choice decides.

    All choices (what counts, gaps, normalisation, weights, aggregation) and all values within their ranges are drawn
    together. With --show alternatives: what each power could take away if one choice of the models were another.
    Sentences go to standard error.
    """
    from betweengiants.core.errors import DataError
    from betweengiants.dossier import load_dossier

    if show is Show.alternatives:
        from betweengiants.position.alternatives import alternatives

        if base is not None:
            raise DataError(found="--base with --show alternatives", allowed="--base with the other tables")
        beside = alternatives(load_dossier(where))
        emit(beside.table, format, output, notes=beside.sentences())
        return
    from betweengiants.position.balance_index import BASE, balance_index
    from betweengiants.position.balance_inputs import balance_evidence, losses_and_closeness
    from betweengiants.position.balance_words import sentences
    from betweengiants.position.coupled import lacking

    dossier = load_dossier(where)
    held = losses_and_closeness(dossier, drawn(dossier, draws, seed, jobs, cache))
    found = balance_index(balance_evidence(held), base=BASE if base is None else base, seed=seed)
    tables = {
        Show.powers: found.powers_table,
        Show.state: found.state_table,
        Show.drivers: found.drivers,
        Show.choices: found.choices_table,
        Show.indicators: found.indicators_table,
    }
    missing = lacking(dossier)
    alone = [f"The losses are those of trade alone, without roads: {missing}."] if missing else []
    emit(tables[show](), format, output, notes=(*sentences(dossier.focal, found), *alone))
