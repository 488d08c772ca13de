"""The base map, the route map and its SVG: borders, water, ids, colours, hover text, refusals."""

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from betweengiants.core.errors import DataError
from betweengiants.report.map import route_map
from betweengiants.report.mapkey import round_steps
from betweengiants.report.outlines import BORDERS_NOTE, country_at, outlines
from betweengiants.report.placement import Box, apart, text_width, wrap
from betweengiants.report.projection import EURASIA, albers, clip_ring, fit
from betweengiants.report.style import OTHER_COLOUR, POWER_COLOURS, ROLES, colour_of, theme_css
from betweengiants.report.svg import to_inline_svg, to_png

LARGEST_TABLE = 350_000  # bytes; the table travels in every wheel

PLACES = {
    "tengiz": ("Tengiz field", "field", 46.18, 53.42),
    "cpc-terminal": ("CPC terminal", "terminal", 44.72, 37.6),
    "atasu": ("Atasu", "junction", 48.65, 71.6),
    "alashankou": ("Alashankou", "border_crossing", 45.19, 82.56),
    "uzbekistan": ("Uzbekistan", "market", 40.11, 67.8),
}
EDGES = [
    ("cpc", "CPC pipeline", "tengiz", "cpc-terminal", 64.8, "RUS", "operating"),
    ("kcp", "Kazakhstan-China pipeline", "atasu", "alashankou", 1.0, "CHN", "operating"),
    ("spare", "Tengiz to Atasu", "tengiz", "atasu", 0.0, "KAZ", "operating"),
    ("new", "Atasu to Uzbekistan", "atasu", "uzbekistan", 0.0, "UZB", "planned"),
    ("twin", "CPC second line", "tengiz", "cpc-terminal", 2.0, "", "operating"),
]


def edges() -> pl.DataFrame:
    rows = [
        {
            "edge_id": edge_id,
            "name": name,
            "from_lat": PLACES[start][2],
            "from_lon": PLACES[start][3],
            "to_lat": PLACES[end][2],
            "to_lon": PLACES[end][3],
            "flow": flow,
            "controller": controller,
            "status": status,
        }
        for edge_id, name, start, end, flow, controller, status in EDGES
    ]
    return pl.DataFrame(rows)


def nodes() -> pl.DataFrame:
    rows = [
        {"node_id": key, "name": name, "kind": kind, "lat": lat, "lon": lon, "label": key != "uzbekistan"}
        for key, (name, kind, lat, lon) in PLACES.items()
    ]
    return pl.DataFrame(rows)


CHOKEPOINTS = pl.DataFrame(
    {"rank": [1, 2], "name": ["CPC moorings", "Sheskharis"], "lat": [44.6, 44.7], "lon": [37.5, 37.8]}
)


def drawn(width: int = 1000, height: int = 560, figure_id: str = "map") -> str:
    chart = route_map(
        edges(),
        nodes(),
        title="Most crude leaves through Russia",
        subtitle="Million tonnes a year",
        width=width,
        height=height,
        chokepoints=CHOKEPOINTS,
        focal="KAZ",
    )
    return to_inline_svg(chart, figure_id=figure_id, title="Routes", description="What flows where.")


@pytest.fixture(scope="module")
def wide() -> str:
    return drawn()


def titles(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("title")]


# The base map


@pytest.mark.parametrize(
    ("lon", "lat", "country"),
    [
        (34.1, 44.95, "UKR"),  # Simferopol: Crimea lies in Ukraine (General Assembly resolution 68/262)
        (33.6, 44.62, "UKR"),  # by Sevastopol
        (51.0, 42.0, None),  # the middle of the Caspian Sea
        (50.5, 38.5, None),
        (71.43, 51.13, "KAZ"),  # Astana
        (76.95, 43.25, "KAZ"),  # Almaty
        (-172.0, 66.0, "RUS"),  # Chukotka, across the antimeridian
        (116.4, 39.9, "CHN"),
    ],
)
def test_places_lie_in_their_country(lon: float, lat: float, country: str | None) -> None:
    assert country_at(lon, lat) == country


def test_no_ring_smears_across_the_antimeridian() -> None:
    for ring in outlines():
        assert np.ptp(ring.points[:, 0]) < 180, ring.name
        assert np.abs(np.diff(ring.points[:, 0])).max() < 90, ring.name


def test_no_place_lies_in_two_countries() -> None:
    codes = [ring.iso3 for ring in outlines() if ring.part == 0 and ring.ring == 0 and ring.iso3]
    assert {"KAZ", "RUS", "CHN", "UKR", "UZB", "TKM", "KGZ", "AZE", "IRN"} <= set(codes)
    assert country_at(34.1, 45.2) != "RUS"


