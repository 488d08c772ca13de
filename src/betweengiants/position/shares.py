"""Shares of one whole by partner, from facts: which facts count, the range of each, what is left, how concentrated it is.

Which facts count (`current`): what was before what was announced or projected; a full period before a part of a year,
unless that is more than two years older; then the latest year. Several sources of that year stay side by side: their
median is the value and their range the interval. Partners are compared with each other (`vintage`) in one year: of the
latest and the two before it the last one that holds two partners or more, else the latest.

A source that says `more than` gives a lower bound, one that says `up to` an upper one. Where partners share one whole,
nobody can have more than the others leave, so that even a share that nobody states has an upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from betweengiants.core.countries import blocs, territory_of
from betweengiants.core.units import convert
from betweengiants.dossier.claims.evidence import Fact, year_of

Status = Literal["known", "at_least", "at_most", "none", "not_known"]
WHOLE = 100.0
WORLD = "WLD"
ROUNDING = 0.5
"""Printed shares that add up to 100 within this much, in percent, leave nothing for anybody else."""
GRACE_YEARS = 2
"""A full period goes before a part of a year, and a year with several partners before one with a single partner, if it
is no more than this many years older."""
PROMISED = "announced_only"


@dataclass(frozen=True, slots=True)
class Share:
    """What is known of one partner's share, in percent.

    Attributes:
        status: `known`; `at_least`, `at_most`: a bound is all that is known; `none`: the others have everything;
            `not_known`.
        value: median of the sources, or None.
        low, high: the range; None where nothing bounds it.
        facts: the facts that it rests on.
    """

    status: Status
    value: float | None
    low: float | None
    high: float | None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Concentration:
    """Herfindahl-Hirschman index of the partners of one whole, between 0 and 1.

    Attributes:
        low: the unknown rest split among ever more partners, every share at its lower bound.
        high: the rest in one hand, as far as the bounds allow; never below the truth.
        partners: how many partners are known.
        rest: percent that no known partner has.
        facts: the facts that it rests on.
    """

    low: float
    high: float
    partners: int
    rest: float
    facts: tuple[Fact, ...]


def current(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that count, all of one year (see the module); none of none."""
    rows = usable(facts)
    latest = max((year_of(fact.period) for fact in rows), default=0)
    return [fact for fact in rows if year_of(fact.period) == latest]


def usable(facts: Iterable[Fact]) -> list[Fact]:
    """Facts of all years, without promises where there is an outcome, and without parts of years where a whole is near."""
    rows = list(facts)
    done = [fact for fact in rows if not fact.is_ahead and PROMISED not in fact.warnings] or rows
    full = [fact for fact in done if not fact.is_part]
    latest = max((year_of(fact.period) for fact in done), default=0)
    if full and max(year_of(fact.period) for fact in full) >= latest - GRACE_YEARS:
        return full
    return done


