"""What a report leaves in its folder: all of it or nothing, readable again, the same every time."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import polars as pl
import pytest

from betweengiants.core.errors import OutputError
from betweengiants.position import Position
from betweengiants.report import Written, write_report
from betweengiants.report.answer import answer
from betweengiants.report.beside import Beside
from betweengiants.report.figure import Figure
from betweengiants.report.tables import coalition_table, report_tables


def relative(written: Written) -> list[str]:
    return [path.relative_to(written.page.parent).as_posix() for path in written.files]


def test_all_files_are_there_and_no_others(written: Written, figures: dict[str, Figure]) -> None:
    names = relative(written)
    assert names[0] == "index.html"
    assert len(names) == len(set(names))
    on_disk = {
        p.relative_to(written.page.parent).as_posix() for p in written.page.parent.rglob("*") if p.is_file()
    }
    assert on_disk == set(names)
    assert {f"figures/{name}.png" for name in figures} <= set(names)
    assert {f"tables/figure-{name}.csv" for name in figures} <= set(names)
    tables = ("results", "coalitions", "coverage", "sources", "claims")
    assert {"position.json", *(f"tables/{name}.csv" for name in tables)} <= set(names)
    assert set(figures) >= {"position", "channels", "votes", "oil-map", "severance"}


def test_the_json_is_that_of_the_position(written: Written, position: Position) -> None:
    text = (written.page.parent / "position.json").read_bytes()
    assert text == position.to_json().encode("utf-8")
    assert len(json.loads(text)["results"]) == position.results.height


def test_tables_read_back_are_the_frames(
    written: Written, position: Position, figures: dict[str, Figure], beside: Beside
) -> None:
    tables = report_tables(position, figures, beside)
    folder = written.page.parent / "tables"
    assert {path.stem for path in folder.iterdir()} == set(tables)
    for name, frame in tables.items():
        data = (folder / f"{name}.csv").read_bytes()
        assert b"\r" not in data
        assert data.endswith(b"\n")
        back = pl.read_csv(io.BytesIO(data), schema=frame.schema)
        empty = pl.col(pl.String).fill_null("")
        assert back.with_columns(empty).equals(frame.with_columns(empty)), name


def test_numbers_in_the_tables_are_unrounded(written: Written, position: Position) -> None:
    results = pl.read_csv(written.page.parent / "tables" / "results.csv", schema=position.results.schema)
    for column in ("value", "low", "high"):
        assert results[column].to_list() == position.results[column].to_list()


def test_the_coalition_table_is_the_long_table_turned(position: Position) -> None:
    table = coalition_table(position)
    assert table.height == 15
    for row in table.to_dicts():
        group = row["coalition"].split("+")
        short = position.number("trade", "leverage_pct", *group, horizon="short")
        keys = ("trade_short_pct", "trade_short_low_pct", "trade_short_high_pct")
        assert tuple(row[key] for key in keys) == (short.value, short.low, short.high)
        lost = position.number("oil_transit", "lost_usd_m", *group)
        assert (row["oil_lost_usd_m"], row["oil_lost_usd_m_low"], row["oil_lost_usd_m_high"]) == (
            lost.value,
            lost.low,
            lost.high,
        )


def test_pictures_are_pictures(written: Written) -> None:
    for path in written.files:
        if path.suffix == ".png":
            width, height, pixels = png(path.read_bytes())
            assert width > 1500, path.name
            assert height > 300, path.name
            assert len(set(pixels)) > 50, path.name  # drawn on, not one flat colour


def png(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and the unpacked rows of a PNG with 8 bits a channel; every checksum is looked at."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place, header, packed = 8, b"", b""
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack(">I", data[place + 8 + size : place + 12 + size])
        assert checksum == zlib.crc32(kind + body)
        header, packed = (body if kind == b"IHDR" else header), packed + (body if kind == b"IDAT" else b"")
        place += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    pixels = zlib.decompress(packed)
    assert depth == 8
    assert len(pixels) == height * (1 + width * channels)
    return width, height, pixels


def test_the_page_is_small_enough_to_send(written: Written) -> None:
    assert written.page.stat().st_size < 2_000_000


def test_another_run_writes_the_same_bytes(written: Written, position: Position, tmp_path: Path) -> None:
    """From the command line, in another process, with other hashes of strings, in another folder and time zone."""
    out = tmp_path / "new" / "report"
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "betweengiants",
            "report",
            "kazakhstan",
            "--draws",
            "0",
            "--out",
            str(out),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONHASHSEED": "11", "TZ": "Asia/Almaty", "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert str(out / "index.html") in done.stdout.replace("\n", "")
    shown = " ".join(done.stdout.split())
    assert all(sentence.text in shown for sentence in answer(position))
    first = written.page.parent
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == set(relative(written))
    for name in relative(written):
        assert (out / name).read_bytes() == (first / name).read_bytes(), name


def test_a_file_in_place_of_the_folder_is_refused_before_any_work(position: Position, tmp_path: Path) -> None:
    blocked = tmp_path / "report"
    blocked.write_text("mine", encoding="utf-8")
    steps: list[str] = []
    for place in (blocked, blocked / "below"):
        with pytest.raises(OutputError) as refused:
            write_report(position, place, steps.append)
        assert refused.value.exit_code == 2
        assert str(place) in str(refused.value)
    assert steps == []
    assert blocked.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
