"""Writing files whole or not at all: write beside, then rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from betweengiants.core.errors import OutputError


def write_bytes(path: Path | str, data: bytes) -> Path:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    A link is followed; a device or a pipe (/dev/stdout) is written to as it is, not replaced by a file.

    Raises:
        OutputError: the folder is missing, is a file, or cannot be written to.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return path
        _replace(path.resolve(), data)
    except (OSError, RuntimeError) as error:
        raise OutputError(str(path), _reason(error)) from error
    return path


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path | str, text: str) -> Path:
    """Write UTF-8 text with LF line ends (see `write_bytes`)."""
    return write_bytes(path, text.encode("utf-8"))


def make_folder(path: Path | str) -> Path:
    """Create a folder and check that files can be made in it.

    Raises:
        OutputError: it cannot be created or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(dir=path, prefix=".probe.")
        os.close(handle)
        Path(probe).unlink()
    except OSError as error:
        raise OutputError(str(path), _reason(error)) from error
    return path


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
