"""The field of view over time: found anew twice a second or when the picture changes, and held still in between.

Pure: the old memory and the time go in, the field and the new memory come out. A crop that wobbles by a pixel would
move every label with it, so a new box is taken only when it differs clearly, and, while the picture stays
much the same, only when it was found twice.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8
from edge.preprocess.field import Detector, Field, FieldKind, find_field

__all__ = ["FieldMemory", "follow"]

CHECK_EVERY_NS = 500_000_000
STEADY = 0.04  # of the picture's long side: edges that moved less did not move
CHANGED_LEVELS = 24.0  # mean absolute difference of thumbnails: another picture, not a moving hand
THUMB_PX = (20, 15)


@dataclass(frozen=True, slots=True, eq=False)
class FieldMemory:
    """size: (width, height) of the pictures it speaks of. held: the field in use. rival: another one, found once so far."""

    size: tuple[int, int]
    held: Field
    rival: Field | None
    checked_ns: int
    thumb: U8


def _thumb(whole: U8) -> U8:
    return np.asarray(cv2.resize(whole, THUMB_PX, interpolation=cv2.INTER_AREA), np.uint8)


def _near(a: Field, b: Field, reach_px: float) -> bool:
    edges = (a.x - b.x, a.y - b.y, a.x + a.w - b.x - b.w, a.y + a.h - b.y - b.h)
    return a.kind == b.kind and max(abs(edge) for edge in edges) <= reach_px


def follow(memory: FieldMemory | None, whole: U8, size: tuple[int, int], detector: Detector, now_ns: int) -> tuple[Field, FieldMemory]:
    """The field of the picture whose small grey copy is `whole`, and what to remember. size: (width, height) of the picture."""
    thumb = _thumb(whole)
    if memory is None or memory.size != size or memory.held.detector != detector:
        found = find_field(whole, *size, detector)
        return found, FieldMemory(size, found, None, now_ns, thumb)
    changed = cv2.norm(thumb, memory.thumb, cv2.NORM_L1) / thumb.size > CHANGED_LEVELS
    due = not 0 <= now_ns - memory.checked_ns < CHECK_EVERY_NS  # a clock that went backwards is a reason to look again
    lost = memory.held.kind is FieldKind.NONE
    if not (changed or due or lost):
        return memory.held, memory
    found = find_field(whole, *size, detector)
    if _near(found, memory.held, STEADY * max(size)):
        return memory.held, FieldMemory(size, memory.held, None, now_ns, thumb)
    confirmed = memory.rival is not None and _near(found, memory.rival, STEADY * max(size))
    if changed or lost or confirmed or found.kind is FieldKind.NONE:
        return found, FieldMemory(size, found, None, now_ns, thumb)
    return memory.held, FieldMemory(size, memory.held, found, now_ns, thumb)
