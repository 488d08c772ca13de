import json
from collections.abc import Callable
from pathlib import Path

import pytest

from betweengiants.core.errors import DataError, UnknownLabel
from betweengiants.dossier import load_dossier
from betweengiants.dossier.descriptor import read_header
from betweengiants.dossier.packing import pack
from betweengiants.dossier.schema import REQUIRED_TABLES

Rows = list[dict[str, str]]
Edit = Callable[[str, Callable[[Rows], object]], Rows]


def keep(folder: Path, *tables: str) -> None:
    """Leave the other tables out of the descriptor, as far as a dossier can do without them (saves time)."""
    path = folder / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    wanted = {*REQUIRED_TABLES, *tables}
    package["resources"] = [entry for entry in package["resources"] if entry["name"] in wanted]
    path.write_text(json.dumps(package), encoding="utf-8")


def with_its_targets(table: str) -> tuple[str, ...]:
    if table.startswith("network_"):
        return ("network_nodes", "network_edges", table)
    return ("institutions", table) if table == "memberships" else (table,)


def refusal(folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        load_dossier(folder)
    assert str(caught.value).count("\n") == 0
    return caught.value


def row_of(rows: Rows, **cells: str) -> int:
    """Spreadsheet row of the first row with these cells."""
    return 2 + next(at for at, row in enumerate(rows) if all(row[key] == cells[key] for key in cells))


# table, row in the file, column, new cell, words of the message
CELLS = [
    ("trade_matrix", 5, "value_usd_m", "-1", "found -1; allowed: numbers of at least 0."),
    ("trade_matrix", 5, "value_usd_m", "inf", "found inf; allowed: a finite number."),
    ("trade_matrix", 5, "value_usd_m", "", "found an empty cell; allowed: a number"),
    ("trade_matrix", 5, "value_usd_m", "1,5", "found '1,5'; allowed: a number"),
    ("trade_matrix", 5, "year", "1850", "found 1850; allowed: numbers of at least 1990."),
    ("trade_matrix", 5, "year", "2023.5", "found '2023.5'; allowed: a whole number"),
    ("trade_matrix", 5, "importer", "KZA", "found unknown actor 'KZA'; allowed: did you mean KAZ"),
    ("trade_bilateral", 9, "partner", "RSU", "found unknown actor 'RSU'; allowed: did you mean RUS"),
    ("trade_bilateral", 9, "flow", "exports", "found 'exports'; allowed: export, import."),
    ("trade_bilateral", 9, "value_usd_m", "-0.01", "found -0.01; allowed: numbers of at least 0."),
    ("facts", 7, "subject", "KAZZ", "found unknown actor 'KAZZ'; allowed: did you mean KAZ"),
    ("facts", 7, "measure", "no such measure", "found unknown measure 'no such measure'; allowed:"),
    ("facts", 7, "source_id", "nobody", "found unknown source 'nobody'; allowed: one of"),
    ("facts", 7, "source_id", "article;", "found unknown source ''; allowed: one of"),
    ("facts", 7, "source_id", "", "found an empty cell; allowed: text."),
    ("facts", 7, "warnings", "estimate", "found unknown warning 'estimate'; allowed: did you mean estimated"),
    ("facts", 7, "basis", "guess", "found 'guess'; allowed: reported, mirror, reconciled, estimate, derived"),
    ("facts", 7, "low", "-inf", "found -inf; allowed: a finite number."),
    ("measures", 3, "unit", "dollars", "found unknown unit 'dollars'; allowed: one of"),
    ("measures", 3, "domain", "oil", "found 'oil'; allowed: trade, energy, transit"),
    ("actors", 4, "kind", "country", "found 'country'; allowed: state, bloc"),
    ("sources", 6, "ship", "maybe", "found 'maybe'; allowed: open, facts, restricted."),
    ("sources", 6, "licence", " ", "found an empty cell; allowed: text."),
    ("vote_agreement", 4, "agreement", "1.01", "found 1.01; allowed: numbers of at most 1."),
    ("vote_agreement", 4, "n", "0", "found 0; allowed: numbers of at least 1."),
    ("memberships", 3, "institution", "nato2", "found unknown institution 'nato2'; allowed:"),
    ("memberships", 3, "country", "KZA", "found unknown actor 'KZA'; allowed: did you mean KAZ"),
    ("agreements", 3, "parties", "KAZ;RSU", "found unknown actor 'RSU'; allowed: did you mean RUS"),
    ("agreements", 3, "value_usd_m", "-5", "found -5; allowed: numbers of at least 0."),
    ("claims", 3, "relation", "==", "found '=='; allowed: =, >=, <=, about, >, <, largest"),
    ("network_nodes", 3, "lat", "91", "found 91; allowed: numbers of at most 90."),
    ("network_edges", 3, "to_node", "nowhere", "found unknown node 'nowhere'; allowed: one of"),
    ("network_edges", 3, "loss", "1", "found 1; allowed: numbers of at most 0.99."),
    ("network_edges", 3, "bidirectional", "perhaps", "found 'perhaps'; allowed: true or false."),
    ("network_control", 3, "basis", "influence", "found 'influence'; allowed: territory, ownership"),
    ("network_control", 3, "share", "1.2", "found 1.2; allowed: numbers of at most 1."),
    ("network_control", 3, "asset_id", "no pipe", "found unknown edge or node 'no pipe'; allowed: one of"),
    ("network_supply", 3, "quantity", "-1", "found -1; allowed: numbers of at least 0."),
    ("network_demand", 3, "node_id", "nowhere", "found unknown node 'nowhere'; allowed: one of"),
    ("network_observed", 3, "edge_id", "no pipe", "found unknown edge 'no pipe'; allowed: one of"),
]


@pytest.mark.parametrize(("table", "row", "column", "cell", "words"), CELLS, ids=lambda part: str(part)[:24])
def test_one_broken_cell(
    dossier_copy: Path, edit_table: Edit, table: str, row: int, column: str, cell: str, words: str
) -> None:
    keep(dossier_copy, *with_its_targets(table))
    edit_table(table, lambda rows: rows[row - 2].update({column: cell}))
    error = refusal(dossier_copy)
    place = f"{table}.csv, row {row}, column '{column}': "
    assert str(error).startswith(place + words)
    assert (error.file, error.row, error.column) == (f"{table}.csv", row, column)


@pytest.mark.parametrize("table", ["facts", "trade_matrix", "sources", "actors", "network_edges"])
def test_a_key_twice(dossier_copy: Path, edit_table: Edit, table: str) -> None:
    keep(dossier_copy, *with_its_targets(table))
    rows = edit_table(table, lambda rows: rows.append(dict(rows[3])))
    error = refusal(dossier_copy)
    assert (error.file, error.row) == (f"{table}.csv", len(rows) + 1)
    assert error.found.startswith("a second row for ")


def test_suggestions_are_kept(dossier_copy: Path, edit_table: Edit) -> None:
    keep(dossier_copy)
    edit_table("trade_matrix", lambda rows: rows[0].update(exporter="KZA"))
    error = refusal(dossier_copy)
    assert isinstance(error, UnknownLabel)
    assert error.suggestions[0] == "KAZ"


def a_number(rows: Rows) -> dict[str, str]:
    """A fact with a number and no bounds."""
    return next(r for r in rows if r["unit"] == "pct" and not r["low"] and not r["high"])


@pytest.mark.parametrize(
    ("change", "column", "found", "allowed"),
    [
        ({"unit": "usd_bn"}, "unit", "'usd_bn'", "the measure's own unit"),
        ({"value": "many"}, "value", "'many'", "a number"),
        ({"value": "nan"}, "value", "'nan'", "a number"),
        ({"value": "inf"}, "value", "'inf'", "a number"),
        ({"value": "1e9"}, "value", "'1e9'", "a value in the plausible range that measures.csv gives"),
        ({"value": "5", "low": "5.5"}, "value", "'5'", "a value between low and high"),
        ({"value": "5", "high": "4.5"}, "value", "'5'", "a value between low and high"),
    ],
)
def test_facts(
    dossier_copy: Path,
    edit_table: Edit,
    change: dict[str, str],
    column: str,
    found: str,
    allowed: str,
) -> None:
    keep(dossier_copy)
    place: list[int] = []

    def break_it(rows: Rows) -> None:
        fact = a_number(rows)
        place.append(rows.index(fact) + 2)
        fact.update(change)

    measure = next(row["measure"] for row in [a_number(edit_table("facts", lambda rows: None))])
    edit_table(
        "measures",
        lambda rows: [row.update(minimum="0", maximum="1000") for row in rows if row["measure"] == measure],
    )
    edit_table("facts", break_it)
    error = refusal(dossier_copy)
    assert (error.file, error.row, error.column) == ("facts.csv", place[0], column)
    assert (error.found, error.allowed) == (found, allowed)


@pytest.mark.parametrize("value", ["12 November 2025", "2025-13", "2025-11-1", "20251112", "2025-00-01"])
def test_a_fact_that_is_no_date(dossier_copy: Path, edit_table: Edit, value: str) -> None:
    keep(dossier_copy)
    rows = edit_table("facts", lambda rows: next(r for r in rows if r["unit"] == "date").update(value=value))
    error = refusal(dossier_copy)
    assert (error.file, error.row, error.column) == ("facts.csv", row_of(rows, value=value), "value")
    assert error.allowed.startswith("a date")


@pytest.mark.parametrize(
    ("measured", "value", "allowed"),
    [("date", "soon", "a date"), ("date", "202", "a date"), ("pct", "half", "a number")],
)
def test_a_claim_that_cannot_be_checked(
    dossier_copy: Path, edit_table: Edit, measured: str, value: str, allowed: str
) -> None:
    keep(dossier_copy, "claims")
    rows = edit_table(
        "claims", lambda rows: next(r for r in rows if r["unit"] == measured).update(value=value)
    )
    error = refusal(dossier_copy)
    assert (error.file, error.row, error.column) == ("claims.csv", row_of(rows, value=value), "value")
    assert error.allowed.startswith(allowed)


@pytest.mark.parametrize(
    ("table", "value", "low", "high"),
    [
        ("parameters", "value", "low", "high"),
        ("network_edges", "capacity", "capacity_low", "capacity_high"),
        ("network_edges", "cost", "cost_low", "cost_high"),
        ("network_demand", "price", "price_low", "price_high"),
    ],
)
def test_bounds_on_the_wrong_side(
    dossier_copy: Path, edit_table: Edit, table: str, value: str, low: str, high: str
) -> None:
    keep(dossier_copy, *with_its_targets(table))
    edit_table(table, lambda rows: rows[1].update({value: "10", low: "11", high: "12"}))
    error = refusal(dossier_copy)
    assert str(error).startswith(f"{table}.csv, row 3, column '{value}': found '10")
    assert error.allowed == f"a value between {low} and {high}"
    edit_table(table, lambda rows: rows[1].update({value: "10", low: "", high: "9"}))
    assert refusal(dossier_copy).allowed == f"a value between {low} and {high}"


def test_crossed_bounds_without_a_value(dossier_copy: Path, edit_table: Edit) -> None:
    keep(dossier_copy, *with_its_targets("network_edges"))
    edit_table(
        "network_edges",
        lambda rows: next(r for r in rows if r["status"] != "operating").update(
            capacity="", capacity_low="3", capacity_high="2"
        ),
    )
    error = refusal(dossier_copy)
    assert (error.column, error.found) == ("capacity_low", "'3.0'")


def test_an_operating_edge_without_a_capacity(dossier_copy: Path, edit_table: Edit) -> None:
    keep(dossier_copy, *with_its_targets("network_edges"))

    def empty(rows: Rows) -> None:
        next(r for r in rows if r["status"] == "operating").update(capacity="")

    rows = edit_table("network_edges", empty)
    error = refusal(dossier_copy)
    place = row_of(rows, status="operating", capacity="")
    assert (error.file, error.row, error.column) == ("network_edges.csv", place, "capacity")
    assert error.found == "an empty cell"
    edit_table("network_edges", lambda rows: rows[place - 2].update(status="planned"))
    load_dossier(dossier_copy)


def test_rows_that_rest_on_restricted_sources_alone(dossier_copy: Path, edit_table: Edit) -> None:
    keep(dossier_copy, "institutions", "memberships")
    sources = edit_table("sources", lambda rows: rows[0].update(ship="restricted"))
    locked = sources[0]["source_id"]
    free = next(row["source_id"] for row in sources if row["ship"] == "open")
    edit_table("memberships", lambda rows: rows[4].update(source_id=f"{locked};{free}"))
    # other tables that used the source
    for table in ("facts", "trade_matrix", "parameters"):
        edit_table(
            table,
            lambda rows: [r.update(source_id=f"{locked};{free}") for r in rows if r["source_id"] == locked],
        )
    load_dossier(dossier_copy)
    edit_table("memberships", lambda rows: rows[4].update(source_id=locked))
    error = refusal(dossier_copy)
    assert (error.file, error.row, error.column) == ("memberships.csv", 6, "source_id")
    assert error.found == f"only sources that may not be passed on ({locked})"


@pytest.mark.parametrize(
    ("table", "gone"),
    [
        ("memberships", "institutions"),
        ("network_edges", "network_nodes"),
        ("network_observed", "network_edges"),
    ],
)
def test_a_table_that_others_need(dossier_copy: Path, table: str, gone: str) -> None:
    (dossier_copy / f"{gone}.csv").unlink()
    pack(dossier_copy)
    assert gone not in read_header(dossier_copy).paths
    error = refusal(dossier_copy)
    assert error.found.startswith(f"values of a table that the dossier lacks ({gone}.")
    (dossier_copy / f"{table}.csv").unlink()


def test_a_small_dossier_is_a_dossier(dossier_copy: Path) -> None:
    for path in dossier_copy.glob("*.csv"):
        if path.stem not in REQUIRED_TABLES:
            path.unlink()
    pack(dossier_copy)
    assert set(load_dossier(dossier_copy).tables) == set(REQUIRED_TABLES)


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3",
    "<script>alert(1)</script>",
    "'; DROP TABLE facts; --",
    "{{7*7}}",
    "override\u202etext \x85 \x9b2J",
    "zero\u200bwidth \ud7ff \U0001f6e2",
    "x" * 99_000,
    'quotes " and, commas; and\nlines\r\nends',
]


