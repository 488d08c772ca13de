import io
import json
import sys
from pathlib import Path

import polars as pl
import pytest

from betweengiants.cli.app import main
from betweengiants.dossier import load_dossier
from betweengiants.dossier.delivery import deal_outcomes


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["betweengiants", "alignment", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


ALLIANCES = (
    "country,partner,value\nKAZ,RUS,3\nKAZ,CHN,1\nRUS,KAZ,3\nRUS,CHN,1\nCHN,KAZ,1\nCHN,RUS,1\nUSA,DEU,3\n"
)
DYADS = (
    "iso3_1,iso3_2,year,atop_defense,atop_offense,atop_neutral,atop_nonagg,atop_consul\n"
    "KAZ,RUS,2018,1,0,0,1,1\nRUS,KAZ,2018,1,0,0,1,1\nKAZ,CHN,2018,0,0,0,1,0\nCHN,KAZ,2018,0,0,0,1,0\n"
)
CAPABILITY = "iso3,year,cinc\nKAZ,2018,0.003\nRUS,2018,0.04\nCHN,2018,0.23\nUSA,2018,0.13\nUSA,2019,\n"


def test_a_users_own_portfolios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "alliances.csv", ALLIANCES)
    words = ("portfolios", path, "--with", "RUS,CHN", "--country", "KAZ", "--format", "csv")
    assert run(monkeypatch, *words) == 0
    plain = pl.read_csv(io.StringIO(capsys.readouterr().out))
    assert plain.columns == ["country", "power", "n", "agreement", "s_score", "kappa", "pi"]
    # without zeros only the partners that both name: China for Russia, Russia for China
    assert plain.select("power", "n", "s_score").rows() == [
        ("CHN", 1, pytest.approx(-1 / 3)),
        ("RUS", 1, 1.0),
    ]
    assert run(monkeypatch, *words, "--zeros") == 0
    out, err = capsys.readouterr()
    zeros = pl.read_csv(io.StringIO(out))
    # KAZ 3 3 1 0 0, RUS 3 3 1 0 0 and CHN 1 1 3 0 0 on KAZ, RUS, CHN, USA, DEU
    assert zeros.select("power", "n", "s_score").rows() == [
        ("CHN", 5, pytest.approx(1 - 2 * 6 / 15)),
        ("RUS", 5, 1.0),
    ]
    assert "18 rows added by --zeros to 7" in err


def test_obligations_to_portfolios_weighted_by_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dyads, nmc = write(tmp_path, "atop.csv", DYADS), write(tmp_path, "nmc.csv", CAPABILITY)
    out = tmp_path / "alliances.parquet"
    words = ("--capability", nmc, "--format", "parquet", "--output", out)
    assert run(monkeypatch, "atop", dyads, *words) == 0
    assert "system: the states of nmc.csv" in capsys.readouterr().err
    built = pl.read_parquet(out)
    assert built.columns == ["country", "partner", "year", "value", "weight"]
    assert built.height == 16
    assert run(monkeypatch, "portfolios", out, "--all-pairs", "--format", "json") == 0
    rows = {(row["country"], row["power"]): row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 6
    # KAZ 3 3 1 0, RUS 3 3 0 0: only the weight of China tells them apart
    total = 0.003 + 0.04 + 0.23 + 0.13
    assert rows["KAZ", "RUS"]["s_score"] == pytest.approx(1 - 2 * 0.23 / (3 * total))
    assert run(monkeypatch, "atop", dyads, "--format", "csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 9


def test_partner_weights_replace_those_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "p.csv", "country,partner,value\nA,X,3\nA,Y,0\nB,X,3\nB,Y,3\n")
    weights = write(tmp_path, "w.csv", "partner,weight\nX,3\nY,1\n")
    words = ("portfolios", path, "--with", "B", "--country", "A", "--format", "json")
    assert run(monkeypatch, *words, "--partner-weights", weights, "--weights", "nominal") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["s_score"] == 0.5
    weights.write_text("partner,weight\nX,3\n", encoding="utf-8")
    assert run(monkeypatch, *words, "--partner-weights", weights) == 2
    assert "no weight for partner Y" in capsys.readouterr().err


def test_institutions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path,
        "m.csv",
        "country,institution,role,start,end\nKAZ,csto,member,1994,\nRUS,csto,member,,\nKAZ,sco,member,2001-06-15,\n"
        "RUS,sco,member,2001-06-15,\nCHN,sco,member,2001-06-15,\n",
    )
    depths = write(tmp_path, "d.csv", "institution,depth\ncsto,1\nsco,0.5\n")
    words = (
        "institutions",
        path,
        "--country",
        "KAZ",
        "--with",
        "RUS,CHN",
        "--from",
        2000,
        "--depths",
        depths,
    )
    assert run(monkeypatch, *words, "--format", "csv") == 0
    out, err = capsys.readouterr()
    found = pl.read_csv(io.StringIO(out))
    assert found.select("power", "year", "depth", "depth_undated", "undated").rows() == [
        ("CHN", 2000, 0, 0, ""),
        ("CHN", 2001, 0.5, 0.5, ""),
        ("RUS", 2000, 0, 1, "csto"),
        ("RUS", 2001, 0.5, 1.5, "csto"),
    ]
    assert "1 of 5 memberships have no start: counted only in the columns ..._undated; overlap_low" in err
    assert found["overlap_low"].to_list() == pytest.approx([0, 1 / 3, 0, 1 / 3])
    assert found["overlap_high"].to_list() == pytest.approx([0, 1 / 3, 1, 1])
    assert run(monkeypatch, *words, "--to", 1990) == 2
    assert "years 2000 to 1990" in capsys.readouterr().err


