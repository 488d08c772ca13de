"""Commands of `betweengiants alignment` on portfolios and on the composite of all parts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betweengiants.cli import alignment_ties
from betweengiants.cli.output import Format, FormatOption, OutputOption, emit
from betweengiants.cli.trade_options import labels
from betweengiants.cli.votes import Weights

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Alliances, institutions, agreements, visits: how close a state stands to each power.",
)
alignment_ties.register(app)


class Basis(StrEnum):
    """Which parts a power is judged on."""

    common = "common"
    own = "own"


@app.command(
    name="portfolios",
    epilog="Example: betweengiants alignment portfolios alliances.csv --with RUS,CHN,USA --country KAZ --zeros",
)
def portfolios_command(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="CSV or Parquet with country,partner,value (one of --levels) and optionally weight,year.",
        ),
    ],
    powers: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="LIST", help="Labels of the table, joined by commas.", show_default=False
        ),
    ] = None,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="Every pair once, instead of --with (of --country, if given).")
    ] = False,
    country: Annotated[
        str | None, typer.Option("--country", metavar="LIST", help="Only these states, joined by commas.")
    ] = None,
    levels: Annotated[
        str, typer.Option("--levels", metavar="LIST", help="All possible values, increasing.")
    ] = "0,1,2,3",
    zeros: Annotated[
        bool,
        typer.Option(
            "--zeros",
            help="Give every state a row for every label of the table (of the same year, if it has years): the lowest "
            "level for the others, the highest for itself. Without it a partner that one side has no row for is "
            "passed over.",
        ),
    ] = False,
    partner_weights: Annotated[
        Path | None,
        typer.Option(
            "--partner-weights",
            metavar="FILE",
            help="CSV or Parquet with partner,weight[,year], such as capabilities; replaces the table's weights.",
        ),
    ] = None,
    weights: Annotated[
        Weights, typer.Option("--weights", help="Distance between levels for S, kappa and pi.")
    ] = Weights.absolute,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """S, kappa and pi of states' portfolios: alliances, ratings or any other ordered tie to the same partners."""
    from betweengiants.alignment.portfolios import completed, portfolio_similarity, read_portfolios, weighted
    from betweengiants.core.errors import DataError
    from betweengiants.core.tables import read_table

    if (powers is None) != all_pairs:
        raise DataError(
            found="both --with and --all-pairs" if all_pairs else "neither --with nor --all-pairs",
            allowed="one of the two",
        )
    scale = _numbers("--levels", levels)
    rows = read_portfolios(table)
    notes = []
    if zeros:
        if "weight" in rows.columns and partner_weights is None:
            raise DataError(
                file=table.name,
                column="weight",
                found="weights together with --zeros",
                allowed="--partner-weights FILE, since rows that are added need a weight too",
            )
        before = rows
        rows = completed(rows, nothing=scale[0], own=scale[-1], name=table.name)
        notes.append(_added(before, rows))
    if partner_weights is not None:
        found = read_table(
            partner_weights, {"partner": "text", "weight": "number"}, optional={"year": "integer"}
        )
        rows = weighted(rows, found, name=partner_weights.name)
    frame = portfolio_similarity(
        rows,
        None if country is None else labels("--country", country),
        None if powers is None else labels("--with", powers),
        levels=scale,
        distance=weights.value,
        name=table.name,
    )
    if frame.is_empty():
        notes.append("no pair with a partner in common")
    emit(frame, format, output, notes=tuple(notes))


