"""Other reasonable choices than those of the headline, each ready to be solved (`alternatives`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from betweengiants.dossier import Dossier
from betweengiants.network import Programme
from betweengiants.network.reading import BASES
from betweengiants.position.coupled import HEADLINE, TRADE, Settings, World, world
from betweengiants.position.coupling import REST, SECTORS, couple
from betweengiants.position.sector_channel import sector_matrices
from betweengiants.position.systems import systems_of
from betweengiants.position.uncertain import capacity_bounds
from betweengiants.trade.arrays import Imbalances
from betweengiants.trade.sector_matrix import SectorMatrix
from betweengiants.trade.sector_results import Horizon

HORIZON: Horizon = "short"
ALONE = Settings(largest=1)
"""The headline's settings, each power by itself."""
AS_USED = 0.005
"""A set of trade figures that deviates less than this share from the matrix is the one the matrix is made of."""
CHANNELS = "channels"
Floats = NDArray[np.float64]
Effects = Mapping[str, Mapping[str, tuple[Floats, Floats]]]


@dataclass(frozen=True, eq=False)
class Trial:
    """One set of choices, ready to be solved."""

    world: World
    channels: tuple[str, ...]
    theta: float
    imbalances: Imbalances = "additive"
    effects: Effects | None = None


@dataclass(frozen=True, eq=False)
class Choice:
    """One choice other than the headline's.

    Attributes:
        group: what is chosen.
        name: the choice.
        what: in words.
        trial: makes it.
    """

    group: str
    name: str
    what: str
    trial: Callable[[], Trial]


def choices(central: Trial) -> Iterator[Choice]:
    """Every other choice, in the order of the table."""
    base = central.world
    dossier = base.dossier
    if len(base.channels) > 1:
        for channel in base.channels:
            what = "the power's own trade alone" if channel == TRADE else f"{channel.replace('_', ' ')} alone"
            yield Choice(CHANNELS, f"{channel} only", what, partial(replace, central, channels=(channel,)))
    yield Choice(
        "sectors",
        "one sector",
        "everything is one good, domestic sales on the value-added basis",
        lambda: _again(_one_sector(dossier), Settings("one_sector", largest=1)),
    )
    yield Choice(
        "sectors",
        "sectors without inputs",
        "the same sectors, no purchases of inputs between them",
        lambda: _again(dossier, Settings("sectors", largest=1)),
    )
    for rule, name, what in (
        ("multiplicative", "multiplicative imbalances", "spending stays in proportion to income"),
        ("balanced", "balanced trade", "trade imbalances are removed first"),
    ):
        yield Choice(
            "imbalances",
            name,
            what,
            partial(replace, central, imbalances=rule),
        )
    _, *bounds = dossier.parameter(f"theta_{HORIZON}")
    for name, theta in zip(("low", "high"), bounds, strict=True):
        if theta != central.theta:
            yield Choice(
                "elasticity",
                f"theta {name}",
                f"trade elasticity {theta:g} instead of {central.theta:g}",
                partial(replace, central, theta=theta),
            )
    if base.roads:
        yield from _control(dossier)
        for name, bound in (("low", 0), ("high", 2)):
            yield Choice(
                "capacities",
                f"capacities {name}",
                f"every link at its {name} bound, before and after",
                partial(_at_capacities, central, bound),
            )
    yield from _figures(central)
    yield from _oil_price(central)


def _again(dossier: Dossier, settings: Settings) -> Trial:
    other = world(dossier, HORIZON, settings)
    return Trial(other, other.channels, other.theta)


def _one_sector(dossier: Dossier) -> Dossier:
    """The dossier with every commodity of the networks in the only sector."""
    if not dossier.has(SECTORS):
        return dossier
    (sector,) = sector_matrices(dossier)["one_sector"].sectors
    rows = dossier.tables[SECTORS].unique("commodity", keep="first", maintain_order=True)
    whole = rows.with_columns(sector=pl.lit(sector), share=pl.lit(1.0))
    return replace(dossier, tables=dossier.tables | {SECTORS: whole})


def _control(dossier: Dossier) -> Iterator[Choice]:
    """Other thresholds of ownership, and bases of control left out."""
    for threshold in (0.25, 0.75):
        yield Choice(
            "control",
            f"ownership from {threshold:g}",
            f"a share of {threshold:g} closes a link, instead of {HEADLINE.ownership_threshold:g}",
            partial(_again, dossier, Settings(ownership_threshold=threshold, largest=1)),
        )
    for basis, what in (
        ("ownership", "who owns a link does not close it"),
        ("market", "a power does not take its own purchases from the roads"),
        ("supply", "a power does not take its own goods from the roads"),
    ):
        kept = tuple(name for name in BASES if name != basis)
        yield Choice(
            "control",
            f"no {basis}",
            what,
            partial(_again, dossier, Settings(bases=kept, largest=1)),
        )


