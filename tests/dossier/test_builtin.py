import csv
import json
import re
import warnings
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.countries import countries
from betweengiants.core.errors import UnknownLabel
from betweengiants.dossier import Dossier, builtin_names, load_dossier, schema
from betweengiants.dossier.claims import check_claims
from betweengiants.dossier.coverage import coverage, used_sources
from betweengiants.dossier.descriptor import changed_files, read_header
from betweengiants.dossier.packing import pack

PERIOD = re.compile(r"\d{4}(-H[12]|-Q[1-4]|-(0[1-9]|1[0-2])(-\d\d)?)?(/\d{4}(-(0[1-9]|1[0-2])(-\d\d)?)?)?")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return load_dossier()


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_loads(dossier: Dossier) -> None:
    assert builtin_names() == ["kazakhstan"]
    assert (dossier.focal, dossier.powers) == ("KAZ", ("RUS", "CHN", "USA", "EU27"))
    assert dossier.has(*schema.REQUIRED_TABLES)
    assert dossier.has("network_nodes", "network_edges", "claims", "incidents")
    assert not dossier.has("sources", "no_such_table")
    assert set(dossier.hashes) == set(dossier.tables)
    assert dossier.actor_names["KAZ"] == "Kazakhstan"


def test_parameters(dossier: Dossier) -> None:
    for name in dossier.tables["parameters"]["parameter"]:
        value, low, high = dossier.parameter(name)
        assert low <= value <= high
    assert 7 < dossier.parameter("barrels_per_tonne")[0] < 8
    with pytest.raises(UnknownLabel, match=r"^parameters\.csv: .*did you mean barrels_per_tonne"):
        dossier.parameter("barrels_per_ton")


def test_files_are_plain_and_sorted(dossier_copy: Path) -> None:
    on_disk = {path.name for path in dossier_copy.iterdir()}
    assert on_disk == {f"{table}.csv" for table in schema.tables()} | {"datapackage.json"}
    for table, fields in schema.tables().items():
        data = (dossier_copy / f"{table}.csv").read_bytes()
        data.decode("utf-8")
        assert b"\r" not in data, table
        assert not data.startswith(b"\xef\xbb\xbf"), table
        assert data.endswith(b"\n"), table
        assert not data.endswith(b"\n\n"), table
        rows = rows_of(dossier_copy, table)
        assert list(rows[0]) == [field.name for field in fields], table
        keys = [tuple(row[name] for name in schema.key_of(table)) for row in rows]
        assert keys == sorted(keys), table
        assert not any(cell != cell.strip() for row in rows for cell in row.values()), table


def test_the_descriptor_is_up_to_date(dossier_copy: Path) -> None:
    before = (dossier_copy / "datapackage.json").read_bytes()
    assert changed_files(dossier_copy) == []
    assert pack(dossier_copy) == dossier_copy / "datapackage.json"
    assert (dossier_copy / "datapackage.json").read_bytes() == before


def test_another_reader_finds_it_valid(dossier_copy: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=SyntaxWarning)
        from frictionless import validate

        report = validate(dossier_copy / "datapackage.json")
    assert report.flatten(["taskNumber", "rowNumber", "fieldName", "message"]) == []
    assert report.valid
    assert report.stats["tasks"] == len(schema.tables())


def test_another_reader_finds_faults(dossier_copy: Path) -> None:
    path = dossier_copy / "trade_matrix.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("2023,", "many,", 1), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=SyntaxWarning)
        from frictionless import validate

        report = validate(dossier_copy / "datapackage.json")
    found = report.flatten(["type", "rowNumber", "fieldName"])
    assert ["type-error", 2, "year"] in found
    assert "hash-count" in {fault[0] for fault in found}


def test_codes_of_states_are_known(dossier: Dossier) -> None:
    actors = dossier.tables["actors"]
    states = set(actors.filter(actors["kind"] == "state")["actor"])
    assert states <= set(countries())
    assert {*dossier.powers, dossier.focal} <= set(actors["actor"])


def test_periods_have_one_of_the_known_forms(dossier: Dossier) -> None:
    periods = set(dossier.tables["facts"]["period"]) | set(dossier.tables["claims"]["period"].drop_nulls())
    assert [period for period in periods if not PERIOD.fullmatch(period)] == []


