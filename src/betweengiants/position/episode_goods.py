"""What a severance does to one good of one economy that is small in it: closed forms of the short horizon.

They are the limits of `trade.solve_sectors(..., horizon="short")` for an economy whose purchases and sales of the good do not
move prices elsewhere, and need no trade matrix: only the share that the other side had, and the share of that which is cut.
Goods of different origin substitute with the elasticity sigma = theta + 1 (Armington 1969); the spending of every buyer on the
good is fixed (Cobb-Douglas above it), as in the engine.

    sale      the factors stay with the good, so its volume is fixed and what is not sold to the sender is sold elsewhere
              (under a cap of the engine the excess melts; a buyer who buys less melts nothing, so here it does not)
    purchase  the sender's deliveries and those at home are fixed in volume, all others come at an unchanged price
    duty      the bundle's price is held (many sources), customs value without the duty
"""

from __future__ import annotations

import math

from betweengiants.core.errors import DataError

STEPS = 500
TOLERANCE = 1e-13


def sale(exposed: float, severed: float, theta: float) -> dict[str, float]:
    """A seller loses the share `severed` of the volume that a buyer with the share `exposed` of its sales took.

    With p the price against before, the other buyers take `(1 - exposed) p^-(theta+1)` of the old volume, and all of it is
    sold: `p = ((1 - exposed) / (1 - exposed (1 - severed)))^(1 / (theta + 1))`.

    Args:
        exposed: 0 to below 1.
        severed: above 0 to 1.
        theta: trade elasticity (sigma - 1), above 0.

    Returns:
        Percent: `to_partner_pct`, `price_pct`, `volume_pct` and `value_pct` of all sales (the sender's at the same price),
        `elsewhere_volume_pct` and `elsewhere_value_pct` of sales to others. Shares of what was lost that is sold elsewhere:
        `diverted_volume_share`, `diverted_value_share`.

    Raises:
        DataError: a share out of range, so that there is no other buyer or nothing is cut.
    """
    _require("exposed share", exposed, 0, 1, below=True)
    _require("severed share", severed, 0, 1, above=True)
    others, moved = 1 - exposed, 1 - exposed * (1 - severed)
    price = (others / moved) ** (1 / (theta + 1))
    value = moved / others * price
    lost = exposed * severed
    return {
        "to_partner_pct": -100 * severed,
        "price_pct": 100 * (price - 1),
        "volume_pct": 0.0,
        "value_pct": 100 * (price - 1),
        "elsewhere_volume_pct": 100 * (moved / others - 1),
        "elsewhere_value_pct": 100 * (value - 1),
        "diverted_volume_share": 1.0,
        "diverted_value_share": others * (value - 1) / lost if lost > 0 else theta / (theta + 1),
    }


def purchase(exposed: float, severed: float, theta: float, home: float = 0.0) -> dict[str, float]:
    """A buyer loses the share `severed` of the volume that a supplier with the share `exposed` of its use sent.

    A supply whose volume becomes the share r of before has the scarcity price that makes the buyer want just that. With
    `y = P^-theta`, P the price of the bundle, and o the share of the suppliers that are free to send more:
    `y = o + A y^(theta / (theta + 1))`, `A = exposed (1 - severed)^(theta / (theta + 1)) + home`; one positive root.

    Args:
        exposed: share of the sender in use, above 0 to 1.
        severed: above 0 to 1.
        theta: trade elasticity (sigma - 1), above 0.
        home: share of domestic supply in use, whose volume stays.

    Returns:
        Percent: `from_partner_pct`, `price_pct` of the bundle, `use_pct` and `imports_pct` in volume, `others_pct` the volume
        of the free suppliers. `partner_share_pct`: points by which the sender's share in the volume of imports changes.
        `demand_elasticity`: the log change of use over that of the price.

    Raises:
        DataError: a share out of range, or nothing that is left to buy.
    """
    _require("exposed share", exposed, 0, 1, above=True)
    _require("severed share", severed, 0, 1, above=True)
    _require("home share", home, 0, 1)
    others = 1 - exposed - home
    _require("share of other suppliers", others, 0, 1)
    if others <= 0 and severed == 1 and home == 0:
        raise DataError(
            found="the only supplier cut off", allowed="another supplier, or a part that still comes"
        )
    bend = theta / (theta + 1)
    fixed = exposed * (1 - severed) ** bend + home
    y = _root(max(others, 0.0), fixed, bend)
    price = y ** (-1 / theta)
    free = others / y
    left = exposed * (1 - severed)
    use = left + home + free
    bought = exposed + others
    return {
        "from_partner_pct": -100 * severed,
        "price_pct": 100 * (price - 1),
        "use_pct": 100 * (use - 1),
        "imports_pct": 100 * ((left + free) / bought - 1),
        "others_pct": 100 * (1 / y - 1),
        "partner_share_pct": 100 * (left / (left + free) - exposed / bought) if left + free > 0 else -100.0,
        "demand_elasticity": math.log(use) / math.log(price),
    }


def duty(cost_factor: float, theta: float) -> dict[str, float]:
    """A buyer puts a duty on a supplier among many: customs value without the duty, `f^-(theta + 1)`, the price before it held.

    Returns:
        `from_partner_pct`: percent by which purchases from the supplier change.

    Raises:
        DataError: a factor that is not above 1.
    """
    if not cost_factor > 1:
        raise DataError(found=f"cost factor {cost_factor:g}", allowed="a number above 1")
    return {"from_partner_pct": 100 * (cost_factor ** -(theta + 1) - 1)}


def _root(others: float, fixed: float, bend: float) -> float:
    """The positive root of y = others + fixed y^bend (0 < bend < 1); the steps contract with a rate of at most `bend`."""
    if others == 0:
        return float(fixed ** (1 / (1 - bend)))
    y = 1.0
    for _ in range(STEPS):
        step = others + fixed * y**bend
        if abs(step - y) <= TOLERANCE * y:
            break
        y = step
    return y


def _require(
    what: str, value: float, low: float, high: float, *, above: bool = False, below: bool = False
) -> None:
    slack = 1e-9
    bad = value <= low if above else value < low - slack
    bad |= value >= high if below else value > high + slack
    if bad or not math.isfinite(value):
        allowed = f"{'above' if above else 'at least'} {low:g} and {'below' if below else 'at most'} {high:g}"
        raise DataError(found=f"{what} {value:g}", allowed=allowed)
