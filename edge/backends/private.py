"""Files that belong to this user on this machine alone: what was tuned, proven and built here."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from edge.bundle.durable import replace_durably
from edge.errors import MachineLacks

__all__ = ["Places", "default_places", "is_private", "make_private", "write_private"]

ELSEWHERE = "name a place that can be written to (XDG_CACHE_HOME, XDG_STATE_HOME)"
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Places:
    """cache: what can be made again (tuning, engine plans). state: what was proven here, and cannot be made again without work."""

    cache: Path
    state: Path


def default_places() -> Places:
    """The XDG folders of this user (XDG Base Directory Specification 0.8)."""
    home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state")
    return Places(cache / "sonoderm", state / "sonoderm")


def is_private(path: Path) -> bool:
    """Does it belong to this user (or root), with no one else allowed to write to it? False where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & OTHERS_MAY_WRITE


def make_private(folder: Path) -> Path:
    """The folder, made with mode 0700 where it is missing. Raises MachineLacks where that cannot be, or where others may write to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise MachineLacks(f"{folder}: {error.strerror}", do=ELSEWHERE) from error
    if not folder.is_dir() or not is_private(folder):
        raise MachineLacks(f"{folder} belongs to somebody else, or others may write to it", do=f"chmod go-w {folder}")
    return folder


def write_private(path: Path, data: bytes) -> None:
    """All of it or nothing, mode 0600. Raises MachineLacks with the system's reason."""
    make_private(path.parent)
    try:
        replace_durably(path, data, mode=0o600)
    except OSError as error:
        raise MachineLacks(f"{path}: {error.strerror}", do=f"free some space, or {ELSEWHERE}") from error
