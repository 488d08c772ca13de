"""Print the standard deviation of the log error of Kazakhstan's flows, and the pairs of reports that it rests on.

    python tools/flow_sd.py [DOSSIER]

The dossier's parameter `flow_log_sd` is what this prints, rounded to three digits. Two reports of the same flow in the
same year, from the dossier's `trade_bilateral`: the national bureau's (BNS) and the one reconciled by CEPII (BACI), 2023.

A pair counts if it is one of two complete reports of the same thing:

    regions of the trade matrix only, the European Union as one: what members book under each other's name cancels
    not the regions that had not reported 2023 themselves (the matrix marks their cells `gravity`): BACI repeats Kazakhstan
    not the export to the United Kingdom: 14.4 billion in BACI against 0.7 is no error of measurement (see NOT_A_PAIR)

Weights are the geometric means of the two reports: the loss follows the large flows, small ones are reported far worse.

    value  BACI as the partner's report
    low    without Switzerland and the Emirates, where the two sides book different partners (traders, re-exports)
    high   BACI as the plain mean of both reports: its gap is then half of theirs, and the deviation twice the value

A check with two national reports: Chinese customs have 31,200 and 43,820 million of turnover with Kazakhstan in 2022 and
2024, the bureau 24,204 and 30,158: 0.23 in the same measure. Reports known to be incomplete (WITS 2010 and 2020 to 2022) are
not used.
"""

from __future__ import annotations

import argparse

import polars as pl

from betweengiants.dossier import Dossier, load_dossier
from betweengiants.trade import mirror_sd

NATIONAL, RECONCILED, UNSEEN = "KAZ_reported_BNS", "BACI", "gravity"
NOT_A_PAIR = (("GBR", "export"),)
OTHER_PARTNER_BOOKED = ("ARE", "CHE")
DIGITS = 3


def pairs(dossier: Dossier) -> pl.DataFrame:
    """partner, flow, national, reconciled (million USD), weight: the pairs that count."""
    matrix, reports = dossier.tables["trade_matrix"], dossier.tables["trade_bilateral"]
    year = int(dossier.parameter("trade_matrix_year")[0])
    unseen = matrix.filter(pl.col("basis") == UNSEEN)
    silent = set(unseen["exporter"]) | set(unseen["importer"])
    regions = sorted(set(matrix["exporter"]) - silent)
    dropped = pl.any_horizontal(
        *((pl.col("partner") == partner) & (pl.col("flow") == flow) for partner, flow in NOT_A_PAIR)
    )
    return (
        reports.filter(
            (pl.col("year") == year)
            & (pl.col("reporter") == dossier.focal)
            & pl.col("partner").is_in(regions)
        )
        .filter(~dropped)
        .pivot(on="basis", index=["partner", "flow"], values="value_usd_m")
        .select("partner", "flow", national=NATIONAL, reconciled=RECONCILED)
        .drop_nulls()
        .with_columns(weight=(pl.col("national") * pl.col("reconciled")).sqrt())
        .sort("partner", "flow")
    )


def deviations(table: pl.DataFrame) -> tuple[float, float, float]:
    """Value, low and high of the parameter from `pairs`."""
    value = _sd(table)
    return value, _sd(table.filter(~pl.col("partner").is_in(OTHER_PARTNER_BOOKED))), 2 * value


def _sd(table: pl.DataFrame) -> float:
    return mirror_sd(table["national"].to_numpy(), table["reconciled"].to_numpy(), table["weight"].to_numpy())


def main() -> None:
    """Read the dossier, print the pairs and the three numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dossier", nargs="?", default="kazakhstan", type=str)
    given = parser.parse_args().dossier
    table = pairs(load_dossier(given))
    print(table.write_csv(), end="")
    value, low, high = (round(number, DIGITS) for number in deviations(table))
    print(f"flow_log_sd {value} (low {low}, high {high}) from {table.height} pairs")


if __name__ == "__main__":
    main()
