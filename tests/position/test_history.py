"""The position year by year: closed forms by hand, no year filled from its neighbours, words that follow from the numbers."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from betweengiants.core.csvout import csv_text
from betweengiants.dossier import Dossier
from betweengiants.position.history import History, history, joined_and_left
from betweengiants.position.history_channel import history_channel
from betweengiants.position.history_words import changes, sentences
from betweengiants.position.results import to_frame

With = Callable[..., Dossier]
BNS = "KAZ_reported_BNS"
LOSS = "closed_form_loss_pct"


@pytest.fixture(scope="module")
def found(dossier: Dossier) -> History:
    return history(dossier)


def series(found: History, measure: str, power: str, **cells: Any) -> pl.DataFrame:
    rows = found.series.filter((pl.col("measure") == measure) & (pl.col("power") == power))
    for name, cell in cells.items():
        rows = rows.filter(pl.col(name) == cell)
    return rows


def flow(dossier: Dossier, year: int, partner: str, side: str) -> float:
    rows = dossier.tables["trade_bilateral"].filter(
        (pl.col("year") == year)
        & (pl.col("partner") == partner)
        & (pl.col("flow") == side)
        & (pl.col("basis") == BNS)
    )
    return float(rows["value_usd_m"].item())


class TestTrade:
    @pytest.mark.parametrize("power", ["RUS", "CHN", "USA", "EU27", "WLD"])
    @pytest.mark.parametrize("horizon", ["short", "long"])
    def test_the_closed_form_by_hand(
        self, found: History, dossier: Dossier, power: str, horizon: str
    ) -> None:
        row = series(found, LOSS, power, basis=BNS, horizon=horizon, year=2022).row(0, named=True)
        gdp = 225_496.0  # million USD, the one source of 2022
        absorbed = gdp + flow(dossier, 2022, "WLD", "import") - flow(dossier, 2022, "WLD", "export")
        share = flow(dossier, 2022, power, "import") / absorbed
        theta, low, high = dossier.parameter(f"theta_{horizon}")
        value, most, least = (100 * (1 - (1 - share) ** (1 / t)) for t in (theta, low, high))
        assert [row["value"], row["low"], row["high"]] == pytest.approx([value, least, most])

    def test_years_are_those_of_the_evidence(self, found: History, dossier: Dossier) -> None:
        years = series(found, LOSS, "RUS", basis=BNS, horizon="long")["year"].to_list()
        assert years == [2020, 2021, 2022, 2023, 2024, 2025]
        payments = series(found, LOSS, "WLD", basis="balance_of_payments", horizon="long")["year"].to_list()
        assert payments == list(range(2000, 2019))
        assert any("1995" in gap and "balance_of_payments" in gap for gap in found.gaps)

    def test_several_sources_of_the_product_widen_the_range(self, found: History, dossier: Dossier) -> None:
        row = series(found, LOSS, "RUS", basis=BNS, horizon="short", year=2023).row(0, named=True)
        bought = flow(dossier, 2023, "RUS", "import")
        net = flow(dossier, 2023, "WLD", "import") - flow(dossier, 2023, "WLD", "export")
        theta = dossier.parameter("theta_short")
        ends = [
            100 * (1 - (1 - bought / (gdp + net)) ** (1 / t)) for t in theta for gdp in (261_840.0, 261_421.0)
        ]
        assert (row["low"], row["high"]) == pytest.approx((min(ends), max(ends)))

    def test_everything_from_abroad_weighs_more_than_any_power(self, found: History) -> None:
        rows = found.series.filter((pl.col("measure") == LOSS) & (pl.col("basis") == BNS))
        most = rows.filter(pl.col("power") == "WLD").select("horizon", "year", world="value")
        joined = rows.filter(pl.col("power") != "WLD").join(most, on=["horizon", "year"])
        assert joined.height == 4 * 12
        assert (joined["value"] < joined["world"]).all()

    def test_the_series_agrees_with_the_matrix_of_its_year(self, found: History) -> None:
        rows = found.check.filter(pl.col("basis") == BNS)
        assert rows.height == 8
        gap = rows["closed_form_loss_pct"] / rows["matrix_closed_form_loss_pct"] - 1
        assert float(gap.abs().max() or 0) < 0.01  # two vintages of the gross domestic product
        assert (rows["equilibrium_loss_pct"] > 0).all()

    def test_money_in_another_unit_changes_no_loss(
        self, found: History, dossier: Dossier, with_tables: With
    ) -> None:
        scaled = with_tables(
            trade_bilateral=dossier.tables["trade_bilateral"].with_columns(pl.col("value_usd_m") * 3),
            facts=dossier.tables["facts"].with_columns(
                value=pl.when(pl.col("measure").is_in(["gdp", "trade_turnover"]))
                .then((pl.col("value").cast(pl.Float64, strict=False) * 3).cast(pl.String))
                .otherwise("value"),
                low=pl.when(pl.col("measure") == "trade_turnover").then(pl.col("low") * 3).otherwise("low"),
                high=pl.when(pl.col("measure") == "trade_turnover")
                .then(pl.col("high") * 3)
                .otherwise("high"),
            ),
        )
        columns = ["value", "low", "high", "coverage"]
        bilateral = pl.col("basis").is_in([BNS, "BACI", "mirror"])
        before, after = found.series.filter(bilateral), history(scaled).series.filter(bilateral)
        assert after.drop(columns).equals(before.drop(columns))
        for column in columns:
            assert after[column].drop_nulls().to_list() == pytest.approx(
                before[column].drop_nulls().to_list()
            )

    def test_more_from_one_power_is_more_leverage_of_that_power(
        self, found: History, dossier: Dossier, with_tables: With
    ) -> None:
        table = dossier.tables["trade_bilateral"]
        more = (pl.col("partner") == "CHN") & (pl.col("flow") == "import") & (pl.col("year") == 2024)
        grown = history(
            with_tables(
                trade_bilateral=table.with_columns(
                    pl.when(more)
                    .then(pl.col("value_usd_m") * 1.2)
                    .otherwise("value_usd_m")
                    .alias("value_usd_m")
                )
            )
        )
        for power, sign in (("CHN", 1), ("RUS", 0)):
            before, after = (
                series(one, LOSS, power, basis=BNS, horizon="long", year=2024)["value"].item()
                for one in (found, grown)
            )
            assert np.sign(after - before) == sign

    def test_a_year_without_figures_has_no_row_and_moves_no_other(
        self, found: History, dossier: Dossier, with_tables: With
    ) -> None:
        table = dossier.tables["trade_bilateral"]
        holed = history(with_tables(trade_bilateral=table.filter(pl.col("year") != 2022)))
        own = pl.col("basis") == BNS
        assert 2022 not in holed.series.filter(own)["year"]
        kept = found.series.filter(own & (pl.col("year") != 2022))
        assert holed.series.filter(own).equals(kept)
        drift = holed.drift.filter((pl.col("measure") == LOSS) & own)
        assert drift["years"].unique().to_list() == [5]

    def test_a_power_without_a_row_is_a_gap(self, dossier: Dossier, with_tables: With) -> None:
        table = dossier.tables["trade_bilateral"]
        lacking = ~((pl.col("partner") == "USA") & (pl.col("year") == 2021))
        found = history(with_tables(trade_bilateral=table.filter(lacking)))
        assert 2021 not in series(found, LOSS, "USA")["year"]
        assert f"No trade with USA in 2021 ({BNS})." in found.gaps

    def test_the_partner_s_own_count_replaces_its_part_of_the_total(
        self, found: History, dossier: Dossier
    ) -> None:
        row = series(found, "trade_share", "CHN", basis="mirror", year=2024).row(0, named=True)
        own = flow(dossier, 2024, "CHN", "import") + flow(dossier, 2024, "CHN", "export")
        total = flow(dossier, 2024, "WLD", "import") + flow(dossier, 2024, "WLD", "export")
        assert row["value"] == pytest.approx(100 * 43_820 / (total - own + 43_820))

    def test_coverage_counts_members_of_a_bloc_once(self, found: History) -> None:
        rows = found.series.filter(pl.col("coverage").is_not_null())
        assert rows.height > 0
        assert ((rows["coverage"] > 0.9) & (rows["coverage"] <= 1)).all()


class TestAlignment:
    def test_votes_of_every_year_with_their_error(self, found: History, dossier: Dossier) -> None:
        rows = series(found, "vote_agreement", "RUS")
        table = dossier.tables["vote_agreement"].filter(
            (pl.col("country") == "KAZ") & (pl.col("power") == "RUS")
        )
        assert rows["value"].to_list() == table.sort("year")["agreement"].to_list()
        assert rows["n"].to_list() == table.sort("year")["n"].to_list()
        last = rows.row(-1, named=True)
        error = float(table.filter(pl.col("year") == last["year"])["agreement_se"].item())
        assert last["high"] - last["value"] == pytest.approx(1.959964 * error, rel=1e-6)

    def test_a_year_of_few_roll_calls_is_shown_and_not_compared(
        self, dossier: Dossier, with_tables: With
    ) -> None:
        votes = dossier.tables["vote_agreement"]
        few = pl.when(pl.col("year") == 2023).then(5).otherwise("n").alias("n")
        found = history(with_tables(vote_agreement=votes.with_columns(few)))
        rows = series(found, "vote_agreement", "RUS")
        assert rows.filter(~pl.col("is_full"))["year"].to_list() == [2023]
        drift = found.drift.filter((pl.col("measure") == "vote_agreement") & (pl.col("power") == "RUS"))
        assert drift["last"].item() == 2022
        assert changes(found, "vote_agreement")["last"].unique().to_list() == [2022]

    def test_memberships_change_in_the_years_of_the_list(self, found: History) -> None:
        rows = found.turning_points.filter((pl.col("kind") == "recorded") & (pl.col("power") == "RUS"))
        told = dict(rows.select("year", "what").iter_rows())
        assert told[2015] == "now both in aiib, eaeu, wto"
        assert told[2001] == "now both in sco"
        assert found.drift.filter(pl.col("measure") == "membership_overlap").height == 0

    def test_what_changed_is_no_formula_and_stays_as_it_is_in_csv(self, found: History) -> None:
        told = found.turning_points["what"].to_list()
        written = pl.read_csv(io.StringIO(csv_text(found.turning_points)))
        assert written["what"].to_list() == told

    def test_both_ways_of_a_change(self) -> None:
        assert joined_and_left(["b", "a"], ["c"]) == "now both in a, b; no longer both in c"
        assert joined_and_left([], ["c"]) == "no longer both in c"

    def test_a_sentence_tells_what_changed_and_with_whom(self, found: History, dossier: Dossier) -> None:
        told = sentences(found, dossier.actor_names)
        assert any("with China now both in brics (2025)" in sentence for sentence in told)

    def test_the_range_of_memberships_spans_those_without_a_date(self, found: History) -> None:
        rows = found.series.filter(pl.col("measure") == "membership_overlap")
        assert rows["year"].min() == 1992
        assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
        assert (rows["high"] > rows["low"]).any()


class TestWords:
    def test_what_changed_most_follows_from_the_numbers(self, found: History, dossier: Dossier) -> None:
        told = sentences(found, dossier.actor_names)
        table = changes(found, LOSS)
        first = table.row(0, named=True)
        assert table["change"].abs().to_list() == sorted(table["change"].abs(), reverse=True)
        assert (first["first"], first["last"]) == (2020, 2025)
        name = dossier.actor_names[first["power"]]
        (line,) = [one for one in told if one.startswith("Leverage")]
        assert name in line
        assert f"{first['before']:.2g} in 2020 to {first['after']:.2g}" in line
        sloped = found.drift.filter(
            (pl.col("measure") == LOSS) & (pl.col("power") == first["power"]) & (pl.col("horizon") == "short")
        ).row(0, named=True)
        assert (sloped["is_drift"], "no certain drift over the 6 years" in line) == (False, True)

    def test_the_words_change_with_the_numbers(self, dossier: Dossier, with_tables: With) -> None:
        table = dossier.tables["trade_bilateral"]
        grown = (pl.col("partner") == "USA") & (pl.col("year") == 2025)
        found = history(
            with_tables(
                trade_bilateral=table.with_columns(
                    pl.when(grown)
                    .then(pl.col("value_usd_m") * 8)
                    .otherwise("value_usd_m")
                    .alias("value_usd_m")
                )
            )
        )
        told = sentences(found, dossier.actor_names)
        assert sum("changed most with the United States" in line for line in told) == 2

    def test_a_change_within_sampling_error_is_called_so(self, dossier: Dossier, with_tables: With) -> None:
        votes = dossier.tables["vote_agreement"].with_columns(agreement_se=pl.lit(0.4))
        found = history(with_tables(vote_agreement=votes))
        assert not changes(found, "vote_agreement")["beyond_error"].any()
        assert any("no more than sampling error" in line for line in sentences(found, dossier.actor_names))

    def test_turning_points_are_told(self, found: History, dossier: Dossier) -> None:
        rows = found.turning_points.filter(
            (pl.col("kind") == "tested") & (pl.col("measure") == "vote_agreement")
        )
        assert rows.height >= 1
        told = "\n".join(sentences(found, dossier.actor_names))
        for row in rows.to_dicts():
            assert f"{dossier.actor_names[row['power']]} from {row['year']} on" in told


class TestChannel:
    def test_results_are_unique_and_trace_to_sources(self, found: History, dossier: Dossier) -> None:
        channel = history_channel(dossier, found)
        frame = to_frame(dossier.focal, channel.results)
        key = ["channel", "measure", "coalition", "member", "horizon", "period"]
        assert frame.select(key).is_unique().all()
        assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()
        assert set(channel.trails[0].sources) <= set(dossier.tables["sources"]["source_id"])
        drift = frame.filter((pl.col("measure") == f"{LOSS}_drift") & (pl.col("coalition") == "RUS"))
        assert drift.height == 2

    def test_a_dossier_without_history_says_what_is_missing(
        self, dossier: Dossier, with_tables: With
    ) -> None:
        bare = with_tables(
            trade_bilateral=None,
            vote_agreement=None,
            memberships=None,
            facts=dossier.tables["facts"].filter(pl.col("measure") == "crude_exports"),
        )
        found = history(bare)
        assert found.series.height == 0
        assert sentences(found, dossier.actor_names) == []
        told = " ".join(found.gaps)
        assert all(table in told for table in ("trade_bilateral", "vote_agreement", "memberships"))
        assert history_channel(bare, found).results == []

    def test_another_power_has_its_own_history(self, dossier: Dossier) -> None:
        other = replace(dossier, header=replace(dossier.header, powers=("TUR",)))
        found = history(other)
        assert found.series.filter(pl.col("power") == "TUR").height > 0
        assert set(found.series["power"]) <= {"TUR", "WLD"}
        assert "No votes with TUR." in found.gaps
