"""Samples, small worlds, and the published algorithm written out as a loop, to compare with."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from betweengiants.trade.matrix import TradeMatrix, from_frame
from betweengiants.trade.sector_matrix import SectorMatrix, read_sector_flows

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BETWEENGIANTS_SHARED", ROOT.parent / "shared"))


def shared_file(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"shared sample {name} is absent")
    return path


@pytest.fixture(scope="session")
def wiod() -> TradeMatrix:
    """44 economies in 2014, USD million."""
    frame = pl.read_csv(shared_file("samples/wiod_gegravity_2000_2014/wiod_44x44_2000_2014.csv"))
    return from_frame(frame.rename({"trade": "value"}), name="wiod", year=2014)


@pytest.fixture(scope="session")
def kazakhstan() -> Path:
    """The 22 x 22 matrix with Kazakhstan: the built-in one, else the shared facts."""
    built_in = ROOT / "src/betweengiants/dossier/builtin/kazakhstan/trade_matrix.csv"
    return built_in if built_in.is_file() else shared_file("facts/trade/world_matrix_kaz_national.csv")


@dataclass
class Published:
    """Result of `published`: everything in the unit of the flows."""

    wage: np.ndarray
    price: np.ndarray
    spending: np.ndarray
    welfare: np.ndarray
    flows: np.ndarray


def _published(flows, cost, theta, rule="additive", imbalance=None, rounds=300_000) -> Published:
    """The ge_gravity algorithm of Baier, Yotov & Zylkin (2019), step by step, until it stands still."""
    flows = np.asarray(flows, dtype=float)
    output, spending = flows.sum(axis=1), flows.sum(axis=0)
    share, freeness = flows / spending, np.asarray(cost, dtype=float) ** -theta
    if imbalance is None:
        imbalance = spending - output if rule == "additive" else np.zeros_like(output)
    wage, phi = np.ones_like(output), np.ones_like(output)
    spent = spending if rule != "balanced" else output
    for _ in range(rounds):
        before = wage
        demand = (share * freeness) @ (spent / phi)
        wage = (demand / output) ** (1 / (1 + theta))
        wage = wage * output.sum() / (output * wage).sum()
        phi = (share * freeness).T @ wage**-theta
        spent = spending * wage if rule == "multiplicative" else output * wage + imbalance
        if np.abs(wage / before - 1).max() < 2e-15:
            break
    price = phi ** (-1 / theta)
    after = share * freeness * (wage**-theta)[:, None] * (spent / phi)
    return Published(wage, price, spent, spent / spending / price, after)


@pytest.fixture(scope="session")
def published():
    return _published


@pytest.fixture(scope="session")
def make_world():
    """A random world: flows log-normal, home sales larger, imbalances as they fall (or none)."""

    def make(seed: int, size: int = 5, *, balanced: bool = False) -> TradeMatrix:
        draw = np.random.default_rng(seed)
        flows = draw.lognormal(0.0, 1.0, (size, size)) + np.diag(draw.uniform(5, 40, size))
        if balanced:
            flows = (flows + flows.T) / 2
        return TradeMatrix(tuple(f"C{k}" for k in range(size)), flows)

    return make


@pytest.fixture(scope="session")
def make_sectors():
    """A random world of several sectors with inputs: flows log-normal, home sales larger, imbalances as they fall."""

    def make(seed: int, size: int = 4, count: int = 3, *, inputs: bool = True, balanced: bool = False):
        draw = np.random.default_rng(seed)
        flows = draw.lognormal(0.0, 0.8, (size, size, count))
        flows[range(size), range(size)] += draw.uniform(4, 20, (size, count))
        if balanced:
            flows = (flows + flows.transpose(1, 0, 2)) / 2
        va = draw.uniform(0.45, 0.8, (size, count)) if inputs else np.ones((size, count))
        mix = draw.dirichlet(np.full(count, 2.0), (size, count)).transpose(0, 2, 1)
        gamma = (1 - va)[:, None, :] * mix
        # Inputs never take more than three quarters of what is absorbed of a good.
        used = np.einsum("jks,js->jk", gamma, flows.sum(axis=1))
        gamma = gamma * np.minimum(1.0, 0.75 * flows.sum(axis=0) / np.maximum(used, 1e-12))[:, :, None]
        labels, sectors = tuple(f"C{k}" for k in range(size)), tuple(f"s{k}" for k in range(count))
        return SectorMatrix(labels, sectors, flows, 1 - gamma.sum(axis=1), gamma)

    return make


@pytest.fixture(scope="session")
def gross() -> SectorMatrix:
    """22 regions, five sectors, gross output with input-output links (an estimate)."""
    return read_sector_flows(
        shared_file("facts/trade/world_matrix_sectors_gross.csv"),
        io=shared_file("facts/trade/io_coefficients.csv"),
    )
