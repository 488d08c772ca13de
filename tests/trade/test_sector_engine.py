"""Several sectors: what must hold for every world, rationing, pieces, batches, draws and refusals."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from betweengiants.core.errors import DataError, NoEquilibrium, NotConverged, UnknownLabel
from betweengiants.trade import (
    Cell,
    Rationed,
    Scenario,
    SectorMatrix,
    coalition,
    joint_leverage,
    leverage,
    sector_autarky_loss,
    severance,
    solve_sectors,
)

CLEARING = 1e-10
RULES = ("additive", "multiplicative", "balanced")
CHANGES = ("welfare", "income", "price", "exports", "imports")
MODEST = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ],
)


@st.composite
def problems(draw):
    """(seed, size, count, inputs), scenarios by position, options."""
    size, count = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    world = draw(st.integers(0, 2**31)), size, count, draw(st.booleans())
    off = [(a, b) for a in range(size) for b in range(size) if a != b]
    cells = st.tuples(
        st.sampled_from(off),
        st.sampled_from([1.0, 1.1, 2.0, math.inf]),
        st.sampled_from([1.0, 1.0, 0.4]),
        st.integers(0, count - 1),
    )
    key = lambda cell: (cell[0], cell[3])  # noqa: E731
    scenario = st.lists(cells, unique_by=key, max_size=8)
    options = {
        "theta": [draw(st.sampled_from([0.8, 2.0, 5.0])) for _ in range(count)],
        "horizon": draw(st.sampled_from(["long", "short"])),
        "imbalances": draw(st.sampled_from(RULES)),
    }
    return world, draw(st.lists(scenario, min_size=1, max_size=6)), options


def named(matrix, cells, name="drawn"):
    label, sector = matrix.labels, matrix.sectors
    return Scenario(name, tuple(Cell(label[a], label[b], f, q, sector[s]) for (a, b), f, q, s in cells))


def attempt(matrix, cases, options):
    """Solve what has a solution; an imbalance that cannot be met is a named outcome, not a bug."""
    try:
        result = solve_sectors(matrix, cases, on_failure="mark", **options)
    except NoEquilibrium:
        assume(False)
    assert not any(isinstance(problem, NotConverged) for problem in result.problems)
    assume(all(problem is None for problem in result.problems))
    return result


@MODEST
@given(problems())
def test_markets_clear_and_budgets_hold(make_sectors, problem):
    """From the flows themselves: purchases add up, sales cover costs, Walras' law."""
    world, cases, options = problem
    matrix = make_sectors(*world[:3], inputs=world[3])
    result = attempt(matrix, [named(matrix, cells) for cells in cases], options)
    va, gamma = result.matrix.cost_shares
    for s in range(len(cases)):
        after = result.flows_after(s)
        made, bought = after.sum(axis=1), after.sum(axis=0)
        assert np.abs(made / result.output[s] - 1).max() <= CLEARING
        np.testing.assert_allclose(bought, result.absorption[s], rtol=1e-12)
        final = result.matrix.final_spending
        alpha = final / final.sum(axis=1, keepdims=True)
        use = np.einsum("jks,js->jk", gamma, result.output[s])
        np.testing.assert_allclose(bought, alpha * result.spending[s][:, None] + use, rtol=1e-10)
        income = (1 + result.income_change[s]) * result.matrix.value_added
        earned = (va * made).sum(axis=1)
        if options["imbalances"] != "multiplicative":
            np.testing.assert_allclose(earned, income, rtol=1e-9)
        assert income.sum() == pytest.approx(result.matrix.value_added.sum(), rel=1e-11)
        assert result.residual[s] <= 1e-11


