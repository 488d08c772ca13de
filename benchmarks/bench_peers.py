"""The trade engine beside gegravity (Herman 2021, one-sector gravity in general equilibrium): same world, same run.

Run: python benchmarks/bench_peers.py [--repeat 5] [--example FILE]
     (pip install gegravity==0.3 into the same environment first)

The world is one of two, both of thirty countries, sigma = 5, theta = 4:

    --example FILE   gegravity's own example: FILE is examples/sample_data_set.dlm of its repository (it is not in the
                     package), with the cost coefficients printed in examples/examples_OneSectorGE.py and one further
                     cost variable of coefficient 1 that is zero in the baseline
    without          the countries of that example with BACI flows of 2023 and domestic sales; the one cost variable is
                     what makes the gravity equation fit every flow exactly, so that gegravity's first guess is already
                     its baseline: the easiest case for it

A severance sets that variable to minus infinity (a factor of zero on the flow), which gegravity accepts; what its solver
said is printed. Its counterfactual keeps the shares of output and spending of the baseline, so its numbers differ from
ours and from the published algorithm: compare the times, not the results. Printed as JSON:

    peer_baseline_s      gegravity: reading the data and solving the baseline, once
    world                which of the two
    peer_severance_s     gegravity: define_experiment and simulate, one severance (median over pairs)
    ours_severance_s     solve() for one severance, everything included (median over the same pairs)
    single_ratio         peer_severance_s / ours_severance_s
    ours_batch_s         solve() for all severances of two countries (435 scenarios), best of the repeats
    batch_ratio          peer_severance_s / (ours_batch_s / scenarios)
    peer_unsolved        severances for which gegravity's solver reports that it has not converged
    largest_difference_to_published  our welfare against the published fixed point (same pairs)
"""

import argparse
import copy
import json
import platform
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations

import numpy as np
from bench_trade import THETA, TOLERANCE, baci, best, published

from betweengiants.trade import TradeMatrix, severance, solve

# fmt: off
COUNTRIES = (
    "AUS", "AUT", "BEL", "BRA", "CAN", "CHE", "CHN", "DEU", "DNK", "ESP", "FIN", "FRA",
    "GBR", "HKG", "IDN", "IND", "IRL", "ITA", "JPN", "KOR", "MEX", "MYS", "NLD", "POL",
    "SGP", "SWE", "THA", "TUR", "USA", "ZAF",
)
# fmt: on
REFERENCE, YEAR, COST = "DEU", "2023", "cost"
PAIRS = (("CAN", "USA"), ("JPN", "CHN"), ("DEU", "CHN"), ("TUR", "ITA"), ("MEX", "BRA"))


def thirty() -> TradeMatrix:
    world = baci()
    at = [world.index(label) for label in COUNTRIES]
    return TradeMatrix(tuple(COUNTRIES), world.flows[np.ix_(at, at)], "thirty countries")


EXAMPLE_COSTS = {
    "lndist": -0.3898623,
    "contiguity": 0.891577,
    "common_language": 0.0326249,
    "pta": 0.4711383,
    "international": -3.412584,
    "constant": 16.32434,
}
"""As printed with gegravity's example (PPML estimates)."""


def example(path):
    """The example's table for gegravity, and the same flows as a matrix."""
    import pandas as pd

    table = pd.read_csv(path).assign(constant=1.0, **{COST: 0.0})
    table["year"] = table["year"].astype(str)
    wide = table.pivot(index="exporter", columns="importer", values="trade").sort_index().sort_index(axis=1)
    return table, TradeMatrix(tuple(wide.index), wide.to_numpy(dtype=float), "gegravity's example")


def fitted(matrix):
    """A table whose one cost variable fits every flow."""
    import pandas as pd

    flows = matrix.flows
    output, spending = flows.sum(axis=1), flows.sum(axis=0)
    fit = np.log(flows * output.sum() / np.outer(output, spending))
    rows = [
        (a, b, YEAR, flows[i, j], output[i], spending[j], fit[i, j])
        for i, a in enumerate(matrix.labels)
        for j, b in enumerate(matrix.labels)
    ]
    return pd.DataFrame(rows, columns=["exporter", "importer", "year", "trade", "Y", "E", COST])


