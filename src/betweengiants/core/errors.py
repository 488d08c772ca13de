"""Errors that a user can act on: one base class, one sentence each, and the exit code of the command line.

Exit codes (design, section 6): 1 the answer is negative, 2 bad input or usage, 3 no solution.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

# Longer labels are not compared with known names: nobody typed them, and the comparison would take minutes.
MAX_COMPARED = 200
# A sentence may name columns and rows of a stranger; some are very long.
MAX_SENTENCE = 1_500
# Of more names only those of about the same length that start alike are compared: a table may name a million.
MAX_NAMES = 5_000


class BetweenGiantsError(Exception):
    """Base class of every error that the package raises on purpose."""

    exit_code = 2

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[Any, ...], dict[str, Any]]:
        """Errors cross the border between processes whole (a sweep on an executor re-raises them)."""
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[BetweenGiantsError], args: tuple[Any, ...]) -> BetweenGiantsError:
    error = kind.__new__(kind)
    error.args = args
    return error


def _at(file: str | None, row: int | None, column: str | None) -> str:
    """`file, row 3, column 'value'`: the place of a fault, as far as it is known."""
    parts = [part for part in (file, f"row {row}" if row is not None else None) if part]
    if column is not None:
        parts.append(f"column '{column}'")
    return ", ".join(parts)


def _sentence(file: str | None, row: int | None, column: str | None, found: str, allowed: str) -> str:
    place = _at(file, row, column)
    end = "" if allowed.endswith(("?", ".")) else "."
    return _printable(f"{place + ': ' if place else ''}found {found}; allowed: {allowed}{end}")


def _printable(sentence: str) -> str:
    """One line that a screen can show: control characters written out, the middle of a very long sentence left out."""
    if len(sentence) > MAX_SENTENCE:
        half = MAX_SENTENCE // 2
        sentence = f"{sentence[:half]} ... {sentence[-half:]}"
    if sentence.isprintable():
        return sentence
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in sentence)


class DataError(BetweenGiantsError):
    """Input that cannot be used.

    Attributes:
        file: file or table name.
        row: spreadsheet row (the header is row 1), if one row is at fault.
        column: column name, if one column is at fault.
        found: what the input holds.
        allowed: what would be accepted.
    """

    def __init__(
        self,
        *,
        found: str,
        allowed: str,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file, self.row, self.column, self.found, self.allowed = file, row, column, found, allowed
        super().__init__(_sentence(file, row, column, found, allowed))


class SeveralFaults(DataError):
    """Several faults of one input, one sentence a line; the attributes are those of the first.

    Attributes:
        faults: every fault, in the order of the rows.
    """

    def __init__(self, faults: Sequence[DataError]) -> None:
        first = faults[0]
        self.faults = tuple(faults)
        self.file, self.row, self.column = first.file, first.row, first.column
        self.found, self.allowed = first.found, first.allowed
        Exception.__init__(self, "\n".join(str(fault) for fault in faults))


class UnknownLabel(DataError):
    """A name that the data does not hold; suggests the nearest ones that it does."""

    def __init__(
        self,
        label: str,
        known: Iterable[str],
        *,
        what: str = "label",
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.label = label
        names = sorted(set(known))
        self.suggestions = nearest(label, names)
        allowed = (
            f"did you mean {' or '.join(self.suggestions)}?"
            if self.suggestions
            else f"one of {summary(names)}"
        )
        super().__init__(
            found=f"unknown {what} {quoted(label)}", allowed=allowed, file=file, row=row, column=column
        )


class UnknownCountry(UnknownLabel):
    """A country code that is neither ISO 3166-1 alpha-3 nor a known aggregate."""

    def __init__(
        self,
        label: str,
        known: Iterable[str],
        *,
        suggestions: Sequence[str] = (),
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(label, known, what="country", file=file, row=row, column=column)
        if suggestions:
            self.suggestions = list(suggestions)
            self.allowed = f"did you mean {' or '.join(self.suggestions)}?"
            self.args = (_sentence(file, row, column, self.found, self.allowed),)


class OutputError(BetweenGiantsError):
    """A place that cannot be written to."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot write {path}: {reason}.")


class NotConverged(BetweenGiantsError):
    """An iteration that stopped before its tolerance.

    Attributes:
        residual: what remained, in the unit the message names.
        iterations: how many iterations were made.
    """

    exit_code = 3

    def __init__(self, what: str, *, residual: float, iterations: int, tolerance: float) -> None:
        self.residual, self.iterations, self.tolerance = residual, iterations, tolerance
        super().__init__(
            f"{what} did not converge: residual {residual:.3g} after {iterations} iterations "
            f"(tolerance {tolerance:.1g})."
        )


class NoEquilibrium(BetweenGiantsError):
    """A scenario without a finite equilibrium, with the names of the states concerned."""

    exit_code = 3

    def __init__(self, scenario: str, reason: str, *, states: Sequence[str] = ()) -> None:
        self.scenario, self.reason, self.states = scenario, reason, tuple(states)
        named = f" ({summary(self.states)})" if self.states else ""
        super().__init__(f"scenario '{scenario}' has no finite equilibrium: {reason}{named}.")


class Infeasible(BetweenGiantsError):
    """A programme without a solution.

    Attributes:
        status: the solver's word (infeasible, unbounded, ...).
        binds: names of the rows or limits that cannot hold together, as far as known.
    """

    exit_code = 3

    def __init__(self, what: str, *, status: str, binds: Sequence[str] = ()) -> None:
        self.status, self.binds = status, tuple(binds)
        named = f"; what binds: {summary(self.binds)}" if self.binds else ""
        super().__init__(f"{what} has no solution ({status}){named}.")


def nearest(label: str, known: Sequence[str], count: int = 3) -> list[str]:
    """Up to `count` known labels closest in spelling to `label`, best first (swapped letters are close)."""
    if len(label) > MAX_COMPARED:
        return []
    wanted = label.casefold()

    def likeness(name: str) -> float:
        folded = name.casefold()
        ratio = difflib.SequenceMatcher(None, wanted, folded).ratio()
        return ratio + 0.25 * (sorted(wanted) == sorted(folded))

    close = sorted((-likeness(name), name) for name in _comparable(wanted, known))
    return [name for score, name in close[:count] if -score >= 0.6]


def _comparable(wanted: str, known: Sequence[str]) -> list[str]:
    names = [name for name in known if len(name) <= MAX_COMPARED]
    if len(names) > MAX_NAMES:
        names = [n for n in names if n[:1].casefold() == wanted[:1] and abs(len(n) - len(wanted)) <= 2]
    return names[:MAX_NAMES]


def quoted(text: object, most: int = 80) -> str:
    """A cell as messages show it: in quotes, cut when long, control characters written out (never sent to a screen)."""
    shown = str(text)
    cut = "..." if len(shown) > most else ""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown[:most])
    return f"'{plain}{cut}'"


def summary(names: Iterable[str], most: int = 8) -> str:
    """The first few names and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
