"""Who holds a port: read from /proc on Linux; elsewhere nobody can say."""

import os
from pathlib import Path
from typing import Final

__all__ = ["holders_of"]

PROC: Final = Path("/proc")


def holders_of(port: str, proc: Path = PROC) -> tuple[str, ...]:
    """`name (pid N)` of every other process that has the port open, as far as we may look."""
    target = os.path.realpath(port)
    found = []
    for folder in sorted((f for f in _entries(proc) if f.name.isdigit()), key=lambda f: int(f.name)):
        if int(folder.name) != os.getpid() and _has_open(folder, target):
            found.append(f"{_name(folder)} (pid {folder.name})")
    return tuple(found)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _has_open(process: Path, target: str) -> bool:
    for handle in _entries(process / "fd"):
        try:
            if os.readlink(handle) == target:
                return True
        except OSError:
            continue  # closed in the meantime
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip() or "a process"
    except OSError:
        return "a process"
