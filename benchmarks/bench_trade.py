"""How fast the trade engine sweeps severances: ratios taken in one run, so that they hold on any machine.

Run: python benchmarks/bench_trade.py [--repeat 5]

The sample is BACI 2023 (194 economies) with the GDP table beside it, in the folder of shared samples (../shared next to
the repository, or the environment variable BETWEENGIANTS_SHARED). Printed as JSON:

    sweep_s          all focal states against four powers, one batched solve (best of the repeats)
    products_s       the bare dense products that the sweep's iterations cannot do without
    sweep_over_products
    one_by_one_s     the same scenarios one at a time (measured on some, scaled to all)
    batch_gain       one_by_one_s / sweep_s
    published_s      the published fixed point on dense arrays one at a time, to the same residual (some, scaled)
    published_over_sweep
    largest_difference  between batched and single solves, welfare as a fraction
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import polars as pl

from betweengiants.trade import TradeMatrix, severance, solve

SHARED = Path(os.environ.get("BETWEENGIANTS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SAMPLE = SHARED / "samples" / "cepii_baci_2023_totals"
POWERS = ("RUS", "CHN", "USA", "DEU")
THETA, TOLERANCE = 4.0, 1e-11
LEAST_HOME = 0.05
"""Domestic sales are GDP less goods exports, but at least this share of GDP (entrepots export more than their GDP)."""
SOME = 24


def baci() -> TradeMatrix:
    flows = pl.read_parquet(SAMPLE / "baci_hs22_v202501_2023_country_pairs.parquet")
    table = pl.read_csv(SAMPLE / "countries_gdp.csv")
    gdp = dict(zip(table["iso3"], table["gdp_usd_m"], strict=True))
    labels = sorted(set(flows["exporter"]) | set(flows["importer"]))
    position = {label: k for k, label in enumerate(labels)}
    values = np.zeros((len(labels), len(labels)))
    rows, cols = ([position[x] for x in flows[c]] for c in ("exporter", "importer"))
    values[rows, cols] = flows["value_usd_m"].to_numpy()
    exports = values.sum(axis=1)
    for label, k in position.items():
        values[k, k] = max(gdp[label] - exports[k], LEAST_HOME * gdp[label])
    return TradeMatrix(tuple(labels), values, "baci")


def best(repeat, job):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return min(times), result


def bare_products(matrix, result):
    """Two dense products for each evaluation of the equations, on blocks of the size that the solver uses."""
    from betweengiants.trade.batch import CHUNK

    share = matrix.flows / matrix.flows.sum(axis=0)
    turned, block = np.ascontiguousarray(share.T), np.ones((len(matrix.labels), CHUNK))
    rounds = int(np.ceil(result.iterations.sum() / CHUNK))

    def job():
        for _ in range(rounds):
            turned @ block
            share @ block

    return job


def published(matrix, scenario):
    flows = matrix.flows
    output, spending = flows.sum(axis=1), flows.sum(axis=0)
    share = flows / spending
    for cell in scenario.cells:
        share[matrix.index(cell.exporter), matrix.index(cell.importer)] *= cell.cost_factor**-THETA
    wage, phi, spent = np.ones_like(output), np.ones_like(output), spending
    while True:
        wage = (share @ (spent / phi) / output) ** (1 / (1 + THETA))
        wage *= output.sum() / (output @ wage)
        power = wage**-THETA
        phi = power @ share
        spent = output * wage + spending - output
        if np.abs(power * (share @ (spent / phi)) / (output * wage) - 1).max() <= TOLERANCE:
            return spent / spending * phi ** (1 / THETA)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    matrix = baci()
    pairs = [(f, p) for f in matrix.labels for p in POWERS if f != p]
    cases = [severance([pair]) for pair in pairs]
    sweep_s, result = best(repeat, lambda: solve(matrix, cases, THETA, tolerance=TOLERANCE))
    products_s, _ = best(repeat, bare_products(matrix, result))
    some = range(0, len(cases), len(cases) // SOME)
    one_s, alone = best(1, lambda: [solve(matrix, cases[s], THETA, tolerance=TOLERANCE) for s in some])
    published_s, loops = best(1, lambda: [published(matrix, cases[s]) for s in some])
    scale = len(cases) / len(some)
    differences = [
        np.abs(a.welfare_change[0] - result.welfare_change[s]).max() for s, a in zip(some, alone, strict=True)
    ]
    apart = [np.abs(w - 1 - result.welfare_change[s]).max() for s, w in zip(some, loops, strict=True)]
    report = {
        "countries": len(matrix.labels),
        "scenarios": len(cases),
        "largest_residual": float(result.residual.max()),
        "iterations_median": float(np.median(result.iterations)),
        "iterations_most": int(result.iterations.max()),
        "sweep_s": round(sweep_s, 3),
        "products_s": round(products_s, 3),
        "sweep_over_products": round(sweep_s / products_s, 2),
        "one_by_one_s": round(one_s * scale, 2),
        "batch_gain": round(one_s * scale / sweep_s, 1),
        "published_s": round(published_s * scale, 1),
        "published_over_sweep": round(published_s * scale / sweep_s, 1),
        "largest_difference": float(max(differences)),
        "largest_difference_to_published": float(max(apart)),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