def peer_model(table, year, coefficients):
    """gegravity's model of a table, with its baseline solved."""
    import gegravity
    import pandas as pd

    baseline = gegravity.BaselineData(
        table,
        imp_var_name="importer",
        exp_var_name="exporter",
        year_var_name="year",
        trade_var_name="trade",
        expend_var_name="E",
        output_var_name="Y",
    )
    listed = pd.DataFrame([{"var": v, "coeff": c, "ste": 0.1} for v, c in coefficients.items()])
    costs = gegravity.CostCoeffs(listed, identifier_col="var", coeff_col="coeff", stderr_col="ste")
    model = gegravity.OneSectorGE(
        baseline,
        year=year,
        expend_var_name="E",
        output_var_name="Y",
        cost_variables=list(coefficients),
        cost_coeff_values=costs,
        reference_importer=REFERENCE,
        sigma=THETA + 1,
        quiet=True,
    )
    model.build_baseline()
    return model


def peer_severance(model, a, b):
    """Seconds that one severance takes gegravity, and whether its solvers converged (on a copy: a model solves once)."""
    model = copy.deepcopy(model)
    start = time.perf_counter()
    table = model.baseline_data.copy()
    both = table["exporter"].isin((a, b)) & table["importer"].isin((a, b))
    table.loc[both & (table["exporter"] != table["importer"]), COST] = -np.inf
    model.define_experiment(table.drop(columns="index"))
    model.simulate()
    seconds = time.perf_counter() - start
    return seconds, all(found.success for found in model.solver_diagnostics.values())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--example", metavar="FILE", help="gegravity's own example, sample_data_set.dlm")
    options = parser.parse_args()
    repeat = options.repeat
    try:
        peer = version("gegravity")
    except PackageNotFoundError:
        print("skipped: gegravity is not installed (pip install gegravity==0.3)")
        return
    warnings.simplefilter("ignore")
    if options.example:
        table, matrix = example(options.example)
        setup = table, str(table["year"].iloc[0]), EXAMPLE_COSTS | {COST: 1.0}
    else:
        matrix = thirty()
        setup = fitted(matrix), YEAR, {COST: 1.0}
    start = time.perf_counter()
    model = peer_model(*setup)
    peer_baseline_s = time.perf_counter() - start
    one = [severance([pair]) for pair in PAIRS]
    solve(matrix, one[0], THETA, tolerance=TOLERANCE)  # imports done
    peer_runs, ours = [], []
    for _ in range(repeat):
        peer_runs += [peer_severance(model, a, b) for a, b in PAIRS]
        for case in one:
            start = time.perf_counter()
            solve(matrix, case, THETA, tolerance=TOLERANCE)
            ours.append(time.perf_counter() - start)
    cases = [severance([pair]) for pair in combinations(COUNTRIES, 2)]
    batch_s, result = best(repeat, lambda: solve(matrix, cases, THETA, tolerance=TOLERANCE))
    single = solve(matrix, one, THETA, tolerance=TOLERANCE)
    apart = [
        np.abs(published(matrix, case) - 1 - change).max()
        for case, change in zip(one, single.welfare_change, strict=True)
    ]
    peer_s, ours_s = float(np.median([s for s, _ in peer_runs])), float(np.median(ours))
    report = {
        "gegravity": peer,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "world": matrix.name,
        "countries": len(COUNTRIES),
        "peer_baseline_s": round(peer_baseline_s, 3),
        "peer_severance_s": round(peer_s, 4),
        "ours_severance_s": round(ours_s, 6),
        "single_ratio": round(peer_s / ours_s),
        "scenarios": len(cases),
        "ours_batch_s": round(batch_s, 4),
        "batch_ratio": round(peer_s * len(cases) / batch_s),
        "peer_unsolved": sum(not solved for _, solved in peer_runs) // repeat,
        "largest_residual": float(result.residual.max()),
        "largest_difference_to_published": float(max(apart)),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    sys.exit(main())
