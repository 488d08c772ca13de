"""Modelled flows beside observed ones."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from betweengiants.core.tables import Kind, read_table, require_range, require_unique, typed
from betweengiants.network.model import Network
from betweengiants.network.reading import require_known
from betweengiants.network.results import FlowResult

OBSERVED: dict[str, Kind] = {"edge_id": "text", "commodity": "text", "volume": "number"}


def read_observed(path: Path | str) -> pl.DataFrame:
    """Read `edge_id,commodity,volume` (CSV or Parquet); `compare_observed` checks the rows."""
    path = Path(path)
    return read_table(path, OBSERVED)


def compare_observed(
    network: Network, result: FlowResult, observed: pl.DataFrame, *, name: str = "observed"
) -> pl.DataFrame:
    """What an edge carried beside what the programme sends over it.

    Args:
        network: the network.
        result: a solution of it.
        observed: edge_id, commodity, volume (in the commodity's unit, whatever the direction).
        name: how messages call the table.

    Returns:
        edge_id, commodity, observed, modelled, error (modelled less observed), error_pct (null where nothing was
        observed), in the order of the rows; edges that do not operate have no modelled flow and are left out.

    Raises:
        DataError: a missing column, an empty cell, a volume below 0, a row twice.
        UnknownLabel: an edge or commodity that the network does not hold.
    """
    frame = typed(observed, OBSERVED, name=name)
    require_range(frame, "volume", name, minimum=0)
    require_unique(frame, ("edge_id", "commodity"), name)
    idle = network.not_operating["edge_id"].to_list()
    require_known(frame, "edge_id", [*network.edge_index, *idle], "edge", name)
    require_known(frame, "commodity", network.commodities, "commodity", name)
    modelled = result.edges.select("edge_id", "commodity", modelled=pl.col("flow").abs())
    joined = frame.rename({"volume": "observed"}).join(
        modelled, on=("edge_id", "commodity"), how="inner", maintain_order="left"
    )
    error = pl.col("modelled") - pl.col("observed")
    share = pl.when(pl.col("observed") > 0).then(100.0 * error / pl.col("observed"))
    return joined.with_columns(error=error, error_pct=share)
