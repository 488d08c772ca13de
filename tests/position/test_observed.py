"""Calibration: the programme without a severance beside what was observed; routes above a million tonnes within a tenth."""

from __future__ import annotations

import polars as pl
import pytest

from betweengiants.dossier import Dossier
from betweengiants.network import FlowResult, Network, compare_observed, solve
from betweengiants.position.own_goods import own_deliveries
from betweengiants.position.systems import SYSTEMS, build_network

LARGE = 1.0
TENTH = 10.0
# Sums over goods or edges, observed in 2024 and set out with their sources in docs/networks-freight.md.
SUMS: dict[str, tuple[tuple[str, ...], str, float]] = {
    "all goods at Dostyk": (("fr-alashankou-dostyk",), "all", 18.6),
    "all goods at Altynkol": (("fr-khorgos-cn-altynkol",), "all", 13.4),
    "exports by Dostyk": (("fr-alashankou-market",), "own", 13.7 * 3.0 / 4.5),
    "exports by Altynkol": (("fr-khorgos-cn-market",), "own", 13.7 * 1.5 / 4.5),
    "dry exports over the Caspian": (("fr-caspian-alat",), "own", 1.8),
    "wagons by Kuryk": (("fr-kuryk-ferry",), "own", 1.1),
    "all crossings with Russia": (
        (
            "fr-aktobe-iletsk",
            "fr-kostanay-kartaly",
            "fr-petropavl-yekaterinburg",
            "fr-ekibastuz-kulunda",
            "fr-semey-lokot",
            "fr-oral-saratov",
            "fr-atyrau-astrakhan",
        ),
        "all",
        88.7,
    ),
    "Saryagash": (("fr-saryagash-tashkent",), "all", 26.3),
}


@pytest.fixture(scope="module")
def solved(dossier: Dossier) -> dict[str, tuple[Network, FlowResult]]:
    networks = {name: build_network(dossier, system=name) for name in SYSTEMS}
    return {name: (network, solve(network)) for name, network in networks.items()}


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_single_routes(dossier: Dossier, solved: dict[str, tuple[Network, FlowResult]], system: str) -> None:
    network, result = solved[system]
    own = own_deliveries(dossier, network, SYSTEMS[system])
    factor = dict(zip(network.demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
    rows = dossier.tables["network_observed"].filter(pl.col("commodity").is_in(list(network.commodities)))
    found = compare_observed(network, result, rows.select("edge_id", "commodity", "volume"))
    size = pl.col("observed") * pl.col("commodity").replace_strict(factor, return_dtype=pl.Float64)
    large = found.filter(size >= LARGE)
    assert large.height >= 6
    assert large.filter(pl.col("error_pct").abs() > TENTH).rows() == []


@pytest.mark.parametrize("name", list(SUMS))
def test_sums(dossier: Dossier, solved: dict[str, tuple[Network, FlowResult]], name: str) -> None:
    edges, goods, observed = SUMS[name]
    network, result = solved["freight"]
    own = own_deliveries(dossier, network, SYSTEMS["freight"])
    factor = dict(zip(network.demand["commodity"].to_list(), own.per_unit.tolist(), strict=True))
    rows = result.edges.filter(pl.col("edge_id").is_in(list(edges)))
    if goods == "own":
        rows = rows.filter(pl.col("commodity").is_in(list(own.commodities)))
    size = pl.col("commodity").replace_strict(factor, return_dtype=pl.Float64)
    modelled = float(rows.select((pl.col("flow").abs() * size).sum()).item())
    assert abs(modelled / observed - 1) <= TENTH / 100


def test_oil_follows_every_route_of_2025(solved: dict[str, tuple[Network, FlowResult]]) -> None:
    """The second way of Tengiz, by rail, ship and BTC, among them."""
    flows = dict(solved["oil"][1].edges.filter(commodity="crude-kaz").select("edge_id", "flow").iter_rows())
    seen = {"cpc-sea": 64.8, "atyrau-samara": 8.8, "aktau-makhachkala": 2.2, "aktau-baku": 1.5}
    assert {edge: flows[edge] for edge in seen} == pytest.approx(seen, rel=0.02)
    assert flows["tengiz-aktau-rail"] == pytest.approx(1.1, rel=0.02)
