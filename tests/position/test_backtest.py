"""Historic closures: invariants of the built-in table, and rows made up so that the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import Dossier
from betweengiants.position.backtest import IN_RANGE, RUNS, SCHEMA, BackTest, backtest
from betweengiants.position.closed_network import network_before
from betweengiants.position.systems import build_network

Tables = Callable[..., Dossier]


@pytest.fixture(scope="module")
def result(dossier: Dossier) -> BackTest:
    return backtest(dossier)


@pytest.fixture
def closure(dossier: Dossier, with_tables: Tables) -> Callable[..., Dossier]:
    """The built-in dossier without stores and ramps, with one closure of 73 days of the CPC moorings, changed as asked."""

    def make(**cells: object) -> Dossier:
        first = dossier.tables["closures"].filter(closure_id="cpc_one_mooring_2025")
        plain = {
            "start": "2025-06-01",
            "days": 73,
            "window_days": None,
            "share_left": 0.0,
            "before_volume": None,
            "before_unit": None,
            "observed_lost": 1.0,
            "observed_of": "deliveries",
            "observed_rerouted": None,
            "observed_unit": None,
        }
        frame = first.with_columns(
            pl.lit(value, first.schema[name]).alias(name) for name, value in (plain | cells).items()
        )
        return with_tables(closures=frame, network_storage=None, network_ramps=None)

    return make


def only(dossier: Dossier) -> dict[str, object]:
    return backtest(dossier).table.to_dicts()[0]


def test_every_row_has_a_verdict_or_a_reason(result: BackTest, dossier: Dossier) -> None:
    table = result.table
    assert dict(table.schema) == SCHEMA
    assert sorted(table["closure_id"]) == sorted(dossier.tables["closures"]["closure_id"])
    used = table.filter(pl.col("verdict") != "skipped")
    assert used.height >= 10
    assert {"hit", "miss"} <= set(used["verdict"]) <= {"hit", "direction", "miss"}
    assert (used["predicted_low"] <= used["predicted_lost"]).all()
    assert (used["predicted_lost"] <= used["predicted_high"]).all()
    assert (used["predicted_rerouted"] >= 0).all()
    skipped = table.filter(verdict="skipped")
    assert (skipped["why"].str.len_chars() > 0).all()
    assert skipped["predicted_lost"].null_count() == skipped.height


def test_verdicts_follow_the_stated_rule(result: BackTest) -> None:
    for row in result.table.filter(pl.col("observed_lost") > 0).to_dicts():
        error = (row["predicted_lost"] - row["observed_lost"]) / row["observed_lost"]
        assert row["error_pct"] == pytest.approx(100 * error)
        inside = row["predicted_low"] <= row["observed_lost"] <= row["predicted_high"]
        assert (row["verdict"] == "hit") == (abs(error) <= 0.25 or inside)
    for row in result.table.filter(pl.col("observed_lost") == 0).to_dicts():
        assert row["error_pct"] is None
        assert row["verdict"] in ("hit", "miss")


def test_the_summary_counts_the_table(result: BackTest) -> None:
    verdicts = result.table["verdict"].value_counts()
    counts = dict(verdicts.iter_rows())
    used = result.table.height - counts["skipped"]
    assert result.notes[0] == (
        f"{used} closures run: {counts['hit']} hits, {counts.get('direction', 0)} right in direction only, "
        f"{counts['miss']} misses; {counts['skipped']} rows skipped."
    )
    assert result.errors["run"].to_list() == list(RUNS)
    seen = result.table.filter(pl.col("observed_lost") > 0)
    central = result.errors.filter(run="central")["mean_abs_error_pct"].item()
    assert central == pytest.approx(seen["error_pct"].abs().mean())
    assert set(IN_RANGE) < set(RUNS)


def test_a_row_does_not_depend_on_the_others(result: BackTest, dossier: Dossier, with_tables: Tables) -> None:
    """Run again without the rest of the table: the same numbers to the last digit."""
    some = pl.col("closure_id").is_in(["orenburg_gas_2025", "cpc_one_mooring_2025", "altynkol_2025"])
    again = backtest(with_tables(closures=dossier.tables["closures"].filter(some)))
    assert again.table.equals(result.table.filter(some))


def test_without_a_clock_the_loss_is_that_of_the_steady_year(
    closure: Callable[..., Dossier], dossier: Dossier
) -> None:
    from betweengiants.network import Programme, close_edges

    network = build_network(dossier)
    programme = Programme(network)
    whole, shut = programme.solve(), programme.solve(close_edges(network, ["cpc-sea"]))
    kaz = (network.demand["commodity"] == "crude-kaz").to_numpy()
    yearly = float((whole.arrays.demand - shut.arrays.demand)[kaz].sum())
    row = only(closure(start="2026-06-01"))
    assert row["predicted_lost"] == pytest.approx(yearly * 73 / 365)
    # what no longer passes the moorings is lost or goes round
    moorings = whole.edges.filter(edge_id="cpc-sea", commodity="crude-kaz")
    passed = float(moorings["flow"].item()) * 73 / 365
    assert row["predicted_rerouted"] == pytest.approx(passed - yearly * 73 / 365, rel=1e-6)


def test_a_share_that_stays_is_worth_its_capacity(closure: Callable[..., Dossier]) -> None:
    whole = only(closure(start="2026-06-01"))
    half = only(closure(start="2026-06-01", share_left=0.5))
    none = only(closure(start="2026-06-01", share_left=1.0))
    assert none["predicted_lost"] == 0
    assert 0 < half["predicted_lost"] < whole["predicted_lost"]  # type: ignore[operator]


@pytest.mark.parametrize(("observed", "verdict"), [(0.0, "miss"), (None, None), (1e3, "direction")])
def test_verdicts_of_a_large_predicted_loss(
    closure: Callable[..., Dossier], observed: float | None, verdict: str | None
) -> None:
    if observed is None:
        found = only(closure(start="2026-06-01"))
        same = closure(start="2026-06-01", observed_lost=found["predicted_lost"])
        assert only(same)["verdict"] == "hit"
    else:
        assert only(closure(start="2026-06-01", observed_lost=observed))["verdict"] == verdict


def test_nothing_predicted_where_something_was_lost_is_a_miss(closure: Callable[..., Dossier]) -> None:
    assert only(closure(share_left=1.0, observed_lost=5.0))["verdict"] == "miss"
    assert only(closure(share_left=1.0, observed_lost=0.0))["verdict"] == "hit"


@pytest.mark.parametrize("passed", [45.0, 52.2, 64.5])
def test_supplies_are_scaled_to_what_passed(dossier: Dossier, passed: float) -> None:
    before = network_before(
        dossier,
        system="oil",
        year=2025,
        edges=["cpc-sea"],
        share_left=0.5,
        per_unit={"crude-kaz": 1.0},
        passed=passed,
    )
    assert before.matched
    assert before.flow == pytest.approx(passed, rel=0.005)
    supply = before.dossier.tables["network_supply"]
    moved = supply.join(dossier.tables["network_supply"], on=["node_id", "commodity"], suffix="_now")
    other = moved.filter(~pl.col("node_id").is_in(["tengiz", "kashagan", "karachaganak", "atyrau"]))
    assert (other["quantity"] == other["quantity_now"]).all()
    tengiz = moved.filter(node_id="tengiz").select(pl.col("quantity") / pl.col("quantity_now")).item()
    assert tengiz == pytest.approx(before.factor)


def test_a_volume_far_from_the_model_is_not_forced(dossier: Dossier) -> None:
    before = network_before(
        dossier,
        system="oil",
        year=2025,
        edges=["btc"],
        share_left=0,
        per_unit={"crude-kaz": 1.0},
        passed=15.0,
    )
    assert before.matched is False
    assert before.factor == 1
    assert before.dossier.tables["network_supply"].equals(dossier.tables["network_supply"])


def test_capacities_are_those_known_that_year(dossier: Dossier) -> None:
    def capacity(year: int, column: str = "capacity") -> float:
        before = network_before(
            dossier,
            system="oil",
            year=year,
            edges=["btc"],
            share_left=0,
            per_unit={"crude-kaz": 1.0},
            passed=None,
        )
        edges = before.dossier.tables["network_edges"]
        return float(edges.filter(edge_id="cpc-rus")[column].item())

    now = dossier.tables["network_edges"].filter(edge_id="cpc-rus").to_dicts()[0]
    assert (capacity(2016), capacity(2022), capacity(2025)) == (now["capacity"], 67, 81.5)
    assert capacity(2022, "capacity_low") == pytest.approx(now["capacity_low"] * 67 / now["capacity"])


def test_a_system_that_the_dossier_lacks_is_skipped(closure: Callable[..., Dossier]) -> None:
    oil_only = closure(system="gas")
    commodities = oil_only.tables["network_commodities"].filter(system="oil")
    tables = oil_only.tables | {"network_commodities": commodities}
    row = only(Dossier(oil_only.header, tables, oil_only.hashes))
    assert (row["verdict"], row["why"]) == ("skipped", "the dossier holds no gas network")


def test_what_is_refused(closure: Callable[..., Dossier], with_tables: Tables) -> None:
    with pytest.raises(UnknownLabel, match=r"closures\.csv, row 2, column 'edge_ids': .*'cpc-see'"):
        backtest(closure(edge_ids="cpc-see"))
    with pytest.raises(UnknownLabel, match=r"row 2, column 'commodity': .*'crude-kas'"):
        backtest(closure(commodity="crude-kas"))
    with pytest.raises(
        DataError, match=r"row 2, column 'window_days': found 5; allowed: at least the 73 days"
    ):
        backtest(closure(window_days=5))
    with pytest.raises(DataError, match=r"row 2, column 'observed_lost_unit': found 'bcm'"):
        backtest(closure(observed_lost_unit="bcm"))
    with pytest.raises(DataError, match="no table closures"):
        backtest(with_tables(closures=None))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("start", "2025-13-01", "column 'start'"),
        ("observed_lost", "", "column 'observed_lost': found an empty cell"),
        ("days", "", "column 'days': found an empty cell"),
        ("before_unit", "", "column 'before_unit'"),
    ],
)
def test_a_dossier_with_a_broken_closure_is_refused(
    repacked: Callable[..., Dossier], column: str, value: str, message: str
) -> None:
    def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            if row["closure_id"] == "cpc_one_mooring_2025":
                row[column] = value
        return rows

    with pytest.raises(DataError, match=message):
        repacked({"closures": change})


def test_the_page_shows_the_table_of_the_code(result: BackTest, repository: Path) -> None:
    lines = (repository / "docs" / "backtest.md").read_text(encoding="utf-8").splitlines()
    shown = {
        cells[1].strip("` "): (cells[2].strip(), cells[-2].strip())
        for cells in (line.split("|") for line in lines if line.startswith("| `"))
    }
    used = result.table.filter(pl.col("verdict") != "skipped")
    assert shown == {
        name: (start, verdict)
        for name, start, verdict in used.select("closure_id", "start", "verdict").iter_rows()
    }
