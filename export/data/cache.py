"""Pictures decoded once into a memory-mapped array, keyed by the digest of what went in."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from edge.frame import U8
from edge.sources.picture import read_picture

__all__ = ["cached"]

RECIPE_OF_CACHE = 1  # raise it when the meaning of the stored pixels changes


def _key(paths: Sequence[Path], what: str) -> str:
    digest = hashlib.sha256(f"{RECIPE_OF_CACHE}:{what}".encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.name}:{stat.st_size}:{int(stat.st_mtime)}\n".encode())
    return digest.hexdigest()[:16]


def cached(paths: Sequence[Path], shape: tuple[int, int], what: str, make: Callable[[U8], U8], folder: Path) -> U8:
    """Pictures as (n, height, width, 3) uint8, memory-mapped from `folder`.

    make: decoded picture (h, w, 3) -> (height, width, 3). what: names `make` and its settings. A file that was
    not finished (killed in the middle) is made anew: it is written under another name and renamed when complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_key(paths, what)}.npy"
    if not target.exists():
        partial = target.with_suffix(".partial")
        out = open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(paths), *shape, 3))
        for i, path in enumerate(paths):
            out[i] = make(read_picture(path))
        out.flush()
        partial.rename(target)
    return np.asarray(np.load(target, mmap_mode="r"))
