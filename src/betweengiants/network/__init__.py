"""What can flow where: capacitated multicommodity flow, severance by powers, contingencies. Tables in, tables out."""

from betweengiants.network.contingency import edge_contingencies, node_contingencies, power_contingencies
from betweengiants.network.control import Closure, closure
from betweengiants.network.counter import counter_leverage
from betweengiants.network.expansion import Bypass, Expansion, read_expansion
from betweengiants.network.highs import Status
from betweengiants.network.interdiction import Interdiction, interdict, smallest_sets
from betweengiants.network.joint import joint_severance
from betweengiants.network.model import Limits, Network, read_network
from betweengiants.network.observed import compare_observed
from betweengiants.network.programme import Programme, solve
from betweengiants.network.reading import BASES
from betweengiants.network.results import FlowResult
from betweengiants.network.severance import SeveranceResult, coalitions, sever
from betweengiants.network.sweep import ProgrammePool
from betweengiants.network.timeline import close_edges, simulate
from betweengiants.network.timeline_results import Timeline

__all__ = [
    "BASES",
    "Bypass",
    "Closure",
    "Expansion",
    "FlowResult",
    "Interdiction",
    "Limits",
    "Network",
    "Programme",
    "ProgrammePool",
    "SeveranceResult",
    "Status",
    "Timeline",
    "close_edges",
    "closure",
    "coalitions",
    "compare_observed",
    "counter_leverage",
    "edge_contingencies",
    "interdict",
    "joint_severance",
    "node_contingencies",
    "power_contingencies",
    "read_expansion",
    "read_network",
    "sever",
    "simulate",
    "smallest_sets",
    "solve",
]
