"""Many scenarios of one economy with sectors: pieces of the world, rationing, caps, and the solver. Arrays in and out.

Scenarios that cut the same flows share their structure (draws of elasticities all do), which is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from betweengiants.trade import connect
from betweengiants.trade.arrays import Economy, Flags, Floats, Imbalances, Ints
from betweengiants.trade.sector_batch import chunk_size, solve_block
from betweengiants.trade.sector_kernel import Block, Caps, SectorEconomy, State, delivered
from betweengiants.trade.solver import Status

RATIONED = len(Status)
"""Status beside those of `solver.Status`: somebody has no supplier left of a sector that it needs."""


@dataclass(frozen=True, eq=False)
class SectorCells:
    """Changed cells of B scenarios in rising order of scenario; a cell occurs at most once in a scenario.

    Attributes:
        scenario, sector, exporter, importer: (K,) positions.
        cost: (K,) factor on the trade cost, inf for severance.
        cap: (K,) share of the quantity that can still be delivered, above 0; 1 is no cap.
        count: B.
    """

    scenario: Ints
    sector: Ints
    exporter: Ints
    importer: Ints
    cost: Floats
    cap: Floats
    count: int

    def of(self, s: int) -> slice:
        """Where the cells of scenario s are."""
        first, last = np.searchsorted(self.scenario, [s, s + 1])
        return slice(int(first), int(last))


@dataclass(frozen=True, eq=False)
class SectorEquilibrium:
    """Solutions of B scenarios; flows are in units of world income.

    Attributes:
        factor_price, cost, price: (B, S, N) relative to the baseline; see `sector_kernel`.
        made, absorbed: (B, S, N) output and absorption.
        earned, spent: (B, N) factor income and final spending.
        isolated: (B, N) countries left without any trade.
        residual: (B,) largest |sales / output - 1| of a sector.
        iterations: (B,) Newton steps.
        status: (B,) `solver.Status` or RATIONED.
        culprits: (B, N) the countries that a failure is about.
        lacking: (B, S, N) sectors that a country needs and cannot buy from anybody.
        extra: (K,) extra cost factor of each cell that its cap asks for, 1 where there is none.
    """

    factor_price: Floats
    cost: Floats
    price: Floats
    made: Floats
    absorbed: Floats
    earned: Floats
    spent: Floats
    isolated: Flags
    residual: Floats
    iterations: Ints
    status: Ints
    culprits: Flags
    lacking: Flags
    extra: Floats


@dataclass(frozen=True, eq=False)
class Structure:
    """What a set of severed flows leaves: pieces of the world and sectors with buyers.

    Attributes:
        parts: see `connect.Parts`.
        fixed: (N,) imbalances of the additive rule.
        unbalanced: (N,) countries that can neither be in balance nor hold their imbalance.
        alive: (S, N) sectors with output and a buyer.
        lacking: (S, N) needs without a supplier.
        one_way: (N,) countries in groups that only sell to the others or only buy from them.
    """

    parts: connect.Parts
    fixed: Floats
    unbalanced: Flags
    alive: Flags
    lacking: Flags
    one_way: Flags


def solve_scenarios(
    economy: SectorEconomy,
    cells: SectorCells,
    theta: Floats,
    rule: Imbalances,
    *,
    short: bool,
    tolerance: float,
    max_iterations: int,
) -> SectorEquilibrium:
    """Solve B scenarios with (B, S) elasticities; unsolved ones carry their status: nothing is raised here."""
    count, (sectors, size) = cells.count, economy.output.shape
    shape = (count, sectors, size)
    result = SectorEquilibrium(
        factor_price=np.ones(shape),
        cost=np.ones(shape),
        price=np.ones(shape),
        made=np.zeros(shape),
        absorbed=np.zeros(shape),
        earned=np.repeat(economy.income[None], count, axis=0),
        spent=np.repeat(economy.spending[None], count, axis=0),
        isolated=np.zeros((count, size), dtype=np.bool_),
        residual=np.zeros(count),
        iterations=np.zeros(count, dtype=np.int64),
        status=np.full(count, Status.SOLVED, dtype=np.int64),
        culprits=np.zeros((count, size), dtype=np.bool_),
        lacking=np.zeros(shape, dtype=np.bool_),
        extra=np.ones(cells.cost.size),
    )
    whole: list[int] = []
    alive = np.zeros(shape, dtype=np.bool_)
    whole_fixed = economy.spending - economy.income if rule == "additive" else np.zeros(size)
    for members, structure in _groups(economy, cells, rule):
        result.isolated[members] = structure.parts.isolated
        alive[members] = structure.alive
        if structure.lacking.any():
            _fail(result, members, RATIONED, np.asarray(structure.lacking.any(axis=0)))
            result.lacking[members] = structure.lacking
        elif structure.unbalanced.any():
            _fail(result, members, Status.UNBALANCED, structure.unbalanced)
        elif structure.parts.strong and structure.parts.blocks and structure.parts.blocks[0].size == size:
            whole.extend(members)
        else:
            pieces = [
                *structure.parts.blocks,
                *(np.array([k]) for k in np.flatnonzero(structure.parts.isolated)),
            ]
            for piece in pieces:
                own: Imbalances = "balanced" if piece.size == 1 else rule
                task = _Task(economy, cells, theta, own, short, structure.fixed, alive, structure.one_way)
                _solve_piece(task, piece, members, tolerance, max_iterations, result)
    task = _Task(economy, cells, theta, rule, short, whole_fixed, alive, np.zeros(size, dtype=np.bool_))
    _solve_piece(task, np.arange(size), np.array(sorted(whole), np.int64), tolerance, max_iterations, result)
    return result


def lacking_needs(economy: SectorEconomy, cells: SectorCells, s: int) -> Flags:
    """(S, N) needs that scenario s leaves without a supplier."""
    where = cells.of(s)
    sector, exporter, importer = cells.sector[where], cells.exporter[where], cells.importer[where]
    links = economy.share > 0
    links[sector, exporter, importer] &= np.isfinite(cells.cost[where])
    return np.asarray((economy.absorbed > 0) & ~links.any(axis=1))


def _groups(economy: SectorEconomy, cells: SectorCells, rule: Imbalances) -> list[tuple[Ints, Structure]]:
    """Scenarios that cut the same flows, with what the cut leaves."""
    found: dict[bytes, tuple[list[int], Ints]] = {}
    positive = economy.share[cells.sector, cells.exporter, cells.importer] > 0
    cut = np.isinf(cells.cost) & positive
    flat = np.ravel_multi_index((cells.sector, cells.exporter, cells.importer), economy.share.shape)
    for s in range(cells.count):
        where = cells.of(s)
        severed = np.sort(flat[where][cut[where]])
        found.setdefault(severed.tobytes(), ([], severed))[0].append(s)
    return [(np.array(members), _structure(economy, cut, rule)) for members, cut in found.values()]


def _structure(economy: SectorEconomy, cut: Ints, rule: Imbalances) -> Structure:
    links = economy.share > 0
    links.flat[cut] = False
    flows = np.where(links, economy.share * economy.absorbed[:, None, :], 0.0).sum(axis=0)
    parts = connect.split(flows)
    totals = Economy(flows, economy.income, economy.spending)
    fixed = connect.imbalances(totals, parts, rule)
    return Structure(
        parts,
        fixed,
        connect.unbalanced(flows, fixed, rule, parts),
        (economy.output > 0) & links.any(axis=2),
        (economy.absorbed > 0) & ~links.any(axis=1),
        np.any(
            [members for members, _ in connect.one_way(flows)] or [np.zeros(flows.shape[0], np.bool_)], axis=0
        ),
    )


def _fail(result: SectorEquilibrium, scenarios: Ints, status: int, culprits: Flags) -> None:
    result.status[scenarios] = status
    result.culprits[scenarios] |= culprits
    result.residual[scenarios] = np.inf


@dataclass(frozen=True, eq=False)
class _Task:
    """What `_solve_piece` needs to know of all scenarios."""

    economy: SectorEconomy
    cells: SectorCells
    theta: Floats
    rule: Imbalances
    short: bool
    fixed: Floats
    alive: Flags
    one_way: Flags


def _solve_piece(
    task: _Task,
    piece: Ints,
    scenarios: Ints,
    tolerance: float,
    max_iterations: int,
    result: SectorEquilibrium,
) -> None:
    """Solve some scenarios on some countries and enter what was found."""
    economy = task.economy.part(piece)
    chunk = chunk_size(economy.output.size, piece.size)
    for first in range(0, scenarios.size, chunk):
        some = scenarios[first : first + chunk]
        block, capped = _block(task, economy, piece, some)
        state, iterations, reached = solve_block(block, tolerance, max_iterations)
        _enter(task, block, state, piece, some, result)
        if capped.size:
            result.extra[capped] = np.exp(delivered(block, state)[1])
        result.iterations[some] = np.maximum(result.iterations[some], iterations)
        unsolved = (reached == 1) & ~(state.residual <= tolerance)
        result.residual[some] = np.maximum(result.residual[some], state.residual)
        for k in np.flatnonzero(unsolved | (reached == 0)):
            result.status[some[k]] = Status.UNBALANCED if task.one_way.any() else Status.NOT_CONVERGED
            result.culprits[some[k]] |= task.one_way
        broke = (state.spent <= 0) & ~unsolved[:, None]
        for k in np.flatnonzero(((reached > 0) & (reached < 1)) | broke.any(axis=1)):
            usual = economy.income + reached[k] * (economy.spending - economy.income)
            tightest = state.spent[k] / usual
            result.status[some[k]] = Status.NO_SPENDING
            result.culprits[some[k], piece] |= broke[k] | (tightest == tightest.min())


def _block(task: _Task, economy: SectorEconomy, piece: Ints, scenarios: Ints) -> tuple[Block, Ints]:
    """The block of some scenarios on some countries, and the (C,) positions of the capped cells in the list of cells."""
    cells, theta = task.cells, task.theta[scenarios]
    local = np.full(task.economy.income.size, -1, dtype=np.int64)
    local[piece] = np.arange(piece.size)
    row = np.full(cells.count, -1, dtype=np.int64)
    row[scenarios] = np.arange(scenarios.size)
    b, i, j = row[cells.scenario], local[cells.exporter], local[cells.importer]
    inside = np.flatnonzero((b >= 0) & (i >= 0) & (j >= 0))
    b, s, i, j = b[inside], cells.sector[inside], i[inside], j[inside]
    cost, share = cells.cost[inside], economy.share[s, i, j]
    free = np.repeat(economy.share[None], scenarios.size, axis=0)
    held = (cells.cap[inside] < 1) & (share > 0)
    free[b, s, i, j] = np.where(held, 0.0, share * cost ** -theta[b, s])
    capped = inside[held]
    caps = Caps(
        b[held], s[held], i[held], j[held], share[held], np.log(cost[held]), np.log(cells.cap[capped])
    )
    block = Block(
        economy,
        free,
        caps,
        theta[:, :, None],
        task.short,
        task.rule,
        task.fixed[piece],
        economy.spending / economy.income,
        task.alive[scenarios][:, :, piece],
    )
    return block, capped


def _enter(
    task: _Task, block: Block, state: State, piece: Ints, scenarios: Ints, result: SectorEquilibrium
) -> None:
    at = np.ix_(scenarios, np.arange(task.economy.output.shape[0]), piece)
    scale = state.scale[:, None, None]
    with np.errstate(over="ignore", invalid="ignore"):
        factor = np.exp(state.x)
        if (
            block.short
        ):  # a factor that nobody buys from any more earns nothing; where there was none, none changes
            factor = np.where(block.alive, factor, np.where(block.economy.output > 0, 0.0, 1.0))
        result.factor_price[at] = factor
        result.cost[at], result.price[at] = np.exp(state.cost), np.exp(state.price)
    result.made[at], result.absorbed[at] = state.made / scale, state.absorbed / scale
    flat = np.ix_(scenarios, piece)
    result.earned[flat], result.spent[flat] = state.earned, state.spent / state.scale[:, None]
