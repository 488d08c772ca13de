"""The headline under other choices: rows that are known from elsewhere, what must not change, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.network import closure
from betweengiants.position import Position
from betweengiants.position.alternatives import Alternatives, alternatives, change, column, ranking
from betweengiants.position.coupled import Settings, world
from betweengiants.position.sector_channel import sector_comparison


@pytest.fixture(scope="module")
def found(dossier: Dossier) -> Alternatives:
    return alternatives(dossier)


@pytest.fixture(scope="module")
def bare(with_tables: Callable[..., Dossier], dossier: Dossier) -> Dossier:
    """The dossier without roads."""
    return with_tables(**{name: None for name in dossier.tables if name.startswith("network_")})


def row(table: pl.DataFrame, choice: str) -> dict[str, float]:
    powers = [name.removesuffix("_loss_pct") for name in table.columns if name.endswith("_loss_pct")]
    (only,) = table.filter(pl.col("choice") == choice).to_dicts()
    return {power: only[column(power)] for power in powers}


def test_the_headline_is_that_of_the_position(found: Alternatives, position: Position) -> None:
    for power, loss in row(found.table, "headline").items():
        expected = position.number("coupled", "leverage_pct", power, horizon="short").value
        assert loss == pytest.approx(expected, abs=1e-7)
    first = found.table.row(0, named=True)
    assert (first["group"], first["change"], first["problem"]) == ("headline", None, None)


def test_each_channel_alone_is_its_part(found: Alternatives, position: Position) -> None:
    for channel in ("trade", "oil_transit", "gas_transit", "freight_transit"):
        for power, loss in row(found.table, f"{channel} only").items():
            part = position.number("coupled", f"part_{channel}_pct", power, horizon="short").value
            assert loss == pytest.approx(part, abs=1e-7)


def test_every_choice_is_there_once_and_solved(found: Alternatives) -> None:
    assert found.table["choice"].is_unique().all()
    assert set(found.table["group"]) == {
        "headline",
        "channels",
        "sectors",
        "imbalances",
        "elasticity",
        "control",
        "capacities",
        "figures",
        "oil price",
    }
    assert found.table["problem"].null_count() == found.table.height
    assert found.table.select(pl.col("^.*_loss_pct$")).null_count().sum_horizontal().item() == 0


def test_what_must_move_a_loss_moves_it_that_way(found: Alternatives) -> None:
    headline = row(found.table, "headline")
    for power, loss in headline.items():
        assert row(found.table, "theta low")[power] > loss > row(found.table, "theta high")[power]
    russia = {choice: row(found.table, choice)["RUS"] for choice in found.table["choice"]}
    assert russia["oil price low"] < russia["headline"] < russia["oil price high"]
    assert russia["capacities high"] < russia["headline"] < russia["capacities low"]


def test_without_roads_the_models_are_those_of_the_sector_comparison(bare: Dossier, dossier: Dossier) -> None:
    """Trade alone: one sector, sectors, and sectors with inputs, each from the comparison of models."""
    table = alternatives(bare).table
    assert set(table["group"]) == {"headline", "sectors", "imbalances", "elasticity", "figures"}
    expected = sector_comparison(dossier).filter(pl.col("horizon") == "short")
    for choice, model in (
        ("headline", "sectors_inputs"),
        ("one sector", "one_sector"),
        ("sectors without inputs", "sectors"),
    ):
        losses = row(table, choice)
        for power, loss in expected.select("power", f"{model}_loss_pct").iter_rows():
            assert losses[power] == pytest.approx(loss, abs=1e-6)


def own_trade(dossier: Dossier) -> pl.DataFrame:
    """The focal state's trade in the sector matrix as reports: year, reporter, partner, flow, v."""
    cells = dossier.tables["trade_matrix_sectors"].filter(pl.col("basis") == "international")
    sums = cells.group_by("exporter", "importer", "year").agg(v=pl.col("value_usd_m").sum())
    ways = [
        sums.filter(pl.col(mine) == dossier.focal).select("year", "v", partner=partner, flow=pl.lit(flow))
        for mine, partner, flow in (("exporter", "importer", "export"), ("importer", "exporter", "import"))
    ]
    return pl.concat(ways).with_columns(reporter=pl.lit(dossier.focal))


