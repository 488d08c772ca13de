"""`check` and `facts` on the command line."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = "claim_id,statement,measure,subject,partner,period,value,unit,relation\n"
BORDER = "b,the border,border_length,KAZ,RUS,2026,7600,km,="
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def claims(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, head: str = HEAD) -> Path:
        path = tmp_path / "mine.csv"
        path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_the_table_is_for_readers_and_fits_a_terminal(run: Run) -> None:
    code, out, err = run("check")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].split() == ["id", "verdict", "claim", "evidence", "source"]
    assert max(map(len, lines)) <= 100
    # no column is squeezed until words break: the longest ids and verdicts stand whole
    assert "technology-01  supported" in out
    assert sum(len(line.split()) <= 1 for line in lines) < len(lines) / 4


def test_csv_and_json_hold_everything(run: Run, claims) -> None:
    path = claims(BORDER)
    code, out, _ = run("check", "--claims", path, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    names = HEAD.strip().split(",")
    reference = [
        "verdict",
        "reference_value",
        "reference_unit",
        "reference_period",
        "ratio",
        "rule",
        "source_id",
    ]
    further = ["arithmetic", "fact_rows", "reason", "combined_verdict", "spread"]
    assert [name for name in rows[0] if name in names] == names
    assert [name for name in rows[0] if name in reference] == reference
    assert set(further) <= set(rows[0])
    assert {row["combined_verdict"] for row in rows} == {"supported"}
    assert rows[0]["relation"] == "="
    code, out, _ = run("check", "--claims", path, "--format", "json")
    parsed = json.loads(out)
    assert [row["verdict"] for row in parsed] == [row["verdict"] for row in rows]
    assert parsed[0]["ratio"] == pytest.approx(float(rows[0]["ratio"]))


def test_exit_code_one_says_that_a_claim_does_not_hold(run: Run, claims) -> None:
    assert run("check", "--claims", claims(BORDER))[0] == 0
    assert run("check", "--claims", claims(BORDER.replace("7600", "700")))[0] == 1
    assert run("check", "--claims", claims(BORDER.replace("7600", "76000")))[0] == 1


def test_a_file_with_errors_is_refused_row_by_row(run: Run, claims, tmp_path: Path) -> None:
    path = claims(
        BORDER,
        "c,s,border_length,KAZ,RUS,,long,km,=",
        BORDER,
        "d,s,border_length,KAZ,RUS,,7600,miles,~",
    )
    out_file = tmp_path / "verdicts.csv"
    code, out, err = run("check", "--claims", path, "--output", out_file)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[0] == "betweengiants: mine.csv, row 3, column 'value': found 'long'; allowed: a number."
    assert [line.split(", ")[1].split(":")[0] for line in lines] == ["row 3", "row 4", "row 5", "row 5"]
    assert "Traceback" not in err
    assert not out_file.exists()


def test_tolerance(run: Run, claims) -> None:
    path = claims(BORDER.replace("7600", "7000").replace(",b,", ",x,"))  # 8.4 % below 7,644

    def verdicts(*options: str) -> set[str]:
        out = run("check", "--claims", path, "--format", "json", *options)[1]
        return {row["combined_verdict"] for row in json.loads(out)}

    assert verdicts() == {"imprecise"}
    assert verdicts("--tolerance", "0.09") == {"supported"}
    for refused in ("1", "-0.1", "nan"):
        code, _, err = run("check", "--claims", path, "--tolerance", refused)
        assert code == 2
        assert "allowed: a share from 0 to below 1" in err


def test_claim_review_is_written_beside(run: Run, claims, tmp_path: Path) -> None:
    file = tmp_path / "review.jsonld"
    code, out, _ = run(
        "check", "--claims", claims(BORDER), "--claim-review", file, "--page", "https://example.org/a"
    )
    assert code == 0
    assert out.startswith("id")
    (entry,) = json.loads(file.read_text("utf-8"))["@graph"]
    assert entry["url"] == "https://example.org/a#claim-b"
    assert entry["reviewRating"]["alternateName"] == "supported"
    code, _, err = run("check", "--claim-review", tmp_path / "no" / "where.jsonld")
    assert code == 2
    assert "cannot write" in err


def test_every_kind_from_a_file(run: Run, claims) -> None:
    head = HEAD.strip() + ",kind,against,records,reason\n"
    path = claims(
        "q,s,crude_exports_to,KAZ,CHN,2023,400000,bbl_per_day,about,,,,",
        "d,s,deal_signing_date,ktz,wabtec,2025,2025-11-06,date,=,,,,",
        "p,s,members_among_powers,csto,,2026,KAZ;RUS,parties,=,,,,",
        "c,s,trade_turnover,KAZ,CHN,2024,,,>,,partner=RUS,,",
        "r,s,terminal_throughput,khorgos_gateway,,2025,,,largest,,,,",
        "e,s,,KAZ,csto,2026,,,exists,,,memberships:role=member,",
        "j,s,,,,,,,,,,,judgement",
        head=head,
    )
    code, out, _ = run("check", "--claims", path, "--format", "json")
    found = {row["claim_id"]: (row["kind"], row["combined_verdict"]) for row in json.loads(out)}
    assert code == 1
    assert found == {
        "q": ("quantity", "imprecise"),
        "d": ("date", "contradicted"),
        "p": ("parties", "supported"),
        "c": ("comparison", "supported"),
        "r": ("ranking", "contradicted"),
        "e": ("existence", "supported"),
        "j": (None, "unverifiable"),
    }


def test_facts_says_what_can_be_claimed_about(run: Run) -> None:
    code, out, _ = run("facts", "--measure", "border_length", "--subject", "KAZ", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {(row["measure"], row["subject"]) for row in rows} == {("border_length", "KAZ")}
    code, _, err = run("facts", "--measure", "border_lenght")
    assert code == 2
    assert "did you mean border_length" in err
