"""Shared institutions year by year, weighted by how much they bind: a mutual defence pact is not a forum.

A state's tie to an institution has a depth from 0 (says nothing) to 1 (mutual defence): the depth of the
institution for a full member, times the share of it that the state's role has. A pair shares the shallower of
its two depths (an observer beside a member shares an observer's tie), and

    overlap = sum_i min(a_i, b_i) / sum_i max(a_i, b_i)

the weighted Jaccard index (Ruzicka 1958): 1 for the same ties in the same depth, 0 for none in common.

Depths are judgements, so they stand in tables with a reason each and can be replaced. The steps follow the
idea of Boehmer, Gartzke & Nordstrom (2004, World Politics 57), who sort organisations by whether they only
meet, have rules and standing bodies, or can make members comply; mutual defence stands above.

Memberships with a blank start are held back from `shared`, `depth` and `overlap`, and counted in the columns
`..._undated` as if they had always held. The truth about `shared` and `depth` lies between the two; that about
the overlap need not, since an undated tie of one side alone lowers it. `overlap_low` and `overlap_high` are the
least and greatest overlap with each undated membership free to hold or not (see `overlap_range`). A series must
not jump in the year in which somebody wrote the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from betweengiants.alignment.days import named_day
from betweengiants.alignment.memberships import Spell, read_spells, require_known
from betweengiants.alignment.overlap_range import overlap_range
from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.core.tables import Kind, require_range, require_unique, typed

DEPTH_COLUMNS: dict[str, Kind] = {"institution": "text", "depth": "number"}
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A weight and why it is what it is."""

    weight: float
    reason: str


# Share of an institution's depth that a role has.
ROLES: Mapping[str, Judgement] = {
    "member": Judgement(1.0, "votes, pays and is bound by what the institution decides"),
    "associate": Judgement(0.5, "takes part without having accepted all of the charter"),
    "partner": Judgement(
        0.5, "takes part in chosen programmes by agreement; no vote, not bound by decisions"
    ),
    "observer": Judgement(0.25, "may attend and speak; no vote and no duty"),
    "dialogue": Judgement(0.25, "named for consultations; no vote and no duty"),
    "candidate": Judgement(0.1, "has applied or is in talks; may never enter"),
    "host": Judgement(0.0, "the seat or a facility is on its soil, which ties it to no other member"),
    "withdrew": Judgement(0.0, "has left"),
}
# Depth of an institution for a full member, by kind; for tables that do not say it institution by institution.
KINDS: Mapping[str, Judgement] = {
    "defence_pact": Judgement(1.0, "an attack on one obliges the others"),
    "economic_union": Judgement(0.75, "trade policy is made by common bodies and binds the members"),
    "treaty_regime": Judgement(0.5, "binding rules and rulings in one field"),
    "regional_organisation": Judgement(0.5, "a charter and standing bodies; decisions by consensus"),
    "development_bank": Judgement(0.25, "a share of the capital and loans; no say over policy"),
    "security_partnership": Judgement(0.25, "exercises and programmes; no duty to help"),
    "initiative": Judgement(0.1, "projects under a common name, without a treaty"),
    "forum": Judgement(0.1, "meetings and declarations"),
    "universal_organisation": Judgement(
        0.1, "nearly every state is in, so that membership says little about any one power"
    ),
}
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "country": pl.String,
    "power": pl.String,
    "year": pl.Int64,
    "shared": pl.Int64,
    "shared_undated": pl.Int64,
    "members": pl.Int64,
    "depth": pl.Float64,
    "depth_undated": pl.Float64,
    "overlap": pl.Float64,
    "overlap_undated": pl.Float64,
    "overlap_low": pl.Float64,
    "overlap_high": pl.Float64,
    "institutions": pl.List(pl.String),
    "undated": pl.List(pl.String),
}