def _at_capacities(central: Trial, bound: int) -> Trial:
    """The closures with every link at a bound of its capacity; the rise of costs stays the central one.

    Kept is what arrives after over what arrives before at the same capacities, as in the draws of `coupled_draws`.
    """
    base = central.world
    found: dict[str, dict[str, tuple[Floats, Floats]]] = {}
    for name, road in base.roads.items():
        programme = Programme(road.network)
        edges = road.network.edges["edge_id"].to_list()
        programme.set_capacity(capacity_bounds(base.dossier, name, edges)[bound])
        before = programme.optimum(road.network.everything)
        found[name] = {}
        for case, cut in road.closures.items():
            after = programme.optimum(cut.limits, near=before)
            found[name][case] = (
                road.groups.kept(after.demand, before.demand),
                base.effects[name][case][1],
            )
    return replace(central, effects=found)


def _figures(central: Trial) -> Iterator[Choice]:
    """Other reports of the focal state's trade in the year of the matrix, if the dossier holds any."""
    dossier, matrix = central.world.dossier, central.world.matrix
    if not dossier.has("trade_bilateral"):
        return
    year = dossier.tables["trade_matrix_sectors"]["year"].max()
    rows = dossier.tables["trade_bilateral"].filter(
        (pl.col("year") == year) & (pl.col("reporter") == dossier.focal)
    )
    for basis in rows["basis"].unique().sort():
        factor = _deviation(matrix, dossier.focal, rows.filter(pl.col("basis") == basis))
        if (np.abs(factor - 1.0) > AS_USED).any():
            yield Choice(
                "figures",
                f"trade by {basis}",
                f"the focal state's trade as {basis} has it, in the sectors of the matrix",
                partial(_with_figures, central, factor),
            )


def _deviation(matrix: SectorMatrix, focal: str, rows: pl.DataFrame) -> Floats:
    """(2, N) value of exports and imports in these rows over that of the matrix, by partner; 1 where there is no row.

    The rest of the world is what is left of the world's total.
    """
    at = matrix.index(focal)
    flows = matrix.flows.sum(axis=2)
    factor = np.ones((2, len(matrix.labels)))
    for k, (way, now) in enumerate((("export", flows[at]), ("import", flows[:, at]))):
        own = rows.filter(pl.col("flow") == way)
        value = dict(zip(own["partner"].to_list(), own["value_usd_m"].to_list(), strict=True))
        named = {label: value[label] for label in matrix.labels if label in value and label != focal}
        rest = value["WLD"] - sum(named.values()) if "WLD" in value else 0.0
        if REST in matrix.labels and REST not in named and rest > 0:
            named[REST] = rest
        for label, worth in named.items():
            j = matrix.index(label)
            if now[j] > 0:
                factor[k, j] = worth / now[j]
    return factor


def _with_figures(central: Trial, factor: Floats) -> Trial:
    """The same roads on a baseline whose flows of the focal state are multiplied by these factors, see `_deviation`."""
    base = central.world
    at, flows = base.matrix.index(base.dossier.focal), base.matrix.flows.copy()
    flows[at] *= factor[0][:, None]
    flows[:, at] *= factor[1][:, None]
    unchanged = {name: np.ones(road.groups.table.height) for name, road in base.roads.items()}
    coupling = base.coupling.drawn(replace(base.matrix, flows=flows), unchanged)
    # The roads are the same, and so are the effects of closing them: not solved again.
    return replace(central, world=replace(base, coupling=coupling), effects=base.effects)


def _oil_price(central: Trial) -> Iterator[Choice]:
    """The low and the high oil price of the dossier, for crude on the roads and in the focal state's exports."""
    dossier = central.world.dossier
    name = f"oil_price_usd_per_bbl_{dossier.header.base_year}"
    if "oil" not in {system.name for system in systems_of(dossier)}:
        return
    if name not in set(dossier.tables["parameters"]["parameter"]):
        return
    usual, *bounds = dossier.parameter(name)
    for word, price in zip(("low", "high"), bounds, strict=True):
        if price != usual:
            yield Choice(
                "oil price",
                f"oil price {word}",
                f"crude at {price:g} instead of {usual:g} USD a barrel: on the roads and in the exports of the matrix",
                partial(_at_oil_price, central, price / usual),
            )


def _at_oil_price(central: Trial, factor: float) -> Trial:
    base = central.world
    dossier, coupling = base.dossier, base.coupling
    crude = set(base.roads["oil"].groups.table["commodity"])
    at = base.matrix.index(dossier.focal)
    flows = base.matrix.flows.copy()
    exported = (coupling.cells[:, 0] == at) & (coupling.cells[:, 1] != at)
    cells = tuple(coupling.cells[exported].T)
    flows[cells] *= 1.0 + (factor - 1.0) * coupling.weight["oil"].sum(axis=0)[exported]
    rows = dossier.tables["network_demand"]
    mine = pl.col("commodity").is_in(sorted(crude))
    prices = ("price", "price_low", "price_high")
    dearer = rows.with_columns(
        pl.when(mine).then(pl.col(name) * factor).otherwise(name).alias(name) for name in prices
    )
    other = replace(dossier, tables=dossier.tables | {"network_demand": dearer})
    made = world(other, HORIZON, ALONE)
    matrix = replace(base.matrix, flows=flows)
    found = {name: road.groups for name, road in made.roads.items()}
    made = replace(made, coupling=couple(other, matrix, found))
    return Trial(made, made.channels, made.theta)