def test_agreements_visits_and_deliveries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agreements = write(
        tmp_path,
        "a.csv",
        "agreement_id,date,parties,domain,kind,value_usd_m,value_kind,status\n"
        "a1,2013-09,KAZ;CHN,finance,contract,30000,package,signed\na2,2013-09,KAZ;CHN,energy,contract,500,signed,signed\n",
    )
    words = ("--country", "KAZ", "--with", "CHN", "--format", "csv")
    published = write(
        tmp_path, "t.csv", "country_a,country_b,value,as_of,measure\nKAZ,CHN,230,2018,treaties\n"
    )
    assert run(monkeypatch, "agreements", agreements, *words, "--published", published) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["CHN,2013,energy,1,1,0", "CHN,2013,finance,1,1,0"]
    assert "CHN: 2 agreements, 2013 to 2013 (1 years with any), 0 undated; a sample, not a census" in err
    assert "KAZ CHN treaties as of 2018: 2 in the table, 230 published" in err
    assert run(monkeypatch, "agreements", agreements, *words, "--values") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "CHN,2013,package,1,30000.0,a1",
        "CHN,2013,signed,1,500.0,a2",
    ]

    visits = write(
        tmp_path, "v.csv", "date,visitor,host,level,kind,status\n2013-09,CHN,KAZ,head_of_state,state,held\n"
    )
    assert run(monkeypatch, "visits", visits, *words) == 0
    assert capsys.readouterr().out.splitlines()[1] == "CHN,2013,head_of_state,1,0,0,0"

    projects = write(
        tmp_path,
        "p.csv",
        "project,power,announced,announced_value,unit,kind,observed,observed_value\n"
        "locomotives,USA,2018-01,300,locomotives,contract,2024-10,18\npledge,USA,2018-01,7500,usd_m,total,,\n",
    )
    assert run(monkeypatch, "deliveries", projects, "--by-power", "--format", "csv") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["USA,locomotives,contract,1,1,300.0,18.0,0.06", "USA,usd_m,total,1,0,,,"]
    assert err == "outcome known for 1 of 2 projects\n"


