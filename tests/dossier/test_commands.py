import csv
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from betweengiants.cli.app import main

Capture = pytest.CaptureFixture[str]
HEAD = "claim_id,statement,measure,subject,partner,period,value,unit,relation\n"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_validate(monkeypatch: pytest.MonkeyPatch, dossier_copy: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "dossier", "pack", dossier_copy) == 0
    assert capsys.readouterr().out == f"{dossier_copy / 'datapackage.json'}\n"
    assert run(monkeypatch, "dossier", "validate", dossier_copy) == 0
    out, err = capsys.readouterr()
    assert out.startswith("kazakhstan ")
    assert " rows, no fault found; " in out.splitlines()[0]
    assert err == ""


def test_validate_finds_a_changed_file(
    monkeypatch: pytest.MonkeyPatch, dossier_copy: Path, capsys: Capture
) -> None:
    run(monkeypatch, "dossier", "pack", dossier_copy)
    with (dossier_copy / "facts.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    capsys.readouterr()
    assert run(monkeypatch, "dossier", "validate", dossier_copy) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "betweengiants: datapackage.json: found other sums than those of facts.csv; allowed:"
    )
    assert "Traceback" not in err


def test_validate_names_the_fault(
    monkeypatch: pytest.MonkeyPatch, dossier_copy: Path, capsys: Capture
) -> None:
    path = dossier_copy / "trade_matrix.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[3] = lines[3].replace("2023,ARE", "2023,AER")
    path.write_text("\n".join(lines), encoding="utf-8")
    assert run(monkeypatch, "dossier", "validate", dossier_copy) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        "betweengiants: trade_matrix.csv, row 4, column 'exporter': found unknown actor 'AER'"
    )
    assert err.count("\n") == 1


def test_info(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> None:
    assert run(monkeypatch, "dossier", "info", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"table", "domain", "rows", "sources", "first", "last"} == set(rows[0])
    path = tmp_path / "info.csv"
    assert run(monkeypatch, "dossier", "info", "--format", "csv", "--output", path) == 0
    assert capsys.readouterr().out == ""
    assert len(list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))) == len(rows)


@pytest.mark.parametrize("command", [("dossier", "validate"), ("dossier", "info"), ("check",), ("facts",)])
def test_no_such_dossier(monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: tuple[str, ...]) -> None:
    assert run(monkeypatch, *command, "kazakstan") == 2
    assert capsys.readouterr().err.startswith("betweengiants: found no dossier 'kazakstan'; allowed:")


def test_a_hostile_zip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("../evil.csv", "x")
    assert run(monkeypatch, "dossier", "validate", archive) == 2
    assert "evil.zip: found member '../evil.csv'" in capsys.readouterr().err


def test_facts(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, "facts", "--measure", "agreement_date", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["measure"] for row in rows} == {"agreement_date"}
    assert run(monkeypatch, "facts", "--measure", "agreement_dat") == 2
    err = capsys.readouterr().err
    assert err.startswith("betweengiants: facts.csv: found unknown measure 'agreement_dat'; allowed: did you")
    assert "agreement_date" in err
    assert run(monkeypatch, "facts", "--subject", "KZA") == 2
    assert "did you mean KAZ" in capsys.readouterr().err


def test_check_says_no_with_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> None:
    right = "c1,signed,agreement_date,KAZ,CHN,1995,1995-02-08,date,=\n"
    wrong = "c2,signed,agreement_date,KAZ,CHN,1995,1996,date,=\n"
    path = tmp_path / "claims.csv"
    path.write_text(HEAD + right, encoding="utf-8")
    assert run(monkeypatch, "check", "--claims", path, "--format", "json") == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["verdict"], row["reference_value"]) == ("supported", "1995-02-08")
    assert [name for name in row if name in HEAD] == HEAD.strip().split(",")
    path.write_text(HEAD + right + wrong, encoding="utf-8")
    out = tmp_path / "verdicts.csv"
    assert run(monkeypatch, "check", "--claims", path, "--format", "csv", "--output", out) == 1
    verdicts = [row["verdict"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8")))]
    assert verdicts == ["supported", "contradicted"]
    path.write_text(HEAD + right + wrong.replace("1996", "soon"), encoding="utf-8")
    capsys.readouterr()
    assert run(monkeypatch, "check", "--claims", path) == 2
    assert capsys.readouterr().err.startswith(
        "betweengiants: claims.csv, row 3, column 'value': found 'soon'"
    )


@pytest.mark.parametrize(
    "command", [("dossier", "validate"), ("dossier", "info"), ("dossier", "pack"), ("check",)]
)
def test_help_has_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *command, "--help") == 0
    assert "Example: betweengiants " in capsys.readouterr().out