def test_other_figures_are_those_that_differ_from_the_matrix(
    dossier: Dossier, with_tables: Callable[..., Dossier]
) -> None:
    """Reports of a tenth more trade give the losses of a matrix with a tenth more; the matrix's own reports give no row."""
    cells, own = dossier.tables["trade_matrix_sectors"], own_trade(dossier)
    same = own.with_columns(basis=pl.lit("same"), value_usd_m=pl.col("v"))
    more = own.with_columns(basis=pl.lit("more"), value_usd_m=1.1 * pl.col("v"))
    roads = {name: None for name in dossier.tables if name.startswith("network_")}
    asked = alternatives(with_tables(**roads, trade_bilateral=pl.concat([same, more])))
    assert asked.table.filter(pl.col("group") == "figures")["choice"].to_list() == ["trade by more"]
    touched = (pl.col("exporter") == dossier.focal) != (pl.col("importer") == dossier.focal)
    scaled = cells.with_columns(
        value_usd_m=pl.when(touched).then(1.1 * pl.col("value_usd_m")).otherwise("value_usd_m")
    )
    expected = alternatives(with_tables(**roads, trade_matrix_sectors=scaled, trade_bilateral=None))
    # Read anew, the input shares of other economies follow their new absorption a little.
    assert row(asked.table, "trade by more") == pytest.approx(row(expected.table, "headline"), rel=1e-5)
    assert "figures" not in set(expected.table["group"])


def test_a_choice_without_a_solution_says_why(dossier: Dossier, with_tables: Callable[..., Dossier]) -> None:
    """Reported exports beyond what the state could make: the row stays, with its problem, and nothing is counted from it."""
    roads = {name: None for name in dossier.tables if name.startswith("network_")}
    odd = own_trade(dossier).with_columns(
        basis=pl.lit("odd"),
        value_usd_m=pl.when(pl.col("flow") == "export").then(1000 * pl.col("v")).otherwise("v"),
    )
    result = alternatives(with_tables(**roads, trade_bilateral=odd))
    (failed,) = result.table.filter(pl.col("choice") == "trade by odd").to_dicts()
    assert "KAZ" in failed["problem"]
    assert failed["order"] is None
    assert failed["change"] is None
    assert failed["RUS_loss_pct"] is None
    assert f"Under {result.table.height - 2} other choices" in result.sentences()[1]


def test_a_dossier_that_cannot_be_coupled_is_refused(with_tables: Callable[..., Dossier]) -> None:
    with pytest.raises(DataError, match="trade_matrix_sectors"):
        alternatives(with_tables(io_coefficients=None))


def test_settings_reach_the_roads(dossier: Dossier) -> None:
    """Only single powers, only the bases asked for: what closes is what the network engine closes under them."""
    here = world(dossier, "short", Settings(bases=("territory",), ownership_threshold=0.9, largest=1))
    for road in here.roads.values():
        assert set(road.closures) <= set(dossier.powers)
        for power, cut in road.closures.items():
            expected = closure(road.network, [power], bases=("territory",), ownership_threshold=0.9)
            assert cut.closed.equals(expected.closed)
            assert set(cut.closed["basis"]) == {"territory"}


def test_sentences_count_the_rows(found: Alternatives) -> None:
    others = found.table[1:]
    leaders = others["order"].str.split(" > ").list.first()
    text = found.sentences()
    assert f"Under {others.height} other choices" in text[1]
    assert f"RUS comes first in {int((leaders == 'RUS').sum())}" in text[1]
    for choice in others.filter(leaders != "RUS")["choice"]:
        assert choice in text[1]
    same = int((others["order"] == found.table["order"][0]).sum())
    assert f"the whole order stays in {same}" in text[1]
    whole = others.filter(pl.col("group") != "channels")["RUS_loss_pct"]
    assert f"between {whole.min():.1f}" in text[2]
    assert f"and {whole.max():.1f} percent" in text[2]


def test_ranking_and_change_by_hand() -> None:
    before = {"A": 5.0, "B": 3.0, "C": 0.0, "D": 1e-12}
    assert ranking(before) == [("A",), ("B",), ("D", "C")]
    assert change(before, before) == "as the headline"
    assert change({"A": 5.2, "B": 3.0, "C": 0.0, "D": 0.0}, before) == "same order; A +0.2"
    assert change({"A": 2.0, "B": 3.5, "C": 0.0, "D": 0.0}, before) == "B before A; A -3.0"
    near = {"A": 3.01, "B": 3.0}
    assert change({"A": 3.0, "B": 3.01}, near) == "B before A"


@given(st.dictionaries(st.sampled_from("ABCDE"), st.floats(-5, 50), min_size=1))
def test_ranking_holds_every_power_once_by_falling_loss(losses: dict[str, float]) -> None:
    groups = ranking(losses)
    flat = [power for group in groups for power in group]
    assert sorted(flat) == sorted(losses)
    values = [losses[power] for power in flat]
    assert all(a >= b for a, b in pairwise(values))