def test_a_dossiers_own_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--country", "KAZ", "--with", "CHN", "--format", "csv")
    lines = "2013-09,CHN,KAZ,head_of_state,state,held\n2014-09,KAZ,CHN,head_of_state,state,held\n"
    answers = []
    for visitor in ("visitor", "guest"):
        path = write(tmp_path, f"{visitor}.csv", f"date,{visitor},host,level,kind,status\n{lines}")
        assert run(monkeypatch, "visits", path, *words) == 0
        answers.append(capsys.readouterr())
    assert answers[0] == answers[1]
    both = write(
        tmp_path, "both.csv", "date,visitor,guest,host,level,kind,status\n2013,CHN,CHN,KAZ,a,b,held\n"
    )
    assert run(monkeypatch, "visits", both, *words) == 2
    assert "both 'visitor' and 'guest'" in capsys.readouterr().err

    assert run(monkeypatch, "deliveries", "kazakhstan", "--format", "csv") == 0
    out, err = capsys.readouterr()
    found = pl.read_csv(io.StringIO(out))
    outcomes = deal_outcomes(load_dossier("kazakhstan"))
    promised = outcomes.filter(pl.col("promised_date").is_not_null() & pl.col("unit").is_not_null())
    assert found.height == promised.height
    assert found["delivered"].count() == promised["delivered_share"].count() > 0
    assert f"of {found.height} projects" in err
    assert run(monkeypatch, "deliveries", "kazakhstan", "--by-power") == 0


def test_dyads_of_one_direction_and_outside_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *rows = DYADS.splitlines(keepends=True)
    once = write(tmp_path, "once.csv", head + rows[0] + rows[2])
    twice = write(tmp_path, "twice.csv", DYADS)
    answers = []
    for words in ((twice,), (once,), (once, "--undirected")):
        assert run(monkeypatch, "atop", *words, "--format", "csv") == 0
        answers.append(capsys.readouterr())
    assert "one direction" not in answers[0].err
    assert (
        "2 of 2 dyads with a pact stand in one direction only: zeros the other way; --undirected"
        in answers[1].err
    )
    assert answers[1].out != answers[0].out
    assert answers[2].out == answers[0].out
    assert "read both ways" in answers[2].err
    nmc = write(tmp_path, "nmc.csv", "iso3,year,cinc\nKAZ,2018,0.003\nRUS,2018,0.04\n")
    assert run(monkeypatch, "atop", twice, "--capability", nmc, "--format", "csv") == 0
    assert "2 of 4 dyads left out, as nmc.csv lacks CHN in 2 rows (2018)" in capsys.readouterr().err


def test_zeros_stay_within_the_years_of_a_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path,
        "p.csv",
        "country,partner,value,year\nKAZ,RUS,3,1994\nRUS,KAZ,3,1994\nKAZ,RUS,3,2024\nRUS,KAZ,3,2024\nSSD,RUS,1,2024\n",
    )
    assert run(monkeypatch, "portfolios", path, "--all-pairs", "--zeros", "--format", "csv") == 0
    out, err = capsys.readouterr()
    found = pl.read_csv(io.StringIO(out))
    assert found.filter(pl.col("year") == 1994).select("country", "power", "n").rows() == [("KAZ", "RUS", 2)]
    assert found.filter(pl.col("year") == 2024)["n"].to_list() == [3, 3, 3]
    assert (
        "8 rows added by --zeros to 5 of the table: every pair of the labels that a row of the year names"
        in err
    )
    assert "(2 to 3 a year); 1 of 3 labels are not named in every year" in err


def test_later_years_without_a_composite_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = write(
        tmp_path,
        "parts.csv",
        "country,power,year,part,value\nKAZ,RUS,2020,votes,0.6\nKAZ,CHN,2020,votes,0.8\nKAZ,RUS,2021,visits,0.5\n"
        "KAZ,CHN,2021,votes,0.9\n",
    )
    assert run(monkeypatch, "composite", parts, "--draws", 10) == 0
    err = capsys.readouterr().err
    assert "In 2020 KAZ stood closest to CHN" in err
    assert "no composite for 2021, in which the powers have no part of positive weight in common" in err
    assert "4 of 4 values without a range (low, high): taken as exact" in err
    assert run(monkeypatch, "composite", parts, "--draws", 10, "--basis", "own") == 0
    err = capsys.readouterr().err
    assert "stood at 0.90 with CHN (votes) and 0.50 with RUS (visits)" in err
    assert "so the powers are not ranked" in err


