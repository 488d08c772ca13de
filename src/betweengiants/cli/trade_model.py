"""The options that say which model is solved, once for all commands of `betweengiants trade` that solve one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from betweengiants.cli.trade_options import (
    ElasticityOption,
    HorizonOption,
    ImbalancesOption,
    IoOption,
    Rule,
    SectorElasticitiesOption,
    SectorsOption,
    Time,
    TrimOption,
    YearOption,
    elasticities,
    read_world,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from betweengiants.trade.arrays import Imbalances
    from betweengiants.trade.matrix import TradeMatrix
    from betweengiants.trade.options import Horizon
    from betweengiants.trade.sector_matrix import SectorMatrix


class Rules(TypedDict):
    """What the functions of the trade engine take by name."""

    imbalances: Imbalances
    horizon: Horizon


@dataclass(frozen=True, eq=False)
class Model:
    """A matrix and how it is solved.

    Attributes:
        matrix: of one sector where one is enough, else of several.
        theta: one elasticity, or one for each sector.
        rules: imbalances and horizon.
    """

    matrix: TradeMatrix | SectorMatrix
    theta: NDArray[np.float64]
    rules: Rules


@dataclass(frozen=True)
class ModelOptions:
    """What was asked; each field is an option of every command that `solves`."""

    elasticity: ElasticityOption = None
    sector_elasticities: SectorElasticitiesOption = None
    io: IoOption = None
    trim_inputs: TrimOption = False
    horizon: HorizonOption = Time.long
    imbalances: ImbalancesOption = Rule.additive
    year: YearOption = None
    aggregate_sectors: SectorsOption = False

    def read(self, flows: Path) -> Model:
        """Read the flows and what belongs to them.

        Raises:
            DataError, UnknownLabel: the files, or the options, do not fit together.
        """
        matrix = read_world(flows, self.year, self.aggregate_sectors, self.io, self.trim_inputs)
        theta = elasticities(matrix, self.elasticity, self.sector_elasticities)
        return Model(matrix, theta, {"imbalances": self.imbalances.value, "horizon": self.horizon.value})


def solves(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ModelOptions` in the place of its parameter `options`, which they make up."""
    fields = inspect.signature(ModelOptions, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters
    shown = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name in own
        for parameter in (fields.values() if name == "options" else [own[name]])
    ]

    @functools.wraps(command)
    def call(**given: Any) -> None:
        command(options=ModelOptions(**{name: given.pop(name) for name in fields}), **given)

    call.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return call
