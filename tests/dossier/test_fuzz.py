"""Dossiers damaged at random: whatever is broken, only our own errors come out."""

import json
import shutil
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from betweengiants.core.errors import BetweenGiantsError
from betweengiants.dossier import inventory, load_dossier
from betweengiants.dossier.consistency import check_consistency
from betweengiants.dossier.descriptor import DESCRIPTOR

FUZZ_SECONDS = 20
FACTS = b"measure,subject,partner,period,value,unit,low,high,basis,warnings,source_id,note\n"
FACT = b"gdp,KAZ,,2024,100,usd_m,,,reported,,s1,\n"
Make = Callable[..., Path]


TOKENS = [
    *(
        b'"',
        b",",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"=1+1",
        b"1e400",
        b"-1",
        b"inf",
        b"nan",
        b";",
        b" ",
    ),
    *(
        b"KAZ",
        b"s1",
        b"2024",
        b"../",
        b"/etc/passwd",
        b"\x1b[2J",
        "Ж\u202e".encode(),
        b"{",
        b"}",
        b"[",
        b'"\\ud800"',
        b"9" * 400,
    ),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def mutate(data: st.DataObject, whole: bytes) -> bytes:
    """Some bytes flipped, put in, taken out, doubled, or the end cut off."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(whole)))
        end = min(len(whole), start + data.draw(st.integers(0, 60)))
        match data.draw(st.sampled_from(["token", "byte", "delete", "double", "cut", "move"])):
            case "token":
                whole = whole[:start] + data.draw(st.sampled_from(TOKENS)) + whole[start:]
            case "byte":
                whole = whole[:start] + bytes([data.draw(st.integers(0, 255))]) + whole[start + 1 :]
            case "delete":
                whole = whole[:start] + whole[end:]
            case "double":
                whole = whole[:end] + whole[start:end] * data.draw(st.integers(1, 30)) + whole[end:]
            case "cut":
                whole = whole[:start]
            case "move":
                whole = whole[end:] + whole[start:end] + whole[:start]
    return whole


def damage_cell(data: st.DataObject, path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    row = data.draw(st.integers(0, len(lines) - 1))
    cells = lines[row].split(b",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
        st.sampled_from(TOKENS) | st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace"))
    )
    lines[row] = b",".join(cells)
    path.write_bytes(b"\n".join(lines))


def damage_json(data: st.DataObject, path: Path) -> None:
    """Another value, or none, at a random place of the descriptor."""
    try:
        package = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return  # broken before
    at: Any = package
    while isinstance(at, dict | list):
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            if data.draw(st.booleans()):
                at[key] = data.draw(JSON)
            else:
                del at[key]
            break
        at = at[key]
    path.write_text(json.dumps(package), "utf-8")


def plain_files(folder: Path) -> list[Path]:
    """Files that may be written to: never through a link."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())


def damage(data: st.DataObject, folder: Path) -> Path:
    """A dossier after one to three of the things that go wrong with folders and archives."""
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(plain_files(folder)))
        how = data.draw(st.sampled_from(["cell", "cell", "bytes", "json", "gone", "link", "folder", "swap"]))
        if how == "cell" and path.suffix == ".csv":
            damage_cell(data, path)
        elif how == "bytes":
            path.write_bytes(mutate(data, path.read_bytes()))
        elif how == "json" and path.name == DESCRIPTOR:
            damage_json(data, path)
        elif how == "swap":
            path.write_bytes(data.draw(st.sampled_from(plain_files(folder))).read_bytes())
        elif how in ("gone", "link", "folder") and data.draw(st.integers(0, 3)) == 0:
            path.unlink()
            if how == "link":
                path.symlink_to(folder.parent / "outside.csv")
            elif how == "folder":
                path.mkdir()
        if not plain_files(folder):
            break
    if data.draw(st.integers(0, 3)):
        return folder
    archive = Path(shutil.make_archive(str(folder.parent / "d"), "zip", folder))
    if data.draw(st.booleans()):
        archive.write_bytes(mutate(data, archive.read_bytes()))
    return archive


def test_whatever_is_broken_only_our_errors_come_out(make_dossier: Make, tmp_path: Path) -> None:
    """Twenty seconds of examples, the same ones in the same order in every run, as many as the machine gets through."""
    original = make_dossier(
        tmp_path / "original",
        institutions=[{"institution": "club", "name": "Club", "domain": "diplomacy", "kind": "club"}],
        memberships=[
            {"country": "KAZ", "institution": "club", "role": "member", "start": "1992", "source_id": "s1"}
        ],
    )
    outcomes = {"read": 0, "refused": 0}
    scratch = tmp_path / "scratch"
    told: list[str] = []

    @settings(
        max_examples=50,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def attack(data: st.DataObject) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        copy = Path(shutil.copytree(original, scratch / "d"))
        (scratch / "outside.csv").write_bytes(
            FACTS + FACT
        )  # where links lead: a good table, but not of the dossier
        where = damage(data, copy)
        try:
            dossier = load_dossier(where, complete=False)
        except BetweenGiantsError as error:
            outcomes["refused"] += 1
            told.append(str(error))
            return
        outcomes["read"] += 1
        check_consistency(dossier)
        for view in (inventory.conflicts, inventory.gaps, inventory.by_year, inventory.staleness):
            view(dossier)

    end = time.monotonic() + FUZZ_SECONDS
    for batch in count():
        seed(batch)(attack)()
        if time.monotonic() > end:
            break
    assert outcomes["read"] > 20
    assert outcomes["refused"] > 20
    assert [text for text in told if not text.isprintable() or len(text) > 2_000] == []
