"""revoked.txt: digests that are refused whatever signs them. What cannot be read or understood is an error, never an empty list."""

import stat
from pathlib import Path
from typing import Final

from edge.bundle.onefile import read_once
from edge.errors import MachineLacks, NotTrusted

__all__ = ["MAX_REVOKED_B", "REVOKED", "anyone_may_write", "read_revoked", "unreadable"]

REVOKED: Final = "revoked.txt"
MAX_REVOKED_B: Final = 4 * 1024 * 1024
_HEX = frozenset("0123456789abcdef")


def read_revoked(folder: Path) -> frozenset[str]:
    """The digests of folder/revoked.txt, lower-case hex; none where there is no such file.

    One SHA-256 a line, of a key, a payload, an image or a file; what follows it on the line is a remark, # begins a comment.
    Raises NotTrusted for a line that is neither, or a file that anyone may write to; MachineLacks when it may not be read.
    """
    path = folder / REVOKED
    try:
        if not path.exists() and not path.is_symlink():
            return frozenset()
        if path.stat().st_mode & stat.S_IWOTH:
            raise anyone_may_write(path)
    except OSError as error:
        raise unreadable(path, error) from error
    data = read_once(path, MAX_REVOKED_B)
    if len(data) > MAX_REVOKED_B:
        raise NotTrusted(f"{path} is larger than {MAX_REVOKED_B} bytes", do="check what was written there")
    found: set[str] = set()
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        digest = words[0].lower()
        if len(digest) != 64 or not _HEX.issuperset(digest):
            raise NotTrusted(f"{path}, line {number}: this is no SHA-256 of 64 hex digits", do="mend the line: it may be a revocation")
        found.add(digest)
    return frozenset(found)


def unreadable(path: Path, error: OSError) -> MachineLacks:
    return MachineLacks(f"{path}: {error.strerror}", state="nothing is trusted until it can be read", do="check who may read it")


def anyone_may_write(path: Path) -> NotTrusted:
    return NotTrusted(f"{path} may be written to by anyone, so nothing in it can be trusted", do=f"chmod o-w {path}")