@MODEST
@given(problems(), st.randoms(use_true_random=False), st.sampled_from([1e-6, 1e9]))
def test_names_order_and_units_do_not_matter(make_sectors, problem, random, unit):
    world, cases, options = problem
    matrix = make_sectors(*world[:3], inputs=world[3])
    result = attempt(matrix, [named(matrix, cells) for cells in cases], options)
    size, count = len(matrix.labels), len(matrix.sectors)
    order, sectors = list(range(size)), list(range(count))
    random.shuffle(order)
    random.shuffle(sectors)
    va, gamma = matrix.cost_shares
    turned = SectorMatrix(
        tuple(matrix.labels[k] for k in order),
        tuple(matrix.sectors[k] for k in sectors),
        unit * matrix.flows[np.ix_(order, order, sectors)],
        va[np.ix_(order, sectors)],
        gamma[np.ix_(order, sectors, sectors)],
    )
    changed = options | {"theta": [options["theta"][k] for k in sectors]}
    again = solve_sectors(turned, list(result.scenarios), **changed)
    for name in CHANGES:
        ours = getattr(result, f"{name}_change")[:, order]
        np.testing.assert_allclose(getattr(again, f"{name}_change"), ours, atol=1e-9, rtol=1e-9)
    np.testing.assert_allclose(again.spending, unit * result.spending[:, order], rtol=1e-9)


@MODEST
@given(problems())
def test_batch_equals_one_by_one(make_sectors, problem):
    world, cases, options = problem
    matrix = make_sectors(*world[:3], inputs=world[3])
    scenarios = [named(matrix, cells, f"case {k}") for k, cells in enumerate(cases)]
    together = attempt(matrix, scenarios, options)
    for s, scenario in enumerate(scenarios):
        alone = solve_sectors(matrix, scenario, **options)
        for name in CHANGES:
            ours, theirs = getattr(together, f"{name}_change")[s], getattr(alone, f"{name}_change")[0]
            np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=1e-9)