@app.command(
    name="atop",
    epilog="Example: betweengiants alignment atop atop_dyads.csv --capability nmc.csv --output alliances.csv "
    "--format csv",
)
def atop_command(
    dyads: Annotated[
        Path,
        typer.Argument(
            metavar="DYADS",
            help="CSV or Parquet of directed dyads, each pair twice a year, with iso3_1,iso3_2,year and 0 or 1 in "
            "atop_defense,atop_offense,atop_neutral,atop_nonagg,atop_consul; dyads without a pact may be absent.",
        ),
    ],
    capability: Annotated[
        Path | None,
        typer.Option(
            "--capability",
            metavar="FILE",
            help="CSV or Parquet with iso3,year,cinc: who belongs to the system in each year, and the weights. Dyads "
            "of other states and years are left out and counted.",
        ),
    ] = None,
    undirected: Annotated[
        bool,
        typer.Option(
            "--undirected", help="A pair that stands in one direction only in a year holds in both."
        ),
    ] = False,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """Alliance portfolios from directed dyads of obligations, every zero written: input for `alignment portfolios`.

    Levels: 3 defence or offence, 2 neutrality or consultation, 1 nonaggression only, 0 none.
    """
    import polars as pl

    from betweengiants.alignment.dyads import left_out, one_way
    from betweengiants.alignment.portfolios import OBLIGATIONS, alliance_levels, weighted
    from betweengiants.core.tables import Kind, read_table

    columns: dict[str, Kind] = {"iso3_1": "text", "iso3_2": "text", "year": "integer"}
    obligations = [f"atop_{obligation}" for obligation in OBLIGATIONS]
    columns.update(dict.fromkeys(obligations, "integer"))
    rows = read_table(dyads, columns)
    sides = ("iso3_1", "iso3_2")
    pacts = rows.filter(pl.any_horizontal(pl.col(obligations) == 1))
    single = one_way(rows, sides).filter(pl.any_horizontal(pl.col(obligations) == 1)).height
    notes = []
    if single:
        notes.append(
            f"{single} of {pacts.height} dyads with a pact stand in one direction only: "
            + ("read both ways" if undirected else "zeros the other way; --undirected reads them both ways")
        )
    if capability is None:
        frame = alliance_levels(rows, undirected=undirected, name=dyads.name)
        members = "the labels of the table, each in the years that name it"
    else:
        known = read_table(
            capability, {"iso3": "text", "year": "integer", "cinc": "number"}, blanks=("cinc",)
        )
        system = known.select("year", country="iso3")
        frame = alliance_levels(rows, system, undirected=undirected, name=dyads.name)
        lost = left_out(rows, system, sides, name=capability.name)
        notes += [lost] if lost else []
        held = known.filter(pl.col("cinc").is_not_null()).select("year", partner="iso3", weight="cinc")
        frame = weighted(frame, held, name=capability.name)
        members = f"the states of {capability.name} in its years"
    emit(frame, format, output, notes=(f"system: {members}", *notes))


@app.command(
    name="composite",
    epilog="Example: betweengiants alignment composite parts.csv --weights votes=2,institutions=1,visits=1",
)
def composite_command(
    parts: Annotated[
        Path,
        typer.Argument(
            metavar="PARTS",
            help="CSV or Parquet with country,power,year,part,value (0 to 1) and optionally low,high.",
        ),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="LIST", help="part=weight, joined by commas (default: equal)."),
    ] = None,
    concentration: Annotated[
        float,
        typer.Option(
            "--concentration",
            help="How near the drawn weights stay to the stated ones: 1 with equal weights makes every set equally "
            "likely, 1000000 (the most) all but holds them fixed.",
        ),
    ] = 1.0,
    draws: Annotated[int, typer.Option("--draws", help="How often weights and parts are drawn.")] = 2000,
    level: Annotated[float, typer.Option("--level", help="Share of the draws between low and high.")] = 0.9,
    basis: Annotated[
        Basis, typer.Option("--basis", help="Parts that all powers of a year have, or each power's own.")
    ] = Basis.common,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random numbers.")] = 0,
    format: FormatOption = Format.table,
    output: OutputOption = None,
) -> None:
    """One number for alignment by power and year on top of its parts, with weights drawn anew many times."""
    import polars as pl

    from betweengiants.alignment.composite import BOUNDS, PARTS, composite
    from betweengiants.core.tables import read_table

    found = composite(
        read_table(parts, PARTS, optional=BOUNDS, blanks=tuple(BOUNDS)),
        None if weights is None else _weights(weights),
        concentration=concentration,
        draws=draws,
        level=level,
        basis=basis.value,
        seed=seed,
        name=parts.name,
    )
    notes = [
        f"weight of {row['part']}: {row['weight']:.3g} (drawn {row['weight_low']:.2f} to {row['weight_high']:.2f}), "
        + (f"{row['first_year']} to {row['last_year']}" if row["rows"] else "not in the table")
        for row in found.weights.to_dicts()
    ]
    notes += found.remarks
    notes += [found.latest_sentence(state) for state in found.table["country"].unique().sort()]
    lists = [pl.col(column).list.join(";") for column in ("parts", "missing")]
    emit(found.table.with_columns(lists), format, output, notes=tuple(notes))


def _added(before: pl.DataFrame, after: pl.DataFrame) -> str:
    """What --zeros did to a table of portfolios."""
    import polars as pl

    added = f"{after.height - before.height} rows added by --zeros to {before.height} of the table"
    if "year" not in after.columns:
        return f"{added}: {after['country'].n_unique()} labels, every pair of them"
    labels_of = after.group_by("year").agg(n=pl.col("country").n_unique())["n"].to_list()
    often = after.group_by("country").agg(years=pl.col("year").n_unique())
    some = often.filter(pl.col("years") < len(labels_of)).height
    return (
        f"{added}: every pair of the labels that a row of the year names ({min(labels_of)} to {max(labels_of)} a year); "
        f"{some} of {often.height} labels are not named in every year and have no zeros in the others"
    )


def _numbers(option: str, text: str) -> list[float]:
    from betweengiants.core.errors import DataError

    try:
        return [float(part) for part in labels(option, text)]
    except ValueError:
        raise DataError(
            found=f"{option} '{text}'", allowed="numbers joined by commas, as in 0,1,2,3"
        ) from None


def _weights(text: str) -> dict[str, float]:
    from betweengiants.core.errors import DataError

    found: dict[str, float] = {}
    for item in labels("--weights", text):
        part, _, number = (piece.strip() for piece in item.partition("="))
        try:
            if not part or part in found:
                raise ValueError
            found[part] = float(number)
        except ValueError:
            raise DataError(
                found=f"--weights '{text}'", allowed="part=number, each part once, as in votes=2,visits=1"
            ) from None
    return found
