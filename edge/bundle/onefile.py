"""One regular file, opened once and read once into one buffer with a cap: what was checked is what is used."""

import errno
import os
import stat
from pathlib import Path

from edge.errors import InputRefused, MachineLacks

__all__ = ["read_once"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def read_once(path: Path, cap_b: int) -> bytes:
    """At most cap_b + 1 bytes of a regular file (one more than the cap means: too large). A symbolic link is followed.

    Raises InputRefused when there is no such file or when it is a folder, pipe, device or socket; MachineLacks when it may not be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer must not hold us
    except OSError as error:
        raise _refusal(path, error) from error
    except ValueError as error:  # a zero byte in the name
        raise InputRefused(f"{str(path)!r} can be the name of no file", do="check the path") from error
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")
            raise InputRefused(f"{path} is {kind}, not a file", do="name the file itself")
        return _read_all(handle, cap_b + 1)
    except OSError as error:
        raise MachineLacks(f"{path}: {error.strerror}", do="check the disk or the cable") from error
    finally:
        os.close(handle)


def _read_all(handle: int, most_b: int) -> bytes:
    parts: list[bytes] = []
    left_b = most_b
    while left_b and (part := os.read(handle, min(left_b, 1 << 22))):
        parts.append(part)
        left_b -= len(part)
    return b"".join(parts)


def _refusal(path: Path, error: OSError) -> InputRefused | MachineLacks:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        what = "leads nowhere: it is a broken link" if path.is_symlink() else "is not there"
        return InputRefused(f"{path} {what}", do="check the path")
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return InputRefused(f"{path} is a socket or device, not a file", do="name the file itself")
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL):
        return InputRefused(f"{str(path)[:200]}: {error.strerror}", do="check the path")
    return MachineLacks(f"{path}: {error.strerror}", do="check who may read it")