def test_hostile_text_stays_text(dossier_copy: Path, edit_table: Edit) -> None:
    keep(dossier_copy)

    def strew(column: str) -> Callable[[Rows], object]:
        return lambda rows: [row.update({column: text}) for row, text in zip(rows, HOSTILE, strict=False)]

    edit_table("facts", strew("note"))
    edit_table("actors", strew("name"))
    tables = load_dossier(dossier_copy).tables
    assert tables["facts"]["note"][: len(HOSTILE)].to_list() == HOSTILE
    assert tables["actors"]["name"][: len(HOSTILE)].to_list() == HOSTILE


@pytest.mark.parametrize("text", [HOSTILE[0], *HOSTILE[-4:]], ids=range(5))
@pytest.mark.parametrize(("table", "column"), [("facts", "value"), ("facts", "subject"), ("actors", "kind")])
def test_hostile_text_where_it_does_not_belong(
    dossier_copy: Path, edit_table: Edit, table: str, column: str, text: str
) -> None:
    keep(dossier_copy)
    rows = edit_table(table, lambda rows: None)
    number = next(at for at, row in enumerate(rows) if row.get("unit", "pct") == "pct")
    edit_table(table, lambda rows: rows[number].update({column: text}))
    error = refusal(dossier_copy)
    assert (error.row, error.column) == (number + 2, column)
    assert str(error).isprintable()
    assert len(str(error)) < 400
