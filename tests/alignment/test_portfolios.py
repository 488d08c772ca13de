"""Portfolios worked by hand, published values, and the table built from obligations."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from betweengiants.alignment.dyads import left_out, one_way
from betweengiants.alignment.portfolios import (
    alliance_levels,
    completed,
    portfolio_similarity,
    read_portfolios,
    weighted,
)
from betweengiants.alignment.similarity import Distance, similarity
from betweengiants.core.errors import DataError, UnknownLabel

DISTANCES: tuple[Distance, ...] = ("absolute", "squared", "nominal")
MEASURES = ["agreement", "s_score", "kappa", "pi"]


def table(*rows: tuple[object, ...], columns: str = "country,partner,value,weight") -> pl.DataFrame:
    return pl.DataFrame(rows, schema=columns.split(",")[: len(rows[0])], orient="row")


PORTFOLIOS = table(
    ("KAZ", "KAZ", 3, 1.0),
    ("KAZ", "RUS", 3, 2.0),
    ("KAZ", "USA", 0, 4.0),
    ("RUS", "KAZ", 3, 1.0),
    ("RUS", "RUS", 3, 2.0),
    ("RUS", "USA", 0, 4.0),
    ("USA", "KAZ", 0, 1.0),
    ("USA", "USA", 3, 4.0),
    ("USA", "FRA", 3, 1.0),
)
# Signorino & Ritter (1999), table 6: Germany and Russia towards Europe in 1914, with shares of capabilities.
EUROPE_1914 = (
    "GMY .25 3 0, RUS .21 0 3, UKG .20 0 1, FRN .08 0 3, AUH .08 3 0, ITA .05 3 1, BEL .03 0 0, SPN .03 0 0, "
    "TUR .02 0 0, NTH .01 0 0, SWD .01 0 0, RUM .01 3 0, POR .01 0 0, SWZ .01 0 0, GRC 0 0 0, DEN 0 0 0, "
    "YUG 0 0 0, BUL 0 0 0, NOR 0 0 0, ALB 0 0 0"
)


@pytest.fixture
def europe() -> pl.DataFrame:
    cells = [row.split() for row in EUROPE_1914.split(", ")]
    return table(
        *(
            (side, row[0], float(row[column]), float(row[1]))
            for side, column in (("GMY", 2), ("RUS", 3))
            for row in cells
        )
    )


def one(frame: pl.DataFrame) -> dict[str, float]:
    assert frame.height == 1
    return frame.row(0, named=True)


def test_identical_opposite_and_weighted_by_hand() -> None:
    found = portfolio_similarity(PORTFOLIOS, ["KAZ"], ["USA", "RUS", "KAZ"])
    assert found.select("country", "power", "n").rows() == [("KAZ", "RUS", 3), ("KAZ", "USA", 2)]
    assert found["s_score"].to_list() == [1, -1]
    # weights 1 on KAZ (3 against 0) and 4 on USA (0 against 3)
    assert found["kappa"].to_list() == [1, pytest.approx(1 - 3 / (3 * (1 / 5 * 1 / 5 + 4 / 5 * 4 / 5)))]


@pytest.mark.parametrize("distance", DISTANCES)
def test_identical_is_one_and_opposite_minus_one(distance: Distance) -> None:
    levels = {"A": [3, 3, 0, 0], "B": [3, 3, 0, 0], "C": [0, 0, 3, 3]}
    rows = table(*((c, f"p{i}", float(v)) for c, values in levels.items() for i, v in enumerate(values)))
    found = portfolio_similarity(rows, ["A"], ["B", "C"], distance=distance)
    assert found.select(MEASURES).rows() == [(1, 1, 1, 1), (0, -1, -1, -1)]


@pytest.mark.parametrize("distance", DISTANCES)
def test_independent_is_zero_for_kappa_and_pi_and_not_for_s(distance: Distance) -> None:
    """Both have an ally among every three; every combination comes as often as chance has it."""
    ours, theirs = np.meshgrid([0, 0, 3], [0, 0, 3])
    rows = table(
        *(("A", f"p{i}", float(v)) for i, v in enumerate(ours.ravel())),
        *(("B", f"p{i}", float(v)) for i, v in enumerate(theirs.ravel())),
    )
    found = one(portfolio_similarity(rows, ["A"], ["B"], distance=distance))
    assert (found["kappa"], found["pi"]) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    assert found["s_score"] == pytest.approx(1 - 2 * 4 / 9)


def test_published_values_of_signorino_and_ritter(europe: pl.DataFrame) -> None:
    """S from the article's table 6; its rounded capabilities give -0.46 where it prints -0.45. Kappa by squares
    and pi by nominal distances as the R package fpsim 0.2 prints them for the same table."""
    plain = europe.drop("weight")
    by = {d: one(portfolio_similarity(plain, ["GMY"], ["RUS"], distance=d)) for d in DISTANCES}
    assert by["absolute"]["n"] == 20
    assert by["absolute"]["s_score"] == pytest.approx(0.4)
    assert by["squared"]["s_score"] == pytest.approx(0.4444444, abs=5e-8)
    assert by["squared"]["kappa"] == pytest.approx(-0.07758621, abs=5e-9)
    assert by["nominal"]["pi"] == pytest.approx(-0.04477612, abs=5e-9)
    assert one(portfolio_similarity(europe, ["GMY"], ["RUS"]))["s_score"] == pytest.approx(-0.46)


def test_weights_from_a_table_of_capabilities(europe: pl.DataFrame) -> None:
    capabilities = europe.select("partner", "weight").unique()
    again = weighted(europe.drop("weight"), capabilities)
    one_way = portfolio_similarity(again, ["GMY"], ["RUS"])
    assert_frame_equal(one_way, portfolio_similarity(europe, ["GMY"], ["RUS"]))
    # only the share of each weight matters
    scaled = weighted(europe, capabilities.with_columns(pl.col("weight") * 7))
    assert_frame_equal(portfolio_similarity(scaled, ["GMY"], ["RUS"]), one_way)


def test_every_pair_equals_the_vectors_compared_one_by_one() -> None:
    random = np.random.default_rng(2)
    states = [f"s{i}" for i in range(6)]
    rows = table(
        *(
            (a, b, float(random.integers(0, 4)), 1.0 + states.index(b))
            for a in states
            for b in states
            if random.random() < 0.8
        )
    )
    found = portfolio_similarity(rows, None, None, distance="squared")
    assert found.height == 15
    assert (found["country"] < found["power"]).all()
    held = {(row[0], row[1]): row[2:] for row in rows.rows()}
    for row in found.rows(named=True):
        x, y = (
            [held.get((row[side], partner), (np.nan, 1.0))[0] for partner in states]
            for side in ("country", "power")
        )
        alone = similarity(x, y, [1.0 + i for i in range(6)], levels=(0, 1, 2, 3), distance="squared")
        for measure in MEASURES:
            assert row[measure] == pytest.approx(float(getattr(alone, measure)), nan_ok=True)
        assert row["n"] == (~np.isnan(np.array(x) + np.array(y))).sum()


def test_years_stand_apart() -> None:
    later = PORTFOLIOS.with_columns(year=pl.lit(2001), value=3 - pl.col("value"))
    both = pl.concat([PORTFOLIOS.with_columns(year=pl.lit(2000)), later])
    found = portfolio_similarity(both, ["KAZ"], ["RUS", "USA"])
    assert found.columns[:4] == ["country", "power", "year", "n"]
    assert found.select("power", "year", "s_score").rows() == [
        ("RUS", 2000, 1.0),
        ("RUS", 2001, 1.0),
        ("USA", 2000, -1.0),
        ("USA", 2001, -1.0),
    ]
    alone = portfolio_similarity(PORTFOLIOS, ["KAZ"], ["RUS", "USA"])
    assert_frame_equal(found.filter(pl.col("year") == 2000).drop("year"), alone)


def test_completed_writes_the_zeros() -> None:
    few = table(
        ("A", "B", 2, 2000), ("B", "A", 2, 2000), ("A", "C", 3, 2001), columns="country,partner,value,year"
    )
    whole = completed(few)
    assert whole.columns == ["country", "partner", "year", "value"]
    # C is not there before 2001, nor B after 2000: no row of those years names them
    assert whole.rows() == [
        ("A", "B", 2000, 2),
        ("A", "C", 2001, 3),
        ("B", "A", 2000, 2),
        ("C", "A", 2001, 0),
    ]
    own = completed(few, own=3)
    assert own.height == 2 * 2 * 2
    assert own.filter(pl.col("country") == pl.col("partner"))["value"].unique().to_list() == [3]
    everybody = completed(few, ["A", "B", "C"])
    assert everybody.height == 2 * 3 * 2
    assert everybody["value"].sum() == 7
    # C enters in 2001 only, and Z belongs to the system without any pact
    members = table(*((c, y) for c in "ABZ" for y in (2000, 2001)), ("C", 2001), columns="country,year")
    system = completed(few, members)
    assert system.filter(pl.col("year") == 2000).height == 3 * 2
    assert system.filter(pl.col("year") == 2001).height == 4 * 3
    assert completed(few.drop("year"), ["A", "B"]).rows() == [("A", "B", 2.0), ("B", "A", 2.0)]


def test_completed_keeps_a_states_own_row() -> None:
    whole = completed(PORTFOLIOS.drop("weight"), ["KAZ", "RUS"])
    assert whole.rows() == [
        ("KAZ", "KAZ", 3.0),
        ("KAZ", "RUS", 3.0),
        ("RUS", "KAZ", 3.0),
        ("RUS", "RUS", 3.0),
    ]


def test_zeros_change_what_absence_says() -> None:
    few = table(("A", "X", 3), ("B", "X", 3), ("A", "Y", 3))
    assert one(portfolio_similarity(few, ["A"], ["B"]))["n"] == 1
    found = one(portfolio_similarity(completed(few), ["A"], ["B"]))
    assert (found["n"], found["agreement"]) == (2, 0.5)


DYADS = "iso3_1,iso3_2,year,atop_defense,atop_offense,atop_neutral,atop_nonagg,atop_consul"


def test_levels_of_alliances() -> None:
    kinds = {
        "B": (1, 0, 1, 1, 1),
        "C": (0, 1, 0, 0, 0),
        "D": (0, 0, 1, 1, 0),
        "E": (0, 0, 0, 0, 1),
        "F": (0, 0, 0, 1, 0),
        "G": (0, 0, 0, 0, 0),
    }
    dyads = table(*(("A", partner, 2000, *cells) for partner, cells in kinds.items()), columns=DYADS)
    found = alliance_levels(dyads, [*"ABCDEFGH"])
    mine = found.filter(pl.col("country") == "A")
    assert mine.select("partner", "value").rows() == [
        ("A", 3), ("B", 3), ("C", 3), ("D", 2), ("E", 2), ("F", 1), ("G", 0), ("H", 0),
    ]  # fmt: skip
    assert found.height == 8 * 8


def test_pairs_in_one_direction() -> None:
    dyads = table(
        ("A", "B", 2000, 1, 0, 0, 0, 0),
        ("B", "A", 2000, 0, 0, 0, 1, 0),
        ("A", "B", 2001, 1, 0, 0, 0, 0),
        ("A", "A", 2001, 1, 0, 0, 0, 0),
        columns=DYADS,
    )
    assert one_way(dyads, ("iso3_1", "iso3_2")).select("iso3_1", "iso3_2", "year").rows() == [
        ("A", "B", 2001)
    ]

    def levels(undirected: bool = False) -> list[tuple[object, ...]]:
        found = alliance_levels(dyads, ["A", "B"], undirected=undirected)
        return found.filter(pl.col("country") != pl.col("partner")).sort("year", "country").rows()

    assert levels() == [("A", "B", 2000, 3), ("B", "A", 2000, 1), ("A", "B", 2001, 3), ("B", "A", 2001, 0)]
    # what stands in both directions stays as it is
    assert levels(undirected=True)[:2] == levels()[:2]
    assert levels(undirected=True)[2:] == [("A", "B", 2001, 3), ("B", "A", 2001, 3)]


def test_dyads_outside_the_system_are_counted_and_named() -> None:
    rows = [("A", "B", 2000), ("A", "Z", 2000), ("Z", "Y", 2001), ("A", "B", 1999)]
    dyads = table(*rows, columns="country,partner,year")
    system = table(("A", 2000), ("B", 2000), ("A", 2001), columns="country,year")
    assert left_out(dyads, system, name="nmc.csv") == (
        "3 of 4 dyads left out, as nmc.csv lacks the years 1999, Z in 2 rows (2000 to 2001), Y in 1 row (2001)"
    )
    assert left_out(dyads.head(1), system) is None


def test_two_weights_for_one_partner_are_refused() -> None:
    rows = table(("A", "X", 3, 1.0), ("B", "X", 0, 2.0), columns="country,partner,value,weight")
    with pytest.raises(
        DataError,
        match="row 3, column 'weight': found 2 for partner X, which has 1 above; allowed: one weight for each partner",
    ):
        portfolio_similarity(rows, None, None)
    # weights may change from year to year
    found = portfolio_similarity(
        pl.concat([rows.with_columns(year=2000), rows.with_columns(year=2001)]).filter(
            (pl.col("year") == 2000) == (pl.col("country") == "A")
        ),
        ["A"],
        ["B"],
    )
    assert found.is_empty()


@pytest.mark.parametrize("weight", [np.inf, 1e308])
def test_absurd_weights_and_levels(weight: float) -> None:
    with pytest.raises(DataError, match="row 2, column 'weight'"):
        portfolio_similarity(PORTFOLIOS.with_columns(weight=weight), ["KAZ"], ["USA"])
    with pytest.raises(DataError, match="row 2, column 'weight'"):
        weighted(PORTFOLIOS, table(("KAZ", weight), columns="partner,weight"))
    with pytest.raises(DataError, match="levels"):
        portfolio_similarity(PORTFOLIOS, ["KAZ"], ["USA"], levels=(0, weight))


def test_bad_dyads() -> None:
    row = ("A", "B", 2000, 1, 0, 0, 0, 0)
    with pytest.raises(DataError, match="second row"):
        alliance_levels(table(row, row, columns=DYADS))
    with pytest.raises(DataError, match="row 2, column 'atop_defense': found 2"):
        alliance_levels(table(("A", "B", 2000, 2, 0, 0, 0, 0), columns=DYADS))
    with pytest.raises(DataError, match="no column 'atop_consul'"):
        alliance_levels(table(row, columns=DYADS).drop("atop_consul"))
    with pytest.raises(DataError, match="no member"):
        alliance_levels(table(row, columns=DYADS), [])


def test_bad_portfolios(tmp_path: Path) -> None:
    with pytest.raises(UnknownLabel, match="KAZ"):
        portfolio_similarity(PORTFOLIOS, ["KZA"], ["USA"])
    with pytest.raises(
        DataError, match="row 2, column 'value': found value 3; allowed: one of the levels 0, 1"
    ):
        portfolio_similarity(PORTFOLIOS, ["KAZ"], ["USA"], levels=(0, 1))
    with pytest.raises(DataError, match="second row"):
        portfolio_similarity(pl.concat([PORTFOLIOS, PORTFOLIOS]), ["KAZ"], ["USA"])
    with pytest.raises(DataError, match="no column 'value'"):
        portfolio_similarity(PORTFOLIOS.drop("value"), ["KAZ"], ["USA"])
    with pytest.raises(DataError, match="numbers from 0 to"):
        portfolio_similarity(PORTFOLIOS.with_columns(weight=-1.0), ["KAZ"], ["USA"])
    with pytest.raises(DataError, match="increasing"):
        portfolio_similarity(PORTFOLIOS, ["KAZ"], ["USA"], levels=(3, 0))
    path = tmp_path / "p.csv"
    path.write_text("country,partner,value\nA,B,much\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.csv, row 2, column 'value': found 'much'"):
        read_portfolios(path)


def test_bad_weights() -> None:
    capabilities = table(("KAZ", 1.0), ("RUS", 2.0), columns="partner,weight")
    with pytest.raises(DataError, match=r"no weight for partner FRA \(and 1 more\)"):
        weighted(PORTFOLIOS, capabilities)
    with pytest.raises(DataError, match="second row"):
        weighted(PORTFOLIOS, pl.concat([capabilities, capabilities]))
    with pytest.raises(DataError, match="a column 'year'"):
        weighted(PORTFOLIOS, capabilities.with_columns(year=2000))
    with pytest.raises(DataError, match="numbers from 0 to"):
        weighted(PORTFOLIOS, capabilities.with_columns(weight=-1.0))


def test_alliances_of_the_sample(shared: Path) -> None:
    folder = shared / "samples" / "cow"
    nmc = pl.read_csv(folder / "nmc.csv")
    levels = alliance_levels(pl.read_csv(folder / "atop_dyads.csv"), nmc.select("year", country="iso3"))
    assert levels.group_by("year").len()["len"].unique().to_list() == [900]  # 30 states, every zero written
    found = portfolio_similarity(
        weighted(levels, nmc.select("year", partner="iso3", weight="cinc")), ["KAZ"], ["RUS", "CHN", "USA"]
    )
    last = found.filter(pl.col("year") == 2018)
    kappa = dict(last.select("power", "kappa").rows())
    assert kappa["RUS"] > kappa["CHN"] > 0 > kappa["USA"]  # in the CSTO beside Russia, none of NATO's allies
