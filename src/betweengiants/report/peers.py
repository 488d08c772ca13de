"""The state beside its peers: the largest loss to one power and how evenly leverage is spread, on the same matrix."""

from __future__ import annotations

import json

import altair as alt
import polars as pl

from betweengiants.core.countries import short_name
from betweengiants.dossier import Dossier
from betweengiants.dossier.coverage import used_sources
from betweengiants.position import Position
from betweengiants.position.compare import comparison
from betweengiants.position.compare_parts import is_state
from betweengiants.position.compare_table import Comparison
from betweengiants.position.results import Trail
from betweengiants.report import words
from betweengiants.report.charts import NARROW, Layered
from betweengiants.report.figure import Figure
from betweengiants.report.style import (
    AXIS,
    INK,
    PAPER,
    TEXT_SIZE,
    base_config,
    colour_of,
    panel_header,
)

TRAIL = "comparison"
MOST = 8
HORIZON = "short"
LOSS, VECTORS = "leverage_pct", "effective_vectors"
MATRIX = "trade_matrix"
STEP = 27


def peers(dossier: Dossier) -> list[str]:
    """The focal state and its peers, at most eight in all.

    Peers are the states of the trade matrix that are no powers, those first that share most institutions of the dossier's
    list with the focal state, then those with which it trades most.
    """
    matrix = dossier.tables[MATRIX]
    focal = dossier.focal
    labels = matrix["exporter"].unique(maintain_order=True).to_list()
    others = [label for label in labels if is_state(label) and label not in (focal, *dossier.powers)]
    shared: dict[str, int] = {}
    if dossier.has("memberships"):
        rows = dossier.tables["memberships"]
        mine = set(rows.filter(pl.col("country") == focal)["institution"])
        count = (
            rows.filter(pl.col("institution").is_in(mine))
            .group_by("country")
            .agg(pl.col("institution").n_unique())
        )
        shared = dict(count.iter_rows())
    pair = matrix.filter((pl.col("exporter") == focal) ^ (pl.col("importer") == focal))
    partner = pl.when(pl.col("exporter") == focal).then("importer").otherwise("exporter")
    trade = dict(pair.group_by(partner.alias("partner")).agg(pl.col("value_usd_m").sum()).iter_rows())
    ranked = sorted(others, key=lambda code: (-shared.get(code, 0), -trade.get(code, 0.0), code))
    return [focal, *ranked[: MOST - 1]]


def compared(dossier: Dossier) -> Comparison | None:
    """The comparison of the focal state with its peers; None where the matrix holds no other state."""
    states = peers(dossier)
    return comparison(states, settings=dossier) if len(states) > 1 else None


def trail(dossier: Dossier, found: Comparison) -> Trail:
    """Where the comparison comes from."""
    parameters: dict[str, float | str] = {"peers": ", ".join(found.coverage["state"]), "most": float(MOST)}
    tables = tuple(name for name in (MATRIX, "memberships", "parameters") if dossier.has(name))
    parameters |= {"theta_short": dossier.parameter("theta_short")[0]}
    return Trail(
        TRAIL,
        "Trade cut by one power, every state on the same matrix and elasticities (exact-hat equilibrium, one good). Peers: "
        "states of the matrix that are no powers, those that share most institutions with the focal state first, then those "
        "with which it trades most.",
        "Range over the trade elasticity.",
        parameters,
        tables,
        tuple(used_sources(*(dossier.tables[name] for name in tables))),
    )


def peers_figure(position: Position, found: Comparison) -> Figure:
    """The figure: losses to each power and effective vectors, one line a state."""
    drawn = marks(found, position.dossier.focal)
    focal = words.name(position.dossier.focal)
    return Figure(
        "peers",
        title(found, position.dossier.focal),
        f"{focal[0].upper()}{focal[1:]} and the states most like it in memberships, short run, trade alone. Left: loss of real "
        "national spending if one power cuts its trade; large dot: the largest, with its range. Right: as if over how many "
        "equal powers leverage were spread.",
        "Dot plot of states: " + "; ".join(drawn.filter("top")["label"]) + ".",
        found.numbers.filter(
            (pl.col("horizon") == HORIZON) & pl.col("measure").is_in([LOSS, VECTORS, "autonomy"])
        ).drop("row", "n", "se", "rank", "horizon"),
        (TRAIL,),
        lambda width: peers_chart(drawn, position.dossier.focal, width=width),
        " ".join(
            [
                "Roads are left out: only the focal state’s dossier holds them.",
                *_gaps(found, position.dossier),
            ]
        ),
    )


def _gaps(found: Comparison, dossier: Dossier) -> list[str]:
    """What the trade of each state rests on; votes are no part of the figure."""
    told: dict[str, list[str]] = {}
    for row in found.coverage.filter(pl.col("gaps").is_not_null()).to_dicts():
        for gap in row["gaps"].split("; "):
            if not gap.startswith("no votes"):
                told.setdefault(gap, []).append(short_name(row["state"]))
    return [f"{words.joined(states)}: {words.with_names(gap, dossier)}." for gap, states in told.items()]


