"""A teacher that exists only as embeddings someone computed (Derm Foundation): a table of rows and a list of picture names."""

import csv
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edge.errors import InputRefused
from edge.frame import F32
from export.teach.teacher import TeacherIdentity, TeacherSpec

__all__ = ["StoredTeacher"]


def _rows(path: Path) -> F32:
    try:
        loaded = np.load(path, allow_pickle=False)
        rows = loaded if isinstance(loaded, np.ndarray) else loaded["embeddings" if "embeddings" in loaded.files else loaded.files[0]]
    except (OSError, ValueError, EOFError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise InputRefused(f"{path}: no table of embeddings ({error})", do="save float32 (n, d) with numpy, without objects") from error
    if rows.ndim != 2 or rows.dtype.kind != "f" or not rows.size:
        raise InputRefused(f"{path}: {rows.shape} {rows.dtype} is no table of embeddings", do="save float32 (n, d)")
    if not np.isfinite(rows).all():
        raise InputRefused(f"{path}: row {int((~np.isfinite(rows)).any(1).argmax())} is not finite", do="compute the embeddings again")
    return np.asarray(rows, np.float32)


def _names(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(
            f"{path}: no list of picture names ({error})", do="a CSV whose column 'image' names a picture per row"
        ) from error
    if not lines or "image" not in lines[0]:
        raise InputRefused(f"{path}: no column 'image'", do="a CSV whose column 'image' names a picture per row")
    at = lines[0].index("image")
    return [line[at] if at < len(line) else "" for line in lines[1:]]


class StoredTeacher:
    """source: .npy or .npz (n, d); option names: the CSV, by default beside it with the same stem."""

    def __init__(self, spec: TeacherSpec, *, licence: str, proof: str) -> None:
        path = Path(spec.source)
        listed = Path(str(spec.options.get("names", path.with_suffix(".csv"))))
        rows, names = _rows(path), _names(listed)
        if len(rows) != len(names):
            raise InputRefused(f"{path}: {len(rows)} embeddings for {len(names)} names in {listed}", do="a name per row, in the same order")
        if len(set(names)) != len(names):
            again = next(n for n in names if names.count(n) > 1)
            raise InputRefused(f"{listed}: {again!r} stands there twice", do="one row per picture")
        self._rows, self._row_of = rows, {name: row for row, name in enumerate(names)}
        self.size = (spec.height_px, spec.width_px)
        digest = hashlib.sha256(path.read_bytes() + listed.read_bytes()).hexdigest()
        self.identity = TeacherIdentity(
            name=f"{spec.adapter}:{path.name}", source=spec.source, sha256=digest, licence=licence, proof=proof, matched=0, left_over=0
        )

    def features(self, x: Tensor) -> Tensor:  # noqa: ARG002
        raise InputRefused(f"{self.identity.name}: only stored embeddings, it cannot look at a picture", do="ask it by picture name")

    def named(self, names: tuple[str, ...]) -> Tensor:
        missing = [name for name in names if name not in self._row_of]
        if missing:
            raise InputRefused(f"{self.identity.name}: no embedding for {missing[0]!r} ({len(missing)} missing)", do="compute them too")
        return torch.from_numpy(self._rows[[self._row_of[name] for name in names]])
