"""Several states side by side, on what their data allow, and where each stands among all states of the matrix.

A state is named by its code, and is then compared on a matrix of world trade and on votes, or by a dossier, which adds what
it holds besides (transport systems, trade and roads together). One matrix, one set of elasticities and one file of votes
serve all states; a dossier whose focal state they do not hold brings its own. Nobody's numbers depend on who else is compared;
ranks do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from betweengiants.alignment.votes import Votes
from betweengiants.core.countries import check_country, countries, short_name
from betweengiants.core.errors import DataError, UnknownLabel, nearest
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.reading import builtin_names
from betweengiants.position.compare_parts import Key, Number, Part, percentile
from betweengiants.position.compare_roads import roads_part
from betweengiants.position.compare_table import MEASURES, NUMBERS, Comparison
from betweengiants.position.compare_trade import Thetas, trade_part
from betweengiants.position.compare_votes import points_part, table_part, votes_part
from betweengiants.position.compare_world import World, dossier_world
from betweengiants.position.settings import positive
from betweengiants.position.trade_channel import HORIZONS


@dataclass
class _Entry:
    """One state that is compared, and what was found on it."""

    row: int
    given: str
    state: str
    dossier: Dossier | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def take(self, name: str, part: Part) -> None:
        """Add a part; its gaps count whether or not it has numbers."""
        self.gaps += part.gaps.get(self.state, ())
        if part.numbers.get(self.state):
            self.parts[name] = part

    def numbers(self) -> list[tuple[Key, Number, Part]]:
        """Every number with where it comes from."""
        return [(k, n, part) for part in self.parts.values() for k, n in part.numbers[self.state].items()]


def comparison(
    states: Sequence[str | Dossier],
    *,
    settings: Dossier | None = None,
    powers: Sequence[str] | None = None,
    world: World | None = None,
    votes: tuple[Votes, str] | None = None,
    points: tuple[pl.DataFrame, str] | None = None,
) -> Comparison:
    """Compare states.

    Args:
        states: codes, labels of the matrix, or dossiers (read, or as a folder, a zip or a built-in name); the same one may come
            twice.
        settings: the dossier whose elasticities hold for all, and whose powers, matrix and votes do where nothing else is given
            (default: the built-in one).
        powers: labels or blocs.
        world: the matrix (see `compare_world.find_world`).
        votes: votes and where they come from (see `compare_votes.find_votes`).
        points: ideal points and where they come from (see `compare_votes.read_ideal_points`).

    Raises:
        DataError: no state, no power or one twice, a dossier that cannot be read.
        UnknownLabel, UnknownCountry: a state or power that nothing holds; names the nearest.
        NotConverged, NoEquilibrium, Infeasible: from the engines.
    """
    base = settings if settings is not None else load_dossier()
    named = tuple(powers) if powers is not None else base.powers
    common = world if world is not None else dossier_world(base)
    if not states or not named or len(set(named)) < len(named):
        raise DataError(
            found="no state" if not states else f"powers {', '.join(named) or '(none)'}",
            allowed="at least one state, and each power once",
        )
    for power in named:
        common.members(power)
    entries = [_entry(row, given, common) for row, given in enumerate(states, 1)]
    thetas: Thetas = {horizon: positive(base, f"theta_{horizon}") for horizon in HORIZONS}
    asked = [entry.state for entry in entries]
    shared = {"trade": trade_part(common, asked, named, thetas)}
    shared["votes"] = (
        votes_part(*votes, asked, named) if votes is not None else table_part(base, asked, named)
    )
    if points is not None:
        shared["points"] = points_part(*points, asked, named)
    roads: dict[int, Part] = {}
    for entry in entries:
        for name, part in shared.items():
            own = _own_part(name, entry, part, named, thetas)
            entry.take(name, own if own is not None else part)
        if entry.dossier is not None:
            key = id(entry.dossier)
            if key not in roads:
                roads[key] = roads_part(entry.dossier, named)
            entry.take("roads", roads[key])
    return Comparison(
        named,
        _numbers(entries),
        _everyone(shared),
        _coverage(entries, tuple(shared)),
        _notes(common, shared, thetas),
    )


def _entry(row: int, given: str | Dossier, world: World) -> _Entry:
    """What a word of the user stands for: a label of the matrix, a country's code, or a dossier."""
    if isinstance(given, Dossier):
        return _Entry(row, given.header.name, given.focal, given)
    known = countries().get(given)
    if given in world.place or known is not None:
        return _Entry(row, given, given)
    if given in builtin_names() or _is_place(given):
        dossier = load_dossier(given)
        return _Entry(row, given, dossier.focal, dossier)
    if nearest(given, world.matrix.labels):
        raise UnknownLabel(given, world.matrix.labels, what="state", file=world.matrix.name)
    check_country(given)  # refuses it, with the nearest codes by name
    raise AssertionError(given)


