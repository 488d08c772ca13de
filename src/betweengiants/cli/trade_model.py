"""The options that say which model is solved, once for all commands of `betweengiants trade` that solve one."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_type_hints

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
class WorldOptions:
    """Which world is solved, and by which rules; each field is an option of every command that `solves`."""

    io: IoOption = None
    trim_inputs: TrimOption = False
    horizon: HorizonOption = Time.long
    imbalances: ImbalancesOption = Rule.additive
    year: YearOption = None
    aggregate_sectors: SectorsOption = False

    def read_world(self, flows: Path) -> TradeMatrix | SectorMatrix:
        """Read the flows: a matrix of one sector where one is enough, else of several.

        Raises:
            DataError, UnknownLabel: the files, or the options, do not fit together.
        """
        return read_world(flows, self.year, self.aggregate_sectors, self.io, self.trim_inputs)

    @property
    def rules(self) -> Rules:
        """Imbalances and horizon, as the engine takes them."""
        return {"imbalances": self.imbalances.value, "horizon": self.horizon.value}


@dataclass(frozen=True)
class ThetaOptions:
    """One elasticity, or one for each sector."""

    elasticity: ElasticityOption = None
    sector_elasticities: SectorElasticitiesOption = None


@dataclass(frozen=True)
class ModelOptions(WorldOptions, ThetaOptions):
    """What was asked: elasticities and world."""

    def read(self, flows: Path) -> Model:
        """Read the flows and what belongs to them.

        Raises:
            DataError, UnknownLabel: the files, or the options, do not fit together.
        """
        matrix = self.read_world(flows)
        return Model(matrix, elasticities(matrix, self.elasticity, self.sector_elasticities), self.rules)


def solves(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of its parameter `options`, a dataclass such as `ModelOptions`, as options of its own."""
    own = inspect.signature(command, eval_str=True).parameters
    made = own["options"].annotation
    kinds = get_type_hints(made, include_extras=True)
    fields = {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=kinds[field.name],
        )
        for field in dataclasses.fields(made)
    }
    shown = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name in own
        for parameter in (fields.values() if name == "options" else [own[name]])
    ]

    @functools.wraps(command)
    def call(**given: Any) -> None:
        command(options=made(**{name: given.pop(name) for name in fields}), **given)

    call.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return call
