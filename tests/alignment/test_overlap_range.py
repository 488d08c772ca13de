"""The range of an overlap, against every combination of undated memberships."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betweengiants.alignment.depth import membership_years
from betweengiants.alignment.overlap_range import overlap_range

DEPTH = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
TIES = st.dictionaries(st.sampled_from("abcd"), st.sets(DEPTH, min_size=1, max_size=3), max_size=4)


def every_overlap(ours: dict[str, set[float]], theirs: dict[str, set[float]]) -> list[float]:
    names = sorted(ours.keys() | theirs.keys())
    sides = [ours.get(name, {0.0}) for name in names] + [theirs.get(name, {0.0}) for name in names]
    found = []
    for taken in itertools.product(*sides):
        pairs = list(zip(taken[: len(names)], taken[len(names) :], strict=True))
        either = sum(max(pair) for pair in pairs)
        if either:
            found.append(sum(min(pair) for pair in pairs) / either)
    return found


@given(TIES, TIES)
@settings(max_examples=150)
def test_every_choice_enumerated(ours: dict[str, set[float]], theirs: dict[str, set[float]]) -> None:
    everything = every_overlap(ours, theirs)
    found = overlap_range(ours, theirs)
    if not everything:
        assert found is None
        return
    assert found == pytest.approx((min(everything), max(everything)), abs=1e-12)
    assert overlap_range(theirs, ours) == pytest.approx(found, abs=1e-12)


def test_by_hand() -> None:
    # nothing free: one value; a tie of one side alone lowers the overlap, one in common raises it
    assert overlap_range({"a": [1.0]}, {"a": [0.5]}) == (0.5, 0.5)
    assert overlap_range({"a": [1.0], "b": [0.0, 1.0]}, {"a": [1.0]}) == (0.5, 1.0)
    assert overlap_range({"a": [1.0], "b": [0.0, 1.0]}, {"a": [1.0], "b": [0.0, 1.0]}) == (0.5, 1.0)
    assert overlap_range({"a": [0.0]}, {}) is None
    # where one choice leaves nobody a tie, the others decide
    assert overlap_range({"a": [0.0, 0.5]}, {"a": [0.0, 0.5]}) == (0.0, 1.0)


def test_the_overlap_of_all_undated_rows_is_no_end() -> None:
    """China's undated bank lowers the overlap, its undated forum raises it: both at once lie in the middle."""
    table = pl.DataFrame(
        [
            ("KAZ", "pact", "member", "1994", None),
            ("CHN", "pact", "member", "1994", None),
            ("KAZ", "forum", "member", "1994", None),
            ("CHN", "forum", "member", None, None),
            ("CHN", "bank", "member", None, None),
            ("CHN", "old", "member", None, "1990"),
        ],
        schema=["country", "institution", "role", "start", "end"],
        orient="row",
    )
    (row,) = membership_years(table, "KAZ", ["CHN"], [2000]).to_dicts()
    assert (row["overlap"], row["overlap_undated"]) == pytest.approx((1 / 2, 2 / 3))
    assert (row["overlap_low"], row["overlap_high"]) == pytest.approx((1 / 3, 1.0))
    (row,) = membership_years(table, "KAZ", ["CHN"], [2000], founded={"bank": 2015}).to_dicts()
    assert (row["overlap_low"], row["overlap_high"]) == pytest.approx((1 / 2, 1.0))


def test_kazakhstan_in_2024() -> None:
    """The dossier's own table: both columns lie inside the range, and undated rows leave some of it open."""
    from betweengiants.dossier import load_dossier

    tables = load_dossier("kazakhstan").tables
    depths = tables["institutions"].select("institution", "depth").drop_nulls()
    found = membership_years(tables["memberships"], "KAZ", ["CHN", "RUS"], [2024], depths=depths)
    for row in found.to_dicts():
        assert 0 <= row["overlap_low"] <= min(row["overlap"], row["overlap_undated"])
        assert max(row["overlap"], row["overlap_undated"]) <= row["overlap_high"] <= 1
        assert row["overlap_low"] < row["overlap_high"]
