"""Who buys from whom: trade in general equilibrium (exact hat, one sector), solved for many scenarios at once.

The public names load when first used, so that importing the package loads neither numpy nor polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betweengiants.trade.closed_form import autarky_loss, import_loss
    from betweengiants.trade.engine import balance, solve
    from betweengiants.trade.matrix import TradeMatrix, from_frame, read_flows
    from betweengiants.trade.results import TradeResult
    from betweengiants.trade.scenario import Cell, Scenario, coalition, read_shocks, severance
    from betweengiants.trade.sweeps import JointLeverage, TradeLeverage, joint_leverage, leverage

_HOMES = {
    "Cell": "scenario",
    "JointLeverage": "sweeps",
    "Scenario": "scenario",
    "TradeLeverage": "sweeps",
    "TradeMatrix": "matrix",
    "TradeResult": "results",
    "autarky_loss": "closed_form",
    "balance": "engine",
    "coalition": "scenario",
    "from_frame": "matrix",
    "import_loss": "closed_form",
    "joint_leverage": "sweeps",
    "leverage": "sweeps",
    "read_flows": "matrix",
    "read_shocks": "scenario",
    "severance": "scenario",
    "solve": "engine",
}

__all__ = [
    "Cell",
    "JointLeverage",
    "Scenario",
    "TradeLeverage",
    "TradeMatrix",
    "TradeResult",
    "autarky_loss",
    "balance",
    "coalition",
    "from_frame",
    "import_loss",
    "joint_leverage",
    "leverage",
    "read_flows",
    "read_shocks",
    "severance",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
