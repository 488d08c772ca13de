import datetime
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from betweengiants.cli import output
from betweengiants.cli.output import Format, emit
from betweengiants.core.errors import DataError, OutputError

FRAME = pl.DataFrame(
    {
        "country": ["KAZ", "Қазақстан, Республикасы", None],
        "value": [1 / 3, math.inf, -1e-20],
        "n": [1, None, 2**60],
    }
)
FORMATS = [form for form in Format if form is not Format.parquet]


def test_csv_is_unrounded(capsys: pytest.CaptureFixture[str]) -> None:
    emit(FRAME, Format.csv, None)
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["country,value,n", "KAZ,0.3333333333333333,1"]
    assert "\r" not in out
    assert pl.read_csv(io.StringIO(out)).equals(FRAME)


def test_json_is_unrounded_and_knows_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    frame = FRAME.with_columns(
        low=pl.Series([-math.inf, math.nan, 0.1]), day=pl.Series([datetime.date(2025, 11, 12)] * 3)
    )
    emit(frame, Format.json, None)
    rows = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [row["value"] for row in rows] == [1 / 3, "inf", -1e-20]
    assert [row["low"] for row in rows] == ["-inf", None, 0.1]
    assert [row["n"] for row in rows] == [1, None, 2**60]
    assert rows[1]["country"] == "Қазақстан, Республикасы"
    assert rows[0]["day"] == "2025-11-12"


def test_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pl.DataFrame(
        {
            "name": ["[red]x[/red]", "y\x1b[31m\x07", None, "e"],
            "value": [1234567.891, 0.12345, 1e-7, math.inf],
            "big": [1e300, 0.0, -100.04, math.nan],
        }
    )
    emit(frame, Format.table, None)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    lines = [line.split() for line in out.splitlines()]
    assert lines == [
        ["name", "value", "big"],
        ["[red]x[/red]", "1,234,567.9", "1.000e+300"],
        ["y", "[31m", "0.123", "0.000"],
        ["-", "1.00e-07", "-100.0"],
        ["e", "inf", "nan"],
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_table(format: Format, capsys: pytest.CaptureFixture[str]) -> None:
    emit(FRAME.head(0), format, None)
    out = capsys.readouterr().out
    assert out == "[]\n" if format is Format.json else out.split(",")[0].startswith("country")


@pytest.mark.parametrize("format", FORMATS)
def test_files_hold_what_the_screen_shows(
    format: Format, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out"
    emit(FRAME, format, None, notes=("a note",))
    shown = capsys.readouterr()
    assert shown.err == "a note\n"
    emit(FRAME, format, path, notes=("a note",))
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "a note\n")
    assert path.read_bytes() == shown.out.encode("utf-8")


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    emit(FRAME, Format.parquet, path)
    assert pl.read_parquet(path).equals(FRAME)


def test_parquet_is_not_for_screens(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"--format parquet without --output; allowed: --output FILE\.$"):
        emit(FRAME, Format.parquet, None)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("format", list(Format))
def test_places_that_cannot_be_written(format: Format, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    for path in (tmp_path / "gone" / "out.csv", tmp_path / "file" / "out.csv", tmp_path):
        with pytest.raises(OutputError, match=r"^cannot write"):
            emit(FRAME, format, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("format", list(Format))
def test_nothing_is_half_written(format: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="no space left"):
        emit(FRAME, format, path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


class Screen(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True


def test_a_screen_with_few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(output.sys, "stdout", screen)
    emit(FRAME, Format.csv, None)
    assert r"\u049a\u0430" in screen.getvalue()


def test_files_hold_no_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.sys, "stdout", Screen())
    monkeypatch.setenv("TERM", "xterm-256color")
    emit(FRAME, Format.table, tmp_path / "out")
    assert b"\x1b" not in (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_pipes_get_utf_8_whatever_the_locale(format: Format) -> None:
    code = (
        "import polars as pl\n"
        "from betweengiants.cli.output import Format, emit\n"
        f"emit(pl.DataFrame({{'name': ['Қазақстан']}}), Format.{format}, None)\n"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert "Қазақстан" in done.stdout.decode("utf-8")
    assert done.stderr == b""
