import io
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from betweengiants.cli.pull import EPILOG, pull
from betweengiants.core.errors import BetweenGiantsError

app = typer.Typer()
app.command(name="pull", epilog=EPILOG)(pull)


def run(*words: object) -> tuple[pl.DataFrame, str]:
    result = CliRunner().invoke(app, [*(str(word) for word in words), "--format", "csv"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return pl.read_csv(io.StringIO(result.stdout)), result.stderr


def test_pull_prints_what_it_wrote(baci_zip: Path, tmp_path: Path) -> None:
    frame, notes = run("baci", "--file", baci_zip, "--store", tmp_path / "store")
    assert frame.columns == ["source", "table", "rows", "path"]
    assert frame.select("source", "table", "rows").rows() == [("baci", "flows", 5)]
    assert Path(frame["path"][0]).is_file()
    assert "number 490" in notes
    listed, _ = run("--list", "--store", tmp_path / "store")
    assert listed["version"].to_list() == ["HS17_V202501"]
    assert run("voeten", "--list", "--store", tmp_path / "store")[0].height == 0


def test_without_a_source_the_sources_are_listed() -> None:
    frame, _ = run()
    assert frame["source"].to_list() == ["baci", "voeten"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bacy"], "did you mean baci"),
        (["baci"], "https://www.cepii.fr"),
        (["--file", "x.zip"], "without a source"),
        (["baci", "--file", "none.zip"], "no such file"),
    ],
)
def test_bad_usage(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETWEENGIANTS_STORE", str(tmp_path))
    with pytest.raises(BetweenGiantsError, match=said) as caught:
        run(*words)
    assert caught.value.exit_code == 2


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert "Example" in result.stdout
    assert "Nothing is fetched" in " ".join(result.stdout.split())
