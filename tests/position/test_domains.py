"""Domains without a price: which facts count, what bounds a share, concentration, cover, and the built-in headline cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betweengiants.core.errors import DataError
from betweengiants.dossier import Dossier
from betweengiants.dossier.claims.evidence import Fact
from betweengiants.position.domain_channel import domain_channel
from betweengiants.position.domains import Domains, domains
from betweengiants.position.results import to_frame
from betweengiants.position.shares import concentration, current, power_share, share_of, vintage

KINDS = dict.fromkeys(["RUS", "CHN", "USA", "KGZ", "DEU", "FRA", "S0", "S1", "S2", "S3", "S4"], "state")
KINDS |= {"EU27": "bloc", "GRP": "group"}
With = Callable[..., Dossier]


def fact(
    partner: str | None,
    value: float,
    period: str = "2024",
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "pct",
    basis: str = "reported",
    warnings: tuple[str, ...] = (),
    source: str = "a",
) -> Fact:
    return Fact("m", "KAZ", partner, period, str(value), unit, low, high, basis, warnings, source, 2)


def parts(*facts: Fact, is_parts: bool = True) -> Any:
    return vintage(facts, KINDS, is_parts=is_parts)


class TestWhichFactsCount:
    def test_an_outcome_goes_before_a_later_plan(self) -> None:
        done, plan = fact("RUS", 4, "2023"), fact("RUS", 2, "2025", basis="projection")
        told = fact("RUS", 1, "2026", warnings=("announced_only",))
        assert current([plan, done, told]) == [done]

    def test_a_plan_counts_where_nothing_else_is_known(self) -> None:
        plan = fact("RUS", 2, "2025", basis="announced")
        assert current([plan]) == [plan]

    @pytest.mark.parametrize(("full", "counts"), [("2023", "full"), ("2022", "part")])
    def test_a_whole_year_goes_before_a_part_unless_it_is_far_older(self, full: str, counts: str) -> None:
        part, whole = fact("RUS", 1, "2025-H1", warnings=("partial_year",)), fact("RUS", 2, full)
        assert current([part, whole]) == [whole if counts == "full" else part]

    def test_partners_are_compared_in_the_last_year_with_two_of_them(self) -> None:
        rows = [
            fact("RUS", 40, "2025"),
            fact("CHN", 10, "2025"),
            fact("CHN", 9, "2026"),
            fact("USA", 1, "2010"),
        ]
        assert parts(*rows).year == 2025
        assert parts(*rows).room("EU27") == 50


class TestShare:
    def test_sources_of_one_year_span_the_interval_and_their_median_is_the_value(self) -> None:
        share = share_of(
            [fact("RUS", 30, source="a"), fact("RUS", 34, source="b"), fact("RUS", 31, source="c")]
        )
        assert (share.status, share.value, share.low, share.high) == ("known", 31, 30, 34)

    def test_more_than_ends_where_the_others_begin(self) -> None:
        rows = [fact("EU27", 30, low=30), fact("RUS", 20), fact("CHN", 10)]
        share = power_share("EU27", rows, parts(*rows))
        assert (share.status, share.value, share.low, share.high) == ("at_least", 30, 30, 70)

    def test_up_to_begins_at_nothing(self) -> None:
        share = share_of([fact("RUS", 95, high=95)])
        assert (share.status, share.value, share.low, share.high) == ("at_most", 95, 0, 95)

    def test_a_share_as_a_fraction_is_the_same_in_percent(self) -> None:
        assert share_of([fact("RUS", 0.3, low=0.2, high=0.4, unit="share")]).high == pytest.approx(40)

    def test_a_bloc_without_a_figure_has_at_least_what_its_members_have(self) -> None:
        rows = [fact("DEU", 16), fact("FRA", 4), fact("RUS", 70)]
        share = power_share("EU27", rows, parts(*rows))
        assert (share.status, share.low, share.high) == ("at_least", 20, 30)

    def test_members_are_not_counted_beside_their_bloc(self) -> None:
        rows = [fact("EU27", 30), fact("DEU", 25), fact("RUS", 10)]
        assert parts(*rows).room("USA") == 60

    def test_who_is_not_named_is_not_known_and_never_more_than_the_rest(self) -> None:
        rows = [fact("RUS", 88)]
        share = power_share("CHN", rows, parts(*rows))
        assert (share.status, share.value, share.low, share.high) == ("not_known", None, None, 12)

    def test_who_is_not_named_has_nothing_where_the_others_have_all(self) -> None:
        rows = [fact("RUS", 60), fact("CHN", 40.2)]
        share = power_share("USA", rows, parts(*rows))
        assert (share.status, share.value) == ("none", 0)

    def test_all_by_different_sources_is_not_all(self) -> None:
        rows = [fact("RUS", 60, source="a"), fact("CHN", 40, source="b")]
        assert power_share("USA", rows, parts(*rows)).status == "not_known"

    def test_where_several_can_have_everything_nothing_bounds_anybody(self) -> None:
        rows = [fact("RUS", 100)]
        share = power_share("CHN", rows, parts(*rows, is_parts=False))
        assert (share.status, share.high, share.facts) == ("not_known", None, ())

    def test_a_figure_for_the_world_caps_everybody(self) -> None:
        rows = [fact("WLD", 3), fact("RUS", 2)]
        assert power_share("CHN", rows, parts(*rows)).high == 1

    @given(st.permutations(list(range(6))))
    def test_the_order_of_the_facts_does_not_matter(self, order: list[int]) -> None:
        rows = [
            fact("RUS", 30),
            fact("RUS", 34, source="b"),
            fact("CHN", 9, "2023"),
            fact("EU27", 20, low=20),
        ]
        rows += [fact("GRP", 5), fact("USA", 7, "2025-H1", warnings=("partial_year",))]
        shuffled = [rows[k] for k in order]
        for power in ("RUS", "CHN", "USA", "EU27", "KGZ"):
            mine, theirs = (
                power_share(power, rows, parts(*rows)),
                power_share(power, shuffled, parts(*shuffled)),
            )
            assert (mine.status, mine.value, mine.low, mine.high) == (
                theirs.status,
                theirs.value,
                theirs.low,
                theirs.high,
            )


class TestConcentration:
    def test_known_shares_and_a_rest_in_many_hands_or_in_one(self) -> None:
        found = concentration(parts(fact("RUS", 50), fact("CHN", 30)))
        assert found is not None
        assert (found.low, found.high) == pytest.approx((0.25 + 0.09, 0.25 + 0.09 + 0.04))
        assert (found.partners, found.rest) == (2, 20)

    def test_a_lower_bound_can_take_all_that_is_left(self) -> None:
        found = concentration(parts(fact("RUS", 50, low=50), fact("CHN", 30)))
        assert found is not None
        assert (found.low, found.high) == pytest.approx((0.34, 0.49 + 0.09))

    def test_one_partner_with_all_is_one(self) -> None:
        found = concentration(parts(fact("RUS", 100)))
        assert found is not None
        assert (found.low, found.high) == (1, 1)

    def test_no_partner_no_number(self) -> None:
        assert concentration(parts(fact("GRP", 50))) is None
        assert concentration(parts(fact("RUS", 50), is_parts=False)) is None

    @given(st.data())
    def test_no_split_that_the_bounds_allow_lies_outside(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 5))
        shares = data.draw(st.lists(st.floats(0, 100 / count), min_size=count, max_size=count))
        spare = (100 - math.fsum(shares)) / count
        rows = []
        for k, share in enumerate(shares):
            kind = data.draw(st.sampled_from(["point", "range", "at_least", "at_most"]))
            low = None if kind in ("point", "at_most") else share * data.draw(st.floats(0, 1))
            high = None if kind in ("point", "at_least") else share + spare * data.draw(st.floats(0, 1))
            value = {"at_least": low, "at_most": high}.get(kind, share)
            rows.append(fact(f"S{k}", value or 0.0, low=low, high=high))
        rest = 100 - math.fsum(shares)
        cut = data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=4))
        hidden = [rest * c / math.fsum(cut) for c in cut] if math.fsum(cut) > 0 else [rest]
        truth = math.fsum((x / 100) ** 2 for x in [*shares, *hidden])
        found = concentration(parts(*rows))
        assert found is not None
        assert found.low - 1e-9 <= truth <= found.high + 1e-9
        assert 0 <= found.low <= found.high <= 1


def table(dossier: Dossier, name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    frame = dossier.tables[name]
    return pl.DataFrame([dict.fromkeys(frame.columns) | row for row in rows], schema=frame.schema)


def domain_row(**cells: str | None) -> dict[str, Any]:
    return {
        "domain": "finance",
        "measure": "fdi_stock_share",
        "role": "headline",
        "direction": "leverage",
        "whole": "abroad",
        "scope": "whole",
        "why": "because",
        "source_id": "imf_weo_2025_10",
    } | cells


def fact_row(measure: str, value: float, unit: str, period: str = "2024", **cells: Any) -> dict[str, Any]:
    return {
        "measure": measure,
        "subject": "KAZ",
        "period": period,
        "value": str(value),
        "unit": unit,
        "basis": "reported",
        "source_id": "imf_weo_2025_10",
    } | cells


@pytest.fixture(scope="module")
def made(dossier: Dossier, with_tables: With) -> Callable[..., Domains]:
    """The domains of a few rows of the table and a few facts."""

    def make(rows: list[dict[str, Any]], facts: list[dict[str, Any]]) -> Domains:
        return domains(
            with_tables(domains=table(dossier, "domains", rows), facts=table(dossier, "facts", facts))
        )

    return make


class TestCover:
    STOCK = domain_row(
        measure="reserves", role="cover", over="imports_goods", direction=None, whole=None, scope=None
    )
    WINDOW = STOCK | {"measure": "fdi_inflow_share", "over": "window"}

    def test_a_stock_over_the_flow_of_its_year(self, made: Callable[..., Domains]) -> None:
        facts = [
            fact_row("reserves", 10, "usd_bn", "2024-06-30", low=9.0, high=12.0),
            fact_row("reserves", 99, "usd_bn", "2020"),
            fact_row("imports_goods", 40_000, "usd_m", partner="WLD"),
            fact_row("imports_goods", 1, "usd_m", "2025", partner="WLD"),
            fact_row("imports_goods", 5, "usd_m", partner="RUS"),
        ]
        row = made([self.STOCK], facts).cover.row(0, named=True)
        assert (row["days"], row["low"], row["high"]) == pytest.approx((365 / 4, 365 * 9 / 40, 365 * 12 / 40))
        assert (row["year"], row["age_years"]) == (2024, 1)

    def test_a_share_times_the_longest_window(self, made: Callable[..., Domains]) -> None:
        facts = [
            fact_row("fdi_inflow_share", 10, "pct", "2001-01/2020-12", partner="RUS"),
            fact_row("fdi_inflow_share", 50, "pct", "2021-01/2024-12", partner="RUS"),
            fact_row("fdi_inflow_share", 40, "pct", "2024", partner="CHN"),
        ]
        cover = made([self.WINDOW], facts).cover
        assert cover.select("power", "days").rows() == [("RUS", pytest.approx(2 * 365))]

    def test_without_evidence_the_row_says_why(self, made: Callable[..., Domains]) -> None:
        rows = [
            self.STOCK,
            self.STOCK | {"measure": None, "over": None, "domain": "water", "why": "no other river"},
        ]
        cover = made(rows, [fact_row("reserves", 10, "usd_bn")]).cover
        assert cover["days"].null_count() == 2
        assert cover["why"].to_list() == ["because", "no other river"]

    def test_units_that_do_not_divide_are_refused(self, made: Callable[..., Domains]) -> None:
        facts = [
            fact_row("reserves", 10, "usd_bn"),
            fact_row("fdi_stock_share", 40, "pct", partner="WLD"),
        ]
        with pytest.raises(DataError, match=r"domains\.csv.*row 2.*over"):
            made([self.STOCK | {"over": "fdi_stock_share"}], facts)

    def test_a_flow_of_nothing_is_refused(self, made: Callable[..., Domains]) -> None:
        facts = [fact_row("reserves", 10, "usd_bn"), fact_row("imports_goods", 0, "usd_m", partner="WLD")]
        with pytest.raises(DataError, match="above 0"):
            made([self.STOCK], facts)


class TestTable:
    FACTS = (fact_row("fdi_stock_share", 20, "pct", partner="RUS"),)

    @pytest.mark.parametrize(
        ("cells", "column", "found"),
        [
            ({"measure": "fdi_inflow_share"}, "role", "a second headline"),
            ({"role": "also", "measure": "reserves"}, "measure", "reserves in usd_bn"),
            ({"role": "also", "measure": "food_import_share"}, "measure", "of the domain food"),
            ({"role": "also", "whole": None}, "whole", "an empty cell"),
            ({"role": "also", "over": "window"}, "over", "window"),
            ({"role": "cover", "over": "nothing_such"}, "over", "nothing_such"),
            ({"role": "cover", "over": None}, "over", "''"),
        ],
    )
    def test_what_a_row_breaks_is_named_with_its_place(
        self, made: Callable[..., Domains], cells: dict[str, Any], column: str, found: str
    ) -> None:
        with pytest.raises(DataError) as raised:
            made([domain_row(), domain_row(**cells)], list(self.FACTS))
        message = str(raised.value)
        assert "domains.csv" in message
        assert "row 3" in message
        assert column in message
        assert found in message

    def test_a_dossier_without_the_table_is_refused_and_leaves_a_gap(self, with_tables: With) -> None:
        bare = with_tables(domains=None)
        with pytest.raises(DataError, match=r"domains\.csv"):
            domains(bare)
        channel = domain_channel(bare)
        assert channel.results == []
        assert "no table domains" in channel.gaps[0]

    def test_the_rule_prefers_the_whole_domain_then_most_powers_then_the_latest(
        self, made: Callable[..., Domains]
    ) -> None:
        rows = [
            domain_row(),
            domain_row(measure="external_debt_share", role="also"),
            domain_row(measure="fdi_inflow_share", role="also", scope="part"),
        ]
        facts = [fact_row("fdi_stock_share", 20, "pct", "2020", partner=p) for p in ("RUS", "CHN")]
        facts += [fact_row("external_debt_share", 5, "pct", "2025", partner="RUS")]
        facts += [fact_row("fdi_inflow_share", 5, "pct", "2025", partner=p) for p in ("RUS", "CHN", "USA")]
        assert made(rows, facts).by_rule == {"finance": "fdi_stock_share"}
        facts += [fact_row("external_debt_share", 7, "pct", "2025", partner="CHN")]
        assert made(rows, facts).by_rule == {"finance": "external_debt_share"}


# Headline cells of the built-in dossier: power -> status, value, low, high, and the fact row that they come from.
GOLDEN = {
    ("security", "RUS"): ("known", 88, 88, 88, "fact:arms_import_share/KAZ/RUS/2020-01/2024-12/news247_2025"),
    ("security", "EU27"): ("at_most", 6, 0, 6, "fact:arms_import_share/KAZ/EU27/1991-01/2020-12/cabar_2021"),
    ("security", "CHN"): (
        "not_known",
        None,
        None,
        12,
        "fact:arms_import_share/KAZ/RUS/2020-01/2024-12/news247_2025",
    ),
    ("finance", "RUS"): (
        "known",
        8.7,
        8.7,
        8.7,
        "fact:external_debt_share/KAZ/RUS/2025-04-01/kursiv_debt_2025",
    ),
    ("finance", "EU27"): (
        "at_least",
        30.9,
        30.9,
        # what Russia, China, the United States, the United Kingdom and Bermuda leave
        100 - 8.7 - 6 - 6.5 - 8.2 - 5.5,
        "fact:external_debt_share/KAZ/EU27/2025-04-01/kursiv_debt_2025",
    ),
    ("technology", "USA"): (
        "known",
        66.1,
        66.1,
        66.1,
        "fact:payment_card_share/KAZ/USA/2025-02-01/kursiv_cards_2025_03;trend_unionpay_2026",
    ),
    ("technology", "RUS"): ("known", 0, 0, 0, "fact:payment_card_share/KAZ/RUS/2024-02-27/trend_mir_2024_04"),
    ("food", "RUS"): (
        "known",
        34.2,
        34.2,
        34.2,
        "fact:food_import_share/KAZ/RUS/2023/BACI_V202501_2023;MKZ_PANEL;SECTOR_RAS",
    ),
    ("fuel", "RUS"): (
        "known",
        72.1,
        72.1,
        72.1,
        "fact:fuel_import_share/KAZ/RUS/2023/BACI_V202501_2023;MKZ_PANEL;SECTOR_RAS",
    ),
    ("minerals", "CHN"): (
        "known",
        41,
        41,
        41,
        "fact:minerals_export_share/KAZ/CHN/2023/BACI_V202501_2023;MKZ_PANEL;SECTOR_RAS",
    ),
    ("electricity", "RUS"): (
        "at_most",
        4.1,
        0,
        4.1,
        "fact:electricity_supply_share/KAZ/RUS/2023/marketscreener_interrao_2024;trend_kegoc_2024_09",
    ),
    ("water", "CHN"): (
        "at_least",
        27.1,
        27.1,
        82.6,
        "fact:river_inflow_share/KAZ/CHN/2024/airpres_2024;nu_water_2017",
    ),
    ("information", "CHN"): (
        "known",
        7.8,
        7.8,
        7.8,
        "fact:platform_traffic_share/KAZ/CHN/2021/kapital_kcell_2021",
    ),
    ("people", "RUS"): (
        "known",
        42.7,
        42.7,
        42.7,
        "fact:tourist_share/KAZ/RUS/2023-01/2023-09/astanatimes_2024_01_tourism",
    ),
}


@pytest.fixture(scope="module")
def found(dossier: Dossier) -> Domains:
    return domains(dossier)


class TestBuiltin:
    @pytest.mark.parametrize("cell", GOLDEN, ids="-".join)
    def test_headline_cells_come_from_their_facts(self, found: Domains, cell: tuple[str, str]) -> None:
        domain, power = cell
        row = found.headline.filter((pl.col("domain") == domain) & (pl.col("power") == power)).row(
            0, named=True
        )
        status, *numbers, source = GOLDEN[cell]
        assert row["status"] == status
        assert [row["value"], row["low"], row["high"]] == [
            number if number is None else pytest.approx(number) for number in numbers
        ]
        assert row["facts"] == source

    def test_every_domain_has_the_headline_that_the_rule_picks(self, found: Domains) -> None:
        chosen = dict(found.headline.select("domain", "measure").iter_rows())
        assert len(chosen) == 10
        assert chosen == found.by_rule

    def test_what_is_not_known_is_empty_and_never_zero(self, found: Domains) -> None:
        lacking = found.cells.filter(pl.col("status") == "not_known")
        assert lacking.height > 0
        assert lacking["value"].null_count() == lacking.height
        given = found.cells.filter(pl.col("status") != "not_known")
        assert given.filter((pl.col("facts") == "") | (pl.col("source_id") == "")).height == 0
        assert (
            given.filter((pl.col("low") > pl.col("value")) | (pl.col("value") > pl.col("high"))).height == 0
        )

    def test_age_is_counted_from_the_base_year(self, found: Domains, dossier: Dossier) -> None:
        rows = found.cells.drop_nulls("year")
        expected = (dossier.header.base_year - rows["year"]).clip(0)
        assert rows["age_years"].to_list() == expected.to_list()

    def test_every_domain_says_how_long_it_could_be_covered_or_why_nobody_knows(self, found: Domains) -> None:
        assert set(found.cover["domain"]) == set(found.headline["domain"])
        arms = found.cover.filter((pl.col("domain") == "security") & (pl.col("power") == "RUS")).row(
            0, named=True
        )
        assert arms["days"] == pytest.approx(0.85 * 30 * 365)  # 85 percent of what came in 1991-2020

    def test_the_matrix_names_what_is_not_known(self, found: Domains, dossier: Dossier) -> None:
        matrix = found.matrix()
        assert matrix.columns == ["domain", "measure", *dossier.powers, "years", "hhi", "cover"]
        cover = dict(matrix.select("domain", "cover").iter_rows())
        assert "fdi inflow share, USA: 4.1 years" in cover["finance"]
        assert cover["security"].startswith("RUS: 25.5 years")
        arms = matrix.row(by_predicate=pl.col("domain") == "security", named=True)
        assert (arms["RUS"], arms["EU27"], arms["USA"]) == ("88", "at most 6", "not known (at most 12)")

    def test_the_channel_holds_each_stated_share_once_and_no_money(
        self, found: Domains, dossier: Dossier
    ) -> None:
        channel = domain_channel(dossier, found)
        frame = to_frame(dossier.focal, channel.results)
        key = ["channel", "measure", "coalition", "member", "horizon", "period"]
        assert frame.select(key).is_unique().all()
        assert set(frame["unit"]) == {"pct", "index", "days"}
        stated = found.cells.filter(pl.col("status") != "not_known").height
        assert frame.filter(pl.col("unit") == "pct").height == stated
        assert any("Security" in gap and "CHN, USA" in gap for gap in channel.gaps)
        assert {"domains", "facts", "measures"} <= set(channel.trails[0].tables)

    def test_other_codes_change_nothing(
        self, found: Domains, renamed: Callable[[dict[str, str]], Dossier]
    ) -> None:
        other = domains(renamed({"CHN": "IND", "IND": "CHN"}))
        swapped = other.cells.with_columns(pl.col("power").replace({"IND": "CHN"}))
        columns = ["measure", "subject", "power", "status", "value", "low", "high"]
        assert swapped.select(columns).equals(found.cells.select(columns))
