"""Small files that are whole or not there: written under another name, flushed to the disk, then put in place in one step."""

import os
import tempfile
from pathlib import Path

from edge.errors import UsageError

__all__ = ["create_durably", "replace_durably", "require_folder"]


def require_folder(file: Path) -> None:
    """Before work that takes long: a file can be written there. Raises UsageError where its folder is not there."""
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}", do=f"mkdir -p {file.parent}")


def replace_durably(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Puts `data` at `path`, over what is there. A kill or a full disk leaves the old file whole. Raises OSError."""
    draft = _draft(path, data, mode)
    try:
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def create_durably(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Puts `data` at `path`, where nothing may be yet. Raises FileExistsError, or another OSError."""
    draft = _draft(path, data, mode)
    try:
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _draft(path: Path, data: bytes, mode: int) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