def _is_place(given: str) -> bool:
    """Whether a word is meant as a path, there or not."""
    if "/" in given or "\\" in given or given.endswith(".zip"):
        return True
    try:
        return Path(given).exists()
    except OSError:  # a name that is too long for a path
        return False


def _own_part(name: str, entry: _Entry, shared: Part, powers: Sequence[str], thetas: Thetas) -> Part | None:
    """What a dossier says where the common evidence does not hold its focal state; None: nothing more."""
    dossier = entry.dossier
    if dossier is None or shared.numbers.get(entry.state):
        return None
    if name == "votes":
        part = table_part(dossier, [entry.state], powers)
        return Part(part.source, part.period, part.numbers, gaps=part.gaps) if part.numbers else None
    if name != "trade":
        return None
    world = dossier_world(dossier)
    held = [power for power in powers if _holds(world, power)]
    if not held:
        return None
    part = trade_part(world, [entry.state], held, thetas)
    lacking = [f"{power} is not in the {world.source}" for power in powers if power not in held]
    gaps = ["on its own matrix, so that no percentile", *lacking, *part.gaps[entry.state]]
    return Part(part.source, part.period, part.numbers, gaps={entry.state: tuple(gaps)})


def _holds(world: World, power: str) -> bool:
    try:
        return bool(world.members(power))
    except UnknownLabel:
        return False


def _numbers(entries: Sequence[_Entry]) -> pl.DataFrame:
    values: dict[Key, list[float]] = {}
    for entry in entries:
        for key, number, _ in entry.numbers():
            values.setdefault(key, []).append(number.value)
    rows = []
    for entry in entries:
        for key, number, part in entry.numbers():
            place = part.everyone.get(key, {})
            rows.append(
                {
                    "row": entry.row,
                    "state": entry.state,
                    "measure": key.measure,
                    "power": key.power,
                    "horizon": key.horizon,
                    "unit": MEASURES[key.measure].unit,
                    "value": number.value,
                    "low": number.low,
                    "high": number.high,
                    "n": number.n,
                    "se": number.se,
                    "rank": 1 + sum(other > number.value for other in values[key]),
                    "percentile": percentile(place, entry.state),
                    "among": len(place) or None,
                    "source": part.source,
                    "period": part.period,
                }
            )
    order = {measure: k for k, measure in enumerate(MEASURES)}
    rows.sort(key=lambda row: (row["row"], order[str(row["measure"])]))
    return pl.DataFrame(rows, schema=NUMBERS)


def _everyone(shared: Mapping[str, Part]) -> pl.DataFrame:
    rows = [
        (state, *key, value)
        for part in shared.values()
        for key, values in part.everyone.items()
        for state, value in sorted(values.items())
    ]
    columns = ["state", "measure", "power", "horizon"]
    schema: dict[str, Any] = dict.fromkeys(columns, pl.String) | {"value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _coverage(entries: Sequence[_Entry], shared: Sequence[str]) -> pl.DataFrame:
    rows = []
    for entry in entries:
        line: dict[str, Any] = {
            "row": entry.row,
            "state": entry.state,
            "name": short_name(entry.state),
            "given": entry.given,
        }
        for name in (*shared, "roads"):
            part = entry.parts.get(name)
            line[f"{name}_source"] = part.source if part else None
            line[f"{name}_period"] = part.period if part else None
        line["gaps"] = "; ".join(entry.gaps) or None
        rows.append(line)
    schema: dict[str, Any] = dict.fromkeys(rows[0], pl.String) | {"row": pl.Int64}
    return pl.DataFrame(rows, schema=schema)


def _notes(world: World, shared: Mapping[str, Part], thetas: Thetas) -> tuple[str, ...]:
    def run(horizon: str) -> str:
        centre, low, high = thetas[horizon]
        return f"{horizon} run at elasticity {centre:g} ({low:g} to {high:g})"

    sources = [
        f"{name}: {', '.join(filter(None, (part.source, part.period)))}"
        if part.everyone or part.numbers
        else f"{name}: none"
        for name, part in shared.items()
    ]
    return (
        f"leverage: percent of real national spending lost when the power cuts all trade; {', '.join(map(run, HORIZONS))}",
        "; ".join(sources),
        *(note.removeprefix("note: ") for note in world.notes),
    )
