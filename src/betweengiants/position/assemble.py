"""The position of a focal state: all channels joined, with their trails, gaps and overlaps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any

import polars as pl

from betweengiants.core.errors import UnknownLabel
from betweengiants.core.intervals import Interval
from betweengiants.dossier import Dossier
from betweengiants.position.alignment_channel import alignment_channel
from betweengiants.position.closeness import closeness_channel
from betweengiants.position.coupled import lacking
from betweengiants.position.coupled_channel import CHANNEL as COUPLED
from betweengiants.position.coupled_channel import Coupled, coupled, coupled_channel
from betweengiants.position.coupled_draws import CoupledDraws
from betweengiants.position.domain_channel import domain_channel
from betweengiants.position.history_channel import history_channel
from betweengiants.position.naming import result_ids
from betweengiants.position.results import Channel, Trail, coalition_name, not_joined, to_frame
from betweengiants.position.settings import require_positive
from betweengiants.position.systems import SYSTEMS
from betweengiants.position.trade_channel import CHANNEL as TRADE
from betweengiants.position.trade_channel import trade_channel
from betweengiants.position.trade_detail import trade_detail
from betweengiants.position.transit_channel import TransitChannel, transit_channels


@dataclass(frozen=True)
class Position:
    """Where the focal state stands.

    Attributes:
        dossier: the evidence it rests on.
        results: the long table (see `results.SCHEMA`).
        trails: model, settings, tables and sources behind each channel.
        gaps: what could not be computed and why.
        transit: flows of each transport system (oil, gas, freight) with and without each power, by its name.
        coupled: losses through trade and all roads together, if the dossier allows; draws: the same under uncertain inputs.
        gaps_by: the gaps of each channel that can be severed (trade, each road, all together).
    """

    dossier: Dossier
    results: pl.DataFrame
    trails: dict[str, Trail]
    gaps: tuple[str, ...]
    transit: dict[str, TransitChannel]
    coupled: Coupled | None = None
    draws: CoupledDraws | None = None
    gaps_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def gaps_of(self, channels: Iterable[str]) -> tuple[str, ...]:
        """What could not be computed in these channels, each sentence once."""
        return tuple(dict.fromkeys(gap for channel in channels for gap in self.gaps_by.get(channel, ())))

    @property
    def oil(self) -> TransitChannel | None:
        """The oil system, if the dossier holds one."""
        return self.transit.get("oil")

    def has(self, channel: str) -> bool:
        """Whether any result of this channel exists."""
        return bool((self.results["channel"] == channel).any())

    def number(
        self,
        channel: str,
        measure: str,
        *powers: str,
        member: str | None = None,
        horizon: str = "",
        period: str | None = None,
    ) -> Interval:
        """One result; without a period the latest.

        Args:
            channel: as in the long table.
            measure: as in the long table.
            powers: the coalition.
            member: whose number (default: the focal state).
            horizon: as in the long table.
            period: as in the long table.

        Raises:
            UnknownLabel: there is no such result.
        """
        key = (channel, measure, coalition_name(powers), member or self.dossier.focal, horizon)
        rows = self._index.get(key, {})
        chosen = period if period is not None else max(rows, default=None)
        if chosen is None or chosen not in rows:
            known = {" ".join(filter(None, k)) for k in self._index}
            raise UnknownLabel(" ".join(filter(None, key)), known, what="result")
        return rows[chosen]

    def holds(
        self, channel: str, measure: str, *powers: str, member: str | None = None, horizon: str = ""
    ) -> bool:
        """Whether `number` would find a result under these names."""
        return (
            channel,
            measure,
            coalition_name(powers),
            member or self.dossier.focal,
            horizon,
        ) in self._index

    @cached_property
    def identifiers(self) -> list[str]:
        """Identifier of every row of the results, as `betweengiants trace` takes it."""
        return result_ids(self.results, self.trails)

    @cached_property
    def _index(self) -> dict[tuple[str, str, str, str, str], dict[str, Interval]]:
        index: dict[tuple[str, str, str, str, str], dict[str, Interval]] = {}
        for row in self.results.to_dicts():
            key = (row["channel"], row["measure"], row["coalition"], row["member"], row["horizon"])
            index.setdefault(key, {})[row["period"]] = Interval(row["value"], row["low"], row["high"])
        return index

    def to_json(self) -> str:
        """The whole position as JSON text: the same dossier and version give the same bytes."""
        document: dict[str, Any] = {
            "focal": self.dossier.focal,
            "powers": list(self.dossier.powers),
            "dossier": {"name": self.dossier.header.name, "version": self.dossier.header.version},
            "software": {"name": "betweengiants", "version": version("betweengiants")},
            "tables_sha256": dict(sorted(self.dossier.hashes.items())),
            "trails": {name: asdict(trail) for name, trail in sorted(self.trails.items())},
            "gaps": list(self.gaps),
            "results": [
                {"id": identifier, **row}
                for identifier, row in zip(self.identifiers, self.results.to_dicts(), strict=True)
            ],
        }
        body = json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False)
        document["sha256"] = hashlib.sha256(body.encode("utf-8")).hexdigest()
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def position(dossier: Dossier, draws: CoupledDraws | None = None) -> Position:
    """Compute every channel that the dossier allows.

    Args:
        dossier: the evidence.
        draws: the coupled severance under uncertain inputs (`coupled_draws`); without them it has no intervals.

    Raises:
        NotConverged, NoEquilibrium, Infeasible: from the engines.
    """
    require_positive(dossier)
    transit = transit_channels(dossier)
    roads = [found.channel for found in transit.values()]
    trade = trade_channel(dossier)
    channels = [trade, trade_detail(dossier), *roads, alignment_channel(dossier)]
    channels += [closeness_channel(dossier), domain_channel(dossier), history_channel(dossier)]
    missing = lacking(dossier)
    joint = None if missing else coupled(dossier)
    together = (
        Channel(gaps=[not_joined(missing)]) if joint is None else coupled_channel(dossier, joint, draws)
    )
    bare = [] if transit else ["No leverage through transit: the dossier has no network tables."]
    gaps = [gap for channel in channels for gap in channel.gaps] + bare + together.gaps
    channels.append(together)
    gaps_by = {system.channel: tuple(bare) for system in SYSTEMS.values()}
    gaps_by |= {found.system.channel: tuple(found.channel.gaps) for found in transit.values()}
    gaps_by |= {TRADE: tuple(trade.gaps), COUPLED: tuple(together.gaps)}
    return Position(
        dossier,
        to_frame(dossier.focal, (r for channel in channels for r in channel.results)),
        {trail.trail: trail for channel in channels for trail in channel.trails},
        tuple(gaps),
        transit,
        joint,
        draws if joint is not None else None,
        gaps_by,
    )
