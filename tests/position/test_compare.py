"""States side by side: numbers by hand and from the engines, independence of who else is compared, missing data named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.alignment.votes import read_votes
from betweengiants.core.countries import blocs
from betweengiants.core.errors import DataError, NoEquilibrium, UnknownCountry, UnknownLabel
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.position.compare import comparison
from betweengiants.position.compare_table import MEASURES, Comparison
from betweengiants.position.compare_world import World, dossier_world, file_world
from betweengiants.position.coupled_channel import coupled
from betweengiants.position.trade_channel import trade_channel
from betweengiants.trade import TradeMatrix, coalition, solve

Make = Callable[..., Path]
FLOWS = "exporter,importer,value_usd_m\n"
# L trades with N alone: 80 sold at home, 20 bought from N and 20 sold to it. N and M trade with each other.
LANDLOCKED = "L,L,80\nL,N,20\nN,L,20\nN,N,500\nN,M,60\nM,N,60\nM,M,900\n"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BETWEENGIANTS_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="module")
def small(make_dossier: Make, tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Elasticities 2 (short) and 5 (long) without ranges."""
    return load_dossier(make_dossier(tmp_path_factory.mktemp("small") / "dossier"))


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def world_of(folder: Path, rows: str, **options: Path) -> World:
    return file_world(write(folder, "flows.csv", FLOWS + rows), **options)


def value(found: Comparison, row: int, measure: str, power: str = "", horizon: str = "short") -> float:
    number = found.value(row, measure, power, horizon)
    assert number is not None, (row, measure, power, horizon)
    return number


def rows_of(
    found: Comparison, row: int, *, without: Sequence[str] = ("row", "rank")
) -> list[dict[str, object]]:
    return found.numbers.filter(pl.col("row") == row).drop(without).to_dicts()


# ---------------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(("horizon", "theta"), [("short", 2.0), ("long", 5.0)])
def test_a_landlocked_state_with_one_neighbour(
    tmp_path: Path, small: Dossier, horizon: str, theta: float
) -> None:
    found = comparison(["L"], settings=small, powers=["N", "M"], world=world_of(tmp_path, LANDLOCKED))
    autarky = 100 * (1 - 0.8 ** (1 / theta))  # Arkolakis, Costinot & Rodriguez-Clare 2012
    assert value(found, 1, "leverage_pct", "N", horizon) == pytest.approx(autarky, rel=1e-9)
    assert value(found, 1, "closed_form_loss_pct", "N", horizon) == pytest.approx(autarky, rel=1e-9)
    assert value(found, 1, "joint_leverage_pct", "", horizon) == pytest.approx(autarky, rel=1e-9)
    assert value(found, 1, "leverage_pct", "M", horizon) == 0
    assert value(found, 1, "counter_leverage_pct", "M", horizon) == 0
    assert 0 < value(found, 1, "counter_leverage_pct", "N", horizon) < autarky
    assert value(found, 1, "effective_vectors", "", horizon) == 1
    assert value(found, 1, "autonomy", "", horizon) == pytest.approx(0, abs=1e-9)
    assert value(found, 1, "home_share", horizon="") == pytest.approx(0.8)
    assert found.largest(1, horizon) == "N"


def test_a_second_outlet_of_the_same_size_doubles_the_vectors(tmp_path: Path, small: Dossier) -> None:
    twins = "L,L,80\nL,N,10\nN,L,10\nL,M,10\nM,L,10\nN,N,500\nM,M,500\nN,M,50\nM,N,50\n"
    found = comparison(["L"], settings=small, powers=["N", "M"], world=world_of(tmp_path, twins))
    assert value(found, 1, "effective_vectors") == pytest.approx(2)
    assert value(found, 1, "leverage_pct", "N") == pytest.approx(
        value(found, 1, "leverage_pct", "M"), rel=1e-8
    )
    assert value(found, 1, "joint_leverage_pct") == pytest.approx(100 * (1 - 0.8**0.5), rel=1e-9)
    alone = value(found, 1, "leverage_pct", "N")
    assert value(found, 1, "autonomy") == pytest.approx(1 - alone / value(found, 1, "joint_leverage_pct"))


