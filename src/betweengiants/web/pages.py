"""Pages as HTML text, from templates that escape everything."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from betweengiants.core.countries import short_name
from betweengiants.network import BASES
from betweengiants.position.live import CAPACITIES, THETA_HIGH, THETA_LOW, Answer, Live, Question
from betweengiants.position.results import Trail
from betweengiants.report import sections, words
from betweengiants.report.style import POWER_COLOURS, theme_css
from betweengiants.web import sentences
from betweengiants.web.bars import routes_figure
from betweengiants.web.query import NO_BASIS, address
from betweengiants.web.site import Site

EXAMPLE_EDGES = 2
SHORT_TABLE = 40  # rows up to which a table of a source is shown unfolded
TITLES = {
    400: "This cannot be answered as asked",
    404: "There is nothing here",
    405: "Only reading is possible here",
    414: "The address is too long",
    422: "This has no solution",
    500: "Something went wrong on the server",
}


def whatif_page(site: Site, answer: Answer | None) -> str:
    """The form and, if something is asked, the answer."""
    live = site.live
    asked = answer.question if answer else Question((), live.default_theta)
    return _render(
        "whatif.html",
        site,
        title=sentences.question_title(asked, live) if answer else "What if?",
        form=_form(asked, live),
        examples=[] if answer else _examples(live),
        answer=_answer(site, answer) if answer else None,
    )


def error_page(site: Site, status: int, sentence: str) -> str:
    """A page that says in one sentence what is wrong."""
    return _render("error.html", site, title=TITLES.get(status, "Not possible"), sentence=sentence)


def sources_page(site: Site) -> str:
    """All sources, with the number of rows that name each."""
    rows = [
        row | {"rows": sum(len(places) for places in site.named[row["source_id"]].values())}
        for row in site.position.dossier.tables["sources"].to_dicts()
    ]
    return _render("sources.html", site, title="Sources", sources=rows)


def source_page(site: Site, source: str) -> str:
    """One source and every row that names it, with the row's number as a spreadsheet shows it."""
    dossier = site.position.dossier
    entry = next(row for row in dossier.tables["sources"].to_dicts() if row["source_id"] == source)
    tables = []
    for name, places in site.named[source].items():
        part = dossier.tables[name][places]
        part = part.drop([column for column in part.columns if part[column].null_count() == part.height])
        rows = [
            (place + 2, [sections.cell(v) for v in row])
            for place, row in zip(places, part.iter_rows(), strict=True)
        ]
        tables.append(
            {
                "name": name,
                "path": dossier.header.paths[name],
                "sum": dossier.hashes[name],
                "columns": part.columns,
                "rows": rows,
                "open": len(rows) <= SHORT_TABLE,
            }
        )
    url = entry["url"] or ""
    link = url if url.startswith(("http://", "https://")) and " " not in url else ""
    fields = [(name, value) for name, value in entry.items() if name not in ("title", "publisher", "url")]
    return _render(
        "source.html",
        site,
        title=entry["title"],
        source=entry,
        url=url,
        link=link,
        fields=fields,
        tables=tables,
    )


def _form(asked: Question, live: Live) -> dict[str, Any]:
    dossier = live.position.dossier
    horizons = {name: dossier.parameter(f"theta_{name}") for name in ("short", "long")}
    edges = [row | {"chosen": row["edge_id"] in asked.edges} for row in live.edges.to_dicts()]
    return {
        "powers": [(power, short_name(power), power in asked.by) for power in dossier.powers],
        "theta": repr(float(asked.theta)).removesuffix(".0"),
        "theta_low": THETA_LOW,
        "theta_high": THETA_HIGH,
        "horizons": [
            (name, f"{centre:g}", f"{low:g}", f"{high:g}") for name, (centre, low, high) in horizons.items()
        ],
        "capacities": [(name, sentences.CAPACITY[name], name == asked.capacity) for name in CAPACITIES],
        "bases": [(name, sentences.BASIS[name], name in asked.bases) for name in BASES],
        "no_basis": NO_BASIS,
        "network": bool(live.oil),
        "edges": sorted(edges, key=lambda row: not row["chosen"]),
        "chosen_edges": len(asked.edges),
    }


def _examples(live: Live) -> list[tuple[str, str]]:
    """Questions to start with: each power, all together, and the busiest edges."""
    theta, powers = live.default_theta, live.position.dossier.powers
    questions = [Question((power,), theta) for power in powers]
    if len(powers) > 1:
        questions.append(Question(powers, theta))
    busiest = live.edges.filter(live.edges["flow"] > 0)["edge_id"][:EXAMPLE_EDGES]
    questions += [Question((), theta, edges=(edge,)) for edge in busiest]
    return [(sentences.question_title(question, live), address(question, live)) for question in questions]


def _answer(site: Site, answer: Answer) -> dict[str, Any]:
    live, position = site.live, site.position
    content: dict[str, Any] = {
        "sentence": sentences.sentence(answer, live),
        "settings": sentences.settings_line(answer.question, live),
        "query": address(answer.question, live),
        "channels": sentences.channel_rows(answer),
        "states": sentences.state_rows(answer),
        "trails": [_trail(site, trail) for trail in answer.trails],
        "oil": None,
    }
    if answer.oil is not None:
        content["oil"] = {
            "figure": routes_figure(answer, position),
            "focal": words.name(position.dossier.focal),
            "year": position.dossier.header.base_year,
            "routes": sentences.route_rows(answer.oil),
            "markets": sentences.market_rows(answer.oil),
            "detours": sentences.detour_rows(answer.oil),
            "closed": sentences.closed_rows(answer.oil, live),
            "notes": answer.oil.notes,
        }
    return content


def _trail(site: Site, trail: Trail) -> dict[str, Any]:
    return {
        "id": trail.trail,
        "title": {"trade": "Trade", "oil_transit": "Oil routes"}[trail.trail],
        "model": trail.model,
        "interval": trail.interval,
        "parameters": sorted(trail.parameters.items()),
        "tables": [(name, site.position.dossier.hashes[name]) for name in trail.tables],
        "sources": trail.sources,
    }


def _render(name: str, site: Site, **context: Any) -> str:
    header = site.position.dossier.header
    page: str = (
        _environment()
        .get_template(name)
        .render(
            header=header,
            version=version("betweengiants"),
            focal=words.name(header.focal, start=True),
            here=name.removesuffix(".html"),
            css=_css(),
            **context,
        )
    )
    return page


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("betweengiants.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["segment"] = lambda text: quote(str(text), safe="")
    return environment


@cache
def _css() -> Markup:
    """The report's own style sheet with what the live pages add."""
    powers = "".join(f".p-{code}{{--power:{colour}}}" for code, colour in POWER_COLOURS.items())
    sheets = [
        files(package).joinpath("templates", name).read_text(encoding="utf-8")
        for package, name in (("betweengiants.report", "page.css"), ("betweengiants.web", "web.css"))
    ]
    return Markup("\n".join([theme_css(), powers, *sheets]))
