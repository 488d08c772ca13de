"""What holds for the whole tree: directions of imports, sizes, start-up, and what must not stand in a file."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

MAX_LINES = 400
# Modules that may be longer, each with its reason.
LONGER: dict[str, str] = {}
# Heavy packages that no command needs before it has read its arguments.
HEAVY = ("numpy", "polars", "scipy", "altair", "duckdb", "highspy", "pint")

# In pieces, so that this file does not hold what it looks for.
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "conda." + "anaconda.org",
    "proxy." + "golang.org",
    "--" + "index-url",
    "--extra-" + "index-url",
    "--" + "trusted-host",
]
HOME = re.compile(
    r"(?<![\w./:%~-])/(?:" + "|".join(["ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers"]) + r")/\w"
)
DRIVE = re.compile(r"\b[A-Z]:\\" + "Us" + "ers")


def tracked(repository: Path) -> list[Path]:
    git = shutil.which("git")
    if git is None or not (repository / ".git").exists():
        pytest.skip("not a git working tree")
    done = subprocess.run([git, "ls-files", "-z"], cwd=repository, capture_output=True, check=True)
    return [repository / name for name in done.stdout.decode("utf-8").split("\0") if name]


def text_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    data = path.read_bytes()
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def test_imports_flow_one_way(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert any(contract["type"] == "layers" and contract["exhaustive"] for contract in contracts)
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.is_file():
        pytest.skip("import-linter is not installed beside this Python")
    done = subprocess.run(
        [str(linter), "--no-cache"],
        cwd=repository,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_stands_in_the_contract(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {room.strip() for layer in layers for room in layer.split("|")}
    package = repository / "src" / "betweengiants"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    assert rooms == named


def test_modules_are_short(repository: Path) -> None:
    package = repository / "src" / "betweengiants"
    lengths = {
        path.relative_to(package).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in package.rglob("*.py")
    }
    too_long = {name: count for name, count in lengths.items() if count > MAX_LINES}
    assert set(too_long) == set(LONGER), too_long
    assert all(LONGER.values())


def test_the_command_line_starts_light() -> None:
    code = "import sys, betweengiants.cli.app\nprint(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "typer" in done.stdout.split()
    assert set(done.stdout.split()) & set(HEAVY) == set()


def test_no_file_names_a_machine_or_a_registry(repository: Path) -> None:
    found = []
    for path in tracked(repository):
        text = text_of(path)
        if text is None:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if HOME.search(line) or DRIVE.search(line) or any(host in line for host in HOSTS):
                found.append(f"{path.relative_to(repository)}:{number}: {line[:120]}")
    assert found == []


def test_the_patterns_find_what_they_should() -> None:
    slash = "/"
    assert HOME.search(f'open("{slash}wo' + f'rk{slash}main")')
    assert HOME.search(f"see {slash}ho" + f"me{slash}ann")
    assert not HOME.search(f"https://example.org{slash}ho" + f"me{slash}page")
    assert not HOME.search(f"docs{slash}wo" + f"rk{slash}page")


def test_the_package_is_typed() -> None:
    assert files("betweengiants").joinpath("py.typed").is_file()


def test_one_version(repository: Path) -> None:
    from importlib.metadata import version

    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    stated = settings["project"]["version"]
    assert version("betweengiants") == stated
    citation = repository / "CITATION.cff"
    if citation.is_file():
        match = re.search(
            r"^version:\s*[\"']?([^\"'\s]+)", citation.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert match is not None
        assert match[1] == stated


def test_text_files_are_utf_8_with_lf(repository: Path) -> None:
    kinds = {
        ".py",
        ".csv",
        ".md",
        ".toml",
        ".json",
        ".txt",
        ".cff",
        ".svg",
        ".html",
        ".js",
        ".css",
        ".yml",
        ".yaml",
    }
    for path in tracked(repository):
        if path.suffix in kinds and path.is_file():
            data = path.read_bytes()
            data.decode("utf-8")
            assert b"\r\n" not in data, path