def test_percentiles_count_the_other_states_that_have_less(tmp_path: Path, small: Dossier) -> None:
    """A buys half its imports from P, B a quarter, C nothing; P itself has no leverage over itself."""
    rows = "P,P,900\nQ,Q,900\nA,A,50\nB,B,50\nC,C,50\n"
    for state, share in {"A": 0.5, "B": 0.25, "C": 0.0}.items():
        for power, part in {"P": share, "Q": 1 - share}.items():
            rows += f"{power},{state},{40 * part}\n{state},{power},{40 * part}\n"
    found = comparison(
        ["B", "A", "C"],
        settings=small,
        powers=["P", "Q"],
        world=world_of(tmp_path, rows + "P,Q,90\nQ,P,90\n"),
    )
    chosen = found.numbers.filter(pl.col("measure") == "leverage_pct", pl.col("horizon") == "short")
    about_p = chosen.filter(pl.col("power") == "P").sort("row")
    assert about_p["rank"].to_list() == [2, 1, 3]
    chosen = found.everyone.filter(
        pl.col("measure") == "leverage_pct", pl.col("power") == "P", pl.col("horizon") == "short"
    )
    values = dict(chosen.select("state", "value").iter_rows())
    assert sorted(values) == ["A", "B", "C", "Q"]
    for state, percent in about_p.select("state", "percentile").iter_rows():
        less = sum(v < values[state] for label, v in values.items() if label != state)
        assert percent == pytest.approx(100 * less / 3)
    assert about_p["among"].to_list() == [4, 4, 4]


# ---------------------------------------------------------------------------- the same as elsewhere


def test_on_a_dossiers_own_matrix_the_numbers_are_those_of_its_position(dossier: Dossier) -> None:
    found = comparison(["KAZ"], settings=dossier)
    seen = 0
    for result in trade_channel(dossier).results:
        power = result.coalition if "+" not in result.coalition else ""
        name = result.measure
        if not power and name == "leverage_pct" and result.coalition.count("+") == 3:
            name = "joint_leverage_pct"
        rows = found.numbers.filter(
            pl.col("measure") == name, pl.col("power") == power, pl.col("horizon") == result.horizon
        )
        if name not in MEASURES or (not power and name in ("leverage_pct", "counter_leverage_pct")):
            continue
        (row,) = rows.to_dicts()
        expected = (result.number.value, result.number.low, result.number.high)
        assert (row["value"], row["low"], row["high"]) == pytest.approx(expected, rel=1e-8, abs=1e-10)
        seen += 1
    assert seen == 2 * (4 + 4 + 1 + 2)


def test_a_dossier_brings_its_roads_and_changes_nothing_else(
    with_tables: Callable[..., Dossier], dossier: Dossier
) -> None:
    gas = dossier.tables["network_commodities"].filter(pl.col("system") == "gas")
    own = with_tables(network_commodities=gas)
    found = comparison([own, "KAZ"], settings=dossier)
    with_roads, alone = rows_of(found, 1), rows_of(found, 2)
    roads = [row for row in with_roads if MEASURES[str(row["measure"])].part == "roads"]
    assert [row for row in with_roads if row not in roads] == alone
    assert {row["measure"] for row in roads} == {"gas_transit_lost_pct_gdp", "coupled_leverage_pct"}
    joint = coupled(own)
    loss = 100 * joint.loss[joint.row(("RUS",), joint.channels), 0, 0]
    assert value(found, 1, "coupled_leverage_pct", "RUS") == pytest.approx(loss, rel=1e-9)
    assert found.coverage["roads_source"].to_list() == ["dossier kazakhstan (trade+gas)", None]
    assert found.summary()["all_channels"].is_null().to_list() == [False, True]


