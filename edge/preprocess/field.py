"""Where in a picture the field of view lies: dermatoscope ring, ultrasound field on a screen, or the whole picture.

Works on a small grey copy of the whole picture. What surrounds a field is dark, and reaches the picture's edges; letters on it are thin.
So: what is lit, letters opened away, the largest piece that is left, its box. A box is believed only when it is a plausible
shape and leaves out a good part of the picture: most pictures that reach a device are already cropped, and for
those the answer must be the whole picture, to the pixel, because the models were trained on it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["Detector", "Field", "FieldKind", "find_field", "whole_picture"]

Detector = Literal["dermatoscope", "ultrasound", "none"]

SMALLEST_SHARE = 0.10  # of the picture's area: below this there is no field of view to speak of
# A lit strip over most of the height is what lost contact leaves of a field; it is left to the quality gate to say so.
SMALLEST_STRIP, STRIP_HEIGHT = 0.04, 0.55
BLACK_LEVEL = 4  # grey value up to which nothing at all is to be seen
BRIGHTEST_BLACK = 24.0  # a surround is not brighter: 16 of limited range and some stray light
MARGIN = 0.06  # of a side: a smaller dark margin stays in the picture; vignettes of cropped pictures lie below it
ASPECT_MIN, ASPECT_MAX = 0.45, 2.6  # width / height of a believable field; a narrower strip is a probe that lost contact
LETTER_SHARE = 0.035  # of the long side: strokes thinner than this are letters, rulers, frames of a screen
DARK_OF_BRIGHT = 0.12  # three quarters of a surround lie below it; a black lesion at the edge does not
LIT_OF_BRIGHT: dict[Detector, float] = {"dermatoscope": 0.16, "ultrasound": 0.065}  # the level between surround and field


class FieldKind(StrEnum):
    WHOLE = "whole picture"
    RING = "ring"
    SCREEN = "field on a screen"
    REGION = "scan region"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Field:
    """A box in pixels of the picture (x, y: left upper corner, zero based), always inside it and at least 1x1.

    share: part of the picture's area that is lit field, 0..1 (0 for NONE, whose box is the whole picture).
    """

    x: int
    y: int
    w: int
    h: int
    kind: FieldKind
    share: float
    detector: Detector

    def crop(self, pixels: U8) -> U8:
        """The field as a view of (h, w, ...) pixels, no copy."""
        return pixels[self.y : self.y + self.h, self.x : self.x + self.w]


def whole_picture(width: int, height: int, detector: Detector, kind: FieldKind = FieldKind.WHOLE, share: float = 1.0) -> Field:
    return Field(0, 0, width, height, kind, share, detector)


def _lit_box(lit: U8) -> tuple[tuple[int, int, int, int], float] | None:
    """(x, y, w, h) of the largest lit piece and its share of the area; None when nothing is lit."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(lit, connectivity=4)
    if count < 2:
        return None
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, w, h, area = (int(v) for v in stats[best])
    return (x, y, w, h), area / lit.size


def _level(whole: U8, share: float) -> float:
    """Grey level at `share` of the way from black (16, not 0, where a grabber sends limited range) to the 98th percentile."""
    black = min(float(whole.min()), BRIGHTEST_BLACK)
    return max(BLACK_LEVEL, black + share * (float(np.percentile(whole, 98)) - black))


def _solid(whole: U8, detector: Detector) -> U8:
    """Lit field as 0/1, letters removed."""
    # Dark tissue is darker than the edge of a ring, so the level lies lower in ultrasound.
    lit = (whole > _level(whole, LIT_OF_BRIGHT[detector])).astype(np.uint8)
    side = max(3, round(LETTER_SHARE * max(whole.shape)) | 1)
    square = np.ones((side, side), np.uint8)
    if detector == "ultrasound":
        lit = np.asarray(cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((side - 2, side - 2), np.uint8)), np.uint8)
    return np.asarray(cv2.morphologyEx(lit, cv2.MORPH_OPEN, square, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _leaves_a_surround(whole: U8, box: tuple[int, int, int, int], detector: Detector) -> bool:
    """Is what lies outside the box a surround, dark and wide, and not the dark part of a subject that fills the picture?"""
    rows, columns = whole.shape
    x, y, w, h = box
    sides = [(x / columns, whole[:, :x]), (1 - (x + w) / columns, whole[:, x + w :]), (y / rows, whole[:y])]
    if detector == "dermatoscope":  # in ultrasound a dark strip at the bottom alone is depth that sends no echo
        sides.append((1 - (y + h) / rows, whole[y + h :]))
    dark = _level(whole, DARK_OF_BRIGHT)
    wide = [strip for share, strip in sides if share >= MARGIN]
    return bool(wide) and all(float(np.percentile(strip, 75)) <= dark for strip in wide)


def find_field(whole: U8, width: int, height: int, detector: Detector) -> Field:
    """Small grey copy (h, w) uint8 of a picture of width x height pixels -> its field of view."""
    if detector == "none":
        return whole_picture(width, height, detector)
    found = _lit_box(_solid(whole, detector))
    nothing = whole_picture(width, height, detector, FieldKind.NONE, 0.0)
    if int(whole.max()) <= BLACK_LEVEL or found is None:
        return nothing
    (x, y, w, h), share = found
    is_strip = share >= SMALLEST_STRIP and h >= STRIP_HEIGHT * whole.shape[0]
    if share < SMALLEST_SHARE and not is_strip:
        return nothing
    rows, columns = whole.shape
    box_aspect = w * width / columns / (h * height / rows)
    if not _leaves_a_surround(whole, (x, y, w, h), detector) or not ASPECT_MIN <= box_aspect <= ASPECT_MAX:
        return whole_picture(width, height, detector, share=share)
    left, top = x * width // columns, y * height // rows
    right, bottom = -(-(x + w) * width // columns), -(-(y + h) * height // rows)
    kind = FieldKind.RING if detector == "dermatoscope" else FieldKind.SCREEN
    return Field(left, top, right - left, bottom - top, kind, share, detector)
