"""Trails of evidence: every row can be asked where it comes from, and the answer is what the files say."""

import csv
import hashlib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import Dossier, load_dossier
from betweengiants.dossier.claims import check_claims
from betweengiants.dossier.trail import KINDS, Trace, identifiers, is_evidence, list_evidence, trace_evidence

FOLDER = Path(str(files("betweengiants.dossier").joinpath("builtin", "kazakhstan")))


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


@pytest.fixture(scope="module")
def on_disk() -> Callable[[str], list[dict[str, str]]]:
    """Rows of a table as the file has them: index 0 is spreadsheet row 2."""
    read: dict[str, list[dict[str, str]]] = {}

    def rows(table: str) -> list[dict[str, str]]:
        if table not in read:
            with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
                read[table] = list(csv.DictReader(file))
        return read[table]

    return rows


def roles(found: Trace) -> dict[str, list[int]]:
    by_role: dict[str, list[int]] = {}
    for row in found.rows:
        by_role.setdefault(row.role, []).append(row.row)
    return by_role


def test_identifiers_are_different_in_every_table(dossier: Dossier) -> None:
    for table, frame in dossier.tables.items():
        assert len(set(identifiers(dossier, table))) == frame.height, table


def test_every_kind_of_row_leads_to_itself(
    dossier: Dossier, on_disk: Callable[[str], list[dict[str, str]]]
) -> None:
    for table in dossier.tables:
        names = identifiers(dossier, table)
        for at in (0, len(names) // 2, len(names) - 1):
            found = trace_evidence(dossier, names[at])
            own = found.rows[0]
            assert (found.identifier, own.table, own.row, own.role) == (names[at], table, at + 2, "itself")
            there = on_disk(table)[at]
            assert ";".join(own.sources) == (there.get("source_id") or "")
            assert set(own.cells) <= set(there)
            for name, cell in own.cells.items():
                assert same(cell, there[name]), (names[at], name)


def same(cell: object, text: str) -> bool:
    """A cell as it was read, and as the file has it."""
    if isinstance(cell, bool):
        return text == str(cell).lower()
    return float(text) == cell if isinstance(cell, float | int) else text.strip() == cell


def test_sums_are_those_of_the_files(dossier: Dossier) -> None:
    found = trace_evidence(dossier, "edge:cpc-rus")
    assert {row.table for row in found.rows} == set(found.hashes)
    for table, digest in found.hashes.items():
        assert digest == hashlib.sha256((FOLDER / f"{table}.csv").read_bytes()).hexdigest()


def test_an_edge_shows_who_controls_it(
    dossier: Dossier, on_disk: Callable[[str], list[dict[str, str]]]
) -> None:
    edge = next(row for row in on_disk("network_edges") if row["edge_id"] == "cpc-rus")
    assets = {"cpc-rus", edge["from_node"], edge["to_node"]}
    expected = [at for at, row in enumerate(on_disk("network_control"), 2) if row["asset_id"] in assets]
    found = trace_evidence(dossier, "edge:cpc-rus")
    assert roles(found)["who controls it, and why"] == expected
    assert found.title == edge["name"]
    control = {row["source_id"] for at, row in enumerate(on_disk("network_control"), 2) if at in expected}
    assert {source for cell in control for source in cell.split(";")} <= set(found.sources)


def test_a_fact_shows_what_others_say(
    dossier: Dossier, on_disk: Callable[[str], list[dict[str, str]]]
) -> None:
    same = [
        (at, row["source_id"])
        for at, row in enumerate(on_disk("facts"), 2)
        if (row["measure"], row["subject"], row["partner"], row["period"])
        == ("trade_turnover", "KAZ", "CHN", "2024")
    ]
    assert len(same) > 1
    found = trace_evidence(dossier, f"fact:trade_turnover/KAZ/CHN/2024/{same[0][1]}")
    assert roles(found)["itself"] == [same[0][0]]
    assert roles(found)["the same from another source"] == [at for at, _ in same[1:]]
    assert found.title.endswith(": Kazakhstan, China, 2024")
    assert set(found.sources) == {s for _, cell in same for s in cell.split(";")}


def test_a_claim_rests_on_the_rows_of_its_verdict(dossier: Dossier) -> None:
    checked = check_claims(dossier)
    for claim, part in checked.group_by("claim_id", maintain_order=True):
        found = trace_evidence(dossier, f"claim:{claim[0]}")
        named = {place for cell in part["fact_rows"].drop_nulls() for place in cell.split(";") if place}
        rested = {f"{row.table}:{row.row}" for row in found.rows if row.role == "the verdict rests on it"}
        assert rested == named, claim
        assert found.model.startswith(part["combined_verdict"][0])


def test_a_source_shows_every_row_that_rests_on_it(
    dossier: Dossier, on_disk: Callable[[str], list[dict[str, str]]]
) -> None:
    expected = {
        (table, at)
        for table in dossier.tables
        if table != "sources"
        for at, row in enumerate(on_disk(table), 2)
        if "kmg_ar2024" in (row.get("source_id") or "").split(";")
    }
    found = trace_evidence(dossier, "source:kmg_ar2024")
    assert {(row.table, row.row) for row in found.rows[1:]} == expected
    assert len(expected) > 10


def test_names_that_are_none(dossier: Dossier) -> None:
    with pytest.raises(UnknownLabel, match="did you mean edge:cpc-rus"):
        trace_evidence(dossier, "edge:cpc-ruz")
    with pytest.raises(UnknownLabel, match="unknown kind of evidence 'fakt'; allowed: did you mean fact"):
        trace_evidence(dossier, "fakt:gdp/KAZ//2024/s1")
    with pytest.raises(UnknownLabel):
        trace_evidence(dossier, "fact:")
    assert is_evidence("fact:x")
    assert not is_evidence("trade.leverage.RUS.short")


def test_listing(dossier: Dossier) -> None:
    for kind, table in KINDS.items():
        frame = list_evidence(dossier, kind)
        assert frame["id"].to_list() == identifiers(dossier, table)
        assert frame.columns == ["id", "title", "value", "unit"]
    assert list_evidence(dossier, "parameters")["id"].str.starts_with("parameters:").all()
    with pytest.raises(UnknownLabel, match="unknown kind of evidence 'armies'"):
        list_evidence(dossier, "armies")


def test_periods_with_slashes_and_empty_partners(
    make_dossier: Callable[..., Path], small_tables: Mapping[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    gdp = dict(small_tables["facts"][0])
    rows = [gdp | {"period": "2023/2024"}, gdp | {"partner": "RUS"}, gdp | {"source_id": "s2"}]
    dossier = load_dossier(make_dossier(tmp_path / "d", facts=rows))
    found = trace_evidence(dossier, "fact:gdp/KAZ//2023/2024/s1")
    assert roles(found)["itself"] == [2]
    assert found.value == "100"
    assert "the same from another source" not in roles(found)
    assert trace_evidence(dossier, "fact:gdp/KAZ/RUS/2024/s1").rows[0].row == 3


def test_the_command_names_the_dossier_as_asked(make_dossier: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_dossier(tmp_path / "my state")
    found = trace_evidence(load_dossier(folder), "source:s1", where=str(folder))
    assert found.command == f"betweengiants trace source:s1 '{folder}'"
    assert found.dossier == "small 1"
