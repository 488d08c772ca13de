"""How the headline changes under other reasonable choices, one at a time: a dot for every power and choice."""

from __future__ import annotations

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.position import Position
from betweengiants.position.alternative_choices import CHANNELS
from betweengiants.position.alternatives import Alternatives, column, ranking
from betweengiants.position.results import Trail
from betweengiants.report import words
from betweengiants.report.charts import NARROW
from betweengiants.report.figure import Figure
from betweengiants.report.style import HATCH, INK, MUTED, PAPER, TEXT_SIZE, base_config, colour_of

TRAIL = "alternatives"
BASIS = ("coupled",)
HEADLINE = "headline"
STEP = 21
SHOWN = 60.0
"""Percent at which the axis ends; a larger loss stands at its edge with its number."""


def trail(position: Position) -> Trail:
    """Where the losses come from; sources are those of the headline (`BASIS`)."""
    under = position.trails["coupled"]
    return Trail(
        TRAIL,
        "The headline (trade and roads cut by one power, one equilibrium, short run) solved again with one choice changed and "
        "all others kept: channels, sectors, imbalances, elasticity, control of roads, capacities, trade figures, oil price.",
        "No range: each row is a solve of its own at central inputs.",
        {name: value for name, value in under.parameters.items() if name.startswith(("model", "theta"))},
        under.tables,
        (),
    )


def choices_figure(position: Position, found: Alternatives) -> Figure:
    """The figure: the loss to every power under every other choice."""
    drawn = marks(found)
    focal = words.name(position.dossier.focal)
    return Figure(
        "alternatives",
        title(found),
        f"Loss of {focal} if one power cuts its trade and closes its roads, percent of real national spending, short run, with "
        "one choice of the models changed at a time. Dotted lines: as we compute it.",
        "Losses by choice: "
        + "; ".join(_row_words(row, found.powers) for row in found.table.to_dicts())
        + ".",
        found.table,
        (TRAIL,),
        lambda width: choices_chart(drawn, found.powers, width=width),
        range_words(found),
    )


def _row_words(row: dict[str, str | float | None], powers: tuple[str, ...]) -> str:
    losses = [f"{short_name(p)} {row[column(p)]:.1f}%" for p in powers if row[column(p)] is not None]
    return f"{readable(str(row['choice']))}: {', '.join(losses) or 'no solution'}"


PLAIN = {
    "one sector": "all goods as one",
    "sectors without inputs": "no trade in inputs",
    "multiplicative imbalances": "trade gaps in proportion",
    "no ownership": "owning closes nothing",
    "no market": "buying closes nothing",
    "no supply": "selling closes nothing",
}
"""Names of choices that a reader would not understand, in plain words."""


def readable(name: str) -> str:
    """`oil_transit only` -> `oil routes only`, `theta low` -> `elasticity low`, `no market` -> `buying closes nothing`."""
    if name.startswith("ownership from "):
        return f"owning {float(name.split()[-1]):.0%} closes a road"
    plain = name.replace("_transit", " routes").replace("_", " ").replace("theta", "elasticity")
    return PLAIN.get(plain, plain)