def test_table_is_small_and_its_licence_ships() -> None:
    folder = files("betweengiants.report").joinpath("data")
    assert len(folder.joinpath("outlines.csv").read_bytes()) <= LARGEST_TABLE
    notice = folder.joinpath("LICENSE-outlines.txt").read_text(encoding="utf-8")
    assert "Redistribution and use" in notice
    assert "Natural Earth" in notice
    assert "68/262" in BORDERS_NOTE


# Projection and places of labels


def test_projection_keeps_areas() -> None:
    def cell(lat: float) -> float:
        lon = np.array([60.0, 61.0, 61.0, 60.0])
        x, y = albers(lon, np.array([lat, lat, lat + 1, lat + 1]), EURASIA)
        return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2

    true = [np.radians(1) * (np.sin(np.radians(lat + 1)) - np.sin(np.radians(lat))) for lat in (20, 45, 70)]
    # a cell of one degree with straight sides misses the curved one by under 0.1 percent
    assert np.allclose([cell(20), cell(45), cell(70)], true, rtol=1e-3)


@pytest.mark.parametrize("size", [(1000, 560), (340, 300), (400, 900)])
def test_window_fits_any_rectangle(size: tuple[int, int]) -> None:
    frame = fit(EURASIA, 0, 40, size[0], 40 + size[1])
    pixels = frame.xy(*np.array(EURASIA.shown).T)
    assert all(frame.holds(x, y, -0.1) for x, y in pixels)


def test_clipping_a_square() -> None:
    frame = fit(EURASIA, 0, 0, 100, 100)
    square = np.array([[-50.0, -50.0], [50.0, -50.0], [50.0, 50.0], [-50.0, 50.0]])
    clipped = clip_ring(square, frame, margin=0)
    assert clipped.min() == 0
    assert clipped.max() == 50
    assert len(clip_ring(square - 500, frame)) == 0


def test_circles_are_pushed_apart() -> None:
    moved = apart(np.array([[5.0, 5.0], [5.0, 5.0], [9.0, 5.0]]), 17)
    gaps = [np.hypot(*(moved[i] - moved[j])) for i in range(3) for j in range(i)]
    assert min(gaps) > 16.5


def test_text_wraps_to_its_width() -> None:
    lines = wrap("Most of the crude leaves through Russia and its ports", 120, 12)
    assert len(lines) > 1
    assert all(text_width(line, 12) <= 120 for line in lines)
    assert wrap("", 100, 12) == []


def test_boxes_know_their_distance() -> None:
    box = Box(0, 0, 10, 10)
    assert box.distance(np.array([[13.0, 14.0]])) == 5
    assert box.distance(np.zeros((0, 2))) == float("inf")
    assert box.overlaps(Box(9, 9, 20, 20))
    assert not box.overlaps(Box(12, 0, 20, 10))


@pytest.mark.parametrize(
    ("largest", "steps"), [(64.8, [50, 20, 5]), (9, [5, 2, 0.5]), (1, [1, 0.5, 0.1]), (25, [20, 10, 2])]
)
def test_key_shows_round_flows(largest: float, steps: list[float]) -> None:
    assert round_steps(largest) == pytest.approx(steps)


# Colours


def test_colours_are_fixed() -> None:
    assert POWER_COLOURS["RUS"] == "#D55E00"
    assert colour_of("EU27") == "#56B4E9"
    assert colour_of("") == colour_of(None) == "#999999"
    assert colour_of("TUR") == OTHER_COLOUR
    assert colour_of("UZB", focal="UZB") == colour_of("KAZ", focal="KAZ") == "#009E73"
    assert colour_of("KAZ", focal="UZB") == OTHER_COLOUR


def test_sentinels_are_nobodys_colour() -> None:
    sentinels = [role.sentinel for role in ROLES]
    values = {value.lower() for role in ROLES for value in (role.light, role.dark)}
    assert len(set(sentinels)) == len(sentinels)
    assert not set(sentinels) & (values | {colour.lower() for colour in POWER_COLOURS.values()})
    assert all(f"{role.variable}:{role.dark}" in theme_css() for role in ROLES)


# The drawn map


def test_svg_stands_alone(wide: str) -> None:
    assert "http" not in wide
    assert not [role for role in ROLES if role.sentinel in wide.lower()]
    for variable in ("--ink", "--land", "--land-focal", "--sea", "--border"):
        assert f"var({variable}," in wide


