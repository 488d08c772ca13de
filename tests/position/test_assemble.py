"""The position as a whole: one key, units, trails, gaps, JSON that never changes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import polars as pl
import pytest

from betweengiants.core.errors import UnknownLabel
from betweengiants.core.units import UNITS
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.position import Position
from betweengiants.position import position as solve
from betweengiants.position.results import KEY, SCHEMA
from betweengiants.position.systems import system_tables

NETWORK = (
    "network_nodes",
    "network_edges",
    "network_supply",
    "network_demand",
    "network_control",
    "network_waypoints",
    "network_sectors",
    "network_observed",
    "network_commodities",
    "network_conversions",
    "network_storage",
    "network_ramps",
    "network_capacity_history",
    "closures",
    "options",
)
Changes = Mapping[str, object]


def test_the_long_table_has_one_key_and_no_hole(position: Position) -> None:
    frame = position.results
    assert frame.schema == pl.Schema(SCHEMA)
    assert frame.select(KEY).is_duplicated().sum() == 0
    assert sum(frame.null_count().row(0)) == 0
    assert frame.select(pl.col("value", "low", "high").is_finite().all()).row(0) == (True, True, True)
    assert frame.equals(frame.sort(KEY))
    assert set(frame["focal"]) == {"KAZ"}


def test_every_range_holds_its_value(position: Position) -> None:
    assert (
        position.results.filter((pl.col("low") > pl.col("value")) | (pl.col("high") < pl.col("value"))).height
        == 0
    )


def test_units_are_known_and_fit_their_numbers(position: Position) -> None:
    frame = position.results
    assert set(frame["unit"]) <= set(UNITS)
    assert frame.filter(pl.col("measure").str.ends_with("_pct"))["unit"].unique().to_list() == ["pct"]
    assert frame.filter(pl.col("measure").str.ends_with("_usd_m"))["unit"].unique().to_list() == ["usd_m"]
    shares = frame.filter((pl.col("unit") == "share") & ~pl.col("measure").str.ends_with("_drift"))
    assert shares.filter((pl.col("low") < 0) | (pl.col("high") > 1)).height == 0
    counts = frame.filter(pl.col("unit") == "count")
    assert (counts["value"] == counts["value"].round()).all()


def test_coalitions_and_members_are_powers(position: Position) -> None:
    powers = set(position.dossier.powers)
    rows = position.results.filter(~pl.col("channel").is_in(["domains", "history"]))
    for coalition, member in rows.select("coalition", "member").unique().rows():
        parts = coalition.split("+")
        assert parts == sorted(parts)
        assert powers.issuperset(parts)
        assert member == "KAZ" or member in parts


def test_every_number_has_a_trail_that_resolves(position: Position) -> None:
    tables = position.dossier.tables
    known = set(tables["sources"]["source_id"])
    assert set(position.results["trail"]) == set(position.trails)
    for name, trail in position.trails.items():
        assert trail.trail == name
        assert trail.model.endswith(".")
        assert trail.interval.endswith(".")
        assert trail.tables
        assert set(trail.tables) <= set(tables)
        assert set(trail.tables) <= set(position.dossier.hashes)
        assert trail.sources
        assert list(trail.sources) == sorted(set(trail.sources))
        assert set(trail.sources) <= known


def test_a_trail_names_the_sources_of_its_settings(position: Position) -> None:
    """The elasticities make the ranges, the GDP the percentages: their sources belong to the trail."""
    parameters = position.dossier.tables["parameters"]
    for trail, used in (("trade", ["theta_short", "theta_long"]), ("oil_transit", ["gdp_usd_m_2025"])):
        rows = parameters.filter(pl.col("parameter").is_in(used))
        assert rows.height == len(used)
        wanted = {source for cell in rows["source_id"] for source in cell.split(";")}
        assert wanted <= set(position.trails[trail].sources)


def test_settings_of_the_trails_are_those_of_the_dossier(position: Position) -> None:
    for horizon in ("short", "long"):
        stated = position.dossier.parameter(f"theta_{horizon}")
        settings = position.trails["trade"].parameters
        assert tuple(settings[f"theta_{horizon}{end}"] for end in ("", "_low", "_high")) == stated
    assert (
        position.trails["oil_transit"].parameters["gdp_usd_m"]
        == position.dossier.parameter("gdp_usd_m_2025")[0]
    )


def test_gaps_say_how_much_is_estimated(position: Position) -> None:
    for name in position.transit:
        edges = system_tables(position.dossier, name)["edges"].filter(pl.col("status") == "operating")
        guessed = edges.filter(pl.col("capacity_basis") == "estimate").height
        said = f"{guessed} of {edges.height} capacities of the {name} network"
        assert [gap for gap in position.gaps if gap.startswith(said)], name
        without = edges.filter(pl.col("capacity").is_null()).height
        named = [gap for gap in position.gaps if gap.startswith(f"{without} links of the {name} network")]
        assert bool(named) == bool(without), name


def test_number_takes_the_latest_period_and_any_order_of_powers(position: Position) -> None:
    years = position.results.filter((pl.col("measure") == "vote_agreement") & (pl.col("coalition") == "RUS"))
    last = years.sort("period").row(-1, named=True)
    assert position.number("votes", "vote_agreement", "RUS").value == last["value"]
    first = years.sort("period").row(0, named=True)
    assert position.number("votes", "vote_agreement", "RUS", period=first["period"]).value == first["value"]
    one = position.number("trade", "leverage_pct", "RUS", "CHN", horizon="short")
    assert one == position.number("trade", "leverage_pct", "CHN", "RUS", horizon="short")


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        (("trade", "leverage_pct", "RUS"), {}),
        (("trade", "leverage_pcts", "RUS"), {"horizon": "short"}),
        (("trade", "leverage_pct", "DEU"), {"horizon": "short"}),
        (("trade", "leverage_pct", "RUS"), {"horizon": "short", "period": "1999"}),
        (("trade", "leverage_pct", "RUS"), {"horizon": "short", "member": "CHN"}),
    ],
)
def test_a_result_that_is_not_there_is_refused(
    position: Position, asked: tuple[str, ...], more: dict[str, str]
) -> None:
    with pytest.raises(UnknownLabel, match="unknown result"):
        position.number(*asked, **more)  # type: ignore[arg-type]
    if "period" not in more:
        assert not position.holds(*asked, **more)  # type: ignore[arg-type]


def test_holds_agrees_with_number(position: Position) -> None:
    assert position.holds("trade", "leverage_pct", "CHN", "RUS", horizon="long")
    assert position.has("trade")
    assert position.has("votes")
    assert not position.has("no such channel")


def test_json_is_sorted_whole_and_carries_its_sum(position: Position) -> None:
    text = position.to_json()
    assert text.endswith("}\n")

    def in_order(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert [key for key, _ in pairs] == sorted(key for key, _ in pairs)
        return dict(pairs)

    document = json.loads(text, object_pairs_hook=in_order, parse_constant=pytest.fail)
    stated = document.pop("sha256")
    body = json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False)
    assert stated == hashlib.sha256(body.encode("utf-8")).hexdigest()
    assert document["focal"] == "KAZ"
    assert document["powers"] == list(position.dossier.powers)
    assert document["tables_sha256"] == position.dossier.hashes
    assert set(document["trails"]) == set(position.trails)
    assert document["gaps"] == list(position.gaps)
    assert pl.DataFrame(document["results"], schema=SCHEMA).equals(position.results)


def test_two_runs_give_the_same_bytes(position: Position) -> None:
    """Another process, with other hashes of strings, and the rows of no table in another order."""
    code = (
        "from betweengiants.dossier import load_dossier; from betweengiants.position import position;"
        "import sys; sys.stdout.buffer.write(position(load_dossier()).to_json().encode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    assert done.stdout == position.to_json().encode()


def test_the_order_of_rows_in_the_tables_does_not_matter(
    position: Position, dossier: Dossier, with_tables: Callable[..., Dossier]
) -> None:
    turned = {name: frame.reverse() for name, frame in dossier.tables.items()}
    other = solve(with_tables(**turned))
    assert other.results.select(KEY).equals(position.results.select(KEY))
    for column in ("value", "low", "high"):
        assert other.results[column].to_list() == pytest.approx(
            position.results[column].to_list(), rel=1e-7, abs=1e-9
        )
    assert other.gaps == position.gaps
    assert {name: trail.sources for name, trail in other.trails.items()} == {
        name: trail.sources for name, trail in position.trails.items()
    }


def test_a_dossier_without_a_network_says_so(
    position: Position, repacked: Callable[[Changes], Dossier]
) -> None:
    other = solve(repacked(dict.fromkeys(NETWORK)))
    assert other.oil is None
    assert not any(other.has(f"{name}_transit") for name in ("oil", "gas", "freight"))
    assert any("network" in gap for gap in other.gaps)
    joined = pl.col("channel").str.ends_with("_transit") | (pl.col("channel") == "coupled")
    alone = other.results.filter(pl.col("channel") != "coupled")
    assert alone.equals(position.results.filter(~joined))
    roads = {"oil_transit", "gas_transit", "freight_transit"}
    assert set(other.trails) == set(position.trails) - roads
    parts = other.results.filter(pl.col("measure").str.starts_with("part_"))
    assert parts.height == 0
    json.loads(other.to_json())


def test_a_dossier_with_nothing_but_trade_still_stands(
    position: Position, repacked: Callable[[Changes], Dossier]
) -> None:
    more = (
        "vote_agreement",
        "memberships",
        "institutions",
        "claims",
        "incidents",
        "agreements",
        "trade_bilateral",
        "trade_matrix_sectors",
        "io_coefficients",
        "visits",
        "domains",
        "deals",
        "deal_stages",
        "ideal_points",
    )
    other = solve(repacked(dict.fromkeys((*NETWORK, *more))))
    assert {"trade"} <= set(other.results["channel"]) <= {"trade", "trade_detail", "history"}
    here = pl.col("channel") == "trade"
    assert other.results.filter(here).equals(position.results.filter(here))
    assert {gap.split(":")[0] for gap in other.gaps} >= {
        "No votes",
        "No memberships",
        "No leverage through transit",
        "No composite alignment",
        "No domains without a price",
        "Trade and roads are not joined",
    }


def test_a_single_state_with_numbers_makes_no_nan(position: Position) -> None:
    assert not any(math.isnan(x) for x in position.results["value"])


def test_the_dossier_of_a_folder_is_the_built_in_one(
    position: Position, repacked: Callable[[Changes], Dossier]
) -> None:
    """Packing changes sums at most, no number."""
    assert repacked({}).hashes == position.dossier.hashes == load_dossier("kazakhstan").hashes