def marks(found: Comparison, focal: str) -> pl.DataFrame:
    """Losses and vectors: panel, state, name, power, value, low, high, top (the largest of its state), text, label."""
    wanted = (pl.col("horizon") == HORIZON) & pl.col("measure").is_in([LOSS, VECTORS])
    rows = found.numbers.filter(wanted).with_columns(
        top=pl.col("value") == pl.col("value").max().over("state", "measure"),
        loss=pl.col("measure") == LOSS,
        low=pl.col("low").fill_null(pl.col("value")),
        high=pl.col("high").fill_null(pl.col("value")),
    )
    order = (
        rows.filter("loss")
        .group_by("state")
        .agg(pl.col("value").max())
        .sort("value", "state", descending=[True, False])
    )
    place = {state: k for k, state in enumerate(order["state"])}
    rows = rows.filter(pl.col("state").is_in(list(place)))
    names = {power: short_name(power) for power in found.powers} | {"": ""}
    listed = []
    for row in rows.sort(pl.col("state").replace_strict(place), "loss", descending=[False, True]).to_dicts():
        who = names[row["power"]]
        text = f"{who} {row['value']:.1f}%" if row["loss"] else f"{row['value']:.1f}"
        listed.append(
            {
                "panel": "Loss if one power cuts its trade, %"
                if row["loss"]
                else "Spread as over … equal powers",
                **{name: row[name] for name in ("state", "power", "value", "low", "high", "top", "loss")},
                "name": short_name(row["state"]),
                "own": row["state"] == focal,
                "text": text if row["top"] else "",
                "label": f"{short_name(row['state'])}: {text} ({row['low']:.1f} to {row['high']:.1f})",
            }
        )
    return pl.DataFrame(listed)


def title(found: Comparison, focal: str) -> str:
    """Where the focal state stands among its peers, by its largest loss and by the spread."""
    rows = found.numbers.filter(pl.col("horizon") == HORIZON)
    largest = rows.filter(pl.col("measure") == LOSS).group_by("state").agg(pl.col("value").max())
    spread = rows.filter(pl.col("measure") == VECTORS).select("state", "value")
    if focal not in set(largest["state"]) or focal not in set(spread["state"]):
        return f"The states most like {words.name(focal)}, by their largest loss to one power"
    own = {
        name: frame.filter(pl.col("state") == focal)["value"][0]
        for name, frame in (("a", largest), ("b", spread))
    }
    more = int((largest["value"] > own["a"]).sum())
    wider = int((spread["value"] > own["b"]).sum())
    count = largest.height - 1
    return (
        f"Through trade {_of(more, count)} would lose more to a single power than {words.name(focal)} would "
        f"({own['a']:.1f}%); {_of(wider, count)} spread their leverage wider"
    )


def _of(some: int, count: int) -> str:
    return (
        f"none of {count} peers"
        if not some
        else f"all {count} peers"
        if some == count
        else f"{some} of {count} peers"
    )


def peers_chart(drawn: pl.DataFrame, focal: str, *, width: int) -> alt.TopLevelMixin:
    """Two panels with own axes on the same lines, beside each other or one below the other."""
    narrow = width < NARROW
    panels = drawn["panel"].unique(maintain_order=True).to_list()
    left, right = (86, 96) if narrow else (104, 118)
    each = width - left - right + 20 if narrow else (width - 190) // len(panels)
    states = drawn["name"].unique(maintain_order=True).to_list()
    header = panel_header()
    faceted = (
        _panel(drawn, states, focal)
        .properties(width=each, height=STEP * len(states))
        .facet(
            facet=alt.Facet("panel:N", sort=panels, header=header),
            columns=1 if narrow else len(panels),
            spacing={"row": 20, "column": right - 60},
            data=alt.InlineData(values=drawn.to_dicts()),
        )
    )
    apart: alt.FacetChart = faceted.resolve_scale(x="independent").resolve_axis(x="independent")
    return base_config(apart)


def _panel(drawn: pl.DataFrame, states: list[str], focal: str) -> Layered:
    powers = [power for power in drawn["power"].unique(maintain_order=True) if power]
    colour = alt.Color(
        "power:N",
        scale=alt.Scale(domain=[*powers, ""], range=[*(colour_of(p) for p in powers), AXIS]),
        legend=None,
    )
    own = json.dumps(short_name(focal))
    axis = alt.Axis(
        title=None,
        ticks=False,
        domain=False,
        labelColor=INK,
        labelPadding=8,
        labelFontWeight={"condition": {"test": f"datum.value === {own}", "value": "bold"}, "value": "normal"},
    )
    y = alt.Y("name:N", sort=states, axis=axis)
    across = alt.Axis(title=None, grid=True, tickCount=5, format=".1~f")
    x = alt.X("value:Q", scale=alt.Scale(domainMin=0, nice=True), axis=across)
    base = alt.Chart().encode(y=y)
    span = (
        base.transform_filter("datum.top && datum.low < datum.high")
        .mark_rule(strokeWidth=2.5, opacity=0.7)
        .encode(x=alt.X("low:Q", axis=across), x2="high:Q", color=colour)
    )
    others = base.transform_filter("!datum.top").mark_circle(size=42, opacity=0.75)
    top = base.transform_filter("datum.top").mark_circle(size=120, opacity=1, stroke=PAPER, strokeWidth=1)
    text = base.transform_filter("datum.top").mark_text(align="left", dx=8, fontSize=TEXT_SIZE - 1, color=INK)
    return alt.layer(
        span,
        others.encode(x=x, color=colour, description="label:N"),
        top.encode(x=x, color=colour, description="label:N"),
        text.encode(x=alt.X("high:Q", axis=across), text="text:N"),
    )