def membership_years(
    memberships: pl.DataFrame,
    focal: str | Sequence[str],
    powers: Sequence[str],
    years: Iterable[int],
    *,
    depths: pl.DataFrame | None = None,
    roles: Mapping[str, float] | None = None,
    founded: Mapping[str, int | str] | None = None,
    name: str = "memberships",
) -> pl.DataFrame:
    """Institutions that a state shares with each power, for every year.

    Args:
        memberships: `country,institution,role,start,end`; start and end are YYYY, YYYY-MM, YYYY-MM-DD or blank.
        focal: one label of `country`, or several.
        powers: labels of `country`.
        years: calendar years; each stands for its last day.
        depths: `institution,depth` from 0 to 1 and optionally `role`; a row with a role goes before the
            general rule. None weighs all institutions alike. See `depths_by_kind`.
        roles: role -> share of the depth (default: `ROLES`).
        founded: institution -> year or day; an undated membership cannot be older.
        name: how messages call the table.

    Returns:
        country, power, year; shared (institutions in which both have a tie of positive depth, dated on both
        sides), shared_undated (further ones that rest on a blank start), members (of `shared`, those in which
        both are full members), depth (of what is shared, summed), overlap (null if neither side has any tie);
        depth_undated, overlap_undated (the same with undated memberships counted in every year); overlap_low,
        overlap_high (the least and greatest overlap with each undated membership free to hold or not);
        institutions, undated (the names behind the two counts). Sorted.

    Raises:
        DataError: missing columns, unreadable or reversed dates, a depth outside 0 to 1, an institution
            without a depth.
        UnknownLabel: a state without any row, a role without a share.
    """
    spells = read_spells(memberships, name)
    states = [focal] if isinstance(focal, str) else list(focal)
    require_known([spell.country for spell in spells], "country", (*states, *powers), name)
    depth = _depths(spells, depths, roles, name)
    begun = {institution: named_day(_start(day)) for institution, day in (founded or {}).items()}
    result = []
    for year in sorted(set(years)):
        day = date(year, 12, 31)
        dated = _ties(spells, day, depth, begun, undated=False)
        everything = _ties(spells, day, depth, begun, undated=True)
        possible = _possible(spells, day, depth, begun)
        for country in sorted(set(states)):
            for power in sorted(set(powers) - {country}):
                pair = _pair(dated, everything, country, power)
                ends = overlap_range(possible.get(country, {}), possible.get(power, {}))
                pair |= dict(zip(("overlap_low", "overlap_high"), ends or (None, None), strict=True))
                result.append({"country": country, "power": power, "year": year} | pair)
    return pl.DataFrame(result, schema=SCHEMA).sort("country", "power", "year")


def depths_by_kind(
    institutions: pl.DataFrame,
    kinds: Mapping[str, float] | None = None,
    *,
    name: str = "institutions",
) -> pl.DataFrame:
    """Depth of each institution by its kind, with the reason.

    Args:
        institutions: `institution,kind`.
        kinds: kind -> depth (default: `KINDS`).
        name: how messages call the table.

    Returns:
        institution, depth, reason (empty where the caller gave the depths).

    Raises:
        UnknownLabel: a kind without a depth.
    """
    rows = typed(institutions, {"institution": "text", "kind": "text"}, name=name)
    table = kinds or {kind: judgement.weight for kind, judgement in KINDS.items()}
    for row, kind in enumerate(rows["kind"].to_list(), 2):
        if kind not in table:
            raise UnknownLabel(kind, table, what="kind", file=name, row=row, column="kind")
    reasons = {} if kinds else {kind: judgement.reason for kind, judgement in KINDS.items()}
    return rows.select(
        "institution",
        depth=pl.col("kind").replace_strict(dict(table), return_dtype=pl.Float64),
        reason=pl.col("kind").replace_strict(reasons, default="", return_dtype=pl.String),
    )


