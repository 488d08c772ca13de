import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from betweengiants.core.errors import OutputError
from betweengiants.core.files import make_folder, write_bytes, write_text


def leftovers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_bytes(str(path), b"one") == path
    assert write_text(path, "Қазақстан\n") == path
    assert path.read_bytes() == "Қазақстан\n".encode()
    assert leftovers(tmp_path) == ["out.csv"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_the_old_content_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(OutputError, match=r"^cannot write .*out\.csv: no space left on device\.$") as caught:
        write_bytes(path, b"new")
    assert caught.value.exit_code == 2
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["out.csv"]


def test_nothing_is_left_when_a_user_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "out.csv", b"new")
    assert leftovers(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    for path in (
        tmp_path / "gone" / "out.csv",
        tmp_path / "file" / "out.csv",
        tmp_path / "folder",
        tmp_path / ("x" * 300),
    ):
        with pytest.raises(OutputError) as caught:
            write_bytes(path, b"new")
        assert caught.value.path == str(path)
    assert leftovers(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser writes anywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="permission denied"):
            write_bytes(tmp_path / "out.csv", b"new")
        with pytest.raises(OutputError, match="permission denied"):
            make_folder(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_refused_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OutputError, match=r"^cannot write .*out\.csv: permission denied\.$"):
        write_bytes(tmp_path / "out.csv", b"new")
    with pytest.raises(OutputError, match="permission denied"):
        make_folder(tmp_path)


def test_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"rows")
    reader.join(timeout=20)
    assert got == [b"rows"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_make_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert make_folder(folder) == folder
    assert make_folder(str(folder)) == folder
    assert leftovers(folder) == []
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(OutputError):
            make_folder(path)
