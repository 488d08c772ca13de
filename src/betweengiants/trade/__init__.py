"""Who buys from whom: trade in general equilibrium (exact hat), one sector or several, many scenarios at once.

The public names load when first used, so that importing the package loads neither numpy nor polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betweengiants.core.sobol import SobolIndices, sobol_indices
    from betweengiants.trade.closed_form import autarky_loss, import_loss, sector_autarky_loss
    from betweengiants.trade.engine import balance, solve
    from betweengiants.trade.exposure import Exposure, exposures
    from betweengiants.trade.lookthrough import Extraction, LookThrough, extraction, look_through
    from betweengiants.trade.matrix import TradeMatrix, from_frame, read_flows
    from betweengiants.trade.power import (
        InelasticBundle,
        PowerTable,
        closed_form_power,
        coalition_losses,
        diversification_value,
        power_table,
    )
    from betweengiants.trade.results import CapOutcome, TradeResult
    from betweengiants.trade.scenario import Cell, Scenario, coalition, read_shocks, severance
    from betweengiants.trade.sector_engine import balance_sectors, solve_sectors
    from betweengiants.trade.sector_exposure import SectorExposure, sector_exposures
    from betweengiants.trade.sector_io import Coefficients, read_coefficients, read_elasticities
    from betweengiants.trade.sector_matrix import SectorMatrix, read_sector_flows, sector_frame
    from betweengiants.trade.sector_results import Rationed, SectorResult
    from betweengiants.trade.shapley import ShapleyShares, joint_premium, shapley_shares
    from betweengiants.trade.spread import Spread
    from betweengiants.trade.sweeps import JointLeverage, TradeLeverage, joint_leverage, leverage
    from betweengiants.trade.uncertain_inputs import TradeInputs, mirror_sd, read_spreads
    from betweengiants.trade.uncertainty import (
        LossDraws,
        LossDrivers,
        draw_losses,
        loss_drivers,
        severances,
    )
    from betweengiants.trade.yardstick import Yardsticks, yardsticks

_HOMES = {
    "CapOutcome": "results",
    "Cell": "scenario",
    "Coefficients": "sector_io",
    "Exposure": "exposure",
    "Extraction": "lookthrough",
    "InelasticBundle": "power",
    "JointLeverage": "sweeps",
    "LookThrough": "lookthrough",
    "LossDraws": "uncertainty",
    "LossDrivers": "uncertainty",
    "PowerTable": "power",
    "Rationed": "sector_results",
    "Scenario": "scenario",
    "SectorExposure": "sector_exposure",
    "SectorMatrix": "sector_matrix",
    "SectorResult": "sector_results",
    "ShapleyShares": "shapley",
    "SobolIndices": "uncertainty",
    "Spread": "spread",
    "TradeInputs": "uncertain_inputs",
    "TradeLeverage": "sweeps",
    "TradeMatrix": "matrix",
    "TradeResult": "results",
    "Yardsticks": "yardstick",
    "autarky_loss": "closed_form",
    "balance": "engine",
    "balance_sectors": "sector_engine",
    "closed_form_power": "power",
    "coalition": "scenario",
    "coalition_losses": "power",
    "diversification_value": "power",
    "draw_losses": "uncertainty",
    "exposures": "exposure",
    "extraction": "lookthrough",
    "from_frame": "matrix",
    "import_loss": "closed_form",
    "joint_leverage": "sweeps",
    "joint_premium": "shapley",
    "leverage": "sweeps",
    "look_through": "lookthrough",
    "loss_drivers": "uncertainty",
    "mirror_sd": "uncertain_inputs",
    "power_table": "power",
    "read_coefficients": "sector_io",
    "read_elasticities": "sector_io",
    "read_flows": "matrix",
    "read_sector_flows": "sector_matrix",
    "read_shocks": "scenario",
    "read_spreads": "uncertain_inputs",
    "sector_autarky_loss": "closed_form",
    "sector_exposures": "sector_exposure",
    "sector_frame": "sector_matrix",
    "severance": "scenario",
    "severances": "uncertainty",
    "shapley_shares": "shapley",
    "sobol_indices": "uncertainty",
    "solve": "engine",
    "solve_sectors": "sector_engine",
    "yardsticks": "yardstick",
}

__all__ = [
    "CapOutcome",
    "Cell",
    "Coefficients",
    "Exposure",
    "Extraction",
    "InelasticBundle",
    "JointLeverage",
    "LookThrough",
    "LossDraws",
    "LossDrivers",
    "PowerTable",
    "Rationed",
    "Scenario",
    "SectorExposure",
    "SectorMatrix",
    "SectorResult",
    "ShapleyShares",
    "SobolIndices",
    "Spread",
    "TradeInputs",
    "TradeLeverage",
    "TradeMatrix",
    "TradeResult",
    "Yardsticks",
    "autarky_loss",
    "balance",
    "balance_sectors",
    "closed_form_power",
    "coalition",
    "coalition_losses",
    "diversification_value",
    "draw_losses",
    "exposures",
    "extraction",
    "from_frame",
    "import_loss",
    "joint_leverage",
    "joint_premium",
    "leverage",
    "look_through",
    "loss_drivers",
    "mirror_sd",
    "power_table",
    "read_coefficients",
    "read_elasticities",
    "read_flows",
    "read_sector_flows",
    "read_shocks",
    "read_spreads",
    "sector_autarky_loss",
    "sector_exposures",
    "sector_frame",
    "severance",
    "severances",
    "shapley_shares",
    "sobol_indices",
    "solve",
    "solve_sectors",
    "yardsticks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