def marks(found: Alternatives) -> pl.DataFrame:
    """choice, power, name, value (empty: no solution), change, label; the headline first."""
    rows = []
    for row in found.table.to_dicts():
        for power in found.powers:
            value = row[column(power)]
            loss = "no solution" if value is None else f"{value:.1f}%"
            rows.append(
                {
                    "choice": readable(row["choice"]),
                    "power": power,
                    "value": value,
                    "at": None if value is None else min(value, SHOWN),
                    "beyond": value is not None and value > SHOWN,
                    "order": _order(row, found.powers),
                    "label": f"{short_name(power)}, {readable(row['choice'])} ({row['what']}): {loss}",
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _order(row: dict[str, str | float | None], powers: tuple[str, ...]) -> str:
    """The powers by falling loss, by short names; what is the problem where there is no solution."""
    losses = {power: float(value) for power in powers if (value := row[column(power)]) is not None}
    if len(losses) < len(powers):
        return "no solution"
    return " > ".join(" = ".join(words.brief(p) for p in group) for group in ranking(losses))


def title(found: Alternatives) -> str:
    """Under how many choices the leader of the headline still comes first."""
    (_, _, headline), *others = found.losses()
    leader = ranking(headline)[0][0]
    first = sum(ranking(losses)[0] == (leader,) for _, _, losses in others)
    kept = sum(ranking(losses) == ranking(headline) for _, _, losses in others)
    return (
        f"{words.name(leader, start=True)} stays first under {first} of {len(others)} other ways to compute it; the whole "
        f"order stays under {kept}"
    )


def range_words(found: Alternatives) -> str:
    """Where another power comes first, and how far the first loss moves with all channels."""
    (_, _, headline), *others = found.losses()
    leader = ranking(headline)[0][0]
    passed = [
        f"{words.name(ranking(losses)[0][0])} with {readable(name)}"
        for _, name, losses in others
        if ranking(losses)[0] != (leader,)
    ]
    text = f"First instead: {words.joined(passed)}. " if passed else ""
    whole = [(losses[leader], readable(name)) for group, name, losses in others if group != CHANNELS]
    if not whole:
        return text.strip()
    (low, lowest), (high, highest) = min(whole), max(whole)
    return (
        f"{text}With all channels the loss to {words.name(leader)} lies between {low:.1f}% ({lowest}) and {high:.1f}% "
        f"({highest}), against {headline[leader]:.1f}% as we compute it."
    )


def choices_chart(drawn: pl.DataFrame, powers: tuple[str, ...], *, width: int) -> alt.TopLevelMixin:
    """One line a choice, one dot a power; dotted lines where the headline has its dots."""
    narrow = width < NARROW
    left, right = (146, 12) if narrow else (170, 140)
    room = width - left - right
    choices = drawn["choice"].unique(maintain_order=True).to_list()
    top = float(drawn["at"].max() or 1)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[0, top * 1.05], nice=False)
    axis = alt.Axis(title=None, grid=False, tickCount=5, labelExpr="datum.label + '%'")
    down = alt.Axis(
        title=None,
        ticks=False,
        domain=False,
        labelColor=INK,
        labelPadding=8,
        labelLimit=left,
        labelFontSize=TEXT_SIZE - (1 if narrow else 0),
        labelFontWeight={
            "condition": {"test": f"datum.value === '{HEADLINE}'", "value": "bold"},
            "value": "normal",
        },
    )
    y = alt.Y("choice:N", sort=choices, axis=down)
    x = alt.X("at:Q", scale=scale, axis=axis)
    colours = alt.Scale(domain=list(powers), range=[colour_of(p) for p in powers])
    colour = alt.Color("power:N", scale=colours, legend=None)
    base = alt.Chart(alt.InlineData(values=drawn.to_dicts()))
    line = (
        base.transform_filter(f"datum.choice === '{HEADLINE}'")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.3, opacity=0.8)
        .encode(x=x, color=colour)
    )
    dot = base.mark_circle(size=75, opacity=1, stroke=PAPER, strokeWidth=0.8).encode(
        x=x, y=y, color=colour, description="label:N"
    )
    known = dot.transform_filter("isValid(datum.at)")
    beyond = (
        base.transform_filter("datum.beyond")
        .mark_text(align="right", dx=-9, fontSize=TEXT_SIZE - 2, color=INK)
        .encode(x=x, y=y, text=alt.Text("value:Q", format=".0f"))
    )
    lacking = (
        base.transform_filter("!isValid(datum.at)")
        .mark_rect(fill=HATCH, height=STEP - 9, aria=False)
        .encode(x=alt.value(0), x2=alt.value(room), y=y)
    )
    marked = [lacking, line, known, beyond, *_heads(drawn, scale, top * 1.05 / room)]
    if not narrow:
        order = drawn.unique("choice", keep="first", maintain_order=True)
        beside = alt.Chart(alt.InlineData(values=order.select("choice", "order").to_dicts()))
        marked.append(
            beside.mark_text(align="left", dx=12, fontSize=TEXT_SIZE - 1, color=MUTED).encode(
                x=alt.value(room), y=y, text="order:N"
            )
        )
    layered: alt.LayerChart = alt.layer(*marked).resolve_scale(color="independent")
    return base_config(layered.properties(width=room, height=STEP * len(choices)))


def _heads(drawn: pl.DataFrame, scale: alt.Scale, per_pixel: float) -> list[alt.Chart]:
    """Names of the powers above the dots of the headline, pushed apart, each under a dot in its colour."""
    rows: list[dict[str, str | float]] = []
    end = -1e9
    for row in (
        drawn.filter((pl.col("choice") == HEADLINE) & pl.col("at").is_not_null()).sort("at").to_dicts()
    ):
        name = words.brief(row["power"])
        half = (3.4 * len(name) + 4) * per_pixel
        at = max(row["at"], end + half)
        end = at + half
        rows.append({"at": at, "name": name, "colour": colour_of(row["power"])})
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=alt.X("at:Q", scale=scale))
    name = base.mark_text(dy=-18, fontSize=TEXT_SIZE, fontWeight="bold", color=INK).encode(
        y=alt.value(0), text="name:N"
    )
    dot = base.mark_circle(size=60, opacity=1, yOffset=-6, aria=False).encode(
        y=alt.value(0), color=alt.Color("colour:N", scale=None)
    )
    return [name, dot]
