"""Pictures decoded once into a memory-mapped array, keyed by the digest of what went in."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edge.errors import InputRefused
from edge.frame import U8
from export.data.shots import Shot, read_shots
from export.store import finished, reserved

__all__ = ["cached"]

RECIPE_OF_CACHE = 2  # raise it when the meaning of the stored pixels changes


def _key(shots: Sequence[Shot], what: str) -> str:
    """Of the files' content, not of their names or times: a copied or touched data set is the same one, a changed file is not."""
    digest, known = hashlib.sha256(f"{RECIPE_OF_CACHE}:{what}".encode()), dict[Path, str]()
    for shot in shots:
        if shot.file not in known:
            try:
                with shot.file.open("rb") as file:
                    known[shot.file] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise InputRefused(f"{shot.file}: {error.strerror}", do="complete the data set") from error
        digest.update(f"{known[shot.file]}:{shot.frame}\n".encode())
    return digest.hexdigest()[:16]


def cached(shots: Sequence[Shot], shape: tuple[int, int], what: str, make: Callable[[U8], U8], folder: Path) -> U8:
    """Pictures as (n, height, width, 3) uint8, memory-mapped from `folder`, in the order of `shots`.

    make: decoded picture (h, w, 3) -> (height, width, 3). what: names `make` and its settings. A file that was not finished
    (killed in the middle) is made anew. Raises InputRefused for a picture that cannot be read, OSError for a full disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_key(shots, what)}.npy"
    if not target.exists():
        with finished(target) as partial:
            out = reserved(partial, (len(shots), *shape, 3))
            for i, picture in read_shots(shots):
                out[i] = make(picture)
            out.flush()
    return np.asarray(np.load(target, mmap_mode="r"))