def test_the_matrix_is_square_and_of_the_stated_states(dossier: Dossier) -> None:
    matrix = dossier.tables["trade_matrix"]
    states = set(matrix["exporter"])
    assert states == set(matrix["importer"])
    assert {dossier.focal, *dossier.powers} <= states
    for (_year,), part in matrix.group_by("year"):
        assert part.height == len(states) ** 2


def test_every_number_leads_to_a_source(dossier: Dossier) -> None:
    frames = [frame for name, frame in dossier.tables.items() if name != "sources"]
    used = used_sources(*frames)
    assert used == sorted(used)
    assert set(used) <= set(dossier.tables["sources"]["source_id"])


def test_coverage(dossier: Dossier) -> None:
    table = coverage(dossier)
    assert table.columns == ["table", "domain", "rows", "sources", "first", "last"]
    facts = table.filter(table["table"] == "facts")
    assert facts["rows"].sum() == dossier.tables["facts"].height
    assert set(facts["domain"]) <= set(dossier.tables["measures"]["domain"])
    assert set(table["table"]) == set(dossier.tables)
    dated = table.filter(table["first"] != "")
    assert (dated["first"] <= dated["last"]).all()


# Domains without a price of their own; the powers with a share in each are those the evidence names.
SHARES = {
    "security": {"RUS"},
    "finance": {"RUS", "CHN", "USA", "EU27"},
    "technology": {"RUS", "CHN", "USA", "EU27"},
    "minerals": {"RUS", "CHN", "USA", "EU27"},
    "food": {"RUS", "CHN", "USA", "EU27"},
    "fuel": {"RUS", "CHN", "USA", "EU27"},
    "electricity": {"RUS"},
    "water": {"RUS", "CHN"},
    "information": {"RUS", "CHN", "USA"},
    "people": {"RUS", "CHN", "USA", "EU27"},
}


def test_it_is_whole(dossier: Dossier) -> None:
    assert dossier.tables["facts"].height >= 1_200
    assert dossier.tables["sources"].height >= 250
    assert set(schema.tables()) == set(dossier.tables)
    assert all(frame.height for frame in dossier.tables.values())


def shares_of(dossier: Dossier) -> pl.DataFrame:
    domains = dossier.tables["measures"].filter(pl.col("measure").str.ends_with("_share"), unit="pct")
    return (
        dossier.tables["facts"]
        .join(domains.select("measure", "domain"), on="measure")
        .filter(pl.col("domain").is_in(list(SHARES)))
        .with_columns(pl.col("value").cast(pl.Float64))
    )


def test_every_domain_without_a_price_has_shares_by_power(dossier: Dossier) -> None:
    shares = shares_of(dossier)
    for domain, powers in SHARES.items():
        found = shares.filter(pl.col("domain") == domain, pl.col("partner").is_in(list(powers)))
        assert set(found["partner"]) == powers, domain
        assert found["source_id"].null_count() == 0


def test_shares_of_states_do_not_pass_the_whole(dossier: Dossier) -> None:
    actors = dossier.tables["actors"].filter(pl.col("kind") == "state")["actor"]
    single = shares_of(dossier).filter(pl.col("partner").is_in(actors.implode()))
    sums = single.group_by("measure", "subject", "period", "source_id").agg(pl.col("value").sum(), n=pl.len())
    assert sums["n"].max() > 3
    assert sums.filter(pl.col("value") > 100.1).height == 0


def test_its_claims_have_verdicts(dossier: Dossier) -> None:
    verdicts = check_claims(dossier)
    assert set(verdicts["claim_id"]) == set(dossier.tables["claims"]["claim_id"])
    words = {"supported", "imprecise", "contradicted", "implausible", "unverifiable"}
    assert set(verdicts["verdict"]) <= words
    checked = verdicts.filter(verdicts["reference_value"].is_not_null())
    assert checked.height
    assert checked["source_id"].null_count() == 0
    assert verdicts["rule"].null_count() == 0


def test_the_header_is_read_on_its_own(dossier_copy: Path) -> None:
    header = read_header(dossier_copy)
    assert header.paths["facts"] == "facts.csv"
    assert (
        header.base_year
        == json.loads((dossier_copy / "datapackage.json").read_text("utf-8"))["betweengiants"]["base_year"]
    )
