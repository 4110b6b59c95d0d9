"""What a step leaves on the disk appears whole or not at all: written under another name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

__all__ = ["finished", "reserved"]


@contextmanager
def finished(target: Path) -> Iterator[Path]:
    """A name to write to. It becomes `target` when the block ends well, and is removed when it fails (a full disk).

    The name holds the process id, so that two processes that make the same thing never write one file.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def reserved(partial: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """A new memory-mapped uint8 array whose room on the disk is taken at once.

    Without that a full disk kills the process by SIGBUS at some later write. Raises OSError (ENOSPC).
    """
    out = open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # macOS has none
        with partial.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
    return out
