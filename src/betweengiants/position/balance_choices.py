"""The choices behind a composite index, every alternative named with its reason (OECD & JRC 2008, Handbook, steps 5 to 7).

Symbols: n draws, K indicators, P powers. Indicators are at least 0, and more of one exposes more.

    u = normalise(x)            comparable over indicators, from 0 to 1
    v = aggregate(u, weights)   one number a power
    index[p] = v[p] / sum(v)    the power's share of what binds the state

The index is a share, so that alternatives with different scales can be compared. The first alternative of each choice is
the central one. Where all powers are alike, an indicator gives each the same, whatever the normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TIE, COUNTER, ALIGNMENT = "tie", "counter", "alignment"
ROLES = (TIE, COUNTER, ALIGNMENT)
FLOOR = 0.1
"""Geometric means are taken of values lifted to 0.1 to 1: at 0 one weak tie would wipe out all others."""
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Layout:
    """Which indicators belong together.

    Attributes:
        domain: (K,) number of the domain.
        group: (K,) number of the group of domains.
    """

    domain: Ints
    group: Ints


@dataclass(frozen=True, slots=True)
class Alternative(Generic[T]):
    """One way to choose.

    Attributes:
        name: as tables call it.
        use: what it does.
        reason: why a reasonable person would choose it.
    """

    name: str
    use: T
    reason: str


Normalise = Callable[[Floats], Floats]
"""(n, K, P) values to (n, K, P) between 0 and 1."""
Weigh = Callable[[Layout, Floats], Floats]
"""(n, K) exponential draws to (n, K) weights that add up to 1."""
Aggregate = Callable[[Floats, Floats, Layout], Floats]
"""(n, K, P) normalised values and (n, K) weights to (n, P)."""


def min_max(x: Floats) -> Floats:
    """Distance from the smallest over the range of the powers."""
    low, width = x.min(axis=2, keepdims=True), np.ptp(x, axis=2, keepdims=True)
    return np.asarray(np.where(width > 0, (x - low) / np.where(width > 0, width, 1.0), 0.5))


def share(x: Floats) -> Floats:
    """Share of the powers' sum."""
    total = x.sum(axis=2, keepdims=True)
    return np.asarray(np.where(total > 0, x / np.where(total > 0, total, 1.0), 1.0 / x.shape[2]))


def rank(x: Floats) -> Floats:
    """Share of the other powers that have less; ties count half."""
    return np.asarray((rankdata(x, axis=2) - 1.0) / (x.shape[2] - 1))


def logistic(x: Floats) -> Floats:
    """Logistic function of the standard score over the powers."""
    spread = x.std(axis=2, keepdims=True)
    score = np.where(spread > 0, (x - x.mean(axis=2, keepdims=True)) / np.where(spread > 0, spread, 1.0), 0.0)
    return np.asarray(1.0 / (1.0 + np.exp(-score)))


def by_domain(layout: Layout, drawn: Floats) -> Floats:
    """Every domain the same weight, every indicator of a domain the same part of it."""
    return np.repeat(_nested([layout.domain])[None], drawn.shape[0], axis=0)


def by_group(layout: Layout, drawn: Floats) -> Floats:
    """Every group the same weight, every domain of a group the same part of it, every indicator the same of that."""
    return np.repeat(_nested([layout.group, layout.domain])[None], drawn.shape[0], axis=0)


def dirichlet(layout: Layout, drawn: Floats) -> Floats:
    """Every set of weights over all indicators equally likely."""
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _nested(levels: list[Ints]) -> Floats:
    """(K,) weights that add up to 1, split evenly over the parts of each level in turn, at last over indicators."""
    weight = np.ones(levels[0].size)
    part = np.zeros(levels[0].size, dtype=np.int64)
    for codes in levels:
        pairs = np.stack([part, codes])
        for mine in np.unique(part):
            inside = part == mine
            weight[inside] /= np.unique(codes[inside]).size
        part = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
    return weight / np.bincount(part)[part]


def arithmetic(u: Floats, weight: Floats, layout: Layout) -> Floats:
    """Weighted mean."""
    return np.asarray((u * weight[:, :, None]).sum(axis=1))


