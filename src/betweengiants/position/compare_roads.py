"""What a dossier holds besides trade and votes: transit systems, and leverage through trade and roads together."""

from __future__ import annotations

from collections.abc import Sequence

from betweengiants.dossier import Dossier
from betweengiants.position.compare_parts import Key, Number, Part
from betweengiants.position.coupled import can_couple, lacking
from betweengiants.position.coupled_channel import CHANNEL, coupled, coupled_channel
from betweengiants.position.results import Result
from betweengiants.position.settings import require_positive
from betweengiants.position.transit_channel import transit_channels

LOST = "lost_pct_gdp"
COUPLED = "coupled_leverage_pct"


def roads_part(dossier: Dossier, powers: Sequence[str]) -> Part:
    """Losses through each transport system and through everything together, by power.

    Args:
        dossier: the evidence on its focal state.
        powers: those wanted; powers that the dossier does not name have no numbers.

    Returns:
        `<channel>_lost_pct_gdp` (percent of GDP, range over capacities) and coupled_leverage_pct by horizon (percent of real
        national spending; the dossier's own matrix with sectors and inputs).

    Raises:
        Infeasible, NotConverged, NoEquilibrium: from the engines.
    """
    require_positive(dossier)
    source, state = f"dossier {dossier.header.name}", dossier.focal
    transit = transit_channels(dossier)
    results = [r for found in transit.values() for r in found.channel.results if r.measure == LOST]
    gaps = [] if transit else [f"no transit: {source} has no network"]
    if can_couple(dossier):
        joint = coupled_channel(dossier, coupled(dossier))
        results += [r for r in joint.results if r.measure == "leverage_pct"]
    else:
        gaps.append(f"no joint solve of trade and roads: {lacking(dossier)}")
    numbers = {
        Key(_measure(r), r.coalition, r.horizon): _number(r)
        for r in results
        if r.coalition in powers and r.member == state
    }
    held = "+".join(("trade", *transit)) if can_couple(dossier) else "+".join(transit)
    return Part(
        f"{source} ({held})" if held else "",
        str(dossier.header.base_year),
        {state: numbers},
        gaps={state: tuple(gaps)},
    )


def _measure(result: Result) -> str:
    return COUPLED if result.channel == CHANNEL else f"{result.channel}_{LOST}"


def _number(result: Result) -> Number:
    """A result with its range; the joint solve is made without draws here, so that it has none."""
    if result.channel == CHANNEL:
        return Number(result.number.value)
    return Number(result.number.value, result.number.low, result.number.high)
