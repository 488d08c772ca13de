"""Another focal state on the tables of the built-in dossier: what it lacks is a gap, never an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from betweengiants.dossier import Dossier
from betweengiants.position.closeness import closeness_channel
from betweengiants.position.history import history


def test_a_state_without_visits_has_a_gap(dossier: Dossier) -> None:
    other = replace(dossier, header=replace(dossier.header, focal="UZB"))
    found = closeness_channel(other)
    assert found.results
    assert found.gaps == [
        "Composite alignment lacks agreements, visits: the dossier has too few rows of UZB there."
    ]


def test_a_state_without_bilateral_trade_is_not_told_that_the_table_is_absent(
    dossier: Dossier, with_tables: Callable[..., Dossier]
) -> None:
    other = replace(dossier, header=replace(dossier.header, focal="UZB"))
    assert (
        "No trade by partner and year: the dossier has no rows of UZB in trade_bilateral."
        in history(other).gaps
    )
    bare = with_tables(trade_bilateral=None)
    assert "No trade by partner and year: the dossier has no table trade_bilateral." in history(bare).gaps