def test_svg_follows_the_page(wide: str) -> None:
    root = ET.fromstring(wide)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Routes"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & root.attrib.keys()
    assert "width:100%" in root.get("style", "")
    assert root.findtext("desc") == "What flows where."


def test_ids_are_unique_in_a_page_of_two_figures(wide: str) -> None:
    page = wide + drawn(340, 420, "map-small")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


@pytest.mark.parametrize("size", [(1000, 560), (340, 420)])
def test_every_route_says_what_it_is(size: tuple[int, int], wide: str) -> None:
    said = titles(wide if size[0] == 1000 else drawn(*size))
    for _, name, _, _, flow, _, status in EDGES:
        if status == "operating" and flow > 0:
            assert [line for line in said if name in line and f"{flow:.1f} Mt a year" in line], name
    assert any("can be closed by Russia" in line for line in said)
    assert any("Atasu to Uzbekistan: no flow" in line and "planned" in line for line in said)
    assert "Chokepoint 1: CPC moorings" in said


def test_routes_have_colour_width_and_dashes(wide: str) -> None:
    paths = [dict(path.attrib) for path in ET.fromstring(wide).iter("path")]
    width = {path.get("stroke"): float(path.get("stroke-width", 0)) for path in paths if path.get("d")}
    assert width["#D55E00"] > 5 * width["#E69F00"]
    dashed = [path for path in paths if path.get("stroke-dasharray") and path.get("stroke") == OTHER_COLOUR]
    assert dashed


def test_labels_and_key_are_written(wide: str) -> None:
    words = {element.text for element in ET.fromstring(wide).iter("text")}
    assert {"Kazakhstan", "Russia", "Atasu", "64.8 RUS", "Width: Mt a year", "50"} <= words
    assert {"idle, suspended or planned", "open, no flow known", "chokepoint, see the list"} <= words
    assert {"Caspian Sea"} <= words or {"Caspian", "Sea"} <= words


def test_same_input_same_drawing(wide: str) -> None:
    assert drawn() == wide


def test_map_without_routes_is_land() -> None:
    chart = route_map(edges().clear(), nodes().clear(), title="", subtitle="", width=600, height=300)
    svg = to_inline_svg(chart, figure_id="empty", title="Land")
    assert "var(--land," in svg


def test_hand_placed_labels_are_always_drawn() -> None:
    placed = nodes().with_columns(
        pl.lit(True).alias("label"),
        pl.lit(9.0).alias("dx"),
        pl.lit(0.0).alias("dy"),
        text=pl.lit("same words"),
    )
    chart = route_map(edges(), placed, title="", subtitle="", width=1000, height=500)
    svg = to_inline_svg(chart, figure_id="placed", title="Routes")
    # once for the outline, once for the letters
    assert sum(element.text == "same words" for element in ET.fromstring(svg).iter("text")) == 2 * len(PLACES)


def test_unknown_flow_is_not_called_none() -> None:
    frame = edges().with_columns(
        pl.when(pl.col("edge_id") == "kcp").then(None).otherwise("flow").alias("flow")
    )
    chart = route_map(frame, nodes(), title="", subtitle="", width=800, height=400)
    said = titles(to_inline_svg(chart, figure_id="unknown", title="Routes"))
    assert any("Kazakhstan-China pipeline: flow not known" in line for line in said)


def test_png_is_written(tmp_path: object) -> None:
    from pathlib import Path

    chart = route_map(edges(), nodes(), title="A", subtitle="B", width=400, height=400)
    path = to_png(chart, Path(str(tmp_path)) / "map.png", scale=1)
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") >= 432  # the chart and its margins


# Refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("flow"), "column 'flow'"),
        (lambda frame: frame.with_columns(to_lat=pl.lit(None, pl.Float64)), "row 2, column 'to_lat'"),
        (lambda frame: frame.with_columns(status=pl.lit("closed")), "unknown status 'closed'"),
        (lambda frame: frame.with_columns(flow=pl.lit(-1.0)), "row 2, column 'flow'"),
        (lambda frame: frame.with_columns(via=pl.lit("29 41;here")), "row 2, column 'via'"),
    ],
)
def test_bad_routes_are_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(DataError, match=re.escape(message)):
        route_map(change(edges()), nodes(), title="", subtitle="", width=800, height=400)


def test_too_low_a_map_and_a_bad_id_are_refused() -> None:
    with pytest.raises(DataError, match="100 pixels"):
        route_map(edges(), nodes(), title="", subtitle="", width=800, height=120)
    chart = route_map(edges(), nodes(), title="", subtitle="", width=800, height=400)
    with pytest.raises(DataError, match="figure id '2 x'"):
        to_inline_svg(chart, figure_id="2 x", title="t")
