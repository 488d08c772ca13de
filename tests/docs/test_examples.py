"""Every example in the README and the docs is run: commands, Python, and the tables that they need."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.DOTALL | re.MULTILINE)
# `check` says with exit code 1 that some claims do not hold: that is its answer, not a failure.
NEGATIVE = {"check": 1}


def blocks(page: Path) -> list[tuple[str, str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def examples() -> list[Path]:
    return [
        page for page in PAGES if any(language in ("console", "python") for language, _, _ in blocks(page))
    ]


@pytest.mark.parametrize("page", examples(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_example_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    for language, name, text in blocks(page):
        if language == "csv" and name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    run(line.removeprefix("$ "), tmp_path)
        elif language == "python":
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", text],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stderr}"


def run(line: str, folder: Path) -> None:
    words = shlex.split(line)
    assert words[0] == "betweengiants", line
    done = subprocess.run(
        [sys.executable, "-m", "betweengiants", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == NEGATIVE.get(words[1], 0), f"{line}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_reference_pages_are_those_of_the_code(tmp_path: Path) -> None:
    module = runpy.run_path(str(ROOT / "tools" / "make_reference.py"))
    assert (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8") == module["cli_page"]()
    assert (ROOT / "docs/reference/dossier.md").read_text(encoding="utf-8") == module["dossier_page"]()


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        assert page.relative_to(ROOT / "docs").as_posix() in listed


def test_readme_links_resolve() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target