def test_members_of_a_bloc_severing_together_are_the_bloc_added_up(shared_samples: Path) -> None:
    world, members = baci(shared_samples), blocs()["EU27"]
    labels = [label for label in world.matrix.labels if label not in members]
    place = {label: k for k, label in enumerate([*labels, "EU27"])}
    to = [place.get(label, place["EU27"]) for label in world.matrix.labels]
    flows = np.zeros((len(place), len(place)))
    np.add.at(flows, (np.array(to)[:, None], np.array(to)[None, :]), world.matrix.flows)
    added = replace(world, matrix=TradeMatrix(tuple(place), flows))
    cut = [coalition("KAZ", members), coalition("KAZ", ["EU27"])]
    apart = solve(world.matrix, cut[0], 4.0).welfare_change[0, world.place["KAZ"]]
    together = solve(added.matrix, cut[1], 4.0).welfare_change[0, added.place["KAZ"]]
    assert apart == pytest.approx(together, rel=1e-3)


# ------------------------------------------------------------------------------------- independence


def test_a_state_compared_with_itself_is_the_same_twice(dossier: Dossier) -> None:
    found = comparison(["UZB", "UZB"], settings=dossier)
    assert rows_of(found, 1, without=("row",)) == rows_of(found, 2, without=("row",))
    wide = found.table()
    assert wide.row(0) == wide.row(1)
    assert set(found.numbers["rank"]) == {1}


def test_another_state_changes_only_ranks(dossier: Dossier) -> None:
    few = comparison(["KAZ", "KGZ"], settings=dossier)
    many = comparison(["SRB", "KGZ", "AZE", "KAZ", "RUS"], settings=dossier)
    assert rows_of(few, 1) == rows_of(many, 4)
    assert rows_of(few, 2) == rows_of(many, 2)
    assert few.everyone.equals(many.everyone)


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    size = draw(st.integers(4, 7))
    cells = st.floats(1, 100)
    flows = np.array(draw(st.lists(cells, min_size=size * size, max_size=size * size))).reshape(size, size)
    flows[np.diag_indices(size)] += 200 * size  # no imbalance is too large to be met
    return flows