@MODEST
@given(problems(), st.integers(0, 2))
def test_a_sector_split_into_halves_changes_nothing(make_sectors, problem, which):
    world, cases, options = problem
    matrix = make_sectors(*world[:3], inputs=world[3])
    scenarios = [named(matrix, cells) for cells in cases]
    result = attempt(matrix, scenarios, options)
    k = which % len(matrix.sectors)
    old = matrix.sectors[k]
    where = [s for s in range(len(matrix.sectors)) for _ in range(1 + (s == k))]
    weight = np.array([0.5 if s == k else 1.0 for s in where])
    va, gamma = matrix.cost_shares
    halves = SectorMatrix(
        matrix.labels,
        tuple(f"{matrix.sectors[s]}.{n}" for n, s in enumerate(where)),
        matrix.flows[:, :, where] * weight,
        va[:, where],
        gamma[:, where][:, :, where] * weight[:, None],
    )
    split = [
        Scenario(
            "split",
            tuple(
                cell._replace(sector=name)
                for cell in scenario.cells
                for name in halves.sectors
                if name.startswith(f"{cell.sector}.")
            ),
        )
        for scenario in scenarios
    ]
    assert old is not None
    changed = options | {"theta": [options["theta"][s] for s in where]}
    again = solve_sectors(halves, split, **changed)
    for name in CHANGES:
        ours = getattr(result, f"{name}_change")
        np.testing.assert_allclose(getattr(again, f"{name}_change"), ours, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("horizon", ["long", "short"])
def test_nothing_happens_without_a_shock(make_sectors, gross, rule, horizon):
    for matrix in (make_sectors(7), gross):
        idle = Scenario("ones", tuple(Cell(a, b, 1.0) for a in matrix.labels for b in matrix.labels[:2]))
        result = solve_sectors(matrix, [Scenario("empty", ()), idle], 3.0, horizon=horizon, imbalances=rule)
        for name in CHANGES:
            assert np.abs(getattr(result, f"{name}_change")).max() <= 1e-12


@pytest.mark.parametrize("horizon", ["long", "short"])
def test_a_dearer_flow_shrinks(make_sectors, horizon):
    """Own price: the quantity that arrives falls as its cost rises, in every sector and world tried."""
    for seed in range(5):
        matrix = make_sectors(seed)
        costs = [1.0, 1.1, 1.5, 3.0, 10.0]
        cases = [Scenario(f"{f}", (Cell("C0", "C1", f, sector="s1"),)) for f in costs]
        result = solve_sectors(matrix, cases, [1.0, 3.0, 5.0], horizon=horizon)
        values = np.array([result.flows_after(s)[0, 1, 1] for s in range(5)])
        assert (np.diff(values / (costs * result.unit_cost[:, 0, 1])) < 0).all()


def test_a_need_without_supplier_is_named(make_sectors):
    flows = make_sectors(1, 3, 2, inputs=False).flows.copy()
    flows[2, 2, 1] = flows[1, 2, 1] = 0.0  # C2 buys s1 from C0 alone
    matrix = SectorMatrix(("A", "B", "C"), ("oil", "bread"), flows)
    with pytest.raises(
        Rationed, match=r"'A:C' has no finite equilibrium: no supplier .* \(C: bread\)"
    ) as caught:
        solve_sectors(matrix, severance([("A", "C")]))
    assert caught.value.needs == (("C", "bread"),)
    assert caught.value.states == ("C",)
    assert caught.value.exit_code == 3
    both = solve_sectors(matrix, [severance([("A", "C")]), severance([("A", "B")])], on_failure="mark")
    assert isinstance(both.problems[0], Rationed)
    assert np.isnan(both.welfare_change[0]).all()
    alone = solve_sectors(matrix, severance([("A", "B")]))
    np.testing.assert_allclose(both.welfare_change[1], alone.welfare_change[0], atol=1e-12)
    # Cutting the other sector alone is no such case.
    assert solve_sectors(matrix, severance([("A", "C")], sectors=["oil"])).welfare_change[0, 2] < 0


def test_a_missing_input_is_rationing_too():
    """C makes bread from oil and eats none of it itself."""
    flows = np.zeros((2, 2, 2))
    flows[:, :, 0] = [[60, 20], [0, 0]]  # oil, made by A only
    flows[:, :, 1] = [[50, 10], [30, 60]]
    gamma = np.zeros((2, 2, 2))
    gamma[1, 0, 1] = 20 / 90  # all oil of B is an input into its bread
    matrix = SectorMatrix(("A", "B"), ("oil", "bread"), flows, 1 - gamma.sum(axis=1), gamma)
    assert matrix.final_spending[1, 0] == pytest.approx(0, abs=1e-12)
    with pytest.raises(Rationed, match="B: oil"):
        solve_sectors(matrix, severance([("A", "B")], sectors=["oil"]))


def test_negative_spending_names_the_state():
    flows = np.array([[10.0, 30, 0.5], [0.5, 100, 5], [0.5, 5, 100]])[:, :, None] * np.array([0.6, 0.4])
    matrix = SectorMatrix(("A", "B", "C"), ("s", "t"), flows)
    for horizon in ("long", "short"):
        with pytest.raises(NoEquilibrium, match="A:B") as caught:
            solve_sectors(matrix, severance([("A", "B")]), 1.0, horizon=horizon)
        assert caught.value.states == ("A",)
        for rule in ("balanced", "multiplicative"):
            solved = solve_sectors(matrix, severance([("A", "B")]), 1.0, horizon=horizon, imbalances=rule)
            assert solved.welfare_change[0, 0] < 0


def test_selling_without_buying_is_named(make_sectors):
    matrix = make_sectors(11, 3, 2, balanced=True)
    cut = severance([("C1", "C0"), ("C2", "C0")], one_way=True)
    with pytest.raises(NoEquilibrium, match="only sell or only buy") as caught:
        solve_sectors(matrix, cut)
    assert "C0" in caught.value.states


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("horizon", ["long", "short"])
def test_a_world_that_falls_apart(make_sectors, rule, horizon):
    """Each part is a world of its own: the same as a matrix of the part in which the rest has melted away."""
    matrix = make_sectors(13, 5, 2)
    cut = severance([(a, b) for a in ("C0", "C1") for b in ("C2", "C3", "C4")])
    result = solve_sectors(matrix, [cut, severance([("C0", "C1")])], 3.0, horizon=horizon, imbalances=rule)
    assert not result.isolated.any()
    after, own = result.flows_after(0), result.matrix.value_added
    assert after[:2, 2:].max() == after[2:, :2].max() == 0
    for part in ([0, 1], [2, 3, 4]):
        income = own[part] * (1 + result.income_change[0, part])
        assert income.sum() == pytest.approx(own[part].sum(), rel=1e-11)
        values = after[np.ix_(part, part)]
        sales, made = values.sum(axis=1), result.output[0, part]
        assert np.abs(sales / made - 1).max() <= CLEARING
        if rule != "multiplicative":
            assert result.spending[0, part].sum() == pytest.approx(own[part].sum(), rel=1e-10)


def test_isolation_in_an_unbalanced_world(make_sectors):
    matrix = make_sectors(17)
    cut = coalition("C1", ["C0", "C2", "C3"])
    for horizon in ("long", "short"):
        result = solve_sectors(matrix, cut, [2.0, 3.0, 4.0], horizon=horizon)
        assert list(result.isolated[0]) == [False, True, False, False]
        closed = sector_autarky_loss(matrix, [2.0, 3.0, 4.0], horizon)[1]
        assert -result.welfare_change[0, 1] == pytest.approx(closed, abs=1e-10)
        assert result.imports_change[0, 1] == -1
        home = result.flows_after(0)[1, 1].sum() - np.delete(result.flows_after(0)[1], 1, axis=0).sum()
        assert home == pytest.approx(result.output[0, 1].sum(), rel=1e-10)


def test_draws_of_elasticities_are_solved_like_single_ones(gross):
    draws = np.exp(np.random.default_rng(3).normal(np.log(4), 0.5, (40, 5)))
    for horizon in ("long", "short"):
        many = solve_sectors(gross, severance([("KAZ", "RUS")]), draws, horizon=horizon)
        assert many.welfare_change.shape == (40, 22)
        assert many.residual.max() <= 1e-11
        for s in (0, 17, 39):
            one = solve_sectors(gross, severance([("KAZ", "RUS")]), draws[s], horizon=horizon)
            np.testing.assert_allclose(many.welfare_change[s], one.welfare_change[0], atol=1e-9)


def test_sweeps_work_on_sectors(gross):
    powers = ["RUS", "CHN", "EU27"]
    table = leverage(gross, powers, ["KAZ", "UZB"], [3.0] * 5, horizon="short")
    for k, (focal, power) in enumerate(zip(table.focal, table.power, strict=True)):
        alone = solve_sectors(gross, severance([(focal, power)]), 3.0, horizon="short")
        assert table.welfare_change[k] == pytest.approx(alone.welfare_change[0, gross.index(focal)], abs=1e-9)
    joint = joint_leverage(gross, "KAZ", powers, 3.0)
    together = solve_sectors(gross, coalition("KAZ", powers), 3.0)
    assert joint.welfare_change[-1] == pytest.approx(together.welfare_change[0, gross.index("KAZ")], abs=1e-9)


def test_gross_output_without_links_understates_the_loss(gross):
    """As the notes of the sample say: by about 40 percent."""
    plain = SectorMatrix(gross.labels, gross.sectors, gross.flows)
    cut, kaz = severance([("KAZ", "RUS")]), gross.index("KAZ")
    with_links, without = (solve_sectors(m, cut, 4.0).welfare_change[0, kaz] for m in (gross, plain))
    assert 0.5 < without / with_links < 0.8


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_the_paths_solve_what_newton_steps_do_not(make_sectors, monkeypatch, failures):
    """After one failure the baseline fades; after two the shock and the imbalances are raised, directly or by steps."""
    from betweengiants.trade import sector_batch, sector_newton

    matrix = make_sectors(23)
    case = Scenario("mixed", (Cell("C0", "C1", 2.0, 0.3), Cell("C2", "C0", math.inf), Cell("C3", "C1", 1.5)))
    plain = solve_sectors(matrix, case, 5.0)
    true = sector_newton.iterate
    calls = []

    def weak(block, tolerance, limit, start=None):
        """Fails whenever it is asked for the whole problem from nothing."""
        calls.append(1)
        state, steps = true(block, tolerance, limit, start)
        if start is None and len(calls) <= failures:
            state.residual[:] = 1.0
        return state, steps

    with monkeypatch.context() as patch:
        patch.setattr(sector_batch, "iterate", weak)
        patch.setattr(sector_newton, "iterate", weak)
        hard = solve_sectors(matrix, case, 5.0)
    assert len(calls) > 5
    np.testing.assert_allclose(hard.welfare_change, plain.welfare_change, atol=1e-10)
    np.testing.assert_allclose(
        [c.extra_factor for c in hard.caps[0]], [c.extra_factor for c in plain.caps[0]], rtol=1e-9
    )


def test_iterations_that_run_out_are_reported(make_sectors):
    with pytest.raises(NotConverged, match="C0:C1") as caught:
        solve_sectors(make_sectors(1), severance([("C0", "C1")]), 4.0, max_iterations=1)
    assert caught.value.residual > 1e-11


def test_results_check_themselves(make_sectors):
    result = solve_sectors(make_sectors(1), severance([("C0", "C1")]), 4.0)
    with pytest.raises(ValueError, match="world exports and world imports"):
        dataclasses.replace(result, exports_change=result.exports_change + 0.01)
    with pytest.raises(ValueError, match="not finite"):
        dataclasses.replace(result, welfare_change=result.welfare_change * np.nan)
    with pytest.raises(ValueError, match="shape"):
        dataclasses.replace(result, income_change=result.income_change[:, :2])


def test_frames_have_the_contract_columns(make_sectors):
    matrix = make_sectors(1, 3, 2)
    result = solve_sectors(matrix, severance([("C0", "C1")], sectors=["s1"]), 4.0)
    assert result.frame().columns == ["country", *(f"{name}_change_pct" for name in CHANGES)]
    flows = result.bilateral()
    assert flows.columns == ["exporter", "importer", "sector", "value_before", "value_after"]
    assert flows.height == 18
    assert flows.row(1 * 6 + 2 * 2 + 1)[:4] == ("C1", "C2", "s1", matrix.flows[1, 2, 1])
    cut = flows.filter((flows["exporter"] == "C0") & (flows["importer"] == "C1"))
    assert [value > 0 for value in cut["value_after"]] == [True, False]
    assert result.by_sector().height == 6
    assert result.by_sector().row(3)[:3] == ("C1", "s1", matrix.output[1, 1])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"theta": 0.0}, DataError, "elasticity 0; allowed: finite numbers above 0"),
        ({"theta": [1.0, math.inf, 1.0]}, DataError, "elasticity inf"),
        ({"theta": [1.0, 2.0]}, DataError, "elasticities of shape"),
        ({"theta": np.ones((0, 3))}, DataError, "elasticities of shape"),
        ({"theta": [[1.0] * 3, [2.0] * 3], "imbalances": "balanced"}, DataError, "one set of elasticities"),
        ({"imbalances": "none"}, DataError, "allowed: additive, multiplicative, balanced"),
        ({"horizon": "medium"}, DataError, "allowed: short, long"),
        ({"tolerance": 1e-9}, DataError, "at most 1e-10"),
        ({"scenarios": []}, DataError, "no scenario"),
        ({"scenarios": severance([("C0", "C9")])}, UnknownLabel, "country 'C9'"),
        ({"scenarios": severance([("C0", "C1")], sectors=["s9"])}, UnknownLabel, "sector 's9'"),
    ],
)
def test_options_out_of_range_are_refused(make_sectors, change, error, message):
    arguments = {"scenarios": severance([("C0", "C1")]), "theta": 4.0} | change
    with pytest.raises(error, match=message):
        solve_sectors(make_sectors(1), **arguments)