def _depths(
    spells: Sequence[Spell], depths: pl.DataFrame | None, roles: Mapping[str, float] | None, name: str
) -> dict[tuple[str, str], float]:
    """Depth of a tie by institution and role, for every pair that the table holds."""
    shares = roles or {role: judgement.weight for role, judgement in ROLES.items()}
    require_known(list(shares), "role", sorted({spell.role for spell in spells}), name)
    exact: dict[tuple[str, str], float] = {}
    if depths is not None:
        table = typed(depths, DEPTH_COLUMNS, optional={"role": "text"}, blanks=("role",), name="depths")
        table = table if "role" in table.columns else table.with_columns(role=pl.lit(MEMBER))
        table = table.with_columns(pl.col("role").fill_null(MEMBER))
        require_unique(table, ["institution", "role"], "depths")
        require_range(table, "depth", "depths", minimum=0, maximum=1)
        exact = {(row["institution"], row["role"]): row["depth"] for row in table.iter_rows(named=True)}
    found = {}
    for institution, role in sorted({(spell.institution, spell.role) for spell in spells}):
        whole = 1.0 if depths is None else exact.get((institution, MEMBER))
        if whole is None and (institution, role) not in exact:
            raise DataError(
                file="depths", found=f"no depth for '{institution}'", allowed="a depth for every institution"
            )
        found[institution, role] = exact.get((institution, role), (whole or 0.0) * shares[role])
    return found


def _ties(
    spells: Sequence[Spell],
    day: date,
    depth: Mapping[tuple[str, str], float],
    begun: Mapping[str, date],
    *,
    undated: bool,
) -> dict[str, dict[str, tuple[float, bool]]]:
    """Country -> institution -> (depth of its deepest tie on that day, whether it is a full member)."""
    ties: dict[str, dict[str, tuple[float, bool]]] = {}
    for spell in spells:
        if spell.start is None and day < begun.get(spell.institution, date.min):
            continue
        weight = depth[spell.institution, spell.role]
        if weight > 0 and spell.holds(day, undated=undated):
            mine = ties.setdefault(spell.country, {})
            tie = (weight, spell.role == MEMBER)
            mine[spell.institution] = max(mine.get(spell.institution, (0.0, False)), tie)
    return ties


def _possible(
    spells: Sequence[Spell],
    day: date,
    depth: Mapping[tuple[str, str], float],
    begun: Mapping[str, date],
) -> dict[str, dict[str, set[float]]]:
    """Country -> institution -> every depth that its tie may have had on that day, undated rows free to hold."""
    dated = _ties(spells, day, depth, begun, undated=False)
    found: dict[str, dict[str, set[float]]] = {
        country: {institution: {tie[0]} for institution, tie in ties.items()}
        for country, ties in dated.items()
    }
    for spell in spells:
        if spell.start is None and day >= begun.get(spell.institution, date.min):
            least = dated.get(spell.country, {}).get(spell.institution, (0.0, False))[0]
            weight = depth[spell.institution, spell.role]
            if weight > least and spell.holds(day, undated=True):
                mine = found.setdefault(spell.country, {})
                mine.setdefault(spell.institution, {least}).add(weight)
    return found


def _pair(
    dated: Mapping[str, Mapping[str, tuple[float, bool]]],
    everything: Mapping[str, Mapping[str, tuple[float, bool]]],
    country: str,
    power: str,
) -> dict[str, object]:
    ours, theirs = dated.get(country, {}), dated.get(power, {})
    all_ours, all_theirs = everything.get(country, {}), everything.get(power, {})
    shared = sorted(ours.keys() & theirs.keys())
    further = sorted((all_ours.keys() & all_theirs.keys()) - set(shared))
    depth, overlap = _overlap(ours, theirs)
    depth_all, overlap_all = _overlap(all_ours, all_theirs)
    return {
        "shared": len(shared),
        "shared_undated": len(further),
        "members": sum(ours[name][1] and theirs[name][1] for name in shared),
        "depth": depth,
        "depth_undated": depth_all,
        "overlap": overlap,
        "overlap_undated": overlap_all,
        "institutions": shared,
        "undated": further,
    }


def _overlap(
    ours: Mapping[str, tuple[float, bool]], theirs: Mapping[str, tuple[float, bool]]
) -> tuple[float, float | None]:
    """Depth in common, and its share in the depth of either."""
    nothing = (0.0, False)
    pairs = [
        (ours.get(name, nothing)[0], theirs.get(name, nothing)[0])
        for name in sorted(ours.keys() | theirs.keys())
    ]
    common, either = sum(min(pair) for pair in pairs), sum(max(pair) for pair in pairs)
    return float(common), common / either if either else None


def _start(day: int | str) -> str:
    """A year stands for its first day here: an institution founded in it may have had members since."""
    return f"{day}-01-01" if isinstance(day, int) else day
