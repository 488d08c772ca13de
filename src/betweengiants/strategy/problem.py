"""What is to be decided: a network, options to enlarge it, and the coalitions that may sever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from betweengiants.core.errors import DataError
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.network import Network
from betweengiants.position.systems import OWNERSHIP_THRESHOLD, TABLES, build_network
from betweengiants.strategy.options import Finance, Option, read_options

CAPACITIES = ("capacity", "capacity_low", "capacity_high")


@dataclass(frozen=True, eq=False)
class Problem:
    """Choose units of the options before knowing which coalition severs.

    Attributes:
        edges: all edges of the network (edge_id, status, capacity and whatever `build` needs).
        build: makes a network from such a table.
        options: what can be built.
        finance: discount rate and life.
        own: commodities whose loss counts.
        coalitions: who may sever together, each a tuple of powers.
        ownership_threshold: smallest share that closes an asset.

    Raises:
        DataError: no option, no coalition or no commodity.
    """

    edges: pl.DataFrame
    build: Callable[[pl.DataFrame], Network]
    options: tuple[Option, ...]
    finance: Finance
    own: tuple[str, ...]
    coalitions: tuple[tuple[str, ...], ...]
    ownership_threshold: float = OWNERSHIP_THRESHOLD

    def __post_init__(self) -> None:
        for what, listed in (
            ("option", self.options),
            ("coalition", self.coalitions),
            ("commodity of the focal state", self.own),
        ):
            if not listed:
                raise DataError(found=f"no {what}", allowed=f"at least one {what}")

    def expanded(self, units: Sequence[float]) -> Network:
        """The network after building so many units of each option (in the order of `options`).

        Edges that options name take part even at zero units; one that does not operate starts from capacity zero.
        """
        added: dict[str, float] = {}
        for option, count in zip(self.options, units, strict=True):
            for edge in option.edges:
                added[edge] = added.get(edge, 0.0) + option.adds * float(count)
        more = pl.col("edge_id").replace_strict(added, default=None, return_dtype=pl.Float64)
        today = pl.when(pl.col("status") == "operating").then(pl.col("capacity")).otherwise(0.0)
        return self.build(
            self.edges.with_columns(
                capacity=pl.when(more.is_null()).then("capacity").otherwise(today + more),
                status=pl.when(more.is_null()).then("status").otherwise(pl.lit("operating")),
            )
        )


def dossier_problem(
    dossier: Dossier,
    *,
    coalitions: Sequence[Sequence[str]] | None = None,
    capacity: str = "capacity",
) -> Problem:
    """The problem of a dossier's oil network.

    Args:
        dossier: with the tables of a network, `options`, and the parameters discount_rate and asset_life_years.
        coalitions: who may sever together (default: each of the dossier's powers that the network knows, alone).
        capacity: which column bounds the edges: capacity, capacity_low or capacity_high (central where blank).

    Raises:
        DataError: a table is missing, or an option makes no sense.
        UnknownLabel: a parameter or an edge is missing.
    """
    for table in (*TABLES, "options"):
        if not dossier.has(table):
            raise DataError(
                file=dossier.header.name,
                found=f"no table '{table}'",
                allowed=f"the tables {', '.join((*TABLES, 'options'))}",
            )
    if capacity not in CAPACITIES:
        raise DataError(found=f"capacity '{capacity}'", allowed=", ".join(CAPACITIES))
    edges = dossier.tables["network_edges"].with_columns(capacity=pl.coalesce(capacity, "capacity"))

    def build(changed: pl.DataFrame) -> Network:
        return build_network(replace(dossier, tables={**dossier.tables, "network_edges": changed}))

    network = build(edges)
    own = own_commodities(network, dossier.focal)
    if coalitions is None:
        coalitions = [(power,) for power in dossier.powers if power in network.powers]
    return Problem(
        edges=edges,
        build=build,
        options=read_options(dossier.tables["options"], edges, own, name=dossier.header.paths["options"]),
        finance=Finance(
            Interval(*dossier.parameter("discount_rate")), Interval(*dossier.parameter("asset_life_years"))
        ),
        own=own,
        coalitions=tuple(dict.fromkeys(tuple(sorted(set(group))) for group in coalitions)),
    )


def own_commodities(network: Network, focal: str) -> tuple[str, ...]:
    """Commodities that the focal state supplies from its own territory, sorted."""
    home = network.nodes.filter(pl.col("territory") == focal)
    return tuple(sorted(set(network.supply.join(home, on="node_id", how="semi")["commodity"])))
