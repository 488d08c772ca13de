"""From a query string to a question and back: every view has one address that can be passed on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from betweengiants.core.errors import DataError, UnknownLabel, quoted
from betweengiants.network import BASES
from betweengiants.position.live import THETA_HIGH, THETA_LOW, Live, Question

MOST_FIELDS = 100
NO_BASIS = "none"
SEVERAL, SINGLE = ("by", "basis", "edge"), ("theta", "capacity")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
Fields = dict[str, list[str]]


def read_fields(query: str, several: Sequence[str], single: Sequence[str]) -> Fields:
    """Names and values of a query string.

    Args:
        query: as sent, without the question mark.
        several: names that may be given more than once.
        single: names that may be given once.

    Raises:
        UnknownLabel: a name that is neither.
        DataError: too many fields, a repeated single one, or bytes that are no UTF-8.
    """
    if query.count("&") >= MOST_FIELDS:
        raise DataError(
            found=f"{query.count('&') + 1} fields in the address", allowed=f"at most {MOST_FIELDS}"
        )
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise DataError(found="an address that is no UTF-8 text", allowed="UTF-8") from None
    fields: Fields = {}
    for name, value in pairs:
        if name not in several and name not in single:
            raise UnknownLabel(name, [*several, *single], what="field of the address")
        fields.setdefault(name, []).append(value)
    for name in single:
        if len(fields.get(name, ())) > 1:
            raise DataError(found=f"{name} {len(fields[name])} times", allowed="once")
    return fields


def read_question(query: str, live: Live) -> Question:
    """The question in an address; what is left out takes the dossier's central setting.

    Without any `basis` all of them count; `basis=none` alone says that none does (a form whose boxes are all
    empty sends it).

    Raises:
        UnknownLabel, DataError: see `read_fields` and `Live.check`.
    """
    fields = read_fields(query, SEVERAL, SINGLE)
    theta = _number(fields["theta"][0]) if "theta" in fields else live.default_theta
    bases = tuple(basis for basis in fields.get("basis", BASES) if basis != NO_BASIS)
    capacity = fields.get("capacity", ["capacity"])[0]
    return live.check(
        Question(tuple(fields.get("by", ())), theta, capacity, bases, tuple(fields.get("edge", ())))
    )


def address(question: Question, live: Live) -> str:
    """The query string of a question in canonical order, without what equals the dossier's central setting."""
    pairs = [("by", power) for power in question.by]
    if question.theta != live.default_theta:
        pairs.append(("theta", repr(float(question.theta)).removesuffix(".0")))
    if question.capacity != "capacity":
        pairs.append(("capacity", question.capacity))
    if question.bases != BASES:
        pairs += [("basis", basis) for basis in question.bases or (NO_BASIS,)]
    pairs += [("edge", edge) for edge in question.edges]
    return urlencode(pairs)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise DataError(
            found=f"trade elasticity (theta) {quoted(text)}",
            allowed=f"a number from {THETA_LOW:g} to {THETA_HIGH:g} with a decimal point",
        )
    return float(text)
