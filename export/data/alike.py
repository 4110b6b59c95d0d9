"""Pictures that are the same to the eye: small grey copies that correlate. Finds copies that were scaled, compressed or relit, none
that were turned or cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.errors import InputRefused
from edge.frame import F32, U8
from export.data.table import Side

__all__ = ["Alike", "alike_pairs", "refuse_alike", "small_copies"]

SIDE_PX = 16  # 256 numbers a picture: compression is gone, the layout of a lesion is not
BLOCK = 1024


@dataclass(frozen=True, slots=True, order=True)
class Alike:
    """Places of two pictures, a < b, and the correlation of their small copies."""

    a: int
    b: int
    correlation: float


def small_copies(pixels: U8) -> F32:
    """(n, h, w, 3) uint8 -> (n, 256) float32, each row of mean 0 and length 1; a flat picture is a row of zeros."""
    rows = [cv2.resize(cv2.cvtColor(np.asarray(p), cv2.COLOR_RGB2GRAY), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for p in pixels]
    flat = np.stack(rows).reshape(len(rows), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length > 1, flat / np.maximum(length, 1), 0).astype(np.float32)


def alike_pairs(copies: F32, at_least: float) -> tuple[Alike, ...]:
    """All pairs of rows that correlate at least so much, block by block."""
    found = []
    for top in range(0, len(copies), BLOCK):
        for left in range(top, len(copies), BLOCK):
            close = copies[top : top + BLOCK] @ copies[left : left + BLOCK].T
            for i, j in np.argwhere(close >= at_least):
                if top + i < left + j:
                    found.append(Alike(int(top + i), int(left + j), round(float(close[i, j]), 4)))
    return tuple(sorted(found))


def refuse_alike(pixels: Mapping[Side, U8], names: Mapping[Side, Sequence[str]], at_least: float) -> None:
    """Raises InputRefused when a picture of train or choice is alike to one of dev: the pairs belong in one cluster."""
    sides = [side for side, some in pixels.items() if len(some)]
    copies = np.concatenate([small_copies(pixels[side]) for side in sides])
    where = [(side, name) for side in sides for name in names[side]]
    judging = (Side.FIT, Side.CONFORMAL)
    across = [p for p in alike_pairs(copies, at_least) if (where[p.a][0] in judging) != (where[p.b][0] in judging)]
    if across:
        first = max(across, key=lambda pair: pair.correlation)
        raise InputRefused(
            f"{len(across)} pictures of train are alike to pictures of dev, first {where[first.a][1]} and {where[first.b][1]} "
            f"(correlation {first.correlation:.3f})",
            do="look at them, and name them in data.duplicates.pairs (sonoderm export duplicates RECIPE writes such a table)",
        )
