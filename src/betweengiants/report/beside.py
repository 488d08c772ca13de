"""What the page shows beside the position: each part found once, when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from betweengiants.core.errors import DataError
from betweengiants.position import Position
from betweengiants.position.alternatives import Alternatives, alternatives
from betweengiants.position.balance_index import BASE, BalanceIndex, balance_index
from betweengiants.position.balance_inputs import balance_evidence
from betweengiants.position.compare_table import Comparison
from betweengiants.position.domains import TABLE as DOMAINS
from betweengiants.position.domains import Domains, domains
from betweengiants.position.history import History, history
from betweengiants.position.results import Trail
from betweengiants.report import balancechart, deals, idealpoints, institutionbars, otherchoices, peers, plans
from betweengiants.report.closenessdots import Closeness, found_closeness
from betweengiants.report.frontierchart import can_plan
from betweengiants.strategy import frontier_trail


@dataclass(frozen=True, eq=False)
class Beside:
    """Domains, history, comparison, index, other choices: what the dossier allows, or None.

    Attributes:
        position: the results that they stand beside.
        base: points of the samples of the balance index, a power of 2.
        solves_again: whether the headline is solved again under other choices, which takes as long as the position.
    """

    position: Position
    base: int = BASE
    solves_again: bool = True

    @cached_property
    def domains(self) -> Domains | None:
        """Domains without a price."""
        dossier = self.position.dossier
        return domains(dossier) if dossier.has(DOMAINS) else None

    @cached_property
    def history(self) -> History:
        """The position year by year."""
        return history(self.position.dossier)

    @cached_property
    def closeness(self) -> Closeness | None:
        """Composite alignment and its parts."""
        return found_closeness(self.position.dossier)

    @cached_property
    def comparison(self) -> Comparison | None:
        """The focal state beside its peers."""
        return peers.compared(self.position.dossier)

    @cached_property
    def _balance(self) -> tuple[BalanceIndex | None, str]:
        if len(self.position.dossier.powers) < 2:
            return None, "No balance index: one power is no choice."
        try:
            return balance_index(balance_evidence(self.position), base=self.base), ""
        except (
            DataError
        ) as problem:  # too little is known for an index: said on the page, no reason to write none
            return None, f"No balance index: {problem}"

    @property
    def balance(self) -> BalanceIndex | None:
        """The composite index."""
        return self._balance[0]

    @cached_property
    def alternatives(self) -> Alternatives | None:
        """The headline under other choices."""
        if self.position.coupled is None or not self.solves_again:
            return None
        return alternatives(self.position.dossier)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What could not be shown, one sentence each."""
        dossier = self.position.dossier
        lacking = [
            self._balance[1],
            idealpoints.gap(dossier) or "",
            ""
            if institutionbars.can_draw(dossier)
            else "No institutions by year: the dossier has no memberships.",
            ""
            if deals.can_draw(dossier)
            else "Nothing announced and delivered: the dossier has no deals with a sum.",
            "" if plans.can_draw(dossier) else "No official targets: the dossier has no table plans.",
            "" if self.comparison else "No comparison: the trade matrix holds no other state.",
        ]
        return tuple(gap for gap in lacking if gap)

    @property
    def trails(self) -> dict[str, Trail]:
        """Trails of what the position itself does not hold, by id."""
        dossier = self.position.dossier
        found = []
        if can_plan(self.position):
            found.append(frontier_trail(dossier))
        if idealpoints.can_draw(dossier):
            found.append(idealpoints.trail(dossier))
        if deals.can_draw(dossier):
            found.append(deals.trail(dossier))
        if plans.can_draw(dossier):
            found.append(plans.trail(dossier))
        if self.comparison is not None:
            found.append(peers.trail(dossier, self.comparison))
        if self.balance is not None:
            found.append(balancechart.trail(self.position, self.balance))
        if self.alternatives is not None:
            found.append(otherchoices.trail(self.position))
        return {trail.trail: trail for trail in found}