def geometric(u: Floats, weight: Floats, layout: Layout) -> Floats:
    """Weighted geometric mean of values lifted off zero (`FLOOR`), brought back to 0 to 1."""
    lifted = FLOOR + (1.0 - FLOOR) * u
    return np.asarray((np.exp((np.log(lifted) * weight[:, :, None]).sum(axis=1)) - FLOOR) / (1.0 - FLOOR))


def worst_of(u: Floats, weight: Floats, layout: Layout) -> Floats:
    """The highest of the means of the domains."""
    best = np.full((u.shape[0], u.shape[2]), -np.inf)
    for code in np.unique(layout.domain):
        mine = layout.domain == code
        mass = weight[:, mine].sum(axis=1)[:, None]
        mean = (u[:, mine] * weight[:, mine, None]).sum(axis=1) / np.where(mass > 0, mass, 1.0)
        best = np.maximum(best, np.where(mass > 0, mean, -np.inf))
    return best


@dataclass(frozen=True)
class Choices:
    """The choices of an index, each with its alternatives; the first is the central one, all are equally likely.

    Attributes:
        scope: which roles of indicators count (see `ROLES`); others than ties are reflected or added as the reasons say.
        measures: whether a domain has its main indicator alone.
        gaps: whether an indicator of which some power's value is only bounded is used within the bounds.
        normalisation, weights, aggregation: see this module.
    """

    scope: tuple[Alternative[frozenset[str]], ...] = field(
        default=(
            Alternative(
                "ties", frozenset({TIE}), "What a power can take away or withhold, whatever it wants"
            ),
            Alternative(
                "ties_less_cost",
                frozenset({TIE, COUNTER}),
                "A threat that costs the power itself is used less: what it would lose counts against its hold "
                "(asymmetric interdependence, Keohane & Nye 1977)",
            ),
            Alternative(
                "ties_alignment",
                frozenset({TIE, ALIGNMENT}),
                "A state that votes with a power and sits in its institutions is bound to it as well",
            ),
            Alternative(
                "all", frozenset(ROLES), "All three, as composite indicators of balance are often built"
            ),
        )
    )
    measures: tuple[Alternative[bool], ...] = field(
        default=(
            Alternative("main", True, "One indicator a domain, the one that covers most of it"),
            Alternative("all", False, "A domain has many sides; one indicator may show the exception"),
        )
    )
    gaps: tuple[Alternative[bool], ...] = field(
        default=(
            Alternative(
                "bounded",
                True,
                "An unknown share lies between nothing and what the known ones leave: left out, a whole domain would vanish",
            ),
            Alternative(
                "left_out",
                False,
                "Only what is known of every power is compared: nobody's number is drawn from a range",
            ),
        )
    )
    normalisation: tuple[Alternative[Normalise], ...] = field(
        default=(
            Alternative("share", share, "Keeps proportions: twice the exposure counts twice"),
            Alternative(
                "min_max", min_max, "Every indicator spans the same range, as in most published indices"
            ),
            Alternative("rank", rank, "Trusts the order alone: robust against odd values and units"),
            Alternative(
                "logistic", logistic, "Standard scores, in which an extreme value counts little more"
            ),
        )
    )
    weights: tuple[Alternative[Weigh], ...] = field(
        default=(
            Alternative("by_domain", by_domain, "No domain is known to matter more than another"),
            Alternative(
                "by_group", by_group, "Many domains of one kind must not outvote the others by number"
            ),
            Alternative("dirichlet", dirichlet, "Nobody knows the weights: every set is equally likely"),
        )
    )
    aggregation: tuple[Alternative[Aggregate], ...] = field(
        default=(
            Alternative(
                "arithmetic", arithmetic, "Ties replace each other: a weak one is made up by a strong one"
            ),
            Alternative(
                "geometric", geometric, "Ties complete each other: hold in all domains counts for more"
            ),
            Alternative(
                "worst_of",
                worst_of,
                "A chain is as weak as its weakest link: the most exposed domain decides",
            ),
        )
    )

    def groups(self) -> dict[str, tuple[Alternative[object], ...]]:
        """Alternatives by the name of their choice."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def table(self) -> pl.DataFrame:
        """choice, alternative, central, reason."""
        rows = [
            (choice, alternative.name, k == 0, alternative.reason)
            for choice, alternatives in self.groups().items()
            for k, alternative in enumerate(alternatives)
        ]
        schema = {"choice": pl.String, "alternative": pl.String, "central": pl.Boolean, "reason": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")