def test_composite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = write(
        tmp_path,
        "parts.csv",
        "country,power,year,part,value,low,high\nKAZ,RUS,2020,votes,0.6,0.5,0.7\nKAZ,CHN,2020,votes,0.8,0.7,0.9\n"
        "KAZ,RUS,2020,visits,0.5,,\nKAZ,CHN,2020,visits,0.5,,\nKAZ,RUS,2021,visits,0.5,,\nKAZ,CHN,2021,visits,0.4,,\n",
    )
    words = ("composite", parts, "--weights", "votes=3,visits=1", "--draws", 200, "--format", "csv")
    assert run(monkeypatch, *words) == 0
    out, err = capsys.readouterr()
    found = pl.read_csv(io.StringIO(out))
    assert found["alignment"].to_list() == pytest.approx([0.725, 0.4, 0.575, 0.5])
    assert found["missing"].to_list() == ["", "votes", "", "votes"]
    assert "weight of votes: 0.75 (drawn" in err
    assert "In 2021 KAZ stood closest to RUS (0.50" in err
    assert err.rstrip().endswith("missing: votes.")
    assert run(monkeypatch, *words) == 0
    assert capsys.readouterr().out == out  # the same seed, byte for byte


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["portfolios", "a.csv"], "neither --with nor --all-pairs"),
        (["portfolios", "a.csv", "--with", "RUS", "--all-pairs"], "both --with and --all-pairs"),
        (["portfolios", "a.csv", "--with", "RSU"], "unknown country 'RSU'; allowed: did you mean RUS?"),
        (["portfolios", "a.csv", "--with", "RUS", "--levels", "0,1"], "row 2, column 'value': found value 3"),
        (["portfolios", "a.csv", "--with", "RUS", "--levels", "0,b"], "--levels '0,b'"),
        (["portfolios", "a.csv", "--with", "RUS", "--levels", "3,0"], "increasing"),
        (["portfolios", "w.csv", "--with", "RUS", "--zeros"], "weights together with --zeros"),
        (["portfolios", "none.csv", "--with", "RUS"], "no such file"),
        (["atop", "a.csv"], "no column 'iso3_1'"),
        (["composite", "a.csv"], "no column 'power'"),
        (["composite", "p.csv", "--weights", "votes"], "part=number"),
        (["composite", "p.csv", "--weights", "votes=1,votes=2"], "part=number"),
        (["composite", "p.csv", "--draws", "0"], "draws from 1 to 1000000"),
        (["composite", "p.csv", "--concentration", "inf"], "a concentration from 0.01 to 1000000"),
        (["composite", "p.csv", "--concentration", "1e308"], "a concentration from 0.01 to 1000000"),
        (["composite", "p.csv", "--weights", "votes=inf"], "numbers from 0 to 1000000000"),
        (["portfolios", "i.csv", "--with", "RUS"], "i.csv, row 3, column 'weight': found inf"),
        (["portfolios", "a.csv", "--with", "RUS", "--levels", "0,inf"], "levels [0.0, inf]"),
        (["portfolios", "t.csv", "--with", "RUS"], "t.csv, row 3, column 'weight': found 2 for partner CHN"),
        (["visits", "a.csv", "--country", "KAZ", "--with", "RUS"], "no column 'date'"),
        (["deliveries", "a.csv"], "no column 'project'"),
        (["institutions", "a.csv", "--country", "KAZ", "--with", "RUS"], "no column 'institution'"),
        (["agreements", "a.csv", "--country", "KAZ", "--with", "RUS"], "no column 'agreement_id'"),
    ],
)
def test_bad_input_ends_with_two(
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, "a.csv", ALLIANCES)
    write(tmp_path, "w.csv", "country,partner,value,weight\nKAZ,RUS,3,1\nRUS,KAZ,3,1\n")
    write(tmp_path, "i.csv", "country,partner,value,weight\nKAZ,RUS,3,1\nRUS,KAZ,3,inf\n")
    write(tmp_path, "t.csv", "country,partner,value,weight\nKAZ,CHN,3,1\nRUS,CHN,3,2\n")
    write(tmp_path, "p.csv", "country,power,year,part,value\nKAZ,RUS,2020,votes,0.5\n")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