@settings(max_examples=15)
@given(matrices(), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(small: Dossier, flows: np.ndarray, random: object) -> None:
    size = len(flows)
    labels = [f"S{k}" for k in range(size)]
    order = list(range(size))
    random.shuffle(order)  # type: ignore[attr-defined]
    other = {label: f"T{order.index(k)}" for k, label in enumerate(labels)}
    moved = tuple(other[labels[k]] for k in order)
    plain = World(TradeMatrix(tuple(labels), flows), "plain", "")
    mixed = World(TradeMatrix(moved, flows[np.ix_(order, order)]), "mixed", "")
    one = comparison(["S0", "S3"], settings=small, powers=["S1", "S2"], world=plain).numbers
    two = comparison(
        [other["S0"], other["S3"]], settings=small, powers=[other["S1"], other["S2"]], world=mixed
    ).numbers
    key = ["row", "measure", "power", "horizon"]
    renamed = one.filter(pl.col("measure") != "vote_agreement").with_columns(
        pl.col("state", "power").replace(other)
    )
    both = renamed.join(two, on=key, how="full", suffix="_2")
    assert both.height == one.height == two.height
    assert both["state"].to_list() == both["state_2"].to_list()
    np.testing.assert_allclose(both["value"].to_numpy(), both["value_2"].to_numpy(), rtol=1e-7, atol=1e-9)


def test_the_unit_of_money_does_not_matter(dossier: Dossier) -> None:
    world = dossier_world(dossier)
    scaled = replace(world, matrix=TradeMatrix(world.matrix.labels, world.matrix.flows * 1e6))
    one = comparison(["KGZ"], settings=dossier, world=world).numbers
    two = comparison(["KGZ"], settings=dossier, world=scaled).numbers
    np.testing.assert_allclose(one["value"].to_numpy(), two["value"].to_numpy(), rtol=1e-7, atol=1e-9)


# ------------------------------------------------------------------------- what is missing is said


def test_states_that_the_matrix_lacks_are_rows_with_their_reason(dossier: Dossier) -> None:
    found = comparison(["KAZ", "SRB", "VNM"], settings=dossier)
    wide = found.table()
    assert wide["state"].to_list() == ["KAZ", "SRB", "VNM"]
    assert wide["leverage_pct_RUS_short"].is_null().to_list() == [False, True, True]
    assert wide["trade_source"].is_null().to_list() == [False, True, True]
    for gaps in wide["gaps"][1:]:
        assert "no trade: not in the matrix of dossier kazakhstan (22 regions)" in gaps
        assert "no votes in dossier kazakhstan, 2023" in gaps
    assert found.summary()["largest"].to_list() == ["EU27", None, None]


def test_a_power_and_a_member_of_a_bloc_have_no_leverage_over_themselves(
    tmp_path: Path, small: Dossier
) -> None:
    rows = LANDLOCKED.replace("M", "DEU").replace("N", "RUS").replace("L", "KAZ")
    world = world_of(tmp_path, rows + "HUN,HUN,70\nHUN,KAZ,5\nKAZ,HUN,5\n")
    found = comparison(["DEU", "RUS", "KAZ"], settings=small, powers=["RUS", "EU27"], world=world)
    assert found.value(1, "leverage_pct", "EU27", "short") is None
    assert found.value(2, "leverage_pct", "RUS", "short") is None
    assert found.value(1, "autonomy", "", "short") is None
    assert value(found, 1, "leverage_pct", "RUS") > 0
    assert value(found, 3, "autonomy") > 0
    gaps = found.coverage["gaps"].to_list()
    assert "it is a member of EU27: no leverage over itself" in gaps[0]
    assert "it is the power RUS: no leverage over itself" in gaps[1]
    # the bloc's own loss is that of its members, weighted by what they spend
    cut = solve(world.matrix, coalition("KAZ", ["DEU", "HUN"]), 2.0).welfare_change[0]
    spent = {m: world.matrix.flows[:, world.place[m]].sum() for m in ("DEU", "HUN")}
    loss = -100 * sum(cut[world.place[m]] * spent[m] for m in spent) / sum(spent.values())
    assert value(found, 3, "counter_leverage_pct", "EU27") == pytest.approx(loss, rel=1e-8)


def baci(samples: Path, *, fill: bool = False) -> World:
    folder = samples / "cepii_baci_2023_totals"
    return file_world(
        folder / "baci_hs22_v202501_2023_country_pairs.parquet",
        folder / "countries_gdp.csv",
        folder / "unrecorded_pairs_gravity_imputation.csv" if fill else None,
    )


SIX = ("KAZ", "UZB", "KGZ", "AZE", "SRB", "VNM")


def test_six_states_on_the_world_of_194(shared_samples: Path, dossier: Dossier) -> None:
    votes = read_votes(shared_samples / "unga_votes" / "votes.parquet")
    found = comparison(
        [*SIX, "HUN"], settings=dossier, world=baci(shared_samples), votes=(votes, "file votes.parquet")
    )
    wide = found.table()
    assert wide["trade_source"].str.contains("194 economies").all()
    assert wide["votes_period"].to_list() == ["2023"] * 7
    # Russia and Viet Nam had not reported: their trade is missing, not zero
    assert found.value(6, "leverage_pct", "RUS", "short") is None
    assert found.value(6, "autonomy", "", "short") is None
    assert "no leverage of RUS, no autonomy and no vectors: neither side has reported" in wide["gaps"][5]
    assert "EU27 understated" in wide["gaps"][5]
    assert any(note.startswith("76 economies show no trade with one another") for note in found.notes)
    assert [found.largest(row, "short") for row in range(1, 6)] == ["CHN", "CHN", "CHN", "EU27", "EU27"]
    for row in range(1, 6):
        assert 0 < value(found, row, "autonomy") < 1
        assert 1 < value(found, row, "effective_vectors") < 4
        for power in found.powers:
            short, long = (value(found, row, "leverage_pct", power, h) for h in ("short", "long"))
            assert 0 < long < short
    assert found.value(7, "leverage_pct", "EU27", "short") is None
    places = found.numbers["percentile"].drop_nulls()
    assert places.is_between(0, 100).all()
    silent = (
        found.numbers.filter(pl.col("measure") == "leverage_pct").group_by("power").agg(pl.col("among").max())
    )
    among = dict(silent.iter_rows())
    assert among["CHN"] == 193
    assert among["RUS"] == 194 - 76
    assert among["EU27"] == 194 - 27
    # votes: as the engine of votes says
    assert value(found, 1, "vote_agreement", "RUS", "") == pytest.approx(0.6419753, abs=1e-6)


def test_estimates_fill_what_nobody_reported_and_are_named(shared_samples: Path, dossier: Dossier) -> None:
    found = comparison(["VNM"], settings=dossier, world=baci(shared_samples, fill=True))
    assert value(found, 1, "leverage_pct", "RUS") > 0
    assert "trade with RUS rests on estimates" in found.coverage["gaps"][0]


def test_a_dossier_outside_the_matrix_brings_its_own(
    make_dossier: Make, tmp_path: Path, dossier: Dossier
) -> None:
    def serbia(text: str) -> str:
        return text.replace("KAZ", "SRB").replace("Kaz", "Srb")

    folder = make_dossier(tmp_path / "serbia")
    for file in folder.iterdir():
        file.write_text(serbia(file.read_text(encoding="utf-8")), encoding="utf-8")
    own = load_dossier(folder)
    found = comparison([own, "KAZ"], settings=dossier)
    assert value(found, 1, "leverage_pct", "RUS") > 0
    assert found.value(1, "leverage_pct", "USA", "short") is None
    gaps = found.coverage["gaps"][0]
    assert "on its own matrix, so that no percentile" in gaps
    assert "USA is not in the matrix of dossier small (3 regions)" in gaps
    assert "no transit: dossier small has no network" in gaps
    assert found.numbers.filter(pl.col("row") == 1)["percentile"].null_count() == len(rows_of(found, 1))
    assert found.coverage["trade_source"].to_list() == [
        "matrix of dossier small (3 regions)",
        "matrix of dossier kazakhstan (22 regions)",
    ]


def test_a_cut_without_an_equilibrium_is_a_gap(tmp_path: Path, small: Dossier) -> None:
    """L lends nearly all it earns abroad: without M it would have less than nothing to spend."""
    rows = "L,L,10\nL,N,30\nL,M,70\nN,L,1\nM,L,1\nN,N,500\nM,M,500\nN,M,50\nM,N,50\n"
    found = comparison(["L", "M"], settings=small, powers=["N", "M"], world=world_of(tmp_path, rows))
    with pytest.raises(NoEquilibrium, match="L"):
        solve(world_of(tmp_path, rows).matrix, coalition("L", ["M"]), 2.0)
    assert found.value(1, "leverage_pct", "M", "short") is None
    assert "M, short run: no equilibrium at elasticity 2" in found.coverage["gaps"][0]


# -------------------------------------------------------------------------------- votes and points


VOTES = "resolution,session,date,country,vote\n" + "".join(
    f"r{r},{78 if r < 3 else 79},{2023 if r < 3 else 2024}-10-0{r},{c},{v}\n"
    for r, cast in enumerate(
        [
            ("yes", "yes", "no", "yes"),
            ("yes", "abstain", "no", "no"),
            ("no", "no", "no", "yes"),
            ("yes", "no", "no", "yes"),
        ],
        1,
    )
    for c, v in zip(("KAZ", "RUS", "DEU", "HUN"), cast, strict=True)
)


def test_votes_of_the_latest_full_year_with_n_and_error(
    tmp_path: Path, small: Dossier, dossier: Dossier
) -> None:
    votes = read_votes(write(tmp_path, "votes.csv", VOTES))
    found = comparison(["KAZ"], settings=dossier, powers=["RUS", "EU27"], votes=(votes, "mine"))
    row = found.numbers.filter(pl.col("measure") == "vote_agreement", pl.col("power") == "RUS").to_dicts()[0]
    assert (row["value"], row["n"], row["period"]) == (0.5, 2, "2024")
    # two resolutions, agreement 1 and 0: sample variance 1/2, of their mean 1/4
    assert row["se"] == pytest.approx(0.5)
    # the bloc's members disagree on both: no majority, no common vote
    assert found.value(1, "vote_agreement", "EU27") is None
    assert "no votes with EU27 in mine, 2024" in found.coverage["gaps"][0]


def test_distance_of_ideal_points_of_the_latest_session(dossier: Dossier) -> None:
    points = pl.DataFrame(
        [
            ("KAZ", 77, 80, 9.0, 0.1),
            ("KAZ", 78, 80, -0.5, 0.3),
            ("RUS", 78, 80, -0.9, 0.4),
            ("DEU", 78, 80, 1.0, 0.6),
            ("FRA", 78, 80, 2.0, 0.8),
        ],
        schema=["country", "session", "n", "ideal_point", "se"],
        orient="row",
    )
    found = comparison(["KAZ", "DEU"], settings=dossier, powers=["RUS", "EU27"], points=(points, "points"))
    rows = {
        (r["state"], r["power"]): (r["value"], r["se"], r["period"])
        for r in found.numbers.filter(pl.col("measure") == "ideal_point_distance").to_dicts()
    }
    assert rows["KAZ", "RUS"] == (pytest.approx(0.4), pytest.approx(0.5), "session 78")
    assert rows["KAZ", "EU27"] == (pytest.approx(2.0), pytest.approx(np.hypot(0.3, 0.5)), "session 78")
    assert ("DEU", "EU27") not in rows
    assert "ideal_point_distance_RUS_se" in found.table().columns
    assert "ideal_point_distance_RUS" not in comparison(["KAZ"], settings=dossier).table().columns


# ------------------------------------------------------------------------------------------- data


# -------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("KZA", UnknownLabel, "unknown state 'KZA'.*did you mean KAZ"),
        ("Serbia", UnknownCountry, r"did you mean SRB \(Serbia\)"),
        ("missing.zip", DataError, "no dossier 'missing.zip'"),
        ("a" * 5000, UnknownCountry, "unknown country 'aaa"),
    ],
)
def test_unknown_states_are_refused_with_the_nearest(
    dossier: Dossier, asked: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        comparison(["KAZ", asked], settings=dossier)


def test_powers_are_checked(dossier: Dossier) -> None:
    with pytest.raises(UnknownLabel, match=r"unknown power 'RSU'.*did you mean RUS"):
        comparison(["KAZ"], settings=dossier, powers=["RSU"])
    with pytest.raises(DataError, match="each power once"):
        comparison(["KAZ"], settings=dossier, powers=["RUS", "RUS"])
    with pytest.raises(DataError, match="no state"):
        comparison([], settings=dossier)


def test_a_wide_row_holds_every_number_of_the_long_table(dossier: Dossier) -> None:
    found = comparison(["KAZ", "AZE"], settings=dossier)
    wide: list[Mapping[str, object]] = found.table().to_dicts()
    for row in found.numbers.to_dicts():
        name = "_".join(part for part in (row["measure"], row["power"], row["horizon"]) if part)
        assert wide[row["row"] - 1][name] == row["value"]
        for extra in MEASURES[row["measure"]].extras:
            assert wide[row["row"] - 1][f"{name}_{extra}"] == row[extra]