def partners_of(facts: Iterable[Fact], kinds: Mapping[str, str]) -> dict[str, list[Fact]]:
    """Facts by partner: states and blocs that do not overlap (members of a bloc that is there itself are left out)."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.partner and fact.partner != WORLD and kinds.get(fact.partner) in ("state", "bloc"):
            found.setdefault(fact.partner, []).append(fact)
    return {
        code: rows
        for code, rows in found.items()
        if territory_of(code) == code or territory_of(code) not in found
    }


def share_of(facts: Sequence[Fact], room: float = WHOLE) -> Share:
    """The share that facts of one partner and one year state.

    Args:
        facts: one or more.
        room: what all other partners leave at most; caps a share of which only a lower bound is known.
    """
    values = [percent(fact, fact.number) for fact in facts]
    low = min(0.0 if fact.open_below else percent(fact, fact.least) for fact in facts)
    tops = [percent(fact, fact.most) for fact in facts]
    high = max(max(room, top) if fact.open_above else top for fact, top in zip(facts, tops, strict=True))
    status: Status = "known"
    if all(fact.open_above for fact in facts):
        status = "at_least"
    elif all(fact.open_below and fact.number == fact.high for fact in facts):
        status = "at_most"
    return Share(status, median(values), low, min(high, WHOLE), tuple(facts))


def percent(fact: Fact, value: float) -> float:
    """A number of a fact in percent.

    Raises:
        ValueError: the fact is no share.
    """
    return convert(value, fact.unit, "pct")


@dataclass(frozen=True)
class Vintage:
    """All facts of one measure and subject that count, and what they leave to partners who have none.

    Attributes:
        facts: see `current`.
        partners: those of states and blocs, by partner.
        whole: percent that all partners abroad have together: 100, or the fact on the world if there is one.
        is_parts: whether partners share that whole; otherwise (several can have all of it) nothing bounds anybody.
    """

    facts: tuple[Fact, ...]
    partners: dict[str, list[Fact]]
    whole: float
    is_parts: bool

    @property
    def year(self) -> int:
        """The year of the facts; 0 without any."""
        return year_of(self.facts[0].period) if self.facts else 0

    def room(self, *besides: str) -> float:
        """Percent that the partners leave, those named and members of theirs apart; 100 where they do not share a whole."""
        if not self.is_parts:
            return WHOLE
        apart = {member for code in besides for member in (code, *blocs().get(code, ()))}
        least = math.fsum(
            share_of(rows).low or 0.0 for code, rows in self.partners.items() if code not in apart
        )
        return max(self.whole - least, 0.0)

    @property
    def is_complete(self) -> bool:
        """Whether the partners of one period and source have everything, up to rounding."""
        sums: dict[tuple[str, str], float] = {}
        for rows in self.partners.values():
            for fact in rows:
                key = (fact.period, fact.source_id)
                sums[key] = sums.get(key, 0.0) + percent(fact, fact.number)
        return self.is_parts and any(abs(total - WHOLE) <= ROUNDING for total in sums.values())


def vintage(facts: Iterable[Fact], kinds: Mapping[str, str], *, is_parts: bool) -> Vintage:
    """The facts of a measure that count, ready to be compared.

    Args:
        facts: all facts of one measure and subject.
        kinds: kind of each actor.
        is_parts: whether the partners share one whole.
    """
    rows = _comparable(usable(facts), kinds)
    world = [percent(fact, fact.most) for fact in rows if fact.partner == WORLD]
    return Vintage(tuple(rows), partners_of(rows, kinds), max(world, default=WHOLE), is_parts)


def _comparable(facts: Sequence[Fact], kinds: Mapping[str, str]) -> list[Fact]:
    """The facts of the latest year in which partners can be compared, or of the latest year."""
    by_year: dict[int, list[Fact]] = {}
    for fact in facts:
        by_year.setdefault(year_of(fact.period), []).append(fact)
    latest = max(by_year, default=0)
    several = [
        year
        for year, rows in by_year.items()
        if year >= latest - GRACE_YEARS and len(partners_of(rows, kinds)) > 1
    ]
    return by_year.get(max(several, default=latest), [])


def power_share(power: str, facts: Sequence[Fact], latest: Vintage) -> Share:
    """What is known of a power's share.

    Its own latest facts; for a bloc without any, the sum of its members as a lower bound; else nothing, with what
    the latest facts of the others leave as upper bound, or none at all where these have everything.

    Args:
        power: code of the power.
        facts: all facts of the measure and subject.
        latest: the vintage of these facts.
    """
    own = current(fact for fact in facts if fact.partner == power)
    if own:
        same = latest.facts and year_of(own[0].period) == latest.year
        return share_of(own, latest.room(power) if same else WHOLE)
    members = [latest.partners[code] for code in blocs().get(power, ()) if code in latest.partners]
    if members:
        least = math.fsum(share_of(rows).low or 0.0 for rows in members)
        room = max(latest.room(power), least)
        return Share("at_least", least, least, room, tuple(fact for rows in members for fact in rows))
    if latest.is_complete:
        return Share("none", 0.0, 0.0, min(latest.room(), ROUNDING), latest.facts)
    bounded = latest.is_parts and latest.facts
    return Share("not_known", None, None, latest.room() if bounded else None, latest.facts if bounded else ())


def concentration(latest: Vintage) -> Concentration | None:
    """Bounds of the Herfindahl-Hirschman index, the unknown rest included; None without a known partner.

    The index lies between the sum of squares of the lower bounds (the rest in ever more hands) and the largest sum of
    squares that the bounds allow. That largest one is a convex knapsack; replacing each square by its chord over the
    interval gives a bound that is exact where one partner can take all that is open, and too high elsewhere.
    """
    if not latest.partners or not latest.is_parts:
        return None
    shares = [share_of(rows, latest.room(code)) for code, rows in latest.partners.items()]
    lows = [share.low or 0.0 for share in shares]
    rest = max(WHOLE - math.fsum(lows), 0.0)
    gaps = [min((share.high or 0.0) - low, rest) for share, low in zip(shares, lows, strict=True)]
    high = _most_squares([*lows, 0.0], [*gaps, rest], rest)
    centre = math.fsum(share.value or 0.0 for share in shares)
    facts = tuple(fact for rows in latest.partners.values() for fact in rows)
    return Concentration(
        math.fsum(low**2 for low in lows) / WHOLE**2,
        min(high / WHOLE**2, 1.0),
        len(shares),
        max(WHOLE - centre, 0.0),
        facts,
    )


def _most_squares(lows: Sequence[float], gaps: Sequence[float], amount: float) -> float:
    """Upper bound of sum (low + x)^2 where 0 <= x <= gap and the x add up to `amount`."""
    total, left = math.fsum(low**2 for low in lows), amount
    # (low + gap)^2 - low^2 = gap (2 low + gap): the slope of the chord decides who is filled first.
    chords = sorted(((2 * low + gap, gap) for low, gap in zip(lows, gaps, strict=True)), reverse=True)
    for slope, gap in chords:
        taken = min(gap, left)
        total += taken * slope
        left -= taken
    return total
